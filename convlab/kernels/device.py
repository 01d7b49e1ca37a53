"""Where the loops run: how they are compiled, cached and spread over threads."""

from __future__ import annotations

import hashlib
import os
import platform
import tempfile
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba import njit
from threadpoolctl import ThreadpoolController

from convlab.errors import DeviceError

# OpenMP starts a parallel loop in half the time of Numba's own work queue.
numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

# Threads that wait between loops sleep soon instead of spinning: beside another busy
# process, spinning ones take the core from the thread that they wait for, and a
# training takes many times as long.  Read by GNU OpenMP when it is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

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


def _thread_limit() -> int:
    return numba.config.NUMBA_NUM_THREADS


def set_num_threads(count: int) -> None:
    """Use ``count`` threads for the loops.

    Raises DeviceError for less than one, or for more than the pool that this
    process has started already.
    """
    if count < 1:
        raise DeviceError(f"threads: expected at least 1, got {count}")
    if count > _thread_limit():
        # The pool has its size from its first use on; before that it may grow.
        before = os.environ.get("NUMBA_NUM_THREADS", str(_thread_limit()))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                os.environ["NUMBA_NUM_THREADS"] = str(count)
                numba.config.reload_config()
        except RuntimeError:
            # Numba reads the variable again with each loop that it compiles.
            os.environ["NUMBA_NUM_THREADS"] = before
            raise DeviceError(
                f"threads: expected at most {_thread_limit()}, the size of the pool that has"
                f" started, got {count}; set CONVLAB_NUM_THREADS before the first computation"
            ) from None
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
    if not wanted.isdecimal():
        raise DeviceError(f"CONVLAB_NUM_THREADS: expected a positive integer, got {wanted!r}")
    set_num_threads(int(wanted))


_from_environment()
