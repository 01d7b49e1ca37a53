"""Bytes of images of millions of pixels, quickly and in little memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convlab.viz.style import Scale

_STEPS = 256


def shades(values: NDArray, scale: Scale) -> NDArray:
    """Values (H, W) as bytes (H, W, 3): ``scale.rgb`` by a table."""
    table = scale.rgb(np.linspace(scale.lowest, scale.highest, _STEPS + 1))
    factor = np.float32(_STEPS / (scale.highest - scale.lowest))
    place = (values - np.float32(scale.lowest)) * factor + np.float32(0.5)
    return table.take(np.clip(place, 0, _STEPS).astype(np.uint16), axis=0)


def colours(image: NDArray, levels: tuple[float, float]) -> NDArray:
    """An RGB image (3, H, W) over ``levels`` as bytes (H, W, 3)."""
    low, high = (np.float32(level) for level in levels)
    share = np.clip((image - low) * (np.float32(255) / (high - low)) + np.float32(0.5), 0, 255)
    return np.moveaxis(share.astype(np.uint8), 0, -1)


def reduced(rgb: NDArray, factor: int) -> NDArray:
    """Means over blocks of factor × factor; the remainder at the end is less than one pixel."""
    rows, columns = (length // factor * factor for length in rgb.shape[:2])
    rgb, steps = rgb[:rows, :columns], range(factor)
    tall: NDArray = sum((rgb[step::factor] for step in steps), np.zeros((), np.uint32))
    total: NDArray = sum((tall[:, step::factor] for step in steps), np.zeros((), np.uint32))
    return ((total + factor**2 // 2) // factor**2).astype(np.uint8)
