"""Exercises on backpropagation through a convolution; the tape of the engine gives the answers."""

from __future__ import annotations

import numpy as np

from convlab import functional as F
from convlab.lessons.convolution import convolution, transposed_convolution
from convlab.quiz.drawing import (
    NOT_TURNED,
    cell_texts,
    empty_cells,
    four_sides,
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
from convlab.shapes import Pair, conv_output, size_text
from convlab.tensors import Tensor
from convlab.viz import NumberGrid
from convlab.words import t


def backpropagation(rng: np.random.Generator, level: int) -> Exercise | None:
    of, size, kernel, stride, padding = _setting(rng, level)
    output = tuple(
        conv_output(i, k, s, 2 * p)
        for i, k, s, p in zip(size, kernel, stride, padding, strict=True)
    )
    x, w = random_table(rng, 0, 4, 1, *size), random_table(rng, -2, 2, 1, *kernel)
    arriving = random_table(rng, -2, 2, 1, *output)
    gradient = _gradients(x, w, arriving, stride, padding)[of]
    # Enough to multiply, and what the usual slips give is something else.
    factors = (x, 2) if of == "kernel" else (w, 1)
    if any(np.sum(values == 0) > zeros for values, zeros in (factors, (arriving, 1))):
        return None
    if len(np.unique(gradient)) < 3 or (of == "input" and np.array_equal(w, w[:, ::-1, ::-1])):
        return None
    return Exercise(
        kind="backpropagation",
        level=level,
        question=t(
            "A convolution ({sort}) of an input of {size} with a kernel of {size2}, {stride},"
            " {padding}: the gradient of the loss with respect to the output (the upstream"
            " gradient) is given. What is its gradient with respect to the {of}?",
            *(NOT_TURNED, size_text(*size), size_text(*kernel), stride_words(stride)),
            *(padding_words(padding), t("kernel") if of == "kernel" else t("input")),
        ),
        data={
            "of": of,
            "input": whole_numbers(x[0]),
            "kernel": whole_numbers(w[0]),
            "output_gradient": whole_numbers(arriving[0]),
            "stride": stride,
            "padding": padding,
        },
        parts=(
            Part(t("values, row by row"), "values", tuple(map(tuple, whole_numbers(gradient)))),
        ),
        solution=(_rule(of, stride, padding), *_sums(of, x, w, arriving, stride, padding)),
        grids=_grids(of, x, w, arriving, stride, padding),
        form=(of, size, stride, padding),
    )


def _setting(rng: np.random.Generator, level: int) -> tuple[str, Pair, Pair, Pair, Pair]:
    """What is asked for, and the sizes of input and kernel, stride and padding."""
    one, none = (1, 1), (0, 0)
    if level == 1:
        return "kernel", pair_between(rng, 3, 4, different=True), (2, 2), one, none
    if level == 2:
        return "input", (3, pick(rng, 2, 3)), (2, 2), one, none
    return pick(
        rng,
        ("kernel", (4, 4), (2, 2), (2, 2), none),
        ("kernel", (3, 3), (3, 3), (2, 2), one),
        ("input", (2, pick(rng, 2, 3)), (2, 2), one, one),
    )


def _gradients(
    x: np.ndarray, w: np.ndarray, arriving: np.ndarray, stride: Pair, padding: Pair
) -> dict[str, np.ndarray]:
    """The gradients with respect to kernel (KH, KW) and input (H, W)."""
    source, kernel = (Tensor(values[None], requires_grad=True) for values in (x, w))
    F.conv2d(source, kernel, stride=stride, padding=padding).backward(Tensor(arriving[None]))
    assert source.grad is not None and kernel.grad is not None, "both require it"
    return {"kernel": kernel.grad[0, 0], "input": source.grad[0, 0]}


def _rule(of: str, stride: Pair, padding: Pair) -> str:
    """How the gradient is itself a convolution, in words."""
    if of == "input":
        around = "" if any(padding) else t(" with zeros around it")
        return t("rule: slide the turned kernel over the gradient of the output{around}", around)
    padded = t("padded input") if any(padding) else t("input")
    apart = t(", its numbers {cells} cells apart", stride[0]) if max(stride) > 1 else ""
    return t("rule: slide the gradient of the output over the {input}{apart}", padded, apart)


def _sums(
    of: str, x: np.ndarray, w: np.ndarray, arriving: np.ndarray, stride: Pair, padding: Pair
) -> tuple[str, ...]:
    """The sum behind each number of the gradient, which is a convolution itself."""
    if of == "kernel":
        example = convolution(x, arriving[None], padding=four_sides(padding), dilation=stride)
        size = w.shape[1:]
    else:
        example = transposed_convolution(
            arriving, w[None], stride=stride, padding=four_sides(padding)
        )
        size = x.shape[1:]
    return tuple(
        t(
            "{place}: {sum}",
            place_words((row, column)),
            step_picture(example, row, column).sum_text(),
        )
        for row, column in np.ndindex(*size)
    )


def _grids(
    of: str, x: np.ndarray, w: np.ndarray, arriving: np.ndarray, stride: Pair, padding: Pair
) -> tuple[NumberGrid, ...]:
    """What is needed of input and kernel, the gradient of the output, and cells to fill in."""
    asked = w if of == "kernel" else x
    size = asked.shape[1:]
    if of == "kernel":
        sides = four_sides(padding)
        cells = cell_texts(np.pad(x[0], (sides[:2], sides[2:])))
        note = size_text(*x.shape[1:])
        note += t(", zero padding {sides}", short_text(padding)) if any(padding) else ""
        given = NumberGrid(t("Input"), note, "input", cells, sides)
    else:
        note = size_text(*w.shape[1:])
        note += t(", stride {stride}", short_text(stride)) if stride != (1, 1) else ""
        given = NumberGrid(t("Kernel"), note, "window", cell_texts(w[0]))
    role = "window" if of == "kernel" else "input"
    output_size = size_text(*arriving.shape[1:])
    wanted = t("∂L/∂kernel") if of == "kernel" else t("∂L/∂input")
    return (
        given,
        NumberGrid(t("∂L/∂output"), output_size, "output", cell_texts(arriving[0]), sign=""),
        NumberGrid(wanted, size_text(*size), role, empty_cells(size), sign="→"),
    )
