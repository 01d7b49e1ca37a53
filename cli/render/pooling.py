"""``convlab render pooling``: max, average, global and adaptive pooling, window by window."""

from __future__ import annotations

import click
from convlab_cli import options, steps


@click.command()
@click.option("--kind", type=click.Choice(["max", "average"]), default="max", show_default=True)
@click.option("--input", "shape", type=options.Lengths(most=options.DRAWN), help="Rows x columns.")
@click.option(
    "--kernel", type=options.Lengths(most=options.DRAWN), default=(2, 2), show_default="2x2"
)
@click.option(
    "--stride", type=options.Lengths(most=options.DRAWN), help="The kernel's size by default."
)
@click.option(
    "--padding",
    type=options.Lengths(least=0, example="1", most=options.DRAWN),
    default=(0, 0),
    show_default="0",
)
@click.option(
    "--dilation", type=options.Lengths(most=options.DRAWN), default=(1, 1), show_default="1"
)
@click.option("--ceil-mode", is_flag=True, help="Let the last window hang over the end.")
@click.option(
    "--no-padding-in-mean", is_flag=True, help="An average divides by the input's cells alone."
)
@click.option(
    "--adaptive",
    type=options.Lengths(example="3x3", most=options.DRAWN),
    help="As many windows, as even as they can be, instead of a kernel.",
)
@click.option("--global", "whole", is_flag=True, help="One window over all: --adaptive 1.")
@click.option("--channels", type=click.IntRange(1, 512), default=1, show_default=True)
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
    import numpy as np

    from convlab.errors import SpecError
    from convlab.lessons import adaptive_pooling, pooling
    from convlab.viz.style import size_text

    if settings["whole"] and settings["adaptive"]:
        raise SpecError("pooling: expected --global or --adaptive, got both")
    given = {
        name
        for name in ("kernel", "stride", "padding", "dilation", "ceil_mode", "no_padding_in_mean")
        if click.get_current_context().get_parameter_source(name).name == "COMMANDLINE"
    }
    if given and (settings["whole"] or settings["adaptive"]):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(given))
        raise SpecError(f"pooling: expected --global or --adaptive alone, got {names} too")
    if settings["no_padding_in_mean"] and kind == "max":
        raise SpecError("--no-padding-in-mean: expected --kind average, got max")
    if shape is None and values in ("ints", "floats", "none"):  # a file says its own
        shape = 6, 6
    array, numbers = steps.input_values(values, shape, channels, seed)
    if values == "ints" and array.size <= 100:  # all different, so that each maximum is one cell
        array = np.random.default_rng(seed).permutation(100)[: array.size].reshape(array.shape)
    wanted = 1 if settings["whole"] else settings["adaptive"]
    if wanted is not None:
        example = adaptive_pooling(array, kind, wanted)
    else:
        names = ("kernel", "stride", "padding", "dilation", "ceil_mode")
        window = {name: settings[name] for name in names}
        counted = not settings["no_padding_in_mean"]
        example = pooling(array, kind, **window, count_include_pad=counted)
    title = {"max": "Max pooling", "average": "Average pooling"}[kind]
    subtitle = f"input {example.input_note()}, window {example.window_note()}"
    output = size_text(*example.output.shape[1:], *example.output.shape[:1])

    def describe(k: int) -> str:
        shown = example.picture(k)
        channel, row, column = shown.at
        place = f"channel {channel}, row {row}, column {column}"
        return f"The output is {output}; {place} is {shown.result()}."

    record = {
        "parameters": {
            "kind": kind,
            "kernel": example.kernel,
            "stride": example.stride,
            "padding": example.padding,
            "dilation": example.dilation,
            "ceil_mode": settings["ceil_mode"],
            "count_include_pad": example.count_include_pad,
            "output_size": None if example.kernel else example.output.shape[1:],
            "seed": seed,
        },
        "inputs": {"input": example.input},
        "weights": {},
        "result": {
            "output": example.output,
            "winners": example.winners,
            "divisor": example.windows.divisor,
            "size": [str(relation) for relation in example.relations or ()],
        },
    }
    steps.save_steps(
        picture,
        example,
        step,
        title,
        subtitle,
        describe,
        numbers=numbers,
        layout=layout,
        record=record,
    )
