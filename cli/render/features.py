"""``convlab render features``: the output of every layer for an image."""

from convlab_cli import drawing, options, runs
from convlab_cli.output import write


@options.command()
@options.layer("One layer, large; all layers by default.")
@options.choice(
    *("--order", "strongest", "number"),
    default=None,
    help="Which maps come first.  [default: strongest for the maps of one layer, else number]",
)
@options.choice(
    "--scale", "layer", "map", help="One scale for all maps of --layer, or one for each map."
)
@options.flag("--dead", help="Also name the maps and units that no test image makes fire.")
@options.whole(
    "--images", default=1000, help="Test images for --dead, spread evenly over the test set."
)
@options.also("--npz", help="Also write all arrays, for numpy.load.")
@runs.about_run(runs.image_argument())
@drawing.picture("features.png")
def command(run, npz, picture, **settings):
    """What every layer makes of IMAGE: a file, "-", or test:N of the run's test set.

    Maps and units that are 0 everywhere on this image are named, with --dead also
    those that are 0 everywhere on all test images.  If not all layers fit, those
    that an activation follows are left out first; --layer draws any of them.
    """
    from convlab import pictures
    from convlab.pictures._features import feature_arrays

    made = pictures.features(run, **settings)
    arrays = b"" if npz is None else feature_arrays(made, run.network)
    picture.finish(made)
    if npz is not None:
        write(npz, arrays)
