"""Convolution of signals in one dimension: closed forms, NumPy, formulas, and what is refused."""

import json

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from convlab import pictures, viz
from convlab.errors import ConvlabError, SpecError
from convlab.lessons.formulas import formula


def found(f, g, **more):
    """Places and values of what the picture shows."""
    made = pictures.convolution_1d(f, g, show="three", **more)
    return made.result["places"], made.result


# f, g, their convolution in closed form, and how far the midpoint rule may be from it.
CLOSED = {
    "two boxes are a triangle": ("box", "box", lambda t: np.maximum(1 - np.abs(t), 0), 1e-12),
    "gaussians": (
        "gaussian",
        "exp(-pi*t^2/3)",
        lambda t: np.sqrt(3) / 2 * np.exp(-np.pi * t**2 / 4),
        1e-12,
    ),
    "decays": ("decay", "exp(-t)*step(t)", lambda t: np.maximum(t, 0) * np.exp(-abs(t)), 1e-12),
    "a circuit's answer to a pulse": (
        "box(t - 1/2)",
        "decay",
        lambda t: np.where(
            t < 0, 0, np.where(t < 1, 1 - np.exp(-t), (np.e - 1) * np.exp(-np.abs(t)))
        ),
        1e-5,
    ),
    "two steps are a slope": ("step", "step", lambda t: np.maximum(t, 0), 1e-12),
    "box and ramp": (
        "box",
        "ramp",
        lambda t: np.clip(t + 0.5, 0, 1) ** 2 / 2 - np.clip(t - 0.5, 0, 1) ** 2 / 2,
        1e-12,
    ),
    "the impulse changes nothing": ("gaussian", "impulse", lambda t: np.exp(-np.pi * t**2), 1e-4),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_convolution_is_that_of_its_closed_form(name):
    f, g, closed, error = CLOSED[name]
    t, result = found(f, g)
    assert np.abs(result["convolution"]["values"] - closed(t)).max() < error
    assert np.ptp(closed(t)) > 0.3


@pytest.mark.parametrize(
    ("f", "g"), [([1, 2, 3], [0, 1, 0.5]), ([2, -1, 4, 7, 1], [3, 5]), ([2], [3])]
)
def test_sums_are_those_of_numpy(f, g):
    t, result = found(f, g)
    size = len(f) + len(g) - 1

    def at(name, first, count):
        values = result[name]["values"]
        start = int(np.flatnonzero(t == first)[0])
        rest = np.delete(values, np.arange(start, start + count))
        assert not rest.any()
        return values[start : start + count]

    np.testing.assert_allclose(at("convolution", 0, size), np.convolve(f, g))
    expected = np.correlate(f, g, "full")
    np.testing.assert_allclose(at("cross-correlation", 1 - len(g), size), expected)
    auto = np.correlate(f, f, "full")
    np.testing.assert_allclose(at("autocorrelation", 1 - len(f), len(auto)), auto)


def test_correlation_is_mirrored_and_convolution_the_same_when_exchanged():
    _, result = found("box", "decay")
    convolution, correlation = result["convolution"], result["cross-correlation"]
    np.testing.assert_allclose(convolution["values"], convolution["exchanged"], atol=1e-12)
    facts = pictures.convolution_1d([1, 2, 3], [0, 1, 0.5], show="three").facts
    assert facts["convolution"] == "g ∗ f is the same: largest difference 0"
    swapped = np.correlate([0, 1, 0.5], [1, 2, 3], "full")
    apart = np.abs(np.correlate([1, 2, 3], [0, 1, 0.5], "full") - swapped).max()
    assert facts["cross-correlation"] == f"g ⋆ f: up to {apart:g} apart; mirrored: 0"
    np.testing.assert_allclose(correlation["values"], correlation["exchanged"][::-1], atol=1e-12)
    facts = pictures.convolution_1d("box", "gaussian", show="three").facts
    assert facts["cross-correlation"].startswith("g ⋆ f is the same: ")


def test_the_sum_is_written_out_in_order(convlab, tmp_path):
    signals = "--f=1,-2,3", "--g=4,0.5", "--at=2"
    words = convlab(
        "render", "convolution-1d", *signals, "--alt", "-o", "a.svg", "--json-file", "a.json"
    ).out
    assert "(f ∗ g)[n] = Σ f[k] g[n − k]; at n = 2: (−2)·0.5 + 3·4 = 11;" in words
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["result"]["at"] == [2]
    assert record["result"]["convolution"]["values"][-4:] == [-7.5, 11, 1.5, 0]


def test_the_animation_starts_with_a_part_and_ends_with_the_whole():
    made = pictures.convolution_1d([1, 2], [1, 1])
    assert len(list(made.frames(theme="light", size="animation"))) == 3
    slow = pictures.convolution_1d()
    assert 25 <= len(list(slow.frames(theme="light", size="animation"))) <= 40
    # A result that is largest at the end, and one that is zero everywhere.
    for f, g in (("step", "step"), ([0, 0], [1])):
        made = pictures.convolution_1d(f, g)
        assert len(list(made.frames(theme="dark", size="small"))) > 1


T = np.array([-1.5, -0.5, 0.25, 2.0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-t^2", -(T**2)),
        ("2*exp(-abs(t))+1", 2 * np.exp(-np.abs(T)) + 1),
        ("sin(pi t)".replace(" ", "*"), np.sin(np.pi * T)),
        ("(t − 1)·2 / 4", (T - 1) / 2),
        ("2^-t^2", 2.0 ** -(T**2)),
        ("sqrt(t*t) - .5e1", np.abs(T) - 5),
        ("3", np.full(4, 3.0)),
        ("box(t/2) + step(t-1) + triangle(t)", [0, 1.5, 1.75, 1]),
        ("ramp(t) + decay(t)*e", [0, 0, 0.25 + np.exp(0.75), np.exp(-1)]),
    ],
)
def test_a_formula_is_computed_as_written(text, expected):
    np.testing.assert_allclose(formula(text)(T), expected)


@pytest.mark.parametrize(
    "text",
    ["", "x", "2t", "t.real", "t(1)", "exp", "exp(t, t)", "exp(t=t)", "[t]", "t == 1", "1j", "True",
     "'a'", "__import__('os')", "(lambda: 1)()", "t if t else 1", "(" * 199, "t\x00", "t;t", "t//2",
     "~t", "1, 2, x", "t" * 201, "f'{t}'", "sin[t]"],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(SpecError, match="^formula: expected"):
        formula(text)


@pytest.mark.parametrize(
    ("f", "g", "more", "message"),
    [
        ("x+1", "box", {}, r"^f: expected a list .* or a formula; in a formula .* got x in 'x"),
        ("sqrt(t)", "box", {}, "between ±1,000,000 for t from −18 to 18, got NaN at −18"),
        ("box", "gaussian", {"reach": 1000.0}, "gaussian.*a step of 5, got one that needs"),
        ("sin(1000*t)", "box", {}, "changes little in a step of 0.005"),
        ("box", "1,2", {}, "two lists of numbers or two functions, got box and numbers"),
        ("impulse", "box", {}, "multiplied by itself"),
        ("box", "box", {"at": 1.5}, "at: expected a number from −1 to 1, got 1.5"),
        ([1], [2], {"at": 0.5}, "at: expected a whole number"),
        ([1], [2], {"reach": 2.0}, "reach: expected functions"),
        ("box", "box", {"reach": 0.0}, "reach: expected a number from 0.01"),
        ([1] * 25, [2], {}, "f: expected 1 to 24 numbers in a row, got 25"),
        ([], [2], {}, "f: expected 1 to 24 numbers in a row, got 0"),
        ([np.inf], [2], {}, "f: expected numbers between"),
        ([0, 1e-320], [2], {}, "f: expected 0 or numbers from ±1e-12 on, got .0.0, 1e-320."),
        ("box", "box", {"show": "four"}, "show: expected one of sliding, three"),
    ],
)
def test_signals_that_do_not_fit(f, g, more, message):
    with pytest.raises(ConvlabError, match=message):
        pictures.convolution_1d(f, g, **more)


def test_the_bars_are_the_products():
    f, g, n = np.array([1.0, -2, 3]), np.array([4.0, 0.5]), 1
    (axes,) = pictures.convolution_1d(f, g, at=float(n)).draw(theme="light", size="slide").axes
    fill = to_rgba(viz.style.theme_named("light").output_fill)
    bars = [patch.get_bbox() for patch in axes.patches if patch.get_facecolor() == fill]
    products = [f[0] * g[1], f[1] * g[0]]
    assert len(bars) == 2 and bars[0].x0 < bars[1].x0
    # Pixels grow downwards: the first bar stands on the zero line, the second hangs from it.
    assert bars[0].y1 == pytest.approx(bars[1].y0)
    assert bars[1].height / bars[0].height == pytest.approx(abs(products[1] / products[0]))


@pytest.mark.parametrize("size", ["slide", "paper"])
def test_what_is_said_beside_three_results_is_whole(size):
    figure = pictures.convolution_1d("box", "ramp", show="three").draw(size=size)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert any("is the same" in text for text in said)
    assert not [text for text in said if "…" in text]


def test_two_lists_begin_where_the_second_touches_the_first():
    figure = pictures.convolution_1d(list(range(1, 17)), [2, 1]).draw(size="slide")
    said = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"0", "5", "10", "15"} <= said and not {"−5", "−10", "−15"} & said


def test_a_formula_has_signs_of_minus():
    assert "f = exp(−t^2)" in pictures.convolution_1d("exp(-t^2)").alt
