"""A convolution as one product of a matrix and a vector."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab import viz
from convlab.checks import one_of, whole
from convlab.errors import SpecError
from convlab.lessons import Convolution, convolution_example
from convlab.numerals import exact
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text
from convlab.viz import ShownGrid
from convlab.words import joined, t

FORMS = "patches", "toeplitz"
MOST_CELLS = 1200  # of the matrix


def im2col(
    input: int | Pair | None = None,
    kernel: int | Pair | None = None,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = 0,
    *,
    form: str = "patches",
    values: str | os.PathLike | ArrayLike = "ints",
    seed: int = 0,
    kernel_values: str | os.PathLike | ArrayLike | None = None,
    step: int | None = None,
) -> Picture:
    """A convolution of one map as a matrix times a vector.

    ``form`` patches: each row is what one window reads, the vector is the kernel, read row by row
    (im2col; Chellapilla, Puri & Simard 2006).  toeplitz: each row is the kernel, moved on and
    surrounded by zeros, the vector is the input: few different numbers at fixed places (Dumoulin &
    Visin 2016, section 4.1).  ``input``, ``kernel``: rows and columns, by default 4 × 4 and 3 × 3;
    ``step``: the row that is outlined, by default that in the middle.  Raises DataError,
    ShapeError, SpecError.
    """
    one_of(form, "form", FORMS)
    if isinstance(values, str) and values == "none":
        raise SpecError("values: expected ints, floats or a .csv file, got none")
    example = convolution_example(
        (4, 4) if input is None and isinstance(values, str) else input,
        kernel,
        stride,
        padding,
        values=values,
        seed=seed,
        kernel_values=kernel_values,
        bias=0.0,
    )
    matrix, vector = _product(example, form)
    if matrix.size > MOST_CELLS:
        raise SpecError(
            f"im2col: expected a matrix of at most {MOST_CELLS:,} numbers to be drawn, got"
            f" {size_text(*matrix.shape)}"
        )
    count = example.output.size
    step = count // 2 if step is None else whole(step, "step", 0, count - 1, SpecError)
    title, subtitle, held = _words(example, matrix, form)
    facts = [(t("the matrix"), held)]

    def draw(at: int, **look: Any):
        rows = _rows(example, matrix, vector, form, at)
        shown = [_sum(example, at), *facts]
        return viz.grid_rows(rows, title=title, subtitle=subtitle, facts=shown, **look)

    def frames(**look: Any):
        return (draw(at, **look) for at in range(count))

    label, text = _sum(example, step)
    return Picture(
        title,
        f"{title}: {subtitle}, {held}. {label}: {text}.",
        partial(draw, step),
        frames,
        frames,
        parameters={
            "form": form,
            "stride": example.stride,
            "padding": example.padding,
            "step": step,
            "seed": seed,
        },
        inputs={"input": example.input},
        weights={"kernel": example.kernel},
        result={"matrix": matrix, "vector": vector, "output": example.output},
        facts={"the matrix": held, label: text},
    )


def _words(example: Convolution, matrix: NDArray, form: str) -> tuple[str, str, str]:
    """Title, second line, and what the matrix holds."""
    size = size_text(*matrix.shape)
    if form == "patches":
        held = t("{count} numbers for the {size} of the input", matrix.size, example.input.size)
        reads = t("each row of the matrix, {size}, is what one window reads", size)
        return t("A convolution is a matrix times a vector"), reads, held
    weights = example.kernel[0, 0].size
    held = t(
        "{weights} weights at {count} of {places} places, elsewhere 0",
        *(weights, len(matrix) * weights, matrix.size),
    )
    moved = t("each row of the matrix, {size}, is the kernel, moved on", size)
    return t("A convolution is a dense layer with few weights"), moved, held


def _product(example: Convolution, form: str) -> tuple[NDArray, NDArray]:
    """The matrix and the vector (any, 1) whose product is the output, row by row."""
    stage, kernel = example.stage[0], example.kernel[0, 0]
    windows = [example.window(row, column) for row, column in np.ndindex(example.output.shape[1:])]
    if form == "patches":
        rows = [stage[np.ix_(*window)].ravel() for window in windows]
        return np.stack(rows), kernel.reshape(-1, 1)
    matrix = np.zeros((len(windows), *stage.shape))
    for row, window in zip(matrix, windows, strict=True):
        row[np.ix_(*window)] = kernel
    return matrix.reshape(len(windows), -1), stage.reshape(-1, 1)


def _sum(example: Convolution, step: int) -> tuple[str, str]:
    """The place of a row in the output, and its sum."""
    shown = example.picture(step)
    few = shown.kernel is not None and shown.kernel.size <= 9
    pieces = shown.sum_pieces(None if few else 9)
    return shown.place(), joined([text for text, _ in pieces], " ")


def _rows(
    example: Convolution, matrix: NDArray, vector: NDArray, form: str, at: int
) -> list[list[list[ShownGrid]]]:
    """The input and the kernel; the product; and the output with its rows in place."""
    shown, output = example.picture(at), example.output[0]
    place = divmod(at, output.shape[1])
    window = shown.under(0)
    row = np.zeros(matrix.shape, bool)
    row[at] = True
    column = output.reshape(-1, 1)
    results = shown.results()
    patches = form == "patches"
    reads = ShownGrid(
        shown.stage[0], shown.inputs(), "x", t("input"), outside=shown.outside, window=window
    )
    kernel = ShownGrid(example.kernel[0, 0], shown.weights(), "w", t("kernel"), "window", "∗")
    outside = None
    if not patches:  # the zeros are no weights
        reached = [example.picture(step).under(0).ravel() for step in range(len(matrix))]
        outside = ~np.stack(reached)
        row &= ~outside
    head = (t("windows"), t("a row for each"), "input")
    head = head if patches else ("W", t("w in each row"), "window")
    side = ("w" if patches else "x", t("as a column"), "window" if patches else "input")
    return [
        [
            [
                reads,
                kernel,
                ShownGrid(output, results, "y", t("output"), "output", "=", current=place),
            ],
            [
                ShownGrid(matrix, exact(matrix), *head, outside=outside, window=row),
                ShownGrid(vector, exact(vector), *side, "·"),
                ShownGrid(column, results, "y", "", "output", "=", current=(at, 0)),
            ],
        ]
    ]
