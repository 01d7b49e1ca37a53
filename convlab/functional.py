"""The operations of convolutional networks, with PyTorch's names, order and defaults.

Images are (N, C, H, W), or (C, H, W) for one.  The kernels want the batch
innermost, (C, H, W, N): a result here is a transposed view of theirs, so the next
operation transposes it back without a copy.  Each backward directly follows its
forward.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Literal, TypeVar, cast, overload

import numpy as np

from convlab import random, shapes
from convlab.checks import (
    FAILURES,
    checked,
    explained,
    instance,
    number,
    real_numbers,
    shown,
    whole,
)
from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError
from convlab.kernels import activations as activation_kernels
from convlab.kernels import conv2d as conv2d_kernels
from convlab.kernels import dense as dense_kernels
from convlab.kernels import gather as gather_kernels
from convlab.kernels import normalise as normalise_kernels
from convlab.kernels import pointwise as pointwise_kernels
from convlab.kernels import pool2d as pool2d_kernels
from convlab.kernels import softmax as softmax_kernels
from convlab.kernels.calls import do
from convlab.kernels.cuda import CudaArray
from convlab.kernels.dispatch import (
    Array,
    constant,
    contiguous,
    device_of,
    empty_like,
    has_gaps,
    to_device,
)
from convlab.kernels.memory import elementwise
from convlab.parts import is_first, is_part, of_all_parts
from convlab.shapes import Conv2dGeometry, PoolWindows
from convlab.tape import Context, Function
from convlab.tensors import Tensor

IntOrPair = int | Sequence[int]
Operation = TypeVar("Operation", bound=Callable)


# --- arrays in and out of the kernels -------------------------------------------------


def _batch_last(x: np.ndarray) -> np.ndarray:
    """(N, ...) as (..., N) without gaps; a view where the memory already has that layout."""
    return contiguous(x.transpose(*range(1, x.ndim), 0))


def _batch_first(x: np.ndarray) -> np.ndarray:
    return x.transpose(-1, *range(x.ndim - 1))


def _laid_like(gradient: np.ndarray, y: np.ndarray) -> np.ndarray:
    """``gradient`` with the order in memory of ``y``."""
    if gradient.strides == y.strides:
        return gradient
    result = empty_like(y)
    do(np.copyto, result, gradient)
    return result


def _without_gaps(x: np.ndarray) -> np.ndarray:
    return contiguous(x) if has_gaps(x) else x


def _zeros(like: Array, count: int) -> Array:
    return np.zeros_like(like, shape=(count,))


def _same_dtype(name: str, **tensors: Tensor | None) -> None:
    kinds = {label: t.dtype for label, t in tensors.items() if t is not None}
    if len(set(kinds.values())) > 1:
        got = ", ".join(f"{label} {kind}" for label, kind in kinds.items())
        raise DTypeError(f"{name}: expected one dtype for all, got {got}")


def _with_one(input: Tensor) -> Tensor:
    """An empty batch as a batch of one image of zeros, which kernels can handle."""
    return cat([input, input.result(np.zeros_like(input.data, shape=(1, *input.shape[1:])))], 0)


def _images(operation: Operation) -> Operation:
    """Check that the first argument is a batch of images; take a single one as a batch of one."""
    name = operation.__name__

    @wraps(operation)
    def with_images(input, *arguments, **settings):
        if not isinstance(input, Tensor):
            raise DTypeError(f"{name}: expected a Tensor as input, got {type(input).__name__}")
        if input.ndim == 3:
            result = with_images(input.reshape(1, *input.shape), *arguments, **settings)
            if isinstance(result, tuple):
                return tuple(part.reshape(part.shape[1:]) for part in result)
            return result.reshape(result.shape[1:])
        if input.ndim != 4:
            raise ShapeError(
                f"{name}: expected an input of shape (N, C, H, W) or (C, H, W), got {input.shape}"
            )
        if input.shape[0] == 0 and 0 not in input.shape[1:]:
            result = with_images(_with_one(input), *arguments, **settings)
            return tuple(part[:0] for part in result) if isinstance(result, tuple) else result[:0]
        if 0 in input.shape:
            raise ShapeError(f"{name}: expected an input that is not empty, got {input.shape}")
        try:
            return operation(input, *arguments, **settings)
        except ConvlabError:
            raise
        except FAILURES as error:
            raise explained(error, operation, (input, *arguments), settings) from error

    return cast(Operation, with_images)


# --- convolution ------------------------------------------------------------------------


class _Conv2d(Function):
    fresh = plannable = True

    @staticmethod
    def forward(
        context: Context, x, weight, bias=None, *, geometry: Conv2dGeometry, relu: bool, norm: Any
    ):
        # x: (N, C, H, W) · weight: (O, C / groups, KH, KW) · bias, norm: (O,) each
        x, weight = _batch_last(x), contiguous(weight)
        bias = _zeros(weight, geometry.out_channels) if bias is None else bias
        y = conv2d_kernels.forward(x, weight, bias, geometry, relu, norm)
        context.save(x, weight, geometry, y if relu else None, norm)
        return _batch_first(y)

    @staticmethod
    def backward(context, gradient):
        x, weight, geometry, y, norm = context.saved
        gradient = _batch_last(gradient)
        if y is not None:
            gradient = pointwise_kernels.relu_backward(gradient, y)
        if norm is not None:
            gradient = gradient * norm[0][:, None, None, None]
        grad_x = grad_weight = grad_bias = None
        if context.needs[0]:
            grad_x = _batch_first(conv2d_kernels.grad_input(gradient, weight, geometry))
        if context.needs[1]:
            grad_weight, grad_bias = conv2d_kernels.grad_weight(gradient, x, geometry)
        elif context.needs[2:] == (True,):
            grad_bias = conv2d_kernels.grad_bias(gradient)
        return (grad_x, grad_weight, grad_bias)[: len(context.needs)]


class _ConvTranspose2d(Function):
    fresh = plannable = True

    @staticmethod
    def forward(context: Context, x, weight, bias=None, *, geometry: Conv2dGeometry):
        # ``geometry`` is that of the convolution whose input gradient this is.
        x, weight = _batch_last(x), contiguous(weight)
        context.save(x, weight, geometry)
        out = conv2d_kernels.grad_input(x, weight, geometry)
        if bias is not None:
            do(operator.iadd, out, bias[:, None, None, None])
        return _batch_first(out)

    @staticmethod
    def backward(context, gradient):
        x, weight, geometry = context.saved
        gradient = _batch_last(gradient)
        grad_x = grad_weight = grad_bias = None
        if context.needs[0]:
            no_bias = _zeros(weight, geometry.out_channels)
            grad_x = conv2d_kernels.forward(gradient, weight, no_bias, geometry)
            grad_x = _batch_first(grad_x)
        if context.needs[1]:
            grad_weight, _ = conv2d_kernels.grad_weight(x, gradient, geometry)
        if context.needs[2:] == (True,):
            grad_bias = conv2d_kernels.grad_bias(gradient)
        return (grad_x, grad_weight, grad_bias)[: len(context.needs)]


def _check_weight(name: str, input: Tensor, weight: Tensor, bias: Tensor | None, outputs: int):
    kind = input.dtype
    if weight.dtype is not kind or (bias is not None and bias.dtype is not kind):
        _same_dtype(name, input=input, weight=weight, bias=bias)
    if bias is not None and bias.shape != (outputs,):
        raise ShapeError(f"{name}: expected a bias of shape ({outputs},), got {bias.shape}")


def _check_norm(name: str, input: Tensor, norm: tuple[Array, Array], outputs: int) -> None:
    for part in norm:
        if part.shape != (outputs,):
            raise ShapeError(f"{name}: expected a norm of shape ({outputs},), got {part.shape}")
        if part.dtype != input.dtype:
            raise DTypeError(f"{name}: expected a norm of {input.dtype}, got {part.dtype}")


def _check_kernel(name: str, weight: Tensor) -> None:
    if weight.ndim != 4 or 0 in weight.shape:
        raise ShapeError(
            f"{name}: expected a weight of four axes, none of them empty, got {weight.shape}"
        )


@_images
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    relu: bool = False,
    norm: tuple[Array, Array] | None = None,
) -> Tensor:
    """Two-dimensional convolution (cross-correlation) with zero padding.

    input: (N, C, H, W); weight: (O, C / groups, KH, KW); bias: (O,); result:
    (N, O, OH, OW), with OH and OW by relation 15 of Dumoulin & Visin (2016).
    ``padding``: see ``shapes.padding_sides``; four sides are top, bottom, left,
    right.  ``norm``: what each map of the result is multiplied with, and what is then added, (O,)
    each, taken as constants; ``relu=True`` then applies ``relu``; neither takes a separate pass.
    Raises ShapeError for sizes that do not fit, DTypeError for mixed kinds of numbers.
    """
    _check_kernel("conv2d", weight)
    _check_weight("conv2d", input, weight, bias, weight.shape[0])
    if norm is not None:
        _check_norm("conv2d", input, norm, weight.shape[0])
    channels = input.shape[1]
    stride, dilation = shapes.pair(stride, "stride"), shapes.pair(dilation, "dilation")
    outputs, _, high, wide = weight.shape
    kernel = high, wide
    geometry = shapes.conv2d_geometry(
        channels,
        outputs,
        input.shape[2:],
        kernel,
        stride,
        shapes.padding_sides(padding, kernel, stride, dilation),
        dilation,
        groups,
    )
    if weight.shape != geometry.weight_shape:
        raise ShapeError(
            f"conv2d: expected a weight of shape {geometry.weight_shape} for {channels} input"
            f" channels in {groups} group(s), got {weight.shape}"
        )
    tensors = (input, weight) if bias is None else (input, weight, bias)
    return _Conv2d.apply(*tensors, geometry=geometry, relu=relu, norm=norm)


@_images
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    output_padding: IntOrPair = 0,
    groups: int = 1,
    dilation: IntOrPair = 1,
) -> Tensor:
    """Transposed convolution: the gradient by its input of the convolution with this weight.

    input: (N, C, H, W); weight: (C, O / groups, KH, KW); bias: (O,); result
    (N, O, OH, OW), with OH and OW by relation 14 of Dumoulin & Visin (2016).
    ``padding`` is what that convolution has and is cut off here; it may have
    four sides: top, bottom, left, right.  Raises ShapeError, DTypeError.
    """
    name = "conv_transpose2d"
    _check_kernel(name, weight)
    stride, dilation = shapes.pair(stride, "stride"), shapes.pair(dilation, "dilation")
    extra = shapes.pair(output_padding, "output_padding", least=0)
    channels, (_, outputs, high, wide) = input.shape[1], weight.shape
    kernel, outputs = (high, wide), outputs * groups
    _check_weight(name, input, weight, bias, outputs)
    if weight.shape[0] != channels:
        raise ShapeError(
            f"{name}: expected a weight for {channels} input channels,"
            f" ({channels}, O / groups, KH, KW), got {weight.shape}"
        )
    sides = shapes.padding_sides(padding, kernel, stride, dilation)
    for axis in (0, 1):
        if extra[axis] >= max(stride[axis], dilation[axis]):
            raise ShapeError(
                f"{name}: expected output_padding smaller than stride or dilation"
                f" ({max(stride[axis], dilation[axis])}), got {extra[axis]}"
            )
    size = tuple(
        shapes.conv_transpose_output(
            input.shape[2 + axis],
            kernel[axis],
            stride[axis],
            sides[2 * axis] + sides[2 * axis + 1],
            extra[axis],
            dilation[axis],
        )
        for axis in (0, 1)
    )
    if min(size) < 1:
        raise ShapeError(
            f"{name}: expected less padding than the output has, got an output of"
            f" {shapes.size_text(*size)}"
        )
    geometry = shapes.conv2d_geometry(
        outputs, channels, size, kernel, stride, sides, dilation, groups
    )
    if geometry.output != input.shape[2:]:
        # Output padding of a stride or more: the convolution has cells that this input lacks.
        rows, columns = (g - i for g, i in zip(geometry.output, input.shape[2:], strict=True))
        input = pad(input, (0, columns, 0, rows))
    tensors = (input, weight) if bias is None else (input, weight, bias)
    return _ConvTranspose2d.apply(*tensors, geometry=geometry)


# --- padding ------------------------------------------------------------------------------


class _Pad(Function):
    plannable = True

    @staticmethod
    def forward(context: Context, x, *, rows, columns, value):
        context.save(rows, columns, x.shape[2:])
        out = gather_kernels.gather2d(_batch_last(x), rows, columns)
        if value:
            for row in np.flatnonzero(rows < 0):
                do(np.copyto, out[:, row], value)
            for column in np.flatnonzero(columns < 0):
                do(np.copyto, out[:, :, column], value)
        return _batch_first(out)

    @staticmethod
    def backward(context, gradient):
        rows, columns, size = context.saved
        gradient = _batch_last(gradient)
        return (_batch_first(gather_kernels.gather2d_grad(gradient, rows, columns, size)),)


@_images
def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Pad the columns, or columns and rows, of images.

    ``pad``: (left, right) or (left, right, top, bottom) in pixels, negative to
    crop; ``mode``: constant (``value``, zero by default), reflect, replicate or
    circular.  Raises ShapeError where the image is too small for the mode.
    """
    if not shapes.is_integers(pad, (2, 4)):
        raise ShapeError(
            f"pad: expected (left, right) or (left, right, top, bottom) in pixels, got {shown(pad)}"
        )
    modes = {"constant": "zeros", **{m: m for m in shapes.PADDING_MODES if m != "zeros"}}
    if mode not in modes:
        raise SpecError(f"pad: expected mode {', '.join(modes)}, got {mode!r}")
    instance(value, "pad: value", (numbers.Real, type(None)), "a number")
    left, right, top, bottom = (*pad, 0, 0)[:4]
    height, width = input.shape[2:]
    if height + top + bottom < 1 or width + left + right < 1:
        raise ShapeError(
            f"pad: expected at least one pixel to be left of {shapes.size_text(height, width)},"
            f" got pad {tuple(pad)}"
        )
    rows = shapes.padding_index(height, top, bottom, modes[mode])
    columns = shapes.padding_index(width, left, right, modes[mode])
    return _Pad.apply(input, rows=rows, columns=columns, value=value)


def _picked(input: Tensor, axis: int, index: np.ndarray) -> Tensor:
    """The rows (axis 0) or columns (axis 1) of images that ``index`` names."""
    every = [np.arange(size) for size in input.shape[2:]]
    every[axis] = index
    return _Pad.apply(input, rows=every[0], columns=every[1], value=None)


@_images
def interpolate(
    input: Tensor,
    size: IntOrPair | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """Images resized to ``size`` (rows, columns), or by ``scale_factor``.

    ``mode``: nearest, or bilinear, where ``align_corners`` puts the outermost pixels of both sizes
    on each other.  Raises ShapeError, and SpecError for another mode.
    """
    if mode not in ("nearest", "bilinear"):
        raise SpecError(f"interpolate: expected mode nearest or bilinear, got {shown(mode)}")
    if mode == "nearest" and align_corners is not None:
        raise SpecError("interpolate: expected align_corners only with mode bilinear, got nearest")
    output, scales = shapes.resized(cast(shapes.Pair, input.shape[2:]), size, scale_factor)
    for axis in (0, 1):
        low, high, share = shapes.resizing(
            input.shape[2 + axis],
            output[axis],
            scales[axis],
            mode == "bilinear",
            bool(align_corners),
        )
        lower = _picked(input, axis, low)
        if mode == "nearest":
            input = lower
            continue
        column = share.astype(input.dtype).reshape(-1, *[1] * (1 - axis))
        above, below = (
            input.result(to_device(part, input.device)) for part in (column, 1 - column)
        )
        input = lower * below + _picked(input, axis, high) * above
    return input


@_images
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Maps (N, C r², H, W) as (N, C, r H, r W), r² maps becoming the pixels of one.

    Source: Shi et al. 2016, equation 4.  Raises ShapeError for channels that r² does not divide.
    """
    r = whole(upscale_factor, "pixel_shuffle: upscale_factor")
    count, channels, height, width = input.shape
    if channels % (r * r):
        raise ShapeError(f"pixel_shuffle: expected channels that {r * r} divides, got {channels}")
    apart = input.reshape(count, channels // (r * r), r, r, height, width)
    return apart.transpose(0, 1, 4, 2, 5, 3).reshape(count, -1, height * r, width * r)


@_images
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The maps of all groups in turn: the first of each, the second of each and so on.

    Source: Zhang et al. 2018, section 3.1.  Raises ShapeError for channels that groups do not
    divide.
    """
    count, channels, height, width = input.shape
    if channels % whole(groups, "channel_shuffle: groups"):
        raise ShapeError(
            f"channel_shuffle: expected channels that {groups} divides, got {channels}"
        )
    apart = input.reshape(count, groups, channels // groups, height, width)
    return apart.transpose(0, 2, 1, 3, 4).reshape(input.shape)


@_images
def shortcut2d(input: Tensor, out_channels: int, stride: int = 1) -> Tensor:
    """Every ``stride``-th row and column, between maps of zeros that make ``out_channels``.

    The shortcut without parameters around layers with more and smaller maps, option A of He et al.
    2016, section 4.1.  Of an odd number of new maps the last stands behind.  Raises ShapeError for
    less channels than the input has.
    """
    count, channels, height, width = input.shape
    whole(stride, "shortcut2d: stride")
    new = whole(out_channels, "shortcut2d: out_channels") - channels
    if new < 0:
        raise ShapeError(
            f"shortcut2d: expected out_channels of at least the input's {channels}, got"
            f" {out_channels}"
        )
    if stride > 1:
        rows, columns = (np.arange(0, size, stride) for size in (height, width))
        input = _picked(_picked(input, 0, rows), 1, columns)
    zeros = [
        input.result(np.zeros_like(input.data, shape=(count, maps, *input.shape[2:])))
        for maps in (new // 2, new - new // 2)
    ]
    return cat([zeros[0], input, zeros[1]], 1) if new else input


class _Cat(Function):
    @staticmethod
    def forward(context: Context, *arrays, dim: int):
        # The batch is the last axis in memory.
        context.save(np.cumsum([a.shape[dim] for a in arrays])[:-1], dim)
        return _batch_first(np.concatenate([_batch_last(a) for a in arrays], dim - 1))

    @staticmethod
    def backward(context, gradient):
        ends, dim = context.saved
        return np.split(gradient, ends, dim)


@checked
def cat(tensors: Sequence[Tensor], dim: int = 1) -> Tensor:
    """Tensors concatenated along ``dim``, by default the channels.

    Raises ShapeError where another axis differs, DTypeError for different floats.
    """
    if not tensors:
        raise ShapeError("cat: expected at least one tensor, got none")
    _same_dtype("cat", **{f"tensor {at}": tensor for at, tensor in enumerate(tensors)})
    count = tensors[0].ndim
    if not -count <= dim < count:
        raise ShapeError(f"cat: expected a dim of {count} axes, got {dim}")
    dim %= count
    if len({(*t.shape[:dim], None, *t.shape[dim + 1 :]) for t in tensors}) > 1:
        shapes_ = ", ".join(str(tensor.shape) for tensor in tensors)
        raise ShapeError(f"cat: expected shapes that differ along axis {dim} alone, got {shapes_}")
    return _Cat.apply(*tensors, dim=dim)


# --- pooling ------------------------------------------------------------------------------


class _MaxPool2d(Function):
    plannable = True

    @staticmethod
    def forward(context: Context, x, *, windows: PoolWindows, relu: bool, winners: list | None):
        out, index = pool2d_kernels.max_forward(_batch_last(x), windows, relu)
        context.save(index, windows)
        if winners is not None:
            winners.append(_batch_first(index))
        return _batch_first(out)

    @staticmethod
    def backward(context, gradient):
        index, windows = context.saved
        gradient = _batch_last(gradient)
        return (_batch_first(pool2d_kernels.max_backward(gradient, index, windows)),)


class _AveragePool2d(Function):
    plannable = True

    @staticmethod
    def forward(context: Context, x, *, windows: PoolWindows):
        context.save(windows)
        return _batch_first(pool2d_kernels.average_forward(_batch_last(x), windows))

    @staticmethod
    def backward(context, gradient):
        (windows,) = context.saved
        return (_batch_first(pool2d_kernels.average_backward(_batch_last(gradient), windows)),)


def _max_pool(input: Tensor, windows: PoolWindows, return_indices: bool, relu: bool = False):
    winners: list[Array] | None = [] if return_indices else None
    result = _MaxPool2d.apply(input, windows=windows, relu=relu, winners=winners)
    return (result, to_device(winners[0], "cpu")) if winners else result


@overload
def max_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair | Sequence[int] = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
    *,
    relu: bool = False,
) -> Tensor: ...
@overload
def max_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair | Sequence[int] = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
    relu: bool = False,
) -> tuple[Tensor, np.ndarray]: ...
@_images
def max_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair | Sequence[int] = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    relu: bool = False,
) -> Tensor | tuple[Tensor, np.ndarray]:
    """Maximum over windows; among equal values the first in reading order wins.

    ``stride`` is the kernel's size by default; ``padding``, of all sides, of (rows, columns) or of
    top, bottom, left and right, counts as minus infinity.
    With ``return_indices`` also returns the winners, as row * W + column of the input,
    in an int32 array (int64 for maps of more than 2^31 cells).  ``relu=True`` is the
    maximum of ``relu(input)``, without a separate pass; where nothing is above 0, the
    winner is -1.  Raises ShapeError.
    """
    kernel = shapes.pair(kernel_size, "kernel_size")
    windows = shapes.pool_windows(
        input.shape[2:],
        kernel,
        kernel if stride is None else shapes.pair(stride, "stride"),
        shapes.pool_padding(padding, kernel),
        shapes.pair(dilation, "dilation"),
        ceil_mode,
    )
    return _max_pool(input, windows, return_indices, relu)


@_images
def avg_pool2d(
    input: Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    *,
    dilation: IntOrPair = 1,
) -> Tensor:
    """Mean over windows; ``stride`` is the kernel's size by default.

    The divisor counts the padding unless ``count_include_pad`` is False, or is
    ``divisor_override``.  ``padding`` and ``dilation`` as in ``max_pool2d``.  Raises ShapeError.
    """
    if divisor_override is not None and divisor_override == 0:
        raise ShapeError("avg_pool2d: expected a divisor_override that is not zero, got 0")
    kernel = shapes.pair(kernel_size, "kernel_size")
    windows = shapes.pool_windows(
        input.shape[2:],
        kernel,
        kernel if stride is None else shapes.pair(stride, "stride"),
        shapes.pool_padding(padding, kernel),
        shapes.pair(dilation, "dilation"),
        ceil_mode,
        count_include_pad,
        divisor_override,
    )
    return _AveragePool2d.apply(input, windows=windows)


def _adaptive_windows(input: Tensor, output_size) -> PoolWindows:
    _, _, rows, columns = input.shape
    size = rows, columns
    return shapes.adaptive_pool_windows(size, shapes.adaptive_output(size, output_size))


@_images
def adaptive_avg_pool2d(input: Tensor, output_size: int | None | Sequence[int | None]) -> Tensor:
    """Mean over as many evenly spread windows as ``output_size`` says; 1 is global pooling.

    None keeps the input's size on that axis.  Raises ShapeError.
    """
    return _AveragePool2d.apply(input, windows=_adaptive_windows(input, output_size))


@overload
def adaptive_max_pool2d(
    input: Tensor,
    output_size: int | None | Sequence[int | None],
    return_indices: Literal[False] = False,
) -> Tensor: ...
@overload
def adaptive_max_pool2d(
    input: Tensor,
    output_size: int | None | Sequence[int | None],
    return_indices: Literal[True],
) -> tuple[Tensor, np.ndarray]: ...
@_images
def adaptive_max_pool2d(
    input: Tensor,
    output_size: int | None | Sequence[int | None],
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, np.ndarray]:
    """Maximum over as many evenly spread windows as ``output_size`` says; 1 is global pooling.

    ``return_indices`` as in ``max_pool2d``.  Raises ShapeError.
    """
    return _max_pool(input, _adaptive_windows(input, output_size), return_indices)


# --- normalisation ------------------------------------------------------------------------


class _BatchNorm(Function):
    fresh = True

    @staticmethod
    def forward(context: Context, x, weight, bias, *, running, momentum, eps, training, relu):
        # x: (N, C, ...) · weight, bias: (C,) · running: its mean and variance, both (C,), or None
        x = _batch_last(x)
        count, mean, variance = _moments_of_batch(x) if training else (None, *running)
        if training and running is not None and is_first():
            for known, seen in zip(running, (mean, variance * (count / (count - 1))), strict=True):
                known[...] = known * (1 - momentum) + seen * momentum
        inverse = 1 / np.sqrt(variance + eps)
        y = normalise_kernels.forward(x, mean, weight * inverse, bias, relu)
        context.save(x, weight, mean, inverse, count, y if relu else None)
        return _batch_first(y)

    @staticmethod
    def backward(context, gradient):
        x, weight, mean, inverse, count, y = context.saved
        gradient = _batch_last(gradient)
        if y is not None:
            gradient = pointwise_kernels.relu_backward(gradient, y)
        grad_x, by_weight, by_bias = None, np.zeros_like(weight), np.zeros_like(weight)
        if count is not None or True in context.needs[1:]:
            by_bias, by_weight = normalise_kernels.sums(gradient, x, mean, inverse)
        if context.needs[0]:
            scale, share = weight * inverse, 0.0 if count is None else 1 / count
            by_mean, by_spread = by_bias, by_weight
            if count is not None:
                by_mean, by_spread = _sums_of_batch(by_bias, by_weight)
            through = scale * by_mean * share, scale * inverse * by_spread * share
            grad_x = normalise_kernels.backward(gradient, x, mean, scale, *through)
            grad_x = _batch_first(grad_x)
        return grad_x, by_weight, by_bias


def _moments_of_batch(x: Array) -> tuple[int, Array, Array]:
    """How many numbers (C, ..., N) has in each channel, their mean and their variance.

    Those of all parts where this is one of a batch.  Raises ShapeError for a single number.
    """
    count = x.size // len(x)
    mean, variance = normalise_kernels.moments(x)
    if is_part():
        counts = np.full(len(x), count)
        parts = of_all_parts(np.stack([counts, mean, variance * counts]))
        counts = parts[:, 0, 0]
        count = int(counts.sum())
        found = normalise_kernels.combined(parts[:, 1].T, parts[:, 2].T, counts)
        mean, variance = (each.astype(x.dtype) for each in found)
    if count == 1:
        raise ShapeError(
            "batch_norm: expected more than one number per channel when training, got an input of"
            f" shape {_batch_first(x).shape}"
        )
    return count, mean, variance


def _sums_of_batch(*sums: Array) -> Sequence[Array]:
    """Sums over a batch, (C,) each, from those over this part of it."""
    if not is_part():
        return sums
    return of_all_parts(np.stack(sums).astype(np.float64)).sum(axis=0).astype(sums[0].dtype)


def _normalised(input: Tensor, rows: int, eps: float) -> Tensor:
    """``input`` with each of ``rows`` equal runs of its numbers shifted and scaled to 0 and 1."""
    flat = input.reshape(1, rows, input.size // rows)
    like = flat.data
    none, one = (
        flat.result(part) for part in (_zeros(like, rows), np.ones_like(like, shape=(rows,)))
    )
    settings: dict[str, Any] = {"running": None, "momentum": 0.0, "training": True, "relu": False}
    return _BatchNorm.apply(flat, one, none, eps=eps, **settings).reshape(input.shape)


def _scaled(input: Tensor, weight: Tensor | None, bias: Tensor | None, *shape: int) -> Tensor:
    """``input`` times a weight plus a bias, both given as ``shape``."""
    input = input if weight is None else input * weight.reshape(*shape)
    return input if bias is None else input + bias.reshape(*shape)


@checked
def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last axes, of ``normalized_shape``, shifted and scaled to mean 0 and variance 1.

    Then times a weight and plus a bias of that shape.  Source: Ba, Kiros & Hinton 2016.
    Raises ShapeError, DTypeError, SpecError.
    """
    given = normalized_shape
    shape = (given,) if isinstance(given, int) else tuple(given)
    number(eps, "layer_norm", 0, wanted="a finite eps of at least 0")
    if not shape or input.shape[-len(shape) :] != shape or 0 in shape:
        raise ShapeError(
            f"layer_norm: expected an input whose last axes are {shape}, got {input.shape}"
        )
    for label, tensor in (("weight", weight), ("bias", bias)):
        if tensor is not None and tensor.shape != shape:
            raise ShapeError(f"layer_norm: expected a {label} of shape {shape}, got {tensor.shape}")
    _same_dtype("layer_norm", input=input, weight=weight, bias=bias)
    rows = input.size // math.prod(shape)
    return _scaled(_normalised(input, rows, eps) if rows else input, weight, bias, *shape)


@checked
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each group of channels of each image shifted and scaled to mean 0 and variance 1.

    input: (N, C, ...); weight, bias: (C,).  Source: Wu & He 2018, equations 1 to 7.
    Raises ShapeError for channels that the groups do not divide, DTypeError, SpecError.
    """
    number(eps, "group_norm", 0, wanted="a finite eps of at least 0")
    if input.ndim < 2 or 0 in input.shape[1:]:
        raise ShapeError(f"group_norm: expected an input of shape (N, C, ...), got {input.shape}")
    count, channels = input.shape[:2]
    if channels % whole(num_groups, "group_norm: num_groups"):
        raise ShapeError(
            f"group_norm: expected channels that {num_groups} groups divide, got {channels}"
        )
    _check_channels("group_norm", channels, {"weight": weight, "bias": bias})
    _same_dtype("group_norm", input=input, weight=weight, bias=bias)
    plain = _normalised(input, count * num_groups, eps) if count else input
    return _scaled(plain, weight, bias, channels, *[1] * (input.ndim - 2))


@_images
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha * mean of the squares in ``size`` neighbouring maps) ** beta.

    Maps that are missing beside the first and last count as 0.  AlexNet's sum of squares has an
    alpha of a ``size``-th (Krizhevsky, Sutskever & Hinton 2012, section 3.3).
    """
    count, channels, height, width = input.shape
    before = whole(size, "local_response_norm: size") // 2
    for label, value in (("alpha", alpha), ("beta", beta), ("k", k)):
        number(value, f"local_response_norm: {label}")
    squares = (input * input).reshape(count, 1, channels, height * width)
    means = avg_pool2d(pad(squares, (0, 0, before, size - 1 - before)), (size, 1), 1)
    return input / (means.reshape(input.shape) * alpha + k) ** beta


def _check_channels(name: str, channels: int, tensors: Mapping[str, Tensor | None]) -> None:
    for label, tensor in tensors.items():
        if tensor is not None and tensor.shape != (channels,):
            raise ShapeError(
                f"{name}: expected a {label} of shape ({channels},), got {tensor.shape}"
            )


@checked
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    relu: bool = False,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) * weight + bias, for each channel by itself.

    input: (N, C, ...); all others: (C,).  In training mean and variance are those of the batch, and
    the running ones move towards them, in place, by the share ``momentum``: the variance as that of
    a sample, divided by one less than the count.  Otherwise they are the running ones.
    ``relu=True`` applies ``relu`` to the result, without a separate pass.

    Source: Ioffe & Szegedy 2015, algorithm 1.
    Raises ShapeError for sizes that do not fit, and in training for a single number per channel;
    DTypeError for mixed kinds of numbers; SpecError for a momentum outside 0 to 1, and if there are
    no running statistics to evaluate with.
    """
    if input.ndim < 2 or 0 in input.shape[1:]:
        raise ShapeError(f"batch_norm: expected an input of shape (N, C, ...), got {input.shape}")
    number(momentum, "batch_norm", 0, 1, "a momentum between 0 and 1")
    number(eps, "batch_norm", 0, wanted="a finite eps of at least 0")
    if (running_mean is None) != (running_var is None) or not (training or running_mean):
        raise SpecError(
            "batch_norm: expected running_mean and running_var, or neither of them in training,"
            f" got {shown(running_mean)} and {shown(running_var)}"
        )
    channels = input.shape[1]
    of_channels = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    _check_channels("batch_norm", channels, of_channels)
    _same_dtype("batch_norm", input=input, **of_channels)
    if not input.shape[0]:
        return input.reshape(input.shape)
    like = input.data
    weight = input.result(np.ones_like(like, shape=(channels,))) if weight is None else weight
    bias = input.result(_zeros(like, channels)) if bias is None else bias
    running = None
    if running_mean is not None and running_var is not None:
        running = running_mean.data, running_var.data
    return _BatchNorm.apply(
        input,
        weight,
        bias,
        running=running,
        momentum=momentum,
        eps=eps,
        training=training,
        relu=relu,
    )


# --- dense layers -------------------------------------------------------------------------


class _Linear(Function):
    fresh = plannable = True

    @staticmethod
    def forward(context: Context, x, weight, bias=None, *, relu: bool):
        # x: (N, I) · weight: (O, I) · bias: (O,)
        x, weight = _batch_last(x), contiguous(weight)
        bias = _zeros(weight, len(weight)) if bias is None else bias
        y = dense_kernels.forward(x, weight, bias, relu)
        context.save(x, weight, y if relu else None)
        return _batch_first(y)

    @staticmethod
    def backward(context, gradient):
        x, weight, y = context.saved
        gradient = _batch_last(gradient)
        if y is not None:
            gradient = pointwise_kernels.relu_backward(gradient, y)
        grad_x = grad_weight = grad_bias = None
        if context.needs[0]:
            grad_x = _batch_first(dense_kernels.grad_input(gradient, weight))
        if context.needs[1]:
            grad_weight, grad_bias = dense_kernels.grad_weight(gradient, x)
        elif context.needs[2:] == (True,):
            grad_bias = conv2d_kernels.grad_bias(gradient)
        return (grad_x, grad_weight, grad_bias)[: len(context.needs)]


@checked
def linear(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, *, relu: bool = False
) -> Tensor:
    """Dense layer: input (..., I) times weight (O, I) transposed, plus bias (O,).

    ``relu=True`` applies ``relu`` to the result, without a separate pass.
    Raises ShapeError for sizes that do not fit, DTypeError for mixed kinds of numbers.
    """
    if weight.ndim != 2 or 0 in weight.shape:
        raise ShapeError(f"linear: expected a weight of shape (O, I), got {weight.shape}")
    outputs, inputs = weight.shape
    _check_weight("linear", input, weight, bias, outputs)
    if input.ndim == 0 or input.shape[-1] != inputs:
        raise ShapeError(f"linear: expected an input of shape (..., {inputs}), got {input.shape}")
    if not input.size and input.ndim == 2:
        return linear(_with_one(input), weight, bias, relu=relu)[:0]
    if input.ndim == 2:
        tensors = (input, weight) if bias is None else (input, weight, bias)
        return _Linear.apply(*tensors, relu=relu)
    flat = linear(input.reshape(input.size // inputs, inputs), weight, bias, relu=relu)
    return flat.reshape(*input.shape[:-1], outputs)


# --- activations --------------------------------------------------------------------------


def _activation(name: str, forward_kernel, backward_kernel) -> type[Function]:
    """A Function whose backward needs only its output."""

    class Activation(Function):
        plannable = True

        @staticmethod
        def forward(context: Context, x):
            y = forward_kernel(_without_gaps(x))
            context.save(y)
            return y

        @staticmethod
        def backward(context, gradient):
            (y,) = context.saved
            return (backward_kernel(_laid_like(gradient, y), y),)

    Activation.__name__ = name
    return Activation


_ReLU = _activation("ReLU", pointwise_kernels.relu_forward, pointwise_kernels.relu_backward)
_Sigmoid = _activation(
    "Sigmoid", pointwise_kernels.sigmoid_forward, pointwise_kernels.sigmoid_backward
)
_Tanh = _activation("Tanh", pointwise_kernels.tanh_forward, pointwise_kernels.tanh_backward)
_ScaledTanh = _activation(
    "ScaledTanh", pointwise_kernels.scaled_tanh_forward, pointwise_kernels.scaled_tanh_backward
)


def relu(input: Tensor) -> Tensor:
    """max(x, 0) for each element; the gradient at 0 is 0."""
    return _ReLU.apply(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)) for each element."""
    return _Sigmoid.apply(input)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent of each element."""
    return _Tanh.apply(input)


def scaled_tanh(input: Tensor) -> Tensor:
    """1.7159 tanh(2 x / 3), which is 1 at 1 and -1 at -1.

    Source: LeCun, Bottou, Bengio & Haffner 1998, appendix A.
    """
    return _ScaledTanh.apply(input)


class _Activation(Function):
    """One of ``kernels.activations``, whose backward needs its input."""

    plannable = True

    @staticmethod
    def forward(context: Context, x, *, kernels, setting):
        x = _without_gaps(x)
        context.save(x, kernels, setting)
        return kernels[0](x, setting)

    @staticmethod
    def backward(context, gradient):
        x, kernels, setting = context.saved
        return (kernels[1](_laid_like(gradient, x), x, setting),)


class _PReLU(Function):
    plannable = True

    @staticmethod
    def forward(context: Context, x, slope):
        # x: (N, C, ...) · slope: (1,), or (C,)
        x = _batch_last(x)
        context.save(x, slope)
        return _batch_first(activation_kernels.leaky[0](x, slope))

    @staticmethod
    def backward(context, gradient):
        x, slope = context.saved
        gradient = _batch_last(gradient)
        grad_x = grad_slope = None
        if context.needs[0]:
            grad_x = _batch_first(activation_kernels.leaky[1](gradient, x, slope))
        if context.needs[1]:
            below = activation_kernels.below(gradient, x)
            grad_slope = conv2d_kernels.grad_bias(below.reshape(len(slope), -1))
        return grad_x, grad_slope


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x, and ``negative_slope`` times x below 0 (Maas, Hannun & Ng 2013)."""
    slope = number(negative_slope, "leaky_relu: negative_slope")
    return _Activation.apply(input, kernels=activation_kernels.leaky, setting=slope)


@checked
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x, and below 0 x times a weight: (1,) for all, or (C,) for the channels of (N, C, ...).

    Source: He et al. 2015, equation 1.  Raises ShapeError, DTypeError.
    """
    _same_dtype("prelu", input=input, weight=weight)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape not in ((1,), (channels,)):
        raise ShapeError(
            f"prelu: expected a weight of shape (1,), or ({channels},) for an input of shape"
            f" {input.shape}, got {weight.shape}"
        )
    if not input.ndim or not input.size:
        return prelu(input.reshape(1, 1), weight).reshape(()) if not input.ndim else input * 1.0
    return _PReLU.apply(input, weight)


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x, and alpha (exp(x) - 1) below 0 (Clevert, Unterthiner & Hochreiter 2016)."""
    setting = number(alpha, "elu: alpha")
    return _Activation.apply(input, kernels=activation_kernels.elu, setting=setting)


SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def selu(input: Tensor) -> Tensor:
    """``elu``, scaled so that a mean of 0 and a variance of 1 stay (Klambauer et al. 2017)."""
    return elu(input, SELU_ALPHA) * SELU_SCALE


@checked
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the share of a standard normal distribution that lies below x.

    ``approximate``: none, or tanh, which takes that instead of the error function.
    Source: Hendrycks & Gimpel 2016.  Raises SpecError.
    """
    if approximate not in ("none", "tanh"):
        raise SpecError(f"gelu: expected approximate none or tanh, got {shown(approximate)}")
    exact = approximate == "none"
    kernels = activation_kernels.gelu if exact else activation_kernels.gelu_tanh
    return _Activation.apply(input, kernels=kernels, setting=0.0)


def silu(input: Tensor) -> Tensor:
    """x / (1 + exp(-x)), also called swish (Elfwing, Uchibe & Doya 2018)."""
    return _Activation.apply(input, kernels=activation_kernels.silu, setting=0.0)


def relu6(input: Tensor) -> Tensor:
    """min(max(x, 0), 6) (Howard et al. 2017)."""
    return _Activation.apply(input, kernels=activation_kernels.capped, setting=6.0)


def hardsigmoid(input: Tensor) -> Tensor:
    """x / 6 + 1/2, cut off at 0 and at 1 (Howard et al. 2019)."""
    return _Activation.apply(input, kernels=activation_kernels.hardsigmoid, setting=3.0)


def hardswish(input: Tensor) -> Tensor:
    """x times its ``hardsigmoid`` (Howard et al. 2019)."""
    return _Activation.apply(input, kernels=activation_kernels.hardswish, setting=3.0)


@checked
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above ``threshold``.

    Source: Dugas et al. 2001.  Raises SpecError for a beta of 0.
    """
    number(threshold, "softplus: threshold")
    if number(beta, "softplus: beta") == 0:
        raise SpecError("softplus: expected a beta that is not 0, got 0")
    kernels = activation_kernels.softplus
    return _Activation.apply(input * beta, kernels=kernels, setting=threshold) / beta


class _Dropout(Function):
    @staticmethod
    def forward(context: Context, x, *, p, key):
        # The mask depends on an element's place in (..., N), not on the memory layout of x.
        x = _batch_last(x) if x.ndim else x
        mask = pointwise_kernels.dropout_mask(x, p, key)
        context.save(mask)
        return _batch_first(elementwise(np.multiply, x, mask)) if x.ndim else x * mask

    @staticmethod
    def backward(context, gradient):
        (mask,) = context.saved
        return (elementwise(np.multiply, gradient, _batch_first(mask) if mask.ndim else mask),)


@checked
def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set each element to zero with probability ``p`` and divide the others by 1 - p.

    Returns the input itself unless ``training``.  Which elements are zeroed
    depends on ``manual_seed`` and the number of calls since.
    Source: Srivastava et al. 2014; the scaling in training is "inverted" dropout.
    Raises SpecError for a probability outside 0 to 1.
    """
    number(p, "dropout", 0, 1, "a probability between 0 and 1")
    if not training or p == 0:
        return input
    if p == 1:
        return input * 0.0
    return _Dropout.apply(input, p=p, key=random.next_key())


@_images
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Set each map of each image to zero with probability ``p``, divide the others by 1 - p.

    Neighbours in a map say much the same, so dropping single ones would drop little.
    Source: Tompson et al. 2015, section 3.2.  Raises SpecError, as ``dropout`` does.
    """
    maps = input.result(np.ones_like(input.data, shape=(*input.shape[:2], 1, 1)))
    kept = dropout(maps, p, training)
    return input if kept is maps else input * kept


# --- softmax and losses -------------------------------------------------------------------


class _Softmax(Function):
    @staticmethod
    def forward(context: Context, x, *, dim):
        y = softmax_kernels.softmax(np.moveaxis(x, dim, 0))
        context.save(y, dim)
        return np.moveaxis(y, 0, dim)

    @staticmethod
    def backward(context, gradient):
        y, dim = context.saved
        gradient = np.moveaxis(gradient, dim, 0)
        return (np.moveaxis(y * (gradient - (gradient * y).sum(axis=0)), 0, dim),)


class _LogSoftmax(Function):
    @staticmethod
    def forward(context: Context, x, *, dim):
        y = softmax_kernels.log_softmax(np.moveaxis(x, dim, 0))
        context.save(y, dim)
        return np.moveaxis(y, 0, dim)

    @staticmethod
    def backward(context, gradient):
        y, dim = context.saved
        gradient = np.moveaxis(gradient, dim, 0)
        return (np.moveaxis(gradient - np.exp(y) * gradient.sum(axis=0), 0, dim),)


def _check_dim(name: str, input: Tensor, dim: int) -> None:
    if not -input.ndim <= dim < input.ndim or input.shape[dim] == 0:
        raise ShapeError(
            f"{name}: expected an axis of shape {input.shape} that is not empty, got {dim}"
        )


@checked
def softmax(input: Tensor, dim: int) -> Tensor:
    """exp(x) divided by its sum along axis ``dim``: probabilities.  Raises ShapeError."""
    _check_dim("softmax", input, dim)
    return _Softmax.apply(input, dim=dim)


@checked
def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Logarithm of ``softmax``, exact for logits of any size.  Raises ShapeError."""
    _check_dim("log_softmax", input, dim)
    return _LogSoftmax.apply(input, dim=dim)


class _CrossEntropy(Function):
    @staticmethod
    def forward(context: Context, x, *, labels, reduction):
        losses, gradient = softmax_kernels.cross_entropy(_batch_last(x), labels)
        if reduction == "mean":
            gradient /= len(labels)
        context.save(gradient)
        return losses if reduction == "none" else getattr(losses, reduction)()

    @staticmethod
    def backward(context, gradient):
        (by_logits,) = context.saved
        return (_batch_first(by_logits * gradient),)


def _labels(name: str, input: Tensor, target) -> Array:
    """Class numbers, where they are; those on the device are not checked: that would mean waiting.

    Raises DTypeError, ShapeError.
    """
    labels: Any = target.data if isinstance(target, Tensor) else target
    labels = labels if isinstance(labels, CudaArray) else np.asarray(labels)
    expected = input.shape[:1] + input.shape[2:]
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: expected integer class labels of shape {expected}, or probabilities"
            f" of shape {input.shape}, got {labels.dtype} of shape {labels.shape}"
        )
    if labels.shape != expected:
        raise ShapeError(
            f"{name}: expected labels of shape {expected} for logits of shape"
            f" {input.shape}, got {labels.shape}"
        )
    return labels


def _check_range(name: str, labels: Array, classes: int) -> None:
    if isinstance(labels, CudaArray):
        return  # a batch made on the device: checking its labels would mean waiting for it
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise ShapeError(
            f"{name}: expected labels from 0 to {classes - 1}, got {labels[outside].flat[0]}"
        )


def _all_count(labels: np.ndarray, classes: int, ignore_index: int) -> bool:
    """Whether all are classes, none of them ignored."""
    inside = 0 <= labels.min() <= labels.max() < classes
    return bool(inside and (ignore_index < 0 or (labels != ignore_index).all()))


def _class_weight(weight: np.ndarray | None, classes: int) -> np.ndarray:
    if weight is None:
        return np.ones(classes)
    class_weight = real_numbers(weight, "cross_entropy: weight").astype(float)
    if class_weight.shape != (classes,):
        raise ShapeError(
            f"cross_entropy: expected a weight of shape ({classes},), got {class_weight.shape}"
        )
    return class_weight


class _WeighedLoss(Function):
    @staticmethod
    def forward(context: Context, x, *, wanted):
        # x: (N, K, ...) log-probabilities; an unwanted class may have one of -inf
        wanted = to_device(wanted, device_of(x))
        context.save(wanted)
        return -pointwise_kernels.weigh(_without_gaps(x), _laid_like(wanted, x)).sum(axis=1)

    @staticmethod
    def backward(context, gradient):
        (wanted,) = context.saved
        return (-wanted * np.expand_dims(gradient, 1),)


@checked
def cross_entropy(
    input: Tensor,
    target: np.ndarray | Tensor | Sequence[int],
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the logarithm of the probability that softmax gives to the right class.

    input: logits (N, K) or (N, K, ...); target: class numbers (N,) or (N, ...),
    or probabilities of the input's shape.  ``weight`` (K,) weighs the classes;
    targets equal to ``ignore_index`` do not count; ``reduction`` is mean (over
    the targets' weights), sum or none; ``label_smoothing`` moves that share of
    each target to all classes evenly (Szegedy et al. 2016, section 7).
    Class numbers on a GPU are not checked as long as ``weight``, ``ignore_index``
    and ``label_smoothing`` have their defaults: one that is not a class makes its
    loss NaN.
    Raises ShapeError, DTypeError, SpecError.
    """
    if reduction not in ("mean", "sum", "none"):
        raise SpecError(f"cross_entropy: expected reduction mean, sum or none, got {reduction!r}")
    number(label_smoothing, "cross_entropy", 0, 1, "label_smoothing in 0 to 1")
    if input.ndim < 2 or input.size == 0:
        raise ShapeError(
            f"cross_entropy: expected logits of shape (N, K) that are not empty, got {input.shape}"
        )
    classes = input.shape[1]
    given = target.data if isinstance(target, Tensor) else target
    plain = weight is None and not label_smoothing and input.ndim == 2
    unchecked = plain and ignore_index == -100
    if isinstance(given, CudaArray) and given.dtype.kind in "iu" and unchecked:
        # Labels of a batch made on the device: checking them would mean waiting for it.
        if given.shape != input.shape[:1]:
            raise ShapeError(
                f"cross_entropy: expected labels of shape {input.shape[:1]}, got {given.shape}"
            )
        return _CrossEntropy.apply(input, labels=given, reduction=reduction)
    given = to_device(given, "cpu") if isinstance(given, CudaArray) else np.asarray(given)
    if given.dtype.kind == "f" and given.shape == input.shape:
        wanted = np.moveaxis(given, 1, 0).astype(input.dtype)
        counted = np.ones(wanted.shape[1:], bool)
        labels = None
    else:
        labels = _labels("cross_entropy", input, given)
        if plain and _all_count(labels, classes, ignore_index):
            return _CrossEntropy.apply(input, labels=labels, reduction=reduction)
        counted = labels != ignore_index
        _check_range("cross_entropy", labels[counted], classes)
        wanted = np.zeros((classes, *labels.shape), input.dtype)
        np.put_along_axis(wanted, np.where(counted, labels, 0)[None], 1, axis=0)
    class_weight = _class_weight(weight, classes)
    wanted = wanted * (1 - label_smoothing) + label_smoothing / classes
    wanted = wanted * class_weight.reshape(-1, *[1] * (wanted.ndim - 1)) * counted
    wanted = np.moveaxis(wanted, 0, 1).astype(input.dtype)
    losses = _WeighedLoss.apply(log_softmax(input, 1), wanted=wanted)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    weights = counted if labels is None else class_weight[labels * counted] * counted
    if not weights.any():
        # No target counts.  As in PyTorch the mean is NaN, and so is the gradient for targets of
        # weight 0, but for ignored ones it is 0.
        nothing = np.where(np.expand_dims(counted, 1), np.nan, 0 * wanted).astype(input.dtype)
        return _WeighedLoss.apply(log_softmax(input, 1), wanted=nothing).sum() + math.nan
    return losses.sum() / float(weights.sum())


class _SquaredDistance(Function):
    @staticmethod
    def forward(context: Context, x, *, centres):
        # x: (N, I) · centres: (K, I)
        difference = x[:, None, :] - constant(centres, device_of(x))
        context.save(difference)
        return (difference * difference).sum(axis=2)

    @staticmethod
    def backward(context, gradient):
        (difference,) = context.saved
        return (2 * (gradient[:, :, None] * difference).sum(axis=1),)


@checked
def squared_distance(input: Tensor, centres: np.ndarray) -> Tensor:
    """Squared Euclidean distance of input (N, I) to fixed ``centres`` (K, I): (N, K).

    The output of 1998's LeNet-5, its "Euclidean radial basis function units"
    (LeCun et al. 1998, equation 7).  Raises ShapeError.
    """
    if input.ndim != 2 or centres.ndim != 2 or input.shape[1] != centres.shape[1]:
        raise ShapeError(
            f"squared_distance: expected an input of shape (N, {centres.shape[-1]}),"
            f" got {input.shape}"
        )
    return _SquaredDistance.apply(input, centres=centres.astype(input.dtype, copy=False))


@checked
def lecun_map_loss(
    distances: Tensor, target: np.ndarray | Sequence[int], margin: float = 0.1
) -> Tensor:
    """The discriminative loss of 1998's LeNet-5: small distance to the right class only.

    distances: (N, K), penalties of the classes; target: (N,) class numbers.  Mean of
    y_target + log(exp(-j) + sum_k exp(-y_k)), where j is ``margin``
    (LeCun et al. 1998, equation 9).  Raises ShapeError, DTypeError.
    """
    if distances.ndim != 2 or distances.size == 0:
        raise ShapeError(
            f"lecun_map_loss: expected distances of shape (N, K) that are not empty,"
            f" got {distances.shape}"
        )
    labels = _labels("lecun_map_loss", distances, target)
    classes = distances.shape[1]
    _check_range("lecun_map_loss", labels, classes)
    right = softmax_kernels.one_hot(labels, classes, distances.dtype)
    # log(exp(-j) + sum exp(-y)) is minus the log-softmax of an additional class with logit -j.
    extended = _Extend.apply(distances * -1, value=-margin)
    log_sum = (log_softmax(extended, 1)[:, classes] * -1) + (-margin)
    return ((distances * right).sum(axis=1) + log_sum).mean()


class _Extend(Function):
    @staticmethod
    def forward(context: Context, x, *, value):
        return np.concatenate([x, np.full_like(x, value, shape=(x.shape[0], 1))], axis=1)

    @staticmethod
    def backward(context, gradient):
        return (gradient[:, :-1],)
