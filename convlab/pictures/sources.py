"""What pictures are made from: a run, a network or an image, by what a user calls it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from convlab import data, models, training
from convlab.data.pictures import given_name, given_picture, picture_form
from convlab.errors import DataError, SpecError
from convlab.names import meant
from convlab.training import Evaluation, ImageLike, Run
from convlab.training.run import name_of_test_image
from convlab.words import t

RunLike = Run | str | os.PathLike
"""A run, or its folder."""
NetworkLike = models.Network | RunLike
"""A network, a model's name, a .toml file, a run or its folder."""


def run_of(run: RunLike, device: str = "cpu") -> Run:
    """A run as it is, or one loaded from its folder, its network on ``device``.

    Raises RunError for a folder that is not a run.
    """
    if isinstance(run, Run):
        return run
    loaded = training.load(Path(run))
    loaded.network.to(device)
    return loaded


def network_of(
    source: NetworkLike,
    *,
    weights: bool = True,
    device: str = "cpu",
    classes: int | None = None,
) -> tuple[models.Network, Run | None]:
    """A network as it is, or made on ``device``, and the run that trained it, if there is one.

    ``weights=False`` leaves those of an untrained one zero: enough for its geometry.  ``classes``
    is how many an untrained one is made for, instead of its own number.
    Raises SpecError for anything other than a ``NetworkLike``, and for a run with ``classes``.
    """
    if isinstance(source, models.Network):
        return source, None
    if isinstance(source, Run) or (str(source) and Path(source).is_dir()):
        if classes is not None:
            raise SpecError(
                f"classes: expected a model's name or a .toml file, got {source}, which was trained"
                " for its own"
            )
        run = run_of(source, device)
        return run.network, run
    name = str(source)
    if name in models.model_names() or name.lower().endswith(".toml") or name == "-":
        return models.build(name, weights=weights, classes=classes, backbone=True).to(device), None
    raise SpecError(
        f"expected the folder of a run, one of {', '.join(models.model_names())}, or a .toml"
        f" file, got {str(source) or repr('')}{meant(source, models.model_names())}"
    )


def some_test_images(
    run: Run, count: int, data_dir: str | os.PathLike | None = None
) -> tuple[data.Dataset, str]:
    """At most ``count`` images spread evenly over a run's test set, as its network takes them.

    Also returns, in words, which these are.
    """
    test = run.test_set(data_dir)
    total, shown = len(test), min(count, len(test))
    # Evenly, since the images of a folder are ordered by class.
    test = test.subset(np.linspace(0, total - 1, shown).round().astype(int))
    said = run.of_test_images(shown, total)
    return training.centred(test, run.network.input_shape[1:]), said


def tested(run: Run, data_dir: str | os.PathLike | None = None) -> tuple[data.Dataset, Evaluation]:
    """A run's test set, and its network's answers to all of it."""
    _, test = run.datasets(data_dir)
    return test, run.evaluate(test)


def check_pixels(image: np.ndarray) -> None:
    """Raise DataError where an array is no image: uint8 (1 or 3, rows, columns), none of them 0."""
    right = image.dtype == np.uint8 and image.ndim == 3 and len(image) in (1, 3) and image.size
    if not right:
        raise DataError(
            "image: expected uint8 of shape (1 or 3, rows, columns), got"
            f" {image.dtype} of shape {image.shape}"
        )


def image_bytes(
    image: ImageLike, source: str, data_dir: str | os.PathLike | None
) -> tuple[np.ndarray, str]:
    """Bytes (C, H, W), and what the image is called.

    ``image``: pixels, a picture's file, "-", a photograph (china, flower), or test:N of
    ``source``.  Raises DataError for an image that there is not.
    """
    if isinstance(image, np.ndarray):
        check_pixels(image)
        return image, t("an image")
    image = str(image)
    if image.startswith("test:"):
        _, test = data.load(source, data_dir=data_dir)
        number = image.removeprefix("test:")
        if not number.isdecimal() or len(number) > 18 or int(number) >= len(test):
            raise DataError(f"image {image}: expected test:0 to test:{len(test) - 1}")
        return test.images[int(number)], name_of_test_image(test, int(number))
    if image in data.PHOTOGRAPHS:
        return data.photograph(image).transpose(2, 0, 1), image
    if image != "-" and not Path(image).exists():
        raise DataError(
            f"{image}: expected a picture file, test:N or one of"
            f" {', '.join(data.PHOTOGRAPHS)}; there is no such file"
        )
    content = given_picture(image)
    size, is_grey = picture_form(content)
    return data.read_picture(content, size=size, channels=1 if is_grey else 3), given_name(image)
