"""Blocks beside each other, signs between them: how a step of a window is laid out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from convlab.viz import style
from convlab.viz.canvas import LINE
from convlab.viz.window_grids import Drawing, Grids


class Block(NamedTuple):
    """What stands between two signs; its height is without the headline."""

    width: float
    height: float
    draw: Callable[[float, float], object]  # from its left, over its width


@dataclass
class Arrangement:
    """The blocks of a step above ``bottom``, with input cells of a ``side``, maps in ``columns``.

    ``wanted``: the least sides of the kernel's and the output's cells.  What ``blocks`` there
    are, from left to right, is what kinds of arrangements differ in.
    """

    drawing: Drawing
    bottom: float
    columns: int
    wanted: Sequence[float]
    side: float

    def __post_init__(self) -> None:
        drawing = self.drawing
        self.canvas, self.shown, self.theme = drawing.canvas, drawing.shown, drawing.theme
        self.input, self.kernel, self.output = drawing.input, drawing.kernel, drawing.output
        self.sums, self.pooling = drawing.sums, self.shown.kernel is None
        self.kernel_side, self.output_side = (max(self.side, least) for least in self.wanted)
        self.title, self.note = 0.85 * self.canvas.size.title, self.canvas.size.subtitle
        self.header = self.title * LINE + self.note * LINE + 0.35 * self.note
        self.gap, self.between = self.input.gap, 0.0  # of grids; of blocks, where a sign stands
        self.input_width, self.input_height = self.input.cells(self.side).place[2:]
        self.kernel_width, self.kernel_height = self.kernel.cells(self.kernel_side).place[2:]
        self.operation = Block(self.head_width(self.kernel), 0.0, self.draw_operation)
        self.result = self._result()

    def blocks(self) -> list[Block]:
        """What stands beside each other, from left to right."""
        raise NotImplementedError

    @property
    def height(self) -> float:
        """What all of it needs, headlines included."""
        return self._height(self.blocks())

    def _height(self, blocks: Sequence[Block]) -> float:
        return self.header + max(block.height for block in blocks)

    @property
    def legible(self) -> int:
        """How many of input, kernel and output show all that they are to show."""
        sides = self.side, self.kernel_side, self.output_side
        grids = zip(self.drawing.grids, sides, strict=True)
        return sum(each.legible(side) for each, side in grids)

    @property
    def worth(self) -> float:
        """The larger, the better."""
        return self.side * (1 + self.legible)

    def fits(self) -> bool:
        """Whether there is room for all of it; a sign needs one and a half times its height."""
        blocks = self.blocks()
        widths = [block.width for block in blocks]
        width = sum(widths) + (len(widths) - 1) * 1.5 * self.title
        room = self.bottom - self.canvas.top
        return width <= self.canvas.inner_width and self._height(blocks) <= room

    def draw(self) -> None:
        """Draw all of it, in the middle of its room."""
        blocks = self.blocks()
        signs = len(blocks) - 1
        free = self.canvas.inner_width - sum(block.width for block in blocks)
        self.between = min(free / max(signs, 1), 4.5 * self.title)
        left = self.canvas.left + (free - self.between * signs) / 2
        for block in blocks:
            block.draw(left, block.width)
            left += block.width + self.between

    @property
    def middle(self) -> float:
        """Half way down below the headlines."""
        return (self.canvas.top + self.header + self.bottom) / 2

    def head_width(self, grids: Grids) -> float:
        """Width that a block needs for its headline."""
        canvas, (title, note, _) = self.canvas, grids.head
        beside = min(1.02 * canvas.measure(note, canvas.size.small), 0.24 * canvas.inner_width)
        return max(canvas.measure(title, self.title, True), beside)

    def draw_head(self, grids: Grids, left: float, grid_top: float, width: float) -> None:
        """A headline and its quiet line above a grid."""
        title, note, colour = grids.head
        y = grid_top - self.header
        self.canvas.text(left, y, title, px=self.title, colour=colour, bold=True)
        quiet = partial(self.canvas.text, px=self.note, colour=self.theme.quiet)
        quiet(left, y + self.title * LINE, note, width=max(width, 1))

    def draw_sign(self, sign: str, left: float, middle: float) -> None:
        """A sign before the block at ``left``."""
        quiet = partial(self.canvas.text, px=self.canvas.size.title, colour=self.theme.quiet)
        quiet(left - self.between / 2, middle, sign, "mc")

    def draw_operation(self, left: float, width: float) -> None:
        """What a pooling does, in the place of a kernel."""
        self.draw_head(self.kernel, left, self.middle + self.header / 2, width)
        self.draw_sign(style.ARROW, left, self.middle)

    # The output -------------------------------------------------------------------------------

    def _result(self) -> Block:
        """All maps, their headline and their scale, behind their sign."""
        canvas, small, maps = self.canvas, self.canvas.size.small, self.output
        width, self.map_height = maps.cells(self.output_side).place[2:]
        last = f"map {len(maps.values) - 1}" if maps.label else ""
        self.map_step = max(width, canvas.measure(last, small)) + self.gap
        self.map_rows = math.ceil(len(maps.kept) / self.columns)
        more = f"{style.ELLIPSIS} 999 more maps" if maps.left_out else ""
        head = max(self.head_width(self.output), canvas.measure(more, small))
        width = max(self.columns * self.map_step - self.gap, head)
        height = maps.height(self.map_height, self.map_rows)
        return Block(width + maps.bar_width(self.output_side), height, self.draw_result)

    def draw_result(self, left: float, width: float) -> None:
        """The output behind its sign."""
        self.draw_sign("=" if not self.pooling else style.ARROW, left, self.middle)
        self.draw_outputs(left, self.middle - self.result.height / 2, width)

    def draw_outputs(self, left: float, top: float, width: float) -> None:
        """The maps with their headline."""
        maps, side = self.output, self.output_side
        tops = maps.tops(self.map_height, self.map_rows, top)
        self.draw_head(self.output, left, top, width)
        # Of maps in several columns that is said below them, not between.
        below = tops[-1] + self.map_height if self.columns > 1 else None
        maps.say_left_out("maps", left, tops[-1], below)
        maps.draw_bar(side, left + self.columns * self.map_step, tops[0])
        for at, index in enumerate(maps.kept):
            row, column = divmod(at, self.columns)
            self.drawing.draw_output(index, side, left + column * self.map_step, tops[row])
