"""The operations behind a tensor's operators and methods.

They are NumPy's own, which keep the memory order and broadcast; each backward directly follows its
forward.
"""

from __future__ import annotations

import numpy as np

from convlab.kernels import dense
from convlab.kernels.device import one_blas_thread
from convlab.kernels.dispatch import Array, contiguous, device_of, to_device
from convlab.kernels.memory import elementwise
from convlab.tape import Context, Function


def sum_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Undo broadcasting: add up the gradient over the axes along which ``shape`` was repeated."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    repeated = tuple(i for i, size in enumerate(shape, extra) if size == 1 < gradient.shape[i])
    return gradient.sum(axis=(*range(extra), *repeated), keepdims=True).reshape(shape)


class Add(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a.shape, b.shape)
        return elementwise(np.add, a, b)

    @staticmethod
    def backward(context, gradient):
        a_shape, b_shape = context.saved
        return sum_to(gradient, a_shape), sum_to(gradient, b_shape)


class Multiply(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a, b)
        return elementwise(np.multiply, a, b)

    @staticmethod
    def backward(context, gradient):
        a, b = context.saved
        return (
            sum_to(elementwise(np.multiply, gradient, b), a.shape) if context.needs[0] else None,
            sum_to(elementwise(np.multiply, gradient, a), b.shape) if context.needs[1] else None,
        )


class Divide(Function):
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
                sum_to(gradient / b, a.shape) if context.needs[0] else None,
                sum_to(-gradient * a / (b * b), b.shape) if context.needs[1] else None,
            )


class Power(Function):
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


class Exp(Function):
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


class Log(Function):
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


def product(a: Array, b: Array) -> Array:
    if isinstance(a, np.ndarray):
        with one_blas_thread():
            return np.matmul(a, b)
    if b.ndim == 1:
        return product(a, b[:, None])[..., 0]
    if a.ndim == 1:
        return product(a[None], b)[..., 0, :]
    if a.ndim == b.ndim == 2:
        return dense.forward(contiguous(b), contiguous(a), np.zeros_like(a, shape=(a.shape[0],)))
    # One launch per pair of matrices.
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b))
    out = np.empty_like(a, shape=(*batch, a.shape[-2], b.shape[-1]))
    for at in np.ndindex(batch):
        out[at] = product(a[at], b[at])
    return out


class MatMul(Function):
    @staticmethod
    def forward(context: Context, a, b):
        context.save(a, b)
        return product(a, b)

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
            grad_a = product(gradient, matrix_b.swapaxes(-1, -2))
            grad_a = sum_to(grad_a, matrix_a.shape).reshape(a.shape)
        if context.needs[1]:
            grad_b = product(matrix_a.swapaxes(-1, -2), gradient)
            grad_b = sum_to(grad_b, matrix_b.shape).reshape(b.shape)
        return grad_a, grad_b


class Sum(Function):
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


class Max(Function):
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
        # Equal winners share the gradient evenly, as in PyTorch's amax.
        return (winners * (gradient / winners.sum(axis=axis, keepdims=True)),)


def _reshaped(a: Array, shape: tuple[int, ...]) -> Array:
    out = a.reshape(shape)
    # A plan of calls would not see a copy that NumPy had to make.
    copied = isinstance(a, np.ndarray) and a.size and not np.may_share_memory(a, out)
    return contiguous(a).reshape(shape) if copied else out


class Reshape(Function):
    plannable = True

    @staticmethod
    def forward(context: Context, a, *, shape):
        context.save(a.shape)
        return _reshaped(a, shape)

    @staticmethod
    def backward(context, gradient):
        (shape,) = context.saved
        return (_reshaped(gradient, shape),)


class Transpose(Function):
    @staticmethod
    def forward(context: Context, a, *, axes):
        context.save(axes)
        return a.transpose(axes)

    @staticmethod
    def backward(context, gradient):
        (axes,) = context.saved
        return (gradient.transpose(None if axes is None else np.argsort(axes)),)


class Index(Function):
    @staticmethod
    def forward(context: Context, a, *, index):
        context.save(a, index)
        return a[index]

    @staticmethod
    def backward(context, gradient):
        a, index = context.saved
        result = np.zeros_like(a)
        keys = index if isinstance(index, tuple) else (index,)
        if all(isinstance(key, (slice, int)) and not isinstance(key, bool) for key in keys):
            result[index] = gradient  # each number is there once
        else:
            np.add.at(result, index, gradient)
        return (result,)


class To(Function):
    @staticmethod
    def forward(context: Context, x, *, device: str):
        context.save(device_of(x))
        return to_device(x, device)

    @staticmethod
    def backward(context, gradient):
        (device,) = context.saved
        return (to_device(gradient, device),)
