"""The loops.  Here: what Numba and OpenMP read once, when they are loaded."""

import os

# OpenMP starts a parallel loop in half the time of Numba's own work queue.
os.environ.setdefault("NUMBA_THREADING_LAYER_PRIORITY", "omp tbb workqueue")

# Loops as fast as with the usual 3, compiled a tenth sooner.
os.environ.setdefault("NUMBA_OPT", "2")

# Threads that wait between loops sleep soon instead of spinning: beside another busy
# process, spinning ones take the core from the thread that they wait for, and a
# training takes many times as long.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# A grid of few blocks is what a small layer has: nothing that users could change.
os.environ.setdefault("NUMBA_CUDA_LOW_OCCUPANCY_WARNINGS", "0")

# Numba's pool cannot grow; by default it has a thread for each core.
if os.environ.get("CONVLAB_NUM_THREADS", "").isdecimal():
    _wanted = max(int(os.environ["CONVLAB_NUM_THREADS"]), os.cpu_count() or 1)
    os.environ.setdefault("NUMBA_NUM_THREADS", str(_wanted))
