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
    return [] if bias is None else [SumStep("+", "bias", float(bias), "mistake")]


def _coefficient(one: Any) -> list[SumStep]:
    """What the sum of a window is multiplied by, if anything."""
    given = one.coefficient
    return [] if given is None else [SumStep("×", "coefficient", float(given), "window")]


def _convolution(one: Any, run: Run) -> dict[str, Any]:
    sums = one.map_sums
    if one.patch[0].size > 1:
        parts: list[Any] = list(zip(one.patch, one.kernel, one.products, strict=True))
        heads = [("patch", "input"), ("kernel", "window"), ("products", "ink")]
    else:
        parts = [(p.item(), k.item()) for p, k in zip(one.patch, one.kernel, strict=True)]
        heads = [("value", "input"), ("weight", "window"), ("product", "ink")]
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
    return _units(one.inputs, one.weights, one.products, "weight", "product")


def _distance(one: Any, run: Run) -> dict[str, Any]:
    return _units(one.inputs, one.centre, one.squares, "centre", "square")


def _units(
    inputs: np.ndarray, weights: np.ndarray, terms: np.ndarray, weight: str, term: str
) -> dict[str, Any]:
    return {
        "terms": [
            SumTerm(f"unit {i}", (inputs[i], weights[i]), float(terms[i]))
            for i in np.argsort(-np.abs(terms), kind="stable")
        ],
        "heads": [("value", "input"), (weight, "window"), (term, "ink")],
        "noun": "unit",
    }


def _softmax(one: Any, run: Run) -> dict[str, Any]:
    exponentials = one.exponentials
    total = float(exponentials.sum())
    named = len(run.classes) == exponentials.size
    return {
        "terms": [
            SumTerm(
                run.classes[i] if named else f"unit {i}",
                (one.logits[i], exponentials[i]),
                float(exponentials[i] / total),
                chosen=i == one.index,
            )
            for i in np.argsort(-exponentials, kind="stable")
        ],
        "heads": [("x", "input"), ("exp", "ink"), ("share", "output")],
        "noun": "unit",
        "adds": False,
        "decimals": share_decimals(one),
        "steps": [
            SumStep("", f"exp(x {MINUS} max)", float(exponentials[one.index])),
            SumStep("÷", f"sum of all {exponentials.size}", total),
        ],
    }


def _pooling(one: Any, run: Run) -> dict[str, Any]:
    if one.reduction == "maximum":
        steps = [SumStep("", "the largest", float(one.recomputed))]
    elif one.reduction == "mean":
        steps = [SumStep("", "sum", one.total), SumStep("÷", "divisor", one.divisor)]
    else:
        steps = [SumStep("", "sum", one.total), *_coefficient(one), *_bias(one)]
    label = f"map {one.unit[0]} of {source_name(one.before)}"
    return {
        "terms": [SumTerm(label, (one.patch,), one.total)],
        "heads": [("window", "input")],
        "noun": "window",
        "adds": False,
        "steps": steps,
        "outside": one.outside,
        "outside_text": f"{MINUS}∞" if one.reduction == "maximum" else "0",
        "winner": one.winner,
    }


def _branches(one: Any, run: Run) -> dict[str, Any]:
    return _alone(
        SumStep("+" if number else "", cell_text(cell), float(cell.value), "input")
        for number, cell in enumerate(one.cells)
    )


def _pointwise(one: Any, run: Run) -> dict[str, Any]:
    return _alone([SumStep("", one.formula, float(one.input), "input")])


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
    insight.Pointwise: _pointwise,
}


def pixel_name(cell: Cell, channels: int) -> str:
    """A pixel of the image, with its colour if there are several."""
    colour = f"{COLOURS[cell.place[0]]} " if channels == len(COLOURS) else ""
    return f"pixel {colour}{cell.place[1]},{cell.place[2]}"


def chain_steps(one: Any, channels: int) -> list[SumStep]:
    """A sum in a few terms: the strongest by value and weight, all others together, the bias.

    ``channels``: of the image.
    """
    if isinstance(one, insight.SoftmaxShare):
        own, total = float(one.exponentials[one.index]), float(one.exponentials.sum())
        return [
            SumStep("", f"exp({one.before} {one.index} {MINUS} max)", own, "input"),
            SumStep("÷", f"sum of all {one.logits.size}", total),
        ]
    ending = _bias(one)
    if isinstance(one, insight.Pooling):
        divisor: Any = one.divisor
        cells = SumStep("", f"sum of {int((~one.outside).sum())} cells", one.total, "input")
        if one.reduction == "mean":
            return [cells, SumStep("÷", "divisor", float(divisor))]
        return [cells, *_coefficient(one), *ending]
    cell = one.strongest
    if cell is None:
        return [SumStep("", "all in the padding", one.exact - (one.bias or 0.0)), *ending]
    name = pixel_name(cell, channels) if cell.layer is None else cell_text(cell)
    if isinstance(one, insight.Distance):
        largest = float(one.squares.max())
        others = SumStep("+", f"{one.squares.size - 1} others", one.exact - largest)
        return [SumStep("", f"({name} {MINUS} centre)²", largest, "input"), others]
    if isinstance(one, insight.BranchSum):
        rest = [
            SumStep("+", cell_text(other), float(other.value))
            for other in one.cells
            if other is not cell
        ]
        return [SumStep("", cell_text(cell), float(cell.value), "input"), *rest]
    terms, product = strongest_product(one)
    value = float(cell.value)
    steps = [SumStep("", name, value, "input")]
    if value:
        steps.append(SumStep("×", "weight", product / value, "window"))
    if terms > 1:
        noun = "other" if terms == 2 else "others"
        rest_of_sum = one.exact - product - (one.bias or 0.0)
        steps.append(SumStep("+", f"{terms - 1} {noun}", rest_of_sum))
    return [*steps, *ending]
