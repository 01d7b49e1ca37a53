"""What an experiment measured: rows of dots with their spread."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.spread import Spread
from convlab.viz.axes import Axis, tick_texts, ticks_within, with_room
from convlab.viz.canvas import LINE, Canvas

ROLES = ("output", "input", "window", "mistake", "quiet", "ink")
UNITS = {"%": " %", "number": "", "seconds": " s"}  # and what follows their numbers
_FIXED = "\u00a0"  # a space at which no line ends


@dataclass(frozen=True)
class MeasuredRow:
    """One thing that was measured: its name, a value for each seed, and further facts as texts.

    Every row has the same number of ``notes``; each column of them has a heading.  Rows of one
    ``group`` are together under its name.  ``role`` names the colour: one of ROLES.
    """

    name: str
    values: Sequence[float]
    notes: Sequence[str] = ()
    group: str = ""
    role: str = "output"


def measured_rows(
    rows: Sequence[MeasuredRow],
    *,
    label: str,
    title: str,
    verdict: str,
    note: str = "",
    headings: Sequence[str] = (),
    unit: str = "%",
    reference: tuple[float, str] | None = None,
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each thing: a ring per seed, a dot for the mean, a bar for ± standard deviation.

    ``label`` says what is measured, in ``unit``: % (shares of 1), number or seconds.
    ``headings`` are for the rows' notes, which are left out if they have no room.  ``reference``: a
    value and its word, such as a published figure, as a dashed line.
    Raises SpecError without rows and for an unknown role, unit, theme or size, ShapeError
    for a row without values or whose notes do not match the headings.
    """
    if not rows:
        raise SpecError("expected at least one row to draw, got none")
    check_named("unit", unit, UNITS)
    for row in rows:
        check_named("role", row.role, ROLES)
        if not len(row.values):
            raise ShapeError(f"expected at least one value of {row.name}, got none")
        if len(row.notes) != len(headings):
            raise ShapeError(
                f"expected {len(headings)} notes of {row.name}, one a heading, got {len(row.notes)}"
            )
    for canvas in canvases(size, theme, title, verdict, note):
        drawn = _Rows(canvas, rows, headings, unit, reference)
        if drawn.step >= LINE * canvas.size.small:
            break
    drawn.draw(label)
    return canvas.figure


def check_named(word: str, value: str, names: Collection[str]) -> None:
    """Raises SpecError if ``value`` is none of the names."""
    if value not in names:
        raise SpecError(f"expected a {word} among {', '.join(names)}, got {value!r}")


def canvases(size: str, theme: str, title: str, verdict: str, note: str) -> Iterator[Canvas]:
    """Canvases with their texts, each higher than the last: a paper's are as high as needed."""
    for aspect in (0.75, 1.1, 1.4):
        canvas = Canvas(size, theme, aspect)
        lay_texts(canvas, title, verdict, note)
        yield canvas


def lay_texts(canvas: Canvas, title: str, verdict: str, note: str) -> None:
    """Title, the verdict in full below it, and a quiet line at the foot; moves top and bottom."""
    size, left, room = canvas.size, canvas.left, canvas.inner_width
    canvas.headline(title, "", canvas.theme.ink)
    px = size.subtitle
    lines = canvas.wrapped(_together(verdict), room, px)
    top = canvas.paragraph(left, canvas.top - 0.4 * size.label, lines, px=px, width=room)
    canvas.top = top + 0.7 * size.label
    notes = canvas.wrapped(_together(note), room, size.small)
    if notes:
        y = canvas.bottom - len(notes) * size.small * LINE
        canvas.paragraph(left, y, notes, px=size.small, colour=canvas.theme.quiet, width=room)
        canvas.bottom = y - 0.6 * size.small


def _together(text: str) -> str:
    """A text that is never broken within, for example, 97.2 ± 0.3 %."""
    return text.replace(" ± ", f"{_FIXED}±{_FIXED}").replace(" %", f"{_FIXED}%")


def limits(values: NDArray, unit: str) -> tuple[float, float]:
    """Ends of an axis with some room around all finite values; shares stay within 0 and 1."""
    values = values[np.isfinite(values)]
    if unit == "%":
        values = np.minimum(values, 1.0)
    low, high = with_room(*((values.min(), values.max()) if values.size else (0.0, 1.0)))
    if unit == "%":
        low, high = max(low, values.min(initial=0.0)), min(high, 1.0)
        low -= 0.01 if high - low <= 1e-9 else 0.0
    return float(low), float(high)


class _Rows:
    """The rows of ``measured_rows`` on their canvas: names, notes, a plot and the means."""

    def __init__(self, canvas, rows, headings, unit, reference):
        self.canvas, self.headings, self.unit, self.reference = canvas, headings, unit, reference
        self.small, self.gap = canvas.size.small, 1.1 * canvas.size.label
        self.groups = list(dict.fromkeys(row.group for row in rows))
        self.rows = sorted(rows, key=lambda row: self.groups.index(row.group))
        self.spreads = [Spread.finite(row.values) for row in self.rows]
        # A reference has its own line below the label.
        self.top = canvas.top + (1.9 + LINE * (reference is not None)) * self.small
        self.lines = len(rows) + 0.9 * sum(1 for group in self.groups if group)
        room = canvas.bottom - 1.7 * self.small - self.top
        self.step = min(room / self.lines, 5 * canvas.size.label)

    def draw(self, label: str) -> None:
        canvas, small, gap, room = self.canvas, self.small, self.gap, self.canvas.inner_width
        self.indent = 0.8 * canvas.size.label if any(self.groups) else 0.0
        names = self.indent + canvas.widest((row.name for row in self.rows), small, True)
        self.names = min(max(names, canvas.widest(self.groups, small, True)), 0.46 * room)
        texts = [spread.text(self.unit) for spread in self.spreads]
        means = canvas.widest(texts, small)
        notes = [
            canvas.widest([heading, *(row.notes[at] for row in self.rows)], small)
            for at, heading in enumerate(self.headings)
        ]
        # Notes are left out, the last first, until the plot has a third of the width.
        while notes and room - self.names - means - sum(notes) - (2 + len(notes)) * gap < room / 3:
            notes.pop()
        x = canvas.left + self.names + gap
        self.notes = [x := x + width + gap for width in notes]  # where the next columns begin
        for end, heading in zip(self.notes, self.headings, strict=False):
            canvas.note(end - gap, canvas.top, heading, "rt")
        canvas.note(x, canvas.top, label, width=canvas.right - x)
        axis = self._axis(x, canvas.right - means - gap)
        y = self.top
        for at, (row, spread) in enumerate(zip(self.rows, self.spreads, strict=True)):
            if row.group and (at == 0 or self.rows[at - 1].group != row.group):
                middle = y + 0.5 * self.step
                canvas.note(canvas.left, middle, row.group, "lm", bold=True, width=self.names)
                y += 0.9 * self.step
            self._row(row, spread, y + self.step / 2, axis)
            canvas.text(canvas.right, y + self.step / 2, texts[at], "rm", px=small)
            y += self.step

    def _axis(self, left: float, right: float) -> Axis:
        """Draw vertical lines at round numbers, and the reference; returns where the numbers go."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.small
        known = [end for spread in self.spreads for end in (*spread.values, *spread.ends)]
        known += [self.reference[0]] if self.reference else []
        low, high = limits(np.array(known), self.unit)
        axis, bottom = Axis(low, high, left, right), self.top + self.step * self.lines
        for most in range(6, 1, -1):
            ticks = ticks_within(low, high, most=most)
            texts = tick_texts(ticks, UNITS[self.unit])
            if 1.4 * canvas.widest(texts, small) * len(ticks) <= right - left:
                break
        for x, text in zip(axis.at(np.array(ticks)), texts, strict=True):
            canvas.line([x, x], [self.top, bottom], theme.hairline)
            half = canvas.measure(text, small) / 2
            x = min(max(x, left - small + half), canvas.right - half)
            canvas.note(x, bottom + 0.4 * small, text, "mt")
        if self.reference:
            x, word = axis.at(self.reference[0]), self.reference[1]
            canvas.line([x, x], [self.top - 0.2 * small, bottom], theme.mistake, dashes=(4, 3))
            half = canvas.measure(word, small) / 2
            x, y = min(max(x, left + half), canvas.right - half), self.top - (LINE + 0.25) * small
            width = canvas.right - left
            canvas.text(x, y, word, "mt", px=small, colour=theme.mistake, width=width)
        return axis

    def _row(self, row: MeasuredRow, spread: Spread, y: float, axis: Axis) -> None:
        canvas, thick, small = self.canvas, self.canvas.size.thick, self.small
        colour, width = getattr(canvas.theme, row.role), self.names - self.indent
        left = canvas.left + self.indent
        canvas.text(left, y, row.name, "lm", px=small, bold=True, width=width)
        for x, note in zip(self.notes, row.notes, strict=False):
            canvas.text(x - self.gap, y, note, "rm", px=small)
        if spread.deviation:
            ends = axis.clipped(np.array(spread.ends))
            canvas.line(ends, [y, y], colour, stroke=0.7 * thick)
            high = min(0.22 * self.step, 1.6 * thick)
            canvas.strokes([((x, y - high), (x, y + high)) for x in ends], colour)
        for value in spread.values if len(row.values) > 1 else ():
            canvas.dot(axis.at(value), y, colour, 1.4 * thick, hollow=True)
        if spread.values:
            canvas.dot(axis.at(spread.mean), y, colour, 1.7 * 1.4 * thick)
