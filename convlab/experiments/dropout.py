"""Dropout in the dense layers of LeNet-5: what it prevents and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab.experiments.decision import NO_LESS, RATIO, Statement
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
from convlab.experiments.learning import layer, network
from convlab.experiments.timing import step_seconds

RATES = (0.0, 0.2, 0.5, 0.8)
LEAST, LEAST_LOSS, LEAST_GAP = 0.02, 1.1, 0.15  # of accuracy, a loss, and the gap
USUAL = 0.5  # Srivastava et al. 2014, for hidden layers
TIME = "time of a step"
RUNS = 3  # of the times


def _lenet5(*after_dense: str) -> str:
    """LeNet-5 with ``after_dense`` after each of its hidden dense layers."""
    act, half = layer("ReLU"), layer("MaxPool2d", kernel_size=2)
    return network(
        layer("Conv2d", out_channels=6, kernel_size=5, padding=2) + act + half,
        layer("Conv2d", out_channels=16, kernel_size=5) + act + half,
        layer("Flatten"),
        layer("Linear", out_features=120) + act + "".join(after_dense),
        layer("Linear", out_features=84) + act + "".join(after_dense),
        layer("Linear", out_features="classes", initialisation="glorot"),
    )


def _trials(
    source: str, little: tuple[int, int], much: tuple[int | None, int], seeds: int
) -> tuple[Trial, ...]:
    """``little`` and ``much``: images per class (None: all) and epochs."""
    usual = {"data": source, "batch_size": 32, "rate": 0.02}
    trained = tuple(
        {
            "amount": amount,
            "dropout": rate,
            "limit": limit,
            "epochs": epochs,
            "spec": _lenet5(layer("Dropout")),
            **usual,
            "seed": seed,
        }
        for amount, (limit, epochs) in (("little", little), ("much", much))
        for rate in RATES
        for seed in range(seeds)
    )
    specs = {str(rate): _lenet5(layer("Dropout", p=rate)) for rate in RATES}
    timed = ({"amount": TIME, "specs": specs, **usual, "seed": run} for run in range(RUNS))
    return (*trained, *timed)


def _measure(trial: Trial) -> dict[str, Any]:
    if trial["amount"] == TIME:
        return {"step_seconds": step_seconds(trial["specs"], trial["batch_size"])}
    return both_sides(fit(trial))


def _table(records: Sequence[Record]) -> Table:
    runs = [record["step_seconds"] for record in records if record["amount"] == TIME]
    rows = []
    for amount, rate in ((amount, rate) for amount in ("little", "much") for rate in RATES):
        own = [r for r in records if r["amount"] == amount and r["dropout"] == rate]
        time = Spread(tuple(run[str(rate)] / run[str(RATES[0])] for run in runs))
        rows.append(
            {
                "amount": amount,
                "images": own[0]["images"],
                "dropout": rate,
                "train_loss": Spread.of(own, "train_loss"),
                "test_loss": Spread.of(own, "test_loss"),
                "gap": Spread.of(own, "gap"),
                "accuracy": Spread.of(own, "test_accuracy"),
                "time": time,
            }
        )
    columns = (
        Column("images", "training images", "count"),
        Column("dropout", "dropout", "number"),
        Column("train_loss", "training loss", "number"),
        Column("test_loss", "test loss", "number"),
        Column("gap", "gap", "number"),
        Column("accuracy", "test accuracy", "%"),
        Column("time", "relative time", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    """Less overfitting on little data, slower learning on much, with half the units dropped."""
    (little, dropped), (much, slowed) = (
        [table.row(amount=amount, dropout=rate) for rate in (0.0, USUAL)]
        for amount in ("little", "much")
    )
    few, many = (f"on {row['images']:,} images" for row in (little, much))
    statements = [
        Statement(
            f"the gap shrinks {few}", little["gap"], dropped["gap"], LEAST_GAP, unit="number"
        ),
        Statement(
            f"the test loss falls {few}",
            little["test_loss"],
            dropped["test_loss"],
            LEAST_LOSS,
            scale=RATIO,
        ),
        Statement(
            f"accuracy does not fall {few}", dropped["accuracy"], little["accuracy"], LEAST, NO_LESS
        ),
        Statement(
            f"the gap shrinks more than {many}",
            _less(little["gap"], dropped["gap"]),
            _less(much["gap"], slowed["gap"]),
            LEAST_GAP,
            unit="number",
        ),
        Statement(
            f"learning is slower {many}",
            slowed["train_loss"],
            much["train_loss"],
            LEAST_LOSS,
            scale=RATIO,
        ),
    ]
    figures = (
        f"{few} dropout of {USUAL} takes the test loss from {little['test_loss'].text()} to"
        f" {dropped['test_loss'].text()} and accuracy from {little['accuracy'].text('%')} to"
        f" {dropped['accuracy'].text('%')}, {many} from {much['test_loss'].text()} to"
        f" {slowed['test_loss'].text()} and from {much['accuracy'].text('%')} to"
        f" {slowed['accuracy'].text('%')}; a training step takes {slowed['time'].text()} times as"
        " long"
    )
    return judge(statements, "Less overfitting on little data, slower learning", figures)


def _less(one: Spread, other: Spread) -> Spread:
    """one − other, by seed."""
    return Spread(tuple(a - b for a, b in zip(one.values, other.values, strict=True)))


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    by_amount = {
        amount: [row for row in result.table.rows if row["amount"] == amount]
        for amount in ("little", "much")
    }
    roles = {"little": "output", "much": "input"}

    def lines(key: str):
        return [
            viz.MeasuredLine(
                f"{rows[0]['images']:,}",
                RATES,
                [row[key].values for row in rows],
                roles[amount],
                dashed=amount == "much",
            )
            for amount, rows in by_amount.items()
        ]

    times = [row["time"].values for row in by_amount["little"]]
    panels = [
        viz.LinePanel(
            "Overfitting", lines("gap"), "rate of dropout", "test less training loss, by images"
        ),
        viz.LinePanel(
            "On new images", lines("test_loss"), "rate of dropout", "test loss, by images"
        ),
        viz.LinePanel(
            "What a step costs",
            [viz.MeasuredLine("time", RATES, times, "window")],
            "rate of dropout",
            "time, without dropout: 1",
            y_range=(0, 1),
        ),
    ]
    return viz.line_panels(panels, **result.texts, theme=theme, size=size)


_NETWORK = (
    "LeNet-5 with dropout behind both hidden dense layers, tested without; the weights of the end."
    " The gap is the test loss less the training loss. Time is the processor's for a"
    " training step on one core, three runs."
)

EXPERIMENT = Experiment(
    name="dropout",
    title="What does dropout give, and what does it cost?",
    claim="Dropout reduces overfitting, above all on little data, at the cost of slower training.",
    quick=Design(
        ("digits",),
        "20 a class for 40 epochs and all of them for 8, a tenth held out",
        _NETWORK,
        _trials("digits", little=(20, 40), much=(None, 8), seeds=5),
    ),
    full=Design(
        ("fashion-mnist",),
        "100 images a class for 30 epochs and 2,000 a class for 8, a tenth held out",
        _NETWORK,
        _trials("fashion-mnist", little=(100, 30), much=(2000, 8), seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
