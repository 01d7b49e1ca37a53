"""Dense and convolutional networks on images whose pixels are permuted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from convlab.experiments.learning import dense, figures, load, permuted, three_convolutions, train

PIXELS = ("in their order", "permuted")
PERMUTATION = 1  # the seed of the one permutation of all images


def _trials(data: str, epochs: int, seeds: int) -> tuple[Trial, ...]:
    networks = {"dense": {"spec": dense(300, 100)}, "convolutional": {"spec": three_convolutions()}}
    return tuple(
        {
            "network": name,
            "pixels": pixels,
            **network,
            "data": data,
            "epochs": epochs,
            "rate": 0.02,
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
    for name, pixels in dict.fromkeys((r["network"], r["pixels"]) for r in records):
        own = [r for r in records if (r["network"], r["pixels"]) == (name, pixels)]
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
    signs, parts = {}, []
    for name in ("dense", "convolutional"):
        plain, other = (table.row(network=name, pixels=p)["accuracy"] for p in PIXELS)
        signs[name] = compare(other, plain).sign
        what = {1: "gains", 0: "does not change beyond the spread", -1: "loses"}[signs[name]]
        parts.append(f"{name} {what} ({plain.text('%')}, permuted {other.text('%')})")
    text = "; ".join(parts)
    if signs["dense"]:
        return Verdict(False, f"Not here, the permutation matters to the dense network: {text}.")
    if signs["convolutional"] > 0:
        return Verdict(False, f"Not here, convolution does better on permuted pixels: {text}.")
    if signs["convolutional"] < 0:
        return Verdict(True, f"Only convolution uses which pixels are neighbours: {text}.")
    return Verdict(None, f"Undecided, convolution does not clearly lose: {text}.")


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
    quick=Design(
        (
            "1,797 digits, 8 epochs, 3 seeds; mean ± standard deviation over the seeds.",
            _NETWORKS,
        ),
        _trials("digits", epochs=8, seeds=3),
    ),
    full=Design(
        (
            "Fashion-MNIST, 5 epochs, 3 seeds; mean ± standard deviation over the seeds.",
            _NETWORKS,
        ),
        _trials("fashion-mnist", epochs=5, seeds=3),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
