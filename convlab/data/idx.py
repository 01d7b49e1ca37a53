"""The IDX files of MNIST and its relatives.

Format: a big-endian header (magic number, then the length of each axis as 32
bits), then the bytes.  The magic number is 2051 for images and 2049 for
labels.  Source: LeCun, Cortes, Burges, The MNIST database.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convlab import reading
from convlab.data.stored import unpacked
from convlab.errors import DataError

IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049
MAX_CONTENT = 400_000_000
"""The most bytes of a file, unpacked; MNIST's largest has 47,040,016."""
_MAGIC = tuple(magic.to_bytes(4, "big") for magic in (IMAGES_MAGIC, LABELS_MAGIC))


class Content(NamedTuple):
    """The bytes of a file, decompressed, and where they came from."""

    path: Path
    data: bytes


def read_content(path: Path, limit: int = MAX_CONTENT) -> Content:
    """Read a file, decompressing it if its content is gzip, whatever its name.

    At most ``limit`` bytes are unpacked, and of an IDX file no more than its header says.
    Raises DataError for a file that cannot be read or decompressed, or is larger.
    """
    with unpacked(path) as stream:
        return Content(path, _read(path, stream, limit))


def _read(path: Path, file: reading.Readable, limit: int) -> bytes:
    data = file.read(16)
    claimed = limit
    if data[:4] in _MAGIC and len(data) == 16:
        claimed = min(limit, 4 + 4 * data[3] + math.prod(_sizes(data)))
    data += file.read(max(0, claimed + 1 - len(data)))
    if len(data) > limit:
        raise DataError(f"{path}: expected at most {limit:,} bytes of content, got more")
    return data


def _sizes(data: bytes) -> list[int]:
    """The sizes in an IDX header."""
    return list(struct.unpack(f">{data[3]}I", data[4 : 4 + 4 * data[3]]))


def _decode(content: Content, magic: int, kind: str) -> np.ndarray:
    """The array of an IDX file whose magic number must be the one given."""
    path, data = content
    header = 4 + 4 * (magic & 0xFF)
    if len(data) < header:
        raise DataError(f"{path}: expected an IDX header of {header} bytes, got {len(data)} bytes")
    found = int.from_bytes(data[:4], "big")
    if found != magic:
        raise DataError(f"{path}: expected the magic number {magic} of IDX {kind}, got {found}")
    shape = _sizes(data)
    expected, got = math.prod(shape), len(data) - header
    if expected != got:
        sizes = " x ".join(map(str, shape))
        raise DataError(
            f"{path}: the header says {sizes}, expected {expected} bytes after it, got {got}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def decode_pair(images: Content, labels: Content) -> tuple[np.ndarray, np.ndarray]:
    """Decode a file of images and the file of their labels.

    Returns images (count, 1, H, W) uint8 and labels (count,) int64.  Raises
    DataError for a wrong magic number and for counts that disagree.
    """
    pixels = _decode(images, IMAGES_MAGIC, "images")
    numbers = _decode(labels, LABELS_MAGIC, "labels")
    if len(pixels) != len(numbers):
        raise DataError(
            f"expected one label for each image, got {len(pixels)} images in {images.path} "
            f"and {len(numbers)} labels in {labels.path}"
        )
    return pixels[:, np.newaxis], numbers.astype(np.int64)


def read_idx_pair(images: str | Path, labels: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a file of images and the file of their labels, plain or .gz.

    Returns images (count, 1, H, W) uint8 and labels (count,) int64.  Raises
    DataError for a file that cannot be read, is truncated, has a wrong magic
    number or counts that disagree.
    """
    return decode_pair(read_content(Path(images)), read_content(Path(labels)))
