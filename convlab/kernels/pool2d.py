"""Pooling in two dimensions: maximum and average over windows, and their gradients.

Arrays have the batch innermost: x: (C, H, W, N), output: (C, OH, OW, N). Plain,
padded, overhanging (``ceil_mode``), adaptive and global pooling differ only in
their windows, a ``PoolWindows``, which never leave the input: padding counts as
minus infinity for the maximum, and in the divisor for the average.

The maximum of ReLUs is the ReLU of the maximum: with ``relu`` the maximum also
does the activation before it, for a quarter of the numbers.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda as numba_cuda
from numba import prange
from numba.extending import register_jitable

from convlab.kernels import cuda, memory
from convlab.kernels.calls import do
from convlab.kernels.depthwise import lay_rows, layout
from convlab.kernels.device import aligned, loop
from convlab.kernels.dispatch import Kernel
from convlab.kernels.lanes import VECTOR
from convlab.shapes import PoolWindows

TILE = 512  # lanes whose maxima and places stay in the first-level cache

# The index of a window in which nothing is above 0, after ReLU: no input gets its gradient.
NO_WINNER = -1


def _index_type(w) -> np.dtype:
    """The kind of number that can hold the place of any cell of a map: row * W + column."""
    return np.dtype(np.int32 if math.prod(w.input) <= 2**31 else np.int64)


# --- the definition ---------------------------------------------------------------


def _cells(w):
    """Every (output row, output column, rows of its window, columns of its window)."""
    for oh in range(w.output[0]):
        rows = range(w.row_start[oh], w.row_end[oh], w.dilation[0])
        for ow in range(w.output[1]):
            yield oh, ow, rows, range(w.column_start[ow], w.column_end[ow], w.dilation[1])


def _max_forward_reference(x, w, relu=False):
    channels, _, width, batch = x.shape
    out = np.full((channels, *w.output, batch), 0 if relu else -np.inf, x.dtype)
    index: np.ndarray = np.zeros(out.shape, _index_type(w))
    for oh, ow, rows, columns in _cells(w):
        for c in range(channels):
            for n in range(batch):
                first = w.row_start[oh] * width + w.column_start[ow]
                index[c, oh, ow, n] = NO_WINNER if relu else first
                for ih in rows:
                    for iw in columns:
                        value = x[c, ih, iw, n]
                        if value > out[c, oh, ow, n] or np.isnan(value):
                            out[c, oh, ow, n] = value
                            index[c, oh, ow, n] = ih * width + iw
    return out, index


def _max_backward_reference(grad, index, w):
    channels, _, _, batch = grad.shape
    out = np.zeros((channels, *w.input, batch), grad.dtype)
    for oh, ow, rows, columns in _cells(w):
        if not rows or not columns:  # a dilated window may step over a small input
            continue
        for c in range(channels):
            for n in range(batch):
                if index[c, oh, ow, n] != NO_WINNER:
                    ih, iw = divmod(index[c, oh, ow, n], w.input[1])
                    out[c, ih, iw, n] += grad[c, oh, ow, n]
    return out


def _average_forward_reference(x, w):
    channels, _, _, batch = x.shape
    out = np.zeros((channels, *w.output, batch), x.dtype)
    for oh, ow, rows, columns in _cells(w):
        for ih in rows:
            for iw in columns:
                out[:, oh, ow] += x[:, ih, iw]
        out[:, oh, ow] /= w.divisor[oh, ow]
    return out


def _average_backward_reference(grad, w):
    channels, _, _, batch = grad.shape
    out = np.zeros((channels, *w.input, batch), grad.dtype)
    for oh, ow, rows, columns in _cells(w):
        for ih in rows:
            for iw in columns:
                out[:, ih, iw] += grad[:, oh, ow] / w.divisor[oh, ow]
    return out


# --- the plain compiled loop: a thread for each row of a map, images innermost --------


@loop
def _max_forward_loop(x, row_start, row_end, column_start, column_end, dilation, relu, out, index):
    # x: (C, H, W, N) · out, index: (C, OH, OW, N); each iteration owns one output row
    least = x.dtype.type(0 if relu else -np.inf)
    height = out.shape[1]
    batch = np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(out.shape[2]):
            best, where = out[c, oh, ow], index[c, oh, ow]
            begin = row_start[oh] * x.shape[2] + column_start[ow]
            none = index.dtype.type(NO_WINNER if relu else begin)
            if batch == np.uintp(1):  # in registers
                top, winner = least, none
                for ih in range(row_start[oh], row_end[oh], dilation[0]):
                    for iw in range(column_start[ow], column_end[ow], dilation[1]):
                        value = x[c, np.uintp(ih), np.uintp(iw), 0]
                        larger = value > top or value != value
                        top = value if larger else top
                        winner = index.dtype.type(ih * x.shape[2] + iw) if larger else winner
                best[0], where[0] = top, winner
                continue
            for n in range(batch):
                best[n] = least
                where[n] = none
            for ih in range(row_start[oh], row_end[oh], dilation[0]):
                for iw in range(column_start[ow], column_end[ow], dilation[1]):
                    values = x[c, ih, iw]
                    here = index.dtype.type(ih * x.shape[2] + iw)
                    for n in range(batch):
                        value = values[n]
                        larger = value > best[n] or value != value
                        best[n] = value if larger else best[n]
                        where[n] = here if larger else where[n]


@loop
def _max_backward_loop(grad, index, row_first, row_last, column_start, column_end, dilation, out):
    # grad, index: (C, OH, OW, N) · out: (C, H, W, N), zeros; each iteration owns one input row
    height = out.shape[1]
    batch = np.uintp(out.shape[3])
    zero = grad.dtype.type(0)
    for turn in prange(out.shape[0] * height):
        c, ih = turn // height, turn % height
        for oh in range(row_first[ih], row_last[ih]):
            for ow in range(grad.shape[2]):
                gradient, winner = grad[c, oh, ow], index[c, oh, ow]
                for iw in range(column_start[ow], column_end[ow], dilation):
                    here = index.dtype.type(ih * out.shape[2] + iw)
                    target = out[c, ih, iw]
                    for n in range(batch):
                        target[n] += gradient[n] if winner[n] == here else zero


@loop(reorder=False)
def _average_forward_loop(x, row_start, row_end, column_start, column_end, dilation, divisor, out):
    # x: (C, H, W, N) · out: (C, OH, OW, N); each iteration owns one output row
    height = out.shape[1]
    batch = np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(out.shape[2]):
            total = out[c, oh, ow]
            if batch == np.uintp(1):  # in a register, in the same order
                own = x.dtype.type(0)
                for ih in range(row_start[oh], row_end[oh], dilation[0]):
                    for iw in range(column_start[ow], column_end[ow], dilation[1]):
                        own += x[c, np.uintp(ih), np.uintp(iw), 0]
                total[0] = own
            else:
                for n in range(batch):
                    total[n] = 0
                for ih in range(row_start[oh], row_end[oh], dilation[0]):
                    for iw in range(column_start[ow], column_end[ow], dilation[1]):
                        values = x[c, ih, iw]
                        for n in range(batch):
                            total[n] += values[n]
            count = divisor[oh, ow]
            for n in range(batch):
                total[n] /= count


@loop
def _average_backward_loop(
    grad, row_first, row_last, row_start, row_end, column_start, column_end, dilation, divisor, out
):
    # grad: (C, OH, OW, N) · out: (C, H, W, N), zeros; each iteration owns one input row
    height = out.shape[1]
    batch = np.uintp(out.shape[3])
    for turn in prange(out.shape[0] * height):
        c, ih = turn // height, turn % height
        for oh in range(row_first[ih], row_last[ih]):
            if not row_start[oh] <= ih < row_end[oh] or (ih - row_start[oh]) % dilation[0]:
                continue  # a dilated window steps over this row
            for ow in range(grad.shape[2]):
                gradient = grad[c, oh, ow]
                count = divisor[oh, ow]
                for iw in range(column_start[ow], column_end[ow], dilation[1]):
                    target = out[c, ih, iw]
                    for n in range(batch):
                        target[n] += gradient[n] / count


def _max_forward_plain(x, w, relu=False):
    out = memory.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    index = memory.empty(out.shape, _index_type(w))
    rows, columns = (w.row_start, w.row_end), (w.column_start, w.column_end)
    _max_forward_loop(x, *rows, *columns, w.dilation, relu, out, index)
    return out, index


def _max_backward_plain(grad, index, w):
    out = memory.zeros((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    columns = w.column_start, w.column_end, w.dilation[1]
    _max_backward_loop(grad, index, w.row_first, w.row_last, *columns, out)
    return out


def _average_forward_cpu(x, w):
    out = memory.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    divisor = w.divisor.astype(x.dtype)
    rows, columns = (w.row_start, w.row_end), (w.column_start, w.column_end)
    _average_forward_loop(x, *rows, *columns, w.dilation, divisor, out)
    return out


def _average_backward_cpu(grad, w):
    out = memory.zeros((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    rows = w.row_first, w.row_last, w.row_start, w.row_end
    divisor = w.divisor.astype(grad.dtype)
    columns = w.column_start, w.column_end
    _average_backward_loop(grad, *rows, *columns, w.dilation, divisor, out)
    return out


# --- the CPU: the maximum of adjacent 2 x 2 windows, which most networks have, in one pass ---


@loop
def _max_forward_2x2_loop(x, relu, out, index):
    # One pass over the four numbers instead of five is three times as fast.
    height = out.shape[1]
    batch = np.uintp(x.shape[3])
    zero = x.dtype.type(0)
    for turn in prange(out.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(out.shape[2]):
            x0, x1 = x[c, 2 * oh, 2 * ow], x[c, 2 * oh, 2 * ow + 1]
            x2, x3 = x[c, 2 * oh + 1, 2 * ow], x[c, 2 * oh + 1, 2 * ow + 1]
            best, where = out[c, oh, ow], index[c, oh, ow]
            i0 = index.dtype.type(2 * oh * x.shape[2] + 2 * ow)
            i1 = index.dtype.type(i0 + 1)
            i2 = index.dtype.type(i0 + x.shape[2])
            i3 = index.dtype.type(i2 + 1)
            for n in range(batch):
                top, winner = x0[n], i0
                larger = x1[n] > top or x1[n] != x1[n]
                top, winner = (x1[n], i1) if larger else (top, winner)
                larger = x2[n] > top or x2[n] != x2[n]
                top, winner = (x2[n], i2) if larger else (top, winner)
                larger = x3[n] > top or x3[n] != x3[n]
                top, winner = (x3[n], i3) if larger else (top, winner)
                off = relu and top <= zero
                best[n] = zero if off else top
                where[n] = index.dtype.type(NO_WINNER) if off else winner


@loop
def _max_backward_2x2_loop(grad, index, out):
    # Each input cell has one window, so it is written once.
    height = grad.shape[1]
    batch = np.uintp(out.shape[3])
    zero = grad.dtype.type(0)
    for turn in prange(grad.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(grad.shape[2]):
            gradient, winner = grad[c, oh, ow], index[c, oh, ow]
            for cell in range(4):
                ih, iw = 2 * oh + cell // 2, 2 * ow + cell % 2
                here = index.dtype.type(ih * out.shape[2] + iw)
                target = out[c, ih, iw]
                for n in range(batch):
                    target[n] = gradient[n] if winner[n] == here else zero


# --- the CPU: the maximum of other windows that slide, from maps laid out as in depthwise.py ---


@loop
def _max_slide_loop(x, layout, windows, relu, out, index):
    # x: (C, H, W * N) · layout, windows: ``Layout`` and ``_Sliding`` as tuples
    # out, index: (C, OH, OW * N)
    #
    # As in depthwise.py, what one tap reads for all outputs of a block is one run.
    u, kind = np.uintp, index.dtype.type
    origin, strides, phases, phase, batch, block, together, offsets = layout
    width, places, corners, row_start, column_start = windows
    lowest, least = x.dtype.type(-np.inf), x.dtype.type(0 if relu else -np.inf)
    lanes, step = u(out.shape[2]), u(phase[1] * batch)
    of_phase = u(phase[0]) * step
    size = u(phases[0] * phases[1]) * of_phase + u(VECTOR)
    blocks = (out.shape[1] + block - 1) // block
    parts = out.shape[0] * blocks
    for turn in prange((parts + together - 1) // together):
        scratch = aligned(size, x.dtype)
        best, where = aligned(of_phase + u(TILE), x.dtype), aligned(of_phase + u(TILE), kind)
        for lane in range(size):
            scratch[lane] = lowest
        for part in range(turn * together, min(parts, (turn + 1) * together)):
            c, first = part // blocks, part % blocks * block
            above = first * strides[0] - origin[0]
            lay_rows(x[c], above, origin[1], strides, phases, phase, batch, lowest, scratch)
            corner = kind(above * width - origin[1])
            rows = u(min(block, out.shape[1] - first))
            count = ((rows - u(1)) * step + lanes + u(VECTOR - 1)) // u(VECTOR) * u(VECTOR)
            for begin in range(u(0), count, u(TILE)):
                top, winner = best[begin:], where[begin:]
                tile = min(u(TILE), count - begin)
                for lane in range(tile):
                    top[lane], winner[lane] = least, kind(NO_WINNER)
                for t in range(offsets.shape[0]):
                    values, place = scratch[begin + offsets[t] :], corner + places[t]
                    _take_larger(values, place, corners[begin:], tile, top, winner)
            for row in range(rows):
                at, oh = row * step, u(first) + row
                none = kind(NO_WINNER) if relu else kind(row_start[oh] * width)
                for lane in range(lanes):
                    won = where[at + lane]
                    out[c, oh, lane] = best[at + lane]
                    if won == kind(NO_WINNER) and not relu:
                        won = none + column_start[lane]
                    index[c, oh, lane] = won


@loop(parallel=False)
def _take_larger(values, place, corners, lanes, best, where):
    # best = values and where = place + corners, where values are larger or NaN
    for lane in range(lanes):
        value = values[lane]
        larger = value > best[lane] or value != value
        best[lane] = value if larger else best[lane]
        where[lane] = place + corners[lane] if larger else where[lane]


class _Sliding(NamedTuple):
    """Places of cells, row * W + column, for windows that slide."""

    width: int  # W
    places: np.ndarray  # (taps,) from a window's first cell
    corners: np.ndarray  # (lanes of a block,) of first cells, from that of the block's first window
    row_start: np.ndarray  # (OH,)
    column_start: np.ndarray  # (lanes of a row,) of the first cells that are not padding


@lru_cache(maxsize=256)
def _sliding(w: PoolWindows, batch: int) -> tuple[tuple, tuple]:
    kind, width, laid = _index_type(w), w.input[1], layout(w, batch)
    down, along = (np.arange(k) * d for k, d in zip(w.kernel, w.dilation, strict=True))
    rows, columns = (np.arange(size) * s for size, s in zip(laid.phase, w.stride, strict=True))
    corners = (rows[:, None] * width + columns).reshape(-1).repeat(batch)
    places = _Sliding(
        width,
        (down[:, None] * width + along).reshape(-1).astype(kind),
        np.pad(corners, (0, VECTOR)).astype(kind),
        w.row_start,
        w.column_start.repeat(batch).astype(kind),
    )
    return tuple(laid), tuple(places)


def _max_forward_cpu(x, w, relu=False):
    slides = w.kernel != (0, 0) and x.shape[3] < VECTOR  # else there are lanes enough
    if not (slides or w.halves):
        return _max_forward_plain(x, w, relu)
    out = memory.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    index = memory.empty(out.shape, _index_type(w))
    if slides:
        maps, *results = (a.reshape(*a.shape[:2], -1) for a in (x, out, index))
        _max_slide_loop(maps, *_sliding(w, x.shape[3]), relu, *results)
    else:
        _max_forward_2x2_loop(x, relu, out, index)
    return out, index


def _max_backward_cpu(grad, index, w):
    if not w.halves:
        return _max_backward_plain(grad, index, w)
    out = memory.empty((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    rows, columns = 2 * w.output[0], 2 * w.output[1]
    if (rows, columns) != w.input:  # the last row and column of an odd size
        do(np.copyto, out[:, rows:], 0)
        do(np.copyto, out[:, :, columns:], 0)
    _max_backward_2x2_loop(grad, index, out)
    return out


# --- CUDA: one thread for each cell of each image --------------------------------------------
# Neighbouring threads have neighbouring images, so that they read and write adjacent numbers.


class _Windows(NamedTuple):
    """Rows and columns of an input and of its output, and where the windows lie, on the device."""

    size: tuple[int, int]
    output: tuple[int, int, int]  # rows, columns, images
    row_start: Any
    row_end: Any
    column_start: Any
    column_end: Any
    row_first: Any  # the first window that contains a row of the input, and one past the last
    row_last: Any
    column_first: Any
    column_last: Any


@register_jitable
def _place(i, size):
    # Channel, row, column and image of number i in maps of (rows, columns, images).
    rows, columns, images = size
    row = i // images // columns
    return row // rows, row % rows, i // images % columns, i % images


@cuda.kernel
def max_forward_kernel(x, w, dilation, relu, out, index, count):
    # x: (C, H, W, N) · out, index: (C, OH, OW, N)
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        channel, oh, ow, n = _place(i, w.output)
        height, width = w.size
        kind = x.numbers.dtype
        best = kind.type(0) if relu else kind.type(-math.inf)
        where = NO_WINNER if relu else w.row_start[oh] * width + w.column_start[ow]
        for ih in range(w.row_start[oh], w.row_end[oh], dilation[0]):
            for iw in range(w.column_start[ow], w.column_end[ow], dilation[1]):
                at = ((channel * height + ih) * width + iw) * w.output[2] + n
                value = x.numbers[x.start + at]
                if value > best or value != value:
                    best = value
                    where = ih * width + iw
        out[i] = best
        index[i] = where


@cuda.kernel
def max_backward_kernel(grad, index, w, out, count):
    # grad, index: (C, OH, OW, N) · out: (C, H, W, N): each input cell looks at the windows that may
    # contain it, and takes the gradient of those that it won
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        height, width, batch = w.output
        channel, ih, iw, n = _place(i, (w.size[0], w.size[1], batch))
        total = grad.numbers.dtype.type(0)
        for oh in range(w.row_first[ih], w.row_last[ih]):
            for ow in range(w.column_first[iw], w.column_last[iw]):
                at = ((channel * height + oh) * width + ow) * batch + n
                if index.numbers[index.start + at] == ih * w.size[1] + iw:
                    total += grad.numbers[grad.start + at]
        out[i] = total


@cuda.kernel
def average_forward_kernel(x, w, dilation, divisor, out, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        channel, oh, ow, n = _place(i, w.output)
        height, width = w.size
        total = x.numbers.dtype.type(0)
        for ih in range(w.row_start[oh], w.row_end[oh], dilation[0]):
            for iw in range(w.column_start[ow], w.column_end[ow], dilation[1]):
                at = ((channel * height + ih) * width + iw) * w.output[2] + n
                total += x.numbers[x.start + at]
        out[i] = total / divisor[oh * w.output[1] + ow]


@cuda.kernel
def average_backward_kernel(grad, w, dilation, divisor, out, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        height, width, batch = w.output
        channel, ih, iw, n = _place(i, (w.size[0], w.size[1], batch))
        total = grad.numbers.dtype.type(0)
        for oh in range(w.row_first[ih], w.row_last[ih]):
            for ow in range(w.column_first[iw], w.column_last[iw]):
                down, right = ih - w.row_start[oh], iw - w.column_start[ow]
                inside = down >= 0 and ih < w.row_end[oh] and right >= 0 and iw < w.column_end[ow]
                if inside and down % dilation[0] == 0 and right % dilation[1] == 0:
                    at = ((channel * height + oh) * width + ow) * batch + n
                    total += grad.numbers[grad.start + at] / divisor[oh * width + ow]
        out[i] = total


def _windows(w, batch) -> _Windows:
    tables = (cuda.table(getattr(w, name).astype(np.int32)) for name in _Windows._fields[2:])
    return _Windows(w.input, (*w.output, batch), *tables)


def _max_forward_cuda(x, w, relu=False):
    out = cuda.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    index = cuda.empty(out.shape, _index_type(w))
    arguments = x.run, _windows(w, x.shape[3]), w.dilation, relu
    max_forward_kernel.each(out.size, *arguments, out.memory, index.memory, out.size)
    return out, index


def _max_backward_cuda(grad, index, w):
    out = cuda.empty((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    windows = _windows(w, grad.shape[3])
    max_backward_kernel.each(out.size, grad.run, index.run, windows, out.memory, out.size)
    return out


def _average_forward_cuda(x, w):
    out = cuda.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    divisor = cuda.table(w.divisor.astype(x.dtype))
    windows = _windows(w, x.shape[3])
    arguments = x.run, windows, w.dilation, divisor
    average_forward_kernel.each(out.size, *arguments, out.memory, out.size)
    return out


def _average_backward_cuda(grad, w):
    out = cuda.empty((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    divisor = cuda.table(w.divisor.astype(grad.dtype))
    windows = _windows(w, grad.shape[3])
    arguments = grad.run, windows, w.dilation, divisor
    average_backward_kernel.each(out.size, *arguments, out.memory, out.size)
    return out


max_forward = Kernel(
    "pool2d.max_forward",
    _max_forward_reference,
    _max_forward_cpu,
    _max_forward_cuda,
    _max_forward_plain,
)
max_backward = Kernel(
    "pool2d.max_backward",
    _max_backward_reference,
    _max_backward_cpu,
    _max_backward_cuda,
    _max_backward_plain,
)
average_forward = Kernel(
    "pool2d.average_forward",
    _average_forward_reference,
    _average_forward_cpu,
    _average_forward_cuda,
)
average_backward = Kernel(
    "pool2d.average_backward",
    _average_backward_reference,
    _average_backward_cpu,
    _average_backward_cuda,
)
