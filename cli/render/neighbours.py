"""``convlab render neighbours``: how alike pixels are by their distance."""

from __future__ import annotations

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
    from convlab import pictures

    made = pictures.neighbours(source, count, farthest, example, seed, data_dir)
    picture.finish(made)
