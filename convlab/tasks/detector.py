"""A run on single digits as a detector of digits in pictures of any size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab import data, insight
from convlab.data import Dataset
from convlab.data.scenes import BOX
from convlab.errors import RunError
from convlab.insight.fully_convolutional import Level
from convlab.models import Network
from convlab.tasks.detection import Detections, detect
from convlab.training import Run


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
        # The images may stand in a larger input; the box is a share of the image.
        box = BOX * self.run.image_shape[1] / self.network.input_shape[1]
        return {"threshold": self.threshold, "overlap": self.overlap, "box": box}

    def scales(self, size: tuple[int, int]) -> list[float]:
        """How far pictures of ``size`` are enlarged for each scan: a quarter octave apart."""
        return insight.usual_scales(self.network, size)

    def scan(self, images: np.ndarray, scales: Sequence[float]) -> list[tuple[Level, ...]]:
        """The answers to all windows of images (N, 1, H, W): of each image, at each scale."""
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
    """``run`` as a detector.  Raises RunError for one on other images than drawings on black,
    SpecError for a network that cannot be moved over a picture."""
    network = insight.fully_convolutional(run.network)
    if run.image_shape[0] != 1 or not run.dark_background:
        raise RunError(
            f"{run.folder}: expected a run on bright drawings on black, such as digits, mnist or"
            f" scenes, got one on {run.settings.data}"
        )
    return Detector(run, network, threshold, overlap)
