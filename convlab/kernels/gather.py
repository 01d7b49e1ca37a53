"""Rows and columns picked by an index: padding in all modes, cropping, reordering; and batches."""

from __future__ import annotations

import numpy as np
from numba import prange

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
def _gather2d_loop(x, rows, columns, out):
    # x: (C, H, W, N) · rows: (OH,) · columns: (OW,) · out: (C, OH, OW, N)
    height = rows.shape[0]
    batch = np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * height):
        c, i = turn // height, turn % height
        for j in range(columns.shape[0]):
            target = out[c, i, j]
            if rows[i] >= 0 and columns[j] >= 0:
                source = x[c, rows[i], columns[j]]
                for n in range(batch):
                    target[n] = source[n]
            else:
                for n in range(batch):
                    target[n] = 0


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
    out = np.empty((x.shape[0], len(rows), len(columns), x.shape[3]), x.dtype)
    _gather2d_loop(x, rows, columns, out)
    return out


def _gather2d_grad_cpu(grad, rows, columns, size):
    out = np.zeros((grad.shape[0], *size, grad.shape[3]), grad.dtype)
    _gather2d_grad_loop(grad, rows, columns, out)
    return out


gather2d = Kernel("gather.gather2d", _gather2d_reference, _gather2d_cpu)
gather2d_grad = Kernel("gather.gather2d_grad", _gather2d_grad_reference, _gather2d_grad_cpu)
