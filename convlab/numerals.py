"""Numbers as they are written: exactly, or with ``≈`` before what is rounded.

A number's decimal is the shortest that distinguishes it from its neighbours in its type: 0.3 for
the float32 next to 0.3, and for a number that someone wrote, what they wrote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.words import t

MINUS = "\u2212"
TIMES = "\u00d7"
ALMOST = "\u2248"
MOST_PLACES = 12
_MOST_DIGITS = 15  # each decimal of this many digits has its own float64
_SUPERSCRIPT = str.maketrans("0123456789" + MINUS, "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_THOUSANDS = ("", t(" thousand"), t(" million"), t(" billion"), t(" trillion"), t(" quadrillion"))
_PLAIN = {raised: plain for plain, raised in _SUPERSCRIPT.items()}


@dataclass(frozen=True)
class Numbers:
    """Texts of numbers in one format, in row order, and which of them are rounded."""

    texts: list[str]
    rounded: list[bool]

    @property
    def sign(self) -> str:
        """ "=" if all are exact, "≈" if any is rounded."""
        return ALMOST if any(self.rounded) else "="

    def marked(self) -> list[str]:
        """The texts, "≈" before each that is rounded."""
        pairs = zip(self.texts, self.rounded, strict=True)
        return [ALMOST + text if rounded else text for text, rounded in pairs]


@dataclass(frozen=True)
class Grain:
    """What is known about sums: each is a multiple of 10^-places, computed to within ``error``.

    ``places`` None: the summed numbers are not short decimals.
    """

    places: int | None
    error: float = 0.0

    def holds(self) -> bool:
        """Whether rounding a computed sum to the grain gives the sum itself."""
        return self.places is not None and self.error < 0.4 * 10.0**-self.places


def places_of(values: ArrayLike) -> int | None:
    """Decimals that give all finite values exactly; None if that takes too many."""
    values = np.asarray(values)
    given = values[np.isfinite(values)]
    finite = given.astype(float)
    whole = (np.abs(finite) < 2.0**53) & (finite == np.round(finite))
    for places in range(MOST_PLACES + 1):
        with np.errstate(over="ignore"):  # a value that overflows has too many digits
            scaled = np.rint(finite * 10.0**places)
        said = (scaled / 10.0**places).astype(given.dtype) == given
        if (whole | said & (np.abs(scaled) < 10.0**_MOST_DIGITS)).all():
            return places
    return None


def grain(terms: int, inputs: NDArray, weights: ArrayLike = 1.0, added: ArrayLike = 0.0) -> Grain:
    """The grain of sums of ``terms`` products of inputs and weights, and one number added.

    The sums are assumed to be computed in the type of ``inputs``.
    """
    of_inputs, of_weights, of_added = (places_of(part) for part in (inputs, weights, added))
    if of_inputs is None or of_weights is None or of_added is None:
        return Grain(None)

    def largest(part: ArrayLike) -> float:
        sizes = np.abs(np.asarray(part, float))
        return float(sizes.max(initial=0.0, where=np.isfinite(sizes)))

    places = max(of_inputs + of_weights, of_added)
    most = terms * largest(inputs) * largest(weights) + largest(added)
    unit = float(np.finfo(inputs.dtype).eps) / 2
    if places == 0 and most < 1 / unit:
        return Grain(0)
    # Two factors, their product and each addition are rounded once, by at most half a unit.
    return Grain(places, (terms + 3) * unit * most)


def summing_type(terms: int, *parts: NDArray) -> np.dtype:
    """float32 where sums of ``terms`` products of these numbers come out exactly, else float64.

    Numbers that are already float32 stay so.
    """
    if all(part.dtype == np.float32 for part in parts):
        return np.dtype(np.float32)
    most = terms * math.prod(max(1.0, float(np.abs(part).max(initial=0))) for part in parts)
    whole = all(np.array_equal(part, np.round(part)) for part in parts)
    return np.dtype(np.float32 if whole and 2 * most < 2**24 else np.float64)


def exact(values: ArrayLike, digits: int | None = None) -> Numbers:
    """Numbers in one format with as few decimals as give them exactly.

    With ``digits``, no more decimals than give the largest that many significant ones.  If no
    format gives all, each has its own.
    """
    values = np.asarray(values)
    flat = values.ravel().tolist()
    places = places_of(values)
    if digits is not None and (places is None or places > _places(values, digits)):
        places = _places(values, digits)
        lost = [not one for one in _said(values, places)]
        return Numbers([fixed(value, places) for value in flat], lost)
    if places is not None:
        return Numbers([fixed(value, places) for value in flat], [False] * len(flat))
    marked = [number(value, _MOST_DIGITS) for value in values.ravel()]
    texts = [text.removeprefix(ALMOST) for text in marked]
    return Numbers(texts, [text.startswith(ALMOST) for text in marked])


def _said(values: NDArray, places: int) -> list[bool]:
    """Which values so many decimals give exactly."""
    flat = values.ravel()
    finite = np.where(np.isfinite(flat), flat, 0).astype(float)
    return ((np.rint(finite * 10.0**places) / 10.0**places).astype(flat.dtype) == finite).tolist()


def sums(
    values: ArrayLike, grain: Grain, divisors: ArrayLike = 1, digits: int | None = None
) -> Numbers:
    """Computed sums, or with ``divisors`` means, in one format.

    As many decimals as give all that is known; with ``digits`` no more than give the largest that
    many.  The others are rounded.
    """
    values = np.asarray(values, float)
    flat = values.ravel()
    finite = flat[np.isfinite(flat)]
    own = grain.places
    if finite.size < flat.size or own is None or not grain.holds():
        places = _places(finite, digits or 3)
        if digits is None and own and 0 < grain.error < math.inf:  # as far as known
            places = max(places, min(own, math.floor(-math.log10(2.5 * grain.error))))
        if finite.size and np.abs(finite).max() < 10.0**_MOST_DIGITS and places <= MOST_PLACES:
            return Numbers([fixed(value, places) for value in flat.tolist()], [True] * flat.size)
        return Numbers([measured(value) for value in flat.tolist()], [True] * flat.size)
    divisor = np.broadcast_to(np.asarray(divisors, np.int64), values.shape).ravel()
    whole = np.rint(flat * divisor * 10.0**own).astype(np.int64)

    def said(places: int) -> NDArray:
        """Where value · 10^places is a whole number."""
        more = places - own
        if more < 0:
            return whole % (divisor * 10**-more) == 0
        return whole % divisor * 10**more % divisor == 0

    most = min(MOST_PLACES, own + 6)
    known = said(most)
    places = next(places for places in range(most + 1) if (said(places) == known).all())
    if not known.all():
        places = max(places, _places(finite, 3))
    if digits is not None:
        places = min(places, _places(finite, digits))
    texts = [fixed(value, places) for value in flat.tolist()]
    return Numbers(texts, (~said(places)).tolist())


def _places(values: NDArray, digits: int) -> int:
    """Decimals with which the largest finite value has so many significant digits."""
    finite = np.abs(np.asarray(values, float)[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    return max(0, digits - 1 - math.floor(math.log10(largest))) if largest else 0


def number(value: float, digits: int = 3) -> str:
    """A number by itself as ``measured`` writes it, "≈" before a rounded one."""
    text = measured(value, digits)
    return text if says(text, value) else ALMOST + text


def small_error(value: float, marked: bool = False) -> str:
    """An error with three decimals, or as a power of ten if that would round to zero.

    ``marked``: with "≈" before it.  A dash if there is none (NaN).
    """
    if math.isnan(value):
        return MINUS
    if value == 0 or math.isinf(value):
        text = number(value)
    else:
        text = f"{value:.3f}" if value >= 0.0005 else number(float(f"{value:.0e}"))
    return f"{ALMOST}{text}" if marked else text


def range_text(values: NDArray, grain: Grain | None = None, digits: int = 3) -> str:
    """The smallest and the largest of the values, exactly if they are sums whose grain is known."""
    ends = np.array([values.min(), values.max()])
    if grain is not None and grain.holds():
        low, high = sums(ends, grain).marked()
    else:
        low, high = (number(end, digits) for end in ends)
    return low if low == high else t("{low} to {high}", low, high)


def plus_minus(value: float) -> str:
    """The ends of a range with 0 in its middle: ±0.5, ≈±0.123."""
    text = number(value)
    return f"{ALMOST}±{text[1:]}" if text.startswith(ALMOST) else f"±{text}"


def measured(value: float, digits: int = 3) -> str:
    """A measured number, of which only the first digits count: −0.125, 12.3, 4.56 × 10⁻⁵.

    Below a million all digits before the point are written: 1234, not 1230.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if -4 < int(exponent) < max(6, digits):
        text = f"{value:.{max(0, digits - 1 - int(exponent))}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace("-", MINUS)
    mantissa = mantissa.rstrip("0").rstrip(".").replace("-", MINUS)
    return f"{mantissa} {TIMES} {power_of_ten(int(exponent))}"


def ratio(value: float) -> str:
    """How many times as much, in 2 significant digits, as many as timings support: 0.70, 2.0, 26.

    In 3 where 2 would hide on which side of 1 it lies.
    """
    for digits in (2, 3):
        exponent = int(f"{value:.{digits - 1}e}".split("e")[1])
        text = f"{value:.{max(0, digits - 1 - exponent)}f}"
        if float(text) != 1:
            break
    return text


def power_of_ten(power: int, in_words: bool = False) -> str:
    """10⁶, or in words 1 million."""
    if in_words:
        group = min(power // 3, len(_THOUSANDS) - 1)
        return t("{count:,}{group}", 10 ** (power - 3 * group), _THOUSANDS[group])
    return f"10{str(power).replace('-', MINUS).translate(_SUPERSCRIPT)}"


def duration(seconds: float, longest: float) -> str:
    """A time in the unit of the longest one next to it: milliseconds below a second."""
    return (
        t("{number} ms", measured(1000 * seconds))
        if longest < 1
        else t("{number} s", measured(seconds))
    )


def fixed(value: float, places: int, plus: bool = False) -> str:
    """A number with so many decimals and a real minus sign; with ``plus`` a sign before all."""
    if not math.isfinite(value):
        return measured(value)
    text = f"{value:{'+' if plus else ''}.{places}f}"
    # A small negative number may round to zero, and zero has no sign.
    if not float(text):
        text = text.replace("-", "+" if plus else "")
    return text.replace("-", MINUS)


def to_places(value: float, places: int) -> str:
    """A number with so many decimals, "≈" before a rounded one."""
    text = fixed(value, places)
    return text if says(text, value) else ALMOST + text


def says(text: str, value: float) -> bool:
    """Whether a text gives a number exactly."""
    return not math.isfinite(value) or read(text) == Fraction(Decimal(str(value)))


def read(text: str) -> Fraction:
    """The number that a text of this module stands for."""
    mantissa, _, power = text.removeprefix(ALMOST).replace(MINUS, "-").partition(f" {TIMES} 10")
    exponent = int(power.translate(_PLAIN).replace(MINUS, "-") or 0)
    return Fraction(mantissa.replace(",", "")) * Fraction(10) ** exponent


def equals(pieces: Sequence[tuple[str, str]], text: str, value: float) -> str:
    """ "=" if the shown numbers give the shown result and that is ``value``, else "≈".

    pieces: (sign, number) from left to right, the signs +, −, × and ÷, the first without.
    """
    made = worked_out(pieces)
    return "=" if made is None or (made == read(text) and says(text, value)) else ALMOST


def worked_out(pieces: Sequence[tuple[str, str]]) -> Fraction | None:
    """The result of shown numbers, computed from left to right; None if one is not finite."""
    total = Fraction(0)
    for sign, text in pieces:
        if text.lstrip(MINUS) in ("NaN", "∞"):
            return None
        number = read(text)
        if sign == TIMES:
            total *= number
        elif sign == "÷":
            total = total / number if number else Fraction(0)
        else:
            total += -number if sign == MINUS else number
    return total


def bracketed(text: str) -> str:
    """A factor or term, in brackets if it has a sign or is itself a product."""
    return f"({text})" if text.startswith((MINUS, ALMOST)) or TIMES in text else text
