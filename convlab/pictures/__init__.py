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
    from convlab.pictures._architecture import architecture
    from convlab.pictures._costs import costs
    from convlab.pictures._effective_field import effective_receptive_field
    from convlab.pictures._explanation import explanation
    from convlab.pictures._filters import filters, filters_by_epoch
    from convlab.pictures._receptive_field import (
        receptive_field,
        receptive_field_chain,
        receptive_field_pyramid,
    )
    from convlab.pictures.picture import Picture

_MODULES = {
    "Picture": "picture",
    "activations": "_activations",
    "architecture": "_architecture",
    "costs": "_costs",
    "effective_receptive_field": "_effective_field",
    "explanation": "_explanation",
    "filters": "_filters",
    "filters_by_epoch": "_filters",
    "receptive_field": "_receptive_field",
    "receptive_field_chain": "_receptive_field",
    "receptive_field_pyramid": "_receptive_field",
}
"""The names, and the module of each."""

__all__ = [
    "Picture",
    "activations",
    "architecture",
    "costs",
    "effective_receptive_field",
    "explanation",
    "filters",
    "filters_by_epoch",
    "receptive_field",
    "receptive_field_chain",
    "receptive_field_pyramid",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
