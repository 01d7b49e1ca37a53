"""NumPy's functions for arrays on the device, other than operators, sums and maxima."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from convlab.kernels.cuda_array import (
    FUNCTIONS,
    NUMPY,
    UFUNCS,
    CudaArray,
    contiguous,
    empty,
    fill,
    gives_view,
    implements,
    laid_out_like,
    on_device,
    places_of,
    upload,
)
from convlab.kernels.cuda_launch import kernel

FUNCTIONS |= {np.copy: CudaArray.copy, np.shape: lambda array: array.shape}


@implements(np.empty_like)
def _empty_like(like, *, shape=None) -> CudaArray:
    return (
        laid_out_like(like, like.shape, like.dtype) if shape is None else empty(shape, like.dtype)
    )


@implements(np.full_like)
def _full_like(like, value, *, shape=None) -> CudaArray:
    out = _empty_like(like, shape=shape)
    fill(out, value)
    return out


@implements(np.zeros_like)
def _zeros_like(like, *, shape=None) -> CudaArray:
    return _full_like(like, 0, shape=shape)


@implements(np.ones_like)
def _ones_like(like, *, shape=None) -> CudaArray:
    return _full_like(like, 1, shape=shape)


@implements(np.broadcast_to)
def _broadcast_to(array, shape) -> CudaArray:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    extra = len(shape) - array.ndim
    steps = [0] * extra
    for size, own, step in zip(shape[extra:], array.shape, array.steps, strict=True):
        if own not in (1, size):
            raise ValueError(f"cannot broadcast shape {array.shape} to {shape}")
        steps.append(step if own == size else 0)
    return array.strided(array.start, shape, steps)


@implements(np.moveaxis)
def _moveaxis(array, source: int, destination: int) -> CudaArray:
    axes = [a for a in range(array.ndim) if a != source % array.ndim]
    axes.insert(destination % array.ndim, source % array.ndim)
    return array.transpose(*axes)


@implements(np.expand_dims)
def _expand_dims(array, axis) -> CudaArray:
    axes = (axis,) if isinstance(axis, int) else axis
    count = array.ndim + len(axes)
    axes = {a % count for a in axes}
    return array[tuple(None if a in axes else slice(None) for a in range(count))]


MOST_JOINED = 60  # arrays whose addresses fit into the 4,096 bytes of arguments of one launch


@kernel
def _join(arrays, ends, out, count):
    # Concatenate runs of numbers in one launch.
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        at, begin = 0, 0
        while i >= ends[at]:
            begin = ends[at]
            at += 1
        out[i] = arrays[at][i - begin]


@implements(np.concatenate)
def _concatenate(arrays, axis=0) -> CudaArray:
    dtype = np.result_type(*(a.dtype for a in arrays))
    if len(arrays) <= MOST_JOINED and all(
        isinstance(a, CudaArray) and a.ndim == 1 and a.dtype == dtype for a in arrays
    ):
        out = empty(sum(a.size for a in arrays), dtype)
        runs = [contiguous(a) for a in arrays]
        # Slicing takes as long as several launches.
        memories = tuple(run.memory[run.start :] if run.start else run.memory for run in runs)
        ends = tuple(np.cumsum([run.size for run in runs]).tolist())
        _join.each(out.size, memories, ends, out.memory, out.size)
        return out
    axis %= arrays[0].ndim
    shape = list(arrays[0].shape)
    shape[axis] = sum(a.shape[axis] for a in arrays)
    out, at = empty(shape, dtype), 0
    for array in arrays:
        key = [slice(None)] * len(shape)
        key[axis] = slice(at, at + array.shape[axis])
        out[tuple(key)] = array
        at += array.shape[axis]
    return out


@implements(np.split)
def _split(array, ends, axis=0) -> list[CudaArray]:
    axis %= array.ndim
    begins, ends = [0, *ends], [*ends, array.shape[axis]]
    whole = [slice(None)] * array.ndim
    parts = []
    for begin, end in zip(begins, ends, strict=True):
        whole[axis] = slice(int(begin), int(end))
        parts.append(array[tuple(whole)])
    return parts


# --- numbers added at places that the host finds --------------------------------------------


@kernel
def _add_picked(a, targets, begins, order, values, count):
    # One thread for each number that is added to, however often, in the order of the values.
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        total = a[targets[i]]
        for k in range(begins[i], begins[i + 1]):
            total += values[order[k]]
        a[targets[i]] = total


def _add_at(array: CudaArray, key: Any, values: Any) -> None:
    key = key if isinstance(key, tuple) else (key,)
    if gives_view(key):
        view = array[key]
        view += values
        return
    places = places_of(array, key)
    values = np.broadcast_to(on_device(values, array.dtype), places.shape)
    order = np.argsort(places, axis=None, kind="stable")
    targets, begins = np.unique(places.ravel()[order], return_index=True)
    tables = [upload(x) for x in (targets, np.append(begins, places.size), order)]
    runs = empty(values.shape, array.dtype)
    NUMPY.copyto(runs, values)
    arguments = (table.memory for table in tables)
    _add_picked.each(targets.size, array.memory, *arguments, runs.memory, targets.size)


UFUNCS[np.add, "at"] = _add_at
