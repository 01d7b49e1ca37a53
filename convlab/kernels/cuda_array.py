"""Arrays that live on the device.

A ``CudaArray`` is what NumPy's array is on the CPU: numbers of one kind, a shape, and
steps through memory, so that a transposed or cut array is a view.  It answers to NumPy's
operators and to the few functions of NumPy that ``functional`` and ``arithmetic`` use;
anything else is an error, never a silent copy to the host.

The computations are in cuda_pointwise.py, cuda_reduce.py and cuda_numpy.py, which register here the
NumPy functions that they implement.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from convlab.errors import DeviceError
from convlab.kernels.cuda_launch import BACKENDS, Memory, kernel

FUNCTIONS: dict[Callable, Callable] = {}  # by NumPy's function
UFUNCS: dict[tuple[np.ufunc, str], Callable] = {}  # by NumPy's ufunc and its method


def implements(function: Callable) -> Callable:
    """Decorate the implementation of one of NumPy's functions for arrays on the device."""
    return lambda own: FUNCTIONS.setdefault(function, own)


NUMPY: Any = np
"""NumPy's functions, which know an array on the device by ``__array_function__`` (NEP 18)."""


class Run(NamedTuple):
    """An array as kernels get it: flat ``numbers``, of which its own begin at ``start``."""

    numbers: Any
    start: int


class CudaArray:
    """Numbers on the device: ``memory`` from ``start`` on, ``steps`` numbers apart on each axis."""

    __slots__ = ("_owner", "start", "shape", "steps", "dtype", "__weakref__")

    def __init__(self, owner: Memory, start: int, shape, steps, dtype: np.dtype):
        self._owner, self.start, self.dtype = owner, start, dtype
        self.shape, self.steps = tuple(map(int, shape)), tuple(map(int, steps))

    @property
    def memory(self) -> Any:
        """The flat array that kernels get."""
        return self._owner.array

    @property
    def run(self) -> Run:
        return Run(self.memory, self.start)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one number to the next, by axis."""
        return tuple(step * self.dtype.itemsize for step in self.steps)

    @property
    def is_contiguous(self) -> bool:
        """Whether the numbers lie in order without gaps."""
        wanted = _row_major(self.shape)
        return all(s == w for s, w, n in zip(self.steps, wanted, self.shape, strict=True) if n > 1)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"CudaArray({self.shape}, {self.dtype})"

    def __array__(self, *arguments, **settings):
        raise DeviceError(
            "cuda: expected an array on the CPU, got one on the device; numpy() copies it"
        )

    def numpy(self) -> np.ndarray:
        """A copy on the host."""
        flat = contiguous(self)
        host = self._owner.backend.download(flat.memory, flat.start, flat.size)
        return np.asarray(host).reshape(self.shape)

    def item(self) -> float:
        """The one number.  Waits for the device."""
        return self.numpy().item()

    # --- views ----------------------------------------------------------------------------

    def strided(self, start: int, shape, steps) -> CudaArray:
        """A view of the same memory from ``start`` on."""
        return CudaArray(self._owner, start, shape, steps, self.dtype)

    def transpose(self, *axes) -> CudaArray:
        """Axes in another order, the reverse by default; a view."""
        if len(axes) == 1 and (axes[0] is None or not isinstance(axes[0], int | np.integer)):
            axes = tuple(axes[0]) if axes[0] is not None else ()
        order = [a % self.ndim for a in axes] if axes else range(self.ndim)[::-1]
        shape, steps = [self.shape[a] for a in order], [self.steps[a] for a in order]
        return self.strided(self.start, shape, steps)

    @property
    def T(self) -> CudaArray:
        return self.transpose()

    def swapaxes(self, first: int, second: int) -> CudaArray:
        axes = list(range(self.ndim))
        axes[first], axes[second] = axes[second], axes[first]
        return self.transpose(*axes)

    def reshape(self, *shape) -> CudaArray:
        """The same numbers in another shape; a view where the memory allows it."""
        shape = (
            tuple(shape[0])
            if len(shape) == 1 and not isinstance(shape[0], int | np.integer)
            else shape
        )
        if -1 in shape:
            rest = -math.prod(shape)
            shape = tuple(self.size // rest if s == -1 else s for s in shape)
        if math.prod(shape) != self.size:
            raise ValueError(f"cannot reshape array of size {self.size} into shape {shape}")
        if self.is_contiguous:
            return self.strided(self.start, shape, _row_major(shape))
        steps = _reshaped_steps(self.shape, self.steps, shape)
        if steps is not None:
            return self.strided(self.start, shape, steps)
        return contiguous(self).reshape(shape)

    def __getitem__(self, key) -> CudaArray:
        """As in NumPy: numbers, slices, None and ... give a view, arrays of the host a copy."""
        key = key if isinstance(key, tuple) else (key,)
        if not gives_view(key):
            return _picked(self, key)
        used = sum(k is not None and k is not Ellipsis for k in key)
        if not any(k is Ellipsis for k in key):
            key = (*key, Ellipsis)
        at = next(i for i, k in enumerate(key) if k is Ellipsis)
        key = (*key[:at], *[slice(None)] * (self.ndim - used), *key[at + 1 :])
        start, shape, steps, axis = self.start, [], [], 0
        for k in key:
            if k is None:
                shape.append(1)
                steps.append(0)
                continue
            size, step = self.shape[axis], self.steps[axis]
            if isinstance(k, slice):
                begin, stop, stride = k.indices(size)
                count = len(range(begin, stop, stride))
                start += begin * step if count else 0
                shape.append(count)
                steps.append(step * stride)
            else:
                if not -size <= k < size:
                    raise IndexError(f"index {k} is out of bounds for axis {axis} of size {size}")
                start += int(k) % size * step
            axis += 1
        return self.strided(start, shape, steps)

    def __setitem__(self, key, value) -> None:
        if not gives_view(key if isinstance(key, tuple) else (key,)):
            raise DeviceError(
                "cuda: expected numbers and slices where something is written, got an array as"
                " index; numpy.add.at adds there"
            )
        NUMPY.copyto(self[key], value)

    # --- copies and sums ------------------------------------------------------------------

    def astype(self, dtype, copy: bool = True) -> CudaArray:
        dtype = np.dtype(dtype)
        if dtype == self.dtype and not copy:
            return self
        out = laid_out_like(self, self.shape, dtype)
        NUMPY.copyto(out, self)
        return out

    def copy(self) -> CudaArray:
        return self.astype(self.dtype)

    def sum(self, axis=None, keepdims: bool = False) -> CudaArray:
        return np.sum(self, axis=axis, keepdims=keepdims)

    def max(self, axis=None, keepdims: bool = False) -> CudaArray:
        return np.max(self, axis=axis, keepdims=keepdims)

    def mean(self, axis=None, keepdims: bool = False) -> CudaArray:
        total = self.sum(axis, keepdims)
        return total * (total.size / self.size)

    # --- NumPy's functions and operators --------------------------------------------------

    def __array_function__(self, function, types, arguments, settings):
        own = FUNCTIONS.get(function)
        if own is None:
            raise DeviceError(
                "cuda: expected an operation that runs on the device, got"
                f" numpy.{function.__name__}; numpy() copies to the CPU"
            )
        return own(*arguments, **settings)

    def __array_ufunc__(self, function, method, *inputs, out=None, **settings):
        own = UFUNCS.get((function, method))
        if own is None or settings:
            raise DeviceError(
                "cuda: expected an operation that runs on the device, got"
                f" numpy.{function.__name__}; numpy() copies to the CPU"
            )
        return own(*inputs) if out is None else own(*inputs, out=out[0])

    def __neg__(self):
        return np.negative(self)

    def __add__(self, other):
        return np.add(self, other)

    def __sub__(self, other):
        return np.subtract(self, other)

    def __mul__(self, other):
        return np.multiply(self, other)

    def __rmul__(self, other):
        return np.multiply(other, self)

    def __truediv__(self, other):
        return np.divide(self, other)

    def __rtruediv__(self, other):
        return np.divide(other, self)

    def __pow__(self, other):
        return np.power(self, other)

    def __iadd__(self, other):
        return NUMPY.add(self, other, out=self)

    def __imul__(self, other):
        return NUMPY.multiply(self, other, out=self)

    def __itruediv__(self, other):
        return NUMPY.divide(self, other, out=self)


def _row_major(shape: Sequence[int]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def _reshaped_steps(shape, steps, new) -> tuple[int, ...] | None:
    """Steps of a view of shape ``new``, or None where there is no such view."""
    # Axes whose numbers follow each other are merged; each new axis must lie inside one of them.
    runs: list[list[int]] = []
    for size, step in zip(shape, steps, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * step:
            runs[-1] = [runs[-1][0] * size, step]
        else:
            runs.append([size, step])
    result, at, left = [0] * len(new), len(runs) - 1, runs[-1][0] if runs else 1
    step = runs[-1][1] if runs else 1
    for axis in reversed(range(len(new))):
        if new[axis] == 1:
            continue
        if left == 1:
            at -= 1
            left, step = runs[at]
        if left % new[axis]:
            return None
        result[axis] = step
        step *= new[axis]
        left //= new[axis]
    return tuple(result)


# --- new arrays, and copies ----------------------------------------------------------------


@kernel
def _fill(out, value, count):
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = value


def fill(out: CudaArray, value: float) -> None:
    """Make all numbers ``value``; without gaps."""
    _fill.each(out.size, out.memory, out.dtype.type(value), out.size)


def empty(shape: Sequence[int] | int, dtype: Any = np.float32) -> CudaArray:
    """Memory for numbers, not set."""
    shape = (shape,) if isinstance(shape, int) else tuple(int(size) for size in shape)
    dtype = np.dtype(dtype)
    owner = Memory(max(1, math.prod(shape)), dtype)
    return CudaArray(owner, 0, shape, _row_major(shape), dtype)


def zeros(shape: Sequence[int] | int, dtype: Any = np.float32) -> CudaArray:
    """Numbers that are all 0."""
    out = empty(shape, dtype)
    fill(out, 0)
    return out


def upload(array: np.ndarray) -> CudaArray:
    """A copy of a NumPy array on the device, in the same order in memory."""
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    axes = sorted(range(array.ndim), key=lambda a: -array.strides[a])
    laid = array.transpose(axes)
    out = empty(laid.shape, laid.dtype)
    BACKENDS[-1].upload(np.ascontiguousarray(laid).reshape(-1), out.memory)
    return out.transpose(*np.argsort(axes)) if array.ndim else out


def on_device(value: Any, dtype: Any = None) -> CudaArray:
    """``value`` if it is already an array on the device, else a copy there."""
    if isinstance(value, CudaArray):
        return value
    return upload(np.asarray(value, dtype))


_constants: OrderedDict[tuple, CudaArray] = OrderedDict()


def constant(array: np.ndarray) -> CudaArray:
    """A small array that is read repeatedly and never written: uploaded once."""
    key = id(BACKENDS[-1]), array.dtype.str, array.shape, array.tobytes()
    if key not in _constants:
        _constants[key] = upload(np.ascontiguousarray(array)).reshape(array.shape)
        if len(_constants) > 1024:
            _constants.popitem(last=False)
    _constants.move_to_end(key)
    return _constants[key]


def table(array: np.ndarray) -> Any:
    """The memory of a ``constant``, as kernels get it."""
    return constant(array).memory


def contiguous(array: CudaArray) -> CudaArray:
    """The array itself if it is contiguous, else a contiguous copy."""
    if array.is_contiguous:
        return array
    out = empty(array.shape, array.dtype)
    NUMPY.copyto(out, array)
    return out


def laid_out_like(like: CudaArray, shape, dtype) -> CudaArray:
    """Memory of ``shape`` whose axes lie in the order of ``like``'s."""
    axes = sorted(range(like.ndim), key=lambda a: -like.steps[a])
    flat = empty([shape[a] for a in axes], dtype)
    return flat.transpose(*np.argsort(axes)) if axes else flat


# --- numbers picked by arrays: the host finds their places -----------------------------------


def gives_view(key: tuple) -> bool:
    """Whether an index gives a view: numbers, slices, None and ... do."""
    return all(k is None or k is Ellipsis or isinstance(k, slice | int | np.integer) for k in key)


def places_of(array: CudaArray, key: tuple) -> np.ndarray:
    """Where the numbers that ``key`` picks lie in the array's memory."""
    if any(isinstance(k, CudaArray) for k in key):
        raise DeviceError("cuda: expected an index of the host, got an array on the device")
    places = np.full(array.shape, array.start)
    for axis, (size, step) in enumerate(zip(array.shape, array.steps, strict=True)):
        places += (np.arange(size) * step).reshape(-1, *[1] * (array.ndim - 1 - axis))
    return places[key]


@kernel
def _pick(a, places, out, count):
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = a[places[i]]


def _picked(array: CudaArray, key: tuple) -> CudaArray:
    places = places_of(array, key)
    out, flat = empty(places.shape, array.dtype), upload(places.ravel())
    _pick.each(out.size, array.memory, flat.memory, out.memory, out.size)
    return out
