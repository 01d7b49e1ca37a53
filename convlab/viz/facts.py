"""Facts below a picture: labels in a column, a text beside each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convlab.viz.canvas import LINE, Canvas

Facts = Sequence[tuple[str, str]]  # labels with texts


def facts_at_foot(
    canvas: Canvas, facts: Facts, enough: Callable[[float], bool] = lambda bottom: True
) -> None:
    """Write facts at the foot, their texts in as many lines as they need; moves ``bottom`` above.

    On a small canvas the picture comes before the last facts: they are left out until
    ``enough`` says that the room down to a height is enough.
    """
    while len(facts) > 1 and not enough(room_above(canvas, facts)):
        facts = facts[:-1]
    labels, lines = _lines(canvas, facts)
    small, left = canvas.size.small, canvas.left + labels
    top = canvas.bottom - len(lines) * small * LINE
    for index, (label, line) in enumerate(lines):
        y = top + index * small * LINE
        canvas.note(canvas.left, y, label, width=labels)
        canvas.text(left, y, line, px=small, width=canvas.right - left)
    canvas.bottom = room_above(canvas, facts)


def room_above(canvas: Canvas, facts: Facts) -> float:
    """Where the room above facts ends."""
    if not facts:
        return canvas.bottom
    lines = _lines(canvas, facts)[1]
    return canvas.bottom - len(lines) * canvas.size.small * LINE - canvas.size.label


def _lines(canvas: Canvas, facts: Facts) -> tuple[float, list[tuple[str, str]]]:
    """Width of the labels and the space after them, and (label, text) of each line."""
    small = canvas.size.small
    labels = canvas.widest([label for label, _ in facts], small) + small
    return labels, [
        ("" if at else label, line)
        for label, text in facts
        for at, line in enumerate(canvas.wrapped(text, canvas.inner_width - labels, small))
    ]
