"""The page's texts in its language: marked in the script as t`...`, put in when it is made.

The form of t`${count} layers` is "{0} layers": its places are numbered in their order, and another
language may have them in another one.  What the file carries is one language and no catalogue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from convlab.errors import SpecError
from convlab.words import LANGUAGES, tomllib

_TAG = re.compile(r"(?<![\w$.`])t`")
_PLACE = re.compile(r"\{(\d+)\}")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The page's texts in a language, by their forms.  Raises SpecError for an unknown one."""
    if language not in LANGUAGES:
        raise SpecError(f"expected a language among {', '.join(LANGUAGES)}, got {language!r}")
    if language == "en":
        return {}
    path = files(__package__).joinpath("words", f"{language}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def translated(source: str, language: str) -> str:
    """A script with its marked texts in a language, as plain literals."""
    parts: list[str] = []
    at = 0
    for start, end, form, expressions in _marked(source):
        text = catalogue(language).get(form, form)
        made = [translated(each, language) for each in expressions]
        parts += source[at:start], _literal(text, made)
        at = end
    return "".join([*parts, source[at:]])


def forms(source: str) -> Iterator[str]:
    """The forms of the texts that a script marks, in their order."""
    for _, _, form, expressions in _marked(source):
        yield form
        for each in expressions:
            yield from forms(each)


def _literal(text: str, expressions: list[str]) -> str:
    if not expressions:
        return json.dumps(text, ensure_ascii=False)
    escaped = re.sub(r"[\\`$]", r"\\\g<0>", text)
    return f"`{_PLACE.sub(lambda found: '${' + expressions[int(found[1])] + '}', escaped)}`"


def _marked(source: str) -> Iterator[tuple[int, int, str, list[str]]]:
    """(start, end, form, expressions) of the marked texts that lie in no other."""
    at = 0
    while found := _TAG.search(source, at):
        form, expressions, at = _template(source, found.end())
        yield found.start(), at, form, expressions


def _template(source: str, at: int) -> tuple[str, list[str], int]:
    """The form and the expressions of a template literal from behind its first backtick on, and
    where it ends."""
    form = ""
    expressions: list[str] = []
    while source[at] != "`":
        if source.startswith("${", at):
            end = _end_of_expression(source, at + 2)
            form += f"{{{len(expressions)}}}"
            expressions.append(source[at + 2 : end])
            at = end + 1
        else:
            form += source[at]
            at += 1
    return form, expressions, at + 1


def _end_of_expression(source: str, at: int) -> int:
    """Where the brace is that closes an expression in a template literal."""
    depth = 0
    while depth or source[at] != "}":
        if source[at] == "`":
            at = _template(source, at + 1)[2]
            continue
        if source[at] in "\"'":
            at = source.index(source[at], at + 1)
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at
