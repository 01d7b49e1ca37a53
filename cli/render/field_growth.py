"""``convlab render field-growth``: the receptive field over the depth of networks."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("networks", metavar="NETWORK...", nargs=-1, required=True)
@options.picture("field-growth.png")
def command(networks, picture):
    """How the receptive field grows with depth, a line for each of up to four networks.

    NETWORK is a model's name, the folder of a run or a .toml file.  Depth counts the
    convolutions and poolings on the longest way to a layer.
    """
    from convlab import lessons, viz
    from convlab.errors import SpecError

    if len(networks) > 4:
        raise click.UsageError(f"expected at most 4 networks, got {len(networks)}")
    found = [lessons.field_growth(options.network_of(name, False)[0]) for name in networks]
    lines = []
    for growth in found:
        if len(growth.fields) < 2:
            raise SpecError(f"{growth.name}: expected a network with a convolution or a pooling")
        strides = growth.strides
        grown = [at for at in range(1, len(strides)) if strides[at] > strides[at - 1]]
        lines.append(viz.FieldLine(growth.name, growth.depths, growth.fields, grown))
    sides = {growth.input_side for growth in found}
    title = "Receptive field by depth"
    subtitle = "each convolution and pooling adds to it; rings: from here on in larger steps"
    figure = viz.field_growth(
        lines,
        title=title,
        subtitle=subtitle,
        input_side=sides.pop() if len(sides) == 1 else None,
        **picture.look,
    )
    described = "; ".join(
        f"{g.name}: {g.fields[-1]} pixels behind {g.depths[-1]} of them" for g in found
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}. {described}.",
        parameters={"networks": networks},
        inputs={g.name: {"side": g.input_side} for g in found},
        weights={},
        result={
            g.name: {
                "layer": g.layers,
                "depth": g.depths,
                "receptive_field": g.fields,
                "effective_stride": g.strides,
            }
            for g in found
        },
    )
