"""Where in the image a unit of a feature map looks."""

from __future__ import annotations

from dataclasses import dataclass

from convlab.errors import ShapeError, SpecError
from convlab.models import Network, summarise
from convlab.shapes import ReceptiveField, size_text


@dataclass(frozen=True)
class UnitField:
    """The receptive field of one unit, in input pixels.

    ``box``: (top, left, bottom, right), half-open; outside the input it is padding.
    """

    layer: str
    map_size: tuple[int, int]
    unit: tuple[int, int]
    box: tuple[int, int, int, int]
    rows: ReceptiveField
    columns: ReceptiveField


def unit_field(network: Network, layer: str | None, unit: tuple[int, int] | None) -> UnitField:
    """What ``unit`` (row, column) of a layer's maps sees; None is the last map's middle unit.

    Source: Araujo, Norris & Sim 2019.  Raises SpecError for a layer that has no
    maps, ShapeError for a unit outside them.
    """
    fitting = {
        row.name: row
        for row in summarise(network)
        if row.receptive_field is not None and len(row.output_shape) == 3
    }
    if not fitting:
        raise SpecError(f"receptive field: {network.name} has no layer with feature maps")
    if layer is None:
        layer = list(fitting)[-1]
    if layer not in fitting:
        raise SpecError(
            f"layer: expected one with feature maps, {', '.join(fitting)}, got {layer!r}"
        )
    row = fitting[layer]
    size = row.output_shape[1:]
    if unit is None:
        unit = size[0] // 2, size[1] // 2
    if not all(0 <= at < length for at, length in zip(unit, size, strict=True)):
        raise ShapeError(
            f"unit: expected a row and column inside the {size_text(*size)} maps of {layer},"
            f" from 0, got {unit[0]},{unit[1]}"
        )
    rows, columns = row.receptive_field
    (top, bottom), (left, right) = rows.span(unit[0]), columns.span(unit[1])
    return UnitField(layer, size, unit, (top, left, bottom, right), rows, columns)
