"""Softmax, its logarithm, and cross-entropy with class labels.

Arrays: x: (K, ...), classes first, anything behind; labels: (N,) integers.
The largest logit is taken off first, so that logits of any size are safe:
exp never sees a positive number.
"""

from __future__ import annotations

import math

import numpy as np

from convlab.kernels.device import empty, loop
from convlab.kernels.dispatch import Kernel


def _log_softmax_reference(x):
    out = np.empty_like(x)
    for rest in np.ndindex(x.shape[1:]):
        logits = [float(v) for v in x[(slice(None), *rest)]]
        top = max(logits)
        log_sum = top + math.log(sum(math.exp(v - top) for v in logits))
        for k, logit in enumerate(logits):
            out[(k, *rest)] = logit - log_sum
    return out


def _log_softmax_cpu(x):
    out = x - x.max(axis=0)
    out -= np.log(np.exp(out).sum(axis=0))
    return out


def _softmax_reference(x):
    return np.exp(_log_softmax_reference(x))


def _softmax_cpu(x):
    out = np.exp(x - x.max(axis=0))
    out /= out.sum(axis=0)
    return out


def _cross_entropy_reference(x, labels):
    """Losses (N,) and the gradient of each loss by the logits: softmax - one-hot."""
    log_probabilities = _log_softmax_reference(x)
    loss = np.empty(len(labels), x.dtype)
    gradient = np.exp(log_probabilities)
    for n, label in enumerate(labels):
        loss[n] = -log_probabilities[label, n]
        gradient[label, n] -= 1
    return loss, gradient


@loop(parallel=False)
def _cross_entropy_loop(x, labels, loss, gradient):
    # x, gradient: (K, N) · labels, loss: (N,); one pass is cheaper than NumPy's eight
    # for the ten classes of most data sets
    classes, images = x.shape
    for n in range(images):
        top = x[0, n]
        for k in range(1, classes):
            top = x[k, n] if x[k, n] > top or x[k, n] != x[k, n] else top
        total = x.dtype.type(0)
        for k in range(classes):
            gradient[k, n] = math.exp(x[k, n] - top)
            total += gradient[k, n]
        label = labels[n]
        loss[n] = math.log(total) - (x[label, n] - top)
        for k in range(classes):
            gradient[k, n] /= total
        gradient[label, n] -= 1


def _cross_entropy_cpu(x, labels):
    loss, gradient = empty(labels.shape, x.dtype), empty(x.shape, x.dtype)
    _cross_entropy_loop(x, labels, loss, gradient)
    return loss, gradient


log_softmax = Kernel("softmax.log_softmax", _log_softmax_reference, _log_softmax_cpu)
softmax = Kernel("softmax.softmax", _softmax_reference, _softmax_cpu)
cross_entropy = Kernel("softmax.cross_entropy", _cross_entropy_reference, _cross_entropy_cpu)
