"""One training on several ranks: chunks, their sum, and the same bits whoever computes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from convlab import data, models, nn, random, training
from convlab.data import Augmentation, Batches, Scaling
from convlab.errors import DivergedError, RunError, SpecError
from convlab.training import Settings, Trainer
from convlab.training.ranks import Ranks

COMMAND = Path(sys.executable).with_name("convlab")
NETWORK = """input = "28x28x1"
[[layer]]
type = "Conv2d"
out_channels = 4
kernel_size = 3
bias = false
[[layer]]
type = "BatchNorm2d"
[[layer]]
type = "ReLU"
[[layer]]
type = "MaxPool2d"
kernel_size = 2
[[layer]]
type = "Dropout2d"
p = 0.2
[[layer]]
type = "Flatten"
[[layer]]
type = "Dropout"
p = 0.3
[[layer]]
type = "Linear"
out_features = "classes"
"""


class Part(Ranks):
    """One of several ranks in a single process: what it sends is kept, and nothing comes back."""

    def __init__(self, number, count):
        super().__init__()
        self.number, self.count = number, count
        self.sent = []

    def gather(self, array):
        return array

    def sum_in_order(self, parts, chunks):
        assert len(parts) == len(self.own(chunks))
        self.sent.append(parts.copy())
        return np.zeros(parts.shape[1], np.float32)


def trainer(ranks=None, spec=None, **settings):
    settings = Settings(**{"epochs": 1, "limit": 13, "rate": 0.02, "chunks": 4, **settings})
    spec = models.Spec(spec, "network", "spec") if spec else None
    return Trainer(settings, training.prepare(settings, spec=spec), ranks=ranks)


def test_every_chunk_is_some_rank_s_and_in_order():
    for chunks in (1, 4, 7, 16):
        for count in range(1, chunks + 1):
            shares = [[*Part(number, count).own(chunks)] for number in range(count)]
            assert [each for share in shares for each in share] == [*range(chunks)]
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
    one = trainer()
    for images in (1, 3, 64):
        assert one.chunks.own(images) == slice(0, images)
    with pytest.raises(SpecError, match="chunks: expected at least 5, one for each rank, got 4"):
        trainer(Part(0, 5))
    with pytest.raises(SpecError, match="chunks: expected at least 1, got 0"):
        Settings(chunks=0)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_ranks_compute_the_chunks_of_one_process_to_the_bit(count):
    """With dropout, augmentation, batch statistics, and batches that no number divides."""
    augment = "shift=2,elastic=20"
    whole = trainer(spec=NETWORK, augment=augment, batch_size=50)
    sent = []
    whole.chunks.ranks.sum_in_order = lambda parts, chunks: sent.append(parts.copy()) or parts[0]
    ranks = [Part(number, count) for number in range(count)]
    each = [trainer(one, NETWORK, augment=augment, batch_size=50) for one in ranks]
    key = random.get_state()
    for part in (whole, *each):
        random.set_state(key)
        for batch in (0, 2):  # 50 images, and the last 17
            x, labels = next(part.batches.epoch(0, batch))
            assert len(x) <= len(labels) == (50, 17)[batch // 2]
            part.chunks.gradient(x, labels)
    for at in range(2):
        together = np.concatenate([one.sent[at] for one in ranks])
        assert together.shape == sent[at].shape and (together == sent[at]).all()
        assert len({chunk.tobytes() for chunk in together}) == 4


def test_the_sum_of_chunks_is_the_gradient_of_the_batch():
    """In the order of the chunks, in float32; the engine's own for the whole batch is beside it."""
    one, other = trainer(augment="none"), trainer(augment="none", chunks=1)
    x, labels = next(one.batches.epoch(0))
    loss, right = one.chunks.gradient(x, labels)
    output, expected = other.step(x, labels, 0.0)
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    assert (right == (output.numpy().argmax(axis=1) == labels)).all()
    for mine, theirs in zip(one.optimizer.parameters, other.optimizer.parameters, strict=True):
        np.testing.assert_allclose(mine.grad, theirs.grad, rtol=1e-3, atol=2e-6)
    parts = np.array([[1e8], [1.0], [-1e8], [1.0]], np.float32)  # an order that shows
    assert Ranks().sum_in_order(parts, 4) == [1.0]


def test_running_statistics_move_chunk_by_chunk():
    """By hand, as for four batches one after the other: mean and unbiased variance of each."""
    spec = 'input = "28x28x1"\n[[layer]]\ntype = "BatchNorm2d"\nmomentum = 0.25\n'
    spec += '[[layer]]\ntype = "Flatten"\n[[layer]]\ntype = "Linear"\nout_features = "classes"\n'
    one = trainer(spec=spec, augment="none", batch_size=30)
    norm = next(m for _, m in one.network.named_modules() if isinstance(m, nn.BatchNorm2d))
    x, labels = next(one.batches.epoch(0))
    one.chunks.gradient(x, labels)
    mean, variance = 0.0, 1.0
    for begin, end in ((0, 7), (7, 15), (15, 22), (22, 30)):
        part = np.asarray(x[begin:end], np.float64)
        mean = 0.75 * mean + 0.25 * part.mean()
        variance = 0.75 * variance + 0.25 * part.var(ddof=1)
    assert norm.running_mean.numpy() == pytest.approx([mean], rel=1e-5)
    assert norm.running_var.numpy() == pytest.approx([variance], rel=1e-5)
    assert norm.num_batches_tracked.item() == 4


@pytest.mark.parametrize("changes", ["none", "shift=2,rotate=9", "elastic=20"])
def test_a_part_of_a_batch_is_changed_as_among_all(changes):
    train, _ = data.load("digits")
    augmentation = Augmentation.parse(changes)
    settings = {"seed": 3, "augmentation": augmentation, "scaling": Scaling((1.0,), (0.0,))}
    whole, labels = next(Batches(train, 40, **settings).epoch(1))
    for part in (slice(0, 10), slice(10, 40), slice(39, 40), slice(7, 7)):
        own = Batches(train, 40, **settings, part=lambda images, part=part: part)
        x, all_labels = next(own.epoch(1))
        assert (x == whole[part]).all() and (all_labels == labels).all()


# --- under mpiexec ------------------------------------------------------------------------


@pytest.fixture
def mpi(tmp_path, run_beside):
    """A function that starts a command on so many ranks, or as one process for 0."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if shutil.which("mpiexec") is None:
        pytest.skip("there is no mpiexec")
    (tmp_path / "n.toml").write_text(NETWORK)

    def start(ranks, *words):
        before = ["mpiexec", "--oversubscribe", "-n", str(ranks)] if ranks else []
        return run_beside(*before, COMMAND, *words)

    return start


def ended(process, status=0):
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, (out, err)
    assert "Traceback" not in out + err
    return out, err


TRAIN = ("train", "--model", "n.toml", "--limit", "40", "--batch-size", "50", "--lr", "0.02")


@pytest.mark.slow
def test_any_number_of_ranks_gives_the_same_bytes_and_so_does_one_process(mpi, tmp_path):
    settings = ("--epochs", "3", "--quiet", "--chunks", "4")
    for ranks in range(5):
        ended(mpi(ranks, *TRAIN, *settings, "-o", f"r{ranks}"))
    weights = {(tmp_path / f"r{ranks}" / "model.safetensors").read_bytes() for ranks in range(5)}
    assert len(weights) == 1
    ended(mpi(2, *TRAIN, "--epochs", "3", "-o", "usual"))  # ranks have four chunks of themselves
    assert (tmp_path / "usual" / "model.safetensors").read_bytes() in weights


@pytest.mark.slow
def test_a_dead_rank_ends_all_and_the_run_goes_on(mpi, tmp_path):
    ended(mpi(0, *TRAIN, "--epochs", "30", "--quiet", "--chunks", "4", "-o", "whole"))
    process = mpi(3, *TRAIN, "--epochs", "30", "-o", "run")
    end = time.monotonic() + 120
    while not (tmp_path / "run/history.csv").exists() or (
        len((tmp_path / "run/history.csv").read_text().splitlines()) < 3
    ):
        assert time.monotonic() < end
        time.sleep(0.02)
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    os.kill(int(found.stdout.split()[-1]), signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    ended(mpi(2, "train", "--resume", "run"))
    both = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("run", "whole")]
    assert both[0] == both[1]


@pytest.mark.slow
def test_what_goes_wrong_is_one_line(mpi, tmp_path):
    for words, said in (
        (("--data", "nosuch"), "Error: unknown data set 'nosuch'"),
        (("--chunks", "2"), "Error: chunks: expected at least 3, one for each rank, got 2"),
        (("--lr", "1e30"), "Error: the loss is "),
    ):
        _, err = ended(mpi(3, *TRAIN, "--epochs", "1", "--quiet", *words, "-o", "r"), 1)
        assert re.findall("^Error.*", err, re.MULTILINE)[0].startswith(said)
        assert len(re.findall("^Error.*", err, re.MULTILINE)) == 1
        assert not (tmp_path / "r").exists()


class World:
    """What ``Ranks`` asks of a communicator, where another rank has failed."""

    rank, size = 1, 2

    def __init__(self, error=None):
        self.error, self.ended = error, None

    def allgather(self, own):
        return [self.error, own]

    def Abort(self, status):
        self.ended = status


def test_an_error_on_one_rank_is_said_by_the_first(capsys):
    follower = Ranks(World(RunError("full")))
    with pytest.raises(SystemExit) as left:
        follower.agree(lambda: 1)
    assert left.value.code == 0
    leader = Ranks(World(RunError("full")))
    leader.number = 0
    with pytest.raises(RunError, match="^full$"):
        leader.agree(lambda: 1)
    assert Ranks(World()).agree(lambda: 1) == 1
    assert capsys.readouterr().err == ""


def test_an_error_in_the_middle_ends_all_with_one_line(capsys):
    world = World()
    with pytest.raises(SystemExit), Ranks(world).ended_together(lambda: False):
        raise RunError("the disk is full")
    assert world.ended == 1
    assert capsys.readouterr().err == "Error: rank 1: the disk is full\n"
    for error, finished in ((DivergedError("nan"), False), (RunError("late"), True)):
        world = World()
        with pytest.raises(type(error)), Ranks(world).ended_together(lambda at=finished: at):
            raise error
        assert world.ended is None
