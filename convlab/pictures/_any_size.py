"""A vector of a fixed length from an image of any size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import numpy as np

from convlab import data, insight, viz
from convlab.errors import ShapeError
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import Pair, pair, size_text
from convlab.training import ImageLike
from convlab.words import t

MOST = 512  # pixels along a side
MOST_SIZES = 4


def any_size(
    run: RunLike,
    image: ImageLike,
    sizes: Sequence[int | Pair] = (),
    grid: int | Pair = 2,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """One network on an image in several sizes: what a dense layer refuses, and what pooling saves.

    ``sizes``: rows and columns of the image, by default the network's own, one and a half times as
    wide, and twice as large; of another shape it is padded with the colour of its border.
    ``grid``: rows and columns of the adaptive pooling.  Every vector is the engine's, and so is
    the refusal.  Raises the errors of ``Run.image`` and of ``insight.any_size``, and ShapeError for
    more sizes or larger ones than can be shown.
    """
    run = run_of(run)
    rows, columns = run.network.input_shape[1:]
    usual = (rows, columns), (rows, columns * 3 // 2), (2 * rows, 2 * columns)
    asked = [pair(size, "sizes") for size in sizes or usual]
    cells = pair(grid, "grid")
    if len(asked) > MOST_SIZES or max(max(size) for size in (*asked, cells)) > MOST:
        raise ShapeError(
            f"any size: expected at most {MOST_SIZES} sizes, each of at most {MOST} × {MOST}, got"
            f" {', '.join(size_text(*size) for size in asked)}"
        )
    dense = insight.reader(run.network)
    subject = run.image(image, data_dir)
    shown = [data.fit_images(subject.pixels[None], size)[0] for size in asked]
    inputs = [data.to_floats(pixels[None], run.scaling)[0] for pixels in shown]
    found = [insight.any_size(run.network, np.ascontiguousarray(x), cells) for x in inputs]
    channels = len(found[0].maps)
    names = [
        t("Flatten: {name} takes {features:,} numbers, no others", dense.name, dense.features),
        t("Global average pooling: always {channels:,}", channels),
        t("Adaptive pooling to {size}: always {n:,}", size_text(*cells), len(found[0].grid)),
    ]
    title = t("A fixed length from any size")
    subtitle = t(
        "the same convolutions and poolings on {name}{aside}; {name2}",
        *(subject.name, subject.aside, run.name),
    )
    drawn = [_column(one, pixels) for one, pixels in zip(found, shown, strict=True)]
    lengths = ". ".join(f"Image {one.name} {one.maps_name}, {one.verdicts[0]}" for one in drawn)
    return Picture(
        title,
        f"{title}: {subtitle}. {'; '.join(names)}. {lengths}.",
        partial(viz.any_size, drawn, names, title=title, subtitle=subtitle),
        parameters={
            "run": run.folder,
            "image": subject.source,
            "sizes": asked,
            "grid": cells,
            "inverted": subject.inverted,
        },
        inputs={size_text(*one.size): x for one, x in zip(found, inputs, strict=True)},
        weights=run.network.state_dict(),
        result={size_text(*one.size): vars(one) for one in found},
    )


def _column(one: insight.SizedVectors, pixels: np.ndarray) -> viz.SizedImage:
    """What is drawn of one size."""
    count, *size = one.maps.shape
    return viz.SizedImage(
        size_text(*one.size),
        pixels,
        f"→ {size_text(*size, count)}",
        one.maps,
        (one.flat, one.pooled, one.grid),
        (t("{size:,} refused" if one.refusal else "{size:,} fit", one.flat.size), "", ""),
        (bool(one.refusal), False, False),
    )
