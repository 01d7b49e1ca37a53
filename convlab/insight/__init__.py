"""What a network does with an image, as arrays."""

from convlab.insight.explain import (
    PROBABILITIES,
    Cell,
    ConvolutionSum,
    DenseSum,
    Distance,
    Explanation,
    Pointwise,
    Pooling,
    SoftmaxShare,
    explain,
    ulps,
)
from convlab.insight.trace import Activation, trace
from convlab.insight.units import UnitField, unit_field

__all__ = [
    "Activation",
    "Cell",
    "ConvolutionSum",
    "DenseSum",
    "Distance",
    "Explanation",
    "PROBABILITIES",
    "Pointwise",
    "Pooling",
    "SoftmaxShare",
    "UnitField",
    "explain",
    "trace",
    "ulps",
    "unit_field",
]
