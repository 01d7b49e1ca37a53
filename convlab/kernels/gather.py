"""Rows and columns picked by an index: padding in all modes, cropping, reordering; and batches."""

from __future__ import annotations

import numpy as np
from numba import prange

from convlab.kernels.device import empty, loop
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


def column_runs(columns: np.ndarray) -> np.ndarray:
    """``columns`` as runs that lie side by side: rows of (target, source or -1, length)."""
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


def copy_runs(x, rows, runs, width):
    """``x`` (C, H, W, N) picked by ``rows`` and ``column_runs``, ``width`` columns."""
    channels, height, _, batch = x.shape
    out = empty((channels, len(rows), width, batch), x.dtype)
    flat = x.reshape(channels, height, -1)
    _gather2d_loop(flat, rows, runs * batch, out.reshape(channels, len(rows), -1))
    return out


@loop
def _gather2d_grad_loop(grad, rows, columns, out):
    # grad: (C, OH, OW, N) · out: (C, H, W, N), zeros; each turn owns one input row
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
    return copy_runs(x, rows, column_runs(columns), len(columns))


def _gather2d_grad_cpu(grad, rows, columns, size):
    out = np.zeros((grad.shape[0], *size, grad.shape[3]), grad.dtype)
    _gather2d_grad_loop(grad, rows, columns, out)
    return out


gather2d = Kernel("gather.gather2d", _gather2d_reference, _gather2d_cpu)
gather2d_grad = Kernel("gather.gather2d_grad", _gather2d_grad_reference, _gather2d_grad_cpu)
