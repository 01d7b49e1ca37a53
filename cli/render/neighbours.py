"""``convlab render neighbours``: how similar pixels are by distance."""

import click
from convlab_cli import completion, drawing, options


@options.command()
@click.argument("data", metavar="[DATA]", default="digits", shell_complete=completion.data_sets)
@options.whole("--images", most=10_000, default=300, help="The first ones of the test set.")
@options.whole("--farthest", help="Largest distance in pixels; half the image by default.")
@options.whole("--example", least=0, default=0, help="The image shown.")
@options.seed("Of the shuffling.")
@options.data_dir
@drawing.draws("neighbours.png")
def command(pictures, **settings):
    """Why neighbouring pixels matter: their correlation by distance.

    Beside it is the same after the pixels of all images were shuffled, in one order for all.  DATA
    is digits, mnist, fashion-mnist, cifar10 or your own folder or file; the correlation is
    Pearson's, of all pairs of pixels at a distance in a row or a column.
    """
    return pictures.neighbours(**settings)
