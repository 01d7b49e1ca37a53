"""Operations on each number by itself: activations and dropout.

Arrays of any shape, float32 or float64, without gaps in memory; results have the
same shape and memory order.  Backward versions take the forward's *output* where
that is enough, so that the input need not be kept.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda as numba_cuda
from numba import prange

from convlab.kernels import cuda, memory
from convlab.kernels.calls import do
from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel

# LeCun, Bottou, Bengio & Haffner 1998, appendix A: f(a) = A tanh(S a).
LECUN_AMPLITUDE = 1.7159
LECUN_SLOPE = 2 / 3

# Numbers that one iteration of a parallel loop works on.
CHUNK = 1 << 14


def _each(function):
    """The reference of a pointwise kernel: ``function`` applied to one number after another."""

    def reference(first, *others):
        out = np.empty_like(first)
        for i in np.ndindex(first.shape):
            out[i] = function(first[i], *(other[i] for other in others))
        return out

    return reference


def flat(array):
    """The array's memory as one run; no copy for an array without gaps."""
    return array.reshape(-1) if array.flags.c_contiguous else array.ravel(order="K")


# --- ReLU: y = max(x, 0); NaN stays NaN ----------------------------------------------


@loop
def _relu_forward_loop(x, out):
    zero = x.dtype.type(0)
    for turn in prange((x.size + CHUNK - 1) // CHUNK):
        for i in range(np.uintp(turn * CHUNK), np.uintp(min(x.size, (turn + 1) * CHUNK))):
            out[i] = zero if x[i] < zero else x[i]


@loop
def _relu_backward_loop(grad, y, out):
    zero = y.dtype.type(0)
    for turn in prange((y.size + CHUNK - 1) // CHUNK):
        for i in range(np.uintp(turn * CHUNK), np.uintp(min(y.size, (turn + 1) * CHUNK))):
            out[i] = zero if y[i] <= zero else grad[i]


def _relu_forward_cpu(x):
    out = memory.empty_like(x)
    _relu_forward_loop(flat(x), flat(out))
    return out


def _relu_backward_cpu(grad, y):
    out = memory.empty_like(grad)
    _relu_backward_loop(flat(grad), flat(y), flat(out))
    return out


# On a GPU a Python number would turn float32 into a double, and doubles are slow there, so
# constants take the kind of what they meet.


def _relu_cuda(x):
    return type(x)(0) if x < 0 else x


def _relu_backward_cuda(grad, y):
    return type(grad)(0) if y <= 0 else grad


relu_forward = Kernel(
    "pointwise.relu_forward",
    _each(lambda x: 0 if x < 0 else x),
    _relu_forward_cpu,
    cuda.Pointwise(_relu_cuda, 1),
)
relu_backward = Kernel(
    "pointwise.relu_backward",
    _each(lambda grad, y: 0 if y <= 0 else grad),
    _relu_backward_cpu,
    cuda.Pointwise(_relu_backward_cuda, 2),
)

# --- sigmoid and tanh -----------------------------------------------------------------
# NumPy's tanh and exp are vector code, 20 times as fast as the ones a compiled
# loop may call, so these loops are NumPy's.


def _sigmoid(x):
    # Two forms, so that neither exponential overflows.
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def sigmoid_into(x, out):
    # An overflow to infinity gives the right 0; (1 + tanh(x / 2)) / 2 is 0 from x = -17 on.
    with np.errstate(over="ignore"):
        np.negative(x, out=out)
        np.exp(out, out=out)
    out += x.dtype.type(1)
    np.divide(x.dtype.type(1), out, out=out)


def _sigmoid_backward_into(grad, y, out):
    rest = np.subtract(y.dtype.type(1), y, out=memory.empty_like(y))
    np.multiply(grad, y, out=out)
    np.multiply(out, rest, out=out)


def _tanh_into(x, out):
    np.tanh(x, out=out)


def _tanh_backward_into(grad, y, out):
    np.multiply(y, y, out=out)
    np.subtract(y.dtype.type(1), out, out=out)
    np.multiply(grad, out, out=out)


def _scaled_tanh_into(x, out):
    np.multiply(x, x.dtype.type(LECUN_SLOPE), out=out)
    np.tanh(out, out=out)
    out *= x.dtype.type(LECUN_AMPLITUDE)


def _scaled_tanh_backward_into(grad, y, out):
    kind = y.dtype.type
    np.multiply(y, y, out=out)
    out *= kind(-LECUN_SLOPE / LECUN_AMPLITUDE)
    out += kind(LECUN_AMPLITUDE * LECUN_SLOPE)
    out *= grad


def _made(into):
    """A kernel that returns what ``into(*arrays, out)`` fills."""

    def version(*arrays):
        out = memory.empty_like(arrays[-1])
        do(into, *arrays, out)
        return out

    return version


def sigmoid_cuda(x):
    # Applied to the magnitude, so that the exponential does not overflow.
    one, part = type(x)(1), math.exp(-abs(x))
    return (one if x >= 0 else part) / (one + part)


def _sigmoid_backward_cuda(grad, y):
    return grad * y * (type(y)(1) - y)


def _tanh_cuda(x):
    return math.tanh(x)


def _tanh_backward_cuda(grad, y):
    return grad * (type(y)(1) - y * y)


sigmoid_forward = Kernel(
    "pointwise.sigmoid_forward",
    _each(_sigmoid),
    _made(sigmoid_into),
    cuda.Pointwise(sigmoid_cuda, 1),
)
sigmoid_backward = Kernel(
    "pointwise.sigmoid_backward",
    _each(lambda grad, y: grad * y * (1 - y)),
    _made(_sigmoid_backward_into),
    cuda.Pointwise(_sigmoid_backward_cuda, 2),
)
tanh_forward = Kernel(
    "pointwise.tanh_forward", _each(math.tanh), _made(_tanh_into), cuda.Pointwise(_tanh_cuda, 1)
)
tanh_backward = Kernel(
    "pointwise.tanh_backward",
    _each(lambda grad, y: grad * (1 - y * y)),
    _made(_tanh_backward_into),
    cuda.Pointwise(_tanh_backward_cuda, 2),
)


def _scaled_tanh_cuda(x):
    kind = type(x)
    return kind(LECUN_AMPLITUDE) * math.tanh(kind(LECUN_SLOPE) * x)


def _scaled_tanh_backward_cuda(grad, y):
    kind = type(y)
    steepest, bend = kind(LECUN_AMPLITUDE * LECUN_SLOPE), kind(LECUN_SLOPE / LECUN_AMPLITUDE)
    return grad * (steepest - bend * y * y)


scaled_tanh_forward = Kernel(
    "pointwise.scaled_tanh_forward",
    _each(lambda x: LECUN_AMPLITUDE * math.tanh(LECUN_SLOPE * x)),
    _made(_scaled_tanh_into),
    cuda.Pointwise(_scaled_tanh_cuda, 1),
)
scaled_tanh_backward = Kernel(
    "pointwise.scaled_tanh_backward",
    _each(lambda grad, y: grad * LECUN_SLOPE * (LECUN_AMPLITUDE - y * y / LECUN_AMPLITUDE)),
    _made(_scaled_tanh_backward_into),
    cuda.Pointwise(_scaled_tanh_backward_cuda, 2),
)

# --- weights, where a 0 leaves out what may be infinite ------------------------------------


def _weigh(x, weight):
    return 0 if weight == 0 else x * weight


def _weigh_cpu(x, weight):
    out = memory.empty_like(x)
    out[...] = 0
    return np.multiply(x, weight, out=out, where=weight != 0)


def _weigh_cuda(x, weight):
    return weight if weight == 0 else x * weight


weigh = Kernel("pointwise.weigh", _each(_weigh), _weigh_cpu, cuda.Pointwise(_weigh_cuda, 2))

# --- dropout ----------------------------------------------------------------------------
# The random number of element i is a function of (key, i) alone: the same mask
# whatever the number of threads or the device.  SplitMix64 of Steele, Lea &
# Flood, "Fast splittable pseudorandom number generators" (2014), figure 16.

_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_ALL = (1 << 64) - 1


def _uniform(key: int, i: int) -> float:
    """A number in [0, 1), a multiple of 2^-24."""
    z = (key + (i + 1) * _GOLDEN) & _ALL
    z = ((z ^ (z >> 30)) * _MIX_1) & _ALL
    z = ((z ^ (z >> 27)) * _MIX_2) & _ALL
    return ((z ^ (z >> 31)) >> 40) / (1 << 24)


def _dropout_mask_reference(like, probability, key):
    out = np.empty_like(like)
    flat = out.reshape(-1)
    for i in range(flat.size):
        flat[i] = 0 if _uniform(key, i) < probability else 1 / (1 - probability)
    return out


@loop
def _dropout_mask_loop(out, probability, kept, key):
    golden, mix_1, mix_2 = np.uint64(_GOLDEN), np.uint64(_MIX_1), np.uint64(_MIX_2)
    zero = out.dtype.type(0)
    for turn in prange((out.size + CHUNK - 1) // CHUNK):
        for i in range(np.uintp(turn * CHUNK), np.uintp(min(out.size, (turn + 1) * CHUNK))):
            z = key + (np.uint64(i) + np.uint64(1)) * golden
            z = (z ^ (z >> np.uint64(30))) * mix_1
            z = (z ^ (z >> np.uint64(27))) * mix_2
            uniform = ((z ^ (z >> np.uint64(31))) >> np.uint64(40)) / 16777216.0
            out[i] = zero if uniform < probability else kept


def _dropout_mask_cpu(like, probability, key):
    out = memory.empty_like(like)
    kept = out.dtype.type(1 / (1 - probability))
    _dropout_mask_loop(flat(out), probability, kept, np.uint64(key))
    return out


@cuda.kernel
def dropout_mask_kernel(out, limit, kept, key, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        z = key + (np.uint64(i) + np.uint64(1)) * np.uint64(_GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MIX_1)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MIX_2)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
        out[i] = out.dtype.type(0) if z < limit else kept


def _dropout_mask_cuda(like, probability, key):
    out = cuda.empty(like.shape, like.dtype)
    kept = out.dtype.type(1 / (1 - probability))
    limit = np.uint64(math.ceil(probability * (1 << 24)))
    dropout_mask_kernel.each(out.size, out.memory, limit, kept, np.uint64(key), out.size)
    return out


dropout_mask = Kernel(
    "pointwise.dropout_mask", _dropout_mask_reference, _dropout_mask_cpu, _dropout_mask_cuda
)
