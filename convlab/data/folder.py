"""A data set from the user's folders of pictures."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from convlab.data.dataset import Dataset, limited_indices, split_indices, stratified_split
from convlab.data.file_words import TEST, TRAIN, VALIDATION, split_of
from convlab.data.lazy import read_each
from convlab.data.pictures import (
    PictureSource,
    check_size_and_channels,
    is_picture_name,
    picture_form,
    picture_size,
    read_picture,
)
from convlab.errors import DataError
from convlab.names import listed, one_line

HELD_OUT = 0.2
SPLIT_SEED = 0
LARGEST_KEPT = 64  # pixels; pictures of one size up to this keep it
OTHERWISE = (32, 32)

MOST_NAMED = 20  # damaged pictures

ReadPicture = Callable[[Path], np.ndarray]
"""From the path of a picture to its bytes (C, H, W)."""

_LAYOUTS = "expected ROOT/CLASS/*.png|jpg|... or ROOT/train/CLASS and ROOT/test/CLASS"
_FOREIGN = frozenset(("__MACOSX",))  # what macOS puts beside folders in an archive


def _by_name(paths: Iterable[Path]) -> list[Path]:
    # Paths themselves sort differently on different systems.
    return sorted(paths, key=lambda path: path.name)


def _holds_a_run(folder: Path) -> bool:
    """Whether a folder, or one inside it, has the weights of a network: no class then."""
    return any(chain(folder.glob("*.safetensors"), folder.glob("*/*.safetensors")))


def _warn_of_runs(root: Path) -> None:
    """Say which folders in root are left out as they hold runs, if any."""
    found = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if runs := [one_line(path.name) for path in _by_name(found) if _holds_a_run(path)]:
        warnings.warn(
            f"{root}: left out {listed(runs)}: with the weights of a network (.safetensors) inside,"
            " it is a run and not a class",
            stacklevel=3,
        )


def _folders(root: Path) -> dict[str, Path]:
    """The folders in root that are the user's own, by their names as text, sorted."""
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
        foreign = path.name.startswith(".") or path.name in _FOREIGN
        if not foreign and not _holds_a_run(path):
            folders[name] = path
    return dict(sorted(folders.items()))


def _splits(root: Path) -> list[Path]:
    """The folders of the training and the test set; root alone if it has no such folders.

    Without a test set, the folder of the validation set is it.
    """
    folders = _folders(root)
    found: dict[str, list[Path]] = {}
    for name, path in folders.items():
        found.setdefault(split_of(name), []).append(path)
    test = TEST if TEST in found else VALIDATION
    wanted = [TRAIN, test] if test in found else [TRAIN]
    if TRAIN not in found or (len(wanted) == 1 and len(folders) > 1):
        return [root]
    for split in wanted:
        if len(found[split]) > 1:
            raise DataError(
                f"{root}: expected one folder of the {split} set, got"
                f" {listed(path.name for path in found[split])}"
            )
    return [found[split][0] for split in wanted]


def holds_pictures(root: Path) -> bool:
    """Whether a folder in root, or one inside such a folder, has a picture."""
    inside = (chain(folder.glob("*"), folder.glob("*/*")) for folder in _folders(root).values())
    return any(map(is_picture_name, chain.from_iterable(inside)))


def _pictures(root: Path, left_out: Counter[str]) -> dict[str, list[Path]]:
    """The pictures of each class folder in root, sorted by name.

    Counts in ``left_out``, by their endings, the other files that are not hidden.
    """
    classes = {}
    for name, folder in _folders(root).items():
        try:
            classes[name], others = _sorted_out(folder.iterdir())
        except OSError as error:
            raise DataError(f"{folder}: cannot be read ({error.strerror})") from None
        left_out.update(others)
        if not classes[name]:
            raise DataError(f"{folder}: expected pictures of a class, got none; {_LAYOUTS}")
    if not classes:
        raise DataError(f"{root}: got no class folders; {_LAYOUTS}")
    if len(classes) < 2:
        raise DataError(f"{root}: expected two classes or more, got only {next(iter(classes))!r}")
    return classes


def common_form(paths: Iterable[PictureSource]) -> tuple[tuple[int, int], int]:
    """The usual size (H, W) and the channels of pictures; what is damaged has no part in it."""
    sizes, all_grey = set(), True
    for path in paths:
        with suppress(DataError):
            size, is_grey = picture_form(path) if all_grey else (picture_size(path), False)
            sizes.add(size)
            all_grey = is_grey
    return (usual_size(sizes) if sizes else OTHERWISE), (1 if all_grey else 3)


def _in_a_row(classes: dict[str, list[Path]]) -> tuple[list[Path], np.ndarray]:
    """All pictures, and the label of each."""
    labels = np.repeat(np.arange(len(classes)), [*map(len, classes.values())])
    return [path for pictures in classes.values() for path in pictures], labels


def _limited(
    parts: list[dict[str, list[Path]]], count: int, seed: int, place: object
) -> list[dict[str, list[Path]]]:
    """The pictures that are used if ``limit_per_class`` follows: of training and test set."""
    paths, labels = _in_a_row(parts[0])
    rest, held = np.arange(len(paths)), np.arange(0)
    if len(parts) == 1:
        rest, held = split_indices(labels, len(parts[0]), HELD_OUT, SPLIT_SEED)
        _check_held_out(len(held), place)
    rest = rest[limited_indices(labels[rest], len(parts[0]), count, seed)]

    def chosen(indices: np.ndarray) -> dict[str, list[Path]]:
        return {
            name: [paths[at] for at in indices[labels[indices] == label]]
            for label, name in enumerate(parts[0])
        }

    return [chosen(rest), *(parts[1:] or [chosen(held)])]


def _read(
    name: str,
    split: str,
    classes: dict[str, list[Path]],
    size: tuple[int, int],
    channels: int,
    damaged: dict[Path, str],
    read: ReadPicture | None,
    lazy: bool,
) -> Dataset:
    """The pictures as a data set but for those that cannot be read, which go to ``damaged``."""
    one = read or partial(read_picture, size=size, channels=channels)
    paths, labels = _in_a_row(classes)
    images, whole, errors = read_each(
        lambda number: one(paths[number]), len(paths), (channels, *size), lazy
    )
    damaged.update((paths[number], error) for number, error in errors.items())
    return Dataset(name, split, images, labels[whole].astype(np.int64), tuple(classes))


def judge(
    root: Path,
    damaged: Mapping[Any, str],
    skip: bool,
    parts: Iterable[tuple[Dataset, Mapping[str, object]]],
) -> None:
    """Refuse damaged pictures, or warn if they are skipped and each class has others.

    ``parts``: what was read, and the place of each class.  Raises DataError.
    """
    errors = listed_errors([*damaged.values()])
    if len(damaged) == 1 and not skip:
        raise DataError(errors)
    if damaged and not skip:
        raise DataError(
            f"{root}: {len(damaged):,} pictures cannot be read, --skip-damaged (in Python:"
            f" skip_damaged=True) leaves them out: {errors}"
        )
    for part, places in parts:
        for label in {*range(len(part.classes))} - {*part.labels.tolist()}:
            place = places[part.classes[label]]
            raise DataError(f"{place}: expected pictures of a class, got only damaged ones")
    if damaged:
        warnings.warn(f"{root}: left out {len(damaged):,} damaged: {errors}", stacklevel=3)


def listed_errors(errors: Sequence[str]) -> str:
    """Errors about files in one line, of many the first."""
    more = f"; and {len(errors) - MOST_NAMED:,} more" if len(errors) > MOST_NAMED else ""
    return "; ".join(errors[:MOST_NAMED]) + more


def pictures_in(source: str) -> list[str]:
    """The paths of all pictures in a folder and below it, in order; of anything else, itself.

    Raises DataError for a folder without any.
    """
    if not os.path.isdir(source):
        return [source]
    left_out: Counter[str] = Counter()
    found = []
    for folder, deeper, names in os.walk(source):
        deeper[:] = sorted(name for name in deeper if not name.startswith("."))
        pictures, others = _sorted_out(Path(folder, name) for name in names)
        found += [str(path) for path in pictures]
        left_out.update(others)
    if not found:
        raise DataError(f"{source}: expected pictures, got none")
    _warn_of(source, left_out)
    return found


def _sorted_out(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The pictures among files, by name; and the endings of the others that are not hidden."""
    files = _by_name(path for path in paths if path.is_file())
    others = [path for path in files if not (is_picture_name(path) or path.name.startswith("."))]
    pictures = [path for path in files if is_picture_name(path)]
    return pictures, [path.suffix.lower() or "none" for path in others]


def _warn_of(root: str | Path, left_out: Counter[str]) -> None:
    """Say how many files are left out, if any are."""
    if left_out:
        counts = ", ".join(f"{ending} ({count:,})" for ending, count in sorted(left_out.items()))
        warnings.warn(
            f"{root}: {left_out.total():,} left out, whose endings no picture has that is read:"
            f" {counts}",
            stacklevel=3,
        )


def usual_size(sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The size (H, W) that pictures of these sizes get.

    Theirs, if it is the same for all and at most 64 x 64, otherwise 32 x 32.
    """
    size, *others = set(sizes)
    return size if not others and max(size) <= LARGEST_KEPT else OTHERWISE


def hold_out_test(whole: Dataset, place: object) -> tuple[Dataset, Dataset]:
    """The rest to train with, and a fifth of each class as the test set, always the same one.

    place: what begins the line of the DataError if no class has two pictures.
    """
    rest, held_out = stratified_split(whole, HELD_OUT, SPLIT_SEED)
    _check_held_out(len(held_out), place)
    return rest, replace(held_out, split="test")


def _check_held_out(count: int, place: object) -> None:
    if not count:
        raise DataError(
            f"{place}: expected a class of two pictures or more to hold some out for the test set,"
            " got one picture in each class"
        )


def read_folder(
    root: str | os.PathLike,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    skip_damaged: bool = False,
    read: ReadPicture | None = None,
    lazy: bool = False,
    limit: tuple[int, int] | None = None,
) -> tuple[Dataset, Dataset]:
    """Read folders of pictures as (train, test); a class is a folder.

    root: holds CLASS/*.png (then a fifth of each class is held out as the test
        set, always the same one), or train/CLASS/*.png and test/CLASS/*.png
        (then other folders in root are ignored).  These may also be called
        training and testing, in any case; without test, val or validation is it.
        Pictures are taken by their suffix, in the order of their names; hidden
        files, deeper folders and __MACOSX are left out, and so are, with a
        warning, other files and the folders of runs.
    image_size: (H, W) in pixels.  None: the size of the pictures if it is the
        same for all and at most 64 x 64, otherwise 32 x 32.
    channels: 1 or 3.  None: 1 if all pictures are grey, otherwise 3.
    skip_damaged: go on without pictures that cannot be read, with a warning that names them.
    read: from a picture's path to bytes (channels, H, W) of those channels and that size; by
        default as read_picture does.  It is called in several threads.
    lazy: if the images do not fit in memory, they are LazyImages: read once to see that all can
        be, and again whenever a batch asks for them.
    limit: count and seed of limit_per_class, to read no other pictures of the training set than
        it keeps; with skip_damaged, which may change what it keeps, all are read.

    Raises DataError for a layout
    that does not fit, fewer than two classes, a class without pictures, and
    for files that cannot be read as pictures, all of them at once; SpecError for a wrong
    size or number of channels.
    """
    check_size_and_channels(image_size, channels)
    root = Path(root).expanduser()
    splits = _splits(root)
    left_out: Counter[str] = Counter()
    parts = [_pictures(split, left_out) for split in splits]
    if list(parts[0]) != list(parts[-1]):
        differing = sorted(set(parts[0]) ^ set(parts[-1]))
        raise DataError(
            f"{root}: expected the same class folders in {splits[0].name} and {splits[1].name}, "
            f"got {', '.join(differing)} in only one of them"
        )
    if image_size is None or channels is None:
        paths = [path for part in parts for pictures in part.values() for path in pictures]
        size, usual_channels = common_form(paths)
        image_size, channels = image_size or size, channels or usual_channels
    name, damaged = root.resolve().name, dict[Path, str]()
    folders = [{each: part[each][0].parent for each in part} for part in parts]
    if limit is not None and not skip_damaged:
        parts = _limited(parts, *limit, root)
    sets = [
        _read(name, split, part, image_size, channels, damaged, read, lazy)
        for split, part in zip((TRAIN, TEST), parts, strict=False)
    ]
    judge(root, damaged, skip_damaged, zip(sets, folders, strict=False))
    _warn_of(root, left_out)
    _warn_of_runs(splits[0])
    return (sets[0], sets[1]) if len(sets) > 1 else hold_out_test(sets[0], root)
