"""How the first filters of a run came about: what its snapshots have kept of them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from convlab import training
from convlab.errors import RunError
from convlab.training import Run

_MOST_BYTES = 2_400  # of filters, one a weight: a page stays small
_MOST_EPOCHS = 40


def epochs(run: Run) -> dict[str, Any] | None:
    """The filters of the first layer with weights, before training and after its epochs.

    None if the run has kept no snapshots, or if there is room for fewer than two epochs.  They are
    colours, a byte a weight: 127 for the largest of all.  Of many epochs some are left out, evenly;
    the last one stays.
    """
    try:
        numbers = [0, *training.snapshot_epochs(run.folder)]
        history = training.history(run.folder)
    except RunError:
        return None
    kept = [
        (name, layer.arrays()["weight"])
        for name, layer, _, _ in run.network.shapes()
        if "weight" in layer.arrays()
    ]
    if not kept:
        return None
    layer, first = kept[0]
    count = min(len(numbers), _MOST_EPOCHS, _MOST_BYTES // first.size)
    if count < 2:
        return None
    places = np.linspace(0, len(numbers) - 1, count).round().astype(int)
    chosen = [numbers[place] for place in places]
    weights = np.stack(
        [training.snapshot(run.folder, epoch)[f"{layer}.weight"].ravel() for epoch in chosen]
    )
    reach = np.abs(weights).max() or 1.0
    return {
        "layer": layer,
        "numbers": chosen,
        "accuracies": [history["validation_accuracy"][at - 1] if at else None for at in chosen],
        "losses": [history["validation_loss"][at - 1] if at else None for at in chosen],
        "reach": float(reach),
        "weights": base64.b64encode(np.rint(127 * weights / reach).astype(np.int8).data).decode(),
    }
