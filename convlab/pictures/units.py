"""The units of a layer that a picture shows, and the test images presented to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab import insight, training
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Run
from convlab.words import t

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
    some, searched = first_test_images(run, images, data_dir)
    if layer == list(run.network.named_children())[-1][0]:
        kind, names = t("classes"), [run.classes[number] for number in numbers]
        what = t("; minus the penalties") if run.network.loss == "lecun-map" else t("; logits")
    else:
        kind, what = t("maps") if len(shape) == 3 else t("units"), ""
        form = "map {number}" if len(shape) == 3 else "unit {number}"
        names = [t(form, number) for number in numbers]
    if not units and shape[0] > FIRST:
        what += t("; first {n} of {shape} {kind}", len(numbers), shape[0], kind)
    return Chosen(run, layer, numbers, names, some, searched, what)


def drawn_box(box: tuple[int, int, int, int], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """What is drawn of what a unit sees, in an image of ``size`` (rows, columns).

    All of it, padding included; but of a field that is larger than the image, as deep networks
    have them, only the image, which would be a spot in the middle of padding.
    """
    top, left, bottom, right = box
    if bottom - top > size[0]:
        top, bottom = 0, size[0]
    if right - left > size[1]:
        left, right = 0, size[1]
    return top, left, bottom, right


def first_test_images(
    run: Run, images: int, data_dir: str | os.PathLike | None
) -> tuple[np.ndarray, str]:
    """The first test images of a run, of its network's input, and in words which these are."""
    test = run.test_set(data_dir)
    some = training.centred_images(test.images[:images], run.network.input_shape[1:])
    first = "" if len(some) == len(test) else t("the first {n:,} of ", len(some))
    return some, t("{first}{images}", first, run.of_test_images(len(test)))
