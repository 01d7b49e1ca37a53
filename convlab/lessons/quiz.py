"""Exercises on convolutional networks, whose answers the engine works out.

A sheet follows from its topic, its seed and the student's name alone.  Each
exercise has its numbers as data, its answers in parts, and the way to them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from convlab.errors import ShapeError, SpecError
from convlab.lessons.convolution import Convolution, convolution
from convlab.lessons.counts import conv_layer, dense_layer
from convlab.lessons.pooling import pooling
from convlab.lessons.relations import SizeRelation, conv_size, conv_transpose_size, pool_size
from convlab.numerals import MINUS, exact
from convlab.shapes import Pair, ReceptiveField, Sides, effective_kernel, pool_windows, size_text
from convlab.viz import NumberGrid, SheetExercise, SlidingWindow
from convlab.viz.quiz_sheet import LETTERS

TOPICS = (
    "output-size",
    "output-value",
    "parameters",
    "receptive-field",
    "pooling",
    "spot-the-mistake",
)
NOT_TURNED = "cross-correlation, as in PyTorch"
MOST_DRAWS = 5000  # until an exercise is suitable and new; mostly one to three are enough
MOST_TYPED = 80  # characters of an answer

Numbers = tuple[tuple[float, ...], ...]


# --- answers --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One thing that an exercise asks for.

    ``kind`` says what ``value`` is: a size (rows, columns), a number, the rows of
    a table of numbers (values), or the letter of a choice.
    """

    ask: str
    kind: str
    value: Pair | float | Numbers | str

    def __str__(self) -> str:
        if self.kind == "size":
            return size_text(*self.value)
        if self.kind == "values":
            texts = iter(exact(self.value).marked())
            return "; ".join(" ".join(next(texts) for _ in row) for row in self.value)
        if self.kind == "number":
            return _written(self.value)
        return self.value

    def check(self, text: str) -> bool:
        """Whether an answer as a student types it is right.

        Sizes: 3x4, 3 × 4 or 3,4; numbers: 7, −1.5, 3/4 or 14,450; values row by
        row.  Raises SpecError for what cannot be read.
        """
        text = " ".join(text.lower().replace(MINUS, "-").replace("×", "x").split())[:MOST_TYPED]
        if self.kind == "choice":
            letter = text.strip("().: ")
            if len(letter) != 1 or letter not in LETTERS:
                raise SpecError(f"expected one letter, such as a, got {text!r}")
            return letter == self.value
        if self.kind == "size":
            found = re.fullmatch(r"(\d{1,9}) ?[x, ] ?(\d{1,9})", text.strip("()[]"), re.ASCII)
            if found is None:
                raise SpecError(f"expected a size (rows × columns), such as 3x4, got {text!r}")
            return (int(found[1]), int(found[2])) == self.value
        if self.kind == "number":
            return _read_number(text) == Fraction(self.value)
        words = re.sub(r"[;,|()\[\]]", " ", text).split()
        wanted = [value for row in self.value for value in row]
        if len(words) != len(wanted):
            raise SpecError(
                f"expected {len(wanted)} numbers, row by row, got {len(words)} in {text!r}"
            )
        return [_read_number(word) for word in words] == [Fraction(value) for value in wanted]


def _read_number(text: str) -> Fraction:
    number = text
    if re.fullmatch(r"-?\d{1,3}([, ']\d{3})+", text, re.ASCII):
        number = re.sub("[, ']", "", text)
    elif re.fullmatch(r"-?\d*,\d+", text, re.ASCII):
        number = text.replace(",", ".")
    plain = r"[-+]?(\d{1,12}(\.\d{0,9})?|\.\d{1,9}|\d{1,9}/0*[1-9]\d{0,8})"
    if not re.fullmatch(plain, number, re.ASCII):
        raise SpecError(f"expected a number, such as 7 or 1.5, got {text!r}")
    return Fraction(number)


def _written(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}".replace("-", MINUS)
    return exact(value).marked()[0]


@dataclass(frozen=True)
class Exercise:
    """One exercise of a ``kind`` among TOPICS, its answers and the way to them.

    ``level`` is 1 (easy) to 3; ``data`` the exercise in plain numbers and words;
    ``grids`` and ``lines`` are its figure, ``choices`` its lettered answers.
    """

    kind: str
    level: int
    question: str
    data: dict[str, Any]
    parts: tuple[Part, ...]
    solution: tuple[str, ...]
    grids: tuple[NumberGrid, ...] = ()
    lines: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def has_mistake(self) -> bool:
        """Whether its figure shows a wrong number on purpose."""
        return self.kind == "spot-the-mistake"

    def answer(self) -> str:
        """All parts of the answer in one line."""
        if len(self.parts) == 1:
            return str(self.parts[0])
        return "; ".join(f"{part.ask}: {part}" for part in self.parts)

    def record(self) -> dict[str, Any]:
        """The exercise in plain numbers and words, as JSON has them."""
        return {
            "kind": self.kind,
            "level": self.level,
            "question": self.question,
            "choices": dict(zip(LETTERS, self.choices, strict=False)),
            "has_mistake": self.has_mistake,
            "data": self.data,
            "answer": {part.ask: part.value for part in self.parts},
            "solution": list(self.solution),
        }

    def picture(self) -> SheetExercise:
        """What a printed sheet shows of it."""
        return SheetExercise(
            question=self.question,
            asks=tuple(part.ask for part in self.parts),
            answer=self.answer(),
            solution=self.solution,
            grids=self.grids,
            lines=self.lines,
            choices=self.choices,
            has_mistake=self.has_mistake,
            # Values are written into the empty grid of the figure.
            answer_lines=self.kind != "pooling",
        )


def quiz(topic: str, seed: int, count: int = 5, student: str | None = None) -> tuple[Exercise, ...]:
    """A sheet of ``count`` different exercises on one of TOPICS, or on all of them in turn.

    The same arguments give the same sheet on every machine, a smaller ``count``
    the beginning of it; ``student`` gives each name a sheet of its own.
    Raises SpecError for an unknown topic.
    """
    if topic != "all" and topic not in TOPICS:
        raise SpecError(f"topic: expected one of {', '.join(TOPICS)} or all, got {topic!r}")
    key = (topic, seed, student or "")
    seen: set[str] = set()
    exercises = []
    for number, (kind, level) in zip(range(count), _plan(topic, key), strict=False):
        rng = _generator(*key, number)
        for _ in range(MOST_DRAWS):
            exercise = _MAKERS[kind](rng, level)
            if exercise is None:
                continue
            content = json.dumps([kind, exercise.data], sort_keys=True)
            if content not in seen:
                break
        else:
            raise SpecError(f"count: expected fewer exercises on {kind} than {count}")
        seen.add(content)
        exercises.append(exercise)
    return tuple(exercises)


def _generator(*key: object) -> np.random.Generator:
    """Chance that follows from ``key`` alone; Python's own hash changes with the process."""
    digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def _plan(topic: str, key: tuple) -> Iterator[tuple[str, int]]:
    """(kind, level) of one exercise after the other: a round of level 1, of 2, of 3, and again."""
    rng = _generator("plan", *key)
    level = 0
    while True:
        if topic == "all":
            for kind in rng.permutation(TOPICS):
                yield str(kind), 1 + level % 3
        else:
            yield topic, 1 + level % 3
        level += 1


# --- sizes ----------------------------------------------------------------------------------


def _pick(rng: np.random.Generator, *among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def _between(rng: np.random.Generator, lowest: int, highest: int) -> int:
    return int(rng.integers(lowest, highest + 1))


def _two(rng: np.random.Generator, lowest: int, highest: int, different: bool) -> Pair:
    """One length for both axes, or one for each."""
    first = _between(rng, lowest, highest)
    return first, _between(rng, lowest, highest) if different else first


def _table(rng: np.random.Generator, lowest: int, highest: int, *shape: int) -> np.ndarray:
    return rng.integers(lowest, highest + 1, shape).astype(np.float32)


def _whole(values: np.ndarray) -> list:
    return values.astype(int).tolist()


def _short(pair: Pair) -> str:
    """A setting: one number, or one for each axis."""
    return str(pair[0]) if pair[0] == pair[1] else size_text(*pair)


def _each(pair: Pair) -> str:
    """A setting in words that say which is which."""
    return (
        str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} along rows and {pair[1]} along columns"
    )


def _padding(padding: Pair, what: str) -> str:
    if not any(padding):
        return "no padding"
    if padding[0] == padding[1]:
        return f"{what} {padding[0]} on every side"
    return f"{what} {padding[0]} above and below and {padding[1]} left and right"


def _axis_lines(relations: Sequence[SizeRelation]) -> tuple[str, ...]:
    return tuple(
        f"{axis}: {relation}" for axis, relation in zip(("rows", "columns"), relations, strict=True)
    )


def _sides(padding: Pair) -> Sides:
    return padding[0], padding[0], padding[1], padding[1]


def _output_size(rng: np.random.Generator, level: int) -> Exercise | None:
    operation = _pick(rng, "convolution", "convolution", "max pooling", "transposed convolution")
    convolves, transposed = operation == "convolution", operation == "transposed convolution"
    hard = level == 3
    size = _two(rng, *((2, 8) if transposed else (5, 9 + 8 * level)), different=level > 1)
    kernel = _two(rng, 2, 5 if convolves else 4, different=hard)
    stride = _two(rng, 2 if transposed and not hard else 1, min(1 + level, 3), different=hard)
    padding = (0, 0)
    if convolves or level > 1:
        padding = _two(rng, 0, level, different=hard)
    dilation = _pick(rng, 1, 2, 3) if convolves and hard else 1
    extra = _between(rng, 0, min(stride) - 1) if transposed and hard else 0
    for i, k, p in zip(size, kernel, padding, strict=True):
        # A pooling may be padded by half its window at most, and more is rare elsewhere.
        if 2 * p > k or (not transposed and i + 2 * p <= dilation * (k - 1)):
            return None
    words = [f"stride {_each(stride)}"]
    words.append(_padding(padding, "zero padding" if convolves else "padding"))
    if transposed and any(padding):
        words[-1] += " (as in PyTorch: so much is cut off the output)"
    if dilation > 1:
        words.append(f"dilation {dilation}")
    if extra:
        words.append(f"output padding {extra}")
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
        question=f"A {operation} with a {'kernel' if convolves or transposed else 'window'} of"
        f" {size_text(*kernel)} runs over an input of {size_text(*size)}: {', '.join(words)}."
        " How large is the output (rows × columns)?",
        data={
            "operation": operation,
            "input": size,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            **({"dilation": dilation} if convolves else {}),
            **({"output_padding": extra} if transposed else {}),
        },
        parts=(Part("output size", "size", output),),
        solution=_axis_lines(relations),
    )


# --- values ---------------------------------------------------------------------------------


def _texts(values: np.ndarray) -> tuple[tuple[str, ...], ...]:
    texts = iter(exact(values).marked())
    return tuple(tuple(next(texts) for _ in row) for row in values)


def _empty(size: Pair, at: Pair | None = None, text: str = "?") -> tuple[tuple[str, ...], ...]:
    """A grid of empty cells, ``text`` in that at ``at``."""
    return tuple(
        tuple(text if (row, column) == at else "" for column in range(size[1]))
        for row in range(size[0])
    )


def _input_grids(example: Convolution) -> list[NumberGrid]:
    """Each channel of the input with its padding, and behind it its kernel."""
    grids = []
    channels = len(example.input)
    note = size_text(*example.input.shape[1:])
    if any(example.padding):
        note += f", zero padding {_short(example.padding[::2])}"
    kernel_note = size_text(*example.kernel.shape[2:])
    for name, pair in (("stride", example.stride), ("dilation", example.dilation)):
        if pair != (1, 1):
            kernel_note += f", {name} {_short(pair)}"
    for channel in range(channels):
        which = f" {channel}" if channels > 1 else ""
        grids += [
            NumberGrid(
                f"Input{which}", note, "input", _texts(example.stage[channel]), example.padding
            ),
            NumberGrid(f"Kernel{which}", kernel_note, "window", _texts(example.kernel[0, channel])),
        ]
    if example.bias.any():
        grids[-1] = replace(grids[-1], bias=exact(example.bias).marked()[0])
    return grids


def _step(example: Convolution, row: int, column: int) -> SlidingWindow:
    return example.picture(row * example.output.shape[2] + column)


def _settings(example: Convolution) -> dict[str, Any]:
    """A convolution as the data of an exercise; padding (rows, columns), bias a number."""
    return {
        "input": _whole(example.input),
        "kernel": _whole(example.kernel[0]),
        "bias": int(example.bias[0]),
        "stride": example.stride,
        "padding": example.padding[::2],
        "dilation": example.dilation,
    }


def _in_words(example: Convolution) -> str:
    """Stride, padding, dilation and bias, as a question says them."""
    words = [f"stride {_each(example.stride)}", _padding(example.padding[::2], "zero padding")]
    if example.dilation != (1, 1):
        words.append(f"dilation {_each(example.dilation)}")
    words.append(f"bias {exact(example.bias).marked()[0]}" if example.bias.any() else "no bias")
    return ", ".join(words)


def _output_value(rng: np.random.Generator, level: int) -> Exercise | None:
    size = _two(rng, 3 + (level > 1), 5, different=True)
    kernel = _pick(rng, (2, 2), (2, 2), (2, 3), (3, 2), (3, 3)) if level == 1 else (3, 3)
    bias = _pick(rng, -3, -2, -1, 1, 2, 3) if level > 1 else 0
    channels, stride, padding, dilation = 1, (1, 1), (0, 0), (1, 1)
    if level == 2:
        stride, padding = _pick(rng, ((2, 2), (1, 1)), ((1, 1), (1, 1)), ((2, 2), (0, 0)))
    elif level == 3:
        variant = _pick(rng, "channels", "dilation", "stride")
        if variant == "channels":
            channels, size, kernel = 2, _two(rng, 3, 4, different=True), (2, 2)
        elif variant == "dilation":
            dilation, padding, kernel = (
                (2, 2),
                _pick(rng, (0, 0), (1, 1)),
                _pick(rng, (2, 2), kernel),
            )
        else:
            stride, padding = _pick(rng, ((2, 1), (1, 1)), ((1, 2), (1, 0)), ((2, 2), (1, 1)))
    if any(
        i + 2 * p < effective_kernel(k, d)
        for i, p, k, d in zip(size, padding, kernel, dilation, strict=True)
    ):
        return None
    example = convolution(
        _table(rng, 0, 4, channels, *size),
        _table(rng, -2, 2, 1, channels, *kernel),
        np.array([bias], np.float32),
        stride=stride,
        padding=_sides(padding),
        dilation=dilation,
    )
    output = example.output[0]
    if output.size < 2:
        return None
    at = tuple(int(i) for i in np.unravel_index(rng.integers(output.size), output.shape))
    shown = _step(example, *at)
    # Enough to multiply, and a turned kernel comes out different.
    turned = _broken(example, "flip", at, 0)
    products = np.count_nonzero(shown.patch() * shown.kernel)
    if products < 3 or turned.values == output[at]:
        return None
    place = f"row {at[0]}, column {at[1]}"
    over = "two channels, each under a kernel of its own: " if channels > 1 else ""
    grids = _input_grids(example)
    size_note = size_text(*output.shape)
    grids.append(NumberGrid("Output", size_note, "output", _empty(output.shape, at), marked=at))
    return Exercise(
        kind="output-value",
        level=level,
        question=f"A convolution ({NOT_TURNED}): {over}{_in_words(example)}. Which value stands"
        f" at {place} of the output (counted from 0)?",
        data=_settings(example) | {"at": at},
        parts=(Part("value", "number", int(output[at])),),
        solution=(f"{place}: {shown.sum_text()}",),
        grids=tuple(grids),
    )


def _pooling(rng: np.random.Generator, level: int) -> Exercise | None:
    kind = _pick(rng, "max", "average")
    # Means of 2 or 4 numbers have at most two decimals.
    kernels = ((2, 2), (2, 2), (1, 2), (2, 1)) if kind == "average" else ((2, 2), (3, 3), (2, 3))
    kernel = (2, 2) if level == 1 else _pick(rng, *kernels)
    stride = kernel if level == 1 else _two(rng, 1, 3, different=level == 3)
    padding = (0, 0)
    if kind == "max" and level == 3:
        padding = _pick(rng, (0, 0), (1, 1))
    size = _two(rng, 2 + (level > 1), 6, different=True)
    if any(
        p > k // 2 or i + 2 * p < k or s > k + 1
        for p, i, k, s in zip(padding, size, kernel, stride, strict=True)
    ):
        return None
    windows = pool_windows(size, kernel, stride, padding)
    least, most = ((2, 4), (4, 6), (4, 9))[level - 1]
    if not least <= math.prod(windows.output) <= most:
        return None
    values = _table(rng, 0 if level == 1 else -4, 9, 1, *size)
    example = pooling(values, kind, kernel=kernel, stride=stride, padding=padding)
    output = example.output[0]
    if len(np.unique(output)) < min(3, output.size):
        return None
    name = "Max" if kind == "max" else "Average"
    surround = ""
    if any(padding):
        surround = f", {_padding(padding, 'padding')} (which never wins)"
    sides = _sides(padding)
    stage = np.where(np.isfinite(example.stage[0]), example.stage[0], 0)
    texts = [list(row) for row in _texts(stage)]
    for row, column in np.argwhere(~np.isfinite(example.stage[0])):
        texts[row][column] = f"{MINUS}∞"
    input_note = size_text(*size) + (f", padding {_short(padding)}" if any(padding) else "")
    steps = range(example.steps)
    pictures = [example.picture(step) for step in steps]
    return Exercise(
        kind="pooling",
        level=level,
        question=f"{name} pooling with a window of {size_text(*kernel)}, stride {_each(stride)}"
        f"{surround}: which values does the output hold?",
        data={
            "operation": kind,
            "input": _whole(values[0]),
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
        },
        parts=(Part("values, row by row", "values", tuple(tuple(row) for row in output.tolist())),),
        solution=tuple(
            f"row {shown.at[1]}, column {shown.at[2]}: {shown.sum_text()}" for shown in pictures
        ),
        grids=(
            NumberGrid("Input", input_note, "input", tuple(map(tuple, texts)), sides),
            NumberGrid("Output", size_text(*output.shape), "output", _empty(output.shape)),
        ),
    )


# --- counts ---------------------------------------------------------------------------------


def _parameters(rng: np.random.Generator, level: int) -> Exercise | None:
    bias = level < 3 or _pick(rng, True, False)
    with_bias = "each with a bias" if bias else "without biases"
    asks = (
        "How many parameters are there to learn, and how many multiply-adds does one input cost"
        " (count each product of a weight and an input{padding}, but not the adding of biases)?"
    )
    if _pick(rng, "dense", "convolution", "convolution") == "dense":
        if level == 3:
            image = (_between(rng, 1, 3), *_two(rng, 4, 12, different=True))
            features = math.prod(image)
            source = f"gets an image of {size_text(*image[1:], image[0])} (rows × columns ×"
            source += " channels), flattened, and"
        else:
            image = None
            features = _between(rng, 3, 12) if level == 1 else _between(rng, 20, 120)
            source = f"gets {features} numbers and"
        neurons = _between(rng, 2, 4 + 4 * level)
        counted = dense_layer((features,), neurons, bias=bias)
        question = f"A dense layer {source} has {neurons} neurons, {with_bias}."
        data = {"layer": "dense", "inputs": features, "neurons": neurons, "bias": bias}
        data |= {"image": image} if image else {}
        solution = []
        if image:
            solution.append(f"inputs: {'·'.join(map(str, (*image[1:], image[0])))} = {features}")
        padded = ""
    else:
        channels = 1 if level == 1 else _between(rng, 2, 6)
        size = _two(rng, 4, 6 + 3 * level, different=level > 1)
        kernel = _two(rng, 2, 5, different=True) if level == 3 else _two(rng, 2, 5, different=False)
        filters = _between(rng, 2, 6 + 2 * level)
        stride = _two(rng, 1, 2, different=False) if level > 1 else (1, 1)
        padding = _two(rng, 0, 2, different=False) if level > 1 else (0, 0)
        if any(i <= k or 2 * p >= k for i, k, p in zip(size, kernel, padding, strict=True)):
            return None
        counted = conv_layer(
            (channels, *size), kernel, filters, stride=stride, padding=_sides(padding), bias=bias
        )
        over = f"over all {channels} channels" if channels > 1 else "over the one channel"
        question = (
            f"A convolution has {filters} filters of {size_text(*kernel)} {over}, {with_bias};"
            f" its input is {size_text(*size, channels)} (rows × columns × channels), stride"
            f" {_each(stride)}, {_padding(padding, 'zero padding')}."
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
        solution = [f"output {line}" for line in _axis_lines(relations)]
        padded = ", also with zeros of the padding" if any(padding) else ""
    return Exercise(
        kind="parameters",
        level=level,
        question=f"{question} {asks.format(padding=padded)}",
        data=data,
        parts=(
            Part("parameters", "number", counted.parameters.value),
            Part("multiply-adds", "number", counted.multiply_adds.value),
        ),
        solution=(
            f"parameters: {counted.parameters}",
            *solution,
            f"multiply-adds: {counted.multiply_adds}",
        ),
    )


def _receptive_field(rng: np.random.Generator, level: int) -> Exercise | None:
    layers = []
    for _ in range(_between(rng, 2, min(2 + level, 4))):
        if layers and layers[-1]["layer"] == "convolution" and _pick(rng, True, False):
            length = _pick(rng, 2, 2, 3)
            layers.append({"layer": "pooling", "kernel": (length, length), "stride": 2})
        else:
            kernel = _pick(rng, (3, 3), (3, 3), (5, 5), (2, 2))
            if level == 3:
                kernel = _pick(rng, kernel, (3, 5), (5, 3), (1, 3), (7, 7))
            stride = 1 if level == 1 else _pick(rng, 1, 1, 2)
            layers.append({"layer": "convolution", "kernel": kernel, "stride": stride})
        layers[-1]["dilation"] = 1
        if level == 3 and layers[-1]["layer"] == "convolution":
            layers[-1]["dilation"] = _pick(rng, 1, 1, 2)
    fields = (ReceptiveField(), ReceptiveField())
    words, solution = [], []
    for layer in layers:
        kernel, stride, dilation = layer["kernel"], layer["stride"], layer["dilation"]
        name = "convolution" if layer["layer"] == "convolution" else "max pooling"
        text = f"{name} {size_text(*kernel)}, stride {stride}"
        text += f", dilation {dilation}" if dilation > 1 else ""
        words.append(text)
        spread = f"·{dilation}" if dilation > 1 else ""
        after = tuple(
            field.through(k, stride, 0, dilation) for field, k in zip(fields, kernel, strict=True)
        )
        grown = [
            f"{old.size} + ({k} {MINUS} 1){spread}·{old.stride} = {new.size}"
            for old, new, k in zip(fields, after, kernel, strict=True)
        ]
        sizes = f"r = {grown[0]}"
        if grown[0] != grown[1]:
            sizes = f"rows r = {grown[0]}, columns r = {grown[1]}"
        step = f"S = {fields[0].stride}·{stride} = {after[0].stride}"
        solution.append(f"{text}: {sizes}, {step}")
        fields = after
    if max(field.size for field in fields) > 60:
        return None
    return Exercise(
        kind="receptive-field",
        level=level,
        question=f"A network begins with {'; then '.join(words)}. How large is the receptive"
        " field of one unit behind the last of these layers (rows × columns of the input), and how"
        " many input pixels lie from one unit's field to the next one's (the effective stride)?",
        data={"layers": layers},
        parts=(
            Part("receptive field", "size", tuple(field.size for field in fields)),
            Part("effective stride", "number", fields[0].stride),
        ),
        solution=("input: r = 1, S = 1", *solution),
    )


# --- mistakes -------------------------------------------------------------------------------

RULES = ("flip", "bias", "padding", "stride", "dilation", "rounding", "column")


@dataclass(frozen=True)
class _Shown:
    """What a figure would show: a whole output, or one value, its window and its sum."""

    values: np.ndarray
    window: tuple[np.ndarray, np.ndarray] | None = None
    text: str = ""

    def same(self, other: _Shown) -> bool:
        if self.window is not None and not all(
            np.array_equal(a, b) for a, b in zip(self.window, other.window, strict=True)
        ):
            return False
        return self.text == other.text and np.array_equal(self.values, other.values)


def _broken(right: Convolution, rule: str, at: Pair | None, shift: int) -> _Shown | None:
    """The figure as it comes out when ``rule`` is broken: computed so, not made up.

    ``at`` is the cell of a figure of one step, None for one of the whole output;
    ``shift`` is -1 or 1, the columns that a window is off.  None where there is
    no such figure.
    """
    settings = {
        "stride": right.stride,
        "padding": right.padding,
        "dilation": right.dilation,
        "flip": right.flip,
    }
    bias, corner = right.bias, (0, 0)
    if rule == "flip":
        settings["flip"] = not right.flip
    elif rule == "bias":
        bias = np.zeros_like(bias)
    elif rule == "padding":
        settings["padding"] = 0
        corner = right.padding[0], right.padding[2]
    elif rule == "rounding":
        settings["padding"] = _room_for_rounding_up(right)
    elif rule == "dilation":
        settings["dilation"] = (1, 1)
    else:
        settings["stride"] = (1, 1)
    try:
        wrong = convolution(right.input, right.kernel, bias, **settings)
    except ShapeError:  # the kernel does not fit without the padding
        return None
    if at is None:
        shown = _shown(wrong)
        if rule == "stride":
            # As in a figure that is often copied: the first values of stride 1.
            shown = _Shown(shown.values[: right.output.shape[1], : right.output.shape[2]])
        return None if rule == "column" else shown
    if rule == "column":
        at = at[0] * right.stride[0], at[1] * right.stride[1] + shift
    if rule == "rounding" or not all(
        0 <= i < length for i, length in zip(at, wrong.output.shape[1:], strict=True)
    ):
        return None
    return _shown(wrong, at, corner)


def _shown(example: Convolution, at: Pair | None = None, corner: Pair = (0, 0)) -> _Shown:
    """The whole output, or one step, whose window lies ``corner`` cells further in the figure."""
    if at is None:
        return _Shown(example.output[0])
    window = tuple(
        cells + before for cells, before in zip(example.window(*at), corner, strict=True)
    )
    return _Shown(example.output[0][at], window, _step(example, *at).sum_text())


def _room_for_rounding_up(right: Convolution) -> Sides:
    """The padding with as many zeros more behind as a last window that hangs over reads."""
    top, bottom, left, behind = right.padding
    rows, columns = (
        -(length - effective_kernel(k, d)) % s
        for length, k, d, s in zip(
            right.stage.shape[1:], right.kernel.shape[2:], right.dilation, right.stride, strict=True
        )
    )
    return top, bottom + rows, left, behind + columns


def _broken_in_words(rule: str, flip: bool, shift: int) -> str:
    return {
        "flip": "the kernel was not turned" if flip else "the kernel was turned by 180 degrees",
        "bias": "the bias was left out",
        "padding": "the padding was left out",
        "stride": "the stride was taken as 1",
        "dilation": "the dilation was taken as 1",
        "rounding": "the output size was rounded up",
        "column": f"the window stands one column too far {'right' if shift > 0 else 'left'}",
    }[rule]


def _spot_the_mistake(rng: np.random.Generator, level: int) -> Exercise | None:
    # Settings under which several rules can be broken.
    kernel = _pick(rng, (2, 2), (3, 3), (2, 3))
    stride, padding, dilation, flip = (1, 1), (1, 1), (1, 1), False
    if level == 2:
        stride, padding = (2, 2), _pick(rng, (0, 0), (1, 1), (1, 1))
    elif level == 3:
        if _pick(rng, True, False):
            dilation, kernel, padding = (2, 2), _pick(rng, (2, 2), (3, 3)), (1, 1)
        else:
            stride = _pick(rng, (2, 2), (2, 1), (1, 2))
        flip = _pick(rng, True, False)
    size = _two(rng, 4 + (level > 1), 5 + (level > 1), different=True)
    bias = _pick(rng, -3, -2, -1, 1, 2, 3)
    right = convolution(
        _table(rng, 0, 4, 1, *size),
        _table(rng, -2, 2, 1, 1, *kernel),
        np.array([bias], np.float32),
        stride=stride,
        padding=_sides(padding),
        dilation=dilation,
        flip=flip,
    )
    output = right.output[0]
    if output.size < 4 or min(output.shape) < 2:
        return None
    form = _pick(rng, "whole", "step")
    at = tuple(int(i) for i in np.unravel_index(rng.integers(output.size), output.shape))
    place = at if form == "step" else None
    shift = _pick(rng, -1, 1)
    truth = _shown(right, place)
    found = {rule: _broken(right, rule, place, shift) for rule in RULES}
    found = {rule: shown for rule, shown in found.items() if shown is not None}
    # A rule that does not apply, such as a bias that is 0, leaves the figure as it is.
    found = {rule: shown for rule, shown in found.items() if not shown.same(truth)}
    if len(found) < 3:
        return None
    # Twice as often what only some settings allow.
    mistake = _pick(rng, *found, *(rule for rule in found if rule not in ("flip", "bias")))
    shown = found.pop(mistake)
    if any(shown.same(other) for other in found.values()):
        return None
    # The value that is asked for is one that the figure has wrong, but for a size rounded up.
    if form == "step":
        differs = shown.values != output[at]
    else:
        rows, columns = (min(a, b) for a, b in zip(shown.values.shape, output.shape, strict=True))
        wrong = np.argwhere(shown.values[:rows, :columns] != output[:rows, :columns])
        differs = len(wrong) > 0
        if differs:
            at = tuple(int(i) for i in wrong[rng.integers(len(wrong))])
    if not differs and mistake != "rounding":
        return None
    others = [str(rule) for rule in rng.permutation(list(found))][:3]
    offered = [str(rule) for rule in rng.permutation([mistake, *others])]
    choices = tuple(_broken_in_words(rule, flip, shift) for rule in offered)
    letter = LETTERS[offered.index(mistake)]
    named = f"row {at[0]}, column {at[1]}"
    sort = "true convolution: the kernel is turned by 180 degrees first" if flip else NOT_TURNED
    grids = _input_grids(right)
    if form == "step":
        grids[0] = replace(grids[0], window=tuple(tuple(cells.tolist()) for cells in shown.window))
        value = exact(shown.values).marked()[0]
        given = NumberGrid(
            "Output", size_text(*output.shape), "output", _empty(output.shape, at, value), marked=at
        )
        lines = (f"{named}: {shown.text}",)
        asks = f"what is the right value at {named} (counted from 0)?"
        parts = ()
    else:
        note = size_text(*shown.values.shape)
        given = NumberGrid("Output", note, "output", _texts(shown.values))
        lines = ()
        asks = f"what are the right output size and the right value at {named} (counted from 0)?"
        parts = (Part("output size", "size", tuple(output.shape)),)
    return Exercise(
        kind="spot-the-mistake",
        level=level,
        question=f"A convolution ({sort}): {_in_words(right)}. The figure breaks exactly one"
        f" rule: which one, and {asks}",
        data=_settings(right)
        | {
            "flip": flip,
            "form": form,
            "at": at,
            "mistake": mistake,
            "shift": shift if "column" in offered else 0,
            "offered": offered,
            "shown": _whole(shown.values),
        },
        parts=(
            Part("mistake", "choice", letter),
            *parts,
            Part(f"value at {named}", "number", int(output[at])),
        ),
        solution=(
            f"{letter}: {choices[LETTERS.index(letter)]}",
            *(f"output {line}" for line in _axis_lines(right.relations) if form == "whole"),
            f"right value at {named}: {_step(right, *at).sum_text()}",
        ),
        grids=(*grids, given),
        lines=lines,
        choices=choices,
    )


_MAKERS: dict[str, Callable[[np.random.Generator, int], Exercise | None]] = {
    "output-size": _output_size,
    "output-value": _output_value,
    "parameters": _parameters,
    "receptive-field": _receptive_field,
    "pooling": _pooling,
    "spot-the-mistake": _spot_the_mistake,
}
