"""The cost of covering a part of an image."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from convlab import data, insight
from convlab.checks import whole
from convlab.errors import SpecError
from convlab.models import Network
from convlab.numerals import number
from convlab.pictures._attribution import Facts, answered, question
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t


def occlusion(
    run: RunLike,
    image: ImageLike,
    *,
    target: str | int = "predicted",
    patch: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    value: int | str = "background",
    sanity: bool = True,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """How much the probability of a class drops when a patch of an image is covered.

    Each pixel shows the mean drop of the patches that cover it.  ``target``: the class in question,
    by name or by its number from 0; ``patch``: its pixels, or its rows and columns, by default a
    seventh of the image; ``stride``: pixels from one patch to the next, by default half a patch;
    ``value``: what covers it, the median colour of the image's border or a byte; ``sanity``: also
    the map for random weights.
    Source: Zeiler & Fergus 2014.
    Raises SpecError for a class that does not exist and a value that is not a byte, ShapeError for
    a patch or stride that does not fit, and the errors of ``Run.image``.
    """
    asked = question(run, image, target, sanity, data_dir)
    size = asked.pixels.shape[1:]
    window = _pair(patch, [max(1, round(length / 7)) for length in size])
    step = _pair(stride, [max(1, length // 2) for length in window])
    cover = _cover(asked.pixels, value)
    level = data.to_floats(cover.reshape(1, -1, 1, 1), asked.run.scaling).reshape(-1)

    def explain(network: Network) -> tuple[np.ndarray, dict[str, Any]]:
        found = insight.occlusion(network, asked.x, asked.target, window, step, level)
        return found.map, {"drops": found.drops, "tops": found.tops, "lefts": found.lefts}

    where = t("of the background") if value == "background" else t("of byte {value}", value)
    return answered(
        asked,
        explain,
        title=t("Occlusion of {name} for class {name2}", asked.image.name, asked.name),
        what=t(
            "mean drop of the probability of {name} by the patches over a pixel, {size} {where},"
            " stride {size2}",
            *(asked.name, size_text(*window), where, size_text(*step)),
        ),
        parameters={"patch": window, "stride": step, "value": value, "cover": cover},
        facts=_largest,
        signed=True,
        ends=asked.ends,
    )


def _pair(given: int | tuple[int, int] | None, usual: list[int]) -> tuple[int, int]:
    """Rows and columns: those given, one number for both, or the defaults."""
    if isinstance(given, int):
        return given, given
    rows, columns = given or usual
    return rows, columns


def _cover(pixels: np.ndarray, value: int | str) -> np.ndarray:
    """The colour (C,) of a patch."""
    if value == "background":
        edges = [pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]]
        return np.median(np.concatenate(edges, axis=1), axis=1).round().astype(np.uint8)
    byte = int(value) if isinstance(value, str) and value.isdecimal() else value
    return np.full(len(pixels), whole(byte, "value", 0, 255, SpecError), np.uint8)


def _largest(kept: dict[str, Any], what: str) -> Facts:
    """What is drawn, and the patch that changes the probability most."""
    drops, before = kept["drops"], kept["probability"]
    after = before - drops.flat[np.abs(drops).argmax()]
    change = t("the largest from {number} to {number2}", number(before), number(float(after)))
    return [(t("map"), t("{what}; {change}", what, change if drops.any() else t("all are 0")))]
