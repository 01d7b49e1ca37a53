"""What the rooms of convlab offer, as a Markdown page made from their docstrings."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import convlab
from convlab import interface

NAMES = """\
# Names in Python

What each module contains, from its docstrings; [In Python and in notebooks](python.md) shows how
they go together.

In signatures,

- `ArrayLike` is NumPy's: an array, or nested lists of numbers;
- `Box` is a rectangle of pixels: top, left, bottom, right, the last two exclusive;
- `Folder` is a path, as text or `pathlib.Path`;
- `ImageLike` is a picture's file, `"-"` for standard input, `"test:3"` for an image of the test
  set, or pixels (C, H, W) of bytes;
- `IntOrPair` and `Lengths` are a whole number, or a sequence of them, one for each direction;
- `NetworkLike` is a model's name, a `.toml` file, a network, or what `RunLike` is;
- `Number` is an exact number or a float, as it was computed;
- `Pair` is two whole numbers, for rows and columns, `Sides` four: top, bottom, left, right;
- `RunLike` is a run, or its folder;
- `Shape` is (channels, rows, columns), or (features,).
"""
ROOMS = (
    "interface",
    "tensors",
    "pictures",
    "functional",
    "nn",
    "optim",
    "data",
    "models",
    "training",
    "insight",
    "lessons",
)


def names_page() -> str:
    """The public functions, classes and methods of ROOMS with their docstrings, in Markdown."""
    modules = [importlib.import_module(f"convlab.{room}") for room in ROOMS]
    shown = [value for module in modules for value in _public(module).values()]
    parts = [NAMES]
    for module in modules:
        heading = "convlab" if module is interface else module.__name__
        parts.append(f"## {heading}\n\n{inspect.getdoc(module)}\n")
        for name, value in _public(module).items():
            at = "convlab" if getattr(convlab, name, None) is value else module.__name__
            parts.append(_block(f"### {at}.{name}", _typed(name, value), value))
            for part, signature, documented in _members(value, shown):
                parts.append(_block(f"#### {name}.{part}", signature, documented))
    return "\n".join(parts)


def _public(module: ModuleType) -> dict[str, Any]:
    """The documented functions and classes of a module, by name."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and _is_of(value, module.__name__)
    ]
    names = sorted({*own, *getattr(module, "__all__", own)})
    return {
        name: value
        for name in names
        if callable(value := getattr(module, name))
        and inspect.getdoc(value)
        and inspect.getmodule(value)
    }


def _members(value: Any, shown: list) -> Iterator[tuple[str, str, Any]]:
    """(name, signature, itself) of the methods and properties that a class documents.

    Those of its bases in convlab are among them, up to one that is ``shown`` itself.
    """
    for base in inspect.getmro(value) if inspect.isclass(value) else ():
        if base is not value and (base in shown or not base.__module__.startswith("convlab.")):
            break
        for name, part in vars(base).items():
            is_value = isinstance(part, (property, functools.cached_property))
            called = getattr(value, name)  # a class method without its first argument
            if (
                not name.startswith("_")
                and part.__doc__
                and (is_value or inspect.isroutine(called))
            ):
                yield name, name if is_value else _typed(name, called), part


def _block(heading: str, signature: str, documented: Any) -> str:
    """A heading, and below it a signature and its docstring."""
    return f"{heading}\n\n```\n{signature}\n\n{inspect.getdoc(documented)}\n```\n"


class _Plain(str):
    """A type in words; a signature shows it without quotes."""

    __repr__ = str.__str__


def _plain(annotation: Any) -> Any:
    text = getattr(annotation, "__forward_arg__", annotation)  # that of a NamedTuple's field
    return _Plain(text) if isinstance(text, str) else annotation


def _is_of(value: Any, module: str) -> bool:
    """Whether a value is a function or class that a module defines."""
    defined = inspect.isfunction(value) or inspect.isclass(value)
    return defined and value.__module__ == module


def _typed(name: str, value: Any) -> str:
    """A call as a signature without ``self``, with one argument per line where it is long."""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return name
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    plain = [p.replace(annotation=_plain(p.annotation)) for p in parameters]
    back = _plain(signature.return_annotation)
    signature = signature.replace(parameters=plain, return_annotation=back)
    line = f"{name}{signature}"
    if len(line) <= 90:
        return line
    arguments = []
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    for at, parameter in enumerate(signature.parameters.values()):
        named = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        if named and (not at or kinds[at - 1] is inspect.Parameter.POSITIONAL_OR_KEYWORD):
            arguments.append("    *,")
        arguments.append(f"    {parameter},")
    returned = "" if back is inspect.Signature.empty else f" -> {back}"
    return "\n".join([f"{name}(", *arguments, f"){returned}"])
