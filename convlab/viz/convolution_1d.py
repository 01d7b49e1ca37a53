"""One signal slid over another: both with their product, and what has come out so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.line_plot import Chart, Plot
from convlab.viz.page import Page, Sheet, Unpack


@dataclass(frozen=True, eq=False)
class SlidSignals:
    """A moment of a convolution or correlation.

    Over ``taus`` (n,): the ``fixed`` signal, the one ``slid`` over it as far as ``at``, and their
    ``product``, of which only one number is finite if one is an impulse.  Over ``ts`` (m,): the
    ``result`` and, to compare, an ``other``, NaN where they are not shown.  ``ranges``: from the
    lowest to the highest number above and below.  ``names``: of fixed, slid, product, result and
    other; ``axes``: of taus and ts.  ``notes`` stand below the heading and below the result.
    """

    heading: str
    notes: tuple[str, str]
    names: tuple[str, str, str, str, str]
    axes: tuple[str, str]
    at: float
    taus: NDArray
    fixed: NDArray
    slid: NDArray
    product: NDArray
    ts: NDArray
    result: NDArray
    other: NDArray
    ranges: tuple[tuple[float, float], tuple[float, float]]


def convolution_1d(
    moments: Sequence[SlidSignals], *, stems: bool = False, **page: Unpack[Page]
) -> Figure:
    """A column for each moment, the signals above the result; a row on a narrow canvas.

    ``stems``: numbers at single places instead of curves.  Raises ShapeError for no moments.
    """
    if not moments:
        raise ShapeError("expected signals at one moment or more, got none")
    canvas = Sheet(1.1, "output", **page)
    count, gap = len(moments), 1.6 * canvas.size.label
    room_x, room_y = canvas.inner_width, canvas.inner_height
    upright = (room_x - gap * (count - 1)) / count > 360 * canvas.unit
    for index, moment in enumerate(moments):
        left, top, width, height = canvas.left, canvas.top, room_x, room_y
        if upright:
            width = (room_x - gap * (count - 1)) / count
            left += index * (width + gap)
        else:
            height = (room_y - 0.4 * gap * (count - 1)) / count
            top += index * (height + 0.4 * gap)
        _Moment(canvas, moment, stems, upright).draw((left, top, width, height))
    return canvas.figure


@dataclass(frozen=True)
class _Moment:
    canvas: Canvas
    moment: SlidSignals
    stems: bool
    upright: bool

    def draw(self, place: Place) -> None:
        canvas, moment, (left, top, width, height) = self.canvas, self.moment, place
        size, upright = canvas.size, self.upright
        bottom = top + height
        if moment.heading:
            canvas.text(left, top, moment.heading, px=size.label, bold=True, width=width)
            if upright:
                canvas.note(left, top + size.label * LINE, moment.notes[0], width=width)
            else:
                room = width - canvas.measure(moment.heading, size.label, True) - size.label
                canvas.note(left + width, top, moment.notes[1], "rt", width=room)
            top += size.label * LINE + (size.small * LINE + 0.5 * size.small) * upright
        if upright and moment.notes[1]:
            bottom -= size.small * LINE
            canvas.note(left, bottom, moment.notes[1], width=width)
        gap = 0.8 * size.label if upright else 1.2 * size.label
        if upright:
            high = (bottom - top - gap) / 2
            places = (left, top, width, high), (left, top + high + gap, width, high)
        else:
            wide = (width - gap) / 2
            high = bottom - top
            places = (left, top, wide, high), (left + wide + gap, top, wide, high)
        self._signals(places[0])
        self._result(places[1])

    def _plot(self, place: Place, row: int, words: Sequence[tuple[str, str]]) -> Plot:
        """The axes of a row, with coloured words above and a dashed line at the moment."""
        canvas, moment = self.canvas, self.moment
        places = moment.taus, moment.ts
        reach = float(min(p[0] for p in places)), float(max(p[-1] for p in places))
        if self.stems:
            reach = reach[0] - 0.6, reach[1] + 0.6
        ends = moment.ranges[row]
        # A low row has room for the numbers below it alone.
        name = moment.axes[row] if self.upright else ""
        chart = Chart([], name, "", words, reach, ends, whole=self.stems)
        plot = chart.draw(canvas, place)
        x, zero = plot.at_x(moment.at), plot.at_y(0.0)
        canvas.line([plot.left, plot.right], [zero, zero], canvas.theme.quiet)
        canvas.line([x, x], [plot.top, plot.bottom], canvas.theme.quiet, dashes=(4, 3))
        return plot

    def _signals(self, place: Place) -> None:
        theme, moment = self.canvas.theme, self.moment
        words = [*zip(moment.names[:3], ("input", "window", "output"), strict=True)]
        plot = self._plot(place, 0, words)
        self._area(plot)
        apart = 5 * self.canvas.unit * self.stems
        self._numbers(plot, moment.taus, moment.fixed, theme.input, -apart)
        self._numbers(plot, moment.taus, moment.slid, theme.window, apart)

    def _result(self, place: Place) -> None:
        theme, moment = self.canvas.theme, self.moment
        plot = self._plot(place, 1, [*zip(moment.names[3:], ("output", "ink"), strict=True)])
        xs, ys = plot.at_x(moment.ts), plot.at_y(moment.other)
        for x, y in zip(xs, ys, strict=True) if self.stems else ():
            if np.isfinite(y):
                self.canvas.dot(x, y, theme.ink, 3.4 * self.canvas.size.thick, hollow=True)
        self._numbers(plot, moment.ts, moment.result, theme.output)
        if not self.stems:
            stroke = 0.4 * self.canvas.size.thick
            self.canvas.line(xs, ys, theme.ink, stroke=stroke, dashes=(3, 3))
        now = moment.result[np.argmin(np.abs(moment.ts - moment.at))]
        if np.isfinite(now):
            across = 3 * self.canvas.size.thick
            self.canvas.dot(plot.at_x(moment.at), plot.at_y(now), theme.output, across)

    def _area(self, plot: Plot) -> None:
        """The product, filled down to zero."""
        theme, product, stroke = (
            self.canvas.theme,
            self.moment.product,
            0.4 * self.canvas.size.thick,
        )
        xs, ys = plot.at_x(self.moment.taus), plot.at_y(product)
        zero = plot.at_y(0.0)
        if self.stems or np.isfinite(product).sum() <= 1:
            half = 0.32 * abs(plot.at_x(1.0) - plot.at_x(0.0)) if self.stems else 0.5 * stroke
            for x, y, value in zip(xs, ys, product, strict=True):
                if np.isfinite(value) and value:
                    place = x - half, min(y, zero), 2 * half, abs(zero - y)
                    self.canvas.box(*place, edge=theme.output, fill=theme.output_fill)
            return
        outline = np.stack([np.r_[xs[0], xs, xs[-1]], np.r_[zero, ys, zero]], axis=1)
        self.canvas.polygons(
            outline[None], edge=theme.output, fill=theme.output_fill, stroke=stroke
        )

    def _numbers(
        self, plot: Plot, xs: NDArray, ys: NDArray, colour: str, shift: float = 0.0
    ) -> None:
        """A curve, or upright lines with a dot each where numbers stand alone."""
        canvas, thick = self.canvas, self.canvas.size.thick
        known = np.isfinite(ys)
        at_x, at_y = plot.at_x(xs) + shift, plot.at_y(ys)
        if not self.stems and known.sum() > 1:
            canvas.line(at_x, at_y, colour, stroke=0.7 * thick)
            return
        zero = plot.at_y(0.0)
        for x, y in zip(at_x[known], at_y[known], strict=True):
            canvas.line([x, x], [zero, y], colour, stroke=0.5 * thick)
            canvas.dot(x, y, colour, 2 * thick)
