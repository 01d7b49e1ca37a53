"""``convlab render architecture``: the classical drawing of a network."""

from convlab_cli import drawing, options


@options.command()
@options.network_argument(classes=True)
@options.flag("--brackets", help="Say which part finds features and which decides.")
@options.choice("--layout", "stacks", "volumes", help="Volumes are to scale.")
@drawing.draws("architecture.png")
def command(pictures, network, **settings):
    """A network as in papers: its maps as stacked planes, windows with rays, dense columns.

    Sides are drawn to a square-root scale, so that 5 pixels are visible beside 28.  The longest
    branch is drawn, the others go around it as lines.  If there is too little room, blocks and
    stages are folded, and the second line says what is not drawn.
    """
    return pictures.architecture(network, **settings)
