"""Equations between numbers in a sentence: (7 + 0 − 3)/2 + 1 = 3, evaluated exactly.

What is between two signs of equality is read as an expression; sides with symbols whose values the
sentence does not give are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from convlab.lecture.judge import agrees
from convlab.lecture.tokens import Number, Token, tokens

Values = Mapping[str, Fraction]
MOST = Fraction(10) ** 30
"""No expression of a lecture is larger."""


@dataclass(frozen=True)
class Side:
    """One side of an equation; ``value`` None: it has symbols whose values are not known.

    ``grain``: of a single number, as in ``Number``; ``lone``: a single symbol; ``truncates``: it
    has a quotient that is not rounded.
    """

    text: str
    value: Fraction | None
    start: int
    end: int
    grain: Fraction = Fraction(0)
    lone: bool = False
    truncates: bool = False

    @property
    def literal(self) -> bool:
        """Whether it is a single number."""
        return self.grain > 0

    @property
    def shown(self) -> str:
        text = " ".join(self.text.split()).replace("-", "−").replace("*", "·")
        return re.sub(r"(?<=[(⌊⌈]) | (?=[)⌋⌉])", "", text)


@dataclass(frozen=True)
class Chain:
    """Sides joined by signs; ``signs[i]`` is the one behind side i, "=" or "≈"."""

    sides: tuple[Side, ...]
    signs: tuple[str, ...]

    @property
    def about(self) -> bool:
        return "≈" in self.signs

    @property
    def shown(self) -> str:
        known = [side for side in self.sides if side.value is not None]
        return " = ".join(side.shown for side in known)

    @property
    def start(self) -> int:
        return self.sides[0].start

    @property
    def end(self) -> int:
        return self.sides[-1].end


_NOUNS = re.compile(
    r"(?<=[\d)]) (?:weights?|bias(?:es)?|parameters?|params|filters?|units?"
    r"|neurons?|inputs?|outputs?"
    r"|pixels?|channels?|maps?|multiplications?|values?|connections?|million|positions?|places)"
    r"(?= ?[=≈+·×*/)])"
)
_OPERATORS = tuple("+-·×*/^÷∗⌋⌉±")
_CLOSED = {"(": ")", "[": "]", "⌊": "⌋", "⌈": "⌉"}


def chains(text: str, values: Values) -> list[Chain]:
    """The equations of a plain sentence, with ``values`` of symbols such as n, p, f and s."""
    text = _NOUNS.sub(
        lambda found: " " * len(found[0]) if "million" not in found[0] else found[0], text
    )
    all_tokens = _atoms(text)
    signs = [i for i, token in enumerate(all_tokens) if token.text in ("=", "≈", "≃", "≅")]
    found: list[Chain] = []
    group: list[int] = []
    for sign in signs:
        joined = group and _expression(all_tokens[group[-1] + 1 : sign])
        if group and not joined:
            found += _chain(text, all_tokens, group, values)
            group = []
        group.append(sign)
    if group:
        found += _chain(text, all_tokens, group, values)
    return found


@lru_cache(maxsize=64)
def assignments(text: str) -> dict[str, Fraction]:
    """Symbols that a sentence gives a value: n = 7, f = 3, and n = f = 3."""
    given: dict[str, Fraction] = {}
    found = _atoms(text)
    for i, token in enumerate(found[:-2]):
        behind = found[i + 3] if i + 3 < len(found) else None
        goes_on = behind is not None and behind.text in tuple("+-·×*/^÷")
        alone = i == 0 or found[i - 1].text not in tuple("+-·×*/(^⌊⌈÷")
        if token.kind == "symbol" and alone and found[i + 1].text == "=" and not goes_on:
            value = found[i + 2]
            if value.kind == "number":
                given.setdefault(_symbol(token.text), value.numbers[0].value)
    return given


def _symbol(text: str) -> str:
    return text.split("_")[0] if text.split("_")[0] in ("n", "p", "f", "s", "k", "d") else text


def _atoms(text: str) -> list[Token]:
    """Tokens, with sizes apart: within an equation × is an operator."""
    apart = []
    for token in tokens(text):
        if token.kind != "size":
            apart.append(token)
            continue
        inside = re.finditer(r"\d+(?:,\d{3})*|[^\W\d]+|\S", text[token.start : token.end].lower())
        for part in inside:
            for inner in tokens(part[0]):
                sign = "×" if inner.text in ("x", "by", "times") else inner.text
                start = token.start + part.start()
                kind = "mark" if sign == "×" else inner.kind
                apart.append(Token(kind, sign, start, start + len(part[0]), inner.numbers))
    return apart


def _expression(part: list[Token]) -> bool:
    return bool(part) and _Reader(part, None).whole()


def _chain(text: str, all_tokens: list[Token], signs: list[int], values: Values) -> list[Chain]:
    """The chain whose signs are at these places, if at least two sides are numbers."""
    sides = []
    bounds = [*signs, len(all_tokens)]
    begin = _longest(all_tokens, signs[0], backwards=True)
    if begin is not None:
        sides.append((begin, signs[0]))
    sides += [(one + 1, other) for one, other in zip(signs, signs[1:], strict=False)]
    end = _longest(all_tokens, bounds[-2], backwards=False)
    if end is not None:
        sides.append((bounds[-2] + 1, end))
    if len(sides) < 2:
        return []
    read = [_side(text, all_tokens[a:b], values) for a, b in sides]
    texts = [all_tokens[b].text for _, b in sides[:-1]]
    known = [side for side in read if side.value is not None and not side.lone]
    if len(known) < 2 or all(side.literal for side in known):
        return []
    read = [replace(side, value=None) if side.lone else side for side in read]
    return [Chain(tuple(read), tuple("=" if sign == "=" else "≈" for sign in texts))]


def _longest(all_tokens: list[Token], sign: int, *, backwards: bool) -> int | None:
    """Where the longest expression before or behind a sign begins or ends."""
    best = None
    for length in range(1, 80):
        first, last = (sign - length, sign) if backwards else (sign + 1, sign + 1 + length)
        if first < 0 or last > len(all_tokens):
            break
        part = all_tokens[first:last]
        if part[0 if backwards else -1].kind == "word" and part[0].text not in ("floor", "ceil"):
            break
        if _expression(part):
            best = first if backwards else last
    if best is None:
        return None
    # What goes on beyond it is more than an expression that can be read.
    beside = best - 1 if backwards else best
    cut = 0 <= beside < len(all_tokens) and all_tokens[beside].text in _OPERATORS
    return None if cut else best


def _side(text: str, part: list[Token], values: Values) -> Side:
    start, end = part[0].start, part[-1].end
    reader = _Reader(part, values)
    value = reader.value()
    if value is not None and abs(value) > MOST:
        value = None
    # A whole number is exact; digits behind a point are as many as were wanted.
    grain = Fraction(0)
    if part[-1].kind == "number" and (len(part) == 1 or len(part) == 2 and part[0].text == "-"):
        grain = part[-1].numbers[0].grain
    lone = len(part) == 1 and part[0].kind == "symbol"
    return Side(
        text[start:end].strip(),
        value,
        start,
        end,
        grain,
        lone,
        reader.divided and not reader.rounded,
    )


class _Reader:
    """Recursive descent over tokens; ``values`` None: only whether they are an expression."""

    def __init__(self, part: list[Token], values: Values | None):
        self.part, self.values, self.at, self.depth = part, values, 0, 0
        self.known = True
        self.divided = self.rounded = False

    def whole(self) -> bool:
        try:
            self._sum()
        except (ValueError, ArithmeticError):
            return False
        return self.at == len(self.part)

    def value(self) -> Fraction | None:
        try:
            result = self._sum()
        except (ValueError, ArithmeticError):
            return None
        return result if self.known and self.at == len(self.part) else None

    def _next(self) -> str:
        return self.part[self.at].text if self.at < len(self.part) else ""

    def _take(self, *texts: str) -> str:
        found = self._next()
        if found in texts:
            self.at += 1
            return found
        return ""

    def _sum(self) -> Fraction:
        self.depth += 1
        if self.depth > 30:
            raise ValueError
        total = -self._product() if self._take("-") else self._product()
        while sign := self._take("+", "-"):
            term = self._product()
            total = total + term if sign == "+" else total - term
        self.depth -= 1
        return total

    def _product(self) -> Fraction:
        total = self._power()
        while True:
            if self._take("·", "*", "×", "∗", "x"):
                total *= self._power()
            elif self._take("/", "÷"):
                self.divided = True
                below = self._power()
                total = total / below if below or self.values is not None else total
            elif self._glued():
                total *= self._power()
            else:
                return total
            if abs(total) > MOST:
                raise ValueError

    def _glued(self) -> bool:
        """A product without a sign: 2p, 2(n − 1), with no space between."""
        if not 0 < self.at < len(self.part):
            return False
        before, here = self.part[self.at - 1], self.part[self.at]
        opens = here.text == "(" and before.kind in ("number", "symbol", "mark")
        follows = here.kind == "symbol" and before.kind == "number"
        return before.end == here.start and before.text != "=" and (opens or follows)

    def _power(self) -> Fraction:
        base = self._atom()
        if self._take("^"):
            exponent = self._atom()
            if exponent.denominator != 1 or not 0 <= exponent <= 20:
                raise ValueError
            base = Fraction(base ** int(exponent))
        if self._take("%"):
            base /= 100
        return base

    def _atom(self) -> Fraction:
        if self.at >= len(self.part):
            raise ValueError
        token = self.part[self.at]
        self.at += 1
        if token.kind == "number":
            return token.numbers[0].value
        if token.kind == "symbol" and token.text not in "ax" or token.text == "a" and self.values:
            return self._symbol(token.text)
        rounding: dict[str, Callable[[Fraction], int]] = {"⌊": math.floor, "⌈": math.ceil}
        named = {"floor": math.floor, "ceil": math.ceil}
        if token.text in named and self._next() == "(":
            rounding, token = {"(": named[token.text]}, self.part[self.at]
            self.at += 1
        if token.text in _CLOSED:
            inside = self._sum()
            if not self._take(_CLOSED[token.text]):
                raise ValueError
            if token.text in rounding:
                self.rounded = True
                return Fraction(rounding[token.text](inside))
            return inside
        raise ValueError

    def _symbol(self, text: str) -> Fraction:
        if self.values is None:
            return Fraction(1)
        value = self.values.get(_symbol(text))
        if value is None:
            self.known = False
            return Fraction(1)
        return value


_PER_CHANNEL = re.compile(r"[\d(][\d()^·×* ]*c(?: ?\^ ?\d)?\)*", re.IGNORECASE)


def in_channels(text: str) -> list[int]:
    """Counts that a text gives in terms of C channels, such as 27 C², without the C."""
    made = []
    for found in _PER_CHANNEL.finditer(text):
        value = _Reader(
            _atoms(re.sub(r" +(?=c)", "", found[0].lower())), {"c": Fraction(1)}
        ).value()
        if value is not None and value.denominator == 1 and value > 0:
            made.append(int(value))
    return made


_SUM = re.compile(r"(?<![\d.,)])\(?\d[\d,]*(?:\s?[+·×*]\s?\(?\d[\d,]*\)?)+")


def sums_in(text: str) -> list[tuple[str, int]]:
    """Sums and products of whole numbers that a text writes out, with their values."""
    made = []
    for found in _SUM.finditer(text):
        value = _Reader(_atoms(found[0].lower()), {}).value() if "+" in found[0] else None
        if value is not None and value.denominator == 1:
            made.append((found[0].strip(), int(value)))
    return made


# --- whether an equation holds -----------------------------------------------------------------


def held(chain: Chain) -> tuple[bool, str]:
    """Whether the sides of a chain are equal, and how each is computed.

    A quotient that a lecture forgets to round down may be rounded down.
    """
    sides = [side for side in chain.sides if side.value is not None]
    made: list[tuple[bool, str]] = []
    for floored in (False, True) if any(side.truncates for side in sides) else (False,):
        values = [_rounded(side, floored) for side in sides]
        right = all(
            _equal(a, b, sides[i], sides[i + 1], chain.about)
            for i, (a, b) in enumerate(zip(values, values[1:], strict=False))
        )
        worked = [
            f"{side.shown} {'=' if (value * 10**4).denominator == 1 else '≈'} {_written(value)}"
            for side, value in zip(sides, values, strict=True)
            if not side.literal
        ]
        made.append((right, "; ".join(dict.fromkeys(worked)) or chain.shown))
    return next((one for one in made if one[0]), made[0])


def _rounded(side: Side, floored: bool) -> Fraction:
    value = side.value or Fraction(0)
    return Fraction(math.floor(value)) if floored and side.truncates else value


def _written(value: Fraction) -> str:
    if value.denominator == 1:
        return f"{int(value):,}".replace("-", "−")
    return f"{float(value):,.4f}".rstrip("0").rstrip(".").replace("-", "−")


def _equal(first: Fraction, second: Fraction, a: Side, b: Side, about: bool) -> bool:
    if first == second:
        return True
    for value, other, side in ((first, second, b), (second, first, a)):
        rough = side.literal and (side.grain != 1 or about)
        if rough and agrees(value, Number(other, side.grain, side.grain > 1), about):
            return True
    return False
