"""LeNet-5 as published and as it is built today, one change at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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

PUBLISHED, DISTORTED, MODERN = "as published", "as published, distortions", "+ input of today"
LEAST = 0.1  # % of the test images
# Test errors in % on MNIST (LeCun, Bottou, Bengio & Haffner 1998, section III.B).
PAPER = {PUBLISHED: 0.95, DISTORTED: 0.8}


def _lenet5(pooling: str, output: str, loss: str, activation: str) -> str:
    """LeNet-5 on images of 32 x 32 with a C3 that reads all maps; the other parts as named.

    activation: ScaledTanh or ReLU; pooling: Subsample2d, squashed as in 1998, or MaxPool2d.
    """
    initial = {"initialisation": "he" if activation == "ReLU" else "lecun"}
    squash = layer(activation)
    smaller = layer(pooling, kernel_size=2) + (squash if pooling == "Subsample2d" else "")
    convolutions = [
        layer("Conv2d", out_channels=maps, kernel_size=5, **initial) + squash
        for maps in (6, 16, 120)
    ]
    scores = {
        "EuclideanRBF": layer("EuclideanRBF", centres="digits-7x12"),
        "Linear": layer("Linear", out_features="classes", initialisation="glorot"),
    }
    text = network(
        convolutions[0],
        smaller,
        convolutions[1],
        smaller,
        convolutions[2],
        layer("Flatten"),
        layer("Linear", out_features=84, **initial) + squash,
        scores[output],
        input_shape="32x32x1",
    )
    return f'loss = "{loss}"\npixels = [-0.1, 1.175]\n{text}'


# What each row changes, in addition to the rows above it.  ReLU comes after the output layer has
# changed: before that F6 has to reach the -1 of the bitmaps.
STEPS: dict[str, Mapping[str, str]] = {
    PUBLISHED: {"model": "lenet5-1998"},
    "+ C3 reads all maps": {
        "spec": _lenet5("Subsample2d", "EuclideanRBF", "lecun-map", "ScaledTanh")
    },
    "+ max pooling": {"spec": _lenet5("MaxPool2d", "EuclideanRBF", "lecun-map", "ScaledTanh")},
    "+ linear output, no RBF": {"spec": _lenet5("MaxPool2d", "Linear", "lecun-map", "ScaledTanh")},
    "+ cross-entropy": {"spec": _lenet5("MaxPool2d", "Linear", "cross-entropy", "ScaledTanh")},
    "+ ReLU": {"spec": _lenet5("MaxPool2d", "Linear", "cross-entropy", "ReLU")},
    MODERN: {"model": "lenet5"},
}


def _trials(
    data: str, epochs: int, batch_size: int, seeds: int, distortions: str | None = None
) -> tuple[Trial, ...]:
    shared = {"data": data, "epochs": epochs, "batch_size": batch_size, "optimizer": "adam"}
    rows = {name: dict(step) for name, step in STEPS.items()}
    if distortions is not None:
        rows[DISTORTED] = {"model": "lenet5-1998", "augment": distortions}
    return tuple(
        {"network": name, **row, **shared, "seed": seed}
        for name, row in rows.items()
        for seed in range(seeds)
    )


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (name,), own in grouped(records, "network"):
        errors = Spread(tuple(100 * (1 - record["test_accuracy"]) for record in own))
        rows.append(
            {
                "network": name,
                "error": errors,
                "paper": PAPER.get(name),
                "parameters": own[0]["parameters"],
                "multiply_adds": own[0]["multiply_adds"],
                "data": own[0]["data"],
            }
        )
    columns = (
        Column("network", "network"),
        Column("parameters", "parameters", "count"),
        Column("multiply_adds", "multiply-adds", "count"),
        Column("paper", "1998, MNIST, %", "number"),
        Column("error", "test error, %", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    published, modern = (table.row(network=name) for name in (PUBLISHED, MODERN))
    steps = [table.row(network=name) for name in STEPS]
    before, row = max(
        zip(steps, steps[1:], strict=False),
        key=lambda pair: abs(pair[1]["error"].mean - pair[0]["error"].mean),
    )
    paper = f" ({published['paper']} % in 1998)" if published["data"] == "mnist" else ""
    figures = (
        f"the modern form errs in {modern['error'].text()} % of the test images, the published one"
        f" in {published['error'].text()} %{paper}; the largest single change is"
        f" {row['network'].removeprefix('+ ')}, {before['error'].text()} to"
        f" {row['error'].text()} %"
    )
    better = Statement(
        "the modern form errs less than the published one",
        published["error"],
        modern["error"],
        LEAST,
        unit="number",
    )
    return judge([better], "Today's parts are better", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    paper = next(column for column in result.table.columns if column.key == "paper")
    rows = [
        viz.MeasuredRow(
            row["network"],
            row["error"].values,
            (f"{row['parameters']:,}", paper.cell(row["paper"])),
            role={MODERN: "output", DISTORTED: "window"}.get(row["network"], "input"),
        )
        for row in result.table.rows
    ]
    published = result.table.row(network=PUBLISHED)
    known = published["data"] == "mnist"
    return viz.measured_rows(
        rows,
        label="test error in %",
        headings=("parameters", paper.heading),
        unit="number",
        reference=(PAPER[PUBLISHED], f"in 1998: {PAPER[PUBLISHED]} %") if known else None,
        **result.texts,
        theme=theme,
        size=size,
    )


SET_UP = (
    "Each row has the changes of the rows above it, one change a row, from LeCun et al. 1998,"
    " section II.B, to LeNet-5 as it is built today, with images of 28 × 28 padded by 2 and of mean"
    " 0; all trained alike, with Adam."
)
EXPERIMENT = Experiment(
    name="lenet-1998",
    title="LeNet-5 of 1998 and of today",
    claim="Today's parts, a full C3, max pooling, a linear output with cross-entropy and ReLU, make"
    " LeNet-5 better than it was published.",
    quick=Design(
        ("digits",),
        "8 epochs",
        SET_UP + " The paper's 0.95 % are those of MNIST.",
        _trials("digits", epochs=8, batch_size=32, seeds=5),
    ),
    full=Design(
        ("mnist",),
        "5 epochs",
        SET_UP + " Distortions: each image moved by up to 2 pixels, turned by up to 10 degrees"
        " and scaled by up to 10 %; in 1998 also sheared, and trained for longer.",
        _trials("mnist", 5, 64, 5, distortions="shift=2,rotate=10,scale=0.1"),
    ),
    measure=train_and_test,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
