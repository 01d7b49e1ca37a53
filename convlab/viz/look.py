"""What a user changes of all figures: title, words around them, font, language, colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Look:
    """``title``: instead of the figure's own, "" for none; ``caption``: whether there is a second
    line, facts and what a picture says at its foot; ``font``: the family that is tried first;
    ``language``: one of words.LANGUAGES; ``roles``: colours by the names of roles of a theme."""

    title: str | None = None
    caption: bool = True
    font: str = ""
    language: str = "en"
    roles: Mapping[str, Any] = field(default_factory=dict)


_USUAL = Look()
_USED: ContextVar[Look] = ContextVar("look", default=_USUAL)
current = _USED.get


@contextmanager
def used(look: Look) -> Iterator[None]:
    """Draw figures with a look."""
    before = _USED.set(look)
    try:
        yield
    finally:
        _USED.reset(before)
