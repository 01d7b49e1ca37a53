"""Counts of layers by their shapes, against published numbers and against the layers themselves."""

import json
import math
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from convlab import nn, viz
from convlab.errors import ShapeError, SpecError
from convlab.lessons import (
    conv_layer,
    count_layers,
    resolve_padding,
    wirings,
)
from convlab.tensors import Tensor
from convlab.viz import style

SIZES = ("slide", "small", "paper", "paper-wide")


def calculated(count):
    """The value of an expression such as "6 · (5·5·3 + 1)", by Python."""
    return eval(count.expression.replace("·", "*").replace(",", "").replace("−", "-"))


# --- published counts --------------------------------------------------------------------------


def test_a_dense_layer_on_a_hundred_by_hundred_image():
    (_, dense) = count_layers((1, 100, 100), "flatten, dense 1000")
    assert dense.dense.value == 10_000_000
    assert dense.parameters.value == 10_001_000


def test_a_megapixel_in_colour_is_counted_without_being_made():
    (_, dense) = count_layers((3, 1000, 1000), "flatten, dense 1000")
    assert dense.dense.value == dense.multiply_adds.value == 3_000_000_000
    assert str(dense.dense) == "3,000,000 · 1,000 = 3,000,000,000"


def test_a_convolution_and_the_dense_layer_that_it_replaces():
    conv = conv_layer((3, 32, 32), 5, 6)
    assert conv.output_shape == (6, 28, 28)
    assert conv.dense.value == 14_450_688
    assert str(conv.parameters) == "6 · (5·5·3 + 1) = 456"


def test_the_dense_net_of_784_300_100_10():
    counts = count_layers((784,), "dense 300, dense 100, dense 10")
    assert sum(count.parameters.value for count in counts) == 266_610
    assert counts[0].parameters.expression == "300 · (784 + 1)"


@pytest.mark.parametrize(
    ("shape", "layers", "outputs"),
    [
        ((3, 512, 512), "conv 5 7", [(7, 508, 508)]),
        ((3, 39, 39), "conv 3 10, conv 5 20 stride 2", [(10, 37, 37), (20, 17, 17)]),
        ((1, 5, 7), "conv 3 1 stride 2 padding 1", [(1, 3, 4)]),
        ((1, 6, 6), "conv 3 1", [(1, 4, 4)]),
        ((1, 6, 6), "conv 3 1 padding same", [(1, 6, 6)]),
        ((1, 6, 6), "conv 3 1 padding full", [(1, 8, 8)]),
        # The first layers of AlexNet as in torchvision, and of ResNet (He et al. 2015).
        (
            (3, 224, 224),
            "conv 11 64 stride 4 padding 2, pool 3 stride 2",
            [(64, 55, 55), (64, 27, 27)],
        ),
        (
            (3, 224, 224),
            "conv 7 64 stride 2 padding 3, pool 3 stride 2 padding 1",
            [(64, 112, 112), (64, 56, 56)],
        ),
    ],
)
def test_published_output_sizes(shape, layers, outputs):
    assert [count.output_shape for count in count_layers(shape, layers)] == outputs


def test_a_kernel_of_5_by_5_by_3_has_75_weights():
    assert conv_layer((3, 512, 512), 5, 1).per_unit.value == 75


def test_lenet5_in_its_modern_form():
    # The counts of C1 and of the dense layers are those of LeCun et al. 1998, section II.B.
    text = "conv 5 6 padding same, relu, pool 2, conv 5 16, relu, pool 2, flatten"
    counts = count_layers((1, 28, 28), f"{text}, dense 120, dense 84, dense 10")
    assert sum(count.parameters.value for count in counts if count.parameters) == 61_706
    first = counts[0]
    assert (first.parameters.value, first.connections.value) == (156, 122_304)
    assert [counts[i].parameters.value for i in (3, 7, 8)] == [2_416, 48_120, 10_164]


def test_tensorflow_same_has_the_size_of_the_input_over_the_stride():
    for size in range(1, 30):
        for stride in range(1, 6):
            shape = (1, size, size + 3)
            count = conv_layer(shape, 3, 2, stride=stride, padding="same-tensorflow")
            assert count.output_shape == (
                2,
                math.ceil(size / stride),
                math.ceil((size + 3) / stride),
            )


# --- against the layers ------------------------------------------------------------------------

LAYERS = [
    ((3, 12, 15), "conv 5x3 6", lambda: nn.Conv2d(3, 6, (5, 3))),
    (
        (4, 12, 15),
        "conv 3 8 stride 2x1 padding 1 groups 4 no-bias",
        lambda: nn.Conv2d(4, 8, 3, stride=(2, 1), padding=1, groups=4, bias=False),
    ),
    ((2, 9, 9), "conv 3 5 dilation 2", lambda: nn.Conv2d(2, 5, 3, dilation=2)),
    ((2, 9, 9), "conv 4 5 padding same", lambda: nn.Conv2d(2, 5, 4, padding="same")),
    ((2, 9, 9), "pool 2", lambda: nn.MaxPool2d(2)),
    ((2, 9, 11), "pool 3x2 stride 2 padding 1", lambda: nn.AvgPool2d((3, 2), 2, padding=1)),
    ((2, 3, 4), "flatten", lambda: nn.Flatten()),
    ((2, 3, 4), "relu", lambda: nn.ReLU()),
    ((24,), "dense 10", lambda: nn.Linear(24, 10)),
    ((24,), "dense 10 no-bias", lambda: nn.Linear(24, 10, bias=False)),
]


@pytest.mark.parametrize(("shape", "text", "layer"), LAYERS, ids=[text for _, text, _ in LAYERS])
def test_counts_are_those_of_the_layer(shape, text, layer):
    (count,) = count_layers(shape, text)
    layer = layer()

    def value(counted):
        return 0 if counted is None else counted.value

    assert count.output_shape == tuple(layer.output_shape(shape))
    assert value(count.parameters) == layer.parameter_count()
    assert value(count.connections) == layer.connections(shape)
    assert value(count.multiply_adds) == layer.multiply_adds(shape)
    if count.per_unit is not None:
        assert count.per_unit.value == math.prod(layer.weight.shape[1:])
        assert count.dense.value == math.prod(shape) * math.prod(count.output_shape)


@pytest.mark.parametrize(("shape", "text"), [case[:2] for case in LAYERS])
def test_expressions_have_their_values(shape, text):
    (count,) = count_layers(shape, text)
    parts = ("per_unit", "parameters", "multiply_adds", "connections", "dense")
    for counted in (getattr(count, part) for part in parts):
        assert counted is None or calculated(counted) == counted.value


# --- input that cannot be ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("conv 7 4", ShapeError, r"layer 1 \(conv 7 4\): 6 \+ 2·0 − 7 < 0: kernel larger"),
        ("pool 2, conv 5 4", ShapeError, r"layer 2 \(conv 5 4\): 3 \+ 2·0 − 5 < 0"),
        ("dense 4", ShapeError, r"layer 1 .*: expected flatten before it, got 6 × 6 × 2"),
        ("flatten, conv 3 4", ShapeError, r"layer 2 .*: expected an image, got 72 numbers"),
        ("conv 3", SpecError, r"expected KERNEL FILTERS, such as conv 5x5 6, got '3'"),
        ("conv three 4", SpecError, r"expected KERNEL FILTERS, .*, got 'three 4'"),
        ("conv 3x3x3 4", SpecError, r"expected KERNEL FILTERS"),
        ("conv 0 4", ShapeError, r"kernel: expected at least 1, got \(0, 0\)"),
        ("conv 3 0", ShapeError, r"filters: expected at least 1, got 0"),
        ("conv 3 4 stride 0", ShapeError, r"stride: expected at least 1"),
        ("conv 3 4 stride", SpecError, r"stride: expected a whole number, got 'nothing'"),
        ("conv 3 4 groups 3", ShapeError, r"groups: expected a divisor of 2 input and 4"),
        ("conv 3 4 groups 2x2", SpecError, r"groups: expected a whole number, got '2x2'"),
        ("conv 3 4 stride 2 padding same", ShapeError, r"padding same: expected stride 1"),
        ("conv 3 4 colour 2", SpecError, r"expected stride, padding, .*, got 'colour'"),
        ("pool 2 padding 2", ShapeError, r"pooling padding: expected at most half"),
        ("pool 2 padding same", SpecError, r"padding: expected a number, got 'same'"),
        ("pool", SpecError, r"expected KERNEL, such as pool 2, got 'nothing'"),
        ("dense ten", SpecError, r"expected NEURONS, such as dense 10, got 'ten'"),
        ("flatten 3", SpecError, r"flatten: expected nothing behind it, got '3'"),
        ("convolve 3 4", SpecError, r"expected conv, pool, flatten, dense, .*, got 'convolve'"),
        ("pool 2,", SpecError, r"layer 2: expected conv, pool, .*, got ''"),
    ],
)
def test_a_layer_that_cannot_be(text, error, message):
    with pytest.raises(error, match=message):
        count_layers((2, 6, 6), text)


# --- which input each unit sees ----------------------------------------------------------------


def test_the_wirings_of_twelve_inputs():
    units, (dense, local, shared) = wirings((1, 12), (1, 3))
    assert units == (1, 10)
    counts = [(way.connections, way.parameters) for way in (dense, local, shared)]
    assert counts == [(120, 120), (30, 30), (30, 3)]
    assert shared.reads[4].tolist() == [4, 5, 6]
    assert shared.weights[4].tolist() == [0, 1, 2]
    assert local.weights[4].tolist() == [12, 13, 14]
    assert dense.reads[4].tolist() == list(range(12))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((1, 9), (1, 4), (1, 2), (0, 0, 1, 2)),
        ((5, 7), (3, 3), (2, 2), (1, 1, 1, 1)),
        ((6, 6), (2, 3), (1, 1), (0, 1, 2, 0)),
    ],
)
def test_units_see_the_inputs_that_have_a_gradient(size, kernel, stride, padding):
    """What the engine's convolution passes back from one unit is what that unit sees."""
    units, (dense, local, shared) = wirings(size, kernel, stride, padding)
    padded = (size[0] + padding[0] + padding[1], size[1] + padding[2] + padding[3])
    layer = nn.Conv2d(1, 1, kernel, stride, padding, bias=False)
    weight = np.arange(1.0, 1 + math.prod(kernel)).reshape(1, 1, *kernel)
    layer.weight.data = weight.astype(np.float32)
    seen_by_all = []
    for unit in range(math.prod(units)):
        image = Tensor(np.ones((1, 1, *size), np.float32), requires_grad=True)
        output = layer(image)
        assert output.shape[2:] == units
        pick = np.zeros(output.shape, np.float32)
        pick.flat[unit] = 1
        (output * Tensor(pick)).sum().backward()
        expected = np.pad(image.grad[0, 0], (padding[:2], padding[2:])).reshape(-1)
        found = np.zeros(math.prod(padded))
        found[shared.reads[unit]] = shared.weights[unit] + 1
        inside = np.pad(np.ones(size), (padding[:2], padding[2:])).reshape(-1)
        assert np.array_equal(found * inside, expected)
        assert np.array_equal(local.reads[unit], shared.reads[unit])
        seen_by_all.append(dense.reads[unit])
    assert (np.array(seen_by_all) == np.flatnonzero(inside)).all()
    # Counted one by one, as the layers count them.
    assert shared.connections == shared.reads.size == layer.connections((1, *size))
    assert shared.parameters == len(np.unique(shared.weights)) == layer.parameter_count()
    assert local.parameters == local.connections == len(np.unique(local.weights))
    linear = nn.Linear(math.prod(size), math.prod(units), bias=False)
    assert dense.connections == dense.parameters == linear.parameter_count()
    assert dense.reads.size == len(np.unique(dense.weights)) == linear.parameter_count()


# --- pictures ----------------------------------------------------------------------------------


def connections(inputs, kernel, stride=(1, 1), padding=0, unit=(0, 0), **look):
    sides = resolve_padding(padding, inputs, kernel, stride)
    units, ways = wirings(inputs, kernel, stride, sides)
    figure = viz.connections(
        ways,
        input_size=inputs,
        unit_size=units,
        unit=unit,
        padding=sides,
        dimensions=1 if inputs[0] == 1 else 2,
        title="What each unit sees",
        subtitle="12 inputs, 10 units, kernel 3, no biases; unit 4 emphasised",
        **look,
    )
    return figure, ways


WIRINGS = [
    ((1, 12), (1, 3)),
    ((1, 1), (1, 1)),
    ((1, 40), (1, 9)),
    ((1, 12), (1, 12)),
    ((1, 9), (1, 5), (1, 2), (0, 2), (0, 3)),
    ((6, 6), (3, 3)),
    ((5, 7), (3, 3), (2, 2), 1, (1, 2)),
    ((16, 2), (2, 2)),
    ((2, 16), (1, 9)),
    ((12, 12), (5, 5), (1, 1), "same"),
    ((4, 4), (4, 4)),
    ((1, 12), (1, 3), (1, 1), (0, 1), (0, 11)),
]


@pytest.mark.sample(20)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("case", WIRINGS, ids=str)
def test_connections_are_legible(case, size, assert_legible):
    theme = "dark" if size == "small" else "light"
    assert_legible(connections(*case, size=size, theme=theme)[0], size)


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_connections_write_counts_and_weights():
    figure, _ = connections((1, 12), (1, 3), unit=(0, 4))
    texts = texts_of(figure)
    for expected in (
        "120 connections, 120 weights",
        "30 connections, 30 weights",
        "30 connections, 3 weights",
    ):
        assert expected in texts
    # Unit 4 has weights 13 to 15 of its own, weights 49 to 60 where it sees all.
    names = {text for text in texts if text[0] == "w" and text[1:].isdecimal()}
    numbers = [*range(49, 61), *range(13, 16), *range(1, 4)]
    assert names == {f"w{number}" for number in numbers}


def test_connections_of_a_unit_that_there_is_not():
    with pytest.raises(ShapeError, match="unit: expected at most 9, counted from 0, got 10"):
        connections((1, 12), (1, 3), unit=(0, 10))
    with pytest.raises(ShapeError, match="unit: expected at most 3,3, counted from 0, got 1,4"):
        connections((6, 6), (3, 3), unit=(1, 4))
    with pytest.raises(SpecError, match="expected at most 40 inputs .*, got 41"):
        connections((1, 41), (1, 3))


@pytest.mark.parametrize("theme", viz.THEMES.values(), ids=viz.THEMES)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
def test_shared_weights_have_colours_that_stay_apart(theme, count):
    colours = style.shared_colours(count, theme)
    assert len(set(colours)) == count
    assert all(style.contrast(colour, theme.ground) >= 2.95 for colour in colours)
    # Lightness alone tells them apart, so every kind of colour blindness does: even steps in
    # L* of CIE 1976, at least 30 from the darkest to the lightest.
    light = [lightness(colour) for colour in colours]
    steps = np.diff(light)
    assert all(steps > 30 / max(1, count - 1))


def lightness(colour):
    """L* (CIE 1976) of a colour in sRGB (IEC 61966-2-1)."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return 116 * np.cbrt(linear @ (0.2126, 0.7152, 0.0722)) - 16


def growths(sides, *counts):
    return [
        viz.Growth("dense" if i else "convolution", "1,000 neurons, RGB", sides, line, bool(i))
        for i, line in enumerate(counts)
    ]


SIDES = np.array([8, 20, 50, 200, 1000, 2000])
LINES = [
    growths(SIDES, 456 + 0 * SIDES),
    growths(SIDES, 456 + 0 * SIDES, SIDES**2 * 1000, SIDES**2 * 3000, SIDES**4 * 18),
    growths(SIDES, 1 + 0 * SIDES, 2 + 0 * SIDES, 3 + 0 * SIDES, 3 + 0 * SIDES),
    growths(SIDES, SIDES, SIDES**2, SIDES**3, SIDES**4, SIDES**5.0),
]


@pytest.mark.sample(8)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lines", LINES, ids=len)
def test_parameters_are_legible(lines, size, assert_legible):
    examples = [
        viz.Example(
            side, int(line.counts[i]), ("an image to many neurons", "short", ""), line.dense
        )
        for line, i, side in zip(lines, (1, 3, 2, 4), (20, 200, 50, 1000), strict=False)
    ]
    figure = viz.parameters(lines, examples, title="Parameters", subtitle="weights", size=size)
    assert_legible(figure, size)
    texts = texts_of(figure)
    for example in examples:
        assert f"{example.count:,}" in texts


def test_parameters_that_cannot_be_drawn():
    with pytest.raises(ShapeError, match="expected at least one line, got none"):
        viz.parameters([], title="t")
    with pytest.raises(ShapeError, match="as many sides as counts, at least 2, got 6 and 2"):
        viz.parameters(growths(SIDES, [1, 2]), title="t")
    with pytest.raises(ShapeError, match="expected sides and counts above 0"):
        viz.parameters(growths(SIDES, 0 * SIDES), title="t")


# --- commands ----------------------------------------------------------------------------------


def test_shape_of_one_convolution(convlab):
    lines = convlab.works("shape", "32x32x3", "--kernel", "5", "--filters", "6").splitlines()
    table = dict(line.split("  ", 1) for line in lines)
    table = {name: text.strip() for name, text in table.items()}
    assert table["output"] == "28 × 28 × 6"
    assert table["rows"] == "(32 − 5) + 1 = 28  relation 1"
    assert table["parameters"] == "6 · (5·5·3 + 1) = 456"
    assert table["if it were dense"] == "32·32·3 · 28·28·6 = 14,450,688 weights"
    assert max(map(len, lines)) <= 100


def test_shape_of_a_chain(convlab):
    layers = (
        "conv 5x5 6 padding same, relu, pool 2, conv 5 16, pool 2, flatten, dense 120, dense 10"
    )
    out = convlab.works("shape", "28x28", "--layers", layers)
    assert "(28 + 2·2 − 5) + 1 = 28   relation 3  28 × 28 × 6" in out
    assert out.splitlines()[-1].split()[:2] == ["total", f"{156 + 2416 + 48_120 + 1_210:,}"]
    assert max(map(len, out.splitlines())) <= 100


def test_shape_as_json(convlab):
    out = convlab.works("shape", "1000x1000x3", "--layers", "flatten, dense 1000", "--json")
    _, dense = (json.loads(line) for line in out.splitlines())
    assert dense["input_shape"] == [3_000_000]
    assert dense["dense_weights"] == {
        "expression": "3,000,000 · 1,000",
        "value": 3_000_000_000,
    }
    assert dense["parameters"]["value"] == 3_000_001_000


def test_one_number_is_a_row_of_numbers(convlab):
    out = convlab.works("shape", "784", "--layers", "dense 100, relu, dense 10")
    assert re.search(r"^dense1 +100 · \(784 \+ 1\) = 78,500 ", out, re.MULTILINE)
    assert re.search(r"^input +784$", out, re.MULTILINE)


def test_shape_that_cannot_be(convlab):
    assert "kernel larger than padded input" in convlab.fails("shape", "4x4", "--kernel", "5")
    assert "784 numbers in a row" in convlab.fails("shape", "784", "--kernel", "5")
    expected = "expected either --kernel or --layers"
    assert convlab.misused("shape", "4x4") == expected
    coded = convlab.misused("shape", "4x4", "--kernel", "3", "--code", "--json")
    assert coded == "--code: expected no --json with it"
    misused = convlab.misused("shape", "4x4", "--layers", "pool 2", "--stride", "2")
    assert misused == "--stride is for --kernel; in --layers it stands behind its layer"


def test_pictures_of_connections_and_parameters(convlab):
    convlab.works(
        "render", "connections", "--json-file", "c.json", "--unit", "2", "--padding", "same"
    )
    record = json.loads((convlab.folder / "c.json").read_text())
    assert record["result"]["shared"] == {"connections": 36, "weights": 3}
    assert record["parameters"]["unit"] == [0, 2]
    assert (convlab.folder / "connections.png").stat().st_size > 10_000
    convlab.works("render", "parameters", "--json-file", "p.json", "-o", "p.svg")
    examples = json.loads((convlab.folder / "p.json").read_text())["result"]["examples"]
    assert sorted(examples.values()) == [456, 10_000_000, 14_450_688, 3_000_000_000]
    svg = (convlab.folder / "p.svg").read_text()
    assert all(f"{count:,}" in svg for count in examples.values())
    convlab.works("render", "connections", "--inputs", "5x7", "--json-file", "two.json")
    assert json.loads((convlab.folder / "two.json").read_text())["parameters"]["dimensions"] == 2
    misused = convlab.misused("render", "connections", "--inputs", "5x7", "--dimensions", "1")
    assert "expected one number in one dimension, got 5 × 7" in misused
