"""Experiments on how a network is trained: activations, batches, dropout, augmentation, edges."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from convlab import data, experiments, training, viz
from convlab.errors import DataError, ShapeError, SpecError
from convlab.experiments import (
    activation,
    augmentation,
    batch_size,
    dropout,
    fitting,
    learn_an_edge,
    sources,
)

SIZES = ("slide", "animation", "small", "paper", "paper-wide")


def around(mean, spread=0.002):
    """Three figures of a given mean and standard deviation; a list is the figures themselves."""
    return mean if isinstance(mean, list) else [mean - spread, mean, mean + spread]


def scattered(mean, by=0.03):
    """Three figures so far apart, and in another order, that they decide nothing."""
    return [mean + by, mean - by, mean]


def answer(name, records):
    """Table and verdict of an experiment for hand-made records."""
    experiment = experiments.find(name)
    table = experiment.table(records)
    return table, experiment.verdict(table)


def assert_drawn(name, records, assert_legible):
    """Its picture in all sizes and themes."""
    experiment = experiments.find(name)
    result = experiment.result("quick", experiment.quick, records, 1.0, {})
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
    timed = [
        {"activation": "time of a step", "epochs": 2, "seed": run, "step_seconds": times}
        for run in range(2)
    ]
    return [*records, *timed]


def rates(loss):
    """The loss at the best of the rates."""
    return {0.01: loss, 0.03: 3.0, 0.1: 2.5}


@pytest.mark.parametrize(
    ("relu", "tanh", "sigmoid", "holds", "words"),
    [
        (0.1, 0.5, 0.9, True, "ReLU learns fastest, by epoch and by time: training loss ReLU"),
        (0.5, 0.1, 0.9, False, "that ReLU learns faster than tanh by epoch, and 1 more: training"),
        (0.9, 0.1, 0.5, False, "ReLU learns faster than tanh by epoch, and 3 more: training los"),
        (0.5, 0.52, 0.9, False, "Not so here that ReLU learns faster than tanh by epoch, a"),
        (0.5, scattered(0.6, 0.2), 0.9, None, "Undecided whether ReLU learns faster than tanh by"),
        (0.5, 0.9, scattered(0.6, 0.2), None, "Undecided whether ReLU learns faster than sigmoid"),
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
    # Alike by epoch, but 1.1 against 0.5 by time.
    assert [finding.holds for finding in verdict.findings] == [False, True] * 2
    assert verdict.holds is False


def test_faster_by_epoch_need_not_be_faster_by_time():
    losses = {"ReLU": rates(0.5), "tanh": rates(0.4), "sigmoid": rates(0.9)}
    _, verdict = answer("activation", activations(losses))
    # In equal time tanh is at 2.0 + 0.6 (0.4 - 2.0) = 1.04.
    assert verdict.holds is False
    assert "Not so here that ReLU learns faster than tanh by epoch: training" in verdict.text


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
    return [*records, {"fixed": "time of a step", "seed": 0, "step_seconds": seconds}]


UNDER_OVER = ((0.1, 0.3), (1.0, 0.1))


@pytest.mark.parametrize(
    ("epochs", "updates", "holds", "words"),
    [
        (UNDER_OVER, UNDER_OVER, True, "Large batches underfit and small ones overfit: after 8"),
        (UNDER_OVER, ((1.0, 0.2), (0.1, 0.2)), False, "underfit after 184 updates, and 1 more: af"),
        (
            ((1.0, 0.3), (0.1, 0.1)),
            UNDER_OVER,
            False,
            "that large batches underfit after 8 epochs:",
        ),
        (((0.1, 0.3), (0.102, 0.1)), UNDER_OVER, False, "large batches underfit after 8 epochs:"),
        (((0.1, 0.3), (1.0, 0.295)), UNDER_OVER, False, "small batches overfit after 8 epochs:"),
        (((0.1, scattered(0.13)), (1.0, 0.1)), UNDER_OVER, None, "small batches overfit after 8"),
        (UNDER_OVER, ((0.1, 0.3), ([0.1, 0.2, 0.1], 0.1)), None, "underfit after 184 updates:"),
    ],
)
def test_batch_size(epochs, updates, holds, words):
    table, verdict = answer("batch-size", batches({"epochs": epochs, "updates": updates}))
    assert verdict.holds is holds
    assert words in verdict.text
    assert (
        f"after 8 epochs batches of 256 have a training loss of {epochs[1][0]:.4f} ± 0.0020 and a"
        f" gap to the test of {epochs[1][1]:.4f} ± 0.0020 (batches of 4:" in verdict.text
    )
    small, large = (table.row(fixed="8 epochs", batch_size=size) for size in (4, 256))
    # 0.004 s for 4 images against 0.064 s for 256.
    assert (small["time"].mean, large["time"].mean) == (pytest.approx(4), 1)
    assert (small["updates"], large["updates"]) == (8 * 90, 8 * 2)


def test_batch_size_is_drawn(assert_legible):
    figures = {"epochs": ((0.1, 0.3), (1.0, 0.1)), "updates": ((1.0, 0.2), (0.1, 0.2))}
    assert_drawn("batch-size", batches(figures), assert_legible)


# --- batch normalisation --------------------------------------------------------------------

NORM = "with batch normalisation"


def normalised(figures):
    """Records from (after an epoch, in the end) by rate and network."""
    return [
        {
            "rate": rate,
            "network": name,
            "seed": seed,
            "epochs": 2,
            "images": 1293,
            "by_epoch": [first, 0.5],
            "test_accuracy": right,
        }
        for (rate, name), ends in figures.items()
        for seed, (first, right) in enumerate(zip(*map(around, ends), strict=True))
    ]


def at_rates(usual=(0.5, 0.9), plain=(0.3, 0.9), fast=(0.4, 0.9), lost=(0.1, 0.1)):
    names = (0.01, NORM), (0.01, "without"), (0.1, NORM), (0.1, "without")
    return dict(zip(names, (usual, plain, fast, lost), strict=True))


@pytest.mark.parametrize(
    ("figures", "holds", "words"),
    [
        (
            at_rates(),
            True,
            "It learns faster, and at ten times the rate: at a rate of 0.01 accuracy is",
        ),
        (at_rates(plain=(0.5, 0.9)), False, "Not so here that after an epoch at a rate of 0.01"),
        (at_rates(lost=(0.1, 0.9)), False, "Not so here that at a rate of 0.1 accuracy is higher"),
    ],
)
def test_batch_norm(figures, holds, words):
    _, verdict = answer("batch-norm", normalised(figures))
    assert verdict.holds is holds
    assert words in verdict.text


def test_batch_norm_is_drawn(assert_legible):
    assert_drawn("batch-norm", normalised(at_rates()), assert_legible)


def test_a_training_that_diverges_guesses():
    trial = {**TINY, "network": "without", "rate": 1e9, "schedule": "constant", "seed": 0}
    with np.errstate(all="ignore"):
        found = experiments.find("batch-norm").measure(trial)
    assert found["finite"] is False
    assert found["test_accuracy"] == 0.1 and found["by_epoch"][-1] == 0.1


# --- dropout --------------------------------------------------------------------------------


def dropped(little, much, accuracy=(0.9, 0.9)):
    """Records from (training loss, gap) without dropout and with it, by the amount of data.

    accuracy: on little data, without dropout and with it.
    """
    records = [
        {
            "amount": amount,
            "dropout": rate,
            "seed": seed,
            "images": images,
            "train_loss": train,
            "test_loss": train + gap,
            "gap": gap,
            "test_accuracy": right,
        }
        for amount, images, ends in (("little", 180, little), ("much", 1293, much))
        for rate in dropout.RATES
        for seed, (train, gap, right) in enumerate(
            zip(*map(around, (*ends[rate >= 0.5], accuracy[rate >= 0.5])), strict=True)
        )
    ]
    seconds = {str(rate): 0.01 + rate / 100 for rate in dropout.RATES}
    return [*records, {"amount": "time of a step", "seed": 0, "step_seconds": seconds}]


FEW, MANY, EQUAL = ((0.01, 0.5), (0.1, 0.2)), ((0.01, 0.2), (0.1, 0.2)), (0.9, 0.9)


@pytest.mark.parametrize(
    ("little", "much", "accuracy", "holds", "words"),
    [
        (FEW, MANY, EQUAL, True, "Less overfitting on little data, slower learning: on 180 images"),
        (FEW, MANY, (0.9, 0.895), True, "and accuracy from 90.0 ± 0.2 % to 89.5 ± 0.2 %, on 1,293"),
        (FEW, MANY, (0.9, 0.95), True, "and accuracy from 90.0 ± 0.2 % to 95.0 ± 0.2 %, on 1,293"),
        (
            ((0.01, 0.2), (0.1, 0.3)),
            MANY,
            EQUAL,
            False,
            "the gap shrinks on 180 images, and 2 more:",
        ),
        (((0.01, 0.5), (0.35, 0.2)), MANY, EQUAL, False, "that the test loss falls on 180 images:"),
        (FEW, MANY, (0.9, 0.88), False, "Not so here that accuracy does not fall on 180 images:"),
        (FEW, ((0.01, 0.6), (0.1, 0.2)), EQUAL, False, "gap shrinks more than on 1,293 images:"),
        (FEW, ((0.1, 0.2), (0.02, 0.2)), EQUAL, False, "that learning is slower on 1,293 images:"),
        (FEW, ((0.1, 0.2), (0.102, 0.2)), EQUAL, False, "that learning is slower on 1,293 images:"),
        (FEW, MANY, (0.9, scattered(0.9)), None, "Undecided whether accuracy does not fall on 180"),
        (
            FEW,
            ((0.01, 0.2), (0.1, scattered(-0.1, 0.2))),
            EQUAL,
            None,
            "shrinks more than on 1,293",
        ),
    ],
)
def test_dropout(little, much, accuracy, holds, words):
    table, verdict = answer("dropout", dropped(little, much, accuracy))
    assert verdict.holds is holds
    assert words in verdict.text
    assert "on 180 images dropout of 0.5 takes the test loss from" in verdict.text
    assert "a training step takes 1.5 times as long" in verdict.text
    assert [row["time"].mean for row in table.rows[:4]] == pytest.approx([1, 1.2, 1.5, 1.8])


def test_dropout_is_drawn(assert_legible):
    assert_drawn("dropout", dropped(FEW, MANY), assert_legible)


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
        ({"digits": (0.9, 0.95, 0.94, 0.85)}, True, "class helps, what does not hurts: digits: 90"),
        (
            {"digits": (0.9, 0.95, 0.94, 0.95)},
            False,
            "Not so here that digits that are flipped hurt",
        ),
        (
            {"digits": (0.9, 0.85, 0.94, 0.85)},
            False,
            "Not so here that digits that are shifted help",
        ),
        ({"digits": (0.9, 0.905, 0.94, 0.85)}, False, "that digits that are shifted help: digits"),
        (
            {"digits": (0.9, 0.95, scattered(0.92), 0.85)},
            None,
            "whether digits that are rotated he",
        ),
        (
            {"mnist": (0.9, 0.95, 0.94, 0.85), "cats and dogs": (0.6, 0.65, 0.65, 0.65)},
            True,
            "cats and dogs: 60.0 ± 0.2 % as they are, shifted 65.0 ± 0.2 %",
        ),
        (
            {"mnist": (0.9, 0.95, 0.94, 0.85), "cats and dogs": (0.6, 0.65, 0.65, 0.55)},
            False,
            "Not so here that cats and dogs that are flipped help: digits of MNIST: 90.0",
        ),
        # Of other pictures nobody knows what a mirror does to them.
        (
            {"/my/leaves": (0.9, 0.95, 0.94, 0.85)},
            True,
            "hurts: the pictures in leaves: 90.0 ± 0.2",
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
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "cats-dogs" / split / name
            folder.mkdir(parents=True)
            Image.new("RGB", (32, 32), "red").save(folder / "1.png")
    monkeypatch.setenv("CONVLAB_DATA_DIR", str(tmp_path))
    sources._load.cache_clear()
    train, test = sources.load("cats and dogs")
    assert train.classes == test.classes == ("cat", "dog")
    assert train.image_shape == (3, 32, 32)
    sources._load.cache_clear()


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
    trial = {"kernel": "sobel-x", "data": "a photograph", "steps": 4, "rate": 0.02, "seed": 1}
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


def learned(ends):
    """Records of three seeds for each kernel, from the last distance by pictures."""
    true = {name: learn_an_edge._true_kernel(name) for name in learn_an_edge.KERNELS}
    return [
        {
            "kernel": name,
            "data": source,
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


NEAR, FAR = (0.001, 0.0012, 0.0011), (0.1, 0.12, 0.11)


@pytest.mark.parametrize(
    ("ends", "holds", "words"),
    [
        ({"a photograph": NEAR}, True, "Gradient descent finds every kernel: after 100 steps"),
        (
            {"a photograph": NEAR, "mnist": FAR},
            False,
            "that Sobel is found from MNIST, and 2 more:",
        ),
        (
            {"a photograph": NEAR, "digits": (0.008, 0.012, 0.005)},
            None,
            "Undecided whether Sobel is",
        ),
        ({"a photograph": FAR, "digits": FAR}, False, "from the photograph, and 5 more: after 100"),
        (
            {"digits": (0.009, 0.009, 0.009)},
            True,
            "at most 0.0090 ± 0.0000 from the digits (Sobel)",
        ),
    ],
)
def test_learn_an_edge(ends, holds, words):
    table, verdict = answer("learn-an-edge", learned(ends))
    assert verdict.holds is holds
    assert words in verdict.text
    for source, by_seed in ends.items():
        row = table.row(data=source, kernel="sobel-x")
        assert row["found"] == (100 if max(by_seed) < 0.01 else None)


def test_colour_pictures_are_learned_from_in_grey(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20, 30, 29, 3), dtype=np.uint8)
    write(tmp_path, pixels)
    pictures = learn_an_edge._pictures(str(tmp_path))
    train, _ = data.load(str(tmp_path))
    grey = np.stack([image.astype(float).sum(axis=0) / 3 for image in train.images])
    assert pictures.shape == (len(train), 1, 30, 29)
    assert pictures[:, 0] == pytest.approx((grey - grey.mean()) / grey.std(), abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((10, 27, 40), "expected pictures of at least 28 × 28 pixels, got 27 × 40"),
        ((10, 40, 27), "expected pictures of at least 28 × 28 pixels, got 40 × 27"),
        ((10, 28, 28), "expected pictures of more than one brightness"),
    ],
)
def test_pictures_that_no_edge_is_learned_from(tmp_path, shape, message):
    write(tmp_path, np.full(shape, 7, np.uint8))
    with pytest.raises(DataError, match=f"{tmp_path.name}: {message}$"):
        learn_an_edge._pictures(str(tmp_path))


def write(root, pixels):
    """Pictures in a folder of two classes, in turn."""
    for at, one in enumerate(pixels):
        folder = root / "ab"[at % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(one).save(folder / f"{at}.png")


def test_learn_an_edge_is_drawn_and_moves(assert_legible):
    records = learned({"a photograph": NEAR, "digits": FAR})
    assert_drawn("learn-an-edge", records, assert_legible)
    experiment = experiments.find("learn-an-edge")
    result = experiment.result("quick", experiment.quick, records, 1.0, {})
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


@pytest.mark.parametrize("is_target", [False, True])
def test_only_what_is_to_be_learned_has_the_edge_of_a_result(is_target):
    columns = [
        viz.KernelColumn("1", [np.eye(3)], [""]),
        viz.KernelColumn("2", [np.eye(3)], [""], is_target=is_target),
    ]
    figure = viz.learned_kernels(["a"], columns, panel(), title="", verdict="")
    edge = to_rgba(viz.THEMES["light"].output)
    found = [box for box in figure.axes[0].patches if box.get_edgecolor() == edge]
    assert len(found) == is_target


# --- plans ----------------------------------------------------------------------------------

NAMES = ("activation", "batch-size", "batch-norm", "dropout", "augmentation")


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
        # LeNet-5's; of batch normalisation two numbers for each of 112 maps, instead of a bias.
        counts = {18_370, 18_370 + 112} if name == "batch-norm" else {61_706}
        assert network.parameter_count() in counts
