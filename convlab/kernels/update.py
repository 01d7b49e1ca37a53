"""Optimiser updates: each parameter array changed in place.

Arrays of one shape, any shape, in C order: the parameter, its gradient and what
the optimiser remembers of it.
"""

from __future__ import annotations

import math

import numpy as np

from convlab.kernels.device import loop
from convlab.kernels.dispatch import Kernel

# --- stochastic gradient descent ------------------------------------------------------
# g = gradient + weight_decay * parameter
# velocity = momentum * velocity + g
# parameter -= rate * (g + momentum * velocity   if nesterov else   velocity)
# (Sutskever, Martens, Dahl & Hinton 2013, in the form that PyTorch uses.)


def _sgd_reference(parameter, gradient, velocity, rate, momentum, weight_decay, nesterov):
    for i in np.ndindex(parameter.shape):
        g = gradient[i] + weight_decay * parameter[i]
        velocity[i] = momentum * velocity[i] + g
        parameter[i] -= rate * (g + momentum * velocity[i] if nesterov else velocity[i])


@loop(parallel=False)
def _sgd_loop(parameter, gradient, velocity, rate, momentum, weight_decay, nesterov):
    for i in range(np.uintp(parameter.size)):
        g = gradient[i] + weight_decay * parameter[i]
        v = momentum * velocity[i] + g
        velocity[i] = v
        parameter[i] -= rate * (g + momentum * v if nesterov else v)


def _sgd_cpu(parameter, gradient, velocity, rate, momentum, weight_decay, nesterov):
    kind = parameter.dtype.type
    arrays = (a.reshape(-1) for a in (parameter, gradient, velocity))
    _sgd_loop(*arrays, kind(rate), kind(momentum), kind(weight_decay), nesterov)


sgd = Kernel("update.sgd", _sgd_reference, _sgd_cpu)

# --- Adam (Kingma & Ba 2015, algorithm 1) -----------------------------------------------


def _adam_reference(parameter, gradient, mean, square, rate, betas, eps, weight_decay, step):
    for i in np.ndindex(parameter.shape):
        g = gradient[i] + weight_decay * parameter[i]
        mean[i] = betas[0] * mean[i] + (1 - betas[0]) * g
        square[i] = betas[1] * square[i] + (1 - betas[1]) * g * g
        unbiased_mean = mean[i] / (1 - betas[0] ** step)
        unbiased_square = square[i] / (1 - betas[1] ** step)
        parameter[i] -= rate * unbiased_mean / (math.sqrt(unbiased_square) + eps)


@loop(parallel=False)
def _adam_loop(
    parameter, gradient, mean, square, rate, rest_1, beta_2, rest_2, eps, weight_decay, root_scale
):
    for i in range(np.uintp(parameter.size)):
        g = gradient[i] + weight_decay * parameter[i]
        mean[i] += (g - mean[i]) * rest_1
        square[i] = beta_2 * square[i] + rest_2 * g * g
        parameter[i] -= rate * mean[i] / (math.sqrt(square[i]) * root_scale + eps)


def _adam_cpu(parameter, gradient, mean, square, rate, betas, eps, weight_decay, step):
    kind = parameter.dtype.type
    arrays = (a.reshape(-1) for a in (parameter, gradient, mean, square))
    # Both corrections of the bias towards zero are the same for all parameters.
    rate = rate / (1 - betas[0] ** step)
    root_scale = 1 / math.sqrt(1 - betas[1] ** step)
    # 1 - 0.999 taken in float32 would be off by 5 in 100,000.
    rests = 1 - betas[0], betas[1], 1 - betas[1]
    numbers = (rate, *rests, eps, weight_decay, root_scale)
    _adam_loop(*arrays, *(kind(number) for number in numbers))


adam = Kernel("update.adam", _adam_reference, _adam_cpu)
