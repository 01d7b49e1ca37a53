"""One pooling as a worked example: every window, its winner or its mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.errors import ShapeError, SpecError
from convlab.lessons.convolution import MAX_PRODUCTS
from convlab.lessons.relations import SizeRelation, pool_size
from convlab.lessons.words import Stepped, axis_text, window_text
from convlab.numerals import Grain, grain, summing_type
from convlab.shapes import Pair, PoolWindows
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.window_step import SlidingWindow
from convlab.words import t

KINDS = ("max", "average")


@dataclass(frozen=True)
class Pooling(Stepped):
    """A pooling with all its numbers.

    input (C, H, W), in float64 if float32 loses digits, and output (C, OH, OW), the engine's;
    ``grain`` is what is known about its sums; ``winners`` (C, OH, OW)
    are row * W + column of each maximum, None for averages.  ``stage``
    (C, H + 2 p, W + 2 p) is the padded input: minus infinity around a maximum,
    zeros around an average.  ``kernel`` is None for adaptive and global pooling.
    """

    input: np.ndarray
    output: np.ndarray
    winners: np.ndarray | None
    grain: Grain
    stage: np.ndarray
    kind: str
    kernel: Pair | None
    stride: Pair
    padding: Pair
    dilation: Pair
    count_include_pad: bool
    windows: PoolWindows
    relations: tuple[SizeRelation, SizeRelation] | None

    def window(self, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Stage rows and columns of one window: what the engine compares or adds up."""
        w, at = self.windows, (row, column)
        if self.kernel is None or not self._counts_padding():
            spans = (
                (w.row_start[row], w.row_end[row]),
                (w.column_start[column], w.column_end[column]),
            )
            return shapes.on_axes(
                lambda i: np.arange(*spans[i], self.dilation[i]) + self.padding[i]
            )
        kernel = self.kernel

        def cells(i: int) -> np.ndarray:
            # With its padding, but without what ceil_mode adds after it.
            reached = at[i] * self.stride[i] + self.dilation[i] * np.arange(kernel[i])
            return reached[reached < self.stage.shape[1 + i]]

        return shapes.on_axes(cells)

    def _counts_padding(self) -> bool:
        return self.kind == "max" or self.count_include_pad

    def uncovered(self) -> np.ndarray:
        """(H + 2 p, W + 2 p) bool: the cells that no window reads."""
        read = np.zeros(self.stage.shape[1:], bool)
        for row, column in np.ndindex(self.output.shape[1:]):
            read[np.ix_(*self.window(row, column))] = True
        inside = np.zeros_like(read)
        inside[self._inside()] = True
        # Padding that no window counts needs no remark.
        return ~read & inside

    def _inside(self) -> tuple[slice, slice]:
        padding, size = self.padding, self.input.shape[1:]
        return shapes.on_axes(lambda i: slice(padding[i], padding[i] + size[i]))

    def picture(self, step: int) -> SlidingWindow:
        """What a figure of one step shows.  Raises SpecError for a step that does not exist."""
        at = self.place(step)
        channel, row, column = at
        outside = np.ones(self.stage.shape[1:], bool)
        outside[self._inside()] = False
        winner = None
        if self.winners is not None:
            cell = divmod(int(self.winners[at]), self.input.shape[2])
            winner = cell[0] + self.padding[0], cell[1] + self.padding[1]
        sizes: tuple[tuple[str, int | None], tuple[str, int | None]]
        if self.relations is None:
            label, sizes = t("window"), self._adaptive_texts(row, column)
        else:
            label, (over, across) = t("output size"), self.relations
            sizes = (str(over), over.number), (str(across), across.number)
        return SlidingWindow(
            stage=self.stage,
            outside=outside,
            inserted=np.zeros_like(outside),
            uncovered=self.uncovered(),
            window=self.window(row, column),
            kernel=None,
            bias=None,
            output=self.output,
            channel_sums=np.zeros(0),
            at=at,
            operation=self.kind,
            grain=self.grain,
            input_note=self.input_note(),
            window_note=self.window_note(),
            sizes=sizes,
            size_label=label,
            divisors=self.windows.divisor,
            winner=winner,
            spans=self._spans() if self.relations is None else None,
        )

    def _spans(self) -> tuple[list[Pair], list[Pair]] | None:
        """First and last row of every window, then columns; None for a single window."""
        w = self.windows
        ends = (w.row_start, w.row_end), (w.column_start, w.column_end)
        down, across = (
            [(int(start), int(end) - 1) for start, end in zip(*axis, strict=True)] for axis in ends
        )
        return (down, across) if len(down) > 1 or len(across) > 1 else None

    def _adaptive_texts(self, row: int, column: int) -> tuple[tuple[str, None], tuple[str, None]]:
        """The range of rows and of columns that an adaptive window covers, step by step."""
        w = self.windows

        def text(axis: int) -> tuple[str, None]:
            at = (row, column)[axis]
            start, end = ((w.row_start, w.row_end), (w.column_start, w.column_end))[axis]
            i, n = w.input[axis], w.output[axis]
            ends = f"⌊{at}·{i}/{n}⌋ to ⌈{at + 1}·{i}/{n}⌉ − 1"
            return f"{ends} = {start[at]} to {end[at] - 1}", None

        return shapes.on_axes(text)

    def input_note(self) -> str:
        """Size and padding of the input in words."""
        channels, *size = self.input.shape
        text = shapes.size_text(*size, *([channels] if channels > 1 else []))
        if not any(self.padding):
            return text
        return t("{text}, padding {size}", text, axis_text(self.padding))

    def window_note(self) -> str:
        """The windows in words: "2 × 2, stride 2"."""
        if self.kernel is None:
            if self.output.shape[1:] == (1, 1):
                return t("global")
            return t("adaptive to {size}", shapes.size_text(*self.output.shape[1:]))
        return window_text(self.kernel, self.stride, self.dilation)


def _adaptive_windows(size: Pair, output_size: int | Pair) -> shapes.PoolWindows:
    wanted = shapes.adaptive_output(size, output_size)
    if wanted[0] > size[0] or wanted[1] > size[1]:
        raise ShapeError(
            f"adaptive pooling: expected at most {shapes.size_text(*size)} windows,"
            f" got {shapes.size_text(*wanted)}"
        )
    return shapes.adaptive_pool_windows(size, wanted)


def _overhanging(size: Pair, output: Pair, reach: Pair, stride: Pair, padding: Pair) -> list[Pair]:
    """Cells before and after rows and columns, enough that the last window does not overhang."""
    return [
        (p, max(p, (o - 1) * s + r - i - p))
        for i, o, r, s, p in zip(size, output, reach, stride, padding, strict=True)
    ]


def pooling(
    input: np.ndarray,
    kind: str = "max",
    *,
    kernel: int | Pair = 2,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Pooling:
    """Compute a pooling and keep all that a picture of any step needs.

    input (C, H, W); ``stride`` is the kernel's size by default.  Raises ShapeError where
    the sizes do not fit, SpecError for another kind.
    """
    size = _checked(input, kind)
    kernel, dilation = shapes.pair(kernel, "kernel"), shapes.pair(dilation, "dilation")
    stride = kernel if stride is None else shapes.pair(stride, "stride")
    padding = shapes.pair(padding, "padding", least=0)
    if kind == "average" and dilation != (1, 1):
        raise SpecError("average pooling: expected dilation 1; only a maximum can be dilated")
    relations = shapes.on_axes(
        lambda i: pool_size(size[i], kernel[i], stride[i], padding[i], dilation[i], ceil_mode)
    )
    geometry = size, kernel, stride, padding, dilation, ceil_mode
    windows = shapes.pool_windows(*geometry, count_include_pad)
    cells = (len(input), *windows.output, *kernel)
    shapes.check_numbers("cells of all windows", cells, MAX_PRODUCTS)
    x, terms = _pooled_numbers(input, kind, windows)
    sides, winners = [(p, p) for p in padding], None
    with no_grad():
        if kind == "max":
            y, winners = F.max_pool2d(x, *geometry[1:], return_indices=True)
        else:
            y = F.avg_pool2d(x, kernel, stride, padding, ceil_mode, count_include_pad)
    if ceil_mode and kind == "max":
        reach = shapes.on_axes(lambda i: shapes.effective_kernel(kernel[i], dilation[i]))
        sides = _overhanging(size, windows.output, reach, stride, padding)
    input, around = x.numpy()[0], -np.inf if kind == "max" else 0
    return Pooling(
        input=input,
        output=np.ascontiguousarray(y.numpy()[0]),
        winners=None if winners is None else np.ascontiguousarray(winners[0]),
        grain=grain(terms, input),
        stage=np.pad(input, [(0, 0), *sides], constant_values=around),
        kind=kind,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        count_include_pad=count_include_pad,
        windows=windows,
        relations=relations,
    )


def adaptive_pooling(input: np.ndarray, kind: str = "max", output_size: int | Pair = 1) -> Pooling:
    """A pooling to ``output_size`` windows, as even as possible; to 1 it is global.

    input (C, H, W).  Raises ShapeError for more windows than cells, SpecError for another kind.
    """
    windows = _adaptive_windows(_checked(input, kind), output_size)
    x, terms = _pooled_numbers(input, kind, windows)
    winners = None
    with no_grad():
        if kind == "max":
            y, winners = F.adaptive_max_pool2d(x, windows.output, return_indices=True)
        else:
            y = F.adaptive_avg_pool2d(x, windows.output)
    input = x.numpy()[0]
    return Pooling(
        input=input,
        output=np.ascontiguousarray(y.numpy()[0]),
        winners=None if winners is None else np.ascontiguousarray(winners[0]),
        grain=grain(terms, input),
        stage=input,
        kind=kind,
        kernel=None,
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        count_include_pad=True,
        windows=windows,
        relations=None,
    )


def _checked(input: np.ndarray, kind: str) -> Pair:
    """(H, W) of an input that can be pooled."""
    if kind not in KINDS:
        raise SpecError(f"pooling: expected {' or '.join(KINDS)}, got {kind!r}")
    shape = np.shape(input)
    if len(shape) != 3 or 0 in shape:
        raise ShapeError(f"pooling: expected an input (C, H, W), got {shape}")
    return shape[1:]


def _pooled_numbers(input: np.ndarray, kind: str, windows: PoolWindows) -> tuple[Tensor, int]:
    """(1, C, H, W) of the type that loses no digits, and the size of the largest window."""
    input = np.asarray(input)
    largest = (windows.row_end - windows.row_start).max()
    terms = int(largest * (windows.column_end - windows.column_start).max())
    # A maximum is one of the numbers, so float32 is enough if it can hold them.
    exact = kind == "max" and np.array_equal(input.astype(np.float32), input)
    return Tensor(input.astype(np.float32 if exact else summing_type(terms, input))[None]), terms
