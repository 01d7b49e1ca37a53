"""More layers or more maps: accuracy at equal multiply-adds."""

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
from convlab.experiments.learning import layer, network, train_and_test

WORDS = {1: "one layer", 2: "two layers", 4: "four layers"}
# Maps of every convolution by the number of convolutions, chosen so that the networks
# at one place in the lists take about the same multiply-adds.
MAPS = {1: (23, 53, 96), 2: (8, 13, 18), 4: (5, 8, 11)}


def _network(layers: int, maps: int) -> str:
    """A 3 x 3 convolution, then pooling; the others at half size, then pooling; a dense layer."""
    convolution = layer("Conv2d", out_channels=maps, kernel_size=3, padding=1) + layer("ReLU")
    halved = layer("MaxPool2d", kernel_size=2)
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    others = [convolution] * (layers - 1)
    return network(convolution, halved, *others, halved, layer("Flatten"), scores)


NETWORKS = {
    f"{WORDS[layers]} of {MAPS[layers][budget]} maps": (layers, budget)
    for budget in range(3)
    for layers in MAPS
}


def _trials(data: str, epochs: int, seeds: int) -> tuple[Trial, ...]:
    shared = {"data": data, "epochs": epochs, "optimizer": "adam", "rate": 0.005}
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
    for layers, budget in dict.fromkeys((r["layers"], r["budget"]) for r in records):
        own = [r for r in records if (r["layers"], r["budget"]) == (layers, budget)]
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
    budgets = dict.fromkeys(row["budget"] for row in table.rows)
    pairs = [
        [table.row(layers=layers, budget=budget) for layers in (most, least)] for budget in budgets
    ]
    signs = [compare(deep["accuracy"], wide["accuracy"]).sign for deep, wide in pairs]
    # Where more maps do better, else the largest networks.
    deep, wide = pairs[signs.index(-1) if -1 in signs else -1]
    text = (
        f"at {deep['multiply_adds']:,} multiply-adds {WORDS[most]} have"
        f" {deep['accuracy'].text('%')} with {deep['parameters']:,} parameters, {WORDS[least]} of"
        f" more maps {wide['accuracy'].text('%')} with {wide['parameters']:,}"
    )
    if min(signs) < 0:
        return Verdict(False, f"Not always, more maps can do better: {text}.")
    if signs[-1] > 0:
        return Verdict(True, f"More layers pay more than more maps: {text}.")
    return Verdict(None, f"Undecided, layers and maps do not differ beyond the spread: {text}.")


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
                group=f"about {round(first['multiply_adds'], -4):,} multiply-adds",
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
    "One, two and four 3 × 3 convolutions before a dense layer, two max poolings, trained with"
    " Adam; as many maps in each as make the multiply-adds alike."
)
EXPERIMENT = Experiment(
    name="depth",
    title="More layers or more maps?",
    claim="For the same multiply-adds, more layers are worth more than more maps.",
    quick=Design(
        (
            "1,797 digits, 8 epochs, 3 seeds; mean ± standard deviation.",
            SET_UP,
        ),
        _trials("digits", epochs=8, seeds=3),
    ),
    full=Design(
        (
            "Fashion-MNIST, 4 epochs, 3 seeds; mean ± standard deviation.",
            SET_UP,
        ),
        _trials("fashion-mnist", epochs=4, seeds=3),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
