"""``convlab render architecture``: the classical drawing of a network."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@options.draws("architecture.png")
def command(pictures, network):
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are visible beside 28.  The longest
    branch is drawn, the others go around it as lines.  If there is too little room, blocks and
    stages are folded, and the second line says what is not drawn.
    """
    return pictures.architecture(network)
