"""Where branches meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from convlab import functional as F
from convlab.errors import ShapeError, SpecError
from convlab.nn.families import Family
from convlab.nn.module import Module, register
from convlab.tensors import Tensor


class Join(Module):
    """A layer that makes one output of several inputs.  Raises ShapeError for a single one."""

    family = Family.JOIN
    product = False  # whether ``summands`` are multiplied instead of added up

    def pytorch_arguments(self):
        return {}  # PyTorch joins tensors without a layer

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
class Mul(Join):
    """The product of maps of one size, or of maps with one number for each, (channels, 1, 1).

    The latter is the gate of squeeze and excitation (Hu, Shen & Sun 2018, equation 4).
    """

    words = short = "product"
    product = True

    def output_shape(self, *inputs):
        largest = max(inputs, key=math.prod)
        gate = (largest[0], *(1 for _ in largest[1:]))
        if any(shape not in (largest, gate) for shape in inputs):
            raise ShapeError(
                f"Mul: expected inputs of one shape, or of one number for each channel, got"
                f" {_listed_shapes(inputs)}"
            )
        return largest

    def multiply_adds(self, shape):
        return math.prod(shape)

    def summands(self, shapes, unit):
        return [
            (number, tuple(0 if size == 1 else i for i, size in zip(unit, shape, strict=True)))
            for number, shape in enumerate(shapes)
        ]

    def forward(self, *inputs: Tensor) -> Tensor:
        self.output_shape(*(x.shape[1:] for x in inputs))
        total = inputs[0]
        for x in inputs[1:]:
            total = total * x
        return total


class _OfTwo(Join):
    """A join of two inputs of one shape, whose order counts."""

    def output_shape(self, *inputs):
        if len(inputs) != 2 or len(set(inputs)) != 1:
            raise ShapeError(
                f"{type(self).__name__}: expected two inputs of one shape, got"
                f" {_listed_shapes(inputs)}"
            )
        return inputs[0]

    def summands(self, shapes, unit):
        raise SpecError(f"expected a sum or a product of branches, got a {self.words}")

    def forward(self, *inputs: Tensor) -> Tensor:
        self.output_shape(*(x.shape for x in inputs))
        return self._of(*inputs)

    def _of(self, first: Tensor, second: Tensor) -> Tensor:
        raise NotImplementedError


@register
class Sub(_OfTwo):
    """The first input minus the second."""

    words = short = "difference"

    def _of(self, first, second):
        return first - second


@register
class Div(_OfTwo):
    """The first input divided by the second."""

    words = short = "quotient"

    def _of(self, first, second):
        return first / second


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
