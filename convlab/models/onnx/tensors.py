"""Operators that add, multiply and move whole tensors, as layers where a network can have them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import nn, shapes
from convlab.checks import shown
from convlab.errors import ConvlabError, SpecError
from convlab.models.onnx.constants import flattened, reshaped, slices, squeezed, unsqueezed
from convlab.models.onnx.graph import FLOATS, Node
from convlab.models.onnx.operators import affine, images, tidy
from convlab.models.onnx.translation import Flow, Operand, Translation, operator
from convlab.tensors import Tensor

# --- arithmetic -------------------------------------------------------------------------------

_ARITHMETIC = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
}


@operator(*_ARITHMETIC)
def arithmetic(t: Translation, node: Node) -> Operand:
    a, b = t.operand(node, 0), t.operand(node, 1)
    if isinstance(a, Flow) and isinstance(b, Flow):
        return _of_flows(t, node, [a, b])
    if isinstance(a, Flow):
        assert not isinstance(b, Flow)
        return _with_constant(t, node, a, _aligned(node, a, b), False)
    assert isinstance(b, Flow)
    return _with_constant(t, node, b, a, True)


def _aligned(node: Node, x: Flow, constant: np.ndarray) -> np.ndarray:
    """A constant that is repeated from an axis on, as operators before opset 7 may say."""
    if node.opset >= 7 or "axis" not in node.attributes:
        return constant
    behind = len(x.shape) - node.attributes["axis"] % len(x.shape) - constant.ndim
    return constant.reshape(*constant.shape, *[1] * behind)


def _of_flows(t: Translation, node: Node, inputs: list[Flow]) -> Operand:
    kind = "Add" if node.op == "Sum" else node.op
    sizes = [flow.shape for flow in inputs]
    if len(set(sizes)) == 1 and len(sizes[0]) > 1:
        if len({flow.step for flow in inputs}) > 1 or kind != "Add":
            return t.layer(node, kind, {}, *inputs)
        return t.layer(node, "Rescale", {"scale": float(len(inputs))}, inputs[0])
    largest = max(sizes, key=math.prod)
    gate = (*largest[:2], *[1] * (len(largest) - 2))
    if kind == "Mul" and len(largest) > 1 and all(size in (largest, gate) for size in sizes):
        return t.layer(node, "Mul", {}, *inputs)
    function, shape = _ARITHMETIC[kind], np.broadcast_shapes(*sizes)

    def compute(*tensors: Tensor) -> Tensor:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = function(total, tensor)
        return total

    return t.function(node, compute, shape, *inputs)


def _with_constant(
    t: Translation, node: Node, x: Flow, constant: np.ndarray, first: bool
) -> Operand:
    """x and a constant, which stands ``first`` or second."""
    if constant.dtype.kind not in "fiu":
        raise SpecError(f"{node.where}: expected numbers, got {constant.dtype}")
    constant = constant.astype(np.float32)
    ones = constant.ndim - len(x.shape)
    if len(x.shape) > 1 and constant.ndim == len(x.shape) and len(constant) == 1:
        constant = constant[0]
    if ones > 0 or constant.ndim >= max(1, len(x.shape)) or (first and node.op == "Div"):
        function, number = _ARITHMETIC[node.op], Tensor(constant)
        shape = np.broadcast_shapes(x.shape, constant.shape)
        if first:
            return t.function(node, lambda x: function(number, x), shape, x)
        return t.function(node, lambda x: function(x, number), shape, x)
    weight = bias = None
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if node.op == "Add":
            bias = constant
        elif node.op == "Sub":
            weight = -np.ones_like(constant) if first else None
            bias = constant if first else -constant
        else:
            weight = constant if node.op == "Mul" else 1 / constant
    if constant.size == 1:
        scale, shift = (None if part is None else part.item() for part in (weight, bias))
        settings = {} if scale is None else {"scale": scale}
        settings |= {} if shift is None else {"shift": shift}
        return t.layer(node, "Rescale", settings, x)
    return affine(t, node, x, weight, bias)


_OF_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "Sqrt": lambda x: x**0.5,
    "Reciprocal": lambda x: x**-1,
    "Exp": lambda x: x.exp(),
    "Log": lambda x: x.log(),
    "Abs": lambda x: F.relu(x) + F.relu(-x),
}


@operator(*_OF_ONE)
def of_one(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    return t.function(node, _OF_ONE[node.op], x.shape, x)


@operator("Neg")
def negative(t: Translation, node: Node) -> Operand:
    return t.layer(node, "Rescale", {"scale": -1.0}, t.flow(node, 0))


@operator("Pow")
def power(t: Translation, node: Node) -> Operand:
    x, exponent = t.flow(node, 0), t.constant(node, 1)
    if exponent.size != 1 or exponent.ndim > len(x.shape):
        raise SpecError(f"{node.where}: expected one exponent, got {shown(exponent)}")
    number = float(exponent.item())
    return t.function(node, lambda x: x**number, x.shape, x)


@operator("Sum")
def total(t: Translation, node: Node) -> Operand:
    inputs = t.flows_of(node)
    flows = [one for one in inputs if isinstance(one, Flow)]
    if len(flows) < len(inputs):
        raise SpecError(f"{node.where}: expected inputs that all depend on the image")
    return flows[0] if len(flows) == 1 else _of_flows(t, node, flows)


@operator("MatMul")
def matmul(t: Translation, node: Node) -> Operand:
    a, b = t.operand(node, 0), t.operand(node, 1)
    if isinstance(a, Flow) and not isinstance(b, Flow) and b.ndim == 2 and len(a.shape) == 2:
        return _dense(t, node, a, t.floats(node, 1).T, None)
    sizes = [one.shape for one in (a, b)]
    shape = (np.empty(sizes[0], bool) @ np.empty(sizes[1], bool)).shape
    if isinstance(a, Flow) and isinstance(b, Flow):
        return t.function(node, lambda a, b: a.matmul(b), shape, a, b)
    if isinstance(a, Flow):
        number = Tensor(t.floats(node, 1))
        return t.function(node, lambda a: a.matmul(number), shape, a)
    assert isinstance(b, Flow)
    number = Tensor(t.floats(node, 0))
    return t.function(node, lambda b: number.matmul(b), shape, b)


def _dense(t: Translation, node: Node, x: Flow, weight: np.ndarray, bias: Any) -> Flow:
    settings = {"in_features": weight.shape[1], "out_features": weight.shape[0]}
    settings |= {} if bias is not None else {"bias": False}
    state = {"weight": np.ascontiguousarray(weight), "bias": bias}
    return t.layer(node, "Linear", settings, x, state=state)


@operator("Gemm")
def gemm(t: Translation, node: Node) -> Operand:
    x, weight, said = t.flow(node, 0), t.floats(node, 1), node.attributes
    alpha, beta = np.float32(said.get("alpha", 1.0)), np.float32(said.get("beta", 1.0))
    if len(x.shape) != 2 or weight.ndim != 2:
        raise SpecError(f"{node.where}: expected two matrices, got {x.shape} and {weight.shape}")
    if said.get("transA", 0):
        x = t.function(node, lambda x: x.transpose(), x.shape[::-1], x)
    weight = weight if said.get("transB", 0) else weight.T
    weight = weight if alpha == 1 else alpha * weight
    outputs = len(weight)
    added = t.operand(node, 2) if t.has(node, 2) else None
    if isinstance(added, Flow) and added.step not in t.inputs:
        product = _dense(t, node, x, weight, None)
        return t.function(node, lambda a, b: a + b * beta, product.shape, product, added)
    bias = None if added is None else t.floats(node, 2)
    bias = bias if bias is None or beta == 1 else beta * bias
    if bias is None or math.prod(bias.shape[:-1]) == 1:
        bias = None if bias is None else np.broadcast_to(bias.reshape(-1), (outputs,)).copy()
        return _dense(t, node, x, weight, bias)
    product, number = _dense(t, node, x, weight, None), Tensor(bias)
    return t.function(node, lambda x: x + number, product.shape, product)


@operator("Softmax", "LogSoftmax")
def softmax(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    axis = node.attributes.get("axis", 1 if node.opset < 13 else -1)
    if not -len(x.shape) <= axis < len(x.shape):
        raise SpecError(f"{node.where}: expected an axis of {x.shape}, got {axis}")
    axis %= len(x.shape)
    # Before opset 13 it was taken over all axes from this one on.
    several = node.opset < 13 and math.prod(x.shape[axis + 1 :]) != 1
    if node.op == "Softmax" and not several and axis:
        return t.layer(node, "Softmax", {"dim": axis}, x)
    function = F.softmax if node.op == "Softmax" else F.log_softmax
    if not several:
        return t.function(node, lambda x: function(x, axis), x.shape, x)
    flat = flattened(x.shape, axis)
    return t.function(
        node, lambda y: function(y.reshape(-1, flat[1]), 1).reshape(y.shape), x.shape, x
    )


@operator("ReduceMean", "ReduceSum", "ReduceMax", "ReduceSumSquare")
def reduce(t: Translation, node: Node) -> Operand:
    x, axes = t.flow(node, 0), t.axes(node, 1)
    keep, count = bool(node.attributes.get("keepdims", 1)), len(x.shape)
    if not axes and node.attributes.get("noop_with_empty_axes", 0):
        return x
    over = sorted({axis % count for axis in axes or range(count)})
    kinds = {"ReduceMean": "AdaptiveAvgPool2d", "ReduceMax": "AdaptiveMaxPool2d"}
    if count == 4 and over == [2, 3] and node.op in kinds:
        pooled = t.layer(node, kinds[node.op], {"output_size": 1}, x)
        return pooled if keep else t.layer(node, "Flatten", {}, pooled)
    shape = [1 if axis in over else size for axis, size in enumerate(x.shape)]
    shape = shape if keep else [size for axis, size in enumerate(x.shape) if axis not in over]
    if node.op == "ReduceSumSquare":
        return t.function(node, lambda x: (x * x).sum(tuple(over), keep), shape, x)
    name = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max"}[node.op]
    return t.function(node, lambda x: getattr(x, name)(tuple(over), keep), shape, x)


# --- the same numbers at other places ---------------------------------------------------------


@operator("Identity")
def identity(t: Translation, node: Node) -> Operand:
    return t.flow(node, 0)


@operator("Cast")
def cast(t: Translation, node: Node) -> Operand:
    if node.attributes.get("to") not in FLOATS:
        raise SpecError(f"{node.where}: expected numbers that stay floats, to kind 1, 10, 11 or 16")
    return t.flow(node, 0)  # all are computed as float32


def _shaped(t: Translation, node: Node, x: Flow, shape: Sequence[int]) -> Flow:
    """x with another shape of as many numbers."""
    shape = tuple(shape)
    if shape == x.shape:
        return x
    if len(shape) == 2 and len(x.shape) > 2 and shape[0] == x.shape[0]:
        return t.layer(node, "Flatten", {}, x)
    if shape[:1] == x.shape[:1] and len(shape) > 1 < len(x.shape) and 0 not in shape:
        return t.layer(node, "Reshape", {"shape": list(shape[1:])}, x)
    return t.function(node, lambda x: x.reshape(shape), shape, x)


@operator("Reshape")
def reshape(t: Translation, node: Node) -> Operand:
    x, wanted = t.flow(node, 0), t.axes(node, 1, "shape")
    zero = bool(node.attributes.get("allowzero", 0))
    return _shaped(t, node, x, reshaped(x.shape, wanted or (), zero))


@operator("Flatten")
def flatten(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    return _shaped(t, node, x, flattened(x.shape, node.attributes.get("axis", 1)))


@operator("Squeeze")
def squeeze(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    return _shaped(t, node, x, squeezed(x.shape, t.axes(node, 1)))


@operator("Unsqueeze")
def unsqueeze(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    return _shaped(t, node, x, unsqueezed(x.shape, t.axes(node, 1)))


@operator("Transpose")
def transpose(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    order = node.attributes.get("perm", list(range(len(x.shape)))[::-1])
    if sorted(order) != list(range(len(x.shape))):
        raise SpecError(f"{node.where}: expected each axis of {x.shape} once, got {order}")
    shape = [x.shape[axis] for axis in order]
    if list(order) == list(range(len(x.shape))):
        return x
    if order[0] == 0:
        return t.layer(node, "Permute", {"dims": list(order)}, x)
    return t.function(node, lambda x: x.transpose(tuple(order)), shape, x)


@operator("Concat")
def concat(t: Translation, node: Node) -> Operand:
    inputs, axis = t.flows_of(node), node.attributes.get("axis", 1)
    first = inputs[0].shape
    if not -len(first) <= axis < len(first):
        raise SpecError(f"{node.where}: expected an axis of {first}, got {axis}")
    axis %= len(first)
    rest = {(*one.shape[:axis], *one.shape[axis + 1 :]) for one in inputs}
    if len(rest) > 1:
        got = ", ".join(str(one.shape) for one in inputs)
        raise SpecError(f"{node.where}: expected shapes that differ along axis {axis}, got {got}")
    flows = [one for one in inputs if isinstance(one, Flow)]
    if len(inputs) == 1:
        return inputs[0]
    if axis == 1 and len(flows) == len(inputs):
        return t.layer(node, "Concat", {}, *flows)
    shape = (*first[:axis], sum(one.shape[axis] for one in inputs), *first[axis + 1 :])
    parts = [None if isinstance(one, Flow) else Tensor(one) for one in inputs]

    def compute(*tensors: Tensor) -> Tensor:
        flowing = iter(tensors)
        return F.cat([next(flowing) if part is None else part for part in parts], axis)

    return t.function(node, compute, shape, *flows)


def _cut(t: Translation, node: Node, x: Flow, cuts: tuple[slice, ...]) -> Flow:
    index = [range(*cut.indices(size)) for cut, size in zip(cuts, x.shape, strict=True)]
    shape = tuple(map(len, index))
    if index == [range(size) for size in x.shape]:
        return x
    forward = all(one.step > 0 and len(one) for one in index)
    if forward and len(shape) > 1 and index[0] == range(x.shape[0]):
        settings = {
            "starts": [one.start for one in index[1:]],
            "ends": [one.stop for one in index[1:]],
            "steps": [one.step for one in index[1:]],
        }
        return t.layer(node, "Slice", settings, x)
    return t.function(node, lambda x: x[cuts], shape, x)


@operator("Slice")
def cut(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    places = range(1, len(node.inputs))
    numbers = [t.constant(node, place) if t.has(node, place) else None for place in places]
    return _cut(t, node, x, slices(node, x.shape, *numbers))


@operator("Split")
def split(t: Translation, node: Node) -> list[Flow]:
    x, sizes = t.flow(node, 0), t.axes(node, 1, "split")
    axis, count = node.attributes.get("axis", 0) % len(x.shape), len(node.outputs)
    if sizes is None:
        step = -(-x.shape[axis] // count)
        sizes = [min(step, x.shape[axis] - step * part) for part in range(count)]
    if sum(sizes) != x.shape[axis] or len(sizes) != count or min(sizes) < 0:
        raise SpecError(f"{node.where}: expected {count} parts of {x.shape[axis]}, got {sizes}")
    ends = np.cumsum(sizes).tolist()
    whole = [slice(0, size, 1) for size in x.shape]
    return [
        _cut(t, node, x, tuple([*whole[:axis], slice(end - size, end, 1), *whole[axis + 1 :]]))
        for size, end in zip(sizes, ends, strict=True)
    ]


@operator("Gather")
def gather(t: Translation, node: Node) -> Operand:
    x, index = t.flow(node, 0), t.constant(node, 1)
    axis = node.attributes.get("axis", 0) % len(x.shape)
    if index.size and not -x.shape[axis] <= index.min() <= index.max() < x.shape[axis]:
        raise SpecError(f"{node.where}: expected an index of {x.shape[axis]}, got {shown(index)}")
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    before = (slice(None),) * axis
    return t.function(node, lambda x: x[(*before, index)], shape, x)


@operator("DepthToSpace")
def depth_to_space(t: Translation, node: Node) -> Operand:
    x, block = t.flow(node, 0), node.attributes["blocksize"]
    images(node, x)
    if node.attributes.get("mode", "DCR") == "CRD":
        return t.layer(node, "PixelShuffle", {"upscale_factor": block}, x)
    _, channels, rows, columns = x.shape
    shape = x.shape[0], channels // block**2, rows * block, columns * block

    def compute(x: Tensor) -> Tensor:
        apart = x.reshape(x.shape[0], block, block, shape[1], rows, columns)
        return apart.transpose(0, 3, 4, 1, 5, 2).reshape(x.shape[0], *shape[1:])

    return t.function(node, compute, shape, x)


_PADS = {"constant": "ZeroPad2d", "reflect": "ReflectionPad2d", "edge": "ReplicationPad2d"}
_PADS["wrap"] = "CircularPad2d"


@operator("Pad")
def pad(t: Translation, node: Node) -> Operand:
    x, mode = t.flow(node, 0), node.attributes.get("mode", "constant")
    pads, count = t.axes(node, 1, "pads"), len(x.shape)
    value = float(t.setting(node, 2, "value", 0.0) or 0.0)
    axes = t.axes(node, 3) if t.has(node, 3) else list(range(count))
    if pads is None or axes is None or len(pads) != 2 * len(axes) or mode not in _PADS:
        raise SpecError(
            f"{node.where}: expected a mode of {', '.join(_PADS)} and two pads for each axis, got"
            f" {mode} and {shown(pads)}"
        )
    before, after = [0] * count, [0] * count
    for place, axis in enumerate(axes):
        before[axis], after[axis] = pads[place], pads[place + len(axes)]
    if not any(before) and not any(after):
        return x
    if count == 4 and not any((*before[:2], *after[:2])):
        sides = [before[3], after[3], before[2], after[2]]
        if mode != "constant" or value == 0:
            return t.layer(node, _PADS[mode], {"padding": sides}, x)
        shape = (*x.shape[:2], *(x.shape[i] + before[i] + after[i] for i in (2, 3)))
        return t.function(node, lambda x: F.pad(x, sides, "constant", value), shape, x)
    new = before[1] + after[1]
    maps = count == 4 and not any((before[0], *before[2:], after[0], *after[2:])) and value == 0
    if mode == "constant" and maps and before[1] == new // 2 <= after[1]:
        settings = {"in_channels": x.shape[1], "out_channels": x.shape[1] + new}
        return t.layer(node, "Shortcut2d", settings, x)
    if mode != "constant" or min(*before, *after) < 0:
        raise SpecError(f"{node.where}: expected pads of rows and columns, got {pads}")
    return _pad_all(t, node, x, before, after, value)


def _pad_all(t, node, x: Flow, before: list[int], after: list[int], value: float) -> Flow:
    """Constants around any axes."""

    def compute(x: Tensor) -> Tensor:
        for axis, sides in enumerate(zip(before, after, strict=True)):
            parts = [
                Tensor(np.full((*x.shape[:axis], n, *x.shape[axis + 1 :]), value, x.dtype))
                for n in sides
            ]
            x = F.cat([parts[0], x, parts[1]], axis) if any(sides) else x
        return x

    shape = [a + b + c for a, b, c in zip(before, x.shape, after, strict=True)]
    shapes.check_numbers("padded tensor", shape)
    return t.function(node, compute, shape, x)


# --- resizing ---------------------------------------------------------------------------------


@operator("Resize", "Upsample")
def resize(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    output, scales = _resized(t, node, x)
    settings = {"size": _short_size(output)} | _resize_rules(t, node)
    if any(n * f != out for n, f, out in zip(x.shape[2:], scales, output, strict=True)):
        settings["scales"] = [float(scale) for scale in scales]
    usual = _as_pytorch(settings, x.shape[1:], output)
    if usual is None:
        return t.layer(node, "Resize2d", settings, x)
    return t.layer(node, "Upsample", usual, x)


def _resized(t: Translation, node: Node, x: Flow) -> tuple[list[int], list[float]]:
    """(rows, columns) of the output, and the scales of both."""
    size = images(node, x)
    newer = node.op == "Resize" and node.opset >= 11
    at = 2 if newer else 1
    wanted: Any = node.attributes.get("scales")
    if t.has(node, at):
        wanted = [float(value) for value in t.constant(node, at).ravel()]
    sizes = newer and t.has(node, 3)
    wanted = t.axes(node, 3) if sizes else wanted
    axes = _resized_axes(node)
    if not wanted or len(wanted) != len(axes):
        raise SpecError(f"{node.where}: expected sizes or scales for {len(axes)} axes")
    both: list[Any] = [*x.shape] if sizes else [1.0] * 4
    for axis, one in zip(axes, wanted, strict=True):
        both[axis] = one
    if both[:2] != ([*x.shape[:2]] if sizes else [1, 1]):
        raise SpecError(f"{node.where}: expected rows and columns to be resized, got {wanted}")
    if sizes:
        output, scales = _kept_ratio(node.attributes, size, both[2:])
    else:
        output = [math.floor(n * scale) for n, scale in zip(size, both[2:], strict=True)]
        scales = both[2:]
    if min(output) < 1:
        raise SpecError(f"{node.where}: expected at least a pixel to be left, got {output}")
    return output, scales


def _resized_axes(node: Node) -> list[int]:
    return [axis % 4 for axis in node.attributes.get("axes", range(4))]


def _short_size(size: Sequence[int]) -> Any:
    return size[0] if size[0] == size[1] else list(size)


def _kept_ratio(said, size, wanted) -> tuple[list[int], list[float]]:
    """Sizes, and scales, where the file may want both axes to have one scale."""
    policy = said.get("keep_aspect_ratio_policy", "stretch")
    scales = [out / n for n, out in zip(size, wanted, strict=True)]
    if policy == "stretch":
        return wanted, scales
    scale = min(scales) if policy == "not_larger" else max(scales)
    return [math.floor(scale * n + 0.5) for n in size], [scale, scale]


def _resize_rules(t: Translation, node: Node) -> dict[str, Any]:
    """The rules of Resize, by the names of ``nn.Resize2d``, those that are not its defaults."""
    said, opset = node.attributes, node.opset
    mode = {"bilinear": "linear"}.get(said.get("mode", "nearest"), said.get("mode", "nearest"))
    old = node.op == "Upsample" or opset < 11
    rules = {
        "mode": mode,
        "coordinates": said.get(
            "coordinate_transformation_mode", "asymmetric" if old else "half_pixel"
        ),
        "nearest": said.get("nearest_mode", "floor" if old else "round_prefer_floor"),
        "cubic": tidy(said.get("cubic_coeff_a", -0.75)),
        "antialias": bool(said.get("antialias", 0)),
        "exclude_outside": bool(said.get("exclude_outside", 0)),
        "outside": tidy(said.get("extrapolation_value", 0.0)),
    }
    if rules["coordinates"] == "tf_crop_and_resize":
        region = t.constant(node, 1).ravel().astype(float).tolist()
        axes = _resized_axes(node)
        ends = dict(zip(axes, zip(region, region[len(axes) :], strict=False), strict=True))
        rules["region"] = [*ends.get(2, (0.0, 1.0)), *ends.get(3, (0.0, 1.0))]
    else:
        del rules["outside"]
    usual = inspect.signature(nn.Resize2d).parameters
    return {name: value for name, value in rules.items() if value != usual[name].default}


def _as_pytorch(
    settings: dict[str, Any], shape: tuple[int, ...], output: Sequence[int]
) -> dict[str, Any] | None:
    """The settings of ``nn.Upsample`` that take the same numbers; None where there are none."""
    size = _short_size(output)
    times = [out / n for out, n in zip(output, shape[1:], strict=True)]
    whole = times[0] if times[0] == times[1] and times[0] == int(times[0]) else None
    given: dict[str, Any] = {"size": size} if whole is None else {"scale_factor": int(whole)}
    given = {"scale_factor": settings["scales"]} if "scales" in settings else given
    tries: list[dict[str, Any]] = [given]
    if settings.get("mode") == "linear":
        bilinear = {"mode": "bilinear"}
        tries = [given | bilinear, given | bilinear | {"align_corners": True}]
    if settings.get("mode") == "cubic" or "region" in settings:
        return None
    wanted = nn.Resize2d(**settings).weights(shape)
    for one in tries:
        try:
            axes = nn.Upsample(**one).weights(shape)
        except ConvlabError:
            continue
        same = all(
            a.shape == b.shape and np.allclose(a, b, atol=1e-6)
            for a, b in zip(axes, wanted, strict=True)
        )
        if same:
            return one
    return None
