"""``convlab compare-conventions``: where PyTorch, TensorFlow and Caffe differ."""

from __future__ import annotations

import click
from convlab_cli import options, terminal

MOST = 40  # the most rows and columns of an input whose outputs a picture can show


@click.command()
@click.option("--input", type=options.Lengths(), default="6", show_default=True)
@click.option("--kernel", type=options.Lengths(most=MOST), default="3", show_default=True)
@click.option("--stride", type=options.Lengths(most=MOST), default="2", show_default=True)
@click.option(
    "--dilation",
    type=options.Lengths(most=MOST),
    default="1",
    show_default=True,
    help="Of the convolutions.",
)
@click.option(
    "--padding",
    type=options.Lengths(least=0, most=MOST),
    help="PyTorch's, on both sides; half the kernel by default.",
)
@options.seed(default=1)
@options.picture("conventions.png")
def command(input, kernel, stride, dilation, padding, seed, picture):
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
    made = pictures.compare_conventions(input, kernel, stride, dilation, padding, seed)
    terminal.show(made, picture)
