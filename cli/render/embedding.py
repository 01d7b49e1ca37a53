"""``convlab render embedding``: which images a network takes to be alike."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.runs_only
@options.run_argument
@options.whole("--images", least=4, default=500, help="Test images, evenly over the test set.")
@options.choice(
    "--method", "pca", "tsne", help="Largest variance, or neighbours that stay neighbours."
)
@click.option("--layer", help="Whose output; the last hidden layer by default.")
@options.data_dir
@options.device
@options.threads
@options.draws("embedding.png")
def command(pictures, run, images, method, layer, data_dir):
    """Test images in a plane, those together that a layer answers alike.

    Mistakes of the network are ringed; where they are few, the true class and its answer
    stand beside them.
    """
    run = options.load_run(run)
    return pictures.embedding(run, images, method, layer, data_dir)
