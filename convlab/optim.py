"""Optimisers, and how their rate changes during training."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np

from convlab.checks import check_calls, checked, instance, number, one_of, whole
from convlab.errors import DTypeError, ShapeError, SpecError
from convlab.kernels import memory, update
from convlab.kernels.dispatch import device_of, to_device
from convlab.nn import Parameter
from convlab.tensors import Tensor


class Optimizer:
    """Changes parameters along their gradients.

    ``rate`` may be set between steps.  ``state()`` has one list of arrays for each remembered
    quantity, and ``steps`` how often each was updated, in the order of the parameters.

    All parameters are moved into one run of memory, of which each one's ``data`` is a part: a step
    is then one loop over all of them.
    """

    def __init__(self, parameters: Iterable[Parameter], rate: float, weight_decay: float):
        self.parameters = list(dict.fromkeys(parameters))
        for parameter in self.parameters:
            instance(parameter, "optimiser", Tensor, "parameters")
        if not self.parameters:
            raise SpecError("optimiser: expected at least one parameter, got none")
        for name, value in (("rate", rate), ("weight_decay", weight_decay)):
            number(value, "optimiser", 0, wanted=f"a finite {name} of at least 0")
        kinds = sorted({str(parameter.dtype) for parameter in self.parameters})
        if len(kinds) > 1:
            raise DTypeError(
                f"optimiser: expected parameters of one dtype, got {' and '.join(kinds)}"
            )
        self.rate = rate
        self.weight_decay = weight_decay
        self.steps = [0] * len(self.parameters)
        ends = np.cumsum([parameter.size for parameter in self.parameters]).tolist()
        self._places = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        self._gather()

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.zero_grad()

    def step(self) -> None:
        """Change every parameter that has a gradient, in place.

        Raises ShapeError for a gradient whose shape is not its parameter's.
        """
        gradients: list[Any] = [parameter.grad for parameter in self.parameters]
        for k, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            if gradient is not None:
                shape = getattr(gradient, "shape", type(gradient).__name__)
                if shape != parameter.shape:
                    raise ShapeError(
                        f"optimiser: expected a gradient of shape {parameter.shape}, got {shape}"
                    )
                gradients[k] = gradient.reshape(-1)
                self.steps[k] += 1
        if any(p.data is not part for p, part in zip(self.parameters, self._parts, strict=True)):
            self._gather()  # a parameter has been given other numbers

        def steps_of(k):
            return gradients[k] is not None and self.steps[k]

        # Neighbours that were updated equally often are updated in one loop: usually, all.
        for steps, group in groupby(range(len(gradients)), steps_of):
            if steps:
                run = list(group)
                place = slice(self._places[run[0]].start, self._places[run[-1]].stop)
                self._update(place, self._together([gradients[k] for k in run]), steps)

    def state(self) -> dict[str, list[np.ndarray]]:
        """What is remembered between steps, by name."""
        raise NotImplementedError

    def _update(self, place: slice, gradient: np.ndarray, steps: int) -> None:
        """Update what is at ``place`` in all parameters' numbers, for the ``steps``-th time."""
        raise NotImplementedError

    def _together(self, gradients: list[np.ndarray]) -> np.ndarray:
        """Gradients as one run of numbers, in memory that is reused."""
        if len(gradients) == 1 or device_of(gradients[0]) != "cpu":
            return np.concatenate(gradients)
        out = memory.empty((sum(map(len, gradients)),), self._all.dtype)
        return np.concatenate(gradients, out=out)

    def _gather(self) -> None:
        self._all = np.concatenate([parameter.data.reshape(-1) for parameter in self.parameters])
        self._parts = self._shaped(self._all)
        for parameter, part in zip(self.parameters, self._parts, strict=True):
            parameter.data = part

    def _shaped(self, numbers: np.ndarray) -> list[np.ndarray]:
        """One run of numbers as views of the parameters' shapes."""
        return [
            numbers[place].reshape(parameter.shape)
            for place, parameter in zip(self._places, self.parameters, strict=True)
        ]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, Nesterov's form of it, and weight decay.

    velocity = momentum * velocity + gradient; parameter -= lr * velocity
    (Sutskever, Martens, Dahl & Hinton 2013, in PyTorch's form).
    Raises SpecError for a negative setting.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ):
        super().__init__(params, lr, weight_decay)
        number(momentum, "SGD", 0, 1, "a momentum between 0 and 1")
        if nesterov and momentum == 0:
            raise SpecError("SGD: expected a momentum above 0 for Nesterov's form, got 0")
        self.momentum = momentum
        self.nesterov = nesterov
        self._velocity = np.zeros_like(self._all)

    def state(self) -> dict[str, list[np.ndarray]]:
        return {"velocity": self._shaped(self._velocity)}

    def _update(self, place, gradient, steps):
        update.sgd(
            self._all[place],
            gradient,
            self._velocity[place],
            self.rate,
            self.momentum,
            self.weight_decay,
            self.nesterov,
        )


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1); weight decay is added to the gradient.

    Raises SpecError for a negative setting or betas outside 0 to 1.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(params, lr, weight_decay)
        if not all(0 <= beta < 1 for beta in betas) or len(betas) != 2:
            raise SpecError(f"Adam: expected betas between 0 and 1, got {betas}")
        number(eps, "Adam", 0, wanted="a finite eps of at least 0")
        self.betas = betas
        self.eps = eps
        self._mean, self._square = np.zeros_like(self._all), np.zeros_like(self._all)

    def state(self) -> dict[str, list[np.ndarray]]:
        return {"mean": self._shaped(self._mean), "square": self._shaped(self._square)}

    def _update(self, place, gradient, steps):
        update.adam(
            self._all[place],
            gradient,
            self._mean[place],
            self._square[place],
            self.rate,
            self.betas,
            self.eps,
            self.weight_decay,
            steps,
        )


class AdamW(Adam):
    """Adam whose weight decay is not part of the gradient (Loshchilov & Hutter 2019).

    parameter -= lr * weight_decay * parameter, then Adam's step.  Raises the same errors.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(params, lr, betas, eps)
        self.decay = number(weight_decay, "AdamW", 0, wanted="a finite weight_decay of at least 0")

    def _update(self, place, gradient, steps):
        parameters = self._all[place]
        parameters *= 1 - self.rate * self.decay
        super()._update(place, gradient, steps)


class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    With ``centered`` of their variance.  Source: Tieleman & Hinton 2012, lecture 6.5.
    Raises SpecError for a negative setting, and an alpha or a momentum outside 0 to 1.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ):
        super().__init__(params, lr, weight_decay)
        self.alpha = number(alpha, "RMSprop", 0, 1, "an alpha between 0 and 1")
        self.eps = number(eps, "RMSprop", 0, wanted="a finite eps of at least 0")
        self.momentum = number(momentum, "RMSprop", 0, 1, "a momentum between 0 and 1")
        self.centered = centered
        self._square, self._mean, self._velocity = (np.zeros_like(self._all) for _ in range(3))

    def state(self) -> dict[str, list[np.ndarray]]:
        kept = {"square": self._square}
        kept |= {"velocity": self._velocity} if self.momentum else {}
        kept |= {"mean": self._mean} if self.centered else {}
        return {name: self._shaped(numbers) for name, numbers in kept.items()}

    def _update(self, place, gradient, steps):
        update.rmsprop(
            self._all[place],
            gradient,
            self._square[place],
            self._mean[place],
            self._velocity[place],
            self.rate,
            self.alpha,
            self.eps,
            self.weight_decay,
            self.momentum,
            self.centered,
        )


@checked
def clip_grad_norm_(
    parameters: Iterable[Parameter], max_norm: float, norm_type: float = 2.0
) -> float:
    """Scale all gradients, in place, so that their norm together is at most ``max_norm``.

    Returns the norm before, over all numbers of all gradients: their absolute values to the power
    ``norm_type``, or the largest for infinity.
    Source: Pascanu, Mikolov & Bengio 2013, algorithm 1.
    Raises SpecError for a max_norm below 0 and a norm_type that is not above 0.
    """
    number(max_norm, "clip_grad_norm_", 0, wanted="a finite max_norm of at least 0")
    if not norm_type > 0:
        raise SpecError(f"clip_grad_norm_: expected a norm_type above 0, got {norm_type}")
    gradients = [p.grad for p in dict.fromkeys(parameters) if p.grad is not None]
    sizes = [np.abs(to_device(gradient, "cpu").astype(float)) for gradient in gradients]
    if norm_type == math.inf:
        norm = max((float(size.max(initial=0)) for size in sizes), default=0.0)
    else:
        norm = float(sum((size**norm_type).sum() for size in sizes) ** (1 / norm_type))
    share = max_norm / (norm + 1e-6)
    if share < 1:
        for gradient in gradients:
            gradient *= share
    return norm


# --- rates during training: functions of the step, so that nothing has to be remembered ---

SCHEDULES = ("constant", "step", "cosine", "one-cycle")


def scheduled_rate(schedule: str, peak: float, step: int, total: int) -> float:
    """The learning rate at ``step`` of ``total`` steps, whose largest value is ``peak``.

    ``constant``; ``step``: a tenth after each third of the training; ``cosine``:
    half a cosine from the peak to 0 (Loshchilov & Hutter 2017, equation 5);
    ``one-cycle``: half a cosine up from peak / 25 over the first 30 %, then down
    to peak / 250,000 (Smith & Topin 2018, with PyTorch's constants).
    Raises SpecError for another name.
    """
    one_of(schedule, "schedule", SCHEDULES)
    number(peak, "peak")
    whole(step, "step", 0, sys.maxsize, SpecError)
    whole(total, "total", 1, sys.maxsize, SpecError)
    if schedule == "constant":
        return peak
    if schedule == "step":
        return peak * 0.1 ** min(2, 3 * step // max(1, total))
    if schedule == "cosine":
        return peak * _cosine(1.0, 0.0, step / max(1, total))
    turn = 0.3 * total - 1
    if step <= turn:
        return peak * _cosine(1 / 25, 1.0, step / turn)
    return peak * _cosine(1.0, 1 / 250_000, (step - turn) / max(1, total - 1 - turn))


def _cosine(start: float, end: float, share: float) -> float:
    """From ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, share))) / 2


check_calls(globals(), ["SGD", "Adam", "AdamW", "RMSprop"])
