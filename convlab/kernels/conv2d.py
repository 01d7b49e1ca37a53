"""Convolution in two dimensions: forward and its three gradients.

As everywhere in machine learning, "convolution" is cross-correlation: the
kernel is not rotated.  Arrays have the batch innermost: x: (C, H, W, N), weight:
(O, C / groups, KH, KW), bias: (O,), output: (O, OH, OW, N).  Sizes come in a
``Conv2dGeometry``.  The forward can multiply each map with a factor of ``norm`` and add
another number, both (O,), as an evaluated batch normalisation does; with ``relu`` it then sets
negative results to 0.

A transposed convolution is ``grad_input``: it has no loop of its own.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np
from numba import prange

from convlab.kernels import cuda, depthwise, memory
from convlab.kernels.calls import do
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel
from convlab.kernels.lanes import VECTOR, multiply_rows, multiply_rows_transposed
from convlab.kernels.lanes_plan import grad_input_plans, input_plan, map_plan, whole_map_fits
from convlab.kernels.tiles_cuda import (
    Target,
    forward_gather,
    grad_input_gathers,
    product_cuda,
    product_transposed_cuda,
)
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


def _forward_reference(x, weight, bias, g, relu=False, norm=None):
    out = np.zeros((g.out_channels, *g.output, x.shape[3]), x.dtype)
    for o in range(g.out_channels):
        out[o] = bias[o]
    for o, channel, c, oh, ow, kh, kw, ih, iw in _taps(g):
        for n in range(x.shape[3]):
            out[o, oh, ow, n] += weight[o, c, kh, kw] * x[channel, ih, iw, n]
    if norm is not None:
        for o in range(g.out_channels):
            out[o] = out[o] * norm[0][o] + norm[1][o]
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
    # The gradient of the bias too, in the same pass over the output's gradient.
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


# --- the plain compiled loop: a thread for each row of a map, images innermost -----
# ``batch`` is unsigned: an index that cannot be negative needs no test, so that the loop
# over images vectorises.  padding: (top, left).


@loop
def _forward_loop(x, weight, bias, stride, padding, dilation, groups, relu, out):
    # x: (C, H, W, N) · weight: (O, C / groups, KH, KW) · bias: (O,) · out: (O, OH, OW, N)
    height, batch, zero = out.shape[1], np.uintp(out.shape[3]), out.dtype.type(0)
    for turn in prange(out.shape[0] * height):
        o, oh = turn // height, turn % height
        group = o // (out.shape[0] // groups)
        for ow in range(out.shape[2]):
            y = out[o, oh, ow]
            y[:] = bias[o]
            for c, kh, kw in np.ndindex(weight.shape[1:]):
                ih = oh * stride[0] + kh * dilation[0] - padding[0]
                iw = ow * stride[1] + kw * dilation[1] - padding[1]
                if 0 <= ih < x.shape[1] and 0 <= iw < x.shape[2]:
                    w, values = weight[o, c, kh, kw], x[group * weight.shape[1] + c, ih, iw]
                    for n in range(batch):
                        y[n] += w * values[n]
            if relu:
                for n in range(batch):
                    y[n] = zero if y[n] < zero else y[n]


@loop
def _grad_input_loop(grad, weight, stride, padding, dilation, groups, out):
    # grad: (O, OH, OW, N) · weight: (O, C / groups, KH, KW) · out: (C, H, W, N), zeros
    height, batch = out.shape[1], np.uintp(out.shape[3])
    group_size = grad.shape[0] // groups
    for turn in prange(out.shape[0] * height):
        channel, ih = turn // height, turn % height
        group, c = channel // weight.shape[1], channel % weight.shape[1]
        for o in range(group * group_size, (group + 1) * group_size):
            for kh in range(weight.shape[2]):
                # The output row that this tap reads input row ih for, if there is one.
                steps = ih + padding[0] - kh * dilation[0]
                oh = steps // stride[0]
                if steps % stride[0] == 0 and 0 <= oh < grad.shape[1]:
                    for kw, ow in np.ndindex((weight.shape[3], grad.shape[2])):
                        iw = ow * stride[1] + kw * dilation[1] - padding[1]
                        if 0 <= iw < out.shape[2]:
                            w, y = weight[o, c, kh, kw], grad[o, oh, ow]
                            target = out[channel, ih, iw]
                            for n in range(batch):
                                target[n] += w * y[n]


@loop
def _grad_weight_loop(grad, x, stride, padding, dilation, groups, out):
    # grad: (O, OH, OW, N) · x: (C, H, W, N) · out: (O, C / groups, KH, KW)
    per_group, batch = out.shape[1], np.uintp(x.shape[3])
    for turn in prange(out.shape[0] * per_group):
        o, c = turn // per_group, turn % per_group
        channel = o // (out.shape[0] // groups) * per_group + c
        for kh, kw in np.ndindex(out.shape[2:]):
            total = out.dtype.type(0)
            for oh, ow in np.ndindex(grad.shape[1:3]):
                ih = oh * stride[0] + kh * dilation[0] - padding[0]
                iw = ow * stride[1] + kw * dilation[1] - padding[1]
                if 0 <= ih < x.shape[1] and 0 <= iw < x.shape[2]:
                    y, values = grad[o, oh, ow], x[channel, ih, iw]
                    for n in range(batch):
                        total += y[n] * values[n]
            out[o, c, kh, kw] = total


@loop
def _grad_bias_loop(grad, out):
    # grad: (O, any) · out: (O,), zeros
    for o in prange(grad.shape[0]):
        for y in grad[o]:
            out[o] += y


def _steps(g):
    return g.stride, (g.padding[0], g.padding[2]), g.dilation, g.groups


def _folded(weight, bias, norm):
    """The weight and bias that have the result of these after ``norm``."""
    if norm is None:
        return weight, bias
    scale, shift = norm
    return weight * scale[:, None, None, None], bias * scale + shift


def _forward_plain(x, weight, bias, g, relu=False, norm=None):
    out = memory.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    weight, bias = _folded(weight, bias, norm)
    _forward_loop(x, weight, bias, *_steps(g), relu, out)
    return out


def _grad_input_plain(grad, weight, g):
    out = memory.zeros((g.in_channels, *g.input, grad.shape[3]), grad.dtype)
    _grad_input_loop(grad, weight, *_steps(g), out)
    return out


def _grad_weight_plain(grad, x, g):
    out = memory.empty(g.weight_shape, grad.dtype)
    _grad_weight_loop(grad, x, *_steps(g), out)
    return out, _grad_bias_plain(grad)


def _grad_bias_plain(grad):
    out = np.zeros(grad.shape[0], grad.dtype)
    _grad_bias_loop(grad.reshape(grad.shape[0], -1), out)
    return out


# --- the CPU: rows of output from rows of input, see lanes.py ----------------------


@lru_cache(maxsize=256)
def _forward_setup(g, batch):
    # The plan, its ranges, the shape of the output, the same as rows, and the steps of the weights.
    plan = map_plan(g, batch) if whole_map_fits(g, batch) else input_plan(g, batch)
    shape = g.out_channels, *g.output, batch
    rows = g.out_channels, *plan.rows(shape)
    own = math.prod(g.weight_shape[1:])  # weights of an output channel
    steps = g.out_channels // g.groups * own, own
    return plan, tuple(plan.ranges), shape, rows, steps


def _forward_cpu(x, weight, bias, g, relu=False, norm=None):
    if depthwise.suits(g):
        out = memory.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
        weight, bias = _folded(weight, bias, norm)
        taps, layout = weight.reshape(len(out), -1), depthwise.layout(g, x.shape[3])
        maps, target = (a.reshape(*a.shape[:2], -1) for a in (x, out))
        depthwise.filter_maps(maps, taps, bias, tuple(layout), relu, target)
        return out
    plan, ranges, shape, rows, steps = _forward_setup(g, x.shape[3])
    out = memory.empty(shape, x.dtype)
    flat = plan.lay(x, rows[2])
    # Whichever are fewer are multiplied: a map's weights, or its results.
    if norm is not None and math.prod(g.weight_shape[1:]) <= math.prod(g.output):
        weight, bias = _folded(weight, bias, norm)
        norm = None
    norm = _no_norm(x.dtype) if norm is None else np.stack(norm)
    weights = weight.reshape(-1), steps, bias, norm
    multiply_rows(flat, *weights, ranges, relu, out.reshape(rows))
    return out


@cache
def _no_norm(dtype):
    return np.empty((2, 0), dtype)


def _grad_input_cpu(grad, weight, g):
    batch = grad.shape[3]
    steps = math.prod(g.weight_shape) // g.groups, math.prod(g.kernel)
    out = memory.empty((g.in_channels, *g.input, batch), grad.dtype)
    no_bias = np.zeros(g.in_channels, grad.dtype)
    flat = None
    for cells, plan in grad_input_plans(g, batch):
        part = out[cells]
        if part.size == 0:
            continue
        target = part if g.stride == (1, 1) else memory.empty(part.shape, grad.dtype)
        rows = target.reshape(g.in_channels, *plan.rows(target.shape))
        if flat is None:
            flat = plan.lay(grad, rows.shape[2])
        weights = weight.reshape(-1), steps, no_bias, _no_norm(grad.dtype)
        multiply_rows(flat, *weights, tuple(plan.ranges), False, rows)
        if target is not part:
            do(np.copyto, part, target)
    return out


def _grad_weight_cpu(grad, x, g):
    plan = input_plan(g, x.shape[3])
    # Many chunks, so that a chunk's input stays in the cache for all channels, but no more to write
    # and add up than there is input.  Only the sizes decide.
    offsets = plan.ranges.offsets
    chunks = min(len(plan.ranges.taps), max(16, x.size // offsets.size // g.out_channels))
    out = memory.zeros((chunks, g.out_channels + 1, *offsets.shape), grad.dtype)
    by_bias = memory.zeros((chunks, g.out_channels), grad.dtype)
    flat = plan.lay(x, VECTOR)  # no lane past the end is read
    rows = grad.reshape(g.out_channels, *plan.rows(grad.shape))
    multiply_rows_transposed(flat, rows, tuple(plan.ranges), chunks, out, by_bias)
    total = memory.empty(out.shape[1:], grad.dtype)
    weight = memory.empty(g.weight_shape, grad.dtype)
    bias = memory.empty((g.out_channels,), grad.dtype)
    do(np.add.reduce, out, 0, None, total)
    do(np.copyto, weight, plan.unweights(total[:-1], g))
    do(np.add.reduce, by_bias, 0, None, bias)
    return weight, bias


def _grad_bias_cpu(grad):
    # NumPy adds each channel's run pairwise: more exact than one running sum, and as fast.
    out = memory.empty((len(grad),), grad.dtype)
    return do(np.add.reduce, grad.reshape(len(grad), -1), 1, None, out)


# --- CUDA: taps as a table, see tiles_cuda.py ---------------------------------------


def _forward_cuda(x, weight, bias, g, relu=False, norm=None):
    weight, bias = _folded(weight, bias, norm)
    out = cuda.empty((g.out_channels, *g.output, x.shape[3]), x.dtype)
    gather = forward_gather(g, x.shape[3])
    per_out = math.prod(g.weight_shape[1:])
    places = g.out_channels // g.groups * per_out, per_out
    product_cuda(gather, x, weight, places, bias, relu, Target(out.run, out.steps[:3]))
    return out


def _grad_input_cuda(grad, weight, g):
    out = cuda.empty((g.in_channels, *g.input, grad.shape[3]), grad.dtype)
    no_bias = cuda.constant(np.zeros(g.in_channels, grad.dtype))
    of_group = g.out_channels // g.groups * math.prod(g.weight_shape[1:])
    places = of_group, math.prod(g.kernel)
    channel_step, row_step, column_step, _ = out.steps
    steps = channel_step, row_step * g.stride[0], column_step * g.stride[1]
    for (row, column), gather in grad_input_gathers(g, grad.shape[3]):
        first = cuda.Run(out.memory, out.start + row * row_step + column * column_step)
        product_cuda(gather, grad, weight, places, no_bias, False, Target(first, steps))
    return out


def _grad_weight_cuda(grad, x, g):
    weight, bias = product_transposed_cuda(forward_gather(g, x.shape[3]), x, grad)
    return weight.reshape(g.weight_shape), bias


def _grad_bias_cuda(grad):
    return grad.reshape(grad.shape[0], -1).sum(axis=1)


forward = Kernel("conv2d.forward", _forward_reference, _forward_cpu, _forward_cuda, _forward_plain)
grad_input = Kernel(
    "conv2d.grad_input",
    _grad_input_reference,
    _grad_input_cpu,
    _grad_input_cuda,
    _grad_input_plain,
)
grad_weight = Kernel(
    "conv2d.grad_weight",
    _grad_weight_reference,
    _grad_weight_cpu,
    _grad_weight_cuda,
    _grad_weight_plain,
)
grad_bias = Kernel(
    "conv2d.grad_bias", _grad_bias_reference, _grad_bias_cpu, _grad_bias_cuda, _grad_bias_plain
)
