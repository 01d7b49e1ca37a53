"""``convlab invariance``: how much accuracy a shift of the test images costs."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options, terminal
from convlab_cli.equivariance import Numbers, border_option


@click.command()
@options.run_argument
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another run on the same data, up to three times.",
)
@click.option(
    "--shifts",
    type=Numbers("0,1,2,3", whole=True),
    default="0,1,2,3,4,5,6",
    show_default=True,
    help="Pixels.",
)
@click.option(
    "--direction",
    type=click.Choice(["all", "down", "up", "right", "left"]),
    default="all",
    show_default=True,
    help="Where to; all: the mean over the four.",
)
@border_option("zeros")
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(run, against, shifts, direction, border, data_dir, picture):
    """Accuracy on the test set when all its images are shifted, for RUN and others beside it.

    Training on shifted images (train --augment) teaches invariance as well: to see what the network
    itself contributes, compare runs that were trained with --augment none.
    """
    from convlab import pictures

    if len(against) > 3:
        raise click.BadParameter(
            f"expected at most three runs, got {len(against)}", param_hint="--against"
        )
    runs = [options.load_run(folder) for folder in (run, *against)]
    made = pictures.invariance(
        runs[0], runs[1:], shifts, direction=direction, border=border, data_dir=data_dir
    )
    terminal.report(made, picture)
