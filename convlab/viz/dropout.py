"""Dropout: the units that masks leave of a layer, and how the answer spreads over many masks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz import style
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import arrange, part_of
from convlab.words import joined, t


class ClassDots:
    """A row for each class: a dot for each mask, their mean, and the answer without dropout.

    chances: (N, classes); without: (classes,); place: left, top, width and height.  Where not all
    classes have room, those are shown that are likeliest on the mean or without.
    """

    def __init__(
        self,
        canvas: Canvas,
        classes: Sequence[str],
        chances: NDArray,
        without: NDArray,
        place: Place,
    ) -> None:
        self.canvas, self.classes, self.chances, self.without = canvas, classes, chances, without
        self.left, self.top, width, height = place
        self.right, small = self.left + width, canvas.size.small
        self.mean = chances.mean(axis=0)
        self.first = self.top + 1.5 * small * LINE
        room = height - 2.7 * small * LINE
        most = max(1, int(room / (1.7 * small)))
        likely = np.argsort(-np.maximum(self.mean, without), kind="stable")
        self.shown = np.sort(likely[:most])
        self.step = min(room / len(self.shown), 10 * small)
        self.texts = [[to_places(part[k], 3) for part in (without, self.mean)] for k in self.shown]
        written = [text for row in self.texts for text in row]
        self.heads = [(t("without"), canvas.theme.output), (t("mean"), canvas.theme.ink)]
        heads = canvas.widest([word for word, _ in self.heads], small, True)
        self.column = max(canvas.widest(written, small), heads) + 0.8 * small
        named = canvas.widest([classes[k] for k in self.shown], small, True)
        self.names = min(named, 0.3 * width)
        start = self.left + self.names + 0.9 * small
        while self.heads and self.right - start - len(self.heads) * self.column < 9 * small:
            self.heads.pop()
        self.axis = Axis(0.0, 1.0, start, self.right - len(self.heads) * self.column - 0.3 * small)

    def draw(self) -> None:
        canvas, small, axis = self.canvas, self.canvas.size.small, self.axis
        part = part_of(len(self.shown), len(self.classes), t("classes"), t("likeliest"))
        ways = [
            t("probability, a dot for each of {n:,} masks", len(self.chances)),
            t("a dot for each mask"),
        ]
        ways = [joined([way, part]) for way in ways] + [part or t("by mask")]
        width = axis.end - axis.start
        word = next((way for way in ways if canvas.measure(way, small) <= width), ways[-1])
        canvas.note(axis.start, self.top, word, width=width)
        for at, (word, colour) in enumerate(self.heads):
            canvas.text(self._x(at), self.top, word, "rt", px=small, colour=colour, bold=True)
        for row, k in enumerate(self.shown):
            self._row(k, self.texts[row], self.first + row * self.step)
        y = self.first + len(self.shown) * self.step + 0.2 * small
        for value in (0, 0.5, 1):
            canvas.note(axis.at(value), y, f"{value:g}", "mt")

    def _x(self, at: int) -> float:
        """Where the numbers of a column end."""
        return self.right - (len(self.heads) - 1 - at) * self.column

    def _row(self, k: int, texts: Sequence[str], top: float) -> None:
        """The dots of the masks from top to bottom, the first mask's on top."""
        canvas, theme, small, axis = (
            self.canvas,
            self.canvas.theme,
            self.canvas.size.small,
            self.axis,
        )
        tall, masks = 0.82 * self.step, len(self.chances)
        middle, thick, answer = top + tall / 2, canvas.size.thick, k == self.without.argmax()
        colour = theme.output if answer else theme.ink
        write = partial(canvas.text, px=small)
        width = self.names
        write(self.left, middle, self.classes[k], "lm", bold=answer, colour=colour, width=width)
        canvas.line([axis.start, axis.end], [top + tall] * 2, theme.hairline)
        side = 0.9 * thick
        places = np.stack(
            [axis.at(self.chances[:, k]), top + tall * (np.arange(masks) + 0.5) / masks], 1
        )
        corners = side / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        canvas.polygons(places[:, None] + corners, fill=theme.input)
        x = axis.at(self.without[k])
        canvas.line([x, x], [top, top + tall], theme.output, stroke=0.6 * thick)
        canvas.dot(axis.at(self.mean[k]), top + tall, theme.ink, 1.7 * thick)
        for at in range(len(self.heads)):
            write(self._x(at), middle, texts[at], "rm")


LINED = 2000  # cells that are still drawn one by one
WIDE = 0.65  # height by width of a canvas where layer and answers stand side by side


@dataclass(frozen=True, eq=False)
class MaskedUnits:
    """A layer's output (units,) or (C, H, W), and which of its units a mask ``drops`` (or none)."""

    name: str
    note: str
    values: NDArray
    drops: NDArray | None = None


def dropout(
    layers: Sequence[MaskedUnits],
    classes: Sequence[str],
    probabilities: ArrayLike,
    without: ArrayLike,
    **page: Unpack[Page],
) -> Figure:
    """At the left the units, one tile for each of ``layers``; at the right a row for each class.

    layers: arrays of one shape, on one scale; dropped units are empty and crossed out.
    probabilities: (N, classes), a dot for each mask, with a large dot for their mean; without:
    (classes,), a line.  Where not all classes have room, those
    are shown that are likeliest on the mean.

    Raises ShapeError for no layers, layers of different shapes and another number of classes.
    """
    chances, usual = np.asarray(probabilities, float), np.asarray(without, float)
    shapes = {layer.values.shape for layer in layers}
    if len(shapes) != 1 or len(next(iter(shapes))) not in (1, 3):
        raise ShapeError(f"expected layers (units,) or (C, H, W) of one shape, got {shapes}")
    if chances.ndim != 2 or not len(chances) or {len(classes), *usual.shape} != {chances.shape[1]}:
        raise ShapeError(
            f"expected probabilities (N, {len(classes)}) and as many without, got"
            f" {chances.shape} and {usual.shape}"
        )
    canvas = Sheet(1.2, "output", **page)
    gap = 2.2 * canvas.size.label
    left, top, width, height = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    if height < WIDE * width:
        half = (width - gap) / 2
        _draw_layers(canvas, layers, (left, top, half, height))
        place = left + half + gap, top, half, height
    else:
        part = 0.46 * (height - gap)
        _draw_layers(canvas, layers, (left, top, width, part))
        place = left, top + part + gap, width, height - part - gap
    ClassDots(canvas, classes, chances, usual, place).draw()
    return canvas.figure


def _draw_layers(canvas: Canvas, layers: Sequence[MaskedUnits], place: Place) -> None:
    """As many tiles as have room, and the bar of their scale below them."""
    (left, top, width, height), small = place, canvas.size.small
    values = np.array([layer.values for layer in layers])
    scale = style.value_scale(np.append(values, 0.0), canvas.theme)
    below = 14 * canvas.unit + small + small * LINE
    for count in range(len(layers), 0, -1):
        # Cells are drawn a few pixels wide, of as many maps as that allows.
        most = int(math.sqrt(width * height / count) / (3.5 * canvas.unit))
        units = _mosaic(values.shape[1:], max(4, most))
        notes = [_notes(layer, units) for layer in layers[:count]]
        words = [layer.name for layer in layers[:count]] + sum(notes, [])
        head = (1 + len(notes[0])) * small * LINE + 0.3 * small
        need = min(canvas.widest(words, small, True), (width - canvas.size.label) / 2)
        look = {"gap": canvas.size.label, "label": head, "need": need}
        tiles = arrange(count, width, height - below, units.shape, **look)
        if tiles.height >= 4 * small:
            break
    for at in range(count):
        x, y, wide, tall = tiles.place(at, left, top)
        room = wide + tiles.gap_x - 0.4 * small
        canvas.text(x, y - head, layers[at].name, px=small, bold=True, width=room)
        for line, text in enumerate(notes[at], 1):
            canvas.note(x, y - head + line * small * LINE, text, width=room)
        cells = Cells.within(canvas, units.shape, x, y, wide, tall)
        _draw_units(cells, layers[at], units, scale)
    bar, y = ColourBar(canvas, scale), top + tiles.total_height + 0.6 * small
    wide = min(tiles.total_width, 20 * small)
    bar.strip(left, y, wide, 14 * canvas.unit)
    bar.limits(left, y + 14 * canvas.unit + 0.3 * small, wide)
    beside = left + wide + 0.6 * small
    canvas.note(beside, y, t("output of a unit"), width=place[0] + width - beside)


def _notes(layer: MaskedUnits, units: NDArray) -> list[str]:
    """What is said of a tile, with how many of its maps are drawn if not all are."""
    if layer.values.ndim == 1:
        return [layer.note]
    count, *size = layer.values.shape
    shown = int((units >= 0).sum()) // math.prod(size)
    return [layer.note, *filter(None, [part_of(shown, count, t("maps"))])]


def _mosaic(shape: tuple[int, ...], most: int) -> NDArray:
    """Where each unit stands: its number in its layer, -1 for no unit.

    A vector is laid in rows, maps side by side, a cell apart; at most ``most`` cells along a side
    unless it is a single map.
    """
    if len(shape) == 1:
        side = math.ceil(math.sqrt(shape[0]))
        whole = [c for c in range(side, 2 * side) if shape[0] % c == 0]
        columns = whole[0] if whole else side
        rows = math.ceil(shape[0] / columns)
        units = np.full(rows * columns, -1)
        units[: shape[0]] = np.arange(shape[0])
        return units.reshape(rows, columns)
    count, height, width = shape
    across = max(1, min(math.ceil(math.sqrt(count * height / width)), (most + 1) // (width + 1)))
    down = max(1, min(math.ceil(count / across), (most + 1) // (height + 1)))
    units = np.full((down, height + 1, across, width + 1), -1)
    for at, map_ in enumerate(np.arange(math.prod(shape)).reshape(shape)[: down * across]):
        units[at // across, :height, at % across, :width] = map_
    return units.reshape(down * (height + 1), across * (width + 1))[:-1, :-1]


def _draw_units(cells: Cells, layer: MaskedUnits, units: NDArray, scale: style.Scale) -> None:
    """The units in their colours, dropped ones empty; large ones with lines and crosses."""
    canvas, theme = cells.canvas, cells.canvas.theme
    drops = np.zeros(layer.values.shape, bool) if layer.drops is None else layer.drops
    there = units >= 0
    dropped = there & drops.ravel()[units]
    rgb = scale.rgb(layer.values.ravel()[units])
    rgb[dropped | ~there] = style.rgb_bytes(theme.ground)
    canvas.picture(rgb, *cells.place)
    if cells.width < 9 * canvas.unit or there.sum() > LINED:
        return
    cells.polygons(there, theme.hairline, "none")
    reach, crosses = 0.2 * cells.width, []
    for row, column in np.argwhere(dropped):
        x, y = cells.middle(row, column)
        slants = (reach, -reach)
        crosses += [((x - reach, y - s), (x + reach, y + s)) for s in slants]
    canvas.strokes(crosses, theme.quiet)
