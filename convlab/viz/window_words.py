"""The lines below a step of a window: its sum, the relation of the sizes, what is not read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from convlab.viz.canvas import LINE, Canvas
from convlab.window_step import Piece, SlidingWindow

Parts = list[tuple[str, str, bool]]  # a line, in pieces for Canvas.run


def words(canvas: Canvas, shown: SlidingWindow, numbers: bool) -> float:
    """Draw the lines at the foot; returns where they begin.  The sum is one of the ``numbers``."""
    px, small = canvas.size.label, canvas.size.small
    indent = canvas.widest([shown.place(), shown.size_label], px) + 1.2 * px
    width = canvas.inner_width - indent

    def needed(kept: int | None = None) -> float:
        return canvas.run_width(parts_of(canvas, shown.sum_pieces(kept)), px)

    lines = []
    if numbers:
        kept = None
        if needed() > width:
            kept = max(0, bisect_right(range(len(shown.terms())), width, key=needed) - 1)
        lines.append((shown.place(), parts_of(canvas, shown.sum_pieces(kept))))
    for pieces in shown.size_lines():
        sizes = [parts_of(canvas, line) for line in pieces]
        # One line as large as the others, two as small as is legible.
        needs = [canvas.run_width(line, px if len(sizes) == 1 else small) for line in sizes]
        if max(needs) <= width:
            break
    lines += zip((shown.size_label, ""), sizes, strict=False)
    count = int(shown.uncovered.sum())
    if count:
        text = f"{count} cell{'s' if count > 1 else ''} that no window reads"
        lines.append(("hatched", parts_of(canvas, [(text, "ink")])))
    pitch = px * LINE * 1.15
    top = canvas.bottom - pitch * len(lines)
    for at, (label, parts) in enumerate(lines):
        y, fitted = top + pitch * at, px
        canvas.text(canvas.left, y, label, px=px, colour=canvas.theme.quiet)
        while canvas.run_width(parts, fitted) > width and fitted > small:
            fitted = max(small, fitted - 0.5)
        canvas.run(canvas.left + indent, y, parts, fitted)
    return top - 1.2 * px


def parts_of(canvas: Canvas, pieces: Iterable[Piece]) -> Parts:
    """Pieces in the colours of their roles; results and biases are bold."""
    return [
        (text, getattr(canvas.theme, role), role in ("output", "mistake")) for text, role in pieces
    ]
