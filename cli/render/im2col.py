"""``convlab render im2col``: a convolution as one product of a matrix and a vector."""

from convlab_cli import drawing, options, steps


@options.command()
@options.choice("--form", "patches", "toeplitz", help="What is in a row: a window, or the kernel.")
@options.lengths("--input", most=32, help="Rows x columns; 4x4 by default.")
@options.lengths("--kernel", most=32, help="Rows x columns; 3x3 by default.")
@options.lengths("--stride", most=32, default=(1, 1), show_default="1")
@options.padding(32, default="0", help="In words, one number, or top,bottom,left,right.")
@steps.numbers_options
@options.valued("--kernel-values", metavar='"1 0; 0 -1"|FILE.csv', help="Numbers of the kernel.")
@options.whole("--step", least=0, help="The row that is outlined, from 0.")
@drawing.draws("im2col.png", drawing.MOVING, parts=True)
def command(pictures, **settings):
    """A convolution as one matrix times a vector: rows of windows, or the kernel moved on.

    \b
    convlab render im2col --form toeplitz
    """
    return pictures.im2col(**settings)
