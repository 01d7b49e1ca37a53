"""What a user wants other than usual of a picture: its title, words, font, language and colours."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from convlab.checks import instance, one_of
from convlab.errors import HardToSee, SpecError
from convlab.reading import MAX_TOML, parse_toml, read_text
from convlab.viz.lettering import checked_font
from convlab.viz.look import Look, current, used
from convlab.viz.roles import checked_roles, doubts, with_fills
from convlab.viz.style import SIZES, Size, size_named, theme_named
from convlab.words import LANGUAGES


class Style(TypedDict, total=False):
    """What each picture takes by keyword when it is saved.

    ``title``: instead of its own, "" for none; ``caption``: False for no second line, no facts and
    no words at its foot; ``font``: an installed family, tried first; ``language``: en, de, fr, es
    or zh; ``style``: a TOML file, or its table, with colours of roles, such as input = "#1031AA";
    ``dpi``: of a size in millimetres, by default 300.
    """

    title: str | None
    caption: bool
    font: str
    language: str
    style: str | os.PathLike | Mapping[str, Any]
    dpi: float | None


def sized(size: str | Size, dpi: float | None = None) -> str | Size:
    """A size to draw with: one of our names, or the size that a user has written.

    Raises SpecError.
    """
    return size if size in SIZES and dpi is None else size_named(size, dpi)


@contextmanager
def styled(theme: str, style: Style | dict[str, Any]) -> Iterator[Look]:
    """Draw pictures with a style.  Raises SpecError; warns of colours that are hard to see."""
    look = _look_of(current(), theme, style)
    with used(look):
        yield look


def _look_of(usual: Look, theme: str, style: Any) -> Look:
    changed: dict[str, Any] = {}
    if style.get("title") is not None:
        changed["title"] = instance(style["title"], "title", str)
    if not style.get("caption", True):
        changed["caption"] = False
    if font := style.get("font"):
        changed["font"] = checked_font(font)
    if language := style.get("language"):
        changed["language"] = one_of(language, "language", LANGUAGES)
    if given := style.get("style"):
        changed["roles"] = _roles(given, theme)
    return replace(usual, **changed)


def _roles(style: str | os.PathLike | Mapping[str, Any], theme: str) -> dict[str, Any]:
    """The colours of a style for a theme: those for all themes, then those in its own table."""
    if isinstance(style, Mapping):
        source, table = "style", style
    else:
        source = os.fspath(style)
        try:
            table = parse_toml(read_text(Path(source), MAX_TOML))
        except OSError as error:
            raise SpecError(f"{source}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise SpecError(f"{source}: {error}") from None
    tables = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    for name in tables:
        one_of(name, f"{source}: table", ("light", "dark", "transparent"))
    own = {name: value for name, value in table.items() if name not in tables}
    roles = checked_roles({**own, **tables.get(theme, {})}, source)
    usual = theme_named(theme)
    roles = with_fills(usual, roles)
    found = list(doubts(replace(usual, **roles)))
    if found:
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        warnings.warn(f"{source}: {'; '.join(found[:3])}{more}", HardToSee, stacklevel=2)
    return roles
