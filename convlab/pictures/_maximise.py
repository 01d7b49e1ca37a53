"""Images made to activate the units of a layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from convlab import insight, viz
from convlab.insight import Ascent, Maximised
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike
from convlab.pictures.units import chosen_units, drawn_box
from convlab.words import joined, t


def maximise(
    run: RunLike,
    layer: str | None = None,
    units: Sequence[int] = (),
    images: int = 1000,
    *,
    steps: int = 200,
    rate: float = 0.02,
    decay: float = 0.04,
    blur: float = 1.0,
    shift: int = 1,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """The image that each unit of a layer responds to most, made from noise by gradient ascent.

    For a map its middle unit is maximised, and what that unit sees is drawn; for the last layer it
    is the logits of the classes, or minus their penalties.  In colour, a step in one channel
    spreads to the others as far as they are correlated in the test images.  The activation that was
    reached is shown beside the largest that any test image gives.
    ``layer``, ``units`` and ``images``: see ``top_patches``; the others: see ``insight.Ascent``.
    Source: Erhan et al. 2009, Yosinski et al. 2015, Olah et al. 2017.
    Raises SpecError for another layer and settings out of range, ShapeError for other units.
    """
    chosen = chosen_units(run, layer, units, images, data_dir)
    network, layer, scaling = chosen.run.network, chosen.layer, chosen.run.scaling
    colours = insight.channel_correlation(chosen.images) if chosen.images.shape[1] > 1 else None
    ascent = Ascent(steps, rate, decay, blur, shift, seed)
    made = insight.maximise(network, layer, chosen.numbers, scaling, ascent, colours=colours)
    values, _ = insight.largest(network, layer, chosen.numbers, chosen.images, scaling)
    real = values.max(axis=0)
    never = np.logical_and(real <= 0, insight.behind_relu(network, layer))
    title, subtitle = (
        t("Activation maximisation of {layer}", layer),
        t("{name}{note}", chosen.run.name, chosen.note),
    )
    real_text = t("the largest activation on {searched}", chosen.searched)
    if never.any():
        real_text += t("; never fires: on none of these above 0")
    facts = [(t("made"), _how(ascent, colours is not None)), (t("real"), real_text)]
    said = [f"{label}: {text}" for label, text in facts]
    said += [
        f"{name} made {value:.3g}, real {other:.3g}{', never fires' if dead else ''}"
        for name, value, other, dead in zip(chosen.names, made.values, real, never, strict=True)
    ]
    box = drawn_box(made.box, network.input_shape[1:])
    shown = made.images, box, chosen.names, made.values, real
    return Picture(
        title,
        f"{title}, {subtitle}; {'; '.join(said)}.",
        partial(viz.maximise, *shown, never=never, title=title, subtitle=subtitle, facts=facts),
        parameters={
            "run": chosen.run.folder,
            "layer": layer,
            "units": chosen.numbers,
            "images": len(chosen.images),
            **asdict(ascent),
            "colours": colours,
        },
        weights=network.state_dict(),
        result={**_numbers(made), "largest in the data": real, "never fires": never},
    )


def _numbers(made: Maximised) -> dict[str, Any]:
    return {
        "images": made.images,
        "box": made.box,
        "unit": made.unit,
        "activations": made.values,
        "of the noise": made.started,
    }


def _how(ascent: Ascent, coloured: bool) -> str:
    """How noise becomes an image, in words."""
    steps = t("{steps} steps of {rate} of black to white", ascent.steps, ascent.rate)
    how = [t("noise (seed {seed}) climbs the gradient for {steps}", ascent.seed, steps)]
    if ascent.blur:
        how.append(t("blurred"))
    if coloured:
        how.append(t("coloured as the test images are"))
    if ascent.shift:
        how.append(t("shifted"))
    if ascent.decay:
        how.append(t("faded"))
    return joined(how)
