"""What ``render maximise`` and ``render top-patches`` share: the units of a layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING

import click
from convlab_cli import options

if TYPE_CHECKING:
    import numpy as np

    from convlab.training import Run

FIRST = 16  # units of a layer where none are named


@dataclass(frozen=True, eq=False)
class Chosen:
    """Units of a layer of a run, and the test images that they are shown.

    images: (N, C, H, W) uint8, of the network's input; ``searched`` says which they
    are; ``note`` what the last layer's answers are, and that there are more units, or "".
    """

    run: Run
    layer: str
    numbers: list[int]
    names: list[str]
    images: np.ndarray
    searched: str
    note: str


def arguments(function):
    """RUN, ``--layer``, ``--unit`` and ``--images`` of a command, as one argument ``chosen``."""

    @wraps(function)
    def command(run, layer, unit, images, data_dir, **settings):
        return function(chosen=_chosen(run, layer, unit, images, data_dir), **settings)

    for option in (
        options.device,
        options.data_dir,
        click.option(
            "--images",
            type=click.IntRange(1, 10_000),
            default=1000,
            show_default=True,
            help="How many of the test images are looked at, from the first on.",
        ),
        click.option(
            "--unit",
            type=click.IntRange(0, options.MOST),
            multiple=True,
            metavar="MAP",
            help=f"Number of a map, unit or class, from 0; can be repeated.  [default: the first"
            f" {FIRST}]",
        ),
        click.option("--layer", help="By default the last convolution, or else the last layer."),
        options.run_argument,
    ):
        command = option(command)
    return command


def _chosen(run, layer, unit, images, data_dir) -> Chosen:
    from convlab import data, insight, training

    run = options.load_run(run)
    layer = layer or insight.default_layer(run.network)
    shape = insight.layer_shape(run.network, layer)
    numbers = list(dict.fromkeys(unit)) or list(range(min(FIRST, shape[0])))
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
    if not unit and shape[0] > FIRST:
        what += f"; first {len(numbers)} of {shape[0]} {kind}"
    return Chosen(run, layer, numbers, names, some, searched, what)
