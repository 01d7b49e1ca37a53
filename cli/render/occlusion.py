"""``convlab render occlusion``: what covering a part of an image costs."""

from __future__ import annotations

import click
from convlab_cli import attribution, options


class Value(click.ParamType):
    """``background``, or a byte from 0 (black) to 255 (white)."""

    name = "background|0-255"

    def convert(self, value, parameter, context):
        byte = value.isdecimal() and len(value) < 4 and int(value) < 256
        if value != "background" and not byte:
            self.fail(f"expected background or a number from 0 to 255, got {value!r}", parameter)
        return value


@click.command()
@attribution.arguments
@options.lengths(
    "--patch", help="Its size in pixels, such as 4 or 3x5; by default a seventh of the image."
)
@options.lengths("--stride", help="Pixels from one patch to the next; by default half a patch.")
@click.option(
    "--value",
    type=Value(),
    default="background",
    show_default=True,
    help="What covers it: the median colour of the image's border, or a byte.",
)
@options.threads
@options.draws("occlusion.png")
def command(pictures, asked, patch, stride, value):
    """How much the probability of a class drops when a patch of IMAGE is covered.

    IMAGE is a file, "-", or test:N of the run's test set.  Each pixel shows the mean
    drop of the patches that cover it (Zeiler & Fergus 2014).
    """
    return pictures.occlusion(patch=patch, stride=stride, value=value, **asked)
