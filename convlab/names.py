"""Names from outside, of classes, files and runs, as text that every table and picture can show."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

from convlab.errors import DataError

UNKNOWN = "\ufffd"  # stands for what is not a character
# They change the direction of all that follows, even beyond the name's end.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """A text in its composed form (NFC), with single spaces, without control characters.

    Bytes of a file's name that are not UTF-8 are read as Latin-1.
    """
    text = "".join(
        chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in " ".join(text.split())
    )
    return "".join(
        UNKNOWN
        if unicodedata.category(c) in ("Cc", "Cs") or c in _TURNS or ord(c) & 0xFFFE == 0xFFFE
        else c
        for c in unicodedata.normalize("NFC", text)
    )


def class_names(names: Iterable[str], source: str) -> tuple[str, ...]:
    """The names of classes, each as :func:`one_line`; ``source`` begins the line of an error.

    Raises DataError for a name without visible characters, and for two that become the same.
    """
    kept: dict[str, str] = {}
    for name in names:
        line = one_line(name)
        if all(unicodedata.category(c) in ("Zs", "Cf") for c in line):
            raise DataError(
                f"{source}: expected a name that can be seen for class {len(kept)}, got {name!a}"
            )
        if line in kept:
            raise DataError(
                f"{source}: expected classes of different names, got {shortened(line)!r} twice:"
                f" {kept[line]!a:.80} and {name!a:.80}"
            )
        kept[line] = name
    return tuple(kept)


def shortened(text: str, most: int = 40, mark: str = "…") -> str:
    """At most so many columns: a longer text becomes its beginning and its end around ``mark``."""
    short, kept = text, min(len(text), most)
    while columns(short) > most:
        kept -= 1
        short = f"{text[: (kept + 1) // 2]}{mark}{text[len(text) - kept // 2 :]}"
    return short


def listed(names: Iterable[str], most: int = 1000) -> str:
    """Names in one line for an error, shortened one by one and as a whole."""
    return shortened(", ".join(map(shortened, names)), most)


def counted(number: int, word: str) -> str:
    """A number of things: 1 file, 2,000 files."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def nearest(name: object, known: Iterable[str]) -> str:
    """The known name that may have been meant, in any case; empty if none is like it."""
    small = {one.lower(): one for one in known}
    return small.get(next(iter(difflib.get_close_matches(str(name).lower(), small, 1)), ""), "")


def meant(name: object, known: Iterable[str]) -> str:
    """The end of an error about a name that there is not: "; did you mean X?", or nothing."""
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def columns(text: str) -> int:
    """The columns that a text takes in a terminal: two for wide letters, none for marks."""
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cf")
        else 2
        if unicodedata.east_asian_width(c) in "WF"
        else 1
        for c in text
    )


def padded(text: str, width: int) -> str:
    """A text padded with spaces to ``width`` columns of a terminal."""
    return text + " " * (width - columns(text))
