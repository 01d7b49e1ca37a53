"""Every core takes its share.

The output maps of all images are dealt out to threads.  One thread owns the map that it writes,
so that none waits for another and the bits of the result do not depend on their number.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from convlab.kernels.device import loop


@loop
def convolve(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    # x: (N, C, H, W) · weight: (O, C, KH, KW) · out: (N, O, OH, OW)
    batch, outputs, height, width = out.shape
    _, channels, kernel_height, kernel_width = weight.shape
    for turn in prange(batch * outputs):
        n, o = turn // outputs, turn % outputs
        for oh in range(height):
            for ow in range(width):
                total = out.dtype.type(0)
                for c in range(channels):
                    for kh in range(kernel_height):
                        for kw in range(kernel_width):
                            total += weight[o, c, kh, kw] * x[n, c, oh + kh, ow + kw]
                out[n, o, oh, ow] = total
