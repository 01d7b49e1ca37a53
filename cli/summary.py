"""``convlab summary``: what each layer costs and sees."""

from __future__ import annotations

import click
from convlab_cli import options
from convlab_cli.output import json_text


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, a layer each.")
def command(network, as_json):
    """Shapes, parameters, connections, multiply-adds and receptive field of every layer.

    Receptive field and stride are in input pixels; "dense" is the number of
    parameters that a dense layer between the same numbers would have.
    """
    network, _ = options.network_of(network, weights=False)
    table = network.summary()
    if not as_json:
        click.echo(table)
        return
    for row in table.layers:
        click.echo(json_text(_json(row)))


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
