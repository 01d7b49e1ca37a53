"""Pictures from Python: one function for each that the command line has, and what it returns.

Each takes a run or its folder, a model's name or numbers, with the command's defaults, and
returns a ``Picture``, which a notebook shows and ``save`` writes.  They are loaded when they are
first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convlab.pictures._activations import activations
    from convlab.pictures._apply import apply
    from convlab.pictures._arithmetic import arithmetic, explain_example
    from convlab.pictures._compare_conventions import compare_conventions
    from convlab.pictures._costs import costs
    from convlab.pictures._detect import detect
    from convlab.pictures._filters import filters, filters_by_epoch
    from convlab.pictures._pooling import pooling
    from convlab.pictures._segment import segment
    from convlab.pictures._stylize import stylize
    from convlab.pictures.picture import Picture

_MODULES = {
    "Picture": "picture",
    "activations": "_activations",
    "apply": "_apply",
    "arithmetic": "_arithmetic",
    "compare_conventions": "_compare_conventions",
    "costs": "_costs",
    "detect": "_detect",
    "explain_example": "_arithmetic",
    "filters": "_filters",
    "filters_by_epoch": "_filters",
    "pooling": "_pooling",
    "segment": "_segment",
    "stylize": "_stylize",
}
"""The names, and the module of each."""

__all__ = [
    "Picture",
    "activations",
    "apply",
    "arithmetic",
    "compare_conventions",
    "costs",
    "detect",
    "explain_example",
    "filters",
    "filters_by_epoch",
    "pooling",
    "segment",
    "stylize",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
