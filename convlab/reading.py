"""Reading files that a user names: regular files only, up to a limit, text as UTF-8.

What cannot be read raises OSError, whose ``strerror`` is the reason in a few words.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from convlab.checks import shortened, shown
from convlab.errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# --- reading: limits ----------------------------------------------------------------------

MAX_TOML = 250_000
"""Bytes of a network's spec or a catalogue; those shipped with convlab have up to 40,000."""
MAX_TABLE = 4_000_000
"""Bytes of a table of numbers."""
MAX_JSON = 32_000_000
"""Bytes of a run's settings and curves, an experiment's results, a gallery's list of itself."""
MAX_INPUT = 200_000_000
"""Bytes of a picture on standard input."""
MAX_DEPTH = 20
"""Nesting levels of tables and lists in TOML and JSON."""

# --- reading: files -----------------------------------------------------------------------

_KINDS = {
    stat.S_IFDIR: os.strerror(errno.EISDIR),
    stat.S_IFIFO: "expected a regular file, got a named pipe",
    stat.S_IFSOCK: "expected a regular file, got a socket",
    stat.S_IFCHR: "expected a regular file, got a device",
    stat.S_IFBLK: "expected a regular file, got a device",
}


def open_file(path: str | os.PathLike) -> BinaryIO:
    """A regular file, opened for reading bytes; a pipe or device is not even opened.

    Raises OSError, also for a folder.
    """
    path = os.fspath(path)
    if "\0" in path:
        raise OSError(errno.EINVAL, "expected a path, got one with a null character")
    _check_regular(os.stat(path))
    # It may have become a pipe since, and opening a pipe waits for its other end.
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check_regular(os.fstat(file))
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


class Readable(Protocol):
    """A source of bytes piece by piece: a file, or what unpacks one."""

    def read(self, size: int, /) -> bytes: ...


def _check_regular(found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, _KINDS.get(kind, "expected a regular file"))


def read_bytes(path: str | os.PathLike, limit: int) -> bytes:
    """The bytes of a regular file, or of standard input for "-", which is no file's name.

    Raises OSError, also for more than ``limit`` bytes, and DataError for standard input.
    """
    if os.fspath(path) == "-":
        return read_standard_input(limit, "a file")
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        # A file in /proc has content although its size is 0.
        content = file.read(limit + 1) if size <= limit else b""
    if max(size, len(content)) > limit:
        got = f"{size:,}" if size > limit else "more"
        raise OSError(errno.EFBIG, f"expected at most {limit:,} bytes, got {got}")
    return content


def read_text(path: str | os.PathLike, limit: int) -> str:
    """A text file in UTF-8, with or without a byte-order mark.  Raises OSError."""
    content = read_bytes(path, limit)
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise OSError(errno.EILSEQ, "not UTF-8 text but UTF-16")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "not UTF-8 text") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_standard_input(limit: int = MAX_INPUT, wanted: str = "a picture") -> bytes:
    """All bytes of standard input: ``wanted``.  Raises DataError for none and above ``limit``."""
    content = bytearray()
    if sys.stdin is not None:
        bytes_in: Any = sys.stdin.buffer  # a BufferedReader, which a BinaryIO need not be
        # Piece by piece: Ctrl-C works between pieces, but not within one long read.
        while len(content) <= limit and (piece := bytes_in.read1(1 << 20)):
            content += piece
    if not content:
        raise DataError(f"-: expected {wanted} on standard input, got nothing")
    if len(content) > limit:
        raise DataError(f"-: expected at most {limit:,} bytes on standard input, got more")
    return bytes(content)


def reason(error: Exception) -> str:
    """Why a file cannot be read, in the system's words or those of the code that raised it."""
    return getattr(error, "strerror", None) or str(error)


# --- reading: TOML and JSON ---------------------------------------------------------------

# For a key of so many parts the parser's memory grows with the square of their number.
_DEEP_KEY = re.compile(
    r"""(?:^|(?<=[\s\[{,]))(?:(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[\w-]+)[ \t]*\.[ \t]*)"""
    rf"{{{MAX_DEPTH}}}",
    re.MULTILINE,
)


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML text, at most MAX_DEPTH levels deep, with whole numbers of 64 bits.

    Raises ValueError, whose text says what was expected.
    """
    if _DEEP_KEY.search(text):
        raise ValueError(_TOO_DEEP)
    return _checked(text, tomllib.loads, 64)


def parse_json(text: str, *, finite: bool = True) -> Any:
    """The value of a JSON text, at most MAX_DEPTH levels deep, with no entry twice in an object.

    ``finite``: NaN and infinity, which are not JSON though Python writes them, are refused.
    Raises ValueError.
    """
    refuse = _refuse_constant if finite else None
    # The state of a random generator has 128-bit numbers.
    parse = partial(json.loads, object_pairs_hook=_once, parse_constant=refuse)
    return _checked(text, parse, 128)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"expected finite numbers, got {text}")


def read_json(path: Path) -> Any:
    """The value of a JSON file.  Raises OSError or ValueError."""
    return parse_json(read_text(path, MAX_JSON))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise EntryTwice(f"expected each entry once, got {shown(name)} twice")
            seen.add(name)
    return found


class EntryTwice(ValueError):
    """An object of JSON that has a name twice."""


_TOO_DEEP = f"expected at most {MAX_DEPTH} levels of tables and lists, got more"


def _checked(text: str, parse: Callable[[str], Any], bits: int) -> Any:
    too_large = f"expected whole numbers of {bits} bits, got a larger one"
    try:
        value = parse(text)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {shortened(str(error))}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    except EntryTwice:
        raise
    except ValueError:  # Python's, for a number of more than 4,300 digits
        raise ValueError(too_large) from None
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
        if any(isinstance(item, int) and item.bit_length() > bits for item in level):
            raise ValueError(too_large)
        level, depth = [inner for item in level for inner in _inside(item)], depth + 1
    return value


def _inside(item: Any) -> list:
    if isinstance(item, Mapping):
        return list(item.values())
    return item if isinstance(item, list) else []
