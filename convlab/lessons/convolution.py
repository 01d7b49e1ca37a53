"""One convolution as a worked example: what the window slides over, and every output value.

The output comes from the operations that train networks.  A transposed
convolution is shown as chapter 4 of Dumoulin & Visin (2016) draws it: the rotated kernel slides
with stride 1 over the input with zeros inserted between its cells and around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.checks import shown
from convlab.errors import ShapeError, SpecError
from convlab.lessons.relations import SizeRelation, conv_size, conv_transpose_size
from convlab.lessons.words import Stepped, axis_text, sides_text, window_text
from convlab.nn import Notations, convolution_notations
from convlab.numerals import Grain, grain, summing_type
from convlab.shapes import Pair, Sides
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.window_step import SlidingWindow
from convlab.words import t

CONVENTIONS = {"torch": "same", "tensorflow": "same-tensorflow"}
"""Whose convention ``same`` padding follows, and the word for it."""
VALUES = ("ints", "floats")
AXES = ("rows", "columns")
MAX_PRODUCTS = 2_000_000_000
"""The most products of all windows of an example: some seconds."""


@dataclass(frozen=True)
class StageAxis:
    """One axis of what the window slides over.

    ``source`` (cells,): the input cell whose value is there, -1 for a zero; ``outside`` (cells,):
    whether it is padding.
    """

    source: np.ndarray
    outside: np.ndarray


@dataclass(frozen=True)
class Convolution(Stepped):
    """A convolution with all its numbers.

    input (C, H, W), kernel (O, C, KH, KW) and bias (O,) are as given, in float64 if float32 loses
    digits; output (O, OH, OW) is the engine's, ``grain`` what is known about it.  ``stage`` (C, SH,
    SW) is what the window slides over in steps of ``step_stride``: the padded input, or for a
    transposed convolution the stretched one; ``taps``
    (O, C, KH, KW) is the kernel as it lies there, rotated for true or transposed convolution.
    ``channel_sums`` (C, O, OH, OW) is what each input channel contributes.
    """

    input: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    output: np.ndarray
    stage: np.ndarray
    taps: np.ndarray
    channel_sums: np.ndarray
    grain: Grain
    axes: tuple[StageAxis, StageAxis]
    stride: Pair
    padding: Sides
    dilation: Pair
    padding_mode: str
    transposed: bool
    output_padding: Pair
    flip: bool
    relations: tuple[SizeRelation, SizeRelation]

    @property
    def step_stride(self) -> Pair:
        """Stage cells from one position of the window to the next."""
        return (1, 1) if self.transposed else self.stride

    def window(self, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Stage rows (KH,) and columns (KW,) under the kernel for one output cell."""
        at, stride, size = (row, column), self.step_stride, self.kernel.shape[2:]
        return shapes.on_axes(lambda i: at[i] * stride[i] + self.dilation[i] * np.arange(size[i]))

    def notations(self) -> Notations:
        """It in other libraries' code; empty for a transposed or true convolution."""
        if self.transposed or self.flip:
            return ()
        filters, *_ = self.kernel.shape
        settings = self.stride, self.padding, self.dilation
        return convolution_notations(
            self.input.shape,
            filters,
            self.kernel.shape[2:],
            *settings,
            bias=bool(self.bias.any()),
            padding_mode=self.padding_mode,
        )

    def uncovered(self) -> np.ndarray:
        """(SH, SW) bool: the cells that no position of the window reads."""
        read = []
        for axis in (0, 1):
            starts = np.arange(self.output.shape[1 + axis]) * self.step_stride[axis]
            reach = self.dilation[axis] * np.arange(self.kernel.shape[2 + axis])
            cells = np.zeros(self.stage.shape[1 + axis], bool)
            cells[(starts[:, None] + reach).reshape(-1)] = True
            read.append(cells)
        return ~(read[0][:, None] & read[1])

    def picture(self, step: int) -> SlidingWindow:
        """What a figure of one step shows.  Raises SpecError for a step that does not exist."""
        at = self.place(step)
        rows, columns = self.axes
        outside = rows.outside[:, None] | columns.outside
        empty = (rows.source[:, None] < 0) | (columns.source < 0)
        return SlidingWindow(
            stage=self.stage,
            outside=outside,
            inserted=empty & ~outside,
            uncovered=self.uncovered(),
            window=self.window(*at[1:]),
            kernel=self.taps[at[0]],
            bias=float(self.bias[at[0]]) if self.bias.any() else None,
            output=self.output,
            channel_sums=self.channel_sums[:, at[0], at[1], at[2]],
            at=at,
            operation="convolution",
            grain=self.grain,
            filters=(self.taps, self.bias),
            turned=self.flip != self.transposed,
            input_note=self.input_note(),
            window_note=self.kernel_note(),
            sizes=shapes.on_axes(
                lambda axis: (str(self.relations[axis]), self.relations[axis].number)
            ),
        )

    def words(self) -> tuple[str, str]:
        """What it is, and its sizes and settings."""
        name = t("Transposed convolution") if self.transposed else t("Convolution")
        return name, t(
            "input {input_note}, kernel {kernel_note}", self.input_note(), self.kernel_note()
        )

    def input_note(self) -> str:
        """Size and padding of the input in words: "5 × 7, zero padding 1"."""
        channels, *size = self.input.shape
        text = shapes.size_text(*size, *([channels] if channels > 1 else []))
        if self.transposed:
            # What is drawn: zeros between the cells, and those that the padding leaves around them.
            if self.stride != (1, 1):
                between = axis_text([s - 1 for s in self.stride])
                text += t(", zeros between: {between}", between)
            rows, columns = (_ends(axis.outside) for axis in self.axes)
            return t("{text}, around: {sides}", text, sides_text((*rows, *columns)))
        if not any(self.padding):
            return text
        sides = sides_text(self.padding)
        if self.padding_mode == "zeros":
            return t("{text}, zero padding {sides}", text, sides)
        return t("{text}, {kind} padding {sides}", text, self.padding_mode, sides)

    def kernel_note(self) -> str:
        """Size, stride and dilation of the kernel in words: "3 × 3, stride 2".

        For a transposed convolution they are those of the convolution that it reverses; its own
        window moves by 1.
        """
        channels = self.kernel.shape[1]
        text = window_text(self.kernel.shape[2:], self.stride, self.dilation, channels)
        if self.transposed and any(self.padding):
            text += t(", padding {sides}", sides_text(self.padding))
        return text + (t(", turned") if self.flip != self.transposed else "")


def _ends(outside: np.ndarray) -> tuple[int, int]:
    """How many cells of padding there are before and after the input along one axis."""
    inside = np.flatnonzero(~outside)
    if not len(inside):
        return len(outside), 0
    return int(inside[0]), len(outside) - 1 - int(inside[-1])


def _same_sides(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, transposed: bool) -> Sides:
    """TensorFlow's SAME: o = ceil(i / s), or o = s i of a transposed convolution."""

    def along(axis: int) -> Pair:
        # The transposed one reverses a convolution from s i cells to i.
        cells = size[axis] * stride[axis] if transposed else size[axis]
        return shapes.tensorflow_same_padding(cells, kernel[axis], stride[axis], dilation[axis])

    return (*along(0), *along(1))


def padding_by(
    padding: str | int | tuple[int, ...], convention: str
) -> str | int | tuple[int, ...]:
    """``padding``, with the word ``same`` according to ``convention``.  Raises SpecError."""
    if convention not in CONVENTIONS:
        raise SpecError(f"convention: expected {' or '.join(CONVENTIONS)}, got {convention!r}")
    return CONVENTIONS[convention] if padding == "same" else padding


def resolve_padding(
    padding: str | int | Sequence[int],
    size: Pair,
    kernel: Pair,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    *,
    transposed: bool = False,
) -> Sides:
    """Padding in words or numbers as (top, bottom, left, right).

    ``full`` is relation 4's k - 1; ``same`` is PyTorch's, which exists for stride 1 only,
    ``same-tensorflow`` TensorFlow's, for all.  Raises ShapeError, SpecError.
    """
    if padding == "full":
        reach = [shapes.effective_kernel(k, d) - 1 for k, d in zip(kernel, dilation, strict=True)]
        return reach[0], reach[0], reach[1], reach[1]
    if padding == CONVENTIONS["tensorflow"]:
        return _same_sides(size, kernel, stride, dilation, transposed)
    if padding == "same" and stride != (1, 1):
        raise ShapeError(
            f"padding same: expected stride 1, as in PyTorch, got {shapes.size_text(*stride)};"
            " convention tensorflow has it for every stride"
        )
    if isinstance(padding, str) and padding not in ("valid", "same"):
        raise ShapeError(f"padding: expected valid, same, full or integers, got {shown(padding)}")
    return shapes.padding_sides(padding, kernel, stride, dilation)


class _Setting(NamedTuple):
    """How the kernel moves: everything that input, kernel and bias do not determine."""

    stride: Pair
    dilation: Pair
    sides: Sides
    extra: Pair
    mode: str
    transposed: bool

    def relations(self, size: Pair, window: Pair) -> tuple[SizeRelation, SizeRelation]:
        """The output's rows and columns, as relations with their numbers."""

        def relation(axis: int) -> SizeRelation:
            sides, dilation = shapes.along(self.sides, axis), self.dilation[axis]
            lengths = size[axis], window[axis], self.stride[axis]
            if self.transposed:
                return conv_transpose_size(*lengths, *sides, self.extra[axis], dilation=dilation)
            return conv_size(*lengths, *sides, dilation=dilation)

        return shapes.on_axes(relation)

    def axes(self, size: Pair, window: Pair) -> tuple[StageAxis, StageAxis]:
        """Where the cells that the window slides over come from."""
        reach = [d * (k - 1) for d, k in zip(self.dilation, window, strict=True)]
        if self.transposed:
            return shapes.on_axes(
                lambda i: _stretched_axis(
                    size[i], self.stride[i], reach[i], self.sides, self.extra[i], i
                )
            )
        return shapes.on_axes(
            lambda i: _padded_axis(size[i], *shapes.along(self.sides, i), self.mode)
        )

    def run(self, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        """x (C, H, W) under the kernel w (O, C, KH, KW), by the operations that train networks."""
        stride, sides, dilation = self.stride, self.sides, self.dilation
        with no_grad():
            input, bias = Tensor(x[None]), Tensor(b)
            if self.transposed:
                weight = Tensor(np.ascontiguousarray(w.swapaxes(0, 1)))
                output = F.conv_transpose2d(
                    input, weight, bias, stride, sides, self.extra, dilation=dilation
                )
                return output.numpy()[0]
            weight = Tensor(np.ascontiguousarray(w))
            if self.mode != "zeros":
                input, sides = _padded(input, sides, self.mode), (0, 0, 0, 0)
            return F.conv2d(input, weight, bias, stride, sides, dilation).numpy()[0]


class _Numbers(NamedTuple):
    """input (C, H, W), kernel (O, C, KH, KW) and bias (O,), all of the same type."""

    input: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, input: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> _Numbers:
        """float64 if float32 would lose digits.  Raises ShapeError."""
        input, kernel = np.asarray(input), np.asarray(kernel)
        if input.ndim != 3 or kernel.ndim != 4 or kernel.shape[1] != input.shape[0]:
            raise ShapeError(
                "convolution: expected an input (C, H, W) and a kernel (O, C, KH, KW), got"
                f" {input.shape} and {kernel.shape}"
            )
        bias = np.zeros(kernel.shape[0], np.float32) if bias is None else np.asarray(bias)
        dtype = summing_type(math.prod(kernel.shape[1:]) + 1, input, kernel, bias)
        return cls(*(part.astype(dtype) for part in (input, kernel, bias)))

    @property
    def sizes(self) -> tuple[Pair, Pair]:
        """(H, W) and (KH, KW)."""
        return self.input.shape[1:], self.kernel.shape[2:]


def convolution(
    input: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = 0,
    dilation: int | Pair = 1,
    padding_mode: str = "zeros",
    flip: bool = False,
) -> Convolution:
    """Compute a convolution and keep all that a picture of any step needs.

    input (C, H, W); kernel (O, C, KH, KW); bias (O,), none for zeros.  ``padding``: see
    ``resolve_padding``.  ``flip`` rotates the kernel by 180 degrees: true convolution.  Raises
    ShapeError if the sizes do not fit, SpecError.
    """
    numbers = _Numbers.of(input, kernel, bias)
    stride, dilation = shapes.pair(stride, "stride"), shapes.pair(dilation, "dilation")
    sides = resolve_padding(padding, *numbers.sizes, stride, dilation)
    setting = _Setting(stride, dilation, sides, (0, 0), padding_mode, transposed=False)
    return _worked_out(numbers, setting, flip)


def transposed_convolution(
    input: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = 0,
    output_padding: int | Pair = 0,
    dilation: int | Pair = 1,
    flip: bool = False,
) -> Convolution:
    """Compute a transposed convolution and keep all that a picture of any step needs.

    Like ``convolution``, with its kernel (O, C, KH, KW): filters first.  TensorFlow's ``same`` sets
    ``output_padding`` itself.  Raises ShapeError, SpecError.
    """
    numbers = _Numbers.of(input, kernel, bias)
    stride, dilation = shapes.pair(stride, "stride"), shapes.pair(dilation, "dilation")
    extra = shapes.pair(output_padding, "output_padding", least=0)
    size, window = numbers.sizes
    sides = resolve_padding(padding, size, window, stride, dilation, transposed=True)
    if padding == CONVENTIONS["tensorflow"]:
        extra = shapes.on_axes(
            lambda i: max(0, stride[i] - shapes.effective_kernel(window[i], dilation[i]))
        )
    setting = _Setting(stride, dilation, sides, extra, "zeros", transposed=True)
    return _worked_out(numbers, setting, flip)


def _worked_out(numbers: _Numbers, setting: _Setting, flip: bool) -> Convolution:
    input, kernel, bias = numbers
    size, window = numbers.sizes
    relations, axes = setting.relations(size, window), setting.axes(size, window)
    rows, columns = (axis.source for axis in axes)
    sizes = (*kernel.shape[:2], len(rows), len(columns))
    shapes.check_numbers("filters, channels and padded input", sizes)
    shapes.check_numbers("products of all windows", (*sizes, *window), MAX_PRODUCTS)
    stage = np.where((rows[:, None] >= 0) & (columns >= 0), input[:, rows][:, :, columns], 0)
    weight, no_bias = kernel[:, :, ::-1, ::-1] if flip else kernel, np.zeros_like(bias)
    output = np.ascontiguousarray(setting.run(input, weight, bias))
    if not np.isfinite(output).all() and all(map(np.all, map(np.isfinite, numbers))):
        raise SpecError("convolution: expected numbers whose sums stay below 1.8e308, got larger")
    parts = [(input[c : c + 1], weight[:, c : c + 1]) for c in range(len(input))]
    return Convolution(
        input=input,
        kernel=kernel,
        bias=bias,
        output=output,
        stage=stage.astype(input.dtype),
        taps=weight[:, :, ::-1, ::-1] if setting.transposed else weight,
        channel_sums=np.stack([setting.run(*part, no_bias) for part in parts]),
        grain=grain(math.prod(kernel.shape[1:]), input, kernel, bias),
        axes=axes,
        stride=setting.stride,
        padding=setting.sides,
        dilation=setting.dilation,
        padding_mode=setting.mode,
        transposed=setting.transposed,
        output_padding=setting.extra,
        flip=flip,
        relations=relations,
    )


def _padded(x: Tensor, sides: Sides, mode: str) -> Tensor:
    top, bottom, left, right = sides
    return F.pad(x, (left, right, top, bottom), mode)


def _padded_axis(size: int, before: int, after: int, mode: str) -> StageAxis:
    at = np.arange(-before, size + after)
    return StageAxis(shapes.padding_index(size, before, after, mode), (at < 0) | (at >= size))


def _stretched_axis(
    size: int, stride: int, reach: int, sides: Sides, extra: int, axis: int
) -> StageAxis:
    """Input cells ``stride`` apart, with ``reach`` zeros around them, less the padding."""
    stretched = np.full((size - 1) * stride + 1, -1)
    stretched[::stride] = np.arange(size)
    source = np.concatenate([np.full(reach, -1), stretched, np.full(reach + extra, -1)])
    at = np.arange(-reach, len(stretched) + reach + extra)
    outside = (at < 0) | (at >= len(stretched))
    before, after = shapes.along(sides, axis)
    keep = slice(before, len(source) - after)
    return StageAxis(source[keep], outside[keep])


def random_values(shape: tuple[int, ...], kind: str, seed: int, *, signed: bool) -> np.ndarray:
    """Numbers that are easy to follow: whole, or with one decimal.

    ``ints``: 0 to 4, signed -2 to 2; ``floats``: 0 to 1, signed -1 to 1, in
    steps of 0.1.  float64.  Raises SpecError for another kind.
    """
    if kind not in VALUES:
        raise SpecError(f"values: expected {' or '.join(VALUES)}, got {kind!r}")
    rng = np.random.default_rng(seed)
    if kind == "ints":
        low, high = (-2, 3) if signed else (0, 5)
        return rng.integers(low, high, shape).astype(float)
    return rng.integers(-10 if signed else 0, 11, shape) / 10
