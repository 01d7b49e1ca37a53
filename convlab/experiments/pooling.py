"""Max pooling against average pooling, convolutions of stride 2, and none of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import insight
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
    compare,
)
from convlab.experiments.learning import figures, layer, load_centred, network, train
from convlab.experiments.timing import step_seconds

MAX, AVERAGE, NONE = "max pooling", "average pooling", "no pooling"
SHIFT = 2  # pixels
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


def _trials(data: str, side: int | None, epochs: int, seeds: int) -> tuple[Trial, ...]:
    shared = {"data": data, "side": side, "epochs": epochs}
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
    for name in NETWORKS:
        own = [record for record in records if record["network"] == name]
        rows.append(
            {
                "network": name,
                "shifted": Spread.of(own, "shifted_accuracy"),
                "accuracy": Spread.of(own, "test_accuracy"),
                "parameters": own[0]["parameters"],
                "time": Spread((1.0,) if name == MAX else ratios[name]),
                "multiply_adds": own[0]["multiply_adds"],
            }
        )
    columns = (
        Column("network", "network"),
        Column("shifted", f"moved by {SHIFT} pixels", "%"),
        Column("accuracy", "test accuracy", "%"),
        Column("parameters", "parameters", "count"),
        Column("time", "relative time", "number"),
        Column("multiply_adds", "multiply-adds", "count"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    best, none = table.row(network=MAX), table.row(network=NONE)
    others = [row for row in table.rows if row is not best]
    signs = [compare(best["shifted"], row["shifted"]).sign for row in others]
    signs.append(compare(none["time"], best["time"]).sign)
    second = max(others, key=lambda row: row["shifted"].mean)
    shown = [second] if second is none else [second, none]
    text = (
        f"with test images moved by {SHIFT} pixels it is right in {best['shifted'].text('%')}, "
        + ", ".join(f"{row['network']} in {row['shifted'].text('%')}" for row in shown)
        + f"; without pooling a step takes {none['time'].text()} times as long, with"
        f" {none['parameters'] / best['parameters']:.1f} times the parameters"
    )
    if min(signs) > 0:
        return Verdict(True, f"Max pooling saves time and bears shifts best: {text}.")
    if min(signs) == 0:
        return Verdict(
            None, f"Undecided, max pooling is not ahead in all beyond the spread: {text}."
        )
    return Verdict(False, f"Not here, max pooling is behind in something: {text}.")


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    table = result.table
    return viz.measured_columns(
        [row["network"] for row in table.rows],
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
        (
            "1,797 digits of 20 × 20 in fields of 28 × 28 pixels, 8 epochs, 3 seeds; mean ±"
            " standard deviation.",
            SET_UP,
        ),
        _trials("digits", side=20, epochs=8, seeds=3),
    ),
    full=Design(
        (
            "MNIST, 5 epochs, 3 seeds; mean ± standard deviation.",
            SET_UP,
        ),
        _trials("mnist", side=None, epochs=5, seeds=3),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
