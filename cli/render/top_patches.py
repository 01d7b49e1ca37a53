"""``convlab render top-patches``: the patches that activate the units of a layer."""

from convlab_cli import drawing, options, runs


@options.command()
@runs.units
@options.whole(
    "--patches", most=50, default=5, help="Patches for each unit, at most one per image."
)
@runs.about_run()
@drawing.draws("top-patches.png")
def command(pictures, **settings):
    """The patches of the run's test images that activate each unit of a layer most.

    A unit of a convolution is a map; its largest activation in an image counts, and
    what it saw there is cut out by its receptive field (dashed: padding).  The
    activation is below.  If a ReLU cuts off even the largest one, the unit never
    fires and is only named.
    """
    return pictures.top_patches(**settings)
