"""A picture with the boxes that were found in it, and the scores that they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.attribution import facts_at_foot, room_above
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.tiles import arrange

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
    """A picture with labelled boxes, and beside it the probability of each class all over it.

    image: (1, H, W) or (3, H, W), uint8.  boxes: (M, 4), top, left, bottom, right in
    pixels; labels: M texts such as "7 0.98"; kinds: M of FOUND, WRONG (in the mistake's
    colour, with a cross) and MISSED (dashed).  A label that finds no room is left out.
    maps: class names with arrays (H, W) of probabilities, all on one scale from 0 to 1.
    facts: (label, text) pairs that stand below.

    Raises ShapeError for another number of labels or kinds than boxes and for no maps,
    SpecError for an unknown theme or size.
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
    # On a small canvas the picture comes before the last facts.
    while len(facts) > 1 and room_above(canvas, facts) - canvas.top < 0.3 * canvas.width:
        facts = facts[:-1]
    foot = facts_at_foot(canvas, facts)
    small, unit, rows, columns = canvas.size.small, canvas.unit, *rgb.shape[:2]
    head = small * LINE + 0.3 * small
    height = foot - canvas.top - head
    cell = min(0.55 * canvas.inner_width / columns, height / rows)
    across, tall = cell * columns, cell * rows
    left, top = canvas.left, canvas.top + head
    canvas.text(left, canvas.top, "picture", px=small, colour=canvas.theme.input, bold=True)
    canvas.picture(rgb, left, top, across, tall)
    canvas.box(left, top, across, tall, edge=canvas.theme.input)
    _draw_boxes(canvas, boxes * cell, labels, kinds, (left, top, across, tall))

    start = left + across + 36 * unit
    scale = style.Scale(0.0, 1.0, style.activation_scale(np.zeros(1)).colours)
    bar = ColourBar(canvas, scale, "probability").width
    room = canvas.right - start - bar - 20 * unit
    grid = arrange(
        len(arrays), room, height + head, arrays[0].shape, gap=0.7 * small, label=small * LINE
    )
    for index, ((name, _), array) in enumerate(zip(maps, arrays, strict=True)):
        x, y = grid.corner(index)
        words = canvas.fit(name, grid.width, small)[0]
        canvas.text(start + x, canvas.top + y - small * LINE, words, px=small, width=grid.width)
        canvas.array(
            array, scale, start + x, canvas.top + y, grid.width, grid.height, canvas.theme.hairline
        )
    bar_left = start + grid.total_width + 20 * unit
    ColourBar(canvas, scale, "probability").draw(
        bar_left, canvas.top, min(height, 0.6 * canvas.height)
    )
    return canvas.figure


def _draw_boxes(
    canvas: Canvas,
    boxes: NDArray,
    labels: Sequence[str],
    kinds: Sequence[str],
    frame: tuple[float, float, float, float],
) -> None:
    """Boxes in pixels of the drawing, their labels at the first corner with room for them."""
    left, top, across, tall = frame
    px, taken = canvas.size.small, []
    others = [(x0, y0, x1, y1) for y0, x0, y1, x1 in boxes]
    colours = {
        FOUND: canvas.theme.output,
        WRONG: canvas.theme.mistake,
        MISSED: canvas.theme.mistake,
    }
    for (y0, x0, y1, x1), kind in zip(boxes, kinds, strict=True):
        place = left + x0, top + y0, x1 - x0, y1 - y0
        # A dark line below it parts a box from ink of any brightness.
        canvas.box(*place, edge="#000000", stroke=0.9 * canvas.size.thick)
        canvas.box(
            *place, edge=colours[kind], stroke=0.5 * canvas.size.thick, dashed=kind == MISSED
        )
    for (y0, x0, y1, x1), label, kind in zip(boxes, labels, kinds, strict=True):
        width, high = canvas.measure(label, px, True) + 0.5 * px, 1.3 * px
        middle = (x0 + x1 - width) / 2
        corners = [(x0, y0 - high), (x0, y1), (x1 - width, y0 - high), (x1 - width, y1)]
        corners += [(middle, y0 - high), (middle, y1), (x1, y0), (x0 - width, y0)]
        corners += [(x1, y1 - high), (x0 - width, y1 - high)]
        chips = [(x, y, x + width, y + high) for x, y in corners]
        free = [
            chip
            for chip in chips
            if min(chip[:2]) >= 0
            and chip[2] <= across
            and chip[3] <= tall
            and not any(_meet(chip, other) for other in taken)
        ]
        if not free:
            continue
        # The first that covers the fewest other boxes.
        chip = min(free, key=lambda one: sum(_meet(one, box) for box in others))
        x, y = chip[:2]
        taken.append(chip)
        fill = canvas.theme.ground if kind == MISSED else colours[kind]
        canvas.box(left + x, top + y, width, high, fill=fill)
        canvas.text(
            left + x + 0.25 * px,
            top + y + high / 2,
            label,
            "lm",
            px=px,
            colour=colours[kind] if kind == MISSED else style.ink_on(fill),
            bold=True,
        )


def _meet(one: tuple, other: tuple) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
