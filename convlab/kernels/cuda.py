"""CUDA: what is there, arrays that live on the device, and how their kernels are launched.

A ``CudaArray`` is what NumPy's array is on the CPU: numbers of one kind, a shape, and
steps through memory, so that a transposed or cut array is a view.  It answers to NumPy's
operators and to the few functions of NumPy that ``functional`` and ``arithmetic`` use;
what it does not know is an error, never a silent copy to the host.

Kernels are plain functions here until their first launch: without a GPU, a driver or
Numba's CUDA package every module still imports.
"""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import cuda
from numba.extending import register_jitable

from convlab.errors import DeviceError

# The simulator runs each thread of a block in Python; small blocks show as much as large ones.
SIMULATED = bool(numba.config.ENABLE_CUDASIM)
THREADS = 8 if SIMULATED else 256  # of a block, where each makes one number
MOST_BLOCKS = 16 if SIMULATED else 1 << 16
MOST_BLOCKS_ACROSS = 65_535  # along the second and third axis of a grid
AXES = 6  # the most that a loop over views goes through

INSTALL = "pip install 'convlab[cuda]' (driver 525 or later) or 'convlab[cuda13]' (580 or later)"


class OutOfMemoryError(DeviceError):
    """The device has no room for an array; ``wanted``, ``free`` and ``held`` are bytes."""

    def __init__(self, wanted: int, free: int, held: int):
        self.wanted, self.free, self.held = wanted, free, held
        super().__init__(
            f"cuda: expected {_size_text(wanted)} of memory on the device, got {_size_text(free)}"
            f" free beside {_size_text(held)} in use here"
        )


def _size_text(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count < 2**30 else f"{count / 2**30:,.2f} GiB"


# --- what is there ------------------------------------------------------------------------


class DeviceInfo(NamedTuple):
    """A GPU: compute capability as (major, minor), memory in bytes."""

    name: str
    compute_capability: tuple[int, int]
    memory: int
    free: int
    driver: str


def why_not() -> str | None:
    """Why CUDA cannot be used here, in words; None where it can."""
    if SIMULATED or _backend is not _device:
        return None
    try:
        if cuda.is_available():
            cuda.current_context()
            return None
        cuda.cudadrv.driver.driver.get_device_count()
    except Exception as error:  # each layer below has errors of its own
        lines = [line.strip(" :.") for line in str(error).splitlines()]
        told = (line for line in lines if " " in line and not line.startswith("Error at"))
        return next(told, type(error).__name__)
    return "no GPU was found"


def devices() -> list[DeviceInfo]:
    """The GPUs of this machine; empty where there are none.  The simulator counts as one."""
    if SIMULATED:
        return [DeviceInfo("Numba's simulator", (0, 0), 0, 0, "none")]
    if not cuda.is_available():
        return []
    found = []
    for device in cuda.list_devices():
        name = device.name
        with cuda.gpus[device.id]:
            free, total = cuda.current_context().get_memory_info()
        version = ".".join(map(str, cuda.cudadrv.driver.driver.get_version()))
        name = name.decode() if isinstance(name, bytes) else name
        found.append(DeviceInfo(name, tuple(device.compute_capability), total, free, version))
    return found


@lru_cache(maxsize=1)
def require() -> None:
    """Raises DeviceError where CUDA cannot be used, with what to do about it."""
    reason = why_not()
    if reason is not None:
        raise DeviceError(
            f"device cuda: expected an NVIDIA GPU with its driver, got none: {reason};"
            f" {INSTALL}; --device cpu works everywhere"
        )


def seconds(function: Callable[[], object], count: int) -> float:
    """How long the device works on ``count`` calls, between two events of its own clock."""
    begin, end = cuda.event(), cuda.event()
    begin.record()
    for _ in range(count):
        function()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000


def synchronize() -> None:
    """Wait until the device has done all that it was given."""
    cuda.synchronize()


# --- memory and launches ------------------------------------------------------------------


class _Device:
    """The GPU, or its simulator: memory that is used again, and launches in one stream.

    Asking the driver for memory waits for all work; so what is no longer used is kept for
    the next array of about its size.  One stream: whoever gets it comes later.
    """

    def __init__(self):
        self.spare: dict[tuple[int, np.dtype], list] = defaultdict(list)
        self.held = 0  # bytes, spare ones among them

    def allocate(self, count: int, dtype: np.dtype) -> Any:
        with suppress(IndexError):  # another thread may have been faster
            return self.spare[count, dtype].pop()
        require()
        try:
            memory = self._ask(count, dtype)
        except OutOfMemoryError:
            for (length, kind), arrays in list(self.spare.items()):
                self.held -= len(arrays) * length * kind.itemsize
                arrays.clear()
            memory = self._ask(count, dtype)
        self.held += count * dtype.itemsize
        return memory

    def _ask(self, count: int, dtype: np.dtype) -> Any:
        try:
            return cuda.device_array(count, dtype)
        except Exception as error:
            if "MEMORY" not in str(error).upper():
                raise
            free, _ = cuda.current_context().get_memory_info()
            raise OutOfMemoryError(count * dtype.itemsize, free, self.held) from None

    def release(self, memory: Any, count: int, dtype: np.dtype) -> None:
        self.spare[count, dtype].append(memory)

    def upload(self, array: np.ndarray, memory: Any) -> None:
        memory[: array.size].copy_to_device(array)

    def download(self, memory: Any, start: int, count: int) -> np.ndarray:
        return memory[start : start + count].copy_to_host()

    def launch(self, kernel: CudaKernel, blocks, threads, arguments) -> None:
        kernel.compiled[blocks, threads](*arguments)


class Compiled(NamedTuple):
    """A kernel as the assembler made it; ``kinds`` are those of its arguments."""

    name: str
    kinds: str
    compute_capability: tuple[int, int]
    registers: int  # of a thread
    spilled: int  # bytes stored for want of registers
    stack: int  # bytes of arrays that are not in registers


class CompileOnly:
    """Stands for a GPU that is not there: each launch is compiled and assembled, none is run.

    ``kernels`` collects what came of it, one for each kernel, kinds of arguments and compute
    capability.  Numbers on such a device mean nothing.
    """

    def __init__(self, compute_capabilities: Sequence[tuple[int, int]]):
        self.compute_capabilities = tuple(compute_capabilities)
        self.kernels: dict[tuple, Compiled] = {}

    def __enter__(self) -> CompileOnly:
        global _backend
        self._before, _backend = _backend, self
        return self

    def __exit__(self, *error) -> None:
        global _backend
        _backend = self._before

    def allocate(self, count, dtype):
        return np.zeros(count, dtype)

    def release(self, memory, count, dtype):
        pass

    def upload(self, array, memory):
        memory[: array.size] = array

    def download(self, memory, start, count):
        return memory[start : start + count].copy()

    def launch(self, kernel, blocks, threads, arguments):
        kinds = tuple(numba.typeof(argument) for argument in arguments)
        for capability in self.compute_capabilities:
            key = kernel.name, kinds, capability
            if key not in self.kernels:
                self.kernels[key] = _assemble(kernel, kinds, capability)


def _assemble(kernel: CudaKernel, kinds: tuple, capability: tuple[int, int]) -> Compiled:
    import re

    from cuda.core import Linker, LinkerOptions, ObjectCode
    from numba.cuda import dispatcher

    # Functions that kernels call are compiled for the current device; here there is none.
    before = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=capability)
    try:
        text, _ = cuda.compile_ptx(kernel.function, kinds, cc=capability)
    finally:
        dispatcher.get_current_device = before
    options = LinkerOptions(
        arch=f"sm_{capability[0]}{capability[1]}", ptxas_options=["-v"], link_time_optimization=None
    )
    linker = Linker(ObjectCode.from_ptx(text.encode()), options=options)
    linker.link("cubin")
    log = linker.get_info_log()

    def number(pattern: str) -> int:
        found = re.search(pattern, log)
        return int(found[1]) if found else 0

    return Compiled(
        kernel.name,
        ", ".join(map(str, kinds)),
        capability,
        number(r"Used (\d+) registers"),
        number(r"(\d+) bytes spill stores"),
        number(r"(\d+) bytes stack frame"),
    )


_device = _Device()
_backend: Any = _device


class _Memory:
    """Memory that goes back when the last array that lies in it is gone."""

    __slots__ = ("array", "count", "dtype", "backend")

    def __init__(self, count: int, dtype: np.dtype):
        # Sizes are rounded up, so that batches of other sizes find memory to use again.
        step = max(256, 1 << max(0, count.bit_length() - 3))
        self.count, self.dtype, self.backend = -(-count // step) * step, dtype, _backend
        self.array = _backend.allocate(self.count, dtype)

    def __del__(self):
        if hasattr(self, "array"):
            self.backend.release(self.array, self.count, self.dtype)


KERNELS: list[CudaKernel] = []
POINTWISE: list[Pointwise] = []


class CudaKernel:
    """A kernel: compiled for the kinds of its arguments when it is launched with them first."""

    def __init__(self, function: Callable, name: str | None = None):
        self.function = function
        self.name = (name or function.__name__).strip("_")
        KERNELS.append(self)

    @cached_property
    def compiled(self) -> Any:
        return cuda.jit(self.function)

    def launch(self, blocks: int | tuple[int, ...], threads: int, *arguments: Any) -> None:
        """Run ``threads`` threads in each of ``blocks`` blocks; arrays as ``CudaArray.memory``."""
        if isinstance(blocks, tuple) and max(blocks[1:]) > MOST_BLOCKS_ACROSS:
            raise DeviceError(
                f"cuda: expected at most {MOST_BLOCKS_ACROSS:,} blocks of channels, or groups, got"
                f" {max(blocks[1:]):,}"
            )
        _backend.launch(self, blocks, threads, arguments)

    def each(self, count: int, *arguments: Any) -> None:
        """Run over ``count`` numbers: a thread for each, or, of very many, for every so many."""
        if count:
            _backend.launch(self, min(-(-count // THREADS), MOST_BLOCKS), THREADS, arguments)


def kernel(function: Callable) -> CudaKernel:
    """Decorate a CUDA kernel; see ``CudaKernel``."""
    return CudaKernel(function)


# --- arrays -------------------------------------------------------------------------------


class CudaArray:
    """Numbers on the device: ``memory`` from ``start`` on, ``steps`` numbers apart by axis."""

    __slots__ = ("_owner", "start", "shape", "steps", "dtype", "__weakref__")

    def __init__(self, owner: _Memory, start: int, shape, steps, dtype: np.dtype):
        self._owner, self.start, self.dtype = owner, start, dtype
        self.shape, self.steps = tuple(map(int, shape)), tuple(map(int, steps))

    @property
    def memory(self) -> Any:
        """The flat array that kernels get."""
        return self._owner.array

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from a number to the next one, by axis."""
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
        host = _backend.download(flat.memory, flat.start, flat.size)
        return np.asarray(host).reshape(self.shape)

    def item(self) -> float:
        """The one number.  Waits for the device."""
        return self.numpy().item()

    # --- views ----------------------------------------------------------------------------

    def _view(self, start: int, shape, steps) -> CudaArray:
        return CudaArray(self._owner, start, shape, steps, self.dtype)

    def transpose(self, *axes) -> CudaArray:
        """Axes in another order, the reverse by default; a view."""
        if len(axes) == 1 and (axes[0] is None or not isinstance(axes[0], int | np.integer)):
            axes = tuple(axes[0]) if axes[0] is not None else ()
        axes = [a % self.ndim for a in axes] if axes else range(self.ndim)[::-1]
        return self._view(self.start, [self.shape[a] for a in axes], [self.steps[a] for a in axes])

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
            return self._view(self.start, shape, _row_major(shape))
        steps = _reshaped_steps(self.shape, self.steps, shape)
        if steps is not None:
            return self._view(self.start, shape, steps)
        return contiguous(self).reshape(shape)

    def ravel(self, order: str = "C") -> CudaArray:
        """One axis; with order "K" as the numbers lie in memory."""
        if order == "K":
            axes = sorted(range(self.ndim), key=lambda a: -self.steps[a])
            return self.transpose(*axes).reshape(-1) if self.ndim else self.reshape(1)
        return self.reshape(-1)

    def __getitem__(self, key) -> CudaArray:
        """As in NumPy: numbers, slices, None and ... give a view, arrays of the host a copy."""
        key = key if isinstance(key, tuple) else (key,)
        if not _gives_view(key):
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
        return self._view(start, shape, steps)

    def __setitem__(self, key, value) -> None:
        if not _gives_view(key if isinstance(key, tuple) else (key,)):
            raise DeviceError(
                "cuda: expected numbers and slices where something is written, got an array as"
                " index; numpy.add.at adds there"
            )
        target = self[key]
        _copy_to(np.broadcast_to(on_device(value, self.dtype), target.shape), target)

    # --- copies and sums ------------------------------------------------------------------

    def astype(self, dtype, copy: bool = True) -> CudaArray:
        dtype = np.dtype(dtype)
        if dtype == self.dtype and not copy:
            return self
        return _copy_to(self, _laid_out_like(self, self.shape, dtype))

    def copy(self) -> CudaArray:
        return self.astype(self.dtype)

    def sum(self, axis=None, keepdims: bool = False) -> CudaArray:
        return _reduce(_sum_kernels, self, axis, keepdims)

    def max(self, axis=None, keepdims: bool = False) -> CudaArray:
        return _reduce(_max_kernels, self, axis, keepdims)

    def mean(self, axis=None, keepdims: bool = False) -> CudaArray:
        total = self.sum(axis, keepdims)
        return total * (total.size / self.size)

    # --- NumPy's functions and operators --------------------------------------------------

    def __array_function__(self, function, types, arguments, settings):
        own = _FUNCTIONS.get(function)
        if own is None:
            raise DeviceError(
                "cuda: expected an operation that runs on the device, got"
                f" numpy.{function.__name__}; numpy() copies to the CPU"
            )
        return own(*arguments, **settings)

    def __array_ufunc__(self, function, method, *inputs, out=None, **settings):
        if function is np.add and method == "at":
            return _add_at(*inputs)
        own = _UFUNCS.get(function)
        if own is None or method != "__call__" or settings:
            raise DeviceError(
                "cuda: expected an operation that runs on the device, got"
                f" numpy.{function.__name__}; numpy() copies to the CPU"
            )
        return own(*inputs, out=None if out is None else out[0])

    def __neg__(self):
        return np.negative(self)

    def __add__(self, other):
        return np.add(self, other)

    def __radd__(self, other):
        return np.add(other, self)

    def __sub__(self, other):
        return np.subtract(self, other)

    def __rsub__(self, other):
        return np.subtract(other, self)

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
        return np.add(self, other, out=self)

    def __imul__(self, other):
        return np.multiply(self, other, out=self)

    def __itruediv__(self, other):
        return np.divide(self, other, out=self)


def _row_major(shape: Sequence[int]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def _reshaped_steps(shape, steps, new) -> tuple[int, ...] | None:
    """Steps of a view of shape ``new``, None where there is no such view."""
    # Axes whose numbers follow each other become one; each new axis must lie inside one.
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


def empty(shape: Sequence[int] | int, dtype: Any = np.float32) -> CudaArray:
    """Memory for numbers, not set."""
    shape = (shape,) if isinstance(shape, int) else tuple(int(size) for size in shape)
    dtype = np.dtype(dtype)
    owner = _Memory(max(1, math.prod(shape)), dtype)
    return CudaArray(owner, 0, shape, _row_major(shape), dtype)


def full(shape: Sequence[int], value: float, dtype: Any = np.float32) -> CudaArray:
    """Numbers that are all ``value``."""
    out = empty(shape, dtype)
    _fill.each(out.size, out.memory, out.dtype.type(value), out.size)
    return out


def zeros(shape: Sequence[int] | int, dtype: Any = np.float32) -> CudaArray:
    """Numbers that are all 0."""
    return full((shape,) if isinstance(shape, int) else shape, 0, dtype)


def upload(array: np.ndarray) -> CudaArray:
    """A copy of a NumPy array on the device, in the same order in memory."""
    array = np.asarray(array)
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    axes = sorted(range(array.ndim), key=lambda a: -array.strides[a])
    laid = array.transpose(axes)
    out = empty(laid.shape, laid.dtype)
    _backend.upload(np.ascontiguousarray(laid).reshape(-1), out.memory)
    return out.transpose(*np.argsort(axes)) if array.ndim else out


def on_device(value: Any, dtype: Any = None) -> CudaArray:
    """``value`` where it is an array on the device already, else a copy there."""
    if isinstance(value, CudaArray):
        return value
    return upload(np.asarray(value, dtype))


_constants: OrderedDict[tuple, CudaArray] = OrderedDict()


def constant(array: np.ndarray) -> CudaArray:
    """A small array that is read again and again, and never written: uploaded once."""
    key = id(_backend), array.dtype.str, array.shape, array.tobytes()
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
    """The array itself where its numbers lie in order, else a copy in which they do."""
    if array.is_contiguous:
        return array
    return _copy_to(array, empty(array.shape, array.dtype))


def _laid_out_like(like: CudaArray, shape, dtype) -> CudaArray:
    """Memory of ``shape`` whose axes lie in the order of ``like``'s."""
    axes = sorted(range(like.ndim), key=lambda a: -like.steps[a])
    flat = empty([shape[a] for a in axes], dtype)
    return flat.transpose(*np.argsort(axes)) if axes else flat


# --- one number after the other: copies, operators, functions -----------------------------


@kernel
def _fill(out, value, count):
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        out[i] = value


def _flat_kernel(function: Callable, operands: int) -> CudaKernel:
    """``function`` of one or two runs of numbers; a step of 0 repeats the first."""
    inner = register_jitable(function)

    def one(a, a_start, a_step, out, out_start, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            out[out_start + i] = inner(a[a_start + i * a_step])

    def two(a, a_start, a_step, b, b_start, b_step, out, out_start, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            out[out_start + i] = inner(a[a_start + i * a_step], b[b_start + i * b_step])

    return CudaKernel(one if operands == 1 else two, f"{function.__name__}_flat")


def _view_kernel(function: Callable, operands: int) -> CudaKernel:
    """The same for views: one thread for each number, which finds its place by the steps."""
    inner = register_jitable(function)

    def one(shape, a, a_start, a_steps, out, out_start, out_steps, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, to, rest = a_start, out_start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                place = rest % shape[axis]
                rest //= shape[axis]
                at += place * a_steps[axis]
                to += place * out_steps[axis]
            out[to] = inner(a[at])

    def two(shape, a, a_start, a_steps, b, b_start, b_steps, out, out_start, out_steps, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, bt, to, rest = a_start, b_start, out_start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                place = rest % shape[axis]
                rest //= shape[axis]
                at += place * a_steps[axis]
                bt += place * b_steps[axis]
                to += place * out_steps[axis]
            out[to] = inner(a[at], b[bt])

    return CudaKernel(one if operands == 1 else two, f"{function.__name__}_view")


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
            out = empty(shape, dtype) if like is None else _laid_out_like(like, shape, dtype)
        inputs = [x if isinstance(x, CudaArray) else _constant(x, dtype) for x in inputs]
        self.into(out, *(np.broadcast_to(x, shape) for x in inputs))
        return out

    def into(self, out: CudaArray, *inputs: CudaArray) -> None:
        """Write the results to ``out``; all of one shape."""
        if not out.size:
            return
        shape, steps = _joined(out, *inputs)
        if len(shape) == 1 and steps[0][0] == 1:
            operands = [
                v
                for x, (step,) in zip(inputs, steps[1:], strict=True)
                for v in (x.memory, x.start, step)
            ]
            self.flat.each(out.size, *operands, out.memory, out.start, out.size)
            return
        if len(shape) > AXES:
            raise DeviceError(f"cuda: expected at most {AXES} axes, got {out.ndim}")
        pad = AXES - len(shape)
        out_steps, *steps = ((0,) * pad + tuple(step) for step in steps)
        operands = [v for x, s in zip(inputs, steps, strict=True) for v in (x.memory, x.start, s)]
        shape = (1,) * pad + tuple(shape)
        self.view.each(out.size, shape, *operands, out.memory, out.start, out_steps, out.size)


def _constant(value: Any, dtype: np.dtype) -> CudaArray:
    """A number, or an array of the host, as an array on the device."""
    array = np.asarray(value, dtype)
    return upload(array) if array.size > 1 else constant(array)


def _joined(*arrays: CudaArray) -> tuple[list[int], list[list[int]]]:
    """The shape and steps of arrays of one shape, with as few axes as do for all of them.

    In the order in which the first one lies in memory.
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


def _add(a, b):
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


def _log(a):
    return math.log(a) if a > 0 else _MINUS_INFINITY if a == 0 else _NAN


def _maximum(a, b):
    return a if a > b or a != a else b


_copy = Pointwise(_same, 1)
_UFUNCS = {
    np.add: Pointwise(_add, 2),
    np.subtract: Pointwise(_subtract, 2),
    np.multiply: Pointwise(_multiply, 2),
    np.divide: Pointwise(_divide, 2),
    np.power: Pointwise(_power, 2),
    np.equal: Pointwise(_equal, 2),  # as 1 and 0, of the same kind
    np.negative: Pointwise(_negative, 1),
    np.exp: Pointwise(_exp, 1),
    np.log: Pointwise(_log, 1),
}


def _copy_to(source: CudaArray, target: CudaArray) -> CudaArray:
    _copy.into(target, source)
    return target


# --- numbers picked by arrays: the host finds their places -----------------------------------


def _gives_view(key: tuple) -> bool:
    return all(k is None or k is Ellipsis or isinstance(k, slice | int | np.integer) for k in key)


def _places(array: CudaArray, key: tuple) -> np.ndarray:
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


@kernel
def _add_picked(a, targets, begins, order, values, count):
    # A thread for each number that is added to, however often: in the order of the values.
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        total = a[targets[i]]
        for k in range(begins[i], begins[i + 1]):
            total += values[order[k]]
        a[targets[i]] = total


def _picked(array: CudaArray, key: tuple) -> CudaArray:
    places = _places(array, key)
    out, flat = empty(places.shape, array.dtype), upload(places.ravel())
    _pick.each(out.size, array.memory, flat.memory, out.memory, out.size)
    return out


def _add_at(array: CudaArray, key: Any, values: Any) -> None:
    key = key if isinstance(key, tuple) else (key,)
    if _gives_view(key):
        view = array[key]
        view += values
        return
    places = _places(array, key)
    values = np.broadcast_to(on_device(values, array.dtype), places.shape)
    order = np.argsort(places, axis=None, kind="stable")
    targets, begins = np.unique(places.ravel()[order], return_index=True)
    tables = [upload(x) for x in (targets, np.append(begins, places.size), order)]
    runs = _copy_to(values, empty(values.shape, array.dtype))
    arguments = (table.memory for table in tables)
    _add_picked.each(targets.size, array.memory, *arguments, runs.memory, targets.size)


# --- sums and maxima: a fixed tree, so that the same numbers give the same bits ------------

_TREE = 4 if SIMULATED else 128  # threads of a block that adds up one result
_SUMMING = 16 if SIMULATED else 256  # blocks that are enough to read with all of a GPU


def _reduction(function: Callable, first: float) -> tuple[CudaKernel, CudaKernel]:
    """Two kernels: a thread for each result, which is best for many; blocks for each."""
    inner = register_jitable(function)

    def by_thread(a, a_start, outer, outer_steps, length, shape, steps, out, count):
        for i in range(cuda.grid(1), count, cuda.gridsize(1)):
            at, rest = a_start, i
            for back in range(AXES):
                axis = AXES - 1 - back
                at += rest % outer[axis] * outer_steps[axis]
                rest //= outer[axis]
            total = a.dtype.type(first)
            for k in range(length):
                here, rest = at, k
                for back in range(AXES):
                    axis = AXES - 1 - back
                    here += rest % shape[axis] * steps[axis]
                    rest //= shape[axis]
                total = inner(total, a[here])
            out[i] = total

    def by_block(a, a_start, outer, outer_steps, length, shape, steps, out, chunks):
        # out: (results, chunks); a block for each goes through its chunk of the length.
        kept = cuda.shared.array(_TREE, a.dtype)
        i, thread = cuda.blockIdx.x // chunks, cuda.threadIdx.x
        chunk = cuda.blockIdx.x % chunks
        begin, end = chunk * length // chunks, (chunk + 1) * length // chunks
        at, rest = a_start, i
        for back in range(AXES):
            axis = AXES - 1 - back
            at += rest % outer[axis] * outer_steps[axis]
            rest //= outer[axis]
        total = a.dtype.type(first)
        for k in range(begin + thread, end, _TREE):
            here, rest = at, k
            for back in range(AXES):
                axis = AXES - 1 - back
                here += rest % shape[axis] * steps[axis]
                rest //= shape[axis]
            total = inner(total, a[here])
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


_sum_kernels = _reduction(_add, 0)
_max_kernels = _reduction(_maximum, -math.inf)


def _reduce(kernels, array: CudaArray, axis, keepdims: bool) -> CudaArray:
    axes = range(array.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = sorted(a % array.ndim for a in axes)
    rest = [a for a in range(array.ndim) if a not in axes]
    # Results lie in the order in which what they are made of lies.
    order = sorted(rest, key=lambda a: -array.steps[a])
    inside = sorted(axes, key=lambda a: -array.steps[a])
    outer, outer_steps = _padded(array, order)
    shape, steps = _padded(array, inside)
    out = empty([array.shape[a] for a in order], array.dtype)
    length = math.prod(array.shape[a] for a in axes)
    arguments = (array.memory, array.start, outer, outer_steps, length, shape, steps)
    if out.size:
        by_thread, by_block = kernels
        if length <= 64 or out.size >= 4096:
            by_thread.each(out.size, *arguments, out.memory, out.size)
        elif (chunks := min(_SUMMING // out.size, length // (16 * _TREE))) > 1:
            # Few long sums: several blocks for each, whose results are summed in turn.
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


# --- NumPy's functions --------------------------------------------------------------------


def _empty_like(like, dtype=None, order="K", subok=True, shape=None) -> CudaArray:
    dtype = np.dtype(dtype or like.dtype)
    return _laid_out_like(like, like.shape, dtype) if shape is None else empty(shape, dtype)


def _full_like(like, value, dtype=None, order="K", subok=True, shape=None) -> CudaArray:
    out = _empty_like(like, dtype, shape=shape)
    _fill.each(out.size, out.memory, out.dtype.type(value), out.size)
    return out


def _zeros_like(like, dtype=None, order="K", subok=True, shape=None) -> CudaArray:
    return _full_like(like, 0, dtype, shape=shape)


def _ones_like(like, dtype=None, order="K", subok=True, shape=None) -> CudaArray:
    return _full_like(like, 1, dtype, shape=shape)


def _broadcast_to(array, shape, subok=False) -> CudaArray:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    extra = len(shape) - array.ndim
    steps = [0] * extra
    for size, own, step in zip(shape[extra:], array.shape, array.steps, strict=True):
        if own not in (1, size):
            raise ValueError(f"cannot broadcast shape {array.shape} to {shape}")
        steps.append(step if own == size else 0)
    return array._view(array.start, shape, steps)


def _moveaxis(array, source: int, destination: int) -> CudaArray:
    axes = [a for a in range(array.ndim) if a != source % array.ndim]
    axes.insert(destination % array.ndim, source % array.ndim)
    return array.transpose(*axes)


def _expand_dims(array, axis) -> CudaArray:
    axes = (axis,) if isinstance(axis, int) else axis
    count = array.ndim + len(axes)
    axes = {a % count for a in axes}
    return array[tuple(None if a in axes else slice(None) for a in range(count))]


MOST_JOINED = 60  # arrays whose addresses are arguments of one launch: of 4,096 bytes in all


@kernel
def _join(arrays, ends, out, count):
    # Runs of numbers one behind the other, in one launch.
    for i in range(cuda.grid(1), count, cuda.gridsize(1)):
        at, begin = 0, 0
        while i >= ends[at]:
            begin = ends[at]
            at += 1
        out[i] = arrays[at][i - begin]


def _concatenate(arrays, axis=0) -> CudaArray:
    dtype = np.result_type(*(a.dtype for a in arrays))
    if len(arrays) <= MOST_JOINED and all(
        isinstance(a, CudaArray) and a.ndim == 1 and a.dtype == dtype for a in arrays
    ):
        out = empty(sum(a.size for a in arrays), dtype)
        runs = [contiguous(a) for a in arrays]
        # To slice takes as long as several launches.
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
        _copy_to(on_device(array, dtype), out[tuple(key)])
        at += array.shape[axis]
    return out


def _split(array, ends, axis=0) -> list[CudaArray]:
    axis %= array.ndim
    begins, ends = [0, *ends], [*ends, array.shape[axis]]
    whole = [slice(None)] * array.ndim
    parts = []
    for begin, end in zip(begins, ends, strict=True):
        whole[axis] = slice(int(begin), int(end))
        parts.append(array[tuple(whole)])
    return parts


_FUNCTIONS = {
    np.copy: lambda array, order="K", subok=False: array.copy(),
    np.empty_like: _empty_like,
    np.zeros_like: _zeros_like,
    np.ones_like: _ones_like,
    np.full_like: _full_like,
    np.broadcast_to: _broadcast_to,
    np.moveaxis: _moveaxis,
    np.expand_dims: _expand_dims,
    np.concatenate: _concatenate,
    np.split: _split,
    np.shape: lambda array: array.shape,
    np.ndim: lambda array: array.ndim,
}
