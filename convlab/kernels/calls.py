"""What the kernels call, kept so that it can be called again: loops, and NumPy's functions.

Any computation with arrays on the CPU that is not a loop goes through ``do`` if it may be part of a
plan; a view of an array needs no call.
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


class NotRecorded(Exception):
    """Something was computed into new memory: calling it again would change nothing."""


def do(function: Callable, *arguments: Any) -> Any:
    """``function(*arguments)``, whose result is one of the arguments or None.

    Raises NotRecorded for another result while calls are recorded.
    """
    result = function(*arguments)
    if _recorder.calls is not None:
        if result is not None and not any(result is argument for argument in arguments):
            raise NotRecorded(function)
        _recorder.calls.append((function, arguments))
    return result


keepers: weakref.WeakSet = weakref.WeakSet()
"""Objects that keep memory for calls, and give it back when told to ``forget``."""


def forget_all() -> None:
    """Let all keepers forget what they keep."""
    while True:
        try:
            found = list(keepers)
            break
        except RuntimeError:  # another thread has added one: look again
            continue
    for keeper in found:
        keeper.forget()
