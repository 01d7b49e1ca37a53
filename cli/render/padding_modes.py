"""``convlab render padding-modes``: zeros, reflect, replicate and circular side by side."""

from convlab_cli import drawing, options
from convlab_cli.options import DRAWN


@options.command()
@options.lengths("--input", "shape", most=DRAWN, default="3")
@options.lengths(
    "--padding",
    least=0,
    example="2",
    most=DRAWN,
    default="2",
    help="Rows and columns on each side.",
)
@drawing.draws("padding-modes.png")
def command(pictures, shape, padding):
    """What is in the padding of a convolution: zeros, reflect, replicate, circular.

    The input counts from 1, to show where each number comes from.
    """
    return pictures.padding_modes(shape, padding)
