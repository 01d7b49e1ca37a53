"""The page of a network: it computes what the engine computes, and lets nothing in or out."""

import base64
import hashlib
import itertools
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from convlab import Tensor, data, lab, models, nn, no_grad, random
from convlab.data import Dataset, Scaling
from convlab.errors import DataError, SpecError
from convlab.insight import BranchSum, explain, unit_field
from convlab.lab import page as lab_page_module
from convlab.models.bitmaps import digits_7x12
from convlab.training import Run, Settings

STRIDED = """
input = "48x44x3"

[[layer]]
type = "Conv2d"
name = "conv1"
out_channels = 8
kernel_size = [5, 3]
stride = [2, 1]
padding = [2, 1, 0, 3]
padding_mode = "reflect"

[[layer]]
type = "Tanh"

[[layer]]
type = "AvgPool2d"
name = "pool1"
kernel_size = 3
stride = 2
padding = 1

[[layer]]
type = "Conv2d"
name = "conv2"
out_channels = 12
kernel_size = 3
padding = 2
dilation = 2
groups = 4
bias = false

[[layer]]
type = "ReLU"

[[layer]]
type = "Dropout"

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"
"""
# What the others leave out: every other kind of layer, and windows that hang over the maps.
REST = """
input = "11x9x1"

[[layer]]
type = "Conv2d"
name = "circular"
out_channels = 4
kernel_size = [2, 3]
padding = [0, 1, 2, 1]
padding_mode = "circular"

[[layer]]
type = "Sigmoid"

[[layer]]
type = "ConvTranspose2d"
name = "up"
out_channels = 6
kernel_size = [3, 2]
stride = [2, 3]
padding = [1, 0]
output_padding = [1, 0]
groups = 2

[[layer]]
type = "MaxPool2d"
name = "dilated"
kernel_size = [3, 2]
stride = [2, 3]
padding = 1
dilation = [2, 1]
ceil_mode = true

[[layer]]
type = "Softmax"
name = "shares"
dim = 1

[[layer]]
type = "Conv2d"
name = "replicate"
out_channels = 5
kernel_size = 3
padding = "same"
padding_mode = "replicate"

[[layer]]
type = "AvgPool2d"
name = "uncounted"
kernel_size = 3
stride = 2
padding = 1
ceil_mode = true
count_include_pad = false

[[layer]]
type = "AdaptiveMaxPool2d"
name = "largest"
output_size = [4, 3]

[[layer]]
type = "AdaptiveAvgPool2d"
name = "means"
output_size = [3, 2]

[[layer]]
type = "Flatten"

[[layer]]
type = "Linear"
name = "fc"
out_features = "classes"

[[layer]]
type = "Softmax"
"""
# A block with a shortcut, as in He, Zhang, Ren & Sun 2016.
RESIDUAL = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=6, kernel_size=3, padding=1},
    {type="ReLU", name="relu1"},
    {type="MaxPool2d", name="pool1", kernel_size=2},
    {type="Conv2d", name="conv2", out_channels=6, kernel_size=3, padding=1},
    {type="ReLU", name="relu2"},
    {type="Conv2d", name="conv3", out_channels=6, kernel_size=3, padding=1},
    {type="Add", name="sum", inputs=["pool1", "conv3"]},
    {type="ReLU", name="relu3"},
    {type="MaxPool2d", name="pool2", kernel_size=2},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc", out_features="classes"},
]
"""
# Windows of several sizes side by side, as in Szegedy et al. 2015.
INCEPTION = """
input = "28x28x1"
layer = [
    {type="Conv2d", name="conv1", out_channels=4, kernel_size=5, padding=2},
    {type="MaxPool2d", name="pool1", kernel_size=2},
    {type="Conv2d", name="one", out_channels=3, kernel_size=1},
    {type="ReLU", name="relu_one"},
    {type="Conv2d", name="three", inputs=["pool1"], out_channels=5, kernel_size=3, padding=1},
    {type="ReLU", name="relu_three"},
    {type="MaxPool2d", name="same", inputs=["pool1"], kernel_size=3, stride=1, padding=1},
    {type="Concat", name="mixed", inputs=["relu_one", "relu_three", "same"]},
    {type="Conv2d", name="conv2", out_channels=4, kernel_size=3, stride=2},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc", out_features="classes"},
]
"""
# Joins of vectors, of one layer twice, of the image itself, and of maps whose effective strides
# differ; layers that read none of their neighbours.
MINGLED = """
input = "12x10x2"
layer = [
    {type="Conv2d", name="first", out_channels=3, kernel_size=3, padding=1},
    {type="Add", name="twice", inputs=["first", "first"]},
    {type="Concat", name="around", inputs=["input", "twice", "first"]},
    {type="MaxPool2d", name="halved", kernel_size=2},
    {type="Conv2d", name="large", inputs=["around"], out_channels=8, kernel_size=[7, 6]},
    {type="ReLU", name="early", inputs=["halved"]},
    {type="Add", name="uneven", inputs=["early", "large"]},
    {type="Tanh", name="tanh1"},
    {type="Conv2d", name="behind", out_channels=8, kernel_size=3, padding=1},
    {type="Add", name="again", inputs=["behind", "early"]},
    {type="Conv2d", name="last", out_channels=4, kernel_size=1},
    {type="Flatten", name="flat"},
    {type="Linear", name="left", out_features=6},
    {type="Dropout", name="kept", inputs=["flat"]},
    {type="Linear", name="right", out_features=6},
    {type="Add", name="vectors", inputs=["left", "right"]},
    {type="Sigmoid", name="sigmoid1"},
    {type="Concat", name="row", inputs=["sigmoid1", "left", "flat"]},
    {type="Linear", name="fc", out_features="classes"},
]
"""
# What comes of other frameworks: depthwise, gates, and numbers that depend on many others.
NORMED = """
input = "16x12x3"
layer = [
    {type="Conv2d", name="conv1", out_channels=8, kernel_size=3, padding=1, bias=false},
    {type="BatchNorm2d", name="batch"},
    {type="ReLU6", name="six"},
    {type="Conv2d", name="depthwise", out_channels=8, kernel_size=3, padding=1, groups=8},
    {type="GroupNorm", name="group", num_groups=4},
    {type="AdaptiveAvgPool2d", name="squeeze", output_size=1},
    {type="Conv2d", name="excite", out_channels=8, kernel_size=1},
    {type="Sigmoid", name="gate"},
    {type="Mul", name="gated", inputs=["group", "gate"]},
    {type="LocalResponseNorm", name="respond", size=3, alpha=0.5, beta=0.6, k=1.5},
    {type="Upsample", name="larger", scale_factor=2, mode="bilinear"},
    {type="Upsample", name="odd", size=[21, 17], mode="bilinear", align_corners=true},
    {type="Conv2d", name="conv2", out_channels=4, kernel_size=5, stride=2},
    {type="Mul", name="squared", inputs=["conv2", "conv2"]},
    {type="LayerNorm", name="layer", normalized_shape=[4, 9, 7]},
    {type="Hardswish", name="swish"},
    {type="Flatten", name="flat"},
    {type="Linear", name="fc1", out_features=12},
    {type="LayerNorm", name="row", normalized_shape=12},
    {type="Linear", name="fc2", out_features="classes"},
]
"""
HOSTILE = """</script></title><script>window.hacked = 1</script> & "two" 'quotes' {{ 7 * 7 }}"""
ATTRIBUTE = '"><img src="x" onerror="window.hacked = 2">\u2028\\'


def run_of(spec, images, classes, dark=True, data_name="drawings", seed=1):
    """A run of a network with random weights, biases among them, that was never trained."""
    rng = np.random.default_rng(seed)
    random.manual_seed(seed)
    built = models.build(spec, classes=len(classes))
    for parameter in built.parameters():
        values = rng.standard_normal(parameter.shape).astype(np.float32)
        parameter.data = parameter.data + 0.2 * values * (parameter.data.ndim == 1)
    channels = images.shape[1]
    if built.pixels:
        scaling = Scaling.between(*built.pixels, channels=channels)
    else:
        scaling = Scaling((0.0155, 0.0158, 0.0161)[:channels], (-1.97, -1.85, -1.64)[:channels])
    return Run(
        Path("run"),
        Settings(data=data_name),
        built.eval(),
        tuple(classes),
        images.shape[1:],
        dark,
        scaling,
        1,
    )


def drawings():
    """Real handwritten digits of 28 x 28 pixels: MNIST's where they are, else the built-in ones."""
    folder = os.environ.get("CONVLAB_DATA_DIR")
    there = folder and (Path(folder) / "mnist").is_dir()
    _, test = data.load("mnist", data_dir=folder) if there else data.load("digits")
    return test.subset(np.arange(200))


def noise(shape, classes, count=200):
    """Smooth random pictures, as bytes."""
    rng = np.random.default_rng(7)
    pictures = rng.uniform(0, 255, (count, *shape)).astype(np.uint8)
    names = tuple(str(k) for k in range(classes))
    return Dataset("noise", "test", pictures, np.arange(count) % classes, names)


class Subject:
    """A network, what the engine makes of images, and its page in the browser."""

    def __init__(self, run, test, folder, browser):
        self.run, self.test, self.network, self.browser = run, test, run.network, browser
        self.laboratory = lab.describe(run, test)
        path = folder / f"{run.network.name}.html"
        path.write_text(lab.render(self.laboratory), encoding="utf-8")
        self.url = path.as_uri()
        self.inputs = np.stack([run.network_input(image) for image in test.images])
        with no_grad():
            steps = list(self.network.steps(Tensor(self.inputs)))
            self.names = [name for name, _, _ in steps]
            self.outputs = [value.numpy() for _, _, value in steps]
            self.outputs.append(self.network.probabilities(self.outputs[-1]))
        self.modules = [layer for _, layer, _ in steps]
        numbers = {name: number for number, name in enumerate(["input", *self.names], -1)}
        reads = self.network.sources()
        self.sources = [[numbers[source] for source in reads[name]] for name in self.names]
        self.sources.append([len(self.names) - 1])  # of the probabilities
        self.branched = isinstance(self.network, models.GraphNetwork)

    def output(self, layer, image=0):
        """What the engine makes of an image; -1: the image itself."""
        return (self.inputs if layer < 0 else self.outputs[layer])[image]

    def open(self):
        if self.browser.current_url != self.url:
            self.browser.get(self.url)

    def js(self, script, *arguments):
        self.open()
        prelude = """
            const { store, network } = convlabLab;
            const floats = (text) => new Float32Array(
                Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
            const packed = (arrays) => {
                let text = "";
                for (const array of arrays) {
                    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
                    for (let at = 0; at < bytes.length; at += 4096) {
                        text += String.fromCharCode(...bytes.subarray(at, at + 4096));
                    }
                }
                return btoa(text);
            };
        """
        return self.browser.execute_script(prelude + script, *arguments)


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array, "<f4")).decode()


def unpacked(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


NAMES = ["lenet5", "lenet5-1998", "strided", "rest", "residual", "inception", "mingled"]
ALL = [*NAMES, "normed"]
PROBABLY = 1e-4  # of a probability


@pytest.fixture(scope="module")
def subjects(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    digits = drawings()
    pictures = noise((3, 48, 44), 3)
    small = noise((1, 11, 9), 4, count=40)
    strided = models.Spec(STRIDED, "strided", "strided.toml")
    two = noise((2, 12, 10), 3, count=40)
    rest = models.Spec(REST, "rest", "rest.toml")
    residual = models.Spec(RESIDUAL, "residual", "residual.toml")
    inception = models.Spec(INCEPTION, "inception", "inception.toml")
    mingled = models.Spec(MINGLED, "mingled", "mingled.toml")
    normed = models.Spec(NORMED, "normed", "normed.toml")
    bright = noise((3, 16, 12), 3, count=40)
    made = {
        "lenet5": (run_of("lenet5", digits.images, digits.classes), digits),
        "lenet5-1998": (run_of("lenet5-1998", digits.images, digits.classes), digits),
        "strided": (run_of(strided, pictures.images, pictures.classes, dark=False), pictures),
        "rest": (run_of(rest, small.images, small.classes, dark=False), small),
        "residual": (run_of(residual, digits.images, digits.classes), digits),
        "inception": (run_of(inception, digits.images, digits.classes), digits),
        "normed": (run_of(normed, bright.images, bright.classes, dark=False), bright),
        "mingled": (run_of(mingled, two.images, two.classes, dark=False), two),
    }
    return {key: Subject(*parts, folder, browser) for key, parts in made.items()}


# --- the numbers are the engine's -----------------------------------------------------------


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ALL)
def test_the_weights_are_the_engines_to_the_bit(subjects, name):
    subject = subjects[name]
    weights = unpacked(subject.js("return packed([network.weights])"))
    assert weights.tobytes() == subject.laboratory.weights.tobytes()
    state = subject.network.state_dict()
    for layer in subject.laboratory.description["layers"]:
        for kind, (offset, length, shape) in layer["weights"].items():
            part = weights[offset : offset + length].reshape(shape)
            if kind == "centres":
                expected = digits_7x12().astype(np.float32)
            else:
                expected = state[f"{layer['name']}.{kind}"]
            assert part.tobytes() == expected.tobytes()


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", ALL)
def test_the_page_gets_the_inputs_of_the_engine_to_the_bit(subjects, name):
    subject = subjects[name]
    samples = subject.laboratory.description["samples"]
    numbers = [int(sample["name"].removeprefix("test:")) for sample in samples]
    labels = subject.test.labels[numbers]
    assert [sample["label"] for sample in samples] == labels.tolist()
    assert np.bincount(labels).min() >= 3
    inputs = subject.js("""
        return packed(store.state.description.samples.map(({ bytes }) => {
            store.set({ bytes });
            return store.state.input;
        }))
    """)
    assert unpacked(inputs).tobytes() == subject.inputs[numbers].tobytes()


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", ALL)
def test_forward_is_that_of_the_engine_in_every_layer(subjects, name):
    """All units of ten images, and of all images every class and 200 units of each layer."""
    subject = subjects[name]
    rng = np.random.default_rng(3)
    expected = [output.reshape(len(output), -1) for output in subject.outputs]
    some = [rng.permutation(output.shape[1])[:200] for output in expected]
    page = subject.js(
        """
        const inputs = floats(arguments[0]);
        const size = inputs.length / arguments[1];
        const traces = Array.from({ length: arguments[1] }, (_, i) =>
            network.forward(inputs.subarray(i * size, (i + 1) * size)));
        return network.layers.map(({ index }) => {
            const outputs = traces.map((trace) => trace.outputs[index]);
            const chosen = outputs.map((output) =>
                Float32Array.from(arguments[2][index], (unit) => output[unit]));
            return [packed(outputs.slice(0, 10)), packed(chosen)];
        });
        """,
        packed(subject.inputs),
        len(subject.inputs),
        [units.tolist() for units in some],
    )
    assert len(page) == len(expected)
    for (whole, chosen), values, units in zip(page, expected, some, strict=True):
        # The exponentials of 1998's distances, in the hundreds, enlarge the rounding before them.
        near = (PROBABLY if values is expected[-1] else 1e-5) * np.abs(values).max()
        assert np.abs(unpacked(whole) - values[:10].ravel()).max() <= near
        assert np.abs(unpacked(chosen) - values[:, units].ravel()).max() <= near
        assert np.ptp(values, axis=0).max() > 5 * near  # images differ by more
    probabilities = np.empty_like(expected[-1])
    probabilities[:, some[-1]] = unpacked(page[-1][1]).reshape(len(probabilities), -1)
    assert np.abs(probabilities - expected[-1]).max() < PROBABLY
    assert np.array_equal(probabilities.argmax(1), expected[-1].argmax(1))


@pytest.mark.parametrize(
    ("name", "layer", "channel"),
    [
        ("lenet5", 0, 3),
        ("lenet5", 3, 7),
        ("lenet5-1998", 4, 12),
        ("strided", 8, 1),
        ("residual", 2, 4),  # read by both branches
        ("residual", 6, 1),
        ("inception", 7, 3),
        ("mingled", 12, 2),
    ],
)
def test_a_filter_that_is_off_gives_zeros_to_what_follows(subjects, name, layer, channel):
    subject = subjects[name]
    layer = min(layer, len(subject.modules) - 1)
    value = subject.outputs[layer][:1].copy()
    value[:, channel] = 0
    values = {-1: Tensor(subject.inputs[:1])}
    with no_grad():
        for at, (module, sources) in enumerate(zip(subject.modules, subject.sources, strict=False)):
            made = module(*(values[source] for source in sources))
            values[at] = Tensor(value) if at == layer else made
    expected = subject.network.probabilities(values[at].numpy())[0]
    page = subject.js(
        """
        const off = new Set([`${arguments[1]}:${arguments[2]}`]);
        const trace = network.forward(floats(arguments[0]), off);
        const { shape } = network.layers[arguments[1]];
        const unit = [arguments[2], ...shape.slice(1).map((size) => Math.floor(size / 2))];
        const { off: said, value, total } = network.explain(trace, arguments[1], unit);
        return { said, value, total, unit, answer: trace.answer,
                 probabilities: packed([trace.probabilities]) };
        """,
        packed(subject.inputs[0]),
        layer,
        channel,
    )
    assert np.abs(unpacked(page["probabilities"]) - expected).max() < PROBABLY
    assert np.abs(expected - subject.outputs[-1][0]).max() > 5 * PROBABLY
    assert page["answer"] == expected.argmax()
    assert (page["said"], page["value"]) == (True, 0)
    before = subject.outputs[layer][(0, *page["unit"])]
    assert page["total"] == pytest.approx(before, abs=1e-5)


# --- the sum behind a unit, and what it sees ---------------------------------------------------


def read_cells(module, axis, cells, size):
    """Rows (axis 0) or columns of a layer's input of ``size`` that cells of its output read."""
    if isinstance(module, nn.AdaptiveAvgPool2d):
        outputs = module.output_size[axis]
        # Window o goes from floor(o i / n) to ceil((o + 1) i / n).
        return {i for o in cells for i in range(o * size // outputs, -(-(o + 1) * size // outputs))}
    kernel = getattr(module, "kernel_size", None)
    if kernel is None:
        return cells
    stride = getattr(module, "stride", kernel)[axis]
    padding = getattr(module, "padding", (0, 0))
    before = padding[2 * axis] if len(padding) == 4 else padding[axis]
    taps = [tap * getattr(module, "dilation", (1, 1))[axis] for tap in range(kernel[axis])]
    if isinstance(module, nn.ConvTranspose2d):
        # Input i is laid down at i s - p, with a tap every d cells.
        laid = {o + before - tap for o, tap in itertools.product(cells, taps)}
        return {at // stride for at in laid if at % stride == 0}
    return {o * stride - before + tap for o, tap in itertools.product(cells, taps)}


def expected_box(subject, layer, unit, earlier):
    """[top, left, bottom, right] of what a unit sees by going back layer by layer.

    Empty for a unit that sees nothing, None for one of a vector.
    """
    layers = subject.laboratory.description["layers"]
    if len(layers[layer]["shape"]) == 1:
        return None
    # Of each layer: rows, columns and maps that take part; where windows slide, all maps do.
    parts = {layer: ({unit[1]}, {unit[2]}, {unit[0]})}
    for at in range(layer, earlier, -1):
        *cells, maps = parts.get(at, (set(), set(), set()))
        module, first = subject.modules[at], 0
        for source in subject.sources[at]:
            shape = subject.output(source).shape
            own = maps
            if isinstance(module, nn.Concat):
                own, first = {m - first for m in maps} & set(range(shape[0])), first + shape[0]
            elif hasattr(module, "kernel_size") or hasattr(module, "output_size"):
                own = set(range(shape[0]))
            if not own or not maps:
                continue
            reads = [read_cells(module, axis, cells[axis], shape[1 + axis]) for axis in (0, 1)]
            known = parts.setdefault(source, (set(), set(), set()))
            for there, more in zip(known, (*reads, own), strict=True):
                there |= more
    rows, columns, _ = parts.get(earlier, ([], [], []))
    if not rows or not columns:
        return []
    return [min(rows), min(columns), max(rows) + 1, max(columns) + 1]


EXPLAIN = """
const trace = network.forward(floats(arguments[0]));
return arguments[1].map(([layer, unit]) => {
    const said = network.explain(trace, layer, unit);
    const boxes = [];
    for (let earlier = -1; earlier < layer; earlier++) {
        const box = network.box(layer, unit, earlier);
        boxes.push(box && [box.top, box.left, box.bottom, box.right, Boolean(box.all)]);
    }
    const placed = said.place && said.inputs && said.place(0)
        ? [...said.order.slice(0, 3)].every((i) =>
            network.value(trace, said.from, said.place(i)) === said.inputs[i])
        : null;
    const { rows, columns, winner, reduction, order, map } = said;
    return {
        kind: said.kind, layer: said.layer, unit: said.unit, value: said.value, total: said.total,
        maps: said.maps, rows, columns, winner, reduction, map, boxes, placed,
        products: said.products && Array.from(said.products).flat(3),
        mapSums: said.mapSums, outside: said.outside, patch: said.patch, kernel: said.kernel,
        order: order && order.slice(0, 20), reads: network.reads(layer, unit[0]),
        after: said.after && [said.after.layer, said.after.value], bias: said.bias ?? 0,
        name: network.unitName(layer, unit), values: said.values ?? [said.input],
        terms: said.kind === "pointwise" ? [[said.from, said.place]] : said.terms,
    };
});
"""


@pytest.mark.sample(4)
@pytest.mark.parametrize(("name", "count"), [(name, 170) for name in NAMES])
def test_the_sum_behind_a_unit_is_its_value_and_its_boxes_are_its_fields(subjects, name, count):
    subject = subjects[name]
    rng = np.random.default_rng(5)
    units = []
    for _ in range(count):
        layer = int(rng.integers(len(subject.outputs)))
        units.append([layer, [int(rng.integers(n)) for n in subject.outputs[layer].shape[1:]]])
    explained = subject.js(EXPLAIN, packed(subject.inputs[0]), units)
    kinds = set()
    for (layer, unit), said in zip(units, explained, strict=True):
        values = subject.outputs[layer][0]
        scale = float(np.abs(values).max())
        assert (said["layer"], said["unit"]) == (layer, unit)
        last = layer == len(subject.outputs) - 1
        near = PROBABLY if last else 1e-5 * scale
        assert said["value"] == pytest.approx(values[tuple(unit)], abs=near)
        assert said["total"] == pytest.approx(said["value"], abs=1e-5 * scale)
        check_terms(subject, layer, said, subject.output(subject.sources[layer][0]))
        readers = [at for at, sources in enumerate(subject.sources) if layer in sources]
        if said["after"]:
            following = subject.outputs[readers[0]][0][tuple(unit)]
            assert said["after"] == [readers[0], pytest.approx(following, abs=1e-5)]
        families = [module.family for module in subject.modules] + [nn.Family.SOFTMAX]
        activated = [families[reader] for reader in readers] == [nn.Family.ACTIVATION]
        assert bool(said["after"]) == activated
        check_boxes(subject, layer, unit, said["boxes"])
        kinds.add(said["kind"])
    assert {"convolution", "pooling", "dense", "softmax", "pointwise"} <= kinds
    assert ("branches" in kinds) == (name in ("residual", "mingled"))


def test_numbers_among_others_are_explained_by_what_they_have_in_common(subjects):
    subject = subjects["normed"]
    rng = np.random.default_rng(6)
    units = []
    for layer, output in enumerate(subject.outputs):
        for _ in range(6):
            units.append([layer, [int(rng.integers(n)) for n in output.shape[1:]]])
    explained = subject.js(EXPLAIN, packed(subject.inputs[0]), units)
    kinds = {}
    for (layer, unit), said in zip(units, explained, strict=True):
        values = subject.outputs[layer][0]
        scale = float(np.abs(values).max())
        assert said["value"] == pytest.approx(values[tuple(unit)], abs=2e-5 * scale)
        assert said["total"] == pytest.approx(said["value"], abs=2e-5 * scale)
        if layer < len(subject.names):
            kinds[subject.names[layer]] = said["kind"]
    assert kinds["group"] == kinds["respond"] == kinds["layer"] == kinds["row"] == "pointwise"
    assert kinds["gated"] == kinds["squared"] == "branches"
    assert kinds["larger"] == kinds["odd"] == "convolution"


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", ALL)
def test_what_a_map_is_made_of_adds_up_to_it(subjects, name):
    """All units of two maps of each layer: the maps that are read, one by one, give the map."""
    subject = subjects[name]
    rng = np.random.default_rng(8)
    asked = [
        [layer, int(rng.integers(output.shape[1]))]
        for layer, output in enumerate(subject.outputs)
        for _ in range(2)
    ]
    told = subject.js(
        """
        const trace = network.forward(floats(arguments[0]));
        return arguments[1].map(([layer, map]) => {
            const { rows, sign, bias } = convlabLab.partsOf(network, trace, layer, map);
            return { sign, bias, rows: rows.map(({ source, map, values, made }) =>
                [source, map, Array.from(values), made && Array.from(made)]) };
        });
        """,
        packed(subject.inputs[0]),
        asked,
    )
    summed = set()
    for (layer, number), parts in zip(asked, told, strict=True):
        expected = subject.outputs[layer][0][number].astype(float).ravel()
        near = 2e-5 * max(float(np.abs(subject.outputs[layer][0]).max()), 1e-3)
        for source, read, values, _ in parts["rows"]:
            before = subject.output(source)
            seen = before[read] if before.ndim == 3 else before
            if len(values) == seen.size:  # a vector may be one row
                scale = float(np.abs(before).max())
                np.testing.assert_allclose(values, seen.ravel(), atol=1e-5 * scale)
        if parts["sign"] is None:
            continue
        made = [row[3] for row in parts["rows"]]
        if len(expected) == 1 and len(made[0]) > 1:  # a unit of a vector: each row adds up
            made = [[sum(values)] for values in made]
        total = np.prod(made, axis=0) if parts["sign"] == "\u00d7" else np.sum(made, axis=0)
        np.testing.assert_allclose(total + (parts["bias"] or 0), expected, atol=near)
        summed.add(layer)
    assert len(summed) >= 3


def check_terms(subject, layer, said, before):
    """What an explanation is made of: the numbers of the layer before, and their products."""
    if said["kind"] == "convolution":
        patch, kernel = np.array(said["patch"]), np.array(said["kernel"])
        rows, columns = np.array(said["rows"]), np.array(said["columns"])
        seen = before[np.ix_(said["maps"], rows, columns)]
        seen = np.where((rows[:, None] < 0) | (columns < 0), 0, seen)
        scale = float(np.abs(before).max())
        assert np.abs(patch - seen).max() <= 1e-5 * scale
        assert np.allclose(said["products"], (patch * kernel).ravel(), rtol=1e-12, atol=0)
        assert np.allclose(said["mapSums"], (patch * kernel).sum((1, 2)), atol=1e-9 * scale)
        assert said["total"] == pytest.approx(sum(said["mapSums"]) + said["bias"])
        assert said["maps"] == said["reads"]
        module = subject.modules[layer]
        if isinstance(module, nn.TableConv2d):
            table = module.connections_table[said["unit"][0]]
            assert said["maps"] == np.flatnonzero(table).tolist()
    elif said["kind"] == "pooling" and said["reduction"] == "maximum":
        inside = before[said["map"]][
            np.ix_(*([i for i in said[axis] if i >= 0] for axis in ("rows", "columns")))
        ]
        row, column = (said[axis][i] for axis, i in zip(("rows", "columns"), said["winner"]))  # noqa: B905
        assert before[said["map"], row, column] == inside.max()
    elif said["kind"] in ("dense", "distance"):
        assert said["placed"] is not False
        if layer < len(subject.names) and subject.names[layer] == "right":
            assert said["placed"]  # in the maps before "flat", past layers that lie between
        if said["kind"] == "dense":
            sizes = np.abs(said["products"])
            assert sizes[said["order"]].tolist() == sorted(sizes, reverse=True)[:20]
    elif said["kind"] == "pooling":
        assert said["reads"] == [said["map"]]
    elif said["kind"] in ("branches", "pointwise") and layer < len(subject.modules):
        told, *_ = explain(subject.network, subject.inputs[0], subject.names[layer], said["unit"])
        cells = told.cells if isinstance(told, BranchSum) else [told.strongest]
        names = [None, *subject.names]
        assert [(names[at + 1], tuple(place)) for at, place in said["terms"]] == [
            (cell.layer, cell.place) for cell in cells
        ]
        scale = float(np.abs(before).max())
        assert said["values"] == pytest.approx([cell.value for cell in cells], abs=1e-5 * scale)


def check_boxes(subject, layer, unit, boxes):
    if layer == len(subject.modules):
        return  # the probabilities
    for earlier, found in enumerate(boxes, -1):
        expected = expected_box(subject, layer, unit, earlier)
        if found is None:
            # No branch leads there, or what a unit sees differs between those from "behind" on.
            varies = subject.names[layer] in ("behind", "again", "last")
            varies = varies and earlier < subject.names.index("uneven")
            assert expected == [] or varies or len(unit) == 1
            continue
        *box, sees_all = found
        if expected == []:
            assert box[0] == box[2] or box[1] == box[3]
        elif expected is not None:
            assert (box, sees_all) == (expected, False)
    if len(unit) != 3:
        return
    if subject.branched:
        told, *_ = explain(subject.network, subject.inputs[0], subject.names[layer], unit)
        # From "uneven" on convlab names no box; for a unit of its own there is one all the same.
        if told.sees is None:
            assert subject.names[layer] in ("uneven", "tanh1", "behind", "again", "last")
        else:
            assert boxes[0][:4] == list(told.sees)
    elif expected_box(subject, layer, unit, -1):
        field = unit_field(subject.network, subject.names[layer], tuple(unit[1:]))
        assert boxes[0][:4] == list(field.box)


@pytest.mark.parametrize("name", ["lenet5", "lenet5-1998"])
def test_a_vector_sees_all_and_what_only_passes_on_sees_its_own(subjects, name):
    subject = subjects[name]
    flatten = next(i for i, m in enumerate(subject.modules) if isinstance(m, nn.Flatten))
    channels, height, width = subject.outputs[flatten - 1].shape[1:]
    found = subject.js(
        """
        const at = arguments[0];
        const box = (layer, unit, earlier) => {
            const { top, left, bottom, right, all } = network.box(layer, unit, earlier);
            return [top, left, bottom, right, all ?? false];
        };
        return [box(at, [arguments[1]], at - 1), box(at + 1, [2], at - 1), box(at + 1, [2], -1),
                box(network.layers.length - 1, [2], -1)];
        """,
        flatten,
        (channels - 1) * height * width,
    )
    rows, columns = subject.network.input_shape[1:]
    assert found == [
        [0, 0, 1, 1, False],
        [0, 0, height, width, True],
        [0, 0, rows, columns, True],
        [0, 0, rows, columns, True],
    ]


def test_the_names_of_units(subjects):
    names = subjects["lenet5"].js("""
        return [network.unitName(-1, [0, 3, 4]), network.unitName(0, [1, 2, 3]),
                network.unitName(7, [9]), network.unitName(network.layers.length - 1, [4])]
    """)
    assert names[0] == "input, row 3, column 4"
    assert names[1] == "conv1, map 1, row 2, column 3"
    assert names[2] == "fc1, unit 9"
    assert names[3] == "probabilities, class 4"
    colour = subjects["strided"].js("return network.unitName(-1, [2, 3, 4])")
    assert colour == "input, channel 2, row 3, column 4"


# --- what the description says -------------------------------------------------------------------


def test_sizes_and_counts_are_those_of_the_paper(subjects):
    layers = {
        layer["name"]: layer for layer in subjects["lenet5-1998"].laboratory.description["layers"]
    }
    # LeCun, Bottou, Bengio & Haffner 1998, section II.B.
    counts = {
        "c1": (156, 122_304, [6, 28, 28], 5, 1),
        "s2": (12, 5_880, [6, 14, 14], 6, 2),
        "c3": (1_516, 151_600, [16, 10, 10], 14, 2),
        "s4": (32, 2_000, [16, 5, 5], 16, 4),
        "c5": (48_120, 48_120, [120, 1, 1], 32, 4),
    }
    for name, (parameters, connections, shape, field, stride) in counts.items():
        layer = layers[name]
        assert (layer["parameters"], layer["connections"]) == (parameters, connections)
        assert layer["shape"] == shape
        seen = {"rows": field, "columns": field, "stride": [stride, stride]}
        assert layer["receptive_field"] == seen
    assert layers["c3"]["table"][5] == [0, 1, 5]
    assert layers["c3"]["formula"][:2] == ["rows: (14 − 5) + 1 = 10", "columns: (14 − 5) + 1 = 10"]
    assert "parameters: 60 connected pairs of maps · 5·5 + 16 = 1,516" in layers["c3"]["formula"]
    assert layers["s2"]["formula"][0] == "rows: ⌊(28 − 2) / 2⌋ + 1 = 14"
    assert layers["f6"]["receptive_field"] is None


def test_the_description_is_plain_json_and_says_what_it_is(subjects):
    description = subjects["lenet5-1998"].laboratory.description
    assert json.loads(json.dumps(description, allow_nan=False)) == description
    assert description["title"] == "LeNet-5 of 1998 on drawings"
    assert description["penalties"] is True
    assert description["input"] == {"channels": 1, "rows": 32, "columns": 32}
    assert description["image"] == {"channels": 1, "rows": 28, "columns": 28}
    assert subjects["lenet5"].laboratory.description["penalties"] is False


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("resnet50", None, "page: expected at most 5,000,000 weights and 600,000,000"),
        ("vgg16", None, "page: expected at most 5,000,000 weights and 600,000,000 multiply-adds"),
        (
            "dense",
            (3, 90, 90),
            "page: expected at most 5,000,000 weights and 600,000,000 multiply-adds, dense has"
            " 7,321,410 and 7,321,000",
        ),
        ("lenet5", (1, 28, 225), "page: expected an input of at most 224 × 224 pixels, lenet5 has"),
    ],
)
def test_a_network_that_no_page_can_hold(spec, shape, message):
    network = models.build(spec, input_shape=shape, weights=False)
    with pytest.raises(SpecError) as caught:
        lab.check_fits(network)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_layers_that_a_page_does_not_know():
    text = REST.replace(
        'type = "Softmax"\nname = "shares"\ndim = 1', 'type = "Softmax"\nname = "shares"\ndim = 0'
    )
    with pytest.raises(SpecError, match="page: shares: expected a softmax of one image, got one"):
        lab.check_fits(models.build(models.Spec(text, "rest", "rest.toml"), classes=4))
    text = STRIDED.replace('type = "Flatten"', 'type = "Flatten"\nstart_dim = 2', 1)
    text = text.replace(
        'type = "Linear"', 'type = "Flatten"\nname = "rest"\n\n[[layer]]\ntype = "Linear"'
    )
    with pytest.raises(SpecError, match="maps or vectors from every layer, flatten1 of strided"):
        lab.check_fits(models.build(models.Spec(text, "strided", "strided.toml"), classes=3))


def test_a_test_set_of_other_classes(subjects):
    subject = subjects["lenet5"]
    other = noise((1, 28, 28), 10)
    with pytest.raises(DataError, match=r"drawings: expected the run's images 1 × 28 × 28"):
        lab.describe(subject.run, noise((1, 8, 8), 10))
    assert other.classes == subject.run.classes
    with pytest.raises(DataError, match="expected the run's classes 0, 1, 2"):
        lab.describe(subject.run, noise((1, 28, 28), 4))


def test_the_command_refuses_in_one_line_and_writes_nothing(convlab, lab_run):
    (convlab.folder / "large.toml").write_text(
        'input = "28x28x1"\nlayer = [{type = "Flatten"}, {type = "Linear", out_features = 7000},'
        ' {type = "Linear", out_features = "classes"}]',
        encoding="utf-8",
    )
    assert convlab.fails("page", "nowhere") == (
        "nowhere: expected the folder of a run with a config.json, there is none"
    )
    assert convlab.fails("page", lab_run, "test:999") == (
        "image test:999: expected test:0 to test:359 of digits"
    )
    assert "expected a file ending in .html or .htm, got 'lab.png'" in convlab.misused(
        "page", lab_run, "-o", "lab.png"
    )
    refused = convlab("train", "--model", "large.toml", "--page", "--quiet")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "Error: page: expected at most 5,000,000 weights and 600,000,000 multiply-adds, large has"
        " 5,565,010 and 5,558,000\n"
    )
    assert os.listdir(convlab.folder) == ["large.toml"]


# --- the page as a file ------------------------------------------------------------------------


@pytest.fixture
def opened(browser, lab_page):
    """The page of a trained run, just opened; its log must be empty at the end."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(lab_page.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def test_training_wrote_a_page_that_answers(opened, lab_page):
    assert lab_page.stat().st_size < 1_000_000
    state = opened.execute_script("""
        const { state } = convlabLab.store;
        return { title: document.title, said: state.description.title, name: state.source.name,
                 answer: state.trace.answer, label: state.label, ms: state.milliseconds,
                 accuracy: state.description.accuracy, command: state.description.command };
    """)
    assert state["title"] == state["said"] == "LeNet-5 on digits"
    assert state["answer"] == state["label"]
    assert state["accuracy"] > 0.9
    assert 0 < state["ms"] < 1000
    assert state["command"].startswith("convlab train ")
    _, test = data.load("digits")
    assert test.labels[int(state["name"].removeprefix("test:"))] == state["label"]


def test_the_store_computes_what_follows_and_tells_of_it_once(opened):
    told = opened.execute_script("""
        const { store } = convlabLab;
        const { state } = store;
        const heard = [];
        store.listen((keys) => heard.push([...keys].sort()));
        const same = [state.trace === state.baseline];
        store.set({ layer: 0 });
        const { trace } = state;
        store.set({ off: new Set(["0:2"]) });
        same.push(state.trace === state.baseline, state.trace === trace);
        const unchanged = state.baseline.probabilities.join() === trace.probabilities.join();
        store.set({ off: new Set(), shift: [0, 1] });
        same.push(state.trace === state.baseline);
        const shifted = state.shown.slice(1, 28).join() === store.state.bytes.slice(0, 27).join();
        store.set({ shift: [0, 0] });
        same.push(state.trace === state.baseline);
        return { heard, same, unchanged, shifted };
    """)
    made = ["baseline", "input", "milliseconds", "occlusion", "shown", "trace", "unshifted"]
    assert told["heard"] == [
        ["layer"],
        sorted([*made, "off"]),
        sorted([*made, "off", "shift"]),
        sorted([*made, "shift"]),
    ]
    assert told["same"] == [True, False, False, False, True]
    assert told["unchanged"] and told["shifted"]


def test_the_page_begins_with_the_image_that_is_asked_for(convlab, lab_run, browser):
    out = convlab.works("page", lab_run, "test:07", "-o", "seven.html")
    size = (convlab.folder / "seven.html").stat().st_size
    assert out == f"wrote seven.html, {size / 1e6:.1f} MB: open it in a browser\n"
    browser.get((convlab.folder / "seven.html").as_uri())
    name, label, pixels, samples = browser.execute_script("""
        const { source, label, bytes, description } = convlabLab.store.state;
        return [source.name, label, Array.from(bytes), description.samples.map(({ name }) => name)];
    """)
    _, test = data.load("digits")
    assert (name, label) == ("test:7", test.labels[7])
    assert pixels == test.images[7].ravel().tolist()
    # One of the first five of its class: it comes first, and once.
    assert samples[0] == "test:7" and len(set(samples)) == len(samples) == 50


def test_the_page_asks_for_nothing(opened, lab_page):
    events = [json.loads(line["message"])["message"] for line in opened.get_log("performance")]
    asked = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert lab_page.as_uri() in asked
    assert {url.split(":")[0] for url in asked - {lab_page.as_uri(), "about:blank"}} <= {
        "data",
        "blob",
    }


def sha256(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_the_pages_own_script_and_style_alone(opened, lab_page):
    script, style, policy, handlers = opened.execute_script("""
        return [document.querySelector("script[type=module]").textContent,
                document.querySelector("style").textContent,
                document.querySelector("meta[http-equiv=Content-Security-Policy]").content,
                document.documentElement.outerHTML.match(/\\s(?:on\\w+|style)=/g)];
    """)
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives == {
        "default-src": "'none'",
        "script-src": sha256(script),
        "style-src": sha256(style),
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "worker-src": "blob:",
    }
    source = lab_page.read_text(encoding="utf-8")
    assert source.index("Content-Security-Policy") < source.index("<style")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", source, flags=re.DOTALL)
    assert re.findall(r"\s(?:on\w+|style|src)\s*=", markup) == []


@pytest.mark.parametrize(
    "code",
    [
        "const i = new Image(); i.src = 'https://example.invalid/a.png'; document.body.append(i)",
        "fetch('https://example.invalid/a.json').catch(() => 0)",
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 3';"
        "document.body.append(s)",
        "document.body.insertAdjacentHTML('beforeend', '<b onclick=\"0\">b</b>');"
        "document.body.lastChild.setAttribute('style', 'color: red')",
    ],
    ids=["picture", "fetch", "script", "style"],
)
def test_the_policy_refuses_everything_else(browser, lab_page, code):
    browser.get(lab_page.as_uri())
    refused = browser.execute_async_script(
        "addEventListener('securitypolicyviolation', (event) => arguments[0](event.disposition));"
        + code
    )
    assert refused == "enforce"
    assert browser.execute_script("return window.hacked ?? null") is None
    assert browser.get_log("browser") != []  # the browser tells of the refusal


def test_hostile_names_stay_texts(browser, tmp_path):
    digits = noise((1, 28, 28), 3)
    classes = (HOSTILE, ATTRIBUTE, "<!-- <script> three")
    test = Dataset("noise", "test", digits.images, digits.labels, classes)
    run = run_of("lenet5", test.images, test.classes, data_name=f"/data/{HOSTILE}")
    run.network.name = ATTRIBUTE
    image = ("<img src=x onerror=window.hacked=4>", test.images[0], 1)
    laboratory = lab.describe(run, test, command=f"convlab page {HOSTILE}", image=image)
    path = tmp_path / "lab.html"
    path.write_text(lab.render(laboratory), encoding="utf-8")
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(path.as_uri())
    found = browser.execute_script("""
        const { store, network } = convlabLab;
        const last = network.layers.length - 1;
        for (let unit = 0; unit < 3; unit++) store.set({ unit: { layer: last, unit: [unit] } });
        store.set({ layer: last });
        return { classes: store.state.description.classes, title: document.title,
                 name: store.state.source.name, heading: document.querySelector("h1").textContent,
                 hacked: window.hacked ?? null, scripts: document.scripts.length,
                 foreign: document.querySelectorAll("[onerror], [src=x]").length };
    """)
    title = f"{ATTRIBUTE} on {Path(f'/data/{HOSTILE}').name}"
    assert found["classes"] == list(test.classes)
    assert found["title"] == title
    assert title in found["heading"]
    assert found["name"] == image[0]
    assert (found["hacked"], found["scripts"], found["foreign"]) == (None, 5, 0)
    assert browser.get_log("browser") == []


# --- the script's modules ------------------------------------------------------------------------

TOP_LEVEL = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+|[{\[][^}\]]*[}\]])", re.MULTILINE
)


def module_texts():
    return {
        name: (lab_page_module.TEMPLATE / name).read_text(encoding="utf-8")
        for name in lab_page_module.modules()
    }


def test_the_modules_can_be_joined():
    texts = module_texts()
    assert set(texts) == {path.name for path in lab_page_module.TEMPLATE.glob("*.js")}
    names = [
        name
        for text in texts.values()
        for match in TOP_LEVEL.findall(text)
        for name in re.findall(r"\w+", match)
    ]
    assert len(names) > 30
    assert sorted({name for name in names if names.count(name) > 1}) == []
    joined = lab_page_module.script()
    assert re.findall(r"^\s*(?:import|export)\b.*", joined, re.MULTILINE) == []
    assert "</" not in re.sub(r"//.*", "", joined).lower().replace("</ ", "")
    assert "<!--" not in joined
    order = list(texts)
    for name, text in texts.items():
        for needed in re.findall(r'from "\./(\w+\.js)"', text):
            assert order.index(needed) < order.index(name)


def test_no_module_makes_markup_of_texts():
    for name, text in module_texts().items():
        found = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
        assert found == [], name


def test_imported_names_are_exported():
    texts = module_texts()
    for text in texts.values():
        for names, source in re.findall(r'import \{([^}]*)\} from "\./(\w+\.js)";', text):
            for name in names.split(","):
                exported = rf"^export (?:async )?(?:function|class|const|let) {name.strip()}\b"
                assert re.search(exported, texts[source], re.MULTILINE), (source, name)


def test_a_network_that_brings_no_data_has_a_page(subjects, browser, tmp_path):
    """As an imported one; its weights may be halved where that leaves the answers to noise."""
    subject = subjects["strided"]
    laboratory = lab.describe(subject.run, None)
    assert laboratory.description["samples"] == [] and len(laboratory.images) == 0
    page = tmp_path / "page.html"
    page.write_text(lab.render(laboratory), encoding="utf-8")
    browser.get("about:blank")
    browser.get(page.as_uri())
    image = subject.test.images[3]
    got = browser.execute_script(
        """
        const bytes = Uint8Array.from(arguments[0]);
        convlabLab.store.set({ bytes, source: { kind: "file", name: "a picture" }, label: null });
        return Array.from(convlabLab.store.state.trace.probabilities);
        """,
        image.ravel().tolist(),
    )
    assert got == pytest.approx(subject.outputs[-1][3], abs=PROBABLY)
