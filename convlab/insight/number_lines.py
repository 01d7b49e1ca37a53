"""Numbers of an explanation as lines of text: grids, tables of terms, and totals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from convlab import numerals
from convlab.insight.explain import Explanation, Number
from convlab.insight.sum_words import value_text
from convlab.numerals import ALMOST, MINUS
from convlab.terminal import Line, Span, Table

NARROWEST, WIDEST = 4, 9  # characters of a number in a grid


def short(value: Number, plus: bool = False) -> str:
    """Five digits, "≈" if there are more; with ``plus`` every number has a sign."""
    text = numerals.number(abs(float(value)), 5)
    sign = MINUS if value < 0 else "+" * plus
    return f"{ALMOST}{sign}{text[1:]}" if text.startswith(ALMOST) else sign + text


def signed(value: Number, places: int) -> str:
    """A number with so many decimals and its sign."""
    return numerals.fixed(float(value), places, plus=True)


def at_point(text: str, before: int) -> str:
    """A number with its decimal point ``before`` characters from the left."""
    whole, point, rest = text.partition(".")
    return whole.rjust(before) + point + rest


def at_points(texts: Sequence[str]) -> list[str]:
    """Numbers of equal width, their decimal points below each other."""
    before = max(len(text.partition(".")[0]) for text in texts)
    shown = [at_point(text, before) for text in texts]
    width = max(map(len, shown))
    return [text.ljust(width) for text in shown]


def common_places(values: Iterable[Number]) -> int:
    """Decimals with which the largest of some numbers has nine digits."""
    largest = max((abs(float(v)) for v in values if math.isfinite(v)), default=0)
    return min(max(0, 8 - math.floor(math.log10(largest))), 12) if largest else 1


# --- grids ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Grid:
    """Numbers (H, W) in cells of ``width`` characters, one apart.

    ``marks``: a character after the number in some cells, "*" for the one that counts; ``dots`` (H,
    W): cells that are not numbers of the map.
    """

    values: np.ndarray
    width: int
    role: str = ""
    marks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    dots: np.ndarray | None = None

    @cached_property
    def texts(self) -> list[str]:
        """The numbers in row order."""
        return _cell_texts(self.values.ravel().tolist(), self.width - bool(self.marks))

    @property
    def is_rounded(self) -> bool:
        """Whether any number has lost digits."""
        return not all(
            "e" not in text and numerals.says(text, value)
            for text, value in zip(self.texts, self.values.ravel(), strict=True)
        )

    @property
    def fits(self) -> bool:
        """Whether the numbers, at least their magnitudes, fit their cells."""
        marked = bool(self.marks)
        return self.width >= NARROWEST + marked and max(map(len, self.texts)) + marked <= self.width

    def lines(self) -> list[Line]:
        """One line per row."""
        rows, columns = self.values.shape
        return [
            self._line(row, self.texts[row * columns : (row + 1) * columns]) for row in range(rows)
        ]

    def _line(self, row: int, texts: Sequence[str]) -> Line:
        parts: list[str | Span] = []
        for column, text in enumerate(texts):
            mark = self.marks.get((row, column), " " if self.marks else "")
            if self.dots is not None and self.dots[row, column]:
                cell = Span("·".rjust(self.width), quiet=True)
            else:
                cell = Span((text + mark).rjust(self.width), self.role, bold=mark == "*")
            parts += [cell, " "]
        return parts[:-1]


def _cell_texts(values: Sequence[float], width: int) -> list[str]:
    """Numbers with as many decimals as fit ``width``; without a leading zero if that gives one."""
    whole = all(v == round(v) for v in values if math.isfinite(v))
    fewest = 1 if width <= NARROWEST else 2
    for bare in (False, True):
        for places in (0,) if whole else range(6, fewest - 1, -1):
            texts = [numerals.fixed(v, places) for v in values]
            if bare:
                texts = [_without_zero(text) for text in texts]
            seen = whole or any(text.strip(f"{MINUS}0.") for text in texts)
            if max(map(len, texts)) <= width and seen and (places > 2 or bare or whole):
                return texts
    # Very large or uneven numbers: at least the magnitude.
    return [f"{v:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("-", MINUS) for v in values]


def _without_zero(text: str) -> str:
    return text.replace("0.", ".", 1) if text.lstrip(MINUS).startswith("0.") else text


# --- tables and totals ------------------------------------------------------------------


def total_line(label: str, text: str, role: str = "", bold: bool = False) -> Line:
    """A number after its name."""
    return f"  {label:<30}", Span(at_point(text, 8), role, bold)


def sum_lines(
    one: Explanation, sums: Sequence[tuple[str, Number]], bias: Number | None
) -> Iterator[Line]:
    """The sums that make the value, all with the same number of decimals, and the value itself."""
    places = common_places([*(value for _, value in sums), bias or 0.0, one.value])
    shown = [signed(value, places) for _, value in sums]
    for (label, _), text in zip(sums, shown, strict=True):
        yield total_line(label, text)
    if bias is not None:
        shown.append(signed(bias, places))
        yield total_line("+ bias", shown[-1], "bias")
    yield result_line(one, [("", text) for text in shown])


def result_line(one: Explanation, shown: Sequence[tuple[str, str]], name: str = "") -> Line:
    """The value; "=" before it if the shown numbers give it to the last digit, else "≈"."""
    text = value_text(one.value)
    made = numerals.worked_out(shown)
    sign = "=" if made is None or made == numerals.read(text) else ALMOST
    return total_line(f"{name}{sign} {one.layer}", text, "output", bold=True)


def term_lines(
    heads: Sequence[str], rows: Sequence[tuple[str, float, float, float]], places: int
) -> Table:
    """A table of terms: name, value, weight and, with so many decimals, their product."""
    products = [signed(product, places) for *_, product in rows]
    exact = all(
        numerals.says(text.lstrip("+"), row[3]) for text, row in zip(products, rows, strict=True)
    )
    first, *others = heads
    others[-1] = others[-1] if exact else f"{ALMOST} {others[-1]}"
    columns = (
        [f"  {label}" for label, *_ in rows],
        [Span(text, "input") for text in at_points([value_text(row[1]) for row in rows])],
        [Span(text, "window") for text in at_points([value_text(row[2]) for row in rows])],
        at_points(products),
    )
    head = [Span(text, quiet=True) for text in (f"  {first}", *others)]
    return Table([head, *zip(*columns, strict=True)], range(1, 4))
