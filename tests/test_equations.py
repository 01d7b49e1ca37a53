"""Sums as figures write them: what stands in an equation, its signs, and when it says "="."""

import math

import numpy as np
import pytest

from convlab.equations import (
    ChainLink,
    SumStep,
    SumTerm,
    chain_places,
    columns_of,
    equation,
    places_of_all,
    texts_in_cells,
    windows_of,
    written,
)
from convlab.errors import ShapeError

BIAS = SumStep("+", "bias", -0.25, "mistake")


def terms(*totals):
    return [SumTerm(f"map {at}", (total, 1.0), total) for at, total in enumerate(totals)]


def said(steps, places=2):
    return [(piece.sign, piece.label, piece.text) for piece in written(steps, places)]


def test_few_terms_stand_by_themselves_and_more_are_one_sum():
    steps = equation(terms(1.5, -0.5), 2, "map", [BIAS], [("conv", 0.75), ("relu", 0.75)])
    assert said(steps) == [
        ("", "map 0", "1.50"),
        ("−", "map 1", "0.50"),
        ("−", "bias", "0.25"),
        ("=", "conv", "0.75"),
        ("→", "relu", "0.75"),
    ]
    several = equation(terms(*range(1, 8)), 5, "map", [], [("conv", 28.0)])
    assert said(several) == [
        ("", "sum of the 5 maps shown", "15.00"),
        ("+", "2 maps not shown", "13.00"),
        ("=", "conv", "28.00"),
    ]
    assert equation(terms(*range(6)), 6, "map", [], [])[0].label == "sum of all"
    assert [step.label for step in equation((), 0, "map", [BIAS], [("conv", 1.0)])] == [
        "bias",
        "conv",
    ]


def test_what_is_not_the_sum_of_what_is_shown_is_almost_it():
    third = [SumStep("", "sum", 1.0), SumStep("÷", "divisor", 3.0), SumStep("=", "mean", 1 / 3)]
    assert [sign for sign, *_ in said(third)] == ["", "÷", "≈"]
    assert said(third)[1] == ("÷", "divisor", "3")  # whole numbers have no decimals
    of_one = [SumStep("", "x", -2.0), SumStep("=", "relu", 0.0)]
    assert said(of_one)[-1] == ("=", "relu", "0")
    assert said([SumStep("", "x", 1 / 3), SumStep("=", "tanh", 0.5)])[-1][0] == "≈"


@pytest.mark.parametrize(("divisor", "text"), [(math.nan, "NaN"), (math.inf, "∞")])
def test_a_divisor_that_is_not_finite_is_written(divisor, text):
    steps = [SumStep("", "exp", 1.0), SumStep("÷", "sum", divisor), SumStep("=", "p", math.nan)]
    assert [number for *_, number in said(steps)] == ["1.00", text, "NaN"]
    link = ChainLink("p 0", steps[:2], math.nan, np.zeros(2), (0,))
    assert [piece.text for piece in link.pieces(2, 0)] == ["1.00", text, "NaN"]


def test_decimals():
    assert places_of_all([SumStep("", "", 0.5)]) == 9
    assert places_of_all([SumStep("", "", 123.0), SumStep("+", "", math.inf)]) == 6
    assert places_of_all([SumStep("", "", 1e20)]) == 0
    values = np.array([[-0.5, 10.25], [0.0, 0.75]])
    assert texts_in_cells(values, 2, True) == ["−.50", "10.25", ".00", ".75"]
    # 2 × 0.0012 is not 0.00246 to a thousandth.
    steps = [SumStep("", "x", 2.0), SumStep("×", "w", 0.00123)]
    assert chain_places([ChainLink("a", steps, 0.00246, np.zeros(1), (0,))]) == 5
    assert chain_places([ChainLink("pixel", [], 0.00001, np.zeros((1, 1)), (0, 0))]) == 6


def test_a_chain_in_fewer_and_fewer_words():
    steps = [
        SumStep("", "fc1 3", 2.0, "input"),
        SumStep("×", "weight", -0.5, "window"),
        SumStep("+", "9 others", 3.0),
        BIAS,
    ]
    link = ChainLink("fc2 7", steps, 1.75, np.zeros(9), (7,), ["relu1"])
    assert link.handed_on == "→ relu1"

    def brief(amount):
        return [(piece.sign, piece.label, piece.text) for piece in link.pieces(2, amount)]

    assert brief(0)[2:] == [("+", "9 others", "3.00"), ("−", "bias", "0.25"), ("=", "", "1.75")]
    assert brief(1)[2:] == [("+", "others", "2.75"), ("=", "", "1.75")]
    assert brief(2)[-1] == ("=", "fc2 7", "1.75")
    assert brief(3)[0] == ("", "fc1 3", "−1.00")


def test_tables_and_windows():
    heads = [("value", "input"), ("share", "output")]
    table = columns_of([SumTerm("a", (0.5,), 1 / 3), SumTerm("b", (2.0,), 2 / 3)], heads, None)
    assert [name for name, *_ in table] == ["value", "≈ share"]
    assert table[0][2] == ["0.5", "2.0"]
    two = [SumTerm("a", (np.ones((2, 3)),), 6.0), SumTerm("b", (np.zeros((2, 3)),), 0.0)]
    values, outside = windows_of(two, 1, None)
    assert values.shape == (2, 1, 2, 3) and not outside.any()
    assert windows_of(terms(1.0), 3, None) is None
    with pytest.raises(ShapeError, match="expected windows of one size"):
        windows_of(two, 1, np.zeros((3, 3), bool))
    with pytest.raises(ShapeError, match="expected 2 columns of numbers"):
        windows_of(two, 2, None)
