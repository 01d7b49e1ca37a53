"""A picture with the boxes found in it, and the scores that they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.facts import facts_at_foot
from convlab.viz.tiles import arrange, framed, overlap

FOUND, WRONG, MISSED = "found", "wrong", "missed"
"""What a box is: an answer, one that the truth denies, and a truth that was not found."""


def detections(
    image: ArrayLike,
    boxes: ArrayLike,
    labels: Sequence[str],
    kinds: Sequence[str],
    maps: Sequence[tuple[str, ArrayLike]],
    *,
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A picture with labelled boxes, and beside it the probability of each class everywhere in it.

    image: (1, H, W) or (3, H, W), uint8.  boxes: (M, 4), top, left, bottom, right in
    pixels; labels: M texts such as "7 0.98"; kinds: M of FOUND, WRONG (in the mistake's
    colour) and MISSED (dashed).  A label that finds no room is left out.
    maps: class names with arrays (H, W) of probabilities, all on one scale from 0 to 1.
    facts: (label, text) pairs below.

    Raises ShapeError unless there are as many labels and kinds as boxes, and for no maps, SpecError
    for an unknown theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    if not len(boxes) == len(labels) == len(kinds):
        raise ShapeError(
            f"expected a label and a kind for each of {len(boxes)} boxes, got {len(labels)} and"
            f" {len(kinds)}"
        )
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    if not arrays:
        raise ShapeError("expected at least one map of scores, got none")
    canvas = Canvas(size, theme, aspect=1.1)
    canvas.headline(title, subtitle, canvas.theme.output)
    facts_at_foot(canvas, facts, lambda bottom: bottom - canvas.top >= 0.3 * canvas.width)
    small, (rows, columns) = canvas.size.small, rgb.shape[:2]
    head = small * LINE + 0.3 * small
    height = canvas.inner_height - head
    cell = min(0.55 * canvas.inner_width / columns, height / rows)
    place = canvas.left, canvas.top + head, cell * columns, cell * rows
    framed(canvas, rgb, place, "picture", canvas.theme.input, head=head, px=small)
    _draw_boxes(canvas, boxes[:, [1, 0, 3, 2]] * cell, labels, kinds, place)

    start = canvas.left + cell * columns + 36 * canvas.unit
    scale = style.Scale(0.0, 1.0, style.activation_scale(np.zeros(1)).colours)
    bar = ColourBar(canvas, scale, "probability")
    room = canvas.right - start - bar.width - 20 * canvas.unit, canvas.inner_height
    look = {"gap": 0.7 * small, "label": small * LINE}
    grid = arrange(len(arrays), *room, arrays[0].shape, **look)
    for index, ((name, _), array) in enumerate(zip(maps, arrays, strict=True)):
        left, top, *_ = place = grid.place(index, start, canvas.top)
        canvas.text(left, top - small * LINE, name, px=small, width=grid.width)
        canvas.array(array, scale, *place, canvas.theme.hairline)
    left = start + grid.total_width + 20 * canvas.unit
    bar.draw(left, canvas.top, min(height, 0.6 * canvas.height))
    return canvas.figure


def _draw_boxes(
    canvas: Canvas,
    boxes: NDArray,
    labels: Sequence[str],
    kinds: Sequence[str],
    frame: tuple[float, float, float, float],
) -> None:
    """Boxes (left, top, right, bottom), their labels at the first corner with room for them."""
    left, top, across, tall = frame
    px, theme = canvas.size.small, canvas.theme
    taken: list[tuple[float, float, float, float]] = []
    colours = {FOUND: theme.output, WRONG: theme.mistake, MISSED: theme.mistake}
    for (x0, y0, x1, y1), kind in zip(boxes, kinds, strict=True):
        place = left + x0, top + y0, x1 - x0, y1 - y0
        # A dark line below it separates a box from ink of any brightness.
        canvas.box(*place, edge="#000000", stroke=0.9 * canvas.size.thick)
        stroke = 0.5 * canvas.size.thick
        canvas.box(*place, edge=colours[kind], stroke=stroke, dashed=kind == MISSED)
    for box, label, kind in zip(boxes, labels, kinds, strict=True):
        chips = [
            chip
            for chip in _chips(box, canvas.measure(label, px, True) + 0.5 * px, 1.3 * px)
            if min(chip[:2]) >= 0
            and chip[2] <= across
            and chip[3] <= tall
            and not any(overlap(chip, other) for other in taken)
        ]
        if not chips:
            continue
        # The first that covers the fewest other boxes.
        x0, y0, x1, y1 = chip = min(chips, key=lambda c: sum(overlap(c, other) for other in boxes))
        taken.append(chip)
        colour = colours[kind]
        fill, ink = (theme.ground, colour) if kind == MISSED else (colour, style.ink_on(colour))
        canvas.box(left + x0, top + y0, x1 - x0, y1 - y0, fill=fill)
        x, y = left + x0 + 0.25 * px, top + (y0 + y1) / 2
        canvas.text(x, y, label, "lm", px=px, colour=ink, bold=True)


def _chips(box: NDArray, width: float, height: float) -> list[tuple[float, float, float, float]]:
    """Where a label may go: above, below and beside a box, as (left, top, right, bottom)."""
    x0, y0, x1, y1 = box
    middle, above = (x0 + x1 - width) / 2, y0 - height
    corners = [(x0, above), (x0, y1), (x1 - width, above), (x1 - width, y1)]
    corners += [(middle, above), (middle, y1), (x1, y0), (x0 - width, y0)]
    corners += [(x1, y1 - height), (x0 - width, y1 - height)]
    return [(x, y, x + width, y + height) for x, y in corners]
