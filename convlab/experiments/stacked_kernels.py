"""Stacked 3 x 3 convolutions against one convolution of a larger kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import models
from convlab.experiments.decision import NO_LESS, RATIO, Statement
from convlab.experiments.drawing import measured_column
from convlab.experiments.framework import (
    Column,
    Design,
    Experiment,
    Record,
    Result,
    Spread,
    Table,
    Trial,
    Verdict,
    judge,
)
from convlab.experiments.learning import layer, network, train_and_test
from convlab.experiments.timing import step_seconds

MAPS = 16
LEAST, LEAST_TIME = 0.01, 1.05  # of accuracy, and of time
TIME = "time of a step"
# The kernels of each block, in order, by its name; in pairs: one kernel, then a stack.
BLOCKS = {
    "one 5 × 5": (5,),
    "two 3 × 3": (3, 3),
    "one 7 × 7": (7,),
    "three 3 × 3": (3, 3, 3),
    "one 9 × 9": (9,),
    "four 3 × 3": (3, 3, 3, 3),
}
PAIRS = tuple(zip(list(BLOCKS)[::2], list(BLOCKS)[1::2], strict=True))


def _block(kernels: Sequence[int]) -> list[str]:
    """Convolutions with ReLU that keep maps and size."""
    layers = []
    for kernel in kernels:
        settings = {"kernel_size": kernel, "padding": kernel // 2}
        layers += [layer("Conv2d", out_channels=MAPS, **settings), layer("ReLU")]
    return layers


SCORES = layer("Linear", out_features="classes", initialisation="glorot")
HALVED = layer("MaxPool2d", kernel_size=2)
# The block between a first convolution and the scores, and by itself: its scores cost almost
# nothing.
NETWORKS = {
    name: network(*_block((3,)), HALVED, *_block(kernels), HALVED, layer("Flatten"), SCORES)
    for name, kernels in BLOCKS.items()
}
ALONE = {
    name: network(
        *_block(kernels),
        layer("AdaptiveAvgPool2d", output_size=1),
        layer("Flatten"),
        SCORES,
        input_shape=f"14x14x{MAPS}",
    )
    for name, kernels in BLOCKS.items()
}


def _trials(data: str, epochs: int, seeds: int, **more: int) -> tuple[Trial, ...]:
    shared = {"data": data, "epochs": epochs, "optimizer": "adam", **more}
    trials = []
    # Timings are interleaved with the trainings, so that no single disturbance affects all of them.
    for seed in range(seeds):
        trials += [
            {"block": name, "spec": spec, **shared, "seed": seed} for name, spec in NETWORKS.items()
        ]
        trials.append({"block": TIME, "specs": ALONE, **shared, "seed": seed})
    return tuple(trials)


def _measure(trial: Trial) -> dict[str, Any]:
    if trial["block"] == TIME:
        return {"step_seconds": step_seconds(trial["specs"], inside=True)}
    alone = models.build_from_text(ALONE[trial["block"]], name="block", weights=False)
    rows = [row for row in models.summarise(alone) if row.kind == "Conv2d"]
    field = rows[-1].receptive_field
    assert field is not None, "units behind convolutions have one"
    return train_and_test(trial) | {
        "field": field[0].size,
        "block_parameters": sum(row.parameters for row in rows),
        "block_multiply_adds": sum(row.multiply_adds for row in rows),
    }


def _table(records: Sequence[Record]) -> Table:
    times = [record["step_seconds"] for record in records if record["block"] == TIME]
    rows = []
    for pair in PAIRS:
        for name in pair:
            own = [record for record in records if record["block"] == name]
            ratios = tuple(run[name] / run[pair[0]] for run in times)
            rows.append(
                {
                    "block": name,
                    "field": own[0]["field"],
                    "sees": f"{own[0]['field']} × {own[0]['field']}",
                    "parameters": own[0]["block_parameters"],
                    "time": Spread((1.0,) if name == pair[0] else ratios),
                    "accuracy": Spread.of(own, "test_accuracy"),
                    "multiply_adds": own[0]["block_multiply_adds"],
                }
            )
    columns = (
        Column("block", "kernels"),
        Column("sees", "receptive field"),
        Column("parameters", "parameters", "count"),
        Column("time", "relative time", "number"),
        Column("accuracy", "test accuracy", "%"),
        Column("multiply_adds", "multiply-adds", "count"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    pairs = [tuple(table.row(block=name) for name in pair) for pair in PAIRS]
    statements = []
    for one, stack in pairs:
        names = f"{stack['block']} %s than {one['block']}"
        statements += [
            Statement(
                names % "take less time", one["time"], stack["time"], LEAST_TIME, scale=RATIO
            ),
            Statement(
                names % "are no less accurate", stack["accuracy"], one["accuracy"], LEAST, NO_LESS
            ),
        ]
    seen = f"{pairs[0][1]['block']} see {pairs[0][1]['sees']}" + "".join(
        f", {stack['block'].split()[0]} see {stack['sees']}" for _, stack in pairs[1:]
    )
    share = ", ".join(
        f"{pair[1]['multiply_adds'] / pair[0]['multiply_adds']:.2f}" for pair in pairs
    )
    taken = ", ".join(stack["time"].text() for _, stack in pairs)
    figures = (
        f"{seen} (not two, as an often copied slide has it), with {share} of the multiply-adds in"
        f" {taken} of the time of one kernel"
    )
    return judge(statements, "Stacks of small kernels cost less and are as accurate", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    table = result.table
    sides = [(row["field"],) for row in table.rows]
    return viz.measured_columns(
        [row["block"] for row in table.rows],
        [
            viz.MeasuredColumn(
                "receptive field", sides, [row["sees"] for row in table.rows], "fields"
            ),
            measured_column(table, "parameters"),
            measured_column(table, "time"),
            measured_column(table, "accuracy", "spread"),
        ],
        roles=["output" if row["block"].endswith("3 × 3") else "input" for row in table.rows],
        **result.texts,
        theme=theme,
        size=size,
    )


SET_UP = (
    f"The kernels read and make {MAPS} maps of 14 × 14, a ReLU after each, between a first 3 × 3"
    " convolution and a dense layer; parameters, multiply-adds and time are those of the kernels"
    " alone. Trained with Adam. Time: forward, backward and update of 64 images on one thread, in"
    " turn, once a seed, relative to one kernel."
)
EXPERIMENT = Experiment(
    name="stacked-kernels",
    title="Two 3 × 3 or one 5 × 5?",
    claim="Two 3 × 3 kernels see what one 5 × 5 sees and three what one 7 × 7 sees, for less"
    " computing and no less accuracy.",
    quick=Design(("digits",), "6 epochs", SET_UP, _trials("digits", epochs=6, seeds=5)),
    full=Design(
        ("fashion-mnist",),
        "2,000 images a class, 6 epochs",
        SET_UP,
        _trials("fashion-mnist", epochs=6, seeds=5, limit=2000),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
