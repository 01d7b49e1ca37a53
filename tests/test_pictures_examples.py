"""Worked examples from Python: what each picture is called, and its numbers by other means."""

import re

import numpy as np
import pytest

from convlab import data, insight, lessons, pictures, tasks
from convlab.errors import ShapeError, SpecError

NUMBERS = np.arange(35.0).reshape(5, 7)
EDGE = np.array([[1.0, 0.0], [0.0, -1.0]])


def arithmetic():
    return pictures.arithmetic(values=NUMBERS, kernel_values=EDGE, stride=(2, 1), bias=1)


def explained():
    return pictures.explain_example(lessons.convolution(NUMBERS[None], EDGE[None, None]), (0, 3, 2))


def pooled():
    return pictures.pooling("average", input=(5, 7), values=NUMBERS, kernel=3, stride=2)


def applied():
    return pictures.apply(np.uint8(NUMBERS)[None], "1 0; 0 -1", padding="valid")


def conventions():
    return pictures.compare_conventions(input=7, kernel=1, stride=1)


SLOPE = NUMBERS[:-1, :-1] - NUMBERS[1:, 1:]
MEANS = np.lib.stride_tricks.sliding_window_view(NUMBERS, (3, 3))[::2, ::2].mean((2, 3))
PICTURES = {
    arithmetic: (
        "Convolution",
        {"output", "channel_sums", "size", "relations", "at", "values"},
        lambda made: (made.result["output"], SLOPE[None, ::2] + 1),
    ),
    explained: (
        "Convolution",
        {"output", "patch", "taps", "channel_sums", "value"},
        lambda made: (made.result["value"], SLOPE[3, 2]),
    ),
    pooled: (
        "Average pooling",
        {"output", "winners", "divisor", "size", "at", "values"},
        lambda made: (made.result["output"], MEANS[None]),
    ),
    applied: (
        "Own kernel",
        {"output", "output size", "values"},
        lambda made: (made.result["output"], SLOPE),
    ),
    conventions: (
        "Where conventions part",
        {
            "convolution: padding",
            "convolution: kernel",
            "max pooling: size",
            "max pooling: padding",
        },
        lambda made: (
            made.result["convolution: padding"]["PyTorch"]["values"],
            made.inputs["input"] * made.weights["kernel"],
        ),
    ),
}


@pytest.mark.parametrize("make", PICTURES, ids=lambda make: make.__name__)
def test_a_picture_from_python(make):
    title, keys, compared = PICTURES[make]
    made = make()
    assert made.title.startswith(title) and made.alt.startswith(title)
    assert made.numbers["result"].keys() == keys
    np.testing.assert_allclose(*compared(made), rtol=1e-6)
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


@pytest.mark.parametrize("form", ["patches", "toeplitz"])
@pytest.mark.parametrize(
    "setting", [{}, {"stride": (2, 1), "padding": 1, "input": (5, 4), "kernel": (3, 2)}]
)
def test_a_convolution_as_a_matrix(form, setting):
    made = pictures.im2col(form=form, **setting)
    matrix, vector = made.result["matrix"], made.result["vector"]
    np.testing.assert_array_equal(matrix @ vector, made.result["output"].reshape(-1, 1))
    (top, left), (rows, columns) = made.parameters["padding"][::2], made.weights["kernel"].shape[2:]
    x = np.pad(made.inputs["input"][0], ((top, top), (left, left)))
    down, across = made.parameters["stride"]
    patches = np.lib.stride_tricks.sliding_window_view(x, (rows, columns))[::down, ::across]
    if form == "patches":
        np.testing.assert_array_equal(matrix, patches.reshape(-1, rows * columns))
    else:  # the output is the same for any other image
        other = np.random.default_rng(1).integers(-9, 10, x.shape).astype(float)
        windows = np.lib.stride_tricks.sliding_window_view(other, (rows, columns))
        wanted = (windows[::down, ::across] * made.weights["kernel"][0, 0]).sum((2, 3))
        np.testing.assert_array_equal(matrix @ other.ravel(), wanted.ravel())
    steps = len(list(made.frames(theme="light", size="small")))
    assert steps == made.result["output"].size
    with pytest.raises(SpecError, match="im2col: expected a matrix of at most 1,200 numbers to be"):
        pictures.im2col(input=20)


def test_all_steps_move_and_are_pages(tmp_path):
    made = pictures.arithmetic(input=(3, 4), kernel=3, step="all")
    assert made._repr_mimebundle_()["image/gif"].startswith(b"GIF89a")
    made.save(tmp_path / "pages.pdf")
    pages = re.findall(rb"/Type /Page\b", (tmp_path / "pages.pdf").read_bytes())
    assert len(pages) == 2
    with pytest.raises(SpecError, match=r"expected a file ending in .*\.mp4 or \.webm, got '.gif'"):
        pictures.pooling(step=0).save(tmp_path / "one.gif")


def test_examples_that_cannot_be():
    with pytest.raises(SpecError, match="pooling: expected adaptive alone"):
        pictures.pooling(adaptive=2, stride=2)
    with pytest.raises(SpecError, match="layout: expected one of row, isometric, got 'column'"):
        pictures.pooling(layout="column")
    with pytest.raises(ShapeError, match="values: expected rows for 2 channels below each other"):
        pictures.arithmetic(values=NUMBERS, channels=2)
    with pytest.raises(ShapeError, match="kernel values: expected rows of numbers"):
        pictures.arithmetic(kernel_values=np.zeros((1, 1, 2, 2)))


# --- tasks --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tiny):
    return tiny


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    """The folder of a segmenter after one step."""
    folder = tmp_path_factory.mktemp("pictures") / "segmenter"
    folder.mkdir()
    digits, _ = data.load("digits")
    made = tasks.new_segmenter(tasks.SegmentationSettings(steps=1, batch_size=2), digits)
    tasks.save_segmenter(folder, made, list(tasks.train_segmenter(made, digits)))
    return folder


def test_digits_found_in_a_scene(run):
    made = pictures.detect(run, "scene:3", scales=[1.0], threshold=0.2)
    assert made.title == "Detection in scene:3"
    assert {"boxes", "classes", "right", "true boxes", "truth"} <= made.result.keys()
    shown = data.scene(data.load("digits")[1], 3)
    assert made.result["truth"] == [str(label) for label in shown.labels]
    # What each box says is what the network answers for a window of its own.
    network = insight.fully_convolutional(run.network)
    level = insight.scan(network, shown.image[None], run.scaling, 1.0)[0]
    tops = level.probabilities.max(axis=(1, 2))
    for label, chance in zip(made.result["classes"], made.result["probabilities"], strict=True):
        assert 0.2 <= chance <= tops[int(label)] + 1e-6
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_pixels_of_a_scene(segmenter):
    made = pictures.segment(segmenter, "scene:2")
    assert made.title == "Segmentation of scene:2"
    assert {"answer", "truth", "pixel accuracy", "intersection over union"} == made.result.keys()
    right = made.result["answer"] == made.result["truth"]
    assert made.result["pixel accuracy"] == pytest.approx(right.mean())
    assert made.facts["pixels"] == f"{100 * right.mean():.2f} % right"
    assert made._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")


def test_the_content_of_one_in_the_style_of_another():
    steps = []
    made = pictures.stylize("china", "flower", pixels=96, steps=2, every=2, watch=steps.append)
    assert made.title == "china in the style of flower"
    assert {"picture", "loss", "content", "style"} == made.result.keys()
    assert made.result["loss"] == [
        pytest.approx(0.05 * step.content + step.style, rel=1e-5) for step in steps
    ]
    assert made.result["picture"].shape == made.inputs["content"].shape == (3, 64, 96)
    assert made._repr_mimebundle_()["image/gif"].startswith(b"GIF89a")
