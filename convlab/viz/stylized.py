"""A picture in the style of another, beside the two that it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz.attribution import facts_at_foot, room_above
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.line_plot import line_plot

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
    """Content and style on the left, one above the other, and what came of them on the right.

    content, style, result: (3, H, W), uint8.  losses: those of each step from 0, as a
    curve beside the result where there is room; ``of``: how many there will be, and
    ``span`` the smallest and largest of them above 0, so that the frames of an animation
    share their axes.  names: headings of the two sources.
    facts: (label, text) pairs that stand below.

    Raises ShapeError for other arrays, SpecError for an unknown theme or size.
    """
    pictures = [image_rgb(np.asarray(one)) for one in (content, style, result)]
    values = np.asarray(losses, dtype=float)
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ShapeError(f"expected a row of losses of at least 0, got shape {values.shape}")
    above_zero = values[values > 0]  # what a logarithmic axis has a place for
    canvas = Canvas(size, theme, aspect=0.6)
    canvas.headline(title, subtitle, canvas.theme.output)
    while len(facts) > 1 and room_above(canvas, facts) - canvas.top < 0.3 * canvas.width:
        facts = facts[:-1]
    foot = facts_at_foot(canvas, facts)
    small, label, unit = canvas.size.small, canvas.size.label, canvas.unit
    head, gap = label * LINE + 0.2 * small, 30 * unit
    width, height = canvas.inner_width, foot - canvas.top
    ratios = [rgb.shape[1] / rgb.shape[0] for rgb in pictures]
    # The curve stands right of the result on a wide canvas, and is left out on a narrow one.
    of = max(of, len(values))
    wide = 0.24 * width > 14 * small and width > 1.6 * height
    plot = 0.24 * width if of > 2 and wide and (span or above_zero.size) else 0.0
    room = width - gap - (plot + gap if plot else 0.0)
    # Both sources one above the other are as high as the result.
    tall = height - head
    each = (tall - head - 0.5 * gap) / 2
    least = max(ratios[0], ratios[1]) * each + ratios[2] * tall
    shrink = min(1.0, room / least)
    large = tall * shrink
    each = (large - head - 0.5 * gap) / 2
    aside = max(ratios[0], ratios[1]) * each
    top = canvas.top + (tall - large) / 3
    inks = (canvas.theme.input, canvas.theme.window)
    for number, (name, ink) in enumerate(zip(names, inks, strict=True)):
        y = top + number * (head + each + 0.5 * gap)
        across = ratios[number] * each
        canvas.text(canvas.left, y, name, colour=ink, bold=True, width=aside)
        canvas.picture(pictures[number], canvas.left, y + head, across, each)
        canvas.box(canvas.left, y + head, across, each, edge=ink)
    left, across = canvas.left + aside + gap, ratios[2] * large
    canvas.text(left, top, "result", colour=canvas.theme.output, bold=True, width=across)
    canvas.picture(pictures[2], left, top + head, across, large)
    canvas.box(left, top + head, across, large, edge=canvas.theme.output)
    if plot:
        start = left + across + 1.4 * gap
        logs = np.log10(np.where(values > 0, values, np.nan))
        low, high = np.log10(span or (above_zero.min(), above_zero.max()))
        place = (start, top, canvas.right - start, min(head + large, 0.75 * (canvas.right - start)))
        axes = line_plot(
            canvas,
            place,
            (0, of - 1),
            (float(low), float(high) + 1e-6),
            x_label="step",
            y_label=LOSS,
            whole=True,
        )
        steps = np.arange(len(values))
        canvas.line(
            axes.at_x(steps), axes.at_y(logs), canvas.theme.output, stroke=0.5 * canvas.size.thick
        )
    return canvas.figure
