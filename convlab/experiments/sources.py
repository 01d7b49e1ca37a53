"""The data of the experiments: read once, and which copy of it a trial has read."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from convlab import data, training
from convlab.data import Dataset
from convlab.data.sources import VARIABLE

PETS = "cats and dogs"
SETS = {
    "digits": "1,797 digits",
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    PETS: "cats and dogs of CIFAR-10",
}
"""What the sets of the experiments are called in a sentence."""
_CIFAR10_CLASSES = (3, 5)  # cat, dog

_reading: list[set[str]] = []


def called(source: str) -> str:
    """What a set is called in a sentence: a folder by its name, without the way to it."""
    if os.path.isabs(source):
        return f"the pictures in {os.path.basename(source)}"
    return SETS.get(source, source)


def load(source: str, image_size: tuple[int, int] | None = None) -> tuple[Dataset, Dataset]:
    """(train, test) of a data set by its name, read once per process.

    As ``data.load``, and PETS: from a folder cats-dogs of the user's own copies, or of CIFAR-10.
    """
    for names in _reading:
        names.add(source)
    return _load(source, image_size)


@lru_cache(maxsize=4)
def _load(source: str, image_size: tuple[int, int] | None) -> tuple[Dataset, Dataset]:
    if source != PETS:
        return data.load(source, image_size=image_size)
    own = os.environ.get(VARIABLE)
    folder = Path(own).expanduser() / "cats-dogs" if own else None
    if folder is not None and folder.is_dir():
        return data.load(str(folder), image_size=image_size)
    train, test = data.load("cifar10", image_size=image_size)
    return of_classes(train, _CIFAR10_CLASSES), of_classes(test, _CIFAR10_CLASSES)


def load_centred(source: str, side: int | None) -> tuple[Dataset, Dataset]:
    """``load`` with images of side × side, each in the middle of a field of 28 × 28 pixels.

    A shift takes no ink out of smaller images there.  side None: as large as they are.
    """
    train, test = load(source, None if side is None else (side, side))
    return training.centred(train, (28, 28)), training.centred(test, (28, 28))


@contextlib.contextmanager
def recorded() -> Iterator[set[str]]:
    """The names of all sets that are loaded inside."""
    names: set[str] = set()
    _reading.append(names)
    try:
        yield names
    finally:
        _reading.pop()  # its own; another that holds the same names is equal to it


@lru_cache(maxsize=16)
def content(source: str) -> str:
    """A digest of the images, labels and classes that a set has here: which copy of it this is.

    BLAKE2b, 8 bytes in hexadecimal.  Raises what ``data.load`` raises.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in _load(source, None):
        digest.update(repr((part.images.shape, part.classes)).encode())
        digest.update(np.ascontiguousarray(part.images).data)
        digest.update(part.labels.data)
    return digest.hexdigest()


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
