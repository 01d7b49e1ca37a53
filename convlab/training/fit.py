"""The training loop: it yields records and prints nothing."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convlab import display, random
from convlab.data import Augmentation, Batches, Dataset, Scaling
from convlab.errors import DeviceError, DivergedError, NotFiniteError, RunError, SpecError
from convlab.kernels import softmax
from convlab.kernels.cuda import OutOfMemoryError
from convlab.kernels.dispatch import Array, to_device
from convlab.models import Network
from convlab.optim import scheduled_rate
from convlab.tape import no_grad
from convlab.tensors import Tensor
from convlab.training.frozen import FrontBatches, images_at_once, keeps
from convlab.training.ranks import Chunks, Ranks
from convlab.training.settings import Settings, Task, optimizer, peak_rate

BATCHES_OF_A_RECORD = 50  # on a GPU


@dataclass(frozen=True)
class BatchRecord:
    """One training step: running means over the epoch so far; counts are images."""

    epoch: int
    batch: int
    batches: int
    images: int
    loss: float
    accuracy: float
    rate: float


@dataclass(frozen=True)
class EpochRecord:
    """One epoch, numbered from 1.  Losses are means over images, accuracies shares of 1.

    ``seconds`` is the time of this process's training steps.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    rate: float
    seconds: float
    images_per_second: float

    @classmethod
    def read(cls, row: Any, number: int) -> EpochRecord:
        """The record of epoch ``number`` from a file's entries for it.

        Raises RunError for anything that training cannot have written.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(row, dict) or row.keys() != set(names):
            raise RunError(f"epoch {number}: expected {', '.join(names)}, got {row!r:.60}")
        if type(row["epoch"]) is not int or row["epoch"] != number:
            raise RunError(f"expected epoch {number}, got {row['epoch']!r:.40}")
        for name in names[1:]:
            least, most = 0.0, 1.0 if name.endswith("accuracy") else math.inf
            if name.endswith("loss"):
                least, most = -LARGEST_LOSS, LARGEST_LOSS
            check_number(row[name], f"{name} of epoch {number}", least, most)
        return cls(**row)


LARGEST_LOSS = float(np.finfo(np.float32).max)


def check_number(
    value: Any, name: str, least: float = -math.inf, most: float = math.inf, whole: bool = False
) -> float:
    """A finite number, or a whole one, from ``least`` to ``most``.  Raises RunError."""
    kinds, finite = ((int,) if whole else (int, float)), sys.float_info.max
    if type(value) not in kinds or not max(least, -finite) <= value <= min(most, finite):
        wanted = "a whole number" if whole else "a finite number"
        limits = f" from {least:g} to {most:g}" if most < math.inf else f" of at least {least:g}"
        if least == -math.inf:
            limits = ""
        raise RunError(f"{name}: expected {wanted}{limits}, got {value!r:.40}")
    return value


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A network's answers on a data set: mean loss, probabilities (count, classes).

    ``classes``: their names, by default their numbers.
    """

    loss: float
    probabilities: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def predictions(self) -> np.ndarray:
        """(count,) the class of the largest probability."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float((self.predictions == self.labels).mean())

    def mistakes(self) -> np.ndarray:
        """(wrong,) numbers of the images with a wrong answer, the most confident first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        return wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")]

    def confusion(self) -> np.ndarray:
        """(classes, classes) counts: rows are true classes, columns answers."""
        classes = self.probabilities.shape[1]
        flat = self.labels * classes + self.predictions
        return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)

    def __repr__(self) -> str:
        return (
            f"Evaluation(accuracy {100 * self.accuracy:.2f} %, loss {self.loss:.4f},"
            f" {len(self.labels):,} images)"
        )

    def _repr_html_(self) -> str:
        """For a notebook: the accuracy of each class below that of all."""
        counts = self.confusion()
        names = ["all", *(self.classes or map(str, range(len(counts))))]
        right = [counts.trace(), *counts.diagonal()]
        images = [counts.sum(), *counts.sum(axis=1)]
        rows = [
            [name, f"{count:,}", f"{hits:,}", f"{100 * hits / count:.2f} %" if count else ""]
            for name, count, hits in zip(names, images, right, strict=True)
        ]
        table = display.table(["class", "images", "right", "accuracy"], rows, {1, 2, 3})
        return f"<div>loss {self.loss:.4f}</div>{table}"


def evaluate(
    network: Network, dataset: Dataset, scaling: Scaling, batches: Batches | None = None
) -> Evaluation:
    """Run the network over a data set, without dropout and without recording gradients.

    ``batches``: those of ``in_order``, to be reused in repeated evaluations.
    """
    batches = in_order(network, dataset, scaling) if batches is None else batches
    seen = []
    training = network.training
    network.eval()
    with no_grad():
        for x, labels in batches.epoch(0):
            output = network(Tensor(x))
            seen.append((network.loss_of(output, labels), output, len(labels)))
    network.train(training)
    # The only wait for a GPU.
    total = sum(loss.item() * count for loss, _, count in seen)
    parts = [network.probabilities(output.numpy()) for _, output, _ in seen]
    return Evaluation(total / len(dataset), np.concatenate(parts), dataset.labels, dataset.classes)


def in_order(network: Network, dataset: Dataset, scaling: Scaling) -> Batches:
    """The batches of an evaluation; on a GPU the images are uploaded here, once."""
    size = images_at_once(network)
    return Batches(dataset, size, shuffle=False, scaling=scaling, device=network.device)


@dataclass
class Progress:
    """The state of training that a checkpoint has to store besides the arrays."""

    epoch: int = 0  # completed epochs
    batch: int = 0  # completed batches of the next epoch
    loss_sum: float = 0.0  # over the images of those batches
    right: int = 0
    seconds: float = 0.0
    best_accuracy: float = -1.0  # the highest so far, on the validation images
    best_epoch: int = 0
    lowest_loss: float = math.inf  # on the validation images, and its epoch
    lowest_epoch: int = 0
    stopped_early: bool = False
    history: list[dict] = field(default_factory=list)

    def add(self, record: EpochRecord, validation_images: int, patience: int | None) -> bool:
        """Record a complete epoch; returns whether its weights are the best so far."""
        self.history.append(vars(record))
        self.epoch += 1
        self.batch, self.loss_sum, self.right, self.seconds = 0, 0.0, 0, 0.0
        # The half is for what division does to whole numbers.
        one_less = self.best_accuracy - 1.5 / validation_images
        best = record.validation_accuracy > one_less
        if best:
            self.best_epoch = self.epoch
        self.best_accuracy = max(self.best_accuracy, record.validation_accuracy)
        if record.validation_loss < self.lowest_loss:
            self.lowest_loss, self.lowest_epoch = record.validation_loss, self.epoch
        waited = self.epoch - self.lowest_epoch
        self.stopped_early = patience is not None and waited >= patience
        return best


class Trainer:
    """A network, its optimiser and their progress.

    ``best`` is the state of the epoch with the most right validation answers so far; one answer
    more or less is chance, so it is the last of those, when the rate was lowest.  Patience counts
    the epochs since the validation loss was lowest, as it changes before the answers do.
    ``trained``: the network, or what is behind its frozen layers: see ``training.frozen``;
    ``keeps``: whether the outputs of these are computed once.
    """

    def __init__(
        self, settings: Settings, task: Task, device: str = "cpu", ranks: Ranks | None = None
    ):
        self.settings = settings
        self.task = task
        self.device = device
        self.network = task.network.to(device)
        self.trained = self.network if task.parts is None else task.parts.rest
        self.keeps = keeps(task.parts, settings.augment, task.train, task.validation, task.test)
        self.optimizer = optimizer(settings, task.network)
        self.progress = Progress()
        self.best = self.network.state_dict()
        self.chunks: Chunks | None = None
        if settings.chunks > 1 or ranks is not None and ranks.count > 1:
            if device != "cpu":
                raise SpecError(f"chunks: expected a training on the CPU, got {device}")
            self.chunks = Chunks(settings.chunks, self.trained, self.optimizer, ranks or Ranks())
        augmentation = Augmentation.parse(settings.augment)
        self.batches = self._batches(
            task.train,
            settings.batch_size,
            seed=settings.seed,
            augmentation=None if str(augmentation) == "none" else augmentation,
            part=None if self.chunks is None else self.chunks.own,
        )
        size = images_at_once(self.network)
        self._validation = self._batches(task.validation, size, shuffle=False)

    def _batches(self, dataset: Dataset, size: int, **settings: Any) -> Batches:
        """Batches of images, or of what the frozen layers make of them."""
        settings |= {"scaling": self.task.scaling, "device": self.device}
        if self.task.parts is None:
            return Batches(dataset, size, **settings)
        return FrontBatches(self.task.parts, self.keeps, dataset, size, **settings)

    def test(self) -> Evaluation:
        """Run the network as it is now over the test images; of frozen layers what is kept."""
        task, network = self.task, self.network
        if not self.keeps:
            return evaluate(network, task.test, task.scaling)
        batches = self._batches(task.test, images_at_once(network), shuffle=False)
        return evaluate(self.trained, task.test, task.scaling, batches)

    @property
    def _steps(self) -> int:
        """The steps of the whole training."""
        return self.settings.epochs * len(self.batches)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or patience has run out."""
        return self.progress.stopped_early or self.progress.epoch >= self.settings.epochs

    def fit(self) -> Iterator[BatchRecord | EpochRecord]:
        """Train to the end from the current progress; a record after each batch and epoch.

        On a GPU many batches share one record, so that the host seldom waits.  If the caller stops
        iterating, everything is as after the last record.
        Raises DivergedError if the loss is no longer finite, DeviceError for a batch that does not
        fit on the device.
        """
        try:
            while not self.finished:
                yield from self._epoch()
        except OutOfMemoryError as error:
            raise DeviceError(f"{error}; {self._smaller_batch(error)}") from None

    def _epoch(self) -> Iterator[BatchRecord | EpochRecord]:
        progress, settings = self.progress, self.settings
        peak = peak_rate(settings, self.network)
        images = progress.batch * settings.batch_size
        begin = time.perf_counter()
        seen: list[tuple[Array, Array]] = []
        self.trained.train()
        for x, labels in self.batches.epoch(progress.epoch, progress.batch):
            step = progress.epoch * len(self.batches) + progress.batch
            rate = scheduled_rate(settings.schedule, peak, step, self._steps)
            seen.append(self.train_on(x, labels, rate))
            progress.batch += 1
            images += len(labels)
            wait = 1 if self.device == "cpu" else BATCHES_OF_A_RECORD
            if len(seen) < wait and progress.batch < len(self.batches):
                continue
            self._look(seen)
            seen.clear()
            now = time.perf_counter()
            progress.seconds += now - begin
            yield BatchRecord(
                progress.epoch + 1,
                progress.batch,
                len(self.batches),
                images,
                progress.loss_sum / images,
                progress.right / images,
                self.optimizer.rate,
            )
            begin = time.perf_counter()
        yield self._end_of_epoch()

    def train_on(self, x: Array, labels: np.ndarray, rate: float) -> tuple[Array, Array]:
        """One step at a learning rate: the loss of a batch before it, and which answers are right.

        Raises DivergedError on a CPU if the loss is not finite, with the weights as they were.
        """
        if self.chunks is not None:
            return self._step_in_chunks(self.chunks, x, labels, rate)
        output, loss = self.step(x, labels, rate)
        scores = -output.data if self.network.loss == "lecun-map" else output.data
        return loss.data, softmax.right(scores.T, labels)

    def step(self, x: Array, labels: np.ndarray, rate: float) -> tuple[Tensor, Tensor]:
        """One step at a learning rate: the output and the loss of a batch before it.

        Raises DivergedError on a CPU if the loss is not finite, with the weights as they were.
        """
        self.optimizer.rate = rate
        with np.errstate(all="ignore"):  # an overflow here ends as a loss that is not finite
            output = self.trained(Tensor(x))
            loss = self.network.loss_of(output, labels)
        if self.device == "cpu":  # before it reaches the weights
            self._check_finite(loss.item(), "loss", f"batch {self.progress.batch + 1}")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return output, loss

    def _step_in_chunks(
        self, chunks: Chunks, x: np.ndarray, labels: np.ndarray, rate: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """``step``, with the gradient of each chunk by itself: the loss, and which are right."""
        self.optimizer.rate = rate
        with np.errstate(all="ignore"):
            loss, right = chunks.gradient(x, labels)
        self._check_finite(loss, "loss", f"batch {self.progress.batch + 1}")
        self.optimizer.step()
        return np.asarray(loss), right

    def extend(self, epochs: int) -> None:
        """Let a complete training go on to so many epochs.  Raises RunError if it cannot."""
        progress, settings = self.progress, self.settings
        if progress.stopped_early:
            raise RunError(
                f"epochs: expected a run that can go on; this one stopped after epoch"
                f" {progress.epoch}, as its patience of {settings.patience} says"
            )
        if not self.finished:
            raise RunError(
                f"epochs: expected a complete run, got one with {progress.epoch} of"
                f" {settings.epochs} epochs; resume it first"
            )
        if epochs <= progress.epoch:
            raise RunError(f"epochs: expected more than the run's {progress.epoch}, got {epochs}")
        self.settings = dataclasses.replace(settings, epochs=epochs)

    def _smaller_batch(self, error: OutOfMemoryError) -> str:
        """What to try if a batch did not fit, from what a batch keeps until its backward."""
        outputs = [math.prod(after) for _, _, _, after in self.network.shapes()]
        per_image = 4 * (3 * sum(outputs) + math.prod(self.network.input_shape))
        # Parameters, their gradients, velocities and the best so far, and all images as bytes.
        fixed = 16 * self.network.parameter_count()
        for part in (self.task.train, self.task.validation):
            fixed += part.images.nbytes if isinstance(part.images, np.ndarray) else 0
        batch = int(0.9 * (error.free + error.held - fixed) / per_image)
        tried = self.settings.batch_size
        if batch < 1:
            return "not even a batch of 1 would fit"
        return f"of {tried} images a batch, about {min(batch, tried - 1)} would fit (--batch-size)"

    def _look(self, seen: list[tuple[Array, Array]]) -> None:
        """Add losses and right answers of the last batches to the progress."""
        progress = self.progress
        losses = [to_device(loss, "cpu").item() for loss, _ in seen]
        right = sum(to_device(answers, "cpu").sum() for _, answers in seen)
        for number, loss in enumerate(losses, progress.batch - len(seen) + 1):
            self._check_finite(loss, "loss", f"batch {number}")
        progress.loss_sum += sum(
            loss * len(answers) for loss, (_, answers) in zip(losses, seen, strict=True)
        )
        progress.right += int(right)

    def _check_finite(self, loss: float, name: str, where: str) -> None:
        if math.isfinite(loss):
            return
        usual = peak_rate(dataclasses.replace(self.settings, rate=None), self.network)
        smaller = min(usual, peak_rate(self.settings, self.network) / 10)
        raise DivergedError(
            f"the {name} is {loss} in epoch {self.progress.epoch + 1}, {where}, at a learning rate"
            f" of {self.optimizer.rate:.3g}: try a smaller one, such as --lr {smaller:.3g}"
        )

    def _end_of_epoch(self) -> EpochRecord:
        progress, count = self.progress, len(self.task.train)
        try:
            with np.errstate(all="ignore"):
                validation = evaluate(
                    self.trained, self.task.validation, self.task.scaling, self._validation
                )
            validation_loss = validation.loss
        except NotFiniteError:
            validation_loss = math.nan
        self._check_finite(validation_loss, "validation loss", "its end")
        # NaN or infinity that a ReLU cuts off does not reach the loss.
        for name, values in self.arrays().items():
            self._check_finite(
                float(np.abs(values).max(initial=0)), f"largest of {name}", "its end"
            )
        record = EpochRecord(
            progress.epoch + 1,
            progress.loss_sum / count,
            progress.right / count,
            validation.loss,
            validation.accuracy,
            self.optimizer.rate,
            progress.seconds,
            count / progress.seconds,
        )
        if progress.add(record, len(self.task.validation), self.settings.patience):
            self.best = self.network.state_dict()
        return record

    # --- what a checkpoint holds ---------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies of the parameters, the best ones and the optimiser's state, by name."""
        arrays = {f"model.{k}": v for k, v in self.network.state_dict().items()}
        arrays |= {f"best.{k}": v for k, v in self.best.items()}
        names = self._trained()
        for kind, values in self.optimizer.state().items():
            for name, value in zip(names, values, strict=True):
                arrays[f"optimizer.{kind}.{name}"] = np.array(to_device(value, "cpu"), order="C")
        return arrays

    def _trained(self) -> list[str]:
        """The names of the parameters that the optimiser has, in its order."""
        return [name for name, p in self.network.named_parameters() if p.requires_grad]

    def state(self) -> dict:
        """Progress and random numbers, as plain values."""
        return {
            "progress": dict(vars(self.progress)),
            "optimizer_steps": self.optimizer.steps,
            "rate": self.optimizer.rate,
            "random": random.get_state(),
        }

    def restore(self, arrays: dict[str, np.ndarray], state: Any) -> None:
        """Continue from what ``arrays`` and ``state`` returned.

        Raises RunError or SpecError, with nothing changed, for anything that this training cannot
        have produced.
        """
        self._check_arrays(arrays)
        if not isinstance(state, dict) or state.keys() != self.state().keys():
            raise RunError(f"state: expected {', '.join(self.state())}, got {state!r:.60}")
        progress = self._progress(state["progress"])
        done = progress.epoch * len(self.batches) + progress.batch
        steps = state["optimizer_steps"]
        for count in steps if isinstance(steps, list) else [steps]:
            check_number(count, "optimizer_steps", 0, done, whole=True)
        own_steps = np.shape(self.optimizer.steps)
        if np.shape(steps) not in ((), own_steps):
            raise RunError(f"optimizer_steps: expected {own_steps}, got {np.shape(steps)}")
        self._check_rate(state["rate"], done, progress)
        random.set_state(state["random"])
        parts: dict[str, dict[str, np.ndarray]] = {"model": {}, "best": {}}
        for name, value in arrays.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = value
        self.network.load_state_dict(parts["model"])
        self.best = parts["best"]
        names = self._trained()
        for kind, values in self.optimizer.state().items():
            for name, value in zip(names, values, strict=True):
                value[...] = arrays[f"optimizer.{kind}.{name}"]
        self.optimizer.steps = np.broadcast_to(steps, own_steps).tolist()
        self.optimizer.rate = state["rate"]
        self.progress = progress

    def _check_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        """Raise RunError for arrays other than those of this training."""
        own = self.arrays()
        missing, extra = own.keys() - arrays.keys(), arrays.keys() - own.keys()
        if missing or extra:
            raise RunError(
                f"arrays: missing: {', '.join(sorted(missing)) or 'none'}; not known:"
                f" {', '.join(sorted(extra)) or 'none'}"
            )
        for name, value in arrays.items():
            kind, wanted = (f"{a.dtype} of shape {a.shape}" for a in (value, own[name]))
            if kind != wanted:
                raise RunError(f"{name}: expected {wanted}, got {kind}")

    def _check_rate(self, found: Any, done: int, progress: Progress) -> None:
        """Raise RunError for a rate other than that after ``done`` steps."""
        rate = self.optimizer.rate
        if progress.epoch and not progress.batch:
            # The schedule was another one before the training was extended.
            rate = progress.history[-1]["rate"]
        elif done:
            peak = peak_rate(self.settings, self.network)
            rate = scheduled_rate(self.settings.schedule, peak, done - 1, self._steps)
        check_number(found, "rate", 0)
        if not math.isclose(found, rate, rel_tol=1e-6):  # a cosine's last digits vary
            raise RunError(f"rate: expected {rate:g} after {done} steps, got {found:g}")

    def _progress(self, values: Any) -> Progress:
        """The progress in a file, checked against its history.  Raises RunError."""
        names = vars(Progress())
        if not isinstance(values, dict) or values.keys() != names.keys():
            raise RunError(f"progress: expected {', '.join(names)}, got {values!r:.60}")
        rows, found = values["history"], Progress()
        if not isinstance(rows, list) or len(rows) > self.settings.epochs:
            raise RunError(
                f"history: expected at most {self.settings.epochs} epochs, got {rows!r:.60}"
            )
        for number, row in enumerate(rows, 1):
            record = EpochRecord.read(row, number)
            found.add(record, len(self.task.validation), self.settings.patience)
        running = ("batch", "loss_sum", "right", "seconds")
        for name, value in vars(found).items():
            if name not in running and (value, type(value)) != (values[name], type(values[name])):
                raise RunError(
                    f"{name}: expected {value!r:.40} after {len(rows)} epochs, got"
                    f" {values[name]!r:.40}"
                )
        over = found.stopped_early or found.epoch == self.settings.epochs
        batches = 0 if over else len(self.batches)
        check_number(values["batch"], "batch", 0, batches, whole=True)
        images = min(values["batch"] * self.settings.batch_size, len(self.task.train))
        check_number(values["right"], "right", 0, images, whole=True)
        check_number(values["loss_sum"], "loss_sum")
        check_number(values["seconds"], "seconds", 0)
        return Progress(**values)
