"""``convlab render ladder``: what each idea buys one convolution, as it was measured."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options


@click.command()
@click.argument("file", metavar="[FILE.json]", type=click.Path(path_type=Path), required=False)
@options.draws("ladder.png")
def command(pictures, file):
    """One convolution from plain Python to the engine's loop: what each idea buys.

    FILE is what "convlab bench ladder --json" wrote; without one, what was measured of
    LeNet's C3 on the machine that the picture names.
    """
    return pictures.ladder(file)
