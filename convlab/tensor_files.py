"""Arrays in safetensors files, read with everything checked that the file says about itself."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from convlab.errors import RunError, require_finite
from convlab.reading import MAX_JSON, open_file, parse_json

# Safetensors' names of the supported kinds of numbers, little-endian; others are refused.
_KINDS = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    Halves (F16, BF16) become float32.  The format: eight bytes with the length of a header in
    JSON, the header, the arrays' bytes.  Raises RunError for a file that is missing, is damaged, or
    has numbers of an unsupported kind, NaN or infinity.
    """
    try:
        with open_file(path) as file:
            arrays, metadata = _tensors(file)
    except FileNotFoundError:
        raise RunError(f"{path}: expected a run with this file, there is none") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise RunError(f"{path}: cannot be read as safetensors: {error}") from None
    except MemoryError:
        raise RunError(f"{path}: too large for this machine's memory") from None
    for name, values in arrays.items():
        require_finite(values, f"{path}: {name}", RunError)
    return arrays, metadata


def _tensors(file: BinaryIO) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, MAX_JSON):
        raise ValueError(
            f"expected a header of 2 to {MAX_JSON} bytes inside it, got one of {length} in a"
            f" file of {size}"
        )
    try:
        header = parse_json(file.read(length).decode("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("expected a header in UTF-8") from None
    if not isinstance(header, dict):
        raise ValueError(f"expected an object as its header, got {header!r:.40}")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError(f"expected texts as its metadata, got {metadata!r:.40}")
    places = {name: _place(name, entry) for name, entry in header.items()}
    arrays, end = {}, 0
    for name in sorted(places, key=lambda name: places[name][2:]):
        kind, shape, begin, after = places[name]
        if begin != end:
            raise ValueError(f"expected {name!r:.60} to begin at byte {end}, got {begin}")
        end = after
    if end != size - 8 - length:
        raise ValueError(f"expected {end} bytes of numbers, got {size - 8 - length}")
    for name, (kind, shape, begin, _) in places.items():
        file.seek(8 + length + begin)
        values = np.fromfile(file, _KINDS[kind], math.prod(shape)).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = values.astype(np.float32) if kind == "F16" else values
    return arrays, metadata


def _place(name: str, entry: Any) -> tuple[str, list[int], int, int]:
    """Kind, shape, first byte and byte after the last of an array, according to the header."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"expected dtype, shape and data_offsets of {name!r:.60}")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(
            f"expected {name!r:.60} in numbers of {', '.join(_KINDS)}, got {kind!r:.20}"
        )
    for values in (shape, offsets):
        if not isinstance(values, list) or not all(
            type(value) is int and 0 <= value < 1 << 48 for value in values
        ):
            raise ValueError(f"expected whole numbers for {name!r:.60}, got {values!r:.60}")
    wanted = math.prod(shape) * np.dtype(_KINDS[kind]).itemsize
    if len(shape) > 32 or len(offsets) != 2 or offsets[1] - offsets[0] != wanted:
        raise ValueError(
            f"expected {wanted} bytes for {name!r:.60} of shape {shape!r:.60}, got {offsets!r:.60}"
        )
    return kind, shape, *offsets
