"""Facts about what a figure shows: labels in a column with a text beside each, or side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from convlab.viz.canvas import LINE, Canvas

Facts = Sequence[tuple[str, str]]  # labels with texts


class FactLines:
    """Facts as lines of text, the first ones that fit into ``most`` pixels.

    ``px`` is the height of the text, ``gap`` the space after the labels (both small text by
    default), ``spacing`` from line to line in text heights.  A text too long for one line continues
    in the next where ``breaks``, a regular expression, matches.
    """

    def __init__(
        self,
        canvas: Canvas,
        facts: Facts,
        *,
        px: float | None = None,
        gap: float | None = None,
        spacing: float = LINE,
        breaks: str = " ",
        most: float = math.inf,
    ) -> None:
        self.canvas = canvas
        self.px = px or canvas.size.small
        self.step = spacing * self.px
        self.indent = canvas.widest((label for label, _ in facts), self.px) + (gap or self.px)
        self.width = canvas.inner_width - self.indent
        self.lines: list[tuple[str, str]] = []
        for label, text in facts:
            first, *others = canvas.wrapped(text, self.width, canvas.size.small, breaks) or [""]
            lines = [(label, first), *(("", line) for line in others)]
            if (len(self.lines) + len(lines)) * self.step > most:
                break
            self.lines += lines

    @property
    def height(self) -> float:
        """Pixels that :meth:`draw` takes."""
        return self.step * len(self.lines)

    def draw(self, top: float) -> None:
        """Draw them between the canvas's left and right, from ``top`` on."""
        canvas = self.canvas
        for index, (label, text) in enumerate(self.lines):
            y = top + index * self.step
            canvas.text(canvas.left, y, label, px=self.px, colour=canvas.theme.quiet)
            canvas.text(canvas.left + self.indent, y, text, px=self.px, width=self.width)


def facts_at_foot(
    canvas: Canvas, facts: Facts, enough: Callable[[float], bool] = lambda bottom: True
) -> None:
    """Write facts at the foot, their texts in as many lines as they need; moves ``bottom`` above.

    On a small canvas the picture takes priority over the last facts: they are left out until
    ``enough`` says that the room down to a height is enough.
    """
    while len(facts) > 1 and not enough(room_above(canvas, facts)):
        facts = facts[:-1]
    lines = FactLines(canvas, facts)
    lines.draw(canvas.bottom - lines.height)
    canvas.bottom -= lines.height + canvas.size.label if facts else 0.0


def room_above(canvas: Canvas, facts: Facts) -> float:
    """Where the room above facts ends."""
    height = FactLines(canvas, facts).height
    return canvas.bottom - height - canvas.size.label if facts else canvas.bottom


def fact_columns(canvas: Canvas, facts: Facts) -> float:
    """Draw (label, text) pairs in as many columns as fit; returns where the room above ends."""
    if not facts:
        return canvas.bottom
    size, room = canvas.size, canvas.inner_width
    gap = 2 * size.label
    needed = [
        max(canvas.measure(label, size.small), canvas.measure(text, size.label))
        for label, text in facts
    ]
    for columns in range(len(facts), 0, -1):
        widths = [min(max(needed[column::columns]), room) for column in range(columns)]
        spare = room - sum(widths)
        if spare >= gap * (columns - 1):
            break
    rows = -(-len(facts) // columns)
    step = (size.small + size.label) * LINE + 0.5 * size.small
    top = canvas.bottom - rows * step + 0.5 * size.small
    apart = min(spare / max(1, columns - 1), 3 * gap)
    for index, (label, text) in enumerate(facts):
        row, column = divmod(index, columns)
        x, y = canvas.left + sum(widths[:column]) + column * apart, top + row * step
        canvas.note(x, y, label, width=widths[column])
        canvas.text(x, y + size.small * LINE, text, width=widths[column])
    return top - 1.5 * size.label
