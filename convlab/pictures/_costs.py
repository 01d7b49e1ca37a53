"""Parameters and multiply-adds of each layer."""

from __future__ import annotations

from functools import partial

from convlab import viz
from convlab.errors import SpecError
from convlab.models import summarise
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.words import t


def costs(network: NetworkLike = "lenet5") -> Picture:
    """Where the parameters of a network are, and where its work is done: bars by layer.

    Multiply-adds are for one image in the forward pass.  Layers with neither are left out.  Raises
    SpecError for a network without weights.
    """
    built, _ = network_of(network, weights=False)
    layers = [
        viz.LayerCost(row.name, row.parameters, row.multiply_adds)
        for row in summarise(built)
        if row.parameters or row.multiply_adds
    ]
    parameters = sum(layer.parameters for layer in layers)
    work = sum(layer.multiply_adds for layer in layers)
    if not (parameters and work):
        raise SpecError(f"costs: expected a network with weights, {built.name} has none")
    title = t("What the layers of {name} cost", built.name)
    largest = max(layers, key=lambda layer: layer.parameters)
    busiest = max(layers, key=lambda layer: layer.multiply_adds)
    return Picture(
        title,
        f"{title}: {parameters:,} parameters, most of them ({largest.parameters:,}) in"
        f" {largest.name}; {work:,} multiply-adds, most of them ({busiest.multiply_adds:,}) in"
        f" {busiest.name}.",
        partial(
            viz.costs,
            layers,
            title=title,
            subtitle=t("parameters are stored, multiply-adds are done for every image"),
        ),
        parameters={"network": built.name},
        inputs={"shape": built.input_shape},
        result={
            layer.name: {"parameters": layer.parameters, "multiply_adds": layer.multiply_adds}
            for layer in layers
        },
    )
