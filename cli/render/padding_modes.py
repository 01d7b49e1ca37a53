"""``convlab render padding-modes``: zeros, reflect, replicate and circular side by side."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.options import DRAWN


@click.command()
@options.lengths("--input", "shape", most=DRAWN, default="3", show_default=True)
@options.lengths(
    "--padding",
    least=0,
    example="2",
    most=DRAWN,
    default="2",
    show_default=True,
    help="Rows and columns on each side.",
)
@options.draws("padding-modes.png")
def command(pictures, shape, padding):
    """What is in the padding of a convolution: zeros, reflect, replicate, circular.

    The input counts from 1, to show where each number comes from.
    """
    return pictures.padding_modes(shape, padding)
