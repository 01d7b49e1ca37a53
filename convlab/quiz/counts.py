"""Exercises on sizes, parameters and receptive fields."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from convlab.lessons.counts import WeightedCount, conv_layer, dense_layer
from convlab.lessons.relations import conv_size, conv_transpose_size, pool_size
from convlab.numerals import MINUS
from convlab.quiz.drawing import (
    axis_lines,
    between,
    four_sides,
    padding_words,
    pair_between,
    pick,
    stride_words,
)
from convlab.quiz.exercise import Exercise, Part
from convlab.shapes import ReceptiveField, size_text
from convlab.words import joined, t

_OPERATIONS = {
    "convolution": t("A convolution with a kernel"),
    "transposed convolution": t("A transposed convolution with a kernel"),
    "max pooling": t("A max pooling with a window"),
}

# What was counted, the question, what it says of padding, its data, and lines of the solution.
_Asked = tuple[WeightedCount, str, str, dict[str, Any], list[str]]


def output_size(rng: np.random.Generator, level: int) -> Exercise | None:
    operation = pick(rng, "convolution", "convolution", "max pooling", "transposed convolution")
    convolves, transposed = operation == "convolution", operation == "transposed convolution"
    hard = level == 3
    size = pair_between(rng, *((2, 8) if transposed else (5, 9 + 8 * level)), different=level > 1)
    kernel = pair_between(rng, 2, 5 if convolves else 4, different=hard)
    stride = pair_between(
        rng, 2 if transposed and not hard else 1, min(1 + level, 3), different=hard
    )
    padding = (0, 0)
    if convolves or level > 1:
        padding = pair_between(rng, 0, level, different=hard)
    dilation = pick(rng, 1, 2, 3) if convolves and hard else 1
    extra = between(rng, 0, min(stride) - 1) if transposed and hard else 0
    for i, k, p in zip(size, kernel, padding, strict=True):
        # A pooling may be padded by at most half its window, and more is rare elsewhere.
        if 2 * p > k or (not transposed and i + 2 * p <= dilation * (k - 1)):
            return None
    words = [stride_words(stride), padding_words(padding, convolves)]
    if transposed and any(padding):
        words[-1] += t(" (as in PyTorch: so much is cut off the output)")
    if dilation > 1:
        words.append(t("dilation {step}", dilation))
    if extra:
        words.append(t("output padding {extra}", extra))
    relations = []
    for i, k, s, p in zip(size, kernel, stride, padding, strict=True):
        if convolves:
            relations.append(conv_size(i, k, s, p, p, dilation))
        elif transposed:
            relations.append(conv_transpose_size(i, k, s, p, p, extra))
        else:
            relations.append(pool_size(i, k, s, p))
    output = tuple(relation.value for relation in relations)
    if min(output) < 2:
        return None
    return Exercise(
        kind="output-size",
        level=level,
        question=t(
            "{operation} of {size} runs over an input of {size2}: {settings}. How large is the"
            " output (rows × columns)?",
            *(_OPERATIONS[operation], size_text(*kernel), size_text(*size), joined(words)),
        ),
        data={
            "operation": operation,
            "input": size,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            **({"dilation": dilation} if convolves else {}),
            **({"output_padding": extra} if transposed else {}),
        },
        parts=(Part(t("output size"), "size", output),),
        solution=axis_lines(relations),
        form=(operation, dilation > 1, extra > 0),
    )


def parameter_count(rng: np.random.Generator, level: int) -> Exercise | None:
    bias = level < 3 or pick(rng, True, False)
    dense = pick(rng, "dense", "convolution", "convolution") == "dense"
    asked = (_of_dense if dense else _of_convolution)(rng, level, bias)
    if asked is None:
        return None
    counted, question, padded, data, solution = asked
    return Exercise(
        kind="parameters",
        level=level,
        question=t(
            "{question} How many parameters are there to learn, and how many multiply-adds does"
            " one input cost (count each product of a weight and an input{padding}, but not the"
            " adding of biases)?",
            *(question, padded),
        ),
        data=data,
        parts=(
            Part(t("parameters"), "number", counted.parameters.value),
            Part(t("multiply-adds"), "number", counted.multiply_adds.value),
        ),
        solution=(
            t("parameters: {count}", str(counted.parameters)),
            *solution,
            t("multiply-adds: {count}", str(counted.multiply_adds)),
        ),
        form=(data["layer"], "image" in data, bias),
    )


def _with_bias(bias: bool) -> str:
    return t("each with a bias") if bias else t("without biases")


def _of_dense(rng: np.random.Generator, level: int, bias: bool) -> _Asked | None:
    if level == 3:
        image = (between(rng, 1, 3), *pair_between(rng, 4, 12, different=True))
        features = math.prod(image)
        source = t(
            "an image of {size} (rows × columns × channels), flattened,",
            size_text(*image[1:], image[0]),
        )
    else:
        image = None
        features = between(rng, 3, 12) if level == 1 else between(rng, 20, 120)
        source = t("{features} numbers", features)
    neurons = between(rng, 2, 4 + 4 * level)
    counted = dense_layer((features,), neurons, bias=bias)
    question = t(
        "A dense layer gets {source} and has {neurons} neurons, {bias}.",
        *(source, neurons, _with_bias(bias)),
    )
    data = {"layer": "dense", "inputs": features, "neurons": neurons, "bias": bias}
    data |= {"image": image} if image else {}
    solution = []
    if image:
        product = "·".join(map(str, (*image[1:], image[0])))
        solution.append(t("inputs: {product} = {features}", product, features))
    return counted, question, "", data, solution


def _of_convolution(rng: np.random.Generator, level: int, bias: bool) -> _Asked | None:
    channels = 1 if level == 1 else between(rng, 2, 6)
    size = pair_between(rng, 4, 6 + 3 * level, different=level > 1)
    kernel = pair_between(rng, 2, 5, different=level == 3)
    filters = between(rng, 2, 6 + 2 * level)
    stride = pair_between(rng, 1, 2, different=False) if level > 1 else (1, 1)
    padding = pair_between(rng, 0, 2, different=False) if level > 1 else (0, 0)
    if any(i <= k or 2 * p >= k for i, k, p in zip(size, kernel, padding, strict=True)):
        return None
    counted = conv_layer(
        (channels, *size),
        kernel,
        filters,
        stride=stride,
        padding=four_sides(padding),
        bias=bias,
    )
    over = t("over the one channel")
    if channels > 1:
        over = t("over all {channels} channels", channels)
    question = t(
        "A convolution has {filters} filters of {size} {over}, {bias}; its input is {size2}"
        " (rows × columns × channels), {stride}, {padding}.",
        *(filters, size_text(*kernel), over, _with_bias(bias), size_text(*size, channels)),
        *(stride_words(stride), padding_words(padding)),
    )
    data = {
        "layer": "convolution",
        "input": (channels, *size),
        "kernel": kernel,
        "filters": filters,
        "stride": stride,
        "padding": padding,
        "bias": bias,
    }
    relations = counted.relations
    solution = [t("output {line}", line) for line in axis_lines(relations)]
    padded = t(", also with zeros of the padding") if any(padding) else ""
    return counted, question, padded, data, solution


def field_size(rng: np.random.Generator, level: int) -> Exercise | None:
    layers: list[dict[str, Any]] = []
    for _ in range(between(rng, 2, min(2 + level, 4))):
        if layers and layers[-1]["layer"] == "convolution" and pick(rng, True, False):
            length = pick(rng, 2, 2, 3)
            layers.append({"layer": "pooling", "kernel": (length, length), "stride": 2})
        else:
            kernel = pick(rng, (3, 3), (3, 3), (5, 5), (2, 2))
            if level == 3:
                kernel = pick(rng, kernel, (3, 5), (5, 3), (1, 3), (7, 7))
            stride = 1 if level == 1 else pick(rng, 1, 1, 2)
            layers.append({"layer": "convolution", "kernel": kernel, "stride": stride})
        layers[-1]["dilation"] = 1
        if level == 3 and layers[-1]["layer"] == "convolution":
            layers[-1]["dilation"] = pick(rng, 1, 1, 2)
    fields = (ReceptiveField(), ReceptiveField())
    words, solution = [], []
    for layer in layers:
        kernel, stride, dilation = layer["kernel"], layer["stride"], layer["dilation"]
        name = t("convolution") if layer["layer"] == "convolution" else t("max pooling")
        text = t("{name} {size}, stride {stride}", name, size_text(*kernel), stride)
        text += t(", dilation {step}", dilation) if dilation > 1 else ""
        words.append(text)
        spread = f"·{dilation}" if dilation > 1 else ""
        rows, columns = fields
        after = (
            rows.through(kernel[0], stride, 0, dilation),
            columns.through(kernel[1], stride, 0, dilation),
        )
        grown = [
            f"{old.size} + ({k} {MINUS} 1){spread}·{old.stride} = {new.size}"
            for old, new, k in zip(fields, after, kernel, strict=True)
        ]
        sizes = f"r = {grown[0]}"
        if grown[0] != grown[1]:
            sizes = t("rows r = {rows}, columns r = {columns}", *grown)
        step = f"S = {fields[0].stride}·{stride} = {after[0].stride}"
        solution.append(t("{text}: {sizes}, {step}", text, sizes, step))
        fields = after
    if max(field.size for field in fields) > 60:
        return None
    before = words[0]
    for text in words[1:]:
        before = t("{before}; then {layer}", before, text)
    return Exercise(
        kind="receptive-field",
        level=level,
        question=t(
            "A network begins with {layers}. How large is the receptive field of one unit behind"
            " the last of these layers (rows × columns of the input), and how many input pixels lie"
            " from one unit's field to the next one's (the effective stride)?",
            before,
        ),
        data={"layers": layers},
        parts=(
            Part(t("receptive field"), "size", tuple(field.size for field in fields)),
            Part(t("effective stride"), "number", fields[0].stride),
        ),
        solution=(t("input: r = 1, S = 1"), *solution),
        form=tuple(layer["layer"] for layer in layers),
    )
