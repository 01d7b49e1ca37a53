"""The weights of a convolution as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact, places_of
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, number_size, one_in
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.viz.tiles import arrange, how_many_fit, part_of, round_count, whole_cells
from convlab.words import t


def filters(
    weights: ArrayLike,
    *,
    limit: float | None = None,
    channels: Sequence[str] | None = None,
    before: ArrayLike | None = None,
    connected: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    alone: bool = False,
    numbers: bool = True,
    **page: Unpack[Page],
) -> Figure:
    """Signed weights (O, I, kH, kW) of one convolution, all on one scale.

    One input channel: a grid of O filters, each with its number.  More: one row per filter, one
    column per input channel.  ``alone`` (O = 1): a grid of one filter's input channels instead,
    each with its name.  Zero is exactly the background colour and the limits are symmetric;
    ``limit`` is the largest magnitude shown (None: the largest weight).  ``channels`` names the
    input channels, as in ("red", "green", "blue"); None numbers them from 0.  ``before``: weights
    of the same shape from before training, drawn at the left of the others; at their right is what
    training changed, after minus before, on its own scale.  ``labels`` go above: one, or two with
    ``before``.  ``connected`` (O, I): the pairs that have weights at all; the others are left
    empty.  ``numbers``: write the weights if cells are large enough.  If not everything fits
    legibly, the second line says how many are shown.  Weights that are not finite are hatched.

    Raises ShapeError for weights that are not 4-dimensional, a number of names that is not I, or
    arrays that do not fit the weights; SpecError for a limit not above zero.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(f"expected weights (O, I, kH, kW), none of them 0, got {weights.shape}")
    outputs, inputs = weights.shape[:2]
    if channels is not None and len(channels) != inputs:
        raise ShapeError(f"expected {inputs} names of input channels, got {len(channels)}")
    if alone and outputs != 1:
        raise ShapeError(f"expected one filter to show alone, got {outputs}")
    pairs = np.ones((outputs, inputs), bool) if connected is None else np.asarray(connected, bool)
    if pairs.shape != (outputs, inputs):
        raise ShapeError(f"expected connections ({outputs}, {inputs}), got {pairs.shape}")
    earlier = weights if before is None else np.asarray(before, dtype=float)
    if earlier.shape != weights.shape:
        raise ShapeError(f"expected earlier weights {weights.shape}, got {earlier.shape}")
    grid = alone or (inputs == 1 and channels is None)
    canvas = Sheet(0.8 if grid else 1.0, **page)
    scale = style.signed_scale(np.stack([earlier, weights]), canvas.theme, limit)
    parts = [_Part(weights, scale, labels[0] if labels else "")]
    if before is not None:
        parts = _compared(canvas, earlier, weights, scale, labels)
    sheet = _Sheet(canvas, parts, pairs, numbers)
    if grid:
        sheet.grid(channels, t("input channels") if alone else t("filters"))
    else:
        sheet.table(channels)
    return canvas.figure


@dataclass(frozen=True, eq=False)
class _Part:
    """Weights (O, I, kH, kW) that belong together, their scale, and what they are."""

    values: NDArray
    scale: Scale
    label: str
    word: str = t("weight")  # of the scale


def _compared(
    canvas: Canvas, before: NDArray, after: NDArray, scale: Scale, labels: Sequence[str] | None
) -> list[_Part]:
    """The weights before and after training on one scale, and their difference on its own."""
    first, second = labels or (t("before training"), t("after training"))
    with np.errstate(invalid="ignore"):
        change = after - before
    signed = style.signed_scale(change, canvas.theme)
    changed = _Part(change, signed, t("after − before"), t("change"))
    return [_Part(before, scale, first), _Part(after, scale, second), changed]


class _Sheet:
    """The weights, or those before and after training side by side, on their canvas."""

    def __init__(
        self, canvas: Sheet, parts: list[_Part], connected: NDArray, numbers: bool
    ) -> None:
        self.canvas, self.parts, self.connected, self.numbers = canvas, parts, connected, numbers
        rows, columns = parts[0].values.shape[2:]
        self.shape = rows, columns
        broken = not all(np.isfinite(part.values).all() for part in parts)
        # Room for the mark if numbers are longer than a cell shows.
        long = any(places_of(part.values.ravel()[:999]) not in (0, 1, 2) for part in parts)
        # A scale that two parts share has one bar.
        scales = {part.word: part.scale for part in parts}
        self.bars = [ColourBar(canvas, scale, word, broken) for word, scale in scales.items()]
        marked = [replace(bar, word=t("≈ {word}", bar.word)) if long else bar for bar in self.bars]
        self.bar, label = max(bar.width for bar in marked), canvas.size.label
        self.apart = 2.2 * label
        room = canvas.inner_width - self.bar - 2 * label
        self.width = (room - self.apart * (len(parts) - 1)) / len(parts)
        self.lefts = [canvas.left + k * (self.width + self.apart) for k in range(len(parts))]
        # Each part has its name above; bold text is wider than plain text measures.
        self.labels = [canvas.lines(part.label, 0.86 * self.width, label) for part in parts]
        lines = max(map(len, self.labels))
        self.above = label * (lines * LINE + 0.3) if lines else 0.0

    def _headed(self, *notes: str) -> None:
        """The headline, and what each part is; moves the canvas's top below both."""
        canvas, theme = self.canvas, self.canvas.theme
        canvas.head("window", *notes)
        for left, part, lines in zip(self.lefts, self.parts, self.labels, strict=True):
            colour = theme.mistake if part.word == "change" else theme.ink
            canvas.paragraph(left, canvas.top, lines, colour=colour, bold=True, width=self.width)
        canvas.top += self.above

    def _height(self) -> float:
        """What is certain to remain below a headline of three lines."""
        headline = self.canvas.headline_height() - 0.7 * self.canvas.size.label
        return self.canvas.inner_height - headline - self.above

    def grid(self, channels: Sequence[str] | None, what: str) -> None:
        """Every filter, or every input channel of the only one, with its name above."""
        canvas, small, unit = self.canvas, self.canvas.size.small, self.canvas.unit
        count = self.connected.size
        names = list(channels or map(str, range(count)))
        room = {"gap": 10 * unit, "label": small * LINE}
        smallest = max(2.2 * small, 3 * unit * max(self.shape), canvas.widest(names, small))
        height = self._height()
        shown = how_many_fit(count, self.width, height, self.shape, smallest=smallest, **room)
        self._headed(part_of(shown, count, what))
        grid = arrange(shown, self.width, canvas.inner_height, self.shape, **room)
        corners = [grid.corner(index) for index in range(shown)]
        places = [(x, canvas.top + y) for x, y in corners]
        width = grid.width + grid.gap_x - 4 * unit
        for left in self.lefts:
            for (x, y), name in zip(places, names, strict=False):
                y -= grid.label
                canvas.text(left + x, y, name, px=small, colour=self._colour(name), width=width)
        self.connected = self.connected[:shown, :shown]  # one of its sides is 1
        self._draw_tiles(places, grid.width / self.shape[1])
        self._finish(canvas.top + grid.total_height, grid.label)

    def table(self, channels: Sequence[str] | None) -> None:
        """A row per filter, a column per input channel."""
        canvas, small, unit = self.canvas, self.canvas.size.small, self.canvas.unit
        (all_outputs, all_inputs), (rows, columns) = self.connected.shape, self.shape
        alone, gap = len(self.parts) == 1, 5 * unit
        names = list(channels or map(str, range(all_inputs)))
        number = canvas.measure(str(all_outputs - 1), small) + 10 * unit
        between = 40 * unit if alone else 0.6 * self.apart
        # For parts that are compared, small tiles are better than few.
        cell = max((2.2 if alone else 1.3) * small, 3 * unit * max(self.shape)) / max(self.shape)
        # A column is as wide as its name; without names only every second, third ... has a number.
        heading = min(canvas.widest(names, small) + 4 * unit, 7 * small) if channels else 0.0
        pitch = max(cell * columns + gap, heading)
        inputs = round_count(all_inputs, max(1, math.floor((self.width - number + gap) / pitch)))
        down = (self._height() - small * LINE + gap) / (max(cell * rows, small * 1.1) + gap)
        across = (self.width + between) / (number + inputs * pitch - gap + between)
        most = max(1, math.floor(down)) * max(1, math.floor(across))
        outputs = round_count(all_outputs, most)
        self._headed(
            t("rows: filters, columns: input channels"),
            part_of(outputs, all_outputs, t("filters")),
            part_of(inputs, all_inputs, t("input channels")),
            "" if self.connected.all() else t("dashed: not connected"),
        )
        self.connected = self.connected[:outputs, :inputs]
        self._draw_rows(names, heading, number, between)

    def _draw_rows(
        self, names: Sequence[str], heading: float, number: float, between: float
    ) -> None:
        """The rows in as many blocks side by side as make their tiles largest.

        ``heading`` and ``number``: widths of the columns' names and of the rows' numbers.
        """
        canvas, small, unit = self.canvas, self.canvas.size.small, self.canvas.unit
        (outputs, inputs), (rows, columns) = self.connected.shape, self.shape
        gap, top = 5 * unit, canvas.top + small * LINE
        height, found = canvas.bottom - top, (1.0, -1)
        for blocks in range(1, outputs + 1):
            down = math.ceil(outputs / blocks)
            pitch = ((self.width - between * (blocks - 1)) / blocks - number + gap) / inputs
            tall = (height - gap * (down - 1)) / down
            if pitch >= max(heading, 2 * gap) and tall >= small * 1.1:
                found = max(found, (whole_cells(pitch - gap, tall, rows, columns), -blocks))
        cell, blocks = found[0], -found[1]
        down, wide, tall = math.ceil(outputs / blocks), cell * columns, cell * rows
        pitch = max(wide + gap, heading)
        block = number + inputs * pitch - gap
        # Columns of one part are nearer to each other than to the other part's.
        most = 0.6 * (block if len(self.parts) == 1 else self.apart)
        step_x = block + min(most, (self.width - block * blocks) / max(1, blocks - 1))
        # Remaining height widens the gaps a little.
        free = min((height - tall) / max(1, down - 1), 1.25 * tall)
        step_y = max(tall + gap, small * 1.1, free)
        width = pitch - 3 * unit if heading else math.inf
        every = 1
        if not heading:
            every = one_in(canvas.widest(names[:inputs], small) + 6 * unit, pitch)
        for left, first in product(self.lefts, range(0, outputs, down)):
            left += first // down * step_x + number
            numbers = [str(index) for index in range(first, min(first + down, outputs))]
            block = Cells(canvas, left, top, len(numbers), inputs, pitch, step_y)
            block = replace(block, left=left - (pitch - wide) / 2, top=top - (step_y - tall) / 2)
            block.sides(numbers, left - 10 * unit, px=small, colour=canvas.theme.quiet)
            for channel in range(0, inputs, every):
                x, name = left + channel * pitch + wide / 2, names[channel]
                colour = self._colour(name)
                canvas.text(x, canvas.top, name, "mt", px=small, colour=colour, width=width)
        starts = [divmod(index, down) for index in range(outputs)]
        places = [
            (block * step_x + number + channel * pitch, top + row * step_y)
            for block, row in starts
            for channel in range(inputs)
        ]
        self._draw_tiles(places, cell)
        self._finish(top + (down - 1) * step_y + tall, small * LINE)

    def _colour(self, name: str) -> str:
        """Red, green and blue channels have their colours; other names are quiet."""
        own = name if name in ("red", "green", "blue") else "quiet"
        return getattr(self.canvas.theme, own)

    def _draw_tiles(self, places: Sequence[tuple[float, float]], cell: float) -> None:
        """The connected weights of each part at places (from its left, y), with their numbers."""
        theme, (outputs, inputs) = self.canvas.theme, self.connected.shape
        tiles = [p.values[:outputs, :inputs].reshape(-1, *self.shape) for p in self.parts]
        connected = self.connected.ravel()
        texts, px = self._written(np.stack(tiles), connected, cell)
        for part, left, values, written in zip(self.parts, self.lefts, tiles, texts, strict=True):
            for at, (x, y) in enumerate(places):
                cells = Cells(self.canvas, left + x, y, *self.shape, cell)
                if not connected[at]:
                    cells.box(theme.hairline, dashed=True)
                    continue
                cells.numbered(values[at], part.scale, written[at], px, edge=theme.window)

    def _written(
        self, weights: NDArray, connected: NDArray, cell: float
    ) -> tuple[list[list[list[str]]], float | None]:
        """Weights (parts, tiles, kH, kW) as texts in one format, and their height, if any.

        They have the most digits that fit a cell; bars say whether they are rounded.
        """
        known = np.isfinite(weights) & connected[:, None, None]
        for digits in (3, 2):
            found = exact(np.where(known, weights, 0.0), digits)
            px = number_size(self.canvas, found.texts, cell, cell) if self.numbers else None
            if px is not None:
                break
        if px is not None and any(found.rounded):
            self.bars = [replace(bar, word=t("≈ {word}", bar.word)) for bar in self.bars]
        texts = np.where(known.ravel(), found.texts, "").reshape(*weights.shape[:2], -1)
        return texts.tolist(), px

    def _finish(self, bottom: float, drop: float) -> None:
        """Lines between the parts, down to ``bottom``, and the bars, one below the other."""
        canvas, count = self.canvas, len(self.bars)
        for left in self.lefts[1:]:
            x = left - self.apart / 2
            canvas.line([x, x], [canvas.top - self.above, bottom], canvas.theme.hairline)
        gap = 1.5 * canvas.size.small
        room = (canvas.inner_height - gap * (count - 1)) / count
        height = min(room, (420 if count == 1 else 290) * canvas.unit + drop)
        for index, bar in enumerate(self.bars):
            # One explanation of hatched cells is enough.
            bar = bar if index == count - 1 else replace(bar, broken=False)
            bar.draw(canvas.right - self.bar, canvas.top + index * (height + gap), height)
