"""``convlab render embedding``: which images a network treats as similar."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.runs_only
@options.run_argument
@options.whole(
    "--images", least=4, default=500, help="Test images, spread evenly over the test set."
)
@options.choice(
    "--method", "pca", "tsne", help="Largest variance, or neighbours that stay neighbours."
)
@click.option("--layer", help="Whose output; the last hidden layer by default.")
@options.data_dir
@options.device
@options.threads
@options.draws("embedding.png")
def command(pictures, run, images, method, layer, data_dir):
    """Test images in a plane: those are close together for which a layer's outputs are similar.

    Mistakes of the network are ringed; if they are few, the true class and its answer are beside
    them.
    """
    run = options.load_run(run)
    return pictures.embedding(run, images, method, layer, data_dir)
