"""``convlab render colours``: one kernel over all colours, or one for each."""

from convlab_cli import drawing, options
from convlab_cli.values import Spelled

THREE = Spelled("R,G,B", "numbers", example="2,-1,-1", within=(-1e6, 1e6), count=3)


@options.command()
@options.image_argument("flower")
@options.kernel("One kernel, as for apply; by default '1 2 1; 2 4 2; 1 2 1'.")
@options.valued("--weights", type=THREE, default="2,-1,-1", help="Its factors for colours.")
@options.whole("--filters", default=64, help="Maps of what is counted.")
@options.image_data
@options.data_dir
@drawing.draws("colours.png")
def command(pictures, kernel, **settings):
    """Three layers in parallel, one for each colour?  What each kind of convolution does.

    A kernel of a convolution reads all channels, and what it finds in them is added: one
    map.  A depthwise convolution has a kernel for each channel and adds nothing; a
    pointwise one behind it does.  IMAGE is a picture file, "-", or a photograph (china,
    flower).

    \b
    convlab render colours china --kernel sobel-x --weights 0.3,0.6,0.1
    """
    given = {} if kernel is None else {"kernel": kernel}
    return pictures.colours(**settings, **given)
