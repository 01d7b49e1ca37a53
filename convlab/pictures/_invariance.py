"""How much accuracy a shift of the test images costs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from convlab import insight, training, viz
from convlab.data import Dataset
from convlab.errors import SpecError
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.pictures.transformed import shift_words
from convlab.terminal import Block, Line, Table
from convlab.training import Run
from convlab.words import t

MOST = 4  # runs in one picture


def invariance(
    run: RunLike,
    against: Sequence[RunLike] = (),
    shifts: Sequence[int] = (0, 1, 2, 3, 4, 5, 6),
    *,
    direction: str = "all",
    border: str = "zeros",
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Accuracy on the test set when all its images are shifted, for a run and others beside it.

    Training on shifted images teaches invariance as well: to see what the network itself
    contributes, compare runs that were trained on unshifted images.
    ``against``: up to three runs on the same data; ``shifts``: pixels; ``direction``: down, up,
    right, left, or all for the mean over the four; ``border``: what a shift brings in, what left on
    the other side (circular) or black (zeros).
    Raises SpecError for runs that cannot be compared and for settings out of range.
    """
    if len(against) >= MOST:
        raise SpecError(f"against: expected at most three runs, got {len(against)}")
    runs = [run_of(one) for one in (run, *against)]
    _, test = runs[0].datasets(data_dir)
    directions = tuple(insight.DIRECTIONS) if direction == "all" else (direction,)
    shares = _shares(runs, test, shifts, directions, border)
    means = {name: share.mean(axis=1) for name, share in shares.items()}
    networks = [one.network.name for one in runs]
    drawn = dict(zip(networks, means.values(), strict=True))
    drawn = drawn if len(drawn) == len(means) else means  # runs of one network by their folders
    title = t("What a shift of the image costs")
    subtitle = shift_words(runs, len(test), direction, border)
    order = np.argsort(shifts)
    described = "; ".join(
        f"{name} from {100 * values[order[0]]:.1f} % at {shifts[order[0]]} to"
        f" {100 * values[order[-1]]:.1f} % at {shifts[order[-1]]} pixels"
        for name, values in means.items()
    )
    return Picture(
        title,
        f"{title}; {subtitle}. Accuracy of {described}.",
        partial(viz.invariance, shifts, drawn, title=title, subtitle=subtitle),
        parameters={
            "runs": [one.folder for one in runs],
            "networks": networks,
            "augmentation": [one.settings.augment for one in runs],
            "shifts": shifts,
            "directions": directions,
            "border": border,
        },
        inputs={"data": runs[0].settings.data, "test images": len(test)},
        result={
            name: {"accuracy": means[name], "by direction": share} for name, share in shares.items()
        },
        lines=partial(_lines, subtitle, shifts, means),
    )


def _lines(
    words: str, shifts: Sequence[int], means: dict[str, np.ndarray]
) -> Iterator[Line | Block]:
    """A row for the accuracy of each run, a column per shift."""
    yield words
    rows = [("shift", *map(str, shifts))]
    rows += [
        (name, *(t("{value:.2f} %", 100 * v) for v in values)) for name, values in means.items()
    ]
    columns = range(1, len(rows[0]))
    yield Table(rows, columns, (*columns[1::2], *columns[2::2]))


def _shares(
    runs: Sequence[Run],
    test: Dataset,
    shifts: Sequence[int],
    directions: Sequence[str],
    border: str,
) -> dict[str, np.ndarray]:
    """The accuracy (shifts, directions) of each run, by the name of its folder."""
    shares = {}
    for name, one in _named(runs).items():
        shares[name] = insight.accuracy_under_shift(
            one.network,
            training.centred_images(test.images, one.network.input_shape[1:]),
            test.labels,
            one.scaling,
            shifts,
            border=border,
            directions=directions,
        )
    return shares


def _named(runs: Sequence[Run]) -> dict[str, Run]:
    """Runs by the names of their folders.  Raises SpecError for those that cannot be compared."""
    first, named = runs[0], {}
    for one in runs:
        same = (one.classes, one.image_shape) == (first.classes, first.image_shape)
        if not same or one.settings.data != first.settings.data:
            raise SpecError(
                f"against: expected a run on {first.settings.data} as {first.folder} is, got"
                f" {one.folder}, trained on {one.settings.data}"
            )
        name = one.folder.resolve().name
        if name in named:
            raise SpecError(f"against: expected folders of different names, got {name} twice")
        named[name] = one
    return named
