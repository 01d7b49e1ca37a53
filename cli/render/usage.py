"""``convlab render usage``: how often a convolution reads each pixel."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.options import DRAWN


@click.command()
@options.lengths("--input", "shape", most=DRAWN, default="6", show_default=True)
@options.lengths("--kernel", most=DRAWN, default="3", show_default=True)
@options.lengths("--stride", most=DRAWN, default="2", show_default=True, help="Of the last panel.")
@options.draws("usage.png")
def command(pictures, shape, kernel, stride):
    """How often each pixel is read: without padding, with it, and with a stride.

    "Information at the edges is thrown away": a corner is read once, a pixel in the
    middle by every window that covers it.  Beside it, why kernels are odd.
    """
    return pictures.usage(shape, kernel, stride)
