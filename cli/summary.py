"""``convlab summary``: what each layer costs and sees."""

from __future__ import annotations

import click
from convlab_cli import options, terminal
from convlab_cli.output import json_text


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@options.json_flag("One JSON object per line, one for each layer.")
def command(network, as_json):
    """Shapes, parameters, connections, multiply-adds and receptive field of every layer.

    Receptive field and stride are in input pixels; "dense" is how many parameters
    a dense layer between the same numbers would have.
    """
    network, _ = options.network_of(network, weights=False)
    table = network.summary()
    terminal.say([json_text(row.record()) for row in table.layers] if as_json else [str(table)])
