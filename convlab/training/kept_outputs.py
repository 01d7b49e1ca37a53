"""What frozen layers make of images, kept on disk: the next training takes it from there.

A file for each network, which knows an image by its content, so that trainings with other images,
other seeds or another number of them share what they have in common.  The files lie beside the
compiled loops, which the bits follow from too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

import convlab
from convlab.data import Dataset, Scaling
from convlab.data.lazy import blocks
from convlab.files import replacing
from convlab.kernels import cache
from convlab.models import Network, summarise

LEAST_WORK = 10_000
"""Multiply-adds for each number of the outputs from which on reading it is worth the disk."""
MOST_BYTES = 128 << 20
"""The most bytes of a file; of more images it has those of the last training."""
MOST_FILES = 8
"""How many networks have one; of more the files not used for longest go."""
_IMAGES, _OUTPUTS = "images", "outputs"


class KeptOutputs:
    """The outputs of a network that does not change, of a ``shape`` without the batch.

    scaling, images_at_once and device: how it is computed, which its bits follow from as well.
    """

    def __init__(
        self,
        network: Network,
        shape: tuple[int, ...],
        scaling: Scaling,
        images_at_once: int,
        device: str,
    ):
        self._numbers = int(np.prod(shape))
        folder = cache.cache_folder()
        work = sum(row.multiply_adds for row in summarise(network))
        self._path = None
        if folder is not None and work >= LEAST_WORK * self._numbers:
            said = [convlab.__version__, np.__version__, repr(network), network.sources(), scaling]
            digest = hashlib.sha256(repr([*said, images_at_once, device]).encode())
            for name, values in sorted(network.state_dict().items()):
                digest.update(f"{name}{values.dtype}{values.shape}".encode())
                digest.update(np.ascontiguousarray(values).data)
            self._path = folder / f"frozen-{digest.hexdigest()[:16]}.safetensors"

    def of(self, dataset: Dataset, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """The outputs (N, numbers) of all images of a data set; ``compute`` makes those at some
        indices that are not there.

        A file that cannot be read or written costs only time.
        """
        if self._path is None or 4 * self._numbers * len(dataset) > MOST_BYTES:
            return compute(np.arange(len(dataset)))
        images = _digests(dataset)
        before, rows = self._read()
        place = {key.tobytes(): at for at, key in enumerate(before)}
        found = np.array([place.get(key.tobytes(), -1) for key in images], np.int64)
        missing = np.flatnonzero(found < 0)
        outputs = np.empty((self._numbers, len(images)), np.float32).T
        outputs[found >= 0] = rows[found[found >= 0]]
        if len(missing):
            outputs[missing] = compute(missing)
            self._write(images, outputs, missing, before, rows)
        return outputs

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        """The digests of images and their outputs, none where there is no such file."""
        assert self._path is not None, "read only where something is kept"
        with contextlib.suppress(OSError, SafetensorError, KeyError, MemoryError):
            if os.path.getsize(self._path) <= 2 * MOST_BYTES:
                kept = safetensors.numpy.load_file(self._path)
                images, outputs = kept[_IMAGES], kept[_OUTPUTS]
                shapes = (len(images), 16), (len(images), self._numbers)
                kinds = images.dtype, outputs.dtype
                if (images.shape, outputs.shape) == shapes and kinds == (np.uint8, np.float32):
                    os.utime(self._path)
                    return images, outputs
        return np.empty((0, 16), np.uint8), np.empty((0, self._numbers), np.float32)

    def _write(
        self,
        images: np.ndarray,
        outputs: np.ndarray,
        missing: np.ndarray,
        before: np.ndarray,
        rows: np.ndarray,
    ) -> None:
        """Add those that were missing, or begin again where all have no room."""
        assert self._path is not None, "written only where something is kept"
        new = images[missing], outputs[missing]
        both = np.concatenate([before, new[0]]), np.concatenate([rows, new[1]])
        kept = both if sum(part.nbytes for part in both) <= MOST_BYTES else (images, outputs)
        arrays = dict(zip((_IMAGES, _OUTPUTS), map(np.ascontiguousarray, kept), strict=True))
        with contextlib.suppress(OSError):
            with replacing(self._path) as file:
                file.write(safetensors.numpy.save(arrays))
            files = self._path.parent.glob("frozen-*.safetensors")
            for old in sorted(files, key=os.path.getmtime)[:-MOST_FILES]:
                old.unlink()


def _digests(dataset: Dataset) -> np.ndarray:
    """(N, 16) bytes: of each image, which no other one has."""
    found = [
        hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        for block in blocks(dataset.images)
        for image in block
    ]
    return np.frombuffer(b"".join(found), np.uint8).reshape(len(found), 16)
