"""Training images shifted, rotated and flipped: digits, and cats and dogs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convlab.data import Dataset
from convlab.data.sources import VARIABLE
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
    compare,
)
from convlab.experiments.learning import load, of_classes

NONE = "as they are"
CHANGES = {
    NONE: "none",
    "shifted": "shift=2",
    "rotated": "rotate=15",
    "flipped": "flip",
}
PETS = "cats and dogs"
SHOWN = {"mnist": "digits of MNIST"}  # where the data set's name alone does not say enough
_CIFAR10_CLASSES = (3, 5)  # cat, dog


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


def _pets() -> tuple[Dataset, Dataset]:
    """(train, test) of CIFAR-10's cats and dogs: from a folder cats-dogs, or the whole set."""
    own = os.environ.get(VARIABLE)
    folder = Path(own).expanduser() / "cats-dogs" if own else None
    if folder is not None and folder.is_dir():
        return load(str(folder))
    train, test = (of_classes(dataset, _CIFAR10_CLASSES) for dataset in load("cifar10"))
    return train, test


def _measure(trial: Trial) -> dict[str, Any]:
    datasets = _pets() if trial["data"] == PETS else None
    return both_sides(fit(trial, datasets))


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for source, changes in dict.fromkeys((r["data"], r["changes"]) for r in records):
        own = [r for r in records if (r["data"], r["changes"]) == (source, changes)]
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
    """What each change, by name, should do to the accuracy (1: raise it)."""
    flip = 1 if source == PETS else -1
    return {"shifted": 1, "rotated": 1, "flipped": flip}


def _verdict(table: Table) -> Verdict:
    agreements, texts = [], []
    for source in dict.fromkeys(row["data"] for row in table.rows):
        plain = table.row(data=source, changes=NONE)["accuracy"]
        parts = []
        for changes, sign in _expected(source).items():
            other = table.row(data=source, changes=changes)["accuracy"]
            found = compare(other, plain).sign
            agreements.append(sign * found)
            word = {1: "helps", 0: "is undecided", -1: "hurts"}[found]
            parts.append(f"{changes} {word} ({other.text('%')})")
        said = [f"{plain.text('%')} as they are", *parts]
        texts.append(f"{SHOWN.get(source, source)}: {', '.join(said)}")
    text = "; ".join(texts)
    if min(agreements) > 0:
        return Verdict(True, f"What keeps the class helps, what does not hurts: {text}.")
    if min(agreements) < 0:
        return Verdict(False, f"Not all of it here: {text}.")
    return Verdict(None, f"Undecided, not all is beyond the spread: {text}.")


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    rows = [
        viz.MeasuredRow(
            row["changes"],
            row["accuracy"].values,
            (row["train_accuracy"].text("%"),),
            group=f"{row['images']:,} {SHOWN.get(row['data'], row['data'])}",
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
    if changes == NONE:
        return "quiet"
    return "output" if _expected(source)[changes] > 0 else "mistake"


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
        (
            "60 digits a class, a tenth of them held out, 15 epochs, 3 seeds; mean ± standard"
            " deviation over the seeds.",
            _CHANGED,
        ),
        _trials("digits", limit=60, epochs=15, seeds=3),
    ),
    full=Design(
        (
            "MNIST, 50 images a class, 40 epochs; cats and dogs of CIFAR-10, 2,500 a class, 10"
            " epochs; a tenth held out, 3 seeds; mean ± standard deviation over the seeds.",
            _CHANGED,
        ),
        _trials("mnist", limit=50, epochs=40, seeds=3)
        + _trials(PETS, limit=2500, epochs=10, seeds=3),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
