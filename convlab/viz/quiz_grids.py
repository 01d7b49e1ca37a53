"""Grids of numbers in a row, as printed in an exercise, with the signs between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convlab.shapes import Pair, Sides
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells, number_size

CELLS = (6.8, 9.0)  # millimetres per cell, at least and at most, if the width allows it
TALLEST = 50.0  # a figure, if its cells need not be larger
FILLED_IN = 10.0  # cells of an output that students fill in


@dataclass(frozen=True)
class NumberGrid:
    """Numbers in cells under a headline; ``role`` is input, window or output.

    ``cells`` holds rows of texts, "" for an empty cell.  ``padding`` (top, bottom,
    left, right) counts the cells that lie outside; ``window`` the rows and columns
    of cells that are read; ``marked`` one cell (row, column); ``bias``, in words, goes below;
    ``sign`` stands before the grid, if not the one that its role implies.
    """

    title: str
    note: str
    role: str
    cells: tuple[tuple[str, ...], ...]
    padding: Sides = (0, 0, 0, 0)
    window: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    marked: Pair | None = None
    bias: str = ""
    sign: str | None = None

    @property
    def rows(self) -> int:
        return len(self.cells)

    @property
    def columns(self) -> int:
        return len(self.cells[0])

    def numbered(self) -> Iterator[tuple[int, int, str]]:
        """Row, column and text of each cell that has a number."""
        for row, texts in enumerate(self.cells):
            for column, text in enumerate(texts):
                if text:
                    yield row, column, text

    def is_padding(self, row: int, column: int) -> bool:
        """Whether a cell lies outside the input."""
        top, bottom, left, right = self.padding
        return not (top <= row < self.rows - bottom and left <= column < self.columns - right)

    def is_read(self, row: int, column: int) -> bool:
        """Whether a cell lies under the window."""
        return self.window is not None and row in self.window[0] and column in self.window[1]


def sign_between(left: NumberGrid, right: NumberGrid) -> str:
    """The sign between two grids: their own, or that of a sum over channels or of a pooling."""
    if right.sign is not None:
        return right.sign
    if right.role == "window":
        return "∗"
    if right.role == "input":
        return "+"
    return "=" if left.role == "window" else "→"


class GridRow:
    """Grids of numbers from left to right around one middle line, as large as possible.

    ``left``: where the row begins, in pixels of the canvas.
    """

    def __init__(self, canvas: Canvas, grids: Sequence[NumberGrid], left: float) -> None:
        self.grids, self.left = grids, left
        self.title, self.note = canvas.size.label, canvas.size.small
        self.header = (self.title + self.note) * LINE + 0.2 * self.note
        self.gap = 2.6 * self.title
        mm = canvas.size.dpi / 25.4
        self.filled_in = FILLED_IN * mm
        texts = [text for grid in grids for row in grid.cells for text in row if text]
        largest = min(CELLS[1] * mm, TALLEST * mm / max(grid.rows for grid in grids))
        self.cell = max(CELLS[0] * mm, min(canvas.widest(texts, self.title) / 0.9, largest))
        while sum(self._widths(canvas)) + self.gap * (len(grids) - 1) > canvas.right - left:
            self.cell -= 1
        # A little space, so that neighbours such as −13 and −11 stay apart.
        self.px = number_size(canvas, texts, 0.93 * self.cell, self.cell) or self.note
        self.tallest = max(map(self._tall, grids))
        # A bias below the tallest grid needs additional room.
        below = max(self._tall(grid) / 2 + 1.7 * self.title * bool(grid.bias) for grid in grids)
        self.height = self.header + self.tallest / 2 + max(self.tallest / 2, below)

    def _side(self, grid: NumberGrid) -> float:
        """The limits of a cell: larger if all are empty."""
        filled = any(text for row in grid.cells for text in row)
        return self.cell if filled else max(self.cell, self.filled_in)

    def _tall(self, grid: NumberGrid) -> float:
        return grid.rows * self._side(grid)

    def _widths(self, canvas: Canvas) -> list[float]:
        return [
            max(
                grid.columns * self._side(grid),
                canvas.measure(grid.title, self.title, True),
                canvas.measure(grid.note, self.note),
                canvas.measure(grid.bias, self.title, True),
            )
            for grid in self.grids
        ]

    def draw(self, canvas: Canvas, y: float) -> None:
        """Draw the row with its upper edge at y."""
        middle, x = y + self.header + self.tallest / 2, self.left
        for index, (grid, width) in enumerate(zip(self.grids, self._widths(canvas), strict=True)):
            if index:
                sign = sign_between(self.grids[index - 1], grid)
                px, quiet = 1.3 * self.title, canvas.theme.quiet
                canvas.text(x + self.gap / 2, middle, sign, "mc", px=px, colour=quiet)
                x += self.gap
            self._grid(canvas, grid, x, middle - self._tall(grid) / 2)
            x += width

    def _grid(self, canvas: Canvas, grid: NumberGrid, x: float, top: float) -> None:
        theme, title = canvas.theme, self.title
        colour, fill = getattr(theme, grid.role), getattr(theme, f"{grid.role}_fill")
        cells = Cells(canvas, x, top, grid.rows, grid.columns, self._side(grid))
        base = top - 0.35 * self.note - self.note * LINE
        canvas.text(x, base, grid.title, "ls", px=title, colour=colour, bold=True)
        canvas.note(x, base + self.note * LINE, grid.note, "ls")
        above, below, before, behind = grid.padding
        if any(grid.padding):
            cells.draw(theme.hairline, theme.hairline_fill, dashed=True)
        inside = cells.part(
            above, before, grid.rows - above - below, grid.columns - before - behind
        )
        if grid.role == "output" or not any(grid.numbered()):
            # What is not yet computed is empty.
            for row, column, text in grid.numbered():
                if text != "?":
                    cells.part(row, column).box(fill=fill)
        else:
            inside.box(fill=fill)
        inside.lines(colour)
        if grid.window is not None:
            rows, columns = grid.window
            for row in rows:
                for column in columns:
                    cells.part(row, column).box(theme.window, theme.window_fill)
            cells.span(rows, columns).box(theme.window, stroke=canvas.size.thick)
        self._numbers(canvas, grid, cells)
        if grid.marked is not None:
            cells.part(*grid.marked).box(theme.output, stroke=canvas.size.thick)
        if grid.bias:
            base = top + self._tall(grid) + 1.4 * title
            canvas.text(x, base, grid.bias, "ls", px=title, colour=theme.mistake, bold=True)

    def _numbers(self, canvas: Canvas, grid: NumberGrid, cells: Cells) -> None:
        for row, column, text in grid.numbered():
            marked = (row, column) == grid.marked
            quiet = grid.is_padding(row, column) and not grid.is_read(row, column)
            canvas.text(
                *cells.middle(row, column),
                text,
                "mc",
                px=self.px,
                colour=canvas.theme.quiet if quiet else canvas.theme.ink,
                bold=marked and canvas.measure(text, self.px, True) < 0.9 * self.cell,
            )
