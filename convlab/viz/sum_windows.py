"""Terms of a sum that are windows: patch, kernel and products, as numbers or shades."""

from __future__ import annotations

import itertools
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
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.matrix import Cells
from convlab.viz.tiles import whole_cells
from convlab.words import t

CHANNELS = ("red", "green", "blue")


def large_numbers(canvas: Canvas) -> float:
    """Height of numbers with plenty of room."""
    return min(1.45 * canvas.size.label, canvas.size.title)


class Written(NamedTuple):
    """The numbers of a part as they are written, their height, and whether any is rounded."""

    texts: list[str]
    px: float
    rounded: bool


@dataclass(frozen=True, eq=False)
class Windows:
    """As many terms, of ``values`` (terms, parts, KH, KW), as are legible in an area.

    heads: (name, role) of each part.  area: left, top, right, bottom.  hidden: (KH, KW), where the
    text ``empty`` replaces a number; winner: the highlighted cell of the first part.
    """

    canvas: Canvas
    terms: Sequence[SumTerm]
    values: NDArray
    heads: Sequence[tuple[str, str]]
    area: Place
    hidden: NDArray
    empty: str
    winner: tuple[int, int] | None

    @property
    def shown(self) -> int:
        """How many terms are drawn."""
        return self.layout[0]

    @property
    def shaded(self) -> bool:
        """Whether numbers are shades, as cells are too small for texts."""
        return not self.written

    @cached_property
    def _parts(self) -> list[NDArray]:
        return [*np.moveaxis(self.values, 1, 0)]

    @property
    def _head(self) -> float:
        """Height of a term's name."""
        return self.canvas.size.small * LINE + 0.25 * self.canvas.size.small

    def _slot(self, columns: int) -> float:
        """Width of a window and the space beside it, with so many terms side by side."""
        left, _, right, _ = self.area
        small = self.canvas.size.small
        return (right - left - 3 * small * (columns - 1)) / columns / len(self.heads)

    @cached_property
    def layout(self) -> tuple[int, float, int, float]:
        """How many terms are shown, the side of a cell, columns of terms, space between windows.

        As many as keep legible numbers; if none do, as many as keep clear shades.
        """
        canvas, several, small = self.canvas, len(self.heads) > 1, self.canvas.size.small
        between = 1.4 * small if several else 0.0
        # No name may run into the next one, however narrow the windows.
        names = [t("≈ {name}", name) for name, _ in self.heads]
        least_slot = canvas.widest(names, small, True) + 0.6 * small if several else 0.0
        # The names of the columns of numbers appear once, at the top.
        room = self.area[3] - self.area[1] - canvas.size.label * LINE
        found = []
        for columns, rows in itertools.product((1, 2, 3), range(1, 9)):
            slot = self._slot(columns)
            height = (room - 0.8 * small * (rows - 1)) / rows - self._head
            if (columns == 1 or slot >= least_slot) and (rows == 1 or height > 0):
                cell = whole_cells(slot - between, max(height, 1.0), *self.hidden.shape)
                found.append((min(rows * columns, len(self.values)), cell, columns))
        least = [max(self._least_cell(part, choice) for part in self._parts) for choice in range(3)]
        least.append(80 * canvas.unit / max(self.hidden.shape))
        legible = ([one for one in found if one[1] >= side] for side in least)
        # For the same number of windows, the largest cells.
        largest = [max(found, key=lambda one: one[1])]
        shown, cell, columns = max(next(filter(None, legible), largest))
        cell = min(cell, (76 if several else 150) * canvas.unit)
        # Remaining width widens the gaps.
        wide = cell * self.hidden.shape[1]
        gap = min(self._slot(columns) - wide, max(3 * between, least_slot - wide))
        return shown, cell, columns, gap

    # Numbers ---------------------------------------------------------------------------------

    def _least_cell(self, values: NDArray, choice: int) -> float:
        """The side of a cell that holds each of the numbers with one of the choices of decimals."""
        decimals, px = decimals_in_cells(values), self.canvas.size.small
        if not decimals:
            return math.inf
        texts = texts_in_cells(values, decimals[choice], True)
        return max(self.canvas.widest(texts, px) / 0.92, 1.2 * px)

    @cached_property
    def written(self) -> list[Written]:
        """The numbers of each part; none at all if those of one part do not fit their cells."""
        columns = [self._written(part) for part in self._parts]
        return [column for column in columns if column] if all(columns) else []

    def _written(self, values: NDArray) -> Written | None:
        """Numbers with the most decimals that fit a cell."""
        canvas, cell, small = self.canvas, self.layout[1], self.canvas.size.small
        decimals = decimals_in_cells(values) if small * 1.2 <= cell else []
        more = [places + 1 for places in decimals[:1] if places]
        for places, bare in itertools.product([*more, *decimals], (False, True)):
            texts = texts_in_cells(values, places, bare)
            if canvas.widest(texts, small) <= 0.92 * cell:
                sizes = (large_numbers(canvas), canvas.size.label)
                fitting = [px for px in sizes if canvas.widest(texts, px) <= 0.7 * cell]
                rounded = not all(map(says, texts, values.ravel()))
                return Written(texts, (*fitting, small)[0], rounded)
        return None

    @cached_property
    def _scales(self) -> list[style.Scale]:
        """The shades of each part."""
        return [style.signed_scale(part, self.canvas.theme) for part in self._parts]

    def _names(self, width: float) -> tuple[list[str], float]:
        """Names of the columns and their height; with what full shades mean if there is room."""
        canvas, names = self.canvas, [name for name, _ in self.heads]
        choices = [names]
        if self.written:
            marks = [t("≈ ") if column.rounded else "" for column in self.written]
            choices = [[mark + name for mark, name in zip(marks, names, strict=True)]]
        else:
            limits = [plus_minus(scale.highest) for scale in self._scales]
            choices.insert(
                0,
                [t("{name} {end}", name, end) for name, end in zip(names, limits, strict=True)],
            )
        for texts, px in itertools.product(choices, (canvas.size.label, canvas.size.small)):
            if canvas.widest(texts, px, True) <= width:
                break
        return texts, px

    # Drawing ---------------------------------------------------------------------------------

    def draw(self) -> None:
        """The names of the parts, and below them each term."""
        canvas, small = self.canvas, self.canvas.size.small
        left, top, right, _ = self.area
        shown, cell, columns, gap = self.layout
        high, wide = (length * cell for length in self.hidden.shape)
        block = len(self.heads) * (wide + gap) - gap
        room = wide + gap - 0.3 * small if len(self.heads) > 1 else right - left
        names, px = self._names(room)
        for index, term in enumerate(self.terms[:shown]):
            row, column = divmod(index, columns)
            x, y = left + column * (block + 3 * small), top + canvas.size.label * LINE
            for part, (name, (_, role)) in enumerate(zip(names, self.heads, strict=True)):
                if row == 0:
                    at, colour = x + part * (wide + gap), getattr(canvas.theme, role)
                    canvas.text(at, top, name, px=px, colour=colour, bold=True, width=room)
            y += row * (high + self._head + 0.8 * small)
            self._write_term(term, x, y, block)
            self._draw_parts(index, x, y + self._head)

    def _write_term(self, term: SumTerm, x: float, y: float, width: float) -> None:
        """A term's name, and at the right what it adds, if there is room."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        total = t("adds {number}", number(term.total))
        needed = canvas.measure(total, small)
        if len(self.heads) > 1 and width - needed > 5 * small:
            canvas.text(x + width, y, total, "rt", px=small)
            width -= needed + small
        colour = getattr(theme, term.label) if term.label in CHANNELS else theme.quiet
        canvas.text(x, y, term.label, px=small, colour=colour, width=width)

    def _draw_parts(self, index: int, x: float, y: float) -> None:
        """The windows of a term, with the signs between them."""
        canvas, (_, cell, _, gap) = self.canvas, self.layout
        equals = ALMOST if any(column.rounded for column in self.written) else "="
        rows, columns = self.hidden.shape
        for part, sign in zip(range(len(self.heads)), ("", style.TIMES, equals), strict=False):
            cells = Cells(canvas, x, y, rows, columns, cell)
            if sign:
                middle = x - gap / 2, y + cells.place[3] / 2
                canvas.text(*middle, sign, "mm", colour=canvas.theme.quiet)
            self._draw_window(index, part, cells)
            if part == 0 and self.winner is not None:
                cells.part(*self.winner).box(canvas.theme.output, stroke=canvas.size.thick)
            x += cells.place[2] + gap

    def _draw_window(self, index: int, part: int, cells: Cells) -> None:
        """One grid: numbers in the role's fill, or signed shades where cells are too small."""
        canvas, theme, role = self.canvas, self.canvas.theme, self.heads[part][1]
        # A kernel has its weights in the padding, too.
        hidden = self.hidden if role != "window" else np.zeros_like(self.hidden)
        if self.written:
            fills = {"input": theme.input_fill, "window": theme.window_fill}
            cells.box(fill=fills.get(role, theme.ground))
        else:
            cells.shades(self.values[index, part], self._scales[part])
        for row, column in np.argwhere(hidden):
            cells.part(row, column).box(theme.hairline, theme.hairline_fill, dashed=True)
        if cells.width >= 5 * canvas.unit:
            around = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
            corners = (np.argwhere(~hidden)[:, None] + around)[..., ::-1]
            edge = theme.hairline if role == "ink" else getattr(theme, role)
            canvas.polygons((cells.left, cells.top) + cells.width * corners, edge=edge)
        if self.written:
            texts, px, _ = self.written[part]
            pairs = list(zip(texts[index * hidden.size :], hidden.ravel(), strict=False))
            inks = [theme.quiet if unseen else theme.ink for _, unseen in pairs]
            cells.write([self.empty if unseen else text for text, unseen in pairs], px, inks)
