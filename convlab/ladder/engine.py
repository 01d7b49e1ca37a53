"""The engine's own loop.

It is built from the ideas above, with six channels and four taps a pass: `multiply_rows` in
`convlab/kernels/lanes.py`.  Where a tap finds its run of input is a table, so that one loop does
every kernel, stride, padding, dilation and group, and the gradient of the input too; so it may be
a little slower than a loop that can do one thing only.
"""

from __future__ import annotations

import numpy as np

from convlab.kernels import conv2d
from convlab.shapes import Conv2dGeometry


def convolve(x: np.ndarray, weight: np.ndarray, geometry: Conv2dGeometry) -> np.ndarray:
    # x: (C, H, W, N), without zeros around it · weight: (O, C, KH, KW) · returns (O, OH, OW, N)
    no_bias = np.zeros(geometry.out_channels, x.dtype)
    return conv2d.forward(x, weight, no_bias, geometry)
