"""``convlab render connection-table``: which maps each filter of a convolution reads."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="[RUN|MODEL|SPEC.toml]", default="lenet5-1998")
@click.option("--layer", help="A convolution; by default the first that leaves maps out.")
@options.draws("connection-table.png")
def command(pictures, network, layer):
    """Which input maps each output map of a convolution reads.

    Layer C3 of 1998's LeNet-5 by default (table I of LeCun et al. 1998); grouped
    convolutions have such a table too, and if all maps are connected it is full.
    """
    return pictures.connection_table(network, layer)
