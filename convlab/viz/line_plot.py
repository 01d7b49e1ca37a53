"""Two axes with round numbers, and lines that end at their names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import exact
from convlab.viz.axes import Axis, apart, tick_texts, ticks_around, ticks_within
from convlab.viz.canvas import LINE, Canvas

# Lines of up to four networks, distinguishable without their colours.
DASHES = (None, (5.0, 2.5), (1.5, 1.5), (6.0, 2.0, 1.5, 2.0))


@dataclass(frozen=True)
class Look:
    """A line's colour and dashes; the marks of dashed lines are hollow."""

    colour: str
    dashes: tuple[float, ...] | None = None


@dataclass(frozen=True)
class LineEnd:
    """Where a line ends, in pixels, and the text beside it: its name, and a line below that."""

    x: float
    y: float
    name: str
    look: Look
    note: str = ""


@dataclass(frozen=True)
class Plot:
    """The two axes of a plot on its canvas, and its borders in pixels.

    The x axis may end inside the borders, so that marks stay between them.
    """

    canvas: Canvas
    left: float
    right: float
    x: Axis
    y: Axis

    @property
    def top(self) -> float:
        return self.y.end

    @property
    def bottom(self) -> float:
        return self.y.start

    def at_x(self, x):
        """Pixels from the left of a number, or of an array of them."""
        return self.x.at(x)

    def at_y(self, y):
        """Pixels from the top of a number, or of an array of them."""
        return self.y.at(y)

    def rules(self, ticks: Sequence[float], texts: Sequence[str]) -> None:
        """A line across the plot for each number, with the number at its left."""
        for tick, text in zip(ticks, texts, strict=True):
            y = self.y.at(tick)
            self.canvas.line([self.left, self.right], [y, y], self.canvas.theme.hairline)
            self.canvas.note(self.left - 10 * self.canvas.unit, y, text, "rm")

    def numbers(self, places: Iterable[float], texts: Sequence[str]) -> float:
        """Those numbers below the plot that have room; returns the pixel at which they end."""
        small, end = self.canvas.size.small, -math.inf
        for place, text in zip(places, texts, strict=True):
            x, half = self.x.at(place), self.canvas.measure(text, small) / 2
            if x - half > end + 0.5 * small:
                self.canvas.note(x, self.bottom + 0.4 * small, text, "mt")
                end = x + half
        return end

    def line(
        self, xs: NDArray, ys: NDArray, look: Look, dot: float = 0, name: str = "", note: str = ""
    ) -> list[LineEnd]:
        """A line through numbers (n,), with gaps where they are NaN, and a :meth:`dot` at each.

        Returns where it ends with the text there, for :meth:`names`; empty if all are NaN.
        """
        at_x, at_y, stroke = self.x.at(xs), self.y.at(ys), 0.6 * self.canvas.size.thick
        self.canvas.line(at_x, at_y, look.colour, stroke=stroke, dashes=look.dashes)
        for x, y in zip(xs, ys, strict=True) if dot else ():
            self.dot(x, y, look, dot)
        last = np.flatnonzero(np.isfinite(ys))[-1:]
        return [LineEnd(at_x[at], at_y[at], name, look, note) for at in last]

    def dot(self, x: float, y: float, look: Look, diameter: float) -> None:
        """A mark of a line at two numbers, none if y is NaN; ``diameter`` in thick strokes."""
        if math.isfinite(y):
            place, across = (self.x.at(x), self.y.at(y)), diameter * self.canvas.size.thick
            self.canvas.dot(*place, look.colour, across, hollow=look.dashes is not None)

    def names(self, ends: Sequence[LineEnd], width: float) -> None:
        """Names of at most ``width`` at the right of the lines' ends, joined to them and kept
        apart."""
        canvas, unit, small = self.canvas, self.canvas.unit, self.canvas.size.small
        x = self.right + 48 * unit
        notes = any(end.note for end in ends)
        for y, end in self.spread(ends, (2 * LINE + 0.35 if notes else LINE) * small):
            colour, dashes = end.look.colour, end.look.dashes
            xs, ys = [end.x + 6 * unit, self.right + 8 * unit, x - 8 * unit], [end.y, end.y, y]
            canvas.line(xs, ys, colour, stroke=0.35 * canvas.size.thick, dashes=dashes)
            write = partial(canvas.text, x, px=small, width=width)
            write(y, end.name, "lb" if notes else "lm", bold=True, colour=colour)
            if notes:
                write(y + 0.1 * small, end.note)

    def spread(self, ends: Iterable[LineEnd], step: float) -> Iterable[tuple[float, LineEnd]]:
        """The ends from top to bottom, each with a height ``step`` from the next and inside."""
        ends = sorted(ends, key=lambda end: end.y)
        ys = [end.y for end in ends]
        return zip(apart(ys, step, self.top + step / 2, self.bottom - step / 2), ends, strict=True)


def ruled_plot(
    canvas: Canvas,
    borders: tuple[float, float, float, float],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    unit: str = "",
    inner: float = 0.0,
) -> Plot:
    """A plot with its rules drawn, its y axis widened to round numbers.

    ``borders``: the left one of the numbers, then the top, right and bottom ones of the plot.
    ``unit`` is the numbers', as for ``tick_texts``; the x axis ends ``inner`` pixels inside the
    plot.
    """
    left, top, right, bottom = borders
    small = canvas.size.small
    ticks = ticks_around(*y_range, max(1, min(6, math.floor((bottom - top) / (2.2 * small)))))
    texts = tick_texts(ticks, unit)
    left += canvas.widest(texts, small) + 10 * canvas.unit
    x = Axis(*x_range, left + inner, right - inner)
    y = Axis(min(ticks[0], y_range[0]), max(ticks[-1], y_range[1]), bottom, top)
    plot = Plot(canvas, left, right, x, y)
    plot.rules(ticks, texts)
    return plot


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
    """Draw the axes into ``place`` (left, top, width, height) and return where the numbers go.

    ``y_range`` is widened to round numbers.  ``whole``: only whole numbers along x.
    """
    left, top, width, height = place
    small, right = canvas.size.small, left + width
    canvas.note(left, top, y_label, width=width)
    bottom = top + height - small * LINE - 0.7 * small
    borders = left, top + 1.9 * small, right - 6 * canvas.unit, bottom
    plot = ruled_plot(canvas, borders, x_range, y_range)
    low, high = x_range
    pixel = (high - low) / (plot.right - plot.left)
    widest = canvas.widest(exact([low, high], 2).texts, small)
    least = max((widest + 0.8 * small) * pixel, (high - low) / 9)
    ticks = ticks_within(low, high, least, whole=whole)
    free = right - canvas.measure(x_label, small) - small
    for x, text in zip(plot.at_x(np.array(ticks)), tick_texts(ticks), strict=True):
        if x + canvas.measure(text, small) / 2 < free:
            canvas.note(x, bottom + 0.7 * small, text, "mt")
    canvas.note(right, bottom + 0.7 * small, x_label, "rt")
    return plot
