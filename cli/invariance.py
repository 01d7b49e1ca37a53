"""``convlab invariance``: how much accuracy a shift of the test images costs."""

from __future__ import annotations

from pathlib import Path

import click
from convlab_cli import options
from convlab_cli.equivariance import Numbers


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
@click.option(
    "--border",
    type=click.Choice(["circular", "zeros"]),
    default="zeros",
    show_default=True,
    help="What a shift brings in: what left at the other side, or black.",
)
@options.data_dir
@options.device
@options.threads
@options.picture(None)
def command(run, against, shifts, direction, border, data_dir, picture):
    """Accuracy on the test set when all its images are shifted, of RUN and of others beside it.

    Training on shifted images (train --augment) teaches invariance as well: to see
    what the network itself brings, compare runs that were trained with --augment none.
    """
    from convlab import pictures
    from convlab.pictures.transformed import shift_words

    if len(against) > 3:
        raise click.BadParameter(
            f"expected at most three runs, got {len(against)}", param_hint="--against"
        )
    runs = [options.load_run(folder) for folder in (run, *against)]
    made = pictures.invariance(
        runs[0], runs[1:], shifts, direction=direction, border=border, data_dir=data_dir
    )
    click.echo(shift_words(runs, made.inputs["test images"], direction, border))
    width = max(5, *map(len, made.result))
    heads = "".join(f"{shift:>9}" for shift in shifts)
    click.echo(f"{'shift':{width}}{heads}")
    for name, found in made.result.items():
        cells = "".join(f"{100 * value:7.2f} %" for value in found["accuracy"])
        click.echo(f"{name:{width}}{cells}")
    if picture.wanted:
        picture.finish(made)
