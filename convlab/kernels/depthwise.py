"""The loop for convolutions where a map is made of a single one: depthwise ones, and filters.

There is nothing to share between channels, as the product of lanes.py does.  So a map is laid out
with its padding in scratch memory, where it stays in the cache for all taps.  With strides (sh, sw)
its rows lie there by *phase*: rows 0, sh, 2 sh, ... first, then 1, sh + 1, ...; columns likewise.
What one tap reads for all outputs is then one run, whatever the stride::

    out[lane] = bias + sum over taps t of weight[t] * scratch[offset[t] + lane]

Rows need not be long to fill vectors: a run goes through all of them.  The lanes between two rows,
one fewer than the kernel is wide, mean nothing and are left out.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import prange

from convlab.kernels.device import aligned, loop
from convlab.kernels.lanes import VECTOR
from convlab.shapes import Conv2dGeometry, PoolWindows

TILE = 512  # lanes whose sums stay in the first-level cache
SCRATCH = 1 << 15  # numbers of a map in scratch memory, at most: they fit a second-level cache


@loop(reorder=False)
def filter_maps(x, weight, bias, layout, relu, out):
    # x: (C, H, W * N) · weight: (O, taps) · bias: (O,) · out: (O, OH, OW * N), O a multiple of C
    # layout: ``Layout`` as a tuple.  With ``relu`` negative results become 0.
    u = np.uintp
    origin, strides, phases, phase, batch, block, together, offsets = layout
    zero, lanes, step = x.dtype.type(0), u(out.shape[2]), u(phase[1] * batch)
    of_phase = u(phase[0]) * step
    size = u(phases[0] * phases[1]) * of_phase + u(VECTOR)
    blocks = (out.shape[1] + block - 1) // block
    parts = out.shape[0] * blocks
    for turn in prange((parts + together - 1) // together):
        scratch, sums = aligned(size, x.dtype), aligned(of_phase + u(VECTOR), x.dtype)
        for lane in range(size):
            scratch[lane] = zero
        for part in range(turn * together, min(parts, (turn + 1) * together)):
            o, first = part // blocks, part % blocks * block
            channel, above = x[o // (out.shape[0] // x.shape[0])], first * strides[0] - origin[0]
            lay_rows(channel, above, origin[1], strides, phases, phase, batch, zero, scratch)
            rows = u(min(block, out.shape[1] - first))
            count = ((rows - u(1)) * step + lanes + u(VECTOR - 1)) // u(VECTOR) * u(VECTOR)
            for begin in range(u(0), count, u(TILE)):
                tile = min(u(TILE), count - begin)
                _filter(scratch[begin:], weight[o], bias[o], offsets, tile, sums[begin:])
            for row in range(rows):
                y, at = out[o, u(first) + row], row * step
                for lane in range(lanes):
                    s = sums[at + lane]
                    y[lane] = zero if relu and s < zero else s


@loop(parallel=False, reorder=False)
def lay_rows(x, top, left, strides, phases, phase, batch, padding, scratch):
    # The rows of x (H, W * N) from ``top`` on, by phase, after ``left`` columns that stay as they
    # are; rows that x does not have are ``padding``.
    u = np.uintp
    stride, step, width = strides[1], u(phase[1] * batch), x.shape[1] // batch
    for along in range(phases[1]):
        # Column i of the phase is column along - left + i * stride of x.
        before = min(max(0, -((along - left) // stride)), phase[1])
        behind = max(before, min(phase[1], (width - 1 - along + left) // stride + 1))
        begin, count = u(before * batch), u((behind - before) * batch)
        source = u(along - left + before * stride) * u(batch)
        for down in range(phases[0]):
            at = u((down * phases[1] + along) * phase[0]) * step
            for row in range(top + down, top + down + phase[0] * strides[0], strides[0]):
                if row < 0 or row >= x.shape[0]:
                    for lane in range(at, at + step):
                        scratch[lane] = padding
                elif stride == 1:
                    for lane in range(count):
                        scratch[at + begin + lane] = x[u(row), source + lane]
                elif batch == 1:
                    for lane in range(count):
                        scratch[at + begin + lane] = x[u(row), source + lane * u(stride)]
                else:
                    for j in range(u(behind - before)):
                        to = at + begin + j * u(batch)
                        first = source + j * u(stride * batch)
                        for n in range(u(batch)):
                            scratch[to + n] = x[u(row), first + n]
                at += step


@loop
def lay_maps(x, layout, out):
    # x: (C, H, W * N) · out: (C, any), each map by phases, with its padding.  layout: see
    # ``Layout``, for whole maps in one block.
    origin, strides, phases, phase, batch, _, _, _ = layout
    for c in prange(x.shape[0]):
        out[c] = 0
        zero = x.dtype.type(0)
        lay_rows(x[c], -origin[0], origin[1], strides, phases, phase, batch, zero, out[c])


@loop(parallel=False, reorder=False)
def _filter(x, weight, bias, offsets, lanes, sums):
    # sums[lane] = bias + sum over t of weight[t] * x[offsets[t] + lane], in this order
    #
    # One tap, then eight at a time: the square of an odd number is one more than a multiple of
    # eight.  With nine, the compiler would no longer test whether ``sums`` overlaps their inputs,
    # and would not use vectors.
    u = np.uintp
    taps, t = u(offsets.shape[0]), u(1)
    x0, w0 = x[offsets[0] :], weight[0]
    for lane in range(lanes):
        sums[lane] = bias + w0 * x0[lane]
    while t + u(8) <= taps:
        x0, x1, x2, x3 = _four(x, offsets, t)
        x4, x5, x6, x7 = _four(x, offsets, t + u(4))
        w = weight[t:]
        w0, w1, w2, w3, w4, w5, w6, w7 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
        for lane in range(lanes):
            s = sums[lane]
            s = s + w0 * x0[lane] + w1 * x1[lane] + w2 * x2[lane] + w3 * x3[lane]
            sums[lane] = s + w4 * x4[lane] + w5 * x5[lane] + w6 * x6[lane] + w7 * x7[lane]
        t += u(8)
    for last in range(t, taps):
        x0, w0 = x[offsets[last] :], weight[last]
        for lane in range(lanes):
            sums[lane] += w0 * x0[lane]


@loop(parallel=False)
def _four(x, offsets, t):
    # What four taps read.
    u = np.uintp
    return (
        x[offsets[t] :],
        x[offsets[t + u(1)] :],
        x[offsets[t + u(2)] :],
        x[offsets[t + u(3)] :],
    )


class Layout(NamedTuple):
    """How a loop goes through maps; only the sizes decide."""

    origin: tuple[int, int]  # rows of padding above, columns of it on the left
    strides: tuple[int, int]
    phases: tuple[int, int]  # how many of them taps read
    phase: tuple[int, int]  # rows and columns of a phase in scratch memory
    batch: int
    block: int  # output rows that are made at once
    together: int  # how many blocks an iteration makes in the same scratch memory
    offsets: np.ndarray  # (taps,) in scratch memory


def suits(g: Conv2dGeometry) -> bool:
    """Whether each map is made of one map, and too few of them of the same one to share it."""
    return g.in_channels == g.groups and g.out_channels < 3 * g.in_channels


@lru_cache(maxsize=256)
def layout(g: Conv2dGeometry | PoolWindows, batch: int) -> Layout:
    """As many rows in an iteration as ``SCRATCH`` numbers hold of their input."""
    return _layout(g, batch, False)


@lru_cache(maxsize=256)
def whole_layout(g: Conv2dGeometry, batch: int) -> Layout:
    """Whole maps, with a row behind them that the last lanes read."""
    return _layout(g, batch, True)


def _layout(g: Conv2dGeometry | PoolWindows, batch: int, whole: bool) -> Layout:
    down, along = (np.arange(k) * d for k, d in zip(g.kernel, g.dilation, strict=True))
    (high, wide), (sh, sw) = g.output, g.stride
    phases = min(sh, int(down[-1]) + 1), min(sw, int(along[-1]) + 1)
    reach = int(along[-1])
    columns = wide + reach // sw
    if whole and sw == 1:  # the zeros right of a row are those left of the next
        columns = max(reach, columns - min(g.padding[2], g.padding[3], reach))
    extra = int(down[-1]) // sh
    row = phases[0] * phases[1] * columns * batch
    block = high if whole else min(high, max(1, SCRATCH // row - extra))
    rows = block + extra + whole
    by_row = (down % sh * phases[1] * rows + down // sh) * columns
    by_column = along % sw * rows * columns + along // sw
    offsets = (by_row[:, None] + by_column).reshape(-1) * batch
    return Layout(
        (g.padding[0], g.padding[2]),
        g.stride,
        phases,
        (rows, columns),
        batch,
        block,
        max(1, SCRATCH // (8 * row * rows)),
        offsets.astype(np.uintp),
    )
