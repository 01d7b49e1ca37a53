"""Where the loops run: how they are compiled, cached and spread over threads."""

from __future__ import annotations

import hashlib
import math
import os
import platform
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba import njit
from threadpoolctl import ThreadpoolController

from convlab.errors import DeviceError

# Sums may be reordered and fused so that loops vectorise.  "nnan" and "ninf" are
# left out on purpose: with them the compiler may drop tests for NaN.
FAST_MATH = {"reassoc", "contract", "nsz", "arcp", "afn"}


@lru_cache
def cache_folder() -> Path | None:
    """Folder of the compiled loops, or None where none can be written.

    Its name is a hash of the kernels' sources, Numba's version and the CPU,
    since Numba itself looks only at the one function's own file.
    """
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    cpu = llvmlite.binding.get_host_cpu_name()
    digest.update(f"{numba.__version__} {cpu} {platform.machine()}".encode())
    root = os.environ.get("CONVLAB_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    try:
        root = Path(root) if root else Path("~/.cache").expanduser()
        folder = root / "convlab" / f"kernels-{digest.hexdigest()[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: nobody's home
        return None


def is_compiled() -> bool:
    """Whether loops were compiled on this machine before; the first time takes a while."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob("*.nbc"))


def loop(function: Callable | None = None, *, parallel: bool = True) -> Callable:
    """Decorate a loop: compiled at its first call, kept in the cache folder.

    ``parallel`` loops use ``prange``; each of their turns owns what it writes,
    so that the result has the same bits for any number of threads.
    """
    if function is None:
        return lambda f: loop(f, parallel=parallel)
    folder = cache_folder()
    options = dict(parallel=parallel, fastmath=FAST_MATH, error_model="numpy", nogil=True)
    if folder is None:
        return njit(**options)(function)
    # Numba reads the folder from its global setting while it decorates.
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder)
    try:
        return njit(cache=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


CACHE_LINE = 64  # bytes; the widest vector has as many


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Memory for a result, not set: starts at a cache line and ends with two to spare.

    A vector that lies across two cache lines takes twice as long to load.
    """
    dtype = np.dtype(dtype)
    return np.ndarray(shape, dtype, _aligned_bytes(math.prod(shape) * dtype.itemsize))


@loop(parallel=False)
def _aligned_bytes(count):
    # Compiled, because asking NumPy for an address takes longer than all of this.
    buffer = np.empty(count + 3 * CACHE_LINE, np.uint8)
    return buffer[CACHE_LINE - buffer.ctypes.data % CACHE_LINE :]


@loop(parallel=False)
def aligned(count, dtype):
    """``count`` numbers of scratch memory for one turn of a loop, from a cache line on."""
    buffer = np.empty(count + 16, dtype)
    return buffer[np.uintp(16) - (np.uintp(buffer.ctypes.data // buffer.itemsize) & np.uintp(15)) :]


def set_num_threads(count: int) -> None:
    """Use ``count`` threads for the loops.

    Raises DeviceError for less than one, or for more than the pool of this
    process has: as many as cores, or as CONVLAB_NUM_THREADS says at the start.
    """
    limit = numba.config.NUMBA_NUM_THREADS
    if not 1 <= count <= limit:
        raise DeviceError(
            f"threads: expected 1 to {limit}, the size of this process's pool, got {count};"
            " CONVLAB_NUM_THREADS, set before the program starts, makes it larger"
        )
    numba.set_num_threads(count)


def get_num_threads() -> int:
    """Threads that the loops use now."""
    return numba.get_num_threads()


def threading_layer() -> str:
    """Name of Numba's threading layer in use: ``omp``, ``tbb`` or ``workqueue``.

    It is known once the first parallel loop has run; this runs one.
    """
    _touch(np.zeros(1, dtype=np.float32))
    return numba.threading_layer()


@loop
def _touch(values):
    for i in numba.prange(values.shape[0]):
        values[i] += 1


@lru_cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread():
    """Context in which NumPy's matrix products use one thread, so that no second pool wakes."""
    return _blas().limit(limits=1, user_api="blas")


def _from_environment() -> None:
    wanted = os.environ.get("CONVLAB_NUM_THREADS")
    if not wanted:
        return
    if not wanted.isdecimal() or int(wanted) == 0:
        raise DeviceError(f"CONVLAB_NUM_THREADS: expected a positive integer, got {wanted!r}")
    set_num_threads(int(wanted))


_from_environment()
