"""How the receptive field grows with depth."""

from __future__ import annotations

from dataclasses import dataclass

from convlab.models import INPUT, Network, receptive_fields
from convlab.nn import Family


@dataclass(frozen=True)
class FieldGrowth:
    """A network's receptive field by depth, starting from the image (depth 0, 1 pixel).

    depths, fields (pixels along the larger side) and strides have the same length; ``input_side``
    is the larger side of the image in pixels.
    """

    name: str
    input_side: int
    layers: tuple[str, ...]
    depths: tuple[int, ...]
    fields: tuple[int, ...]
    strides: tuple[float, ...]


def field_growth(network: Network) -> FieldGrowth:
    """The receptive field after each convolution and pooling of a network.

    Depth counts the windows on the longest path to a layer; among branches of equal depth the
    larger field counts.  Layers that see everything have none: dense ones, and adaptive pooling,
    which by definition ends a network.
    Source: Araujo, Norris & Sim 2019, Distill, section 2.
    """
    depth = {INPUT: 0}
    best: dict[int, tuple[int, float, str]] = {0: (1, 1.0, INPUT)}
    for row in receptive_fields(network):
        whole = row.family is Family.POOLING and row.layer.adaptive
        grows = row.window is not None and not whole
        depth[row.name] = max(depth[source] for source in row.sources) + grows
        if not grows or row.field is None:
            continue
        larger = max(row.field, key=lambda axis: axis.size)
        found = (larger.size, float(larger.stride), row.name)
        best[depth[row.name]] = max(best.get(depth[row.name], found), found)
    order = sorted(best)
    sizes, strides, names = zip(*(best[at] for at in order), strict=True)
    side = max(network.input_shape[1:])
    return FieldGrowth(network.name, side, names, tuple(order), sizes, strides)
