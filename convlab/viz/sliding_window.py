"""A window over an input and the value that it makes: one step of convolution or pooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import ALMOST, Grain, Numbers, bracketed, exact, number, read, sums
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, number_size
from convlab.viz.style import Scale

Pair = tuple[int, int]
CHANNEL_NAMES = ("red", "green", "blue")
MOST_CHANNELS = 5  # rows of grids; the others are left out in the middle
OPERATIONS = ("convolution", "max", "average")


@dataclass(frozen=True)
class SlidingWindow:
    """One position of a window, all its numbers, and the results so far.

    stage (C, SH, SW): what the window slides over; ``outside``, ``inserted`` and
    ``uncovered`` (SH, SW) mark padding, zeros between input cells, and cells that
    no window reads.  ``window``: the stage rows and columns that this one reads.
    kernel (C, KH, KW) as it lies there, and ``bias`` (None: there is none); both
    None for pooling.  output (O, OH, OW), of which ``at`` (filter, row, column) is
    being computed; ``channel_sums`` (C,) is what each channel adds to it.
    ``operation``: convolution, max or average; ``divisors`` (OH, OW): averages' counts;
    ``grain``: what is known of the output as sums of the stage's numbers; ``winner``: stage
    row and column of a maximum.  ``sizes``: the relation of each axis, numbers put in,
    with its number in Dumoulin & Visin (2016) or None; ``size_label`` says what of.
    """

    stage: NDArray
    outside: NDArray
    inserted: NDArray
    uncovered: NDArray
    window: tuple[NDArray, NDArray]
    kernel: NDArray | None
    bias: float | None
    output: NDArray
    channel_sums: NDArray
    at: tuple[int, int, int]
    operation: str
    input_note: str
    window_note: str
    sizes: tuple[tuple[str, int | None], tuple[str, int | None]]
    size_label: str = "output size"
    divisors: NDArray | int = 1
    grain: Grain = Grain(None)
    winner: Pair | None = None

    @property
    def channel(self) -> int | None:
        """The one channel that a pooling reads; None for a convolution, which reads all."""
        return None if self.operation == "convolution" else self.at[0]

    def window_title(self) -> str:
        """What the window does, as a headline; of several kernels with its number."""
        if self.kernel is None:
            return {"max": "Max", "average": "Mean"}[self.operation]
        return "Kernel" if len(self.output) == 1 else f"Kernel {self.at[0]}"

    def patch(self) -> NDArray:
        """(C, KH, KW) what lies under the window."""
        rows, columns = self.window
        stage = self.stage if self.channel is None else self.stage[self.channel][None]
        return stage[:, rows][:, :, columns]

    def inputs(self, digits: int | None = None) -> Numbers:
        """What the window slides over, as it is written, with at most so many digits."""
        return exact(self.stage, digits)

    def weights(self, digits: int | None = None) -> Numbers:
        """The kernel, likewise; no numbers for pooling."""
        return exact(np.zeros(0) if self.kernel is None else self.kernel, digits)

    def results(self, digits: int | None = None) -> Numbers:
        """The output, as it is written, with at most so many digits."""
        if self.operation == "max":
            return exact(self.output, digits)
        return sums(self.output, self.grain, self.divisors, digits)

    def sums(self) -> list[str]:
        """What each channel adds."""
        return sums(self.channel_sums, self.grain).marked()

    def sum_of(self, channels: Sequence[int]) -> str:
        """What some channels add together."""
        total = np.array([self.channel_sums[list(channels)].sum(dtype=float)])
        return sums(total, self.grain).marked()[0]

    def _inputs_under(self) -> list[str]:
        """The numbers under the window, as they are written."""
        channels = range(len(self.stage)) if self.channel is None else [self.channel]
        texts = np.reshape(self.inputs().marked(), self.stage.shape)
        return texts[np.ix_(channels, *self.window)].ravel().tolist()

    def terms(self) -> list[str]:
        """What is added up (or compared), one text for each number under the window."""
        inputs = self._inputs_under()
        if self.kernel is None:
            return [bracketed(x) if self.operation == "average" else x for x in inputs]
        weights = self.weights().marked()
        return [f"{bracketed(x)}·{bracketed(w)}" for x, w in zip(inputs, weights, strict=True)]

    def result(self) -> str:
        """The result by itself, "≈" before a rounded one."""
        return self.results().marked()[np.ravel_multi_index(self.at, self.output.shape)]

    def value(self) -> str:
        """The result, as all of the output is written, to stand behind :meth:`equals`."""
        return self.results().texts[np.ravel_multi_index(self.at, self.output.shape)]

    def equals(self) -> str:
        """ "=" where the shown terms give the shown result, "≈" where it or a term is rounded."""
        at = np.ravel_multi_index(self.at, self.output.shape)
        if ALMOST in "".join(self.terms()):
            return ALMOST
        return ALMOST if self.results().rounded[at] and not self._adds_up() else "="

    def _adds_up(self) -> bool:
        """Whether the shown terms of a sum give the shown value, worked out in fractions."""
        inputs = map(read, self._inputs_under())
        weights = [Fraction(1)] * self.patch().size
        if self.kernel is not None:
            weights = map(read, self.weights().texts)
        total = sum(x * w for x, w in zip(inputs, weights, strict=True))
        total += Fraction(0) if self.bias is None else read(self.bias_text())
        divisor = np.broadcast_to(self.divisors, self.output.shape[1:])[self.at[1:]]
        return total == read(self.value()) * int(divisor)

    def bias_text(self) -> str | None:
        """The bias as it is added; None where there is none."""
        return None if self.bias is None else number(self.bias, 15)

    def sum_text(self) -> str:
        """The sum written out, with the bias, and its value."""
        separator = ", " if self.operation == "max" else " + "
        terms = self.terms()
        if self.bias is not None:
            terms.append(bracketed(self.bias_text()))
        opening, closing = self.around()
        return f"{opening}{separator.join(terms)}{closing} {self.equals()} {self.value()}"

    def around(self) -> tuple[str, str]:
        """What stands before and after the terms."""
        if self.operation == "average":
            return "(", f") / {self.divisors[self.at[1:]]}"
        return ("max(", ")") if self.operation == "max" else ("", "")


def sliding_window(
    shown: SlidingWindow, *, theme: str = "light", size: str = "slide", numbers: bool = True
) -> Figure:
    """Input, window, kernel and output in a row, and in words below: the sum and the size.

    Channels stand below each other with what each adds, filters' maps likewise.
    Without ``numbers`` only the cells are drawn.  Raises SpecError for what has no
    room on the canvas and for an unknown operation, size or theme.
    """
    if shown.operation not in OPERATIONS:
        raise SpecError(f"expected an operation among {OPERATIONS}, got {shown.operation!r}")
    # As low as shows every number, for sizes whose height is free.
    lowest, highest = style.size_named(size).heights
    rows = []
    for aspect in (0.5, 0.6, 0.75, 0.95, 1.2, 1.4) if lowest < highest else (9 / 16,):
        canvas = Canvas(size, theme, aspect)
        foot = words(canvas, shown, numbers)
        rows.append(_Row(canvas, shown, numbers, foot))
        # Fewer digits, marked as rounded, are better than none.
        for digits in ((None, None, 3), (None, 3, 3), (3, 3, 3), (2, 2, 2)):
            if rows[-1].legible < 3 and rows[-1].longest > 4:
                rows.append(_Row(canvas, shown, numbers, foot, digits))
        if rows[-1].legible == 3:
            break
    best = max(rows, key=lambda row: row.worth)
    if not best.worth:
        shape = style.size_text(*shown.stage.shape[1:], len(shown.stage))
        raise SpecError(f"size {size}: expected an input that has room there, got {shape}")
    best.draw()
    return best.canvas.figure


# --- the words below ----------------------------------------------------------------------


def _sum_parts(canvas: Canvas, shown: SlidingWindow, px: float, width: float):
    """The sum as pieces for :meth:`Canvas.run`, its terms shortened in the middle to ``width``."""
    theme = canvas.theme
    terms, value = shown.terms(), (shown.value(), theme.output, True)
    separator = ", " if shown.operation == "max" else " + "
    opening, closing = shown.around()
    end = [(shown.equals(), theme.ink, False), value]
    if shown.bias is not None:
        bias = (bracketed(shown.bias_text()), theme.mistake, True)
        end = [("+", theme.ink, False), bias, *end]

    def parts(kept: int):
        if kept < len(terms):
            head = (kept + 1) // 2
            left_out = f"{style.ELLIPSIS} {len(terms) - kept} more {style.ELLIPSIS}"
            listed = [*terms[:head], left_out, *terms[len(terms) - (kept - head) :]]
        else:
            listed = terms
        return [(opening + separator.join(listed) + closing, theme.ink, False), *end]

    if canvas.run_width(parts(len(terms)), px) <= width:
        return parts(len(terms))
    low, high = 0, len(terms)
    while high - low > 1:
        kept = (low + high) // 2
        low, high = (kept, high) if canvas.run_width(parts(kept), px) <= width else (low, kept)
    return parts(low)


def _size_lines(canvas: Canvas, shown: SlidingWindow, width: float, px: float):
    """The relation of each axis in one line, or in two where one is too narrow."""
    theme = canvas.theme

    def axis(text: str):
        expression, _, value = text.rpartition(" = ")
        return [(f"{expression} =", theme.ink, False), (value, theme.output, True)]

    (rows, rows_number), (columns, columns_number) = shown.sizes
    known = sorted({number for number in (rows_number, columns_number) if number is not None})
    source = f"relation{'s' if len(known) > 1 else ''} {' and '.join(map(str, known))}"
    note = [(f"({source} of Dumoulin & Visin)", theme.quiet, False)] if known else []
    named = [("rows", theme.quiet, False), *axis(rows), ("columns", theme.quiet, False)]
    named += axis(columns)
    both = [*axis(rows), ("on both axes", theme.quiet, False)] if rows == columns else named
    lines = [[*both, *note], both]
    for line in lines:
        if canvas.run_width(line, px) <= width:
            return [line]
    lines = [named[:3], named[3:]]
    if max(canvas.run_width(line, canvas.size.small) for line in lines) > width:
        return [line[1:] for line in lines]
    return lines


def words(canvas: Canvas, shown: SlidingWindow, numbers: bool) -> float:
    """Draw the lines at the foot; returns where they begin."""
    theme, px = canvas.theme, canvas.size.label
    o, row, column = shown.at
    place = f"row {row}, column {column}"
    if len(shown.output) > 1:
        place = f"{'filter' if shown.channel is None else 'channel'} {o}, {place}"
    labels = [place, shown.size_label]
    indent = canvas.widest(labels, px) + 1.2 * px
    width = canvas.inner_width - indent
    lines = []
    if numbers:
        lines.append((place, _sum_parts(canvas, shown, px, width)))
    sizes = _size_lines(canvas, shown, width, px)
    for i, line in enumerate(sizes):
        lines.append((labels[1] if i == 0 else "", line))
    if shown.uncovered.any():
        count = int(shown.uncovered.sum())
        text = f"{count} cell{'s' if count > 1 else ''} that no window reads"
        lines.append(("hatched", [(text, theme.ink, False)]))
    pitch = px * LINE * 1.15
    top = canvas.bottom - pitch * len(lines)
    for i, (label, parts) in enumerate(lines):
        y = top + pitch * i
        canvas.text(canvas.left, y, label, px=px, colour=theme.quiet)
        fitted = px
        while canvas.run_width(parts, fitted) > width and fitted > canvas.size.small:
            fitted = max(canvas.size.small, fitted - 0.5)
        canvas.run(canvas.left + indent, y, parts, fitted)
    return top - 1.2 * px


# --- the row of grids ------------------------------------------------------------------------


class _Row:
    """Input, kernel, channel sums and output, as large as the canvas has room for.

    Several channels stand below each other or ``beside`` each other with their kernels
    below them, whichever gives larger cells.
    """

    def __init__(
        self,
        canvas: Canvas,
        shown: SlidingWindow,
        numbers: bool,
        bottom: float,
        digits: tuple[int | None, int | None, int | None] = (None, None, None),
    ) -> None:
        self.canvas, self.shown, self.numbers, self.bottom = canvas, shown, numbers, bottom
        self.unit, self.theme = canvas.unit, canvas.theme
        self.title, self.note = 0.85 * canvas.size.title, canvas.size.subtitle
        self.header = self.title * LINE + self.note * LINE + 0.35 * self.note
        self.gap = 1.3 * canvas.size.small
        self.sign = 1.5 * self.title  # the least room for a sign between two blocks
        self.label = canvas.size.small * LINE if len(shown.stage) > 1 else 0.0
        self.map_label = canvas.size.small * LINE if len(shown.output) > 1 else 0.0
        self.channels = _few(len(shown.stage), shown.channel)
        self.unseen = sorted({*range(len(shown.stage))} - {*self.channels})
        self.maps = _few(len(shown.output), shown.at[0])
        self.input_texts = shown.inputs(digits[0]).marked()
        self.kernel_texts = shown.weights(digits[1]).marked()
        self.output_texts = shown.results(digits[2]).marked()
        self.longest = max(map(len, self.input_texts + self.kernel_texts + self.output_texts))
        self.sums = shown.sums()
        self.has_sums = shown.kernel is not None and len(shown.stage) > 1 and numbers
        self.bars = True
        self._choose()
        if not self.worth:  # shades without their scale are better than nothing
            self.bars = False
            self._choose()

    # Sizes ----------------------------------------------------------------------------------

    def _choose(self) -> None:
        """The arrangement with the largest cells and the most numbers that can be read."""
        least = [self._number_cell(texts) for texts in (self.kernel_texts, self.output_texts)]
        sides = ["rows", "beside", "below"] if len(self.channels) > 1 else ["rows", "below"]
        self.worth, self.legible = 0.0, 0
        self.cell, wanted, self.beside, self.map_columns = 1.0, [0.0, 0.0], "rows", 1
        for beside, columns in itertools.product(sides, range(1, len(self.maps) + 1)):
            for numbered in (least, [least[0], 0.0], [0.0, 0.0]):
                cell = self._largest(numbered, beside, columns)
                legible = self._legible(cell, numbered)
                worth = cell * (1 + legible)
                if worth > self.worth:
                    self.worth, self.legible = worth, legible
                    self.cell, wanted = cell, numbered
                    self.beside, self.map_columns = beside, columns
        self.kernel_cell, self.output_cell = (max(self.cell, side) for side in wanted)

    def _largest(self, wanted: list[float], beside: str, columns: int) -> float:
        """The largest input cell that fits, by halving; 0 where none does."""
        if not self._fits(2 * self.unit, wanted, beside, columns):
            return 0.0
        low, high = 2 * self.unit, max(96 * self.unit, 2 + self._number_cell(self.input_texts))
        while high - low > 0.5:
            cell = (low + high) / 2
            low, high = (cell, high) if self._fits(cell, wanted, beside, columns) else (low, cell)
        # Whole pixels; a smaller cell may lose its numbers and need room for a scale instead.
        cell = float(math.floor(low)) if low >= 2 else low
        while cell > 2 * self.unit and not self._fits(cell, wanted, beside, columns):
            cell -= 1
        return max(cell, 2 * self.unit)

    def _number_cell(self, texts: list[str]) -> float:
        """The smallest cell in which all texts are legible."""
        if not self.numbers or not texts:
            return 0.0
        longest = self.canvas.widest(sorted(set(texts), key=len)[-12:], self.canvas.size.small)
        return max(22.0 * self.unit, longest / 0.92 + 1)

    def _legible(self, cell: float, wanted: list[float]) -> int:
        """How many of input, kernel and output show all that they are to show."""
        if not self.numbers:
            return 3
        cells = [cell, max(cell, wanted[0]), max(cell, wanted[1])]
        texts = [self.input_texts, self.kernel_texts, self.output_texts]
        fitting = (
            number_size(self.canvas, t, c, c) is not None for t, c in zip(texts, cells, strict=True)
        )
        return sum(fitting)

    def _head(self, title: str, note: str) -> float:
        """Width that a block needs for its headline."""
        canvas = self.canvas
        room = 0.24 * canvas.inner_width
        note_width = min(1.02 * canvas.measure(note, canvas.size.small), room)
        return max(canvas.measure(title, self.title, True), note_width)

    def _widths(
        self, cell: float, kernel: float, output: float, beside: str, columns: int
    ) -> list[float]:
        """Of input, kernel, sums and output from left to right; 0 for what is not there."""
        canvas, shown = self.canvas, self.shown
        stage = shown.stage.shape[2] * cell
        maps = columns * self._map_width(output) + (columns - 1) * self.gap
        last = max(maps, self._head("Output", self._output_note()))
        if len(self.maps) < len(shown.output):
            last = max(last, canvas.measure(f"{style.ELLIPSIS} 999 more maps", canvas.size.small))
        if self._bar_is_there(self.output_texts, output):
            last += self._bar_width(shown.output)
        if beside != "rows":
            column = self._column(cell, kernel)
            inputs = len(self.channels) * column + (len(self.channels) - 1) * 2 * self.gap
            if len(self.channels) < len(shown.stage):
                inputs += canvas.measure(self._left_out(), canvas.size.small) + 2 * self.gap
            first = max(inputs, self._head("Input", shown.input_note))
            middle = 0.0
            if shown.kernel is None:
                middle = self._head(self.shown.window_title(), shown.window_note)
            else:
                first = max(first, canvas.run_width(*self._kernel_line()))
            if self._bar_is_there(self.input_texts, cell):
                first += self._bar_width(shown.stage)
            if beside == "below":
                return [max(first, middle, last), 0.0, 0.0, 0.0]
            return [first, middle, 0.0, last]
        first = max(stage, self._head("Input", shown.input_note))
        if self._bar_is_there(self.input_texts, cell):
            first += self._bar_width(shown.stage)
        kernels = sums = 0.0
        kernels = self._head(self.shown.window_title(), shown.window_note)
        if shown.kernel is not None:
            kernels = max(shown.kernel.shape[2] * kernel, kernels)
        if self.has_sums:
            sums = canvas.widest(self.sums, canvas.size.label, True) + canvas.size.label
            sums = max(sums, canvas.measure("adds", canvas.size.small))
        return [first, kernels, sums, last]

    def _map_width(self, cell: float) -> float:
        """Of one output map, its label included."""
        label = f"map {len(self.shown.output) - 1}" if self.map_label else ""
        label_width = self.canvas.measure(label, self.canvas.size.small)
        return max(self.shown.output.shape[2] * cell, label_width)

    def _column(self, cell: float, kernel: float) -> float:
        """Width of one of the channels that stand beside each other."""
        label = self.canvas.size.label
        sums = [f"+ {bracketed(text)}" for text in self.sums] if self.has_sums else []
        width = max(self.shown.stage.shape[2] * cell, self.canvas.widest(sums, label, True))
        if self.label:
            width = max(width, self.canvas.measure("channel 99", self.canvas.size.small))
        if self.shown.kernel is None:
            return width
        return max(width, self.shown.kernel.shape[2] * kernel)

    def _bar_is_there(self, texts: list[str], cell: float) -> bool:
        return self.bars and self.numbers and number_size(self.canvas, texts, cell, cell) is None

    def _bar_width(self, values: NDArray) -> float:
        scale = style.activation_scale(values)
        return self.gap + ColourBar(self.canvas, scale, "").width

    def _left_out(self) -> str:
        return f"{style.ELLIPSIS} {len(self.shown.stage) - len(self.channels)} more"

    def _height(
        self, cell: float, kernel: float, output: float, beside: str, columns: int
    ) -> float:
        """What the tallest block needs, headline included."""
        shown, px = self.shown, self.canvas.size.label
        rows = shown.stage.shape[1] * cell

        def stack(height: float, count: int, label: float) -> float:
            return count * (height + label) + (count - 1) * self.gap

        outputs = shown.output.shape[1] * output
        outputs = stack(outputs, math.ceil(len(self.maps) / columns), self.map_label)
        outputs += _skip(self.canvas, self.maps, len(shown.output))
        inputs = stack(max(rows, self._kernel_room(kernel)), len(self.channels), self.label)
        inputs += _skip(self.canvas, self.channels, len(shown.stage))
        bias = 2.0 * px if shown.bias is not None and beside == "rows" else 0.0
        if beside != "rows":
            kernels = 0.0
            if shown.kernel is not None:
                kernels = self.title * LINE + shown.kernel.shape[1] * kernel + 2.0 * px
                kernels += 1.5 * self.gap
            inputs = self.label + rows + kernels
            if beside == "below":
                between = self.header if shown.kernel is None else 0.0
                return 2 * self.header + inputs + between + 2 * self.gap + outputs
            return self.header + max(inputs, outputs)
        needs = [inputs, outputs]
        if shown.kernel is not None:
            own = shown.kernel.shape[1] * kernel
            if len(self.channels) == 1:
                needs.append(own + 2 * bias)
            else:  # each kernel stands at the middle of its channel
                needs.append(inputs + max(0.0, bias - max(0.0, rows - own) / 2))
        return self.header + max(needs)

    def _kernel_room(self, cell: float) -> float:
        """Height of a kernel that stands beside its channel, above and below another one."""
        return 0.0 if self.shown.kernel is None else self.shown.kernel.shape[1] * cell

    def _operators(self, beside: str) -> int:
        """Signs between the blocks."""
        if beside == "below":
            return 0
        if beside == "beside":
            return 1 + (self.shown.kernel is None)
        return 2 + self.has_sums

    def _fits(self, cell: float, wanted: list[float], beside: str, columns: int) -> bool:
        cells = cell, max(cell, wanted[0]), max(cell, wanted[1]), beside, columns
        width = sum(self._widths(*cells)) + self._operators(beside) * self.sign
        canvas = self.canvas
        room = self.bottom - canvas.top
        return width <= canvas.inner_width and self._height(*cells) <= room

    def _arrangement(self) -> tuple[float, float, float, bool, int]:
        return self.cell, self.kernel_cell, self.output_cell, self.beside, self.map_columns

    def _output_note(self) -> str:
        filters, *size = self.shown.output.shape
        return style.size_text(*size, *([filters] if filters > 1 else []))

    # Drawing ----------------------------------------------------------------------------------

    def draw(self) -> None:
        canvas, shown, cell = self.canvas, self.shown, self.cell
        widths = self._widths(*self._arrangement())
        operators = self._operators(self.beside)
        free = canvas.inner_width - sum(widths)
        gap = min(free / max(operators, 1), 4.5 * self.title)
        x = canvas.left + (free - gap * operators) / 2
        middle = canvas.top + self.header + (self.bottom - canvas.top - self.header) / 2
        if self.beside != "rows":
            foot = self._channels_beside(x, widths[0])
            if self.beside == "below":
                self._output_below(canvas.left + free / 2, foot, widths[0])
                return
            x += widths[0]
            if shown.kernel is None:
                self._operation(x, gap, middle, widths[1])
                x += gap + widths[1]
            self._sign("=" if shown.kernel is not None else style.ARROW, x + gap / 2, middle)
            self._outputs(x + gap, middle, widths[3])
            return
        height = shown.stage.shape[1] * cell
        skip = _skip(canvas, self.channels, len(shown.stage))
        pitch = height
        if len(self.channels) > 1:
            pitch = max(height, self._kernel_room(self.kernel_cell))
        tops = self._tops([pitch] * len(self.channels), middle, self.label, skip)
        tops = [top + (pitch - height) / 2 for top in tops]
        self._header(
            x, tops[0] - self.label, "Input", shown.input_note, self.theme.input, widths[0]
        )
        more = "channels"
        if self.has_sums and len(self.channels) < len(shown.stage):
            more += f" add {shown.sum_of(self.unseen)}"
        self._skipped(x, tops, self.channels, len(shown.stage), more)
        for channel, top in zip(self.channels, tops, strict=True):
            self._input(channel, x, top)
        if self._bar_is_there(self.input_texts, cell):
            scale = style.grey_scale(shown.stage)
            left = x + shown.stage.shape[2] * cell + self.gap
            ColourBar(canvas, scale, "").draw(left, tops[0], min(height, 9 * canvas.size.label))
        x += widths[0]
        centres = [top + height / 2 for top in tops]
        if shown.kernel is not None:
            self._kernels(x, gap, centres, widths[1])
        else:
            self._operation(x, gap, middle, widths[1])
        x += gap + widths[1]
        if self.has_sums:
            self._channel_sums(x, gap, centres, widths[2])
            x += gap + widths[2]
        self._sign("=" if shown.kernel is not None else style.ARROW, x + gap / 2, middle)
        self._outputs(x + gap, middle, widths[3])

    def _operation(self, x: float, gap: float, middle: float, width: float) -> None:
        """What a pooling does, in the place of a kernel."""
        note, colour = self.shown.window_note, self.theme.window
        top = middle + self.header / 2
        self._header(x + gap, top, self.shown.window_title(), note, colour, width)
        self._sign(style.ARROW, x + gap / 2, middle)

    def _output_below(self, x: float, foot: float, width: float) -> None:
        """The output below all the rest, which ends at ``foot``."""
        shown, rows = self.shown, math.ceil(len(self.maps) / self.map_columns)
        if shown.kernel is None:
            note, colour = shown.window_note, self.theme.window
            foot += self.header
            self._header(x, foot + self.gap, self.shown.window_title(), note, colour, width)
        height = rows * (shown.output.shape[1] * self.output_cell + self.map_label)
        height += (rows - 1) * self.gap
        height += _skip(self.canvas, self.maps, len(shown.output))
        self._outputs(x, foot + 2 * self.gap + self.header + height / 2, width)

    def _channels_beside(self, x: float, room: float) -> float:
        """Channels from left to right, below each its kernel, below that what it adds.

        Returns where all of it ends.
        """
        canvas, shown, theme, cell = self.canvas, self.shown, self.theme, self.cell
        px = canvas.size.label
        _, rows, columns = shown.stage.shape
        _, kernel_rows, kernel_columns = (0, 0, 0) if shown.kernel is None else shown.kernel.shape
        top = (
            canvas.top
            + (self.bottom - canvas.top - self._height(*self._arrangement())) / 2
            + self.header
        )
        top += self.label
        width = self._column(cell, self.kernel_cell)
        kernel_top = top + rows * cell + 1.5 * self.gap + self.title * LINE
        foot = kernel_top + kernel_rows * self.kernel_cell + 0.5 * px
        self._header(x, top - self.label, "Input", shown.input_note, theme.input, room)
        if shown.kernel is not None:
            canvas.run(x, kernel_top - 1.1 * self.title, *self._kernel_line())
        for i, channel in enumerate(self.channels):
            if i and self.channels[i - 1] != channel - 1:
                text = self._left_out()
                canvas.note(x, top + rows * cell / 2, text, "lc")
                if self.has_sums:
                    added = f"+ {bracketed(shown.sum_of(self.unseen))}"
                    canvas.text(x, foot, added, px=px, bold=True)
                x += canvas.measure(text, canvas.size.small) + 2 * self.gap
            self._input(channel, x, top)
            middle = x + columns * cell / 2
            left = max(x, middle - kernel_columns * self.kernel_cell / 2)
            if shown.kernel is not None:
                self._kernel(channel, left, kernel_top)
            if self.has_sums:
                text = f"+ {bracketed(self.sums[channel])}" if i else self.sums[channel]
                centre = left + kernel_columns * self.kernel_cell / 2
                canvas.text(centre, foot, text, "mt", px=px, bold=True)
            x += width + 2 * self.gap
        if self._bar_is_there(self.input_texts, cell):
            scale = style.grey_scale(shown.stage)
            ColourBar(canvas, scale, "").draw(x - self.gap, top, min(rows * cell, 9 * px))
        return foot + 1.5 * px if shown.kernel is not None else top + rows * cell

    def _kernel_line(self) -> tuple[list[tuple[str, str, bool]], float]:
        """The headline of kernels that stand below their channels, and its height."""
        theme, shown = self.theme, self.shown
        parts = [
            (self.shown.window_title(), theme.window, True),
            (shown.window_note, theme.quiet, False),
        ]
        if shown.bias is not None:
            parts += [("and bias", theme.quiet, False), (shown.bias_text(), theme.mistake, True)]
        if self.canvas.run_width(parts, self.note) > 0.5 * self.canvas.inner_width:
            del parts[1]  # the size can be seen
        return parts, self.note

    def _tops(self, heights, middle, label, skip) -> list[float]:
        total = sum(heights) + len(heights) * label + (len(heights) - 1) * self.gap + skip
        y, tops = middle - total / 2, []
        for i, height in enumerate(heights):
            y += label + (skip if i == len(heights) - 1 else 0.0)
            tops.append(y)
            y += height + self.gap
        return tops

    def _skipped(self, x, tops, kept, count, word) -> None:
        """Say how many grids are left out before the last one."""
        if len(kept) < count:
            px = self.canvas.size.small
            y = tops[-1] - self.gap - 1.2 * px - 1.6 * px
            text = f"{style.ELLIPSIS} {count - len(kept)} more {word}"
            self.canvas.text(x, y + 0.6 * px, text, px=px, colour=self.theme.quiet)

    def _header(self, x, grid_top, title, note, colour, width) -> None:
        canvas = self.canvas
        y = grid_top - self.header
        canvas.text(x, y, title, px=self.title, colour=colour, bold=True)
        y += self.title * LINE
        canvas.text(x, y, note, px=self.note, colour=self.theme.quiet, width=max(width, 1))

    def _sign(self, sign: str, x: float, y: float) -> None:
        self.canvas.text(x, y, sign, "mc", px=self.canvas.size.title, colour=self.theme.quiet)

    def _channel_colour(self, channel: int) -> str:
        if len(self.shown.stage) == 3:
            return (self.theme.red, self.theme.green, self.theme.blue)[channel]
        return self.theme.input

    def _channel_label(self, channel: int, x: float, top: float) -> None:
        count = len(self.shown.stage)
        if count > 1:
            name = CHANNEL_NAMES[channel] if count == 3 else f"channel {channel}"
            px = self.canvas.size.small
            colour = self._channel_colour(channel)
            self.canvas.text(x, top - 0.25 * px, name, "lb", px=px, colour=colour)

    def _stroke(self, cell: float) -> float:
        """Of a thick outline: less around small cells, but never lost."""
        return min(self.canvas.size.thick, max(3.5 * self.unit, 0.12 * cell))

    def _cells(self, x: float, top: float, rows: int, columns: int, edge: str, fill: str) -> None:
        self.canvas.box(x, top, columns * self.cell, rows * self.cell, fill=fill)
        Cells(self.canvas, x, top, rows, columns, self.cell).lines(edge)

    def _input(self, channel: int, x: float, top: float) -> None:
        canvas, shown, theme, cell = self.canvas, self.shown, self.theme, self.cell
        _, height, width = shown.stage.shape
        edge = self._channel_colour(channel)
        self._channel_label(channel, x, top)
        per_map = height * width
        texts = self.input_texts[channel * per_map : (channel + 1) * per_map]
        px = number_size(canvas, texts, cell, cell) if self.numbers else None
        lined = cell >= 6 * self.unit
        if self.numbers and px is None:
            values = shown.stage[channel]
            if not values[shown.outside].any():  # zeros around it are no part of the image
                values = np.ma.masked_array(values, shown.outside)
            self._shaded_input(values, x, top)
        if shown.outside.any() or shown.inserted.any():
            shaded = self.numbers and px is None
            if not shaded:
                canvas.box(x, top, width * cell, height * cell, fill=theme.hairline_fill)
            if lined and not shaded:
                Cells(canvas, x, top, height, width, cell).lines(theme.hairline, dashed=True)
        inside = ~(shown.outside | shown.inserted)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        fill = theme.input_fill if px is not None or not self.numbers else "none"
        for r0, r1 in _runs(rows):
            for c0, c1 in _runs(columns):
                left, up = x + c0 * cell, top + r0 * cell
                if fill != "none":
                    canvas.box(left, up, (c1 - c0) * cell, (r1 - r0) * cell, fill=fill)
                if lined:
                    Cells(canvas, left, up, r1 - r0, c1 - c0, cell).lines(edge)
                else:
                    canvas.box(left, up, (c1 - c0) * cell, (r1 - r0) * cell, edge=edge)
        active = shown.channel is None or shown.channel == channel
        if active:
            self._window(x, top, filled=px is not None or not self.numbers)
        self._hatched(x, top)
        if px is not None:
            self._input_numbers(channel, x, top, texts, px, active)

    def _shaded_input(self, values: NDArray, x: float, top: float) -> None:
        canvas, cell, scale = self.canvas, self.cell, style.grey_scale(self.shown.stage)
        height, width = values.shape
        if np.ma.is_masked(values):
            canvas.box(
                x,
                top,
                width * cell,
                height * cell,
                edge=self.theme.quiet,
                fill=self.theme.hairline_fill,
                dashed=True,
            )
            rows = np.flatnonzero(~values.mask.all(1))
            columns = np.flatnonzero(~values.mask.all(0))
            x, top = x + columns[0] * cell, top + rows[0] * cell
            values = values.data[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            height, width = values.shape
        canvas.array(values, scale, x, top, width * cell, height * cell)

    def _window(self, x: float, top: float, filled: bool) -> None:
        canvas, theme, cell = self.canvas, self.theme, self.cell
        rows, columns = self.shown.window
        for r0, r1 in _runs(rows):
            for c0, c1 in _runs(columns):
                left, up = x + c0 * cell, top + r0 * cell
                if filled:
                    self._cells(left, up, r1 - r0, c1 - c0, theme.window, theme.window_fill)
                else:
                    canvas.box(left, up, (c1 - c0) * cell, (r1 - r0) * cell, edge=theme.window)
        canvas.box(
            x + columns[0] * cell,
            top + rows[0] * cell,
            (columns[-1] - columns[0] + 1) * cell,
            (rows[-1] - rows[0] + 1) * cell,
            edge=theme.window,
            stroke=self._stroke(cell),
        )
        if self.shown.winner is not None:
            row, column = self.shown.winner
            canvas.box(
                x + (column + 0.1) * cell,
                top + (row + 0.1) * cell,
                0.8 * cell,
                0.8 * cell,
                edge=theme.output,
                stroke=min(canvas.size.thick, max(canvas.size.hair, 0.08 * cell)),
            )

    def _hatched(self, x: float, top: float) -> None:
        cell, segments = self.cell, []
        for row, column in np.argwhere(self.shown.uncovered):
            left, up = x + column * cell, top + row * cell
            # Strokes across the corners only, so that the number stays legible.
            for share in (0.28, 0.14):
                segments.append(((left, up + share * cell), (left + share * cell, up)))
                far, low = left + cell, up + cell
                segments.append(((far - share * cell, low), (far, low - share * cell)))
        if segments:
            self.canvas.strokes(segments, self.theme.mistake)

    def _input_numbers(self, channel, x, top, texts, px, active) -> None:
        canvas, shown, theme, cell = self.canvas, self.shown, self.theme, self.cell
        _, height, width = shown.stage.shape
        rows, columns = (set(part.tolist()) for part in shown.window)
        tags = active and shown.kernel is not None and cell >= 60 * self.unit
        tag_texts = self._texts_of(channel) if tags else []
        tags = (
            tags
            and canvas.widest((f"×{t}" for t in tag_texts), canvas.size.small, True) < 0.9 * cell
        )
        tag = iter(tag_texts)
        for i, text in enumerate(texts):
            row, column = divmod(i, width)
            quiet = shown.outside[row, column] or shown.inserted[row, column]
            under = active and row in rows and column in columns
            left, up = x + column * cell, top + row * cell
            canvas.text(
                left + cell / 2,
                up + (0.38 if tags and under else 0.5) * cell,
                text,
                "mc",
                px=px,
                colour=theme.quiet if quiet and not under else theme.ink,
            )
            if under and tags:
                canvas.text(
                    left + 0.94 * cell,
                    up + 0.98 * cell,
                    f"{style.TIMES}{next(tag)}",
                    "rb",
                    px=canvas.size.small,
                    colour=theme.window,
                    bold=True,
                )

    def _kernels(self, x: float, gap: float, centres: list[float], width: float) -> None:
        canvas, shown, theme = self.canvas, self.shown, self.theme
        height = shown.kernel.shape[1] * self.kernel_cell
        left = x + gap
        first = centres[0] - height / 2
        self._header(left, first, self.shown.window_title(), shown.window_note, theme.window, width)
        for channel, centre in zip(self.channels, centres, strict=True):
            self._sign("∗", x + gap / 2, centre)
            self._kernel(channel, left, centre - height / 2)
        if shown.bias is not None:
            px = canvas.size.label
            parts = [("bias", theme.quiet, False), (shown.bias_text(), theme.mistake, True)]
            canvas.run(left, centres[-1] + height / 2 + 0.6 * px, parts, px)

    def _kernel(self, channel: int, left: float, top: float) -> None:
        canvas, theme, cell = self.canvas, self.theme, self.kernel_cell
        _, height, columns = self.shown.kernel.shape
        texts = self._texts_of(channel)
        px = number_size(canvas, texts, cell, cell) if self.numbers else None
        if self.numbers and px is None:
            scale = style.signed_scale(self.shown.kernel, theme)
            values = self.shown.kernel[channel]
            canvas.array(values, scale, left, top, columns * cell, height * cell, edge=theme.window)
            return
        canvas.box(left, top, columns * cell, height * cell, fill=theme.window_fill)
        Cells(canvas, left, top, height, columns, cell).lines(theme.window)
        for i, text in enumerate(texts if self.numbers else []):
            row, column = divmod(i, columns)
            canvas.text(left + (column + 0.5) * cell, top + (row + 0.5) * cell, text, "mc", px=px)

    def _texts_of(self, channel: int) -> list[str]:
        per_channel = self.shown.kernel[0].size
        return self.kernel_texts[channel * per_channel : (channel + 1) * per_channel]

    def _channel_sums(self, x: float, gap: float, centres: list[float], width: float) -> None:
        canvas = self.canvas
        px = canvas.size.label
        right = x + gap + width
        for channel, centre in zip(self.channels, centres, strict=True):
            self._sign("=", x + gap / 2, centre)
            canvas.text(right, centre, self.sums[channel], "rc", px=px, bold=True)
        canvas.note(
            right,
            centres[0] - max(self.shown.kernel.shape[1] * self.kernel_cell / 2, px) - 0.3 * px,
            "adds",
            "rb",
        )

    def _outputs(self, x: float, middle: float, width: float) -> None:
        canvas, shown, theme, cell = self.canvas, self.shown, self.theme, self.output_cell
        maps, height, columns = shown.output.shape
        label = self.map_label
        skip = _skip(canvas, self.maps, maps)
        if self.map_columns > 1:  # said below the maps, not between them
            middle, skip = middle - skip / 2, 0.0
        rows = math.ceil(len(self.maps) / self.map_columns)
        tops = self._tops([height * cell] * rows, middle, label, skip)
        self._header(x, tops[0] - label, "Output", self._output_note(), theme.output, width)
        if self.map_columns == 1:
            self._skipped(x, tops, self.maps, maps, "maps")
        elif len(self.maps) < maps:
            px = canvas.size.small
            text = f"{style.ELLIPSIS} {maps - len(self.maps)} more maps"
            canvas.text(x, tops[-1] + height * cell + 0.5 * px, text, px=px, colour=theme.quiet)
        if self._bar_is_there(self.output_texts, cell):
            left = x + self.map_columns * (self._map_width(cell) + self.gap)
            scale = style.activation_scale(shown.output)
            ColourBar(canvas, scale, "").draw(
                left, tops[0], min(height * cell, 9 * canvas.size.label)
            )
        now = int(np.ravel_multi_index(shown.at, shown.output.shape))
        for i, index in enumerate(self.maps):
            top = tops[i // self.map_columns]
            left = x + i % self.map_columns * (self._map_width(cell) + self.gap)
            if label:
                px = canvas.size.small
                canvas.text(left, top - 0.25 * px, f"map {index}", "lb", px=px, colour=theme.output)
            begin = index * height * columns
            texts = self.output_texts[begin : begin + height * columns]
            done = min(max(now + 1 - begin, 0), height * columns)
            self._output_map(shown.output[index], texts, done, left, top)
            if index == shown.at[0]:
                canvas.box(
                    left + shown.at[2] * cell,
                    top + shown.at[1] * cell,
                    cell,
                    cell,
                    edge=theme.output,
                    stroke=self._stroke(cell),
                )

    def _output_map(self, values, texts, done, x, top) -> None:
        """The first ``done`` cells of one output map, in the order of the loop."""
        canvas, theme, cell = self.canvas, self.theme, self.output_cell
        height, columns = values.shape
        px = number_size(canvas, self.output_texts, cell, cell) if self.numbers else None
        full, rest = divmod(done, columns)
        if self.numbers and px is None:
            scale = style.activation_scale(self.shown.output)
            self._shades(values, scale, full, rest, x, top)
        else:
            canvas.box(x, top, columns * cell, full * cell, fill=theme.output_fill)
            canvas.box(x, top + full * cell, rest * cell, cell, fill=theme.output_fill)
        if cell >= 6 * self.unit:
            Cells(canvas, x, top, height, columns, cell).lines(theme.output)
        else:
            canvas.box(x, top, columns * cell, height * cell, edge=theme.output)
        if px is None:
            return
        current = int(np.ravel_multi_index(self.shown.at, self.shown.output.shape))
        for i, text in enumerate(texts[:done]):
            row, column = divmod(i, columns)
            last = i == done - 1 and done - 1 == current % (height * columns) and done > 0
            canvas.text(
                x + (column + 0.5) * cell,
                top + (row + 0.5) * cell,
                text,
                "mc",
                px=px,
                bold=bool(last and canvas.measure(text, px, True) < 0.95 * cell),
            )

    def _shades(self, values, scale: Scale, full: int, rest: int, x: float, top: float) -> None:
        cell, columns = self.output_cell, values.shape[1]
        if full:
            self.canvas.array(values[:full], scale, x, top, columns * cell, full * cell)
        if rest:
            row = values[full : full + 1, :rest]
            self.canvas.array(row, scale, x, top + full * cell, rest * cell, cell)


def _runs(indices: NDArray) -> list[Pair]:
    """Neighbouring indices as half-open runs."""
    breaks = np.flatnonzero(np.diff(indices) != 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(indices, breaks)]


def _few(count: int, must: int | None) -> list[int]:
    """Channels to show: all, or the first two, the one that must be there and the last."""
    if count <= MOST_CHANNELS:
        return list(range(count))
    return sorted({0, 1, count - 1} | ({must} if must is not None else set()))


def _skip(canvas: Canvas, kept: list[int], count: int) -> float:
    """Room to say that grids are left out."""
    return 0.0 if len(kept) == count else 1.6 * canvas.size.small
