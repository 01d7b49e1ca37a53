"""``convlab render arithmetic``: convolution step by step, for any shape."""

from __future__ import annotations

import click
from convlab_cli import options, steps


def kernel_values(text: str | None, values: str, shape: tuple, seed: int):
    """The kernel (O, C, KH, KW): random, a row or table of numbers, or those of a .csv file.

    ``shape``: filters, channels, and (KH, KW), or None for as large as the numbers are.
    Numbers for one kernel are used for every channel and filter.  Raises DataError,
    ShapeError, SpecError.
    """
    import numpy as np

    from convlab.checks import shown
    from convlab.data.table import number
    from convlab.errors import ShapeError, SpecError
    from convlab.lessons import random_values
    from convlab.shapes import check_numbers

    filters, channels, size = shape
    if text is None:
        kind = "floats" if values == "floats" else "ints"
        shape = (filters, channels, *(size or (3, 3)))
        check_numbers("kernels", shape)
        return random_values(shape, kind, seed + 1, signed=True)
    if text.lower().endswith(".csv"):
        table = steps.read_table(text)
    else:
        try:
            table = [
                [number(v) for v in row.replace(",", " ").split()]
                for row in text.strip(" ;").split(";")
            ]
        except ValueError:
            raise SpecError(
                'kernel values: expected rows such as "1 0 -1; 2 0 -2; 1 0 -1" or a .csv file,'
                f" got {shown(text)}"
            ) from None
    lengths = {len(row) for row in table}
    count = filters * channels
    if size is None:  # the same numbers for all kernels
        size = (len(table), max(lengths))
    if lengths != {size[1]} or len(table) not in (size[0], size[0] * count):
        got = f"{len(table)} rows of {' and '.join(map(str, sorted(lengths)))}"
        wanted = f"{size[0]} rows of {size[1]} numbers"
        if count > 1:
            wanted += f", or {size[0] * count} for all {count} kernels"
        raise ShapeError(f"kernel values: expected {wanted}, got {got}")
    check_numbers("kernels", (filters, channels, *size))
    kernel = np.array(table)
    if len(table) == size[0]:
        return np.broadcast_to(kernel, (filters, channels, *size)).copy()
    return kernel.reshape(filters, channels, *size)


def arithmetic_options(command):
    """What says a convolution, for ``render arithmetic`` and ``explain``."""
    for option in reversed(
        (
            click.option(
                "--input",
                "shape",
                type=options.Lengths(most=options.DRAWN),
                help="Rows x columns; 5x5 unless --values has a table.",
            ),
            click.option(
                "--kernel",
                type=options.Lengths(most=options.DRAWN),
                help="Rows x columns; as --kernel-values, else 3x3.",
            ),
            click.option(
                "--stride",
                type=options.Lengths(most=options.DRAWN),
                default=(1, 1),
                show_default="1",
            ),
            click.option(
                "--padding",
                type=options.Padding(options.DRAWN),
                default="valid",
                show_default=True,
                help="In words, one number, ROWSxCOLUMNS, or top,bottom,left,right.",
            ),
            click.option(
                "--dilation",
                type=options.Lengths(most=options.DRAWN),
                default=(1, 1),
                show_default="1",
            ),
            click.option("--channels", type=click.IntRange(1, 512), default=1, show_default=True),
            click.option("--filters", type=click.IntRange(1, 512), default=1, show_default=True),
            click.option("--transposed", is_flag=True, help="Transposed convolution."),
            click.option(
                "--output-padding",
                type=options.Lengths(least=0, example="1", most=options.DRAWN),
                default=(0, 0),
                show_default="0",
                help="Of a transposed convolution: rows and columns more.",
            ),
            click.option(
                "--padding-mode",
                type=click.Choice(["zeros", "reflect", "replicate", "circular"]),
                default="zeros",
                show_default=True,
            ),
            click.option(
                "--convention",
                type=click.Choice(["torch", "tensorflow"]),
                default="torch",
                show_default=True,
                help="Whose padding 'same' it is.",
            ),
            click.option(
                "--flip", is_flag=True, help="Turn the kernel by 180 degrees: true convolution."
            ),
            *steps.numbers_options,
            click.option(
                "--kernel-values",
                metavar='"1 0; 0 -1"|FILE.csv',
                help="Numbers of the kernel, rows separated by ;, or a table as for --values.",
            ),
            click.option(
                "--bias",
                type=options.Number(-1e30, 1e30),
                help="Added to every output; by default 1 beside random kernels, else 0.",
            ),
        )
    ):
        command = option(command)
    return command


def example_of(settings: dict):
    """The worked convolution that the options say, and whether its numbers are to be shown."""
    import numpy as np

    from convlab.errors import SpecError
    from convlab.lessons import convolution, padding_by, transposed_convolution

    values, seed = settings["values"], settings["seed"]
    array, numbers = steps.input_values(values, settings["shape"], settings["channels"], seed)
    text, bias = settings["kernel_values"], settings["bias"]
    shape = (settings["filters"], settings["channels"], settings["kernel"])
    kernel = kernel_values(text, values, shape, seed)
    if bias is None:
        bias = 1.0 if text is None and numbers else 0.0
    if not (np.isfinite(kernel).all() and np.isfinite(bias)):
        raise SpecError("kernel values and bias: expected finite numbers")
    mode, extra = settings["padding_mode"], settings["output_padding"]
    if settings["transposed"] and mode != "zeros":
        raise SpecError(f"transposed convolution: expected padding mode zeros, got {mode}")
    if not settings["transposed"] and any(extra):
        raise SpecError("output padding: expected a transposed convolution")
    arguments = {name: settings[name] for name in ("stride", "dilation", "flip")}
    arguments["padding"] = padding_by(settings["padding"], settings["convention"])
    bias = np.full(len(kernel), bias)
    if settings["transposed"]:
        example = transposed_convolution(array, kernel, bias, output_padding=extra, **arguments)
    else:
        example = convolution(array, kernel, bias, padding_mode=mode, **arguments)
    return example, numbers


@click.command()
@arithmetic_options
@steps.step_option
@steps.layout_option
@options.picture("arithmetic.png", options.MOVING)
def command(step, layout, picture, **settings):
    """Convolution step by step: the window, the kernel, the sum and the size that comes out.

    \b
    convlab render arithmetic --input 5x7 --stride 2 --padding 1 -o steps.gif
    """
    from convlab.viz.style import size_text

    example, numbers = example_of(settings)
    name = "Transposed convolution" if example.transposed else "Convolution"
    subtitle = f"input {example.input_note()}, kernel {example.kernel_note()}"
    output = size_text(*example.output.shape[1:], *example.output.shape[:1])

    def describe(k: int) -> str:
        shown = example.picture(k)
        o, row, column = shown.at
        place = f"filter {o}, row {row}, column {column}"
        if not numbers:
            return f"The output is {output}; the window stands at {place}."
        terms = [*shown.terms(), *([] if shown.bias is None else [f"the bias {shown.bias_text()}"])]
        if len(terms) > 20:
            terms = [*terms[:10], f"{len(terms) - 20} more", *terms[-10:]]
        words = f"The output is {output}; {place} is {' + '.join(terms)}"
        return f"{words} {shown.equals()} {shown.value()}."

    record = {
        "parameters": {
            "stride": example.stride,
            "padding": example.padding,
            "dilation": example.dilation,
            "padding_mode": example.padding_mode,
            "transposed": example.transposed,
            "output_padding": example.output_padding,
            "convention": settings["convention"],
            "flip": example.flip,
            "seed": settings["seed"],
        },
        "inputs": {"input": example.input},
        "weights": {"kernel": example.kernel, "bias": example.bias},
        "result": {
            "output": example.output,
            "channel_sums": example.channel_sums,
            "size": [str(relation) for relation in example.relations],
            "relations": [relation.number for relation in example.relations],
        },
    }
    steps.save_steps(
        picture,
        example,
        step,
        name,
        subtitle,
        describe,
        numbers=numbers,
        layout=layout,
        record=record,
    )
