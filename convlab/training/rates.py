"""The largest learning rate of a network that nobody has tried, and a training that has failed."""

from __future__ import annotations

import itertools
import math

import numpy as np

from convlab import random
from convlab.errors import DivergedError
from convlab.kernels.cuda import OutOfMemoryError
from convlab.training.fit import Trainer
from convlab.training.settings import Settings, Task, peak_rate

STEPS = 100
FEWEST = 50  # steps of a training that is worth a trial


def suited_rate(settings: Settings, task: Task, device: str = "cpu") -> float:
    """A largest learning rate that the network bears, at most the usual one.

    A trial of at most STEPS steps (Smith 2017, section 3.3): the rate grows from a fiftieth of the
    usual one to ten times that, and a third of the one with the lowest loss is taken, since at half
    of it some networks of nine layers have died in a whole training.  Weights and random numbers
    are as before.
    """
    usual = peak_rate(settings, task.network)
    trainer = Trainer(settings, task, device)
    steps = min(STEPS, settings.epochs * len(trainer.batches))
    if steps < FEWEST:
        return usual
    weights, numbers = task.network.state_dict(), random.get_state()
    batches = itertools.chain.from_iterable(map(trainer.batches.epoch, itertools.count()))
    best, lowest, mean = usual, math.inf, math.nan
    trainer.trained.train()
    try:
        for rate in np.geomspace(usual / 50, 10 * usual, steps):
            x, labels = next(batches)
            _, loss = trainer.step(x, labels, float(rate))
            mean = loss.item() if math.isnan(mean) else 0.8 * mean + 0.2 * loss.item()
            if mean < lowest:
                best, lowest = float(rate), mean
            elif not mean < lowest + abs(lowest) / 2:
                break
    except (DivergedError, OutOfMemoryError):
        pass  # the training itself will say so, if it does not fit
    finally:
        task.network.load_state_dict(weights)
        random.set_state(numbers)
    return min(usual, float(f"{best / 3:.2g}"))


def guessing(trainer: Trainer) -> str:
    """What to try if a training has learned nothing; empty if it has, or was too short to.

    Nothing is learned if in no epoch more answers are right than by always giving the most frequent
    class and by chance, two standard deviations of it; neither of the training images nor of those
    held out.
    """
    progress, rate = trainer.progress, peak_rate(trainer.settings, trainer.network)
    if progress.epoch * len(trainer.batches) < FEWEST or not rate:
        return ""
    parts = {"train": trainer.task.train, "validation": trainer.task.validation}
    for name, part in parts.items():
        share = np.bincount(part.labels).max() / len(part)
        best = max(row[f"{name}_accuracy"] for row in progress.history)
        if best > share + 2 * math.sqrt(share * (1 - share) / len(part)):
            return ""
    return (
        f"nothing was learned: {100 * best:.1f} % of the validation images are right, and the same"
        f" answer for all gives {100 * share:.1f} %; try a smaller rate, such as"
        f" --lr {rate / 5:.2g} (it was {rate:.2g}), or more epochs"
    )
