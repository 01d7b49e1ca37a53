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

    columns: np.ndarray | None  # columns to gather first, None for the array as it is
    offsets: np.ndarray  # (taps,) of each tap from the start of its output row's input
    taps_from: np.ndarray  # (rows,) range of the taps that are not padding
    taps_to: np.ndarray
    group_step: int
    row_step: int

    def lay(self, x: np.ndarray) -> np.ndarray:
        """The flat array that the offsets point into."""
        if self.columns is not None:
            x = gather2d.cpu(x, np.arange(x.shape[1]), self.columns)
        return x.reshape(-1)

    def rows(self, out: np.ndarray) -> np.ndarray:
        """``out`` (O, OH, OW, N) as the plan's (O, rows, lanes)."""
        return out.reshape(out.shape[0], len(self.taps_from), -1)


def _plan(size, columns, batch, per_group, row_taps, column_offsets, first, step, count):
    """The plan of ``count`` output rows; of output row r, tap row t reads input row
    ``first + r * step + row_taps[t]``, and nothing where the input has no such row.

    ``columns``: the input's column behind each column that is laid, -1 for zero;
    ``column_offsets``: of each kernel column, in columns as laid.
    """
    laid = not np.array_equal(columns, np.arange(size[1]))
    row_step = len(columns) * batch
    channel_step = size[0] * row_step
    row_taps = np.asarray(row_taps, dtype=np.int64)
    offsets = (
        (first + row_taps)[:, None, None] * row_step
        + np.arange(per_group)[:, None] * channel_step
        + np.asarray(column_offsets, dtype=np.int64) * batch
    )
    reads = first + np.arange(count)[:, None] * step + row_taps
    inside = (reads >= 0) & (reads < size[0])
    # Tap rows are in ascending or descending order, so those inside are one range.
    taps_per_row = per_group * len(column_offsets)
    taps_from = np.where(inside.any(axis=1), inside.argmax(axis=1), 0) if inside.size else 0
    taps_to = taps_from + inside.sum(axis=1)
    return _Plan(
        columns if laid else None,
        offsets.astype(np.uintp).reshape(-1),  # a negative one wraps around, and back when added
        np.broadcast_to(taps_from * taps_per_row, (count,)).copy(),
        np.broadcast_to(taps_to * taps_per_row, (count,)).copy(),
        per_group * channel_step,
        step * row_step,
    )


def _one_row(plan: _Plan) -> _Plan:
    """A 1 × 1 kernel that reads whole maps in order: all rows make one long row."""
    return plan._replace(taps_from=plan.taps_from[:1], taps_to=plan.taps_to[:1])


def _is_pointwise(g: Conv2dGeometry) -> bool:
    return g.kernel == (1, 1) and g.stride == (1, 1) and not any(g.padding)


@lru_cache(maxsize=256)
def _input_plan(g: Conv2dGeometry, batch: int) -> _Plan:
    """Taps of the input as runs of lanes.

    With a column stride s, columns 0, s, 2s, ... of the padded input are laid
    first, then 1, s + 1, ... and so on: what one tap reads is then one run again.
    """
    (kh, kw), (sh, sw), (dh, dw) = g.kernel, g.stride, g.dilation
    top, _, left, right = g.padding
    per_phase = -(-(g.input[1] + left + right) // sw)
    columns = np.arange(per_phase * sw).reshape(per_phase, sw).T.reshape(-1) - left
    along = np.arange(kw) * dw
    plan = _plan(
        g.input,
        np.where((columns >= 0) & (columns < g.input[1]), columns, -1),
        batch,
        g.in_channels // g.groups,
        np.arange(kh) * dh,
        along % sw * per_phase + along // sw,
        -top,
        sh,
        g.output[0],
    )
    return _one_row(plan) if _is_pointwise(g) else plan


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
    # One copy of the columns serves all phases; the first one that is needed and how many.
    left, stride = g.padding[2], g.stride[1]
    leftmost = left // stride - g.dilation[1] * (g.kernel[1] - 1) // stride
    columns = np.arange(leftmost, (g.input[1] - 1 + left) // stride + 1)
    columns = np.where((columns >= 0) & (columns < g.output[1]), columns, -1)
    phases = []
    for remainders in np.ndindex(g.stride):
        cells, used, back, firsts = [], [], [], []
        for axis, remainder in enumerate(remainders):
            stride, before = g.stride[axis], g.padding[2 * axis]
            reach = np.arange(g.kernel[axis]) * g.dilation[axis]
            used.append(np.flatnonzero(reach % stride == remainder))
            back.append(reach[used[axis]] // stride)
            firsts.append(-(-(before - remainder) // stride))  # first such u, by the stride
            cells.append(slice(firsts[axis] * stride + remainder - before, None, stride))
        plan = _plan(
            g.output,
            columns,
            batch,
            g.out_channels // g.groups,
            -back[0],
            firsts[1] - back[1] - leftmost,
            firsts[0],
            1,
            len(range(g.input[0])[cells[0]]),
        )
        plan = _one_row(plan) if _is_pointwise(g) else plan
        phases.append(_Phase(tuple(cells), used[0][:, None], used[1], plan))
    return phases


def _forward_cpu(x, weight, bias, g):
    plan = _input_plan(g, x.shape[3])
    out = np.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    multiply_rows(
        plan.lay(x),
        np.ascontiguousarray(weight.swapaxes(1, 2)).reshape(g.out_channels, -1),
        bias,
        *plan[1:4],
        g.groups,
        *plan[4:],
        plan.rows(out),
        TILE,
    )
    return out


def _grad_input_cpu(grad, weight, g):
    batch = grad.shape[3]
    # (groups, in / group, KH, out / group, KW): what an input channel gets from whom
    weight = weight.reshape(g.groups, -1, *g.weight_shape[1:]).transpose(0, 2, 3, 1, 4)
    out = np.empty((g.in_channels, *g.input, batch), grad.dtype)
    no_bias = np.zeros(g.in_channels, grad.dtype)
    phases = _grad_input_phases(g, batch)
    flat = phases[0].plan.lay(grad)
    for cells, kernel_rows, kernel_columns, plan in phases:
        part = out[(slice(None), *cells)]
        if part.size == 0:
            continue
        target = part if g.stride == (1, 1) else np.empty(part.shape, grad.dtype)
        taps = weight[:, :, kernel_rows[:, 0]][..., kernel_columns]
        multiply_rows(
            flat,
            np.ascontiguousarray(taps).reshape(g.in_channels, -1),
            no_bias,
            *plan[1:4],
            g.groups,
            *plan[4:],
            plan.rows(target),
            TILE,
        )
        if target is not part:
            part[:] = target
    return out


def _grad_weight_cpu(grad, x, g):
    plan = _input_plan(g, x.shape[3])
    # Enough turns to share among threads; a number that only the sizes decide.
    blocks = g.groups * -(-g.out_channels // g.groups // 4)
    chunks = max(1, min(len(plan.taps_from), 16 // blocks))
    out = np.zeros((chunks, g.out_channels, len(plan.offsets)), grad.dtype)
    multiply_rows_transposed(
        plan.lay(x), plan.rows(grad), *plan[1:4], g.groups, *plan[4:], chunks, out
    )
    total = out.sum(axis=0).reshape(g.out_channels, g.kernel[0], -1, g.kernel[1])
    return np.ascontiguousarray(total.swapaxes(1, 2))


def _grad_bias_cpu(grad):
    # NumPy adds each channel's run pairwise: more exact than one running sum, and as fast.
    return grad.reshape(grad.shape[0], -1).sum(axis=1)


forward = Kernel("conv2d.forward", _forward_reference, _forward_cpu)
grad_input = Kernel("conv2d.grad_input", _grad_input_reference, _grad_input_cpu)
grad_weight = Kernel("conv2d.grad_weight", _grad_weight_reference, _grad_weight_cpu)
grad_bias = Kernel("conv2d.grad_bias", _grad_bias_reference, _grad_bias_cpu)
