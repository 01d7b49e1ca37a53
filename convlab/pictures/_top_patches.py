"""The patches that activate the units of a layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from convlab import insight, viz
from convlab.insight import Patch
from convlab.numerals import number
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike
from convlab.pictures.units import chosen_units, drawn_box
from convlab.words import joined, t


def top_patches(
    run: RunLike,
    layer: str | None = None,
    units: Sequence[int] = (),
    images: int = 1000,
    patches: int = 5,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """The patches of the run's test images that activate each unit of a layer most.

    ``layer``: by default the last convolution, or else the last layer; ``units``: maps, units or
    classes by their numbers from 0, by default the first 16; ``images``: how many are examined,
    from the first on; ``patches``: how many for each unit, at most one per image.  A map's largest
    activation counts, and what it saw there is cut out.  A unit never fires if a ReLU cuts off even
    its largest activation.  Raises SpecError for a layer that does not exist, ShapeError for units
    that it lacks.
    """
    chosen = chosen_units(run, layer, units, images, data_dir)
    network, layer, names = chosen.run.network, chosen.layer, chosen.names
    found = insight.top_patches(
        network, layer, chosen.numbers, chosen.images, chosen.run.scaling, patches
    )
    largest = np.array([row[0].value for row in found])
    never = np.logical_and(largest <= 0, insight.behind_relu(network, layer))
    title = t("Top patches of {layer}", layer)
    subtitle = t("{name}; best of {searched}{note}", chosen.run.name, chosen.searched, chosen.note)
    said = "; ".join(
        f"{name} {'never fires, at most' if dead else 'from'} {most:.3g}"
        for name, most, dead in zip(names, largest, never, strict=True)
    )
    return Picture(
        title,
        f"{title}, {subtitle}: {said}.",
        partial(
            viz.top_patches,
            **_shown(found, chosen.images, names, never),
            facts=_silent(names, largest, never),
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            "run": chosen.run.folder,
            "layer": layer,
            "units": chosen.numbers,
            "images": len(chosen.images),
            "patches": patches,
        },
        inputs={
            "images": {patch.image: chosen.images[patch.image] for row in found for patch in row},
        },
        weights=network.state_dict(),
        result={
            **dict(
                zip(names, [[patch_numbers(patch) for patch in row] for row in found], strict=True)
            ),
            "never fires": [name for name, dead in zip(names, never, strict=True) if dead],
        },
    )


def patch_numbers(patch: Patch) -> dict[str, Any]:
    """A patch, for JSON."""
    return {
        "image": patch.image,
        "unit": patch.unit,
        "box": patch.box,
        "activation": patch.value,
    }


def _shown(
    found: list[list[Patch]], images: np.ndarray, names: list[str], never: np.ndarray
) -> dict[str, Any]:
    """The rows of the picture, as ``viz.top_patches`` takes them."""
    # Patches without activation say nothing about a unit, but if none activates it there is nothing
    # else.
    shown = np.flatnonzero(~never) if not never.all() else np.arange(len(never))
    return {
        "images": [[images[patch.image] for patch in found[unit]] for unit in shown],
        "boxes": [
            [drawn_box(patch.box, images.shape[2:]) for patch in found[unit]] for unit in shown
        ],
        "values": [[patch.value for patch in found[unit]] for unit in shown],
        "names": [names[unit] for unit in shown],
    }


def _silent(names: list[str], largest: np.ndarray, never: np.ndarray) -> list[tuple[str, str]]:
    """The units that never fire, in words, with their largest activations unless all are 0."""
    dead = [(name, most) for name, most, is_ in zip(names, largest, never, strict=True) if is_]
    if not dead:
        return []
    label = t("never fires") if len(dead) == 1 else t("never fire")
    if not any(most for _, most in dead):
        return [(label, t("{listed}: 0 on all of these images", joined(name for name, _ in dead)))]
    listed = joined(t("{name} ({number})", name, number(most)) for name, most in dead)
    return [
        (
            label,
            t("{listed}: above 0 on none of these images, at most what stands in brackets", listed),
        )
    ]
