"""``convlab receptive-field``: what the units of every layer see."""

from __future__ import annotations

import click
from convlab_cli import options, terminal
from convlab_cli.output import json_bytes


@click.command()
@click.argument("network", metavar="MODEL|RUN|SPEC.toml")
@click.option("--explain", is_flag=True, help="The recursion with its numbers, layer by layer.")
@click.option(
    "--json",
    "json_file",
    type=options.WRITTEN,
    help="Also write all numbers, including those of layers that only pass numbers on.",
)
def command(network, explain, json_file):
    """Receptive field r, effective stride S and effective padding P of every layer.

    All in pixels of the input, rows × columns where they differ; "centre" is where the
    first unit looks.  A join is aligned where all its branches have the same S
    and the same centres.  Layers that only pass numbers on are left out.

    Padding that differs is "0 and 1" before and after, or TOP,BOTTOM,LEFT,RIGHT.
    """
    from convlab.files import write_atomically
    from convlab.lessons import field_explanation, field_table
    from convlab.models import field_record

    network, _ = options.network_of(network, weights=False)
    if json_file is not None:
        write_atomically(json_file, json_bytes(field_record(network), indent=1))
    terminal.say(field_explanation(network) if explain else field_table(network))
    if json_file is not None:
        click.echo(f"wrote {json_file}")
