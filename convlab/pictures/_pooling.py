"""Max, average, global and adaptive pooling, window by window."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import ArrayLike

from convlab import lessons
from convlab.errors import SpecError
from convlab.pictures._steps import stepped
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text


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
    """Pooling step by step: the window, its winner or its mean, and the size that comes out.

    ``kind``: max or average; ``input``: rows and columns, 6 × 6 by default; ``kernel``: 2 × 2
    by default; ``stride``: the kernel's size by default; ``ceil_mode``: the last window may
    hang over the end; ``count_include_pad``: an average divides by cells of padding too;
    ``adaptive``: as many windows, as even as they can be, instead of a kernel, 1 for global
    pooling; ``values``, ``step`` and ``layout`` as in ``arithmetic``.  Raises DataError,
    ShapeError, SpecError.
    """
    random = isinstance(values, str) and values in ("ints", "floats", "none")
    if input is None and random:  # numbers of one's own say their size
        input = 6, 6
    array = lessons.example_input(values, input, channels, seed)
    # All different, so that each maximum is one cell.
    if random and values == "ints" and array.size <= 100:
        array = np.random.default_rng(seed).permutation(100)[: array.size].reshape(array.shape)
    window = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    if adaptive is None:
        example = lessons.pooling(
            array,
            kind,
            kernel=2 if kernel is None else kernel,
            count_include_pad=count_include_pad,
            **window,
        )
    elif kernel is not None or [*window.values(), count_include_pad] != [None, 0, 1, False, True]:
        raise SpecError("pooling: expected adaptive alone, got a kernel or its settings too")
    else:
        example = lessons.adaptive_pooling(array, kind, adaptive)
    output = size_text(*example.output.shape[1:], *example.output.shape[:1])

    def describe(k: int) -> str:
        shown = example.picture(k)
        channel, row, column = shown.at
        place = f"channel {channel}, row {row}, column {column}"
        return f"The output is {output}; {place} is {shown.result()}."

    return stepped(
        example,
        {"max": "Max pooling", "average": "Average pooling"}[kind],
        f"input {example.input_note()}, window {example.window_note()}",
        describe,
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
        inputs={"input": example.input},
        weights={},
        result={
            "output": example.output,
            "winners": example.winners,
            "divisor": example.windows.divisor,
            "size": [str(relation) for relation in example.relations or ()],
        },
    )
