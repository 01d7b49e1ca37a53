"""How good a run is, class by class, and where it is wrong."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from convlab import data, viz
from convlab.data import Dataset
from convlab.errors import DataError
from convlab.names import columns, listed, padded, shortened
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Evaluation, Run

MOST = 40  # mistakes in a picture


def evaluated(
    run: RunLike, source: str | None = None, data_dir: str | os.PathLike | None = None
) -> Evaluated:
    """A run's answers to its test images, or to those of another data set, ``source``.

    Raises DataError for a data set of other classes.
    """
    run = run_of(run)
    channels, rows, columns = run.image_shape
    other, source = source is not None, run.settings.data if source is None else source
    _, test = data.load(
        data.located(source),
        data_dir=data_dir,
        image_size=(rows, columns) if other else None,
        channels=channels if other else None,
    )
    if test.classes != run.classes:
        raise DataError(
            f"{source}: expected the run's classes {listed(run.classes)}, got"
            f" {listed(test.classes)}"
        )
    return Evaluated(run, source, test, run.evaluate(test))


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The answers of a run to the images of ``test``, which ``source`` names."""

    run: Run
    source: str
    test: Dataset
    result: Evaluation

    @cached_property
    def matrix(self) -> np.ndarray:
        """(classes, classes) counts: rows are true classes, columns answers."""
        return self.result.confusion()

    @property
    def classes(self) -> list[dict[str, Any]]:
        """Precision: the share of right ones among the answers; recall: among the images."""
        rows = []
        for k, name in enumerate(self.run.classes):
            right, true = self.matrix[k, k], self.matrix[k].sum()
            answered = self.matrix[:, k].sum()
            rows.append(
                {
                    "class": name,
                    "images": int(true),
                    "right": int(right),
                    "precision": float(right / answered) if answered else None,
                    "recall": float(right / true) if true else None,
                }
            )
        return rows

    def record(self) -> dict[str, Any]:
        """All numbers by name, for JSON."""
        return {
            "run": str(self.run.folder),
            "data": self.source,
            "images": len(self.test),
            "accuracy": self.result.accuracy,
            "loss": self.result.loss,
            "classes": self.classes,
            "confusion": self.matrix.tolist(),
        }

    def lines(self) -> list[str]:
        """A table of the classes, and the accuracy."""
        names = [shortened(name) for name in self.run.classes]
        width = max(5, *map(columns, names))
        lines = [f"{'class':{width}}  images  right  precision   recall"]
        for name, row in zip(names, self.classes, strict=True):
            precision, recall = (
                "       -" if row[key] is None else f"{100 * row[key]:6.2f} %"
                for key in ("precision", "recall")
            )
            counts = f"{row['images']:6,}  {row['right']:5,}"
            lines.append(f"{padded(name, width)}  {counts}   {precision} {recall}")
        lines.append(
            f"accuracy {100 * self.result.accuracy:.2f} %, loss {self.result.loss:.4f} on"
            f" {len(self.test):,} test images of {self.test.name}; weights of epoch"
            f" {self.run.best_epoch}"
        )
        return lines

    def csv(self) -> bytes:
        """The confusion matrix as a table."""
        classes = self.run.classes
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["true \\ predicted", *classes])
        writer.writerows([k, *row] for k, row in zip(classes, self.matrix.tolist(), strict=True))
        return text.getvalue().encode()

    def confusion(self) -> Picture:
        """The confusion matrix."""
        title = f"Confusion matrix, {self._name}"
        draw = partial(
            viz.confusion, self.matrix, self.run.classes, title=title, subtitle=self._accuracy
        )
        return Picture(title, f"Confusion matrix of {self._name}: {self._accuracy}.", draw)

    def mistakes(self) -> Picture:
        """The images with a wrong answer, those with the most confident answers first."""
        result, classes = self.result, self.run.classes
        mistaken = result.mistakes()
        wrong = mistaken[:MOST]
        count = f"{len(mistaken):,} of {len(self.test):,} test images wrong"
        title = f"Worst mistakes, {self._name}"
        draw = partial(
            viz.mistakes,
            self.test.images[wrong],
            [classes[i] for i in result.labels[wrong]],
            [classes[i] for i in result.predictions[wrong]],
            result.probabilities[wrong].max(axis=1),
            title=title,
            subtitle=f"{count}; true → predicted, its probability",
        )
        return Picture(title, f"Worst mistakes of {self._name}: {self._accuracy}; {count}.", draw)

    @property
    def _name(self) -> str:
        return f"{self.run.network.name} on {self.test.name}"

    @property
    def _accuracy(self) -> str:
        run = self.run.folder.resolve().name
        return f"run {run}, test accuracy {100 * self.result.accuracy:.2f} %"
