"""Convolution, and what transposed convolution has in common with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.checks import LARGEST, whole
from convlab.errors import ShapeError, SpecError
from convlab.nn.families import Family, Taps, Window
from convlab.nn.initial import initial_weight
from convlab.nn.module import IntOrPair, Module, Parameter, check_image, register
from convlab.nn.notations import convolution_notations
from convlab.tensors import Tensor


def check_channels(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    """Raise ShapeError for channels that are not divisible by the groups."""
    for count in (in_channels, out_channels, groups):
        whole(count, f"{name}: channels and groups", -LARGEST)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups + out_channels % groups:
        raise ShapeError(
            f"{name}: expected channels of at least 1 that groups divides, got {in_channels}"
            f" and {out_channels} channels in {groups} groups"
        )


@register
class Conv2d(Module):
    """Two-dimensional convolution; see ``functional.conv2d``.

    ``padding_mode`` is zeros, reflect, replicate or circular.  weight:
    (out_channels, in_channels / groups, kernel rows, kernel columns).
    """

    family = Family.CONVOLUTION
    words, short = "convolution", "conv"
    steady = True
    pytorch = (
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "dilation",
        "groups",
        "padding_mode",
    )
    connections_table: np.ndarray | None = None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        initialisation: str | None = "he",
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = shapes.pair(stride, "stride")
        self.dilation = shapes.pair(dilation, "dilation")
        # Four sides: top, bottom, left, right.
        self.padding = shapes.padding_sides(padding, self.kernel_size, self.stride, self.dilation)
        if padding_mode not in shapes.PADDING_MODES:
            raise SpecError(
                f"Conv2d: expected padding_mode {', '.join(shapes.PADDING_MODES)},"
                f" got {padding_mode!r}"
            )
        check_channels("Conv2d", in_channels, out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.padding_mode = padding_mode
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(initial_weight(shape, initialisation))
        self.bias = Parameter(np.zeros(out_channels, np.float32)) if bias else None

    def output_shape(self, shape):
        check_image(self, shape, self.in_channels)
        geometry = shapes.conv2d_geometry(
            self.in_channels,
            self.out_channels,
            tuple(shape[1:]),
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return (self.out_channels, *geometry.output)

    def window(self, shape):
        return Window(self.kernel_size, self.stride, self.padding, self.dilation)

    def connections(self, shape):
        return self.own_parameter_count() * math.prod(self.output_shape(shape)[1:])

    def multiply_adds(self, shape):
        return self.weight.size * math.prod(self.output_shape(shape)[1:])

    def notations(self, shape):
        if self.connections_table is not None:
            return ()
        return convolution_notations(
            shape,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            self.bias is not None,
            self.padding_mode,
        )

    def reads(self, shape, unit):
        o, *at = unit
        read, outside = [], []
        for axis in (0, 1):
            before, after = self.padding[2 * axis : 2 * axis + 2]
            size = shape[1 + axis]
            index = shapes.padding_index(size, before, after, self.padding_mode)
            reach = self.dilation[axis] * np.arange(self.kernel_size[axis])
            place = at[axis] * self.stride[axis] + reach
            read.append(index[place])
            outside.append((place < before) | (place >= before + size))
        rows, columns = read
        per_group = self.in_channels // self.groups
        first = o // (self.out_channels // self.groups) * per_group
        return Taps(
            np.arange(first, first + per_group),
            rows,
            columns,
            outside[0][:, None] | outside[1],
            self.weight.numpy()[o],
            None if self.bias is None else self.bias.numpy()[o],
            self.padding_mode,
        )

    def pytorch_arguments(self):
        return super().pytorch_arguments() | pytorch_padding(self)

    def forward(self, x: Tensor, relu: bool = False, norm: Any = None) -> Tensor:
        """The convolution, then ``norm``: a batch normalisation that is an affine map of each map.

        It is done where the results are stored, so that it takes no pass of its own.
        """
        return self._convolve(x, self.weight, relu, norm)

    def _convolve(self, x: Tensor, weight: Tensor, relu: bool = False, norm: Any = None) -> Tensor:
        padding: shapes.Sides | int = self.padding
        if self.padding_mode != "zeros":
            top, bottom, left, right = self.padding
            x = F.pad(x, (left, right, top, bottom), self.padding_mode)
            padding = 0
        settings = self.stride, padding, self.dilation, self.groups
        numbers = None if norm is None else norm.scale_and_shift()
        return F.conv2d(x, weight, self.bias, *settings, relu=relu, norm=numbers)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, {convolution_repr(self)}" + (
            "" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode!r}"
        )


def pytorch_padding(module: Any) -> dict[str, Any]:
    """Padding and bias, as PyTorch's layer takes them.  Raises SpecError for uneven padding."""
    top, bottom, left, right = module.padding
    padding: tuple[int, int] | str = (top, left)
    if padding != (bottom, right):
        kernel, dilation = module.kernel_size, module.dilation
        same = shapes.padding_sides("same", kernel, dilation=dilation)
        if (module.family, module.stride, module.padding) != (Family.CONVOLUTION, (1, 1), same):
            raise SpecError(
                "expected padding that PyTorch has, as much above as below and left as right,"
                f" got {module.padding} (top, bottom, left, right)"
            )
        padding = "same"
    return {"padding": padding, "bias": module.bias is not None}


def convolution_repr(module: Any) -> str:
    """The arguments after the channels of any convolution, as PyTorch prints them."""
    top, bottom, left, right = module.padding
    symmetric = (top, left) == (bottom, right)
    settings: list[tuple[str, Any, Any]] = [  # each with its default
        ("stride", module.stride, (1, 1)),
        ("padding", (top, left) if symmetric else module.padding, (0, 0)),
        ("dilation", module.dilation, (1, 1)),
        ("groups", module.groups, 1),
        ("bias", module.bias is not None, True),
    ]
    text = [f"kernel_size={module.kernel_size}"]
    return ", ".join(
        text + [f"{name}={value}" for name, value, usual in settings if value != usual]
    )
