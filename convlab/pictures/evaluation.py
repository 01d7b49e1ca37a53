"""How good a run is, class by class, and where it is wrong."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from convlab import data, viz
from convlab.data import Dataset
from convlab.errors import DataError
from convlab.files import made_folder, write_atomically
from convlab.names import listed, shortened
from convlab.pictures._roc import OneAgainstRest, check_class
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.terminal import Block, Line, Table
from convlab.training import Evaluation, Run
from convlab.training.run import INVERTED

MOST = 40  # mistakes in a picture


def evaluated(
    run: RunLike,
    source: str | None = None,
    data_dir: str | os.PathLike | None = None,
    skip_damaged: bool = False,
    *,
    positive: str | None = None,
    threshold: float = 0.5,
) -> Evaluated:
    """A run's answers to its test images, or to those of another data set, ``source``.

    ``positive``: the class that is looked at against the others, ``threshold``: from which
    probability on; ``skip_damaged``: without pictures that cannot be read.  The pictures of another
    folder are read as ``Run.image`` reads them.  Raises DataError for a data set of other classes,
    and the errors of ``pictures.roc``.
    """
    run = run_of(run)
    if positive is not None:
        check_class(run, positive)
    reading = Reading(run)
    skip_damaged = skip_damaged or run.settings.skip_damaged
    if source is None:
        source = run.settings.data
        own = dataclasses.replace(run.settings, skip_damaged=skip_damaged)
        _, test = own.datasets(data_dir, run.form)
    else:
        channels, rows, columns = run.image_shape
        _, test = data.load(
            data.located(source),
            data_dir=data_dir,
            image_size=(rows, columns),
            channels=channels,
            skip_damaged=skip_damaged,
            read=reading.read,
            lazy=True,
        )
    if test.classes != run.classes:
        raise DataError(
            f"{source}: expected the run's classes {listed(run.classes)}, got"
            f" {listed(test.classes)}"
        )
    result = run.evaluate(test)
    if positive is None:
        return Evaluated(run, source, test, result, reading)
    one = OneAgainstRest(run, test.name, result, positive, threshold)
    return Evaluated(run, source, test, result, reading, one)


class Reading:
    """How the pictures of a folder, those to train with too, became images for a run."""

    def __init__(self, run: Run):
        self.run = run
        self._done: dict[Path, tuple[bool, bool, bool]] = {}  # pictures may be read twice

    def read(self, path: Path) -> np.ndarray:
        """The bytes (C, H, W) of a picture."""
        image = self.run.image(path)
        self._done[path] = bool(image.prepared), bool(image.missing), image.inverted
        return image.pixels

    def record(self) -> dict[str, int]:
        """The counts by name, for JSON; empty if no pictures were read."""
        names = ("pictures", "prepared", "missing", "inverted")
        counts = map(sum, zip(*((True, *done) for done in self._done.values()), strict=True))
        return dict(zip(names, counts, strict=True)) if self._done else {}

    def lines(self) -> list[str]:
        """What was done to the pictures, in words."""
        if not (counts := self.record()):
            return []
        pictures, prepared, missing, inverted = counts.values()
        lines = []
        if prepared:
            form = data.FORMS[self.run.settings.data]
            lines.append(f"digit found on {prepared:,} of {pictures:,} pictures: {form}")
        if missing:
            lines.append(
                f"no digit found on {missing:,} of {pictures:,} pictures, which are taken whole"
            )
        if inverted and not prepared:
            lines.append(f"{inverted:,} of {pictures:,} pictures {INVERTED}")
        return lines


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The answers of a run to the images of ``test``, which ``source`` names.

    ``one``: those about one class alone, if it was asked for.
    """

    run: Run
    source: str
    test: Dataset
    result: Evaluation
    reading: Reading
    one: OneAgainstRest | None = None

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
            **self.reading.record(),
            **({} if self.one is None else {"positive": self.one.record()}),
        }

    def lines(self) -> list[Line | Block]:
        """A table of the classes, and the accuracy."""
        rows = [["class", "images", "right", "precision", "recall"]]
        for row in self.classes:
            shares = (row[key] for key in ("precision", "recall"))
            texts = ("-" if share is None else f"{100 * share:.2f} %" for share in shares)
            counts = (f"{row[key]:,}" for key in ("images", "right"))
            rows.append([shortened(row["class"]), *counts, *texts])
        said = (
            f"accuracy {100 * self.result.accuracy:.2f} %, loss {self.result.loss:.4f} on"
            f" {len(self.test):,} test images of {self.test.name}; weights"
            f" {self.run.weights_name}"
        )
        lines: list[Line | Block] = [Table(rows, range(1, 5), (2, 1)), *self.reading.lines(), said]
        return lines if self.one is None else [*lines, *self.one.lines()]

    def csv(self) -> bytes:
        """The confusion matrix as a table."""
        classes = self.run.classes
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["true \\ predicted", *classes])
        writer.writerows([k, *row] for k, row in zip(classes, self.matrix.tolist(), strict=True))
        return text.getvalue().encode()

    def save(self, folder: Path, *, command: str | None = None) -> list[Path]:
        """Write the tables and pictures into a folder; returns the pictures.

        ``command``: the one that makes them, for their metadata.  Raises RunError.
        """
        tables, pictures = {"confusion": self.csv()}, {"confusion": self.confusion()}
        pictures["mistakes"] = self.mistakes()
        if self.one is not None:
            tables["thresholds"], pictures["roc"] = self.one.csv(), self.one.picture()
        with made_folder(folder):
            for name, content in tables.items():
                write_atomically(folder / f"{name}.csv", content)
        for name, made in pictures.items():
            write_atomically(folder / f"{name}.png", made.content(".png", command=command))
        return [folder / f"{name}.png" for name in pictures]

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
