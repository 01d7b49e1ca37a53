"""Tables of pixels in text files: a row for each image, with its label in one of the columns."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from convlab.checks import shortened, shown
from convlab.data.file_words import IMAGES, LABELS
from convlab.data.pictures import MAX_IMAGES
from convlab.data.stored import unpacked
from convlab.errors import DataError

MAX_LINE = 4_000_000
"""The most characters of a line: 500 x 500 pixels of 15 digits."""
MAX_ROWS = 2_000_000
"""The most rows; EMNIST's largest table has 697,932."""
MAX_LABEL = 100
"""The most characters of a label."""

_LABEL = frozenset(("label", "labels", "class", "target", "targets", "y"))
_NUMBERS_OF_ROWS = frozenset(("", "unnamed: 0", "index", "id"))  # not pixels, though numbers
_AT_ONCE = 1000  # rows


@dataclass(frozen=True)
class _Columns:
    """How the rows of a table are read.

    separator: between cells.  count: of all cells.  label: the column of the label, None if there
    is none.  pixels: the columns of the pixels.
    """

    separator: str
    count: int
    label: int | None
    pixels: tuple[int, ...]


def read_pixel_table(path: Path, kind: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Read a text file, plain or .gz, with the pixels and the label of an image in each row.

    The cells are separated by commas, semicolons or tabs.  A first row that is not of numbers
    names the columns: that of the label is called label, class, target or y; one without a name,
    or called index or id, is passed over.  Without names the label comes first.

    kind: IMAGES for a table of pixels alone, LABELS for one of labels, "" for both.

    Returns pixels (count, pixels), uint8 if all are bytes, otherwise float32, and labels (count,)
    as text; what a table of one kind lacks has no columns or is empty.  Raises DataError.
    """
    with unpacked(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig")
        try:
            return _read(path, text, kind)
        except UnicodeDecodeError:
            raise DataError(f"{path}: expected a table in UTF-8 text, got something else") from None
        finally:
            text.detach()


def _read(path: Path, text: io.TextIOBase, kind: str) -> tuple[np.ndarray, np.ndarray]:
    lines = _lines(path, text)
    first = next(lines, None)
    if first is None:
        raise DataError(f"{path}: expected rows of pixels, got none")
    columns, named = _columns(path, first[1], kind)
    pixels: list[np.ndarray] = []
    labels: list[str] = []
    rows = lines if named else _after(first, lines)
    most = rows_left = min(MAX_ROWS, MAX_IMAGES // max(1, len(columns.pixels)))
    while part := list(islice(rows, _AT_ONCE)):
        for at, line in part:
            _check_count(path, at, line, columns)
        if columns.label is not None:
            labels += [_label(path, at, line, columns) for at, line in part]
        rows_left -= len(part)
        if rows_left < 0:
            raise DataError(f"{path}: expected at most {most:,} rows, got more")
        if columns.pixels:
            pixels.append(_numbers(path, part, columns))
    if not (pixels or labels):
        raise DataError(f"{path}: expected rows below the names of the columns, got none")
    empty = np.empty((len(labels), 0), np.uint8)
    return np.concatenate(pixels) if pixels else empty, np.array(labels, str)


def _lines(path: Path, text: io.TextIOBase) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    at = 0
    while line := text.readline(MAX_LINE + 1):
        at += 1
        if len(line) > MAX_LINE:
            raise DataError(
                f"{path}: expected lines of at most {MAX_LINE:,} characters, got more in line {at}"
            )
        if line.strip(" ,;\t\r\n"):
            yield at, line.rstrip("\r\n")


def _after(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _split(line: str, separator: str) -> list[str]:
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a cell of more than 131,072 characters
        return [line]


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _are_names(cells: list[str], kind: str) -> bool:
    """Whether the cells of the first row name the columns."""
    others = [cell for cell in cells if cell not in _LABEL]
    if kind == LABELS and len(cells) == 1:
        return not others
    # A label may be a word, but then numbers follow; some programs count the columns.
    counted = [[str(at + first) for at in range(len(others))] for first in (0, 1)]
    return not any(map(_is_number, cells)) or (len(others) < len(cells) and others in counted)


def _columns(path: Path, line: str, kind: str) -> tuple[_Columns, bool]:
    """How the rows are read, by the first of them, and whether that one names the columns."""
    separator = next((mark for mark in ";\t," if mark in line), ",")
    names = [cell.strip().lower() for cell in _split(line, separator)]
    count = len(names)
    named = _are_names(names, kind)
    label = None
    if kind != IMAGES:
        called = [at for at, name in enumerate(names) if name in _LABEL] if named else [0]
        if len(called) != 1:
            raise DataError(
                f"{path}: expected one column called label, class, target or y, got"
                f" {len(called)} among {shortened(', '.join(names))}"
            )
        label = called[0]
    pixels = (
        ()
        if kind == LABELS
        else tuple(
            at
            for at, name in enumerate(names)
            if at != label and not (named and name in _NUMBERS_OF_ROWS)
        )
    )
    if kind != LABELS and (not pixels or math.isqrt(len(pixels)) ** 2 != len(pixels)):
        beside = "" if label is None else " beside the label"
        raise DataError(
            f"{path}: expected a square number of pixels in a row, such as 28 x 28 = 784, got"
            f" {len(pixels)} cells{beside}"
        )
    return _Columns(separator, count, label, pixels), named


def _check_count(path: Path, at: int, line: str, columns: _Columns) -> None:
    # Counting marks is much faster than splitting, but in quotes they do not count.
    mark = columns.separator
    got = len(_split(line, mark)) if '"' in line else line.count(mark) + 1
    if got != columns.count:
        raise DataError(
            f"{path}: expected {columns.count} cells in each row, as in the first, got {got} in"
            f" line {at}"
        )


def _label(path: Path, at: int, line: str, columns: _Columns) -> str:
    assert columns.label is not None
    before, after = columns.label, columns.count - 1 - columns.label
    if '"' in line:
        cell = _split(line, columns.separator)[before]
    elif before < after:  # no more cells than needed
        cell = line.split(columns.separator, before + 1)[before]
    else:
        cell = line.rsplit(columns.separator, after + 1)[-1 - after]
    if len(cell) > MAX_LABEL:
        raise DataError(
            f"{path}: expected labels of at most {MAX_LABEL} characters, got {len(cell):,} in line"
            f" {at}"
        )
    return sys.intern(cell.strip())  # a label stands in many rows


def _numbers(path: Path, part: list[tuple[int, str]], columns: _Columns) -> np.ndarray:
    """The pixels of some rows, as bytes if they are whole numbers up to 255."""
    texts = [line for _, line in part]
    if columns.separator != ",":
        texts = [text.replace(",", ".") for text in texts]
    try:
        values = np.loadtxt(
            texts,
            np.float32,
            comments=None,
            delimiter=columns.separator,
            usecols=columns.pixels,
            quotechar='"',
            ndmin=2,
        )
    except ValueError:
        raise _no_number(path, part, columns) from None
    with np.errstate(invalid="ignore"):  # of NaN, which is refused with the range of the pixels
        whole = values.astype(np.uint8)
    return whole if np.array_equal(whole, values) else values


def _no_number(path: Path, part: list[tuple[int, str]], columns: _Columns) -> DataError:
    """The error for the first cell that is no number."""
    for at, line in part:
        cells = _split(line, columns.separator)
        for column in columns.pixels:
            if not _is_number(cells[column]):
                return DataError(
                    f"{path}: expected pixels as numbers, got {shown(cells[column])} in line {at},"
                    f" column {column + 1}"
                )
    return DataError(f"{path}: expected pixels as numbers, got other text")
