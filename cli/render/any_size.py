"""``convlab render any-size``: one network on several sizes of an image."""

from convlab_cli import drawing, options, runs


@options.command()
@options.lengths(
    "--to",
    "sizes",
    most=512,
    multiple=True,
    help="A size of the image, 28 or 28x42; up to four.  [default: the network's and two others]",
)
@options.lengths("--grid", most=64, default="2", help="Of adaptive pooling.")
@runs.about_run(runs.image_argument())
@drawing.draws("any-size.png")
def command(pictures, **settings):
    """A vector of one length from images of any size: flatten against global pooling.

    Convolution and pooling take any size; what they leave is as large as the image lets
    it be.  A dense layer has a weight for each number and refuses any other count; a
    mean of each map, or of each of its quarters, is always as long.

    \b
    convlab render any-size runs/lenet5-digits test:7 --to 28 --to 28x42 --to 56
    """
    return pictures.any_size(**settings)
