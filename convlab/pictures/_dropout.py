"""What dropout sets to 0, and how the answer spreads."""

from __future__ import annotations

import os
from functools import partial

import numpy as np

from convlab import insight, viz
from convlab.insight import DropoutAnswers
from convlab.numerals import number, to_places
from convlab.pictures._attribution import question
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import joined, t

SHOWN = 3  # masks
LISTED = 6  # other answers


def dropout(
    run: RunLike,
    image: ImageLike,
    layer: str | None = None,
    *,
    rate: float | None = None,
    masks: int = 100,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """What dropout sets to 0 in a layer, and how the answer spreads over many masks.

    The first three masks are drawn, with what goes on: survivors are divided by 1 - rate.  Beside
    them, for each class, its probability with each of ``masks`` masks, their mean, and the
    probability without dropout.  ``layer``, ``rate``, ``masks`` and ``seed``: see
    ``insight.dropout``; the network's own layers of dropout, or one behind ``layer``.
    Raises SpecError for a layer that does not exist or is the last and for settings out of range,
    and the errors of ``Run.image``.
    """
    asked = question(run, image, "predicted", False, data_dir)
    network = asked.run.network
    found = insight.dropout(network, asked.x, layer, rate, masks, seed)
    classes = asked.run.classes
    answers = found.probabilities.argmax(axis=1)
    units = size_text(*found.values.shape[1:], found.values.shape[0])
    title = t("Dropout of {number}: how the answer spreads", number(found.rate))
    subtitle = t(
        "{name}, {name2}{aside}; {where}, {units} units",
        *(asked.image.name, asked.run.name, asked.image.aside, _where(found), units),
    )
    facts = _facts(found, answers, classes, seed)
    return Picture(
        title,
        f"{title}: {subtitle}. {said(dict(facts))}.",
        partial(
            viz.dropout,
            _panels(found, classes),
            classes,
            found.probabilities,
            found.without,
            facts=facts,
            title=title,
            subtitle=subtitle,
        ),
        parameters={
            **asked.given,
            "layer": found.layer,
            "behind": found.behind,
            "own layers": found.own,
            "rate": found.rate,
            "masks": masks,
            "seed": seed,
        },
        inputs={"image": asked.pixels, "network input": asked.x},
        weights=network.state_dict(),
        result={
            "values": found.values,
            "masks": found.masks[:SHOWN],
            "outputs": found.outputs[:SHOWN],
            "dropped": found.dropped,
            "probabilities": found.probabilities,
            "without dropout": found.without,
            "answers": [classes[k] for k in answers],
        },
        facts=dict(facts),
    )


def _panels(found: DropoutAnswers, classes: tuple[str, ...]) -> list[viz.MaskedUnits]:
    """The units without dropout, and what the first masks leave of them."""
    panels = [viz.MaskedUnits(t("no dropout"), _answer(found.without, classes), found.values)]
    for at, mask in enumerate(found.masks[:SHOWN]):
        note = t(
            "drops {dropped:,}; {answer}",
            *(found.dropped[at], _answer(found.probabilities[at], classes)),
        )
        panels.append(
            viz.MaskedUnits(t("mask {value}", at + 1), note, found.outputs[at], mask == 0)
        )
    return panels


def _where(found: DropoutAnswers) -> str:
    """Where dropout is at work."""
    if found.own:
        count = len(found.own)
        return (
            t("{layer}, of {count} layers of dropout", found.layer, count)
            if count > 1
            else found.layer
        )
    after = "" if found.behind == found.layer else t(" and its {behind}", found.behind)
    return t("dropout behind {layer}{after}", found.layer, after)


def _answer(chances: np.ndarray, classes: tuple[str, ...]) -> str:
    best = int(chances.argmax())
    return f"{classes[best]} ({to_places(float(chances[best]), 3)})"


def _facts(
    found: DropoutAnswers, answers: np.ndarray, classes: tuple[str, ...], seed: int
) -> list[tuple[str, str]]:
    usual, total = int(found.without.argmax()), len(answers)
    counts = np.bincount(answers, minlength=len(classes))
    others = [k for k in np.argsort(-counts, kind="stable") if counts[k] and k != usual]
    told = t("{classes} with {counts} of {total} masks", classes[usual], counts[usual], total)
    told = joined(
        [told, *(t("{name} with {count}", classes[k], counts[k]) for k in others[:LISTED])]
    )
    if len(others) > LISTED:
        told += t(
            ", {value} more classes with {sum}", len(others) - LISTED, counts[others[LISTED:]].sum()
        )
    factor = float(found.masks.max())
    survivors = t(", the others are multiplied by {number}, so that the mean stays", number(factor))
    survivors = survivors if factor else ""
    drawn = t(
        "each unit is 0 with probability {number}{survivors}; seed {seed}",
        *(number(found.rate), survivors, seed),
    )
    return [(t("answers"), told), (t("dropout"), drawn)]
