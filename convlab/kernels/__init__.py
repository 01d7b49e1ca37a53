"""The loops.  Here: the settings that Numba and OpenMP read once, when they are loaded."""

import os
import sys
from contextlib import suppress

from llvmlite import binding

from convlab.errors import DeviceError

# OpenMP starts a parallel loop in half the time of Numba's own work queue.
os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")

# Loops are as fast as with the default of 3, give the same bits and compile in a sixth less time.
os.environ.setdefault("NUMBA_OPT", "1")

# Threads that wait between loops go to sleep soon instead of spinning: next to another busy
# process, spinning threads take the core from the thread they wait for, and training takes many
# times as long.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# A small layer has a grid of few blocks; there is nothing users could change about it.
os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")


MOST_THREADS = 1024  # of the pool; with a million, OpenMP ends the process


def _threads_in(variable: str, said: str) -> int | None:
    value = os.environ.get(variable)
    if not value:
        os.environ.pop(variable, None)  # which Numba would try to read
        return None
    if not (value.isdecimal() and len(value) < 10 and 1 <= int(value) <= MOST_THREADS):
        raise DeviceError(f"{said}: expected a number from 1 to {MOST_THREADS}, got {value!r}")
    return int(value)


# Numba's pool cannot grow; by default it has a thread for each core.
_threads_in("NUMBA_NUM_THREADS", "NUMBA_NUM_THREADS")
WANTED_THREADS = _threads_in("CONVLAB_NUM_THREADS", "threads (--threads or CONVLAB_NUM_THREADS)")
if WANTED_THREADS is not None:
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(WANTED_THREADS, os.cpu_count() or 1)))

if "numba" in sys.modules:  # already imported: it would read all this only when it compiles
    with suppress(RuntimeError):  # its threads already run
        sys.modules["numba"].config.reload_config()

from numba.core import config  # noqa: E402 - it reads the settings above


def _widest_vectors() -> None:
    """Let the compiler use all of a processor's vectors.

    LLVM gives Intel's servers half of theirs, since the first with 512 bits ran slower while they
    used them.  Those that know VBMI2 (Ice Lake, 2019, and later) do not.  Not by the environment:
    a program started from here may have another LLVM, which knows other names.
    """
    with suppress(RuntimeError):  # a processor that LLVM cannot ask
        features = binding.get_host_cpu_features()
        if features.get("avx512vbmi2") and config.ENABLE_AVX and config.CPU_FEATURES is None:
            config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


_widest_vectors()
