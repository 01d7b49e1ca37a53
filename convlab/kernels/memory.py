"""Memory for results: blocks that are reused once nothing lies in them.

Memory fresh from the system is slow: it maps and clears each page at its first touch, which often
takes longer than the loop that fills it.  So a result lies in a *block*, which is free again when
the last array or view that lies there is gone, no matter who held it.

Free blocks are in lists by size: taking from one, or giving back, is an atomic step in Python.
"""

from __future__ import annotations

import math
from collections import defaultdict
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import psutil

from convlab.kernels.calls import do

CACHE_LINE = 64  # bytes; as many as in the widest vector

LARGE = 1 << 18  # bytes; from here on a block of another size will do
SMALL = 16384  # bytes; below, the system's allocator is as good

LIMIT = psutil.virtual_memory().total // 16
"""Bytes that free blocks may hold; beyond that all are given back to the system."""

_free: defaultdict[int, list[_Memory]] = defaultdict(list)  # by size in bytes
_held = 0  # bytes of all free blocks


class _Memory(np.ndarray):
    """The bytes of a block; a separate class, as NumPy collapses bases of the same class."""

    __slots__ = ()


class _Block(np.ndarray):
    """Bytes while they are lent to the arrays that lie in them."""

    __slots__ = ()

    def __del__(self):
        global _held
        memory = self.base
        if type(memory) is not _Memory:  # a part of a block, or a copy
            return
        _free[memory.size].append(memory)
        _held += memory.size
        if _held > LIMIT:
            empty_cache()


def empty(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An uninitialised array; unless it is small, it begins at a cache line.

    A vector that lies across two cache lines takes twice as long to load.
    """
    global _held
    count, step, blocks = _size_class(shape, dtype)
    if count < SMALL:
        return np.empty(shape, dtype)
    try:
        memory = blocks.pop()
    except IndexError:
        memory = _larger(count, step)
    else:
        _held -= count
    return np.ndarray(shape, dtype, memory.view(_Block))


@lru_cache(maxsize=1024)
def _size_class(shape: tuple[int, ...], dtype: np.dtype | type) -> tuple[int, int, list[_Memory]]:
    """Bytes of a block for such an array, the step to the next size, and the blocks of its size.

    Sizes are rounded up, by an eighth at most, so that blocks serve other shapes too.
    """
    count = math.prod(shape) * np.dtype(dtype).itemsize
    if count < SMALL:
        return count, 0, []
    step = 1 << (count.bit_length() - 4)
    count = -(-count // step) * step
    return count, step, _free[count]


def has_gaps(x: np.ndarray) -> bool:
    """Whether the memory has another order than by the first axis, by the last axis, or by the
    second with the first after all others, as for images with their batch."""
    return not (x.flags.forc or x.transpose(*range(1, x.ndim), 0).flags.c_contiguous)


def empty_like(x: np.ndarray) -> np.ndarray:
    """An array with the shape and memory order of ``x``, which has no gaps."""
    return np.ndarray(x.shape, x.dtype, empty(x.shape, x.dtype), 0, x.strides)


def contiguous(x: np.ndarray) -> np.ndarray:
    """The array itself if it is contiguous, else a contiguous copy."""
    if x.flags.c_contiguous:
        return x
    out = empty(x.shape, x.dtype)
    do(np.copyto, out, x)
    return out


def elementwise(function: np.ufunc, *arrays: Any) -> Any:
    """Apply an elementwise NumPy function whose result has the arrays' kind of number.

    The result of CPU arrays with the same layout is allocated here, that of others by NumPy.
    """
    first = arrays[0]
    for x in arrays:
        alike = type(x) is np.ndarray and x.dtype == first.dtype and x.strides == first.strides
        if not alike or x.shape != first.shape:
            return function(*arrays)
    return function(*arrays) if has_gaps(first) else function(*arrays, out=empty_like(first))


def zeros(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An array of zeros."""
    out = empty(shape, dtype)
    do(np.copyto, out, 0)
    return out


def empty_cache() -> None:
    """Give all free blocks back to the system."""
    global _held
    _held = 0
    for blocks in list(_free.values()):
        blocks.clear()


def _larger(count: int, step: int) -> _Memory:
    """A free block of less than twice the size, as after a smaller last batch, or a new one."""
    global _held
    for size in range(count + step, 2 * count if count >= LARGE else 0, step):
        if _free.get(size):
            with suppress(IndexError):  # another thread may have been faster
                memory = _free[size].pop()
                _held -= size
                return memory
    try:
        fresh = np.empty(count + CACHE_LINE, np.uint8)
    except MemoryError:
        empty_cache()
        fresh = np.empty(count + CACHE_LINE, np.uint8)
    start = -fresh.ctypes.data % CACHE_LINE
    return fresh[start : start + count].view(_Memory)
