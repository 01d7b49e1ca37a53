"""The whole sum behind one value of a network: every term, and the order in which they are added.

The value is the engine's.  Terms are laid out for reading: products and their
sums are exact in float64.  Beside them the value is recomputed in float32 in
the order of the loops, which gives the engine's bits where the compiler fused
and ordered the additions as it does on processors with fused multiply-add; a
caller compares ``recomputed`` with ``value`` and says so, or names the
difference (``ulps``).  On a GPU the layers' outputs are the device's, whose loops
add in another order; ``recomputed`` keeps the CPU's, so a few ulps are expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import nn, shapes
from convlab.autograd import Tensor, no_grad
from convlab.errors import ShapeError, SpecError, require_finite
from convlab.insight.trace import trace
from convlab.insight.units import unit_field
from convlab.models import GraphNetwork, Network, summarise
from convlab.shapes import size_text

# The name for what comes behind the last layer, and is not one.
PROBABILITIES = "probabilities"

Box = tuple[int, int, int, int]
_ONE = np.float32(1)


@dataclass(frozen=True)
class Cell:
    """One number that goes into a sum: its layer (None is the input), place and value."""

    layer: str | None
    place: tuple[int, ...]
    value: float


@dataclass(frozen=True, eq=False)
class Explanation:
    """What every explanation has.

    ``unit``: its place in the layer's output of ``shape``, (map, row, column) or
    (number,).  ``value``: the network's.  ``recomputed``: the same in float32
    from the terms, in the order that ``order`` says.  ``before``: the layer that
    the terms come from, None for the input.  ``strongest``: the term that
    contributes most, None where all are padding.  ``sees``: (top, left, bottom,
    right) of the input in pixels, half-open, outside it padding; None where that
    is not the same for all units of the layer.  ``after``: the activation that
    follows, as (layer, its kind, what it makes of the value), or None.
    """

    layer: str
    kind: str
    unit: tuple[int, ...]
    shape: tuple[int, ...]
    value: float
    recomputed: float
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
    """Of a convolution: patch times kernel over all maps that the unit reads, plus bias.

    ``maps`` (C,): their numbers; ``patch``, ``kernel`` (C, KH, KW); ``rows``
    (KH,) and ``columns`` (KW,): where the patch lies in those maps, -1 for zeros
    that are not of the map; ``outside`` (KH, KW): what is padding, or for a
    transposed convolution what no input stands behind.  ``bias`` is None for a
    layer without.  ``padding_mode`` as in ``nn.Conv2d``, "transposed" for a
    transposed convolution, whose kernel is turned by 180 degrees here.
    """

    maps: np.ndarray
    patch: np.ndarray
    kernel: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    outside: np.ndarray
    bias: float | None
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
    """Of a pooling: the window on one map, and its maximum, mean or sum.

    ``patch`` (KH, KW), zeros where ``outside``; ``rows``, ``columns``: where it
    lies in the map.  ``reduction``: maximum, mean or sum.  ``winner``: (row,
    column) in the window of the maximum.  The mean is ``total`` / ``divisor``,
    which may count padding; the sum is multiplied by ``coefficient`` and has
    ``bias`` added (1998's subsampling).
    """

    patch: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    outside: np.ndarray
    reduction: str
    winner: tuple[int, int] | None = None
    divisor: float | None = None
    coefficient: float | None = None
    bias: float | None = None

    @property
    def total(self) -> float:
        """Sum of the window, exact."""
        return float(self.patch.astype(float).sum())

    @property
    def exact(self) -> float:
        if self.reduction == "mean":
            return self.total / self.divisor
        if self.reduction == "sum":
            return self.total * float(self.coefficient) + float(self.bias)
        return float(self.recomputed)


@dataclass(frozen=True, eq=False)
class DenseSum(Explanation):
    """Of a dense layer: inputs (I,) times weights (I,), plus bias (None for a layer without)."""

    inputs: np.ndarray
    weights: np.ndarray
    bias: float | None

    @property
    def products(self) -> np.ndarray:
        """(I,), exact."""
        return self.inputs.astype(float) * self.weights

    @property
    def exact(self) -> float:
        return float(self.products.sum() + (self.bias or 0.0))


@dataclass(frozen=True, eq=False)
class Distance(Explanation):
    """Of a radial basis function unit: the squared distance of inputs (I,) to its centre (I,)."""

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
    """Of a softmax: exponentials (K,) of the logits (K,) less the largest, and the unit's share.

    ``penalties``: the network's output is penalties, so that logits are their negatives.
    """

    logits: np.ndarray
    index: int
    penalties: bool

    @property
    def exponentials(self) -> np.ndarray:
        """(K,), of the logits less the largest."""
        logits = self.logits.astype(float)
        return np.exp(logits - logits.max())

    @property
    def exact(self) -> float:
        return float(self.exponentials[self.index] / self.exponentials.sum())


@dataclass(frozen=True, eq=False)
class Pointwise(Explanation):
    """Of a layer that makes one number of one number: ``input`` to the value by ``formula``."""

    input: float
    formula: str


_ACTIVATIONS = {
    nn.ReLU: "max(x, 0)",
    nn.Sigmoid: "1 / (1 + exp(−x))",
    nn.Tanh: "tanh(x)",
    nn.ScaledTanh: "1.7159 tanh(2x / 3)",
}
_SAME = {
    nn.Flatten: "x, moved into one row",
    nn.Dropout: "x, dropped only in training",
}


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
    layer's name, or "probabilities" for the softmax behind the last.  ``unit``:
    (map, row, column) or (number,), from 0; None is the layer's largest value,
    or for distances the smallest.  Layers that only pass a number on (activations,
    Flatten, Dropout) are followed by the layer before them, until a sum is reached.

    Raises SpecError for a layer that is not there or cannot be explained,
    ShapeError for a unit outside its output and an image of another size, NotFiniteError
    where a layer's output is not finite.
    """
    if isinstance(network, GraphNetwork):
        raise SpecError(
            f"explain: expected a network whose layers stand in a row, {network.name} has branches"
        )
    steps = _steps(network, x)
    names = [step.name for step in steps]
    if layer not in names:
        raise SpecError(f"layer: expected one of {', '.join(names)}, got {layer!r}")
    at = names.index(layer)
    place = _checked(steps[at], unit)
    chain = []
    while True:
        explanation = _explained(network, steps, at, place)
        chain.append(explanation)
        cell = explanation.strongest
        passes_on = isinstance(explanation, Pointwise)
        if cell is None or cell.layer is None or not (deep or passes_on):
            return chain
        at, place = names.index(cell.layer), cell.place


def ulps(a: float, b: float) -> int:
    """How many float32 numbers lie from ``a`` to ``b``: units in the last place, 0 for equal."""
    steps = []
    for value in (a, b):
        bits = int(np.float32(value).view(np.int32))
        steps.append(bits if bits >= 0 else -(bits & 0x7FFFFFFF))
    return abs(steps[0] - steps[1])


# --- the layers' outputs --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Step:
    """One layer: its module (None for the probabilities), what goes in and what comes out."""

    name: str
    module: nn.Module | None
    before: str | None
    input: np.ndarray
    output: np.ndarray

    @property
    def kind(self) -> str:
        return "softmax" if self.module is None else type(self.module).__name__


def _steps(network: Network, x: np.ndarray) -> list[_Step]:
    steps: list[_Step] = []
    before, value = None, np.asarray(x)
    for activation, (name, module) in zip(trace(network, x), network.named_children(), strict=True):
        require_finite(activation.array, f"output of {name}")
        steps.append(_Step(name, module, before, value, activation.array))
        before, value = name, activation.array
    if all(step.name != PROBABILITIES for step in steps):
        probabilities = network.probabilities(value[np.newaxis])[0]
        steps.append(_Step(PROBABILITIES, None, before, value, probabilities))
    return steps


def _checked(step: _Step, unit: Sequence[int] | None) -> tuple[int, ...]:
    shape = step.output.shape
    if unit is None:
        distances = isinstance(step.module, nn.EuclideanRBF)
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


def _explained(network: Network, steps: list[_Step], at: int, unit: tuple[int, ...]) -> Explanation:
    step = steps[at]
    after = None
    if at + 1 < len(steps) and type(steps[at + 1].module) in _ACTIVATIONS:
        following = steps[at + 1]
        after = (following.name, following.kind, following.output[unit])
    known: dict[str, Any] = {
        "layer": step.name,
        "kind": step.kind,
        "unit": unit,
        "shape": step.output.shape,
        "value": step.output[unit],
        "before": step.before,
        "sees": _sees(network, steps, at, unit),
        "after": after,
    }
    with no_grad():
        if step.module is None or isinstance(step.module, nn.Softmax):
            return _softmax(step, network, known)
        if type(step.module) in _EXPLAINED:
            return _EXPLAINED[type(step.module)](step, known)
    supported = ", ".join(kind.__name__ for kind in (*_EXPLAINED, nn.Softmax))
    raise SpecError(f"layer {step.name}: expected one of {supported}, got {step.kind}")


def _cell(step: _Step, place: Iterable[int]) -> Cell:
    place = tuple(int(i) for i in place)
    return Cell(step.before, place, step.input[place])


def _sees(network: Network, steps: list[_Step], at: int, unit: tuple[int, ...]) -> Box | None:
    whole = (0, 0, *network.input_shape[1:])
    # What passes numbers on sees what is before it, be it a map or a vector.
    while at >= 0 and isinstance(steps[at].module, (*_ACTIVATIONS, *_SAME)):
        unit = _same_place(steps[at], unit)
        at -= 1
    if at < 0:
        return unit[1], unit[2], unit[1] + 1, unit[2] + 1
    if steps[at].output.ndim != 3:
        return whole
    if any(_is_uneven(step) for step in steps[: at + 1]):
        return None
    if summarise(network)[at].receptive_field is None:
        return None
    box = unit_field(network, steps[at].name, unit[1:]).box
    top, left, bottom, right = box
    inside = min(top, left) >= 0 and bottom <= whole[2] and right <= whole[3]
    # Padding that repeats the map reads it elsewhere than at the box.
    modes = {getattr(step.module, "padding_mode", "zeros") for step in steps[: at + 1]}
    return box if inside or modes == {"zeros"} else None


def _is_uneven(step: _Step) -> bool:
    """Whether the units of a layer do not all see windows of one size, a stride apart."""
    if isinstance(step.module, nn.AdaptiveAvgPool2d):
        sizes = zip(step.input.shape[1:], step.output.shape[1:], strict=True)
        return any(before % after for before, after in sizes)
    return isinstance(step.module, nn.Softmax) and _axis(step) != 0


# --- sums in the loops' order ---------------------------------------------------------------


def _fused(total: float, weight: float, value: float) -> np.float32:
    """weight * value + total of float32 numbers, rounded once, as one instruction does it.

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


def _fused_sum(start: float, weights: np.ndarray, values: np.ndarray) -> np.float32:
    """start + sum of weights * values, flat and in order, one fused multiply-add each."""
    total = np.float32(start)
    for weight, value in zip(weights.ravel().tolist(), values.ravel().tolist(), strict=True):
        total = _fused(total, weight, value)
    return total


_ROUNDED = "float32, each product added with one rounding"


def _bias(module: nn.Module, unit: int) -> np.float32 | None:
    return None if module.bias is None else module.bias.numpy()[unit]


def _convolution(step: _Step, known: dict[str, Any]) -> Explanation:
    module = step.module
    o, *at = known["unit"]
    sources, outside = [], []
    for axis in (0, 1):
        before, after = module.padding[2 * axis : 2 * axis + 2]
        size = step.input.shape[1 + axis]
        index = shapes.padding_index(size, before, after, module.padding_mode)
        reach = module.dilation[axis] * np.arange(module.kernel_size[axis])
        read = at[axis] * module.stride[axis] + reach
        sources.append(index[read])
        outside.append((read < before) | (read >= before + size))
    per_group = module.in_channels // module.groups
    first = o // (module.out_channels // module.groups) * per_group
    maps = np.arange(first, first + per_group)
    kernel = module.weight.numpy()[o]
    if isinstance(module, nn.TableConv2d):
        connected = module.connections_table[o]
        maps, kernel = maps[connected], kernel[connected]
    patch = _patch(step.input[maps], *sources)
    bias = _bias(module, o)
    # The loop goes through a kernel row in all maps before it goes to the next row.
    taps = kernel.swapaxes(0, 1), patch.swapaxes(0, 1)
    return ConvolutionSum(
        **known,
        recomputed=_fused_sum(0.0 if bias is None else bias, *taps),
        order=f"bias, then kernel row by kernel row through all maps; {_ROUNDED}",
        strongest=_strongest_tap(step, maps, sources, patch * kernel),
        maps=maps,
        patch=patch,
        kernel=kernel,
        rows=sources[0],
        columns=sources[1],
        outside=outside[0][:, None] | outside[1],
        bias=bias,
        padding_mode=module.padding_mode,
    )


def _patch(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(C, KH, KW): the maps' cells at rows × columns, zero where either is -1."""
    inside = (rows[:, None] >= 0) & (columns >= 0)
    return np.where(inside, maps[:, rows[:, None], columns], np.float32(0))


def _strongest_tap(
    step: _Step, maps: np.ndarray, sources: Sequence[np.ndarray], products: np.ndarray
) -> Cell | None:
    rows, columns = sources
    inside = np.broadcast_to((rows[:, None] >= 0) & (columns >= 0), products.shape)
    if not inside.any():
        return None
    c, row, column = np.unravel_index(
        np.where(inside, np.abs(products), -1).argmax(), products.shape
    )
    return _cell(step, (maps[c], rows[row], columns[column]))


def _transposed(step: _Step, known: dict[str, Any]) -> Explanation:
    module = step.module
    o, *at = known["unit"]
    sources = []
    for axis in (0, 1):
        size, stride = step.input.shape[1 + axis], module.stride[axis]
        # Input cell i reaches output cell s i + d k - p with tap k.
        reach = module.dilation[axis] * np.arange(module.kernel_size[axis])
        read, rest = np.divmod(at[axis] + module.padding[2 * axis] - reach, stride)
        sources.append(np.where((rest == 0) & (read >= 0) & (read < size), read, -1))
    per_group = module.in_channels // module.groups
    out_group = module.out_channels // module.groups
    maps = np.arange(per_group) + o // out_group * per_group
    kernel = module.weight.numpy()[maps, o % out_group]
    patch = _patch(step.input[maps], *sources)
    bias = _bias(module, o)
    taps = kernel.swapaxes(0, 1), patch.swapaxes(0, 1)
    total = _fused_sum(0.0, *taps)
    # Turned, the patch lies as it does in the map.
    rows, columns = (source[::-1] for source in sources)
    return ConvolutionSum(
        **known,
        recomputed=total if bias is None else total + bias,
        order=f"kernel row by kernel row through all maps, then bias; {_ROUNDED}",
        strongest=_strongest_tap(step, maps, sources, patch * kernel),
        maps=maps,
        patch=patch[:, ::-1, ::-1],
        kernel=kernel[:, ::-1, ::-1],
        rows=rows,
        columns=columns,
        outside=(rows[:, None] < 0) | (columns < 0),
        bias=bias,
        padding_mode="transposed",
    )


def _dense(step: _Step, known: dict[str, Any]) -> Explanation:
    (o,) = known["unit"]
    weights, bias = step.module.weight.numpy()[o], _bias(step.module, o)
    return DenseSum(
        **known,
        recomputed=_fused_sum(0.0 if bias is None else bias, weights, step.input),
        order=f"bias, then input by input; {_ROUNDED}",
        strongest=_cell(step, [np.abs(weights * step.input).argmax()]),
        inputs=step.input,
        weights=weights,
        bias=bias,
    )


def _distance(step: _Step, known: dict[str, Any]) -> Explanation:
    centre = step.module.centres[known["unit"][0]]
    squares = (step.input - centre) ** 2
    return Distance(
        **known,
        recomputed=squares.sum(),
        order="differences, squares, then their sum by NumPy; float32",
        strongest=_cell(step, [squares.argmax()]),
        inputs=step.input,
        centre=centre,
    )


# --- windows that are pooled -----------------------------------------------------------------


def _pooling(step: _Step, known: dict[str, Any]) -> Explanation:
    module, windows = step.module, step.module.windows(step.input.shape)
    channel, *at = known["unit"]
    bounds = (windows.row_start, windows.row_end), (windows.column_start, windows.column_end)
    sources = []
    for axis, (start, end) in enumerate(bounds):
        begin, stop = int(start[at[axis]]), int(end[at[axis]])
        read = np.arange(begin, stop, windows.dilation[axis])
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
            # The whole window, with what hangs over the input.
            first = at[axis] * module.stride[axis] - module.padding[axis]
            read = first + windows.dilation[axis] * np.arange(module.kernel_size[axis])
            read = np.where((read >= begin) & (read < stop), read, -1)
        sources.append(read)
    rows, columns = sources
    patch = _patch(step.input[[channel]], rows, columns)[0]
    inside = (rows[:, None] >= 0) & (columns >= 0)
    parts: dict[str, Any] = {
        "patch": patch,
        "rows": rows,
        "columns": columns,
        "outside": ~inside,
    }
    if isinstance(module, nn.MaxPool2d | nn.AdaptiveMaxPool2d):
        return _maximum(step, known, parts)
    # An average follows its largest term.
    strongest = _strongest_tap(step, np.array([channel]), sources, patch[None])
    total = np.float32(0)
    for value in patch[inside]:
        total += value
    if isinstance(module, nn.Subsample2d):
        coefficient, bias = module.weight.numpy()[channel], module.bias.numpy()[channel]
        return Pooling(
            **known,
            recomputed=total * coefficient + bias,
            order="cell by cell, then the coefficient, then the bias; float32",
            strongest=strongest,
            **parts,
            reduction="sum",
            coefficient=coefficient,
            bias=bias,
        )
    divisor = np.float32(windows.divisor[tuple(at)])
    return Pooling(
        **known,
        recomputed=total * (_ONE / divisor),
        order="cell by cell, then times the divisor's reciprocal; float32",
        strongest=strongest,
        **parts,
        reduction="mean",
        divisor=float(divisor),
    )


def _maximum(step: _Step, known: dict[str, Any], parts: dict[str, Any]) -> Explanation:
    unit = known["unit"]
    module, x = step.module, Tensor(step.input[np.newaxis])
    if isinstance(module, nn.AdaptiveMaxPool2d):
        _, index = F.adaptive_max_pool2d(x, module.output_size, return_indices=True)
    else:
        settings = module.stride, module.padding, module.dilation, module.ceil_mode
        _, index = F.max_pool2d(x, module.kernel_size, *settings, return_indices=True)
    winner, strongest, largest = None, None, np.float32(-np.inf)
    if not parts["outside"].all():
        row, column = divmod(int(index[(0, *unit)]), step.input.shape[2])
        places = (parts["rows"] == row).argmax(), (parts["columns"] == column).argmax()
        winner = tuple(int(i) for i in places)
        strongest = _cell(step, (unit[0], row, column))
        largest = parts["patch"][~parts["outside"]].max()
    return Pooling(
        **known,
        recomputed=largest,
        order="the largest; of equal ones the first",
        strongest=strongest,
        **parts,
        reduction="maximum",
        winner=winner,
    )


# --- one number from one number, and softmax ----------------------------------------------------


def _same_place(step: _Step, unit: tuple[int, ...]) -> tuple[int, ...]:
    """Where a number that is passed on stands before the layer."""
    flat = np.ravel_multi_index(unit, step.output.shape)
    return tuple(int(i) for i in np.unravel_index(flat, step.input.shape))


def _pointwise(step: _Step, known: dict[str, Any]) -> Explanation:
    place = _same_place(step, known["unit"])
    before = step.input[place]
    if type(step.module) in _ACTIVATIONS:
        recomputed = step.module(Tensor(before.reshape(1))).numpy()[0]
    else:
        recomputed = before
    return Pointwise(
        **known,
        recomputed=recomputed,
        order="by itself; float32",
        strongest=_cell(step, place),
        input=before,
        formula=(_ACTIVATIONS | _SAME)[type(step.module)],
    )


def _axis(step: _Step) -> int:
    """The axis of a softmax in the layer's output, which has no batch."""
    dim, axes = step.module.dim, step.output.ndim
    if dim == 0 or dim == -axes - 1:
        raise SpecError(f"layer {step.name}: expected a softmax of one image, got one of the batch")
    return dim - 1 if dim > 0 else dim + axes


def _softmax(step: _Step, network: Network, known: dict[str, Any]) -> Explanation:
    unit = known["unit"]
    penalties = step.module is None and network.loss == "lecun-map"
    axis = 0 if step.module is None else _axis(step)
    line = (*unit[:axis], slice(None), *unit[axis + 1 :])
    logits = -step.input[line] if penalties else step.input[line]
    exponentials = np.exp(logits - logits.max())
    return SoftmaxShare(
        **known,
        recomputed=exponentials[unit[axis]] / exponentials.sum(),
        order="exponentials, their sum by NumPy, then the quotient; float32",
        strongest=_cell(step, unit),
        logits=logits,
        index=unit[axis],
        penalties=penalties,
    )


_EXPLAINED: dict[type, Callable[[_Step, dict[str, Any]], Explanation]] = {
    nn.Conv2d: _convolution,
    nn.TableConv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.Linear: _dense,
    nn.EuclideanRBF: _distance,
    nn.MaxPool2d: _pooling,
    nn.AvgPool2d: _pooling,
    nn.AdaptiveAvgPool2d: _pooling,
    nn.AdaptiveMaxPool2d: _pooling,
    nn.Subsample2d: _pooling,
    **dict.fromkeys((*_ACTIVATIONS, *_SAME), _pointwise),
}
