"""What the rooms of convlab offer, as a Markdown page made from their docstrings."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

PYTHON = """\
# Names in Python

What each room of convlab has, from its docstrings; [In Python and in notebooks](python.md) shows
how they go together.
"""
ROOMS = (
    "interface",
    "pictures",
    "functional",
    "nn",
    "optim",
    "data",
    "models",
    "training",
    "insight",
)


def names_page() -> str:
    """The public functions and classes of ROOMS with their docstrings, in Markdown."""
    parts = [PYTHON]
    for room in ROOMS:
        module = importlib.import_module(f"convlab.{room}")
        called = "convlab" if room == "interface" else f"convlab.{room}"
        parts.append(f"## {called}\n\n{inspect.getdoc(module)}\n")
        own = [n for n, value in vars(module).items() if _is_of(value, module.__name__)]
        for name in sorted(getattr(module, "__all__", own)):
            value = getattr(module, name)
            if callable(value) and (text := inspect.getdoc(value)) and inspect.getmodule(value):
                parts.append(f"### {called}.{name}\n\n```\n{_typed(name, value)}\n\n{text}\n```\n")
    return "\n".join(parts)


class _Plain(str):
    """A type in words; a signature shows it without quotes."""

    __repr__ = str.__str__


def _plain(annotation: Any) -> Any:
    return _Plain(annotation) if isinstance(annotation, str) else annotation


def _is_of(value: Any, module: str) -> bool:
    """Whether a value is a public function or class that a module defines."""
    defined = inspect.isfunction(value) or inspect.isclass(value)
    return defined and value.__module__ == module and not value.__name__.startswith("_")


def _typed(name: str, value: Any) -> str:
    """A call as a signature, with one argument per line where it is long."""
    try:
        signature = inspect.signature(value)
    except ValueError:
        return name
    plain = [p.replace(annotation=_plain(p.annotation)) for p in signature.parameters.values()]
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
