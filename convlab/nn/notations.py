"""One layer in the notations of PyTorch, Keras and tf.nn, with the shapes of its arrays in each.

Sources: the documentation of PyTorch, of Keras 3 and of ``tf.nn``, there the "Notes on padding":
SAME makes ⌈n / s⌉ of n; where it pads an odd number of rows, the odd one is below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from convlab import shapes
from convlab.errors import SpecError
from convlab.shapes import Pair, Sides

Shape = tuple[int, ...]
PYTORCH_PADS = {
    "zeros": "ZeroPad2d",
    "reflect": "ReflectionPad2d",
    "replicate": "ReplicationPad2d",
    "circular": "CircularPad2d",
}
LIBRARIES = ("PyTorch", "Keras", "tf.nn")


@dataclass(frozen=True)
class Notation:
    """A layer as one framework writes it.

    ``lines``: the statements that turn x into the output, none if the framework has no such layer.
    ``input`` and ``output``: the shapes of x, without the batch.  ``weight``: the weights' shape,
    and ``axes`` what its axes are; both empty for a layer without weights.  ``note``: what is
    different there, or why there are no lines.
    """

    framework: str
    lines: tuple[str, ...]
    input: Shape
    output: Shape
    weight: Shape = ()
    axes: tuple[str, ...] = ()
    note: str = ""


Notations = tuple[Notation, ...]
"""A layer in all LIBRARIES, in their order."""

_Weight = tuple[Shape, tuple[str, ...]]
"""The weights' shape, and what its axes are."""
_NO_WEIGHT: _Weight = (), ()


def convolution_notations(
    shape: Shape,
    filters: int,
    kernel: Pair,
    stride: Pair = (1, 1),
    padding: Sides = (0, 0, 0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
    bias: bool = True,
    padding_mode: str = "zeros",
) -> Notations:
    """A convolution of an input (channels, rows, columns).

    Raises ShapeError for sizes that do not fit.
    """
    channels, rows, columns = shape
    geometry = shapes.conv2d_geometry(
        channels, filters, (rows, columns), kernel, stride, padding, dilation, groups
    )
    layer = _Convolution(
        (rows, columns), geometry.output, kernel, stride, padding, dilation, channels, filters
    )
    layer = replace(layer, groups=groups, bias=bias, mode=padding_mode if any(padding) else "zeros")
    return _notations(shape, (filters, *geometry.output), layer)


def pooling_notations(
    shape: Shape,
    reduction: str,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Notations:
    """A pooling of an input (channels, rows, columns); ``reduction``: maximum or mean.

    Raises ShapeError for sizes that do not fit, SpecError for another reduction.
    """
    channels, rows, columns = shape
    if reduction not in _POOLS:
        raise SpecError(f"reduction: expected {' or '.join(_POOLS)}, got {reduction!r}")
    windows = shapes.pool_windows((rows, columns), kernel, stride, padding, dilation, ceil_mode)
    (above, left) = padding
    sides = above, above, left, left
    layer = _Pooling((rows, columns), windows.output, kernel, stride, sides, dilation, reduction)
    layer = replace(layer, ceil=ceil_mode, divisor=divisor_override, counts_pad=count_include_pad)
    return _notations(shape, (channels, *windows.output), layer)


def adaptive_notations(shape: Shape, reduction: str, output_size: Any) -> Notations:
    """An adaptive pooling of an input (channels, rows, columns); an output of 1 is global pooling.

    Raises ShapeError for an output size that is none.
    """
    channels, *size = shape
    output = shapes.adaptive_output((size[0], size[1]), output_size)
    kind, _, reduce = _POOLS[reduction]
    name = {"Avg": "Average"}.get(kind, kind)
    target = output_size if isinstance(output_size, int) else tuple(output_size)
    lines: list[tuple[str, ...]] = [(f"x = nn.Adaptive{kind}Pool2d({target})(x)",)]
    notes = ["", "", ""]
    if output == (1, 1):
        lines.append((f"x = layers.Global{name}Pooling2D(keepdims=True)(x)",))
        lines.append((f"x = tf.{reduce}(x, axis=[1, 2], keepdims=True)",))
    else:
        lines.append((f"x = layers.Adaptive{name}Pooling2D({_of(output)})(x)",))
        step = size[0] // output[0], size[1] // output[1]
        even = all(n % o == 0 for n, o in zip(size, output, strict=True))
        lines.append(pooling_notations(shape, reduction, step, step)[2].lines if even else ())
        notes[2] = "for this size of input only" if even else "no windows of different sizes"
    return _arranged(shape, (channels, *output), lines, (), notes)


def dense_notations(features: int, neurons: int, bias: bool = True) -> Notations:
    """A dense layer of as many inputs and outputs."""
    plus = " + bias" if bias else ""
    lines = (
        (f"x = nn.Linear({features}, {neurons}{'' if bias else ', bias=False'})(x)",),
        (f"x = layers.Dense({neurons}{'' if bias else ', use_bias=False'})(x)",),
        (f"x = tf.matmul(x, weight){plus}",),
    )
    axes = ("out", "in"), ("in", "out")
    weights = tuple(zip(((neurons, features), (features, neurons)), axes, strict=True))
    return _arranged((features,), (neurons,), lines, weights)


def flatten_notations(shape: Shape) -> Notations:
    """All numbers of an input in one row, in an order that is not the same everywhere."""
    count = math.prod(shape)
    lines = (
        ("x = nn.Flatten()(x)",),
        ("x = layers.Flatten()(x)",),
        (f"x = tf.reshape(x, [-1, {count}])",),
    )
    notes = ["", "", ""]
    if len(shape) == 3 and shape[0] > 1 and shape[1] * shape[2] > 1:
        last = "channels innermost: a dense layer's weights stand in another order behind it"
        notes = ["channel by channel", last, last]
    return _arranged(shape, (count,), lines, (), notes)


# --- windows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """A window over (rows, columns), with PyTorch's padding, and what comes out."""

    size: Pair
    output: Pair
    kernel: Pair
    stride: Pair
    sides: Sides
    dilation: Pair

    def _span(self, axis: int) -> int:
        return shapes.effective_kernel(self.kernel[axis], self.dilation[axis])

    @property
    def same(self) -> Sides:
        """What SAME pads."""
        rows, columns = (
            shapes.tensorflow_same_padding(
                self.size[i], self.kernel[i], self.stride[i], self.dilation[i]
            )
            for i in (0, 1)
        )
        return (*rows, *columns)

    @property
    def word(self) -> str:
        """Which word says the padding: valid, same, or empty for neither.

        What is padded below and on the right, and no window reads, makes no difference.
        """
        for word, sides in (("valid", (0, 0, 0, 0)), ("same", self.same)):
            fits = [
                (self.size[i] + sum(shapes.along(sides, i)) - self._span(i)) // self.stride[i] + 1
                for i in (0, 1)
            ]
            if self.sides[::2] == sides[::2] and tuple(fits) == self.output:
                return word
        return ""

    @property
    def padded(self) -> Sides:
        """The padding, with as much behind the input as the last windows reach over it."""
        reach = [(self.output[i] - 1) * self.stride[i] + self._span(i) for i in (0, 1)]
        top, bottom, left, right = self.sides
        return (
            top,
            max(bottom, reach[0] - self.size[0] - top),
            left,
            max(right, reach[1] - self.size[1] - left),
        )

    @property
    def around(self) -> str:
        """The padding as tf.pad and keras.ops.pad take it."""
        top, bottom, left, right = self.padded
        return f"[[0, 0], [{top}, {bottom}], [{left}, {right}], [0, 0]]"

    @property
    def zero_padding(self) -> str:
        """Keras' layer for the padding."""
        top, bottom, left, right = self.padded
        sides = f"(({top}, {bottom}), ({left}, {right}))"
        if (top, left) == (bottom, right):
            sides = _of((top, left))
        return f"x = layers.ZeroPadding2D({sides})(x)"

    @property
    def word_note(self) -> str:
        """What the word "same" would pad, where the padding is something else."""
        if self.word:
            return ""
        top, bottom, left, right = self.same
        return f'"same" would pad {top} above and {bottom} below, {left} left and {right} right'


@dataclass(frozen=True)
class _Convolution(_Window):
    channels: int
    filters: int
    groups: int = 1
    bias: bool = True
    mode: str = "zeros"

    @property
    def depthwise(self) -> bool:
        """Whether each channel has filters of its own, as TensorFlow's depthwise layer has."""
        rows, columns = self.stride
        spread = self.dilation != (1, 1) and self.stride != (1, 1)
        return self.groups == self.channels > 1 and rows == columns and not spread

    def weights(self) -> tuple[_Weight, ...]:
        """In PyTorch and in TensorFlow."""
        inside = "in" if self.groups == 1 else "in / groups"
        read = self.channels // self.groups
        torch = (self.filters, read, *self.kernel), ("out", inside, "rows", "columns")
        last: tuple[int, int] = (read, self.filters)
        axes = inside, "out"
        if self.depthwise:
            last, axes = (self.channels, self.filters // self.channels), ("in", "out of each")
        return torch, ((*self.kernel, *last), ("rows", "columns", *axes))

    def pytorch(self) -> tuple[tuple[str, ...], str]:
        top, bottom, left, right = self.sides
        lines, padding = [], [("padding", _of((top, left)), "0")]
        if (top, left) != (bottom, right):
            padding = []
            kept = shapes.padding_sides("same", self.kernel, (1, 1), self.dilation)
            if self.stride == (1, 1) and self.sides == kept:
                padding = [("padding", '"same"', "")]
            else:
                lines = [f"x = nn.{PYTORCH_PADS[self.mode]}({(left, right, top, bottom)})(x)"]
        settings = [("stride", _of(self.stride), "1"), *padding, *self._others("dilation", "bias")]
        if self.mode != "zeros" and not lines:
            settings.append(("padding_mode", f'"{self.mode}"', ""))
        arguments = f"{self.channels}, {self.filters}, kernel_size={_of(self.kernel)}"
        return (*lines, f"x = nn.Conv2d({arguments}{_given(settings)})(x)"), ""

    def _others(self, dilation: str, bias: str) -> list[tuple[str, str, str]]:
        return [
            (dilation, _of(self.dilation), "1"),
            ("groups", str(self.groups), "1"),
            (bias, str(self.bias), "True"),
        ]

    def keras(self) -> tuple[tuple[str, ...], str]:
        if self.stride != (1, 1) and self.dilation != (1, 1):
            return (), "no convolution with both strides and dilation_rate above 1"
        first, padding, note = self._padded()
        if first is None:
            return (), note
        settings = [("strides", _of(self.stride), "1"), ("padding", f'"{padding}"', '"valid"')]
        others = self._others("dilation_rate", "use_bias")
        if self.depthwise:
            others[1] = "depth_multiplier", str(self.filters // self.channels), "1"
            call = f"DepthwiseConv2D(kernel_size={_of(self.kernel)}"
        else:
            call = f"Conv2D({self.filters}, kernel_size={_of(self.kernel)}"
        return (*first, f"x = layers.{call}{_given(settings + others)})(x)"), note

    def _padded(self) -> tuple[tuple[str, ...] | None, str, str]:
        """In Keras, the lines before the layer (None: it has none), the word, and a note."""
        if self.mode == "reflect":
            return (f'x = keras.ops.pad(x, {self.around}, mode="reflect")',), "valid", ""
        if self.mode != "zeros":
            return None, "", f"no padding {self.mode}"
        if self.word:
            return (), self.word, ""
        return (self.zero_padding,), "valid", self.word_note

    def tf(self) -> tuple[tuple[str, ...], str]:
        lines, note = [], ""
        padding = f'"{self.word.upper()}"' if self.word else self.around
        if self.mode == "reflect":
            lines, padding = [f'x = tf.pad(x, {self.around}, mode="REFLECT")'], '"VALID"'
        elif self.mode != "zeros":
            return (), f"no padding {self.mode}"
        else:
            note = self.word_note
        stride, settings = _of(self.stride, list), [("dilations", _of(self.dilation, list), "1")]
        name = "conv2d"
        if self.depthwise:
            name, stride = "depthwise_conv2d", str([1, *self.stride, 1])
            settings = [("dilations", str(list(self.dilation)), "[1, 1]")]
        arguments = f"x, weight, strides={stride}, padding={padding}{_given(settings)}"
        lines.append(f"x = tf.nn.{name}({arguments})")
        if self.bias:
            lines.append("x = tf.nn.bias_add(x, bias)")
        return tuple(lines), note


_POOLS = {
    "maximum": ("Max", "max_pool2d", "reduce_max"),
    "mean": ("Avg", "avg_pool2d", "reduce_mean"),
}
"""By what is left of a window: in PyTorch's names, in tf.nn's, and of a whole map."""


@dataclass(frozen=True)
class _Pooling(_Window):
    reduction: str
    ceil: bool = False
    divisor: int | None = None
    counts_pad: bool = True

    def weights(self) -> tuple[_Weight, ...]:
        return ()

    def pytorch(self) -> tuple[tuple[str, ...], str]:
        kind, *_ = _POOLS[self.reduction]
        settings = [
            ("stride", _of(self.stride), _of(self.kernel)),
            ("padding", _of(self.sides[::2]), "0"),
            ("dilation", _of(self.dilation), "1"),
            ("ceil_mode", str(self.ceil), "False"),
            ("count_include_pad", str(self.counts_pad), "True"),
            ("divisor_override", str(self.divisor), "None"),
        ]
        return (f"x = nn.{kind}Pool2d(kernel_size={_of(self.kernel)}{_given(settings)})(x)",), ""

    @property
    def missing(self) -> str:
        """Why TensorFlow has no such pooling; empty if it has."""
        if self.dilation != (1, 1):
            return "no pooling with a dilation"
        if self.reduction == "maximum":
            return ""
        if self.divisor is not None:
            return "no mean with a divisor of its own"
        over = self.padded != self.sides
        leaves_out = not self.counts_pad or not any(self.sides)
        by_word = leaves_out and self.word == "same"
        if not by_word and (over or (any(self.sides) and not self.counts_pad)):
            return 'no mean that leaves out padding other than "same"'
        return ""

    @property
    def by_word(self) -> str:
        """The word that says the padding, with the mean's divisor as it is in TensorFlow."""
        counted = self.reduction == "mean" and any(self.sides) and self.counts_pad
        return "" if counted else self.word

    def keras(self) -> tuple[tuple[str, ...], str]:
        if self.missing:
            return (), self.missing
        lines, word, note = [], self.by_word, self._note()
        if not word:
            endless = f'x = keras.ops.pad(x, {self.around}, constant_values=-float("inf"))'
            lines = [endless if self.reduction == "maximum" else self.zero_padding]
        settings = [("strides", _of(self.stride), _of(self.kernel))]
        settings.append(("padding", f'"{word or "valid"}"', '"valid"'))
        name = {"maximum": "MaxPooling2D", "mean": "AveragePooling2D"}[self.reduction]
        lines.append(f"x = layers.{name}(pool_size={_of(self.kernel)}{_given(settings)})(x)")
        return tuple(lines), note

    def tf(self) -> tuple[tuple[str, ...], str]:
        if self.missing:
            return (), self.missing
        lines, word = [], self.by_word
        padding = f'"{word.upper()}"' if word else self.around
        if not word and self.reduction == "mean":
            lines, padding = [f"x = tf.pad(x, {self.around})"], '"VALID"'
        _, name, _ = _POOLS[self.reduction]
        arguments = f"ksize={_of(self.kernel, list)}, strides={_of(self.stride, list)}"
        lines.append(f"x = tf.nn.{name}(x, {arguments}, padding={padding})")
        return tuple(lines), self._note()

    def _note(self) -> str:
        if self.word == "same" and not self.by_word:
            return '"same" would leave the padding out of the mean'
        return self.word_note


# --- texts --------------------------------------------------------------------------------


def _notations(shape: Shape, output: Shape, layer: _Convolution | _Pooling) -> Notations:
    written = layer.pytorch(), layer.keras(), layer.tf()
    lines, notes = [one[0] for one in written], [one[1] for one in written]
    return _arranged(shape, output, lines, layer.weights(), notes)


def _arranged(
    shape: Shape,
    output: Shape,
    lines: Sequence[tuple[str, ...]],
    weights: Sequence[_Weight],
    notes: Sequence[str] = ("", "", ""),
) -> Notations:
    """The layer in all LIBRARIES; ``weights``: PyTorch's and the others', () where it has none."""
    first, last = shape, (*shape[1:], shape[0])
    out_first, out_last = output, (*output[1:], output[0])
    torch, tf = weights or (_NO_WEIGHT, _NO_WEIGHT)
    pytorch, keras, tf_nn = LIBRARIES
    return (
        Notation(pytorch, lines[0], first, out_first, *torch, notes[0]),
        Notation(keras, lines[1], last, out_last, *tf, notes[1]),
        Notation(tf_nn, lines[2], last, out_last, *tf, notes[2]),
    )


def _of(lengths: Sequence[int], kind: type = tuple) -> str:
    """One number where both axes have the same, else both."""
    return str(lengths[0]) if lengths[0] == lengths[1] else str(kind(lengths))


def _given(settings: Sequence[tuple[str, str, str]]) -> str:
    """Arguments by name, those that are not as usual."""
    return "".join(f", {name}={value}" for name, value, usual in settings if value != usual)
