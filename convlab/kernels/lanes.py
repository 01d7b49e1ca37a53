"""The fast product under convolution and dense layers: rows of output from rows of input.

Arrays have the batch innermost, (C, H, W, N), so one row of an output map is a
run of neighbouring numbers, its *lanes*: all columns of all images.  Every tap of
a kernel (one channel, kernel row and kernel column) adds to that run the run of
input that starts at the tap's *offset*, times one weight::

    out[o, row, lane] = bias[o] + sum over taps t of
        weight[o, t] * x[start of row + offset[t] + lane]

Stride, dilation and the kernel's shape are all in the offsets.  Padding costs
nothing where it can be left out: the taps of a row that do not lie above or below
the input are a range, and taps come in *columns*, each of which reaches only a
range of the lanes: see ``Ranges``; lanes_plan.py works them out for a convolution.
A dense layer is one column and one row whose lanes are the images.

The loops work on whole vectors of 16 lanes.  So columns with their own lanes need
a multiple of 16 of them, or zeros to read behind them; and where a row makes one
tile and the last vector is not full, ``x`` needs 16 numbers after its rows, which
are read for lanes that do not exist: see ``with_room``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from convlab.kernels import memory
from convlab.kernels.calls import do
from convlab.kernels.device import aligned, loop

VECTOR = 16  # lanes that are processed together: the widest vector of float32
BLOCK = 6  # output channels per iteration
# Lanes per iteration: their sums fit into two pages of memory.  With three pages, which the cache
# indexes by the low bits of their physical addresses, one process in ten ran at half the speed.
TILE = 320

# From one channel's sums to the next: lanes that begin anywhere are filled up to whole vectors.
PITCH = TILE + VECTOR

_1, _2, _3, _4, _5 = (np.uintp(i * PITCH) for i in range(1, BLOCK))


class Ranges(NamedTuple):
    """Which inputs the taps meet: what both loops need to know.

    Input of output row r in group g starts at ``x[g * group_step + r * row_step]``; that may
    lie before the array, where the first taps are padding.

    The loops get it as a plain tuple: for a NamedTuple, Numba asks Python for its type at every
    call, which takes a microsecond.
    """

    offsets: np.ndarray  # (columns, taps) of each tap from the start of its row's input
    places: np.ndarray  # (columns, taps) of each tap's weight from its channel's first one
    lanes: np.ndarray  # (columns, 2) from and to: the lanes that a column reaches
    taps: np.ndarray  # (rows, 2) from and to: the taps of a row that are not padding
    groups: int
    group_step: int
    row_step: int
    run: int  # neighbouring lanes of a row that mean something
    gap: int  # lanes from there to the next run, which mean nothing


def room_for(shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """An array to fill, and its memory as a flat array followed by one vector of zeros."""
    size = math.prod(shape)
    flat = memory.empty((size + VECTOR,), dtype)
    do(np.copyto, flat[size:], 0)
    return flat[:size].reshape(shape), flat


def with_room(x: np.ndarray, lanes: int) -> np.ndarray:
    """``x`` as a flat array that may be read in whole vectors for rows of ``lanes``.

    Where rows have full vectors, or several tiles of which the last overlaps its neighbour, nothing
    past ``x`` is read; else it is a copy with room.
    """
    if lanes % VECTOR == 0 or lanes > TILE:
        return x.reshape(-1)
    inside, flat = room_for(x.shape, x.dtype)
    do(np.copyto, inside, x)
    return flat


@loop
def multiply_rows(x, weight, weight_steps, bias, norm, ranges, relu, out):
    # x: (any,) flat · weight: (any,) flat, see weight_steps · bias: (O,)
    # weight_steps: from a weight to that of the next group and output channel
    # norm: (2, O), what results are then multiplied with and what is added, or (2, 0)
    # ranges: ``Ranges`` as a tuple · out: (O, rows, lanes without gaps).  With ``relu`` negative
    # results become 0.
    #
    # One iteration makes a tile of lanes of one row for six output channels.  Its sums are kept in
    # a small separate array: the compiler sees that writing them changes no input, they stay in the
    # L1 cache, and ``out`` is written once.
    u = np.uintp  # an unsigned index needs no test for negative values, so the loop vectorises
    offsets, places, lane_ranges, tap_ranges, groups, group_step, row_step, run, gap = ranges
    zero = x.dtype.type(0)
    rows, lanes = out.shape[1], out.shape[2] // run * (run + gap) - gap
    group_size = out.shape[0] // groups
    blocks = (group_size + BLOCK - 1) // BLOCK
    vectors = (lanes + VECTOR - 1) // VECTOR
    tiles = (lanes + TILE - 1) // TILE
    weights_of_group, o_step = u(weight_steps[0]), u(weight_steps[1])
    for turn in prange(rows * tiles * groups * blocks):
        block = turn % blocks
        group = turn // blocks % groups
        tile = turn // (blocks * groups) % tiles
        row = u(turn // (blocks * groups * tiles))
        own = u(tile * vectors // tiles * VECTOR)
        last = u((tile + 1) * vectors // tiles * VECTOR)
        # Whole vectors: where the last one is not full, it overlaps the one before.
        first = min(own, max(u(lanes), last - own) - (last - own))
        last = first + (last - own)
        start = u(group) * u(group_step) + row * u(row_step)
        channel = u(group * group_size + block * BLOCK)
        channels = min(u(BLOCK), u((group + 1) * group_size) - channel)
        w = weight[u(group) * weights_of_group + u(block * BLOCK) * o_step :]
        tap, taps = u(tap_ranges[row, 0]), u(tap_ranges[row, 1])
        sums = aligned(BLOCK * PITCH, x.dtype)
        for o in range(channels):
            s = sums[o * u(PITCH) :]
            for lane in range(last - first):
                s[lane] = bias[channel + o]
        for column in range(u(offsets.shape[0])):
            begin = max(first, u(lane_ranges[column, 0]))
            stop = min(last, u(lane_ranges[column, 1]))
            if begin < stop:
                reads = x, start + begin, offsets[column], tap, taps, stop - begin
                place, s = places[column], sums[begin - first :]
                if channels > u(2):
                    _add_to_six(*reads, w, place, o_step, channels, s)
                else:
                    for o in range(channels):
                        _add_to_one(*reads, w[o * o_step :], place, s[o * u(PITCH) :])
        end, step = min(last, u(lanes)), u(run + gap)
        runs = range(own // step, (end - u(1)) // step + u(1))
        for o in range(channels):
            if norm.size:
                s, factor, added = sums[o * u(PITCH) :], norm[0, channel + o], norm[1, channel + o]
                for lane in range(last - first):
                    s[lane] = s[lane] * factor + added
            for number in runs:
                begin = max(own, number * step)
                stop = max(begin, min(end, number * step + u(run)))
                s = sums[o * u(PITCH) + begin - first :]
                y = out[channel + o, row, begin - number * u(gap) :]
                if relu:
                    for lane in range(stop - begin):
                        y[lane] = zero if s[lane] < zero else s[lane]
                else:
                    for lane in range(stop - begin):
                        y[lane] = s[lane]


@loop(parallel=False)
def _add_to_six(x, at, offset, tap, taps, lanes, weight, place, o_step, channels, sums):
    # sums[o * PITCH + lane] += weight[o * o_step + place[t]] * x[at + offset[t] + lane],
    # for six channels o or less
    #
    # Six channels and four taps go through the lanes together: 24 products for every four numbers
    # loaded, and 24 weights are what 32 vector registers can hold.  Past the last channel, the last
    # one is computed again.
    u = np.uintp
    last = channels - u(1)
    wa, wb, wc = weight, weight[o_step:], weight[min(u(2), last) * o_step :]
    wd, we = weight[min(u(3), last) * o_step :], weight[min(u(4), last) * o_step :]
    wf = weight[min(u(5), last) * o_step :]
    count = (lanes + u(VECTOR - 1)) // u(VECTOR) * u(VECTOR)
    fours = taps - (taps - tap) % u(4)
    for t in range(tap, fours, u(4)):
        t1, t2, t3 = t + u(1), t + u(2), t + u(3)
        x0, x1 = x[at + offset[t] :], x[at + offset[t1] :]
        x2, x3 = x[at + offset[t2] :], x[at + offset[t3] :]
        v, v1, v2, v3 = place[t], place[t1], place[t2], place[t3]
        a0, a1, a2, a3 = wa[v], wa[v1], wa[v2], wa[v3]
        b0, b1, b2, b3 = wb[v], wb[v1], wb[v2], wb[v3]
        c0, c1, c2, c3 = wc[v], wc[v1], wc[v2], wc[v3]
        d0, d1, d2, d3 = wd[v], wd[v1], wd[v2], wd[v3]
        e0, e1, e2, e3 = we[v], we[v1], we[v2], we[v3]
        f0, f1, f2, f3 = wf[v], wf[v1], wf[v2], wf[v3]
        for lane in range(count):
            p, q, r, s = x0[lane], x1[lane], x2[lane], x3[lane]
            sums[lane] += a0 * p + a1 * q + a2 * r + a3 * s
            sums[lane + _1] += b0 * p + b1 * q + b2 * r + b3 * s
            sums[lane + _2] += c0 * p + c1 * q + c2 * r + c3 * s
            sums[lane + _3] += d0 * p + d1 * q + d2 * r + d3 * s
            sums[lane + _4] += e0 * p + e1 * q + e2 * r + e3 * s
            sums[lane + _5] += f0 * p + f1 * q + f2 * r + f3 * s
    for t in range(fours, taps):
        x0 = x[at + offset[t] :]
        v = place[t]
        a0, b0, c0, d0, e0, f0 = wa[v], wb[v], wc[v], wd[v], we[v], wf[v]
        for lane in range(count):
            p = x0[lane]
            sums[lane] += a0 * p
            sums[lane + _1] += b0 * p
            sums[lane + _2] += c0 * p
            sums[lane + _3] += d0 * p
            sums[lane + _4] += e0 * p
            sums[lane + _5] += f0 * p


@loop(parallel=False)
def _add_to_one(x, at, offset, tap, taps, lanes, weight, place, sums):
    # sums[lane] += weight[place[t]] * x[at + offset[t] + lane], eight taps at a time
    u = np.uintp
    count = (lanes + u(VECTOR - 1)) // u(VECTOR) * u(VECTOR)
    eights = taps - (taps - tap) % u(8)
    for t in range(tap, eights, u(8)):
        t1, t2, t3, t4 = t + u(1), t + u(2), t + u(3), t + u(4)
        t5, t6, t7 = t + u(5), t + u(6), t + u(7)
        x0, x1 = x[at + offset[t] :], x[at + offset[t1] :]
        x2, x3 = x[at + offset[t2] :], x[at + offset[t3] :]
        x4, x5 = x[at + offset[t4] :], x[at + offset[t5] :]
        x6, x7 = x[at + offset[t6] :], x[at + offset[t7] :]
        w0, w1, w2, w3 = weight[place[t]], weight[place[t1]], weight[place[t2]], weight[place[t3]]
        w4, w5, w6, w7 = weight[place[t4]], weight[place[t5]], weight[place[t6]], weight[place[t7]]
        for lane in range(count):
            sums[lane] += (w0 * x0[lane] + w1 * x1[lane] + w2 * x2[lane] + w3 * x3[lane]) + (
                w4 * x4[lane] + w5 * x5[lane] + w6 * x6[lane] + w7 * x7[lane]
            )
    for t in range(eights, taps):
        x0, w0 = x[at + offset[t] :], weight[place[t]]
        for lane in range(count):
            sums[lane] += w0 * x0[lane]


@loop
def multiply_rows_transposed(x, grad, ranges, chunks, out, by_bias):
    # x: (any,) flat · grad: (O, rows, lanes) · ranges: ``Ranges`` as a tuple
    # out: (chunks, O + 1, columns, taps), zeros · by_bias: (chunks, O), zeros
    # out[chunk, o, column, t] = sum over the chunk's rows and the column's lanes of
    #     grad[o, row, lane] * x[start of row + offsets[column, t] + lane]
    # by_bias[chunk, o] = sum over the chunk's rows and all lanes of grad[o, row, lane]
    #
    # The gradient of ``multiply_rows`` for the weights.  Rows are cut into a fixed number of
    # chunks so that the order of the additions does not depend on the number of threads.
    # The last row of ``out`` takes what is computed for channels past the group's last.
    u = np.uintp
    offsets, _, lane_ranges, tap_ranges, groups, group_step, row_step, _, _ = ranges
    lanes = u(grad.shape[2])
    group_size = grad.shape[0] // groups
    blocks = (group_size + BLOCK - 1) // BLOCK
    for turn in prange(chunks * groups * blocks):
        block, group, chunk = turn % blocks, turn // blocks % groups, u(turn // (blocks * groups))
        rows = u(grad.shape[1])
        channel = u(group * group_size + block * BLOCK)
        end = min(channel + u(BLOCK), u((group + 1) * group_size))
        for row in range(chunk * rows // u(chunks), (chunk + u(1)) * rows // u(chunks)):
            for o in range(channel, end):
                y, sum_of_row = grad[o, row], x.dtype.type(0)
                for lane in range(lanes):
                    sum_of_row += y[lane]
                by_bias[chunk, o] += sum_of_row
            start = u(group) * u(group_step) + row * u(row_step)
            tap, taps = u(tap_ranges[row, 0]), u(tap_ranges[row, 1])
            for column in range(u(offsets.shape[0])):
                begin, stop = u(lane_ranges[column, 0]), u(lane_ranges[column, 1])
                if begin < stop:
                    reads = x, start + begin, offsets[column], tap, taps, stop - begin
                    total = out[chunk, :, column]
                    if end - channel > u(1):
                        _dot_with_six(*reads, grad, row, begin, channel, end, total)
                    else:
                        _dot_with_one(*reads, grad[channel, row, begin:], total[channel])


@loop(parallel=False)
def _dot_with_six(x, at, offset, tap, taps, lanes, grad, row, begin, channel, end, total):
    # total[o, t] += sum over lanes of grad[o, row, begin + lane] * x[at + offset[t] + lane]
    #
    # Six channels and two taps share a run of lanes: twelve running sums keep the
    # multipliers busy and fit into 16 vector registers.
    u = np.uintp
    zero = x.dtype.type(0)
    spare = u(total.shape[0] - 1)
    a, b, c = channel, channel + u(1), channel + u(2)
    d, e, f = channel + u(3), channel + u(4), channel + u(5)
    total_a, total_b = total[a], total[b if b < end else spare]
    total_c, total_d = total[c if c < end else spare], total[d if d < end else spare]
    total_e, total_f = total[e if e < end else spare], total[f if f < end else spare]
    b, c, d = min(b, end - u(1)), min(c, end - u(1)), min(d, end - u(1))
    e, f = min(e, end - u(1)), min(f, end - u(1))
    ya, yb, yc = grad[a, row, begin:], grad[b, row, begin:], grad[c, row, begin:]
    yd, ye, yf = grad[d, row, begin:], grad[e, row, begin:], grad[f, row, begin:]
    twos = taps - (taps - tap) % u(2)
    for t in range(tap, twos, u(2)):
        x0, x1 = x[at + offset[t] :], x[at + offset[t + u(1)] :]
        a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = e0 = e1 = f0 = f1 = zero
        for lane in range(lanes):
            p, q = x0[lane], x1[lane]
            a0 += ya[lane] * p
            a1 += ya[lane] * q
            b0 += yb[lane] * p
            b1 += yb[lane] * q
            c0 += yc[lane] * p
            c1 += yc[lane] * q
            d0 += yd[lane] * p
            d1 += yd[lane] * q
            e0 += ye[lane] * p
            e1 += ye[lane] * q
            f0 += yf[lane] * p
            f1 += yf[lane] * q
        total_a[t] += a0
        total_b[t] += b0
        total_c[t] += c0
        total_d[t] += d0
        total_e[t] += e0
        total_f[t] += f0
        total_a[t + u(1)] += a1
        total_b[t + u(1)] += b1
        total_c[t + u(1)] += c1
        total_d[t + u(1)] += d1
        total_e[t + u(1)] += e1
        total_f[t + u(1)] += f1
    for t in range(twos, taps):
        x0 = x[at + offset[t] :]
        a0 = b0 = c0 = d0 = e0 = f0 = zero
        for lane in range(lanes):
            p = x0[lane]
            a0 += ya[lane] * p
            b0 += yb[lane] * p
            c0 += yc[lane] * p
            d0 += yd[lane] * p
            e0 += ye[lane] * p
            f0 += yf[lane] * p
        total_a[t] += a0
        total_b[t] += b0
        total_c[t] += c0
        total_d[t] += d0
        total_e[t] += e0
        total_f[t] += f0


@loop(parallel=False)
def _dot_with_one(x, at, offset, tap, taps, lanes, grad, total):
    # total[t] += sum over lanes of grad[lane] * x[at + offset[t] + lane], four taps at a time
    u = np.uintp
    zero = x.dtype.type(0)
    fours = taps - (taps - tap) % u(4)
    for t in range(tap, fours, u(4)):
        t1, t2, t3 = t + u(1), t + u(2), t + u(3)
        x0, x1 = x[at + offset[t] :], x[at + offset[t1] :]
        x2, x3 = x[at + offset[t2] :], x[at + offset[t3] :]
        s0 = s1 = s2 = s3 = zero
        for lane in range(lanes):
            y = grad[lane]
            s0 += y * x0[lane]
            s1 += y * x1[lane]
            s2 += y * x2[lane]
            s3 += y * x3[lane]
        total[t] += s0
        total[t1] += s1
        total[t2] += s2
        total[t3] += s3
    for t in range(fours, taps):
        x0 = x[at + offset[t] :]
        s0 = zero
        for lane in range(lanes):
            s0 += grad[lane] * x0[lane]
        total[t] += s0
