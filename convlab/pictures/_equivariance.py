"""How far each layer is from following a transform of the image."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from convlab import insight, training, viz
from convlab.data.batches import to_floats
from convlab.insight import LayerEquivariance
from convlab.models import Network
from convlab.numerals import ALMOST
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.pictures.transformed import AMOUNTS, HOW, amount_text, maps_text, transform_words
from convlab.terminal import Block, Line, Table
from convlab.training import Run
from convlab.words import t

TITLES = {
    "shift": "Equivariance of {name} to shifts",
    "rotation": "Equivariance of {name} to rotations",
    "scale": "Equivariance of {name} to changes of scale",
}


def equivariance(
    network: NetworkLike,
    amounts: Sequence[float] | None = None,
    *,
    transform: str = "shift",
    layers: Sequence[str] | None = None,
    border: str = "circular",
    images: int = 64,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Transform, then layer, or layer, then transform: how much the results differ.

    ``transform``: shift, rotation or scale by ``amounts``, which are pixels to the right,
    degrees anticlockwise or factors, by default those of ``transformed.AMOUNTS``; ``layers``:
    those with feature maps, all by default; ``border``: what a shift brings in, circular or
    zeros; ``images``: the first ones of the test set, or random ones if there is no run.
    See ``insight.equivariance``, which raises SpecError for what does not fit.
    """
    built, run = network_of(network)
    x, background = _images(built, run, images, data_dir)
    amounts = AMOUNTS.get(transform, ()) if amounts is None else amounts
    rows = insight.equivariance(
        built,
        x,
        amounts,
        transform=transform,
        border=border,
        layers=layers or None,
        background=background,
    )
    errors = np.array([row.errors for row in rows])
    title = t(TITLES[transform], built.name)
    words = transform_words(built, run, transform, border, len(x))
    subtitle = t("{how}; mean over {images}", *words)
    heads = [amount_text(amount, transform) for amount in amounts]
    exact = sum(1 for value in errors.ravel() if value == 0)
    return Picture(
        title,
        f"{title}; {subtitle}: relative error by layer and {transform}, {exact} of {errors.size}"
        f" exactly 0, the largest {errors[np.isfinite(errors)].max(initial=0):.3g}.",
        partial(
            viz.equivariance,
            errors,
            [(row.name, maps_text(row.map_size, row.stride)) for row in rows],
            heads,
            rounded=None if rows[0].rounded is None else np.array([row.rounded for row in rows]),
            inner=None if rows[0].inner is None else np.array([row.inner for row in rows]),
            word=HOW[transform],
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "network": built.name,
            "run": None if run is None else run.folder,
            "transform": transform,
            "amounts": amounts,
            "border": border if transform == "shift" else None,
        },
        inputs={"images": x},
        weights=built.state_dict(),
        result={row.name: _numbers(row) for row in rows},
        lines=partial(
            _lines, built, rows, t("{how}; mean relative error over {images}", *words), heads
        ),
    )


def _images(
    network: Network, run: Run | None, count: int, data_dir: str | os.PathLike | None
) -> tuple[np.ndarray, Any]:
    """Floats (N, C, H, W), from a run's test set or random, and the value of black in them."""
    if run is None:
        x = np.random.default_rng(0).standard_normal((count, *network.input_shape))
        return x.astype(np.float32), 0
    _, test = run.datasets(data_dir)
    images = training.centred_images(test.images[:count], network.input_shape[1:])
    return to_floats(images, run.scaling), np.array(run.scaling.offset, np.float32)


def _numbers(row: LayerEquivariance) -> dict[str, Any]:
    return {
        "type": row.kind,
        "maps": row.map_size,
        "effective_stride": row.stride,
        "errors": _known(row.errors),
        "shift_of_maps": row.cells,
        "nearest_whole": row.rounded,
        "errors_away_from_border": None if row.inner is None else _known(row.inner),
    }


def _known(errors: np.ndarray) -> np.ndarray:
    """Errors, with None if no cell is left to compare, since JSON has no NaN."""
    missing = np.isnan(errors)
    return np.where(missing, np.array(None), errors) if missing.any() else errors


# --- in a terminal ----------------------------------------------------------------------


def _lines(
    network: Network, rows: Sequence[LayerEquivariance], words: str, heads: Sequence[str]
) -> Iterator[Line | Block]:
    """The errors as a table, for shifts also those away from the border, and the conclusion."""
    yield words
    yield _table(rows, heads, [row.errors for row in rows])
    inner = [row.inner for row in rows if row.inner is not None]
    if not inner:
        return
    yield ""
    yield (
        t(
            "away from the border alone: cells that have read neither padding nor what the shift"
            " brought in"
        )
    )
    yield _table(rows, heads, inner)
    exact = [row.name for row in rows if _is_exact_inside(row)]
    if exact:
        padded = [
            name
            for name, layer, _, _ in network.shapes()
            if any(getattr(layer, "padding", ())) and getattr(layer, "padding_mode", "") == "zeros"
        ]
        why = t(
            ", which {listed} pads with zeros"
            if len(padded) == 1
            else ", which {listed} pad with zeros",
            " and ".join(padded),
        )
        yield (
            t("exact there: {listed}; all of their error comes from the border", ", ".join(exact))
            + (why if padded else "")
        )


def _is_exact_inside(row: LayerEquivariance) -> bool:
    """Whether a layer that is not exact is exact away from the border."""
    if row.inner is None:
        return False
    inexact = row.errors > 0
    return bool(inexact.any() and not (row.inner > 0).any() and (row.inner[inexact] == 0).any())


def _table(
    rows: Sequence[LayerEquivariance], heads: Sequence[str], errors: Sequence[np.ndarray]
) -> Table:
    """A row per layer, a column per amount."""
    cells = [("layer", "maps", *heads)]
    for row, values in zip(rows, errors, strict=True):
        marks = [False] * len(heads) if row.rounded is None else row.rounded
        texts = (
            "-" if math.isnan(error) else f"{ALMOST if mark else ''}{error:.3g}"
            for error, mark in zip(values, marks, strict=True)
        )
        cells.append((row.name, maps_text(row.map_size, row.stride), *texts))
    amounts = range(2, 2 + len(heads))
    return Table(cells, amounts, (1, *reversed(amounts[1:])))
