"""A kernel found by gradient descent from pictures before and after it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from convlab import data, nn, random
from convlab.errors import DataError
from convlab.experiments.decision import RATIO, Statement
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
from convlab.experiments.sources import called, load
from convlab.kernels import device
from convlab.optim import SGD
from convlab.tensors import Tensor

KERNELS = {"sobel-x": "Sobel", "scharr-x": "Scharr", "gaussian:0.6": "Gaussian"}
SIDE = 5  # of the learned kernel
CROP = 28  # pixels of a picture seen at once
BATCH = 8
CLOSE = 0.01  # the distance below which a kernel counts as found
PHOTOGRAPH = "a photograph"
# Steps after which the kernel is kept, for the picture and the animation.
KEPT = (0, 1, 2, 4, 7, 10, 15, 20, 30, 45, 70, 100, 150, 200, 300, 450, 700, 1000, 1500, 2000, 3000)


def _trials(pictures: Sequence[str], steps: int, seeds: int) -> tuple[Trial, ...]:
    return tuple(
        {"kernel": kernel, "data": source, "steps": steps, "rate": 0.02, "seed": seed}
        for source in pictures
        for kernel in KERNELS
        for seed in range(seeds)
    )


def _pictures(source: str) -> np.ndarray:
    """Grey pictures (N, 1, H, W) of mean 0 and variance 1, float32.

    Raises DataError for pictures smaller than a piece, or all of one brightness.
    """
    if source == PHOTOGRAPH:
        pictures = data.photograph("china").mean(axis=2)[None, None]
    else:
        pictures = load(source)[0].images.mean(axis=1, keepdims=True, dtype=np.float32)
    rows, columns = pictures.shape[2:]
    if min(rows, columns) < CROP:
        raise DataError(
            f"{source}: expected pictures of at least {CROP} × {CROP} pixels,"
            f" got {rows} × {columns}"
        )
    if pictures.min() == pictures.max():
        raise DataError(f"{source}: expected pictures of more than one brightness")
    return ((pictures - pictures.mean()) / pictures.std()).astype(np.float32)


def _true_kernel(name: str) -> np.ndarray:
    """(SIDE, SIDE): the kernel in the middle, zeros around it."""
    from convlab.lessons import classic  # imports matplotlib, which a list of names does not need

    weights = classic.classic_kernel(name).weights[0]
    rows, columns = ((SIDE - length) // 2 for length in weights.shape)
    edges = ((rows, SIDE - rows - weights.shape[0]), (columns, SIDE - columns - weights.shape[1]))
    return np.pad(weights, edges)


def _measure(trial: Trial) -> dict[str, Any]:
    """Learn on one thread: a step is too little work for several."""
    threads = device.get_num_threads()
    device.set_num_threads(1)
    try:
        return _learn(trial)
    finally:
        device.set_num_threads(threads)


def _learn(trial: Trial) -> dict[str, Any]:
    """Learn a layer of one kernel, without a bias, from pieces of the pictures."""
    before, true = _pictures(trial["data"]), _true_kernel(trial["kernel"])
    filtered = _layer(trial["seed"])
    filtered.weight.data[0, 0] = true
    filtered.requires_grad_(False)
    layer = _layer(trial["seed"])
    optimizer = SGD(layer.parameters(), trial["rate"], momentum=0.9)
    generator = np.random.default_rng(trial["seed"])
    count, _, rows, columns = before.shape
    at = [step for step in KEPT if step < trial["steps"]] + [trial["steps"]]
    kernels, distances = [], []
    for step in range(trial["steps"] + 1):
        if step in at:
            kernel = layer.weight.numpy()[0, 0].astype(float)
            kernels.append(kernel.tolist())
            distances.append(float(np.linalg.norm(kernel - true) / np.linalg.norm(true)))
        places = zip(
            generator.integers(0, count, BATCH),
            generator.integers(0, rows - CROP + 1, BATCH),
            generator.integers(0, columns - CROP + 1, BATCH),
            strict=True,
        )
        x = Tensor(np.stack([before[n, :, y : y + CROP, x : x + CROP] for n, y, x in places]))
        difference = layer(x) - filtered(x)
        loss = (difference * difference).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {
        "at": at,
        "kernels": kernels,
        "distances": distances,
        "distance": distances[-1],
        "loss": 1e6 * loss.item() / float(np.square(filtered(x).numpy()).mean()),
        "true": true.tolist(),
    }


def _layer(seed: int) -> nn.Conv2d:
    random.manual_seed(seed)
    return nn.Conv2d(1, 1, SIDE, bias=False)


def _table(records: Sequence[Record]) -> Table:
    rows = []
    for (source, kernel), own in grouped(records, "data", "kernel"):
        found = [_close(r) for r in own]
        rows.append(
            {
                "data": source,
                "kernel": kernel,
                "steps": own[0]["steps"],
                "start": Spread(tuple(r["distances"][0] for r in own)),
                "distance": Spread.of(own, "distance"),
                "loss": Spread.of(own, "loss"),
                "found": max(steps[0] for steps in found) if all(found) else None,
            }
        )
    columns = (
        Column("data", "learned from"),
        Column("kernel", "kernel"),
        Column("start", "distance at the start", "number"),
        Column("steps", "steps", "count"),
        Column("distance", "distance", "number"),
        Column("found", f"below {CLOSE} after", "count"),
        Column("loss", "loss, millionths of the result's power", "number"),
    )
    return Table(columns, tuple(rows))


def _close(record: Record) -> list[int]:
    """The steps, of those kept, after which the kernel is found."""
    kept = zip(record["at"], record["distances"], strict=True)
    return [step for step, distance in kept if distance < CLOSE]


def _verdict(table: Table) -> Verdict:
    statements, texts = [], []
    for source in dict.fromkeys(row["data"] for row in table.rows):
        own = [row for row in table.rows if row["data"] == source]
        statements += [
            Statement(
                f"{KERNELS[row['kernel']]} is found from {_said(source)}",
                Spread((CLOSE,)),
                row["distance"],
                least=1.0,
                scale=RATIO,
            )
            for row in own
        ]
        worst = max(own, key=lambda row: row["distance"].mean)
        texts.append(
            f"{worst['distance'].text()} from {_said(source)} ({KERNELS[worst['kernel']]})"
        )
    figures = (
        f"after {table.rows[0]['steps']:,} steps the distance to the true kernel, as a share of its"
        f" length, is at most {', '.join(texts)}; below {CLOSE} it is found"
    )
    return judge(statements, "Gradient descent finds every kernel", figures)


def _said(source: str) -> str:
    """What the pictures are called in a sentence."""
    known = {PHOTOGRAPH: "the photograph", "digits": "the digits"}
    return known.get(source) or called(source)


def _sources(result: Result) -> list[str]:
    return list(dict.fromkeys(row["data"] for row in result.table.rows))


def _column(result: Result, source: str, step: int | None, group: str):
    """The kernels of the first seed after a step; None: the true ones."""
    from convlab import viz

    kernels, notes = [], []
    for name in KERNELS:
        own = [r for r in result.records if (r["data"], r["kernel"]) == (source, name)]
        if step is None:
            kernels.append(np.array(own[0]["true"]))
            notes.append("")
            continue
        at = own[0]["at"].index(step)
        kernels.append(np.array(own[0]["kernels"][at]))
        notes.append(f"{own[0]['distances'][at]:.{2 if own[0]['distances'][at] >= 0.1 else 4}f}")
    heading, is_target = ("", True) if step is None else (f"{step:,}", False)
    return viz.KernelColumn(heading, kernels, notes, group, is_target)


def _curve(result: Result, until: int):
    """Distance by step, for each kernel and picture; nothing after step ``until``."""
    from convlab import viz

    lines = []
    roles = dict(zip(KERNELS, ("output", "input", "window"), strict=True))
    sources = _sources(result)[:2]
    for source in sources:
        for name, title in KERNELS.items():
            own = [r for r in result.records if (r["data"], r["kernel"]) == (source, name)]
            steps = own[0]["at"][1:]
            values = [
                [r["distances"][at] if step <= until else np.nan for r in own]
                for at, step in enumerate(steps, 1)
            ]
            dashed = source != sources[0]
            text = f"{title}, {source}" if dashed else title
            lines.append(viz.MeasuredLine(text, steps, values, roles[name], dashed))
    highest = max(d for r in result.records for d in r["distances"][1:])
    return viz.LinePanel(
        "Distance to the true kernel",
        lines,
        "step",
        "length of difference / length of true kernel",
        unit="number",
        logarithmic=True,
        y_range=(0, highest),
    )


def _figure(result: Result, *, theme: str, size: str):
    from convlab import viz

    first, *others = _sources(result)
    last = result.table.rows[0]["steps"]
    group = f"{os.path.basename(first)}, after steps"
    columns = [_column(result, first, step, group) for step in (0, 30, last)]
    columns += [_column(result, source, last, source) for source in others[:1]]
    columns.append(_column(result, first, None, "true"))
    return viz.learned_kernels(
        list(KERNELS.values()),
        columns,
        _curve(result, last),
        **result.texts,
        theme=theme,
        size=size,
    )


def _frames(result: Result, *, theme: str, size: str):
    from convlab import viz

    sources = _sources(result)[:2]
    steps = result.records[0]["at"]
    texts = result.texts
    figures = []
    for step in steps:
        columns = [_column(result, one, step, os.path.basename(one)) for one in sources]
        columns.append(_column(result, sources[0], None, "true"))
        texts["verdict"] = f"Step {step:,} of {steps[-1]:,}"
        figures.append(
            viz.learned_kernels(
                list(KERNELS.values()),
                columns,
                _curve(result, step),
                **texts,
                theme=theme,
                size=size,
            )
        )
    return figures


_LEARNED = (
    "A 5 × 5 kernel, random at first, learned by gradient descent (rate 0.02, momentum 0.9) on the"
    " squared difference between its result and the true kernel's, 8 pieces of 28 × 28 pixels a"
    " step. Gaussian: σ = 0.6. Distance: length of the difference, as a share of the true kernel's."
)

_HOW = "kernels of the first seed, a scale a row"

EXPERIMENT = Experiment(
    name="learn-an-edge",
    title="Can a network find Sobel by itself?",
    claim="Gradient descent recovers Sobel, Scharr and a Gaussian from pictures before and after"
    " the filter alone.",
    quick=Design(
        (PHOTOGRAPH, "digits"), _HOW, _LEARNED, _trials((PHOTOGRAPH, "digits"), steps=1000, seeds=5)
    ),
    full=Design(
        (PHOTOGRAPH, "mnist", "fashion-mnist"),
        _HOW,
        _LEARNED,
        _trials((PHOTOGRAPH, "mnist", "fashion-mnist"), steps=3000, seeds=5),
    ),
    measure=_measure,
    table=_table,
    verdict=_verdict,
    figure=_figure,
    frames=_frames,
)
