"""Convolution step by step, and the sum that gives one of its values."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from convlab import viz
from convlab.errors import SpecError
from convlab.lab import figure_page
from convlab.lessons import Convolution, convolution_example, example_lines
from convlab.pictures._steps import stepped
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text


def arithmetic(
    input: int | Pair | None = None,
    kernel: int | Pair | None = None,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = "valid",
    dilation: int | Pair = 1,
    *,
    channels: int = 1,
    filters: int = 1,
    transposed: bool = False,
    output_padding: int | Pair = 0,
    padding_mode: str = "zeros",
    convention: str = "torch",
    flip: bool = False,
    values: str | os.PathLike | ArrayLike = "ints",
    seed: int = 0,
    kernel_values: str | os.PathLike | ArrayLike | None = None,
    bias: float | None = None,
    step: int | str | None = None,
    layout: str = "row",
) -> Picture:
    """Convolution step by step: the window, the kernel, the sum and the resulting size.

    ``input``, ``kernel``: rows and columns, 5 × 5 and 3 × 3 by default; ``padding``: valid,
    same, full, or numbers; ``padding_mode``: zeros, reflect, replicate or circular;
    ``convention``: torch or tensorflow, whose padding same it is; ``flip``: true convolution;
    ``values``: ints, floats or none, or the user's own .csv file or array; ``kernel_values``: rows
    such as "1 0; 0 -1", a .csv file or an array; ``step``: one output value, counted from 0, or
    "all" for an animation; by default the one in the middle; ``layout``: row or isometric.  Raises
    DataError, ShapeError, SpecError.
    """
    example = convolution_example(
        input,
        kernel,
        stride,
        padding,
        dilation,
        channels=channels,
        filters=filters,
        transposed=transposed,
        output_padding=output_padding,
        padding_mode=padding_mode,
        convention=convention,
        flip=flip,
        values=values,
        seed=seed,
        kernel_values=kernel_values,
        bias=bias,
    )
    numbers = not (isinstance(values, str) and values == "none")
    return stepped(
        example,
        *example.words(),
        partial(_described, example, numbers),
        step=step,
        layout=layout,
        numbers=numbers,
        parameters=_setting(example) | {"convention": convention, "flip": flip, "seed": seed},
        result=_result(example),
        page=partial(_page, example, numbers),
        inputs={"input": example.input},
        weights={"kernel": example.kernel, "bias": example.bias},
    )


def _page(example: Convolution, numbers: bool) -> str:
    """The playground with this layer and its numbers.  Raises SpecError where it has no such."""
    (channels, *size), kernel = example.input.shape, example.kernel.shape
    squares = {
        "size": size,
        "kernel": kernel[2:],
        "stride": example.stride,
        "padding": example.padding,
        "dilation": example.dilation,
    }
    for name, lengths in squares.items():
        if len({*lengths}) > 1:
            got = size_text(*lengths) if len(lengths) == 2 else ", ".join(map(str, lengths))
            raise SpecError(f".html: expected the same {name} on all sides, got {got}")
    if (channels, kernel[0]) != (1, 1):
        raise SpecError(
            f".html: expected one channel and one filter, got {channels} and {kernel[0]}"
        )
    if not numbers or example.padding_mode != "zeros" or any(example.output_padding):
        raise SpecError(".html: expected numbers, padding with zeros and no output padding")
    operation = "transposed convolution" if example.transposed else "convolution"
    # The page turns the kernel of a transposed convolution itself.
    taps = example.taps[0, 0]
    weights = taps[::-1, ::-1] if example.transposed else taps
    title, subtitle = example.words()
    settings: dict[str, Any] = {name: int(lengths[0]) for name, lengths in squares.items()}
    settings["operation"] = operation
    bias = float(example.bias[0])
    return figure_page(title, subtitle, settings, example.input[0], weights, bias)


def _setting(example: Convolution) -> dict[str, Any]:
    names = "stride", "padding", "dilation", "padding_mode", "transposed", "output_padding"
    return {name: getattr(example, name) for name in names}


def _result(example: Convolution) -> dict[str, Any]:
    return {
        "output": example.output,
        "channel_sums": example.channel_sums,
        "size": [str(relation) for relation in example.relations],
        "relations": [relation.number for relation in example.relations],
    }


def _described(example: Convolution, numbers: bool, step: int) -> str:
    """One step in words, with its sum if the numbers are shown."""
    shown = example.picture(step)
    o, row, column = shown.at
    output = size_text(*example.output.shape[1:], *example.output.shape[:1])
    place = f"filter {o}, row {row}, column {column}"
    if not numbers:
        return f"The output is {output}; the window stands at {place}."
    terms = [*shown.terms(), *([] if shown.bias is None else [f"the bias {shown.bias_text()}"])]
    if len(terms) > 20:
        terms = [*terms[:10], f"{len(terms) - 20} more", *terms[-10:]]
    words = f"The output is {output}; {place} is {' + '.join(terms)}"
    return f"{words} {shown.equals()} {shown.value()}."


def explain_example(
    example: Convolution,
    at: tuple[int, int, int] = (0, 0, 0),
    *,
    complete: bool = False,
    code: bool = False,
) -> Picture:
    """The whole sum behind one output value of a convolution: ``at`` filter, row and column.

    ``example``: of ``lessons.convolution_example`` or ``lessons.convolution``; ``complete``:
    ``lines`` have all terms, however many; ``code``: they have the layer in PyTorch, Keras and
    tf.nn, too.  Raises ShapeError for a value that does not exist.
    """
    shown = example.picture(example.step(at))
    title, subtitle = example.words()
    return Picture(
        title,
        f"{title}, {subtitle}: row {at[1]}, column {at[2]} of filter {at[0]} is {shown.result()}.",
        partial(viz.sliding_window, shown),
        parameters={**_setting(example), "flip": example.flip, "at": at},
        inputs={"input": example.input},
        weights={"kernel": example.kernel, "bias": example.bias},
        result={
            "output": example.output,
            "patch": shown.patch(),
            "taps": shown.kernel,
            "channel_sums": shown.channel_sums,
            "value": example.output[at],
        },
        lines=partial(example_lines, example, at, complete, code),
    )
