"""Layers in other libraries' code: the lines are run, with our weights, and give our numbers."""

import math
import os
import re

import numpy as np
import pytest

from convlab import Tensor, nn
from convlab.errors import SpecError
from convlab.insight.code_lines import code_lines
from convlab.lessons import count_layers
from convlab.terminal import plain

LAYERS = [
    (nn.Conv2d(3, 6, 5), (3, 12, 11)),
    (nn.Conv2d(3, 4, 3, padding=1, bias=False), (3, 8, 9)),
    (nn.Conv2d(2, 4, (3, 4), padding="same"), (2, 8, 9)),
    (nn.Conv2d(2, 4, (5, 3), (2, 1), (2, 1)), (2, 9, 8)),
    (nn.Conv2d(3, 4, 3, 2, 1), (3, 8, 8)),  # TensorFlow's same is uneven here
    (nn.Conv2d(3, 4, 3, 2, 1), (3, 7, 7)),  # and even here
    (nn.Conv2d(3, 4, 3, 2, (0, 1, 0, 1)), (3, 8, 8)),
    (nn.Conv2d(3, 4, 3, 1, (1, 2, 0, 3)), (3, 8, 8)),
    (nn.Conv2d(2, 4, 3, padding=2, dilation=2), (2, 9, 9)),
    (nn.Conv2d(2, 4, 3, 2, padding=2, dilation=2), (2, 9, 9)),
    (nn.Conv2d(4, 6, 3, groups=2), (4, 8, 8)),
    (nn.Conv2d(4, 8, 3, 2, 1, groups=4), (4, 8, 9)),
    (nn.Conv2d(4, 4, 3, (1, 2), 1, groups=4), (4, 8, 9)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 6, 7)),
    (nn.Conv2d(2, 3, 3, padding=(0, 1, 2, 1), padding_mode="replicate"), (2, 6, 7)),
    (nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 6, 7)),
    (nn.MaxPool2d(2), (3, 8, 9)),
    (nn.MaxPool2d(3, 2, 1), (3, 8, 8)),
    (nn.MaxPool2d(3, 2, 1), (3, 7, 7)),
    (nn.MaxPool2d(3, 2, ceil_mode=True), (3, 8, 8)),
    (nn.MaxPool2d(3, 1, dilation=2), (3, 8, 8)),
    (nn.AvgPool2d((2, 3)), (3, 8, 9)),
    (nn.AvgPool2d(3, 2, 1), (3, 7, 7)),
    (nn.AvgPool2d(3, 2, 1), (3, 8, 8)),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (3, 7, 7)),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), (3, 8, 8)),
    (nn.AvgPool2d(3, 2, ceil_mode=True), (3, 8, 8)),
    (nn.AvgPool2d(2, 2, ceil_mode=True), (3, 7, 7)),
    (nn.AvgPool2d(2, divisor_override=3), (3, 8, 8)),
    (nn.AdaptiveAvgPool2d(1), (3, 6, 7)),
    (nn.AdaptiveMaxPool2d(1), (3, 6, 7)),
    (nn.AdaptiveAvgPool2d((2, 3)), (3, 6, 7)),
    (nn.AdaptiveMaxPool2d((3, None)), (3, 6, 4)),
    (nn.Flatten(), (3, 2, 4)),
    (nn.Linear(7, 4), (7,)),
    (nn.Linear(7, 4, bias=False), (7,)),
]
RNG = np.random.default_rng(0)
cases = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda value: repr(value)[:60])


def numbers(layer, shape):
    """An input with a batch, negative numbers among it, and our output; weights at random."""
    for parameter in layer.parameters():
        parameter.data[...] = RNG.normal(size=parameter.shape)
    x = RNG.normal(size=(2, *shape)).astype(np.float32) - 1
    return x, layer(Tensor(x)).numpy()


@cases
def test_pytorch_lines_give_our_numbers(layer, shape):
    torch = pytest.importorskip("torch")
    x, ours = numbers(layer, shape)
    notation = layer.notations(shape)[0]
    out = torch.from_numpy(x)
    for line in notation.lines:
        made = eval(re.fullmatch(r"x = (.*)\(x\)", line)[1], {"nn": torch.nn})
        state = {name: torch.from_numpy(array) for name, array in layer.state_dict().items()}
        if list(made.parameters()):
            assert tuple(made.weight.shape) == notation.weight
            made.load_state_dict(state)
        out = made(out)
    assert (tuple(x.shape[1:]), tuple(out.shape[1:])) == (notation.input, notation.output)
    np.testing.assert_allclose(out.detach().numpy(), ours, atol=1e-5)


def turned(weight, notation):
    """Our weights in the order of the axes of a notation of TensorFlow."""
    if weight.ndim == 2:
        return weight.T
    if "out of each" in notation.axes:
        channels = notation.weight[2]
        weight = weight.reshape(channels, -1, *weight.shape[2:])
        return weight.transpose(2, 3, 0, 1)
    return weight.transpose(2, 3, 1, 0)


@cases
def test_keras_lines_give_our_numbers(layer, shape):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    x, ours = numbers(layer, shape)
    notation = layer.notations(shape)[1]
    if not notation.lines:
        assert notation.note
        return
    out = keras.ops.convert_to_tensor(np.moveaxis(x, 1, -1))
    assert tuple(out.shape[1:]) == notation.input
    for line in notation.lines:
        if line.startswith("x = keras.ops."):
            out = eval(line[4:], {"keras": keras, "x": out})
            continue
        made = eval(re.fullmatch(r"x = (.*)\(x\)", line)[1], {"layers": keras.layers})
        made.build(out.shape)
        if made.weights:
            state = layer.state_dict()
            assert tuple(made.weights[0].shape) == notation.weight
            made.set_weights(
                [turned(state["weight"], notation), *([state["bias"]] if "bias" in state else [])]
            )
        out = made(out)
    assert tuple(out.shape[1:]) == notation.output
    given = keras.ops.convert_to_numpy(out)
    if isinstance(layer, nn.Flatten):  # its order is another one
        given = np.moveaxis(given.reshape(2, *shape[1:], shape[0]), -1, 1).reshape(2, -1)
    # A mean beside uneven padding: Keras on PyTorch repeats pixels there, TensorFlow leaves it out.
    if repr(layer) != "AvgPool2d(kernel_size=(3, 3), stride=(2, 2), ceil_mode=True)":
        np.testing.assert_allclose(np.moveaxis(given, -1, 1), ours, atol=1e-5)


def by_tensorflow(size, span, stride, padding, axis):
    """Output size as the documentation of tf.nn says, and the rows padded before the first."""
    if padding == "VALID":
        return math.ceil((size - span + 1) / stride), 0
    if padding == "SAME":
        rest = size % stride
        total = max(span - stride, 0) if rest == 0 else max(span - rest, 0)
        return math.ceil(size / stride), total // 2
    before, after = padding[1 + axis]
    return math.ceil((size + before + after - span + 1) / stride), before


@cases
def test_tf_nn_padding_gives_our_sizes_and_first_window(layer, shape):
    notation = layer.notations(shape)[2]
    if not notation.lines:
        assert notation.note
        return
    (line,) = [line for line in notation.lines if "padding=" in line] or [""]
    if not line or layer.words.startswith("adaptive"):
        return
    extra = [(0, 0), (0, 0)]
    if notation.lines[0].startswith("x = tf.pad("):
        extra = eval(re.search(r"\[\[.*?\]\]", notation.lines[0])[0])[1:3]
    padding = eval(re.search(r"padding=(\"\w+\"|\[\[.*?\]\])", line)[1])
    strides = eval(re.search(r"strides=(\d+|\[.*?\])", line)[1])
    strides = strides[1:3] if np.size(strides) == 4 else np.broadcast_to(strides, 2)
    assert tuple(strides) == layer.stride
    for axis in (0, 1):
        span = layer.dilation[axis] * (layer.kernel_size[axis] - 1) + 1
        whole = notation.input[axis] + sum(extra[axis])
        out, before = by_tensorflow(whole, span, layer.stride[axis], padding, axis)
        own = layer.padding[axis * len(layer.padding) // 2]
        assert (out, before + extra[axis][0]) == (notation.output[axis], own)


def test_what_a_layer_prints():
    notations = nn.Conv2d(3, 4, 3, 2, 1).notations((3, 8, 8))
    lines = [plain(line).strip() for line in code_lines(notations)]
    assert lines == [
        "PyTorch  x = nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1)(x)",
        "(N, 3, 8, 8) → (N, 4, 4, 4), weight (4, 3, 3, 3): out, in, rows, columns",
        "Keras    x = layers.ZeroPadding2D(1)(x)",
        "x = layers.Conv2D(4, kernel_size=3, strides=2)(x)",
        "(N, 8, 8, 3) → (N, 4, 4, 4), weight (3, 3, 3, 4): rows, columns, in, out",
        '"same" would pad 0 above and 1 below, 0 left and 1 right',
        "tf.nn    x = tf.nn.conv2d(x, weight, strides=2, padding=[[0, 0], [1, 1], [1, 1], [0, 0]])",
        "x = tf.nn.bias_add(x, bias)",
    ]


def test_layers_that_no_other_library_has():
    table = np.ones((2, 3), bool)
    assert nn.TableConv2d(3, 2, 5, table).notations((3, 8, 8)) == ()
    assert nn.ReLU().notations((3, 8, 8)) == ()
    with pytest.raises(SpecError, match="maximum or mean, got 'sum'"):
        nn.pooling_notations((3, 8, 8), "sum", (2, 2), (2, 2))


def test_counted_layers_have_the_notations_of_the_built_ones():
    text = "conv 3 8 stride 2 padding 1 no-bias, pool 2, flatten, dense 10"
    counted = [layer.notations for layer in count_layers((3, 16, 16), text)]
    built = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    shapes = (3, 16, 16), (8, 8, 8), (8, 4, 4), (128,)
    assert counted == [layer.notations(shape) for layer, shape in zip(built, shapes, strict=True)]


def test_the_commands_print_the_layer_at_hand(convlab, trained):
    keras = "Keras    x = layers.Conv2D(1, kernel_size=3, strides=2, use_bias=False)(x)"
    asked = "--input", 6, "--kernel", 3, "--stride", 2, "--bias", 0
    assert keras in convlab.works("explain", *asked, "--code").splitlines()
    assert "Keras" not in convlab.works("explain", *asked)
    refused = convlab.works("explain", "--input", 4, "--transposed", "--code")
    assert refused.endswith(
        "Code is written for convolutions, poolings, flatten and dense layers.\n"
    )
    said = convlab.works("explain", trained[0], "test:3", "--layer", "conv2", "--code")
    assert "\nPyTorch  x = nn.Conv2d(6, 16, kernel_size=5)(x)\n" in said
    assert "(N, 6, 14, 14) → (N, 16, 10, 10), weight (16, 6, 5, 5): out, in, rows, columns" in said
    said = convlab.works("shape", "28x28x3", "--layers", "pool 2, relu, flatten", "--code")
    assert "\nflatten1: flatten\nPyTorch  x = nn.Flatten()(x)\n" in said
    assert "\nrelu1: relu" not in said
