"""How the weights of each layer are distributed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from convlab import training, viz
from convlab.errors import SpecError
from convlab.models import Network
from convlab.numerals import number
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Run
from convlab.words import t

MOST_EPOCHS = 8  # curves that can be drawn behind each other


def weights(run: RunLike, layer: str | None = None, by_epoch: bool = False) -> Picture:
    """Histograms of a network's weights, layer by layer, without biases.

    ``layer``: one of them, large; ``by_epoch``: how they developed, from the snapshots of the run.
    Raises SpecError for a layer without weights, RunError for a run without snapshots.
    """
    run = run_of(run)
    names = [name for name in run.network.state_dict() if name.endswith(".weight")]
    layers = {name.removesuffix(".weight"): name for name in names}
    if layer is not None and layer not in layers:
        raise SpecError(f"layer: expected one with weights, {', '.join(layers)}, got {layer!r}")
    chosen = {layer: layers[layer]} if layer is not None else layers
    states, when = _states(run, by_epoch)
    mask = {name: _connected(run.network, name) for name in chosen}
    found = {
        name: {epoch: state[key][mask[name]].ravel() for epoch, state in states.items()}
        for name, key in chosen.items()
    }
    numbers = {
        name: {epoch: viz.WeightNumbers.of(values) for epoch, values in by.items()}
        for name, by in found.items()
    }
    last = {name: list(by.values())[-1] for name, by in numbers.items()}
    sentences = [
        f"{name}: {of.count:,} weights, mean {number(of.mean)}, standard deviation"
        f" {number(of.deviation)}, {100 * of.near_zero:.2f} % below 0.001 in magnitude"
        for name, of in last.items()
    ]
    title = t("Weights of {layer}", layer) if layer is not None else t("Weights by layer")
    subtitle = t("{name}; {when}", run.name, when)
    return Picture(
        f"{title}, {run.name}",
        f"{title}, {subtitle}. {'; '.join(sentences)}.",
        partial(viz.weights, found, title=title, subtitle=subtitle),
        parameters={"run": run.folder, "layer": layer, "epochs": list(states)},
        weights=found,
        result={
            name: {epoch: vars(of) for epoch, of in by.items()} for name, by in numbers.items()
        },
    )


def _states(run: Run, by_epoch: bool) -> tuple[dict[int, dict[str, np.ndarray]], str]:
    """The network's numbers by epoch, and in words which epochs these are."""
    if not by_epoch:
        return {run.best_epoch: run.network.state_dict()}, run.weights_name
    kept = training.snapshot_epochs(run.folder)
    places = np.linspace(0, len(kept), min(MOST_EPOCHS, len(kept) + 1)).round().astype(int)
    epochs = [[0, *kept][place] for place in places]
    count = (
        t("{value} of {n}", len(epochs) - 1, len(kept)) if len(epochs) <= len(kept) else len(kept)
    )
    when = t(
        "before and after {count} epochs" if len(kept) > 1 else "before and after {count} epoch",
        count,
    )
    return {epoch: training.snapshot(run.folder, epoch) for epoch in epochs}, when


def _connected(network: Network, name: str) -> Any:
    """An index of the existing weights: in a table of connections not all exist."""
    table = getattr(dict(network.named_children())[name], "connections_table", None)
    return ... if table is None else table
