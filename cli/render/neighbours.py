"""``convlab render neighbours``: how alike pixels are by their distance."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.command()
@click.argument("source", metavar="[DATA]", default="digits")
@click.option(
    "--images",
    "count",
    type=click.IntRange(1, 10_000),
    default=300,
    show_default=True,
    help="The first ones of the test set.",
)
@click.option(
    "--farthest",
    type=click.IntRange(1, options.MOST),
    help="Largest distance in pixels; half the image by default.",
)
@click.option(
    "--example",
    type=click.IntRange(0, options.MOST),
    default=0,
    show_default=True,
    help="The image shown.",
)
@click.option("--seed", type=options.SEED, default=0, show_default=True, help="Of the shuffling.")
@options.data_dir
@options.picture("neighbours.png")
def command(source, count, farthest, example, seed, data_dir, picture):
    """Why neighbouring pixels matter: their correlation by distance.

    Beside it the same after all images had their pixels shuffled, in one order for all.  DATA
    is digits, mnist, fashion-mnist, cifar10 or a folder of images; Pearson's correlation of
    all pairs of pixels that are so far apart in a row or a column.
    """
    from convlab import data, lessons, viz
    from convlab.errors import DataError, ShapeError
    from convlab.numerals import number
    from convlab.shapes import size_text

    _, test = data.load(source, data_dir=data_dir)
    if example >= len(test):
        raise DataError(f"example: expected 0 to {len(test) - 1} of {test.name}, got {example}")
    images = test.images[:count]
    channels, rows, columns = test.image_shape
    farthest = min(rows, columns) // 2 if farthest is None else farthest
    if not 0 < farthest < max(rows, columns):
        raise ShapeError(
            f"farthest: expected 1 to {max(rows, columns) - 1} pixels in images of"
            f" {size_text(rows, columns)}, got {farthest}"
        )
    found = lessons.neighbours(images, farthest, seed)
    shown = test.images[example]
    mixed = lessons.shuffle_pixels(shown, found.order)
    title = "Neighbouring pixels are alike"
    subtitle = (
        f"{Path(source).name}, {len(images)} test images of {size_text(rows, columns, channels)};"
        " the same shuffling for all"
    )
    figure = viz.neighbours(
        shown,
        mixed,
        found.distances,
        found.correlations,
        found.shuffled,
        title=title,
        subtitle=subtitle,
        **picture.look,
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}. Correlation at a distance of 1 pixel"
        f" {number(found.correlations[1])}, shuffled {number(found.shuffled[1])}.",
        parameters={
            "data": source,
            "images": len(images),
            "farthest": farthest,
            "example": example,
            "seed": seed,
        },
        inputs={"image": shown, "shuffled_image": mixed, "order": found.order},
        weights={},
        result={
            "distances": found.distances,
            "correlations": found.correlations,
            "shuffled": found.shuffled,
        },
    )
