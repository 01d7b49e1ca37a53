"""Which maps each filter of a convolution reads."""

from __future__ import annotations

from functools import partial

import numpy as np

from convlab import viz
from convlab.errors import SpecError
from convlab.models import INPUT, Network, receptive_fields
from convlab.nn import Module
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.shapes import size_text
from convlab.words import t

MOST_MAPS = 64


def connection_table(network: NetworkLike = "lenet5-1998", layer: str | None = None) -> Picture:
    """Which input maps each output map of a convolution reads.

    Layer C3 of 1998's LeNet-5 by default (table I of LeCun et al. 1998); ``layer``: for another
    network by default the first convolution that leaves maps out, as grouped ones do, or else the
    first.
    Raises SpecError for another layer, and for more than 64 maps.
    """
    built, _ = network_of(network, weights=False)
    layer, module, table = _chosen(built, layer)
    source = _maps_before(built, layer)
    outputs, inputs = table.shape
    if max(table.shape) > MOST_MAPS:
        raise SpecError(
            f"{layer}: expected at most {MOST_MAPS} maps on either side, got {inputs} and {outputs}"
        )
    rows, columns = module.kernel_size
    area, bias = rows * columns, module.bias is not None
    each = table.sum(axis=1) * area + bias
    full = outputs * (inputs * area + bias)
    counts, how_many = np.unique(table.sum(axis=1), return_counts=True)
    one = " + 1" if bias else ""
    sums = " + ".join(
        f"{maps}·({reads}·{area}{one})"
        for reads, maps in zip(counts.tolist(), how_many.tolist(), strict=True)
    )
    facts = [
        (t("in all"), t("{sums} = {n:,}", sums, int(each.sum()))),
        (
            t("if all were read"),
            t("{outputs}·({inputs}·{area}{one}) = {full:,}", outputs, inputs, area, one, full),
        ),
    ]
    title = t("Which maps {layer} reads", layer)
    subtitle = t(
        "{name}, {outputs} maps of {layer} by {size} kernels from {inputs} of {source}",
        *(built.name, outputs, layer, size_text(rows, columns), inputs, source),
    )
    return Picture(
        title,
        f"{title}: {subtitle}. " + ". ".join(f"{name}: {text}" for name, text in facts) + ".",
        partial(
            viz.connection_table,
            table,
            each.tolist(),
            title=title,
            subtitle=subtitle,
            names=(t("maps of {source}", source), t("maps of {layer}", layer)),
            facts=facts,
        ),
        parameters={"network": built.name, "layer": layer},
        result={"table": table, "parameters": each, "total": each.sum(), "all_connected": full},
    )


def _chosen(network: Network, layer: str | None) -> tuple[str, Module, np.ndarray]:
    """A convolution's name, itself and its table."""
    children = network.named_children()
    layers = {name: module for name, module in children if module.family == "convolution"}
    if not layers:
        raise SpecError(f"connection table: {network.name} has no convolution")
    tables = {name: _table(module) for name, module in layers.items()}
    if layer is None:
        layer = next((name for name in tables if not tables[name].all()), next(iter(tables)))
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    return layer, layers[layer], tables[layer]


def _maps_before(network: Network, layer: str) -> str:
    """The layer whose maps a layer reads; activations between them do not make maps."""
    rows = {row.name: row for row in receptive_fields(network)}
    source = rows[layer].sources[0]
    while source != INPUT and rows[source].window is None and len(rows[source].sources) == 1:
        source = rows[source].sources[0]
    return source


def _table(module: Module) -> np.ndarray:
    """(O, I) booleans: which input maps the weights of a convolution read."""
    table = module.connections_table
    if table is not None:
        return table
    outputs, per_group = module.weight.shape[:2]
    group = np.arange(outputs) // (outputs // module.groups)
    channel = np.arange(per_group * module.groups) // per_group
    return group[:, None] == channel
