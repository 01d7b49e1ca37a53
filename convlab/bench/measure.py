"""Times that can be compared: measured in turn, with their spread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# The least seconds of one measurement; anything shorter is repeated.
SHORTEST = 0.01
# Seconds between measurements: threads of the last one stop waiting for work in that time.
PAUSE = 0.01


class Timing(NamedTuple):
    """Seconds of one call: the median, and the quartiles below and above it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """The median and quartiles of several measurements."""
        low, median, high = np.percentile(seconds, [25, 50, 75])
        return cls(float(median), float(low), float(high))

    def spread(self) -> str:
        """Seconds, to a thousandth."""
        return f"{self.median:6.3f} ({self.low:.3f} to {self.high:.3f})"

    def milliseconds(self) -> str:
        """Milliseconds, to four digits."""
        median, low, high = (f"{seconds * 1e3:.4g}" for seconds in self)
        return f"{median} ({low} to {high})"


Clock = Callable[[Callable[[], object], int], float]  # seconds for that many calls


def seconds(function: Callable[[], object], count: int) -> float:
    """How long ``count`` calls take."""
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return time.perf_counter() - begin


def alternate(
    functions: Sequence[Callable[[], object]], rounds: int, clocks: Sequence[Clock] | None = None
) -> list[Timing]:
    """Time functions in turn, A B A B, so that any disturbance affects all of them equally.

    ``clocks``: what times each of them; by default the CPU's clock.

    Each is called twice beforehand, unmeasured, and in each of the ``rounds`` as often as makes it
    long enough for the clock.  Short ones are called once more, unmeasured, at the beginning of
    their turn: after a pause a core's caches are cold and its clock is slow.
    """
    clocks = clocks or [seconds] * len(functions)
    repeats = []
    for function, clock in zip(functions, clocks, strict=True):
        function()
        repeats.append(max(1, round(SHORTEST / max(clock(function, 1), 1e-9))))
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, clock, count, row in zip(functions, clocks, repeats, taken, strict=True):
            time.sleep(PAUSE)
            if count > 1:
                function()
            row.append(clock(function, count) / count)
    return [Timing.of(row) for row in taken]
