"""Settings in words, for subtitles and tables, and the steps of an example."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from convlab.errors import ShapeError, SpecError
from convlab.shapes import Pair, Sides, size_text
from convlab.words import joined, t


def axis_text(lengths: Sequence[int | Fraction | str]) -> str:
    """1 if both axes are equal, 1 × 2 if not."""
    return str(lengths[0]) if lengths[0] == lengths[1] else size_text(*lengths)


def sides_text(sides: Sides) -> str:
    """Padding: one number, rows × columns, or all four sides by name."""
    top, bottom, left, right = sides
    if (top, left) != (bottom, right):
        return t("top {top}, bottom {bottom}, left {left}, right {right}", top, bottom, left, right)
    return axis_text((top, left))


def window_text(kernel: Pair, stride: Pair, dilation: Pair = (1, 1), channels: int = 1) -> str:
    """The size of a window over ``channels``, and its stride and dilation if they are not 1."""
    words: list[str] = [size_text(*kernel, *([channels] if channels > 1 else []))]
    if stride != (1, 1):
        words.append(t("stride {size}", axis_text(stride)))
    if dilation != (1, 1):
        words.append(t("dilation {size}", axis_text(dilation)))
    return joined(words)


class Stepped:
    """An example that is computed value by value: ``output`` (C, OH, OW) in the loop's order."""

    output: np.ndarray

    @property
    def steps(self) -> int:
        """How many output values there are; each is a step, in the order of maps, rows and
        columns."""
        return self.output.size

    def place(self, step: int) -> tuple[int, int, int]:
        """(map, row, column) of a step.  Raises SpecError for one that does not exist."""
        if not 0 <= step < self.steps:
            raise SpecError(f"step: expected 0 to {self.steps - 1}, got {step}")
        channel, row, column = np.unravel_index(step, self.output.shape)
        return int(channel), int(row), int(column)

    def step(self, at: tuple[int, int, int]) -> int:
        """The step of a place.  Raises ShapeError for one outside the output."""
        shape = self.output.shape
        if not all(0 <= i < length for i, length in zip(at, shape, strict=True)):
            raise ShapeError(
                f"filter, row and column: expected within {size_text(*shape)}, from 0, got"
                f" {', '.join(map(str, at))}"
            )
        return int(np.ravel_multi_index(at, shape))
