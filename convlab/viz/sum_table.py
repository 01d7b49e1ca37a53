"""Terms of a sum that are single numbers: a table with a bar for what each adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convlab.equations import SumTerm, columns_of
from convlab.viz.axes import Axis
from convlab.viz.canvas import Canvas


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of label, numbers and total, with a signed bar for the total, or one from 0 to 1.

    heads: (name, role) of each column.  area: left, top, right, bottom.  ``decimals`` for all
    numbers, whose totals are then shares of 1.
    """

    canvas: Canvas
    terms: Sequence[SumTerm]
    heads: Sequence[tuple[str, str]]
    area: tuple[float, float, float, float]
    decimals: int | None

    shaded = False

    @property
    def shown(self) -> int:
        """How many terms there is room for."""
        _, top, _, bottom = self.area
        rows = math.floor((bottom - top) / (self.canvas.size.label * 1.45)) - 1
        return min(max(1, rows), len(self.terms))

    @property
    def line(self) -> float:
        """From row to row."""
        _, top, _, bottom = self.area
        least = self.canvas.size.label * 1.45
        line = max(least, (bottom - top) / (self.shown + 1))
        return min(line, 1.6 * least)

    def draw(self) -> None:
        """The heads, a row for each term, and the bars of what they add."""
        if not self.terms:
            return
        canvas, size, theme = self.canvas, self.canvas.size, self.canvas.theme
        left, top, right, _ = self.area
        labels = [term.label for term in self.terms]
        columns = columns_of(self.terms, self.heads, self.decimals)
        for px in (size.label, size.small):
            gap = 1.2 * px
            widths = [
                max(canvas.widest(texts, px, True), canvas.measure(name, size.small, True)) + gap
                for name, _, texts in columns
            ]
            label, spare = canvas.widest(labels, px, True), right - left - sum(widths)
            label = min(label, 0.3 * (right - left))
            if spare >= label:
                break
        label = min(label, spare)
        # One height for all labels, at which the widest fits.
        label_px = min(canvas.fit(text, label, px, bold=True)[1] for text in labels)
        ys = [top + (row + 1.5) * self.line for row in range(len(labels))]
        for term, y in zip(self.terms, ys, strict=True):
            colour, bold = theme.output if term.chosen else theme.quiet, term.chosen
            look = canvas.fit(term.label, label, label_px, bold=bold)
            canvas.text(left, y, look[0], "lm", px=look[1], colour=colour, bold=bold)
        edge = left + label
        for (name, role, texts), width in zip(columns, widths, strict=True):
            edge, colour = edge + width, getattr(theme, role)
            canvas.text(edge, top, name, "rt", px=size.small, colour=colour, bold=True)
            for term, text, y in zip(self.terms, texts, ys, strict=True):
                ink = theme.output if term.chosen else theme.ink
                canvas.text(edge, y, text, "rm", px=px, colour=ink, bold=term.chosen)
        if right - edge - gap > 4 * px:
            self._draw_bars(edge + gap, ys)

    def _draw_bars(self, start: float, ys: Sequence[float]) -> None:
        """The totals between ``start`` and the right end, and the line that they begin at."""
        canvas, theme, line = self.canvas, self.canvas.theme, self.line
        _, top, right, _ = self.area
        totals = [term.total for term in self.terms]
        low, high = min(*totals, 0.0), max(*totals, 0.0)
        if self.decimals is not None:
            low, high = 0.0, 1.0
        axis = Axis(low, high if high > low else low + 1.0, start, right)
        zero = axis.at(0.0)
        for term, y in zip(self.terms, ys, strict=True):
            end, fill = axis.at(term.total), theme.output if term.chosen else theme.output_fill
            place = min(zero, end), y - 0.32 * line, abs(end - zero), 0.64 * line
            canvas.box(*place, fill=fill, edge=theme.output)
        ends = [top + line, ys[-1] + line / 2]
        canvas.line([zero, zero], ends, theme.quiet)
        if self.decimals is not None:
            canvas.line([right, right], ends, theme.hairline)
            canvas.note(zero, top, "0", "lt")
            canvas.note(right, top, "1", "rt")
