"""What follows a shift exactly, what only nearly, and what it costs in accuracy."""

import json
import re
import sys

import numpy as np
import pytest
from scipy import ndimage

from convlab import Tensor, data, insight, models, no_grad, training, viz
from convlab.data.batches import to_floats
from convlab.errors import ShapeError, SpecError
from convlab.insight import equivariance
from convlab.insight.equivariance import rescale, rotate, shift

SIZE = 12
SHIFTS = (*range(SIZE), -1, -5)


def network(*layers, size=SIZE, channels=2):
    """A network of the layers, each the lines of a spec, before a dense one."""
    text = [f'input = "{size}x{size}x{channels}"', *(f"[[layer]]\n{layer}" for layer in layers)]
    text += ['[[layer]]\ntype = "Flatten"', '[[layer]]\ntype = "Linear"\nout_features = "classes"']
    return models.build_from_text("\n".join(text), name="own")


def conv(stride=1, mode="circular", name="conv"):
    return (
        f'type = "Conv2d"\nname = "{name}"\nout_channels = 4\nkernel_size = 3\npadding = 1\n'
        f'stride = {stride}\npadding_mode = "{mode}"'
    )


def pool(kind, name="pool"):
    return f'type = "{kind}"\nname = "{name}"\nkernel_size = 2'


def images(count=5, size=SIZE, channels=2):
    random = np.random.default_rng(7)
    return random.standard_normal((count, channels, size, size)).astype(np.float32)


# Facts of Zhang 2019, "Making convolutional networks shift-invariant again", section 3.


def test_circular_padding_and_stride_1_follow_every_shift_exactly():
    layers = [conv(), 'type = "ReLU"', conv(name="second"), 'type = "Tanh"']
    rows = equivariance(network(*layers), images(), SHIFTS)
    assert [row.name for row in rows] == ["conv", "relu1", "second", "tanh1"]
    for row in rows:
        assert row.stride == (1, 1) and row.map_size == (SIZE, SIZE)
        assert (row.errors == 0.0).all()
        assert row.cells.tolist() == list(SHIFTS) and not row.rounded.any()


@pytest.mark.parametrize(
    "layers",
    [
        [conv(stride=2, name="last")],
        [conv(), pool("MaxPool2d", "last")],
        [conv(), pool("AvgPool2d", "last")],
        [conv(stride=2), conv(name="last")],
    ],
    ids=["strided", "maximum", "average", "behind"],
)
def test_stride_2_follows_even_shifts_only(layers):
    (row,) = equivariance(network(*layers), images(), SHIFTS, layers=["last"])
    odd = np.array(SHIFTS) % 2 == 1
    assert row.stride == (2, 2)
    assert (row.errors[~odd] == 0.0).all()
    assert (row.errors[odd] > 0.1).all()
    assert row.rounded.tolist() == odd.tolist()


def test_effective_strides_multiply():
    (row,) = equivariance(
        network(conv(stride=2), pool("MaxPool2d")), images(), SHIFTS, layers=["pool"]
    )
    whole = np.array(SHIFTS) % 4 == 0
    assert row.stride == (4, 4)
    assert (row.errors == 0.0).tolist() == whole.tolist()
    # A half goes up: 2 pixels are half a cell.
    assert dict(zip(SHIFTS, row.cells.tolist(), strict=True))[2] == 1


def test_zero_padding_fails_at_the_border_alone():
    own = network(conv(mode="zeros"))
    (row,) = equivariance(own, images(), (0, 1, 5))
    assert row.errors[0] == 0.0 and (row.errors[1:] > 0).all()
    both = insight.commuting(own, images(1)[0], "conv", (0, 3))
    wrong = np.abs(both.maps_of_shifted - both.shifted_maps).max(axis=0) > 0
    # The kernel reaches one cell over: both borders, before and after the shift.
    assert set(np.flatnonzero(wrong.any(axis=0)).tolist()) == {0, 2, 3, SIZE - 1}


def test_a_shift_that_loses_pixels_is_exact_away_from_what_came_in():
    x = images()
    x[..., :2] = x[..., -5:] = x[..., :2, :] = x[..., -2:, :] = 0.0
    own = network(conv(mode="zeros"))
    (row,) = equivariance(own, x, (0, 1, 2, 3), border="zeros")
    assert (row.errors == 0.0).all()
    filled = equivariance(own, x, (1,), border="zeros", background=[9.0, 9.0])
    assert filled[0].errors[0] > 0.1


def test_the_error_is_the_mean_of_the_relative_norms():
    x, own = images(70), network(conv(mode="zeros"))  # more than one batch
    (row,) = equivariance(own, x, (3,))
    with no_grad():
        plain, moved = (
            own["conv"](Tensor(np.ascontiguousarray(batch))).numpy().astype(np.float64)
            for batch in (x, np.roll(x, 3, axis=3))
        )
    errors = [
        np.linalg.norm(one - np.roll(two, 3, axis=2)) / np.linalg.norm(two)
        for one, two in zip(moved, plain, strict=True)
    ]
    assert row.errors[0] == pytest.approx(np.mean(errors), rel=1e-12)


def test_nothing_left_to_compare_is_no_number():
    own = network(conv(), 'type = "AdaptiveAvgPool2d"\nname = "all"\noutput_size = 1')
    (row,) = equivariance(own, images(), (0, 7), border="zeros", layers=["all"])
    assert row.errors[0] == 0.0 and np.isnan(row.errors[1])


def test_large_maps_are_measured_a_few_images_at_once(monkeypatch):
    own = network(conv(mode="zeros"))
    whole = equivariance(own, images(), (1,))[0].errors
    module = sys.modules["convlab.insight.equivariance"]
    monkeypatch.setattr(module, "MOST_FLOATS", 2 * 4 * SIZE * SIZE)
    assert np.allclose(equivariance(own, images(), (1,))[0].errors, whole, rtol=1e-12)


def test_maps_of_zeros_alone_have_no_error():
    own = network(conv())
    for parameter in own.parameters():
        parameter.data[...] = 0
    assert equivariance(own, images(), (1,))[0].errors.tolist() == [0.0]


# The transforms themselves.


def test_shifts_against_plain_loops():
    x = images(2, 6)
    for rows, columns in ((0, 2), (3, 0), (-1, 2), (0, 0), (-5, -5)):
        around, lost = np.empty_like(x), np.full_like(x, 0.5)
        for row in range(6):
            for column in range(6):
                to = row + rows, column + columns
                around[..., to[0] % 6, to[1] % 6] = x[..., row, column]
                if 0 <= to[0] < 6 and 0 <= to[1] < 6:
                    lost[..., to[0], to[1]] = x[..., row, column]
        assert np.array_equal(shift(x, rows, columns), around)
        assert np.array_equal(shift(x, rows, columns, "zeros", 0.5), lost)


def test_rotations_by_quarter_turns_are_exact_and_others_as_scipy_has_them():
    x = images(1, 9)
    for turns in range(-4, 5):
        assert np.array_equal(rotate(x, 90 * turns), np.rot90(x, turns, (2, 3)))
    for degrees in (30, -45, 200):
        expected = ndimage.rotate(x, degrees, axes=(2, 3), reshape=False, order=1)
        assert np.allclose(rotate(x, degrees), expected, atol=1e-5)
    assert np.allclose(rotate(np.full((1, 9, 9), 3.0), 45, 3.0), 3.0)


def test_a_scale_enlarges_about_the_middle():
    assert rescale(images(), 1) is not None and np.array_equal(rescale(images(), 1), images())
    ramp = np.arange(9.0) * np.ones((9, 1))
    assert np.allclose(rescale(ramp, 2), 4 + (np.arange(9) - 4) / 2)
    small = rescale(np.ones((9, 9)), 0.5)
    assert small[4, 4] == 1 and small[0, 0] == 0 and small[:, 0].max() == 0


def test_a_pointwise_layer_follows_quarter_turns_and_a_kernel_does_not():
    own = network('type = "ReLU"', conv())
    relu, kernel = equivariance(own, images(), (0, 90, 180, 45), transform="rotation")
    assert relu.errors[:3].tolist() == [0.0] * 3 and relu.errors[3] > 0
    assert kernel.errors[0] == 0 and (kernel.errors[1:] > 0.1).all()
    assert relu.cells is None and relu.rounded is None
    relu, kernel = equivariance(own, images(), (1, 1.5), transform="scale")
    assert relu.errors[0] == kernel.errors[0] == 0 and kernel.errors[1] > 0.1


def test_a_kernel_that_looks_alike_from_all_sides_follows_quarter_turns():
    own = network(conv())
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32)
    own["conv"].weight.data[...] = kernel
    (row,) = equivariance(own, images(), (90, 180, 270), transform="rotation")
    assert (row.errors < 1e-6).all()


# One image, and accuracy.


def test_one_image_the_two_ways_round():
    own, x = network(conv(), pool("MaxPool2d")), images(1)[0]
    exact = insight.commuting(own, x, "pool", (2, -4))
    assert exact.error == 0.0 and exact.cells == (1, -2) and not exact.rounded
    assert np.array_equal(exact.shifted_image, np.roll(x, (2, -4), (1, 2)))
    assert np.array_equal(exact.shifted_maps, np.roll(exact.maps, (1, -2), (1, 2)))
    assert exact.compared.all()
    near = insight.commuting(own, x, "pool", (1, 0), border="zeros")
    assert near.error > 0.1 and near.cells == (1, 0) and near.rounded
    assert near.compared.tolist() == [[row > 0] * 6 for row in range(6)]


@pytest.fixture(scope="module")
def small(run):
    """The run's network with 50 test images."""
    loaded = training.load(run)
    _, test = data.load("digits")
    return loaded, test.subset(np.arange(50))


@pytest.mark.parametrize("border", ["zeros", "circular"])
def test_accuracy_under_shift_against_a_plain_loop(small, border):
    loaded, test = small
    shares = insight.accuracy_under_shift(
        loaded.network, test.images, test.labels, loaded.scaling, (0, 2, 7), border=border
    )
    assert list(insight.DIRECTIONS) == ["down", "up", "right", "left"]
    steps = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    for row, amount in enumerate((0, 2, 7)):
        for column, (down, right) in enumerate(steps):
            moved = np.roll(test.images, (amount * down, amount * right), (2, 3))
            if border == "zeros":
                line = {1: slice(None, amount), -1: slice(28 - amount, None)}
                if down and amount:
                    moved[:, :, line[down]] = 0
                elif amount:
                    moved[:, :, :, line[right]] = 0
            right_ones = 0
            for image, label in zip(moved, test.labels, strict=True):
                with no_grad():
                    output = loaded.network(Tensor(to_floats(image[None], loaded.scaling)))
                right_ones += int(output.numpy().argmax()) == label
            assert shares[row, column] == right_ones / 50
    assert shares[0].tolist() == [shares[0, 0]] * 4 and shares[2].mean() < shares[0, 0]


def test_one_direction_is_a_column_of_all(small):
    loaded, test = small
    arguments = loaded.network, test.images, test.labels, loaded.scaling, (0, 3)
    every = insight.accuracy_under_shift(*arguments)
    left = insight.accuracy_under_shift(*arguments, directions=("left",))
    assert np.array_equal(left, every[:, 3:])


# Errors.

OWN = network(conv())
DENSE = models.build("dense")
BYTES = np.zeros((2, 1, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: equivariance(OWN, images(), (1,), transform="warp"), SpecError, "got 'warp'"),
        (lambda: equivariance(OWN, images(), (1,), border="wall"), SpecError, "got 'wall'"),
        (lambda: equivariance(OWN, images(), ()), SpecError, "at least one amount"),
        (lambda: equivariance(OWN, images(), (0.5,)), SpecError, "whole pixels.* got 0.5"),
        (lambda: equivariance(OWN, images(), (12,)), SpecError, "less than the 12 .* got 12"),
        (lambda: equivariance(OWN, images(), (0,), transform="scale"), SpecError, "above 0"),
        (
            lambda: equivariance(OWN, images(), (1,), layers=["fc"]),
            SpecError,
            "feature maps, conv, got 'fc'",
        ),
        (lambda: equivariance(OWN, images(1, 9), (1,)), ShapeError, r"\(N, 2, 12, 12\), got"),
        (
            lambda: equivariance(DENSE, images(1, 28, 1), (1,)),
            SpecError,
            "dense has no layer with feature maps",
        ),
        (lambda: insight.commuting(OWN, images(1)[0], "no", (0, 1)), SpecError, "got 'no'"),
        (lambda: insight.commuting(OWN, images(1)[0], "conv", (0, 12)), SpecError, "got 12"),
        (
            lambda: insight.accuracy_under_shift(OWN, BYTES, [0, 1], None, (8,)),
            SpecError,
            "from 0 to 7, got 8",
        ),
        (lambda: shift(BYTES, 1, 1, "wall"), SpecError, "circular, zeros, got 'wall'"),
        (
            lambda: viz.equivariance([[0.0]], [], ["1"], title=""),
            ShapeError,
            r"expected errors \(0, 1\)",
        ),
        (
            lambda: viz.equivariance([[0.0]], [("a", "")], ["1"], rounded=[True], title=""),
            ShapeError,
            r"expected rounded \(1, 1\), got \(1,\)",
        ),
        (lambda: viz.invariance([], {}, title=""), SpecError, "at least one network"),
        (
            lambda: viz.invariance([0], dict.fromkeys("abcde", [1.0]), title=""),
            SpecError,
            "at most 4 networks, got 5",
        ),
        (
            lambda: viz.invariance([0, 1], {"a": [1.0]}, title=""),
            ShapeError,
            "2 accuracies of a, one a shift, got 1",
        ),
    ],
)
def test_errors_say_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


# Away from the border.


@pytest.mark.parametrize("border", ["circular", "zeros"])
def test_zero_padding_has_no_part_away_from_the_border(border):
    layers = [conv(mode="zeros"), 'type = "ReLU"', conv(mode="zeros", name="second")]
    rows = equivariance(network(*layers), images(), (0, 1, 3, -2), border=border)
    for row in rows:
        assert (row.errors[1:] > 0.01).all()  # the border is in it
        assert (row.inner == 0).all()


def test_the_error_away_from_the_border_is_that_of_those_cells():
    own, x = network(conv(mode="zeros"), pool("MaxPool2d")), images()
    ((row),) = equivariance(own, x, (3,), layers=["pool"])
    maps = {}
    for name, values in (("plain", x), ("moved", np.roll(x, 3, axis=3))):
        with no_grad():
            maps[name] = next(
                value.numpy() for layer, _, value in own.steps(Tensor(values)) if layer == "pool"
            )
    # Half a cell goes up: 2 cells for 3 pixels.  Unit u sees pixels 2u - 1 to 2u + 2, so rows
    # 1 to 4 see no padding; columns 2 to 4 see none of the first 3 pixels, 3 and 4 saw no
    # padding before the shift as well.
    one = maps["moved"][:, :, 1:5, 3:5].astype(float)
    two = maps["plain"][:, :, 1:5, 1:3].astype(float)
    errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(one, two, strict=True)]
    np.testing.assert_allclose(row.inner, [np.mean(errors)], rtol=1e-6)
    assert row.inner[0] > 0.01
    assert np.isnan(equivariance(own, x, (11,), layers=["pool"])[0].inner[0])  # no cell is left


def test_one_image_away_from_the_border():
    found = insight.commuting(network(conv(mode="zeros")), images(1)[0], "conv", (1, -2))
    assert found.error > 0.01 and found.inner == 0


# Figures.

SENTENCE = "run lenet5-digits, lenet5 trained on digits; shift to the right; mean over 64 images"
SIZES = ["slide", "small", "paper", "paper-wide", "animation"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("layers", "amounts"), [(1, 1), (6, 5), (13, 9), (40, 3), (3, 28)])
def test_the_table_of_errors_is_legible(layers, amounts, size, assert_legible):
    random = np.random.default_rng(layers)
    errors = random.random((layers, amounts)) * 10.0 ** random.integers(-7, 1, (layers, amounts))
    errors[:, 0] = 0
    errors[-1, -1] = np.nan
    figure = viz.equivariance(
        errors,
        [(f"convolution{index}", "112 × 112, stride 2") for index in range(layers)],
        [str(amount) for amount in range(amounts)],
        rounded=random.random(errors.shape) > 0.5,
        inner=errors[::-1] if layers > 1 else None,
        word="shift to the right in pixels",
        title="Equivariance of a network of a long name to shifts",
        subtitle=SENTENCE,
        theme="dark" if layers % 2 else "light",
        size=size,
    )
    assert_legible(figure, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 12, 40), (3, 40, 12), (1, 2, 2)], ids=str)
def test_the_two_ways_are_legible(shape, size, assert_legible):
    random = np.random.default_rng(1)
    x, maps = random.random(shape), random.random((3, shape[1] // 2, shape[2] // 2))
    inside = np.ones(maps.shape[1:], bool)
    inside[:, 0] = False
    figure = viz.two_ways(
        x,
        x[..., ::-1],
        *maps,
        layer="block1_conv2",
        steps=("↓ 10 → 12", "≈ ↓ 5 → 6"),
        facts=("difference", "relative error of all maps 0.123; grey: not compared"),
        compared=inside,
        title="block1_conv2: shift before or after",
        subtitle=SENTENCE,
        size=size,
    )
    assert_legible(figure, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("names", [["a"], ["conv", "dense"], list(map(str, range(4)))], ids=len)
def test_the_curves_of_accuracy_are_legible(names, size, assert_legible):
    shifts = [0] if names == ["a"] else range(14)
    lines = {
        f"a run with a long name, {name}": np.linspace(0.97, 0.1 + 0.001 * index, len(shifts))
        for index, name in enumerate(names)
    }
    figure = viz.invariance(shifts, lines, title="A shift", subtitle=SENTENCE, size=size)
    assert_legible(figure, size)


def test_the_table_says_what_was_measured():
    figure = viz.equivariance(
        [[0.0, 0.125, 4e-8]],
        [("conv1", "28 × 28")],
        ["0", "1", "2"],
        rounded=[[False, True, False]],
        inner=[[0.0, 0.0, np.nan]],
        title="",
    )
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert {"0", "≈0.125", "4 × 10⁻⁸", "conv1", "28 × 28"} <= set(texts)
    assert [text for text in texts if text.startswith("inside ")] == ["inside ≈0"]


# Commands.


def test_equivariance_as_a_table_and_its_numbers(convlab):
    (convlab.folder / "own.toml").write_text(network(conv(stride=2)).spec)
    out = convlab.works(
        "equivariance", "own.toml", "--shifts", "0,1,2", "--images", 3, "--json-file", "e.json"
    )
    first, second = out.split("\n\n")
    assert "exact there" not in second  # half a stride is not
    line = next(line.split() for line in first.splitlines() if line.startswith("conv "))
    assert line[-3] == line[-1] == "0" and float(line[-2].removeprefix("≈")) > 0.1
    record = json.loads((convlab.folder / "e.json").read_text())
    assert record["result"]["conv"]["errors"][::2] == [0, 0]
    (convlab.folder / "zero.toml").write_text(network(conv(mode="zeros")).spec)
    words = ("equivariance", "zero.toml", "--shifts", "0,1", "--images", 3)
    assert convlab.works(*words).splitlines()[-1] == (
        "exact there: conv; all of their error comes from the border, which conv pads with zeros"
    )
    assert np.shape(record["inputs"]["images"]) == (3, 2, SIZE, SIZE)


def test_errors_of_no_cell_are_null(convlab):
    (convlab.folder / "zero.toml").write_text(network(conv(mode="zeros")).spec)
    words = ("equivariance", "zero.toml", "--shifts", f"0,{SIZE - 1}", "--images", 2)
    out = convlab.works(*words, "--json-file", "e.json")
    errors = json.loads((convlab.folder / "e.json").read_text())["result"]["conv"]
    assert errors["errors_away_from_border"] == [0, None]
    assert re.search("^conv .* 0 +-$", out.split("\n\n")[1], re.MULTILINE)


def test_invariance_of_a_run(convlab, run):
    out = convlab.works(
        "invariance", run, "--shifts", "0,3", "-o", "i.png", "--json-file", "i.json"
    )
    head, shifts, line, wrote = out.splitlines()
    assert "360 test images of digits" in head and "(mean)" in head
    assert shifts.split() == ["shift", "0", "3"] and wrote == "wrote i.png"
    result = json.loads((convlab.folder / "i.json").read_text())["result"][run.name]
    assert np.allclose(np.mean(result["by direction"], axis=1), result["accuracy"])
    assert f"{100 * result['accuracy'][1]:.2f} %" in line


def test_render_equivariance_of_an_image(convlab, run):
    convlab.works(
        "render",
        "equivariance",
        run,
        "test:3",
        "--shift=-1,2",
        "-o",
        "e.svg",
        "--json-file",
        "e.json",
    )
    result = json.loads((convlab.folder / "e.json").read_text())["result"]
    assert result["shift of maps"] == [-1, 2] and np.shape(result["maps"]) == (6, 28, 28)
    difference = np.array(result["shift, then layer"]) - np.array(result["layer, then shift"])
    assert np.allclose(difference, result["difference"], atol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["equivariance", "lenet5", "--shifts", "1,x"], "whole numbers such as 0,1,2,3, got '1,x'"),
        (["equivariance", "lenet5", "--angles", "90"], "expected with --transform rotation, got"),
        (["invariance", "x", *["--against", "y"] * 4], "at most three runs, got 4"),
    ],
)
def test_wrong_usage(convlab, words, message):
    assert message in convlab.misused(*words)
