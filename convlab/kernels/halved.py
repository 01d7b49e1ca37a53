"""A convolution with the maximum over 2 x 2 behind it, and its gradient of the weights.

In one pass: what the convolution makes, four times as many numbers, is never written to memory.
Arrays as in conv2d.py and pool2d.py: x: (C, H, W, N), weight: (O, C / groups, KH, KW), output
and index of the winners: (O, OH / 2, OW / 2, N).  The same numbers, to the bit, as one after
the other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange

from convlab import shapes
from convlab.kernels import conv2d, memory, pool2d
from convlab.kernels.device import aligned, loop
from convlab.kernels.dispatch import Kernel
from convlab.kernels.lanes import BLOCK, TILE, VECTOR, add_taps, dot_with_one, dot_with_six
from convlab.kernels.lanes_plan import Plan, input_plan
from convlab.shapes import Conv2dGeometry, PoolWindows


@lru_cache(maxsize=256)
def windows_of(g: Conv2dGeometry) -> PoolWindows:
    """2 x 2 side by side over the output of a convolution."""
    return shapes.pool_windows(g.output, (2, 2), (2, 2), (0, 0))


# --- the definition, and the way of a GPU: one after the other ------------------------------


def _forward_by(convolve, maximum):
    return lambda x, weight, bias, g, relu=False: maximum(
        convolve(x, weight, bias, g), windows_of(g), relu
    )


def _grad_weight_by(scatter, grad_weight):
    return lambda grad, index, x, g: grad_weight(scatter(grad, index, windows_of(g)), x, g)


# --- the CPU: two rows of the convolution at a time, see lanes.py ----------------------------


@loop
def _forward_loop(x, weight, weight_steps, bias, ranges, relu, columns, out, index):
    # out, index: (O, rows / 2, columns / 2, N) · columns: of the convolution
    # x, weight, weight_steps, bias, ranges: as in lanes.multiply_rows
    #
    # One turn makes a tile of two rows: some pairs of columns, or, of many images, a part of
    # one pair.
    u = np.uintp
    _, _, _, groups, group_step, row_step = ranges
    rows, batch = out.shape[1], out.shape[3]
    group_size = out.shape[0] // groups
    blocks = (group_size + BLOCK - 1) // BLOCK
    half = TILE // 2
    parts = (batch + half - 1) // half
    part = batch if parts == 1 else ((batch + parts - 1) // parts + VECTOR - 1) // VECTOR * VECTOR
    pairs = half // batch if parts == 1 else 1
    tiles = (out.shape[2] + pairs - 1) // pairs * parts
    o_step = u(weight_steps[0])
    for turn in prange(rows * tiles * groups * blocks):
        block = turn % blocks
        group = turn // blocks % groups
        tile = turn // (blocks * groups) % tiles
        row = turn // (blocks * groups * tiles)
        channel = u(group * group_size + block * BLOCK)
        channels = min(u(BLOCK), u((group + 1) * group_size) - channel)
        w, b = weight[channel * o_step :], bias[channel:]
        pair, begin = tile // parts * pairs, tile % parts * part
        own_pairs, images = min(pairs, out.shape[2] - pair), min(part, batch - begin)
        sums = aligned(2 * BLOCK * TILE, x.dtype)
        for r in range(2):
            own_row = u(2 * row + r)
            start = u(group) * u(group_step) + own_row * u(row_step)
            s = sums[r * BLOCK * TILE :]
            if parts == 1:
                first, last = u(2 * pair * batch), u(2 * (pair + own_pairs) * batch)
                add_taps(x, start, w, weight_steps, b, ranges, own_row, first, last, channels, s)
            else:
                for c in range(2):
                    first = u((2 * pair + c) * batch + begin)
                    last, t = first + u(images), s[c * part :]
                    add_taps(
                        x, start, w, weight_steps, b, ranges, own_row, first, last, channels, t
                    )
        for o in range(channels):
            above, below = sums[o * u(TILE) :], sums[u(BLOCK * TILE) + o * u(TILE) :]
            for p in range(own_pairs):
                at, place = 2 * p * part, 2 * row * columns + 2 * (pair + p)
                pool2d.largest_of_four(
                    above[at : at + images],
                    above[at + part : at + part + images],
                    below[at : at + images],
                    below[at + part : at + part + images],
                    place,
                    columns,
                    relu,
                    out[channel + o, row, pair + p, begin : begin + images],
                    index[channel + o, row, pair + p, begin : begin + images],
                )


@loop
def _grad_weight_loop(x, grad, index, ranges, columns, chunks, out, by_bias):
    # grad, index: (O, rows / 2, columns / 2, N) · columns: of the convolution
    # x, ranges, chunks, out, by_bias: as in lanes.multiply_rows_transposed
    u = np.uintp
    offsets, lane_ranges, tap_ranges, groups, group_step, row_step = ranges
    zero = x.dtype.type(0)
    lanes, batch = u(columns * grad.shape[3]), u(grad.shape[3])
    group_size = grad.shape[0] // groups
    blocks = (group_size + BLOCK - 1) // BLOCK
    for turn in prange(chunks * groups * blocks):
        block, group, chunk = turn % blocks, turn // blocks % groups, u(turn // (blocks * groups))
        rows = u(tap_ranges.shape[0])
        channel = u(group * group_size + block * BLOCK)
        channels = min(u(BLOCK), u((group + 1) * group_size) - channel)
        # What the convolution's gradient is in one row: most of it 0.
        y = np.zeros((BLOCK, 1, columns * grad.shape[3]), x.dtype)
        for row in range(chunk * rows // u(chunks), (chunk + u(1)) * rows // u(chunks)):
            half = row // u(2)
            if half >= u(grad.shape[1]):
                break  # the last row of an odd size
            for o in range(channels):
                for pair in range(u(grad.shape[2])):
                    g, w = grad[channel + o, half, pair], index[channel + o, half, pair]
                    for c in range(u(2)):
                        here = u(2) * pair + c
                        place = index.dtype.type(row * u(columns) + here)
                        target = y[o, 0, here * batch :]
                        for n in range(batch):
                            target[n] = g[n] if w[n] == place else zero
                run, sum_of_row = y[o, 0], zero
                for lane in range(lanes):
                    sum_of_row += run[lane]
                by_bias[chunk, channel + o] += sum_of_row
            start = u(group) * u(group_step) + row * u(row_step)
            tap, taps = u(tap_ranges[row, 0]), u(tap_ranges[row, 1])
            for column in range(u(offsets.shape[0])):
                begin, stop = u(lane_ranges[column, 0]), u(lane_ranges[column, 1])
                if begin < stop:
                    own = x, start + begin, offsets[column], tap, taps, stop - begin
                    total = out[chunk, channel:, column]
                    if channels > u(1):
                        dot_with_six(*own, y, u(0), begin, u(0), channels, total)
                    else:
                        dot_with_one(*own, y[0, 0, begin:], total[0])


def _plan_in_rows(g: Conv2dGeometry, batch: int) -> Plan | None:
    """The plan where it has the convolution's rows, and each column whole vectors of images."""
    plan = input_plan(g, batch)
    fits = batch % VECTOR == 0 and len(plan.ranges.taps) == g.output[0]
    return plan if fits else None


def _forward_cpu(x, weight, bias, g, relu=False):
    batch = x.shape[3]
    plan, windows = _plan_in_rows(g, batch), windows_of(g)
    if plan is None:
        return pool2d.max_forward(conv2d.forward(x, weight, bias, g), windows, relu)
    out = memory.empty((g.out_channels, *windows.output, batch), x.dtype)
    index = memory.empty(out.shape, pool2d.index_type(windows))
    columns = g.output[1]
    flat = plan.lay(x, columns * batch)
    _forward_loop(flat, *plan.weights(weight), bias, tuple(plan.ranges), relu, columns, out, index)
    return out, index


def _grad_weight_cpu(grad, index, x, g):
    plan = _plan_in_rows(g, x.shape[3])
    if plan is None:
        return conv2d.grad_weight(pool2d.max_backward(grad, index, windows_of(g)), x, g)
    return conv2d.in_chunks(
        plan,
        x,
        g,
        lambda flat, ranges, *sums: _grad_weight_loop(
            flat, grad, index, ranges, g.output[1], *sums
        ),
    )


forward = Kernel(
    "halved.forward",
    _forward_by(conv2d.forward.reference, pool2d.max_forward.reference),
    _forward_cpu,
    _forward_by(conv2d.forward, pool2d.max_forward),
)
grad_weight = Kernel(
    "halved.grad_weight",
    _grad_weight_by(pool2d.max_backward.reference, conv2d.grad_weight.reference),
    _grad_weight_cpu,
    _grad_weight_by(pool2d.max_backward, conv2d.grad_weight),
)
