"""Training from the settings to the finished run, for ``convlab.train`` and its command."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import signal
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convlab import get_num_threads, lab, models, pictures, training
from convlab.data import located, short_name
from convlab.data.sources import SCENES_OF
from convlab.errors import DivergedError, SpecError, TrainingWarning
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
from convlab.training.interchange import KNOWN
from convlab.training.ranks import USUAL_CHUNKS, Ranks, started
from convlab.training.run_folder import CURVES, PAGE


@dataclass
class Session:
    """A training in progress, whose run's folder is locked.

    ``page``: whether the run has one; ``complete``: whether there is nothing left to do; ``start``
    and ``taken``: the run whose weights it started with, and which of them; ``extended``: after how
    many epochs it was complete before it was to have more; ``tried``: whether a trial chose the
    rate.
    """

    folder: Path
    trainer: Trainer
    page: bool = False
    complete: bool = False
    start: Path | None = None
    taken: TakenOver | None = None
    extended: int = 0
    tried: bool = False

    def announcement(self) -> list[str]:
        """What is trained on what and where, in lines, with what a user should know beforehand."""
        lines = [] if cache.is_compiled() else [COMPILING]
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
        if trainer.chunks is not None:
            ranks = trainer.chunks.ranks.count
            on = f" on {ranks} ranks" if ranks > 1 else ""
            lines.append(f"the gradient of each batch in {settings.chunks} chunks{on}")
        frozen = [p.size for p in task.network.parameters() if not p.requires_grad]
        if frozen:
            lines.append(f"frozen ({settings.freeze}): {sum(frozen):,} parameters")
        lines += self._about_frozen()
        if self.taken is not None:
            left = "; ".join(f"{name} is not ({why})" for name, why in self.taken.left.items())
            taken = self.taken.taken
            names = ", ".join(taken) if len(taken) <= 12 else f"{len(taken)} layers"
            lines.append(f"weights of {self.start}: {names} taken{f'; {left}' if left else ''}")
        if self.tried:
            lines.append(f"largest learning rate {settings.rate:g}, from that trial")
        if self.extended and settings.schedule != "constant":
            lines.append(
                f"note: rates by {settings.schedule} depend on the number of epochs, so those up to"
                f" {self.extended} had others than in {settings.epochs} epochs in one go"
            )
        return lines

    def _about_frozen(self) -> list[str]:
        """How often the layers that are frozen in front of the others are computed."""
        trainer, task = self.trainer, self.trainer.task
        if task.parts is None:
            return []
        up_to = f"the frozen layers up to {task.parts.after}"
        if trainer.keeps:
            count = len(task.train) + len(task.validation) + len(task.test)
            return [f"{up_to} are computed once for each of the {count:,} images, and kept"]
        each = f"{up_to} are computed for every batch"
        if trainer.settings.augment != "none":
            once = "with --augment none they are computed once"
            return [f"{each}, since each has other variations of the images; {once}"]
        size = task.parts.bytes_of(task.train, task.validation, task.test) / 1e9
        return [f"{each}: their outputs for all images, {size:.1f} GB, are not kept"]

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
        return f"loss {record.loss:.4f}  train {_percent(record.accuracy)}  {rate:,.0f} images/s"

    def epoch_text(self, record: EpochRecord) -> str:
        """An epoch in one line."""
        return (
            f"epoch {record.epoch}/{self.trainer.settings.epochs}"
            f"  loss {record.train_loss:.4f}  train {_percent(record.train_accuracy)}"
            f"  validation {_percent(record.validation_accuracy)}"
            f"  {record.images_per_second:,.0f} images/s"
        )

    def finish(self) -> Evaluation:
        """Load the weights of the best epoch, test the network, and draw the run's curves.

        Warns with TrainingWarning if it has learned nothing.
        """
        if said := training.guessing(self.trainer):
            warnings.warn(said, TrainingWarning, stacklevel=2)
        task, path = self.trainer.task, self.folder / CURVES
        task.network.load_state_dict(self.trainer.best)
        test = self.trainer.test()
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

    def summary_lines(self, test: Evaluation) -> list[str]:
        """The results in one line, where they are, and what to do with them."""
        progress = self.trainer.progress
        right = int((test.predictions == test.labels).sum())
        early = ", stopped early" if progress.stopped_early else ""
        run = shlex.quote(str(self.folder))
        said = (
            f"test accuracy {100 * test.accuracy:.2f} % ({right:,} of {len(test.labels):,} images),"
            f" best of {progress.epoch} epochs: {progress.best_epoch}{early};"
            f" trained in {self.seconds:.1f} s"
        )
        return [
            said,
            f"run: {self.folder}",
            f"next: convlab evaluate {run}, convlab predict {run} test:0,",
            f"      convlab render features {run} test:0, convlab page {run}",
        ]

    @property
    def command(self) -> str:
        """The command that goes on with the run, and makes its page again."""
        page = ["--page"] if self.page else []
        return shlex.join(["convlab", "train", "--resume", str(self.folder), *page])

    def stopped_text(self) -> str:
        """What to say after Ctrl-C, once the run is saved."""
        return f"stopped and saved; go on with: {self.command}"

    @property
    def seconds(self) -> float:
        """The seconds of all epochs together."""
        return sum(record["seconds"] for record in self.trainer.progress.history)


COMPILING = "compiling the loops for this machine, once: about half a minute"


def _percent(share: float) -> str:
    """A share with two decimals; without any if it is all."""
    return "100 %" if share == 1 else f"{100 * share:.2f} %"


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
    say: Callable[[str], object] = lambda line: None,
    **settings: Any,
) -> Iterator[Session]:
    """A new training, whose folder is created and locked until the block ends.

    ``model``: by default that of the run ``start_from``, whose weights it starts with where names
    and shapes agree, or else lenet5; ``start_from`` may also be the name of a trained network in a
    package, which becomes a run first; ``data``: a data set's name, or a folder or file of one's
    own; ``out``: the run's folder, runs/MODEL-DATA by default; ``snapshots`` keeps the weights of
    each epoch; ``page``: whether the run has one; ``say`` is called with a line before something
    that takes long; ``settings``: other fields of ``training.Settings``.  Without a rate, one is
    found by a trial for a network that is not one of convlab's own, see ``training.suited_rate``.
    Raises SpecError, DataError or RunError for what does not fit.
    """
    threading_layer()  # if none can be loaded, nothing has been written yet
    ranks = started()

    def prepared() -> Session:
        spec, weights = None, {}
        named, taken, form = model, None, None
        if start is not None:
            weights = training.load(start).network.state_dict()
            form = training.brought_preprocessing(start)
            if named is None:
                named = training.load_settings(start).model
                spec = training.load_spec(start)
            settings["start_from"] = str(start.resolve())
        if settings.get("chunks") is None:
            settings["chunks"] = USUAL_CHUNKS if ranks.count > 1 else 1
        named = "lenet5" if named is None else named
        chosen = Settings(model=named, data=located(data), **settings)
        folder = out or usual_folder(chosen)
        if ranks.leads:  # before the data are loaded: a name that is taken costs no download
            training.check_free(folder, exist_ok)
        task = training.prepare(chosen, data_dir=data_dir, spec=spec, preprocessing=form)
        if page:
            lab.check_fits(task.network)  # not after hours of training
        if start is not None:
            try:
                taken = training.take_over(task.network, weights, new_head=chosen.new_head)
            except SpecError as error:
                raise SpecError(f"{start}: {error}") from None
        tried = chosen.rate is None and task.network.rate is None
        tried = tried and chosen.model not in models.model_names()
        if tried:
            chosen = _with_rate(chosen, task, device, say)
        trainer = Trainer(chosen, task, device, ranks)
        return Session(folder, trainer, page, start=start, taken=taken, tried=tried)

    start = _start(start_from, ranks)
    found = ranks.agree(prepared)
    with ranks.ended_together(lambda: found.trainer.finished):
        _follow(ranks, found.trainer)
        kept = {"exist_ok": exist_ok, "snapshots": snapshots, "page": page}
        with training.new_run(found.folder, found.trainer, **kept):
            yield found


def _start(given: Path | None, ranks: Ranks) -> Path | None:
    """The run to start from: of the name of a trained network, the one that is made of it."""
    if given is None or str(given) not in KNOWN:
        return given
    return ranks.agree(lambda: training.imported(str(given), write=ranks.leads))


def _with_rate(
    chosen: Settings, task: training.Task, device: str, say: Callable[[str], object]
) -> Settings:
    """The settings with a rate from a trial."""
    for line in [] if cache.is_compiled() else [COMPILING]:
        say(line)
    say(f"trying learning rates on a few batches of {chosen.data}; --lr sets one")
    return dataclasses.replace(chosen, rate=training.suited_rate(chosen, task, device))


def _follow(ranks: Ranks, trainer: Trainer) -> None:
    """On a rank that does not lead, its part of the training; then that process ends."""
    if not ranks.leads:
        with contextlib.suppress(DivergedError):  # which the first one says
            for _ in trainer.fit():
                pass
        raise SystemExit(0)


@contextlib.contextmanager
def resume(
    folder: Path,
    *,
    epochs: int | None = None,
    data_dir: str | None = None,
    device: str = "cpu",
    page: bool = False,
) -> Iterator[Session]:
    """The training of a run that was stopped, whose folder is locked until the block ends.

    ``epochs``: how many a complete run is to have; ``page``: whether one is wanted, even if the run
    had none.
    Raises RunError, DataError or SpecError for what does not fit.
    """
    threading_layer()
    ranks = started()
    with training.locked(folder) if ranks.leads else contextlib.nullcontext():

        def prepared() -> Session:
            settings, spec = training.load_settings(folder), training.load_spec(folder)
            form = training.brought_preprocessing(folder)
            task = training.prepare(settings, data_dir=data_dir, spec=spec, preprocessing=form)
            trainer = training.resume(folder, task, device, epochs, ranks)
            extended = 0 if epochs is None else settings.epochs
            wanted = page or training.wants_page(folder)
            if wanted:
                lab.check_fits(task.network)
            return Session(folder, trainer, wanted, extended=extended)

        found = ranks.agree(prepared)
        with ranks.ended_together(lambda: found.trainer.finished):
            _follow(ranks, found.trainer)
            # What a crash may have left out after saving the state.
            mended = training.write_results(folder, found.trainer)
            names = [CURVES, PAGE] if found.page else [CURVES]
            there = all((folder / name).exists() for name in names)
            found.complete = found.trainer.finished and there and not mended
            yield found


def usual_folder(settings: Settings) -> Path:
    """The default place of a run: runs/MODEL-DATA."""
    name = short_name(settings.data.removeprefix(SCENES_OF))
    scenes = "-scenes" if settings.data.startswith(SCENES_OF) else ""
    return Path("runs") / f"{Path(settings.model).stem}-{name}{scenes}"


@contextlib.contextmanager
def interrupted() -> Iterator[list[int]]:
    """A list that is not empty after the first Ctrl-C; a second one stops at once."""
    numbers: list[int] = []

    def interrupt(number, frame):
        numbers.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield numbers
    finally:
        signal.signal(signal.SIGINT, before)
