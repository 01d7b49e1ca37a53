"""Operators with windows and weights, and functions of one number, as layers.

Each function takes a node and gives what it computes; ``translation`` has the rest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.errors import SpecError
from convlab.models.onnx.graph import Node
from convlab.models.onnx.translation import Flow, Operand, Translation, operator
from convlab.tensors import Tensor

LARGE = 1e30  # limits beyond it are none: exporters write the largest float


def images(node: Node, flow: Flow) -> tuple[int, int]:
    """Rows and columns of a flow of images.  Raises SpecError for another number of axes."""
    if len(flow.shape) != 4:
        raise SpecError(
            f"{node.where}: expected images of shape (N, C, H, W), got {flow.shape}; convlab's"
            " networks are two-dimensional"
        )
    return flow.shape[2], flow.shape[3]


def _two(node: Node, attribute: str) -> tuple[int, int]:
    values = node.attributes.get(attribute, [1, 1])
    if len(values) != 2:
        raise SpecError(f"{node.where}: expected two {attribute}, got {values}")
    return values[0], values[1]


def _sides(
    node: Node, size: shapes.Pair, kernel: shapes.Pair, stride: shapes.Pair, dilation: shapes.Pair
) -> shapes.Sides:
    """Padding as (top, bottom, left, right): said, or made so that the output is size / stride."""
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        pads = node.attributes.get("pads", [0, 0, 0, 0])
        if len(pads) != 4:
            raise SpecError(f"{node.where}: expected four pads, got {pads}")
        top, left, bottom, right = pads
        return top, bottom, left, right
    if auto == "VALID":
        return 0, 0, 0, 0
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise SpecError(f"{node.where}: expected an auto_pad of ONNX, got {auto!r}")
    sides: list[int] = []
    for one in zip(size, kernel, stride, dilation, strict=True):
        before, after = shapes.tensorflow_same_padding(*one)
        sides += (after, before) if auto == "SAME_LOWER" else (before, after)
    return sides[0], sides[1], sides[2], sides[3]


def short(value: Any) -> Any:
    """Rows and columns as one number where they are alike, and padding of four sides likewise."""
    if len(value) == 4 and value[0] == value[1] and value[2] == value[3]:
        value = value[0], value[2]
    return value[0] if len(set(value)) == 1 else list(value)


def _window_settings(stride, padding, dilation, groups) -> dict[str, Any]:
    """The settings of a convolution that are not the usual ones."""
    said = {"stride": short(stride), "padding": short(padding), "dilation": short(dilation)}
    settings = {name: value for name, value in said.items() if value != (name != "padding") * 1}
    return settings | ({} if groups == 1 else {"groups": groups})


@operator("Conv")
def conv(t: Translation, node: Node) -> Operand:
    x, weight = t.flow(node, 0), t.floats(node, 1)
    bias = t.floats(node, 2) if t.has(node, 2) else None
    size = images(node, x)
    if weight.ndim != 4:
        raise SpecError(f"{node.where}: expected a weight of four axes, got {weight.shape}")
    kernel, stride = weight.shape[2:], _two(node, "strides")
    dilation, groups = _two(node, "dilations"), node.attributes.get("group", 1)
    padding = _sides(node, size, kernel, stride, dilation)
    settings = {"in_channels": x.shape[1], "out_channels": len(weight)}
    settings["kernel_size"] = short(kernel)
    settings |= _window_settings(stride, padding, dilation, groups)
    settings |= {} if bias is not None else {"bias": False}
    _check_weight(node, weight, (len(weight), x.shape[1] // max(1, groups), *kernel), bias)
    return t.layer(node, "Conv2d", settings, x, state={"weight": weight, "bias": bias})


def _check_weight(node: Node, weight: np.ndarray, shape: tuple[int, ...], bias: Any) -> None:
    if weight.shape != shape or (bias is not None and bias.shape != shape[:1]):
        sizes = "" if bias is None else f" and a bias of {bias.shape}"
        raise SpecError(
            f"{node.where}: expected a weight of shape {shape} and a bias of {shape[:1]}, got"
            f" {weight.shape}{sizes}"
        )


@operator("ConvTranspose")
def conv_transpose(t: Translation, node: Node) -> Operand:
    x, weight = t.flow(node, 0), t.floats(node, 1)
    bias = t.floats(node, 2) if t.has(node, 2) else None
    size, said = images(node, x), node.attributes
    if weight.ndim != 4:
        raise SpecError(f"{node.where}: expected a weight of four axes, got {weight.shape}")
    kernel, stride, dilation = weight.shape[2:], _two(node, "strides"), _two(node, "dilations")
    groups = said.get("group", 1)
    extra = list(said.get("output_padding", [0, 0]))
    padding = _transposed_sides(node, size, kernel, stride, dilation, extra)
    outputs = weight.shape[1] * groups
    settings = {"in_channels": x.shape[1], "out_channels": outputs}
    settings["kernel_size"] = short(kernel)
    settings |= _window_settings(stride, padding, dilation, groups)
    settings |= {"output_padding": short(extra)} if any(extra) else {}
    settings |= {} if bias is not None else {"bias": False}
    if len(weight) != x.shape[1] or (bias is not None and bias.shape != (outputs,)):
        raise SpecError(f"{node.where}: expected a weight and a bias that fit {x.shape[1]} maps")
    return t.layer(node, "ConvTranspose2d", settings, x, state={"weight": weight, "bias": bias})


def _transposed_sides(node, size, kernel, stride, dilation, extra) -> shapes.Sides:
    """Padding of a transposed convolution; ``extra`` grows where the output has to be larger."""
    said = node.attributes
    auto = said.get("auto_pad", "NOTSET")
    wanted = said.get("output_shape")
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size[axis] * stride[axis] for axis in (0, 1)]
    if wanted is None:
        return _sides(node, size, kernel, stride, dilation)
    sides: list[int] = []
    for axis, one in enumerate(zip(size, kernel, stride, strict=True)):
        full = shapes.conv_transpose_output(*one, 0, extra[axis], dilation[axis])
        total = full - wanted[-2:][axis]
        extra[axis] += max(0, -total)
        less, more = max(0, total) // 2, max(0, total) - max(0, total) // 2
        sides += (less, more) if auto == "SAME_UPPER" else (more, less)
    return sides[0], sides[1], sides[2], sides[3]


@operator("MaxPool", "AveragePool")
def pool(t: Translation, node: Node) -> Operand:
    x, said = t.flow(node, 0), node.attributes
    size, kernel, stride = images(node, x), _two(node, "kernel_shape"), _two(node, "strides")
    dilation = _two(node, "dilations")
    if "kernel_shape" not in said:
        raise SpecError(f"{node.where}: expected a kernel_shape, got none")
    if any(node.outputs[1:]):
        raise SpecError(f"{node.where}: expected a pooling without the places of its maxima")
    padding: Any = _sides(node, size, kernel, stride, dilation)
    top, bottom, left, right = padding
    even = (top, left) == (bottom, right) and top <= kernel[0] // 2 and left <= kernel[1] // 2
    settings: dict[str, Any] = {"kernel_size": short(kernel), "stride": short(stride)}
    if any(padding):
        settings["padding"] = short(padding) if even else list(padding)
    settings |= {"ceil_mode": True} if said.get("ceil_mode", 0) else {}
    settings |= {} if dilation == (1, 1) else {"dilation": short(dilation)}
    if node.op == "MaxPool":
        return t.layer(node, "MaxPool2d", settings, x)
    settings |= {} if said.get("count_include_pad", 0) else {"count_include_pad": False}
    return t.layer(node, "AvgPool2d", settings, x)


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    images(node, x)
    kind = "AdaptiveAvgPool2d" if node.op == "GlobalAveragePool" else "AdaptiveMaxPool2d"
    return t.layer(node, kind, {"output_size": 1}, x)


@operator("BatchNormalization")
def batch_norm(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    weight, bias, mean, variance = (t.floats(node, place) for place in range(1, 5))
    if node.attributes.get("training_mode", 0):
        raise SpecError(f"{node.where}: expected a trained network, got one in training")
    eps = node.attributes.get("epsilon", 1e-5)
    if len(x.shape) < 2 or {part.shape for part in (weight, bias, mean, variance)} != {
        x.shape[1:2]
    }:
        raise SpecError(f"{node.where}: expected numbers for each of the maps of {x.shape}")
    if len(x.shape) == 4:
        state = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
        state["num_batches_tracked"] = np.array(0)
        settings = {"num_features": x.shape[1]} | ({} if eps == 1e-5 else {"eps": tidy(eps)})
        return t.layer(node, "BatchNorm2d", settings, x, state=state)
    scale = weight / np.sqrt(variance + np.float32(eps))
    return affine(t, node, x, scale, bias - mean * scale, over=len(x.shape) - 2)


def tidy(value: float) -> float:
    """A number of float32 in few digits: 0.001, not 0.0010000000474974513."""
    return float(str(np.float32(value)))


def affine(
    t: Translation,
    node: Node,
    x: Flow,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    over: int = 0,
) -> Flow:
    """Scale and shift by constants of one shape, with ``over`` more axes of size 1 behind."""
    given = weight if bias is None else bias
    assert given is not None
    shape = (*given.shape, *[1] * over)
    settings: dict[str, Any] = {"shape": list(shape)}
    settings |= {} if weight is not None else {"weight": False}
    settings |= {} if bias is not None else {"bias": False}
    state = {
        name: None if part is None else part.astype(np.float32).reshape(shape)
        for name, part in (("weight", weight), ("bias", bias))
    }
    return t.layer(node, "Affine", settings, x, state=state)


@operator("InstanceNormalization")
def instance_norm(t: Translation, node: Node) -> Operand:
    x, weight, bias = t.flow(node, 0), t.floats(node, 1), t.floats(node, 2)
    eps, channels = node.attributes.get("epsilon", 1e-5), x.shape[1]
    if len(x.shape) == 4:
        return _group_norm(t, node, x, channels, eps, weight, bias)
    return t.function(
        node,
        lambda x: F.group_norm(x, channels, Tensor(weight), Tensor(bias), eps),
        x.shape,
        x,
        weight=weight,
        bias=bias,
        eps=eps,
    )


def _group_norm(t, node, x, groups, eps, weight, bias) -> Flow:
    settings = {"num_groups": groups, "num_channels": x.shape[1]}
    settings |= {} if eps == 1e-5 else {"eps": tidy(eps)}
    return t.layer(node, "GroupNorm", settings, x, state={"weight": weight, "bias": bias})


@operator("GroupNormalization")
def group_norm(t: Translation, node: Node) -> Operand:
    x, weight, bias = t.flow(node, 0), t.floats(node, 1), t.floats(node, 2)
    images(node, x)
    groups, eps = node.attributes["num_groups"], node.attributes.get("epsilon", 1e-5)
    if node.opset < 21:  # a number for each group then
        weight, bias = (part.repeat(x.shape[1] // len(part)) for part in (weight, bias))
    return _group_norm(t, node, x, groups, eps, weight, bias)


@operator("LayerNormalization")
def layer_norm(t: Translation, node: Node) -> Operand:
    x, weight = t.flow(node, 0), t.floats(node, 1)
    axis, eps = node.attributes.get("axis", -1), node.attributes.get("epsilon", 1e-5)
    shape = list(x.shape[axis:])
    bias = t.floats(node, 2) if t.has(node, 2) else None
    settings: dict[str, Any] = {"normalized_shape": shape}
    settings |= {} if eps == 1e-5 else {"eps": tidy(eps)}
    settings |= {} if bias is not None else {"bias": False}
    return t.layer(node, "LayerNorm", settings, x, state={"weight": weight, "bias": bias})


@operator("LRN")
def local_response_norm(t: Translation, node: Node) -> Operand:
    x, said = t.flow(node, 0), node.attributes
    settings = {
        "size": said["size"],
        "alpha": tidy(said.get("alpha", 1e-4)),
        "beta": tidy(said.get("beta", 0.75)),
        "k": tidy(said.get("bias", 1.0)),
    }
    images(node, x)
    if said["size"] % 2 == 0:
        raise SpecError(f"{node.where}: expected an odd size, got {said['size']}")
    return t.layer(node, "LocalResponseNorm", settings, x)


# --- functions of one number ------------------------------------------------------------------

_PLAIN = {
    "Relu": "ReLU",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Softplus": "Softplus",
    "HardSwish": "Hardswish",
}


@operator(*_PLAIN)
def plain(t: Translation, node: Node) -> Operand:
    return t.layer(node, _PLAIN[node.op], {}, t.flow(node, 0))


@operator("LeakyRelu")
def leaky_relu(t: Translation, node: Node) -> Operand:
    slope = tidy(node.attributes.get("alpha", 0.01))
    return t.layer(node, "LeakyReLU", {"negative_slope": slope}, t.flow(node, 0))


@operator("Elu")
def elu(t: Translation, node: Node) -> Operand:
    return t.layer(node, "ELU", {"alpha": tidy(node.attributes.get("alpha", 1.0))}, t.flow(node, 0))


@operator("Selu")
def selu(t: Translation, node: Node) -> Operand:
    x, said = t.flow(node, 0), node.attributes
    alpha, scale = said.get("alpha", F.SELU_ALPHA), said.get("gamma", F.SELU_SCALE)
    usual = math.isclose(alpha, F.SELU_ALPHA, rel_tol=1e-6)
    if usual and math.isclose(scale, F.SELU_SCALE, rel_tol=1e-6):
        return t.layer(node, "SELU", {}, x)
    bent = t.layer(node, "ELU", {"alpha": tidy(alpha)}, x)
    return t.layer(node, "Rescale", {"scale": tidy(scale)}, bent)


@operator("Gelu")
def gelu(t: Translation, node: Node) -> Operand:
    kind = node.attributes.get("approximate", "none")
    return t.layer(node, "GELU", {} if kind == "none" else {"approximate": kind}, t.flow(node, 0))


@operator("Swish")
def swish(t: Translation, node: Node) -> Operand:
    if node.attributes.get("alpha", 1.0) != 1:
        raise SpecError(f"{node.where}: expected an alpha of 1")
    return t.layer(node, "SiLU", {}, t.flow(node, 0))


@operator("HardSigmoid")
def hard_sigmoid(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    slope, middle = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if math.isclose(slope, 1 / 6, rel_tol=1e-6) and middle == 0.5:
        return t.layer(node, "Hardsigmoid", {}, x)
    line = t.layer(node, "Rescale", {"scale": tidy(slope), "shift": tidy(middle)}, x)
    return t.layer(node, "Hardtanh", {"min_val": 0.0, "max_val": 1.0}, line)


@operator("Clip")
def clip(t: Translation, node: Node) -> Operand:
    x = t.flow(node, 0)
    low, high = (t.setting(node, place, name, None) for place, name in ((1, "min"), (2, "max")))
    low = None if low is None or low < -LARGE else tidy(low)
    high = None if high is None or high > LARGE else tidy(high)
    if (low, high) == (0, 6):
        return t.layer(node, "ReLU6", {}, x)
    if (low, high) == (0, None):
        return t.layer(node, "ReLU", {}, x)
    if (low, high) == (None, None):
        return x
    return t.layer(node, "Hardtanh", {"min_val": low, "max_val": high}, x)


@operator("PRelu")
def prelu(t: Translation, node: Node) -> Operand:
    x, slope = t.flow(node, 0), t.floats(node, 1)
    # Before opset 7 a list had a number for each channel.
    axes = 1 if node.opset < 7 else len(x.shape) - 1
    of_maps = slope.ndim == axes > 0 and slope.size == slope.shape[0] == x.shape[1]
    if slope.size == 1 or of_maps:
        state = {"weight": slope.reshape(-1)}
        return t.layer(node, "PReLU", {"num_parameters": slope.size}, x, state=state)
    # max(x, 0) - slope max(-x, 0)
    above = t.layer(node, "ReLU", {}, x)
    below = t.layer(node, "ReLU", {}, t.layer(node, "Rescale", {"scale": -1.0}, x))
    if slope.ndim < len(x.shape):
        return t.layer(node, "Add", {}, above, affine(t, node, below, -slope, None))
    weight = Tensor(-slope)
    return t.function(node, lambda a, b: a + b * weight, x.shape, above, below)


@operator("Dropout")
def dropout(t: Translation, node: Node) -> list[Operand]:
    x = t.flow(node, 0)
    chance = float(t.setting(node, 1, "ratio", 0.5))
    if t.has(node, 2) and t.constant(node, 2).item() and chance:
        raise SpecError(f"{node.where}: expected a trained network, got one in training")
    return [t.layer(node, "Dropout", {"p": tidy(chance)}, x), np.ones(x.shape, bool)]
