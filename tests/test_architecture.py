"""The drawing of a network: what it says, where its windows lie, and that its text is legible."""

import json

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from convlab import models, pictures, viz
from convlab.errors import ShapeError, SpecError
from convlab.pictures._architecture import in_words
from convlab.pictures._drawn_layers import drawn_layers
from convlab.viz.architecture import Volume, depth, dots
from convlab.viz.canvas import Canvas

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


@pytest.mark.sample(12)
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


def test_stacks_grow_as_square_roots_and_dots_slowly():
    assert [depth(n) for n in (1, 3, 6, 24, 96, 384)] == [1, 3, 6, 12, 24, 48]
    assert [dots(n) for n in (4, 10, 20, 40)] == [4, 10, 12, 14]


def test_512_maps_look_like_more_than_64():
    layers = drawn_layers(models.build("vgg16"))
    canvas = Canvas("slide", "light")
    sides = {}
    for layer in layers:
        if not layer.is_column:
            volume = Volume(canvas, layer, 8.0)
            sides[layer.shape] = volume.extent[0] - volume.plane().place[2]
    assert sides[512, 28, 28] == sides[512, 7, 7] > 2.5 * sides[64, 224, 224]


def test_sides_are_square_roots():
    figure = viz.architecture(drawn_layers(models.build("lenet5")), title="LeNet-5", size="slide")
    planes = [p for p in figure.axes[0].patches if p.get_width() > 30]
    sides = [p.get_width() for p in planes if p.get_width() == pytest.approx(p.get_height())]
    # The input, then the 6, 6, 10 and 10 planes of the stacks.
    ratios = np.array(sorted(set(np.round(sides, 3)))) / max(sides)
    expected = np.sqrt(np.array([5, 10, 14, 28]) / 28)
    assert all(np.isclose(ratios, share, rtol=1e-3).any() for share in expected)


def test_stages_name_their_layers_and_what_is_not_drawn():
    layers = drawn_layers(models.build("vgg16", weights=False))
    dense = "2 of 3 dense layers"
    unsaid = f"ReLU after every convolution and {dense}, dropout 0.5 after {dense}"
    words = in_words(models.build("vgg16", weights=False))
    assert words == (unsaid, "ReLU, dropout 0.5")
    figure = viz.architecture(layers, title="", subtitle="all", unsaid=words, size="small")
    drawn = texts_of(figure)
    # Table 1 of Simonyan & Zisserman 2015, column D: 2, 2, 3, 3 and 3 convolutions.
    assert drawn.count("2 conv 3 × 3") == 2 and drawn.count("3 conv 3 × 3") == 3
    assert drawn.count("max 2 × 2") == 5
    said = " ".join(drawn)
    assert f"not drawn: padding, {unsaid}" in said and "…" not in said


def test_what_does_not_fit_is_counted():
    lines = ['input = "64x64x3"']
    for number in range(1, 19):  # each with maps of its own, so that none is like another
        lines.append(f'[[layer]]\ntype = "Conv2d"\nname = "conv{number}"\nkernel_size = 3')
        lines.append(f"out_channels = {number}")
    lines.append('[[layer]]\ntype = "Flatten"\n[[layer]]\ntype = "Linear"\nname = "fc"')
    layers = drawn_layers(built("\n".join([*lines, 'out_features = "classes"'])))
    drawn = texts_of(viz.architecture(layers, title="many", size="small"))
    (gap,) = {text for text in drawn if text.startswith("… ")}
    shown = {text for text in drawn if text.startswith(("conv", "fc", "input"))}
    assert int(gap.removeprefix("… ")) == 1 + 18 + 1 - len(shown) > 0


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


def test_a_path_leads_around_the_longest_way():
    layers = drawn_layers(built(BRANCHES))
    assert [layer.name for layer in layers] == ["input", "first", "second", "sum", "linear1"]
    assert layers[3].skips == (viz.Skip("first", "identity"),)
    assert layers[3].operation == ("sum",)
    # A sum reads its own place.
    row, column = layers[3].unit
    assert layers[3].window == (row, column, row + 1, column + 1)


def residual(blocks=3, units=2):
    """The text of a residual network: projections where the number of maps grows."""
    lines, before = ['input = "32x32x3"'], "input"
    for block in range(1, blocks + 1):
        for unit in range(1, units + 1):
            name, maps, around = f"block{block}_unit{unit}", 8 * 2**block, before
            if unit == 1:
                around = f"{name}_shortcut"
                lines.append(
                    f'[[layer]]\ntype = "Conv2d"\nname = "{around}"\ninputs = ["{before}"]\n'
                    f"out_channels = {maps}\nkernel_size = 1\nstride = 2\nbias = false"
                )
            for conv in (1, 2):
                lines.append(
                    f'[[layer]]\ntype = "Conv2d"\nname = "{name}_conv{conv}"\n'
                    f'inputs = ["{before if conv == 1 else f"{name}_relu"}"]\nbias = false\n'
                    f"out_channels = {maps}\nkernel_size = 3\npadding = 1\n"
                    f"stride = {2 if unit == conv == 1 else 1}"
                )
                if conv == 1:
                    lines.append(f'[[layer]]\ntype = "ReLU"\nname = "{name}_relu"')
            lines.append(
                f'[[layer]]\ntype = "Add"\nname = "{name}_sum"\n'
                f'inputs = ["{around}", "{name}_conv2"]'
            )
            lines.append(f'[[layer]]\ntype = "ReLU"\nname = "{name}"')
            before = name
    lines.append('[[layer]]\ntype = "AdaptiveAvgPool2d"\nname = "pool"\noutput_size = 1')
    lines.append('[[layer]]\ntype = "Flatten"')
    lines.append('[[layer]]\ntype = "Linear"\nname = "fc"\nout_features = "classes"')
    return "\n".join(lines)


SEVERAL = """
input = "32x48x3"
[[layer]]
type = "Conv2d"
name = "stem"
out_channels = 4
kernel_size = 1
[[layer]]
type = "MaxPool2d"
name = "down"
kernel_size = 2
[[layer]]
type = "Conv2d"
name = "one"
inputs = ["down"]
out_channels = 2
kernel_size = 1
[[layer]]
type = "Conv2d"
name = "reduce"
inputs = ["down"]
out_channels = 2
kernel_size = 1
[[layer]]
type = "Conv2d"
name = "three"
out_channels = 3
kernel_size = 3
padding = 1
[[layer]]
type = "Concat"
name = "mixed"
inputs = ["one", "three"]
[[layer]]
type = "ConvTranspose2d"
name = "up"
out_channels = 4
kernel_size = 2
stride = 2
[[layer]]
type = "Concat"
name = "bridge"
inputs = ["stem", "up"]
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""


def test_paths_say_what_stands_in_them_and_what_it_costs():
    layers = {layer.name: layer for layer in drawn_layers(built(residual(2, 2)))}
    # 8 * 2 maps of 3 and 32 of 16, kernels of 1 x 1 without bias.
    assert layers["block1_unit1_sum"].skips == (viz.Skip("input", "1 × 1, stride 2", 48),)
    assert layers["block2_unit1_sum"].skips == (
        viz.Skip("block1_unit2_sum", "1 × 1, stride 2", 512),
    )
    assert layers["block2_unit2_sum"].skips == (viz.Skip("block2_unit1_sum", "identity"),)
    assert "block1_unit1_shortcut" not in layers
    layers = {layer.name: layer for layer in drawn_layers(built(SEVERAL))}
    assert layers["mixed"].skips == (viz.Skip("down", "1 × 1", 10),)
    assert layers["bridge"].skips == (viz.Skip("stem", "copy"),)
    assert layers["bridge"].operation == ("concatenation",)


BRANCHED = {
    "one sum": lambda: built(BRANCHES),
    "three blocks": lambda: built(residual(3, 1)),
    "several": lambda: built(SEVERAL),
    "eight blocks": lambda: built(residual(4, 2)),
    "resnet50-slim": lambda: models.build("resnet50-slim", weights=False),
    "resnet50": lambda: models.build("resnet50", weights=False),
}


@pytest.mark.sample(12)
@pytest.mark.parametrize("name", BRANCHED)
@pytest.mark.parametrize("size", ["slide", "small", "paper", "paper-wide"])
def test_networks_with_branches_are_legible_in_every_size(name, size, assert_legible):
    network = BRANCHED[name]()
    figure = viz.architecture(
        drawn_layers(network),
        title=name,
        subtitle="parameters",
        unsaid=in_words(network),
        theme="dark" if size == "paper" else "light",
        size=size,
    )
    assert_legible(figure, size)
    assert not any("…" in text for text in texts_of(figure))  # folded, but nothing is left out


def test_resnet50_in_the_words_of_its_paper():
    # He et al. 2016, table 1: the 50-layer net.
    network = models.build("resnet50", weights=False)
    words = {"title": "resnet50", "subtitle": "parameters", "unsaid": in_words(network)}
    drawn = texts_of(viz.architecture(drawn_layers(network), size="slide", **words))
    table = {"3 blocks of": 2, "4 blocks of": 1, "6 blocks of": 1}
    assert {text: drawn.count(text) for text in table} == table
    for maps in (64, 128, 256, 512):
        assert drawn.count(f"3 × 3, {maps}") == 1
        assert drawn.count(f"1 × 1, {4 * maps}") == 1 + (4 * maps in (256, 512))
    total = sum(int(t.replace(",", "")) for t in drawn if t.replace(",", "").isdecimal())
    assert total == network.parameter_count()


def test_equal_blocks_are_one_with_their_number(assert_legible):
    layers = drawn_layers(built(residual(1, 9)))
    drawn = texts_of(viz.architecture(layers, title="", size="slide"))
    assert "8 times" in drawn and "block1_unit2–9" in drawn
    assert drawn.count("3 × 3, 16") == 4  # two in the first, two in those that are alike
    assert {"+ 1 × 1, stride 2", "+ identity"} <= set(drawn)


ONE_PATH = """
input = "8x8x2"
classes = 3
layer = [
    {type="Conv2d", name="a", out_channels=2, kernel_size=3, padding=1},
    {type="Sigmoid", name="s"},
    {type="Conv2d", name="b", inputs=["a"], out_channels=2, kernel_size=3, padding=1},
    {type="ReLU", name="r"},
    {type="Add", name="sum", inputs=["s", "r"]},
    {type="Flatten"},
    {type="Linear", out_features="classes"},
]
"""


def test_the_words_for_what_is_not_drawn():
    assert in_words(built(ONE_PATH)) == (
        "Sigmoid on one path after a, ReLU after b",
        "Sigmoid, ReLU",
    )
    assert in_words(models.build("lenet5"))[0] == "ReLU after every convolution, fc1 and fc2"
    assert in_words(built(residual(3, 2)))[0] == "ReLU after 6 of 15 convolutions and every sum"
    assert in_words(built(BRANCHES))[0] == ""
    assert in_words(built(ODD))[0] == "dropout 0.25 after all, Softmax after last"


def test_a_network_that_only_flattens_is_drawn():
    text = 'input = "1x10x1"\n[[layer]]\ntype = "Flatten"\n[[layer]]\ntype = "Softmax"'
    network = models.build_from_text(text, name="own")
    assert [layer.name for layer in drawn_layers(network)] == ["input", "flatten1"]
    assert pictures.architecture(network).figure.axes


def test_a_dense_network_begins_with_the_row_of_its_pixels():
    image, row, *_ = layers = drawn_layers(models.build("dense"))
    assert (image.head, row.head, row.operation) == (("28 × 28 × 1",), ("784",), ("flatten",))
    assert [layer.name for layer in layers[1:]] == ["flatten1", "fc1", "fc2", "fc3"]
    collections = pictures.architecture("dense").figure.axes[0].collections
    rays = [len(one.get_segments()) for one in collections if isinstance(one, LineCollection)]
    assert rays == [2, 4, 4, 4]  # each pixel to one number, then all units to all
    # Maps that are flattened are drawn as maps.
    assert "flatten1" not in [layer.name for layer in drawn_layers(models.build("lenet5"))]


def test_the_command_writes_a_picture_and_its_numbers(convlab):
    out = convlab.works(
        "render", "architecture", "lenet5-1998", "-o", "net.svg", "--json-file", "net.json"
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
    # PyTorch's windows of 16 cells in 5: [0, 4), [3, 7), [6, 10), [9, 13), [12, 16).
    windows = [(0, 4), (3, 7), (6, 10), (9, 13), (12, 16)]
    top, left, bottom, right = layers[2].window
    assert [(top, bottom), (left, right)] == [windows[at] for at in layers[2].unit]


def test_the_rays_of_a_transposed_convolution_begin_at_what_its_unit_reads():
    layers = {layer.name: layer for layer in drawn_layers(built(SEVERAL))}
    # Stride 2 and kernel 2: unit u reads cell u // 2 alone.
    row, column = (at // 2 for at in layers["up"].unit)
    assert layers["up"].window == (row, column, row + 1, column + 1)


# --- volumes to scale -----------------------------------------------------------------------


def unet(size=32, widths=(4, 8, 16)):
    """A U as Ronneberger, Fischer & Brox 2015, figure 1, with padded convolutions."""
    lines, last = [f'input = "{size}x{size}x1"'], "input"

    def add(kind, name, inputs, rest):
        listed = ", ".join(f'"{one}"' for one in inputs)
        lines.append(f'[[layer]]\ntype = "{kind}"\nname = "{name}"\ninputs = [{listed}]\n{rest}')
        return name

    convolution = "kernel_size = 3\npadding = 1\nout_channels = {}"
    for number, width in enumerate(widths):
        if number:
            last = add("MaxPool2d", f"pool{number}", [last], "kernel_size = 2")
        last = add("Conv2d", f"down{number}", [last], convolution.format(width))
    for number in reversed(range(len(widths) - 1)):
        rest = f"kernel_size = 2\nstride = 2\nout_channels = {widths[number]}"
        last = add("ConvTranspose2d", f"up{number}", [last], rest)
        last = add("Concat", f"copy{number}", [last, f"down{number}"], "")
        last = add("Conv2d", f"last{number}", [last], convolution.format(widths[number]))
    return "\n".join(lines)


def faces(figure):
    """(width, height, top) of the upright rectangles of a figure, from left to right as drawn."""
    found = []
    for drawn in figure.axes[0].collections:
        if isinstance(drawn, PolyCollection):
            corners = drawn.get_paths()[0].vertices[:4]
            (left, top), (right, bottom) = corners.min(0), corners.max(0)
            upright = (corners == (left, top)) | (corners == (right, bottom))
            if upright.all() and len(np.unique(corners, axis=0)) == 4:
                found.append((right - left, bottom - top, top))
    return np.array(found)


def backs(figure):
    """(right, up): how far the sides of volumes go back."""
    found = []
    for drawn in figure.axes[0].collections:
        if isinstance(drawn, PolyCollection):
            a, b, c, d = drawn.get_paths()[0].vertices[:4]
            if a[0] == d[0] and b[0] == c[0] and b[1] < a[1]:
                found.append((b[0] - a[0], a[1] - b[1], d[1] - a[1]))
    return np.array(found)


@pytest.mark.parametrize("source", ["vgg16", "lenet5", "resnet20", "unet"])
def test_volumes_are_to_scale(source, tmp_path):
    if source == "unet":
        (tmp_path / "unet.toml").write_text(unet())
        source = str(tmp_path / "unet.toml")
    made = pictures.architecture(source, layout="volumes")
    layers = drawn_layers(pictures.sources.network_of(source, weights=False)[0])
    figure = made.draw(theme="light", size="slide")
    drawn = faces(figure)
    assert len(drawn) == len(layers)
    maps = np.array([not layer.is_column for layer in layers])
    shapes = np.array([layer.shape for layer in layers if not layer.is_column])
    heights = drawn[maps, 1] / shapes[:, 1]
    np.testing.assert_allclose(heights, heights[0], rtol=1e-6)
    thick = drawn[maps, 0] > 1.51  # thinner ones would not be seen
    widths = drawn[maps, 0][thick] / shapes[thick, 0]
    np.testing.assert_allclose(widths, widths[0], rtol=1e-6)
    right, up, height = backs(figure).T
    np.testing.assert_allclose(right / height, right[0] / height[0], rtol=1e-6)
    np.testing.assert_allclose(up / right, up[0] / right[0], rtol=1e-6)
    units = [layer.shape[0] for layer in layers if layer.is_column]
    bars = drawn[~maps, 1]
    if len(units) > 1:
        tall = bars > 2.01
        np.testing.assert_allclose(bars[tall] / np.array(units)[tall], bars[0] / units[0])
    # The first two scale bars are as long as they say.
    said = [text.get_text() for text in figure.axes[0].texts]
    texts = [next(t for t in said if t.endswith(word)) for word in ("high", "thick")]
    bars = [line for line in figure.axes[0].lines if line.get_color() == viz.THEMES["light"].ink]
    for text, bar, scale in zip(texts, bars[:2], (heights[0], widths[0]), strict=True):
        count = int(text.split()[0].replace(",", ""))
        assert np.ptp(bar.get_xdata()) == pytest.approx(scale * count)


def test_a_u_has_maps_of_one_size_at_one_height(tmp_path):
    (tmp_path / "unet.toml").write_text(unet())
    made = pictures.architecture(str(tmp_path / "unet.toml"), layout="volumes")
    figure = made.draw(theme="dark", size="slide")
    sizes = [32, 32, 16, 16, 8, 8, 16, 16, 16, 32, 32, 32]
    tops = faces(figure)[:, 2]
    assert {size: len(set(tops[np.equal(sizes, size)].round(3))) for size in (32, 16, 8)} == {
        32: 1,
        16: 1,
        8: 1,
    }
    assert tops[0] < tops[2] < tops[4]
    # A skip ends at the left edge of the concatenation.
    arrows = [
        drawn.get_paths()[0].vertices[0]
        for drawn in figure.axes[0].collections
        if isinstance(drawn, PolyCollection) and len(drawn.get_paths()[0].vertices) == 4
    ]
    assert len(arrows) == 3  # two, and one in the legend


@pytest.mark.parametrize("size", ["slide", "small", "paper"])
@pytest.mark.parametrize("source", ["vgg16", "resnet50", "dense", "alexnet", "unet"])
def test_volumes_are_legible(source, size, assert_legible):
    made = pictures.architecture(source, layout="volumes")
    assert_legible(made.draw(theme="light", size=size), size)


@pytest.mark.parametrize(
    ("source", "layout"),
    [("resnet50", "stacks"), ("unet", "stacks"), ("resnet50", "volumes"), ("googlenet", "volumes")],
)
def test_paths_end_at_drawings_not_at_texts(source, layout):
    """The point of each arrow that leads down lies below every text of its column."""
    figure = pictures.architecture(source, layout=layout).draw(theme="light", size="slide")
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    axes = figure.axes[0]
    points = []
    for drawn in axes.collections:
        corners = drawn.get_paths()[0].vertices if drawn.get_paths() else np.zeros((0, 2))
        if len(corners) == 4 and corners[1][1] == corners[2][1] < corners[0][1]:
            points.append(axes.transData.transform(corners[0]))
    assert points
    for x, y in points:
        near = [box for box in boxes if box.x0 < x < box.x1 and y - 20 < box.y1 and box.y0 < y]
        assert not near, (x, y)


def test_layers_without_names_are_parts_of_nothing(assert_legible):
    """In the words of 1998 no layer has a name of its own."""
    made = pictures.architecture("lenet5-1998")
    assert_legible(made.draw(theme="light", size="500x281"), "500x281")


@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("vgg16", "138,357,544 parameters for 1,000 classes; configuration D, without batch"),
        ("resnet50", "25,557,032 parameters for 1,000 classes, those of normalisations counted"),
        ("alexnet", "61,100,840 parameters for 1,000 classes; one column, as in 2014"),
    ],
)
def test_the_variant_and_what_is_counted_are_said(network, said):
    figure = pictures.architecture(network, layout="volumes").draw(theme="light", size="slide")
    assert said in " ".join(text.get_text() for text in figure.axes[0].texts).replace("\n", " ")


def test_volumes_that_cannot_be():
    with pytest.raises(SpecError, match="layout: expected one of stacks, volumes, got 'row'"):
        pictures.architecture("lenet5", layout="row")
    with pytest.raises(SpecError, match="brackets: expected layout stacks, got volumes"):
        pictures.architecture("lenet5", layout="volumes", brackets=True)
    with pytest.raises(ShapeError, match="expected an input and at least one layer, got 0"):
        viz.volumes([])
