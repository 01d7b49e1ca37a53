"""A data set from the user's folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from convlab.data.dataset import Dataset, stratified_split
from convlab.data.pictures import (
    check_room,
    check_size_and_channels,
    is_picture_name,
    picture_header,
    read_picture,
)
from convlab.errors import DataError
from convlab.names import one_line

HELD_OUT = 0.2
SPLIT_SEED = 0
LARGEST_KEPT = 64  # pixels; pictures of one size up to this keep it
OTHERWISE = (32, 32)

_LAYOUTS = "expected ROOT/CLASS/*.png|jpg|... or ROOT/train/CLASS and ROOT/test/CLASS"


def _by_name(paths: Iterable[Path]) -> list[Path]:
    # Paths themselves sort differently on different systems.
    return sorted(paths, key=lambda path: path.name)


def _folders(root: Path) -> dict[str, Path]:
    """The folders in root that are not hidden, by their names as text, sorted."""
    try:
        found = [entry for entry in root.iterdir() if entry.is_dir()]
    except OSError as error:
        raise DataError(f"{root}: cannot be read ({error.strerror})") from None
    folders: dict[str, Path] = {}
    for path in _by_name(found):
        name = one_line(path.name) or path.name
        if name in folders:
            raise DataError(
                f"{one_line(str(root))}: expected a folder for each class, got two that are both"
                f" {name}: {folders[name].name!a} and {path.name!a}"
            )
        if not path.name.startswith("."):
            folders[name] = path
    return dict(sorted(folders.items()))


def _pictures(root: Path) -> dict[str, list[Path]]:
    """The pictures of each class folder in root, sorted by name."""
    classes = {}
    for name, folder in _folders(root).items():
        try:
            entries = _by_name(folder.iterdir())
        except OSError as error:
            raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
        classes[name] = [path for path in entries if is_picture_name(path) and path.is_file()]
        if not classes[name]:
            raise DataError(f"{folder}: expected pictures of a class, got none; {_LAYOUTS}")
    if not classes:
        raise DataError(f"{root}: got no class folders; {_LAYOUTS}")
    if len(classes) < 2:
        raise DataError(f"{root}: expected two classes or more, got only {next(iter(classes))!r}")
    return classes


def _read(
    name: str, split: str, classes: dict[str, list[Path]], size: tuple[int, int], channels: int
) -> Dataset:
    paths = [path for pictures in classes.values() for path in pictures]
    check_room(len(paths), channels, size)
    images = np.empty((len(paths), channels, *size), np.uint8)
    for index, path in enumerate(paths):
        images[index] = read_picture(path, size=size, channels=channels)
    labels = np.repeat(np.arange(len(classes)), [len(pictures) for pictures in classes.values()])
    return Dataset(name, split, images, labels.astype(np.int64), tuple(classes))


def read_folder(
    root: str | os.PathLike,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Read folders of pictures as (train, test); a class is a folder.

    root: holds CLASS/*.png (then a fifth of each class is held out as the test
        set, always the same one), or train/CLASS/*.png and test/CLASS/*.png
        (then other folders in root are ignored).  Pictures are taken by their
        suffix, in the order of their names; hidden files and deeper folders are
        left out.
    image_size: (H, W) in pixels.  None: the size of the pictures if it is the
        same for all and at most 64 x 64, otherwise 32 x 32.
    channels: 1 or 3.  None: 1 if all pictures are grey, otherwise 3.

    Each picture is read as read_picture does.  Raises DataError for a layout
    that does not fit, fewer than two classes, a class without pictures, and
    a file that cannot be read as a picture; SpecError for a wrong size or
    number of channels.
    """
    check_size_and_channels(image_size, channels)
    root = Path(root).expanduser()
    folders = _folders(root)
    split = "train" in folders and "test" in folders
    parts = [_pictures(folders[part]) for part in ("train", "test")] if split else [_pictures(root)]
    if split and list(parts[0]) != list(parts[1]):
        differing = sorted(set(parts[0]) ^ set(parts[1]))
        raise DataError(
            f"{root}: expected the same class folders in train and test, "
            f"got {', '.join(differing)} in only one of them"
        )
    if image_size is None or channels is None:
        paths = [path for part in parts for pictures in part.values() for path in pictures]
        sizes, grey = zip(*map(picture_header, paths), strict=True)
        common = len(set(sizes)) == 1 and max(sizes[0]) <= LARGEST_KEPT
        image_size = image_size or (sizes[0] if common else OTHERWISE)
        channels = channels or (1 if all(grey) else 3)
    name = root.resolve().name
    train = _read(name, "train", parts[0], image_size, channels)
    if split:
        return train, _read(name, "test", parts[1], image_size, channels)
    rest, held_out = stratified_split(train, HELD_OUT, SPLIT_SEED)
    if not len(held_out):
        raise DataError(
            f"{root}: expected a class of two pictures or more to hold some out for the test set, "
            "got one picture in each class"
        )
    return rest, replace(held_out, split="test")
