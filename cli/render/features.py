"""``convlab render features``: the output of every layer for an image."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.argument("image", metavar="IMAGE")
@click.option("--layer", help="One layer, large; all layers by default.")
@click.option(
    "--order",
    type=click.Choice(["strongest", "number"]),
    help="Which maps come first.  [default: strongest for the maps of one layer, else number]",
)
@options.choice(
    "--scale", "layer", "map", help="One scale for all maps of --layer, or one for each map."
)
@click.option(
    "--dead", is_flag=True, help="Also name the maps and units that no test image makes fire."
)
@options.whole(
    "--images", default=1000, help="Test images for --dead, spread evenly over the test set."
)
@click.option(
    "--npz",
    type=options.WRITTEN,
    help="Also write all arrays, for numpy.load.",
)
@options.data_dir
@options.device
@options.picture("features.png")
def command(run, image, layer, npz, picture, **settings):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set.

    Maps and units that are 0 everywhere on this image are named, with --dead also
    those that are 0 everywhere on all test images.  If not all layers fit, those
    that an activation follows are left out first; --layer draws any of them.
    """
    from convlab import files, pictures
    from convlab.pictures._features import feature_arrays

    run = options.load_run(run)
    made = pictures.features(run, image, layer, **settings)
    arrays = b"" if npz is None else feature_arrays(made, run.network)
    picture.finish(made)
    if npz is not None:
        files.write_atomically(npz, arrays)
