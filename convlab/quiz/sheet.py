"""A student's sheet: exercises, a name and a code; nothing on it leads to the key.

What makes the exercises is the seed, which only the teacher's key has.  A seed can also be found by
making the exercises of one after another until they are those of the sheet: nobody gets through the
2^63 of ``secret_seed``, and anybody through the first million.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure

from convlab.json_files import picture_record
from convlab.quiz.exercise import Exercise
from convlab.quiz.selection import quiz, secret_seed
from convlab.quiz.text import exercise_markdown, exercise_text, in_markdown
from convlab.viz import quiz_sheet


@dataclass(frozen=True)
class Sheet:
    """The exercises of ``quiz``, and the arguments they were requested with."""

    topic: str
    seed: int
    count: int
    student: str | None
    exercises: tuple[Exercise, ...]

    @classmethod
    def of(
        cls, topic: str, seed: int | None = None, count: int = 5, student: str | None = None
    ) -> Sheet:
        """The sheet for these arguments, without ``seed`` for a secret one.

        Raises the same errors as ``quiz``.
        """
        seed = secret_seed() if seed is None else seed
        return cls(topic, seed, count, student, quiz(topic, seed, count, student))

    @property
    def title(self) -> str:
        """What the exercises are about."""
        words = "convolutional networks" if self.topic == "all" else self.topic.replace("-", " ")
        return f"Exercises: {words}"

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
        words += ["--count", str(self.count)]
        return shlex.join([*words, *(["--student", self.student] if self.student else [])])

    @property
    def head(self) -> str:
        """Whose sheet it is, and its code."""
        return f"{f'{self.student}, ' if self.student else ''}sheet {self.code}"

    def _texts(self) -> list[str]:
        return [exercise_text(number, one) for number, one in enumerate(self.exercises, 1)]

    @property
    def alt(self) -> str:
        """The sheet in words: all questions, and which figures are wrong on purpose."""
        count = len(self.exercises)
        words = [f"{self.title}. {count} exercise{'s' * (count > 1)}, {self.head}."]
        numbered = list(enumerate(self.exercises, 1))
        wrong = [str(number) for number, exercise in numbered if exercise.has_mistake]
        if wrong:
            which = f"exercise{'s' * (len(wrong) > 1)} {', '.join(wrong)}"
            words.append(f"Exercises with a mistake: the figures of {which} are wrong on purpose.")
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
        blocks = [f"# {self.title}", f"Name: {name}  \nDate: ________  \nSheet: {self.code}"]
        blocks += [exercise_markdown(number, one) for number, one in enumerate(self.exercises, 1)]
        return "\n\n".join(blocks) + "\n"

    def pages(self) -> list[Figure]:
        """A4 pages.  Raises SpecError for a student's name in letters that the font lacks."""
        return quiz_sheet(
            [exercise.picture() for exercise in self.exercises],
            title=self.title,
            footer=f"sheet {self.code}",
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
