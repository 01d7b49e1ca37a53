"""A window over an input and the value that it makes: one step of convolution or pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import ClassVar, NamedTuple

from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.numerals import bracketed
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.window_grids import (
    INPUT,
    KERNEL,
    MOST_LINES,
    OUTPUT,
    Drawing,
    Grids,
    Parts,
    part,
    parts_of,
    words,
)
from convlab.window_step import SlidingWindow
from convlab.words import t


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
    note_share: ClassVar[float] = 0.24  # of the canvas that the line below a headline asks for

    def __post_init__(self) -> None:
        drawing = self.drawing
        self.canvas, self.shown, self.theme = drawing.canvas, drawing.shown, drawing.theme
        self.input, self.kernel, self.output = drawing.input, drawing.kernel, drawing.output
        self.sums, self.pooling = drawing.sums, self.shown.kernel is None
        self.kernel_side, self.output_side = (max(self.side, least) for least in self.wanted)
        self.title, self.note = 0.85 * self.canvas.size.title, self.canvas.size.subtitle
        notes = [
            self.canvas.measure(grids.head[1], self.canvas.size.small) for grids in drawing.grids
        ]
        self.note_room = self.note_share * self.canvas.inner_width
        self.note_lines = 1 + (1.02 * max(notes) > self.note_room)
        self.header = self.title * LINE + (self.note_lines * LINE + 0.35) * self.note
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
        beside = min(1.02 * canvas.measure(note, canvas.size.small), self.note_room)
        return max(canvas.measure(title, self.title, True), beside)

    def draw_head(self, grids: Grids, left: float, grid_top: float, width: float) -> None:
        """A headline and its quiet line, or two, above a grid."""
        (title, note, colour), canvas, px = grids.head, self.canvas, self.note
        lines, width = [note], max(width, 1)
        if self.note_lines > 1 and canvas.measure(note, canvas.size.small) > width:
            px = canvas.size.small
            lines = canvas.lines(note, width, px)
        y = grid_top - self.header + (self.note_lines - len(lines)) * self.note * LINE
        canvas.text(left, y, title, px=self.title, colour=colour, bold=True)
        y += self.title * LINE
        canvas.paragraph(left, y, lines, px=px, colour=self.theme.quiet, width=width)

    def draw_sign(self, sign: str, left: float, middle: float) -> None:
        """A sign before the block at ``left``."""
        quiet = partial(self.canvas.text, px=self.canvas.size.title, colour=self.theme.quiet)
        quiet(left - self.between / 2, middle, sign, "mc")

    @part(KERNEL)
    def draw_operation(self, left: float, width: float) -> None:
        """What a pooling does, in the place of a kernel."""
        self.draw_head(self.kernel, left, self.middle + self.header / 2, width)
        self.draw_sign(style.ARROW, left, self.middle)

    # The output -------------------------------------------------------------------------------

    def _result(self) -> Block:
        """All maps, their headline and their scale, behind their sign."""
        canvas, small, maps = self.canvas, self.canvas.size.small, self.output
        width, self.map_height = maps.cells(self.output_side).place[2:]
        last = t("map {number}", len(maps.values) - 1) if maps.label else ""
        self.map_step = max(width, canvas.measure(last, small)) + self.gap
        self.map_rows = math.ceil(len(maps.kept) / self.columns)
        more = t("… 999 more maps") if maps.left_out else ""
        head = max(self.head_width(self.output), canvas.measure(more, small))
        width = max(self.columns * self.map_step - self.gap, head)
        height = maps.height(self.map_height, self.map_rows)
        return Block(width + maps.bar_width(self.output_side), height, self.draw_result)

    @part(OUTPUT)
    def draw_result(self, left: float, width: float) -> None:
        """The output behind its sign."""
        self.draw_sign("=" if not self.pooling else style.ARROW, left, self.middle)
        self.draw_outputs(left, self.middle - self.result.height / 2, width)

    @part(OUTPUT)
    def draw_outputs(self, left: float, top: float, width: float) -> None:
        """The maps with their headline."""
        maps, side = self.output, self.output_side
        tops = maps.tops(self.map_height, self.map_rows, top)
        self.draw_head(self.output, left, top, width)
        # Of maps in several columns that is said below them, not between.
        below = tops[-1] + self.map_height if self.columns > 1 else None
        maps.say_left_out("map", left, tops[-1], below)
        clear = left + self.head_width(maps)
        maps.draw_bar(side, left + self.columns * self.map_step, tops[0], clear)
        for at, index in enumerate(maps.kept):
            row, column = divmod(at, self.columns)
            self.drawing.draw_output(index, side, left + column * self.map_step, tops[row])


# Of input, kernel and output. Fewer, marked as rounded, are better than none.
DIGITS = (None, None, None), (None, None, 3), (None, 3, 3), (3, 3, 3), (2, 2, 2)

Maker = Callable[[float], Arrangement]  # for input cells of a side


def sliding_window(
    shown: SlidingWindow, *, theme: str = "light", size: str = "slide", numbers: bool = True
) -> Figure:
    """Input, window, kernel and output in a row, and in words below: the sum and the size.

    Channels stand below each other with what each adds, filters' maps likewise.
    Without ``numbers`` only the cells are drawn.  Raises SpecError for what has no
    room on the canvas and for an unknown size or theme.
    """
    # As low as shows every number, for sizes whose height is free.
    lowest, highest = style.size_named(size).heights
    aspects = (0.5, 0.6, 0.75, 0.95, 1.2, 1.4) if lowest < highest else (9 / 16,)
    found: list[Arrangement] = []
    # Numbers in their cells are better than all terms of their sum.
    for lines, aspect in product((MOST_LINES, 2, 1), aspects):
        canvas = Canvas(size, theme, aspect)
        canvas.titled()
        complete = _arranged(canvas, shown, numbers, lines, found)
        if complete:
            break
    if not found:
        shape = style.size_text(*shown.stage.shape[1:], len(shown.stage))
        raise SpecError(f"size {size}: expected an input that has room there, got {shape}")
    best = max(found, key=lambda arrangement: arrangement.worth)
    best.draw()
    return best.canvas.figure


def _arranged(
    canvas: Canvas, shown: SlidingWindow, numbers: bool, lines: int, found: list[Arrangement]
) -> bool:
    """Add the best arrangements on a canvas to those found; returns whether one shows all."""
    foot, complete = words(canvas, shown, numbers, lines), False
    for digits in DIGITS:
        drawing = Drawing(canvas, shown, numbers, digits)
        best = _best(drawing, foot)
        if best is None:  # shades without their scale are better than nothing
            best = _best(Drawing(canvas, shown, numbers, digits, bars=False), foot)
        found += [best] if best else []
        complete = best is not None and best.legible == 3
        texts = [text for grids in drawing.grids for text in grids.texts or []]
        if complete or max(map(len, texts), default=0) <= 4:
            break
    return complete


def _best(drawing: Drawing, bottom: float) -> Arrangement | None:
    """The arrangement with the largest cells and the most numbers that can be read, if any."""
    kernel, output = drawing.kernel.least(), drawing.output.least()
    kinds = (Rows, Beside, Below) if len(drawing.input.kept) > 1 else (Rows, Below)
    arrangements = [
        partial(kind, drawing, bottom, columns, wanted)
        for kind in kinds
        for columns in range(1, len(drawing.output.kept) + 1)
        for wanted in ((kernel, output), (kernel, 0.0), (0.0, 0.0))
    ]
    smallest = 2 * drawing.canvas.unit
    largest = max(48 * smallest, 2 + drawing.input.least())
    found = [_largest(each, smallest, largest) for each in arrangements]
    return max(filter(None, found), key=lambda arrangement: arrangement.worth, default=None)


def _largest(make: Maker, smallest: float, largest: float) -> Arrangement | None:
    """The arrangement with the largest input cells that fits, by halving; None where none does."""
    if not make(smallest).fits():
        return None
    low, high = smallest, largest
    while high - low > 0.5:
        side = (low + high) / 2
        low, high = (side, high) if make(side).fits() else (low, side)
    # Whole pixels; a smaller cell may lose its numbers and need room for a scale instead.
    side = float(math.floor(low)) if low >= 2 else low
    while side > smallest and not make(side).fits():
        side -= 1
    return make(max(side, smallest))


class Rows(Arrangement):
    """Channels below each other, beside each its kernel and what it adds."""

    def blocks(self) -> list[Block]:
        canvas, size, sums = self.canvas, self.canvas.size, self.sums
        self.pitch = max(self.input_height, self.kernel_height)  # of a channel and its kernel
        inputs = self.input.height(self.pitch, len(self.input.kept))
        first = max(self.input_width, self.head_width(self.input))
        blocks = [Block(first + self.input.bar_width(self.side), inputs, self.draw_inputs)]
        if self.pooling:
            blocks.append(self.operation)
        else:
            bias = 0.0 if self.shown.bias is None else 2 * size.label
            height = self.kernel_height + 2 * (bias + self.given_height())
            if len(self.input.kept) > 1:  # each kernel stands at the middle of its channel
                beside = max(0.0, self.input_height - self.kernel_height) / 2
                height = inputs + max(0.0, bias - beside)
            width = max(self.kernel_width, self.operation.width)
            blocks.append(Block(width, height, self.draw_kernels))
        if sums:
            width = canvas.widest(sums, size.label, True) + size.label
            width = max(width, canvas.measure(t("adds"), size.small))
            blocks.append(Block(width, 0.0, self.draw_sums))
        return [*blocks, self.result]

    def channels(self) -> Iterator[tuple[int, float]]:
        """Each channel and its middle."""
        kept = self.input.kept
        start = self.middle - self.input.height(self.pitch, len(kept)) / 2
        for channel, top in zip(kept, self.input.tops(self.pitch, len(kept), start), strict=True):
            yield channel, top + self.pitch / 2

    @part(INPUT)
    def draw_inputs(self, left: float, width: float) -> None:
        """The channels with their headline."""
        tops = [middle - self.input_height / 2 for _, middle in self.channels()]
        self.draw_head(self.input, left, tops[0] - self.input.label, width)
        others = self.input.left_out
        added = t(", sum {sum_of}", self.shown.sum_of(others)) if self.sums and others else ""
        self.input.say_left_out("channel", left, tops[-1], added=added)
        for channel, top in zip(self.input.kept, tops, strict=True):
            self.drawing.draw_input(channel, self.side, left, top)
        clear = left + self.head_width(self.input)
        self.input.draw_bar(self.side, left + self.input_width + self.gap, tops[0], clear)

    @part(KERNEL)
    def draw_kernels(self, left: float, width: float) -> None:
        """Each channel's kernel, below the last one the bias."""
        px, half = self.canvas.size.label, self.kernel_height / 2
        _, first = next(self.channels())
        self.draw_head(self.kernel, left, first - half, width)
        for channel, middle in self.channels():
            self.draw_sign("∗", left, middle)
            self.drawing.draw_kernel(channel, self.kernel_side, left, middle - half)
        bias = parts_of(self.canvas, self.shown.bias_pieces())
        self.canvas.run(left, middle + half + 0.6 * px, bias, px)
        if self.given_height():
            top = middle + half + (2 * px if bias else 0.0) + 0.5 * px
            self.canvas.note(left, top, t("before it is turned"))
            top += 1.3 * self.canvas.size.small
            self.drawing.draw_given(0.62 * self.kernel_side, left, top)

    def given_height(self) -> float:
        """Of a kernel as it was before it was turned, below it as it lies there."""
        if not self.shown.turned or len(self.input.kept) > 1 or not self.drawing.numbers:
            return 0.0
        if self.kernel.cells(0.62 * self.kernel_side).size_of(self.kernel.texts_of(0)) is None:
            return 0.0
        return (
            0.62 * self.kernel_height + 0.5 * self.canvas.size.label + 1.3 * self.canvas.size.small
        )

    @part(OUTPUT)
    def draw_sums(self, left: float, width: float) -> None:
        """What each channel adds."""
        canvas, px, sums = self.canvas, self.canvas.size.label, self.sums
        for channel, middle in self.channels():
            self.draw_sign("=", left, middle)
            canvas.text(left + width, middle, sums[channel], "rc", px=px, bold=True)
        if self.shown.bias is not None:  # at the height at which it stands below the kernels
            y, colour = middle + self.kernel_height / 2 + 0.6 * px, self.theme.mistake
            bias = self.shown.bias_text()
            canvas.text(left + width, y, bias, "rt", px=px, colour=colour, bold=True)
        _, first = next(self.channels())
        above = max(self.kernel_height / 2, px) + 0.3 * px
        canvas.note(left + width, first - above, t("adds"), "rb")


class Beside(Arrangement):
    """Channels beside each other, below each its kernel, below that what it adds."""

    share = 0.5  # of the canvas that a line above the kernels may have

    def blocks(self) -> list[Block]:
        operation = [self.operation] if self.pooling else []
        return [self.inputs(), *operation, self.result]

    def inputs(self) -> Block:
        """The channels and all that stands below them, their headline and their scale."""
        canvas, size, grids = self.canvas, self.canvas.size, self.input
        sums = canvas.widest(map(_added, self.sums), size.label, True)
        label = canvas.measure(t("channel 99"), size.small) if grids.label else 0.0
        self.step = max(self.input_width, self.kernel_width, sums, label) + 2 * self.gap
        width = len(grids.kept) * self.step - 2 * self.gap
        if self.sums:  # the bias stands behind the last sum
            behind = canvas.run_width(self.bias_sum(), size.label) + 0.35 * size.label
            width += max(0.0, (sums - self.step) / 2 + self.gap + behind)
        self.more, self.more_width = (
            t("… {n} more", len(grids.left_out)),
            0.0,
        )
        if grids.left_out:
            self.more_width = canvas.measure(self.more, size.small) + 2 * self.gap
        width = max(width + self.more_width, self.head_width(self.input))
        height = grids.label + self.input_height
        if not self.pooling:
            width = max(width, canvas.run_width(self.kernel_line(), self.note))
            height += self.title * LINE + self.kernel_height + 2 * size.label + 1.5 * self.gap
        return Block(width + grids.bar_width(self.side), height, self.draw_inputs)

    def bias_sum(self) -> Parts:
        """What the bias adds, behind what the channels add; nothing where there is none."""
        if self.shown.bias is None:
            return []
        bias = bracketed(self.shown.bias_text())
        return parts_of(self.canvas, [("+", "ink"), (bias, "mistake")])

    def kernel_line(self) -> Parts:
        """The headline of the kernels below their channels."""
        title, note, colour = self.kernel.head
        parts = [(title, colour, True), (note, self.theme.quiet, False)]
        if self.shown.bias is not None:
            (_, role), value = self.shown.bias_pieces()
            parts += parts_of(self.canvas, [(t("and bias"), role), value])
        if self.canvas.run_width(parts, self.note) > self.share * self.canvas.inner_width:
            del parts[1]  # the size can be seen
        return parts

    @part(INPUT)
    def draw_inputs(self, left: float, width: float) -> float:
        """All that stands before the output; returns where it ends."""
        canvas, drawing, px = self.canvas, self.drawing, self.canvas.size.label
        free = self.bottom - canvas.top - self.height
        top = canvas.top + free / 2 + self.header + self.input.label
        kernel_top = top + self.input_height + 1.5 * self.gap + self.title * LINE
        foot = kernel_top + self.kernel_height + 0.5 * px
        self.draw_head(self.input, left, top - self.input.label, width)
        clear = left + self.head_width(self.input)
        if not self.pooling:
            with canvas.part(KERNEL):
                canvas.run(left, kernel_top - 1.1 * self.title, self.kernel_line(), self.note)
        for channel in self.input.kept:
            if self.more_width and channel == self.input.kept[-1]:
                canvas.note(left, top + self.input_height / 2, self.more, "lc")
                if self.sums:
                    added = _added(self.shown.sum_of(self.input.left_out))
                    with canvas.part(OUTPUT):
                        canvas.text(left, foot, added, px=px, bold=True)
                left += self.more_width
            drawing.draw_input(channel, self.side, left, top)
            kernel_left = left + max(0.0, self.input_width - self.kernel_width) / 2
            if not self.pooling:
                drawing.draw_kernel(channel, self.kernel_side, kernel_left, kernel_top)
            if self.sums:
                added = _added(self.sums[channel]) if channel else self.sums[channel]
                middle = kernel_left + self.kernel_width / 2
                with canvas.part(OUTPUT):
                    canvas.text(middle, foot, added, "mt", px=px, bold=True)
                    if channel == self.input.kept[-1]:
                        x = middle + canvas.measure(added, px, True) / 2 + 0.35 * px
                        canvas.run(x, foot, self.bias_sum(), px)
            left += self.step
        self.input.draw_bar(self.side, left - self.gap, top, clear)
        return foot + 1.5 * px if not self.pooling else top + self.input_height


class Below(Beside):
    """Channels beside each other, the output below all the rest."""

    share, note_share = 1.0, 0.8

    def blocks(self) -> list[Block]:
        inputs, operation = self.inputs(), self.pooling
        width = max(inputs.width, self.result.width, self.operation.width * operation)
        height = inputs.height + self.result.height + (1 + operation) * self.header + 2 * self.gap
        return [Block(width, height, self.draw_all)]

    def draw_all(self, left: float, width: float) -> None:
        """The channels, what a pooling does, the output."""
        foot = self.draw_inputs(left, width)
        if self.pooling:
            foot += self.header
            with self.canvas.part(KERNEL):
                self.draw_head(self.kernel, left, foot + self.gap, width)
        self.draw_outputs(left, foot + 2 * self.gap + self.header, width)


def _added(text: str) -> str:
    """A number that is added to what stands before it."""
    return f"+ {bracketed(text)}"
