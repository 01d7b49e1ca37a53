"""Windows of scenes are kept on disk, since composing them takes far longer than reading them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from convlab.data import composed, scenes
from convlab.data.dataset import Dataset
from convlab.errors import ConvlabError
from convlab.files import replacing

MOST_BYTES = 400_000_000
"""The most bytes of the windows of a set that is kept."""
MOST_SETS = 6
"""How many sets are kept, training and test each by itself; of more the oldest go."""


def kept(
    compose: Callable[..., Dataset], images: Dataset, count: int, seed: int, folder: Path
) -> Dataset:
    """``compose(images, count, seed=seed)``, or what it gave for the same images before.

    ``folder``: where that is kept; one that cannot be written costs only time.
    """
    path = folder / f"{_key(compose, images, count, seed)}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError, zipfile.BadZipFile, ConvlabError):
        with np.load(path, allow_pickle=False) as found:
            name, classes = str(found["name"]), tuple(found["classes"].tolist())
            made = Dataset(name, images.split, found["images"], found["labels"], classes)
        os.utime(path)  # the oldest are those not used for longest
        return made
    made = compose(images, count, seed=seed)
    if made.images.nbytes <= MOST_BYTES:
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                arrays = {"images": made.images, "labels": made.labels}
                np.savez(file, allow_pickle=False, name=made.name, classes=made.classes, **arrays)
            for old in sorted(folder.glob("*.npz"), key=os.path.getmtime)[:-MOST_SETS]:
                old.unlink()
    return made


def _key(compose: Callable[..., Dataset], images: Dataset, count: int, seed: int) -> str:
    """A digest of all that the windows follow from: images, arguments and the code itself."""
    versions = [importlib.metadata.version(name) for name in ("numpy", "pillow")]
    said = [compose.__name__, images.name, images.classes, images.images.shape, count, seed]
    digest = hashlib.sha256(repr([*versions, *said]).encode())
    for module in (composed, scenes):
        digest.update(Path(module.__file__ or "").read_bytes())
    digest.update(images.images.tobytes())
    digest.update(images.labels.tobytes())
    return digest.hexdigest()
