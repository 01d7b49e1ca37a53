"""A picture in the style of another, beside the two that it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.facts import facts_at_foot
from convlab.viz.line_plot import line_plot
from convlab.viz.tiles import framed

LOSS = "loss, logarithm to base 10"


def stylized(
    content: ArrayLike,
    style: ArrayLike,
    result: ArrayLike,
    losses: Sequence[float] = (),
    *,
    of: int = 0,
    span: tuple[float, float] | None = None,
    names: tuple[str, str] = ("content", "style"),
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Content and style on the left, one above the other, and the result on the right.

    content, style, result: (3, H, W), uint8.  losses: one per step from 0, as a curve beside the
    result if there is room; ``of``: how many there will be, and ``span`` the smallest and largest
    of them above 0, so that the frames of an animation share their axes.  names: headings of the
    two sources.
    facts: (label, text) pairs below.

    Raises ShapeError for other arrays, SpecError for an unknown theme or size.
    """
    *sources, made = (image_rgb(np.asarray(one)) for one in (content, style, result))
    values = np.asarray(losses, dtype=float)
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ShapeError(f"expected a row of losses of at least 0, got shape {values.shape}")
    above_zero = values[values > 0]  # what a logarithmic axis can show
    if span is None and above_zero.size:
        span = above_zero.min(), above_zero.max()
    canvas = Canvas(size, theme, aspect=0.6)
    canvas.headline(title, subtitle, canvas.theme.output)
    facts_at_foot(canvas, facts, lambda bottom: bottom - canvas.top >= 0.3 * canvas.width)
    small, gap, width = canvas.size.small, 30 * canvas.unit, canvas.inner_width
    head = canvas.size.label * LINE + 0.2 * small
    # The curve is to the right of the result on a wide canvas, and is left out on a narrow one.
    of = max(of, len(values))
    if of <= 2 or 0.24 * width <= 14 * small or width <= 1.6 * canvas.inner_height:
        span = None
    room = width - gap - (0.24 * width + gap if span else 0.0)
    # Both sources one above the other are as high as the result.
    tall, widest = canvas.inner_height - head, max(map(_ratio, sources))
    least = widest * (tall - head - 0.5 * gap) / 2 + _ratio(made) * tall
    large = tall * min(1.0, room / least)
    each = (large - head - 0.5 * gap) / 2
    top = canvas.top + (tall - large) / 3 + head
    inks = canvas.theme.input, canvas.theme.window
    for at, (rgb, name, ink) in enumerate(zip(sources, names, inks, strict=True)):
        y = top + at * (head + each + 0.5 * gap)
        place = canvas.left, y, _ratio(rgb) * each, each
        framed(canvas, rgb, place, name, ink, head=head, width=widest * each)
    left, across = canvas.left + widest * each + gap, _ratio(made) * large
    framed(canvas, made, (left, top, across, large), "result", canvas.theme.output, head=head)
    if span:
        left += across + 1.4 * gap
        room = canvas.right - left
        _curve(canvas, (left, top - head, room, min(head + large, 0.75 * room)), values, of, span)
    return canvas.figure


def _ratio(rgb: NDArray) -> float:
    return rgb.shape[1] / rgb.shape[0]


def _curve(
    canvas: Canvas,
    place: tuple[float, float, float, float],
    losses: NDArray,
    of: int,
    span: tuple[float, float],
) -> None:
    """The losses so far, of ``of`` between the two of ``span``, on a logarithmic axis."""
    low, high = np.log10(span)
    ranges = (0, of - 1), (float(low), float(high) + 1e-6)
    axes = line_plot(canvas, place, *ranges, x_label="step", y_label=LOSS, whole=True)
    xs = axes.at_x(np.arange(len(losses)))
    ys = axes.at_y(np.log10(np.where(losses > 0, losses, np.nan)))
    canvas.line(xs, ys, canvas.theme.output, stroke=0.5 * canvas.size.thick)
