"""Pooling beside what a picture program does when it makes a picture smaller."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab import functional as F
from convlab.errors import ShapeError, SpecError
from convlab.shapes import size_text
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.words import t

POOLS = {"average": t("average pooling"), "max": t("max pooling")}
FILTERS = ("BOX", "BILINEAR", "NEAREST")
"""Pillow's: the mean of a block, a weighted mean around it, and one of its pixels."""


@dataclass(frozen=True, eq=False)
class Downsizing:
    """An image (C, H, W) of bytes made smaller, whole blocks of ``length`` × ``length`` of it.

    ``pooled`` (C, OH, OW) float32 is the engine's; ``resized`` are Pillow's results in bytes, by
    the names of FILTERS.
    """

    image: np.ndarray
    kind: str
    length: int
    pooled: np.ndarray
    resized: dict[str, np.ndarray]

    def difference(self, name: str) -> tuple[float, float]:
        """Grey levels between pooling and a result of Pillow: the mean, and the largest."""
        apart = np.abs(self.pooled.astype(float) - self.resized[name])
        return float(apart.mean()), float(apart.max())


def read_pool(text: str) -> tuple[str, int]:
    """Kind and block of a text such as "max:2" or "average:4".  Raises SpecError."""
    kind, _, length = text.partition(":")
    if kind not in POOLS or not (length.isascii() and length.isdecimal() and len(length) < 6):
        raise SpecError(f"pool: expected max:K or average:K, such as max:2, got {text!r}")
    if int(length) < 1:
        raise SpecError(f"pool: expected a block of at least 1 pixel, got {text!r}")
    return kind, int(length)


def downsizing(image: np.ndarray, kind: str, length: int) -> Downsizing:
    """Pool an image (C, H, W) of bytes, and resize it to the same size with Pillow.

    Rows and columns that fill no block are cut off first, as pooling leaves them out.  Raises
    ShapeError for a block larger than the image.
    """
    from PIL import Image

    channels, rows, columns = image.shape
    high, wide = rows // length, columns // length
    if min(high, wide) < 1:
        raise ShapeError(
            f"pool: expected a block within {size_text(rows, columns)}, got"
            f" {size_text(length, length)}"
        )
    kept = np.ascontiguousarray(image[:, : high * length, : wide * length])
    pool = F.avg_pool2d if kind == "average" else F.max_pool2d
    with no_grad():
        pooled = pool(Tensor(kept[None].astype(np.float32)), length).numpy()[0]
    picture = Image.fromarray(kept[0] if channels == 1 else kept.transpose(1, 2, 0))
    resized = {}
    for name in FILTERS:
        small = np.asarray(picture.resize((wide, high), Image.Resampling[name]))
        resized[name] = small.reshape(high, wide, channels).transpose(2, 0, 1)
    return Downsizing(image, kind, length, np.ascontiguousarray(pooled), resized)
