"""Where branches meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import functional as F
from convlab.errors import ShapeError
from convlab.nn.families import Family
from convlab.nn.module import Module, register
from convlab.tensors import Tensor


class Join(Module):
    """A layer that makes one output of several inputs.  Raises ShapeError for a single one."""

    family = Family.JOIN

    def __call__(self, *inputs: Tensor, **settings: Any) -> Tensor:
        if len(inputs) < 2:
            raise ShapeError(
                f"{type(self).__name__}: expected at least two inputs, got {len(inputs)}"
            )
        return super().__call__(*inputs, **settings)

    def output_shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the output for inputs of these shapes, all without the batch.

        Raises ShapeError for shapes that do not go together.
        """
        raise NotImplementedError

    def summands(
        self, shapes: Sequence[tuple[int, ...]], unit: tuple[int, ...]
    ) -> list[tuple[int, tuple[int, ...]]]:
        """What adds up to the output at ``unit``: (number of the input, place in it) for each.

        ``shapes``: the inputs', without the batch.
        """
        raise NotImplementedError


@register
class Add(Join):
    """The sum of maps or vectors of one shape, as where a shortcut meets its branch."""

    words = short = "sum"

    def output_shape(self, *inputs):
        if len(set(inputs)) != 1:
            raise ShapeError(f"Add: expected inputs of one shape, got {_listed_shapes(inputs)}")
        return inputs[0]

    def summands(self, shapes, unit):
        return [(number, unit) for number in range(len(shapes))]

    def forward(self, *inputs: Tensor) -> Tensor:
        total = inputs[0]
        for x in inputs[1:]:
            if x.shape != total.shape:
                raise ShapeError(f"Add: expected a shape {total.shape}, got {x.shape}")
            total = total + x
        return total


@register
class Concat(Join):
    """Maps of one size, concatenated along the channels."""

    words, short = "concatenation", "concat"

    def output_shape(self, *inputs):
        if len({shape[1:] for shape in inputs}) != 1:
            raise ShapeError(
                f"Concat: expected inputs that differ in channels alone,"
                f" got {_listed_shapes(inputs)}"
            )
        return (sum(shape[0] for shape in inputs), *inputs[0][1:])

    def summands(self, shapes, unit):
        channel, *at = unit
        for number, shape in enumerate(shapes):
            if channel < shape[0]:
                return [(number, (channel, *at))]
            channel -= shape[0]
        return []

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.cat(inputs, 1)


def _listed_shapes(inputs: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(str(tuple(shape)) for shape in inputs)
