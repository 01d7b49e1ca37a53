"""How long training takes, beside another library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import ShapeError, SpecError
from convlab.numerals import duration, ratio
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

_OURS = "convlab"


class TrainingBar(NamedTuple):
    """Seconds of the same piece of training, here and elsewhere, with the ends of their spread.

    All three of the other's numbers are None if nothing was compared.
    """

    what: str
    seconds: float
    low: float
    high: float
    other_seconds: float | None
    other_low: float | None
    other_high: float | None

    @property
    def share(self) -> float | None:
        """The share of the other's time; None if nothing was compared."""
        return None if self.other_seconds is None else self.seconds / self.other_seconds

    @property
    def share_text(self) -> str:
        """The share in words, empty if nothing was compared."""
        return "" if self.share is None else t("{ratio} of the time", ratio(self.share))

    @property
    def spreads(self) -> list[tuple[float, float, float]]:
        """Time and ends of the spread of each side that was measured, ours first."""
        ours = self.seconds, self.low, self.high
        if self.other_seconds is None or self.other_low is None or self.other_high is None:
            return [ours]
        return [ours, (self.other_seconds, self.other_low, self.other_high)]

    @property
    def overlap(self) -> bool:
        """Whether the spreads of both sides overlap."""
        _, lows, highs = zip(*self.spreads, strict=True)
        return len(lows) == 2 and max(lows) <= min(highs)


def training_speed(bars: Sequence[TrainingBar], *, other: str, **page: Unpack[Page]) -> Figure:
    """Seconds of training here and with ``other``, another library, as pairs of bars from 0.

    The thin line on a bar is the spread that the caller measured; at the end of a pair is ours /
    theirs.  All bars share one scale unless the longest pair is more than 8 times the shortest:
    then each pair has its own, and the second line says so.  Times are in milliseconds if no bar of
    a scale reaches a second.  The ratio is quiet if the two spreads overlap.

    Raises SpecError without bars, for times that are not above 0, for an unknown
    theme or size, and ShapeError for a spread that does not contain its time.
    """
    _check(bars)
    canvas = Sheet(1.1, **page)
    _Pairs(canvas, bars, other).draw()
    return canvas.figure


def _check(bars: Sequence[TrainingBar]) -> None:
    if not bars:
        raise SpecError("expected at least one bar, got none")
    for bar in bars:
        if None in bar[4:] and any(time is not None for time in bar[4:]):
            raise ShapeError(f"expected all or none of the other's times of {bar.what}, got some")
        for seconds, low, high in bar.spreads:
            above_zero(low, f"a time of {bar.what}")
            if not low <= seconds <= high < math.inf:
                raise ShapeError(
                    f"expected a spread around {seconds} s of {bar.what}, got {low} s to {high} s"
                )


class _Pairs:
    """A row for each piece of training: its name, and a bar for each side below it."""

    def __init__(self, canvas: Sheet, bars: Sequence[TrainingBar], other: str):
        self.canvas, self.bars = canvas, bars
        self.compared = [bar for bar in bars if bar.share is not None]
        self.sides = [_OURS, other] if self.compared else [_OURS]
        reach = [max(high for *_, high in bar.spreads) for bar in bars]
        self.shared = max(reach) <= 8 * min(reach) or not self.compared
        self.reach = [max(reach)] * len(bars) if self.shared else reach
        size = canvas.size
        self.least = LINE * size.label + (1.25 * len(self.sides) + 0.5) * size.small
        # The second line may take two lines; rows are counted as if it did.
        room = canvas.inner_height - canvas.headline_height()
        self.rows = min(len(bars), max(1, int(room / self.least)))

    def _notes(self) -> list[str]:
        notes = [t("lower is better"), t("thin line: spread")]
        if overlapping := sum(bar.overlap for bar in self.bars):
            notes.append(t("spreads overlap in {count}", overlapping))
        if not self.shared:
            notes.append(t("each pair on its own scale"))
        if self.rows < len(self.bars):
            notes.append(t("first {rows} of {count}", self.rows, len(self.bars)))
        return notes

    def draw(self) -> None:
        canvas, small = self.canvas, self.canvas.size.small
        canvas.head("ink", *self._notes(), sign="; ")
        names = min(canvas.widest(self.sides, small), 0.3 * canvas.inner_width)
        times = [
            duration(seconds, longest)
            for bar, longest in zip(self.bars, self.reach, strict=True)
            for seconds, *_ in bar.spreads
        ]
        start = canvas.left + names + 0.7 * small
        end = canvas.right - canvas.widest(times, small) - 0.7 * small
        ratios = [bar.share_text for bar in self.compared]
        width = canvas.widest(ratios, canvas.size.label, bold=True)
        # A ratio beside the bars must leave them half of the width, else it goes above them.
        beside = end - start - width >= 0.5 * canvas.inner_width
        if self.compared and beside:
            end -= width + 1.5 * small
        height = min((canvas.inner_height + 0.5 * small) / self.rows, 2.6 * self.least)
        for row in range(self.rows):
            axis = Axis(0.0, self.reach[row], start, end)
            self._pair(self.bars[row], axis, canvas.top + row * height, height, beside)

    def _pair(self, bar: TrainingBar, axis: Axis, top: float, height: float, beside: bool) -> None:
        """The name of a piece of training, below it our bar and the other's."""
        canvas, size, theme = self.canvas, self.canvas.size, self.canvas.theme
        share = bar.share_text
        room = canvas.inner_width - canvas.measure(share, size.label, bold=True) - size.label
        canvas.text(canvas.left, top, bar.what, bold=True, width=room)
        first = top + LINE * size.label
        # The space below a pair is larger than that under its name, so that they visibly belong
        # together.
        step = (height - LINE * size.label - max(0.5 * size.small, 0.16 * height)) / len(self.sides)
        sides = zip(bar.spreads, self.sides, ("output", "hairline"), ("ink", "quiet"), strict=False)
        for nth, (spread, side, fill, ink) in enumerate(sides):
            colours = getattr(theme, fill), getattr(theme, ink)
            self._bar(spread, side, colours, axis, first + (nth + 0.5) * step, 0.72 * step)
        if share:
            colour = theme.quiet if bar.overlap else theme.ink
            y, anchor = (first + step, "rm") if beside else (top, "rt")
            canvas.text(canvas.right, y, share, anchor, colour=colour, bold=True)

    def _bar(
        self,
        spread: tuple[float, float, float],
        side: str,
        colours: tuple[str, str],
        axis: Axis,
        y: float,
        thick: float,
    ) -> None:
        """The bar of one side, its spread, its name to the left and its time to the right."""
        canvas, size, theme = self.canvas, self.canvas.size, self.canvas.theme
        (seconds, low, high), (fill, ink), gap = spread, colours, 0.7 * size.small
        write = partial(canvas.text, px=size.small, colour=ink)
        room = axis.start - gap - canvas.left + 0.5
        write(axis.start - gap, y, side, "rm", width=room)
        canvas.box(axis.start, y - thick / 2, axis.at(seconds) - axis.start, thick, fill=fill)
        if low < high:
            # With a rim of the background colour the line is visible on its bar and beyond it.
            for colour, stroke in ((theme.ground, 6 * size.hair), (theme.ink, 2 * size.hair)):
                canvas.line([axis.at(low), axis.at(high)], [y, y], colour, stroke=stroke)
        write(axis.at(high) + gap, y, duration(seconds, axis.high), "lm")
