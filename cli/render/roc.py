"""``convlab render roc``: one class against the rest, at all thresholds."""

import click
from convlab_cli import drawing, options, runs


@options.command()
@click.option("--positive", required=True, metavar="CLASS", help="The class to be found, by name.")
@options.number(
    "--threshold", (0, 1), default=0.5, help="Least probability that is called positive."
)
@runs.about_run()
@drawing.draws("roc.png")
def command(pictures, **settings):
    """ROC and precision-recall curve of one class against the rest, on the test images."""
    return pictures.roc(**settings)
