"""Small test patterns whose results can be worked out by hand."""

from __future__ import annotations

import numpy as np

from convlab.errors import SpecError


def _step() -> np.ndarray:
    image = np.zeros((8, 8), np.float32)
    image[:, 4:] = 10
    return image


def _checkerboard() -> np.ndarray:
    row, column = np.indices((8, 8)) // 2
    return (10 * ((row + column) % 2)).astype(np.float32)


def _six_by_six_edge() -> np.ndarray:
    image = np.zeros((6, 6), np.float32)
    image[:, :3] = 10
    return image


_PATTERNS = {"step": _step, "checkerboard": _checkerboard, "6x6-edge": _six_by_six_edge}

PATTERNS = tuple(_PATTERNS)
"""Names of the test patterns."""


def pattern(name: str) -> np.ndarray:
    """A test pattern (H, W), float32, with the values 0 and 10.

    step: 8 × 8, dark left half and bright right half.  checkerboard: 8 × 8,
    squares of 2 × 2, dark first.  6x6-edge: the image used in many lectures on
    edge detection, bright left half and dark right half.  Raises SpecError for
    another name.
    """
    if name not in _PATTERNS:
        raise SpecError(f"expected a pattern among {', '.join(PATTERNS)}, got {name!r}")
    return _PATTERNS[name]()
