"""Which installed fonts have the letters of a text.

DejaVu Sans has most alphabets; others are looked for among the fonts that matplotlib knows.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import cache, lru_cache
from typing import NamedTuple

from matplotlib.font_manager import (
    FontEntry,
    findSystemFonts,
    fontManager,
    get_font,
    weight_dict,
)

from convlab.errors import SpecError
from convlab.names import meant, one_line
from convlab.viz import style

BOX = "\u25a1"  # in place of a letter that no font has
# Frames for every letter, and mathematical signs in the places of letters.
_NO_LETTERS = ("Last Resort", "STIXNonUnicode", "STIXSize", "cm")

# Words from right to left, and the direction marks around them: what is beside a name, such as a
# number or an arrow, keeps its place.
_LEFTWARDS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_LEFTWARD_WORDS = re.compile(f"[{_LEFTWARDS}](?:[{_LEFTWARDS} ]*[{_LEFTWARDS}])?")
_RIGHTWARD_MARK = "\u200e"


class Lettering(NamedTuple):
    """A text as it is drawn: its families, and the letters replaced by boxes."""

    text: str
    families: tuple[str, ...]
    bold: bool
    undrawn: str


@lru_cache(maxsize=50_000)
def lettering(text: str, bold: bool = False, font: str = "") -> Lettering:
    """How a text is drawn: bold if possible and if all its letters exist in bold.

    ``font``: the family that is tried first.
    """
    if not text.isprintable():
        text = one_line(text)
    found = _lettered(text, bold, font)
    if found.undrawn and _found_others():
        found = _lettered(text, bold, font)
    if bold and found.undrawn:
        plain = _lettered(text, False, font)
        return plain if len(plain.undrawn) < len(found.undrawn) else found
    return found


def checked_font(family: str) -> str:
    """An installed family, as it spells itself.  Raises SpecError for another."""
    _found_others()
    families = {entry.name.lower(): entry.name for entry in fontManager.ttflist}
    if family.lower() not in families:
        near = meant(family, sorted(families.values()))
        raise SpecError(f"font: expected the name of an installed font, got {family!r}{near}")
    return families[family.lower()]


@cache
def _found_others() -> bool:
    """Look, once, for fonts that were installed after matplotlib made its list of them."""
    known = {entry.fname for entry in fontManager.ttflist}
    others = sorted({*findSystemFonts()} - known)
    for file in others:
        with suppress(OSError, RuntimeError, UnicodeDecodeError):  # a file that it cannot read
            fontManager.addfont(file)
    _fonts.cache_clear()
    _family.cache_clear()
    return bool(others)


def _lettered(text: str, bold: bool, font: str) -> Lettering:
    families, undrawn = [font or style.FONT[0]], []
    for letter in dict.fromkeys(text):
        family = _family(letter, bold, font)
        if family is None:
            undrawn.append(letter)
        elif family not in families:
            families.append(family)
    drawn = text.translate({ord(letter): BOX for letter in undrawn})
    drawn = _LEFTWARD_WORDS.sub(rf"{_RIGHTWARD_MARK}\g<0>{_RIGHTWARD_MARK}", drawn)
    return Lettering(drawn, (*families, *style.FONT[1:]), bold, "".join(undrawn))


def _rank(font: tuple[str, str]) -> tuple[bool, bool, str]:
    return font[0] != style.FONT[0], "Sans" not in font[0], font[0]


_CJK = "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
PACKAGES = {_CJK: "fonts-noto-cjk"}
"""Of Debian, by the letters of their fonts; all others are in fonts-noto-core."""


def packages(letters: str) -> list[str]:
    """The packages of Debian and Ubuntu that have fonts for letters."""
    names = (
        next((name for kind, name in PACKAGES.items() if re.match(kind, letter)), "fonts-noto-core")
        for letter in letters
        if unicodedata.category(letter) not in ("Co", "Cn")  # for private use, or not assigned
    )
    return sorted({*names})


@cache
def _fonts(bold: bool) -> dict[str, str]:
    """Families and files of the upright fonts of exactly that weight, ours first, then sans."""
    fonts = {
        entry.name: entry.fname
        for entry in fontManager.ttflist
        if _weight(entry) == (700 if bold else 400)
        and entry.style == "normal"
        and not entry.name.startswith(_NO_LETTERS)
    }
    return dict(sorted(fonts.items(), key=_rank))


def _weight(entry: FontEntry) -> int | None:
    """100 to 900; None for a word that matplotlib does not know."""
    return weight_dict.get(entry.weight) if isinstance(entry.weight, str) else entry.weight


@lru_cache(maxsize=10_000)
def _has(file: str, letter: str) -> bool:
    return bool(get_font(file).get_char_index(ord(letter)))


@lru_cache(maxsize=10_000)
def _family(letter: str, bold: bool, font: str = "") -> str | None:
    """The first family with a letter; ``font`` before all others."""
    fonts = _fonts(bold)
    if font in fonts and _has(fonts[font], letter):
        return font
    return next((name for name, file in fonts.items() if _has(file, letter)), None)
