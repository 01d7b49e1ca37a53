"""What every figure has: a title, a second line, facts at its foot, a theme and a size."""

from __future__ import annotations

import math
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
FEW = 2  # lines of facts that an audience reads: short facts stand side by side for that


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
        self._facts = self._arranged(facts)
        while len(facts) > 1 and self._above_facts - above <= keep * self.height:
            facts = facts[:-1]
            self._facts = self._arranged(facts)
        self.bottom = self._above_facts
        if role:
            self.head(role)

    def head(self, role: str, *more: str, notes: Iterable[str] = (), sign: str = ", ") -> None:
        """The headline in a role's colour, with more parts of its second line, and notes below.

        ``sign``: between the parts.
        """
        subtitle = joined([self.subtitle, *more], sign)
        self.headline(self.title, subtitle, getattr(self.theme, role), notes)
        small, left = self.size.small, self.left
        with self.part(LAST):
            for lines in self._facts:
                y, indent = self.bottom + self.size.label, self._indent(lines)
                for label, text in lines:
                    self.note(left, y, label)
                    self.text(left + indent, y, text, px=small, width=self.right - left - indent)
                    y += small * LINE
                left += self._across(lines) + 2 * small

    @property
    def _above_facts(self) -> float:
        """Where the room above the facts ends."""
        end, lines = self.height - self.margin, max(map(len, self._facts), default=0)
        return end - lines * self.size.small * LINE - self.size.label if lines else end

    def _indent(self, facts: Facts) -> float:
        return self.widest([label for label, _ in facts], self.size.small) + self.size.small

    def _across(self, facts: Facts) -> float:
        return self._indent(facts) + self.widest([text for _, text in facts], self.size.small)

    def _arranged(self, facts: Facts) -> list[Facts]:
        """Columns of lines: as few columns as give few lines, more than one if all texts fit."""
        best = [self._lines_of(facts)] if facts else []
        for count in (2, 3):
            if not best or len(best[0]) <= FEW:
                break
            rows = math.ceil(len(facts) / count)
            columns = [facts[at : at + rows] for at in range(0, len(facts), rows)]
            gaps = 2 * self.size.small * (len(columns) - 1)
            if rows < len(best[0]) and sum(map(self._across, columns)) + gaps <= self.inner_width:
                best = columns
        return best

    def _lines_of(self, facts: Facts) -> Facts:
        """Labels with one line each; a text too long for it continues in the next."""
        lines, width = [], self.inner_width - self._indent(facts)
        for label, text in facts:
            first, *others = self.wrapped(text, width, self.size.small) or [""]
            lines += [(label, first), *(("", line) for line in others)]
        return lines
