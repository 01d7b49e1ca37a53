"""``convlab render filters``: the weights that a network has learned."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@options.run_argument
@click.option("--layer", help="A convolution; the first by default.")
@options.picture("filters.png")
def command(run, layer, picture):
    """The weights of a convolution: one picture a filter and input channel."""
    from convlab import nn, training, viz
    from convlab.errors import SpecError
    from convlab.shapes import size_text

    run = training.load(run)
    layers = {
        name: module
        for name, module in run.network.named_children()
        if isinstance(module, nn.Conv2d)
    }
    if not layers:
        raise SpecError(f"filters: {run.network.name} has no convolution")
    layer = layer or next(iter(layers))
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    weight = layers[layer].weight.numpy()
    out, per_filter, rows, columns = weight.shape
    first = layer == next(iter(layers))
    title = f"Filters of {layer}"
    subtitle = f"{options.title_of(run)}; {out} filters of {size_text(rows, columns, per_filter)}"
    figure = viz.filters(
        weight,
        title=title,
        subtitle=subtitle,
        **picture.look,
        channels=("red", "green", "blue") if first and per_filter == 3 else None,
    )
    picture.save(
        figure,
        f"{title}, {options.title_of(run)}",
        f"{subtitle}.",
        parameters={"run": run.folder, "layer": layer},
        inputs={},
        weights={"weight": weight},
        result={},
    )
