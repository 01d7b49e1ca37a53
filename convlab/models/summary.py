"""What each layer costs and sees: parameters, connections, multiply-adds, receptive fields."""

from __future__ import annotations

import math
from dataclasses import dataclass

from convlab.models.spec import Network
from convlab.nn import Window
from convlab.shapes import ReceptiveField


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a network; shapes are (channels, rows, columns) or (features,).

    ``receptive_field`` is (rows, columns) of the input that one unit sees, or None
    behind a dense layer, where it sees all, and behind a transposed convolution,
    where it is not the same for all units.  ``dense_parameters`` is what a dense
    layer between the same numbers would have, 0 for layers that have no weights.
    """

    name: str
    kind: str
    window: Window | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    connections: int
    multiply_adds: int
    receptive_field: tuple[ReceptiveField, ReceptiveField] | None
    dense_parameters: int


def summarise(network: Network) -> list[LayerSummary]:
    """One row for each layer, in the order of the network.

    Connections as in LeCun et al. 1998, section II.B; receptive fields as in
    Araujo, Norris & Sim 2019.
    """
    rows = []
    field: tuple[ReceptiveField, ReceptiveField] | None = (ReceptiveField(), ReceptiveField())
    for name, layer, before, after in network.shapes():
        window = layer.window(before)
        if layer.connections(before) and (len(after) == 1 or window is None):
            # Dense, or a transposed convolution, whose units do not all see as much.
            field = None
        elif field is not None and window is not None:
            field = tuple(
                axis_field.through(
                    window.kernel[axis],
                    window.stride[axis],
                    window.padding[2 * axis],
                    window.dilation[axis],
                )
                for axis, axis_field in enumerate(field)
            )
        parameters = layer.own_parameter_count()
        dense = (math.prod(before) + 1) * math.prod(after) if parameters else 0
        rows.append(
            LayerSummary(
                name,
                type(layer).__name__,
                window,
                before,
                after,
                parameters,
                layer.connections(before),
                layer.multiply_adds(before),
                field,
                dense,
            )
        )
    return rows
