"""``convlab render connections``: dense, local and shared weights side by side."""

import click
from convlab_cli import drawing, options


@options.command()
@options.lengths(
    "--inputs",
    both=False,
    help="Inputs: 12 in one dimension, 6x6 (rows x columns) in two by default.",
)
@options.lengths("--kernel", both=False, default="3")
@options.lengths("--stride", both=False, default="1")
@options.padding(default="0")
@options.choice(
    *("--dimensions", "1", "2"), default=None, help="1 by default, 2 if a length is ROWSxCOLUMNS."
)
@options.unit(
    1,
    2,
    help="The unit to emphasise, from 0; by default one in the middle, in 2-D the first.",
)
@drawing.draws("connections.png")
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
    if unit is not None and len(unit) != dimensions:
        wanted = "a whole number such as 4" if dimensions == 1 else "two whole numbers such as 3,4"
        got = ",".join(map(str, unit))
        raise click.BadParameter(f"expected {wanted}, got {got!r}", param_hint="--unit")
    return pictures.connections(inputs, kernel, stride, padding, dimensions, unit)
