"""Lines over two axes with round numbers, each ending at its name: one drawing of them all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import measured, power_of_ten
from convlab.viz.axes import Axis, apart, beside, tick_texts, ticks_around, ticks_within
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.words import t

_TINT = "2E"  # the opacity of bands, as the last two digits of #RRGGBBAA
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
        """A line across the plot for each number, with the number at its left if it has room."""
        room = 1.2 * self.canvas.size.small
        written = beside(self.y, ticks, lambda _: room)
        for tick, text in zip(ticks, texts, strict=True):
            y = self.y.at(tick)
            self.canvas.line([self.left, self.right], [y, y], self.canvas.theme.hairline)
            if tick in written:
                self.canvas.note(self.left - 10 * self.canvas.unit, y, text, "rm")

    def numbers(self, places: Iterable[float], texts: Sequence[str]) -> None:
        """Those numbers below the plot that have room."""
        small, end = self.canvas.size.small, -math.inf
        for place, text in zip(places, texts, strict=True):
            x, half = self.x.at(place), self.canvas.measure(text, small) / 2
            if x - half > end + 0.5 * small:
                self.canvas.note(x, self.bottom + 0.7 * small, text, "mt")
                end = x + half

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
        """Names and notes of at most ``width``, in as many lines as that needs, at the right of
        the lines' ends, joined to them and kept apart."""
        canvas, unit, small = self.canvas, self.canvas.unit, self.canvas.size.small
        x = self.right + 48 * unit
        names = [end.name for end in ends]
        if canvas.widest(" ".join(names).split(), small, True) > width:
            names = canvas.names(names, width, small, True)
        texts = {
            end: _lines(canvas, name, end.note, width)
            for end, name in zip(ends, names, strict=True)
        }
        room = math.floor((self.bottom - self.top) / (LINE * small * max(len(ends), 1)))
        if max(map(len, texts.values()), default=1) > room:
            names = canvas.names(names, width, small, True)
            texts = {
                end: [(name, True), *[(end.note, False)] * bool(end.note)][: max(room, 1)]
                for end, name in zip(ends, names, strict=True)
            }
        most = max(map(len, texts.values()), default=1)
        for y, end in self.spread(ends, (most * LINE + 0.35 * (most > 1)) * small):
            colour, dashes = end.look.colour, end.look.dashes
            xs, ys = [end.x + 6 * unit, self.right + 8 * unit, x - 8 * unit], [end.y, end.y, y]
            canvas.line(xs, ys, colour, stroke=0.35 * canvas.size.thick, dashes=dashes)
            write = partial(canvas.text, x, px=small, width=width)
            top = y - (len(texts[end]) - 1) * LINE * small / 2
            for row, (text, bold) in enumerate(texts[end]):
                ink = colour if bold else None
                write(top + row * LINE * small, text, "lm", bold=bold, colour=ink)

    def spread(self, ends: Iterable[LineEnd], step: float) -> Iterable[tuple[float, LineEnd]]:
        """The ends from top to bottom, each with a height ``step`` from the next and inside."""
        ends = sorted(ends, key=lambda end: end.y)
        ys = [end.y for end in ends]
        return zip(apart(ys, step, self.top + step / 2, self.bottom - step / 2), ends, strict=True)


def _lines(canvas: Canvas, name: str, note: str, width: float) -> list[tuple[str, bool]]:
    """A name and its note in lines, and whether each belongs to the name, which is bold."""
    small = canvas.size.small
    # Bold text is wider than plain text, by which lines are broken.
    wide = width * canvas.measure(name, small) / max(canvas.measure(name, small, True), 1)
    lines = [(line, True) for line in canvas.wrapped(name, wide, small)]
    return lines + [(line, False) for line in canvas.wrapped(note, width, small)]


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers (n,) at ascending places (n,), with gaps where they are NaN.

    ``name`` and ``note`` stand at its end.  ``dot``: the diameter of a mark at each number, in
    thick strokes; ``rings``: the indices of those with a larger one.  ``spread`` (n,): half the
    height of a band around it.
    """

    xs: NDArray
    ys: NDArray
    look: Look
    name: str = ""
    note: str = ""
    dot: float = 0.0
    rings: Sequence[int] = ()
    spread: NDArray | None = None

    def bands(self) -> list[tuple[NDArray, NDArray, NDArray]]:
        """Places, lower and upper ends of the band, in runs of finite numbers."""
        if self.spread is None:
            return []
        known = np.isfinite(self.ys)
        runs = np.split(np.arange(len(known)), np.flatnonzero(np.diff(known)) + 1)
        low, high = self.ys - self.spread, self.ys + self.spread
        return [(self.xs[r], low[r], high[r]) for r in runs if known[r[0]] and len(r) > 1]

    def alone(self) -> NDArray:
        """The indices of numbers between two gaps, which no line would show."""
        known = np.pad(np.isfinite(self.ys), 1)
        return np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines in one plot, and everything around them.

    ``words``: coloured headings side by side, as texts with roles.  The axes reach from the lowest
    to the highest number of the lines, or as far as ``x_range`` says and at least as far as
    ``y_range``, and from there to the next round number; ``whole``: only whole numbers along x.
    ``places``: the numbers along x instead of round ones.  ``unit``: of the numbers along y, as for
    ``tick_texts``.  ``marks``: places along x with a word, each an upright dashed line; ``levels``:
    numbers along y with a word, each a line across in the input's colour.
    """

    lines: Sequence[Line]
    x_label: str
    y_label: str = ""
    words: Sequence[tuple[str, str]] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    most: float = math.inf
    unit: str = ""
    whole: bool = False
    places: Sequence[float] | NDArray = ()
    log_x: bool = False
    log_y: bool = False
    marks: Sequence[tuple[float, str]] = ()
    levels: Sequence[tuple[float, str]] = ()

    def draw(self, canvas: Canvas, place: Place) -> Plot:
        """Draw it into ``place`` (left, top, width, height); returns where its numbers are."""
        left, top, width, height = place
        small = canvas.size.small
        if self.words:
            self._words(canvas, left, top, width)
            top += LINE * small
        canvas.note(left, top, self.y_label, width=width)
        rows = (1.0 + 0.9 * bool(self.y_label)) + LINE * len(self.marks)
        bottom = place[1] + height - (3.2 if self.x_label else 1.8) * small
        label = self._label(canvas, width)
        right = left + width - (label + 50 * canvas.unit if label else 6 * canvas.unit)
        plot = self._axes(canvas, (left, top + rows * small, right, bottom))
        if not self._reach():
            canvas.note(plot.left, plot.top, t("no finite values"), colour=canvas.theme.mistake)
        if self.x_label:
            middle, reach = (plot.left + plot.right) / 2, place[0] + width
            room = 2 * min(middle - left, reach - middle)
            canvas.note(middle, bottom + 1.95 * small, self.x_label, "mt", width=room)
        marked = top + 1.5 * small * bool(self.y_label)
        _draw_marks(plot, self.marks, (left, marked, place[0] + width))
        for level, word in self.levels:
            y, colour = plot.y.at(level), canvas.theme.input
            canvas.line([plot.left, plot.right], [y, y], colour, stroke=0.3 * canvas.size.thick)
            x, room = plot.left + 6 * canvas.unit, plot.right - plot.left
            canvas.note(x, y - 0.3 * small, word, "lb", colour=colour, width=room)
        ends = [end for line in self.lines for end in _draw_line(plot, line)]
        plot.names([end for end in ends if end.name], label)
        return plot

    def _words(self, canvas: Canvas, left: float, top: float, width: float) -> None:
        """The headings, as many as have room."""
        px, right = canvas.size.small, left + width
        for text, role in self.words:
            if right - left > 3 * px:
                colour = getattr(canvas.theme, role)
                canvas.text(left, top, text, px=px, colour=colour, bold=True, width=right - left)
            left += canvas.measure(text, px, True) + 1.2 * px

    def _reach(self) -> tuple[float, ...]:
        """The lowest and the highest finite number along y, if there is any."""
        parts = [line.ys for line in self.lines]
        parts += [end for line in self.lines for _, *ends in line.bands() for end in ends]
        values = np.concatenate([*parts, [level for level, _ in self.levels], self.y_range or ()])
        values = np.minimum(values[np.isfinite(values)], self.most)
        return (float(values.min()), float(values.max())) if values.size else ()

    def _label(self, canvas: Canvas, width: float) -> float:
        """Width of the lines' names and notes."""
        small, named = canvas.size.small, [line for line in self.lines if line.name]
        names, notes = [line.name for line in named], [line.note for line in named]
        full = max(canvas.widest(names, small, True), canvas.widest(notes, small))
        if full <= 0.3 * width:
            return full
        words = [word for text in (*names, *notes) for word in canvas.said(text).split()]
        return min(full, max(0.3 * width, canvas.widest(words, small, True)), 0.4 * width)

    def _axes(self, canvas: Canvas, borders: Place) -> Plot:
        """A plot between ``borders`` (left, top, right, bottom), with its rules and numbers."""
        (left, top, right, bottom), small = borders, canvas.size.small
        xs = np.concatenate([line.xs for line in self.lines]) if self.lines else np.zeros(0)
        x_range = self.x_range or (float(xs.min()), float(xs.max()))
        low, high = self._reach() or (0.0, 1.0)
        rows = max(1, math.floor((bottom - top) / (2.2 * small)))
        if self.log_y:
            first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
            last = max(last, first + 1)
            every = math.ceil((last - first) / rows)
            powers = [power for power in range(first, last + 1) if power % every == 0]
            ticks, texts = [10.0**power for power in powers], [power_of_ten(p) for p in powers]
            low, high = 10.0**first, 10.0**last
        else:
            if low == high:
                low, high = low - 0.05 * (abs(low) or 1), high + 0.05 * (abs(high) or 1)
            ticks = ticks_around(low, high, min(6, rows))
            beyond = 0.6 * (ticks[1] - ticks[0])
            end = min(high + beyond, self.most)
            ticks = [tick for tick in ticks if low - beyond <= tick <= end]
            low, high, texts = (
                min(ticks[0], low),
                max(ticks[-1], high),
                tick_texts(ticks, self.unit),
            )
        left += canvas.widest(texts, small) + 10 * canvas.unit
        # Room for marks at the first and the last place.
        inner = 10 * canvas.unit if any(line.dot or line.rings for line in self.lines) else 0.0
        x = Axis(*x_range, left + inner, right - inner, self.log_x)
        plot = Plot(canvas, left, right, x, Axis(low, high, bottom, top, self.log_y))
        plot.rules(ticks, texts)
        if len(self.places):
            plot.numbers(self.places, [_place(place) for place in self.places])
        else:
            ticks = self._ticks(x, canvas)
            plot.numbers(ticks, tick_texts(ticks))
        return plot

    def _ticks(self, axis: Axis, canvas: Canvas) -> list[float]:
        """Round numbers along x, as many as have room, or the ends if not even two have."""
        low, high = axis.low, axis.high
        if low == high:
            return [low]
        room = 0.6 * canvas.size.small
        for most in range(9, 1, -1):
            ticks = ticks_within(low, high, most=most, whole=self.whole)
            half = [canvas.measure(text, canvas.size.small) / 2 for text in tick_texts(ticks)]
            ends = [
                (axis.at(tick) - wide, axis.at(tick) + wide)
                for tick, wide in zip(ticks, half, strict=True)
            ]
            if all(left >= right + room for (_, right), (left, _) in pairwise(ends)):
                break
        return ticks if len(ticks) > 1 else [low, high]


def _place(number: float) -> str:
    return measured(number) if abs(number) < 1000 else f"{number:,.0f}"


def _draw_line(plot: Plot, line: Line) -> list[LineEnd]:
    """A line with its band and its marks; returns its end for its name."""
    for xs, low, high in line.bands():
        above, below = (np.stack([plot.x.at(xs), plot.y.clipped(ys)], 1) for ys in (high, low))
        outline = np.concatenate([above, below[::-1]])[None]
        plot.canvas.polygons(outline, fill=line.look.colour + _TINT)
    ends = plot.line(line.xs, line.ys, line.look, line.dot, line.name, line.note)
    for at in line.alone():
        plot.dot(line.xs[at], line.ys[at], line.look, 1.6)
    for at in line.rings:
        plot.dot(line.xs[at], line.ys[at], replace(line.look, dashes=(1, 1)), 2.2)
    return ends


def _draw_marks(
    plot: Plot, marks: Sequence[tuple[float, str]], room: tuple[float, float, float]
) -> None:
    """Vertical lines, each with its word beside its upper end, in a separate line.

    ``room``: left, top and right of the words.
    """
    canvas, small, (first, top, last) = plot.canvas, plot.canvas.size.small, room
    placed = [(plot.at_x(place), word) for place, word in sorted(marks)]
    lefts = [min(x + 0.4 * small, last - canvas.measure(word, small)) for x, word in placed]
    # A line passes the words below its own, unless one of them had to move to the left.
    free = all(left >= x for left, (x, _) in zip(lefts, placed, strict=True))
    for row, ((x, word), left) in enumerate(zip(placed, lefts, strict=True)):
        y, left = top + row * LINE * small, max(left, first)
        begin = y if free else top + len(placed) * LINE * small
        canvas.line([x, x], [begin, plot.bottom], canvas.theme.quiet, dashes=(4, 3))
        canvas.note(left, y, word, width=last - left)


def check_lengths(what: str, values: Sized, count: int) -> None:
    """Raises ShapeError unless there are ``count`` values, which are ``what``."""
    if len(values) != count:
        raise ShapeError(f"expected {count} {what}, got {len(values)}")
