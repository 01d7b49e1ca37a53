"""Terms of a sum that are windows: as patch, kernel and products, with their numbers or shades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlab.equations import SumTerm, decimals_in_cells, texts_in_cells
from convlab.numerals import ALMOST, number, plus_minus, says
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells
from convlab.viz.tiles import whole_cells

CHANNELS = ("red", "green", "blue")


class Written(NamedTuple):
    """The numbers of a part as they are written, their height, and whether any is rounded."""

    texts: list[str]
    px: float
    rounded: bool


class Layout(NamedTuple):
    """How many terms are shown, in how many columns, with cells of what side, how far apart."""

    shown: int
    columns: int
    cell: float
    gap: float


@dataclass(frozen=True, eq=False)
class Windows:
    """As many terms, of ``values`` (terms, parts, KH, KW), as are legible in an area.

    heads: (name, role) of each part.  area: left, top, right, bottom.  hidden: (KH, KW), where
    the text ``empty`` stands instead of a number; winner: the cell of the first part set off.
    """

    canvas: Canvas
    terms: Sequence[SumTerm]
    values: NDArray
    heads: Sequence[tuple[str, str]]
    area: tuple[float, float, float, float]
    hidden: NDArray
    empty: str
    winner: tuple[int, int] | None

    @property
    def shown(self) -> int:
        """How many terms are drawn."""
        return self.layout.shown

    @property
    def shaded(self) -> bool:
        """Whether numbers are shades, as cells are too small for texts."""
        return not self.written

    @property
    def _head(self) -> float:
        return self.canvas.size.small * LINE + 0.25 * self.canvas.size.small

    def _slot(self, columns: int) -> float:
        """Width for a window and the space beside it."""
        left, _, right, _ = self.area
        small = self.canvas.size.small
        return (right - left - 3 * small * (columns - 1)) / columns / len(self.heads)

    @cached_property
    def layout(self) -> Layout:
        """As many windows as keep legible numbers; where none do, as many as keep clear shades."""
        canvas, several, small = self.canvas, len(self.heads) > 1, self.canvas.size.small
        between = 1.4 * small if several else 0.0
        # No name may run into the next one, however narrow the windows.
        names = [f"{ALMOST} {name}" for name, _ in self.heads]
        least_slot = canvas.widest(names, small, True) + 0.6 * small if several else 0.0
        longer = max(self.hidden.shape)
        found = self._found(between, least_slot)
        wished = [
            max(self._least_cell(part, choice) for part in self._parts) for choice in range(3)
        ]
        choices = [
            [one for one in found if one[1] >= least]
            for least in (*wished, 80 * canvas.unit / longer)
        ]
        largest = [max(found, key=lambda one: one[1])]
        # Of the same number of windows the largest cells.
        shown, cell, columns = max(next(filter(None, choices), largest))
        cell = min(cell, (76 if several else 150) * canvas.unit)
        # Width that is left widens the gaps.
        wide = cell * self.hidden.shape[1]
        gap = min(self._slot(columns) - wide, max(3 * between, least_slot - wide))
        return Layout(shown, columns, cell, gap)

    def _found(self, between: float, least_slot: float) -> list[tuple[int, float, int]]:
        """What fits: (terms, side of a cell, columns of terms)."""
        _, top, _, bottom = self.area
        small = self.canvas.size.small
        # The names of the columns of numbers stand once, on top.
        top += self.canvas.size.label * LINE
        found = []
        for columns in (1, 2, 3):
            if self._slot(columns) < least_slot and columns > 1:
                break
            for rows in range(1, 9):
                height = (bottom - top - 0.8 * small * (rows - 1)) / rows - self._head
                if height > 0 or rows == 1:
                    width = self._slot(columns) - between
                    cell = whole_cells(width, max(height, 1.0), *self.hidden.shape)
                    found.append((min(rows * columns, len(self.values)), cell, columns))
        return found

    # Numbers ---------------------------------------------------------------------------------

    @property
    def _parts(self) -> NDArray:
        return np.moveaxis(self.values, 1, 0)

    def _least_cell(self, values: NDArray, choice: int) -> float:
        """The side of a cell that holds each of the numbers with one of the choices of decimals."""
        decimals, px = decimals_in_cells(values), self.canvas.size.small
        if not decimals:
            return math.inf
        return max(
            self.canvas.widest(texts_in_cells(values, decimals[choice], True), px) / 0.92, 1.2 * px
        )

    @cached_property
    def written(self) -> list[Written]:
        """The numbers of each part; of none where those of one do not fit their cells."""
        columns = [self._written(part) for part in self._parts]
        return [column for column in columns if column] if all(columns) else []

    def _written(self, values: NDArray) -> Written | None:
        """Numbers with the most decimals that fit a cell."""
        canvas, cell = self.canvas, self.layout.cell
        label, small = canvas.size.label, canvas.size.small
        decimals = decimals_in_cells(values)
        more = [places + 1 for places in decimals[:1] if places]
        for places in [*more, *decimals] if small * 1.2 <= cell else []:
            for bare in (False, True):
                texts = texts_in_cells(values, places, bare)
                if canvas.widest(texts, small) <= 0.92 * cell:
                    large = (min(1.45 * label, canvas.size.title), label)
                    fitting = [px for px in large if canvas.widest(texts, px) <= 0.7 * cell]
                    rounded = not all(map(says, texts, values.ravel()))
                    return Written(texts, (*fitting, small)[0], rounded)
        return None

    @property
    def _limits(self) -> list[float]:
        """The largest magnitude of each part: what full shades mean."""
        sizes = np.abs(self._parts)
        return [float(part.max(initial=0.0, where=np.isfinite(part))) or 1.0 for part in sizes]

    # Drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """The names of the parts, and below them each term."""
        canvas, layout, small = self.canvas, self.layout, self.canvas.size.small
        rows, columns = self.hidden.shape
        wide, high = columns * layout.cell, rows * layout.cell
        block = len(self.heads) * (wide + layout.gap) - layout.gap
        names, px = self._names(wide)
        for index, term in enumerate(self.terms[: self.shown]):
            row, column = divmod(index, layout.columns)
            x = self.area[0] + column * (block + 3 * small)
            if row == 0:
                for part, (name, (_, role)) in enumerate(zip(names, self.heads, strict=True)):
                    at = x + part * (wide + layout.gap)
                    look = {"bold": True, "colour": getattr(canvas.theme, role)}
                    canvas.text(at, self.area[1], name, px=px, width=self._room(wide), **look)
            y = self.area[1] + canvas.size.label * LINE
            y += row * (high + self._head + 0.8 * small)
            self._write_term(term, x, y, block)
            self._draw_parts(index, x, y + self._head)

    def _write_term(self, term: SumTerm, x: float, y: float, width: float) -> None:
        """A term's name, and at the right what it adds, where there is room."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        room, total = width, f"adds {number(term.total)}" if len(self.heads) > 1 else ""
        if total and width - canvas.measure(total, small) > 5 * small:
            canvas.text(x + width, y, total, "rt", px=small)
            room -= canvas.measure(total, small) + small
        colour = getattr(theme, term.label) if term.label in CHANNELS else theme.quiet
        canvas.text(x, y, term.label, px=small, colour=colour, width=room)

    def _draw_parts(self, index: int, x: float, y: float) -> None:
        canvas, layout = self.canvas, self.layout
        equals = ALMOST if any(column.rounded for column in self.written) else "="
        signs = ("", style.TIMES, equals)
        rows, columns = self.hidden.shape
        for part, (_, role) in enumerate(self.heads):
            cells = Cells(canvas, x, y, rows, columns, layout.cell)
            if part:
                middle = x - layout.gap / 2, y + cells.place[3] / 2
                canvas.text(*middle, signs[part], "mm", colour=canvas.theme.quiet)
            self._draw_window(index, part, role, cells)
            if part == 0 and self.winner is not None:
                cells.part(*self.winner).box(canvas.theme.output, stroke=canvas.size.thick)
            x += cells.place[2] + layout.gap

    def _draw_window(self, index: int, part: int, role: str, cells: Cells) -> None:
        """One grid: numbers in the role's fill, or signed shades where cells are too small."""
        canvas, theme = self.canvas, self.canvas.theme
        # A kernel has its weights in the padding, too.
        hidden = self.hidden if role != "window" else np.zeros_like(self.hidden)
        values = self.values[index, part]
        if self.written:
            fills = {"input": theme.input_fill, "window": theme.window_fill}
            cells.box(fill=fills.get(role, theme.ground))
        else:
            cells.shades(values, style.signed_scale(values, theme, self._limits[part]))
        for row, column in np.argwhere(hidden):
            cells.part(row, column).box(theme.hairline, theme.hairline_fill, dashed=True)
        if cells.width >= 5 * canvas.unit:
            around = [(0, 0), (0, 1), (1, 1), (1, 0)]
            corners = [
                [cells.corner(row + down, column + right) for down, right in around]
                for row, column in np.argwhere(~hidden)
            ]
            edge = theme.hairline if role == "ink" else getattr(theme, role)
            canvas.polygons(np.array(corners).reshape(-1, 4, 2), edge=edge)
        if self.written:
            texts, px, _ = self.written[part]
            texts = texts[index * hidden.size :][: hidden.size]
            unseen = hidden.ravel()
            cells.write(
                [self.empty if hides else text for text, hides in zip(texts, unseen, strict=True)],
                px,
                [theme.quiet if hides else theme.ink for hides in unseen],
            )

    def _room(self, wide: float) -> float:
        if len(self.heads) == 1:
            return self.area[2] - self.area[0]
        return wide + self.layout.gap - 0.3 * self.canvas.size.small

    def _names(self, wide: float) -> tuple[list[str], float]:
        """Names of the columns and their height; with what full shades mean if there is room."""
        canvas, names = self.canvas, [name for name, _ in self.heads]
        choices = [names]
        if self.written:
            marks = [f"{ALMOST} " if column.rounded else "" for column in self.written]
            choices = [[mark + name for mark, name in zip(marks, names, strict=True)]]
        else:
            limits = zip(names, map(plus_minus, self._limits), strict=True)
            choices.insert(0, [f"{name} {limit}" for name, limit in limits])
        for texts in choices:
            for px in (canvas.size.label, canvas.size.small):
                if canvas.widest(texts, px, True) <= self._room(wide):
                    return texts, px
        return choices[-1], canvas.size.small
