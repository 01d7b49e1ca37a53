"""Pictures with headings in blocks side by side, with cells as large as possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from convlab.viz.canvas import LINE, Canvas, Place


@dataclass(frozen=True)
class Tile:
    """A picture with its heading: rows × columns cells, with the common side or a ``fixed`` one.

    ``draw`` is called with its place.
    """

    name: str
    notes: tuple[str, ...]
    colour: str
    rows: float
    columns: float
    draw: Callable[[Place], None]
    fixed: float | None = None

    def size(self, cell: float) -> tuple[float, float]:
        """Width and height in pixels."""
        side = self.fixed or cell
        return self.columns * side, self.rows * side


Block = list[list[Tile]]  # rows of tiles


def turned(block: Sequence[Sequence]) -> list[list]:
    """Rows as columns."""
    return [list(column) for column in zip(*block, strict=True)]


def _name_px(canvas: Canvas) -> float:
    return max(0.7 * canvas.size.title, canvas.size.small)


def heading_height(canvas: Canvas, notes: int) -> float:
    """Pixels above a tile, for its name and so many notes."""
    return _name_px(canvas) * LINE + (notes * LINE + 0.4) * canvas.size.small


@dataclass(frozen=True)
class Blocks:
    """Blocks of tiles from left to right, and the signs between them.

    ``cell`` is the common side of a cell; ``headings`` the most by which a heading widens its
    column.  Of two arrangements the one with the larger ``worth`` times cell is better.
    """

    canvas: Canvas
    blocks: Sequence[Block]
    signs: Sequence[str]
    worth: float = 1.0
    cell: float = 0.0
    headings: float = math.inf

    @property
    def value(self) -> float:
        """How good the arrangement is."""
        return self.worth * self.cell

    @property
    def gap(self) -> float:
        """Pixels between tiles."""
        return 1.2 * self.canvas.size.small

    @property
    def _head(self) -> float:
        first = [tile for block in self.blocks for tile in block[0]]
        return max(heading_height(self.canvas, len(tile.notes)) for tile in first)

    def _columns(self, block: Block) -> list[float]:
        """Widths of a block's columns."""
        canvas = self.canvas

        def width(tile: Tile) -> float:
            notes = canvas.widest(tile.notes, canvas.size.small)
            heading = max(canvas.measure(tile.name, _name_px(canvas), True), notes)
            return max(tile.size(self.cell)[0], min(heading, self.headings))

        return [max(map(width, column)) for column in turned(block)]

    def _width(self) -> float:
        columns = [self._columns(block) for block in self.blocks]
        return sum(sum(each) + self.gap * (len(each) - 1) for each in columns)

    def _rows(self, block: Block) -> list[float]:
        """Tops of the rows' tiles and, last, the end of the block, from the first tile's top."""
        y = 0.0
        tops: list[float] = []
        for row in block:
            if tops:
                y += max(heading_height(self.canvas, len(tile.notes)) for tile in row)
            tops.append(y)
            y += max(tile.size(self.cell)[1] for tile in row) + self.gap
        return [*tops, y - self.gap]

    def fitted(self, most: float) -> Blocks:
        """The same with the largest cells, up to ``most`` pixels, that fit on the canvas."""
        canvas = self.canvas
        room_x = canvas.inner_width - len(self.signs) * 1.5 * canvas.size.title
        room_y = canvas.inner_height - self._head - 0.5 * self.gap
        low, high = 0.0, most
        for _ in range(30):
            tried = replace(self, cell=(low + high) / 2)
            tallest = max(tried._rows(block)[-1] for block in self.blocks)
            fits = tried._width() <= room_x and tallest <= room_y
            low, high = (tried.cell, high) if fits else (low, tried.cell)
        return replace(self, cell=low)

    def draw(self) -> tuple[float, float, list[float]]:
        """Draw the blocks around one middle line.

        Returns where a scale at their right begins, and for the last block the top of its tiles
        and, from there, the tops of its rows and its end.
        """
        canvas, count = self.canvas, len(self.signs)
        free = canvas.inner_width - self._width()
        sign = min(free / max(1, count), 3.2 * canvas.size.title)
        x = canvas.left + max(0.0, (free - sign * count) / 2)
        middle = (canvas.top + self._head + canvas.bottom) / 2
        for block, text in zip(self.blocks, [*self.signs, ""], strict=True):
            columns, rows = self._columns(block), self._rows(block)
            top = middle - rows[-1] / 2
            for row, y in zip(block, rows, strict=False):
                left = x
                for tile, width in zip(row, columns, strict=True):
                    self._tile(tile, left, top + y, width)
                    left += width + self.gap
            x += sum(columns) + self.gap * (len(columns) - 1)
            if text:
                px, colour = canvas.size.title, canvas.theme.quiet
                canvas.text(x + sign / 2, middle, text, "mc", px=px, colour=colour)
            x += sign
        return x - sign + self.gap, top, rows

    def _tile(self, tile: Tile, left: float, top: float, room: float) -> None:
        canvas, px = self.canvas, _name_px(self.canvas)
        y = top - heading_height(canvas, len(tile.notes))
        canvas.text(left, y, tile.name, px=px, colour=tile.colour, bold=True, width=room)
        small, quiet = canvas.size.small, canvas.theme.quiet
        canvas.paragraph(left, y + px * LINE, tile.notes, px=small, colour=quiet, width=room)
        tile.draw((left, top, *tile.size(self.cell)))


def best(layouts: Sequence[Blocks], most: float, enough: float) -> Blocks:
    """The best arrangement; its headings are shortened where cells are not large ``enough``.

    That is only done if cells, of at most ``most`` pixels, become considerably larger.
    """
    found = layouts[0]  # with cells of size 0 so far
    for letters in (math.inf, 7, 4.5, 2.5):
        headings = letters * found.canvas.size.small
        tried = [replace(layout, headings=headings).fitted(most) for layout in layouts]
        # The first of nearly equal ones.
        largest = max(layout.value for layout in tried)
        first = next(layout for layout in tried if layout.value >= 0.97 * largest)
        if first.value > 1.4 * found.value:
            found = first
        if found.cell >= enough:
            break
    return found
