"""Lines of text as a terminal shows them: tables in columns, parts with roles, all of it fitted."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Protocol

from convlab.names import columns, shortened, told_apart

WIDTH = 100
"""The width, in columns, of lines that no terminal shows."""

SCREEN = 24
"""The rows of the smallest usual terminal."""


@dataclass(frozen=True)
class Span:
    """A part of a line.

    ``role``: input, window, output or bias, which have the colours of the pictures' roles, or
    none; ``quiet``: a remark beside the numbers.
    """

    text: str
    role: str = ""
    bold: bool = False
    quiet: bool = False


Part = str | Span
Line = str | Sequence[Part]
"""A line: a text, or its parts from left to right."""


class Block(Protocol):
    """Lines whose layout depends on how many columns there are; None: as many as are needed."""

    def lines(self, width: int | None) -> Iterable[Line]:
        """The lines."""


def plain(line: Line) -> str:
    """A line as plain text."""
    return line if isinstance(line, str) else "".join(map(_text, line))


def quiet(text: str) -> Line:
    """A remark as a line."""
    return (Span(text, quiet=True),)


@dataclass(frozen=True)
class Paragraph:
    """A remark, in lines of at most ``WIDTH`` columns."""

    text: str

    def lines(self, width: int | None) -> list[Line]:
        return [quiet(line) for line in textwrap.wrap(self.text, min(width or WIDTH, WIDTH))]


@dataclass(frozen=True)
class Arranged:
    """Lines that ``arrange`` makes for a width in columns."""

    arrange: Callable[[int], Iterable[Line]]

    def lines(self, width: int | None) -> Iterable[Line]:
        return self.arrange(width or WIDTH)


@dataclass(frozen=True)
class Table:
    """Rows of cells in columns, two spaces apart, those in ``right`` right-aligned.

    Where the terminal is too narrow, it leaves out the columns that ``spare`` names, the first of
    them first, and says which, if there is a head; then it shortens the widest texts.  ``least``:
    the widths of columns whose other rows are in tables of their own.
    """

    rows: Sequence[Sequence[Part]]
    right: Collection[int] = ()
    spare: Sequence[int] = ()
    least: Sequence[int] = ()

    def lines(self, width: int | None) -> Iterator[Line]:
        widths = [
            max(columns(_text(cell)) for cell in cells) for cells in zip(*self.rows, strict=True)
        ]
        widths = [max(pair) for pair in zip(widths, self.least or widths, strict=True)]
        kept, out, rows = list(range(len(widths))), list[int](), self.rows
        if width is not None:
            for column in self.spare:
                if _total(widths[k] for k in kept) <= width:
                    break
                kept.remove(column)
                out.append(column)
            over = _total(widths[k] for k in kept) - width
            widest = max(
                (k for k in kept if k not in self.right), key=lambda k: widths[k], default=0
            )
            if over > 0:
                widths[widest] = max(widths[widest] - over, min(widths[widest], 8))
                rows = _told_apart(rows, widest, widths[widest])
        for row in rows:
            yield _row([(row[k], widths[k], k in self.right) for k in kept])
        if out and len(self.rows) > 1:
            names = ", ".join(_text(self.rows[0][k]) for k in sorted(out))
            yield from Paragraph(f"not shown: {names}; --wide has all columns").lines(width)

    def __str__(self) -> str:
        return "\n".join(map(plain, self.lines(None)))


def fitted(
    lines: Iterable[Line | Block], width: int | None = None, written: Callable[[str], str] = str
) -> Iterator[Line]:
    """Lines of at most ``width`` columns; None: as wide as they are.

    ``written``: a text as the terminal's encoding has it.  Texts are broken at spaces; a longer
    word, such as a path, stays whole.
    """
    for line in lines:
        if isinstance(line, Table):
            rows = [[_changed(cell, written) for cell in row] for row in line.rows]
            line = replace(line, rows=rows)
        laid = [line] if isinstance(line, str | Sequence) else line.lines(width)
        for one in laid:
            for whole in one.split("\n") if isinstance(one, str) else [one]:
                yield from _broken(_written(whole, written), width)


def _told_apart(rows: Sequence[Sequence[Part]], at: int, width: int) -> list[list[Part]]:
    """Rows whose names in a column are at most so wide, shortened where they are alike."""
    texts = [_text(row[at]) for row in rows]
    if any(" " in text for text in texts):  # sentences
        return [[*row] for row in rows]
    short = told_apart(texts, lambda text: columns(text) <= width, mark="..")
    return [
        [*row[:at], _named(row[at], new), *row[at + 1 :]]
        for row, new in zip(rows, short, strict=True)
    ]


def _text(part: Part) -> str:
    return part if isinstance(part, str) else part.text


def _named(part: Part, text: str) -> Part:
    return text if isinstance(part, str) else replace(part, text=text)


def _changed(part: Part, change: Callable[[str], str]) -> Part:
    return _named(part, change(_text(part)))


def _written(line: Line, written: Callable[[str], str]) -> Line:
    return written(line) if isinstance(line, str) else [_changed(part, written) for part in line]


def _total(widths: Iterable[int]) -> int:
    """The columns of a table's row."""
    return sum(width + 2 for width in widths) - 2


def _row(cells: Sequence[tuple[Part, int, bool]]) -> Line:
    """Cells, each with its width and whether it is right-aligned, as a line."""
    parts: list[Part] = []
    for cell, width, right in cells:
        shown = _changed(cell, partial(shortened, most=width, mark=".."))
        room = " " * (width - columns(_text(shown)))
        parts += ["  " * bool(parts), room, shown] if right else ["  " * bool(parts), shown, room]
    if any(isinstance(part, Span) for part in parts):
        return parts
    return plain(parts).rstrip()


def _broken(line: Line, width: int | None) -> Iterator[Line]:
    """A line in as many as are needed, those after the first indented by two columns more."""
    text = plain(line)
    if width is None or columns(text) <= width:
        yield line
        return
    first = len(text) - len(text.lstrip())
    begin, indent = 0, ""
    while begin < len(text):
        end, room = begin, width - len(indent)
        while end < len(text) and (room := room - columns(text[end])) >= 0:
            end += 1
        if end < len(text):
            space = text.rfind(" ", begin + (0 if indent else first + 1), end + 1)
            end = space if space > begin else _next_space(text, end)
        yield [indent, *_slice(line, begin, end)]
        begin = end + len(text[end:]) - len(text[end:].lstrip())
        indent = " " * (first + 2)


def _next_space(text: str, begin: int) -> int:
    found = text.find(" ", begin)
    return len(text) if found < 0 else found


def _slice(line: Line, begin: int, end: int) -> list[Part]:
    """The characters from ``begin`` to before ``end``, with their roles."""
    parts: list[Part] = []
    place = 0
    for part in [line] if isinstance(line, str) else line:
        here = slice(max(0, begin - place), max(0, end - place))
        parts.append(_changed(part, itemgetter(here)))
        place += len(_text(part))
    return parts


# --- how far something is -----------------------------------------------------------------

_GAP = "  "
_SHORTEST, _LONGEST = 8, 20  # columns of the bar


def first_that_fit(text: str, width: int) -> str:
    """As many of a text's parts, two spaces apart, as fit; the first in any case, shortened."""
    return _GAP.join(_first_that_fit(text.split(_GAP), width))


def _first_that_fit(parts: list[str], width: int) -> list[str]:
    if columns(parts[0]) > width:
        return [shortened(parts[0], width)]
    while columns(_GAP.join(parts)) > width:
        parts = parts[:-1]
    return parts


def progress_line(label: str, share: float, text: str, left: float | None, width: int) -> str:
    """A bar of the ``share`` that is done, with a label and a text, in at most ``width`` columns.

    ``text``: parts two spaces apart, the most important first; ``left``: the seconds that it will
    take, None if that is not known.  What is least important is left out where there is no room.
    """
    first, *others = text.split(_GAP)
    remaining = "" if left is None else _duration(left)
    # By importance.
    parts = [label, f"{share:4.0%}", first, " " * _SHORTEST, remaining, *others]
    kept = _first_that_fit(parts, width)
    if len(kept) > 3:
        spare = width - columns(_GAP.join(kept))
        size = (_LONGEST if spare >= _LONGEST - _SHORTEST else _SHORTEST) - 2
        label, percent, first, _, *others = kept
        bar = f"[{'#' * int(share * size):-<{size}}]"
        kept = [label, bar, percent, *others[:1], first, *others[1:]]
    return _GAP.join(filter(None, kept))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


# --- side by side -------------------------------------------------------------------------


def side_by_side(
    blocks: Sequence[Sequence[Line]], signs: Sequence[str], middle: int
) -> Iterator[Line]:
    """Blocks of equally many lines side by side, with the signs between them in one row."""
    for row, lines in enumerate(zip(*blocks, strict=True)):
        parts: list[Part] = ["  "]
        for number, line in enumerate(lines):
            if number:
                sign = signs[number - 1]
                parts.append(sign if row == middle else " " * len(sign))
            parts += [line] if isinstance(line, str) else line
        yield parts
