"""Functions of one number, and softmax."""

from __future__ import annotations

import numpy as np

from convlab import functional as F
from convlab.checks import number, one_of, whole
from convlab.errors import ShapeError, SpecError
from convlab.nn.families import Family, Share
from convlab.nn.formulas import added, decimal
from convlab.nn.module import Module, Parameter, register
from convlab.tensors import Tensor


class Activation(Module):
    """A function of each number by itself, given by ``formula`` in terms of x.

    A page evaluates it: numbers, x, + − / and brackets, factors side by side or with ·, and exp,
    log, sqrt, tanh, erf, abs, max and min.
    """

    family = Family.ACTIVATION
    functions = 1  # one for all channels, or as many as there are channels

    def of_numbers(self, x: np.ndarray) -> np.ndarray:
        """What each of its functions makes of numbers (count,): (count, functions)."""
        return self(Tensor(np.repeat(x[:, np.newaxis], self.functions, 1))).numpy()


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


@register
class LeakyReLU(Activation):
    """x, and ``negative_slope`` times x below 0 (Maas, Hannun & Ng 2013)."""

    words, short = "leaky ReLU", "leaky ReLU"
    steady = True
    pytorch = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01):
        super().__init__()
        self.negative_slope = number(negative_slope, "LeakyReLU: negative_slope")
        self.formula = _bent(self.negative_slope)

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)


@register
class PReLU(Activation):
    """x, and below 0 x times a weight that is learned: one for all, or one for each channel.

    weight: (num_parameters,), ``init`` at first.  Source: He et al. 2015.
    """

    words = short = "PReLU"
    formula = "max(x, 0) + weight · min(x, 0)"
    steady = True
    pytorch = ("num_parameters", "init")

    def __init__(self, num_parameters: int = 1, init: float = 0.25):
        super().__init__()
        self.functions = self.num_parameters = whole(num_parameters, "PReLU: num_parameters")
        self.init = number(init, "PReLU: init")
        self.weight = Parameter(np.full(num_parameters, init, np.float32))

    def formula_of(self, channel):
        return _bent(self.weight.numpy()[channel if self.num_parameters > 1 else 0])

    def output_shape(self, shape):
        if self.num_parameters not in (1, shape[0]):
            raise ShapeError(
                f"PReLU: expected {self.num_parameters} channels, as many as weights, got"
                f" {shape[0]}"
            )
        return shape

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


def _bent(slope: np.floating | float) -> str:
    """The formula of a line that is bent at 0."""
    return f"max(x, 0) {added(slope)} · min(x, 0)"


@register
class ELU(Activation):
    """x, and alpha (exp(x) - 1) below 0 (Clevert, Unterthiner & Hochreiter 2016)."""

    words = short = "ELU"
    steady = True
    pytorch = ("alpha",)

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self.alpha = number(alpha, "ELU: alpha")
        self.formula = f"max(x, 0) {added(self.alpha)} · (exp(min(x, 0)) − 1)"

    def forward(self, x: Tensor) -> Tensor:
        return F.elu(x, self.alpha)


@register
class SELU(Activation):
    """``ELU``, scaled so that a mean of 0 and a variance of 1 stay (Klambauer et al. 2017)."""

    words = short = "SELU"
    formula = "1.0507009874 max(x, 0) + 1.7580993408 (exp(min(x, 0)) − 1)"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.selu(x)


@register
class GELU(Activation):
    """x times the share of a standard normal distribution below it (Hendrycks & Gimpel 2016).

    ``approximate``: none, or tanh, which takes that instead of the error function.
    """

    words = short = "GELU"
    steady = True
    pytorch = ("approximate",)
    _formulas = {
        "none": "0.5x (1 + erf(x / sqrt(2)))",
        "tanh": "0.5x (1 + tanh(sqrt(0.6366197724) (x + 0.044715 x x x)))",
    }

    def __init__(self, approximate: str = "none"):
        super().__init__()
        self.approximate = one_of(approximate, "GELU: approximate", self._formulas)
        self.formula = self._formulas[approximate]

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x, self.approximate)


@register
class SiLU(Activation):
    """x times its sigmoid, also called swish (Elfwing, Uchibe & Doya 2018)."""

    words = short = "SiLU"
    formula = "x / (1 + exp(−x))"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x)


@register
class ReLU6(Activation):
    """min(max(x, 0), 6) (Howard et al. 2017)."""

    words = short = "ReLU6"
    formula = "min(max(x, 0), 6)"
    sign = "positive"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x)


@register
class Hardtanh(Activation):
    """x, and ``min_val`` below it and ``max_val`` above it; None for no such limit."""

    words = short = "limits"
    steady = True
    pytorch = ("min_val", "max_val")

    def __init__(self, min_val: float | None = -1.0, max_val: float | None = 1.0):
        super().__init__()
        low = None if min_val is None else number(min_val, "Hardtanh: min_val")
        high = None if max_val is None else number(max_val, "Hardtanh: max_val")
        formula = "x" if low is None else f"max(x, {decimal(low)})"
        self.formula = formula if high is None else f"min({formula}, {decimal(high)})"
        self.min_val, self.max_val = low, high

    @property
    def sign(self) -> str:  # type: ignore[override]
        low, high = self.min_val, self.max_val
        return "kept" if (high is None or high >= 0) and (low is None or low >= 0) else ""

    def forward(self, x: Tensor) -> Tensor:
        if self.min_val is not None:
            x = F.relu(x - self.min_val) + self.min_val
        return x if self.max_val is None else self.max_val - F.relu(self.max_val - x)

    def pytorch_arguments(self):
        if self.min_val is None or self.max_val is None or self.min_val >= self.max_val:
            raise SpecError(
                f"expected two limits, the first below the second, as PyTorch has them, got"
                f" {self.extra_repr()}"
            )
        return super().pytorch_arguments()

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


@register
class Rescale(Activation):
    """x times ``scale`` plus ``shift``, the same two numbers for all."""

    words = short = "scaling"

    def __init__(self, scale: float = 1.0, shift: float = 0.0):
        super().__init__()
        self.scale = number(scale, "Rescale: scale")
        self.shift = number(shift, "Rescale: shift")
        self.formula = f"{decimal(self.scale)} · x {added(self.shift)}"

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.scale == 1 else x * self.scale
        return x if self.shift == 0 else x + self.shift

    def extra_repr(self) -> str:
        return f"scale={self.scale}, shift={self.shift}"


@register
class Hardsigmoid(Activation):
    """x / 6 + 1/2, cut off at 0 and at 1 (Howard et al. 2019)."""

    words = short = "hard sigmoid"
    formula = "min(max(x / 6 + 0.5, 0), 1)"
    sign = "positive"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.hardsigmoid(x)


@register
class Hardswish(Activation):
    """x times its hard sigmoid (Howard et al. 2019)."""

    words = short = "hard swish"
    formula = "x · min(max(x / 6 + 0.5, 0), 1)"
    steady = True
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return F.hardswish(x)


@register
class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, and x itself where beta x is above ``threshold``.

    Source: Dugas et al. 2001.
    """

    words = short = "softplus"
    steady = True
    pytorch = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        self.beta, self.threshold = number(beta, "Softplus: beta"), number(threshold, "threshold")
        if not beta:
            raise SpecError("Softplus: expected a beta that is not 0, got 0")
        # Above a threshold as large as this, float32 has the same numbers.
        times = "" if self.beta == 1 else f"{decimal(self.beta)} · "
        self.formula = f"(max({times}x, 0) + log(1 + exp(−abs({times}x)))) / {decimal(self.beta)}"
        if threshold < 17:
            self.formula += f", or x where {times}x is above {decimal(self.threshold)}"

    @property
    def sign(self) -> str:  # type: ignore[override]
        return "positive" if self.beta > 0 else ""

    def forward(self, x: Tensor) -> Tensor:
        return F.softplus(x, self.beta, self.threshold)


@register
class Identity(Activation):
    """x itself: what stands in for a layer that is left out."""

    words = short = "identity"
    formula = "x"
    sign = "kept"
    pytorch = ()

    def forward(self, x: Tensor) -> Tensor:
        return x
