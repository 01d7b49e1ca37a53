"""The batch lies innermost.

One weight now meets a run of neighbours in memory, its lanes: a row's columns of all images.
They have a sum each, so that no addition waits for another, and what is read is read in order.
cuda-convnet laid its arrays so (Krizhevsky, Sutskever & Hinton, "ImageNet classification with
deep convolutional neural networks", NIPS 2012).
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
    batch, lanes = images, width * images
    for turn in prange(outputs * height):
        o, oh = turn // height, turn % height
        y = out[o, oh].reshape(-1)
        y[:] = 0
        for c in range(channels):
            for kh in range(kernel_height):
                row, w = x[c, oh + kh].reshape(-1), weight[o, c, kh]
                for kw in range(kernel_width):
                    for lane in range(lanes):
                        y[lane] += w[kw] * row[kw * batch + lane]
