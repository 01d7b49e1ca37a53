"""``convlab render confusion``: which classes are taken for which."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@options.data_dir
@options.picture("confusion.png")
def command(run, data_dir, picture):
    """Which classes are taken for which, on the run's test images."""
    from convlab import pictures

    picture.finish(pictures.confusion(run, data_dir))
