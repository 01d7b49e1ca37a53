"""Whether a value is what a function takes: the few checks that all of them share.

Each returns the value, or raises an error of ``convlab.errors`` on one line that says what
was expected and what came.
"""

from __future__ import annotations

import numbers
import reprlib
import sys
from collections.abc import Collection
from typing import Any

import numpy as np

from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError

LARGEST = 1 << 29
"""The largest size, and the most numbers that an array may have: 2 GiB in float32."""

_FINITE = sys.float_info.max


def shown(value: Any) -> str:
    """A value in the words of an error: short, and on one line."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of {value.dtype}, {value.shape}"
    return " ".join(reprlib.repr(value).split())


def whole(
    value: Any,
    name: str,
    least: int = 1,
    most: int = LARGEST,
    error: type[ConvlabError] = ShapeError,
) -> int:
    """A whole number from ``least`` to ``most``."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise error(f"{name}: expected a whole number, got {shown(value)}")
    if value < least:
        raise error(f"{name}: expected at least {least}, got {value}")
    if value > most:
        raise error(f"{name}: expected at most {most:,}, got {shown(value)}")
    return int(value)


def number(
    value: Any, name: str, least: float = -_FINITE, most: float = _FINITE, wanted: str = ""
) -> float:
    """A finite number from ``least`` to ``most``; ``wanted`` says so in better words.

    Raises SpecError.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (real and least <= value <= most):
        if not wanted:
            low = "" if least == -_FINITE else f" of at least {least}"
            high = "" if most == _FINITE else f" and at most {most}"
            wanted = f"a finite number{low}{high}"
        raise SpecError(f"{name}: expected {wanted}, got {shown(value)}")
    return float(value)


def one_of(value: Any, name: str, options: Collection[str]) -> str:
    """One of several words.  Raises SpecError."""
    if not isinstance(value, str) or value not in options:
        raise SpecError(f"{name}: expected one of {', '.join(options)}, got {shown(value)}")
    return value


def instance(value: Any, name: str, kind: type | tuple[type, ...], wanted: str = "") -> Any:
    """A value of a type; ``wanted`` are the words for it.  Raises DTypeError."""
    if not isinstance(value, kind):
        wanted = wanted or f"a {kind.__name__}"
        raise DTypeError(f"{name}: expected {wanted}, got {type(value).__name__}")
    return value


def fits_memory(name: str, *shape: int) -> None:
    """Raise ShapeError for a shape of more than LARGEST numbers."""
    count = 1
    for size in shape:
        count *= size
    if count > LARGEST:
        sizes = " × ".join(f"{size:,}" for size in shape)
        raise ShapeError(f"{name}: expected at most {LARGEST:,} numbers, got {sizes}")


def real_numbers(values: Any, name: str) -> np.ndarray:
    """``values`` as an array of real numbers in this machine's order of bytes.

    Not copied where it is one.  Raises DTypeError for anything else.
    """
    try:
        array = np.asarray(values)
    except ConvlabError:
        raise
    except Exception:  # lists of uneven lengths, and whatever an object's own __array__ raises
        array = np.array(None)
    if array.dtype.kind not in "biuf":
        got = array.dtype if isinstance(values, np.ndarray | np.generic) else shown(values)
        raise DTypeError(f"{name}: expected real numbers, got {got}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
