"""``convlab render connections``: dense, local and shared weights side by side."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.option(
    "--inputs",
    type=options.Lengths(both=False),
    help="Inputs: 12 in one dimension, 6x6 (rows x columns) in two by default.",
)
@click.option("--kernel", type=options.Lengths(both=False), default="3", show_default=True)
@click.option("--stride", type=options.Lengths(both=False), default="1", show_default=True)
@click.option("--padding", type=options.Padding(), default="0", show_default=True)
@click.option(
    "--dimensions",
    type=click.Choice(["1", "2"]),
    help="1 by default, 2 where a length is ROWSxCOLUMNS.",
)
@click.option(
    "--unit",
    metavar="N|ROW,COL",
    help="The unit to emphasise, from 0; by default one in the middle, in 2-D the first.",
)
@options.picture("connections.png")
def command(inputs, kernel, stride, padding, dimensions, unit, picture):
    """Which inputs each unit sees: dense, by local receptive fields, with shared weights."""
    from convlab import viz
    from convlab.lessons import resolve_padding, wirings
    from convlab.shapes import size_text
    from convlab.viz.connections import check_room

    pairs = [lengths for lengths in (inputs, kernel, stride) if lengths and len(lengths) == 2]
    dimensions = dimensions or ("2" if pairs else "1")
    flat = dimensions == "1"
    if flat and pairs:
        raise click.BadParameter(
            f"expected one number in one dimension, got {size_text(*pairs[0])};"
            " --dimensions 2 takes two"
        )
    inputs = inputs or ((12,) if flat else (6, 6))
    if flat:
        inputs, kernel, stride = ((1, lengths[0]) for lengths in (inputs, kernel, stride))
        if not isinstance(padding, str):
            padding = (0, padding[1]) if len(padding) == 2 else (0, 0, *padding[2:])
    else:
        inputs, kernel, stride = (
            lengths * 2 if len(lengths) == 1 else lengths for lengths in (inputs, kernel, stride)
        )
    sides = resolve_padding(padding, inputs, kernel, stride)
    check_room(inputs, sides, int(dimensions))  # before anything large is made
    units, ways = wirings(inputs, kernel, stride, sides)
    chosen = _unit(unit, units, flat)
    look = dict(input_size=inputs, unit_size=units, padding=sides, dimensions=int(dimensions))
    title = "What each unit sees, and with which weights"
    settings = f"kernel {kernel[1] if flat else size_text(*kernel)}"
    if stride != (1, 1):
        settings += f", stride {stride[1] if stride[0] in (1, stride[1]) else size_text(*stride)}"
    if any(sides):
        settings += ", dashed: padding"
    words = "unit" if units == (1, 1) else "units"
    sizes = [lengths[1:] if flat else lengths for lengths in (inputs, units)]
    number = ",".join(str(at) for at in (chosen[1:] if flat else chosen))
    subtitle = (
        f"{size_text(*sizes[0])} inputs, {size_text(*sizes[1])} {words}, {settings}, no"
        f" biases; unit {number} emphasised; where shared, same colour: same weight"
    )
    figure = viz.connections(
        ways, unit=chosen, title=title, subtitle=subtitle, **look, **picture.look
    )
    counts = {way.name: {"connections": way.connections, "weights": way.parameters} for way in ways}
    described = "; ".join(
        f"{name}: {count['connections']:,} connections, {count['weights']:,} weights"
        for name, count in counts.items()
    )
    picture.save(
        figure,
        title,
        f"{subtitle}. {described}.",
        parameters={
            "dimensions": int(dimensions),
            "inputs": inputs,
            "kernel": kernel,
            "stride": stride,
            "padding": sides,
            "unit": chosen,
        },
        inputs={way.name: way.reads for way in ways},
        weights={way.name: way.weights for way in ways},
        result={"units": units, **counts},
    )


def _unit(text: str | None, units: tuple[int, int], flat: bool) -> tuple[int, int]:
    """(row, column) of the unit that is asked for.  Raises BadParameter."""
    if text is None:
        return (0, (units[1] - 1) // 2) if flat else (0, 0)
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) != (1 if flat else 2):
        wanted = "a whole number such as 4" if flat else "two whole numbers such as 3,4"
        raise click.BadParameter(f"expected {wanted}, got {text!r}", param_hint="--unit")
    return (0, int(parts[0])) if flat else (int(parts[0]), int(parts[1]))
