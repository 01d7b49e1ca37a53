"""How much each pixel that a unit sees weighs."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import insight, viz
from convlab.insight import EffectiveField
from convlab.pictures._image_below import image_below
from convlab.pictures._receptive_field import described, heads, place
from convlab.pictures.picture import Picture
from convlab.pictures.sources import NetworkLike, network_of
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t


def effective_receptive_field(
    network: NetworkLike,
    layer: str | None = None,
    unit: tuple[int, int] | None = None,
    image: ImageLike | None = None,
    images: int = 32,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """How much each pixel weighs for a unit: the mean absolute gradient over ``images``.

    They are the first ones of a run's test set, or normal random numbers for a model without a run.
    ``layer``, ``unit`` and ``image`` as in ``receptive_field``, which raises the same errors.
    """
    built, run = network_of(network)
    insight.unit_field(built, layer, unit)  # errors here should not wait for the data
    below = image_below(built, run, image, data_dir)
    if run is None:
        random = np.random.default_rng(0)
        stack = random.standard_normal((images, *built.input_shape)).astype(np.float32)
        source = t("{images} random normal images, random weights", images)
    else:
        test = run.test_set(data_dir)
        stack = np.stack([run.network_input(pixels) for pixels in test.images[:images]])
        source = run.of_test_images(len(stack))
    found = insight.effective_field(built, layer, unit, stack)
    field = found.theory
    title, subtitle = heads(built, field, t("Effective receptive field of"), below.fitted)
    subtitle += t("; mean absolute gradient over {source}", source)
    facts = _facts(found)
    return Picture(
        title,
        described(title, subtitle, facts),
        partial(
            viz.effective_field,
            gradient=found.gradient,
            box=field.box,
            half=found.half,
            image=below.pixels,
            title=title,
            subtitle=subtitle,
            facts=facts,
        ),
        parameters=place(built, field) | {"images": found.images},
        inputs=below.numbers,
        result={
            "box": field.box,
            "half": found.half,
            "gradient": found.gradient,
            "share_inside": found.share_inside,
            "centre": found.centre,
            "standard_deviation": found.deviation,
        },
    )


def _facts(found: EffectiveField) -> list[tuple[str, str]]:
    half, share, deviation, centre = found.half, found.share_inside, found.deviation, found.centre
    if half is None or share is None or deviation is None or centre is None:
        return [
            (
                t("gradient"),
                t("0 everywhere: no pixel of {images} images changes the unit", found.images),
            )
        ]
    top, left, bottom, right = half
    return [
        (t("inside the theoretical box"), t("{value:.4g} %", 100 * share)),
        (
            t("half of the gradient"),
            t("within {size} pixels", size_text(bottom - top, right - left)),
        ),
        (t("standard deviation"), t("rows {rows:.3g}, columns {columns:.3g} pixels", *deviation)),
        (t("centre"), t("row {row:.3g}, column {column:.3g}", *centre)),
    ]
