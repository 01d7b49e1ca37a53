"""The seed of everything random: initial weights and dropout."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import numpy as np

from convlab.checks import whole
from convlab.errors import SpecError


class _State:
    """The generator of initial weights, and the counter of dropout's keys."""

    def __init__(self, seed: int):
        self.generator = np.random.default_rng(seed)
        self.key = int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


_state = _State(0)


class _Part(threading.local):
    """The part of a step that a thread computes, and its key once a first one is drawn."""

    number: int | None = None
    key: int | None = None


_part = _Part()


def manual_seed(seed: int) -> None:
    """Restart all random numbers from ``seed``, an integer of at least 0.

    Without a call the seed is 0: convlab gives the same numbers in every process.
    Raises SpecError for another seed.
    """
    global _state
    _state = _State(whole(seed, "seed", 0, sys.maxsize, SpecError))


def generator() -> np.random.Generator:
    """The generator that initial weights are drawn from."""
    return _state.generator


def next_key() -> int:
    """A new 64-bit key for one dropout mask."""
    # An odd step visits every key; how the mask depends on the key is up to pointwise.py.
    part = _part
    if part.number is not None and part.key is None:
        sequence = np.random.SeedSequence([_state.key, part.number])
        part.key = int(sequence.generate_state(1, np.uint64)[0])
    before = _state.key if part.key is None else part.key
    key = (before + 0xD1342543DE82EF95) & ((1 << 64) - 1)
    if part.key is None:
        _state.key = key
    else:
        part.key = key
    return key


@contextlib.contextmanager
def part(number: int) -> Iterator[None]:
    """Inside, this thread's keys are those of one part of a step; others go on without it."""
    _part.number = number
    try:
        yield
    finally:
        _part.number = _part.key = None


def get_state() -> dict:
    """What ``set_state`` needs to continue with the same random numbers; plain numbers and text."""
    return {"generator": _state.generator.bit_generator.state, "key": _state.key}


def set_state(state: dict) -> None:
    """Continue the random numbers from where ``get_state`` was called.

    Raises SpecError, with nothing changed, for anything that ``get_state`` cannot have returned.
    """
    bits = {"state": 128, "inc": 128, "has_uint32": 1, "uinteger": 32, "key": 64}
    try:
        generator = state["generator"]
        numbers = {
            **generator["state"],
            **{name: generator[name] for name in ("has_uint32", "uinteger")},
            "key": state["key"],
        }
        fits = generator["bit_generator"] == "PCG64" and numbers.keys() == bits.keys()
    except (TypeError, KeyError):
        fits = False
    if not fits or not all(
        type(value) is int and 0 <= value < 1 << bits[name] for name, value in numbers.items()
    ):
        raise SpecError(f"random numbers: expected the state of a PCG64, got {state!r:.60}")
    if not numbers["inc"] % 2:
        raise SpecError(f"random numbers: expected an odd increment, got {numbers['inc']}")
    _state.generator.bit_generator.state = generator
    _state.key = state["key"]
