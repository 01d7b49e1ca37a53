"""Sweeps: what is tried, what is chosen, and the table, picture and files of it."""

import csv
import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from convlab import viz
from convlab.errors import ShapeError, SpecError
from convlab.experiments import sweep
from convlab.experiments.sweep import Sweep, Swept, parse_grid
from convlab.experiments.trials import Done


def test_values_as_they_are_typed():
    texts = ("lr=0.01, 0.02", "batch-size=32,64", "augment=none;shift=2,rotate=15", "optimizer=sgd")
    assert parse_grid((*texts, "patience=3")) == {
        "rate": (0.01, 0.02),
        "batch_size": (32, 64),
        "augment": ("none", "shift=2,rotate=15"),
        "optimizer": ("sgd",),
        "patience": (3,),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr", "expected NAME=VALUE,VALUE with a name among augment, batch-size, .*, got 'lr'"),
        ("batchsize=3", "did you mean batch-size"),
        ("seed=3", "got 'seed=3'"),
        ("lr=0.1,fast", "lr: expected a number, got 'fast'"),
        ("epochs=1.5", "epochs: expected a whole number, got '1.5'"),
        ("optimizer=", "optimizer: expected a value, got ''"),
        ("lr=0.1,0.1", "expected each value of lr once"),
    ],
)
def test_what_cannot_be_typed(text, said):
    with pytest.raises(SpecError, match=said):
        parse_grid([text])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"grid": {"optimizer": ("sgd", "adm")}}, "did you mean adam"),
        ({"grid": {"epochs": (1, 2)}, "halving": True}, "expected one number of epochs"),
        ({"seeds": 0}, "seeds: expected 1 to 1000, got 0"),
        (
            {"grid": {"rate": tuple(range(1, 300)), "limit": tuple(range(2, 300))}},
            "at most 100,000",
        ),
        ({"model": "lenet"}, "did you mean lenet5"),
    ],
)
def test_what_is_refused_before_anything_is_trained(settings, said):
    with pytest.raises(SpecError, match=said):
        Sweep(**settings)


def test_trials_are_every_combination_and_seed(tmp_path):
    some = Sweep("dense", "digits", {"rate": (0.1, 0.2), "limit": (5,)}, seeds=2)
    assert some.combinations == [{"rate": 0.1, "limit": 5}, {"rate": 0.2, "limit": 5}]
    trials = some.trials(tmp_path, 7)
    assert [(t["rate"], t["seed"]) for t in trials.trials] == [
        (rate, seed) for rate in (0.1, 0.2) for seed in (0, 1)
    ]
    assert {t["epochs"] for t in trials.trials} == {7}
    assert trials.texts() == ["0.1, seed 0", "0.1, seed 1", "0.2, seed 0", "0.2, seed 1"]
    several = Sweep("dense", "digits", {"epochs": (1, 2)}, seeds=1).trials(tmp_path, 7).trials
    assert [t["epochs"] for t in several] == [1, 2]


def record(rate, seed, right, epochs=8, **others):
    """The record of a training whose test accuracy is a tenth lower."""
    found = {"rate": rate, "epochs": epochs, "seed": seed, **others}
    if right is None:
        return found | {"diverged": "the loss is nan"}
    return found | {"validation_accuracy": right, "test_accuracy": right - 0.1}


def test_halving_keeps_the_better_half_and_doubles_the_epochs():
    rates = (0.1, 0.2, 0.3, 0.4, 0.5)
    some = Sweep("dense", "digits", {"rate": rates, "epochs": (8,)}, seeds=2, halving=True)
    assert some.epochs == [2, 4, 8]
    means = dict(zip(rates, (0.5, None, 0.7, 0.9, 0.6), strict=True))
    records = [record(rate, seed, means[rate], 2) for rate in rates for seed in (0, 1)]
    done = [Done(one, False, 1.0, {}, number) for number, one in enumerate(records)]
    left = some.better_half(done[::-1])
    assert [each["rate"] for each in left] == [0.3, 0.4, 0.5]
    assert [t["rate"] for t in some.trials(Path(), 4, left).trials] == [
        0.3,
        0.3,
        0.4,
        0.4,
        0.5,
        0.5,
    ]
    assert {t["epochs"] for t in some.trials(Path(), 4, left).trials} == {4}
    last = [
        record(rate, seed, right, 8) for rate, right in ((0.3, 0.7), (0.4, 0.65)) for seed in "ab"
    ]
    early = [*records, *(record(0.5, seed, 0.99, 4) for seed in (0, 1))]
    found = Swept(some, (*early, *last), 1.0)
    assert [row["epochs"] for row in found.rows] == [2, 2, 8, 8, 4]
    assert found.best["rate"] == 0.3  # 0.5 had more, after fewer epochs


def test_the_validation_images_choose_and_the_interval_is_student_s():
    values = {0.1: (0.8, 0.9, 0.7), 0.2: (0.85, 0.95, 0.9), 0.3: (None, 0.99, 0.99)}
    records = [
        record(rate, seed, right)
        for rate, rights in values.items()
        for seed, right in enumerate(rights)
    ]
    found = Swept(Sweep("dense", "digits", {"rate": tuple(values)}, seeds=3), tuple(records), 4.0)
    best = found.best
    assert best["rate"] == 0.2  # 0.3 diverges for one seed in three
    test = [value - 0.1 for value in values[0.2]]
    half = stats.t.ppf(0.975, 2) * statistics.stdev(test) / math.sqrt(3)
    assert (best["low"], best["high"]) == pytest.approx(
        (statistics.fmean(test) - half, statistics.fmean(test) + half)
    )
    head, *rows = found.table.cells()
    assert head == ["lr", "validation accuracy", "test accuracy", "95 % interval", "diverged"]
    assert rows[1] == ["0.2", "90.0 ± 5.0 %", "80.0 ± 5.0 %", "67.6 to 92.4 %", "0"]
    assert [row[-1] for row in rows] == ["0", "0", "1"]
    plain = list(csv.DictReader(found.csv().decode().splitlines()))
    assert [row["lr"] for row in plain] == ["0.1", "0.2", "0.3"]
    assert float(plain[1]["test_accuracy"]) == pytest.approx(0.8)
    assert found.to_dict()["best"]["lr"] == 0.2
    nothing = Swept(Sweep("dense", grid={"rate": (1.0,)}, seeds=1), (record(1.0, 0, None),), 1.0)
    assert nothing.best is None and "All trainings diverged" in nothing.verdict


GRID = {"rate": (0.01, 0.02, 0.1), "batch_size": (16, 32)}


def swept(grid, halving=False):
    """What a sweep found whose accuracies rise from one combination to the next."""
    some = Sweep("dense", "digits", grid, seeds=3, halving=halving)
    records = [
        {**each, **record(each.get("rate", 0.1), seed, 0.5 + at / 20 + seed / 50)}
        for at, each in enumerate(some.combinations)
        for seed in range(3)
    ]
    return Swept(some, tuple(records), 1.0)


@pytest.mark.parametrize("size", ["slide", "small", "paper"])
@pytest.mark.parametrize(
    ("grid", "halving"),
    [
        (GRID, False),
        (GRID, True),
        ({"rate": (0.01, 0.02, 0.1)}, False),
        ({"rate": (0.1,)}, False),
        ({"optimizer": ("sgd", "adam")}, False),
        ({**GRID, "optimizer": ("sgd", "adam")}, False),
    ],
    ids=["cells", "halving", "lines", "one", "words", "three"],
)
def test_every_picture_is_legible(grid, halving, size, assert_legible):
    figure = swept(grid, halving).figure(size=size)
    assert_legible(figure, size)


def test_a_cell_has_the_mean_of_its_pair():
    found = swept(GRID)
    figure = found.figure()
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    # By hand: 50 % + 5 % a step, and the mean of 0, 2 and 4 % by the seeds.
    assert [t for t in texts if t in {f"{52 + 5 * at:.1f}" for at in range(6)}] == [
        f"{52 + 5 * at:.1f}" for at in range(6)
    ]
    heads = {"rows": ("a", ["1"]), "columns": ("b", ["1", "2"]), "label": "y"}
    with pytest.raises(ShapeError, match="expected values and texts of 1 x 2 cells, got"):
        viz.measured_cells(np.zeros((2, 2)), ["a"] * 4, **heads)
    with pytest.raises(ShapeError, match="at most 24 values of a setting, got 25"):
        heads["columns"] = ("b", ["1"] * 25)
        viz.measured_cells(np.zeros((1, 25)), ["a"] * 25, **heads)


def test_a_loss_that_overflows_is_a_result():
    trial = {"model": "dense", "data": "digits", "epochs": 1, "limit": 20, "rate": 1e30, "seed": 0}
    assert sweep.measure(trial)["diverged"].startswith("the loss is ")


def test_the_command(convlab):
    words = ("sweep", "dense", "--set", "lr=0.01,0.05", "--set", "limit=6", "--set", "epochs=2")
    words += ("--seeds", 2, "-o", "s")
    done = convlab(*words, "--jobs", 2, "--json", PYTHONUNBUFFERED=1)
    assert done.status == 0, done
    found = json.loads(done.out)
    assert [row["lr"] for row in found["rows"]] == [0.01, 0.05]
    assert len(found["records"]) == 4 and found["best"]["lr"] in (0.01, 0.05)
    kept = json.loads((convlab.folder / "s/sweep.json").read_text())
    assert kept["rows"] == found["rows"]
    assert (convlab.folder / "s/sweep.csv").read_text().startswith("lr,limit,epochs,")
    assert (convlab.folder / "s/sweep.png").read_bytes().startswith(b"\x89PNG")
    again = convlab(*words, "--quiet")
    assert again.out.splitlines()[-2].endswith(" s now") and "4 of them kept" in again.out
    assert convlab.fails("sweep", "--set", "speed=3").startswith("set: expected NAME=VALUE,VALUE")
