"""Terms of a sum that are single numbers: a table with a bar for what each adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from convlab.equations import SumTerm
from convlab.numerals import ALMOST, exact, fixed, says
from convlab.viz.axes import Axis
from convlab.viz.canvas import Canvas


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of label, numbers and total, with a signed bar for the total, or one from 0 to 1.

    heads: (name, role) of each column.  area: left, top, right, bottom.  ``decimals`` of all
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

    @cached_property
    def _columns(self) -> list[tuple[str, str, list[str]]]:
        """Name, colour and texts of each column."""
        totals = [term.total for term in self.terms]
        parts = [*zip(*(term.numbers for term in self.terms), strict=True), totals]
        found = []
        for (name, role), part in zip(self.heads, map(np.array, parts), strict=True):
            if self.decimals is None:
                texts = exact(part, 4).texts
            else:
                texts = [fixed(value, self.decimals) for value in part]
            known = all(map(says, texts, part))
            colour = getattr(self.canvas.theme, role)
            found.append((name if known else f"{ALMOST} {name}", colour, texts))
        return found

    def _widths(self, px: float) -> list[float]:
        """Of the columns, with the space before each."""
        canvas = self.canvas
        return [
            max(canvas.widest(texts, px, True), canvas.measure(name, canvas.size.small, True))
            + 1.2 * px
            for name, _, texts in self._columns
        ]

    def draw(self) -> None:
        """The heads, a row for each term, and the axis of their bars."""
        if not self.terms:
            return
        canvas, size = self.canvas, self.canvas.size
        left, top, right, _ = self.area
        labels = [term.label for term in self.terms]
        for px in (size.label, size.small):
            widths = self._widths(px)
            spare = right - left - sum(widths)
            label = min(canvas.widest(labels, px, True), 0.3 * (right - left))
            if spare >= label:
                break
        label = min(label, spare)
        edges = (left + label + np.cumsum(widths)).tolist()
        for (name, colour, _), edge in zip(self._columns, edges, strict=True):
            canvas.text(edge, top, name, "rt", px=size.small, colour=colour, bold=True)
        # One height for all labels: that at which the widest fits.
        label_px = min(canvas.fit(text, label, px, bold=True)[1] for text in labels)
        for row, term in enumerate(self.terms):
            y = top + (row + 1.5) * self.line
            bold, output = term.chosen, canvas.theme.output
            ink, quiet = (output, output) if bold else (canvas.theme.ink, canvas.theme.quiet)
            name = canvas.fit(term.label, label, label_px, bold=bold)[0]
            canvas.text(left, y, name, "lm", px=label_px, colour=quiet, bold=bold)
            for (_, _, texts), edge in zip(self._columns, edges, strict=True):
                canvas.text(edge, y, texts[row], "rm", px=px, colour=ink, bold=bold)
        if right - edges[-1] - 1.2 * px > 4 * px:
            self._draw_bars(edges[-1] + 1.2 * px)

    def _draw_bars(self, start: float) -> None:
        """The totals between ``start`` and the right end, and the line that they begin at."""
        canvas, theme, line = self.canvas, self.canvas.theme, self.line
        _, top, right, _ = self.area
        totals = [term.total for term in self.terms]
        low, high = min(*totals, 0.0), max(*totals, 0.0)
        if self.decimals is not None:
            low, high = 0.0, 1.0
        axis = Axis(low, high if high > low else low + 1.0, start, right)
        zero = axis.at(0.0)
        for row, term in enumerate(self.terms):
            y, end = top + (row + 1.5) * line, axis.at(term.total)
            place = min(zero, end), y - 0.32 * line, abs(end - zero), 0.64 * line
            fill = theme.output if term.chosen else theme.output_fill
            canvas.box(*place, fill=fill, edge=theme.output)
        ends = [top + line, top + (len(self.terms) + 1) * line]
        canvas.line([zero, zero], ends, theme.quiet)
        if self.decimals is not None:
            canvas.line([right, right], ends, theme.hairline)
            canvas.note(zero, top, "0", "lt")
            canvas.note(right, top, "1", "rt")
