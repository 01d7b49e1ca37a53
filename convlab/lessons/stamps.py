"""A transposed convolution as stamps: each input number lays its multiple of the kernel down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.lessons.convolution import Convolution, transposed_convolution
from convlab.shapes import size_text


@dataclass(frozen=True, eq=False)
class Stamp:
    """What one input number adds: ``at`` (row, column) of the input.

    ``products`` (KH, KW): the number times the kernel; ``rows`` and ``columns``: where they lie in
    the output, which may be outside it, as padding cuts that off; ``alone`` and ``so_far``
    (OH, OW): the output of this number, and of all up to it, by the engine.
    """

    at: tuple[int, int]
    products: NDArray
    rows: NDArray
    columns: NDArray
    alone: NDArray
    so_far: NDArray


def stamps(example: Convolution) -> Sequence[Stamp]:
    """The stamps of a transposed convolution of one map, without bias, in the loop's order.

    Raises ShapeError for another convolution.
    """
    if not example.transposed or example.kernel.shape[:2] != (1, 1) or example.bias.any():
        raise ShapeError(
            "stamps: expected a transposed convolution of one map without bias, got a kernel"
            f" {size_text(*example.kernel.shape)}"
        )
    array, found = example.input, []

    def output(part: NDArray) -> NDArray:
        made = transposed_convolution(
            part,
            example.kernel,
            stride=example.stride,
            padding=example.padding,
            output_padding=example.output_padding,
            dilation=example.dilation,
            flip=example.flip,
        )
        return made.output[0]

    kernel = example.kernel[0, 0, ::-1, ::-1] if example.flip else example.kernel[0, 0]
    order = np.arange(array.size).reshape(array.shape)
    for index, (_, row, column) in enumerate(np.ndindex(array.shape)):
        rows, columns = (
            at * stride - before + dilation * np.arange(length)
            for at, stride, before, dilation, length in zip(
                (row, column),
                example.stride,
                example.padding[::2],
                example.dilation,
                kernel.shape,
                strict=True,
            )
        )
        found.append(
            Stamp(
                (row, column),
                array[0, row, column] * kernel,
                rows,
                columns,
                output(np.where(order == index, array, 0)),
                output(np.where(order <= index, array, 0)),
            )
        )
    return found
