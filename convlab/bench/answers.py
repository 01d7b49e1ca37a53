"""How long a trained network's answers take, batch by batch, compared with PyTorch's."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convlab import models
from convlab.bench import networks
from convlab.bench.measure import Clock, Timing, alternate
from convlab.bench.training import Worker
from convlab.bench.worker import INPUTS
from convlab.errors import DeviceError
from convlab.terminal import Table

MOST_DIFFERENCE = 1e-3


def answer_row(*cells: str) -> Table:
    """A row of the table of answers, or its head; each stands when it is measured."""
    spare = [column for column in (8, 7, 5, 1, 4) if column < len(cells)]
    return Table([cells], {1, 2, 4, 6, 7}, spare, (13, 7, 5, 26, 8, 26, 5, 6, 0)[: len(cells)])


@dataclass(frozen=True)
class AnswersRow:
    """The answers to a batch: ours, and PyTorch's if it is installed.

    ``ours`` and ``other``: seconds per batch, forward without gradients and the largest output;
    ``difference``: the largest between the logits of both for the first batch, relative to
    PyTorch's largest; ``layouts`` of ours and theirs: the memory orders.
    """

    network: str
    batch: int
    threads: int
    ours: Timing
    other: Timing | None
    difference: float | None
    layouts: tuple[str, ...]

    @property
    def speed(self) -> float:
        """Ours, in images per second."""
        return self.batch / self.ours.median

    @property
    def ratio(self) -> float | None:
        """Our time over theirs: below 1 is faster."""
        return None if self.other is None else self.ours.median / self.other.median

    def line(self) -> Table:
        """All of it in one row of a table."""
        cells = [self.network, f"{self.threads}", f"{self.batch}", self.ours.milliseconds()]
        cells.append(f"{self.speed:,.0f}")
        if self.other is not None:
            cells += [self.other.milliseconds(), f"{self.ratio:.2f}", f"{self.difference:.0e}"]
            cells.append(f"({self.layouts[1]})")
        return answer_row(*cells)

    def to_dict(self) -> dict[str, Any]:
        """What was measured as plain values, for JSON."""
        return {
            "model": self.network,
            "threads": self.threads,
            "batch": self.batch,
            "seconds": self.ours._asdict(),
            "images_per_second": self.speed,
            "pytorch_seconds": None if self.other is None else self.other._asdict(),
            "ratio": self.ratio,
            "largest_difference": self.difference,
            "layouts": self.layouts,
        }


def measure_answers(
    network: models.Network, threads: int, batches: Sequence[int] = (1, 32), rounds: int = 5
) -> Iterator[AnswersRow]:
    """The answers of a network to batches of each size, with ``threads`` threads.

    Both sides have the same weights and the same few batches of random bytes, ready as floats in
    the memory order that suits them best; each has its own process and runs while the other waits,
    A B A B.  Raises SpecError for a network that PyTorch, if installed, does not have, ShapeError
    for batches that do not fit into memory, and DeviceError if the logits of the two differ by more
    than 0.001 of the largest.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        beside = networks.compared()
        images = networks.random_images(network, INPUTS * max(batches))
        images["test_images"] = images["images"]
        networks.write(folder, network, images, beside)
        names = ("ours", "pytorch") if beside else ("ours",)
        workers = [stack.enter_context(Worker(name, folder, threads)) for name in names]
        for batch in batches:
            logits = [np.array(worker("logits", batch=batch)["logits"]) for worker in workers]
            difference = _difference(network, *logits) if beside else None
            layouts = [worker("choose layout", batch=batch)["layout"] for worker in workers]
            sides = [_side(*each, batch) for each in zip(workers, layouts, strict=True)]
            functions, clocks = zip(*sides, strict=True)
            ours, *other = alternate(functions, rounds, clocks)
            yield AnswersRow(
                network.name,
                batch,
                threads,
                ours,
                other[0] if other else None,
                difference,
                tuple(layouts),
            )


def _difference(network: models.Network, ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference between two sides' logits, relative to their largest.

    Raises DeviceError for one above MOST_DIFFERENCE, or for logits that are not finite.
    """
    with np.errstate(invalid="ignore"):  # from infinities, which the next line rejects
        largest = max(np.abs(theirs).max(), np.finfo(np.float32).tiny)
        difference = float(np.abs(ours - theirs).max() / largest)
    if not difference <= MOST_DIFFERENCE:
        raise DeviceError(
            f"{network.name}: expected the logits of convlab and PyTorch to differ by at most"
            f" {MOST_DIFFERENCE:g} of the largest, got {difference:.3g}"
        )
    return difference


def _side(worker: Worker, layout: str, batch: int) -> tuple[Callable[[], object], Clock]:
    """What one side does once, and what measures how long it takes to do it often."""

    def seconds(_: Callable[[], object], count: int) -> float:
        return worker("answer", batch=batch, layout=layout, count=count)["seconds"]

    return lambda: seconds(lambda: None, 1), seconds
