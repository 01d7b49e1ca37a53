"""More layers or more maps: accuracy at equal weights and multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from convlab.experiments.learning import layer, network, train_and_test

LEAST = 0.02  # of accuracy
WORDS = {2: "two layers", 3: "three layers", 5: "five layers"}
# Maps of every convolution by the number of convolutions, chosen so that the networks
# at one place in the lists have about the same weights and multiply-adds.
MAPS = {2: (15, 31), 3: (11, 22), 5: (8, 16)}


def _network(layers: int, maps: int) -> str:
    """A 3 x 3 convolution, then pooling; the others at half size; global pooling, dense.

    All but the first and the last layer have 9 weights for each pair of maps and use each at 196
    places, so that as many weights are as many multiply-adds.
    """
    convolution = layer("Conv2d", out_channels=maps, kernel_size=3, padding=1) + layer("ReLU")
    halved, whole = layer("MaxPool2d", kernel_size=2), layer("AdaptiveAvgPool2d", output_size=1)
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    others = [convolution] * (layers - 1)
    return network(convolution, halved, *others, whole, layer("Flatten"), scores)


NETWORKS = {
    f"{WORDS[layers]} of {MAPS[layers][budget]} maps": (layers, budget)
    for budget in range(2)
    for layers in MAPS
}


def _trials(data: str, seeds: int, **more: int) -> tuple[Trial, ...]:
    shared = {"data": data, "optimizer": "adam", "rate": 0.005, **more}
    return tuple(
        {"network": name, "spec": _network(layers, MAPS[layers][budget]), **shared, "seed": seed}
        for name, (layers, budget) in NETWORKS.items()
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    layers, budget = NETWORKS[trial["network"]]
    more = {"layers": layers, "budget": budget, "maps": MAPS[layers][budget]}
    return train_and_test(trial) | more


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (layers, budget), own in grouped(records, "layers", "budget"):
        rows.append(
            {
                "layers": layers,
                "budget": budget,
                "maps": own[0]["maps"],
                "parameters": own[0]["parameters"],
                "multiply_adds": own[0]["multiply_adds"],
                "accuracy": Spread.of(own, "test_accuracy"),
            }
        )
    columns = (
        Column("layers", "layers", "count"),
        Column("maps", "maps", "count"),
        Column("multiply_adds", "multiply-adds", "count"),
        Column("parameters", "parameters", "count"),
        Column("accuracy", "test accuracy", "%"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    least, *_, most = WORDS
    statements, texts = [], []
    for budget in dict.fromkeys(row["budget"] for row in table.rows):
        deep, wide = (table.row(layers=layers, budget=budget) for layers in (most, least))
        statements.append(
            Statement(
                f"{WORDS[most]} of {deep['maps']} maps are more accurate than {WORDS[least]} of"
                f" {wide['maps']}",
                deep["accuracy"],
                wide["accuracy"],
                LEAST,
            )
        )
        texts.append(
            f"with {deep['parameters']:,} parameters {WORDS[most]} have"
            f" {deep['accuracy'].text('%')}, with {wide['parameters']:,} {WORDS[least]} have"
            f" {wide['accuracy'].text('%')}"
        )
    return judge(statements, "More layers pay more than more maps", "; ".join(texts))


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    roles = dict(zip(WORDS, ("input", "window", "output"), strict=True))
    least = min(WORDS)
    rows = []
    for row in result.table.rows:
        first = result.table.row(layers=least, budget=row["budget"])
        rows.append(
            viz.MeasuredRow(
                f"{WORDS[row['layers']]} of {row['maps']} maps",
                row["accuracy"].values,
                (f"{row['multiply_adds']:,}", f"{row['parameters']:,}"),
                group=f"about {round(first['parameters'], -2):,} parameters",
                role=roles[row["layers"]],
            )
        )
    return viz.measured_rows(
        rows,
        label="accuracy on the test set",
        headings=("multiply-adds", "parameters"),
        **result.texts,
        theme=theme,
        size=size,
    )


SET_UP = (
    "Two, three and five 3 × 3 convolutions, a max pooling after the first, global average pooling"
    " and a dense layer, trained with Adam; as many maps in each as make the weights and"
    " multiply-adds alike."
)
EXPERIMENT = Experiment(
    name="depth",
    title="More layers or more maps?",
    claim="For the same weights and multiply-adds, more layers are worth more than more maps.",
    quick=Design(("digits",), "24 epochs", SET_UP, _trials("digits", epochs=24, seeds=5)),
    full=Design(
        ("fashion-mnist",),
        "1,000 images a class, 8 epochs",
        SET_UP,
        _trials("fashion-mnist", limit=1000, epochs=8, seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
