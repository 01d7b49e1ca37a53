"""The whole sum behind one value of a network: every term, and the order in which they are added.

The value is the engine's.  Terms are laid out for reading: products and their sums are exact in
float64.  In addition the value is recomputed in float32 in the order of the loops, which gives the
engine's bits if the compiler fused and ordered the additions as it does on processors with fused
multiply-add; a caller compares ``recomputed`` with ``value`` and reports agreement or the
difference (``ulps``).  On a GPU the layers' outputs are the device's, whose loops add in another
order; ``recomputed`` keeps the CPU's, so a few ulps are expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import nn
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.insight.trace import trace
from convlab.insight.units import unit_field
from convlab.models import INPUT, Network, receptive_fields
from convlab.names import meant
from convlab.nn import Family
from convlab.shapes import size_text
from convlab.tape import no_grad
from convlab.tensors import Tensor

# The name for what follows the last layer, and is not a layer.
PROBABILITIES = "probabilities"

Box = tuple[int, int, int, int]
Number = float | np.float32
_ONE = np.float32(1)


@dataclass(frozen=True)
class Cell:
    """One number that goes into a sum: its layer (None is the input), place and value."""

    layer: str | None
    place: tuple[int, ...]
    value: Number


@dataclass(frozen=True, eq=False)
class Explanation:
    """The fields common to all explanations.

    ``unit``: its place in the layer's output of ``shape``, (map, row, column) or
    (number,).  ``value``: the network's.  ``recomputed``: the same in float32
    from the terms, in the order that ``order`` says.  ``before``: the layer that
    the terms come from, None for the input.  ``strongest``: the term that
    contributes most, None if all are padding.  ``sees``: (top, left, bottom, right) of the input in
    pixels, half-open, padding outside it; None if that is not the same for all units of the layer.
    ``after``: the activation that follows, as (layer, its kind, its result for the value), or None.
    """

    layer: str
    kind: str
    unit: tuple[int, ...]
    shape: tuple[int, ...]
    value: Number
    recomputed: Number
    order: str
    before: str | None
    strongest: Cell | None
    sees: Box | None
    after: tuple[str, str, float] | None

    @property
    def exact(self) -> float:
        """The value from the same terms in float64."""
        return float(self.recomputed)


@dataclass(frozen=True, eq=False)
class ConvolutionSum(Explanation):
    """For a convolution: patch times kernel over all maps that the unit reads, plus bias.

    ``maps`` (C,): their numbers; ``patch``, ``kernel`` (C, KH, KW); ``rows``
    (KH,) and ``columns`` (KW,): where the patch lies in those maps, -1 for zeros outside the map;
    ``outside`` (KH, KW): what is padding, or for a transposed convolution what no input contributes
    to.  ``bias`` is None for a layer without one.  ``padding_mode`` as in ``nn.Conv2d``,
    "transposed" for a transposed convolution, whose kernel is rotated by 180 degrees here.
    """

    maps: np.ndarray
    patch: np.ndarray
    kernel: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    outside: np.ndarray
    bias: Number | None
    padding_mode: str

    @property
    def products(self) -> np.ndarray:
        """(C, KH, KW), exact."""
        return self.patch.astype(float) * self.kernel

    @property
    def map_sums(self) -> np.ndarray:
        """(C,): what each map adds."""
        return self.products.sum(axis=(1, 2))

    @property
    def exact(self) -> float:
        return float(self.map_sums.sum() + (self.bias or 0.0))


@dataclass(frozen=True, eq=False)
class Pooling(Explanation):
    """For a pooling: the window on one map, and its maximum, mean or sum.

    ``patch`` (KH, KW), zeros where ``outside``; ``rows``, ``columns``: where it
    lies in the map.  ``reduction``: maximum, mean or sum.  ``winner``: (row,
    column) in the window of the maximum.  The mean is ``total`` / ``divisor``,
    which may count padding; the sum may be multiplied by ``coefficient`` and have
    ``bias`` added (1998's subsampling).
    """

    patch: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    outside: np.ndarray
    reduction: str
    winner: tuple[int, int] | None = None
    divisor: float | None = None
    coefficient: Number | None = None
    bias: Number | None = None

    @property
    def total(self) -> float:
        """Sum of the window, exact."""
        return float(self.patch.astype(float).sum())

    @property
    def exact(self) -> float:
        if self.reduction == "mean" and self.divisor is not None:
            return self.total / self.divisor
        if self.reduction == "sum" and self.coefficient is not None and self.bias is not None:
            return self.total * float(self.coefficient) + float(self.bias)
        if self.reduction == "sum":
            return self.total
        return float(self.recomputed)


@dataclass(frozen=True, eq=False)
class DenseSum(Explanation):
    """For a dense layer: inputs (I,) times weights (I,), plus bias (None if there is none)."""

    inputs: np.ndarray
    weights: np.ndarray
    bias: Number | None

    @property
    def products(self) -> np.ndarray:
        """(I,), exact."""
        return self.inputs.astype(float) * self.weights

    @property
    def exact(self) -> float:
        return float(self.products.sum() + (self.bias or 0.0))


@dataclass(frozen=True, eq=False)
class Distance(Explanation):
    """For a radial basis function unit: the squared distance of inputs (I,) to its centre (I,)."""

    inputs: np.ndarray
    centre: np.ndarray

    @property
    def squares(self) -> np.ndarray:
        """(I,): squared differences."""
        return (self.inputs.astype(float) - self.centre) ** 2

    @property
    def exact(self) -> float:
        return float(self.squares.sum())


@dataclass(frozen=True, eq=False)
class SoftmaxShare(Explanation):
    """For a softmax: exponentials (K,) of the logits (K,) minus the largest, and the unit's share.

    ``penalties``: the network's output is penalties, so that logits are their negatives.
    """

    logits: np.ndarray
    index: int
    penalties: bool

    @property
    def exponentials(self) -> np.ndarray:
        """(K,), of the logits minus the largest."""
        logits = self.logits.astype(float)
        return np.exp(logits - logits.max())

    @property
    def exact(self) -> float:
        return float(self.exponentials[self.index] / self.exponentials.sum())


@dataclass(frozen=True, eq=False)
class BranchSum(Explanation):
    """For a layer that adds branches: the numbers (B,) that they contribute, with ``cells``."""

    cells: tuple[Cell, ...]

    @property
    def numbers(self) -> np.ndarray:
        """(B,)."""
        return np.array([cell.value for cell in self.cells], np.float32)

    @property
    def exact(self) -> float:
        return float(self.numbers.astype(float).sum())


@dataclass(frozen=True, eq=False)
class BranchProduct(BranchSum):
    """For a layer that multiplies branches: the numbers (B,) that they contribute."""

    @property
    def exact(self) -> float:
        return float(self.numbers.astype(float).prod())


@dataclass(frozen=True, eq=False)
class Pointwise(Explanation):
    """For a layer that maps one number to one number: ``input`` to the value by ``formula``."""

    input: float
    formula: str


@dataclass(frozen=True, eq=False)
class Standardised(Explanation):
    """For a batch normalisation: (input - mean) / sqrt(variance + eps) * weight + bias."""

    input: Number
    mean: Number
    variance: Number
    eps: float
    weight: Number
    bias: Number

    @property
    def deviation(self) -> float:
        """The standard deviation that the input is divided by, exact."""
        return math.sqrt(float(self.variance) + self.eps)

    @property
    def exact(self) -> float:
        standardised = (float(self.input) - float(self.mean)) / self.deviation
        return standardised * float(self.weight) + float(self.bias)


def explain(
    network: Network,
    x: np.ndarray,
    layer: str = PROBABILITIES,
    unit: Sequence[int] | None = None,
    *,
    deep: bool = False,
) -> list[Explanation]:
    """The sum behind one unit's value; with ``deep`` the chain of strongest terms to a pixel.

    x: (C, H, W) float32, scaled as the network was trained with.  ``layer``: a
    layer's name, or "probabilities" for the softmax after the last.  ``unit``: (map, row, column)
    or (number,), from 0; None is the layer's largest value,
    or for distances the smallest.  From layers that make one number of one (activations, batch
    normalisation, Flatten, Dropout) the chain goes to the layer before them, until a sum is
    reached.

    Raises SpecError for a layer that does not exist or cannot be explained, ShapeError for a unit
    outside its output and an image of another size, NotFiniteError if a layer's output is not
    finite.
    """
    steps = _steps(network, x)
    if layer not in steps:
        raise SpecError(
            f"layer: expected one of {', '.join(steps)}, got {layer!r}{meant(layer, steps)}"
        )
    name, place = layer, _checked(steps[layer], unit)
    chain = []
    while True:
        explanation = _explained(network, steps, name, place)
        chain.append(explanation)
        cell = explanation.strongest
        passes_on = isinstance(explanation, Pointwise | Standardised)
        if cell is None or cell.layer is None or not (deep or passes_on):
            return chain
        name, place = cell.layer, cell.place


def ulps(a: Number, b: Number) -> int:
    """How many float32 numbers lie from ``a`` to ``b``: units in the last place, 0 for equal."""
    steps = []
    for value in (a, b):
        bits = int(np.float32(value).view(np.int32))
        steps.append(bits if bits >= 0 else -(bits & 0x7FFFFFFF))
    return abs(steps[0] - steps[1])


# --- the layers' outputs --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Step:
    """One layer: its module (None for the probabilities), what goes in and what comes out.

    ``before`` and ``input`` are the first of ``sources`` and ``inputs``: a join has several.
    """

    name: str
    module: nn.Module | None
    sources: tuple[str | None, ...]
    inputs: tuple[np.ndarray, ...]
    output: np.ndarray

    @property
    def before(self) -> str | None:
        return self.sources[0]

    @property
    def input(self) -> np.ndarray:
        return self.inputs[0]

    @property
    def kind(self) -> str:
        return "softmax" if self.module is None else type(self.module).__name__

    @property
    def family(self) -> Family | None:
        return Family.SOFTMAX if self.module is None else self.module.family

    def reads(self, unit: tuple[int, ...]) -> nn.Reads | None:
        """What its output at ``unit`` is made of."""
        if self.module is None:
            return nn.Share(0)
        try:
            return self.module.reads(self.input.shape, unit)
        except SpecError as error:
            raise SpecError(f"layer {self.name}: {error}") from None

    def summands(self, join: nn.Join, unit: tuple[int, ...]) -> tuple[Cell, ...]:
        """What the branches contribute to a join's output at ``unit``."""
        places = join.summands([array.shape for array in self.inputs], unit)
        return tuple(Cell(self.sources[k], at, self.inputs[k][at]) for k, at in places)

    def passed_on(self, unit: tuple[int, ...]) -> tuple[str | None, tuple[int, ...]] | None:
        """The layer and place of the one number that ``unit`` is made of; None for a sum."""
        if isinstance(self.module, nn.Join):
            cells = self.summands(self.module, unit)
            return (cells[0].layer, cells[0].place) if len(cells) == 1 else None
        reads = self.reads(unit)
        if not isinstance(reads, nn.One | nn.Standardised) or reads.place is None:
            return None
        return self.before, reads.place

    def reads_nothing(self, unit: tuple[int, ...]) -> bool:
        """Whether the output at ``unit`` is 0 for any input."""
        if isinstance(self.module, nn.Join):
            return False
        reads = self.reads(unit)
        return isinstance(reads, nn.One) and reads.place is None


def _steps(network: Network, x: np.ndarray) -> dict[str, _Step]:
    steps: dict[str, _Step] = {}
    outputs = {INPUT: np.asarray(x)}
    sources = network.sources()
    for activation in trace(network, x):
        name, module = activation.name, activation.layer
        require_finite(activation.array, f"output of {name}")
        outputs[name] = activation.array
        before = tuple(None if source == INPUT else source for source in sources[name])
        inputs = tuple(outputs[source] for source in sources[name])
        steps[name] = _Step(name, module, before, inputs, activation.array)
    if PROBABILITIES not in steps:
        probabilities = network.probabilities(activation.array[np.newaxis])[0]
        steps[PROBABILITIES] = _Step(
            PROBABILITIES, None, (name,), (activation.array,), probabilities
        )
    return steps


def _checked(step: _Step, unit: Sequence[int] | None) -> tuple[int, ...]:
    shape = step.output.shape
    if unit is None:
        distances = step.family is Family.DISTANCE
        flat = step.output.argmin() if distances else step.output.argmax()
        return tuple(int(i) for i in np.unravel_index(flat, shape))
    unit = tuple(int(i) for i in unit)
    if len(unit) == len(shape) and all(0 <= i < n for i, n in zip(unit, shape, strict=True)):
        return unit
    got = ",".join(str(i) for i in unit)
    if len(shape) == 1:
        raise ShapeError(f"unit: expected one number from 0 to {shape[0] - 1}, got {got}")
    form = "MAP,ROW,COL" if len(shape) == 3 else ",".join("N" * len(shape))
    raise ShapeError(f"unit: expected {form} within {size_text(*shape)}, got {got}")


def _explained(
    network: Network, steps: dict[str, _Step], name: str, unit: tuple[int, ...]
) -> Explanation:
    step = steps[name]
    following = [other for other in steps.values() if name in other.sources]
    after = None
    if len(following) == 1 and following[0].family is Family.ACTIVATION:
        other = following[0]
        after = (other.name, other.kind, other.output[unit])
    with no_grad():
        known: dict[str, Any] = {
            "layer": name,
            "kind": step.kind,
            "unit": unit,
            "shape": step.output.shape,
            "value": step.output[unit],
            "before": step.before,
            "sees": _sees(network, steps, step, unit),
            "after": after,
        }
        if isinstance(step.module, nn.Join):
            return _joined(step, step.module, known)
        reads = step.reads(unit)
        if reads is None:
            raise SpecError(f"layer {name}: expected one that says what it reads, got {step.kind}")
        if isinstance(reads, nn.Share):
            return _softmax(step, reads, network, known)
        return _EXPLAINED[type(reads)](step, reads, known)


def _cell(step: _Step, place: Iterable[int]) -> Cell:
    place = tuple(int(i) for i in place)
    return Cell(step.before, place, step.input[place])


def _sees(
    network: Network, steps: dict[str, _Step], step: _Step, unit: tuple[int, ...]
) -> Box | None:
    # A layer that passes numbers on sees what the one before it sees, be it a map or a vector.
    while (passed := step.passed_on(unit)) is not None:
        before, unit = passed
        if before is None:
            return unit[1], unit[2], unit[1] + 1, unit[2] + 1
        step = steps[before]
    if step.reads_nothing(unit):
        return None
    whole = (0, 0, *network.input_shape[1:])
    if step.output.ndim != 3:
        return whole
    fields = {row.name: row.field for row in receptive_fields(network)}
    above = _above(network, steps, step.name)
    if fields[step.name] is None or any(map(_is_uneven, above)):
        return None
    box = unit_field(network, step.name, (unit[1], unit[2])).box
    top, left, bottom, right = box
    inside = min(top, left) >= 0 and bottom <= whole[2] and right <= whole[3]
    # Padding that repeats the map reads it outside the box.
    modes = {getattr(one.module, "padding_mode", "zeros") for one in above}
    return box if inside or modes == {"zeros"} else None


def _above(network: Network, steps: dict[str, _Step], name: str) -> list[_Step]:
    """A layer and all from which it takes its numbers."""
    sources, seen, waiting = network.sources(), set(), [name]
    while waiting:
        at = waiting.pop()
        if at != INPUT and at not in seen:
            seen.add(at)
            waiting += sources[at]
    return [step for step in steps.values() if step.name in seen]


def _is_uneven(step: _Step) -> bool:
    """Whether a pooling has units that do not see windows of one size, a stride apart."""
    if step.module is None or step.family is not Family.POOLING:
        return False
    return step.module.window(step.input.shape) is None


# --- sums in the loops' order ---------------------------------------------------------------


def _fused(total: Number, weight: float, value: float) -> np.float32:
    """weight * value + total of float32 numbers, rounded once, as a single instruction does.

    The product is exact in float64.  Their sum is rounded there to odd, so that
    rounding it again to float32 is as good as rounding once (Boldo & Melquiond
    2008, "Emulation of a FMA and correctly rounded sums").
    """
    product, total = float(weight) * float(value), float(total)
    rounded = product + total
    if math.isfinite(rounded):
        back = rounded - product
        lost = (product - (rounded - back)) + (total - back)
        if lost and not int(np.float64(rounded).view(np.int64)) & 1:
            rounded = math.nextafter(rounded, math.copysign(math.inf, lost))
    return np.float32(rounded)


def _fused_sum(start: Number, weights: np.ndarray, values: np.ndarray) -> np.float32:
    """start + sum of weights * values, flat and in order, one fused multiply-add each."""
    total = np.float32(start)
    for weight, value in zip(weights.ravel().tolist(), values.ravel().tolist(), strict=True):
        total = _fused(total, weight, value)
    return total


_ROUNDED = "float32, each product added with one rounding"


def _taps(step: _Step, taps: nn.Taps, known: dict[str, Any]) -> Explanation:
    patch = _patch(step.input[taps.maps], taps.rows, taps.columns)
    # The loop goes through a kernel row in all maps before the next row.
    terms = taps.weights.swapaxes(0, 1), patch.swapaxes(0, 1)
    rowwise = "kernel row by kernel row through all maps"
    if taps.bias is None or taps.bias_first:
        recomputed = _fused_sum(0.0 if taps.bias is None else taps.bias, *terms)
    else:
        recomputed = _fused_sum(0.0, *terms) + taps.bias
    order = f"bias, then {rowwise}" if taps.bias_first else f"{rowwise}, then bias"
    turn = slice(None, None, -1 if taps.turned else None)
    return ConvolutionSum(
        **known,
        recomputed=recomputed,
        order=f"{order}; {_ROUNDED}",
        strongest=_strongest_tap(step, taps, patch * taps.weights),
        maps=taps.maps,
        # Rotated, the patch is oriented as in the map.
        patch=patch[:, turn, turn],
        kernel=taps.weights[:, turn, turn],
        rows=taps.rows[turn],
        columns=taps.columns[turn],
        outside=taps.outside[turn, turn],
        bias=taps.bias,
        padding_mode=taps.padding_mode,
    )


def _patch(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(C, KH, KW): the maps' cells at rows × columns, zero where either is -1."""
    inside = (rows[:, None] >= 0) & (columns >= 0)
    return np.where(inside, maps[:, rows[:, None], columns], np.float32(0))


def _inside(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(KH, KW): where a window reads the map."""
    return (rows[:, None] >= 0) & (columns >= 0)


def _strongest_tap(step: _Step, taps: nn.Taps, products: np.ndarray) -> Cell | None:
    inside = np.broadcast_to(_inside(taps.rows, taps.columns), products.shape)
    if not inside.any():
        return None
    c, row, column = np.unravel_index(
        np.where(inside, np.abs(products), -1).argmax(), products.shape
    )
    return _cell(step, (taps.maps[c], taps.rows[row], taps.columns[column]))


def _products(step: _Step, reads: nn.Products, known: dict[str, Any]) -> Explanation:
    weights, bias = reads
    return DenseSum(
        **known,
        recomputed=_fused_sum(0.0 if bias is None else bias, weights, step.input),
        order=f"bias, then input by input; {_ROUNDED}",
        strongest=_cell(step, [np.abs(weights * step.input).argmax()]),
        inputs=step.input,
        weights=weights,
        bias=bias,
    )


def _distance(step: _Step, reads: nn.Squares, known: dict[str, Any]) -> Explanation:
    squares = (step.input - reads.centre) ** 2
    return Distance(
        **known,
        recomputed=squares.sum(),
        order="differences, squares, then their sum by NumPy; float32",
        strongest=_cell(step, [squares.argmax()]),
        inputs=step.input,
        centre=reads.centre,
    )


def _pooling(step: _Step, reads: nn.Pooled, known: dict[str, Any]) -> Explanation:
    patch = _patch(step.input[[reads.map]], reads.rows, reads.columns)[0]
    inside = _inside(reads.rows, reads.columns)
    total = np.float32(0)
    for value in patch[inside]:
        total += value
    winner = None
    # The first of equal ones; for an average, its largest term.
    size = np.where(inside, patch if reads.reduction == "maximum" else np.abs(patch), -np.inf)
    row, column = divmod(int(size.argmax()), patch.shape[1])
    strongest = None
    if inside.any():
        strongest = _cell(step, (reads.map, reads.rows[row], reads.columns[column]))
    if reads.reduction == "maximum":
        recomputed = patch[inside].max(initial=np.float32(-np.inf))
        winner = (row, column) if inside.any() else None
        order = "the largest; of equal ones the first"
    elif reads.reduction == "mean":
        recomputed = total * (_ONE / np.float32(reads.divisor))
        order = "cell by cell, then times the divisor's reciprocal; float32"
    elif reads.coefficient is None or reads.bias is None:
        recomputed, order = total, "cell by cell; float32"
    else:
        recomputed = total * reads.coefficient + reads.bias
        order = "cell by cell, then the coefficient, then the bias; float32"
    return Pooling(
        **known,
        recomputed=recomputed,
        order=order,
        strongest=strongest,
        patch=patch,
        rows=reads.rows,
        columns=reads.columns,
        outside=~inside,
        reduction=reads.reduction,
        winner=winner,
        divisor=reads.divisor,
        coefficient=reads.coefficient,
        bias=reads.bias,
    )


# --- one number from one number, and softmax ----------------------------------------------------


def _pointwise(step: _Step, reads: nn.One, known: dict[str, Any]) -> Explanation:
    formula = "" if step.module is None else step.module.formula_of(known["unit"][0])
    if reads.place is None:
        return Pointwise(
            **known,
            recomputed=0.0,
            order="nothing is read",
            strongest=None,
            input=0.0,
            formula=formula,
        )
    before = step.input[reads.place]
    recomputed = before
    if step.module is not None and step.family is Family.ACTIVATION:
        recomputed = step.module(Tensor(step.input[np.newaxis])).numpy()[0][known["unit"]]
    return Pointwise(
        **known,
        recomputed=recomputed,
        order="by itself; float32",
        strongest=_cell(step, reads.place),
        input=before,
        formula=formula,
    )


def _standardised(step: _Step, reads: nn.Standardised, known: dict[str, Any]) -> Explanation:
    place, mean, variance, eps, weight, bias = reads
    x = step.input[place]
    scale = _ONE / np.sqrt(variance + eps) * weight
    return Standardised(
        **known,
        recomputed=_fused(bias, x - mean, scale),
        order="the mean taken off, then times weight / deviation, plus bias; float32, the last two"
        " with one rounding",
        strongest=_cell(step, place),
        input=x,
        mean=mean,
        variance=variance,
        eps=eps,
        weight=weight,
        bias=bias,
    )


def _joined(step: _Step, join: nn.Join, known: dict[str, Any]) -> Explanation:
    cells = step.summands(join, known["unit"])
    strongest = max(cells, key=lambda cell: abs(float(cell.value)))
    known |= {"strongest": strongest, "before": strongest.layer}
    if len(cells) == 1:
        value = float(strongest.value)
        order = "by itself; float32"
        return Pointwise(**known, recomputed=value, order=order, input=value, formula="x")
    if join.product:
        total = math.prod((cell.value for cell in cells), start=_ONE)
        order = "branch by branch; float32"
        return BranchProduct(**known, recomputed=total, order=order, cells=cells)
    total = np.float32(0)
    for cell in cells:
        total += cell.value
    return BranchSum(**known, recomputed=total, order="branch by branch; float32", cells=cells)


def _softmax(step: _Step, share: nn.Share, network: Network, known: dict[str, Any]) -> Explanation:
    unit, axis = known["unit"], share.axis
    penalties = step.module is None and network.loss == "lecun-map"
    line = (*unit[:axis], slice(None), *unit[axis + 1 :])
    logits = -step.input[line] if penalties else step.input[line]
    exponentials = np.exp(logits - logits.max())
    return SoftmaxShare(
        **known,
        recomputed=exponentials[unit[axis]] / np.add.accumulate(exponentials)[-1],
        order="exponentials, their sum class by class, then the quotient; float32",
        strongest=_cell(step, unit),
        logits=logits,
        index=unit[axis],
        penalties=penalties,
    )


_EXPLAINED: dict[type, Callable[[_Step, Any, dict[str, Any]], Explanation]] = {
    nn.Taps: _taps,
    nn.Pooled: _pooling,
    nn.Products: _products,
    nn.Squares: _distance,
    nn.One: _pointwise,
    nn.Standardised: _standardised,
}
