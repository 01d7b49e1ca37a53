"""One class against all others: what each threshold finds, and what it takes for it by mistake."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from convlab import insight, viz
from convlab.errors import DataError, SpecError
from convlab.insight import Decisions, Share
from convlab.names import listed, meant, shortened
from convlab.numerals import to_places
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike, run_of, tested
from convlab.terminal import Block, Line, Table
from convlab.training import Evaluation, Run
from convlab.words import joined, t

THRESHOLDS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Those of the table."""


def roc(
    run: RunLike,
    positive: str,
    *,
    threshold: float = 0.5,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """ROC curve and precision-recall curve of one class against all others, on the test images.

    An image is called positive if the probability of the class ``positive`` is at least
    ``threshold``; the curves show all thresholds.
    Raises SpecError for a class that does not exist and a threshold outside 0 to 1, DataError for
    test images that are all of the class, or none.
    """
    run = run_of(run)
    check_class(run, positive)
    test, result = tested(run, data_dir)
    return OneAgainstRest(run, test.name, result, positive, threshold).picture()


def check_class(run: Run, positive: str) -> None:
    """Raise SpecError for a class that a run does not have."""
    if positive not in run.classes:
        raise SpecError(
            f"positive: expected one of {listed(run.classes)}, got {positive!r}"
            f"{meant(positive, run.classes)}"
        )


@dataclass(frozen=True, eq=False)
class OneAgainstRest:
    """A run's ``result`` on a data set called ``data``, as answers about the class ``positive``."""

    run: Run
    data: str
    result: Evaluation
    positive: str
    threshold: float

    def __post_init__(self) -> None:
        check_class(self.run, self.positive)
        self.answers.at(self.threshold)  # raises for a threshold and images that do not fit

    @cached_property
    def answers(self) -> insight.OneClass:
        """The probabilities of the class, and which images are of it."""
        number = self.run.classes.index(self.positive)
        try:
            return insight.OneClass(
                self.result.probabilities[:, number], self.result.labels == number
            )
        except DataError as error:
            raise DataError(f"{self.data}, class {shortened(self.positive)}: {error}") from None

    @cached_property
    def decisions(self) -> Decisions:
        """Those at the chosen threshold."""
        return self.answers.at(self.threshold)

    @property
    def table(self) -> list[Decisions]:
        """Those at round thresholds."""
        return [self.answers.at(threshold) for threshold in THRESHOLDS]

    def record(self) -> dict[str, Any]:
        """All numbers by name, for JSON."""
        rate, sensitivity, thresholds = self.answers.roc()
        recall, precision, cuts = self.answers.precision_recall()
        return {
            "class": self.positive,
            "images of the class": self.answers.prevalence.part,
            "other images": self.answers.prevalence.whole - self.answers.prevalence.part,
            **_numbers(self.decisions),
            "confidence": insight.CONFIDENCE,
            "area under the ROC curve": self.answers.area,
            "average precision": self.answers.average_precision,
            "thresholds": [_numbers(row) for row in self.table],
            "ROC curve": {
                "false positive rate": rate,
                "sensitivity": sensitivity,
                # Nothing reaches the first: JSON has no infinity.
                "threshold": [None, *thresholds[1:].tolist()],
            },
            "precision-recall curve": {
                "recall": recall,
                "precision": precision,
                "threshold": cuts,
            },
        }

    def lines(self) -> list[Line | Block]:
        """The shares at the threshold, the areas, and a table of thresholds."""
        shares = self.decisions.shares.items()
        # A share of nothing has no interval.
        rows = [[f"  {name}", *[*_words(share), ""][:3]] for name, share in shares]
        head = [
            "threshold",
            "sensitivity",
            "specificity",
            "PPV",
            "NPV",
            "called positive",
        ]
        cells = [
            [f"{row.threshold:g}", *(_percent(share) for share in row.shares.values())]
            + [f"{row.positive_predictive_value.whole:,}"]
            for row in self.table
        ]
        return [
            t(
                "{who}: positive is a probability of at least {threshold:g}",
                *(self._who, self.threshold),
            ),
            *Table(rows).lines(None),
            t("{areas}; predictive values hold for this share of the class only", self._areas),
            Table([head, *cells], right=range(6), spare=(5, 4)),
        ]

    def csv(self) -> bytes:
        """The table of thresholds."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(_numbers(self.decisions)), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: _cell(v) for k, v in _numbers(row).items()} for row in self.table)
        return text.getvalue().encode()

    def picture(self) -> Picture:
        """Both curves."""
        title = t("{positive} against the rest", self.positive)
        dot = t("dot: positive is a probability of at least {threshold:g}", self.threshold)
        subtitle = joined([self.run.name, self._counts, dot], "; ")
        chosen, prevalence = self.decisions, self.answers.prevalence.value or 0.0
        sensitivity = chosen.sensitivity.value or 0.0
        precision = chosen.positive_predictive_value.value
        rate, found, _ = self.answers.roc()
        recall, right, _ = self.answers.precision_recall()
        curves = [
            viz.RateCurve(
                t("ROC curve, area {number}", to_places(self.answers.area, 3)),
                t("1 − specificity"),
                t("sensitivity"),
                rate,
                found,
                (0.0, 1.0),
                (1 - (chosen.specificity.value or 0.0), sensitivity),
            ),
            viz.RateCurve(
                t(
                    "Precision-recall curve, average precision {number}",
                    to_places(self.answers.average_precision, 3),
                ),
                t("recall = sensitivity"),
                t("precision = positive predictive value"),
                recall,
                right,
                (prevalence, prevalence),
                None if precision is None else (sensitivity, precision),
                stepped=True,
            ),
        ]
        facts = {_NAMES[name]: joined(_words(share)) for name, share in chosen.shares.items()}
        return Picture(
            title,
            f"{title}; {subtitle}; {self._areas}; {said(facts)}.",
            partial(
                viz.rate_curves, curves, facts=list(facts.items()), title=title, subtitle=subtitle
            ),
            facts=facts,
            lines=self.lines,
            parameters={
                "run": self.run.folder,
                "data": self.data,
                "positive": self.positive,
                "threshold": self.threshold,
            },
            result=self.record(),
        )

    @property
    def _counts(self) -> str:
        share = self.answers.prevalence
        return t("{part:,} of {whole:,} test images are of the class", share.part, share.whole)

    @property
    def _who(self) -> str:
        return t("{name} against the rest, {counts}", shortened(self.positive), self._counts)

    @property
    def _areas(self) -> str:
        return t(
            "area under the ROC curve {number}, average precision {number2}",
            *(to_places(self.answers.area, 4), to_places(self.answers.average_precision, 4)),
        )


_NAMES = {
    "sensitivity": t("sensitivity"),
    "specificity": t("specificity"),
    "positive predictive value": t("positive predictive value"),
    "negative predictive value": t("negative predictive value"),
}


def _words(share: Share) -> list[str]:
    """A share, what it is made of and its interval."""
    if share.value is None or share.interval is None:
        return [t("none"), t("{part:,} of {whole:,}", 0, share.whole)]
    low, high = (f"{100 * end:.1f}" for end in share.interval)
    return [
        f"{to_places(100 * share.value, 1)} %",
        t("{part:,} of {whole:,}", share.part, share.whole),
        t("95 % interval {low} to {high} %", low, high),
    ]


def _percent(share: Share) -> str:
    return "-" if share.value is None else f"{100 * share.value:.1f} %"


def _numbers(decisions: Decisions) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "threshold": decisions.threshold,
        "true positives": decisions.true_positives,
        "false positives": decisions.false_positives,
        "false negatives": decisions.false_negatives,
        "true negatives": decisions.true_negatives,
    }
    for name, share in decisions.shares.items():
        counts[name] = share.value
        counts[f"{name}, interval"] = share.interval
    return counts


def _cell(value: Any) -> Any:
    """A number of a table; the ends of an interval in one cell."""
    return " to ".join(map(str, value)) if isinstance(value, tuple) else value
