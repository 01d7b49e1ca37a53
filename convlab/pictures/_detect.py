"""Digits or objects of several sizes in one picture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from convlab import data, insight, tasks, viz
from convlab.data.pictures import given_name, given_picture, picture_size
from convlab.errors import DataError
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import size_text
from convlab.words import joined, t

LARGEST = 512  # pixels of a picture's longer side; larger pictures are reduced


def detect(
    run: RunLike,
    image: str | os.PathLike,
    *,
    seed: int = 0,
    clutter: int = 0,
    threshold: float = 0.5,
    overlap: float = 0.1,
    scales: Sequence[float] | None = None,
    background: str | None = None,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """Digits or objects of several sizes in one picture: the network, moved over all of it.

    ``image``: a file, "-" for standard input, or scene:N, a generated scene of the test set's
    images, by ``seed`` and with ``clutter`` fragments of others; ``threshold``: the least
    probability of a box; ``overlap``: the largest intersection over union of two; ``scales``: the
    enlargement of the picture for each scan, by default a quarter octave apart; ``background``:
    the class of pictures without an object, by default the one of this name.  LeCun et al.
    1998, section VII.  Raises DataError, RunError, SpecError.
    """
    run = run_of(run)
    detector = tasks.detector(run, threshold, overlap, background)
    source = str(image)
    pixels, truth, note = _read(detector, source, seed, clutter, data_dir)
    size = pixels.shape[1:]
    used = list(scales or detector.scales(size))
    levels = detector.scan(pixels[None], used)[0]
    found = detector.found(levels, size)
    boxes = _boxes(detector, found, truth)
    facts = {t("found"): boxes.said, t("scan"): _scan_text(detector, levels, used)}
    title = t("Detection in {name}", given_name(source))
    subtitle = t(
        "{name}; {size}{note}; probability at least {threshold:g}",
        *(run.name, size_text(*size), note, threshold),
    )
    maps = zip(run.classes, tasks.score_maps(levels, size), strict=True)
    return Picture(
        title,
        f"{title}; {subtitle}; {said(facts)}.",
        partial(
            viz.detections,
            pixels,
            boxes.boxes,
            boxes.labels,
            boxes.kinds,
            # Over all sizes together, background is everywhere.
            [(label, scores) for label, scores in maps if label != detector.background],
            facts=list(facts.items()),
            title=title,
            subtitle=subtitle,
        ),
        facts={"boxes": boxes.listed(), **facts},
        lines=lambda: filter(None, [boxes.listed(), facts["found"]]),
        parameters={
            "run": run.folder,
            "image": source,
            "seed": seed,
            "clutter": clutter,
            "scales": used,
            **detector.settings,
        },
        inputs={"image": pixels},
        result=boxes.result,
    )


Truth = tuple[np.ndarray, np.ndarray]
"""The boxes of a scene, and their class numbers."""


class _Boxes(NamedTuple):
    """The boxes to draw, ``said`` of them, and their numbers."""

    boxes: list[np.ndarray]
    labels: list[str]
    kinds: list[str]
    said: str
    result: dict[str, Any]

    def listed(self) -> str:
        """A line for each box."""
        lines = []
        for text, box, kind in zip(self.labels, self.boxes, self.kinds, strict=True):
            top, left, bottom, right = box
            place = f"rows {top:.0f} to {bottom:.0f}, columns {left:.0f} to {right:.0f}"
            lines.append(
                t("{text}  {place}{value}", text, place, t("  wrong") if kind == "wrong" else "")
            )
        return "\n".join(lines)


def _boxes(detector: tasks.Detector, found: tasks.Detections, truth: Truth | None) -> _Boxes:
    """What was found, and what was missed if the truth is known."""
    classes = detector.run.classes
    answers = [classes[label] for label in found.labels]
    boxes = list(found.boxes)
    counts = {name: answers.count(name) for name in classes if name != detector.background}
    result = {
        "boxes": found.boxes,
        "classes": answers,
        "probabilities": found.probabilities,
        "support": found.support,
        "counts": counts,
    }
    labels = [f"{a} {p:.2f}" for a, p in zip(answers, found.probabilities, strict=True)]
    if truth is None:
        each = answers
        if detector.own:
            each = [f"{name}: {count}" for name, count in counts.items() if count]
        said = f"{len(answers)} ({', '.join(each)})" if answers else "nothing"
        return _Boxes(boxes, labels, ["found"] * len(boxes), said, result)
    hits, missed = tasks.compared(found, *truth)
    names = [classes[label] for label in truth[1]]
    kinds = ["found" if hit else "wrong" for hit in hits] + ["missed"] * len(missed)
    boxes += [truth[0][number] for number in missed]
    labels += [t("{names} missed", names[number]) for number in missed]
    wrong = int((~hits).sum())
    said = joined(
        [
            t("{found} of {count} {objects}", int(hits.sum()), len(names), detector.objects),
            t("{n} wrong box", wrong, several="{n} wrong boxes"),
        ]
    ) + t(" (right: the class, and an intersection over union above 0.5)")
    result |= {"right": hits, "true boxes": truth[0], "truth": names}
    return _Boxes(boxes, labels, kinds, said, result)


def _scan_text(detector: tasks.Detector, levels: Sequence[insight.Level], used: list[float]) -> str:
    windows = sum(level.probabilities[0].size for level in levels)
    network = detector.network
    return t(
        "{windows:,} windows of {size}, stride {size2}, at {n} sizes of the picture from"
        " {max:.2g} to {min:.2g}; a map shows the highest probability of all sizes",
        windows,
        size_text(*network.input_shape[1:]),
        size_text(*insight.scan_stride(network)),
        len(used),
        max(used),
        min(used),
    )


def _read(
    detector: tasks.Detector,
    image: str,
    seed: int,
    clutter: int,
    data_dir: str | os.PathLike | None,
) -> tuple[np.ndarray, Truth | None, str]:
    """(bytes (C, H, W) as the run's images are, (boxes, labels) if known, what to say about it)."""
    if image.startswith("scene:"):
        number = image.removeprefix("scene:")
        if not number.isdecimal() or len(number) > 9:
            raise DataError(f"image {image}: expected scene:N with a number from 0")
        shown = detector.scene(detector.images(data_dir), int(number), seed, clutter)
        return shown.image, (shown.boxes, shown.labels), t(", seed {seed}", seed)
    source = given_picture(image)
    rows, columns = picture_size(source)
    factor = min(1.0, LARGEST / max(rows, columns))
    size = max(1, round(rows * factor)), max(1, round(columns * factor))
    pixels = data.read_picture(source, size=size, channels=detector.run.image_shape[0])
    inverted = False
    if detector.run.dark_background:
        pixels, inverted = data.as_dark_background(pixels)
    pixels = pixels if detector.own else tasks.as_ink(pixels)
    return pixels, None, t("; image inverted") if inverted else ""
