"""What the machine can do at most: products and sums per second, bytes per second.

Not part of any network; ``convlab bench`` measures the other loops against these.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from convlab.kernels.device import loop

# Numbers per iteration: 4 KB, which stay in the first-level cache.
RUN = 1024
# Fused multiply-adds that ``multiply_add`` does with each number.
CHAIN = 4 * 8 + 2


@njit(fastmath={"contract"})
def _eight(a, factor, term):
    a = a * factor + term
    a = a * factor + term
    a = a * factor + term
    a = a * factor + term
    a = a * factor + term
    a = a * factor + term
    a = a * factor + term
    return a * factor + term


@loop
def multiply_add(x, turns, factors, term):
    """Each number of x (any, RUN) through CHAIN multiply-adds, ``turns`` times.

    ``factors``: four, for four independent chains.
    """
    u = np.uintp
    f, g, h, k = factors
    for row in prange(x.shape[0]):
        numbers = x[row]
        for _ in range(turns):
            for n in range(u(RUN)):
                a = numbers[n]
                p, q = _eight(a, f, term), _eight(a, g, term)
                r, s = _eight(a, h, term), _eight(a, k, term)
                numbers[n] = (p * q + r) * s + term


@loop
def scale_add(x, y, out):
    """out = x + 3 y, the "triad" of McCalpin's STREAM (1995): three numbers moved for two FLOP."""
    three = x.dtype.type(3)
    for i in prange(x.shape[0]):
        out[i] = x[i] + three * y[i]


@njit
def _double(x):
    for i in range(x.size):
        x[i] += x[i]


def vector_bits() -> int:
    """Width of the vectors that the compiler uses for loops on this processor."""
    _double(np.zeros(1, np.float32))
    (assembly,) = _double.inspect_asm().values()
    return 512 if "%zmm" in assembly else 256 if "%ymm" in assembly else 128
