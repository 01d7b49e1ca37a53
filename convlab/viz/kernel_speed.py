"""How fast the loops of layers are: under the machine's roofline, and beside another library."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured, ratio
from convlab.viz.axes import Axis, beside, logarithmic_ticks
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.roofline import (
    GIGA,
    PASSES,
    KernelPoint,
    Roofline,
    pass_colour,
    pass_name,
    passes_of,
)


def kernel_speed(
    points: Sequence[KernelPoint],
    peaks: float,
    *,
    bandwidth: float,
    other: str,
    machine: str,
    title: str = "",
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """Every pass under the roof of the machine, and beside ``other``, another library.

    ``peaks``: FLOP/s of fused multiply-adds on as many threads as were measured;
    ``bandwidth``: bytes/s from memory; ``machine``: a line that says where.  On the left is the
    roofline, both axes logarithmic, with the passes farthest from the roof and nearest to it named;
    on the right a bar for each pass and layer, in the order given: how many times as fast as
    ``other`` (logarithmic, from 1), or GF/s if nothing was compared.  Sizes too narrow for both
    halves show the bars if something was compared, else the roofline; bars without a row are
    counted below.

    Raises SpecError without points, for an unknown pass, theme or size and for
    a number that is not above 0, ShapeError for two points of one layer and pass.
    """
    _check(points, peaks, bandwidth)
    canvas = Canvas(size, theme, aspect=1.1)
    canvas.headline(title, machine, canvas.theme.ink)
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
            self.head, self.foot = f"times as fast as {other}", f"1: as fast as {other}"
            self.base = self.line = 1.0
            self.low, self.high = min(1.0, *self.numbers.values()), max(2.0, *self.numbers.values())
        else:
            self.numbers = {(p.layer, p.gradient): p.speed / GIGA for p in points}
            peak /= GIGA
            self.head, self.foot = "GF/s", f"{measured(peak)}: peak of fused multiply-adds"
            self.base, self.line = 0.0, peak
            self.low, self.high = 0.0, max(peak, *self.numbers.values())
        write = ratio if self.compared else measured
        self.texts = {key: write(number) for key, number in self.numbers.items()}
        self.passes = passes_of([p for p in points if (p.layer, p.gradient) in self.numbers])
        self.layers = list(dict.fromkeys(layer for layer, _ in self.numbers))
        texts = self.texts.items()
        self.number = max(canvas.measure(t, self.small, self._slower(key)) for key, t in texts)
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
        broken = 1.2 * small + canvas.widest(self.passes, small) > column
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
            words = gradient.split(" ", 1) if broken else [gradient]
            pass_name(canvas, x, top, words, column - 1.2 * small)
            axis = Axis(
                *(self.low, self.high, x + self.number + 0.5 * small, x + column - self.inset),
                logarithmic=self.compared,
            )
            self._lines(axis, first, bottom)
            for layer, y in middles.items():
                if (layer, gradient) in self.numbers:
                    self._bar((layer, gradient), axis, x + self.number, y, 0.6 * height)
        # A narrow canvas has no room for both; the ticks also show that the scale is logarithmic.
        foot = self.foot + ", logarithmic scale" * self.compared
        if rows < len(self.layers):
            foot = f"first {rows} of {len(self.layers)} layers; {self.foot}"
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
