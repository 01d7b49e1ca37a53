"""Which classes are mistaken for which."""

from __future__ import annotations

import os
from functools import partial

from convlab import viz
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of, tested
from convlab.words import t


def confusion(run: RunLike, data_dir: str | os.PathLike | None = None) -> Picture:
    """Which classes are mistaken for which, on the run's test images."""
    run = run_of(run)
    _, result = tested(run, data_dir)
    matrix = result.confusion()
    title = t("Confusion matrix, {name}", run.name)
    subtitle = t("test accuracy {value:.2f} %", 100 * result.accuracy)
    return Picture(
        title,
        f"{title}: {subtitle}.",
        partial(viz.confusion, matrix, run.classes, title=title, subtitle=subtitle),
        parameters={"run": run.folder, "data": run.settings.data},
        result={"accuracy": result.accuracy, "confusion": matrix},
    )
