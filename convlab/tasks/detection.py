"""From the answers for all windows of a picture to boxes, and how good the boxes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convlab.checks import real_numbers
from convlab.data.scenes import BACKGROUND, BOX
from convlab.errors import ShapeError, SpecError
from convlab.insight.fully_convolutional import Level

AGREEMENT = 0.4  # overlap from which two windows with the same answer count as the same digit
MOST = 1000  # candidates per picture that are examined, the most probable


@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture, the best supported first.

    boxes: (found, 4), top, left, bottom, right in pixels.  labels: (found,) class numbers.
    probabilities: (found,), of that class in the box's window.  support: (found,), the sum
    of the probabilities of all windows that agree, which ranks the boxes.
    """

    boxes: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    support: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def _boxes(values: np.ndarray) -> np.ndarray:
    boxes = real_numbers(values, "boxes").astype(float)
    if boxes.size and (boxes.ndim > 2 or boxes.shape[-1] != 4):
        raise ShapeError(f"boxes: expected the shape (boxes, 4), got {boxes.shape}")
    return boxes.reshape(-1, 4)


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other: (M, 4), (K, 4) to (M, K).

    Boxes are top, left, bottom, right; 0 if they do not overlap.  Raises ShapeError for arrays of
    another shape.
    """
    boxes, others = (_boxes(some) for some in (boxes, others))
    inner = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    inner = (inner - np.maximum(boxes[:, None, :2], others[None, :, :2])).clip(0)
    shared = inner.prod(axis=2)
    areas = [(some[:, 2:] - some[:, :2]).clip(0).prod(axis=1) for some in (boxes, others)]
    union = areas[0][:, None] + areas[1] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def non_maximum_suppression(
    boxes: np.ndarray, scores: np.ndarray, overlap: float = 0.3, within: float = 1.0
) -> np.ndarray:
    """The indices of the boxes that remain, the highest score first.

    Each of the boxes (M, 4) with scores (M,), in order of score, removes those that overlap it by
    more than ``overlap`` (intersection over union), and those of which it shares more than
    ``within`` of the smaller area.  Equal scores keep their order.  Raises SpecError for an overlap
    or share outside 0 to 1.
    """
    if not 0 <= within <= 1:
        raise SpecError(f"within: expected a share from 0 to 1, got {within}")
    if not 0 <= overlap <= 1:
        raise SpecError(f"overlap: expected a share from 0 to 1, got {overlap}")
    boxes, order = np.asarray(boxes, float), np.argsort(-np.asarray(scores), kind="stable")
    kept = []
    while order.size:
        kept.append(int(order[0]))
        shares = overlaps(boxes[order[:1]], boxes[order])[0]
        kept_too = shares <= overlap
        if within < 1:
            areas = (boxes[order, 2:] - boxes[order, :2]).prod(axis=1)
            # What two boxes share, from their areas and its ratio to their union.
            common = shares / (1 + shares) * (areas + areas[0])
            kept_too &= common <= within * np.minimum(areas, areas[0])
        kept_too[0] = False
        order = order[kept_too]
    return np.array(kept, np.int64)


def detect(
    levels: Sequence[Level],
    classes: Sequence[str],
    size: tuple[int, int],
    *,
    threshold: float = 0.5,
    overlap: float = 0.1,
    box: float = BOX,
    background: str = BACKGROUND,
    within: float = 1.0,
) -> Detections:
    """The boxes of a scanned picture of ``size`` (rows, columns).

    Every window whose likeliest class is not ``background`` and has a probability of at least
    ``threshold`` is a candidate; its box is its middle, the share ``box`` of its side, where
    the training images have their ink.  A candidate's support is the sum of the probabilities of
    those of its class around it, including itself: several windows find a digit, but few find what
    only looks like one.  (If no class is ``background``, the support is the candidate's own
    probability.)  Among candidates that overlap by more than ``overlap`` the one with the most
    support stays, whatever the classes, and moves to the weighted mean of those that support it
    (box voting, Gidaris & Komodakis 2015, section 5), since windows lie on a coarse grid.
    ``within`` as for ``non_maximum_suppression``.
    Raises SpecError for a threshold or overlap outside 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise SpecError(f"threshold: expected a probability from 0 to 1, got {threshold}")
    known = [number for number, name in enumerate(classes) if name != background]
    parts = []
    for level in levels:
        best, chance = level.probabilities.argmax(axis=0), level.probabilities.max(axis=0)
        taken = np.isin(best, known) & (chance >= threshold)
        windows = level.windows[taken]
        edge = (1 - box) / 2 * (windows[:, 2:] - windows[:, :2])
        inner = np.concatenate([windows[:, :2] + edge, windows[:, 2:] - edge], axis=1)
        parts.append((inner, best[taken], chance[taken].astype(float)))
    boxes, labels, chances = (np.concatenate(part) for part in zip(*parts, strict=True))
    surest = np.argsort(-chances, kind="stable")[:MOST]
    boxes, labels, chances = boxes[surest], labels[surest], chances[surest]
    agree = (overlaps(boxes, boxes) >= AGREEMENT) & (labels[:, None] == labels)
    # Without a background class there are answers everywhere, so how many agree says nothing.
    support = agree @ chances if background in classes else chances
    kept = non_maximum_suppression(boxes, support, overlap, within)
    votes = agree[kept] * chances
    merged = votes @ boxes / votes.sum(axis=1, keepdims=True)
    merged = merged.clip(0, [*size, *size])
    return Detections(merged, labels[kept], chances[kept], support[kept])


def score_maps(levels: Sequence[Level], size: tuple[int, int]) -> np.ndarray:
    """(classes, rows, columns): for each pixel the highest probability of each class.

    From the windows of all levels, those whose centre is nearest to the pixel.
    """
    maps = np.zeros((len(levels[0].probabilities), *size), np.float32)
    for level in levels:
        nearest = []
        for axis, length in enumerate(size):
            ends = level.windows[..., axis] + level.windows[..., axis + 2]
            middles = ends[:, 0] / 2 if axis == 0 else ends[0] / 2
            pitch = middles[1] - middles[0] if len(middles) > 1 else 1.0
            at = np.round((np.arange(length) + 0.5 - middles[0]) / pitch)
            nearest.append(at.clip(0, len(middles) - 1).astype(int))
        np.maximum(maps, level.probabilities[:, nearest[0][:, None], nearest[1]], out=maps)
    return maps


def as_ink(image: np.ndarray) -> np.ndarray:
    """A bright drawing (1, H, W) uint8 with its background at 0 and its brightest ink at 255.

    Inverted paper is never quite black, and pencil never quite white.
    """
    ground, ink = float(np.median(image)), float(np.percentile(image, 99.9))
    if ink <= ground:
        return image
    return np.round((image - ground) / (ink - ground) * 255).clip(0, 255).astype(np.uint8)


# --- how good ---------------------------------------------------------------------------


def matched(found: np.ndarray, truth: np.ndarray, least: float = 0.5) -> np.ndarray:
    """Which boxes found (M, 4), in the order of their scores, hit a true box (K, 4).

    Each is compared with the true box that it overlaps most and hits it with an
    intersection over union above ``least``, unless a higher-scoring one has already hit that box
    (Everingham et al. 2010, section 4.2).  Returns (M,) booleans.
    """
    hits, free = np.zeros(len(found), bool), np.ones(len(truth), bool)
    if not len(truth):
        return hits
    shares = overlaps(found, truth)
    for number, nearest in enumerate(shares.argmax(axis=1)):
        if shares[number, nearest] > least and free[nearest]:
            hits[number], free[nearest] = True, False
    return hits


def compared(
    found: Detections, boxes: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which of the boxes found are right, (M,) booleans, and the numbers of the true ones missed.

    Right is a box of the right class that ``matched``; boxes (K, 4) and labels (K,) are the
    truth.
    """
    right, missed = np.zeros(len(found), bool), list[int]()
    for label in np.unique(np.concatenate([found.labels, labels])):
        own, true = np.flatnonzero(found.labels == label), np.flatnonzero(labels == label)
        right[own] = matched(found.boxes[own], boxes[true])
        # Conversely: a true box that no right answer overlaps.
        hit = overlaps(boxes[true], found.boxes[own[right[own]]])
        missed += true[~(hit > 0.5).any(axis=1)].tolist() if hit.size else true.tolist()
    return right, np.array(missed, np.int64)


def average_precision(scores: np.ndarray, hits: np.ndarray, positives: int) -> float:
    """The area under the precision-recall curve, over all points.

    scores, hits: (M,) for all pictures' boxes of a class; positives: how many there are to find.
    The precision at a recall is the highest at that recall or a larger one, as in PASCAL VOC since
    2010 (Everingham et al. 2015, section 3.4.1).  NaN if there is nothing to find.  Raises
    ShapeError if there are not as many hits as scores.
    """
    scores, hits = np.asarray(scores), np.asarray(hits, bool)
    if scores.shape != hits.shape or scores.ndim != 1:
        raise ShapeError(
            f"average_precision: expected a score for each hit, got {scores.shape} and {hits.shape}"
        )
    if positives == 0:
        return float("nan")
    right = hits[np.argsort(-scores, kind="stable")].cumsum()
    precision = right / np.arange(1, len(right) + 1)
    recall = np.concatenate([[0], right / positives])
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * highest).sum())


def average_precisions(
    found: Sequence[Detections],
    truth: Sequence[tuple[np.ndarray, np.ndarray]],
    classes: int,
    least: float = 0.5,
) -> np.ndarray:
    """(classes,) average precisions over pictures with (boxes, labels) as their truth."""
    values = np.empty(classes)
    for label in range(classes):
        scores, hits, positives = [], [], 0
        for some, (boxes, labels) in zip(found, truth, strict=True):
            own = some.labels == label
            scores.append(some.support[own])
            hits.append(matched(some.boxes[own], boxes[labels == label], least))
            positives += int((labels == label).sum())
        values[label] = average_precision(np.concatenate(scores), np.concatenate(hits), positives)
    return values
