"""Training until the validation loss stops falling, against continued training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab import training
from convlab.experiments.decision import NO_LESS, Statement
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
    grouped,
    judge,
)
from convlab.experiments.learning import figures, train

TO_THE_END = "to the end"
LEAST, LEAST_EPOCHS = 0.01, 5.0  # of accuracy, and epochs


def _policy(patience: int) -> str:
    return f"patience {patience}"


def _trials(data: str, limit: int, epochs: int, rate: float, seeds: int) -> tuple[Trial, ...]:
    policies = {TO_THE_END: None, _policy(5): 5, _policy(2): 2}
    return tuple(
        {
            "policy": policy,
            "patience": patience,
            "model": "lenet5",
            "data": data,
            "limit": limit,
            "epochs": epochs,
            "rate": rate,
            "schedule": "constant",
            "weight_decay": 0.0,
            "validation": 0.25,
            "seed": seed,
        }
        for policy, patience in policies.items()
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    trainer = train(trial, last=True)
    last = training.evaluate(trainer.network, trainer.task.test, trainer.task.scaling)
    trainer.network.load_state_dict(trainer.best)
    return figures(trainer) | {"last_accuracy": last.accuracy, "last_loss": last.loss}


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (policy,), own in grouped(records, "policy"):
        rows.append(
            {
                "policy": policy,
                "epochs": Spread.of(own, "epochs_trained"),
                "last": Spread.of(own, "last_accuracy"),
                "loss": Spread.of(own, "last_loss"),
                "best": Spread.of(own, "test_accuracy"),
            }
        )
    columns = (
        Column("policy", "trained"),
        Column("epochs", "epochs", "number"),
        Column("last", "test accuracy", "%"),
        Column("loss", "test loss", "number"),
        Column("best", "best epoch kept", "%"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    whole, stopped = table.row(policy=TO_THE_END), table.row(policy=_policy(5))
    statements = [
        Statement(
            "stopping saves epochs", whole["epochs"], stopped["epochs"], LEAST_EPOCHS, unit="number"
        ),
        Statement("it costs no accuracy", stopped["last"], whole["last"], LEAST, NO_LESS),
    ]
    figures = (
        f"with patience 5 training stops after {stopped['epochs'].mean:.1f} of"
        f" {whole['epochs'].mean:.0f} epochs with {stopped['last'].text('%')} on the test set and"
        f" a loss of {stopped['loss'].text()}; to the end it has {whole['last'].text('%')} and"
        f" {whole['loss'].text()}"
    )
    return judge(statements, "Stopping early saves epochs and costs no accuracy", figures)


def _by_epoch(records: Sequence[Record], key: str) -> list[list[float]]:
    """The seeds' values at each epoch."""
    return np.transpose([record["history"][key] for record in records]).tolist()


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    whole = [record for record in result.records if record["policy"] == TO_THE_END]
    epochs = range(1, whole[0]["epochs_trained"] + 1)
    marks = [
        (row["epochs"].mean, f"{row['policy']} stops: {row['last'].text('%')} on the test set")
        for row in result.table.rows
        if row["policy"] != TO_THE_END
    ]
    return viz.measured_lines(
        [
            viz.MeasuredLine("training", epochs, _by_epoch(whole, "train_loss"), role="input"),
            viz.MeasuredLine("validation", epochs, _by_epoch(whole, "validation_loss")),
        ],
        x_label="epoch",
        y_label="loss",
        unit="number",
        y_range=(0, 0),
        marks=marks,
        **result.texts,
        theme=theme,
        size=size,
    )


_POLICIES = (
    "Patience 2 and 5: stopped when the validation loss has not fallen for so many epochs. Test"
    " figures are those of the last weights."
)

EXPERIMENT = Experiment(
    name="early-stopping",
    title="When to stop training?",
    claim="Stopping when the validation loss has stopped falling saves much of a training and"
    " costs no accuracy.",
    quick=Design(
        ("digits",),
        "400 of them (100 for validation), LeNet-5, 40 epochs at a constant rate",
        _POLICIES,
        _trials("digits", limit=40, epochs=40, rate=0.02, seeds=5),
    ),
    full=Design(
        ("fashion-mnist",),
        "6,000 images (1,500 for validation), LeNet-5, 60 epochs at a constant rate",
        _POLICIES,
        _trials("fashion-mnist", limit=600, epochs=60, rate=0.02, seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
