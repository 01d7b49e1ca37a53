"""The layers of LeNet-5 as published: LeCun, Bottou, Bengio & Haffner 1998."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.checks import real_numbers, whole
from convlab.errors import ShapeError
from convlab.nn.convolution import Conv2d
from convlab.nn.families import Family, Squares, Window
from convlab.nn.module import IntOrPair, Module, Parameter, check_image, register
from convlab.nn.pooling import Pooling
from convlab.tensors import Tensor


@register
class TableConv2d(Conv2d):
    """A convolution in which each output map reads only some of the input maps.

    ``connections_table``: (out_channels, in_channels) booleans; weights of pairs
    that are not connected stay zero and do not count as parameters.
    Source: layer C3 of LeCun, Bottou, Bengio & Haffner 1998, table I.
    Raises ShapeError for a table of another shape.
    """

    words = "convolution over a table"
    connections_table: np.ndarray

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        connections_table: Any,
        initialisation: str | None = "he",
    ):
        super().__init__(in_channels, out_channels, kernel_size, initialisation=initialisation)
        table = np.asarray(connections_table, dtype=bool)
        if table.shape != (out_channels, in_channels) or not table.any(axis=1).all():
            raise ShapeError(
                f"TableConv2d: expected a table of shape ({out_channels}, {in_channels}) with at"
                f" least one input map in each row, got shape {table.shape}"
            )
        self.connections_table = table
        self.weight.data *= table[:, :, None, None]

    def _trainable(self, parameter: Parameter) -> int:
        if parameter is not self.weight:
            return parameter.size
        return int(self.connections_table.sum()) * math.prod(self.kernel_size)

    def multiply_adds(self, shape):
        return self._trainable(self.weight) * math.prod(self.output_shape(shape)[1:])

    def arrays(self):
        arrays = super().arrays()
        return arrays | {"weight": arrays["weight"] * self._table(self.weight.dtype)}

    def reads(self, shape, unit):
        taps = super().reads(shape, unit)
        connected = self.connections_table[unit[0]]
        return taps._replace(maps=taps.maps[connected], weights=taps.weights[connected])

    def _table(self, dtype: np.dtype) -> np.ndarray:
        return self.connections_table[:, :, None, None].astype(dtype)

    def forward(self, x: Tensor, relu: bool = False, norm: Any = None) -> Tensor:
        return self._convolve(x, self.weight * self._table(self.weight.dtype), relu, norm)


@register
class Subsample2d(Pooling):
    """Sum over windows, times one trainable coefficient per map, plus one trainable bias per map.

    weight, bias: (channels,).  Windows do not overlap.
    Source: layers S2 and S4 of LeCun, Bottou, Bengio & Haffner 1998, section II.B.
    """

    words, short = "subsampling", "sum"
    reduction = "sum"

    def __init__(self, channels: int, kernel_size: IntOrPair):
        super().__init__()
        self.channels = whole(channels, "Subsample2d: channels")
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        # A mean at first: what the coefficient multiplies is the sum.
        scale = 1 / math.prod(self.kernel_size)
        self.weight = Parameter(np.full(channels, scale, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))

    def windows(self, shape):
        check_image(self, shape, self.channels)
        return shapes.pool_windows(tuple(shape[1:]), self.kernel_size, self.kernel_size)

    def window(self, shape):
        return Window(self.kernel_size, self.kernel_size)

    def connections(self, shape):
        return (math.prod(self.kernel_size) + 1) * math.prod(self.output_shape(shape))

    def multiply_adds(self, shape):
        return math.prod(self.output_shape(shape))

    def reads(self, shape, unit):
        weights = {"coefficient": self.weight, "bias": self.bias}
        numbers = {name: weight.numpy()[unit[0]] for name, weight in weights.items()}
        return super().reads(shape, unit)._replace(**numbers)

    def forward(self, x: Tensor) -> Tensor:
        total = F.avg_pool2d(x, self.kernel_size, divisor_override=1)
        return total * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel_size={self.kernel_size}"


@register
class EuclideanRBF(Module):
    """Squared distance of the input to one fixed centre for each class.

    ``centres``: (classes, features), not trained.
    Source: LeCun, Bottou, Bengio & Haffner 1998, equation 7.
    """

    family = Family.DISTANCE
    words, short = "squared Euclidean distances", "RBF"
    sign = "positive"

    def __init__(self, centres: np.ndarray):
        super().__init__()
        self.centres = real_numbers(centres, "EuclideanRBF: centres").astype(np.float32)
        if self.centres.ndim != 2:
            raise ShapeError(
                f"EuclideanRBF: expected centres (classes, features), got {self.centres.shape}"
            )

    def output_shape(self, shape):
        if tuple(shape) != self.centres.shape[1:]:
            raise ShapeError(
                f"EuclideanRBF: expected an input of shape {self.centres.shape[1:]}, got {shape}"
            )
        return self.centres.shape[:1]

    def connections(self, shape):
        return self.centres.size

    def multiply_adds(self, shape):
        return self.centres.size

    def reads(self, shape, unit):
        return Squares(self.centres[unit[0]])

    def arrays(self):
        return {"centres": self.centres}

    def forward(self, x: Tensor) -> Tensor:
        return F.squared_distance(x, self.centres)

    def extra_repr(self) -> str:
        return f"{self.centres.shape[1]}, {self.centres.shape[0]}"
