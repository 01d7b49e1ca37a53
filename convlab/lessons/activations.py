"""Activation functions over a range of numbers: the engine's own outputs and gradients."""

from __future__ import annotations

import numpy as np

from convlab import functional
from convlab.errors import SpecError
from convlab.names import meant
from convlab.numerals import number
from convlab.tensors import Tensor
from convlab.viz import ActivationCurve
from convlab.words import t

ACTIVATIONS = {
    "relu": ("ReLU", "max(x, 0)", functional.relu),
    "sigmoid": ("sigmoid", "1 / (1 + exp(−x))", functional.sigmoid),
    "tanh": ("tanh", t("hyperbolic tangent"), functional.tanh),
    "scaled-tanh": (t("scaled tanh"), "1.7159 tanh(2x / 3)", functional.scaled_tanh),
}


def activation_curve(name: str, reach: float, count: int = 401) -> ActivationCurve:
    """A function of ACTIVATIONS at ``count`` numbers from -reach to reach.

    The gradients are those that its backward pass gives for an output gradient of 1.
    Raises SpecError for another name, a reach that is not above 0, fewer than 3 numbers, or an even
    count, which would not include 0.
    """
    if name not in ACTIVATIONS:
        raise SpecError(
            f"expected one of {', '.join(ACTIVATIONS)}, got {name!r}{meant(name, ACTIVATIONS)}"
        )
    if not 0 < reach < np.inf:
        raise SpecError(f"expected a reach above 0, got {reach}")
    if count < 3 or count % 2 == 0:
        raise SpecError(f"expected an odd count of numbers from 3 on, got {count}")
    title, formula, function = ACTIVATIONS[name]
    x = Tensor(np.linspace(-reach, reach, count, dtype=np.float32), requires_grad=True)
    y = function(x)
    y.backward(np.ones(count, np.float32))
    assert x.grad is not None, "it is what backward computes"
    notes = (
        t("at most {number}", number(float(x.grad.max()))),
        t("{number} at {number2}", number(float(x.grad[-1])), number(reach)),
    )
    return ActivationCurve(title, formula, x.numpy(), y.numpy(), x.grad, notes)
