"""A network as users train it: an epoch and 10,000 answers, compared with PyTorch's."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convlab import models
from convlab.bench import networks
from convlab.bench.machine import MULTIPLY_ADDS, multiply_adds
from convlab.bench.measure import PAUSE, Timing, alternate
from convlab.errors import DeviceError
from convlab.kernels import device
from convlab.words import t

WARM_UP_STEPS = 100
ANSWERS_PER_EPOCH = 3  # rounds of answering after each round of epochs


@dataclass(frozen=True)
class TrainingRow:
    """One epoch of training, or answering: ours, and PyTorch's if it is installed.

    ``flops``: products and sums of ours; ``peak``: the most FLOP/s that the threads reach
    in registers, measured between the runs, None for a GPU; ``settings`` of ours and theirs, if
    they were chosen; ``memory``: the most that each process has held so far, in bytes, or None.
    """

    what: str
    threads: int
    images: int
    flops: int
    peak: float | None
    ours: Timing
    other: Timing | None
    settings: tuple[str, ...]
    memory: tuple[int | None, ...]

    @property
    def share(self) -> float | None:
        """The share of the peak that ours reaches."""
        return None if self.peak is None else self.flops / self.ours.median / self.peak

    @property
    def ratio(self) -> float | None:
        """Our time over theirs: below 1 is faster."""
        return None if self.other is None else self.ours.median / self.other.median

    @property
    def on_threads(self) -> str:
        """What was done, and with how many threads."""
        return t("{what}, {n} thread", self.what, self.threads, several="{what}, {n} threads")

    def line(self) -> str:
        """All of it in one line."""
        line = (
            f"{self.what:18} {self.threads} thread{'s' * (self.threads > 1):1}"
            f" {self.ours.spread()}   {self.flops / self.ours.median / 1e9:4.0f} GF/s"
        )
        if self.share is not None:
            line += f", {self.share:.0%} of peak"
        if self.other is not None:
            line += f"   PyTorch {self.other.spread()}   ratio {self.ratio:.2f}"
        memory = [f"{size / 1e6:.0f} MB" for size in self.memory if size is not None]
        if len(memory) == len(self.memory):
            line += f"   memory {', '.join(memory)}"
        return line + "".join(f"   ({text})" for text in self.settings if text)

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain values, for JSON."""
        return {
            "what": self.what,
            "threads": self.threads,
            "images": self.images,
            "flops": self.flops,
            "peak_flops": self.peak,
            "share_of_peak": self.share,
            "seconds": self.ours._asdict(),
            "pytorch_seconds": None if self.other is None else self.other._asdict(),
            "ratio": self.ratio,
            "settings": self.settings,
            "memory": self.memory,
        }


class Worker:
    """A process with one side of the comparison, see ``worker.py``.

    ``folder``: what ``networks.write`` has written.
    """

    def __init__(self, side: str, folder: Path, threads: int, device: str = "cpu"):
        script = Path(__file__).with_name("worker.py")
        self.side = side
        self.process = subprocess.Popen(
            [sys.executable, str(script), side, str(folder), str(threads), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        asks, answers = self.process.stdin, self.process.stdout
        assert asks is not None and answers is not None, "both are pipes"
        self.asks, self.answers = asks, answers

    def __call__(self, task: str, **settings) -> dict:
        """Perform a task and wait for the answer.  Raises DeviceError if the process has ended."""
        try:
            self.asks.write(json.dumps({"task": task, **settings}) + "\n")
            self.asks.flush()
            line = self.answers.readline()
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
        self.asks.close()
        self.answers.close()


def step_products(network: models.Network) -> int:
    """Products that are added up for one image in a training step.

    Forward and for the gradient of the weights; also for that of the input, unless there are no
    weights before.
    """
    total = 0
    learned = {models.INPUT: False}  # whether there are weights in or before a layer
    sources = network.sources()
    for name, layer, shape, _ in network.shapes():
        before = any(learned[source] for source in sources[name])
        total += layer.multiply_adds(shape) * (2 + before)
        learned[name] = before or layer.own_parameter_count() > 0
    return total


def measure_training(
    network: models.Network,
    arrays: dict[str, np.ndarray],
    threads: int,
    batches: Sequence[int] = (64, 256),
    rounds: int = 3,
    on: str = "cpu",
) -> Iterator[TrainingRow]:
    """An epoch at each batch size, then answers for the test images, with ``threads`` threads.

    ``network`` and ``arrays`` as from ``networks.network`` and ``networks.images_for``.
    ``on``: cpu, or cuda, where neither side waits for the GPU before the end of an epoch.

    Each side has its own process and runs while the other waits, A B A B, after a warm-up; another
    one for the answers, so that the memory is that of training.  For the answers each side uses the
    batch and layout that suit it best; their runs are short and placed between the epochs, so that
    a machine that is slow for some seconds does not decide the result.  Raises SpecError for a
    network that PyTorch, if installed, does not have.
    """
    forward = sum(layer.multiply_adds(shape) for _, layer, shape, _ in network.shapes())
    images, answers = len(arrays["labels"]), len(arrays["test_images"])
    before = device.get_num_threads()
    with contextlib.ExitStack() as stack:
        stack.callback(device.set_num_threads, before)
        device.set_num_threads(threads)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        beside = networks.compared(on)
        networks.write(folder, network, arrays, beside)
        names = ("ours", "pytorch") if beside else ("ours",)
        workers, answering = (
            [stack.enter_context(Worker(name, folder, threads, on)) for name in names]
            for _ in range(2)
        )
        for worker in (*workers, *answering):
            worker("train", batch=batches[0], steps=WARM_UP_STEPS)
        best = [worker("choose") for worker in answering]
        best = [{"batch": chosen["batch"], "layout": chosen["layout"]} for chosen in best]
        infer = _Turns(answering, "infer", best, on)
        for batch in batches:
            for worker in workers:
                worker("train", batch=batch, steps=WARM_UP_STEPS // 10)
            train = _Turns(workers, "train", [{"batch": batch}] * len(workers), on)
            for _ in range(rounds):
                train.run()
                infer.run(ANSWERS_PER_EPOCH)
            yield TrainingRow(
                t("epoch, batch {size}", batch),
                threads,
                images,
                2 * step_products(network) * images,
                *train.measured(),
                ("",) * len(workers),
                tuple(train.memory),
            )
        yield TrainingRow(
            t("{count:,} answers", answers),
            threads,
            answers,
            2 * forward * answers,
            *infer.measured(),
            tuple(f"batch {s['batch']}, {s['layout']}" for s in best),
            (None,) * len(workers),
        )


class _Turns:
    """A task that the workers perform in turn, with the peak of multiply-adds before each turn."""

    def __init__(self, workers: list[Worker], task: str, settings: list[dict], on: str):
        self.workers, self.task, self.settings, self.on = workers, task, settings, on
        self.peaks: list[float] = []
        self.seconds: list[list[float]] = [[] for _ in workers]
        self.memory: list[int | None] = [None for _ in workers]  # the most, of each

    def run(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            if self.on == "cpu":
                (calculation,) = alternate([multiply_adds], 3)
                self.peaks.append(MULTIPLY_ADDS / calculation.median)
            for i, (worker, setting) in enumerate(zip(self.workers, self.settings, strict=True)):
                time.sleep(PAUSE)
                answer = worker(self.task, **setting)
                self.seconds[i].append(answer["seconds"])
                self.memory[i] = answer["memory"]

    def measured(self) -> tuple[float | None, Timing, Timing | None]:
        """The median peak, and our and their times."""
        ours, *others = (Timing.of(row) for row in self.seconds)
        peak = float(np.median(self.peaks)) if self.peaks else None
        return peak, ours, others[0] if others else None
