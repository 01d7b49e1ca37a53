"""Worked examples: the arithmetic of convolution step by step, with the engine's numbers.

What lectures write on the board: each function computes with the same operations
that train networks, and returns what a figure or a terminal needs to show it.
"""

from convlab.worked.convolution import Convolution, convolution, random_values, resolve_padding
from convlab.worked.counts import (
    Count,
    LayerCount,
    conv_layer,
    count_layers,
    dense_layer,
    flatten_layer,
    pool_layer,
    shape_text,
    wirings,
)
from convlab.worked.pooling import Pooling, pooling
from convlab.worked.relations import SizeRelation, conv_size, conv_transpose_size, pool_size

__all__ = [
    "Convolution",
    "Count",
    "LayerCount",
    "Pooling",
    "conv_layer",
    "convolution",
    "count_layers",
    "dense_layer",
    "flatten_layer",
    "pool_layer",
    "shape_text",
    "wirings",
    "pooling",
    "random_values",
    "resolve_padding",
    "SizeRelation",
    "conv_size",
    "conv_transpose_size",
    "pool_size",
]
