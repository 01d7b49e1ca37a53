"""Convolution in one dimension: of signals that are lists of numbers, or functions of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab import Tensor
from convlab import functional as F
from convlab.checks import real_numbers, shown
from convlab.errors import ShapeError, SpecError
from convlab.lessons.formulas import SIGNALS, Function, formula
from convlab.numerals import exact, measured
from convlab.shapes import size_text
from convlab.words import joined, t

IMPULSE = "impulse"
REACH = 4.0  # of a formula, if nothing else is said
ROUGH = 0.02  # of a function: what may change between a step and its halves
MOST = 24  # numbers of a list, so that each has room
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"
_LIST = re.compile(rf"\s*{_NUMBER}(\s*[,;\s]\s*{_NUMBER})*\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, eq=False)
class Signal:
    """A signal as it was given: numbers from index 0 on, or a function of time.

    ``values`` is None for a function, ``function`` for numbers and for the impulse.
    """

    name: str
    words: str
    reach: float
    values: NDArray | None = None
    function: Function | None = None

    @property
    def is_impulse(self) -> bool:
        return self.values is None and self.function is None


def signal(given: str | Sequence[float], name: str) -> Signal:
    """A signal of a list of numbers, as such or in a text, by its name, or by a formula in t.

    Raises SpecError for an unknown name, a wrong formula, and numbers that are too many or not
    finite; DTypeError for what are no numbers.
    """
    if isinstance(given, str) and _LIST.fullmatch(given):
        given = [float(number) for number in re.split(r"[,;\s]+", given.strip())]
    if not isinstance(given, str):
        return _listed(np.atleast_1d(real_numbers(given, name)).astype(float), name)
    if given == IMPULSE:
        return Signal(IMPULSE, t("{signal}, area 1", "δ(t)"), 0.5)
    if given in SIGNALS:
        known = SIGNALS[given]
        return Signal(given, joined([given, known.formula]), known.reach, function=known.function)
    try:
        function = formula(given)
    except SpecError as error:
        options = f"a list of numbers, {IMPULSE} or a formula"
        reason = str(error).removeprefix("formula: ")
        raise SpecError(f"{name}: expected {options}; in a formula {reason}") from None
    return Signal("formula", " ".join(given.split()), REACH, function=function)


def _listed(values: NDArray, name: str) -> Signal:
    if values.ndim != 1 or not 1 <= values.size <= MOST:
        raise SpecError(
            f"{name}: expected 1 to {MOST} numbers in a row, got {size_text(*values.shape)}"
        )
    if not (np.abs(values) < 1e6).all():
        raise SpecError(
            f"{name}: expected numbers between ±1,000,000, got {shown(values.tolist())}"
        )
    if ((np.abs(values) > 0) & (np.abs(values) < 1e-12)).any():
        given = shown(values.tolist())
        raise SpecError(f"{name}: expected 0 or numbers from ±1e-12 on, got {given}")
    words = ", ".join(exact(value).marked()[0] for value in values)
    return Signal("numbers", words, len(values), values)


@dataclass(frozen=True, eq=False)
class Samples:
    """Numbers from the index ``start`` on, zero everywhere else."""

    values: NDArray
    start: int

    def part(self, first: int, count: int) -> NDArray:
        """``count`` numbers from the index ``first`` on."""
        places = np.arange(first, first + count) - self.start
        inside = (places >= 0) & (places < len(self.values))
        return np.where(inside, self.values[np.clip(places, 0, len(self.values) - 1)], 0.0)


@dataclass(frozen=True)
class Lattice:
    """Where signals are sampled: every ``step``, and where results are: at n · step.

    Lists of numbers are sampled at whole numbers; functions in the middle of each step, so that
    their sum is the midpoint rule and a jump between two steps costs nothing.
    """

    step: float
    middle: bool

    def places(self, first: int, count: int, of_result: bool = False) -> NDArray:
        """Where samples lie on the axis, or results."""
        shift = 0.5 if self.middle and not of_result else 0.0
        return (np.arange(first, first + count) + shift) * self.step

    def turned(self, samples: Samples) -> Samples:
        """g(−t): the same numbers from right to left."""
        last = samples.start + len(samples.values) - 1
        return Samples(samples.values[::-1], -last - self.middle)

    def correlate(self, fixed: Samples, slid: Samples, most: int) -> NDArray:
        """Σ fixed[k] slid[k − n] · step for n from −most to most, by the engine's convolution.

        With a turned signal as ``slid`` it is the convolution.
        """
        count = len(slid.values)
        row = fixed.part(slid.start - most, 2 * most + count)
        sums = F.conv2d(Tensor(row[None, None, None]), Tensor(slid.values[None, None, None].copy()))
        return sums.numpy()[0, 0, 0] * self.step


def lattice(reach: float) -> Lattice:
    """Steps for functions drawn from −reach to reach: 200 to 2,000 up to each end."""
    power = np.floor(np.log10(reach) + 1e-9)
    return Lattice(float(f"5e{int(power) - 3}"), True)


def samples(one: Signal, grid: Lattice, most: int) -> Samples:
    """A signal on a grid; of a function ``most`` samples on either side of 0.

    The impulse is two samples of the area 1/2 around 0.
    Raises SpecError where a function has no finite value or one beyond a million, and for one that
    changes too fast for the grid.
    """
    if one.values is not None:
        return Samples(one.values, 0)
    if one.function is None:
        return Samples(np.full(2, 0.5 / grid.step), -1)
    times = grid.places(-most, 2 * most)
    values = np.asarray(one.function(times), float)
    wrong = np.flatnonzero(~(np.abs(values) < 1e6))
    if wrong.size:
        end, got, place = float(times[-1]), float(values[wrong[0]]), float(times[wrong[0]])
        raise SpecError(
            f"{one.words}: expected values between ±1,000,000 for t from {measured(-end)} to"
            f" {measured(end)}, got {measured(got)} at {measured(place)}"
        )
    halves = [one.function(times + side * grid.step / 4) for side in (-1, 1)]
    missed = np.abs(values - np.mean(halves, axis=0)).sum()
    if not missed <= ROUGH * np.abs(halves).mean(axis=0).sum():
        raise SpecError(
            f"{one.words}: expected a function that changes little in a step of"
            f" {measured(grid.step)}, got one that needs a smaller reach"
        )
    return Samples(values, -most)


@dataclass(frozen=True, eq=False)
class Slid:
    """A signal slid over another: convolution or correlation.

    ``slid`` is already turned for a convolution.  ``result`` and ``exchanged``, the same with the
    two signals exchanged, are for n from −most to most on the ``grid``.
    """

    grid: Lattice
    fixed: Samples
    slid: Samples
    result: NDArray
    exchanged: NDArray

    @property
    def most(self) -> int:
        return len(self.result) // 2

    @property
    def difference(self) -> float:
        """The largest difference that exchanging the two signals makes."""
        return float(np.abs(self.result - self.exchanged).max())

    @property
    def mirrored_difference(self) -> float:
        """The largest difference from the mirror image of the exchanged one."""
        return float(np.abs(self.result - self.exchanged[::-1]).max())


def convolved(grid: Lattice, f: Samples, g: Samples, most: int) -> Slid:
    """(f ∗ g)(t) = ∫ f(τ) g(t − τ) dτ, a sum for numbers, for n from −most to most."""
    turned = grid.turned(g)
    result = grid.correlate(f, turned, most)
    return Slid(grid, f, turned, result, grid.correlate(g, grid.turned(f), most))


def correlated(grid: Lattice, f: Samples, g: Samples, most: int) -> Slid:
    """(f ⋆ g)(t) = ∫ f(τ) g(τ − t) dτ: g is slid as it is, as in a convolutional layer.

    That is NumPy's order; books on signals often write g ⋆ f for the same.
    """
    return Slid(grid, f, g, grid.correlate(f, g, most), grid.correlate(g, f, most))


def grids(f: Signal, g: Signal, reach: float | None) -> tuple[Lattice, Samples, Samples, int]:
    """The grid of two signals, both on it, and the most that one is slid over the other.

    Functions are taken up to four times as far as they are slid, and as 0 beyond.
    Raises SpecError for a list together with a function; ShapeError for an impulse as f.
    """
    if (f.values is None) != (g.values is None):
        raise SpecError(
            f"signals: expected two lists of numbers or two functions, got {f.name} and {g.name}"
        )
    if f.values is not None and g.values is not None:
        if reach is not None:
            raise SpecError("reach: expected functions of t, whose numbers go on, got lists")
        grid, most = Lattice(1.0, False), len(f.values) + len(g.values) - 1
        return grid, samples(f, grid, 0), samples(g, grid, 0), most
    if f.is_impulse:
        raise ShapeError("f: expected a signal that can be multiplied by itself, got the impulse")
    reach = f.reach + g.reach if reach is None else reach
    grid = lattice(reach)
    most = round(reach / grid.step)
    return grid, samples(f, grid, 4 * most), samples(g, grid, 4 * most), most
