"""What each idea buys: one convolution as a ladder of loops, under the roofs of the machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.numerals import TIMES, measured
from convlab.viz.canvas import LINE, Canvas

_GIGA = 1e9
_HEADS = ("GF/s", "what the idea bought", "what it bought", "gain")
_OTHERS = "other ways, with the memory that they hold more"


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


def ladder(
    rungs: Sequence[LadderStep],
    others: Sequence[LadderStep],
    roofs: tuple[float, float],
    *,
    what: str,
    machine: str,
    size: str = "slide",
    theme: str = "light",
) -> Figure:
    """A bar for each rung, on a logarithmic scale, whose strong part is what its idea bought.

    ``others``: other ways to convolve, below the rungs; ``roofs``: FLOP/s at the peak of
    multiply-adds, and at which memory alone would limit this convolution (Williams, Waterman &
    Patterson, Communications of the ACM 52(4), 2009); ``what`` is convolved, ``machine`` says
    where.  A rung that is slower than the one before has its loss in the colour of a mistake.
    Canvases too narrow for all columns have two lines a row.

    Raises SpecError without rungs, for rungs without a speed, for numbers that are not above
    0, and for an unknown theme or size.
    """
    _check(rungs, others, roofs)
    canvas = Canvas(size, theme, aspect=1.1)
    speeds = [rung.speed for rung in rungs if rung.speed is not None]
    gain = float(f"{max(speeds) / speeds[0]:.2g}")
    title = f"{len(rungs)} rungs: {gain:,.0f} times as fast as {rungs[0].idea}"
    canvas.headline(title if len(rungs) > 1 else what, f"{what}; {machine}", canvas.theme.ink)
    _Rows(canvas, rungs, others, roofs).draw()
    return canvas.figure


def _check(
    rungs: Sequence[LadderStep], others: Sequence[LadderStep], roofs: tuple[float, float]
) -> None:
    if not rungs:
        raise SpecError("expected at least one rung, got none")
    numbers = {f"a speed of {rung.idea}": rung.speed for rung in rungs}
    numbers |= {f"a speed of {way.idea}": way.speed for way in others if way.speed is not None}
    numbers |= {"a peak": roofs[0], "a roof of memory": roofs[1]}
    for name, value in numbers.items():
        if value is None or not (math.isfinite(value) and value > 0):
            raise SpecError(f"expected {name} above 0, got {value}")


def _gain(ratio: float, words: bool) -> str:
    digits = 2 if abs(ratio - 1) >= 0.05 else 3
    text = measured(float(f"{ratio:.{digits}g}"))
    return f"{text} times as fast" if words else f"{TIMES}{text}"


class _Rows:
    """The columns of a picture and its rows: number, idea, GF/s, gain and bar."""

    def __init__(self, canvas: Canvas, rungs, others, roofs):
        self.canvas, self.rungs, self.others, self.roofs = canvas, rungs, others, roofs
        small, width = canvas.size.small, canvas.right - canvas.left
        self.gap = 1.2 * small
        steps = [*rungs, *others]
        self.number = canvas.measure("0", small) + 0.6 * small
        self.ideas = self.number + canvas.widest((step.idea for step in steps), small)
        self.speeds = canvas.widest([_HEADS[0], *map(_speed_text, steps)], small)
        for self.in_words in (True, False):
            self.gains = canvas.widest(self._gains(), small)
            self.bars = width - self.ideas - self.speeds - self.gains - 3 * self.gap
            if self.bars >= 0.4 * width:
                break
        # A row of two lines: its idea and gain above, its speed and bar below.
        self.lines = 1 if self.bars >= 0.3 * width else 2
        if self.lines == 2:
            self.in_words = True
            self.gains = canvas.widest(self._gains(), small)
            self.ideas = min(self.ideas, width - self.gains - self.gap)
            self.bars = width - self.speeds - self.gap
        values = [step.speed for step in steps if step.speed is not None]
        low = 10.0 ** math.floor(math.log10(min(values)) - 0.3)
        high = 1.15 * max(*values, *roofs)
        self.scale = _Scale(low, high, canvas.right - self.bars, canvas.right)

    def _gains(self) -> list[str]:
        """The texts of the column of gains, rungs before other ways."""
        speeds = [rung.speed for rung in self.rungs]
        texts = [self.rungs[0].note if self.in_words else ""]
        pairs = zip(speeds, speeds[1:], strict=False)
        texts += [_gain(after / before, self.in_words) for before, after in pairs]
        return texts + [way.note for way in self.others]

    def draw(self) -> None:
        """Heads, rows, scale and roofs."""
        canvas, small = self.canvas, self.canvas.size.small
        head = canvas.top
        # Two lines for the names of the roofs, one below for the scale.
        top, bottom = head + 2 * LINE * small + 0.4 * small, canvas.bottom - 1.5 * LINE * small
        rows = len(self.rungs) + (len(self.others) + 1 if self.others else 0)
        height = min((bottom - top) / rows, 2.6 * self.lines * LINE * small)
        bottom = top + rows * height
        if self.lines == 1:
            self._heads(top - LINE * small - 0.2 * small)
        self._grid(top, bottom)
        before = None
        texts = self._gains()
        for row, rung in enumerate(self.rungs):
            place = top + row * height, height
            self._row(rung, str(row + 1), texts[row], place)
            self._bar(rung.speed, before, place)
            before = rung.speed
        top += len(self.rungs) * height
        if self.others:
            y = top + height - 0.5 * LINE * small
            text = _OTHERS if self.lines == 1 else "other ways"
            colour = canvas.theme.quiet
            room = self.ideas + self.speeds + self.gains + 2 * self.gap
            room = room if self.lines == 1 else self.scale.right - canvas.left
            canvas.text(
                canvas.left, y, text, px=small, colour=colour, va="center_baseline", width=room
            )
        for row, way in enumerate(self.others):
            place = top + (row + 1) * height, height
            self._row(way, "", texts[len(self.rungs) + row], place)
            if way.speed is not None:
                y, thick = self._middle(place)
                end = self.scale.at(way.speed)
                left = self.scale.left
                fill = canvas.theme.quiet
                canvas.box(left, y - thick / 2, end - left, thick, fill=fill)
        self._roofs(head, bottom)

    def _heads(self, top: float) -> None:
        canvas, small, quiet = self.canvas, self.canvas.size.small, self.canvas.theme.quiet
        x = canvas.left + self.ideas + self.gap + self.speeds
        canvas.text(x, top, _HEADS[0], px=small, colour=quiet, ha="right")
        x += self.gap
        for text in _HEADS[1:]:
            if canvas.measure(text, small) <= self.gains:
                canvas.text(x, top, text, px=small, colour=quiet)
                break

    def _grid(self, top: float, bottom: float) -> None:
        """A hairline and its number for each power of ten."""
        canvas, small = self.canvas, self.canvas.size.small
        first = round(math.log10(self.scale.low))
        last = math.floor(math.log10(self.scale.high))
        room = 0.0
        for power in range(first, last + 1):
            x, text = self.scale.at(10.0**power), measured(10.0**power / _GIGA)
            canvas.line([x, x], [top, bottom], canvas.theme.hairline)
            half = canvas.measure(text, small) / 2
            if x - half >= room and x + half <= canvas.right:
                y = bottom + 0.3 * small
                canvas.text(x, y, text, px=small, colour=canvas.theme.quiet, ha="center")
                room = x + half + 0.5 * small
        word = "GF/s"
        if self.scale.left - canvas.left > 2 * canvas.measure(word, small):
            half = canvas.measure(measured(self.scale.low / _GIGA), small) / 2
            x = self.scale.left - half - 0.6 * small
            text = "GF/s, logarithmic" if self.lines == 1 else word
            y = bottom + 0.3 * small
            canvas.text(x, y, text, px=small, colour=canvas.theme.quiet, ha="right")

    def _middle(self, place: tuple[float, float]) -> tuple[float, float]:
        """The y of a row's bar, and its thickness."""
        top, height = place
        if self.lines == 1:
            return top + height / 2, 0.62 * height
        return top + 0.72 * height, 0.34 * height

    def _row(self, step: LadderStep, number: str, gain: str, place: tuple[float, float]) -> None:
        """All texts of a row."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        lower, _ = self._middle(place)
        upper = lower if self.lines == 1 else place[0] + 0.28 * place[1]
        ink = theme.ink if number else theme.quiet

        def write(x: float, y: float, text: str, colour: str, width: float, ha: str = "left"):
            canvas.text(
                x, y, text, px=small, colour=colour, ha=ha, va="center_baseline", width=width
            )

        write(canvas.left, upper, number, theme.quiet, self.number)
        write(canvas.left + self.number, upper, step.idea, ink, self.ideas - self.number + 0.5)
        x = self.speeds + (self.gap + self.ideas if self.lines == 1 else 0.0)
        write(canvas.left + x, lower, _speed_text(step), ink, self.speeds + 0.5, "right")
        lost = number and gain.removeprefix(TIMES).startswith("0")
        colour = theme.mistake if lost else ink
        if self.lines == 1:
            write(canvas.left + x + self.gap, upper, gain, colour, self.gains + 0.5)
        else:
            write(canvas.right, upper, gain, colour, self.gains + 0.5, "right")

    def _bar(self, speed: float, before: float | None, place: tuple[float, float]) -> None:
        """What the rungs before have reached, quietly, and what this one adds or loses."""
        canvas, theme = self.canvas, self.canvas.theme
        y, thick = self._middle(place)
        left, end = self.scale.left, self.scale.at(speed)
        start = left if before is None else self.scale.at(before)
        kept = min(start, end)
        canvas.box(left, y - thick / 2, kept - left, thick, fill=theme.output_fill)
        if before is None:
            canvas.box(left, y - thick / 2, end - left, thick, fill=theme.output)
        elif end >= start:
            canvas.box(start, y - thick / 2, end - start, thick, fill=theme.output)
        else:
            canvas.box(end, y - thick / 2, start - end, thick, edge=theme.mistake, dashed=True)

    def _roofs(self, top: float, bottom: float) -> None:
        """Both roofs as upright lines, each with its name to its left, the farther one higher."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        peak, memory = self.roofs
        names = [(memory, ("roof of memory", "memory")), (peak, ("peak of multiply-adds", "peak"))]
        for line, (speed, words) in enumerate(sorted(names, reverse=True)):
            x, y = self.scale.at(speed), top + line * LINE * small
            canvas.line([x, x], [y, bottom], theme.ink, stroke=0.4 * canvas.size.thick)
            room = x - 0.5 * small - (self.scale.left if self.lines == 1 else canvas.left)
            text = f"{words[1]} {measured(speed / _GIGA)}"
            longer = f"{words[0]} {measured(speed / _GIGA)} GF/s"
            text = longer if canvas.measure(longer, small) <= room else text
            canvas.text(x - 0.5 * small, y, text, px=small, ha="right", width=room)


def _speed_text(step: LadderStep) -> str:
    return "" if step.speed is None else measured(step.speed / _GIGA)
