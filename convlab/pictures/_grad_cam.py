"""Where a layer's maps support a class."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from convlab import insight
from convlab.models import Network
from convlab.pictures._attribution import Facts, answered, question
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t


def grad_cam(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    *,
    target: str | int = "predicted",
    sanity: bool = True,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Where in an image the feature maps of a layer support a class.

    The maps are weighted by the mean gradient of the class's score with respect to each, added up,
    cut off below 0 and stretched to the input (bilinear).  The score is the logit, or minus the
    penalty.  ``layer``: by default the last with more than one unit per map; ``target``: the class
    in question, by name or by its number from 0; ``sanity``: also the map for random weights.
    Source: Selvaraju et al. 2017.
    Raises SpecError for a class or layer that does not exist or has no maps, and the errors of
    ``Run.image``.
    """
    asked = question(run, image, target, sanity, data_dir)
    found = insight.grad_cam(asked.run.network, asked.x, asked.target, layer)

    def explain(network: Network) -> tuple[np.ndarray, dict[str, Any]]:
        own = insight.grad_cam(network, asked.x, asked.target, layer)
        return own.map, {"coarse": own.coarse, "map weights": own.weights}

    def facts(kept: dict[str, Any], what: str) -> Facts:
        if not kept["coarse"].any():
            return [(t("note"), t("0 everywhere: no place of this layer speaks for the class"))]
        return [(t("map"), what)]

    maps = t("{size} maps of {size2}", found.weights.size, size_text(*found.coarse.shape))
    return answered(
        asked,
        explain,
        title=t(
            "Grad-CAM of {name} for class {name2}: {layer}",
            *(asked.image.name, asked.name, found.layer),
        ),
        what=t(
            "{maps}, each times the mean gradient of {score} by it, added up, cut off below 0;"
            " stretched to the input (bilinear)",
            *(maps, asked.score),
        ),
        parameters={"layer": found.layer},
        facts=facts,
        signed=False,
        ends=("", asked.ends[1]),
        over=True,
    )
