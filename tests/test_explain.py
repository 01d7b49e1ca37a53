"""The sum behind one value: against plain NumPy, to the last bit, and down to the pixel."""

import json
import re
from dataclasses import replace
from fractions import Fraction

import llvmlite.binding
import numpy as np
import pytest
import scipy.special
from click.testing import CliRunner
from convlab_cli import explain as cli
from PIL import Image

from convlab import insight, models, nn, pictures, random, terminal, training, viz
from convlab.errors import ConvlabError, ShapeError, SpecError
from convlab.insight.explain import _explained, _fused, _steps
from convlab.insight.sum_words import check_words

# Only where the processor has them does the compiler fuse; ARM's 64-bit processors all have.
FUSES = bool(
    {"fma", "neon"} & {k for k, v in llvmlite.binding.get_host_cpu_features().items() if v}
)

ZOO = """
input = "17x19x3"
[[layer]]
type = "Conv2d"
name = "reflected"
out_channels = 8
kernel_size = [3, 5]
padding = [1, 2, 0, 3]
padding_mode = "reflect"
[[layer]]
type = "Sigmoid"
[[layer]]
type = "AvgPool2d"
name = "averaged"
kernel_size = 3
stride = 2
padding = 1
ceil_mode = true
count_include_pad = false
[[layer]]
type = "Conv2d"
name = "grouped"
out_channels = 12
kernel_size = 3
dilation = 2
stride = [1, 2]
groups = 4
padding = 2
bias = false
[[layer]]
type = "Tanh"
[[layer]]
type = "ConvTranspose2d"
name = "up"
out_channels = 6
kernel_size = 3
stride = 2
padding = 1
groups = 2
output_padding = 1
[[layer]]
type = "AdaptiveMaxPool2d"
name = "adaptive"
output_size = [7, 5]
[[layer]]
type = "MaxPool2d"
name = "largest"
kernel_size = 3
stride = 2
padding = 1
dilation = 2
ceil_mode = true
[[layer]]
type = "Conv2d"
name = "circled"
out_channels = 5
kernel_size = 3
padding = "same"
padding_mode = "circular"
[[layer]]
type = "Conv2d"
name = "single"
out_channels = 7
kernel_size = 1
[[layer]]
type = "Softmax"
dim = 1
[[layer]]
type = "AdaptiveAvgPool2d"
name = "uneven"
output_size = 2
[[layer]]
type = "Flatten"
[[layer]]
type = "Dropout"
[[layer]]
type = "Linear"
name = "dense"
out_features = "classes"
"""


def built(model):
    """A network with random weights and biases, and a random image for it."""
    random.manual_seed(5)
    spec = models.Spec(ZOO, "zoo", "zoo.toml") if model == "zoo" else model
    network = models.build(spec)
    generator = np.random.default_rng(7)
    for parameter in network.parameters():
        noise = generator.normal(0, 0.1, parameter.shape)
        parameter.data = (parameter.data + noise).astype(np.float32)
    return network, generator.standard_normal(network.input_shape).astype(np.float32)


@pytest.fixture(scope="module")
def lenet():
    return built("lenet5")


@pytest.fixture(scope="module")
def lenet_1998():
    return built("lenet5-1998")


@pytest.fixture(scope="module")
def zoo():
    return built("zoo")


def units(shape, count, seed=0):
    generator = np.random.default_rng(seed)
    return [tuple(int(generator.integers(n)) for n in shape) for _ in range(count)]


def outputs(network, x):
    """(name of the layer before or None, what goes in, what comes out) of every layer."""
    found, before, value = {}, None, x
    for activation in insight.trace(network, x):
        found[activation.name] = before, value, activation.array
        before, value = activation.name, activation.array
    return found


# --- terms against plain NumPy in float64 ------------------------------------------------------

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def convolved(x, layer, unit):
    """One output of a convolution by its definition, in float64."""
    o, row, column = unit
    top, bottom, left, right = layer.padding
    x = np.pad(x.astype(float), ((0, 0), (top, bottom), (left, right)), MODES[layer.padding_mode])
    weight = layer.weight.numpy()[o].astype(float)
    if isinstance(layer, nn.TableConv2d):
        weight = weight * layer.connections_table[o][:, None, None]
    group = o // (layer.out_channels // layer.groups)
    total = 0.0 if layer.bias is None else float(layer.bias.numpy()[o])
    for c, kh, kw in np.ndindex(weight.shape):
        at = row * layer.stride[0] + kh * layer.dilation[0]
        across = column * layer.stride[1] + kw * layer.dilation[1]
        total += weight[c, kh, kw] * x[group * len(weight) + c, at, across]
    return total


def transposed(x, layer):
    """A whole transposed convolution: every input cell lays its kernel on the output."""
    channels, rows, columns = x.shape
    top, _, left, _ = layer.padding
    (kh, kw), (sh, sw) = layer.kernel_size, layer.stride
    shape = layer.output_shape(x.shape)
    large = np.zeros((shape[0], rows * sh + kh + 3, columns * sw + kw + 3))
    weight = layer.weight.numpy().astype(float)
    outs = weight.shape[1]
    for c, i, j in np.ndindex(x.shape):
        group = c // (channels // layer.groups)
        place = large[group * outs : (group + 1) * outs, i * sh : i * sh + kh, j * sw : j * sw + kw]
        place += weight[c] * float(x[c, i, j])
    cut = large[:, top : top + shape[1], left : left + shape[2]]
    return cut + layer.bias.numpy().astype(float)[:, None, None]


CONVOLUTIONS = [
    ("lenet", "conv1"),
    ("lenet", "conv2"),
    ("lenet_1998", "c1"),
    ("lenet_1998", "c3"),
    ("lenet_1998", "c5"),
    ("zoo", "reflected"),
    ("zoo", "grouped"),
    ("zoo", "circled"),
    ("zoo", "single"),
]


@pytest.mark.parametrize(("model", "name"), CONVOLUTIONS)
def test_a_convolution_adds_up_as_by_its_definition(model, name, request):
    network, x = request.getfixturevalue(model)
    _, before, output = outputs(network, x)[name]
    corners = [(0, 0, 0), tuple(n - 1 for n in output.shape)]
    for unit in corners + units(output.shape, 20):
        (one,) = insight.explain(network, x, name, unit)
        expected = convolved(before, network[name], unit)
        assert one.value == output[unit]
        assert one.exact == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert float(one.value) == pytest.approx(expected, rel=3e-6, abs=3e-6)
        assert one.map_sums.sum() + (one.bias or 0) == pytest.approx(expected, abs=1e-12)
        assert one.patch.shape == one.kernel.shape == (len(one.maps), *network[name].kernel_size)
        if one.padding_mode == "zeros":
            assert not one.patch[:, one.outside].any()
        # Where it says that the patch lies, it lies.
        rows, columns = np.meshgrid(one.rows, one.columns, indexing="ij")
        known = (rows >= 0) & (columns >= 0)
        np.testing.assert_array_equal(
            one.patch[:, known], before[one.maps][:, rows[known], columns[known]]
        )


def test_only_connected_maps_are_added_in_c3(lenet_1998):
    network, x = lenet_1998
    for o, wanted in ((0, [0, 1, 2]), (5, [0, 1, 5]), (14, [0, 2, 3, 5]), (15, range(6))):
        (one,) = insight.explain(network, x, "c3", (o, 3, 3))
        np.testing.assert_array_equal(one.maps, wanted)


def test_padding_is_marked(lenet, zoo):
    network, x = lenet
    (one,) = insight.explain(network, x, "conv1", (0, 0, 27))
    expected = np.ones((5, 5), bool)
    expected[2:, :3] = False
    np.testing.assert_array_equal(one.outside, expected)
    network, x = zoo
    (one,) = insight.explain(network, x, "circled", (0, 0, 0))
    np.testing.assert_array_equal(one.outside, [[1, 1, 1], [1, 0, 0], [1, 0, 0]])
    # Padding that repeats the map has its numbers.
    before = outputs(network, x)["circled"][1]
    np.testing.assert_array_equal(one.patch[:, 0, 0], before[:, -1, -1])


def test_a_transposed_convolution_adds_up_as_by_its_definition(zoo):
    network, x = zoo
    _, before, output = outputs(network, x)["up"]
    expected = transposed(before, network["up"])
    for unit in [(0, 0, 0), tuple(n - 1 for n in output.shape), *units(output.shape, 30)]:
        (one,) = insight.explain(network, x, "up", unit)
        assert one.exact == pytest.approx(expected[unit], abs=1e-12)
        assert float(one.value) == pytest.approx(expected[unit], abs=3e-6)
        assert (np.diff(one.rows[one.rows >= 0]) > 0).all()  # turned, it lies as the map does


@pytest.mark.parametrize(
    ("model", "name"),
    [("lenet", "pool1"), ("lenet", "pool2"), ("zoo", "largest"), ("zoo", "adaptive")],
)
def test_the_winner_of_a_pooling_is_numpys(model, name, request):
    network, x = request.getfixturevalue(model)
    _, before, output = outputs(network, x)[name]
    for unit in units(output.shape, 40):
        (one,) = insight.explain(network, x, name, unit)
        window = np.where(one.outside, -np.inf, one.patch)
        assert one.winner == np.unravel_index(window.argmax(), window.shape)
        place = (unit[0], one.rows[one.winner[0]], one.columns[one.winner[1]])
        assert one.strongest == insight.Cell(
            list(outputs(network, x)[name])[0], place, before[place]
        )
        assert one.value == one.recomputed == before[place] == output[unit]
    if name.startswith("pool"):
        assert (one.rows == [2 * unit[1], 2 * unit[1] + 1]).all()


def test_of_equal_cells_the_first_wins():
    network, _ = built("lenet5")
    network["conv1"].bias.data -= 100  # all of relu1 is zero
    x = np.zeros(network.input_shape, np.float32)
    (one,) = insight.explain(network, x, "pool1", (2, 3, 4))
    assert (one.winner, one.strongest.place) == ((0, 0), (2, 6, 8))


def test_a_window_over_the_edge_keeps_its_place():
    # Its corner lies at (0, 1) less the padding; -1 stands for what is outside.
    for padding, rows, columns in (
        ((1, 0), [-1, 0, 1], [1, 2, 3]),
        ((0, 1), [0, 1, 2], [0, 1, 2]),
    ):
        reads = nn.MaxPool2d(3, 1, padding).reads((2, 4, 5), (1, 0, 1))
        assert (reads.rows.tolist(), reads.columns.tolist()) == (rows, columns)


def test_averages_and_sums_of_windows(zoo, lenet_1998):
    network, x = zoo
    _, before, output = outputs(network, x)["averaged"]
    for unit in [(0, 0, 0), *units(output.shape, 20)]:
        (one,) = insight.explain(network, x, "averaged", unit)
        rows = slice(max(2 * unit[1] - 1, 0), 2 * unit[1] + 2)
        columns = slice(max(2 * unit[2] - 1, 0), 2 * unit[2] + 2)
        window = before[unit[0], rows, columns].astype(float)
        assert one.divisor == window.size
        assert one.exact == pytest.approx(window.mean(), rel=1e-12)
        assert one.value == pytest.approx(window.mean(), rel=1e-6)
    _, before, output = outputs(network, x)["uneven"]
    (one,) = insight.explain(network, x, "uneven", (1, 1, 0))
    # Windows over 3 columns are 2 wide and share the middle one.
    assert one.exact == pytest.approx(before[1, len(before[1]) // 2 :, :2].astype(float).mean())
    network, x = lenet_1998
    _, before, output = outputs(network, x)["s2"]
    (one,) = insight.explain(network, x, "s2", (4, 3, 2))
    layer = network["s2"]
    expected = before[4, 6:8, 4:6].astype(float).sum() * float(layer.weight.numpy()[4])
    assert one.exact == pytest.approx(expected + float(layer.bias.numpy()[4]), rel=1e-12)
    assert one.value == pytest.approx(one.exact, rel=1e-6)


def test_dense_distance_and_activations(lenet, lenet_1998):
    network, x = lenet
    _, before, output = outputs(network, x)["fc2"]
    weight, bias = network["fc2"].weight.numpy(), network["fc2"].bias.numpy()
    expected = weight.astype(float) @ before + bias
    for (unit,) in units(output.shape, 20):
        (one,) = insight.explain(network, x, "fc2", (unit,))
        assert one.exact == pytest.approx(expected[unit], rel=1e-9)
        assert one.value == output[unit] == pytest.approx(expected[unit], rel=1e-5, abs=1e-5)
        assert one.after == ("relu4", "ReLU", max(output[unit], 0))
        assert one.strongest.place == (np.abs(weight[unit] * before).argmax(),)
    network, x = lenet_1998
    _, before, output = outputs(network, x)["output"]
    expected = ((before.astype(float) - models.bitmaps.digits_7x12()) ** 2).sum(axis=1)
    for unit in range(10):
        (one,) = insight.explain(network, x, "output", (unit,))
        assert one.exact == pytest.approx(expected[unit])
        assert one.value == pytest.approx(expected[unit], rel=1e-6)
    first, second = insight.explain(network, x, "scaledtanh3", (1, 2, 3))
    assert (first.layer, second.layer, second.unit) == ("scaledtanh3", "c3", (1, 2, 3))
    assert float(first.value) == pytest.approx(1.7159 * np.tanh(2 / 3 * second.value), rel=1e-6)
    assert second.after == ("scaledtanh3", "ScaledTanh", first.value)


def test_softmax_is_scipys(lenet, lenet_1998, zoo):
    for (network, x), sign in ((lenet, 1), (lenet_1998, -1)):
        output = insight.trace(network, x)[-1].array.astype(float)
        expected = scipy.special.softmax(sign * output)
        for unit in range(10):
            (one,) = insight.explain(network, x, "probabilities", (unit,))
            assert one.value == pytest.approx(expected[unit], rel=1e-5)
            assert one.exact == pytest.approx(expected[unit], rel=1e-12)
            np.testing.assert_array_equal(one.logits, (sign * output).astype(np.float32))
            assert one.penalties == (sign < 0)
        # Without a unit it is the answer; of distances that is the smallest.
        (one,) = insight.explain(network, x)
        assert one.unit == (expected.argmax(),)
        last = insight.trace(network, x)[-1].name
        assert insight.explain(network, x, last)[0].unit == (expected.argmax(),)
    network, x = zoo
    before = outputs(network, x)["softmax1"][1].astype(float)
    (one,) = insight.explain(network, x, "softmax1", (2, 1, 0))
    assert one.exact == pytest.approx(scipy.special.softmax(before[:, 1, 0])[2])


# --- to the last bit ---------------------------------------------------------------------------


def nearest_float32(value):
    """The float32 nearest to a fraction, of two the even one."""
    middle = np.float32(float(value))
    candidates = [np.nextafter(middle, np.float32(s * np.inf)) for s in (-1, 1)] + [middle]
    return min(
        candidates,
        key=lambda c: (abs(Fraction(float(c)) - value), int(c.view(np.int32)) & 1),
    )


def test_fused_multiply_add_rounds_once():
    generator = np.random.default_rng(0)
    for _ in range(3000):
        a, b = generator.standard_normal(2).astype(np.float32)
        # Sums of very different size and near halves are where rounding twice goes wrong.
        c = np.float32(generator.standard_normal() * 2.0 ** generator.integers(-40, 40))
        exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
        assert _fused(c, a, b) == nearest_float32(exact)
    # Half a unit in the last place and a little: rounded to float64 the little is lost.
    tiny = np.float32(2.0**-60)
    a = np.float32(1 + 2.0**-23)
    assert _fused(a, np.float32(2.0**-24 + 2.0**-47), np.float32(1)) == nearest_float32(
        Fraction(float(a)) + Fraction(2.0**-24) + Fraction(2.0**-47)
    )
    assert _fused(np.float32(1), tiny, tiny) == 1


def test_ulps():
    one = np.float32(1)
    assert insight.ulps(one, one) == 0
    assert insight.ulps(one, np.nextafter(one, np.float32(2))) == 1
    assert insight.ulps(np.float32(-0.0), np.float32(0.0)) == 0
    least = np.nextafter(np.float32(0), np.float32(1))
    assert insight.ulps(-least, least) == 2


@pytest.mark.skipif(not FUSES, reason="this processor has no fused multiply-add")
@pytest.mark.parametrize("model", ["lenet", "lenet_1998", "zoo"])
def test_the_sum_in_the_loops_order_has_the_networks_bits(model, request):
    network, x = request.getfixturevalue(model)
    steps = _steps(network, x)  # once, as each explanation computes the whole network
    apart, counted = {}, 0
    for name, step in steps.items():
        for unit in units(step.output.shape, 100):
            one = _explained(network, steps, name, unit)
            counted += 1
            assert one.value == step.output[unit]
            if insight.ulps(one.value, one.recomputed):
                apart[step.name, unit] = insight.ulps(one.value, one.recomputed)
    assert counted >= 1300
    assert apart == {}


def test_another_order_would_not_have_them(lenet):
    """Equality is found, not assumed: added in the order of maps the bits often differ."""
    network, x = lenet
    different = 0
    for unit in units((16, 10, 10), 60):
        (one,) = insight.explain(network, x, "conv2", unit)
        total = np.float32(one.bias)
        for weight, value in zip(one.kernel.ravel(), one.patch.ravel(), strict=True):
            total = total + weight * value
        different += insight.ulps(total, one.value) > 0
    assert different > 20


def test_a_difference_is_named_with_its_size(lenet):
    network, x = lenet
    (one,) = insight.explain(network, x, "fc1", (3,))
    assert check_words(replace(one, recomputed=one.value)).endswith("to the last bit")
    other = np.nextafter(one.value, np.float32(np.inf))
    words = check_words(replace(one, recomputed=other))
    assert "they differ by 1 unit in the last place" in words
    assert f"the network's: {one.value:.9g}".replace("-", "−") in words
    other = np.nextafter(other, np.float32(np.inf))
    assert "by 2 units in the last place" in check_words(replace(one, recomputed=other))


# --- down to a pixel ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "names"),
    [("lenet", ("conv1", "pool1", "conv2", "pool2")), ("lenet_1998", ("c1", "s2", "c3", "s4"))],
)
def test_a_chain_ends_at_a_pixel_that_the_unit_sees(model, names, request):
    network, x = request.getfixturevalue(model)
    for name in names:
        array = outputs(network, x)[name][2]
        for unit in units(array.shape, 25):
            chain = insight.explain(network, x, name, unit, deep=True)
            top, left, bottom, right = chain[0].sees
            assert chain[0].sees == insight.unit_field(network, name, unit[1:]).box
            pixel = chain[-1].strongest
            assert pixel.layer is None
            channel, row, column = pixel.place
            assert top <= row < bottom and left <= column < right
            assert pixel.value == x[channel, row, column]


def test_each_link_is_the_strongest_term_of_the_one_before(lenet, zoo):
    for network, x in (lenet, zoo):
        chain = insight.explain(network, x, deep=True)
        values = {name: array for name, (_, _, array) in outputs(network, x).items()}
        assert [one.layer for one in chain] == ["probabilities", *list(values)[::-1]]
        for one, following in zip(chain, chain[1:], strict=False):
            cell = one.strongest
            assert (cell.layer, cell.place) == (following.layer, following.unit)
            assert cell.value == following.value == values[cell.layer][cell.place]
            if isinstance(one, insight.ConvolutionSum):
                largest = np.abs(one.products[:, ~one.outside]).max()
                c = list(one.maps).index(cell.place[0])
                at = np.argwhere(
                    (one.rows[:, None] == cell.place[1]) & (one.columns == cell.place[2])
                )
                assert max(abs(one.products[c, kh, kw]) for kh, kw in at) >= largest * (1 - 1e-6)


def test_what_a_unit_sees(lenet, zoo):
    network, x = lenet
    assert insight.explain(network, x, "fc1", (0,))[0].sees == (0, 0, 28, 28)
    # Flattened, a cell of pool2 still sees no more than it did.
    flat, pooled = insight.explain(network, x, "flatten1", (26,))
    assert pooled.unit == (1, 0, 1)
    assert flat.sees == pooled.sees == insight.unit_field(network, "pool2", (0, 1)).box
    network, x = zoo
    assert insight.explain(network, x, "reflected", (0, 5, 5))[0].sees == (4, 5, 7, 10)
    # Reflected pixels lie elsewhere; windows of uneven size have no common box.
    for name in ("reflected", "up", "adaptive", "uneven"):
        assert insight.explain(network, x, name, (0, 0, 0))[0].sees is None


# --- what cannot be meant ----------------------------------------------------------------------


def test_explain_refuses(lenet):
    network, x = lenet
    with pytest.raises(SpecError) as caught:
        insight.explain(network, x, "conv9")
    assert str(caught.value) == (
        "layer: expected one of conv1, relu1, pool1, conv2, relu2, pool2, flatten1, fc1, relu3,"
        " fc2, relu4, fc3, probabilities, got 'conv9'; did you mean conv2?"
    )
    for unit, got in (((3, 11, 2), "3,11,2"), ((-1, 0, 0), "-1,0,0"), ((3,), "3")):
        message = f"unit: expected MAP,ROW,COL within 16 × 10 × 10, got {got}"
        with pytest.raises(ShapeError, match=re.escape(message)):
            insight.explain(network, x, "conv2", unit)
    for unit, got in (((120,), "120"), ((1, 2, 3), "1,2,3")):
        message = f"unit: expected one number from 0 to 119, got {got}"
        with pytest.raises(ShapeError, match=message):
            insight.explain(network, x, "fc1", unit)
    with pytest.raises(ShapeError, match=r"expected an image of shape \(1, 28, 28\)"):
        insight.explain(network, x[0], "conv1")


# --- the command -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def say(run):
    """The command in this process: what it prints of a run, as lines."""

    def invoke(*arguments, **settings):
        result = CliRunner().invoke(cli.command, [str(run), *map(str, arguments)], **settings)
        if result.exception is not None:
            raise result.exception
        return result.output.splitlines()

    return invoke


def number(text):
    return float(text.replace("−", "-"))


def test_the_printed_value_is_the_networks_and_the_sums_make_it(say, run):
    loaded = training.load(run)
    x = loaded.network_input(loaded.image("test:3").pixels)
    (activation,) = insight.trace(loaded.network, x, "conv2")
    for unit in units(activation.array.shape, 3):
        lines = say("test:3", "--layer", "conv2", "--unit", ",".join(map(str, unit)), "--all")
        value = activation.array[unit]
        (shown,) = [line.split()[-1] for line in lines if line[3:].startswith(" conv2")]
        assert np.float32(number(shown)) == value
        adds = [number(line.split()[-1]) for line in lines if " adds " in line]
        assert len(adds) == 6
        (bias,) = [number(line.split()[-1]) for line in lines if line.startswith("  + bias")]
        assert sum(adds) + bias == pytest.approx(float(value), rel=1e-6, abs=1e-6)
        assert max(map(len, lines)) <= 100
        text = " ".join(lines)
        assert "\x1b" not in text
        assert ("to the last bit" in text) == ("last place" not in text)


def test_many_terms_are_left_out_unless_all_are_wanted(say):
    lines = say("test:3", "--layer", "fc1", "--unit", "7")
    assert any("the 3 largest and the 3 smallest products" in line for line in lines)
    shown = [number(line.split()[-1]) for line in lines if re.match(r"  \d+ ", line)]
    assert len(shown) == 6
    (these,) = [number(line.split()[-1]) for line in lines if line.startswith("  sum of these 6")]
    assert these == pytest.approx(sum(shown), abs=1e-6)
    everything = say("test:3", "--layer", "fc1", "--unit", "7", "--all")
    assert len([line for line in everything if re.match(r"  \d+ ", line)]) == 400
    assert max(map(len, lines + everything)) <= 100


def test_the_map_that_adds_most_is_shown_and_what_the_others_add(say, run):
    loaded = training.load(run)
    x = loaded.network_input(loaded.image("test:3").pixels)
    (one,) = insight.explain(loaded.network, x, "conv2", (3, 4, 5))[:1]
    sums = (one.patch.astype(float) * one.kernel).sum(axis=(1, 2))
    strongest = int(np.abs(sums).argmax())
    text = "\n".join(say("test:3", "--layer", "conv2", "--unit", "3,4,5"))
    (shown,) = re.findall(r"map (\d+) adds (\S+)", text)
    assert int(shown[0]) == strongest
    assert number(shown[1]) == pytest.approx(sums[strongest], abs=1e-6)
    (others,) = re.findall(r"5 other maps add (\S+)", text)
    assert number(others) == pytest.approx(np.delete(sums, strongest).sum(), abs=1e-6)


def test_colour_only_for_a_terminal_that_wants_it(say):
    arguments = ("test:3", "--layer", "conv1", "--unit", "0,0,0")
    plain = say(*arguments)
    coloured = say(*arguments, color=True)
    assert plain == [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in coloured]
    assert plain != coloured
    assert say(*arguments, color=True, env={"NO_COLOR": "1"}) == plain
    assert any(line.split()[:5] == ["·"] * 5 for line in plain)  # padding is no number


def test_the_chain_is_printed_down_to_its_pixel(say):
    short, lines = say("test:3", "--deep"), say("test:3", "--deep", "--all")
    sums = [line.split()[1] for line in short if line.startswith("↓")]
    assert sums == [
        *("probabilities", "fc3", "fc2", "fc1", "pool2", "conv2", "pool1", "conv1", "pixel")
    ]
    assert short[-1] == lines[-1] and len(short) < 24
    steps = [line.split()[1].rstrip(",") for line in lines if line.startswith("↓")]
    assert steps[0] == "fc3" and steps[-2:] == ["conv1", "pixel"]
    assert "for the network" in lines[-1]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "layer", ["probabilities", "relu2", "pool1", "flatten1", "fc3", "conv1", "conv2"]
)
def test_every_layer_is_printed_and_drawn(say, run, layer, tmp_path):
    lines = say("test:5", "--layer", layer, "--size", "small", "-o", tmp_path / "sum.svg")
    assert lines[-1] == f"wrote {tmp_path / 'sum.svg'}"
    assert max(map(len, lines[:-1])) <= 100
    assert (tmp_path / "sum.svg").read_text().startswith("<?xml")


def test_a_colour_picture_and_every_kind_of_layer(tmp_path):
    """RGB from a file to the pixel, with padding modes, groups and an unknown kind of window."""
    network, _ = built("zoo")
    folder = tmp_path / "run"
    pictures = tmp_path / "pictures"
    generator = np.random.default_rng(0)
    for name in ("dark", "light"):
        (pictures / name).mkdir(parents=True)
        for index in range(6):
            pixels = generator.integers(0, 256, (17, 19, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(pictures / name / f"{index}.png")
    spec = tmp_path / "zoo.toml"
    spec.write_text(ZOO)
    from convlab_cli.train import command as train

    trained = CliRunner().invoke(
        train,
        ["--model", str(spec), "--data", str(pictures), "--epochs", "1", "-o", str(folder)],
    )
    assert trained.exit_code == 0, trained.output
    image = pictures / "dark" / "3.png"
    for name, _ in [*network.named_children(), ("probabilities", None)]:
        arguments = [str(folder), str(image), "--layer", name, "-o", str(tmp_path / "x.png")]
        result = CliRunner().invoke(cli.command, [*arguments, "--size", "small"])
        assert result.exit_code == 0, (name, result.exception)
        assert max(map(len, result.output.splitlines()[:-1])) <= 100, name
    result = CliRunner().invoke(cli.command, [str(folder), str(image), "--deep"])
    pixel = re.search(r"pixel row (\d+), column (\d+), (red|green|blue): byte (\d+)", result.output)
    row, column, byte = (int(pixel[i]) for i in (1, 2, 4))
    channel = ["red", "green", "blue"].index(pixel[3])
    assert np.asarray(Image.open(image))[row, column, channel] == byte


@pytest.mark.smoke
def test_numbers_of_the_record_are_those_of_the_network(convlab, run, tmp_path):
    out = convlab.works(
        "explain", run, "test:3", "--layer", "conv2", "--unit", "3,4,5", "--json-file", "sum.json"
    )
    assert out.splitlines()[-1] == "wrote sum.json"
    record = json.loads((tmp_path / "sum.json").read_text())
    assert record["command"].startswith("convlab explain ")
    (one,) = record["result"]["explanations"]
    weight = np.array(record["weights"]["conv2.weight"], np.float32)[3]
    np.testing.assert_array_equal(np.array(one["kernel"], np.float32), weight)
    # What is written tells each float32 from its neighbours.
    patch, kernel, bias = (
        np.array(one[key], np.float32).astype(float) for key in ("patch", "kernel", "bias")
    )
    total = (patch * kernel).sum() + bias
    assert one["value"] == pytest.approx(total, abs=1e-6)
    assert one["exact"] == pytest.approx(total, abs=1e-12)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sum.json"]


def test_lines_in_python_are_those_of_the_command(convlab, run):
    for words, settings in (
        ((), {}),
        (("--deep",), {"deep": True}),
        (("--all",), {"complete": True}),
    ):
        made = pictures.explanation(run, "test:3", **settings)
        lines = [terminal.plain(line) for line in terminal.fitted(made.lines())]
        assert lines == convlab.works("explain", run, "test:3", *words).splitlines()
    lines = terminal.fitted(made.lines())
    parts = [part for line in lines for part in line if isinstance(part, terminal.Span)]
    assert {part.role for part in parts} == {"", "output"}


def test_errors_of_the_command(convlab, run, say, tmp_path):
    assert "expected RUN and IMAGE" in convlab.misused("explain", run)
    assert "expected RUN and IMAGE before them" in convlab.misused("explain", "--deep")
    message = convlab.misused("explain", run, "test:3", "--stride", "2", "--row", "1")
    assert "--row, --stride: expected an example, without RUN" in message
    assert convlab.fails("explain", run, "nothing.png").startswith("nothing.png")
    for arguments, message in (
        (("--layer", "conv2", "--unit", "3,11,2"), "within 16 × 10 × 10, got 3,11,2"),
        (("--layer", "none"), "expected one of conv1,"),
    ):
        with pytest.raises(ConvlabError, match=message):
            say("test:3", *arguments)
    for arguments, message in (
        (("--unit", "a,b"), "expected one or three whole numbers such as 0,3,4, got 'a,b'"),
        (("-o", "picture.bmp"), "expected a file ending in .png, .jpg, .webp, .svg, .pdf or .tex"),
    ):
        result = CliRunner().invoke(cli.command, [str(run), "test:3", *arguments])
        assert result.exit_code == 2 and message in result.output
    assert list(tmp_path.iterdir()) == []


# --- the picture --------------------------------------------------------------------------------


def windows(count, rows, columns, scale=1.0):
    generator = np.random.default_rng(3)
    terms = []
    for index in range(count):
        patch, kernel = scale * generator.normal(size=(2, rows, columns))
        total = float((patch * kernel).sum())
        terms.append(viz.SumTerm(f"map {index}", (patch, kernel, patch * kernel), total))
    return sorted(terms, key=lambda term: -abs(term.total))


def singles(count, name="unit {}"):
    numbers = np.random.default_rng(4).normal(size=(count, 2))
    return [
        viz.SumTerm(name.format(i), (a, b), float(a * b), chosen=i == 1)
        for i, (a, b) in enumerate(numbers.tolist())
    ]


TRIPLE = [("patch", "input"), ("kernel", "window"), ("products", "ink")]
TABLE = [("value", "input"), ("weight", "window"), ("product", "ink")]
POOL = [viz.SumTerm("map 3 of a layer with a long name", (np.eye(3),), 3.0)]
CASES = {
    "one 5x5": (windows(1, 5, 5), TRIPLE),
    "six 5x5": (windows(6, 5, 5), TRIPLE),
    "rgb": (
        [
            replace(t, label=c)
            for t, c in zip(windows(3, 3, 3), ("red", "green", "blue"), strict=True)
        ],
        TRIPLE,
    ),
    "many 3x3": (windows(256, 3, 3), TRIPLE),
    "11x11": (windows(4, 11, 11), TRIPLE),
    "wide": (windows(5, 1, 9), TRIPLE),
    "tall": (windows(5, 9, 1), TRIPLE),
    "large numbers": (windows(3, 3, 3, 1e4), TRIPLE),
    "small numbers": (windows(3, 3, 3, 1e-6), TRIPLE),
    "dense": (singles(400), TABLE),
    "few": (singles(2), TABLE),
    "long names": (singles(30, "a class with quite a long name, number {}"), TABLE),
    "pooling": (POOL, [("window", "input")]),
    "large pooling": (
        [viz.SumTerm("map 0", (np.random.default_rng(0).random((28, 28)),), 1.0)],
        [("window", "input")],
    ),
    "nothing": ([], []),
}


@pytest.mark.sample(16)
@pytest.mark.parametrize(
    ("name", "size"),
    [
        (name, size)
        for index, name in enumerate(CASES)
        for size in ("slide", ("small", "paper")[index % 2])
    ]
    + [("tall", "small"), ("dense", "paper"), ("six 5x5", "animation")],
)
def test_text_neither_overlaps_nor_leaves_the_canvas(name, size, assert_legible):
    terms, heads = CASES[name]
    grid = bool(terms) and np.ndim(terms[0].numbers[0]) == 2
    outside = np.zeros(np.shape(terms[0].numbers[0]), bool) if grid else None
    if grid:
        outside[0, 0] = True
    figure = viz.unit_sum(
        terms,
        heads=heads,
        noun="map",
        adds=len(heads) > 1,
        steps=[viz.SumStep("+", "bias", -0.0194, "mistake")],
        result=[("conv2", 2.23603296), ("relu2", 2.23603296)],
        image=np.random.default_rng(1).random((3, 28, 20)),
        box=(-2, 3, 12, 17) if name != "nothing" else None,
        outside=outside,
        winner=(1, 1) if name == "pooling" else None,
        title="conv2, map 3, row 4, column 5: 2.23603296",
        subtitle="5 × 5 kernel over 6 maps of pool1: rows 4 to 8, columns 5 to 9; four.png, run a",
        size=size,
        theme="dark" if size == "small" else "light",
    )
    assert_legible(figure, size)


def test_the_drawn_sums_add_up_to_the_value():
    terms = windows(12, 5, 5)
    bias = 0.25
    value = sum(term.total for term in terms) + bias
    figure = viz.unit_sum(
        terms,
        heads=TRIPLE,
        noun="map",
        adds=True,
        steps=[viz.SumStep("+", "bias", bias, "mistake")],
        result=[("conv2", value)],
        image=np.zeros((1, 28, 28)),
        box=None,
        title="conv2",
    )
    texts = [text for axes in figure.axes for text in axes.texts]
    (at,) = [text.get_position()[1] for text in texts if text.get_text() == "bias"]
    below = sorted(
        (t for t in texts if t.get_position()[1] > at), key=lambda t: t.get_position()[0]
    )
    line = "".join(t.get_text() for t in below).replace("−", "-")
    left, right = re.split("[=≈]", line)
    assert eval(left) == pytest.approx(float(right), abs=1e-6)
    assert float(right) == pytest.approx(value, abs=1e-6)
    assert any(re.fullmatch(r"\d+ maps not shown", t.get_text()) for t in texts)


def test_unit_sum_refuses():
    settings = dict(
        noun="map",
        adds=True,
        steps=[],
        result=[("a", 1.0)],
        image=np.zeros((1, 8, 8)),
        box=None,
        title="t",
    )
    with pytest.raises(ShapeError, match="expected 3 columns of numbers"):
        viz.unit_sum(POOL, heads=TRIPLE, **settings)
    odd = [*windows(1, 3, 3), *windows(1, 5, 5)]
    with pytest.raises(ShapeError, match="expected windows of one size"):
        viz.unit_sum(odd, heads=TRIPLE, **settings)


def test_a_softmax_has_one_format_and_bars_from_0_to_1():
    logits = np.array([4.0674, 2.0046, -1.1517])
    exponentials = np.exp(logits - logits.max())
    shares = exponentials / exponentials.sum()
    terms = [viz.SumTerm(f"class {i}", (logits[i], exponentials[i]), shares[i]) for i in range(3)]
    figure = viz.unit_sum(
        terms,
        heads=[("x", "input"), ("exp", "ink"), ("share", "output")],
        noun="unit",
        adds=False,
        steps=[viz.SumStep("", "exp", 1.0), viz.SumStep("÷", "sum", exponentials.sum())],
        result=[("probabilities", shares[0])],
        image=np.zeros((1, 8, 8)),
        box=None,
        decimals=4,
        title="probabilities",
    )
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    numbers = [text for text in texts if "." in text]
    assert len(numbers) == 3 * 3 + 3 and all(re.fullmatch(r"−?\d\.\d{4}", n) for n in numbers)
    assert {"0", "1"} <= {*texts}
    lines = sorted(
        {round(segment[0][0], 3) for axes in figure.axes for part in axes.collections
         for segment in part.get_segments() if segment[0][0] == segment[1][0]}
        | {round(line.get_xdata()[0], 3) for axes in figure.axes for line in axes.lines
           if line.get_xdata()[0] == line.get_xdata()[1]}
    )  # fmt: skip
    zero, one = lines
    widths = [
        box.get_width()
        for axes in figure.axes
        for box in axes.patches
        if round(box.get_x(), 3) == zero
    ]
    assert widths == pytest.approx(shares * (one - zero), abs=0.01)


# --- the picture of a chain ---------------------------------------------------------------------


def link(name, number, values, at, terms=150, passed=()):
    """A sum of ``terms`` products and a bias, and its exact parts."""
    value, weight, others, bias = np.random.default_rng(number).normal(size=4) * (1, 1, 5, 0.1)
    steps = [
        viz.SumStep("", f"relu{number} 12,3,4", value, "input"),
        viz.SumStep("×", "weight", weight, "window"),
        viz.SumStep("+", f"{terms - 1} others", others),
        viz.SumStep("+", "bias", bias, "mistake"),
    ]
    return viz.ChainLink(name, steps, value * weight + others + bias, values, at, passed)


def softmax_link(count):
    steps = [viz.SumStep("", "exp(fc3 4 − max)", 1.0, "input"), viz.SumStep("÷", "sum", 1.25)]
    return viz.ChainLink(
        "probabilities 4", steps, 0.8, np.random.default_rng(1).random(count), (4,)
    )


def chain_of(*links, image=(1, 28, 28), pixel=(3, 27), **more):
    settings = {"image": np.random.default_rng(2).random(image), "pixel": pixel}
    named = {"pixel_name": "pixel 3,27", "pixel_value": -0.5617}
    words = {"title": "probabilities, unit 4", "subtitle": "down to a pixel; test:3, run a"}
    return links, settings | named | words | more


NOISE = np.random.default_rng(5).normal(size=(200, 30))
DENSE = link("fc2 56", 2, NOISE[:, 0], (56,), passed=["relu4"])
CONV = link("conv2 7,6,3", 4, NOISE[:10, :10], (6, 3), passed=["relu2", "pool2", "flatten1"])
CHAINS = {
    "lenet": chain_of(softmax_link(10), DENSE, DENSE, CONV, CONV),
    "one": chain_of(CONV, image=(3, 9, 60)),
    "deep": chain_of(softmax_link(1000), *[CONV, DENSE] * 15, image=(3, 40, 12)),
    "wide": chain_of(link("a layer of a very long name 1,2,3", 6, NOISE[:3], (2, 29))),
    "tall": chain_of(link("conv 1,199,0", 7, NOISE[:, :2], (199, 0)), pixel=None),
    "large": chain_of(replace(DENSE, steps=[viz.SumStep("", "x" * 40, -1.2345e7)], value=-1.2e7)),
    "small": chain_of(replace(CONV, steps=[viz.SumStep("", "x", 1e-9)], value=1e-9), passed=["p"]),
}


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (name, size)
        for index, name in enumerate(CHAINS)
        for size in (("slide", "small"), ("paper", "paper-wide"), ("animation", "paper"))[index % 3]
    ]
    + [("lenet", "paper"), ("deep", "small")],
)
def test_chains_are_legible(name, size, assert_legible):
    links, settings = CHAINS[name]
    theme = {"slide": "light", "small": "dark"}.get(size, "transparent")
    figure = viz.sum_chain(links, **settings, size=size, theme=theme)
    assert_legible(figure, size)


@pytest.mark.parametrize("size", ["slide", "small", "paper"])
def test_every_row_of_a_chain_adds_up(size):
    links, settings = CHAINS["lenet"]
    figure = viz.sum_chain(links, **settings, size=size)
    rows = {}
    for text in (text for axes in figure.axes for text in axes.texts):
        if re.fullmatch(r"[+−×÷=≈]|−?\d+(\.\d+)?", text.get_text()):
            x, y = text.get_position()
            rows.setdefault(round(y), []).append((x, text.get_text()))
    sums = ["".join(text for _, text in sorted(row)) for _, row in sorted(rows.items())]
    *sums, pixel = [row.translate(str.maketrans("−×÷", "-*/")) for row in sums]
    assert pixel == "≈-0.562" and len(sums) == len(links)
    for row, one in zip(sums, links, strict=True):
        left, right = re.split("[=≈]", row)
        assert float(right) == pytest.approx(one.value, abs=0.0006)
        # Each number is rounded to three decimals, and one multiplied by up to 3.
        assert eval(left) == pytest.approx(one.value, abs=0.005)


def test_a_long_chain_says_how_many_sums_it_leaves_out():
    links, settings = CHAINS["deep"]
    texts = [t.get_text() for t in viz.sum_chain(links, **settings).axes[0].texts]
    (said,) = [text for text in texts if "left out" in text]
    units = [text for text in texts if text in ("probabilities 4", "conv2 7,6,3", "fc2 56")]
    assert int(re.search(r"\d+", said)[0]) + len(units) == len(links)
    assert units[0] == "probabilities 4" and "pixel 3,27" in texts


def test_sum_chain_refuses():
    _, settings = chain_of()
    with pytest.raises(ShapeError, match="expected at least one sum, got none"):
        viz.sum_chain([], **settings)
    with pytest.raises(ShapeError, match=r"place in it for fc2 56, got \(200,\) and \(5, 6\)"):
        viz.sum_chain([replace(DENSE, at=(5, 6))], **settings)


def test_the_chain_is_drawn_with_the_networks_numbers(say, run, tmp_path):
    names = ("-o", tmp_path / "chain.svg", "--json-file", tmp_path / "chain.json")
    lines = say("test:3", "--deep", *names, "--alt")
    assert "strongest terms, sum by sum: probabilities " in lines[-1]
    drawn = (tmp_path / "chain.svg").read_text(encoding="utf-8")
    loaded = training.load(run)
    x = loaded.network_input(loaded.image("test:3").pixels)
    found = json.loads((tmp_path / "chain.json").read_text(encoding="utf-8"))["result"]["outputs"]
    for activation in insight.trace(loaded.network, x):
        assert np.array_equal(np.float32(found[activation.name]), activation.array)
    for one in insight.explain(loaded.network, x, deep=True):
        if one.layer.startswith(("conv", "fc", "prob")):
            assert f">{one.layer} {','.join(map(str, one.unit))}<" in drawn
            assert f">{one.value:.3f}<".replace("-", "−") in drawn
        else:
            assert one.layer in drawn


def test_a_chain_has_a_page_for_each_sum(say, tmp_path):
    say("test:3", "--layer", "fc1", "--deep", "-o", tmp_path / "chain.pdf")
    content = (tmp_path / "chain.pdf").read_bytes()
    # The chain itself; fc1, pool2, conv2, pool1 and conv1.
    assert len(re.findall(rb"/Type /Page\b", content)) == 6


# --- one value of an example ----------------------------------------------------------------------


def test_an_example_prints_the_sum_behind_its_value(convlab):
    (convlab.folder / "in.csv").write_text("1,2,3\n4,5,6\n7,8,9\n")
    arguments = ("--values", "in.csv", "--kernel", "2", "--kernel-values", "1 0; -2 1")
    out = convlab.works("explain", *arguments, "--bias", "-3", "--row", "1", "--col", "0")
    # The patch 4 5 / 7 8 times 1 0 / -2 1: 4 + 0 - 14 + 8, and the bias.
    assert "4 + 0 + (−14) + 8 + (−3) = −5" in out
    assert re.search(r"7 8 +× +−2 1 += +−14 8|7 8 +× +−2 +1 += +−14 +8", out)
    assert "(3 − 2) + 1 = 2   relation 1" in out


def test_an_example_shows_what_each_channel_adds(convlab):
    arguments = ("--channels", "8", "--padding", "1", "--json-file", "n.json")
    out = convlab.works("explain", *arguments)
    record = json.loads((convlab.folder / "n.json").read_text(encoding="utf-8"))
    patch, taps = (np.array(record["result"][key]) for key in ("patch", "taps"))
    sums = (patch * taps).sum(axis=(1, 2))
    shown = {int(k): number(n) for k, n in re.findall(r"channel (\d) adds (−?\d+)", out)}
    assert len(shown) == 3 and all(sums[k] == n for k, n in shown.items())
    others = np.delete(sums, list(shown))
    assert min(map(abs, shown.values())) >= np.abs(others).max()
    left_out = re.search(r"5 channels left out .* add (−?\d+)", out)[1]
    assert number(left_out) == others.sum()
    assert record["result"]["value"] == sums.sum() + record["weights"]["bias"][0]
    complete = convlab.works("explain", *arguments, "--all")
    assert len(re.findall(r"channel \d adds", complete)) == 8


def test_an_example_knows_its_size(convlab):
    message = convlab.fails("explain", "--row", "3")
    assert "filter, row and column: expected within 1 × 3 × 3, from 0, got 0, 3, 0" in message


BRANCHES = """
input = "12x12x1"
[[layer]]
type = "Conv2d"
name = "stem"
out_channels = 4
kernel_size = 3
padding = "same"
[[layer]]
type = "ReLU"
name = "r0"
[[layer]]
type = "Conv2d"
name = "b1"
inputs = ["r0"]
out_channels = 4
kernel_size = 1
[[layer]]
type = "Conv2d"
name = "b3"
inputs = ["r0"]
out_channels = 4
kernel_size = 3
padding = 1
[[layer]]
type = "Concat"
name = "cat"
inputs = ["b1", "b3"]
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


def test_a_network_with_branches_is_explained(convlab):
    """Before any branch, in one, where they meet, and behind."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 12), np.uint8)
    for name, images in zip("ab", pixels, strict=True):
        (convlab.folder / "own" / name).mkdir(parents=True)
        for number, image in enumerate(images):
            Image.fromarray(image).save(convlab.folder / "own" / name / f"{number}.png")
    (convlab.folder / "branches.toml").write_text(BRANCHES)
    words = "--model branches.toml --data own --epochs 1 --quiet -o run"
    assert convlab("train", *words.split()).status == 0
    run = training.load(convlab.folder / "run")
    x = run.network_input(run.image(convlab.folder / "own/a/0.png").pixels)[0]
    stem = run.network["stem"]
    patch = np.pad(x.astype(np.float64), 1)[3:6, 4:7]
    expected = (patch * stem.weight.numpy()[2, 0]).sum() + stem.bias.numpy()[2]
    said = convlab.works("explain", "run", "own/a/0.png", "--layer", "stem", "--unit", "2,3,4")
    value = re.search(r"≈ stem +(\S+)\n", said)[1].replace("−", "-")
    assert float(value) == pytest.approx(expected, rel=1e-5)
    for layer in ("b1", "b3", "cat", "linear1"):
        said = convlab.works("explain", "run", "own/a/0.png", "--layer", layer)
        assert "the network's value to the last bit" in said or layer == "cat"
