"""An image, which pixel belongs to which class, and a network's answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.tiles import Panels, framed, overlap

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
    """An image and the classes of its pixels, in as many panels as there are masks.

    image: (1, H, W) or (3, H, W), uint8.  masks: headings with class numbers (H, W), 0 for
    the background, and marks, names above or below pieces of it, so that classes are not
    distinguished by colour alone.  The last mask is the network's answer.  classes: all names, the
    background's first.  facts: (label, text) pairs below.

    Raises ShapeError for a mask whose size is not the image's and for numbers without a class,
    SpecError for an unknown theme or size.
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
    small, fills = canvas.size.small, class_colours(len(classes), canvas)
    head = canvas.size.label * LINE + 0.3 * small
    room = {"head": head, "below": 2.6 * small}
    panels = Panels(canvas, 1 + len(masks), rgb.shape[:2], facts, **room)
    look = {"head": head, "width": panels.slot}
    framed(canvas, rgb, panels.place(0), "image", canvas.theme.input, **look)
    for index, (name, _, marks) in enumerate(masks, 1):
        colour = canvas.theme.output if index == len(masks) else canvas.theme.quiet
        place, shades = panels.place(index), fills[arrays[index - 1]]
        framed(canvas, shades, place, name, colour, **look)
        _draw_marks(canvas, marks, place, panels.cell)
    _legend(canvas, classes[1:], fills[1:], panels.top + panels.height + 1.1 * small)
    return canvas.figure


def class_colours(count: int, canvas: Canvas) -> NDArray:
    """A colour for each class as bytes (count, 3): the hairline's fill for the background.

    The roles' own, which are distinct for all kinds of colour vision, then pale ones in another
    order; shades of one map if there are more classes than that.
    """
    theme = canvas.theme
    full = [theme.input, theme.window, theme.output, theme.mistake, theme.quiet]
    pale = [style.blend(full[k], theme.ground, 0.5) for k in (1, 0, 3, 4, 2)]
    shades = full + pale if count <= 11 else style.shared_colours(count - 1, theme)
    return np.array([style.rgb_bytes(one) for one in [theme.hairline_fill, *shades][:count]])


def _draw_marks(
    canvas: Canvas, marks: Sequence[Mark], place: tuple[float, float, float, float], cell: float
) -> None:
    """Texts above their places, or below, as far as they fit side by side."""
    left, top, across, tall = place
    px = canvas.size.small
    taken: list[tuple[float, float, float, float]] = []
    for text, upper, lower, column in marks:
        width, high = canvas.measure(text, px, True) + 0.4 * px, 1.25 * px
        x = min(max(column * cell - width / 2, 0.0), across - width)
        y = upper * cell - high - 0.1 * px
        if y < 0:
            y = min(lower * cell + 0.1 * px, tall - high)
        box = x, y, x + width, y + high
        if not any(overlap(box, other) for other in taken):
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
