"""Images that stay in their files until they are asked for, and reading them ahead of their use.

A set of images is an array (count, C, H, W) of bytes, or LazyImages, of which an index gives such
an array: those of a batch are in memory, never all of them.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np

from convlab.data.pictures import MAX_IMAGES, check_room
from convlab.errors import DataError

VARIABLE = "CONVLAB_IMAGE_MEMORY"
"""The environment variable with the megabytes of images that are held in memory."""
SHARE = 8
"""Of the machine's memory, this part is what a set's images may take unless the variable says."""

_MOST_READERS = 8
_BYTES_AT_ONCE = 1 << 20
_PICTURES_AT_ONCE = 16

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def fits_in_memory(count: int, shape: Sequence[int]) -> bool:
    """Whether so many images of a shape (C, H, W) are held in memory.

    Raises DataError for a limit in the environment that is not a number.
    """
    text, most = os.environ.get(VARIABLE, ""), MAX_IMAGES
    if text:
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise DataError(f"{VARIABLE}: expected a whole number of megabytes, got {text!r:.40}")
        most = int(text) * 1_000_000
    elif hasattr(os, "sysconf"):
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        most = min(most, machine // SHARE) if machine > 0 else most
    return count * math.prod(shape) <= most


class LazyImages:
    """Images (count, C, H, W) of bytes that are read by their numbers.

    read: from numbers (n,) of images to their bytes (n, C, H, W), in any thread; raises DataError.
    shape: of one image.  rows: the number of each image for ``read``; by default those from 0.

    An index gives an array, as NumPy's does: a number, a slice or numbers.
    """

    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(
        self,
        read: Callable[[np.ndarray], np.ndarray],
        shape: Sequence[int],
        rows: int | np.ndarray,
    ):
        self._read = read
        self._rows = np.arange(rows) if isinstance(rows, int) else rows
        self.shape = (len(self._rows), *shape)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def nbytes(self) -> int:
        """The bytes of all, if they were in memory."""
        return math.prod(self.shape)

    def __getitem__(self, at: Any) -> np.ndarray:
        if isinstance(at, tuple):
            return np.asarray(self)[at]
        rows = self._rows[at]
        images = np.ascontiguousarray(self._read(np.atleast_1d(rows)))
        return images if rows.ndim else images[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def subset(self, indices: np.ndarray) -> LazyImages:
        """Those at indices (n,), in that order, still in their files."""
        return LazyImages(self._read, self.shape[1:], self._rows[indices])

    def changed(
        self, change: Callable[[np.ndarray], np.ndarray], shape: Sequence[int]
    ) -> LazyImages:
        """Images of another shape, which ``change`` makes of (n, C, H, W) when they are read."""
        return LazyImages(lambda rows: change(self._read(rows)), shape, self._rows)


def read_each(
    read: Callable[[int], np.ndarray], count: int, shape: tuple[int, int, int], lazy: bool
) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Images of a shape (C, H, W) from pictures, which ``read`` returns by their numbers.

    Each picture is read here, in several threads.  If they are too many for the memory, and may be
    ``lazy``, they are read again when they are asked for.

    Returns the images of the pictures that can be read, as an array or LazyImages, the numbers of
    these, and what is wrong with each of the others.  Raises DataError for too many.
    """
    images = None
    if not lazy or fits_in_memory(count, shape):
        check_room(count, shape[0], shape[1:])
        images = np.empty((count, *shape), np.uint8)

    def damaged_among(numbers: range) -> dict[int, str]:
        found = {}
        for number in numbers:
            try:
                pixels = read(number)
                if images is not None:
                    images[number] = pixels
            except DataError as error:
                found[number] = str(error)
        return found

    def several(numbers: np.ndarray) -> np.ndarray:
        found = np.empty((len(numbers), *shape), np.uint8)
        for at, number in enumerate(numbers.tolist()):
            found[at] = read(number)
        return found

    step, damaged = _PICTURES_AT_ONCE, dict[int, str]()
    for found in ahead(
        damaged_among, (range(at, min(at + step, count)) for at in range(0, count, step))
    ):
        damaged |= found
    whole = np.array([number for number in range(count) if number not in damaged], np.int64)
    if images is None:
        return cast(np.ndarray, LazyImages(several, shape, whole)), whole, damaged
    return (images[whole] if damaged else images), whole, damaged


def blocks(images: np.ndarray | LazyImages) -> Iterator[np.ndarray]:
    """All images in their order, so many at a time that they take 1 MB."""
    step = max(1, _BYTES_AT_ONCE // max(1, math.prod(images.shape[1:])))
    return parts_of(images, (slice(at, at + step) for at in range(0, len(images), step)))


def parts_of(
    images: np.ndarray | LazyImages, indices: Iterable[slice | np.ndarray]
) -> Iterator[np.ndarray]:
    """The images at each of the indices; those in files are read ahead of their use."""
    if isinstance(images, np.ndarray):
        return (images[index] for index in indices)
    return ahead(images.__getitem__, indices)


def ahead(function: Callable[[_In], _Out], arguments: Iterable[_In]) -> Iterator[_Out]:
    """What a function returns for each argument, in their order.

    Threads are ahead of the caller by as many results as there are threads, one at least, never
    more.  An error is raised in its turn.
    """
    from convlab.kernels import device  # the loops are loaded when needed

    readers = min(_MOST_READERS, device.get_num_threads())
    waiting: deque[Future[_Out]] = deque()
    with ThreadPoolExecutor(readers, "convlab-reader") as pool:
        try:
            for argument in arguments:
                waiting.append(pool.submit(function, argument))
                if len(waiting) > readers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
