"""The definition in plain Python.

Each output number is the sum of a window's numbers times the kernel's weights, over all input
channels (Goodfellow, Bengio & Courville, Deep Learning, 2016, section 9.1).  For every product
Python makes at least four objects, and looks up what multiplying and adding them means.
"""

from __future__ import annotations

import numpy as np


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
