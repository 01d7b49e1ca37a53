"""Max pooling against average pooling, convolutions of stride 2, and none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import insight
from convlab.experiments.decision import RATIO, Statement
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
from convlab.experiments.learning import figures, layer, network, train
from convlab.experiments.sources import called, load_centred
from convlab.experiments.timing import step_seconds

MAX, AVERAGE, NONE = "max pooling", "average pooling", "no pooling"
SHIFT = 2  # pixels
LEAST, LEAST_TIME = 0.03, 1.05  # of accuracy on moved images, and of time
TIME = "time of a step"


def _network(*smaller: Sequence[str], stride: int = 1) -> str:
    """Two 3 x 3 convolutions and a dense layer; ``smaller`` follows each of the convolutions."""
    layers = []
    for maps, after in zip((8, 16), smaller, strict=True):
        layers += _convolution(maps, 3, stride, 1) + list(after)
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    return network(*layers, layer("Flatten"), scores)


def _convolution(maps: int, kernel: int, stride: int, padding: int) -> list[str]:
    settings = {"kernel_size": kernel, "stride": stride, "padding": padding}
    return [layer("Conv2d", out_channels=maps, **settings), layer("ReLU")]


NETWORKS = {
    MAX: _network(*2 * [[layer("MaxPool2d", kernel_size=2)]]),
    AVERAGE: _network(*2 * [[layer("AvgPool2d", kernel_size=2)]]),
    "stride-2 convolution": _network(*(_convolution(maps, 2, 2, 0) for maps in (8, 16))),
    "3 × 3 with stride 2": _network([], [], stride=2),
    NONE: _network([], []),
}


def _trials(data: str, side: int | None, seeds: int, **more: Any) -> tuple[Trial, ...]:
    shared = {"data": data, "side": side, **more}
    trials: list[Trial] = []
    # Timings are interleaved with the trainings, so that no single disturbance affects all of them.
    for seed in range(seeds):
        trials += [
            {"network": name, "spec": spec, **shared, "seed": seed}
            for name, spec in NETWORKS.items()
        ]
        trials.append({"network": TIME, "specs": NETWORKS, **shared, "seed": seed})
    return tuple(trials)


def _measure(trial: Trial) -> dict[str, Any]:
    if trial["network"] == TIME:
        return {"step_seconds": step_seconds(trial["specs"])}
    trainer = train(trial, load_centred(trial["data"], trial["side"]))
    task = trainer.task
    shares = insight.accuracy_under_shift(
        trainer.network, task.test.images, task.test.labels, task.scaling, (SHIFT,)
    )
    return figures(trainer) | {"shifted_accuracy": float(shares.mean())}


def _table(records: Sequence[Record]) -> Table:
    times = [record["step_seconds"] for record in records if record["network"] == TIME]
    ratios = {name: tuple(run[name] / run[MAX] for run in times) for name in NETWORKS}
    rows = []
    sets = dict.fromkeys(record["data"] for record in records)
    for data, name in ((data, name) for data in sets for name in NETWORKS):
        own = [r for r in records if (r["data"], r["network"]) == (data, name)]
        rows.append(
            {
                "data": data,
                "network": name,
                "shifted": Spread.of(own, "shifted_accuracy"),
                "accuracy": Spread.of(own, "test_accuracy"),
                "parameters": own[0]["parameters"],
                "time": Spread((1.0,) if name == MAX else ratios[name]),
                "multiply_adds": own[0]["multiply_adds"],
            }
        )
    columns = (
        *([Column("data", "data")] if len(sets) > 1 else []),
        Column("network", "network"),
        Column("shifted", f"moved by {SHIFT} pixels", "%"),
        Column("accuracy", "test accuracy", "%"),
        Column("parameters", "parameters", "count"),
        Column("time", "relative time", "number"),
        Column("multiply_adds", "multiply-adds", "count"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    statements, figures = [], []
    for data in dict.fromkeys(row["data"] for row in table.rows):
        own = [row for row in table.rows if row["data"] == data]
        best, none = (table.row(data=data, network=name) for name in (MAX, NONE))
        others = [row for row in own if row is not best]
        statements += [
            Statement(
                f"{MAX} bears shifts better than {row['network']} ({called(data)})",
                best["shifted"],
                row["shifted"],
                LEAST,
            )
            for row in others
        ]
        second = max(others, key=lambda row: row["shifted"].mean)
        shown = [best, second] if second is none else [best, second, none]
        figures.append(
            f"{called(data)} moved by {SHIFT} pixels "
            + ", ".join(f"{row['network']} {row['shifted'].text('%')}" for row in shown)
        )
    statements.append(
        Statement(
            "a step takes longer without pooling",
            none["time"],
            best["time"],
            LEAST_TIME,
            scale=RATIO,
        )
    )
    figures.append(
        f"without pooling a step takes {none['time'].text()} times as long, with"
        f" {none['parameters'] / best['parameters']:.1f} times the parameters"
    )
    return judge(statements, "Max pooling saves time and bears shifts best", "; ".join(figures))


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    table = result.table
    several = len(result.design.data) > 1
    return viz.measured_columns(
        [
            f"{row['network']}, {called(row['data'])}" if several else row["network"]
            for row in table.rows
        ],
        [
            measured_column(table, "shifted", "spread"),
            measured_column(table, "accuracy", "spread"),
            measured_column(table, "parameters"),
            measured_column(table, "time"),
        ],
        roles=["output" if row["network"] == MAX else "input" for row in table.rows],
        **result.texts,
        theme=theme,
        size=size,
    )


SET_UP = (
    "Two 3 × 3 convolutions of 8 and 16 maps, each followed by what the row says (stride-2"
    " convolution: 2 × 2) or with a stride of their own, and a dense layer. Test images moved by"
    f" {SHIFT} pixels: mean over four directions. Time: forward, backward and update of 64 images"
    " on one thread, in turn, once a seed, relative to max pooling."
)
EXPERIMENT = Experiment(
    name="pooling",
    title="What does pooling bring?",
    claim="Pooling saves parameters and time and makes a network tolerant of small shifts, and"
    " the maximum does so better than the mean or a convolution of stride 2.",
    quick=Design(
        ("digits",),
        "of 20 × 20 in fields of 28 × 28 pixels, 8 epochs",
        SET_UP,
        _trials("digits", side=20, epochs=8, seeds=5),
    ),
    full=Design(
        ("mnist", "fashion-mnist"),
        "1,000 images a class of 20 × 20 in fields of 28 × 28 pixels, 5 epochs",
        SET_UP,
        _trials("mnist", side=20, limit=1000, epochs=5, seeds=10)
        + _trials("fashion-mnist", side=20, limit=1000, epochs=5, seeds=10),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
