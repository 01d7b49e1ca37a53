"""Rows with names and columns of figures: texts, bars, spreads over seeds, or fields of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from convlab.spread import Spread
from convlab.viz.axes import Axis, tick_texts, ticks_within, with_room
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells

KINDS = ("bars", "spread", "fields", "texts")
# In text heights: the lowest row, a mark's least room, and that of the largest field; in rows: a
# group's heading.
ROW, MARK, FIELD, GROUP = 1.35, 4.5, 5.0, 0.8


@dataclass(frozen=True)
class MeasuredColumn:
    """One figure of every row: its heading, values and their texts, and how it is drawn.

    ``values`` has a list per row, of one value or one per seed, empty if nothing was measured.
    ``kind``: bars begin at zero; spread is a dot for the mean on the column's own scale, with a
    ring for each seed and ± standard deviation; fields are squares with so many cells per side, all
    on one scale; texts has no marks, and gives way first where there is little room.  ``role``: the
    colour of its heading and marks, instead of the rows'.  ``ends`` of its scale, and the ``unit``
    of the round numbers below it; ``reference``: a value and its word, as a dashed line.
    """

    heading: str
    values: Sequence[Sequence[float]]
    texts: Sequence[str]
    kind: str = "bars"
    role: str = ""
    ends: tuple[float, float] | None = None
    unit: str | None = None
    reference: tuple[float, str] | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """The ends of its scale: with room around all its values, or from zero for bars."""
        if self.ends:
            return self.ends
        spreads = [Spread.finite(values) for values in self.values]
        reach = [end for s in spreads if s.values for end in (*s.values, *s.ends)] or [0.0]
        return (
            (0.0, max(reach) or 1.0) if self.kind == "bars" else with_room(min(reach), max(reach))
        )


class Table:
    """A row for each of ``names``, the columns that have room, and groups with their headings.

    ``groups`` and ``roles``: for each row its heading, and the colour of its marks.  ``step``: from
    row to row in pixels, with text ``px`` high: as large as leaves all columns and rows their room.
    """

    def __init__(
        self,
        canvas: Canvas,
        names: Sequence[str],
        columns: Sequence[MeasuredColumn],
        groups: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> None:
        self.canvas, self.names, self.columns = canvas, names, list(columns)
        self.groups = groups or [""] * len(names)
        self.roles = roles or ["output"] * len(names)
        self.headings = list(dict.fromkeys(self.groups))
        for self.px in (canvas.size.subtitle, canvas.size.label, canvas.size.small):
            self.columns = list(columns)
            whole = self._lay_columns()
            self._lay_rows()
            if whole and self.step >= 1.5 * ROW * self.px:
                break
        while not self._lay_columns():
            texts = [column for column in self.columns if column.kind == "texts"]
            self.columns.remove((texts or self.columns)[-1])
        self._lay_rows()

    @property
    def fits(self) -> bool:
        """Whether there is room for each row."""
        return self.step >= ROW * self.px

    def _lay_columns(self) -> bool:
        """Find the places of columns; returns whether they have room, as a single one has."""
        canvas, px, gap = self.canvas, self.px, 1.2 * self.px
        self.indent = 0.8 * px if any(self.headings) else 0.0
        label = self.indent + canvas.widest(self.names, px, True)
        self.label = min(max(label, canvas.widest(self.headings, px)), 0.4 * canvas.inner_width)
        self.written = [canvas.widest(column.texts, px) for column in self.columns]
        widths, shared = [], 0
        for column, words in zip(self.columns, self.written, strict=True):
            head = canvas.measure(column.heading, px)
            fixed = {"fields": FIELD * px + words, "texts": max(words, head)}.get(column.kind)
            shared += fixed is None
            # Marks share what the texts leave; a heading may take two lines.
            widths.append(max(fixed, 0.6 * head) if fixed else words + 0.5 * px)
        free = canvas.inner_width - self.label - sum(widths) - gap * len(widths)
        each = free / max(shared, 1)
        self.places, x = [], canvas.left + self.label + gap
        for column, width in zip(self.columns, widths, strict=True):
            if column.kind in ("bars", "spread"):
                width += max(each, 2 * px)
            self.places.append((x, min(width, canvas.right - x)))
            x += width + gap
        heads = [0.6 * canvas.measure(column.heading, px) for column in self.columns]
        fits = all(h <= width for h, (_, width) in zip(heads, self.places, strict=True))
        alone = sum(column.kind != "texts" for column in self.columns) == 1
        least = canvas.inner_width / 3 if alone else MARK * px
        return len(self.columns) == 1 or (fits and (each >= least if shared else free >= 0))

    def _lay_rows(self) -> None:
        canvas, px = self.canvas, self.px
        self.heads = [
            canvas.lines(column.heading, width, px, bool(column.role))
            for column, (_, width) in zip(self.columns, self.places, strict=True)
        ]
        referred = any(column.reference for column in self.columns)
        self.top = canvas.top + ((max(map(len, self.heads)) + referred) * LINE + 0.4) * px
        below = 1.5 * px if any(column.unit is not None for column in self.columns) else 0.0
        self.lines = len(self.names) + GROUP * sum(1 for heading in self.headings if heading)
        self.step = min((canvas.bottom - below - self.top) / self.lines, 5.5 * px)

    def draw(self) -> None:
        """Headings, names, and all columns."""
        canvas, px, step, left = self.canvas, self.px, self.step, self.canvas.left
        quiet = partial(canvas.text, px=px, colour=canvas.theme.quiet)
        most = max(map(len, self.heads))
        for column, (x, width), lines in zip(self.columns, self.places, self.heads, strict=True):
            for at, line in enumerate(lines, most - len(lines)):
                y, end = canvas.top + at * LINE * px, x + width
                if column.role:
                    colour = getattr(canvas.theme, column.role)
                    canvas.text(x, y, line, px=px, bold=True, colour=colour, width=width)
                elif column.kind == "texts":
                    quiet(end, y, line, "rt", width=width)
                else:
                    quiet(x, y, line, width=width)
            if column.unit is not None:
                self._draw_axis(column, self._axis(column, x, width))
        y = self.top
        names = canvas.names(self.names, self.label - self.indent, px, bold=True)
        for heading in self.headings:
            if heading:
                middle = y + GROUP * step / 2
                quiet(left, middle, heading, "lm", bold=True, width=self.label)
                y += GROUP * step
            for row in (at for at, group in enumerate(self.groups) if group == heading):
                x, middle, width = left + self.indent, y + step / 2, self.label - self.indent
                canvas.text(x, middle, names[row], "lm", px=px, bold=True, width=width)
                for column, (x, width) in zip(self.columns, self.places, strict=True):
                    self._cell(column, row, x, width, middle)
                y += step

    def _axis(self, column: MeasuredColumn, x: float, width: float) -> Axis:
        """From the ends of a column's scale to pixels, with its text at the right."""
        words = self.written[self.columns.index(column)]
        return Axis(*column.scale, x, x + max(width - words - 0.5 * self.px, self.px))

    def _draw_axis(self, column: MeasuredColumn, axis: Axis) -> None:
        """Vertical lines at round numbers, and the reference."""
        canvas, theme, px = self.canvas, self.canvas.theme, self.px
        bottom = self.top + self.step * self.lines
        for most in range(6, 1, -1):
            ticks = ticks_within(axis.low, axis.high, most=most)
            texts = tick_texts(ticks, column.unit or "")
            if 1.4 * canvas.widest(texts, px) * len(ticks) <= axis.end - axis.start:
                break
        for x, text in zip(axis.at(np.array(ticks)), texts, strict=True):
            canvas.line([x, x], [self.top, bottom], theme.hairline)
            half = canvas.measure(text, px) / 2
            x = min(max(x, axis.start - px + half), canvas.right - half)
            canvas.note(x, bottom + 0.4 * px, text, "mt")
        if column.reference:
            x, word = axis.at(column.reference[0]), column.reference[1]
            canvas.line([x, x], [self.top - 0.2 * px, bottom], theme.mistake, dashes=(4, 3))
            half, width = canvas.measure(word, px) / 2, canvas.right - axis.start
            x, y = min(max(x, axis.start + half), canvas.right - half), self.top - 0.25 * px
            canvas.text(x, y, word, "mb", px=px, colour=theme.mistake, width=width)

    def _cell(self, column: MeasuredColumn, row: int, left: float, width: float, y: float) -> None:
        """The mark of a row, and its text at the right end of the column."""
        canvas, px, text = self.canvas, self.px, column.texts[row]
        if column.kind == "fields":
            self._field(column, row, left, width, y)
            return
        canvas.text(left + width, y, text, "rm", px=px, width=width)
        spread = Spread.finite(column.values[row]) if column.kind != "texts" else Spread(())
        if not spread.values:
            return
        theme, axis, thick = canvas.theme, self._axis(column, left, width), canvas.size.thick
        role = column.role or self.roles[row]
        colour, mean = getattr(theme, role), axis.clipped(spread.mean)
        ends = axis.clipped(np.array(spread.ends))
        if column.kind == "bars":
            tall = min(0.64 * self.step, 3 * px)
            fill = getattr(theme, f"{role}_fill", colour)
            canvas.box(left, y - tall / 2, max(mean - left, 1.0), tall, edge=colour, fill=fill)
            if spread.deviation:
                canvas.line(ends, [y, y], theme.ink)
            return
        if column.unit is None:
            canvas.line([axis.start, axis.end], [y, y], theme.hairline)
        if spread.deviation:
            canvas.line(ends, [y, y], colour, stroke=0.7 * thick)
            high = min(0.22 * self.step, 1.6 * thick)
            canvas.strokes([((x, y - high), (x, y + high)) for x in ends], colour)
        for value in spread.values if len(column.values[row]) > 1 else ():
            canvas.dot(axis.at(value), y, colour, 1.4 * thick, hollow=True)
        canvas.dot(mean, y, colour, 2.4 * thick)

    def _field(
        self, column: MeasuredColumn, row: int, left: float, width: float, middle: float
    ) -> None:
        """A square of cells with its text at the right."""
        canvas, px, theme = self.canvas, self.px, self.canvas.theme
        largest = max((value for values in column.values for value in values), default=1)
        words = canvas.widest(column.texts, px)
        side = min(0.9 * self.step, width - words - 0.5 * px) / largest
        for value in Spread.finite(column.values[row]).values:
            count = round(value)
            cells = Cells(canvas, left, middle - count * side / 2, count, count, side)
            cells.box(theme.window, theme.window_fill)
            if side >= 5 * canvas.unit:
                cells.lines(theme.window)
        x = left + largest * side + 0.5 * px
        canvas.text(x, middle, column.texts[row], "lm", px=px, width=words)
