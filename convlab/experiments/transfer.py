"""Convolutional layers learned on one data set, used with few pictures of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from convlab import data, models, training
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
from convlab.experiments.learning import settings_of, train
from convlab.experiments.sources import PETS, load, of_classes

LEAST = 0.02  # of accuracy
_LEAST_OF_PUBLISHED = 0.05  # with two classes the draw of few pictures matters more
FEW = 30  # pictures of a class, at most
FROZEN, TUNED, SCRATCH = "frozen", "fine-tuned", "from scratch"
IMAGENET, PUBLISHED, SMALL = "ImageNet", "efficientnet-lite0", "lenet5"
"""A source that somebody else trained on, the network that has learned it, and the one that is
trained from scratch beside it."""
# Sources by the names in the trials: a data set and some of its classes.
_SOURCES = {
    "even digits": ("digits", range(0, 10, 2)),
    "odd digits": ("digits", range(1, 10, 2)),
    "MNIST": ("mnist", range(10)),
    "Fashion-MNIST": ("fashion-mnist", range(10)),
    "cats and dogs": (PETS, range(2)),
}


def _trials(
    ways: Sequence[tuple[str, str]],
    counts: Sequence[int],
    base_epochs: int,
    updates: int,
    batch_size: int,
    seeds: int,
) -> tuple[Trial, ...]:
    return tuple(
        {
            "before": before,
            "after": after,
            "method": method,
            "per_class": count,
            "base_epochs": base_epochs,
            "updates": updates,
            "batch_size": batch_size,
            "rate": 0.01,
            "seed": seed,
        }
        for before, after in ways
        for seed in range(seeds)
        for method in (FROZEN, TUNED, SCRATCH)
        for count in counts
    )


def _datasets(source: str) -> tuple[data.Dataset, data.Dataset]:
    name, classes = _SOURCES[source]
    train_set, test = load(name)
    return of_classes(train_set, classes), of_classes(test, classes)


@lru_cache(maxsize=1)
def _learned(source: str, epochs: int, seed: int) -> dict[str, np.ndarray]:
    """The convolutional layers' weights after training on all images of the first set."""
    trainer = train({"model": "lenet5", "epochs": epochs, "seed": seed}, _datasets(source))
    state = trainer.network.state_dict()
    return {name: values for name, values in state.items() if name.startswith("conv")}


def _published_trials(
    after: str, counts: Sequence[int], updates: int, batch_size: int, seeds: int
) -> tuple[Trial, ...]:
    """Those with a network that has learned from ImageNet: its layers stay frozen."""
    networks = {FROZEN: PUBLISHED, SCRATCH: SMALL}
    rest = counts, 0, updates, batch_size, seeds
    return tuple(
        {**trial, "model": networks[trial["method"]]}
        for trial in _trials([(IMAGENET, after)], *rest)
        if trial["method"] in networks
    )


def _measure(trial: Trial) -> dict[str, Any]:
    images = trial["per_class"] * len(_SOURCES[trial["after"]][1])
    batches = -(-images // trial["batch_size"])
    settings = dataclasses.replace(
        settings_of(trial),
        model=trial.get("model", "lenet5"),
        epochs=max(1, round(trial["updates"] / batches)),
        freeze="conv" if trial["method"] == FROZEN else None,
    )
    task = (_task_of_published if settings.model == PUBLISHED else _task)(trial, settings)
    trainer = training.Trainer(settings, task)
    for _ in trainer.fit():
        pass
    test = trainer.test()
    return {
        "test_accuracy": test.accuracy,
        "test_loss": test.loss,
        "epochs_trained": settings.epochs,
        "trained_parameters": sum(p.size for p in trainer.optimizer.parameters),
    }


def _task(trial: Trial, settings: training.Settings) -> training.Task:
    """A small network and the few pictures, with weights of another set unless from scratch."""
    task = training.prepare(settings, datasets=_datasets(trial["after"]))
    few = data.limit_per_class(task.train, trial["per_class"], trial["seed"])
    task = _with_all(task, few, training.scaling_for(task.network, few))
    if trial["method"] != SCRATCH and trial["before"] != IMAGENET:
        _datasets(trial["before"])  # counts as read even if what was learned from it is known
        weights = _learned(trial["before"], trial["base_epochs"], trial["seed"])
        training.take_over(task.network, weights)
    return task


def _task_of_published(trial: Trial, settings: training.Settings) -> training.Task:
    """The published network with a new head, and the few pictures in the size that it takes."""
    network, form = _published()
    train, _ = _datasets(trial["after"])
    few = _enlarged(data.limit_per_class(train, trial["per_class"], trial["seed"]))
    settings = dataclasses.replace(settings, start_from=PUBLISHED, new_head=True)
    task = training.prepare(
        settings, datasets=(few, _enlarged_test(trial["after"])), preprocessing=form
    )
    training.take_over(task.network, network.state_dict(), new_head=True)
    return _with_all(task, few, task.scaling)


def _with_all(task: training.Task, few: data.Dataset, scaling: data.Scaling) -> training.Task:
    """No picture beyond the few may help: none is used to choose an epoch, the last weights count.

    All the few are trained on.
    """
    return dataclasses.replace(
        task, train=few, validation=few.subset(np.arange(1)), scaling=scaling
    )


@lru_cache(maxsize=1)
def _published() -> tuple[models.Network, training.Preprocessing]:
    return training.published(PUBLISHED)


def _enlarged(dataset: data.Dataset) -> data.Dataset:
    channels, *size = _published()[1].image_shape
    images = data.fit_images(dataset.images, (size[0], size[1]), channels)
    return dataclasses.replace(dataset, images=images)


@lru_cache(maxsize=1)
def _enlarged_test(source: str) -> data.Dataset:
    return _enlarged(_datasets(source)[1])


def _table(records: Sequence[Record]) -> Table:
    counts = sorted({record["per_class"] for record in records})
    rows = []
    for (before, after, method), own in grouped(records, "before", "after", "method"):
        rows.append(
            {
                "way": f"{before} → {after}",
                "method": method,
                "trained": own[0]["trained_parameters"],
                **{
                    str(n): Spread.of([r for r in own if r["per_class"] == n], "test_accuracy")
                    for n in counts
                },
            }
        )
    columns = (
        Column("way", "from → to"),
        Column("method", "convolutions"),
        Column("trained", "parameters trained", "count"),
        *(Column(str(count), f"{count} a class", "%") for count in counts),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    counts = [column.key for column in table.columns[3:]]
    statements, figures = [], []
    for way in dict.fromkeys(row["way"] for row in table.rows):
        by_method = {row["method"]: row for row in table.rows if row["way"] == way}
        frozen, scratch = by_method[FROZEN], by_method[SCRATCH]
        statements += [
            Statement(
                f"frozen filters win with {count} pictures a class ({way})",
                frozen[count],
                scratch[count],
                _LEAST_OF_PUBLISHED if way.startswith(IMAGENET) else LEAST,
            )
            for count in counts
            if int(count) <= FEW
        ]
        few = counts[0]
        said = ", ".join(f"{name} {row[few].text('%')}" for name, row in by_method.items())
        figures.append(f"{way} with {few} pictures a class: {said}")
    return judge(
        statements, "Filters learned elsewhere help where pictures are few", "; ".join(figures)
    )


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    roles = {FROZEN: "window", TUNED: "output", SCRATCH: "input"}
    table = result.table
    keys = [column.key for column in table.columns[3:]]
    ways = list(dict.fromkeys(row["way"] for row in table.rows))
    dashes = dict(zip(ways, (False, True, (1.0, 1.5)), strict=False))
    shown = [row for row in table.rows if len(ways) < 3 or row["method"] != TUNED]
    lines = [
        viz.MeasuredLine(
            row["method"] if len(ways) == 1 else f"{row['method']}: {row['way'].split(' → ')[1]}",
            [int(key) for key in keys],
            [row[key].values for key in keys],
            role=roles[row["method"]],
            dashed=dashes[row["way"]],
        )
        for row in shown
    ]
    return viz.measured_lines(
        lines,
        x_label="training pictures a class",
        y_label="accuracy on the test set",
        logarithmic=True,
        **result.texts,
        theme=theme,
        size=size,
    )


_COUNTS = (10, 30, 100, 300)
_BETWEEN_CLOTHES_AND_DIGITS = Design(
    ("mnist", "fashion-mnist"),
    "10 to 300 pictures of each class of one after all of the other",
    "LeNet-5, 2 epochs on all of the first set; then new dense layers and 300 updates with"
    " 32 pictures each: convolutions frozen, trained on (fine-tuned), or new (from"
    " scratch).",
    _trials(
        [("MNIST", "Fashion-MNIST"), ("Fashion-MNIST", "MNIST")],
        _COUNTS,
        base_epochs=2,
        updates=300,
        batch_size=32,
        seeds=10,
    ),
)

EXPERIMENT = Experiment(
    name="transfer",
    title="Filters learned on other pictures",
    claim=f"Where pictures are few, {FEW} a class or less, convolutional layers that were learned"
    " on another set and frozen under new dense layers beat training from scratch.",
    quick=Design(
        ("even digits", "odd digits"),
        "3 to 100 pictures of each odd digit",
        "LeNet-5, 6 epochs on the even digits; then new dense layers and 150 updates with 16"
        " pictures each: convolutions frozen, trained on (fine-tuned), or new (from scratch).",
        _trials(
            [("even digits", "odd digits")],
            (3, 10, 30, 100),
            base_epochs=6,
            updates=150,
            batch_size=16,
            seeds=10,
        ),
    ),
    full=dataclasses.replace(
        _BETWEEN_CLOTHES_AND_DIGITS,
        data=(*_BETWEEN_CLOTHES_AND_DIGITS.data, PETS),
        how="10 to 300 pictures of each class, after all of another set",
        networks=f"{_BETWEEN_CLOTHES_AND_DIGITS.networks} ImageNet: EfficientNet-Lite0, frozen,"
        " beside LeNet-5 from scratch.",
        trials=(
            *_BETWEEN_CLOTHES_AND_DIGITS.trials,
            *_published_trials("cats and dogs", _COUNTS, updates=300, batch_size=32, seeds=10),
        ),
    ),
    reduced=_BETWEEN_CLOTHES_AND_DIGITS,
    lacking=partial(training.why_not_published, PUBLISHED),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
