"""Sums and maxima on the device, by a fixed tree, so that the same numbers give the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numba import cuda
from numba.extending import register_jitable

from convlab.errors import DeviceError
from convlab.kernels.cuda_array import CudaArray, empty, implements
from convlab.kernels.cuda_launch import SIMULATED, CudaKernel
from convlab.kernels.cuda_pointwise import AXES, add

_TREE = 4 if SIMULATED else 128  # threads of a block that adds up one result
_SUMMING = 16 if SIMULATED else 256  # enough blocks to use a GPU's full bandwidth


def _reduction(function: Callable, first: float) -> tuple[CudaKernel, CudaKernel]:
    """Two kernels: one thread for each result, which is best for many; or blocks for each."""
    inner = register_jitable(function)

    def by_thread(a, outer, outer_steps, length, shape, steps, out, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, rest = a.start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                at += rest % outer[axis] * outer_steps[axis]
                rest //= outer[axis]
            total = a.numbers.dtype.type(first)
            for k in range(length):
                here, rest = at, k
                for back in range(AXES):
                    axis = AXES - 1 - back
                    here += rest % shape[axis] * steps[axis]
                    rest //= shape[axis]
                total = inner(total, a.numbers[here])
            out[i] = total

    def by_block(a, outer, outer_steps, length, shape, steps, out, chunks):
        # out: (results, chunks); one block for each goes through its chunk of the length.
        kept = cuda.shared.array(_TREE, a.numbers.dtype)
        i, thread = cuda.blockIdx.x // chunks, cuda.threadIdx.x
        chunk = cuda.blockIdx.x % chunks
        begin, end = chunk * length // chunks, (chunk + 1) * length // chunks
        at, rest = a.start, i
        for back in range(AXES):
            axis = AXES - 1 - back
            at += rest % outer[axis] * outer_steps[axis]
            rest //= outer[axis]
        total = a.numbers.dtype.type(first)
        for k in range(begin + thread, end, _TREE):
            here, rest = at, k
            for back in range(AXES):
                axis = AXES - 1 - back
                here += rest % shape[axis] * steps[axis]
                rest //= shape[axis]
            total = inner(total, a.numbers[here])
        kept[thread] = total
        cuda.syncthreads()
        half = _TREE // 2
        while half:
            if thread < half:
                kept[thread] = inner(kept[thread], kept[thread + half])
            cuda.syncthreads()
            half //= 2
        if thread == 0:
            out[cuda.blockIdx.x] = kept[0]

    name = function.__name__.strip("_")
    return CudaKernel(by_thread, f"{name}_by_thread"), CudaKernel(by_block, f"{name}_by_block")


def _maximum(a, b):
    return a if a > b or a != a else b


_sum_kernels = _reduction(add, 0)
_max_kernels = _reduction(_maximum, -math.inf)


@implements(np.sum)
def _sum(array: CudaArray, axis=None, keepdims: bool = False) -> CudaArray:
    return _reduce(_sum_kernels, array, axis, keepdims)


@implements(np.max)
def _max(array: CudaArray, axis=None, keepdims: bool = False) -> CudaArray:
    return _reduce(_max_kernels, array, axis, keepdims)


def _reduce(kernels, array: CudaArray, axis, keepdims: bool) -> CudaArray:
    axes = range(array.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted(a % array.ndim for a in axes)
    rest = [a for a in range(array.ndim) if a not in axes]
    # Results have the memory order of their inputs.
    order = sorted(rest, key=lambda a: -array.steps[a])
    inside = sorted(axes, key=lambda a: -array.steps[a])
    outer, outer_steps = _padded(array, order)
    shape, steps = _padded(array, inside)
    out = empty([array.shape[a] for a in order], array.dtype)
    length = math.prod(array.shape[a] for a in axes)
    arguments = (array.run, outer, outer_steps, length, shape, steps)
    if out.size:
        by_thread, by_block = kernels
        if length <= 64 or out.size >= 4096:
            by_thread.each(out.size, *arguments, out.memory, out.size)
        elif (chunks := min(_SUMMING // out.size, length // (16 * _TREE))) > 1:
            # Few long sums: several blocks for each, whose results are then summed.
            parts = empty((*out.shape, chunks), array.dtype)
            by_block.launch(parts.size, _TREE, *arguments, parts.memory, chunks)
            out = _reduce(kernels, parts, -1, False)
        else:
            by_block.launch(out.size, _TREE, *arguments, out.memory, 1)
    out = out.transpose(*[order.index(a) for a in rest]) if rest else out
    if keepdims:
        out = out.reshape([1 if a in axes else n for a, n in enumerate(array.shape)])
    return out


def _padded(array: CudaArray, axes: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if len(axes) > AXES:
        raise DeviceError(f"cuda: expected at most {AXES} axes, got {len(axes)}")
    pad = AXES - len(axes)
    return (
        (1,) * pad + tuple(array.shape[a] for a in axes),
        (0,) * pad + tuple(array.steps[a] for a in axes),
    )
