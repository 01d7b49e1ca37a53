"""What figures of a layer's outputs share: their order, scale, heading and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import ListedColormap, to_rgba
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import Canvas
from convlab.viz.matrix import number_size
from convlab.viz.style import Scale, Theme
from convlab.viz.tiles import joined, part_of

ORDERS = ("strongest", "number")


def map_order(maps: NDArray, order: str) -> NDArray:
    """Numbers of the maps (C, ...) in the order in which they are shown.

    ``strongest``: by their largest finite value, the first of equals first; ``number``: unchanged.
    Raises SpecError for another order.
    """
    if order not in ORDERS:
        raise SpecError(f"order: expected one of {', '.join(ORDERS)}, got {order!r}")
    if order == "number":
        return np.arange(len(maps))
    flat = maps.reshape(len(maps), -1)
    largest = np.where(np.isfinite(flat), flat, -np.inf).max(axis=1)
    return np.argsort(-largest, kind="stable")


def has_both_signs(values: NDArray) -> bool:
    """Whether there are finite numbers below and above 0."""
    finite = values[np.isfinite(values)]
    return bool((finite < 0).any() and (finite > 0).any())


def colours_mean(signed: bool) -> str:
    """What the colours of :func:`value_scale` mean, in both themes."""
    return "orange below 0, violet above" if signed else "dark to bright"


def value_scale(values: NDArray, theme: Theme, signed: bool | None = None) -> Scale:
    """Dark to bright; around 0 if there are both signs, or as ``signed`` says.

    Around 0 each sign has the full range of its colours: before a ReLU the few positive values are
    what is passed on, and the negative ones may be much larger.
    """
    signed = has_both_signs(values) if signed is None else signed
    finite = values[np.isfinite(values)]
    if not signed or not finite.any():
        return style.activation_scale(values)
    low, high = min(float(finite.min()), 0.0), max(float(finite.max()), 0.0)
    low, high = low or -high, high or -low
    steps = np.linspace(low, high, 4096)
    shares = 0.5 + 0.5 * np.where(steps < 0, steps / -low, steps / high)
    colours = style.diverging_map(theme)(shares)
    colours[int(-low / (high - low) * len(colours))] = to_rgba(theme.ground)  # exactly zero
    return Scale(low, high, ListedColormap(colours))


def written(
    canvas: Canvas, values: NDArray, width: float, height: float
) -> tuple[list[str], float | None]:
    """Numbers with as many digits as fit a cell, and their height; None if none do.

    Numbers that are not finite have no text.
    """
    known = np.isfinite(values)
    for digits in (3, 2):
        texts = exact(np.where(known, values, 0.0), digits).marked()
        px = number_size(canvas, texts, width, height)
        if px is not None:
            break
    return [text if good else "" for text, good in zip(texts, known.flat, strict=True)], px


@dataclass(frozen=True)
class Head:
    """The headline of the maps or units of a layer, shown in an order of ``ORDERS``."""

    canvas: Canvas
    title: str
    subtitle: str
    notes: Sequence[str]
    order: str

    @property
    def height(self) -> float:
        """The most height that it takes."""
        return self.canvas.headline_height(notes=self.notes)

    def draw(self, shown: int, count: int, what: str, *more: str) -> None:
        """Title, subtitle with how many are shown of ``count``, and the notes."""
        strongest = self.order == "strongest"
        said = part_of(shown, count, what, "strongest" if strongest else "first")
        if not said and strongest and count > 1:
            said = "strongest first"
        subtitle = joined(self.subtitle, said, *more)
        self.canvas.headline(self.title, subtitle, self.canvas.theme.output, self.notes)
