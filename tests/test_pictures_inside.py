"""Pictures from Python: what layers make of an image, what they like, and what a shift changes."""

import numpy as np
import pytest

from convlab import Tensor, data, insight, pictures
from convlab.errors import ShapeError, SpecError


@pytest.fixture(scope="module")
def run(tiny):
    return tiny


@pytest.fixture(scope="module")
def test_set():
    return data.load("digits")[1]


def chances_of(run, pixels):
    """The network's probabilities by NumPy's own softmax."""
    x = run.network_input(pixels)
    logits = run.network(Tensor(x[None])).numpy()[0].astype(np.float64)
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def drawn(test_set):
    """What a title calls test:3."""
    return f"a handwritten {test_set.classes[test_set.labels[3]]}"


def of_features(run, test_set):
    made = pictures.features(run, "test:3")
    found = [made.result["probabilities"][name] for name in run.classes]
    return made, f"The journey of {drawn(test_set)}", found, chances_of(run, test_set.images[3])


def of_one_layer(run, test_set):
    made = pictures.features(run, test_set.images[3], "relu1", dead=True, images=20)
    maps = insight.trace(run.network, made.inputs["network input"], "conv1")[0].array
    return made, "What relu1 makes of an image", made.result["relu1"], np.maximum(maps, 0)


def of_saliency(run, test_set):
    made = pictures.saliency(run.folder, "test:3", target="7", sanity=False)
    found = insight.gradients(run.network, made.inputs["network input"][None], 7)[0, 0]
    title = f"Saliency of {drawn(test_set)} for class 7: gradient"
    return made, title, made.result["trained"]["map"], np.abs(found)


def of_occlusion(run, test_set):
    made = pictures.occlusion(run, "test:3", target="7", patch=28)
    before = chances_of(run, test_set.images[3])[7]
    after = chances_of(run, np.zeros_like(test_set.images[3]))[7]
    title = f"Occlusion of {drawn(test_set)} for class 7"
    return made, title, made.result["trained"]["drops"], before - after


def of_grad_cam(run, test_set):
    made = pictures.grad_cam(run, "test:3", "relu2", target="7")
    maps = insight.trace(run.network, made.inputs["network input"], "relu2")[0].array
    kept = made.result["trained"]
    weighted = np.maximum(np.einsum("c,chw->hw", kept["map weights"], maps), 0)
    title = f"Grad-CAM of {drawn(test_set)} for class 7: relu2"
    return made, title, kept["coarse"], weighted


def of_maximise(run, test_set):
    made = pictures.maximise(run, "conv1", [2], images=20, steps=2)
    weight, bias = (run.network.state_dict()[f"conv1.{name}"][2] for name in ("weight", "bias"))
    x = np.pad(run.network_input(made.result["images"][0]), ((0, 0), (2, 2), (2, 2)))
    row, column = made.result["unit"]
    answer = (x[:, row : row + 5, column : column + 5] * weight).sum() + bias
    return made, "Activation maximisation of conv1", made.result["activations"], [answer]


def of_two_ways(run, test_set):
    made = pictures.two_ways(run, "test:3", "conv1", shift=(0, 1), number=0)
    moved = run.network_input(np.roll(test_set.images[3], 1, 2))
    expected = insight.trace(run.network, moved, "conv1")[0].array
    return made, "conv1: shift before or after", made.result["shift, then layer"], expected


def of_equivariance(run, test_set):
    made = pictures.equivariance(run, [0, 2], layers=["relu1"], images=3)
    x = made.inputs["images"]
    maps, after = (
        [insight.trace(run.network, i, "relu1")[0].array for i in images]
        for images in (x, np.roll(x, 2, 3))
    )
    errors = [
        np.linalg.norm(one - np.roll(other, 2, 2)) / np.linalg.norm(other)
        for one, other in zip(after, maps, strict=True)
    ]
    found = made.result["relu1"]["errors"]
    return made, "Equivariance of lenet5 to shifts", found, [0, np.mean(errors)]


def of_invariance(run, test_set):
    made = pictures.invariance(run, shifts=[1], direction="right", border="circular")
    x = np.stack([run.network_input(image) for image in np.roll(test_set.images, 1, 3)])
    right = run.network(Tensor(x)).numpy().argmax(axis=1) == test_set.labels
    return made, "What a shift of the image costs", made.result["tiny"]["accuracy"], [right.mean()]


@pytest.mark.parametrize(
    "make",
    [
        of_features,
        of_one_layer,
        of_saliency,
        of_occlusion,
        of_grad_cam,
        of_maximise,
        of_two_ways,
        of_equivariance,
        of_invariance,
    ],
)
def test_a_picture_and_its_numbers(make, run, test_set):
    made, title, found, expected = make(run, test_set)
    assert made.title == title and made.alt.startswith(title)
    assert set(made.numbers) == {"parameters", "inputs", "weights", "result"}
    assert run.folder in (made.parameters.get("run"), *made.parameters.get("runs", ()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_a_run_stays_where_it_is(run, monkeypatch):
    monkeypatch.setattr(run.network, "to", None)
    assert pictures.features(run, "test:3").parameters["run"] == run.folder


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda run: pictures.features(run, "test:0", scale="map"),
            SpecError,
            "scale: expected a layer with scale map",
        ),
        (
            lambda run: pictures.saliency(run, "test:0", "occlusion"),
            SpecError,
            "method: expected one of gradient, .*, got 'occlusion'",
        ),
        (
            lambda run: pictures.saliency(run, "test:0", steps=3),
            SpecError,
            "steps: the method gradient has no such setting",
        ),
        (
            lambda run: pictures.saliency(run, "test:0", target="x"),
            SpecError,
            "target: expected predicted or one of .*, got 'x'",
        ),
        (
            lambda run: pictures.occlusion(run, "test:0", value=256),
            SpecError,
            "value: expected at most 255, got 256",
        ),
        (
            lambda run: pictures.occlusion(run, "test:0", patch=(4, 29)),
            ShapeError,
            "patch: expected 1 × 1 to 28 × 28 pixels, got 4 × 29",
        ),
        (
            lambda run: pictures.invariance(run, [run] * 4),
            SpecError,
            "against: expected at most three runs, got 4",
        ),
    ],
)
def test_what_pictures_refuse(call, error, message, run):
    with pytest.raises(error, match=message):
        call(run)
