"""Whether a value is what a function accepts: the few checks that all functions share.

Each returns the value, or raises an error of ``convlab.errors`` on one line that says what
was expected and what came.
"""

from __future__ import annotations

import inspect
import numbers
import re
import reprlib
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError

LARGEST = 1 << 29
"""The most numbers that an array may be requested to have: 2 GiB in float32."""

LARGEST_SIDE = 1 << 20
"""The longest side, in pixels, of a requested kernel, stride, padding or output."""

_FINITE = sys.float_info.max

P = ParamSpec("P")
R = TypeVar("R")


def shown(value: Any) -> str:
    """A value as an error shows it: short, and on one line."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"an array of {value.dtype}, {value.shape}"
    text = _NUMPY.sub(r"\1", _SHORT.repr(value))
    return shortened(" ".join(text.split()))


_NUMPY = re.compile(r"\bnp\.\w+\(([^()]*)\)")  # NumPy shows numbers with their types
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shortened(text: str) -> str:
    """A text of at most 200 characters: the middle of a longer one is left out."""
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-75:]}"


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
    if not value <= most:
        raise error(f"{name}: expected at most {most:,}, got {shown(value)}")
    return int(value)


def number(
    value: Any, name: str, least: float = -_FINITE, most: float = _FINITE, wanted: str = ""
) -> float:
    """A finite number from ``least`` to ``most``; ``wanted`` says so in more specific words.

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


def above_zero(value: Any, what: str) -> float:
    """A finite number above 0; ``what`` it is, such as "a time".  Raises SpecError."""
    real = isinstance(value, numbers.Real)
    if not (real and 0 < value <= _FINITE):
        raise SpecError(f"expected {what} above 0, got {shown(value)}")
    return float(value)


def one_of(value: Any, name: str, options: Collection[str]) -> str:
    """One of several words.  Raises SpecError."""
    if not isinstance(value, str) or value not in options:
        raise SpecError(f"{name}: expected one of {', '.join(options)}, got {shown(value)}")
    return value


def instance(value: Any, name: str, kind: type | tuple[type, ...], wanted: str = "") -> Any:
    """A value of a type; ``wanted`` describes it.  Raises DTypeError."""
    if not isinstance(value, kind):
        wanted = wanted or f"a {getattr(kind, '__name__', kind)}"
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
    """``values`` as an array of real numbers in this machine's byte order.

    Not copied if it already is one.  Raises DTypeError for anything else.
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


# --- calls that fail: which argument does not fit ------------------------------------------

FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What Python and NumPy raise where an argument does not fit."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose calls with wrong arguments fail with an error of ``convlab.errors``.

    Nothing is checked before the call: only if it fails are the arguments compared with their
    annotations.  The original error is kept as ``__cause__``.
    """

    @wraps(function)
    def call(*arguments: P.args, **settings: P.kwargs) -> R:
        try:
            return function(*arguments, **settings)
        except ConvlabError:
            raise
        except FAILURES as error:
            raise explained(error, function, arguments, settings) from error

    return call


def check_calls(names: dict[str, Any], public: Iterable[str], *methods: str) -> None:
    """Apply ``checked`` to what is ``public`` among ``names``: functions, and methods of classes.

    For classes that is the constructor and all public methods, or only ``methods``.
    """
    for name in public:
        value = names[name]
        if inspect.isfunction(value):
            names[name] = checked(value)
        elif inspect.isclass(value):
            for part, member in list(vars(value).items()):
                if part not in (methods or dir(value)):
                    continue
                hidden = part[0] == "_" and part not in ("__init__", *methods)
                if inspect.isfunction(member) and not hidden:
                    setattr(value, part, checked(member))
                elif isinstance(member, classmethod):
                    setattr(value, part, classmethod(checked(member.__func__)))


def explained(
    error: Exception, function: Callable, arguments: tuple, settings: Mapping[str, Any]
) -> Exception:
    """The error that says which argument of a failed call is wrong, or that together they do not
    fit.

    ``error`` itself if the call lacked an argument or had one too many.
    """
    name = function.__qualname__.removesuffix(".__init__")
    try:
        given = inspect.signature(function).bind(*arguments, **settings).arguments
    except TypeError:
        return error
    try:
        hints = get_type_hints(function)
    except NameError:  # an annotation that is imported only for type checkers
        hints = {}
    # A list may stand for a tuple, unless nothing else is wrong.
    for sequence in (tuple | list, tuple):
        for argument, value in given.items():
            if argument in hints and not _fits(value, hints[argument], sequence):
                wanted = function.__annotations__[argument]
                wanted = getattr(wanted, "__name__", wanted)
                return DTypeError(
                    f"{name}: expected {argument} of type {wanted}, got {shown(value)}"
                )
    values = ", ".join(f"{key} {shown(v)}" for key, v in given.items() if key != "self")
    reason = ""
    if isinstance(error, ValueError):  # other messages are about Python, and are kept as the cause
        reason = " ".join(f": {error}".split())
        reason = reason if len(reason) <= 160 else f"{reason[:160]} ..."
    return ShapeError(f"{name}: expected arguments that fit, got {values}{reason}")


def _fits(value: Any, hint: Any, sequence: Any) -> bool:
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, one, sequence) for one in inside)
    if hint in (int, float):
        kind = numbers.Integral if hint is int else numbers.Real
        real = isinstance(value, kind) and not isinstance(value, bool)
        return real and abs(value) <= _FINITE
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if hint is np.ndarray or origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    if origin is tuple and inside[-1:] != (...,):
        return (
            isinstance(value, sequence)
            and len(value) == len(inside)
            and all(_fits(one, kind, sequence) for one, kind in zip(value, inside, strict=True))
        )
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, origin)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Iterable):
        kinds = sequence if origin is tuple else origin | np.ndarray
        fits = isinstance(value, kinds) and not isinstance(value, str | bytes)
        fits = fits and getattr(value, "shape", None) != ()  # a single number
        items = value if fits and isinstance(value, Collection) else ()
        return fits and all(_fits(item, inside[0], sequence) for item in items)
    if isinstance(origin or hint, type):
        return isinstance(value, origin or hint)
    return True
