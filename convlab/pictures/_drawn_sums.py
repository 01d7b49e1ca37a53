"""What the figures of sums show: their terms, and the steps that turn them into a value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from convlab import insight
from convlab.insight import Cell, Explanation
from convlab.insight.sum_words import (
    COLOURS,
    cell_text,
    map_name,
    source_name,
    strongest_product,
)
from convlab.numerals import MINUS
from convlab.training import Run
from convlab.viz import SumStep, SumTerm
from convlab.words import t


def drawn_sum(one: Explanation, run: Run) -> dict[str, Any]:
    """What ``viz.unit_sum`` shows of an explanation: its terms, strongest first, and the steps."""
    result = [(one.layer, float(one.value))]
    if one.after is not None:
        result.append((one.after[0], float(one.after[2])))
    return {"adds": True, "steps": _bias(one), "result": result} | _DRAWN[type(one)](one, run)


def share_decimals(one: Any) -> int:
    """Decimals of a softmax's numbers: four, and more if the share is small."""
    share = float(one.value)
    return min(8, max(4, 1 - math.floor(math.log10(share)))) if share > 0 else 4


def _bias(one: Any) -> list[SumStep]:
    bias = getattr(one, "bias", None)
    return [] if bias is None else [SumStep("+", t("bias"), float(bias), "mistake")]


def _coefficient(one: Any) -> list[SumStep]:
    """What the sum of a window is multiplied by, if anything."""
    given = one.coefficient
    return [] if given is None else [SumStep("×", t("coefficient"), float(given), "window")]


def _convolution(one: Any, run: Run) -> dict[str, Any]:
    sums = one.map_sums
    if one.patch[0].size > 1:
        parts: list[Any] = list(zip(one.patch, one.kernel, one.products, strict=True))
        heads = [(t("patch"), "input"), (t("kernel"), "window"), (t("products"), "ink")]
    else:
        parts = [(p.item(), k.item()) for p, k in zip(one.patch, one.kernel, strict=True)]
        heads = [(t("value"), "input"), (t("weight"), "window"), (t("product"), "ink")]
    return {
        "terms": [
            SumTerm(map_name(one, one.maps[i], run.network), parts[i], float(sums[i]))
            for i in np.argsort(-np.abs(sums), kind="stable")
        ],
        "heads": heads,
        "noun": "map",
        "outside": one.outside if one.padding_mode in ("zeros", "transposed") else None,
        "outside_text": "" if one.padding_mode == "transposed" else "0",
    }


def _dense(one: Any, run: Run) -> dict[str, Any]:
    return _units(one.inputs, one.weights, one.products, t("weight"), t("product"))


def _distance(one: Any, run: Run) -> dict[str, Any]:
    return _units(one.inputs, one.centre, one.squares, t("centre"), t("square"))


def _units(
    inputs: np.ndarray, weights: np.ndarray, terms: np.ndarray, weight: str, term: str
) -> dict[str, Any]:
    return {
        "terms": [
            SumTerm(t("unit {i}", i), (inputs[i], weights[i]), float(terms[i]))
            for i in np.argsort(-np.abs(terms), kind="stable")
        ],
        "heads": [(t("value"), "input"), (weight, "window"), (term, "ink")],
        "noun": "unit",
    }


def _softmax(one: Any, run: Run) -> dict[str, Any]:
    exponentials = one.exponentials
    total = float(exponentials.sum())
    named = len(run.classes) == exponentials.size
    return {
        "terms": [
            SumTerm(
                run.classes[i] if named else t("unit {i}", i),
                (one.logits[i], exponentials[i]),
                float(exponentials[i] / total),
                chosen=i == one.index,
            )
            for i in np.argsort(-exponentials, kind="stable")
        ],
        "heads": [("x", "input"), ("exp", "ink"), (t("share"), "output")],
        "noun": "unit",
        "adds": False,
        "decimals": share_decimals(one),
        "steps": [
            SumStep("", t("exp(x − max)"), float(exponentials[one.index])),
            SumStep("÷", t("sum of all {size}", exponentials.size), total),
        ],
    }


def _pooling(one: Any, run: Run) -> dict[str, Any]:
    if one.reduction == "maximum":
        steps = [SumStep("", t("the largest"), float(one.recomputed))]
    elif one.reduction == "mean":
        steps = [SumStep("", t("sum"), one.total), SumStep("÷", t("divisor"), one.divisor)]
    else:
        steps = [SumStep("", t("sum"), one.total), *_coefficient(one), *_bias(one)]
    label = t("map {unit} of {source_name}", one.unit[0], source_name(one.before))
    return {
        "terms": [SumTerm(label, (one.patch,), one.total)],
        "heads": [(t("window"), "input")],
        "noun": "window",
        "adds": False,
        "steps": steps,
        "outside": one.outside,
        "outside_text": f"{MINUS}∞" if one.reduction == "maximum" else "0",
        "winner": one.winner,
    }


def _branches(one: Any, run: Run) -> dict[str, Any]:
    sign = "×" if isinstance(one, insight.BranchProduct) else "+"
    return _alone(
        SumStep(sign if number else "", cell_text(cell), float(cell.value), "input")
        for number, cell in enumerate(one.cells)
    )


def _pointwise(one: Any, run: Run) -> dict[str, Any]:
    return _alone([SumStep("", one.formula, float(one.input), "input")])


def _standardised(one: Any, run: Run) -> dict[str, Any]:
    return _alone(
        [
            SumStep("", cell_text(one.strongest), float(one.input), "input"),
            SumStep(MINUS, "mean", float(one.mean), "window"),
            SumStep("÷", t("√(variance + eps)"), one.deviation, "window"),
            SumStep("×", t("weight"), float(one.weight), "window"),
            *_bias(one),
        ]
    )


def _alone(steps: Iterable[SumStep]) -> dict[str, Any]:
    """Steps without a table of terms."""
    return {"terms": [], "heads": [], "noun": "", "adds": False, "steps": list(steps)}


_DRAWN: dict[type, Callable[[Any, Run], dict[str, Any]]] = {
    insight.ConvolutionSum: _convolution,
    insight.DenseSum: _dense,
    insight.Distance: _distance,
    insight.SoftmaxShare: _softmax,
    insight.Pooling: _pooling,
    insight.BranchSum: _branches,
    insight.BranchProduct: _branches,
    insight.Pointwise: _pointwise,
    insight.Standardised: _standardised,
}


def pixel_name(cell: Cell, channels: int) -> str:
    """A pixel of the image, with its colour if there are several."""
    colour = COLOURS[cell.place[0]] + " " if channels == len(COLOURS) else ""
    return t("pixel {colour}{place},{place2}", colour, cell.place[1], cell.place[2])


def chain_steps(one: Any, channels: int) -> list[SumStep]:
    """A sum in a few terms: the strongest by value and weight, all others together, the bias.

    ``channels``: of the image.
    """
    if isinstance(one, insight.SoftmaxShare):
        own, total = float(one.exponentials[one.index]), float(one.exponentials.sum())
        return [
            SumStep("", t("exp({before} {index} − max)", one.before, one.index), own, "input"),
            SumStep("÷", t("sum of all {size}", one.logits.size), total),
        ]
    ending = _bias(one)
    if isinstance(one, insight.Pooling):
        divisor: Any = one.divisor
        cells = SumStep("", t("sum of {n} cells", int((~one.outside).sum())), one.total, "input")
        if one.reduction == "mean":
            return [cells, SumStep("÷", "divisor", float(divisor))]
        return [cells, *_coefficient(one), *ending]
    cell = one.strongest
    if cell is None:
        return [SumStep("", t("all in the padding"), one.exact - (one.bias or 0.0)), *ending]
    name = pixel_name(cell, channels) if cell.layer is None else cell_text(cell)
    if isinstance(one, insight.Distance):
        largest = float(one.squares.max())
        others = SumStep("+", t("{value} others", one.squares.size - 1), one.exact - largest)
        return [SumStep("", t("({name} − centre)²", name), largest, "input"), others]
    if isinstance(one, insight.BranchSum):
        sign = "×" if isinstance(one, insight.BranchProduct) else "+"
        rest = [
            SumStep(sign, cell_text(other), float(other.value))
            for other in one.cells
            if other is not cell
        ]
        return [SumStep("", cell_text(cell), float(cell.value), "input"), *rest]
    terms, product = strongest_product(one)
    value = float(cell.value)
    steps = [SumStep("", name, value, "input")]
    if value:
        steps.append(SumStep("×", t("weight"), product / value, "window"))
    if terms > 1:
        noun = t("other") if terms == 2 else t("others")
        rest_of_sum = one.exact - product - (one.bias or 0.0)
        steps.append(SumStep("+", t("{value} {noun}", terms - 1, noun), rest_of_sum))
    return [*steps, *ending]
