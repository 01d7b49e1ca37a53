"""A classifier's answers about one class against all others, at every threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab.errors import DataError, ShapeError, SpecError

CONFIDENCE = 0.95
"""The level of all intervals."""


@dataclass(frozen=True)
class Share:
    """``part`` of ``whole`` images."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The share's 95 % confidence interval by the score test (Wilson 1927); None of nothing."""
        if not self.whole:
            return None
        from scipy.stats import binomtest

        found = binomtest(self.part, self.whole).proportion_ci(CONFIDENCE, method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class Decisions:
    """The images by truth and answer, if those of at least ``threshold`` are called positive."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def sensitivity(self) -> Share:
        """Of the images of the class, those called positive: its recall."""
        return Share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> Share:
        """Of the other images, those called negative."""
        return Share(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def positive_predictive_value(self) -> Share:
        """Of the images called positive, those of the class: its precision."""
        return Share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def negative_predictive_value(self) -> Share:
        """Of the images called negative, the others."""
        return Share(self.true_negatives, self.true_negatives + self.false_negatives)

    @property
    def shares(self) -> dict[str, Share]:
        """The four shares by their names."""
        return {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "positive predictive value": self.positive_predictive_value,
            "negative predictive value": self.negative_predictive_value,
        }


@dataclass(frozen=True, eq=False)
class OneClass:
    """The probability (N,) of one class for each image, and whether the image is of it (N,).

    Raises ShapeError for arrays of different lengths, DataError unless there are images of the
    class and others.
    """

    probabilities: np.ndarray
    positive: np.ndarray

    def __post_init__(self) -> None:
        if self.probabilities.shape != self.positive.shape or self.positive.ndim != 1:
            raise ShapeError(
                "expected a probability for each image, got"
                f" {self.probabilities.shape} and {self.positive.shape}"
            )
        count, total = int(np.count_nonzero(self.positive)), len(self.positive)
        if not 0 < count < total:
            raise DataError(
                f"expected images of the class and others, got {count} and {total - count}"
            )

    @property
    def prevalence(self) -> Share:
        """The images of the class among all."""
        return Share(int(np.count_nonzero(self.positive)), len(self.positive))

    def at(self, threshold: float) -> Decisions:
        """The decisions at a threshold.  Raises SpecError unless it is from 0 to 1."""
        if not 0 <= threshold <= 1:
            raise SpecError(f"threshold: expected a probability from 0 to 1, got {threshold}")
        called = self.probabilities >= threshold
        pairs = ((called, True), (called, False), (~called, True), (~called, False))
        counts = [int((answers & (self.positive == truth)).sum()) for answers, truth in pairs]
        return Decisions(threshold, *counts)

    def roc(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """False positive rate, sensitivity and threshold at the corners of the ROC curve (n,).

        From (0, 0), where nothing is called positive at a threshold of infinity, to (1, 1).
        """
        from sklearn.metrics import roc_curve

        return roc_curve(self.positive, self.probabilities)

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Recall, precision and threshold, one for each probability that occurs, highest first."""
        from sklearn.metrics import precision_recall_curve

        precision, recall, thresholds = precision_recall_curve(self.positive, self.probabilities)
        # Without the end that no threshold gives, where there are no answers.
        return recall[-2::-1], precision[-2::-1], thresholds[::-1]

    @property
    def area(self) -> float:
        """The area under the ROC curve: how often an image of the class has a higher probability
        than another, equal ones counting half (Hanley & McNeil 1982)."""
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(self.positive, self.probabilities))

    @property
    def average_precision(self) -> float:
        """The mean precision over all images of the class, each at its own probability.

        The area under the precision-recall curve in steps, without interpolation.
        """
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(self.positive, self.probabilities))
