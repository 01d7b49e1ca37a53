"""A chain of sums: from one value of a network along the strongest terms down to a pixel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.equations import ChainLink, Piece, chain_places
from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import whole_cells
from convlab.words import t


def sum_chain(
    links: Sequence[ChainLink],
    *,
    image: ArrayLike,
    pixel: tuple[int, int] | None,
    pixel_name: str,
    pixel_value: float,
    passed: Sequence[str] = (),
    **page: Unpack[Page],
) -> Figure:
    """A row per sum, from the value to be explained downwards; the last row is the pixel.

    Each row: the map with the unit outlined, its name, the sum.  The strongest
    term of a row, in the input's colour, is the unit of the row below.  image:
    (1, H, W) or (3, H, W); ``pixel``: (row, column) at the chain's end, None for
    a chain that ends in padding; ``pixel_name`` and ``pixel_value`` as the network
    reads it; ``passed``: layers that pass the pixel on unsummed.  If the canvas is too narrow, all
    terms but the strongest are merged, and the unit's name goes above its value; if not all rows
    fit, the middle ones are counted and left out.

    Raises ShapeError for no links and arrays that do not fit.
    """
    if not links:
        raise ShapeError("expected at least one sum, got none")
    for link in links:
        shape = np.shape(link.values)
        if len(shape) not in (1, 2) or len(link.at) != len(shape) or 0 in shape:
            raise ShapeError(
                f"expected a map (H, W) or vector (N,) with a place in it for {link.name},"
                f" got {shape} and {link.at}"
            )
    rgb = image_rgb(np.asarray(image))
    canvas = Sheet(1.0, "output", **page)
    rows = [*links]
    if pixel is not None:
        rows.append(ChainLink(pixel_name, [], pixel_value, rgb, pixel, passed))
    small, room = canvas.size.small, canvas.inner_height
    least = (small + canvas.size.label) * LINE + 0.5 * small
    left_out = 0 if len(rows) * least <= room else len(rows) + 1 - max(3, math.floor(room / least))
    head = math.ceil((len(rows) - left_out) / 2)
    drawn = rows[:head] + rows[head + left_out :]
    step = min(room / (len(drawn) + bool(left_out)), 2.4 * least)
    sheet = _fullest(canvas, drawn, chain_places(rows), step)
    top = canvas.top
    for index in range(len(drawn)):
        if left_out and index == head:
            said = t("… {left_out} sums between are left out", left_out)
            canvas.note(canvas.left, top + step / 2, said, "lm")
            top += step
        sheet.draw(index, top)
        top += step
    return canvas.figure


@dataclass(frozen=True, eq=False)
class _Sheet:
    """How rows are drawn: how briefly, and widths of pictures and names, 0 for none."""

    canvas: Canvas
    rows: Sequence[ChainLink]
    places: int
    step: float
    brief: int
    px: float
    picture: float
    name: float

    @cached_property
    def pieces(self) -> list[list[Piece]]:
        """The pieces of each row, long names shortened."""
        small = self.canvas.size.small
        most = (8 if self.brief > 1 else 12) * small

        def shortened(piece: Piece) -> Piece:
            return replace(piece, label=self.canvas.fit(piece.label, most, small)[0])

        return [[*map(shortened, row.pieces(self.places, self.brief))] for row in self.rows]

    @cached_property
    def columns(self) -> list[float]:
        """Widths; the results are in the last column, however many steps lead to them."""
        steps = itertools.zip_longest(*(row[:-1] for row in self.pieces))
        results = max(self._width(row[-1], bold=True) for row in self.pieces)
        return [*(max(self._width(one) for one in column if one) for column in steps), results]

    def _sign_width(self, piece: Piece) -> float:
        # A piece without a sign goes above the numbers of pieces with one.
        return self.canvas.measure(piece.sign or "=", self.px) + 0.4 * self.px

    def _width(self, piece: Piece, bold: bool = False) -> float:
        text = self.canvas.measure(piece.text, self.px, bold)
        label = self.canvas.measure(piece.label, self.canvas.size.small)
        return self._sign_width(piece) + max(text, label)

    @property
    def free_gap(self) -> float:
        """The space between columns if they fill the width."""
        gaps = len(self.columns) - 1 + bool(self.picture) + bool(self.name)
        free = self.canvas.inner_width - self.picture - self.name - sum(self.columns)
        return free / max(1, gaps)

    def draw(self, index: int, top: float) -> None:
        """A row: its picture, its name, and its pieces."""
        canvas, size, theme = self.canvas, self.canvas.size, self.canvas.theme
        row, gap = self.rows[index], min(self.free_gap, 3.5 * self.px)
        x, middle = canvas.left, top + self.step / 2
        if self.picture:
            _draw_picture(canvas, row, x, top + (self.step - self.picture) / 2, self.picture)
            x += self.picture + gap
        above, below = middle - 0.75 * size.label, middle + 0.75 * size.small
        if self.name:
            colour, y = getattr(theme, row.role), above if row.passed else middle
            canvas.text(x, y, row.name, "lm", colour=colour, bold=True, width=self.name)
            if row.passed:
                canvas.note(x, below, row.handed_on, "lm", width=self.name)
            x += self.name + gap
        *steps, result = self.pieces[index]
        widths = [width + gap for width in self.columns[:-1]]
        *starts, last = itertools.accumulate(widths, initial=x)
        for piece, start in [*zip(steps, starts, strict=False), (result, last)]:
            # Its name above its number, the sign before both.
            right, px, colour = start + self._sign_width(piece), self.px, getattr(theme, piece.role)
            canvas.text(start, below, piece.sign, "lm", px=px, colour=theme.quiet)
            canvas.note(right, above, piece.label, "lm")
            bold = piece is result
            canvas.text(right, below, piece.text, "lm", px=px, colour=colour, bold=bold)


def _fullest(canvas: Canvas, rows: Sequence[ChainLink], places: int, step: float) -> _Sheet:
    """The fullest rows that fit the canvas's width, or else the narrowest."""
    size = canvas.size
    under = canvas.widest([row.handed_on for row in rows], size.small)
    names = canvas.widest([row.name for row in rows], size.label, True)
    named = max(names, min(under, 12 * size.label))
    choices = itertools.product((True, False), range(4), (size.label, size.small))
    for pictures, brief, px in choices:
        picture, name = 0.82 * step if pictures else 0.0, named if brief < 2 else 0.0
        sheet = _Sheet(canvas, rows, places, step, brief, px, picture, name)
        if sheet.free_gap >= 0.7 * px:
            break
    return sheet


def _draw_picture(canvas: Canvas, row: ChainLink, left: float, top: float, side: float) -> None:
    """The map, the vector in reading order, or the image, with the unit outlined."""
    theme, values, at = canvas.theme, np.asarray(row.values), row.at
    if values.ndim == 1:
        columns = math.ceil(math.sqrt(values.size))
        rows, at = math.ceil(values.size / columns), divmod(at[0], columns)
    else:
        rows, columns = values.shape[:2]
    cell = whole_cells(side, side, rows, columns)
    cells = Cells(canvas, left, top + (side - rows * cell) / 2, rows, columns, cell)
    if values.ndim == 3:
        canvas.picture(values, *cells.place, edge=theme.input)
    else:
        scale = style.value_scale(values, theme, row.signed)
        starts = range(0, values.size, columns if values.ndim == 1 else values.size)
        for line, first in enumerate(starts):
            part = values[None, first : first + columns] if values.ndim == 1 else values
            cells.part(line, 0, *part.shape).shades(part, scale, theme.hairline)
    # Even a tiny cell gets a visible outline.
    outline = max(cell, 9 * canvas.unit)
    x, y = cells.middle(*at)
    width, height = cells.place[2:]
    x = min(max(x - outline / 2, cells.left), cells.left + width - outline)
    y = min(max(y - outline / 2, cells.top), cells.top + height - outline)
    edge, stroke = getattr(theme, row.role), canvas.size.thick * 0.6
    canvas.box(x, y, outline, outline, edge=edge, stroke=stroke)
