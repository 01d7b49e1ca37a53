"""``convlab render embedding``: which images a network takes to be alike."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.runs_only
@options.run_argument
@click.option(
    "--images",
    type=click.IntRange(4, options.MOST),
    default=500,
    show_default=True,
    help="Test images, evenly over the test set.",
)
@click.option(
    "--method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="Largest variance, or neighbours that stay neighbours.",
)
@click.option("--layer", help="Whose output; the last hidden layer by default.")
@options.data_dir
@options.device
@options.threads
@options.picture("embedding.png")
def command(run, images, method, layer, data_dir, picture):
    """Test images in a plane, those together that a layer answers alike.

    Mistakes of the network are ringed; where they are few, the true class and its answer
    stand beside them.
    """
    from convlab import pictures

    run = options.load_run(run)
    picture.finish(pictures.embedding(run, images, method, layer, data_dir))
