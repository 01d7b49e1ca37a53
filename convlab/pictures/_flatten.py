"""An image as the row of numbers that a dense layer reads."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import Tensor, lessons, nn, viz
from convlab.errors import ShapeError
from convlab.numerals import TIMES
from convlab.pictures import sources
from convlab.pictures.picture import Picture, said
from convlab.shapes import Pair, size_text
from convlab.training import ImageLike
from convlab.words import t

MOST = 1 << 20  # numbers: more of them no float32 counts and no picture shows


def flatten(
    image: ImageLike = "test:7",
    at: Pair | None = None,
    data: str = "digits",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """What Flatten makes of an image: its numbers in a row, in the order of memory.

    Rows come after each other, of colours one channel after the other.  ``image`` as in
    ``image``; ``at``: the pixel whose place is worked out, both ways, (row, column), by default
    in the middle, of the first channel.  Raises DataError for an image that there is not,
    ShapeError for a pixel outside it and for more than about a million numbers.
    """
    shown, name = sources.image_bytes(image, data, data_dir)
    channels, rows, columns = shown.shape
    if shown.size > MOST:
        raise ShapeError(
            f"flatten: expected an image of at most {MOST:,} numbers, got"
            f" {size_text(rows, columns, channels)}"
        )
    row, column = at or (rows // 2, columns // 2)
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(
            f"at: expected a pixel inside {size_text(rows, columns)}, got row {row}, column"
            f" {column}"
        )
    # Where each number comes to lie, by the layer that networks have.
    counted = Tensor(np.arange(shown.size, dtype=np.float32).reshape(1, *shown.shape))
    order = np.argsort(nn.Flatten()(counted).numpy()[0]).reshape(shown.shape)
    place = int(order[0, row, column])
    sizes = (rows, columns) if channels == 1 else (channels, rows, columns)
    product = f" {TIMES} ".join(map(str, sizes))
    facts = [
        (t("how many"), t("{product} = {size:,}", product, shown.size)),
        (
            t("order"),
            t("row after row") + ("" if channels == 1 else t(", one channel after the other")),
        ),
        (
            t("there"),
            t(
                "row {row}, column {column}: {row} · {columns} + {column} = {place:,}",
                *(row, column, columns, place),
            ),
        ),
        (
            t("and back"),
            t(
                "{place:,} = {value} · {columns} + {value2}",
                *(place, place // columns, columns, place % columns),
            ),
        ),
    ]
    title = t("An image becomes a row of numbers")
    subtitle = t(
        "{name}, {size}: what Flatten hands to a dense layer",
        *(name, size_text(rows, columns, channels)),
    )
    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
        partial(
            viz.flatten,
            shown,
            order,
            (0, row, column),
            facts=facts,
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "image": name if isinstance(image, np.ndarray) else str(image),
            "pixel": (row, column),
        },
        inputs={"image": lessons.record(shown)},
        result={"place": place, "order": lessons.record(order), "count": shown.size},
        facts=dict(facts),
    )
