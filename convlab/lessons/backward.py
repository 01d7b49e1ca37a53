"""Backpropagation through one convolution or pooling, with the sums that it consists of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab import functional as F
from convlab.errors import ShapeError
from convlab.lessons.convolution import Convolution, convolution, transposed_convolution
from convlab.lessons.pooling import Pooling
from convlab.nn import Parameter
from convlab.optim import SGD
from convlab.shapes import size_text
from convlab.tape import no_grad
from convlab.tensors import Tensor


@dataclass(frozen=True, eq=False)
class ConvolutionBackward:
    """A convolution of one map, its loss, and what backpropagation makes of it.

    ``forward``: the convolution y of x with the kernel w; loss L: half the sum of (y − target)²,
    so that ``gradient`` (OH, OW), ∂L/∂y, is y − target.  ``by_weights`` (KH, KW), ``by_bias`` and
    ``by_input`` (H, W) are the gradients that automatic differentiation computes.
    ``weight_sums`` and ``input_sums`` are convolutions that give the same numbers: x with ∂L/∂y
    as its kernel, the stride as its dilation, and ∂L/∂y with the turned w.  ``new_kernel``,
    ``new_bias`` and ``new_loss``: after one step of gradient descent with ``rate``.
    """

    forward: Convolution
    target: NDArray
    loss: float
    gradient: NDArray
    by_weights: NDArray
    by_bias: float
    by_input: NDArray
    weight_sums: Convolution
    input_sums: Convolution
    rate: float
    new_kernel: NDArray
    new_bias: float
    new_loss: float

    @property
    def steps(self) -> int:
        """Sums: one for each weight, then one for each input number."""
        return self.by_weights.size + self.by_input.size


def convolution_backward(
    forward: Convolution, target: NDArray, rate: float = 0.01
) -> ConvolutionBackward:
    """Backpropagation of L = ½ Σ (y − target)² through a convolution, and a step of descent.

    ``target`` (OH, OW).  Raises ShapeError for several maps, a dilation or transposed
    convolution, and a target of another size than the output.
    """
    if forward.kernel.shape[:2] != (1, 1) or forward.transposed or forward.dilation != (1, 1):
        got = size_text(*forward.kernel.shape)
        raise ShapeError(
            f"backward: expected a convolution of one map, without dilation, got a kernel {got}"
        )
    target = np.asarray(target, float)
    if target.shape != forward.output.shape[1:]:
        wanted = size_text(*forward.output.shape[1:])
        raise ShapeError(f"target: expected {wanted}, got {size_text(*target.shape)}")
    x = Tensor(forward.input[None].astype(float), requires_grad=True)
    kernel, bias = Parameter(forward.kernel.astype(float)), Parameter(forward.bias.astype(float))

    def run() -> tuple[Tensor, Tensor]:
        output = F.conv2d(x, kernel, bias, forward.stride, forward.padding)
        return output, ((output - Tensor(target[None, None])) ** 2).sum() * 0.5

    output, loss = run()
    loss.backward()
    assert x.grad is not None and kernel.grad is not None and bias.grad is not None
    by_input, by_weights, by_bias = x.grad[0, 0], kernel.grad[0, 0].copy(), float(bias.grad[0])
    gradient = output.numpy()[0, 0] - target
    SGD([kernel, bias], rate).step()
    with no_grad():
        _, new_loss = run()
    return ConvolutionBackward(
        forward=forward,
        target=target,
        loss=float(loss.numpy()),
        gradient=gradient,
        by_weights=by_weights,
        by_bias=by_bias,
        by_input=by_input,
        weight_sums=_weight_sums(forward, gradient),
        input_sums=_input_sums(forward, gradient),
        rate=rate,
        new_kernel=kernel.numpy()[0, 0],
        new_bias=float(bias.numpy()[0]),
        new_loss=float(new_loss.numpy()),
    )


def _weight_sums(forward: Convolution, gradient: NDArray) -> Convolution:
    """x under ∂L/∂y, whose numbers are as far apart as the stride; what a remainder adds is cut."""
    top, bottom, left, right = forward.padding
    rows, columns = (
        (count - 1) * stride + length
        for count, stride, length in zip(
            gradient.shape, forward.stride, forward.kernel.shape[2:], strict=True
        )
    )
    _, height, width = forward.input.shape
    sides = top, min(bottom, rows - top - height), left, min(right, columns - left - width)
    read = forward.input[:, : rows - top, : columns - left]
    kept = sides[0], max(0, sides[1]), sides[2], max(0, sides[3])
    return convolution(read, gradient[None, None], padding=kept, dilation=forward.stride)


def _input_sums(forward: Convolution, gradient: NDArray) -> Convolution:
    """∂L/∂y under the turned w, with zeros between its numbers for a stride, and around it."""
    _, height, width = forward.input.shape
    top, bottom, left, right = forward.padding
    extra = tuple(
        length + before + after - size - (count - 1) * stride
        for length, before, after, size, count, stride in zip(
            (height, width),
            (top, left),
            (bottom, right),
            forward.kernel.shape[2:],
            gradient.shape,
            forward.stride,
            strict=True,
        )
    )
    weights = forward.kernel
    return transposed_convolution(
        gradient[None],
        weights,
        stride=forward.stride,
        padding=forward.padding,
        output_padding=(extra[0], extra[1]),
    )


@dataclass(frozen=True, eq=False)
class PoolingBackward:
    """A pooling of one map and what its gradient becomes.

    ``gradient`` (OH, OW) is what arrives, ``by_input`` (H, W) what automatic differentiation
    hands on: the whole of each number to its window's winner, or an equal share to each number of
    the window.
    """

    forward: Pooling
    gradient: NDArray
    by_input: NDArray

    @property
    def steps(self) -> int:
        """Windows."""
        return self.gradient.size


def pooling_backward(forward: Pooling, gradient: NDArray) -> PoolingBackward:
    """Backpropagation of a gradient (OH, OW) through a pooling with a kernel.

    Raises ShapeError for several maps and for a gradient of another size than the output.
    """
    gradient = np.asarray(gradient, float)
    if len(forward.input) != 1 or forward.kernel is None or forward.dilation != (1, 1):
        got = size_text(*forward.input.shape)
        raise ShapeError(f"backward: expected a pooling with a kernel, of one map, got {got}")
    if gradient.shape != forward.output.shape[1:]:
        wanted = size_text(*forward.output.shape[1:])
        raise ShapeError(f"gradient: expected {wanted}, got {size_text(*gradient.shape)}")
    x = Tensor(forward.input[None].astype(float), requires_grad=True)
    pool = F.max_pool2d if forward.kind == "max" else F.avg_pool2d
    output = pool(x, forward.kernel, forward.stride, forward.padding)
    (output * Tensor(gradient[None, None])).sum().backward()
    assert x.grad is not None, "it is what backward computes"
    return PoolingBackward(forward, gradient, x.grad[0, 0])
