"""The words of an explanation: a unit's name, what is added up there, and what agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab.insight.explain import (
    PROBABILITIES,
    BranchProduct,
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
    Standardised,
    ulps,
)
from convlab.models import Network
from convlab.numerals import MINUS
from convlab.words import joined, t

COLOURS = (t("red"), t("green"), t("blue"))


def value_text(value: Number) -> str:
    """A float32 with the digits that distinguish it from its neighbours."""
    return f"{float(value):.9g}".replace("-", MINUS)


_REDUCTIONS = {"maximum": t("maximum"), "mean": t("mean"), "sum": t("sum")}


def place_text(place: tuple[int, ...]) -> str:
    """Where a unit stands in its layer."""
    if len(place) == 3:
        return t("map {place}, row {place2}, column {place3}", place[0], place[1], place[2])
    return t("unit {listed}", ",".join(map(str, place)))


def unit_name(one: Explanation, network: Network, classes: Sequence[str]) -> str:
    """The unit in words; an output unit with its class, if that is more than its number."""
    (*_, (last, _)) = network.named_children()
    answer = one.layer in (PROBABILITIES, last) and one.shape == (len(classes),)
    name = classes[one.unit[0]] if answer else ""
    named = f" ({name})" if name not in ("", str(one.unit[0])) else ""
    return t("{layer}, {place}{named}", one.layer, place_text(one.unit), named)


def what_text(one: Any) -> str:
    """What is added up, or chosen, and where it lies."""
    source = source_name(one.before)
    if isinstance(one, ConvolutionSum | Pooling):
        height, width = one.outside.shape
        where = joined([_span(one.rows, "row"), _span(one.columns, "column")])
        if isinstance(one, Pooling):
            window = t(
                "{height} × {width} window on map {unit} of {source}",
                *(height, width, one.unit[0], source),
            )
            return t(
                "the {reduction} of a {window}: {where}", _REDUCTIONS[one.reduction], window, where
            )
        turned = t(", turned,") if one.padding_mode == "transposed" else ""
        maps = t("{n} map of {source}", len(one.maps), source, several="{n} maps of {source}")
        return t(
            "{height} × {width} kernel{turned} over {maps}: {where}",
            *(height, width, turned, maps, where),
        )
    if isinstance(one, DenseSum):
        return t("{size} inputs times weights, all of {source}", one.inputs.size, source)
    if isinstance(one, Distance):
        return t(
            "squared distance of {size} inputs, all of {source}, to a centre",
            *(one.inputs.size, source),
        )
    if isinstance(one, SoftmaxShare):
        kind = t("negative penalties, −{source}" if one.penalties else "logits of {source}", source)
        return t("softmax of {size} {kind}", one.logits.size, kind)
    if isinstance(one, BranchSum):
        what = t("product") if isinstance(one, BranchProduct) else t("sum")
        return t("the {what} of {n} branches", what, len(one.cells))
    if one.strongest is None:
        return t("{formula}: nothing of {source} stands here", one.formula, source)
    if isinstance(one, Standardised):
        return t("{cell_text} standardised, times weight, plus bias", cell_text(one.strongest))
    return t("{formula} with x = {cell_text}", one.formula, cell_text(one.strongest))


def source_name(layer: str | None) -> str:
    """The layer that terms come from; None is the input."""
    return t("the input") if layer is None else layer


def map_name(one: Explanation, number: int, network: Network) -> str:
    """A map that a layer reads: its number, or its colour in an RGB image."""
    if one.before is None and network.input_shape[0] == len(COLOURS):
        return COLOURS[number]
    return t("map {number}", number)


def cell_text(cell: Cell) -> str:
    """A number that goes into a sum, by its layer and place."""
    if cell.layer is None:
        return t(
            "pixel {place},{place2} of channel {place3}",
            *(cell.place[1], cell.place[2], cell.place[0]),
        )
    return f"{cell.layer} {','.join(map(str, cell.place))}"


def _span(indices: np.ndarray, name: str) -> str:
    inside = [int(i) for i in indices if i >= 0]
    if not inside:
        return t("no row") if name == "row" else t("no column")
    if len(inside) == 1:
        return t("row {at}" if name == "row" else "column {at}", inside[0])
    if len({b - a for a, b in zip(inside, inside[1:], strict=False)} - {1}) == 0:
        return t(
            "rows {low} to {high}" if name == "row" else "columns {low} to {high}",
            *(inside[0], inside[-1]),
        )
    return t("rows {listed}" if name == "row" else "columns {listed}", ", ".join(map(str, inside)))


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
    return chosen or isinstance(one, Pointwise | Standardised)


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
