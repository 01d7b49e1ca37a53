"""Convolution as a product of spectra.

A convolution of images is a product of their Fourier transforms, so that a kernel of any size
costs the same: Mathieu, Henaff & LeCun, "Fast training of convolutional networks through FFTs",
ICLR 2014.  The spectra of all maps and kernels have to be held, each as large as a map.
Arrays are (N, C, H, W).
"""

from __future__ import annotations

import numpy as np
from scipy import fft

from convlab.kernels import device
from convlab.shapes import Conv2dGeometry


def _sizes(g: Conv2dGeometry) -> tuple[int, int]:
    """Rows and columns of the transform: those of the padded input, or a few more."""
    top, bottom, left, right = g.padding
    height, width = g.input
    return (
        fft.next_fast_len(height + top + bottom),
        fft.next_fast_len(width + left + right, real=True),
    )


def memory(g: Conv2dGeometry, batch: int) -> int:
    """Bytes of the spectra of input, weights and output, each stored in two orders."""
    height, width = _sizes(g)
    maps = batch * (g.in_channels + g.out_channels) + g.in_channels * g.out_channels
    return 2 * 8 * maps * height * (width // 2 + 1)


def forward(x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """The output (N, O, OH, OW) of x (N, C, H, W), for stride 1.

    What wraps around the end of the transform meets only cells that are cut off.
    """
    top, bottom, left, right = g.padding
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    sizes, workers = _sizes(g), device.get_num_threads()
    of_input = fft.rfft2(padded, sizes, workers=workers)
    of_weight = np.conj(fft.rfft2(weight, sizes, workers=workers))
    # One matrix product for each frequency: (N, C) by (C, O).
    left_side = np.ascontiguousarray(of_input.transpose(2, 3, 0, 1))
    right_side = np.ascontiguousarray(of_weight.transpose(2, 3, 1, 0))
    products = np.matmul(left_side, right_side).transpose(2, 3, 0, 1)
    out = fft.irfft2(products, sizes, workers=workers)
    return out[:, :, : g.output[0], : g.output[1]]
