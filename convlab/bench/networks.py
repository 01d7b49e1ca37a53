"""The networks that are measured, their inputs, and their counterparts in PyTorch."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from convlab import data, manual_seed, models, nn, random
from convlab.bench.convolutions import torch_has_cuda
from convlab.bench.machine import version
from convlab.checks import fits_memory
from convlab.errors import DataError, SpecError

ANSWERS = 10_000
DIGITS = (1, 28, 28)  # (channels, rows, columns) of MNIST's images
RANDOM = "random bytes"

CONVOLUTIONS = models.Spec(
    """
input = "32x32x3"
layer = [
    {type = "Conv2d", out_channels = 32, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "Conv2d", out_channels = 32, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "MaxPool2d", kernel_size = 2},
    {type = "Conv2d", out_channels = 64, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "Conv2d", out_channels = 64, kernel_size = 3, padding = 1},
    {type = "ReLU"},
    {type = "MaxPool2d", kernel_size = 2},
    {type = "Flatten"},
    {type = "Linear", out_features = "classes"},
]
""",
    "four 3×3 layers",
    "four 3×3 layers",
)
"""Four convolutions of 3 x 3 on RGB images of 32 x 32."""

COMPARED: tuple[str | models.Spec, ...] = ("lenet5", "fashion-cnn", CONVOLUTIONS, "dense")
"""The networks whose answers are timed where none are asked for."""


def network(model: str | Path | models.Spec, classes: int | None = None) -> models.Network:
    """A network to be measured, by its name, from a TOML file or a Spec; always the same weights.

    Raises SpecError for one that cannot be built, has no weights, or is not trained with
    cross-entropy.
    """
    before = random.get_state()
    try:
        manual_seed(0)
        built = models.build(model, classes=classes)
    finally:
        random.set_state(before)
    if built.loss != "cross-entropy":
        raise SpecError(f"{built.name}: expected a network with cross-entropy, got {built.loss}")
    models.check_classifies(built)
    if not built.parameters():
        raise SpecError(f"{built.name}: expected a network with weights, got none")
    return built


def compared(on: str = "cpu") -> bool:
    """Whether PyTorch is measured too: it is installed, and can use the device (cpu or cuda)."""
    return version("torch") is not None and (on == "cpu" or torch_has_cuda())


def pytorch_layers(
    built: models.Network,
) -> list[tuple[str, str, dict[str, Any], tuple[str | None, ...]]]:
    """(name, class in torch.nn, its arguments, names of what it reads) of each layer of a network.

    They compute the same; None is the input.  What PyTorch has no layer for, but does with tensors,
    has the name of ours.  Raises SpecError naming the layer if PyTorch cannot do the same.
    """
    rows = []
    for name, layer, sources in (row for node in built.nodes() for row in _padded_apart(*node)):
        try:
            rows.append((name, type(layer).__name__, layer.pytorch_arguments(), sources))
        except SpecError as error:
            raise SpecError(f"{built.name}, {name}: {error}") from None
    return rows


def _padded_apart(
    name: str, layer: nn.Module, sources: tuple[str | None, ...]
) -> list[tuple[str, nn.Module, tuple[str | None, ...]]]:
    """A layer, after one that pads for it if it is a convolution with sides that differ."""
    if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros":
        return [(name, layer, sources)]
    top, bottom, left, right = layer.padding
    if (top, left) == (bottom, right):
        return [(name, layer, sources)]
    bare = copy.copy(layer)
    bare.padding = (0, 0, 0, 0)
    before = f"{name}.padding"
    return [(before, nn.ZeroPad2d((left, right, top, bottom)), sources), (name, bare, (before,))]


def not_in_pytorch(built: models.Network, on: str = "cpu") -> str:
    """Why a network that is to be compared cannot be; empty if it can, or is measured alone."""
    try:
        if compared(on):
            pytorch_layers(built)
    except SpecError as error:
        return str(error)
    return ""


def training_images(
    count: int = 60_000, data_dir: str | os.PathLike | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """``count`` images of MNIST if it is found on this machine, else of digits; repeated.

    As many test images, but at most 10,000.

    Returns its name, and images, labels and test_images as arrays.
    """
    try:
        name = "mnist"
        train, test = data.load(name, data_dir=data_dir, download=False)
    except DataError:
        name = "digits"
        train, test = data.load(name)
    rows = np.arange(count) % len(train)
    arrays = {
        "images": train.images[rows],
        "labels": train.labels[rows],
        "test_images": test.images[np.arange(min(count, ANSWERS)) % len(test)],
    }
    return name, arrays


def images_for(
    built: models.Network, count: int = 60_000, data_dir: str | os.PathLike | None = None
) -> tuple[str, dict[str, np.ndarray]]:
    """``training_images`` if they fit a network, else ``random_images``, and their name."""
    if built.input_shape == DIGITS and built.classes >= 10:
        return training_images(count, data_dir)
    return RANDOM, random_images(built, count)


def random_images(built: models.Network, count: int) -> dict[str, np.ndarray]:
    """Random bytes of a network's input shape, the same at every call.

    Returns images (count, C, H, W), labels (count,), and at most 10,000 test_images.  Raises
    ShapeError for more than fits into memory.
    """
    fits_memory("images", count, *built.input_shape)
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, *built.input_shape), np.uint8)
    labels = generator.integers(0, built.classes, count)
    return {"images": images, "labels": labels, "test_images": images[:ANSWERS]}


def write(
    folder: Path, built: models.Network, arrays: dict[str, np.ndarray], mirrored: bool
) -> None:
    """Write what ``worker.py`` reads: images.npz, weights.npz and network.json.

    ``mirrored``: whether PyTorch's side is among the readers; see ``pytorch_layers``.
    """
    names = tuple(map(str, range(built.classes)))
    dataset = data.Dataset("bench", "train", arrays["images"], arrays["labels"], names)
    scaling = data.Scaling.standardise(dataset)
    description = {
        **scaling.to_dict(),
        "spec": built.spec,
        "name": built.name,
        "input_shape": built.input_shape,
        "classes": built.classes,
        "layers": pytorch_layers(built) if mirrored else [],
    }
    (folder / "network.json").write_text(json.dumps(description), encoding="utf-8")
    files: dict[str, dict[str, Any]] = {"weights.npz": built.state_dict(), "images.npz": arrays}
    for file, named in files.items():
        np.savez(folder / file, **named)
