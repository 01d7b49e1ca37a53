"""Processes that fork, Python threads that compute at once, and threading layers that are missing.

Each test has a process of its own, since a threading layer is loaded once.
"""

import ctypes
import importlib.util
import os
import subprocess
import sys

import pytest

LINUX = sys.platform == "linux"
LAYERS = [
    pytest.param(
        "omp",
        marks=pytest.mark.skipif(
            not LINUX or not importlib.util.find_spec("numba.np.ufunc.omppool"),
            reason="the rules of GNU's OpenMP are those of Linux",
        ),
    ),
    "workqueue",
]
omp, _ = LAYERS
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

# What every script begins with.
TOOLS = """
import os
import signal
import sys
import threading

import numpy as np

import convlab
from convlab import Tensor, functional as F
from convlab.errors import DeviceError
from convlab.kernels import device


def compute(seed=0):
    # A convolution by the loops and by NumPy.
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, 3, 14, 13)).astype(np.float32)
    weight = rng.standard_normal((4, 3, 5, 3)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, (5, 3), axis=(2, 3))
    expected = np.einsum("nchwij,ocij->nohw", windows, weight)
    actual = F.conv2d(Tensor(x), Tensor(weight)).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
    return "right"


def fork(job):
    # What the job gives in a forked process, or the error that it meets there.
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs dies
        try:
            answer = job()
        except DeviceError as error:
            answer = f"DeviceError: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as answers:
        return answers.read() or f"died of signal {status}"
"""

FORKED = (
    "DeviceError: threads: expected a process with threads of its own, got one that was forked"
    ' after loops had run; start it with multiprocessing.get_context("spawn")'
)


def run_script(folder, script, layer=None, **variables):
    """The lines that a script prints; it has to end well, within a minute."""
    path = folder / "script.py"
    path.write_text(TOOLS + script, encoding="utf-8")
    variables |= {"NUMBA_THREADING_LAYER": layer} if layer else {}
    done = subprocess.run(
        [sys.executable, path],
        # From 3.12 on, Python warns of forks in a process with threads.
        env=os.environ | {"PYTHONWARNINGS": "ignore::DeprecationWarning"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


# --- fork --------------------------------------------------------------------------------


@pytest.mark.sample(1)
@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
def test_fork_before_any_loop(tmp_path, layer):
    script = """
print(convlab.get_num_threads())
print(fork(compute))
print(compute(), device.threading_layer())
"""
    lines = run_script(tmp_path, script, layer, CONVLAB_NUM_THREADS="2")
    assert lines == ["2", "right", f"right {layer}"]


@pytest.mark.sample(1)
@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
def test_fork_after_loops(tmp_path, layer):
    script = """
compute()
print(fork(compute))
print(fork(lambda: fork(compute)))
print(fork(lambda: str(device.aligned(3, np.float32).size > 3)))  # by a serial loop
print(compute())
"""
    answer = FORKED if layer == "omp" else "right"
    assert run_script(tmp_path, script, layer) == [answer, answer, "True", "right"]


@pytest.mark.sample(1)
@needs_fork
@pytest.mark.parametrize("layer", LAYERS)
def test_fork_while_another_thread_computes(tmp_path, layer):
    script = """
stop = threading.Event()


def work():
    while not stop.is_set():
        compute()


compute()
worker = threading.Thread(target=work)
worker.start()
print({fork(compute) for _ in range(20)})
stop.set()
worker.join()
print(compute())
"""
    answer = FORKED if layer == "omp" else "right"
    assert run_script(tmp_path, script, layer) == [str({answer}), "right"]


@pytest.mark.slow
@needs_fork
def test_fork_while_another_thread_compiles(tmp_path):
    script = """
allocate = lambda: str(device.aligned(3, np.float32).size > 3)
worker = threading.Thread(target=allocate)
worker.start()
worker.join(0.05)
assert worker.is_alive()  # it is compiling, since nothing is kept
print(fork(allocate))
worker.join()
"""
    assert run_script(tmp_path, script, CONVLAB_CACHE_DIR=os.devnull) == ["True"]


@pytest.mark.slow
@needs_fork
@omp.marks[0]
def test_pools_of_processes(tmp_path):
    script = """
import multiprocessing

if __name__ == "__main__":
    print(compute())
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            try:
                print(pool.apply_async(compute).get(timeout=30))
            except DeviceError as error:
                print(f"DeviceError: {error}")
"""
    assert run_script(tmp_path, script, "omp") == ["right", "right", FORKED]


# --- Python threads ----------------------------------------------------------------------


@pytest.mark.sample(1)
@pytest.mark.parametrize("layer", LAYERS)
def test_two_threads_compute_at_once(tmp_path, layer):
    script = """
import numba

barrier = threading.Barrier(2)
convlab.set_num_threads(1)


def work(seed):
    barrier.wait()
    answers = {compute(seed + i) for i in range(200)}
    used = numba.get_num_threads()
    barrier.wait()
    results.append((answers, used))


for count in (1, 2):
    convlab.set_num_threads(count)
    results = []
    workers = [threading.Thread(target=work, args=(1000 * i,)) for i in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(results == [({"right"}, count)] * 2)
print(device.threading_layer())
"""
    lines = run_script(tmp_path, script, layer, CONVLAB_NUM_THREADS="2")
    assert lines == ["True", "True", layer]


# --- layers ------------------------------------------------------------------------------


def test_the_layer_that_the_user_wants(tmp_path):
    script = "print(compute(), device.threading_layer())"
    order = "workqueue omp tbb"
    lines = run_script(tmp_path, script, NUMBA_THREADING_LAYER_PRIORITY=order)
    assert lines == ["right workqueue"]


def has_tbb():
    try:
        ctypes.CDLL("libtbb.so.12")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "layer, reason",
    [
        pytest.param(
            "tbb",
            "No threading layer could be loaded.",
            marks=pytest.mark.skipif(not LINUX or has_tbb(), reason="this machine has TBB"),
        ),
        ("nosuch", "The threading layer requested 'nosuch' is unknown to Numba."),
    ],
)
def test_a_layer_that_cannot_be_loaded(convlab, layer, reason):
    message = convlab.fails("train", "--epochs", 1, NUMBA_THREADING_LAYER=layer)
    assert message == (
        "threads: expected a threading layer that can be loaded, got NUMBA_THREADING_LAYER"
        f" {layer}: {reason}"
    )
    assert list(convlab.folder.iterdir()) == []


NOTE = (
    "note: without an OpenMP library loops start more slowly (threading layer workqueue);"
    " on Linux, install the package libgomp1"
)


def notes(result):
    assert result.status == 0, result
    return [line for line in result.err.splitlines() if line.startswith("note:")]


TRAIN = ("train", "--model", "dense", "--epochs", 1)


@pytest.mark.slow
def test_train_says_that_openmp_is_missing(convlab):
    result = convlab(*TRAIN, NUMBA_THREADING_LAYER="workqueue")
    assert notes(result) == [NOTE]
    assert "threads (workqueue); run in" in result.err


@pytest.mark.slow
@omp.marks[0]
def test_train_without_the_library_itself(convlab, tmp_path_factory):
    # An empty file in the library's place: the loader takes it and fails.
    folder = tmp_path_factory.mktemp("lib")
    for name in ("libgomp.so.1", "libgomp.so.1.0.0"):
        (folder / name).touch()
    assert notes(convlab(*TRAIN, LD_LIBRARY_PATH=folder)) == [NOTE]


@omp.marks[0]
def test_train_with_openmp_has_no_note(convlab):
    result = convlab(*TRAIN, NUMBA_THREADING_LAYER="omp")
    assert notes(result) == []
    assert "threads (omp); run in" in result.err
