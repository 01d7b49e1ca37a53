"""What the kernels call, kept so that it can be called again: loops, and NumPy's functions.

Whoever computes anything with arrays on the CPU, other than by a loop, does it with ``do``
where it may be part of a plan; a view of an array needs no call.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

Call = tuple[Callable, tuple]
"""A function and its arguments."""


class _Recorder(threading.local):
    calls: list[Call] | None = None


_recorder = _Recorder()


@contextlib.contextmanager
def recording() -> Iterator[list[Call]]:
    """The calls that this thread makes within this context."""
    calls: list[Call] = []
    before, _recorder.calls = _recorder.calls, calls
    try:
        yield calls
    finally:
        _recorder.calls = before


keepers: weakref.WeakSet = weakref.WeakSet()
"""Who keeps memory for calls, and gives it back when told to ``forget``."""


def do(function: Callable, *arguments: Any) -> Any:
    """``function(*arguments)``."""
    if _recorder.calls is not None:
        _recorder.calls.append((function, arguments))
    return function(*arguments)
