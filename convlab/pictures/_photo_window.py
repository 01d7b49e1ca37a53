"""A window on a photograph, with its numbers."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convlab import lessons, viz
from convlab.data import fit_images
from convlab.errors import ShapeError, SpecError
from convlab.pictures import sources
from convlab.pictures.picture import Picture
from convlab.shapes import Pair, size_text
from convlab.training import ImageLike
from convlab.words import joined, t

_LONGEST = 96  # pixels: a window on a larger picture would hardly be seen
_STEPS = 5


def photo_window(
    image: ImageLike = "china",
    kernel: str | os.PathLike | ArrayLike = "sobel-x",
    at: Pair | None = None,
    data: str = "digits",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """A window that slides over a photograph: its numbers, their sum, and the map that grows.

    ``image`` as in ``image``; its luma, made smaller to at most 96 pixels.  ``kernel``: a single
    one, as in ``lessons.classic_kernel``, without padding; ``at``: row and column of the result
    that is worked out, by default where the window sees most contrast near the middle.  A film
    shows five steps there, and then the rest of the map.  Raises DataError, ShapeError, SpecError.
    """
    chosen = lessons.classic_kernel(kernel)
    if chosen.is_pair:
        raise SpecError(f"kernel: expected one kernel such as {chosen.name}-x, got {chosen.name}")
    given, name = sources.image_bytes(image, data, data_dir)
    channels, *size = given.shape
    factor = min(1.0, _LONGEST / max(size))
    smaller = max(1, round(factor * size[0])), max(1, round(factor * size[1]))
    (pixels,) = fit_images(given[None], smaller, 1)
    output = lessons.apply_kernel(pixels, chosen, padding="valid").output[0, 0]
    row, column = at = _strongest(output) if at is None else at
    rows, columns = output.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(
            f"at: expected a result of the map, which has {size_text(rows, columns)},"
            f" got row {row}, column {column}"
        )
    steps = min(_STEPS, columns)
    first = row, min(max(column - steps // 2, 0), columns - steps)
    down, across = chosen.weights.shape[1:]
    strip = pixels[:, row : row + down, first[1] : first[1] + steps + across - 1]
    example = lessons.convolution(strip, chosen.weights[:1, None])
    number = column - first[1]
    shown = viz.PhotoWindow(pixels[0], output, [example.picture(k) for k in range(steps)], first)
    title = t("A window on an image")
    subtitle = _subtitle(name, size, smaller, channels)
    subtitle = joined([chosen.title, subtitle], "; ")
    words: dict[str, Any] = {"title": title, "subtitle": subtitle}
    return Picture(
        title,
        f"{title}: {subtitle}. Row {row}, column {column}: {shown.steps[number].sum_text()}.",
        partial(viz.photo_window, shown, number, **words),
        film=partial(viz.photo_film, shown, **words),
        parameters={
            "image": name if isinstance(image, np.ndarray) else str(image),
            "kernel": chosen.name,
            "at": at,
            "steps": [(row, first[1] + k) for k in range(steps)],
        },
        inputs={"image": pixels},
        weights={"kernel": chosen.weights[0]},
        result={"output": output, "values": example.output[0, 0]},
    )


def _strongest(output: np.ndarray) -> Pair:
    """Where the map is largest in magnitude, in the middle third of its rows and columns."""
    rows, columns = output.shape
    top, left = rows // 3, columns // 3
    part = np.abs(output[top : rows - top, left : columns - left])
    row, column = np.unravel_index(int(part.argmax()), part.shape)
    return top + int(row), left + int(column)


def _subtitle(name: str, size: list[int], smaller: Pair, channels: int) -> str:
    """What the photograph is, and what was made of it."""
    text = size_text(*smaller)
    if tuple(size) != smaller:
        text = t("{size} of {shown}", text, size_text(*size))
    return joined([name, text]) + (t(", grey (BT.601 luma)") if channels == 3 else "")
