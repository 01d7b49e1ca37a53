"""Files and folders: written whole or not at all, and locked while they are written.

What is being written has a temporary name next to its final one, is synced and then renamed, so
that a crash, even of the machine, leaves the old content or the new.  Its writer holds a lock on
it: without a lock it is the leftover of a process that died, and the next process that writes into
the folder deletes it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from convlab.errors import RunError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

LOCK = ".lock"
"""The file in a folder that says which process is writing there; removed on a clean exit."""

_TEMPORARY = re.compile(r"\.convlab-[0-9a-f]{16}")
_BINARY = getattr(os, "O_BINARY", 0)


# --- one file -------------------------------------------------------------------------------


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole, or leave the old one.  Raises RunError.

    A symbolic link keeps pointing to its file; a device or a pipe is written to, not replaced.
    """
    try:
        if path.exists() and not path.is_file():
            # A pipe without a reader is refused; opening it would wait.
            handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
            os.set_blocking(handle, True)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            return
        with replacing(Path(os.path.realpath(path))) as file:
            file.write(content)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None


def write_changed(path: Path, content: bytes) -> bool:
    """Write a file unless it already has this content; returns whether it did.  Raises RunError."""
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return False
    write_atomically(path, content)
    return True


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write and read, which replaces ``path`` at the end of the block.

    If the block raises, ``path`` is unchanged.  Raises OSError.
    """
    temporary, handle = _new_file(path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(handle)
            if fcntl is not None:  # while locked, so that no one takes it for a leftover
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
        os.close(handle)  # another process looked at it before it was locked


def _temporary(folder: Path) -> Path:
    return folder / f".convlab-{os.urandom(8).hex()}"


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine, where the system supports that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sweep(folder: Path) -> None:
    """Delete what processes that died were writing into a folder."""
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

    Reading needs no lock.  Blocks may be nested.  Raises RunError, with the number of the other
    process, where another one has the folder, and where it cannot be written.
    """
    key = _enter(folder)
    try:
        yield
    finally:
        if key is not None:
            _leave(*key)


def _enter(folder: Path) -> tuple[tuple[int, int], int] | None:
    """Lock a folder; returns what ``_leave`` needs, or None if this process has it already."""
    with contextlib.suppress(OSError):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in _held:
            return None
    return _enter_new(folder)


def _enter_new(folder: Path) -> tuple[tuple[int, int], int]:
    """Lock a folder that this process does not have; returns what ``_leave`` needs."""
    try:
        status = os.stat(folder)
        place = status.st_dev, status.st_ino
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
                with contextlib.suppress(OSError):  # a full disk: the number is only for people
                    os.write(handle, f"{os.getpid()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its owner has deleted it in the meantime


def _lock(handle: int) -> bool | None:
    """Lock an open file; returns whether that succeeded, None if the file system has no locks."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:  # a byte far past the end, since no one else may read a locked one
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
    """Make a folder, and those above it, unless it exists.  Raises RunError."""
    try:
        _make(folder)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from None


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """As ``make_folder``; a new one is removed if the block fails before it has a file."""
    new = not folder.exists()
    make_folder(folder)
    try:
        yield
    except BaseException:
        if new:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
        raise


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
            _sync(folder.parent)
        os.listdir(folder)  # fails for a file in its place


def check_place(path: Path, folder: bool) -> None:
    """Raise RunError unless a file, or a folder, can be made or replaced at ``path``."""
    if os.path.exists(path):
        place = path
        reason = "expected a folder, got a file" if folder else "expected a file, got a folder"
        wrong = path.is_dir() != folder
    else:
        place = next(above for above in path.absolute().parents if os.path.exists(above))
        reason, wrong = f"{place} is not a folder", not place.is_dir()
    if not wrong and not os.access(place, os.W_OK):
        reason, wrong = "Permission denied", True
    if wrong:
        raise RunError(f"{path}: cannot be written: {reason}")


def is_free(folder: Path, own: Sequence[str], last: str) -> bool:
    """Whether a folder holds nothing but what a process that died was making there.

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
        """Put all of it into its place.  Raises RunError if that has been taken in the meantime."""
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
        # Without its last file a folder is not complete; the one being replaced no longer is.
        own = [self._last, *self._own]
        remove(self.folder, own)
        made = [path for path in sorted(self.path.rglob("*")) if path != self.path / LOCK]
        try:
            for path in sorted(made, key=lambda path: path.name == self._last):
                place = self.folder / path.relative_to(self.path)
                if path.is_dir():
                    _make(place)
                else:
                    os.replace(path, place)
        except OSError:  # half of it would be in the way of the next try
            with contextlib.suppress(OSError):
                remove(self.folder, own)
            raise
        _sync(self.folder)


@contextlib.contextmanager
def new_folder(folder: Path, own: Sequence[str], last: str) -> Iterator[NewFolder]:
    """Make a folder so that a crash leaves all of it or nothing.

    Its files are made in the ``path`` of what is yielded; ``commit`` moves them into place: in one
    rename if there is no such folder, else one by one, the file called ``last`` at the end, after
    everything that belongs to what is replaced (``own``: patterns of names) is deleted.  The folder
    is locked from when it exists until the block ends.  Raises RunError.
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
    tries = 3
    while True:
        path = _temporary(folder)
        os.mkdir(path)
        try:
            return path, _enter_new(path)
        except RunError:  # another process may have looked at it before the lock
            with contextlib.suppress(OSError):
                os.rmdir(path)
            tries -= 1
            if not tries:
                raise


def remove(folder: Path, patterns: Sequence[str]) -> None:
    """Delete files and empty folders in a folder whose names match the patterns, in their order.

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
    """Delete what matches the patterns, and the folder if that empties it.  Raises RunError."""
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
