"""Sheets of exercises on convolutional networks, whose answers the engine works out.

A sheet follows from its topic, its seed and the student's name alone.  Each
exercise has its numbers as data, its answers in parts, and the way to them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

import numpy as np

from convlab.errors import SpecError
from convlab.quiz.counts import field_size, output_size, parameter_count
from convlab.quiz.exercise import TOPICS, Exercise
from convlab.quiz.mistakes import spot_the_mistake
from convlab.quiz.values import output_value, pooled_values

MOST_DRAWS = 5000  # until an exercise is suitable and new; mostly one to three are enough

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

    The same arguments give the same sheet on every machine, a smaller ``count``
    the beginning of it; ``student`` gives each name a sheet of its own.
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
    """Chance that follows from ``key`` alone; Python's own hash changes with the process."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _rounds(topic: str, key: tuple) -> Iterator[tuple[str, int]]:
    """(kind, level) of one exercise after the other: a round of level 1, of 2, of 3, and again."""
    rng = _generator("plan", *key)
    level = 0
    while True:
        if topic == "all":
            for kind in rng.permutation(TOPICS):
                yield str(kind), 1 + level % 3
        else:
            yield topic, 1 + level % 3
        level += 1
