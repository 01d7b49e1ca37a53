"""Accuracy against shift: dense, convolutional, and convolutional with global pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convlab import insight
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
from convlab.experiments.learning import (
    dense,
    figures,
    layer,
    three_convolutions,
    train,
)
from convlab.experiments.sources import load_centred

LEAST = 0.03  # of accuracy on moved images
NETWORKS = {
    "dense": dense(300, 100),
    "convolution": three_convolutions(),
    "global pooling": three_convolutions(layer("AdaptiveMaxPool2d", output_size=1)),
}


def _trials(
    data: str, side: int, reach: int, epochs: int, seeds: int, **more: int
) -> tuple[Trial, ...]:
    return tuple(
        {
            "network": name,
            "spec": spec,
            "trained": trained,
            "augment": f"shift={reach}" if trained == "shifted" else "none",
            "data": data,
            "side": side,
            "reach": reach,
            "epochs": epochs,
            "optimizer": "adam",
            "rate": 0.008,
            **more,
            "seed": seed,
        }
        for trained in ("as they are", "shifted")
        for name, spec in NETWORKS.items()
        for seed in range(seeds)
    )


def _measure(trial: Trial) -> dict[str, Any]:
    trainer = train(trial, load_centred(trial["data"], trial["side"]))
    test = trainer.task.test
    shares = insight.accuracy_under_shift(
        trainer.network,
        test.images,
        test.labels,
        trainer.task.scaling,
        range(trial["reach"] + 1),
    )
    return figures(trainer) | {"by_shift": shares.mean(axis=1).tolist()}


def _table(records: Sequence[Record]) -> Table:
    reach, rows = records[0]["reach"], []
    for (name, trained), own in grouped(records, "network", "trained"):
        by_shift = {
            str(shift): Spread(tuple(r["by_shift"][shift] for r in own))
            for shift in range(reach + 1)
        }
        rows.append(
            {
                "network": name,
                "trained": trained,
                "parameters": own[0]["parameters"],
                **by_shift,
                "far": by_shift[str(reach)],
            }
        )
    shown = sorted({0, reach // 3, 2 * reach // 3, reach})
    columns = (
        Column("network", "network"),
        Column("trained", "training images"),
        Column("parameters", "parameters", "count"),
        *(Column(str(shift), f"shift {shift}", "%") for shift in shown),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    near, reach = table.columns[4].key, table.columns[-1].key
    plain, taught = (
        {name: table.row(network=name, trained=trained) for name in NETWORKS}
        for trained in ("as they are", "shifted")
    )
    far = {name: row[reach] for name, row in plain.items()}
    moved = f"at {reach} pixels"
    statements = [
        Statement(
            f"convolution is more tolerant than dense {moved}",
            far["convolution"],
            far["dense"],
            LEAST,
        ),
        Statement(
            f"global pooling is more tolerant than convolution {moved}",
            far["global pooling"],
            far["convolution"],
            LEAST,
        ),
        *(
            Statement(f"shifted images teach it to {name}", taught[name][reach], far[name], LEAST)
            for name in NETWORKS
        ),
    ]
    said = [f"{name} {far[name].text('%')}" for name in NETWORKS]
    learned = [taught[name][reach].text("%") for name in NETWORKS]
    figures = (
        f"at {near} pixels of shift dense has {plain['dense'][near].text('%')} and convolution"
        f" {plain['convolution'][near].text('%')}; {moved} {', '.join(said)} (after training on"
        f" shifted images {', '.join(learned)})"
    )
    return judge(statements, "Convolution helps, global pooling and shifted images more", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    roles = {"dense": "input", "convolution": "window", "global pooling": "output"}
    shifts = range(result.records[0]["reach"] + 1)
    lines = [
        viz.MeasuredLine(
            row["network"] + (", shifted" if row["trained"] == "shifted" else ""),
            shifts,
            [row[str(shift)].values for shift in shifts],
            role=roles[row["network"]],
            dashed=row["trained"] == "shifted",
        )
        for row in result.table.rows
    ]
    return viz.measured_lines(
        lines,
        x_label="shift of the test images in pixels",
        y_label="accuracy on the test set",
        y_range=(0, 1),
        **result.texts,
        theme=theme,
        size=size,
    )


_NETWORKS = (
    "784-300-100-10; three 3 × 3 convolutions and a dense layer; the same with global max pooling"
    " before it. Shifted training images: up to 6 pixels along each axis; accuracies are means"
    " over four directions."
)

EXPERIMENT = Experiment(
    name="translation",
    title="What does a shift cost?",
    claim="Convolution makes a network tolerant of shifts, global pooling more so, and training"
    " on shifted images teaches tolerance to any network.",
    quick=Design(
        ("digits",),
        "of 16 × 16 in fields of 28 × 28 pixels, 8 epochs",
        _NETWORKS,
        _trials("digits", side=16, reach=6, epochs=8, seeds=5),
    ),
    full=Design(
        ("mnist",),
        "2,000 images a class of 20 × 20 in fields of 28 × 28 pixels, 6 epochs",
        _NETWORKS,
        _trials("mnist", side=20, reach=6, epochs=6, seeds=5, limit=2000),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
