"""The windows through which one unit sees the image, layer by layer."""

from __future__ import annotations

from convlab.insight.units import UnitField, unit_field
from convlab.models import INPUT, Network, receptive_fields
from convlab.nn import Family
from convlab.shapes import ReceptiveField


def field_chain(
    network: Network, layer: str | None, unit: tuple[int, int] | None
) -> list[UnitField]:
    """One unit of each layer on the way to ``unit``: the one in the middle of what is read.

    In the order of the network, so that boxes lie inside those that follow them (side by side where
    branches differ).  Layers whose units see no more than those before them are left out.  Raises
    the same errors as ``unit_field``.
    """
    chosen = unit_field(network, layer, unit)
    before = {name: shape for name, _, shape, _ in network.shapes()}
    sizes = {name: after[1:] for name, _, _, after in network.shapes()}
    wanted = {chosen.layer: chosen.unit}
    alone = ReceptiveField(), ReceptiveField()
    for row in reversed(receptive_fields(network)):
        if row.name not in wanted:
            continue
        at = wanted[row.name]
        if row.family is not Family.JOIN:
            # The field of this layer alone is its window on what it reads.
            # None is for layers whose units see everything, and none of them leads to a unit of
            # maps.
            window = row.layer.field_of(alone, before[row.name]) or alone
            spans = [axis.span(i) for axis, i in zip(window, at, strict=True)]
            down, right = ((start + end - 1) // 2 for start, end in spans)
            at = down, right
        for source in row.sources:
            if source != INPUT:
                down, right = (
                    min(max(i, 0), n - 1) for i, n in zip(at, sizes[source], strict=True)
                )
                wanted.setdefault(source, (down, right))
    chain: list[UnitField] = []
    for name in (row.name for row in receptive_fields(network) if row.name in wanted):
        field = unit_field(network, name, wanted[name])
        if all(field.box != earlier.box for earlier in chain):
            chain.append(field)
    if chain[-1].box == chosen.box and chain[-1].layer != chosen.layer:
        chain[-1] = chosen
    return chain
