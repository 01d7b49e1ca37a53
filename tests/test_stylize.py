"""Style transfer: Gram matrices, the gradients of both losses, L-BFGS, the picture, the command."""

import json

import numpy as np
import pytest
from PIL import Image

from convlab import Tensor, data, models, tasks, viz
from convlab import functional as F
from convlab.errors import ShapeError, SpecError
from convlab.tape import gradcheck

RNG = np.random.default_rng(0)


def picture(rows=40, columns=44, seed=0):
    return np.random.default_rng(seed).random((1, 3, rows, columns)).astype(np.float32)


def test_gram_is_the_mean_product_of_maps():
    maps = RNG.standard_normal((1, 5, 6, 7))
    expected = np.einsum("chw,dhw->cd", maps[0], maps[0]) / 42
    np.testing.assert_allclose(tasks.gram(Tensor(maps)).numpy(), expected)


def test_gram_does_not_know_places():
    maps = RNG.standard_normal((1, 4, 5, 5))
    mixed = maps.reshape(1, 4, 25)[:, :, RNG.permutation(25)].reshape(maps.shape)
    np.testing.assert_allclose(tasks.gram(Tensor(mixed)).numpy(), tasks.gram(Tensor(maps)).numpy())


def two_layers(dtype):
    weights = [RNG.standard_normal((4, 3, 3, 3)), RNG.standard_normal((5, 3, 5, 5))]
    weights = [Tensor(weight.astype(dtype)) for weight in weights]
    return lambda x: [F.conv2d(x, weight, relu=True) for weight in weights]


def test_losses_by_their_definition():
    features = two_layers(np.float64)
    content, style, x = (RNG.random((1, 3, 9, 8)) for _ in range(3))
    target = tasks.style_target(features, content, style)
    got = [loss.item() for loss in target.losses(Tensor(x))]

    def maps(image):
        return [one.numpy()[0] for one in features(Tensor(image))]

    def grams(image):
        return [np.einsum("chw,dhw->cd", m, m) / m[0].size for m in maps(image)]

    apart = sum(np.square(a - b).sum() for a, b in zip(maps(x), maps(content), strict=True))
    wanted = [
        apart / sum(np.square(a).sum() for a in maps(content)),
        np.mean(
            [
                np.square(a - b).sum() / np.square(b).sum()
                for a, b in zip(grams(x), grams(style), strict=True)
            ]
        ),
    ]
    np.testing.assert_allclose(got, wanted)
    at_the_content = [loss.item() for loss in target.losses(Tensor(content))]
    assert at_the_content[0] == 0


@pytest.mark.parametrize("which", [0, 1], ids=["content", "style"])
def test_gradients_by_finite_differences(which):
    weight = Tensor(RNG.standard_normal((4, 3, 3, 3)))
    features = tasks.at_sizes(lambda x: [F.conv2d(x, weight, relu=True)], 2)
    target = tasks.style_target(features, *RNG.random((2, 1, 3, 8, 8)))
    x = Tensor(RNG.random((1, 3, 8, 8)), requires_grad=True)
    assert gradcheck(lambda x: target.losses(x)[which], [x], tolerance=1e-5)


def test_random_filters_are_of_several_sizes_and_follow_their_seed():
    x = Tensor(picture())
    first, again, other = (tasks.random_features(seed)(x) for seed in (1, 1, 2))
    assert [one.shape for one in first] == [(1, 32, 40, 44)] * 4 + [(1, 3, 40, 44)]
    assert all(np.array_equal(a.numpy(), b.numpy()) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].numpy(), other[0].numpy())
    np.testing.assert_array_equal(first[-1].numpy(), x.numpy())
    # A picture of one colour has no edges.
    flat = tasks.random_features(0)(Tensor(np.full((1, 3, 20, 20), 0.7, np.float32)))
    assert max(np.abs(one.numpy()).max() for one in flat[:-1]) < 1e-5


SMALL = """
input = "8x8x{channels}"
[[layer]]
type = "Conv2d"
out_channels = 4
kernel_size = 3
[[layer]]
type = "ReLU"
[[layer]]
type = "MaxPool2d"
kernel_size = 2
[[layer]]
type = "Conv2d"
out_channels = 6
kernel_size = 2
[[layer]]
type = "Flatten"
[[layer]]
type = "Linear"
out_features = "classes"
"""


def test_maps_of_a_network_are_those_of_its_convolutions():
    network = models.build_from_text(SMALL.format(channels=3), name="small")
    scaling = data.Scaling((0.01,) * 3, (-1.0,) * 3)
    x = Tensor(picture(20, 24))
    image, first, second = tasks.network_features(network, scaling)(x)
    np.testing.assert_array_equal(image.numpy(), x.numpy())
    conv1, relu, pool, conv2 = list(network)[:4]
    wanted = relu(conv1(Tensor(x.numpy() * np.float32(2.55) - 1)))
    np.testing.assert_allclose(first.numpy(), wanted.numpy(), atol=1e-5)
    np.testing.assert_allclose(second.numpy(), conv2(pool(wanted)).numpy(), atol=1e-5)


def test_maps_of_branches_are_those_of_their_convolutions():
    text = """
    input = "16x16x3"
    layer = [
        {type="Conv2d", name="a", out_channels=4, kernel_size=3, padding=1},
        {type="ReLU", name="relu_a"},
        {type="Conv2d", name="b", out_channels=4, kernel_size=3, padding=1},
        {type="Add", name="sum", inputs=["relu_a", "b"]},
        {type="ReLU", name="relu_sum"},
        {type="Conv2d", name="c", out_channels=2, kernel_size=1},
        {type="ReLU", name="relu_c"},
        {type="Concat", name="both", inputs=["c", "relu_c"]},
        {type="MaxPool2d", name="pool", kernel_size=2},
        {type="Flatten"},
        {type="Linear", out_features="classes"},
    ]
    """
    network = models.build_from_text(text, name="branches")
    x = Tensor(picture(20, 24))
    found = tasks.network_features(network, data.Scaling((0.01,) * 3, (-1.0,) * 3))(x)
    a, relu, b = (network[name] for name in ("a", "relu_a", "b"))
    first = relu(a(Tensor(x.numpy() * np.float32(2.55) - 1)))
    second = b(first)
    third = relu(first + second)
    # c is read by two layers, by its ReLU and as it is.
    fourth = network["c"](third)
    wanted = [x, first, second, third, fourth, relu(fourth)]
    assert len(found) == len(wanted)
    for maps, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(maps.numpy(), expected.numpy(), atol=1e-5)


def test_networks_whose_filters_do_not_fit():
    scaling = data.Scaling((0.01,), (0.0,))
    grey = models.build_from_text(SMALL.format(channels=1), name="grey")
    with pytest.raises(SpecError, match="grey: expected .* 3 channels, got 1"):
        tasks.network_features(grey, scaling)
    dense = models.build("dense", input_shape=(3, 28, 28))
    with pytest.raises(SpecError, match="dense: expected a network with convolutions"):
        tasks.network_features(dense, scaling)


def test_steps_lower_the_loss_and_stay_between_black_and_white():
    content, style = picture(32, 32, 1), picture(24, 36, 2)
    target = tasks.style_target(tasks.random_features(0, (3, 5), 8), content, style)
    seen = []
    made = tasks.stylize(
        target, content, steps=6, content_weight=0.1, watch=lambda step, x: seen.append(step)
    )
    assert [step.step for step in seen] == list(range(7))
    losses = [step.loss for step in seen]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.7 * losses[0]
    for step in seen:
        assert step.loss == pytest.approx(0.1 * step.content + step.style, rel=1e-4)
    assert made.shape == content.shape and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1


def test_without_style_nothing_changes():
    content = picture(32, 32)
    target = tasks.style_target(tasks.random_features(0, (3,), 4), content, picture(seed=1))
    made = tasks.stylize(target, content, steps=3, style_weight=0)
    np.testing.assert_array_equal(made, content)


def test_settings_that_cannot_be():
    target = tasks.style_target(tasks.random_features(0, (3,), 2), picture(), picture())
    for settings, message in (
        ({"steps": 0}, "at least 1 step, got 0"),
        ({"style_weight": -1.0}, "weights of at least 0"),
        ({"style_weight": 0.0, "content_weight": 0.0}, "not all 0"),
    ):
        with pytest.raises(SpecError, match=message):
            tasks.stylize(target, picture(), **settings)
    with pytest.raises(ShapeError, match=r"style: expected a picture \(1, 3, H, W\)"):
        tasks.style_target(tasks.random_features(), picture(), picture()[:, :1])


@pytest.mark.parametrize("size", ["slide", "small", "animation", "paper", "paper-wide"])
@pytest.mark.parametrize("theme, shape", [("light", (64, 96)), ("dark", (96, 50))])
def test_the_picture_is_legible(assert_legible, size, theme, shape):
    figure = viz.stylized(
        *RNG.integers(0, 255, (3, 3, *shape), dtype=np.uint8),
        [*np.geomspace(3, 0.02, 49).tolist(), 0.0],
        names=("content: china", "style: flower"),
        facts=[("loss", "0.05 × content + 1 × style " * 3), ("content", "0 to 1")],
        title="china in the style of flower",
        subtitle="random filters; 171 × 256 pixels; 120 steps of L-BFGS from the content",
        theme=theme,
        size=size,
    )
    assert_legible(figure, size)


def test_stylize_writes_the_figure_and_the_result(convlab):
    for name, seed in (("a.png", 0), ("b.png", 1)):
        image = Image.fromarray(
            (255 * picture(30, 40, seed)[0]).astype(np.uint8).transpose(1, 2, 0)
        )
        image.resize((80, 60)).save(convlab.folder / name)
    out = convlab.works(
        *("stylize", "a.png", "b.png", "--pixels", 64, "--steps", 3, "--quiet"),
        *("-o", "s.gif", "--every", 1, "--json-file", "s.json"),
    )
    assert out == "wrote s.gif\nwrote s-result.png\n"
    with Image.open(convlab.folder / "s-result.png") as made:
        assert made.size == (64, 48)
        pixels = np.asarray(made)
    numbers = json.loads((convlab.folder / "s.json").read_text())["result"]
    assert len(numbers["loss"]) == 4
    np.testing.assert_array_equal(np.array(numbers["picture"]).transpose(1, 2, 0), pixels)
    with Image.open(convlab.folder / "s.gif") as moving:
        assert moving.n_frames == 4 and moving.size == (800, 450)


def test_stylize_refuses(convlab):
    assert "nosuch.png: expected a picture file or one of china, flower" in convlab.fails(
        "stylize", "nosuch.png", "flower"
    )
    assert list(convlab.folder.iterdir()) == []
