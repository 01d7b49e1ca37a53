"""Labels in plots: beside their mark if it is free, else near, tied to it, and on nothing else."""

import math

import numpy as np
import pytest

from convlab.names import told_apart
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.labels import labelled_plot
from convlab.viz.line_plot import Look


@pytest.fixture
def plot():
    y = Axis(0.0, 4.0, 800, 200)
    canvas = Canvas("slide", "light")
    return labelled_plot(canvas, (100, 180, 1500), y, {0.0: "0", 2.0: "2", 4.0: "4"}, (1, 1000))


def texts(plot):
    return {text.get_text(): text.get_position() for text in plot.canvas.figure.axes[0].texts}


def middle(plot):
    return plot.points([30], [1])[0]


def test_a_plot_begins_after_the_numbers_at_its_left(plot):
    assert texts(plot)["2"] == (plot.left - 10, 500) and 100 < plot.left < 130
    assert plot.points([1, 1000], [0, 4]) == [(plot.left, 800), (1500, 200)]


def test_a_label_stands_to_the_right_of_its_mark(plot):
    x, y = middle(plot)
    plot.mark((x, y))
    plot.name((x, y), ["name"], "#000000")
    assert texts(plot)["name"] == pytest.approx((x + 0.9 * plot.small, y))


def test_labels_give_way_to_each_other(plot):
    mark = middle(plot)
    plot.mark(mark)
    boxes = [plot.find(mark, [(60, LINE * plot.small)]).box for _ in range(4)]
    for n, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[:n]:
            beside = left >= other[2] or right <= other[0]
            assert beside or top >= other[3] or bottom <= other[1]


def test_a_label_that_is_far_is_tied_to_its_mark(plot):
    x, y = middle(plot)
    plot.mark((x, y))
    for across, down in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        plot.mark((x + 2 * across * plot.small, y + 2 * down * plot.small))
    (left, top, right, bottom), (start, end) = plot.find((x, y), [(60, 20)])[1:]
    assert math.dist(start, (x, y)) == pytest.approx(0.6 * plot.small)
    assert left <= end[0] <= right and top <= end[1] <= bottom


def test_labels_avoid_curves(plot):
    x, y = middle(plot)
    plot.line(np.array([1, 1000]), np.array([1.0, 1.0]), Look("#000000"))
    plot.mark((x, y))
    _, top, _, bottom = plot.find((x, y), [(60, 20)]).box
    assert bottom < y or y < top


def test_the_first_text_that_fits_is_taken_or_none(plot):
    mark = middle(plot)
    plot.mark(mark)
    assert plot.find(mark, [(2000, 20), (60, 20)]).form == 1
    plot.taken.append((plot.left, plot.lid, plot.right, plot.bottom))
    plot.name(mark, ["nowhere"], "#000000")
    assert "nowhere" not in texts(plot)


def test_all_labels_find_a_place_or_none_is_taken(plot):
    marks = plot.points([10, 100], [1, 2])
    for mark in marks:
        plot.mark(mark)
    before = list(plot.taken)
    assert plot.find_all(marks, [(60, 20), (2000, 20)]) == [] and plot.taken == before
    assert len(plot.find_all(marks, [(60, 20), (80, 20)])) == 2 and len(plot.taken) >= 4


# --- names side by side ---------------------------------------------------------------------


def short(names, most):
    return told_apart(names, lambda text: len(text) <= most)


def test_names_are_shortened_where_they_are_alike():
    blocks = [f"features.denseblock{b}.denselayer{x}.conv1" for b in (1, 2) for x in (3, 12)]
    assert short(blocks, 99) == blocks
    assert short(blocks, 14) == [f"f.d{b}.d{x}.conv1" for b in (1, 2) for x in (3, 12)]
    plants = [f"species of plant {n}" for n in range(20)]
    assert short(plants, 14) == [f"s. of plant {n}" for n in range(20)]
    # A word of few names says too much.
    cats = ["Egyptian cat", "Persian cat", "tabby", "tiger", "lion"]
    assert not any("c." in name for name in short(cats, 9))


@pytest.mark.parametrize("most", range(5, 40))
@pytest.mark.parametrize(
    "names",
    [
        [
            f"features.denseblock{b}.denselayer{x}.conv{c}"
            for b in "123"
            for x in "149"
            for c in "12"
        ],
        ["node_layer1_0_conv1_Conv_27", "node_layer1_0_conv2_Conv_28", "/classifier/Gemm"],
        ["a" * 20 + "X" + "b" * 20, "a" * 20 + "Y" + "b" * 20],
        [f"{kind} of the garden {n}" for kind in ("rose", "tulip") for n in range(12)],
        ["one long name of its own"],
        ["same", "same", "a very different and long one"],
    ],
)
def test_different_names_stay_different_in_any_room(names, most):
    made = short(names, most)
    assert len(made) == len(names) and all(len(name) <= most for name in made)
    if most >= 8:
        assert len({*made}) == len({*names})
