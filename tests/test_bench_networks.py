"""The bench of any network: the same one in PyTorch, what it is fed with, its commands."""

import json

import numpy as np
import pytest

from convlab import Tensor, bench, models, nn, no_grad
from convlab.bench import answers, worker
from convlab.bench.training import step_products
from convlab.errors import DeviceError, SpecError

TINY = """
input = "6x5x2"
layer = [
    {type = "Conv2d", name = "conv", out_channels = 4, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "MaxPool2d", kernel_size = 2},
    {type = "Flatten"},
    {type = "Linear", name = "fc", out_features = "classes"},
]
"""
BRANCHED = """
input = "6x5x2"
layer = [
    {type = "Conv2d", name = "one", out_channels = 2, kernel_size = 3, padding = 1},
    {type = "ReLU", name = "two"},
    {type = "Conv2d", name = "three", inputs = ["one"], out_channels = 2, kernel_size = 1},
    {type = "Add", name = "sum", inputs = ["two", "three"]},
    {type = "Flatten"},
    {type = "Linear", name = "fc", out_features = "classes"},
]
"""
MIRRORED = {
    "Conv2d": "out_channels=6, kernel_size=[3, 2], stride=2, padding=[1, 2], dilation=2, groups=2",
    "Conv2d, circular": 'out_channels=2, kernel_size=3, padding=[1, 2], padding_mode="circular"',
    "Conv2d, no bias": 'out_channels=2, kernel_size=3, padding_mode="reflect", bias=false',
    "Conv2d, same": 'out_channels=2, kernel_size=[4, 3], padding="same", padding_mode="replicate"',
    "Conv2d, uneven": "out_channels=2, kernel_size=3, padding=[1, 0, 2, 1]",
    "ConvTranspose2d": "out_channels=6, kernel_size=3, stride=2, padding=1, output_padding=1,"
    " groups=2, dilation=2",
    "ConvTranspose2d, no bias": "out_channels=3, kernel_size=[2, 3], bias=false",
    "MaxPool2d": "kernel_size=3, stride=2, padding=1, ceil_mode=true",
    "MaxPool2d, dilated": "kernel_size=2, stride=1, dilation=2",
    "AvgPool2d": "kernel_size=3, stride=2, padding=1, ceil_mode=true, count_include_pad=false",
    "AvgPool2d, divisor": "kernel_size=2, divisor_override=3",
    "AdaptiveAvgPool2d": "output_size=[2, 3]",
    "AdaptiveMaxPool2d": "output_size=3",
    "ReLU": "",
    "Sigmoid": "",
    "Tanh": "",
    "Softmax": "dim=1",
    "BatchNorm2d": "",
    "BatchNorm2d, plain": 'eps=0.1, momentum="none", affine=false',
    "GroupNorm": "num_groups=2",
    "LayerNorm": "normalized_shape=[9, 8], bias=false",
    "LocalResponseNorm": "size=3, alpha=0.5",
    "LeakyReLU": "negative_slope=0.3",
    "PReLU": "num_parameters=4",
    "ELU": "alpha=0.5",
    "SELU": "",
    "GELU": "",
    "GELU, by tanh": 'approximate="tanh"',
    "SiLU": "",
    "ReLU6": "",
    "Hardtanh": "min_val=-0.5, max_val=0.75",
    "CircularPad2d": "padding=[1, 2, 0, 3]",
    "Hardsigmoid": "",
    "Hardswish": "",
    "Softplus": "beta=2, threshold=3",
    "Identity": "",
    "ZeroPad2d": "padding=[1, 2, 0, -1]",
    "ReflectionPad2d": "padding=2",
    "ReplicationPad2d": "padding=[0, 1, 2, 3]",
    "PixelShuffle": "upscale_factor=2",
    "ChannelShuffle": "groups=2",
    "Upsample": "scale_factor=[2.5, 2]",
    "Upsample, bilinear": 'size=[4, 11], mode="bilinear", align_corners=true',
    "Dropout2d": "p=0.5",
    "Dropout": "p=0.5",
    "Flatten": "",
    "Flatten, some axes": "start_dim=2, end_dim=3",
    "Linear": "out_features=5",
    "Linear, no bias": "out_features=5, bias=false",
}


@pytest.mark.parametrize("case", MIRRORED)
def test_the_network_in_pytorch_has_the_same_logits(case):
    torch = pytest.importorskip("torch")
    kind, arguments = case.partition(",")[0], MIRRORED[case]
    flat = ["{type = 'Flatten'}"] if kind == "Linear" else []
    layer = "{" + ", ".join([f"type = '{kind}', name = 'own'", *filter(None, [arguments])]) + "}"
    end = ["{type = 'Flatten'}", "{type = 'Linear', out_features = 'classes'}"]
    layers = ",".join([*flat, layer, *end])
    spec = f'input = "9x8x4"\nlayer = [{layers}]'
    network = bench.network(models.Spec(spec, "own", "own")).eval()
    for parameter in network.parameters():  # biases too
        generator = np.random.default_rng(parameter.size)
        parameter.data = generator.standard_normal(parameter.shape).astype(np.float32)
    described = json.loads(json.dumps(bench.pytorch_layers(network)))
    theirs = worker.mirror(described, network.state_dict()).eval()
    x = np.random.default_rng(1).standard_normal((3, 4, 9, 8)).astype(np.float32)
    with no_grad(), torch.inference_mode():
        expected = theirs(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(network(Tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["Add", "Mul", "Sub", "Div", "Concat", "Shortcut2d"])
def test_branches_in_pytorch_have_the_same_logits(kind):
    torch = pytest.importorskip("torch")
    join = "Add" if kind == "Shortcut2d" else kind
    spec = BRANCHED.replace('"Add"', f'"{join}"')
    if kind == "Shortcut2d":  # 2 maps of 6 x 5 become 5 of 3 x 3
        own = '{type = "Shortcut2d", name = "two", out_channels = 5, stride = 2}'
        spec = spec.replace('{type = "ReLU", name = "two"}', own)
        spec = spec.replace(
            "out_channels = 2, kernel_size = 1", "out_channels = 5, kernel_size = 1, stride = 2"
        )
    network = bench.network(models.Spec(spec, "own", "own")).eval()
    described = json.loads(json.dumps(bench.pytorch_layers(network)))
    theirs = worker.mirror(described, network.state_dict()).eval()
    x = np.random.default_rng(1).standard_normal((3, 2, 6, 5)).astype(np.float32)
    with no_grad(), torch.inference_mode():
        expected = theirs(torch.from_numpy(x)).numpy()
        np.testing.assert_allclose(network(Tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_every_layer_that_pytorch_has_is_mirrored():
    torch_nn = pytest.importorskip("torch.nn")
    mirrored = {name for name, layer in nn.LAYERS.items() if "pytorch" in vars(layer)}
    assert mirrored == {name for name in nn.LAYERS if hasattr(torch_nn, name)}
    # Those along one axis read signals, which no network that is timed does.
    mirrored = {name for name in mirrored if not name.endswith("1d")}
    assert mirrored == {case.partition(",")[0] for case in MIRRORED}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ('type = "ScaledTanh"', "own, it: expected a layer that PyTorch has, got ScaledTanh"),
        (
            'type = "TableConv2d", kernel_size = 3, connections = [[0], [1]]',
            "own, it: expected a layer that PyTorch has, got TableConv2d",
        ),
        (
            'type = "ConvTranspose2d", out_channels = 2, kernel_size = 3, padding = [1, 0, 1, 1]',
            r"own, it: expected padding that PyTorch has, .*, got \(1, 0, 1, 1\)",
        ),
    ],
)
def test_what_pytorch_has_not_is_named(layer, message):
    spec = TINY.replace("layer = [", f"layer = [{{name = 'it', {layer}}},")
    network = bench.network(models.Spec(spec, "own", "own.toml"))
    with pytest.raises(SpecError, match=message):
        bench.pytorch_layers(network)


def test_networks_that_are_not_measured():
    with pytest.raises(SpecError, match="expected a network with cross-entropy, got lecun-map"):
        bench.network("lenet5-1998")
    empty = 'input = "4x4x1"\nlayer = [{type = "AdaptiveAvgPool2d", output_size = [2, 5]},'
    empty += '{type = "Flatten"}]'
    with pytest.raises(SpecError, match="empty: expected a network with weights, got none"):
        bench.network(models.Spec(empty, "empty", "empty"))


def test_a_network_has_the_same_weights_at_every_call():
    first, second = (bench.network("lenet5").state_dict() for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


def test_products_of_a_step():
    tiny = bench.network(models.Spec(TINY, "tiny", "tiny"))
    # 9 taps of 2 maps to 4 maps at 6 x 5 places; 4 maps of 3 x 2 to 10 classes.
    assert step_products(tiny) == 2 * (9 * 2 * 4 * 30) + 3 * (24 * 10)
    branched = bench.network(models.Spec(BRANCHED, "branched", "branched"))
    assert step_products(branched) == 2 * (9 * 2 * 2 * 30) + 3 * (2 * 2 * 30 + 60 * 10)
    # Without the gradient of the images, of which the first dense layer is made.
    assert step_products(bench.network("dense")) == 2 * 784 * 300 + 3 * (300 * 100 + 100 * 10)


def test_images_that_fit():
    lenet5 = bench.network("lenet5")
    name, arrays = bench.images_for(bench.network("lenet5", 3), 20)
    assert name == "random bytes" and set(arrays["labels"]) == {0, 1, 2}
    name, arrays = bench.images_for(lenet5, 20)
    assert name in ("mnist", "digits") and arrays["images"].shape == (20, 1, 28, 28)
    tiny = bench.network(models.Spec(TINY, "tiny", "tiny"))
    name, arrays = bench.images_for(tiny, 12_000)
    assert (name, arrays["images"].dtype) == ("random bytes", np.uint8)
    assert arrays["images"].shape == (12_000, 2, 6, 5) and len(arrays["test_images"]) == 10_000
    assert np.ptp(arrays["images"]) == 255 and set(arrays["labels"]) == set(range(10))
    np.testing.assert_array_equal(bench.random_images(tiny, 12_000)["labels"], arrays["labels"])


def test_logits_that_differ_are_one_line():
    tiny = bench.network(models.Spec(TINY, "tiny", "tiny"))
    theirs = np.array([[1.0, -2.0], [0.5, 0.0]])
    assert answers._difference(tiny, theirs + [[0, 0.001], [0, 0]], theirs) == pytest.approx(5e-4)
    for wrong in (0.003, np.nan, np.inf):
        with pytest.raises(DeviceError, match="^tiny: expected the logits of convlab and PyTorch"):
            answers._difference(tiny, theirs + [[0, wrong], [0, 0]], theirs)


def test_answers_are_measured_without_pytorch(monkeypatch):
    monkeypatch.setattr("convlab.bench.networks.version", lambda package: None)
    branched = bench.network(models.Spec(BRANCHED, "branched", "branched"))
    (row,) = bench.measure_answers(branched, 1, (3,), 1)
    assert (row.network, row.batch, row.layouts) == ("branched", 3, ("batch innermost",))
    assert row.other is row.ratio is row.difference is None
    assert row.speed == pytest.approx(3 / row.ours.median)


# --- the commands ------------------------------------------------------------------------


def measured(convlab, *arguments):
    """Standard output of a command that may find the machine busy, and then says so."""
    result = convlab("bench", *arguments)
    assert result.status == 0, result
    assert not result.err or result.err.startswith("warning: other programs use ")
    assert result.err.count("\n") <= 1
    return result.out


@pytest.mark.slow
def test_train_another_network(convlab):
    (convlab.folder / "tiny.toml").write_text(TINY)
    arguments = ("--model", "tiny.toml", "--images", 40, "--batch", 10, "--rounds", 1)
    result = json.loads(measured(convlab, "train", "--json", "--threads", 1, *arguments))
    assert (result["model"], result["data"]) == ("tiny", "random bytes")
    epoch, answered = result["rows"]
    assert epoch["flops"] == 2 * 40 * (2 * 9 * 2 * 4 * 30 + 3 * 24 * 10)
    assert answered["flops"] == 2 * 40 * (9 * 2 * 4 * 30 + 24 * 10)
    if bench.compared():
        both = epoch["seconds"]["median"], epoch["pytorch_seconds"]["median"]
        assert epoch["ratio"] == pytest.approx(both[0] / both[1])


@pytest.mark.slow
def test_answers(convlab):
    (convlab.folder / "tiny.toml").write_text(TINY)
    arguments = ("--model", "tiny.toml", "--batch", "1,3", "--rounds", 1, "--classes", 4)
    result = json.loads(measured(convlab, "answers", "--json", "--threads", "1", *arguments))
    rows = result["rows"]
    assert [(row["model"], row["threads"], row["batch"]) for row in rows] == [
        ("tiny", 1, 1),
        ("tiny", 1, 3),
    ]
    for row in rows:
        assert row["images_per_second"] == pytest.approx(row["batch"] / row["seconds"]["median"])
        if bench.compared():
            both = row["seconds"]["median"], row["pytorch_seconds"]["median"]
            assert row["ratio"] == pytest.approx(both[0] / both[1])
            assert 0 <= row["largest_difference"] < 1e-5
    out = measured(convlab, "answers", "--threads", "1", *arguments[:6]).splitlines()
    assert [line.split()[:3] for line in out[-2:]] == [["tiny", "1", "1"], ["tiny", "1", "3"]]
    assert "batches of random bytes" in out


@pytest.mark.parametrize("command", ["train", "answers"])
def test_a_network_that_pytorch_has_not(convlab, command):
    pytest.importorskip("torch")
    (convlab.folder / "own.toml").write_text(BRANCHED.replace("ReLU", "ScaledTanh"))
    assert convlab.misused("bench", command, "--model", "own.toml") == (
        "own, two: expected a layer that PyTorch has, got ScaledTanh"
    )


@pytest.mark.parametrize("batches", ["1,x", ",", "", "1.5", "1_0"])
def test_batches_that_are_no_numbers(convlab, batches):
    assert convlab.misused("bench", "answers", "--batch", batches) == (
        f"Invalid value for '--batch': expected whole numbers such as 1,32, got {batches!r}"
    )


def test_images_that_no_memory_holds(convlab):
    spec = TINY.replace("6x5x2", "900x900x1").replace("out_channels = 4", "out_channels = 1")
    spec = spec.replace("kernel_size = 2", "kernel_size = 300")
    (convlab.folder / "large.toml").write_text(spec)
    expected = "images: expected at most 536,870,912 numbers, got 60,000 × 1 × 900 × 900"
    assert convlab.fails("bench", "train", "--model", "large.toml") == expected
