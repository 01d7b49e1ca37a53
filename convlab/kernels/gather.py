"""Rows and columns picked by an index: padding in all modes, cropping, reordering, and batches."""

from __future__ import annotations

import numba
import numpy as np
from numba import cuda as numba_cuda
from numba import prange

from convlab.kernels import cuda, memory
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel

# --- padding and cropping: out[c, i, j] = x[c, rows[i], columns[j]], zero where the index is -1 ---


def _gather2d_reference(x, rows, columns):
    out = np.zeros((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    for c in range(x.shape[0]):
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                if row >= 0 and column >= 0:
                    out[c, i, j] = x[c, row, column]
    return out


def _gather2d_grad_reference(grad, rows, columns, size):
    out = np.zeros((grad.shape[0], *size, grad.shape[3]), grad.dtype)
    for c in range(grad.shape[0]):
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                if row >= 0 and column >= 0:
                    out[c, row, column] += grad[c, i, j]
    return out


@loop
def _gather2d_plain_loop(x, rows, columns, out):
    # x: (C, H, W, N) · rows: (OH,) · columns: (OW,) · out: (C, OH, OW, N), zeros
    height, batch = out.shape[1], np.uintp(out.shape[3])
    for turn in prange(out.shape[0] * height):
        c, i = turn // height, turn % height
        for j in range(out.shape[2]):
            if rows[i] >= 0 and columns[j] >= 0:
                target, source = out[c, i, j], x[c, rows[i], columns[j]]
                for n in range(batch):
                    target[n] = source[n]


def _gather2d_plain(x, rows, columns):
    out = np.zeros((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    _gather2d_plain_loop(x, rows, columns, out)
    return out


def column_runs(columns: np.ndarray) -> np.ndarray:
    """``columns`` as runs of neighbours: rows of (target, source or -1, length)."""
    columns = np.asarray(columns, dtype=np.int64)
    follows = np.diff(columns) == (columns[1:] >= 0)  # zeros follow zeros
    follows &= (columns[1:] >= 0) == (columns[:-1] >= 0)
    target = np.concatenate([[0], np.flatnonzero(~follows) + 1])
    return np.stack([target, columns[target], np.diff(target, append=len(columns))], axis=1)


@loop
def _gather2d_loop(x, rows, runs, out):
    # x: (C, H, W * N) · rows: (OH,) · runs: (any, 3), in numbers · out: (C, OH, OW * N)
    height = rows.shape[0]
    u = np.uintp
    for turn in prange(out.shape[0] * height):
        c, i = turn // height, turn % height
        target = out[c, i]
        source = x[c, max(0, rows[i])]
        for run in range(u(runs.shape[0])):
            to, length = u(runs[run, 0]), u(runs[run, 2])
            if rows[i] >= 0 and runs[run, 1] >= 0:
                begin = u(runs[run, 1])
                for n in range(length):
                    target[to + n] = source[begin + n]
            else:
                for n in range(length):
                    target[to + n] = 0


def copy_runs(x, rows, runs, out):
    """Fill ``out`` (C, OH, OW, N) from ``x`` (C, H, W, N) by ``rows`` and ``column_runs``."""
    channels, height, _, batch = x.shape
    flat = x.reshape(channels, height, -1)
    _gather2d_loop(flat, rows, runs * batch, out.reshape(channels, len(rows), -1))


@loop
def _gather2d_grad_loop(grad, rows, columns, out):
    # grad: (C, OH, OW, N) · out: (C, H, W, N), zeros; each iteration owns one input row
    height = out.shape[1]
    batch = np.uintp(out.shape[3])
    for turn in prange(out.shape[0] * height):
        c, row = turn // height, turn % height
        for i in range(rows.shape[0]):
            if rows[i] == row:
                for j in range(columns.shape[0]):
                    if columns[j] >= 0:
                        target = out[c, row, columns[j]]
                        source = grad[c, i, j]
                        for n in range(batch):
                            target[n] += source[n]


def _gather2d_cpu(x, rows, columns):
    out = memory.empty((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    copy_runs(x, rows, column_runs(columns), out)
    return out


def _gather2d_grad_cpu(grad, rows, columns, size):
    out = memory.zeros((grad.shape[0], *size, grad.shape[3]), grad.dtype)
    _gather2d_grad_loop(grad, rows, columns, out)
    return out


@cuda.kernel
def gather2d_kernel(x, size, rows, columns, output, out, count):
    # One thread for each number of the result: x (C, H, W, N), out (C, OH, OW, N).
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        batch = size[2]
        n, j, at = i % batch, i // batch % output[1], i // batch // output[1]
        row, column, channel = rows[at % output[0]], columns[j], at // output[0]
        value = x.numbers.dtype.type(0)
        if row >= 0 and column >= 0:
            value = x.numbers[x.start + ((channel * size[0] + row) * size[1] + column) * batch + n]
        out[i] = value


@cuda.kernel
def gather2d_grad_kernel(grad, output, rows, columns, size, out, count):
    # One thread for each number that was read: it looks for all the places that read it.
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        batch = size[2]
        n, column, at = i % batch, i // batch % size[1], i // batch // size[1]
        row, channel = at % size[0], at // size[0]
        total = grad.numbers.dtype.type(0)
        for a in range(output[0]):
            if rows[a] == row:
                for b in range(output[1]):
                    if columns[b] == column:
                        here = (channel * output[0] + a) * output[1] + b
                        total += grad.numbers[grad.start + here * batch + n]
        out[i] = total


def _gather2d_cuda(x, rows, columns):
    out = cuda.empty((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    tables = [cuda.table(np.asarray(index, np.int32)) for index in (rows, columns)]
    arguments = x.run, x.shape[1:], *tables, out.shape[1:3]
    gather2d_kernel.each(out.size, *arguments, out.memory, out.size)
    return out


def _gather2d_grad_cuda(grad, rows, columns, size):
    out = cuda.empty((grad.shape[0], *size, grad.shape[3]), grad.dtype)
    tables = [cuda.table(np.asarray(index, np.int32)) for index in (rows, columns)]
    arguments = grad.run, grad.shape[1:3], *tables, out.shape[1:]
    gather2d_grad_kernel.each(out.size, *arguments, out.memory, out.size)
    return out


gather2d = Kernel(
    "gather.gather2d", _gather2d_reference, _gather2d_cpu, _gather2d_cuda, _gather2d_plain
)
gather2d_grad = Kernel(
    "gather.gather2d_grad", _gather2d_grad_reference, _gather2d_grad_cpu, _gather2d_grad_cuda
)

# --- batches: bytes (N, C, H, W) as floats (C, H, W, M), x = byte * scale + offset ----------------


def _floats_reference(images, index, scale, offset):
    out = np.zeros((*images.shape[1:], len(index)), np.float32)
    for m, n in enumerate(index):
        for c in range(images.shape[1]):
            out[c, ..., m] = images[n, c] * np.float32(scale[c]) + np.float32(offset[c])
    return out


def _floats_cpu(images, index, scale, offset):
    if index is not None:
        images = images.take(index, axis=0)
    count, channels, height, width = images.shape
    # Bytes are transposed before they are widened: a quarter of the traffic.
    turned = memory.contiguous(images.reshape(count, channels * height * width).T)
    out = memory.empty((channels, height * width * count), np.float32)
    out[...] = turned.reshape(out.shape)
    out *= np.array(scale, np.float32)[:, np.newaxis]
    out += np.array(offset, np.float32)[:, np.newaxis]
    return out.reshape(channels, height, width, count)


@cuda.kernel
def floats_kernel(images, index, pixels, scale, offset, out, count):
    # All images stay on the device as bytes; a thread reads one of them.
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        batch = count // (pixels[0] * pixels[1])
        m, pixel = i % batch, i // batch
        image = index.numbers[index.start + m]
        byte = images.numbers[images.start + image * pixels[0] * pixels[1] + pixel]
        channel = pixel // pixels[1]
        out[i] = numba.float32(byte) * scale[channel] + offset[channel]


def _floats_cuda(images, index, scale, offset):
    channels, height, width = images.shape[1:]
    if index is None:
        index = cuda.constant(np.arange(images.shape[0]))
    elif isinstance(index, np.ndarray):
        index = index % images.shape[0]  # negative: from the end
    index = cuda.contiguous(cuda.on_device(index))
    out = cuda.empty((channels, height, width, len(index)), np.float32)
    numbers = (cuda.table(np.asarray(values, np.float32)) for values in (scale, offset))
    pixels = channels, height * width
    arguments = images.run, index.run, pixels, *numbers
    floats_kernel.each(out.size, *arguments, out.memory, out.size)
    return out


floats = Kernel("gather.floats", _floats_reference, _floats_cpu, _floats_cuda)
