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
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from convlab.errors import ConvlabError, DTypeError, ShapeError, SpecError
from convlab.names import meant

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
        raise SpecError(
            f"{name}: expected one of {', '.join(options)}, got {shown(value)}"
            f"{meant(value, options)}"
        )
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
    wanted = "real numbers"
    try:
        array = np.asarray(values)
    except ConvlabError:
        raise
    except Exception as error:  # whatever an object's own __array__ raises
        array = np.array(None)
        if "inhomogeneous" in str(error):  # NumPy's word for lists of uneven lengths
            wanted = "rows of one length"
    if array.dtype.kind not in "biuf":
        got = array.dtype if isinstance(values, np.ndarray | np.generic) else shown(values)
        raise DTypeError(f"{name}: expected {wanted}, got {got}")
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


def typed(function: Callable[P, R]) -> Callable[P, R]:
    """``checked``, with all arguments held against their annotations before the call too.

    For what users call by hand: a text where several are expected would be taken letter by
    letter, and a 0 where a name is expected for none given.  Raises DTypeError.
    """
    guarded = checked(function)

    @wraps(function)
    def call(*arguments: P.args, **settings: P.kwargs) -> R:
        error = _misfit(function, arguments, settings, strictly=False)
        if error is not None:
            raise error
        return guarded(*arguments, **settings)

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
    try:
        given = inspect.signature(function).bind(*arguments, **settings).arguments
    except TypeError:
        return error
    # A list may stand for a tuple, unless nothing else is wrong.
    for strictly in (False, True):
        misfit = _misfit(function, arguments, settings, strictly)
        if misfit is not None:
            return misfit
    values = ", ".join(f"{key} {shown(v)}" for key, v in given.items() if key != "self")
    reason = ""
    if isinstance(error, ValueError):  # other messages are about Python, and are kept as the cause
        reason = " ".join(f": {error}".split())
        reason = reason if len(reason) <= 160 else f"{reason[:160]} ..."
    return ShapeError(f"{_called(function)}: expected arguments that fit, got {values}{reason}")


def _called(function: Callable) -> str:
    return function.__qualname__.removesuffix(".__init__")


def _misfit(
    function: Callable, arguments: tuple, settings: Mapping[str, Any], strictly: bool
) -> DTypeError | None:
    """The error for the first argument that is not of its type, None where all are.

    None also for a call that Python itself refuses: it has the better words.
    """
    signature = inspect.signature(function)
    try:
        given = signature.bind(*arguments, **settings).arguments
    except TypeError:
        return None
    try:
        hints = get_type_hints(function)
    except NameError:  # an annotation that is imported only for type checkers
        return None
    for argument, value in given.items():
        kind = signature.parameters[argument].kind
        several = kind is inspect.Parameter.VAR_POSITIONAL
        if argument not in hints or kind is inspect.Parameter.VAR_KEYWORD:
            continue
        for one in value if several else (value,):
            if not _fits(one, hints[argument], strictly):
                wanted = _wanted(function.__annotations__[argument])
                return DTypeError(
                    f"{_called(function)}: expected {argument} {wanted}, got {shown(one)}"
                )
    return None


_WORDS = {
    "ArrayLike": "an array",
    "Folder": "a folder",
    "ImageLike": "a picture's file, test:N or uint8 of shape (channels, rows, columns)",
    "Lengths": "one for each axis",
    "NetworkLike": "a network, a model's name, a .toml file, a run or its folder",
    "Pair": "(rows, columns)",
    "RunLike": "a run or its folder",
    "Sequence[RunLike]": "a list of runs or their folders",
    "bool": "True or False",
    "int": "a whole number",
    "os.PathLike": "a path",
    "str": "a text",
}
"""What is said of types whose names say nothing to a user, and of others beside them."""
_OWN_WORDS = {"ArrayLike", "Folder", "ImageLike", "Lengths", "NetworkLike", "Pair", "RunLike"}


def _wanted(annotation: Any) -> str:
    """An annotation as an error says it: ``of type int``, or in words."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if not _OWN_WORDS & {*re.findall(r"\w+", text)}:
        return f"of type {text or annotation}"
    return f"to be {' or '.join(_WORDS.get(part, part) for part in text.split(' | '))}"


def _fits(value: Any, hint: Any, strictly: bool) -> bool:
    """Whether a value is of a type; ``strictly``: no list for a tuple, no NaN for a number."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_fits(value, one, strictly) for one in inside)
    if hint in (int, float):
        kind = numbers.Integral if hint is int else numbers.Real
        real = isinstance(value, kind) and not isinstance(value, bool)
        return real and (not strictly or abs(value) <= _FINITE)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if hint is np.ndarray or origin is np.ndarray:
        return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"
    if getattr(origin or hint, "_is_protocol", False):  # of ArrayLike, whose numbers others check
        return isinstance(value, Sequence) or hasattr(value, "__array__")
    if isinstance(origin, type) and issubclass(origin, Iterable):
        return _holds(value, hint, strictly)
    if isinstance(origin or hint, type):
        return isinstance(value, origin or hint)
    return True


def _holds(value: Any, hint: Any, strictly: bool) -> bool:
    """``_fits`` for several values: a tuple, a mapping, a sequence of what else fits."""
    origin, inside = get_origin(hint), get_args(hint)
    sequence: Any = tuple if strictly else tuple | list | np.ndarray
    if getattr(value, "shape", None) == () or isinstance(value, str | bytes):  # a single one
        return False
    if issubclass(origin, Mapping):
        return isinstance(value, origin)
    if origin is tuple and inside[-1:] != (...,):
        return (
            isinstance(value, sequence)
            and len(value) == len(inside)
            and all(_fits(one, kind, strictly) for one, kind in zip(value, inside, strict=True))
        )
    if not isinstance(value, sequence if origin is tuple else origin | np.ndarray):
        return False
    items = value if isinstance(value, Collection) else ()
    return all(_fits(item, inside[0], strictly) for item in items)
