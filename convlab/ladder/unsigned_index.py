"""Unsigned indices, so that the loop vectorises.

In Python a negative index counts from the end, so Numba tests every index that it cannot prove to
be at least 0.  An unsigned one needs no test; then the lanes are a plain run, and LLVM works on
8 or 16 of them with one instruction (Allen & Kennedy, "Automatic translation of FORTRAN programs to
vector form", ACM TOPLAS 9(4), 1987).
"""

from __future__ import annotations

import numpy as np
from numba import prange

from convlab.kernels.device import loop


@loop
def convolve(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    # x: (C, H, W, N) · weight: (O, C, KH, KW) · out: (O, OH, OW, N)
    outputs, height, width, images = out.shape
    _, channels, kernel_height, kernel_width = weight.shape
    batch, lanes = np.uintp(images), np.uintp(width * images)
    for turn in prange(outputs * height):
        o, oh = turn // height, turn % height
        y = out[o, oh].reshape(-1)
        y[:] = 0
        for c in range(channels):
            for kh in range(kernel_height):
                row, w = x[c, oh + kh].reshape(-1), weight[o, c, kh]
                for kw in range(np.uintp(kernel_width)):
                    for lane in range(lanes):
                        y[lane] += w[kw] * row[kw * batch + lane]
