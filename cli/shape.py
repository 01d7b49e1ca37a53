"""``convlab shape``: sizes and counts of layers, worked out."""

import click
from convlab_cli import options, terminal
from convlab_cli.values import Spelled


@options.command()
@click.argument(
    "input",
    metavar="ROWSxCOLUMNSxCHANNELS|NUMBER",
    type=Spelled(
        "NxNxN",
        "lengths",
        counts=(1, 2, 3),
        example="28x28x3, 28x28 or 784",
        both=False,
        most=10**9,
    ),
)
@options.lengths("--kernel", help="Of one convolution: 5 or 5x7.")
@options.whole("--filters", default=1)
@options.lengths("--stride", default="1")
@options.padding(default="0")
@options.lengths("--dilation", default="1")
@options.whole("--groups", default=1)
@options.flag("--bias/--no-bias", default=True, help="Whether each filter has one.")
@options.valued(
    "--layers",
    metavar="TEXT",
    help='Several layers: "conv 5x5 6 padding 2, pool 2, flatten, dense 10".',
)
@options.convention
@options.code_flag
@terminal.wide
@options.json_options("One JSON object per line, one for each layer.")
@click.pass_context
def command(context, input, kernel, layers, convention, code, record, **settings):
    """Output size, parameters, multiply-adds and connections of layers, worked out.

    One convolution by --kernel and --filters, or several layers by --layers: conv
    KERNEL FILTERS (stride, padding, dilation, groups, no-bias), pool KERNEL
    (stride, padding), flatten, dense NEURONS (no-bias).  An input given as one
    number is a row of numbers, for dense layers.  Connections are counted as in
    LeCun et al. 1998, including biases and padding.
    """
    from convlab.lessons import conv_layer, count_layers, count_lines, layer_code_lines, padding_by

    if (kernel is None) == (layers is None):
        raise click.UsageError("expected either --kernel or --layers")
    if code and record.wanted:
        raise click.UsageError("--code: expected no --json with it")
    shape = input if len(input) == 1 else (*(input[2:] or (1,)), *input[:2])
    if layers is not None:
        if given := options.typed(context, settings):
            raise click.UsageError(
                f"{given[0]} is for --kernel; in --layers it stands behind its layer"
            )
        counts = count_layers(shape, layers, convention=convention)
    else:
        settings["padding"] = padding_by(settings["padding"], convention)
        counts = [conv_layer(shape, kernel, **settings)]
    code_lines = layer_code_lines(counts) if code else ()
    record.show((count.record() for count in counts), [*count_lines(counts), *code_lines])
