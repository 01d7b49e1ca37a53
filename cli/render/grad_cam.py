"""``convlab render grad-cam``: where a layer's maps speak for a class."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


@click.command()
@attribution.arguments
@click.option(
    "--layer",
    help="A layer with feature maps; the last one with more than one unit a map by default.",
)
@options.threads
@options.draws("grad-cam.png")
def command(pictures, asked, layer):
    """Where in IMAGE the feature maps of a layer speak for a class (Selvaraju et al. 2017).

    IMAGE is a file, "-", or test:N of the run's test set.  The maps are weighted with
    the mean gradient of the class's score by each, added up, cut off below 0 and
    stretched to the input (bilinear).  The score is the logit, or minus the penalty.
    """
    return pictures.grad_cam(layer=layer, **asked)
