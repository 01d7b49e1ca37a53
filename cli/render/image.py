"""``convlab render image``: the channels of an image, its numbers, or a window on it."""

import click
from convlab_cli import drawing, options, steps


@options.command()
@options.image_argument("china")
@options.flag("--numbers", help="The values of some pixels, instead of channels.")
@options.kernel("A window of this kernel on the image and its sums; as for apply.")
@options.lengths(
    "--pixels",
    example="8x8",
    help="Rows x columns of --numbers; by default 14x14 for a grey image, 14x8 in colour.",
)
@options.at("The first of them, the pixel marked, a result of --kernel; else in the middle.")
@options.image_data
@options.data_dir
@steps.film_options
@drawing.draws("image.png", (*drawing.STILL, *drawing.FILMS))
def command(pictures, film, kernel, **settings):
    """An image as a network gets it: its red, green and blue channels, or numbers.

    IMAGE is a picture file, "-", a photograph (china, flower), or test:N of --data.  A grey
    image has one channel, so that its numbers are shown.

    \b
    convlab render image photo.png
    convlab render image test:7 --numbers --pixels 12
    convlab render image china --kernel sobel-x -o window.mp4
    """
    from convlab.errors import SpecError

    if kernel is not None:
        if settings.pop("numbers") or settings.pop("pixels"):
            raise click.UsageError("--kernel: expected without --numbers and --pixels")
        return steps.timed(pictures.photo_window(kernel=kernel, **settings), film)
    try:
        return pictures.image(**settings)
    except SpecError:
        raise click.UsageError("--pixels: expected together with --numbers") from None
