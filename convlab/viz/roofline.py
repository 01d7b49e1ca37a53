"""How fast the loops of layers are: under a machine's roofline, and beside another library."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured, ratio
from convlab.viz import style
from convlab.viz.axes import Axis, beside, logarithmic_ticks
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.labels import LabelledPlot, Point, labelled_plot
from convlab.viz.line_plot import Look
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Theme
from convlab.words import t

GIGA = 1e9
# The forward pass makes the output; each gradient has the colour of what it belongs to.
PASSES = {"forward": "output", "gradient of input": "input", "gradient of weight": "window"}
_WORDS = {
    "forward": t("forward"),
    "gradient of input": t("gradient of input"),
    "gradient of weight": t("gradient of weight"),
}


class KernelPoint(NamedTuple):
    """One pass through one layer: what it must move and compute, and how fast it did.

    ``gradient`` is "forward", "gradient of input" or "gradient of weight";
    ``intensity`` in FLOP per byte that must be moved; both speeds in FLOP/s, the other one None if
    nothing was compared.
    """

    layer: str
    gradient: str
    intensity: float
    speed: float
    other_speed: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the other; None if nothing was compared."""
        return None if self.other_speed is None else self.speed / self.other_speed

    def share(self, peak: float, bandwidth: float) -> float:
        """The share of the roof that it reaches."""
        return self.speed / roof(self.intensity, peak, bandwidth)


def roof(intensity: float, peak: float, bandwidth: float) -> float:
    """The FLOP/s that a machine can reach at ``intensity`` FLOP per byte.

    ``peak`` in FLOP/s, ``bandwidth`` in bytes/s.  The roofline model: Williams,
    Waterman and Patterson, Communications of the ACM 52(4), 2009.
    """
    return min(peak, bandwidth * intensity)


def passes_of(points: Sequence[KernelPoint]) -> list[str]:
    """The passes among some points, the forward one first."""
    present = {point.gradient for point in points}
    return [gradient for gradient in PASSES if gradient in present]


def pass_colour(theme: Theme, gradient: str) -> str:
    """The colour of a pass."""
    return getattr(theme, PASSES[gradient])


def pass_name(canvas: Canvas, x: float, top: float, gradient: str, width: float = math.inf) -> None:
    """The mark of a pass and its name, in two lines if it is wider than ``width``."""
    small = canvas.size.small
    _mark(canvas, x + small / 2, top + LINE * small / 2, gradient, 0.8 * small)
    for line, text in enumerate(canvas.lines(_WORDS[gradient], width, small)):
        y = top + (line + 0.5) * LINE * small
        canvas.text(x + 1.2 * small, y, text, "lm", px=small, width=width)


def _mark(canvas: Canvas, x: float, y: float, gradient: str, diameter: float) -> None:
    """A disc, a square or a triangle for the three passes, with a rim of the background colour."""
    colour, ground, rim = pass_colour(canvas.theme, gradient), canvas.theme.ground, 0.12 * diameter
    if gradient == "forward":
        canvas.dot(x, y, ground, diameter)
        canvas.dot(x, y, colour, diameter - 2 * rim)
    elif gradient == "gradient of input":
        side = 0.9 * diameter
        place = (x - side / 2, y - side / 2, side, side)
        canvas.box(*place, fill=colour, edge=ground, stroke=rim)
    else:
        # One line that winds from the corners to the middle fills a triangle.
        turns = [(radius, corner) for radius in (1.0, 0.5) for corner in (0, 1, 2, 3)]
        reach, centre = 0.5 * diameter, y + 0.1 * diameter
        xs = [x + reach * r * math.sin(2 * math.pi * c / 3) for r, c in turns]
        ys = [centre - reach * r * math.cos(2 * math.pi * c / 3) for r, c in turns]
        canvas.line(xs, ys, ground, stroke=0.5 * reach + 2 * rim)
        canvas.line(xs, ys, colour, stroke=0.5 * reach)


class Roofline:
    """The plot of all passes under the roof, both axes logarithmic.

    ``peak`` in FLOP/s, ``bandwidth`` in bytes/s; ``place``: left, top, right and bottom.
    """

    def __init__(
        self, canvas: Canvas, points: Sequence[KernelPoint], peak: float, bandwidth: float
    ):
        self.canvas, self.points = canvas, points
        self.peak, self.bandwidth = peak / GIGA, bandwidth / GIGA
        self.shares = [point.share(peak, bandwidth) for point in points]

    def draw(self, left: float, top: float, right: float, bottom: float) -> None:
        """Key, axes, roof and points, and the names of some of them."""
        canvas, small = self.canvas, self.canvas.size.small
        canvas.text(left, top, t("speed in GF/s"), bold=True)
        top = self._key(left, top + LINE * canvas.size.label, right) + 0.4 * small
        plot = self._axes(left, top, right, bottom - 2 * LINE * small - 0.4 * small)
        low, high = plot.x.low, plot.x.high
        corners = [max(low, plot.y.low / self.bandwidth), self.peak / self.bandwidth, high]
        heights = [roof(corner, self.peak, self.bandwidth) for corner in corners]
        plot.line(np.array(corners), np.array(heights), Look(canvas.theme.ink))
        numbers = [(point.intensity, point.speed / GIGA) for point in self.points]
        places = plot.points(*zip(*numbers, strict=True))
        for point, (x, y) in zip(self.points, places, strict=True):
            _mark(canvas, x, y, point.gradient, 0.8 * small)
            plot.mark((x, y))
        self._name_roof(plot, plot.points(corners, heights))
        most = min(5, max(1, int((plot.bottom - plot.lid) / (4.5 * small))))
        for nth, at in enumerate(self._extremes(most)):
            text = f"{self.points[at].layer} {self.shares[at]:.0%}"
            # The first says what the percentages refer to.
            text = text if nth else t("{share} of the roof", text)
            plot.name(places[at], [text], canvas.theme.ink)

    def _key(self, left: float, top: float, right: float) -> float:
        """The marks and their names, in as many lines as they need; returns the y below them."""
        small, x = self.canvas.size.small, left
        for gradient in passes_of(self.points):
            width = 1.2 * small + self.canvas.measure(_WORDS[gradient], small)
            if x > left and x + width > right:
                x, top = left, top + small * LINE
            pass_name(self.canvas, x, top, gradient)
            x += width + 1.2 * small
        return top + small * LINE

    def _axes(self, left: float, top: float, right: float, bottom: float) -> LabelledPlot:
        """Both parts of the roof are always seen, with room for their names."""
        canvas, small = self.canvas, self.canvas.size.small
        speeds = [point.speed / GIGA for point in self.points]
        intensities = [point.intensity for point in self.points]
        low, high = min(min(speeds) / 1.4, self.peak / 8), max(*speeds, self.peak)
        y = Axis(low, high, bottom, top + 2.2 * small, logarithmic=True)
        ticks = logarithmic_ticks(y, lambda _: 1.8 * small)
        ridge = self.peak / self.bandwidth
        across = min(min(intensities) / 1.5, ridge / 6), max(max(intensities) * 1.5, ridge * 4)
        texts = {tick: measured(tick) for tick in ticks}
        plot = labelled_plot(canvas, (left, top, right), y, texts, across)
        for tick in logarithmic_ticks(plot.x, lambda t: canvas.measure(measured(t), small) + small):
            text = measured(tick)
            if plot.x.at(tick) + canvas.measure(text, small) / 2 <= canvas.right:
                plot.tick(tick, text)
        canvas.note(
            right,
            bottom + (0.4 + LINE) * small,
            t("FLOP per byte that must be moved {arrow}", style.ARROW),
            "rt",
            width=right - canvas.left,
        )
        return plot

    def _name_roof(self, plot: LabelledPlot, line: Sequence[Point]) -> None:
        """The numbers of both parts of the roof, beside them."""
        canvas, small, strip = self.canvas, self.canvas.size.small, plot.lid
        (start, low), (ridge, high), (end, _) = line
        text = t("peak {speed} GF/s", measured(self.peak))
        left = end - canvas.measure(text, small)
        # If marks are near the roof, its name goes above all of them.
        for top in (high - 1.6 * small, strip):
            if plot.write(left, top, text):
                # No point is named beside it: the two would read as one line.
                plot.taken.append((left - 3 * small, strip, left, high))
                break
        text = t("memory {speed} GB/s", measured(self.bandwidth))
        width, height = canvas.measure(text, small), LINE * small
        # Above the slope a text's lower right corner is nearest, below it its upper left one.
        for on_grid, above in itertools.product((False, True), (True, False)):
            for share in np.linspace(0.9, 0.0, 37):
                x, y = start + share * (ridge - start), low + share * (high - low)
                left, top = (x - 0.6 * small - width, y - height) if above else (x + 0.6 * small, y)
                if plot.write(left, top, text, on_grid):
                    return
        plot.write(plot.left, strip, text)

    def _extremes(self, most: int) -> list[int]:
        """Which points to name: the lowest and the highest share, the lowest first.

        A layer is named once, at its extreme, so that ``most`` names cover as many layers.
        """
        rest = sorted(range(len(self.points)), key=self.shares.__getitem__)
        named: list[int] = []
        while rest and len(named) < most:
            named.append(rest[-1 if len(named) % 2 else 0])
            rest = [at for at in rest if self.points[at].layer != self.points[named[-1]].layer]
        return named


def kernel_speed(
    points: Sequence[KernelPoint],
    peaks: float,
    *,
    bandwidth: float,
    other: str,
    **page: Unpack[Page],
) -> Figure:
    """Every pass under the roof of the machine, and beside ``other``, another library.

    ``peaks``: FLOP/s of fused multiply-adds on as many threads as were measured;
    ``bandwidth``: bytes/s from memory.  On the left is the
    roofline, both axes logarithmic, with the passes farthest from the roof and nearest to it named;
    on the right a bar for each pass and layer, in the order given: how many times as fast as
    ``other`` (logarithmic, from 1), or GF/s if nothing was compared.  Sizes too narrow for both
    halves show the bars if something was compared, else the roofline; bars without a row are
    counted below.

    Raises SpecError without points, for an unknown pass and for
    a number that is not above 0, ShapeError for two points of one layer and pass.
    """
    _check(points, peaks, bandwidth)
    canvas = Sheet(1.1, "ink", **page)
    roofline, bars = Roofline(canvas, points, peaks, bandwidth), _Bars(canvas, points, peaks, other)
    left, top, right, bottom = canvas.left, canvas.top, canvas.right, canvas.bottom
    if right - left >= 55 * canvas.size.small:
        middle, gap = left + 0.43 * (right - left), 1.3 * canvas.size.label
        roofline.draw(left, top, middle - gap, bottom)
        bars.draw(middle + gap, top, right, bottom)
    else:
        half = bars if bars.compared else roofline
        half.draw(left, top, right, bottom)
    return canvas.figure


def _check(points: Sequence[KernelPoint], peak: float, bandwidth: float) -> None:
    if not points:
        raise SpecError("expected at least one point, got none")
    above_zero(peak, "a peak")
    above_zero(bandwidth, "a bandwidth")
    seen = set()
    for layer, gradient, intensity, speed, other_speed in points:
        if gradient not in PASSES:
            raise SpecError(f"expected a pass among {', '.join(PASSES)}, got {gradient!r}")
        where = f"of {layer}, {gradient},"
        above_zero(intensity, f"an intensity {where}")
        above_zero(speed, f"a speed {where}")
        if other_speed is not None:
            above_zero(other_speed, f"another speed {where}")
        if (layer, gradient) in seen:
            raise ShapeError(f"expected one point {where} got two")
        seen.add((layer, gradient))


class _Bars:
    """A column for each pass, a row for each layer: how many times as fast, or GF/s."""

    def __init__(self, canvas: Canvas, points: Sequence[KernelPoint], peak: float, other: str):
        self.canvas, self.small = canvas, canvas.size.small
        self.numbers = {(p.layer, p.gradient): p.ratio for p in points if p.ratio is not None}
        self.compared = bool(self.numbers)
        if self.compared:
            self.head = t("times as fast as {other}", other)
            self.foot = t("1: as fast as {other}", other)
            self.base = self.line = 1.0
            self.low, self.high = min(1.0, *self.numbers.values()), max(2.0, *self.numbers.values())
        else:
            self.numbers = {(p.layer, p.gradient): p.speed / GIGA for p in points}
            peak /= GIGA
            self.head = "GF/s"
            self.foot = t("{speed}: peak of fused multiply-adds", measured(peak))
            self.base, self.line = 0.0, peak
            self.low, self.high = 0.0, max(peak, *self.numbers.values())
        write = ratio if self.compared else measured
        self.texts = {key: write(number) for key, number in self.numbers.items()}
        self.passes = passes_of([p for p in points if (p.layer, p.gradient) in self.numbers])
        self.layers = list(dict.fromkeys(layer for layer, _ in self.numbers))
        texts = self.texts.items()
        self.number = max(canvas.measure(x, self.small, self._slower(key)) for key, x in texts)
        # The number of the peak is centred below the end of a column.
        end = 0.0 if self.compared else canvas.measure(measured(self.high), self.small)
        self.inset = end / 2

    def _slower(self, key: tuple[str, str]) -> bool:
        return self.compared and self.numbers[key] < 1

    def draw(self, left: float, top: float, right: float, bottom: float) -> None:
        """Head, names, columns, and their reference lines."""
        canvas, small, width = self.canvas, self.small, right - left
        canvas.text(left, top, self.head, bold=True, width=width)
        top += LINE * canvas.size.label + 0.2 * small
        names = min(canvas.widest(self.layers, small), 0.36 * width)
        column = (width - names) / len(self.passes) - small
        # The name of a pass is broken in two where columns are narrow.
        broken = 1.2 * small + canvas.widest([_WORDS[one] for one in self.passes], small) > column
        first = top + (1 + broken) * LINE * small + 0.3 * small
        bottom -= (2 * LINE + 0.3) * small
        rows = min(len(self.layers), max(1, int((bottom - first) / (1.2 * small))))
        height = min((bottom - first) / rows, 3.2 * small)
        bottom = first + rows * height
        middles = {
            layer: first + (row + 0.5) * height for row, layer in enumerate(self.layers[:rows])
        }
        for layer, y in middles.items():
            canvas.text(left + names, y, layer, "rm", px=small, width=names)
        for nth, gradient in enumerate(self.passes):
            x = left + names + small + nth * (column + small)
            pass_name(canvas, x, top, gradient, column - 1.2 * small)
            axis = Axis(
                *(self.low, self.high, x + self.number + 0.5 * small, x + column - self.inset),
                logarithmic=self.compared,
            )
            self._lines(axis, first, bottom)
            for layer, y in middles.items():
                if (layer, gradient) in self.numbers:
                    self._bar((layer, gradient), axis, x + self.number, y, 0.6 * height)
        # A narrow canvas has no room for both; the ticks also show that the scale is logarithmic.
        foot = t("{foot}, logarithmic scale", self.foot) if self.compared else self.foot
        if rows < len(self.layers):
            foot = t("first {rows} of {count} layers; {foot}", rows, len(self.layers), self.foot)
        canvas.note(right, bottom + (0.3 + LINE) * small, foot, "rt", width=width)

    def _lines(self, axis: Axis, top: float, bottom: float) -> None:
        """The bars' reference line and, below a column, its number and round ones."""
        canvas, small, theme = self.canvas, self.small, self.canvas.theme

        def room(number: float) -> float:
            return canvas.measure(measured(number), small) + 0.5 * small

        ticks = logarithmic_ticks(axis, room) if self.compared else [0.0]
        for tick in beside(axis, [self.line, *ticks], room):
            x, colour = axis.at(tick), theme.ink if tick == self.line else theme.hairline
            canvas.line([x, x], [top, bottom + 0.2 * small], colour)
            canvas.note(x, bottom + 0.3 * small, measured(tick), "mt")

    def _bar(self, key: tuple[str, str], axis: Axis, x: float, y: float, thick: float) -> None:
        """A bar at the height ``y``, and its number, which ends at ``x``."""
        theme, slower = self.canvas.theme, self._slower(key)
        colour = theme.mistake if slower else theme.ink
        self.canvas.text(x, y, self.texts[key], "rm", px=self.small, colour=colour, bold=slower)
        start, end = sorted((axis.at(self.base), axis.at(self.numbers[key])))
        fill = pass_colour(theme, key[1])
        self.canvas.box(start, y - thick / 2, end - start, thick, fill=fill)
