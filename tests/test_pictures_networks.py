"""Pictures from Python of how a network is built, what its units see and what they add up."""

import numpy as np
import pytest

from convlab import data, insight, pictures
from convlab.errors import ShapeError, SpecError

PLACE = {"network", "layer", "unit"}
EXPLAINED = {"run", "image", "inverted", "layer", "unit"}
EFFECTIVE = {"box", "half", "gradient", "share_inside", "centre", "standard_deviation"}


@pytest.fixture(scope="module")
def small(tiny):
    return tiny


@pytest.fixture(scope="module")
def image(small):
    return np.random.default_rng(0).integers(0, 256, small.image_shape, dtype=np.uint8)


def gradient(run):
    _, test = data.load("digits")
    images = np.stack([run.network_input(pixels) for pixels in test.images[:2]])
    return insight.effective_field(run.network, "conv2", (3, 4), images).gradient


def activation(run, image, layer):
    return insight.trace(run.network, run.network_input(image), layer)[-1].array


def probabilities(run, image):
    logits = activation(run, image, None)
    return run.network.probabilities(logits[None])[0]


# Each picture: its title, its numbers by their names, and what one of them is.
PICTURES = {
    "architecture": (
        lambda run, image: pictures.architecture("lenet5"),
        "Architecture of lenet5",
        ({"network", "layout"}, {"input_shape"}, {"parameters", "layers"}),
        lambda result: result["parameters"],
        # Two convolutions, the second in full, and three dense layers.
        lambda run, image: 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85,
    ),
    "receptive field": (
        lambda run, image: pictures.receptive_field(run, "conv2", (3, 4), image),
        "Receptive field of conv2, unit 3,4",
        (PLACE, {"image"}, {"box", "facts", "map"}),
        lambda result: result["map"][3, 4],
        lambda run, image: activation(run, image, "conv2")[:, 3, 4].max(),
    ),
    "receptive fields": (
        lambda run, image: pictures.receptive_field_chain("lenet5", "conv2", (3, 4)),
        "Receptive fields on the way to conv2, unit 3,4",
        (PLACE, set(), {"boxes"}),
        lambda result: result["boxes"][-1]["box"],
        # 5 cells of 2 pixels, and the 4 pixels around a convolution's centre.
        lambda run, image: (2 * 3 - 2, 2 * 4 - 2, 2 * 3 + 12, 2 * 4 + 12),
    ),
    "pyramid": (
        lambda run, image: pictures.receptive_field_pyramid(run.folder, "conv2", (3, 4)),
        "What conv2 reads, row 3",
        (PLACE | {"axis"}, set(), {"receptive_field", "levels"}),
        lambda result: result["receptive_field"],
        lambda run, image: [4, 18],
    ),
    "effective": (
        lambda run, image: pictures.effective_receptive_field(
            run, "conv2", (3, 4), image, images=2
        ),
        "Effective receptive field of conv2, unit 3,4",
        (PLACE | {"images"}, {"image"}, EFFECTIVE),
        lambda result: result["gradient"],
        lambda run, image: gradient(run),
    ),
    "explanation": (
        lambda run, image: pictures.explanation(run, image),
        "probabilities, unit ",
        (EXPLAINED, {"image", "network input"}, {"explanations"}),
        lambda result: result["explanations"][0]["value"],
        lambda run, image: probabilities(run, image).max(),
    ),
    "chain of explanations": (
        lambda run, image: pictures.explanation(run.folder, "test:3", "conv2", (3, 4, 5), True),
        "conv2, map 3, row 4, column 5: ",
        (EXPLAINED, {"image", "network input"}, {"explanations", "outputs"}),
        lambda result: result["outputs"]["conv2"][3, 4, 5],
        lambda run, image: activation(run, data.load("digits")[1].images[3], "conv2")[3, 4, 5],
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, small, image):
    make, title, (parameters, inputs, result), number, expected = PICTURES[name]
    made = make(small, image)
    assert made.title.startswith(title)
    assert set(made.parameters) == parameters
    assert set(made.inputs) == inputs
    assert set(made.result) == result
    np.testing.assert_array_equal(number(made.result), expected(small, image))
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_what_grouped_and_separable_convolutions_cost():
    made = pictures.groups(channels=6, filters=12, groups=3, kernel=(3, 5), input=(10, 20))
    weights = {
        "full": 15 * 6 * 12,
        "3 groups": 15 * 2 * 12,
        "depthwise": 15 * 12,
        "separable": 15 * 6 + 6 * 12,  # Howard et al. 2017, section 3.1
    }
    # Every place has all products: the padding keeps the size and is multiplied, too.
    wanted = {n: {"weights": w, "multiply-adds": 200 * w} for n, w in weights.items()}
    assert made.result == wanted
    for arguments, message in (
        ({"channels": 8, "groups": 3}, "channels: expected a multiple of the 3 groups, got 8"),
        ({"filters": 12}, "filters: expected a multiple of the 8 channels, got 12"),
        ({"channels": 64}, "channels: expected at most 32, got 64"),
    ):
        with pytest.raises((ShapeError, SpecError), match=message):
            pictures.groups(**arguments)
