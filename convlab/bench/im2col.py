"""Convolution as one matrix product, as NumPy does it where PyTorch is not installed.

The windows of the input become the columns of a matrix ("im2col": Chellapilla, Puri &
Simard 2006), and BLAS does the rest.  Arrays are (N, C, H, W).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convlab.shapes import Conv2dGeometry


def _columns(x: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """(groups, N, C / groups * KH * KW, OH * OW), copied."""
    top, bottom, left, right = g.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    span = tuple(d * (k - 1) + 1 for k, d in zip(g.kernel, g.dilation, strict=True))
    windows = sliding_window_view(padded, span, axis=(2, 3))
    windows = windows[:, :, :: g.stride[0], :: g.stride[1], :: g.dilation[0], :: g.dilation[1]]
    grouped = windows.reshape(len(x), g.groups, -1, *windows.shape[2:])
    ordered = grouped.transpose(1, 0, 2, 5, 6, 3, 4)
    return ordered.reshape(g.groups, len(x), -1, g.output[0] * g.output[1])


def forward(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """The output (N, O, OH, OW) of x (N, C, H, W)."""
    kernels = weight.reshape(g.groups, 1, g.out_channels // g.groups, -1)
    out = np.matmul(kernels, _columns(x, g))
    out = out.transpose(1, 0, 2, 3).reshape(len(x), g.out_channels, *g.output)
    return out + bias[:, None, None]


def grad_weight(grad: np.ndarray, x: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """The gradient of the weights (O, C / groups, KH, KW) from that of the output."""
    by_output = grad.reshape(len(x), g.groups, -1, g.output[0] * g.output[1]).swapaxes(0, 1)
    return np.matmul(by_output, _columns(x, g).swapaxes(2, 3)).sum(axis=1).reshape(g.weight_shape)


def grad_input(grad: np.ndarray, weight: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """The gradient of the input (N, C, H, W): each column goes back to its window ("col2im")."""
    count, per_group = len(grad), g.in_channels // g.groups
    by_output = grad.reshape(count, g.groups, -1, g.output[0] * g.output[1]).swapaxes(0, 1)
    kernels = weight.reshape(g.groups, 1, g.out_channels // g.groups, -1)
    columns = np.matmul(kernels.swapaxes(2, 3), by_output)
    columns = columns.reshape(g.groups, count, per_group, *g.kernel, *g.output)
    top, bottom, left, right = g.padding
    height, width = g.input
    out = np.zeros(
        (count, g.groups, per_group, height + top + bottom, width + left + right), grad.dtype
    )
    for kh, kw in np.ndindex(g.kernel):
        rows = slice(kh * g.dilation[0], None, g.stride[0])
        across = slice(kw * g.dilation[1], None, g.stride[1])
        part = out[..., rows, across][..., : g.output[0], : g.output[1]]
        part += columns[:, :, :, kh, kw].swapaxes(0, 1)
    out = out.reshape(count, g.in_channels, *out.shape[3:])
    return out[:, :, top : top + height, left : left + width]
