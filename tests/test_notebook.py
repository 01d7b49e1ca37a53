"""Every picture in a real notebook, and what else shows itself there."""

import base64
import io
import re

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from convlab import data, pictures, tasks

# One line for each picture: what a user types in a cell.  In braces: folders of what was trained.
CELLS = {
    "activations": "pictures.activations()",
    "all_reduce": "pictures.all_reduce(3)",
    "any_size": "pictures.any_size({run}, 'test:7')",
    "apply": "pictures.apply('china', 'sobel')",
    "architecture": "pictures.architecture('lenet5')",
    "arithmetic": "pictures.arithmetic(input=(5, 7), kernel=3, stride=2)",
    "augment": "pictures.augment('digits:3')",
    "backward": "pictures.backward(kind='average', input=4)",
    "channel_sum": "pictures.channel_sum({run}, 'test:3')",
    "colours": "pictures.colours('flower')",
    "compare_conventions": "pictures.compare_conventions(6, 3, 2)",
    "confusion": "pictures.confusion({run})",
    "connection_table": "pictures.connection_table()",
    "connections": "pictures.connections()",
    "convolution_1d": "pictures.convolution_1d([1, 2], [3, 1])",
    "costs": "pictures.costs()",
    "curves": "pictures.curves({run})",
    "descent": "pictures.descent()",
    "detect": "pictures.detect({run}, 'scene:3', scales=[1.0], threshold=0.2)",
    "dropout": "pictures.dropout({run}, 'test:3', masks=5)",
    "effective_receptive_field": "pictures.effective_receptive_field('lenet5', images=2)",
    "embedding": "pictures.embedding({run}, images=40)",
    "equivariance": "pictures.equivariance({run}, (0, 1), images=2)",
    "explain_example": "pictures.explain_example(convlab.lessons.convolution(IMAGE, KERNEL))",
    "explanation": "pictures.explanation({run}, 'test:3')",
    "features": "pictures.features({run}, 'test:3')",
    "field_growth": "pictures.field_growth('lenet5', 'vgg16')",
    "filters": "pictures.filters({run}, before=True)",
    "filters_by_epoch": "pictures.filters_by_epoch({run})",
    "flatten": "pictures.flatten()",
    "grad_cam": "pictures.grad_cam({run}, 'test:3')",
    "groups": "pictures.groups()",
    "hierarchy": "pictures.hierarchy({run}, 'test:3', images=20, steps=2)",
    "im2col": "pictures.im2col()",
    "image": "pictures.image()",
    "invariance": "pictures.invariance({run}, shifts=(0, 1))",
    "ladder": "pictures.ladder()",
    "maximise": "pictures.maximise({run}, 'fc3', (0, 1), images=20, steps=4)",
    "mistakes": "pictures.mistakes({run})",
    "neighbours": "pictures.neighbours(images=20)",
    "occlusion": "pictures.occlusion({run}, 'test:3', patch=7, stride=7)",
    "padding_modes": "pictures.padding_modes()",
    "parameters": "pictures.parameters()",
    "photo_window": "pictures.photo_window('china', 'sobel-x')",
    "pooled": "pictures.pooled('china', 'max:8')",
    "pooling": "pictures.pooling()",
    "receptive_field": "pictures.receptive_field('lenet5')",
    "receptive_field_chain": "pictures.receptive_field_chain('lenet5')",
    "receptive_field_pyramid": "pictures.receptive_field_pyramid('lenet5')",
    "roc": "pictures.roc({run}, '8')",
    "saliency": "pictures.saliency({run}, 'test:3')",
    "segment": "pictures.segment({segmenter}, 'scene:2')",
    "stamping": "pictures.stamping()",
    "stylize": "pictures.stylize('china', 'flower', pixels=96, steps=2, every=2)",
    "top_patches": "pictures.top_patches({run}, images=20)",
    "two_ways": "pictures.two_ways({run}, 'test:3')",
    "usage": "pictures.usage()",
    "weights": "pictures.weights({run})",
}


FIRST = """
import convlab, numpy
from convlab import pictures
IMAGE, KERNEL = numpy.arange(25.0).reshape(1, 5, 5), numpy.ones((1, 1, 3, 3))
"""


@pytest.fixture(scope="module")
def run(tiny):
    return tiny.folder


def outputs(folder, cells):
    """What a kernel of Jupyter shows for each cell, by the kind of content."""
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    return [
        {
            kind: content
            for output in cell.outputs
            for kind, content in output.get("data", {}).items()
        }
        for cell in notebook.cells
    ]


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    digits, _ = data.load("digits")
    made = tasks.new_segmenter(tasks.SegmentationSettings(steps=1, batch_size=2), digits)
    tasks.save_segmenter(folder, made, list(tasks.train_segmenter(made, digits)))
    return folder


def test_every_picture_shows_itself(run, segmenter, tmp_path):
    assert {*CELLS, "Picture"} == {*pictures.__all__}
    folders = {"run": repr(str(run)), "segmenter": repr(str(segmenter))}
    cells = [line.format(**folders) for line in CELLS.values()]
    _, *shown = outputs(tmp_path, [FIRST, *cells])
    for name, content in zip(CELLS, shown, strict=True):
        kind = "image/gif" if "image/gif" in content else "image/png"
        with Image.open(io.BytesIO(base64.b64decode(content[kind]))) as picture:
            assert picture.width == 800, name
        assert content["text/plain"].startswith("Picture("), name


def test_training_and_what_it_gives(tmp_path):
    cells = [
        "import convlab\nrun = convlab.train(epochs=1, limit=20, progress=False)\nrun",
        "run.predict('test:3')[0]",
        "round(run.evaluate().accuracy, 2)",
        "run.evaluate()",
        "run.network",
        "run.summary()",
        "convlab.load('runs/lenet5-digits').network.conv1.weight",
        "convlab.page(run)",
        "convlab.randn(0, 3)",
    ]
    run, answer, accuracy, evaluation, network, summary, weight, page, empty = outputs(
        tmp_path, cells
    )
    assert "validation accuracy" in run["text/html"] and "<svg" in run["text/html"]
    assert len(eval(answer["text/plain"])) == 10
    assert re.fullmatch(
        r"Evaluation\(accuracy \d+\.\d\d %, loss \d+\.\d{4}, \d+ images\)",
        evaluation["text/plain"],
    )
    assert evaluation["text/html"].count("<tr>") == 12  # the head, all, and ten classes
    assert 0 <= float(accuracy["text/plain"]) <= 1
    for table in (network, summary):
        assert table["text/html"].count("<tr>") == 15 and "61,706" in table["text/html"]
    assert "6 × 1 × 5 × 5, float32" in weight["text/html"]
    assert page["text/html"].startswith("<iframe srcdoc=") and page["text/plain"].startswith(
        "Page("
    )
    assert empty["text/html"] == "0 × 3, float32, empty"
    assert (tmp_path / "runs" / "lenet5-digits" / "curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        (
            "pictures.filters('nowhere')",
            "RunError: nowhere: expected the folder of a run with a config.json, there is none",
        ),
        (
            "pictures.activations(['nothing'])",
            "SpecError: expected one of relu, sigmoid, tanh, scaled-tanh, got 'nothing'",
        ),
        (
            "pictures.confusion(3)",
            "DTypeError: confusion: expected run to be a run or its folder, got 3",
        ),
    ],
)
def test_an_error_is_one_line(cell, line, tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, [FIRST, cell])])
    setting = {"resources": {"metadata": {"path": tmp_path}}, "allow_errors": True}
    NotebookClient(notebook, timeout=300, **setting).execute()
    assert notebook.cells[1].outputs[0].traceback == [line]
