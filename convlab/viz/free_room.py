"""The space in a plane of points that is still free for names and pictures."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class FreeRoom:
    """The room between the corners ``low`` and ``high`` (2,), with points ``at`` (n, 2) in it.

    Boxes are (left, top, right, bottom); all in pixels.
    """

    def __init__(self, low: NDArray, high: NDArray, at: NDArray) -> None:
        self.low, self.high, self.at = low, high, at
        self.taken = np.zeros((0, 4))

    def take(self, *boxes: NDArray) -> None:
        """Nothing else may touch these boxes."""
        self.taken = np.vstack([self.taken, *boxes])

    def free(self, box: NDArray) -> bool:
        """Whether a box touches no taken one."""
        left, top, right, bottom = self.taken.T
        apart = (right <= box[0]) | (box[2] <= left) | (bottom <= box[1]) | (box[3] <= top)
        return bool(apart.all())

    def inside(self, box: NDArray) -> bool:
        return bool((box[:2] >= self.low).all() and (box[2:] <= self.high).all())

    def around(self, index: int, reach: float) -> NDArray:
        """The box around a point."""
        return np.concatenate([self.at[index] - reach, self.at[index] + reach])

    def covered(self, box: NDArray, across: float = 0.0, down: float = 0.0) -> NDArray:
        """Which points lie inside a box, or within a distance of it."""
        near = np.array([across, down])
        return ((self.at > box[:2] - near) & (self.at < box[2:] + near)).all(axis=1)

    def spiral(self, middle: NDArray, size: NDArray) -> list[NDArray]:
        """Free boxes of ``size`` (2,) around ``middle``, the nearest first."""
        boxes = []
        for turn in range(25):
            # The place itself, then 8 places around it, farther and farther.
            angle, reach = turn * math.pi / 4, math.ceil(turn / 8)
            away = reach * np.array([0.8 * math.cos(angle), 1.3 * math.sin(angle)]) * size
            corner = np.clip(middle + away - size / 2, self.low, self.high - size)
            boxes.append(np.concatenate([corner, corner + size]))
        return [box for box in boxes if self.free(box)]
