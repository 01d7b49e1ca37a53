"""What exercises draw at random, and how they show it in words and in grids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from convlab.lessons.convolution import Convolution
from convlab.lessons.relations import SizeRelation
from convlab.numerals import exact
from convlab.shapes import Pair, Sides, size_text
from convlab.viz import NumberGrid
from convlab.window_step import SlidingWindow
from convlab.words import joined, t

NOT_TURNED = t("cross-correlation, as in PyTorch")


def pick(rng: np.random.Generator, *among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def between(rng: np.random.Generator, lowest: int, highest: int) -> int:
    return int(rng.integers(lowest, highest + 1))


def pair_between(rng: np.random.Generator, lowest: int, highest: int, different: bool) -> Pair:
    """One length for both axes, or one for each."""
    first = between(rng, lowest, highest)
    return first, between(rng, lowest, highest) if different else first


def any_cell(rng: np.random.Generator, values: np.ndarray) -> Pair:
    """(row, column) of one of the values (H, W)."""
    row, column = np.unravel_index(rng.integers(values.size), values.shape)
    return int(row), int(column)


def random_table(rng: np.random.Generator, lowest: int, highest: int, *shape: int) -> np.ndarray:
    return rng.integers(lowest, highest + 1, shape).astype(np.float32)


def whole_numbers(values: np.ndarray) -> list:
    return values.astype(int).tolist()


def short_text(pair: Pair) -> str:
    """A setting: one number, or one for each axis."""
    return str(pair[0]) if pair[0] == pair[1] else size_text(*pair)


def axis_words(pair: Pair) -> str:
    """A setting in words that say which is which."""
    if pair[0] == pair[1]:
        return str(pair[0])
    return t("{rows} along rows and {columns} along columns", *pair)


def padding_words(padding: Pair, zero: bool = True) -> str:
    """``zero``: whether zeros stand in it, which is then said."""
    if not any(padding):
        return t("no padding")
    what = t("zero padding") if zero else t("padding")
    if padding[0] == padding[1]:
        return t("{what} {n} on every side", what, padding[0])
    return t("{what} {rows} above and below and {columns} left and right", what, *padding)


def stride_words(stride: Pair) -> str:
    return t("stride {step}", axis_words(stride))


def place_words(at: Pair) -> str:
    return t("row {row}, column {column}", *at)


def axis_lines(relations: Sequence[SizeRelation]) -> tuple[str, ...]:
    """How the size along each axis is worked out."""
    rows, columns = map(str, relations)
    return t("rows: {relation}", rows), t("columns: {relation}", columns)


def four_sides(padding: Pair) -> Sides:
    return padding[0], padding[0], padding[1], padding[1]


def cell_texts(values: np.ndarray) -> tuple[tuple[str, ...], ...]:
    texts = iter(exact(values).marked())
    return tuple(tuple(next(texts) for _ in row) for row in values)


def empty_cells(size: Pair, at: Pair | None = None, text: str = "?") -> tuple[tuple[str, ...], ...]:
    """A grid of empty cells, with ``text`` in the one at ``at``."""
    return tuple(
        tuple(text if (row, column) == at else "" for column in range(size[1]))
        for row in range(size[0])
    )


def input_grids(example: Convolution) -> list[NumberGrid]:
    """Each channel of the input with its padding, followed by its kernel."""
    grids = []
    channels = len(example.input)
    note = size_text(*example.input.shape[1:])
    if any(example.padding):
        note += t(", zero padding {sides}", short_text(example.padding[::2]))
    kernel_note = size_text(*example.kernel.shape[2:])
    if example.stride != (1, 1):
        kernel_note += t(", stride {stride}", short_text(example.stride))
    if example.dilation != (1, 1):
        kernel_note += t(", dilation {step}", short_text(example.dilation))
    for channel in range(channels):
        which = f" {channel}" if channels > 1 else ""
        grids += [
            NumberGrid(
                t("Input") + which,
                note,
                "input",
                cell_texts(example.stage[channel]),
                example.padding,
            ),
            NumberGrid(
                t("Kernel") + which, kernel_note, "window", cell_texts(example.kernel[0, channel])
            ),
        ]
    if example.bias.any():
        grids[-1] = replace(grids[-1], bias=_bias_words(example))
    return grids


def step_picture(example: Convolution, row: int, column: int) -> SlidingWindow:
    return example.picture(row * example.output.shape[2] + column)


def as_data(example: Convolution) -> dict[str, Any]:
    """A convolution as the data of an exercise; padding (rows, columns), bias a number."""
    return {
        "input": whole_numbers(example.input),
        "kernel": whole_numbers(example.kernel[0]),
        "bias": int(example.bias[0]),
        "stride": example.stride,
        "padding": example.padding[::2],
        "dilation": example.dilation,
    }


def in_words(example: Convolution) -> str:
    """Stride, padding, dilation and bias, as a question says them."""
    words = [stride_words(example.stride), padding_words(example.padding[::2])]
    if example.dilation != (1, 1):
        words.append(t("dilation {step}", axis_words(example.dilation)))
    words.append(_bias_words(example) if example.bias.any() else t("no bias"))
    return joined(words)


def _bias_words(example: Convolution) -> str:
    return t("bias {value}", exact(example.bias).marked()[0])
