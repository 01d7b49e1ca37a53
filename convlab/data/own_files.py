"""A data set from the user's own files: IDX, .npy, .npz and tables of pixels.

What a file holds is in its content and its name, as published sets have them: MNIST, KMNIST and
QMNIST (IDX; QMNIST's labels have 8 columns, of which the first is the class: Yadav, Bottou 2019),
EMNIST (its images lie transposed: Cohen et al. 2017), MedMNIST and Keras's mnist.npz.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from convlab.data.array_values import (
    Images,
    as_text,
    classes_of,
    image_axes,
    image_bytes,
    label_values,
)
from convlab.data.dataset import Dataset
from convlab.data.file_words import IMAGES, LABELS, NAMES, TEST, TRAIN, VALIDATION, Words
from convlab.data.folder import hold_out_test, usual_size
from convlab.data.label_names import label_name_files, read_label_names
from convlab.data.lazy import LazyImages, fits_in_memory
from convlab.data.pictures import (
    check_size_and_channels,
    fit_images,
    is_picture_name,
)
from convlab.data.pixel_table import read_pixel_table
from convlab.data.stored import BINARY_NAME, Stored, is_binary, stored_arrays
from convlab.errors import DataError
from convlab.names import listed, one_line
from convlab.shapes import size_text

MOST_FILES = 200
"""The most files of data in a folder."""
_TABLE_NAME = re.compile(r"\.[ct]sv(\.gz)?$", re.I)


class _Part(NamedTuple):
    """The images and the labels of a split; transposed: whether the images lie so."""

    images: Stored
    labels: Stored
    transposed: bool


# --- which files ----------------------------------------------------------------------------


def is_data_file(path: Path) -> bool:
    """Whether a file in a folder is one of IDX, .npy, .npz or a table, by its name."""
    named = BINARY_NAME.search(path.name) or _TABLE_NAME.search(path.name)
    return bool(named) and not path.name.startswith(".")


def data_files(folder: Path) -> list[Path]:
    """The files of a folder that hold arrays or tables, sorted by name; of a plain file and its
    .gz the plain one.

    Raises DataError for a folder that cannot be read and for more than MOST_FILES.
    """
    try:
        found = {path.name: path for path in folder.iterdir() if is_data_file(path)}
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
    if len(found) > MOST_FILES:
        raise DataError(f"{folder}: expected at most {MOST_FILES} files, got {len(found):,}")
    return [
        path
        for name, path in sorted(found.items())
        if path.is_file() and (name == _plain(name) or _plain(name) not in found)
    ]


def _plain(name: str) -> str:
    return name.removesuffix(".gz")


def read_files(
    path: str | os.PathLike,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    lazy: bool = False,
) -> tuple[Dataset, Dataset]:
    """Read a data set from files of arrays or tables as (train, test).

    path: a folder with the files of one set, or one of the files; a file with images alone or
        labels alone stands for the set of its name.  Which is which is said by the words of the
        names, of files and of arrays in an .npz file: train, test or val; images or labels, x or y.
        Without a test set, val is it; without either, a fifth of each class.  A table of names,
        such as EMNIST's mapping, names the classes.
    image_size, channels: as for read_folder.
    lazy: arrays that do not fit in memory stay in their files, if these are not compressed, as
        LazyImages of a memory map.

    Images are (count, H, W), (count, H, W, C), (count, C, H, W) or rows of a square number of grey
    pixels, from 0 to 255, or from 0 to 1 if none is above 1.  EMNIST's files are transposed.

    Raises DataError for files that do not belong together, are damaged, too large or have other
    numbers, and SpecError for a wrong size or number of channels.
    """
    check_size_and_channels(image_size, channels)
    path = Path(path).expanduser()
    folder = path if path.is_dir() else path.parent
    key, arrays = _one_set(path) if path.is_dir() else _set_of(path)
    parts = _parts(path, arrays)
    for part in parts.values():
        if part.images.shape is not None:
            image_axes(part.images.place, part.images.shape)
    # The pixels last: they are the most.
    labels = [
        label_values(part.labels.place, part.labels.read(), part.labels.is_idx)
        for part in parts.values()
    ]
    numbers, classes = classes_of(path, labels, _names(path, key, arrays))
    images = image_bytes([_images_of(part, lazy) for part in parts.values()])
    channels = channels or max(image.shape[1] for image in images)
    size = image_size or usual_size([(image.shape[2], image.shape[3]) for image in images])
    title = one_line(key if key and path.is_file() else folder.resolve().name)
    train, *tests = (
        Dataset(title, split, _fitted(image, size, channels), number, classes)
        for split, image, number in zip(parts, images, numbers, strict=True)
    )
    return (train, tests[0]) if tests else hold_out_test(train, path)


def _images_of(part: _Part, lazy: bool) -> Images:
    mapped = part.images.mapped
    if lazy and mapped is not None and not fits_in_memory(1, (mapped().nbytes,)):
        return Images(part.images.place, mapped, part.transposed, True)
    values = part.images.read()
    return Images(part.images.place, lambda: values, part.transposed, False)


def _fitted(images: Any, size: tuple[int, int], channels: int) -> Any:
    if isinstance(images, LazyImages):
        return images.changed(lambda read: fit_images(read, size, channels), (channels, *size))
    return fit_images(images, size, channels)


def _one_set(folder: Path) -> tuple[str, list[_Array]]:
    """The set in a folder and its arrays, if there is one."""
    files: dict[str, list[Path]] = {}
    for path in data_files(folder):
        files.setdefault(Words.of(path.name).set, []).append(path)
    sets = {key: _arrays(paths) for key, paths in files.items()}
    whole = {key: arrays for key, arrays in sets.items() if _is_whole(arrays)}
    if len(whole) > 1:
        raise DataError(
            f"{folder}: expected the files of one data set, got those of {len(whole)},"
            f" {listed(key or 'one without a name' for key in whole)}; name a file of one of them"
        )
    if not whole:
        found = listed(array.stored.place for arrays in sets.values() for array in arrays)
        raise DataError(
            f"{folder}: expected files with images and labels, got {found or 'none of them'}"
        )
    return next(iter(whole.items()))


def _set_of(path: Path) -> tuple[str, list[_Array]]:
    """The set that a file stands for and its arrays: those in it, or else those beside it."""
    if is_picture_name(path):
        raise DataError(
            f"{path}: expected a file of arrays or a table, got a picture; a data set of pictures"
            " is a folder with a folder for each class"
        )
    key = Words.of(path.name).set
    arrays = _arrays([path])
    if not _is_whole(arrays):
        beside = [other for other in data_files(path.parent) if Words.of(other.name).set == key]
        # The file itself may have a name by which it is not found, or a copy.
        others = [other for other in beside if _plain(other.name) != _plain(path.name)]
        arrays = _arrays([*others, path])
    return key, arrays


# --- which arrays ---------------------------------------------------------------------------


class _Array(NamedTuple):
    """An array, what its name says, and whether it is of a table."""

    words: Words
    stored: Stored
    is_text: bool


def _arrays(paths: Iterable[Path]) -> list[_Array]:
    return [array for path in paths for array in _arrays_in(path)]


def _arrays_in(path: Path) -> list[_Array]:
    words = Words.of(path.name)
    if not is_binary(path):
        return [] if words.kind == NAMES else _columns_of(path, words)
    found = []
    for stored in stored_arrays(path):
        own = Words.of(stored.name)
        if stored.name != path.name and own.set and not own.kind:
            continue  # an array of something else, such as the mean
        kind = own.kind or words.kind or _kind_of(stored.shape or ())
        found.append(_Array(Words(words.set, own.split or words.split, kind), stored, False))
    return found


def _columns_of(path: Path, words: Words) -> list[_Array]:
    """The pixels and the labels of a table, which is read when the first of them is."""
    table = functools.cache(lambda: read_pixel_table(path, words.kind))
    both = {IMAGES: lambda: table()[0], LABELS: lambda: table()[1]}
    kinds = [words.kind] if words.kind else list(both)
    return [
        _Array(
            words._replace(kind=kind), Stored(str(path), path.name, None, False, both[kind]), True
        )
        for kind in kinds
    ]


def _kind_of(shape: tuple[int, ...]) -> str:
    return LABELS if len(shape) < 2 or shape[1:] == (1,) else IMAGES


def _by_split(arrays: list[_Array]) -> dict[str, dict[str, _Array]]:
    """The arrays by split and kind, of several that say the same the simplest.

    QMNIST has its labels also as a table.  Raises DataError for two of one form.
    """

    def form(array: _Array) -> tuple[bool, int]:
        return array.is_text, len(array.stored.shape or ())

    found: dict[str, dict[str, _Array]] = {}
    for array in sorted(arrays, key=form):
        of_split = found.setdefault(array.words.split, {})
        first = of_split.setdefault(array.words.kind, array)
        if first is not array and form(first) == form(array):
            raise DataError(
                f"{array.stored.place}: expected one array of"
                f" {f'{array.words.split} {array.words.kind}'.strip()}, got also"
                f" {first.stored.place}"
            )
    return found


def _is_whole(arrays: list[_Array]) -> bool:
    return any({IMAGES, LABELS} <= kinds.keys() for kinds in _by_split(arrays).values())


def _parts(path: Path, arrays: list[_Array]) -> dict[str, _Part]:
    """The training part and, if there is one, the part to test with, in this order."""
    found = _by_split([array for array in arrays if array.words.kind != NAMES])
    chosen = {
        TRAIN: found.get(TRAIN) or found.get(""),
        TEST: found.get(TEST) or found.get(VALIDATION),
    }
    if chosen[TRAIN] is None:
        raise DataError(
            f"{path}: expected images and labels to train with, got only {listed(found)}"
            if found
            else f"{path}: expected images and labels, got neither"
        )
    return {split: _part(path, kinds) for split, kinds in chosen.items() if kinds}


def _part(path: Path, kinds: Mapping[str, _Array]) -> _Part:
    for kind, other in ((IMAGES, LABELS), (LABELS, IMAGES)):
        if kind not in kinds:
            raise DataError(
                f"{path}: expected {kind} for the {other} in {kinds[other].stored.place}, got none"
            )
    images, labels = kinds[IMAGES].stored, kinds[LABELS].stored
    if (
        images.shape is not None
        and labels.shape is not None
        and images.shape[:1] != labels.shape[:1]
    ):
        raise DataError(
            f"expected one label for each image, got {size_text(*images.shape[:1])} images in"
            f" {images.place} and {size_text(*labels.shape[:1])} labels in {labels.place}"
        )
    is_emnist = "emnist" in kinds[IMAGES].words.set.split("-")
    return _Part(images, labels, is_emnist and (images.is_idx or kinds[IMAGES].is_text))


def _names(path: Path, key: str, arrays: list[_Array]) -> dict[int, str]:
    """The names of labels, if an array or a table of the set has some."""
    for array in arrays:
        if array.words.kind == NAMES:
            values = array.stored.read()
            if values.ndim != 1:
                raise DataError(
                    f"{array.stored.place}: expected names (count,), got {values.shape}"
                )
            return dict(enumerate(map(str, as_text(values).tolist())))
    tables = {Words.of(file.name).set: file for file in label_name_files(path)}
    # KMNIST's images do not say whose they are, its table of names does.
    alone = next(iter(tables.values())) if len(tables) == 1 and path.is_dir() and not key else None
    found = tables.get(key) or tables.get("") or alone
    return {} if found is None else read_label_names(found)
