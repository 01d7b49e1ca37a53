"""Layers that pass numbers on: flattening and dropout."""

from __future__ import annotations

import math

from convlab import functional as F
from convlab.checks import LARGEST, instance, number, whole
from convlab.errors import ShapeError
from convlab.nn.families import Family
from convlab.nn.module import Module, register
from convlab.tensors import Tensor


@register
class Flatten(Module):
    """Merges the axes from ``start_dim`` to ``end_dim`` into one; by default all but the batch."""

    family = Family.RESHAPE
    words = short = "flatten"
    formula = "x, moved into one row"
    sign = "kept"
    steady = True
    pytorch = ("start_dim", "end_dim")

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim = whole(start_dim, "Flatten: start_dim", -LARGEST)
        self.end_dim = whole(end_dim, "Flatten: end_dim", -LARGEST)

    def _axes(self, shape: tuple[int, ...]) -> tuple[int, int]:
        first, last = (i + len(shape) if i < 0 else i for i in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < len(shape):
            raise ShapeError(
                f"Flatten: expected start_dim and end_dim in order and inside {len(shape)} axes,"
                f" batch first, got {self.start_dim} and {self.end_dim}"
            )
        return first, last

    def output_shape(self, shape):
        # ``shape`` lacks the batch, which is axis 0.
        axes = (1, *shape)
        first, last = self._axes(axes)
        return (*axes[1:first], math.prod(axes[first : last + 1]), *axes[last + 1 :])

    def forward(self, x: Tensor) -> Tensor:
        first, last = self._axes(instance(x, "Flatten", Tensor).shape)
        flat = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], flat, *x.shape[last + 1 :])

    def extra_repr(self) -> str:
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return "" if usual else f"start_dim={self.start_dim}, end_dim={self.end_dim}"


@register
class Dropout(Module):
    """In training, each element is zero with probability ``p``; see ``functional.dropout``."""

    family = Family.DROPOUT
    words = short = "dropout"
    formula = "x, dropped only in training"
    sign = "kept"
    pytorch = ("p",)

    def __init__(self, p: float = 0.5):
        super().__init__()
        self.p = number(p, "Dropout", 0, 1, "a probability between 0 and 1")

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
