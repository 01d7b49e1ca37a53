"""Figures of single ideas: images as numbers, neighbours, activations, tables, costs, growth."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from convlab_cli.commands import COMMANDS
from convlab_gallery import catalog
from matplotlib.colors import to_rgba
from PIL import Image
from scipy import special

from convlab import Tensor, lessons, models, nn, pictures, shapes, training, viz
from convlab.errors import DataError, ShapeError, SpecError
from convlab.numerals import exact
from convlab.training.ranks import Ranks

LOOKS = [("slide", "light"), ("small", "dark"), ("paper", "light"), ("paper-wide", "transparent")]
RANDOM = np.random.default_rng(0)


def image(*shape):
    return RANDOM.integers(0, 256, shape).astype(np.uint8)


def curve(count=11, notes=("at most 1", "2.46 × 10⁻⁵ at 6"), name="a function of a long name"):
    x = np.linspace(-6, 6, count)
    return viz.ActivationCurve(name, "1 / (1 + exp(−x))", x, np.tanh(x), 1 / (1 + x * x), notes)


def likeness(shape, distances=14):
    falling = 0.9 ** np.arange(distances + 1)
    arrays = image(*shape), image(*shape), np.arange(distances + 1)
    return viz.neighbours, (*arrays, falling, 0.02 * np.cos(np.arange(distances + 1))), {}


def table(outputs, inputs, share=0.5, **more):
    filled = RANDOM.random((outputs, inputs)) < share
    counts = (25 * filled.sum(axis=1) + 1).tolist()
    facts = [("in all", "6·(3·25 + 1) + 9·(4·25 + 1) + 1·(6·25 + 1) = 1,516"), ("if all", "2,416")]
    return viz.connection_table, (filled, counts), {"facts": facts} | more


def reduced(ranks, chunks, size=6):
    rows = RANDOM.normal(size=(chunks, size))
    each, ends = Ranks.all_of(ranks), Ranks.all_of(ranks)[0].ends(size)
    parts = [viz.ReducingRank(r.own(chunks), slice(*ends[r.number : r.number + 2])) for r in each]
    return viz.all_reduce, (rows, rows.sum(axis=0), parts), {}


def modes(shape, sides):
    names = ("zeros", "reflect", "replicate", "circular")
    return viz.padding_modes, ({name: image(*shape) for name in names}, sides), {}


def reads(shape, kernel, stride=(2, 2)):
    sides = shapes.padding_sides("same", kernel)
    ways = [
        lessons.usage(shape, kernel),
        lessons.usage(shape, kernel, padding=sides),
        lessons.usage(shape, kernel, stride),
    ]
    panels = [
        viz.ReadPixels("no padding", "a note of some length", way.counts, way.padding)
        for way in ways
    ]
    kernels = [
        viz.CentredKernel("kernel", "odd: a centre", (3, 3), (1, 1)),
        viz.CentredKernel("kernel", "even: no centre", (4, 4), None),
    ]
    return (
        viz.usage,
        (panels, kernels),
        {"facts": [("a label", "a second line that says a good deal about the setting")] * 3},
    )


def laid_out(shape, pixel):
    order = np.arange(np.prod(shape)).reshape(shape)
    return viz.flatten, (image(*shape), order, pixel), {"facts": [("a label", "a fact " * 9)] * 4}


def depths(shape, boxes, patches=9, notes=3):
    rows = [
        viz.Depth(
            f"conv{number}",
            [f"a note of some length, {line}" for line in range(notes)],
            box,
            image(*shape),
            box,
            [(image(*shape), box)] * patches,
            ["adds ≈0.000499 of ≈0.0359", "adds ≈0.000499"] * (number + 1 < len(boxes)),
        )
        for number, box in enumerate(boxes)
    ]
    facts = [("a label", "a second line that says a good deal about the setting")] * 3
    return viz.hierarchy, (image(*shape), rows), {"facts": facts}


def masked(shape, classes=10, masks=100, tiles=4):
    parts = [
        viz.MaskedUnits(
            f"mask {number}",
            "drops 12,345; a class (≈0.123)",
            RANDOM.normal(size=shape) + number,
            RANDOM.random(shape) < 0.5 if number else None,
        )
        for number in range(tiles)
    ]
    chances = special.softmax(5 * RANDOM.normal(size=(masks, classes)), axis=1)
    names = [f"class of number {number}" for number in range(classes)]
    facts = [("a label", "a second line that says a good deal about the setting")] * 2
    return viz.dropout, (parts, names, chances, chances.mean(axis=0)), {"facts": facts}


def versions(rows, count, shape, lines=2):
    captions = [[["mirrored ×≈1.12 ↻≈14°", "↓2 →1"][:lines]] * count] * rows
    names = [f"class {number}" for number in range(rows)]
    facts = [("a label", "a second line that says a good deal about the setting")] * 3
    images = image(rows, count + 1, *shape)
    return viz.augmented, (images, captions if lines else None, names), {"facts": facts}


def slid(columns, count, stems=False, tall=1.0):
    """So many moments of signals of ``count`` numbers."""
    taus, ts = np.arange(count) - count / 2, np.arange(count + 1) - count / 2
    falling = tall * 0.9 ** np.arange(count)
    moment = viz.SlidSignals(
        "cross-correlation" if columns > 1 else "",
        ("(f ⋆ g)(t) = ∫ f(τ) g(τ − t) dτ", "g ∗ f: up to 0.123 apart; mirrored: 0"),
        ("f(τ)", "g(t − τ), turned", "product, area ≈0.123", "f ∗ g until t = 0.5", "g ∗ f"),
        ("τ", "t"),
        0.5,
        taus,
        falling,
        falling[::-1],
        falling * falling[::-1],
        ts,
        np.linspace(-tall, tall, count + 1),
        np.linspace(tall, 0, count + 1),
        ((0.0, tall), (-tall, tall)),
    )
    facts = [] if columns > 1 else [("a label", "a fact " * 9)] * 3
    return viz.convolution_1d, ([moment] * columns,), {"stems": stems, "facts": facts}


def descents(count, largest, steps=20):
    """So many paths on a bowl, the last of which leaves it."""
    x, y = np.meshgrid(np.linspace(-4, 2, 31), np.linspace(3, -1, 21))
    losses = np.geomspace(1, largest, steps + 1)
    ways = [
        viz.DescentPath(
            ("rate 0.123, momentum 0.95: too large", "momentum 0.95"),
            ("J ≈ 4.87 × 10⁻⁷ after 30 steps", "J ≈ 4.87 × 10⁻⁷"),
            role,
            np.linspace([1, 0], [-1, way * 3 - 2], steps + 1),
            losses**way,
        )
        for way, role in list(enumerate(("output", "mistake", "window"), 1))[:count]
    ]
    facts = [("largest stable rate", "a fact " * 9)] * 2
    arrays = largest * (x**2 + y**2), ((-4.0, 2.0), (-1.0, 3.0)), ways, (-1.0, 1.0)
    return viz.descent, arrays, {"facts": facts}


def rates(count, point=(0.2, 0.9), name="a curve, area ≈0.987"):
    xs, ys = np.linspace(0, 1, count), np.linspace(0, 1, count) ** 0.3
    curves = [
        viz.RateCurve(name, "1 − specificity", "sensitivity", xs, ys, (0, 1), point),
        viz.RateCurve(name, "recall", "precision", xs, ys[::-1], (0.1, 0.1), point, stepped=True),
    ]
    return viz.rate_curves, (curves,), {"facts": [("a label", "a fact of some length")] * 5}


def coloured(size, kernel=(3, 3), name="a way through the channels"):
    rng = np.random.default_rng(1)
    maps, kernels = rng.normal(size=(3, *size)), rng.integers(-9, 9, (3, *kernel))
    ways = [
        viz.ColourRow(name, kernels, maps, ("", "+", "+", "="), maps[0], "one map"),
        viz.ColourRow(name, kernels, maps, ("", "", "", "→"), maps[1], "1, −1, 0", outputs=True),
    ]
    facts = [("a label", "a second line that says a good deal about the setting")] * 3
    return viz.colours, (image(3, *size), ways), {"facts": facts}


def sized(*sizes, maps=16):
    rng = np.random.default_rng(1)
    images = []
    for rows, columns in sizes:
        arrays = rng.random((maps, max(1, rows // 5), max(1, columns // 5)))
        vectors = arrays.ravel(), arrays.mean(axis=(1, 2)), rng.random(4 * maps)
        size = f"{rows} × {columns}"
        verdicts = f"{arrays.size:,} refused", "", ""
        images.append(
            viz.SizedImage(
                size, image(1, rows, columns), f"→ {size}", arrays, vectors, verdicts, (True, 0, 0)
            )
        )
    rows = "Flatten: fc1 takes 400 numbers, no others", "Global: always 16", "Adaptive: always 64"
    return viz.any_size, (images, rows), {}


def smaller(shape, count):
    ways = [
        viz.SmallImage("BILINEAR", ("differs by ≈12.3", "at most ≈123"), image(*shape), at == 0)
        for at in range(count)
    ]
    facts = [("why", "a second line that says a good deal about the setting")]
    return viz.downsized, (image(*shape), ways), {"facts": facts, "notes": ("size", "mean")}


def equation(*panels, digits=1):
    """A row of panels; each is shapes of grids, with signs between them."""
    rng = np.random.default_rng(1)
    shown = []
    for panel in panels:
        grids = []
        for number, shape in enumerate(panel):
            values = np.round(rng.normal(size=shape) * 10**digits)
            here = (shape[0] - 1, shape[1] // 2)
            mask = rng.random(shape) < 0.4
            grids.append(
                viz.ShownGrid(
                    *(values, exact(values), "w − 0.01 ∂L/∂w", "a note", "output"),
                    *("∗" if number else "", mask, ~mask, mask | ~mask, mask, here),
                )
            )
        shown.append(grids)
    return viz.grid_rows, ([shown[:1], shown[1:]],), {"facts": [("a label", "a fact " * 20)] * 4}


def summed(count, shape, kernel=(5, 5), rest=True):
    """So many channels and what they add to a map."""
    rng = np.random.default_rng(2)
    size = tuple(max(1, n - k + 1) for n, k in zip(shape, kernel, strict=True))
    rows = [
        viz.ChannelRow(
            f"channel {at}", rng.normal(size=size), rng.random(shape), rng.normal(size=kernel)
        )
        for at in range(count)
    ]
    rows += [viz.ChannelRow("123 others", rng.normal(size=size))] * rest
    more = {"result_name": "map 123", "facts": [("a label", "a fact " * 12)] * 3}
    result = sum(row.added for row in rows)
    return viz.channel_sum, (rows, -0.01234, result, (0, size[1] - 1)), more


def grouped(count, rows):
    reads = [np.eye(count, dtype=bool), np.ones((count, count), bool)] * rows
    notes = [f"3·3·{count}·{count}", "= 9,216 weights"]
    cost = "1,234,567,890", "multiply-adds"
    return viz.GroupedLayers("a name", notes, reads[:rows], ["3 × 3"] * rows, 0.3, cost)


def layers(count, largest=10**9):
    numbers = np.geomspace(1, largest, count).astype(int)
    return [
        viz.LayerCost(f"block{at}_unit1_conv", int(n), int(m))
        for at, (n, m) in enumerate(zip(numbers, numbers[::-1], strict=True))
    ]


def growth(*ends):
    return [
        viz.FieldLine(
            f"network number {at}",
            range(end + 1),
            np.linspace(1, 9 * end, end + 1).astype(int),
            [1],
        )
        for at, end in enumerate(ends)
    ]


CASES = [
    (viz.activations, ([curve()],), {}),
    (viz.activations, ([curve()] * 3,), {}),
    (viz.activations, ([curve(401)] * 4,), {}),
    (viz.activations, ([curve(notes=())] * 2,), {}),
    likeness((1, 28, 28)),
    likeness((3, 32, 32), 31),
    likeness((1, 4, 60), 1),
    likeness((1, 60, 4), 2),
    (viz.channels, (image(3, 28, 28), (0, 0)), {}),
    (viz.channels, (image(3, 427, 640), (426, 639)), {}),
    (viz.channels, (image(3, 640, 427), (10, 300)), {}),
    (viz.channels, (image(3, 4, 90), (1, 80)), {}),
    (viz.channels, (image(3, 90, 4), (80, 1)), {}),
    (viz.pixel_numbers, (image(1, 28, 28), (7, 7, 21, 21)), {}),
    (viz.pixel_numbers, (image(1, 1, 1), (0, 0, 1, 1)), {}),
    (viz.pixel_numbers, (image(1, 5, 90), (0, 0, 5, 90)), {}),
    (viz.pixel_numbers, (image(3, 427, 640), (400, 600, 427, 640)), {}),
    (viz.pixel_numbers, (image(3, 90, 5), (0, 0, 90, 5)), {}),
    table(16, 6),
    table(1, 1),
    table(64, 64),
    table(64, 3, 1.0),
    table(3, 64, names=("maps of a layer with a name", "maps of another such layer"), facts=()),
    modes((8, 8), (2, 2, 2, 2)),
    reduced(1, 1),
    reduced(2, 4),
    reduced(3, 3, 4),
    reduced(4, 8),
    laid_out((1, 28, 28), (0, 9, 14)),
    laid_out((3, 28, 28), (2, 27, 27)),
    laid_out((1, 1, 1), (0, 0, 0)),
    laid_out((1, 90, 3), (0, 0, 2)),
    laid_out((3, 4, 200), (1, 3, 199)),
    descents(3, 1e-7),
    descents(2, 1e6, 200),
    descents(1, 2.0, 1),
    slid(1, 400),
    slid(3, 400, tall=1e-5),
    slid(3, 5, stems=True, tall=1e6),
    slid(1, 47, stems=True),
    coloured((427, 640)),
    coloured((64, 64), (9, 9)),
    coloured((4, 300)),
    coloured((300, 4), (1, 5)),
    sized((28, 28), (28, 42), (56, 56)),
    sized((28, 28), (96, 30), (20, 100), (64, 64), maps=512),
    sized((5, 5), maps=1),
    smaller((3, 427, 640), 4),
    smaller((1, 300, 5), 4),
    smaller((1, 5, 300), 3),
    reads((6, 6), (3, 3)),
    reads((5, 20), (4, 4)),
    reads((20, 5), (5, 3)),
    reads((28, 28), (3, 3)),
    reads((1, 1), (1, 1)),
    depths((1, 28, 28), [(3, 3, 8, 8), (-2, 0, 12, 14), (0, 0, 28, 28)]),
    depths((3, 32, 32), [(0, 0, 7, 7), (1, 1, 13, 13), (-3, 9, 17, 29), (0, 0, 32, 32)]),
    depths((1, 8, 60), [(0, 0, 3, 3), (0, 0, 8, 60)], patches=1),
    depths((1, 60, 8), [(0, 0, 3, 3), (0, 0, 60, 8)], notes=0),
    depths((3, 1, 1), [(0, 0, 1, 1)]),
    masked((120,)),
    masked((1,), 2, 1, 1),
    masked((4096,), 100, 300),
    masked((16, 10, 10), 3),
    masked((64, 30, 3), 40),
    masked((3, 50, 200), 10, 10, 2),
    versions(1, 11, (1, 28, 28)),
    versions(1, 1, (3, 20, 60), 1),
    versions(1, 100, (1, 60, 20)),
    versions(2, 7, (3, 32, 32)),
    versions(10, 7, (1, 28, 28), 0),
    versions(100, 3, (3, 9, 30), 0),
    rates(2),
    rates(400, point=None, name="a curve with a name that says a good deal about it"),
    rates(1, point=(1.0, 0.0)),
    modes((3, 20), (1, 0, 5, 6)),
    modes((30, 5), (10, 10, 1, 1)),
    modes((30, 30), (2, 2, 2, 2)),
    equation([(4, 4), (3, 3), (1, 1), (2, 2), (2, 2)], [(4, 4), (2, 2)], [(6, 6), (3, 3)]),
    equation([(24, 24), (3, 3), (22, 22)], [(26, 26), (3, 3), (24, 24)], digits=3),
    summed(5, (14, 14)),
    *(
        (viz.groups, ([grouped(count, rows)] * panels,), {})
        for count, rows, panels in ((8, 1, 4), (32, 2, 4), (1, 1, 1), (5, 3, 2))
    ),
    summed(1, (28, 28), rest=False),
    summed(6, (4, 30), (1, 3)),
    summed(3, (30, 4), (3, 1)),
    summed(2, (1, 1), (1, 1)),
    equation([(1, 20), (1, 3)]),
    equation([(20, 1), (3, 1)], [(4, 9)], digits=5),
    (viz.costs, (layers(1),), {}),
    (viz.costs, (layers(5),), {}),
    (viz.costs, (layers(16),), {}),
    (viz.costs, (layers(60),), {}),
    (viz.field_growth, (growth(2),), {}),
    (viz.field_growth, (growth(4, 18, 50, 150),), {"input_side": 224}),
    (viz.field_growth, (growth(50, 50, 50),), {"input_side": 28}),
]


@pytest.mark.sample(16)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_texts_neither_overlap_nor_leave_the_canvas(number, assert_legible):
    function, arrays, more = CASES[number]
    for size, theme in (LOOKS[0], LOOKS[1 + number % 3]):
        figure = function(
            *arrays,
            **more,
            title="A headline",
            subtitle="a second line that says a good deal about the setting and the data",
            size=size,
            theme=theme,
        )
        assert_legible(figure, size)


def texts(boxes_of, figure):
    return [text.get_text() for text, _ in boxes_of(figure)]


# --- activations ----------------------------------------------------------------------------


def test_activations_and_their_gradients_are_those_of_scipy():
    def both(name):
        found = lessons.activation_curve(name, 6.0)
        return found.x.astype(float), found.output, found.gradient

    x, y, slope = both("sigmoid")
    np.testing.assert_allclose(y, special.expit(x), atol=1e-6)
    np.testing.assert_allclose(slope, special.expit(x) * special.expit(-x), atol=1e-6)
    x, y, slope = both("tanh")
    np.testing.assert_allclose(y, np.tanh(x), atol=1e-6)
    np.testing.assert_allclose(slope, 1 / np.cosh(x) ** 2, atol=1e-6)
    x, y, slope = both("relu")
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    np.testing.assert_array_equal(slope, x > 0)
    # LeCun et al. 1998, appendix A: 1.7159 tanh(2x/3)
    x, y, slope = both("scaled-tanh")
    np.testing.assert_allclose(y, 1.7159 * np.tanh(2 * x / 3), atol=1e-5)
    np.testing.assert_allclose(slope, 1.7159 * 2 / 3 / np.cosh(2 * x / 3) ** 2, atol=1e-5)


def test_the_notes_say_the_largest_gradient_and_that_at_the_end():
    assert lessons.activation_curve("sigmoid", 6.0).notes == ("at most 0.25", "≈0.00247 at 6")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("swish", 6.0), "expected one of relu, sigmoid, tanh, scaled-tanh, got 'swish'"),
        (("relu", 0.0), "expected a reach above 0, got 0.0"),
        (("relu", float("nan")), "expected a reach above 0, got nan"),
        (("relu", 6.0, 4), "expected an odd count of numbers from 3 on, got 4"),
    ],
)
def test_activations_that_cannot_be(arguments, message):
    with pytest.raises(SpecError, match=message):
        lessons.activation_curve(*arguments)


def test_activation_curves_that_do_not_fit():
    with pytest.raises(ShapeError, match="expected 1 to 4 activation functions, got 0"):
        viz.activations([], title="t")
    bad = viz.ActivationCurve("f", "x", np.zeros(3), np.zeros(2), np.zeros(3))
    with pytest.raises(ShapeError, match="f: expected as many outputs and gradients as x"):
        viz.activations([bad], title="t")


# --- neighbours -----------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [0, 1, 3])
def test_correlation_is_that_of_numpy_over_all_pairs(distance):
    images = image(3, 2, 5, 7)
    first, second = [], []
    for sample in images.reshape(-1, 5, 7).astype(float):
        for row in range(5):
            for column in range(7):
                for down, right in {(distance, 0), (0, distance)} if distance else [(0, 0)]:
                    if row + down < 5 and column + right < 7:
                        first.append(sample[row, column])
                        second.append(sample[row + down, column + right])
    expected = np.corrcoef(first, second)[0, 1]
    assert lessons.correlation_at(images, distance) == pytest.approx(expected)


def test_neighbours_of_smooth_images_are_alike_until_they_are_shuffled():
    waves = np.sin(np.arange(32) / 5 + np.arange(20)[:, None])
    images = np.round(127 * (waves[:, None, None, :] + waves[:, None, :, None]) / 2 + 127)
    found = lessons.neighbours(images.astype(np.uint8), 8)
    assert found.correlations[0] == pytest.approx(1) and found.shuffled[0] == pytest.approx(1)
    assert (np.diff(found.correlations) < 0).all() and found.correlations[1] > 0.95
    assert np.abs(found.shuffled[1:]).max() < 0.4
    assert sorted(found.order) == list(range(32 * 32))


def test_shuffling_keeps_every_pixel_and_is_the_same_for_all_images():
    images = np.stack([np.arange(12).reshape(1, 3, 4), np.arange(12).reshape(1, 3, 4) + 100])
    order = lessons.neighbours(images, 1, seed=3).order
    mixed = lessons.shuffle_pixels(images, order)
    assert (mixed[1] - mixed[0] == 100).all()
    assert mixed[0].ravel().tolist() == order.tolist() != sorted(order)


def test_neighbours_that_cannot_be():
    with pytest.raises(ShapeError, match="expected a distance from 0 to 3, got 4"):
        lessons.neighbours(image(2, 1, 3, 4), 4)
    with pytest.raises(DataError, match="one value everywhere"):
        lessons.neighbours(np.ones((2, 1, 3, 4)), 1)
    with pytest.raises(ShapeError, match=r"expected images \(N, C, H, W\)"):
        lessons.neighbours(image(3, 4), 1)


# --- images ---------------------------------------------------------------------------------


def test_every_pixel_of_the_box_is_written(boxes_of):
    pixels = image(3, 6, 9)
    figure = viz.pixel_numbers(pixels, (1, 2, 5, 8), title="t")
    written = [text for text in texts(boxes_of, figure) if text.isdecimal()]
    assert written == [str(value) for value in pixels[:, 1:5, 2:8].ravel()]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_box_is_marked_where_it_lies(channels):
    (axes,) = viz.pixel_numbers(image(channels, 20, 30), (3, 12, 8, 16), title="t").axes
    left, right, bottom, top = axes.images[0].get_extent()
    cell = (right - left) / 30
    window = to_rgba(viz.style.theme_named("light").window)
    marks = [patch.get_bbox() for patch in axes.patches if patch.get_edgecolor() == window]
    found = marks[-1].x0 - left, marks[-1].y0 - min(top, bottom), marks[-1].width, marks[-1].height
    assert np.divide(found, cell) == pytest.approx([12, 3, 4, 5])


def test_pixels_that_do_not_fit_are_said_to_be_left_out(boxes_of):
    figure = viz.pixel_numbers(image(1, 64, 64), (0, 0, 64, 64), title="t", size="small")
    shown = texts(boxes_of, figure)
    said = next(text for text in shown if text.startswith("rows 0 to "))
    rows, columns = (int(part.split()[-1]) + 1 for part in said.split(", "))
    assert 4 < rows < 64 and sum(text.isdecimal() for text in shown) == rows * columns


def test_the_marked_pixel_has_its_three_numbers(boxes_of):
    pixels = image(3, 6, 9)
    shown = texts(boxes_of, viz.channels(pixels, (4, 7), title="t"))
    red, green, blue = pixels[:, 4, 7]
    assert {f"red {red}", f"green {green}", f"blue {blue}", "at 4,7"} <= set(shown)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: viz.channels(image(1, 4, 4), (0, 0), title="t"), "of 3 channels, got 1"),
        (lambda: viz.channels(image(3, 4, 4), (4, 0), title="t"), "a pixel inside 4 × 4, got"),
        (lambda: viz.channels(image(4, 4), (0, 0), title="t"), r"got \(4, 4\)"),
        (lambda: viz.channels(np.zeros((3, 4, 4)), (0, 0), title="t"), "uint8, got float64"),
        (lambda: viz.pixel_numbers(image(1, 4, 4), (0, 0, 5, 4), title="t"), "rows 0 to 4"),
        (lambda: viz.pixel_numbers(image(1, 4, 4), (2, 0, 2, 4), title="t"), "inside 4 × 4"),
    ],
)
def test_images_that_cannot_be_drawn(draw, message):
    with pytest.raises(ShapeError, match=message):
        draw()


# --- tables, costs, growth ------------------------------------------------------------------


def test_the_table_has_a_cross_for_each_connection(boxes_of):
    filled = np.array([[True, False, True], [True, True, True]])
    figure = viz.connection_table(filled, [51, 76], title="t")
    shown = texts(boxes_of, figure)
    assert shown[shown.index("maps read") + 1 :][:2] == ["2", "3"]
    assert shown[shown.index("parameters") + 1 :][:2] == ["51", "76"]


def test_tables_that_cannot_be_drawn():
    with pytest.raises(ShapeError, match=r"1 to 64 maps each, got \(65, 1\)"):
        viz.connection_table(np.ones((65, 1)), [1] * 65, title="t")
    with pytest.raises(ShapeError, match="expected 2 numbers of parameters, got 1"):
        viz.connection_table(np.ones((2, 3)), [1], title="t")


def test_costs_of_many_layers_add_up(boxes_of):
    many = layers(60)
    shown = texts(boxes_of, viz.costs(many, title="t"))
    total = sum(layer.parameters for layer in many)
    assert f"{total:,} parameters" in shown
    rest = next(text for text in shown if text.endswith("others"))
    # Each row's number of the first column is drawn after its name; the last row is all others.
    names = [at for at, text in enumerate(shown) if text.startswith("block") or text == rest]
    numbers = [int(shown[at + 1].replace(",", "")) for at in names]
    assert sum(numbers) == total and len(numbers) == 60 - int(rest.split()[0]) + 1


def test_costs_without_any():
    with pytest.raises(ShapeError, match="expected layers with parameters"):
        viz.costs([viz.LayerCost("pool", 0, 0)], title="t")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        # Araujo, Norris & Sim 2019, table of the code: after the poolings of VGG-16 and AlexNet.
        ("vgg16", {"pool1": 6, "pool2": 16, "pool3": 44, "pool4": 100, "pool5": 212}),
        ("alexnet-slim", {"conv5": 163, "pool5": 195}),
        ("resnet50-slim", {"block4_unit3_conv2": 483}),
        ("lenet5", {"conv1": 5, "pool1": 6, "conv2": 14, "pool2": 16}),
        ("lenet5-1998", {"c1": 5, "s2": 6, "c3": 14, "s4": 16, "c5": 32}),
    ],
)
def test_growth_of_published_networks(name, fields):
    growth = lessons.field_growth(models.build(name, weights=False))
    found = dict(zip(growth.layers, growth.fields, strict=True))
    assert {layer: found.get(layer) for layer in fields} == fields
    assert growth.depths == tuple(range(len(growth.depths))) and growth.fields[0] == 1
    assert growth.fields[-1] == max(growth.fields) == list(fields.values())[-1]


def test_growth_of_resnet50_counts_the_longest_way():
    growth = lessons.field_growth(models.build("resnet50", weights=False))
    # 7x7, the pooling, and 16 units of three convolutions.
    assert growth.depths[-1] == 2 + 16 * 3 and growth.fields[-1] == 427
    assert growth.strides[-1] == 32


def test_growth_lines_that_do_not_fit():
    with pytest.raises(ShapeError, match="expected 1 to 4 networks, got 5"):
        viz.field_growth(growth(2, 2, 2, 2, 2), title="t")
    with pytest.raises(ShapeError, match="x: expected as many fields as depths"):
        viz.field_growth([viz.FieldLine("x", [0], [1])], title="t")


# --- commands -------------------------------------------------------------------------------


def record(convlab, *arguments):
    convlab.works("render", *arguments, "--size", "small", "--json-file", "x.json", "-o", "x.png")
    assert (convlab.folder / "x.png").read_bytes().startswith(b"\x89PNG")
    return json.loads((convlab.folder / "x.json").read_text())


def test_c3_is_that_of_1998(convlab):
    # LeCun et al. 1998, table I and section II.B.
    found = record(convlab, "connection-table")["result"]
    assert (found["total"], found["all_connected"]) == (1516, 2416)
    filled = np.array(found["table"])
    assert filled.sum(axis=1).tolist() == [3] * 6 + [4] * 9 + [6]
    assert np.flatnonzero(filled[14]).tolist() == [0, 2, 3, 5]
    assert "expected a convolution, c1, c3, c5" in convlab.fails(
        "render", "connection-table", "--layer", "s2"
    )


def test_image_command(convlab):
    from sklearn.datasets import load_sample_image

    china = load_sample_image("china.jpg")
    found = record(convlab, "image", "china", "--numbers", "--at", "100,200", "--pixels", "2x3")
    assert np.array_equal(found["result"]["pixels"], china[100:102, 200:203].transpose(2, 0, 1))
    assert "got the first one at row 426" in convlab.fails(
        "render", "image", "--numbers", "--at", "426,0"
    )


def test_neighbours_command(convlab):
    found = record(convlab, "neighbours", "--images", 50, "--farthest", 3, "--example", 2)
    from convlab import data

    images = data.load("digits")[1].images[:50].astype(float)
    pairs = [(images[..., :-1], images[..., 1:]), (images[..., :-1, :], images[..., 1:, :])]
    first, second = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
    assert found["result"]["correlations"][1] == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert "expected 1 to 27 pixels" in convlab.fails("render", "neighbours", "--farthest", 28)


def test_an_all_reduce_adds_the_gradient_of_the_batch(convlab):
    found = record(convlab, "all-reduce", "--ranks", 3, "--chunks", 5)
    rows = np.array(found["inputs"]["gradients"], np.float32)
    assert rows.shape == (5, 6)
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    assert np.array_equal(np.array(found["result"]["sum"], np.float32), total)  # in this order
    assert found["result"]["chunks"] == [[0, 1], [2, 3], [4]]
    assert found["result"]["parts"] == [[0, 2], [2, 4], [4, 6]]
    # The gradient of the whole batch, in one go.
    settings = training.Settings("lenet5", "digits", epochs=1, augment="none")
    trainer = training.Trainer(settings, training.prepare(settings))
    trainer.network.train()
    x, labels = next(trainer.batches.epoch(0))
    trainer.network.loss_of(trainer.network(Tensor(x)), labels).backward()
    whole = dict(trainer.network.named_parameters())["conv1.bias"].grad
    np.testing.assert_allclose(total, whole, rtol=1e-4, atol=1e-6)
    assert "expected at least 4" in convlab.fails(
        "render", "all-reduce", "--ranks", 4, "--chunks", 3
    )


def test_padding_modes_are_those_of_numpy(convlab):
    found = record(convlab, "padding-modes", "--input", "4x3", "--padding", "3x2")
    values = np.arange(1, 13).reshape(4, 3)
    for mode, name in (("zeros", "constant"), ("reflect", "reflect"), ("circular", "wrap")):
        expected = np.pad(values, ((3, 3), (2, 2)), mode=name)
        assert np.array_equal(found["result"][mode], expected)
    assert np.array_equal(found["result"]["replicate"], np.pad(values, ((3, 3), (2, 2)), "edge"))
    assert "expected less than the input's 2 pixels" in convlab.fails(
        "render", "padding-modes", "--input", 2
    )


@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [((6, 6), (3, 3), (2, 2)), ((7, 5), (4, 2), (3, 1)), ((4, 9), (1, 5), (2, 4))],
)
def test_usage_counts_the_windows_that_read_a_pixel(convlab, size, kernel, stride):
    settings = [f"--{name}={a}x{b}" for name, (a, b) in (("kernel", kernel), ("stride", stride))]
    found = record(convlab, "usage", "--input={}x{}".format(*size), *settings)
    before = [(length - 1) // 2 for length in kernel]
    after = [length - 1 - b for length, b in zip(kernel, before, strict=True)]
    ways = [([0, 0], [0, 0], (1, 1)), (before, after, (1, 1)), ([0, 0], [0, 0], stride)]
    outputs = found["result"]["outputs"].values()
    for counts, output, way in zip(found["result"]["counts"].values(), outputs, ways, strict=True):
        (top, left), (bottom, right), (down, across) = way
        expected = np.zeros((size[0] + top + bottom, size[1] + left + right))
        starts = [range(0, expected.shape[i] - kernel[i] + 1, (down, across)[i]) for i in (0, 1)]
        for row in starts[0]:
            for column in starts[1]:
                expected[row : row + kernel[0], column : column + kernel[1]] += 1
        places = expected[top : top + size[0], left : left + size[1]]
        assert np.array_equal(counts, places)
        assert output == [len(starts[0]), len(starts[1])]
    assert found["parameters"]["padding"] == [before[0], after[0], before[1], after[1]]


def test_how_often_pixels_are_read_counted_by_hand():
    valid, even = lessons.usage((6, 6), (3, 3)), lessons.usage((4, 4), (2, 2), padding=(0, 1, 0, 1))
    assert (valid.corner, valid.most, valid.unread, valid.output) == (1, 9, 0, (4, 4))
    assert lessons.usage((6, 6), (3, 3), (2, 2)).unread == 11  # the last row and column
    assert (even.corner, even.counts[-1, -1], even.output) == (1, 4, (4, 4))
    assert "11 of 36 pixels at stride 2" in pictures.usage(6, 3).alt


def test_usage_of_a_kernel_that_is_odd_one_way_only():
    assert "columns: (f − 1)/2 = (2 − 1)/2 is no whole number" in pictures.usage(6, (3, 2)).alt
    assert "rows: (f − 1)/2 = (2 − 1)/2 is no whole number" in pictures.usage(6, (2, 3)).alt
    assert "rows: p = (f − 1)/2 = (3 − 1)/2 = 1" in pictures.usage(6, (3, 5)).alt


def test_usage_says_what_an_even_kernel_lacks(convlab):
    assert (
        "p = (f − 1)/2 = (5 − 1)/2 = 2, and (9 + 2·2 − 5) + 1 = 9"
        in convlab("render", "usage", "--input", 9, "--kernel", 5, "--alt", "-o", "odd.png").out
    )
    assert (
        "(4 − 1)/2 is no whole number: 1 before, 2 after"
        in convlab("render", "usage", "--input", 9, "--kernel", 4, "--alt", "-o", "even.png").out
    )
    assert "at most 30 × 30" in convlab.fails("render", "usage", "--input", 30)
    assert "does not fit" in convlab.fails("render", "usage", "--kernel", 7)


def test_images_of_different_sizes_are_not_compared():
    panels = [viz.ReadPixels("a", "b", np.zeros(shape)) for shape in ((2, 2), (2, 3))]
    with pytest.raises(ShapeError, match="expected counts"):
        viz.usage(panels, title="t")


@pytest.mark.parametrize(("shape", "at"), [((7, 5), (6, 4)), ((3, 7, 5), (2, 1)), ((1, 9), (0, 8))])
def test_flatten_is_the_order_of_numpy(convlab, shape, at):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels if pixels.ndim == 2 else pixels.transpose(1, 2, 0)).save(
        convlab.folder / "image.png"
    )
    found = record(convlab, "flatten", "image.png", "--at={},{}".format(*at))
    order = np.array(found["result"]["order"])
    grey = pixels[None] if pixels.ndim == 2 else pixels
    assert np.array_equal(grey.ravel()[order], np.array(found["inputs"]["image"]))
    assert found["result"]["place"] == np.ravel_multi_index((0, *at), grey.shape)
    assert found["result"]["count"] == pixels.size


def test_flatten_shows_what_the_layer_does(monkeypatch):
    """With one that puts channels last, as in TensorFlow, the places are others."""

    def forward(self, x):
        return Tensor(x.numpy().transpose(0, 2, 3, 1).reshape(len(x.numpy()), -1))

    monkeypatch.setattr(nn.Flatten, "forward", forward)
    made = pictures.flatten(np.zeros((3, 2, 2), np.uint8), at=(0, 1))
    expected = [[[0, 3], [6, 9]], [[1, 4], [7, 10]], [[2, 5], [8, 11]]]
    assert np.asarray(made.result["order"]).tolist() == expected
    assert made.result["place"] == 3


def test_flatten_works_the_place_out_both_ways(convlab):
    said = convlab("render", "flatten", "test:7", "--at", "9,14", "--alt", "-o", "row.png").out
    for part in ("28 × 28 = 784", "9 · 28 + 14 = 266", "266 = 9 · 28 + 14"):
        assert part in said
    said = convlab("render", "flatten", "china", "--at", "2,5", "--alt").out
    for part in ("3 × 427 × 640 = 819,840", "2 · 640 + 5 = 1,285", "1,285 = 2 · 640 + 5"):
        assert part in said
    assert "inside 28 × 28" in convlab.fails("render", "flatten", "--at", "28,0")


def test_a_row_needs_a_place_for_each_number():
    shown = np.zeros((1, 2, 2), np.uint8)
    with pytest.raises(ShapeError, match="a place for each number"):
        viz.flatten(shown, np.zeros((1, 2, 2)), (0, 0, 0), title="t")
    with pytest.raises(ShapeError, match="a pixel inside"):
        viz.flatten(shown, np.arange(4).reshape(1, 2, 2), (0, 2, 0), title="t")


def test_padded_arrays_that_do_not_fit():
    with pytest.raises(ShapeError, match="expected padding inside 3 × 3"):
        viz.padding_modes({"zeros": np.zeros((3, 3))}, (1, 2, 0, 0), title="t")
    with pytest.raises(ShapeError, match="expected modes among zeros, reflect"):
        viz.padding_modes({"mirror": np.zeros((3, 3))}, (1, 1, 1, 1), title="t")


def test_mistakes_command(convlab, run):
    found = record(convlab, "mistakes", run, "--most", 3)
    true, answers = found["result"]["true"], found["result"]["answer"]
    assert len(true) == len(answers) == len(found["inputs"]["images"]) <= 3
    assert all(a != b for a, b in zip(true, answers, strict=True))
    chances = found["result"]["probability"]
    assert chances == sorted(chances, reverse=True)


def test_commands_of_curves_and_bars(convlab):
    found = record(convlab, "costs", "lenet5")["result"]
    assert sum(layer["parameters"] for layer in found.values()) == 61706
    found = record(convlab, "field-growth", "vgg16", "lenet5")["result"]
    assert found["vgg16"]["receptive_field"][-1] == 212
    found = record(convlab, "activations", "--function", "relu", "--reach", 2)
    assert max(found["result"]["ReLU"]["output"]) == 2


def test_the_pictures_of_the_readme_are_the_gallerys():
    root = Path(__file__).parents[1]
    read = [root / "README.md", *(root / "docs").glob("*.md")]
    text = "".join(path.read_text(encoding="utf-8") for path in read)
    entries = catalog.read(COMMANDS).entries
    pictures = (".png", ".svg", ".gif")
    shown = set(re.findall(r"\]\((?:\.\./)?gallery/([\w.-]+\.(?:png|svg|gif))\)", text))
    there = {path.name for path in (root / "gallery").iterdir() if path.suffix in pictures}
    assert shown == there
    # The speed of this machine's loops is no idea of a course; the lab page has its own file.
    assert shown - {"speed.png", "lab.png"} <= {entry.picture for entry in entries}


@pytest.mark.parametrize(
    ("size", "note", "count"),
    [("paper", "drops 61; 4 (≈0.939)", 2), ("slide", f"drops 61; {'long' * 9} (≈0.9)", 4)],
)
def test_masks_have_room_on_paper_and_beside_long_names(size, note, count):
    parts = [
        viz.MaskedUnits(f"mask {at}", note, np.ones(120), np.arange(120) % 2 < 1) for at in range(4)
    ]
    chances = np.full((10, 10), 0.1)
    facts = [("answers", "4 with 69 of 100 masks, 7 with 12, 0 with 10, 1 with 6, 9 with 2")] * 2
    look = {"facts": facts, "title": "Dropout", "subtitle": "a run " * 12, "size": size}
    figure = viz.dropout(parts, "0123456789", chances, chances[0], **look)
    (axes,) = figure.axes
    assert sum(text.get_text().startswith("mask ") for text in axes.texts) == count
