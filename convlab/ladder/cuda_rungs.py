"""The ladder on a GPU: a thread an output, a tile in shared memory, sums in registers.

A GPU hides the time that memory takes behind thousands of threads, and a block of them shares a
small fast memory.  The ideas are those of a matrix product (CUDA C++ Programming Guide, "Shared
memory"; Volkov & Demmel, "Benchmarking GPUs to tune dense linear algebra", SC 2008), whose
columns are read where the windows lie, without im2col's copy (Chetlur et al., "cuDNN: efficient
primitives for deep learning", 2014, section 3).
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

import numpy as np
from numba import cuda as numba_cuda
from numba.extending import register_jitable

from convlab.kernels import conv2d, cuda
from convlab.shapes import Conv2dGeometry

SIDE = 2 if cuda.SIMULATED else 16  # a block has SIDE x SIDE threads
OWN = 4  # a thread of the last kernel makes OWN x OWN outputs
TILE = SIDE * OWN  # channels, and lanes, of a block of it


class Sizes(NamedTuple):
    """The sizes of one convolution; the input is already surrounded by zeros."""

    height: int  # of the input, with its zeros
    width: int
    batch: int
    kernel_height: int
    kernel_width: int
    out_width: int
    taps: int  # channels * kernel_height * kernel_width
    outputs: int  # channels
    lanes: int  # out_height * out_width * batch


@register_jitable
def input_of(x, sizes, t, lane):
    # What tap t reads for a lane, an output cell of an image; neighbours read neighbours.
    kw, kh = t % sizes.kernel_width, t // sizes.kernel_width % sizes.kernel_height
    c = t // (sizes.kernel_width * sizes.kernel_height)
    n, ow = lane % sizes.batch, lane // sizes.batch % sizes.out_width
    oh = lane // sizes.batch // sizes.out_width
    at = ((c * sizes.height + oh + kh) * sizes.width + ow + kw) * sizes.batch + n
    return x[at] if t < sizes.taps and lane < sizes.lanes else x.dtype.type(0)


@cuda.kernel
def convolve_a_thread(x, weight, sizes, out):
    # One thread makes one output: no thread waits, but each product loads two numbers.
    lane, o = numba_cuda.grid(1), numba_cuda.blockIdx.y
    if lane < sizes.lanes:
        total = out.dtype.type(0)
        for t in range(sizes.taps):
            total += weight[o * sizes.taps + t] * input_of(x, sizes, t, lane)
        out[o * sizes.lanes + lane] = total


@cuda.kernel
def convolve_shared(x, weight, sizes, out):
    # A block makes SIDE channels of SIDE lanes: what one thread loads, SIDE threads use.
    weights = numba_cuda.shared.array((SIDE, SIDE), x.dtype)
    inputs = numba_cuda.shared.array((SIDE, SIDE), x.dtype)
    own_lane, own_o = numba_cuda.threadIdx.x % SIDE, numba_cuda.threadIdx.x // SIDE
    lane, o = numba_cuda.blockIdx.x * SIDE + own_lane, numba_cuda.blockIdx.y * SIDE + own_o
    total = out.dtype.type(0)
    for begin in range(0, sizes.taps, SIDE):
        inputs[own_o, own_lane] = input_of(x, sizes, begin + own_o, lane)
        inside = o < sizes.outputs and begin + own_lane < sizes.taps
        weights[own_o, own_lane] = weight[o * sizes.taps + begin + own_lane] if inside else 0
        numba_cuda.syncthreads()
        for k in range(SIDE):
            total += weights[own_o, k] * inputs[k, own_lane]
        numba_cuda.syncthreads()
    if o < sizes.outputs and lane < sizes.lanes:
        out[o * sizes.lanes + lane] = total


@cuda.kernel
def convolve_registers(x, weight, sizes, out):
    # A thread makes OWN x OWN of a larger tile: 8 numbers of shared memory for 16 products.
    weights = numba_cuda.shared.array((SIDE, TILE), x.dtype)
    inputs = numba_cuda.shared.array((SIDE, TILE), x.dtype)
    sums = numba_cuda.local.array((OWN, OWN), x.dtype)
    own_lane, own_o = numba_cuda.threadIdx.x % SIDE, numba_cuda.threadIdx.x // SIDE
    lane = numba_cuda.blockIdx.x * TILE + own_lane
    first = numba_cuda.blockIdx.y * TILE
    for i in range(OWN):
        for j in range(OWN):
            sums[i, j] = 0
    for begin in range(0, sizes.taps, SIDE):
        for j in range(OWN):
            inputs[own_o, own_lane + j * SIDE] = input_of(x, sizes, begin + own_o, lane + j * SIDE)
            o, t = first + own_o + j * SIDE, begin + own_lane
            inside = o < sizes.outputs and t < sizes.taps
            weights[own_lane, own_o + j * SIDE] = weight[o * sizes.taps + t] if inside else 0
        numba_cuda.syncthreads()
        for k in range(SIDE):
            for i in range(OWN):
                w = weights[k, own_o + i * SIDE]
                for j in range(OWN):
                    sums[i, j] += w * inputs[k, own_lane + j * SIDE]
        numba_cuda.syncthreads()
    for i in range(OWN):
        for j in range(OWN):
            o, here = first + own_o + i * SIDE, lane + j * SIDE
            if o < sizes.outputs and here < sizes.lanes:
                out[o * sizes.lanes + here] = sums[i, j]


class CudaRung(NamedTuple):
    """A kernel: its idea in a few words, and how many channels and lanes a block computes."""

    idea: str
    kernel: cuda.CudaKernel | None  # None: the engine's own
    block: tuple[int, int] = (1, 1)

    @property
    def source(self) -> str:
        """The source of the kernel; empty for the engine's."""
        return "" if self.kernel is None else inspect.getsource(self.kernel.function)


CUDA_RUNGS = (
    CudaRung("a thread an output", convolve_a_thread, (1, SIDE * SIDE)),
    CudaRung("a tile in shared memory", convolve_shared, (SIDE, SIDE)),
    CudaRung("16 outputs a thread", convolve_registers, (TILE, TILE)),
    CudaRung("the engine's own", None),
)


class CudaTask:
    """One CUDA rung on one convolution, on the device; each call is one run to measure.

    x: (N, C, H, W) · weight: (O, C, KH, KW), both float32, for stride 1.  Raises DeviceError where
    there is no GPU.
    """

    def __init__(self, rung: CudaRung, x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry):
        self.rung, self.geometry = rung, g
        if rung.kernel is not None:
            top, bottom, left, right = g.padding
            x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
        x = np.ascontiguousarray(x.transpose(1, 2, 3, 0))
        lanes = g.output[0] * g.output[1] * x.shape[3]
        sizes = (*x.shape[1:], *g.kernel, g.output[1], weight[0].size, g.out_channels, lanes)
        self.sizes = Sizes(*map(int, sizes))
        self.x, self.weight = cuda.upload(x), cuda.upload(weight)
        self.bias = cuda.zeros((g.out_channels,), x.dtype)
        self.out = cuda.zeros((g.out_channels, *g.output, x.shape[3]), x.dtype)

    def __call__(self) -> None:
        """Launch it without waiting for the end."""
        if self.rung.kernel is None:
            self.out = conv2d.forward(self.x, self.weight, self.bias, self.geometry)
            return
        channels, lanes = self.rung.block
        blocks = -(-self.sizes.lanes // lanes), -(-self.sizes.outputs // channels)
        arguments = self.x.memory, self.weight.memory, self.sizes, self.out.memory
        self.rung.kernel.launch(blocks, SIDE * SIDE, *arguments)

    def output(self) -> np.ndarray:
        """Run it, and return the output (N, O, OH, OW)."""
        self()
        return self.out.numpy().transpose(3, 0, 1, 2)
