"""A network of convlab as an ONNX file.

Each kind of layer has a function that gives its operators: it takes the file that is being made,
the layer, the shape of an input without the batch, and the names of what it reads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convlab import nn, shapes
from convlab.checks import checked
from convlab.errors import ConvlabError, SpecError
from convlab.files import write_atomically
from convlab.models.onnx.graph import package
from convlab.models.spec import Network
from convlab.models.summary import INPUT

OPSET = 20
"""The opset that is written: the oldest that has all operators that are needed."""
_IR_VERSION = 9  # that of opset 20
_BATCH = "N"
_OUTPUT = "output"


@checked
def to_onnx(network: Network, path: str | os.PathLike) -> None:
    """Write a network, as it answers once trained, as an .onnx file for any number of images.

    Its input is called "input", its output "output": logits, or what its last layer gives.  Raises
    SpecError for a layer that ONNX cannot express, RunError for a file that cannot be written.
    """
    model = onnx_model(network)
    write_atomically(Path(path), model.SerializeToString())


def onnx_model(network: Network) -> Any:
    """A network as an onnx.ModelProto.  Raises SpecError."""
    onnx = package()
    file = _File(onnx.helper)
    rows, sources = network.shapes(), network.sources()
    names = {INPUT: INPUT}
    for name, layer, before, _ in rows:
        read = [names[source] for source in sources[name]]
        last = name == rows[-1][0]
        try:
            result = file.layer(name, layer, tuple(before), read)
        except SpecError:
            raise
        except ConvlabError as error:
            raise SpecError(f"{name}: {error}") from None
        names[name] = file.add("Identity", [result], output=_OUTPUT) if last else result
    make = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        file.nodes,
        network.name or "network",
        [make(INPUT, 1, [_BATCH, *network.input_shape])],
        [make(_OUTPUT, 1, [_BATCH, *rows[-1][3]])],
        [onnx.numpy_helper.from_array(array, name) for name, array in file.constants.items()],
    )
    return onnx.helper.make_model(
        graph,
        producer_name="convlab",
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )


class _File:
    """Nodes and constants so far; ``layer`` is the name of the one that is being written."""

    def __init__(self, helper: Any):
        self._helper = helper
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self._shared: dict[int, str] = {}
        self._name = ""
        self._count = 0

    def layer(self, name: str, layer: nn.Module, shape: tuple[int, ...], read: list[str]) -> str:
        """Write a layer's operators; the name of what it gives.  Raises SpecError."""
        self._name, self._count = name, 0
        kind = type(layer).__name__
        if kind not in _LAYERS or nn.LAYERS.get(kind) is not type(layer):
            raise SpecError(
                f"{name}: expected a layer that convlab writes as ONNX, got {kind}; these are"
                f" {', '.join(sorted(_LAYERS))}"
            )
        return _LAYERS[kind](self, layer, shape, read)

    def add(
        self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node; the name of its output."""
        self._count += 1
        name = self._name if self._count == 1 else f"{self._name}.{self._count}"
        output = output or f"{name}.out"
        node = self._helper.make_node(op, list(inputs), [output], name=name, **attributes)
        self.nodes.append(node)
        return output

    def weight(self, attribute: str, tensor: nn.Parameter | nn.Buffer | None) -> list[str]:
        """The name of a parameter, kept once even where several layers have it; none for None."""
        if tensor is None:
            return []
        name = self._shared.setdefault(id(tensor), f"{self._name}.{attribute}")
        return [self.constant(name, tensor.numpy(), own=True)]

    def constant(self, name: str, values: Any, own: bool = False) -> str:
        """A constant of the layer; floats are kept as float32."""
        array = np.array(values, order="C")
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        full = name if own else f"{self._name}.{name}"
        self.constants[full] = array
        return full


Writer = Callable[[_File, Any, tuple[int, ...], list[str]], str]
_LAYERS: dict[str, Writer] = {}


def _writes(*names: str) -> Callable[[Writer], Writer]:
    def register(function: Writer) -> Writer:
        _LAYERS.update(dict.fromkeys(names, function))
        return function

    return register


# --- windows and weights ----------------------------------------------------------------------


def _pads(sides: shapes.Sides) -> list[int]:
    top, bottom, left, right = sides
    return [top, left, bottom, right]


def _window(layer: Any, sides: shapes.Sides) -> dict[str, Any]:
    return {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "pads": _pads(sides),
    }


_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@_writes("Conv2d", "TableConv2d")
def _conv(file: _File, layer: Any, shape, read):
    sides = layer.padding
    if layer.padding_mode != "zeros":
        top, bottom, left, right = sides
        read = [_padded(file, read, (left, right, top, bottom), layer.padding_mode)]
        sides = (0, 0, 0, 0)
    weight = file.weight("weight", layer.weight)
    if layer.connections_table is not None:
        weight = [file.constant(weight[0], layer.arrays()["weight"], own=True)]
    return file.add(
        "Conv",
        [*read, *weight, *file.weight("bias", layer.bias)],
        dilations=list(layer.dilation),
        group=layer.groups,
        **_window(layer, sides),
    )


@_writes("ConvTranspose2d")
def _conv_transpose(file: _File, layer: Any, shape, read):
    weights = [*file.weight("weight", layer.weight), *file.weight("bias", layer.bias)]
    return file.add(
        "ConvTranspose",
        [*read, *weights],
        dilations=list(layer.dilation),
        group=layer.groups,
        output_padding=list(layer.output_padding),
        **_window(layer, layer.padding),
    )


@_writes("Linear")
def _linear(file: _File, layer: Any, shape, read):
    weights = [*file.weight("weight", layer.weight), *file.weight("bias", layer.bias)]
    return file.add("Gemm", [*read, *weights], transB=1)


@_writes("Subsample2d")
def _subsample(file: _File, layer: Any, shape, read):
    kernel = layer.weight.numpy()[:, None, None, None] * np.ones((1, 1, *layer.kernel_size))
    weight = file.constant("weight", kernel.astype(np.float32))
    return file.add(
        "Conv",
        [*read, weight, *file.weight("bias", layer.bias)],
        group=layer.channels,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.kernel_size),
    )


@_writes("EuclideanRBF")
def _distance(file: _File, layer: Any, shape, read):
    apart = file.add("Unsqueeze", [*read, file.constant("axis", [1])])
    difference = file.add("Sub", [apart, file.constant("centres", layer.centres)])
    return file.add("ReduceSumSquare", [difference, file.constant("over", [2])], keepdims=0)


@_writes("MaxPool2d")
def _max_pool(file: _File, layer: Any, shape, read):
    window = _window(layer, layer.window(shape).padding)
    return file.add(
        "MaxPool",
        read,
        dilations=list(layer.dilation),
        ceil_mode=int(layer.ceil_mode),
        **window,
    )


@_writes("AvgPool2d")
def _average_pool(file: _File, layer: Any, shape, read):
    window = _window(layer, layer.window(shape).padding)
    settings: dict[str, Any] = {
        "ceil_mode": int(layer.ceil_mode),
        "dilations": list(layer.dilation),
    } | window
    settings["count_include_pad"] = int(layer.count_include_pad)
    if layer.divisor_override is None:
        return file.add("AveragePool", read, **settings)
    settings["count_include_pad"] = 1
    if layer.ceil_mode:
        raise SpecError("AvgPool2d: expected no ceil_mode with a divisor_override, for ONNX")
    mean = file.add("AveragePool", read, **settings)
    times = math.prod(layer.kernel_size) / layer.divisor_override
    return file.add("Mul", [mean, file.constant("times", np.float32(times))])


@_writes("AdaptiveAvgPool2d", "AdaptiveMaxPool2d")
def _adaptive_pool(file: _File, layer: Any, shape, read):
    op = "MaxPool" if layer.reduction == "maximum" else "AveragePool"
    windows = layer.windows(shape)
    if windows.output == (1, 1):
        return file.add(f"Global{op}", read)
    window = layer.window(shape)
    if window is None:
        raise SpecError(
            f"{type(layer).__name__}: expected windows of one size, for ONNX, got"
            f" {shapes.size_text(*windows.output)} of {shapes.size_text(*windows.input)}"
        )
    return file.add(op, read, kernel_shape=list(window.kernel), strides=list(window.stride))


# --- normalisation ----------------------------------------------------------------------------


@_writes("BatchNorm2d")
def _batch_norm(file: _File, layer: Any, shape, read):
    if layer.running_mean is None:
        raise SpecError("BatchNorm2d: expected running statistics, for ONNX, got a layer without")
    count = layer.num_features
    names = [
        *(file.weight("weight", layer.weight) or [file.constant("weight", np.ones(count))]),
        *(file.weight("bias", layer.bias) or [file.constant("bias", np.zeros(count))]),
        *file.weight("running_mean", layer.running_mean),
        *file.weight("running_var", layer.running_var),
    ]
    return file.add("BatchNormalization", [*read, *names], epsilon=layer.eps)


@_writes("GroupNorm")
def _group_norm(file: _File, layer: Any, shape, read):
    groups, channels = layer.num_groups, layer.num_channels
    apart = file.add("Reshape", [*read, file.constant("apart", [0, groups, -1])])
    ones, zeros = np.ones(groups), np.zeros(groups)
    scaled = [file.constant("ones", ones), file.constant("zeros", zeros)]
    normal = file.add("InstanceNormalization", [apart, *scaled], epsilon=layer.eps)
    together = file.add("Reshape", [normal, file.constant("together", [0, *shape])])
    if layer.weight is None:
        return together
    size = (channels, *[1] * (len(shape) - 1))
    weight = file.constant("weight", layer.weight.numpy().reshape(size))
    bias = file.constant("bias", layer.bias.numpy().reshape(size))
    return file.add("Add", [file.add("Mul", [together, weight]), bias])


@_writes("LayerNorm")
def _layer_norm(file: _File, layer: Any, shape, read):
    scale = file.weight("weight", layer.weight) or [
        file.constant("weight", np.ones(layer.normalized_shape))
    ]
    return file.add(
        "LayerNormalization",
        [*read, *scale, *file.weight("bias", layer.bias)],
        axis=-len(layer.normalized_shape),
        epsilon=layer.eps,
    )


@_writes("LocalResponseNorm")
def _response_norm(file: _File, layer: Any, shape, read):
    if layer.size % 2 == 0:
        raise SpecError(f"LocalResponseNorm: expected an odd size, for ONNX, got {layer.size}")
    return file.add("LRN", read, size=layer.size, alpha=layer.alpha, beta=layer.beta, bias=layer.k)


@_writes("Affine")
def _affine(file: _File, layer: Any, shape, read):
    for op, name in (("Mul", "weight"), ("Add", "bias")):
        given = file.weight(name, getattr(layer, name))
        read = [file.add(op, [*read, *given])] if given else read
    return read[0]


# --- functions of one number ------------------------------------------------------------------


def _one(op: str, **attributes: Any) -> Writer:
    return lambda file, layer, shape, read: file.add(op, read, **attributes)


_LAYERS |= {
    "ReLU": _one("Relu"),
    "Sigmoid": _one("Sigmoid"),
    "Tanh": _one("Tanh"),
    "Hardsigmoid": _one("HardSigmoid", alpha=1 / 6, beta=0.5),
    "Hardswish": _one("HardSwish"),
    "SELU": _one("Selu"),
    "Identity": _one("Identity"),
    "Dropout2d": _one("Identity"),
    "LeakyReLU": lambda file, layer, shape, read: file.add(
        "LeakyRelu", read, alpha=layer.negative_slope
    ),
    "Permute": lambda file, layer, shape, read: file.add("Transpose", read, perm=list(layer.dims)),
    "ELU": lambda file, layer, shape, read: file.add("Elu", read, alpha=layer.alpha),
    "GELU": lambda file, layer, shape, read: file.add("Gelu", read, approximate=layer.approximate),
    "Softmax": lambda file, layer, shape, read: file.add("Softmax", read, axis=layer.dim),
    "Dropout": lambda file, layer, shape, read: file.add(
        "Dropout", [*read, file.constant("ratio", np.float32(layer.p))]
    ),
}


def _rescaled(file: _File, read: list[str], scale: float, shift: float = 0.0) -> str:
    (result,) = read
    if scale != 1:
        result = file.add("Mul", [result, file.constant("scale", np.float32(scale))])
    if shift:
        result = file.add("Add", [result, file.constant("shift", np.float32(shift))])
    return result


@_writes("Rescale")
def _rescale(file: _File, layer: Any, shape, read):
    return _rescaled(file, read, layer.scale, layer.shift)


@_writes("ReLU6")
def _relu6(file: _File, layer: Any, shape, read):
    return _clip(file, read, 0.0, 6.0)


@_writes("Hardtanh")
def _hardtanh(file: _File, layer: Any, shape, read):
    return _clip(file, read, layer.min_val, layer.max_val)


def _clip(file: _File, read: list[str], low: float | None, high: float | None) -> str:
    limits = [
        "" if value is None else file.constant(name, np.float32(value))
        for name, value in (("min", low), ("max", high))
    ]
    return file.add("Clip", [*read, *limits])


@_writes("ScaledTanh")
def _scaled_tanh(file: _File, layer: Any, shape, read):
    inner = file.add("Mul", [*read, file.constant("slope", np.float32(2 / 3))])
    return _rescaled(file, [file.add("Tanh", [inner])], 1.7159)


@_writes("SiLU")
def _silu(file: _File, layer: Any, shape, read):
    return file.add("Mul", [*read, file.add("Sigmoid", read)])


@_writes("PReLU")
def _prelu(file: _File, layer: Any, shape, read):
    slope = layer.weight.numpy()
    slope = slope.reshape(-1, *[1] * (len(shape) - 1)) if len(slope) > 1 else slope
    return file.add("PRelu", [*read, file.constant("weight", slope)])


@_writes("Softplus")
def _softplus(file: _File, layer: Any, shape, read):
    if layer.threshold < 17:
        raise SpecError(f"Softplus: expected the usual threshold, for ONNX, got {layer.threshold}")
    inner = file.add("Softplus", [_rescaled(file, read, layer.beta)])
    if layer.beta == 1:
        return inner
    return file.add("Div", [inner, file.constant("beta", np.float32(layer.beta))])


# --- the same numbers at other places, and joins ----------------------------------------------


def _padded(file: _File, read: list[str], sides: Sequence[int], mode: str, value=None) -> str:
    left, right, top, bottom = sides
    pads = file.constant("pads", [0, 0, top, left, 0, 0, bottom, right])
    filled = [] if not value else [file.constant("value", np.float32(value))]
    return file.add("Pad", [*read, pads, *filled], mode=_MODES[mode])


@_writes("ZeroPad2d", "ReflectionPad2d", "ReplicationPad2d", "CircularPad2d")
def _pad(file: _File, layer: Any, shape, read):
    return _padded(file, read, layer.padding, layer.mode, layer.value)


@_writes("Flatten", "Reshape")
def _flatten(file: _File, layer: Any, shape, read):
    after = layer.output_shape(shape)
    if len(after) == 1:
        return file.add("Flatten", read, axis=1)
    return file.add("Reshape", [*read, file.constant("shape", [0, *after])])


@_writes("Shortcut2d")
def _shortcut(file: _File, layer: Any, shape, read):
    if layer.stride > 1:
        names = ("starts", "ends", "axes", "steps")
        values = ([0, 0], list(shape[1:]), [2, 3], [layer.stride] * 2)
        cuts = [file.constant(name, one) for name, one in zip(names, values, strict=True)]
        read = [file.add("Slice", [*read, *cuts])]
    new = layer.out_channels - layer.in_channels
    if not new:
        return read[0] if layer.stride > 1 else file.add("Identity", read)
    before = new // 2
    pads = file.constant("pads", [0, before, 0, 0, 0, new - before, 0, 0])
    return file.add("Pad", [*read, pads])


@_writes("Slice")
def _slice(file: _File, layer: Any, shape, read):
    axes = list(range(1, len(shape) + 1))
    values = {"starts": layer.starts, "ends": layer.ends, "axes": axes, "steps": layer.steps}
    cuts = [file.constant(name, list(value)) for name, value in values.items()]
    return file.add("Slice", [*read, *cuts])


@_writes("PixelShuffle")
def _pixel_shuffle(file: _File, layer: Any, shape, read):
    return file.add("DepthToSpace", read, blocksize=layer.upscale_factor, mode="CRD")


@_writes("ChannelShuffle")
def _channel_shuffle(file: _File, layer: Any, shape, read):
    groups, (channels, rows, columns) = layer.groups, shape
    split = file.constant("apart", [0, groups, channels // groups, rows, columns])
    turned = file.add("Transpose", [file.add("Reshape", [*read, split])], perm=[0, 2, 1, 3, 4])
    return file.add("Reshape", [turned, file.constant("together", [0, channels, rows, columns])])


def _resized(file: _File, layer: Any, shape, read, scales=None, **rules: Any) -> str:
    if scales is not None:
        factors = file.constant("scales", np.array([1, 1, *scales], np.float32))
        return file.add("Resize", [*read, "", factors], **rules)
    _, rows, columns = layer.output_shape(shape)
    half = file.add("Shape", read, start=0, end=2)
    size = file.add("Concat", [half, file.constant("size", [rows, columns])], axis=0)
    return file.add("Resize", [*read, "", "", size], **rules)


@_writes("Upsample")
def _upsample(file: _File, layer: Any, shape, read):
    factor = layer.scale_factor
    scales = [factor] * 2 if isinstance(factor, int | float) else factor
    if layer.mode == "nearest":
        rules = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return _resized(file, layer, shape, read, scales, mode="nearest", **rules)
    align = "align_corners" if layer.align_corners else "half_pixel"
    rules = {"coordinate_transformation_mode": align}
    if layer.align_corners:
        scales = None  # what counts are the sizes, which a scale may not divide
    return _resized(file, layer, shape, read, scales, mode="linear", **rules)


@_writes("Resize2d")
def _resize(file: _File, layer: Any, shape, read):
    if layer.coordinates == "tf_crop_and_resize":
        raise SpecError("Resize2d: expected another rule than tf_crop_and_resize, for ONNX")
    return _resized(
        file,
        layer,
        shape,
        read,
        layer.scales,
        mode=layer.mode,
        coordinate_transformation_mode=layer.coordinates,
        nearest_mode=layer.nearest,
        cubic_coeff_a=layer.cubic,
        antialias=int(layer.antialias),
        exclude_outside=int(layer.exclude_outside),
    )


_LAYERS |= {
    "Add": _one("Sum"),
    "Sub": _one("Sub"),
    "Div": _one("Div"),
    "Concat": _one("Concat", axis=1),
}


@_writes("Mul")
def _mul(file: _File, layer: Any, shape, read):
    first, *others = read
    for other in others:
        first = file.add("Mul", [first, other])
    return first
