"""What each layer costs and sees: parameters, connections, multiply-adds, receptive fields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convlab.nn import Family, Field, Module, Window
from convlab.shapes import ReceptiveField, join_fields, misalignment

if TYPE_CHECKING:
    from convlab.models.spec import Network

_LARGEST_MAPS = 40_000_000  # numbers of one layer's maps, of all images of a pass

INPUT = "input"
"""What a spec calls the image."""


@dataclass(frozen=True)
class LayerSummary:
    """One layer of a network; shapes are (channels, rows, columns) or (features,).

    ``receptive_field`` is (rows, columns) of the input that one unit sees, or None
    after a dense layer, where it sees everything, and after a join of branches whose
    effective strides differ, where no single field holds for all units.
    ``dense_parameters`` is how many a dense layer between the same numbers would
    have, 0 for layers without weights.
    """

    name: str
    layer: Module
    window: Window | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    connections: int
    multiply_adds: int
    receptive_field: Field | None
    dense_parameters: int

    @property
    def kind(self) -> str:
        """The layer's class."""
        return type(self.layer).__name__

    @property
    def family(self) -> Family | None:
        return self.layer.family

    def record(self) -> dict[str, Any]:
        """Its numbers by name, for JSON."""
        return {
            "layer": self.name,
            "type": self.kind,
            **({} if self.window is None else self.window._asdict()),
            "input_shape": self.input_shape,
            "output_shape": self.output_shape,
            "parameters": self.parameters,
            "connections": self.connections,
            "multiply_adds": self.multiply_adds,
            **dict.fromkeys(("receptive_field", "effective_stride", "effective_padding")),
            **_axes_record(self.receptive_field),
            "dense_parameters": self.dense_parameters,
        }


@dataclass(frozen=True)
class LayerField:
    """What the units of one layer see; shapes are (channels, rows, columns) or (features,).

    ``sources`` are the layers that it reads ("input" is the image) and ``inputs``
    their fields; ``field`` is its own, (rows, columns), or None as in LayerSummary.
    ``misaligned`` says for a join, for each axis, what keeps its branches from
    being aligned: effective strides or centres that differ; empty where they are.
    """

    name: str
    layer: Module
    window: Window | None
    sources: tuple[str, ...]
    inputs: tuple[Field | None, ...]
    field: Field | None
    misaligned: tuple[str, str]
    output_shape: tuple[int, ...]

    @property
    def family(self) -> Family | None:
        return self.layer.family

    def record(self) -> dict[str, Any]:
        """Its numbers by name, for JSON."""
        numbers: dict[str, Any] = {
            "layer": self.name,
            "type": type(self.layer).__name__,
            "inputs": self.sources,
            "output_shape": self.output_shape,
            **({} if self.window is None else self.window._asdict()),
            "receptive_field": None,
            **_axes_record(self.field),
        }
        if self.field is not None:
            numbers["centre"] = [axis.centre(0) for axis in self.field]
            if any(axis.period for axis in self.field):
                # Half-open pixel ranges of the first units; the others repeat them, shifted.
                numbers["spans"] = [axis.period or [axis.span(0)] for axis in self.field]
        if len(self.sources) > 1:
            numbers["aligned"] = None not in self.inputs and not any(self.misaligned)
            numbers["misaligned"] = self.misaligned
        return numbers


def _axes_record(field: Field | None) -> dict[str, Any]:
    """What units see along both axes; empty if there is no single field.

    After a transposed convolution the effective stride may be a fraction.
    """
    if field is None:
        return {}
    return {
        "receptive_field": [axis.size for axis in field],
        "effective_stride": [
            axis.stride if isinstance(axis.stride, int) else float(axis.stride) for axis in field
        ],
        "effective_padding": [axis.padding for axis in field],
    }


def field_record(network: Network) -> dict[str, Any]:
    """The receptive fields of all layers by name, for JSON."""
    return {
        "network": network.name,
        "input_shape": network.input_shape,
        "layers": [row.record() for row in receptive_fields(network)],
    }


def receptive_fields(network: Network) -> list[LayerField]:
    """The receptive field of every layer, in the order of the network.

    Branches as in Araujo, Norris & Sim 2019: the field of a join is the hull of
    what its branches see.
    """
    fields: dict[str, Field | None] = {INPUT: (ReceptiveField(), ReceptiveField())}
    sources = network.sources()
    rows = []
    for name, layer, before, after in network.shapes():
        inputs = tuple(fields[source] for source in sources[name])
        known = [one for one in inputs if one is not None]
        field: Field | None = None
        misaligned = ("", "")
        if len(known) < len(inputs):
            pass  # if a unit sees everything, or has no single box, so do those that read it
        elif layer.family is Family.JOIN:
            down, right = zip(*known, strict=True)
            joined = join_fields(down), join_fields(right)
            field = None if joined[0] is None or joined[1] is None else (joined[0], joined[1])
            misaligned = misalignment(down), misalignment(right)
        else:
            field = layer.field_of(known[0], before)
        fields[name] = field
        window = layer.window(before)
        rows.append(
            LayerField(name, layer, window, sources[name], inputs, field, misaligned, after)
        )
    return rows


def summarise(network: Network) -> list[LayerSummary]:
    """One row for each layer, in the order of the network.

    Connections as in LeCun et al. 1998, section II.B; receptive fields as in
    Araujo, Norris & Sim 2019.
    """
    rows = []
    for seen, (name, layer, before, after) in zip(
        receptive_fields(network), network.shapes(), strict=True
    ):
        parameters = layer.own_parameter_count()
        products = layer.multiply_adds(before)
        dense = (math.prod(before) + 1) * math.prod(after) if parameters and products else 0
        rows.append(
            LayerSummary(
                name,
                layer,
                seen.window,
                before,
                after,
                parameters,
                layer.connections(before),
                products,
                seen.field,
                dense,
            )
        )
    return rows


def images_at_once(network: Network, most: int, numbers: int = _LARGEST_MAPS) -> int:
    """How many images go through a network in one pass: fewer where its maps are large.

    ``numbers``: the most in one layer's maps of all of them.
    """
    largest = max(math.prod(after) for _, _, _, after in network.shapes())
    fit = min(most, numbers // max(1, largest))
    return max(1, fit - fit % 16 if fit > 16 else fit)  # whole registers
