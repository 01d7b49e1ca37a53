"""Figures of convolution and pooling: every number recomputed, every text read back."""

import dataclasses
import json
import math
import re
from collections import Counter
from itertools import takewhile

import numpy as np
import pytest
from click.testing import CliRunner
from convlab_cli.render.arithmetic import command as arithmetic
from convlab_cli.render.pooling import command as pooling_command

from convlab import pictures, viz
from convlab.data import table
from convlab.errors import DataError, ShapeError, SpecError
from convlab.kernels import conv2d as kernels
from convlab.kernels import pool2d as pool_kernels
from convlab.lessons import (
    adaptive_pooling,
    conv_size,
    conv_transpose_size,
    convolution,
    pool_size,
    pooling,
    random_values,
    transposed_convolution,
)
from convlab.shapes import adaptive_pool_windows, conv2d_geometry, pool_windows

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


# --- the relations (Dumoulin & Visin 2016; the numbers are those of the guide) ---------------


@pytest.mark.parametrize(
    ("arguments", "text", "number"),
    [
        ((4, 3), "(4 − 3) + 1 = 2", 1),
        ((5, 4, 1, 2, 2), "(5 + 2·2 − 4) + 1 = 6", 2),
        ((5, 3, 1, 1, 1), "(5 + 2·1 − 3) + 1 = 5", 3),
        ((5, 3, 1, 2, 2), "(5 + 2·2 − 3) + 1 = 7", 4),
        ((5, 3, 2), "⌊(5 − 3) / 2⌋ + 1 = 2", 5),
        ((5, 3, 2, 1, 1), "⌊(5 + 2·1 − 3) / 2⌋ + 1 = 3", 6),
        ((6, 3, 2, 1, 1), "⌊(6 + 2·1 − 3) / 2⌋ + 1 = 3", 6),
        ((7, 3, 1, 0, 0, 2), "(7 − 3 − 2·1) + 1 = 3", 15),
        ((6, 3, 2, 0, 1), "⌊(6 + 0 + 1 − 3) / 2⌋ + 1 = 3", 6),
    ],
)
def test_the_relation_of_a_convolution(arguments, text, number):
    relation = conv_size(*arguments)
    assert (str(relation), relation.number) == (text, number)


@pytest.mark.parametrize(
    ("arguments", "text", "number"),
    [
        ((2, 3), "(2 − 1) + 3 = 4", 8),
        ((6, 4, 1, 2, 2), "(6 − 1) + 4 − 2·2 = 5", 9),
        ((5, 3, 1, 1, 1), "(5 − 1) + 3 − 2·1 = 5", 10),
        ((7, 3, 1, 2, 2), "(7 − 1) + 3 − 2·2 = 5", 11),
        ((2, 3, 2), "2·(2 − 1) + 3 = 5", 12),
        ((3, 3, 2, 1, 1), "2·(3 − 1) + 3 − 2·1 = 5", 13),
        ((4, 3, 2, 1, 0), "2·(4 − 1) + 3 − (1 + 0) = 8", 13),
        ((3, 3, 2, 1, 1, 1), "2·(3 − 1) + 1 + 3 − 2·1 = 6", 14),
    ],
)
def test_the_relation_of_a_transposed_convolution(arguments, text, number):
    # The sizes are those of the guide's figures 4.1 to 4.7; one has padding on one side alone.
    relation = conv_transpose_size(*arguments)
    assert (str(relation), relation.number) == (text, number)


def test_the_relation_of_a_pooling():
    assert str(pool_size(5, 3, 1)) == "(5 − 3) + 1 = 3"
    assert pool_size(5, 3, 1).number == 7
    assert str(pool_size(6, 3, 2, ceil_mode=True)) == "⌈(6 − 3) / 2⌉ + 1 = 3"
    # PyTorch leaves a window out that would begin in the padding behind the input.
    torch = pytest.importorskip("torch")
    out = torch.nn.functional.max_pool2d(torch.zeros(1, 1, 5, 5), 2, 3, 1, ceil_mode=True)
    assert pool_size(5, 2, 3, 1, ceil_mode=True).value == out.shape[2]


@pytest.mark.parametrize("number", range(60))
def test_a_relation_says_what_it_computes(number):
    """The printed expression, worked out by Python, is the printed value."""
    rng = np.random.default_rng(number)
    size, kernel, stride, before, after, dilation = (int(v) for v in rng.integers(1, 6, 6))
    relations = [
        conv_size(size + dilation * kernel, kernel, stride, before, after, dilation),
        conv_transpose_size(size + 10, kernel, stride, before, after, 1, dilation),
        pool_size(size + dilation * kernel, kernel, stride, kernel // 2, dilation, True),
    ]
    for relation in relations:
        assert worked_out(relation.expression) == relation.value


def worked_out(expression):
    """An expression as the figures print it, computed."""
    python = expression.replace("−", "-").replace("·", "*")
    python = python.replace("⌊", "math.floor(").replace("⌋", ")")
    python = python.replace("⌈", "math.ceil(").replace("⌉", ")")
    return eval(python, {"math": math})


def test_what_does_not_fit_says_so_with_the_relation():
    with pytest.raises(ShapeError, match=re.escape("7 + 2·0 − 9 < 0: kernel larger than padded")):
        convolution(np.zeros((1, 7, 7)), np.zeros((1, 1, 9, 9)))
    with pytest.raises(ShapeError, match=re.escape("3 + 2·1 − 3 − 2·2 < 0: kernel larger")):
        convolution(np.zeros((1, 3, 9)), np.zeros((1, 1, 3, 3)), padding=1, dilation=3)
    with pytest.raises(ShapeError, match=re.escape("2 + 2·0 − 3 < 0: window larger than padded")):
        pooling(np.zeros((1, 2, 2)), kernel=3)
    with pytest.raises(ShapeError, match="stride 1, as in PyTorch, got 2 × 2"):
        convolution(np.zeros((1, 7, 7)), np.zeros((1, 1, 3, 3)), padding="same", stride=2)
    with pytest.raises(SpecError, match="step: expected 0 to 24, got 25"):
        convolution(np.zeros((1, 7, 7)), np.zeros((1, 1, 3, 3))).picture(25)


def test_tensorflows_same_transposed_with_a_stride_over_the_kernel():
    """Three cells an input cell: two under the kernel, one that nothing reaches."""
    x = np.arange(1.0, 10).reshape(1, 3, 3)
    w = np.array([[[[1.0, 2], [3, 4]]]])
    found = transposed_convolution(x, w, stride=3, padding="same-tensorflow")
    expected = np.kron(x[0], [[1, 2, 0], [3, 4, 0], [0, 0, 0]])
    np.testing.assert_array_equal(found.output, expected[None])


@pytest.mark.parametrize("size", ["paper", "small", "slide"])
def test_a_sum_has_all_its_terms_where_there_is_room_below_the_cells(size):
    for step in (0, 8):
        figure = pictures.arithmetic(5, 3, step=step).draw(theme="light", size=size)
        texts = [text.get_text() for text in figure.axes[0].texts]
        terms = re.findall(r"\d·\(?−?\d", " ".join(texts))
        assert len(terms) == 9 and "…" not in "".join(texts)


# --- 200 random figures, from the command line to the SVG ---------------------------------------


def drawn(command, arguments, folder):
    """The JSON and the texts of the SVG that a command makes, and whether it has shades."""
    svg, numbers = folder / "figure.svg", folder / "figure.json"
    options = [*arguments, "-o", str(svg), "--json-file", str(numbers)]
    # In this process: a figure is drawn in a tenth of the time that a process takes to start.
    result = CliRunner().invoke(command, options, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    drawing = svg.read_text(encoding="utf-8")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
    return json.loads(numbers.read_text(encoding="utf-8")), texts, "<image" in drawing


def random_arithmetic(rng):
    """Options of a figure that fits its sizes, drawn by chance."""
    kernel = rng.integers(1, 4, 2)
    size = kernel + rng.integers(0, 4, 2)
    stride = rng.integers(1, 4, 2)
    options = {
        "input": f"{size[0]}x{size[1]}",
        "kernel": f"{kernel[0]}x{kernel[1]}",
        "stride": f"{stride[0]}x{stride[1]}",
        "values": rng.choice(["ints", "floats"]),
        "seed": rng.integers(1000),
        "bias": rng.integers(-3, 4),
        "channels": rng.choice([1, 1, 1, 2, 3]),
        "filters": rng.choice([1, 1, 2]),
    }
    flags = ["--flip"] if rng.random() < 0.3 else []
    if rng.random() < 0.3:
        flags.append("--transposed")
        extra = rng.integers(0, stride)
        options["output-padding"] = f"{extra[0]}x{extra[1]}"
        limits = (kernel - 1) // 2
        options["padding"] = f"{rng.integers(limits[0] + 1)}x{rng.integers(limits[1] + 1)}"
        return options, flags
    options["padding"] = ",".join(str(n) for n in rng.integers(0, 3, 4))
    if rng.random() < 0.3:
        options["padding-mode"] = rng.choice(list(MODES))
        options["padding"] = rng.integers(0, min(size))
    elif rng.random() < 0.3:
        options |= {"padding": "same", "convention": "tensorflow"}
    elif rng.random() < 0.3:
        options["padding"] = "full"
    if (size >= 2 * kernel - 1).all() and rng.random() < 0.5:
        options["dilation"] = "2"
    return options, flags


def reference(record):
    """The output by the reference loop in float64, for the sizes that the JSON has."""
    settings = record["parameters"]
    x = np.array(record["inputs"]["input"])
    kernel, bias = (np.array(record["weights"][key]) for key in ("kernel", "bias"))
    kernel = kernel[:, :, ::-1, ::-1] if settings["flip"] else kernel
    stride, dilation = tuple(settings["stride"]), tuple(settings["dilation"])
    sides = tuple(settings["padding"])
    filters, channels = kernel.shape[:2]
    if settings["transposed"]:
        size = np.array(record["result"]["output"]).shape[1:]
        geometry = conv2d_geometry(
            filters, channels, size, kernel.shape[2:], stride, sides, dilation
        )
        rows, columns = geometry.output
        grad = x[:, :rows, :columns, None]
        out = kernels.grad_input.reference(grad, kernel.swapaxes(0, 1), geometry)[..., 0]
        return out + bias[:, None, None]
    if settings["padding_mode"] != "zeros":
        top, bottom, left, right = sides
        x = np.pad(x, ((0, 0), (top, bottom), (left, right)), MODES[settings["padding_mode"]])
        sides = (0, 0, 0, 0)
    geometry = conv2d_geometry(
        channels, filters, x.shape[1:], kernel.shape[2:], stride, sides, dilation
    )
    return kernels.forward.reference(x[..., None], kernel, bias, geometry)[..., 0]


def pytorch(record):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    settings = record["parameters"]
    x = torch.tensor(record["inputs"]["input"], dtype=torch.float64)[None]
    kernel = torch.tensor(record["weights"]["kernel"], dtype=torch.float64)
    bias = torch.tensor(record["weights"]["bias"], dtype=torch.float64)
    kernel = kernel.flip(2, 3) if settings["flip"] else kernel
    stride, dilation = settings["stride"], settings["dilation"]
    top, bottom, left, right = settings["padding"]
    if settings["transposed"]:
        assert (top, left) == (bottom, right)
        extra, weight = settings["output_padding"], kernel.transpose(0, 1)
        out = F.conv_transpose2d(x, weight, bias, stride, (top, left), extra, 1, dilation)
    else:
        mode = settings["padding_mode"].replace("zeros", "constant")
        padded = F.pad(x, (left, right, top, bottom), mode)
        out = F.conv2d(padded, kernel, bias, stride, 0, dilation)
    return out[0].numpy()


def fixed(values, places):
    return [f"{v:.{places}f}".replace("-", "−") for v in np.asarray(values).reshape(-1) + 0.0]


def written(values):
    """Numbers as the figures write them: whole, or as many decimals as tenths need."""
    values = np.asarray(values, float)
    finite = values[np.isfinite(values)]
    for places in (0, 1, 2):
        if np.abs(finite - finite.round(places)).max(initial=0) < 1e-5:
            texts = fixed(np.where(np.isfinite(values), values.round(places), 0), places)
            flat = values.reshape(-1)
            infinite = {np.inf: "∞", -np.inf: "−∞"}
            return [infinite.get(v, text) for v, text in zip(flat, texts, strict=True)]
    raise AssertionError("expected tenths or products of two")


def evaluated(terms):
    """The printed sum, added up in float64."""
    return sum(
        math.prod(float(part.strip("()").replace("−", "-")) for part in term.split("·"))
        for term in terms.split(" + ")
    )


@pytest.mark.sample(24)
@pytest.mark.parametrize("number", range(200))
def test_a_random_figure_of_arithmetic_prints_what_was_computed(number, tmp_path):
    rng = np.random.default_rng(number)
    options, flags = random_arithmetic(rng)
    arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    record, texts, shades = drawn(arithmetic, [*arguments, *flags], tmp_path)
    output = np.array(record["result"]["output"])
    np.testing.assert_allclose(output, reference(record), atol=1e-4)
    if options.get("convention") == "tensorflow":
        size, stride = ([int(n) for n in options[key].split("x")] for key in ("input", "stride"))
        assert output.shape[1:] == tuple(-(-i // s) for i, s in zip(size, stride, strict=True))
    # What the figure prints, against the JSON.
    at = tuple(record["result"]["at"][0])
    done = np.ravel_multi_index(at, output.shape) + 1
    printed = Counter(texts)
    kernel = np.array(record["weights"]["kernel"])[at[0]]
    blocks = written(kernel), written(record["inputs"]["input"]), written(output)[:done]
    missing = [block for block in blocks if Counter(block) - printed]
    # Numbers give way to shades where cells are small: with channels, or beyond 6 × 6.
    small = options["channels"] > 1 or max(output.shape[1:]) > 6
    assert not missing or (shades and small)
    assert len(missing) < 3
    value = written(output)[done - 1]
    assert printed[value] >= 1 + (not shades)  # in the map and behind the sum
    sums = (at for at, x in enumerate(texts) if "·" in x and "⌊" not in x and x[0] != "(")
    begin = next(sums)
    more = takewhile(lambda text: text.startswith("+ "), texts[begin + 1 :])
    terms = " ".join([texts[begin], *more])
    if "…" not in terms:
        total = evaluated(terms) + record["weights"]["bias"][at[0]]
        assert total == pytest.approx(output[at], abs=1e-4)
    for length, relation in zip(output.shape[1:], record["result"]["size"], strict=True):
        expression, _, result = relation.rpartition(" = ")
        assert worked_out(expression) == int(result) == length
        assert f"{expression} =" in texts and result in texts
    np.testing.assert_allclose(output, pytorch(record), atol=1e-4)


def random_pooling(rng):
    kernel = rng.integers(1, 4, 2)
    size = kernel + rng.integers(0, 4, 2)
    options = {
        "input": f"{size[0]}x{size[1]}",
        "kind": rng.choice(["max", "average"]),
        "seed": rng.integers(1000),
        "channels": rng.choice([1, 1, 3]),
    }
    if rng.random() < 0.4:
        wanted = rng.integers(1, size + 1)
        return options | {"adaptive": f"{wanted[0]}x{wanted[1]}"}, []
    padding = rng.integers(0, kernel // 2 + 1)
    options |= {
        "kernel": f"{kernel[0]}x{kernel[1]}",
        "stride": "x".join(str(n) for n in rng.integers(1, 4, 2)),
        "padding": f"{padding[0]}x{padding[1]}",
    }
    flags = ["--ceil-mode"] if rng.random() < 0.4 else []
    if options["kind"] == "average" and rng.random() < 0.4:
        flags.append("--no-padding-in-mean")
    return options, flags


@pytest.mark.sample(12)
@pytest.mark.parametrize("number", range(60))
def test_a_random_figure_of_pooling_prints_what_was_computed(number, tmp_path):
    rng = np.random.default_rng(number)
    options, flags = random_pooling(rng)
    arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    record, texts, shades = drawn(pooling_command, [*arguments, *flags], tmp_path)
    output = np.array(record["result"]["output"])
    np.testing.assert_allclose(output, reference_pooling(record), rtol=1e-6)
    printed = Counter(texts)
    assert options["channels"] > 1 or not shades
    if not shades:
        assert not Counter(written(record["inputs"]["input"])) - printed
    # The comparison or the sum that is printed gives the value.
    at = tuple(record["result"]["at"][0])
    line = next(text for text in texts if text.startswith(("max(", "(")) and "relation" not in text)
    numbers = [
        float(n.replace("−∞", "-inf").replace("−", "-"))
        for n in re.findall(r"−?∞|−?\d+", line.split(") /")[0])
    ]
    if "…" not in line:
        if record["parameters"]["kind"] == "max":
            assert max(numbers) == output[at]
        else:
            count = float(line.split(") / ")[1])
            assert sum(numbers) / count == pytest.approx(output[at], rel=1e-6)
    expected, winners = pytorch_pooling(record)
    np.testing.assert_allclose(output, expected, rtol=1e-6)
    if winners is not None:
        np.testing.assert_array_equal(record["result"]["winners"], winners)


def reference_pooling(record):
    """The output by the reference loop in float64."""
    settings = record["parameters"]
    x = np.array(record["inputs"]["input"])[..., None]
    size = x.shape[1:3]
    if settings["output_size"] is not None:
        windows = adaptive_pool_windows(size, tuple(settings["output_size"]))
    else:
        pairs = (tuple(settings[key]) for key in ("kernel", "stride", "padding"))
        more = settings["ceil_mode"], settings["count_include_pad"]
        windows = pool_windows(size, *pairs, (1, 1), *more)
    if settings["kind"] == "max":
        return pool_kernels.max_forward.reference(x, windows)[0][..., 0]
    return pool_kernels.average_forward.reference(x, windows)[..., 0]


def pytorch_pooling(record):
    """Output and winners (None for averages) by PyTorch."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    settings = record["parameters"]
    x = torch.tensor(record["inputs"]["input"])[None]
    kernel, stride, padding = (settings[key] for key in ("kernel", "stride", "padding"))
    size, ceil_mode = settings["output_size"], settings["ceil_mode"]
    if settings["kind"] == "average":
        if size is not None:
            return F.adaptive_avg_pool2d(x, size)[0].numpy(), None
        counted = settings["count_include_pad"]
        return F.avg_pool2d(x, kernel, stride, padding, ceil_mode, counted)[0].numpy(), None
    if size is not None:
        out, winners = F.adaptive_max_pool2d(x, size, return_indices=True)
    else:
        settings = x, kernel, stride, padding, 1, ceil_mode
        out, winners = F.max_pool2d(*settings, return_indices=True)
    return out[0].numpy(), winners[0].numpy()


# --- steps, windows and files ---------------------------------------------------------------------


def test_the_window_of_each_step_makes_its_value():
    """Patch times kernel, added up, is the value of every step: padded, dilated and transposed."""
    x = random_values((2, 5, 6), "ints", 0, signed=False)
    kernel = random_values((2, 2, 3, 2), "ints", 1, signed=True)
    for settings in (
        {"padding": 2, "stride": 2},
        {"padding": "full", "dilation": (1, 2)},
        {"stride": (2, 3), "padding": 1, "output_padding": (1, 0)},
        {"padding": (1, 0, 2, 1), "padding_mode": "reflect", "flip": True},
    ):
        compute = transposed_convolution if "output_padding" in settings else convolution
        example = compute(x, kernel, np.array([1, -2]), **settings)
        for step in range(example.steps):
            shown = example.picture(step)
            total = (shown.patch() * shown.kernel).sum() + shown.bias
            assert total == example.output[shown.at]
            assert shown.channel_sums.sum() + shown.bias == example.output[shown.at]


def test_cells_that_no_window_reads():
    shown = convolution(np.zeros((1, 6, 8)), np.zeros((1, 1, 3, 3)), stride=2).picture(0)
    # (6 - 3) mod 2 = 1 row and (8 - 3) mod 2 = 1 column are left over.
    expected = np.zeros((6, 8), bool)
    expected[5], expected[:, 7] = True, True
    np.testing.assert_array_equal(shown.uncovered, expected)


def test_an_animation_has_a_frame_for_each_step_and_pauses_at_the_end(convlab, tmp_path):
    from PIL import Image

    command = ("render", "arithmetic", "--input", "5x7", "--stride", "2", "-o", "a.gif")
    convlab.works(*command)
    with Image.open(convlab.folder / "a.gif") as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (6, (800, 450), 0)
        durations = []
        for frame in range(animation.n_frames):
            animation.seek(frame)
            durations.append(animation.info["duration"])
        assert durations == [500] * 5 + [1500]
        assert b"convlab render arithmetic --input 5x7" in animation.info["comment"]
    assert (convlab.folder / "a.gif").stat().st_size < 1_000_000
    before = (convlab.folder / "a.gif").read_bytes()
    convlab.works(*command)
    assert (convlab.folder / "a.gif").read_bytes() == before


def test_pages_sheets_and_metadata(convlab):
    convlab.works("render", "arithmetic", "--step", "all", "-o", "pages.pdf")
    assert len(re.findall(rb"/Type /Page\b", (convlab.folder / "pages.pdf").read_bytes())) == 9
    out = convlab.works("render", "arithmetic", "--step", "all", "--alt", "-o", "sheet.svg")
    svg = (convlab.folder / "sheet.svg").read_text(encoding="utf-8")
    assert "<title>Convolution</title>" in svg and "<desc>" in svg
    assert "convlab render arithmetic --step all" in svg
    assert out.startswith("Convolution, input 5 × 5") and out.strip() in svg
    values = re.findall(r">(−?\d+)</text>", svg)
    record = convolution(
        random_values((1, 5, 5), "ints", 0, signed=False),
        random_values((1, 1, 3, 3), "ints", 1, signed=True),
        np.ones(1),
    )
    assert values == written(record.output)


def test_numbers_of_ones_own(convlab):
    (convlab.folder / "in.csv").write_text("1,2,3\n4,5,6\n7,8,9\n")
    convlab.works(
        *("render", "arithmetic", "--values", "in.csv", "--kernel", "2"),
        *("--kernel-values", "1 0; 0 -1", "--json-file", "n.json", "-o", "n.png"),
    )
    record = json.loads((convlab.folder / "n.json").read_text())
    assert record["result"]["output"] == [[[-4, -4], [-4, -4]]]
    assert record["command"].startswith("convlab render arithmetic --values in.csv")


TABLES = [
    (b"1;2;3\n4;5;6\n", [[1, 2, 3], [4, 5, 6]]),
    (b"1,5;-2\r\n0,25;1e3\r\n", [[1.5, -2], [0.25, 1000]]),
    (b"1,5\t2\n3\t4\n", [[1.5, 2], [3, 4]]),
    (b"1,5,2\n3,4,5\n", [[1, 5, 2], [3, 4, 5]]),  # nothing else in the line: no decimal mark
    (b'"1,5","2"\n"3",4\n', [[1.5, 2], [3, 4]]),
    (b"\xef\xbb\xbf 1  2\n\n;;\n1/4 \xe2\x88\x923\n", [[1, 2], [0.25, -3]]),
]


@pytest.mark.parametrize(("content", "rows"), TABLES, ids=range(len(TABLES)))
def test_a_table_as_programs_write_it(tmp_path, content, rows):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert table.read_numbers(str(path)) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected rows of numbers, got none"),
        (b"1;2\n3\n", "expected rows of one length, got lengths [1, 2]"),
        (b"1,2\n3,nan\n", "got 'nan' in row 1, column 1"),
        (b"1;inf\n", "got 'inf' in row 0, column 1"),
        (b"1;1e39\n", "at most 1e+30, got '1e39'"),
        (b"1;1_0\n", "got '1_0'"),
        (b"1,5 2,5\n", "got '5 2' in row 0, column 1"),
        (b"1.234,5;2\n", "got '1.234.5'"),
        (b"1;1/0\n", "got '1/0'"),
        (b"1," + b"x" * 200_000, "got '1.xxx"),
        (b"\x80\x81", "cannot be read: not UTF-8 text"),
        ("1;2".encode("utf-16"), "cannot be read: not UTF-8 text but UTF-16"),
        (b"1," * 2_000_001, "cannot be read: expected at most 4,000,000 bytes, got 4,000,002"),
    ],
    ids=range(13),
)
def test_a_table_that_is_none(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        table.read_numbers(str(path))
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    assert len(text) < 300 + len(str(path))


def test_an_example_has_a_limit():
    ones = np.ones((1, 3, 3), np.float32)
    with pytest.raises(ShapeError, match="padded input: expected at most 30,000,000 numbers"):
        convolution(ones, np.ones((1, 1, 1, 1)), padding=60_000)
    wide = np.ones((1, 1, 129, 129))
    with pytest.raises(ShapeError, match="products of all windows: expected at most 2,000,000,000"):
        convolution(np.ones((1, 128, 128)), wide, padding=200)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "7", "--kernel", "9"), "7 + 2·0 − 9 < 0: kernel larger than padded input"),
        (("--kernel-values", "1 2; 3"), "kernel values: expected 2 rows of 2 numbers, got 2 rows"),
        (("--values", "gone.csv"), "gone.csv: cannot be read: No such file"),
        (("--step", "99"), "step: expected 0 to 8 or all, got 99"),
        (("--output-padding", "1"), "output padding: expected a transposed convolution"),
        (
            ("--transposed", "--padding-mode", "reflect"),
            "transposed convolution: expected padding mode zeros, got reflect",
        ),
        (("--input", "64", "--step", "all"), "step: expected at most 500 for all, got 3844"),
    ],
)
def test_bad_input_is_one_line(convlab, arguments, message):
    assert message in convlab.fails("render", "arithmetic", *arguments)
    assert not (convlab.folder / "arithmetic.png").exists()


# --- legibility, from 3 × 3 to 32 × 32 ------------------------------------------------------------

FIGURES = [
    ((3, 3), (3, 3), 1, 1, {"padding": 1}),
    ((3, 3), (1, 1), 1, 1, {}),
    ((5, 7), (3, 3), 1, 1, {"padding": 1, "stride": 2}),
    ((7, 5), (3, 2), 1, 1, {"padding": (0, 1, 2, 1)}),
    ((6, 6), (3, 3), 3, 1, {}),
    ((6, 6), (3, 3), 3, 4, {"padding": 1}),
    ((4, 4), (3, 3), 2, 2, {}),
    ((8, 8), (3, 3), 16, 8, {}),
    ((4, 20), (3, 3), 1, 1, {}),
    ((20, 4), (3, 3), 1, 1, {}),
    ((4, 20), (2, 2), 3, 2, {}),
    ((20, 4), (3, 3), 3, 2, {}),
    ((9, 9), (3, 3), 1, 1, {"dilation": 3}),
    ((10, 12), (5, 5), 1, 1, {"padding": 2}),
    ((16, 16), (5, 5), 1, 1, {"padding": "full"}),
    ((32, 32), (5, 5), 1, 1, {"padding": 2}),
    ((32, 32), (3, 3), 3, 6, {"stride": 2}),
    ((3, 4), (3, 3), 1, 1, {"output_padding": 0, "stride": 2, "padding": 1}),
    ((3, 3), (3, 3), 2, 2, {"output_padding": 1, "stride": 3}),
    ((6, 8), (3, 3), 1, 1, {"stride": 2}),
    ((32, 5), (7, 5), 1, 3, {}),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", [pytest.param("ints", marks=pytest.mark.campaign), "floats"])
@pytest.mark.parametrize("figure", FIGURES, ids=str)
def test_no_text_of_a_step_touches_another(figure, kind, assert_legible):
    size, kernel, channels, filters, settings = figure
    compute = transposed_convolution if "output_padding" in settings else convolution
    example = compute(
        random_values((channels, *size), kind, 0, signed=False) * (1 if kind == "ints" else 10),
        random_values((filters, channels, *kernel), kind, 1, signed=True),
        np.full(filters, 1.5 if kind == "floats" else -2),
        **settings,
    )
    for canvas in ("slide", "small", "animation", "paper", "paper-wide"):
        for step in {0, example.steps - 1}:
            shown = example.picture(step)
            assert_legible(viz.isometric(shown, size=canvas), canvas)
            assert_legible(viz.sliding_window(shown, size=canvas), canvas)


def test_of_several_maps_the_current_cell_alone_is_bold():
    example = convolution(np.ones((1, 4, 4)), np.ones((3, 1, 3, 3)))
    (axes,) = viz.sliding_window(example.picture(example.steps - 1)).axes
    nines = [text.get_weight() for text in axes.texts if text.get_text() == "9"]
    # All cells of the three maps, and the sum below them.
    assert len(nines) == 13 and nines.count("bold") == 2


@pytest.mark.parametrize("size", ["slide", "paper", "paper-wide"])
@pytest.mark.parametrize("channel", [0, 5, 11])
def test_channels_that_are_left_out_are_counted_once(channel, size):
    example = pooling(np.ones((12, 4, 4)))
    (axes,) = viz.sliding_window(example.picture(4 * channel), size=size).axes
    texts = [text.get_text() for text in axes.texts]
    (counted,) = {text for text in texts if text.startswith("…") and "maps" not in text}
    shown = sum(text.startswith("channel ") and text[8:].isdecimal() for text in texts)
    assert texts.count(counted) == 1 and int(counted.split()[1]) == 12 - shown


def test_a_step_of_something_else():
    shown = pooling(np.ones((1, 4, 4))).picture(0)
    with pytest.raises(SpecError, match="expected an operation among .*, got 'median'"):
        dataclasses.replace(shown, operation="median")


def test_what_has_no_room_says_so():
    example = convolution(np.zeros((1, 200, 200)), np.ones((1, 1, 1, 1)))
    with pytest.raises(SpecError, match="size small: expected an input that has room there, got"):
        viz.sliding_window(example.picture(0), size="small")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kernel": 3, "stride": 2, "padding": 1},
        {"output_size": (3, 2)},
        {"output_size": 1},
        {"kernel": 3, "ceil_mode": True, "stride": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(1, 7, 5), (3, 6, 6), (1, 24, 24), (8, 4, 9)], ids=str)
def test_no_text_of_a_pooling_touches_another(settings, shape, assert_legible):
    for kind in ("max", "average"):
        compute = adaptive_pooling if "output_size" in settings else pooling
        example = compute(random_values(shape, "ints", 0, signed=False), kind, **settings)
        for canvas in ("slide", "small", "paper"):
            shown = example.picture(example.steps - 1)
            assert_legible(viz.isometric(shown, size=canvas), canvas)
            if canvas == "paper" and shape[0] == 8:  # 85 mm are not enough
                continue
            assert_legible(viz.sliding_window(shown, size=canvas), canvas)


@pytest.mark.parametrize("size", ["slide", "small", "animation", "paper-wide"])
def test_no_text_of_a_sheet_touches_another(size, assert_legible):
    for shape, filters in (((5, 5), 1), ((4, 5), 2), ((7, 4), 1)):
        example = convolution(
            random_values((1, *shape), "ints", 0, signed=False),
            random_values((filters, 1, 3, 3), "ints", 1, signed=True),
        )
        steps = [example.picture(step) for step in range(example.steps)]
        sheet = viz.step_sheet(steps, title="Convolution", subtitle="all steps", size=size)
        assert_legible(sheet, size)


# --- what a reader adds up, and what is left out -----------------------------------------------


def said(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def test_the_sums_of_channels_and_the_bias_give_the_value():
    example = convolution(*numbers(3), bias=[1.0])
    texts = said(viz.sliding_window(example.picture(4), size="slide"))
    at = [texts.index(f"+ {value}".replace("-", "−")) for value in channel_parts(example, 4)[1:]]
    assert texts[max(at) + 1 : max(at) + 3] == ["+", "1"]
    assert sum(channel_parts(example, 4)) + 1 == example.output.ravel()[4]
    # Below each number under the window its weight.
    assert sum(text.startswith("×") for text in texts) == 27


def numbers(channels, filters=1):
    """An input of 5 × 5 and kernels of 3 × 3, whose sums are positive."""
    input = np.arange(channels * 25).reshape(channels, 5, 5) % 7
    kernel = np.arange(filters * channels * 9).reshape(filters, channels, 3, 3) % 4
    return input.astype(np.float32), kernel.astype(np.float32)


def channel_parts(example, step):
    row, column = divmod(step, 3)
    patch = example.input[:, row : row + 3, column : column + 3]
    return [int(part) for part in (patch * example.kernel[0]).sum((1, 2))]


def test_a_turned_kernel_stands_beside_the_one_that_was_given():
    input, _ = numbers(1)
    kernel = np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)
    texts = said(viz.sliding_window(convolution(input, kernel, flip=True).picture(0), size="slide"))
    given = texts[texts.index("before it is turned") + 1 :][:9]
    assert given == list("123456789")
    assert "before it is turned" not in said(
        viz.sliding_window(convolution(input, kernel).picture(0), size="slide")
    )


def test_planes_that_are_left_out_are_counted_and_kernels_named_with_their_maps():
    texts = said(viz.isometric(convolution(*numbers(9, 16)).picture(0), size="slide"))
    assert "… 1 more channel" in texts and "… 8 more maps" in texts
    assert any(re.match(r"… \d+ more kernels, … 6 more channels", text) for text in texts)
    assert f"{viz.style.ARROW} map 0" in texts and "16 kernels" in texts


def test_rays_lie_on_the_output():
    """All that is drawn of the output's planes comes before them."""
    figure = viz.isometric(convolution(*numbers(1, 3)).picture(4), size="slide")
    drawn = [(one.get_zorder(), type(one).__name__) for one in figure.axes[0].collections]
    assert [name for _, name in sorted(drawn)][-1] == "LineCollection"


def test_all_windows_of_an_adaptive_pooling_are_drawn():
    input = np.arange(49, dtype=np.float32).reshape(1, 7, 7)
    figure = viz.sliding_window(adaptive_pooling(input, "average", 3).picture(4), size="slide")
    spans = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    across = sorted(tuple(line.get_xdata()) for line in spans if len({*line.get_ydata()}) == 1)
    assert len(across) == 3  # columns 0 to 2, 2 to 4, 4 to 6
    assert across[0][1] > across[1][0] and across[1][1] > across[2][0]


def test_global_pooling_fills_all_of_its_maps(convlab):
    convlab(
        *("render", "pooling", "--kind", "average", "--input", "5", "--global"),
        *("--channels", "3", "-o", "all.svg", "--json-file", "all.json"),
    )
    values = np.ravel(json.loads((convlab.folder / "all.json").read_text())["result"]["output"])
    svg = (convlab.folder / "all.svg").read_text()
    assert all(f">{value:.2f}<" in svg for value in values)
