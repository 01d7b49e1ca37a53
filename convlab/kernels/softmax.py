"""Softmax, its logarithm, and cross-entropy with class labels.

Arrays: x: (K, ...), classes first, then anything; labels: (N,) integers.  The
largest logit is subtracted first, so that logits of any size are safe: exp never
sees a positive number.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda as numba_cuda

from convlab.kernels import cuda, memory
from convlab.kernels.device import loop
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


def _sum_of_classes(x):
    # One class after another.  NumPy's own order depends on the memory layout of the array, so the
    # last bit of an answer would depend on the number of images beside it.
    total = x[0].copy()
    for part in x[1:]:
        total += part
    return total


def _log_softmax_cpu(x):
    out = x - x.max(axis=0)
    out -= np.log(_sum_of_classes(np.exp(out)))
    return out


def _softmax_reference(x):
    return np.exp(_log_softmax_reference(x))


def _softmax_cpu(x):
    out = np.exp(x - x.max(axis=0))
    out /= _sum_of_classes(out)
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
    if x.shape[1] == 1:
        # The logits of one image may be neighbours in memory, which the compiled loop then sums by
        # whole vectors, or not: the last bit would depend on that.  One of two images never is.
        loss, gradient = _cross_entropy_cpu(np.repeat(x, 2, axis=1), np.repeat(labels, 2))
        return loss[:1].copy(), gradient[:, :1].copy()
    loss, gradient = memory.empty(labels.shape, x.dtype), memory.empty(x.shape, x.dtype)
    _cross_entropy_loop(x, labels, loss, gradient)
    return loss, gradient


# --- CUDA: one thread goes through the classes of one place ----------------------------------


@cuda.kernel
def softmax_kernel(x, classes, places, logarithm, out):
    for i in range(numba_cuda.grid(1), places, numba_cuda.gridsize(1)):
        top = x.numbers[x.start + i]
        for k in range(1, classes):
            value = x.numbers[x.start + k * places + i]
            top = value if value > top or value != value else top
        total = x.numbers.dtype.type(0)
        for k in range(classes):
            total += math.exp(x.numbers[x.start + k * places + i] - top)
        for k in range(classes):
            value = x.numbers[x.start + k * places + i] - top
            out[k * places + i] = value - math.log(total) if logarithm else math.exp(value) / total


@cuda.kernel
def cross_entropy_kernel(x, labels, classes, images, loss, gradient):
    # Softmax and loss in one launch, as the probabilities are most of the gradient.
    for n in range(numba_cuda.grid(1), images, numba_cuda.gridsize(1)):
        top = x.numbers[x.start + n]
        for k in range(1, classes):
            value = x.numbers[x.start + k * images + n]
            top = value if value > top or value != value else top
        total = x.numbers.dtype.type(0)
        for k in range(classes):
            part = math.exp(x.numbers[x.start + k * images + n] - top)
            gradient[k * images + n] = part
            total += part
        label = labels.numbers[labels.start + n]
        known = 0 <= label < classes  # labels made on the device have not been checked
        chosen = (
            x.numbers[x.start + label * images + n] if known else x.numbers.dtype.type(math.nan)
        )
        loss[n] = math.log(total) - (chosen - top)
        for k in range(classes):
            gradient[k * images + n] /= total
        if known:
            gradient[label * images + n] -= 1


def _softmax_like_cuda(x, logarithm):
    x = cuda.contiguous(x)
    out = cuda.empty(x.shape, x.dtype)
    places = math.prod(x.shape[1:])
    softmax_kernel.each(places, x.run, x.shape[0], places, logarithm, out.memory)
    return out


def _cross_entropy_cuda(x, labels):
    x, labels = cuda.contiguous(x), cuda.contiguous(cuda.on_device(labels))
    loss, gradient = cuda.empty(labels.shape, x.dtype), cuda.empty(x.shape, x.dtype)
    arguments = x.run, labels.run, *x.shape
    cross_entropy_kernel.each(x.shape[1], *arguments, loss.memory, gradient.memory)
    return loss, gradient


# --- right answers: 1 where the largest of the classes is the label's, else 0 -----------------


def _right_reference(x, labels):
    out = np.zeros(len(labels), x.dtype)
    for n, label in enumerate(labels):
        best = 0
        for k in range(len(x)):  # NaN counts as the largest, and among equals the first wins
            if x[k, n] > x[best, n] or np.isnan(x[k, n]) and not np.isnan(x[best, n]):
                best = k
        out[n] = best == label
    return out


def _right_cpu(x, labels):
    return (x.argmax(axis=0) == labels).astype(x.dtype)


@cuda.kernel
def right_kernel(x, labels, classes, images, out):
    for n in range(numba_cuda.grid(1), images, numba_cuda.gridsize(1)):
        best, top = 0, x.numbers[x.start + n]
        for k in range(1, classes):
            value = x.numbers[x.start + k * images + n]
            if value > top or (value != value and top == top):
                best, top = k, value
        out[n] = 1 if best == labels.numbers[labels.start + n] else 0


def _right_cuda(x, labels):
    x, labels = cuda.contiguous(x), cuda.contiguous(cuda.on_device(labels))
    out = cuda.empty(labels.shape, x.dtype)
    arguments = x.run, labels.run, *x.shape
    right_kernel.each(x.shape[1], *arguments, out.memory)
    return out


# --- one-hot: (N, K) with 1 at each label, else 0 ----------------------------------------------


def _one_hot_reference(labels, classes, dtype):
    out = np.zeros((len(labels), classes), dtype)
    for n, label in enumerate(labels):
        out[n, label] = 1
    return out


def _one_hot_cpu(labels, classes, dtype):
    out = np.zeros((len(labels), classes), dtype)
    out[np.arange(len(labels)), labels] = 1
    return out


@cuda.kernel
def one_hot_kernel(labels, classes, images, out):
    for i in range(numba_cuda.grid(1), classes * images, numba_cuda.gridsize(1)):
        out[i] = 1 if labels.numbers[labels.start + i % images] == i // images else 0


def _one_hot_cuda(labels, classes, dtype):
    labels = cuda.contiguous(cuda.on_device(labels))
    out = cuda.empty((classes, len(labels)), dtype)
    arguments = labels.run, classes, len(labels)
    one_hot_kernel.each(out.size, *arguments, out.memory)
    return out.T


one_hot = Kernel("softmax.one_hot", _one_hot_reference, _one_hot_cpu, _one_hot_cuda)
right = Kernel("softmax.right", _right_reference, _right_cpu, _right_cuda)
log_softmax = Kernel(
    "softmax.log_softmax",
    _log_softmax_reference,
    _log_softmax_cpu,
    lambda x: _softmax_like_cuda(x, True),
)
softmax = Kernel(
    "softmax.softmax", _softmax_reference, _softmax_cpu, lambda x: _softmax_like_cuda(x, False)
)
cross_entropy = Kernel(
    "softmax.cross_entropy", _cross_entropy_reference, _cross_entropy_cpu, _cross_entropy_cuda
)
