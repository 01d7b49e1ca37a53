"""When a difference between trials counts: the paired test, its interval, Holm, what is found."""

import math

import numpy as np
import pytest

from convlab.errors import SpecError
from convlab.experiments.decision import ALIKE, MORE, NO_LESS, RATIO, Statement, _holm, decide
from convlab.spread import Spread

# Hours of additional sleep of ten patients under two drugs (Student 1908, The probable error of a
# mean, Biometrika 6, page 20).
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)


def said(first, second, least=0.5, expected=MORE, **more):
    more = {"unit": "number"} | more
    return Statement(
        "one is more", Spread(tuple(first)), Spread(tuple(second)), least, expected, **more
    )


def one(*arguments, **more):
    return decide([said(*arguments, **more)])[0]


def test_students_own_example():
    found = one(SLEEP[1], SLEEP[0])
    assert found.effect == pytest.approx(1.58)
    # t.test(extra ~ group, paired = TRUE) of R's data set sleep, which is Student's.
    assert (found.low, found.high) == (pytest.approx(0.7001142), pytest.approx(2.4598858))
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert found.holds is True
    assert one(SLEEP[0], SLEEP[1]).holds is False
    assert found.texts() == {"effect": "+1.58", "interval": "+0.7 to +2.46", "least": "0.5"}


def test_holms_adjustment():
    # p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") in R.
    assert _holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert _holm([0.9, 0.8]) == [1.0, 1.0]


def test_statements_are_adjusted_together():
    alone = one(SLEEP[1], SLEEP[0])
    nothing = said((0.0, 1.0, -1.0), (0.0, 0.0, 0.0))
    together = decide([nothing] * 9 + [said(SLEEP[1], SLEEP[0])])
    assert together[-1].p == pytest.approx(10 * alone.p)
    assert (together[-1].low, together[-1].high) == (alone.low, alone.high)
    more = decide([nothing] * 19 + [said(SLEEP[1], SLEEP[0])])
    assert more[-1].p > 0.05 and more[-1].holds is None


@pytest.mark.parametrize(
    ("effects", "expected", "holds"),
    [
        # 2.776 (t, 97.5 %, 4) x 0.1581 / sqrt(5): the interval is 0.196 to each side.
        ((0.8, 0.9, 1.0, 1.1, 1.2), MORE, True),
        ((-0.8, -0.9, -1.0, -1.1, -1.2), MORE, False),
        ((-0.2, -0.1, 0.0, 0.1, 0.2), MORE, False),  # alike, which is not more
        ((0.1, 0.2, 0.3, 0.4, 0.5), MORE, False),  # more than nothing, less than counts
        ((0.2, 0.3, 0.4, 0.5, 0.6), MORE, None),  # as far as 0.596
        ((-4.0, -2.0, 0.0, 2.0, 4.0), MORE, None),
        ((-0.2, -0.1, 0.0, 0.1, 0.2), ALIKE, True),
        ((0.2, 0.3, 0.4, 0.5, 0.6), ALIKE, None),
        ((0.8, 0.9, 1.0, 1.1, 1.2), ALIKE, False),
        ((-0.8, -0.9, -1.0, -1.1, -1.2), ALIKE, False),
        ((-0.4, -0.3, -0.2, -0.1, 0.0), NO_LESS, True),  # down to -0.396
        ((0.8, 0.9, 1.0, 1.1, 1.2), NO_LESS, True),
        ((-0.6, -0.5, -0.4, -0.3, -0.2), NO_LESS, None),
        ((-0.8, -0.9, -1.0, -1.1, -1.2), NO_LESS, False),
        ((0.7, 0.7, 0.7), MORE, True),  # without any spread
        ((0.4, 0.4, 0.4), MORE, False),
        ((0.1 + 0.2, 0.3, 0.3), MORE, False),  # but for rounding
        ((0.0, 0.0), ALIKE, True),
        ((9.0,), MORE, None),  # a single pair decides nothing
        ((0.0,), ALIKE, None),
    ],
)
def test_what_is_found(effects, expected, holds):
    base = np.linspace(3, 9, len(effects))
    assert one(base + effects, base, expected=expected).holds is holds
    # From a number that is known.
    known = one(np.array(effects), (0.0,), expected=expected)
    assert known.holds is holds


def test_a_ratio_is_compared_by_its_logarithm():
    first, second = (1.2, 2.6, 3.3), (1.0, 2.0, 3.0)
    found = one(first, second, least=1.05, scale=RATIO)
    logs = np.log(np.array(first) / second)
    assert math.exp(found.effect) == pytest.approx((1.2 * 1.3 * 1.1) ** (1 / 3))
    wide = 4.302653 * logs.std(ddof=1) / math.sqrt(3)  # t, 97.5 %, 2 degrees of freedom
    assert found.high == pytest.approx(logs.mean() + wide, rel=1e-6)
    assert found.texts()["least"] == "1.05 times"
    assert one((1.0,), (0.5, 0.4, 0.45), least=1.0, scale=RATIO).texts()["least"] == "any"


def test_losses_that_float32_cannot_tell_from_none_are_alike():
    nothing, little = (0.0, 1e-9, 5e-8), (3e-8, 0.0, 0.0)
    found = one(nothing, little, least=1.1, expected=ALIKE, scale=RATIO)
    assert (found.effect, found.holds) == (0.0, True)
    # 2 to the power of -24, half of what is between 1 and the next float32.
    more = one((0.5, 0.5), (0.0, 0.0), least=1.1, scale=RATIO)
    assert (math.exp(more.effect), more.holds) == (pytest.approx(2.0**23), True)


def test_shares_are_written_in_points():
    found = one((0.91, 0.92, 0.93), (0.90, 0.90, 0.90), least=0.005, unit="%")
    assert found.texts()["effect"] == "+2.00 points"
    assert found.texts()["least"] == "0.50 points"
    assert one((0.9,), (0.8,), unit="%").texts()["interval"] == "none"


@pytest.mark.parametrize(
    ("first", "second", "scale", "words"),
    [
        ((1.0, 2.0), (1.0, 2.0, 3.0), "difference", "expected as many values of both, got 2 and 3"),
        ((1.0, 2.0), (-0.1, 2.0), RATIO, "expected no numbers below 0 for a ratio"),
    ],
)
def test_what_cannot_be_compared(first, second, scale, words):
    with pytest.raises(SpecError, match=words):
        one(first, second, scale=scale)


# --- how often it is wrong, and how often it sees what counts --------------------------------

# Statements of a claim, seeds, and the standard deviation of a difference by seed in smallest
# effects that count: of the hardest ones among the kept results (see test_experiments.py).
PLANS = [(3, 5, 0.83), (5, 5, 0.69), (4, 10, 1.27), (9, 10, 1.1)]


def simulated(rng, statements, seeds, deviation, effect):
    """A claim's findings: arms that share a seed's luck, the first of them better by ``effect``."""
    shared = rng.normal(0, 3, seeds)
    base = shared + rng.normal(0, deviation / math.sqrt(2), seeds)
    arms = shared + rng.normal(0, deviation / math.sqrt(2), (statements, seeds))
    arms[0] += effect
    return decide([said(arm, base, least=1.0) for arm in arms])


@pytest.mark.parametrize(("statements", "seeds", "deviation"), PLANS)
def test_without_an_effect_at_most_one_claim_in_seventeen_is_called_different(
    statements, seeds, deviation
):
    rng, runs = np.random.default_rng(statements), 2000
    wrong = adjusted = 0
    for _ in range(runs):
        found = simulated(rng, statements, seeds, deviation, 0.0)
        wrong += any(one.sign for one in found)
        adjusted += any(one.p <= 0.05 for one in found)
    assert wrong <= 0.06 * runs
    # Holm's promise by itself, whatever counts; it is not kept by testing nothing.
    assert 0.02 * runs < adjusted <= 0.06 * runs


@pytest.mark.parametrize(("statements", "seeds", "deviation"), PLANS)
def test_twice_the_smallest_effect_that_counts_is_found(statements, seeds, deviation):
    rng, runs = np.random.default_rng(seeds), 1000
    found = [simulated(rng, statements, seeds, deviation, 2.0)[0].holds for _ in range(runs)]
    assert found.count(True) >= 0.8 * runs
    assert found.count(False) <= 0.01 * runs
