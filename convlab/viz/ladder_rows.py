"""The rows of the ladder's picture: number, idea, GF/s, gain and bar of each rung and other way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from convlab.numerals import TIMES, measured
from convlab.viz.canvas import LINE, Canvas

_GIGA = 1e9
_UNIT = "GF/s"
SPREAD = 0.05  # by which medians of the same loop differ
_HEADS = ("gain", "what the idea bought")
_OTHERS = "other ways, and the memory that they need"


class LadderStep(NamedTuple):
    """A loop, or another way to convolve: its idea in a few words and its speed in FLOP/s.

    ``speed`` None for a way that was not run.  ``note`` stands where the gain of other rungs
    stands: how the first was measured, what another way costs, or why it was not run.
    """

    idea: str
    speed: float | None
    note: str = ""


class _Scale(NamedTuple):
    """FLOP/s to pixels, logarithmic."""

    low: float
    high: float
    left: float
    right: float

    def at(self, speed: float) -> float:
        share = math.log(speed / self.low) / math.log(self.high / self.low)
        return self.left + share * (self.right - self.left)


def _gain(ratio: float, words: bool) -> str:
    """2 significant digits; less than ``SPREAD`` is no difference."""
    if abs(ratio - 1) < SPREAD:
        return "as fast as before" if words else f"{TIMES}1.0"
    text = f"{ratio:.{max(0, 1 - math.floor(math.log10(ratio)))}f}"
    return f"{text} times as fast" if words else f"{TIMES}{text}"


class Rows:
    """The columns of a picture and its rows: number, idea, GF/s, gain and bar."""

    def __init__(
        self,
        canvas: Canvas,
        rungs: Sequence[LadderStep],
        others: Sequence[LadderStep],
        roofs: tuple[float, float],
    ):
        self.canvas, self.rungs, self.others, self.roofs = canvas, rungs, others, roofs
        self.count = len(rungs) + (len(others) + 1 if others else 0)
        width = canvas.inner_width
        self.lines = 1
        for px, self.in_words, least in (
            (canvas.size.label, True, 0.4),
            (canvas.size.small, True, 0.4),
            (canvas.size.small, False, 0.3),
        ):
            self._measure(px)
            self.bars = width - self.ideas - self.speeds - self.gains - 3 * self.gap
            top, bottom = self._between()
            if self.bars >= least * width and (bottom - top) / self.count >= LINE * px:
                break
        if self.bars < 0.3 * width and (bottom - top) / self.count >= 2.2 * self.px:
            # A row of two lines: its idea and gain above, its speed and bar below.
            self.lines, self.in_words = 2, True
            self._measure(canvas.size.small)
            self.ideas = min(self.ideas, width - self.gains - self.gap)
            self.bars = width - self.speeds - self.gap
        elif self.bars < 0.3 * width:
            self.ideas -= 0.3 * width - self.bars
            self.bars = 0.3 * width
        values = [step.speed for step in (*rungs, *others) if step.speed is not None]
        low = 10.0 ** math.floor(math.log10(min(values)) - 0.3)
        high = 1.15 * max(*values, *roofs)
        self.scale = _Scale(low, high, canvas.right - self.bars, canvas.right)

    def _measure(self, px: float) -> None:
        """The widths of the columns of text of this height."""
        measure, steps = self.canvas.widest, [*self.rungs, *self.others]
        self.px, self.gap = px, 1.2 * px
        self.number = measure(map(str, range(len(self.rungs) + 1)), px) + 0.6 * px
        self.ideas = self.number + measure((step.idea for step in steps), px)
        self.speeds = measure([_UNIT, *map(_speed_text, steps)], px)
        self.gains = measure([_HEADS[self.in_words], *self._gains()], px)

    def _between(self) -> tuple[float, float]:
        """Top and bottom of the rows: above are two lines of roofs, below one of the scale."""
        canvas = self.canvas
        return canvas.top + (2 * LINE + 0.4) * self.px, canvas.bottom - 1.5 * LINE * self.px

    def _gains(self) -> list[str]:
        """The texts of the column of gains, rungs before other ways."""
        speeds = [rung.speed for rung in self.rungs]
        texts = [self.rungs[0].note if self.in_words else ""]
        pairs = zip(speeds, speeds[1:], strict=False)
        texts += [_gain(after / before, self.in_words) for before, after in pairs]
        return texts + [way.note for way in self.others]

    def draw(self) -> None:
        """Heads, rows, scale and roofs."""
        canvas, px = self.canvas, self.px
        top, bottom = self._between()
        height = min((bottom - top) / self.count, 2.6 * self.lines * LINE * px)
        places = [(top + row * height, height) for row in range(self.count)]
        bottom = top + self.count * height
        if self.lines == 1:
            self._heads(top - (LINE + 0.2) * px)
        # Where rows have two lines, the name of the other ways lies among the bars.
        crossed = [p for row, p in enumerate(places) if self.lines == 1 or row != len(self.rungs)]
        self._grid(crossed, bottom)
        self._roofs(crossed)
        texts = self._gains()
        before = None
        for row, rung in enumerate(self.rungs):
            self._row(rung, str(row + 1), texts[row], places[row])
            self._bar(rung.speed, before, places[row])
            before = rung.speed
        if not self.others:
            return
        head, *rest = places[len(self.rungs) :]
        room = self.ideas + self.speeds + self.gains + 2 * self.gap
        canvas.text(
            canvas.left,
            head[0] + height - 0.5 * LINE * px,
            _OTHERS,
            "lm",
            px=px,
            colour=canvas.theme.quiet,
            width=room if self.lines == 1 else canvas.inner_width,
        )
        for way, text, place in zip(self.others, texts[len(self.rungs) :], rest, strict=True):
            self._row(way, "", text, place)
            if way.speed is not None:
                self._fill(self.scale.left, self.scale.at(way.speed), place, canvas.theme.quiet)

    def _fill(self, start: float, end: float, place: tuple[float, float], fill: str) -> None:
        y, thick = self._middle(place)
        self.canvas.box(start, y - thick / 2, end - start, thick, fill=fill)

    def _heads(self, top: float) -> None:
        canvas, px, quiet = self.canvas, self.px, self.canvas.theme.quiet
        x = canvas.left + self.ideas + self.gap + self.speeds
        canvas.text(x, top, _UNIT, "rt", px=px, colour=quiet)
        canvas.text(x + self.gap, top, _HEADS[self.in_words], px=px, colour=quiet)

    def _upright(self, x: float, colour: str, places: list[tuple[float, float]], **stroke) -> None:
        """A line across all bars; where rows have two lines it stays out of their texts."""
        if self.lines == 1:
            top, bottom = places[0][0], sum(places[-1])
            self.canvas.line([x, x], [top, bottom], colour, **stroke)
            return
        for place in places:
            y, thick = self._middle(place)
            self.canvas.line([x, x], [y - thick / 2, y + thick / 2], colour, **stroke)

    def _grid(self, places: list[tuple[float, float]], bottom: float) -> None:
        """A hairline and its number for each power of ten, but for one that a roof hides."""
        canvas, px, quiet = self.canvas, self.px, self.canvas.theme.quiet
        powers = range(round(math.log10(self.scale.low)), math.ceil(math.log10(self.scale.high)))
        y, room = bottom + 0.3 * px, 0.0
        for power in powers:
            x, text = self.scale.at(10.0**power), measured(10.0**power / _GIGA)
            half = canvas.measure(text, px) / 2
            if x + half > canvas.right:
                break
            if min(abs(x - self.scale.at(speed)) for speed in self.roofs) >= 0.5 * px:
                self._upright(x, canvas.theme.hairline, places)
            if x - half >= room:
                canvas.text(x, y, text, "mt", px=px, colour=quiet)
                room = x + half + 0.5 * px
        x = self.scale.left - canvas.measure(measured(self.scale.low / _GIGA), px) / 2 - 0.6 * px
        for text in ("GF/s, logarithmic scale", "GF/s, logarithmic", "GF/s"):
            if canvas.measure(text, px) <= x - canvas.left:
                canvas.text(x, y, text, "rt", px=px, colour=quiet)
                break

    def _middle(self, place: tuple[float, float]) -> tuple[float, float]:
        """The y of a row's bar, and its thickness."""
        top, height = place
        if self.lines == 1:
            return top + height / 2, 0.62 * height
        return top + 0.72 * height, 0.34 * height

    def _row(self, step: LadderStep, number: str, gain: str, place: tuple[float, float]) -> None:
        """All texts of a row."""
        canvas, theme = self.canvas, self.canvas.theme
        lower, _ = self._middle(place)
        upper = lower if self.lines == 1 else place[0] + 0.28 * place[1]
        ink = theme.ink if number else theme.quiet

        def write(x: float, y: float, text: str, colour: str, width: float, anchor: str = "lm"):
            canvas.text(x, y, text, anchor, px=self.px, colour=colour, width=width)

        write(canvas.left, upper, number, theme.quiet, self.number)
        write(canvas.left + self.number, upper, step.idea, ink, self.ideas - self.number + 0.5)
        x = canvas.left + self.speeds + (self.gap + self.ideas if self.lines == 1 else 0.0)
        write(x, lower, _speed_text(step), ink, self.speeds + 0.5, "rm")
        lost = number and gain.removeprefix(TIMES).startswith("0")
        colour = theme.mistake if lost else ink
        if self.lines == 1:
            write(x + self.gap, upper, gain, colour, self.gains + 0.5)
        else:
            write(canvas.right, upper, gain, colour, self.gains + 0.5, "rm")

    def _bar(self, speed: float, before: float | None, place: tuple[float, float]) -> None:
        """What the rungs before have reached, quietly, and what this one adds or loses."""
        theme, left, end = self.canvas.theme, self.scale.left, self.scale.at(speed)
        start = left if before is None else self.scale.at(before)
        if start > left:
            self._fill(left, min(start, end), place, theme.output_fill)
        if end >= start:
            self._fill(start, end, place, theme.output)
        elif before is not None and speed < (1 - SPREAD) * before:
            y, thick = self._middle(place)
            edge = theme.mistake
            self.canvas.box(end, y - thick / 2, start - end, thick, edge=edge, dashed=True)

    def _roofs(self, places: list[tuple[float, float]]) -> None:
        """Both roofs as upright lines, each with its name to its left, the farther one higher."""
        canvas, px, theme = self.canvas, self.px, self.canvas.theme
        peak, memory = self.roofs
        names = [(memory, ("roof of memory", "memory")), (peak, ("peak of multiply-adds", "peak"))]
        stroke = 0.4 * canvas.size.thick
        for line, (speed, words) in enumerate(sorted(names, reverse=True)):
            x, y = self.scale.at(speed), canvas.top + line * LINE * px
            canvas.line([x, x], [y, places[0][0]], theme.ink, stroke=stroke)
            self._upright(x, theme.ink, places, stroke=stroke)
            room = x - 0.5 * px - (self.scale.left if self.lines == 1 else canvas.left)
            texts = [f"{word} {measured(speed / _GIGA)}" for word in words]
            texts[0] += " GF/s"
            text = next((t for t in texts if canvas.measure(t, px) <= room), texts[-1])
            canvas.text(x - 0.5 * px, y, text, "rt", px=px, width=room)


def _speed_text(step: LadderStep) -> str:
    return "" if step.speed is None else measured(step.speed / _GIGA)
