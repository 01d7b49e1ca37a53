"""The same loops, compiled.

Numba finds the type of every number once and hands the loops to LLVM (Lam, Pitrou & Seibert,
"Numba: a LLVM-based Python JIT compiler", LLVM-HPC 2015).  What is left of a product is two
loads, a multiplication and an addition that waits for the one before it.
"""

from __future__ import annotations

import numpy as np

from convlab.kernels.device import loop


@loop(parallel=False)
def convolve(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    # x: (N, C, H, W) · weight: (O, C, KH, KW) · out: (N, O, OH, OW)
    batch, outputs, height, width = out.shape
    _, channels, kernel_height, kernel_width = weight.shape
    for n in range(batch):
        for o in range(outputs):
            for oh in range(height):
                for ow in range(width):
                    total = out.dtype.type(0)
                    for c in range(channels):
                        for kh in range(kernel_height):
                            for kw in range(kernel_width):
                                total += weight[o, c, kh, kw] * x[n, c, oh + kh, ow + kw]
                    out[n, o, oh, ow] = total
