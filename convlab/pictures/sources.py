"""What pictures are made of: a run, a network or an image, by what a user calls it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convlab import data, models, training
from convlab.errors import DataError, SpecError
from convlab.reading import read_standard_input
from convlab.training import Run

RunLike = Run | str | os.PathLike
"""A run, or its folder."""
NetworkLike = models.Network | RunLike
"""A network, a model's name, a .toml file, a run or its folder."""
ImageLike = np.ndarray | str | os.PathLike
"""Pixels (C, H, W) of bytes, a picture's file, "-" for standard input, or test:N of a test set."""

INVERTED = "dark on light, as drawings are: inverted to light on dark"


def run_of(run: RunLike, device: str = "cpu") -> Run:
    """A run as it is, or that of a folder, its network on ``device``.

    Raises RunError for a folder that is none.
    """
    if isinstance(run, Run):
        return run
    run = training.load(Path(run))
    run.network.to(device)
    return run


def network_of(
    source: NetworkLike, *, weights: bool = True, device: str = "cpu"
) -> tuple[models.Network, Run | None]:
    """A network as it is, or made on ``device``, and the run that has trained it, if one has.

    ``weights=False`` leaves those of an untrained one zero: enough for its geometry.
    Raises SpecError for anything else than a ``NetworkLike``.
    """
    if isinstance(source, models.Network):
        return source, None
    if isinstance(source, Run) or Path(source).is_dir():
        run = run_of(source, device)
        return run.network, run
    name = str(source)
    if name in models.model_names() or name.endswith(".toml"):
        return models.build(name, weights=weights).to(device), None
    raise SpecError(
        f"expected the folder of a run, one of {', '.join(models.model_names())}, or a .toml"
        f" file, got {source}"
    )


class Subject(NamedTuple):
    """An image for a run: bytes (C, H, W), whether they were inverted, and its name."""

    pixels: np.ndarray
    inverted: bool
    name: str


def image_of(run: Run, image: ImageLike, data_dir: str | os.PathLike | None = None) -> Subject:
    """An image as the run's data are: of their size, and light on dark where they are.

    Raises DataError for a number that the test set does not have, and for a file that is no
    picture.
    """
    channels, *size = run.image_shape
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.shape != run.image_shape:
            raise DataError(
                f"image: expected bytes of shape {run.image_shape}, got {image.dtype} of shape"
                f" {image.shape}"
            )
        return Subject(image, False, "an image")
    source = str(image)
    name = Path(source).name
    if source.startswith("test:"):
        _, test = data.load(run.settings.data, data_dir=data_dir)
        number = source.removeprefix("test:")
        if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
            raise DataError(
                f"image {source}: expected test:0 to test:{len(test) - 1} of {test.name}"
            )
        return Subject(test.images[int(number)], False, name)
    given = read_standard_input() if source == "-" else Path(source)
    pixels = data.read_picture(given, size=tuple(size), channels=channels)
    if run.dark_background:
        return Subject(*data.as_dark_background(pixels), name)
    return Subject(pixels, False, name)


def title_of(run: Run) -> str:
    """A run in a picture's subtitle."""
    folder = run.folder.resolve().name
    return f"run {folder}, {run.network.name} trained on {Path(run.settings.data).name}"
