"""The ground of a film: grids side by side whose cells and numbers stand still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.viz.canvas import LINE, Canvas
from convlab.viz.film import pixels_of
from convlab.viz.matrix import Cells, longest
from convlab.viz.sprites import Sprite, chip, lay


@dataclass(frozen=True, eq=False)
class Block:
    """Planes of one shape (N, R, C) below each other, their headline and the sign before them.

    ``texts``: of all cells, in order; None: the cells stay empty.  ``outside`` (R, C): padding.
    """

    shape: tuple[int, int, int]
    head: tuple[str, str, str]  # title, quiet line and role
    texts: Sequence[str] | None = None
    sign: str = ""
    outside: NDArray | None = None


class Grids:
    """Blocks above ``bottom``, as large as fit; ``px`` is the height of all their numbers.

    ``written``: texts that must fit a cell, too, as they will come.  ``px`` is 0 where numbers
    would be too small.
    """

    def __init__(
        self, canvas: Canvas, blocks: Sequence[Block], bottom: float, written: Sequence[str] = ()
    ) -> None:
        self.canvas, self.blocks = canvas, blocks
        size = canvas.size
        self.title = 0.85 * size.title
        self.head = self.title * LINE + size.label * LINE * 1.2
        self.gap = 0.45 * size.label
        top, sign = canvas.top + self.head, 3.2 * size.label
        signs = sum(sign for block in blocks if block.sign)
        # Planes below each other or side by side, whichever makes cells larger.
        sides = {beside: self._side(bottom - top, signs, beside) for beside in (False, True)}
        self.beside = sides[True] > sides[False]
        self.side = float(int(min(sides[self.beside], 120 * canvas.unit)))
        widths = [self._width(block, self.side) for block in blocks]
        free = canvas.inner_width - sum(widths) - signs
        between = min(free / max(1, len(blocks) - 1), 4 * size.label)
        used = sum(widths) + signs + between * (len(blocks) - 1)
        self.middle = (top + bottom) / 2
        self.lefts, x = [], canvas.left + max(0.0, canvas.inner_width - used) / 2
        for block, width in zip(blocks, widths, strict=True):
            x += sign if block.sign else 0.0
            self.lefts.append(float(round(x)))
            x += width + between
        self.between = sign + between
        texts = [*written, *(text for block in blocks for text in block.texts or [])]
        self.px = self._height_of(texts)

    def _width(self, block: Block, side: float) -> float:
        planes, _, columns = block.shape
        count = planes if self.beside else 1
        return count * columns * side + (count - 1) * self.gap

    def _side(self, height: float, signs: float, beside: bool) -> float:
        """The largest side of a cell, with planes side by side or below each other."""
        count = [block.shape[0] if beside else 1 for block in self.blocks]
        across = sum(n * block.shape[2] for n, block in zip(count, self.blocks, strict=True))
        gaps = self.gap * (sum(count) - len(count))
        side = (self.canvas.inner_width - signs - gaps) / across
        for planes, rows, _ in (block.shape for block in self.blocks):
            down = 1 if beside else planes
            side = min(side, (height - (down - 1) * self.gap) / down / rows)
        return side

    def _height_of(self, texts: Sequence[str]) -> float:
        canvas, px = self.canvas, min(0.4 * self.side, 1.2 * self.canvas.size.title)
        if texts:
            px = min(px, px * 0.86 * self.side / max(1.0, canvas.widest(longest(texts), px)))
        return px if px >= 0.8 * canvas.size.small else 0.0

    def cells(self, block: int, plane: int = 0) -> Cells:
        """The cells of a plane."""
        planes, rows, columns = self.blocks[block].shape
        height, left = rows * self.side, self.lefts[block]
        if self.beside:
            left += plane * (columns * self.side + self.gap)
            planes, plane = 1, 0
        top = self.middle - (planes * height + (planes - 1) * self.gap) / 2
        top = float(round(top + plane * (height + self.gap)))
        return Cells(self.canvas, float(round(left)), top, rows, columns, self.side)

    def draw(self, fills: Sequence[str]) -> NDArray:
        """All blocks on the canvas, each with its fill, as pixels."""
        self.put(fills)
        return pixels_of(self.canvas.figure)

    def put(self, fills: Sequence[str]) -> None:
        """All blocks on the canvas, each with its fill."""
        canvas, size = self.canvas, self.canvas.size
        for at, (block, fill) in enumerate(zip(self.blocks, fills, strict=True)):
            title, note, role = block.head
            first, colour = self.cells(at), getattr(canvas.theme, role)
            y, quiet = first.top - self.head, canvas.theme.quiet
            width = self._width(block, self.side) + 0.8 * self.between
            canvas.text(first.left, y, title, px=self.title, colour=colour, bold=True)
            canvas.text(first.left, y + self.title * LINE, note, colour=quiet, width=width)
            if block.sign:
                x = first.left - self.between / 2
                canvas.text(
                    x, self.middle, block.sign, "mc", px=size.title, colour=canvas.theme.quiet
                )
            for plane in range(block.shape[0]):
                self._plane(at, plane, colour, fill)

    def _plane(self, at: int, plane: int, edge: str, fill: str) -> None:
        canvas, block, cells = self.canvas, self.blocks[at], self.cells(at, plane)
        outside = np.zeros(block.shape[1:], bool) if block.outside is None else block.outside
        theme, px = canvas.theme, self.px
        # Lit cells keep the window's colour, padding or not.
        padding = theme.hairline_fill if fill != theme.window_fill else fill
        cells.polygons(outside, theme.hairline, padding, dashed=True)
        cells.polygons(~outside, edge, fill)
        if block.texts is None or not px:
            return
        count = outside.size
        texts = block.texts[plane * count : (plane + 1) * count]
        for place, text in zip(np.ndindex(outside.shape), texts, strict=True):
            ink = theme.quiet if outside[place] and fill != theme.window_fill else theme.ink
            canvas.text(*cells.middle(*place), text, "mc", px=px, colour=ink)

    def number(self, text: str, fill: str | None = None, edge: str | None = None) -> Sprite:
        """A number as large as a cell, in a box if it has a fill."""
        stroke = 0.5 * self.canvas.size.thick
        side, px = 0.9 * self.side, self.px
        px = min(px, px * 0.86 * side / max(1.0, self.canvas.measure(text, px, True)))
        return chip(text, side, side, px, self.canvas.theme.ink, fill, edge, stroke, bold=True)

    def settle(self, frame: NDArray, cells: Cells, place: tuple[int, int], text: str, fill: str):
        """Draw a number into its cell for good."""
        left, top = cells.corner(*place)
        line = max(1, round(self.canvas.size.hair))
        rows = slice(int(top) + line, int(top + self.side) - line + 1)
        columns = slice(int(left) + line, int(left + self.side) - line + 1)
        frame[rows, columns] = [int(fill[at : at + 2], 16) for at in (1, 3, 5)]
        if self.px and text:
            sprite = chip(text, self.side, self.side, self.px, self.canvas.theme.ink)
            lay(frame, sprite, *cells.middle(*place))
