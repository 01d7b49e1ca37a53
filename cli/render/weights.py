"""``convlab render weights``: how the weights of each layer are distributed."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.option("--layer", help="One layer, large; all layers with weights by default.")
@click.option(
    "--epochs",
    "by_epoch",
    is_flag=True,
    help="How they developed, from the snapshots of the run: before training, then by epoch.",
)
@options.draws("weights.png")
def command(pictures, run, layer, by_epoch):
    """Histograms of a network's weights, layer by layer, without biases.

    \b
    convlab render weights runs/lenet5-digits
    convlab train --snapshots, then convlab render weights RUN --epochs
    """
    return pictures.weights(run, layer, by_epoch)
