"""Names from outside, of classes, files and runs, as text that every table and picture can show."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from os.path import commonprefix

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


_PIECE = re.compile(r"[^\W\d_]+|\d+|[\W_]")


def told_apart(
    names: Sequence[str], fits: Callable[[str], bool], mark: str = "…", least: int = 1
) -> list[str]:
    """Names that fit side by side or below each other, shortened where they are alike.

    Words that several names share become their first letters, in all of them and only as many as
    necessary: features.conv1 is f.conv1, a name of words "s. of plant 1".  What is too long even
    so gives letters to ``mark``, those that all names begin or end with first.  Different names
    stay different as long as there is room for what differs.  A cut name has ``least`` letters.
    """
    shown = [list(_PIECE.findall(name)) for name in names]
    count = len(set(names))
    found = Counter(word for pieces in shown for word in {*pieces} if len(word) > 1)
    last = {next((p for p in reversed(pieces) if p.isalpha()), "") for pieces in shown}
    # Of names made of words only what most of them share: "c." is not always a cat.
    most = max(2, count / 2 if any(" " in name for name in names) else 0)
    alike = [w for w, times in found.items() if times >= most and w.isalpha() and w.isascii()]
    for word in sorted(alike, key=lambda w: (w in last, -found[w], -len(w), w)):
        if all(fits("".join(pieces)) for pieces in shown):
            break
        brief = [[_initial(p, pieces) if p == word else p for p in pieces] for pieces in shown]
        if len({"".join(pieces) for pieces in brief}) == count:
            shown = brief
    texts = ["".join(pieces) for pieces in shown]
    if all(map(fits, texts)):
        return texts
    head = len(commonprefix(texts)) if count > 1 else 0
    tail = len(commonprefix([text[head:][::-1] for text in texts])) if count > 1 else 0
    ways = [(head, 0, 1.0)] if head > 3 else []
    ways += [(0, 0, 0.5), (head, tail, 1.0), (0, 0, 1.0), (0, 0, 0.0)]
    best: list[str] = []
    for way in ways:
        cut = [_cut(text, *way, fits, mark, least) for text in texts]
        if not best or len({*cut}) > len({*best}):
            best = cut
        if len({*best}) == count:
            break
    return best


def _initial(word: str, pieces: Sequence[str]) -> str:
    """The first letter, with a full stop in a name of words."""
    return word[0] + "." * (" " in pieces)


def _cut(
    text: str,
    begin: int,
    end: int,
    share: float,
    fits: Callable[[str], bool],
    mark: str,
    least: int,
) -> str:
    """A text without so many letters at its begin and end, the others cut to what fits.

    ``share``: of those kept, the part that is before the mark.
    """
    core = text[begin : len(text) - end]
    if fits(text) and (begin < 2 or not core):  # a common beginning goes from all of them
        return text
    before, after = (
        (mark if begin > 1 else text[:begin]),
        (mark if end > 1 else text[len(text) - end :]),
    )
    if fits(before + core + after):
        return before + core + after
    low, high = least, max(len(core) - 1, least)

    def kept(count: int) -> str:
        head = round(share * count + 0.01)
        tail = core[len(core) - (count - head) :] if count > head else ""
        return f"{before}{core[:head].rstrip()}{mark}{tail.lstrip()}"

    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(kept(middle)) else (low, middle - 1)
    return kept(low)


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
    if text.isascii():
        return len(text)
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
