"""``convlab render usage``: how often a convolution reads each pixel."""

from convlab_cli import drawing, options
from convlab_cli.options import DRAWN


@options.command()
@options.lengths("--input", "shape", most=DRAWN, default="6")
@options.lengths("--kernel", most=DRAWN, default="3")
@options.lengths("--stride", most=DRAWN, default="2", help="Of the last panel.")
@drawing.draws("usage.png")
def command(pictures, shape, kernel, stride):
    """How often each pixel is read: without padding, with it, and with a stride.

    "Information at the edges is thrown away": a corner is read once, a pixel in the
    middle by every window that covers it.  Beside it, why kernels are odd.
    """
    return pictures.usage(shape, kernel, stride)
