"""Labels and pixels as arrays have them, as those of a data set."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convlab.checks import shown
from convlab.data.label_names import is_label
from convlab.data.lazy import LazyImages
from convlab.data.pictures import MAX_SIDE
from convlab.errors import DataError, require_finite
from convlab.names import listed

MOST_CLASSES = 5000
"""The most classes; Kuzushiji-Kanji has 3,832."""

_QMNIST_COLUMNS = 8
_BYTES_AT_ONCE = 1 << 20

# --- labels ---------------------------------------------------------------------------------


def as_text(values: np.ndarray) -> np.ndarray:
    """Bytes as the UTF-8 that they are; an array of anything else as it is."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def label_values(place: str, labels: np.ndarray, is_idx: bool) -> np.ndarray:
    """Labels (count,) as int64, or as text if they are words, from what ``place`` holds.

    (count, 1) is taken as well, and of an IDX file with 8 columns, as QMNIST's, the first.
    Raises DataError for other shapes, numbers that are not whole and numbers below 0.
    """
    if labels.ndim == 2 and (labels.shape[1] == 1 or is_idx and labels.shape[1] == _QMNIST_COLUMNS):
        labels = labels[:, 0]
    if labels.ndim != 1 or not labels.size:
        raise DataError(f"{place}: expected labels (count,), got {labels.shape}")
    labels = as_text(labels)
    if labels.dtype.kind == "U" and not all(map(is_label, set(labels.tolist()))):
        return labels
    if labels.dtype.kind == "f" and not np.array_equal(labels, np.rint(labels)):  # NaN neither
        raise DataError(f"{place}: expected labels as whole numbers, got {shown(labels[:4])}")
    numbers = labels.astype(np.int64)
    if numbers.min() < 0:  # also of a number above 63 bits
        raise DataError(f"{place}: expected labels from 0, got {numbers.min()}")
    return numbers


def classes_of(
    path: Path, labels: Sequence[np.ndarray], names: Mapping[int, str]
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """The labels of each part as indices into the classes, and the names of these.

    A class is a label that occurs, in their order.  Raises DataError for labels of the test set
    alone, fewer than two classes and more than MOST_CLASSES, and for labels without a name.
    """
    if len({part.dtype.kind for part in labels}) > 1:
        raise DataError(f"{path}: expected labels of one kind, got numbers and texts")
    values = np.unique(labels[0])
    if not 2 <= len(values) <= MOST_CLASSES:
        raise DataError(f"{path}: expected 2 to {MOST_CLASSES:,} classes, got {len(values):,}")
    for part in labels[1:]:
        strange = np.setdiff1d(part, values)
        if len(strange):
            raise DataError(
                f"{path}: expected labels of the training set in the test set, got also"
                f" {listed(map(str, strange.tolist()), 100)}"
            )
    wanted = values.tolist()
    if names and values.dtype.kind == "i":
        without = [value for value in wanted if value not in names]
        if without:
            raise DataError(f"{path}: expected a name for each label, got none for {without[0]}")
        wanted = [names[value] for value in wanted]
    indices = [np.searchsorted(values, part).astype(np.int64) for part in labels]
    return indices, tuple(map(str, wanted))


# --- pixels ---------------------------------------------------------------------------------


class Images(NamedTuple):
    """Images as ``place`` holds them; transposed: whether their rows are its columns.

    ``values``: returns them, an array or a map of the file.  ``lazy``: whether they stay there.
    """

    place: str
    values: Callable[[], np.ndarray]
    transposed: bool
    lazy: bool


def image_bytes(parts: Sequence[Images]) -> list[np.ndarray | LazyImages]:
    """The images of each part as bytes (count, C, H, W), or as LazyImages of them.

    Pixels from 0 to 255 are rounded; if none of all parts is above 1, they are taken to go from 0
    to 1.  Raises DataError for other numbers, and as ``image_axes``.
    """
    factor = 255 if max(map(_largest, parts)) <= 1 else 1
    return [_bytes(part, factor) for part in parts]


def image_axes(place: str, shape: tuple[int, ...]) -> tuple[tuple[int, int, int, int], bool]:
    """The axes (count, C, H, W) of images of a shape, and whether their channels come last.

    Raises DataError for a shape that is none of images.
    """
    if len(shape) == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        shape = shape[0], math.isqrt(shape[1]), math.isqrt(shape[1])
    if len(shape) == 3:
        axes, last = (shape[0], 1, *shape[1:]), False
    elif len(shape) == 4 and (shape[1] in (1, 3) or shape[3] in (1, 3)):
        last = shape[1] not in (1, 3)
        axes = (shape[0], shape[3], *shape[1:3]) if last else shape
    else:
        raise DataError(
            f"{place}: expected images (count, H, W), (count, H, W, C) or (count, C, H, W) of"
            f" 1 or 3 channels, or rows of a square number of pixels, got {shape}"
        )
    if not math.prod(axes) or max(axes[2:]) > MAX_SIDE:
        raise DataError(
            f"{place}: expected images of 1 to {MAX_SIDE:,} pixels along a side, got {shape}"
        )
    return axes, last


def _largest(part: Images) -> float:
    """The largest pixel.  Raises DataError unless all are numbers from 0 to 255."""
    return max(_largest_of(part.place, block) for block in _blocks(part.values))


def _blocks(values: Callable[[], np.ndarray]) -> Iterator[np.ndarray]:
    """The images of an array some at a time; what is mapped is mapped anew, which frees memory."""
    count, step = len(values()), max(1, _BYTES_AT_ONCE // values()[:1].nbytes)
    for first in range(0, count, step):
        yield values()[first : first + step]


def _largest_of(place: str, images: np.ndarray) -> float:
    if images.dtype.kind not in "buif":
        raise DataError(f"{place}: expected pixels as numbers, got {images.dtype}")
    if images.dtype == np.uint8 or images.dtype.kind == "b":
        return float(images.max())
    least, largest = float(images.min()), float(images.max())
    if not math.isfinite(least + largest):
        require_finite(images, place, DataError)
    if least < 0 or largest > 255:
        raise DataError(
            f"{place}: expected pixels from 0 to 255, or from 0 to 1, got {least:g} to {largest:g}"
        )
    return largest


def _bytes(part: Images, factor: int) -> np.ndarray | LazyImages:
    axes, last = image_axes(part.place, part.values().shape)
    upright = axes[1], *(axes[:1:-1] if part.transposed else axes[2:])

    def of_rows(rows: np.ndarray | slice) -> np.ndarray:
        images = part.values()[rows]
        images = images.transpose(0, 3, 1, 2) if last else images.reshape(-1, *axes[1:])
        if part.transposed:
            images = images.swapaxes(2, 3)
        if images.dtype == np.uint8 and factor == 1:
            return images
        out = np.empty(images.shape, np.uint8)
        step = max(1, _BYTES_AT_ONCE // images[:1].nbytes)
        for first in range(0, len(out), step):  # floats take up to eight times the memory
            out[first : first + step] = np.rint(images[first : first + step] * np.float64(factor))
        return out

    return LazyImages(of_rows, upright, axes[0]) if part.lazy else of_rows(slice(None))
