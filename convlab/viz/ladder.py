"""What each idea gains: one convolution as a ladder of loops, under the machine's roofs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import SpecError
from convlab.numerals import TIMES, measured, ratio
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

_GIGA = 1e9
_UNIT = "GF/s"
SPREAD = 0.05  # the factor by which medians of the same loop differ
_HEADS = (t("gain"), t("what the idea bought"))
_OTHERS = t("other ways, and the memory that they need")


class LadderStep(NamedTuple):
    """A loop, or another way to convolve: its idea in a few words and its speed in FLOP/s.

    ``speed`` is None for a way that was not run.  ``note`` replaces the gain that other rungs have:
    how the first was measured, what another way costs, or why it was not run.
    """

    idea: str
    speed: float | None
    note: str = ""

    @property
    def speed_text(self) -> str:
        """GF/s, empty if it was not run."""
        return "" if self.speed is None else measured(self.speed / _GIGA)


def ladder(
    rungs: Sequence[LadderStep],
    others: Sequence[LadderStep],
    roofs: tuple[float, float],
    **page: Unpack[Page],
) -> Figure:
    """A bar for each rung, on a logarithmic scale, whose strong part is what its idea gained.

    ``others``: other ways to convolve, below the rungs; ``roofs``: FLOP/s at the peak of
    multiply-adds, and at which memory alone would limit this convolution (Williams, Waterman &
    Patterson, Communications of the ACM 52(4), 2009).  A rung that is slower than the one before,
    by a twentieth or more, has its loss in the colour of a mistake.  Canvases too narrow for all
    columns have two lines per row.  All sizes have room for ten rungs and three other ways.

    Raises SpecError without rungs, for rungs without a speed, for numbers that are not above 0.
    """
    if not rungs:
        raise SpecError("expected at least one rung, got none")
    for step in (*rungs, *(way for way in others if way.speed is not None)):
        above_zero(step.speed, f"a speed of {step.idea}")
    for roof, name in zip(roofs, ("a peak", "a roof of memory"), strict=True):
        above_zero(roof, name)
    canvas = Sheet(1.4, "ink", **page)
    _Rows(canvas, rungs, others, roofs).draw()
    return canvas.figure


def _gain(gain: float, in_words: bool) -> str:
    """How many times as fast; less than ``SPREAD`` is no difference."""
    same = abs(gain - 1) < SPREAD
    if in_words:
        return t("as fast as before") if same else t("{ratio} times as fast", ratio(gain))
    return TIMES + ("1.0" if same else ratio(gain))


class _Rows:
    """The columns of a picture and its rows; a row has two lines if the columns have no room."""

    def __init__(
        self,
        canvas: Canvas,
        rungs: Sequence[LadderStep],
        others: Sequence[LadderStep],
        roofs: tuple[float, float],
    ):
        self.canvas, self.rungs, self.others, self.roofs = canvas, rungs, others, roofs
        self.count = len(rungs) + (len(others) + 1 if others else 0)
        self.reached = [rung.speed for rung in rungs if rung.speed is not None]
        self._choose_columns()
        self.top, bottom = self._between()
        self.height = min((bottom - self.top) / self.count, 2.6 * self.lines * LINE * self.px)
        speeds = [*self.reached, *(way.speed for way in others if way.speed is not None)]
        low, high = 10.0 ** math.floor(math.log10(min(speeds)) - 0.3), 1.15 * max(*speeds, *roofs)
        self.scale = Axis(low, high, canvas.right - self.bars, canvas.right, logarithmic=True)

    def _measure(self, px: float, in_words: bool) -> None:
        """The widths of the columns of text of this height."""
        widest, steps = self.canvas.widest, [*self.rungs, *self.others]
        self.px, self.gap, self.in_words = px, 1.2 * px, in_words
        self.number = widest(map(str, range(len(self.rungs) + 1)), px) + 0.6 * px
        self.ideas: float = self.number + widest((step.idea for step in steps), px)
        self.speeds: float = widest([_UNIT, *(step.speed_text for step in steps)], px)
        self.gains: float = widest([_HEADS[in_words], *self._gains()], px)

    def _choose_columns(self) -> None:
        """The largest texts, and the most words, that leave room for the bars."""
        canvas, width = self.canvas, self.canvas.inner_width
        small, self.lines = canvas.size.small, 1
        for px, in_words, least in (
            (canvas.size.label, True, 0.4),
            (small, True, 0.4),
            (small, False, 0.3),
        ):
            self._measure(px, in_words)
            self.bars: float = width - self.ideas - self.speeds - self.gains - 3 * self.gap
            top, bottom = self._between()
            height = (bottom - top) / self.count
            if self.bars >= least * width and height >= LINE * px:
                break
        if self.bars < 0.3 * width and height >= 2.2 * small:
            # A row of two lines: its idea and gain above, its speed and bar below.
            self.lines = 2
            self._measure(small, in_words=True)
            self.ideas = min(self.ideas, width - self.gains - self.gap)
            self.bars = width - self.speeds - self.gap
        elif self.bars < 0.3 * width:
            self.ideas -= 0.3 * width - self.bars
            self.bars = 0.3 * width

    def _between(self) -> tuple[float, float]:
        """Top and bottom of the rows: above are two lines of roofs, below one of the scale."""
        canvas = self.canvas
        return canvas.top + (2 * LINE + 0.4) * self.px, canvas.bottom - 1.5 * LINE * self.px

    def _gains(self) -> list[str]:
        """The texts of the column of gains, rungs before other ways."""
        pairs = itertools.pairwise(self.reached)
        gains = [_gain(after / before, self.in_words) for before, after in pairs]
        first = self.rungs[0].note if self.in_words else ""
        return [first, *gains, *(way.note for way in self.others)]

    def draw(self) -> None:
        """Heads, scale, roofs and rows."""
        canvas, gains, rungs = self.canvas, self._gains(), len(self.rungs)
        if self.lines == 1:
            top = self.top - (LINE + 0.2) * self.px
            x = canvas.left + self.ideas + self.gap + self.speeds
            self._write(x, top, _UNIT, "rt")
            self._write(x + self.gap, top, _HEADS[self.in_words])
        self._grid()
        self._roofs()
        for row, (rung, gain) in enumerate(zip(self.rungs, gains, strict=False)):
            self._texts(row, rung, gain, str(row + 1))
            self._bar(row)
        if self.others:
            room = self.ideas + self.speeds + self.gains + 2 * self.gap
            room = room if self.lines == 1 else canvas.inner_width
            y = self.top + (rungs + 1) * self.height - 0.5 * LINE * self.px
            self._write(canvas.left, y, _OTHERS, "lm", width=room)
        ways = zip(self.others, gains[rungs:], strict=True)
        for row, (way, gain) in enumerate(ways, rungs + 1):
            self._texts(row, way, gain)
            if way.speed is not None:
                place = self._place(row, self.scale.low, way.speed)
                canvas.box(*place, fill=canvas.theme.quiet)

    def _write(
        self, x: float, y: float, text: str, anchor: str = "lt", colour: str = "", width=math.inf
    ) -> None:
        colour = colour or self.canvas.theme.quiet
        self.canvas.text(x, y, text, anchor, px=self.px, colour=colour, width=width)

    def _place(self, row: int, start: float, end: float) -> Place:
        """Left, top, width and height of the bar of a row between two speeds."""
        middle, thick = (0.5, 0.62) if self.lines == 1 else (0.72, 0.34)
        top, left = self.top + (row + middle - thick / 2) * self.height, self.scale.at(start)
        return left, top, self.scale.at(end) - left, thick * self.height

    def _upright(self, x: float, colour: str, stroke: float | None = None) -> None:
        """A line across all bars; if rows have two lines it avoids their texts."""
        if self.lines == 1:
            spans = [(self.top, self.top + self.count * self.height)]
        else:
            # The name of the other ways lies among the bars.
            rows = [row for row in range(self.count) if row != len(self.rungs)]
            places = [self._place(row, self.scale.low, self.scale.high) for row in rows]
            spans = [(top, top + thick) for _, top, _, thick in places]
        for top, bottom in spans:
            self.canvas.line([x, x], [top, bottom], colour, stroke=stroke)

    def _grid(self) -> None:
        """A hairline and its number for each power of ten, except one that a roof hides."""
        canvas, px, scale = self.canvas, self.px, self.scale
        y, room = self.top + self.count * self.height + 0.3 * px, 0.0
        for power in range(round(math.log10(scale.low)), math.ceil(math.log10(scale.high))):
            x, text = scale.at(10.0**power), measured(10.0**power / _GIGA)
            half = canvas.measure(text, px) / 2
            if x + half > canvas.right:
                break
            if min(abs(x - scale.at(speed)) for speed in self.roofs) >= 0.5 * px:
                self._upright(x, canvas.theme.hairline)
            if x - half >= room:
                self._write(x, y, text, "mt")
                room = x + half + 0.5 * px
        x = scale.start - canvas.measure(measured(scale.low / _GIGA), px) / 2 - 0.6 * px
        for text in (t("GF/s, logarithmic scale"), t("GF/s, logarithmic"), t("GF/s")):
            if canvas.measure(text, px) <= x - canvas.left:
                self._write(x, y, text, "rt")
                break

    def _texts(self, row: int, step: LadderStep, gain: str, number: str = "") -> None:
        """All texts of a row; those of another way, which has no number, are quiet."""
        canvas, theme, (_, top, _, thick) = self.canvas, self.canvas.theme, self._place(row, 1, 1)
        lower = top + thick / 2
        upper = lower if self.lines == 1 else self.top + (row + 0.28) * self.height
        ink = theme.ink if number else theme.quiet
        x = canvas.left + self.number
        self._write(canvas.left, upper, number, "lm", width=self.number)
        self._write(x, upper, step.idea, "lm", ink, self.ideas - self.number + 0.5)
        x = canvas.left + self.speeds + (self.gap + self.ideas if self.lines == 1 else 0.0)
        self._write(x, lower, step.speed_text, "rm", ink, self.speeds + 0.5)
        lost = number and gain.removeprefix(TIMES).startswith("0")
        x, anchor = (x + self.gap, "lm") if self.lines == 1 else (canvas.right, "rm")
        self._write(x, upper, gain, anchor, theme.mistake if lost else ink, self.gains + 0.5)

    def _bar(self, row: int) -> None:
        """What the rungs before reached, quietly, and what this one adds or loses."""
        canvas, theme, low = self.canvas, self.canvas.theme, self.scale.low
        start, speed = [low, *self.reached][row], self.reached[row]
        if start > low:
            canvas.box(*self._place(row, low, min(start, speed)), fill=theme.output_fill)
        if speed >= start:
            canvas.box(*self._place(row, start, speed), fill=theme.output)
        elif speed < (1 - SPREAD) * start:
            canvas.box(*self._place(row, speed, start), edge=theme.mistake, dashed=True)

    def _roofs(self) -> None:
        """Both roofs as vertical lines, each with its name to its left, the farther one higher."""
        canvas, px, ink = self.canvas, self.px, self.canvas.theme.ink
        words = (t("peak of multiply-adds"), t("peak")), (t("roof of memory"), t("memory"))
        stroke = 0.4 * canvas.size.thick
        roofs = sorted(zip(self.roofs, words, strict=True), reverse=True)
        for line, (speed, names) in enumerate(roofs):
            x, y = self.scale.at(speed), canvas.top + line * LINE * px
            canvas.line([x, x], [y, self.top], ink, stroke=stroke)
            self._upright(x, ink, stroke)
            end = x - 0.5 * px
            room = end - (self.scale.start if self.lines == 1 else canvas.left)
            texts = [t("{name} {number}", name, measured(speed / _GIGA)) for name in names]
            texts[0] += t(" GF/s")
            text = next((t for t in texts if canvas.measure(t, px) <= room), texts[-1])
            self._write(end, y, text, "rt", ink, room)
