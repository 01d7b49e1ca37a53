"""Small arrays in rows with signs between them: an equation of grids, its windows marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import Numbers
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells, longest
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale

Mask = NDArray | None
LARGEST = 64.0  # slide pixels of a cell


@dataclass(frozen=True, eq=False)
class ShownGrid:
    """An array (R, C) of a row, and how it is shown.

    ``numbers``: its values as they are written; ``head`` and ``note`` stand above it, in the
    colour of ``role``, and ``sign`` before it.  Masks (R, C), None for none: ``outside`` marks
    padding, ``window`` what is read, ``done`` what is there already (None: all), ``won`` cells
    with an outline inside.  ``current``: the cell that is computed.
    """

    values: NDArray
    numbers: Numbers
    head: str
    note: str = ""
    role: str = "input"
    sign: str = ""
    outside: Mask = None
    window: Mask = None
    done: Mask = None
    won: Mask = None
    current: tuple[int, int] | None = None

    @property
    def texts(self) -> list[str]:
        """The numbers in row order, "≈" before rounded ones."""
        return self.numbers.marked()


Panel = Sequence[ShownGrid]


def grid_rows(rows: Sequence[Sequence[Panel]], **page: Unpack[Page]) -> Figure:
    """Rows of panels of grids, all their cells of one size, as large as fit.

    Where numbers have no room in their cells all of them become shades, on one scale.  Raises
    ShapeError for no grid.
    """
    if not any(panel for row in rows for panel in row):
        raise ShapeError("expected at least one grid, got none")
    given = [[panel for panel in row if panel] for row in rows if any(row)]
    # On a narrow canvas each panel has a row of its own, and fewer words stand above its grids.
    arranged = given, [[panel] for row in given for panel in row]
    for keep in (0.45, 0.65, 0.8):  # facts give way to numbers
        best = _best(Sheet(0.9, "ink", keep, **page), arranged)
        if best.legible:
            break
    else:
        canvas = Sheet(0.9, "", 0.45, **page)
        values = [grid.values.ravel() for row in given for panel in row for grid in panel]
        scale = style.signed_scale(np.concatenate(values), canvas.theme)
        canvas.head("ink", scale.words)
        best = _best(canvas, arranged)
        best.scale = scale
    best.draw()
    return best.canvas.figure


def _best(canvas: Canvas, arranged: Sequence[list[list[Panel]]]) -> _Rows:
    """The rows with the largest cells."""
    found = [_Rows(canvas, rows, words) for rows in arranged for words in _WORDS]
    return max(found, key=lambda rows: (rows.legible, rows.side * _WORDS[rows.words]))


_WORDS = {"all": 1.0, "heads": 0.8, "short": 0.5}  # above grids, and what they are worth


class _Rows:
    """Rows with so many ``words`` above their grids; ``side``: of the largest cells that fit."""

    def __init__(self, canvas: Canvas, rows: list[list[Panel]], words: str) -> None:
        self.canvas, self.rows, self.words = canvas, rows, words
        size, grids = canvas.size, [grid for row in rows for panel in row for grid in panel]
        self.notes = words == "all" and any(grid.note for grid in grids)
        self.head = (size.label + self.notes * size.small) * LINE + 0.3 * size.small
        self.side = self._largest()
        cells = [self._cells(grid).size_of(grid.texts) for grid in grids]
        self.legible = None not in cells
        self.scale: Scale | None = None
        self.drawn = 0  # grids, each of which is a part of the figure

    def _largest(self) -> float:
        low, high = 0.5, LARGEST * self.canvas.unit
        for _ in range(14):
            middle = (low + high) / 2
            low, high = (middle, high) if self._fits(middle) else (low, middle)
        return float(int(low)) if low >= 2 else low

    def _fits(self, side: float) -> bool:
        canvas, gap = self.canvas, 1.2 * self.canvas.size.label
        height = sum(self._height(row, side) for row in self.rows) + gap * (len(self.rows) - 1)
        widest = max(self._width(row, side) for row in self.rows)
        return height <= canvas.inner_height and widest <= canvas.inner_width

    def _height(self, row: list[Panel], side: float) -> float:
        return self.head + side * max(len(grid.values) for panel in row for grid in panel)

    def _sign(self, grid: ShownGrid) -> float:
        return self.canvas.measure(grid.sign, self.canvas.size.title) if grid.sign else 0.0

    def _grid(self, grid: ShownGrid, side: float) -> float:
        canvas, size = self.canvas, self.canvas.size
        head = canvas.measure(grid.head, size.label, True)
        head = min(head, 3 * size.label) if self.words == "short" else head
        note = canvas.measure(grid.note, size.small) if self.notes else 0.0
        return max(grid.values.shape[1] * self._cell(grid, side), head, note)

    def _cell(self, grid: ShownGrid, side: float) -> float:
        """Width of a cell: more than its height where the numbers need it and there are few."""
        canvas = self.canvas
        needed = canvas.widest(longest(grid.texts), canvas.size.small) / 0.92 + 1
        return max(side, needed) if side >= 22 * canvas.unit and needed < 2.4 * side else side

    @property
    def between(self) -> float:
        """The least space around a sign, and half of that between panels."""
        return 0.7 * self.canvas.size.label

    def _widths(self, panel: Panel, side: float) -> list[float]:
        """Of each grid with its sign and the space around that."""
        around = 2 * self.between
        return [self._grid(g, side) + (self._sign(g) + around if g.sign else 0.0) for g in panel]

    def _width(self, row: list[Panel], side: float) -> float:
        panels = sum(sum(self._widths(panel, side)) for panel in row)
        return panels + 4 * self.between * (len(row) - 1)

    def _cells(self, grid: ShownGrid, left: float = 0.0, top: float = 0.0) -> Cells:
        (rows, columns), width = grid.values.shape, self._cell(grid, self.side)
        return Cells(self.canvas, left, top, rows, columns, width, self.side)

    def draw(self) -> None:
        canvas, side = self.canvas, self.side
        heights = [self._height(row, side) for row in self.rows]
        free = canvas.inner_height - sum(heights)
        gap = min(free / max(1, len(heights) - 1), 3.2 * canvas.size.label)
        y = canvas.top + max(0.0, free - gap * (len(heights) - 1)) / 2
        for row, height in zip(self.rows, heights, strict=True):
            spare = canvas.inner_width - self._width(row, side)
            signs = sum(bool(grid.sign) for panel in row for grid in panel)
            wider = min(spare / (2 * signs + 4 * (len(row) - 1) or 1), 1.2 * self.between)
            x = canvas.left
            for panel in row:
                x = self._panel(panel, x, y, height, wider) + 4 * (self.between + wider)
            y += height + gap

    def _panel(self, panel: Panel, x: float, y: float, height: float, wider: float) -> float:
        """Draw a panel from (x, y) on; returns where it ends."""
        canvas, middle = self.canvas, y + self.head + (height - self.head) / 2
        for grid in panel:
            self.drawn += 1
            with canvas.part(self.drawn):
                if grid.sign:
                    x += self.between + wider
                    px, width = canvas.size.title, self._sign(grid)
                    canvas.text(x, middle, grid.sign, "lc", px=px, colour=canvas.theme.quiet)
                    x += width + self.between + wider
                top = middle - len(grid.values) * self.side / 2
                self._heads(grid, x, top)
                _draw(self._cells(grid, x, top), grid, self.scale)
            x += self._grid(grid, self.side)
        return x

    def _heads(self, grid: ShownGrid, x: float, top: float) -> None:
        canvas, colour = self.canvas, getattr(self.canvas.theme, grid.role)
        y = top - self.head
        if self.notes and not grid.note:
            y += canvas.size.small * LINE
        width = self._grid(grid, self.side) + 1
        canvas.text(x, y, grid.head, colour=colour, bold=True, width=width)
        if self.notes:
            canvas.note(x, y + canvas.size.label * LINE, grid.note)


def _fill(canvas: Canvas, role: str) -> str:
    known = role in ("input", "window", "output")
    return getattr(canvas.theme, f"{role}_fill") if known else canvas.theme.hairline_fill


def _draw(cells: Cells, grid: ShownGrid, scale: Scale | None) -> None:
    """A grid: its cells, what the window reads, and its numbers, or their shades on a scale."""
    canvas, theme, values = cells.canvas, cells.canvas.theme, grid.values
    edge = theme.quiet if grid.role == "ink" else getattr(theme, grid.role)
    everything = np.ones(values.shape, bool)
    done = everything if grid.done is None else grid.done
    outside = ~everything if grid.outside is None else grid.outside
    px = None if scale else cells.size_of(grid.texts)
    if scale:
        cells.shades(np.where(done, values, 0.0), scale, edge)
    else:
        cells.polygons(outside, theme.hairline, theme.hairline_fill, dashed=True)
        cells.polygons(done & ~outside, edge, _fill(canvas, grid.role))
        cells.polygons(~done & ~outside, edge, theme.ground)
        if grid.window is not None:
            cells.polygons(grid.window, theme.window, theme.window_fill)
    _outlines(cells, grid, edge)
    if px is None:
        return
    for place, text in zip(np.ndindex(values.shape), grid.texts, strict=True):
        if done[place]:
            ink = theme.quiet if outside[place] else theme.ink
            bold = place == grid.current and canvas.measure(text, px, True) < 0.95 * cells.width
            canvas.text(*cells.middle(*place), text, "mc", px=px, colour=ink, bold=bold)


def _outlines(cells: Cells, grid: ShownGrid, edge: str) -> None:
    """Thick outlines: of the window, of winners and of the cell that is computed."""
    canvas, theme = cells.canvas, cells.canvas.theme
    stroke = min(canvas.size.thick, max(3.0 * canvas.unit, 0.1 * cells.width))
    if grid.window is not None and grid.window.any():
        rows, columns = (np.flatnonzero(grid.window.any(axis)) for axis in (1, 0))
        cells.span(rows, columns).box(theme.window, stroke=stroke)
    if grid.won is not None:
        for row, column in np.argwhere(grid.won):
            inner = 0.84 * cells.width, 0.84 * cells.height
            place = (*cells.corner(row + 0.08, column + 0.08), *inner)
            canvas.box(*place, edge=theme.output, stroke=0.6 * stroke)
    if grid.current is not None:
        cells.part(*grid.current).box(edge, stroke=stroke)
