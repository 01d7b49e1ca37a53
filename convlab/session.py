"""Training from the settings to the finished run, for ``convlab.train`` and its command."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlab import get_num_threads, lab, pictures, training
from convlab.data import located
from convlab.errors import DivergedError, SpecError
from convlab.files import write_atomically
from convlab.kernels import cache
from convlab.kernels.device import threading_layer
from convlab.training import (
    BatchRecord,
    EpochRecord,
    Evaluation,
    Settings,
    TakenOver,
    Trainer,
)
from convlab.training.run_folder import CURVES, PAGE


@dataclass
class Session:
    """A training in progress, whose run's folder is locked.

    ``page``: whether the run has one; ``complete``: whether there is nothing left to do; ``start``
    and ``taken``: the run whose weights it started with, and which of them.
    """

    folder: Path
    trainer: Trainer
    page: bool = False
    complete: bool = False
    start: Path | None = None
    taken: TakenOver | None = None

    def announcement(self) -> list[str]:
        """What is trained on what and where, in lines, with what a user should know beforehand."""
        lines = []
        if not cache.is_compiled():
            lines.append("compiling the loops for this machine, once: about half a minute")
        layer = threading_layer()
        if layer == "workqueue":
            lines.append(
                "note: without an OpenMP library loops start more slowly (threading layer"
                " workqueue); on Linux, install the package libgomp1"
            )
        trainer, task, settings = self.trainer, self.trainer.task, self.trainer.settings
        threads = f"{get_num_threads()} threads ({layer})"
        where = threads if trainer.device == "cpu" else "on the GPU"
        lines.append(
            f"{task.network.name}, {task.network.parameter_count():,} parameters, on"
            f" {settings.data}: {len(task.train):,} training, {len(task.validation):,} validation"
            f" and {len(task.test):,} test images; {where}; run in {self.folder}"
        )
        frozen = [p.size for p in task.network.parameters() if not p.requires_grad]
        if frozen:
            lines.append(f"frozen ({settings.freeze}): {sum(frozen):,} parameters")
        if self.taken is not None:
            left = "; ".join(f"{name} is not ({why})" for name, why in self.taken.left.items())
            names = ", ".join(self.taken.taken)
            lines.append(f"weights of {self.start}: {names} taken{f'; {left}' if left else ''}")
        return lines

    def fit(self) -> Iterator[BatchRecord | EpochRecord]:
        """Train, save each epoch, and yield a record after each batch and epoch.

        Raises DivergedError, which says what the run keeps; a run that keeps nothing is deleted.
        """
        try:
            for record in self.trainer.fit():
                if isinstance(record, EpochRecord):
                    training.save(self.folder, self.trainer)  # a crash costs at most one epoch
                yield record
        except DivergedError as error:
            epoch = self.trainer.progress.epoch
            if not epoch:
                training.discard(self.folder)  # so that the name is free for the next attempt
                raise
            kept = f"{self.folder} keeps the weights up to epoch {epoch}"
            raise DivergedError(f"{error}; {kept}") from None

    def save(self) -> None:
        """Save a partial epoch.  Raises RunError."""
        training.save(self.folder, self.trainer)

    @property
    def batches(self) -> tuple[int, int]:
        """How many batches are done, and how many there are in all epochs."""
        each, progress = len(self.trainer.batches), self.trainer.progress
        return progress.epoch * each + progress.batch, self.trainer.settings.epochs * each

    def batch_text(self, record: BatchRecord) -> str:
        """The results of the epoch so far, in words."""
        seconds = self.trainer.progress.seconds
        rate = record.images / seconds if seconds else 0
        return (
            f"loss {record.loss:.4f}  accuracy {100 * record.accuracy:.2f} %  {rate:,.0f} images/s"
        )

    def epoch_text(self, record: EpochRecord) -> str:
        """An epoch in one line."""
        return (
            f"epoch {record.epoch}/{self.trainer.settings.epochs}"
            f"  loss {record.train_loss:.4f}  accuracy {100 * record.train_accuracy:.2f} %"
            f"  validation {100 * record.validation_accuracy:.2f} %"
            f"  {record.images_per_second:,.0f} images/s"
        )

    def finish(self) -> Evaluation:
        """Load the weights of the best epoch, test the network, and draw the run's curves."""
        task, path = self.trainer.task, self.folder / CURVES
        task.network.load_state_dict(self.trainer.best)
        test = training.evaluate(task.network, task.test, task.scaling)
        # The same for a run that was resumed.
        command = shlex.join(["convlab", "render", "curves", str(self.folder), "-o", str(path)])
        content = pictures.curves(self.folder).content(path.suffix, command=command)
        write_atomically(path, content)
        return test

    def summary(self, test: Evaluation) -> dict[str, Any]:
        """The results, for JSON."""
        progress = self.trainer.progress
        best = progress.history[progress.best_epoch - 1]
        return {
            "type": "summary",
            "run": str(self.folder),
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "validation_accuracy": best["validation_accuracy"],
            "test_accuracy": test.accuracy,
            "test_loss": test.loss,
            "seconds": self.seconds,
            **({"page": str(self.folder / PAGE)} if self.page else {}),
        }

    def summary_text(self, test: Evaluation) -> str:
        """The results, in one line."""
        progress = self.trainer.progress
        right = int((test.predictions == test.labels).sum())
        early = ", stopped early" if progress.stopped_early else ""
        return (
            f"test accuracy {100 * test.accuracy:.2f} % ({right:,} of {len(test.labels):,} images),"
            f" best of {progress.epoch} epochs: {progress.best_epoch}{early};"
            f" trained in {self.seconds:.1f} s"
        )

    @property
    def seconds(self) -> float:
        """The seconds of all epochs together."""
        return sum(record["seconds"] for record in self.trainer.progress.history)


@contextlib.contextmanager
def begin(
    model: str | None = None,
    data: str = "digits",
    *,
    out: Path | None = None,
    start_from: Path | None = None,
    data_dir: str | None = None,
    device: str = "cpu",
    exist_ok: bool = False,
    snapshots: bool = False,
    page: bool = False,
    **settings: Any,
) -> Iterator[Session]:
    """A new training, whose folder is created and locked until the block ends.

    ``model``: by default that of the run ``start_from``, whose weights it starts with where names
    and shapes agree, or else lenet5; ``data``: a data set's name or a folder of images; ``out``:
    the run's folder, runs/MODEL-DATA by default; ``snapshots`` keeps the weights of each epoch;
    ``page``: whether the run has one; ``settings``: other fields of ``training.Settings``.
    Raises SpecError, DataError or RunError for what does not fit.
    """
    threading_layer()  # if none can be loaded, nothing has been written yet
    spec, weights = None, {}
    if start_from is not None:
        weights = training.load(start_from).network.state_dict()
        if model is None:
            model, spec = training.load_settings(start_from).model, training.load_spec(start_from)
        settings["start_from"] = str(start_from.resolve())
    if model is None:
        model = "lenet5"
    chosen = Settings(model=model, data=located(data), **settings)
    folder = out or usual_folder(chosen)
    # Before the data are loaded: a name that is taken must not cost a download.
    training.check_free(folder, exist_ok)
    task = training.prepare(chosen, data_dir=data_dir, spec=spec)
    if page:
        lab.check_fits(task.network)  # not after hours of training
    taken = None
    if start_from is not None:
        try:
            taken = training.take_over(task.network, weights, new_head=chosen.new_head)
        except SpecError as error:
            raise SpecError(f"{start_from}: {error}") from None
    trainer = Trainer(chosen, task, device)
    with training.new_run(folder, trainer, exist_ok=exist_ok, snapshots=snapshots, page=page):
        yield Session(folder, trainer, page, start=start_from, taken=taken)


@contextlib.contextmanager
def resume(
    folder: Path, *, data_dir: str | None = None, device: str = "cpu", page: bool = False
) -> Iterator[Session]:
    """The training of a run that was stopped, whose folder is locked until the block ends.

    ``page``: whether one is wanted, even if the run had none.
    Raises RunError, DataError or SpecError for what does not fit.
    """
    threading_layer()
    with training.locked(folder):
        settings, spec = training.load_settings(folder), training.load_spec(folder)
        task = training.prepare(settings, data_dir=data_dir, spec=spec)
        trainer = training.resume(folder, task, device)
        page = page or training.wants_page(folder)
        if page:
            lab.check_fits(task.network)
        # What a crash may have left out after saving the state.
        mended = training.write_results(folder, trainer)
        there = all((folder / name).exists() for name in ([CURVES, PAGE] if page else [CURVES]))
        yield Session(folder, trainer, page, complete=trainer.finished and there and not mended)


def usual_folder(settings: Settings) -> Path:
    """The default place of a run: runs/MODEL-DATA."""
    return Path("runs") / f"{Path(settings.model).stem}-{Path(settings.data).name}"
