"""ReLU against tanh and sigmoid: the loss by epoch and by time, the gradient by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab import data, training
from convlab.experiments.decision import RATIO, Statement
from convlab.experiments.fitting import both_sides, trainer_of
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
from convlab.experiments.learning import layer, network
from convlab.experiments.timing import step_seconds
from convlab.tensors import Tensor
from convlab.training import Trainer

ACTIVATIONS = {"ReLU": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}
RATES = (0.01, 0.03, 0.1)
LAYERS = 5  # with weights
IMAGES = 256  # whose gradient is measured
LEAST = 1.5  # of the loss
TIME = "time of a step"
RUNS = 3  # of the times


def _lenet5(activation: str) -> str:
    """LeNet-5 with one activation throughout, and LeCun's initial weights."""
    act = layer(ACTIVATIONS[activation])
    half = layer("MaxPool2d", kernel_size=2)

    def weighed(kind: str, name: str, **settings) -> str:
        return layer(kind, name=name, initialisation="lecun", **settings)

    return network(
        weighed("Conv2d", "conv1", out_channels=6, kernel_size=5, padding=2) + act + half,
        weighed("Conv2d", "conv2", out_channels=16, kernel_size=5) + act + half,
        layer("Flatten"),
        weighed("Linear", "fc1", out_features=120) + act,
        weighed("Linear", "fc2", out_features=84) + act,
        weighed("Linear", "fc3", out_features="classes"),
    )


def _trials(source: str, epochs: int, batch_size: int, seeds: int, **more) -> tuple[Trial, ...]:
    usual = {"data": source, "epochs": epochs, "batch_size": batch_size, **more}
    trained = tuple(
        {
            "activation": name,
            "spec": _lenet5(name),
            "rate": rate,
            "schedule": "constant",
            **usual,
            "seed": seed,
        }
        for name in ACTIVATIONS
        for rate in RATES
        for seed in range(seeds)
    )
    specs = {name: _lenet5(name) for name in ACTIVATIONS}
    timed = ({"activation": TIME, "specs": specs, **usual, "seed": run} for run in range(RUNS))
    return (*trained, *timed)


def _measure(trial: Trial) -> dict[str, Any]:
    if trial["activation"] == TIME:
        return {"step_seconds": step_seconds(trial["specs"], trial["batch_size"])}
    trainer = trainer_of(trial)
    gradients = _gradients(trainer)
    for _ in trainer.fit():
        pass
    losses = [epoch["train_loss"] for epoch in trainer.progress.history]
    return both_sides(trainer) | {"loss_by_epoch": losses, "gradients": gradients}


def _gradients(trainer: Trainer) -> list[float]:
    """Root mean square of the loss's gradient by each layer's weights, before training.

    For one batch of the first training images, from the layer at the image to the answer.
    """
    task, model = trainer.task, trainer.network
    x = Tensor(data.to_floats(task.train.images[:IMAGES], task.scaling))
    model.loss_of(model(x), task.train.labels[:IMAGES]).backward()
    layers = training.layers_with_weights(model).values()
    sizes = [float(np.sqrt(np.square(one.weight.grad).mean())) for one in layers]
    model.zero_grad()
    return sizes


def _table(records: Sequence[Record]) -> Table:
    runs = [record["step_seconds"] for record in records if record["activation"] == TIME]
    times = {name: Spread(tuple(run[name] / run["ReLU"] for run in runs)) for name in ACTIVATIONS}
    cost = {name: spread.mean for name, spread in times.items()}
    epochs = records[0]["epochs"]
    # The time of the cheapest for all its epochs is the longest time that all have trained.
    longest = epochs * min(cost.values())
    rows = []
    for name in ACTIVATIONS:
        named = [r for r in records if r["activation"] == name]
        by_rate = [[r for r in named if r["rate"] == rate] for rate in RATES]
        own = min(by_rate, key=lambda group: Spread.of(group, "train_loss").mean)
        whole = [time for time in range(1, epochs + 1) if cost[name] <= time <= longest]

        def after(time, own=own, epoch=cost[name]):
            ends = epoch * np.arange(1, epochs + 1)
            return tuple(float(np.interp(time, ends, r["loss_by_epoch"])) for r in own)

        back = [[r["gradients"][~at] / r["gradients"][-1] for r in own] for at in range(LAYERS)]
        rows.append(
            {
                "activation": name,
                "rate": own[0]["rate"],
                "loss": Spread(after(epochs * cost[name])),
                "time": times[name],
                "loss_in_time": Spread(after(longest)),
                "accuracy": Spread.of(own, "test_accuracy"),
                "gradient": Spread(tuple(back[-1])),
                "by_epoch": [after(epoch * cost[name]) for epoch in range(1, epochs + 1)],
                "times": whole,
                "by_time": [after(time) for time in whole],
                "by_layer": back,
            }
        )
    columns = (
        Column("activation", "activation"),
        Column("rate", "its best rate", "number"),
        Column("loss", "training loss", "number"),
        Column("time", "relative time", "number"),
        Column("loss_in_time", "loss in equal time", "number"),
        Column("accuracy", "test accuracy", "%"),
        Column("gradient", "gradient, first / last layer", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    relu, *others = (table.row(activation=name) for name in ACTIVATIONS)
    statements = [
        Statement(
            f"ReLU learns faster than {row['activation']} by {word}",
            row[key],
            relu[key],
            LEAST,
            scale=RATIO,
        )
        for row in others
        for word, key in (("epoch", "loss"), ("time", "loss_in_time"))
    ]

    def said(key: str) -> str:
        return ", ".join(f"{row['activation']} {row[key].text()}" for row in table.rows)

    figures = (
        f"training loss {said('loss')}; the first layer's gradient before training, the last"
        f" layer's being 1: {said('gradient')}"
    )
    return judge(statements, "ReLU learns fastest, by epoch and by time", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    roles = {"ReLU": "output", "tanh": "input", "sigmoid": "window"}

    def lines(places: str | Sequence[int], values: str):
        return [
            viz.MeasuredLine(
                row["activation"],
                row[places] if isinstance(places, str) else places,
                row[values],
                role=roles[row["activation"]],
            )
            for row in result.table.rows
        ]

    epochs = range(1, len(result.table.rows[0]["by_epoch"]) + 1)
    panels = [
        viz.LinePanel("Loss by epoch", lines(epochs, "by_epoch"), "epoch", "training loss"),
        viz.LinePanel(
            "Gradient by layer",
            lines(range(LAYERS), "by_layer"),
            "layers back",
            "before training; last layer: 1",
        ),
        viz.LinePanel(
            "Loss by time", lines("times", "by_time"), "time, in epochs of ReLU", "training loss"
        ),
    ]
    return viz.line_panels(panels, **result.texts, theme=theme, size=size)


_NETWORKS = (
    "LeNet-5 with LeCun's initial weights and one activation throughout, at the best of the rates"
    f" {', '.join(map(str, RATES))} by the training loss, kept constant. Time is the processor's"
    " for a training step on one core, three runs."
)

EXPERIMENT = Experiment(
    name="activation",
    title="ReLU, tanh or sigmoid?",
    claim="ReLU trains faster than sigmoid and tanh, by epoch and by time, because its gradient"
    " does not vanish on the way to the first layers.",
    quick=Design(
        ("digits",), "6 epochs", _NETWORKS, _trials("digits", epochs=6, batch_size=32, seeds=5)
    ),
    full=Design(
        ("mnist",),
        "1,500 images a class, 6 epochs",
        _NETWORKS,
        _trials("mnist", epochs=6, batch_size=64, seeds=5, limit=1500),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
