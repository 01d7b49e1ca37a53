"""The channels of an image, or its numbers."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np

from convlab import lessons, viz
from convlab.errors import ShapeError, SpecError
from convlab.pictures import sources
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text
from convlab.training import ImageLike
from convlab.words import t


def image(
    image: ImageLike = "china",
    numbers: bool = False,
    pixels: Pair | None = None,
    at: Pair | None = None,
    data: str = "digits",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """An image as a network gets it: its red, green and blue channels, or numbers.

    ``image``: pixels, a picture's file, "-", a photograph (china, flower), or test:N of
    ``data``.  ``numbers``: the values of some pixels, as for every grey image; ``pixels``: rows and
    columns of them, by default at most 14 × 14, or 14 × 8 in colour.  ``at``: the first of them, or
    the pixel marked on the image, (row, column); by default in the middle.  Raises DataError for an
    image that does not exist, ShapeError for pixels outside it and SpecError for ``pixels`` with
    channels.
    """
    shown, name = sources.image_bytes(image, data, data_dir)
    channels, rows, columns = shown.shape
    if numbers or channels == 1:
        title, levels, draw, said, chosen, result = _numbers(shown, name, pixels, at)
    elif pixels:
        raise SpecError("pixels: expected together with numbers")
    else:
        title, levels, draw, said, chosen, result = _channels(shown, at)
    subtitle = t("{name}, {size}: {levels}", name, size_text(rows, columns, channels), levels)
    return Picture(
        title,
        f"{title}: {subtitle}; {said}.",
        partial(draw, title=title, subtitle=subtitle),
        parameters={
            "image": name if isinstance(image, np.ndarray) else str(image),
            **chosen,
        },
        inputs={"image": lessons.record(shown)},
        result=result,
    )


def _numbers(shown: np.ndarray, name: str, pixels: Pair | None, at: Pair | None) -> tuple[Any, ...]:
    """Title, what the levels say, the drawing, what it shows, and the numbers of both kinds."""
    channels, rows, columns = shown.shape
    high, wide = pixels or (min(14, rows), min(14 if channels == 1 else 8, columns))
    top, left = at or (max(0, (rows - high) // 2), max(0, (columns - wide) // 2))
    if not (0 <= top <= rows - high and 0 <= left <= columns - wide):
        raise ShapeError(
            f"pixels: expected {size_text(high, wide)} of them inside {name}, which has"
            f" {size_text(rows, columns)}, got the first one at row {top}, column {left}"
        )
    box = (top, left, top + high, left + wide)
    return (
        t("An image is numbers"),
        t("0 is black, 255 is white")
        if channels == 1
        else t("of each colour, 0 is none, 255 is all"),
        partial(viz.pixel_numbers, shown, box),
        t("rows {top} to {value}, columns {left} to {value2}", top, box[2] - 1, left, box[3] - 1),
        {"box": box},
        {"pixels": shown[:, top : box[2], left : box[3]]},
    )


def _channels(shown: np.ndarray, at: Pair | None) -> tuple[Any, ...]:
    """The same as ``_numbers``, for the three channels."""
    _, rows, columns = shown.shape
    row, column = at or (rows // 2, columns // 2)
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(
            f"at: expected a pixel inside {size_text(rows, columns)}, got row {row}, column"
            f" {column}"
        )
    values = shown[:, row, column]
    return (
        t("A colour image is three maps"),
        t("in each channel 0 is black, 255 is white"),
        partial(viz.channels, shown, (row, column)),
        "row {}, column {} is red {}, green {}, blue {}".format(row, column, *values),
        {"pixel": (row, column)},
        {"values": values},
    )
