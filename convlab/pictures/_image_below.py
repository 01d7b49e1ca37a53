"""An image fitted to a network's input, to be drawn below what its units see."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convlab import data
from convlab.data.pictures import PictureSource, given_picture, picture_size
from convlab.errors import SpecError
from convlab.models import Network
from convlab.shapes import size_text
from convlab.training import ImageLike, Run, centred_images
from convlab.words import t


class ImageBelow(NamedTuple):
    """Bytes (C, H, W) below a box, the input made of them, and how they were fitted."""

    pixels: np.ndarray | None = None
    x: np.ndarray | None = None
    fitted: str = ""

    @property
    def numbers(self) -> dict[str, Any]:
        """The bytes, if there are any, by name."""
        return {} if self.pixels is None else {"image": self.pixels}


def image_below(
    network: Network, run: Run | None, image: ImageLike | None, data_dir: str | os.PathLike | None
) -> ImageBelow:
    """An image of the size that a network takes.

    A picture for a model without a run is centre-cropped, as usual; for a run it is what the run
    reads.  Raises SpecError for test:N without a run, DataError like ``Run.image``.
    """
    if image is None:
        return ImageBelow()
    channels, rows, columns = network.input_shape
    file = None if isinstance(image, np.ndarray) else str(image)
    if run is not None:
        subject = run.image(image, data_dir)
        pixels, fitted = subject.pixels, subject.aside.removeprefix("; ")
        if not fitted and file not in (None, "-") and not file.startswith("test:"):
            height, width = picture_size(Path(file))
            if height * pixels.shape[2] != width * pixels.shape[1]:
                size = size_text(*pixels.shape[1:])
                fitted = t("picture of {size} padded to {size2}", size_text(height, width), size)
        centred = centred_images(pixels[None], (rows, columns))[0]
        return ImageBelow(centred, run.network_input(pixels), fitted)
    if file is None:
        return ImageBelow(np.asarray(image))
    if file.startswith("test:"):
        raise SpecError(f"image {file}: expected a picture file, or the folder of a run")
    given = given_picture(file)
    height, width = picture_size(given)
    pixels, cropped = _cropped(given, (height, width), (rows, columns), channels)
    fitted = t("centre of a picture of {size}", size_text(height, width)) if cropped else ""
    return ImageBelow(pixels, fitted=fitted)


def _cropped(
    picture: PictureSource, size: tuple[int, int], wanted: tuple[int, int], channels: int
) -> tuple[np.ndarray, bool]:
    """The middle of a picture of ``size``, scaled to cover ``wanted``; whether any is cut off.

    Very long pictures are not cropped: a strip of them would not be a picture.
    """
    factor = max(need / have for need, have in zip(wanted, size, strict=True))
    cover = [max(need, math.ceil(have * factor)) for need, have in zip(wanted, size, strict=True)]
    if max(have / need for have, need in zip(cover, wanted, strict=True)) > 4:
        return data.read_picture(picture, size=wanted, channels=channels), False
    pixels = data.read_picture(picture, size=(cover[0], cover[1]), channels=channels)
    top, left = ((have - need) // 2 for have, need in zip(cover, wanted, strict=True))
    return pixels[:, top : top + wanted[0], left : left + wanted[1]], tuple(cover) != wanted
