"""Conventions of several libraries: sizes by their definitions, numbers by PyTorch."""

import itertools
import json
import math

import numpy as np
import pytest

from convlab import lessons, pictures, shapes, viz
from convlab.comparison import Comparison, Convention
from convlab.errors import ShapeError, SpecError
from convlab.lessons.conventions import compare_conventions, example_numbers

CASES = [
    # input, kernel, stride, dilation, padding
    ((6, 6), (3, 3), (2, 2), (1, 1), None),
    ((5, 7), (3, 2), (1, 2), (1, 1), None),
    ((9, 8), (3, 3), (2, 3), (2, 1), (1, 1)),
    ((7, 7), (2, 2), (2, 2), (3, 3), (0, 1)),
    ((12, 11), (5, 4), (3, 2), (1, 1), (2, 2)),
    ((8, 8), (1, 1), (3, 3), (1, 1), (0, 0)),
]


def pairs(found):
    """The outputs of each comparison by its title."""
    return {c.title: tuple(side.values for side in c.sides) for c in found.comparisons}


def test_the_size_of_tensorflows_same_is_the_input_over_the_stride():
    for size, kernel, stride, dilation in itertools.product(
        (3, 4, 7, 12), (1, 2, 3), (1, 2, 3, 5), (1, 2)
    ):
        found = compare_conventions(
            (size, size + 2), (kernel, kernel), (stride, stride), (dilation, dilation)
        )
        _, tensorflow = pairs(found)["convolution: padding"]
        expected = (math.ceil(size / stride), math.ceil((size + 2) / stride))
        assert tensorflow.shape == expected
        # What stands at the output says the same.
        _, side = found.comparisons[0].sides
        assert side.sizes[0] == f"⌈{size} / {stride}⌉ = {expected[0]}"
        assert side.sizes[1] == f"⌈{size + 2} / {stride}⌉ = {expected[1]}"


def tensorflow_padding(size, kernel, stride, dilation):
    """Zeros before and after, as TensorFlow's documentation of tf.nn.convolution has them."""
    total = max(0, (math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return total // 2, total - total // 2


def test_sames_padding_and_size_for_many_sizes():
    for size, kernel, stride, dilation in itertools.product(
        range(1, 40), range(1, 7), range(1, 6), (1, 2, 3)
    ):
        padding = shapes.tensorflow_same_padding(size, kernel, stride, dilation)
        assert padding == tensorflow_padding(size, kernel, stride, dilation)
        output = shapes.conv_output(size, kernel, stride, sum(padding), dilation)
        assert output == math.ceil(size / stride)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("seed", [0, 5])
def test_numbers_are_those_of_pytorch(case, seed):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    size, kernel, stride, dilation, padding = case
    found = compare_conventions(*case, seed=seed)
    outputs = pairs(found)
    image = torch.from_numpy(found.input)[None, None]
    weight = torch.from_numpy(found.kernel)[None, None]
    half = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    settings = {"stride": stride, "dilation": dilation, "padding": padding or half}

    def same(ours, theirs):
        assert np.array_equal(ours, theirs[0, 0].numpy())

    one, other = outputs["convolution: padding"]
    same(one, F.conv2d(image, weight, **settings))
    rows, columns = (
        tensorflow_padding(i, k, s, d)
        for i, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    )
    explicit = F.pad(image, (*columns, *rows))
    same(other, F.conv2d(explicit, weight, stride=stride, dilation=dilation))

    one, other = outputs["convolution: kernel"]
    same(one, F.conv2d(image, weight, **settings))
    same(other, F.conv2d(image, weight.flip(2, 3), **settings))

    one, other = outputs["max pooling: size"]
    same(one, F.max_pool2d(image, kernel, stride))
    same(other, F.max_pool2d(image, kernel, stride, ceil_mode=True))

    one, other = outputs["max pooling: padding"]
    pooled = padding or tuple(k // 2 for k in kernel)
    same(one, F.max_pool2d(image, kernel, stride, pooled))
    around = (pooled[1], pooled[1], pooled[0], pooled[0])
    same(other, F.max_pool2d(F.pad(image, around), kernel, stride))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_first_cell_that_differs(case):
    for comparison in compare_conventions(*case).comparisons:
        one, other = (side.values for side in comparison.sides)
        rows = range(max(len(one), len(other)))
        columns = range(max(one.shape[1], other.shape[1]))

        def at(values, place):
            inside = place[0] < values.shape[0] and place[1] < values.shape[1]
            return float(values[place]) if inside else None

        parts = [p for p in itertools.product(rows, columns) if at(one, p) != at(other, p)]
        # A place that neither has does not count: sizes may cross.
        assert comparison.first == (parts[0] if parts else None)


def test_first_difference_of_sizes_that_cross():
    def first(one, other):
        sides = (Convention("", "", ("", ""), np.array(values)) for values in (one, other))
        return Comparison("", tuple(sides)).first

    assert first(np.zeros((2, 2)), np.zeros((2, 2))) is None
    assert first(np.zeros((1, 3)), np.zeros((3, 1))) == (0, 1)
    assert first(np.zeros((2, 2)), np.zeros((3, 2))) == (2, 0)
    assert first(np.zeros((2, 2)), [[0, 0], [0, -1]]) == (1, 1)


@pytest.mark.parametrize("seed", range(20))
def test_the_numbers_tell_conventions_apart(seed):
    input, kernel = example_numbers((6, 6), (3, 3), seed)
    assert input.dtype == kernel.dtype == np.float32
    assert np.array_equal(input, input.round()) and (input[:3, :3] < 0).all()
    assert not np.array_equal(kernel, kernel[::-1, ::-1])
    again, _ = example_numbers((6, 6), (3, 3), seed)
    assert np.array_equal(input, again)
    found = compare_conventions((6, 6), (3, 3), (2, 2), seed=seed)
    firsts = {c.title: c.first for c in found.comparisons}
    # With stride 2 the windows of PyTorch and of SAME begin one pixel apart.
    assert firsts["max pooling: padding"] == (0, 0)
    assert firsts["max pooling: size"] == (0, 2)


def test_what_a_comparison_says():
    found = compare_conventions((6, 6), (3, 3), (2, 2), seed=0)
    size = next(c for c in found.comparisons if c.title == "max pooling: size")
    ceil = size.sides[1].values[0, 2]
    assert size.difference() == f"row 0, column 2: none and {int(ceil)}".replace("-", "−")
    assert [side.sizes[0] for side in size.sides] == [
        "⌊(6 − 3) / 2⌋ + 1 = 2",
        "⌈(6 − 3) / 2⌉ + 1 = 3",
    ]
    one = compare_conventions((7, 7), (1, 1), (1, 1))
    assert {c.difference() for c in one.comparisons} == {"the same in all cells"}


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match="pooling padding: expected at most half of the kernel"):
        compare_conventions((6, 6), (3, 3), (1, 1), padding=(2, 2))
    with pytest.raises(ShapeError, match="2 \\+ 2·0 − 5 < 0: window larger|kernel larger"):
        compare_conventions((2, 2), (5, 5))


PICTURES = [
    ((6, 6), (3, 3), (2, 2)),
    ((6, 6), (3, 3), (1, 1)),
    ((1, 1), (1, 1), (1, 1)),
    ((5, 7), (2, 3), (1, 2)),
    ((3, 40), (3, 3), (1, 2)),
    ((40, 3), (3, 3), (2, 1)),
    ((40, 40), (3, 3), (1, 1)),
    ((30, 30), (11, 11), (4, 4)),
    ((12, 12), (3, 3), (3, 3), (3, 3)),
]


@pytest.mark.sample(16)
@pytest.mark.parametrize("size", ["slide", "small", "paper", "paper-wide"])
@pytest.mark.parametrize("case", PICTURES, ids=str)
def test_conventions_are_legible(case, size, assert_legible):
    found = compare_conventions(*case)
    figure = viz.conventions(
        found.input,
        found.kernel,
        found.comparisons,
        title="Where conventions part",
        subtitle="input 6 × 6, kernel 3 × 3, stride 2, dilation 3, seed 1",
        size=size,
        theme="dark" if size == "small" else "light",
    )
    assert_legible(figure, size)


def test_the_picture_writes_every_number():
    found = compare_conventions((6, 6), (3, 3), (2, 2), seed=1)
    figure = viz.conventions(found.input, found.kernel, found.comparisons, title="t")
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    numbers = [int(t.replace("−", "-")) for t in texts if t.lstrip("−").isdecimal()]
    arrays = [found.input, found.kernel]
    arrays += [side.values for c in found.comparisons for side in c.sides]
    assert sorted(numbers) == sorted(int(v) for values in arrays for v in values.flat)
    for comparison in found.comparisons:
        assert f"they part first at {comparison.difference()}" in texts


def test_what_the_picture_needs():
    found = compare_conventions((6, 6), (3, 3), (2, 2))
    large = compare_conventions((200, 6), (3, 3))
    with pytest.raises(SpecError, match="expected an input that fits the picture, got 200 × 6"):
        viz.conventions(large.input, large.kernel, large.comparisons, title="t", size="small")
    with pytest.raises(ShapeError, match="expected 4 comparisons, got 1"):
        viz.conventions(found.input, found.kernel, found.comparisons[:1], title="t")
    with pytest.raises(ShapeError, match=r"expected arrays \(H, W\), got \(1, 6, 6\)"):
        viz.conventions(found.input[None], found.kernel, found.comparisons, title="t")


def test_the_command(convlab):
    out = convlab.works("compare-conventions", "--json-file", "v.json", "-o", "v.svg")
    lines = out.splitlines()
    assert lines[0] == "input 6 × 6, kernel 3 × 3, stride 2, seed 1"
    assert "  PyTorch                        TensorFlow" in lines
    assert "  padding 1                      SAME: padding 0 + 1" in lines
    assert "  ⌊(6 + 2·1 − 3) / 2⌋ + 1 = 3    ⌈6 / 2⌉ = 3" in lines
    assert lines[-1] == "wrote v.svg"
    assert max(map(len, lines)) <= 100
    record = json.loads((convlab.folder / "v.json").read_text())
    found = compare_conventions((6, 6), (3, 3), (2, 2), seed=1)
    assert record["inputs"]["input"] == found.input.tolist()
    for comparison in found.comparisons:
        result = record["result"][comparison.title]
        assert tuple(result["first"]) == comparison.first
        for side in comparison.sides:
            assert result[side.name]["values"] == side.values.tolist()
    assert (convlab.folder / "v.svg").read_text().startswith("<?xml")


def test_the_command_on_input_that_does_not_fit(convlab):
    message = convlab.fails("compare-conventions", "--padding", "2", "-o", "no.png")
    assert message.startswith("pooling padding: expected at most half of the kernel 3 × 3")
    assert not (convlab.folder / "no.png").exists()


# --- large inputs ---------------------------------------------------------------------------


def test_without_numbers_shades_stay_to_be_seen_and_corners_count_what_differs():
    found = lessons.compare_conventions((20, 20), (3, 3), (2, 2), (1, 1), None, 1)
    figure = pictures.compare_conventions(20).draw(theme="light", size="slide")
    axes = figure.axes[0]
    shapes = [image.get_array().shape[:2] for image in axes.images]
    assert (20, 20) in shapes  # the input too
    corners = sum(
        len(drawn.get_paths())
        for drawn in axes.collections
        if type(drawn).__name__ == "PolyCollection"
    )
    differing = sum(
        int(comparison.differs[: side.values.shape[0], : side.values.shape[1]].sum())
        for comparison in found.comparisons
        for side in comparison.sides
    )
    assert corners == differing > 100
    assert "a corner in this colour: another number" in [text.get_text() for text in axes.texts]
    few = pictures.compare_conventions(6).draw(theme="light", size="slide")
    assert not [text for text in few.axes[0].texts if text.get_text().startswith("a corner")]


@pytest.mark.parametrize(("input", "padding"), [(8, 3), ((6, 4), 2), (9, 2)])
def test_numbers_of_padded_images_stay_apart(input, padding):
    """A fifth of each cell is free."""
    figure = pictures.padding_modes(input, padding).draw(theme="light", size="slide")
    texts = [text for text in figure.axes[0].texts if text.get_text().isdigit()]
    assert len(texts) > 4 * 30
    boxes = sorted(
        (round(box.y0), box.x0, box.x1) for box in (text.get_window_extent() for text in texts)
    )
    rows = zip(boxes, boxes[1:], strict=False)
    gaps = [b[1] - a[2] for a, b in rows if a[0] == b[0] and b[1] > a[2] - 1]
    assert min(gaps) >= 4
