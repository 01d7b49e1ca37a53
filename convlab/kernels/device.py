"""Where the loops run: how they are compiled, cached and spread over threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache, wraps

import numba
import numpy as np
from numba import njit
from numba.core.compiler_lock import global_compiler_lock
from threadpoolctl import ThreadpoolController

from convlab.errors import DeviceError
from convlab.kernels import WANTED_THREADS
from convlab.kernels.cache import LoopCache, cache_folder
from convlab.kernels.calls import Call, do

# Sums may be reordered and fused so that loops vectorise.  "nnan" and "ninf" are
# left out on purpose: with them the compiler may drop tests for NaN.
FAST_MATH = {"reassoc", "contract", "nsz", "arcp", "afn"}


def loop(
    function: Callable | None = None, *, parallel: bool = True, reorder: bool = True
) -> Callable:
    """Decorate a loop: compiled on its first call, kept in the cache folder.

    ``parallel`` loops use ``prange``; each of their iterations owns what it writes, so that the
    result has the same bits for any number of threads.  They are called from Python, where
    concurrent threads take turns; the others may also be called from compiled loops.  Without
    ``reorder`` sums keep the order in which they are written.
    """
    if function is None:
        return lambda f: loop(f, parallel=parallel, reorder=reorder)
    fast = FAST_MATH if reorder else FAST_MATH - {"reassoc"}
    dispatcher = njit(parallel=parallel, fastmath=fast, error_model="numpy", nogil=True)(function)
    # The cache knows a loop by its name, and the sources in this folder.
    if function.__module__.startswith(__package__) and not function.__closure__:
        dispatcher._cache = LoopCache(function, cache_folder())
    return _in_turn(function, dispatcher) if parallel else dispatcher


PAGE = 4096  # bytes


@loop(parallel=False)
def aligned(count, dtype):
    """``count`` numbers of scratch memory for one iteration of a loop, aligned to a page."""
    buffer = np.empty(count + PAGE, dtype)
    return buffer[np.uintp(-(buffer.ctypes.data // buffer.itemsize) % (PAGE // buffer.itemsize)) :]


# --- the pool of threads -----------------------------------------------------------------
# It is one for all Python threads: Numba's "workqueue" aborts the process when two of them
# start a parallel loop at once.


class _PythonThread(threading.local):
    """What Numba keeps per Python thread: how many of the pool's threads it uses."""

    told = 0  # the number last given to Numba in this thread


_turn = threading.RLock()
_thread = _PythonThread()
_threads = numba.config.NUMBA_NUM_THREADS  # that the loops use
_lost = False  # whether the pool stayed behind in the process that this one was forked from


def _in_turn(function: Callable, dispatcher: Callable) -> Callable:
    """A parallel loop that waits for its turn; ``dispatcher`` is Numba's own, which does not."""

    @wraps(function)
    def call(*arguments):
        with _turn:
            if _thread.told != _threads:
                _start()
            return do(dispatcher, *arguments)

    call.dispatcher = dispatcher  # type: ignore[attr-defined]
    return call


def repeat(calls: Iterable[Call]) -> None:
    """Repeat earlier calls, without another thread's loops in between."""
    with _turn:
        if _thread.told != _threads:
            _start()
        for function, arguments in calls:
            function(*arguments)


def _start() -> None:
    """Make the pool ready for this Python thread."""
    if _lost:
        raise DeviceError(
            "threads: expected a process with threads of its own, got one that was forked after"
            ' loops had run; start it with multiprocessing.get_context("spawn")'
        )
    try:
        numba.set_num_threads(_threads)  # loads the threading layer, the first time
    except ValueError as error:
        raise DeviceError(
            "threads: expected a threading layer that can be loaded, got NUMBA_THREADING_LAYER"
            f" {numba.config.THREADING_LAYER}: {str(error).splitlines()[0]}"
        ) from None
    _thread.told = _threads


def _before_fork() -> None:
    # A lock held by another thread would never be released in the child.
    _turn.acquire()
    global_compiler_lock.acquire()


def _after_fork_in_parent() -> None:
    global_compiler_lock.release()
    _turn.release()


def _after_fork_in_child() -> None:
    global _turn, _thread, _lost
    global_compiler_lock.release()
    _turn, _thread = threading.RLock(), _PythonThread()
    with suppress(ValueError):  # there was no pool yet
        # GNU's OpenMP has no threads in the child, and Numba ends it at its first loop.  The
        # other layers start their threads again.
        _lost = numba.threading_layer() == "omp"


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


def set_num_threads(count: int) -> None:
    """Use ``count`` threads for the loops, whichever Python thread calls them.

    Raises DeviceError for less than one, or for more than the pool of this process has: as many as
    there are cores, or as CONVLAB_NUM_THREADS says at the start.
    """
    global _threads
    limit = numba.config.NUMBA_NUM_THREADS
    if not isinstance(count, int) or not 1 <= count <= limit:
        raise DeviceError(
            f"threads: expected 1 to {limit}, the size of this process's pool, got {count!r:.40};"
            " CONVLAB_NUM_THREADS, set before the program starts, makes it larger"
        )
    _threads = count


def get_num_threads() -> int:
    """Threads that the loops use now."""
    return _threads


def threading_layer() -> str:
    """Name of Numba's threading layer in use: ``omp``, ``tbb`` or ``workqueue``.

    Starts the pool.  Raises DeviceError where no layer can be loaded.
    """
    with _turn:
        _start()
    return numba.threading_layer()


@lru_cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread():
    """Context in which NumPy's matrix products use one thread, so that no second pool starts."""
    return _blas().limit(limits=1, user_api="blas")


if WANTED_THREADS is not None:
    set_num_threads(WANTED_THREADS)
