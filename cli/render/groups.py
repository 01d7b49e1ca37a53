"""``convlab render groups``: full, grouped, depthwise and separable convolutions."""

from convlab_cli import drawing, options


@options.command()
@options.whole("--channels", most=32, default=8)
@options.whole("--filters", most=32, default=8)
@options.whole("--groups", most=32, default=2)
@options.lengths("--kernel", most=99, default=(3, 3), show_default="3x3")
@options.lengths("--input", default=(32, 32), show_default="32x32", help="Rows x columns.")
@drawing.draws("groups.png")
def command(pictures, **settings):
    """Which channels each filter reads, and what that costs, in four kinds of convolution."""
    return pictures.groups(**settings)
