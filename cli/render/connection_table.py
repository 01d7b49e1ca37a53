"""``convlab render connection-table``: which maps each filter of a convolution reads."""

from __future__ import annotations

import click
from convlab_cli import options


@click.command()
@click.argument("network", metavar="[RUN|MODEL|SPEC.toml]", default="lenet5-1998")
@click.option("--layer", help="A convolution; by default the first that leaves maps out.")
@options.picture("connection-table.png")
def command(network, layer, picture):
    """Which input maps each output map of a convolution reads.

    Layer C3 of 1998's LeNet-5 by default (table I of LeCun et al. 1998); grouped
    convolutions have such a table too, and where all maps are connected it is full.
    """
    import numpy as np

    from convlab import viz
    from convlab.errors import SpecError
    from convlab.shapes import size_text

    network, _ = options.network_of(network, weights=False)
    layers = {
        name: module for name, module in network.named_children() if module.family == "convolution"
    }
    if not layers:
        raise SpecError(f"connection table: {network.name} has no convolution")
    tables = {name: _table(module) for name, module in layers.items()}
    if layer is None:
        layer = next((name for name in tables if not tables[name].all()), next(iter(tables)))
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    module, table = layers[layer], tables[layer]
    source = _maps_before(network, layer)
    outputs, inputs = table.shape
    if max(table.shape) > 64:
        raise SpecError(
            f"{layer}: expected at most 64 maps on either side, got {inputs} and {outputs}"
        )
    rows, columns = module.kernel_size
    area, bias = rows * columns, module.bias is not None
    each = table.sum(axis=1) * area + bias
    full = outputs * (inputs * area + bias)
    counts, how_many = np.unique(table.sum(axis=1), return_counts=True)
    sums = " + ".join(
        f"{maps}·({reads}·{area}{' + 1' if bias else ''})"
        for reads, maps in zip(counts.tolist(), how_many.tolist(), strict=True)
    )
    facts = [
        ("in all", f"{sums} = {int(each.sum()):,}"),
        ("if all were read", f"{outputs}·({inputs}·{area}{' + 1' if bias else ''}) = {full:,}"),
    ]
    title = f"Which maps {layer} reads"
    subtitle = (
        f"{network.name}, {outputs} maps of {layer} by {size_text(rows, columns)} kernels from"
        f" {inputs} of {source}"
    )
    figure = viz.connection_table(
        table,
        each.tolist(),
        title=title,
        subtitle=subtitle,
        names=(f"maps of {source}", f"maps of {layer}"),
        facts=facts,
        **picture.look,
    )
    picture.save(
        figure,
        title,
        f"{title}: {subtitle}. " + ". ".join(f"{name}: {text}" for name, text in facts) + ".",
        parameters={"network": network.name, "layer": layer},
        inputs={},
        weights={},
        result={"table": table, "parameters": each, "total": each.sum(), "all_connected": full},
    )


def _maps_before(network, layer: str) -> str:
    """The layer whose maps a layer reads; activations between them do not make maps."""
    from convlab.models import INPUT, receptive_fields

    rows = {row.name: row for row in receptive_fields(network)}
    source = rows[layer].sources[0]
    while source != INPUT and rows[source].window is None and len(rows[source].sources) == 1:
        source = rows[source].sources[0]
    return source


def _table(module):
    """(O, I) booleans: which input maps the weights of a convolution read."""
    import numpy as np

    table = module.connections_table
    if table is not None:
        return table
    outputs, per_group = module.weight.shape[:2]
    group = np.arange(outputs) // (outputs // module.groups)
    channel = np.arange(per_group * module.groups) // per_group
    return group[:, None] == channel
