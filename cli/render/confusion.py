"""``convlab render confusion``: which classes are mistaken for which."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@options.data_dir
@options.draws("confusion.png")
def command(pictures, run, data_dir):
    """Which classes are mistaken for which, on the run's test images."""
    return pictures.confusion(run, data_dir)
