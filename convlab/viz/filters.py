"""The weights of a convolution as pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import ALMOST, MINUS, exact, places_of
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import cell_numbers, number_size
from convlab.viz.style import Scale
from convlab.viz.tiles import arrange, how_many_fit, round_count, whole_cells


def filters(
    weights: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    limit: float | None = None,
    channels: Sequence[str] | None = None,
    before: ArrayLike | None = None,
    connected: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    alone: bool = False,
    numbers: bool = True,
) -> Figure:
    """Signed weights (O, I, kH, kW) of one convolution, all on one scale.

    One input channel: a grid of O filters, each with its number.  More: a row a
    filter, a column an input channel.  ``alone`` (O = 1): a grid of one filter's
    input channels instead, each with its name.  Zero is exactly the ground's
    colour and the limits are symmetric; ``limit`` is the largest magnitude shown
    (None: the largest weight).  ``channels`` names the input channels, as in
    ("red", "green", "blue"); None numbers them from 0.  ``before``: weights of
    the same shape from before training, drawn at the left of the others; at
    their right what training changed, after minus before, on a scale of its own.
    ``labels`` stand above: one, or two with ``before``.  ``connected`` (O, I):
    the pairs that have weights at all; the others are left empty.  ``numbers``:
    write the weights where cells are large enough.  When not everything fits
    readably the second line says how many are shown.  Weights that are not
    finite are hatched.

    Raises ShapeError for weights that are not 4-dimensional, a number of names
    that is not I, or arrays that do not fit the weights; SpecError for a limit
    not above zero and for an unknown theme or size.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(f"expected weights (O, I, kH, kW), none of them 0, got {weights.shape}")
    outputs, inputs = weights.shape[:2]
    if channels is not None and len(channels) != inputs:
        raise ShapeError(f"expected {inputs} names of input channels, got {len(channels)}")
    if alone and outputs != 1:
        raise ShapeError(f"expected one filter to show alone, got {outputs}")
    pairs = np.ones((outputs, inputs), bool)
    if connected is not None:
        pairs = np.asarray(connected, dtype=bool)
        if pairs.shape != (outputs, inputs):
            raise ShapeError(f"expected connections ({outputs}, {inputs}), got {pairs.shape}")
    grid = alone or (inputs == 1 and channels is None)
    canvas = Canvas(size, theme, aspect=0.8 if grid else 1.0)
    if before is None:
        scale = style.signed_scale(weights, canvas.theme, limit)
        parts = [_Part(weights, scale, labels[0] if labels else "")]
    else:
        parts = _compared(canvas, np.asarray(before, dtype=float), weights, limit, labels)
    sheet = _Sheet(canvas, parts, pairs, numbers)
    if grid:
        names = channels or [str(index) for index in range(max(outputs, inputs))]
        sheet.grid(title, subtitle, names, "input channels" if alone else "filters")
    else:
        sheet.table(title, subtitle, channels)
    return canvas.figure


def _with_notes(subtitle: str, *notes: str) -> str:
    return ", ".join(part for part in (subtitle, *notes) if part)


@dataclass(frozen=True, eq=False)
class _Part:
    """Weights (O, I, kH, kW) that stand together, their scale, and what they are."""

    values: NDArray
    scale: Scale
    label: str
    word: str = "weight"  # of the scale

    @property
    def tiles(self) -> NDArray:
        return self.values.reshape(-1, *self.values.shape[2:])


def _compared(
    canvas: Canvas,
    before: NDArray,
    after: NDArray,
    limit: float | None,
    labels: Sequence[str] | None,
) -> list[_Part]:
    """The weights before and after training on one scale, and their difference on its own."""
    if before.shape != after.shape:
        raise ShapeError(f"expected earlier weights {after.shape}, got {before.shape}")
    scale = style.signed_scale(np.stack([before, after]), canvas.theme, limit)
    first, second = labels or ("before training", "after training")
    with np.errstate(invalid="ignore"):
        change = after - before
    return [
        _Part(before, scale, first),
        _Part(after, scale, second),
        _Part(
            change,
            style.signed_scale(change, canvas.theme),
            f"after {MINUS} before",
            "change",
        ),
    ]


class _Sheet:
    """The weights, or those before and after training side by side, on their canvas."""

    def __init__(
        self, canvas: Canvas, parts: list[_Part], connected: NDArray, numbers: bool
    ) -> None:
        self.canvas, self.parts, self.connected = canvas, parts, connected
        self.numbers, self.rounded = numbers, False
        self.broken = not all(np.isfinite(part.values).all() for part in parts)
        # A scale that two parts share has one bar.
        self.bars = {part.word: part.scale for part in parts}
        # Room for the mark where numbers are longer than a cell shows.
        long = any(places_of(part.values.ravel()[:999]) not in (0, 1, 2) for part in parts)
        self.bar = max(
            ColourBar(canvas, scale, f"{ALMOST} {word}" if long else word, self.broken).width
            for word, scale in self.bars.items()
        )
        self.apart = 2.2 * canvas.size.label
        room = canvas.inner_width - self.bar - 2 * canvas.size.label
        self.width = (room - self.apart * (len(parts) - 1)) / len(parts)
        # Above each part what it is; bold texts are wider than they measure as plain ones.
        self.labels = [
            canvas.lines(part.label, 0.86 * self.width, canvas.size.label) for part in parts
        ]
        lines = max(map(len, self.labels))
        self.above = canvas.size.label * (lines * LINE + 0.3) if lines else 0.0

    def _left(self, part: int) -> float:
        return self.canvas.left + part * (self.width + self.apart)

    def _headed(self, title: str, subtitle: str, *notes: str) -> None:
        """The headline, and what each part is; moves the canvas's top below both."""
        canvas = self.canvas
        canvas.headline(title, _with_notes(subtitle, *notes), canvas.theme.window)
        for index, (part, lines) in enumerate(zip(self.parts, self.labels, strict=True)):
            for line, text in enumerate(lines):
                canvas.text(
                    self._left(index),
                    canvas.top + line * canvas.size.label * LINE,
                    text,
                    colour=canvas.theme.mistake if part.word == "change" else canvas.theme.ink,
                    bold=True,
                    width=self.width,
                )
        canvas.top += self.above

    def _separate(self, bottom: float) -> None:
        """A line between the parts, from their labels down to ``bottom``."""
        for index in range(1, len(self.parts)):
            x = self._left(index) - self.apart / 2
            self.canvas.line(
                [x, x], [self.canvas.top - self.above, bottom], self.canvas.theme.hairline
            )

    def _height(self) -> float:
        """What surely stays below a headline of three lines."""
        canvas = self.canvas
        return (
            canvas.inner_height - (canvas.size.title + 2 * canvas.size.subtitle) * LINE - self.above
        )

    def grid(self, title: str, subtitle: str, names: Sequence[str], what: str) -> None:
        """Every filter, or every input channel of the only one, with its name above."""
        canvas = self.canvas
        tiles = [part.tiles for part in self.parts]
        connected = self.connected.ravel()
        count, *shape = tiles[0].shape
        small, unit = canvas.size.small, canvas.unit
        gap, label = 10 * unit, small * LINE
        smallest = max(2.2 * small, 3 * unit * max(shape), canvas.widest(names, small))
        shown = how_many_fit(
            count, self.width, self._height(), tuple(shape), gap=gap, label=label, smallest=smallest
        )
        note = f"first {shown} of {count} {what}" if shown < count else ""
        self._headed(title, subtitle, note)
        height = canvas.inner_height
        grid = arrange(shown, self.width, height, tuple(shape), gap=gap, label=label)
        cell = grid.width / shape[1]
        texts, px, self.rounded = _numbers(
            canvas, [part[:shown] for part in tiles], connected[:shown], cell
        )
        for part, values in enumerate(tiles):
            for index in range(shown):
                left, top = grid.corner(index)
                left, top = self._left(part) + left, canvas.top + top
                canvas.text(
                    left,
                    top - label,
                    names[index],
                    px=small,
                    colour=_channel_colour(canvas, names[index]),
                    width=grid.width + grid.gap_x - 4 * unit,
                )
                self._tile(
                    values[index],
                    self.parts[part].scale,
                    connected[index],
                    (left, top, grid.width, grid.height),
                    texts[part][index],
                    px,
                )
        self._separate(canvas.top + grid.total_height)
        self._draw_bars(label)

    def table(self, title: str, subtitle: str, channels: Sequence[str] | None) -> None:
        """A row a filter, a column an input channel."""
        canvas = self.canvas
        outputs, inputs, *shape = self.parts[0].values.shape
        small, unit = canvas.size.small, canvas.unit
        width = self.width
        gap, head = 5 * unit, small * LINE
        between = 40 * unit if len(self.parts) == 1 else 0.6 * self.apart
        names = [str(index) for index in range(inputs)] if channels is None else list(channels)
        number = canvas.measure(str(outputs - 1), small) + 10 * unit
        # Parts that are compared rather have small tiles than few.
        smallest = max((2.2 if len(self.parts) == 1 else 1.3) * small, 3 * unit * max(shape))
        # A column is as wide as its name; without names only every second, third ... has a number.
        heading = (
            min(canvas.widest(names, small) + 4 * unit, 7 * small) if channels is not None else 0.0
        )
        # Three lines of headline are the most that can come.
        height = self._height() - head
        cell = smallest / max(shape)
        pitch = max(cell * shape[1] + gap, heading)
        columns = math.floor((width - number + gap) / pitch)
        rows = max(1, math.floor((height + gap) / (max(cell * shape[0], small * 1.1) + gap)))
        shown_inputs = round_count(inputs, max(1, columns))
        blocks = max(
            1, math.floor((width + between) / (number + shown_inputs * pitch - gap + between))
        )
        shown_outputs = round_count(outputs, rows * blocks)
        notes = ["rows: filters, columns: input channels"]
        if shown_outputs < outputs:
            notes.append(f"first {shown_outputs} of {outputs} filters")
        if shown_inputs < inputs:
            notes.append(f"first {shown_inputs} of {inputs} input channels")
        if not self.connected.all():
            notes.append("dashed: not connected")
        self._headed(title, subtitle, *notes)

        height = canvas.inner_height - head
        best = (1.0, -1)
        for blocks in range(1, shown_outputs + 1):
            rows = math.ceil(shown_outputs / blocks)
            block = (width - between * (blocks - 1)) / blocks - number
            pitch = (block + gap) / shown_inputs
            tile_height = (height - gap * (rows - 1)) / rows
            if pitch >= max(heading, 2 * gap) and tile_height >= small * 1.1:
                best = max(best, (whole_cells(pitch - gap, tile_height, *shape), -blocks))
        cell, blocks = best[0], -best[1]
        rows = math.ceil(shown_outputs / blocks)
        tile_width, tile_height = cell * shape[1], cell * shape[0]
        pitch = max(tile_width + gap, heading)
        block = number + shown_inputs * pitch - gap
        # Columns of one part stay nearer to each other than to the other part's.
        most = 0.6 * block if len(self.parts) == 1 else 0.6 * self.apart
        step_x = block + min(most, (width - block * blocks) / max(1, blocks - 1))
        step_y = max(tile_height + gap, small * 1.1)
        # Height that is left widens the gaps a little.
        free = (height - tile_height) / max(1, rows - 1)
        step_y = max(step_y, min(free, 1.25 * tile_height))
        connected = self.connected[:shown_outputs, :shown_inputs]
        tiles = [
            part.values[:shown_outputs, :shown_inputs].reshape(-1, *shape) for part in self.parts
        ]
        texts, px, self.rounded = _numbers(canvas, tiles, connected.ravel(), cell)
        every = 1
        if channels is None:
            every = math.ceil((canvas.widest(names[:shown_inputs], small) + 6 * unit) / pitch)
        for part, values in enumerate(tiles):
            for index in range(shown_outputs):
                column, row = divmod(index, rows)
                left = self._left(part) + column * step_x
                top = canvas.top + head + row * step_y
                canvas.note(left + number - 10 * unit, top + tile_height / 2, str(index), "rm")
                for channel in range(shown_inputs):
                    x = left + number + channel * pitch
                    if row == 0 and channel % every == 0:
                        canvas.text(
                            x + tile_width / 2,
                            canvas.top,
                            names[channel],
                            "mt",
                            px=small,
                            colour=_channel_colour(canvas, names[channel]),
                            width=math.inf if channels is None else pitch - 3 * unit,
                        )
                    at = index * shown_inputs + channel
                    self._tile(
                        values[at],
                        self.parts[part].scale,
                        connected[index, channel],
                        (x, top, tile_width, tile_height),
                        texts[part][at],
                        px,
                    )
        self._separate(canvas.top + head + (rows - 1) * step_y + tile_height)
        self._draw_bars(head)

    def _tile(
        self,
        values: NDArray,
        scale: Scale,
        connected: bool,
        place: tuple[float, float, float, float],
        texts: list[str],
        px: float | None,
    ) -> None:
        canvas = self.canvas
        if not connected:
            canvas.box(*place, edge=canvas.theme.hairline, dashed=True)
            return
        canvas.array(values, scale, *place, edge=canvas.theme.window)
        if px is not None and self.numbers:
            cell_numbers(canvas, texts, scale.rgb(values), px, *place)

    def _draw_bars(self, drop: float) -> None:
        """The bar of each scale, one below the other."""
        canvas, count = self.canvas, len(self.bars)
        gap = 1.5 * canvas.size.small
        room = (canvas.inner_height - gap * (count - 1)) / count
        height = min(room, (420 if count == 1 else 290) * canvas.unit + drop)
        for index, (word, scale) in enumerate(self.bars.items()):
            top = canvas.top + index * (height + gap)
            last = index == count - 1
            ColourBar(
                canvas,
                scale,
                f"{ALMOST} {word}" if self.rounded and self.numbers else word,
                self.broken and last,
            ).draw(canvas.right - self.bar, top, height)


def _channel_colour(canvas: Canvas, name: str) -> str:
    """Red, green and blue channels have their colours; other names are quiet."""
    theme = canvas.theme
    return {"red": theme.red, "green": theme.green, "blue": theme.blue}.get(name, theme.quiet)


def _numbers(
    canvas: Canvas, parts: list[NDArray], connected: NDArray, cell: float
) -> tuple[list[list[list[str]]], float | None, bool]:
    """The weights as texts with the most digits that fit a cell, their height, if rounded.

    parts: (tiles, kH, kW) each; a list of texts a tile.  One format for all parts.
    """
    weights = np.stack(parts)
    known = np.isfinite(weights) & connected[:, None, None]
    finite = np.where(known, weights, 0.0)
    for digits in (3, 2):
        found = exact(finite, digits)
        px = number_size(canvas, found.texts, cell, cell)
        if px is not None:
            break
    shown = np.where(known.ravel(), found.texts, "").reshape(*weights.shape[:2], -1)
    return shown.tolist(), px, px is not None and any(found.rounded)
