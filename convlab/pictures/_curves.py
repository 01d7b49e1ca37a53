"""Loss and accuracy by epoch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from convlab import training, viz
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Run


def curves(run: RunLike) -> Picture:
    """Loss and accuracy of a run by epoch.  Raises RunError for a run without a history."""
    history = training.history(run.folder if isinstance(run, Run) else Path(run))
    run = run_of(run)
    settings = run.settings
    name = f"{Path(settings.model).stem} on {Path(settings.data).name}"
    title = f"Training of {name}"
    return Picture(
        title,
        f"Loss and accuracy of {name} by epoch.",
        partial(
            viz.curves,
            history,
            title=title,
            subtitle=f"batch size {settings.batch_size}, {settings.optimizer}, {settings.schedule}",
            best_epoch=run.best_epoch or None,
        ),
        parameters={"run": run.folder},
        result={"history": history},
    )
