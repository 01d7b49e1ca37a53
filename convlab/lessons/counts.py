"""What layers cost, step by step: sizes, parameters, multiply-adds and connections.

Everything follows from shapes alone, so a dense layer of 3,000,000,000 weights is counted without
being built.  Connections are counted as in LeCun, Bottou, Bengio & Haffner (1998), section II.B:
all numbers that flow into the outputs, including biases and padding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import nn, shapes, spelling
from convlab.errors import ShapeError, SpecError
from convlab.lessons.convolution import padding_by, resolve_padding
from convlab.lessons.relations import SizeRelation, conv_size, pool_size
from convlab.lessons.words import axis_text, sides_text
from convlab.shapes import Pair, ReceptiveField, Sides, size_text
from convlab.wiring import Wiring
from convlab.words import t

Shape = tuple[int, ...]  # (channels, rows, columns) or (features,)
SHAPE_KEPT = ("relu", "sigmoid", "tanh", "softmax", "dropout")


@dataclass(frozen=True)
class Count:
    """A count, and how it is computed: "6 · (5·5·3 + 1)" and 456."""

    expression: str
    value: int

    def __str__(self) -> str:
        return f"{self.expression} = {self.value:,}"


@dataclass(frozen=True)
class LayerCount:
    """One layer; shapes are (channels, rows, columns) or (features,).

    ``relations`` are the output's rows and columns, empty without a window.
    ``parameters`` are weights and biases; ``per_unit`` the weights of one filter
    or neuron; ``dense`` the weights of a dense layer between the same numbers.
    All are None for layers without weights, as is ``multiply_adds``; ``connections`` is None for
    layers that only reshape or look at one number.  ``notations``: the layer in other libraries'
    code, that of a pooling with its maximum; empty for layers that keep the shape.
    """

    kind: str
    text: str
    input_shape: Shape
    output_shape: Shape
    relations: tuple[SizeRelation, ...] = ()
    per_unit: Count | None = None
    parameters: Count | None = None
    multiply_adds: Count | None = None
    connections: Count | None = None
    dense: Count | None = None
    notations: nn.Notations = ()

    def record(self) -> dict[str, Any]:
        """The layer's numbers by name, for JSON."""

        def count(value: Count | None) -> dict[str, Any] | None:
            return None if value is None else vars(value)

        return {
            "type": self.kind,
            "layer": self.text,
            "input_shape": self.input_shape,
            "output_shape": self.output_shape,
            "sizes": [
                {
                    "expression": relation.expression,
                    "value": relation.value,
                    "relation": relation.number,
                }
                for relation in self.relations
            ],
            "weights_per_unit": count(self.per_unit),
            "parameters": count(self.parameters),
            "multiply_adds": count(self.multiply_adds),
            "connections": count(self.connections),
            "dense_weights": count(self.dense),
            "code": [vars(notation) for notation in self.notations],
        }


@dataclass(frozen=True, kw_only=True)
class WeightedCount(LayerCount):
    """A layer with weights, of which all is counted."""

    per_unit: Count
    parameters: Count
    multiply_adds: Count
    connections: Count
    dense: Count


def shape_text(shape: Shape) -> str:
    """Rows × columns × channels, or the number of features."""
    return size_text(*shape[1:], shape[0]) if len(shape) == 3 else f"{shape[0]:,}"


def _product(*factors: int) -> str:
    return "·".join(f"{factor:,}" for factor in factors)


def _numbers(shape: Shape) -> str:
    """All numbers of a shape as a product: 28·28·6."""
    return _product(*shape[1:], shape[0])


def _dense_weights(before: Shape, after: Shape) -> Count:
    return Count(f"{_numbers(before)} · {_numbers(after)}", math.prod(before) * math.prod(after))


def _settings(
    stride: Pair, padding: Sides, dilation: Pair = (1, 1), groups: int = 1, bias: bool = True
) -> str:
    """The settings that differ from the defaults, in words."""
    words = []
    for name, values in (("stride", stride), ("dilation", dilation)):
        if values != (1, 1):
            words.append(f"{name} {axis_text(values)}")
    if any(padding):
        words.insert(len(words) if stride == (1, 1) else 1, f"padding {sides_text(padding)}")
    words += [f"{groups} groups"] if groups > 1 else []
    words += [] if bias else ["no bias"]
    return "".join(f", {word}" for word in words)


def conv_layer(
    shape: Shape,
    kernel: int | Pair,
    filters: int,
    *,
    stride: int | Pair = 1,
    padding: str | int | tuple[int, ...] = 0,
    dilation: int | Pair = 1,
    groups: int = 1,
    bias: bool = True,
) -> WeightedCount:
    """Count a convolution of an input (channels, rows, columns).

    ``padding``: see ``resolve_padding``.  Relations 1 to 6 and 15 of Dumoulin & Visin
    (2016).  Raises ShapeError where the sizes do not fit.
    """
    channels, rows, columns = _image(shape, "conv")
    size = rows, columns
    kernel, stride = shapes.pair(kernel, "kernel"), shapes.pair(stride, "stride")
    dilation = shapes.pair(dilation, "dilation")
    if filters < 1:
        raise ShapeError(f"filters: expected at least 1, got {filters}")
    sides = resolve_padding(padding, size, kernel, stride, dilation)
    relations = shapes.on_axes(
        lambda axis: conv_size(
            size[axis],
            kernel[axis],
            stride[axis],
            *shapes.along(sides, axis),
            dilation=dilation[axis],
        )
    )
    geometry = shapes.conv2d_geometry(
        channels, filters, size, kernel, stride, sides, dilation, groups
    )
    after = (filters, *geometry.output)
    per_filter = Count(_product(*kernel, channels // groups), math.prod(geometry.weight_shape[1:]))
    inside = f"({per_filter.expression} + 1)" if bias else per_filter.expression
    parameters = Count(f"{filters:,} · {inside}", filters * (per_filter.value + bias))
    places, each = math.prod(geometry.output), _product(*geometry.output)
    return WeightedCount(
        kind="conv",
        text=f"conv {size_text(*kernel)}, {filters:,} filter{'s' * (filters > 1)}"
        + _settings(stride, sides, dilation, groups, bias),
        input_shape=tuple(shape),
        output_shape=after,
        relations=relations,
        per_unit=per_filter,
        parameters=parameters,
        multiply_adds=Count(
            f"{each} · {filters:,} · {per_filter.expression}", places * filters * per_filter.value
        ),
        connections=Count(f"{each} · {parameters.value:,}", places * parameters.value),
        dense=_dense_weights(shape, after),
        notations=nn.convolution_notations(
            shape, filters, kernel, stride, sides, dilation, groups, bias
        ),
    )


def pool_layer(
    shape: Shape, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> LayerCount:
    """Count a pooling, maximum or average, whose ``stride`` is its kernel by default.

    Relation 7 of Dumoulin & Visin (2016).  Raises ShapeError.
    """
    channels, *size = _image(shape, "pool")
    kernel = shapes.pair(kernel, "kernel")
    stride = kernel if stride is None else shapes.pair(stride, "stride")
    padding = shapes.pair(padding, "padding", least=0)
    relations = tuple(
        pool_size(size[axis], kernel[axis], stride[axis], padding[axis]) for axis in (0, 1)
    )
    shapes.pool_windows(kernel, kernel, stride, padding)  # padding of at most half the kernel
    after = (channels, *(relation.value for relation in relations))
    (rows, columns), words = padding, ""
    if stride != kernel or any(padding):
        words = _settings(stride, (rows, rows, columns, columns))
    return LayerCount(
        kind="pool",
        text=f"pool {size_text(*kernel)}{words}",
        input_shape=tuple(shape),
        output_shape=after,
        relations=relations,
        connections=Count(
            f"{_numbers(after)} · {_product(*kernel)}", math.prod(after) * math.prod(kernel)
        ),
        notations=nn.pooling_notations(shape, "maximum", kernel, stride, padding),
    )


def dense_layer(shape: Shape, neurons: int, *, bias: bool = True) -> WeightedCount:
    """Count a dense layer of an input (features,).  Raises ShapeError for an image."""
    if len(shape) != 1:
        raise ShapeError(f"dense: expected flatten before it, got {shape_text(shape)}")
    (features,) = shape
    if neurons < 1:
        raise ShapeError(f"neurons: expected at least 1, got {neurons}")
    weights = _dense_weights(shape, (neurons,))
    inside = f"({features:,} + 1)" if bias else f"{features:,}"
    parameters = Count(f"{neurons:,} · {inside}", neurons * (features + bias))
    return WeightedCount(
        kind="dense",
        text=f"dense {neurons:,}{'' if bias else ', no bias'}",
        input_shape=tuple(shape),
        output_shape=(neurons,),
        per_unit=Count(f"{features:,}", features),
        parameters=parameters,
        multiply_adds=weights,
        connections=parameters,
        dense=weights,
        notations=nn.dense_notations(features, neurons, bias),
    )


def flatten_layer(shape: Shape) -> LayerCount:
    """All numbers of the input in one row."""
    after, notations = (math.prod(shape),), nn.flatten_notations(shape)
    return LayerCount("flatten", "flatten", tuple(shape), after, notations=notations)


def _image(shape: Shape, what: str) -> Shape:
    if len(shape) != 3:
        raise ShapeError(f"{what}: expected an image, got {shape_text(shape)} numbers in a row")
    if min(shape) < 1:
        raise ShapeError(f"{what}: expected an image with pixels, got {shape_text(shape)}")
    return shape


# --- layers in words ----------------------------------------------------------------------


def count_layers(shape: Shape, text: str, *, convention: str = "torch") -> list[LayerCount]:
    """Count the layers of a text such as "conv 5x5 6, pool 2, flatten, dense 10".

    ``shape``: (channels, rows, columns) or (features,).  conv KERNEL FILTERS takes
    stride, padding, dilation and groups with a value, and no-bias; pool KERNEL
    takes stride and padding; dense NEURONS takes no-bias.
    Raises SpecError for unknown words, ShapeError for sizes that do not fit; both say in which
    layer.
    """
    if not (shapes.is_integers(shape, (1,)) or shapes.is_integers(shape, (3,))):
        raise ShapeError(f"input: expected (channels, rows, columns) or (features,), got {shape!r}")
    counts = []
    for number, words in enumerate(text.split(","), 1):
        parts = words.lower().split()
        where = f"layer {number} ({' '.join(parts)})" if parts else f"layer {number}"
        try:
            counts.append(_layer(tuple(shape), parts, convention))
        except ShapeError as error:
            raise ShapeError(f"{where}: {error}") from None
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None
        shape = counts[-1].output_shape
    return counts


def _layer(shape: Shape, words: list[str], convention: str) -> LayerCount:
    kind, words = (words[0], words[1:]) if words else ("", [])
    if kind == "conv":
        (high, wide), (filters,) = _lengths(words, "KERNEL FILTERS, such as conv 5x5 6", (2, 1))
        settings = _named(words[2:], ("stride", "padding", "dilation", "groups", "no-bias"))
        settings["padding"] = padding_by(settings.get("padding", 0), convention)
        return conv_layer(shape, (high, wide), filters, **settings)
    if kind == "pool":
        ((high, wide),) = _lengths(words, "KERNEL, such as pool 2", (2,))
        settings = _named(words[1:], ("stride", "padding"))
        if isinstance(settings.get("padding"), str):
            raise SpecError(f"padding: expected a number, got {settings['padding']!r}")
        return pool_layer(shape, (high, wide), **settings)
    if kind == "dense":
        ((neurons,),) = _lengths(words, "NEURONS, such as dense 10", (1,))
        return dense_layer(shape, neurons, **_named(words[1:], ("no-bias",)))
    if kind not in ("flatten", *SHAPE_KEPT):
        raise SpecError(
            f"expected conv, pool, flatten, dense, {', '.join(SHAPE_KEPT[:-1])} or"
            f" {SHAPE_KEPT[-1]}, got {kind!r}"
        )
    # The probability of a dropout changes no count.
    if words and not (kind == "dropout" and len(words) == 1):
        raise SpecError(f"{kind}: expected nothing behind it, got {' '.join(words)!r}")
    return flatten_layer(shape) if kind == "flatten" else LayerCount(kind, kind, shape, shape)


def _whole(word: str, most: int) -> tuple[int, ...] | None:
    """5x7 as (5, 7), 5 as (5,) or, for two, (5, 5); None for anything else."""
    numbers = spelling.sizes(word)
    if numbers is None or len(numbers) > most:
        return None
    return numbers * most if len(numbers) == 1 else numbers


def _lengths(words: list[str], wanted: str, counts: tuple[int, ...]) -> list[tuple[int, ...]]:
    read = [_whole(word, most) for word, most in zip(words, counts, strict=False)]
    found = [lengths for lengths in read if lengths is not None]
    if len(found) < len(counts):
        raise SpecError(f"expected {wanted}, got {' '.join(words) or 'nothing'!r}")
    return found


def _named(words: list[str], allowed: tuple[str, ...]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    while words:
        name, *words = words
        if name not in allowed:
            raise SpecError(f"expected {', '.join(allowed)}, got {name!r}")
        if name == "no-bias":
            settings["bias"] = False
            continue
        value = words.pop(0) if words else "nothing"
        if name == "padding" and value in ("same", "valid", "full"):
            settings[name] = value
            continue
        lengths = _whole(value, 1 if name == "groups" else 2)
        if lengths is None:
            raise SpecError(f"{name}: expected a whole number, got {value!r}")
        settings[name] = lengths[0] if name == "groups" else lengths
    return settings


# --- which input each unit sees -----------------------------------------------------------


def wirings(
    size: Pair, kernel: Pair, stride: Pair = (1, 1), padding: Sides = (0, 0, 0, 0)
) -> tuple[Pair, list[Wiring]]:
    """(rows, columns) of the units, and three ways to wire them to an input of ``size``.

    Dense, local receptive fields with separate weights, and the same fields with shared weights (a
    convolution with one filter).  No biases; padding counts as input.  Raises ShapeError if the
    kernel does not fit.
    """
    conv = conv_layer((1, *size), kernel, 1, stride=stride, padding=padding, bias=False)
    _, *units = conv.output_shape
    dense = dense_layer((math.prod(size),), math.prod(units), bias=False)
    places = []  # where each unit's window lies along an axis of the padded input
    for axis in (0, 1):
        before = padding[2 * axis]
        field = ReceptiveField().through(kernel[axis], stride[axis], before)
        spans = (field.span(unit) for unit in range(units[axis]))
        places.append(np.array([np.arange(*span) + before for span in spans]))
    top, bottom, left, right = padding
    high, wide = top + size[0] + bottom, left + size[1] + right
    cells = np.arange(high * wide).reshape(high, wide)
    everything = cells[top : top + size[0], left : left + size[1]].reshape(1, -1)
    everything = everything.repeat(math.prod(units), axis=0)  # (units, inputs)
    rows, columns = places[0][:, None, :, None], places[1][None, :, None, :]
    fields = cells[rows, columns].reshape(math.prod(units), -1)  # (units, kernel cells)
    shared = np.broadcast_to(np.arange(fields.shape[1]), fields.shape)
    links = conv.connections.value
    return (units[0], units[1]), [
        Wiring(
            t("dense"),
            everything,
            _each_its_own(everything),
            dense.connections.value,
            dense.parameters.value,
        ),
        Wiring(t("local"), fields, _each_its_own(fields), links, links),
        Wiring(t("shared"), fields, shared, links, conv.parameters.value),
    ]


def _each_its_own(reads: np.ndarray) -> np.ndarray:
    return np.arange(reads.size).reshape(reads.shape)
