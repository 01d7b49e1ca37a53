"""The lines of ``convlab explain``: numbers, grids and tables in a terminal."""

from __future__ import annotations

import math
import os
import textwrap
from typing import TYPE_CHECKING, Any

import click

from convlab import numerals
from convlab.insight.sum_words import unit_name, value_text, what_text
from convlab.numerals import ALMOST, MINUS

if TYPE_CHECKING:
    import numpy as np

    from convlab.insight import Explanation
    from convlab.training import Run

WIDTH = 100
# The roles of the pictures, in a terminal's colours.
INPUT, WINDOW, OUTPUT, BIAS = "blue", "yellow", "green", "magenta"


def say(*parts: str, dim: bool = False) -> None:
    """One line; plain where standard output is no terminal, or NO_COLOR is set."""
    text = "".join(parts)
    plain = False if os.environ.get("NO_COLOR") else None
    click.echo(click.style(text, dim=True) if dim else text, color=plain)


def say_wrapped(text: str) -> None:
    for line in textwrap.wrap(text, WIDTH):
        say(line, dim=True)


def short(value: float, plus: bool = False) -> str:
    """Five digits, "≈" where there are more, with a sign before all where ``plus``."""
    text = numerals.number(abs(float(value)), 5)
    sign = MINUS if value < 0 else "+" * plus
    return f"{ALMOST}{sign}{text[1:]}" if text.startswith(ALMOST) else sign + text


def signed(value: float, places: int) -> str:
    return numerals.fixed(float(value), places, plus=True)


def at_point(text: str, before: int, behind: int) -> str:
    """A number with its decimal point ``before`` characters from the left."""
    whole, point, rest = text.partition(".")
    return whole.rjust(before) + (point + rest).ljust(behind)


def places_of(values: Any) -> int:
    """Decimals with which the largest of some numbers has nine digits."""
    largest = max((abs(float(v)) for v in values if math.isfinite(v)), default=0)
    return min(max(0, 8 - math.floor(math.log10(largest))), 12) if largest else 1


def _grid_texts(values: np.ndarray, width: int) -> list[str]:
    """Numbers with as many decimals as fit ``width``; without a leading zero if that gives one."""
    finite = [float(v) for v in values.ravel()]
    whole = all(v == round(v) for v in finite if math.isfinite(v))
    for bare in (False, True):
        for places in (0,) if whole else range(6, 1, -1):
            texts = [numerals.fixed(v, places) for v in finite]
            if bare:
                texts = [
                    t.replace("0.", ".", 1) if t.lstrip(MINUS)[:2] == "0." else t for t in texts
                ]
            seen = whole or any(text.strip(f"{MINUS}0.") for text in texts)
            if max(map(len, texts)) <= width and seen and (places > 2 or bare or whole):
                return texts
    # Very large or uneven numbers: the magnitude at least.
    return [f"{v:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("-", MINUS) for v in finite]


def loses_digits(values: np.ndarray, width: int) -> bool:
    """Whether a grid of numbers of that width rounds any."""
    texts = _grid_texts(values, width)
    return not all(
        "e" not in text and numerals.says(text, value)
        for text, value in zip(texts, values.ravel(), strict=True)
    )


def grid_lines(
    values: np.ndarray,
    width: int,
    colour: str | None,
    marks: dict[tuple[int, int], str] | None = None,
    zeros: np.ndarray | None = None,
) -> list[str]:
    """Lines of a grid (H, W) of numbers, each ``width`` wide and one apart.

    ``zeros``: cells that are no numbers of the map, shown as a dot.  ``marks``: a
    character behind the number of some cells.
    """
    marks = marks or {}
    room = width - 1 if marks else width
    texts, lines = _grid_texts(values, room), []
    rows, columns = values.shape
    for row in range(rows):
        cells = []
        for column in range(columns):
            text = texts[row * columns + column]
            mark = marks.get((row, column), " " if marks else "")
            if zeros is not None and zeros[row, column]:
                cells.append(click.style("·".rjust(width), dim=True))
            else:
                bold = mark == "*"
                cells.append(click.style((text + mark).rjust(width), fg=colour, bold=bold or None))
        lines.append(" ".join(cells))
    return lines


def say_total(label: str, text: str, colour: str | None = None, bold: bool = False) -> None:
    say(f"  {label:<30}", click.style(at_point(text, 8, 12).rstrip(), fg=colour, bold=bold or None))


def say_sums(one: Explanation, sums: list[tuple[str, float]], bias: float | None) -> None:
    """The sums that make the value, each with as many decimals, and the value itself."""
    known = [value for _, value in sums] + [bias or 0.0]
    places = places_of([*known, one.value])
    shown = [signed(value, places) for _, value in sums]
    for (label, _), text in zip(sums, shown, strict=True):
        say_total(label, text)
    if bias is not None:
        shown.append(signed(bias, places))
        say_total("+ bias", shown[-1], BIAS)
    say_result(one, [("", text) for text in shown])


def say_result(one: Explanation, shown: list[tuple[str, str]], name: str = "") -> None:
    """The value; "=" before it where the shown numbers make it to the last digit, else "≈"."""
    text = value_text(one.value)
    made = numerals.worked_out(shown)
    sign = "=" if made is None or made == numerals.read(text) else ALMOST
    say_total(f"{name}{sign} {one.layer}", text, OUTPUT, bold=True)


def say_terms(
    heads: tuple[str, str, str, str], rows: list[tuple[str, float, float, float]], places: int
) -> None:
    """A table of terms: what it is, value, weight, product."""
    colours = (INPUT, WINDOW, None)
    if not all(numerals.says(signed(row[3], places).lstrip("+"), row[3]) for row in rows):
        heads = (*heads[:3], f"{ALMOST} {heads[3]}")
    say(
        f"  {heads[0]:<30}",
        "".join(f"{' ' * 6}{head:<14}" for head in heads[1:]).rstrip(),
        dim=True,
    )
    for label, value, weight, product in rows:
        texts = (value_text(value), value_text(weight), signed(product, places))
        line = [
            click.style(at_point(text, 8, behind), fg=colour)
            for text, colour, behind in zip(texts, colours, (12, 12, 0), strict=True)
        ]
        say(f"  {label:<30}", *line)


def say_heading(one: Explanation, run: Run, note: str = "") -> None:
    say(click.style(unit_name(one, run.network, run.classes), fg=OUTPUT, bold=True))
    say_wrapped(what_text(one) + note)
    say()
