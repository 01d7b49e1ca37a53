"""What every figure has: a title, a second line, facts at its foot, a theme and a size."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypedDict

from convlab.viz.canvas import LINE, Canvas
from convlab.viz.style import Size
from convlab.words import joined

if sys.version_info >= (3, 11):
    from typing import Unpack
else:  # annotations are never evaluated
    from typing import Any as Unpack

__all__ = ["Facts", "Page", "Sheet", "Unpack"]

Facts = Sequence[tuple[str, str]]  # labels with texts


class Page(TypedDict, total=False):
    """What each function that draws a figure takes by keyword.

    ``title`` is the headline and ``subtitle`` the quiet line below it; ``facts`` are labels with
    texts at the foot, the most important first.  ``theme`` is light, dark or transparent, ``size``
    the name of one of our sizes; another one raises SpecError.
    """

    title: str
    subtitle: str
    facts: Facts
    theme: str
    size: str | Size


LAST = 1000  # the part of a figure that comes last, when it is built up: its facts


class Sheet(Canvas):
    """The canvas of a page: with its headline at once if its colour's ``role`` is given.

    Its facts, of which it has reserved the room, are written after the headline.  ``aspect``:
    height by width, if the size leaves that open.  ``keep``: the share of the height that the
    picture has; on a small canvas the last facts give way to it.
    """

    def __init__(
        self,
        aspect: float,
        role: str = "",
        keep: float = 0.5,
        *,
        title: str = "",
        subtitle: str = "",
        facts: Facts = (),
        theme: str = "light",
        size: str | Size = "slide",
    ) -> None:
        super().__init__(size, theme, aspect)
        self.title, self.subtitle = title, subtitle
        facts = facts if self.look.caption else ()
        above = self.top + self.headline_height(self.headline_lines(subtitle))
        self._facts = self._lines_of(facts)
        while len(facts) > 1 and self._above_facts - above <= keep * self.height:
            facts = facts[:-1]
            self._facts = self._lines_of(facts)
        self.bottom = self._above_facts
        if role:
            self.head(role)

    def head(self, role: str, *more: str, notes: Iterable[str] = (), sign: str = ", ") -> None:
        """The headline in a role's colour, with more parts of its second line, and notes below.

        ``sign``: between the parts.
        """
        subtitle = joined([self.subtitle, *more], sign)
        self.headline(self.title, subtitle, getattr(self.theme, role), notes)
        small, y = self.size.small, self.bottom + self.size.label
        indent = self._indent([label for label, _ in self._facts])
        with self.part(LAST):
            for label, text in self._facts:
                self.note(self.left, y, label)
                self.text(self.left + indent, y, text, px=small, width=self.inner_width - indent)
                y += small * LINE

    @property
    def _above_facts(self) -> float:
        """Where the room above the facts ends."""
        end, lines = self.height - self.margin, len(self._facts)
        return end - lines * self.size.small * LINE - self.size.label if lines else end

    def _indent(self, labels: Iterable[str]) -> float:
        return self.widest(labels, self.size.small) + self.size.small

    def _lines_of(self, facts: Facts) -> list[tuple[str, str]]:
        """Labels with one line each; a text too long for it continues in the next."""
        lines, width = [], self.inner_width - self._indent(label for label, _ in facts)
        for label, text in facts:
            first, *others = self.wrapped(text, width, self.size.small) or [""]
            lines += [(label, first), *(("", line) for line in others)]
        return lines
