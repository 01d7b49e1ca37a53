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
from convlab.data.pictures import picture_header
from convlab.errors import DataError
from convlab.pictures.picture import Picture, said
from convlab.pictures.sources import RunLike, run_of
from convlab.shapes import size_text
from convlab.tasks import StyleStep, StyleTarget
from convlab.tasks.style_transfer import Features
from convlab.training import Run

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
    names = [Path(source).name for source in (content, style)]
    title = f"{names[0]} in the style of {names[1]}"
    subtitle = (
        f"{filters}; {size_text(*made.shape[1:])} pixels; {history[-1].step} steps of L-BFGS from"
        f" {'noise' if start == 'noise' else 'the content'}"
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
        return tasks.random_features(seed), "random filters"
    name = f"filters of run {run.folder.resolve().name}"
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
        "loss": f"{content_weight:g} × content + {style_weight:g} × style, from"
        f" {begin.loss:.3g} to {end.loss:.3g}",
        "content": f"from {begin.content:.3g} to {end.content:.3g}; 1 is that of empty maps",
        "style": f"from {begin.style:.3g} to {end.style:.3g}; 1 is that of empty maps",
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
    if source in data.PHOTOGRAPHS:
        image = data.photograph(source)
        size = image.shape[:2]
    elif not Path(source).exists():
        raise DataError(
            f"{source}: expected a picture file or one of {', '.join(data.PHOTOGRAPHS)}; there is"
            " no such file"
        )
    else:
        size, _ = picture_header(Path(source))
    factor = pixels / max(size)
    fitted = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    if min(fitted) < SMALLEST:
        raise DataError(
            f"{source}: expected a picture of at least {SMALLEST} pixels along both sides"
            f" when the longer one is brought to {pixels}, got {fitted[0]} x {fitted[1]}"
        )
    if source in data.PHOTOGRAPHS:
        return data.fit_images(image.transpose(2, 0, 1)[None], fitted)[0]
    return data.read_picture(Path(source), size=fitted, channels=3)


def _floats(image: np.ndarray) -> np.ndarray:
    """Bytes (3, H, W) as a batch of one from 0 to 1."""
    return image[None].astype(np.float32) / 255


def _bytes(x: np.ndarray) -> np.ndarray:
    """A batch of one picture from 0 to 1 as bytes (3, H, W)."""
    return np.round(255 * x[0]).astype(np.uint8)
