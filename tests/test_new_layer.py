"""A layer and an activation that convlab has never met: each is written and registered in one
place, here, and everything else asks them about themselves."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli.main import convlab as group
from PIL import Image
from selenium.webdriver.support.ui import WebDriverWait

from convlab import Tensor, data, gradcheck, insight, models, nn, training
from convlab import functional as F
from convlab.nn.fusion import fused
from convlab.pictures._drawn_layers import drawn_layers

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.float32)
SPEC = """
input = "28x28x1"

[[layer]]
type = "CrossConv2d"
name = "cross"
out_channels = 4
stride = 2

[[layer]]
type = "Leaky"
name = "leaky"
slope = 0.25

[[layer]]
type = "Frame"
name = "framed"
top = 1
left = 2

[[layer]]
type = "SumPool2d"
name = "sums"
size = 3

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""
SHUFFLED = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="one", out_channels=3, kernel_size=5, stride=4},
    {type="Conv2d", inputs=["input"], name="two", out_channels=3, kernel_size=4, stride=4},
    {type="MaxPool2d", name="cut", inputs=["two"], kernel_size=2, stride=1},
    {type="Alternate", name="both", inputs=["one", "cut"]},
    {type="Flatten"},
    {type="Linear", name="fc", out_features="classes"},
]
"""


class CrossConv2d(nn.Conv2d):
    """A convolution of 3 x 3 without the corners of its kernels."""

    words, short = "convolution with a cross", "cross"

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        super().__init__(in_channels, out_channels, 3, stride, padding=1)

    def _trainable(self, parameter):
        return parameter.size if parameter is self.bias else parameter.size * 5 // 9

    def multiply_adds(self, shape):
        return self._trainable(self.weight) * np.prod(self.output_shape(shape)[1:]).item()

    def arrays(self):
        arrays = super().arrays()
        return arrays | {"weight": arrays["weight"] * CROSS}

    def reads(self, shape, unit):
        taps = super().reads(shape, unit)
        return taps._replace(weights=taps.weights * CROSS)

    def forward(self, x):
        return self._convolve(x, self.weight * CROSS.astype(self.weight.dtype))


class Leaky(nn.Activation):
    """x, and a share of it below 0 (Maas, Hannun & Ng 2013)."""

    words = short = "leaky ReLU"

    def __init__(self, slope: float = 0.01):
        super().__init__()
        self.slope = slope
        self.formula = f"max(x, {slope:g}x)"

    def forward(self, x):
        return F.relu(x) - self.slope * F.relu(-x)


class Frame(nn.Module):
    """Zeros above the maps and left of them."""

    family = nn.Family.PLACEMENT
    words = short = "frame"
    formula = "x, or 0 in the frame"
    sign = "kept"

    def __init__(self, top: int, left: int):
        super().__init__()
        self.top, self.left = top, left

    def output_shape(self, shape):
        return shape[0], shape[1] + self.top, shape[2] + self.left

    def window(self, shape):
        return nn.Window((1, 1), padding=(self.top, 0, self.left, 0))

    def reads(self, shape, unit):
        place = unit[0], unit[1] - self.top, unit[2] - self.left
        return nn.One(None if min(place) < 0 else place)

    def forward(self, x):
        return F.pad(x, (self.left, 0, self.top, 0))


class SumPool2d(nn.Pooling):
    """The sum over windows that stand side by side."""

    words, short = "sum pooling", "sum"
    reduction = "sum"
    sign = "kept"

    def __init__(self, size: int):
        super().__init__()
        self.size = (size, size)

    def windows(self, shape):
        from convlab import shapes

        return shapes.pool_windows(tuple(shape[1:]), self.size, self.size)

    def window(self, shape):
        return nn.Window(self.size, self.size)

    def forward(self, x):
        return F.avg_pool2d(x, self.size, divisor_override=1)


class Alternate(nn.Join):
    """The maps of all inputs in turn: the first of each, the second of each and so on."""

    words = short = "in turn"

    def output_shape(self, *inputs):
        channels, *size = inputs[0]
        return (channels * len(inputs), *size)

    def summands(self, shapes, unit):
        channel, *at = unit
        return [(channel % len(shapes), (channel // len(shapes), *at))]

    def forward(self, *inputs):
        count, channels, *size = inputs[0].shape
        turns = F.cat([x.reshape(count, channels, 1, *size) for x in inputs], 2)
        return turns.reshape(count, -1, *size)


@pytest.fixture(scope="module", autouse=True)
def registered():
    layers = CrossConv2d, Leaky, Frame, SumPool2d, Alternate
    for layer in layers:
        nn.register(layer)
    yield
    for layer in layers:
        del nn.LAYERS[layer.__name__]


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Commands in this process, which alone knows the layers."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.toml").write_text(SPEC)

    def works(*words):
        words = [str(folder / w[1:]) if str(w).startswith("@") else str(w) for w in words]
        result = CliRunner().invoke(group, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    settings = ("--epochs", 20, "--lr", 0.003)
    works("train", "--data", "digits", "--model", "@own.toml", "-o", "@run", *settings)
    works.folder = folder
    return works


@pytest.fixture(scope="module")
def run(command):
    return training.load(command.folder / "run")


@pytest.fixture(scope="module")
def image(run):
    _, test = data.load("digits")
    return run.network_input(test.images[3])


def by_hand(network, x):
    """The output of each layer for one image, by plain NumPy."""
    state = {name: value.astype(float) for name, value in network.state_dict().items()}
    padded = np.pad(x[0].astype(float), 1)
    kernel = state["cross.weight"][:, 0] * CROSS
    cross = np.array(
        [
            [[(padded[r : r + 3, c : c + 3] * w).sum() for c in range(0, 28, 2)]
             for r in range(0, 28, 2)]
            for w in kernel
        ]
    ) + state["cross.bias"][:, None, None]  # fmt: skip
    leaky = np.where(cross > 0, cross, 0.25 * cross)
    framed = np.zeros((4, 15, 16))
    framed[:, 1:, 2:] = leaky
    sums = framed[:, :, :15].reshape(4, 5, 3, 5, 3).sum(axis=(2, 4))
    scores = state["fc.weight"] @ sums.ravel() + state["fc.bias"]
    return {"cross": cross, "leaky": leaky, "framed": framed, "sums": sums, "fc": scores}


def test_it_computes_and_learns(run, image, command):
    outputs = {one.name: one.array for one in insight.trace(run.network, image)}
    for name, wanted in by_hand(run.network, image).items():
        np.testing.assert_allclose(outputs[name], wanted, rtol=1e-4, atol=1e-4)
    assert json.loads(command("evaluate", "@run", "--json"))["accuracy"] > 0.6  # of ten classes
    network = models.build_from_text(SPEC, name="own").astype(np.float64)
    x = Tensor(np.random.default_rng(0).standard_normal((1, 1, 28, 28)), requires_grad=True)
    gradcheck(lambda x: network(x).sum(), [x])
    corners = run.network["cross"].weight.numpy()[:, :, [0, 0, 2, 2], [0, 2, 0, 2]]
    first = training.initial_weights(run.folder)["cross.weight"][:, :, [0, 0, 2, 2], [0, 2, 0, 2]]
    # Nothing reads them: weight decay alone makes them smaller.
    assert np.ptp(corners / first) < 1e-5


def test_the_summary_counts_what_it_says(command):
    rows = {
        row["layer"]: row
        for row in map(json.loads, command("summary", "@own.toml", "--json").splitlines())
    }
    assert rows["cross"]["parameters"] == 4 * 5 + 4
    assert rows["cross"]["multiply_adds"] == 4 * 5 * 14 * 14
    assert rows["cross"]["output_shape"] == [4, 14, 14]
    assert rows["sums"]["kernel"] == rows["sums"]["stride"] == [3, 3]
    assert rows["sums"]["receptive_field"] == [7, 7]
    assert rows["framed"]["output_shape"] == [4, 15, 16]
    assert rows["fc"]["parameters"] == 100 * 10 + 10


def test_its_sums_are_written_out(run, image, command):
    outputs = by_hand(run.network, image)
    (told, *_) = insight.explain(run.network, image, "cross", (2, 5, 6))
    assert isinstance(told, insight.ConvolutionSum)
    assert told.exact == pytest.approx(outputs["cross"][2, 5, 6], abs=1e-6)
    assert (told.kernel[0][CROSS == 0] == 0).all() and told.sees == (9, 11, 12, 14)
    (told, *_) = insight.explain(run.network, image, "leaky", (0, 0, 0))
    assert told.formula == "max(x, 0.25x)"
    (told, *before) = insight.explain(run.network, image, "framed", (1, 3, 9))
    assert told.formula == Frame.formula
    assert told.value == pytest.approx(outputs["leaky"][1, 2, 7], abs=1e-6)
    assert [one.layer for one in before] == ["leaky", "cross"]
    (told,) = insight.explain(run.network, image, "framed", (1, 3, 1))  # in the frame
    assert (told.value, told.strongest, told.sees) == (0, None, None)
    said = command("explain", "@run", "test:3", "--layer", "framed", "--unit", "1,3,1")
    assert "nothing of leaky stands here" in said and "sees nothing" in said
    (told, *_) = insight.explain(run.network, image, "sums", (3, 1, 2))
    assert told.exact == pytest.approx(outputs["sums"][3, 1, 2], abs=1e-5)
    said = command("explain", "@run", "test:3", "--layer", "sums", "--unit", "3,1,2")
    assert "sum" in said
    chain = insight.explain(run.network, image, "fc", deep=True)
    assert [one.layer for one in chain][-1] == "cross"


def test_pictures_show_it(command):
    said = command("render", "architecture", "@own.toml", "-o", "@a.png", "--json-file", "@a.json")
    assert said.startswith("wrote ")
    description = json.loads((command.folder / "a.json").read_text())["description"]
    assert (
        "cross 14 × 14 × 4, framed 15 × 16 × 4, sums 5 × 5 × 4, fc 10 classes; 1,034 parameters"
        in description
    )
    drawn = {layer.name: layer for layer in drawn_layers(models.build(command.folder / "own.toml"))}
    assert drawn["framed"].operation == ("frame",)
    assert drawn["sums"].operation == ("sum 3 × 3",) and drawn["cross"].notes == ("Leaky",)
    for words in (
        ("features", "@run", "test:3", "-o", "@f.png"),
        ("filters", "@run", "-o", "@w.png"),
        ("receptive-field", "@run", "--layer", "sums", "-o", "@r.png"),
    ):
        command("render", *words)
        with Image.open(command.folder / words[-1][1:]) as picture:
            assert picture.size == (1600, 900)


def test_the_page_computes_it(run, image, command, browser):
    command("page", "@run", "test:3", "-o", "@page.html")
    browser.get_log("browser")
    browser.get((command.folder / "page.html").as_uri())
    WebDriverWait(browser, 5).until(
        lambda page: page.execute_script("return convlabLab.store.state.trace !== null")
    )
    found = browser.execute_script("""
        const { trace } = convlabLab.store.state;
        const told = (layer, unit) => convlabLab.network.explain(trace, layer, unit);
        return [trace.outputs.map((values) => [...values]), told(3, [3, 1, 2]).total,
            told(2, [1, 3, 9]), told(2, [1, 3, 1]),
            [...document.querySelectorAll("#network .kind")].map((one) => one.textContent)];
    """)
    outputs, total, moved, nothing, kinds = found
    wanted = by_hand(run.network, image)
    for name, values in zip(("cross", "leaky", "framed", "sums"), outputs, strict=False):
        np.testing.assert_allclose(values, wanted[name].ravel(), atol=1e-4)
    np.testing.assert_allclose(outputs[5], wanted["fc"], rtol=1e-4, atol=1e-4)
    assert (moved["kind"], moved["place"]) == ("pointwise", [1, 2, 7])
    assert (nothing["kind"], nothing["total"]) == ("nothing", 0)
    assert total == pytest.approx(wanted["sums"][3, 1, 2], abs=1e-4)
    assert browser.get_log("browser") == []


def test_the_page_computes_a_join_that_it_has_never_met(command, browser):
    (command.folder / "shuffled.toml").write_text(SHUFFLED)
    command("train", "--model", "@shuffled.toml", "-o", "@shuffled", "--epochs", 1, "--page")
    shuffled = training.load(command.folder / "shuffled")
    _, test = data.load("digits")
    x = shuffled.network_input(test.images[3])
    browser.get((command.folder / "shuffled" / "lab.html").as_uri())
    found = browser.execute_script(
        """
        const { network } = convlabLab;
        const trace = network.forward(Float32Array.from(arguments[0]));
        const { from, place, total } = network.explain(trace, 3, [3, 1, 5]);
        return [trace.outputs.map((values) => [...values]), from, place, total];
        """,
        x.ravel().tolist(),
    )
    outputs, source, place, total = found
    one, cut = (np.reshape(outputs[at], (3, 6, 6)) for at in (0, 2))
    np.testing.assert_array_equal(np.reshape(outputs[3], (3, 2, 6, 6)), np.stack([one, cut], 1))
    assert (source, place, total) == (2, [1, 1, 5], cut[1, 1, 5])
    traced = {one.name: one.array for one in insight.trace(shuffled.network, x)}
    for values, name in zip(outputs, ("one", "two", "cut", "both"), strict=False):
        np.testing.assert_allclose(values, traced[name].ravel(), atol=1e-5)


def test_a_page_refuses_a_join_that_moves_numbers():
    from convlab import lab
    from convlab.errors import SpecError

    class Mirrored(Alternate):
        def summands(self, shapes, unit):
            ((number, (channel, row, column)),) = super().summands(shapes, unit)
            return [(number, (channel, row, shapes[number][2] - 1 - column))]

    network = models.build_from_text(SHUFFLED, name="shuffled")
    layers = dict(network.named_children()) | {"both": Mirrored()}
    mirrored = models.GraphNetwork(layers, network.sources())
    mirrored.name, mirrored.input_shape = "mirrored", network.input_shape
    lab.check_fits(network)
    with pytest.raises(SpecError, match="page: both: expected a join that leaves numbers at their"):
        lab.check_fits(mirrored)


def test_a_page_refuses_a_formula_that_it_cannot_compute(run):
    from convlab import lab
    from convlab.errors import SpecError

    for formula in ("gelu(x)", "max(x)", "x +", "x; y", "lambda", "x.real", "(x, 1)", ""):
        run.network["leaky"].formula = formula
        with pytest.raises(
            SpecError, match="page: expected a formula of numbers, x, .* from leaky"
        ):
            lab.check_fits(run.network)
    for formula in ("x / (1 + exp(−x))", "−max(−1, min(x, 1))", "0.5x · (1 + tanh(x))"):
        run.network["leaky"].formula = formula
        lab.check_fits(run.network)
    run.network["leaky"].formula = "max(x, 0.25x)"


def test_relu_is_fused_with_what_says_that_it_takes_it():
    layers = {"a": CrossConv2d(1, 2), "b": nn.ReLU(), "c": nn.Conv2d(2, 2, 3), "d": nn.ReLU()}
    steps = fused(nn.Sequential(layers).nodes())
    assert [(step.name, step.relu) for step in steps] == [("a", False), ("b", False), ("d", True)]
