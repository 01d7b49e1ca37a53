"""The size of a batch: at equally many epochs, and at equally many updates of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import models
from convlab.experiments.decision import RATIO, Statement
from convlab.experiments.fitting import both_sides, fit
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
from convlab.experiments.timing import step_seconds

SIZES = (4, 16, 64, 256)
NETWORK = "lenet5"
LEAST, LEAST_GAP = 1.5, 0.04  # of the training loss, and of the gap
TIME = "time of a step"
RUNS = 3  # of the times


def _trials(source: str, limit: int, epochs: int, updates: int, seeds: int) -> tuple[Trial, ...]:
    usual = {
        "model": NETWORK,
        "data": source,
        "limit": limit,
        "rate": 0.005,
        "schedule": "constant",
    }
    trained = tuple(
        {"fixed": fixed, "batch_size": size, **amount, **usual, "seed": seed}
        for fixed, amount in (("epochs", {"epochs": epochs}), ("updates", {"updates": updates}))
        for size in SIZES
        for seed in range(seeds)
    )
    timed = ({"fixed": TIME, **usual, "seed": run} for run in range(RUNS))
    return (*trained, *timed)


def _measure(trial: Trial) -> dict[str, Any]:
    if trial["fixed"] == TIME:
        specs = {NETWORK: models.read_spec(NETWORK).text}
        return {"step_seconds": {str(n): step_seconds(specs, n)[NETWORK] for n in SIZES}}
    return both_sides(fit(trial, updates=trial.get("updates")))


def _table(records: Sequence[Record]) -> Table:
    runs = [record["step_seconds"] for record in records if record["fixed"] == TIME]
    times = {
        size: Spread(tuple(run[str(size)] / size * SIZES[-1] / run[str(SIZES[-1])] for run in runs))
        for size in SIZES
    }
    rows = []
    for fixed, size in ((fixed, size) for fixed in ("epochs", "updates") for size in SIZES):
        own = [r for r in records if r["fixed"] == fixed and r["batch_size"] == size]
        batches = -(-own[0]["images"] // size)
        rows.append(
            {
                "fixed": f"{own[0][fixed]} {fixed}",
                "batch_size": size,
                "epochs": own[0]["epochs_trained"],
                "updates": own[0].get("updates", batches * own[0].get("epochs", 0)),
                "train_loss": Spread.of(own, "train_loss"),
                "test_loss": Spread.of(own, "test_loss"),
                "gap": Spread.of(own, "gap"),
                "accuracy": Spread.of(own, "test_accuracy"),
                "time": times[size],
            }
        )
    columns = (
        Column("fixed", "trained for"),
        Column("batch_size", "batch", "count"),
        Column("epochs", "epochs", "number"),
        Column("updates", "updates", "count"),
        Column("train_loss", "training loss", "number"),
        Column("test_loss", "test loss", "number"),
        Column("gap", "gap", "number"),
        Column("accuracy", "test accuracy", "%"),
        Column("time", "relative time of an image", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    statements, texts = [], []
    for fixed in dict.fromkeys(row["fixed"] for row in table.rows):
        small, large = (table.row(fixed=fixed, batch_size=SIZES[at]) for at in (0, -1))
        statements += [
            Statement(
                f"large batches underfit after {fixed}",
                large["train_loss"],
                small["train_loss"],
                LEAST,
                scale=RATIO,
            ),
            Statement(
                f"small batches overfit after {fixed}",
                small["gap"],
                large["gap"],
                LEAST_GAP,
                unit="number",
            ),
        ]
        texts.append(
            f"after {fixed} batches of {SIZES[-1]} have a training loss of"
            f" {large['train_loss'].text()} and a gap to the test of {large['gap'].text()}"
            f" (batches of {SIZES[0]}: {small['train_loss'].text()} and {small['gap'].text()})"
        )
    return judge(statements, "Large batches underfit and small ones overfit", "; ".join(texts))


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    rows = result.table.rows
    highest = max(row["test_loss"].mean + row["test_loss"].deviation for row in rows)
    panels = []
    for fixed in dict.fromkeys(row["fixed"] for row in rows):
        own = [row for row in rows if row["fixed"] == fixed]
        lines = [
            viz.MeasuredLine(name, SIZES, [row[key].values for row in own], role, dashed)
            for name, key, role, dashed in (
                ("test", "test_loss", "output", False),
                ("training", "train_loss", "input", True),
            )
        ]
        panels.append(
            viz.LinePanel(
                f"After {fixed}",
                lines,
                "images in a batch",
                "loss",
                logarithmic=True,
                y_range=(0, highest),
            )
        )
    times = [row["time"].values for row in own]
    panels.append(
        viz.LinePanel(
            "What an image costs",
            [viz.MeasuredLine("time", SIZES, times, "window")],
            "images in a batch",
            f"time, in batches of {SIZES[-1]}: 1",
            logarithmic=True,
            y_range=(0, 1),
        )
    )
    return viz.line_panels(panels, **result.texts, theme=theme, size=size)


_NETWORK = (
    "LeNet-5, at a constant rate of 0.005 with momentum 0.9 for all sizes; the weights of the end."
    " The gap is the test loss less the training loss. Time is the processor's for a training"
    " step on one core, three runs."
)

EXPERIMENT = Experiment(
    name="batch-size",
    title="How large should a batch be?",
    claim="Large batches underfit, small batches overfit.",
    quick=Design(
        ("digits",),
        "40 a class, a tenth of them held out",
        _NETWORK,
        _trials("digits", limit=40, epochs=8, updates=184, seeds=5),
    ),
    full=Design(
        ("mnist",),
        "300 images a class, a tenth of them held out",
        _NETWORK,
        _trials("mnist", limit=300, epochs=5, updates=845, seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
