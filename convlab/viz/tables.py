"""Tables: which class was taken for which, which maps a map reads, and what each layer costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.many_classes import WIDE, Small, draw_many
from convlab.viz.matrix import Cells, inks_on, number_size, one_in
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.viz.table import MeasuredColumn, Table
from convlab.viz.tiles import whole_pixels
from convlab.words import t


def confusion(matrix: ArrayLike, classes: Sequence[str], **page: Unpack[Page]) -> Figure:
    """A confusion matrix (K, K) of counts: rows are the true classes, columns the predicted.

    The shade of a cell is its share of its row, right answers and mistakes each on their own scale;
    numbers are written in the cells down to 22 pixels (on the slide), then two bars explain the
    shades.  At the right is each class's accuracy: the diagonal's share of the row.  If there are
    more classes than lines of text, every second, third ... is named and the second line says so;
    a wide canvas then also has the most frequent mistakes and the least accurate classes.

    Raises ShapeError for a matrix that is not square, counts that are negative or not whole, and a
    number of classes that is not K.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"expected a confusion matrix (K, K), got {counts.shape}")
    if len(classes) != len(counts):
        raise ShapeError(f"expected {len(counts)} class names, got {len(classes)}")
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        raise ShapeError("expected a confusion matrix of whole counts from 0, got other numbers")
    counts = counts.astype(np.int64)
    canvas = Sheet(1.05, **page)
    sheet = _Sheet(canvas, counts, [" ".join(str(name).split()) for name in classes])
    # How many names fit determines the second line, so the headline first counts at its highest.
    height = canvas.inner_height - canvas.headline_height()
    sheet.lay_out(height)
    every, many = sheet.every, None
    if every > 1 and canvas.inner_width >= WIDE * canvas.size.small:
        many = Small.within(canvas, height, sheet.names)
        every = many.every
    total, right = int(counts.sum()), int(np.trace(counts))
    answers = t("{right} of {total} right", right, total) if total else ""
    named = t("every {every}{ordinal} class named", every, _ordinal(every)) if every > 1 else ""
    canvas.head("ink", answers, named)
    if many:
        draw_many(canvas, counts, sheet.names, many, sheet.fills(), sheet.bars)
    else:
        sheet.lay_out(canvas.inner_height)
        sheet.draw(every)
    return canvas.figure


def _ordinal(value: int) -> str:
    if value % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


_TRUE = t("true ↓")


class _Sheet:
    """The matrix between its names and the classes' accuracies, and the bars of its shades."""

    def __init__(self, canvas: Canvas, counts: NDArray, names: list[str]) -> None:
        self.canvas, self.names, small = canvas, names, canvas.size.small
        self.texts = [str(value) for value in counts.ravel()]
        totals, none = counts.sum(axis=1, keepdims=True), np.full(counts.shape, np.nan)
        self.shares = np.divide(counts, totals, out=none, where=totals > 0)
        self.known = np.nan_to_num(self.shares)
        off = np.where(np.eye(len(counts), dtype=bool), 0.0, self.known)
        # Mistakes stay paler: they are on an enlarged scale and must not outshine the right
        # answers.
        right = self._scale(canvas.theme.output, 0.9, 1.0)
        wrong = self._scale(canvas.theme.mistake, 0.7, float(off.max()) or 1.0)
        self.bars = ColourBar(canvas, right, t("right")), ColourBar(canvas, wrong, t("wrong"))
        self.bar = max(bar.width for bar in self.bars)
        self.pad, self.widest = 10 * canvas.unit, canvas.widest(names, small)
        names_width = min(self.widest, 0.17 * canvas.width)
        self.side = max(names_width, canvas.measure(_TRUE, small)) + self.pad
        self.accuracy = canvas.measure(t("accuracy"), small) + 60 * canvas.unit

    def _scale(self, colour: str, strength: float, highest: float) -> Scale:
        ground = self.canvas.theme.ground
        end = style.blend(ground, colour, strength)
        return Scale(0.0, highest, LinearSegmentedColormap.from_list("share", [ground, end]))

    def lay_out(self, height: float) -> None:
        """Set the size of a cell and the place of names: above their columns, possibly upright."""
        canvas, small, count = self.canvas, self.canvas.size.small, len(self.names)
        room = canvas.inner_width - self.side - self.accuracy - 2 * self.pad
        upright = min(self.widest, 0.2 * canvas.height) + 0.3 * small
        for self.stand, above in ((False, small * LINE), (True, upright)):
            self.head = small * LINE + above
            tall = whole_pixels((height - self.head) / count)
            wide = whole_pixels(min(room / count, 1.9 * tall))
            self.px = number_size(canvas, self.texts, wide, tall)
            if self.px is None:
                narrow = (room - self.bar - 2 * self.pad) / count
                wide = whole_pixels(min(narrow, 1.9 * tall))
                tall = min(tall, 1.2 * wide)
            self.cell, line = (wide, tall), 1.25 * small
            self.every = max(one_in(line, tall), one_in(line, wide) if self.stand else 1)
            if self.widest + 0.4 * small <= wide * self.every:
                break

    def draw(self, every: int) -> None:
        """The matrix, its names and accuracies, and the bars if numbers have no room."""
        canvas, small, count = self.canvas, self.canvas.size.small, len(self.names)
        left, top = canvas.left + self.side, canvas.top + self.head
        cells = Cells(canvas, left, top, count, count, *self.cell)
        self._matrix(cells)
        # With low rows names reach above the matrix; the words over them avoid that.
        above = top - max(0.15 * small, small - cells.height / 2)
        canvas.note(left, canvas.top, t("predicted →"))
        canvas.note(left - max(self.pad, 0.8 * small - cells.width / 2), above, _TRUE, "rb")
        width = self.side - self.pad
        cells.sides(self.names, left - self.pad, every=every, px=small, width=width)
        width = self.head - small * LINE - 0.3 * small if self.stand else cells.width * every
        look = {"px": small, "rotation": 90 if self.stand else 0, "width": width}
        cells.heads(self.names, top - 0.25 * small, "mb", every=every, **look)
        end = left + cells.place[2]
        self._accuracies(cells, end + 2 * self.pad, above, every)
        if self.px is None:
            x = canvas.right - self.bar
            # A low matrix must not squeeze the two bars.
            room = max(cells.place[3], min(canvas.bottom - top, 18 * small))
            each = min(room / 2 - small, 230 * canvas.unit)
            for bar, y in zip(self.bars, (top, top + each + 2 * small), strict=True):
                bar.draw(x, y, each)

    def fills(self) -> NDArray:
        """The shade of each cell (K, K, 3)."""
        right, wrong = (bar.scale.rgb(self.known) for bar in self.bars)
        return np.where(np.eye(len(right), dtype=bool)[..., None], right, wrong)

    def _matrix(self, cells: Cells) -> None:
        """Shares as shades, the diagonal's outlined, and counts as numbers where they fit."""
        canvas, theme, fills = self.canvas, self.canvas.theme, self.fills()
        canvas.picture(fills, *cells.place)
        if min(cells.width, cells.height) >= 6 * canvas.unit:
            cells.lines(theme.hairline)
            for index in range(cells.rows):
                cells.part(index, index).box(theme.output, stroke=1.8 * canvas.size.hair)
        else:
            cells.box(edge=theme.hairline)
        if self.px is not None:
            pairs = zip(self.texts, inks_on(fills), strict=True)
            inks = [theme.quiet if text == "0" else ink for text, ink in pairs]
            cells.write(self.texts, self.px, inks)

    def _accuracies(self, cells: Cells, left: float, above: float, every: int) -> None:
        """A bar from 0 to 1 for each class, with its number if a line of text has room."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        canvas.note(left, above, t("accuracy"), "lb")
        shares = np.diagonal(self.shares)
        texts = [to_places(share, 2) if math.isfinite(share) else "none" for share in shares]
        cells.sides(texts, left, "lm", every=every, px=small)
        number = canvas.measure("≈0.00", small) + 8 * canvas.unit
        # Where rows are a few pixels high, gaps between bars would only flicker.
        thick = cells.height * (0.55 if cells.height >= 5 * canvas.unit else 1.0)
        for index, share in enumerate(np.nan_to_num(shares)):
            x, y = left + number, cells.middle(index, 0)[1] - thick / 2
            full = self.accuracy - number
            canvas.box(x, y, full, thick, fill=theme.hairline_fill)
            if share:
                canvas.box(x, y, full * share, thick, fill=theme.output)


def connection_table(
    table: ArrayLike,
    parameters: Sequence[int],
    *,
    names: tuple[str, str] = (t("input maps"), t("output maps")),
    **page: Unpack[Page],
) -> Figure:
    """A row for each input map, a column for each output map, a filled cell where they connect.

    table: (O, I) booleans, as a convolution's weights.  parameters: (O,), those of each
    output map; they go below its column, under the number of maps that it reads.  ``names`` say
    what the rows and the columns are; ``facts`` (label, text) go below.

    Raises ShapeError for a table that is not 2-dimensional or larger than 64 × 64, and for
    parameters that are not one per output map.
    """
    table = np.asarray(table, dtype=bool)
    if table.ndim != 2 or not 1 <= min(table.shape) <= max(table.shape) <= 64:
        raise ShapeError(f"expected a table (O, I) of 1 to 64 maps each, got {table.shape}")
    outputs, inputs = table.shape
    if len(parameters) != outputs:
        raise ShapeError(f"expected {outputs} numbers of parameters, got {len(parameters)}")
    canvas = Sheet(0.8, "window", **page)
    small, label = canvas.size.small, canvas.size.label
    below = {t("maps read"): table.sum(axis=1).tolist(), t("parameters"): map(int, parameters)}
    left = canvas.left + 0.8 * label
    left += max(
        canvas.widest([*below, str(inputs - 1)], small), canvas.measure(names[0], small, True)
    )
    over, under = 2 * small * LINE + 0.2 * small, 2 * small * LINE + 0.5 * small
    width = (canvas.right - left) / outputs
    # Cells may be wider than high to make room for the numbers below them.
    height = min((canvas.inner_height - over - under) / inputs, width, 4 * label)
    cells = Cells(canvas, left, canvas.top + over, inputs, outputs, min(width, 2 * height), height)
    _draw(cells, table, names)
    y = cells.top + inputs * height + 0.5 * small
    for word, counts in below.items():
        texts = [f"{count:,}" for count in counts]
        if canvas.widest(texts, small) + 4 * canvas.unit <= cells.width:
            canvas.note(canvas.left, y, word)
            cells.heads(texts, y, px=small)
            y += small * LINE
    return canvas.figure


def _draw(cells: Cells, table: NDArray, names: tuple[str, str]) -> None:
    """The table between its names and numbers, with a crossed cell for each connection."""
    canvas, theme = cells.canvas, cells.canvas.theme
    small = canvas.size.small
    quiet: dict[str, Any] = {"px": small, "colour": theme.quiet}
    canvas.text(cells.left, canvas.top, names[1], px=small, colour=theme.output, bold=True)
    y = cells.top - small * LINE - 0.2 * small
    canvas.text(canvas.left, y, names[0], px=small, colour=theme.input, bold=True)
    numbers = [str(number) for number in range(max(table.shape))]
    every = one_in(canvas.measure(str(cells.columns), small) + 6 * canvas.unit, cells.width)
    cells.heads(numbers, canvas.top + small * LINE, every=every, **quiet)
    every = one_in(1.15 * small, cells.height)
    cells.sides(numbers, cells.left - 0.5 * canvas.size.label, every=every, **quiet)
    cells.lines(theme.hairline)
    size = np.array([cells.width, cells.height])
    corners = (cells.left, cells.top) + np.argwhere(table) * size
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size
    canvas.polygons(corners[:, None] + square, edge=theme.window, fill=theme.window_fill)
    arms = 0.2 * size.min() * np.array([(1, 1), (1, -1)])
    crosses = [(middle - arm, middle + arm) for arm in arms for middle in corners + size / 2]
    canvas.strokes(crosses, theme.window, stroke=0.4 * canvas.size.thick)


@dataclass(frozen=True)
class LayerCost:
    """One layer: its name, its parameters, and multiply-adds for one image."""

    name: str
    parameters: int
    multiply_adds: int


def costs(layers: Sequence[LayerCost], **page: Unpack[Page]) -> Figure:
    """A row for each layer, in order: its parameters and its multiply-adds, each with its share.

    If not all layers fit, those with the largest shares are shown and the last row adds up the
    others.

    Raises ShapeError for no layers, or if nothing is counted.
    """
    totals = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    if min(totals) <= 0:
        raise ShapeError("costs: expected layers with parameters and multiply-adds, got none")
    canvas = Sheet(0.75, "ink", **page)
    most = max(2, int(canvas.inner_height / (1.6 * canvas.size.small)) - 2)
    rows = _rows(layers, totals, most)
    columns = []
    for total, role in zip(totals, ("window", "output"), strict=True):
        word = t("parameters") if role == "window" else t("multiply-adds")
        counts = [row.parameters if role == "window" else row.multiply_adds for row in rows]
        heading, texts = (
            t("{total:,} {word}", total, word),
            [t("{count:,}", count) for count in counts],
        )
        columns.append(MeasuredColumn(heading, [[c] for c in counts], texts, role=role))
        columns.append(MeasuredColumn("", (), [_percent(c / total) for c in counts], "texts"))
    Table(canvas, [row.name for row in rows], columns).draw()
    return canvas.figure


def _percent(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"


def _rows(layers: Sequence[LayerCost], totals: tuple[int, int], most: int) -> list[LayerCost]:
    """The layers in order; if there are too many, the smallest become one row at the end."""
    if len(layers) <= most:
        return list(layers)

    def weight(layer: LayerCost) -> float:
        return max(layer.parameters / totals[0], layer.multiply_adds / totals[1])

    largest = sorted(range(len(layers)), key=lambda at: weight(layers[at]), reverse=True)
    kept = [layers[at] for at in sorted(largest[: most - 1])]
    others = len(layers) - len(kept)
    parameters = totals[0] - sum(layer.parameters for layer in kept)
    multiply_adds = totals[1] - sum(layer.multiply_adds for layer in kept)
    return [*kept, LayerCost(t("{others} others", others), parameters, multiply_adds)]
