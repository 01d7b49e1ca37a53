"""How similar pixels are by distance."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from convlab import data as data_sets
from convlab import lessons, viz
from convlab.errors import DataError, ShapeError
from convlab.numerals import number
from convlab.pictures.picture import Picture
from convlab.shapes import size_text
from convlab.words import t


def neighbours(
    data: str = "digits",
    images: int = 300,
    farthest: int | None = None,
    example: int = 0,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Why neighbouring pixels matter: Pearson's correlation of all pairs at each distance.

    Beside it is the same after the pixels of all images were shuffled, in one order for all, by
    ``seed``.  ``images``: the first ones of the test set; ``farthest``: the largest distance in
    pixels along a row or a column, by default half the image; ``example``: the image shown.
    Raises DataError for an image that does not exist, ShapeError for a distance as long as the
    images.
    """
    _, test = data_sets.load(data, data_dir=data_dir)
    if example >= len(test):
        raise DataError(f"example: expected 0 to {len(test) - 1} of {test.name}, got {example}")
    some = test.images[:images]
    channels, rows, columns = test.image_shape
    farthest = min(rows, columns) // 2 if farthest is None else farthest
    if not 0 < farthest < max(rows, columns):
        raise ShapeError(
            f"farthest: expected 1 to {max(rows, columns) - 1} pixels in images of"
            f" {size_text(rows, columns)}, got {farthest}"
        )
    found = lessons.neighbours(some, farthest, seed)
    shown = test.images[example]
    mixed = lessons.shuffle_pixels(shown, found.order)
    lines = {
        "distances": found.distances,
        "correlations": found.correlations,
        "shuffled": found.shuffled,
    }
    title = t("Neighbouring pixels are alike")
    subtitle = t(
        "{name}, {n} test images of {size}; the same shuffling for all",
        *(Path(data).name, len(some), size_text(rows, columns, channels)),
    )
    return Picture(
        title,
        f"{title}: {subtitle}. Correlation at a distance of 1 pixel"
        f" {number(found.correlations[1])}, shuffled {number(found.shuffled[1])}.",
        partial(viz.neighbours, shown, mixed, *lines.values(), title=title, subtitle=subtitle),
        parameters={
            "data": data,
            "images": len(some),
            "farthest": farthest,
            "example": example,
            "seed": seed,
        },
        inputs={"image": shown, "shuffled_image": mixed, "order": found.order},
        result=lines,
    )
