"""Ways to wire units to an input: which cells each unit sees, and with which weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.shapes import Pair
from convlab.words import t

MOST = {1: 40, 2: 16}  # cells along an axis that can still be told apart, by number of dimensions


@dataclass(frozen=True)
class Wiring:
    """One way to wire units to an input.

    reads (units, K): the cells of the padded input, in reading order, that each
    unit sees; weights (units, K): the number of the weight of each of these connections, from 0;
    the numbers of ``connections`` and of ``parameters``.
    """

    name: str
    reads: NDArray
    weights: NDArray
    connections: int
    parameters: int

    @property
    def shares(self) -> bool:
        """Whether a weight is used at more than one connection."""
        return self.parameters < self.connections

    @property
    def counts(self) -> tuple[str, str]:
        """Its connections and its weights in words."""
        weights = t("{n:,} weight", self.parameters, several="{n:,} weights")
        return t("{connections:,} connections", self.connections), weights

    def another(self, unit: int, columns: int) -> int:
        """The first unit whose window is beside that of ``unit``, or else the farthest.

        ``columns``: of the units.
        """
        seen = self.reads[unit]
        for at, cells in enumerate(self.reads):
            if not np.isin(cells, seen).any():
                return at
        places = np.stack(np.divmod(np.arange(len(self.reads)), columns))
        return int(np.square(places - places[:, [unit]]).sum(axis=0).argmax())


def check_unit(unit: Pair, units: Pair, dimensions: int) -> None:
    """Raises ShapeError for a unit (row, column) that ``units`` (rows, columns) lack."""
    if not all(0 <= at < length for at, length in zip(unit, units, strict=True)):
        last = ",".join(str(length - 1) for length in units[2 - dimensions :])
        got = ",".join(str(at) for at in unit[2 - dimensions :])
        raise ShapeError(f"unit: expected at most {last}, counted from 0, got {got}")


def check_room(size: Pair, padding: tuple[int, int, int, int], dimensions: int) -> None:
    """Raises SpecError for more cells along an axis than can be told apart."""
    top, bottom, left, right = padding
    most, largest = MOST[dimensions], max(size[0] + top + bottom, size[1] + left + right)
    if largest > most:
        raise SpecError(
            f"connections: expected at most {most} inputs along an axis, padding included, to"
            f" tell them apart, got {largest}"
        )
