"""Activation functions and their gradients as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import line_plot

MOST = 4  # functions; more panels would be too narrow


@dataclass(frozen=True, eq=False)
class ActivationCurve:
    """One function over x (n,), ascending: its outputs and gradients (n,), its name and formula.

    ``notes`` are the lines below the gradient.
    """

    name: str
    formula: str
    x: NDArray
    output: NDArray
    gradient: NDArray
    notes: tuple[str, ...] = ()


def activations(
    curves: Sequence[ActivationCurve],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A column for each function: its output above, its gradient below, over the same x.

    Each output has its own scale, as its ticks show; the gradients share one, so that their sizes
    can be compared.

    Raises ShapeError for no curves or more than four, and for arrays that are not as
    long as x; SpecError for an unknown theme or size.
    """
    if not 1 <= len(curves) <= MOST:
        raise ShapeError(f"expected 1 to {MOST} activation functions, got {len(curves)}")
    for curve in curves:
        if not len(curve.x) == len(curve.output) == len(curve.gradient) > 1:
            raise ShapeError(
                f"{curve.name}: expected as many outputs and gradients as x, at least 2, got"
                f" {len(curve.output)} and {len(curve.gradient)} for {len(curve.x)}"
            )
    canvas = Canvas(size, theme, aspect=1.0)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    gap = 2 * label
    width = (canvas.inner_width - gap * (len(curves) - 1)) / len(curves)
    head = 2 * label * LINE + 0.5 * label
    foot = max(len(curve.notes) for curve in curves) * small * LINE
    height = (canvas.inner_height - head - foot - 0.9 * label) / 2
    steepest = 0.0, max(float(curve.gradient.max()) for curve in curves)
    for index, curve in enumerate(curves):
        left, top = canvas.left + index * (width + gap), canvas.top
        canvas.text(left, top, curve.name, bold=True, width=width)
        canvas.note(left, top + label * LINE, curve.formula, width=width)
        ends = float(curve.output.min()), float(curve.output.max())
        place = left, top + head, width, height
        _panel(canvas, place, curve.x, curve.output, ends, "output", colours.output)
        place = left, top + head + height + 0.9 * label, width, height
        _panel(canvas, place, curve.x, curve.gradient, steepest, "gradient", colours.window)
        canvas.paragraph(left, canvas.bottom - foot, curve.notes, px=small, width=width)
    return canvas.figure


def _panel(
    canvas: Canvas,
    place: tuple[float, float, float, float],
    x: NDArray,
    values: NDArray,
    y_range: tuple[float, float],
    word: str,
    colour: str,
) -> None:
    """One curve on its axes, with its name above."""
    reach = float(x[0]), float(x[-1])
    plot = line_plot(canvas, place, reach, y_range, x_label="x", y_label="")
    left, top, width, _ = place
    canvas.text(left, top, word, px=canvas.size.small, colour=colour, bold=True, width=width)
    # A jump, such as that of ReLU's gradient, is not a slope.
    broken = np.flatnonzero(np.abs(np.diff(values)) > 0.2 * np.ptp(y_range)) + 1
    xs, ys = plot.at_x(np.insert(x, broken, np.nan)), plot.at_y(np.insert(values, broken, np.nan))
    canvas.line(xs, ys, colour, stroke=0.7 * canvas.size.thick)
