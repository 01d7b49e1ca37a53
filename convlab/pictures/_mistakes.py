"""The test images that a network gets wrong."""

from __future__ import annotations

import os
from functools import partial

from convlab import viz
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of, tested
from convlab.words import t


def mistakes(run: RunLike, most: int = 40, data_dir: str | os.PathLike | None = None) -> Picture:
    """The test images that a run gets wrong, those with the most confident answers first.

    ``most``: at most this many.  Below each are its true class, the answer and the answer's
    probability.
    """
    run = run_of(run)
    test, result = tested(run, data_dir)
    wrong = result.mistakes()
    shown = wrong[:most]
    chances = result.probabilities[shown].max(axis=1)
    true = [run.classes[label] for label in result.labels[shown]]
    answers = [run.classes[label] for label in result.predictions[shown]]
    count = t("{n:,} of {n2:,} test images wrong", len(wrong), len(test))
    named = "; ".join(f"{a} → {b}, {p:.2f}" for a, b, p in zip(true, answers, chances, strict=True))
    title = t("Worst mistakes, {name}", run.name)
    return Picture(
        title,
        f"{title}: {count}{f': {named}' if named else ''}.",
        partial(
            viz.mistakes,
            test.images[shown],
            true,
            answers,
            chances,
            title=t("Worst mistakes"),
            subtitle=t("{name}; {count}; true → answer, its probability", run.name, count),
        ),
        parameters={"run": run.folder, "data": run.settings.data, "most": most},
        inputs={"number": shown, "images": test.images[shown]},
        result={"true": true, "answer": answers, "probability": chances},
    )
