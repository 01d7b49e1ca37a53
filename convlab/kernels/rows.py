"""The one loop under convolution and dense layers: rows of output from rows of input.

Arrays lie with the batch innermost, (C, H, W, N), so one row of an output map
is a run of neighbouring numbers, its *lanes*: all columns of all images.  Every
tap of a kernel (one channel, kernel row and kernel column) adds to that run the
run of input that starts at the tap's *offset*, times one weight::

    out[o, row, lane] = bias[o] + sum over taps t of
        weight[o, t] * x[start of row + offset[t] + lane]

Stride, dilation and the kernel's shape are all in the offsets.  Taps come in the
order of kernel rows, so those of a row that do not lie in padding are a range,
``taps_from[row]`` up to ``taps_to[row]``, and padding rows cost nothing.  A dense
layer is the case of one row whose lanes are the images.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from convlab.kernels.device import loop

# Lanes that one turn of the loop works on: four output rows of 1,024 float32
# values stay in a 32 KB first-level cache while the taps stream past.
TILE = 1024


@loop
def multiply_rows(
    x, weight, bias, offsets, taps_from, taps_to, groups, group_step, row_step, out, tile
):
    # x: (any,) flat · weight: (O, taps) · bias: (O,) · offsets: (taps,) · out: (O, rows, lanes)
    # Input of output row r in group g starts at x[g * group_step + r * row_step]; that
    # may lie before the array, where the first taps are padding.
    #
    # Four output channels and four taps go through a run of lanes together: each
    # input number is loaded once for four products, each sum once for four taps.
    u = np.uintp  # an unsigned index needs no test for negative values, so the loop vectorises
    lanes = u(out.shape[2])
    group_size = out.shape[0] // groups
    blocks = (group_size + 3) // 4
    tiles = (out.shape[2] + tile - 1) // tile
    for turn in prange(out.shape[1] * tiles * groups * blocks):
        block = turn % blocks
        group = turn // blocks % groups
        first = u(turn // (blocks * groups) % tiles * tile)
        row = u(turn // (blocks * groups * tiles))
        count = min(u(tile), lanes - first)
        start = u(group) * u(group_step) + row * u(row_step) + first
        tap, taps = u(taps_from[row]), u(taps_to[row])
        fours = taps - (taps - tap) % u(4)
        o = u(group * group_size + block * 4)
        o_end = u(min(group * group_size + block * 4 + 4, (group + 1) * group_size))
        if o_end - o == u(4):
            p, q, r = o + u(1), o + u(2), o + u(3)
            y0, y1, y2, y3 = (
                out[o, row, first:],
                out[p, row, first:],
                out[q, row, first:],
                out[r, row, first:],
            )
            b0, b1, b2, b3 = bias[o], bias[p], bias[q], bias[r]
            for lane in range(count):
                y0[lane] = b0
                y1[lane] = b1
                y2[lane] = b2
                y3[lane] = b3
            for t in range(tap, fours, u(4)):
                t1, t2, t3 = t + u(1), t + u(2), t + u(3)
                x0, x1 = x[start + offsets[t] :], x[start + offsets[t1] :]
                x2, x3 = x[start + offsets[t2] :], x[start + offsets[t3] :]
                w00, w01, w02, w03 = weight[o, t], weight[o, t1], weight[o, t2], weight[o, t3]
                w10, w11, w12, w13 = weight[p, t], weight[p, t1], weight[p, t2], weight[p, t3]
                w20, w21, w22, w23 = weight[q, t], weight[q, t1], weight[q, t2], weight[q, t3]
                w30, w31, w32, w33 = weight[r, t], weight[r, t1], weight[r, t2], weight[r, t3]
                for lane in range(count):
                    a, b, c, d = x0[lane], x1[lane], x2[lane], x3[lane]
                    y0[lane] += w00 * a + w01 * b + w02 * c + w03 * d
                    y1[lane] += w10 * a + w11 * b + w12 * c + w13 * d
                    y2[lane] += w20 * a + w21 * b + w22 * c + w23 * d
                    y3[lane] += w30 * a + w31 * b + w32 * c + w33 * d
            for t in range(fours, taps):
                x0 = x[start + offsets[t] :]
                w00, w10, w20, w30 = weight[o, t], weight[p, t], weight[q, t], weight[r, t]
                for lane in range(count):
                    a = x0[lane]
                    y0[lane] += w00 * a
                    y1[lane] += w10 * a
                    y2[lane] += w20 * a
                    y3[lane] += w30 * a
        else:
            for p in range(o, o_end):
                y0 = out[p, row, first:]
                b0 = bias[p]
                for lane in range(count):
                    y0[lane] = b0
                for t in range(tap, fours, u(4)):
                    t1, t2, t3 = t + u(1), t + u(2), t + u(3)
                    x0, x1 = x[start + offsets[t] :], x[start + offsets[t1] :]
                    x2, x3 = x[start + offsets[t2] :], x[start + offsets[t3] :]
                    w00, w01, w02, w03 = weight[p, t], weight[p, t1], weight[p, t2], weight[p, t3]
                    for lane in range(count):
                        y0[lane] += (
                            w00 * x0[lane] + w01 * x1[lane] + w02 * x2[lane] + w03 * x3[lane]
                        )
                for t in range(fours, taps):
                    x0 = x[start + offsets[t] :]
                    w00 = weight[p, t]
                    for lane in range(count):
                        y0[lane] += w00 * x0[lane]


@loop
def multiply_rows_transposed(
    x, grad, offsets, taps_from, taps_to, groups, group_step, row_step, chunks, out
):
    # x: (any,) flat · grad: (O, rows, lanes) · offsets: (taps,) · out: (chunks, O, taps), zeros
    # out[chunk, o, t] = sum over the chunk's rows and all lanes of
    #     grad[o, row, lane] * x[start of row + offsets[t] + lane]
    #
    # The gradient of ``multiply_rows`` for the weights.  Four channels and two
    # taps share eight running sums, as many as keep the multipliers busy.  Rows
    # are cut into a fixed number of chunks so that the order of the additions
    # does not depend on the number of threads.
    u = np.uintp
    zero = x.dtype.type(0)
    lanes = u(grad.shape[2])
    group_size = grad.shape[0] // groups
    blocks = (group_size + 3) // 4
    for turn in prange(chunks * groups * blocks):
        block = turn % blocks
        group = turn // blocks % groups
        chunk = turn // (blocks * groups)
        rows = range(u(chunk * grad.shape[1] // chunks), u((chunk + 1) * grad.shape[1] // chunks))
        o = u(group * group_size + block * 4)
        o_end = u(min(group * group_size + block * 4 + 4, (group + 1) * group_size))
        if o_end - o == u(4):
            p, q, r = o + u(1), o + u(2), o + u(3)
            out0, out1, out2, out3 = (
                out[u(chunk), o],
                out[u(chunk), p],
                out[u(chunk), q],
                out[u(chunk), r],
            )
            for row in rows:
                start = u(group) * u(group_step) + row * u(row_step)
                tap, taps = u(taps_from[row]), u(taps_to[row])
                twos = taps - (taps - tap) % u(2)
                y0, y1, y2, y3 = grad[o, row], grad[p, row], grad[q, row], grad[r, row]
                for t in range(tap, twos, u(2)):
                    x0, x1 = x[start + offsets[t] :], x[start + offsets[t + u(1)] :]
                    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = zero
                    for lane in range(lanes):
                        a, b = x0[lane], x1[lane]
                        s00 += y0[lane] * a
                        s01 += y0[lane] * b
                        s10 += y1[lane] * a
                        s11 += y1[lane] * b
                        s20 += y2[lane] * a
                        s21 += y2[lane] * b
                        s30 += y3[lane] * a
                        s31 += y3[lane] * b
                    out0[t] += s00
                    out1[t] += s10
                    out2[t] += s20
                    out3[t] += s30
                    out0[t + u(1)] += s01
                    out1[t + u(1)] += s11
                    out2[t + u(1)] += s21
                    out3[t + u(1)] += s31
                for t in range(twos, taps):
                    x0 = x[start + offsets[t] :]
                    s00 = s10 = s20 = s30 = zero
                    for lane in range(lanes):
                        a = x0[lane]
                        s00 += y0[lane] * a
                        s10 += y1[lane] * a
                        s20 += y2[lane] * a
                        s30 += y3[lane] * a
                    out0[t] += s00
                    out1[t] += s10
                    out2[t] += s20
                    out3[t] += s30
        else:
            for p in range(o, o_end):
                out0 = out[u(chunk), p]
                for row in rows:
                    start = u(group) * u(group_step) + row * u(row_step)
                    tap, taps = u(taps_from[row]), u(taps_to[row])
                    fours = taps - (taps - tap) % u(4)
                    y0 = grad[p, row]
                    for t in range(tap, fours, u(4)):
                        x0, x1 = x[start + offsets[t] :], x[start + offsets[t + u(1)] :]
                        x2, x3 = x[start + offsets[t + u(2)] :], x[start + offsets[t + u(3)] :]
                        s00 = s01 = s10 = s11 = zero
                        for lane in range(lanes):
                            a = y0[lane]
                            s00 += a * x0[lane]
                            s01 += a * x1[lane]
                            s10 += a * x2[lane]
                            s11 += a * x3[lane]
                        out0[t] += s00
                        out0[t + u(1)] += s01
                        out0[t + u(2)] += s10
                        out0[t + u(3)] += s11
                    for t in range(fours, taps):
                        x0 = x[start + offsets[t] :]
                        s00 = zero
                        for lane in range(lanes):
                            s00 += y0[lane] * x0[lane]
                        out0[t] += s00
