"""The content of one picture in the style of another."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from convlab import data, tasks, viz
from convlab.data.pictures import given_name, given_picture, picture_size
from convlab.errors import DataError
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import size_text
from convlab.tasks import StyleStep, StyleTarget
from convlab.tasks.style_transfer import Features
from convlab.training import Run
from convlab.words import t

SMALLEST = 48  # pixels: a quarter of it still holds the largest filter


def stylize(
    content: str | os.PathLike,
    style: str | os.PathLike,
    *,
    pixels: int = 256,
    steps: int = 80,
    every: int = 10,
    content_weight: float = 0.05,
    style_weight: float = 1.0,
    network: RunLike | None = None,
    start: str = "content",
    seed: int = 0,
    watch: Callable[[StyleStep], None] | None = None,
) -> Picture:
    """``content`` in the style of ``style``, by changing its pixels step by step; an animation.

    Both are files, or the photographs china and flower.  ``pixels``: the longer side of the
    result; ``every``: steps from one frame to the next; ``network``: a run on colour pictures,
    whose filters see the pictures, by default random ones; ``start``: content or noise; ``seed``:
    for random filters and noise; ``watch`` is called after each step.  Gatys, Ecker & Bethge 2016;
    Ustyuzhaninov et al. 2016.  Raises DataError, RunError, SpecError.
    """
    sources = [_read(str(source), pixels) for source in (content, style)]
    run = None if network is None else run_of(network)
    features, filters = _features(run, seed)
    target = tasks.style_target(tasks.at_sizes(features), *map(_floats, sources))
    first = _floats(sources[0])
    if start == "noise":
        first = np.random.default_rng(seed).random(first.shape, np.float32)
    weights = {"content_weight": content_weight, "style_weight": style_weight}
    made, history, frames = _changed(target, first, every, watch, steps=steps, **weights)
    names = [given_name(str(source)) for source in (content, style)]
    title = t("{names} in the style of {names2}", names[0], names[1])
    subtitle = t(
        "{filters}; {size} pixels; {step} steps of L-BFGS from {value}",
        filters,
        size_text(*made.shape[1:]),
        history[-1].step,
        t("noise") if start == "noise" else t("the content"),
    )
    facts = _facts(history[0], history[-1], content_weight, style_weight)
    figure = partial(_figure, sources, history, names, facts, title, subtitle)
    return Picture(
        title,
        f"{title}; {subtitle}; {said(facts)}.",
        partial(figure, len(history), made),
        lambda **look: (figure(*frame, **look) for frame in frames),
        facts=facts,
        parameters={
            "content": str(content),
            "style": str(style),
            "network": None if run is None else run.folder,
            "pixels": pixels,
            "steps": steps,
            "content weight": content_weight,
            "style weight": style_weight,
            "start": start,
            "seed": seed,
        },
        inputs={"content": sources[0], "style": sources[1]},
        result={
            "picture": made,
            "loss": [step.loss for step in history],
            "content": [step.content for step in history],
            "style": [step.style for step in history],
        },
    )


def _features(run: Run | None, seed: int) -> tuple[Features, str]:
    """The filters that see the pictures, and their name."""
    if run is None:
        return tasks.random_features(seed), t("random filters")
    name = t("filters of {name}", run.name)
    return tasks.network_features(run.network, run.scaling), name


def _changed(
    target: StyleTarget,
    first: np.ndarray,
    every: int,
    watch: Callable[[StyleStep], None] | None,
    **settings: Any,
) -> tuple[np.ndarray, list[StyleStep], list[tuple[int, np.ndarray]]]:
    """The result, all steps, and for each frame the steps so far and the picture."""
    history: list[StyleStep] = []
    frames: list[tuple[int, np.ndarray]] = []

    def seen(step: StyleStep, x: np.ndarray) -> None:
        history.append(step)
        if step.step % every == 0:
            frames.append((len(history), _bytes(x)))
        if watch is not None:
            watch(step)

    made = _bytes(tasks.stylize(target, first, watch=seen, **settings))
    if frames[-1][0] < len(history):
        frames.append((len(history), made))
    return made, history, frames


def _facts(
    begin: StyleStep, end: StyleStep, content_weight: float, style_weight: float
) -> dict[str, str]:
    return {
        t("loss"): t(
            "{content_weight:g} × content + {style_weight:g} × style, from {loss:.3g} to"
            " {loss2:.3g}",
            *(content_weight, style_weight, begin.loss, end.loss),
        ),
        t("content"): t(
            "from {content:.3g} to {content2:.3g}; 1 is that of empty maps",
            *(begin.content, end.content),
        ),
        t("style"): t(
            "from {style:.3g} to {style2:.3g}; 1 is that of empty maps", begin.style, end.style
        ),
    }


def _figure(
    sources: list[np.ndarray],
    history: list[StyleStep],
    names: list[str],
    facts: dict[str, str],
    title: str,
    subtitle: str,
    count: int,
    shown: np.ndarray,
    **look: Any,
) -> Figure:
    """The three pictures, and the loss of the first ``count`` steps."""
    above_zero = [step.loss for step in history if step.loss > 0]
    content, style = sources
    return viz.stylized(
        content,
        style,
        shown,
        [step.loss for step in history[:count]],
        of=len(history),
        span=(min(above_zero), max(above_zero)) if above_zero else None,
        names=(f"content: {names[0]}", f"style: {names[1]}"),
        facts=list(facts.items()),
        title=title,
        subtitle=subtitle,
        **look,
    )


def _read(source: str, pixels: int) -> np.ndarray:
    """(3, H, W) bytes whose longer side has this many pixels."""
    if source not in (*data.PHOTOGRAPHS, "-") and not Path(source).exists():
        raise DataError(
            f"{source}: expected a picture file or one of {', '.join(data.PHOTOGRAPHS)}; there is"
            " no such file"
        )
    given = given_picture(source)
    size = picture_size(given)
    factor = pixels / max(size)
    fitted = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    if min(fitted) < SMALLEST:
        raise DataError(
            f"{source}: expected a picture of at least {SMALLEST} pixels along both sides"
            f" when the longer one is brought to {pixels}, got {fitted[0]} x {fitted[1]}"
        )
    return data.read_picture(given, size=fitted, channels=3)


def _floats(image: np.ndarray) -> np.ndarray:
    """Bytes (3, H, W) as a batch of one from 0 to 1."""
    return image[None].astype(np.float32) / 255


def _bytes(x: np.ndarray) -> np.ndarray:
    """A batch of one picture from 0 to 1 as bytes (3, H, W)."""
    return np.round(255 * x[0]).astype(np.uint8)
