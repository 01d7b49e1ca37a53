"""Pooling in two dimensions: maximum and average over windows, and their gradients.

Arrays lie with the batch innermost: x: (C, H, W, N), output: (C, OH, OW, N).
Plain, padded, overhanging (``ceil_mode``), adaptive and global pooling differ
only in their windows, a ``PoolWindows``, which never leave the input: padding
counts as minus infinity for the maximum, and in the divisor for the average.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel

# --- the definition ---------------------------------------------------------------


def _cells(w):
    """Every (output row, output column, rows of its window, columns of its window)."""
    for oh in range(w.output[0]):
        rows = range(w.row_start[oh], w.row_end[oh], w.dilation[0])
        for ow in range(w.output[1]):
            yield oh, ow, rows, range(w.column_start[ow], w.column_end[ow], w.dilation[1])


def _max_forward_reference(x, w):
    channels, _, width, batch = x.shape
    out = np.full((channels, *w.output, batch), -np.inf, x.dtype)
    index = np.zeros(out.shape, np.int32)
    for oh, ow, rows, columns in _cells(w):
        for c in range(channels):
            for n in range(batch):
                index[c, oh, ow, n] = w.row_start[oh] * width + w.column_start[ow]
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


# --- the CPU: one image per lane ----------------------------------------------------


@loop
def _max_forward_loop(x, row_start, row_end, column_start, column_end, dilation, out, index):
    # x: (C, H, W, N) · out, index: (C, OH, OW, N); each turn owns one output row
    height = out.shape[1]
    batch = np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(out.shape[2]):
            best, where = out[c, oh, ow], index[c, oh, ow]
            begin = np.int32(row_start[oh] * x.shape[2] + column_start[ow])
            for n in range(batch):
                best[n] = -np.inf
                where[n] = begin
            for ih in range(row_start[oh], row_end[oh], dilation[0]):
                for iw in range(column_start[ow], column_end[ow], dilation[1]):
                    values = x[c, ih, iw]
                    here = np.int32(ih * x.shape[2] + iw)
                    for n in range(batch):
                        value = values[n]
                        larger = value > best[n] or value != value
                        best[n] = value if larger else best[n]
                        where[n] = here if larger else where[n]


@loop
def _max_backward_loop(grad, index, row_first, row_last, column_start, column_end, dilation, out):
    # grad, index: (C, OH, OW, N) · out: (C, H, W, N), zeros; each turn owns one input row
    height = out.shape[1]
    batch = np.uintp(out.shape[3])
    zero = grad.dtype.type(0)
    for turn in prange(out.shape[0] * height):
        c, ih = turn // height, turn % height
        for oh in range(row_first[ih], row_last[ih]):
            for ow in range(grad.shape[2]):
                gradient, winner = grad[c, oh, ow], index[c, oh, ow]
                for iw in range(column_start[ow], column_end[ow], dilation):
                    here = np.int32(ih * out.shape[2] + iw)
                    target = out[c, ih, iw]
                    for n in range(batch):
                        target[n] += gradient[n] if winner[n] == here else zero


@loop
def _average_forward_loop(x, row_start, row_end, column_start, column_end, divisor, out):
    # x: (C, H, W, N) · out: (C, OH, OW, N); each turn owns one output row
    height = out.shape[1]
    batch = np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * height):
        c, oh = turn // height, turn % height
        for ow in range(out.shape[2]):
            total = out[c, oh, ow]
            for n in range(batch):
                total[n] = 0
            for ih in range(row_start[oh], row_end[oh]):
                for iw in range(column_start[ow], column_end[ow]):
                    values = x[c, ih, iw]
                    for n in range(batch):
                        total[n] += values[n]
            count = divisor[oh, ow]
            for n in range(batch):
                total[n] /= count


@loop
def _average_backward_loop(
    grad, row_first, row_last, row_start, row_end, column_start, column_end, divisor, out
):
    # grad: (C, OH, OW, N) · out: (C, H, W, N), zeros; each turn owns one input row
    height = out.shape[1]
    batch = np.uintp(out.shape[3])
    for turn in prange(out.shape[0] * height):
        c, ih = turn // height, turn % height
        for oh in range(row_first[ih], row_last[ih]):
            for ow in range(grad.shape[2]):
                gradient = grad[c, oh, ow]
                count = divisor[oh, ow]
                for iw in range(column_start[ow], column_end[ow]):
                    target = out[c, ih, iw]
                    for n in range(batch):
                        target[n] += gradient[n] / count


def _max_forward_cpu(x, w):
    out = np.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    index = np.empty(out.shape, np.int32)
    _max_forward_loop(
        x, w.row_start, w.row_end, w.column_start, w.column_end, w.dilation, out, index
    )
    return out, index


def _max_backward_cpu(grad, index, w):
    out = np.zeros((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    columns = w.column_start, w.column_end, w.dilation[1]
    _max_backward_loop(grad, index, w.row_first, w.row_last, *columns, out)
    return out


def _average_forward_cpu(x, w):
    out = np.empty((x.shape[0], *w.output, x.shape[3]), x.dtype)
    divisor = w.divisor.astype(x.dtype)
    _average_forward_loop(x, w.row_start, w.row_end, w.column_start, w.column_end, divisor, out)
    return out


def _average_backward_cpu(grad, w):
    out = np.zeros((grad.shape[0], *w.input, grad.shape[3]), grad.dtype)
    rows = w.row_first, w.row_last, w.row_start, w.row_end
    divisor = w.divisor.astype(grad.dtype)
    _average_backward_loop(grad, *rows, w.column_start, w.column_end, divisor, out)
    return out


max_forward = Kernel("pool2d.max_forward", _max_forward_reference, _max_forward_cpu)
max_backward = Kernel("pool2d.max_backward", _max_backward_reference, _max_backward_cpu)
average_forward = Kernel("pool2d.average_forward", _average_forward_reference, _average_forward_cpu)
average_backward = Kernel(
    "pool2d.average_backward", _average_backward_reference, _average_backward_cpu
)
