"""A run on single digits or objects used as a detector of them in pictures of any size."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import data, insight
from convlab.data import Dataset
from convlab.data.composed import SHARE
from convlab.data.scenes import BACKGROUND, BOX, Scene
from convlab.data.sources import SCENES_OF
from convlab.errors import DataError, RunError
from convlab.insight.fully_convolutional import Level
from convlab.models import Network
from convlab.names import listed
from convlab.tasks.detection import Detections, average_precisions, compared, detect
from convlab.training import Run
from convlab.words import t

BATCH = 50  # scenes scanned together
WITHIN = 0.1  # the most of the smaller one that the boxes of two objects may share


@dataclass(frozen=True, eq=False)
class Detector:
    """A run, its network made fully convolutional, and which boxes are kept.

    ``background``: the class that is no object.  ``own``: whether the objects are whole images of
    classes of the user's own, rather than ink on black.
    """

    run: Run
    network: Network
    threshold: float = 0.5
    overlap: float = 0.1
    background: str = BACKGROUND
    own: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """How ``detect`` keeps boxes; ``box`` is an object's share of the network's input."""
        # Digits may be centred in a larger input; the box is a share of the image.
        box = BOX * self.run.image_shape[1] / self.network.input_shape[1]
        if self.own:
            box = SHARE if self.run.settings.data.startswith(SCENES_OF) else 1.0
        # A corner of an object looks like a smaller one, as a part of a digit seldom does.
        within = WITHIN if self.own else 1.0
        chosen = {"threshold": self.threshold, "overlap": self.overlap, "within": within}
        return {**chosen, "box": box, "background": self.background}

    @property
    def objects(self) -> str:
        """What is looked for, in a word."""
        return t("objects") if self.own else t("digits")

    def scales(self, size: tuple[int, int]) -> list[float]:
        """The enlargement of pictures of ``size`` for each scan, a quarter octave apart."""
        return insight.usual_scales(self.network, size)

    def scan(self, images: np.ndarray, scales: Sequence[float]) -> list[tuple[Level, ...]]:
        """The answers for all windows of images (N, C, H, W), for each image at each scale."""
        scaling = self.run.scaling
        levels = [insight.scan(self.network, images, scaling, s, mirrored=self.own) for s in scales]
        return list(zip(*levels, strict=True))

    def found(self, levels: Sequence[Level], size: tuple[int, int]) -> Detections:
        """The boxes in one image of ``size``."""
        return detect(levels, self.run.classes, size, **self.settings)

    @property
    def note(self) -> str | None:
        """What a user should know beforehand."""
        if self.background in self.run.classes:
            return None
        return (
            f"note: {self.run.folder} knows no class {BACKGROUND!r}, so it finds digits everywhere;"
            " one that does: convlab train --data scenes"
        )

    def images(self, data_dir: str | os.PathLike | None = None) -> Dataset:
        """The test images that scenes are made of.

        Raises DataError if the classes are no longer those of the run.
        """
        source = self.run.settings.data
        source = "mnist" if source == "scenes" else source.removeprefix(SCENES_OF)
        _, test = data.load(source, data_dir=data_dir)
        if self.own and (test.classes, test.image_shape) != (
            self.run.classes,
            self.run.image_shape,
        ):
            raise DataError(
                f"{source}: expected the run's images {self.run.image_shape} and classes"
                f" {listed(self.run.classes)}, got {test.image_shape} and {listed(test.classes)}"
            )
        return test

    def scene(self, images: Dataset, number: int, seed: int = 0, clutter: int = 0) -> Scene:
        """A generated scene of ``images`` whose boxes are known."""
        if not self.own:
            return data.scene(images, number, seed=seed, clutter=clutter)
        return data.composed_scene(
            images, number, background=self.background, seed=seed, clutter=clutter
        )


def detector(
    run: Run, threshold: float = 0.5, overlap: float = 0.1, background: str | None = None
) -> Detector:
    """``run`` as a detector of its classes but one, the ``background``.

    By default that is the class of this name; a run without one finds digits everywhere.
    Raises DataError for a background that is no class of the run, RunError if there is none and the
    images are not drawings on black, or are smaller than the network's input; SpecError for a
    network that cannot be moved over a picture.
    """
    network = insight.fully_convolutional(run.network)
    if background not in (None, *run.classes):
        raise DataError(
            f"background: expected a class of {run.folder}, {listed(run.classes)}, got"
            f" {background!r}"
        )
    background = background or BACKGROUND
    own = background in run.classes and run.settings.data != "scenes"
    if not own and (run.image_shape[0] != 1 or not run.dark_background):
        raise RunError(
            f"{run.folder}: expected a class of pictures without an object, called {BACKGROUND} or"
            f" named by --background, got {listed(run.classes)}"
        )
    if own and run.image_shape != network.input_shape:
        raise RunError(
            f"{run.folder}: expected images of the network's size to look for in a picture,"
            f" {network.input_shape}, got {run.image_shape}"
        )
    return Detector(run, network, threshold, overlap, background, own)


@dataclass(frozen=True, eq=False)
class DetectionScores:
    """How well a detector finds the digits, or other ``objects``, of generated scenes.

    ``parameters``: what was requested; ``data``: where the objects come from.  ``precisions``
    (classes,): average precision at an intersection over union of 0.5, NaN for an absent class;
    ``counts`` (classes,): the true boxes; ``answers`` (classes,): the boxes that were found;
    ``right`` (classes,): those that are right.
    """

    parameters: dict[str, Any]
    data: str
    objects: str
    classes: tuple[str, ...]
    precisions: np.ndarray
    counts: np.ndarray
    answers: np.ndarray
    right: np.ndarray
    seconds: float

    @property
    def found(self) -> int:
        """The boxes that were found."""
        return int(self.answers.sum())

    @property
    def precision(self) -> float | None:
        """The share of right ones among all boxes that were found, None if there are none."""
        return float(self.right.sum() / self.found) if self.found else None

    @property
    def recall(self) -> float:
        """The share of the true boxes that were found."""
        return float(self.right.sum() / self.counts.sum())

    @property
    def mean(self) -> float:
        """The mean average precision."""
        return float(np.nanmean(self.precisions))

    @property
    def title(self) -> str:
        return f"Detection by {self.parameters['run'].name}"

    @property
    def summary(self) -> str:
        """The mean, and what it is over, in one line."""
        scenes = self.parameters["scenes"]
        return (
            f"mean average precision {self.mean:.3f} at IoU 0.5 on {scenes} scenes of {self.data}"
            f" (test), {self.counts.sum()} {self.objects}, {self.found} boxes found;"
            f" {1000 * self.seconds / scenes:.0f} ms a scene"
        )

    @property
    def at_threshold(self) -> str:
        """Precision and recall of the boxes that were found, in one line."""
        right = self.right.sum()
        answered = (
            "no boxes"
            if self.precision is None
            else f"precision {self.precision:.3f}: {right} of {self.found} boxes are right"
        )
        return (
            f"{answered}; recall {self.recall:.3f}: {right} of {self.counts.sum()}"
            f" {self.objects} are found, at a probability of {self.parameters['threshold']:g}"
        )

    def lines(self) -> list[str]:
        """The average precision of each class, their mean, and precision and recall."""
        classes = zip(self.classes, self.precisions, self.counts, strict=True)
        each = [f"{name}: average precision {v:.3f} of {count} boxes" for name, v, count in classes]
        return [*each, self.at_threshold, self.summary]

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """All numbers, named like a picture's."""
        precisions = [None if v != v else v for v in self.precisions.tolist()]
        answers, right = self.answers.tolist(), self.right.tolist()
        return {
            "parameters": self.parameters,
            "inputs": {"data": self.data, self.objects: self.counts},
            "weights": {},
            "result": {
                "mean average precision": self.mean,
                "average precision": dict(zip(self.classes, precisions, strict=True)),
                "precision": self.precision,
                "recall": self.recall,
                "boxes found": self.found,
                "boxes of each class": dict(zip(self.classes, answers, strict=True)),
                "right boxes of each class": dict(zip(self.classes, right, strict=True)),
                "seconds": self.seconds,
            },
        }


def measure_detector(
    detector: Detector,
    scenes: int,
    *,
    seed: int = 0,
    clutter: int = 0,
    scales: Sequence[float] | None = None,
    data_dir: str | os.PathLike | None = None,
) -> DetectionScores:
    """Compare what is found in ``scenes`` generated scenes of the test images with the truth.

    ``seed`` and ``clutter`` as in ``data.scene``, or ``data.composed_scene`` for classes of the
    user's own; ``scales`` as in ``Detector.scan``, by default ``Detector.scales``.
    Raises DataError if the images are missing, and for scenes without any object.
    """
    images = detector.images(data_dir)
    begin = time.perf_counter()
    found: list[Detections] = []
    truth = []
    for first in range(0, scenes, BATCH):
        numbers = range(first, min(first + BATCH, scenes))
        shown = [detector.scene(images, n, seed, clutter) for n in numbers]
        pixels = np.stack([one.image for one in shown])
        size = pixels.shape[2:]
        used = scales or detector.scales(size)
        found += [detector.found(levels, size) for levels in detector.scan(pixels, used)]
        truth += [(one.boxes, one.labels) for one in shown]
    labels = np.concatenate([labels for _, labels in truth])
    if not len(labels):
        raise DataError(f"scenes: expected some with an object, got {scenes} without any")
    names = [name for name in images.classes if not detector.own or name != detector.background]
    kept = [images.classes.index(name) for name in names]
    precisions = average_precisions(found, truth, len(images.classes))[kept]
    seconds = time.perf_counter() - begin
    right = [some.labels[compared(some, *true)[0]] for some, true in zip(found, truth, strict=True)]
    counts, answers, hits = (
        np.bincount(numbers, minlength=len(images.classes))[kept]
        for numbers in (
            labels,
            np.concatenate([some.labels for some in found]),
            np.concatenate(right),
        )
    )
    return DetectionScores(
        {
            "run": detector.run.folder,
            "scenes": scenes,
            "seed": seed,
            "clutter": clutter,
            "scales": used,
            **detector.settings,
        },
        images.name,
        detector.objects,
        tuple(names),
        precisions,
        counts,
        answers,
        hits,
        seconds,
    )
