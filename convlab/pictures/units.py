"""The units of a layer that a picture shows, and the test images presented to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab import data, insight, training
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Run

FIRST = 16  # units of a layer if none are named


@dataclass(frozen=True, eq=False)
class Chosen:
    """Units of a layer of a run, and the test images presented to them.

    images: (N, C, H, W) uint8, of the network's input; ``searched`` says which they
    are; ``note`` what the last layer's outputs are, and that there are more units, or "".
    """

    run: Run
    layer: str
    numbers: list[int]
    names: list[str]
    images: np.ndarray
    searched: str
    note: str


def chosen_units(
    run: RunLike,
    layer: str | None = None,
    units: Sequence[int] = (),
    images: int = 1000,
    data_dir: str | os.PathLike | None = None,
) -> Chosen:
    """Units of the last convolution, or else the last layer, by default the first 16.

    ``images``: how many of the run's test images are presented, from the first on.
    Raises SpecError for a layer that does not exist, ShapeError for units that it
    lacks.
    """
    run = run_of(run)
    layer = insight.default_layer(run.network) if layer is None else layer
    shape = insight.layer_shape(run.network, layer)
    numbers = list(dict.fromkeys(units)) or list(range(min(FIRST, shape[0])))
    insight.check_units(run.network, layer, numbers)
    _, test = data.load(run.settings.data, data_dir=data_dir)
    some = training.centred_images(test.images[:images], run.network.input_shape[1:])
    if layer == list(run.network.named_children())[-1][0]:
        kind, names = "classes", [run.classes[number] for number in numbers]
        what = "; minus the penalties" if run.network.loss == "lecun-map" else "; logits"
    else:
        kind, what = "maps" if len(shape) == 3 else "units", ""
        names = [f"{kind[:-1]} {number}" for number in numbers]
    first = "" if len(some) == len(test) else f"the first {len(some):,} of "
    searched = f"{first}{len(test):,} test images"
    if not units and shape[0] > FIRST:
        what += f"; first {len(numbers)} of {shape[0]} {kind}"
    return Chosen(run, layer, numbers, names, some, searched, what)
