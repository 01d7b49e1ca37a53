"""The drawing of a network: what it says, where its windows lie, and that its text is legible."""

import json

import numpy as np
import pytest
from convlab_cli.render.architecture import drawn_layers

from convlab import models, viz
from convlab.errors import ShapeError, SpecError
from convlab.viz.architecture import planes

ODD = """
input = "12x40x3"
[[layer]]
type = "Conv2d"
name = "first"
out_channels = 8
kernel_size = [3, 5]
stride = [1, 2]
padding = [0, 1, 2, 0]
dilation = 2
[[layer]]
type = "ConvTranspose2d"
name = "up"
out_channels = 4
kernel_size = 4
stride = 2
padding = 1
[[layer]]
type = "AvgPool2d"
name = "mean"
kernel_size = 3
stride = 2
padding = 1
[[layer]]
type = "Conv2d"
name = "each"
out_channels = 4
kernel_size = 3
groups = 4
[[layer]]
type = "AdaptiveAvgPool2d"
name = "all"
output_size = 1
[[layer]]
type = "Flatten"
[[layer]]
type = "Dropout"
p = 0.25
[[layer]]
type = "Linear"
name = "last"
out_features = "classes"
[[layer]]
type = "Softmax"
"""


def deep(blocks=5, each=3):
    """The text of a network of many convolutions."""
    lines = ['input = "64x64x3"']
    for block in range(blocks):
        for number in range(each):
            lines.append(
                f'[[layer]]\ntype = "Conv2d"\nname = "conv{block}_{number}"\n'
                f"out_channels = {8 * 2**block}\nkernel_size = 3\npadding = 1\n"
                '[[layer]]\ntype = "ReLU"'
            )
        lines.append(f'[[layer]]\ntype = "MaxPool2d"\nname = "pool{block}"\nkernel_size = 2')
    lines.append('[[layer]]\ntype = "Flatten"')
    lines.append('[[layer]]\ntype = "Linear"\nname = "fc"\nout_features = "classes"')
    return "\n".join(lines)


def built(text):
    return models.build_from_text(text, name="own")


NETWORKS = {
    name: lambda name=name: models.build(name)
    for name in ("lenet5", "lenet5-1998", "fashion-cnn", "dense")
} | {"odd": lambda: built(ODD), "deep": lambda: built(deep())}


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", ["slide", "small", "paper", "paper-wide"])
def test_text_is_legible_in_every_size(name, size, assert_legible):
    layers = drawn_layers(NETWORKS[name]())
    theme = "dark" if size == "small" else "light"
    figure = viz.architecture(layers, title=f"Architecture of {name}", theme=theme, size=size)
    assert_legible(figure, size)


def test_lenet5_of_1998_in_the_words_of_its_paper():
    # LeCun et al. 1998, figure 2 and, for the parameters, section II.B.
    layers = drawn_layers(models.build("lenet5-1998"))
    assert [layer.head for layer in layers] == [
        ("INPUT", "32 × 32"),
        ("C1: feature maps", "6@28 × 28"),
        ("S2: f. maps", "6@14 × 14"),
        ("C3: f. maps", "16@10 × 10"),
        ("S4: f. maps", "16@5 × 5"),
        ("C5: layer", "120"),
        ("F6: layer", "84"),
        ("OUTPUT", "10"),
    ]
    assert [layer.operation[0] for layer in layers[1:]] == [
        *["Convolutions", "Subsampling"] * 2,
        "Full",
        "Full",
        "Gaussian",
    ]
    assert [layer.parameters for layer in layers[1:]] == [156, 12, 1516, 32, 48120, 10164, 0]
    for size in viz.SIZES:
        drawn = texts_of(viz.architecture(layers, title="LeNet-5", subtitle="60,000", size=size))
        assert {"156", "12", "1,516", "32", "48,120", "10,164"} <= set(drawn)
        assert not any("layers" in text for text in drawn)  # none is left out


def test_sizes_and_operations_of_the_modern_form():
    layers = drawn_layers(models.build("lenet5"))
    assert [layer.head[0] for layer in layers] == [
        "28 × 28 × 1",
        "28 × 28 × 6",
        "14 × 14 × 6",
        "10 × 10 × 16",
        "5 × 5 × 16",
        "120",
        "84",
        "10 classes",
    ]
    assert [layer.operation for layer in layers] == [
        (),
        ("5 × 5", "padding 2"),
        ("max 2 × 2",),
        ("5 × 5",),
        ("max 2 × 2",),
        *[("dense",)] * 3,
    ]
    assert [layer.notes for layer in layers if layer.notes] == [("ReLU",)] * 4


def test_every_setting_of_a_layer_is_named():
    layers = drawn_layers(built(ODD))
    assert [layer.operation for layer in layers[1:]] == [
        ("3 × 5", "stride 1 × 2", "padding 0,1,2,0", "dilation 2"),
        ("transposed", "4 × 4", "stride 2", "padding 1"),
        ("average 3 × 3", "stride 2", "padding 1"),
        ("3 × 3 depthwise",),
        ("global", "average"),
        ("dense",),
    ]
    assert layers[-2].notes == ("dropout 0.25",) and layers[-1].notes == ("Softmax",)


def test_the_rays_begin_at_what_the_unit_reads():
    layers = drawn_layers(models.build("lenet5"))
    for layer, kernel, stride, padding in zip(
        layers[1:5], (5, 2, 5, 2), (1, 2, 1, 2), (2, 0, 0, 0), strict=True
    ):
        top, left = (stride * at - padding for at in layer.unit)
        assert layer.window == (top, left, top + kernel, left + kernel)
        assert all(0 <= at < length for at, length in zip(layer.unit, layer.shape[1:], strict=True))
    assert all(layer.window is None for layer in layers[5:])


def test_planes_grow_slowly():
    assert [planes(n) for n in (1, 3, 6, 12, 24, 48)] == [1, 3, 6, 8, 10, 12]
    assert [planes(n, 10) for n in (4, 10, 20, 40)] == [4, 10, 12, 14]


def test_sides_are_square_roots():
    figure = viz.architecture(drawn_layers(models.build("lenet5")), title="LeNet-5", size="slide")
    planes = [p for p in figure.axes[0].patches if p.get_width() > 30]
    sides = [p.get_width() for p in planes if p.get_width() == pytest.approx(p.get_height())]
    # The input, then the 6, 6, 9 and 9 planes of the stacks.
    ratios = np.array(sorted(set(np.round(sides, 3)))) / max(sides)
    expected = np.sqrt(np.array([5, 10, 14, 28]) / 28)
    assert all(np.isclose(ratios, share, rtol=1e-3).any() for share in expected)


def test_what_does_not_fit_is_counted():
    layers = drawn_layers(built(deep(5, 4)))
    drawn = texts_of(viz.architecture(layers, title="deep", size="small"))
    (gap,) = {text for text in drawn if text.startswith("… ")}
    shown = {text for text in drawn if text.startswith(("conv", "pool", "fc", "input"))}
    merged = sum("–" in text for text in shown)
    assert merged >= 1
    # The input, 5 blocks of four convolutions and a pooling, and fc; a merged name is for four.
    assert int(gap.removeprefix("… ")) == 1 + 5 * (4 + 1) + 1 - len(shown) - 3 * merged


@pytest.mark.parametrize("size", ["small", "paper"])
def test_long_names_are_shortened_where_nothing_else_helps(size, assert_legible):
    name = "a_layer_with_a_name_that_nobody_would_choose_but_anybody_may"
    for text in (ODD, deep()):
        for old in ("first", "up", "mean", "each", "conv0_0", "fc"):
            text = text.replace(f'name = "{old}"', f'name = "{name}_{old}"')
        layers = drawn_layers(built(text))
        for shown in (layers, layers[:3]):
            assert_legible(viz.architecture(shown, title="long", size=size), size)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "an input and at least one layer, got 0"),
        ([viz.DrawnLayer((1, 2), ("a",))] * 2, r"\(C, H, W\) or \(N,\), got \(1, 2\)"),
    ],
)
def test_errors_say_what_was_expected_and_what_came(layers, message):
    with pytest.raises(ShapeError, match=message):
        viz.architecture(layers, title="")


BRANCHES = """
input = "8x8x1"
[[layer]]
type = "Conv2d"
name = "first"
out_channels = 2
kernel_size = 3
padding = 1
[[layer]]
type = "Conv2d"
name = "second"
out_channels = 2
kernel_size = 3
padding = 1
[[layer]]
type = "Add"
name = "sum"
inputs = ["first", "second"]
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


def test_a_network_with_branches_is_one_clear_line():
    with pytest.raises(SpecError, match="in a row, got own, where sum reads first and second"):
        drawn_layers(built(BRANCHES))


def test_the_command_writes_a_picture_and_its_numbers(convlab):
    out = convlab.works(
        "render", "architecture", "lenet5-1998", "-o", "net.svg", "--json", "net.json"
    )
    assert out == "wrote net.svg\n"
    drawing = (convlab.folder / "net.svg").read_text()
    assert "<image" not in drawing  # nothing but vectors
    record = json.loads((convlab.folder / "net.json").read_text())
    assert record["result"]["parameters"] == 60_000
    assert [layer["output_shape"] for layer in record["result"]["layers"]][-1] == [10]


def test_an_uneven_adaptive_pooling_is_a_volume():
    text = """input = "16x16x3"

[[layer]]
type = "Conv2d"
name = "conv"
out_channels = 4
kernel_size = 1

[[layer]]
type = "AdaptiveAvgPool2d"
name = "pool"
output_size = 5

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "dense"
out_features = 2
"""
    layers = drawn_layers(models.build_from_text(text, name="uneven", classes=2))
    shapes = [layer.shape for layer in layers]
    assert shapes == [(3, 16, 16), (4, 16, 16), (4, 5, 5), (2,)]
