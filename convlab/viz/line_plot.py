"""Two axes with round numbers, on which lines are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convlab.numerals import exact
from convlab.viz.canvas import LINE, Canvas


@dataclass(frozen=True)
class Plot:
    """Pixels of a plot on its canvas, and the numbers at its borders."""

    left: float
    top: float
    right: float
    bottom: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def at_x(self, x):
        """Pixels from the left of a number, or of an array of them."""
        low, high = self.x_range
        return self.left + (x - low) / (high - low) * (self.right - self.left)

    def at_y(self, y):
        """Pixels from the top of a number, or of an array of them."""
        low, high = self.y_range
        return self.bottom - (y - low) / (high - low) * (self.bottom - self.top)


def line_plot(
    canvas: Canvas,
    place: tuple[float, float, float, float],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    x_label: str,
    y_label: str,
    whole: bool = False,
) -> Plot:
    """Draw the axes into ``place`` (left, top, width, height) and return where numbers stand.

    ``y_range`` is widened to round numbers.  ``whole``: only whole numbers along x.
    """
    left, top, width, height = place
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    plot_top = top + 1.9 * small
    plot_bottom = top + height - small * LINE - 0.7 * small
    steps = max(1, min(6, math.floor((plot_bottom - plot_top) / (2.2 * small))))
    ticks = _y_ticks(*y_range, steps)
    y_range = min(ticks[0], y_range[0]), max(ticks[-1], y_range[1])
    texts = exact(np.round(ticks, 10)).texts
    plot_left = left + canvas.widest(texts, small) + 10 * unit
    plot = Plot(plot_left, plot_top, left + width - 6 * unit, plot_bottom, x_range, y_range)
    canvas.note(left, top, y_label, width=width)
    for tick, text in zip(ticks, texts, strict=True):
        y = plot.at_y(tick)
        canvas.line([plot.left, plot.right], [y, y], theme.hairline)
        canvas.note(plot.left - 10 * unit, y, text, "rm")
    _x_axis(canvas, plot, left + width, x_label, whole)
    return plot


def _steps(span: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from a hundredth of ``span`` up to more than it."""
    power = math.floor(math.log10(span)) - 2
    for more in range(5):
        yield from (digit * 10.0 ** (power + more) for digit in (1, 2, 5))


def _y_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers around low to high, at most ``most`` steps from the first to the last.

    Two steps at least are granted: numbers on both sides of 0 cannot do with fewer.
    """
    for step in _steps(high - low):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= max(2, most):
            break
    return [at * step for at in range(first, last + 1)]


def _x_ticks(low: float, high: float, least: float, whole: bool) -> list[float]:
    """Round numbers from low to high, at least ``least`` apart; whole ones alone if so wished."""
    for step in _steps(high - low):
        if step >= least and (not whole or step >= 1):
            break
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [at * step for at in range(first, last + 1)]


def _x_axis(canvas: Canvas, plot: Plot, end: float, label: str, whole: bool) -> None:
    """Numbers below the plot, and at its right end what they are."""
    small, _quiet = canvas.size.small, canvas.theme.quiet
    y = plot.bottom + 0.7 * small
    low, high = plot.x_range
    width = canvas.measure(label, small)
    widest = canvas.widest(exact([low, high], 2).texts, small)
    pixel = (high - low) / (plot.right - plot.left)
    least = max((widest + 0.8 * small) * pixel, (high - low) / 9)
    ticks = _x_ticks(low, high, least, whole)
    for tick, text in zip(ticks, exact(np.round(ticks, 10)).texts, strict=True):
        x, half = plot.at_x(tick), canvas.measure(text, small) / 2
        if x + half < end - width - small:
            canvas.note(x, y, text, "mt")
    canvas.note(end, y, label, "rt")


def apart(heights: Sequence[float], step: float, top: float, bottom: float) -> list[float]:
    """Ascending heights moved apart to at least ``step``, inside top and bottom where they fit."""
    placed: list[float] = []
    for y in heights:
        placed.append(max(y, top, placed[-1] + step if placed else top))
    for index in range(len(placed) - 1, -1, -1):
        limit = bottom if index == len(placed) - 1 else placed[index + 1] - step
        placed[index] = min(placed[index], limit)
    return placed
