"""Sheets of exercises on convolutional networks, with answers worked out by the engine.

A sheet depends only on its topic, its seed and the student's name.  Each exercise has its numbers
as data, its answers in parts, and the way to them.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import SpecError
from convlab.quiz.counts import field_size, output_size, parameter_count
from convlab.quiz.exercise import TOPICS, Exercise
from convlab.quiz.mistakes import spot_the_mistake
from convlab.quiz.text import exercise_text, key_text
from convlab.quiz.values import output_value, pooled_values
from convlab.viz import pages_bytes, quiz_sheet

MOST_DRAWS = 5000  # tries until an exercise is suitable and new; usually one to three are enough

_MAKERS: dict[str, Callable[[np.random.Generator, int], Exercise | None]] = {
    "output-size": output_size,
    "output-value": output_value,
    "parameters": parameter_count,
    "receptive-field": field_size,
    "pooling": pooled_values,
    "spot-the-mistake": spot_the_mistake,
}


def quiz(topic: str, seed: int, count: int = 5, student: str | None = None) -> tuple[Exercise, ...]:
    """A sheet of ``count`` different exercises on one of TOPICS, or on all of them in turn.

    The same arguments give the same sheet on every machine, and a smaller ``count`` the beginning
    of it; ``student`` gives each name its own sheet.
    Raises SpecError for an unknown topic.
    """
    if topic != "all" and topic not in TOPICS:
        raise SpecError(f"topic: expected one of {', '.join(TOPICS)} or all, got {topic!r}")
    key = (topic, seed, student or "")
    seen: set[str] = set()
    exercises = []
    for number, (kind, level) in zip(range(count), _rounds(topic, key), strict=False):
        rng = _generator(*key, number)
        for _ in range(MOST_DRAWS):
            exercise = _MAKERS[kind](rng, level)
            if exercise is None:
                continue
            content = json.dumps([kind, exercise.data], sort_keys=True)
            if content not in seen:
                break
        else:
            raise SpecError(f"count: expected fewer exercises on {kind} than {count}")
        seen.add(content)
        exercises.append(exercise)
    return tuple(exercises)


def _generator(*key: object) -> np.random.Generator:
    """Random numbers that depend only on ``key``; Python's own hash changes between processes."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _rounds(topic: str, key: tuple) -> Iterator[tuple[str, int]]:
    """(kind, level) of one exercise after another: a round of level 1, of 2, of 3, and so on."""
    rng = _generator("plan", *key)
    level = 0
    while True:
        if topic == "all":
            for kind in rng.permutation(TOPICS):
                yield str(kind), 1 + level % 3
        else:
            yield topic, 1 + level % 3
        level += 1


@dataclass(frozen=True)
class Sheet:
    """The exercises of ``quiz``, and the arguments they were requested with."""

    topic: str
    seed: int
    count: int
    student: str | None
    exercises: tuple[Exercise, ...]

    @classmethod
    def of(cls, topic: str, seed: int, count: int = 5, student: str | None = None) -> Sheet:
        """The sheet for these arguments.  Raises the same errors as ``quiz``."""
        return cls(topic, seed, count, student, quiz(topic, seed, count, student))

    @property
    def title(self) -> str:
        """What the exercises are about."""
        words = "convolutional networks" if self.topic == "all" else self.topic.replace("-", " ")
        return f"Exercises: {words}"

    def alt(self, answers: bool = False) -> str:
        """The sheet in words: all questions, and which figures are wrong on purpose."""
        count = len(self.exercises)
        whose = f", for {self.student}" if self.student else ""
        words = [f"{self.title}. {count} exercise{'s' * (count > 1)}, seed {self.seed}{whose}."]
        numbered = list(enumerate(self.exercises, 1))
        wrong = [str(number) for number, exercise in numbered if exercise.has_mistake]
        if wrong:
            which = f"exercise{'s' * (len(wrong) > 1)} {', '.join(wrong)}"
            words.append(f"Exercises with a mistake: the figures of {which} are wrong on purpose.")
        for number, exercise in numbered:
            choices = "; ".join(exercise.lettered())
            words.append(f"{number}. {exercise.question}{f' {choices}.' if choices else ''}")
        if answers:
            words += [f"Answer {number}: {exercise.answer()}." for number, exercise in numbered]
        return "  ".join(words)

    def text(self, answers: bool = False) -> str:
        """All exercises, with ``answers`` followed by the key."""
        whose = f", for {self.student}" if self.student else ""
        blocks = [f"{self.title} (seed {self.seed}{whose})"]
        blocks += [exercise_text(i, exercise) for i, exercise in enumerate(self.exercises, 1)]
        if answers:
            blocks.append("Answers")
            blocks += [key_text(i, exercise) for i, exercise in enumerate(self.exercises, 1)]
        return "\n\n".join(blocks)

    def pdf(self, answers: bool = False) -> bytes:
        """A4 pages, with ``answers`` followed by the key on separate pages.

        Raises SpecError for a student's name in letters that the font lacks.
        """
        # The place where the sheet is written does not change it.
        again = ["convlab", "quiz", self.topic, "--seed", str(self.seed)]
        again += ["--count", str(self.count)]
        again += ["--student", self.student] if self.student else []
        pages = quiz_sheet(
            [exercise.picture() for exercise in self.exercises],
            title=self.title,
            footer=shlex.join(again),
            student=self.student,
            answers=answers,
        )
        return pages_bytes(
            pages,
            title=self.title,
            description=self.alt(answers),
            command=shlex.join([*again, *(["--answers"] if answers else [])]),
        )

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """The exercises as data, named like a picture's numbers."""
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
            "result": {"exercises": exercises},
        }
