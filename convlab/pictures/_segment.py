"""Which pixel of a picture belongs to which digit."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from convlab import data, tasks, viz
from convlab.data.pictures import given_picture, picture_size
from convlab.errors import DataError
from convlab.pictures.picture import Picture, said
from convlab.shapes import size_text
from convlab.tasks import Segmenter
from convlab.words import joined, t


def segment(
    run: str | os.PathLike,
    image: str | os.PathLike,
    seed: int = 0,
    pixels: int = 128,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """A segmenter's answer for each pixel of a picture.

    ``run``: the folder of one; ``image``: a file, "-" for standard input, or scene:N, a
    generated scene of the test digits, whose truth is known, by ``seed``; ``pixels``: the longer
    side that a file is scaled to.  Raises DataError, RunError.
    """
    segmenter = tasks.load_segmenter(Path(run))
    source = str(image)
    shown, truth, note = _read(segmenter, source, seed, pixels, data_dir)
    answer = segmenter.answers(shown[None])[0]
    classes = segmenter.classes
    panels = [(t("answer"), answer, tasks.regions(answer, classes))]
    present = [name for k, name in enumerate(classes) if k and (answer == k).any()]
    facts = {
        t("answer"): t("digits {listed}", ", ".join(present)) if present else t("background alone")
    }
    measured: dict[str, Any] = {}
    if truth is not None:
        panels.insert(0, (t("truth"), truth, tasks.regions(truth, classes)))
        facts, measured = _compared(truth, answer, classes)
    name = t("standard input") if source == "-" else Path(source).name
    title = t("Segmentation of {name}", name)
    subtitle = t(
        "encoder-decoder trained on scenes of {name}; {size}{note}",
        *(Path(segmenter.settings.data).name, size_text(*shown.shape[1:]), note),
    )
    return Picture(
        title,
        f"{title}; {subtitle}; {said(facts)}.",
        partial(
            viz.segmentation,
            shown,
            panels,
            classes,
            facts=list(facts.items()),
            title=title,
            subtitle=subtitle,
        ),
        facts=facts,
        lines=lambda: [said(facts)],
        parameters={
            "run": run,
            "image": source,
            "seed": seed,
            "pixels": pixels,
            "classes": classes,
        },
        inputs={"image": shown},
        result={"answer": answer, **measured},
    )


def _compared(
    truth: np.ndarray, answer: np.ndarray, classes: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, Any]]:
    """How much of an answer is right: facts, and numbers."""
    confusion = tasks.pixel_confusion(truth, answer, len(classes))
    shares = tasks.intersection_over_union(confusion)
    accuracy = tasks.pixel_accuracy(confusion)
    each = joined(
        t("{name} {share:.2f}", name, share)
        for name, share in zip(classes, shares, strict=True)
        if share == share
    )
    facts = {
        t("pixels"): t("{value:.2f} % right", 100 * accuracy),
        t("IoU"): t("{each} (intersection over union of what is there or was answered)", each),
    }
    numbers = {
        "truth": truth,
        "pixel accuracy": accuracy,
        "intersection over union": [None if s != s else s for s in shares.tolist()],
    }
    return facts, numbers


def _read(
    segmenter: Segmenter, image: str, seed: int, pixels: int, data_dir: str | os.PathLike | None
) -> tuple[np.ndarray, np.ndarray | None, str]:
    """(bytes (1, H, W), class numbers (H, W) if known, what to say about the image)."""
    if image.startswith("scene:"):
        number = image.removeprefix("scene:")
        if not number.isdecimal() or len(number) > 9:
            raise DataError(f"image {image}: expected scene:N with a number from 0")
        _, test = data.load(segmenter.settings.data, data_dir=data_dir)
        shown = tasks.segmentation_scene(test, int(number), seed)
        return shown.image, shown.mask, t(", seed {seed}", seed)
    source = given_picture(image)
    rows, columns = picture_size(source)
    factor = pixels / max(rows, columns)
    size = max(1, round(rows * factor)), max(1, round(columns * factor))
    drawing, inverted = data.as_dark_background(data.read_picture(source, size=size, channels=1))
    return tasks.as_ink(drawing), None, t("; image inverted") if inverted else ""
