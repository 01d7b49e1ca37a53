"""``convlab render stamping``: a transposed convolution as stamps of its kernel."""

from convlab_cli import drawing, options, steps


@options.command()
@options.lengths("--input", most=10, help="Rows x columns; 2x2 by default.")
@options.lengths("--kernel", most=16, help="Rows x columns; 3x3 by default.")
@options.lengths("--stride", most=16, default=(2, 2), show_default="2")
@options.padding(16, default="0", help="What is cut off: one number, or top,bottom,left,right.")
@options.lengths("--output-padding", least=0, example="1", most=16, default=(0, 0))
@steps.numbers_options
@options.valued("--kernel-values", metavar='"1 0; 0 -1"|FILE.csv', help="Numbers of the kernel.")
@steps.film_options
@drawing.draws("stamping.png", (*drawing.STILL, *drawing.FILMS), parts=True)
def command(pictures, film, **settings):
    """A transposed convolution: each input number stamps its multiple of the kernel.

    \b
    convlab render stamping -o stamping.mp4
    """
    return steps.timed(pictures.stamping(**settings), film)
