"""How fast the loops are: under the roof, beside another library, over sizes and threads."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.style import Theme

_GIGA = 1e9
_PASSES = ("forward", "gradient of input", "gradient of weight")
_OURS = "convlab"


class KernelPoint(NamedTuple):
    """One pass through one layer: what it must move and compute, and how fast it did.

    ``gradient`` is "forward", "gradient of input" or "gradient of weight";
    ``intensity`` in FLOP a byte that must be moved; both speeds in FLOP/s, the
    other one None where nothing was compared.
    """

    layer: str
    gradient: str
    intensity: float
    speed: float
    other_speed: float | None


class TrainingBar(NamedTuple):
    """Seconds of the same piece of training, here and elsewhere, with the ends of their spread.

    All three of the other's numbers are None where nothing was compared.
    """

    what: str
    seconds: float
    low: float
    high: float
    other_seconds: float | None
    other_low: float | None
    other_high: float | None


class ScalingCurve(NamedTuple):
    """Seconds and FLOP (``unit_work``) at growing ``values`` of one ``axis``, such as "batch"."""

    axis: str
    values: tuple[int, ...]
    seconds: tuple[float, ...]
    unit_work: tuple[float, ...]


def roof(intensity: float, peak: float, bandwidth: float) -> float:
    """The FLOP/s that a machine can reach at ``intensity`` FLOP a byte.

    ``peak`` in FLOP/s, ``bandwidth`` in bytes/s.  The roofline model: Williams,
    Waterman and Patterson, Communications of the ACM 52(4), 2009.
    """
    return min(peak, bandwidth * intensity)


# Speed of the kernels ---------------------------------------------------------------------------


def kernel_speed(
    points: Sequence[KernelPoint],
    peaks: float,
    *,
    bandwidth: float,
    other: str,
    machine: str,
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """Every pass under the roof of the machine, and beside ``other``, another library.

    ``peaks``: FLOP/s of fused multiply-adds on as many threads as were measured;
    ``bandwidth``: bytes/s from memory; ``machine``: a line that says where.  Left
    the roofline, both axes logarithmic, with the passes farthest from the roof
    and nearest to it named; right a bar for each pass and layer, in the order given:
    how many times as fast as ``other`` (logarithmic, from 1), or GF/s where nothing
    was compared.  Sizes too narrow for both halves show the bars where something was
    compared, else the roofline; bars that find no row are counted below.

    Raises SpecError without points, for an unknown pass, theme or size and for
    a number that is not above 0, ShapeError for two points of one layer and pass.
    """
    _check_points(points, peaks, bandwidth)
    canvas = Canvas(size, theme, aspect=1.1)
    ratios = _ratios(points)
    shares = [point.speed / roof(point.intensity, peaks, bandwidth) for point in points]
    title, note = _kernel_words(ratios, shares, other)
    canvas.headline(title, f"{machine}; {note}" if note else machine, canvas.theme.ink)
    left, top, right, bottom = canvas.left, canvas.top, canvas.right, canvas.bottom
    if right - left >= 55 * canvas.size.small:
        middle = left + 0.43 * (right - left)
        gap = 1.3 * canvas.size.label
        _draw_roofline(canvas, points, shares, peaks, bandwidth, (left, top, middle - gap, bottom))
        _draw_bars(canvas, points, ratios, peaks, other, (middle + gap, top, right, bottom))
    elif ratios:
        _draw_bars(canvas, points, ratios, peaks, other, (left, top, right, bottom))
    else:
        _draw_roofline(canvas, points, shares, peaks, bandwidth, (left, top, right, bottom))
    return canvas.figure


def _check_points(points: Sequence[KernelPoint], peaks: float, bandwidth: float) -> None:
    if not points:
        raise SpecError("expected at least one point, got none")
    _check_above_zero("a peak", peaks)
    _check_above_zero("a bandwidth", bandwidth)
    seen = set()
    for point in points:
        if point.gradient not in _PASSES:
            raise SpecError(f"expected a pass among {', '.join(_PASSES)}, got {point.gradient!r}")
        where = f"of {point.layer}, {point.gradient},"
        _check_above_zero(f"an intensity {where}", point.intensity)
        _check_above_zero(f"a speed {where}", point.speed)
        if point.other_speed is not None:
            _check_above_zero(f"another speed {where}", point.other_speed)
        if (point.layer, point.gradient) in seen:
            raise ShapeError(f"expected one point {where} got two")
        seen.add((point.layer, point.gradient))


def _check_above_zero(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise SpecError(f"expected {what} above 0, got {value}")


def _ratios(points: Sequence[KernelPoint]) -> dict[tuple[str, str], float]:
    """How many times as fast as the other, by layer and pass, where there is another speed."""
    return {
        (point.layer, point.gradient): point.speed / point.other_speed
        for point in points
        if point.other_speed is not None
    }


def _kernel_words(
    ratios: dict[tuple[str, str], float], shares: Sequence[float], other: str
) -> tuple[str, str]:
    """The title and what the second line adds to the machine."""
    if not ratios:
        if len(shares) == 1:
            return f"{shares[0]:.0%} of the roof", ""
        median = float(np.median(shares))
        return (
            f"From {min(shares):.0%} to {max(shares):.0%} of the roof, median {median:.0%}",
            f"{len(shares)} passes",
        )
    values = list(ratios.values())
    if len(values) == 1:
        return f"{_ratio_text(values[0])} times as fast as {other}", ""
    faster = sum(value > 1 for value in values)
    return (
        f"Faster than {other} in {_count_of(faster, len(values))} passes",
        f"{_ratio_text(min(values))} to {_ratio_text(max(values))} times as fast, "
        f"median {_ratio_text(float(np.median(values)))}",
    )


def _ratio_text(ratio: float) -> str:
    """2 significant digits, timings support no more; a third where 2 would hide who is faster."""
    for digits in (2, 3):
        exponent = int(f"{ratio:.{digits - 1}e}".split("e")[1])
        text = f"{ratio:.{max(0, digits - 1 - exponent)}f}"
        if float(text) != 1:
            break
    return text


def _count_of(count: int, total: int) -> str:
    if count == total:
        return f"all {total}"
    return f"{count or 'none'} of {total}"


# The roofline -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Axis:
    """Numbers to pixels: ``low`` stands at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = True

    def at(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, room: Callable[[float], float]) -> list[float]:
        """Round numbers on a logarithmic axis; ``room``: pixels that the label of one needs.

        1, 2, 5, 10 ... if they fit, else powers of ten, else every second or later of them.
        """
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        powers = range(first, last + 1)
        choices = [[factor * 10.0**power for power in powers for factor in (1, 2, 5)]]
        choices += [
            [10.0**power for power in powers if power % every == 0]
            for every in range(1, len(powers) + 1)
        ]
        for choice in choices:
            # A hair of room, so that a limit of 0.1 has its tick in spite of rounding.
            ticks = [t for t in choice if self.low * 0.999999 <= t <= self.high * 1.000001]
            if all(
                abs(self.at(after) - self.at(before)) >= (room(before) + room(after)) / 2
                for before, after in zip(ticks, ticks[1:], strict=False)
            ):
                break
        return ticks


_Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass
class _Plot:
    """The area of a plot and what in it is taken, so that a label finds a free place."""

    canvas: Canvas
    area: _Box
    taken: list[_Box] = field(default_factory=list)
    marks: list[tuple[float, float]] = field(default_factory=list)
    grid: list[_Box] = field(default_factory=list)  # what a label covers only where it must

    def rule(self, y: float) -> None:
        """A hairline across the plot, which labels avoid if they can."""
        self.canvas.line([self.area[0], self.area[2]], [y, y], self.canvas.theme.hairline)
        self.grid.append((self.area[0], y - 1, self.area[2], y + 1))

    def take_line(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        """Keep labels off a line through points."""
        half = 0.25 * self.canvas.size.small
        for x, y in _along(list(zip(xs, ys, strict=True)), half):
            self.taken.append((x - half, y - half, x + half, y + half))

    def take_mark(self, x: float, y: float) -> None:
        """Keep labels off a mark."""
        self.marks.append((x, y))
        self.taken.append(self._around(x, y))

    def _around(self, x: float, y: float) -> _Box:
        half = 0.75 * self.canvas.size.small
        return (x - half, y - half, x + half, y + half)

    def write(
        self,
        left: float,
        top: float,
        text: str,
        colour: str,
        on_grid: bool = True,
        own: _Box | None = None,
    ) -> bool:
        """Small text with this upper left corner if that place is free; says whether it was.

        ``on_grid``: it may lie across a hairline; ``own``: what it may come near to.
        """
        small = self.canvas.size.small
        box = (left, top, left + self.canvas.measure(text, small), top + LINE * small)
        inside = (
            self.area[0] <= box[0]
            and self.area[1] <= box[1]
            and box[2] <= self.area[2]
            and box[3] <= self.area[3]
        )
        avoided = self.taken if on_grid else [*self.taken, *self.grid]
        if not inside or any(_meet(box, other) for other in avoided if other != own):
            return False
        middle = (box[1] + box[3]) / 2
        self.canvas.text(left, middle, text, "lm", px=small, colour=colour)
        self.taken.append(box)
        return True

    def name(self, x: float, y: float, texts: Sequence[str], colour: str) -> None:
        """The first of some texts that finds the nearest free place to the mark at (x, y).

        Tied to the mark where it is far; nothing where none has a place.
        """
        small, own = self.canvas.size.small, self._around(x, y)
        tries = [(away, on_grid) for on_grid in (False, True) for away in (0.0, 0.8, 1.6, 2.6, 4.0)]
        # A label across a hairline beside its mark reads better than one far off.
        tries.sort(key=lambda attempt: attempt[0] + 2 * attempt[1])
        # Straight to the right, left, below and above first.
        turns = sorted(range(0, 360, 15), key=lambda turn: (turn % 90 > 0, turn % 180 > 0, turn))
        for (away, on_grid), text, turn in itertools.product(tries, texts, turns):
            direction = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            left, top, near = self._beside(x, y, text, (0.9 + away) * small, direction)
            tie = [(x + 0.6 * small * direction[0], y + 0.6 * small * direction[1]), near]
            clear = self._clear(tie, own) if away else self._nearest(x, y, left, top, text)
            if clear and self.write(left, top, text, colour, on_grid, own):
                if away:
                    self.canvas.line(*zip(*tie, strict=True), self.canvas.theme.quiet)
                return

    def _beside(
        self, x: float, y: float, text: str, gap: float, direction: tuple[float, float]
    ) -> tuple[float, float, tuple[float, float]]:
        """Left and top of a text whose nearest edge or corner is ``gap`` from (x, y), and that."""
        across, down = direction
        width, height = (
            self.canvas.measure(text, self.canvas.size.small),
            LINE * self.canvas.size.small,
        )
        left = x + gap * across - width * (1 - across) / 2
        top = y + gap * down - height * (1 - down) / 2
        return left, top, (min(max(x, left), left + width), min(max(y, top), top + height))

    def _nearest(self, x: float, y: float, left: float, top: float, text: str) -> bool:
        """Whether no other mark is so near to a text that it could be the one named."""
        small = self.canvas.size.small
        right, bottom = left + self.canvas.measure(text, small), top + LINE * small
        return all(
            math.dist(mark, (min(max(mark[0], left), right), min(max(mark[1], top), bottom)))
            > 1.6 * small
            for mark in self.marks
            if mark != (x, y)
        )

    def _clear(self, line: Sequence[tuple[float, float]], own: _Box) -> bool:
        return not any(
            _meet((x, y, x, y), other)
            for x, y in _along(line, 0.2 * self.canvas.size.small)
            for other in self.taken
            if other != own
        )


def _meet(one: _Box, two: _Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _along(line: Sequence[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Points on a line of straight pieces, ``step`` pixels apart or less."""
    points = [line[0]]
    for start, end in zip(line, line[1:], strict=False):
        pieces = max(1, math.ceil(math.dist(start, end) / step))
        points += [
            (
                start[0] + (end[0] - start[0]) * piece / pieces,
                start[1] + (end[1] - start[1]) * piece / pieces,
            )
            for piece in range(1, pieces + 1)
        ]
    return points


def _colour(theme: Theme, gradient: str) -> str:
    # The forward pass makes the output; each gradient has the colour of what it belongs to.
    return {
        "forward": theme.output,
        "gradient of input": theme.input,
        "gradient of weight": theme.window,
    }[gradient]


def _mark(canvas: Canvas, x: float, y: float, gradient: str, diameter: float) -> None:
    """A disc, a square or a triangle for the three passes, on a rim of the ground."""
    colour, rim = _colour(canvas.theme, gradient), 0.12 * diameter
    if gradient == "forward":
        canvas.dot(x, y, canvas.theme.ground, diameter)
        canvas.dot(x, y, colour, diameter - 2 * rim)
    elif gradient == "gradient of input":
        side = 0.9 * diameter
        canvas.box(
            x - side / 2,
            y - side / 2,
            side,
            side,
            fill=colour,
            edge=canvas.theme.ground,
            stroke=rim,
        )
    else:
        # One line that winds from the corners to the middle fills a triangle.
        turns = [(radius, corner) for radius in (1.0, 0.5) for corner in (0, 1, 2, 3)]
        reach, centre = 0.5 * diameter, y + 0.1 * diameter
        xs = [x + reach * r * math.sin(2 * math.pi * c / 3) for r, c in turns]
        ys = [centre - reach * r * math.cos(2 * math.pi * c / 3) for r, c in turns]
        canvas.line(xs, ys, canvas.theme.ground, stroke=0.5 * reach + 2 * rim)
        canvas.line(xs, ys, colour, stroke=0.5 * reach)


def _key(canvas: Canvas, passes: Sequence[str], left: float, right: float, top: float) -> float:
    """The marks and their names, in as many lines as they need; returns the y below them."""
    small = canvas.size.small
    x, step = left, small * LINE
    for gradient in passes:
        width = 1.2 * small + canvas.measure(gradient, small)
        if x > left and x + width > right:
            x, top = left, top + step
        _mark(canvas, x + small / 2, top + step / 2, gradient, 0.8 * small)
        canvas.text(x + 1.2 * small, top + step / 2, gradient, "lm", px=small)
        x += width + 1.2 * small
    return top + step


def _present(points: Sequence[KernelPoint]) -> list[str]:
    return [gradient for gradient in _PASSES if any(p.gradient == gradient for p in points)]


def _draw_roofline(
    canvas: Canvas,
    points: Sequence[KernelPoint],
    shares: Sequence[float],
    peak: float,
    bandwidth: float,
    place: _Box,
) -> None:
    left, top, right, bottom = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    canvas.text(left, top, "speed in GF/s", bold=True)
    plot_top = _key(canvas, _present(points), left, right, top + LINE * size.label) + 0.4 * small
    plot_bottom = bottom - 2 * LINE * small - 0.4 * small

    speeds = [point.speed for point in points]
    intensities = [point.intensity for point in points]
    ridge = peak / bandwidth
    # Both parts of the roof are always seen, with room for their names.
    across = (min(min(intensities) / 1.5, ridge / 6), max(max(intensities) * 1.5, ridge * 4))
    up = (min(min(speeds) / 1.4, peak / 8), max(*speeds, peak))
    y_axis = _Axis(up[0], up[1], plot_bottom, plot_top + 2.2 * small)
    ticks = y_axis.ticks(lambda _: 1.8 * small)
    texts = [measured(tick / _GIGA) for tick in ticks]
    plot_left = left + canvas.widest(texts, small) + 10 * canvas.unit
    x_axis = _Axis(*across, plot_left, right)
    plot = _Plot(canvas, (plot_left, plot_top, right, plot_bottom))
    for tick, text in zip(ticks, texts, strict=True):
        y = y_axis.at(tick)
        plot.rule(y)
        _tick_left(canvas, plot_left, y, text)
    _roofline_foot(canvas, x_axis, plot_bottom)

    start = max(across[0], up[0] / bandwidth)
    roof_at = [start, ridge, across[1]]
    roof_x = [x_axis.at(value) for value in roof_at]
    roof_y = [y_axis.at(roof(value, peak, bandwidth)) for value in roof_at]
    canvas.line(roof_x, roof_y, theme.ink, stroke=0.6 * size.thick)
    plot.take_line(roof_x, roof_y)
    diameter = 0.8 * small
    places = [(x_axis.at(point.intensity), y_axis.at(point.speed)) for point in points]
    for point, (x, y) in zip(points, places, strict=True):
        _mark(canvas, x, y, point.gradient, diameter)
        plot.take_mark(x, y)
    _name_roof(plot, peak, bandwidth, roof_x, roof_y)

    most = min(5, max(1, int((plot_bottom - plot_top) / (4.5 * small))))
    named = _extremes(points, shares, most)
    for nth, index in enumerate(named):
        # The first says what the percentages are of.
        of = " of the roof" if nth == 0 else ""
        text = f"{points[index].layer} {shares[index]:.0%}{of}"
        plot.name(*places[index], [text], theme.ink)


def _extremes(points: Sequence[KernelPoint], shares: Sequence[float], most: int) -> list[int]:
    """Which points to name: the lowest and the highest share, the lowest first.

    A layer is named once, at its extreme, so that ``most`` names say something of as many layers.
    """
    order = sorted(range(len(points)), key=shares.__getitem__)
    named: list[int] = []
    for nth in range(len(order)):
        rest = [at for at in order if points[at].layer not in {points[one].layer for one in named}]
        if nth == most or not rest:
            break
        named.append(rest[-1 if nth % 2 else 0])
    return named


def _tick_left(canvas: Canvas, x: float, y: float, text: str) -> None:
    canvas.note(x - 10 * canvas.unit, y, text, "rm")


def _roofline_foot(canvas: Canvas, axis: _Axis, bottom: float) -> None:
    small, quiet = canvas.size.small, canvas.theme.quiet
    y = bottom + 0.4 * small
    for tick in axis.ticks(lambda tick: canvas.measure(measured(tick), small) + small):
        x, text = axis.at(tick), measured(tick)
        half = canvas.measure(text, small) / 2
        if x + half <= canvas.right:
            canvas.line([x, x], [bottom, bottom - 0.3 * small], quiet)
            canvas.note(x, y, text, "mt")
    canvas.note(
        axis.end,
        y + LINE * small,
        f"FLOP per byte that must be moved {style.ARROW}",
        "rt",
        width=axis.end - canvas.left,
    )


def _name_roof(
    plot: _Plot, peak: float, bandwidth: float, xs: Sequence[float], ys: Sequence[float]
) -> None:
    """The numbers of both parts of the roof, beside them."""
    canvas, small = plot.canvas, plot.canvas.size.small
    text = f"peak {measured(peak / _GIGA)} GF/s"
    left, strip = xs[2] - canvas.measure(text, small), plot.area[1]
    # Where marks are near to the roof its name stands above all of them.
    for top in (ys[1] - 1.6 * small, strip):
        if plot.write(left, top, text, canvas.theme.ink):
            # Beside it no point is named: the two would read as one line.
            plot.taken.append((left - 3 * small, strip, left, ys[1]))
            break
    text = f"memory {measured(bandwidth / _GIGA)} GB/s"
    width, height = canvas.measure(text, small), LINE * small
    # Above the slope a text's lower right corner is nearest, below it its upper left one.
    for on_grid, above in itertools.product((False, True), (True, False)):
        for share in np.linspace(0.9, 0.0, 37):
            x, y = xs[0] + share * (xs[1] - xs[0]), ys[0] + share * (ys[1] - ys[0])
            left, top = (x - 0.6 * small - width, y - height) if above else (x + 0.6 * small, y)
            if plot.write(left, top, text, canvas.theme.ink, on_grid):
                return
    plot.write(plot.area[0], strip, text, canvas.theme.ink)


# The bars beside it -----------------------------------------------------------------------------


def _draw_bars(
    canvas: Canvas,
    points: Sequence[KernelPoint],
    ratios: dict[tuple[str, str], float],
    peak: float,
    other: str,
    place: _Box,
) -> None:
    """A column for each pass, a row for each layer."""
    left, top, right, bottom = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    if ratios:
        values, head = ratios, f"times as fast as {other}"
        low, high = min(1.0, *values.values()), max(2.0, *values.values())
        base, foot, scale = 1.0, f"1: as fast as {other}", ", logarithmic scale"
    else:
        values = {(p.layer, p.gradient): p.speed / _GIGA for p in points}
        head, low, high = "GF/s", 0.0, max(peak / _GIGA, *values.values())
        base, foot, scale = 0.0, f"{measured(peak / _GIGA)}: peak of fused multiply-adds", ""
    canvas.text(left, top, head, bold=True, width=right - left)
    top += LINE * size.label + 0.2 * small

    shown = [point for point in points if (point.layer, point.gradient) in values]
    layers = list(dict.fromkeys(point.layer for point in shown))
    passes = _present(shown)
    write = _ratio_text if ratios else measured
    texts = {key: write(value) for key, value in values.items()}
    slower = {key for key, value in ratios.items() if value < 1}
    pad, gap = 0.5 * small, small
    number = max(canvas.measure(text, small, key in slower) for key, text in texts.items())
    names = min(canvas.widest(layers, small), 0.36 * (right - left))
    # The number of the peak stands centred below the end of a column.
    inset = 0.0 if ratios else canvas.measure(measured(high), small) / 2
    column = (right - left - names) / len(passes) - gap
    lines = 1 if 1.2 * small + canvas.widest(passes, small) <= column else 2
    row_top = top + lines * LINE * small + 0.3 * small
    row_bottom = bottom - 2 * LINE * small - 0.3 * small
    rows = min(len(layers), max(1, int((row_bottom - row_top) / (1.2 * small))))
    height = min((row_bottom - row_top) / rows, 3.2 * small)
    row_bottom = row_top + rows * height
    for row, layer in enumerate(layers[:rows]):
        y = row_top + (row + 0.5) * height
        canvas.text(left + names, y, layer, "rm", px=small, width=names)

    for nth, gradient in enumerate(passes):
        x = left + names + gap + nth * (column + gap)
        _pass_head(canvas, gradient, x, top, lines, column - 1.2 * small)
        axis = _Axis(low, high, x + number + pad, x + column - inset, logarithmic=bool(ratios))
        _bar_axis(canvas, axis, 1.0 if ratios else peak / _GIGA, row_top, row_bottom)
        for row, layer in enumerate(layers[:rows]):
            y = row_top + (row + 0.5) * height
            value = values.get((layer, gradient))
            if value is None:
                continue
            canvas.text(
                x + number,
                y,
                texts[layer, gradient],
                "rm",
                px=small,
                colour=theme.mistake if (layer, gradient) in slower else theme.ink,
                bold=(layer, gradient) in slower,
            )
            ends = sorted((axis.at(base), axis.at(value)))
            canvas.box(
                ends[0],
                y - 0.3 * height,
                ends[1] - ends[0],
                0.6 * height,
                fill=_colour(theme, gradient),
            )
    # A narrow canvas has no room for both; that the scale is logarithmic its ticks say too.
    foot = f"first {rows} of {len(layers)} layers; {foot}" if rows < len(layers) else foot + scale
    canvas.note(right, row_bottom + 0.3 * small + LINE * small, foot, "rt", width=right - left)


def _pass_head(
    canvas: Canvas, gradient: str, x: float, top: float, lines: int, width: float
) -> None:
    """The mark and the name of a column, its name broken in two where columns are narrow."""
    small = canvas.size.small
    _mark(canvas, x + small / 2, top + LINE * small / 2, gradient, 0.8 * small)
    words = gradient.split(" ", 1) if lines == 2 else [gradient]
    for line, text in enumerate(words):
        y = top + (line + 0.5) * LINE * small
        canvas.text(x + 1.2 * small, y, text, "lm", px=small, width=width)


def _bar_axis(canvas: Canvas, axis: _Axis, at: float, top: float, bottom: float) -> None:
    """The line that bars are read against and, below a column, its number and round ones."""
    small, theme = canvas.size.small, canvas.theme
    ticks = [0.0]
    if axis.logarithmic:
        ticks = axis.ticks(lambda tick: canvas.measure(measured(tick), small) + 0.5 * small)
    for tick, text in _spaced(canvas, axis, [at, *ticks]):
        x = axis.at(tick)
        canvas.line(
            [x, x], [top, bottom + 0.2 * small], theme.ink if tick == at else theme.hairline
        )
        canvas.note(x, bottom + 0.3 * small, text, "mt")


def _spaced(canvas: Canvas, axis: _Axis, values: Sequence[float]) -> list[tuple[float, str]]:
    """Those values, with their texts, that stand beside each other; earlier ones have the right."""
    small = canvas.size.small
    kept: list[tuple[float, str]] = []
    taken: list[tuple[float, float]] = []
    for value in values:
        text = measured(value)
        half = canvas.measure(text, small) / 2 + 0.25 * small
        start, end = axis.at(value) - half, axis.at(value) + half
        if not any(start < other_end and other < end for other, other_end in taken):
            kept.append((value, text))
            taken.append((start, end))
    return kept


# Speed of training ------------------------------------------------------------------------------


def training_speed(
    bars: Sequence[TrainingBar],
    *,
    other: str,
    machine: str,
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """Seconds of training here and with ``other``, another library, as pairs of bars from 0.

    The thin line on a bar is the spread that the caller measured; at the end of a
    pair stands ours / theirs.  All bars share one scale unless the longest pair
    is more than 8 times the shortest: then each pair has its own, and the second
    line says so.  Milliseconds where no bar of a scale reaches a second.  The ratio is
    quiet where the two spreads overlap.

    Raises SpecError without bars, for times that are not above 0, for an unknown
    theme or size, and ShapeError for a spread without its time in it.
    """
    _check_bars(bars)
    canvas = Canvas(size, theme, aspect=1.1)
    small, label = canvas.size.small, canvas.size.label
    reach = [max(bar.high, bar.other_high or 0.0) for bar in bars]
    compared = [bar for bar in bars if bar.other_seconds is not None]
    shared = max(reach) <= 8 * min(reach) or not compared
    if shared:
        reach = [max(reach)] * len(bars)
    sides = [_OURS, other] if compared else [_OURS]
    # The second line may take two lines: rows are counted as if it did.
    head = (canvas.size.title + 2 * canvas.size.subtitle) * LINE + 0.7 * label
    lowest = LINE * label + (1.25 * len(sides) + 0.5) * small
    rows = min(len(bars), max(1, int((canvas.inner_height - head) / lowest)))
    notes = [machine, "lower is better", "thin line: spread"]
    overlapping = sum(_spreads_overlap(bar) for bar in bars)
    if overlapping:
        notes.append(f"spreads overlap in {overlapping}")
    if not shared:
        notes.append("each pair on its own scale")
    if rows < len(bars):
        notes.append(f"first {rows} of {len(bars)}")
    canvas.headline(_training_title(bars, reach, other), "; ".join(notes), canvas.theme.ink)

    times = [
        _duration(seconds, longest)
        for bar, longest in zip(bars, reach, strict=True)
        for seconds in (bar.seconds, bar.other_seconds)
        if seconds is not None
    ]
    names = min(canvas.widest(sides, small), 0.3 * canvas.inner_width)
    start = canvas.left + names + 0.7 * small
    end = canvas.right - canvas.widest(times, small) - 0.7 * small
    ratio = canvas.widest(map(_share_text, compared), label, bold=True)
    # Beside the bars a ratio must leave them half of the width, else it stands above them.
    beside = end - start - ratio >= 0.5 * canvas.inner_width
    if compared and beside:
        end -= ratio + 1.5 * small
    height = min((canvas.inner_height + 0.5 * small) / rows, 2.6 * lowest)
    for row, bar in enumerate(bars[:rows]):
        axis = _Axis(0.0, reach[row], start, end, logarithmic=False)
        _draw_pair(canvas, bar, sides, axis, (canvas.top + row * height, height), beside)
    return canvas.figure


def _check_bars(bars: Sequence[TrainingBar]) -> None:
    if not bars:
        raise SpecError("expected at least one bar, got none")
    for bar in bars:
        others = (bar.other_low, bar.other_seconds, bar.other_high)
        if len({value is None for value in others}) == 2:
            raise ShapeError(f"expected all or none of the other's times of {bar.what}, got some")
        for low, seconds, high in ((bar.low, bar.seconds, bar.high), others):
            if seconds is None:
                continue
            _check_above_zero(f"a time of {bar.what}", low)
            if not low <= seconds <= high < math.inf:
                raise ShapeError(
                    f"expected a spread around {seconds} s of {bar.what}, got {low} s to {high} s"
                )


def _spreads_overlap(bar: TrainingBar) -> bool:
    if bar.other_low is None:
        return False
    return bar.low <= bar.other_high and bar.other_low <= bar.high


def _training_title(bars: Sequence[TrainingBar], reach: Sequence[float], other: str) -> str:
    compared = [bar for bar in bars if bar.other_seconds is not None]
    if len(compared) == 1:
        return f"{_share_text(compared[0])} of {other}"
    if compared:
        less = sum(bar.seconds < bar.other_seconds for bar in compared)
        return f"Less time than {other} in {_count_of(less, len(compared))} cases"
    times = [
        (bar.seconds, _duration(bar.seconds, longest))
        for bar, longest in zip(bars, reach, strict=True)
    ]
    if len(bars) == 1:
        return f"{bars[0].what}: {times[0][1]}"
    return f"From {min(times)[1]} to {max(times)[1]}"


def _duration(seconds: float, longest: float) -> str:
    """A time in the unit of the longest that it stands beside."""
    if longest < 1:
        return f"{measured(1000 * seconds)} ms"
    return f"{measured(seconds)} s"


def _share_text(bar: TrainingBar) -> str:
    return f"{_ratio_text(bar.seconds / bar.other_seconds)} of the time"


def _draw_pair(
    canvas: Canvas,
    bar: TrainingBar,
    sides: Sequence[str],
    axis: _Axis,
    place: tuple[float, float],
    beside: bool,
) -> None:
    """The name of a piece of training, below it our bar and the other's; ``place``: top, height."""
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    top, height = place
    ratio = "" if bar.other_seconds is None else _share_text(bar)
    room = canvas.inner_width - canvas.measure(ratio, size.label, bold=True) - size.label
    canvas.text(canvas.left, top, bar.what, bold=True, width=room)
    first = top + LINE * size.label
    # White space below a pair is larger than that under its name, so that they belong together.
    step = (height - LINE * size.label - max(0.5 * small, 0.16 * height)) / len(sides)
    ours = (bar.seconds, bar.low, bar.high, theme.output, theme.ink)
    theirs = (bar.other_seconds, bar.other_low, bar.other_high, theme.hairline, theme.quiet)
    for nth, (seconds, low, high, fill, ink) in enumerate((ours, theirs)):
        if seconds is None:
            continue
        y, thick = first + (nth + 0.5) * step, 0.72 * step
        canvas.text(
            axis.start - 0.7 * small,
            y,
            sides[nth],
            "rm",
            px=small,
            colour=ink,
            width=axis.start - 0.7 * small - canvas.left + 0.5,
        )
        canvas.box(axis.start, y - thick / 2, axis.at(seconds) - axis.start, thick, fill=fill)
        if low < high:
            # On a rim of the ground the line is seen on its bar and beyond it.
            for colour, stroke in ((theme.ground, 6 * size.hair), (theme.ink, 2 * size.hair)):
                canvas.line([axis.at(low), axis.at(high)], [y, y], colour, stroke=stroke)
        canvas.text(
            axis.at(high) + 0.7 * small,
            y,
            _duration(seconds, axis.high),
            "lm",
            px=small,
            colour=ink,
        )
    if ratio:
        canvas.text(
            canvas.right,
            first + step if beside else top,
            ratio,
            colour=theme.quiet if _spreads_overlap(bar) else theme.ink,
            bold=True,
            anchor="rm" if beside else "rt",
        )


# Speed over sizes and threads ---------------------------------------------------------------------


def scaling(
    curves: Sequence[ScalingCurve],
    *,
    machine: str,
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """GF/s (FLOP / seconds) over the values of each axis, one panel each, on one scale from 0.

    The values stand on a logarithmic axis, as many of them named as there is room
    for.  A cliff is marked and named: a value whose GF/s are less than half of
    those at the next smaller value.

    Raises SpecError without curves or values, for numbers that are not above 0,
    values that do not grow and an unknown theme or size, ShapeError for lists of
    different lengths.
    """
    _check_curves(curves)
    canvas = Canvas(size, theme, aspect=1.1)
    speeds = [_speeds(curve) for curve in curves]
    cliffs = [_cliffs(values) for values in speeds]
    title = _scaling_title(curves, speeds, cliffs)
    note = "GF/s, higher is better; cliff: less than half of the speed one step before"
    canvas.headline(title, f"{machine}; {note}", canvas.theme.ink)

    room_x, room_y = canvas.inner_width, canvas.inner_height
    gap_x, gap_y = 2.2 * canvas.size.label, 0.9 * canvas.size.label

    def unshapely(columns: int) -> float:
        """How far panels are from a slide's shape; an empty place counts much."""
        rows = math.ceil(len(curves) / columns)
        shape = room_x / columns / (room_y / rows)
        return rows * columns - len(curves) + abs(math.log(shape / 1.8))

    columns = min(range(1, len(curves) + 1), key=unshapely)
    rows = math.ceil(len(curves) / columns)
    width = (room_x - gap_x * (columns - 1)) / columns
    height = (room_y - gap_y * (rows - 1)) / rows
    highest = max(max(values) for values in speeds)
    for nth, (curve, values, falls) in enumerate(zip(curves, speeds, cliffs, strict=True)):
        row, column = divmod(nth, columns)
        left, top = canvas.left + column * (width + gap_x), canvas.top + row * (height + gap_y)
        _scaling_panel(
            canvas, curve, values, falls, highest, (left, top, left + width, top + height)
        )
    return canvas.figure


def _check_curves(curves: Sequence[ScalingCurve]) -> None:
    if not curves:
        raise SpecError("expected at least one curve, got none")
    for curve in curves:
        count = len(curve.values)
        if not count:
            raise SpecError(f"expected values of {curve.axis}, got none")
        for what, numbers in (("seconds", curve.seconds), ("FLOP", curve.unit_work)):
            if len(numbers) != count:
                raise ShapeError(
                    f"expected {count} numbers of {what}, one a value of {curve.axis}, "
                    f"got {len(numbers)}"
                )
            for number in numbers:
                _check_above_zero(f"{what} of {curve.axis}", number)
        _check_above_zero(f"a value of {curve.axis}", curve.values[0])
        if any(
            later <= earlier for earlier, later in zip(curve.values, curve.values[1:], strict=False)
        ):
            raise SpecError(f"expected values of {curve.axis} that grow, got {curve.values}")


def _speeds(curve: ScalingCurve) -> list[float]:
    """GF/s at each value."""
    return [
        work / seconds / _GIGA for work, seconds in zip(curve.unit_work, curve.seconds, strict=True)
    ]


def _cliffs(speeds: Sequence[float]) -> list[int]:
    """Where the speed is less than half of that just before."""
    return [at for at in range(1, len(speeds)) if speeds[at] < 0.5 * speeds[at - 1]]


def _scaling_title(
    curves: Sequence[ScalingCurve], speeds: Sequence[Sequence[float]], cliffs: Sequence[list[int]]
) -> str:
    found = [
        (curve, at, values[at] / values[at - 1])
        for curve, values, falls in zip(curves, speeds, cliffs, strict=True)
        for at in falls
    ]
    if not found:
        every = [speed for values in speeds for speed in values]
        if len(every) == 1:
            return f"{measured(every[0])} GF/s"
        return f"No cliff: {measured(min(every))} to {measured(max(every))} GF/s"
    if len(found) == 1:
        curve, at, share = found[0]
        before, after = curve.values[at - 1], curve.values[at]
        return f"One cliff: {share:.0%} of the speed from {curve.axis} {before} to {after}"
    names = ", ".join(f"{curve.axis} {curve.values[at]}" for curve, at, _ in found)
    return f"{len(found)} cliffs: {names}"


def _scaling_panel(
    canvas: Canvas,
    curve: ScalingCurve,
    speeds: Sequence[float],
    cliffs: Sequence[int],
    highest: float,
    place: _Box,
) -> None:
    left, top, right, bottom = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    values = curve.values
    span = f" from {values[0]} to {values[-1]}" if len(values) > 1 else f" {values[0]}"
    canvas.text(left, top, f"{curve.axis}{span}", bold=True, width=right - left)
    plot_top = top + LINE * size.label + 0.7 * small
    plot_bottom = bottom - LINE * small - 0.4 * small

    steps = max(1, min(6, int((plot_bottom - plot_top) / (2 * small))))
    ticks = [
        float(tick)
        for tick in MaxNLocator(nbins=steps, steps=[1, 2, 2.5, 5, 10]).tick_values(0, highest)
    ]
    texts = [measured(tick) for tick in ticks]
    plot_left = left + canvas.widest(texts, small) + 10 * canvas.unit
    inner = 0.5 * canvas.measure(str(values[-1]), small)
    plot = _Plot(canvas, (plot_left, plot_top - 0.5 * small, right, plot_bottom))
    y_axis = _Axis(0.0, max(ticks[-1], highest), plot_bottom, plot_top, logarithmic=False)
    ends = (values[0], values[-1]) if len(values) > 1 else (values[0] / 2, values[0] * 2)
    x_axis = _Axis(*ends, plot_left + inner, right - inner)
    for tick, text in zip(ticks, texts, strict=True):
        y = y_axis.at(tick)
        plot.rule(y)
        _tick_left(canvas, plot_left, y, text)
    # Cliffs and both ends are named first, other values where there is room.
    order = [*(values[at] for at in cliffs), values[0], values[-1], *values]
    for value, text in _spaced(canvas, x_axis, order):
        x = x_axis.at(value)
        canvas.line([x, x], [plot_bottom, plot_bottom + 0.25 * small], theme.quiet)
        canvas.note(x, plot_bottom + 0.4 * small, text, "mt")

    xs, ys = [x_axis.at(value) for value in values], [y_axis.at(speed) for speed in speeds]
    canvas.line(xs, ys, theme.output, stroke=0.6 * size.thick)
    plot.take_line(xs, ys)
    diameter = 0.6 * small
    for at, (x, y) in enumerate(zip(xs, ys, strict=True)):
        cliff = at in cliffs
        across = 1.3 * diameter if cliff else diameter
        canvas.dot(x, y, theme.mistake if cliff else theme.output, across, hollow=cliff)
        plot.take_mark(x, y)
    for at in cliffs:
        share, before = f"{speeds[at] / speeds[at - 1]:.0%}", values[at - 1]
        short = f"cliff at {values[at]}: {share}"
        plot.name(
            xs[at], ys[at], [f"{short} of the speed at {before}", short, share], theme.mistake
        )
