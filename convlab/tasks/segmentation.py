"""Semantic segmentation of generated scenes: which pixel belongs to which digit."""

from __future__ import annotations

import dataclasses
import math
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

import convlab
from convlab import files, random, reading, tensor_files
from convlab import functional as F
from convlab.data import (
    BACKGROUND,
    Dataset,
    Scaling,
    Scene,
    has_dark_background,
    load,
    scene,
    to_floats,
)
from convlab.errors import ConvlabError, DataError, DivergedError, RunError, SpecError
from convlab.files import write_atomically
from convlab.json_files import json_bytes
from convlab.models import GraphNetwork, encoder_decoder
from convlab.names import class_names
from convlab.optim import Adam, scheduled_rate
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.run_folder import CONFIG, HISTORY, MODEL, OWN, check_free

SEGMENTATION_SIZE = (64, 64)
"""Rows and columns of the scenes for training and evaluation."""

BACKGROUND_WEIGHT = 0.2  # so that the few pixels of ink are not lost among the many of background
FIELDS, MOST, CLUTTER = (24, 36), 4, 6


@dataclass(frozen=True)
class SegmentationSettings:
    """How to train: the digits of the scenes, and ``steps`` of ``batch_size`` new scenes each.

    ``rate`` is Adam's largest learning rate, which follows one cycle.
    Raises SpecError for a value that is not possible.
    """

    data: str = "digits"
    steps: int = 1500
    batch_size: int = 16
    rate: float = 0.003
    seed: int = 0

    def __post_init__(self):
        for name, least in (("steps", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise SpecError(f"{name}: expected a whole number of at least {least}, got {value}")
        if not (isinstance(self.rate, int | float) and 0 < self.rate < math.inf):
            raise SpecError(f"rate: expected a number above 0, got {self.rate}")


@dataclass(frozen=True)
class StepRecord:
    """The steps up to here: their mean loss, share of right pixels, and seconds since the start."""

    step: int
    loss: float
    accuracy: float
    rate: float
    seconds: float

    def text(self, steps: int) -> str:
        """A line of progress, of so many ``steps``."""
        return (
            f"step {self.step}/{steps}  loss {self.loss:.4f}"
            f"  pixels {100 * self.accuracy:.2f} %  {self.seconds:.0f} s"
        )


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A network for pixels, with what it takes to use it.

    classes: BACKGROUND first, then the digits'.
    """

    network: GraphNetwork
    classes: tuple[str, ...]
    scaling: Scaling
    settings: SegmentationSettings

    def answers(self, images: np.ndarray) -> np.ndarray:
        """(N, H, W) class numbers for images (N, 1, H, W) uint8.

        The sides are padded with black to multiples of 4, and cropped again.
        """
        rows, columns = images.shape[2:]
        edges = ((0, 0), (0, 0), (0, -rows % 4), (0, -columns % 4))
        x = to_floats(np.pad(images, edges), self.scaling)
        with no_grad():
            output = self.network(Tensor(x)).numpy()
        return output.argmax(axis=1)[:, :rows, :columns]


def segmentation_scene(digits: Dataset, number: int, seed: int = 0) -> Scene:
    """A scene of digits of several sizes among fragments of others; see ``data.scene``."""
    return scene(
        digits,
        number,
        seed=seed,
        size=SEGMENTATION_SIZE,
        fields=FIELDS,
        most=MOST,
        clutter=CLUTTER,
    )


def new_segmenter(settings: SegmentationSettings, train: Dataset) -> Segmenter:
    """An untrained network for scenes of ``train``, its weights drawn with the seed.

    Raises DataError for images that are not bright drawings on black, each of a single object.
    """
    if BACKGROUND in train.classes or not has_dark_background(train):
        raise DataError(
            f"{train.name}: expected grey images of single digits, bright on black, to place in"
            " scenes, such as digits or mnist"
        )
    classes = (BACKGROUND, *train.classes)
    random.manual_seed(settings.seed)
    network = encoder_decoder(SEGMENTATION_SIZE, len(classes))
    some = np.stack([segmentation_scene(train, n, settings.seed).image for n in range(64)])
    sample = Dataset("scenes", "train", some, np.zeros(len(some), np.int64), ("scene",))
    return Segmenter(network, classes, Scaling.standardise(sample), settings)


def pixel_loss(logits: Tensor, mask: np.ndarray, background: float = 1.0) -> Tensor:
    """Mean cross-entropy over all pixels; logits (N, K, H, W), mask (N, H, W) class numbers.

    ``background`` is the weight of pixels of class 0; that of all others is 1.  Pixels are taken as
    a batch in memory order: nothing is copied.
    """
    classes = logits.shape[1]
    flat = logits.transpose(1, 2, 3, 0).reshape(classes, -1).transpose(1, 0)
    weight = np.array([background, *[1.0] * (classes - 1)])
    return F.cross_entropy(flat, mask.transpose(1, 2, 0).reshape(-1), weight=weight)


def train_segmenter(segmenter: Segmenter, train: Dataset, every: int = 25) -> Iterator[StepRecord]:
    """Train on new scenes in each step; a record after each ``every`` steps and after the last.

    Raises DivergedError when the loss is no longer finite.
    """
    settings, network = segmenter.settings, segmenter.network
    # A memory of a hundred steps: the network learns what ink is at once, and which digit much
    # later.
    optimizer = Adam(network.parameters(), settings.rate, betas=(0.9, 0.99))
    begin, losses, right = time.perf_counter(), [], []
    for step in range(settings.steps):
        first = step * settings.batch_size
        shown = [
            segmentation_scene(train, 64 + first + k, settings.seed)
            for k in range(settings.batch_size)
        ]
        mask = np.stack([one.mask for one in shown])
        x = to_floats(np.stack([one.image for one in shown]), segmenter.scaling)
        optimizer.rate = scheduled_rate("one-cycle", settings.rate, step, settings.steps)
        logits = network(Tensor(x))
        loss = pixel_loss(logits, mask, BACKGROUND_WEIGHT)
        if not math.isfinite(loss.item()):
            raise DivergedError(
                f"the loss is {loss.item()} in step {step + 1}: try a rate below {settings.rate:g}"
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        right.append((logits.numpy().argmax(axis=1) == mask).mean())
        if (step + 1) % every == 0 or step + 1 == settings.steps:
            seconds = time.perf_counter() - begin
            yield StepRecord(
                step + 1, float(np.mean(losses)), float(np.mean(right)), optimizer.rate, seconds
            )
            losses, right = [], []


def regions(mask: np.ndarray, classes: tuple[str, ...]) -> list[tuple[str, float, float, float]]:
    """(class name, top, bottom, column of the middle) of each connected piece of a mask (H, W).

    The largest first; those of fewer than 20 pixels are left out.
    """
    from scipy.ndimage import find_objects, label

    found = []
    for number in range(1, len(classes)):
        pieces, _ = label(mask == number, np.ones((3, 3)))
        for piece, (rows, columns) in enumerate(find_objects(pieces), 1):
            count = int((pieces == piece).sum())
            if count >= 20:
                middle = (columns.start + columns.stop) / 2
                found.append((count, classes[number], rows.start, rows.stop, middle))
    found.sort(key=lambda one: -one[0])
    return [one[1:] for one in found]


# --- how good ---------------------------------------------------------------------------


def pixel_confusion(truth: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts of pixels: rows are true classes, columns answers."""
    flat = truth.reshape(-1) * classes + answers.reshape(-1)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def intersection_over_union(confusion: np.ndarray) -> np.ndarray:
    """(classes,) shares: pixels that are a class and labelled so, out of those that are either.

    NaN for a class that is neither present nor predicted (Long, Shelhamer & Darrell 2015, section
    5).
    """
    right = np.diag(confusion).astype(float)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - right
    return np.divide(right, union, out=np.full(len(right), np.nan), where=union > 0)


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of all pixels that are labelled correctly."""
    return float(np.trace(confusion) / confusion.sum())


def evaluate_segmenter(
    segmenter: Segmenter, digits: Dataset, scenes: int, seed: int = 0
) -> np.ndarray:
    """The ``pixel_confusion`` over scenes of ``digits``."""
    total = np.zeros((len(segmenter.classes),) * 2, np.int64)
    for first in range(0, scenes, 50):
        numbers = range(first, min(first + 50, scenes))
        shown = [segmentation_scene(digits, n, seed) for n in numbers]
        answers = segmenter.answers(np.stack([one.image for one in shown]))
        total += pixel_confusion(np.stack([one.mask for one in shown]), answers, len(total))
    return total


@dataclass(frozen=True, eq=False)
class SegmentationScores:
    """How well a segmenter does on scenes of ``data``, from their ``pixel_confusion``."""

    confusion: np.ndarray
    classes: tuple[str, ...]
    scenes: int
    data: str

    @property
    def shares(self) -> dict[str, float]:
        """The intersection over union of each class."""
        shares = intersection_over_union(self.confusion).tolist()
        return dict(zip(self.classes, shares, strict=True))

    @property
    def mean(self) -> float:
        """The mean intersection over union."""
        return float(np.nanmean(intersection_over_union(self.confusion)))

    def record(self) -> dict[str, Any]:
        """All numbers by name, for JSON."""
        return {
            "scenes": self.scenes,
            "pixel_accuracy": pixel_accuracy(self.confusion),
            "mean_intersection_over_union": self.mean,
            "intersection_over_union": {k: None if v != v else v for k, v in self.shares.items()},
        }

    def lines(self) -> list[str]:
        """Each class, then the means."""
        each = [f"{k}: intersection over union {share:.3f}" for k, share in self.shares.items()]
        accuracy = 100 * pixel_accuracy(self.confusion)
        said = f"mean intersection over union {self.mean:.3f}, pixel accuracy {accuracy:.2f} %"
        return [*each, f"{said} on {self.scenes} scenes of {self.data} (test)"]


def segmentation_scores(
    segmenter: Segmenter, digits: Dataset, scenes: int, seed: int = 0
) -> SegmentationScores:
    """Measure a segmenter on ``scenes`` scenes of ``digits``."""
    confusion = evaluate_segmenter(segmenter, digits, scenes, seed)
    return SegmentationScores(confusion, segmenter.classes, scenes, digits.name)


# --- its folder -------------------------------------------------------------------------


def fit_segmenter(
    folder: Path,
    segmenter: Segmenter,
    train: Dataset,
    watch: Callable[[StepRecord], None] | None = None,
) -> list[StepRecord]:
    """Train on scenes of ``train`` and write the folder; returns its history.

    ``watch`` is called with each record.  Raises RunError, before training, for a folder that
    cannot be written, and the same errors as ``train_segmenter``.
    """
    files.make_folder(folder)
    history = []
    try:
        with files.locked(folder):
            for record in train_segmenter(segmenter, train):
                history.append(record)
                if watch is not None:
                    watch(record)
            save_segmenter(folder, segmenter, history)
    except BaseException:
        files.discard(folder, ())  # if it is empty
        raise
    return history


@dataclass(frozen=True, eq=False)
class SegmentationRun:
    """A segmenter that was trained: its folder, its last steps and how well it does."""

    folder: Path
    last: StepRecord
    scores: SegmentationScores

    def record(self) -> dict[str, Any]:
        """All numbers by name, for JSON."""
        numbers = dataclasses.asdict(self.last) | self.scores.record()
        return {"run": str(self.folder), **numbers}

    def lines(self) -> list[str]:
        """The scores, where it is, and what to do with it."""
        then = f"next: convlab segment predict {shlex.quote(str(self.folder))} scene:0"
        return [*self.scores.lines(), f"run: {self.folder}", then]


def segmentation_run(
    settings: SegmentationSettings,
    folder: Path | None = None,
    data_dir: str | None = None,
    *,
    exist_ok: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> SegmentationRun:
    """Train a new segmenter, by default into runs/segment-DATA, and measure it on the test digits.

    ``say`` is called with each line of progress.  Raises RunError for a folder that is taken, and
    the same errors as ``fit_segmenter`` and ``data.load``.
    """
    folder = folder or Path("runs") / f"segment-{Path(settings.data).name}"
    check_free(folder, exist_ok)
    digits, test = load(settings.data, data_dir=data_dir)
    segmenter = new_segmenter(settings, digits)
    say(
        f"encoder-decoder, {segmenter.network.parameter_count():,} parameters,"
        f" {settings.steps} steps of {settings.batch_size} scenes of {digits.name}"
    )
    steps = settings.steps
    history = fit_segmenter(folder, segmenter, digits, lambda step: say(step.text(steps)))
    return SegmentationRun(folder, history[-1], segmentation_scores(segmenter, test, 100))


def save_segmenter(folder: Path, segmenter: Segmenter, history: list[StepRecord]) -> None:
    """Write config.json, model.safetensors and history.csv, all of them or none.

    Raises RunError.
    """
    config = {
        "convlab": f"{convlab.__version__}, convlab segment",
        "segmentation": dataclasses.asdict(segmenter.settings),
        "classes": list(segmenter.classes),
        "scaling": segmenter.scaling.to_dict(),
    }
    columns = [field.name for field in dataclasses.fields(StepRecord)]
    rows = [",".join(str(getattr(record, name)) for name in columns) for record in history]
    with files.new_folder(folder, OWN, CONFIG) as new:
        weights = safetensors.numpy.save(segmenter.network.state_dict())
        write_atomically(new.path / MODEL, weights)
        table = "\n".join([",".join(columns), *rows]) + "\n"
        write_atomically(new.path / HISTORY, table.encode())
        write_atomically(new.path / CONFIG, json_bytes(config, indent=2))
        new.commit()


def load_segmenter(folder: Path) -> Segmenter:
    """The network written by ``save_segmenter``.  Raises RunError for any other folder."""
    try:
        config = reading.read_json(folder / CONFIG)
    except (OSError, ValueError):
        raise RunError(
            f"{folder}: expected the folder that convlab segment train wrote, there is no"
            f" {CONFIG} to read in it"
        ) from None
    if not isinstance(config, dict) or "segmentation" not in config:
        raise RunError(
            f"{folder}: expected the folder that convlab segment train wrote, got another run"
        )
    try:
        settings = SegmentationSettings(**config["segmentation"])
        classes = class_names(config["classes"], CONFIG)
        if not isinstance(settings.data, str):
            raise TypeError("expected the name of the data")
        segmenter = Segmenter(
            encoder_decoder(SEGMENTATION_SIZE, len(classes)),
            classes,
            Scaling.from_dict(config["scaling"]),
            settings,
        )
    except (KeyError, TypeError, ConvlabError) as error:
        raise RunError(f"{folder}: cannot be read: {error}") from None
    arrays, _ = tensor_files.read_tensors(folder / MODEL)
    try:
        segmenter.network.load_state_dict(arrays)
    except ConvlabError as error:
        raise RunError(f"{folder}: the network does not fit its weights: {error}") from None
    segmenter.network.eval()
    return segmenter
