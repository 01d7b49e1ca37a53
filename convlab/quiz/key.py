"""The teacher's key of one sheet or of a class: seed, codes, answers and the way to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from convlab.quiz.selection import SECRET
from convlab.quiz.sheet import Sheet
from convlab.quiz.text import in_markdown, key_markdown, key_text
from convlab.viz import KeySection, quiz_key
from convlab.viz.quiz_sheet import check_letters
from convlab.words import t


@dataclass(frozen=True)
class Key:
    """The answers of ``sheets``, and ``command``, which makes all of them again."""

    sheets: Sequence[Sheet]
    command: str

    @classmethod
    def of(cls, sheet: Sheet) -> Key:
        """The key of a single sheet."""
        return cls([sheet], sheet.command)

    def said(self, text: str) -> str:
        """A text in the language of the sheets."""
        return self.sheets[0].said(text)

    @property
    def title(self) -> str:
        """What it is the key of."""
        return self.said(t("{title}, answers", self.sheets[0].title))

    @property
    def notes(self) -> tuple[str, ...]:
        """The seed, the command that makes the sheets again, and whether the seed is a secret."""
        seed = self.sheets[0].seed
        lines = [t("Seed: {seed}", str(seed)), t("Made by: {command}", self.command)]
        if seed < SECRET:
            least = f"{SECRET:,}"
            lines.append(
                t(
                    "Whoever tries small seeds finds this one, and with it the answers: for a sheet"
                    " that counts leave --seed out, or take one of {least} or more.",
                    least,
                )
            )
        return tuple(map(self.said, lines))

    @property
    def alt(self) -> str:
        """The key in words."""
        words = [f"{self.title}.", *(f"{note}." for note in self.notes)]
        for sheet in self.sheets:
            words.append(f"{sheet.head}.")
            answers = [one.answer() for one in sheet.exercises]
            words += [self.said(t("Answer {n}: {answer}.", *one)) for one in enumerate(answers, 1)]
        return "  ".join(words)

    def text(self) -> str:
        """Answers and the way to each, as text."""
        blocks = ["\n".join([self.said(t("Answers")), *self.notes])]
        for sheet in self.sheets:
            blocks.append(sheet.head)
            blocks += [key_text(i, one) for i, one in enumerate(sheet.exercises, 1)]
        return "\n\n".join(blocks)

    def markdown(self) -> str:
        """Answers and the way to each, in Markdown."""
        blocks = [f"# {self.title}", *map(in_markdown, self.notes)]
        for sheet in self.sheets:
            blocks.append(f"## {in_markdown(sheet.head)}")
            blocks += [key_markdown(i, one) for i, one in enumerate(sheet.exercises, 1)]
        return "\n\n".join(blocks) + "\n"

    def pages(self) -> list[Figure]:
        """A4 pages.  Raises SpecError for a name in letters that the font lacks."""
        for sheet in self.sheets:
            check_letters(sheet.student or "")
        sections = [
            KeySection(sheet.head, [exercise.picture() for exercise in sheet.exercises])
            for sheet in self.sheets
        ]
        with self.sheets[0].spoken():
            return quiz_key(sections, title=self.title, notes=self.notes)
