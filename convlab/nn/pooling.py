"""Maxima and means over windows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.errors import SpecError
from convlab.nn.families import Family, Pooled, Window
from convlab.nn.module import IntOrPair, Module, check_image, register
from convlab.nn.notations import adaptive_notations, pooling_notations
from convlab.tensors import Tensor


class Pooling(Module):
    """What all pooling has in common: windows, each reduced to one number by ``reduction``.

    ``reduction``: maximum, mean or sum.  ``adaptive``: the output's size is given, not the
    windows'.
    """

    family = Family.POOLING
    reduction = ""
    adaptive = False

    def windows(self, shape: tuple[int, ...]) -> shapes.PoolWindows:
        """The windows over an input of shape (C, H, W).  Raises ShapeError."""
        raise NotImplementedError

    def output_shape(self, shape):
        return (shape[0], *self.windows(shape).output)

    def connections(self, shape):
        return shape[0] * int(self.windows(shape).divisor.sum())

    def reads(self, shape, unit):
        channel, *at = unit
        windows = self.windows(shape)
        rows = window_cells(windows.row_start, windows.row_end, windows.dilation[0], at[0])
        columns = window_cells(windows.column_start, windows.column_end, windows.dilation[1], at[1])
        divisor = float(windows.divisor[tuple(at)]) if self.reduction == "mean" else None
        return Pooled(channel, rows, columns, self.reduction, divisor)


def window_cells(start: np.ndarray, end: np.ndarray, dilation: int, at: int) -> np.ndarray:
    """The rows or columns of a map that the window at ``at`` reads, only those inside the map."""
    return np.arange(int(start[at]), int(end[at]), dilation)


class _Pool2d(Pooling):
    """What maximum and average pooling have in common: a window of ``kernel_size``.

    ``padding``: a number, (rows, columns), or top, bottom, left, right.
    """

    count_include_pad = True
    divisor_override: int | None = None

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        padding: IntOrPair | Sequence[int],
        dilation: IntOrPair,
        ceil_mode: bool,
    ):
        super().__init__()
        self.kernel_size = shapes.pair(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else shapes.pair(stride, "stride")
        self.padding = shapes.pool_padding(padding, self.kernel_size)
        self.dilation = shapes.pair(dilation, "dilation")
        self.ceil_mode = ceil_mode

    @property
    def sides(self) -> shapes.Sides:
        """Padding at the top, bottom, left and right."""
        return shapes.padding_sides(self.padding, self.kernel_size)

    def windows(self, shape):
        check_image(self, shape)
        return shapes.pool_windows(
            tuple(shape[1:]),
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def window(self, shape):
        return Window(self.kernel_size, self.stride, self.sides, self.dilation)

    def notations(self, shape):
        if len(self.padding) == 4 or (self.reduction == "mean" and self.dilation != (1, 1)):
            return ()
        return pooling_notations(
            shape,
            self.reduction,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def connections(self, shape):
        return math.prod(self.kernel_size) * math.prod(self.output_shape(shape))

    def reads(self, shape, unit):
        # The whole window, including what overhangs the input.
        inside = super().reads(shape, unit)
        spans = []
        for axis, cells in enumerate((inside.rows, inside.columns)):
            first = unit[1 + axis] * self.stride[axis] - self.sides[2 * axis]
            reach = first + self.dilation[axis] * np.arange(self.kernel_size[axis])
            spans.append(np.where(np.isin(reach, cells), reach, -1))
        return inside._replace(rows=spans[0], columns=spans[1])

    def pytorch_arguments(self):
        if len(self.padding) == 4:
            raise SpecError(
                "expected padding that PyTorch has, as much above as below and left as right,"
                f" got {self.padding} (top, bottom, left, right)"
            )
        return super().pytorch_arguments()

    def extra_repr(self) -> str:
        text = f"kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        return text + (", ceil_mode=True" if self.ceil_mode else "")


@register
class MaxPool2d(_Pool2d):
    """Maximum over windows; see ``functional.max_pool2d``.

    ``padding``: of all sides, (rows, columns), or top, bottom, left, right.
    """

    words, short = "max pooling", "max"
    reduction = "maximum"
    sign = "kept"
    steady = True
    pytorch = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair | Sequence[int] = 0,
        dilation: IntOrPair = 1,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        settings = self.stride, self.sides, self.dilation, self.ceil_mode
        return F.max_pool2d(x, self.kernel_size, *settings, relu=relu)


@register
class AvgPool2d(_Pool2d):
    """Mean over windows; see ``functional.avg_pool2d``.

    ``padding``: as of ``MaxPool2d``.
    """

    words, short = "average pooling", "mean"
    reduction = "mean"
    sign = "kept"
    steady = True
    pytorch: tuple[str, ...] = (
        "kernel_size",
        "stride",
        "padding",
        "ceil_mode",
        "count_include_pad",
        "divisor_override",
    )

    def __init__(
        self,
        kernel_size: IntOrPair,
        stride: IntOrPair | None = None,
        padding: IntOrPair | Sequence[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        dilation: IntOrPair = 1,
    ):
        super().__init__(kernel_size, stride, padding, dilation, ceil_mode)
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def pytorch_arguments(self):
        if self.dilation != (1, 1):
            raise SpecError(
                f"expected averages without dilation, as PyTorch's, got {self.dilation}"
            )
        return super().pytorch_arguments()

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
            dilation=self.dilation,
        )


@register
class AdaptiveAvgPool2d(Pooling):
    """Mean over as many evenly spread windows as asked for; 1 is global pooling."""

    words, short = "adaptive average pooling", "mean"
    reduction = "mean"
    adaptive = True
    sign = "kept"
    steady = True
    pytorch = ("output_size",)

    def __init__(self, output_size: int | None | Sequence[int | None]):
        super().__init__()
        self.output_size = tuple(output_size) if isinstance(output_size, list) else output_size

    def windows(self, shape):
        check_image(self, shape)
        return shapes.adaptive_pool_windows(
            tuple(shape[1:]), shapes.adaptive_output(tuple(shape[1:]), self.output_size)
        )

    def notations(self, shape):
        return adaptive_notations(shape, self.reduction, self.output_size)

    def window(self, shape):
        """The window if all are alike, else None."""
        windows = self.windows(shape)
        if any(i % o for i, o in zip(windows.input, windows.output, strict=True)):
            return None
        size = tuple(i // o for i, o in zip(windows.input, windows.output, strict=True))
        return Window(size, size)

    def field_of(self, field, shape):
        output = self.windows(shape).output
        rows, columns = (
            axis_field.through_adaptive(shape[1 + axis], output[axis])
            for axis, axis_field in enumerate(field)
        )
        return rows, columns

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


@register
class AdaptiveMaxPool2d(AdaptiveAvgPool2d):
    """Maximum over as many evenly spread windows as asked for; 1 is global pooling."""

    words, short = "adaptive max pooling", "max"
    reduction = "maximum"
    steady = True
    pytorch = ("output_size",)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_max_pool2d(x, self.output_size)
