"""Geometry against published numbers, and against counting by hand."""

import dataclasses
import re

import numpy as np
import pytest

from convlab import models, shapes
from convlab.errors import ConvlabError, ShapeError, SpecError
from convlab.shapes import ReceptiveField

pytestmark = pytest.mark.smoke


def one_line(kind, start):
    """Expect an error of one line that begins with ``start``."""
    return pytest.raises(kind, match=rf"\A{re.escape(start)}[^\n]*\Z")


# --- Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning" --------------


def test_published_output_sizes():
    """Sizes that the guide and course books print: (input, kernel, stride, padding) -> output."""

    def output(size, kernel, stride=1, padding=0):
        g = shapes.conv2d_geometry(
            1, 1, size, (kernel, kernel), (stride, stride), (padding,) * 4, (1, 1), 1
        )
        return g.output

    assert output((5, 7), 3, 2, 1) == (3, 4)
    assert output((6, 6), 3) == (4, 4)
    assert output((512, 512), 5) == (508, 508)
    assert output((39, 39), 3) == (37, 37)
    assert output((37, 37), 5, 2) == (17, 17)
    # Figures 2.1 to 2.7 of the guide
    assert output((4, 4), 3) == (2, 2)
    assert output((5, 5), 4, 1, 2) == (6, 6)
    assert output((5, 5), 3, 1, 1) == (5, 5)
    assert output((5, 5), 3, 1, 2) == (7, 7)
    assert output((5, 5), 3, 2) == (2, 2)
    assert output((5, 5), 3, 2, 1) == (3, 3)
    assert output((6, 6), 3, 2, 1) == (3, 3)
    # Figure 5.1: dilation 2 makes a kernel of 3 span 5
    assert shapes.conv_output(7, 3, dilation=2) == 3


def windows_by_hand(size, kernel, stride, before, after, dilation):
    """Starting points of windows that lie inside the padded input, counted one after the other."""
    last_tap = (kernel - 1) * dilation
    start, count = -before, 0
    while start + last_tap < size + after:
        count += 1
        start += stride
    return count


def test_output_size_is_the_number_of_window_positions():
    checked = 0
    for size in range(1, 9):
        for kernel in range(1, 6):
            for stride in range(1, 5):
                for before, after in [(0, 0), (1, 1), (2, 0), (0, 3), (4, 4)]:
                    for dilation in (1, 2, 3):
                        counted = windows_by_hand(size, kernel, stride, before, after, dilation)
                        computed = shapes.conv_output(
                            size, kernel, stride, before + after, dilation
                        )
                        assert max(0, computed) == counted
                        checked += counted > 0
    assert checked > 1000


@pytest.mark.parametrize("kernel", range(1, 8))
@pytest.mark.parametrize("size", [7, 8, 20])
def test_half_and_full_padding(size, kernel):
    """Relations 3 and 4: p = floor(k / 2), k odd: o = i; p = k - 1: o = i + k - 1."""
    if kernel % 2:
        assert shapes.conv_output(size, kernel, padding=2 * (kernel // 2)) == size
        assert shapes.same_padding(kernel) == (kernel // 2, kernel // 2)
    assert shapes.conv_output(size, kernel, padding=2 * (kernel - 1)) == size + kernel - 1
    for dilation in (1, 2, 3):
        padding = shapes.same_padding(kernel, dilation)
        assert padding[1] - padding[0] in (0, 1)  # an odd one goes after
        assert shapes.conv_output(size, kernel, 1, sum(padding), dilation) == size


def test_transposed_gives_the_size_back():
    """Relation 14: o' = s(i' - 1) + a + k - 2p with a = (i + 2p - k) mod s."""
    for size in range(3, 14):
        for kernel in (1, 2, 3):
            for stride in (1, 2, 3):
                for padding in (0, 1, 2):
                    a = (size + 2 * padding - kernel) % stride
                    reduced = (size + 2 * padding - kernel) // stride + 1
                    back = shapes.conv_transpose_output(reduced, kernel, stride, 2 * padding, a)
                    assert back == size
                    assert back == stride * (reduced - 1) + a + kernel - 2 * padding


def test_published_transposed_sizes():
    """Figures 4.1 to 4.7 of the guide."""
    size = shapes.conv_transpose_output
    assert size(2, 3) == 4
    assert size(6, 4, 1, 4) == 5
    assert size(5, 3, 1, 2) == 5
    assert size(7, 3, 1, 4) == 5
    assert size(2, 3, 2) == 5
    assert size(3, 3, 2, 2) == 5
    assert size(3, 3, 2, 2, 1) == 6


def test_tensorflow_same():
    """o = ceil(i / s); total padding max(0, (o - 1)s + d(k - 1) + 1 - i), an odd one after."""
    assert shapes.tensorflow_same_padding(5, 3, 2) == (1, 1)
    assert shapes.tensorflow_same_padding(6, 3, 2) == (0, 1)
    assert shapes.tensorflow_same_padding(224, 7, 2) == (2, 3)
    assert shapes.tensorflow_same_padding(28, 5) == (2, 2)
    assert shapes.tensorflow_same_padding(4, 1, 2) == (0, 0)
    assert shapes.tensorflow_same_padding(10, 3, 1, 4) == (4, 4)
    for size in range(1, 12):
        for kernel in range(1, 5):
            for stride in range(1, 5):
                for dilation in (1, 2):
                    before, after = shapes.tensorflow_same_padding(size, kernel, stride, dilation)
                    output = shapes.conv_output(size, kernel, stride, before + after, dilation)
                    assert output == int(np.ceil(size / stride))
                    assert after - before in (0, 1)


def test_padding_as_it_may_be_said():
    sides = shapes.padding_sides
    assert sides(2, (3, 3)) == (2, 2, 2, 2)
    assert sides((1, 2), (3, 3)) == (1, 1, 2, 2)
    assert sides([1, 2, 3, 4], (3, 3)) == (1, 2, 3, 4)
    assert sides(np.array([1, 2]), (3, 3)) == (1, 1, 2, 2)
    assert sides("valid", (3, 3)) == (0, 0, 0, 0)
    assert sides("same", (3, 4)) == (1, 1, 1, 2)
    assert sides("same", (3, 4), (1, 1), (2, 3)) == (2, 2, 4, 5)


# --- parameters ------------------------------------------------------------------------


def test_parameters_of_dense_and_convolutional_layers():
    convolution = shapes.conv2d_geometry(3, 6, (32, 32), (5, 5))
    assert convolution.output == (28, 28)
    assert convolution.weight_shape == (6, 3, 5, 5)
    assert 6 * 3 * 5 * 5 + 6 == 456  # what the next line has to be, by hand
    text = """
        input = "32x32x3"
        [[layer]]
        type = "Conv2d"
        out_channels = 6
        kernel_size = 5
        [[layer]]
        type = "Flatten"
        [[layer]]
        type = "Linear"
        out_features = "classes"
        """
    rows = models.summarise(models.build_from_text(text, name="course"))
    assert rows[0].parameters == 456
    # 32 x 32 x 3 fully connected to 28 x 28 x 6: 14,450,688 weights, and a bias each
    assert rows[0].dense_parameters == 14_450_688 + 28 * 28 * 6
    assert rows[0].multiply_adds == 28 * 28 * 6 * 75
    assert shapes.conv2d_geometry(3, 1, (512, 512), (5, 5)).weight_shape == (1, 3, 5, 5)


def test_parameters_of_the_models_that_come_along():
    assert models.build("lenet5").parameter_count() == 61_706
    assert models.build("dense").parameter_count() == 266_610
    assert models.build("lenet5-1998").parameter_count() == 60_000


PUBLISHED = {
    # LeCun, Bottou, Bengio & Haffner 1998, section II.B: parameters, connections
    "c1": (156, 122_304),
    "s2": (12, 5_880),
    "c3": (1_516, 151_600),
    "s4": (32, 2_000),
    "c5": (48_120, 48_120),
    "f6": (10_164, 10_164),
    "output": (0, 840),
}


def test_lenet5_as_published():
    rows = {row.name: row for row in models.summarise(models.build("lenet5-1998"))}
    assert {n: (rows[n].parameters, rows[n].connections) for n in PUBLISHED} == PUBLISHED
    assert sum(row.parameters for row in rows.values()) == 60_000
    assert sum(row.connections for row in rows.values()) == 340_908
    sizes = {name: rows[name].output_shape for name in PUBLISHED}
    assert sizes == {
        "c1": (6, 28, 28),
        "s2": (6, 14, 14),
        "c3": (16, 10, 10),
        "s4": (16, 5, 5),
        "c5": (120, 1, 1),
        "f6": (84,),
        "output": (10,),
    }


def test_lenet5_as_published_has_the_published_table():
    """Table I: 6 maps see 3 neighbours, 6 see 4, 3 see 4 that are not, 1 sees all of them."""
    table = models.build("lenet5-1998").c3.connections_table
    assert table.shape == (16, 6)
    assert table.sum(axis=1).tolist() == [3] * 6 + [4] * 9 + [6]
    assert 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + (6 * 25 + 1) == 1_516

    def neighbours(row):  # a ring of six maps with one gap
        return (row != np.roll(row, 1)).sum() == 2

    assert [neighbours(row) for row in table[:15]] == [True] * 12 + [False] * 3
    assert len({tuple(row) for row in table}) == 16


def test_lenet5_as_published_squashes_and_paints_as_published():
    network = models.build("lenet5-1998")
    assert network.pixels == (-0.1, 1.175)
    assert network.output.centres.shape == (10, 7 * 12)
    assert set(np.unique(network.output.centres)) == {-1, 1}


# --- receptive fields --------------------------------------------------------------------


def test_lenet5_receptive_fields():
    rows = {row.name: row for row in models.summarise(models.build("lenet5-1998"))}
    fields = {name: rows[name].receptive_field for name in ("c1", "s2", "c3", "s4", "c5")}
    assert all(rows_field == columns_field for rows_field, columns_field in fields.values())
    assert {name: (field.size, field.stride) for name, (field, _) in fields.items()} == {
        "c1": (5, 1),
        "s2": (6, 2),
        "c3": (14, 2),
        "s4": (16, 4),
        "c5": (32, 4),
    }
    assert rows["f6"].receptive_field is None


def through(layers, field=None):
    field = field or ReceptiveField()
    for kernel, stride, padding in layers:
        field = field.through(kernel, stride, padding)
    return field


ALEXNET = [
    # slim's alexnet_v2 (Araujo, Norris & Sim 2019): name, layer (k, s, p), r / S / P
    ("conv1", (11, 4, 0), (11, 4, 0)),
    ("pool1", (3, 2, 0), (19, 8, 0)),
    ("conv2", (5, 1, 2), (51, 8, 16)),
    ("pool2", (3, 2, 0), (67, 16, 16)),
    ("conv3", (3, 1, 1), (99, 16, 32)),
    ("conv4", (3, 1, 1), (131, 16, 48)),
    ("conv5", (3, 1, 1), (163, 16, 64)),
    ("pool5", (3, 2, 0), (195, 32, 64)),
]


def test_alexnet():
    field = ReceptiveField()
    for name, layer, expected in ALEXNET:
        field = field.through(*layer)
        assert dataclasses.astuple(field)[:3] == expected, name


def test_vgg16():
    sizes, paddings, field = [], [], ReceptiveField()
    for convolutions in (2, 2, 3, 3, 3):
        field = through([(3, 1, 1)] * convolutions + [(2, 2, 0)], field)
        sizes.append(field.size)
        paddings.append(field.padding)
    assert sizes == [6, 16, 44, 100, 212]
    assert paddings == [2, 6, 18, 42, 90]
    assert field.stride == 32


UNITS = (3, 4, 6, 3)


def test_resnet50_in_slims_layout():
    """The stride stands in the last unit of a block; the first pooling is not padded."""
    field = through([(7, 2, 3), (3, 2, 0)])
    sizes = []
    for block, units in enumerate(UNITS):
        for unit in range(units):
            stride = 2 if block < 3 and unit == units - 1 else 1
            field = through([(1, 1, 0), (3, stride, 1), (1, 1, 0)], field)
        sizes.append(field.size)
    assert sizes == [35, 99, 291, 483]
    assert dataclasses.astuple(field)[:3] == (483, 32, 239)


def test_resnet50_in_torchvisions_layout():
    """The stride stands in the first unit of a block, on its 3 x 3 convolution."""
    field = through([(7, 2, 3), (3, 2, 1)])
    for block, units in enumerate(UNITS):
        for unit in range(units):
            stride = 2 if block > 0 and unit == 0 else 1
            field = through([(1, 1, 0), (3, stride, 1), (1, 1, 0)], field)
    assert dataclasses.astuple(field)[:3] == (427, 32, 213)


def test_field_of_dilated_layers_and_its_place():
    """Dilation replaces k by d(k - 1) + 1; the centre of unit u is -P0 + u S0 + (r0 - 1) / 2."""
    field = ReceptiveField().through(3, 2, 1).through(3, 1, 2, dilation=4)
    assert dataclasses.astuple(field)[:3] == (3 + 8 * 2, 2, 1 + 2 * 2)
    assert field.span(0) == (-5, 14)
    assert field.span(3) == (1, 20)
    assert field.centre(0) == -5 + 9
    assert field.centre(3) == -5 + 6 + 9
    assert ReceptiveField().span(7) == (7, 8)
    assert ReceptiveField().centre(7) == 7


def test_field_is_what_a_unit_depends_on():
    """Changed pixel by pixel: a unit answers to those of its span and to no other."""
    layers = [(3, 2, 1, 1), (2, 1, 0, 2), (4, 3, 2, 1)]
    field, size = ReceptiveField(), 40
    for kernel, stride, padding, dilation in layers:
        field = field.through(kernel, stride, padding, dilation)

    def network(signal):
        for kernel, stride, padding, dilation in layers:
            padded = np.pad(signal, padding)
            span = (kernel - 1) * dilation
            starts = range(0, len(padded) - span, stride)
            signal = np.array([padded[s : s + span + 1 : dilation].sum() for s in starts])
        return signal

    answers = np.array([network(np.eye(size)[pixel]) for pixel in range(size)]) > 0
    for unit in range(answers.shape[1]):
        start, end = field.span(unit)
        seen = np.flatnonzero(answers[:, unit])
        inside = range(max(0, start), min(size, end))
        assert seen.min() >= inside[0]
        assert seen.max() <= inside[-1]
        if start >= 0 and end <= size:
            assert (seen.min(), seen.max()) == (start, end - 1)


# --- pooling -----------------------------------------------------------------------------


def cells_by_hand(size, kernel, stride, padding, dilation, ceil_mode):
    """For each window, the input cells that it reads; windows laid one after the other."""
    result, start = [], -padding
    while True:
        taps = [start + t * dilation for t in range(kernel)]
        over = taps[-1] - (size + padding - 1)
        fits = over <= 0
        # With ceil_mode the pixels that are left over have a window, which hangs over less
        # than a stride, else nothing would be left over; it must not start behind the input.
        if not (fits or (ceil_mode and over < stride and start < size)):
            return result
        result.append([t for t in taps if 0 <= t < size])
        if not fits:
            return result
        start += stride


def pooling_cases():
    for size in range(1, 8):
        for kernel in range(1, 5):
            for stride in range(1, 4):
                for padding in range(kernel // 2 + 1):
                    for dilation in (1, 2, 3):
                        for ceil_mode in (False, True):
                            yield size, kernel, stride, padding, dilation, ceil_mode


def test_pool_windows_against_counting():
    checked = 0
    for size, kernel, stride, padding, dilation, ceil_mode in pooling_cases():
        expected = cells_by_hand(size, kernel, stride, padding, dilation, ceil_mode)
        arguments = (size, 4), (kernel, 2), (stride, 2), (padding, 0), (dilation, 1), ceil_mode
        if not expected:
            with one_line(ShapeError, "kernel larger than padded input: a pooling window of "):
                shapes.pool_windows(*arguments)
            continue
        w = shapes.pool_windows(*arguments)
        assert w.output == (len(expected), 2)
        read = [
            list(range(start, end, dilation))
            for start, end in zip(w.row_start, w.row_end, strict=True)
        ]
        assert read == expected
        assert list(zip(w.column_start, w.column_end, strict=True)) == [(0, 2), (2, 4)]
        for row in range(size):
            readers = [o for o, cells in enumerate(expected) if row in cells]
            assert set(readers) <= set(range(w.row_first[row], w.row_last[row]))
        checked += 1
    assert checked > 500


def test_divisors_against_counting():
    for size, kernel, stride, padding, dilation, ceil_mode in pooling_cases():
        read = cells_by_hand(size, kernel, stride, padding, dilation, ceil_mode)
        if not read:
            continue
        arguments = *((n, n) for n in (size, kernel, stride, padding, dilation)), ceil_mode
        inside = np.array([len(cells) for cells in read])
        np.testing.assert_array_equal(
            shapes.pool_windows(*arguments, False).divisor, np.outer(inside, inside)
        )
        # Padding counts, what ceil_mode adds behind it does not.
        starts = [o * stride for o in range(len(read))]
        reach = (kernel - 1) * dilation + 1
        padded = range(size + 2 * padding)
        counted = np.array([len(padded[s : s + reach : dilation]) for s in starts])
        np.testing.assert_array_equal(
            shapes.pool_windows(*arguments, True).divisor, np.outer(counted, counted)
        )
        assert (shapes.pool_windows(*arguments, True, 7).divisor == 7).all()


def test_adaptive_windows_against_counting():
    """Cell o reads the pixels that overlap with o i / n to (o + 1) i / n."""
    for size in range(1, 12):
        for output in range(1, 14):
            expected = []
            for o in range(output):
                # pixel p covers p to p + 1; all numbers times n, so that they are whole
                inside = [
                    p
                    for p in range(size)
                    if (p + 1) * output > o * size and p * output < (o + 1) * size
                ]
                expected.append((inside[0], inside[-1] + 1))
            assert shapes.adaptive_windows(size, output) == expected
    w = shapes.adaptive_pool_windows((7, 5), (1, 2))
    np.testing.assert_array_equal(w.divisor, [[7 * 3, 7 * 3]])
    assert (w.column_start.tolist(), w.column_end.tolist()) == ([0, 2], [3, 5])


def test_adaptive_output():
    assert shapes.adaptive_output((7, 5), 3) == (3, 3)
    assert shapes.adaptive_output((7, 5), (None, 2)) == (7, 2)
    assert shapes.adaptive_output((7, 5), None) == (7, 5)


# --- padding by index ---------------------------------------------------------------------

NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@pytest.mark.parametrize("mode", shapes.PADDING_MODES)
def test_padding_index_against_numpy(mode):
    checked = 0
    for size in range(1, 7):
        most = {"reflect": size - 1, "circular": size}.get(mode, size + 3)
        for before in range(-size + 1, most + 1):
            for after in range(-size + 1 + max(0, -before), most + 1):
                kept = np.arange(size)
                if mode == "circular":  # what is cropped is gone before the rest is repeated
                    kept = kept[max(0, -before) : size + min(0, after)]
                    if max(before, after) > len(kept):
                        with one_line(ShapeError, "circular padding: expected at most the input's"):
                            shapes.padding_index(size, before, after, mode)
                        continue
                extra = (max(0, before), max(0, after))
                if mode == "zeros":
                    expected = np.pad(kept, extra, constant_values=-1)
                else:
                    expected = np.pad(kept, extra, mode=NUMPY_MODES[mode])
                if mode != "circular":
                    expected = expected[max(0, -before) : len(expected) + min(0, after)]
                result = shapes.padding_index(size, before, after, mode)
                np.testing.assert_array_equal(result, expected)
                checked += 1
    assert checked > 100


# --- errors --------------------------------------------------------------------------------


def geometry(**changes):
    arguments = dict(in_channels=4, out_channels=6, input=(5, 6), kernel=(3, 3)) | changes
    return shapes.conv2d_geometry(**arguments)


ERRORS = [
    (
        lambda: geometry(kernel=(7, 3), padding=(1, 0, 0, 0)),
        ShapeError,
        "kernel larger than padded input: a kernel of 7 × 3 does not fit into 5 × 6"
        " padded to 6 × 6",
    ),
    (
        lambda: geometry(dilation=(3, 1)),
        ShapeError,
        "kernel larger than padded input: a kernel of 3 × 3 dilated to 7 × 3 does not fit into"
        " 5 × 6 padded to 5 × 6",
    ),
    (
        lambda: geometry(groups=4),
        ShapeError,
        "groups: expected a divisor of 4 input and 6 output channels, got 4",
    ),
    (
        lambda: geometry(groups=0),
        ShapeError,
        "groups: expected a divisor of 4 input and 6 output channels, got 0",
    ),
    (
        lambda: shapes.pair("3", "stride"),
        ShapeError,
        "stride: expected an integer or a pair of integers, got '3'",
    ),
    (
        lambda: shapes.pair(True, "stride"),
        ShapeError,
        "stride: expected an integer or a pair of integers, got True",
    ),
    (
        lambda: shapes.pair((1, 2, 3), "kernel_size"),
        ShapeError,
        "kernel_size: expected an integer or a pair of integers, got (1, 2, 3)",
    ),
    (lambda: shapes.pair((2, 0), "stride"), ShapeError, "stride: expected at least 1, got (2, 0)"),
    (
        lambda: shapes.padding_sides("same", (3, 3), (2, 1)),
        ShapeError,
        "padding 'same': expected stride 1, got stride (2, 1)",
    ),
    (
        lambda: shapes.padding_sides("full", (3, 3)),
        ShapeError,
        "padding: expected 'valid', 'same' or integers, got 'full'",
    ),
    (
        lambda: shapes.padding_sides((1, 2, 3), (3, 3)),
        ShapeError,
        "padding: expected an integer, a pair, four sides (top, bottom, left, right), 'valid' or"
        " 'same', got (1, 2, 3)",
    ),
    (
        lambda: shapes.padding_sides(-1, (3, 3)),
        ShapeError,
        "padding: expected at least 0, got (-1, ",
    ),
    (
        lambda: shapes.pool_windows((5, 5), (2, 3), (1, 1), (0, 2)),
        ShapeError,
        "pooling padding: expected at most half of the kernel 2 × 3, got 2",
    ),
    (
        lambda: shapes.pool_windows((5, 2), (3, 3), (1, 1)),
        ShapeError,
        "kernel larger than padded input: a pooling window of 3 × 3 does not fit into 5 × 2 padded"
        " by 0 × 0",
    ),
    (
        lambda: shapes.adaptive_output((5, 5), (1, 2, 3)),
        ShapeError,
        "output_size: expected one size or a pair, got (1, 2, 3)",
    ),
    (
        lambda: shapes.adaptive_output((5, 5), 0),
        ShapeError,
        "output_size: expected at least 1, got",
    ),
    (
        lambda: shapes.padding_index(3, 0, 3, "reflect"),
        ShapeError,
        "reflect padding: expected less than the input's 3 pixels, got 3",
    ),
    (
        lambda: shapes.padding_index(3, 4, 0, "circular"),
        ShapeError,
        "circular padding: expected at most the input's 3 pixels, got 4",
    ),
    (
        lambda: shapes.padding_index(3, 1, 1, "mirror"),
        SpecError,
        "padding mode: expected one of zeros, reflect, replicate, circular, got 'mirror'",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS, ids=[e[2][:40] for e in ERRORS])
def test_error(call, kind, message):
    assert issubclass(kind, ConvlabError)
    with one_line(kind, message):
        call()
