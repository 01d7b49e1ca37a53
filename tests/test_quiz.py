"""Exercises: every answer against a reference of its own, every mistake a real one."""

import itertools
import json
import math
import re
import signal
import subprocess
import sys
import time
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from convlab import viz
from convlab.errors import SpecError
from convlab.quiz import RULES, TOPICS, Exercise, Key, Part, Sheet, quiz
from convlab.viz.quiz_sheet import LETTERS, WITH_A_MISTAKE

SEEDS = range(17)
COUNT = 12


@cache
def exercises(topic) -> list[Exercise]:
    """Hundreds of exercises of one topic."""
    return [exercise for seed in SEEDS for exercise in quiz(topic, seed, COUNT)]


def answer(exercise, ask) -> object:
    (part,) = (part for part in exercise.parts if part.ask == ask)
    return part.value


# --- references: loops over positions, nothing of ours ---------------------------------------


def starts(size, kernel, stride, padding, dilation=1, behind=None):
    """Where windows begin in the padded axis: all that end inside."""
    padded = size + padding + (padding if behind is None else behind)
    return [at for at in range(0, padded, stride) if at + dilation * (kernel - 1) < padded]


def convolve(x, w, bias, stride=(1, 1), padding=(0, 0), dilation=(1, 1), flip=False, more=(0, 0)):
    """x (C, H, W), w (C, KH, KW); ``more`` zeros at the bottom and at the right."""
    x, w = np.asarray(x), np.asarray(w)
    if flip:
        w = w[:, ::-1, ::-1]
    (p, q), (m, n) = padding, more
    x = np.pad(x, ((0, 0), (p, p + m), (q, q + n)))
    tall, wide = (d * (k - 1) + 1 for d, k in zip(dilation, w.shape[1:], strict=True))
    rows = range(0, x.shape[1] - tall + 1, stride[0])
    columns = range(0, x.shape[2] - wide + 1, stride[1])
    y = np.zeros((len(rows), len(columns)), int)
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        patch = x[:, row : row + tall : dilation[0], column : column + wide : dilation[1]]
        y[i, j] = (patch * w).sum() + bias
    return y


# --- sheets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [*TOPICS, "all"])
def test_the_same_seed_gives_the_same_sheet_and_another_one_another(topic):
    first = quiz(topic, 3, 6)
    assert quiz(topic, 3, 6) == first
    assert quiz(topic, 3, 4) == first[:4]
    questions = [
        [(e.kind, e.data) for e in sheet]
        for sheet in (first, quiz(topic, 4, 6), quiz(topic, 3, 6, "Ada"), quiz(topic, 3, 6, "Bo"))
    ]
    assert all(one != other for one, other in itertools.combinations(questions, 2))


@pytest.mark.parametrize("topic", [*TOPICS, "all"])
def test_no_exercise_comes_twice_in_a_sheet(topic):
    sheet = quiz(topic, 1, 60)
    assert len({json.dumps([e.kind, e.data]) for e in sheet}) == 60
    assert {e.level for e in sheet} == {1, 2, 3}


def test_all_is_a_mix_of_every_topic():
    for seed in range(5):
        kinds = [e.kind for e in quiz("all", seed, 14)]
        assert set(kinds[:7]) == set(kinds[7:]) == set(TOPICS)


def test_unknown_topic():
    topics = "output-size, output-value, parameters, receptive-field, pooling, backpropagation,"
    topics += " spot-the-mistake"
    with pytest.raises(SpecError, match=f"^topic: expected one of {topics} or all, got 'dense'$"):
        quiz("dense", 0)


@pytest.mark.sample(3)
@pytest.mark.parametrize("topic", TOPICS)
def test_exercises_are_for_the_hand(topic):
    for exercise in exercises(topic):
        assert len(exercise.question) < 500 and exercise.question.rstrip(")").endswith("?")
        for grid in exercise.grids:
            assert grid.rows <= 8 and grid.columns <= 8
            assert {len(row) for row in grid.cells} == {grid.columns}
        for part in exercise.parts:
            assert part.check(str(part))
            values = np.ravel(part.value) if part.kind != "choice" else [0]
            assert max(abs(float(value)) for value in values) < 200_000
        if topic in ("output-value", "pooling", "spot-the-mistake"):
            assert "counted from 0" in exercise.question or topic == "pooling"
        if topic in ("output-value", "backpropagation", "spot-the-mistake"):
            turned = exercise.data.get("flip", False)
            said = "true convolution" if turned else "cross-correlation, as in PyTorch"
            assert said in exercise.question
        json.dumps(exercise.record())


def worth(expression: str) -> Fraction:
    """What an expression of a solution comes to, by Python's own arithmetic."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", expression)
    text = text.replace("\u2212", "-").replace("·", "*").replace("∞", "math.inf")
    text = text.replace("⌊", "math.floor(").replace("⌋", ")")
    return eval(text, {"math": math, "max": max})


@pytest.mark.parametrize("topic", TOPICS)
def test_every_line_of_every_solution_is_true(topic):
    checked = 0
    for exercise in exercises(topic):
        for line in exercise.solution:
            line = line.rsplit(": ", 1)[1]
            for step in [line] if "max(" in line else line.split(", "):
                step = re.sub(r"^(rows |columns )?[rS] = ", "", step)
                if " = " not in step:
                    continue
                expression, value = step.rsplit(" = ", 1)
                assert worth(expression) == worth(value), (line, exercise)
                checked += 1
        last = exercise.solution[-1].rsplit(" = ", 1)[1]
        if topic in ("output-value", "spot-the-mistake", "parameters"):
            assert worth(last) == exercise.parts[-1].value
    assert checked >= len(exercises(topic))


# --- answers -----------------------------------------------------------------------------------


def test_output_sizes():
    operations = set()
    for exercise in exercises("output-size"):
        data = exercise.data
        operations.add(data["operation"])
        sizes = []
        for axis in (0, 1):
            size, kernel, stride, padding = (
                data[name][axis] for name in ("input", "kernel", "stride", "padding")
            )
            if data["operation"] == "transposed convolution":
                painted = {at * stride + k for at in range(size) for k in range(kernel)}
                sizes.append(1 + max(painted) + data["output_padding"] - 2 * padding)
            else:
                dilation = data.get("dilation", 1)
                sizes.append(len(starts(size, kernel, stride, padding, dilation)))
        assert answer(exercise, "output size") == tuple(sizes), exercise
    assert operations == {"convolution", "max pooling", "transposed convolution"}


def test_output_sizes_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for exercise in exercises("output-size"):
        data = exercise.data
        x, w = torch.zeros(1, 1, *data["input"]), torch.zeros(1, 1, *data["kernel"])
        settings = {"stride": data["stride"], "padding": data["padding"]}
        if data["operation"] == "convolution":
            y = functional.conv2d(x, w, **settings, dilation=data["dilation"])
        elif data["operation"] == "max pooling":
            y = functional.max_pool2d(x, data["kernel"], **settings)
        else:
            extra = data["output_padding"]
            y = functional.conv_transpose2d(x, w, **settings, output_padding=extra)
        assert answer(exercise, "output size") == tuple(y.shape[2:])


def test_output_values():
    channels = set()
    for exercise in exercises("output-value"):
        data = exercise.data
        names = ("input", "kernel", "bias", "stride", "padding", "dilation")
        output = convolve(*(data[name] for name in names))
        assert answer(exercise, "value") == output[data["at"]], exercise
        turned = convolve(*(data[name] for name in names), flip=True)
        assert output[data["at"]] != turned[data["at"]]
        channels.add(len(data["kernel"]))
        (marked,) = (grid for grid in exercise.grids if grid.marked)
        assert (marked.rows, marked.columns, marked.marked) == (*output.shape, data["at"])
    assert channels == {1, 2}


def test_parameters_and_multiply_adds():
    layers = set()
    for exercise in exercises("parameters"):
        data = exercise.data
        layers.add((data["layer"], data["bias"]))
        if data["layer"] == "dense":
            weights = data["inputs"] * data["neurons"]
            units, places = data["neurons"], 1
            assert data["inputs"] == math.prod(data.get("image", [data["inputs"]]))
        else:
            channels, *size = data["input"]
            weights = data["filters"] * channels * math.prod(data["kernel"])
            units = data["filters"]
            axes = zip(size, data["kernel"], data["stride"], data["padding"], strict=True)
            places = math.prod(len(starts(*axis)) for axis in axes)
        assert answer(exercise, "parameters") == weights + data["bias"] * units
        assert answer(exercise, "multiply-adds") == weights * places
    assert layers == {(kind, bias) for kind in ("dense", "convolution") for bias in (True, False)}


def test_parameters_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    for exercise in exercises("parameters"):
        data = exercise.data
        if data["layer"] == "dense":
            layer = torch.nn.Linear(data["inputs"], data["neurons"], bias=data["bias"])
        else:
            sizes = data["input"][0], data["filters"], data["kernel"]
            settings = {"stride": data["stride"], "padding": data["padding"]}
            layer = torch.nn.Conv2d(*sizes, **settings, bias=data["bias"])
        count = sum(parameter.numel() for parameter in layer.parameters())
        assert answer(exercise, "parameters") == count


def test_receptive_fields():
    """Against the pixels that two neighbouring units read, layer by layer from above."""
    for exercise in exercises("receptive-field"):
        sizes, strides = [], []
        for axis in (0, 1):
            read = [{0}, {1}]
            for layer in reversed(exercise.data["layers"]):
                reach = [layer["dilation"] * k for k in range(layer["kernel"][axis])]
                read = [{at * layer["stride"] + r for at in unit for r in reach} for unit in read]
            sizes.append(max(read[0]) - min(read[0]) + 1)
            strides.append(min(read[1]) - min(read[0]))
        assert answer(exercise, "receptive field") == tuple(sizes)
        assert [answer(exercise, "effective stride")] * 2 == strides


def test_pooling():
    kinds = set()
    for exercise in exercises("pooling"):
        data = exercise.data
        kinds.add((data["operation"], any(data["padding"])))
        p, q = data["padding"]
        x = np.pad(np.array(data["input"], float), ((p, p), (q, q)), constant_values=-np.inf)
        combine = {"max": np.max, "average": np.mean}[data["operation"]]
        rows, columns = (
            starts(*axis)
            for axis in zip(
                np.shape(data["input"]),
                data["kernel"],
                data["stride"],
                data["padding"],
                strict=True,
            )
        )
        height, width = data["kernel"]
        output = [[combine(x[r : r + height, c : c + width]) for c in columns] for r in rows]
        values = answer(exercise, "values, row by row")
        assert [list(row) for row in values] == output
        # Nobody has to write more than two decimals.
        assert all(value * 100 == int(value * 100) for row in values for value in row)
    assert kinds == {("max", False), ("max", True), ("average", False)}


def test_gradients():
    """Against sums over the positions of the window, each output's gradient times what it read."""
    asked = set()
    for exercise in exercises("backpropagation"):
        data = exercise.data
        x, w, arriving = (np.array(data[name]) for name in ("input", "kernel", "output_gradient"))
        (s, t), (p, q) = data["stride"], data["padding"]
        padded = np.pad(x, ((p, p), (q, q)))
        of_kernel, of_input = np.zeros(w.shape), np.zeros(padded.shape)
        for i, j in np.ndindex(*arriving.shape):
            window = slice(i * s, i * s + w.shape[0]), slice(j * t, j * t + w.shape[1])
            of_kernel += arriving[i, j] * padded[window]
            of_input[window] += arriving[i, j] * w
        of_input = of_input[p : p + x.shape[0], q : q + x.shape[1]]
        expected = of_kernel if data["of"] == "kernel" else of_input
        assert np.array_equal(exercise.parts[0].value, expected), exercise
        written = [line.rsplit(" = ", 1)[1] for line in exercise.solution[1:]]
        assert [worth(text) for text in written] == expected.ravel().tolist()
        given, _, empty = exercise.grids
        shown = padded if data["of"] == "kernel" else w
        assert [[worth(text) for text in row] for row in given.cells] == shown.tolist()
        assert (empty.rows, empty.columns) == expected.shape
        asked.add((data["of"], exercise.level, s, p))
    assert {(of, level) for of, level, _, _ in asked} == {
        *(("kernel", 1), ("input", 2), ("kernel", 3), ("input", 3))
    }
    assert {(s, p) for _, _, s, p in asked} == {(1, 0), (1, 1), (2, 0), (2, 1)}


def test_gradients_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    for exercise in exercises("backpropagation"):
        data = exercise.data
        x, w, arriving = (
            torch.tensor(data[name], dtype=torch.float64)[None, None]
            for name in ("input", "kernel", "output_gradient")
        )
        x.requires_grad_(), w.requires_grad_()
        settings = {"stride": data["stride"], "padding": data["padding"]}
        torch.nn.functional.conv2d(x, w, **settings).backward(arriving)
        gradient = w.grad if data["of"] == "kernel" else x.grad
        assert np.array_equal(exercise.parts[0].value, gradient[0, 0])


# --- mistakes ------------------------------------------------------------------------------------


def broken(data, rule):
    """The output under a broken rule, and where the value of each output cell comes from."""
    x, w, bias = np.array(data["input"]), np.array(data["kernel"]), data["bias"]
    settings = {name: tuple(data[name]) for name in ("stride", "padding", "dilation")}
    settings["flip"] = data["flip"]
    if rule == "flip":
        settings["flip"] = not data["flip"]
    elif rule == "bias":
        bias = 0
    elif rule == "padding":
        settings["padding"] = (0, 0)
    elif rule in ("stride", "column"):
        settings["stride"] = (1, 1)
    elif rule == "dilation":
        settings["dilation"] = (1, 1)
    elif rule == "rounding":
        more = []
        for size, kernel, stride, padding, dilation in zip(
            x.shape[1:], w.shape[1:], *(settings[n] for n in list(settings)[:3]), strict=True
        ):
            free = size + 2 * padding - dilation * (kernel - 1) - 1
            more.append(math.ceil(free / stride) * stride - free)
        settings["more"] = tuple(more)
    return convolve(x, w, bias, **settings)


def shown_under(data, rule):
    """What the figure shows under a broken rule: an output, or (corner of the window, value)."""
    output = broken(data, rule)
    if data["form"] == "whole":
        if rule == "stride":
            right = broken(data, None)
            output = output[: right.shape[0], : right.shape[1]]
        return output.tolist()
    at = data["at"]
    if rule == "column":
        at = at[0] * data["stride"][0], at[1] * data["stride"][1] + data["shift"]
    return int(output[at]) if all(a < n for a, n in zip(at, output.shape, strict=True)) else None


def test_right_answers_of_figures_with_a_mistake():
    for exercise in exercises("spot-the-mistake"):
        right = broken(exercise.data, None)
        row, column = exercise.data["at"]
        assert answer(exercise, f"value at row {row}, column {column}") == right[row, column]
        if exercise.data["form"] == "whole":
            assert answer(exercise, "output size") == right.shape
        letter = answer(exercise, "mistake")
        assert exercise.data["offered"][LETTERS.index(letter)] == exercise.data["mistake"]
        assert len(set(exercise.choices)) == len(exercise.choices) in (3, 4)


def test_every_mistake_is_computed_under_the_wrong_rule_and_differs():
    seen = set()
    for exercise in exercises("spot-the-mistake"):
        data = exercise.data
        seen.add((data["mistake"], data["form"]))
        right = broken(data, None)
        assert data["shown"] == shown_under(data, data["mistake"]), exercise
        if data["form"] == "step":
            assert data["shown"] != right[data["at"]]
        else:
            assert data["shown"] != right.tolist()
            shown = np.array(data["shown"])
            if data["mistake"] != "rounding":  # which has its own values right
                assert shown[data["at"]] != right[data["at"]]
    both = {"flip", "bias", "padding", "stride", "dilation"}
    assert seen == {(rule, form) for rule in both for form in ("whole", "step")} | {
        ("rounding", "whole"),
        ("column", "step"),
    }
    assert {rule for rule, _ in seen} == set(RULES)


def test_no_other_offered_rule_explains_the_figure():
    for exercise in exercises("spot-the-mistake"):
        data = exercise.data
        for rule in data["offered"]:
            if rule == data["mistake"]:
                continue
            same = shown_under(data, rule) == data["shown"]
            # In a figure of one step, window and sum tell apart what gives the same value.
            assert not (same and data["form"] == "whole"), exercise
            applies = {"padding": any(data["padding"]), "bias": data["bias"] != 0}
            applies |= {name: data[name] != (1, 1) for name in ("stride", "dilation")}
            assert applies.get(rule, True)


def test_the_figure_of_a_step_is_what_its_rule_reads():
    """Window and written sum against the rule, in cells of the padded input."""
    for exercise in exercises("spot-the-mistake"):
        data, grid = exercise.data, exercise.grids[0]
        if data["form"] != "step":
            assert grid.window is None and exercise.lines == ()
            continue
        mistake, at = data["mistake"], data["at"]
        stride = (1, 1) if mistake == "stride" else data["stride"]
        dilation = (1, 1) if mistake == "dilation" else data["dilation"]
        corner = data["padding"] if mistake == "padding" else (0, 0)
        shift = (
            {"right": 1, "left": -1}[exercise.solution[0].split()[-1]]
            if (mistake == "column")
            else 0
        )
        shape = np.shape(data["kernel"])[1:]
        rows, columns = (
            tuple(at[i] * stride[i] + corner[i] + dilation[i] * k for k in range(shape[i]))
            for i in (0, 1)
        )
        assert grid.window == (rows, tuple(column + shift for column in columns))
        (line,) = exercise.lines
        expression, value = line.split(": ")[1].rsplit(" = ", 1)
        assert worth(expression) == worth(value) == data["shown"]
        bias = data["bias"] if mistake != "bias" else 0
        written = exercise.grids[0].cells
        turned = data["flip"] != (mistake == "flip")
        kernel = np.array(data["kernel"][0])[:: -1 if turned else 1, :: -1 if turned else 1]
        cells = [[worth(written[r][c]) for c in grid.window[1]] for r in grid.window[0]]
        assert data["shown"] == (np.array(cells) * kernel).sum() + bias
        output = exercise.grids[-1]
        assert worth(output.cells[at[0]][at[1]]) == data["shown"] and output.marked == at


def test_grids_show_the_numbers_of_the_exercise():
    def numbers(cells):
        return [[worth(text) for text in row] for row in cells]

    for exercise in exercises("spot-the-mistake"):
        data, (given, kernel, output) = exercise.data, exercise.grids
        p, q = data["padding"]
        assert numbers(given.cells) == np.pad(data["input"][0], ((p, p), (q, q))).tolist()
        assert numbers(kernel.cells) == data["kernel"][0]
        assert worth(kernel.bias.removeprefix("bias ")) == data["bias"]
        if data["form"] == "whole":
            assert numbers(output.cells) == data["shown"]


# --- what students type ------------------------------------------------------------------------

SIZE = Part("output size", "size", (3, 4))
VALUES = Part("values", "values", ((1.5, -2.0), (0.25, 7.0)))


@pytest.mark.parametrize(
    ("part", "right", "wrong"),
    [
        (
            SIZE,
            ["3x4", "3 x 4", "3 × 4", "3,4", " (3, 4) ", "3X4", "3 4", "03x04"],
            ["4x3", "3x40"],
        ),
        (
            Part("parameters", "number", 14450),
            ["14450", "14,450", "14 450", "14450.0", " 14'450", "+14450"],
            ["14.450", "1445", "-14450"],
        ),
        (Part("value", "number", -3), ["-3", "\u22123", "-3.0", "-6/2"], ["3", "\u221233"]),
        (Part("value", "number", 1.5), ["1.5", "1,5", "3/2", "1.50"], ["15", "1.6"]),
        (Part("value", "number", 0.5), [".5", "0.5", "1/2"], ["5", "0"]),
        (
            VALUES,
            ["1.5 -2; 0.25 7", "1.5, -2, 0.25, 7", "[[1.5 \u22122] [1/4 7]]", "3/2 -2 | .25 7.0"],
            ["1.5 2; 0.25 7", "-2 1.5 0.25 7"],
        ),
        (Part("mistake", "choice", "b"), ["b", "B", "(b)", "b)", " b. "], ["a", "h"]),
    ],
)
def test_answers_in_many_forms(part, right, wrong):
    assert [text for text in right if not part.check(text)] == []
    assert [text for text in wrong if part.check(text)] == []


@pytest.mark.parametrize(
    ("part", "typed", "message"),
    [
        (SIZE, "12", r"^expected a size \(rows × columns\), such as 3x4, got '12'$"),
        (SIZE, "3x4x5", "^expected a size"),
        (SIZE, "", "^expected a size"),
        (SIZE, "x" * 10_000, "^expected a size.{1,150}$"),
        (Part("n", "number", 7), "seven", "^expected a number, such as 7 or 1.5, got 'seven'$"),
        (Part("n", "number", 7), "1/0", "^expected a number"),
        (Part("n", "number", 7), "1e99999999", "^expected a number"),
        (Part("n", "number", 7), "٧", "^expected a number"),
        (VALUES, "1 2 3", "^expected 4 numbers, row by row, got 3 in '1 2 3'$"),
        (VALUES, "1 2 3 four", "^expected a number"),
        (Part("m", "choice", "b"), "bias", "^expected one letter, such as a, got 'bias'$"),
        (Part("m", "choice", "b"), "z", "^expected one letter"),
    ],
)
def test_answers_that_cannot_be_read(part, typed, message):
    with pytest.raises(SpecError, match=message):
        part.check(typed)


# --- printed sheets ----------------------------------------------------------------------------


def sheet(topic, seed, count, **more):
    pictures = [exercise.picture() for exercise in quiz(topic, seed, count)]
    words = {"title": f"Exercises: {topic}", "footer": "sheet ABCD-EFGH"} | more
    return viz.quiz_sheet(pictures, **words)


def key(topic, seed, count, headline="sheet ABCD-EFGH", notes=("Seed: 5",)):
    section = viz.KeySection(headline, [one.picture() for one in quiz(topic, seed, count)])
    return viz.quiz_key([section, section], title=f"{topic}, answers", notes=notes)


def texts_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.sample(3)
@pytest.mark.parametrize("topic", TOPICS)
def test_text_of_sheets_neither_overlaps_nor_leaves_the_margins(topic, assert_legible, boxes_of):
    pages = sheet(topic, 5, 8, student="Ada " * 40, footer="quiz " * 90)
    pages += key(topic, 5, 8, "Ada " * 40, ["convlab quiz " * 30])
    for figure in pages:
        assert figure.get_size_inches() * 25.4 == pytest.approx((210, 297))
        assert_legible(figure, "a4")
        width, height = figure.get_size_inches() * figure.dpi
        margin = width / 20
        for text, box in boxes_of(figure):
            assert margin <= box.x0 and box.x1 <= width - margin, text
            assert margin <= box.y0 and box.y1 <= height - margin, text


def test_a_sheet_has_all_exercises_and_its_key_all_answers():
    exercises = quiz("all", 2, 13)
    pages, answers = sheet("all", 2, 13), key("all", 2, 13)
    assert len(pages) > 3 and len(answers) > 1
    for figures in (pages, answers):
        for at, figure in enumerate(figures, 1):
            assert f"{at} / {len(figures)}" in texts_of(figure)
    printed = [text for figure in pages for text in texts_of(figure)]
    assert [text for text in printed if text in map(str, range(1, 14))].count("13") >= 1
    listed = [text for figure in answers for text in texts_of(figure)]
    assert listed.count("sheet ABCD-EFGH") == 2 and "Seed: 5" in listed
    for exercise in exercises:
        assert listed.count(exercise.answer()) >= 2
        assert exercise.question.split()[1] in " ".join(printed)
        if len(exercise.parts) > 1:
            assert exercise.answer() not in printed
    assert printed.count("Name") == printed.count("Date") == 1


def test_a_figure_with_a_mistake_says_so():
    printed = [text for figure in sheet("spot-the-mistake", 1, 6) for text in texts_of(figure)]
    assert printed.count(WITH_A_MISTAKE) == 6
    assert WITH_A_MISTAKE not in [t for f in sheet("output-value", 1, 6) for t in texts_of(f)]


def test_printed_numbers_are_those_of_the_figure():
    (exercise,) = quiz("spot-the-mistake", 8, 1)
    (figure,) = sheet("spot-the-mistake", 8, 1)
    cells = [text for grid in exercise.grids for row in grid.cells for text in row if text]
    printed = texts_of(figure)
    for text in set(cells):
        assert printed.count(text) >= cells.count(text)


def test_the_name_stands_on_every_page():
    for figure in sheet("pooling", 0, 8, student="Ada Lovelace"):
        assert "Ada Lovelace" in texts_of(figure)


def test_a_name_that_the_font_cannot_print():
    with pytest.raises(SpecError, match=r"^student: expected letters that DejaVu Sans has, got 明"):
        sheet("pooling", 0, 1, student="明")
    with pytest.raises(SpecError, match="expected letters"):
        Key.of(Sheet.of("pooling", 0, 1, "明")).pages()


# --- the command -------------------------------------------------------------------------------


@pytest.mark.slow
def test_text_is_the_same_in_every_process_and_has_the_key_when_asked(convlab):
    plain = convlab.works("quiz", "all", "--seed", 7, "--count", 7, PYTHONHASHSEED=1)
    key = convlab.works(
        "quiz",
        "all",
        "--seed",
        7,
        "--count",
        7,
        "--answers",
        "--json-file",
        "q.json",
        PYTHONHASHSEED=2,
    )
    assert key.startswith(plain.rstrip()) and "\nAnswers\n" in key and "Answers" not in plain
    assert WITH_A_MISTAKE in plain and max(map(len, plain.splitlines())) <= 88
    record = json.loads((convlab.folder / "q.json").read_text())
    assert record["parameters"] == {"topic": "all", "seed": 7, "count": 7, "student": None}
    listed = record["result"]["exercises"]
    assert sorted(one["kind"] for one in listed) == sorted(TOPICS)
    for one, exercise in zip(listed, quiz("all", 7, 7), strict=True):
        assert one == json.loads(json.dumps(exercise.record()))
        assert exercise.answer() in key
        assert {"kind", "question", "data", "answer", "solution"} <= one.keys()


@pytest.mark.slow
def test_the_same_sheet_is_the_same_pdf(convlab):
    arguments = ["quiz", "all", "--seed", 3, "--count", 6, "--student", " Ada  Lovelace"]
    arguments += ["--answers", "-o"]
    assert convlab.works(*arguments, "a.pdf", PYTHONHASHSEED=1) == "wrote a.pdf\n"
    said = convlab.works(*arguments, "b.pdf", "--alt", "--json-file", "b.json", PYTHONHASHSEED=2)
    first, second = ((convlab.folder / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first == second and first.startswith(b"%PDF")
    assert "With a mistake, wrong on purpose: 3." in said and "Ada Lovelace" in said
    record = json.loads((convlab.folder / "b.json").read_text())
    assert said == record["description"] + "\nwrote b.json\n"
    assert len(record["result"]["exercises"]) == record["parameters"]["count"] == 6
    assert record["parameters"]["student"] == "Ada Lovelace"


def test_interactive_counts_right_answers(convlab):
    typed = []
    for number, exercise in enumerate(quiz("all", 3, 6)):
        for part in exercise.parts:
            typed += ["what?", str(part)] if number % 2 else [""]
    out = convlab.works(
        "quiz", "all", "--seed", 3, "--count", 6, "--interactive", stdin="\n".join(typed).encode()
    )
    assert out.endswith("score: 3 of 6\n")
    assert out.count("wrong; the answer is ") == 3 and out.count("\n   right\n") == 3
    for exercise in quiz("all", 3, 6)[::2]:
        assert f"wrong; the answer is {exercise.answer()}\n" in out
        assert exercise.solution[0][:40] in out


def test_interactive_ends_with_the_input(convlab):
    first = quiz("output-size", 0)[0]
    out = convlab.works(
        "quiz", "output-size", "--seed", 0, "--interactive", stdin=f"{first.answer()}\n".encode()
    )
    assert out.endswith("stopped; score: 1 of 1 answered\n")


def test_interactive_ends_with_ctrl_c(convlab):
    process = subprocess.Popen(
        [Path(sys.executable).with_name("convlab"), "quiz", "pooling", "--interactive"],
        env=convlab.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "values" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    time.sleep(0.3)  # until it waits for the answer
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert out.endswith("stopped; score: 0 of 0 answered\n")


MISUSED = [
    (["--answers"], "expected a TOPIC, got none"),
    (["all", "--interactive", "--key", "k.pdf"], "--interactive: expected no"),
    (["all", "--alt"], "--alt: expected --output"),
    (
        ["all", "--students", "n.txt", "-o", "a.pdf"],
        "-o: expected a folder with --students, got a.pdf",
    ),
    (["all", "--students", "n.txt", "--student", "Ada"], "--students: expected no"),
    (["all", "--format", "md"], "--format: expected --students with it"),
    (["all", "--answers", "-o", "a.xml"], "--answers: expected none with .xml, which has them"),
    (["all", "--key", "k.xml"], "expected a file ending in .pdf or .md, got 'k.xml'"),
]
TOPICS_TEXT = f"topic: expected one of {', '.join(TOPICS)} or all, got"


def test_what_cannot_be_meant(convlab):
    assert convlab.fails("quiz", "dense") == f"{TOPICS_TEXT} 'dense'"
    assert "expected a file ending in .pdf, .md, .xml or .zip, got 'x.png'" in convlab.misused(
        "quiz", "all", "-o", "x.png"
    )
    assert "expected a name" in convlab.misused("quiz", "all", "--student", "  ")
    for words, message in MISUSED:
        assert message in convlab.misused("quiz", *words)
    assert list(convlab.folder.iterdir()) == []


def test_without_a_topic_the_topics_are_listed(convlab):
    lines = convlab.works("quiz").splitlines()
    assert [line.split()[0] for line in lines] == [*TOPICS, "all"]
    assert all(about in line for line, about in zip(lines, TOPICS.values(), strict=False))
    said = " ".join(convlab.works("quiz", "--help").split())
    assert f"Exercises on TOPIC: {', '.join(TOPICS)} or all." in said
