"""Arithmetic on tensors: what their operators and methods do.

These operations are NumPy's own, which keep the order in memory and broadcast;
each backward stands right below its forward.
"""

from __future__ import annotations

import numbers
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab.autograd import Context, Function, Tensor
from convlab.checks import instance, shown
from convlab.errors import DTypeError, ShapeError
from convlab.kernels import dense
from convlab.kernels.device import one_blas_thread
from convlab.kernels.dispatch import Array, constant, contiguous


def _tensor(value: Any, like: Tensor) -> Tensor:
    """``value`` as a tensor; plain numbers take the other operand's kind."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, numbers.Real):
        value = like.dtype.type(value)
    # What is no tensor yet is a constant: it goes to where the other operand is.
    return Tensor(constant(Tensor(value).data, like.device))


def _sum_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting: add up the gradient over the axes along which ``shape`` was repeated."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    repeated = tuple(i for i, size in enumerate(shape, extra) if size == 1 < gradient.shape[i])
    return gradient.sum(axis=(*range(extra), *repeated), keepdims=True).reshape(shape)


def _broadcast(name: str, a: Tensor, b: Tensor, axes: slice = slice(None)) -> None:
    try:
        np.broadcast_shapes(a.shape[axes], b.shape[axes])
    except ValueError:
        raise ShapeError(
            f"{name}: expected shapes that broadcast, got {a.shape} and {b.shape}"
        ) from None


class _Add(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a.shape, b.shape)
        return a + b

    @staticmethod
    def backward(context, gradient):
        a_shape, b_shape = context.saved
        return _sum_to(gradient, a_shape), _sum_to(gradient, b_shape)


class _Multiply(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a, b)
        return a * b

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved
        return (
            _sum_to(gradient * b, a.shape) if context.needs[0] else None,
            _sum_to(gradient * a, b.shape) if context.needs[1] else None,
        )


class _Divide(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a, b)
        with np.errstate(divide="ignore", invalid="ignore"):
            return a / b

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved
        with np.errstate(divide="ignore", invalid="ignore"):
            return (
                _sum_to(gradient / b, a.shape) if context.needs[0] else None,
                _sum_to(-gradient * a / (b * b), b.shape) if context.needs[1] else None,
            )


class _Power(Function):
    @staticmethod
    def forward(context: Context, a, *, exponent):
        context.save(a, exponent)
        with np.errstate(divide="ignore", invalid="ignore"):
            return a**exponent

    @staticmethod
    def backward(context, gradient):
        a, exponent = context.saved
        if exponent == 0:
            return (np.zeros_like(a),)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (gradient * exponent * a ** (exponent - 1),)


class _Exp(Function):
    @staticmethod
    def forward(context: Context, a):
        with np.errstate(over="ignore"):
            result = np.exp(a)
        context.save(result)
        return result

    @staticmethod
    def backward(context, gradient):
        (result,) = context.saved
        return (gradient * result,)


class _Log(Function):
    @staticmethod
    def forward(context: Context, a):
        context.save(a)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(a)

    @staticmethod
    def backward(context, gradient):
        (a,) = context.saved
        with np.errstate(divide="ignore", invalid="ignore"):
            return (gradient / a,)


def _product(a: Array, b: Array) -> Array:
    if isinstance(a, np.ndarray):
        with one_blas_thread():
            return np.matmul(a, b)
    if b.ndim == 1:
        return _product(a, b[:, None])[..., 0]
    if a.ndim == 1:
        return _product(a[None], b)[..., 0, :]
    if a.ndim == b.ndim == 2:
        return dense.forward(contiguous(b), contiguous(a), np.zeros_like(a, shape=(a.shape[0],)))
    # One launch for each pair of matrices.
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    out = np.empty_like(a, shape=(*batch, a.shape[-2], b.shape[-1]))
    for at in np.ndindex(batch):
        out[at] = _product(a[at], b[at])
    return out


class _MatMul(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a, b)
        return _product(a, b)

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved
        # A vector is a matrix of one row on the left, of one column on the right.
        matrix_a = a[None] if a.ndim == 1 else a
        matrix_b = b[:, None] if b.ndim == 1 else b
        if b.ndim == 1:
            gradient = gradient[..., None]
        if a.ndim == 1:
            gradient = gradient[..., None, :]
        grad_a = grad_b = None
        if context.needs[0]:
            grad_a = _product(gradient, matrix_b.swapaxes(-1, -2))
            grad_a = _sum_to(grad_a, matrix_a.shape).reshape(a.shape)
        if context.needs[1]:
            grad_b = _product(matrix_a.swapaxes(-1, -2), gradient)
            grad_b = _sum_to(grad_b, matrix_b.shape).reshape(b.shape)
        return grad_a, grad_b


class _Sum(Function):
    @staticmethod
    def forward(context: Context, a, *, axis, keepdims):
        context.save(a, axis, keepdims)
        return a.sum(axis=axis, keepdims=keepdims)

    @staticmethod
    def backward(context, gradient):
        a, axis, keepdims = context.saved
        if axis is not None and not keepdims:
            gradient = np.expand_dims(gradient, axis)
        return (np.broadcast_to(gradient, a.shape).astype(a.dtype),)


class _Max(Function):
    @staticmethod
    def forward(context: Context, a, *, axis, keepdims):
        result = a.max(axis=axis, keepdims=True)
        context.save(np.equal(a, result), axis)
        if keepdims:
            return result
        axes = range(a.ndim) if axis is None else [i % a.ndim for i in axis]
        return result.reshape([n for i, n in enumerate(a.shape) if i not in axes])

    @staticmethod
    def backward(context, gradient):
        winners, axis = context.saved
        if axis is not None and gradient.ndim < winners.ndim:
            gradient = np.expand_dims(gradient, axis)
        # Equal winners share the gradient evenly, as PyTorch's amax has it.
        return (winners * (gradient / winners.sum(axis=axis, keepdims=True)),)


class _Reshape(Function):
    @staticmethod
    def forward(context: Context, a, *, shape):
        context.save(a.shape)
        return a.reshape(shape)

    @staticmethod
    def backward(context, gradient):
        (shape,) = context.saved
        return (gradient.reshape(shape),)


class _Transpose(Function):
    @staticmethod
    def forward(context: Context, a, *, axes):
        context.save(axes)
        return a.transpose(axes)

    @staticmethod
    def backward(context, gradient):
        (axes,) = context.saved
        return (gradient.transpose(None if axes is None else np.argsort(axes)),)


class _Index(Function):
    @staticmethod
    def forward(context: Context, a, *, index):
        context.save(a, index)
        return a[index]

    @staticmethod
    def backward(context, gradient):
        a, index = context.saved
        result = np.zeros_like(a)
        np.add.at(result, index, gradient)
        return (result,)


def add(a: Tensor, b: Any) -> Tensor:
    """a + b, broadcast.  Raises ShapeError."""
    b = _tensor(b, a)
    _broadcast("add", a, b)
    return _Add.apply(a, b)


def multiply(a: Tensor, b: Any) -> Tensor:
    """a * b element by element, broadcast.  Raises ShapeError."""
    b = _tensor(b, a)
    _broadcast("multiply", a, b)
    return _Multiply.apply(a, b)


def divide(a: Tensor, b: Any) -> Tensor:
    """a / b element by element, broadcast.  Raises ShapeError."""
    b = _tensor(b, a)
    _broadcast("divide", a, b)
    return _Divide.apply(a, b)


def power(a: Tensor, exponent: float) -> Tensor:
    """a to a constant ``exponent``.  Raises DTypeError for an exponent that is no number."""
    if not isinstance(exponent, numbers.Real):
        raise DTypeError(f"pow: expected a number as exponent, got {type(exponent).__name__}")
    return _Power.apply(a, exponent=exponent)


def exp(a: Tensor) -> Tensor:
    """e to each element."""
    return _Exp.apply(a)


def log(a: Tensor) -> Tensor:
    """Natural logarithm of each element; -inf at 0 and NaN below."""
    return _Log.apply(a)


def matmul(a: Tensor, b: Any) -> Tensor:
    """Matrix product over the last two axes, broadcast over the others.  Raises ShapeError."""
    b = _tensor(b, a)
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0] if b.ndim else None
    if a.ndim == 0 or inner is None or a.shape[-1] != inner:
        raise ShapeError(
            f"matmul: expected the left's columns to be the right's rows, got {a.shape} and"
            f" {b.shape}"
        )
    _broadcast("matmul", a, b, slice(-2))
    return _MatMul.apply(a, b)


def _axes(
    name: str, a: Tensor, axis: int | Sequence[int] | None, keepdims: bool
) -> tuple[int, ...] | None:
    instance(keepdims, f"{name}: keepdims", bool)
    if axis is None:
        return None
    try:
        axes = (axis,) if isinstance(axis, numbers.Integral) else tuple(axis)
        fit = all(-a.ndim <= operator.index(each) < a.ndim for each in axes)
        fit = fit and not any(isinstance(each, bool) for each in axes)
        fit = fit and len({each % a.ndim for each in axes}) == len(axes)
    except TypeError:
        fit = False
    if not fit:
        raise ShapeError(f"{name}: expected an axis of shape {a.shape}, got {shown(axis)}")
    return axes


def sum(a: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Sum over ``axis``, or of all.  Raises ShapeError for an axis that is not there."""
    return _Sum.apply(a, axis=_axes("sum", a, axis, keepdims), keepdims=keepdims)


def mean(a: Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Tensor:
    """Mean over ``axis``, or of all.  Raises ShapeError for an axis that is not there."""
    axes = _axes("mean", a, axis, keepdims)
    count = a.size if axes is None else int(np.prod([a.shape[i] for i in axes]))
    return divide(sum(a, axis, keepdims), count)


def max(a: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Maximum over ``axis``, or of all; equal maxima share the gradient.  Raises ShapeError."""
    axes = _axes("max", a, axis, keepdims)
    if a.size == 0:
        raise ShapeError(f"max: expected at least one element, got shape {a.shape}")
    return _Max.apply(a, axis=axes, keepdims=keepdims)


def reshape(a: Tensor, *shape: int) -> Tensor:
    """The same elements in another shape; one size may be -1.  Raises ShapeError."""
    try:
        if len(shape) == 1 and not isinstance(shape[0], numbers.Integral):
            shape = tuple(shape[0])
        return _Reshape.apply(a, shape=shape)
    except (ValueError, TypeError, OverflowError):
        raise ShapeError(
            f"reshape: expected a shape of {a.size} elements like {a.shape}, got {shown(shape)}"
        ) from None


def transpose(a: Tensor, *axes: int) -> Tensor:
    """Axes in another order, or reversed where none is given.  Raises ShapeError."""
    try:
        if len(axes) == 1 and not isinstance(axes[0], numbers.Integral):
            axes = tuple(axes[0])
        order = tuple(i % a.ndim if -a.ndim <= operator.index(i) < a.ndim else i for i in axes)
    except TypeError:
        order = (None,)
    if axes and set(order) != set(range(a.ndim)) or len(order) not in (0, a.ndim):
        raise ShapeError(f"transpose: expected each axis of {a.shape} once, got {shown(axes)}")
    return _Transpose.apply(a, axes=order or None)


def index(a: Tensor, key: Any) -> Tensor:
    """Elements picked as NumPy picks them.  Raises ShapeError for an index outside."""
    key = key.data if isinstance(key, Tensor) else key
    try:
        return _Index.apply(a, index=key)
    except (IndexError, ValueError, TypeError, OverflowError) as error:
        raise ShapeError(f"index: expected one inside shape {a.shape}: {error}") from None


def _install() -> None:
    """Give ``Tensor``, which knows no operation, its operators and methods."""
    operators = {
        "__add__": add,
        "__radd__": add,
        "__mul__": multiply,
        "__rmul__": multiply,
        "__truediv__": divide,
        "__rtruediv__": lambda a, b: divide(_tensor(b, a), a),
        "__neg__": lambda a: multiply(a, -1),
        "__sub__": lambda a, b: add(a, multiply(_tensor(b, a), -1)),
        "__rsub__": lambda a, b: add(multiply(a, -1), b),
        "__pow__": power,
        "__matmul__": matmul,
        "__rmatmul__": lambda a, b: matmul(_tensor(b, a), a),
        "__getitem__": index,
        "__iter__": lambda a: (index(a, i) for i in range(len(a))),
        "T": property(transpose),
        "exp": exp,
        "log": log,
        "matmul": matmul,
        "max": max,
        "mean": mean,
        "pow": power,
        "reshape": reshape,
        "sum": sum,
        "transpose": transpose,
    }
    for name, operation in operators.items():
        setattr(Tensor, name, operation)


_install()
