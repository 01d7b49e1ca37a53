"""An image's way through all layers of a network."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number, to_places
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.feature_maps import colours_mean, map_order, written
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import Grid, arrange, how_many_fit
from convlab.words import joined, t


def draw_shares(
    canvas: Canvas,
    shares: Sequence[tuple[str, float]],
    place: tuple[float, float, float],
    step: float,
    main: tuple[str, float] | None,
) -> None:
    """Stacked names with shares of 1, ``step`` apart, from ``place`` on.

    place: left, top and width.  Names take at most two fifths of it.  ``main``, one of the
    shares, stands out in the output's colour.
    """
    (left, top, width), small, theme = place, canvas.size.small, canvas.theme
    texts = [to_places(share, 3) for _, share in shares]
    names = min(canvas.widest([name for name, _ in shares], small, bold=True), 0.42 * width)
    shown = canvas.names([name for name, _ in shares], names, small, bold=True)
    right = canvas.widest(texts, small, bold=True)
    gap, thick = 8 * canvas.unit, step * 0.56
    for row, (one, text) in enumerate(zip(shares, texts, strict=True)):
        y, stands_out = top + (row + 0.5) * step, one is main
        ink, fill = (theme.ink, theme.output) if stands_out else (theme.quiet, theme.hairline)
        write = partial(canvas.text, px=small, bold=stands_out, colour=ink)
        write(left, y, shown[row], "lm", width=names)
        length = (width - names - right - 2 * gap) * float(np.nan_to_num(one[1]).clip(0, 1))
        canvas.box(left + names + gap, y - thick / 2, length, thick, fill=fill)
        write(left + width, y, text, "rm")


@dataclass(eq=False)
class _Stop:
    """One stop of the journey: what it draws, and the width in pixels that it takes."""

    canvas: Canvas
    name: str
    lines: list[str]
    values: NDArray  # (H, W, 3) bytes of the image, (C, H, W) maps or (C,) vector
    is_image: bool = False
    minor: bool = False
    width: float = 0.0
    grid: Grid | None = None
    shown: int = 0

    def heading(self, lines: int) -> float:
        """Width of the name with the first ``lines`` lines below it."""
        name = self.canvas.measure(self.name, self.canvas.size.label, bold=True)
        return max(name, self.canvas.widest(self.lines[:lines], self.canvas.size.small))

    def arrange(self, width: float, height: float) -> float:
        """Lay out the image or the maps; returns the width that they take."""
        unit, count, shape = self.canvas.unit, len(self.values), self.values.shape[1:]
        if self.is_image:
            count, shape = 1, self.values.shape[:2]
        least = 34 * unit
        # A single map does not outgrow the others; the image may.
        largest = min(260 * unit, max((1.0 if self.is_image else 0.55) * height, least))
        room = {"gap": 5 * unit, "label": 0.0}
        self.shown = how_many_fit(count, width, height, shape, **room, smallest=least)
        self.grid = arrange(self.shown, width, height, shape, **room, largest=largest)
        return self.grid.total_width

    def draw(self, left: float, top: float, height: float) -> None:
        """The image, the maps, or the vector as a column of cells, with its numbers if they fit."""
        canvas, theme, values, grid = self.canvas, self.canvas.theme, self.values, self.grid
        if grid and self.is_image:
            canvas.picture(values, *grid.place(0, left, top), edge=theme.input)
            return
        scale = style.value_scale(values, theme)
        if grid:
            for index in range(self.shown):
                place = grid.place(index, left, top)
                canvas.array(values[index], scale, *place, edge=theme.hairline)
            top += grid.total_height
        else:
            shown = self.shown = min(len(values), math.floor(height / (3 * canvas.unit)))
            tall = min(height / shown, 2 * canvas.size.label)
            texts, px = written(canvas, values, self.width, tall)
            across = self.width if px is not None else min(self.width, 44 * canvas.unit)
            cells = Cells(canvas, left, top, shown, 1, across, tall)
            cells.numbered(values[:shown, None], scale, texts[:shown], px, theme.hairline)
            top += tall * shown
        if self.shown < len(values):
            more = f"+{len(values) - self.shown}"
            canvas.note(left, top + 0.15 * canvas.size.small, more)


def journey(
    image: ArrayLike,
    layers: Sequence[tuple[str, ArrayLike]],
    *,
    classes: Sequence[str] | None = None,
    probabilities: ArrayLike | None = None,
    order: str = "number",
    notes: Sequence[str] = (),
    minor: Collection[str] = (),
    **page: Unpack[Page],
) -> Figure:
    """One image's way through a network, left to right: image, layers, probabilities.

    image: (1, H, W) or (3, H, W), uint8 or float.  layers: a name with maps
    (C, H, W) or a vector (C,) each, in the order of computation.  Every layer has its own scale,
    whose ends are written under its size, with colours on both sides of 0 if there are both signs.
    Layers with more maps than fit show the first ones and "+48"; ``order`` says which come first,
    see ``map_order``; vectors keep theirs.  ``notes`` are separate lines below the headline.
    probabilities:
    (K,), drawn as bars with the names in ``classes`` (None: their numbers); the
    most probable first when there are more than fit.  A network too deep for one row takes several;
    if not all layers fit, those named in ``minor`` are left out, then others evenly, and the second
    line says how many there are.

    Raises ShapeError for other shapes and for a number of classes that is not
    K, SpecError for an unknown order, theme or size.
    """
    rgb = image_rgb(np.asarray(image))
    canvas = Sheet(1.2, **page)
    extent = style.size_text(*rgb.shape[:2], len(np.asarray(image)))
    stops = [_Stop(canvas, t("image"), [extent], rgb, is_image=True)]
    small = canvas.size.small
    names = canvas.names([name for name, _ in layers], 8 * small, small, bold=True)
    for short, (name, array) in zip(names, layers, strict=True):
        stops.append(_layer(canvas, short, np.asarray(array, float), order, name in minor))
    chances = None if probabilities is None else _named(probabilities, classes)
    for kept in _thinned(stops):
        line = joined([canvas.subtitle, *_said(kept, len(layers), order)])
        headline = canvas.headline_height(canvas.headline_lines(line), notes)
        way = _Way(canvas, kept, headline, chances)
        if way.fits:
            break
    canvas.headline(canvas.title, line, canvas.theme.ink, notes)
    way.draw()
    return canvas.figure


def _layer(canvas: Canvas, name: str, values: NDArray, order: str, minor: bool) -> _Stop:
    if values.ndim not in (1, 3) or 0 in values.shape:
        raise ShapeError(f"expected layer {name} as (C, H, W) or (C,), got {values.shape}")
    if values.ndim == 3:
        values = values[map_order(values, order)]
    if values.shape[1:] == (1, 1):
        values = values.reshape(-1)
    finite = values[np.isfinite(values)]
    ends = (finite.min(), finite.max()) if finite.size else (math.nan, math.nan)
    extent = style.size_text(*values.shape[1:], len(values))
    return _Stop(
        canvas,
        name,
        [extent, t("{number} to {number2}", number(ends[0]), number(ends[1]))],
        values,
        minor=minor,
    )


def _named(probabilities: ArrayLike, classes: Sequence[str] | None) -> list[tuple[str, float]]:
    chances = np.asarray(probabilities, dtype=float)
    if chances.ndim != 1 or chances.size == 0:
        raise ShapeError(f"expected probabilities (K,), got {chances.shape}")
    names = [str(index) for index in range(len(chances))] if classes is None else classes
    if len(names) != len(chances):
        raise ShapeError(f"expected {len(chances)} class names, got {len(names)}")
    return list(zip(names, chances.tolist(), strict=True))


def _thinned(stops: list[_Stop]) -> Iterator[list[_Stop]]:
    """The image with all layers, without the minor ones, then with fewer and fewer evenly."""
    yield stops
    image, *layers = [stop for stop in stops if not stop.minor]
    if len(layers) + 1 < len(stops):
        yield [image, *layers]
    for count in range(len(layers) - 1, 0, -1):
        places = np.linspace(0, len(layers) - 1, count).round().astype(int)
        yield [image, *(layers[place] for place in places)]


def _said(stops: list[_Stop], count: int, order: str) -> list[str]:
    """What the second line says about the layers: how many of how many, and what colours mean."""
    signed = [style.has_both_signs(stop.values) for stop in stops[1:]]
    how = colours_mean(any(signed))
    if any(signed) and not all(signed):
        how += t(", or {colours_mean}", colours_mean(False))
    said = [t("{n} of {count} layers", len(signed), count)] if len(signed) < count else []
    said.append(t("each layer on its own scale: {how}", how))
    return [*said, t("strongest maps first")] if order == "strongest" else said


class _Way:
    """Stops in as few rows as leave each its heading's width, with the probabilities at the end.

    Equally many per row, and never more rows than leave a picture below each heading.  The second
    line of a heading, the ends of the scale, is there if it fits and the pictures keep most of the
    height.  ``headline``: the height of the figure's own.  ``fits``: whether all have enough room.
    """

    def __init__(
        self,
        canvas: Canvas,
        stops: list[_Stop],
        headline: float,
        chances: list[tuple[str, float]] | None,
    ) -> None:
        self.canvas, self.chances = canvas, chances
        self.gap, self.between = 28 * canvas.unit, 1.2 * canvas.size.label
        self.end = max(0.17 * canvas.width, 11 * canvas.size.label) if chances else 0.0
        self.aside = self.end + self.gap if chances else 0.0
        low = canvas.inner_height - headline + self.between
        for count in range(1, len(stops) + 1):
            each = math.ceil(len(stops) / count)
            self.rows = [stops[start : start + each] for start in range(0, len(stops), each)]
            height = low / count - self.between - canvas.size.small * LINE
            for self.lines, least in ((2, 90 * canvas.unit), (1, 44 * canvas.unit)):
                self.fits = height - self.head >= least and self._need() <= canvas.inner_width
                if self.fits:
                    return
        self.rows = [stops]

    @property
    def head(self) -> float:
        """Height of a stop's name with the lines below it."""
        return self.canvas.size.label * LINE + (self.lines * LINE + 0.3) * self.canvas.size.small

    def _need(self) -> float:
        """Width of the row that needs the most."""
        least, gap = 40 * self.canvas.unit, self.gap
        needs = [sum(max(s.heading(self.lines), least) + gap for s in r) - gap for r in self.rows]
        needs[-1] += self.aside
        return max(needs)

    def draw(self) -> None:
        canvas, between, count = self.canvas, self.between, len(self.rows)
        height = (canvas.inner_height - between * (count - 1)) / count
        for index, row in enumerate(self.rows):
            top = canvas.top + index * (height + between)
            self._draw_row(row, top, height, self.aside if index == count - 1 else 0.0)
        if self.chances:
            self._draw_chances(self.chances, canvas.right - self.end, top, height)

    def _draw_row(self, row: list[_Stop], top: float, height: float, aside: float) -> None:
        canvas, gap, small = self.canvas, self.gap, self.canvas.size.small
        body = height - self.head - small * LINE
        room = canvas.inner_width - aside
        headings = {stop: stop.heading(self.lines) for stop in row}
        # If not even one layer has enough room, headings are shortened.
        squeeze = min(1.0, (room - gap * (len(row) - 1)) / sum(headings.values()))
        for stop in row:
            headings[stop] *= squeeze
            stop.width = headings[stop]
        # The image is what everyone looks at first, so it gets more room than one layer.
        parts = {s: 1.6 if s.is_image else 1.0 for s in row if s.values.ndim == 3}
        fixed = sum(headings[stop] for stop in row if stop not in parts) + gap * (len(row) - 1)
        for stop, width in _shared_out(room - fixed, parts, headings).items():
            stop.width = max(headings[stop], stop.arrange(width, body))
        spare = room - sum(stop.width for stop in row)
        step = min(spare / max(1, len(row) - (0 if aside else 1)), 5 * gap)
        left = canvas.left
        for stop in row:
            colour = canvas.theme.input if stop.is_image else canvas.theme.output
            canvas.text(left, top, stop.name, colour=colour, bold=True, width=stop.width)
            for line, text in enumerate(stop.lines[: self.lines]):
                y = top + canvas.size.label * LINE + line * small * LINE
                canvas.note(left, y, text, width=stop.width)
            stop.draw(left, top + self.head, body)
            left += stop.width + step

    def _draw_chances(
        self, chances: list[tuple[str, float]], left: float, top: float, height: float
    ) -> None:
        """The probability of each class, or of as many of the most probable as fit."""
        canvas, small, width = self.canvas, self.canvas.size.small, self.end
        colour = canvas.theme.output
        canvas.text(left, top, t("probability"), colour=colour, bold=True, width=width)
        height -= self.head
        step = max(min(height / min(len(chances), 12), 2 * small * LINE), small * 1.25)
        room, said = max(1, math.floor(height / step)), t("of {n} classes", len(chances))
        highest = max((chance for _, chance in chances if math.isfinite(chance)), default=None)
        winner = next((one for one in chances if one[1] == highest), None)
        if len(chances) > room:
            said = t("{room} largest of {n}", room, len(chances))
            order = np.argsort([-chance for _, chance in chances], kind="stable")
            chances = [chances[index] for index in order[:room]]
        canvas.note(left, top + canvas.size.label * LINE, said, width=width)
        draw_shares(canvas, chances, (left, top + self.head, width), step, winner)


def _shared_out(
    room: float, parts: dict[_Stop, float], least: dict[_Stop, float]
) -> dict[_Stop, float]:
    """Width for each stop by its share of the room, none below its minimum."""
    each = room / max(sum(parts.values()), 1.0)
    narrow = {stop: least[stop] for stop, part in parts.items() if each * part < least[stop]}
    if not narrow:
        return {stop: each * part for stop, part in parts.items()}
    rest = {stop: part for stop, part in parts.items() if stop not in narrow}
    return narrow | _shared_out(room - sum(narrow.values()), rest, least)
