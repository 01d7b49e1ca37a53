"""All taps of a kernel row in one pass.

Above, each product loads a sum and stores it again.  Here the kernel's width is a constant of the
compiled loop: LLVM unrolls the loop over it, and a sum is loaded and stored once for all taps of a
kernel row.  This is unroll-and-jam (Allen & Kennedy, Optimizing Compilers for Modern
Architectures, 2001, chapter 8).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numba import prange

from convlab.kernels.device import loop


@lru_cache
def convolve_with(kernel_width: int) -> Callable:
    @loop
    def convolve(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
        # x: (C, H, W, N) · weight: (O, C, KH, KW) · out: (O, OH, OW, N)
        outputs, height, width, images = out.shape
        _, channels, kernel_height, _ = weight.shape
        batch, lanes = np.uintp(images), np.uintp(width * images)
        for turn in prange(outputs * height):
            o, oh = turn // height, turn % height
            y = out[o, oh].reshape(-1)
            y[:] = 0
            for c in range(channels):
                for kh in range(kernel_height):
                    row, w = x[c, oh + kh].reshape(-1), weight[o, c, kh]
                    for lane in range(lanes):
                        total = y[lane]
                        for kw in range(np.uintp(kernel_width)):
                            total += w[kw] * row[kw * batch + lane]
                        y[lane] = total

    return convolve
