"""A student's sheet: exercises, a name and a code; nothing on it leads to the key.

What makes the exercises is the seed, which only the teacher's key has.  A seed can also be found by
making the exercises of one after another until they are those of the sheet: nobody gets through the
2^63 of ``secret_seed``, and anybody through the first million.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure

from convlab.json_files import picture_record
from convlab.quiz.exercise import Exercise
from convlab.quiz.selection import quiz, secret_seed
from convlab.quiz.text import exercise_markdown, exercise_text, in_markdown
from convlab.viz import quiz_sheet
from convlab.viz.look import current, used
from convlab.words import shown, t

_TITLES = {
    "all": t("Exercises: convolutional networks"),
    "output-size": t("Exercises: output size"),
    "output-value": t("Exercises: output value"),
    "parameters": t("Exercises: parameters"),
    "receptive-field": t("Exercises: receptive field"),
    "pooling": t("Exercises: pooling"),
    "backpropagation": t("Exercises: backpropagation"),
    "spot-the-mistake": t("Exercises: spot the mistake"),
}


@dataclass(frozen=True)
class Sheet:
    """The exercises of ``quiz`` in a language, and the arguments they were requested with."""

    topic: str
    seed: int
    count: int
    student: str | None
    exercises: tuple[Exercise, ...]
    language: str = "en"

    @classmethod
    def of(
        cls,
        topic: str,
        seed: int | None = None,
        count: int = 5,
        student: str | None = None,
        language: str = "en",
    ) -> Sheet:
        """The sheet for these arguments, without ``seed`` for a secret one.

        ``language``: one of words.LANGUAGES.  Raises the same errors as ``quiz``, and SpecError for
        another language.
        """
        seed = secret_seed() if seed is None else seed
        made = tuple(one.spoken(language) for one in quiz(topic, seed, count, student))
        return cls(topic, seed, count, student, made, language)

    def said(self, text: str) -> str:
        """A text in the sheet's language."""
        return shown(text, self.language)

    @contextmanager
    def spoken(self) -> Iterator[None]:
        """Draw figures in the sheet's language."""
        with used(replace(current(), language=self.language)):
            yield

    @property
    def title(self) -> str:
        """What the exercises are about."""
        return self.said(_TITLES[self.topic])

    @cached_property
    def code(self) -> str:
        """Eight letters and digits by which the key finds the sheet, such as K7QM-3XPA.

        They are a digest of the printed questions and name, so they tell nobody more than these.
        """
        printed = "\n".join([self.title, self.student or "", *self._texts()])
        letters = base64.b32encode(hashlib.sha256(printed.encode()).digest()).decode()
        return f"{letters[:4]}-{letters[4:8]}"

    @property
    def command(self) -> str:
        """The command that makes the sheet again: the teacher's, since it has the seed."""
        words = ["convlab", "quiz", self.topic, "--seed", str(self.seed)]
        words += ["--count", str(self.count), *self.language_words]
        return shlex.join([*words, *(["--student", self.student] if self.student else [])])

    @property
    def language_words(self) -> list[str]:
        """What a command says of the language."""
        return [] if self.language == "en" else ["--language", self.language]

    @property
    def named(self) -> str:
        """The sheet by its code."""
        return self.said(t("sheet {code}", self.code))

    @property
    def head(self) -> str:
        """Whose sheet it is, and its code."""
        return f"{self.student}, {self.named}" if self.student else self.named

    def _texts(self) -> list[str]:
        return [exercise_text(number, one) for number, one in enumerate(self.exercises, 1)]

    @property
    def alt(self) -> str:
        """The sheet in words: all questions, and which figures are wrong on purpose."""
        count = len(self.exercises)
        exercises = t("{n} exercise", count, several="{n} exercises")
        words = [f"{self.title}. {self.said(exercises)}, {self.head}."]
        numbered = list(enumerate(self.exercises, 1))
        wrong = [str(number) for number, exercise in numbered if exercise.has_mistake]
        if wrong:
            listed = ", ".join(wrong)
            words.append(self.said(t("With a mistake, wrong on purpose: {listed}.", listed)))
        for number, exercise in numbered:
            choices = "; ".join(exercise.lettered())
            words.append(f"{number}. {exercise.question}{f' {choices}.' if choices else ''}")
        return "  ".join(words)

    def text(self) -> str:
        """All exercises as text."""
        return "\n\n".join([f"{self.title} ({self.head})", *self._texts()])

    def markdown(self) -> str:
        """All exercises in Markdown, with a line for each answer."""
        name = in_markdown(self.student) if self.student else "________________"
        labels = map(self.said, (t("Name"), t("Date"), t("Sheet")))
        filled = zip(labels, (name, "________", self.code), strict=True)
        lines = (f"{label}: {text}" for label, text in filled)
        blocks = [f"# {self.title}", "  \n".join(lines)]
        blocks += [exercise_markdown(number, one) for number, one in enumerate(self.exercises, 1)]
        return "\n\n".join(blocks) + "\n"

    def pages(self) -> list[Figure]:
        """A4 pages.  Raises SpecError for a student's name in letters that the font lacks."""
        with self.spoken():
            return quiz_sheet(
                [exercise.picture() for exercise in self.exercises],
                title=self.title,
                footer=self.named,
                student=self.student,
            )

    def record(self) -> dict[str, Any]:
        """The exercises with answers and solutions, for JSON."""
        return picture_record(self.title, self.alt, self.numbers, self.command)

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """The exercises as data with their answers, named like a picture's numbers."""
        asked = {
            "topic": self.topic,
            "seed": self.seed,
            "count": self.count,
            "student": self.student,
        }
        exercises = [exercise.record() for exercise in self.exercises]
        return {
            "parameters": asked,
            "inputs": {},
            "weights": {},
            "result": {"code": self.code, "exercises": exercises},
        }
