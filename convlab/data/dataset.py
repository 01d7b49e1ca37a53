"""A labelled set of images, and its splits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from convlab.data.lazy import LazyImages, blocks
from convlab.errors import DataError, DTypeError, ShapeError, SpecError
from convlab.names import class_names

# Bytes counted at once: bincount widens each to 8 bytes.
_COUNTED_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images of one size.

    name: of the data set, for tables and titles.
    split: "train", "test" or "validation".
    images: (count, C, H, W) uint8, C-contiguous; 0 is black, 255 is white.  Or
        LazyImages, which stay in their files and are indexed as an array is.
    labels: (count,) int64, indices into classes.
    classes: the names of the classes, kept as ``names.class_names`` gives them.
    near: of a set that is read in its order, how many images a shuffled epoch mixes at a time; 0
        for one that is shuffled as a whole.

    Raises DTypeError and ShapeError for arrays of another type or number of
    axes, and DataError for counts that disagree, labels without a class and names that cannot
    be told apart.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    near: int = 0

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        title = f"{self.name} ({self.split})"
        if images.dtype != np.uint8 or labels.dtype != np.int64:
            raise DTypeError(
                f"{title}: expected images of uint8 and labels of int64, "
                f"got {images.dtype} and {labels.dtype}"
            )
        if images.ndim != 4 or labels.ndim != 1:
            raise ShapeError(
                f"{title}: expected images (count, C, H, W) and labels (count,), "
                f"got {images.shape} and {labels.shape}"
            )
        if len(images) != len(labels):
            raise DataError(
                f"{title}: expected one label for each image, "
                f"got {len(images)} images and {len(labels)} labels"
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(
                f"{title}: expected labels 0 to {len(self.classes) - 1}, "
                f"got {labels.min()} to {labels.max()}"
            )
        if isinstance(images, np.ndarray):
            object.__setattr__(self, "images", np.ascontiguousarray(images))
        object.__setattr__(self, "classes", class_names(self.classes, title))

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image, in pixels."""
        return self.images.shape[1:]

    def subset(self, indices: Sequence[int] | np.ndarray) -> Dataset:
        """The images at indices (count,), in that order, as a separate data set.

        Raises ShapeError for an index that is not in the set.
        """
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype(np.int64)
        try:
            labels = self.labels[indices]
        except IndexError:
            labels = None
        if labels is None or indices.ndim != 1:
            raise ShapeError(
                f"{self.name} ({self.split}): expected a row of whole numbers below {len(self)} "
                f"as indices, got {np.array2string(indices, threshold=8)}"
            )
        whole = self.images
        images = whole.subset(indices) if isinstance(whole, LazyImages) else whole[indices]
        return replace(self, images=images, labels=labels)

    def order(self, generator: np.random.Generator) -> np.ndarray:
        """The numbers of all images in the order of a shuffled epoch, drawn from the generator.

        With ``near``, each is drawn from so many that are next in the set's order, as from a buffer
        that is filled up from the files.
        """
        order = np.arange(len(self))
        if not 0 < self.near < len(self):
            generator.shuffle(order)
            return order
        buffer, following = order[: self.near].tolist(), range(self.near, len(self))
        places = generator.integers(self.near, size=len(following)).tolist()
        for at, (place, number) in enumerate(zip(places, following, strict=True)):
            order[at], buffer[place] = buffer[place], number
        generator.shuffle(buffer)
        order[len(following) :] = buffer
        return order

    def channel_statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each channel of images / 255.

        Two float64 arrays (C,).  Exact up to the last division: bytes are
        counted, and the sums over the counts are whole numbers.  The
        deviation is that of the population (divided by the count).

        Raises DataError for a set without images.
        """
        if not len(self):
            raise DataError(f"{self.name} ({self.split}): expected images, got none")
        channels, height, width = self.image_shape
        counts = np.zeros((channels, 256), np.int64)
        for block in blocks(self.images):
            for channel in range(channels):
                counts[channel] += _byte_counts(block[:, channel])
        mean, std = np.empty(channels), np.empty(channels)
        for channel in range(channels):
            # Python integers: the products below exceed 64 bits.
            count = len(self) * height * width
            total = sum(byte * int(n) for byte, n in enumerate(counts[channel]))
            squares = sum(byte * byte * int(n) for byte, n in enumerate(counts[channel]))
            mean[channel] = total / (255 * count)
            std[channel] = math.sqrt((count * squares - total * total) / (255 * count) ** 2)
        return mean, std


def has_dark_background(dataset: Dataset) -> bool:
    """Whether the images are bright drawings on black: grey, usually with a black border."""
    if dataset.image_shape[0] != 1 or not len(dataset):
        return False
    counts = np.zeros(256, np.int64)
    for block in blocks(dataset.images):
        counts += _byte_counts(block[:, :, [0, -1]]) + _byte_counts(block[..., [0, -1]])
    # The median of an even number of bytes is the mean of the two in the middle.
    half, up_to = counts.sum() // 2, counts.cumsum()
    return bool(np.searchsorted(up_to, half) + np.searchsorted(up_to, half + 1) < 2 * 64)


def _byte_counts(images: np.ndarray) -> np.ndarray:
    """How often each byte from 0 to 255 occurs."""
    pixels, counts = images.ravel(), np.zeros(256, np.int64)
    for at in range(0, len(pixels), _COUNTED_AT_ONCE):
        counts += np.bincount(pixels[at : at + _COUNTED_AT_ONCE], minlength=256)
    return counts


def stratified_split(dataset: Dataset, fraction: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split a set into (rest, held_out), each class in the same proportion.

    fraction: the part to hold out, between 0 and 1; held_out has
        ceil(fraction * count) images where the classes allow it.
    seed: a whole number from 0; the same seed gives the same split.

    A class of two images or more has at least one on each side; a class of one
    image stays in the rest.  Both parts keep the order of the data set.  The rest keeps its split's
    name, held_out is called "validation".

    Raises SpecError for a fraction or a seed outside its range.
    """
    rest, held = split_indices(dataset.labels, len(dataset.classes), fraction, seed)
    return dataset.subset(rest), replace(dataset.subset(held), split="validation")


def split_indices(
    labels: np.ndarray, classes: int, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the two parts of ``stratified_split``, from labels (count,)."""
    if not 0 < fraction < 1:
        raise SpecError(f"expected a fraction between 0 and 1 to hold out, got {fraction}")
    if seed < 0:
        raise SpecError(f"expected a seed of 0 or more, got {seed}")
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in range(classes)]
    sizes = np.array([len(indices) for indices in members])
    # Largest remainders: round the quotas so that they add up to the whole.
    # Nine digits hide the last bit of products such as 0.07 * 100.
    quotas = np.round(fraction * sizes, 9)
    taken = np.floor(quotas).astype(int)
    missing = math.ceil(round(fraction * len(labels), 9)) - taken.sum()
    taken[np.argsort(taken - quotas, kind="stable")[:missing]] += 1
    taken = np.where(sizes < 2, 0, np.clip(taken, 1, np.maximum(sizes - 1, 1)))
    held = np.zeros(len(labels), bool)
    for indices, count in zip(members, taken, strict=True):
        held[generator.permutation(indices)[:count]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def limit_per_class(dataset: Dataset, count: int, seed: int) -> Dataset:
    """At most ``count`` images of each class, drawn by the seed, in the order of the data set.

    With the same seed a smaller limit gives a subset of what a larger one gives.
    Raises SpecError for a count below 1 and a seed below 0.
    """
    return dataset.subset(limited_indices(dataset.labels, len(dataset.classes), count, seed))


def limited_indices(labels: np.ndarray, classes: int, count: int, seed: int) -> np.ndarray:
    """The indices of what ``limit_per_class`` keeps, from labels (count,)."""
    if count < 1 or seed < 0:
        raise SpecError(
            f"expected a limit of 1 or more and a seed of 0 or more, got {count} and {seed}"
        )
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == label))[:count] for label in range(classes)
    ]
    return np.sort(np.concatenate(chosen))
