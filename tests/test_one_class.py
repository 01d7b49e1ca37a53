"""One class against the rest: shares, intervals, both curves, and what evaluate says of them."""

import csv
import json
import math

import numpy as np
import pytest
from PIL import Image

from convlab import data, insight, pictures, training, viz
from convlab.errors import DataError, ShapeError, SpecError

RNG = np.random.default_rng(0)


def answers(count=200, ties=True):
    """Probabilities of a class, coarse so that some are equal, and which images are of it."""
    positive = RNG.random(count) < 0.3
    chances = (RNG.random(count) + positive) / 2
    return np.round(chances, 2 if ties else 12).astype(np.float32), positive


def wilson(part, whole, z=1.959963984540054):
    """Wilson 1927: the shares from which the measured one is z standard errors away."""
    share = part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * math.sqrt(share * (1 - share) / whole + (z / (2 * whole)) ** 2) / (1 + z * z / whole)
    return middle - half, middle + half


@pytest.mark.parametrize(("part", "whole"), [(0, 10), (10, 10), (69, 100), (1, 3), (895, 900)])
def test_intervals_are_wilson_s(part, whole):
    found = insight.Share(part, whole)
    assert found.value == part / whole
    np.testing.assert_allclose(found.interval, wilson(part, whole), atol=1e-9)


def test_nothing_has_no_share():
    assert insight.Share(0, 0).value is None
    assert insight.Share(0, 0).interval is None


@pytest.mark.parametrize("threshold", [0, 0.25, 0.5, 1])
def test_decisions_count_image_by_image(threshold):
    chances, positive = answers()
    found = insight.OneClass(chances, positive).at(threshold)
    table = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for chance, truth in zip(chances.tolist(), positive.tolist(), strict=True):
        table[chance >= threshold, truth] += 1
    called, other = table[True, True], table[True, False]
    missed, left = table[False, True], table[False, False]
    assert found.sensitivity == insight.Share(called, called + missed)
    assert found.specificity == insight.Share(left, left + other)
    assert found.positive_predictive_value == insight.Share(called, called + other)
    assert found.negative_predictive_value == insight.Share(left, left + missed)


@pytest.mark.parametrize("ties", [True, False])
def test_both_areas_are_those_of_their_definitions(ties):
    chances, positive = answers(ties=ties)
    found = insight.OneClass(chances, positive)
    pairs = chances[positive][:, None] - chances[~positive]
    assert found.area == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    # The precision at each image of the class, at its own probability.
    precisions = [positive[chances >= chance].mean() for chance in chances[positive]]
    assert found.average_precision == pytest.approx(np.mean(precisions))


def test_the_curves_pass_through_the_shares_at_their_thresholds():
    chances, positive = answers()
    found = insight.OneClass(chances, positive)
    rate, sensitivity, thresholds = found.roc()
    assert (rate[0], sensitivity[0], rate[-1], sensitivity[-1]) == (0, 0, 1, 1)
    for x, y, threshold in zip(rate[1:], sensitivity[1:], thresholds[1:], strict=True):
        called = chances >= threshold
        assert (x, y) == pytest.approx((called[~positive].mean(), called[positive].mean()))
    area = ((rate[1:] - rate[:-1]) * (sensitivity[1:] + sensitivity[:-1]) / 2).sum()
    assert area == pytest.approx(found.area)
    recall, precision, cuts = found.precision_recall()
    np.testing.assert_array_equal(cuts, np.unique(chances)[::-1])
    for x, y, cut in zip(recall, precision, cuts, strict=True):
        called = chances >= cut
        assert (x, y) == pytest.approx((called[positive].mean(), positive[called].mean()))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: insight.OneClass(np.ones(3), np.ones(3, bool)), DataError, "others, got 3 and 0"),
        (lambda: insight.OneClass(np.ones(3), np.zeros(3, bool)), DataError, "got 0 and 3"),
        (lambda: insight.OneClass(np.ones(3), np.zeros(2, bool)), ShapeError, "for each image"),
        (lambda: insight.OneClass(*answers()).at(1.5), SpecError, "from 0 to 1, got 1.5"),
        (lambda: viz.rate_curves([], title="t"), ShapeError, "at least one curve"),
        (
            lambda: viz.rate_curves([viz.RateCurve("c", "x", "y", [0, 1], [0], (0, 1))], title="t"),
            ShapeError,
            "c: expected two rows",
        ),
    ],
)
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()


# --- the commands ---------------------------------------------------------------------------


def test_evaluate_says_how_well_one_class_is_found(convlab, run):
    words = "evaluate", run, "--positive", "8", "--threshold", "0.2", "-o", "seen"
    table = convlab.works(*words)
    answer = json.loads(convlab.works(*words, "--json"))["positive"]
    _, test = data.load("digits")
    chances = training.load(run).evaluate(test).probabilities[:, 8]
    eight, called = test.labels == 8, chances >= 0.2
    assert answer["true positives"] == (called & eight).sum()
    assert answer["sensitivity"] == called[eight].mean()
    assert answer["specificity"] == (~called)[~eight].mean()
    assert answer["positive predictive value"] == eight[called].mean()
    expected = wilson((~called & ~eight).sum(), (~eight).sum())
    np.testing.assert_allclose(answer["specificity, interval"], expected, atol=1e-9)
    pairs = chances[eight][:, None] - chances[~eight]
    area = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert answer["area under the ROC curve"] == pytest.approx(area)
    assert answer["ROC curve"]["threshold"][0] is None
    assert f"8 against the rest, {eight.sum()} of 360 test images are of the class" in table
    assert f"{(called & eight).sum()} of {eight.sum()} " in table
    assert sorted(path.name for path in (convlab.folder / "seen").iterdir()) == [
        "confusion.csv",
        "confusion.png",
        "mistakes.png",
        "roc.png",
        "thresholds.csv",
    ]
    for row in csv.DictReader((convlab.folder / "seen" / "thresholds.csv").open()):
        called = chances >= float(row["threshold"])
        assert int(row["false positives"]) == (called & ~eight).sum()
        assert float(row["sensitivity"]) == pytest.approx(called[eight].mean())


def test_the_picture_says_its_numbers(convlab, run):
    convlab.works("render", "roc", run, "--positive", "8", "--json-file", "n.json")
    with Image.open(convlab.folder / "roc.png") as picture:
        assert picture.size == (1600, 900)
        assert "8 against the rest" in picture.info["Title"]
    found = json.loads((convlab.folder / "n.json").read_text())
    assert found["parameters"]["positive"] == "8"
    share = found["result"]["sensitivity"]
    assert f"{100 * share:.1f} %" in found["description"]


def test_a_threshold_that_nothing_is_below(convlab, run):
    """No image is called negative: that share has neither a value nor an interval."""
    lines = convlab.works("evaluate", run, "--positive", "8", "--threshold", 0).splitlines()
    (none,) = [line for line in lines if line.startswith("  negative predictive value")]
    assert none.split()[3:] == ["none", "0", "of", "0"]


def test_what_evaluate_and_roc_refuse(convlab, run, monkeypatch):
    expected = "positive: expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, got "
    assert convlab.fails("evaluate", run, "--positive", "cat") == f"{expected}'cat'"
    assert convlab.fails("render", "roc", run, "--positive", "") == f"{expected}''"
    assert "expected --positive" in convlab.misused("evaluate", run, "--threshold", 0.5)
    assert "1.5" in convlab.misused("render", "roc", run, "--positive", 8, "--threshold", 1.5)
    assert "Missing option '--positive'" in convlab.misused("render", "roc", run)
    assert list(convlab.folder.iterdir()) == []
    monkeypatch.setattr(training.Run, "evaluate", None)  # a wrong class is said before the work
    with pytest.raises(SpecError, match="^positive: expected one of 0, 1"):
        pictures.roc(run, "cat")
