"""``convlab render costs``: parameters and multiply-adds of each layer."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="[RUN|MODEL|SPEC.toml]", default="lenet5")
@options.picture("costs.png")
def command(network, picture):
    """Where the parameters of a network are, and where its work: bars by layer.

    Multiply-adds are those of one image on its way forward.  Layers with neither are left
    out; "convlab summary" has all numbers.
    """
    from convlab import viz
    from convlab.errors import SpecError
    from convlab.models import summarise

    network, _ = options.network_of(network, weights=False)
    layers = [
        viz.LayerCost(row.name, row.parameters, row.multiply_adds)
        for row in summarise(network)
        if row.parameters or row.multiply_adds
    ]
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_adds for layer in layers)
    if not (parameters and work):
        raise SpecError(f"costs: expected a network with weights, {network.name} has none")
    title = f"What the layers of {network.name} cost"
    subtitle = "parameters are stored, multiply-adds are done for every image"
    figure = viz.costs(layers, title=title, subtitle=subtitle, **picture.look)
    largest = max(layers, key=lambda layer: layer.parameters)
    busiest = max(layers, key=lambda layer: layer.multiply_adds)
    picture.save(
        figure,
        title,
        f"{title}: {parameters:,} parameters, most of them ({largest.parameters:,}) in"
        f" {largest.name}; {work:,} multiply-adds, most of them ({busiest.multiply_adds:,}) in"
        f" {busiest.name}.",
        parameters={"network": network.name},
        inputs={"shape": network.input_shape},
        weights={},
        result={
            layer.name: {"parameters": layer.parameters, "multiply_adds": layer.multiply_adds}
            for layer in layers
        },
    )
