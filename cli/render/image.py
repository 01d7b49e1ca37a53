"""``convlab render image``: the channels of an image, or its numbers."""

import click
from convlab_cli import drawing, options


@options.command()
@options.image_argument("china")
@options.flag("--numbers", help="The values of some pixels, instead of channels.")
@options.lengths(
    "--pixels",
    example="8x8",
    help="Rows x columns of --numbers; by default 14x14 for a grey image, 14x8 in colour.",
)
@options.at("The first of them, or the pixel marked on the image; by default in the middle.")
@options.image_data
@options.data_dir
@drawing.draws("image.png")
def command(pictures, **settings):
    """An image as a network gets it: its red, green and blue channels, or numbers.

    IMAGE is a picture file, "-", a photograph (china, flower), or test:N of --data.  A grey
    image has one channel, so that its numbers are shown.

    \b
    convlab render image photo.png
    convlab render image test:7 --numbers --pixels 12
    """
    from convlab.errors import SpecError

    try:
        return pictures.image(**settings)
    except SpecError:
        raise click.UsageError("--pixels: expected together with --numbers") from None
