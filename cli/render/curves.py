"""``convlab render curves``: loss and accuracy by epoch."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@options.picture("curves.png")
def command(run, picture):
    """Loss and accuracy by epoch."""
    from convlab import pictures, training

    made = pictures.curves(run)
    with training.locked_for(picture.path):
        picture.finish(made)
