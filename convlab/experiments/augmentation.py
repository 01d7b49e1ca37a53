"""Training images shifted, rotated and flipped: digits, and cats and dogs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab.experiments.decision import Statement
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
    grouped,
    judge,
)
from convlab.experiments.sources import PETS, called

NONE = "as they are"
CHANGES = {
    NONE: "none",
    "shifted": "shift=2",
    "rotated": "rotate=15",
    "flipped": "flip",
}
LEAST = 0.015  # of accuracy
SHOWN = {"digits": "digits", "mnist": "digits of MNIST", PETS: PETS}


def _trials(source: str, limit: int | None, epochs: int, seeds: int) -> tuple[Trial, ...]:
    return tuple(
        {
            "changes": name,
            "augment": words,
            "data": source,
            "limit": limit,
            "epochs": epochs,
            "batch_size": 32,
            "rate": 0.02,
            "seed": seed,
        }
        for name, words in CHANGES.items()
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    return both_sides(fit(trial))


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (source, changes), own in grouped(records, "data", "changes"):
        rows.append(
            {
                "data": source,
                "images": own[0]["images"],
                "changes": changes,
                "accuracy": Spread.of(own, "test_accuracy"),
                "test_loss": Spread.of(own, "test_loss"),
                "train_accuracy": Spread.of(own, "train_accuracy"),
                "gap": Spread.of(own, "gap"),
            }
        )
    columns = (
        Column("data", "data"),
        Column("images", "training images", "count"),
        Column("changes", "training images are"),
        Column("accuracy", "test accuracy", "%"),
        Column("test_loss", "test loss", "number"),
        Column("train_accuracy", "training accuracy", "%"),
        Column("gap", "gap of the losses", "number"),
    )
    return Table(columns, tuple(rows))


def _expected(source: str) -> dict[str, int]:
    """What each change, by name, should do to the accuracy (1: raise it), where that is claimed."""
    flips = {"digits": -1, "mnist": -1, PETS: 1}
    return {"shifted": 1, "rotated": 1} | ({"flipped": flips[source]} if source in flips else {})


def _said(source: str) -> str:
    """What the images are called in a sentence."""
    return SHOWN.get(source) or called(source)


def _verdict(table: Table) -> Verdict:
    statements, texts = [], []
    for source in dict.fromkeys(row["data"] for row in table.rows):
        plain = table.row(data=source, changes=NONE)["accuracy"]
        parts = [f"{plain.text('%')} as they are"]
        for changes, sign in _expected(source).items():
            other = table.row(data=source, changes=changes)["accuracy"]
            pair = (other, plain) if sign > 0 else (plain, other)
            does = "help" if sign > 0 else "hurt"
            text = f"{_said(source)} that are {changes} {does}"
            statements.append(Statement(text, *pair, LEAST))
            parts.append(f"{changes} {other.text('%')}")
        texts.append(f"{_said(source)}: {', '.join(parts)}")
    return judge(statements, "What keeps the class helps, what does not hurts", "; ".join(texts))


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    rows = [
        viz.MeasuredRow(
            row["changes"],
            row["accuracy"].values,
            (row["train_accuracy"].text("%"),),
            group=f"{row['images']:,} {_said(row['data']).removeprefix('the ')}",
            role=_role(row["data"], row["changes"]),
        )
        for row in result.table.rows
    ]
    return viz.measured_rows(
        rows,
        label="accuracy on the test set",
        headings=("training accuracy",),
        **result.texts,
        theme=theme,
        size=size,
    )


def _role(source: str, changes: str) -> str:
    expected = _expected(source).get(changes)
    return {None: "quiet", 1: "output", -1: "mistake"}[expected]


_CHANGED = (
    "LeNet-5; each training image is changed anew in each epoch: shifted by up to 2 pixels along"
    " each axis, rotated by up to 15 degrees, mirrored left to right in half of the cases. Tested"
    " on images as they are, with the weights of the end."
)

EXPERIMENT = Experiment(
    name="augmentation",
    title="Which changes of the training images help?",
    claim="Shifted, rotated and flipped training images help a network to generalise, as long as"
    " the change keeps the class: flipped digits hurt.",
    quick=Design(
        ("digits",),
        "60 a class, a tenth of them held out, 15 epochs",
        _CHANGED,
        _trials("digits", limit=60, epochs=15, seeds=5),
    ),
    full=Design(
        ("mnist", PETS),
        "50 images a class for 40 epochs and 2,500 for 10, a tenth held out",
        _CHANGED,
        _trials("mnist", limit=50, epochs=40, seeds=10)
        + _trials(PETS, limit=2500, epochs=10, seeds=10),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
