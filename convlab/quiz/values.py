"""Exercises on values: one of a convolution, all of a pooling."""

from __future__ import annotations

import math

import numpy as np

from convlab.lessons.convolution import convolution
from convlab.lessons.pooling import pooling
from convlab.numerals import MINUS
from convlab.quiz.drawing import (
    NOT_TURNED,
    any_cell,
    as_data,
    cell_texts,
    empty_cells,
    four_sides,
    in_words,
    input_grids,
    padding_words,
    pair_between,
    pick,
    place_words,
    random_table,
    short_text,
    step_picture,
    stride_words,
    whole_numbers,
)
from convlab.quiz.exercise import Exercise, Part
from convlab.quiz.mistakes import broken
from convlab.shapes import effective_kernel, pool_windows, size_text
from convlab.viz import NumberGrid
from convlab.words import t


def output_value(rng: np.random.Generator, level: int) -> Exercise | None:
    size = pair_between(rng, 3 + (level > 1), 5, different=True)
    kernel = pick(rng, (2, 2), (2, 2), (2, 3), (3, 2), (3, 3)) if level == 1 else (3, 3)
    bias = pick(rng, -3, -2, -1, 1, 2, 3) if level > 1 else 0
    channels, stride, padding, dilation = 1, (1, 1), (0, 0), (1, 1)
    if level == 2:
        stride, padding = pick(rng, ((2, 2), (1, 1)), ((1, 1), (1, 1)), ((2, 2), (0, 0)))
    elif level == 3:
        variant = pick(rng, "channels", "dilation", "stride")
        if variant == "channels":
            channels, size, kernel = 2, pair_between(rng, 3, 4, different=True), (2, 2)
        elif variant == "dilation":
            dilation, padding, kernel = (
                (2, 2),
                pick(rng, (0, 0), (1, 1)),
                pick(rng, (2, 2), kernel),
            )
        else:
            stride, padding = pick(rng, ((2, 1), (1, 1)), ((1, 2), (1, 0)), ((2, 2), (1, 1)))
    if any(
        i + 2 * p < effective_kernel(k, d)
        for i, p, k, d in zip(size, padding, kernel, dilation, strict=True)
    ):
        return None
    example = convolution(
        random_table(rng, 0, 4, channels, *size),
        random_table(rng, -2, 2, 1, channels, *kernel),
        np.array([bias], np.float32),
        stride=stride,
        padding=four_sides(padding),
        dilation=dilation,
    )
    output = example.output[0]
    if output.size < 2:
        return None
    at = any_cell(rng, output)
    shown = step_picture(example, *at)
    # Enough to multiply, and a rotated kernel gives a different result.
    turned = broken(example, "flip", at, 0)
    products = np.count_nonzero(shown.patch() * shown.kernel)
    if products < 3 or turned is None or turned.values == output[at]:
        return None
    place = place_words(at)
    over = t("two channels, each under a kernel of its own: ") if channels > 1 else ""
    grids = input_grids(example)
    size_note = size_text(*output.shape)
    grids.append(
        NumberGrid(t("Output"), size_note, "output", empty_cells(output.shape, at), marked=at)
    )
    return Exercise(
        kind="output-value",
        level=level,
        question=t(
            "A convolution ({sort}): {over}{settings}. Which value stands at {place} of the output"
            " (counted from 0)?",
            *(NOT_TURNED, over, in_words(example), place),
        ),
        data=as_data(example) | {"at": at},
        parts=(Part(t("value"), "number", int(output[at])),),
        solution=(t("{place}: {sum}", place, shown.sum_text()),),
        grids=tuple(grids),
        form=(channels, kernel, stride, dilation),
    )


def pooled_values(rng: np.random.Generator, level: int) -> Exercise | None:
    kind = pick(rng, "max", "average")
    # Means of 2 or 4 numbers have at most two decimals.
    kernels = ((2, 2), (2, 2), (1, 2), (2, 1)) if kind == "average" else ((2, 2), (3, 3), (2, 3))
    kernel = (2, 2) if level == 1 else pick(rng, *kernels)
    stride = kernel if level == 1 else pair_between(rng, 1, 3, different=level == 3)
    padding = (0, 0)
    if kind == "max" and level == 3:
        padding = pick(rng, (0, 0), (1, 1))
    size = pair_between(rng, 2 + (level > 1), 6, different=True)
    if any(
        p > k // 2 or i + 2 * p < k or s > k + 1
        for p, i, k, s in zip(padding, size, kernel, stride, strict=True)
    ):
        return None
    windows = pool_windows(size, kernel, stride, padding)
    least, most = ((2, 4), (4, 6), (4, 9))[level - 1]
    if not least <= math.prod(windows.output) <= most:
        return None
    values = random_table(rng, 0 if level == 1 else -4, 9, 1, *size)
    example = pooling(values, kind, kernel=kernel, stride=stride, padding=padding)
    output = example.output[0]
    if len(np.unique(output)) < min(3, output.size):
        return None
    name = t("Max pooling") if kind == "max" else t("Average pooling")
    surround = ""
    if any(padding):
        surround = t(", {padding} (which never wins)", padding_words(padding, False))
    sides = four_sides(padding)
    stage = np.where(np.isfinite(example.stage[0]), example.stage[0], 0)
    texts = [list(row) for row in cell_texts(stage)]
    for row, column in np.argwhere(~np.isfinite(example.stage[0])):
        texts[row][column] = f"{MINUS}∞"
    input_note = size_text(*size)
    if any(padding):
        input_note += t(", padding {sides}", short_text(padding))
    steps = range(example.steps)
    pictures = [example.picture(step) for step in steps]
    return Exercise(
        kind="pooling",
        level=level,
        question=t(
            "{name} with a window of {size}, {stride}{padding}: which values does the output hold?",
            *(name, size_text(*kernel), stride_words(stride), surround),
        ),
        data={
            "operation": kind,
            "input": whole_numbers(values[0]),
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
        },
        parts=(
            Part(t("values, row by row"), "values", tuple(tuple(row) for row in output.tolist())),
        ),
        solution=tuple(
            t("{place}: {sum}", place_words(shown.at[1:]), shown.sum_text()) for shown in pictures
        ),
        grids=(
            NumberGrid(t("Input"), input_note, "input", tuple(map(tuple, texts)), sides),
            NumberGrid(t("Output"), size_text(*output.shape), "output", empty_cells(output.shape)),
        ),
        form=(kind, any(padding), output.size),
    )
