"""Training seen from both sides: on the images that a network learned from, and on new ones."""

from __future__ import annotations

from typing import Any

from convlab import models, training
from convlab.data import Dataset
from convlab.experiments.framework import Trial
from convlab.experiments.learning import settings_of
from convlab.experiments.sources import load
from convlab.training import EpochRecord, Trainer


def trainer_of(
    trial: Trial, datasets: tuple[Dataset, Dataset] | None = None, **changed: Any
) -> Trainer:
    """A training that has not begun; trial and datasets as for ``learning.train``.

    ``changed`` are settings that replace the trial's.
    """
    settings = settings_of({**trial, **changed})
    spec = models.Spec(trial["spec"], "network", "spec") if "spec" in trial else None
    task = training.prepare(settings, spec=spec, datasets=datasets or load(settings.data))
    return Trainer(settings, task)


def fit(
    trial: Trial,
    datasets: tuple[Dataset, Dataset] | None = None,
    *,
    updates: int | None = None,
) -> Trainer:
    """Train as a trial says and keep the last weights, good or bad.

    ``updates``: stop after this many batches, however many epochs they take, at a constant rate,
    since a schedule would not have reached its end.
    """
    if updates is None:
        trainer = trainer_of(trial, datasets)
        for _ in trainer.fit():
            pass
        return trainer
    trainer, done = trainer_of(trial, datasets, epochs=updates, schedule="constant"), 0
    for record in trainer.fit():
        done += not isinstance(record, EpochRecord)
        if done == updates:
            break
    return trainer


def both_sides(trainer: Trainer) -> dict[str, Any]:
    """Loss and share of right answers of the current network, on training and test images.

    Both without dropout and augmentation.  ``gap`` is the test loss minus the training loss;
    ``epochs_trained`` includes fractions of an epoch.
    """
    task, progress = trainer.task, trainer.progress
    train, test = (
        training.evaluate(trainer.network, images, task.scaling)
        for images in (task.train, task.test)
    )
    return {
        "train_accuracy": train.accuracy,
        "test_accuracy": test.accuracy,
        "train_loss": train.loss,
        "test_loss": test.loss,
        "gap": test.loss - train.loss,
        "images": len(task.train),
        "epochs_trained": progress.epoch + progress.batch / len(trainer.batches),
    }
