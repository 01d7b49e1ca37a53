"""Which exercises a sheet has: they follow from its topic, its seed and the student's name."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from convlab.errors import SpecError
from convlab.names import meant
from convlab.quiz.counts import field_size, output_size, parameter_count
from convlab.quiz.exercise import TOPICS, Exercise
from convlab.quiz.gradients import backpropagation
from convlab.quiz.mistakes import spot_the_mistake
from convlab.quiz.values import output_value, pooled_values

MOST_DRAWS = 5000  # tries until an exercise is suitable and new; usually one to twenty are enough
SECRET = 1 << 50
"""Seeds from here on are too many to try, even if a try takes only some microseconds."""
_SEEDS = 1 << 63

_MAKERS: dict[str, Callable[[np.random.Generator, int], Exercise | None]] = {
    "output-size": output_size,
    "output-value": output_value,
    "parameters": parameter_count,
    "receptive-field": field_size,
    "pooling": pooled_values,
    "backpropagation": backpropagation,
    "spot-the-mistake": spot_the_mistake,
}


def secret_seed() -> int:
    """A seed that nobody finds by trying: one of 2^63 - 2^50, from the system's randomness."""
    return SECRET + secrets.randbelow(_SEEDS - SECRET)


def quiz(topic: str, seed: int, count: int = 5, student: str | None = None) -> tuple[Exercise, ...]:
    """A sheet of ``count`` different exercises on one of TOPICS, or on all of them in turn.

    The same arguments give the same sheet on every machine, and a smaller ``count`` the beginning
    of it.  ``student`` gives each name other numbers, in exercises of the same kinds, levels and
    forms.  Raises SpecError for an unknown topic.
    """
    if topic != "all" and topic not in TOPICS:
        raise SpecError(
            f"topic: expected one of {', '.join(TOPICS)} or all, got {topic!r}"
            f"{meant(topic, TOPICS)}"
        )
    shared = _of_the_class(topic, seed, count)
    if student is None:
        return shared
    return _drawn((topic, seed, student), count, [exercise.form for exercise in shared])


@lru_cache(maxsize=1)
def _of_the_class(topic: str, seed: int, count: int) -> tuple[Exercise, ...]:
    return _drawn((topic, seed, ""), count)


def _drawn(
    key: tuple[str, int, str], count: int, forms: Sequence[tuple] | None = None
) -> tuple[Exercise, ...]:
    """Different exercises for a topic, a seed and a name; ``forms``: those that they must have."""
    topic, seed, _ = key
    seen: set[str] = set()
    exercises = []
    for number, (kind, level) in zip(range(count), _rounds(topic, seed), strict=False):
        rng = _generator(*key, number)
        for _ in range(MOST_DRAWS):
            exercise = _MAKERS[kind](rng, level)
            if exercise is None or (forms is not None and exercise.form != forms[number]):
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


def _rounds(topic: str, seed: int) -> Iterator[tuple[str, int]]:
    """(kind, level) of one exercise after another: a round of level 1, of 2, of 3, and so on."""
    rng = _generator("plan", topic, seed)
    level = 0
    while True:
        if topic == "all":
            for kind in rng.permutation(list(TOPICS)):
                yield str(kind), 1 + level % 3
        else:
            yield topic, 1 + level % 3
        level += 1
