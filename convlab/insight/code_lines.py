"""A layer in the code of other libraries, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from convlab.nn import Notation, Notations
from convlab.terminal import Line, Span, quiet


def code_lines(notations: Notations) -> Iterator[Line]:
    """A layer's code in each framework, with the shapes of its arrays there.

    What is the same as in the framework before stands only once.
    """
    if not notations:
        yield quiet("Code is written for convolutions, poolings, flatten and dense layers.")
    room = max((len(one.framework) for one in notations), default=0) + 2
    before: list[str] = []
    for one in notations:
        head: str | Span = Span(one.framework.ljust(room), bold=True)
        for line in one.lines:
            yield head, line
            head = " " * room
        remarks = [_shapes(one), one.note] if one.lines else [f"{one.framework} has {one.note}"]
        for text in remarks:
            if text and text not in before:
                yield head, Span(text, quiet=True)
                head = " " * room
        before = remarks


def _shapes(one: Notation) -> str:
    """(N, 3, 28, 28) → (N, 6, 24, 24), and the weights' shape with its axes."""
    moved = " → ".join(
        f"({', '.join(['N', *map(str, shape)])})" for shape in (one.input, one.output)
    )
    return moved + (f", weight {one.weight}: {', '.join(one.axes)}" if one.axes else "")
