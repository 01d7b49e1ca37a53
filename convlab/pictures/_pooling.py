"""Max, average, global and adaptive pooling, window by window."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convlab import lessons
from convlab.errors import SpecError
from convlab.lessons import Pooling
from convlab.pictures._steps import stepped
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text
from convlab.words import t


def pooling(
    kind: str = "max",
    input: int | Pair | None = None,
    kernel: int | Pair | None = None,
    stride: int | Pair | None = None,
    padding: int | Pair = 0,
    dilation: int | Pair = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    adaptive: int | Pair | None = None,
    channels: int = 1,
    values: str | os.PathLike | ArrayLike = "ints",
    seed: int = 0,
    step: int | str | None = None,
    layout: str = "row",
) -> Picture:
    """Pooling step by step: the window, its winner or its mean, and the resulting size.

    ``kind``: max or average; ``input``: rows and columns, 6 × 6 by default; ``kernel``: 2 × 2
    by default; ``stride``: the kernel's size by default; ``ceil_mode``: the last window may
    extend past the end; ``count_include_pad``: an average also counts cells of padding in its
    divisor; ``adaptive``: this many windows, as even as possible, instead of a kernel, 1 for global
    pooling; ``values``, ``step`` and ``layout`` as in ``arithmetic``.  Raises DataError,
    ShapeError, SpecError.
    """
    random = isinstance(values, str) and values in ("ints", "floats", "none")
    if input is None and random:  # the user's own numbers have their size
        input = 6, 6
    array = lessons.example_input(values, input, channels, seed)
    # All different, so that each maximum is one cell.
    if random and values == "ints" and array.size <= 100:
        array = np.random.default_rng(seed).permutation(100)[: array.size].reshape(array.shape)
    window = stride, padding, dilation, ceil_mode, count_include_pad
    example = _example(array, kind, kernel, window, adaptive)
    return stepped(
        example,
        {t("max"): t("Max pooling"), t("average"): t("Average pooling")}[kind],
        t("input {input_note}, window {window_note}", example.input_note(), example.window_note()),
        partial(_described, example),
        step=step,
        layout=layout,
        numbers=not (random and values == "none"),
        parameters={
            "kind": kind,
            "kernel": example.kernel,
            "stride": example.stride,
            "padding": example.padding,
            "dilation": example.dilation,
            "ceil_mode": ceil_mode,
            "count_include_pad": example.count_include_pad,
            "output_size": None if example.kernel else example.output.shape[1:],
            "seed": seed,
        },
        result=_result(example),
        inputs={"input": example.input},
    )


def _example(
    array: np.ndarray,
    kind: str,
    kernel: int | Pair | None,
    window: tuple,
    adaptive: int | Pair | None,
) -> Pooling:
    """``window``: stride, padding, dilation, ceil_mode and count_include_pad."""
    if adaptive is None:
        names = "stride", "padding", "dilation", "ceil_mode", "count_include_pad"
        settings = dict(zip(names, window, strict=True))
        return lessons.pooling(array, kind, kernel=2 if kernel is None else kernel, **settings)
    if kernel is not None or window != (None, 0, 1, False, True):
        raise SpecError("pooling: expected adaptive alone, got a kernel or its settings too")
    return lessons.adaptive_pooling(array, kind, adaptive)


def _result(example: Pooling) -> dict[str, Any]:
    return {
        "output": example.output,
        "winners": example.winners,
        "divisor": example.windows.divisor,
        "size": [str(relation) for relation in example.relations or ()],
    }


def _described(example: Pooling, step: int) -> str:
    """One step in words."""
    shown = example.picture(step)
    channel, row, column = shown.at
    output = size_text(*example.output.shape[1:], *example.output.shape[:1])
    place = f"channel {channel}, row {row}, column {column}"
    return f"The output is {output}; {place} is {shown.result()}."
