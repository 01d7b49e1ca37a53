"""A plain sentence as tokens: words, numbers, sizes such as 5 × 5 × 3, symbols and marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Number:
    """A number as it was written; ``grain``: what its last digit that counts stands for.

    138 million has a grain of a million, 61,706 of 1.  ``scaled``: written with such a word, so
    that it may be rounded without saying so.
    """

    value: Fraction
    grain: Fraction = Fraction(1)
    scaled: bool = False

    def whole(self) -> int | None:
        return int(self.value) if self.value.denominator == 1 else None


@dataclass(frozen=True)
class Token:
    """A part of a sentence; ``kind``: word, number, size, symbol or mark; ``text`` in lower case.

    ``numbers``: that of a number, those of a size; ``listed``: a size in brackets, (5, 5, 3).
    """

    kind: str
    text: str
    start: int
    end: int
    numbers: tuple[Number, ...] = ()
    listed: bool = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """The whole numbers of a size or number; empty if they are not whole."""
        whole = [number.whole() for number in self.numbers]
        return tuple(n for n in whole if n is not None) if None not in whole else ()


MOST_DIGITS = 40
"""No number of a lecture has more."""
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: n for n, word in enumerate(_ONES)} | {
    word: 10 * n for n, word in enumerate(_TENS, 2)
}
_WORDS |= {"single": 1, "dozen": 12}
_SCALES = {
    "hundred": 10**2,
    "k": 10**3,
    "thousand": 10**3,
    "m": 10**6,
    "mio": 10**6,
    "million": 10**6,
    "millions": 10**6,
    "b": 10**9,
    "bn": 10**9,
    "g": 10**9,
    "billion": 10**9,
    "billions": 10**9,
}

_SPOKEN = (
    rf"(?:{'|'.join(_ONES[1:10])})-(?:(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_ONES[1:10])}))?"
    rf"|{'|'.join(_ONES[10:])})"
)
"""Five-twelve, two-twenty-four: hundreds that are left out."""
_SPELLED = (
    rf"{_SPOKEN}|(?:{'|'.join(_TENS)})(?:[-\ ](?:{'|'.join(_ONES[1:10])}))?"
    rf"|{'|'.join(sorted(_WORDS, key=len, reverse=True))}"
)
_SCALE = (
    r"(?:[\ -](?:hundred|thousand|millions?|mio\.?|bn|billions?)(?!\w)"
    r"|(?:[bg]|[ ]?(?:k|m|bn))\b(?!\s*[·×*^/=-]))"
)
_DIGITS = (
    r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"  # 61,706
    r"|\d{1,3}(?:[ ]\d{3})+(?![\d.,])"  # 61 706
    rf"|\d+,\d{{1,2}}(?={_SCALE})"  # 1,5 million
    r"|\d+(?:\.\d+)*"
)
_ONE = rf"(?:(?:{_DIGITS})|\b(?:{_SPELLED})\b)"
_SIDE, _SPELLED_SIDE = r"\d+(?:,\d{3})*", rf"\b(?:{_SPELLED})\b"
_BY = r"(?:\s*[×✕✖]\s*|\s*x\s*(?=\d)|(?<=\d)\*(?=\d)|\s+(?:pixels?\s+)?by\s+|-by-)"
_TOKEN = re.compile(
    rf"""(?P<listed>\(\s*\d+\s*(?:,\s*\d+\s*){{1,3}}\))
    |(?P<size>{_SIDE}(?:{_BY}{_SIDE})+|{_SPELLED_SIDE}(?:{_BY}\b(?:{_SPELLED})(?:s\b|\b))+
        |\d+(?:\ ?·\ ?\d+){{2,3}}(?!\ ?[·=]))(?![\d%])
    |(?P<power>(?:{_DIGITS})?\s*[×·*]?\s*\b10\s?\^\s?\d{{1,2}}(?!\d))
    |(?P<number>(?<![\w.])(?:(?:{_DIGITS})|(?:an?|{_SPELLED})(?=[\ -](?:hundred|thousand
            |[mb]illion)\b)
        |\b(?:{_SPELLED})\b)
        (?P<scales>{_SCALE}*(?:(?<=hundred)[ ]and[ ](?:{_SPELLED})\b{_SCALE}*)?))
    |(?P<symbol>[^\W\d](?:_\w+)?'?(?!\w|['’-][^\W\d]{{2}}))
    |(?P<word>[^\W\d_][\w'’]+(?:[-–][\w'’]+)*|[^\W\d_]\d+\w*)
    |(?P<mark>\S)""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """The tokens of a plain sentence, from left to right."""
    lower = text.lower() if len(text.lower()) == len(text) else text
    found = []
    for match in _TOKEN.finditer(lower):
        kind = match.lastgroup or "mark"
        kind = {"scales": "number", "power": "number", "listed": "size"}.get(kind, kind)
        part, listed = match[0], False
        numbers: tuple[Number, ...] = ()
        if match["listed"]:
            numbers, kind = _listed(part)
            listed = kind == "size"
        elif match["size"]:
            numbers = tuple(_number(side) for side in re.split(rf"{_BY}|\s?·\s?", part))
        elif match["power"]:
            numbers = (_power(part),)
        elif match["number"]:
            numbers = (_number(part),)
        start = match.start() + len(part) - len(part.lstrip())
        found.append(Token(kind, part.strip(), start, match.end(), numbers, listed))
    return found


def _listed(text: str) -> tuple[tuple[Number, ...], str]:
    parts = [part.strip() for part in text.strip("()").split(",")]
    # (5,000) is one number, (100,100) and (5, 100) are sizes.
    glued = len(parts) == 2 and ", " not in text and len(parts[1]) == 3 and parts[0] != parts[1]
    if glued:
        return (_number("".join(parts)),), "number"
    return tuple(_number(part) for part in parts), "size"


def _power(text: str) -> Number:
    first, _, power = text.rpartition("10")
    first = first.strip(" ×·*")
    factor = Fraction(10) ** int(power.strip(" ^"))
    if not first:
        return Number(factor, factor, True)
    number = _number(first)
    return Number(number.value * factor, number.grain * factor, True)


def _number(text: str) -> Number:
    """The number of digits or words, with thousand, million and the like behind it."""
    parts = [part for part in re.split(r"[\s-]+", re.sub(r"(?<=\d)(?=[a-z])", " ", text)) if part]
    if all(part.isdigit() for part in parts) and len(parts) > 1:  # 61 706
        parts = ["".join(parts)]
    value, grain, scaled = Fraction(0), Fraction(1), False
    spoken = re.fullmatch(_SPOKEN, text) is not None
    for part in parts:
        word = part.strip(".")
        word = word[:-1] if word[:-1] in _WORDS else word
        if word in _SCALES:
            factor = _SCALES[word]
            value = (value or Fraction(1)) * factor
            grain, scaled = grain * factor, scaled or factor >= 1000
        elif word in ("a", "an"):
            value = Fraction(1)
        elif word == "and":
            continue
        elif word in _WORDS:
            value += _WORDS[word]
            value *= 100 if spoken and part is parts[0] else 1
        else:
            value, grain = _digits(part, len(parts) > 1)
    return Number(value, grain, scaled)


def _digits(text: str, scaled: bool) -> tuple[Fraction, Fraction]:
    """Digits with commas and points, as English and German write them."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text) and not (scaled and "." not in text):
        text = text.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", text):
        text = text.replace(".", "")
    text = text.replace(",", ".")[:MOST_DIGITS]
    if text.count(".") > 1:  # 3.2.1 is a section
        text = text.split(".")[0]
    places = len(text.partition(".")[2])
    return Fraction(text), Fraction(1, 10**places)
