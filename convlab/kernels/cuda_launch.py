"""CUDA: the devices present, their memory, and how kernels are launched.

Kernels are plain functions here until their first launch: without a GPU, a driver or
Numba's CUDA package every module still imports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import cuda

from convlab.errors import DeviceError
from convlab.kernels.cache import KernelCache, cache_folder

# The simulator runs each thread of a block in Python; small blocks test as much as large ones.
SIMULATED = bool(numba.config.ENABLE_CUDASIM)
THREADS = 8 if SIMULATED else 256  # of a block, where each makes one number
MOST_BLOCKS = 16 if SIMULATED else 1 << 16
MOST_BLOCKS_ACROSS = 65_535  # along the second and third axis of a grid

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

    @property
    def capability(self) -> str:
        """The compute capability as NVIDIA writes it."""
        return ".".join(map(str, self.compute_capability))

    def line(self) -> str:
        """All of it in one line."""
        return (
            f"{self.name}, compute capability {self.capability}, {self.memory / 2**30:.1f} GiB,"
            f" {self.free / 2**30:.1f} free, driver for CUDA {self.driver}"
        )


def why_not() -> str | None:
    """Why CUDA cannot be used here, in words; None where it can."""
    if SIMULATED or len(BACKENDS) > 1:
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
    """Raises DeviceError where CUDA cannot be used, saying what to do about it."""
    reason = why_not()
    if reason is not None:
        raise DeviceError(
            f"device cuda: expected an NVIDIA GPU with its driver, got none: {reason};"
            f" {INSTALL}; --device cpu works everywhere"
        )


def chosen(wanted: str) -> tuple[str, str]:
    """The device, cpu or cuda, for what a user wants, and a note that says which "auto" takes.

    Raises DeviceError for cuda where there is none.
    """
    note = ""
    if wanted == "auto":
        reason = why_not()
        wanted = "cpu" if reason else "cuda"
        note = f"device: {wanted}{f', since {reason}' if reason else ''}"
    if wanted == "cuda":
        require()
    return wanted, note


def seconds(function: Callable[[], object], count: int) -> float:
    """How long the device works on ``count`` calls, between two events of its own clock."""
    begin, end = cuda.event(), cuda.event()
    begin.record()
    for _ in range(count):
        function()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1000


# --- memory and launches ------------------------------------------------------------------


class _Device:
    """The GPU, or its simulator: memory that is reused, and launches in one stream.

    Asking the driver for memory waits for all work, so memory that is no longer used is kept for
    the next array of about its size.  There is one stream, so the next user runs later.
    """

    def __init__(self):
        self.spare: dict[tuple[int, np.dtype], list] = defaultdict(list)
        self.held = 0  # bytes, including spare ones

    def allocate(self, count: int, dtype: np.dtype) -> Any:
        with suppress(IndexError):  # another thread may have been faster
            return self.spare[count, dtype].pop()
        require()
        try:
            memory = self._ask(count, dtype)
        except OutOfMemoryError:
            self.empty_cache()
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

    def empty_cache(self) -> None:
        """Give spare memory back to the driver."""
        for (length, kind), arrays in list(self.spare.items()):
            self.held -= len(arrays) * length * kind.itemsize
            arrays.clear()

    def release(self, memory: Any, count: int, dtype: np.dtype) -> None:
        self.spare[count, dtype].append(memory)

    def upload(self, array: np.ndarray, memory: Any) -> None:
        memory[: array.size].copy_to_device(array)

    def download(self, memory: Any, start: int, count: int) -> np.ndarray:
        return memory[start : start + count].copy_to_host()

    def launch(self, kernel: CudaKernel, blocks, threads, arguments) -> None:
        kernel.compiled[blocks, threads](*arguments)


# Memory is allocated and kernels are launched on the last one; see ``CompileOnly``.
DEVICE = _Device()
BACKENDS: list[Any] = [DEVICE]


def empty_cache() -> None:
    """Give device memory that no array uses back to the driver."""
    DEVICE.empty_cache()


class Memory:
    """Memory that is released when the last array that uses it is gone."""

    __slots__ = ("array", "count", "dtype", "backend")

    def __init__(self, count: int, dtype: np.dtype):
        # Sizes are rounded up, so that batches of other sizes find memory to reuse.
        step = max(256, 1 << max(0, count.bit_length() - 3))
        self.count, self.dtype, self.backend = -(-count // step) * step, dtype, BACKENDS[-1]
        self.array = self.backend.allocate(self.count, dtype)

    def __del__(self):
        if hasattr(self, "array"):
            self.backend.release(self.array, self.count, self.dtype)


KERNELS: list[CudaKernel] = []


class CudaKernel:
    """A kernel: compiled for the kinds of its arguments when first launched with them."""

    def __init__(self, function: Callable, name: str | None = None):
        self.function = function
        self.name = (name or function.__name__).strip("_")
        KERNELS.append(self)

    @cached_property
    def compiled(self) -> Any:
        dispatcher = cuda.jit(self.function)
        if not SIMULATED:
            dispatcher._cache = KernelCache(self.function, cache_folder())
        return dispatcher

    def launch(self, blocks: int | tuple[int, ...], threads: int, *arguments: Any) -> None:
        """Run ``threads`` threads in each of ``blocks`` blocks; arrays as ``CudaArray.memory``."""
        if isinstance(blocks, tuple) and max(blocks[1:]) > MOST_BLOCKS_ACROSS:
            raise DeviceError(
                f"cuda: expected at most {MOST_BLOCKS_ACROSS:,} blocks of channels, or groups, got"
                f" {max(blocks[1:]):,}"
            )
        BACKENDS[-1].launch(self, blocks, threads, arguments)

    def each(self, count: int, *arguments: Any) -> None:
        """Run over ``count`` numbers: a thread for each, or for several if there are very many."""
        if count:
            BACKENDS[-1].launch(self, min(-(-count // THREADS), MOST_BLOCKS), THREADS, arguments)


def kernel(function: Callable) -> CudaKernel:
    """Decorate a CUDA kernel; see ``CudaKernel``."""
    return CudaKernel(function)
