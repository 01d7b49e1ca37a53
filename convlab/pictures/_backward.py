"""Backpropagation through a convolution or a pooling, sum by sum."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab import viz
from convlab.checks import number as number_within
from convlab.checks import one_of, whole
from convlab.errors import SpecError
from convlab.lessons import Convolution, convolution_example, example_input, pooling, random_values
from convlab.lessons.backward import (
    ConvolutionBackward,
    PoolingBackward,
    convolution_backward,
    pooling_backward,
)
from convlab.numerals import ALMOST, MINUS, Numbers, exact, grain, number, sums
from convlab.pictures.picture import Picture, said
from convlab.shapes import Pair, pair, size_text
from convlab.viz import ShownGrid
from convlab.viz.style import ARROW
from convlab.words import joined, t

KINDS = "convolution", "max", "average"
MOST_CELLS = 24
RATES = 0.1, 0.01, 0.001, 1e-4, 1e-5
_TERMS = 9  # of a sum that are written


def backward(
    kind: str = "convolution",
    input: int | Pair | None = None,
    kernel: int | Pair | None = None,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    *,
    values: str | os.PathLike | ArrayLike = "ints",
    seed: int = 0,
    kernel_values: str | os.PathLike | ArrayLike | None = None,
    bias: float | None = None,
    rate: float | None = None,
    step: int | None = None,
) -> Picture:
    """Backpropagation through a convolution of one map, or a pooling, with the engine's numbers.

    A convolution's loss is L = ½ Σ (y − t)² for a random target t: ∂L/∂w is x under ∂L/∂y as its
    kernel, ∂L/∂x is ∂L/∂y, with zeros around it and for a stride between its numbers, under the
    turned w, and ∂L/∂b is the sum of ∂L/∂y (Goodfellow, Bengio & Courville 2016, section 9.5;
    Dumoulin & Visin 2016, chapter 4); then a step of gradient descent with ``rate``, by default the
    largest of 0.1, 0.01, ... with which L falls.  A maximum
    hands its gradient to the winner, a mean to all numbers alike.  ``kind``: convolution, max or
    average; ``input``, ``kernel``: rows and columns, by default 4 × 4 and 3 × 3, for a pooling
    6 × 6 and 2 × 2; ``values``, ``kernel_values`` and ``bias`` as of ``arithmetic``; ``step``: the
    sum that is being computed, counted from 0; by default all are there.  Raises DataError,
    ShapeError, SpecError.
    """
    one_of(kind, "kind", KINDS)
    if isinstance(values, str) and values == "none":
        raise SpecError("values: expected ints, floats or a .csv file, got none")
    if kind == "convolution":
        if rate is not None:
            wanted = "a number above 0 and at most 1,000"
            number_within(rate, "rate", np.nextafter(0, 1), 1e3, wanted)
        example = convolution_example(
            (4, 4) if input is None and isinstance(values, str) else input,
            kernel,
            1 if stride is None else stride,
            padding if isinstance(padding, int) else tuple(padding),
            values=values,
            seed=seed,
            kernel_values=kernel_values,
            bias=bias,
        )
        return _of_convolution(example, seed, rate, step)
    for name, given in (("kernel values", kernel_values), ("bias", bias), ("rate", rate)):
        if given is not None:
            raise SpecError(f"{name}: expected kind convolution, got {kind}, which learns nothing")
    size = (6, 6) if input is None and isinstance(values, str) else input
    array = example_input(values, size, 1, seed)
    if isinstance(values, str) and values == "ints" and kind == "max":
        # Up to 9, so that few windows have two winners.
        array = np.random.default_rng(seed).integers(0, 10, array.shape).astype(float)
    return _of_pooling(array, kind, kernel or 2, stride, padding, seed, step)


def _check(sides: Iterable[int], steps: int, step: int | None) -> None:
    """Raise SpecError for what cannot be drawn and for a step that does not exist."""
    if max(sides) > MOST_CELLS:
        raise SpecError(
            f"backward: expected at most {MOST_CELLS} cells along a side to be drawn, got"
            f" {max(sides)}"
        )
    if step is not None:
        whole(step, "step", 0, steps - 1, SpecError)


# --- a convolution ------------------------------------------------------------------------


def _of_convolution(
    example: Convolution, seed: int, rate: float | None, step: int | None
) -> Picture:
    output = example.output[0].astype(float)
    _check((*output.shape, *example.stage.shape[1:]), 2 * MOST_CELLS**2, step)
    target = np.round(output, 1) - random_values(output.shape, "ints", seed + 2, signed=True)
    rates = RATES if rate is None else (rate,)
    tried = (convolution_backward(example, target, each) for each in rates)
    found = next((one for one in tried if rate or one.new_loss < one.loss), None)
    if found is None:
        found = convolution_backward(example, target, RATES[-1])
    _check(found.input_sums.stage.shape[1:], found.steps, step)
    title = t("Backpropagation through a convolution")
    kernel, stride = size_text(*example.kernel.shape[2:]), ""
    if example.stride != (1, 1):
        stride = t(", stride {size}", size_text(*example.stride))
    subtitle = t(
        "kernel w {kernel}{stride}, loss L = {loss}: each gradient is a sum of products, as y is",
        *(kernel, stride, f"½ Σ (y {MINUS} t)²"),
    )
    facts = _facts(found)

    def draw(at: int | None, **look: Any):
        rows = _rows(found, at)
        shown = _facts(found, at)
        return viz.grid_rows(rows, title=title, subtitle=subtitle, facts=shown, **look)

    def frames(**look: Any):
        return (draw(at, **look) for at in [*range(found.steps), None])

    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
        partial(draw, step),
        frames if step is None else None,
        frames if step is None else None,
        parameters={
            "stride": example.stride,
            "padding": example.padding,
            "rate": found.rate,
            "step": step,
            "seed": seed,
        },
        inputs={"input": example.input, "target": found.target},
        weights={"kernel": example.kernel, "bias": example.bias},
        result={
            "output": example.output,
            "loss": found.loss,
            "output gradient": found.gradient,
            "kernel gradient": found.by_weights,
            "bias gradient": found.by_bias,
            "input gradient": found.by_input,
            "new kernel": found.new_kernel,
            "new bias": found.new_bias,
            "new loss": found.new_loss,
        },
        facts=dict(facts),
    )


def _places(found: ConvolutionBackward, at: int | None) -> tuple[Pair | None, Pair | None]:
    """The cell of ∂L/∂w and that of ∂L/∂x at a step; both if all are there."""
    (rows, columns), (height, width) = found.by_weights.shape, found.by_input.shape
    if at is None:
        return (rows // 2, columns // 2), (height // 2 - 1 + height % 2, width // 2)
    count = found.by_weights.size
    if at < count:
        return divmod(at, columns), None
    return None, divmod(at - count, width)


def _sum_of(sums_of: Convolution, place: Pair) -> str:
    """A sum of products in words."""
    pieces = sums_of.picture(sums_of.step((0, *place))).sum_pieces
    text = pieces(None if sums_of.kernel[0, 0].size <= _TERMS else _TERMS)
    return joined([piece for piece, _ in text], " ")


def _facts(found: ConvolutionBackward, at: int | None = None) -> list[tuple[str, str]]:
    """The sums of a step in words, and at the end also the bias and the step of descent."""
    weight, place = _places(found, at)
    facts = []
    if weight is not None:
        text = _sum_of(found.weight_sums, weight)
        facts.append((t("∂L/∂w at row {row}, column {column}", *weight), text))
    if place is not None:
        text = _sum_of(found.input_sums, place)
        facts.append((t("∂L/∂x at row {row}, column {column}", *place), text))
    if at is not None:
        return facts
    places = sums(np.array([found.by_bias]), grain(found.gradient.size, found.gradient))
    terms = exact(found.gradient).marked()
    few = " + ".join(f"({text})" if text[0] == MINUS else text for text in terms[:_TERMS])
    more = "" if len(terms) <= _TERMS else t(" + … {count} more", len(terms) - _TERMS)
    result = f"{places.sign} {places.texts[0]}"
    facts.append(("∂L/∂b", t("{few}{more} {result}, the sum of ∂L/∂y", few, more, result)))
    bias = _after(found, found.forward.bias, np.array([found.by_bias]), np.array([found.new_bias]))
    new, rate = bias.texts[0], number(found.rate, 15)
    loss = _is(found.loss), _is(found.new_loss)
    pieces = "w", MINUS, rate, "∂L/∂w, b", MINUS, rate, "∂L/∂b", bias.sign, new
    step = joined(pieces, " ")
    facts.append((t("one step"), t("{step}; L {loss} before, L {new} after", step, *loss)))
    return facts


def _is(value: float) -> str:
    text = number(value, 5)
    return f"{ALMOST} {text[1:]}" if text.startswith(ALMOST) else f"= {text}"


def _after(
    found: ConvolutionBackward, weights: NDArray, gradient: NDArray, new: NDArray
) -> Numbers:
    """New weights as they are written."""
    return sums(new, grain(1, gradient, found.rate, weights))


def _rows(found: ConvolutionBackward, at: int | None) -> list[list[list[ShownGrid]]]:
    """Forward, then the gradients, as far as a step: the new kernel comes at the end."""
    forward, gradient = found.forward, found.gradient
    example = forward.picture(0)
    weight, place = _places(found, at)
    of_g = exact(gradient)
    output = forward.output[0]
    with_bias = [ShownGrid(forward.bias[None], exact(forward.bias), "b", t("bias"), "mistake", "+")]
    first = [
        ShownGrid(forward.input[0], exact(forward.input), "x", _sizes(forward.input[0])),
        ShownGrid(forward.kernel[0, 0], exact(forward.kernel), "w", t("kernel"), "window", "∗"),
        *(with_bias if example.bias is not None else []),
        ShownGrid(output, example.results(), "y", t("output"), "output", "="),
        ShownGrid(found.target, exact(found.target), "t", t("target"), "ink", MINUS),
        ShownGrid(gradient, of_g, "∂L/∂y", f"y {MINUS} t", "mistake", "="),
    ]
    second = _weight_panel(found, weight, at)
    return [[first], [second, _input_panel(found, place, at)]]


def _sizes(values: NDArray) -> str:
    return size_text(*values.shape)


def _done(shape: tuple[int, ...], place: Pair | None, started: bool) -> NDArray:
    """The cells up to a place in the order of the loop; all after the last, none before."""
    order = np.arange(int(np.prod(shape))).reshape(shape)
    if place is None:
        return np.full(shape, started)
    return order <= order[place]


def _weight_panel(
    found: ConvolutionBackward, place: Pair | None, at: int | None
) -> list[ShownGrid]:
    """x under ∂L/∂y gives ∂L/∂w, and at the end the new kernel."""
    lesson, weights = found.weight_sums, found.by_weights
    stage, (rows, columns) = lesson.stage[0], lesson.axes
    outside = rows.outside[:, None] | columns.outside
    window = None
    if place is not None:
        window = np.zeros(stage.shape, bool)
        window[np.ix_(*lesson.window(*place))] = True
    apart = "" if lesson.dilation == (1, 1) else t(", {size} apart", size_text(*lesson.dilation))
    known = grain(found.gradient.size, lesson.input, found.gradient)
    done = _done(weights.shape, None if at is None else place, True)
    shown = [
        ShownGrid(stage, exact(stage), "x", t("input"), outside=outside, window=window),
        ShownGrid(
            found.gradient,
            exact(found.gradient),
            "∂L/∂y",
            t("as kernel{apart}", apart),
            "mistake",
            "∗",
        ),
        ShownGrid(
            weights,
            sums(weights, known),
            "∂L/∂w",
            t("same size as w"),
            "window",
            "=",
            done=done,
            current=place,
        ),
    ]
    if at is not None:
        return shown
    new = _after(found, found.forward.kernel, weights, found.new_kernel)
    head = joined(["w", MINUS, number(found.rate, 15), "∂L/∂w"], " ")
    return [*shown, ShownGrid(found.new_kernel, new, head, t("new w"), "window", ARROW)]


def _input_panel(found: ConvolutionBackward, place: Pair | None, at: int | None) -> list[ShownGrid]:
    """∂L/∂y with zeros around it under the turned w gives ∂L/∂x."""
    lesson, values = found.input_sums, found.by_input
    shown = lesson.picture(0)
    stage, taps = lesson.stage[0], lesson.taps[0, 0]
    window = None
    if place is not None:
        window = np.zeros(stage.shape, bool)
        window[np.ix_(*lesson.window(*place))] = True
    between = found.forward.stride != (1, 1)
    known = grain(taps.size, found.gradient, taps)
    started = at is None or at >= found.by_weights.size
    done = _done(values.shape, None if at is None else place, started)
    empty = shown.outside | shown.inserted
    return [
        ShownGrid(
            stage,
            exact(stage),
            "∂L/∂y",
            t("zeros around and between") if between else t("zeros around"),
            "mistake",
            outside=empty,
            window=window,
        ),
        ShownGrid(taps, exact(taps), "w", t("turned by 180°"), "window", "∗"),
        ShownGrid(
            values,
            sums(values, known),
            "∂L/∂x",
            t("same size as x"),
            "input",
            "=",
            done=done,
            current=place,
        ),
    ]


# --- a pooling ----------------------------------------------------------------------------


def _of_pooling(
    array: NDArray,
    kind: str,
    kernel: int | Pair,
    stride: int | Pair | None,
    padding: int | Pair,
    seed: int,
    step: int | None,
) -> Picture:
    example = pooling(array, kind, kernel=kernel, stride=stride, padding=padding)
    gradient = random_values(example.output.shape[1:], "ints", seed + 1, signed=True)
    if kind == "average":  # so that each share is a number with few digits
        gradient *= math.prod(pair(kernel, "kernel"))
    else:
        gradient[gradient == 0] = 3  # a zero does not show where it goes
    found = pooling_backward(example, gradient)
    _check(example.stage.shape[1:], found.steps, step)
    title = t("Backpropagation through average pooling")
    if kind == "max":
        title = t("Backpropagation through max pooling")
    assert example.kernel is not None, "pooling_backward takes no other"
    sizes = size_text(*example.kernel), size_text(*example.stride)
    window = t("windows {kernel}, stride {stride}", *sizes)
    goes = t("all numbers of its window alike") if kind == "average" else t("the winner")
    subtitle = t("{window}: each gradient goes to {goes}, nothing is learned here", window, goes)

    def draw(at: int, **look: Any):
        look |= {"title": title, "subtitle": subtitle, "facts": [_pooled_fact(found, at)]}
        return viz.grid_rows(_pooled_rows(found, at), **look)

    def frames(**look: Any):
        return (draw(at, **look) for at in range(found.steps))

    shown = found.steps // 2 if step is None else step
    label, text = _pooled_fact(found, shown)
    return Picture(
        title,
        f"{title}: {subtitle}. {label}: {text}.",
        partial(draw, shown),
        frames if step is None else None,
        frames if step is None else None,
        parameters={
            "kind": kind,
            "kernel": example.kernel,
            "stride": example.stride,
            "padding": example.padding,
            "step": shown,
            "seed": seed,
        },
        inputs={"input": example.input, "output gradient": gradient},
        result={"output": example.output, "input gradient": found.by_input},
        facts={label: text},
    )


def _pooled_fact(found: PoolingBackward, at: int) -> tuple[str, str]:
    """Where the gradient of one window goes, in words."""
    example = found.forward
    row, column = divmod(at, found.gradient.shape[1])
    value = exact(found.gradient).marked()[at]
    label = t("∂L/∂y at row {row}, column {column}", row, column)
    if example.winners is not None:
        winner = divmod(int(example.winners[0, row, column]), example.input.shape[2])
        return label, t("{value} goes to the winner, row {row}, column {column}", value, *winner)
    down, across = example.window(row, column)
    count = len(down) * len(across)
    share = exact(found.gradient / count).marked()[at]
    said = t("{value} / {count} = {share} goes to each of the {count} numbers", value, count, share)
    return label, said


def _pooled_rows(found: PoolingBackward, at: int) -> list[list[list[ShownGrid]]]:
    """Forward in the first row, backward in the second; the window of a step in both."""
    example, gradient, values = found.forward, found.gradient, found.by_input
    place = divmod(at, gradient.shape[1])
    shown = example.picture(at)
    outside = shown.outside
    inside = np.where(outside, 0.0, np.nan_to_num(example.stage[0], neginf=0.0))
    window, won = shown.under(0), np.zeros(outside.shape, bool)
    if shown.winner is not None:
        won[shown.winner] = True
    whole = _padded(values, outside)
    known = grain(gradient.size, gradient)
    arrived = sums(whole, known) if example.winners is not None else exact(whole)
    forward = [
        ShownGrid(
            inside,
            exact(inside),
            "x",
            _sizes(example.input[0]),
            "input",
            "",
            outside,
            window,
            None,
            won,
        ),
        ShownGrid(example.output[0], shown.results(), "y", "", "output", ARROW, current=place),
    ]
    back = [
        ShownGrid(gradient, exact(gradient), "∂L/∂y", t("arrives"), "mistake", "", current=place),
        ShownGrid(
            whole, arrived, "∂L/∂x", t("goes on"), "input", ARROW, outside, window, None, won
        ),
    ]
    return [[forward, back]]


def _padded(values: NDArray, outside: NDArray) -> NDArray:
    whole = np.zeros(outside.shape)
    whole[~outside] = values.ravel()
    return whole
