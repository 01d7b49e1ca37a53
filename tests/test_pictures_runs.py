"""Pictures from Python, of runs, data sets and networks: what each is called and its numbers."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from convlab import data, insight, ladder, models, pictures
from convlab.errors import DataError, RunError, ShapeError, SpecError


def images():
    return data.load("digits")[1]


def right(run):
    """The share of right answers, image by image."""
    test = images()
    x = np.stack([run.network_input(image) for image in test.images])
    return float((insight.probabilities(run.network, x).argmax(axis=1) == test.labels).mean())


def found_at_half(run, label):
    """How many images of a class have a probability of it of at least a half."""
    some = images().images[images().labels == label]
    x = np.stack([run.network_input(image) for image in some])
    return int((insight.probabilities(run.network, x)[:, label] >= 0.5).sum())


def alike(distance):
    """The correlation of pixels so far apart, in rows and columns."""
    some = images().images[:50].astype(float)
    pairs = [(some[..., :-distance], some[..., distance:])]
    pairs += [(some[..., :-distance, :], some[..., distance:, :])]
    return np.corrcoef(*(np.concatenate([p[side].ravel() for p in pairs]) for side in (0, 1)))[0, 1]


def summed(run, made, filter, row, column):
    """A unit of conv2 by loops over channels and weights; what each channel adds, likewise."""
    maps = made.inputs["maps"].astype(float)
    weights = {name: np.asarray(a, float) for name, a in run.network.state_dict().items()}
    kernel, bias = weights["conv2.weight"][filter], weights["conv2.bias"][filter]
    parts = [
        sum(
            channel[row + i, column + j] * kernel[at, i, j]
            for i, j in np.ndindex(*kernel.shape[1:])
        )
        for at, channel in enumerate(maps)
    ]
    np.testing.assert_allclose(made.result["added"][:, row, column], parts, rtol=1e-4, atol=1e-5)
    return sum(parts) + bias


def losses(run):
    lines = (run.folder / "history.csv").read_text().splitlines()
    return [float(row["train_loss"]) for row in csv.DictReader(lines)]


def spread(run):
    weight = run.network.state_dict()["conv1.weight"]
    return float(np.std(weight, dtype=float))


def measured():
    record = json.loads(Path(ladder.__file__).with_name("measured.json").read_text())
    return record["rungs"][-1]["flops_per_second"]


# What is called, the title, the names of the result, and one number beside what it must be.
CASES = {
    "confusion": (
        lambda run: pictures.confusion(run),
        "Confusion matrix, lenet5 trained on digits",
        {"accuracy", "confusion"},
        lambda made, run: (made.result["accuracy"], right(run)),
    ),
    "roc": (
        lambda run: pictures.roc(run, "3"),
        "3 against the rest",
        None,
        lambda made, run: (made.result["true positives"], found_at_half(run, 3)),
    ),
    "curves": (
        lambda run: pictures.curves(run.folder),
        "Training of lenet5 on digits",
        {"history"},
        lambda made, run: (
            made.result["history"]["train_loss"],
            losses(run),
        ),
    ),
    "mistakes": (
        lambda run: pictures.mistakes(run, most=4),
        "Worst mistakes, lenet5 trained on digits",
        {"true", "answer", "probability"},
        lambda made, run: (
            [str(images().labels[number]) for number in made.inputs["number"]],
            made.result["true"],
        ),
    ),
    "weights": (
        lambda run: pictures.weights(str(run.folder), "conv1"),
        "Weights of conv1, lenet5 trained on digits",
        {"conv1"},
        lambda made, run: (made.result["conv1"][1]["deviation"], spread(run)),
    ),
    "weights by epoch": (
        lambda run: pictures.weights(run, by_epoch=True),
        "Weights by layer, lenet5 trained on digits",
        {"conv1", "conv2", "fc1", "fc2", "fc3"},
        lambda made, run: (list(made.result["fc1"]), [0, 1]),
    ),
    "embedding": (
        lambda run: pictures.embedding(run, images=30, layer="fc2"),
        "PCA of fc2",
        {"outputs", "points", "shares of variance", "answers"},
        lambda made, run: (
            np.var(made.result["points"], axis=0).sum() / np.var(made.result["outputs"], 0).sum(),
            sum(made.result["shares of variance"]),
        ),
    ),
    "top patches": (
        lambda run: pictures.top_patches(run, "fc3", [2, 7], images=12, patches=2),
        "Top patches of fc3",
        {"2", "7", "never fires"},
        lambda made, run: (
            [patch["activation"] for patch in made.result["7"]],
            sorted(
                insight.largest(run.network, "fc3", [7], images().images[:12], run.scaling)[0][:, 0]
            )[:-3:-1],
        ),
    ),
    "channel sum": (
        lambda run: pictures.channel_sum(run, "test:3", filter=5, at=(2, 3)),
        "Map 5 of conv2, summed over its channels",
        {"added", "map", "value"},
        lambda made, run: (made.result["value"], summed(run, made, 5, 2, 3)),
    ),
    "connection table": (
        lambda run: pictures.connection_table(),
        "Which maps c3 reads",
        {"table", "parameters", "total", "all_connected"},
        # LeCun et al. 1998, section II.B.
        lambda made, run: (made.result["total"], 1516),
    ),
    "parameters": (
        lambda run: pictures.parameters(neurons=10, kernel=(3, 5)),
        "Parameters as the image grows",
        {"lines", "examples"},
        lambda made, run: (made.result["examples"]["100 × 100 to 10 neurons"], 10 * 100 * 100),
    ),
    "neighbours": (
        lambda run: pictures.neighbours(images=50, farthest=3),
        "Neighbouring pixels are alike",
        {"distances", "correlations", "shuffled"},
        lambda made, run: (made.result["correlations"][2], alike(2)),
    ),
    "padding modes": (
        lambda run: pictures.padding_modes((4, 3), 1),
        "What stands in the padding",
        {"zeros", "reflect", "replicate", "circular"},
        lambda made, run: (
            made.result["circular"].ravel(),
            np.pad(np.arange(1, 13).reshape(4, 3), 1, mode="wrap").ravel(),
        ),
    ),
    "usage": (
        lambda run: pictures.usage(4, 3),
        "How often each pixel is read",
        {"counts", "outputs"},
        lambda made, run: (made.result["counts"]["no padding"][0].tolist(), [1, 2, 2, 1]),
    ),
    "flatten": (
        lambda run: pictures.flatten(at=(1, 2)),
        "An image becomes a row of numbers",
        {"place", "order", "count"},
        lambda made, run: (made.result["place"], 30),
    ),
    "hierarchy": (
        lambda run: pictures.hierarchy(run, "test:3", images=5, steps=1, target=4),
        "From pixels to the class 4",
        {"chain"},
        lambda made, run: ([link["layer"] for link in made.result["chain"]][1:], ["conv2", "fc3"]),
    ),
    "dropout": (
        lambda run: pictures.dropout(run, "test:3", masks=4, rate=0.25),
        "Dropout of 0.25: how the answer spreads",
        {
            "values",
            "masks",
            "outputs",
            "dropped",
            "probabilities",
            "without dropout",
            "answers",
        },
        lambda made, run: (made.result["masks"].max(), 1 / 0.75),
    ),
    "augment": (
        lambda run: pictures.augment("flower", "flip", 3),
        "What training sees instead of an image",
        {"images", "pixels down and right", "degrees clockwise", "enlargement", "mirrored"},
        lambda made, run: (
            made.result["images"][0, 0, :, 5, :: -1 if made.result["mirrored"][0, 0] else 1],
            data.photograph("flower").transpose(2, 0, 1)[:, 5],
        ),
    ),
    "field growth": (
        lambda run: pictures.field_growth("vgg16", models.build("lenet5", weights=False), run),
        "Receptive field by depth",
        {"vgg16", "lenet5"},
        lambda made, run: (made.result["vgg16"]["receptive_field"][-1], 212),
    ),
    "channels": (
        lambda run: pictures.image(at=(3, 5)),
        "A colour image is three maps",
        {"values"},
        lambda made, run: (made.result["values"], data.photograph("china")[3, 5]),
    ),
    "numbers": (
        lambda run: pictures.image(images().images[4], pixels=(2, 3), at=(10, 11)),
        "An image is numbers",
        {"pixels"},
        lambda made, run: (
            made.result["pixels"].ravel(),
            images().images[4, :, 10:12, 11:14].ravel(),
        ),
    ),
    "connections": (
        lambda run: pictures.connections(9, kernel=4, padding=1),
        "What each unit sees, and with which weights",
        {"units", "dense", "local", "shared"},
        lambda made, run: (made.result["units"], (1, 9 + 2 * 1 - 4 + 1)),
    ),
    "connections in two dimensions": (
        lambda run: pictures.connections((5, 6), kernel=(2, 3), unit=(1, 2)),
        "What each unit sees, and with which weights",
        {"units", "dense", "local", "shared"},
        lambda made, run: (made.result["shared"]["connections"], 4 * 4 * 2 * 3),
    ),
    "ladder": (
        lambda run: pictures.ladder(),
        "What each idea buys",
        None,
        lambda made, run: (made.result["rungs"][-1]["flops_per_second"], measured()),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_picture_has_its_title_and_its_numbers(tiny, name):
    make, title, names, number = CASES[name]
    made = make(tiny)
    assert made.title == title
    assert set(made.numbers) == {"parameters", "inputs", "weights", "result"}
    assert names is None or set(made.result) == names
    got, expected = number(made, tiny)
    assert got == (expected if isinstance(expected, list) else pytest.approx(expected, rel=1e-4))
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_the_same_picture_from_a_run_and_from_its_folder(tiny):
    assert pictures.curves(tiny).content(".svg") == pictures.curves(tiny.folder).content(".svg")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: pictures.image("flower", pixels=(2, 2)), SpecError, "pixels: expected together"),
        (lambda: pictures.image(np.zeros((2, 3, 3), np.uint8)), DataError, "1 or 3, rows"),
        (lambda: pictures.parameters(kernel=33), SpecError, "kernel: expected at most 32 x 32"),
        (
            lambda: pictures.connections(9, kernel=(3, 3), dimensions=1),
            ShapeError,
            "kernel: expected one number in one dimension",
        ),
        (lambda: pictures.padding_modes(30), ShapeError, "expected at most 30 × 30"),
        (lambda: pictures.curves("nosuch"), RunError, "nosuch"),
        (lambda: pictures.ladder(__file__), RunError, "expected what convlab bench ladder"),
    ],
)
def test_what_does_not_fit_is_one_line(make, error, message):
    with pytest.raises(error, match=message):
        make()
