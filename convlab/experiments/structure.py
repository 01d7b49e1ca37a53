"""Dense and convolutional networks on images whose pixels are permuted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab.experiments.decision import ALIKE, Statement
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
from convlab.experiments.learning import dense, figures, three_convolutions, train
from convlab.experiments.sources import load, permuted

NAMES = ("dense", "convolutional")
PIXELS = ("in their order", "permuted")
LEAST = 0.01  # of accuracy
PERMUTATION = 1  # the seed of the one permutation of all images


def _trials(data: str, epochs: int, seeds: int, **more: int) -> tuple[Trial, ...]:
    networks = {"dense": {"spec": dense(300, 100)}, "convolutional": {"spec": three_convolutions()}}
    return tuple(
        {
            "network": name,
            "pixels": pixels,
            **network,
            "data": data,
            "epochs": epochs,
            "rate": 0.02,
            **more,
            "seed": seed,
        }
        for name, network in networks.items()
        for pixels in PIXELS
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    datasets = load(trial["data"])
    if trial["pixels"] == "permuted":
        learned, tested = datasets
        datasets = permuted(learned, PERMUTATION), permuted(tested, PERMUTATION)
    return figures(train(trial, datasets))


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (name, pixels), own in grouped(records, "network", "pixels"):
        accuracy, loss = Spread.of(own, "test_accuracy"), Spread.of(own, "test_loss")
        rows.append({"network": name, "pixels": pixels, "accuracy": accuracy, "loss": loss})
    columns = (
        Column("network", "network"),
        Column("pixels", "pixels"),
        Column("accuracy", "test accuracy", "%"),
        Column("loss", "test loss", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    (dense, shuffled), (conv, confused) = pairs = [
        [table.row(network=name, pixels=pixels)["accuracy"] for pixels in PIXELS] for name in NAMES
    ]
    statements = [
        Statement("a dense network does not care", dense, shuffled, LEAST, ALIKE),
        Statement("a convolutional network loses accuracy", conv, confused, LEAST),
    ]
    figures = ", ".join(
        f"{name} {plain.text('%')} and permuted {other.text('%')}"
        for name, (plain, other) in zip(NAMES, pairs, strict=True)
    )
    return judge(statements, "Only convolution uses which pixels are neighbours", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    rows = [
        viz.MeasuredRow(
            f"pixels {row['pixels']}",
            row["accuracy"].values,
            group=row["network"],
            role="output" if row["network"] == "convolutional" else "input",
        )
        for row in result.table.rows
    ]
    return viz.measured_rows(
        rows, label="accuracy on the test set", **result.texts, theme=theme, size=size
    )


_NETWORKS = (
    "784-300-100-10 against three 3 × 3 convolutions with one dense layer behind them; one"
    " permutation for all images, those of the test too."
)

EXPERIMENT = Experiment(
    name="structure",
    title="Does it matter where a pixel stands?",
    claim="A dense network does not care if all pixels are shuffled by one fixed permutation;"
    " a convolutional one does.",
    quick=Design(("digits",), "8 epochs", _NETWORKS, _trials("digits", epochs=8, seeds=5)),
    full=Design(
        ("fashion-mnist",),
        "2,000 images a class, 8 epochs",
        _NETWORKS,
        _trials("fashion-mnist", epochs=8, seeds=5, limit=2000),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
