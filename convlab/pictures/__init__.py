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
    from convlab.pictures._costs import costs
    from convlab.pictures._equivariance import equivariance
    from convlab.pictures._features import features
    from convlab.pictures._filters import filters, filters_by_epoch
    from convlab.pictures._grad_cam import grad_cam
    from convlab.pictures._invariance import invariance
    from convlab.pictures._maximise import maximise
    from convlab.pictures._occlusion import occlusion
    from convlab.pictures._saliency import saliency
    from convlab.pictures._two_ways import two_ways
    from convlab.pictures.picture import Picture

_MODULES = {
    "Picture": "picture",
    "activations": "_activations",
    "costs": "_costs",
    "equivariance": "_equivariance",
    "features": "_features",
    "filters": "_filters",
    "filters_by_epoch": "_filters",
    "grad_cam": "_grad_cam",
    "invariance": "_invariance",
    "maximise": "_maximise",
    "occlusion": "_occlusion",
    "saliency": "_saliency",
    "two_ways": "_two_ways",
}
"""The names, and the module of each."""

__all__ = [
    "Picture",
    "activations",
    "costs",
    "equivariance",
    "features",
    "filters",
    "filters_by_epoch",
    "grad_cam",
    "invariance",
    "maximise",
    "occlusion",
    "saliency",
    "two_ways",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
