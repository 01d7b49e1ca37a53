"""Geometry in plain integers: output sizes, padding, windows and receptive fields.

Everything that needs to know how large something is, or which input cells an output cell reads,
asks this file: layers, kernels, summaries and figures.

Relations are numbered as in Dumoulin & Visin, "A guide to convolution
arithmetic for deep learning" (2016).  Sizes are in pixels, rows before columns.
"""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import floor, gcd, inf, lcm, prod
from typing import Any, NamedTuple, TypeGuard, TypeVar

import numpy as np

from convlab.checks import LARGEST_SIDE, check_calls, checked, fits_memory, shown, whole
from convlab.errors import ShapeError, SpecError

_T = TypeVar("_T")

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")

MAX_SIZE = 65_535
"""The largest size, step or number of channels or units in a spec or a command."""
MAX_MAP = 30_000_000
"""The most numbers in an example, and in the output of a spec's layer for one image."""
MAX_WEIGHTS = 200_000_000
"""The most weights of a network from a spec; VGG-16 has 138,357,544."""
MAX_SPANS = 1_000_000
"""The most windows followed to find a receptive field that differs between units."""


def on_axes(of: Callable[[int], _T]) -> tuple[_T, _T]:
    """The results of a function for rows, 0, and for columns, 1."""
    return of(0), of(1)


def along(sides: Sides, axis: int) -> Pair:
    """From (top, bottom, left, right), the two before and after rows, 0, or columns, 1."""
    return (sides[2], sides[3]) if axis else (sides[0], sides[1])


def size_text(*sizes: int | Fraction | str) -> str:
    """Sizes, numbers or texts, as they are written everywhere: ``5 × 7``."""
    return " × ".join(str(size) for size in sizes)


def as_image(shape: Sequence[int]) -> tuple[int, ...]:
    """A signal (channels, length) as an image of one row; any other shape as it is."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else tuple(shape)


def pair(value: int | Sequence[int], name: str, least: int = 1) -> Pair:
    """One integer for both axes, or (rows, columns); each at least ``least``.

    Raises ShapeError for anything else.
    """
    if type(value) is tuple and len(value) == 2:
        # The usual case, and every layer asks in every step.
        rows, columns = value
        if type(rows) is int is type(columns) and least <= min(value) <= max(value) < LARGEST_SIDE:
            return value
    values: Any = (value, value) if isinstance(value, numbers.Integral) else value
    if not is_integers(values, (2,)):
        raise ShapeError(f"{name}: expected an integer or a pair of integers, got {shown(value)}")
    if min(values) < least:
        raise ShapeError(f"{name}: expected at least {least}, got {value!r}")
    if max(values) > LARGEST_SIDE:
        raise ShapeError(f"{name}: expected at most {LARGEST_SIDE:,}, got {value!r}")
    return int(values[0]), int(values[1])


def check_numbers(name: str, sizes: Sequence[int], most: int = MAX_MAP) -> None:
    """Raise ShapeError if an array of these sizes would hold too many numbers."""
    if prod(sizes) > most:
        raise ShapeError(f"{name}: expected at most {most:,} numbers, got {size_text(*sizes)}")


def is_integers(values: Any, lengths: tuple[int, ...]) -> TypeGuard[Sequence[int]]:
    if type(values) is tuple and len(values) in lengths and {*map(type, values)} == {int}:
        return True
    return (
        isinstance(values, Sequence | np.ndarray)
        and not isinstance(values, str)
        and getattr(values, "shape", None) != ()
        and len(values) in lengths
        and all(isinstance(v, numbers.Integral) and not isinstance(v, bool) for v in values)
    )


# --- one axis ---------------------------------------------------------------------


@checked
def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """Pixels that a dilated kernel spans: k + (k - 1)(d - 1), section 5.1."""
    return dilation * (kernel - 1) + 1


@checked
def conv_output(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Output pixels of a convolution along one axis; ``padding`` is the total of both sides.

    Relation 15: o = floor((i + 2p - k - (k - 1)(d - 1)) / s) + 1, with the two
    sides' padding added up so that they may differ.  Less than 1 where the
    kernel does not fit.
    """
    return (size + padding - effective_kernel(kernel, dilation)) // operator.index(stride) + 1


@checked
def conv_transpose_output(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    """Output pixels of a transposed convolution; ``padding`` is the total of both sides.

    Relation 14: o' = s(i' - 1) + a + k - 2p, where a is ``output_padding``.
    """
    whole_size = stride * (size - 1) + output_padding + effective_kernel(kernel, dilation)
    return operator.index(whole_size - padding)


@checked
def pool_output(
    size: int,
    kernel: int,
    stride: int,
    padding: int | Pair = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """Output pixels of a pooling along one axis; ``padding``: on each side, or (before, after).

    Relation 7, o = floor((i - k) / s) + 1, with padding and dilation as PyTorch
    adds them.  With ``ceil_mode`` the last window may hang over the end, but
    it must start inside the input or its leading padding.
    """
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    span, stride = (
        operator.index(size + before + after - effective_kernel(kernel, dilation)),
        operator.index(stride),
    )
    if not ceil_mode:
        return span // stride + 1
    output = -(-span // stride) + 1
    if (output - 1) * stride >= size + before:
        output -= 1
    return output


@checked
def same_padding(kernel: int, dilation: int = 1) -> Pair:
    """Zeros (before, after) that keep the size at stride 1; an odd one goes after.

    Relation 3 (half padding) for odd kernels.
    """
    total = operator.index(dilation * (kernel - 1))
    return total // 2, total - total // 2


@checked
def tensorflow_same_padding(size: int, kernel: int, stride: int = 1, dilation: int = 1) -> Pair:
    """Zeros (before, after) of TensorFlow's SAME, for which o = ceil(i / s)."""
    output = -(-operator.index(size) // operator.index(stride))
    total = max(0, (output - 1) * stride + effective_kernel(kernel, dilation) - size)
    return total // 2, total - total // 2


@checked
def adaptive_windows(size: int, output: int) -> list[Pair]:
    """Half-open window (start, end) of each of ``output`` cells over ``size`` pixels.

    Cell o covers floor(o i / n) to ceil((o + 1) i / n), as in PyTorch, so that windows are as even
    as possible and leave no pixel out.
    """
    for length in (size, output):
        whole(length, "adaptive pooling", most=LARGEST_SIDE)
    return [_adaptive_window(cell, size, output) for cell in range(output)]


def _adaptive_window(cell: int, size: int, output: int) -> Pair:
    return cell * size // output, -(-(cell + 1) * size // output)


@checked
def padding_index(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """For each pixel of the padded axis, the input pixel that it repeats, or -1 for zero.

    ``mode`` is one of PADDING_MODES.  Negative ``before`` or ``after`` crop.
    Raises ShapeError where reflect or circular padding needs more than there is.
    """
    fits_memory("padding", size + max(before, 0) + max(after, 0))
    index = np.arange(-before, size + after)
    if mode == "zeros":
        index[(index < 0) | (index >= size)] = -1
    elif mode == "replicate":
        index = index.clip(0, size - 1)
    elif mode == "reflect":
        if max(before, after) >= size:
            raise ShapeError(
                f"reflect padding: expected less than the input's {size} pixels,"
                f" got {max(before, after)}"
            )
        index = np.abs(index)
        index = np.where(index >= size, 2 * (size - 1) - index, index)
    elif mode == "circular":
        # Cropping comes before the rest is repeated, as in PyTorch.
        left = np.arange(size)[max(0, -before) : size + min(0, after)]
        if max(before, after) > len(left):
            raise ShapeError(
                f"circular padding: expected at most the input's {len(left)} pixels,"
                f" got {max(before, after)}"
            )
        index = left[(index - max(0, -before)) % max(1, len(left))]
    else:
        raise SpecError(f"padding mode: expected one of {', '.join(PADDING_MODES)}, got {mode!r}")
    return index


# --- convolution ------------------------------------------------------------------


@checked
def padding_sides(
    padding: int | str | Sequence[int], kernel: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)
) -> Sides:
    """Padding as (top, bottom, left, right), from any of its notations.

    An integer for all sides, a pair (rows, columns), four sides (top, bottom,
    left, right), ``"valid"`` for none, or ``"same"`` for the output size to be
    the input size, which is possible only for stride 1 (as in PyTorch).
    Raises ShapeError.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return 0, 0, 0, 0
        if padding != "same":
            raise ShapeError(f"padding: expected 'valid', 'same' or integers, got {padding!r}")
        if stride != (1, 1):
            raise ShapeError(f"padding 'same': expected stride 1, got stride {stride}")
        return (*same_padding(kernel[0], dilation[0]), *same_padding(kernel[1], dilation[1]))
    sides: Any = (padding, padding) if isinstance(padding, numbers.Integral) else padding
    if not is_integers(sides, (2, 4)):
        raise ShapeError(
            "padding: expected an integer, a pair, four sides (top, bottom, left, right),"
            f" 'valid' or 'same', got {shown(sides)}"
        )
    if min(sides) < 0:
        raise ShapeError(f"padding: expected at least 0, got {sides!r}")
    if max(sides) > LARGEST_SIDE:
        raise ShapeError(f"padding: expected at most {LARGEST_SIDE:,}, got {sides!r}")
    if len(sides) == 2:
        rows, columns = sides
        return int(rows), int(rows), int(columns), int(columns)
    top, bottom, left, right = sides
    return int(top), int(bottom), int(left), int(right)


@dataclass(frozen=True)
class Conv2dGeometry:
    """All the sizes of one convolution, checked, for kernels and figures.

    Build it with ``conv2d_geometry``.  ``padding`` is (top, bottom, left, right).
    """

    in_channels: int
    out_channels: int
    input: Pair
    kernel: Pair
    stride: Pair
    padding: Sides
    dilation: Pair
    groups: int

    @cached_property
    def output(self) -> Pair:
        """(rows, columns) of the output: relation 15 on each axis."""
        top, bottom, left, right = self.padding
        totals = (top + bottom, left + right)
        rows, columns = (
            conv_output(i, k, s, p, d)
            for i, k, s, p, d in zip(
                self.input, self.kernel, self.stride, totals, self.dilation, strict=True
            )
        )
        return rows, columns

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out_channels, in_channels / groups, kernel rows, kernel columns)."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel)


@checked
@lru_cache(maxsize=1024)
def conv2d_geometry(
    in_channels: int,
    out_channels: int,
    input: Pair,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: Sides = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Conv2dGeometry:
    """Check the sizes of a convolution.  Raises ShapeError where they do not fit."""
    for count in (in_channels, out_channels):
        whole(count, "channels")
    top, bottom, left, right = padding
    fits_memory("padded input", in_channels, input[0] + top + bottom, input[1] + left + right)
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ShapeError(
            f"groups: expected a divisor of {in_channels} input and {out_channels} output"
            f" channels, got {groups}"
        )
    geometry = Conv2dGeometry(
        in_channels, out_channels, input, kernel, stride, padding, dilation, groups
    )
    if min(geometry.output) < 1:
        spans = tuple(effective_kernel(k, d) for k, d in zip(kernel, dilation, strict=True))
        raise ShapeError(
            f"kernel larger than padded input: a kernel of {size_text(*kernel)}"
            f"{_dilated(dilation, spans)} does not fit into {size_text(*input)} padded to "
            f"{size_text(input[0] + top + bottom, input[1] + left + right)}"
        )
    fits_memory("output", out_channels, *geometry.output)
    return geometry


def _dilated(dilation: Pair, spans: Sequence[int]) -> str:
    return "" if dilation == (1, 1) else f" dilated to {size_text(*spans)}"


# --- pooling ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PoolWindows:
    """Which input cells each output cell of a pooling reads: rows × columns.

    Output cell (o, q) reads rows ``row_start[o] <= r < row_end[o]`` in steps of
    ``dilation[0]``, and columns likewise; all lie inside the input.  ``divisor``
    (output rows, output columns) is what an average divides by.  Input row r is
    read by at most output rows ``row_first[r]`` up to but excluding ``row_last[r]``.
    Windows of one ``kernel`` slide by ``stride`` from ``padding`` (top, bottom, left, right) on;
    a kernel of (0, 0): they differ.
    """

    input: Pair
    output: Pair
    row_start: np.ndarray
    row_end: np.ndarray
    column_start: np.ndarray
    column_end: np.ndarray
    dilation: Pair
    divisor: np.ndarray
    kernel: Pair = (0, 0)
    stride: Pair = (0, 0)
    padding: Sides = (0, 0, 0, 0)

    @cached_property
    def halves(self) -> bool:
        """Whether the windows are 2 × 2 and adjacent, from the first cell on."""
        starts = (self.row_start, self.row_end), (self.column_start, self.column_end)
        return all(
            np.array_equal(start, 2 * np.arange(output)) and np.array_equal(end, start + 2)
            for (start, end), output in zip(starts, self.output, strict=True)
        ) and self.dilation == (1, 1)

    @cached_property
    def row_first(self) -> np.ndarray:
        """For each input row, the first output row whose window reaches it."""
        return _first_reached(self.row_end, self.input[0])

    @cached_property
    def row_last(self) -> np.ndarray:
        """For each input row, one past the last output row whose window reaches it."""
        return _past_reached(self.row_start, self.input[0])

    @cached_property
    def column_first(self) -> np.ndarray:
        """For each input column, the first output column whose window reaches it."""
        return _first_reached(self.column_end, self.input[1])

    @cached_property
    def column_last(self) -> np.ndarray:
        """For each input column, one past the last output column whose window reaches it."""
        return _past_reached(self.column_start, self.input[1])


def _first_reached(ends: np.ndarray, size: int) -> np.ndarray:
    return np.searchsorted(ends, np.arange(size), side="right")


def _past_reached(starts: np.ndarray, size: int) -> np.ndarray:
    # Dilated windows that start in the padding may begin later than the next one.
    reached = np.minimum.accumulate(starts[::-1])[::-1]
    return np.searchsorted(reached, np.arange(size), side="right")


def _clipped_windows(
    size: int, output: int, kernel: int, stride: int, padding: int, dilation: int
) -> tuple[np.ndarray, np.ndarray]:
    """First cell, and one past the last, of each window along one axis, inside the input."""
    start = np.arange(output) * stride - padding
    end = np.minimum(start + effective_kernel(kernel, dilation), size)
    # A dilated window that begins in the padding enters the input on its own grid.
    start = np.where(start < 0, start + -(start // dilation) * dilation, start)
    return start, end


@checked
@lru_cache(maxsize=1024)
def pool_windows(
    input: Pair,
    kernel: Pair,
    stride: Pair,
    padding: Pair | Sides = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> PoolWindows:
    """The windows of a max or average pooling, placed as in PyTorch.

    ``padding``: (rows, columns), or top, bottom, left, right, which PyTorch does not have.
    Raises ShapeError for padding of more than half the kernel, or on a single side as large as
    the kernel, and for a kernel larger than the padded input.
    """
    _check_pool_padding(padding, kernel, dilation)
    sides = padding_sides(padding, kernel)
    around = along(sides, 0), along(sides, 1)
    high, wide = (
        pool_output(i, k, s, p, d, ceil_mode)
        for i, k, s, p, d in zip(input, kernel, stride, around, dilation, strict=True)
    )
    output = high, wide
    fits = all(
        i + sum(p) >= effective_kernel(k, d)
        for i, k, p, d in zip(input, kernel, around, dilation, strict=True)
    )
    if min(output) < 1 or not (fits or ceil_mode):
        raise ShapeError(
            f"kernel larger than padded input: a pooling window of {size_text(*kernel)} does not"
            f" fit into {size_text(*input)} padded by {size_text(*padding)}"
        )
    rows, columns = (
        _clipped_windows(i, o, k, s, p[0], d)
        for i, o, k, s, p, d in zip(input, output, kernel, stride, around, dilation, strict=True)
    )
    if divisor_override is not None:
        divisor = np.full(output, divisor_override)
    else:
        spans = []
        for axis, (start, end) in enumerate((rows, columns)):
            if count_include_pad:
                # The trailing padding counts, what ceil_mode adds after it does not.
                first, last = around[axis]
                start = np.arange(output[axis]) * stride[axis] - first
                end = start + effective_kernel(kernel[axis], dilation[axis])
                end = np.minimum(end, input[axis] + last)
            spans.append(np.maximum(0, -((start - end) // dilation[axis])))
        divisor = np.outer(*spans)
    windows = *rows, *columns, dilation, divisor
    return PoolWindows(input, output, *windows, kernel, stride, sides)


def pool_padding(padding: int | Sequence[int], kernel: Pair) -> Pair | Sides:
    """Padding of a pooling: (rows, columns), or top, bottom, left, right.

    Four sides become two numbers where these say the same, of at most half the kernel.  Raises
    ShapeError.
    """
    if is_integers(padding, (4,)):
        top, bottom, left, right = padding_sides(padding, (1, 1))
        even = (top, left) == (bottom, right) and top <= kernel[0] // 2 and left <= kernel[1] // 2
        return (top, left) if even else (top, bottom, left, right)
    return pair(padding, "padding", least=0)


def _check_pool_padding(padding: Pair | Sides, kernel: Pair, dilation: Pair) -> None:
    around = padding_sides(padding, kernel)
    for axis, sides in enumerate((along(around, 0), along(around, 1))):
        if len(padding) == 2 and sides[0] > kernel[axis] // 2:
            raise ShapeError(
                f"pooling padding: expected at most half of the kernel {size_text(*kernel)},"
                f" got {sides[0]}"
            )
        if max(sides) >= effective_kernel(kernel[axis], dilation[axis]):
            raise ShapeError(
                f"pooling padding: expected less than the kernel {size_text(*kernel)}, got"
                f" {max(sides)}"
            )


@checked
def adaptive_output(input: Pair, output_size: int | None | Sequence[int | None]) -> Pair:
    """(rows, columns) requested of an adaptive pooling; None keeps the input's size.

    Raises ShapeError.
    """
    sizes = output_size if isinstance(output_size, Sequence) else (output_size, output_size)
    if len(sizes) != 2:
        raise ShapeError(f"output_size: expected one size or a pair, got {shown(output_size)}")
    return pair(
        tuple(i if o is None else o for i, o in zip(input, sizes, strict=True)), "output_size"
    )


class Resizing(NamedTuple):
    """One axis of a resized map: each pixel is (1 - share) * input[low] + share * input[high]."""

    low: np.ndarray
    high: np.ndarray
    share: np.ndarray


def resizing(
    size: int, output: int, scale: float | None = None, bilinear: bool = False, align: bool = False
) -> Resizing:
    """What an axis of ``size`` pixels gives to each of ``output`` pixels, as PyTorch has it.

    ``scale``: output pixels for each input pixel, by default output / size.  The nearest pixel lies
    at or before the place; ``bilinear`` takes two, with ``align`` the outermost pixels' centres are
    the same in both, else the edges of the maps are.
    """
    step = size / output if scale is None else 1 / scale
    places = np.arange(output)
    if not bilinear:
        low = np.minimum(np.floor(places * np.float32(step)).astype(np.int64), size - 1)
        return Resizing(low, low, np.zeros(output))
    if align:
        at = places * ((size - 1) / max(1, output - 1))
    else:
        at = np.maximum((places + 0.5) * step - 0.5, 0)
    low = np.minimum(np.floor(at).astype(np.int64), size - 1)
    share = at - low
    return Resizing(low, np.where(share > 0, np.minimum(low + 1, size - 1), low), share)


RESIZE_MODES = ("nearest", "linear", "cubic")
RESIZE_COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)
RESIZE_NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def resize_weights(
    size: int,
    output: int,
    scale: float | None = None,
    *,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    nearest: str = "round_prefer_floor",
    cubic: float = -0.75,
    antialias: bool = False,
    exclude_outside: bool = False,
    region: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
    """What each of ``output`` pixels takes of ``size`` pixels of an axis: (output, size).

    All rules of ONNX's operator Resize, version 19, by its names; see ``nn.Resize2d``.  A pixel
    outside the input, which only ``region`` can have, takes nothing.
    """
    fits_memory("resize", output, size)
    scale = output / size if scale is None else scale
    at = _resize_places(size, output, scale, coordinates, region)
    weights = np.zeros((output, size))
    if mode == "nearest":
        weights[np.arange(output), np.clip(_nearest_of(at, nearest), 0, size - 1)] = 1
    else:
        reach = {"linear": 1, "cubic": 2}[mode]
        shrink = min(scale, 1.0) if antialias else 1.0
        count = int(np.ceil(reach / shrink))
        taps = np.floor(at).astype(np.int64)[:, None] + np.arange(1 - count, count + 1)
        share = _resize_kernel(np.abs(taps - at[:, None]) * shrink, mode, cubic)
        if exclude_outside:
            share = np.where((taps < 0) | (taps >= size), 0.0, share)
        share = share / share.sum(1, keepdims=True)
        np.add.at(weights, (np.arange(output)[:, None], np.clip(taps, 0, size - 1)), share)
    if coordinates == "tf_crop_and_resize":
        weights[(at < 0) | (at > size - 1)] = 0
    return weights


def _resize_places(
    size: int, output: int, scale: float, coordinates: str, region: tuple[float, float]
) -> np.ndarray:
    """Where each pixel of an output lies in the input, in its pixels."""
    places = np.arange(output, dtype=np.float64)
    length = scale * size
    if coordinates == "align_corners":
        return places * 0 if length == 1 else places * (size - 1) / (length - 1)
    if coordinates == "asymmetric":
        return places / scale
    if coordinates == "tf_half_pixel_for_nn":
        return (places + 0.5) / scale
    if coordinates == "tf_crop_and_resize":
        start, end = region
        if length == 1:
            return places * 0 + (start + end) / 2 * (size - 1)
        return (start + places * (end - start) / (length - 1)) * (size - 1)
    if coordinates == "pytorch_half_pixel" and length == 1:
        return places * 0
    centre = (places + 0.5) / scale - 0.5
    if coordinates == "half_pixel_symmetric":
        return centre + size / 2 * (1 - output / length)
    return centre


def _nearest_of(at: np.ndarray, rule: str) -> np.ndarray:
    rules: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    return rules[rule](at).astype(np.int64)


def _resize_kernel(distance: np.ndarray, mode: str, slope: float) -> np.ndarray:
    """The kernel of an interpolation at distances of 0 or more, in pixels.

    Cubic: Keys 1981, equation 15, with ``slope`` for its -1/2.
    """
    if mode == "linear":
        return np.clip(1 - distance, 0, None)
    near = ((slope + 2) * distance - (slope + 3)) * distance**2 + 1
    far = ((slope * distance - 5 * slope) * distance + 8 * slope) * distance - 4 * slope
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))


def resized(
    input: Pair,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> tuple[Pair, tuple[float | None, float | None]]:
    """(rows, columns) of a resized map, and the scales of both if they were given.

    Raises ShapeError unless just one of ``size`` and ``scale_factor`` is given, above 0.
    """
    if (size is None) == (scale_factor is None):
        raise ShapeError(
            "resize: expected either size or scale_factor, got"
            f" {shown(size)} and {shown(scale_factor)}"
        )
    if size is not None:
        return pair(size, "size"), (None, None)
    factors: Any = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor,) * 2
    known = all(isinstance(f, int | float) and 0 < f < inf for f in factors)
    if len(factors) != 2 or not known:
        raise ShapeError(
            f"resize: expected a scale_factor above 0, or a pair, got {shown(scale_factor)}"
        )
    rows, columns = (floor(n * f) for n, f in zip(input, factors, strict=True))
    if min(rows, columns) < 1:
        raise ShapeError(
            f"resize: expected at least one pixel to be left of {size_text(*input)}, got a"
            f" scale_factor of {shown(scale_factor)}"
        )
    return (rows, columns), (float(factors[0]), float(factors[1]))


@checked
@lru_cache(maxsize=1024)
def adaptive_pool_windows(input: Pair, output: Pair) -> PoolWindows:
    """The windows of an adaptive pooling from ``input`` to ``output`` cells.

    Global pooling is the case of one output cell.
    """
    fits_memory("output", *output)
    # Copied, so that each is contiguous: a loop would be compiled again for arrays with gaps.
    (top, bottom), (left, right) = (
        np.array(adaptive_windows(i, o)).T.copy() for i, o in zip(input, output, strict=True)
    )
    divisor = np.outer(bottom - top, right - left)
    return PoolWindows(input, output, top, bottom, left, right, (1, 1), divisor)


# --- receptive fields -------------------------------------------------------------


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of one layer see along one axis of the input, in input pixels.

    ``size`` is the receptive field, ``stride`` the effective stride, ``padding``
    the effective padding before the first pixel (Araujo, Norris & Sim, "Computing
    receptive fields of convolutional neural networks", Distill 2019, where they
    are r0, S0 and P0).

    After a transposed convolution or an adaptive pooling with uneven windows not all units see
    equally much, but there is a period: ``period`` then holds the half-open spans of the first
    units, and the unit that many further on sees the same, moved by as many strides.  There
    ``size`` is that of the unit that sees the most, ``stride`` the mean (a Fraction if it is not
    whole) and ``padding`` that of the first unit.  All fields count as if maps continued beyond
    their borders.
    """

    size: int = 1
    stride: int | Fraction = 1
    padding: int = 0
    period: tuple[Pair, ...] = ()

    def through(
        self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> ReceptiveField:
        """The field after one more layer, whose leading padding is ``padding``.

        r grows by (k - 1) times the stride so far, and the padding by p times it.
        """
        if not self.period:
            return ReceptiveField(
                self.size + (effective_kernel(kernel, dilation) - 1) * self._shift,
                self._shift * stride,
                self.padding + padding * self._shift,
            )
        turns = stride // gcd(len(self.period), stride)
        units = len(self.period) * turns // stride
        _check_spans(units * kernel)
        return _repeating(
            [
                self._hull(unit * stride - padding + tap * dilation for tap in range(kernel))
                for unit in range(units)
            ],
            self._shift * turns,
        )

    def through_transposed(
        self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> ReceptiveField:
        """The field after a transposed convolution; ``padding`` is cut off before its output.

        Output u reads the inputs i with u = i s - p + j d for a kernel cell j, about
        k / s of them (Dumoulin & Visin 2016, section 4), so units differ unless s
        divides d (k - 1) + 1, and the effective stride is divided by s.
        """
        for length in (kernel, stride, dilation):
            whole(length, "transposed convolution", most=LARGEST_SIDE)
        spans = []
        _check_spans(max(1, len(self.period)) * stride * kernel)
        for unit in range(max(1, len(self.period)) * stride):
            reached = (unit + padding - tap * dilation for tap in range(kernel))
            spans.append(self._hull(at // stride for at in reached if at % stride == 0))
        return _repeating(spans, self._shift)

    def through_adaptive(self, size: int, output: int) -> ReceptiveField:
        """The field after an adaptive pooling of ``size`` cells to ``output`` cells."""
        windows = adaptive_windows(size, output)
        lengths = {end - start for start, end in windows}
        steps = {after[0] - before[0] for before, after in zip(windows, windows[1:], strict=False)}
        if len(lengths) == len(steps) == 1:  # even, though the size may not be a multiple
            return self.through(lengths.pop(), steps.pop())
        common = gcd(size, output)
        cells, step = output // common, size // common  # windows repeat after this many
        turns = max(1, len(self.period)) // gcd(max(1, len(self.period)), step)
        _check_spans(cells * turns + step * turns)
        reads = (_adaptive_window(cell, size, output) for cell in range(cells * turns))
        return _repeating(
            [self._hull(range(*window)) for window in reads],
            self._shift * step * turns // max(1, len(self.period)),
        )

    def span(self, unit: int) -> Pair:
        """Half-open range of input pixels that ``unit`` sees; outside the input is padding.

        Empty for a unit to which a transposed convolution gives only its bias.
        """
        if not self.period:
            start = unit * self._shift - self.padding
            return start, start + self.size
        turn, phase = divmod(unit, len(self.period))
        start, end = self.period[phase]
        return start + turn * self._shift, end + turn * self._shift

    def centre(self, unit: int) -> float:
        """Centre of the field of ``unit``, in pixels: -P0 + u S0 + (r0 - 1) / 2."""
        start, end = self.span(unit)
        return (start + end - 1) / 2

    @property
    def _shift(self) -> int:
        """Pixels from a unit to the one a period further."""
        return int(self.stride * max(1, len(self.period)))

    def _hull(self, units: Iterable[int]) -> Pair | None:
        return _hull(self.span(unit) for unit in units)


def _check_spans(count: int) -> None:
    if count > MAX_SPANS:
        raise ShapeError(
            f"receptive field: expected at most {MAX_SPANS:,} windows to follow where units see"
            f" differently, got {count:,}"
        )


def _hull(spans: Iterable[Pair]) -> Pair | None:
    """The smallest range that holds all spans; None if all are empty."""
    seen = [span for span in spans if span[0] < span[1]]
    return (min(start for start, _ in seen), max(end for _, end in seen)) if seen else None


def _repeating(spans: Sequence[Pair | None], shift: int) -> ReceptiveField:
    """The field of units that see ``spans``, repeated after as many units, moved by ``shift``."""
    count = len(spans)
    # A unit that sees nothing still needs a position.
    filled = [span or (unit * shift // count,) * 2 for unit, span in enumerate(spans)]
    for period in (p for p in range(1, count + 1) if count % p == 0 and shift * p % count == 0):
        moved = shift * period // count
        ahead = zip(filled, filled[period:], strict=False)
        if all((a + moved, b + moved) == after for (a, b), after in ahead):
            break
    stride = Fraction(shift, count)
    return ReceptiveField(
        max(end - start for start, end in filled),
        int(stride) if stride.denominator == 1 else stride,
        -filled[0][0],
        tuple(filled[:period]) if period > 1 else (),
    )


@checked
def join_fields(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    """The field of units that join the units of several maps: the hull of what those see.

    None if the effective strides differ: then the hull differs between units.  Source: Araujo,
    Norris & Sim 2019.
    """
    if len({field.stride for field in fields}) > 1:
        return None
    count = lcm(*(max(1, len(field.period)) for field in fields))
    # A period of whole pixels, even for a fractional stride.
    count = lcm(count, Fraction(fields[0].stride).denominator)
    _check_spans(count * len(fields))
    spans = [_hull(field.span(unit) for field in fields) for unit in range(count)]
    return _repeating(spans, int(fields[0].stride * count))


@checked
def misalignment(fields: Sequence[ReceptiveField]) -> str:
    """What keeps the fields of joined maps from being aligned; empty if nothing does.

    Fields are aligned if the effective strides and the centres -P + (r - 1) / 2 are equal (Araujo,
    Norris & Sim 2019, "Alignment issues").
    """
    strides = list(dict.fromkeys(field.stride for field in fields))
    if len(strides) > 1:
        return f"effective strides {' and '.join(str(stride) for stride in strides)}"
    count = lcm(*(max(1, len(field.period)) for field in fields))
    _check_spans(count * len(fields))
    for unit in range(count):
        centres = list(dict.fromkeys(field.centre(unit) for field in fields))
        if len(centres) > 1:
            return f"centres {' and '.join(f'{centre:.15g}' for centre in centres)}"
    return ""


check_calls(globals(), ["ReceptiveField"], "through", "through_transposed", "through_adaptive")
