"""Worked examples: the arithmetic of convolution step by step, with the engine's numbers.

What a lecturer writes on the board: each function computes with the same
operations that train networks, and returns what a figure or a terminal needs to
show it.
"""

from convlab.lessons.activations import ACTIVATIONS, activation_curve
from convlab.lessons.classic import (
    KERNELS,
    Applied,
    AppliedView,
    ClassicKernel,
    apply_kernel,
    classic_kernel,
    direction_errors,
    record,
)
from convlab.lessons.colours import ColourConvolution, colour_convolution
from convlab.lessons.conventions import Conventions, compare_conventions
from convlab.lessons.convolution import (
    Convolution,
    convolution,
    padding_by,
    random_values,
    resolve_padding,
    transposed_convolution,
)
from convlab.lessons.count_table import count_lines, layer_code_lines
from convlab.lessons.counts import (
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
from convlab.lessons.downsizing import FILTERS, POOLS, Downsizing, downsizing, read_pool
from convlab.lessons.example import convolution_example, example_input
from convlab.lessons.field_growth import FieldGrowth, field_growth
from convlab.lessons.field_table import field_explanation, field_table
from convlab.lessons.neighbours import Neighbours, correlation_at, neighbours, shuffle_pixels
from convlab.lessons.patterns import PATTERNS, pattern
from convlab.lessons.pooling import Pooling, adaptive_pooling, pooling
from convlab.lessons.pyramid import field_pyramid
from convlab.lessons.recursion import field_recursion
from convlab.lessons.relations import SizeRelation, conv_size, conv_transpose_size, pool_size
from convlab.lessons.usage import Usage, usage
from convlab.lessons.window_lines import example_lines

__all__ = [
    "ACTIVATIONS",
    "activation_curve",
    "Conventions",
    "Applied",
    "ClassicKernel",
    "AppliedView",
    "KERNELS",
    "PATTERNS",
    "apply_kernel",
    "classic_kernel",
    "direction_errors",
    "pattern",
    "record",
    "FILTERS",
    "POOLS",
    "Downsizing",
    "downsizing",
    "read_pool",
    "ColourConvolution",
    "colour_convolution",
    "Convolution",
    "Count",
    "LayerCount",
    "Pooling",
    "compare_conventions",
    "conv_layer",
    "convolution",
    "convolution_example",
    "example_input",
    "example_lines",
    "count_layers",
    "count_lines",
    "layer_code_lines",
    "dense_layer",
    "FieldGrowth",
    "field_explanation",
    "field_growth",
    "field_pyramid",
    "field_recursion",
    "field_table",
    "Neighbours",
    "correlation_at",
    "neighbours",
    "shuffle_pixels",
    "flatten_layer",
    "pool_layer",
    "shape_text",
    "wirings",
    "adaptive_pooling",
    "padding_by",
    "pooling",
    "random_values",
    "resolve_padding",
    "transposed_convolution",
    "SizeRelation",
    "conv_size",
    "conv_transpose_size",
    "pool_size",
    "Usage",
    "usage",
]
