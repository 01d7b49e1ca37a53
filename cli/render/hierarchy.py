"""``convlab render hierarchy``: from pixels to a class, a unit for each depth."""

from convlab_cli import drawing, options, runs


@options.command()
@options.layer(
    "A layer with maps, repeated for up to 5.  [default: 5 of the convolutions]",
    "layers",
    multiple=True,
)
@runs.target
@runs.images
@options.whole("--patches", most=50, default=9, help="The most patches for each unit.")
@options.whole("--steps", most=100_000, default=100, help="Of gradient ascent.")
@options.seed("Of the noise that ascends.")
@runs.about_run(runs.image_argument())
@drawing.draws("hierarchy.png")
def command(pictures, **settings):
    """From the pixels of IMAGE to its class: a unit for each depth of RUN, in one figure.

    IMAGE is a file, "-", or test:N of the run's test set.  The chain is built from the class
    upwards: of each layer the unit is shown that adds most to the unit in the row below, its value
    times the gradient.  Of each: what it sees of the image, an image made to excite its map, and
    the patches of the test images that excite it most.
    """
    return pictures.hierarchy(**settings)
