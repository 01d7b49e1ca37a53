"""Numbers along a line: places, round numbers, labels that keep apart; panels and their plots."""

import math

import numpy as np
import pytest

from convlab.spread import Spread
from convlab.viz.axes import (
    Axis,
    apart,
    beside,
    logarithmic_ticks,
    tick_texts,
    ticks_around,
    ticks_within,
    with_room,
)
from convlab.viz.canvas import Canvas
from convlab.viz.embedding import FreeRoom
from convlab.viz.line_plot import Chart, Line, Look
from convlab.viz.table import MeasuredColumn, Table
from convlab.viz.tiles import side_by_side


def test_numbers_stand_where_their_axis_says():
    axis = Axis(0, 10, 100, 200)
    assert axis.at(5) == 150 and axis.at(np.array([0, 10])).tolist() == [100, 200]
    assert axis.clipped(-3) == 100 and axis.clipped(30) == 200
    assert Axis(1, 100, 0, 200, logarithmic=True).at(10) == pytest.approx(100)
    assert Axis(0, 1, 200, 100).at(0.25) == 175  # y downwards


def test_a_single_number_stands_in_the_middle():
    assert Axis(7, 7, 100, 200).at(7) == 150
    assert Axis(7, 7, 100, 200, logarithmic=True).at(np.array([7.0])).tolist() == [150]
    assert with_room(2, 2) == pytest.approx((1.96, 2.04)) and with_room(0, 0) == (-1, 1)


def test_round_numbers():
    assert ticks_around(0.1, 0.97, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ticks_around(-3, 3, 1) == [-5, 0, 5]  # two steps are granted
    assert ticks_within(0.1, 0.97, most=5) == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert ticks_within(1, 40, 4) == [5, 10, 15, 20, 25, 30, 35, 40]
    assert ticks_within(1, 3, 0.2, whole=True) == [1, 2, 3]
    assert tick_texts([0.1, 0.1 + 0.2], " %") == ["10 %", "30 %"]


def test_round_numbers_on_a_logarithmic_axis():
    axis = Axis(0.1, 100, 0, 300, logarithmic=True)
    assert logarithmic_ticks(axis, lambda _: 20) == [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    assert logarithmic_ticks(axis, lambda _: 40) == [0.1, 1, 10, 100]
    assert logarithmic_ticks(axis, lambda _: 150) == [1, 100]
    assert logarithmic_ticks(axis, lambda _: 250) == [1]


def test_of_labels_that_would_overlap_the_earlier_stays():
    axis = Axis(0, 10, 0, 100)
    assert beside(axis, [5, 0, 4, 10, 5], lambda _: 20) == [5, 0, 10]
    assert beside(axis, [4, 5], lambda value: 10 if value > 4 else 11) == [4]


def test_heights_are_moved_apart_and_stay_inside():
    assert apart([10, 11, 50], 10, 5, 55) == [10, 20, 50]
    assert apart([50, 52], 10, 0, 55) == [45, 55]


def test_panels_fill_their_place_and_the_last_give_way():
    place, least, gaps = (10, 20, 210, 100), (80, 45), (10, 10)
    assert side_by_side(1, place, least, gaps) == [place]
    four = side_by_side(5, place, least, gaps)
    assert four == [(x, y, 100, 45) for y in (20, 75) for x in (10, 120)]
    assert side_by_side(3, place, (300, 300), gaps) == [place]


def test_a_line_ends_at_its_last_finite_number():
    canvas = Canvas("slide", "light")
    look, xs = Look(canvas.theme.input), np.arange(4.0)
    chart = Chart([Line(xs, np.ones(4), look)], "x", x_range=(0.0, 4.0), y_range=(0.0, 1.0))
    plot = chart.draw(canvas, (100, 100, 800, 400))
    (end,) = plot.line(xs, np.array([0, 1, 0.5, math.nan]), look, 1.6, "name")
    assert (end.x, end.y, end.name) == (plot.at_x(2), plot.at_y(0.5), "name")
    assert plot.line(xs, np.full(4, math.nan), look, 1.6) == []


def test_a_chart_reaches_from_its_lowest_to_its_highest_number():
    canvas, place = Canvas("slide", "light"), (100, 100, 800, 400)
    line = Line(np.array([1.0, 2, 3, 4]), np.array([3.0, math.nan, 7, 9]), Look("#000000"))
    plot = Chart([line], "x").draw(canvas, (100, 100, 800, 400))
    assert (plot.x.low, plot.x.high, plot.y.low, plot.y.high) == (1, 4, 3, 9)
    assert line.alone().tolist() == [0]  # between the border and a gap
    assert Chart([line], "x", levels=[(12.0, "a level")]).draw(canvas, place).y.high == 12
    band = Line(line.xs, line.ys, line.look, spread=np.array([1.0, 1, 1, 2]))
    ((places, low, high),) = band.bands()
    assert [places.tolist(), low.tolist(), high.tolist()] == [[3, 4], [6, 7], [8, 11]]
    tens = Chart([line], "x", log_y=True).draw(canvas, (100, 100, 800, 400))
    assert (tens.y.low, tens.y.high) == (1, 10)


def test_boxes_that_are_free():
    room = FreeRoom(np.zeros(2), np.full(2, 100.0), np.array([[50.0, 50.0], [90.0, 10.0]]))
    box = room.around(0, 10)
    assert box.tolist() == [40, 40, 60, 60] and room.free(box)
    assert room.covered(box).tolist() == [True, False]
    room.take(box)
    assert not room.free(box) and room.free(box + 20) and not room.free(box + 19)
    near = [*room.spiral(np.array([50.0, 50.0]), np.array([10.0, 10.0]))]
    assert near and all(room.free(one) and room.inside(one) for one in near)


def test_the_spread_of_no_value_and_of_one():
    assert Spread.finite([math.nan, 0.5, math.inf]) == Spread((0.5,))
    assert math.isnan(Spread(()).mean) and Spread(()).text("%") == "–"
    assert Spread((0.5,)).ends == (0.5, 0.5) and Spread((0.5,)).text("%") == "50.0 %"


def test_a_table_draws_bars_from_zero_and_dots_at_the_mean():
    canvas = Canvas("slide", "light")
    bars = MeasuredColumn("cost", [[2.0], [8.0], []], ["2", "8", "none"], role="window")
    spread = MeasuredColumn("share", [[0.2, 0.4], [0.7], []], ["a", "b", "c"], "spread")
    Table(canvas, ["one", "two", "three"], [bars, spread]).draw()
    (axes,) = canvas.figure.axes
    short, long = (patch.get_width() for patch in axes.patches)
    assert long == pytest.approx(4 * short)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    dots += [artist for artist in axes.artists if getattr(artist, "get_marker", str)() == "o"]
    xs = {dot.get_xdata()[0] for dot in dots}
    first, mean, last, other = sorted(xs)  # 0.2, 0.3, 0.4 and 0.7
    assert mean - first == pytest.approx(last - mean)
    assert other - last == pytest.approx(3 * (mean - first))


def test_texts_of_a_table_give_way_to_bars():
    def shown(count):
        columns = [MeasuredColumn("cost", [[1.0]], ["1"])]
        columns += [MeasuredColumn(f"note {at}", (), ["a note"], "texts") for at in range(count)]
        return [c.heading for c in Table(Canvas("slide", "light"), ["row"], columns).columns]

    assert shown(3) == ["cost", "note 0", "note 1", "note 2"]
    kept = shown(30)
    assert 1 < len(kept) < 31 and kept == ["cost", *(f"note {at}" for at in range(len(kept) - 1))]


@pytest.mark.parametrize(("height", "whole"), [(700, True), (400, False)])
def test_a_narrow_plot_keeps_two_numbers_and_all_of_a_name_that_has_room(height, whole):
    canvas = Canvas("paper", "light")
    xs = np.linspace(-6.0, 6.0, 5)
    line = Line(xs, xs, Look("#000000"), "a name of several words", "and a longer note than that")
    Chart([line], "x").draw(canvas, (60, 60, 420, height))
    texts = [text.get_text() for text in canvas.figure.axes[0].texts]
    below = texts[: texts.index("x")]
    assert sum(text.lstrip("−").isdecimal() for text in below) >= 4  # of both axes
    said = " ".join(texts)
    assert ("a name of several words and a longer note than that" in said) == whole
    assert ("…" in said) != whole
