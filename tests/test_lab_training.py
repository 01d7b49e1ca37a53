"""Training inside the page: its step is the engine's, and it learns from what the file holds."""

import base64
import json
import struct

import numpy as np
import pytest

pytest.importorskip("selenium", reason="the page is tested with Selenium")

from convlab import Tensor, data, functional, lab, models, optim, random, training
from convlab.data import Dataset, Scaling
from convlab.training import Run, Settings

# Every kind of layer that learns in a page: padding, stride, groups, both poolings, branches.
MIXED = """
input = "12x10x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=4, kernel_size=3, padding=1},
    {type="Tanh", name="tanh1"},
    {type="AvgPool2d", name="pool1", kernel_size=2},
    {type="Conv2d", name="conv2", out_channels=4, kernel_size=3, padding=1, groups=2},
    {type="LeakyReLU", name="leaky"},
    {type="Add", name="sum", inputs=["pool1", "leaky"]},
    {type="Conv2d", name="conv3", out_channels=6, kernel_size=[2, 3], stride=2, bias=false},
    {type="MaxPool2d", name="pool2", kernel_size=2, stride=1},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc1", out_features=7},
    {type="Sigmoid", name="sigmoid1"},
    {type="Linear", name="fc2", out_features="classes"},
]
"""
STEPS = """
const { network, learn, Network } = convlabLab;
const floats = (text) => new Float32Array(
    Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
const inputs = floats(arguments[0]);
const [labels, size, settings] = [arguments[1], arguments[2], arguments[3]];
const pixels = inputs.length / labels.length;
const learner = new Network(network.description, network.weights.slice());
const velocities = learner.layers.map(({ values }) => Object.fromEntries(
    Object.entries(values).map(([name, list]) => [name, new Float64Array(list.length)])));
const losses = [];
for (let at = 0; at < labels.length; at += size) {
    const batch = labels.slice(at, at + size).map((label, i) => (
        { label, input: inputs.subarray((at + i) * pixels, (at + i + 1) * pixels) }));
    losses.push(learn(learner, batch, settings, velocities).loss);
}
const bytes = new Uint8Array(learner.weights.buffer);
let text = "";
for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
return [losses, btoa(text)];
"""


def run_of(spec, images, classes):
    """A run of a network with random weights that was never trained."""
    random.manual_seed(5)
    network = models.build(spec, classes=classes)
    scaling = Scaling((0.0078,), (-1.0,))
    names = tuple(str(number) for number in range(classes))
    shape = images.shape[1:]
    return Run("run", Settings(data="digits"), network.eval(), names, shape, True, scaling, 1)


@pytest.mark.parametrize(("spec", "momentum"), [("lenet5", 0.9), ("mixed", 0.0)])
def test_ten_steps_of_the_page_are_ten_steps_of_the_engine(browser, tmp_path, spec, momentum):
    mixed = spec == "mixed"
    shape, classes = ((1, 12, 10), 3) if mixed else ((1, 28, 28), 10)
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (80, *shape)).astype(np.uint8)
    labels = rng.integers(0, classes, 80)
    run = run_of(models.Spec(MIXED, spec, "mixed.toml") if mixed else spec, images, classes)
    test = Dataset("digits", "test", images, labels, run.classes)
    path = tmp_path / "lab.html"
    laboratory = lab.describe(run, test, train=test)
    path.write_text(lab.render(laboratory), encoding="utf-8")
    inputs = np.stack([run.network_input(image) for image in images])
    rate = 0.05
    before = laboratory.weights.copy()
    network = run.network.train()
    optimiser = optim.SGD(network.parameters(), rate, momentum=momentum)
    expected = []
    for start in range(0, 80, 8):
        part = slice(start, start + 8)
        loss = functional.cross_entropy(network(Tensor(inputs[part])), labels[part])
        expected.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    browser.get(path.as_uri())
    packed = base64.b64encode(inputs.astype("<f4")).decode()
    settings = {"rate": rate, "momentum": momentum}
    losses, weights = browser.execute_script(STEPS, packed, labels.tolist(), 8, settings)
    assert losses == pytest.approx(expected, abs=1e-4)
    got = np.frombuffer(base64.b64decode(weights), "<f4")
    state = network.state_dict()
    moved = 0.0
    for layer in laboratory.description["layers"]:
        for kind, (offset, length, shape_) in layer["weights"].items():
            wanted = state[f"{layer['name']}.{kind}"]
            part = got[offset : offset + length].reshape(shape_)
            assert np.abs(part - wanted).max() < 1e-4, (layer["name"], kind)
            moved = max(moved, np.abs(wanted.ravel() - before[offset : offset + length]).max())
    assert moved > 5e-3  # the weights are others than those of the file


def weights_in(path, name):
    """A tensor of float32 of a file of safetensors: a header of JSON, then the numbers."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    begin, end = json.loads(content[8 : 8 + length])[name]["data_offsets"]
    return np.frombuffer(content[8 + length + begin : 8 + length + end], "<f4")


def test_the_epochs_of_a_run_are_played(browser, tmp_path, tiny):
    _, test = data.load("digits")
    laboratory = lab.describe(tiny, test)
    kept = laboratory.description["epochs"]
    last = weights_in(tiny.folder / "snapshots" / "epoch-0001.safetensors", "conv1.weight")
    filters = np.frombuffer(base64.b64decode(kept["weights"]), np.int8).reshape(2, 150)
    assert kept["numbers"] == [0, 1]
    # Within half of one of 127 steps, less than a step of the colours.
    assert np.abs(filters[1] * kept["reach"] / 127 - last).max() <= kept["reach"] / 253
    assert np.abs(filters).max() == 127

    page = tmp_path / "page.html"
    page.write_text(lab.render(laboratory), encoding="utf-8")
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#training")
    told, pixels = browser.execute_script("""
        const slider = document.getElementById("epoch");
        const see = (at) => {
            slider.value = at;
            slider.dispatchEvent(new Event("input"));
            return [document.querySelector(".epochs p").textContent, Array.from(
                document.querySelectorAll(".epochs canvas"), (canvas) => canvas.toDataURL())];
        };
        const seen = [0, 1].map(see);
        return [seen.map(([text]) => text), seen.map(([, urls]) => urls)];
    """)
    accuracy = 100 * accuracies_of(tiny)[-1]
    assert told[0] == "before training: as they were drawn"
    assert told[1].startswith(f"after epoch 1 of 1: validation accuracy {accuracy:.1f} %, loss ")
    assert [len(urls) for urls in pixels] == [6, 6]
    assert all(one != other for one, other in zip(*pixels, strict=True))


def accuracies_of(run):
    """The accuracies of validation in the run's table."""
    head, *rows = (run.folder / "history.csv").read_text().splitlines()
    column = head.split(",").index("validation_accuracy")
    return [float(row.split(",")[column]) for row in rows]


def test_a_run_without_snapshots_has_no_epochs_to_play(lab_run):
    run = training.load(lab_run)
    assert lab.describe(run, data.load("digits")[1]).description["epochs"] is None
