"""What many experiments do: train a network on some data and test it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from convlab import models, training
from convlab.data import Dataset
from convlab.experiments.framework import Trial
from convlab.experiments.sources import load

_SETTINGS = {field.name for field in dataclasses.fields(training.Settings)}


def settings_of(trial: Trial) -> training.Settings:
    """The training settings among a trial's entries; no augmentation unless it says so."""
    said: dict[str, Any] = {"epochs": 20, "augment": "none"}
    return training.Settings(**said | {key: trial[key] for key in trial if key in _SETTINGS})


def train(
    trial: Trial,
    datasets: tuple[Dataset, Dataset] | None = None,
    *,
    weights: Mapping[str, np.ndarray] | None = None,
    last: bool = False,
) -> training.Trainer:
    """Train to the end; the network has the weights of its best epoch, or the ``last`` ones.

    trial: settings of ``training.Settings`` by their names; ``spec`` may hold the text of a
    network's TOML, else ``model`` names it.  datasets: (train, test) instead of those that
    ``data`` names.  weights: those to start from, as ``training.take_over`` takes them.
    Raises SpecError for settings, and DataError for data, that do not fit.
    """
    settings = settings_of(trial)
    spec = models.Spec(trial["spec"], "network", "spec") if "spec" in trial else None
    task = training.prepare(settings, spec=spec, datasets=datasets or load(settings.data))
    if weights is not None:
        training.take_over(task.network, weights)
    trainer = training.Trainer(settings, task)
    for _ in trainer.fit():
        pass
    if not last:
        trainer.network.load_state_dict(trainer.best)
    return trainer


def figures(trainer: training.Trainer) -> dict[str, Any]:
    """The results of a training: test figures of its best epoch, costs, and its history.

    Accuracies are shares of 1, losses are means over images, multiply-adds are for one image,
    seconds for the training steps.
    """
    task, progress = trainer.task, trainer.progress
    test = training.evaluate(trainer.network, task.test, task.scaling)
    best = progress.history[progress.best_epoch - 1]
    layers = models.summarise(trainer.network)
    keys = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "seconds")
    return {
        "test_accuracy": test.accuracy,
        "test_loss": test.loss,
        "train_accuracy": best["train_accuracy"],
        "train_loss": best["train_loss"],
        "validation_accuracy": best["validation_accuracy"],
        "validation_loss": best["validation_loss"],
        "best_epoch": progress.best_epoch,
        "epochs_trained": progress.epoch,
        "parameters": trainer.network.parameter_count(),
        "multiply_adds": sum(layer.multiply_adds for layer in layers),
        "training_seconds": sum(record["seconds"] for record in progress.history),
        "history": {key: [record[key] for record in progress.history] for key in keys},
    }


def train_and_test(trial: Trial) -> dict[str, Any]:
    """Train as a trial says, on the data that it names, and test: the usual measurement."""
    return figures(train(trial))


def costs(spec: str, image_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10):
    """(parameters, multiply-adds for one image) of a network's TOML; nothing is trained."""
    network = models.build_from_text(
        spec, name="network", input_shape=image_shape, classes=classes, weights=False
    )
    return network.parameter_count(), sum(row.multiply_adds for row in models.summarise(network))


# --- networks as texts ---------------------------------------------------------------------


def layer(kind: str, **settings: Any) -> str:
    """One [[layer]] of a network's TOML: ``layer("Conv2d", out_channels=6, kernel_size=5)``."""
    lines = [f"{key} = {_toml(value)}" for key, value in {"type": kind, **settings}.items()]
    return "\n".join(["", "[[layer]]", *lines, ""])


def _toml(value: Any) -> str:
    # TOML writes texts, numbers, booleans and lists as JSON does.
    return json.dumps(value)


def network(*layers: str, input_shape: str = "28x28x1") -> str:
    """A network's TOML from its layers' texts; ``input_shape`` as rows x columns x channels."""
    return f'input = "{input_shape}"\n' + "".join(layers)


def dense(*hidden: int, input_shape: str = "28x28x1") -> str:
    """The TOML of a network of dense layers with ReLU; ``hidden``: units of each but the last."""
    layers = [layer("Flatten")]
    for units in hidden:
        layers += [layer("Linear", out_features=units), layer("ReLU")]
    layers.append(layer("Linear", out_features="classes", initialisation="glorot"))
    return network(*layers, input_shape=input_shape)


def three_convolutions(*end: str) -> str:
    """The TOML of three 3 x 3 convolutions, two max poolings between them, and a dense layer.

    ``end``: texts of layers before the dense one, such as a global pooling.
    """
    first, second, third = (
        [layer("Conv2d", out_channels=maps, kernel_size=3, padding=1), layer("ReLU")]
        for maps in (8, 16, 32)
    )
    halved = layer("MaxPool2d", kernel_size=2)
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    return network(*first, halved, *second, halved, *third, *end, layer("Flatten"), scores)
