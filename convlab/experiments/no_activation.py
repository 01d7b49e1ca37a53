"""One to four convolutions with and without ReLU: without it they are one linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab import data
from convlab.experiments.decision import ALIKE, RATIO, Statement
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
from convlab.experiments.learning import figures, layer, network, train
from convlab.nn import Sequential
from convlab.tape import no_grad
from convlab.tensors import Tensor

LAYERS = (1, 2, 3, 4)
LINEAR, RELU = "none", "ReLU"
SHOWN = (0, 3, 7)  # classes whose maps are shown; of fewer the first ones
LEAST, SAME = 0.01, 1e-3  # of accuracy; below SAME scores are the same
TESTED = 256  # images


def _network(layers: int, activation: str) -> str:
    """3 x 3 convolutions of 8 maps without padding, an activation after each, a dense layer."""
    between = layer(RELU) if activation == RELU else ""
    convolution = layer("Conv2d", out_channels=8, kernel_size=3) + between
    scores = layer("Linear", out_features="classes", initialisation="glorot")
    return network(*[convolution] * layers, layer("Flatten"), scores)


def _trials(source: str, seeds: int, **more: Any) -> tuple[Trial, ...]:
    shared = {"data": source, "optimizer": "adam", "rate": 0.002, **more}
    return tuple(
        {
            "layers": layers,
            "activation": activation,
            "spec": _network(layers, activation),
            **shared,
            "seed": seed,
        }
        for activation in (LINEAR, RELU)
        for layers in LAYERS
        for seed in range(seeds)
    )


def linear_map(net: Sequential) -> tuple[np.ndarray, np.ndarray]:
    """(weights (classes, C, H, W), bias (classes,)) of the one linear map that a network may be.

    Its scores for each image with a single pixel of 1, less those for the empty image, which are
    the bias: if the network is linear, all that it does.
    """
    channels, rows, columns = net.input_shape
    count = channels * rows * columns
    with no_grad():
        bias = net(Tensor(np.zeros((1, *net.input_shape), np.float32))).numpy()[0]
        pixels = np.eye(count, dtype=np.float32).reshape(count, *net.input_shape)
        parts = [net(Tensor(pixels[at : at + 256])).numpy() - bias for at in range(0, count, 256)]
    return np.concatenate(parts).T.reshape(-1, *net.input_shape), bias


def _measure(trial: Trial) -> dict[str, Any]:
    trainer = train(trial)
    net, task = trainer.network, trainer.task
    weights, bias = linear_map(net)
    images = data.to_floats(task.test.images[:TESTED], task.scaling)
    with no_grad():
        scores = net(Tensor(images)).numpy().astype(np.float64)
    mapped = np.tensordot(images.astype(np.float64), weights, ((1, 2, 3), (1, 2, 3))) + bias
    error = np.sqrt(np.square(mapped - scores).mean() / np.square(scores).mean())
    found = figures(trainer) | {"error": float(error)}
    if trial["activation"] == LINEAR and trial["seed"] == 0:
        shown = SHOWN if len(weights) > max(SHOWN) else range(min(len(SHOWN), len(weights)))
        maps = weights[list(shown)].mean(axis=1)
        found["maps"] = [[[float(f"{x:.4g}") for x in row] for row in one] for one in maps]
        found["names"] = [task.test.classes[at] for at in shown]
    return found


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (activation, layers), own in grouped(records, "activation", "layers"):
        rows.append(
            {
                "activation": activation,
                "layers": layers,
                "parameters": own[0]["parameters"],
                "accuracy": Spread.of(own, "test_accuracy"),
                "train_accuracy": Spread.of(own, "train_accuracy"),
                "error": Spread.of(own, "error"),
            }
        )
    columns = (
        Column("activation", "activation"),
        Column("layers", "convolutions", "count"),
        Column("parameters", "parameters", "count"),
        Column("accuracy", "test accuracy", "%"),
        Column("train_accuracy", "training accuracy", "%"),
        Column("error", "scores from one linear map, error", "number"),
    )
    return Table(columns, tuple(rows))


def _verdict(table: Table) -> Verdict:
    first, *_, last = LAYERS
    one, four = (table.row(activation=LINEAR, layers=layers) for layers in (first, last))
    bent = table.row(activation=RELU, layers=last)
    errors = [table.row(activation=LINEAR, layers=n)["error"].values for n in LAYERS]
    statements = [
        Statement(
            "one linear map gives the scores of any number without ReLU",
            Spread((SAME,)),
            Spread(tuple(map(max, zip(*errors, strict=True)))),
            least=1.0,
            scale=RATIO,
        ),
        Statement(
            f"{last} without ReLU are as accurate as {first}",
            four["accuracy"],
            one["accuracy"],
            LEAST,
            ALIKE,
        ),
        Statement(
            f"{last} with ReLU are more accurate than without",
            bent["accuracy"],
            four["accuracy"],
            LEAST,
        ),
    ]
    figures = (
        f"without ReLU {first} convolution has {one['accuracy'].text('%')}, {last} have"
        f" {four['accuracy'].text('%')}, with ReLU {bent['accuracy'].text('%')}"
    )
    return judge(statements, "Without ReLU depth is worth nothing", figures)


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    shown = {r["layers"]: r for r in result.records if "maps" in r}
    names = shown[LAYERS[0]]["names"]
    columns = [
        viz.KernelColumn(
            f"{layers} {'layer' if layers == 1 else 'layers'}",
            [np.array(one) for one in record["maps"]],
            [""] * len(names),
            "without ReLU: one map of the image for each class",
        )
        for layers, record in shown.items()
    ]
    lines = [
        viz.MeasuredLine(
            words,
            LAYERS,
            [table["accuracy"].values for table in rows],
            role,
        )
        for words, role, rows in (
            (words, role, [result.table.row(activation=name, layers=n) for n in LAYERS])
            for words, role, name in (("ReLU", "output", RELU), ("no activation", "input", LINEAR))
        )
    ]
    panel = viz.LinePanel(
        "Accuracy by depth", lines, "convolutions", "accuracy on the test set", unit="%"
    )
    return viz.learned_kernels(names, columns, panel, **result.texts, theme=theme, size=size)


_NETWORKS = (
    "One to four 3 × 3 convolutions of 8 maps and a dense layer, trained with Adam, with ReLU after"
    " each convolution or without. The maps are those of the first seed: the scores for one bright"
    " pixel at each place, less those for none. Error: root mean square of the difference between"
    " such a map's scores and the network's, as a share of its scores."
)

EXPERIMENT = Experiment(
    name="no-activation",
    title="What are layers without ReLU?",
    claim="Without a non-linearity any number of layers is one linear map and learns no more than"
    " one.",
    quick=Design(("digits",), "8 epochs", _NETWORKS, _trials("digits", seeds=5, epochs=8)),
    full=Design(
        ("fashion-mnist",),
        "1,000 images a class, 6 epochs",
        _NETWORKS,
        _trials("fashion-mnist", seeds=5, limit=1000, epochs=6),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
)
