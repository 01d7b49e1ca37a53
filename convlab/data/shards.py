"""Pictures in .tar files, with the files of each example one after the other.

WebDataset's layout: KEY.jpg (or another picture) and KEY.cls, KEY.json or KEY.txt with its label;
the key goes up to the first dot.  Nothing is unpacked: pictures are read where they are in the
archive.
Source: Aizman, Maltby & Breuel 2019, High performance I/O for large scale deep learning.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from convlab import reading
from convlab.data.array_values import classes_of, label_values
from convlab.data.dataset import Dataset
from convlab.data.file_words import TEST, TRAIN, VALIDATION, Words
from convlab.data.folder import common_form, hold_out_test, judge
from convlab.data.label_names import label_name_files, read_label_names
from convlab.data.lazy import read_each
from convlab.data.pictures import check_size_and_channels, picture_suffixes, read_picture
from convlab.errors import ConvlabError, DataError
from convlab.names import one_line

NEAR = 4096
"""How many examples a shuffled epoch mixes at a time, as they come one after the other."""
MOST_SHARDS = 100_000
_MOST_LABEL = 100_000  # bytes of a file with a label
_LABELS = (".cls", ".json", ".txt")
_JSON_LABELS = ("cls", "label", "class", "target")
_RANGE = re.compile(r"\{(\d{1,9})\.\.(\d{1,9})\}")
_BLOCK = 512  # bytes, of which a .tar file is made


class _Member(NamedTuple):
    """A file in an archive; suffix: of its name, from the first dot on, in lower case."""

    name: str
    key: str
    suffix: str
    begin: int
    size: int


class _Example(NamedTuple):
    """A picture: the number of its archive, its place there, and its label."""

    shard: int
    name: str
    begin: int
    size: int
    label: str


# --- which files ----------------------------------------------------------------------------


def shards_of(path: Path) -> list[Path]:
    """The .tar files that a path stands for, in order: it is one, has {000..007} in its name, or is
    a folder of some.  None if it is something else.

    Raises DataError for too many.
    """
    found = _RANGE.search(path.name)
    if path.suffix.lower() == ".tar" and found:
        first, last = (int(number) for number in found.groups())
        if last - first >= MOST_SHARDS:
            raise DataError(f"{path}: expected at most {MOST_SHARDS:,} files, got more")
        width = len(found[1])
        names = (_RANGE.sub(f"{at:0{width}}", path.name, 1) for at in range(first, last + 1))
        return [path.with_name(name) for name in names]
    if os.path.isdir(path):  # unlike Path's, also of a name too long for the system
        named = sorted(path.glob("*.tar"))
        return [shard for shard in named if shard.is_file() and not shard.name.startswith(".")]
    return [path] if path.suffix.lower() == ".tar" and os.path.isfile(path) else []


def shards_name(path: Path) -> str:
    """What the files that a path stands for are called, or else their folder."""
    return Words.of(_RANGE.sub("", path.name)).set or path.absolute().parent.name


def _by_split(path: Path, shards: list[Path]) -> dict[str, list[Path]]:
    """The files of the training set and, if there is one, of the set to test with."""
    found: dict[str, list[Path]] = {}
    for shard in shards:
        found.setdefault(Words.of(shard.name).split or TRAIN, []).append(shard)
    if TRAIN not in found and len(found) > 1:
        raise DataError(f"{path}: expected files of the training set, got only {', '.join(found)}")
    if len(found) == 1:
        return {TRAIN: shards}
    return {TRAIN: found[TRAIN], TEST: found.get(TEST) or found[VALIDATION]}


# --- what is in them ------------------------------------------------------------------------


def _members(path: Path) -> Iterator[_Member]:
    """The regular files of an archive, from its headers.

    Raises DataError for one that is damaged, truncated or compressed, and for links and devices.
    """
    try:
        with reading.open_file(path) as file:
            if file.read(2) == b"\x1f\x8b":
                raise DataError(f"{path}: expected a plain .tar file, got gzip; unpack it first")
            file.seek(0)
            yield from _listed(path, file, os.fstat(file.fileno()).st_size)
    except (ConvlabError, MemoryError):
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reading.reason(error)})") from None
    except Exception as error:
        # Of damaged headers tarfile raises its own errors, ValueError, OverflowError, ...
        reason = f" ({error})" if isinstance(error, tarfile.TarError) else ""
        raise DataError(f"{path}: expected a whole .tar file, got a damaged one{reason}") from None


def _listed(path: Path, file: BinaryIO, length: int) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]  # they would grow with the file
            name = one_line(member.name) or "a file without a name"
            end = member.offset_data + member.size
            if not 0 <= member.size <= end <= length:
                raise DataError(f"{path}: expected a whole .tar file, got one cut off in {name}")
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise DataError(f"{path}: {name}: expected a regular file, got a link or a device")
            folder, _, base = member.name.rpartition("/")
            key, dot, suffix = base.partition(".")
            if key and dot:  # not a hidden file
                key = f"{folder}/{key}"
                yield _Member(name, key, f".{suffix.lower()}", member.offset_data, member.size)
        file.seek(archive.offset)
        block = file.read(_BLOCK)
        if any(block) or len(block) < _BLOCK:  # tarfile takes a damaged header for the end
            raise DataError(
                f"{path}: expected a whole .tar file, got one that is damaged or cut off after"
                f" {archive.offset:,} bytes"
            )


def _examples(path: Path, shard: int) -> Iterator[_Example]:
    """The pictures of an archive with their labels.  Raises DataError for one without the other."""
    key, found = "", dict[str, _Member]()
    with _opened(path) as file:
        for member in _members(path):
            if member.key != key and found:
                yield _example(path, shard, found, file)
                found = {}
            key = member.key
            if member.suffix in found:
                raise DataError(f"{path}: expected {member.name} once, got it twice")
            found[member.suffix] = member
        if found:
            yield _example(path, shard, found, file)


def _opened(path: Path) -> BinaryIO:
    try:
        return reading.open_file(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({reading.reason(error)})") from None


def _example(path: Path, shard: int, found: dict[str, _Member], file: BinaryIO) -> _Example:
    pictures = [found[suffix] for suffix in found if suffix in picture_suffixes()]
    labels = [found[suffix] for suffix in _LABELS if suffix in found]
    if not pictures or not labels:
        first = next(iter(found.values())).name
        missing = "a picture" if not pictures else f"a label ({', '.join(_LABELS)})"
        raise DataError(f"{path}: expected {missing} next to {first}, of the same name, got none")
    picture, label = pictures[0], labels[0]
    if label.size > _MOST_LABEL:
        raise DataError(
            f"{path}: {label.name}: expected a label of at most {_MOST_LABEL:,} bytes, got"
            f" {label.size:,}"
        )
    file.seek(label.begin)
    try:
        text = file.read(label.size).decode("utf-8-sig").strip()
        text = _in_json(text) if label.suffix == ".json" else text
        if not text or "\n" in text:
            raise ValueError
    except ValueError:
        raise DataError(
            f"{path}: {label.name}: expected a label, a number or a name in UTF-8 (in JSON:"
            f" {', '.join(_JSON_LABELS)}), got something else"
        ) from None
    return _Example(shard, picture.name, picture.begin, picture.size, text)


def _in_json(text: str) -> str:
    value = reading.parse_json(text)
    if isinstance(value, dict):
        value = next((value[name] for name in _JSON_LABELS if name in value), None)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError
    return str(value).strip()


# --- reading them ---------------------------------------------------------------------------


class _Pictures:
    """The pictures of a split, by number."""

    def __init__(self, shards: list[Path]):
        self.shards = shards
        self.examples = [each for at, path in enumerate(shards) for each in _examples(path, at)]

    def stream(self, number: int) -> BinaryIO:
        """The bytes of a picture's file, with a name for errors.  Raises DataError."""
        example = self.examples[number]
        path = self.shards[example.shard]
        if example.size > reading.MAX_INPUT:
            raise DataError(
                f"{path}: {example.name}: expected a picture of at most {reading.MAX_INPUT:,} bytes"
            )
        with _opened(path) as file:
            file.seek(example.begin)
            stream = io.BytesIO(file.read(example.size))
        stream.name = f"{path}: {example.name}"
        return stream


def read_shards(
    path: Path,
    *,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    skip_damaged: bool = False,
    lazy: bool = False,
) -> tuple[Dataset, Dataset]:
    """Read .tar files of pictures as (train, test).

    path: what ``shards_of`` takes.  The names of the files say their split: train, test or val;
        without a test set, val is it; without either, a fifth of each class is held out.  Labels
        are numbers or names; a table of names beside the files, such as classes.txt, names numbers.
    image_size, channels, skip_damaged, lazy: as for read_folder.

    An epoch goes through the files in their order and mixes NEAR examples at a time.

    Raises DataError for archives that are damaged, truncated or compressed, for a link or a device
    in one, a picture without a label, and as read_folder does.
    """
    check_size_and_channels(image_size, channels)
    parts = {split: _Pictures(shards) for split, shards in _by_split(path, shards_of(path)).items()}
    for part in parts.values():
        if not part.examples:
            raise DataError(f"{part.shards[0]}: expected pictures with labels, got none")
    labels = [
        label_values(str(path), np.array([each.label for each in part.examples]), False)
        for part in parts.values()
    ]
    tables = label_name_files(path)
    names = read_label_names(tables[0]) if len(tables) == 1 else {}
    numbers, classes = classes_of(path, labels, names)
    if image_size is None or channels is None:
        streams = (p.stream(at) for p in parts.values() for at in range(len(p.examples)))
        size, usual = common_form(streams)
        image_size, channels = image_size or size, channels or usual
    shape, damaged, sets = (channels, *image_size), dict[str, str](), list[Dataset]()
    name = path.resolve().name if path.is_dir() else shards_name(path)
    for (split, part), label in zip(parts.items(), numbers, strict=True):

        def read(number: int, part: _Pictures = part) -> np.ndarray:
            return read_picture(part.stream(number), size=shape[1:], channels=shape[0])

        images, whole, errors = read_each(read, len(label), shape, lazy)
        damaged.update((f"{split} {number}", error) for number, error in errors.items())
        sets.append(Dataset(one_line(name), split, images, label[whole], classes, NEAR))
    places = {each: f"{path}: class {each}" for each in classes}
    judge(path, damaged, skip_damaged, ((each, places) for each in sets))
    return (sets[0], sets[1]) if len(sets) > 1 else hold_out_test(sets[0], path)
