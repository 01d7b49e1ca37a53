"""``convlab render pooling``: max, average, global and adaptive pooling, window by window."""

from __future__ import annotations

import click
from convlab_cli import options, steps


@click.command()
@options.choice("--kind", "max", "average")
@options.lengths("--input", "shape", most=options.DRAWN, help="Rows x columns.")
@options.lengths("--kernel", most=options.DRAWN, default=(2, 2), show_default="2x2")
@options.lengths("--stride", most=options.DRAWN, help="The kernel's size by default.")
@options.lengths(
    "--padding", least=0, example="1", most=options.DRAWN, default=(0, 0), show_default="0"
)
@options.lengths("--dilation", most=options.DRAWN, default=(1, 1), show_default="1")
@click.option("--ceil-mode", is_flag=True, help="Let the last window hang over the end.")
@click.option(
    "--no-padding-in-mean", is_flag=True, help="An average divides by the input's cells alone."
)
@options.lengths(
    "--adaptive",
    example="3x3",
    most=options.DRAWN,
    help="As many windows, as even as they can be, instead of a kernel.",
)
@click.option("--global", "whole", is_flag=True, help="One window over all: --adaptive 1.")
@options.whole("--channels", most=512, default=1)
@steps.numbers_options[0]
@steps.numbers_options[1]
@steps.step_option
@steps.layout_option
@options.picture("pooling.png", options.MOVING)
def command(kind, shape, channels, values, seed, step, layout, picture, **settings):
    """Pooling step by step: the window, its winner or its mean, and the size that comes out.

    \b
    convlab render pooling --input 6x6 -o pooling.gif
    convlab render pooling --kind average --input 7x7 --adaptive 3x3
    """
    from convlab import pictures
    from convlab.errors import SpecError

    if settings["whole"] and settings["adaptive"]:
        raise SpecError("pooling: expected --global or --adaptive, got both")
    names = "kernel", "stride", "padding", "dilation", "ceil_mode", "no_padding_in_mean"
    source = click.get_current_context().get_parameter_source
    given = [f"--{n.replace('_', '-')}" for n in sorted(names) if source(n).name == "COMMANDLINE"]
    if given and (settings["whole"] or settings["adaptive"]):
        raise SpecError(
            f"pooling: expected --global or --adaptive alone, got {', '.join(given)} too"
        )
    if settings["no_padding_in_mean"] and kind == "max":
        raise SpecError("--no-padding-in-mean: expected --kind average, got max")
    window = {"adaptive": 1 if settings["whole"] else settings["adaptive"]}
    if window["adaptive"] is None:
        window = {name: settings[name] for name in names[:-1]}
        window["count_include_pad"] = not settings["no_padding_in_mean"]
    numbers = {"channels": channels, "values": values, "seed": seed, "layout": layout}
    steps.finish(
        picture, step, lambda k: pictures.pooling(kind, shape, step=k, **window, **numbers)
    )
