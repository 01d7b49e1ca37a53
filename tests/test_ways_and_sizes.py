"""Colours, sizes and pooled photographs: every number again, by NumPy, SciPy and Pillow."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.signal import correlate2d

from convlab import data, lessons, models, pictures
from convlab.errors import NotFiniteError, ShapeError, SpecError
from convlab.training import load

# --- one network, several sizes ----------------------------------------------------------------


@pytest.fixture(scope="module")
def run(trained):
    return load(trained[0])


def layer(x, weight, bias, pad):
    """Convolution, ReLU and maximum over 2 × 2, by SciPy and NumPy in float64."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    maps = [
        sum(correlate2d(c, k, "valid") for c, k in zip(x, kernel, strict=True)) + b
        for kernel, b in zip(weight, bias, strict=True)
    ]
    maps = np.maximum(maps, 0)
    rows, columns = (length // 2 * 2 for length in maps.shape[1:])
    blocks = maps[:, :rows, :columns].reshape(len(maps), rows // 2, 2, columns // 2, 2)
    return blocks.max(axis=(2, 4))


def test_any_size_gives_the_means_of_the_maps(run):
    sizes = {"28 × 28": (28, 28), "28 × 42": (28, 42), "37 × 50": (37, 50)}
    made = pictures.any_size(run, "test:7", list(sizes.values()), grid=(2, 3))
    state = {name: array.astype(float) for name, array in run.network.state_dict().items()}
    assert list(made.result) == list(sizes)
    for name, size in sizes.items():
        x, found = made.inputs[name].astype(float), made.result[name]
        assert x.shape == (1, *size)
        maps = layer(x, state["conv1.weight"], state["conv1.bias"], 2)
        maps = layer(maps, state["conv2.weight"], state["conv2.bias"], 0)
        np.testing.assert_allclose(found["maps"], maps, atol=1e-4)
        np.testing.assert_allclose(found["flat"], maps.ravel(), atol=1e-4)
        np.testing.assert_allclose(found["pooled"], maps.mean(axis=(1, 2)), atol=1e-4)
        # Windows from ⌊i n / o⌋ to ⌈(i + 1) n / o⌉, as PyTorch's adaptive pooling has them.
        high, wide = maps.shape[1:]
        cells = [
            maps[
                :, i * high // 2 : -(-(i + 1) * high // 2), j * wide // 3 : -(-(j + 1) * wide // 3)
            ]
            for i in range(2)
            for j in range(3)
        ]
        means = np.stack([cell.mean(axis=(1, 2)) for cell in cells], axis=1)
        np.testing.assert_allclose(found["grid"], means.ravel(), atol=1e-4)
        if size == (28, 28):
            assert (len(found["flat"]), found["refusal"]) == (400, "")
        else:
            assert f"(..., 400), got (1, {maps.size})" in found["refusal"]
    assert "Image 28 × 42 → 5 × 8 × 16, 640 refused" in made.alt
    assert "28 × 28 → 5 × 5 × 16, 400 fit" in made.alt


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([3], "3 × 3 is too small: kernel larger than padded input"),
        ([28] * 5, "at most 4 sizes"),
        ([600], "at most 512 × 512, got 600 × 600"),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(run, sizes, message):
    with pytest.raises(ShapeError, match=f"any size: .*{message}"):
        pictures.any_size(run, "test:7", sizes)


def test_networks_that_do_not_flatten_maps_are_refused():
    from convlab.insight import reader

    assert reader(models.build("lenet5", weights=False)).features == 400
    for name, message in (
        ("dense", "a dense layer behind convolutions, got dense"),
        ("resnet50-slim", "whose pool5 pools them to one size"),
    ):
        with pytest.raises(SpecError, match=message):
            reader(models.build(name, weights=False))


# --- one kernel over all colours -----------------------------------------------------------------


def test_a_kernel_over_all_colours_is_a_sum_over_channels():
    image = data.photograph("flower").transpose(2, 0, 1)[:, 100:160, 200:270]
    spatial, weights = np.array([[1.0, 2, -1], [0, 3, 1]]), (2.0, -1.0, 0.5)
    found = lessons.colour_convolution(image, spatial, weights)
    apart = np.array([correlate2d(c.astype(float), spatial, "valid") for c in image])
    parts = np.array(weights)[:, None, None] * apart
    np.testing.assert_array_equal(found.apart, apart)
    np.testing.assert_array_equal(found.parts, parts)
    np.testing.assert_array_equal(found.summed, parts.sum(axis=0))
    np.testing.assert_array_equal(found.mixed, parts.sum(axis=0))
    assert found.difference == 0
    assert lessons.colour_convolution(image, spatial / 7, weights).difference > 0


def test_colours_that_do_not_fit(convlab):
    for weights in ("1", "1,2", "1,2,3,4"):
        refused = convlab.misused("render", "colours", "--weights", weights)
        assert f"expected three numbers such as 2,-1,-1, got '{weights}'" in refused
    image = np.full((3, 4, 4), 255, np.uint8)
    with pytest.raises(NotFiniteError, match="^colours: expected numbers whose products"):
        lessons.colour_convolution(image, np.full((2, 2), 1e30), (1e6, 1e6, 1e6))


def test_the_costs_of_the_three_ways(convlab):
    convlab.works("render", "colours", "--size", "small", "--json-file", "x.json", "-o", "x.png")
    counts = json.loads((convlab.folder / "x.json").read_text())["result"]["counts"]
    places = 425 * 638  # of 427 × 640 without padding
    assert counts == {
        "convolution": {"weights": 1728, "multiply_adds": places * 64 * 27},
        "depthwise": {"weights": 27, "multiply_adds": places * 27},
        "pointwise": {"weights": 192, "multiply_adds": places * 64 * 3},
    }
    assert "one kernel such as sobel-x" in convlab.fails("render", "colours", "--kernel", "sobel")
    wrong = convlab("render", "colours", "--weights", "1,2")
    assert wrong.status == 2 and "expected three numbers such as 2,-1,-1" in wrong.err
    assert "in colour, got 28 × 28 × 1" in convlab.fails("render", "colours", "test:3")


# --- pooling beside a smaller picture ----------------------------------------------------------


@pytest.mark.parametrize("kind", ["average", "max"])
@pytest.mark.parametrize("length", [2, 5, 8])
def test_pooling_of_a_photograph_beside_pillow(kind, length):
    image = data.photograph("china").transpose(2, 0, 1)
    found = lessons.downsizing(image, kind, length)
    high, wide = 427 // length, 640 // length
    kept = image[:, : high * length, : wide * length]
    blocks = kept.reshape(3, high, length, wide, length).astype(float)
    means = blocks.mean(axis=(2, 4))
    expected = means if kind == "average" else blocks.max(axis=(2, 4))
    np.testing.assert_allclose(found.pooled, expected, atol=1e-3)
    box = Image.fromarray(kept.transpose(1, 2, 0)).resize((wide, high), Image.Resampling.BOX)
    np.testing.assert_array_equal(found.resized["BOX"], np.asarray(box).transpose(2, 0, 1))
    assert np.abs(found.resized["BOX"] - means).max() <= 1  # rounded twice, by half at most
    mean, most = found.difference("BOX")
    apart = np.abs(expected - np.asarray(box).transpose(2, 0, 1))
    assert (mean, most) == pytest.approx((apart.mean(), apart.max()), abs=1e-3)
    if kind == "max":
        assert found.pooled.mean() > image.mean() + 5


def test_pool_from_the_command_line(convlab):
    convlab.works("apply", "6x6-edge", "--pool", "max:3", "--raw", "x.npy", "-o", "x.png")
    assert np.load(convlab.folder / "x.npy").tolist() == [[[10.0, 0.0], [10.0, 0.0]]]
    assert "expected max:K or average:K" in convlab.fails("apply", "--pool", "mean:2")
    refused = convlab("apply", "--pool", "max:2", "--stride", 2)
    assert refused.status == 2
    assert "--stride: expected a kernel, and --pool has none" in refused.err
    assert "within 427 × 640" in convlab.fails("apply", "--pool", "max:428")


# --- what finds features and what decides --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("lenet5", "conv1 to pool2 finds features, fc1 to fc3 decides"),
        ("resnet50", "conv1 to layer4.2.sum finds features, avgpool to fc decides"),
    ],
)
def test_brackets_split_where_a_map_is_one_number(name, parts):
    made = pictures.architecture(name, brackets=True)
    assert made.alt.endswith(f"{parts}.")
    plain = pictures.architecture(name)
    assert "decides" not in plain.alt
    texts = [text.get_text() for text in made.figure.findobj(lambda a: hasattr(a, "get_text"))]
    assert {"finds features", "decides"} <= set(texts)
    assert "decides" not in [
        text.get_text() for text in plain.figure.findobj(lambda a: hasattr(a, "get_text"))
    ]


def test_brackets_need_both_parts():
    with pytest.raises(SpecError, match="brackets: expected .* got dense"):
        pictures.architecture("dense", brackets=True)


def test_kernels_of_three_colours_are_on_one_scale():
    factors = 0.3, 0.6, 0.1
    (axes,) = pictures.colours("china", "sobel-x", factors).figure.axes
    shown = [np.asarray(one.get_array(), float) for one in axes.images]
    depths = [np.abs(255 - one).sum() for one in shown if one.shape == (3, 3, 3)]
    assert len(depths) == 3
    assert depths[1] > 1.5 * depths[0] > 2 * depths[2] > 0


def test_sizes_of_maps_are_whole_on_paper(run):
    figure = pictures.any_size(run, "test:7").draw(size="paper")
    assert "→ 12 × 12 × 16" in [text.get_text() for text in figure.axes[0].texts]
