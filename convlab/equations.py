"""Sums as they are written in figures: their terms and steps, and what comes after "="."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import ALMOST, MINUS, TIMES, equals, exact, fixed, says, worked_out
from convlab.words import t

ARROW = "\u2192"
MOST_PLACES = 9  # decimals in a chain of sums
SINGLE = 4  # up to this many terms are written out in an equation


@dataclass(frozen=True, eq=False)
class SumTerm:
    """One term of a sum: its name, the numbers it is made of, and what it adds.

    ``numbers`` are arrays (KH, KW), as patch, kernel and products of one map, or
    single numbers, as value and weight.  ``chosen`` highlights it: the unit's own.
    """

    label: str
    numbers: tuple[ArrayLike, ...]
    total: float
    chosen: bool = False


@dataclass(frozen=True)
class SumStep:
    """One step of an equation: sign, name, number and the role that sets its colour."""

    sign: str
    label: str
    number: float
    role: str = "ink"

    def piece(self, places: int, whole: bool = False) -> Piece:
        """The step with so many decimals, or with none if ``whole``; its minus is its sign."""
        sign, number = self.sign, self.number
        if sign == "+" and number < 0:
            sign, number = MINUS, -number
        return Piece(sign, self.label, fixed(number, 0 if whole else places), self.role)


@dataclass(frozen=True)
class Piece:
    """A step of an equation as it is written."""

    sign: str
    label: str
    text: str
    role: str


def equation(
    terms: Sequence[SumTerm],
    shown: int,
    noun: str,
    steps: Sequence[SumStep],
    result: Sequence[tuple[str, float]],
) -> list[SumStep]:
    """The terms, ``shown`` of them separately or as one sum, the steps and the results.

    noun: what a term is, in the singular.
    """
    parts = []
    totals = [term.total for term in terms]
    left_out = max(0, len(terms) - shown)
    if 1 <= shown <= SINGLE:
        parts += [SumStep("+", term.label, term.total) for term in terms[:shown]]
    elif terms:
        label = (
            t("sum of the {shown} {noun} shown", shown, _noun(noun, shown))
            if left_out
            else t("sum of all")
        )
        parts.append(SumStep("+", label, sum(totals[:shown])))
    if left_out:
        word = t("{left_out} {noun} not shown", left_out, _noun(noun, left_out))
        parts.append(SumStep("+", word, sum(totals[shown:])))
    signs = ["=", *[ARROW] * len(result)]
    results = [SumStep(sign, *named, "output") for sign, named in zip(signs, result, strict=False)]
    return [*parts, *steps, *results]


_NOUNS = {
    "map": (t("map"), t("maps")),
    "unit": (t("unit"), t("units")),
    "window": (t("window"), t("windows")),
}


def _noun(noun: str, count: int) -> str:
    return _NOUNS.get(noun, (noun, f"{noun}s"))[count != 1]


def places_of_all(steps: Sequence[SumStep]) -> int:
    """Decimals that give the largest number nine digits; at most twelve."""
    largest = max((abs(one.number) for one in steps if math.isfinite(one.number)), default=0.0)
    return min(max(0, 8 - math.floor(math.log10(largest or 1.0))), 12)


def written(steps: Sequence[SumStep], places: int) -> list[Piece]:
    """An equation with so many decimals, "≈" where the shown numbers do not give the result."""
    pieces: list[Piece] = []
    for step in [replace(steps[0], sign=""), *steps[1:]]:
        whole = step.sign in ("÷", TIMES) and float(step.number).is_integer()
        piece = step.piece(places, whole or step.number == 0)
        if step.sign == "=":
            known = says(piece.text, step.number) and says(pieces[0].text, steps[0].number)
            if len(pieces) > 1 or step.number == steps[0].number:
                made = [(one.sign, one.text) for one in pieces]
                known = equals(made, piece.text, step.number) == "="
            # One number from another is a function, not a sum.
            piece = replace(piece, sign="=" if known else ALMOST)
        pieces.append(piece)
    return pieces


# --- terms of windows, and of single numbers --------------------------------------------------


def windows_of(
    terms: Sequence[SumTerm], columns: int, outside: ArrayLike | None
) -> tuple[NDArray, NDArray] | None:
    """For terms that are windows, the numbers (terms, columns, KH, KW) and what lies outside.

    None for terms that are single numbers.  Raises ShapeError for columns or sizes that differ.
    """
    arrays = [[np.asarray(part, float) for part in term.numbers] for term in terms]
    if any(len(parts) != columns - (parts[0].ndim == 0) for parts in arrays):
        raise ShapeError(f"expected {columns} columns of numbers, got terms of others")
    if not arrays or arrays[0][0].ndim != 2:
        return None
    hidden = np.zeros(arrays[0][0].shape, bool) if outside is None else np.asarray(outside, bool)
    if {part.shape for parts in arrays for part in parts} != {hidden.shape}:
        raise ShapeError(f"expected windows of one size, got {[p.shape for p in arrays[0]]}")
    return np.stack(arrays), hidden


def columns_of(
    terms: Sequence[SumTerm], heads: Sequence[tuple[str, str]], decimals: int | None
) -> list[tuple[str, str, list[str]]]:
    """Name, with "≈" before it if anything is rounded, role and texts of each column of a table.

    The last column is what the terms add.  ``decimals``: for all numbers, or None to suit each
    column.
    """
    totals = [term.total for term in terms]
    parts = [*zip(*(term.numbers for term in terms), strict=True), totals]
    found = []
    for (name, role), part in zip(heads, map(np.array, parts), strict=True):
        if decimals is None:
            texts = exact(part, 4).texts
        else:
            texts = [fixed(value, decimals) for value in part]
        known = all(map(says, texts, part))
        found.append((name if known else t("≈ {name}", name), role, texts))
    return found


def texts_in_cells(values: NDArray, places: int, bare: bool) -> list[str]:
    """Numbers in row order, ``bare`` without the zero before the point."""
    texts = [fixed(value, places) for value in values.ravel()]
    return [re.sub(r"^(\D?)0\.", r"\1.", text) for text in texts] if bare else texts


def decimals_in_cells(values: NDArray) -> list[int]:
    """Numbers of decimals worth trying, the best first: two digits of the largest, and hundredths.

    None if the numbers are too small for either.
    """
    if (values == np.round(values)).all():
        return [0] * 3
    sizes = np.abs(values)
    largest = float(sizes.max(initial=0.0, where=np.isfinite(sizes))) or 1.0
    digits = max(0, 1 - math.floor(math.log10(largest)))
    return [max(2, digits), 2 if largest >= 0.02 else digits, digits] if digits <= 4 else []


# --- chains ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ChainLink:
    """One sum of a chain, or, without steps, the number at its end.

    ``name``: layer and unit.  ``steps``: what is added up, the first the strongest
    term, as value and weight; ``value``: the sum.  ``values``: the map (H, W) or
    vector (N,) that the unit stands in, ``at`` its place there.  ``passed``: the
    layers that pass the value on unsummed, in the order of computation.  ``signed``: whether there
    are both signs in the whole layer; None: see in ``values``.
    """

    name: str
    steps: Sequence[SumStep]
    value: float
    values: ArrayLike
    at: tuple[int, ...]
    passed: Sequence[str] = ()
    signed: bool | None = None

    @property
    def role(self) -> str:
        """The role whose colour the value has."""
        return "output" if self.steps else "input"

    @property
    def handed_on(self) -> str:
        """The layers that pass the value on, in words."""
        return f"{ARROW} {', '.join(self.passed)}" if self.passed else ""

    def pieces(self, places: int, brief: int) -> list[Piece]:
        """The steps and, last, the result.

        ``brief``: 1 merges all but the strongest term, 2 also names the unit at the result, 3 also
        gives the strongest term as one number, its product.
        """
        steps, text = list(self.steps), fixed(self.value, places)
        name = self.name if brief > 1 else ""
        if not steps:
            sign = "" if says(text, self.value) else ALMOST
            return [Piece(sign, name or t("network input"), text, self.role)]
        if brief and len(steps) > 3 and all(step.sign == "+" for step in steps[2:]):
            steps[2:] = [SumStep("+", "others", sum(step.number for step in steps[2:]))]
        if brief > 2 and len(steps) > 1 and steps[1].sign == TIMES:
            steps[:2] = [SumStep("", steps[0].label, steps[0].number * steps[1].number)]
        pieces = [
            step.piece(places, step.sign == "÷" and float(step.number).is_integer())
            for step in steps
        ]
        sign = equals([(piece.sign, piece.text) for piece in pieces], text, self.value)
        return [*pieces, Piece(sign, name, text, self.role)]

    def agrees(self, places: int) -> bool:
        """Whether the numbers with so many decimals give the sum, to a thousandth of it."""
        made = worked_out([(step.sign, fixed(step.number, places)) for step in self.steps])
        if not self.steps or made is None or not math.isfinite(self.value):
            return True
        return abs(float(made) - self.value) <= max(1e-3 * abs(self.value), 10.0**-MOST_PLACES)


def chain_places(links: Sequence[ChainLink]) -> int:
    """Decimals for all numbers: three, and more if the smallest needs them, up to six.

    Also more until the result of the shown numbers agrees with each sum.
    """
    numbers = [step.number for link in links for step in link.steps]
    numbers += [link.value for link in links]
    found = [abs(number) for number in numbers if number and math.isfinite(number)]
    least = min(6, max(3, 1 - math.floor(math.log10(min(found, default=1.0)))))
    agreeing = (p for p in range(least, MOST_PLACES) if all(link.agrees(p) for link in links))
    return next(agreeing, MOST_PLACES)
