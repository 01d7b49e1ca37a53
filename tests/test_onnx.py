"""Networks from ONNX files and into them, by the programs that write and read these."""

import os
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from convlab import models, nn, no_grad, onnx_backend
from convlab.errors import SpecError
from convlab.tensors import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
TF = torch.nn.functional

SMALL = {"alexnet": (3, 224, 224), "googlenet": (3, 96, 96), "densenet121": (3, 64, 64)}
SMALL |= {"unet": (1, 188, 188), "alexnet-slim": (3, 224, 224), "vgg16": (3, 224, 224)}


def network_of(name):
    """A network by name, as small as it can be, with statistics and weights at random."""
    rng = np.random.default_rng(len(name))
    shape = models.input_shape(name)
    if shape[1] > 100:
        shape = SMALL.get(name, (shape[0], 64, 64))
    network = models.build(name, input_shape=shape, classes=10).eval()
    for key, tensor in network.named_state().items():
        if key.endswith("running_var"):
            tensor.data = rng.uniform(0.5, 2, tensor.shape).astype(np.float32)
        elif key.endswith("weight") and tensor.ndim == 1:
            tensor.data = rng.uniform(0.7, 1.3, tensor.shape).astype(np.float32)
        elif key.endswith(("running_mean", "bias")):
            tensor.data = rng.normal(0, 0.3, tensor.shape).astype(np.float32)
    return network


def images_for(network, count=2):
    shape = (count, *network.input_shape)
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


def answers(network, x):
    with no_grad():
        return network(Tensor(x)).numpy()


def by_onnxruntime(path, x):
    session = onnxruntime.InferenceSession(str(path))
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def assert_close(found, expected, most=1e-4):
    scale = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=most * scale)


def kinds(network):
    return [type(layer).__name__ for layer in network]


# --- PyTorch's counterpart of a network -------------------------------------------------------


class Shortcut2d(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.stride, self.new = layer.stride, layer.out_channels - layer.in_channels

    def forward(self, x):
        before = self.new // 2
        x = x[:, :, :: self.stride, :: self.stride]
        return TF.pad(x, (0, 0, 0, 0, before, self.new - before))


class Subsample2d(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.size = layer.kernel_size
        self.weight = torch.nn.Parameter(torch.zeros(layer.channels))
        self.bias = torch.nn.Parameter(torch.zeros(layer.channels))

    def forward(self, x):
        total = TF.avg_pool2d(x, self.size) * (self.size[0] * self.size[1])
        return total * self.weight[:, None, None] + self.bias[:, None, None]


class EuclideanRBF(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.register_buffer("centres", torch.tensor(layer.centres), persistent=False)

    def forward(self, x):
        return ((x[:, None] - self.centres) ** 2).sum(2)


class ScaledTanh(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()

    def forward(self, x):
        return 1.7159 * torch.tanh(2 / 3 * x)


class UnevenConv2d(torch.nn.Conv2d):
    """A convolution that pads its sides differently."""

    def forward(self, x):
        top, bottom, left, right = self.sides
        return super().forward(TF.pad(x, (left, right, top, bottom)))


class Join(torch.nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.kind = type(layer).__name__

    def forward(self, *inputs):
        if self.kind == "Concat":
            return torch.cat(inputs, 1)
        first, *others = inputs
        for other in others:
            first = first + other if self.kind == "Add" else first * other
        return first


def counterpart(layer: nn.Module) -> torch.nn.Module:
    if isinstance(layer, nn.TableConv2d):  # what is not connected has weights of 0
        return torch.nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)
    if isinstance(layer, nn.Conv2d) and layer.padding[::2] != layer.padding[1::2]:
        sizes = layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride
        bias = layer.bias is not None
        uneven = UnevenConv2d(*sizes, dilation=layer.dilation, groups=layer.groups, bias=bias)
        uneven.sides = layer.padding
        return uneven
    own = {kind.__name__: kind for kind in (Shortcut2d, Subsample2d, EuclideanRBF, ScaledTanh)}
    if isinstance(layer, nn.Join):
        return Join(layer)
    if type(layer).__name__ in own:
        return own[type(layer).__name__](layer)
    return getattr(torch.nn, type(layer).__name__)(**layer.pytorch_arguments())


class Mirror(torch.nn.Module):
    """The same layers with the same weights."""

    def __init__(self, network):
        super().__init__()
        self.reads = [(name, sources) for name, _, sources in network.nodes()]
        for name, layer in network.named_children():
            module, inside = counterpart(layer), self
            *above, last = name.split(".")
            for part in above:
                if not hasattr(inside, part):
                    inside.add_module(part, torch.nn.Module())
                inside = getattr(inside, part)
            for part, other in getattr(inside, last, torch.nn.Module()).named_children():
                module.add_module(part, other)  # a join that is called as the block it ends
            inside.add_module(last, module)
            state = {k: torch.tensor(v) for k, v in layer.state_dict().items()}
            module.load_state_dict(state, strict=False)
            assert state.keys() <= module.state_dict().keys()

    def forward(self, x):
        values = {None: x}
        for name, sources in self.reads:
            values[name] = self.get_submodule(name)(*(values[source] for source in sources))
        return values[name]


# --- every network by name --------------------------------------------------------------------


LARGE = "alexnet", "densenet121", "googlenet", "resnet34", "resnet50", "unet", "vgg16"
NAMES = [
    pytest.param(name, marks=[pytest.mark.campaign] if name in LARGE else [])
    for name in models.model_names()
]


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", NAMES)
def test_a_network_for_onnxruntime_and_back(name, tmp_path):
    network, path = network_of(name), tmp_path / "net.onnx"
    x = images_for(network)
    expected = answers(network, x)
    models.to_onnx(network, path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert_close(by_onnxruntime(path, x), expected)
    if name == "lenet5-1998":  # its distances are no layer that a spec can have centres for
        assert_close(onnx_backend.run_model(onnx.load(path), [x])[0], expected)
        return
    back = models.from_onnx(path)
    assert_close(answers(back, x), expected)
    # An adaptive pooling of a fixed input, other than to a single number, is a plain one in ONNX.
    pooling = [kind.replace("AdaptiveAvg", "Avg") for kind in kinds(network)]
    assert [kind.replace("AdaptiveAvg", "Avg") for kind in kinds(back)] == pooling
    assert list(back.state_dict()) == list(network.state_dict())
    assert back.parameter_count() == network.parameter_count()


def exported(network, path, x, dynamo):
    """Write a network by one of PyTorch's two exporters; what PyTorch answers for x."""
    module = Mirror(network).eval()
    batch = {"dynamic_axes": {"x": {0: "N"}}}
    if dynamo:
        batch = {"dynamic_shapes": ({0: torch.export.Dim("N")},)}
    torch.onnx.export(
        module, (torch.tensor(x),), path, dynamo=dynamo, input_names=["x"], verbose=False, **batch
    )
    with torch.no_grad():
        return module(torch.tensor(x)).numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.sample(2)
@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_network_from_pytorch(name, dynamo, tmp_path):
    network, path = network_of(name), tmp_path / "net.onnx"
    x = images_for(network)
    expected = exported(network, path, x, dynamo)
    if name == "lenet5-1998":
        model = onnx.load(path)
        assert_close(onnx_backend.run_model(model, [x])[0], expected)
        return
    imported = models.from_onnx(path)
    assert_close(answers(imported, x), expected)
    # Those without a normalisation, which the older exporter takes into them under other names.
    own = {name for name in network.state_dict() if name.endswith("weight")}
    assert {name for name in imported.state_dict() if name.endswith("weight")} <= own or not dynamo
    convolutions = [kind for kind in kinds(network) if kind == "Conv2d"]
    assert [kind for kind in kinds(imported) if kind == "Conv2d"] == convolutions
    more = images_for(network, 3)  # the batch is open, whatever it was exported with
    assert_close(answers(imported, more), answers(network, more))


# --- layers one by one ------------------------------------------------------------------------

LAYERS = {
    "conv reflect": (nn.Conv2d(3, 4, 3, 2, (1, 2, 0, 1), padding_mode="reflect"), (3, 7, 8)),
    "conv circular": (nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), (3, 7, 8)),
    "conv groups": (nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0, 2, 1), 2, 2, False), (4, 8, 7)),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, (2, 3), (1, 0), (1, 2), 2), (4, 5, 3)),
    "max ceil": (nn.MaxPool2d((3, 2), 2, 1, (2, 1), True), (3, 8, 7)),
    "max four sides": (nn.MaxPool2d(3, 2, (2, 0, 1, 1)), (3, 8, 7)),
    "mean dilated": (nn.AvgPool2d(2, 1, 1, dilation=2), (3, 8, 7)),
    "mean without padding": (nn.AvgPool2d(3, 2, 1, True, False), (3, 8, 7)),
    "mean with divisor": (nn.AvgPool2d((2, 3), divisor_override=4), (3, 8, 9)),
    "adaptive": (nn.AdaptiveAvgPool2d((2, 3)), (3, 8, 9)),
    "adaptive max": (nn.AdaptiveMaxPool2d(1), (3, 8, 9)),
    "batch norm": (nn.BatchNorm2d(3, 1e-3, affine=False).eval(), (3, 4, 5)),
    "group norm": (nn.GroupNorm(2, 4, 1e-3), (4, 3, 5)),
    "layer norm": (nn.LayerNorm((5,), bias=False), (4, 3, 5)),
    "lrn": (nn.LocalResponseNorm(3, 0.1, 0.7, 2.0), (5, 3, 4)),
    "affine": (nn.Affine((3, 1, 5)), (3, 4, 5)),
    "rescale": (nn.Rescale(-2, 0.5), (3, 4, 5)),
    "leaky": (nn.LeakyReLU(0.2), (3, 4)),
    "prelu": (nn.PReLU(3), (3, 4, 5)),
    "elu": (nn.ELU(0.7), (3, 4)),
    "selu": (nn.SELU(), (7,)),
    "gelu": (nn.GELU(), (7,)),
    "gelu tanh": (nn.GELU("tanh"), (7,)),
    "silu": (nn.SiLU(), (3, 4, 5)),
    "relu6": (nn.ReLU6(), (7,)),
    "hardtanh": (nn.Hardtanh(-0.5, 1.5), (3, 4, 5)),
    "hardtanh above": (nn.Hardtanh(None, 0.25), (7,)),
    "hardsigmoid": (nn.Hardsigmoid(), (7,)),
    "hardswish": (nn.Hardswish(), (3, 4, 5)),
    "softplus": (nn.Softplus(2), (7,)),
    "softmax": (nn.Softmax(1), (3, 4, 5)),
    "scaled tanh": (nn.ScaledTanh(), (7,)),
    "sigmoid": (nn.Sigmoid(), (7,)),
    "reshape": (nn.Reshape((2, 6, 5)), (3, 4, 5)),
    "permute": (nn.Permute((0, 3, 1, 2)), (3, 4, 5)),
    "flatten": (nn.Flatten(), (3, 4, 5)),
    "padding": (nn.ZeroPad2d((1, 2, 0, -1)), (3, 4, 5)),
    "mirrored": (nn.ReflectionPad2d(1), (3, 4, 5)),
    "repeated": (nn.ReplicationPad2d((0, 3, 0, 0)), (3, 4, 5)),
    "from the other side": (nn.CircularPad2d((1, 0, 0, 2)), (3, 4, 5)),
    "slice": (nn.Slice((1, 0, 1), (3, 9, 4), (1, 2, 1)), (4, 5, 6)),
    "shortcut": (nn.Shortcut2d(2, 5, 2), (2, 5, 4)),
    "pixel shuffle": (nn.PixelShuffle(2), (8, 3, 2)),
    "channel shuffle": (nn.ChannelShuffle(3), (6, 3, 2)),
    "upsample": (nn.Upsample(scale_factor=2.5), (3, 4, 6)),
    "upsample to": (nn.Upsample((5, 9), mode="bilinear"), (3, 4, 5)),
    "upsample aligned": (nn.Upsample((5, 9), mode="bilinear", align_corners=True), (3, 4, 5)),
    "resize": (nn.Resize2d((6, 3), "cubic", "half_pixel", cubic=-0.5), (3, 4, 5)),
    "dropout": (nn.Dropout(0.3).eval(), (3, 4)),
    "identity": (nn.Identity(), (3, 4)),
}
# Layers that come back as others, which do the same.
BACK = {
    "conv reflect": ["ReflectionPad2d", "Conv2d"],
    "conv circular": ["CircularPad2d", "Conv2d"],
    "mean with divisor": ["AvgPool2d", "Rescale"],
    "adaptive": ["AvgPool2d"],
    "scaled tanh": ["Rescale", "Tanh", "Rescale"],
    "softplus": ["Rescale", "Softplus", "Rescale"],
    "softmax": [],
}


@pytest.mark.parametrize("text", LAYERS)
def test_a_layer_for_onnxruntime_and_back(text, tmp_path):
    layer, shape = LAYERS[text]
    rng = np.random.default_rng(1)
    state = {
        name: values if name.endswith("tracked") else rng.uniform(0.3, 1.7, values.shape)
        for name, values in layer.state_dict().items()
    }
    layer.load_state_dict(state)
    # Images before it, whatever it takes.
    first = nn.Reshape(shape)
    count = int(np.prod(shape))
    sizes = (1, 1, count)
    branches = {"first": ("input",), "layer": ("first",)}
    network = models.GraphNetwork({"first": first, "layer": layer}, branches)
    network.input_shape, path = sizes, tmp_path / "net.onnx"
    x = 2 * np.random.default_rng(2).standard_normal((2, *sizes)).astype(np.float32)
    expected = answers(network, x)
    models.to_onnx(network, path)
    assert_close(by_onnxruntime(path, x), expected, 2e-6)
    (answer,) = onnx_backend.run_model(onnx.load(path), [x])
    assert_close(answer, expected, 2e-6)
    if text in ("softmax", "identity"):
        return
    back = models.from_onnx(path)
    assert_close(answers(back, x).reshape(expected.shape), expected, 2e-6)
    expected_kinds = BACK.get(text, [type(layer).__name__])
    assert [kind for kind in kinds(back) if kind not in ("Reshape", "Flatten")] == [
        kind for kind in expected_kinds if kind not in ("Reshape", "Flatten")
    ]


def test_joins(tmp_path):
    layers = {
        "a": nn.Conv2d(2, 3, 1),
        "b": nn.Conv2d(2, 3, 1),
        "gate": nn.AdaptiveAvgPool2d(1),
        "sum": nn.Add(),
        "difference": nn.Sub(),
        "quotient": nn.Div(),
        "product": nn.Mul(),
        "together": nn.Concat(),
    }
    reads = {
        "a": ("input",),
        "b": ("input",),
        "gate": ("b",),
        "sum": ("a", "b", "a"),
        "difference": ("sum", "b"),
        "quotient": ("difference", "sum"),
        "product": ("quotient", "gate"),
        "together": ("product", "sum"),
    }
    network = models.GraphNetwork(layers, reads)
    network.input_shape, path = (2, 4, 5), tmp_path / "net.onnx"
    x = images_for(network)
    models.to_onnx(network, path)
    back = models.from_onnx(path)
    assert kinds(back) == kinds(network)
    assert list(back.sources().values()) == list(network.sources().values())
    assert_close(by_onnxruntime(path, x), answers(network, x), 1e-5)
    assert_close(answers(back, x), answers(network, x), 1e-6)


def test_a_layer_that_onnx_has_not(tmp_path):
    network = models.Network({"pool": nn.AdaptiveAvgPool2d(2)})
    network.input_shape = (1, 5, 5)
    with pytest.raises(SpecError, match=r"AdaptiveAvgPool2d: expected windows of one size"):
        models.to_onnx(network, tmp_path / "net.onnx")
    assert os.listdir(tmp_path) == []


# --- files of others --------------------------------------------------------------------------


def model_of(nodes, constants=None, shape=("N", 2, 4, 6), opset=17, outputs=("y",), ir=8):
    """A model of one image as input x, of nodes (operator, inputs, outputs, attributes)."""
    made = [helper.make_node(op, i, o, name=f"n{k}", **a) for k, (op, i, o, a) in enumerate(nodes)]
    values = [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()]
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


CHANNELS_LAST = [  # as Keras's files have it
    ("Transpose", ["x"], ["first"], {"perm": [0, 3, 1, 2]}),
    ("Conv", ["first", "w"], ["maps"], {"pads": [1, 1, 1, 1]}),
    ("Relu", ["maps"], ["on"], {}),
    ("Transpose", ["on"], ["last"], {"perm": [0, 2, 3, 1]}),
    ("Flatten", ["last"], ["flat"], {}),
    ("MatMul", ["flat", "v"], ["y"], {}),
]


def test_images_whose_channels_come_last(tmp_path):
    generator = np.random.default_rng(2)
    dense = generator.standard_normal((4 * 6 * 3, 5)).astype(np.float32)
    model = model_of(CHANNELS_LAST, {"w": WEIGHT, "v": dense}, shape=("N", 4, 6, 2))
    path = saved(model, tmp_path)
    network = models.from_onnx(path)
    assert network.input_shape == (2, 4, 6) and next(iter(network)).family is nn.Family.CONVOLUTION
    x = images_for(network)
    expected = by_onnxruntime(path, np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    assert_close(answers(network, x), expected)


def saved(model, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


WEIGHT = np.random.default_rng(0).standard_normal((3, 2, 3, 3)).astype(np.float32)
SEEN = {
    "a shuffle in three steps": (
        [
            ("Reshape", ["x", "apart"], ["a"], {}),
            ("Transpose", ["a"], ["b"], {"perm": [0, 2, 1, 3, 4]}),
            ("Reshape", ["b", "together"], ["y"], {}),
        ],
        {"apart": np.array([-1, 2, 2, 3, 5]), "together": np.array([-1, 4, 3, 5])},
        ("N", 4, 3, 5),
        ["ChannelShuffle"],
    ),
    "pixels of maps": (
        [
            ("Reshape", ["x", "apart"], ["a"], {}),
            ("Transpose", ["a"], ["b"], {"perm": [0, 1, 4, 2, 5, 3]}),
            ("Reshape", ["b", "together"], ["y"], {}),
        ],
        {"apart": np.array([0, 2, 2, 2, 3, 5]), "together": np.array([0, 2, 6, 10])},
        ("N", 8, 3, 5),
        ["PixelShuffle"],
    ),
    "padding by itself": (
        [
            ("Pad", ["x", "pads"], ["a"], {}),
            ("Conv", ["a", "w"], ["y"], {"strides": [2, 2], "pads": [1, 0, 0, 0]}),
        ],
        {"pads": np.array([0, 0, 0, 1, 0, 0, 1, 2]), "w": WEIGHT},
        ("N", 2, 5, 6),
        ["Conv2d"],
    ),
    "swish": (
        [("Sigmoid", ["x"], ["a"], {}), ("Mul", ["a", "x"], ["y"], {})],
        {},
        ("N", 2, 5, 6),
        ["SiLU"],
    ),
    "hard swish of older files": (
        [
            ("Add", ["x", "three"], ["a"], {}),
            ("Clip", ["a", "zero", "six"], ["b"], {}),
            ("Div", ["b", "six"], ["c"], {}),
            ("Mul", ["x", "c"], ["y"], {}),
        ],
        {"three": np.float32(3), "zero": np.float32(0), "six": np.float32(6)},
        ("N", 2, 5, 6),
        ["Hardswish"],
    ),
    "groups normalised": (
        [
            ("Reshape", ["x", "apart"], ["a"], {}),
            ("InstanceNormalization", ["a", "ones", "zeros"], ["b"], {"epsilon": 1e-3}),
            ("Shape", ["x"], ["shape"], {}),
            ("Reshape", ["b", "shape"], ["c"], {}),
            ("Mul", ["c", "scale"], ["d"], {}),
            ("Add", ["d", "shift"], ["y"], {}),
        ],
        {
            "apart": np.array([0, 2, -1]),
            "ones": np.ones(2, np.float32),
            "zeros": np.zeros(2, np.float32),
            "scale": np.float32([1, 2, 3, 4]).reshape(4, 1, 1),
            "shift": np.float32([4, 3, 2, 1]).reshape(4, 1, 1),
        },
        ("N", 4, 3, 5),
        ["GroupNorm"],
    ),
    "a bias added": (
        [
            ("Flatten", ["x"], ["a"], {}),
            ("MatMul", ["a", "w"], ["b"], {}),
            ("Add", ["b", "bias"], ["y"], {}),
        ],
        {"w": WEIGHT.reshape(6, 9), "bias": np.arange(9, dtype=np.float32)},
        ("N", 1, 2, 3),
        ["Flatten", "Linear"],
    ),
    "scale and shift": (
        [("Mul", ["x", "scale"], ["a"], {}), ("Add", ["shift", "a"], ["y"], {})],
        {
            "scale": np.float32([2, 3]).reshape(1, 2, 1, 1),
            "shift": np.float32([1, 5]).reshape(2, 1, 1),
        },
        ("N", 2, 5, 6),
        ["Affine"],
    ),
    "half the numbers": (
        [("Sub", ["one", "x"], ["a"], {}), ("Mul", ["a", "half"], ["y"], {})],
        {"one": np.float32([1]), "half": np.float32(0.5)},
        ("N", 2, 5, 6),
        ["Rescale"],
    ),
    "a mean of maps": (
        [("ReduceMean", ["x"], ["y"], {"axes": [-1, -2], "keepdims": 0})],
        {},
        ("N", 2, 5, 6),
        ["AdaptiveAvgPool2d", "Flatten"],
    ),
    "halves of maps": (
        [
            ("Split", ["x", "sizes"], ["a", "b"], {"axis": 1}),
            ("Relu", ["a"], ["c"], {}),
            ("Concat", ["b", "c"], ["y"], {"axis": -3}),
        ],
        {"sizes": np.array([1, 3])},
        ("N", 4, 5, 6),
        ["Slice", "Slice", "ReLU", "Concat"],
    ),
    "probabilities at the end": (
        [("GlobalAveragePool", ["x"], ["a"], {}), ("Softmax", ["a"], ["y"], {"axis": 1})],
        {},
        ("N", 3, 5, 6),
        ["AdaptiveAvgPool2d", "Flatten"],
    ),
    "padding from sizes": (  # as PyTorch's older exporter writes a resize to twice the size
        [
            ("Shape", ["x"], ["s"], {}),
            ("Gather", ["s", "rows"], ["h"], {}),
            ("Mul", ["h", "two"], ["hh"], {}),
            ("Cast", ["hh"], ["hf"], {"to": 7}),
            ("Concat", ["hf", "hf"], ["size"], {"axis": 0}),
            ("Slice", ["s", "zero", "twos"], ["half"], {}),
            ("Concat", ["half", "size"], ["all"], {"axis": 0}),
            (
                "Resize",
                ["x", "", "", "all"],
                ["y"],
                {
                    "mode": "nearest",
                    "coordinate_transformation_mode": "asymmetric",
                    "nearest_mode": "floor",
                },
            ),
        ],
        {
            "rows": np.array([2]),
            "two": np.array([2]),
            "zero": np.array([0]),
            "twos": np.array([2]),
        },
        (1, 2, 3, 3),
        ["Upsample"],
    ),
}


@pytest.mark.parametrize("text", SEEN)
def test_several_operators_that_are_one_layer(text, tmp_path):
    nodes, constants, shape, expected = SEEN[text]
    path = saved(model_of(nodes, constants, shape), tmp_path)
    network = models.from_onnx(path)
    assert kinds(network) == expected
    x = images_for(network, 1)
    truth = by_onnxruntime(path, x)
    if text == "probabilities at the end":
        logits = answers(network, x)
        truth, found = truth.reshape(1, -1), np.exp(logits) / np.exp(logits).sum()
    else:
        found = answers(network, x)
    assert_close(found, truth, 2e-6)


def test_names_are_those_of_the_file(tmp_path):
    nodes = [
        ("Conv", ["x", "layer1.0.conv1.weight"], ["a"], {}),
        ("Relu", ["a"], ["b"], {}),
        ("Conv", ["b", "onnx::Conv_12"], ["c"], {}),
        ("Relu", ["c"], ["d"], {}),
        ("Add", ["b", "d"], ["y"], {}),
    ]
    weight = np.ones((2, 2, 1, 1), np.float32)
    model = model_of(nodes, {"layer1.0.conv1.weight": weight, "onnx::Conv_12": weight})
    spelled = ["", "/layer1/layer1.0/relu/Relu", "/layer1/layer1.0/conv2/Conv"]
    spelled += ["/layer1/layer1.0/relu/Relu_1", "/layer1/layer1.0/Add"]
    for node, name in zip(model.graph.node, spelled, strict=True):
        node.name = name
    network = models.from_onnx(saved(model, tmp_path))
    assert [name for name, _ in network.named_children()] == [
        "layer1.0.conv1",
        "layer1.0.relu",
        "layer1.0.conv2",
        "layer1.0.relu_2",
        "layer1.0.add",
    ]


def test_weights_that_two_layers_have_count_once(tmp_path):
    weight = np.ones((2, 2, 3, 3), np.float32)
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [("Conv", ["x", "w"], ["a"], pads), ("Conv", ["a", "w"], ["y"], pads)]
    network = models.from_onnx(saved(model_of(nodes, {"w": weight}), tmp_path))
    assert network.parameter_count() == 36
    again = models.build_from_text(network.spec, name="again", classes=2, backbone=True)
    assert again.parameter_count() == 36
    path = tmp_path / "again.onnx"
    models.to_onnx(network, path)
    assert len(onnx.load(path).graph.initializer) == 1
    assert models.from_onnx(path).parameter_count() == 36


def test_halves_are_widened(tmp_path):
    bits = (WEIGHT.view(np.uint32) >> 16).astype(np.uint16)
    wide = (bits.astype(np.uint32) << 16).view(np.float32)
    for kind, raw, expected in (
        (TensorProto.FLOAT16, WEIGHT.astype(np.float16), WEIGHT.astype(np.float16)),
        (TensorProto.BFLOAT16, bits, wide),
    ):
        model = model_of([("Conv", ["x", "w"], ["y"], {})])
        tensor = TensorProto(name="w", data_type=kind, dims=WEIGHT.shape, raw_data=raw.tobytes())
        model.graph.initializer.append(tensor)
        network = models.from_onnx(saved(model, tmp_path))
        (weight,) = network.parameters()
        np.testing.assert_array_equal(weight.numpy(), expected.astype(np.float32))


def test_sizes_that_the_file_leaves_open(tmp_path):
    model = model_of([("Conv", ["x", "w"], ["y"], {})], {"w": WEIGHT}, ("N", 2, "H", "W"))
    path = saved(model, tmp_path)
    with pytest.raises(SpecError, match=r"rows and columns in the file.*got \(N, 2, H, W\)"):
        models.from_onnx(path)
    network = models.from_onnx(path, input_shape=(2, 7, 9))
    assert network.shapes()[-1][3] == (3, 5, 7)


# --- numbers beside the file ------------------------------------------------------------------


def with_external(location, length=None, offset="0"):
    model = model_of([("Conv", ["x", "w"], ["y"], {})])
    tensor = TensorProto(name="w", data_type=1, dims=WEIGHT.shape, data_location=1)
    said = {"location": location, "offset": offset}
    said |= {"length": str(WEIGHT.nbytes if length is None else length)}
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)
    model.graph.initializer.append(tensor)
    return model


def test_numbers_in_a_file_beside_it(tmp_path):
    (tmp_path / "net.data").write_bytes(b"1234" + WEIGHT.tobytes())
    path = saved(with_external("net.data", offset="4"), tmp_path)
    (weight,) = models.from_onnx(path).parameters()
    np.testing.assert_array_equal(weight.numpy(), WEIGHT)


@pytest.mark.parametrize(
    ("location", "length", "message"),
    [
        ("../../etc/passwd", None, "in the folder of the file, got '../../etc/passwd'"),
        ("/etc/passwd", None, "in the folder of the file, got '/etc/passwd'"),
        ("link", None, "in the folder of the file, got 'link'"),
        ("inside/../../other", None, "in the folder of the file"),
        (".", None, "in the folder of the file"),
        ("none", None, "cannot be read: No such file"),
        ("short", None, "to have its numbers, it is shorter"),
        ("short", 3, "expected 216 bytes from an offset on"),
        ("", None, "got a reference to another file"),
    ],
)
def test_numbers_that_lie_elsewhere(location, length, message, tmp_path):
    (tmp_path / "short").write_bytes(b"123")
    (tmp_path / "link").symlink_to("/etc/passwd")
    path = saved(with_external(location, length), tmp_path)
    with pytest.raises(SpecError, match=re.escape(message)) as caught:
        models.from_onnx(path)
    assert "\n" not in str(caught.value) and "root:" not in str(caught.value)


# --- broken, hostile and huge files -----------------------------------------------------------


def huge_constant():
    model = model_of([("Conv", ["x", "w"], ["y"], {})])
    tensor = TensorProto(name="w", data_type=1, dims=[1 << 40, 2, 3, 3], raw_data=b"1234")
    model.graph.initializer.append(tensor)
    return model


def changed(model, change):
    change(model)
    return model


def plain():
    return model_of([("Conv", ["x", "w"], ["y"], {})], {"w": WEIGHT})


def expanding(op, value):
    nodes = [(op, ["s"], ["big"], {}), ("Add", ["x", "big"], ["y"], {})]
    return model_of(nodes, {"s": np.array(value)})


HOSTILE = {
    "nothing": (b"", "expected an ONNX model with a graph, got none"),
    "random bytes": (
        np.random.default_rng(0).bytes(2000),
        "cannot be read as ONNX|expected an ONNX model",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "cannot be read as ONNX|expected an ONNX"),
    "a text": (b"import os; os.system('echo no')", "cannot be read as ONNX|expected an ONNX model"),
    "cut off": (plain().SerializeToString()[:150], "cannot be read as ONNX|expected"),
    "unknown operator": (
        model_of([("Einsum", ["x"], ["y"], {"equation": "ij->ji"})]),
        r"Einsum \(n0\): expected an operator that convlab knows, got 'Einsum'.*known are Abs",
    ),
    "misspelled operator": (model_of([("relu", ["x"], ["y"], {})]), "did you mean Relu"),
    "operator of another domain": (
        changed(
            model_of([("Relu", ["x"], ["y"], {})]),
            lambda model: setattr(model.graph.node[0], "domain", "evil.corp"),
        ),
        r"evil\.corp\.Relu",
    ),
    "function of its own": (
        changed(plain(), lambda m: m.functions.add(name="f", domain="g")),
        "functions of the file's own, such as 'f'",
    ),
    "cycle": (
        model_of([("Relu", ["b"], ["a"], {}), ("Add", ["a", "x"], ["b"], {})], outputs=["b"]),
        r"Relu \(n0\): expected to read what is computed above it, got 'b', which follows: a cycle",
    ),
    "itself": (model_of([("Relu", ["y"], ["y"], {})]), "a cycle"),
    "value that there is not": (model_of([("Relu", ["z"], ["y"], {})]), "got 'z'$"),
    "two of a name": (
        model_of([("Relu", ["x"], ["y"], {}), ("Relu", ["x"], ["y"], {})]),
        "expected a name that is free, got 'y'",
    ),
    "no output": (model_of([("Relu", ["x"], ["a"], {})], outputs=[]), "a graph with an output"),
    "lost output": (model_of([("Relu", ["x"], ["a"], {})]), "output 'y': expected a node"),
    "two outputs": (
        model_of([("Relu", ["x"], ["a"], {}), ("Relu", ["a"], ["b"], {})], outputs=["a", "b"]),
        "a network with one output, got 'a', 'b'; onnx.utils.extract_model",
    ),
    "older opset": (model_of([("Relu", ["x"], ["y"], {})], opset=3), "opset of ONNX from 6 on"),
    "huge constant": (huge_constant(), "at most 200,000,000 numbers"),
    "huge image": (
        model_of([("Relu", ["x"], ["y"], {})], shape=(1, 3, 1 << 40, 1 << 20)),
        "at most 30,000,000 numbers",
    ),
    "huge fill": (expanding("ConstantOfShape", [1 << 20, 1 << 20]), "at most 200,000,000 numbers"),
    "negative fill": (expanding("ConstantOfShape", [-5]), "at most 200,000,000 numbers"),
    "huge kernel": (
        model_of(
            [("MaxPool", ["x"], ["y"], {"kernel_shape": [1 << 40, 1], "pads": [1 << 39, 0] * 2})]
        ),
        r"MaxPool \(n0\)",
    ),
    "huge padding": (
        model_of([("Pad", ["x", "p"], ["y"], {})], {"p": np.array([0, 0, 1 << 40, 0] * 2)}),
        r"Pad \(n0\)|padding",
    ),
    "huge resize": (
        model_of(
            [("Resize", ["x", "", "s"], ["y"], {})], {"s": np.float32([1, 1, 1e9, 1e9])}, opset=13
        ),
        "Resize|size",
    ),
    "weight that does not fit": (
        model_of([("Conv", ["x", "w"], ["y"], {})], {"w": WEIGHT[:, :1]}),
        r"Conv \(n0\): expected a weight of shape \(3, 2, 3, 3\)",
    ),
    "weight of texts": (
        model_of([("Conv", ["x", "w"], ["y"], {})], {"w": np.array(["a", "b"], object)}),
        "expected plain numbers",
    ),
    "attribute of another type": (
        model_of([("Conv", ["x", "w"], ["y"], {"strides": "two"})], {"w": WEIGHT}),
        r"Conv \(n0\)",
    ),
    "strides of three": (
        model_of([("Conv", ["x", "w"], ["y"], {"strides": [1, 1, 1]})], {"w": WEIGHT}),
        "expected two strides",
    ),
    "no stride": (
        model_of([("Conv", ["x", "w"], ["y"], {"strides": [0, 1]})], {"w": WEIGHT}),
        "stride",
    ),
    "division by 0": (
        model_of(
            [("Div", ["a", "b"], ["c"], {}), ("Reshape", ["x", "c"], ["y"], {})],
            {"a": np.array([4]), "b": np.array([0])},
        ),
        r"Div \(n0\): constants that do not fit: a division by 0",
    ),
    "numbers that are none": (
        model_of([("Conv", ["x", "w"], ["y"], {})], {"w": WEIGHT * np.nan}),
        "nan",
    ),
    "no image": (
        model_of([("Relu", ["x"], ["y"], {})], shape=(1, 7)),
        r"expected images of floats, \(N, C, H, W\), got \(1, 7\)",
    ),
    "a signal": (
        model_of([("Relu", ["x"], ["y"], {})], shape=(1, 2, 20)),
        r"got \(1, 2, 20\); a signal is an image of one row here, \(N, C, 1, length\)",
    ),
    "constant output": (
        model_of([("Relu", ["x"], ["a"], {}), ("Identity", ["c"], ["y"], {})], {"c": WEIGHT}),
        "one input|depends on the image",
    ),
    "axes over the batch": (
        model_of([("Transpose", ["x"], ["y"], {"perm": [1, 0, 2, 3]})]),
        r"Transpose \(n0\): expected what a layer can do to each image by itself",
    ),
}


@pytest.mark.parametrize("text", HOSTILE)
def test_files_that_are_no_networks(text, tmp_path):
    model, message = HOSTILE[text]
    path = saved(model, tmp_path)
    with pytest.raises(SpecError, match=message) as caught:
        models.from_onnx(path)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(str(path)) and len(line) < 2000


def test_a_file_that_there_is_not(tmp_path):
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(SpecError, match="cannot be read as ONNX"):
            models.from_onnx(path)


def test_a_file_of_bytes_changed_at_random(tmp_path):
    """Whatever is changed: a network, or one line."""
    content = bytearray(plain().SerializeToString())
    rng = np.random.default_rng(3)
    for _ in range(200):
        broken = bytearray(content)
        for place in rng.integers(0, len(broken), 3):
            broken[place] = rng.integers(256)
        path = saved(bytes(broken), tmp_path)
        try:
            models.from_onnx(path)
        except SpecError as error:
            assert "\n" not in str(error)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(SpecError, match=r'pip install "convlab\[interchange\]"'):
        models.from_onnx("net.onnx")
