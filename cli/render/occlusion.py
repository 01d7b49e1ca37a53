"""``convlab render occlusion``: what covering a part of an image costs."""

from convlab_cli import drawing, options, runs
from convlab_cli.values import Spelled


@options.command()
@options.lengths(
    "--patch", help="Its size in pixels, such as 4 or 3x5; by default a seventh of the image."
)
@options.lengths("--stride", help="Pixels from one patch to the next; by default half a patch.")
@options.valued(
    "--value",
    type=Spelled("background|0-255", "grey_level"),
    default="background",
    help="What covers it: the median colour of the image's border, or a byte.",
)
@runs.attributed
@drawing.draws("occlusion.png")
def command(pictures, **settings):
    """How much the probability of a class drops when a patch of IMAGE is covered.

    IMAGE is a file, "-", or test:N of the run's test set.  Each pixel shows the mean
    drop of the patches that cover it (Zeiler & Fergus 2014).
    """
    return pictures.occlusion(**settings)
