"""Dense (fully connected) layers: y = W x + b for every image.

Arrays have the batch innermost: x: (I, N), weight: (O, I), bias: (O,), output:
(O, N).  With ``relu`` negative results become 0.  The gradient of the weight
comes with that of the bias; the latter alone is ``conv2d.grad_bias``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange

from convlab.kernels import cuda, memory
from convlab.kernels.calls import do
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel
from convlab.kernels.lanes import Ranges, multiply_rows, room_for, with_room
from convlab.kernels.tiles_cuda import Gather, Target, product_cuda, product_transposed_cuda

# --- the definition ---------------------------------------------------------------


def _forward_reference(x, weight, bias, relu=False):
    out = np.zeros((weight.shape[0], x.shape[1]), x.dtype)
    for o in range(weight.shape[0]):
        for n in range(x.shape[1]):
            out[o, n] = bias[o]
            for i in range(x.shape[0]):
                out[o, n] += weight[o, i] * x[i, n]
    if relu:
        out[out < 0] = 0
    return out


def _grad_input_reference(grad, weight):
    out = np.zeros((weight.shape[1], grad.shape[1]), grad.dtype)
    for i in range(weight.shape[1]):
        for n in range(grad.shape[1]):
            for o in range(weight.shape[0]):
                out[i, n] += weight[o, i] * grad[o, n]
    return out


def _grad_weight_reference(grad, x):
    # The gradient of the bias too.
    out = np.zeros((grad.shape[0], x.shape[0]), grad.dtype)
    for o in range(grad.shape[0]):
        for i in range(x.shape[0]):
            for n in range(grad.shape[1]):
                out[o, i] += grad[o, n] * x[i, n]
    return out, grad.sum(axis=1)


# --- the plain compiled loop: a thread for each row of the result, images innermost --


@loop
def _forward_loop(x, weight, bias, relu, out):
    # x: (I, N) · weight: (O, I) · bias: (O,) · out: (O, N)
    batch, zero = np.uintp(x.shape[1]), out.dtype.type(0)
    for o in prange(out.shape[0]):
        y = out[o]
        y[:] = bias[o]
        for i in range(x.shape[0]):
            w, values = weight[o, i], x[i]
            for n in range(batch):
                y[n] += w * values[n]
        if relu:
            for n in range(batch):
                y[n] = zero if y[n] < zero else y[n]


@loop
def _grad_input_loop(grad, weight, out):
    # grad: (O, N) · weight: (O, I) · out: (I, N), zeros
    batch = np.uintp(grad.shape[1])
    for i in prange(out.shape[0]):
        target = out[i]
        for o in range(grad.shape[0]):
            w, y = weight[o, i], grad[o]
            for n in range(batch):
                target[n] += w * y[n]


@loop
def _grad_weight_loop(grad, x, by_weight, by_bias):
    # grad: (O, N) · x: (I, N) · by_weight: (O, I), zeros · by_bias: (O,), zeros
    batch = np.uintp(x.shape[1])
    for o in prange(grad.shape[0]):
        for n in range(batch):
            by_bias[o] += grad[o, n]
        for i in range(x.shape[0]):
            for n in range(batch):
                by_weight[o, i] += grad[o, n] * x[i, n]


def _forward_plain(x, weight, bias, relu=False):
    out = memory.empty((weight.shape[0], x.shape[1]), x.dtype)
    _forward_loop(x, weight, bias, relu, out)
    return out


def _grad_input_plain(grad, weight):
    out = np.zeros((weight.shape[1], grad.shape[1]), grad.dtype)
    _grad_input_loop(grad, weight, out)
    return out


def _grad_weight_plain(grad, x):
    by_weight, by_bias = np.zeros((len(grad), len(x)), grad.dtype), np.zeros(len(grad), grad.dtype)
    _grad_weight_loop(grad, x, by_weight, by_bias)
    return by_weight, by_bias


# --- the CPU: one row of output, see lanes.py ----------------------------------------


@lru_cache(maxsize=256)
def _setup(shape: tuple[int, int], strides: tuple[int, int], size: int, lanes: int) -> tuple:
    """The steps of a weight of ``shape``, and one column and one row with all its inputs."""
    outputs, inputs = shape
    # Along an axis of length 1 NumPy's strides mean nothing.
    down, along = (step // size if n > 1 else 0 for n, step in zip(shape, strides, strict=True))
    taps = np.arange(inputs, dtype=np.uintp)[None]
    lane_range, tap_range = np.array([[0, lanes]]), np.array([[0, inputs]])
    tables = taps * np.uintp(lanes), taps * np.uintp(along), lane_range, tap_range
    return (0, down), tuple(Ranges(*tables, 1, 0, 0, lanes, 0)), (outputs, 1, lanes)


def _product(weight, flat, lanes, bias, relu=False):
    """weight (O, I) times x (I, N), flat and padded, plus bias: one row whose taps are the
    inputs."""
    # A transposed weight is read in place, one with gaps is copied.
    if not weight.flags.forc:
        weight = memory.contiguous(weight)
    steps, ranges, shape = _setup(weight.shape, weight.strides, weight.itemsize, lanes)
    out = memory.empty(shape, flat.dtype)
    no_norm = np.empty((2, 0), flat.dtype)
    multiply_rows(flat, weight.ravel(order="K"), steps, bias, no_norm, ranges, relu, out)
    return out[:, 0]


ROWS = 8  # outputs per iteration for a single image


@loop(reorder=False)
def _forward_one_loop(x, weight, bias, relu, out):
    # x: (I,) · weight: (O, I) · bias: (O,) · out: (O,)
    #
    # With a single lane the sums of a few outputs, which do not wait for each other, stay in
    # registers for all inputs.  They add in the same order as with many lanes, so a single image
    # gets the same bits.  Past the last output, the last one is computed again.
    u = np.uintp
    zero, last = x.dtype.type(0), u(out.shape[0] - 1)
    for turn in prange((out.shape[0] + ROWS - 1) // ROWS):
        a = u(turn * ROWS)
        b, c, d = min(a + u(1), last), min(a + u(2), last), min(a + u(3), last)
        e, f, g = min(a + u(4), last), min(a + u(5), last), min(a + u(6), last)
        h = min(a + u(7), last)
        wa, wb, wc, wd = weight[a], weight[b], weight[c], weight[d]
        we, wf, wg, wh = weight[e], weight[f], weight[g], weight[h]
        sa, sb, sc, sd = bias[a], bias[b], bias[c], bias[d]
        se, sf, sg, sh = bias[e], bias[f], bias[g], bias[h]
        for i in range(u(x.shape[0])):
            value = x[i]
            sa += wa[i] * value
            sb += wb[i] * value
            sc += wc[i] * value
            sd += wd[i] * value
            se += we[i] * value
            sf += wf[i] * value
            sg += wg[i] * value
            sh += wh[i] * value
        out[a], out[b], out[c], out[d] = sa, sb, sc, sd
        out[e], out[f], out[g], out[h] = se, sf, sg, sh
        if relu:
            for o in range(a, h + u(1)):
                out[o] = zero if out[o] < zero else out[o]


def _forward_cpu(x, weight, bias, relu=False):
    lanes = x.shape[1]
    if lanes == 1:
        out = memory.empty((len(weight), 1), x.dtype)
        _forward_one_loop(x.reshape(-1), weight, bias, relu, out.reshape(-1))
        return out
    return _product(weight, with_room(x, lanes), lanes, bias, relu)


def _grad_input_cpu(grad, weight):
    lanes = grad.shape[1]
    no_bias = np.zeros(weight.shape[1], grad.dtype)
    return _product(weight.T, with_room(grad, lanes), lanes, no_bias)


def _grad_weight_cpu(grad, x):
    # Lanes are the inputs here, taps the images: rows of the transposed x are long runs.
    turned, flat = room_for((x.shape[1], x.shape[0]), x.dtype)
    step = max(64, 16384 // x.shape[1])  # inputs whose lines stay in the cache
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        do(np.copyto, turned[:, part], x[part].T)
    weight = _product(grad, flat, x.shape[0], np.zeros(len(grad), grad.dtype))
    bias = memory.empty((len(grad),), grad.dtype)
    return weight, do(np.add.reduce, grad, 1, None, bias)


# --- CUDA: a convolution of one pixel, see tiles_cuda.py -------------------------------------


@lru_cache(maxsize=256)
def _gather(inputs: int, lanes: int, outputs: int, step: int = 1) -> Gather:
    """The inputs as taps; ``step`` leads from a weight to that of the next input."""
    taps = np.zeros((inputs, 4), np.int32)
    taps[:, 0] = np.arange(inputs)
    taps[:, 3] = taps[:, 0] * step
    size = 1, 1, lanes
    return Gather(size, size, taps, (0, 0), (1, 1), 1, inputs, outputs, inputs)


def _forward_cuda(x, weight, bias, relu=False):
    out = cuda.empty((weight.shape[0], x.shape[1]), x.dtype)
    target = Target(out.run, (x.shape[1], 0, 0))
    gather = _gather(*x.shape, weight.shape[0])
    product_cuda(gather, x, weight, (0, weight.shape[1]), bias, relu, target)
    return out


def _grad_input_cuda(grad, weight):
    out = cuda.empty((weight.shape[1], grad.shape[1]), grad.dtype)
    inputs = weight.shape[1]
    target = Target(out.run, (grad.shape[1], 0, 0))
    no_bias = cuda.constant(np.zeros(inputs, grad.dtype))
    gather = _gather(*grad.shape, inputs, step=inputs)
    product_cuda(gather, grad, weight, (0, 1), no_bias, False, target)
    return out


def _grad_weight_cuda(grad, x):
    return product_transposed_cuda(_gather(*x.shape, grad.shape[0]), x, grad)


forward = Kernel("dense.forward", _forward_reference, _forward_cpu, _forward_cuda, _forward_plain)
grad_input = Kernel(
    "dense.grad_input", _grad_input_reference, _grad_input_cpu, _grad_input_cuda, _grad_input_plain
)
grad_weight = Kernel(
    "dense.grad_weight",
    _grad_weight_reference,
    _grad_weight_cpu,
    _grad_weight_cuda,
    _grad_weight_plain,
)
