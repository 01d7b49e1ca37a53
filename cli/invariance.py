"""``convlab invariance``: how much accuracy a shift of the test images costs."""

import click
from convlab_cli import drawing, options, runs, terminal
from convlab_cli.equivariance import amounts, border


def _three(context, parameter, folders):
    if len(folders) > 3:
        raise click.BadParameter(f"expected at most three runs, got {len(folders)}")
    return folders


@options.command()
@options.run_option(
    "--against",
    multiple=True,
    callback=_three,
    help="Another run on the same data, up to three times.",
)
@amounts("shift", "0,1,2,3", "Pixels.", whole=True, default="0,1,2,3,4,5,6")
@options.choice(
    *("--direction", "all", "down", "up", "right", "left"),
    help="Where to; all: the mean over the four.",
)
@border("zeros")
@runs.about_run()
@terminal.wide
@drawing.picture(None)
def command(run, against, picture, **settings):
    """Accuracy on the test set when all its images are shifted, for RUN and others beside it.

    Training on shifted images (train --augment) teaches invariance as well: to see what the network
    itself contributes, compare runs that were trained with --augment none.
    """
    from convlab import pictures

    others = [options.load_run(folder) for folder in against]
    terminal.report(pictures.invariance(run, others, **settings), picture)
