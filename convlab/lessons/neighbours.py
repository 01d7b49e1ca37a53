"""How similar pixels are by distance, and what remains of it when they are shuffled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.errors import DataError, ShapeError


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Correlations of pixels ``distances`` (n,) apart, in the original and the shuffled images.

    correlations, shuffled: (n,), from -1 to 1.  ``order`` (H * W,) is the permutation: pixel i
    of a shuffled image, in row order, is pixel order[i] of the image.
    """

    distances: NDArray
    correlations: NDArray
    shuffled: NDArray
    order: NDArray


def shuffle_pixels(images: NDArray, order: NDArray) -> NDArray:
    """Images (..., H, W) with their pixels in another order, the same for all of them."""
    flat = images.reshape(*images.shape[:-2], -1)
    return flat[..., order].reshape(images.shape)


def correlation_at(images: NDArray, distance: int) -> float:
    """Pearson's correlation of all pairs of pixels ``distance`` apart in a row or in a column.

    images: (N, C, H, W); the pairs of all images and channels are one sample.  NaN if all pixels
    are equal.  Raises ShapeError if no two pixels are that far apart.
    """
    if not 0 <= distance < max(images.shape[-2:]):
        raise ShapeError(
            f"expected a distance from 0 to {max(images.shape[-2:]) - 1}, got {distance}"
        )
    pixels = images.astype(np.float64)
    rows, columns = pixels.shape[-2:]
    first, second = [], []
    for axis, length in ((-2, rows), (-1, columns)):
        if distance < length:
            along = np.moveaxis(pixels, axis, -1)
            first.append(along[..., : length - distance].ravel())
            second.append(along[..., distance:].ravel())
    x, y = np.concatenate(first), np.concatenate(second)
    x, y = x - x.mean(), y - y.mean()
    spread = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / spread) if spread else float("nan")


def neighbours(images: NDArray, farthest: int, seed: int = 0) -> Neighbours:
    """Correlations at distances 0 to ``farthest``, before and after one fixed shuffling.

    images: (N, C, H, W).  Raises ShapeError for images of another shape and for a distance beyond
    their size, DataError if all pixels are equal.
    """
    if images.ndim != 4 or 0 in images.shape:
        raise ShapeError(f"expected images (N, C, H, W), none of them 0, got {images.shape}")
    if images.min() == images.max():
        raise DataError("expected images with pixels that differ, got one value everywhere")
    order = np.random.default_rng(seed).permutation(images.shape[-2] * images.shape[-1])
    mixed = shuffle_pixels(images, order)
    distances = np.arange(farthest + 1)
    return Neighbours(
        distances,
        np.array([correlation_at(images, int(distance)) for distance in distances]),
        np.array([correlation_at(mixed, int(distance)) for distance in distances]),
        order,
    )
