"""Functions of one number, and softmax."""

from __future__ import annotations

from convlab import functional as F
from convlab.errors import SpecError
from convlab.nn.families import Family, Share
from convlab.nn.module import Module, register
from convlab.tensors import Tensor


class Activation(Module):
    """A function of each number by itself, given by ``formula`` in terms of x.

    A page evaluates it: numbers, x, + − / and brackets, factors side by side or with ·, and exp,
    log, sqrt, tanh, abs, max and min.
    """

    family = Family.ACTIVATION


@register
class ReLU(Activation):
    """max(x, 0)."""

    words, short = "ReLU", "ReLU"
    formula = "max(x, 0)"
    sign = "positive"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


@register
class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    words, short = "sigmoid", "sigmoid"
    formula = "1 / (1 + exp(−x))"
    sign = "positive"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


@register
class Tanh(Activation):
    """Hyperbolic tangent."""

    words, short = "tanh", "tanh"
    formula = "tanh(x)"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


@register
class ScaledTanh(Activation):
    """1.7159 tanh(2 x / 3) of LeNet-5 as published."""

    words, short = "scaled tanh", "tanh"
    formula = "1.7159 tanh(2x / 3)"

    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_tanh(x)


@register
class Softmax(Module):
    """Probabilities along ``dim``."""

    family = Family.SOFTMAX
    words = short = "softmax"
    sign = "positive"
    pytorch = ("dim",)

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def axis(self, axes: int) -> int:
        """The axis whose probabilities add up to 1, in an output of ``axes`` without the batch.

        Raises SpecError for a softmax over the batch.
        """
        if self.dim in (0, -axes - 1):
            raise SpecError("expected a softmax of one image, got one over the batch")
        return self.dim - 1 if self.dim > 0 else self.dim + axes

    def reads(self, shape, unit):
        return Share(self.axis(len(shape)))

    def field_of(self, field, shape):
        # Across the channels a unit sees only its own place; along another axis it sees all places.
        return field if len(shape) == 3 and self.dim in (1, -3) else None

    def forward(self, x: Tensor) -> Tensor:
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
