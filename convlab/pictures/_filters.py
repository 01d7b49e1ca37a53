"""The weights that a network has learned."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from convlab import training, viz
from convlab.errors import ShapeError, SpecError
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import size_text
from convlab.training import Run
from convlab.words import joined, t

MOST_FRAMES = 60  # half a minute of animation; of more epochs this many, evenly spread


def filters(
    run: RunLike, layer: str | None = None, number: int | None = None, before: bool = False
) -> Picture:
    """The weights of a convolution: one picture per filter and input channel.

    ``layer``: a convolution, the first by default; ``number``: one filter from 0, all its
    input channels large; ``before``: also the weights before training, and what training changed.
    Raises SpecError for another layer, ShapeError for a filter that it lacks.
    """
    run = run_of(run)
    found = _found(run, layer, number)
    weights = {"weight": found.weight}
    result, labels, earlier = {}, None, None
    if before:
        earlier = training.initial_weights(run.folder)[f"{found.layer}.weight"][found.chosen]
        weights["before training"] = earlier
        result["after minus before"] = found.weight - earlier
        labels = t("before training"), run.weights_name
    ending = f", before training and {run.weights_name}" if before else ""
    subtitle = t("{name}; {what}", run.name, found.what)
    return Picture(
        f"{found.look['title']}, {run.name}",
        f"{subtitle}{ending}.",
        partial(
            viz.filters,
            found.weight,
            subtitle=subtitle,
            before=earlier,
            labels=labels,
            **found.look,
        ),
        parameters={"run": run.folder, "layer": found.layer, "filter": number},
        weights=weights,
        result=result,
    )


def filters_by_epoch(run: RunLike, layer: str | None = None, number: int | None = None) -> Picture:
    """``filters`` as an animation: one frame per epoch, first before training, on one scale.

    Raises the errors of ``filters``, and RunError for a run without snapshots.
    """
    run = run_of(run)
    found = _found(run, layer, number)
    kept = [0, *training.snapshot_epochs(run.folder)]
    places = np.linspace(0, len(kept) - 1, min(MOST_FRAMES, len(kept))).round().astype(int)
    epochs = [kept[place] for place in places]
    weights = {
        epoch: training.snapshot(run.folder, epoch)[f"{found.layer}.weight"][found.chosen]
        for epoch in epochs
    }
    largest = max(float(np.abs(w[np.isfinite(w)]).max(initial=0.0)) for w in weights.values())
    subtitle = joined([run.name, found.what], "; ")

    def frame(epoch: int, **look: Any):
        when = (
            t("after epoch {epoch} of {kept}", epoch, kept[-1]) if epoch else t("before training")
        )
        # Numbers whose digits come and go would distract from the change.
        return viz.filters(
            weights[epoch],
            subtitle=subtitle,
            # On a separate line, so that the grid below stays still from frame to frame.
            labels=(when,),
            limit=largest or None,
            numbers=False,
            **found.look,
            **look,
        )

    title = found.look["title"]
    return Picture(
        title,
        f"{title}, {subtitle}, from before training to epoch {epochs[-1]}.",
        partial(frame, epochs[-1]),
        lambda **look: (frame(epoch, **look) for epoch in epochs),
        parameters={
            "run": run.folder,
            "layer": found.layer,
            "filter": number,
            "epochs": epochs,
        },
        weights={"by epoch": weights},
    )


class _Found(NamedTuple):
    """A convolution's filters: ``chosen`` of them, ``what`` they are, and how they look."""

    layer: str
    chosen: slice
    weight: np.ndarray
    what: str
    look: dict[str, Any]


def _found(run: Run, layer: str | None, number: int | None) -> _Found:
    children = run.network.named_children()
    layers: dict[str, Any] = {n: m for n, m in children if m.family == "convolution"}
    if not layers:
        raise SpecError(f"filters: {run.network.name} has no convolution")
    first = next(iter(layers))
    layer = first if layer is None else layer
    if layer not in layers:
        raise SpecError(f"layer: expected a convolution, {', '.join(layers)}, got {layer!r}")
    weight = layers[layer].weight.numpy()
    out, per_filter, rows, columns = weight.shape
    if number is not None and number >= out:
        raise ShapeError(f"filter: expected 0 to {out - 1} of {layer}, got {number}")
    chosen = slice(None) if number is None else slice(number, number + 1)
    size = size_text(rows, columns, per_filter)
    table = layers[layer].connections_table
    look = {
        "title": t("Filters of {layer}", layer)
        if number is None
        else t("Filter {number} of {layer}", number, layer),
        "channels": ("red", "green", "blue") if layer == first and per_filter == 3 else None,
        "connected": None if table is None else table[chosen],
        "alone": number is not None and per_filter > 1,
    }
    what = t("{out} filters of {size}", out, size) if number is None else size
    return _Found(layer, chosen, weight[chosen], what, look)
