"""Layers that pass numbers on: flattening and other shapes, and dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence

from convlab import functional as F
from convlab.checks import LARGEST, instance, number, whole
from convlab.errors import ShapeError
from convlab.nn.families import Family, One
from convlab.nn.module import Module, check_image, register
from convlab.nn.notations import flatten_notations
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

    def notations(self, shape):
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return flatten_notations(shape) if usual else ()

    def forward(self, x: Tensor) -> Tensor:
        first, last = self._axes(instance(x, "Flatten", Tensor).shape)
        flat = math.prod(x.shape[first : last + 1])
        return x.reshape(*x.shape[:first], flat, *x.shape[last + 1 :])

    def extra_repr(self) -> str:
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return "" if usual else f"start_dim={self.start_dim}, end_dim={self.end_dim}"


@register
class Reshape(Module):
    """The numbers of each input in another ``shape``, which has no batch; -1 takes what is left."""

    family = Family.RESHAPE
    words = short = "reshape"
    formula = "x, in another shape"
    sign = "kept"
    steady = True

    def __init__(self, shape: int | Sequence[int]):
        super().__init__()
        sizes = [shape] if isinstance(shape, int) else shape
        self.shape = tuple(whole(size, "Reshape: shape", -1) for size in sizes)
        if 0 in self.shape or self.shape.count(-1) > 1:
            raise ShapeError(f"Reshape: expected sizes from 1, or one of -1, got {self.shape}")

    def output_shape(self, shape):
        known, numbers = abs(math.prod(self.shape)), math.prod(shape)
        rest = numbers // known if -1 in self.shape else 1
        if known * rest != numbers:
            raise ShapeError(f"Reshape: expected numbers for {self.shape}, got {tuple(shape)}")
        return tuple(rest if size == -1 else size for size in self.shape)

    def field_of(self, field, shape):
        # Where rows and columns stay, or are one, a unit still sees what it saw.
        kept = self.output_shape(shape)[1:] == tuple(shape[1:]) or math.prod(shape[1:]) == 1
        return field if kept else None

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.output_shape(x.shape[1:]))

    def extra_repr(self) -> str:
        return str(self.shape)


@register
class Permute(Module):
    """The axes in another order: ``dims`` counts the batch, which stays first."""

    family = Family.PLACEMENT
    words = short = "permute"
    formula = "x, at another place"
    sign = "kept"

    def __init__(self, dims: Sequence[int]):
        super().__init__()
        self.dims = tuple(whole(dim, "Permute: dims", 0) for dim in dims)
        if self.dims[:1] != (0,) or sorted(self.dims) != list(range(len(self.dims))):
            raise ShapeError(
                f"Permute: expected each axis once, and the batch, 0, first, got {self.dims}"
            )

    def output_shape(self, shape):
        if len(shape) != len(self.dims) - 1:
            raise ShapeError(
                f"Permute: expected {len(self.dims) - 1} axes and the batch, got {tuple(shape)}"
            )
        return tuple(shape[dim - 1] for dim in self.dims[1:])

    def field_of(self, field, shape):
        return field if self.dims == (0, 1, 2, 3)[: len(self.dims)] else None

    def reads(self, shape, unit):
        return One(tuple(unit[self.dims.index(dim) - 1] for dim in range(1, len(self.dims))))

    def forward(self, x: Tensor) -> Tensor:
        self.output_shape(x.shape[1:])
        return x.transpose(*self.dims)

    def extra_repr(self) -> str:
        return str(self.dims)


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
        self.p = number(p, type(self).__name__, 0, 1, "a probability between 0 and 1")

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)


@register
class Dropout2d(Dropout):
    """In training, each map is zero as a whole with probability ``p``: ``functional.dropout2d``."""

    words = short = "dropout of maps"
    pytorch = ("p",)

    def output_shape(self, shape):
        check_image(self, shape)
        return shape

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout2d(x, self.p, self.training)
