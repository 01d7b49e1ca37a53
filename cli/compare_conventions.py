"""``convlab compare-conventions``: where PyTorch, TensorFlow and Caffe differ."""

import click
from convlab_cli import drawing, options, terminal

MOST = 40  # the most rows and columns of an input whose outputs a picture can show


@options.command()
@options.lengths("--input", default="6")
@options.lengths("--kernel", most=MOST, default="3")
@options.lengths("--stride", most=MOST, default="2")
@options.lengths("--dilation", most=MOST, default="1", help="Of the convolutions.")
@options.lengths(
    "--padding",
    least=0,
    most=MOST,
    help="PyTorch's, on both sides; half the kernel by default.",
)
@options.seed(default=1)
@drawing.picture("conventions.png")
def command(input, picture, **settings):
    """The same numbers under several conventions, and the first cell in which they differ.

    PyTorch's padding against TensorFlow's SAME, correlation against convolution,
    pooling rounded down or up (Caffe), and a maximum padded with minus infinity or
    zeros.  The input's small integers come from the seed.
    """
    from convlab import pictures
    from convlab.shapes import size_text

    if max(input) > MOST:
        raise click.BadParameter(
            f"expected at most {MOST} x {MOST}, got {size_text(*input)}", param_hint="--input"
        )
    terminal.show(pictures.compare_conventions(input, **settings), picture)
