"""``convlab render neighbours``: how similar pixels are by distance."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("source", metavar="[DATA]", default="digits")
@options.whole(
    "--images", "count", most=10_000, default=300, help="The first ones of the test set."
)
@options.whole("--farthest", help="Largest distance in pixels; half the image by default.")
@options.whole("--example", least=0, default=0, help="The image shown.")
@options.seed("Of the shuffling.")
@options.data_dir
@options.draws("neighbours.png")
def command(pictures, source, count, farthest, example, seed, data_dir):
    """Why neighbouring pixels matter: their correlation by distance.

    Beside it is the same after the pixels of all images were shuffled, in one order for all.  DATA
    is digits, mnist, fashion-mnist, cifar10 or a folder of images; the correlation is Pearson's, of
    all pairs of pixels at a distance in a row or a column.
    """
    return pictures.neighbours(source, count, farthest, example, seed, data_dir)
