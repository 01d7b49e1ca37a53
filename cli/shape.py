"""``convlab shape``: sizes and counts of layers, worked out."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@click.argument(
    "input",
    metavar="ROWSxCOLUMNSxCHANNELS|NUMBER",
    type=options.Lengths((1, 2, 3), "28x28x3, 28x28 or 784", most=10**9),
)
@click.option("--kernel", type=options.Lengths(), help="Of one convolution: 5 or 5x7.")
@click.option("--filters", type=click.IntRange(1, options.MOST), default=1, show_default=True)
@click.option("--stride", type=options.Lengths(), default="1", show_default=True)
@click.option("--padding", type=options.Padding(), default="0", show_default=True)
@click.option("--dilation", type=options.Lengths(), default="1", show_default=True)
@click.option("--groups", type=click.IntRange(1, options.MOST), default=1, show_default=True)
@click.option("--no-bias", is_flag=True, help="Weights only.")
@click.option(
    "--layers",
    metavar="TEXT",
    help='Several layers: "conv 5x5 6 padding 2, pool 2, flatten, dense 10".',
)
@click.option(
    "--convention",
    type=click.Choice(["torch", "tensorflow"]),
    default="torch",
    show_default=True,
    help="Whose padding same.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, a layer each.")
@click.pass_context
def command(context, input, kernel, filters, layers, convention, as_json, no_bias, **settings):
    """Output size, parameters, multiply-adds and connections of layers, worked out.

    One convolution by --kernel and --filters, or several layers by --layers: conv
    KERNEL FILTERS (stride, padding, dilation, groups, no-bias), pool KERNEL
    (stride, padding), flatten, dense NEURONS (no-bias).  An input of one number is
    a row of numbers, for dense layers.  Connections are counted as LeCun et al.
    did in 1998: biases and padding are among them.
    """
    from convlab.lessons import conv_layer, count_layers, padding_by

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
        for count in counts:
            click.echo(json_text(_json(count), ensure_ascii=False))
    elif len(counts) == 1:
        _print_one(counts[0])
    else:
        _print_all(counts)


def _print_one(layer) -> None:
    from convlab.lessons import shape_text

    width = max((len(str(relation)) for relation in layer.relations), default=0)
    lines = [("input", shape_text(layer.input_shape)), ("layer", layer.text)]
    for axis, relation in zip(("rows", "columns"), layer.relations, strict=False):
        number = "" if relation.number is None else f"  relation {relation.number}"
        lines.append((axis, f"{relation!s:{width}}{number}"))
    lines.append(("output", shape_text(layer.output_shape)))
    if layer.per_unit is not None:
        unit = "filter" if layer.kind == "conv" else "neuron"
        lines.append((f"weights a {unit}", _text(layer.per_unit)))
        if layer.kind == "dense":
            lines.append(("weights", str(layer.dense)))
        lines.append(("parameters", str(layer.parameters)))
        lines.append(("multiply-adds", str(layer.multiply_adds)))
    if layer.connections is not None:
        lines.append(("connections", str(layer.connections)))
    if layer.kind == "conv":
        lines.append(("if it were dense", f"{layer.dense} weights"))
    _table(lines)


def _text(count) -> str:
    """A count without its expression where that is the number itself."""
    value = f"{count.value:,}"
    return value if count.expression == value else str(count)


def _print_all(layers) -> None:
    from convlab.lessons import shape_text

    names = _names(layers)
    sized = any(layer.relations for layer in layers)
    rows = [("", "layer", "output size on each axis" if sized else "", "", "output")]
    rows.append(("input", "", "", "", shape_text(layers[0].input_shape)))
    for name, layer in zip(names, layers, strict=True):
        relations = list(dict.fromkeys(layer.relations))
        first = relations[0] if relations else None
        rows.append(
            (
                name,
                layer.text,
                "" if first is None else str(first),
                "" if first is None or first.number is None else f"relation {first.number}",
                shape_text(layer.output_shape),
            )
        )
        if len(relations) == 2:
            rows.append(("", "", str(relations[1]), rows[-1][3], ""))
    _table(rows)
    click.echo()
    head = ("", "parameters", "multiply-adds", "connections", "weights if dense")
    counted = [head]
    totals = dict.fromkeys(("parameters", "multiply_adds", "connections"), 0)
    for name, layer in zip(names, layers, strict=True):
        values = [getattr(layer, key) for key in (*totals, "dense")]
        for key in totals:
            count = getattr(layer, key)
            totals[key] += 0 if count is None else count.value
        if any(value is not None for value in values):
            parameters = "" if values[0] is None else str(values[0])
            others = ("" if value is None else f"{value.value:,}" for value in values[1:])
            counted.append((name, parameters, *others))
    counted.append(("total", *(f"{total:,}" for total in totals.values()), ""))
    _table(counted, numeric=(1, 2, 3, 4))


def _names(layers) -> list[str]:
    """conv1, conv2, pool1, ..., as a summary calls them."""
    seen: dict[str, int] = {}
    names = []
    for layer in layers:
        seen[layer.kind] = seen.get(layer.kind, 0) + 1
        names.append(f"{layer.kind}{seen[layer.kind]}")
    return names


def _table(rows, numeric: tuple[int, ...] = ()) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (
            cell.rjust(width) if i in numeric else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())


def _json(layer) -> dict:
    """A layer as one object; shapes as (channels, rows, columns), as in a summary."""

    def count(value):
        return None if value is None else {"expression": value.expression, "value": value.value}

    return {
        "type": layer.kind,
        "layer": layer.text,
        "input_shape": layer.input_shape,
        "output_shape": layer.output_shape,
        "sizes": [
            {
                "expression": relation.expression,
                "value": relation.value,
                "relation": relation.number,
            }
            for relation in layer.relations
        ],
        "weights_per_unit": count(layer.per_unit),
        "parameters": count(layer.parameters),
        "multiply_adds": count(layer.multiply_adds),
        "connections": count(layer.connections),
        "dense_weights": count(layer.dense),
    }
