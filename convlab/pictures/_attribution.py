"""What ``saliency``, ``occlusion`` and ``grad_cam`` share: maps, and how they are described."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from convlab import insight, training, viz
from convlab.checks import whole
from convlab.errors import SpecError
from convlab.models import Network
from convlab.names import listed, one_line
from convlab.numerals import MINUS, number
from convlab.pictures.picture import Picture
from convlab.pictures.sources import RunLike, run_of
from convlab.training import Image, ImageLike, Run
from convlab.words import t

Facts = list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Question:
    """The network, image and class in question.

    pixels: (C, H, W) uint8 as in the network's input; x: the same as floats.  true: the image's own
    class, None if unknown.
    ``untrained``: the network with weights drawn with ``seed``; None without a sanity check.
    """

    run: Run
    image: Image
    pixels: np.ndarray
    x: np.ndarray
    target: int
    true: int | None
    untrained: Network | None
    seed: int

    @property
    def name(self) -> str:
        """The target class."""
        return self.run.classes[self.target]

    @property
    def true_name(self) -> str | None:
        """The image's own class, or None if unknown."""
        return None if self.true is None else self.run.classes[self.true]

    @property
    def given(self) -> dict[str, Any]:
        """The run and the image, as parameters of a picture."""
        image = self.image
        return {"run": self.run.folder, "image": image.source, "inverted": image.inverted}

    @property
    def score(self) -> str:
        """The class's output before the softmax."""
        if self.run.network.loss == "lecun-map":
            return t("minus the penalty of {name}", self.name)
        return t("the logit of {name}", self.name)

    @property
    def ends(self) -> tuple[str, str]:
        """What the lower and the upper end of a signed scale say."""
        return t("against {name}", self.name), t("for {name}", self.name)

    @property
    def networks(self) -> dict[str, Network]:
        """The trained network, and beside it the one with random weights."""
        networks = {"trained": self.run.network}
        return networks if self.untrained is None else networks | {"random weights": self.untrained}


def question(
    run: RunLike,
    image: ImageLike,
    target: str | int,
    sanity: bool,
    data_dir: str | os.PathLike | None,
) -> Question:
    """What to explain.  Raises SpecError for a class that the run lacks, or as ``Run.image``.

    ``target``: predicted, or a class by its name or its number from 0.
    """
    run = run_of(run)
    if isinstance(target, str):
        target = one_line(target)
    else:
        target = run.classes[whole(target, "target", 0, len(run.classes) - 1, SpecError)]
    if target != "predicted" and target not in run.classes:
        raise SpecError(
            f"target: expected predicted or one of {listed(run.classes)}, got {target!r}"
        )
    subject = run.image(image, data_dir)
    true = None
    if subject.source.startswith("test:"):
        labels = () if run.is_imported else run.test_set(data_dir).labels
        true = int(labels[int(subject.source.removeprefix("test:"))]) if len(labels) else None
    x = run.network_input(subject.pixels)
    pixels = training.centred_images(subject.pixels[np.newaxis], run.network.input_shape[1:])[0]
    if target == "predicted":
        asked = int(insight.probabilities(run.network, x[np.newaxis])[0].argmax())
    else:
        asked = run.classes.index(target)
    # Not the seed with which the run's own weights were initially drawn.
    seed = run.settings.seed + 1
    untrained = insight.randomised(run.network, seed) if sanity else None
    return Question(run, subject, pixels, x, asked, true, untrained, seed)


def answered(
    asked: Question,
    explain: Callable[[Network], tuple[np.ndarray, dict[str, Any]]],
    *,
    title: str,
    what: str,
    parameters: dict[str, Any],
    facts: Callable[[dict[str, Any], str], Facts] = lambda kept, what: [(t("map"), what)],
    **look: Any,
) -> Picture:
    """The map of the trained network, beside that for random weights.

    ``explain`` gives a network's map (H, W) and everything to keep about it; ``what`` says what the
    map shows; ``facts`` are made from what was kept and from that.
    """
    result, notes = _explained(asked, explain)
    maps = [(t(name), kept["map"]) for name, kept in result.items()]
    lines = facts(result["trained"], what)
    if asked.untrained is not None:
        result["likeness"], text = _likeness(*(map_ for _, map_ in maps))
        lines.append((t("likeness"), text))
    subtitle = asked.run.name + asked.image.aside
    said = [text for text, _ in notes[:2] if text]
    first = float(maps[0][1].flat[0])
    if (maps[0][1] == first).all():
        said.append(t("{number} everywhere", number(first)))
    said += [f"{label}: {text}" for label, text in lines]
    return Picture(
        title,
        f"{title}; {'; '.join([subtitle, *said])}.",
        partial(
            viz.attribution,
            asked.pixels,
            maps,
            title=title,
            subtitle=subtitle,
            notes=notes,
            facts=lines,
            **look,
        ),
        parameters={
            **asked.given,
            "target": asked.name,
            "true class": asked.true_name,
            "seed of the random weights": None if asked.untrained is None else asked.seed,
            **parameters,
        },
        inputs={"image": asked.pixels, "network input": asked.x},
        weights={name: network.state_dict() for name, network in asked.networks.items()},
        result=result,
    )


def _explained(
    asked: Question, explain: Callable[[Network], tuple[np.ndarray, dict[str, Any]]]
) -> tuple[dict[str, dict[str, Any]], list[tuple[str, bool]]]:
    """Each network's map and answer, and the texts below the image and the maps."""
    result = {}
    notes = [("" if asked.true is None else t("true class {true_name}", asked.true_name), False)]
    for name, network in asked.networks.items():
        map_, kept = explain(network)
        chances = insight.probabilities(network, asked.x[None])[0]
        answer = int(chances.argmax())
        result[name] = {
            "map": map_,
            "answer": asked.run.classes[answer],
            "probability of the answer": float(chances[answer]),
            "probability": float(chances[asked.target]),
            **kept,
        }
        # A wrong answer without training is no mistake.
        wrong = network is asked.run.network and asked.true not in (None, answer)
        text = t("answer {classes} ({chances:.3f})", asked.run.classes[answer], chances[answer])
        if answer != asked.target:
            names = asked.run.classes[answer], asked.name
            text = t("answer {answer}; {name}: {chance:.3f}", *names, chances[asked.target])
        notes.append((t("{text}, wrong", text) if wrong else text, wrong))
    return result, notes


def _likeness(trained: np.ndarray, untrained: np.ndarray) -> tuple[dict[str, float | None], str]:
    """How similar two maps are, as numbers and in words.

    Where the image is black some methods give 0 for every network; hence also without the pixels
    that are 0 in both, which is what the words say.
    """
    known = (trained != 0) | (untrained != 0)
    parts = {"rank correlation": insight.similarity(trained, untrained)}
    if not known.all():
        parts["where not both are 0"] = insight.similarity(trained[known], untrained[known])
    numbers = {name: None if value != value else value for name, value in parts.items()}
    if numbers["rank correlation"] is None:
        both = (np.ptp(trained), np.ptp(untrained)) == (0, 0)
        which = t("both maps are") if both else t("one of the maps is")
        return numbers, t("none: {which} the same everywhere", which)
    value = [*numbers.values()][-1]
    told = t("not defined") if value is None else _two_digits(value)
    return numbers, t(
        "rank correlation {told} with the other map; near 1 the map shows nothing that was learned",
        told,
    )


def _two_digits(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", MINUS)
