"""Experiments on how a network is trained: activations, batches, dropout, augmentation, edges."""

import math

import numpy as np
import pytest

from convlab import data, experiments, training, viz
from convlab.errors import ShapeError, SpecError
from convlab.experiments import (
    activation,
    augmentation,
    batch_size,
    dropout,
    fitting,
    learn_an_edge,
)

SIZES = ("slide", "animation", "small", "paper", "paper-wide")


def around(mean, spread=0.002):
    """Three figures of a given mean and standard deviation."""
    return [mean - spread, mean, mean + spread]


def answer(name, records):
    """Table and verdict of an experiment for hand-made records."""
    experiment = experiments.find(name)
    table = experiment.table(records)
    return table, experiment.verdict(table)


def assert_drawn(name, records, assert_legible):
    """Its picture in all sizes and themes."""
    experiment = experiments.find(name)
    result = experiment.result("quick", records, 1.0)
    themes = ("light", "dark", "dark", "light", "transparent")
    for size, theme in zip(SIZES, themes, strict=True):
        assert_legible(experiment.figure(result, theme=theme, size=size), size)


# --- seen from both sides -------------------------------------------------------------------

TINY = {"model": "dense", "data": "digits", "limit": 10, "batch_size": 32, "epochs": 2}


def test_both_sides_of_a_training():
    trainer = fitting.fit(TINY)
    found = fitting.both_sides(trainer)
    task = trainer.task
    for split, images in (("train", task.train), ("test", task.test)):
        x = images.images.astype(float) * task.scaling.scale[0] + task.scaling.offset[0]
        values = x.reshape(len(x), -1)
        for layer in (trainer.network.fc1, trainer.network.fc2, trainer.network.fc3):
            values = values @ layer.weight.numpy().T + layer.bias.numpy()
            values = np.maximum(values, 0) if layer is not trainer.network.fc3 else values
        right = values.argmax(axis=1) == images.labels
        own = values[np.arange(len(values)), images.labels]
        loss = (np.log(np.exp(values).sum(axis=1)) - own).mean()
        assert found[f"{split}_accuracy"] == pytest.approx(right.mean())
        assert found[f"{split}_loss"] == pytest.approx(loss, rel=1e-4)
    assert found["gap"] == pytest.approx(found["test_loss"] - found["train_loss"])
    assert (found["images"], found["epochs_trained"]) == (90, 2)


@pytest.mark.parametrize(("updates", "epochs"), [(1, 1 / 3), (3, 1), (4, 4 / 3)])
def test_a_training_stops_after_so_many_updates(updates, epochs):
    trainer = fitting.fit(TINY, updates=updates)  # 90 images: 3 batches
    assert set(trainer.optimizer.steps) == {updates}
    assert fitting.both_sides(trainer)["epochs_trained"] == pytest.approx(epochs)


# --- activation -----------------------------------------------------------------------------


def activations(losses, steps=(1.0, 1.25, 1.25)):
    """Records with a last loss by activation and rate; two epochs, two layers."""
    records = [
        {
            "activation": name,
            "rate": rate,
            "seed": seed,
            "epochs": 2,
            "loss_by_epoch": [2.0, loss],
            "train_loss": loss,
            "test_accuracy": 0.9,
            "gradients": [0.5 * (seed + 1), 0.1, 0.1, 0.1, 0.5],
        }
        for name, by_rate in losses.items()
        for rate, mean in by_rate.items()
        for seed, loss in enumerate(around(mean))
    ]
    times = dict(zip(losses, steps, strict=True))
    timed = {"activation": "time of a step", "epochs": 2, "step_seconds": times}
    return [*records, timed, timed]


def rates(loss):
    """The loss at the best of the rates."""
    return {0.01: loss, 0.03: loss + 1, 0.1: loss + 0.5}


@pytest.mark.parametrize(
    ("relu", "tanh", "sigmoid", "holds", "words"),
    [
        (0.1, 0.5, 0.9, True, "ReLU learns fastest, by epoch and by time"),
        (0.5, 0.1, 0.9, False, "Not here, ReLU learns slower than tanh by epoch and time:"),
        (0.9, 0.1, 0.5, False, "slower than tanh and sigmoid by epoch and time:"),
        (0.5, 0.5, 0.9, None, "Undecided against tanh, but faster than sigmoid"),
        (0.5, 0.5, 0.5, None, "Undecided against tanh and sigmoid"),
    ],
)
def test_activation(relu, tanh, sigmoid, holds, words):
    # Steps of one length, or the slower ones would have a larger loss in the same time.
    records = activations(
        {"ReLU": rates(relu), "tanh": rates(tanh), "sigmoid": rates(sigmoid)}, (1.0, 1.0, 1.0)
    )
    table, verdict = answer("activation", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"ReLU {relu:.4f} ± 0.0020" in verdict.text
    assert [row["rate"] for row in table.rows] == [0.01] * 3
    # 0.5, 1 and 1.5 against 0.5.
    assert table.row(activation="ReLU")["gradient"].values == (1, 2, 3)


def test_a_slower_step_counts_in_equal_time():
    losses = {"ReLU": rates(0.5), "tanh": rates(0.5), "sigmoid": rates(0.5)}
    table, verdict = answer("activation", activations(losses))
    tanh = table.row(activation="tanh")
    assert tanh["time"].values == (1.25, 1.25)
    assert tanh["loss"].mean == pytest.approx(0.5)
    # Two epochs of ReLU are 1.6 of tanh: 2.0 + 0.6 (0.5 - 2.0).
    assert tanh["loss_in_time"].mean == pytest.approx(1.1)
    assert tanh["times"] == [2]
    assert tanh["by_time"][0] == pytest.approx(
        [v - 0.6 * 0.002 * k for v, k in zip([1.1] * 3, (1, 0, -1), strict=True)]
    )
    assert verdict.holds is None


def test_faster_by_epoch_need_not_be_faster_by_time():
    losses = {"ReLU": rates(0.5), "tanh": rates(0.4), "sigmoid": rates(0.9)}
    _, verdict = answer("activation", activations(losses))
    # In equal time tanh is at 2.0 + 0.6 (0.4 - 2.0) = 1.04.
    assert verdict.holds is False
    assert "ReLU learns slower than tanh by epoch:" in verdict.text


def test_activation_is_drawn(assert_legible):
    losses = {"ReLU": rates(0.1), "tanh": rates(0.5), "sigmoid": rates(2.3)}
    assert_drawn("activation", activations(losses), assert_legible)


def test_the_gradients_of_a_fresh_network():
    torch = pytest.importorskip("torch")
    trial = {"spec": activation._lenet5("tanh"), "data": "digits", "limit": 5, "seed": 3}
    trainer = fitting.trainer_of(trial)
    found = activation._gradients(trainer)
    state = {
        k: torch.tensor(v, requires_grad=True) for k, v in trainer.network.state_dict().items()
    }
    task = trainer.task
    x = data.to_floats(task.train.images, task.scaling)
    y = torch.tensor(np.ascontiguousarray(x))
    functional = torch.nn.functional
    for name, padding in (("conv1", 2), ("conv2", 0)):
        y = functional.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)
        y = functional.max_pool2d(torch.tanh(y), 2)
    y = y.flatten(1)
    for name in ("fc1", "fc2", "fc3"):
        y = functional.linear(y, state[f"{name}.weight"], state[f"{name}.bias"])
        y = y if name == "fc3" else torch.tanh(y)
    functional.cross_entropy(y, torch.tensor(task.train.labels)).backward()
    layers = ("conv1", "conv2", "fc1", "fc2", "fc3")
    expected = [state[f"{n}.weight"].grad.square().mean().sqrt().item() for n in layers]
    assert found == pytest.approx(expected, rel=1e-3)
    assert all(p.grad is None for p in trainer.network.parameters())


# --- batch size -----------------------------------------------------------------------------


def batches(figures):
    """Records from (training loss, gap) by what is fixed, of the smallest and the largest batch."""
    records = [
        {
            "fixed": fixed,
            "batch_size": size,
            fixed: {"epochs": 8, "updates": 184}[fixed],
            "seed": seed,
            "images": 360,
            "epochs_trained": 8.0,
            "train_loss": train,
            "test_loss": train + gap,
            "gap": gap,
            "test_accuracy": 0.9,
        }
        for fixed, ends in figures.items()
        for size, at in zip(batch_size.SIZES, (0, 0, 1, 1), strict=True)
        for seed, (train, gap) in enumerate(zip(*map(around, ends[at]), strict=True))
    ]
    seconds = {"4": 0.004, "16": 0.008, "64": 0.016, "256": 0.064}
    return [*records, {"fixed": "time of a step", "step_seconds": seconds}]


@pytest.mark.parametrize(
    ("epochs", "updates", "holds", "words"),
    [
        (((0.1, 0.3), (1.0, 0.1)), ((0.1, 0.3), (1.0, 0.1)), True, "Large batches underfit and"),
        (((0.1, 0.3), (1.0, 0.1)), ((1.0, 0.2), (0.1, 0.2)), False, "the number of updates, not"),
        (((1.0, 0.3), (0.1, 0.1)), ((0.1, 0.3), (1.0, 0.1)), False, "Not here"),
        (((0.1, 0.3), (1.0, 0.3)), ((0.1, 0.3), (1.0, 0.1)), None, "Undecided"),
        (((0.1, 0.3), (1.0, 0.1)), ((0.1, 0.2), (0.1, 0.2)), None, "Undecided"),
    ],
)
def test_batch_size(epochs, updates, holds, words):
    table, verdict = answer("batch-size", batches({"epochs": epochs, "updates": updates}))
    assert verdict.holds is holds
    assert words in verdict.text
    assert (
        f"after 8 epochs batches of 256 have a training loss of {epochs[1][0]:.4f}" in verdict.text
    )
    small, large = (table.row(fixed="8 epochs", batch_size=size) for size in (4, 256))
    # 0.004 s for 4 images against 0.064 s for 256.
    assert (small["time"].mean, large["time"].mean) == (pytest.approx(4), 1)
    assert (small["updates"], large["updates"]) == (8 * 90, 8 * 2)


def test_batch_size_is_drawn(assert_legible):
    figures = {"epochs": ((0.1, 0.3), (1.0, 0.1)), "updates": ((1.0, 0.2), (0.1, 0.2))}
    assert_drawn("batch-size", batches(figures), assert_legible)


# --- dropout --------------------------------------------------------------------------------


def dropped(little, much):
    """Records from (training loss, gap) without dropout and with it, by the amount of data."""
    records = [
        {
            "amount": amount,
            "dropout": rate,
            "seed": seed,
            "images": images,
            "train_loss": train,
            "test_loss": train + gap,
            "gap": gap,
            "test_accuracy": 0.9,
        }
        for amount, images, ends in (("little", 180, little), ("much", 1293, much))
        for rate in dropout.RATES
        for seed, (train, gap) in enumerate(zip(*map(around, ends[rate >= 0.5]), strict=True))
    ]
    seconds = {str(rate): 0.01 + rate / 100 for rate in dropout.RATES}
    return [*records, {"amount": "time of a step", "step_seconds": seconds}]


@pytest.mark.parametrize(
    ("little", "much", "holds", "words"),
    [
        (((0.0, 0.5), (0.1, 0.2)), ((0.0, 0.2), (0.1, 0.2)), True, "Less overfitting on little"),
        (((0.0, 0.2), (0.1, 0.3)), ((0.0, 0.2), (0.1, 0.2)), False, "Not here"),
        (((0.0, 0.5), (0.1, 0.2)), ((0.1, 0.2), (0.0, 0.2)), False, "Not here"),
        (((0.0, 0.5), (0.3, 0.2)), ((0.0, 0.2), (0.1, 0.2)), None, "Undecided"),
    ],
)
def test_dropout(little, much, holds, words):
    table, verdict = answer("dropout", dropped(little, much))
    assert verdict.holds is holds
    assert words in verdict.text
    assert "with 180 images dropout of 0.5 takes the test loss from" in verdict.text
    assert "a training step takes 1.5 times as long" in verdict.text
    assert [row["time"].mean for row in table.rows[:4]] == pytest.approx([1, 1.2, 1.5, 1.8])


def test_dropout_is_drawn(assert_legible):
    records = dropped(((0.0, 0.5), (0.1, 0.2)), ((0.0, 0.2), (0.1, 0.2)))
    assert_drawn("dropout", records, assert_legible)


# --- augmentation ---------------------------------------------------------------------------


def augmented(by_source):
    """Records from accuracies by source and change."""
    return [
        {
            "data": source,
            "changes": changes,
            "seed": seed,
            "images": 540,
            "test_accuracy": accuracy,
            "train_accuracy": 1.0,
            "test_loss": 1 - accuracy,
            "gap": 0.1,
        }
        for source, means in by_source.items()
        for changes, mean in zip(augmentation.CHANGES, means, strict=True)
        for seed, accuracy in enumerate(around(mean))
    ]


@pytest.mark.parametrize(
    ("by_source", "holds", "words"),
    [
        ({"digits": (0.9, 0.95, 0.94, 0.85)}, True, "What keeps the class helps"),
        ({"digits": (0.9, 0.95, 0.94, 0.95)}, False, "flipped helps (95.0 ± 0.2 %)"),
        ({"digits": (0.9, 0.85, 0.94, 0.85)}, False, "shifted hurts (85.0 ± 0.2 %)"),
        ({"digits": (0.9, 0.95, 0.9, 0.85)}, None, "rotated is undecided (90.0 ± 0.2 %)"),
        (
            {"mnist": (0.9, 0.95, 0.94, 0.85), "cats and dogs": (0.6, 0.65, 0.65, 0.65)},
            True,
            "cats and dogs: 60.0 ± 0.2 % as they are, shifted helps",
        ),
        (
            {"mnist": (0.9, 0.95, 0.94, 0.85), "cats and dogs": (0.6, 0.65, 0.65, 0.55)},
            False,
            "Not all of it here",
        ),
    ],
)
def test_augmentation(by_source, holds, words):
    _, verdict = answer("augmentation", augmented(by_source))
    assert verdict.holds is holds
    assert words in verdict.text


def test_augmentation_is_drawn(assert_legible):
    by_source = {"mnist": (0.9, 0.95, 0.9, 0.85), "cats and dogs": (0.6, 0.65, 0.65, 0.65)}
    assert_drawn("augmentation", augmented(by_source), assert_legible)


def test_cats_and_dogs_of_the_users_folder(tmp_path, monkeypatch):
    from PIL import Image

    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "cats-dogs" / split / name
            folder.mkdir(parents=True)
            Image.new("RGB", (32, 32), "red").save(folder / "1.png")
    monkeypatch.setenv("CONVLAB_DATA_DIR", str(tmp_path))
    train, test = augmentation._pets()
    assert train.classes == test.classes == ("cat", "dog")
    assert train.image_shape == (3, 32, 32)


# --- learn an edge --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "middle"),
    [
        ("sobel-x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
        ("scharr-x", [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]),
    ],
)
def test_the_true_kernels(name, middle):
    kernel = learn_an_edge._true_kernel(name)
    assert kernel[1:4, 1:4].tolist() == middle
    assert np.abs(kernel).sum() == np.abs(middle).sum()


def test_the_true_gaussian():
    ndimage = pytest.importorskip("scipy.ndimage")
    impulse = np.zeros((5, 5))
    impulse[2, 2] = 1
    expected = ndimage.gaussian_filter(impulse, 0.6, mode="constant")
    assert learn_an_edge._true_kernel("gaussian:0.6") == pytest.approx(expected, abs=1e-6)


def test_a_few_steps_are_those_of_numpy():
    """Gradient descent with momentum on the same pieces, written out with NumPy."""
    trial = {"kernel": "sobel-x", "pictures": "photograph", "steps": 4, "rate": 0.02, "seed": 1}
    found = learn_an_edge._measure(trial)
    assert found["at"] == [0, 1, 2, 4]
    before = data.photograph("china").mean(axis=2)
    before = (before - before.mean()) / before.std()
    kernel, velocity = np.array(found["kernels"][0]), np.zeros((5, 5))
    true = np.pad([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], 1)
    generator = np.random.default_rng(1)
    learned = []
    for _ in range(5):
        learned.append(kernel.copy())
        _, rows, columns = (generator.integers(0, end, 8) for end in (1, 400, 613))
        gradient = np.zeros((5, 5))
        for y, x in zip(rows, columns, strict=True):
            piece = before[y : y + 28, x : x + 28]
            windows = np.lib.stride_tricks.sliding_window_view(piece, (5, 5))
            wrong = (windows * (kernel - true)).sum(axis=(2, 3))
            gradient += 2 * (windows * wrong[..., None, None]).sum(axis=(0, 1)) / (8 * 24 * 24)
        velocity = 0.9 * velocity + gradient
        kernel = kernel - 0.02 * velocity
    expected = [learned[step] for step in (0, 1, 2, 4)]
    assert np.array(found["kernels"]) == pytest.approx(np.array(expected), abs=1e-5)
    lengths = [np.linalg.norm(one - true) / math.sqrt(12) for one in expected]
    assert found["distances"] == pytest.approx(lengths, rel=1e-4)
    assert found["distance"] == found["distances"][-1]


def learned(**ends):
    """Records of two seeds for each kernel, from the last distance by pictures."""
    true = {name: learn_an_edge._true_kernel(name) for name in learn_an_edge.KERNELS}
    return [
        {
            "kernel": name,
            "pictures": source,
            "steps": 100,
            "seed": seed,
            "at": [0, 30, 100],
            "kernels": [np.zeros((5, 5)).tolist(), (kernel / 2).tolist(), kernel.tolist()],
            "distances": [1.0, 0.5, end],
            "distance": end,
            "loss": 0.01,
            "true": kernel.tolist(),
        }
        for source, by_seed in ends.items()
        for name, kernel in true.items()
        for seed, end in enumerate(by_seed)
    ]


@pytest.mark.parametrize(
    ("ends", "holds", "words"),
    [
        ({"photograph": (0.001, 0.002)}, True, "Gradient descent finds every kernel"),
        ({"photograph": (0.001, 0.002), "digits": (0.1, 0.2)}, False, "Not from the digits"),
        ({"photograph": (0.001, 0.002), "digits": (0.008, 0.012)}, None, "Undecided"),
        ({"photograph": (0.1, 0.2), "digits": (0.1, 0.2)}, False, "the photograph and the digits"),
    ],
)
def test_learn_an_edge(ends, holds, words):
    table, verdict = answer("learn-an-edge", learned(**ends))
    assert verdict.holds is holds
    assert words in verdict.text
    row = table.row(pictures="photograph", kernel="sobel-x")
    assert row["found"] == (100 if ends["photograph"][1] < 0.01 else None)


def test_learn_an_edge_is_drawn_and_moves(assert_legible):
    records = learned(photograph=(0.001, 0.002), digits=(0.1, 0.2))
    assert_drawn("learn-an-edge", records, assert_legible)
    experiment = experiments.find("learn-an-edge")
    result = experiment.result("quick", records, 1.0)
    frames = experiment.frames(result, theme="light", size="animation")
    assert len(frames) == 3
    for frame in frames:
        assert_legible(frame, "animation")
    content = viz.animation_bytes(frames, ".gif", description="kernels")
    assert content[:6] == b"GIF89a"
    assert len(content) < 1_000_000


# --- panels ---------------------------------------------------------------------------------


def panel(title="A panel", names=("one", "two")):
    lines = [viz.MeasuredLine(name, [1, 2, 3], [[at, at + 1] for at in range(3)]) for name in names]
    return viz.LinePanel(title, lines, "epoch", "loss")


@pytest.mark.parametrize("count", [1, 3, 7])
def test_panels_are_legible(count, assert_legible):
    for size in SIZES:
        figure = viz.line_panels(
            [panel(f"Panel {at} with a long title of its own") for at in range(count)],
            title="Panels",
            verdict="What they say goes on and on. " * 6,
            note="How it was measured. " * 6,
            size=size,
        )
        assert_legible(figure, size)


def test_panels_without_lines():
    for panels in ([], [panel(), panel(names=())]):
        with pytest.raises(SpecError, match="at least one panel, each with a line"):
            viz.line_panels(panels, title="", verdict="")


def test_columns_of_other_lengths():
    column = viz.KernelColumn("step 1", [np.eye(3)], ["0.5"])
    with pytest.raises(ShapeError, match="expected 2 kernels and notes in the column step 1"):
        viz.learned_kernels(["a", "b"], [column], panel(), title="", verdict="")
    with pytest.raises(ShapeError, match="at least one name"):
        viz.learned_kernels([], [], panel(), title="", verdict="")


# --- plans ----------------------------------------------------------------------------------

NAMES = ("activation", "batch-size", "dropout", "augmentation")


@pytest.mark.parametrize("name", NAMES)
def test_every_network_of_a_plan_can_be_built(name):
    experiment = experiments.find(name)
    for trial in (*experiment.quick.trials, *experiment.full.trials):
        settings = fitting.settings_of(trial)  # raises SpecError for one that is not possible
        assert settings.seed == trial["seed"]
    specs = {trial["spec"] for trial in experiment.quick.trials if "spec" in trial}
    for spec in specs:
        network = training.prepare(
            fitting.settings_of({"limit": 2, "data": "digits"}),
            spec=fitting.models.Spec(spec, "network", "spec"),
        ).network
        assert network.parameter_count() == 61_706
