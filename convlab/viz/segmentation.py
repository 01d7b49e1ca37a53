"""An image, which pixel belongs to which class, and what a network answered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.attribution import facts_at_foot, room_above
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.tiles import whole_cells

Mark = tuple[str, float, float, float]  # text; top, bottom and middle column of what it names


def segmentation(
    image: ArrayLike,
    masks: Sequence[tuple[str, ArrayLike, Sequence[Mark]]],
    classes: Sequence[str],
    *,
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image and the classes of its pixels, as many panels as there are masks.

    image: (1, H, W) or (3, H, W), uint8.  masks: headings with class numbers (H, W), 0 for
    the background, and marks, names above or below pieces of it, so that colour is not
    alone to tell the classes.  The last mask is the network's answer.  classes: all names,
    the background's first.  facts: (label, text) pairs that stand below.

    Raises ShapeError for a mask of another size than the image and for numbers without a
    class, SpecError for an unknown theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(mask) for _, mask, _ in masks]
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected masks {rgb.shape[:2]} as the image, got {array.shape}")
        if array.min() < 0 or array.max() >= len(classes):
            raise ShapeError(f"expected class numbers 0 to {len(classes) - 1} in the masks")
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.output)
    small, unit = canvas.size.small, canvas.unit
    rows, columns = rgb.shape[:2]
    head, between = canvas.size.label * LINE + 0.3 * small, 26 * unit
    legend = 2.6 * small
    width = (canvas.inner_width - len(masks) * between) / (1 + len(masks))

    def cell_above(facts: Sequence[tuple[str, str]]) -> float:
        height = room_above(canvas, facts) - canvas.top - head - legend
        return whole_cells(width, height, rows, columns)

    # On a small canvas the picture comes before the last facts.
    while len(facts) > 1 and cell_above(facts) < 0.75 * cell_above(facts[:1]):
        facts = facts[:-1]
    cell, foot = cell_above(facts), facts_at_foot(canvas, facts)
    across, tall = cell * columns, cell * rows
    spare = foot - canvas.top - head - tall - legend
    top = canvas.top + min(max(spare, 0.0) / 3, 1.5 * canvas.size.label)
    fills = class_colours(len(classes), canvas)
    names = ["image", *(name for name, _, _ in masks)]
    inks = [canvas.theme.input, *[canvas.theme.quiet] * (len(masks) - 1), canvas.theme.output]
    for index, (name, ink) in enumerate(zip(names, inks, strict=True)):
        left = canvas.left + index * (width + between)
        canvas.text(left, top, name, colour=ink, bold=True, width=width)
        y = top + head
        shown = rgb if index == 0 else fills[arrays[index - 1]]
        canvas.picture(shown, left, y, across, tall)
        canvas.box(left, y, across, tall, edge=canvas.theme.input if index == 0 else ink)
        if index:
            _draw_marks(canvas, masks[index - 1][2], left, y, cell, across, tall)
    _legend(canvas, classes[1:], fills[1:], top + head + tall + 1.1 * small)
    return canvas.figure


def class_colours(count: int, canvas: Canvas) -> NDArray:
    """A colour for each class as bytes (count, 3): the hairline's fill for the background.

    The roles' own, which all kinds of sight keep apart, then pale ones in another order;
    shades of one map where there are more classes than that.
    """
    theme = canvas.theme
    full = [theme.input, theme.window, theme.output, theme.mistake, theme.quiet]
    pale = [style.blend(full[k], theme.ground, 0.5) for k in (1, 0, 3, 4, 2)]
    shades = full + pale if count <= 11 else style.shared_colours(count - 1, theme)
    fills = [theme.hairline_fill, *shades][:count]
    return np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in fills], np.uint8)


def _draw_marks(
    canvas: Canvas,
    marks: Sequence[Mark],
    left: float,
    top: float,
    cell: float,
    across: float,
    tall: float,
) -> None:
    """Texts above their places, or below, as far as they find room beside each other."""
    px, taken = canvas.size.small, []
    for text, upper, lower, column in marks:
        width, high = canvas.measure(text, px, True) + 0.4 * px, 1.25 * px
        x = min(max(column * cell - width / 2, 0.0), across - width)
        y = upper * cell - high - 0.1 * px
        if y < 0:
            y = min(lower * cell + 0.1 * px, tall - high)
        box = (x, y, x + width, y + high)
        if any(
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
            for other in taken
        ):
            continue
        taken.append(box)
        canvas.box(left + x, top + y, width, high, fill=canvas.theme.ground)
        canvas.text(left + x + width / 2, top + y + high / 2, text, "mm", px=px, bold=True)


def _legend(canvas: Canvas, names: Sequence[str], fills: NDArray, y: float) -> None:
    """A chip of each class's colour with its name, side by side, as many as fit."""
    small, x = canvas.size.small, canvas.left
    widths = [1.5 * small + canvas.measure(name, small) for name in names]
    spare = canvas.inner_width - sum(widths)
    gap = max(0.4 * small, min(1.2 * small, spare / max(1, len(names) - 1)))
    for name, fill, width in zip(names, fills, widths, strict=True):
        if x + width > canvas.right:
            return
        canvas.picture(fill[None, None], x, y, 1.1 * small, 1.1 * small)
        canvas.text(x + 1.5 * small, y + 0.55 * small, name, "lm", px=small)
        x += width + gap
