"""Networks of the papers: names and shapes as torchvision saves them, numbers as PyTorch's."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convlab import Tensor, data, manual_seed, models, no_grad
from convlab.nn import BatchNorm2d

torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
F = torch.nn.functional

# torchvision 0.29: the parameters of each network, and the start of the SHA-256 of its state_dict's
# names and shapes, a line for each, such as "conv1.weight (64, 3, 7, 7)".
TORCHVISION = {
    "alexnet": (61_100_840, "9c198ebdae1863e4"),
    "vgg16": (138_357_544, "35c4623e0cd4a39d"),
    "googlenet": (6_624_904, "f66489fa14bd9d5a"),
    "squeezenet1-1": (1_235_496, "1d365589393f9c1e"),
    "resnet18": (11_689_512, "84fb10d9c6905a1c"),
    "resnet34": (21_797_672, "28f9096d51307499"),
    "resnet50": (25_557_032, "d7e4f8bb0a536344"),
    "mobilenet-v2": (3_504_872, "37bbbce8932fd0c4"),
    "densenet121": (7_978_856, "aa0fd9923b0003b8"),
}
# The PyTorch port's state_dict has as many; U-Net's by hand from figure 1 of its paper.
COUNTS = {name: count for name, (count, _) in TORCHVISION.items()} | {
    "efficientnet-lite0": 4_652_008,
    "unet": 31_030_658,
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_names_and_shapes_are_torchvisions(name):
    network = models.build(name, weights=False)
    state = network.named_state()
    lines = "\n".join(f"{key} {tensor.shape}" for key, tensor in state.items())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == TORCHVISION[name][1]


@pytest.mark.parametrize("name", COUNTS)
def test_published_counts(name):
    network = models.build(name, weights=False)
    assert network.parameter_count() == COUNTS[name]
    few = models.build(name, weights=False, classes=3)
    assert few.shapes()[-1][3][0] == few.classes == 3


# --- the same numbers as PyTorch ----------------------------------------------------------


class Mirror:
    """The networks in PyTorch's functions, with the weights of a state_dict."""

    def __init__(self, state, training):
        self.state, self.training = state, training

    def conv(self, x, name, stride=1, padding=0, groups=1):
        weight, bias = self.state[f"{name}.weight"], self.state.get(f"{name}.bias")
        return F.conv2d(x, weight, bias, stride, padding, 1, groups)

    def norm(self, x, name, eps=1e-5):
        mean, variance, weight, bias = (
            self.state[f"{name}.{part}"]
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, weight, bias, self.training, 0.1, eps)

    def dense(self, x, name):
        return F.linear(x, self.state[f"{name}.weight"], self.state[f"{name}.bias"])

    def mean(self, x, name):
        return self.dense(x.mean((2, 3)), name)

    def has(self, name):
        return f"{name}.weight" in self.state

    def alexnet(self, x):
        x = F.max_pool2d(self.conv(x, "features.0", 4, 2).relu(), 3, 2)
        x = F.max_pool2d(self.conv(x, "features.3", 1, 2).relu(), 3, 2)
        for number in (6, 8, 10):
            x = self.conv(x, f"features.{number}", 1, 1).relu()
        x = F.adaptive_avg_pool2d(F.max_pool2d(x, 3, 2), 6).flatten(1)
        x = self.dense(self.dense(x, "classifier.1").relu(), "classifier.4").relu()
        return self.dense(x, "classifier.6")

    def vgg16(self, x):
        for number in range(31):
            if number in (4, 9, 16, 23, 30):
                x = F.max_pool2d(x, 2)
            elif self.has(f"features.{number}"):
                x = self.conv(x, f"features.{number}", 1, 1).relu()
        x = F.adaptive_avg_pool2d(x, 7).flatten(1)
        x = self.dense(self.dense(x, "classifier.0").relu(), "classifier.3").relu()
        return self.dense(x, "classifier.6")

    def resnet(self, x):
        x = self.norm(self.conv(x, "conv1", 2, 3), "bn1").relu()
        x = F.max_pool2d(x, 3, 2, 1)
        for stage in (1, 2, 3, 4):
            unit = 0
            while self.has(name := f"layer{stage}.{unit}.conv1") and (name := name[:-6]):
                stride = 2 if stage > 1 and unit == 0 else 1
                y = x
                if self.has(f"{name}.downsample.0"):
                    y = self.conv(x, f"{name}.downsample.0", stride)
                    y = self.norm(y, f"{name}.downsample.1")
                wide = self.has(f"{name}.conv3")
                x = self.conv(x, f"{name}.conv1", 1 if wide else stride, 0 if wide else 1)
                x = self.norm(x, f"{name}.bn1").relu()
                x = self.conv(x, f"{name}.conv2", stride if wide else 1, 1)
                x = self.norm(x, f"{name}.bn2")
                if wide:
                    x = self.norm(self.conv(x.relu(), f"{name}.conv3"), f"{name}.bn3")
                x, unit = (x + y).relu(), unit + 1
        return self.mean(x, "fc")

    def squeezenet1_1(self, x):
        x = self.conv(x, "features.0", 2).relu()
        for number in range(2, 13):
            name = f"features.{number}"
            if number in (2, 5, 8):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            else:
                x = self.conv(x, f"{name}.squeeze").relu()
                parts = (self.conv(x, f"{name}.expand{k}x{k}", 1, k // 2) for k in (1, 3))
                x = torch.cat([part.relu() for part in parts], 1)
        return self.conv(x, "classifier.1").relu().mean((2, 3))

    def mobilenet_v2(self, x):
        def layer(x, name, stride=1, groups=1):
            padding = self.state[f"{name}.0.weight"].shape[2] // 2
            return F.relu6(
                self.norm(self.conv(x, f"{name}.0", stride, padding, groups), f"{name}.1")
            )

        x = layer(x, "features.0", 2)
        for number in range(1, 18):
            stride = 2 if number in (2, 4, 7, 14) else 1
            inside, y, part = f"features.{number}.conv", x, 0
            if number > 1:
                y, part = layer(y, f"{inside}.0"), 1
            y = layer(y, f"{inside}.{part}", stride, y.shape[1])
            y = self.norm(self.conv(y, f"{inside}.{part + 1}"), f"{inside}.{part + 2}")
            x = x + y if stride == 1 and x.shape == y.shape else y
        return self.mean(layer(x, "features.18"), "classifier.1")

    def googlenet(self, x):
        def layer(x, name, stride=1):
            padding = self.state[f"{name}.conv.weight"].shape[2] // 2
            return self.norm(
                self.conv(x, f"{name}.conv", stride, padding), f"{name}.bn", 1e-3
            ).relu()

        x = F.max_pool2d(layer(x, "conv1", 2), 3, 2, ceil_mode=True)
        x = F.max_pool2d(layer(layer(x, "conv2"), "conv3"), 3, 2, ceil_mode=True)
        for block in ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]:
            name = f"inception{block}.branch"
            parts = [layer(x, f"{name}1")]
            parts += [layer(layer(x, f"{name}{n}.0"), f"{name}{n}.1") for n in (2, 3)]
            parts.append(layer(F.max_pool2d(x, 3, 1, 1, ceil_mode=True), f"{name}4.1"))
            x = torch.cat(parts, 1)
            if block in ("3b", "4e"):
                x = F.max_pool2d(x, 3 if block == "3b" else 2, 2, ceil_mode=True)
        return self.mean(x, "fc")

    def densenet121(self, x):
        x = self.norm(self.conv(x, "features.conv0", 2, 3), "features.norm0").relu()
        x = F.max_pool2d(x, 3, 2, 1)
        for block, count in enumerate((6, 12, 24, 16), 1):
            for number in range(1, count + 1):
                name = f"features.denseblock{block}.denselayer{number}"
                y = self.conv(self.norm(x, f"{name}.norm1").relu(), f"{name}.conv1")
                y = self.conv(self.norm(y, f"{name}.norm2").relu(), f"{name}.conv2", 1, 1)
                x = torch.cat([x, y], 1)
            if block < 4:
                name = f"features.transition{block}"
                x = F.avg_pool2d(self.conv(self.norm(x, f"{name}.norm").relu(), f"{name}.conv"), 2)
        return self.mean(self.norm(x, "features.norm5").relu(), "classifier")

    def efficientnet_lite0(self, x):
        def layer(x, name, norm, stride=1, groups=1):
            kernel = self.state[f"{name}.weight"].shape[2]
            total = [
                max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:]
            ]
            sides = [side for t in total[::-1] for side in (t // 2, t - t // 2)]
            return self.norm(self.conv(F.pad(x, sides), name, stride, 0, groups), norm, 1e-3)

        x = F.relu6(layer(x, "_conv_stem", "_bn0", 2))
        for number in range(16):
            name, y = f"_blocks.{number}", x
            stride = 2 if number in (1, 3, 5, 11) else 1
            if number:
                y = F.relu6(layer(y, f"{name}._expand_conv", f"{name}._bn0"))
            y = layer(y, f"{name}._depthwise_conv", f"{name}._bn1", stride, y.shape[1])
            y = layer(F.relu6(y), f"{name}._project_conv", f"{name}._bn2")
            x = x + y if stride == 1 and x.shape == y.shape else y
        return self.mean(F.relu6(layer(x, "_conv_head", "_bn1")), "_fc")

    def unet(self, x):
        def two(x, name):
            for number in (1, 2):
                x = self.conv(x, f"{name}.conv{number}").relu()
            return x

        skips = []
        for level in (1, 2, 3, 4):
            skips.append(two(x, f"down{level}"))
            x = F.max_pool2d(skips[-1], 2)
        x = two(x, "down5")
        for level in (4, 3, 2, 1):
            weight, bias = (self.state[f"up{level}.conv.{part}"] for part in ("weight", "bias"))
            x, skip = F.conv_transpose2d(x, weight, bias, 2), skips.pop()
            off = (skip.shape[2] - x.shape[2]) // 2
            cropped = skip[:, :, off : off + x.shape[2], off : off + x.shape[3]]
            x = two(torch.cat([cropped, x], 1), f"up{level}")
        return self.conv(x, "output")

    resnet18 = resnet34 = resnet50 = resnet


def alive(name, size, classes, seed=0):
    """A network whose normalisations have numbers of their own, and what PyTorch is given."""
    manual_seed(seed)
    channels = models.input_shape(name)[0]
    network = models.build(name, input_shape=(channels, size, size), classes=classes)
    rng = np.random.default_rng(seed)
    for _, layer in network.named_children():
        if isinstance(layer, BatchNorm2d):
            for tensor, low, high in (
                (layer.running_mean, -0.2, 0.2),
                (layer.running_var, 0.8, 1.25),
                (layer.weight, 0.8, 1.25),
                (layer.bias, -0.2, 0.2),
            ):
                tensor.data[...] = rng.uniform(low, high, tensor.shape)
    return network, rng.standard_normal((2, channels, size, size)).astype(np.float32)


def mirrored(name, network, x, training=False):
    state = {
        k: torch.from_numpy(v).requires_grad_(v.dtype.kind == "f" and "running" not in k)
        for k, v in network.state_dict().items()
    }
    forward = getattr(Mirror(state, training), name.replace("-", "_"))
    return forward(torch.from_numpy(x)), state


# The smallest sizes at which each network has something to say at its end.
SIZES = {name: 64 for name in COUNTS} | {"unet": 188, "vgg16": 32}


@pytest.mark.parametrize("name", COUNTS)
def test_answers_are_those_of_pytorch(name):
    network, x = alive(name, SIZES[name], 10)
    with no_grad():
        got = network.eval()(Tensor(x)).numpy()
    with torch.no_grad():
        wanted = mirrored(name, network, x)[0].numpy()
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert np.ptp(wanted) > 0


FAMILIES = [
    "resnet18",
    "squeezenet1-1",
    "mobilenet-v2",
    "googlenet",
    "densenet121",
    "efficientnet-lite0",
]


@pytest.mark.parametrize("name", [*FAMILIES, pytest.param("resnet50", marks=pytest.mark.slow)])
def test_gradients_are_those_of_pytorch(name):
    """In training, all in float64: batch statistics too."""
    network, x = alive(name, 64, 3)
    network.astype(np.float64).train()
    for module in network:
        if module.family == "dropout":
            module.p = 0.0
    x = x.astype(np.float64)
    wanted, state = mirrored(name, network, x, training=True)
    (wanted * torch.arange(6.0).reshape(2, 3)).sum().backward()
    got = network(Tensor(x))
    (got * Tensor(np.arange(6.0).reshape(2, 3))).sum().backward()
    assert np.allclose(got.numpy(), wanted.detach().numpy(), rtol=1e-9, atol=1e-9)
    for key, parameter in network.named_parameters():
        gradient, theirs = parameter.grad, state[key].grad.numpy()
        assert np.abs(gradient - theirs).max() <= 1e-7 * np.abs(theirs).max() + 1e-12, key


# --- the weights that others trained -------------------------------------------------------


def protobuf(message):
    """(number, value) of each field of a protocol buffer."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = message[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
        else:
            length = {1: 8, 5: 4}.get(kind) or varint()
            yield number, message[at : at + length]
            at += length


def initialisers(path):
    """The float32 weights in an ONNX file, by name."""
    (graph,) = (value for number, value in protobuf(path.read_bytes()) if number == 7)
    found = {}
    for tensor in (dict_of(value) for number, value in protobuf(graph) if number == 5):
        if tensor[2] == [1]:
            values = np.frombuffer(tensor[9][0], np.float32)
            found[tensor[8][0].decode()] = values.reshape(tensor.get(1, []))
    return found


def dict_of(message):
    fields = {}
    for number, value in protobuf(message):
        fields.setdefault(number, []).append(value)
    return fields


def test_efficientnet_lite0_knows_what_its_weights_know():
    """Weights as their package has them; the answers are those that onnxruntime gave."""
    folder = Path(os.environ.get("CONVLAB_DATA_DIR", "none")) / "efficientnet-lite0"
    if not folder.is_dir():
        pytest.skip("needs efficientnet-lite0 in the folder that CONVLAB_DATA_DIR names")
    network = models.build("efficientnet-lite0")
    counts = {key: np.int64(0) for key in network.named_state() if key.endswith("_tracked")}
    network.load_state_dict(initialisers(folder / "efficientnet-lite0.onnx") | counts)
    answers = json.loads((folder / "expected.json").read_text())["answers"]
    for name in ("china", "flower"):
        picture = Image.fromarray(data.photograph(name))
        side = min(picture.size)
        left, top = ((length - side) // 2 for length in picture.size)
        square = picture.crop((left, top, left + side, top + side)).resize((224, 224), 3)
        x = (np.asarray(square, np.float32) / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
        with no_grad():
            logits = network.eval()(Tensor(x.transpose(2, 0, 1)[None].astype(np.float32)))
        probabilities = network.probabilities(logits.numpy())[0]
        wanted = answers[f"{name}.jpg (scikit-learn)"]
        best = np.argsort(-probabilities)[:5]
        assert best.tolist() == [answer["class"] for answer in wanted]
        assert np.allclose(probabilities[best], [a["probability"] for a in wanted], atol=2e-5)
