"""Which pixels a class's score depends on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from convlab import data, insight
from convlab.errors import SpecError
from convlab.models import Network
from convlab.numerals import number
from convlab.pictures._attribution import Facts, Question, answered, question
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike
from convlab.training import ImageLike
from convlab.words import t

NAMES = {
    "gradient": t("gradient"),
    "gradient-x-input": t("gradient × input"),
    "integrated-gradients": t("integrated gradients"),
    "smooth": "SmoothGrad",
}


def saliency(
    run: RunLike,
    image: ImageLike,
    method: str = "gradient",
    *,
    target: str | int = "predicted",
    steps: int | None = None,
    samples: int | None = None,
    noise: float | None = None,
    seed: int | None = None,
    sanity: bool = True,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Which pixels of an image the score of a class depends on, by gradients.

    The score is the class's logit; for 1998's LeNet-5, whose outputs are penalties, minus the
    penalty.  ``method``: gradient, gradient-x-input, integrated-gradients or smooth, see
    ``insight.saliency``, which names their sources.  ``target``: the class in question, by name
    or by its number from 0; ``steps``: points from black to the image, for integrated-gradients
    (128); ``samples``, ``noise`` and ``seed``: for smooth, see ``insight.Smoothing``; ``sanity``:
    also the map for random weights.
    Raises SpecError for a class that does not exist, for another method and for a setting that it
    lacks, and the errors of ``Run.image``.
    """
    given = {"steps": steps, "samples": samples, "noise": noise, "seed": seed}
    settings = _settings(method, {name: v for name, v in given.items() if v is not None})
    asked = question(run, image, target, sanity, data_dir)
    chosen = {"smoothing": insight.Smoothing(**settings)} if method == "smooth" else settings
    black = data.to_floats(np.zeros_like(asked.pixels[None]), asked.run.scaling)[0]

    def explain(network: Network) -> tuple[np.ndarray, dict[str, Any]]:
        found = insight.saliency(network, asked.x, asked.target, method, baseline=black, **chosen)
        kept = {"values": found.values, "score": found.score}
        if found.baseline_score is not None:
            kept["score of black"] = found.baseline_score
        return found.map, kept

    def facts(kept: dict[str, Any], what: str) -> Facts:
        if "score of black" not in kept:
            return [(t("map"), what)]
        total = number(float(kept["map"].sum()))
        gain = number(kept["score"] - kept["score of black"])
        return [(t("map"), t("{what}; sum {total}, change of the score {gain}", what, total, gain))]

    signed = method in ("gradient-x-input", "integrated-gradients")
    return answered(
        asked,
        explain,
        title=t(
            "Saliency of {name} for class {name2}: {NAMES}",
            *(asked.image.name, asked.name, NAMES[method]),
        ),
        what=_what(asked, method, settings, signed),
        parameters={"method": method, **settings},
        facts=facts,
        signed=signed,
        ends=asked.ends if signed else ("", ""),
    )


def _settings(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """All settings of a method, without those of others."""
    if method not in NAMES:
        raise SpecError(f"method: expected one of {', '.join(NAMES)}, got {method!r}")
    usual = insight.SALIENCY_SETTINGS.get(method, {})
    for name in given:
        if name not in usual:
            raise SpecError(f"{name}: the method {method} has no such setting")
    return usual | given


def _what(asked: Question, method: str, settings: dict[str, Any], signed: bool) -> str:
    """What a map shows."""
    words = {
        t("gradient"): t("magnitude of the gradient of {score} by the input", asked.score),
        "gradient-x-input": t("gradient of {score} times the input", asked.score),
        "integrated-gradients": (
            t(
                "mean gradient of {score} at {get} points from black to the image, times the"
                " difference",
                *(asked.score, settings.get("steps")),
            )
        ),
        "smooth": (
            t(
                "magnitude of the mean gradient of {score} by {get} copies with noise {get2},"
                " seed {get3}",
                asked.score,
                settings.get("samples"),
                settings.get("noise"),
                settings.get("seed"),
            )
        ),
    }
    if asked.pixels.shape[0] != 3:
        return words[method]
    return t(
        "{words}, summed over channels" if signed else "{words}, the largest of the channels",
        words[method],
    )
