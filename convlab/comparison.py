"""The same numbers under two conventions, and the first cell in which they differ."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import number
from convlab.shapes import Pair
from convlab.words import t


@dataclass(frozen=True)
class Convention:
    """One way to compute: its name, its setting in words, the relations of the output's rows and
    columns with numbers filled in, and the values (H, W)."""

    name: str
    setting: str
    sizes: tuple[str, str]
    values: NDArray


@dataclass(frozen=True)
class Comparison:
    """Two conventions under a title."""

    title: str
    sides: tuple[Convention, Convention]

    @cached_property
    def differs(self) -> NDArray:
        """(rows, columns) bool of all cells: those that differ or are missing in one of the two."""
        arrays = [side.values for side in self.sides]
        filled = np.full((2, *np.maximum(arrays[0].shape, arrays[1].shape)), np.nan)
        for whole, values in zip(filled, arrays, strict=True):
            whole[: values.shape[0], : values.shape[1]] = values
        # A cell missing in both is no difference, and the numbers themselves are finite.
        return ~((filled[0] == filled[1]) | np.isnan(filled).all(0))

    @property
    def first(self) -> Pair | None:
        """(row, column) of the first cell, in reading order, that differs, or None."""
        cells = np.argwhere(self.differs)
        return (int(cells[0, 0]), int(cells[0, 1])) if len(cells) else None

    def difference(self, brief: bool = False) -> str:
        """The first cell that differs, with its two numbers: "row 0, column 1: 3 and −4".

        ``brief``: "0,1: 3 and −4".
        """
        if self.first is None:
            return t("the same in all cells")
        row, column = self.first
        numbers = []
        for side in self.sides:
            inside = row < side.values.shape[0] and column < side.values.shape[1]
            numbers.append(number(float(side.values[row, column])) if inside else t("none"))
        form = "row {row}, column {column}: {one} and {other}"
        return t("{row},{column}: {one} and {other}" if brief else form, row, column, *numbers)
