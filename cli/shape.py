"""``convlab shape``: sizes and counts of layers, worked out."""

from __future__ import annotations

import click
from convlab_cli import options, terminal
from convlab_cli.output import json_text


@click.command()
@click.argument(
    "input",
    metavar="ROWSxCOLUMNSxCHANNELS|NUMBER",
    type=options.Lengths((1, 2, 3), "28x28x3, 28x28 or 784", both=False, most=10**9),
)
@click.option("--kernel", type=options.Lengths(), help="Of one convolution: 5 or 5x7.")
@options.whole("--filters", default=1)
@click.option("--stride", type=options.Lengths(), default="1", show_default=True)
@click.option("--padding", type=options.Padding(), default="0", show_default=True)
@click.option("--dilation", type=options.Lengths(), default="1", show_default=True)
@options.whole("--groups", default=1)
@click.option("--no-bias", is_flag=True, help="Weights only.")
@click.option(
    "--layers",
    metavar="TEXT",
    help='Several layers: "conv 5x5 6 padding 2, pool 2, flatten, dense 10".',
)
@options.choice("--convention", "torch", "tensorflow", help="Whose padding same is meant.")
@options.json_flag("One JSON object per line, one for each layer.")
@click.pass_context
def command(context, input, kernel, filters, layers, convention, as_json, no_bias, **settings):
    """Output size, parameters, multiply-adds and connections of layers, worked out.

    One convolution by --kernel and --filters, or several layers by --layers: conv
    KERNEL FILTERS (stride, padding, dilation, groups, no-bias), pool KERNEL
    (stride, padding), flatten, dense NEURONS (no-bias).  An input given as one
    number is a row of numbers, for dense layers.  Connections are counted as in
    LeCun et al. 1998, including biases and padding.
    """
    from convlab.lessons import conv_layer, count_layers, count_lines, padding_by

    if (kernel is None) == (layers is None):
        raise click.UsageError("expected either --kernel or --layers")
    shape = input if len(input) == 1 else (*(input[2:] or (1,)), *input[:2])
    if layers is not None:
        single = ("filters", "no_bias", *settings)
        given = [
            name
            for name in single
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        ]
        if given:
            raise click.UsageError(
                f"--{given[0].replace('_', '-')} is for --kernel; in --layers it stands behind"
                " its layer"
            )
        counts = count_layers(shape, layers, convention=convention)
    else:
        settings["padding"] = padding_by(settings["padding"], convention)
        counts = [conv_layer(shape, kernel, filters, bias=not no_bias, **settings)]
    if as_json:
        terminal.say(json_text(count.record(), ensure_ascii=False) for count in counts)
    else:
        terminal.say(count_lines(counts))
