"""Layers along one axis: those of images with one row, for signals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from convlab import shapes
from convlab.checks import shown, whole
from convlab.errors import ShapeError
from convlab.nn.convolution import Conv2d
from convlab.nn.module import Module, Parameter, register
from convlab.nn.normalisation import BatchNorm2d
from convlab.nn.pooling import AvgPool2d, MaxPool2d
from convlab.tensors import Tensor

IntOrOne = int | Sequence[int]


def one_row(
    module: Module, shape: tuple[int, ...], channels: int | None = None
) -> tuple[int, int, int]:
    """The image of one row that a signal (channels, length) is; one of one row as it is.

    Raises ShapeError for anything else.
    """
    image = shapes.as_image(shape)
    if len(image) != 3 or image[1] != 1 or channels not in (None, image[0]):
        wanted = "channels" if channels is None else channels
        raise ShapeError(
            f"{type(module).__name__}: expected signals of shape ({wanted}, length), or images of"
            f" one row, ({wanted}, 1, length), got {shown(shape)}"
        )
    return image[0], image[1], image[2]


def _along_row(module: Module, x: Tensor, forward: Any, channels: int | None = None) -> Tensor:
    """``forward`` of images, done to signals (N, C, L) or (C, L), or to images of one row."""
    if x.ndim == 4:
        one_row(module, x.shape[1:], channels)
        return forward(x)
    if x.ndim not in (2, 3):
        one_row(module, x.shape[1:], channels)
    one_row(module, x.shape[-2:], channels)
    y = forward(x.unsqueeze(-2))
    return y.reshape(*y.shape[:-2], y.shape[-1])


def _one(value: IntOrOne, name: str, least: int = 1) -> int:
    """A number, which may stand in a list of one, as in PyTorch.  Raises ShapeError."""
    alone = value[0] if isinstance(value, tuple | list) and len(value) == 1 else value
    return whole(alone, name, least)


def _ends(padding: int | Sequence[int]) -> shapes.Sides:
    """No rows, and columns at both ends: one number for both, or (first, last)."""
    if isinstance(padding, tuple | list) and len(padding) == 2:
        first, last = (_one(end, "padding", 0) for end in padding)
        return 0, 0, first, last
    size = _one(padding, "padding", 0)
    return 0, 0, size, size


class _OneAxis(Module):
    """What layers with a window along one axis have in common, before their layer of images."""

    signal_axes = (2, 3)

    def output_shape(self, shape):
        channels, row, length = super().output_shape(one_row(self, shape))
        return (channels, length) if len(shape) == 2 else (channels, row, length)

    def notations(self, shape):
        return ()

    def reads(self, shape, unit):
        return super().reads(shape, unit) if len(shape) == 3 else None

    def pytorch_arguments(self):
        found = super().pytorch_arguments()
        return {k: v[1] if isinstance(v, tuple) else v for k, v in found.items()}

    def extra_repr(self) -> str:
        numbers = re.sub(r"=\((?:0|1), (\d+)\)", r"=\1", super().extra_repr())
        return re.sub(r"\(0, 0, (\d+, \d+)\)", r"(\1)", numbers)


@register
class Conv1d(_OneAxis, Conv2d):
    """Convolution along one axis, of signals (N, C, length) or of images with one row.

    ``padding``: of both ends, (first, last), same or valid.  weight: (out_channels,
    in_channels / groups, kernel_size).
    """

    words, short = "convolution along one axis", "conv"
    pytorch = Conv2d.pytorch

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrOne,
        stride: IntOrOne = 1,
        padding: int | str | Sequence[int] = 0,
        dilation: IntOrOne = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        initialisation: str | None = "he",
    ):
        super().__init__(
            in_channels,
            out_channels,
            (1, _one(kernel_size, "kernel_size")),
            (1, _one(stride, "stride")),
            padding if isinstance(padding, str) else _ends(padding),
            (1, _one(dilation, "dilation")),
            groups,
            bias,
            padding_mode,
            initialisation,
        )
        self.weight = Parameter(self.weight.data[:, :, 0])

    def output_shape(self, shape):
        one_row(self, shape, self.in_channels)
        return super().output_shape(shape)

    def reads(self, shape, unit):
        taps = super().reads(shape, unit)
        return taps and taps._replace(weights=taps.weights[:, None])

    def forward(self, x: Tensor, relu: bool = False, norm: Any = None) -> Tensor:
        weight = self.weight.unsqueeze(2)
        return _along_row(
            self, x, lambda row: self._convolve(row, weight, relu, norm), self.in_channels
        )


@register
class MaxPool1d(_OneAxis, MaxPool2d):
    """Maximum over windows along one axis, of signals (N, C, length) or of images with one row.

    ``padding``: of both ends, or (first, last).
    """

    pytorch = MaxPool2d.pytorch

    def __init__(
        self,
        kernel_size: IntOrOne,
        stride: IntOrOne | None = None,
        padding: int | Sequence[int] = 0,
        dilation: IntOrOne = 1,
        ceil_mode: bool = False,
    ):
        super().__init__(
            (1, _one(kernel_size, "kernel_size")),
            None if stride is None else (1, _one(stride, "stride")),
            _ends(padding),
            (1, _one(dilation, "dilation")),
            ceil_mode,
        )

    def windows(self, shape):
        return super().windows(one_row(self, shape))

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        forward = super().forward
        return _along_row(self, x, lambda row: forward(row, relu))


@register
class AvgPool1d(_OneAxis, AvgPool2d):
    """Mean over windows along one axis, of signals (N, C, length) or of images with one row.

    ``padding``: of both ends, or (first, last).
    """

    pytorch = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")

    def __init__(
        self,
        kernel_size: IntOrOne,
        stride: IntOrOne | None = None,
        padding: int | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__(
            (1, _one(kernel_size, "kernel_size")),
            None if stride is None else (1, _one(stride, "stride")),
            _ends(padding),
            ceil_mode,
            count_include_pad,
        )

    def windows(self, shape):
        return super().windows(one_row(self, shape))

    def forward(self, x: Tensor) -> Tensor:
        return _along_row(self, x, super().forward)


@register
class BatchNorm1d(BatchNorm2d):
    """Batch normalisation of units (N, C), of signals (N, C, length) or of images with one row."""

    pytorch = BatchNorm2d.pytorch
    signal_axes = (1, 2, 3)

    def output_shape(self, shape):
        one_row(self, (*shape, 1) if len(shape) == 1 else shape, self.num_features)
        return shape

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        forward = super().forward
        signals = x.unsqueeze(2) if x.ndim == 2 else x
        y = _along_row(self, signals, lambda row: forward(row, relu), self.num_features)
        return y.reshape(x.shape)
