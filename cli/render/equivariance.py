"""``convlab render equivariance``: one image, shifted before a layer and after it."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.equivariance import border as border_option


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="A layer with feature maps; the first one by default.")
@click.option(
    "--shift",
    type=options.Unit(),
    default="0,2",
    show_default=True,
    help="Pixels down and to the right; negative ones go up and left.",
)
@options.whole("--map", "number", least=0, help="A map, from 0; by default the strongest.")
@border_option
@options.data_dir
@options.device
@options.draws("equivariance.png")
def command(pictures, run, image, layer, shift, number, border, data_dir):
    """Shift, then convolve; convolve, then shift; and the difference between the two.

    IMAGE is a file, "-", or test:N of the run's test set.
    """
    run = options.load_run(run)
    return pictures.two_ways(
        run, image, layer, shift=shift, number=number, border=border, data_dir=data_dir
    )
