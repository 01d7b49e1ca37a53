"""``convlab render costs``: parameters and multiply-adds of each layer."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="[RUN|MODEL|SPEC.toml]", default="lenet5")
@options.draws("costs.png")
def command(pictures, network):
    """Where the parameters of a network are, and where its work is done: bars by layer.

    Multiply-adds are for one image in the forward pass.  Layers with neither are left out; "convlab
    summary" has all numbers.
    """
    return pictures.costs(network)
