"""The words of an explanation: a unit's name, what is added up there, and what agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab.insight.explain import (
    PROBABILITIES,
    BranchSum,
    Cell,
    ConvolutionSum,
    DenseSum,
    Distance,
    Explanation,
    Number,
    Pointwise,
    Pooling,
    SoftmaxShare,
    ulps,
)
from convlab.models import Network
from convlab.numerals import MINUS

COLOURS = ("red", "green", "blue")


def value_text(value: Number) -> str:
    """A float32 with the digits that distinguish it from its neighbours."""
    return f"{float(value):.9g}".replace("-", MINUS)


def place_text(place: tuple[int, ...]) -> str:
    """Where a unit stands in its layer."""
    if len(place) == 3:
        return f"map {place[0]}, row {place[1]}, column {place[2]}"
    return f"unit {','.join(map(str, place))}"


def unit_name(one: Explanation, network: Network, classes: Sequence[str]) -> str:
    """The unit in words; an output unit with its class, if that is more than its number."""
    (*_, (last, _)) = network.named_children()
    answer = one.layer in (PROBABILITIES, last) and one.shape == (len(classes),)
    name = classes[one.unit[0]] if answer else ""
    named = f" ({name})" if name not in ("", str(one.unit[0])) else ""
    return f"{one.layer}, {place_text(one.unit)}{named}"


def what_text(one: Any) -> str:
    """What is added up, or chosen, and where it lies."""
    source = source_name(one.before)
    if isinstance(one, ConvolutionSum | Pooling):
        height, width = one.outside.shape
        where = f"{_span(one.rows, 'row')}, {_span(one.columns, 'column')}"
        if isinstance(one, Pooling):
            window = f"{height} × {width} window on map {one.unit[0]} of {source}"
            return f"the {one.reduction} of a {window}: {where}"
        turned = ", turned," if one.padding_mode == "transposed" else ""
        maps = f"{len(one.maps)} map{'s' if len(one.maps) > 1 else ''} of {source}"
        return f"{height} × {width} kernel{turned} over {maps}: {where}"
    if isinstance(one, DenseSum):
        return f"{one.inputs.size} inputs times weights, all of {source}"
    if isinstance(one, Distance):
        return f"squared distance of {one.inputs.size} inputs, all of {source}, to a centre"
    if isinstance(one, SoftmaxShare):
        kind = f"negative penalties, {MINUS}{source}" if one.penalties else f"logits of {source}"
        return f"softmax of {one.logits.size} {kind}"
    if isinstance(one, BranchSum):
        return f"the sum of {len(one.cells)} branches"
    if one.strongest is None:
        return f"{one.formula}: nothing of {source} stands here"
    return f"{one.formula} with x = {cell_text(one.strongest)}"


def source_name(layer: str | None) -> str:
    """The layer that terms come from; None is the input."""
    return "the input" if layer is None else layer


def map_name(one: Explanation, number: int, network: Network) -> str:
    """A map that a layer reads: its number, or its colour in an RGB image."""
    if one.before is None and network.input_shape[0] == len(COLOURS):
        return COLOURS[number]
    return f"map {number}"


def cell_text(cell: Cell) -> str:
    """A number that goes into a sum, by its layer and place."""
    if cell.layer is None:
        return f"pixel {cell.place[1]},{cell.place[2]} of channel {cell.place[0]}"
    return f"{cell.layer} {','.join(map(str, cell.place))}"


def _span(indices: np.ndarray, name: str) -> str:
    inside = [int(i) for i in indices if i >= 0]
    if not inside:
        return f"no {name}"
    if len(inside) == 1:
        return f"{name} {inside[0]}"
    if len({b - a for a, b in zip(inside, inside[1:], strict=False)} - {1}) == 0:
        return f"{name}s {inside[0]} to {inside[-1]}"
    return f"{name}s {', '.join(map(str, inside))}"


def strongest_product(one: Any) -> tuple[int, float]:
    """How many terms a sum has, and the term of its strongest cell."""
    products = np.asarray(one.products)
    if products.ndim == 3:
        inside = np.broadcast_to((one.rows[:, None] >= 0) & (one.columns >= 0), products.shape)
        products = products[inside]
    return products.size, float(products[np.abs(products).argmax()])


def passes_on(one: Explanation) -> bool:
    """Whether a layer passes one number on, unchanged or transformed, without a sum."""
    chosen = isinstance(one, Pooling) and one.reduction == "maximum"
    return chosen or isinstance(one, Pointwise)


def check_words(one: Explanation, device: str = "cpu") -> str:
    """Whether the sum in the loop's order gives the network's bits, or by how much it differs."""
    apart = ulps(one.value, one.recomputed)
    if apart == 0:
        return "the network's value to the last bit"
    units = f"{apart} unit{'s' if apart > 1 else ''} in the last place"
    reason = "this processor's loop adds in another order or with other roundings"
    if device == "cuda":
        reason = "a GPU adds in another order, so a few are expected, more where terms cancel"
    return f"the network's: {value_text(one.value)}; they differ by {units}: {reason}"
