"""Verdicts as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convlab.lecture.verdict import FALSE, TRUE, UNKNOWN, Verdict
from convlab.names import one_line, shortened
from convlab.terminal import WIDTH, Line, Span

_ROLES = {TRUE: "output", FALSE: "bias", UNKNOWN: ""}


def verdict_lines(verdicts: Sequence[Verdict]) -> Iterator[Line]:
    """For each claim its line, mark and sentence, below it what the engine computes; the sum.

    No claims: one line that says so.
    """
    if not verdicts:
        yield "no claims about sizes or counts"
        return
    wide = len(str(max(verdict.line for verdict in verdicts)))
    indent = " " * (wide + 2)
    before: Verdict | None = None
    for verdict in verdicts:
        if before is None or (before.line, before.sentence) != (verdict.line, verdict.sentence):
            sentence = shortened(one_line(verdict.sentence), WIDTH - len(indent))
            yield f"{verdict.line:>{wide}}  {sentence}"
        mark = Span(verdict.mark, _ROLES[verdict.mark], bold=verdict.mark == FALSE)
        yield (indent, mark, f": {verdict.said()}")
        before = verdict
    yield ""
    yield summed(verdicts)


def summed(verdicts: Sequence[Verdict]) -> str:
    """How many claims there are, and how many of each mark: "3 claims: 2 true, 1 false"."""
    counts = [(sum(one.mark == mark for one in verdicts), mark) for mark in _ROLES]
    each = ", ".join(f"{count} {mark}" for count, mark in counts if count)
    total = len(verdicts)
    return f"{total} claim{'s' * (total != 1)}" + (f": {each}" if each else "")
