"""The words of figures, by language: English where they are drawn, others in ``LANGUAGE.toml``.

A text that is made by :func:`t` is its English text, for everything that compares, prints or
measures it, and knows of what it was made: a figure says it in its own language.  What is not made
so, such as the name of a class, is the user's and stays as it is.
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from convlab.errors import SpecError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = ("en", "de", "fr", "es", "zh")
_COMMA = ("de", "fr", "es")  # languages with a decimal comma
_NONE_IS_ONE = ("fr",)  # where no thing is said as one thing: 0 carte
_THIN = "\u202f"  # between groups of three digits
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_LISTED = re.compile(r"(?<=\d), (?=[\u2212\u2248±]?\d)")

Form = str | list[str]  # of one and of several, or of any number


class Said(str):
    """A text, the ``form`` that names it in the catalogues, that which is ``used`` in English,
    and the ``values`` by the names of their places."""

    form: str
    used: str
    values: Mapping[str, Any]

    def __add__(self, other: str) -> str:
        return t("{before}{after}", self, other)

    def __radd__(self, other: str) -> str:
        return t("{before}{after}", other, self)


class Shown(str):
    """A text as a figure shows it, in its language; ``cut``: words that had no room."""

    cut = False


def t(form: str, /, *values: Any, several: str = "") -> str:
    """A text for figures: ``form`` with values in the order in which its places are first named.

    ``several``: the form for any number at the place ``n`` but 1.
    """
    named = dict(zip(_places(form), values, strict=True))
    used = several if several and named["n"] != 1 else form
    said = Said(used.format(**named))
    said.form, said.used, said.values = form, used, named
    return said


@cache
def _places(form: str) -> list[str]:
    return [*dict.fromkeys(name for _, name, _, _ in _parsed(form) if name is not None)]


@cache
def _parsed(form: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return [*string.Formatter().parse(form)]


def joined(parts: Iterable[str], sign: str = ", ") -> str:
    """The parts that are not empty, with a sign between them."""
    values = [*filter(None, parts)]
    return t(sign.join(f"{{part{at}}}" for at in range(len(values))), *values)


def shown(text: str, language: str) -> str:
    """A text in a language, with numbers as they are written there; Shown if it has changed."""
    if language == "en" or isinstance(text, Shown):
        return text
    return Shown(_in(text, language))


def _in(text: str, language: str) -> str:
    if not isinstance(text, Said):
        return text if any(map(str.isalpha, text)) else _numbers(text, language)
    form = catalogue(language).get(text.form, text.used)
    if language == "zh" and form == text.used:
        form = form.replace("; ", "\uff1b")
    if isinstance(form, list):
        n = text.values["n"]
        form = form[not (n == 1 or language in _NONE_IS_ONE and n == 0)]
    return "".join(_parts(form, text.values, language))


def _parts(form: str, values: Mapping[str, Any], language: str) -> Iterator[str]:
    for written, name, kind, _ in _parsed(form):
        yield written
        if name is not None:
            value = values[name]
            yield _in(value if isinstance(value, str) else format(value, kind or ""), language)


def _numbers(text: str, language: str) -> str:
    """Numbers in English as they are written in a language: 1,234.5 is 1 234,5."""
    if language not in _COMMA:
        return text
    text = _GROUPED.sub(lambda found: found[0].replace(",", _THIN), text)
    pointed = _POINT.sub(",", text)
    return pointed if pointed == text else _LISTED.sub("; ", pointed)


@cache
def catalogue(language: str) -> dict[str, Form]:
    """The forms of a language, by the English ones.  Raises SpecError for an unknown language."""
    if language not in LANGUAGES:
        raise SpecError(f"expected a language among {', '.join(LANGUAGES)}, got {language!r}")
    if language == "en":
        return {}
    text = files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
