"""Lines of text as a terminal shows them: tables in columns, and lines whose parts have roles."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from convlab.names import columns

WIDTH = 100
"""The terminal width, in columns, that lines are made for."""


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


Line = str | Sequence[str | Span]
"""A line: a text, or its parts from left to right."""


def plain(line: Line) -> str:
    """A line as plain text."""
    if isinstance(line, str):
        return line
    return "".join(part if isinstance(part, str) else part.text for part in line)


def quiet(text: str) -> Line:
    """A remark as a line."""
    return (Span(text, quiet=True),)


def wrapped(text: str) -> list[Line]:
    """A remark, in lines of at most WIDTH."""
    return [quiet(line) for line in textwrap.wrap(text, WIDTH)]


def table(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines, columns two spaces apart, those in ``right`` right-aligned."""
    widths = [max(map(columns, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = []
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            room = " " * (width - columns(cell))
            cells.append(room + cell if number in right else cell + room)
        lines.append("  ".join(cells).rstrip())
    return lines


def side_by_side(
    blocks: Sequence[Sequence[Line]], signs: Sequence[str], middle: int
) -> Iterator[Line]:
    """Blocks of equally many lines side by side, with the signs between them in one row."""
    for row, lines in enumerate(zip(*blocks, strict=True)):
        parts: list[str | Span] = ["  "]
        for number, line in enumerate(lines):
            if number:
                sign = signs[number - 1]
                parts.append(sign if row == middle else " " * len(sign))
            parts += [line] if isinstance(line, str) else line
        yield parts
