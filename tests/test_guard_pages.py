"""No loop reads or writes outside its arrays: guard pages, the ends of files, tested indices."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="guard pages need Linux and gcc"
)


def python(*arguments, **environment):
    """Run Python in a process that may die of what it reads."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "CONVLAB_NUM_THREADS": "1",
        **environment,
    }
    command = [sys.executable, "-X", "faulthandler", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=TESTS.parent
    )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Run tests whose arrays lie against guard pages on one side; every one has to pass."""
    library = tmp_path_factory.mktemp("guarded") / "guarded.so"
    subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", "-o", library, TESTS / "guarded.c"], check=True
    )

    def run(side, *arguments, **environment):
        options = "-m", "pytest", "-p", "guarded", "-p", "no:cacheprovider", "-q", "-x"
        environment.update(GUARD=side, GUARDED=str(library))
        return python(*options, *arguments, **environment)

    return run


def assert_all_passed(done):
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " passed" in done.stdout and "failed" not in done.stdout


@pytest.mark.parametrize(("side", "place"), [("behind", "x.size"), ("before", "-1")])
def test_one_number_outside_is_the_end_of_the_process(guarded, tmp_path, side, place):
    test = tmp_path / "test_outside.py"
    test.write_text(
        "import ctypes, numpy as np\n"
        "def test():\n"
        "    x = np.ones(5, np.float32)\n"
        f"    ctypes.string_at(x.ctypes.data + 4 * ({place}), 4)\n"
    )
    assert guarded(side, test).returncode == -signal.SIGSEGV


@pytest.mark.slow
@pytest.mark.parametrize("side", ["behind", "before"])
def test_rows_of_any_length(guarded, side):
    chosen = "rows_of or whole_maps or dense_w or pointwise_loop"
    assert_all_passed(guarded(side, "tests/test_kernels.py", "-k", chosen))


def test_input_at_the_end_of_a_file(tmp_path):
    """What lies behind the end of a mapped file is a bus error."""
    code = f"""
import os, numpy as np
from convlab import Tensor, functional as F

def at_the_end(shape):
    size = 4 * int(np.prod(shape))
    pages = -(-size // 4096) * 4096
    path = {str(tmp_path / "numbers.bin")!r}
    with open(path, "wb") as file:
        file.truncate(pages + 4096)
    mapped = np.memmap(path, np.uint8, "r+")
    os.truncate(path, pages)
    numbers = np.ndarray(shape, np.float32, mapped, pages - size)
    numbers[...] = np.arange(numbers.size).reshape(shape) % 7
    return numbers

def same(operation, *shapes):
    mapped = [at_the_end(shape) for shape in shapes]
    copies = [Tensor(array.copy()) for array in mapped]
    ours, plain = operation(*map(Tensor, mapped)), operation(*copies)
    assert np.array_equal(ours.numpy(), plain.numpy())

same(F.conv2d, (1, 1, 28, 28), (6, 1, 5, 5))
same(F.conv2d, (1, 2, 19, 19), (3, 2, 1, 1))
same(F.conv_transpose2d, (1, 1, 20, 20), (1, 2, 3, 3))
same(F.linear, (1, 28), (10, 28))
same(lambda x: F.max_pool2d(x, 3, 2), (1, 1, 28, 28))
same(lambda x: F.avg_pool2d(x, 3, 2), (1, 1, 28, 28))
same(lambda x: F.relu(x), (1, 1, 28, 28))
same(lambda x: F.softmax(x, 1), (1, 10))
same(lambda x: F.pad(x, (1, 1, 1, 1)), (1, 1, 28, 28))

def gradients(upstream):
    shapes = (1, 1, 32, 32), (1, 1, 5, 5)
    x, w = (Tensor(np.ones(shape, np.float32), requires_grad=True) for shape in shapes)
    F.conv2d(x, w).backward(upstream)
    return x.grad, w.grad

upstream = at_the_end((1, 1, 28, 28))
for mapped, plain in zip(gradients(upstream), gradients(upstream.copy())):
    assert np.array_equal(mapped, plain)
"""
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


# One process for each file: the system has 65,530 maps for a process, and each array is three.
@pytest.mark.campaign
@pytest.mark.parametrize("file", ["test_kernels.py", "test_functional_torch.py"])
@pytest.mark.parametrize("side", ["behind", "before"])
def test_all_kernels_and_the_shapes_of_parity(guarded, side, file):
    assert_all_passed(guarded(side, f"tests/{file}", "-m", "not cuda"))


@pytest.mark.campaign
def test_no_index_is_outside(tmp_path):
    """Numba tests every index.  Errors in ``prange`` are lost, but the numbers then differ."""
    checked = dict(NUMBA_BOUNDSCHECK="1", CONVLAB_CACHE_DIR=str(tmp_path))
    options = "-m", "pytest", "-p", "no:cacheprovider", "-q", "-x", "-m", "not cuda"
    files = "tests/test_kernels.py", "tests/test_functional_torch.py"
    assert_all_passed(python(*options, *files, **checked))
