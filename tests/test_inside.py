"""Inside a trained network: maps, weights before and after training, snapshots, embeddings."""

import dataclasses
import itertools
import json
import re

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from convlab import data, insight, models, numerals, random, training, viz
from convlab.errors import NotFiniteError, RunError, ShapeError, SpecError
from convlab.training import EpochRecord, Settings, Task, Trainer
from convlab.viz.feature_maps import map_order

SIZES = ("slide", "animation", "small", "paper", "paper-wide")
LONG = [f"a class with quite a long name, number {index}" for index in range(100)]
SHORT = [str(index) for index in range(100)]
SENTENCE = "run lenet5-digits, lenet5 trained on digits; a second line that says a good deal"
HEAD = {"title": "A headline", "subtitle": SENTENCE}
SMALL = """\
input = "28x28x1"

[[layer]]
type = "Conv2d"
name = "conv"
out_channels = 4
kernel_size = 7
stride = 3

[[layer]]
type = "ReLU"
name = "relu"

[[layer]]
type = "AdaptiveAvgPool2d"
name = "pool"
output_size = 3

[[layer]]
type = "Flatten"

[[layer]]
type = "Dropout"
p = 0.25

[[layer]]
type = "Linear"
name = "dense"
out_features = "classes"
"""


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def said(figure):
    """All texts of a figure."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def new_trainer(digits):
    """Make a trainer of the small network on few digits: ``new_trainer(epochs=3)``."""

    def make(**settings):
        settings = Settings(**{"epochs": 3, "batch_size": 16, "seed": 5} | settings)
        train, test = digits
        parts = [train.subset(np.arange(a, b)) for a, b in ((0, 80), (80, 110))]
        random.manual_seed(settings.seed)
        network = models.build_from_text(SMALL, name="small")
        scaling = data.Scaling.standardise(parts[0])
        test = test.subset(np.arange(40))
        return Trainer(settings, Task(*parts, test, network, scaling, (1, 28, 28), True))

    return make


def train(folder, trainer, *, snapshots, records=None):
    """Train as the command does, to the end or for so many records; the weights by epoch."""
    if not folder.exists():
        training.create(folder, trainer, snapshots=snapshots)
        training.save(folder, trainer)
    states = {}
    for record in itertools.islice(trainer.fit(), records):
        if isinstance(record, EpochRecord):
            training.save(folder, trainer)
            states[record.epoch] = trainer.network.state_dict()
    training.save(folder, trainer)
    return states


@pytest.fixture(scope="module")
def kept(tmp_path_factory, new_trainer):
    """(folder, weights by epoch) of a run with snapshots; nobody may change the folder."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    return folder, train(folder, new_trainer(), snapshots=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory, new_trainer):
    """The folder of the same run without snapshots."""
    folder = tmp_path_factory.mktemp("bare") / "run"
    train(folder, new_trainer(), snapshots=False)
    return folder


def same(one, other):
    """Whether two sets of arrays by name have the same names and bits."""
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


# --- the weights before training, and after each epoch -------------------------------------


@pytest.mark.parametrize("model", ["lenet5", "lenet5-1998", "dense"])
def test_initial_weights_are_those_of_a_training_of_no_steps(tmp_path, model):
    settings = Settings(model=model, epochs=1, seed=11)
    trainer = Trainer(settings, training.prepare(settings))
    training.create(tmp_path / "run", trainer)
    training.save(tmp_path / "run", trainer)
    untouched = load_file(tmp_path / "run" / "model.safetensors")
    assert same(training.initial_weights(tmp_path / "run"), untouched)


def test_initial_weights_do_not_depend_on_what_came_after(kept, new_trainer):
    folder, states = kept
    random.manual_seed(99)
    before = json.dumps(random.get_state(), default=str)
    initial = training.initial_weights(folder)
    assert json.dumps(random.get_state(), default=str) == before
    assert same(initial, new_trainer().network.state_dict())
    assert same(initial, training.snapshot(folder, 0))
    assert not same(initial, states[1])
    other = (
        training.initial_weights(folder)["conv.weight"]
        != new_trainer(seed=6).network.state_dict()["conv.weight"]
    )
    assert other.any()


def test_snapshots_are_the_weights_of_each_epoch(kept):
    folder, states = kept
    assert training.snapshot_epochs(folder) == [1, 2, 3]
    names = sorted(path.name for path in (folder / "snapshots").iterdir())
    assert names == [f"epoch-000{epoch}.safetensors" for epoch in (1, 2, 3)]
    for epoch, state in states.items():
        assert same(training.snapshot(folder, epoch), state)
    best = training.load(folder)
    assert same(training.snapshot(folder, best.best_epoch), best.network.state_dict())


def test_snapshots_change_no_other_byte(kept, bare):
    folder, _ = kept
    assert {p.name for p in folder.iterdir()} - {p.name for p in bare.iterdir()} == {"snapshots"}
    for name in ("config.json", "model.safetensors"):
        assert (folder / name).read_bytes() == (bare / name).read_bytes()
    # What is left beside the arrays are seconds.
    assert same(load_file(folder / "last.safetensors"), load_file(bare / "last.safetensors"))


@pytest.mark.parametrize("records", [3, 5, 6, 8])
def test_a_run_that_is_resumed_has_the_same_snapshots(kept, new_trainer, tmp_path, records):
    # An epoch is 5 batches: stopped in it, after its last batch, at its end, and in the next.
    folder = tmp_path / "run"
    train(folder, new_trainer(), snapshots=True, records=records)
    second = training.resume(folder, new_trainer().task)
    train(folder, second, snapshots=None)
    for path in (kept[0] / "snapshots").iterdir():
        assert (folder / "snapshots" / path.name).read_bytes() == path.read_bytes()
    assert len(list((folder / "snapshots").iterdir())) == 3


def test_a_run_anew_and_a_discarded_one_leave_no_snapshots(new_trainer, tmp_path):
    folder, trainer = tmp_path / "run", new_trainer(epochs=1)
    train(folder, trainer, snapshots=True)
    training.create(folder, trainer, exist_ok=True)
    assert not (folder / "snapshots").exists()
    training.create(folder, trainer, exist_ok=True, snapshots=True)
    training.save(folder, trainer)
    (folder / "snapshots" / "mine.txt").write_text("notes")
    training.discard(folder)
    assert [path.name for path in folder.rglob("*")] == ["snapshots", "mine.txt"]


def test_runs_without_snapshots_say_how_to_get_them(bare, kept):
    with pytest.raises(RunError, match=r"it has no snapshots; train it with convlab train --snaps"):
        training.snapshot_epochs(bare)
    with pytest.raises(RunError, match=r"epoch-0009\.safetensors: expected a run with this file"):
        training.snapshot(kept[0], 9)


# --- order, and what never fires -------------------------------------------------------------


def test_order_of_maps():
    maps = normal(12, 5, 4)
    maps[3], maps[7, 0, 0] = -9, np.nan
    largest = [np.nanmax(part) for part in maps]
    assert map_order(maps, "strongest").tolist() == sorted(range(12), key=lambda k: -largest[k])
    assert map_order(np.ones((4, 2, 2)), "strongest").tolist() == [0, 1, 2, 3]
    assert map_order(np.full((2, 1, 1), np.inf), "strongest").tolist() == [0, 1]
    assert map_order(maps, "number").tolist() == list(range(12))
    with pytest.raises(SpecError, match=r"^order: expected one of strongest, number, got 'size'"):
        viz.feature_maps(maps, order="size", **HEAD)


def reading_order(figure, names):
    """Which of ``names`` stand there, by number, from above to below, then left to right."""
    texts = [text for axes in figure.axes for text in axes.texts if text.get_text() in names]
    texts.sort(key=lambda text: (round(text.get_position()[1]), text.get_position()[0]))
    return [names.index(text.get_text()) for text in texts]


def test_maps_keep_their_numbers_in_every_order():
    maps = 0.3 + np.abs(normal(10, 30, 30, seed=3)) * np.arange(10)[:, None, None]
    strongest = np.argsort(-maps.max(axis=(1, 2)), kind="stable").tolist()
    names = [f"map {number}" for number in range(10)]
    drawn = viz.feature_maps(maps, order="strongest", **HEAD)
    assert reading_order(drawn, names) == strongest != list(range(10))
    assert any("strongest first" in text for text in said(drawn))
    assert reading_order(viz.feature_maps(maps, **HEAD), names) == list(range(10))
    many = viz.feature_maps(np.abs(normal(900, 6, 6)), order="strongest", **HEAD)
    assert re.search(r"strongest \d+ of 900 maps", " ".join(said(many)))


def test_strongest_units_become_bars():
    values = np.arange(120.0)
    figure = viz.feature_maps(values, order="strongest", **HEAD)
    shown = int(re.search(r"strongest (\d+) of 120 units", " ".join(said(figure)))[1])
    numbers = [text for text in said(figure) if text.isdigit()]
    # Each unit's value is its number: both stand at its bar.
    assert numbers == [text for k in range(shown) for text in [str(119 - k)] * 2]


def pictures(figure):
    """The bytes (H, W, 3) and the extents of all pictures in a figure, in the order of drawing."""
    found = [image for axes in figure.axes for image in axes.images]
    return [np.asarray(image.get_array()) for image in found], [i.get_extent() for i in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_zero_is_the_ground_where_maps_have_both_signs(theme):
    ground = [int(viz.THEMES[theme].ground[at : at + 2], 16) for at in (1, 3, 5)]
    maps = np.array([[[0.0, 2.0], [-1.0, 0.0]], [[0.0, 0.5], [0.25, -0.01]]])
    for figure in (
        viz.feature_maps(maps, theme=theme, **HEAD),
        viz.feature_maps(maps, theme=theme, own_scales=True, **HEAD),
        viz.journey(np.zeros((1, 2, 2)), [("conv", maps)], theme=theme, **HEAD),
    ):
        shown = [rgb for rgb in pictures(figure)[0] if rgb.shape == (2, 2, 3)][-2:]
        for rgb, values in zip(shown, maps, strict=True):
            assert np.array_equal((rgb == ground).all(axis=2), values == 0)
    assert {"2", "−2"} <= {*said(viz.feature_maps(maps, **HEAD))}
    # Both ends are equally far from 0: half of the largest is half way to its colour.
    (rgb, *_), _ = pictures(viz.feature_maps([[[-500.0, 250.0, -250.0]]], theme=theme, **HEAD))
    halves = viz.THEMES[theme].positive[0], viz.THEMES[theme].negative[0]
    wanted = [[int(half[at : at + 2], 16) for at in (1, 3, 5)] for half in halves]
    np.testing.assert_allclose(rgb[0, 1:].astype(int), wanted, atol=2)
    # Of one sign: dark to bright, and no colour is the ground.
    (rgb, *_), _ = pictures(viz.feature_maps(np.abs(maps), theme=theme, **HEAD))
    assert not (rgb == ground).all(axis=2).any() and rgb.sum(axis=2).argmax() == 1


def test_a_map_on_its_own_scale_does_not_depend_on_the_others():
    maps = normal(1, 6, 6) * np.array([1.0, 30.0, 0.001])[:, None, None]
    figure = viz.feature_maps(maps, own_scales=True, **HEAD)
    (first, second, third), _ = pictures(figure)
    assert np.array_equal(first, second) and np.array_equal(first, third)
    ends = [numerals.number(end) for part in maps for end in (part.min(), part.max())]
    assert {*ends, "map 0", "map 1", "map 2"} <= {*said(figure)}
    assert "each map on its own scale, orange below 0, violet above, equally strong" in " ".join(
        said(figure)
    )
    (first, second, *_), _ = pictures(viz.feature_maps(maps, **HEAD))
    assert not np.array_equal(first, second)
    positive = np.array([[[0.0, 4.5]], [[0.25, 0.75]], [[0.0, 0.0]]])
    texts = said(viz.feature_maps(positive, own_scales=True, **HEAD))
    # Two maps reach down to 0, one is nothing else, and one is called so.
    assert {"4.5", "0.75", "0.25"} <= {*texts} and texts.count("0") >= 2
    texts = said(viz.feature_maps([[[-3.0, -0.5]], [[-9.0, 1.0]]], own_scales=True, **HEAD))
    assert {"−3", "−0.5", "−9"} <= {*texts}
    with pytest.raises(SpecError, match="scale: expected maps for scales of their own"):
        viz.feature_maps(normal(9), own_scales=True, **HEAD)


def test_notes_are_kept_whole():
    notes = [f"0 everywhere on this image: 7 of 64 maps: {k}, 1, 2, 3, 4, 5, 6" for k in range(2)]
    for size in SIZES:
        texts = said(viz.feature_maps(normal(64, 8, 8), notes=notes, size=size, **HEAD))
        together = " ".join(texts)
        assert all(note in together for note in notes)


def deep_network(count):
    """Layers, half of which an activation follows."""
    layers = [(f"{kind}{k}", normal(8, 6, 6)) for k in range(count) for kind in ("conv", "relu")]
    return layers, {name for name, _ in layers if name.startswith("conv")}


@pytest.mark.parametrize("size", SIZES)
def test_headings_of_a_deep_network_never_touch(size, boxes_of):
    layers, minor = deep_network(20)
    head = {"title": "A headline", "subtitle": "run a, b trained on digits"}
    figure = viz.journey(normal(3, 9, 9), layers, minor=minor, size=size, **head)
    boxes = {text.get_text(): box for text, box in boxes_of(figure)}
    names = [name for name, _ in layers if name in boxes]
    (shown,) = re.findall(r"(\d+) of 40 layers", " ".join(said(figure))) or ["40"]
    assert len(names) == int(shown) and names[-1] == "relu19"
    # The layers before an activation go first, the others only when all of those have gone.
    assert len(names) >= 20 or not minor & {*names}
    headings = sorted((boxes[name] for name in names), key=lambda box: (-round(box.y0), box.x0))
    for one, next_ in itertools.pairwise(headings):
        if round(one.y0) == round(next_.y0):
            assert next_.x0 - one.x1 > 0.5 * (one.y1 - one.y0)


def test_silent_maps():
    maps = np.maximum(normal(6, 4, 4), 0)
    maps[[1, 4]] = 0
    assert insight.silent_maps(maps) == [1, 4]
    assert insight.silent_maps(np.array([0.0, -1e-30, np.nan, 0.0])) == [0, 3]


def test_never_firing_against_numpy(new_trainer):
    trainer = new_trainer()
    network, task = trainer.network, trainer.task
    # The first map cannot fire, the second only for some images.
    network.conv.bias.data[:] = [-1e3, -4, 0, 0.5]
    images = data.to_floats(task.test.images, task.scaling).astype(np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(images[:, 0], (7, 7), (1, 2))[:, ::3, ::3]
    weight = network.conv.weight.numpy()[:, 0].astype(np.float64)
    maps = np.einsum("nhwij,oij->nohw", windows, weight) + network.conv.bias.numpy()[:, None, None]
    fires = (maps > 0).any(axis=(2, 3))
    assert 0 < fires[:, 1].sum() < len(fires)
    found = insight.never_firing(network, task.test, task.scaling)
    names = ["conv", "relu", "pool", "flatten1", "dropout1", "dense"]
    assert list(found) == names and network.training
    assert found["relu"] == np.flatnonzero(~fires.any(axis=0)).tolist() == [0]
    assert found["conv"] == [] and found["pool"] == [0]
    alone = task.test.subset([int(np.flatnonzero(~fires[:, 1])[0])])
    assert insight.never_firing(network, alone, task.scaling, "relu")["relu"][:2] == [0, 1]
    with pytest.raises(SpecError, match=r"^layer: expected one of conv, relu, pool, .*got 'conv9'"):
        insight.never_firing(network, task.test, task.scaling, "conv9")


# --- a layer's outputs in a plane ---------------------------------------------------------------


def test_the_last_hidden_layer():
    names = {"lenet5": "relu4", "dense": "relu2", "fashion-cnn": "relu7"}
    for model, name in names.items():
        assert insight.last_hidden(models.build(model)) == name
    assert insight.last_hidden(models.build("lenet5-1998")) == "scaledtanh6"
    assert insight.last_hidden(models.build_from_text(SMALL, name="small")) == "pool"
    flat = '[[layer]]\ntype = "Flatten"\n[[layer]]\ntype = "Linear"\nout_features = "classes"\n'
    network = models.build_from_text(f'input = "4x4x1"\n{flat}', name="flat")
    with pytest.raises(SpecError, match="^embedding: expected a hidden layer, flat has none"):
        insight.last_hidden(network)


def test_layer_outputs_are_those_of_each_image(new_trainer):
    trainer = new_trainer()
    network, task = trainer.network, trainer.task
    features, answers = insight.layer_outputs(network, task.test, task.scaling, "pool")
    assert features.shape == (40, 36)
    images = data.to_floats(task.test.images, task.scaling)
    for index in (0, 17, 39):
        image = np.ascontiguousarray(images[index])
        (activation,) = insight.trace(network, image, "pool")
        assert np.allclose(features[index], activation.array.ravel(), atol=1e-6)
        assert answers[index] == insight.trace(network, image, "dense")[0].array.argmax()
    network.conv.bias.data[2] = np.nan
    message = (
        "output of pool: expected finite numbers, got 360 of 1,440 that are not, the first nan"
    )
    with pytest.raises(NotFiniteError, match=message):
        insight.layer_outputs(network, task.test, task.scaling, "pool")


@pytest.mark.parametrize("shape", [(60, 9), (30, 200), (12, 2), (9, 1)])
def test_pca_against_the_singular_values(shape):
    features = (normal(*shape) @ np.diag(1.0 + np.arange(shape[1]))).astype(np.float32)
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    found = insight.embed(features)
    axes = min(2, shape[1])
    # Directions have no sign of their own.
    assert np.allclose(np.abs(found.points[:, :axes]), np.abs(u * s)[:, :axes], atol=1e-8)
    assert (found.points[:, axes:] == 0).all()
    assert found.shares == pytest.approx([*(s**2 / (s**2).sum())[:axes], 0.0][:2])
    assert np.array_equal(found.points, insight.embed(features).points)


def test_equal_outputs_are_one_point():
    for method in insight.METHODS:
        found = insight.embed(np.ones((7, 5), np.float32), method)
        assert (found.points == 0).all() and found.shares is found.perplexity is None


def test_tsne_keeps_neighbours_and_is_the_same_again():
    groups = np.repeat(np.arange(3), 15)
    features = (normal(45, 20) + 30 * np.eye(3, 20)[groups]).astype(np.float32)
    found = insight.embed(features, "tsne")
    distances = np.linalg.norm(found.points[:, None] - found.points, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (groups[distances.argmin(axis=1)] == groups).all()
    assert found.shares is None and found.perplexity == pytest.approx(44 / 3)
    assert np.array_equal(found.points, insight.embed(features, "tsne").points)


def test_what_cannot_be_embedded():
    with pytest.raises(ShapeError, match="^embedding: expected at least 4 images, got 3$"):
        insight.embed(normal(3, 8))
    with pytest.raises(ShapeError, match=r"expected outputs \(N, numbers\), got \(9, 0\)"):
        insight.embed(normal(9, 0))
    with pytest.raises(SpecError, match="^method: expected one of pca, tsne, got 'umap'"):
        insight.embed(normal(9, 8), "umap")


# --- figures --------------------------------------------------------------------------------------


def weights_of(layers, epochs, count=400):
    return {
        f"layer{k}": {epoch: normal(count, seed=k) * (1 + epoch) / (k + 1) for epoch in epochs}
        for k in range(layers)
    }


def plane(count, classes, names, wrong=0.1, images=None):
    generator = np.random.default_rng(count)
    labels = generator.integers(0, classes, count)
    answers = np.where(generator.random(count) < wrong, (labels + 1) % classes, labels)
    points = normal(classes, 2, seed=1)[labels] * 5 + normal(count, 2, seed=2)
    more = {"images": generator.integers(0, 256, (count, *images), np.uint8)} if images else {}
    return viz.embedding, (points, labels, answers, names[:classes]), more


FIGURES = {
    "weights": [
        (viz.weights, (weights_of(5, [6]),), {}),
        (viz.weights, (weights_of(1, [1], 1),), {}),
        (viz.weights, (weights_of(60, [1]),), {}),
        (viz.weights, ({LONG[0]: {1: np.zeros(30)}, "b": {1: [np.nan, 1e-9, np.inf]}},), {}),
        (viz.weights, (weights_of(5, [0, 1, 2, 3, 4, 5, 6, 7]),), {}),
        (viz.weights, (weights_of(1, [0, 1]),), {}),
        (viz.weights, (weights_of(30, [0, 7, 700]),), {}),
    ],
    "embedding": [
        (*plane(360, 10, SHORT, images=(1, 28, 28))[:2],
         plane(360, 10, SHORT, images=(1, 28, 28))[2] | {"ink": True, "axes": ("first", "second")}),
        plane(24, 3, LONG, 0.6, (3, 20, 32)),
        plane(500, 100, LONG, 0.5),
        plane(300, 40, SHORT, 1.0),
        plane(1, 2, SHORT, 0.0, (1, 8, 8)),
        (viz.embedding, (np.zeros((9, 2)), np.arange(9) % 3, np.zeros(9, int), LONG[:3]), {}),
        (viz.embedding, (np.eye(2) * 1e9, np.arange(2), np.arange(2), ["$5", "a_b"]),
         {"axes": (SENTENCE, SENTENCE * 3)}),
    ],
    "filters": [
        (viz.filters, (normal(6, 1, 5, 5),), {"before": normal(6, 1, 5, 5, seed=1)}),
        (viz.filters, (normal(16, 16, 3, 3),), {"before": normal(16, 16, 3, 3, seed=1)}),
        (viz.filters, (normal(64, 3, 7, 7),),
         {"before": np.zeros((64, 3, 7, 7)), "channels": ("red", "green", "blue")}),
        (viz.filters, (normal(1, 3, 5, 5),), {"alone": True, "channels": ("red", "green", "blue")}),
        (viz.filters, (normal(1, 512, 3, 3),), {"alone": True, "before": normal(1, 512, 3, 3)}),
        (viz.filters, (normal(512, 2, 1, 1),), {"before": normal(512, 2, 1, 1)}),
        (viz.filters, (normal(16, 6, 5, 5),), {"connected": np.tri(16, 6)}),
        (viz.filters, (normal(12, 3, 5, 5),), {"labels": ["before training"]}),
        (viz.filters, (normal(3, 2, 1, 9),), {"before": np.full((3, 2, 1, 9), np.nan)}),
    ],
    "maps": [
        (viz.feature_maps, (normal(100, 14, 14),), {"order": "strongest", "notes": [SENTENCE]}),
        (viz.feature_maps, (normal(6, 3, 3),), {"order": "strongest", "notes": [SENTENCE * 4]}),
        (viz.feature_maps, (normal(84),), {"notes": [SENTENCE]}),
        (viz.feature_maps, (normal(84),), {"order": "strongest", "notes": [SENTENCE]}),
        (viz.journey, (normal(1, 28, 28), [("a", normal(64, 9, 9)), ("b", normal(84))]),
         {"order": "strongest", "notes": [SENTENCE], "probabilities": [0.2, 0.8]}),
        (viz.feature_maps, (normal(64, 9, 14),), {"own_scales": True, "notes": [SENTENCE] * 2}),
        (viz.feature_maps, (np.abs(normal(5, 40, 3)),), {"own_scales": True}),
        (viz.feature_maps, (1e-7 * normal(1, 3, 40),), {"own_scales": True}),
    ],
}  # fmt: skip
CASES = [
    pytest.param(case, SIZES[(index + more) % len(SIZES)], id=f"{kind}-{index}-{more}")
    for kind, cases in FIGURES.items()
    for index, case in enumerate(cases)
    for more in range(2)
]


@pytest.mark.sample(12)
@pytest.mark.parametrize(("case", "size"), CASES)
def test_text_neither_overlaps_nor_leaves_the_canvas_nor_is_too_small(case, size, assert_legible):
    function, arrays, more = case
    theme = ("light", "dark", "transparent")[SIZES.index(size) % 3]
    assert_legible(function(*arrays, **HEAD, **more, size=size, theme=theme), size)


def test_weight_numbers():
    values = normal(30, 40) * 0.01
    found = viz.WeightNumbers.of(values)
    assert found.count == 1200 and found.not_finite == 0
    assert found.mean == pytest.approx(values.mean())
    assert found.deviation == pytest.approx(np.sqrt(((values - values.mean()) ** 2).mean()))
    assert found.near_zero == (np.abs(values) < 0.001).sum() / 1200
    broken = viz.WeightNumbers.of([1.0, np.nan, 3.0, np.inf])
    assert (broken.count, broken.not_finite, broken.mean, broken.near_zero) == (4, 2, 2.0, 0.0)


def test_the_numbers_stand_beside_the_histograms():
    layers = {"one": {3: [-0.5, 0.0004, 0.5, 1.0]}, "two": {3: np.full(2000, 0.25)}}
    texts = said(viz.weights(layers, **HEAD))
    assert {"one", "two", "4", "2,000", "0.25", "≈0.559", "25.00 %", "0.00 %", "−1", "1"} <= {
        *texts
    }
    by_epoch = {"one": {0: [-1.0, 1.0], 4: [-0.0009, 0.0009]}}
    texts = said(viz.weights(by_epoch, **HEAD))
    assert "std. dev. 1 → 9 × 10⁻⁴" in texts and "|w| < 0.001: 0.00 % → 100.00 %" in texts
    assert {"before", "epoch 4"} <= {*texts}
    both = by_epoch | {"two": {0: [1.0], 4: [2.0]}}
    assert any("each layer its own axis and height" in t for t in said(viz.weights(both, **HEAD)))


def test_mistakes_in_the_plane_are_named():
    points = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])
    figure = viz.embedding(points, [0, 1, 2, 0], [0, 1, 0, 0], ["cat", "dog", "cow"], **HEAD)
    texts = said(figure)
    assert "cow → cat" in texts and "mistake: true class → answer" in texts
    assert [text for text in texts if "→ dog" in text or "cat →" in text] == []
    right = viz.embedding(points, [0, 1, 2, 0], [0, 1, 2, 0], ["cat", "dog", "cow"], **HEAD)
    assert "no mistakes" in said(right)


def rings(figure):
    """How many outlines without a filling are in a figure."""
    collections = [collection for axes in figure.axes for collection in axes.collections]
    return sum(len(c.get_paths()) for c in collections if not len(c.get_facecolor()))


def test_many_mistakes_are_ringed_and_not_named():
    count = 40
    points, labels = normal(count, 2), np.arange(count) % 3
    names = ["cat", "dog", "cow"]
    for wrong, named in ((5, True), (30, False)):
        answers = np.where(np.arange(count) < wrong, (labels + 1) % 3, labels)
        figure = viz.embedding(points, labels, answers, names, **HEAD)
        pairs = [text for text in said(figure) if re.fullmatch(r"\w+ → \w+", text)]
        assert (len(pairs) > 0) == named
        assert rings(figure) == wrong + 1  # and one at the foot that explains them
        assert any(text.startswith("mistake") for text in said(figure))


@pytest.mark.parametrize("names", [SHORT[:20], LONG[:24]], ids=["written", "shapes"])
def test_every_class_has_a_mark_of_its_own(names):
    labels = np.arange(len(names))
    figure = viz.embedding(normal(len(names), 2) * 9, labels, labels, names, **HEAD)
    drawn = max(
        (collection for axes in figure.axes for collection in axes.collections),
        key=lambda collection: len(collection.get_paths()),
    )
    shapes = [path.vertices - path.vertices.mean(axis=0) for path in drawn.get_paths()]
    looks = list(zip(drawn.get_facecolor(), shapes, strict=True))
    assert len(looks) == len(names)
    for one, other in itertools.combinations(looks, 2):
        alike = [np.abs(a - b).max() < 0.2 for a, b in zip(one, other, strict=True)]
        assert not all(alike)


def test_both_directions_of_the_plane_have_one_scale():
    points = np.array([[0, 0], [4, 0], [0, 1.0]])
    figure = viz.embedding(points, [0, 0, 0], [0, 0, 0], ["a"], **HEAD)
    dots = max(
        (path for axes in figure.axes for path in axes.collections),
        key=lambda path: len(path.get_paths()),
    )
    x, y = np.array([path.vertices[:-1].mean(axis=0) for path in dots.get_paths()]).T
    assert x[1] - x[0] == pytest.approx(4 * (y[0] - y[2])) and x[1] - x[0] > 300


def test_before_and_after_have_one_format_and_one_scale():
    before, after = np.full((1, 1, 2, 2), 0.5), np.full((1, 1, 2, 2), -12.0)
    texts = said(viz.filters(after, before=before, labels=("then", "now"), **HEAD))
    assert {"then", "now", "0.5", "−12.0", "−12", "12"} <= {*texts}
    # What training changed has a scale of its own.
    assert {"after − before", "change", "−12.5", "12.5"} <= {*texts}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_change_is_after_minus_before(theme):
    before, change = normal(3, 2, 3, 3), 0.01 * normal(3, 2, 3, 3, seed=1)
    figure = viz.filters(before + change, before=before, theme=theme, **HEAD)
    tiles = [rgb for rgb in pictures(figure)[0] if rgb.shape == (3, 3, 3)]
    alone = viz.filters(change, theme=theme, **HEAD)
    expected = [rgb for rgb in pictures(alone)[0] if rgb.shape == (3, 3, 3)]
    assert len(tiles) == 18 and len(expected) == 6
    for one, other in zip(tiles[12:], expected, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 3


@pytest.mark.parametrize("size", ["animation", "small"])
def test_the_frames_of_filters_stand_still(size):
    frames = [
        viz.filters(
            normal(12, 3, 5, 5, seed=epoch),
            labels=[f"after epoch {epoch} of 100" if epoch else "before training"],
            limit=4,
            numbers=False,
            size=size,
            **HEAD,
        )
        for epoch in (0, 9, 100)
    ]
    extents = [pictures(frame)[1] for frame in frames]
    assert extents[0] == extents[1] == extents[2] and len(extents[0]) == 36 + 1
    assert "after epoch 9 of 100" in said(frames[1])


def test_filters_that_are_not_connected_are_left_empty():
    weights = np.ones((2, 2, 2, 2))
    figure = viz.filters(weights, connected=[[True, False], [True, True]], **HEAD)
    assert any("dashed: not connected" in text for text in said(figure))
    assert said(figure).count("1") - 2 * 1 >= 3 * 4  # three kernels, and the numbers around them
    whole = viz.filters(weights, **HEAD)
    assert said(whole).count("1") - said(figure).count("1") == 4


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: viz.weights({}, **HEAD), "weights of the same epochs for each layer, got 0"),
        (lambda: viz.weights({"a": {1: [1]}, "b": {2: [1]}}, **HEAD), "for each layer, got 2"),
        (lambda: viz.weights({"a": {1: []}}, **HEAD), "got none of some"),
        (lambda: viz.embedding(normal(3, 3), [0], [0], ["a"], **HEAD), r"\(N, 2\), got \(3, 3\)"),
        (lambda: viz.embedding([[0, np.nan]], [0], [0], ["a"], **HEAD), "expected finite points"),
        (lambda: viz.embedding([[0, 1]], [1], [0], ["a"], **HEAD), r"labels \(1,\) from 0 to 0"),
        (lambda: viz.embedding([[0, 1]], [0], [0, 0], ["a"], **HEAD), r"answers \(1,\)"),
        (
            lambda: viz.filters(normal(2, 2, 3, 3), before=normal(2, 2, 3, 2), **HEAD),
            r"earlier weights \(2, 2, 3, 3\), got \(2, 2, 3, 2\)",
        ),
        (
            lambda: viz.filters(normal(2, 2, 3, 3), connected=np.ones((2, 3)), **HEAD),
            r"expected connections \(2, 2\), got \(2, 3\)",
        ),
        (lambda: viz.filters(normal(2, 2, 3, 3), alone=True, **HEAD), "alone, got 2"),
    ],
)
def test_what_figures_refuse(draw, message):
    with pytest.raises(ShapeError, match=message):
        draw()


# --- the commands ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """The folder of a run with snapshots that the command itself can load: digits, 2 epochs."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "small.toml").write_text(SMALL)
    settings = Settings(model=str(folder / "small.toml"), epochs=2)
    train(folder / "run", Trainer(settings, training.prepare(settings)), snapshots=True)
    return folder / "run"


def numbers_of(convlab, name):
    return json.loads((convlab.folder / name).read_text())


def test_pictures_from_snapshots(convlab, real):
    convlab.works("render", "filters", real, "-o", "f.gif", "--json-file", "f.json")
    convlab.works("render", "filters", real, "--before", "--json-file", "b.json")
    convlab.works("render", "weights", real, "--epochs", "--json-file", "w.json")
    states = [training.snapshot(real, epoch) for epoch in (0, 1, 2)]
    with Image.open(convlab.folder / "f.gif") as picture:
        assert (picture.n_frames, picture.size) == (3, (800, 450))
    frames = numbers_of(convlab, "f.json")["weights"]["by epoch"]
    for epoch, state in enumerate(states):
        assert np.array_equal(np.float32(frames[str(epoch)]), state["conv.weight"])
    found = numbers_of(convlab, "b.json")
    assert np.array_equal(np.float32(found["weights"]["before training"]), states[0]["conv.weight"])
    changed = np.float32(found["weights"]["weight"]) - states[0]["conv.weight"]
    assert np.array_equal(np.float32(found["result"]["after minus before"]), changed)
    by_layer = numbers_of(convlab, "w.json")["result"]
    assert list(by_layer) == ["conv", "dense"] and list(by_layer["conv"]) == ["0", "1", "2"]
    assert by_layer["dense"]["2"]["mean"] == pytest.approx(states[2]["dense.weight"].mean())


def test_features_and_embedding_write_their_numbers(convlab, real):
    journey = ("test:3", "--dead", "--images", "50", "--npz", "all.npz", "--json-file", "f.json")
    plane = ("--images", "60", "--json-file", "e.json", "--alt")
    out, described = (
        convlab.works("render", "features", real, *journey),
        convlab.works("render", "embedding", real, *plane),
    )
    assert out == "wrote features.png\n"
    run, (_, test) = training.load(real), data.load("digits")
    every = {a.name: a.array for a in insight.trace(run.network, run.network_input(test.images[3]))}
    with np.load(convlab.folder / "all.npz") as arrays:
        assert set(arrays) == {*every, "image", "network_input", "probabilities"}
        assert same({k: arrays[k] for k in every}, every)
        assert np.array_equal(arrays["image"], test.images[3])
        assert arrays["probabilities"].sum() == pytest.approx(1, abs=1e-5)
    found = numbers_of(convlab, "f.json")
    assert (found["parameters"]["order"], found["parameters"]["test images"]) == ("number", 50)
    assert found["result"]["0 everywhere on this image"]["relu"] == [
        k for k in range(4) if not every["relu"][k].any()
    ]
    assert "flatten1" not in found["result"]["0 everywhere on the test images"]
    found = numbers_of(convlab, "e.json")
    outputs = np.array(found["result"]["outputs"])
    u, s, _ = np.linalg.svd(outputs - outputs.mean(axis=0), full_matrices=False)
    points = np.array(found["result"]["points"])
    assert outputs.shape == (60, 36) and np.allclose(abs(points), abs(u * s)[:, :2], atol=1e-4)
    wrong = int((np.array(found["inputs"]["labels"]) != found["result"]["answers"]).sum())
    share = f"{100 * s[0] ** 2 / (s**2).sum():.1f} %"
    assert described.startswith("PCA of pool: small trained on digits; " + share)
    assert f"60 of 360 test images, {wrong} mistake" in described


@pytest.mark.slow
def test_train_with_snapshots_on_coloured_pictures_of_another_size(convlab, tmp_path):
    generator = np.random.default_rng(0)
    for name, level in (("dark", 70), ("light", 170)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for number in range(12):
            noise = np.clip(generator.normal(level, 20, (36, 44, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / "own" / name / f"{number:02}.png")
    (tmp_path / "small.toml").write_text(SMALL)
    words = ("--model", "small.toml", "--data", "own", "--epochs", 1, "--snapshots")
    convlab.works("train", *words, "-o", "run", "--quiet", "--json")
    assert training.snapshot_epochs(tmp_path / "run") == [1]
    strongest = ("-o", "f.svg", "--scale", "map", "--dead", "--images", 2, "--json-file", "f.json")
    convlab.works("render", "embedding", "run", "--method", "tsne", "--size", "small")
    convlab.works("render", "features", "run", "test:0", "--layer", "relu", *strongest)
    drawn = (convlab.folder / "f.svg").read_text(encoding="utf-8")
    assert "10 × 13 × 4, strongest first, each map on its own scale, dark to bright" in drawn
    found = numbers_of(convlab, "f.json")
    parameters, silent = found["parameters"], found["result"]["0 everywhere on the test images"]
    assert (parameters["order"], parameters["scale"]) == ("strongest", "map")
    listed = f": {', '.join(map(str, silent['relu']))}" if silent["relu"] else "none"
    assert f"0 everywhere on {parameters['test images']} of" in drawn and listed in drawn


def test_what_the_pictures_refuse(convlab, bare):
    refused = {
        ("filters", bare, "-o", "f.gif"): "it has no snapshots; train it with convlab train --sna",
        ("filters", bare, "--filter", 4): "filter: expected 0 to 3 of conv, got 4",
        ("features", bare, "test:0", "--scale", "map"): "scale: expected a layer with scale map",
        ("weights", bare, "--layer", "relu"): "expected one with weights, conv, dense, got 'relu'",
        ("embedding", bare, "--layer", "conv9"): "layer: expected one of conv, relu, pool",
    }
    errors = [convlab.fails("render", *words) for words in refused]
    for error, message in zip(errors, refused.values(), strict=True):
        assert message in error
    assert list(convlab.folder.iterdir()) == []
    message = convlab.misused("train", "--resume", bare, "--snapshots")
    assert message == "--resume goes on with the run's own settings; drop --snapshots"


def test_settings_know_nothing_of_snapshots():
    assert "snapshots" not in {field.name for field in dataclasses.fields(Settings)}
