"""The names of labels, from a text file beside a data set."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from convlab import reading
from convlab.data.file_words import NAMES, Words
from convlab.errors import DataError
from convlab.names import shortened

_SUFFIXES = (".txt", ".csv", ".tsv")


def label_name_files(path: Path) -> list[Path]:
    """The text files in a folder, or beside a file, whose names say that they hold those of
    classes, sorted.
    """
    folder = path if path.is_dir() else path.parent
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES
        and not path.name.startswith(".")
        and Words.of(path.name).kind == NAMES
        and path.is_file()
    )


def is_label(text: str) -> bool:
    """Whether a text is a label as a number: digits, for at most 63 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def read_label_names(path: Path) -> dict[int, str]:
    """The name of each label.

    A line has a name, for the labels 0, 1, 2, ...; or a label and a name, separated by a comma,
    semicolon or tab, of more cells the last (as KMNIST's class map); or, with spaces, a label and
    the code points of the letters that it stands for (as EMNIST's mappings).  A first line without
    a label, where the others have one, is passed over.
    Raises DataError for any other file.
    """
    try:
        lines = reading.read_text(path, reading.MAX_TABLE).split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    rows = [_cells(line.strip()) for line in lines if line.strip()]
    if len(rows) > 1 and len(rows[1]) > 1 and not is_label(rows[0][0]):
        rows = rows[1:]
    if all(len(row) == 1 for row in rows):
        return dict(enumerate(row[0] for row in rows))
    names: dict[int, str] = {}
    for row in rows:
        label = row[0]
        if len(row) < 2 or not is_label(label) or int(label) in names:
            raise DataError(
                f"{path}: expected a label and its name in each line, each label once, got"
                f" {shortened(' '.join(row), 60)!r}"
            )
        names[int(label)] = row[-1]
    return names


def _cells(line: str) -> list[str]:
    """The cells of a line; the code points of letters become one cell of letters."""
    separator = next((mark for mark in ";\t," if mark in line), None)
    if separator is not None:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        except csv.Error:  # a cell of more than 131,072 characters
            return [line]
    label, *codes = line.split()
    if codes and all(map(is_label, (label, *codes))):
        return [label, "/".join(chr(min(int(code), sys.maxunicode)) for code in codes)]
    return [line]
