"""How far each layer is from following a transform of the image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from convlab import data, insight, training, viz
from convlab.data.batches import to_floats
from convlab.insight import LayerEquivariance
from convlab.models import Network
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.pictures.transformed import AMOUNTS, HOW, amount_text, maps_text, transform_words
from convlab.training import Run

TITLES = {"shift": "shifts", "rotation": "rotations", "scale": "changes of scale"}


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
    """Transform, then a layer, or the layer, then transform: how much that differs.

    ``transform``: shift, rotation or scale by ``amounts``, which are pixels to the right,
    degrees anticlockwise or factors, by default those of ``transformed.AMOUNTS``; ``layers``:
    those with feature maps, all by default; ``border``: what a shift brings in, circular or
    zeros; ``images``: the first ones of the test set, random ones where there is no run.
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
    title = f"Equivariance of {built.name} to {TITLES[transform]}"
    subtitle = "; mean over ".join(transform_words(built, run, transform, border, len(x)))
    exact = sum(1 for value in errors.ravel() if value == 0)
    return Picture(
        title,
        f"{title}; {subtitle}: relative error by layer and {transform}, {exact} of {errors.size}"
        f" exactly 0, the largest {errors[np.isfinite(errors)].max(initial=0):.3g}.",
        partial(
            viz.equivariance,
            errors,
            [(row.name, maps_text(row.map_size, row.stride)) for row in rows],
            [amount_text(amount, transform) for amount in amounts],
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
    )


def _images(
    network: Network, run: Run | None, count: int, data_dir: str | os.PathLike | None
) -> tuple[np.ndarray, Any]:
    """Floats (N, C, H, W), of a run's test set or random, and what black is in them."""
    if run is None:
        x = np.random.default_rng(0).standard_normal((count, *network.input_shape))
        return x.astype(np.float32), 0
    _, test = data.load(run.settings.data, data_dir=data_dir)
    images = training.centred_images(test.images[:count], network.input_shape[1:])
    return to_floats(images, run.scaling), np.array(run.scaling.offset, np.float32)


def _numbers(row: LayerEquivariance) -> dict[str, Any]:
    return {
        "type": row.kind,
        "maps": row.map_size,
        "effective_stride": row.stride,
        "errors": row.errors,
        "shift_of_maps": row.cells,
        "nearest_whole": row.rounded,
        "errors_away_from_border": row.inner,
    }
