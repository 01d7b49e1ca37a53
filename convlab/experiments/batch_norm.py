"""Batch normalisation: what it does for learning at the usual rate and at ten times that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import training
from convlab.errors import DivergedError, NotFiniteError
from convlab.experiments.decision import Statement
from convlab.experiments.fitting import trainer_of
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

RATES = (0.01, 0.1)
LEAST_FIRST, LEAST_FAST = 0.12, 0.35  # of accuracy: after an epoch, and at ten times the rate
WITH, WITHOUT = "with batch normalisation", "without"


def _network(normalised: bool) -> str:
    """Six 3 x 3 convolutions, two poolings between them, global pooling and a dense layer."""

    def convolution(maps: int) -> str:
        settings = {"out_channels": maps, "kernel_size": 3, "padding": 1, "bias": not normalised}
        norm = layer("BatchNorm2d") if normalised else ""
        return layer("Conv2d", **settings) + norm + layer("ReLU")

    halved = layer("MaxPool2d", kernel_size=2)
    blocks = [convolution(maps) * 2 for maps in (8, 16, 32)]
    end = layer("AdaptiveAvgPool2d", output_size=1) + layer("Flatten")
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    return network(blocks[0], halved, blocks[1], halved, blocks[2], end, scores)


NETWORKS = {WITH: _network(True), WITHOUT: _network(False)}


def _trials(data: str, seeds: int, **more: int) -> tuple[Trial, ...]:
    usual = {"data": data, "batch_size": 32, "schedule": "constant", **more}
    return tuple(
        {"network": name, "spec": spec, "rate": rate, **usual, "seed": seed}
        for rate in RATES
        for name, spec in NETWORKS.items()
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    """Accuracy after each epoch on the images held out, and in the end on the test images.

    A training whose numbers are no longer finite guesses from then on.
    """
    trainer = trainer_of(trial)
    task = trainer.task
    guess = 1 / len(task.test.classes)
    try:
        for _ in trainer.fit():
            pass
        right = training.evaluate(trainer.network, task.test, task.scaling).accuracy
        finite = True
    except (DivergedError, NotFiniteError):
        right, finite = guess, False
    by_epoch = [record["validation_accuracy"] for record in trainer.progress.history]
    by_epoch += [guess] * (trial["epochs"] - len(by_epoch))
    images = len(task.train)
    return {"test_accuracy": right, "by_epoch": by_epoch, "finite": finite, "images": images}


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for rate, name in ((rate, name) for rate in RATES for name in NETWORKS):
        own = [r for r in records if r["rate"] == rate and r["network"] == name]
        rows.append(
            {
                "rate": rate,
                "network": name,
                "images": own[0]["images"],
                "first": Spread(tuple(r["by_epoch"][0] for r in own)),
                "accuracy": Spread.of(own, "test_accuracy"),
                "by_epoch": [
                    [r["by_epoch"][epoch] for r in own] for epoch in range(own[0]["epochs"])
                ],
            }
        )
    columns = (
        Column("rate", "rate", "number"),
        Column("network", "network"),
        Column("images", "training images", "count"),
        Column("first", "after an epoch", "%"),
        Column("accuracy", "test accuracy", "%"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    low, high = RATES
    (usual, plain), (fast, lost) = (
        [table.row(rate=rate, network=name) for name in NETWORKS] for rate in RATES
    )
    statements = [
        Statement(
            f"after an epoch at a rate of {low} accuracy is higher with it",
            usual["first"],
            plain["first"],
            LEAST_FIRST,
        ),
        Statement(
            f"at a rate of {high} accuracy is higher with it",
            fast["accuracy"],
            lost["accuracy"],
            LEAST_FAST,
        ),
    ]
    figures = "; ".join(
        f"at a rate of {rate} accuracy is {one['accuracy'].text('%')} with it and"
        f" {other['accuracy'].text('%')} without, after an epoch {one['first'].text('%')} and"
        f" {other['first'].text('%')}"
        for rate, one, other in ((low, usual, plain), (high, fast, lost))
    )
    return judge(statements, "It learns faster, and at ten times the rate", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    panels = []
    for rate in RATES:
        own = [row for row in result.table.rows if row["rate"] == rate]
        lines = [
            viz.MeasuredLine(
                row["network"],
                range(1, len(row["by_epoch"]) + 1),
                row["by_epoch"],
                "output" if row["network"] == WITH else "input",
                dashed=row["network"] == WITHOUT,
            )
            for row in own
        ]
        panels.append(
            viz.LinePanel(
                f"Rate {rate}",
                lines,
                "epochs",
                "accuracy on images held out",
                unit="%",
                y_range=(0, 1),
            )
        )
    return viz.line_panels(panels, **result.texts, theme=theme, size=size)


_SET_UP = (
    "Six 3 × 3 convolutions of 8 to 32 maps, with batch normalisation behind each or without, two"
    " poolings, global average pooling and a dense layer; SGD with momentum 0.9 at a constant rate;"
    " the weights of the end. A training whose numbers are no longer finite counts as a guess."
)
EXPERIMENT = Experiment(
    name="batch-norm",
    title="What does batch normalisation do?",
    claim="With batch normalisation a network learns faster, and also at ten times the rate.",
    quick=Design(
        ("digits",), "10 epochs, a tenth held out", _SET_UP, _trials("digits", epochs=10, seeds=5)
    ),
    full=Design(
        ("fashion-mnist",),
        "300 images a class, 5 epochs, a tenth held out",
        _SET_UP,
        _trials("fashion-mnist", limit=300, epochs=5, seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
