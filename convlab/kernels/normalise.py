"""Batch normalisation: mean and variance of each channel, and what they make of its numbers.

x, y, gradients: (C, ...), float32 or float64, without gaps, so that a channel is one run of memory;
mean, variance, scale, bias and sums: (C,).  Each run is read in blocks that fit into the nearest
cache, and each block has its own sums, which are added up in a fixed order: any number of threads
gives the same bits, and no sum grows long enough to lose digits.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda as numba_cuda
from numba import prange
from numba.extending import register_jitable

from convlab.kernels import cuda, memory
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel

BLOCK = 1 << 12  # numbers; two passes over as many read memory once
LANES = 64  # sums side by side, so that they fill vectors without the compiler choosing an order

# --- the definitions (Ioffe & Szegedy 2015, algorithm 1 and section 3) ----------------------
# x^ = (x - mean) * inverse, with inverse = 1 / sqrt(variance + eps).


def _moments_reference(x):
    """Mean and variance of each channel; the variance is that of these numbers, not unbiased."""
    mean, variance = (np.empty(len(x), x.dtype) for _ in range(2))
    for c, channel in enumerate(x):
        numbers = [float(value) for value in channel.flat]
        mean[c] = middle = sum(numbers) / len(numbers)
        variance[c] = sum((value - middle) ** 2 for value in numbers) / len(numbers)
    return mean, variance


def _forward_reference(x, mean, scale, bias, relu=False):
    """(x - mean) * scale + bias, then ReLU if asked for."""
    out = np.empty_like(x)
    for at in np.ndindex(x.shape):
        c = at[0]
        y = (x[at] - mean[c]) * scale[c] + bias[c]
        out[at] = 0 if relu and y < 0 else y
    return out


def _sums_reference(grad, x, mean, inverse):
    """The sums of grad and of grad * x^ over each channel: the gradients by bias and weight."""
    by_bias, by_weight = (np.empty(len(x), x.dtype) for _ in range(2))
    for c, channel in enumerate(x):
        pairs = [
            (float(g), float(value)) for g, value in zip(grad[c].flat, channel.flat, strict=True)
        ]
        by_bias[c] = sum(g for g, _ in pairs)
        by_weight[c] = sum(g * (value - mean[c]) * inverse[c] for g, value in pairs)
    return by_bias, by_weight


def _backward_reference(grad, x, mean, scale, shift, slope):
    """grad * scale - shift - slope * (x - mean).

    The last two are what reaches x by way of its channel's mean and variance.
    """
    out = np.empty_like(x)
    for at in np.ndindex(x.shape):
        c = at[0]
        out[at] = grad[at] * scale[c] - shift[c] - slope[c] * (x[at] - mean[c])
    return out


# --- the CPU ----------------------------------------------------------------------------------


@loop(parallel=False, reorder=False)
def _sum_of(lanes, rest):
    """The sums of all lanes and of what did not fill them, always in this order."""
    for lane in range(np.uintp(LANES)):
        rest += lanes[lane]
    return rest


# A pass adds some numbers to each lane's sum, one after another, which is loaded and stored once.


@loop(parallel=False, reorder=False)
def _sum_squares(run, middle, squares):
    # The sum over run of (number - middle) ** 2; squares: (LANES,), zeros
    u = np.uintp
    rest, full = run.dtype.type(0), u(run.size // LANES * LANES)
    fours = full - full % u(4 * LANES)
    for at in range(u(0), fours, u(4 * LANES)):
        for lane in range(u(LANES)):
            a, b = run[at + lane] - middle, run[at + lane + u(LANES)] - middle
            c, d = run[at + lane + u(2 * LANES)] - middle, run[at + lane + u(3 * LANES)] - middle
            squares[lane] = squares[lane] + a * a + b * b + c * c + d * d
    for at in range(fours, full, u(LANES)):
        for lane in range(u(LANES)):
            squares[lane] += (run[at + lane] - middle) * (run[at + lane] - middle)
    for i in range(full, u(run.size)):
        rest += (run[i] - middle) * (run[i] - middle)
    return _sum_of(squares, rest)


@loop(parallel=False, reorder=False)
def _sum(run, totals):
    # The sum over run; totals: (LANES,), zeros
    u = np.uintp
    rest, full = run.dtype.type(0), u(run.size // LANES * LANES)
    fours = full - full % u(4 * LANES)
    for at in range(u(0), fours, u(4 * LANES)):
        for lane in range(u(LANES)):
            a, b = run[at + lane], run[at + lane + u(LANES)]
            c, d = run[at + lane + u(2 * LANES)], run[at + lane + u(3 * LANES)]
            totals[lane] = totals[lane] + a + b + c + d
    for at in range(fours, full, u(LANES)):
        for lane in range(u(LANES)):
            totals[lane] += run[at + lane]
    for i in range(full, u(run.size)):
        rest += run[i]
    return _sum_of(totals, rest)


@loop(reorder=False)
def _moments_loop(x, mean, spread):
    # x: (C, any) · mean, spread: (C, blocks), the spread a sum of squares around the block's mean
    blocks = mean.shape[1]
    for turn in prange(mean.size):
        c, block = turn // blocks, turn % blocks
        run = x[c][block * BLOCK : (block + 1) * BLOCK]
        lanes = np.zeros((2, LANES), x.dtype)
        middle = _sum(run, lanes[0]) / x.dtype.type(run.size)
        mean[c, block], spread[c, block] = middle, _sum_squares(run, middle, lanes[1])


@loop(reorder=False)
def _sums_loop(grad, x, mean, by_bias, by_product):
    # grad, x: (C, any) · mean: (C,) · by_bias, by_product: (C, blocks)
    blocks = by_bias.shape[1]
    for turn in prange(by_bias.size):
        c, block = turn // blocks, turn % blocks
        run = x[c][block * BLOCK : (block + 1) * BLOCK]
        grads = grad[c][block * BLOCK : (block + 1) * BLOCK]
        middle, full = mean[c], np.uintp(run.size // LANES * LANES)
        totals, products = np.zeros(LANES, x.dtype), np.zeros(LANES, x.dtype)
        total, product = x.dtype.type(0), x.dtype.type(0)
        twos = full - full % np.uintp(2 * LANES)
        for at in range(np.uintp(0), twos, np.uintp(2 * LANES)):
            for lane in range(np.uintp(LANES)):
                i, j = at + lane, at + lane + np.uintp(LANES)
                totals[lane] = totals[lane] + grads[i] + grads[j]
                by_first = products[lane] + grads[i] * (run[i] - middle)
                products[lane] = by_first + grads[j] * (run[j] - middle)
        for at in range(twos, full, np.uintp(LANES)):
            for lane in range(np.uintp(LANES)):
                totals[lane] += grads[at + lane]
                products[lane] += grads[at + lane] * (run[at + lane] - middle)
        for i in range(full, np.uintp(run.size)):
            total += grads[i]
            product += grads[i] * (run[i] - middle)
        by_bias[c, block] = _sum_of(totals, total)
        by_product[c, block] = _sum_of(products, product)


@loop(reorder=False)
def _forward_loop(x, mean, scale, bias, relu, out):
    # x, out: (C, any) · mean, scale, bias: (C,)
    blocks, zero = (x.shape[1] + BLOCK - 1) // BLOCK, x.dtype.type(0)
    for turn in prange(x.shape[0] * blocks):
        c, block = turn // blocks, turn % blocks
        run = x[c][block * BLOCK : (block + 1) * BLOCK]
        to = out[c][block * BLOCK : (block + 1) * BLOCK]
        middle, factor, added = mean[c], scale[c], bias[c]
        for i in range(np.uintp(run.size)):
            y = (run[i] - middle) * factor + added
            to[i] = zero if relu and y < zero else y


@loop(reorder=False)
def _backward_loop(grad, x, mean, scale, shift, slope, out):
    # grad, x, out: (C, any) · mean, scale, shift, slope: (C,)
    blocks = (x.shape[1] + BLOCK - 1) // BLOCK
    for turn in prange(x.shape[0] * blocks):
        c, block = turn // blocks, turn % blocks
        run = x[c][block * BLOCK : (block + 1) * BLOCK]
        grads = grad[c][block * BLOCK : (block + 1) * BLOCK]
        to = out[c][block * BLOCK : (block + 1) * BLOCK]
        middle, factor, taken, steep = mean[c], scale[c], shift[c], slope[c]
        for i in range(np.uintp(run.size)):
            to[i] = grads[i] * factor - taken - steep * (run[i] - middle)


def _runs(x):
    return x.reshape(len(x), -1)


def _parts(x):
    """Room for two sums of each block, and how many numbers each block has."""
    channels, length = x.shape
    counts = np.full(-(-length // BLOCK), BLOCK)
    counts[-1] -= counts.sum() - length
    return np.empty((2, channels, len(counts))), counts


def combined(mean, spread, counts):
    """Mean and variance of all numbers of a channel, from those of its parts.

    mean, spread: (C, parts), the spread a sum of squares around the part's mean; counts: (parts,).
    Source: Chan, Golub & LeVeque 1979: the spread of all is that in the parts and of their means.
    """
    count = counts.sum()
    middle = (mean * counts).sum(axis=1) / count
    between = (counts * (mean - middle[:, None]) ** 2).sum(axis=1)
    return middle, (spread.sum(axis=1) + between) / count


def _moments_cpu(x):
    x = _runs(x)
    (mean, spread), counts = _parts(x)
    _moments_loop(x, mean, spread)
    middle, variance = combined(mean, spread, counts)
    return middle.astype(x.dtype), variance.astype(x.dtype)


def _sums_cpu(grad, x, mean, inverse):
    grad, x = _runs(grad), _runs(x)
    (by_bias, by_product), _ = _parts(x)
    _sums_loop(grad, x, mean, by_bias, by_product)
    by_weight = by_product.sum(axis=1) * inverse
    return by_bias.sum(axis=1).astype(x.dtype), by_weight.astype(x.dtype)


def _forward_cpu(x, mean, scale, bias, relu=False):
    out = memory.empty(x.shape, x.dtype)
    _forward_loop(_runs(x), mean, scale, bias, relu, _runs(out))
    return out


def _backward_cpu(grad, x, mean, scale, shift, slope):
    out = memory.empty(x.shape, x.dtype)
    _backward_loop(_runs(grad), _runs(x), mean, scale, shift, slope, _runs(out))
    return out


# --- CUDA: a block of threads for each block of a run, then a thread for each number -----------

_THREADS = 4 if cuda.SIMULATED else 128  # a power of 2
_CUDA_BLOCK = 16 if cuda.SIMULATED else BLOCK


@register_jitable
def _tree_sum(kept, own):
    """The sum of what all threads of a block bring, by a fixed tree."""
    thread = numba_cuda.threadIdx.x
    numba_cuda.syncthreads()  # the last sum has been read
    kept[thread] = own
    numba_cuda.syncthreads()
    half = _THREADS // 2
    while half:
        if thread < half:
            kept[thread] += kept[thread + half]
        numba_cuda.syncthreads()
        half //= 2
    return kept[0]


@cuda.kernel
def moments_kernel(x, length, blocks, mean, spread):
    kept = numba_cuda.shared.array(_THREADS, x.numbers.dtype)
    c, block = numba_cuda.blockIdx.x // blocks, numba_cuda.blockIdx.x % blocks
    begin = block * _CUDA_BLOCK
    end = min(length, begin + _CUDA_BLOCK)
    first, own = x.start + c * length, x.numbers.dtype.type(0)
    for i in range(begin + numba_cuda.threadIdx.x, end, _THREADS):
        own += x.numbers[first + i]
    middle = _tree_sum(kept, own) / x.numbers.dtype.type(end - begin)
    own = x.numbers.dtype.type(0)
    for i in range(begin + numba_cuda.threadIdx.x, end, _THREADS):
        away = x.numbers[first + i] - middle
        own += away * away
    rest = _tree_sum(kept, own)
    if numba_cuda.threadIdx.x == 0:
        mean[numba_cuda.blockIdx.x], spread[numba_cuda.blockIdx.x] = middle, rest


@cuda.kernel
def sums_kernel(grad, x, mean, length, blocks, by_bias, by_product):
    kept = numba_cuda.shared.array(_THREADS, x.numbers.dtype)
    c, block = numba_cuda.blockIdx.x // blocks, numba_cuda.blockIdx.x % blocks
    begin = block * _CUDA_BLOCK
    end = min(length, begin + _CUDA_BLOCK)
    first, middle = c * length, mean.numbers[mean.start + c]
    own, products = x.numbers.dtype.type(0), x.numbers.dtype.type(0)
    for i in range(begin + numba_cuda.threadIdx.x, end, _THREADS):
        g = grad.numbers[grad.start + first + i]
        own += g
        products += g * (x.numbers[x.start + first + i] - middle)
    total = _tree_sum(kept, own)
    product = _tree_sum(kept, products)
    if numba_cuda.threadIdx.x == 0:
        by_bias[numba_cuda.blockIdx.x], by_product[numba_cuda.blockIdx.x] = total, product


@cuda.kernel
def normalise_kernel(x, length, mean, scale, bias, relu, out, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        c = i // length
        away = x.numbers[x.start + i] - mean.numbers[mean.start + c]
        y = away * scale.numbers[scale.start + c] + bias.numbers[bias.start + c]
        out[i] = x.numbers.dtype.type(0) if relu and y < 0 else y


@cuda.kernel
def normalise_grad_kernel(grad, x, length, mean, scale, shift, slope, out, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        c = i // length
        away = x.numbers[x.start + i] - mean.numbers[mean.start + c]
        through = shift.numbers[shift.start + c] + slope.numbers[slope.start + c] * away
        out[i] = grad.numbers[grad.start + i] * scale.numbers[scale.start + c] - through


def _cuda_parts(x):
    """The length of a channel, its blocks, and room for two sums of each."""
    length = math.prod(x.shape[1:])
    blocks = -(-length // _CUDA_BLOCK)
    return length, blocks, *(cuda.empty((len(x), blocks), x.dtype) for _ in range(2))


def _moments_cuda(x):
    length, blocks, mean, spread = _cuda_parts(x)
    moments_kernel.launch(mean.size, _THREADS, x.run, length, blocks, mean.memory, spread.memory)
    sizes = np.minimum(_CUDA_BLOCK, length - _CUDA_BLOCK * np.arange(blocks))
    share = cuda.constant((sizes / length).astype(x.dtype))
    middle = (mean * share).sum(axis=1)
    between = ((mean - middle[:, None]) ** 2 * share).sum(axis=1)
    return middle, spread.sum(axis=1) * (1 / length) + between


def _sums_cuda(grad, x, mean, inverse):
    length, blocks, by_bias, by_product = _cuda_parts(x)
    arrays = grad.run, x.run, mean.run
    sums_kernel.launch(
        by_bias.size, _THREADS, *arrays, length, blocks, by_bias.memory, by_product.memory
    )
    return by_bias.sum(axis=1), by_product.sum(axis=1) * inverse


def _forward_cuda(x, mean, scale, bias, relu=False):
    out = cuda.empty(x.shape, x.dtype)
    of_channels = (a.run for a in (mean, scale, bias))
    length = math.prod(x.shape[1:])
    normalise_kernel.each(out.size, x.run, length, *of_channels, relu, out.memory, out.size)
    return out


def _backward_cuda(grad, x, mean, scale, shift, slope):
    out = cuda.empty(x.shape, x.dtype)
    of_channels = (a.run for a in (mean, scale, shift, slope))
    arrays = grad.run, x.run, math.prod(x.shape[1:]), *of_channels
    normalise_grad_kernel.each(out.size, *arrays, out.memory, out.size)
    return out


moments = Kernel("normalise.moments", _moments_reference, _moments_cpu, _moments_cuda)
sums = Kernel("normalise.sums", _sums_reference, _sums_cpu, _sums_cuda)
forward = Kernel("normalise.forward", _forward_reference, _forward_cpu, _forward_cuda)
backward = Kernel("normalise.backward", _backward_reference, _backward_cpu, _backward_cuda)
