"""A run: a trained network in its folder, which classifies images."""

from __future__ import annotations

import html
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convlab import data, display, models, random, reading, tensor_files
from convlab.data import Scaling, to_floats
from convlab.errors import ConvlabError, DataError, RunError
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.fit import Evaluation, evaluate
from convlab.training.run_folder import (
    CONFIG,
    FIRST,
    MODEL,
    SNAPSHOTS,
    classes_of,
    flag_of,
    history,
    read_config,
    settings_of,
    sizes_of,
    snapshot_name,
    spec_of,
)
from convlab.training.settings import Settings, centred, centred_images

ImageLike = np.ndarray | str | os.PathLike
"""Pixels (C, H, W) of bytes, a picture's file, "-" for standard input, or test:N of a test set."""


class Image(NamedTuple):
    """An image for a run: bytes (C, H, W), whether they were inverted, and their source."""

    pixels: np.ndarray
    inverted: bool
    source: str

    @property
    def name(self) -> str:
        """The image, for titles."""
        return Path(self.source).name


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network in a run folder, which classifies images."""

    folder: Path
    settings: Settings
    network: models.Network
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]  # of the data set; the network's input may be larger
    dark_background: bool
    scaling: Scaling
    best_epoch: int

    def network_input(self, image: np.ndarray) -> np.ndarray:
        """An image of bytes (C, H, W) of the data's size as the network's input, in floats."""
        x = centred_images(image[np.newaxis], self.network.input_shape[1:])
        return np.ascontiguousarray(to_floats(x, self.scaling)[0])

    @property
    def name(self) -> str:
        """A description of the run, for a picture's subtitle."""
        folder = self.folder.resolve().name
        return f"run {folder}, {self.network.name} trained on {Path(self.settings.data).name}"

    def image(self, source: ImageLike, data_dir: str | os.PathLike | None = None) -> Image:
        """An image like the run's data: of their size, and light on dark if they are.

        Raises DataError for a number that the test set does not have, for a file that is not a
        picture, and for bytes whose shape is not ``image_shape``.
        """
        if isinstance(source, np.ndarray):
            if source.dtype != np.uint8 or source.shape != self.image_shape:
                raise DataError(
                    f"image: expected uint8 of shape {self.image_shape}, got {source.dtype} of"
                    f" shape {source.shape}"
                )
            return Image(source, False, "an image")
        source = os.fspath(source)
        if source.startswith("test:"):
            _, test = data.load(self.settings.data, data_dir=data_dir)
            number = source.removeprefix("test:")
            if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
                raise DataError(
                    f"image {source}: expected test:0 to test:{len(test) - 1} of {test.name}"
                )
            return Image(test.images[int(number)], False, source)
        channels, rows, columns = self.image_shape
        given = reading.read_standard_input() if source == "-" else Path(source)
        pixels = data.read_picture(given, size=(rows, columns), channels=channels)
        if self.dark_background:
            return Image(*data.as_dark_background(pixels), source)
        return Image(pixels, False, source)

    def predict(
        self, *images: ImageLike, data_dir: str | os.PathLike | None = None
    ) -> list[dict[str, float]]:
        """For each image the probability of every class, the likeliest first.

        Raises the same errors as ``image``; all are read before the first answer.
        """
        read = [self.image(image, data_dir).pixels for image in images]
        x = np.stack([self.network_input(pixels) for pixels in read])
        with no_grad():
            chances = self.network.probabilities(self.network(Tensor(x)).numpy())
        return [
            {self.classes[k]: float(row[k]) for k in np.argsort(-row, kind="stable")}
            for row in chances
        ]

    def evaluate(
        self, test: data.Dataset | None = None, data_dir: str | os.PathLike | None = None
    ) -> Evaluation:
        """The network's answers for images of the data's size, by default those of its test set.

        Raises DataError if that is missing.
        """
        if test is None:
            _, test = data.load(self.settings.data, data_dir=data_dir)
        return evaluate(self.network, centred(test, self.network.input_shape[1:]), self.scaling)

    def summary(self) -> models.SummaryTable:
        """What each layer costs and sees."""
        return self.network.summary()

    def __repr__(self) -> str:
        return f"Run({self.name}, best epoch {self.best_epoch})"

    def _repr_html_(self) -> str:
        accuracy = [float(value) for value in history(self.folder)["validation_accuracy"]]
        best = accuracy[self.best_epoch - 1]
        said = (
            f"{self.name}; validation accuracy {100 * best:.2f} % in epoch {self.best_epoch} of"
            f" {len(accuracy)}"
        )
        drawn = display.curve(accuracy, "validation accuracy by epoch")
        return f"<div>{html.escape(said)}</div>{drawn}{self.summary()._repr_html_()}"


def load(folder: Path | str) -> Run:
    """The best network of a run.  Raises RunError if the folder is not a run, or is damaged."""
    folder = Path(folder)
    config = read_config(folder)
    settings = settings_of(folder, config)
    arrays, metadata = _weights(folder, MODEL, config, settings)
    best_epoch = metadata.get("best_epoch", "0")
    if not re.fullmatch(r"[0-9]{1,9}", best_epoch) or int(best_epoch) > settings.epochs:
        raise RunError(
            f"{folder / MODEL}: expected the number of its epoch, got {best_epoch!r:.40}"
        )
    network = _network(folder, config, settings)
    image_shape = sizes_of(folder, config, "image_shape")
    try:
        network.load_state_dict(arrays)
        numbers: Any = config.get("scaling")  # None if missing: refused as well
        scaling = Scaling.from_dict(numbers)
    except ConvlabError as error:
        raise RunError(f"{folder}: the network does not fit its weights: {error}") from None
    fits = (len(scaling.scale), *image_shape[1:])
    if image_shape[0] != network.input_shape[0] or any(
        small > large for small, large in zip(fits, network.input_shape, strict=True)
    ):
        raise RunError(
            f"{folder / CONFIG}: expected images and a scaling for the network's input"
            f" {network.input_shape}, got {image_shape} and {len(scaling.scale)} channels"
        )
    return Run(
        folder,
        settings,
        network.eval(),
        classes_of(folder, config),
        image_shape,
        flag_of(folder, config, "dark_background"),
        scaling,
        int(best_epoch),
    )


def snapshot_epochs(folder: Path | str) -> list[int]:
    """The epochs, from 1, whose weights the run has kept.  Raises RunError if there are none."""
    names = [path.name for path in (Path(folder) / SNAPSHOTS).glob("epoch-*.safetensors")]
    found = [re.fullmatch(r"epoch-(\d+)\.safetensors", name) for name in names]
    epochs = sorted(int(match[1]) for match in found if match)
    if not epochs:
        raise RunError(
            f"{folder}: expected a run with the weights of each epoch, it has no snapshots;"
            " train it with convlab train --snapshots (in Python: snapshots=True)"
        )
    return epochs


def snapshot(folder: Path | str, epoch: int) -> dict[str, np.ndarray]:
    """The weights after an epoch of a run with snapshots, by name; before training for epoch 0.

    Raises RunError if the run has not kept them.
    """
    if epoch == 0:
        return initial_weights(folder)
    folder = Path(folder)
    config = read_config(folder)
    return _weights(folder, snapshot_name(epoch), config, settings_of(folder, config))[0]


def initial_weights(folder: Path | str) -> dict[str, np.ndarray]:
    """The weights that a run started with, by name: kept, or drawn again from its seed.

    Raises RunError.
    """
    folder = Path(folder)
    config = read_config(folder)
    settings = settings_of(folder, config)
    if settings.start_from is not None:
        return _weights(folder, FIRST, config, settings)[0]
    before = random.get_state()
    try:
        random.manual_seed(settings.seed)
        _weights(folder, MODEL, config, settings)
        return _network(folder, config, settings).state_dict()
    finally:
        random.set_state(before)


def _network(
    folder: Path, config: dict, settings: Settings, weights: bool = True
) -> models.Network:
    """The network of a run with first weights from the current random numbers.

    Without ``weights`` they are all zero, which takes no memory.
    """
    try:
        return models.build(
            spec_of(folder, config),
            input_shape=sizes_of(folder, config["network"], "input_shape"),
            classes=len(classes_of(folder, config)),
            dropout=settings.dropout,
            weights=weights,
        )
    except RunError:
        raise
    except (ConvlabError, MemoryError) as error:
        raise RunError(f"{folder}: the network cannot be built: {error}") from None


def _weights(
    folder: Path, name: str, config: dict, settings: Settings
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """A file of the run's weights, checked against the network by names and shapes.

    A network made too large by a damaged config.json is found here, before memory is allocated.
    """
    path = folder / name
    arrays, metadata = tensor_files.read_tensors(path)
    network = _network(folder, config, settings, weights=False)
    wanted = {name: p.shape for name, p in network.named_parameters()}
    got = {name: array.shape for name, array in arrays.items() if array.dtype.kind == "f"}
    for name in sorted(wanted.keys() | got.keys()):
        if wanted.get(name) != got.get(name):
            raise RunError(
                f"{path}: the network does not fit its weights: expected {name} of shape"
                f" {wanted.get(name)}, got {got.get(name)}"
            )
    return {name: arrays[name] for name in wanted}, metadata
