"""A batch in parts: each goes through a network by itself, and a few sums are over all of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import numpy as np


class _Part(threading.local):
    exchange: Callable[[np.ndarray], np.ndarray] | None = None
    first = True


_part = _Part()


@contextlib.contextmanager
def part_of_batch(exchange: Callable[[np.ndarray], np.ndarray], first: bool) -> Iterator[None]:
    """Within this context this thread computes a part of a batch.

    ``exchange``: takes the numbers of this part and returns those of all, in their order;
    ``first``: whether it is the first of this process, which moves what is kept.
    """
    before = _part.exchange, _part.first
    _part.exchange, _part.first = exchange, first
    try:
        yield
    finally:
        _part.exchange, _part.first = before


def is_part() -> bool:
    """Whether this thread computes a part of a batch."""
    return _part.exchange is not None


def of_all_parts(numbers: np.ndarray) -> np.ndarray:
    """The numbers, float64, of each part of the batch: (parts, ...)."""
    return numbers[None] if _part.exchange is None else _part.exchange(numbers)


def is_first() -> bool:
    """Whether this is the whole batch or the first part of it in this process.

    What a layer keeps from step to step is the same for all parts, and moves here alone.
    """
    return _part.first
