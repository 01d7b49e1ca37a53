"""``convlab render connection-table``: which maps each filter of a convolution reads."""

from convlab_cli import drawing, options


@options.command()
@options.network_argument("lenet5-1998")
@options.layer("A convolution; by default the first that leaves maps out.")
@drawing.draws("connection-table.png")
def command(pictures, network, layer):
    """Which input maps each output map of a convolution reads.

    Layer C3 of 1998's LeNet-5 by default (table I of LeCun et al. 1998); grouped
    convolutions have such a table too, and if all maps are connected it is full.
    """
    return pictures.connection_table(network, layer)
