"""``convlab render equivariance``: one image, shifted before a layer and after it."""

from convlab_cli import drawing, options, runs
from convlab_cli.equivariance import border


@options.command()
@options.layer("A layer with feature maps; the first one by default.")
@options.unit(
    2,
    name="--shift",
    default="0,2",
    help="Pixels down and to the right; negative ones go up and left.",
)
@options.whole("--map", "number", least=0, help="A map, from 0; by default the strongest.")
@border("circular")
@runs.about_run(runs.image_argument())
@drawing.draws("equivariance.png")
def command(pictures, **settings):
    """Shift, then convolve; convolve, then shift; and the difference between the two.

    IMAGE is a file, "-", or test:N of the run's test set.
    """
    return pictures.two_ways(**settings)
