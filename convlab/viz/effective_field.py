"""How much each pixel that a unit sees weighs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.boxed_image import Box, BoxedImage, check_box, checked_image
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.facts import fact_columns

HALF = "inner frame: half of the gradient"


def effective_field(
    *,
    gradient: ArrayLike,
    box: Box,
    half: Box | None,
    image: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    facts: Sequence[tuple[str, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The pixels that a unit sees in theory, beside how much each of them weighs.

    gradient: (H, W), not negative, the mean absolute gradient with respect to each pixel.  box:
    (top, left, bottom, right), the theoretical field, and half: the box that holds
    half of the gradient, None if all is 0; half-open, in input pixels.  image:
    (1, H, W) or (3, H, W); None draws the grid of pixels.  facts: (label, text) pairs below.

    Raises ShapeError for empty boxes and arrays of other sizes, SpecError for an
    unknown theme or size.
    """
    values = np.asarray(gradient, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeError(f"expected a gradient (H, W), got {values.shape}")
    check_box(box)
    rgb = checked_image(image, values.shape)
    canvas = Canvas(size, theme, aspect=0.8)
    canvas.headline(title, subtitle, canvas.theme.window)
    height = fact_columns(canvas, facts) - canvas.top
    bar = ColourBar(canvas, style.activation_scale(np.append(values, 0.0)), "gradient")
    small, gap = canvas.size.small, 2.5 * canvas.size.label
    head = (canvas.size.label + small) * LINE + 0.4 * small
    room = (canvas.inner_width - bar.width - 2 * gap) / 2
    boxed = BoxedImage(canvas, values.shape, [box])
    pixel = boxed.largest_pixel(room, height - head)
    rows, columns = (length * pixel for length in boxed.shape)
    second = canvas.left + max(columns, room) + gap
    theory, measured = _notes(boxed, half, room)
    window, output = canvas.theme.window, canvas.theme.output
    canvas.heading(canvas.left, "theory", [theory], colour=window, width=room)
    canvas.heading(second, "measured", [measured], colour=output, width=room)
    boxed = boxed.at(canvas.left, canvas.top + head, pixel)
    boxed.draw(rgb, box)
    beside = boxed.at(second, boxed.top, pixel)
    beside.cells(box).box(canvas.theme.hairline, canvas.theme.hairline_fill, dashed=True)
    beside.cells().shades(values, bar.scale, canvas.theme.input)
    beside.frame(box, canvas.size.thick)
    if half is not None and half[2] > half[0] and half[3] > half[1]:
        beside.frame(half, 0.5 * canvas.size.thick, output)
    left = min(
        second + max(columns, canvas.measure(measured, small)) + gap, canvas.right - bar.width
    )
    bar.draw(left, canvas.top, min(rows + head, height))
    return canvas.figure


def _notes(boxed: BoxedImage, half: Box | None, room: float) -> tuple[str, str]:
    """The text above the theory and above the measurement, in full if there is room."""
    canvas, ((top, left, bottom, right),) = boxed.canvas, boxed.boxes
    theory = style.size_text(bottom - top, right - left)
    full = f"{theory}, dashed: padding"
    if boxed.padded and canvas.measure(full, canvas.size.small) <= room:
        theory = full
    if half is None:
        return theory, "no pixel changes the unit"
    fits = canvas.measure(HALF, canvas.size.small) <= room
    return theory, HALF if fits else "inner frame: half"
