"""A convolutional network against dense ones with as many parameters or as many multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence

from convlab.experiments.decision import Statement
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
from convlab.experiments.learning import dense, train_and_test

CONVOLUTIONAL = "LeNet-5"
LEAST = 0.005  # of accuracy
# LeNet-5 has 61,706 parameters and takes 416,520 multiply-adds for an image of 28 x 28.
DENSE = {
    "dense, same parameters": (74, 40),
    "dense, same multiply-adds": (450, 135),
    "dense 300-100": (300, 100),
}


def _trials(data: str, epochs: int, seeds: int, **more: int) -> tuple[Trial, ...]:
    networks = {CONVOLUTIONAL: {"model": "lenet5"}}
    networks |= {name: {"spec": dense(*hidden)} for name, hidden in DENSE.items()}
    return tuple(
        {"network": name, **network, "data": data, "epochs": epochs, **more, "seed": seed}
        for name, network in networks.items()
        for seed in range(seeds)
    )


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (name,), own in grouped(records, "network"):
        rows.append(
            {
                "network": name,
                "parameters": own[0]["parameters"],
                "multiply_adds": own[0]["multiply_adds"],
                "accuracy": Spread.of(own, "test_accuracy"),
                "loss": Spread.of(own, "test_loss"),
            }
        )
    columns = (
        Column("network", "network"),
        Column("parameters", "parameters", "count"),
        Column("multiply_adds", "multiply-adds", "count"),
        Column("accuracy", "test accuracy", "%"),
        Column("loss", "test loss", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    conv = table.row(network=CONVOLUTIONAL)
    others = [row for row in table.rows if row is not conv]
    best = max(others, key=lambda row: row["accuracy"].mean)
    statements = [
        Statement(
            f"{CONVOLUTIONAL} is more accurate than {row['network']}",
            conv["accuracy"],
            row["accuracy"],
            least=LEAST,
        )
        for row in others
    ]
    figures = (
        f"{CONVOLUTIONAL} with {conv['parameters']:,} parameters has"
        f" {conv['accuracy'].text('%')}, the best dense network"
        f" ({best['parameters']:,} parameters) {best['accuracy'].text('%')}"
    )
    return judge(statements, "Convolution wins against every dense network", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    rows = [
        viz.MeasuredRow(
            row["network"],
            row["accuracy"].values,
            (f"{row['parameters']:,}", f"{row['multiply_adds']:,}"),
            role="output" if row["network"] == CONVOLUTIONAL else "input",
        )
        for row in result.table.rows
    ]
    return viz.measured_rows(
        rows,
        label="accuracy on the test set",
        headings=("parameters", "multiply-adds"),
        **result.texts,
        theme=theme,
        size=size,
    )


_NETWORKS = "LeNet-5 against 784-74-40-10, 784-450-135-10 and 784-300-100-10, all trained alike."

EXPERIMENT = Experiment(
    name="dense-vs-conv",
    title="Dense or convolutional?",
    claim="A convolutional network beats a dense one on small images with fewer parameters,"
    " and at equal parameters and equal multiply-adds too.",
    quick=Design(("digits",), "8 epochs", _NETWORKS, _trials("digits", epochs=8, seeds=5)),
    full=Design(
        ("fashion-mnist",),
        "2,000 images a class, 8 epochs",
        _NETWORKS,
        _trials("fashion-mnist", epochs=8, seeds=5, limit=2000),
    ),
    measure=train_and_test,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
