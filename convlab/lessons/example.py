"""The numbers of an example: random, or the user's own."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convlab import shapes
from convlab.checks import real_numbers, shown, whole
from convlab.data import table
from convlab.errors import DataError, ShapeError, SpecError
from convlab.lessons.convolution import (
    Convolution,
    convolution,
    padding_by,
    random_values,
    transposed_convolution,
)
from convlab.shapes import Pair, size_text

DRAWN = 128
"""The most cells along an axis of anything drawn cell by cell."""
MOST_CHANNELS = 512


def example_input(
    values: str | os.PathLike | ArrayLike, size: int | Pair | None, channels: int, seed: int
) -> np.ndarray:
    """The input (C, H, W) of an example.

    ``values``: ints, floats or none, random numbers of ``size``, by default 5 × 5; or the user's
    own numbers, ``channels`` one below the other in a .csv file or an array (C H, W), or (C, H, W).
    Raises DataError, ShapeError, SpecError.
    """
    channels = whole(channels, "channels", most=MOST_CHANNELS)
    if size is not None:
        size = shapes.pair(size, "input")
        if max(size) > DRAWN:
            raise ShapeError(
                f"input: expected at most {DRAWN} × {DRAWN} to be drawn, got {size[0]} × {size[1]}"
            )
    if isinstance(values, str) and values in ("ints", "floats", "none"):
        kind = "ints" if values == "none" else values
        return random_values((channels, *(size or (5, 5))), kind, seed, signed=False)
    if isinstance(values, str | os.PathLike):
        name = str(values)
        if not name.lower().endswith(".csv") and name != "-":
            raise SpecError(f"values: expected ints, floats, none or a .csv file, got {name!r}")
        rows = np.array(table.read_numbers(name))
    else:
        name, rows = "values", own_numbers(values, "values", 2, 3)
        if rows.ndim == 3:
            channels, rows = len(rows), rows.reshape(-1, rows.shape[2])
    if len(rows) % channels:
        raise ShapeError(
            f"{name}: expected rows for {channels} channels below each other, got {len(rows)}"
        )
    rows = rows.reshape(channels, -1, rows.shape[1])
    if max(rows.shape[1:]) > DRAWN:
        raise ShapeError(
            f"{name}: expected at most {DRAWN} × {DRAWN} numbers a channel, got"
            f" {size_text(*rows.shape[1:])}"
        )
    if size is not None and rows.shape[1:] != size:
        raise ShapeError(
            f"{name}: expected {size_text(*size)} numbers a channel, as large as the input is to"
            f" be, got {size_text(*rows.shape[1:])}"
        )
    return rows


def own_numbers(values: ArrayLike, name: str, *dimensions: int) -> np.ndarray:
    """A user's array.  Raises DataError, DTypeError, ShapeError."""
    array = real_numbers(values, name).astype(float)
    if array.ndim not in dimensions or not array.size:
        raise ShapeError(f"{name}: expected rows of numbers, got an array {array.shape}")
    if not (np.abs(array) <= table.LARGEST).all():
        raise DataError(f"{name}: expected numbers of at most {table.LARGEST:g}")
    return array


def _kernel_rows(values: str | os.PathLike | ArrayLike) -> list[list[float]]:
    if not isinstance(values, str | os.PathLike):
        return own_numbers(values, "kernel values", 2).tolist()
    text = str(values)
    if text.lower().endswith(".csv") or text == "-":
        return table.read_numbers(text)
    try:
        rows = [
            [table.number(v) for v in row.replace(",", " ").split()]
            for row in text.strip(" ;").split(";")
        ]
        if not any(rows):
            raise ValueError
        return rows
    except ValueError:
        raise SpecError(
            'kernel values: expected rows such as "1 0 -1; 2 0 -2; 1 0 -1" or a .csv file,'
            f" got {shown(text)}"
        ) from None


def _kernel(
    values: str | os.PathLike | ArrayLike, filters: int, channels: int, size: Pair | None
) -> np.ndarray:
    """The kernel (O, C, KH, KW) of a user's numbers; without ``size`` it is as large as they are.

    The numbers of a single kernel are used for every channel and filter.
    """
    rows = _kernel_rows(values)
    lengths = {len(row) for row in rows}
    count = filters * channels
    if size is None:  # the same numbers for all kernels
        size = (len(rows), max(lengths))
    if lengths != {size[1]} or len(rows) not in (size[0], size[0] * count):
        got = f"{len(rows)} rows of {' and '.join(map(str, sorted(lengths)))}"
        wanted = f"{size[0]} rows of {size[1]} numbers"
        if count > 1:
            wanted += f", or {size[0] * count} for all {count} kernels"
        raise ShapeError(f"kernel values: expected {wanted}, got {got}")
    shapes.check_numbers("kernels", (filters, channels, *size))
    kernel = np.array(rows)
    if len(rows) == size[0]:
        return np.broadcast_to(kernel, (filters, channels, *size)).copy()
    return kernel.reshape(filters, channels, *size)


def convolution_example(
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
) -> Convolution:
    """A worked convolution, or a transposed one, with random numbers or the user's own.

    ``input``, ``kernel``: rows and columns, by default 5 × 5 and 3 × 3 for random numbers;
    ``padding`` as in ``resolve_padding``, with its word same according to ``convention``, torch or
    tensorflow; ``values`` as in ``example_input``; ``kernel_values``: rows such as "1 0; 0 -1", a
    .csv file or an array, for one kernel or for all, one below the other; ``bias``: added to every
    output, by default 1 with random kernels, else 0.  Raises DataError, ShapeError, SpecError.
    """
    array = example_input(values, input, channels, seed)
    filters = whole(filters, "filters", most=MOST_CHANNELS)
    size = None if kernel is None else shapes.pair(kernel, "kernel")
    word = values if isinstance(values, str) else ""
    if kernel_values is not None:
        weights = _kernel(kernel_values, filters, len(array), size)
    else:
        shape = (filters, len(array), *(size or (3, 3)))
        shapes.check_numbers("kernels", shape)
        kind = "floats" if word == "floats" else "ints"
        weights = random_values(shape, kind, seed + 1, signed=True)
    if bias is None:
        bias = 1.0 if kernel_values is None and word != "none" else 0.0
    if not (np.isfinite(weights).all() and np.isfinite(bias)):
        raise SpecError("kernel values and bias: expected finite numbers")
    extra = shapes.pair(output_padding, "output padding", least=0)
    if transposed and padding_mode != "zeros":
        raise SpecError(f"transposed convolution: expected padding mode zeros, got {padding_mode}")
    if not transposed and any(extra):
        raise SpecError("output padding: expected a transposed convolution")
    numbers = array, weights, np.full(len(weights), bias)
    setting: dict[str, Any] = {
        "stride": stride,
        "padding": padding_by(padding, convention),
        "dilation": dilation,
        "flip": flip,
    }
    if transposed:
        return transposed_convolution(*numbers, output_padding=extra, **setting)
    return convolution(*numbers, padding_mode=padding_mode, **setting)
