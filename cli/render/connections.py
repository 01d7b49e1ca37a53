"""``convlab render connections``: dense, local and shared weights side by side."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.lengths(
    "--inputs",
    both=False,
    help="Inputs: 12 in one dimension, 6x6 (rows x columns) in two by default.",
)
@options.lengths("--kernel", both=False, default="3", show_default=True)
@options.lengths("--stride", both=False, default="1", show_default=True)
@click.option("--padding", type=options.Padding(), default="0", show_default=True)
@click.option(
    "--dimensions",
    type=click.Choice(["1", "2"]),
    help="1 by default, 2 if a length is ROWSxCOLUMNS.",
)
@click.option(
    "--unit",
    metavar="N|ROW,COL",
    help="The unit to emphasise, from 0; by default one in the middle, in 2-D the first.",
)
@options.draws("connections.png")
def command(pictures, inputs, kernel, stride, padding, dimensions, unit):
    """Which inputs each unit sees: dense, by local receptive fields, with shared weights."""
    from convlab.shapes import size_text

    pairs = [lengths for lengths in (inputs, kernel, stride) if lengths and len(lengths) == 2]
    dimensions = int(dimensions or (2 if pairs else 1))
    if dimensions == 1 and pairs:
        raise click.BadParameter(
            f"expected one number in one dimension, got {size_text(*pairs[0])};"
            " --dimensions 2 takes two"
        )
    unit = _unit(unit, dimensions)
    return pictures.connections(inputs, kernel, stride, padding, dimensions, unit)


def _unit(text: str | None, dimensions: int) -> tuple[int, ...] | None:
    """The requested unit, one number per dimension.  Raises BadParameter."""
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) != dimensions:
        wanted = "a whole number such as 4" if dimensions == 1 else "two whole numbers such as 3,4"
        raise click.BadParameter(f"expected {wanted}, got {text!r}", param_hint="--unit")
    return tuple(map(int, parts))
