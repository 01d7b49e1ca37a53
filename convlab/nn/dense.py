"""The dense layer."""

from __future__ import annotations

import numpy as np

from convlab import functional as F
from convlab.checks import LARGEST, whole
from convlab.errors import ShapeError
from convlab.nn.families import Family, Products
from convlab.nn.initial import initial_weight
from convlab.nn.module import Module, Parameter, register
from convlab.nn.notations import dense_notations
from convlab.tensors import Tensor


@register
class Linear(Module):
    """Dense layer; weight: (out_features, in_features), bias: (out_features,)."""

    family = Family.DENSE
    words = short = "dense"
    steady = True
    pytorch = ("in_features", "out_features")

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        initialisation: str | None = "he",
    ):
        super().__init__()
        for count in (in_features, out_features):
            whole(count, "Linear: features", -LARGEST)
        if min(in_features, out_features) < 1:
            raise ShapeError(
                f"Linear: expected at least one feature, got {in_features} and {out_features}"
            )
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(initial_weight((out_features, in_features), initialisation))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def output_shape(self, shape):
        if tuple(shape) != (self.in_features,):
            raise ShapeError(
                f"Linear: expected an input of shape ({self.in_features},), got {tuple(shape)}"
            )
        return (self.out_features,)

    def connections(self, shape):
        return self.own_parameter_count()

    def multiply_adds(self, shape):
        return self.weight.size

    def reads(self, shape, unit):
        (o,) = unit
        return Products(self.weight.numpy()[o], None if self.bias is None else self.bias.numpy()[o])

    def notations(self, shape):
        return dense_notations(self.in_features, self.out_features, self.bias is not None)

    def pytorch_arguments(self):
        return super().pytorch_arguments() | {"bias": self.bias is not None}

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        return F.linear(x, self.weight, self.bias, relu=relu)

    def extra_repr(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{bias}"
