"""``convlab render pooling``: max, average, global and adaptive pooling, window by window."""

from __future__ import annotations

import click
from click.core import ParameterSource
from convlab_cli import options, steps
from convlab_cli.options import DRAWN


@click.command()
@options.choice("--kind", "max", "average")
@options.lengths("--input", "shape", most=DRAWN, help="Rows x columns.")
@options.lengths("--kernel", most=DRAWN, default=(2, 2), show_default="2x2")
@options.lengths("--stride", most=DRAWN, help="The kernel's size by default.")
@options.lengths("--padding", least=0, example="1", most=DRAWN, default=(0, 0), show_default="0")
@options.lengths("--dilation", most=DRAWN, default=(1, 1), show_default="1")
@click.option("--ceil-mode", is_flag=True, help="Let the last window extend past the end.")
@click.option(
    "--no-padding-in-mean",
    is_flag=True,
    help="An average divides by the number of the input's cells only.",
)
@options.lengths(
    "--adaptive",
    example="3x3",
    most=DRAWN,
    help="This many windows, as even as possible, instead of a kernel.",
)
@click.option("--global", "whole", is_flag=True, help="One window over all: --adaptive 1.")
@options.whole("--channels", most=512, default=1)
@steps.numbers_options[0]
@steps.numbers_options[1]
@steps.step_option
@steps.layout_option
@options.picture("pooling.png", options.MOVING)
def command(kind, shape, whole, adaptive, channels, values, seed, step, layout, picture, **window):
    """Pooling step by step: the window, its winner or its mean, and the resulting size.

    \b
    convlab render pooling --input 6x6 -o pooling.gif
    convlab render pooling --kind average --input 7x7 --adaptive 3x3
    """
    from convlab import pictures
    from convlab.errors import SpecError

    if whole and adaptive:
        raise SpecError("pooling: expected --global or --adaptive, got both")
    source = click.get_current_context().get_parameter_source
    given = [name for name in sorted(window) if source(name) == ParameterSource.COMMANDLINE]
    if given and (whole or adaptive):
        listed = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise SpecError(f"pooling: expected --global or --adaptive alone, got {listed} too")
    count_include_pad = not window.pop("no_padding_in_mean")
    if kind == "max" and not count_include_pad:
        raise SpecError("--no-padding-in-mean: expected --kind average, got max")
    window["count_include_pad"] = count_include_pad
    if whole or adaptive:
        window = {"adaptive": 1 if whole else adaptive}
    numbers = {"channels": channels, "values": values, "seed": seed, "layout": layout}
    steps.finish(
        picture, step, lambda k: pictures.pooling(kind, shape, step=k, **window, **numbers)
    )
