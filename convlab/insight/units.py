"""Where in the image a unit of a feature map looks."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from convlab.errors import ShapeError, SpecError
from convlab.models import LayerField, Network, receptive_fields
from convlab.shapes import ReceptiveField, size_text
from convlab.words import t

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class UnitField:
    """The receptive field of one unit, in input pixels.

    ``box``: (top, left, bottom, right), half-open; outside the input it is padding.
    ``rows`` and ``columns`` are the fields of all units of the layer.
    """

    layer: str
    map_size: tuple[int, int]
    unit: tuple[int, int]
    box: Box
    rows: ReceptiveField
    columns: ReceptiveField


def unit_field(network: Network, layer: str | None, unit: tuple[int, int] | None) -> UnitField:
    """What ``unit`` (row, column) of a layer's maps sees; None is the middle unit of the last maps.

    The last maps are those of the layer that made them, not of one that passes them on.

    Also exact after transposed convolutions and adaptive pooling, where not all units see equally
    much.  Source: Araujo, Norris & Sim 2019.  Raises SpecError for a layer that has no maps or no
    single box, and for a unit that sees nothing, ShapeError for a unit outside the maps.
    """
    seen = receptive_fields(network)
    fitting = {
        row.name: (row.field, row.output_shape)
        for row in seen
        if row.field and len(row.output_shape) == 3
    }
    if not fitting:
        raise SpecError(f"receptive field: {network.name} has no layer with feature maps")
    if layer is None:
        last = list(fitting.values())[-1]
        layer = next(name for name, known in fitting.items() if known == last)
    if layer not in fitting:
        _no_single_box(layer, seen)
        # Out of a hundred names, those that the user may have meant.
        names = list(fitting)
        if len(names) > 24:
            names = [*(get_close_matches(layer, names, 5, 0.3) or names[:5]), "\u2026"]
        raise SpecError(f"layer: expected one with feature maps, {', '.join(names)}, got {layer!r}")
    (rows, columns), (_, high, wide) = fitting[layer]
    size = high, wide
    if unit is None:
        unit = size[0] // 2, size[1] // 2
    if not all(0 <= at < length for at, length in zip(unit, size, strict=True)):
        raise ShapeError(
            f"unit: expected a row and column inside the {size_text(*size)} maps of {layer},"
            f" from 0, got {unit[0]},{unit[1]}"
        )
    (top, bottom), (left, right) = rows.span(unit[0]), columns.span(unit[1])
    if top == bottom or left == right:
        raise SpecError(
            f"unit {unit[0]},{unit[1]} of {layer} sees no pixel: a transposed convolution gives it"
            " nothing but its bias"
        )
    return UnitField(layer, size, unit, (top, left, bottom, right), rows, columns)


def _no_single_box(layer: str, seen: list[LayerField]) -> None:
    """Raise SpecError for a layer with maps whose units have no single field."""
    mixed = ""
    for row in seen:
        if row.field is None and len(row.output_shape) == 3 and any(row.misaligned):
            mixed = mixed or t(
                "{next} meet at {name}", next(filter(None, row.misaligned)), row.name
            )
        if row.name == layer and mixed and len(row.output_shape) == 3 and row.field is None:
            raise SpecError(f"layer {layer}: its units have no single box each: {mixed}")
