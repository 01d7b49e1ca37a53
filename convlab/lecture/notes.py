"""Notes in Markdown or plain text as sentences and rows of tables, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from convlab.lecture.plain import plain


@dataclass(frozen=True)
class Sentence:
    """One sentence as it was written, and ``plain``, in which formulas are read.

    ``line``: where it begins in the notes, from 1; ``section``: counted by headings; ``lines``:
    as it is broken into lines; ``indent``: of the item of a list that it begins, -1 elsewhere.
    """

    text: str
    line: int
    section: int
    heading: bool = False
    lines: tuple[str, ...] = ()
    indent: int = -1

    @cached_property
    def plain(self) -> str:
        return plain(self.text)

    def line_of(self, at: int) -> int:
        """The line of the notes on which a place of the plain text stands."""
        for number in range(1, len(self.lines)):
            if len(plain("\n".join(self.lines[:number]))) > at:
                return self.line + number - 1
        return self.line + max(0, len(self.lines) - 1)


@dataclass(frozen=True)
class Row:
    """A row of a table: the text of each cell by its column's heading; ``number`` from 0."""

    text: str
    line: int
    section: int
    cells: tuple[tuple[str, str], ...]
    number: int = 0

    def line_of(self, at: int) -> int:
        return self.line


@dataclass(frozen=True)
class Code:
    """A block of a program, of what it prints or of a diagram: its lines with their numbers."""

    lines: tuple[tuple[int, str], ...]
    section: int
    language: str = ""


@dataclass
class _Block:
    """The lines of a paragraph, heading, table, program or item of a list."""

    lines: list[tuple[int, str]]
    heading: bool = False
    code: bool = False
    language: str = ""
    indent: int = -1


_FENCE = re.compile(r"\s{0,3}(?:>\s*)*(```+|~~~+)")
_ITEM = re.compile(r"(\s*)(?:[-*+•]|\(?\d{1,3}[.)]|\(?[a-z]\))\s+(?=\S)")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"\s{0,3}(?:=+|-+)\s*$")
_RULE = re.compile(r"\s{0,3}([-*_])(\s*\1){2,}\s*$")
_DIVIDER = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_DEFINITION = re.compile(r"\s{0,3}\[[^\]^]+\]:\s+\S+")

# Where a sentence ends: not behind what is shortened, nor within a number.
_END = re.compile(
    r"(?<=[.!?])[\"'”’)\]*_`]*\s+(?=[\"'“‘(\[*_`$]*[A-Z0-9“\"(*_`$\\n])"
    r"|(?<=[a-z]{4}\.)\s+(?=[a-z])|\s*\n\s*\n"
)
_SHORTENED = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|resp|approx|ca|fig|figs|eq|eqs|sec|ch|no|nos|tab"
    r"|ref|p|pp|et al|al|etc"
    r"|incl|excl|approx|params?|dims?|dr|prof|mr|ms|st|z\. ?b|d\. ?h|bzw|max|min"
    r"|avg|conv)|\b[A-Z])\.$",
    re.IGNORECASE,
)


def read_notes(text: str) -> list[Sentence | Row | Code]:
    """The sentences, rows and programs of notes, in order.

    Left out: indented code, front matter, comments and link definitions.
    """
    found: list[Sentence | Row | Code] = []
    section = 0
    for block in _blocks(_without_comments(text)):
        section += block.heading
        if block.code:
            found.append(Code(tuple(block.lines), section, block.language))
            continue
        found += _rows(block, section) if _is_table(block) else _sentences(block, section)
    return found


def _without_comments(text: str) -> list[str]:
    """The lines, comments made empty and front matter too, so that lines keep their numbers."""
    text = _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    lines = text.split("\n")
    if lines and lines[0].strip() == "---":
        for end in range(1, len(lines)):
            if lines[end].strip() in ("---", "..."):
                lines[: end + 1] = [""] * (end + 1)
                break
    return lines


def _blocks(lines: list[str]) -> list[_Block]:
    reader = _Blocks()
    for number, line in enumerate(lines, 1):
        reader.take(number, line)
    reader.close()
    return reader.found


class _Blocks:
    """Collects lines into blocks."""

    def __init__(self) -> None:
        self.found: list[_Block] = []
        self.block = _Block([])
        self.fence = ""
        self.listed = False
        self.blank = True

    def close(self) -> None:
        """End the block that is open."""
        if self.block.lines:
            self.found.append(self.block)
        self.block = _Block([])

    def take(self, number: int, line: str) -> None:
        """The next line of the notes."""
        opened = _FENCE.match(line)
        if self.fence or opened:
            if opened and (not self.fence or opened[1].startswith(self.fence)):
                self.close()
                self.fence = "" if self.fence else opened[1]
                self.block.code = bool(self.fence)
                self.block.language = line[opened.end() :].strip().lower()
            else:
                self.block.lines.append((number, line))
            self.blank = False
            return
        line = re.sub(r"^\s{0,3}(?:>\s?)+", "", line)
        heading = _heading(line, self.block)
        if not line.strip() or heading is not None or _ITEM.match(line) or _RULE.match(line):
            self.close()
        if heading is not None:
            self.found.append(_Block([(number, heading)], heading=True))
            self.listed = False
        else:
            self._add(number, line)
        self.blank = not line.strip()

    def _add(self, number: int, line: str) -> None:
        """A line of text; of code, rules and link definitions nothing is kept."""
        rule = _RULE.match(line) and "|" not in line
        code = re.match(r" {4}|\t", line) and self.blank and not self.listed
        item = _ITEM.match(line)
        if not line.strip() or _DEFINITION.match(line) or rule:
            return
        if item and (self.listed or len(item[1]) < 4):
            self.block = _Block([(number, line[item.end() :])], indent=len(item[1]))
            self.listed = True
        elif not code:
            self.listed = self.listed and not (self.blank and not line.startswith(" "))
            self.block.lines.append((number, line))


def _heading(line: str, block: _Block) -> str | None:
    found = _HEADING.match(line)
    if found:
        return found[1]
    if _UNDERLINE.match(line) and len(block.lines) == 1 and "|" not in block.lines[0][1]:
        _, text = block.lines.pop()
        return text
    return None


def _is_table(block: _Block) -> bool:
    return (
        len(block.lines) > 1
        and "|" in block.lines[0][1]
        and any(_DIVIDER.match(line) and "|" in line for _, line in block.lines[1:3])
    )


def _cells(line: str) -> list[str]:
    # A bar within a formula or a code span is none of the table's.
    guarded = re.sub(r"\$[^$]*\$|`[^`]*`", lambda found: found[0].replace("|", "\0"), line)
    cells = guarded.replace("\\|", "\0").strip().strip("|").split("|")
    return [cell.replace("\0", "|").strip() for cell in cells]


def _rows(block: _Block, section: int) -> Iterator[Row]:
    divider = next(i for i, (_, line) in enumerate(block.lines) if i and _DIVIDER.match(line))
    names = [plain(name) for name in _cells(block.lines[divider - 1][1])]
    for number, (line, text) in enumerate(block.lines[divider + 1 :]):
        if "|" in text:
            cells = [plain(cell) for cell in _cells(text)]
            pairs = tuple(zip(names, cells, strict=False))
            yield Row(text.strip(), line, section, pairs, number)


def _sentences(block: _Block, section: int) -> Iterator[Sentence]:
    text = "\n".join(line for _, line in block.lines)
    starts, begin = [], 0
    for found in _END.finditer(text):
        if not _SHORTENED.search(text[begin : found.start() + 1].rstrip(" \n\"'”’)]*_`")):
            starts.append((begin, found.end()))
            begin = found.end()
    starts.append((begin, len(text)))
    for start, end in starts:
        own = text[start:end]
        if own.strip():
            line = block.lines[0][0] + text.count("\n", 0, start + len(own) - len(own.lstrip()))
            lines = tuple(own.strip().split("\n"))
            indent = -1 if start else block.indent
            yield Sentence(" ".join(own.split()), line, section, block.heading, lines, indent)
