"""``convlab render costs``: parameters and multiply-adds of each layer."""

from convlab_cli import drawing, options


@options.command()
@options.network_argument("lenet5", classes=True)
@drawing.draws("costs.png")
def command(pictures, network):
    """Where the parameters of a network are, and where its work is done: bars by layer.

    Multiply-adds are for one image in the forward pass.  Layers with neither are left out; "convlab
    summary" has all numbers.
    """
    return pictures.costs(network)
