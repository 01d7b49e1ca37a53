"""Experiments: the framework on tiny trials, each verdict both ways, and all of them run."""

import dataclasses
import json
import math
import re
import signal
import statistics
from pathlib import Path

import numpy as np
import pytest

from convlab import data, experiments, training, viz
from convlab.errors import DataError, RunError, ShapeError, SpecError
from convlab.experiments import (
    Column,
    Design,
    Experiment,
    Spread,
    Table,
    Verdict,
    compare,
    learning,
)


def by(records, key, **wanted):
    """The figure ``key`` of the records whose settings are as wanted, as an array."""
    found = [r[key] for r in records if all(r[name] == value for name, value in wanted.items())]
    assert found, wanted
    return np.array(found)


def above(one, two):
    """Whether the mean of one is above two's: True, False, or None where the spreads meet."""
    difference = one.mean() - two.mean()
    if abs(difference) <= sum(v.std(ddof=1) if len(v) > 1 else 0.0 for v in (one, two)):
        return None
    return bool(difference > 0)


def all_of(answers):
    """True where all are, False where one is, else None."""
    answers = list(answers)
    return False if False in answers else None if None in answers else True


# --- whether each claim holds, from the raw records alone ----------------------------------


def dense_vs_conv(records):
    names = {record["network"] for record in records} - {"LeNet-5"}
    conv = by(records, "test_accuracy", network="LeNet-5")
    return all_of(above(conv, by(records, "test_accuracy", network=name)) for name in names)


def structure(records):
    def permuted(name):
        pixels = ("permuted", "in their order")
        return above(*(by(records, "test_accuracy", network=name, pixels=p) for p in pixels))

    if permuted("dense") is not None:
        return False
    return {True: False, False: True, None: None}[permuted("convolutional")]


def early_stopping(records):
    whole, stopped = ({"policy": policy} for policy in ("to the end", "patience 5"))
    epochs = [by(records, "epochs_trained", **policy).mean() for policy in (stopped, whole)]
    right = [by(records, "last_accuracy", **policy) for policy in (stopped, whole)]
    return bool(epochs[0] < epochs[1] and above(*right) is not False)


def transfer(records):
    few = min(record["per_class"] for record in records)
    return all_of(
        above(
            *(
                by(records, "test_accuracy", before=before, after=after, per_class=few, method=m)
                for m in ("frozen", "from scratch")
            )
        )
        for before, after in {(record["before"], record["after"]) for record in records}
    )


def translation(records):
    def far(name, trained):
        return by(records, "by_shift", network=name, trained=trained)[:, -1]

    names, ways = ("dense", "convolution", "global pooling"), ("as they are", "shifted")
    plain = [far(name, "as they are") for name in names]
    steps = [above(plain[1], plain[0]), above(plain[2], plain[1])]
    steps += [above(*(far(name, way) for way in ways[::-1])) for name in names]
    return all_of(steps)


def pooling(records):
    runs = [record["step_seconds"] for record in records if "step_seconds" in record]
    trained = [record for record in records if "shifted_accuracy" in record]
    best = by(trained, "shifted_accuracy", network="max pooling")
    others = {record["network"] for record in trained} - {"max pooling"}
    slower = np.array([run["no pooling"] / run["max pooling"] for run in runs])
    return all_of(
        [
            above(slower, np.ones(1)),
            *(above(best, by(trained, "shifted_accuracy", network=name)) for name in others),
        ]
    )


def stacked_kernels(records):
    runs = [record["step_seconds"] for record in records if "step_seconds" in record]
    trained = [record for record in records if "field" in record]
    answers = []
    for one, stack in (
        ("one 5 × 5", "two 3 × 3"),
        ("one 7 × 7", "three 3 × 3"),
        ("one 9 × 9", "four 3 × 3"),
    ):
        fields, products = (
            [by(trained, key, block=block).mean() for block in (one, stack)]
            for key in ("field", "block_multiply_adds")
        )
        answers.append(bool(fields[0] == fields[1] and products[0] > products[1]))
        answers.append(above(np.ones(1), np.array([run[stack] / run[one] for run in runs])))
        right = [by(trained, "test_accuracy", block=block) for block in (one, stack)]
        answers.append(above(*right) is not True)
    return all_of(answers)


def lenet_1998(records):
    names = "+ input of today", "as published"
    return above(*(by(records, "test_accuracy", network=name) for name in names))


def depth(records):
    answers = [
        above(*(by(records, "test_accuracy", layers=layers, budget=budget) for layers in (4, 1)))
        for budget in range(3)
    ]
    return False if False in answers else answers[-1]


def activation(records):
    runs = [record["step_seconds"] for record in records if "step_seconds" in record]
    trained = [record for record in records if "loss_by_epoch" in record]

    def best(name):
        """(epochs, seeds) at the rate with the lowest loss in the end."""
        rates = {record["rate"] for record in trained}
        last = [
            by(trained, "train_loss", activation=name, rate=rate).mean() for rate in sorted(rates)
        ]
        rate = sorted(rates)[int(np.argmin(last))]
        return by(trained, "loss_by_epoch", activation=name, rate=rate).T

    names = ("ReLU", "tanh", "sigmoid")
    cost = {name: np.mean([run[name] / run["ReLU"] for run in runs]) for name in names}
    curves = {name: best(name) for name in names}
    epochs = len(curves["ReLU"])
    longest = epochs * min(cost.values())
    in_time = {
        name: np.array(
            [np.interp(longest, cost[name] * (np.arange(epochs) + 1), one) for one in curve.T]
        )
        for name, curve in curves.items()
    }
    return all_of(
        answer
        for name in names[1:]
        for answer in (
            above(curves[name][-1], curves["ReLU"][-1]),
            above(in_time[name], in_time["ReLU"]),
        )
    )


def batch_size(records):
    trained = [record for record in records if "gap" in record]

    def holds(fixed):
        def of(key, size):
            return by(trained, key, fixed=fixed, batch_size=size)

        return [
            above(of("train_loss", 256), of("train_loss", 4)),
            above(of("gap", 4), of("gap", 256)),
        ]

    epochs, updates = holds("epochs"), holds("updates")
    if False in epochs or (epochs == [True, True] and False in updates):
        return False
    return True if epochs == updates == [True, True] else None


def dropout(records):
    trained = [record for record in records if "gap" in record]

    def rises(key, amount):
        return above(*(by(trained, key, amount=amount, dropout=rate) for rate in (0.5, 0.0)))

    falls = [
        None if answer is None else not answer
        for answer in (rises("gap", "little"), rises("test_loss", "little"))
    ]
    return all_of([*falls, rises("train_loss", "much")])


def augmentation(records):
    def helps(source, changes):
        ways = (changes, "as they are")
        return above(*(by(records, "test_accuracy", data=source, changes=w) for w in ways))

    answers = []
    for source in {record["data"] for record in records}:
        answers += [helps(source, "shifted"), helps(source, "rotated")]
        flipped = helps(source, "flipped")
        is_good = source == "cats and dogs"
        answers.append(None if flipped is None else flipped is is_good)
    return all_of(answers)


def learn_an_edge(records):
    answers = []
    for source, kernel in {(record["pictures"], record["kernel"]) for record in records}:
        ends = by(records, "distance", pictures=source, kernel=kernel)
        answers.append(above(np.array([0.01]), ends))
    return all_of(answers)


CHECKS = {
    "dense-vs-conv": dense_vs_conv,
    "structure": structure,
    "pooling": pooling,
    "stacked-kernels": stacked_kernels,
    "lenet-1998": lenet_1998,
    "depth": depth,
    "activation": activation,
    "batch-size": batch_size,
    "dropout": dropout,
    "augmentation": augmentation,
    "early-stopping": early_stopping,
    "transfer": transfer,
    "translation": translation,
    "learn-an-edge": learn_an_edge,
}


# --- the framework --------------------------------------------------------------------------


def tiny(measure, seeds=3):
    """An experiment whose trials cost nothing."""
    trials = tuple({"network": name, "seed": s} for name in ("a", "b") for s in range(seeds))

    def table(records):
        rows = tuple(
            {"network": name, "x": Spread.of([r for r in records if r["network"] == name], "x")}
            for name in ("a", "b")
        )
        return Table((Column("network", "network"), Column("x", "value", "%")), rows)

    def verdict(table):
        sign = compare(table.rows[0]["x"], table.rows[1]["x"]).sign
        return Verdict({1: True, -1: False, 0: None}[sign], "a and b.")

    design = Design(("nothing", "more"), trials)
    return Experiment("tiny", "Tiny", "a is more.", design, design, measure, table, verdict, None)


def test_what_was_measured_is_not_measured_again(tmp_path):
    asked = []

    def measure(trial):
        asked.append((trial["network"], trial["seed"]))
        return {"x": trial["seed"] / 10 + (trial["network"] == "a"), "curve": [1, 2]}

    experiment = tiny(measure)
    first = list(experiments.run(experiment, "quick", tmp_path))
    again = list(experiments.run(experiment, "quick", tmp_path))
    assert asked == [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2)]
    assert [one.record for one in again] == [one.record for one in first]
    assert [one.kept for one in first + again] == [False] * 6 + [True] * 6
    assert first[1].record == {"network": "a", "seed": 1, "x": 1.1, "curve": [1, 2]}
    assert again[0].seconds == first[0].seconds
    other = dataclasses.replace(experiment, name="other")
    assert not any(one.kept for one in experiments.run(other, "quick", tmp_path))


def test_one_more_seed_measures_what_is_new_alone(tmp_path):
    list(experiments.run(tiny(lambda trial: {"x": 1}, seeds=2), "quick", tmp_path))
    more = list(experiments.run(tiny(lambda trial: {"x": 1}, seeds=3), "quick", tmp_path))
    assert [one.kept for one in more] == [True, True, False] * 2


def test_an_interrupted_trial_is_the_only_one_lost(tmp_path):
    def measure(trial):
        if trial["network"] == "b":
            raise KeyboardInterrupt
        return {"x": 1}

    done = []
    with pytest.raises(KeyboardInterrupt):
        for one in experiments.run(tiny(measure), "quick", tmp_path):
            done.append(one)
    assert len(done) == 3
    rest = list(experiments.run(tiny(lambda trial: {"x": 1}), "quick", tmp_path))
    assert [one.kept for one in rest] == [True] * 3 + [False] * 3
    assert len(list((tmp_path / "trials").iterdir())) == 6


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"figures": 3, "seconds": 1}', b"\xff"])
def test_a_damaged_result_is_named(tmp_path, content):
    experiment = tiny(lambda trial: {"x": 1})
    list(experiments.run(experiment, "quick", tmp_path))
    path = min((tmp_path / "trials").iterdir())
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"{path.name}: expected the figures of a trial.*delete"):
        list(experiments.run(experiment, "quick", tmp_path))


def test_a_second_process_in_the_folder_costs_no_result(tmp_path):
    def measure(trial):
        # What one that is stopped before its first result does to the folder.
        if trial == {"network": "a", "seed": 0}:
            (tmp_path / "out" / "trials").rmdir()
            (tmp_path / "out").rmdir()
        return {"x": 1}

    first = list(experiments.run(tiny(measure), "quick", tmp_path / "out"))
    again = list(experiments.run(tiny(measure), "quick", tmp_path / "out"))
    assert [one.kept for one in first + again] == [False] * 6 + [True] * 6


def test_an_experiment_without_its_data_leaves_no_folder(tmp_path):
    def measure(trial):
        raise DataError("expected data, found none")

    with pytest.raises(DataError):
        list(experiments.run(tiny(measure), "quick", tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file: cannot be made"):
        list(experiments.run(tiny(lambda trial: {}), "quick", tmp_path / "file"))


def test_mean_and_spread_by_hand():
    # Mean 5 and a sum of squares of 32 over 7 (Wikipedia's example of a standard deviation,
    # there of the population).
    spread = Spread((2, 4, 4, 4, 5, 5, 7, 9))
    assert spread.mean == 5
    assert spread.deviation == pytest.approx(math.sqrt(32 / 7))
    assert Spread((0.25,)).deviation == 0
    assert Spread((0.9, 0.92)).text("%") == "91.0 ± 1.4 %"
    assert Spread((0.9,)).text("%") == "90.0 %"
    assert Spread((0.9000, 0.9004)).text("%") == "90.02 ± 0.03 %"
    assert Spread((-0.25, -0.35)).text() == "−0.300 ± 0.071"
    assert Spread((12.0, 14.0)).text("seconds") == "13.0 ± 1.4 s"
    assert Spread((3.0, 3.0)).text() == "3.0 ± 0.0"


@pytest.mark.parametrize(
    ("first", "second", "sign"),
    [
        ((0.9, 0.92), (0.8, 0.82), 1),
        ((0.8, 0.82), (0.9, 0.92), -1),
        ((0.9, 0.92), (0.91, 0.93), 0),  # deviations of 0.014 each, means 0.01 apart
        ((0.90, 0.94), (0.95, 0.99), 0),  # 0.028 each, 0.05 apart
        ((0.90, 0.94), (0.97, 1.00), -1),  # 0.028 and 0.021, 0.065 apart
        ((0.5,), (0.5,), 0),
        ((0.5,), (0.4,), 1),
    ],
)
def test_a_difference_counts_where_the_spreads_do_not_meet(first, second, sign):
    found = compare(Spread(first), Spread(second))
    assert found.sign == sign
    assert found.of_means == pytest.approx(np.mean(first) - np.mean(second))


def test_a_table_as_text():
    columns = (
        Column("name", "network"),
        Column("count", "weights", "count"),
        Column("share", "right", "%"),
    )
    table = Table(
        columns,
        (
            {"name": "one", "count": 61706, "share": Spread((0.5, 0.5)), "more": 3},
            {"name": "another", "count": None, "share": 0.123},
        ),
    )
    assert table.lines() == [
        "network  weights         right",
        "one       61,706  50.0 ± 0.0 %",
        "another        –        12.3 %",
    ]
    assert table.row(name="one")["more"] == 3
    with pytest.raises(SpecError, match="expected one row with {'name': 'none'}, got 0"):
        table.row(name="none")
    with pytest.raises(SpecError, match="unit of text, count, %, number, seconds, got 'px'"):
        Column("a", "b", "px")


# --- each verdict, both ways ----------------------------------------------------------------


def records_of(accuracies, **more):
    """Records (network, three seeds) with accuracies around those given by network."""
    return [
        {
            "network": name,
            "seed": seed,
            "test_accuracy": accuracy + 0.001 * (seed - 1),
            "test_loss": 1 - accuracy,
            "parameters": 1000,
            "multiply_adds": 2000,
            **more,
        }
        for name, accuracy in accuracies.items()
        for seed in range(3)
    ]


def answer(name, records):
    """The verdict of an experiment for records; it agrees with the check from raw records."""
    experiment = experiments.find(name)
    verdict = experiment.verdict(experiment.table(records))
    assert verdict.holds is CHECKS[name](records)
    return verdict


@pytest.mark.parametrize(
    ("conv", "dense", "holds", "words"),
    [
        (0.95, 0.90, True, "wins against every dense network"),
        (0.90, 0.95, False, "Not here, a dense network does better"),
        (0.9005, 0.90, None, "Undecided"),
    ],
)
def test_dense_vs_conv(conv, dense, holds, words):
    names = ("dense, same parameters", "dense, same multiply-adds", "dense 300-100")
    records = records_of({"LeNet-5": conv, **dict.fromkeys(names, dense)})
    verdict = answer("dense-vs-conv", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"{100 * conv:.1f} ± 0.1 %" in verdict.text


@pytest.mark.parametrize(
    ("dense", "conv", "holds", "words"),
    [
        ((0.95, 0.9505), (0.97, 0.90), True, "convolutional loses (97.0 ± 0.1 %, permuted 90.0"),
        ((0.95, 0.90), (0.97, 0.90), False, "the permutation matters to the dense network"),
        ((0.90, 0.95), (0.97, 0.90), False, "dense gains"),
        ((0.95, 0.95), (0.90, 0.97), False, "convolution does better on permuted pixels"),
        ((0.95, 0.95), (0.97, 0.9695), None, "Undecided, convolution does not clearly lose"),
    ],
)
def test_structure(dense, conv, holds, words):
    records = [
        record
        for at, pixels in enumerate(("in their order", "permuted"))
        for record in records_of({"dense": dense[at], "convolutional": conv[at]}, pixels=pixels)
    ]
    verdict = answer("structure", records)
    assert verdict.holds is holds
    assert words in verdict.text


@pytest.mark.parametrize(
    ("epochs", "accuracies", "holds", "words"),
    [
        ((40, 12), (0.94, 0.9405), True, "saves epochs and costs no accuracy beyond the spread"),
        ((40, 12), (0.94, 0.96), True, "saves epochs and gains accuracy"),
        ((40, 12), (0.94, 0.92), False, "Not here, stopping costs accuracy"),
        ((40, 40), (0.94, 0.94), False, "Not here, nothing is saved"),
    ],
)
def test_early_stopping(epochs, accuracies, holds, words):
    records = []
    for policy, at in (("to the end", 0), ("patience 5", 1), ("patience 2", 1)):
        for seed in (-1, 0, 1):
            last = accuracies[at] + 0.001 * seed
            figures = {"epochs_trained": epochs[at], "last_accuracy": last, "last_loss": 0.2}
            records.append({"policy": policy, "test_accuracy": last, **figures})
    verdict = answer("early-stopping", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"after {epochs[1]}.0 of {epochs[0]} epochs" in verdict.text


@pytest.mark.parametrize(
    ("frozen", "scratch", "holds", "words"),
    [
        ([0.8, 0.8], [0.7, 0.6], True, "help where pictures are few"),
        ([0.8, 0.65], [0.7, 0.65], None, "Undecided"),
        ([0.8, 0.6], [0.7, 0.65], False, "Not here, from scratch does better"),
    ],
)
def test_transfer(frozen, scratch, holds, words):
    """Two ways, each with few and with many pictures: those with many do not decide."""
    records = []
    for way in (0, 1):
        accuracy = {"frozen": frozen[way], "fine-tuned": 0.75, "from scratch": scratch[way]}
        for few, more in ((10, 0.0), (30, 0.1)):
            here = {name: v if few == 10 else 0.8 + more for name, v in accuracy.items()}
            for record in records_of(here, trained_parameters=7, per_class=few):
                method = record.pop("network")
                before, after = ("A", "B")[:: 1 - 2 * way]
                records.append({**record, "method": method, "before": before, "after": after})
    verdict = answer("transfer", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"A → B with 10 pictures a class: frozen {100 * frozen[0]:.1f} ± 0.1 %" in verdict.text


@pytest.mark.parametrize(
    ("plain", "taught", "holds", "words"),
    [
        ((0.1, 0.3, 0.6), (0.5, 0.8, 0.9), True, "Convolution helps, global pooling and shifted"),
        ((0.1, 0.1, 0.6), (0.5, 0.8, 0.9), None, "Undecided"),
        ((0.1, 0.05, 0.6), (0.5, 0.8, 0.9), False, "convolution alone is no help at 6 pixels"),
        ((0.1, 0.3, 0.6), (0.5, 0.8, 0.5), False, "one of them makes it worse"),
    ],
)
def test_translation(plain, taught, holds, words):
    names = ("dense", "convolution", "global pooling")
    records = []
    for trained, far in (("as they are", plain), ("shifted", taught)):
        for record in records_of(dict(zip(names, far, strict=True)), trained=trained, reach=6):
            by_shift = np.linspace(0.95, record["test_accuracy"], 7).tolist()
            records.append({**record, "by_shift": by_shift})
    verdict = answer("translation", records)
    assert verdict.holds is holds
    assert words in verdict.text


# --- what they measure with -----------------------------------------------------------------


def test_permuted_images_have_the_same_pixels_in_one_other_order():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 3, 4, 6), dtype=np.uint8)
    dataset = data.Dataset("few", "train", images, np.arange(5), tuple("abcde"))
    other = learning.permuted(dataset, 3)
    flat, moved = images.reshape(5, 3, 24), other.images.reshape(5, 3, 24)
    # Where each pixel has gone, found from all images and channels at once.
    columns = {flat[..., at].tobytes(): at for at in range(24)}
    order = [columns[moved[..., at].tobytes()] for at in range(24)]
    assert sorted(order) == list(range(24)) and order != list(range(24))
    again = learning.permuted(dataset, 3).images
    assert np.array_equal(again, other.images)
    assert not np.array_equal(learning.permuted(dataset, 4).images, other.images)


def test_chosen_classes_and_images():
    images = np.arange(1, 13, dtype=np.uint8).reshape(1, 1, 3, 4).repeat(3, axis=0)
    dataset = data.Dataset("few", "train", images, np.array([2, 0, 1]), tuple("abc"))
    part = learning.of_classes(dataset, [2, 1])
    assert (part.labels.tolist(), part.classes) == ([0, 1], ("c", "b"))
    assert len(learning.first(dataset, 2)) == 2


def test_networks_as_texts_cost_what_they_should():
    # Géron's dense network: 784 * 300 + 300 * 100 + 100 * 10 products, and 410 biases.
    assert learning.costs(learning.dense(300, 100)) == (266_610, 266_200)
    # 3 x 3 kernels over 28, 14 and 7 squared places, then 7 * 7 * 32 numbers to 10.
    parameters = 8 * 10 + 16 * 73 + 32 * 145 + 10 * 1569
    products = 784 * 8 * 9 + 196 * 16 * 72 + 49 * 32 * 144 + 15_680
    assert learning.costs(learning.three_convolutions()) == (parameters, products)


def test_weights_of_another_training_and_the_last_ones():
    trial = {"spec": learning.dense(4), "limit": 3, "validation": 0.4, "epochs": 3, "rate": 0.01}
    begun = learning.train(trial, last=True)
    assert learning.settings_of(trial).epochs == 3
    assert begun.progress.epoch == 3
    state = begun.network.state_dict()
    network = training.prepare(training.Settings(limit=3)).network
    assert network.name == "lenet5"
    other = learning.train(trial | {"rate": 0.0}, weights=state, last=True)
    # At a rate of 0 nothing moves but by chance's first weights, which were taken over.
    assert all(np.array_equal(state[k], v) for k, v in other.network.state_dict().items())


# --- their pictures -------------------------------------------------------------------------

TEXTS = {
    "title": "What does it do to a network?",
    "verdict": "Not here, it does not: one has 96.3 ± 0.6 %, the other 95.7 ± 1.0 %, and " * 2,
    "note": "1,797 digits, 8 epochs, 3 seeds; mean ± standard deviation over the seeds.",
}


@pytest.mark.parametrize("size", viz.SIZES)
@pytest.mark.parametrize("theme", viz.THEMES)
def test_rows_are_legible(assert_legible, size, theme):
    rows = [
        viz.MeasuredRow(f"network {n}", [0.9 + 0.01 * n, 0.91, 0.97], ("1,234", "567,890"), group)
        for group in ("dense", "a group of a longer name")
        for n in range(3)
    ]
    figure = viz.measured_rows(
        rows,
        label="accuracy on the test set",
        headings=("parameters", "multiply-adds"),
        reference=(0.9905, "published: 99.05 %"),
        **TEXTS,
        size=size,
        theme=theme,
    )
    assert_legible(figure, size)


@pytest.mark.parametrize("size", viz.SIZES)
@pytest.mark.parametrize("theme", viz.THEMES)
def test_lines_are_legible(assert_legible, size, theme):
    places = list(range(1, 41))
    lines = [
        viz.MeasuredLine(
            f"the line of number {n}", places, [[n / p, 0.1 + n / p] for p in places], role, n > 2
        )
        for n, role in enumerate(("output", "input", "window", "mistake", "quiet", "ink"))
    ]
    figure = viz.measured_lines(
        lines,
        x_label="epoch",
        y_label="loss",
        unit="number",
        marks=[(12.3, "patience 2 stops: 91.9 ± 2.1 %"), (13.0, "patience 5 stops: 94.0 ± 2.0 %")],
        **TEXTS,
        size=size,
        theme=theme,
    )
    assert_legible(figure, size)


@pytest.mark.parametrize("values", [[[0.5]], [[0.5], [0.5]], [[0.2, 0.9], [math.nan, 0.9]]])
@pytest.mark.parametrize("unit", ["%", "number", "seconds"])
def test_few_values_make_a_picture(assert_legible, values, unit):
    places = [10, 300][: len(values)]
    line = viz.MeasuredLine("line", places, values)
    look = {"x_label": "x", "y_label": "y", "unit": unit, "logarithmic": True}
    assert_legible(viz.measured_lines([line], **look, **TEXTS), "slide")
    rows = [viz.MeasuredRow("row", value) for value in values]
    assert_legible(viz.measured_rows(rows, label="y", unit=unit, **TEXTS), "slide")


def test_the_dots_stand_where_the_means_are():
    rows = [viz.MeasuredRow(n, v) for n, v in (("a", [0.2, 0.4]), ("b", [0.6]), ("c", [0.9]))]
    figure = viz.measured_rows(rows, label="y", **TEXTS)
    marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() == "o"]
    solid = [m for m in marks if m.get_markerfacecolor() == m.get_markeredgecolor()]
    at = [mark.get_xdata()[0] for mark in solid]
    assert len(at) == 3
    assert (at[1] - at[0]) / (at[2] - at[0]) == pytest.approx((0.6 - 0.3) / (0.9 - 0.3))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: viz.measured_rows([], label="y", **TEXTS), "at least one row"),
        (lambda: viz.measured_rows([viz.MeasuredRow("a", [])], label="y", **TEXTS), "value of a"),
        (
            lambda: viz.measured_rows([viz.MeasuredRow("a", [1], ("b",))], label="y", **TEXTS),
            "expected 0 notes of a, one a heading, got 1",
        ),
        (
            lambda: viz.measured_rows([viz.MeasuredRow("a", [1], role="red")], label="y", **TEXTS),
            "expected a role among output, input, window, mistake, quiet, ink, got 'red'",
        ),
        (lambda: lines_of([]), "at least one line"),
        (lambda: lines_of([viz.MeasuredLine("a", [1, 2], [[1]])]), "2 rows of values of a"),
        (lambda: lines_of([viz.MeasuredLine("a", [1], [[1]])] * 7), "at most 6 lines, got 7"),
        (lambda: lines_of([viz.MeasuredLine("a", [0], [[1]])]), "places above 0"),
    ],
)
def test_what_cannot_be_drawn(draw, message):
    with pytest.raises((SpecError, ShapeError), match=message):
        draw()


def lines_of(lines):
    return viz.measured_lines(lines, x_label="x", y_label="y", logarithmic=True, **TEXTS)


# --- the command ----------------------------------------------------------------------------


def test_the_list(convlab):
    listed = json.loads(convlab.works("experiment", "list", "--json"))
    assert [one["name"] for one in listed] == list(experiments.NAMES)
    text = convlab.works("experiment", "list")
    for one in listed:
        assert one["name"] in text.splitlines()
        assert one["claim"].split()[0] in text


def test_a_name_that_is_none(convlab):
    assert convlab.fails("experiment", "run", "dense") == (
        f"experiment: expected one of {', '.join(experiments.NAMES)}, got dense"
    )
    assert not (convlab.folder / "experiments").exists()


def test_ctrl_c_keeps_what_was_measured(convlab):
    process = convlab.start("experiment", "run", "early-stopping", "--threads", 1)
    lines = []
    while len(lines) < 1:
        line = process.stderr.readline()
        if line.startswith("1/9"):
            lines.append(line)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    folder = convlab.folder / "experiments" / "early-stopping-quick"
    kept = list((folder / "trials").iterdir())
    last = err.splitlines()[-1]
    assert last == (
        f"stopped; {len(kept)} of 9 results are kept in experiments/early-stopping-quick, the same"
        " command goes on"
    )
    assert 1 <= len(kept) < 9
    assert [path.name for path in folder.iterdir()] == ["trials"]


def test_json_into_no_folder(convlab):
    message = convlab.fails("experiment", "run", "structure", "--json", "no/r.json")
    assert message == "no/r.json: cannot be written: there is no folder no"


# --- every experiment -----------------------------------------------------------------------


def test_every_experiment_is_complete():
    assert set(CHECKS) == set(experiments.NAMES)
    for name in experiments.NAMES:
        experiment = experiments.find(name)
        assert experiment.name == name
        assert experiment.claim.endswith(".")
        for design in (experiment.quick, experiment.full):
            texts = [json.dumps(trial, sort_keys=True) for trial in design.trials]
            assert len(set(texts)) == len(texts) > 0
            assert design.set_up


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def known_numbers(result):
    """What a verdict may say: means, deviations, differences and ratios of a column, settings."""
    deviations, columns = [], {key: [] for row in result["rows"] for key in row}
    for row in result["rows"]:
        for key, value in row.items():
            if isinstance(value, dict):
                columns[key].append(value["mean"])
                deviations.append(value["deviation"])
            elif isinstance(value, int | float) and not isinstance(value, bool):
                columns[key].append(value)
    known = deviations + [number for numbers in columns.values() for number in numbers]
    for numbers in columns.values():
        known += [abs(one - two) for one in numbers for two in numbers]
        known += [one / two for one in numbers for two in numbers if two]
    known += [v for record in result["records"] for v in record.values() if isinstance(v, int)]
    names = [value for row in result["rows"] for value in row.values() if isinstance(value, str)]
    texts = " ".join([result["claim"], *result["set_up"], *names])
    known += [float(number.replace(",", "")) for number in NUMBER.findall(texts)]
    return np.abs(np.array([*known, len(result["rows"])], float))


def unknown_numbers(result):
    """The numbers of a verdict that are none of its figures, as rounded as they are written."""
    known, unknown = known_numbers(result), []
    for text in NUMBER.findall(result["verdict"]):
        said = float(text.replace(",", ""))
        near = 0.5000001 * 10.0 ** -len(text.partition(".")[2])
        if min(np.abs(known - said).min(), np.abs(100 * known - said).min()) > near:
            unknown.append(text)
    return unknown


def test_a_number_that_nobody_measured_is_found():
    row = {"network": "LeNet-5", "accuracy": {"mean": 0.966, "deviation": 0.006, "values": []}}
    result = {"rows": [row], "records": [], "claim": "", "set_up": [], "verdict": "96.6 ± 0.6 %"}
    assert unknown_numbers(result) == []
    assert unknown_numbers(result | {"verdict": "96.7 ± 0.6 %, 31 times"}) == ["96.7", "31"]


KEPT = sorted((Path(__file__).parent.parent / "gallery" / "experiments").glob("*/*.json"))


def test_results_of_every_experiment_are_kept():
    assert {(path.parent.name, path.stem) for path in KEPT} == {
        (scale, name) for scale in ("quick", "full") for name in experiments.NAMES
    }


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_kept_results_are_of_the_trials_as_they_are(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    result = experiments.read_result(path)
    trials = json.loads(json.dumps(result.design.trials))
    assert [record | trial for record, trial in zip(content["records"], trials, strict=True)] == (
        content["records"]
    )
    assert content["holds"] is CHECKS[path.stem](content["records"])
    assert (content["verdict"], content["set_up"]) == (result.verdict.text, [*result.design.set_up])
    assert unknown_numbers(content) == []
    assert content["versions"].keys() == {"convlab", "numpy", "python"}
    assert content["command"].startswith(result.command)


def test_the_verdicts_in_docs_are_those_of_the_kept_results():
    text = (Path(__file__).parent.parent / "docs" / "claims.md").read_text(encoding="utf-8")
    said = {
        name: (quick.strip(), full.strip())
        for name, quick, full in re.findall(
            r"^\| `([\w-]+)`: [^|]* \| ([a-z ]+)[^|]* \| ([a-z ]+)[^|]* \|$", text, re.MULTILINE
        )
    }
    words = {}
    for path in KEPT:
        result = experiments.read_result(path)
        words.setdefault(path.stem, {})[result.scale] = result.verdict.word
    assert said == {name: (each["quick"], each["full"]) for name, each in words.items()}


# Each takes a minute or more.
LONG = ["lenet-1998", "dropout", "activation", "batch-size", "depth", "transfer"]
LONG += ["stacked-kernels"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.campaign if name in LONG else pytest.mark.slow)
        for name in experiments.NAMES
    ],
)
def test_run_quickly_each_says_what_its_figures_say(convlab, name):
    out = convlab("experiment", "run", name, "--json", "r.json", "--quiet", "--threads", 1)
    assert (out.status, out.err) == (0, ""), out
    result = json.loads((convlab.folder / "r.json").read_text())
    experiment = experiments.find(name)
    assert len(result["records"]) == len(experiment.quick.trials)
    assert (convlab.folder / f"experiments/{name}-quick/{name}.png").stat().st_size > 5000
    for row in result["rows"]:
        for cell in row.values():
            if isinstance(cell, dict):
                assert cell["mean"] == pytest.approx(statistics.fmean(cell["values"]))
    assert result["holds"] is CHECKS[name](result["records"])
    assert result["verdict"] in out.out
    assert unknown_numbers(result) == []
