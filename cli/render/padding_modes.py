"""``convlab render padding-modes``: zeros, reflect, replicate and circular side by side."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.option(
    "--input", "shape", type=options.Lengths(most=options.DRAWN), default="3", show_default=True
)
@click.option(
    "--padding",
    type=options.Lengths(least=0, example="2", most=options.DRAWN),
    default="2",
    show_default=True,
    help="Rows and columns on each side.",
)
@options.picture("padding-modes.png")
def command(shape, padding, picture):
    """What stands in the padding of a convolution: zeros, reflect, replicate, circular.

    The input counts from 1, so that one sees where each number comes from.
    """
    from convlab import pictures

    picture.finish(pictures.padding_modes(shape, padding))
