"""``convlab summary``: what each layer costs and sees."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text

# Families that change what units see, though a layer may have no one window.
_SEEING = ("join", "transposed convolution", "pooling")


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, a layer each.")
def command(network, as_json):
    """Shapes, parameters, connections, multiply-adds and receptive field of every layer.

    Receptive field and stride are in input pixels; "dense" is the number of
    parameters that a dense layer between the same numbers would have.
    """
    from convlab.models import summarise

    network, _ = options.network_of(network, weights=False)
    rows = summarise(network)
    if as_json:
        for row in rows:
            click.echo(json_text(_json(row)))
        return
    channels, height, width = network.input_shape
    head = ("layer", "type", "kernel", "stride", "padding", "output", "parameters")
    head += ("connections", "multiply-adds", "receptive field", "stride at input", "dense")
    table = [head, ("input", "", "", "", "", _shape((channels, height, width)), *[""] * 6)]
    table += [_row(row) for row in rows]
    totals = [
        sum(getattr(row, key) for row in rows)
        for key in ("parameters", "connections", "multiply_adds")
    ]
    table.append(("total", *[""] * 5, *(f"{total:,}" for total in totals), "", "", ""))
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    numeric = set(range(6, 12))
    for row in table:
        cells = (
            cell.rjust(width) if i in numeric else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())


def _pair(values) -> str:
    return str(values[0]) if values[0] == values[1] else f"{values[0]}x{values[1]}"


def _shape(shape) -> str:
    """Rows × columns × channels, or the number of features."""
    return f"{shape[1]} × {shape[2]} × {shape[0]}" if len(shape) == 3 else str(shape[0])


def _row(row) -> tuple[str, ...]:
    window = row.window
    kernel = stride = padding = field = effective = ""
    if window is not None:
        kernel = f"{window.kernel[0]} × {window.kernel[1]}"
        if window.dilation != (1, 1):
            kernel += f" dilated {_pair(window.dilation)}"
        stride = _pair(window.stride)
        top, bottom, left, right = window.padding
        padding = (
            _pair((top, left))
            if (top, left) == (bottom, right)
            else f"{top},{bottom},{left},{right}"
        )
    if row.receptive_field is None:
        field = "all" if len(row.output_shape) == 1 else "varies"
    elif window is not None or row.family in _SEEING:
        rows, columns = row.receptive_field
        most = "≤ " if rows.period or columns.period else ""
        field = f"{most}{rows.size} × {columns.size}"
        effective = _pair((rows.stride, columns.stride))
    counts = (row.parameters, row.connections, row.multiply_adds)
    return (
        row.name,
        row.kind,
        kernel,
        stride,
        padding,
        _shape(row.output_shape),
        *(f"{count:,}" if count else "" for count in counts),
        field,
        effective,
        f"{row.dense_parameters:,}" if row.dense_parameters else "",
    )


def _number(stride) -> int | float:
    """Behind a transposed convolution the effective stride may be a fraction."""
    return stride if isinstance(stride, int) else float(stride)


def _json(row) -> dict:
    fields = row.receptive_field
    return {
        "layer": row.name,
        "type": row.kind,
        **({} if row.window is None else row.window._asdict()),
        "input_shape": row.input_shape,
        "output_shape": row.output_shape,
        "parameters": row.parameters,
        "connections": row.connections,
        "multiply_adds": row.multiply_adds,
        "receptive_field": None if fields is None else [field.size for field in fields],
        "effective_stride": None if fields is None else [_number(field.stride) for field in fields],
        "effective_padding": None if fields is None else [field.padding for field in fields],
        "dense_parameters": row.dense_parameters,
    }
