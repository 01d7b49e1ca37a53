"""The receptive field by depth for several networks."""

from __future__ import annotations

import os
from functools import partial

from convlab import lessons, viz
from convlab.errors import ShapeError, SpecError
from convlab.lessons import FieldGrowth
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.words import t

MOST = 4  # networks in one picture


def field_growth(*networks: NetworkLike) -> Picture:
    """How the receptive field grows with depth, a line for each of up to four networks.

    Depth counts the convolutions and poolings on the longest path to a layer.  Raises SpecError for
    a network with neither, ShapeError for more than four networks or none.
    """
    if not 1 <= len(networks) <= MOST:
        raise ShapeError(f"expected 1 to {MOST} networks, got {len(networks)}")
    found = [lessons.field_growth(network_of(one, weights=False)[0]) for one in networks]
    lines = [_line(growth) for growth in found]
    sides = {growth.input_side for growth in found}
    title = t("Receptive field by depth")
    subtitle = t("each convolution and pooling adds to it; rings: from here on in larger steps")
    described = "; ".join(
        f"{g.name}: {g.fields[-1]} pixels behind {g.depths[-1]} of them" for g in found
    )
    return Picture(
        title,
        f"{title}: {subtitle}. {described}.",
        partial(
            viz.field_growth,
            lines,
            title=title,
            subtitle=subtitle,
            input_side=sides.pop() if len(sides) == 1 else None,
        ),
        parameters={
            "networks": [
                one if isinstance(one, str | os.PathLike) else growth.name
                for one, growth in zip(networks, found, strict=True)
            ]
        },
        inputs={g.name: {"side": g.input_side} for g in found},
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


def _line(growth: FieldGrowth) -> viz.FieldLine:
    if len(growth.fields) < 2:
        raise SpecError(f"{growth.name}: expected a network with a convolution or a pooling")
    strides = growth.strides
    grown = [at for at in range(1, len(strides)) if strides[at] > strides[at - 1]]
    return viz.FieldLine(growth.name, growth.depths, growth.fields, grown)
