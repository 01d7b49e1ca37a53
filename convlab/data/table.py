"""Tables of numbers in text files, as spreadsheets and programs write them."""

from __future__ import annotations

import csv
import io
import os
import re

import numpy as np

from convlab import reading
from convlab.checks import shown
from convlab.errors import DataError
from convlab.shapes import size_text

_QUOTED = re.compile(r'"[^"]*"')

LARGEST = 1e30
"""The largest magnitude of a number; sums of 255² of them stay finite in float32."""


def read_rows(path: str | os.PathLike) -> list[list[str]]:
    """The cells of each line of a text file that is not empty.

    The separator of a line is the semicolon if it has one, else the tab, else the
    comma, else spaces.  If it is not the comma, and in quotes, a comma is the decimal
    mark, and is returned as a point.  Raises OSError for a file that cannot be read.
    """
    lines = reading.read_text(path, reading.MAX_TABLE).split("\n")
    return [_cells(line) for line in lines if line.strip(" ,;\t")]


def _cells(line: str) -> list[str]:
    plain = _QUOTED.sub("", line)
    separator = next((mark for mark in ";\t," if mark in plain), None)
    if separator is None and '"' not in line:
        return line.split()
    try:
        cells = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True))
    except csv.Error:  # a cell of more than 131,072 characters
        cells = [line]
    return [cell.strip().replace(",", ".") for cell in cells]


def number(text: str) -> float:
    """The number in a cell, which may be a fraction such as 1/9.

    Raises ValueError for anything else and for more than LARGEST.
    """
    above, slash, below = text.replace("\N{MINUS SIGN}", "-").partition("/")
    try:
        value = float(above) / float(below) if slash else float(above)
    except ZeroDivisionError:
        raise ValueError(text) from None
    if "_" in text or not abs(value) <= LARGEST:  # Python accepts 1_000
        raise ValueError(text)
    return value


def read_numbers(path: str | os.PathLike) -> list[list[float]]:
    """The rows of a text file of numbers, all of one length.  Raises DataError."""
    try:
        rows = read_rows(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    if not rows:
        raise DataError(f"{path}: expected rows of numbers, got none")

    def cell(row: int, column: int, text: str) -> float:
        try:
            return number(text)
        except ValueError:
            raise DataError(
                f"{path}: expected numbers with commas, semicolons or tabs between them, at most"
                f" {LARGEST:g}, got {shown(text)} in row {row}, column {column}"
            ) from None

    numbers = [[cell(r, c, text) for c, text in enumerate(row)] for r, row in enumerate(rows)]
    lengths = sorted({len(row) for row in rows})
    if len(lengths) > 1:
        raise DataError(f"{path}: expected rows of one length, got lengths {shown(lengths)}")
    return numbers


def numbers_bytes(values: np.ndarray, name: str) -> bytes:
    """An array as the content of the file ``name``: .npy, or .csv for one map (H, W).

    Raises DataError for several maps as .csv.
    """
    stream = io.BytesIO()
    if name.lower().endswith(".npy"):
        np.save(stream, values)
    elif values.ndim == 2:
        # Nine digits restore each float32.
        np.savetxt(stream, values, fmt="%.9g", delimiter=",")
    else:
        raise DataError(
            f"{name}: expected one map for a .csv file, got {size_text(*values.shape)} numbers; a"
            " .npy file holds them"
        )
    return stream.getvalue()
