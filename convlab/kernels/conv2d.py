"""Convolution in two dimensions: forward and its three gradients.

As everywhere in machine learning, "convolution" is cross-correlation: the
kernel is not turned.  Arrays lie with the batch innermost: x: (C, H, W, N),
weight: (O, C / groups, KH, KW), bias: (O,), output: (O, OH, OW, N).  Sizes come
in a ``Conv2dGeometry``.  With ``relu`` the forward sets negative results to 0.

A transposed convolution is ``grad_input``: it has no loop of its own.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from convlab.kernels import cuda
from convlab.kernels.device import empty
from convlab.kernels.dispatch import Kernel
from convlab.kernels.gather import column_runs, copy_runs
from convlab.kernels.rows import (
    VECTOR,
    Gather,
    multiply_rows,
    multiply_rows_transposed,
    product_cuda,
    product_transposed_cuda,
    room_for,
    with_room,
)
from convlab.shapes import Conv2dGeometry

# With fewer taps than this in a kernel column, columns of zeros cost less than
# going through the lanes column by column.
SPLIT = 8

# Lanes that are enough to hide what a run of them costs to begin.
LONG = 1024

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


def _forward_reference(x, weight, bias, g, relu=False):
    out = np.zeros((g.out_channels, *g.output, x.shape[3]), x.dtype)
    for o in range(g.out_channels):
        out[o] = bias[o]
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(x.shape[3]):
            out[o, oh, ow, n] += weight[o, c, kh, kw] * x[channel, ih, iw, n]
    if relu:
        out[out < 0] = 0
    return out


def _grad_input_reference(grad, weight, g):
    out = np.zeros((g.in_channels, *g.input, grad.shape[3]), grad.dtype)
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(grad.shape[3]):
            out[channel, ih, iw, n] += weight[o, c, kh, kw] * grad[o, oh, ow, n]
    return out


def _grad_weight_reference(grad, x, g):
    # And of the bias, in the same pass over the gradient.
    out = np.zeros(g.weight_shape, grad.dtype)
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(grad.shape[3]):
            out[o, c, kh, kw] += x[channel, ih, iw, n] * grad[o, oh, ow, n]
    return out, _grad_bias_reference(grad)


def _grad_bias_reference(grad):
    out = np.zeros(grad.shape[0], grad.dtype)
    for o in range(grad.shape[0]):
        for value in grad[o].flat:
            out[o] += value
    return out


# --- the CPU: rows of output from rows of input, see rows.py -----------------------


class _Plan(NamedTuple):
    """Where the taps of a convolution find their rows, for one geometry and batch size.

    Either all taps make one column and read the input with its zeros laid beside it, or
    each kernel column is a column that reaches only the lanes that it has input for.
    """

    laid: np.ndarray | None  # runs of columns to lay first, see gather.py
    width: int  # columns as laid
    split: bool  # whether kernel columns are columns
    offsets: np.ndarray  # (columns, taps) of each tap from the start of its output row's input
    lanes_from: np.ndarray  # (columns,) range of the lanes that they reach
    lanes_to: np.ndarray
    taps_from: np.ndarray  # (rows,) range of the taps that are not padding
    taps_to: np.ndarray
    group_step: int
    row_step: int

    def lay(self, x: np.ndarray, lanes: int) -> np.ndarray:
        """The flat array that the offsets point into."""
        if self.laid is None:
            return with_room(x, lanes)
        channels, height, _, batch = x.shape
        laid, flat = room_for((channels, height, self.width, batch), x.dtype)
        copy_runs(x, np.arange(height), self.laid, laid)
        return flat

    def weights(self, weight: np.ndarray) -> tuple[np.ndarray, tuple[int, int, int]]:
        """``weight`` (O, C, KH, KW) in the order of (O, columns, taps), flat, and its steps."""
        order = (0, 3, 2, 1) if self.split else (0, 2, 1, 3)
        columns, taps = self.offsets.shape
        return np.ascontiguousarray(weight.transpose(order)).reshape(-1), (columns * taps, taps, 1)

    def unweights(self, taps: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The way back: (O, columns, taps) as (O, C, KH, KW)."""
        outputs, channels, height, width = shape
        if self.split:
            taps = taps.reshape(outputs, width, height, channels).transpose(0, 3, 2, 1)
        else:
            taps = taps.reshape(outputs, height, channels, width).swapaxes(1, 2)
        return np.ascontiguousarray(taps)

    def rows(self, out: np.ndarray) -> np.ndarray:
        """``out`` (O, OH, OW, N) as the plan's (O, rows, lanes)."""
        return out.reshape(out.shape[0], len(self.taps_from), -1)

    def arguments(self, groups: int) -> tuple:
        """What both loops of rows.py want to know."""
        return (*self[3:8], groups, *self[8:])


def _plan(size, laid, batch, per_group, row_taps, column_taps, first, step, output) -> _Plan:
    """The plan of ``output`` rows and columns; of output row r, tap row t reads input row
    ``first + r * step + row_taps[t]``, and nothing where the input has no such row.

    ``laid``: the input's column behind each column that is laid, -1 for zero, or None;
    ``column_taps``: what each kernel column reads for output column 0, in columns as laid.
    """
    width = size[1] if laid is None else len(laid)
    row_step = width * batch
    channel_step = size[0] * row_step
    row_taps = np.asarray(row_taps, dtype=np.int64)
    column_taps = np.asarray(column_taps, dtype=np.int64)
    offsets = (
        (first + row_taps)[:, None, None] * row_step
        + np.arange(per_group)[:, None] * channel_step
        + column_taps * batch
    )
    split = laid is None and bool(
        (column_taps < 0).any() or (column_taps + output[1] > width).any()
    )
    if split:
        offsets = offsets.reshape(-1, len(column_taps)).T
        lanes_from = np.maximum(0, -column_taps) * batch
        lanes_to = np.clip(width - column_taps, 0, output[1]) * batch
    else:
        offsets = offsets.reshape(1, -1)
        lanes_from, lanes_to = np.array([0]), np.array([output[1] * batch])
    reads = first + np.arange(output[0])[:, None] * step + row_taps
    inside = (reads >= 0) & (reads < size[0])
    # Tap rows are in ascending or descending order, so those inside are one range.
    taps_per_row = per_group * (1 if split else len(column_taps))
    taps_from = np.where(inside.any(axis=1), inside.argmax(axis=1), 0) if inside.size else 0
    taps_to = taps_from + inside.sum(axis=1)
    return _Plan(
        None if laid is None else column_runs(laid),
        width,
        split,
        # A negative one wraps around, and back when added.
        np.ascontiguousarray(offsets.astype(np.uintp)),
        lanes_from,
        lanes_to,
        np.broadcast_to(taps_from * taps_per_row, (output[0],)).copy(),
        np.broadcast_to(taps_to * taps_per_row, (output[0],)).copy(),
        per_group * channel_step,
        step * row_step,
    )


def _merged(plan: _Plan, lanes: int) -> _Plan:
    """A 1 × 1 kernel that reads whole maps in order: as many rows make one as give long runs."""
    rows = len(plan.taps_from)
    together = next(
        n for n in range(1, rows + 1) if rows % n == 0 and (n * lanes >= LONG or n == rows)
    )
    return plan._replace(
        lanes_to=plan.lanes_to * together,
        taps_from=plan.taps_from[::together].copy(),
        taps_to=plan.taps_to[::together].copy(),
        row_step=plan.row_step * together,
    )


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
    along = np.arange(kw) * dw
    per_group = g.in_channels // g.groups
    if sw == 1 and (left == right == 0 or batch % VECTOR == 0 and kh * per_group >= SPLIT):
        laid, columns = None, along - left
    else:
        per_phase = -(-(g.input[1] + left + right) // sw)
        laid = np.arange(per_phase * sw).reshape(per_phase, sw).T.reshape(-1) - left
        laid = np.where((laid >= 0) & (laid < g.input[1]), laid, -1)
        columns = along % sw * per_phase + along // sw
    plan = _plan(g.input, laid, batch, per_group, np.arange(kh) * dh, columns, -top, sh, g.output)
    return _merged(plan, g.output[1] * batch) if _is_pointwise(g) else plan


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
    per_group = g.out_channels // g.groups
    laid, leftmost = None, 0
    if batch % VECTOR or g.kernel[0] * per_group < SPLIT:
        # One copy of the columns serves all phases; the first that is needed and how many.
        left, stride = g.padding[2], g.stride[1]
        leftmost = left // stride - g.dilation[1] * (g.kernel[1] - 1) // stride
        laid = np.arange(leftmost, (g.input[1] - 1 + left) // stride + 1)
        laid = np.where((laid >= 0) & (laid < g.output[1]), laid, -1)
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
            laid,
            batch,
            per_group,
            -back[0],
            firsts[1] - back[1] - leftmost,
            firsts[0],
            1,
            tuple(len(range(size)[cell]) for size, cell in zip(g.input, cells, strict=True)),
        )
        plan = _merged(plan, g.output[1] * batch) if _is_pointwise(g) else plan
        phases.append(_Phase(tuple(cells), used[0][:, None], used[1], plan))
    return phases


def _forward_cpu(x, weight, bias, g, relu=False):
    plan = _input_plan(g, x.shape[3])
    out = empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    rows = plan.rows(out)
    flat = plan.lay(x, rows.shape[2])
    multiply_rows(flat, *plan.weights(weight), bias, *plan.arguments(g.groups), relu, rows)
    return out


def _grad_input_cpu(grad, weight, g):
    batch = grad.shape[3]
    # (groups, in / group, out / group, KH, KW): what an input channel gets from whom
    weight = weight.reshape(g.groups, -1, *g.weight_shape[1:]).swapaxes(1, 2)
    weight = weight.reshape(g.in_channels, -1, *g.kernel)
    out = empty((g.in_channels, *g.input, batch), grad.dtype)
    no_bias = np.zeros(g.in_channels, grad.dtype)
    phases = _grad_input_phases(g, batch)
    flat = None
    for cells, kernel_rows, kernel_columns, plan in phases:
        part = out[(slice(None), *cells)]
        if part.size == 0:
            continue
        target = part if g.stride == (1, 1) else empty(part.shape, grad.dtype)
        rows = plan.rows(target)
        if flat is None:
            flat = plan.lay(grad, rows.shape[2])
        taps = plan.weights(weight[:, :, kernel_rows, kernel_columns])
        multiply_rows(flat, *taps, no_bias, *plan.arguments(g.groups), False, rows)
        if target is not part:
            part[:] = target
    return out


def _grad_weight_cpu(grad, x, g):
    plan = _input_plan(g, x.shape[3])
    # Many chunks, so that a chunk's input stays in the cache for all channels, but not more
    # to write and add up than there is input.  Only the sizes decide.
    chunks = min(len(plan.taps_from), max(16, x.size // plan.offsets.size // g.out_channels))
    out = np.zeros((chunks, g.out_channels + 1, *plan.offsets.shape), grad.dtype)
    rows = plan.rows(grad)
    flat = plan.lay(x, VECTOR)  # no lane is read that is not there
    by_bias = np.zeros((chunks, g.out_channels), grad.dtype)
    multiply_rows_transposed(flat, rows, *plan.arguments(g.groups), chunks, out, by_bias)
    return plan.unweights(out[:, :-1].sum(axis=0), g.weight_shape), by_bias.sum(axis=0)


def _grad_bias_cpu(grad):
    # NumPy adds each channel's run pairwise: more exact than one running sum, and as fast.
    return grad.reshape(grad.shape[0], -1).sum(axis=1)


# --- CUDA: taps as a table, see rows.py ------------------------------------------------------


@lru_cache(maxsize=256)
def _forward_gather(g: Conv2dGeometry, batch: int) -> Gather:
    per_group = g.in_channels // g.groups
    taps = np.indices((per_group, *g.kernel)).reshape(3, -1).T
    taps = taps * (1, *g.dilation)
    taps = np.column_stack([taps, np.arange(len(taps))]).astype(np.int32)
    first = (-g.padding[0], -g.padding[2])
    return Gather((*g.input, batch), (*g.output, batch), taps, first, g.stride, g.groups, per_group)


@lru_cache(maxsize=256)
def _grad_input_gathers(g: Conv2dGeometry, batch: int) -> list[tuple[tuple[int, int], Gather]]:
    """The first input cell of each phase, see ``_grad_input_phases``, and its gather."""
    per_group = g.out_channels // g.groups
    gathers = []
    for remainders in np.ndindex(g.stride):
        first, cell, back, used = [], [], [], []
        for axis, remainder in enumerate(remainders):
            stride, before = g.stride[axis], g.padding[2 * axis]
            reach = np.arange(g.kernel[axis]) * g.dilation[axis]
            used.append(np.flatnonzero(reach % stride == remainder))
            back.append(reach[used[axis]] // stride)
            first.append(-(-(before - remainder) // stride))
            cell.append(first[axis] * stride + remainder - before)
        output = tuple(
            len(range(at, size, s)) for at, size, s in zip(cell, g.input, g.stride, strict=True)
        )
        # For each output channel, tap row and tap column: where it reads and its weight.
        channel, kh, kw = (
            a.reshape(-1)
            for a in np.meshgrid(
                np.arange(per_group), *(np.arange(len(u)) for u in used), indexing="ij"
            )
        )
        per_out = math.prod(g.weight_shape[1:])
        weight = channel * per_out + used[0][kh] * g.kernel[1] + used[1][kw]
        taps = np.column_stack([channel, -back[0][kh], -back[1][kw], weight]).astype(np.int32)
        size = (*g.output, batch)
        gather = Gather(size, (*output, batch), taps, tuple(first), (1, 1), g.groups, per_group)
        gathers.append((tuple(cell), gather))
    return gathers


def _forward_cuda(x, weight, bias, g, relu=False):
    out = cuda.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    gather = _forward_gather(g, x.shape[3])
    per_out = math.prod(g.weight_shape[1:])
    places = g.out_channels // g.groups * per_out, per_out
    product_cuda(gather, x, weight, places, bias, relu, out, 0, out.steps[:3])
    return out


def _grad_input_cuda(grad, weight, g):
    out = cuda.empty((g.in_channels, *g.input, grad.shape[3]), grad.dtype)
    no_bias = cuda.constant(np.zeros(g.in_channels, grad.dtype))
    of_group = g.out_channels // g.groups * math.prod(g.weight_shape[1:])
    places = of_group, math.prod(g.kernel)
    channel_step, row_step, column_step, _ = out.steps
    steps = channel_step, row_step * g.stride[0], column_step * g.stride[1]
    for (row, column), gather in _grad_input_gathers(g, grad.shape[3]):
        start = row * row_step + column * column_step
        product_cuda(gather, grad, weight, places, no_bias, False, out, start, steps)
    return out


def _grad_weight_cuda(grad, x, g):
    weight, bias = product_transposed_cuda(_forward_gather(g, x.shape[3]), x, grad)
    return weight.reshape(g.weight_shape), bias


def _grad_bias_cuda(grad):
    return grad.reshape(grad.shape[0], -1).sum(axis=1)


forward = Kernel("conv2d.forward", _forward_reference, _forward_cpu, _forward_cuda)
grad_input = Kernel("conv2d.grad_input", _grad_input_reference, _grad_input_cpu, _grad_input_cuda)
grad_weight = Kernel(
    "conv2d.grad_weight", _grad_weight_reference, _grad_weight_cpu, _grad_weight_cuda
)
grad_bias = Kernel("conv2d.grad_bias", _grad_bias_reference, _grad_bias_cpu, _grad_bias_cuda)
