"""Loss and accuracy by epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from convlab import training, viz
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Run
from convlab.words import t


def curves(run: RunLike) -> Picture:
    """Loss and accuracy of a run by epoch.  Raises RunError for a run without a history."""
    history = training.history(run.folder if isinstance(run, Run) else Path(run))
    run = run_of(run)
    settings = run.settings
    name = t("{model} on {data}", Path(settings.model).stem, Path(settings.data).name)
    title = t("Training of {name}", name)
    return Picture(
        title,
        f"Loss and accuracy of {name} by epoch.",
        partial(
            viz.curves,
            history,
            title=title,
            subtitle=t(
                "batch size {batch_size}, {optimizer}, {schedule}",
                *(settings.batch_size, settings.optimizer, settings.schedule),
            ),
            best_epoch=run.best_epoch or None,
        ),
        parameters={"run": run.folder},
        result={"history": history},
    )
