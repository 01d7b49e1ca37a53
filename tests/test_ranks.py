"""One training on several ranks: chunks, their sum, and the same bits whoever computes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from convlab import data, models, random, training
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
        self.sent: list[np.ndarray] = []
        self.sums: Iterator[np.ndarray] = iter(())  # of all chunks, as one process collects them

    def collect(self, parts, chunks):
        found, own = next(self.sums), self.own(chunks)
        assert (parts == found[own.start : own.stop]).all()
        return found

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


def norms(one):
    return [module for _, module in one.network.named_modules() if module.of_batch]


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
    sums = []
    whole.chunks.ranks.collect = lambda parts, chunks: sums.append(parts.copy()) or parts
    ranks = [Part(number, count) for number in range(count)]
    each = [trainer(one, NETWORK, augment=augment, batch_size=50) for one in ranks]
    key = random.get_state()
    for part in (whole, *each):
        random.set_state(key)
        part.chunks.ranks.sums = iter(sums)
        for batch in (0, 2):  # 50 images, and the last 17
            x, labels = next(part.batches.epoch(0, batch))
            assert len(x) <= len(labels) == (50, 17)[batch // 2]
            part.chunks.gradient(x, labels)
    for at in range(2):
        together = np.concatenate([one.sent[at] for one in ranks])
        assert together.shape == sent[at].shape and (together == sent[at]).all()
        assert len({chunk.tobytes() for chunk in together}) == 4
    assert len(sums) == 4  # forward and backward of two batches
    for one in each:
        for name, values in whole.network.state_dict().items():
            assert (one.network.state_dict()[name] == values).all(), name


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


@pytest.mark.parametrize("momentum", [0.25, None])
def test_batch_normalisation_sees_the_whole_batch_as_in_pytorch(momentum):
    """Several steps, beside PyTorch's and our own on the whole batch, which 4 does not divide."""
    torch = pytest.importorskip("torch")
    spec = re.sub("p = 0..", "p = 0.0", NETWORK)
    parts, plain = (trainer(spec=spec, augment="none", batch_size=30, chunks=c) for c in (4, 1))
    for one in (parts, plain):
        norms(one)[0].momentum = momentum
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, bias=False),
        torch.nn.BatchNorm2d(4, momentum=momentum),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(4 * 13 * 13, 10),
    )
    state = parts.network.state_dict()
    names = [*theirs.state_dict()]
    theirs.load_state_dict({n: torch.tensor(v) for n, v in zip(names, state.values(), strict=True)})
    rate, how = 0.05, parts.settings
    descent = torch.optim.SGD(
        theirs.parameters(), rate, how.momentum, weight_decay=how.weight_decay
    )
    for batch in range(4):
        x, labels = next(parts.batches.epoch(0, batch))
        losses = [float(one.train_on(x, labels, rate)[0]) for one in (parts, plain)]
        x, labels = torch.tensor(np.ascontiguousarray(x)), torch.tensor(labels.astype(np.int64))
        loss = torch.nn.functional.cross_entropy(theirs(x), labels)
        descent.zero_grad()
        loss.backward()
        descent.step()
        assert losses == pytest.approx([loss.item()] * 2, rel=1e-5)
    found, other = parts.network.state_dict(), plain.network.state_dict()
    for (name, values), expected in zip(found.items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(values, other[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(values, expected.numpy(), rtol=1e-5, atol=1e-5)


def test_an_error_in_one_chunk_ends_those_that_wait_for_it():
    one = trainer(spec=NETWORK, augment="none", batch_size=30)
    before, forward = threading.active_count(), one.network.forward

    def failing(x):
        if len(x.numpy()) == 8:  # of 7, 8, 7 and 8 images
            raise RunError("no more")
        return forward(x)

    one.network.forward = failing
    x, labels = next(one.batches.epoch(0))
    with pytest.raises(RunError, match="no more"):
        one.chunks.gradient(x, labels)
    assert threading.active_count() == before


def test_a_layer_that_asks_the_whole_batch_has_to_say_so():
    one = trainer(spec=NETWORK, augment="none", batch_size=30)
    norms(one)[0].of_batch = False
    x, labels = next(one.batches.epoch(0))
    with pytest.raises(SpecError, match="chunks: expected layers whose class says of_batch"):
        one.chunks.gradient(x, labels)


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


# 360 images: the last batch has 3, fewer than chunks.
TRAIN = ("train", "--model", "n.toml", "--limit", "40", "--batch-size", "51", "--lr", "0.02")
RESIDUAL = ("--model", "resnet20", "--limit", "4", "--batch-size", "9")


@pytest.mark.slow
def test_any_number_of_ranks_gives_the_same_bytes_and_so_does_one_process(mpi, tmp_path):
    def weights(counts, *words):
        for ranks in counts:
            ended(mpi(ranks, *TRAIN, *words, "--quiet", "--chunks", "4", "-o", f"r{ranks}"))
        return {(tmp_path / f"r{ranks}" / "model.safetensors").read_bytes() for ranks in counts}

    found = weights(range(5), "--epochs", "3")
    assert len(found) == 1
    ended(mpi(2, *TRAIN, "--epochs", "3", "-o", "usual"))  # ranks have four chunks of themselves
    assert (tmp_path / "usual" / "model.safetensors").read_bytes() in found
    # 19 batch normalisations, and a rank with two chunks, which wait for each other.
    shutil.rmtree(tmp_path / "r0")
    shutil.rmtree(tmp_path / "r3")
    assert len(weights((0, 3), *RESIDUAL, "--epochs", "1")) == 1


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
