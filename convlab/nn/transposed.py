"""Transposed convolution."""

from __future__ import annotations

import math

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.errors import ShapeError
from convlab.nn.convolution import check_channels, convolution_repr, pytorch_padding
from convlab.nn.families import Family, Taps
from convlab.nn.initial import initial_weight
from convlab.nn.module import IntOrPair, Module, Parameter, check_image, register
from convlab.tensors import Tensor


@register
class ConvTranspose2d(Module):
    """Transposed convolution; see ``functional.conv_transpose2d``.

    weight: (in_channels, out_channels / groups, kernel rows, kernel columns).
    """

    family = Family.TRANSPOSED
    words, short = "transposed convolution", "conv"
    steady = True
    pytorch = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "output_padding",
        "groups",
        "dilation",
    )

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair = 0,
        output_padding: IntOrPair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntOrPair = 1,
        initialisation: str | None = "he",
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.dilation = shapes.pair(dilation, "dilation")
        self.padding = shapes.padding_sides(padding, self.kernel_size, self.stride, self.dilation)
        self.output_padding = shapes.pair(output_padding, "output_padding", least=0)
        check_channels("ConvTranspose2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        shape = (in_channels, out_channels // groups, *self.kernel_size)
        self.weight = Parameter(initial_weight(shape, initialisation))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def output_shape(self, shape):
        check_image(self, shape, self.in_channels)
        size = tuple(
            shapes.conv_transpose_output(
                shape[1 + axis],
                self.kernel_size[axis],
                self.stride[axis],
                self.padding[2 * axis] + self.padding[2 * axis + 1],
                self.output_padding[axis],
                self.dilation[axis],
            )
            for axis in (0, 1)
        )
        if min(size) < 1:
            raise ShapeError(
                f"ConvTranspose2d: expected less padding than the output has, got an output of"
                f" {shapes.size_text(*size)}"
            )
        return (self.out_channels, *size)

    def field_of(self, field, shape):
        rows, columns = (
            axis_field.through_transposed(
                self.kernel_size[axis],
                self.stride[axis],
                self.padding[2 * axis],
                self.dilation[axis],
            )
            for axis, axis_field in enumerate(field)
        )
        return rows, columns

    def multiply_adds(self, shape):
        return self.weight.size * math.prod(shape[1:])

    def connections(self, shape):
        biases = 0 if self.bias is None else math.prod(self.output_shape(shape))
        return self.multiply_adds(shape) + biases

    def reads(self, shape, unit):
        o, *at = unit
        sources = []
        for axis in (0, 1):
            size, stride = shape[1 + axis], self.stride[axis]
            # Input cell i reaches output cell s i + d k - p with tap k.
            reach = self.dilation[axis] * np.arange(self.kernel_size[axis])
            read, rest = np.divmod(at[axis] + self.padding[2 * axis] - reach, stride)
            sources.append(np.where((rest == 0) & (read >= 0) & (read < size), read, -1))
        rows, columns = sources
        per_group = self.in_channels // self.groups
        out_group = self.out_channels // self.groups
        maps = np.arange(per_group) + o // out_group * per_group
        return Taps(
            maps,
            rows,
            columns,
            (rows[:, None] < 0) | (columns < 0),
            self.weight.numpy()[maps, o % out_group],
            None if self.bias is None else self.bias.numpy()[o],
            "transposed",
            bias_first=False,
            turned=True,
        )

    def pytorch_arguments(self):
        return super().pytorch_arguments() | pytorch_padding(self)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )

    def extra_repr(self) -> str:
        extra = "" if self.output_padding == (0, 0) else f", output_padding={self.output_padding}"
        return f"{self.in_channels}, {self.out_channels}, {convolution_repr(self)}{extra}"
