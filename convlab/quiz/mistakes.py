"""Exercises on figures that break one rule; the engine computes the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from convlab.errors import ShapeError
from convlab.lessons.convolution import Convolution, convolution
from convlab.numerals import exact
from convlab.quiz.drawing import (
    NOT_TURNED,
    any_cell,
    as_data,
    axis_lines,
    cell_texts,
    empty_cells,
    four_sides,
    in_words,
    input_grids,
    pair_between,
    pick,
    place_words,
    random_table,
    step_picture,
    whole_numbers,
)
from convlab.quiz.exercise import Exercise, Part
from convlab.shapes import Pair, Sides, effective_kernel, on_axes, size_text
from convlab.viz import NumberGrid
from convlab.viz.quiz_sheet import LETTERS
from convlab.words import t

RULES = ("flip", "bias", "padding", "stride", "dilation", "rounding", "column")


@dataclass(frozen=True)
class _Shown:
    """What a figure would show: a whole output, or one value, its window and its sum."""

    values: np.ndarray
    window: tuple[np.ndarray, np.ndarray] | None = None
    text: str = ""

    def same(self, other: _Shown) -> bool:
        windows = zip(self.window or (), other.window or (), strict=True)
        return (
            all(np.array_equal(a, b) for a, b in windows)
            and self.text == other.text
            and np.array_equal(self.values, other.values)
        )


def broken(right: Convolution, rule: str, at: Pair | None, shift: int) -> _Shown | None:
    """The figure that results when ``rule`` is broken: computed that way, not made up.

    ``at`` is the cell of a figure of one step, None for one of the whole output;
    ``shift`` is -1 or 1, by how many columns a window is off.  None if there is no such figure.
    """
    settings: dict[str, Any] = {
        "stride": right.stride,
        "padding": right.padding,
        "dilation": right.dilation,
        "flip": right.flip,
    }
    bias, corner = right.bias, (0, 0)
    if rule == "flip":
        settings["flip"] = not right.flip
    elif rule == "bias":
        bias = np.zeros_like(bias)
    elif rule == "padding":
        settings["padding"] = 0
        corner = right.padding[0], right.padding[2]
    elif rule == "rounding":
        settings["padding"] = _room_for_rounding_up(right)
    elif rule == "dilation":
        settings["dilation"] = (1, 1)
    else:
        settings["stride"] = (1, 1)
    try:
        wrong = convolution(right.input, right.kernel, bias, **settings)
    except ShapeError:  # the kernel does not fit without the padding
        return None
    if at is None:
        shown = shown_figure(wrong)
        if rule == "stride":
            # As in an often copied figure: the first values of stride 1.
            shown = _Shown(shown.values[: right.output.shape[1], : right.output.shape[2]])
        return None if rule == "column" else shown
    if rule == "column":
        at = at[0] * right.stride[0], at[1] * right.stride[1] + shift
    if rule == "rounding" or not all(
        0 <= i < length for i, length in zip(at, wrong.output.shape[1:], strict=True)
    ):
        return None
    return shown_figure(wrong, at, corner)


def shown_figure(example: Convolution, at: Pair | None = None, corner: Pair = (0, 0)) -> _Shown:
    """The whole output, or one step, whose window is ``corner`` cells further on in the figure."""
    if at is None:
        return _Shown(example.output[0])
    cells = example.window(*at)
    window = on_axes(lambda axis: cells[axis] + corner[axis])
    return _Shown(example.output[0][at], window, step_picture(example, *at).sum_text())


def _room_for_rounding_up(right: Convolution) -> Sides:
    """The padding plus as many zeros at the end as an overhanging last window reads."""
    top, bottom, left, behind = right.padding
    rows, columns = (
        -(length - effective_kernel(k, d)) % s
        for length, k, d, s in zip(
            right.stage.shape[1:], right.kernel.shape[2:], right.dilation, right.stride, strict=True
        )
    )
    return top, bottom + rows, left, behind + columns


def _broken_in_words(rule: str, flip: bool, shift: int) -> str:
    turned = t("the kernel was turned by 180 degrees")
    too_far_right = t("the window stands one column too far right")
    return {
        "flip": t("the kernel was not turned") if flip else turned,
        "bias": t("the bias was left out"),
        "padding": t("the padding was left out"),
        "stride": t("the stride was taken as 1"),
        "dilation": t("the dilation was taken as 1"),
        "rounding": t("the output size was rounded up"),
        "column": too_far_right if shift > 0 else t("the window stands one column too far left"),
    }[rule]


def _example(rng: np.random.Generator, level: int) -> Convolution:
    """A convolution with settings under which several rules can be broken."""
    kernel = pick(rng, (2, 2), (3, 3), (2, 3))
    stride, padding, dilation, flip = (1, 1), (1, 1), (1, 1), False
    if level == 2:
        stride, padding = (2, 2), pick(rng, (0, 0), (1, 1), (1, 1))
    elif level == 3:
        if pick(rng, True, False):
            dilation, kernel, padding = (2, 2), pick(rng, (2, 2), (3, 3)), (1, 1)
        else:
            stride = pick(rng, (2, 2), (2, 1), (1, 2))
        flip = pick(rng, True, False)
    size = pair_between(rng, 4 + (level > 1), 5 + (level > 1), different=True)
    bias = pick(rng, -3, -2, -1, 1, 2, 3)
    return convolution(
        random_table(rng, 0, 4, 1, *size),
        random_table(rng, -2, 2, 1, 1, *kernel),
        np.array([bias], np.float32),
        stride=stride,
        padding=four_sides(padding),
        dilation=dilation,
        flip=flip,
    )


def _figures(right: Convolution, at: Pair | None, shift: int) -> dict[str, _Shown]:
    """The figures that differ from the right one, by the rule that each breaks."""
    found = {rule: broken(right, rule, at, shift) for rule in RULES}
    truth = shown_figure(right, at)
    # A rule that does not apply, such as a bias that is 0, leaves the figure as it is.
    return {rule: shown for rule, shown in found.items() if shown and not shown.same(truth)}


def _wrong_cell(rng: np.random.Generator, shown: np.ndarray, right: np.ndarray) -> Pair | None:
    """A cell of both outputs whose values differ, or None if there is none."""
    rows, columns = (min(a, b) for a, b in zip(shown.shape, right.shape, strict=True))
    wrong = np.argwhere(shown[:rows, :columns] != right[:rows, :columns])
    if not len(wrong):
        return None
    row, column = wrong[rng.integers(len(wrong))]
    return int(row), int(column)


def _output_grid(shown: _Shown, output: np.ndarray, at: Pair) -> NumberGrid:
    """The output as the figure gives it: one value of a step, or all values."""
    if shown.window is None:
        note = size_text(*shown.values.shape)
        return NumberGrid(t("Output"), note, "output", cell_texts(shown.values))
    cells = empty_cells(output.shape, at, exact(shown.values).marked()[0])
    return NumberGrid(t("Output"), size_text(*output.shape), "output", cells, marked=at)


def spot_the_mistake(rng: np.random.Generator, level: int) -> Exercise | None:
    right = _example(rng, level)
    output = right.output[0]
    if output.size < 4 or min(output.shape) < 2:
        return None
    whole = pick(rng, "whole", "step") == "whole"
    at = any_cell(rng, output)
    shift = pick(rng, -1, 1)
    found = _figures(right, None if whole else at, shift)
    if len(found) < 3:
        return None
    # What only some settings allow is twice as likely.
    mistake = pick(rng, *found, *(rule for rule in found if rule not in ("flip", "bias")))
    shown = found.pop(mistake)
    if any(shown.same(other) for other in found.values()):
        return None
    # The question asks for a value that is wrong in the figure, except for a size rounded up.
    wrong = _wrong_cell(rng, shown.values, output) if whole else at
    if wrong is None or (not whole and shown.values == output[at]):
        if mistake != "rounding":
            return None
        wrong = at
    at = wrong
    others = [str(rule) for rule in rng.permutation(list(found))][:3]
    offered = [str(rule) for rule in rng.permutation([mistake, *others])]
    choices = tuple(_broken_in_words(rule, right.flip, shift) for rule in offered)
    letter = LETTERS[offered.index(mistake)]
    named = place_words(at)
    sort = NOT_TURNED
    if right.flip:
        sort = t("true convolution: the kernel is turned by 180 degrees first")
    grids = input_grids(right)
    if shown.window is not None:
        rows, columns = shown.window
        grids[0] = replace(grids[0], window=(tuple(rows.tolist()), tuple(columns.tolist())))
    asked = t("what is the right value at {place} (counted from 0)?", named)
    if whole:
        asked = t(
            "what are the right output size and the right value at {place} (counted from 0)?", named
        )
    size = (Part(t("output size"), "size", tuple(output.shape)),)
    return Exercise(
        kind="spot-the-mistake",
        level=level,
        question=t(
            "A convolution ({sort}): {settings}. The figure breaks exactly one rule: which one, and"
            " {asked}",
            *(sort, in_words(right), asked),
        ),
        data=as_data(right)
        | {
            "flip": right.flip,
            "form": "whole" if whole else "step",
            "at": at,
            "mistake": mistake,
            "shift": shift if "column" in offered else 0,
            "offered": offered,
            "shown": whole_numbers(shown.values),
        },
        parts=(
            Part(t("mistake"), "choice", letter),
            *(size if whole else ()),
            Part(t("value at {place}", named), "number", int(output[at])),
        ),
        solution=(
            t("{letter}: {choice}", letter, choices[LETTERS.index(letter)]),
            *(t("output {line}", line) for line in axis_lines(right.relations) if whole),
            t("right value at {place}: {sum}", named, step_picture(right, *at).sum_text()),
        ),
        grids=(*grids, _output_grid(shown, output, at)),
        lines=() if whole else (t("{place}: {sum}", named, shown.text),),
        choices=choices,
        form=(whole, right.flip),
    )
