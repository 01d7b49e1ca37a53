"""How one training scales over MPI's ranks: measured as far as there are cores, then on paper."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from convlab import training
from convlab.bench.reports import Report
from convlab.errors import DeviceError
from convlab.terminal import Block, Line, Table
from convlab.training.ranks import started

_WORK = "import sys; from convlab.bench.ranks import worker; worker(sys.argv[1])"
_WARM = 3  # steps that are not counted: plans are made in the third


class RanksReport(Report):
    """A step of one training on 1, 2 ... ranks, each with one thread, and what it consists of."""

    title = "One training on several ranks"

    def __init__(self, model: str, batch: int = 64, chunks: int = 4, rounds: int = 50):
        self.settings: dict[str, Any] = {
            "model": model,
            "batch": batch,
            "chunks": chunks,
            "rounds": rounds,
        }
        training.prepare(_chosen(self.settings))  # what is wrong with them is found here
        self.measured: dict[int, dict[str, float]] = {}
        self.whole = 0.0

    def lines(self) -> Iterator[Line | Block]:
        yield from self._begin()
        chunks, batch = self.settings["chunks"], self.settings["batch"]
        self.whole = run(0, {**self.settings, "chunks": 1})["step"]
        name = self.settings["model"]
        yield f"\n{name}, batches of {batch} in {chunks} chunks, one thread a rank"
        yield f"one process without chunks: {1e3 * self.whole:.2f} ms a step\n"
        yield _row("ranks", "", "ms", "images/s", "times one", "of it the sum, ms")
        cores = os.cpu_count() or 1
        for ranks in (count for count in range(1, chunks + 1) if count <= cores):
            self.measured[ranks] = run(ranks, self.settings)
            yield self._line(ranks, self.measured[ranks], "measured")
        for ranks in range(max(self.measured) + 1, chunks + 1):
            yield self._line(ranks, self.on_paper(ranks), "on paper")

    def _line(self, ranks: int, parts: dict[str, float], how: str) -> Table:
        step = parts["step"]
        speed = f"{self.settings['batch'] / step:,.0f}"
        times = f"{self.measured[1]['step'] / step:.2f}"
        return _row(f"{ranks}", how, f"{1e3 * step:.2f}", speed, times, f"{1e3 * parts['sum']:.2f}")

    def on_paper(self, ranks: int) -> dict[str, float]:
        """What so many ranks would need if each had a core: the busiest one's chunks, and the rest.

        The sum is that of the most ranks that were measured.
        """
        one, most = self.measured[1], self.measured[max(self.measured)]
        busiest = -(-self.settings["chunks"] // ranks)
        rest = one["step"] - one["sum"] - self.settings["chunks"] * one["chunk"]
        return {"step": busiest * one["chunk"] + rest + most["sum"], "sum": most["sum"]}

    def to_dict(self) -> dict[str, Any]:
        first = max(self.measured) + 1
        paper = {n: self.on_paper(n) for n in range(first, self.settings["chunks"] + 1)}
        return {
            "machine": asdict(self.machine),
            **self.settings,
            "seconds_without_chunks": self.whole,
            "measured": self.measured,
            "on_paper": paper,
        }


def _row(*cells: str) -> Table:
    return Table([cells], {2, 3, 4, 5}, (5, 1), (5, 8, 8, 9, 9, 17))


def run(ranks: int, settings: dict[str, Any]) -> dict[str, float]:
    """Seconds of a step and its parts on so many ranks; 0: in a process without MPI.

    Raises DeviceError where that cannot be started.
    """
    command = [sys.executable, "-c", _WORK, json.dumps(settings)]
    if ranks:
        command = ["mpiexec", "-n", str(ranks), *command]
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"CONVLAB_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
    except OSError:
        raise DeviceError("bench: expected an MPI with mpiexec, which is not installed") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip("- ")] or ["nothing"]
        # An error's line is its last; the launcher's own message begins with what matters.
        why = next((line for line in reversed(said) if "Error" in line), said[0])
        raise DeviceError(f"bench: expected {ranks} ranks to end well, but they said: {why}")
    return json.loads(done.stdout.splitlines()[-1])


def _chosen(asked: dict[str, Any]) -> training.Settings:
    return training.Settings(
        model=asked["model"],
        batch_size=asked["batch"],
        chunks=asked["chunks"],
        augment="none",
        validation=0.02,
        rate=1e-9,
    )


def worker(text: str) -> None:
    """On a rank: take the steps, and print on the first one the medians of their parts."""
    asked, ranks = json.loads(text), started()
    chosen = _chosen(asked)
    trainer = training.Trainer(chosen, training.prepare(chosen), ranks=ranks)
    x, labels = next(trainer.batches.epoch(0))
    times: dict[str, list[float]] = {"step": [], "chunk": [], "sum": []}
    if trainer.chunks is not None:
        _watch(trainer.chunks, times)
    for _ in range(_WARM + asked["rounds"]):
        begin = time.perf_counter()
        trainer.train_on(x, labels, 1e-9)
        times["step"].append(time.perf_counter() - begin)
    if ranks.leads:
        print(json.dumps({k: statistics.median(v[_WARM:] or [0.0]) for k, v in times.items()}))


def _watch(chunks: Any, times: dict[str, list[float]]) -> None:
    """Note how long a step's sum takes, and one of its chunks on average."""
    added, ranks = chunks.ranks.sum_in_order, chunks.ranks
    whole = chunks.gradient
    began = [0.0]

    def timed_sum(parts: np.ndarray, count: int) -> np.ndarray:
        begin = time.perf_counter()
        times["chunk"].append((begin - began[0]) / len(ranks.own(count)))
        total = added(parts, count)
        times["sum"].append(time.perf_counter() - begin)
        return total

    def timed_gradient(*arguments: Any) -> Any:
        began[0] = time.perf_counter()
        return whole(*arguments)

    ranks.sum_in_order, chunks.gradient = timed_sum, timed_gradient
