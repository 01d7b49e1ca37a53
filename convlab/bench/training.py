"""LeNet-5 as users train it: an epoch and 10,000 answers, beside PyTorch's."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convlab import data, models
from convlab.bench.machine import MULTIPLY_ADDS, multiply_adds, version
from convlab.bench.measure import PAUSE, Timing, alternate
from convlab.errors import DataError, DeviceError
from convlab.kernels import device

ANSWERS = 10_000
WARM_UP_STEPS = 100


@dataclass(frozen=True)
class TrainingRow:
    """One epoch of training, or answering: ours, and PyTorch's where it is installed.

    ``flops``: products and sums of ours; ``peak``: the most FLOP/s that the threads reach
    in registers, measured between the runs; ``settings`` of ours and theirs, where they
    were chosen; ``memory``: the most that each process held so far, in bytes, or None.
    """

    what: str
    threads: int
    images: int
    flops: int
    peak: float
    ours: Timing
    other: Timing | None
    settings: tuple[str, ...]
    memory: tuple[int | None, ...]

    @property
    def share(self) -> float:
        """The part of the peak that ours reaches."""
        return self.flops / self.ours.median / self.peak

    @property
    def ratio(self) -> float | None:
        """Our time over theirs: below 1 is faster."""
        return None if self.other is None else self.ours.median / self.other.median


class Worker:
    """A process with one side of the comparison, see ``worker.py``."""

    def __init__(self, side: str, path: Path, threads: int):
        script = Path(__file__).with_name("worker.py")
        self.side = side
        self.process = subprocess.Popen(
            [sys.executable, str(script), side, str(path), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, task: str, **settings) -> dict:
        """Do a task and wait for the answer.  Raises DeviceError if the process has ended."""
        try:
            self.process.stdin.write(json.dumps({"task": task, **settings}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise DeviceError(
                f"bench: expected the {self.side} process to answer, but it ended with status"
                f" {self.process.wait()}"
            )
        return json.loads(line)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            pipe.close()


def training_images(
    count: int = 60_000, data_dir: str | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """``count`` images of MNIST where it is found on this machine, else of digits; repeated.

    As many to be answered, but 10,000 at most.

    Returns its name, and images, labels and test_images as arrays.
    """
    try:
        name = "mnist"
        train, test = data.load(name, data_dir=data_dir, download=False)
    except DataError:
        name = "digits"
        train, test = data.load(name)
    rows = np.arange(count) % len(train)
    arrays = {
        "images": train.images[rows],
        "labels": train.labels[rows],
        "test_images": test.images[np.arange(min(count, ANSWERS)) % len(test)],
    }
    return name, arrays


def measure_training(
    arrays: dict[str, np.ndarray],
    threads: int,
    batches: tuple[int, ...] = (64, 256),
    rounds: int = 3,
) -> Iterator[TrainingRow]:
    """An epoch at each batch size, then answers for the test images, with ``threads`` threads.

    Each side has a process of its own and runs while the other waits, A B A B, after a
    warm-up.  For the answers each side takes the batch and layout that suit it best.
    """
    network = models.build("lenet5")
    per_layer = [layer.multiply_adds(shape) for _, layer, shape, _ in network.shapes()]
    # Forward and the gradient of weights for all, the gradient of input for all but the first.
    products = 3 * sum(per_layer) - per_layer[0]
    images, answers = len(arrays["labels"]), len(arrays["test_images"])
    before = device.get_num_threads()
    with contextlib.ExitStack() as stack:
        stack.callback(device.set_num_threads, before)
        device.set_num_threads(threads)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        path = Path(folder) / "images.npz"
        np.savez(path, **arrays)
        names = ("ours", "pytorch") if version("torch") else ("ours",)
        workers = [stack.enter_context(Worker(name, path, threads)) for name in names]
        for worker in workers:
            worker("train", batch=batches[0], steps=WARM_UP_STEPS)
        for batch in batches:
            for worker in workers:
                worker("train", batch=batch, steps=WARM_UP_STEPS // 10)
            settings = [{"batch": batch}] * len(workers)
            peak, timings, memory = _in_turn(workers, "train", settings, rounds)
            yield TrainingRow(
                f"epoch, batch {batch}",
                threads,
                images,
                2 * products * images,
                peak,
                timings[0],
                timings[1] if len(timings) > 1 else None,
                ("",) * len(workers),
                memory,
            )
        best = []
        for worker in workers:
            answer = worker("choose")
            best.append({"batch": answer["batch"], "layout": answer["layout"]})
        peak, timings, _ = _in_turn(workers, "infer", best, 2 * rounds + 1)
        yield TrainingRow(
            f"{answers:,} answers",
            threads,
            answers,
            2 * sum(per_layer) * answers,
            peak,
            timings[0],
            timings[1] if len(timings) > 1 else None,
            tuple(f"batch {s['batch']}, {s['layout']}" for s in best),
            (None,) * len(workers),
        )


def _in_turn(workers, task, settings, rounds):
    """The peak of multiply-adds, a Timing and the most memory of each worker."""
    peaks: list[float] = []
    seconds: list[list[float]] = [[] for _ in workers]
    memory: list[int | None] = [None for _ in workers]
    for _ in range(rounds):
        (calculation,) = alternate([multiply_adds], 3)
        peaks.append(MULTIPLY_ADDS / calculation.median)
        for i, (worker, setting) in enumerate(zip(workers, settings, strict=True)):
            time.sleep(PAUSE)
            answer = worker(task, **setting)
            seconds[i].append(answer["seconds"])
            memory[i] = answer["memory"]
    return float(np.median(peaks)), [Timing.of(row) for row in seconds], tuple(memory)
