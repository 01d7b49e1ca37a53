"""The picture of the ladder: bars as long as their numbers, roofs where they are, legible texts."""

import itertools
import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from convlab import bench, viz
from convlab.errors import SpecError
from convlab.viz import LadderStep

IDEAS = (
    "plain Python",
    "compiled",
    "threads",
    "batch innermost",
    "unsigned indices: vectors",
    "a row of taps at once",
    "4 output channels at once",
    "tiles that stay in cache",
    "the engine's own",
)
SPEEDS = (7e6, 2e9, 4e9, 8e9, 64e9, 96e9, 144e9, 180e9, 162e9)
OTHERS = (
    LadderStep("im2col, matrix product", 30e9, "3.84 MB"),
    LadderStep("FFT", 20e9, "2.72 MB"),
    LadderStep("Winograd F(2×2, 3×3)", None, "3 × 3 only"),
)
ROOFS = 230e9, 1066e9
WHAT = "14 × 14 × 6 to 16 maps, 5 × 5, padding 0, batch 64"
MACHINE = "AMD EPYC, 2 of 2 cores, 512-bit vectors, threads by omp"


def steps(speeds=SPEEDS, note="timed on 1/341 of it"):
    ideas = itertools.islice(itertools.cycle(IDEAS), len(speeds))
    notes = [note] + [""] * len(speeds)
    return [LadderStep(*row) for row in zip(ideas, speeds, notes, strict=False)]


def draw(speeds=SPEEDS, others=OTHERS, roofs=ROOFS, **more):
    rungs = steps(speeds)
    return viz.ladder(rungs, others, roofs, **bench.ladder_words(rungs, WHAT, MACHINE), **more)


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]


def boxes(figure, colour):
    """(left, right) of the filled boxes of a colour, from above to below."""
    patches = [p for axes in figure.axes for p in axes.patches if isinstance(p, Rectangle)]
    found = [p for p in patches if to_hex(p.get_facecolor(), keep_alpha=True)[:7].upper() == colour]
    found = [p for p in found if p.get_facecolor()[3] > 0]
    return [(p.get_x(), p.get_x() + p.get_width()) for p in sorted(found, key=lambda p: p.get_y())]


def scale(figure):
    """From FLOP/s to pixels, by the numbers below the bars."""
    texts = [text for axes in figure.axes for text in axes.texts]
    low = max(text.get_position()[1] for text in texts if text.get_text() == "0.001")
    ticks = [
        (float(text.get_text()), text.get_position()[0])
        for text in texts
        if text.get_position()[1] == low and text.get_text()[0].isdigit()
    ]
    slope, offset = np.polyfit([math.log(number) for number, _ in ticks], [x for _, x in ticks], 1)
    return lambda speed: slope * math.log(speed / 1e9) + offset


@pytest.mark.parametrize("size", viz.SIZES)
def test_bars_begin_where_the_rung_before_ends(size):
    figure = draw(size=size)
    at = scale(figure)
    bars = boxes(figure, viz.THEMES["light"].output)
    rising = [*zip(SPEEDS, SPEEDS[1:-1], strict=False)]  # the last one loses
    assert len(bars) == 1 + len(rising)
    np.testing.assert_allclose(bars[0][1], at(SPEEDS[0]), atol=0.1)
    expected = [(at(before), at(after)) for before, after in rising]
    np.testing.assert_allclose(bars[1:], expected, atol=0.1)
    others = boxes(figure, viz.THEMES["light"].quiet)
    np.testing.assert_allclose([end for _, end in others], [at(30e9), at(20e9)], atol=0.1)


def test_a_small_gain_is_not_rounded_to_a_whole_number():
    assert words(draw(speeds=(2e9, 3e9)))[0] == "2 rungs: 1.5 times as fast as plain Python"


def test_gains_are_said_in_words():
    said = words(draw())
    assert said[0] == "9 rungs: 26,000 times as fast as plain Python"
    gains = [text for text in said if text.endswith(" times as fast")]
    ratios = ("286", "2.0", "2.0", "8.0", "1.5", "1.5", "1.2", "0.90")
    assert gains == [f"{ratio} times as fast" for ratio in ratios]
    assert "timed on 1/341 of it" in said and "3 × 3 only" in said
    assert "peak of multiply-adds 230 GF/s" in said and "roof of memory 1066 GF/s" in said


def test_small_pictures_have_short_gains():
    said = words(draw(size="small"))
    assert "×8.0" in said and "timed on 1/341 of it" not in said


def test_a_loss_has_the_colour_of_a_mistake():
    figure, mistake = draw(), viz.THEMES["light"].mistake
    texts = [text for axes in figure.axes for text in axes.texts]
    lost = [text.get_text() for text in texts if to_hex(text.get_color()).upper() == mistake]
    assert lost == ["0.90 times as fast"]


def test_what_medians_cannot_tell_is_no_difference():
    figure = draw(speeds=(1e9, 0.97e9, 1e9))
    said = words(figure)
    assert said.count("as fast as before") == 2
    colours = {to_hex(text.get_color()).upper() for axes in figure.axes for text in axes.texts}
    assert viz.THEMES["light"].mistake not in colours


def test_roofs_stand_at_their_speeds():
    figure = draw()
    at = scale(figure)
    ink = viz.THEMES["light"].ink
    lines = [line for axes in figure.axes for line in axes.get_lines()] + [
        artist for axes in figure.axes for artist in axes.artists
    ]
    xs = {
        round(float(line.get_xdata()[0]), 1)
        for line in lines
        if to_hex(line.get_color()).upper() == ink
    }
    np.testing.assert_allclose(sorted(xs), [at(ROOFS[0]), at(ROOFS[1])], atol=0.2)


SHAPES = {
    "usual": {},
    "memory below the peak": {"roofs": (230e9, 90e9)},
    "roofs that meet": {"roofs": (230e9, 231e9)},
    "one rung": {"speeds": (3e9,)},
    "two rungs that are equal": {"speeds": (3e9, 3e9)},
    "no others": {"others": ()},
    "slow": {"speeds": tuple(speed / 1e4 for speed in SPEEDS)},
    "fast": {"speeds": tuple(speed * 99 for speed in SPEEDS), "roofs": (3e13, 2e12)},
    "falling": {"speeds": SPEEDS[::-1]},
    "long names": {"others": [LadderStep("another way to convolve " * 4, 2e9, "1,234.56 MB")]},
    "ten rungs": {"speeds": (*SPEEDS, 1e9)},
}


@pytest.mark.parametrize("size", viz.SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_texts_are_legible(shape, size, assert_legible):
    assert_legible(draw(size=size, theme="dark", **SHAPES[shape]), size)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"speeds": ()}, "^expected at least one rung, got none$"),
        ({"speeds": (1e9, None)}, "^expected a speed of compiled above 0, got None$"),
        ({"speeds": (1e9, 0.0)}, "^expected a speed of compiled above 0, got 0.0$"),
        ({"roofs": (math.nan, 1e9)}, "^expected a peak above 0, got nan$"),
        ({"size": "huge"}, "^size: expected slide, "),
    ],
)
def test_numbers_that_cannot_be_drawn(settings, message):
    with pytest.raises(SpecError, match=message):
        draw(**settings)
