"""Numbers along a line: their positions, round ones for ticks, and labels that keep apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from convlab.numerals import exact


@dataclass(frozen=True)
class Axis:
    """Numbers to pixels: ``low`` is at ``start``, ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value):
        """Pixels of a number, or of an array of them; the middle if low and high are equal."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = np.log(value), math.log(low), math.log(high)
        share = 0.5 + 0 * value if low == high else (value - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def clipped(self, value):
        """The same, but for a number beyond an end of the axis the pixels of that end."""
        return self.at(np.clip(value, self.low, self.high))


def with_room(low: float, high: float) -> tuple[float, float]:
    """Ends of an axis with some room around numbers from low to high, which may be equal."""
    edge = 0.06 * (high - low) or 0.02 * abs(high) or 1.0
    return low - edge, high + edge


def round_steps(span: float) -> Iterator[float]:
    """1, 2 and 5 times powers of ten, from a hundredth of ``span`` up to more than it."""
    power = math.floor(math.log10(span)) - 2
    for more in range(5):
        yield from (digit * 10.0 ** (power + more) for digit in (1, 2, 5))


def ticks_around(low: float, high: float, most: int) -> list[float]:
    """Round numbers around low to high, at most ``most`` steps from the first to the last.

    At least two steps are always allowed: numbers on both sides of 0 need them.
    """
    for step in round_steps(high - low):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= max(2, most):
            break
    return [at * step for at in range(first, last + 1)]


def ticks_within(
    low: float, high: float, least: float = 0.0, *, most: float = math.inf, whole: bool = False
) -> list[float]:
    """Round numbers from low to high, at least ``least`` apart; on request only whole ones.

    At most ``most`` of them, but two are always allowed.
    """
    for step in round_steps(high - low):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if step >= least and last - first < max(2, most) and (not whole or step >= 1):
            break
    return [at * step for at in range(first, last + 1)]


def beside(axis: Axis, values: Iterable[float], room: Callable[[float], float]) -> list[float]:
    """Those values whose labels fit side by side; earlier ones have priority.

    ``room``: pixels that the label of a value needs.
    """
    kept: list[float] = []
    for value in values:
        if all(
            abs(axis.at(value) - axis.at(other)) >= (room(value) + room(other)) / 2
            for other in kept
        ):
            kept.append(value)
    return kept


def logarithmic_ticks(axis: Axis, room: Callable[[float], float]) -> list[float]:
    """Round numbers on a logarithmic axis; ``room``: pixels that the label of one needs.

    1, 2, 5, 10 ... if they fit, else powers of ten, else every second or later of them.
    """
    first, last = math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high))
    powers = range(first, last + 1)
    choices = [[factor * 10.0**power for power in powers for factor in (1, 2, 5)]]
    choices += [
        [10.0**power for power in powers if power % every == 0]
        for every in range(1, len(powers) + 1)
    ]
    for choice in choices:
        # A tiny tolerance, so that a limit of 0.1 has its tick in spite of rounding.
        ticks = [t for t in choice if axis.low * 0.999999 <= t <= axis.high * 1.000001]
        if beside(axis, ticks, room) == ticks:
            break
    return ticks


def tick_texts(ticks: Sequence[float], unit: str = "") -> list[str]:
    """The texts of ticks; with the unit " %" they are shares of 1.

    Rounded to what steps of 1, 2 and 5 need, so that 0.30000000000000004 is 0.3.
    """
    scale = 100 if unit.strip() == "%" else 1
    return [f"{text}{unit}" for text in exact(np.round([scale * t for t in ticks], 10)).texts]


def apart(heights: Sequence[float], step: float, top: float, bottom: float) -> list[float]:
    """Ascending heights moved apart to at least ``step``, inside top and bottom if they fit."""
    placed: list[float] = []
    for y in heights:
        placed.append(max(y, top, placed[-1] + step if placed else top))
    for index in range(len(placed) - 1, -1, -1):
        limit = bottom if index == len(placed) - 1 else placed[index + 1] - step
        placed[index] = min(placed[index], limit)
    return placed
