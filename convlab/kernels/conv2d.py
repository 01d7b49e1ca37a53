"""Convolution in two dimensions: forward and its three gradients.

As everywhere in machine learning, "convolution" is cross-correlation: the
kernel is not turned.  Arrays lie with the batch innermost: x: (C, H, W, N),
weight: (O, C / groups, KH, KW), bias: (O,), output: (O, OH, OW, N).  Sizes come
in a ``Conv2dGeometry``.

A transposed convolution is ``grad_input``: it has no loop of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from convlab.kernels.dispatch import Kernel
from convlab.kernels.gather import gather2d
from convlab.kernels.rows import TILE, multiply_rows, multiply_rows_transposed
from convlab.shapes import Conv2dGeometry

# --- the definition ---------------------------------------------------------------


def _taps(g: Conv2dGeometry):
    """Every (output channel, input channel, its number in the group, output cell, tap, input cell).

    Cells of the padding are left out: they are zero.
    """
    (height, width), (out_height, out_width) = g.input, g.output
    per_group_in, per_group_out = g.in_channels // g.groups, g.out_channels // g.groups
    for o in range(g.out_channels):
        for c in range(per_group_in):
            channel = o // per_group_out * per_group_in + c
            for oh in range(out_height):
                for ow in range(out_width):
                    for kh in range(g.kernel[0]):
                        for kw in range(g.kernel[1]):
                            ih = oh * g.stride[0] + kh * g.dilation[0] - g.padding[0]
                            iw = ow * g.stride[1] + kw * g.dilation[1] - g.padding[2]
                            if 0 <= ih < height and 0 <= iw < width:
                                yield o, channel, c, oh, ow, kh, kw, ih, iw


def _forward_reference(x, weight, bias, g):
    out = np.zeros((g.out_channels, *g.output, x.shape[3]), x.dtype)
    for o in range(g.out_channels):
        out[o] = bias[o]
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(x.shape[3]):
            out[o, oh, ow, n] += weight[o, c, kh, kw] * x[channel, ih, iw, n]
    return out


def _grad_input_reference(grad, weight, g):
    out = np.zeros((g.in_channels, *g.input, grad.shape[3]), grad.dtype)
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(grad.shape[3]):
            out[channel, ih, iw, n] += weight[o, c, kh, kw] * grad[o, oh, ow, n]
    return out


def _grad_weight_reference(grad, x, g):
    out = np.zeros(g.weight_shape, grad.dtype)
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(grad.shape[3]):
            out[o, c, kh, kw] += x[channel, ih, iw, n] * grad[o, oh, ow, n]
    return out


def _grad_bias_reference(grad):
    out = np.zeros(grad.shape[0], grad.dtype)
    for o in range(grad.shape[0]):
        for value in grad[o].flat:
            out[o] += value
    return out


# --- the CPU: rows of output from rows of input, see rows.py -----------------------


class _Plan(NamedTuple):
    """Where the taps of a convolution find their rows, for one geometry and batch size."""

    rows: np.ndarray | None  # rows and columns to gather first, None for the array as it is
    columns: np.ndarray | None
    offsets: np.ndarray  # (taps,) of each tap from the start of its output row's input
    group_step: int
    row_step: int


def _inside(index: np.ndarray, size: int) -> np.ndarray:
    """``index`` with -1, which gathers zero, for what lies outside."""
    return np.where((index >= 0) & (index < size), index, -1)


@lru_cache(maxsize=256)
def _input_plan(g: Conv2dGeometry, batch: int) -> _Plan:
    """Taps of the padded input as runs of lanes.

    With a column stride s, columns 0, s, 2s, ... of the padded input are laid
    first, then 1, s + 1, ... and so on: what one tap reads is then one run again.
    """
    (kh, kw), (sh, sw), (dh, dw) = g.kernel, g.stride, g.dilation
    top, bottom, left, right = g.padding
    rows = _inside(np.arange(-top, g.input[0] + bottom), g.input[0])
    per_phase = -(-(g.input[1] + left + right) // sw)
    columns = np.arange(per_phase * sw).reshape(per_phase, sw).T.reshape(-1) - left
    columns = _inside(columns, g.input[1])
    row_step = len(columns) * batch
    channel_step = len(rows) * row_step
    per_group = g.in_channels // g.groups
    along = np.arange(kw) * dw
    offsets = (
        np.arange(per_group)[:, None, None] * channel_step
        + np.arange(kh)[:, None] * dh * row_step
        + (along % sw * per_phase + along // sw) * batch
    )
    as_it_is = sw == 1 and not any(g.padding)
    return _Plan(
        None if as_it_is else rows,
        None if as_it_is else columns,
        offsets.astype(np.uintp).reshape(-1),
        per_group * channel_step,
        sh * row_step,
    )


def _lay(x: np.ndarray, plan: _Plan) -> np.ndarray:
    """The flat array that the plan's offsets point into."""
    if plan.rows is not None:
        x = gather2d.cpu(x, plan.rows, plan.columns)
    return x.reshape(-1)


def _is_pointwise(g: Conv2dGeometry) -> bool:
    """A 1 × 1 kernel that reads whole maps in order: all rows make one long row."""
    return g.kernel == (1, 1) and g.stride == (1, 1) and not any(g.padding)


def _forward_cpu(x, weight, bias, g):
    plan = _input_plan(g, x.shape[3])
    out = np.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    rows = 1 if _is_pointwise(g) else g.output[0]
    multiply_rows(
        _lay(x, plan),
        weight.reshape(g.out_channels, -1),
        bias,
        plan.offsets,
        g.groups,
        plan.group_step,
        plan.row_step,
        out.reshape(g.out_channels, rows, -1),
        TILE,
    )
    return out


class _Phase(NamedTuple):
    """The input rows and columns that share their taps in the gradient of input."""

    cells: tuple[slice, slice]
    kernel_rows: np.ndarray  # (r, 1) and (c,): the taps, as an index into the kernel
    kernel_columns: np.ndarray
    plan: _Plan


@lru_cache(maxsize=256)
def _grad_input_phases(g: Conv2dGeometry, batch: int) -> list[_Phase]:
    """Each input row as a sum of rows of the output's gradient.

    Padded input row u gets tap row kh from output row (u - kh * dilation) /
    stride where that divides.  So the rows u with the same remainder a = u mod
    stride share their taps, and make a convolution of stride 1 with those taps
    in reverse; columns likewise.
    """
    gathered, reach = [], []
    for axis in (0, 1):
        stride, before = g.stride[axis], g.padding[2 * axis]
        reach.append(g.dilation[axis] * (g.kernel[axis] - 1) // stride)
        last = (g.input[axis] - 1 + before) // stride
        needed = np.arange(before // stride - reach[axis], last + 1)
        gathered.append(_inside(needed, g.output[axis]))
    as_it_is = all(np.array_equal(i, np.arange(n)) for i, n in zip(gathered, g.output, strict=True))
    row_step = len(gathered[1]) * batch
    channel_step = len(gathered[0]) * row_step
    per_group = g.out_channels // g.groups
    phases = []
    for remainders in np.ndindex(g.stride):
        taps, offsets, cells = [], [], []
        for axis, remainder in enumerate(remainders):
            stride, before = g.stride[axis], g.padding[2 * axis]
            back = np.arange(g.kernel[axis]) * g.dilation[axis]
            taps.append(np.flatnonzero(back % stride == remainder))
            first = -(-(before - remainder) // stride)  # the first such u, divided by the stride
            offsets.append(first - before // stride + reach[axis] - back[taps[axis]] // stride)
            cells.append(slice(first * stride + remainder - before, None, stride))
        offset = (
            np.arange(per_group)[:, None, None] * channel_step
            + offsets[0][:, None] * row_step
            + offsets[1] * batch
        )
        plan = _Plan(
            None if as_it_is else gathered[0],
            None if as_it_is else gathered[1],
            offset.astype(np.uintp).reshape(-1),
            per_group * channel_step,
            row_step,
        )
        phases.append(_Phase(tuple(cells), taps[0][:, None], taps[1], plan))
    return phases


def _grad_input_cpu(grad, weight, g):
    batch = grad.shape[3]
    # (groups, in / group, out / group, KH, KW): what an input channel gets from whom
    weight = weight.reshape(g.groups, -1, *g.weight_shape[1:]).swapaxes(1, 2)
    out = np.empty((g.in_channels, *g.input, batch), grad.dtype)
    no_bias = np.zeros(g.in_channels, grad.dtype)
    phases = _grad_input_phases(g, batch)
    flat = _lay(grad, phases[0].plan)
    for cells, kernel_rows, kernel_columns, plan in phases:
        part = out[:, *cells]
        target = part if g.stride == (1, 1) else np.empty(part.shape, grad.dtype)
        if part.size == 0:
            continue
        taps = np.ascontiguousarray(weight[..., kernel_rows, kernel_columns])
        rows = 1 if _is_pointwise(g) else part.shape[1]
        multiply_rows(
            flat,
            taps.reshape(g.in_channels, -1),
            no_bias,
            plan.offsets,
            g.groups,
            plan.group_step,
            plan.row_step,
            target.reshape(g.in_channels, rows, -1),
            TILE,
        )
        if target is not part:
            part[:] = target
    return out


def _grad_weight_cpu(grad, x, g):
    plan = _input_plan(g, x.shape[3])
    rows = 1 if _is_pointwise(g) else g.output[0]
    # Enough turns to share among threads; a number that only the sizes decide.
    blocks = g.groups * -(-g.out_channels // g.groups // 4)
    chunks = max(1, min(rows, 16 // blocks))
    out = np.zeros((chunks, g.out_channels, len(plan.offsets)), grad.dtype)
    multiply_rows_transposed(
        _lay(x, plan),
        grad.reshape(g.out_channels, rows, -1),
        plan.offsets,
        g.groups,
        plan.group_step,
        plan.row_step,
        chunks,
        out,
    )
    return out.sum(axis=0).reshape(g.weight_shape)


def _grad_bias_cpu(grad):
    # NumPy adds each channel's run pairwise: more exact than one running sum, and as fast.
    return grad.reshape(grad.shape[0], -1).sum(axis=1)


forward = Kernel("conv2d.forward", _forward_reference, _forward_cpu)
grad_input = Kernel("conv2d.grad_input", _grad_input_reference, _grad_input_cpu)
grad_weight = Kernel("conv2d.grad_weight", _grad_weight_reference, _grad_weight_cpu)
grad_bias = Kernel("conv2d.grad_bias", _grad_bias_reference, _grad_bias_cpu)
