"""Batches of floats from a set of bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from convlab.checks import LARGEST, instance, whole
from convlab.data.augmentation import Augmentation
from convlab.data.dataset import Dataset
from convlab.data.lazy import LazyImages, parts_of
from convlab.errors import DTypeError, ShapeError, SpecError

if TYPE_CHECKING:
    from convlab.kernels.dispatch import Array


@dataclass(frozen=True)
class Scaling:
    """How bytes become floats, for each channel: x = byte * scale + offset.

    A network expects the scaling it was trained with, so the two belong together in a checkpoint.

    Raises SpecError unless there are as many scales as offsets, at least one of each, all finite.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", tuple(map(float, self.scale)))
        object.__setattr__(self, "offset", tuple(map(float, self.offset)))
        if not self.scale or len(self.scale) != len(self.offset):
            raise SpecError(
                "scaling: expected one scale and one offset for each channel, "
                f"got {len(self.scale)} and {len(self.offset)}"
            )
        if not np.isfinite(self.scale + self.offset).all():
            raise SpecError(f"scaling: expected finite numbers, got {self.scale + self.offset}")

    @classmethod
    def standardise(cls, dataset: Dataset) -> Scaling:
        """Mean 0 and variance 1 for each channel, over the images of dataset.

        A constant channel becomes 0.  Raises DataError for a set without images.
        """
        mean, std = dataset.channel_statistics()
        std = np.where(std > 0, std, 1.0)
        return cls(tuple(1 / (255 * std)), tuple(-mean / std))

    @classmethod
    def between(cls, black: float, white: float, channels: int = 1) -> Scaling:
        """Byte 0 becomes black and byte 255 becomes white, linear between them.

        LeNet-5 of 1998 takes between(-0.1, 1.175) on MNIST, whose ink is
        bright: background -0.1 and ink 1.175, for a mean near 0 and a variance
        near 1 (LeCun, Bottou, Bengio, Haffner 1998, section II.B).
        """
        return cls(((white - black) / 255,) * channels, (black,) * channels)

    def to_dict(self) -> dict[str, list[float]]:
        """The numbers as lists, for JSON; from_dict reads them back."""
        return {"scale": list(self.scale), "offset": list(self.offset)}

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Sequence[float]]) -> Scaling:
        """The scaling that to_dict wrote.  Raises SpecError for anything else."""
        try:
            return cls(tuple(numbers["scale"]), tuple(numbers["offset"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, SpecError):
                raise
            raise SpecError(
                f"scaling: expected lists of numbers called scale and offset, got {numbers!r:.60}"
            ) from None


def to_floats(images: Array | LazyImages, scaling: Scaling, index: Array | None = None) -> Array:
    """Images of bytes as the floats that a network takes.

    images: (N, C, H, W) uint8, or LazyImages, which are read.
    index: (M,) whole numbers; if given, images[index] are converted.

    Returns x (M, C, H, W) float32 = byte * scale + offset.  In memory it is
    (C, H, W, M): the batch is innermost, as the kernels want it.

    Raises DTypeError for numbers other than bytes, ShapeError for another number of axes or
    channels and for an index outside the images.
    """
    if images.dtype != np.uint8:
        raise DTypeError(f"expected images of uint8, got {images.dtype}")
    if images.ndim != 4 or images.shape[1] != len(scaling.scale):
        raise ShapeError(
            f"expected images (N, {len(scaling.scale)}, H, W) as in the scaling, got {images.shape}"
        )
    if isinstance(index, np.ndarray) and index.size:  # not checked on the device
        least, largest = index.min(), index.max()
        if not -len(images) <= least <= largest < len(images):
            raise ShapeError(f"expected indices below {len(images)}, got {index}")
    if isinstance(images, LazyImages):
        images, index = images[slice(None) if index is None else index], None
    from convlab.kernels import gather  # the loops are loaded when needed

    return gather.floats(images, index, scaling.scale, scaling.offset).transpose(3, 0, 1, 2)


class Batches:
    """The batches of a set, epoch after epoch.

    dataset: its images stay bytes until a batch is made.
    batch_size: images in a batch; the last of an epoch may have fewer.
    shuffle: whether each epoch has its own order.
    seed: from 0.  The order of an epoch depends only on (seed, epoch), the
        augmentation of a batch only on (seed, epoch, batch): a run that is
        resumed in the middle of an epoch sees the same bits.
    augmentation: for training; None leaves the images as they are.
    scaling: how bytes become floats.
    part: of so many images of a batch, those that are wanted here, by default all: x has only
        them, changed as among all.
    device: cpu, or cuda: all images are uploaded once, as bytes, and batches are made there
        (except augmented ones, which are made on the CPU, and those of LazyImages, which are read
        ahead, a few batches at a time).

    Raises SpecError for a set without images, a batch size below 1, a seed
    below 0 and a scaling for another number of channels.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        shuffle: bool = True,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        scaling: Scaling,
        part: Callable[[int], slice] | None = None,
        device: str = "cpu",
    ) -> None:
        title = f"{dataset.name} ({dataset.split})"
        if not len(dataset):
            raise SpecError(f"batches: expected a data set with images, got none in {title}")
        whole(batch_size, "batches: batch size", -LARGEST, error=SpecError)
        if batch_size < 1:
            raise SpecError(f"batches: expected a batch size of 1 or more, got {batch_size}")
        whole(seed, "batches: seed", -sys.maxsize, sys.maxsize, SpecError)
        if seed < 0:
            raise SpecError(f"batches: expected a seed of 0 or more, got {seed}")
        if len(scaling.scale) != dataset.image_shape[0]:
            raise SpecError(
                f"batches: expected a scaling of {dataset.image_shape[0]} channels as in {title}, "
                f"got one of {len(scaling.scale)}"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(instance(shuffle, "batches: shuffle", (bool, np.bool_), "a bool"))
        self.seed = seed
        self.augmentation = instance(
            augmentation, "batches: augmentation", (Augmentation, type(None)), "an Augmentation"
        )
        self.scaling = scaling
        self.part = part
        self.device = device
        self._images = dataset.images
        if augmentation is None and not isinstance(self._images, LazyImages):
            self._images = _to_device(self._images, device)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.dataset) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Array, Array]]:
        """The batches of an epoch (from 0), beginning with the batch start (from 0).

        Yields x (N, C, H, W) float32, in memory (C, H, W, N), and labels (N,)
        int64, both on the device.  Raises SpecError for an epoch below 0 and a start outside the
        epoch; start equal to the number of batches yields nothing.
        """
        if number < 0:
            raise SpecError(f"batches: expected an epoch of 0 or more, got {number}")
        if not 0 <= start <= len(self):
            raise SpecError(f"batches: expected a start from 0 to {len(self)}, got {start}")
        return self._batches(number, start)

    def _batches(self, number: int, start: int) -> Iterator[tuple[Array, Array]]:
        order = np.arange(len(self.dataset))
        if self.shuffle:
            # NumPy treats [seed, number] and [seed, number, 0] as the same seed, so the order has
            # the 0 and the batches count from 1.
            order = self.dataset.order(np.random.default_rng([self.seed, number, 0]))
        labels = _to_device(self.dataset.labels[order], self.device)
        ends = range(start * self.batch_size, len(order), self.batch_size)
        places = [slice(at, at + self.batch_size) for at in ends]
        own = [slice(None) if self.part is None else self.part(len(order[at])) for at in places]
        if self.augmentation is None:
            each = (order[at][part] for at, part in zip(places, own, strict=True))
            for at, x in zip(places, self._taken(each), strict=True):
                yield x, labels[at]
            return
        read = parts_of(self._images, (order[at] for at in places))
        numbers = range(start, len(self))
        for batch, part, at, images in zip(numbers, own, places, read, strict=True):
            generator = np.random.default_rng([self.seed, number, 1 + batch])
            images = self.augmentation.apply(images, generator, part)
            yield to_floats(_to_device(images, self.device), self.scaling), labels[at]

    def floats(self, index: Array) -> Array:
        """The images at index (M,) as the network takes them, (M, C, H, W), on the device."""
        if isinstance(self._images, LazyImages):
            return to_floats(_to_device(self._images[index], self.device), self.scaling)
        return to_floats(self._images, self.scaling, _to_device(index, self.device))

    def _taken(self, each: Iterable[np.ndarray]) -> Iterator[Array]:
        """What a batch has of the images at its indices, of each batch, where they do not vary."""
        if isinstance(self._images, LazyImages):
            for images in parts_of(self._images, each):
                yield to_floats(_to_device(images, self.device), self.scaling)
            return
        indices = [*each]
        # Uploaded once, not for each batch.
        order = _to_device(np.concatenate([np.arange(0), *indices]), self.device)
        ends = np.cumsum([0, *map(len, indices)])
        for start, end in pairwise(ends.tolist()):
            yield self.floats(order[start:end])


def _to_device(array: Array, device: str) -> Array:
    from convlab.kernels.dispatch import to_device

    return to_device(array, device)
