"""Optimiser updates: each parameter array changed in place.

Arrays of one shape, whichever it is, in C order: the parameter, its gradient and
the optimiser's state for it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda as numba_cuda

from convlab.kernels import cuda
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


@cuda.kernel
def sgd_kernel(parameter, gradient, velocity, rate, momentum, weight_decay, nesterov, count):
    # All parameters are in one run of memory, so one launch changes them all.
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        at = parameter.start + i
        g = gradient.numbers[gradient.start + i] + weight_decay * parameter.numbers[at]
        v = momentum * velocity.numbers[velocity.start + i] + g
        velocity.numbers[velocity.start + i] = v
        parameter.numbers[at] -= rate * (g + momentum * v if nesterov else v)


def _sgd_cuda(parameter, gradient, velocity, rate, momentum, weight_decay, nesterov):
    kind = parameter.dtype.type
    gradient = cuda.contiguous(gradient)
    arrays = parameter.run, gradient.run, velocity.run
    numbers = kind(rate), kind(momentum), kind(weight_decay)
    sgd_kernel.each(parameter.size, *arrays, *numbers, nesterov, parameter.size)


sgd = Kernel("update.sgd", _sgd_reference, _sgd_cpu, _sgd_cuda)

# --- Adam (Kingma & Ba 2015, algorithm 1) -----------------------------------------------


def _adam_reference(parameter, gradient, mean, square, rate, betas, eps, weight_decay, step):
    for i in np.ndindex(parameter.shape):
        g = gradient[i] + weight_decay * parameter[i]
        mean[i] = betas[0] * mean[i] + (1 - betas[0]) * g
        square[i] = betas[1] * square[i] + (1 - betas[1]) * g * g
        unbiased_mean = mean[i] / (1 - betas[0] ** step)
        unbiased_square = square[i] / (1 - betas[1] ** step)
        parameter[i] -= rate * unbiased_mean / (math.sqrt(unbiased_square) + eps)


class _Step(NamedTuple):
    """One step's numbers, in the kind of the parameters; ``rest_1`` is 1 - beta_1."""

    rate: Any
    rest_1: Any
    beta_2: Any
    rest_2: Any
    eps: Any
    weight_decay: Any
    root_scale: Any


@loop(parallel=False)
def _adam_loop(parameter, gradient, mean, square, step):
    rate, rest_1, beta_2, rest_2, eps, weight_decay, root_scale = step
    for i in range(np.uintp(parameter.size)):
        g = gradient[i] + weight_decay * parameter[i]
        mean[i] += (g - mean[i]) * rest_1
        square[i] = beta_2 * square[i] + rest_2 * g * g
        parameter[i] -= rate * mean[i] / (math.sqrt(square[i]) * root_scale + eps)


@cuda.kernel
def adam_kernel(parameter, gradient, mean, square, numbers, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        at = parameter.start + i
        g = gradient.numbers[gradient.start + i] + numbers.weight_decay * parameter.numbers[at]
        m = mean.numbers[mean.start + i]
        m += (g - m) * numbers.rest_1
        v = numbers.beta_2 * square.numbers[square.start + i] + numbers.rest_2 * g * g
        mean.numbers[mean.start + i] = m
        square.numbers[square.start + i] = v
        parameter.numbers[at] -= (
            numbers.rate * m / (math.sqrt(v) * numbers.root_scale + numbers.eps)
        )


def _adam_numbers(kind, rate, betas, eps, weight_decay, step):
    # Both corrections for the bias towards zero are the same for all parameters.
    rate = rate / (1 - betas[0] ** step)
    root_scale = 1 / math.sqrt(1 - betas[1] ** step)
    # 1 - 0.999 computed in float32 would be off by 5 in 100,000.
    rests = 1 - betas[0], betas[1], 1 - betas[1]
    return _Step(*map(kind, (rate, *rests, eps, weight_decay, root_scale)))


def _adam_cpu(parameter, gradient, mean, square, rate, betas, eps, weight_decay, step):
    arrays = (a.reshape(-1) for a in (parameter, gradient, mean, square))
    _adam_loop(*arrays, _adam_numbers(parameter.dtype.type, rate, betas, eps, weight_decay, step))


def _adam_cuda(parameter, gradient, mean, square, rate, betas, eps, weight_decay, step):
    numbers = _adam_numbers(parameter.dtype.type, rate, betas, eps, weight_decay, step)
    gradient = cuda.contiguous(gradient)
    arrays = parameter.run, gradient.run, mean.run, square.run
    adam_kernel.each(parameter.size, *arrays, numbers, parameter.size)


adam = Kernel("update.adam", _adam_reference, _adam_cpu, _adam_cuda)

# --- RMSprop (Tieleman & Hinton 2012, lecture 6.5, in the form that PyTorch uses) ---------
# square and mean are running means of g * g and g; mean is only used if ``centred``.


def _rmsprop_reference(
    parameter, gradient, square, mean, velocity, rate, alpha, eps, weight_decay, momentum, centred
):
    for i in np.ndindex(parameter.shape):
        g = gradient[i] + weight_decay * parameter[i]
        square[i] = alpha * square[i] + (1 - alpha) * g * g
        spread = square[i]
        if centred:
            mean[i] = alpha * mean[i] + (1 - alpha) * g
            spread = square[i] - mean[i] ** 2
        velocity[i] = momentum * velocity[i] + g / (math.sqrt(spread) + eps)
        parameter[i] -= rate * velocity[i]


class _Spread(NamedTuple):
    """RMSprop's numbers, in the kind of the parameters; ``rest`` is 1 - alpha."""

    rate: Any
    alpha: Any
    rest: Any
    eps: Any
    weight_decay: Any
    momentum: Any


@loop(parallel=False)
def _rmsprop_loop(parameter, gradient, square, mean, velocity, numbers, centred):
    rate, alpha, rest, eps, weight_decay, momentum = numbers
    for i in range(np.uintp(parameter.size)):
        g = gradient[i] + weight_decay * parameter[i]
        square[i] = alpha * square[i] + rest * g * g
        spread = square[i]
        if centred:
            mean[i] += (g - mean[i]) * rest
            spread -= mean[i] * mean[i]
        velocity[i] = momentum * velocity[i] + g / (math.sqrt(spread) + eps)
        parameter[i] -= rate * velocity[i]


@cuda.kernel
def rmsprop_kernel(parameter, gradient, square, mean, velocity, numbers, centred, count):
    for i in range(numba_cuda.grid(1), count, numba_cuda.gridsize(1)):
        at = parameter.start + i
        g = gradient.numbers[gradient.start + i] + numbers.weight_decay * parameter.numbers[at]
        spread = numbers.alpha * square.numbers[square.start + i] + numbers.rest * g * g
        square.numbers[square.start + i] = spread
        if centred:
            m = mean.numbers[mean.start + i]
            m += (g - m) * numbers.rest
            mean.numbers[mean.start + i] = m
            spread -= m * m
        v = numbers.momentum * velocity.numbers[velocity.start + i]
        v += g / (math.sqrt(spread) + numbers.eps)
        velocity.numbers[velocity.start + i] = v
        parameter.numbers[at] -= numbers.rate * v


def _spread_numbers(parameter, rate, alpha, *others):
    return _Spread(*map(parameter.dtype.type, (rate, alpha, 1 - alpha, *others)))


def _rmsprop_cpu(parameter, gradient, square, mean, velocity, *settings):
    *numbers, centred = settings
    arrays = (a.reshape(-1) for a in (parameter, gradient, square, mean, velocity))
    _rmsprop_loop(*arrays, _spread_numbers(parameter, *numbers), centred)


def _rmsprop_cuda(parameter, gradient, square, mean, velocity, *settings):
    *numbers, centred = settings
    gradient = cuda.contiguous(gradient)
    arrays = (a.run for a in (parameter, gradient, square, mean, velocity))
    numbers = _spread_numbers(parameter, *numbers)
    rmsprop_kernel.each(parameter.size, *arrays, numbers, centred, parameter.size)


rmsprop = Kernel("update.rmsprop", _rmsprop_reference, _rmsprop_cpu, _rmsprop_cuda)
