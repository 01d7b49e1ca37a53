"""An all-reduce with the gradients of a real step: who adds what, and who sends what to whom."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from convlab import random, training, viz
from convlab.checks import whole
from convlab.errors import SpecError
from convlab.pictures.picture import Picture
from convlab.training.ranks import Chunks, Ranks
from convlab.words import t

MOST = 4, 8  # ranks and chunks


def all_reduce(ranks: int = 2, chunks: int = 4) -> Picture:
    """How ranks add the gradients of the chunks of a batch, all in the same order.

    The numbers are the gradient of the biases of LeNet-5's first layer, for the first 64 digits of
    its training before any step.  Raises SpecError for more than 4 ranks, more than 8
    chunks, and fewer chunks than ranks.
    """
    whole(ranks, "ranks", 1, MOST[0], SpecError)
    whole(chunks, "chunks", ranks, MOST[1], SpecError)
    gradients = _gradients(chunks)
    total = Ranks().sum_in_order(gradients, chunks)
    ends = Ranks.all_of(ranks)[0].ends(gradients.shape[1])
    drawn = [
        viz.ReducingRank(each.own(chunks), slice(ends[each.number], ends[each.number + 1]))
        for each in Ranks.all_of(ranks)
    ]
    title = t("All ranks get one sum, added in one order")
    subtitle = t(
        "gradient of the {numbers} biases of LeNet-5's first layer, a batch of 64 in {chunks}"
        " chunks on {ranks} ranks, rounded",
        len(total),
        chunks,
        ranks,
    )
    return Picture(
        title,
        f"{title}: {subtitle}.",
        partial(viz.all_reduce, gradients, total, drawn, title=title, subtitle=subtitle),
        parameters={"ranks": ranks, "chunks": chunks},
        inputs={"gradients": gradients},
        result={
            "sum": total,
            "chunks": [[*each.chunks] for each in drawn],
            "parts": [[each.part.start, each.part.stop] for each in drawn],
        },
    )


class _Kept(Ranks):
    """One process that keeps the gradients of its chunks."""

    gradients: np.ndarray

    def sum_in_order(self, parts: np.ndarray, chunks: int) -> np.ndarray:
        self.gradients = parts.copy()
        return super().sum_in_order(parts, chunks)


def _gradients(chunks: int) -> np.ndarray:
    """(chunks, 6) of the biases of LeNet-5's first layer, each times its share of the batch."""
    state = random.get_state()
    try:
        settings = training.Settings("lenet5", "digits", epochs=1, augment="none", chunks=chunks)
        trainer = training.Trainer(settings, training.prepare(settings))
        kept = _Kept()
        step: Any = Chunks(chunks, trainer.network, trainer.optimizer, kept)
        trainer.network.train()
        step.gradient(*next(trainer.batches.epoch(0)))
    finally:
        random.set_state(state)
    at = 0
    for name, parameter in trainer.network.named_parameters():
        if name == "conv1.bias":
            return kept.gradients[:, at : at + parameter.size]
        at += parameter.size
    raise AssertionError("LeNet-5 has conv1.bias")
