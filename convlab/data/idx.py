"""The IDX files of MNIST and its relatives.

Format: a big-endian header (magic number, then the length of each axis as 32
bits), then the bytes.  The magic number is 2051 for images and 2049 for
labels.  Source: LeCun, Cortes, Burges, The MNIST database.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convlab.errors import DataError

IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049


class Content(NamedTuple):
    """The bytes of a file, decompressed, and where they came from."""

    path: Path
    data: bytes


def read_content(path: Path) -> Content:
    """Read a file, through gzip where its name ends in .gz.

    Raises DataError for a file that cannot be read or decompressed.
    """
    try:
        data = path.read_bytes()
        return Content(path, gzip.decompress(data) if path.suffix == ".gz" else data)
    except EOFError:
        raise DataError(f"{path}: expected a whole gzip file, got a truncated one") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a gzip file, got a damaged one ({error})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def _decode(content: Content, magic: int, kind: str) -> np.ndarray:
    """The array of an IDX file whose magic number must be the one given."""
    path, data = content
    axes = magic & 0xFF
    header = 4 + 4 * axes
    if len(data) < header:
        raise DataError(f"{path}: expected an IDX header of {header} bytes, got {len(data)} bytes")
    found, *shape = struct.unpack(f">{1 + axes}I", data[:header])
    if found != magic:
        raise DataError(f"{path}: expected the magic number {magic} of IDX {kind}, got {found}")
    expected, got = int(np.prod(shape, dtype=object)), len(data) - header
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
