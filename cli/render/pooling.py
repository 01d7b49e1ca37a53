"""``convlab render pooling``: max, average, global and adaptive pooling, window by window."""

import click
from convlab_cli import options, steps
from convlab_cli.options import DRAWN


@options.command()
@options.choice("--kind", "max", "average")
@options.lengths("--input", most=DRAWN, help="Rows x columns.")
@options.lengths("--kernel", most=DRAWN, default=(2, 2), show_default="2x2")
@options.lengths("--stride", most=DRAWN, help="The kernel's size by default.")
@options.lengths("--padding", least=0, example="1", most=DRAWN, default=(0, 0), show_default="0")
@options.lengths("--dilation", most=DRAWN, default=(1, 1), show_default="1")
@options.flag("--ceil-mode", help="Let the last window extend past the end.")
@options.flag(
    "--no-padding-in-mean", help="An average divides by the number of the input's cells only."
)
@options.lengths(
    "--adaptive",
    example="3x3",
    most=DRAWN,
    help="This many windows, as even as possible, instead of a kernel.",
)
@options.flag("--global", "whole", help="One window over all: --adaptive 1.")
@options.whole("--channels", most=512, default=1)
@steps.numbers_options
@steps.steps("pooling.png")
@click.pass_context
def command(context, pictures, kind, whole, adaptive, no_padding_in_mean, **settings):
    """Pooling step by step: the window, its winner or its mean, and the resulting size.

    \b
    convlab render pooling --input 6x6 -o pooling.gif
    convlab render pooling --kind average --input 7x7 --adaptive 3x3
    """
    from convlab.errors import SpecError

    if whole and adaptive:
        raise SpecError("pooling: expected --global or --adaptive, got both")
    if kind == "max" and no_padding_in_mean:
        raise SpecError("--no-padding-in-mean: expected --kind average, got max")
    if whole or adaptive:
        window = {"kernel", "stride", "padding", "dilation", "ceil_mode", "no_padding_in_mean"}
        if given := options.typed(context, window):
            listed = ", ".join(sorted(given))
            raise SpecError(f"pooling: expected --global or --adaptive alone, got {listed} too")
        settings = {name: value for name, value in settings.items() if name not in window}
        return pictures.pooling(kind, adaptive=1 if whole else adaptive, **settings)
    return pictures.pooling(kind, count_include_pad=not no_padding_in_mean, **settings)
