"""Pictures of backpropagation: their gradients by loops over the definition, and what they say."""

import numpy as np
import pytest

from convlab import lessons, pictures
from convlab.errors import ShapeError, SpecError
from convlab.lessons import backward as lesson
from convlab.numerals import read

RNG = np.random.default_rng(3)


def pad(x, sides):
    top, bottom, left, right = sides
    return np.pad(x, ((top, bottom), (left, right)))


def by_loops(x, w, bias, target, stride, sides):
    """y, and the gradients of ½ Σ (y − target)², by the chain rule over each product."""
    padded = pad(x, sides)
    y, by_w, by_x = np.zeros(target.shape), np.zeros(w.shape), np.zeros(padded.shape)
    for i, j in np.ndindex(y.shape):
        for r, c in np.ndindex(w.shape):
            y[i, j] += padded[i * stride[0] + r, j * stride[1] + c] * w[r, c]
        y[i, j] += bias
        for r, c in np.ndindex(w.shape):
            at = i * stride[0] + r, j * stride[1] + c
            by_w[r, c] += (y[i, j] - target[i, j]) * padded[at]
            by_x[at] += (y[i, j] - target[i, j]) * w[r, c]
    rows, columns = x.shape
    return y, by_w, by_x[sides[0] : sides[0] + rows, sides[2] : sides[2] + columns]


SETTINGS = [
    ((4, 4), (3, 3), (1, 1), (0, 0, 0, 0)),
    ((6, 7), (3, 2), (2, 2), (1, 1, 0, 0)),
    ((7, 8), (3, 3), (2, 3), (1, 1, 1, 1)),
    ((5, 5), (3, 3), (1, 1), (1, 0, 2, 1)),
    ((8, 8), (2, 2), (3, 3), (0, 0, 0, 0)),  # with rows and columns that nothing reads
    ((5, 4), (1, 4), (1, 1), (0, 0, 3, 3)),
    ((9, 9), (2, 2), (3, 3), (0, 1, 1, 0)),
]


@pytest.mark.parametrize(("size", "kernel", "stride", "sides"), SETTINGS)
def test_gradients_of_a_convolution(size, kernel, stride, sides):
    x, w = RNG.integers(0, 5, size).astype(float), RNG.integers(-2, 3, kernel).astype(float)
    forward = lessons.convolution(x[None], w[None, None], np.ones(1), stride=stride, padding=sides)
    target = RNG.integers(-9, 10, forward.output.shape[1:]).astype(float)
    found = lesson.convolution_backward(forward, target, 0.125)
    y, by_w, by_x = by_loops(x, w, 1, target, stride, sides)
    np.testing.assert_array_equal(found.gradient, y - target)
    assert found.loss == ((y - target) ** 2).sum() / 2
    np.testing.assert_array_equal(found.by_weights, by_w)
    np.testing.assert_array_equal(found.by_input, by_x)
    assert found.by_bias == (y - target).sum()
    # The convolutions that are drawn give the same numbers, window by window.
    np.testing.assert_array_equal(found.weight_sums.output[0], by_w)
    np.testing.assert_array_equal(found.input_sums.output[0], by_x)
    for sums, values in ((found.weight_sums, by_w), (found.input_sums, by_x)):
        for at in np.ndindex(values.shape):
            window = sums.stage[0][np.ix_(*sums.window(*at))]
            assert (window * sums.taps[0, 0]).sum() == values[at]
    np.testing.assert_array_equal(found.new_kernel, w - 0.125 * by_w)
    assert found.new_bias == 1 - 0.125 * found.by_bias
    after, *_ = by_loops(x, found.new_kernel, found.new_bias, target, stride, sides)
    assert found.new_loss == pytest.approx(((after - target) ** 2).sum() / 2)


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [((6, 6), 2, 2, 0), ((5, 6), 3, 2, 1), ((5, 5), (2, 3), 1, 0)],
)
def test_gradients_of_a_pooling(kind, size, kernel, stride, padding):
    x = RNG.permutation(np.prod(size)).reshape(size).astype(float)  # without two equal ones
    forward = lessons.pooling(x[None], kind, kernel=kernel, stride=stride, padding=padding)
    gradient = RNG.integers(-3, 4, forward.output.shape[1:]) * 36.0
    found = lesson.pooling_backward(forward, gradient)
    rows, columns = np.broadcast_to(kernel, 2)
    padded = np.pad(x, padding, constant_values=-np.inf)
    wanted = np.zeros(padded.shape)
    for i, j in np.ndindex(gradient.shape):
        window = np.s_[i * stride : i * stride + rows, j * stride : j * stride + columns]
        if kind == "max":
            wanted[window] += gradient[i, j] * (padded[window] == padded[window].max())
        else:
            wanted[window] += gradient[i, j] / (rows * columns)
    inside = wanted[padding : padding + size[0], padding : padding + size[1]]
    np.testing.assert_allclose(found.by_input, inside, rtol=1e-12, atol=1e-12)  # shares of a ninth


def worked_out(text):
    """Both sides of "2·(−1) + 3·0 = −2", the first by the arithmetic that it spells."""
    left, right = text.split(" = ")
    total = 0
    for term in left.split(" + "):
        product = 1
        for factor in term.split("·"):
            product *= read(factor.strip("()"))
        total += product
    return total, read(right.split(",")[0])


@pytest.mark.parametrize("more", [{}, {"stride": 2, "input": 6, "padding": 1}, {"seed": 5}])
def test_what_the_picture_of_a_convolution_says(more):
    made = pictures.backward(**more)
    result, facts = made.result, made.facts
    assert result["new loss"] < result["loss"]
    kernel, by_kernel = made.weights["kernel"][0, 0], result["kernel gradient"]
    np.testing.assert_allclose(
        result["new kernel"], kernel - made.parameters["rate"] * by_kernel, atol=1e-12
    )
    for what, gradient in (("∂L/∂w", by_kernel), ("∂L/∂x", result["input gradient"])):
        (label,) = (label for label in facts if label.startswith(f"{what} at"))
        row, column = (int(word) for word in label.replace(",", "").split() if word.isdigit())
        left, right = worked_out(facts[label])
        assert left == right == gradient[row, column]
    left, right = worked_out(facts["∂L/∂b"])
    assert left == right == result["bias gradient"]


def test_all_sums_one_after_the_other():
    made = pictures.backward(input=(3, 4), kernel=2)
    texts = [
        [text.get_text() for text in figure.axes[0].texts]
        for figure in made.frames(theme="light", size="animation")
    ]
    # 4 weights, 12 inputs, and the new kernel; each has one more number than the one before.
    assert len(texts) == 4 + 12 + 1
    several = [len(one) for one in texts]
    assert several[1] - several[0] == several[5] - several[4] == 1
    still = pictures.backward(input=(3, 4), kernel=2, step=5)
    shown = [text.get_text() for text in still.draw(size="animation").axes[0].texts]
    assert shown == texts[5]
    with pytest.raises(
        SpecError, match=r"expected a file ending in .png, .jpg, .webp, .svg, .pdf or .tex"
    ):
        still.content(".gif")
    pooled = pictures.backward("max")
    assert len([*pooled.frames(size="small")]) == 9
    assert "goes to the winner" in pooled.alt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "min"}, "kind: expected one of convolution, max, average, got 'min'"),
        ({"input": 30}, "backward: expected at most 24 cells along a side to be drawn, got 30"),
        ({"step": 25}, "step: expected at most 24, got 25"),
        ({"kind": "max", "bias": 1.0}, "bias: expected kind convolution, got max, which learns"),
        ({"rate": 0.0}, "rate: expected a number above 0 and at most 1,000, got 0"),
        ({"values": "none"}, "values: expected ints, floats or a .csv file, got none"),
    ],
)
def test_what_cannot_be(arguments, message):
    with pytest.raises(SpecError, match=message):
        pictures.backward(**arguments)


def test_lessons_that_cannot_be():
    several = lessons.convolution(np.zeros((2, 4, 4)), np.zeros((1, 2, 3, 3)))
    one = lessons.convolution(np.zeros((1, 4, 4)), np.zeros((1, 1, 3, 3)))
    with pytest.raises(ShapeError, match="expected a convolution of one map, without dilation"):
        lesson.convolution_backward(several, np.zeros((2, 2)))
    with pytest.raises(ShapeError, match="target: expected 2 × 2, got 3 × 2"):
        lesson.convolution_backward(one, np.zeros((3, 2)))
    with pytest.raises(ShapeError, match="gradient: expected 2 × 2, got 1 × 2"):
        lesson.pooling_backward(lessons.pooling(np.zeros((1, 4, 4))), np.zeros((1, 2)))
