"""How sizes, padding, units and lists of numbers are written: ``28x28x1``, ``0,3,4``.

A text of the command line, of a network's file or of layers in words is read here, so that all of
them are written in one way.  Every function raises SpecError, which says what was expected.
"""

from __future__ import annotations

import re

from convlab.errors import SpecError
from convlab.shapes import MAX_SIZE

_WORDS = {1: "one", 2: "two", 3: "three"}
_UNITS = {1: "4", 2: "3,4", 3: "0,3,4"}


def sizes(text: str) -> tuple[int, ...] | None:
    """The whole numbers of "28x28x1", "5 × 7" or "784"; None for another text."""
    return _whole(text.lower().replace("×", "x").split("x"))


def _whole(parts: list[str]) -> tuple[int, ...] | None:
    parts = [part.strip() for part in parts]
    right = all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts)
    return tuple(map(int, parts)) if right else None


def _plain(number: str) -> str:
    """A number as it is.  Raises ValueError for what only Python writes so: 1_000."""
    if not number.isascii() or "_" in number:
        raise ValueError(number)
    return number


def lengths(
    text: str,
    counts: tuple[int, ...] = (1, 2),
    example: str = "5x7",
    least: int = 1,
    most: int = MAX_SIZE,
    both: bool = True,
) -> tuple[int, ...]:
    """Lengths along rows, columns and what follows: 5x7, or one number (for ``both``: twice)."""
    found = sizes(text)
    if not found or len(found) not in counts or not least <= min(found) <= max(found) <= most:
        raise SpecError(
            f"expected whole numbers such as {example}, each from {least} to {most:,}, got {text!r}"
        )
    return found * 2 if len(found) == 1 and both else found


def padding(text: str, most: int = MAX_SIZE) -> str | tuple[int, ...]:
    """same, valid or full as they are; one number for all sides, ROWSxCOLUMNS, or four sides."""
    if text in ("same", "valid", "full"):
        return text
    sides = _whole(text.split(",")) if "," in text else sizes(text)
    if not sides or len(sides) not in (1, 2, 4) or max(sides) > most:
        raise SpecError(
            "expected same, valid, full, a number, ROWSxCOLUMNS or TOP,BOTTOM,LEFT,RIGHT, each from"
            f" 0 to {most:,}, got {text!r}"
        )
    return sides * 2 if len(sides) == 1 else sides


def unit(text: str, counts: tuple[int, ...] = (2,)) -> tuple[int, ...]:
    """A place from 0, its numbers with commas: N of a vector, ROW,COL or MAP,ROW,COL."""
    try:
        found = tuple(int(_plain(part)) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) not in counts:
        count = " or ".join(_WORDS[count] for count in counts)
        raise SpecError(
            f"expected {count} whole numbers such as {_UNITS[counts[-1]]}, got {text!r}"
        )
    if max(map(abs, found)) > MAX_SIZE:
        raise SpecError(f"expected whole numbers of at most {MAX_SIZE:,}, got {text!r}")
    return found


def numbers(
    text: str,
    example: str,
    within: tuple[float, float] = (-MAX_SIZE, MAX_SIZE),
    *,
    whole: bool = False,
    count: int | None = None,
    distinct: bool = False,
) -> tuple[float, ...]:
    """Numbers with commas between them, as many as ``count`` if it is given."""
    kind = "whole numbers" if whole else "numbers"
    wanted = kind if count is None else f"{_WORDS[count]} {kind}"
    try:
        found = tuple((int if whole else float)(_plain(part)) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or len(found) != (count or len(found)):
        raise SpecError(f"expected {wanted} such as {example}, got {text!r}")
    least, most = within
    if not all(least <= number <= most for number in found):
        raise SpecError(
            f"expected {wanted} from {least:,} to {most:,} such as {example}, got {text!r}"
        )
    if distinct and len(set(found)) < len(found):
        raise SpecError(f"expected each number once, got {text!r}")
    return found


def step(text: str) -> int | str:
    """A step's number from 0, or "all"."""
    number = _whole([text])
    if text != "all" and (number is None or number[0] > 10**9):
        raise SpecError(f"expected a number from 0, or all, got {text!r}")
    return text if number is None else number[0]


def grey_level(text: str) -> str:
    """ "background", or a byte from 0 (black) to 255 (white), as a text."""
    level = _whole([text])
    if text != "background" and (level is None or level[0] > 255):
        raise SpecError(f"expected background or a number from 0 to 255, got {text!r}")
    return text


MOST_PIXELS = 8192
MOST_MILLIMETRES = 1200
"""Of a side of a picture."""


CANVASES = ("slide", "animation", "small", "paper", "paper-wide")
"""The names of pictures' sizes, as viz.style.SIZES."""


def extent(text: str) -> tuple[int, int, str]:
    """Width and height of a picture with their unit, px or mm: 1920x1080, 85mmx60mm."""
    found = _EXTENT.fullmatch(text.lower().replace("×", "x").replace(" ", ""))
    if found:
        unit = "mm" if found["mm"] else "px"
        sides = int(found["width"]), int(found["height"])
        least, most = (20, MOST_MILLIMETRES) if unit == "mm" else (100, MOST_PIXELS)
        if least <= min(sides) <= max(sides) <= most:
            return (*sides, unit)
        wanted = f"sides from {least} to {most:,} {unit}"
    else:
        named = ", ".join(CANVASES)
        wanted = f"{named}, or width and height such as 1920x1080 or 85mmx60mm"
    raise SpecError(f"size: expected {wanted}, got {text!r}")


_EXTENT = re.compile(r"(?P<width>[0-9]{1,5})(?P<mm>mm)?x(?P<height>[0-9]{1,5})(?(mm)mm|(px)?)")


def canvas(text: str) -> str:
    """A picture's size as it is: one of the names, or as :func:`extent` reads it."""
    if text not in CANVASES:
        extent(text)
    return text
