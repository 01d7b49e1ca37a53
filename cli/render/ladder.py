"""``convlab render ladder``: what each idea gains for one convolution, as measured."""

import click
from convlab_cli import drawing, options
from convlab_cli.values import FILE


@options.command()
@click.argument("file", metavar="[FILE.json]", type=FILE, required=False)
@drawing.draws("ladder.png")
def command(pictures, file):
    """One convolution from plain Python to the engine's loop: what each idea gains.

    FILE is what "convlab bench ladder --json" wrote; without one, the picture shows
    what was measured for LeNet's C3 on the machine that it names.
    """
    return pictures.ladder(file)
