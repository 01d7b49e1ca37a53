"""Notes checked: each claim with its line, its mark and the relation that decides it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from convlab import reading
from convlab.errors import DataError
from convlab.lecture.judge import FALSE, TRUE, UNKNOWN, Worked
from convlab.lecture.notes import read_notes
from convlab.lecture.reader import Reader

__all__ = ["FALSE", "TRUE", "UNKNOWN", "Verdict", "check", "read"]

MOST = 2_000_000
"""The most characters of notes."""
MOST_BYTES = 4 * MOST


@dataclass(frozen=True)
class Verdict:
    """One claim: its ``line`` from 1, the ``sentence``, the number that it is about, and its mark.

    ``mark`` is true, false or not understood; ``relation`` is what the engine computes;
    ``assumed``: what the notes do not say; ``mistake``: how the claimed number comes about;
    ``worked``: what a picture can show of it.
    """

    line: int
    sentence: str
    claim: str
    mark: str
    relation: str = ""
    assumed: str = ""
    mistake: str = ""
    worked: Worked | None = None

    def said(self) -> str:
        """What the claim says and what the engine computes, in words."""
        if self.mark == UNKNOWN:
            return self.claim
        mistake = f"usual mistake: {self.mistake}" if self.mistake else ""
        parts = (f"{self.claim}: {self.relation}", self.assumed, mistake)
        return "; ".join(part for part in parts if part)

    def record(self) -> dict[str, Any]:
        """What is said of the claim, for JSON."""
        names = "line", "sentence", "claim", "mark", "relation", "assumed", "mistake"
        return {name: getattr(self, name) for name in names}


def read(path: str) -> str:
    """Notes from a file, or from standard input for "-".  Raises DataError."""
    try:
        if path == "-":
            return (
                reading.read_standard_input(MOST_BYTES, "notes")
                .decode("utf-8-sig")
                .replace("\r\n", "\n")
            )
        return reading.read_text(path, MOST_BYTES)
    except UnicodeDecodeError:
        raise DataError("-: not UTF-8 text") from None
    except OSError as error:
        raise DataError(f"{path}: {reading.reason(error)}") from None


def check(text: str) -> list[Verdict]:
    """Find what notes in Markdown or plain text claim of sizes and counts, and compute it again.

    Raises DataError for more than two million characters.
    """
    if len(text) > MOST:
        raise DataError(f"notes: expected at most {MOST:,} characters, got {len(text):,}")
    reader = Reader()
    parts = read_notes(text)
    verdicts = []
    for part, following in zip(parts, [*parts[1:], None], strict=False):
        for claim in reader.take(part, following):
            mark, made, mistake = claim.judged
            verdict = Verdict(claim.line, claim.sentence, claim.text, mark, mistake=mistake)
            if made is not None:
                assumed = made.assumed if mark == TRUE else ""
                verdict = replace(
                    verdict, relation=made.relation, assumed=assumed, worked=made.worked
                )
            verdicts.append(verdict)
    return verdicts
