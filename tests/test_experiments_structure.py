"""Experiments on how a network is built: pooling, stacked kernels, LeNet-5's parts, depth."""

import numpy as np
import pytest

from convlab import Tensor, experiments, models, viz
from convlab.errors import ShapeError, SpecError
from convlab.experiments import Column, Spread, Table, depth, lenet_1998, pooling, stacked_kernels
from convlab.experiments.drawing import measured_column
from convlab.experiments.learning import costs
from convlab.experiments.timing import step_seconds

SIZES = ("slide", "animation", "small", "paper", "paper-wide")


def around(mean, spread=0.002):
    """Three figures of a given mean and standard deviation."""
    return [mean - spread, mean, mean + spread]


def answer(name, records):
    """Table and verdict of an experiment for hand-made records."""
    experiment = experiments.find(name)
    table = experiment.table(records)
    return table, experiment.verdict(table)


def assert_drawn(name, records, assert_legible, scale="quick"):
    """Its picture in all sizes and themes."""
    experiment = experiments.find(name)
    result = experiment.result(scale, records, 1.0)
    for size, theme in [
        *((size, "light") for size in SIZES),
        ("slide", "dark"),
        ("slide", "transparent"),
    ]:
        assert_legible(experiment.figure(result, theme=theme, size=size), size)


# --- pooling --------------------------------------------------------------------------------


def pooling_records(shifted, times):
    """shifted: accuracies on moved images in the order of the networks; times: of a step."""
    trained = [
        {
            "network": name,
            "seed": seed,
            "shifted_accuracy": value,
            "test_accuracy": 0.95 + 0.001 * seed,
            "parameters": 100_000 if name == pooling.NONE else 10_000,
            "multiply_adds": 300_000,
        }
        for name, mean in zip(pooling.NETWORKS, shifted, strict=True)
        for seed, value in enumerate(around(mean))
    ]
    timed = [
        {
            "network": pooling.TIME,
            "seed": run,
            "step_seconds": {
                name: run_factor * seconds
                for name, seconds in zip(pooling.NETWORKS, times, strict=True)
            },
        }
        for run, run_factor in enumerate((0.01, 0.02, 0.04))
    ]
    return trained + timed


@pytest.mark.parametrize(
    ("shifted", "times", "holds", "words"),
    [
        ((0.70, 0.60, 0.50, 0.50, 0.40), (1, 1, 1.5, 0.5, 4), True, "bears shifts best"),
        ((0.70, 0.80, 0.50, 0.50, 0.40), (1, 1, 1.5, 0.5, 4), False, "Not here"),
        ((0.70, 0.701, 0.50, 0.50, 0.40), (1, 1, 1.5, 0.5, 4), None, "Undecided"),
        ((0.70, 0.60, 0.50, 0.50, 0.40), (1, 1, 1.5, 0.5, 0.8), False, "Not here"),
        ((0.70, 0.60, 0.50, 0.50, 0.90), (1, 1, 1.5, 0.5, 4), False, "no pooling in 90.0"),
    ],
)
def test_pooling_both_ways(shifted, times, holds, words):
    _, verdict = answer("pooling", pooling_records(shifted, times))
    assert verdict.holds is holds
    assert words in verdict.text
    assert f"it is right in {100 * shifted[0]:.1f} ± 0.2 %" in verdict.text
    assert "with 10.0 times the parameters" in verdict.text


def test_poolings_times_are_ratios_within_a_run():
    records = pooling_records((0.7, 0.6, 0.5, 0.5, 0.4), (2, 2, 3, 1, 8))
    table, verdict = answer("pooling", records)
    assert [row["time"].mean for row in table.rows] == pytest.approx([1, 1, 1.5, 0.5, 4])
    # The machine was four times slower in the last run, which no ratio shows.
    assert all(row["time"].deviation < 1e-12 for row in table.rows)
    assert "takes 4.0000" not in verdict.text
    assert "times as long" in verdict.text


def test_what_stands_in_for_pooling_is_alike_in_all_else():
    # Two convolutions of 9 + 1 and 8 x 9 + 1 numbers a map; scores from 7 x 7 x 16 numbers.
    plain = 8 * 10 + 16 * 73 + 10 * (7 * 7 * 16 + 1)
    counts = {name: costs(spec)[0] for name, spec in pooling.NETWORKS.items()}
    assert counts == {
        "max pooling": plain,
        "average pooling": plain,
        "stride-2 convolution": plain + 8 * (8 * 4 + 1) + 16 * (16 * 4 + 1),
        "3 × 3 with stride 2": plain,
        "no pooling": 8 * 10 + 16 * 73 + 10 * (28 * 28 * 16 + 1),
    }


def test_the_picture_of_pooling(assert_legible):
    records = pooling_records((0.7, 0.6, 0.5, 0.5, 0.4), (1, 1, 1.5, 0.5, 4))
    assert_drawn("pooling", records, assert_legible)


# --- stacked kernels ------------------------------------------------------------------------


def stacked_records(accuracies, times):
    """accuracies and times of a step in the order of the blocks."""
    blocks = stacked_kernels.BLOCKS
    trained = [
        {
            "block": name,
            "seed": seed,
            "test_accuracy": value,
            "field": 1 + sum(kernel - 1 for kernel in blocks[name]),
            "block_parameters": sum(256 * kernel**2 + 16 for kernel in blocks[name]),
            "block_multiply_adds": sum(196 * 256 * kernel**2 for kernel in blocks[name]),
        }
        for name, mean in zip(blocks, accuracies, strict=True)
        for seed, value in enumerate(around(mean))
    ]
    timed = [
        {
            "block": stacked_kernels.TIME,
            "seed": run,
            "step_seconds": dict(zip(blocks, at, strict=True)),
        }
        for run, at in enumerate(zip(*map(around, times), strict=True))
    ]
    return trained + timed


@pytest.mark.parametrize(
    ("accuracies", "times", "holds", "words"),
    [
        ((0.95,) * 6, (1, 0.8, 2, 1.2, 3, 1.5), True, "Two 3 × 3 see 5 × 5"),
        ((0.95,) * 6, (1, 1.2, 2, 1.2, 3, 1.5), False, "Not all of it holds"),
        ((0.95,) * 6, (1, 1.0, 2, 1.2, 3, 1.5), None, "not every time is clearly less"),
        (
            (0.95, 0.95, 0.95, 0.90, 0.95, 0.95),
            (1, 0.8, 2, 1.2, 3, 1.5),
            False,
            "less accurate is three 3 × 3 with 90.0 ± 0.2 % than one 7 × 7 with 95.0 ± 0.2 %",
        ),
        (
            (0.95, 0.97, 0.95, 0.97, 0.95, 0.97),
            (1, 0.8, 2, 1.2, 3, 1.5),
            True,
            "none is clearly less accurate",
        ),
    ],
)
def test_stacked_kernels_both_ways(accuracies, times, holds, words):
    _, verdict = answer("stacked-kernels", stacked_records(accuracies, times))
    assert verdict.holds is holds
    assert words in verdict.text
    # 2 x 9 of 25, 3 x 9 of 49, 4 x 9 of 81.
    assert "with 0.72, 0.55, 0.44 of the multiply-adds" in verdict.text


@pytest.mark.parametrize(
    ("block", "side", "weights"),
    [
        ("one 5 × 5", 5, 25),
        ("two 3 × 3", 5, 18),
        ("one 7 × 7", 7, 49),
        ("three 3 × 3", 7, 27),
        ("one 9 × 9", 9, 81),
        ("four 3 × 3", 9, 36),
    ],
)
def test_what_stacked_kernels_see_by_their_gradient(block, side, weights):
    network = models.build_from_text(stacked_kernels.ALONE[block], name="block")
    convolutions = [row for row in models.summarise(network) if row.kind == "Conv2d"]
    assert sum(row.multiply_adds for row in convolutions) == weights * 16 * 16 * 14 * 14
    assert [size.size for size in convolutions[-1].receptive_field] == [side, side]
    for parameter in network.parameters():
        parameter.data[...] = np.abs(parameter.data)  # no ReLU shuts, no gradient cancels
    x = Tensor(np.ones((1, 16, 14, 14), np.float32), requires_grad=True)
    maps = next(out for name, _, out in network.steps(x) if name == f"relu{len(convolutions)}")
    maps[:, :, 7, 7].sum().backward()
    reached = np.abs(x.grad).sum(axis=(0, 1)) > 0
    assert reached.sum() == side * side
    assert reached[7 - side // 2 : 8 + side // 2, 7 - side // 2 : 8 + side // 2].all()


def test_the_picture_of_stacked_kernels(assert_legible):
    records = stacked_records((0.95,) * 6, (1, 0.8, 2, 1.2, 3, 1.5))
    assert_drawn("stacked-kernels", records, assert_legible)


# --- LeNet-5, part by part ------------------------------------------------------------------


def lenet_records(errors, data="digits", distorted=None):
    """errors: shares in the order of the steps."""
    means = dict(zip(lenet_1998.STEPS, errors, strict=True))
    if distorted is not None:
        means[lenet_1998.DISTORTED] = distorted
    return [
        {
            "network": name,
            "data": data,
            "seed": seed,
            "test_accuracy": 1 - value,
            "parameters": 60_000,
            "multiply_adds": 400_000,
        }
        for name, mean in means.items()
        for seed, value in enumerate(around(mean))
    ]


@pytest.mark.parametrize(
    ("errors", "holds", "words"),
    [
        (
            (0.05, 0.05, 0.05, 0.05, 0.05, 0.03, 0.03),
            True,
            "change is ReLU, 5.00 ± 0.20 to 3.00 ± 0.20 %",
        ),
        (
            (0.03, 0.03, 0.05, 0.05, 0.05, 0.05, 0.05),
            False,
            "change is max pooling, 3.00 ± 0.20 to 5.00 ± 0.20 %",
        ),
        ((0.03,) * 6 + (0.031,), None, "no single change goes beyond the spread"),
    ],
)
def test_lenet_1998_both_ways(errors, holds, words):
    table, verdict = answer("lenet-1998", lenet_records(errors))
    assert verdict.holds is holds
    assert words in verdict.text
    assert "1998)" not in verdict.text  # the paper's error is one of MNIST
    assert table.row(network="as published")["error"].mean == pytest.approx(100 * errors[0])


def test_on_mnist_the_papers_errors_stand_beside():
    # LeCun, Bottou, Bengio & Haffner 1998, section III.B: 0.95 %, with distortions 0.8 %.
    table, verdict = answer("lenet-1998", lenet_records((0.01,) * 7, "mnist", 0.01))
    assert "(0.95 % in 1998)" in verdict.text
    papers = {row["network"]: row["paper"] for row in table.rows if row["paper"]}
    assert papers == {"as published": 0.95, "as published, distortions": 0.8}
    assert any(line.startswith("as published, distortions") for line in table.lines())


def test_each_row_of_lenet_5_changes_one_part():
    networks = [
        models.build(step["model"])
        if "model" in step
        else models.build_from_text(step["spec"], name="step")
        for step in lenet_1998.STEPS.values()
    ]
    # 60,000 as published; a full C3 has 2,416 for 1,516; S2 and S4 have 12 and 32 (section
    # II.B); the linear output 85 for each of ten classes; 61,706 is the modern form's.
    counts = [60_000, 60_900, 60_856, 61_706, 61_706, 61_706, 61_706]
    assert [network.parameter_count() for network in networks] == counts
    kinds = [[type(layer).__name__ for layer in network] for network in networks]
    squashed = ["Conv2d", "ScaledTanh", "Subsample2d", "ScaledTanh"]
    rest = ["Conv2d", "ScaledTanh", "Flatten", "Linear", "ScaledTanh"]
    table = ["TableConv2d", *squashed[1:]]
    pooled = ["Conv2d", "ScaledTanh", "MaxPool2d"]
    assert kinds[0] == [*squashed, *table, *rest, "EuclideanRBF"]
    assert kinds[1] == [*squashed, *squashed, *rest, "EuclideanRBF"]
    assert kinds[2] == [*pooled, *pooled, *rest, "EuclideanRBF"]
    assert kinds[3] == kinds[4] == [*pooled, *pooled, *rest, "Linear"]
    assert kinds[5] == [kind.replace("ScaledTanh", "ReLU") for kind in kinds[4]]
    losses = [network.loss for network in networks]
    assert losses == ["lecun-map"] * 4 + ["cross-entropy"] * 3
    assert [network.pixels for network in networks] == [(-0.1, 1.175)] * 6 + [None]


def test_the_picture_of_lenet_1998(assert_legible):
    errors = (0.05, 0.04, 0.031, 0.03, 0.03, 0.03, 0.02)
    assert_drawn("lenet-1998", lenet_records(errors), assert_legible)
    records = lenet_records(errors, "mnist", 0.03)
    assert_drawn("lenet-1998", records, assert_legible, scale="full")


# --- depth ----------------------------------------------------------------------------------


def depth_records(accuracies):
    """accuracies: by layers, one for each budget."""
    return [
        {
            "layers": layers,
            "maps": depth.MAPS[layers][budget],
            "budget": budget,
            "seed": seed,
            "test_accuracy": value,
            "parameters": 1000 * layers,
            "multiply_adds": (100_000, 400_000, 1_200_000)[budget] + layers,
        }
        for layers, means in accuracies.items()
        for budget, mean in enumerate(means)
        for seed, value in enumerate(around(mean))
    ]


@pytest.mark.parametrize(
    ("one", "four", "holds", "words"),
    [
        ((0.90, 0.91, 0.92), (0.90, 0.94, 0.96), True, "More layers pay more"),
        ((0.93, 0.91, 0.92), (0.90, 0.94, 0.96), False, "Not always"),
        ((0.90, 0.91, 0.92), (0.90, 0.94, 0.92), None, "Undecided"),
    ],
)
def test_depth_both_ways(one, four, holds, words):
    _, verdict = answer("depth", depth_records({1: one, 2: (0.9, 0.9, 0.9), 4: four}))
    assert verdict.holds is holds
    assert words in verdict.text
    budget = 0 if holds is False else 2  # where more maps do better, else the largest
    places = (100_004, 400_004, 1_200_004)
    assert (
        f"at {places[budget]:,} multiply-adds four layers have {100 * four[budget]:.1f} ± 0.2 %"
        " with 4,000 parameters, one layer of more maps"
        f" {100 * one[budget]:.1f} ± 0.2 % with 1,000." in verdict.text
    )


def test_what_is_compared_takes_as_many_multiply_adds():
    specs = {t["network"]: t["spec"] for t in experiments.find("depth").quick.trials}
    for budget in range(3):
        names = [name for name, (_, other) in depth.NETWORKS.items() if other == budget]
        found = [costs(specs[name])[1] for name in names]
        assert len(found) == 3
        assert max(found) < 1.04 * min(found)
    # By hand: 9 x 784 for each map of the first, 9 x 196 x 5 x 5 for each of the other three,
    # and 10 x 49 for each map's share in the scores.
    assert costs(specs["four layers of 5 maps"])[1] == 5 * 9 * 784 + 3 * 9 * 196 * 25 + 490 * 5


def test_the_picture_of_depth(assert_legible):
    records = depth_records({1: (0.90, 0.91, 0.92), 2: (0.91, 0.93, 0.95), 4: (0.90, 0.94, 0.96)})
    assert_drawn("depth", records, assert_legible)


# --- what they share ------------------------------------------------------------------------


def test_a_network_of_more_work_takes_longer():
    specs = {name: stacked_kernels.ALONE[name] for name in ("one 9 × 9", "two 3 × 3")}
    seconds = step_seconds(specs, batch_size=8, inside=True)
    assert list(seconds) == ["one 9 × 9", "two 3 × 3"]
    # 81 products against 18 for each pair of maps and pixel.
    assert 0 < seconds["two 3 × 3"] < seconds["one 9 × 9"]


def test_a_tables_column_as_it_is_drawn():
    rows = (
        {"name": "a", "share": Spread((0.5, 0.7)), "count": 1234},
        {"name": "b", "share": None, "count": 5},
    )
    columns = (
        Column("name", "name"),
        Column("share", "right", "%"),
        Column("count", "weights", "count"),
    )
    table = Table(columns, rows)
    shares, counts = measured_column(table, "share", "spread"), measured_column(table, "count")
    assert (shares.heading, shares.kind) == ("right", "spread")
    assert shares.values == [(0.5, 0.7), ()]
    assert shares.texts == ["60.0 ± 14.1 %", "–"]
    assert counts.values == [(1234.0,), (5.0,)]
    assert counts.texts == ["1,234", "5"]


def columns_of(count, rows=2, kind="bars"):
    values = [[10.0 ** (row + 3)] for row in range(rows)]
    texts = [f"{value[0]:,.0f}" for value in values]
    return [viz.MeasuredColumn(f"measured figure {at}", values, texts, kind) for at in range(count)]


WORDS = {"title": "A title", "verdict": "It holds, in three of four.", "note": "Three seeds."}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_columns_that_have_no_room_are_left_out(size, rows, assert_legible, boxes_of):
    names = [f"a thing with a long name, number {row}" for row in range(rows)]
    figure = viz.measured_columns(names, columns_of(20, rows), **WORDS, size=size)
    assert_legible(figure, size)
    texts = [text.get_text() for text, _ in boxes_of(figure)]
    shown = texts.count("1,000")
    assert 1 <= shown < 20
    # Those that are there are whole: every row's number in each of them.
    assert all(texts.count(f"{10 ** (row + 3):,}") == shown for row in range(rows))


def test_groups_and_rows_without_a_figure(assert_legible):
    column = viz.MeasuredColumn(
        "right", [(0.5, 0.6), (), (float("nan"),)], ["a", "–", "b"], "spread"
    )
    bars = viz.MeasuredColumn("cost", [(3.0,), (0.0,), (0.0,)], ["3", "0", "0"])
    figure = viz.measured_columns(
        ["one", "two", "three"],
        [column, bars],
        groups=["first", "first", "second"],
        roles=["output", "input", "mistake"],
        **WORDS,
    )
    assert_legible(figure, "slide")


@pytest.mark.parametrize("kind", ["bars", "spread", "fields"])
def test_a_column_in_which_nothing_was_measured(kind, assert_legible):
    column = viz.MeasuredColumn("right", [(), ()], ["–", "–"], kind)
    assert_legible(viz.measured_columns(["one", "two"], [column], **WORDS), "slide")


def test_what_cannot_be_drawn_is_said():
    column = columns_of(1)[0]
    with pytest.raises(SpecError, match="at least one row and one column to draw, got none"):
        viz.measured_columns(["a", "b"], [], **WORDS)
    with pytest.raises(ShapeError, match=r"expected 3 entries, one a row, got \[3, 3, 2, 2\]"):
        viz.measured_columns(["a", "b", "c"], [column], **WORDS)
    with pytest.raises(ShapeError, match="expected 2 entries"):
        viz.measured_columns(["a", "b"], [column], groups=["g"], **WORDS)
    with pytest.raises(SpecError, match="expected a role among output, .*, got 'hero'"):
        viz.measured_columns(["a", "b"], [column], roles=["hero", "input"], **WORDS)
    with pytest.raises(SpecError, match="expected a kind among bars, spread, fields, got 'pie'"):
        viz.measured_columns(["a", "b"], columns_of(1, kind="pie"), **WORDS)
