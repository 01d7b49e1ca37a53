"""``convlab render mistakes``: the test images that a network gets wrong."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@options.whole("--most", most=40, default=40, help="The most images shown, the worst first.")
@options.data_dir
@options.device
@options.threads
@options.draws("mistakes.png")
def command(pictures, run, most, data_dir):
    """The test images that RUN gets wrong, those with the most confident answers first.

    Below each are its true class, the answer and the answer's probability.
    """
    return pictures.mistakes(options.load_run(run), most, data_dir)
