"""The one loop under convolution and dense layers: rows of output from rows of input.

Arrays lie with the batch innermost, (C, H, W, N), so one row of an output map
is a run of neighbouring numbers, its *lanes*: all columns of all images.  Every
tap of a kernel (one channel, kernel row and kernel column) adds to that run the
run of input that starts at the tap's *offset*, times one weight::

    out[o, row, lane] = bias[o] + sum over taps t of
        weight[o, t] * x[start of row + offset[t] + lane]

Stride, dilation and the kernel's shape are all in the offsets.  Padding costs
nothing where the taps say so: those of a row that do not lie above or below the
input are a range, ``taps_from[row]`` up to ``taps_to[row]``, and taps come in
*columns*, which reach the lanes from ``lanes_from[column]`` up to
``lanes_to[column]`` only.  A dense layer is one column and one row whose lanes
are the images.

Whole vectors of 16 lanes are worked on.  So columns with lanes of their own need
a multiple of 16 of them; and where a row makes one tile and the last vector is not
full, ``x`` needs 16 numbers behind its rows, which are read for lanes that are not
there: see ``with_room``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numba import cuda as numba_cuda
from numba import prange

from convlab.errors import DeviceError
from convlab.kernels import cuda
from convlab.kernels.device import aligned, empty, loop

VECTOR = 16  # lanes that are worked on together: the widest vector of float32
BLOCK = 6  # output channels of one turn
# Lanes of one turn: their sums fill two pages of memory.  With three, which the cache finds by
# the low bits of their physical addresses, one process in ten ran at half the speed.
TILE = 320

_1, _2, _3, _4, _5 = (np.uintp(i * TILE) for i in range(1, BLOCK))


def room_for(shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """An array to fill, and its memory as a flat array with one vector of zeros behind it."""
    size = math.prod(shape)
    flat = empty((size + VECTOR,), dtype)
    flat[size:] = 0
    return flat[:size].reshape(shape), flat


def with_room(x: np.ndarray, lanes: int) -> np.ndarray:
    """``x`` as a flat array that may be read in whole vectors for rows of ``lanes``.

    Where rows have full vectors, or several tiles of which the last begins among its
    neighbour's lanes, nothing behind ``x`` is read; else it is a copy with room.
    """
    if lanes % VECTOR == 0 or lanes > TILE:
        return x.reshape(-1)
    return np.concatenate((x.reshape(-1), np.zeros(VECTOR, x.dtype)))


@loop
def multiply_rows(
    x,
    weight,
    weight_steps,
    bias,
    offsets,
    lanes_from,
    lanes_to,
    taps_from,
    taps_to,
    groups,
    group_step,
    row_step,
    relu,
    out,
):
    # x: (any,) flat · weight: (any,) flat, see weight_steps · bias: (O,)
    # offsets: (columns, taps) · weight_steps: from a weight to that of the next output
    # channel, column and tap
    # out: (O, rows, lanes).  Input of output row r in group g starts at
    # x[g * group_step + r * row_step]; that may lie before the array, where the first
    # taps are padding.  With ``relu`` negative results become 0.
    #
    # One turn makes a tile of lanes of one row for six output channels.  Its sums are
    # kept in a small array of their own: the compiler sees that writing them changes no
    # input, they stay in the L1 cache, and ``out`` is written once.
    u = np.uintp  # an unsigned index needs no test for negative values, so the loop vectorises
    zero = x.dtype.type(0)
    rows, lanes = out.shape[1], u(out.shape[2])
    group_size = out.shape[0] // groups
    blocks = (group_size + BLOCK - 1) // BLOCK
    vectors = (out.shape[2] + VECTOR - 1) // VECTOR
    tiles = (out.shape[2] + TILE - 1) // TILE
    o_step, column_step, tap_step = u(weight_steps[0]), u(weight_steps[1]), u(weight_steps[2])
    for turn in prange(rows * tiles * groups * blocks):
        block = turn % blocks
        group = turn // blocks % groups
        tile = turn // (blocks * groups) % tiles
        row = u(turn // (blocks * groups * tiles))
        own = u(tile * vectors // tiles * VECTOR)
        last = u((tile + 1) * vectors // tiles * VECTOR)
        # Whole vectors: where the last one is not full, it begins among its neighbours' lanes.
        first = min(own, max(lanes, last - own) - (last - own))
        last = first + (last - own)
        start = u(group) * u(group_step) + row * u(row_step)
        channel = u(group * group_size + block * BLOCK)
        channels = min(u(BLOCK), u((group + 1) * group_size) - channel)
        tap, taps = u(taps_from[row]), u(taps_to[row])
        sums = aligned(BLOCK * TILE, x.dtype)
        for o in range(channels):
            s = sums[o * u(TILE) :]
            for lane in range(last - first):
                s[lane] = bias[channel + o]
        for column in range(u(offsets.shape[0])):
            begin = max(first, u(lanes_from[column]))
            stop = min(last, u(lanes_to[column]))
            if begin < stop:
                run = x, start + begin, offsets[column], tap, taps, stop - begin
                w = weight[channel * o_step + column * column_step :]
                s = sums[begin - first :]
                if channels > u(2):
                    _add_to_six(*run, w, o_step, tap_step, channels, s)
                else:
                    for o in range(channels):
                        _add_to_one(*run, w[o * o_step :], tap_step, s[o * u(TILE) :])
        for o in range(channels):
            y, s = out[channel + o, row, own:], sums[o * u(TILE) + own - first :]
            if relu:
                for lane in range(min(last, lanes) - own):
                    y[lane] = zero if s[lane] < zero else s[lane]
            else:
                for lane in range(min(last, lanes) - own):
                    y[lane] = s[lane]


@loop(parallel=False)
def _add_to_six(x, at, offset, tap, taps, lanes, weight, o_step, tap_step, channels, sums):
    # sums[o * TILE + lane] += weight[o, t] * x[at + offset[t] + lane], for six channels o or less
    #
    # Six channels and four taps go through the lanes together: 24 products for each four
    # numbers that are loaded, and 24 weights are what 32 vector registers can hold.
    # Past the last channel, it is computed again.
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
        v, v1, v2, v3 = t * tap_step, t1 * tap_step, t2 * tap_step, t3 * tap_step
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
        v = t * tap_step
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
def _add_to_one(x, at, offset, tap, taps, lanes, weight, tap_step, sums):
    # sums[lane] += weight[t] * x[at + offset[t] + lane], eight taps at a time
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
        w0, w1 = weight[t * tap_step], weight[t1 * tap_step]
        w2, w3 = weight[t2 * tap_step], weight[t3 * tap_step]
        w4, w5 = weight[t4 * tap_step], weight[t5 * tap_step]
        w6, w7 = weight[t6 * tap_step], weight[t7 * tap_step]
        for lane in range(count):
            sums[lane] += (w0 * x0[lane] + w1 * x1[lane] + w2 * x2[lane] + w3 * x3[lane]) + (
                w4 * x4[lane] + w5 * x5[lane] + w6 * x6[lane] + w7 * x7[lane]
            )
    for t in range(eights, taps):
        x0, w0 = x[at + offset[t] :], weight[t * tap_step]
        for lane in range(count):
            sums[lane] += w0 * x0[lane]


@loop
def multiply_rows_transposed(
    x,
    grad,
    offsets,
    lanes_from,
    lanes_to,
    taps_from,
    taps_to,
    groups,
    group_step,
    row_step,
    chunks,
    out,
    by_bias,
):
    # x: (any,) flat · grad: (O, rows, lanes) · out: (chunks, O + 1, columns, taps), zeros
    # by_bias: (chunks, O), zeros
    # out[chunk, o, column, t] = sum over the chunk's rows and the column's lanes of
    #     grad[o, row, lane] * x[start of row + offsets[column, t] + lane]
    # by_bias[chunk, o] = sum over the chunk's rows and all lanes of grad[o, row, lane]
    #
    # The gradient of ``multiply_rows`` for the weights.  Rows are cut into a fixed number of
    # chunks so that the order of the additions does not depend on the number of threads.
    # The last row of ``out`` takes what is computed for channels past the group's last.
    u = np.uintp
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
            tap, taps = u(taps_from[row]), u(taps_to[row])
            for column in range(u(offsets.shape[0])):
                begin, stop = u(lanes_from[column]), u(lanes_to[column])
                if begin < stop:
                    run = x, start + begin, offsets[column], tap, taps, stop - begin
                    total = out[chunk, :, column]
                    if end - channel > u(1):
                        _dot_with_six(*run, grad, row, begin, channel, end, total)
                    else:
                        _dot_with_one(*run, grad[channel, row, begin:], total[channel])


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


# --- CUDA: the same sums, a thread for each result or for a small square of them ----------
# Batch innermost: neighbouring threads have neighbouring images, and read and write
# neighbouring numbers.  Here a lane is one image at one place of the output, over all rows.


class Gather(NamedTuple):
    """Where a sum of products finds its numbers: what both CUDA loops want to know.

    Output row r reads, at tap t, input row ``first[0] + r * step[0] + taps[t, 1]``, columns
    likewise; outside the input are zeros.
    """

    size: tuple[int, int, int]  # rows, columns and images of the input
    output: tuple[int, int, int]  # those of the output
    taps: np.ndarray  # (taps, 4) int32: channel in its group, row, column, place of the weight
    first: tuple[int, int]
    step: tuple[int, int]
    groups: int
    per_group: int  # input channels of a group


@cuda.kernel
def product_plain(
    x, x_start, size, output, taps, count, first, step, per_group, group_size, weight, places,
    bias, bias_start, relu, out, out_start, out_steps,
):  # fmt: skip
    # One thread makes one output.  No thread waits for another, and any shape fits; but each
    # product loads two numbers from memory that others load as well.
    height, width, batch = size
    lane = numba_cuda.grid(1)
    o = numba_cuda.blockIdx.y
    if lane < output[0] * output[1] * output[2]:
        n = lane % batch
        column = lane // batch % output[1]
        row = lane // batch // output[1]
        group = o // group_size
        total = bias[bias_start + o]
        for t in range(count):
            r = first[0] + row * step[0] + taps[4 * t + 1]
            c = first[1] + column * step[1] + taps[4 * t + 2]
            if 0 <= r < height and 0 <= c < width:
                channel = group * per_group + taps[4 * t]
                value = x[x_start + ((channel * height + r) * width + c) * batch + n]
                place = places[0] + group * places[1] + o % group_size * places[2]
                place += taps[4 * t + 3]
                total += weight[place] * value
        if relu and total < 0:
            total = x.dtype.type(0)
        out[out_start + o * out_steps[0] + row * out_steps[1] + column * out_steps[2] + n] = total


class _Tile(NamedTuple):
    """What a block makes: results of so many channels, and of so many lanes or taps."""

    channels: int
    across: int
    threads: int
    kernel: cuda.CudaKernel


def _product_tiled(channels, lanes, depth, own_channels, own_lanes):
    # One block makes a tile of ``channels`` x ``lanes`` outputs, ``depth`` taps at a time, from
    # shared memory: each input is loaded once for all channels of the tile, each weight for
    # all its lanes.  A thread keeps own_channels x own_lanes sums in registers, so that as
    # many products follow from own_channels + own_lanes numbers of shared memory.
    across = lanes // own_lanes
    threads = across * (channels // own_channels)
    lanes_each = max(1, lanes // threads)  # that a thread loads
    together = threads // (lanes // lanes_each)  # taps that are loaded at once
    own = own_channels * own_lanes

    def product_tiled(
        x, x_start, size, output, taps, count, first, step, per_group, group_size, weight, places,
        bias, bias_start, relu, out, out_start, out_steps,
    ):  # fmt: skip
        kind = x.dtype
        weights = numba_cuda.shared.array((depth, channels), kind)
        inputs = numba_cuda.shared.array((depth, lanes), kind)
        sums = numba_cuda.local.array(own, kind)
        own_inputs = numba_cuda.local.array(own_lanes, kind)
        u = np.uint32  # an unsigned index needs no test for negative values: loops unroll
        zero = x.dtype.type(0)
        rows = numba_cuda.local.array(lanes_each, numba.int32)
        columns = numba_cuda.local.array(lanes_each, numba.int32)
        images = numba_cuda.local.array(lanes_each, numba.int32)
        height, width, batch = size
        thread = numba_cuda.threadIdx.x
        own_lane, own_channel = thread % across, thread // across * own_channels
        group = numba_cuda.blockIdx.z
        first_lane = numba_cuda.blockIdx.x * lanes
        first_channel = numba_cuda.blockIdx.y * channels
        all_lanes = output[0] * output[1] * output[2]
        for i in range(own_channels):
            for j in range(own_lanes):
                sums[i * own_lanes + j] = 0
        load_lane, load_tap = thread % (lanes // lanes_each), thread // (lanes // lanes_each)
        for j in range(lanes_each):
            lane = first_lane + load_lane + j * (lanes // lanes_each)
            images[j] = lane % batch
            columns[j] = first[1] + lane // batch % output[1] * step[1]
            rows[j] = first[0] + lane // batch // output[1] * step[0]
            if lane >= all_lanes:
                rows[j] = -(1 << 30)  # nothing is there to read
        for begin in range(0, count, depth):
            for i in range(thread, depth * channels, threads):
                t, o = begin + i // channels, first_channel + i % channels
                w = x.dtype.type(0)
                if t < count and o < group_size:
                    w = weight[places[0] + group * places[1] + o * places[2] + taps[4 * t + 3]]
                weights[i // channels, i % channels] = w
            for k in range(load_tap, depth, together):
                t = begin + k
                for j in range(lanes_each):
                    value = x.dtype.type(0)
                    if t < count:
                        r, c = rows[j] + taps[4 * t + 1], columns[j] + taps[4 * t + 2]
                        if 0 <= r < height and 0 <= c < width:
                            channel = group * per_group + taps[4 * t]
                            at = ((channel * height + r) * width + c) * batch + images[j]
                            value = x[x_start + at]
                    inputs[k, load_lane + j * (lanes // lanes_each)] = value
            numba_cuda.syncthreads()
            for k in range(depth):
                for j in range(own_lanes):
                    own_inputs[j] = inputs[u(k), u(own_lane + j * across)]
                for i in range(own_channels):
                    w = weights[u(k), u(own_channel + i)]
                    for j in range(own_lanes):
                        sums[u(i * own_lanes + j)] += w * own_inputs[u(j)]
            numba_cuda.syncthreads()
        channel = first_channel + own_channel
        for j in range(own_lanes):
            lane = first_lane + own_lane + j * across
            column, row = lane // batch % output[1], lane // batch // output[1]
            at = out_start + row * out_steps[1] + column * out_steps[2] + lane % batch
            at += (group * group_size + channel) * out_steps[0]
            here = own_channels if lane < all_lanes else 0
            here = min(here, group_size - channel)
            for i in range(own_channels):
                if i < here:
                    total = (
                        sums[u(i * own_lanes + j)]
                        + bias[u(bias_start + group * group_size + channel + i)]
                    )
                    if relu:
                        total = zero if total < zero else total  # max would lose a NaN
                    out[np.uint64(at + i * out_steps[0])] = total

    name = f"product_tiled_{channels}x{lanes}"
    return _Tile(channels, lanes, threads, cuda.CudaKernel(product_tiled, name))


def _product_transposed(channels, taps_of_tile, depth, own_channels, own_taps):
    # The gradient of the weights: sums over lanes.  One block makes a tile of ``channels`` x
    # ``taps_of_tile`` sums over its chunk of the lanes, ``depth`` lanes at a time: each number
    # is loaded once for the tile.  Rows of the tile are one number longer than it, so that
    # threads that write a column of it do not wait for the same bank of shared memory.
    across = taps_of_tile // own_taps
    threads = across * (channels // own_channels)
    own, grads_row, inputs_row = own_channels * own_taps, channels + 1, taps_of_tile + 1

    def product_transposed(
        x, x_start, size, output, taps, count, first, step, per_group, group_size, grad, grad_start,
        chunks, out,
    ):  # fmt: skip
        # out: (chunks, groups * group_size, taps + 1); the last is the sum without an input,
        # the gradient of the bias.
        kind = x.dtype
        grads = numba_cuda.shared.array((depth, grads_row), kind)
        inputs = numba_cuda.shared.array((depth, inputs_row), kind)
        sums = numba_cuda.local.array(own, kind)
        height, width, batch = size
        thread = numba_cuda.threadIdx.x
        tiles = (count + taps_of_tile) // taps_of_tile  # with the bias's tap
        first_tap = numba_cuda.blockIdx.x % tiles * taps_of_tile
        first_channel = numba_cuda.blockIdx.x // tiles * channels
        group, chunk = numba_cuda.blockIdx.y, numba_cuda.blockIdx.z
        all_lanes = output[0] * output[1] * output[2]
        begin = chunk * all_lanes // chunks
        end = (chunk + 1) * all_lanes // chunks
        for i in range(own):
            sums[i] = 0
        own_lane = thread % depth
        for lanes in range(begin, end, depth):
            lane = lanes + own_lane
            n = lane % batch
            column = first[1] + lane // batch % output[1] * step[1]
            row = first[0] + lane // batch // output[1] * step[0]
            for o in range(thread // depth, channels, threads // depth):
                value = x.dtype.type(0)
                if lane < end and first_channel + o < group_size:
                    channel = group * group_size + first_channel + o
                    value = grad[grad_start + channel * all_lanes + lane]
                grads[own_lane, o] = value
            for k in range(thread // depth, taps_of_tile, threads // depth):
                t = first_tap + k
                value = x.dtype.type(0)
                if lane < end:
                    if t < count:
                        r, c = row + taps[4 * t + 1], column + taps[4 * t + 2]
                        if 0 <= r < height and 0 <= c < width:
                            channel = group * per_group + taps[4 * t]
                            value = x[x_start + ((channel * height + r) * width + c) * batch + n]
                    elif t == count:
                        value = x.dtype.type(1)
                inputs[own_lane, k] = value
            numba_cuda.syncthreads()
            for lane in range(depth):
                for i in range(own_channels):
                    y = grads[lane, thread // across * own_channels + i]
                    for j in range(own_taps):
                        sums[i * own_taps + j] += y * inputs[lane, thread % across + j * across]
            numba_cuda.syncthreads()
        for i in range(own_channels):
            o = first_channel + thread // across * own_channels + i
            for j in range(own_taps):
                t = first_tap + thread % across + j * across
                if o < group_size and t <= count:
                    channel = group * group_size + o
                    channels_of_all = group_size * numba_cuda.gridDim.y
                    out[(chunk * channels_of_all + channel) * (count + 1) + t] = sums[
                        i * own_taps + j
                    ]

    name = f"product_transposed_{channels}x{taps_of_tile}"
    return _Tile(channels, taps_of_tile, threads, cuda.CudaKernel(product_transposed, name))


# Few channels fill a narrow tile; the last of each suits what has few lanes, or few taps.
if cuda.SIMULATED:
    # Blocks of four threads.
    _TILED = [
        _product_tiled(8, 64, 16, 4, 32),
        _product_tiled(16, 2, 16, 8, 1),
        _product_tiled(4, 4, 3, 2, 2),
    ]
    _TRANSPOSED = [_product_transposed(8, 32, 4, 4, 16), _product_transposed(4, 4, 2, 2, 2)]
else:
    _TILED = [
        _product_tiled(64, 128, 8, 8, 4),
        _product_tiled(16, 256, 8, 8, 4),
        _product_tiled(8, 256, 8, 8, 2),
        _product_tiled(16, 32, 16, 2, 2),
    ]
    _TRANSPOSED = [
        _product_transposed(64, 64, 16, 8, 4),
        _product_transposed(16, 32, 32, 4, 2),
        _product_transposed(8, 32, 32, 2, 2),
    ]

FEW = 4  # output channels of a group under which a tile would be mostly empty
MULTIPROCESSORS = 4 if cuda.SIMULATED else 132  # of an H100: so many blocks run at once


def product_cuda(g: Gather, x, weight, places, bias, relu, out, out_start, out_steps) -> None:
    """``out`` from ``x`` (C, H, W, N) on the device; both without gaps.

    In ``weight``, that of tap t to output channel o of a group lies at ``group * places[0] +
    o * places[1] + taps[t, 3]``; ``out_steps``: from an output to that of the next channel, row and
    column, from ``out_start`` on.  ``bias``: (O,).
    """
    bias = cuda.contiguous(bias)
    channels = bias.size
    group_size = channels // g.groups
    lanes = g.output[0] * g.output[1] * g.output[2]
    taps = cuda.table(g.taps)
    arguments = (
        x.memory, x.start, g.size, g.output, taps, len(g.taps), g.first, g.step, g.per_group,
        group_size, weight.memory, (weight.start, *places), bias.memory, bias.start, relu,
        out.memory, out_start, out_steps,
    )  # fmt: skip
    if not lanes:
        return
    if max(weight.size, x.size // g.size[2]) >= 1 << 31:
        raise DeviceError(
            f"cuda: expected fewer than 2^31 weights, and numbers of one image, got {weight.size:,}"
            f" and {x.size // g.size[2]:,}"
        )
    if group_size < FEW:
        threads = cuda.THREADS
        product_plain.launch((-(-lanes // threads), channels), threads, *arguments)
        return

    def blocks(tile: _Tile) -> tuple[int, int, int]:
        return -(-lanes // tile.across), -(-group_size // tile.channels), g.groups

    fitting = (
        tile
        for tile in _TILED
        if 2 * group_size > tile.channels
        and 2 * lanes > tile.across
        and math.prod(blocks(tile)) >= MULTIPROCESSORS
    )
    tile = next(fitting, _TILED[-1])
    tile.kernel.launch(blocks(tile), tile.threads, *arguments)


@cuda.kernel
def add_chunks(parts, chunks, columns, weights, bias, count):
    # parts: (chunks, channels, columns); the last column is the bias's.
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        total = parts.dtype.type(0)
        for chunk in range(chunks):
            total += parts[chunk * count + i]
        channel, column = i // columns, i % columns
        if column < columns - 1:
            weights[channel * (columns - 1) + column] = total
        else:
            bias[channel] = total


def product_transposed_cuda(g: Gather, x, grad):
    """Sums over lanes of ``grad`` (O, OH, OW, N) times ``x``: (O, taps) and, of grad, (O,)."""
    channels, lanes = grad.shape[0], g.output[0] * g.output[1] * g.output[2]
    group_size, taps = channels // g.groups, len(g.taps)
    fitting = (tile for tile in _TRANSPOSED if 2 * group_size > tile.channels)
    tile = next(fitting, _TRANSPOSED[-1])
    tiles = -(-group_size // tile.channels) * -(-(taps + 1) // tile.across)
    # Only the sizes decide, so that the same numbers are added in the same order.
    chunks = max(1, min(-(-2 * MULTIPROCESSORS // (tiles * g.groups)), lanes // 128))
    out = cuda.empty((chunks, channels, taps + 1), grad.dtype)
    arguments = (
        x.memory, x.start, g.size, g.output, cuda.table(g.taps), taps, g.first, g.step, g.per_group,
        group_size, grad.memory, grad.start, chunks, out.memory,
    )  # fmt: skip
    tile.kernel.launch((tiles, g.groups, chunks), tile.threads, *arguments)
    weights, bias = cuda.empty((channels, taps), grad.dtype), cuda.empty(channels, grad.dtype)
    count = channels * (taps + 1)
    add_chunks.each(count, out.memory, chunks, taps + 1, weights.memory, bias.memory, count)
    return weights, bias
