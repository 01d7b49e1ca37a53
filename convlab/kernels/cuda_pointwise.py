"""Operations on each number by itself on the device: operators, functions, copies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda
from numba.extending import register_jitable

from convlab.errors import DeviceError
from convlab.kernels.cuda_array import (
    NUMPY,
    UFUNCS,
    CudaArray,
    constant,
    empty,
    implements,
    laid_out_like,
    on_device,
    upload,
)
from convlab.kernels.cuda_launch import CudaKernel

AXES = 6  # the most that a loop over views supports


def _flat_kernel(function: Callable, operands: int) -> CudaKernel:
    """``function`` of one or two runs of numbers; a step of 0 repeats the first."""
    inner = register_jitable(function)

    def one(a, a_step, out, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            out.numbers[out.start + i] = inner(a.numbers[a.start + i * a_step])

    def two(a, a_step, b, b_step, out, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            first, second = a.numbers[a.start + i * a_step], b.numbers[b.start + i * b_step]
            out.numbers[out.start + i] = inner(first, second)

    return CudaKernel(one if operands == 1 else two, f"{function.__name__}_flat")


def _view_kernel(function: Callable, operands: int) -> CudaKernel:
    """The same for views: one thread for each number, which computes its place from the steps."""
    inner = register_jitable(function)

    def one(shape, a, a_steps, out, out_steps, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, to, rest = a.start, out.start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                place = rest % shape[axis]
                rest //= shape[axis]
                at += place * a_steps[axis]
                to += place * out_steps[axis]
            out.numbers[to] = inner(a.numbers[at])

    def two(shape, a, a_steps, b, b_steps, out, out_steps, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, bt, to, rest = a.start, b.start, out.start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                place = rest % shape[axis]
                rest //= shape[axis]
                at += place * a_steps[axis]
                bt += place * b_steps[axis]
                to += place * out_steps[axis]
            out.numbers[to] = inner(a.numbers[at], b.numbers[bt])

    return CudaKernel(one if operands == 1 else two, f"{function.__name__}_view")


POINTWISE: list[Pointwise] = []


class Pointwise:
    """A function of single numbers, for whole arrays of them: NumPy's ufunc on the device."""

    def __init__(self, function: Callable, operands: int):
        self.flat = _flat_kernel(function, operands)
        self.view = _view_kernel(function, operands)
        self.operands = operands
        POINTWISE.append(self)

    def __call__(self, *inputs: Any, out: CudaArray | None = None) -> CudaArray:
        arrays = [x for x in inputs if isinstance(x, CudaArray)]
        dtype = np.result_type(*(x.dtype for x in arrays))
        shape = np.broadcast_shapes(*(np.shape(x) for x in inputs))
        if out is None:
            like = next((x for x in arrays if x.shape == shape), None)
            out = empty(shape, dtype) if like is None else laid_out_like(like, shape, dtype)
        given = [x if isinstance(x, CudaArray) else _constant(x, dtype) for x in inputs]
        self.into(out, *(NUMPY.broadcast_to(x, shape) for x in given))
        return out

    def into(self, out: CudaArray, *inputs: CudaArray) -> None:
        """Write the results to ``out``; all of one shape."""
        if not out.size:
            return
        shape, steps = _joined(out, *inputs)
        if len(shape) == 1 and steps[0][0] == 1:
            operands: list[Any] = []
            for x, (step,) in zip(inputs, steps[1:], strict=True):
                operands += x.run, step
            self.flat.each(out.size, *operands, out.run, out.size)
            return
        if len(shape) > AXES:
            raise DeviceError(f"cuda: expected at most {AXES} axes, got {out.ndim}")
        pad = AXES - len(shape)
        out_steps, *padded = ((0,) * pad + tuple(step) for step in steps)
        operands = [v for x, s in zip(inputs, padded, strict=True) for v in (x.run, s)]
        sizes = (1,) * pad + tuple(shape)
        self.view.each(out.size, sizes, *operands, out.run, out_steps, out.size)


def _constant(value: Any, dtype: np.dtype) -> CudaArray:
    """A number, or an array of the host, as an array on the device."""
    array = np.asarray(value, dtype)
    return upload(array) if array.size > 1 else constant(array)


def _joined(*arrays: CudaArray) -> tuple[list[int], list[list[int]]]:
    """The shape and steps of arrays of one shape, with as few axes as suffice for all of them.

    In the memory order of the first one.
    """
    first = arrays[0]
    axes = [a for a in range(first.ndim) if first.shape[a] != 1]
    axes.sort(key=lambda a: -first.steps[a])
    shape: list[int] = []
    steps: list[list[int]] = [[] for _ in arrays]
    for a in axes:
        size = first.shape[a]
        if shape and all(s[-1] == x.steps[a] * size for s, x in zip(steps, arrays, strict=True)):
            shape[-1] *= size
            for s, x in zip(steps, arrays, strict=True):
                s[-1] = x.steps[a]
        else:
            shape.append(size)
            for s, x in zip(steps, arrays, strict=True):
                s.append(x.steps[a])
    if not shape:
        return [1], [[1]] + [[0] for _ in arrays[1:]]
    return shape, steps


_MINUS_INFINITY, _NAN = np.float32(-math.inf), np.float32(math.nan)


def _same(a):
    return a


def add(a, b):
    return a + b


def _subtract(a, b):
    return a - b


def _multiply(a, b):
    return a * b


def _divide(a, b):
    return a / b


def _power(a, b):
    return a**b


def _equal(a, b):
    return 1 if a == b else 0


def _negative(a):
    return -a


def _exp(a):
    return math.exp(a)


def _sqrt(a):
    return math.sqrt(a)


def _log(a):
    return math.log(a) if a > 0 else _MINUS_INFINITY if a == 0 else _NAN


_copy = Pointwise(_same, 1)

for _function, _own in {
    np.add: Pointwise(add, 2),
    np.subtract: Pointwise(_subtract, 2),
    np.multiply: Pointwise(_multiply, 2),
    np.divide: Pointwise(_divide, 2),
    np.power: Pointwise(_power, 2),
    np.equal: Pointwise(_equal, 2),  # as 1 and 0, of the same kind
    np.negative: Pointwise(_negative, 1),
    np.exp: Pointwise(_exp, 1),
    np.sqrt: Pointwise(_sqrt, 1),
    np.log: Pointwise(_log, 1),
}.items():
    UFUNCS[_function, "__call__"] = _own


@implements(np.copyto)
def _copyto(target: CudaArray, source: Any) -> None:
    _copy.into(target, NUMPY.broadcast_to(on_device(source, target.dtype), target.shape))
