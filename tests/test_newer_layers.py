"""Layers of networks since 2015: what each says about itself is what it does, on a page too."""

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli.main import convlab as group
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, data, gradcheck, insight, lab, models, nn, training
from convlab.errors import ConvlabError, SpecError
from convlab.shapes import ReceptiveField

SPEC = """
input = "28x28x1"
layer = [
    {type="ZeroPad2d", name="framed", padding=[1, 2, 0, -3]},
    {type="Conv2d", name="conv", out_channels=8, kernel_size=5, stride=3},
    {type="PReLU", name="prelu", num_parameters=8},
    {type="ChannelShuffle", name="shuffled", groups=2},
    {type="PixelShuffle", name="large", upscale_factor=2},
    {type="GELU", name="gelu"},
    {type="MaxPool2d", name="pool", kernel_size=3},
    {type="Upsample", name="up", scale_factor=2},
    {type="SELU", name="selu"},
    {type="Permute", name="turned", dims=[0, 1, 3, 2]},
    {type="CircularPad2d", name="around", padding=2},
    {type="Hardtanh", name="hardtanh", min_val=-1.5, max_val=0.75},
    {type="AvgPool2d", name="spread", kernel_size=2, stride=1, dilation=2, padding=[0, 1, 1, 0]},
    {type="Upsample", name="resized", size=[9, 7], mode="bilinear"},
    {type="Slice", name="cut", starts=[0, 1, 0], ends=[2, 9, 6], steps=[1, 2, 1]},
    {type="Rescale", name="rescaled", scale=2.0, shift=0.25},
    {type="Conv2d", name="wide", out_channels=9, kernel_size=3, padding=1},
    {type="BatchNorm2d", name="norm"},
    {type="SiLU", name="silu"},
    {type="ReflectionPad2d", name="mirrored", padding=1},
    {type="Hardswish", name="hardswish"},
    {type="ReplicationPad2d", name="continued", padding=[0, 2, 1, 0]},
    {type="ELU", name="elu", alpha=0.5},
    {type="Shortcut2d", name="shortcut", out_channels=12, stride=3},
    {type="Dropout2d", name="drop", p=0.1},
    {type="LeakyReLU", name="leaky", negative_slope=-0.25},
    {type="Hardsigmoid", name="hardsigmoid"},
    {type="ReLU6", name="relu6"},
    {type="Softplus", name="softplus", beta=2},
    {type="GELU", name="by_tanh", approximate="tanh"},
    {type="Identity", name="same"},
    {type="Flatten"},
    {type="Linear", name="fc", out_features="classes"},
]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("newer")
    (folder / "newer.toml").write_text(SPEC)
    words = ["train", "--model", str(folder / "newer.toml"), "--output", str(folder / "run")]
    words += ["--data", "digits", "--limit", "9", "--epochs", "2", "--page"]
    result = CliRunner().invoke(group, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def run(folder):
    return training.load(folder / "run")


@pytest.fixture(scope="module")
def image(run):
    _, test = data.load("digits")
    return run.network_input(test.images[3])


def test_each_value_is_explained(run, image):
    """Every layer's own account of a few of its units gives the unit's value."""
    rng = np.random.default_rng(0)
    for one in insight.trace(run.network, image):
        for _ in range(3):
            unit = tuple(int(i) for i in rng.integers(one.array.shape))
            told = insight.explain(run.network, image, one.name, unit)[0]
            assert told.value == one.array[unit]
            assert told.recomputed == pytest.approx(float(told.value), rel=1e-5, abs=1e-6), one.name
    told, *_ = insight.explain(run.network, image, "prelu", (3, 1, 1))
    slope = str(run.network["prelu"].weight.numpy()[3])
    assert told.formula == f"max(x, 0) + {slope} · min(x, 0)"


def test_the_page_computes_all_of_them(folder, run, image, browser):
    browser.get_log("browser")
    browser.get((folder / "run" / "lab.html").as_uri())
    WebDriverWait(browser, 5).until(
        lambda page: page.execute_script("return typeof convlabLab !== 'undefined'")
    )
    outputs = browser.execute_script(
        "return convlabLab.network.forward(Float32Array.from(arguments[0])).outputs"
        ".map((values) => [...values]);",
        image.ravel().tolist(),
    )
    for one, there in zip(insight.trace(run.network, image), outputs, strict=False):
        np.testing.assert_allclose(there, one.array.ravel(), rtol=1e-4, atol=1e-4, err_msg=one.name)
    assert browser.get_log("browser") == []


MOVING = [
    (nn.ZeroPad2d((1, 2, 0, -1)), (2, 4, 5)),
    (nn.ReflectionPad2d((2, 1, 1, 3)), (2, 4, 5)),
    (nn.ReplicationPad2d(2), (2, 3, 2)),
    (nn.CircularPad2d((1, 0, 2, 3)), (2, 3, 2)),
    (nn.Slice((1, 0, 1), (3, 9, 4), (1, 2, 1)), (4, 5, 6)),
    (nn.Resize2d((5, 2), "cubic", antialias=True), (2, 3, 4)),
    (nn.PixelShuffle(2), (8, 3, 2)),
    (nn.ChannelShuffle(3), (6, 2, 2)),
    (nn.Shortcut2d(2, 5, 2), (2, 5, 4)),
    (nn.Reshape((3, -1, 2)), (2, 3, 4)),
    (nn.Permute((0, 3, 1, 2)), (2, 3, 4)),
    (nn.Upsample(scale_factor=2), (2, 3, 4)),
    (nn.Upsample(scale_factor=(2.5, 0.5)), (2, 3, 4)),
    (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 3, 4)),
    (nn.Upsample((7, 3), mode="bilinear", align_corners=True), (2, 3, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), MOVING, ids=repr)
def test_what_it_says_to_read_is_what_it_gives(layer, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y = layer(Tensor(x[np.newaxis])).numpy()[0]
    assert y.shape == layer.output_shape(shape)
    fields = layer.field_of((ReceptiveField(), ReceptiveField()), shape)
    continues = isinstance(layer, nn.ReflectionPad2d | nn.ReplicationPad2d | nn.CircularPad2d)
    for unit in np.ndindex(y.shape):
        reads = layer.reads(shape, unit)
        if isinstance(reads, nn.One):
            assert y[unit] == (0 if reads.place is None else x[reads.place])
            rows, columns = ([], []) if reads.place is None else ([i] for i in reads.place[1:])
        else:
            rows, columns = reads.rows, reads.columns
            patch = x[reads.maps][:, rows[:, None], columns]
            assert y[unit] == pytest.approx((patch * reads.weights).sum(), abs=1e-6)
        if fields is None or continues:  # what is continued lies outside the map
            continue
        for field, at, read in zip(fields, unit[1:], (rows, columns), strict=True):
            start, end = field.span(at)
            assert all(start <= i < end for i in read)


def test_a_page_refuses_what_it_cannot_compute():
    for layer, said in (
        ('{type="Softplus", threshold=1}', "expected a formula"),
        ('{type="Resize2d", size=[25, 28], mode="cubic"}', "expected maps resized from two"),
    ):
        spec = SPEC.replace('{type="ZeroPad2d", name="framed", padding=[1, 2, 0, -3]}', layer)
        with pytest.raises(SpecError, match=said) as error:
            lab.check_fits(models.build_from_text(spec, name="newer"))
        assert "\n" not in str(error.value)


WRONG = {
    "LeakyReLU: negative_slope": lambda: nn.LeakyReLU(float("nan")),
    "PReLU: num_parameters": lambda: nn.PReLU(0),
    "PReLU: expected 3 channels": lambda: nn.PReLU(3).output_shape((4, 5, 5)),
    r"prelu: expected a weight of shape \(1,\), or \(4,\)": lambda: nn.PReLU(3)(
        Tensor(np.zeros((2, 4), np.float32))
    ),
    "GELU: approximate: expected": lambda: nn.GELU("erf"),
    "Softplus: expected a beta that is not 0": lambda: nn.Softplus(0),
    "ZeroPad2d: expected padding as one number": lambda: nn.ZeroPad2d((1, 2)),
    "ZeroPad2d: expected at least one pixel": lambda: nn.ZeroPad2d(-3).output_shape((1, 6, 6)),
    "reflect padding: expected less": lambda: nn.ReflectionPad2d(4).output_shape((1, 4, 4)),
    "PixelShuffle: expected channels that 4": lambda: nn.PixelShuffle(2).output_shape((6, 2, 2)),
    "ChannelShuffle: expected channels": lambda: nn.ChannelShuffle(4).output_shape((6, 2, 2)),
    "Shortcut2d: expected at least as many": lambda: nn.Shortcut2d(4, 3),
    "Reshape: expected sizes from 1, or one of -1, got": lambda: nn.Reshape((-1, -1)),
    "Reshape: expected numbers for": lambda: nn.Reshape((4, -1)).output_shape((3, 3)),
    "Permute: expected each axis once, and the batch, 0, first": lambda: nn.Permute((1, 0)),
    "Permute: expected 2 axes and the batch": lambda: nn.Permute((0, 2, 1)).output_shape((3,)),
    "Conv1d: expected signals of shape": lambda: nn.Conv1d(2, 3, 3).output_shape((2, 4, 4)),
    r"Conv1d: expected signals of shape \(2, length": lambda: nn.Conv1d(2, 3, 3)(
        Tensor(np.zeros((1, 3, 9), np.float32))
    ),
    "BatchNorm1d: expected signals": lambda: nn.BatchNorm1d(2).output_shape((2, 3, 3)),
    "kernel_size: expected a whole number": lambda: nn.MaxPool1d((3, 3)),
    "Upsample: mode: expected": lambda: nn.Upsample(2, mode="bicubic"),
    "Upsample: expected align_corners only": lambda: nn.Upsample(2, align_corners=False),
    "resize: expected either size or": lambda: nn.Upsample(),
    "resize: expected a scale_factor above 0": lambda: nn.Upsample(scale_factor=0),
    "resize: expected at least one pixel": lambda: nn.Upsample(scale_factor=0.1).output_shape(
        (1, 5, 5)
    ),
    "GroupNorm: expected channels that 3": lambda: nn.GroupNorm(3, 4),
    r"LayerNorm: expected an input whose last axes are \(4,\)": lambda: nn.LayerNorm(
        4
    ).output_shape((5, 3)),
    "ModuleList: expected modules": lambda: nn.ModuleList([nn.ReLU(), "ReLU"]),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_is_said_in_one_line(said):
    with pytest.raises(ConvlabError, match=f"^{said}") as error:
        WRONG[said]()
    assert "\n" not in str(error.value)


def test_a_list_of_modules():
    layers = nn.ModuleList([nn.Linear(2, 3), nn.ReLU()]).append(nn.Linear(3, 1))
    assert len(layers) == 3 and layers[-1] is list(layers)[2]
    assert [type(one).__name__ for one in layers[:2]] == ["Linear", "ReLU"]
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    with pytest.raises(NotImplementedError):
        layers.forward(Tensor([1.0]))


def test_squeeze_and_excitation():
    """A gate of one number for each map, as in Hu, Shen & Sun 2018."""
    spec = """
input = "6x5x2"
layer = [
    {type="Conv2d", name="conv", out_channels=4, kernel_size=3},
    {type="AdaptiveAvgPool2d", name="squeezed", output_size=1},
    {type="Conv2d", name="excited", out_channels=4, kernel_size=1},
    {type="Hardsigmoid", name="gate"},
    {type="Mul", name="scaled", inputs=["conv", "gate"]},
    {type="Flatten"},
    {type="Linear", out_features="classes"},
]
"""
    network = models.build_from_text(spec, name="gated")
    x = np.random.default_rng(0).standard_normal((2, 6, 5)).astype(np.float32)
    outputs = {one.name: one.array for one in insight.trace(network, x)}
    wanted = outputs["conv"] * outputs["gate"]
    np.testing.assert_array_equal(outputs["scaled"], wanted)
    told, *_ = insight.explain(network, x, "scaled", (2, 1, 2))
    assert [cell.place for cell in told.cells] == [(2, 1, 2), (2, 0, 0)]
    assert told.exact == pytest.approx(wanted[2, 1, 2], rel=1e-6)
    assert insight.ulps(told.value, told.recomputed) == 0
    images = Tensor(np.stack([x, x + 1]), requires_grad=True)
    network.astype(np.float64)
    gradcheck(lambda x: network(x), [Tensor(images.numpy().astype(float), requires_grad=True)])
    lab.check_fits(network)
    with pytest.raises(ConvlabError, match="^Mul: expected inputs of one shape, or of one number"):
        nn.Mul().output_shape((4, 3, 3), (4, 3, 1))
