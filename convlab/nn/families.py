"""What kinds of layers there are, and what one number of a layer's output is made of.

Other packages ask a layer for these, never for its class.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from convlab import shapes


class Family(str, Enum):
    """What a layer does; each family's layers have the attributes that are named here.

    CONVOLUTION: kernel_size, stride, padding, dilation, groups, out_channels, weight, bias,
    padding_mode and ``connections_table`` (which outputs read which inputs, None: all).
    TRANSPOSED: the same with output_padding instead of the last two.  POOLING: ``windows``,
    ``reduction`` and ``adaptive``.  DENSE: out_features, weight, bias.  DISTANCE: centres.
    ACTIVATION: ``formula`` and ``of_numbers``.  NORMALISATION: ``scale_and_shift`` and
    ``formula``, where each number is made of one.  SOFTMAX: ``axis``.  DROPOUT: p.  PLACEMENT:
    ``reads`` of its own; each output is one input or 0, as of padding, cropping or repeating
    pixels.  RESIZING: ``reads``; each output is a mean of neighbours.  JOIN: ``summands``.
    """

    CONVOLUTION = "convolution"
    TRANSPOSED = "transposed convolution"
    POOLING = "pooling"
    DENSE = "dense"
    DISTANCE = "distance"
    ACTIVATION = "activation"
    SOFTMAX = "softmax"
    NORMALISATION = "normalisation"
    PLACEMENT = "placement"
    RESIZING = "resizing"
    RESHAPE = "reshape"
    DROPOUT = "dropout"
    JOIN = "join"


PASSES_ON = (Family.RESHAPE, Family.DROPOUT)
"""Families whose outputs are inputs, once a network is trained."""


class Block(NamedTuple):
    """Numbers in a row that are standardised together: how many, and with which weight and bias.

    by_channel: a weight and a bias for each channel, else for each place in the block.
    """

    size: int
    by_channel: bool
    eps: float


class Neighbours(NamedTuple):
    """Maps beside each other that answer for a number: see ``nn.LocalResponseNorm``."""

    size: int
    alpha: float
    beta: float
    k: float


class Window(NamedTuple):
    """A window that slides: (rows, columns) of each, padding as (top, bottom, left, right)."""

    kernel: shapes.Pair
    stride: shapes.Pair = (1, 1)
    padding: shapes.Sides = (0, 0, 0, 0)
    dilation: shapes.Pair = (1, 1)


# --- what one number of an output is made of --------------------------------------------------


class Taps(NamedTuple):
    """A weighted sum over a window on several maps, plus a bias, in the order of the loops.

    maps (C,): their numbers; rows (KH,) and columns (KW,): where the taps lie in the maps, -1
    where nothing is read; outside (KH, KW): what is padding; weights (C, KH, KW).  The bias is
    added first or last.  ``turned``: the window lies in the maps rotated by 180 degrees.
    """

    maps: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    outside: np.ndarray
    weights: np.ndarray
    bias: np.float32 | None
    padding_mode: str = "zeros"
    bias_first: bool = True
    turned: bool = False


class Pooled(NamedTuple):
    """One number of a window on one map: its maximum, mean or sum.

    rows (KH,) and columns (KW,): where the window lies in the map, -1 where nothing is read.
    A mean is divided by ``divisor``; a sum may be multiplied by ``coefficient`` and have
    ``bias`` added.
    """

    map: int
    rows: np.ndarray
    columns: np.ndarray
    reduction: str
    divisor: float | None = None
    coefficient: np.float32 | None = None
    bias: np.float32 | None = None


class Products(NamedTuple):
    """All inputs, each times its weight (I,), plus a bias."""

    weights: np.ndarray
    bias: np.float32 | None


class Squares(NamedTuple):
    """The squared distance of all inputs to a centre (I,)."""

    centre: np.ndarray


class Share(NamedTuple):
    """The share of one exponential in the sum of all along an axis of the output."""

    axis: int


class One(NamedTuple):
    """A single number of the input, at ``place``; None: no input, so it is 0."""

    place: tuple[int, ...] | None


class Standardised(NamedTuple):
    """(x - mean) / sqrt(variance + eps) * weight + bias of the single input x at ``place``."""

    place: tuple[int, ...]
    mean: np.float32
    variance: np.float32
    eps: float
    weight: np.float32
    bias: np.float32


Reads = Taps | Pooled | Products | Squares | Share | One | Standardised
