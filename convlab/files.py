"""Files and folders: written whole or not at all, locked while written, read within limits.

What is being written has a name of its own beside its place, is synced and then renamed, so
that a crash, also the machine's, leaves the old content or the new.  Its writer holds a lock
on it: what a process that died has left is known by that, and the next one that writes into
the folder deletes it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convlab.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

LOCK = ".lock"
"""The file in a folder that says which process writes there; gone when that has ended well."""

_TEMPORARY = re.compile(r"\.convlab-[0-9a-f]{16}")
_BINARY = getattr(os, "O_BINARY", 0)


# --- one file -------------------------------------------------------------------------------


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole, or leave the old one.  Raises RunError."""
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None


def write_changed(path: Path, content: bytes) -> bool:
    """Write a file unless it has this content already; whether it was written.  Raises RunError."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    write_atomically(path, content)
    return True


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write and read, which takes the place of ``path`` at the end of the block.

    Where the block raises, ``path`` is as it was.  Raises OSError.
    """
    temporary, handle = _new_file(path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(handle)
            if fcntl is not None:  # while it is locked, so that nobody takes it for a dead one's
                os.replace(temporary, path)
        if fcntl is None:
            os.replace(temporary, path)
        _sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _new_file(folder: Path) -> tuple[Path, int]:
    """A new file with a temporary name, and the descriptor by which it is locked."""
    _sweep(folder)
    while True:
        path = _temporary(folder)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        if _lock(handle) is not False and _is_at(path, handle):
            return path, handle
        os.close(handle)  # another process has looked at it before it was locked


def _temporary(folder: Path) -> Path:
    return folder / f".convlab-{os.urandom(8).hex()}"


def _sync(folder: Path) -> None:
    """Let the names in a folder survive a crash of the machine, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(folder: Path) -> None:
    """Delete what processes that have died were writing into a folder."""
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            left = [entry for entry in entries if _TEMPORARY.fullmatch(entry.name)]
        for entry in left:
            with contextlib.suppress(OSError):
                _delete_of_dead(Path(entry.path), entry.is_dir(follow_symlinks=False))


def _delete_of_dead(path: Path, is_folder: bool) -> None:
    held = path / LOCK if is_folder else path
    handle = os.open(held, os.O_RDWR | (os.O_CREAT if is_folder else 0), 0o666)
    try:
        if _lock(handle) and _is_at(held, handle):
            if is_folder:
                shutil.rmtree(path)
            else:
                os.unlink(path)
    finally:
        os.close(handle)


# --- locks ----------------------------------------------------------------------------------


# The lock's file of each folder that this process holds, by the folder's device and number.
_held: dict[tuple[int, int], Path] = {}


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process that writes into a folder, until the block or the process ends.

    Whoever only reads needs no lock.  Blocks may lie in one another.  Raises RunError where
    another process has the folder, with its number, and where it cannot be written.
    """
    key = _enter(folder)
    try:
        yield
    finally:
        if key is not None:
            _leave(*key)


def _enter(folder: Path) -> tuple[tuple[int, int], int] | None:
    """Lock a folder: what ``_leave`` needs, None where this process has it already."""
    try:
        status = os.stat(folder)
        place = status.st_dev, status.st_ino
        if place in _held:
            return None
        handle = _acquire(folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror}") from None
    _held[place] = folder / LOCK
    for path in (folder, *_subfolders(folder)):
        _sweep(path)
    return place, handle


def _leave(place: tuple[int, int], handle: int) -> None:
    path = _held.pop(place)
    try:
        if _is_at(path, handle):
            with contextlib.suppress(OSError):
                os.unlink(path)
    finally:
        os.close(handle)


def _acquire(folder: Path) -> int:
    path = folder / LOCK
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666)
        try:
            if _lock(handle) is False:
                number = os.read(handle, 20).strip()
                owner = f"process {number.decode()}" if number.isdigit() else "another process"
                raise RunError(f"{folder}: expected to write to it alone, {owner} is writing to it")
            if _is_at(path, handle):
                os.ftruncate(handle, 0)
                with contextlib.suppress(OSError):  # a full disk: the number is for people
                    os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # whoever had it has deleted it in between


def _lock(handle: int) -> bool | None:
    """Lock an open file: whether that went well, None where the file system has no locks."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:  # a byte far behind the end, since nobody else may read one that is locked
            os.lseek(handle, 1 << 30, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
            os.lseek(handle, 0, os.SEEK_SET)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def _is_at(path: Path, handle: int) -> bool:
    """Whether an open file still has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except OSError:
        return False


def _subfolders(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


# --- folders --------------------------------------------------------------------------------


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.  Raises RunError."""
    try:
        _make(folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from None


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            _sync(folder.parent)
        os.listdir(folder)  # which a file in its place is not


def is_free(folder: Path, own: Sequence[str], last: str) -> bool:
    """Whether nothing is in a folder but what a process that died was making of it.

    ``own`` and ``last`` as for ``new_folder``.
    """
    if not folder.is_dir():
        return not os.path.lexists(folder)
    names = {name for name in os.listdir(folder) if not _TEMPORARY.fullmatch(name)}
    if LOCK in names and last not in names:
        names -= {pattern.split("/")[0] for pattern in own}
    return names <= {LOCK}


class NewFolder:
    """The content of a folder while it is made, in ``path``; ``commit`` puts it into its place."""

    def __init__(self, folder: Path, path: Path, own: Sequence[str], last: str):
        self.folder, self.path, self._own, self._last = folder, path, own, last

    def commit(self) -> None:
        """Put all of it into its place.  Raises RunError where that has been taken meanwhile."""
        try:
            _sync(self.path)
            if self.path.parent == self.folder:
                self._move()
            else:
                self._rename()
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be made: {error.strerror}") from None

    def _rename(self) -> None:
        status = os.stat(self.path)
        os.rename(self.path, self.folder)
        _held[status.st_dev, status.st_ino] = self.folder / LOCK
        _sync(self.folder.parent)

    def _move(self) -> None:
        # Without its last file a folder is not complete; what is being replaced is no longer.
        remove(self.folder, [self._last, *self._own])
        made = [path for path in sorted(self.path.rglob("*")) if path != self.path / LOCK]
        for path in sorted(made, key=lambda path: path.name == self._last):
            place = self.folder / path.relative_to(self.path)
            if path.is_dir():
                _make(place)
            else:
                os.replace(path, place)
        _sync(self.folder)


@contextlib.contextmanager
def new_folder(folder: Path, own: Sequence[str], last: str) -> Iterator[NewFolder]:
    """Make a folder of which a crash leaves all or nothing.

    Its files are made in the ``path`` of what is yielded; with ``commit`` they take their place:
    in one rename where there is no such folder, else one by one, the file called ``last`` as the
    last, after all that belongs to what is replaced (``own``: patterns of names) is deleted.
    The folder is locked from when it is there until the block ends.  Raises RunError.
    """
    there = folder.is_dir()
    with locked(folder) if there else contextlib.nullcontext():
        try:
            _make(folder.parent)
            path, key = _new_locked(folder if there else folder.absolute().parent)
        except OSError as error:
            raise RunError(f"{folder}: cannot be made: {error.strerror}") from None
        try:
            yield NewFolder(folder, path, own, last)
        finally:
            _leave(*key)
            shutil.rmtree(path, ignore_errors=True)


def _new_locked(folder: Path) -> tuple[Path, tuple[tuple[int, int], int]]:
    """A new folder with a temporary name, locked, and what ``_leave`` needs."""
    _sweep(folder)
    for last in (False, False, True):
        path = _temporary(folder)
        os.mkdir(path)
        try:
            return path, _enter(path)
        except RunError:  # another process may have looked at it before it was locked
            with contextlib.suppress(OSError):
                os.rmdir(path)
            if last:
                raise


def remove(folder: Path, patterns: Sequence[str]) -> None:
    """Delete the files and empty folders in a folder whose names fit the patterns, in their order.

    Raises OSError.
    """
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    os.rmdir(path)
            else:
                os.unlink(path)


def discard(folder: Path, own: Sequence[str]) -> None:
    """Delete what fits the patterns, and the folder if nothing else is in it.  Raises RunError."""
    if not folder.is_dir():
        return
    with locked(folder):
        try:
            remove(folder, own)
            os.unlink(folder / LOCK)
        except OSError as error:
            raise RunError(f"{folder}: cannot be deleted: {error.strerror}") from None
        with contextlib.suppress(OSError):
            os.rmdir(folder)


# --- reading --------------------------------------------------------------------------------


LARGEST_TEXT = 32 << 20
"""Bytes that are read of a file of text, or of what a file says of itself."""

DEEPEST = 50
"""Lists and objects in one another that are read."""


def read_text(path: Path) -> str:
    """A file of UTF-8, with or without a byte-order mark.  Raises OSError or ValueError."""
    with path.open("rb") as file:
        content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise ValueError(f"expected at most {LARGEST_TEXT >> 20} MB of text, got more")
    return content.decode("utf-8-sig")


def read_json(path: Path) -> Any:
    """The value of a file of JSON.  Raises OSError or ValueError."""
    return parse_json(read_text(path))


def parse_json(text: str) -> Any:
    """The value of JSON.

    Raises ValueError for what is not JSON, goes deeper than ``DEEPEST``, or has an entry twice.
    """
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(f"expected JSON of at most {DEEPEST} levels, got more") from None
    level = [value]
    for _ in range(DEEPEST):
        level = [
            part
            for one in level
            if isinstance(one, list | dict)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    if level:
        raise ValueError(f"expected JSON of at most {DEEPEST} levels, got more")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"expected each entry once, got {twice!r:.40} twice")
    return found


# Safetensors' names of the numbers that are read, little-endian; others are refused.
_KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    Halves (F16, BF16) become float32.  The format: eight bytes with the length of a header in
    JSON, the header, the arrays' bytes.  Raises RunError for a file that is not there, is
    damaged, or has numbers of a kind that is not read.
    """
    try:
        with path.open("rb") as file:
            return _tensors(file)
    except FileNotFoundError:
        raise RunError(f"{path}: expected a run with this file, there is none") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: cannot be read as safetensors: {error}") from None
    except MemoryError:
        raise RunError(f"{path}: too large for this machine's memory") from None


def _tensors(file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, LARGEST_TEXT):
        raise ValueError(
            f"expected a header of 2 to {LARGEST_TEXT} bytes inside it, got one of {length} in a"
            f" file of {size}"
        )
    header = parse_json(file.read(length).decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError(f"expected an object as its header, got {header!r:.40}")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError(f"expected texts as its metadata, got {metadata!r:.40}")
    places = {name: _place(name, entry) for name, entry in header.items()}
    arrays, end = {}, 0
    for name in sorted(places, key=lambda name: places[name][2:]):
        kind, shape, begin, after = places[name]
        if begin != end:
            raise ValueError(f"expected {name!r:.60} to begin at byte {end}, got {begin}")
        end = after
    if end != size - 8 - length:
        raise ValueError(f"expected {end} bytes of numbers, got {size - 8 - length}")
    for name, (kind, shape, begin, _) in places.items():
        file.seek(8 + length + begin)
        values = np.fromfile(file, _KINDS[kind], math.prod(shape)).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = values.astype(np.float32) if kind == "F16" else values
    return arrays, metadata


def _place(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    """Kind, shape, first byte and the byte after the last of an array, as the header has them."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"expected dtype, shape and data_offsets of {name!r:.60}")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(
            f"expected {name!r:.60} in numbers of {', '.join(_KINDS)}, got {kind!r:.20}"
        )
    for values in (shape, offsets):
        if not isinstance(values, list) or not all(
            type(value) is int and 0 <= value < 1 << 48 for value in values
        ):
            raise ValueError(f"expected whole numbers for {name!r:.60}, got {values!r:.60}")
    wanted = math.prod(shape) * np.dtype(_KINDS[kind]).itemsize
    if len(shape) > 32 or len(offsets) != 2 or offsets[1] - offsets[0] != wanted:
        raise ValueError(
            f"expected {wanted} bytes for {name!r:.60} of shape {shape!r:.60}, got {offsets!r:.60}"
        )
    return kind, shape, *offsets
