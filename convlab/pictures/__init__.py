"""Pictures from Python: one function for each that the command line has, and what it returns.

Each takes a run or its folder, a model's name or numbers, with the command's defaults, and returns
a ``Picture``, which a notebook shows and ``save`` writes.  They are loaded on first use, and all
refuse arguments of the wrong type with a DTypeError.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from convlab.checks import typed

if TYPE_CHECKING:
    from convlab.pictures._activations import activations
    from convlab.pictures._all_reduce import all_reduce
    from convlab.pictures._any_size import any_size
    from convlab.pictures._apply import apply
    from convlab.pictures._architecture import architecture
    from convlab.pictures._arithmetic import arithmetic, explain_example
    from convlab.pictures._augment import augment
    from convlab.pictures._backward import backward
    from convlab.pictures._channel_sum import channel_sum
    from convlab.pictures._colours import colours
    from convlab.pictures._compare_conventions import compare_conventions
    from convlab.pictures._confusion import confusion
    from convlab.pictures._connection_table import connection_table
    from convlab.pictures._connections import connections
    from convlab.pictures._convolution_1d import convolution_1d
    from convlab.pictures._costs import costs
    from convlab.pictures._curves import curves
    from convlab.pictures._descent import descent
    from convlab.pictures._detect import detect
    from convlab.pictures._dropout import dropout
    from convlab.pictures._effective_field import effective_receptive_field
    from convlab.pictures._embedding import embedding
    from convlab.pictures._equivariance import equivariance
    from convlab.pictures._explanation import explanation
    from convlab.pictures._features import features
    from convlab.pictures._field_growth import field_growth
    from convlab.pictures._filters import filters, filters_by_epoch
    from convlab.pictures._flatten import flatten
    from convlab.pictures._grad_cam import grad_cam
    from convlab.pictures._groups import groups
    from convlab.pictures._hierarchy import hierarchy
    from convlab.pictures._im2col import im2col
    from convlab.pictures._image import image
    from convlab.pictures._invariance import invariance
    from convlab.pictures._ladder import ladder
    from convlab.pictures._maximise import maximise
    from convlab.pictures._mistakes import mistakes
    from convlab.pictures._neighbours import neighbours
    from convlab.pictures._occlusion import occlusion
    from convlab.pictures._padding_modes import padding_modes
    from convlab.pictures._parameters import parameters
    from convlab.pictures._photo_window import photo_window
    from convlab.pictures._pooled import pooled
    from convlab.pictures._pooling import pooling
    from convlab.pictures._receptive_field import (
        receptive_field,
        receptive_field_chain,
        receptive_field_pyramid,
    )
    from convlab.pictures._roc import roc
    from convlab.pictures._saliency import saliency
    from convlab.pictures._segment import segment
    from convlab.pictures._stamping import stamping
    from convlab.pictures._stylize import stylize
    from convlab.pictures._top_patches import top_patches
    from convlab.pictures._two_ways import two_ways
    from convlab.pictures._usage import usage
    from convlab.pictures._weights import weights
    from convlab.pictures.picture import Picture

_MODULES = {
    "Picture": "picture",
    "activations": "_activations",
    "all_reduce": "_all_reduce",
    "any_size": "_any_size",
    "apply": "_apply",
    "architecture": "_architecture",
    "arithmetic": "_arithmetic",
    "augment": "_augment",
    "backward": "_backward",
    "channel_sum": "_channel_sum",
    "colours": "_colours",
    "compare_conventions": "_compare_conventions",
    "confusion": "_confusion",
    "connection_table": "_connection_table",
    "connections": "_connections",
    "convolution_1d": "_convolution_1d",
    "costs": "_costs",
    "curves": "_curves",
    "descent": "_descent",
    "detect": "_detect",
    "dropout": "_dropout",
    "effective_receptive_field": "_effective_field",
    "embedding": "_embedding",
    "equivariance": "_equivariance",
    "explain_example": "_arithmetic",
    "explanation": "_explanation",
    "features": "_features",
    "field_growth": "_field_growth",
    "filters": "_filters",
    "filters_by_epoch": "_filters",
    "flatten": "_flatten",
    "grad_cam": "_grad_cam",
    "groups": "_groups",
    "hierarchy": "_hierarchy",
    "im2col": "_im2col",
    "image": "_image",
    "invariance": "_invariance",
    "ladder": "_ladder",
    "maximise": "_maximise",
    "mistakes": "_mistakes",
    "neighbours": "_neighbours",
    "occlusion": "_occlusion",
    "padding_modes": "_padding_modes",
    "parameters": "_parameters",
    "photo_window": "_photo_window",
    "pooled": "_pooled",
    "pooling": "_pooling",
    "receptive_field": "_receptive_field",
    "receptive_field_chain": "_receptive_field",
    "receptive_field_pyramid": "_receptive_field",
    "roc": "_roc",
    "saliency": "_saliency",
    "segment": "_segment",
    "stamping": "_stamping",
    "stylize": "_stylize",
    "top_patches": "_top_patches",
    "two_ways": "_two_ways",
    "usage": "_usage",
    "weights": "_weights",
}
"""The names, and the module of each."""

__all__ = [
    "Picture",
    "activations",
    "all_reduce",
    "any_size",
    "apply",
    "architecture",
    "arithmetic",
    "augment",
    "backward",
    "channel_sum",
    "colours",
    "compare_conventions",
    "confusion",
    "connection_table",
    "connections",
    "convolution_1d",
    "costs",
    "curves",
    "descent",
    "detect",
    "dropout",
    "effective_receptive_field",
    "embedding",
    "equivariance",
    "explain_example",
    "explanation",
    "features",
    "field_growth",
    "filters",
    "filters_by_epoch",
    "flatten",
    "grad_cam",
    "groups",
    "hierarchy",
    "im2col",
    "image",
    "invariance",
    "ladder",
    "maximise",
    "mistakes",
    "neighbours",
    "occlusion",
    "padding_modes",
    "parameters",
    "photo_window",
    "pooled",
    "pooling",
    "receptive_field",
    "receptive_field_chain",
    "receptive_field_pyramid",
    "roc",
    "saliency",
    "segment",
    "stamping",
    "stylize",
    "top_patches",
    "two_ways",
    "usage",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    if inspect.isfunction(value):
        value = typed(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
