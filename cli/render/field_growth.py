"""``convlab render field-growth``: the receptive field by depth for several networks."""

import click
from convlab_cli import drawing, options


@options.command()
@options.network_argument(several=True)
@drawing.draws("field-growth.png")
def command(pictures, networks):
    """How the receptive field grows with depth, with a line for each of up to four networks.

    NETWORK is a model's name, the folder of a run or a .toml file.  Depth counts the
    convolutions and poolings on the longest path to a layer.
    """
    if len(networks) > 4:
        raise click.UsageError(f"expected at most 4 networks, got {len(networks)}")
    return pictures.field_growth(*networks)
