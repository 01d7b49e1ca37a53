"""Cells, the inks in them, and the bar of a scale: places and colours, worked out by hand."""

import numpy as np
import pytest

from convlab.viz import style
from convlab.viz.canvas import Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, inks_on


@pytest.fixture
def canvas():
    return Canvas("slide", "light")


def texts(canvas):
    (axes,) = canvas.figure.axes
    return {text.get_text(): text.get_position() for text in axes.texts}


def test_where_cells_write(canvas):
    cells = Cells(canvas, 10, 20, 2, 3, 30)
    cells.write(list("abcdef"), 12)
    cells.heads(list("xyz"), 5, every=2)
    found = texts(canvas)
    assert (found["a"], found["c"], found["d"]) == ((25, 35), (85, 35), (25, 65))
    assert (found["x"], found["z"]) == ((25, 5), (85, 5)) and "y" not in found
    blocks = cells.blocks(np.array([0, 1]), np.array([0, 2]))
    assert [block.place for block in blocks] == [(10, 20, 30, 60), (70, 20, 30, 60)]


def test_numbers_read_on_their_cells(canvas):
    fills = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    inks = inks_on(fills)
    assert style.contrast(inks[0], "#000000") >= 4.5 <= style.contrast(inks[1], "#FFFFFF")
    scale = style.grey_scale(np.array([0.0, 1.0]))
    Cells(canvas, 0, 0, 1, 2, 50).numbered(np.array([[0.0, 1.0]]), scale, ["dark", "light"], 12)
    (axes,) = canvas.figure.axes
    assert [text.get_color() for text in axes.texts] == inks


@pytest.mark.parametrize(
    ("values", "limit", "ends"),
    [([-1.0, 1.0], 1, ["1", "0", "−1"]), ([-3.0, 3.0], 2, ["≥ 2", "0", "≤ −2"])],
)
def test_the_bar_has_the_colours_and_ends_of_its_scale(canvas, values, limit, ends):
    scale = style.signed_scale(np.array(values), canvas.theme, limit=limit)
    bar = ColourBar(canvas, scale)
    bar.draw(100, 100, 400)
    bar.strip(300, 100, 400, 20)
    found = texts(canvas)
    assert sorted(found, key=lambda text: found[text][1]) == ends
    (axes,) = canvas.figure.axes
    upright, lying = (image.get_array() for image in axes.images)
    low, high = scale.rgb(np.array([-limit, limit]))
    assert np.array_equal(upright[0, 0], high) and np.array_equal(upright[-1, 0], low)
    assert np.array_equal(lying[0, 0], low) and np.array_equal(lying[0, -1], high)
