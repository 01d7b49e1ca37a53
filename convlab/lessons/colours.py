"""What a convolution does with the three channels of a colour image, and what others do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.errors import NotFiniteError, ShapeError
from convlab.lessons.counts import WeightedCount, conv_layer
from convlab.numerals import measured
from convlab.tape import no_grad
from convlab.tensors import Tensor


@dataclass(frozen=True, eq=False)
class ColourConvolution:
    """One spatial kernel on the channels of an image (3, H, W), without padding.

    ``kernel`` (3, KH, KW): the spatial one times a number for each colour, ``colours`` (3,).
    ``parts`` (3, OH, OW): what the kernel finds in each channel; ``summed`` (OH, OW): the
    convolution.  ``apart`` (3, OH, OW): the depthwise convolution, each channel under ``spatial``
    (KH, KW); ``mixed`` (OH, OW): its maps under the pointwise convolution with ``colours``.
    """

    image: np.ndarray
    spatial: np.ndarray
    colours: np.ndarray
    kernel: np.ndarray
    parts: np.ndarray
    summed: np.ndarray
    apart: np.ndarray
    mixed: np.ndarray

    @property
    def difference(self) -> float:
        """The largest difference between the two maps."""
        return float(np.abs(self.summed - self.mixed).max())

    def counts(self, filters: int) -> tuple[WeightedCount, WeightedCount, WeightedCount]:
        """For so many maps: a convolution, a depthwise convolution, and the pointwise after it."""
        kernel = self.spatial.shape[0], self.spatial.shape[1]
        full = conv_layer(self.image.shape, kernel, filters, bias=False)
        depthwise = conv_layer(self.image.shape, kernel, 3, groups=3, bias=False)
        return full, depthwise, conv_layer(depthwise.output_shape, 1, filters, bias=False)


def colour_convolution(
    image: np.ndarray, spatial: np.ndarray, colours: Sequence[float]
) -> ColourConvolution:
    """Convolve an image (3, H, W) in the three ways.

    Raises ShapeError for another image, for other than three numbers and for a kernel that does
    not fit; NotFiniteError for results beyond float32.
    """
    if image.ndim != 3 or len(image) != 3:
        raise ShapeError(f"colours: expected an image (3, rows, columns), got {image.shape}")
    each = np.asarray(colours, np.float32)
    if each.shape != (3,):
        raise ShapeError(f"colours: expected a number for red, green and blue, got {colours!r}")
    size, flat = image.shape[1:], np.asarray(spatial, np.float32)
    shapes.conv2d_geometry(3, 1, (size[0], size[1]), (flat.shape[0], flat.shape[1]))
    kernel = flat * each[:, None, None]
    x = Tensor(image[None].astype(np.float32))
    with no_grad():
        summed = F.conv2d(x, Tensor(kernel[None]))
        parts = F.conv2d(x, Tensor(kernel[:, None]), groups=3)
        apart = F.conv2d(x, Tensor(np.repeat(flat[None, None], 3, axis=0)), groups=3)
        mixed = F.conv2d(apart, Tensor(each[None, :, None, None]))
    if not all(np.isfinite(one.numpy()).all() for one in (parts, summed, apart, mixed)):
        raise NotFiniteError(
            "colours: expected numbers whose products are finite in float32, got a kernel of up to"
            f" {measured(float(np.abs(flat).max()))} and factors of up to"
            f" {measured(float(np.abs(each).max()))}"
        )
    arrays = [np.ascontiguousarray(one.numpy()[0]) for one in (parts, summed, apart, mixed)]
    return ColourConvolution(
        image, flat, each, kernel, arrays[0], arrays[1][0], arrays[2], arrays[3][0]
    )
