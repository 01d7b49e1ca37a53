"""A transposed convolution as stamps of its kernel."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab import viz
from convlab.errors import SpecError
from convlab.lessons import Convolution, convolution_example
from convlab.lessons.stamps import Stamp, stamps
from convlab.lessons.words import sides_text, window_text
from convlab.numerals import exact, grain, sums
from convlab.pictures.picture import Picture, said
from convlab.shapes import Pair, size_text
from convlab.viz import ShownGrid, ShownStamp
from convlab.words import t

MOST_STAMPS = 100
MOST_CELLS = 16
_SHOWN = 5  # stamps on a still; of more the first and the last


def stamping(
    input: int | Pair | None = None,
    kernel: int | Pair | None = None,
    stride: int | Pair = 2,
    padding: str | int | tuple[int, ...] = 0,
    *,
    output_padding: int | Pair = 0,
    values: str | os.PathLike | ArrayLike = "ints",
    seed: int = 0,
    kernel_values: str | os.PathLike | ArrayLike | None = None,
) -> Picture:
    """A transposed convolution of one map: each input number stamps its multiple of the kernel.

    The stamps are ``stride`` apart, and where they overlap they are added; the padding is cut off
    (Dumoulin & Visin 2016, chapter 4, say the same by a convolution with zeros inserted).
    ``input``, ``kernel``: rows and columns, by default 2 × 2 and 3 × 3; the other arguments as of
    ``arithmetic``.  A film shows one stamp after the other.  Raises DataError, ShapeError,
    SpecError.
    """
    if isinstance(values, str) and values == "none":
        raise SpecError("values: expected ints, floats or a .csv file, got none")
    example = convolution_example(
        (2, 2) if input is None and isinstance(values, str) else input,
        kernel,
        stride,
        padding,
        transposed=True,
        output_padding=output_padding,
        values=values,
        seed=seed,
        kernel_values=kernel_values,
        bias=0.0,
    )
    if example.input.size > MOST_STAMPS or max(example.output.shape) > MOST_CELLS:
        raise SpecError(
            f"stamping: expected at most {MOST_STAMPS} stamps on {MOST_CELLS} × {MOST_CELLS} cells,"
            f" got {example.input.size} on {size_text(*example.output.shape[1:])}"
        )
    found = stamps(example)
    title = t("Transposed convolution, as stamps")
    kernel_note = window_text(example.kernel.shape[2:], example.stride, example.dilation, 1)
    if any(example.padding):
        kernel_note += t(", padding {sides}", sides_text(example.padding))
    notes = size_text(*example.input.shape[1:]), kernel_note
    subtitle = t("each number of the input lays its multiple of the kernel down: {note}", notes[1])
    facts = _facts(example, found)

    def draw(**look: Any):
        return viz.grid_rows(
            _rows(example, found), title=title, subtitle=subtitle, facts=facts, **look
        )

    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
        draw,
        film=partial(_film, example, found, title, subtitle, notes),
        parameters={
            "stride": example.stride,
            "padding": example.padding,
            "output_padding": example.output_padding,
            "seed": seed,
        },
        inputs={"input": example.input},
        weights={"kernel": example.kernel},
        result={"output": example.output, "stamps": [stamp.alone for stamp in found]},
        facts=dict(facts),
    )


def _known(example: Convolution) -> Any:
    return grain(example.kernel[0, 0].size, example.input, example.kernel)


def _facts(example: Convolution, found: Any) -> list[tuple[str, str]]:
    """The output's number to which most stamps add, and what they add."""
    counts = np.sum([_laid(stamp, example.output.shape[1:]) for stamp in found], axis=0)
    row, column = np.unravel_index(int(np.argmax(counts)), counts.shape)
    parts = [s.alone[row, column] for s in found if _laid(s, counts.shape)[row, column]]
    terms = sums(np.array(parts), _known(example)).marked()
    output = sums(example.output, _known(example)).marked()
    total = output[int(row) * counts.shape[1] + int(column)]
    written = " + ".join(text if text[0].isdigit() else f"({text})" for text in terms)
    sign = "=" if total[0] != "≈" else ""
    label, whole = t("row {row}, column {column}", row, column), f"{written} {sign} {total}"
    return [(label, t("{sum}, where {count} stamps meet", whole, len(parts)))]


def _laid(stamp: Stamp, shape: tuple[int, ...]) -> NDArray:
    """(OH, OW) bool: the cells of the output that a stamp reaches."""
    inside = [
        np.isin(np.arange(length), at)
        for length, at in zip(shape, (stamp.rows, stamp.columns), strict=True)
    ]
    return inside[0][:, None] & inside[1]


def _rows(example: Convolution, found: Any) -> list[list[list[ShownGrid]]]:
    """The input and the kernel; below them the stamps, and their sum."""
    kernel, values = example.kernel[0, 0], example.input[0]
    first = [
        [ShownGrid(values, exact(values), "x", t("input"))],
        [ShownGrid(kernel, exact(kernel), "w", t("kernel"), "window")],
    ]
    shape, known = example.output.shape[1:], _known(example)
    few = len(found) <= _SHOWN
    chosen = range(len(found)) if few else [0, 1, len(found) - 1]
    texts, second = exact(values).marked(), []
    for number, index in enumerate(chosen):
        stamp, sign = found[index], "+" if number else ""
        if not few and number == 2:
            sign = t("+ {count} more +", len(found) - 3)
        laid = _laid(stamp, shape)
        second.append(
            ShownGrid(
                stamp.alone,
                sums(stamp.alone, known),
                f"{texts[index]}·w",
                t("row {row}, column {column}", *stamp.at),
                "input",
                sign,
                outside=None,
                window=laid,
                done=laid,
            )
        )
    output = example.output[0]
    second.append(ShownGrid(output, sums(output, known), "y", t("output"), "output", "="))
    return [first, [second]]


def _film(
    example: Convolution,
    found: Any,
    title: str,
    subtitle: str,
    notes: tuple[str, str],
    **look: Any,
) -> Any:
    known, shape = _known(example), example.output.shape[1:]
    reached, shown = np.zeros(shape, bool), []
    for stamp in found:
        reached = reached | _laid(stamp, shape)
        shown.append(
            ShownStamp(
                stamp.at,
                sums(stamp.products, known).marked(),
                stamp.rows,
                stamp.columns,
                sums(stamp.so_far, known).marked(),
                reached,
            )
        )
    grids = (
        (example.input.shape[1:], exact(example.input).marked(), notes[0]),
        (example.kernel.shape[2:], exact(example.kernel).marked(), notes[1]),
        (shape, size_text(*shape)),
    )
    return viz.stamp_film(shown, *grids, title=title, subtitle=subtitle, **look)
