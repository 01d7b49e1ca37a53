"""Gradient descent on a loss of two weights, so that all of it can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab import Tensor
from convlab import functional as F
from convlab.errors import DataError, ShapeError
from convlab.nn import Parameter
from convlab.optim import SGD
from convlab.shapes import size_text

GROWN = 1e6  # times the first loss: enough of a descent that diverges


@dataclass(frozen=True, eq=False)
class Descent:
    """Steps of gradient descent: ``weights`` (steps + 1, 2) and ``losses`` (steps + 1,).

    Fewer steps where the loss grew beyond all bounds.
    """

    rate: float
    momentum: float
    weights: NDArray
    losses: NDArray

    @property
    def steps(self) -> int:
        return len(self.losses) - 1


@dataclass(frozen=True, eq=False)
class TwoWeightFit:
    """A kernel of 1 × 2 weights that is to make ``target`` (n − 1,) of ``signal`` (n,).

    The loss J is the mean of (output − target)².
    """

    signal: NDArray
    target: NDArray

    def losses(self, weights: NDArray) -> NDArray:
        """J for each of ``weights`` (any, 2): one forward pass, a filter for each."""
        outputs = F.conv2d(self._input, Tensor(weights.reshape(-1, 1, 1, 2).astype(float)))
        return ((outputs - Tensor(self.target)) ** 2).mean(3).numpy().reshape(-1)

    def gradient(self, weights: NDArray) -> NDArray:
        """The gradient of J (2,) at ``weights`` (2,), by automatic differentiation."""
        kernel = Parameter(np.array(weights, float).reshape(1, 1, 1, 2))
        self._loss(kernel).backward()
        assert kernel.grad is not None, "it is what backward computes"
        return kernel.grad.reshape(2)

    def curvature(self) -> NDArray:
        """The second derivatives of J (2, 2): what a step of 1 changes in the gradient.

        They are the same everywhere, since the outputs are linear in the weights.
        """
        here = self.gradient(np.zeros(2))
        return np.stack([self.gradient(step) - here for step in np.eye(2)])

    def descend(self, start: NDArray, rate: float, momentum: float, steps: int) -> Descent:
        """Steps of ``optim.SGD`` from ``start`` (2,)."""
        kernel = Parameter(np.array(start, float).reshape(1, 1, 1, 2))
        optimiser = SGD([kernel], rate, momentum)
        weights, losses = [], []
        for step in range(steps + 1):
            loss = self._loss(kernel)
            weights.append(kernel.numpy().reshape(2).copy())
            losses.append(float(loss.numpy()))
            if step == steps or not losses[-1] <= GROWN * max(losses[0], 1.0):
                break
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return Descent(rate, momentum, np.array(weights), np.array(losses))

    @property
    def _input(self) -> Tensor:
        return Tensor(self.signal[None, None, None])

    def _loss(self, kernel: Tensor) -> Tensor:
        return ((F.conv2d(self._input, kernel) - Tensor(self.target)) ** 2).mean()


def two_weight_fit(row: NDArray, kernel: tuple[float, float]) -> TwoWeightFit:
    """The fit to what ``kernel`` makes of a row of pixels, standardised to mean 0, deviation 1.

    Raises ShapeError for fewer than 3 pixels, DataError for equal ones.
    """
    row = np.asarray(row, float)
    if row.ndim != 1 or len(row) < 3:
        raise ShapeError(
            f"descent: expected a row of at least 3 pixels, got {size_text(*row.shape)}"
        )
    deviation = row.std()
    if not deviation:
        raise DataError("descent: expected a row of different pixels, got one value everywhere")
    signal = (row - row.mean()) / deviation
    weights = Tensor(np.array(kernel, float).reshape(1, 1, 1, 2))
    target = F.conv2d(Tensor(signal[None, None, None]), weights).numpy().reshape(-1)
    return TwoWeightFit(signal, target)
