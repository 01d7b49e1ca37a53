"""The product of lanes.py on CUDA: one thread for each result, or for a small square of them.

Batch innermost: neighbouring threads have neighbouring images, and read and write
neighbouring numbers.  Here a lane is one image at one place of the output, over all rows, and
taps are a table, see ``Gather``.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
from numba import cuda as numba_cuda
from numba.extending import register_jitable

from convlab.errors import DeviceError
from convlab.kernels import cuda
from convlab.kernels.lanes_plan import grad_input_phases
from convlab.shapes import Conv2dGeometry


class Target(NamedTuple):
    """Where results go: ``steps`` from one to the next channel, row and column."""

    run: cuda.Run
    steps: tuple[int, ...]


class Gather(NamedTuple):
    """Where a sum of products finds its numbers: what both CUDA loops need to know.

    Output row r reads, at tap t, input row ``first[0] + r * step[0] + taps[t, 1]``, columns
    likewise; outside the input are zeros.
    """

    size: tuple[int, int, int]  # rows, columns and images of the input
    output: tuple[int, int, int]  # rows, columns and images of the output
    taps: np.ndarray  # (taps, 4) int32: channel in its group, row, column, place of the weight
    first: tuple[int, int]
    step: tuple[int, int]
    groups: int
    per_group: int  # input channels of a group
    group_size: int  # output channels of a group
    tap_count: int


@lru_cache(maxsize=256)
def forward_gather(g: Conv2dGeometry, batch: int) -> Gather:
    """What each output of a convolution reads."""
    per_group = g.in_channels // g.groups
    taps = np.indices((per_group, *g.kernel)).reshape(3, -1).T
    taps = taps * (1, *g.dilation)
    taps = np.column_stack([taps, np.arange(len(taps))]).astype(np.int32)
    first = (-g.padding[0], -g.padding[2])
    sizes = (*g.input, batch), (*g.output, batch)
    channels = per_group, g.out_channels // g.groups
    return Gather(*sizes, taps, first, g.stride, g.groups, *channels, len(taps))


@lru_cache(maxsize=256)
def grad_input_gathers(g: Conv2dGeometry, batch: int) -> list[tuple[tuple[int, int], Gather]]:
    """The first input cell of each phase, see lanes_plan.py, and its gather."""
    per_group = g.out_channels // g.groups
    per_out = math.prod(g.weight_shape[1:])
    gathers = []
    for rows, columns in grad_input_phases(g):
        # For each output channel, tap row and tap column: where it reads and its weight.
        counts = per_group, len(rows.taps), len(columns.taps)
        channel, kh, kw = np.indices(counts).reshape(3, -1)
        weight = channel * per_out + rows.taps[kh] * g.kernel[1] + columns.taps[kw]
        taps = np.column_stack([channel, -rows.back[kh], -columns.back[kw], weight])
        gather = Gather(
            (*g.output, batch),
            (len(rows.cells), len(columns.cells), batch),
            taps.astype(np.int32),
            (rows.first, columns.first),
            (1, 1),
            g.groups,
            per_group,
            g.in_channels // g.groups,
            len(taps),
        )
        gathers.append(((rows.cells.start, columns.cells.start), gather))
    return gathers


@register_jitable
def _read(g, x, t, channel, row, column, n):
    # What tap t reads from image n, for a group that begins at a channel, row and column; 0
    # outside.
    height, width, batch = g.size
    r, c = row + g.taps[4 * t + 1], column + g.taps[4 * t + 2]
    value = x.numbers.dtype.type(0)
    if 0 <= r < height and 0 <= c < width:
        at = (((channel + g.taps[4 * t]) * height + r) * width + c) * batch + n
        value = x.numbers[x.start + at]
    return value


@cuda.kernel
def product_plain(g, x, weight, places, bias, relu, out):
    # One thread makes one output.  No thread waits for another, and any shape works, but each
    # product loads two numbers from memory that other threads load as well.
    height, width, batch = g.size
    lane = numba_cuda.grid(1)
    o = numba_cuda.blockIdx.y
    if lane < g.output[0] * g.output[1] * batch:
        n = lane % batch
        column = lane // batch % g.output[1]
        row = lane // batch // g.output[1]
        group = o // g.group_size
        total = bias.numbers[bias.start + o]
        for t in range(g.tap_count):
            r = g.first[0] + row * g.step[0] + g.taps[4 * t + 1]
            c = g.first[1] + column * g.step[1] + g.taps[4 * t + 2]
            if 0 <= r < height and 0 <= c < width:
                channel = group * g.per_group + g.taps[4 * t]
                at = ((channel * height + r) * width + c) * batch + n
                place = group * places[0] + o % g.group_size * places[1] + g.taps[4 * t + 3]
                total += weight.numbers[weight.start + place] * x.numbers[x.start + at]
        if relu and total < 0:
            total = x.numbers.dtype.type(0)
        at = o * out.steps[0] + row * out.steps[1] + column * out.steps[2] + n
        out.run.numbers[out.run.start + at] = total


class _Tile(NamedTuple):
    """What a block computes: results for so many channels, and for so many lanes or taps."""

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
    lanes_each = max(1, lanes // threads)  # loaded by a thread
    together = threads // (lanes // lanes_each)  # taps loaded at once
    own = own_channels * own_lanes

    def product_tiled(g, x, weight, places, bias, relu, out):
        first, step, output = g.first, g.step, g.output
        count, group_size = g.tap_count, g.group_size
        u = np.uint32  # an unsigned index needs no test for negative values: loops unroll
        kind, zero = x.numbers.dtype, x.numbers.dtype.type(0)
        weights = numba_cuda.shared.array((depth, channels), kind)
        inputs = numba_cuda.shared.array((depth, lanes), kind)
        sums = numba_cuda.local.array(own, kind)
        own_inputs = numba_cuda.local.array(own_lanes, kind)
        rows = numba_cuda.local.array(lanes_each, numba.int32)
        columns = numba_cuda.local.array(lanes_each, numba.int32)
        images = numba_cuda.local.array(lanes_each, numba.int32)
        thread = numba_cuda.threadIdx.x
        own_lane, own_channel = thread % across, thread // across * own_channels
        group = numba_cuda.blockIdx.z
        first_lane, first_channel = numba_cuda.blockIdx.x * lanes, numba_cuda.blockIdx.y * channels
        batch, all_lanes = g.size[2], output[0] * output[1] * output[2]
        for i in range(own):
            sums[i] = 0
        load_lane, load_tap = thread % (lanes // lanes_each), thread // (lanes // lanes_each)
        for j in range(lanes_each):
            lane = first_lane + load_lane + j * (lanes // lanes_each)
            images[j] = lane % batch
            columns[j] = first[1] + lane // batch % output[1] * step[1]
            rows[j] = first[0] + lane // batch // output[1] * step[0]
            if lane >= all_lanes:
                rows[j] = -(1 << 30)  # nothing to read there
        for begin in range(0, count, depth):
            for i in range(thread, depth * channels, threads):
                t, o = begin + i // channels, first_channel + i % channels
                w = kind.type(0)
                if t < count and o < group_size:
                    place = weight.start + group * places[0] + o * places[1] + g.taps[4 * t + 3]
                    w = weight.numbers[place]
                weights[i // channels, i % channels] = w
            for k in range(load_tap, depth, together):
                t = begin + k
                for j in range(lanes_each):
                    value = kind.type(0)
                    if t < count:
                        place = group * g.per_group, rows[j], columns[j], images[j]
                        value = _read(g, x, t, *place)
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
            at = out.run.start + row * out.steps[1] + column * out.steps[2] + lane % batch
            at += (group * group_size + channel) * out.steps[0]
            here = min(own_channels, group_size - channel) if lane < all_lanes else 0
            for i in range(own_channels):
                if i < here:
                    total = sums[u(i * own_lanes + j)]
                    total += bias.numbers[u(bias.start + group * group_size + channel + i)]
                    if relu:
                        total = zero if total < zero else total  # max would lose a NaN
                    out.run.numbers[np.uint64(at + i * out.steps[0])] = total

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

    def product_transposed(g, x, grad, chunks, out):
        # out: (chunks, groups * group_size, taps + 1); the last is the sum without an input,
        # the gradient of the bias.
        first, step, output = g.first, g.step, g.output
        count, group_size = g.tap_count, g.group_size
        kind = x.numbers.dtype
        grads = numba_cuda.shared.array((depth, grads_row), kind)
        inputs = numba_cuda.shared.array((depth, inputs_row), kind)
        sums = numba_cuda.local.array(own, kind)
        batch = g.size[2]
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
                value = kind.type(0)
                if lane < end and first_channel + o < group_size:
                    channel = group * group_size + first_channel + o
                    value = grad.numbers[grad.start + channel * all_lanes + lane]
                grads[own_lane, o] = value
            for k in range(thread // depth, taps_of_tile, threads // depth):
                t = first_tap + k
                value = kind.type(0)
                if lane < end:
                    if t < count:
                        value = _read(g, x, t, group * g.per_group, row, column, n)
                    elif t == count:
                        value = kind.type(1)
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


# Few channels fill a narrow tile; the last of each suits few lanes, or few taps.
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

FEW = 4  # with fewer output channels in a group, a tile would be mostly empty
MULTIPROCESSORS = 4 if cuda.SIMULATED else 132  # of an H100: that many blocks run at once


def product_cuda(g: Gather, x, weight, places, bias, relu: bool, out: Target) -> None:
    """``out`` from ``x`` (C, H, W, N) on the device; both without gaps.

    In ``weight``, the weight from tap t to output channel o of a group is at ``group * places[0] +
    o * places[1] + taps[t, 3]``.  ``bias``: (O,).
    """
    bias = cuda.contiguous(bias)
    channels, group_size = bias.size, g.group_size
    lanes = g.output[0] * g.output[1] * g.output[2]
    read = g._replace(taps=cuda.table(g.taps))
    arguments = read, x.run, weight.run, places, bias.run, relu, out
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
    group_size, taps = g.group_size, g.tap_count
    fitting = (tile for tile in _TRANSPOSED if 2 * group_size > tile.channels)
    tile = next(fitting, _TRANSPOSED[-1])
    tiles = -(-group_size // tile.channels) * -(-(taps + 1) // tile.across)
    # Only the sizes decide, so that the same numbers are added in the same order.
    chunks = max(1, min(-(-2 * MULTIPROCESSORS // (tiles * g.groups)), lanes // 128))
    out = cuda.empty((chunks, channels, taps + 1), grad.dtype)
    arguments = g._replace(taps=cuda.table(g.taps)), x.run, grad.run, chunks, out.memory
    tile.kernel.launch((tiles, g.groups, chunks), tile.threads, *arguments)
    weights, bias = cuda.empty((channels, taps), grad.dtype), cuda.empty(channels, grad.dtype)
    count = channels * (taps + 1)
    add_chunks.each(count, out.memory, chunks, taps + 1, weights.memory, bias.memory, count)
    return weights, bias
