"""Several figures of the same things side by side: a row for each thing, a column a figure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from convlab.errors import ShapeError, SpecError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.experiment import ROLES, lay_texts
from convlab.viz.matrix import Cells

KINDS = ("bars", "spread", "fields")
# In text heights: the lowest row, and the room of the largest field; in rows: a group's heading.
ROW, FIELD, GROUP = 2.5, 5.0, 0.6


@dataclass(frozen=True)
class MeasuredColumn:
    """One figure of every row: its heading, values and their texts, and how it is drawn.

    ``values`` is a list a row, of one value or one a seed, empty where nothing was measured.
    ``kind``: bars begin at zero; spread is a dot for the mean in a scale of the column's own,
    with a ring for each seed and ± standard deviation; fields are squares of so many cells
    a side, all in one scale.
    """

    heading: str
    values: Sequence[Sequence[float]]
    texts: Sequence[str]
    kind: str = "bars"


def measured_columns(
    names: Sequence[str],
    columns: Sequence[MeasuredColumn],
    *,
    title: str,
    verdict: str,
    note: str = "",
    groups: Sequence[str] = (),
    roles: Sequence[str] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each of ``names``; each column has its own scale and writes its numbers out.

    Where there is no room for all columns the last ones are left out.  ``groups``: for each
    row the heading that it stands under, rows of one group after each other.  ``roles``: for
    each row one of viz.experiment.ROLES, its colour.
    Raises SpecError without rows or columns and for an unknown role, kind, theme or size,
    ShapeError for columns, groups or roles that do not have one entry a row.
    """
    if not names or not columns:
        raise SpecError("expected at least one row and one column to draw, got none")
    groups, roles = groups or [""] * len(names), roles or ["input"] * len(names)
    lengths = [len(groups), len(roles)]
    lengths += [len(entries) for column in columns for entries in (column.values, column.texts)]
    if set(lengths) != {len(names)}:
        raise ShapeError(f"expected {len(names)} entries, one a row, got {lengths}")
    for role in roles:
        if role not in ROLES:
            raise SpecError(f"expected a role among {', '.join(ROLES)}, got {role!r}")
    for column in columns:
        if column.kind not in KINDS:
            raise SpecError(f"expected a kind among {', '.join(KINDS)}, got {column.kind!r}")
    for aspect in (0.75, 1.1, 1.4):  # a paper's figure may be as high as its rows need
        canvas = Canvas(size, theme, aspect)
        lay_texts(canvas, title, verdict, note)
        drawn = _Columns(canvas, names, columns, groups, roles)
        if drawn.step >= ROW * drawn.px:
            break
    drawn.draw()
    return canvas.figure


class _Columns:
    """The rows and columns on their canvas."""

    def __init__(self, canvas, names, columns, groups, roles):
        self.canvas, self.names, self.columns = canvas, names, columns
        self.groups, self.roles = groups, roles
        self.headings = list(dict.fromkeys(groups))
        # As large as all columns and rows have room, else small.
        for self.px in (canvas.size.label, canvas.size.small):
            shown = self._lay()
            if shown == len(columns) and self.step >= ROW * self.px:
                break

    def _lay(self) -> int:
        """Find the places of rows and columns for texts of ``px``; returns how many columns."""
        canvas, px, columns = self.canvas, self.px, self.columns
        gap = 1.3 * px
        self.indent = 0.8 * px if any(self.headings) else 0.0
        label = self.indent + canvas.widest(self.names, px, True)
        label = max(label, canvas.widest(self.headings, px))
        self.label = min(label, 0.4 * canvas.inner_width)
        start = canvas.left + self.label + gap
        words = [canvas.widest(column.texts, px) for column in columns]
        # A heading may take two lines; squares have a fixed width and the others share the rest.
        least = [
            max(width, 0.6 * canvas.measure(column.heading, px))
            for width, column in zip(words, columns, strict=True)
        ]
        fixed = [
            max(width, FIELD * px + found) if column.kind == "fields" else 0.0
            for width, found, column in zip(least, words, columns, strict=True)
        ]
        shown = len(columns)
        while True:
            shared = (
                canvas.right - start + gap - sum(width + gap for width in fixed[:shown] if width)
            )
            others = fixed[:shown].count(0.0)
            share = shared / others - gap if others else 0.0
            fits = [width or share >= wanted for width, wanted in zip(fixed, least, strict=True)]
            if shown == 1 or (all(fits[:shown]) and shared >= 0):
                break
            shown -= 1
        self.widths = [width or share for width in fixed[:shown]]
        self.lefts = [start + sum(self.widths[:at]) + at * gap for at in range(shown)]
        self.heads = [
            canvas.lines(column.heading, width, px)
            for column, width in zip(columns, self.widths, strict=False)
        ]
        self.top = canvas.top + (max(map(len, self.heads)) * LINE + 0.5) * px
        lines = len(self.names) + GROUP * sum(1 for heading in self.headings if heading)
        self.step = min((canvas.bottom - self.top) / lines, 5 * px)
        return shown

    def draw(self) -> None:
        canvas, px = self.canvas, self.px
        quiet = canvas.theme.quiet
        most = max(map(len, self.heads))
        for left, width, lines in zip(self.lefts, self.widths, self.heads, strict=True):
            for at, line in enumerate(lines, most - len(lines)):
                y = canvas.top + at * LINE * px
                canvas.text(left, y, line, px=px, colour=quiet, width=width)
        y = self.top
        for heading in self.headings:
            if heading:
                middle = y + GROUP * self.step / 2
                canvas.text(
                    canvas.left, middle, heading, "lm", px=px, colour=quiet, width=self.label
                )
                y += GROUP * self.step
            for row in (at for at, group in enumerate(self.groups) if group == heading):
                canvas.text(
                    canvas.left + self.indent,
                    y + self.step / 2,
                    self.names[row],
                    "lm",
                    px=px,
                    bold=True,
                    width=self.label - self.indent,
                )
                for column, left, width in zip(self.columns, self.lefts, self.widths, strict=False):
                    self._cell(column, row, left, width, y)
                y += self.step

    def _cell(self, column, row, left, width, y) -> None:
        """One figure of one row: its text above, the mark below it."""
        canvas, px = self.canvas, self.px
        values = [value for value in column.values[row] if math.isfinite(value)]
        colour = getattr(canvas.theme, self.roles[row])
        if column.kind == "fields":
            self._field(column, values, column.texts[row], left, width, y)
            return
        # Text and mark together stand in the middle of the row.
        middle = y + self.step / 2
        canvas.text(left, middle, column.texts[row], "lb", px=px, width=width)
        if not values:
            return
        mean = statistics.fmean(values)
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        low, high = _scale(column)
        mark = middle + 0.5 * px

        def at_x(value: float) -> float:
            return left + (min(max(value, low), high) - low) / (high - low) * width

        ends = [at_x(mean - deviation), at_x(mean + deviation)]
        if column.kind == "bars":
            canvas.box(left, mark - px / 4, max(at_x(mean) - left, 1.0), px / 2, fill=colour)
            if deviation:
                canvas.line(ends, [mark, mark], canvas.theme.ink)
            return
        canvas.line([left, left + width], [mark, mark], canvas.theme.hairline)
        if deviation:
            canvas.line(ends, [mark, mark], colour, stroke=0.6 * canvas.size.thick)
        for value in values if len(values) > 1 else ():
            canvas.dot(at_x(value), mark, colour, 0.42 * px, hollow=True)
        canvas.dot(at_x(mean), mark, colour, 0.55 * px)

    def _field(self, column, values, text, left, width, y) -> None:
        """A square of cells with its text at the right."""
        canvas, px = self.canvas, self.px
        largest = max((value for row in column.values for value in row), default=1)
        words = canvas.widest(column.texts, px)
        cell = min(0.9 * self.step, width - words - 0.5 * px) / largest
        for value in values:
            side = round(value)
            top = y + (self.step - side * cell) / 2
            fill = canvas.theme.window_fill
            canvas.box(left, top, side * cell, side * cell, edge=canvas.theme.window, fill=fill)
            if cell >= 5 * canvas.unit:
                Cells(canvas, left, top, side, side, cell).lines(canvas.theme.window)
        x = left + largest * cell + 0.5 * px
        canvas.text(x, y + self.step / 2, text, "lm", px=px, width=words)


def _scale(column: MeasuredColumn) -> tuple[float, float]:
    """Both ends of a column's scale: room around all its values, or from zero for bars."""
    reach = []
    for row in column.values:
        finite = [value for value in row if math.isfinite(value)]
        if finite:
            mean = statistics.fmean(finite)
            deviation = statistics.stdev(finite) if len(finite) > 1 else 0.0
            reach += [*finite, mean - deviation, mean + deviation]
    low, high = min(reach), max(reach)
    if column.kind == "bars":
        return 0.0, high or 1.0
    edge = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    return low - edge, high + edge
