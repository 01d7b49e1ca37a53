"""Sheets for a class: other numbers for each student, and one key."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike

from convlab.checks import shown
from convlab.errors import DataError
from convlab.quiz.key import Key
from convlab.quiz.selection import secret_seed
from convlab.quiz.sheet import Sheet
from convlab.reading import MAX_TABLE, read_text, reason

MOST_STUDENTS = 500
MOST_LETTERS = 80  # of a name


def student_name(text: str) -> str:
    """A name with single spaces, the same however its accents were typed.

    Raises DataError for an empty one, a long one, and one with characters that are not printed.
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not name or not name.isprintable() or len(name) > MOST_LETTERS:
        raise DataError(f"expected a name of 1 to {MOST_LETTERS} letters, got {shown(text)}")
    return name


def read_students(path: str | PathLike) -> tuple[str, ...]:
    """The names of a text file in UTF-8, one on each line; empty lines do not count.

    Raises DataError for a file that cannot be read, that has no name or too many, a name twice, or
    a line that is no name.
    """
    try:
        lines = read_text(path, MAX_TABLE).split("\n")
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from None
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            name = student_name(line)
        except DataError as error:
            raise DataError(f"{path}, line {number}: {error}") from None
        if name in found:
            raise DataError(
                f"{path}: expected each name once, got {name} on lines {found[name]} and {number}"
            )
        found[name] = number
    if not 1 <= len(found) <= MOST_STUDENTS:
        raise DataError(f"{path}: expected 1 to {MOST_STUDENTS} names, got {len(found)}")
    return tuple(found)


def sheet_files(names: Sequence[str], suffix: str) -> tuple[str, ...]:
    """A file's name for each student's sheet: the number in the list, and the name."""
    width = len(str(len(names)))
    return tuple(
        f"{number:0{width}d} {_safe(name)}{suffix}" for number, name in enumerate(names, 1)
    )


def _safe(name: str) -> str:
    """A name without what some file systems refuse, of at most 200 bytes."""
    name = re.sub(r'[/\\:*?"<>|]', "-", name).strip(". ")
    return name.encode()[:200].decode(errors="ignore")


@dataclass(frozen=True)
class ClassSet:
    """A sheet for each student of a class, all from one seed; ``students`` is the file of names."""

    sheets: Sequence[Sheet]
    students: str

    @classmethod
    def of(
        cls,
        topic: str,
        students: str | PathLike,
        seed: int | None = None,
        count: int = 5,
        tick: Callable[[], object] = lambda: None,
        names: Sequence[str] | None = None,
        language: str = "en",
    ) -> ClassSet:
        """The sheets for the names in a file, without ``seed`` from a secret one.

        ``tick`` is called after each sheet; ``names``: those of the file, if it has been read.
        Raises the errors of ``quiz`` and ``read_students``.
        """
        seed = secret_seed() if seed is None else seed
        sheets = []
        for name in read_students(students) if names is None else names:
            sheets.append(Sheet.of(topic, seed, count, name, language))
            tick()
        return cls(sheets, str(students))

    @property
    def key(self) -> Key:
        """The answers of all sheets, with the command that makes them again."""
        first = self.sheets[0]
        words = ["convlab", "quiz", first.topic, "--seed", str(first.seed)]
        words += ["--count", str(first.count), "--students", self.students, *first.language_words]
        return Key(self.sheets, shlex.join(words))
