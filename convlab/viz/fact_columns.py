"""Facts about what a figure shows: labels above their texts, side by side at the foot."""

from __future__ import annotations

from collections.abc import Sequence

from convlab.viz.canvas import LINE, Canvas


def fact_columns(canvas: Canvas, facts: Sequence[tuple[str, str]]) -> float:
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
