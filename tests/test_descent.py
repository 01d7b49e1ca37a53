"""Gradient descent on two weights: its numbers, worked out by NumPy."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from convlab import data, pictures, viz
from convlab.errors import ConvlabError
from convlab.lessons.descent import two_weight_fit

ROW = np.array([3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9])


def columns(row):
    """What the two weights are multiplied with, and the differences."""
    signal = (row - row.mean()) / row.std()
    return np.stack([signal[:-1], signal[1:]], axis=1), np.diff(signal)


def test_loss_gradient_and_curvature_are_those_of_least_squares():
    fit = two_weight_fit(ROW, (-1.0, 1.0))
    x, target = columns(ROW)
    np.testing.assert_allclose(fit.target, target)
    weights = np.random.default_rng(0).normal(size=(7, 2))
    np.testing.assert_allclose(fit.losses(weights), ((weights @ x.T - target) ** 2).mean(axis=1))
    errors = x @ weights[0] - target
    np.testing.assert_allclose(fit.gradient(weights[0]), 2 * errors @ x / len(target))
    np.testing.assert_allclose(fit.curvature(), 2 * x.T @ x / len(target), atol=1e-12)


@pytest.mark.parametrize(("rate", "momentum"), [(0.3, 0.0), (0.2, 0.7)])
def test_the_steps_are_those_of_numpy(rate, momentum):
    x, target = columns(ROW)
    weights, velocity, expected = np.array([1.0, -0.4]), np.zeros(2), []
    for _ in range(6):
        expected.append(weights)
        velocity = momentum * velocity + 2 * (x @ weights - target) @ x / len(target)
        weights = weights - rate * velocity
    found = two_weight_fit(ROW, (-1.0, 1.0)).descend(expected[0], rate, momentum, 5)
    np.testing.assert_allclose(found.weights, expected)
    losses = [((x @ w - target) ** 2).mean() for w in expected]
    np.testing.assert_allclose(found.losses, losses)


@pytest.mark.parametrize("momentum", [0.0, 0.6, 0.9])
def test_the_largest_stable_rate_is_where_descent_turns(momentum):
    x, _ = columns(ROW)
    largest = 2 * (1 + momentum) / np.linalg.eigvalsh(2 * x.T @ x / len(x))[-1]
    fit = two_weight_fit(ROW, (-1.0, 1.0))
    for share, grows in ((0.97, False), (1.03, True)):
        found = fit.descend(np.array([1.0, 0.5]), share * largest, momentum, 250)
        assert (found.losses[-1] > 1e3) == grows
        assert (found.losses[-1] < 1e-3) != grows


def test_the_picture_says_the_largest_stable_rate_of_its_row():
    made = pictures.descent("flower", 100)
    words, result = made.alt.replace("\u00a0", " "), made.result
    x, target = columns(data.photograph("flower")[100].mean(axis=1))
    low, high = np.linalg.eigvalsh(2 * x.T @ x / len(x))
    assert result["largest stable rate"] == pytest.approx(2 / high)
    assert f"2/λmax ≈ {2 / high:.3g}; λmax ≈ {high:.3g} is" in words
    assert f"2(1 + 0.6)/λmax ≈ {3.2 / high:.3g};" in words
    assert f"λmax/λmin ≈ {high / low:.3g}, since neighbouring pixels are alike" in words
    usual, large, heavy = result["descents"]
    assert usual["rate"] == heavy["rate"] < 2 / high < large["rate"]
    assert heavy["losses"][-1] < usual["losses"][-1] < usual["losses"][0] < large["losses"][-1]
    # Corners of the surface: the second weight is largest in its first row.
    (left, right), (bottom, top) = result["reach"]
    surface = result["surface"]
    for at, weights in (
        ((0, 0), (left, top)),
        ((-1, -1), (right, bottom)),
        ((0, -1), (right, top)),
    ):
        assert surface[at] == pytest.approx(((x @ weights - target) ** 2).mean())


def test_a_descent_without_bounds_is_cut_off():
    found = two_weight_fit(ROW, (-1.0, 1.0)).descend(np.array([1.0, 0.5]), 1e5, 0.0, 200)
    assert 1 <= found.steps < 5 and np.isfinite(found.losses).all()
    made = pictures.descent(rate=1e6, momentum=0.99, steps=200)
    assert len(made.result["descents"]) == 3 and made.content(".png", size="small")


def test_without_momentum_there_are_two_panels():
    made = pictures.descent(momentum=0.0, steps=1)
    assert len(made.result["descents"]) == 2 and "momentum" not in made.alt
    assert "after 1 step;" in made.alt


def test_neighbours_that_follow_from_each_other_have_no_single_minimum():
    row = np.tile(np.array([0, 255], np.uint8), 8)
    made = pictures.descent(row[None, None], steps=3)
    assert "λmin = 0" in made.facts["curvatures"] and made.content(".png", size="small")


@pytest.mark.parametrize(
    ("image", "more", "message"),
    [
        ("china", {"row": 427}, "row: expected 0 to 426 of china, got 427"),
        ("china", {"row": -1}, "row: expected 0 to 426"),
        ("nosuch.png", {}, "there is no such file"),
        (np.zeros((1, 4, 9), np.uint8), {}, "one value everywhere"),
        (np.zeros((1, 4, 2), np.uint8), {}, "at least 3 pixels, got 2"),
        ("china", {"rate": 0.0}, "rate: expected a number above 0"),
        ("china", {"rate": float("nan")}, "rate: expected"),
        ("china", {"momentum": 1.0}, "momentum: expected a number from 0 to below 1"),
        ("china", {"steps": 0}, "steps: expected at least 1"),
        ("china", {"steps": 201}, "steps: expected at most 200"),
    ],
)
def test_descents_that_cannot_be(image, more, message):
    with pytest.raises(ConvlabError, match=message):
        pictures.descent(image, **more)


def test_steps_beyond_the_surface_end_at_its_border():
    surface, ends = np.add.outer(np.arange(5.0), np.arange(7.0)), ((-3.0, 3.0), (-2.0, 2.0))
    weights = np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 5.0], [-9.0, 1.0], [-1.0, 1.0]])
    path = viz.DescentPath(("a", "a"), ("b", "b"), "mistake", weights, np.ones(5))
    (axes,) = viz.descent(surface, ends, [path], (0.0, 0.0), title="t").axes
    left, right, bottom, top = axes.images[0].get_extent()
    lines = [line for line in axes.lines if len(line.get_xdata()) > 5]
    assert len(lines) == 2  # the line and its edge
    xs = (np.array(lines[1].get_xdata()) - left) / (right - left) * 6 - 3
    ys = (np.array(lines[1].get_ydata()) - bottom) / (top - bottom) * 4 - 2
    gap = [np.nan, np.nan]
    expected = [[0, 0], [1, 1], [1.5, 2], gap, gap, [-1, 1]]
    np.testing.assert_allclose(np.stack([xs, ys], axis=1), expected, atol=1e-9)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(dots) == 2 + 2 * 3  # the minimum's ring, each step with its edge


def test_names_are_whole_and_the_minimum_is_a_ring_on_paper():
    for theme in ("light", "dark"):
        figure = pictures.descent("china").draw(theme=theme, size="paper")
        (axes,) = figure.axes
        said = [text.get_text() for text in axes.texts]
        assert "momentum 0.6" in said and not [text for text in said if "…" in text]
        dots = {}
        for line in axes.lines:
            if line.get_marker() == "o":
                place = round(float(line.get_xdata()[0])), round(float(line.get_ydata()[0]))
                dots.setdefault(place, []).append(
                    (line.get_markersize(), line.get_markerfacecolor())
                )
        # The two largest dots of a panel: a light one, and on it a dark one.
        rings = [sorted(d, key=lambda dot: -dot[0])[:2] for d in dots.values()]
        outer = max(size for ring in rings for size, _ in ring)
        rings = [ring for ring in rings if ring[0][0] == outer]
        assert len(rings) == 3
        for (_, light), (_, dark) in rings:
            assert np.mean(to_rgb(light)) > 0.9 and np.mean(to_rgb(dark)) < 0.3
