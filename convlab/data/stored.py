"""Arrays in files, IDX, .npy and .npz: their headers are read first, their numbers later."""

from __future__ import annotations

import gzip
import io
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from convlab import reading
from convlab.errors import ConvlabError, DataError
from convlab.names import one_line
from convlab.shapes import size_text

MAX_NUMBERS = 2_000_000_000
"""The most bytes of an array in a file, unpacked."""
MAX_ARRAYS = 100
"""The most arrays in an .npz file."""

BINARY_NAME = re.compile(r"(\.np[yz]|[-_.]idx\d|[-_.]idx\d[-_.]\w+|[-_.]ubyte)(\.gz)?$", re.I)
"""Of the name of an IDX, .npy or .npz file."""
_GZIP, _NPY, _ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
# Source: LeCun, Cortes, Burges, The MNIST database, on the third byte of the magic number.
_IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_AXES = 4
_ZIP_HEADER = 30  # bytes of a member's own header, before its name
_READ_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Stored:
    """An array in a file.

    place: the file, and which array of it, for errors.  name: what its words are taken from.
    shape: None if it is known only when all is read.  is_idx: whether an IDX file holds it.
    read: reads the numbers; raises DataError.
    mapped: maps the numbers into memory, where the file holds them as they are; raises DataError.
    """

    place: str
    name: str
    shape: tuple[int, ...] | None
    is_idx: bool
    read: Callable[[], np.ndarray]
    mapped: Callable[[], np.ndarray] | None = None


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """A file opened for reading bytes, decompressed if its content is gzip, whatever its name.

    What goes wrong in the block becomes a DataError.
    """
    try:
        with reading.open_file(path) as file:
            begin = file.read(4)
            file.seek(0)
            named = path.suffix.lower() == ".gz" and not is_idx(begin)
            if begin[:2] == _GZIP or named:
                with gzip.open(file) as stream:
                    yield cast(IO[bytes], stream)
            else:
                yield file
    except EOFError:
        raise DataError(f"{path}: expected a whole gzip file, got a truncated one") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a gzip file, got a damaged one ({error})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def is_idx(begin: bytes) -> bool:
    """Whether a file that begins so is an IDX file."""
    return len(begin) >= 4 and begin[:2] == b"\0\0" and begin[2] in _IDX_TYPES and begin[3] > 0


def is_binary(path: Path) -> bool:
    """Whether a file is an IDX, .npy or .npz file, by its content or else its name."""
    with unpacked(path) as stream:
        begin = stream.read(len(_NPY))
    return begin.startswith((b"\0\0", _NPY, _ZIP)) or bool(BINARY_NAME.search(path.name))


def stored_arrays(path: Path) -> list[Stored]:
    """The arrays in an IDX, .npy or .npz file, by its content.

    Raises DataError for another file, a damaged header, an array of objects and one of more than
    MAX_NUMBERS bytes.
    """
    with unpacked(path) as stream:
        begin = stream.read(len(_NPY))
        if not begin.startswith(_ZIP):
            return [_one(path, str(path), path.name, lambda: unpacked(path))]
    with _archive(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        if not names or len(archive.namelist()) > MAX_ARRAYS:
            raise DataError(
                f"{path}: expected an .npz file of 1 to {MAX_ARRAYS} arrays, got"
                f" {len(archive.namelist()):,} files in it, {len(names):,} of them arrays"
            )
    return [
        _one(
            path,
            f"{path}: {one_line(name.removesuffix('.npy'))}",
            name,
            lambda name=name: _member(path, name),
        )
        for name in names
    ]


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with reading.open_file(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (ConvlabError, MemoryError):
        raise
    except Exception as error:
        # Of damaged bytes zipfile raises its own error, struct.error, NotImplementedError, ...
        reason = f" ({error})" if isinstance(error, zipfile.BadZipFile) else ""
        raise DataError(f"{path}: expected a whole .npz file, got a damaged one{reason}") from None


@contextmanager
def _member(path: Path, name: str) -> Iterator[IO[bytes]]:
    with _archive(path) as archive, archive.open(name) as stream:
        yield stream


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype
    order: str


def _one(path: Path, place: str, name: str, opened: Callable) -> Stored:
    """The array of a stream that ``opened`` opens, in a file."""
    with opened() as stream:
        is_of_idx, header = _header(stream, place)
        begin = _begin(path, stream)
        _check_room(stream, header, place, begin is None)

    def read() -> np.ndarray:
        with opened() as stream:
            _header(stream, place)
            _check_room(stream, header, place, True)
            return _numbers(stream, header, place)

    def mapped() -> np.ndarray:
        try:
            with reading.open_file(path) as file:
                return np.memmap(file, header.dtype, "r", begin, header.shape, header.order)  # type: ignore[call-overload]
        except (OSError, ValueError) as error:  # of a file that has become shorter
            raise DataError(f"{place}: cannot be read ({reading.reason(error)})") from None

    return Stored(place, name, header.shape, is_of_idx, read, mapped if begin else None)


def _begin(path: Path, stream: IO[bytes]) -> int | None:
    """Where in the file the numbers of a stream at the end of its header are; None if packed."""
    if isinstance(stream, gzip.GzipFile):
        return None
    if not isinstance(stream, zipfile.ZipExtFile):
        return stream.tell()
    with _archive(path) as archive, reading.open_file(path) as file:
        member = archive.getinfo(stream.name or "")
        if member.compress_type != zipfile.ZIP_STORED:
            return None
        file.seek(member.header_offset)
        name, extra = struct.unpack("<26xHH", file.read(_ZIP_HEADER))
        return member.header_offset + _ZIP_HEADER + name + extra + stream.tell()


def _header(stream: IO[bytes], place: str) -> tuple[bool, _Header]:
    begin = stream.read(4)
    if is_idx(begin):
        return True, _idx_header(begin, stream, place)
    begin += stream.read(len(_NPY) - len(begin))
    if begin == _NPY:
        return False, _npy_header(stream, place)
    raise DataError(f"{place}: expected an IDX, .npy or .npz file, got something else")


def _idx_header(begin: bytes, stream: IO[bytes], place: str) -> _Header:
    axes = begin[3]
    if axes > _MOST_AXES:
        raise DataError(f"{place}: expected an IDX file of 1 to {_MOST_AXES} axes, got {axes}")
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(
            f"{place}: expected an IDX header of {4 + 4 * axes} bytes, got {4 + len(sizes)} bytes"
        )
    return _Header(struct.unpack(f">{axes}I", sizes), np.dtype(_IDX_TYPES[begin[2]]), "C")


def _npy_header(stream: IO[bytes], place: str) -> _Header:
    try:
        version = np.lib.format.read_magic(io.BytesIO(_NPY + stream.read(2)))
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(stream)
    except (OSError, EOFError, zlib.error):
        raise
    except Exception:
        # NumPy evaluates the header as a literal of Python, which fails in as many ways.
        raise DataError(
            f"{place}: expected the header of an .npy file, got a damaged one"
        ) from None
    if dtype.kind not in "buifUS" or not dtype.itemsize:
        what = "Python objects" if dtype.hasobject else dtype
        raise DataError(f"{place}: expected an array of numbers or texts, got one of {what}")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise DataError(f"{place}: expected sizes of at least 0, got {shape!r:.100}")
    return _Header(shape, dtype, "F" if fortran else "C")


def _check_room(stream: IO[bytes], header: _Header, place: str, whole: bool) -> None:
    """Raise DataError for an array that is too large to be read ``whole``, or for its file."""
    expected = math.prod(header.shape) * header.dtype.itemsize
    sizes = size_text(*header.shape)
    if whole and expected > MAX_NUMBERS:
        raise DataError(
            f"{place}: expected an array of at most {MAX_NUMBERS:,} bytes, got {sizes} of"
            f" {header.dtype}"
        )
    if isinstance(stream, zipfile.ZipExtFile | gzip.GzipFile):
        return  # its numbers are counted when they are read
    got = os.fstat(stream.fileno()).st_size - stream.tell()
    if got != expected:
        raise DataError(
            f"{place}: the header says {sizes}, expected {expected} bytes after it, got {got}"
        )


def _numbers(stream: IO[bytes], header: _Header, place: str) -> np.ndarray:
    """The array after a header.  Only so much memory is used as there are numbers."""
    values = np.empty(math.prod(header.shape), header.dtype)
    room, got = memoryview(values.view(np.uint8)), 0  # type: ignore[arg-type]
    while got < len(room):
        count = stream.readinto(room[got : got + _READ_AT_ONCE])  # type: ignore[attr-defined]
        if not count:
            break
        got += count
    got += len(stream.read(1))
    if got != len(room):
        more = "more" if got > len(room) else got
        raise DataError(
            f"{place}: the header says {size_text(*header.shape)}, expected {len(room)} bytes after"
            f" it, got {more}"
        )
    return values.reshape(header.shape, order=header.order)  # type: ignore[call-overload]
