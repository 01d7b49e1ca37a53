"""What many experiments do: train a network on some data and test it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from convlab import data, models, training
from convlab.data import Dataset
from convlab.experiments.framework import Trial

_SETTINGS = {field.name for field in dataclasses.fields(training.Settings)}


@lru_cache(maxsize=4)
def load(source: str, image_size: tuple[int, int] | None = None) -> tuple[Dataset, Dataset]:
    """(train, test) of a data set by its name, read once per process; see ``data.load``."""
    return data.load(source, image_size=image_size)


def load_centred(source: str, side: int | None) -> tuple[Dataset, Dataset]:
    """``load`` with images of side × side, each in the middle of a field of 28 × 28 pixels.

    A shift takes no ink out of smaller images there.  side None: as large as they are.
    """
    train, test = load(source, None if side is None else (side, side))
    return training.centred(train, (28, 28)), training.centred(test, (28, 28))


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


# --- data sets that are changed ------------------------------------------------------------


def permuted(dataset: Dataset, seed: int) -> Dataset:
    """All images with their pixels permuted, in the same way for every image and channel."""
    count = dataset.images.shape[2] * dataset.images.shape[3]
    order = np.random.default_rng(seed).permutation(count)
    flat = dataset.images.reshape(*dataset.images.shape[:2], count)
    return dataclasses.replace(dataset, images=flat[..., order].reshape(dataset.images.shape))


def of_classes(dataset: Dataset, classes: Sequence[int]) -> Dataset:
    """The images of some classes, which are renumbered from 0 in the order given."""
    classes = list(classes)
    numbers = np.full(len(dataset.classes), -1)
    numbers[classes] = np.arange(len(classes))
    labels = numbers[dataset.labels]
    wanted = labels >= 0
    names = tuple(dataset.classes[number] for number in classes)
    return dataclasses.replace(
        dataset,
        images=dataset.images[wanted],
        labels=labels[wanted].astype(np.int64),
        classes=names,
    )


def first(dataset: Dataset, count: int, seed: int = 0) -> Dataset:
    """``count`` of the images, drawn by the seed, in the order of the set."""
    if count >= len(dataset):
        return dataset
    chosen = np.random.default_rng(seed).permutation(len(dataset))[:count]
    return dataset.subset(np.sort(chosen))


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
