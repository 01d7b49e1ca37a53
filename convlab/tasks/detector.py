"""A run on single digits used as a detector of digits in pictures of any size."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab import data, insight
from convlab.data import Dataset
from convlab.data.scenes import BOX
from convlab.errors import RunError
from convlab.insight.fully_convolutional import Level
from convlab.models import Network
from convlab.tasks.detection import Detections, average_precisions, detect
from convlab.training import Run

BATCH = 50  # scenes scanned together


@dataclass(frozen=True, eq=False)
class Detector:
    """A run, its network made fully convolutional, and which boxes are kept."""

    run: Run
    network: Network
    threshold: float = 0.5
    overlap: float = 0.1

    @property
    def settings(self) -> dict[str, float]:
        """``threshold``, ``overlap`` and ``box``, a digit's share of the network's input."""
        # The images may be centred in a larger input; the box is a share of the image.
        box = BOX * self.run.image_shape[1] / self.network.input_shape[1]
        return {"threshold": self.threshold, "overlap": self.overlap, "box": box}

    def scales(self, size: tuple[int, int]) -> list[float]:
        """The enlargement of pictures of ``size`` for each scan, a quarter octave apart."""
        return insight.usual_scales(self.network, size)

    def scan(self, images: np.ndarray, scales: Sequence[float]) -> list[tuple[Level, ...]]:
        """The answers for all windows of images (N, 1, H, W), for each image at each scale."""
        levels = [insight.scan(self.network, images, self.run.scaling, s) for s in scales]
        return list(zip(*levels, strict=True))

    def found(self, levels: Sequence[Level], size: tuple[int, int]) -> Detections:
        """The boxes in one image of ``size``."""
        return detect(levels, self.run.classes, size, **self.settings)

    def digits(self, data_dir: str | os.PathLike | None = None) -> Dataset:
        """The test images that scenes are made of."""
        source = self.run.settings.data
        return data.load("mnist" if source == "scenes" else source, data_dir=data_dir)[1]


def detector(run: Run, threshold: float = 0.5, overlap: float = 0.1) -> Detector:
    """``run`` as a detector.  Raises RunError for one on images other than drawings on black,
    SpecError for a network that cannot be moved over a picture."""
    network = insight.fully_convolutional(run.network)
    if run.image_shape[0] != 1 or not run.dark_background:
        raise RunError(
            f"{run.folder}: expected a run on bright drawings on black, such as digits, mnist or"
            f" scenes, got one on {run.settings.data}"
        )
    return Detector(run, network, threshold, overlap)


@dataclass(frozen=True, eq=False)
class DetectionScores:
    """How well a detector finds the digits of generated scenes.

    ``parameters``: what was requested; ``data``: where the digits come from.  ``precisions``
    (classes,): average precision at an intersection over union of 0.5, NaN for an absent class;
    ``counts`` (classes,): the true boxes; ``found``: all boxes that were found.
    """

    parameters: dict[str, Any]
    data: str
    classes: tuple[str, ...]
    precisions: np.ndarray
    counts: np.ndarray
    found: int
    seconds: float

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
            f" (test), {self.counts.sum()} digits, {self.found} boxes found;"
            f" {1000 * self.seconds / scenes:.0f} ms a scene"
        )

    def lines(self) -> list[str]:
        """The average precision of each class, and their mean."""
        classes = zip(self.classes, self.precisions, self.counts, strict=True)
        each = [f"{name}: average precision {v:.3f} of {count} boxes" for name, v, count in classes]
        return [*each, self.summary]

    @property
    def numbers(self) -> dict[str, dict[str, Any]]:
        """All numbers, named like a picture's."""
        precisions = [None if v != v else v for v in self.precisions.tolist()]
        return {
            "parameters": self.parameters,
            "inputs": {"data": self.data, "digits": self.counts},
            "weights": {},
            "result": {
                "mean average precision": self.mean,
                "average precision": dict(zip(self.classes, precisions, strict=True)),
                "boxes found": self.found,
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
    """Compare what is found in ``scenes`` generated scenes of the test digits with the truth.

    ``seed`` and ``clutter`` as in ``data.scene``; ``scales`` as in ``Detector.scan``, by default
    ``Detector.scales``.  Raises DataError if the digits are missing.
    """
    digits = detector.digits(data_dir)
    begin = time.perf_counter()
    found: list[Detections] = []
    truth = []
    for first in range(0, scenes, BATCH):
        numbers = range(first, min(first + BATCH, scenes))
        shown = [data.scene(digits, n, seed=seed, clutter=clutter) for n in numbers]
        images = np.stack([one.image for one in shown])
        size = images.shape[2:]
        used = scales or detector.scales(size)
        found += [detector.found(levels, size) for levels in detector.scan(images, used)]
        truth += [(one.boxes, one.labels) for one in shown]
    precisions = average_precisions(found, truth, len(digits.classes))
    seconds = time.perf_counter() - begin
    labels = np.concatenate([labels for _, labels in truth])
    return DetectionScores(
        {
            "run": detector.run.folder,
            "scenes": scenes,
            "seed": seed,
            "clutter": clutter,
            "scales": used,
            **detector.settings,
        },
        digits.name,
        digits.classes,
        precisions,
        np.bincount(labels, minlength=len(precisions)),
        sum(map(len, found)),
        seconds,
    )
