"""Winograd's minimal filtering F(2 × 2, 3 × 3).

Four outputs of a 3 × 3 kernel from a 4 × 4 tile of input with 16 products instead of 36: Lavin &
Gray, "Fast algorithms for convolutional neural networks", CVPR 2016 (arXiv 1509.09308, 2015),
section 4.1.  The additions around them cost time, memory and digits.  Arrays are (C, H, W, N).
"""

from __future__ import annotations

import numpy as np

from convlab.shapes import Conv2dGeometry

# The four rows of a kernel's transform from its three: the matrix G.
_G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)


def fits(g: Conv2dGeometry) -> bool:
    """Whether it can be used: a 3 × 3 kernel with stride 1."""
    return g.kernel == (3, 3) and g.stride == g.dilation == (1, 1) and g.groups == 1


def _tiles(g: Conv2dGeometry) -> tuple[int, int]:
    return -(-g.output[0] // 2), -(-g.output[1] // 2)


def memory(g: Conv2dGeometry, batch: int) -> int:
    """Bytes of the transforms of input, weights and output, 16 numbers per tile each."""
    rows, columns = _tiles(g)
    of_maps = (g.in_channels + g.out_channels) * rows * columns * batch
    return 4 * 16 * (of_maps + g.in_channels * g.out_channels)


def forward(x: np.ndarray, weight: np.ndarray, g: Conv2dGeometry) -> np.ndarray:
    """The output (O, OH, OW, N) of x (C, H, W, N) and weight (O, C, 3, 3), in x's kind of number.

    The transform of the weights, which a trained network would keep, is part of it.
    """
    channels, height, width, batch = x.shape
    rows, columns = _tiles(g)
    top, _, left, _ = g.padding
    padded = np.zeros((channels, 2 * rows + 2, 2 * columns + 2, batch), x.dtype)
    padded[:, top : top + height, left : left + width] = x
    matrix = _G.astype(x.dtype)
    kernels = np.einsum("ia,ocab,jb->jioc", matrix, weight, matrix, optimize=True)
    # Row i of every tile, (4, C, rows, W, N); of that column j, (4, 4, C, rows, columns, N).
    across = _transform(lambda i: padded[:, i : i + 2 * rows : 2], padded.shape, rows, 1)
    tiles = _transform(lambda j: across[:, :, :, j : j + 2 * columns : 2], across.shape, columns, 3)
    kernels, tiles = kernels.reshape(16, -1, channels), tiles.reshape(16, channels, -1)
    products = np.matmul(kernels, tiles)
    out = _outputs(products.reshape(4, 4, g.out_channels, rows, columns, batch))
    return out[:, : g.output[0], : g.output[1]]


def _transform(part, shape, count, axis) -> np.ndarray:
    """The rows of B^T: d0 - d2, d1 + d2, d2 - d1 and d1 - d3 of each tile, along one axis.

    ``part(i)``: number i of every tile; ``shape`` of the array, ``count`` tiles along ``axis``.
    """
    out = np.empty((4, *shape[:axis], count, *shape[axis + 1 :]), part(0).dtype)
    np.subtract(part(0), part(2), out=out[0])
    np.add(part(1), part(2), out=out[1])
    np.subtract(part(2), part(1), out=out[2])
    np.subtract(part(1), part(3), out=out[3])
    return out


def _outputs(m: np.ndarray) -> np.ndarray:
    """m (column j, row i, O, rows, columns, N) as (O, H, W, N), by A^T along both axes."""
    m = np.stack([m[0] + m[1] + m[2], m[1] - m[2] - m[3]])
    m = np.stack([m[:, 0] + m[:, 1] + m[:, 2], m[:, 1] - m[:, 2] - m[:, 3]])
    _, _, outputs, rows, columns, batch = m.shape  # (row, column, O, rows, columns, N)
    return m.transpose(2, 3, 0, 4, 1, 5).reshape(outputs, 2 * rows, 2 * columns, batch)
