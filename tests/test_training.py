"""Settings, the loop's records, checkpoints and run folders, against plain recomputation."""

import csv
import dataclasses
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from safetensors.numpy import save_file

from convlab import Tensor, data, models, no_grad, random, tensor_files, training
from convlab.errors import (
    DataError,
    DivergedError,
    NotFiniteError,
    RunError,
    ShapeError,
    SpecError,
)
from convlab.training import BatchRecord, EpochRecord, Settings, Task, Trainer

FIT = sys.modules["convlab.training.fit"]

SMALL = """\
input = "28x28x1"

[[layer]]
type = "Conv2d"
name = "conv"
out_channels = 2
kernel_size = 7
stride = 3

[[layer]]
type = "ReLU"

[[layer]]
type = "Flatten"

[[layer]]
type = "Dropout"
p = 0.0

[[layer]]
type = "Linear"
name = "dense"
out_features = "classes"
"""


def plain(**settings):
    """Settings without variations of the images, which are random here."""
    return Settings(**{"epochs": 20, "augment": "none"} | settings)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture
def small(digits):
    """Make a task of few digits and the small network: ``small(settings)``."""

    def make(settings):
        train, test = digits
        random.manual_seed(settings.seed)
        network = models.build_from_text(SMALL, name="small", dropout=settings.dropout)
        parts = [train.subset(np.arange(a, b)) for a, b in ((0, 40), (40, 60))]
        scaling = data.Scaling.standardise(parts[0])
        return Task(*parts, test.subset(np.arange(50)), network, scaling, train.image_shape, True)

    return make


# --- plain references, in float64 ---------------------------------------------------------


def plain_conv(x, weight, bias, stride=1, padding=0):
    """x: (N, C, H, W), weight: (O, C, kH, kW); every product in float64."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


def blocks(x):
    """(N, C, H, W) as its blocks of 2 x 2: (N, C, H / 2, W / 2, 4)."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return x.reshape(n, c, h // 2, w // 2, 4)


def relu(x):
    return np.maximum(x, 0)


def plain_cross_entropy(logits, labels):
    """The loss of each image."""
    top = logits.max(1, keepdims=True)
    log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(1))
    return log_sum - logits[np.arange(len(labels)), labels]


def plain_small(state, x):
    state = {name: value.astype(np.float64) for name, value in state.items()}
    x = relu(plain_conv(x.astype(np.float64), state["conv.weight"], state["conv.bias"], 3))
    return x.reshape(len(x), -1) @ state["dense.weight"].T + state["dense.bias"]


def plain_lenet5(state, x):
    state = {name: value.astype(np.float64) for name, value in state.items()}
    x = relu(plain_conv(x.astype(np.float64), state["conv1.weight"], state["conv1.bias"], 1, 2))
    x = blocks(x).max(-1)
    x = blocks(relu(plain_conv(x, state["conv2.weight"], state["conv2.bias"]))).max(-1)
    x = x.reshape(len(x), -1)
    for name in ("fc1", "fc2"):
        x = relu(x @ state[f"{name}.weight"].T + state[f"{name}.bias"])
    return x @ state["fc3.weight"].T + state["fc3.bias"]


# Which S2 maps each C3 map reads: LeCun et al. 1998, table I, a row for each S2 map.
TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def plain_lenet5_1998(state, x, centres):
    """Distances of the ten output units: section II.B of the paper."""
    state = {name: value.astype(np.float64) for name, value in state.items()}

    def squash(a):
        return 1.7159 * np.tanh(2 / 3 * a)

    def subsample(x, name):
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return blocks(x).sum(-1) * weight[:, None, None] + bias[:, None, None]

    table = np.array([[c == "X" for c in line] for line in TABLE_I.split()]).T
    x = squash(plain_conv(x.astype(np.float64), state["c1.weight"], state["c1.bias"]))
    x = squash(subsample(x, "s2"))
    weight = np.where(table[:, :, None, None], state["c3.weight"], 0)
    x = squash(plain_conv(x, weight, state["c3.bias"]))
    x = squash(subsample(x, "s4"))
    x = squash(plain_conv(x, state["c5.weight"], state["c5.bias"]))
    x = squash(x.reshape(len(x), -1) @ state["f6.weight"].T + state["f6.bias"])
    return ((x[:, None] - centres) ** 2).sum(2)


# --- settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting, message",
    [
        ({"epochs": 0}, "epochs: expected at least 1, got 0"),
        ({"batch_size": -3}, "batch size: expected at least 1, got -3"),
        ({"seed": -1}, "seed: expected at least 0, got -1"),
        ({"patience": 0}, "patience: expected at least 1, got 0"),
        ({"optimizer": "lbfgs"}, "optimizer: expected one of sgd, nesterov, adam, got 'lbfgs'"),
        ({"schedule": "up"}, "schedule: expected one of constant, step, cosine, one-cycle"),
        ({"validation": 0.0}, "validation: expected a share between 0 and 1, got 0.0"),
        ({"validation": float("nan")}, "validation: expected a finite number, got nan"),
        ({"augment": "shift"}, "augmentation: expected shift=NUMBER, got 'shift'"),
        ({"epochs": "3"}, "epochs: expected a whole number, got '3'"),
        ({"batch_size": 2.5}, "batch size: expected a whole number, got 2.5"),
        ({"rate": [0.1]}, "rate: expected a number or nothing, got [0.1]"),
        ({"dropout": True}, "dropout: expected a number or nothing, got True"),
        ({"data": None}, "data: expected a text, got None"),
        ({"limit": 1}, "limit: expected at least 2, got 1"),
        ({"limit": 2.0}, "limit: expected a whole number or nothing, got 2.0"),
        ({"new_head": 1, "start_from": "a"}, "new head: expected true or false, got 1"),
        ({"new_head": True}, "new head: expected a run to start from, got none"),
        ({"freeze": ["conv"]}, "freeze: expected a text or nothing, got ['conv']"),
    ],
)
def test_settings_refuse(setting, message):
    with pytest.raises(SpecError) as caught:
        Settings(**setting)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_settings_survive_json():
    settings = Settings(rate=1, dropout=0.25, patience=3, augment="shift=2,flip")
    assert Settings(**json.loads(json.dumps(settings.to_dict()))) == settings
    settings = plain(limit=7, start_from="a/run", new_head=True, freeze="conv1,dense")
    assert Settings(**json.loads(json.dumps(settings.to_dict()))) == settings


def test_dropout_for_a_network_without_it_is_refused():
    with pytest.raises(SpecError, match="expected a network with Dropout layers, lenet5 has none"):
        training.prepare(plain(dropout=0.5))


def test_images_too_large_for_the_memory_are_an_error(monkeypatch):
    def centred(dataset, size):
        raise MemoryError

    monkeypatch.setattr(sys.modules["convlab.training.settings"], "centred", centred)
    words = "digits: 1,437 images centred in the network's 32 x 32 pixels are too large"
    with pytest.raises(DataError, match=words):
        training.prepare(plain(model="lenet5-1998"))


@pytest.mark.parametrize(
    "before, after, message",
    [
        ("out_channels = 2", "out_channels = 2.5", "expected out_channels to be a whole number"),
        ("p = 0.0", "p = true", "expected p to be a number, got True"),
        ("stride = 3", "bias = 3", "expected bias to be true or false, got 3"),
        ('"ReLU"', '["ReLU"]', "expected type to be one of AdaptiveAvgPool2d, "),
        ('"dense"', '"forward"', "mine.toml: Sequential: expected a name that is free"),
    ],
)
def test_a_spec_with_a_value_of_another_kind(before, after, message):
    with pytest.raises(SpecError) as caught:
        models.build_from_text(SMALL.replace(before, after), name="mine", source="mine.toml")
    assert str(caught.value).startswith("mine.toml") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_loss_of_the_deep_network_is_near_that_of_guessing():
    # Guessing among ten classes costs ln 10 = 2.30.  Nearly three times that, as with He's
    # initial weights, and the first steps switch most units before the last layers off for good.
    settings = plain(model="fashion-cnn")
    task = training.prepare(settings)
    x, labels = next(Trainer(settings, task).batches.epoch(0))
    with no_grad():
        loss = task.network.loss_of(task.network.train()(Tensor(x)), labels).item()
    assert loss < 1.5 * math.log(10)


def test_prepare_splits_and_scales(digits):
    task = training.prepare(plain(seed=2, validation=0.2))
    train, test = digits
    assert len(task.train) + len(task.validation) == len(train)
    assert len(task.validation) == math.ceil(0.2 * len(train))
    np.testing.assert_array_equal(task.test.images, test.images)
    together = np.concatenate([task.train.images, task.validation.images])
    assert len({image.tobytes() for image in together}) == len(
        {image.tobytes() for image in train.images}
    )
    # The mean and deviation of the training part alone.
    pixels = task.train.images.astype(np.float64)
    assert task.scaling.scale[0] == pytest.approx(1 / pixels.std())
    assert task.scaling.offset[0] == pytest.approx(-pixels.mean() / pixels.std())
    assert task.dark_background


# --- images in a larger field ----------------------------------------------------------------


def test_centred_images_as_in_the_paper():
    # Section II.B: 28 x 28 in the centre of 32 x 32, two pixels on each side.
    images = np.random.default_rng(0).integers(1, 256, (3, 1, 28, 28), np.uint8)
    wide = training.centred_images(images, (32, 32))
    assert wide.shape == (3, 1, 32, 32) and wide.dtype == np.uint8
    np.testing.assert_array_equal(wide[:, :, 2:30, 2:30], images)
    assert np.count_nonzero(wide) == images.size


def test_centred_images_with_odd_margins_and_none():
    images = np.full((1, 3, 4, 5), 7, np.uint8)
    wide = training.centred_images(images, (7, 5))
    np.testing.assert_array_equal(np.flatnonzero(wide[0, 0].any(1)), [1, 2, 3, 4])
    assert training.centred_images(images, (4, 5)) is images
    with pytest.raises(ShapeError, match="expected images of at most 3 x 9 pixels, got 4 x 5"):
        training.centred_images(images, (3, 9))


# --- the loop --------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_records_equal_a_recomputation(small, schedule):
    settings = plain(epochs=3, batch_size=7, rate=0.05, schedule=schedule)
    trainer = Trainer(settings, small(settings))
    records, states = [], [trainer.network.state_dict()]
    for record in trainer.fit():
        records.append(record)
        if isinstance(record, BatchRecord):
            states.append(trainer.network.state_dict())
    assert trainer.finished
    kinds = [type(record) for record in records]
    assert kinds == ([BatchRecord] * 6 + [EpochRecord]) * 3
    for epoch in range(3):
        *steps, end = records[7 * epoch : 7 * epoch + 7]
        losses, right = [], 0
        for step, (record, (x, labels)) in enumerate(
            zip(steps, trainer.batches.epoch(epoch), strict=True)
        ):
            state = states[6 * epoch + step]  # before this step
            output = plain_small(state, x)
            losses.extend(plain_cross_entropy(output, labels))
            right += int((output.argmax(1) == labels).sum())
            assert (record.epoch, record.batch, record.batches) == (epoch + 1, step + 1, 6)
            assert record.images == min(7 * (step + 1), 40) == len(losses)
            assert record.loss == pytest.approx(np.mean(losses), rel=1e-5)
            assert record.accuracy == right / len(losses)
            share = (6 * epoch + step) / 18
            rate = 0.05 if schedule == "constant" else 0.05 * (1 + math.cos(math.pi * share)) / 2
            assert record.rate == pytest.approx(rate)
        validation = trainer.task.validation
        x = data.to_floats(validation.images, trainer.task.scaling)
        output = plain_small(states[6 * epoch + 6], x)
        expected = plain_cross_entropy(output, validation.labels).mean()
        assert end.epoch == epoch + 1
        assert end.train_loss == pytest.approx(np.mean(losses), rel=1e-5)
        assert end.train_accuracy == right / 40
        assert end.validation_loss == pytest.approx(expected, rel=1e-5)
        assert end.validation_accuracy == (output.argmax(1) == validation.labels).mean()
        assert end.rate == steps[-1].rate
        assert end.images_per_second == pytest.approx(40 / end.seconds)
    assert records[-1].train_loss < records[6].train_loss


def prescribe(monkeypatch, accuracies, losses):
    """Let the validations have these outcomes, one an epoch."""
    outcomes = iter(zip(accuracies, losses, strict=True))

    def evaluate(network, dataset, scaling, batches):
        accuracy, loss = next(outcomes)
        labels = np.zeros(100, np.int64)
        probabilities = np.zeros((100, 2))
        probabilities[np.arange(100), (np.arange(100) >= round(100 * accuracy)).astype(int)] = 1
        return training.Evaluation(loss, probabilities, labels)

    monkeypatch.setattr(FIT, "evaluate", evaluate)


def fitted(trainer):
    """Fit to the end; the parameters at the end of each epoch, by its number."""
    return {
        record.epoch: trainer.network.state_dict()
        for record in trainer.fit()
        if isinstance(record, EpochRecord)
    }


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("fewer, best", [(0, 3), (1, 3), (2, 2)])
def test_one_right_answer_less_is_chance(small, monkeypatch, fewer, best):
    settings = plain(epochs=4, batch_size=20)
    trainer = Trainer(settings, small(settings))
    count = len(trainer.task.validation)
    right = [count // 2, count, count - fewer, count // 2]
    prescribe(monkeypatch, [number / count for number in right], [1.0] * 4)
    states = fitted(trainer)
    assert trainer.progress.best_epoch == best
    assert same(trainer.best, states[best])


@pytest.mark.parametrize(
    "accuracies, best",
    [([0.5, 0.8, 0.7, 0.8, 0.6], 4), ([0.9, 0.8], 1), ([0.0, 0.0, 0.0], 3), ([0.1, 0.2, 0.3], 3)],
)
def test_best_is_the_last_epoch_with_the_most_right_answers(small, monkeypatch, accuracies, best):
    settings = plain(epochs=len(accuracies), batch_size=20)
    trainer = Trainer(settings, small(settings))
    assert 1 / len(trainer.task.validation) < 0.1  # steps of 0.1 are more than one answer
    prescribe(monkeypatch, accuracies, [1.0] * len(accuracies))
    states = fitted(trainer)
    assert trainer.progress.best_epoch == best
    assert trainer.progress.best_accuracy == max(accuracies)
    assert same(trainer.best, states[best])
    assert sum(same(trainer.best, state) for state in states.values()) == 1


@pytest.mark.parametrize(
    "losses, patience, epochs",
    [
        ([3, 2, 2, 2.5, 1], 2, 4),  # an equal loss has not fallen
        ([3, 2, 2, 1, 1.5, 1.2, 0.5], 3, 7),
        ([3, 4, 4, 4], 1, 2),
        ([3, 4, 4, 4], None, 4),
    ],
)
def test_patience(small, monkeypatch, losses, patience, epochs):
    settings = plain(epochs=len(losses), batch_size=20, patience=patience)
    trainer = Trainer(settings, small(settings))
    prescribe(monkeypatch, [0.5] * len(losses), losses)
    assert list(fitted(trainer)) == list(range(1, epochs + 1))
    assert trainer.finished
    assert trainer.progress.stopped_early == (epochs < len(losses))
    assert list(trainer.fit()) == []


def test_a_diverging_loss_is_an_error_that_names_a_smaller_rate(small):
    settings = plain(epochs=5, batch_size=20, rate=1e30, schedule="constant")
    trainer = Trainer(settings, small(settings))
    with (
        np.errstate(all="raise"),
        pytest.raises(DivergedError, match=r"the loss is .* in epoch 1, batch 2, .* --lr 0\.05$"),
    ):
        list(trainer.fit())


def test_a_validation_loss_that_is_not_finite_is_an_error(small, monkeypatch):
    settings = plain(epochs=2, batch_size=20, rate=0.02)
    trainer = Trainer(settings, small(settings))
    prescribe(monkeypatch, [0.5], [math.nan])
    with pytest.raises(DivergedError, match=r"validation loss is nan in epoch 1, .* --lr 0\.002$"):
        list(trainer.fit())


def test_weights_that_are_not_finite_are_neither_kept_nor_loaded(small, tmp_path):
    settings = plain(epochs=1, batch_size=20)
    task = small(settings)
    task.network["conv"].requires_grad_(False)
    trainer = Trainer(settings, task)
    training.create(tmp_path, trainer)
    training.save(tmp_path, trainer)
    path = tmp_path / "model.safetensors"
    state = trainer.network.state_dict()
    state["conv.weight"][[0, 1, 1], 0, 3, [5, 2, 4]] = [-np.inf, np.nan, np.nan]
    path.write_bytes(safetensors.numpy.save(state, {"best_epoch": "1"}))
    message = "got 3 of 98 that are not, the first -inf at index 0, 0, 3, 5"
    with pytest.raises(RunError, match=f"^{path}: conv.weight: expected finite .* {message}$"):
        training.load(tmp_path)
    # A ReLU hides an infinite bias from the loss.
    trainer.network["conv"].bias.data[0] = -np.inf
    with pytest.raises(DivergedError, match=r"largest of model\.conv\.bias is inf in epoch 1"):
        list(trainer.fit())
    assert not trainer.progress.history


def test_an_output_that_is_not_finite_has_no_probabilities(small):
    task = small(plain())
    task.network.load_state_dict({k: v * 1e30 for k, v in task.network.state_dict().items()})
    with pytest.raises(NotFiniteError, match="^output of small: .*; the weights are too large"):
        training.evaluate(task.network, task.test, task.scaling)


# --- evaluation --------------------------------------------------------------------------------


def test_evaluate_equals_a_plain_computation(digits):
    from convlab import random

    random.manual_seed(5)
    network = models.build("lenet5").train()
    _, test = digits
    scaling = data.Scaling.standardise(test)
    result = training.evaluate(network, test, scaling)
    pixels = test.images / 255.0
    logits = plain_lenet5(network.state_dict(), (pixels - pixels.mean()) / pixels.std())
    assert result.loss == pytest.approx(plain_cross_entropy(logits, test.labels).mean(), rel=1e-4)
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    np.testing.assert_allclose(result.probabilities, chances, atol=2e-5)
    answers = logits.argmax(1)
    np.testing.assert_array_equal(result.predictions, answers)
    assert result.accuracy == (answers == test.labels).mean()
    confusion = np.zeros((10, 10), int)
    for label, answer in zip(test.labels, answers, strict=True):
        confusion[label, answer] += 1
    np.testing.assert_array_equal(result.confusion(), confusion)
    assert network.training, "evaluate must leave the network as it was"


def test_evaluate_is_without_dropout(small):
    settings = plain(dropout=0.9)
    task = small(settings)
    result = training.evaluate(task.network, task.test, task.scaling)
    x = data.to_floats(task.test.images, task.scaling)
    output = plain_small(task.network.state_dict(), x)
    expected = plain_cross_entropy(output, task.test.labels).mean()
    assert result.loss == pytest.approx(expected, rel=1e-5)


def test_one_step_of_lenet5_as_published(digits):
    settings = plain(model="lenet5-1998", batch_size=16, epochs=1)
    train, test = digits
    task = training.prepare(settings)
    assert task.train.image_shape == (1, 32, 32) and task.image_shape == (1, 28, 28)
    trainer = Trainer(settings, task)
    before = trainer.network.state_dict()
    x, labels = next(trainer.batches.epoch(0))
    # Section II.B: background (white) is -0.1, ink (black) is 1.175.
    assert x.min() == pytest.approx(-0.1) and x.max() == pytest.approx(1.175)
    record = next(trainer.fit())
    distances = plain_lenet5_1998(before, x, models.spec._CENTRES["digits-7x12"]())
    right = distances[np.arange(16), labels]
    # Equation 9 with j = 0.1.
    losses = right + np.log(np.exp(-0.1) + np.exp(-distances).sum(1))
    assert record.loss == pytest.approx(losses.mean(), rel=1e-4)
    assert record.accuracy == (distances.argmin(1) == labels).mean()
    after = trainer.network.state_dict()
    assert before.keys() == after.keys()
    assert all(not np.array_equal(before[k], after[k]) for k in before)
    dead = np.array([[c == "." for c in line] for line in TABLE_I.split()]).T
    assert not after["c3.weight"][dead].any()


# --- run folders -------------------------------------------------------------------------------


@pytest.fixture
def saved(small, tmp_path):
    """(folder, trainer) of a training of two epochs, saved."""
    settings = plain(epochs=2, batch_size=10)
    trainer = Trainer(settings, small(settings))
    list(trainer.fit())
    folder = tmp_path / "runs" / "small"
    training.create(folder, trainer)
    training.save(folder, trainer)
    return folder, trainer


def test_a_run_is_read_as_it_was_written(saved):
    folder, trainer = saved
    run = training.load(folder)
    assert run.settings == trainer.settings == training.load_settings(folder)
    assert same(run.network.state_dict(), trainer.best)
    assert run.best_epoch == trainer.progress.best_epoch
    assert run.classes == tuple("0123456789")
    assert run.image_shape == (1, 28, 28)
    assert run.dark_background
    assert run.scaling == trainer.task.scaling
    assert run.network.name == "small" and run.network.spec == SMALL
    assert training.load_spec(folder)[:2] == (SMALL, "small")
    assert not run.network.training
    config = (folder / "config.json").read_bytes()
    (folder / "config.json").write_bytes(b"\xef\xbb\xbf" + config)  # as some editors begin a file
    assert training.load_settings(folder) == run.settings
    for damaged in (config.decode().encode("utf-16"), config[:-9], config[:-2] + b',"classes":[]}'):
        (folder / "config.json").write_bytes(damaged)
        with pytest.raises(RunError, match="config.json: cannot be read: "):
            training.load(folder)
    image = trainer.task.test.images[3]
    expected = data.to_floats(trainer.task.test.images, run.scaling)[3]
    np.testing.assert_array_equal(run.network_input(image), expected)


def _put(*keys, value):
    def change(config):
        for key in keys[:-1]:
            config = config[key]
        config[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (_put("settings", "epochs", value=0), "epochs: expected at least 1, got 0"),
        (_put("settings", "data", value=5), "data: expected a text, got 5"),
        (_put("network", value=[1]), "expected an entry for 'network', an object, got [1]"),
        (_put("network", "spec", value=3), "expected an entry for 'spec', a text, got 3"),
        (_put("network", "input_shape", value=[1, 28]), "'input_shape', [channels, rows, columns]"),
        (_put("image_shape", value=[1, "a", 28]), "'image_shape', [channels, rows, columns]"),
        (_put("classes", value=list(range(10))), "'classes', a list of names, got [0, 1, 2"),
        (_put("network", "input_shape", value=[1, 10**9, 10**9]), "'input_shape', [channels, rows"),
        (_put("image_shape", value=[3, 28, 28]), "expected images and a scaling for the network's"),
        (_put("dark_background", value=1), "'dark_background', true or false, got 1"),
        (_put("settings", "weight_decay", value=10**30), "weight decay: expected at most"),
        (_put("settings", "weight_decay", value=10**400), "expected whole numbers of 128 bits"),
        (
            _put("more", value=json.loads("[" * 60 + "]" * 60)),
            "expected at most 20 levels of tables and lists, got more",
        ),
    ],
)
def test_a_config_with_another_kind_of_entry(saved, change, message):
    folder, _ = saved
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError) as caught:
        training.load(folder)
    assert str(caught.value).startswith(f"{folder / 'config.json'}: ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_model_without_the_number_of_its_epoch(saved):
    folder, trainer = saved
    save_file(trainer.best, folder / "model.safetensors", {"best_epoch": "last"})
    with pytest.raises(RunError, match="model.safetensors: expected the number of its epoch"):
        training.load(folder)


def test_history_is_a_table_of_the_epochs(saved):
    folder, trainer = saved
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [field.name for field in dataclasses.fields(EpochRecord)]
    assert [{k: float(v) for k, v in row.items()} for row in rows] == trainer.progress.history
    history = training.history(folder)
    whole, first = (folder / "history.csv").read_text(), rows[0]["train_loss"]
    assert history["epoch"] == [1.0, 2.0]
    assert history["train_loss"] == [row["train_loss"] for row in trainer.progress.history]
    for content, message in (
        ("", "expected at least one complete epoch, got none"),
        ("epoch,train_loss\n1\n", "cannot be read as a table of numbers"),
        ("epoch\n1,2\n", "cannot be read as a table of numbers"),
        (whole[:-1], "expected a whole last line"),
        (whole.replace("\n2,", "\n3,"), "expected epoch 2, got 3"),
        (whole.replace(first, "nan"), "train_loss of epoch 1: expected a finite number"),
        (whole.replace(first, "9" * 400), "train_loss of epoch 1: expected a finite number"),
        (whole.replace(first, '"' + "9" * 200_000), "cannot be read as a table of numbers"),
        (whole.replace(first, "\0"), "cannot be read as a table of numbers"),
    ):
        (folder / "history.csv").write_text(content)
        with pytest.raises(RunError, match=message):
            training.history(folder)


def test_only_a_free_folder_is_taken(saved, tmp_path):
    folder, trainer = saved
    training.check_free(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    training.check_free(tmp_path / "empty")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for refuse in (lambda: training.check_free(folder), lambda: training.create(folder, trainer)):
        with pytest.raises(RunError, match="exists already; name another folder with -o"):
            refuse()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    training.check_free(folder, exist_ok=True)
    training.create(folder, trainer, exist_ok=True)
    assert {path.name for path in folder.iterdir()} == before.keys()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="expected a folder to write the run into, got a file"):
        training.check_free(tmp_path / "file", exist_ok=True)


def test_discard_takes_only_what_is_the_runs_own(saved):
    folder, _ = saved
    (folder / "notes.txt").write_text("mine")
    training.discard(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    training.discard(folder)
    assert not folder.exists()


def test_a_run_that_cannot_go_on_says_why(small):
    settings = plain(epochs=2, batch_size=20)
    trainer = Trainer(settings, small(settings))
    next(trainer.fit())
    with pytest.raises(RunError, match="complete run, got one with 0 of 2 epochs; resume it first"):
        trainer.extend(4)
    trainer.progress.epoch, trainer.progress.stopped_early = 1, True
    with pytest.raises(RunError, match="this one stopped after epoch 1, as its patience"):
        trainer.extend(4)


def test_a_run_that_was_to_go_on_does_so_after_a_crash(small, tmp_path):
    settings = plain(epochs=2, batch_size=20, dropout=0.3)
    trainer = Trainer(settings, small(settings))
    list(trainer.fit())
    numbers = random.get_state()
    training.create(tmp_path / "run", trainer)
    first = training.resume(tmp_path / "run", small(settings), epochs=4)
    second = training.resume(tmp_path / "run", small(settings))  # nothing was saved since
    assert second.settings.epochs == 4 and second.progress.epoch == 2
    for one in (first, second):
        random.set_state(numbers)
        list(one.fit())
    assert same(first.arrays(), second.arrays()) and second.progress.epoch == 4


# --- the rate, and what to try ---------------------------------------------------------------


class Loss:
    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


@pytest.mark.parametrize("optimizer, usual", [("sgd", 0.05), ("adam", 0.002)])
@pytest.mark.parametrize("turn", [0.1, 0.7, 1.0, 5.0])
@pytest.mark.parametrize("beyond", [9.0, math.inf, DivergedError])
def test_a_third_of_the_rate_with_the_lowest_loss(
    small, monkeypatch, optimizer, usual, turn, beyond
):
    """The loss falls up to a known rate; each of the 100 rates is 6 % above the one before."""
    settings = plain(epochs=30, batch_size=12, optimizer=optimizer)
    task = small(settings)
    tried = []

    def step(trainer, x, labels, rate):
        tried.append(rate)
        if rate <= turn * usual:
            return None, Loss(2.0 - rate / usual / 10)
        if beyond is DivergedError:
            raise DivergedError("too large")
        return None, Loss(beyond)

    monkeypatch.setattr(Trainer, "step", step)
    found = training.suited_rate(settings, task)
    assert found == pytest.approx(min(usual, turn * usual / 3), rel=0.09)
    assert tried[0] == pytest.approx(usual / 50) and tried == sorted(tried)
    assert len(tried) < 100  # no step too many


def test_a_trial_leaves_no_trace(small):
    settings = Settings(epochs=30, batch_size=12, dropout=0.3, augment="shift=2")
    task = small(settings)
    weights, numbers = task.network.state_dict(), random.get_state()
    assert 0 < training.suited_rate(settings, task) < 0.05
    assert same(weights, task.network.state_dict())
    assert random.get_state() == numbers
    few = dataclasses.replace(settings, epochs=1)
    assert training.suited_rate(few, task) == 0.05  # too short for a trial


@pytest.mark.parametrize(
    "train, validation, learned",
    [
        # 60 of 100 images are of one class: 0.6 + 2 * sqrt(0.6 * 0.4 / 100) = 0.698; of the 400
        # of the training 240, which gives 0.649.
        ([0.5, 0.64], [0.6, 0.65], False),
        ([0.5, 0.66], [0.6, 0.65], True),
        ([0.5, 0.6], [0.71, 0.1], True),
    ],
)
def test_a_training_that_guesses_says_what_to_try(small, train, validation, learned):
    settings = plain(epochs=2, rate=0.03)
    trainer = Trainer(settings, small(settings))

    def part(count):
        labels = np.repeat([1, 7], [60 * count, 40 * count])
        return data.Dataset(
            "x", "train", np.zeros((len(labels), 1, 8, 8), np.uint8), labels, tuple("abcdefgh")
        )

    trainer.task = dataclasses.replace(trainer.task, train=part(4), validation=part(1))
    assert training.guessing(trainer) == ""  # too early to tell
    trainer.progress.epoch = 60
    trainer.progress.history = [
        {"train_accuracy": a, "validation_accuracy": b}
        for a, b in zip(train, validation, strict=True)
    ]
    said = training.guessing(trainer)
    assert said == (
        ""
        if learned
        else "nothing was learned: 65.0 % of the validation images are right, and the same answer"
        " for all gives 60.0 %; try a smaller rate, such as --lr 0.006 (it was 0.03), or more"
        " epochs"
    )


@pytest.mark.smoke
@pytest.mark.parametrize("steps", [0, 1, 3, 4, 5, 9])
@pytest.mark.parametrize(
    "settings",
    [
        Settings(dropout=0.3, augment="shift=2,rotate=10"),
        plain(optimizer="adam", dropout=0.3, weight_decay=1e-3, schedule="step"),
        Settings(optimizer="nesterov", schedule="cosine", augment="scale=0.1,elastic=34"),
    ],
    ids=["sgd", "adam", "nesterov"],
)
def test_resume_goes_on_to_the_bit(small, tmp_path, settings, steps):
    """Stopped after some records (four batches, then the epoch's), saved, read and finished."""
    settings = dataclasses.replace(settings, epochs=3, batch_size=12, seed=4)
    whole = Trainer(settings, small(settings))
    list(whole.fit())
    first = Trainer(settings, small(settings))
    for _, _record in zip(range(steps), first.fit(), strict=False):
        pass
    training.create(tmp_path / "run", first)
    training.save(tmp_path / "run", first)
    task = small(dataclasses.replace(settings, seed=99))  # other weights, another state of chance
    second = training.resume(tmp_path / "run", task)
    assert second.settings == settings
    list(second.fit())
    expected, got = whole.arrays(), second.arrays()
    assert expected.keys() == got.keys() and any("optimizer" in name for name in got)
    assert same(expected, got)
    assert same(whole.best, second.best)
    for one, other in zip(whole.progress.history, second.progress.history, strict=True):
        for key in one.keys() - {"seconds", "images_per_second"}:
            assert one[key] == other[key], key


def test_resume_refuses_other_images(saved, small):
    folder, trainer = saved
    task = small(trainer.settings)
    images = task.train.images.copy()
    images[5, 0, 3, 3] ^= 1
    other = dataclasses.replace(task, train=dataclasses.replace(task.train, images=images))
    with pytest.raises(RunError, match="expected the images that the run was started with"):
        training.resume(folder, other)
    labels = task.validation.labels.copy()
    labels[0] = (labels[0] + 1) % 10
    swapped = dataclasses.replace(task.validation, labels=labels)
    with pytest.raises(RunError, match="expected the images that the run was started with"):
        training.resume(folder, dataclasses.replace(task, validation=swapped))
    assert training.resume(folder, task).finished


def test_resume_refuses_what_is_not_its_own(saved, small, tmp_path):
    folder, trainer = saved
    task = small(trainer.settings)
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copy(copy / "model.safetensors", copy / "last.safetensors")
    with pytest.raises(RunError, match="last.safetensors: does not fit the run's settings"):
        training.resume(copy, task)
    (copy / "last.safetensors").unlink()
    with pytest.raises(RunError, match="last.safetensors: expected a run with this file"):
        training.resume(copy, task)


def packed(header, numbers=b""):
    """A safetensors file by hand: the header's length in eight bytes, the header, the numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def entry(kind="F32", shape=(2,), offsets=(0, 8), **more):
    return {"a": {"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)}, **more}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02\0\0",
        (1 << 60).to_bytes(8, "little") + b"{}",
        packed(b"[" * 100_000),
        packed(b'{"a":' * 100 + b"0" + b"}" * 100),
        packed(b"[]"),
        packed(b"\xff\xfe"),
        packed(entry(), bytes(7)),
        packed(entry(), bytes(9)),
        packed(entry(offsets=(4, 12)), bytes(12)),
        packed(entry(offsets=(0, 4)), bytes(4)),
        packed(entry(shape=(1 << 60,), offsets=(0, 1 << 62))),
        packed(entry(shape=(-2,)), bytes(8)),
        packed(entry(shape=(2.0,)), bytes(8)),
        packed(entry(shape=(True, 2)), bytes(8)),
        packed(entry("F8_E4M3", (8,)), bytes(8)),
        packed(entry("F8_E5M2", (8,)), bytes(8)),
        packed(entry("F4", (16,)), bytes(8)),
        packed(entry(["F32"]), bytes(8)),
        packed(entry(b={}), bytes(8)),
        packed(entry(__metadata__={"state": 1}), bytes(8)),
        packed(
            json.dumps(entry()).encode()[:-1] + b"," + json.dumps(entry()).encode()[1:], bytes(8)
        ),
    ],
    ids=range(22),
)
def test_a_file_that_is_not_safetensors(saved, small, content):
    folder, trainer = saved
    task = small(trainer.settings)
    for name, read in (
        ("last", lambda: training.resume(folder, task)),
        ("model", lambda: training.load(folder)),
    ):
        path = folder / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(RunError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: cannot be read as safetensors: ")
        assert "\n" not in str(caught.value)


def test_halves_are_widened(tmp_path):
    # 1.5 is 1.1 in binary: sign, exponent (127 or 15), then the 1 behind the point; -2 is exact.
    for kind, bits in (("BF16", (0x3FC0, 0xC000)), ("F16", (0x3E00, 0xC000))):
        numbers = b"".join(half.to_bytes(2, "little") for half in bits)
        (tmp_path / "file").write_bytes(packed(entry(kind, (2, 1), (0, 4)), numbers))
        array = tensor_files.read_tensors(tmp_path / "file")[0]["a"]
        assert array.dtype == np.float32 and array.tolist() == [[1.5], [-2.0]]


def checkpoint(folder):
    """(state, arrays) of a run's last.safetensors, and what writes them."""
    arrays, metadata = tensor_files.read_tensors(folder / "last.safetensors")

    def put(state, arrays):
        save_file(arrays, folder / "last.safetensors", {"state": json.dumps(state)})

    return json.loads(metadata["state"]), arrays, put


STATES = {
    "progress": [None, [], {}, "x"],
    "progress.epoch": [None, -1, 1, 3, 2.0, True, 10**40, "2"],
    "progress.batch": [None, -1, 1, 0.0, 10**40],  # 0 at the end
    "progress.right": [-1, 1, 0.5, None],
    "progress.loss_sum": [None, "0", math.nan, math.inf],
    "progress.seconds": [-1, math.nan, []],
    "progress.best_epoch": [None, -1, 0, 3, 10**40, "1"],
    "progress.best_accuracy": [None, 2, -1.0, math.nan, "0.5"],
    "progress.lowest_epoch": [None, 0, 3],
    "progress.lowest_loss": [None, 0.0, math.inf, math.nan],
    "progress.stopped_early": [None, True, 0, "no"],
    "progress.history": [None, {}, [], [1, 2], "ab"],
    "progress.history.0": [None, [], {}],
    "progress.history.1.epoch": [1, 3, None, 2.0],
    "progress.history.1.train_loss": [None, math.nan, 10**400, "1"],
    "progress.history.1.validation_accuracy": [-0.1, 1.1, None, math.nan],
    "optimizer_steps": [None, -1, 9, 1.0, [8, 8, 8], [[8]], {}, True],
    "rate": [None, -1.0, 0.5, math.inf, "0"],
    "random": [None, {}, []],
    "random.key": [None, -1, 1 << 64, 1.0],
    "random.generator": [None, {}, "PCG64"],
    "random.generator.bit_generator": [None, "MT19937"],
    "random.generator.state.state": [None, -1, 1 << 128, 0.5, "1"],
    "random.generator.state.inc": [2, -1, None],
    "random.generator.has_uint32": [2, None],
    "random.generator.uinteger": [1 << 32, -1],
}


@pytest.mark.parametrize("key", STATES)
def test_a_state_that_no_training_has_left(saved, small, key):
    """Each is refused in one line, and the trainer and the random numbers are as they were."""
    folder, trainer = saved
    state, arrays, put = checkpoint(folder)
    put(state, arrays)
    assert training.resume(folder, small(trainer.settings)).finished
    *way, last = key.split(".")
    for value in STATES[key]:
        changed = place = json.loads(json.dumps(state))
        for name in way:
            place = place[int(name) if isinstance(place, list) else name]
        place[int(last) if isinstance(place, list) else last] = value
        put(changed, arrays)
        task = small(trainer.settings)
        before = task.network.state_dict(), json.dumps(random.get_state())
        with pytest.raises(
            RunError, match="last.safetensors: does not fit the run's set"
        ) as caught:
            training.resume(folder, task)
        assert "\n" not in str(caught.value), value
        assert same(task.network.state_dict(), before[0])
        assert json.dumps(random.get_state()) == before[1]


def test_a_state_whose_arrays_are_others(saved, small):
    folder, trainer = saved
    state, arrays, put = checkpoint(folder)
    kinds = {name.split(".")[0] for name in arrays}
    assert kinds == {"model", "best", "optimizer"}
    for name in ("model.conv.bias", "best.dense.weight", "optimizer.velocity.conv.weight"):
        array = arrays[name]
        for other in (
            array[:1],  # of which numpy would make the whole
            array.reshape(-1, 1),
            array.astype(np.float64),
            np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array),
            None,
        ):
            changed = {k: v for k, v in (arrays | {name: other}).items() if v is not None}
            put(state, changed)
            broken = other is not None and not np.isfinite(other).all()
            reason = "expected finite numbers" if broken else "does not fit the run's settings: "
            with pytest.raises(RunError, match=reason) as caught:
                training.resume(folder, small(trainer.settings))
            assert name in str(caught.value)
    put(state, arrays | {"model.more": np.zeros(1, np.float32)})
    with pytest.raises(RunError, match="not known: model.more"):
        training.resume(folder, small(trainer.settings))


def test_a_run_of_before_these_settings_is_read_and_resumed(small, tmp_path):
    settings = plain(epochs=2, batch_size=10, optimizer="adam")
    whole = Trainer(settings, small(settings))
    list(whole.fit())
    first = Trainer(settings, small(settings))
    for _, _record in zip(range(3), first.fit(), strict=False):
        pass
    first.optimizer.steps = first.optimizer.steps[0]  # one number for all parameters
    training.create(tmp_path / "run", first)
    training.save(tmp_path / "run", first)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text())
    for name in ("limit", "start_from", "new_head", "freeze"):
        del config["settings"][name]
    path.write_text(json.dumps(config))
    assert training.load(tmp_path / "run").settings == settings
    second = training.resume(tmp_path / "run", small(settings))
    list(second.fit())
    assert same(whole.arrays(), second.arrays())


# --- few images, weights of another run, layers that are not trained ---------------------------


def test_a_limit_takes_so_many_of_each_class(digits):
    train, _ = digits
    few, more = (data.limit_per_class(train, count, 3) for count in (4, 9))
    assert np.bincount(few.labels).tolist() == [4] * 10
    assert np.bincount(more.labels).tolist() == [9] * 10
    rows = {image.tobytes(): at for at, image in enumerate(train.images)}
    places = [[rows[image.tobytes()] for image in part.images] for part in (few, more)]
    assert set(places[0]) < set(places[1])
    assert places == [sorted(place) for place in places]
    assert not np.array_equal(data.limit_per_class(train, 4, 5).images, few.images)
    assert len(data.limit_per_class(train, 10_000, 3)) == len(train)
    with pytest.raises(SpecError, match="expected a limit of 1 or more .* got 0 and 3"):
        data.limit_per_class(train, 0, 3)


def test_prepare_with_a_limit_leaves_the_rest_unused(digits):
    task = training.prepare(plain(limit=10, validation=0.2, seed=5))
    assert np.bincount(task.train.labels).tolist() == [8] * 10
    assert np.bincount(task.validation.labels).tolist() == [2] * 10
    assert len(task.test) == len(digits[1])
    # The scaling is that of the 80 images: mean 0 and variance 1.
    x = task.train.images * task.scaling.scale[0] + task.scaling.offset[0]
    assert (x.mean(), x.std()) == pytest.approx((0, 1))


def other_classes(count):
    """The small network for another number of classes, with weights of another seed."""
    from convlab import random

    random.manual_seed(77)
    return models.build_from_text(SMALL, name="small", classes=count)


def test_layers_of_the_same_name_and_shape_are_taken_over(small):
    there = small(plain()).network.state_dict()
    network = other_classes(10)
    own = network.state_dict()
    assert training.take_over(network, there) == (("conv", "dense"), {})
    assert same(network.state_dict(), there)
    network.load_state_dict(own)
    assert training.take_over(network, there, new_head=True) == (("conv",), {"dense": "made anew"})
    after = network.state_dict()
    assert all(np.array_equal(after[f"conv.{p}"], there[f"conv.{p}"]) for p in ("weight", "bias"))
    assert all(np.array_equal(after[f"dense.{p}"], own[f"dense.{p}"]) for p in ("weight", "bias"))
    # Eight by eight places of two maps lead into each class.
    assert training.take_over(other_classes(4), there) == (
        ("conv",),
        {"dense": "10 x 128 there, 4 x 128 here"},
    )
    assert training.take_over(other_classes(10), {k: there[k] for k in there if "conv" in k}) == (
        ("conv",),
        {"dense": "not there"},
    )


def test_where_no_layer_fits_nothing_is_taken(small):
    network = other_classes(10)
    before = network.state_dict()
    with pytest.raises(SpecError, match="same name and shape .* conv: 3 there, 2 x 1 x 7 x 7"):
        training.take_over(network, {"conv.weight": np.ones(3), "fc.weight": np.ones(2)})
    with pytest.raises(SpecError, match="conv: not there; dense: made anew"):
        weights = {k: v for k, v in before.items() if "dense" in k}
        training.take_over(network, weights, new_head=True)
    assert same(network.state_dict(), before)


@pytest.mark.parametrize(
    "words, frozen",
    [
        ("conv", ("conv1", "conv2")),
        ("dense", ("fc1", "fc2", "fc3")),
        ("fc2, conv1", ("conv1", "fc2")),
        ("conv,fc3", ("conv1", "conv2", "fc3")),
    ],
)
def test_freezing_by_names_and_kinds(words, frozen):
    network = models.build("lenet5", weights=False)
    assert training.freeze(network, words) == frozen
    still = {name.split(".")[0] for name, p in network.named_parameters() if not p.requires_grad}
    assert still == set(frozen)


@pytest.mark.parametrize(
    "words, message",
    [
        ("relu1", "expected layers with weights, conv1, conv2, fc1, fc2, fc3, or conv or dense"),
        ("", "got ''"),
        ("conv1,,fc1", "got ''"),
        ("conv,dense", "expected a layer to be left to train, conv,dense freezes all"),
    ],
)
def test_what_cannot_be_frozen(words, message):
    network = models.build("lenet5", weights=False)
    with pytest.raises(SpecError) as caught:
        training.freeze(network, words)
    assert message in str(caught.value)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_new_head_is_not_frozen():
    with pytest.raises(SpecError, match="freeze: expected the new head, fc3, to be trained"):
        training.prepare(plain(start_from="a", new_head=True, freeze="fc3"))


@pytest.mark.parametrize("kind", ["sgd", "nesterov", "adam"])
def test_frozen_layers_keep_their_bytes_and_get_no_gradient(small, monkeypatch, kind):
    """Weight decay and momentum would change them; no gradient is computed for them either."""
    from convlab.kernels import conv2d

    def never(*arguments, **settings):
        raise AssertionError("a gradient of a frozen convolution")

    monkeypatch.setattr(conv2d, "grad_weight", never)
    monkeypatch.setattr(conv2d, "grad_input", never)
    settings = plain(epochs=2, batch_size=10, optimizer=kind, weight_decay=0.1, freeze="conv")
    task = small(settings)
    training.freeze(task.network, settings.freeze)
    before = task.network.state_dict()
    trainer = Trainer(settings, task)
    list(trainer.fit())
    after = task.network.state_dict()
    for name in before:
        assert (before[name].tobytes() == after[name].tobytes()) is name.startswith("conv"), name
    assert task.network.conv.weight.grad is None
    assert not any("optimizer" in name and "conv" in name for name in trainer.arrays())


def test_a_run_with_frozen_layers_is_resumed_to_the_bit(small, tmp_path):
    settings = plain(epochs=2, batch_size=10, freeze="conv")

    def task(seed):
        made = small(dataclasses.replace(settings, seed=seed))
        training.freeze(made.network, settings.freeze)
        return made

    whole = Trainer(settings, task(0))
    list(whole.fit())
    first = Trainer(settings, task(0))
    for _, _record in zip(range(2), first.fit(), strict=False):
        pass
    training.create(tmp_path / "run", first)
    training.save(tmp_path / "run", first)
    second = training.resume(tmp_path / "run", task(9))
    list(second.fit())
    assert same(whole.arrays(), second.arrays())


def test_the_first_weights_of_a_run_that_began_with_others(small, tmp_path):
    settings = plain(epochs=1, start_from="another", batch_size=20)
    task = small(settings)
    training.take_over(task.network, other_classes(10).state_dict(), new_head=True)
    before = task.network.state_dict()
    trainer = Trainer(settings, task)
    training.create(tmp_path / "run", trainer)
    list(trainer.fit())
    training.save(tmp_path / "run", trainer)
    assert same(training.initial_weights(tmp_path / "run"), before)
    training.discard(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_keeps_its_network_when_the_file_changes(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(SMALL)
    settings = plain(model=str(file), epochs=1)
    trainer = Trainer(settings, training.prepare(settings))
    training.create(tmp_path / "run", trainer)
    file.write_text(SMALL.replace("ReLU", "Tanh"))
    task = training.prepare(settings, spec=training.load_spec(tmp_path / "run"))
    assert [type(layer).__name__ for layer in task.network][1] == "ReLU"
    assert (task.network.name, task.network.spec) == ("net", SMALL)


# --- writing -------------------------------------------------------------------------------------

KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from convlab.training import write_atomically

path = Path(sys.argv[1])
contents = [bytes([letter]) * 3_000_000 for letter in b"ab"]
write_atomically(path, contents[0])
chance, seen = random.Random(0), set()
for turn in range(60):
    child = os.fork()
    if not child:
        while True:
            for content in contents[::-1] if turn % 2 else contents:
                write_atomically(path, content)
    time.sleep(chance.uniform(0.001, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    content = path.read_bytes()
    assert content in contents, (turn, len(content), set(content))
    seen.add(content[:1])
assert seen == {b"a", b"b"}, seen
print("whole after every kill")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLER, tmp_path / "file"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "whole after every kill\n"), done.stderr


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    training.write_atomically(path, b"old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="file: cannot be written: No space left on device"):
        training.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RunError, match="cannot be written: No such file or directory"):
        training.write_atomically(tmp_path / "nosuch" / "file", b"new")


def test_a_written_file_has_the_users_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        training.write_atomically(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


# --- published accuracies ------------------------------------------------------------------------


def accuracy_of(convlab, *arguments, **variables):
    result = convlab("train", *arguments, "--json", "--quiet", **variables)
    assert result.status == 0, result.err
    return json.loads(result.out.splitlines()[-1])["test_accuracy"]


@pytest.mark.slow
def test_the_default_command_reads_98_of_100_digits(convlab):
    # A plain PyTorch run of the same network reached 98.6 to 99.2 %.
    assert accuracy_of(convlab) >= 0.98


MNIST = ("mnist", ["--epochs", 10], 0.990)  # PyTorch: 99.28 %
FASHION = ("fashion-mnist", ["--epochs", 15], 0.900)  # PyTorch after 10 epochs: 90.80 %
OF_1998 = ("mnist", ["--model", "lenet5-1998", "--epochs", 10], 0.985)  # published: 99.05 %


@pytest.mark.parametrize(
    "name, arguments, least",
    [
        pytest.param(*MNIST, marks=pytest.mark.slow, id="mnist"),
        pytest.param(*FASHION, marks=pytest.mark.campaign, id="fashion-mnist"),
        pytest.param(*OF_1998, marks=pytest.mark.campaign, id="mnist-lenet5-1998"),
    ],
)
def test_published_accuracy(convlab, name, arguments, least):
    own = os.environ.get("CONVLAB_DATA_DIR")
    if not own or not (Path(own) / name).is_dir():
        pytest.skip(f"needs {name} in the folder that CONVLAB_DATA_DIR names")
    own = Path(own).resolve()
    assert accuracy_of(convlab, "--data", name, *arguments, CONVLAB_DATA_DIR=own) >= least


def test_the_usual_settings_are_those_of_the_command():
    few, many = Settings(), Settings(data="mnist")
    assert (few.epochs, few.augment) == (60, "shift=2,rotate=15,scale=0.15")
    assert (many.epochs, many.augment) == (20, "none")
    assert Settings(augment="none", epochs=3).to_dict() | {"seed": 0} == {
        **few.to_dict(),
        "augment": "none",
        "epochs": 3,
    }


def test_an_evaluation_shows_its_classes():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0]])
    labels = np.array([0, 1, 1, 0])
    found = training.Evaluation(0.5, probabilities, labels, ("dark", "<light>", "none"))
    assert repr(found) == "Evaluation(accuracy 75.00 %, loss 0.5000, 4 images)"
    shown = found._repr_html_()
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", shown)
    assert "<div>loss 0.5000</div>" in shown
    assert cells == [
        *("class", "images", "right", "accuracy"),
        *("all", "4", "3", "75.00 %"),
        *("dark", "2", "2", "100.00 %"),
        *("&lt;light&gt;", "2", "1", "50.00 %"),
        *("none", "0", "0", ""),
    ]
    assert "<td" in training.Evaluation(0.5, probabilities, labels)._repr_html_()
