"""How often a convolution reads each pixel: seldom at the edges, never beyond its last step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab import Tensor, shapes
from convlab import functional as F
from convlab.lessons.relations import SizeRelation, conv_size
from convlab.shapes import Pair, Sides


@dataclass(frozen=True)
class Usage:
    """Under one ``padding`` and stride: ``counts`` (H, W), how many windows read each pixel.

    ``relations`` work out the rows and columns of the output.
    """

    padding: Sides
    counts: np.ndarray
    relations: tuple[SizeRelation, SizeRelation]

    @property
    def output(self) -> Pair:
        """Rows and columns that come out."""
        rows, columns = self.relations
        return rows.value, columns.value

    @property
    def corner(self) -> int:
        """How often the upper left pixel is read."""
        return int(self.counts[0, 0])

    @property
    def most(self) -> int:
        """How often the pixel is read that is read most."""
        return int(self.counts.max())

    @property
    def unread(self) -> int:
        """How many pixels no window reads."""
        return int((self.counts == 0).sum())


def usage(size: Pair, kernel: Pair, stride: Pair = (1, 1), padding: Sides = (0, 0, 0, 0)) -> Usage:
    """Count by the engine: each pixel's gradient of the sum of all outputs, all weights being 1.

    Raises ShapeError where the kernel does not fit.
    """
    image = Tensor(np.ones((1, 1, *size), np.float32), requires_grad=True)
    ones = Tensor(np.ones((1, 1, *kernel), np.float32))
    F.conv2d(image, ones, None, stride, padding).sum().backward()
    assert image.grad is not None, "it is what backward computes"
    counts = np.rint(image.grad[0, 0]).astype(int)
    relations = shapes.on_axes(
        lambda i: conv_size(size[i], kernel[i], stride[i], *shapes.along(padding, i))
    )
    return Usage(padding, counts, relations)
