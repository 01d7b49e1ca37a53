"""What a file computes from constants alone, such as sizes and padding, worked out while reading.

Each function takes the node and the arrays that it reads, None for those left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convlab.checks import shown
from convlab.errors import SpecError
from convlab.models.onnx.graph import KINDS, Node
from convlab.shapes import MAX_WEIGHTS

Folding = Callable[..., np.ndarray]


def computed(node: Node, arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """The value of a node of constants; None for an operator that is not known here.

    Raises SpecError for sizes that do not go together, or too many numbers.
    """
    function = _FUNCTIONS.get(node.op)
    if function is None:
        return None
    try:
        with np.errstate(all="ignore"):
            return np.asarray(function(node, *arrays))
    except SpecError as error:
        raise SpecError(f"{node.where}: {error}") from None
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, ArithmeticError) as error:
        reason = " ".join(str(error).split())[:120]
        raise SpecError(f"{node.where}: constants that do not fit: {reason}") from None


def _room(*sizes: int) -> None:
    if any(size < 0 for size in sizes) or math.prod(map(int, sizes)) > MAX_WEIGHTS:
        raise SpecError(f"expected at most {MAX_WEIGHTS:,} numbers, got sizes {shown(sizes)}")


def whole_numbers(values: Any) -> list[int]:
    """A constant of whole numbers as a list."""
    return [int(value) for value in np.ravel(values)]


def axes_of(node: Node, array: np.ndarray | None) -> list[int] | None:
    """The axes of a node, given by an input since opset 13 or 18, before by an attribute."""
    return node.attributes.get("axes") if array is None else whole_numbers(array)


def _elementwise(function: Callable[..., Any]) -> Folding:
    def fold(node: Node, *arrays: np.ndarray) -> np.ndarray:
        _room(*np.broadcast_shapes(*(array.shape for array in arrays)))
        result = np.asarray(function(*arrays))
        same = result.dtype.kind != "b" and len({array.dtype for array in arrays}) == 1
        return result.astype(arrays[0].dtype) if same else result

    return fold


def _divided(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise ValueError("a division by 0")
    return (
        np.trunc(a / b) if abs(a).max(initial=0) < 1 << 52 else np.sign(a * b) * (abs(a) // abs(b))
    )


def _constant(node: Node) -> np.ndarray:
    for name, kind in (("value_float", np.float32), ("value_int", np.int64)):
        for spelled in (name, f"{name}s"):
            if spelled in node.attributes:
                return np.array(node.attributes[spelled], kind)
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise SpecError("expected numbers as its value")
    return value


def _constant_of_shape(node: Node, shape: np.ndarray) -> np.ndarray:
    sizes = whole_numbers(shape)
    _room(*sizes)
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return np.full(sizes, value.ravel()[0], value.dtype)


def _range(node: Node, start: np.ndarray, limit: np.ndarray, step: np.ndarray) -> np.ndarray:
    _room(max(0, math.ceil((limit.item() - start.item()) / step.item())))
    values = (
        np.arange(float(start), float(limit), float(step))
        if start.dtype.kind == "f"
        else (np.arange(int(start), int(limit), int(step)))
    )
    return values.astype(start.dtype)


def _cast(node: Node, array: np.ndarray) -> np.ndarray:
    kind = node.attributes["to"]
    if kind not in KINDS:
        raise SpecError(f"expected plain numbers, got ONNX's kind {kind} of them")
    kinds = {10: np.float32, 16: np.float32}  # halves are kept as float32
    return array.astype(kinds.get(kind, KINDS[kind]))


def reshaped(shape: tuple[int, ...], wanted: Sequence[int], allow_zero: bool) -> tuple[int, ...]:
    """The sizes that Reshape makes of ``shape``.  Raises SpecError where they do not fit."""
    sizes = [
        shape[i] if size == 0 and not allow_zero and i < len(shape) else size
        for i, size in enumerate(wanted)
    ]
    rest = math.prod(size for size in sizes if size != -1)
    count = math.prod(shape)
    if sizes.count(-1) == 1 and rest and count % rest == 0:
        sizes[sizes.index(-1)] = count // rest
    if min(sizes, default=1) < 0 or math.prod(sizes) != count:
        raise SpecError(f"expected a shape for {count:,} numbers, got {shown(tuple(wanted))}")
    return tuple(sizes)


def _reshape(node: Node, array: np.ndarray, shape: np.ndarray | None = None) -> np.ndarray:
    wanted = node.attributes["shape"] if shape is None else whole_numbers(shape)
    return array.reshape(reshaped(array.shape, wanted, bool(node.attributes.get("allowzero"))))


def squeezed(shape: tuple[int, ...], axes: Sequence[int] | None) -> tuple[int, ...]:
    """The sizes without those of 1, or without ``axes``.  Raises SpecError."""
    if axes is None:
        return tuple(size for size in shape if size != 1)
    places = {axis % len(shape) for axis in axes if -len(shape) <= axis < len(shape)}
    if len(places) != len(axes) or any(shape[axis] != 1 for axis in places):
        raise SpecError(f"expected axes of size 1 in {shape}, got {shown(tuple(axes))}")
    return tuple(size for axis, size in enumerate(shape) if axis not in places)


def unsqueezed(shape: tuple[int, ...], axes: Sequence[int] | None) -> tuple[int, ...]:
    """The sizes with ones at ``axes``.  Raises SpecError."""
    count = len(shape) + len(axes or ())
    places = {axis % count for axis in axes or () if -count <= axis < count}
    if not axes or len(places) != len(axes):
        raise SpecError(f"expected different axes of {count}, got {shown(axes)}")
    sizes = iter(shape)
    return tuple(1 if axis in places else next(sizes) for axis in range(count))


def flattened(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """Two sizes: those before ``axis`` multiplied, and the others.  Raises SpecError."""
    if not -len(shape) <= axis <= len(shape):
        raise SpecError(f"expected an axis of {shape}, got {axis}")
    axis = axis + len(shape) if axis < 0 else axis
    return math.prod(shape[:axis]), math.prod(shape[axis:])


def slices(node: Node, shape: tuple[int, ...], *inputs: np.ndarray | None) -> tuple[slice, ...]:
    """What Slice takes of each axis; its numbers are inputs since opset 10.  Raises SpecError."""
    said = node.attributes
    if node.opset >= 10:
        starts, ends, axes, steps = (
            None if value is None else whole_numbers(value) for value in (*inputs, *[None] * 4)[:4]
        )
    else:
        starts, ends, axes, steps = said.get("starts"), said.get("ends"), said.get("axes"), None
    if starts is None or ends is None:
        raise SpecError("expected where it starts and ends")
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise SpecError("expected a start, an end and a step other than 0 for each axis")
    found = [slice(0, size, 1) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not -len(shape) <= axis < len(shape):
            raise SpecError(f"expected axes of {shape}, got {axis}")
        size = shape[axis]
        # Beyond the first element from the end, where a slice of Python would count from behind.
        before = None if step < 0 and end < -size else end
        found[axis] = slice(*slice(start, before, step).indices(size))
    return tuple(
        slice(one.start, None if one.step < 0 and one.stop < 0 else one.stop, one.step)
        for one in found
    )


def _slice(node: Node, array: np.ndarray, *inputs: np.ndarray | None) -> np.ndarray:
    return array[slices(node, array.shape, *inputs)]


def _gather(node: Node, array: np.ndarray, index: np.ndarray) -> np.ndarray:
    axis = node.attributes.get("axis", 0)
    _room(index.size, array.size // max(1, array.shape[axis]))
    return np.take(array, index, axis)


def _expand(node: Node, array: np.ndarray, shape: np.ndarray) -> np.ndarray:
    sizes = np.broadcast_shapes(array.shape, tuple(whole_numbers(shape)))
    _room(*sizes)
    return np.broadcast_to(array, sizes).copy()


def _tile(node: Node, array: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    _room(array.size, *whole_numbers(repeats))
    return np.tile(array, whole_numbers(repeats))


def _where(node: Node, condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    _room(*np.broadcast_shapes(condition.shape, a.shape, b.shape))
    return np.where(condition, a, b)


def _concat(node: Node, *arrays: np.ndarray) -> np.ndarray:
    _room(sum(array.size for array in arrays))
    return np.concatenate(arrays, node.attributes["axis"])


def _product(node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    _room(*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *a.shape[-2:-1], *b.shape[-1:])
    return a @ b


def _reduced(function: Callable[..., Any]) -> Folding:
    def fold(node: Node, array: np.ndarray, axes: np.ndarray | None = None) -> np.ndarray:
        over = axes_of(node, axes)
        keep = bool(node.attributes.get("keepdims", 1))
        return function(array, tuple(over) if over else None, keepdims=keep).astype(array.dtype)

    return fold


_FUNCTIONS: dict[str, Folding] = {
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Cast": _cast,
    "Identity": lambda node, array: array,
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": lambda node, a: a.reshape(flattened(a.shape, node.attributes.get("axis", 1))),
    "Transpose": lambda node, array: array.transpose(node.attributes.get("perm")),
    "Squeeze": lambda node, a, axes=None: a.reshape(squeezed(a.shape, axes_of(node, axes))),
    "Unsqueeze": lambda node, a, axes=None: a.reshape(unsqueezed(a.shape, axes_of(node, axes))),
    "Gather": _gather,
    "Slice": _slice,
    "Expand": _expand,
    "Tile": _tile,
    "Where": _where,
    "MatMul": _product,
    "Shape": lambda node, array: shape_of(node, array.shape),
    "Size": lambda node, array: np.array(array.size, np.int64),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMean": _reduced(np.mean),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
    "Div": _elementwise(_divided),
    "Sum": _elementwise(lambda *arrays: sum(arrays[1:], arrays[0])),
    "Add": _elementwise(np.add),
    "Sub": _elementwise(np.subtract),
    "Mul": _elementwise(np.multiply),
    "Mod": _elementwise(np.mod),
    "Pow": _elementwise(np.power),
    "Sqrt": _elementwise(np.sqrt),
    "Reciprocal": _elementwise(lambda a: 1 / a),
    "Exp": _elementwise(np.exp),
    "Log": _elementwise(np.log),
    "Neg": _elementwise(np.negative),
    "Abs": _elementwise(np.abs),
    "Floor": _elementwise(np.floor),
    "Ceil": _elementwise(np.ceil),
    "Round": _elementwise(np.round),
    "Min": _elementwise(lambda *arrays: np.minimum.reduce(np.broadcast_arrays(*arrays))),
    "Max": _elementwise(lambda *arrays: np.maximum.reduce(np.broadcast_arrays(*arrays))),
    "Equal": _elementwise(np.equal),
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Not": _elementwise(np.logical_not),
    "And": _elementwise(np.logical_and),
    "Or": _elementwise(np.logical_or),
}
CONSTANTS = tuple(_FUNCTIONS)
"""The operators that are computed from constants."""


def shape_of(node: Node, shape: tuple[int, ...]) -> np.ndarray:
    """What Shape gives: all sizes, or those from ``start`` up to ``end``."""
    start, end = node.attributes.get("start", 0), node.attributes.get("end")
    return np.array(shape[slice(start, end)], np.int64)
