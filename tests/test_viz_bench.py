"""Pictures of speed: the roof where it must be, every bar as long as its number, honest bench."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from convlab import bench, viz
from convlab.errors import ShapeError, SpecError
from convlab.viz import KernelPoint, ScalingCurve, TrainingBar
from convlab.viz.roofline import roof

LAYERS = (
    "LeNet C1",
    "LeNet C3",
    "3→32 5×5",
    "1→64 7×7",
    "64→128 3×3",
    "128→128 3×3",
    "256→256 3×3",
    "64→64 3×3 stride 2",
    "64 depthwise 3×3",
    "64→64 1×1",
    "32→32 3×3 dilation 2",
    "3→16 3×3, 512×512",
    "Sobel, 12 megapixels",
)
PASSES = ("forward", "gradient of input", "gradient of weight")
ROLES = dict(zip(PASSES, ("output", "input", "window"), strict=True))
PEAK, BANDWIDTH = 230e9, 25e9
MACHINE = "AMD EPYC, 2 threads, AVX-512, omp"
PYTORCH = "PyTorch 2.13"


def measured(layers=LAYERS, *, seed=1, compared=True, least=0.8, most=60.0, over=1.0):
    """Points of every layer and pass below ``over`` times the roof, with made-up numbers."""
    random = np.random.default_rng(seed)
    points = []
    for layer, gradient in itertools.product(layers, PASSES):
        intensity = float(np.exp(random.uniform(np.log(0.5), np.log(200))))
        speed = roof(intensity, PEAK, BANDWIDTH) * random.uniform(0.05, over)
        ratio = float(np.exp(random.uniform(np.log(least), np.log(most))))
        points.append(
            KernelPoint(layer, gradient, intensity, speed, speed / ratio if compared else None)
        )
    return points


plain_kernels = partial(
    viz.kernel_speed, peaks=PEAK, bandwidth=BANDWIDTH, other=PYTORCH, subtitle=MACHINE
)
plain_training = partial(viz.training_speed, other=PYTORCH, subtitle=MACHINE)
plain_scaling = partial(viz.scaling, subtitle=MACHINE)


def kernels(points, other=PYTORCH, **look):
    words = bench.kernel_words(points, bench.Roof(PEAK, BANDWIDTH), other, MACHINE)
    return plain_kernels(points, other=other, **words, **look)


def bar(what, ours, theirs, spread=0.05):
    def around(seconds):
        if seconds is None:
            return (None, None, None)
        return (seconds, seconds * (1 - spread), seconds * (1 + spread))

    return TrainingBar(what, *around(ours), *around(theirs))


TRAINING = [
    bar("batch 64, 1 thread", 0.0051, 0.0163),
    bar("batch 64, 2 threads", 0.0033, 0.0105),
    bar("batch 256, 2 threads", 0.0103, 0.0313),
    bar("10,000 images, 1 thread", 1.9, 1.5),
    bar("10,000 images, 2 threads", 0.45, 0.46),
]


def training(bars, **look):
    return plain_training(bars, title=bench.training_title(bars, PYTORCH), **look)


def curve(axis, values, speeds):
    """A curve with these GF/s; the work grows with the value."""
    work = tuple(2e9 * value for value in values)
    seconds = tuple(flop / (1e9 * speed) for flop, speed in zip(work, speeds, strict=True))
    return ScalingCurve(axis, tuple(values), seconds, work)


BATCH = curve("batch", [2**n for n in range(11)], [12, 22, 40, 75, 140, 190, 205, 210, 212, 211, 9])
CHANNELS = curve("channels", [1, 3, 8, 16, 31, 32, 33, 64], [20, 50, 120, 170, 175, 210, 95, 213])
IMAGE = curve("image size", [4, 8, 14, 28, 56, 112], [60, 110, 150, 190, 200, 205])
THREADS = curve("threads", [1, 2], [110, 211])


def scaling(curves, **look):
    return plain_scaling(curves, title=bench.scaling_title(curves), **look)


# What is drawn --------------------------------------------------------------------------------


def texts_of(figure):
    return [text for axes in figure.axes for text in axes.texts if text.get_text()]


def words(figure):
    return [text.get_text() for text in texts_of(figure)]


def title(figure):
    return words(figure)[0]


def lines(figure, colour, least=3):
    """(xs, ys) of the lines of one colour with at least so many points, marks left out."""
    found = [artist for axes in figure.axes for artist in axes.lines]
    found += [a for axes in figure.axes for a in axes.artists if isinstance(a, Line2D)]
    return [
        tuple(np.asarray(part, dtype=float) for part in line.get_data())
        for line in found
        if line.get_linestyle() != "None"
        and to_hex(line.get_color()).upper() == colour
        and len(line.get_xdata()) >= least
    ]


def boxes(figure, colour):
    """(left, top, width, height) of the filled rectangles of one colour."""
    patches = [patch for axes in figure.axes for patch in axes.patches]
    return [
        (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height())
        for patch in patches
        if isinstance(patch, Rectangle) and to_hex(patch.get_facecolor()).upper() == colour
    ]


def bars_of(figure, gradient, theme="light"):
    """The bars of a pass; its square marks, as high as wide, are none."""
    colour = getattr(viz.THEMES[theme], ROLES[gradient])
    return [box for box in boxes(figure, colour) if not math.isclose(box[2], box[3])]


def logarithmic(ticks, coordinate):
    """From tick labels, where they stand: a function from a number to its pixel."""
    at = [text.get_position()[coordinate] for text in ticks]
    slope, offset = np.polyfit([math.log(float(text.get_text())) for text in ticks], at, 1)
    return lambda value: slope * np.log(value) + offset


# Text that never collides -----------------------------------------------------------------------

DENSE = [point._replace(intensity=10 + index / 20) for index, point in enumerate(measured())]
LONG = [
    point._replace(layer=f"a layer of quite a long name, {point.layer}") for point in measured()
]
FIGURES = {
    "39 passes": lambda **look: kernels(measured(), **look),
    "not compared": lambda **look: kernels(measured(compared=False), **look),
    "one": lambda **look: kernels(measured()[:1], **look),
    "one, not compared": lambda **look: kernels(measured(compared=False)[:1], **look),
    "two layers": lambda **look: kernels(measured(LAYERS[:2]), **look),
    "above the roof": lambda **look: kernels(measured(over=3.0, compared=False), **look),
    "in a heap": lambda **look: kernels(DENSE, **look),
    "long names": lambda **look: kernels(LONG, other="a library of a long name 10.2", **look),
    "much slower and faster": lambda **look: kernels(measured(least=1e-4, most=1e5), **look),
    "hardly faster": lambda **look: kernels(measured(least=0.995, most=1.005), **look),
    "forward alone": lambda **look: kernels(measured()[::3], **look),
    "60 layers": lambda **look: kernels(measured([f"layer {n}" for n in range(60)]), **look),
    "training": lambda **look: training(TRAINING, **look),
    "training, one scale": lambda **look: training(TRAINING[:3], **look),
    "training, one": lambda **look: training(TRAINING[:1], **look),
    "training, alone": lambda **look: training([bar(b[0], b[1], None) for b in TRAINING], **look),
    "training, some": lambda **look: training([*TRAINING, bar("alone", 1.0, None)], **look),
    "training, many": lambda **look: training(TRAINING * 4, **look),
    "scaling": lambda **look: scaling([BATCH, CHANNELS, IMAGE, THREADS], **look),
    "scaling, one": lambda **look: scaling([CHANNELS], **look),
    "scaling, two": lambda **look: scaling([IMAGE, THREADS], **look),
    "scaling, three": lambda **look: scaling([BATCH, CHANNELS, IMAGE], **look),
    "scaling, a point": lambda **look: scaling([curve("batch", [64], [200.0])], **look),
    "scaling, slow": lambda **look: scaling([curve("batch", [1, 2], [1e-4, 2e-4])], **look),
}


@pytest.mark.sample(30)
@pytest.mark.parametrize("size", viz.SIZES)
@pytest.mark.parametrize("name", FIGURES)
def test_text_neither_overlaps_nor_leaves_the_canvas_nor_is_too_small(name, size, assert_legible):
    assert_legible(FIGURES[name](size=size), size)


@pytest.mark.sample(5)
@pytest.mark.parametrize("size", viz.SIZES)
@pytest.mark.parametrize("name", ["not compared", "above the roof", "scaling"])
def test_no_text_lies_on_a_mark(name, size):
    figure = FIGURES[name](size=size)
    renderer = figure.canvas.get_renderer()
    height = figure.get_figheight() * figure.dpi
    marks = [
        (line.get_xdata()[0], height - line.get_ydata()[0])
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "o"
    ]
    assert len(marks) > 10
    for text in texts_of(figure):
        box = text.get_window_extent(renderer)
        assert not [mark for mark in marks if box.contains(*mark)], text.get_text()


@pytest.mark.parametrize("size", ["slide", "small"])
def test_all_13_layers_are_named_in_full(size):
    assert set(LAYERS) <= set(words(kernels(measured(), size=size)))


@pytest.mark.sample(5)
@pytest.mark.parametrize("name", ["39 passes", "training", "scaling"])
@pytest.mark.parametrize("size", viz.SIZES)
def test_a_theme_changes_colours_alone(name, size):
    def placed(figure):
        return [(text.get_text(), text.get_position()) for text in texts_of(figure)]

    figures = {theme: FIGURES[name](size=size, theme=theme) for theme in viz.THEMES}
    assert placed(figures["light"]) == placed(figures["dark"]) == placed(figures["transparent"])
    assert figures["transparent"].get_facecolor()[3] == 0
    for theme in ("light", "dark"):
        colours = viz.THEMES[theme]
        assert to_hex(figures[theme].get_facecolor()).upper() == colours.ground
        roles = {colours.ink, colours.quiet, colours.mistake}
        assert {text.get_color() for text in texts_of(figures[theme])} <= roles


# The roofline -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intensity", "flops"), [(0.5, 12.5e9), (4.0, 100e9), (9.2, 230e9), (9.3, 230e9), (200, 230e9)]
)
def test_the_roof(intensity, flops):
    assert roof(intensity, PEAK, BANDWIDTH) == pytest.approx(flops)


@pytest.mark.parametrize("size", viz.SIZES)
def test_the_drawn_roof_and_the_points_are_at_their_numbers(size):
    points = measured(compared=False, seed=3)
    figure = kernels(points, size=size)
    ((xs, ys),) = lines(figure, viz.THEMES["light"].ink)
    numbers = [
        text
        for text in texts_of(figure)
        if text.get_text().replace(".", "").isdigit() and text.get_position()[0] <= xs[-1]
    ]
    x_at = logarithmic([text for text in numbers if text.get_ha() == "center"], 0)
    y_at = logarithmic([text for text in numbers if text.get_ha() == "right"], 1)
    within = 0.01
    assert xs[1] == pytest.approx(x_at(PEAK / BANDWIDTH), abs=within)
    intensities = np.exp((xs - x_at(1)) / (x_at(math.e) - x_at(1)))
    for intensity, y in zip(intensities, ys, strict=True):
        assert y == pytest.approx(y_at(roof(intensity, PEAK, BANDWIDTH) / 1e9), abs=within)
    squares = sorted(
        (left + width / 2, top + height / 2)
        for left, top, width, height in boxes(figure, viz.THEMES["light"].input)
        if math.isclose(width, height)
    )
    for point in points[1::3]:
        wanted = x_at(point.intensity), y_at(point.speed / 1e9)
        assert min(math.dist(wanted, square) for square in squares) < within


def test_the_roof_carries_its_numbers():
    for size in viz.SIZES:
        for points in (measured(compared=False), DENSE, measured(compared=False, over=3.0)):
            points = [point._replace(other_speed=None) for point in points]
            assert {"peak 230 GF/s", "memory 25 GB/s"} <= set(words(kernels(points, size=size)))


def test_the_worst_and_the_best_are_named_with_their_share_of_the_roof():
    points = [
        KernelPoint("best", "forward", 4.0, 98e9, None),
        KernelPoint("middling", "forward", 40.0, 115e9, None),
        KernelPoint("worst", "gradient of weight", 100.0, 11.5e9, None),
    ]
    figure = kernels(points)
    assert {"worst 5% of the roof", "best 98%"} <= set(words(figure))
    assert title(figure) == "From 5% to 98% of the roof, median 50%"
    many = words(kernels(measured(compared=False)))
    named = [text for text in many[2:] if text.removesuffix(" of the roof").endswith("%")]
    assert 2 <= len(named) <= 5


def test_each_pass_has_its_colour_and_its_shape():
    theme = viz.THEMES["light"]
    figure = kernels(measured(compared=False), size="small")
    discs = [
        line
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "o" and to_hex(line.get_markerfacecolor()).upper() == theme.output
    ]
    squares = [box for box in boxes(figure, theme.input) if math.isclose(box[2], box[3])]
    # 13 layers and the mark of the key.
    assert len(discs) == len(squares) == len(lines(figure, theme.window)) == 14
    assert set(PASSES) <= set(words(figure))


# The bars beside the roofline ---------------------------------------------------------------------


@pytest.mark.parametrize("theme", viz.THEMES)
def test_a_bar_for_each_pass_and_layer_from_1_as_long_as_its_logarithm(theme):
    points = measured()
    figure = kernels(points, theme=theme)
    for gradient in PASSES:
        ratios = [p.speed / p.other_speed for p in points if p.gradient == gradient]
        drawn = sorted(bars_of(figure, gradient, theme), key=lambda box: box[1])
        assert len(drawn) == len(LAYERS)
        named = {text.get_text(): text.get_position()[1] for text in texts_of(figure)}
        middles = [top + height / 2 for _, top, _, height in drawn]
        assert middles == pytest.approx([named[layer] for layer in LAYERS])
        scale = drawn[0][2] / abs(math.log(ratios[0]))
        assert [box[2] for box in drawn] == pytest.approx(
            [scale * abs(math.log(ratio)) for ratio in ratios]
        )
        ones = [box[0] + (box[2] if r < 1 else 0) for box, r in zip(drawn, ratios, strict=True)]
        assert ones == pytest.approx([ones[0]] * len(ones))


def test_the_title_counts_where_we_are_faster():
    points = [
        KernelPoint(f"layer {index}", "forward", 10.0, 100e9, 100e9 / ratio)
        for index, ratio in enumerate([0.7, 0.999, 1.0, 1.001, 2.0, 60.0])
    ]
    assert title(kernels(points)) == "Faster than PyTorch 2.13 in 3 of 6 passes"
    assert title(kernels(points[3:])) == "Faster than PyTorch 2.13 in all 3 passes"
    assert title(kernels(points[:2])) == "Faster than PyTorch 2.13 in none of 2 passes"
    assert title(kernels(points[4:5])) == "2.0 times as fast as PyTorch 2.13"
    second = "AMD EPYC, 2 threads, AVX-512, omp; 0.70 to 60 times as fast, median 1.00"
    assert words(kernels(points))[1] == second
    mixed = [*points, KernelPoint("alone", "forward", 10.0, 100e9, None)]
    assert title(kernels(mixed)) == "Faster than PyTorch 2.13 in 3 of 6 passes"


def test_slower_is_said_in_bold_and_in_the_colour_of_a_mistake():
    points = [
        KernelPoint("slow", "forward", 10.0, 100e9, 125e9),
        KernelPoint("nearly", "forward", 10.0, 99.8e9, 100e9),
        KernelPoint("fast", "forward", 10.0, 100e9, 40e9),
    ]
    looks = {
        text.get_text(): (text.get_color(), text.get_weight()) for text in texts_of(kernels(points))
    }
    theme = viz.THEMES["light"]
    assert looks["0.80"] == looks["0.998"] == (theme.mistake, "bold")
    assert looks["2.5"] == (theme.ink, "normal")


def test_the_line_at_1_is_explained():
    for size in viz.SIZES:
        found = words(kernels(measured(), size=size))
        assert "1: as fast as PyTorch 2.13, logarithmic scale" in found
        assert found.count("1") >= 3


def test_without_a_comparison_the_bars_are_speeds_up_to_the_peak():
    points = measured(compared=False)
    figure = kernels(points)
    assert "GF/s" in words(figure) and "230: peak of fused multiply-adds" in words(figure)
    assert not [text for text in words(figure) if "PyTorch" in text]
    for gradient in PASSES:
        speeds = [point.speed for point in points if point.gradient == gradient]
        drawn = sorted(bars_of(figure, gradient), key=lambda box: box[1])
        scale = drawn[0][2] / speeds[0]
        assert [box[2] for box in drawn] == pytest.approx([scale * speed for speed in speeds])


def test_narrow_sizes_show_one_half():
    for size in ("small", "paper"):
        compared, alone = (words(kernels(measured(compared=c), size=size)) for c in (True, False))
        assert "times as fast as PyTorch 2.13" in compared and "speed in GF/s" not in compared
        assert "speed in GF/s" in alone and "GF/s" not in alone
    wide = words(kernels(measured(), size="paper-wide"))
    assert {"times as fast as PyTorch 2.13", "speed in GF/s"} <= set(wide)


def test_rows_that_find_no_place_are_counted():
    found = words(kernels(measured([f"layer {n}" for n in range(60)]), size="small"))
    (foot,) = [text for text in found if text.startswith("first ")]
    shown = sum(text.startswith("layer ") for text in found)
    assert foot == f"first {shown} of 60 layers; 1: as fast as PyTorch 2.13"


# Training -----------------------------------------------------------------------------------------


def test_pairs_of_bars_and_their_ratio():
    figure = training(TRAINING[:2])
    theme = viz.THEMES["light"]
    ours, theirs = boxes(figure, theme.output), boxes(figure, theme.hairline)
    scale = ours[0][2] / 0.0051
    assert [box[2] for box in ours] == pytest.approx([scale * 0.0051, scale * 0.0033])
    assert [box[2] for box in theirs] == pytest.approx([scale * 0.0163, scale * 0.0105])
    found = words(figure)
    assert found.count("0.31 of the time") == 2
    assert {"5.1 ms", "16.3 ms", "3.3 ms", "10.5 ms", "convlab", PYTORCH} <= set(found)
    assert "lower is better" in found[1] and "own scale" not in found[1]
    assert title(figure) == "Less time than PyTorch 2.13 in all 2 cases"


def test_the_spread_is_drawn_from_low_to_high():
    one = TrainingBar("an epoch", 2.0, 1.5, 3.0, 4.0, 3.5, 5.0)
    figure = training([one])
    theme = viz.THEMES["light"]
    scale = boxes(figure, theme.output)[0][2] / 2.0
    start = boxes(figure, theme.output)[0][0]
    spans = [(xs - start) / scale for xs, ys in lines(figure, theme.ink, least=2)]
    assert np.array(spans) == pytest.approx(np.array([[1.5, 3.0], [3.5, 5.0]]))
    assert {"2 s", "4 s", "0.50 of the time"} <= set(words(figure))
    assert title(figure) == "0.50 of the time of PyTorch 2.13"


def test_very_different_times_have_a_scale_a_pair_and_it_is_said():
    figure = training(TRAINING)
    assert "each pair on its own scale" in words(figure)[1]
    theirs = boxes(figure, viz.THEMES["light"].hairline)
    assert max(box[2] for box in theirs[:3]) == pytest.approx(min(box[2] for box in theirs[:3]))
    assert {"5.1 ms", "1.9 s", "450 ms"} <= set(words(figure))
    assert title(figure) == "Less time than PyTorch 2.13 in 4 of 5 cases"


def test_a_difference_within_the_spread_is_told():
    figure = training(TRAINING)
    assert "spreads overlap in 1" in words(figure)[1]
    colours = {text.get_text(): text.get_color() for text in texts_of(figure)}
    assert colours["0.98 of the time"] == viz.THEMES["light"].quiet
    assert colours["0.31 of the time"] == colours["1.3 of the time"] == viz.THEMES["light"].ink
    assert "overlap" not in words(training(TRAINING[:2]))[1]


def test_training_without_a_comparison():
    figure = training([bar("batch 64", 0.25, None), bar("batch 256", 0.75, None)])
    assert title(figure) == "From 250 ms to 750 ms"
    assert not [text for text in words(figure) if "of the time" in text or "PyTorch" in text]
    apart = training([bar("a step", 0.01, None), bar("an epoch", 10.0, None)])
    lengths = [box[2] for box in boxes(apart, viz.THEMES["light"].output)]
    assert lengths[1] == pytest.approx(1000 * lengths[0])
    assert title(apart) == "From 0.01 s to 10 s"
    assert title(training([bar("an epoch", 12.34, None)])) == "an epoch: 12.3 s"


def test_pairs_that_find_no_row_are_counted():
    figure = training(TRAINING * 4, size="small")
    shown = len(boxes(figure, viz.THEMES["light"].output))
    assert 5 <= shown < 20
    assert f"first {shown} of 20" in " ".join(words(figure)[1:3])


# Scaling ------------------------------------------------------------------------------------------


def test_a_panel_for_each_axis_with_the_values_as_ticks():
    figure = scaling([BATCH, CHANNELS, IMAGE, THREADS])
    found = words(figure)
    heads = ["batch from 1 to 1024", "channels from 1 to 64"]
    assert {*heads, "image size from 4 to 112", "threads from 1 to 2"} <= set(found)
    assert {str(value) for value in (*BATCH.values, *IMAGE.values)} <= set(found)
    drawn = lines(figure, viz.THEMES["light"].output, least=2)
    assert [len(xs) for xs, _ in drawn] == [11, 8, 6, 2]


def test_points_stand_at_their_speed_on_one_scale_and_their_value_on_a_logarithmic_one():
    figure = scaling([IMAGE, THREADS])
    (xs, ys), (_, fewer) = lines(figure, viz.THEMES["light"].output, least=2)
    speeds = np.array([60, 110, 150, 190, 200, 205])
    zero = np.polyfit(speeds, ys, 1)
    assert ys == pytest.approx(np.polyval(zero, speeds))
    assert fewer == pytest.approx(np.polyval(zero, [110, 211]))
    across = np.polyfit(np.log(IMAGE.values), xs, 1)
    assert xs == pytest.approx(np.polyval(across, np.log(IMAGE.values)))


@pytest.mark.parametrize("size", viz.SIZES)
def test_cliffs_are_marked_and_named(size):
    figure = scaling([BATCH, CHANNELS, IMAGE, THREADS], size=size)
    assert title(figure) == "2 cliffs: batch 1024, channels 33"
    assert [text for text in words(figure) if "45%" in text]
    assert [text for text in words(figure) if "4%" in text.replace("45%", "")]
    mistake = viz.THEMES["light"].mistake
    marks = [
        line
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "o" and to_hex(line.get_markeredgecolor()).upper() == mistake
    ]
    assert len(marks) == 2


@pytest.mark.parametrize(
    ("speeds", "said"),
    [
        ([100, 50, 30], "No cliff: 30 to 100 GF/s"),
        ([100, 49, 200], "One cliff: 49% of the speed from channels 2 to 3"),
        ([10, 30, 90], "No cliff: 10 to 90 GF/s"),
        ([100, 40, 10], "2 cliffs: channels 3, channels 4"),
    ],
)
def test_a_cliff_is_a_fall_to_less_than_half(speeds, said):
    assert title(scaling([curve("channels", [2, 3, 4], speeds)])) == said


def test_a_single_point_is_no_curve():
    assert title(scaling([curve("batch", [64], [200.0])])) == "200 GF/s"


# Bytes and errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["39 passes", "training", "scaling"])
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_same_figure_gives_the_same_bytes(name, suffix):
    first, second = (
        viz.figure_bytes(FIGURES[name](size="small"), suffix, title="t", description="d")
        for _ in range(2)
    )
    assert first == second


POINT = KernelPoint("LeNet C1", "forward", 6.0, 100e9, 50e9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plain_kernels([]), SpecError, "expected at least one point, got none"),
        (
            lambda: plain_kernels([POINT._replace(gradient="backward")]),
            SpecError,
            "gradient of input, gradient of weight, got 'backward'",
        ),
        (
            lambda: plain_kernels([POINT._replace(intensity=0.0)]),
            SpecError,
            "expected an intensity of LeNet C1, forward, above 0, got 0.0",
        ),
        (lambda: plain_kernels([POINT._replace(speed=math.nan)]), SpecError, "a speed .* got nan"),
        (
            lambda: plain_kernels([POINT._replace(other_speed=-1.0)]),
            SpecError,
            "another speed .* -1.0",
        ),
        (lambda: plain_kernels([POINT], bandwidth=0.0), SpecError, "a bandwidth above 0, got 0.0"),
        (
            lambda: plain_kernels([POINT, POINT]),
            ShapeError,
            "one point of LeNet C1, forward, got two",
        ),
        (lambda: plain_kernels([POINT], size="poster"), SpecError, "got 'poster'"),
        (lambda: plain_training([]), SpecError, "expected at least one bar, got none"),
        (lambda: plain_training([bar("a", 0.0, None)]), SpecError, "a time of a above 0, got 0.0"),
        (
            lambda: plain_training([TrainingBar("a", 1.0, 1.1, 1.2, None, None, None)]),
            ShapeError,
            "expected a spread around 1.0 s of a, got 1.1 s to 1.2 s",
        ),
        (
            lambda: plain_training([TrainingBar("a", 1.0, 1.0, 1.0, 2.0, None, None)]),
            ShapeError,
            "expected all or none of the other's times of a, got some",
        ),
        (lambda: plain_training(TRAINING, theme="sepia"), SpecError, "got 'sepia'"),
        (lambda: plain_scaling([]), SpecError, "expected at least one curve, got none"),
        (
            lambda: plain_scaling([ScalingCurve("batch", (), (), ())]),
            SpecError,
            "values of batch, got",
        ),
        (
            lambda: plain_scaling([ScalingCurve("batch", (1, 2), (1.0,), (1.0, 1.0))]),
            ShapeError,
            "expected 2 numbers of seconds, one a value of batch, got 1",
        ),
        (
            lambda: plain_scaling([ScalingCurve("batch", (2, 1), (1.0, 1.0), (1.0, 1.0))]),
            SpecError,
            r"expected values of batch that grow, got \(2, 1\)",
        ),
        (
            lambda: plain_scaling([ScalingCurve("batch", (1, 2), (1.0, 0.0), (1.0, 1.0))]),
            SpecError,
            "expected seconds of batch above 0, got 0.0",
        ),
    ],
)
def test_errors_say_what_was_expected_and_what_came(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
