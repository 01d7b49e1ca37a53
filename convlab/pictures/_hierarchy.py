"""From an edge to a class: the chain of units that make a network's answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from convlab import insight, viz
from convlab.checks import whole
from convlab.errors import SpecError
from convlab.insight import Ascent, Link, Maximised, Patch
from convlab.numerals import number, to_places
from convlab.pictures._attribution import Question, question
from convlab.pictures._top_patches import patch_numbers
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike
from convlab.pictures.units import drawn_box, first_test_images
from convlab.shapes import size_text
from convlab.training import ImageLike
from convlab.words import t

MOST = 5  # layers below the class


def hierarchy(
    run: RunLike,
    image: ImageLike,
    layers: Sequence[str] = (),
    *,
    target: str | int = "predicted",
    images: int = 1000,
    patches: int = 9,
    steps: int = 100,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
) -> Picture:
    """From an edge to the class in one figure: one unit for each depth of a network.

    The chain is built from the class downwards: of each layer the active unit is shown that adds
    most to the unit shown above it, see ``insight.hierarchy``.  Of each: what it sees of the image,
    the image made for its map by ``steps`` of gradient ascent from the noise of ``seed``, and the
    patches of the run's first ``images`` test images that excite it most, at most ``patches`` of
    them.  ``layers``: with feature maps, at most 5, by default 5 of the convolutions; ``target``:
    the class, by name or number.
    Raises SpecError for a layer or class that does not exist, and the errors of ``Run.image``.
    """
    whole(images, "images", error=SpecError)
    whole(patches, "patches", error=SpecError)
    whole(len(layers), "layers", 0, MOST, SpecError)
    asked = question(run, image, target, False, data_dir)
    network, scaling = asked.run.network, asked.run.scaling
    layers = list(dict.fromkeys(layers))
    every = layers or insight.convolutions(network)
    spread = np.linspace(0, len(every) - 1, min(MOST, len(every))).round()
    chosen = [every[int(at)] for at in spread]
    chain = insight.hierarchy(network, asked.x, asked.target, chosen)
    some, searched = first_test_images(asked.run, images, data_dir)
    colours = insight.channel_correlation(some) if some.shape[1] > 1 else None
    ascent = Ascent(steps=steps, seed=seed)
    units = [(link.layer, link.unit[0]) for link in chain]
    made = insight.maximise_each(network, units, scaling, ascent, colours=colours)
    best = insight.top_patches_each(network, units, some, scaling, patches)
    title, subtitle = t("From pixels to the class {name}", asked.name), _subtitle(asked)
    shown, kind = len(chain) - 1, t("layers") if layers else t("convolutions")
    if shown < len(every):
        subtitle += t("; {shown} of {n} {kind}", shown, len(every), kind)
    facts = _facts(chain, ascent, searched)
    rows = list(zip(chain, made, best, strict=True))
    depths = [
        _depth(*row, after, some, asked)
        for row, after in zip(rows, [*chain[1:], None], strict=True)
    ]
    told = "; ".join(", ".join([depth.name, *depth.notes, *depth.adds[:1]]) for depth in depths)
    return Picture(
        title,
        f"{title}: {subtitle}. {told}. {said(dict(facts))}.",
        partial(viz.hierarchy, asked.pixels, depths, facts=facts, title=title, subtitle=subtitle),
        parameters={
            **asked.given,
            "target": asked.name,
            "layers": [link.layer for link in chain],
            "images": len(some),
            "patches": patches,
            "steps": steps,
            "seed": seed,
        },
        inputs={"image": asked.pixels, "network input": asked.x},
        weights=network.state_dict(),
        result={"chain": [_numbers(*row) for row in rows]},
        facts=dict(facts),
    )


def _subtitle(asked: Question) -> str:
    """The image, the answer, whether it is wrong, and the run."""
    chances = insight.probabilities(asked.run.network, asked.x[None])[0]
    answer = int(chances.argmax())
    told = t(
        "answer {classes} ({number})",
        *(asked.run.classes[answer], to_places(float(chances[answer]), 3)),
    )
    if asked.true not in (None, answer):
        told += t(", true class {true_name}", asked.true_name)
    return t(
        "{name}, {told}; {name2}{aside}", asked.image.name, told, asked.run.name, asked.image.aside
    )


def _depth(
    link: Link,
    made: Maximised,
    best: Sequence[Patch],
    after: Link | None,
    images: np.ndarray,
    asked: Question,
) -> viz.Depth:
    """A row of the picture."""
    name = t("class {name}", asked.name) if after is None else link.layer
    size = asked.run.network.input_shape[1:]
    patches = [(images[patch.image], drawn_box(patch.box, size)) for patch in best]
    boxes = drawn_box(link.box, size), drawn_box(made.box, size)
    notes, adds = _notes(link, asked), _adds(link, after)
    return viz.Depth(name, notes, boxes[0], made.images[0], boxes[1], patches, adds)


def _notes(link: Link, asked: Question) -> list[str]:
    """The unit, its value and what it sees."""
    top, left, bottom, right = link.box
    sees = t("sees {size} pixels", size_text(bottom - top, right - left))
    if link.added is None:
        penalty = asked.run.network.loss == "lecun-map"
        return [
            t(
                "{value}: {number}",
                *(t("minus its penalty") if penalty else t("its logit"), number(link.value)),
            ),
            sees,
        ]
    number_, row, column = link.unit
    return [
        t("map {number}, unit {row},{column}", number_, row, column),
        sees,
        t("value {number}", number(link.value)),
    ]


def _adds(link: Link, after: Link | None) -> list[str]:
    if after is None or link.added is None:
        return []
    adds = t("adds {number}", number(link.added))
    return [t("{adds} of {number}", adds, number(after.value)), adds]


def _facts(chain: Sequence[Link], ascent: Ascent, searched: str) -> list[tuple[str, str]]:
    share = t("most of its layer to the row below, as value times gradient")
    if all(link.adds_up for link in chain[:-1]):
        share += t(
            "; all units of the layer, and the biases in between, add up to that row's value"
        )
    else:
        share += t(
            ", a first-order share: not every layer in between is linear, a maximum or a ReLU"
        )
    steps = t("{n} step", ascent.steps, several="{n} steps")
    how = t("by {steps} of gradient ascent from noise, seed {seed}", steps, ascent.seed)
    return [
        (t("adds"), share),
        (t("made, real"), t("{how}; what excites the map most in {searched}", how, searched)),
    ]


def _numbers(link: Link, made: Maximised, best: Sequence[Patch]) -> dict[str, Any]:
    return {
        "layer": link.layer,
        "unit": link.unit,
        "box": link.box,
        "value": link.value,
        "adds": link.added,
        "sum over the layer": link.sum,
        "adds up with the biases": link.adds_up,
        "made": {"image": made.images[0], "box": made.box, "value": float(made.values[0])},
        "patches": [patch_numbers(patch) for patch in best],
    }
