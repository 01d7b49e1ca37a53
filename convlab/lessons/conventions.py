"""One input under the conventions of several libraries: where sizes and numbers differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab import functional as F
from convlab import shapes
from convlab.comparison import Comparison, Convention
from convlab.lessons.relations import conv_size, pool_size
from convlab.lessons.words import axis_text
from convlab.shapes import Pair, Sides
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.words import t


@dataclass(frozen=True)
class Conventions:
    """An input (H, W) and a kernel (KH, KW) of small integers, and the results."""

    input: np.ndarray
    kernel: np.ndarray
    comparisons: tuple[Comparison, ...]


def example_numbers(size: Pair, kernel: Pair, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """An input and a kernel of small integers in float32 that distinguish the conventions.

    The first window of the input is negative, so that a maximum with zeros differs
    from one with minus infinity there; a kernel of more than one cell changes when
    rotated by 180 degrees.
    """
    rng = np.random.default_rng(seed)
    input = rng.integers(1, 5, size) * rng.choice((-1, 1), size)
    window = input[: kernel[0], : kernel[1]]
    window[...] = -np.abs(window)
    weights = rng.integers(-1, 2, kernel)
    if weights.size > 1 and np.array_equal(weights, weights[::-1, ::-1]):
        weights[0, 0] += 1
    return input.astype(np.float32), weights.astype(np.float32)


def compare_conventions(
    size: Pair,
    kernel: Pair,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: Pair | None = None,
    seed: int = 0,
) -> Conventions:
    """Compute what PyTorch, TensorFlow and Caffe give for the same numbers.

    ``padding`` (rows, columns) is PyTorch's, on both sides, by default half the
    kernel.  The comparison covers the padding of a convolution (PyTorch's against
    TensorFlow's SAME), correlation against convolution, the size of a pooling
    without padding (rounded down, or up as in Caffe), and the padding of a
    maximum (minus infinity or zeros).  ``dilation`` is that of the convolutions.
    Raises ShapeError where a kernel or window does not fit.
    """
    input, weights = example_numbers(size, kernel, seed)
    half = shapes.on_axes(lambda i: shapes.same_padding(kernel[i], dilation[i])[0])
    pooled = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding
    with no_grad():
        compared = (
            *_convolutions(input, weights, stride, dilation, half if padding is None else padding),
            *_poolings(input, kernel, stride, pooled),
        )
    return Conventions(input, weights, compared)


def _convolutions(
    input: np.ndarray, weights: np.ndarray, stride: Pair, dilation: Pair, padding: Pair
) -> tuple[Comparison, Comparison]:
    """The padding of a convolution, and correlation against convolution."""
    rows, columns = padding
    axes = list(zip(input.shape, weights.shape, stride, dilation, strict=True))
    torch: Sides = (rows, rows, columns, columns)
    over, across = (shapes.tensorflow_same_padding(*axis) for axis in axes)
    same: Sides = (*over, *across)

    def torch_size(axis: int) -> str:
        i, k, s, d = axes[axis]
        return str(conv_size(i, k, s, *shapes.along(torch, axis), dilation=d))

    def same_size(axis: int) -> str:
        i, k, s, d = axes[axis]
        output = shapes.conv_output(i, k, s, sum(shapes.along(same, axis)), d)
        return f"⌈{i} / {s}⌉ = {output}"

    torch_sizes, same_sizes = shapes.on_axes(torch_size), shapes.on_axes(same_size)

    def convolved(kernel: np.ndarray, sides: Sides) -> np.ndarray:
        weight = Tensor(np.ascontiguousarray(kernel)[None, None])
        image = Tensor(input[None, None])
        return F.conv2d(image, weight, None, stride, sides, dilation).numpy()[0, 0]

    correlated = convolved(weights, torch)
    turned, tensorflow = convolved(weights[::-1, ::-1], torch), convolved(weights, same)
    padded, padded_same = (
        t("padding {both_sides_text}", _both_sides_text(sides)) for sides in (torch, same)
    )
    return (
        Comparison(
            t("convolution: padding"),
            (
                Convention("PyTorch", padded, torch_sizes, correlated),
                Convention(
                    "TensorFlow", t("SAME: {padded_same}", padded_same), same_sizes, tensorflow
                ),
            ),
        ),
        Comparison(
            t("convolution: kernel"),
            (
                Convention(t("correlation"), t("kernel as it is"), torch_sizes, correlated),
                Convention(t("convolution"), t("turned by 180°"), torch_sizes, turned),
            ),
        ),
    )


def _poolings(
    input: np.ndarray, kernel: Pair, stride: Pair, padding: Pair
) -> tuple[Comparison, Comparison]:
    """The size of a pooling without padding, and the padding of a maximum."""

    def sizes(padding: Pair, ceil_mode: bool = False) -> tuple[str, str]:
        lengths = list(zip(input.shape, kernel, stride, padding, strict=True))
        return shapes.on_axes(lambda axis: str(pool_size(*lengths[axis], ceil_mode=ceil_mode)))

    image = Tensor(input[None, None])
    around = (padding[1], padding[1], padding[0], padding[0])
    floor, ceil, infinite, zeros = (
        values.numpy()[0, 0]
        for values in (
            F.max_pool2d(image, kernel, stride),
            F.max_pool2d(image, kernel, stride, ceil_mode=True),
            F.max_pool2d(image, kernel, stride, padding),
            F.max_pool2d(F.pad(image, around), kernel, stride),
        )
    )
    padded = t("padding {size}", axis_text(padding))
    return (
        Comparison(
            t("max pooling: size"),
            (
                Convention(t("floor"), t("PyTorch's default"), sizes((0, 0)), floor),
                Convention("ceil", "Caffe, ceil_mode", sizes((0, 0), True), ceil),
            ),
        ),
        Comparison(
            t("max pooling: padding"),
            (
                Convention("−∞", padded, sizes(padding), infinite),
                Convention("zeros", padded, sizes(padding), zeros),
            ),
        ),
    )


def _both_sides_text(sides: Sides) -> str:
    """1 for four equal sides, 0 + 1 for padding before and after on both axes."""
    top, bottom, left, right = sides
    axes = [
        str(before) if before == after else f"{before} + {after}"
        for before, after in ((top, bottom), (left, right))
    ]
    return axes[0] if axes[0] == axes[1] else " × ".join(axes)
