"""A chain of sums: from one value of a network along the strongest terms down to a pixel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.equations import ChainLink, Piece, chain_places
from convlab.errors import ShapeError
from convlab.numerals import ALMOST, fixed, says
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.feature_maps import value_scale
from convlab.viz.matrix import Cells
from convlab.viz.tiles import whole_cells


def sum_chain(
    links: Sequence[ChainLink],
    *,
    image: ArrayLike,
    pixel: tuple[int, int] | None,
    pixel_name: str,
    pixel_value: float,
    passed: Sequence[str] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row a sum, from the value to be explained down; the last row is the pixel.

    Each row: the map with the unit outlined, its name, the sum.  The strongest
    term of a row, in the input's colour, is the unit of the row below.  image:
    (1, H, W) or (3, H, W); ``pixel``: (row, column) at the chain's end, None for
    a chain that ends in padding; ``pixel_name`` and ``pixel_value`` as the network
    reads it; ``passed``: layers that hand the pixel on unsummed.  Where the canvas is
    too narrow all terms but the strongest are one, and the unit's name stands above
    its value; where not all rows fit, the middle ones are counted and left out.

    Raises ShapeError for no links and arrays that do not fit, SpecError for an
    unknown theme or size.
    """
    if not links:
        raise ShapeError("expected at least one sum, got none")
    rgb = image_rgb(np.asarray(image))
    canvas = Canvas(size, theme, aspect=1.0)
    canvas.headline(title, subtitle, canvas.theme.output)
    places = chain_places(links, pixel_value)
    rows = []
    for link in links:
        pieces = [link.pieces(places, brief) for brief in range(4)]
        rows.append(_Row(_checked(link), link.at, link.name, link.passed, pieces))
    if pixel is not None:
        text = fixed(pixel_value, places)
        sign = "" if says(text, pixel_value) else ALMOST
        names = ("network input",) * 2 + (pixel_name or "network input",) * 2
        pieces = [[Piece(sign, name, text, "input")] for name in names]
        rows.append(_Row(None, pixel, pixel_name, passed, pieces))

    small, room = canvas.size.small, canvas.inner_height
    least = (small + canvas.size.label) * LINE + 0.5 * small
    left_out = 0 if len(rows) * least <= room else len(rows) + 1 - max(3, math.floor(room / least))
    head = math.ceil((len(rows) - left_out) / 2)
    drawn = rows[:head] + rows[head + left_out :]
    step = min(room / (len(drawn) + bool(left_out)), 2.4 * least)
    sheet = _fullest(canvas, drawn, step)
    top = canvas.top
    for index in range(len(drawn)):
        if left_out and index == head:
            said = f"{style.ELLIPSIS} {left_out} sums between are left out"
            canvas.note(canvas.left, top + step / 2, said, "lm")
            top += step
        sheet.draw(index, rgb, top)
        top += step
    return canvas.figure


def _checked(link: ChainLink) -> NDArray:
    values = np.asarray(link.values, dtype=float)
    if values.ndim not in (1, 2) or len(link.at) != values.ndim or 0 in values.shape:
        raise ShapeError(
            f"expected a map (H, W) or vector (N,) with a place in it for {link.name},"
            f" got {values.shape} and {link.at}"
        )
    return values


@dataclass(frozen=True, eq=False)
class _Row:
    """What a row shows: a map (H, W), a vector (N,), or with None the image.

    ``pieces``: those of its sum, briefer and briefer.
    """

    values: NDArray | None
    at: tuple[int, ...]
    name: str
    passed: Sequence[str]
    pieces: list[list[Piece]]

    @property
    def role(self) -> str:
        return "input" if self.values is None else "output"

    @property
    def handed_on(self) -> str:
        """The layers that hand the value on, in words."""
        return f"{style.ARROW} {', '.join(self.passed)}" if self.passed else ""


@dataclass(frozen=True, eq=False)
class _Sheet:
    """How rows are drawn: how briefly, and widths of pictures and names, 0 for none."""

    canvas: Canvas
    rows: Sequence[_Row]
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

        return [[shortened(piece) for piece in row.pieces[self.brief]] for row in self.rows]

    @cached_property
    def columns(self) -> list[float]:
        """Widths; the results have the last column, however many steps lead to them."""
        steps = itertools.zip_longest(*(row[:-1] for row in self.pieces))
        results = max(self._width(row[-1], bold=True) for row in self.pieces)
        return [*(max(self._width(one) for one in column if one) for column in steps), results]

    def _sign_width(self, piece: Piece) -> float:
        # What has no sign stands above the numbers of what has one.
        return self.canvas.measure(piece.sign or "=", self.px) + 0.4 * self.px

    def _width(self, piece: Piece, bold: bool = False) -> float:
        text = self.canvas.measure(piece.text, self.px, bold)
        label = self.canvas.measure(piece.label, self.canvas.size.small)
        return self._sign_width(piece) + max(text, label)

    @property
    def free_gap(self) -> float:
        """The space between columns where they fill the width."""
        gaps = len(self.columns) - 1 + bool(self.picture) + bool(self.name)
        free = self.canvas.inner_width - self.picture - self.name - sum(self.columns)
        return free / max(1, gaps)

    def draw(self, index: int, rgb: NDArray, top: float) -> None:
        """A row: its picture, its name, and its pieces."""
        canvas, size, theme, row = (
            self.canvas,
            self.canvas.size,
            self.canvas.theme,
            self.rows[index],
        )
        gap = min(self.free_gap, 3.5 * self.px)
        x, middle = canvas.left, top + self.step / 2
        if self.picture:
            _draw_picture(canvas, row, rgb, x, top + (self.step - self.picture) / 2, self.picture)
            x += self.picture + gap
        above, below = middle - 0.75 * size.label, middle + 0.75 * size.small
        if self.name:
            colour, y = getattr(theme, row.role), above if row.passed else middle
            canvas.text(x, y, row.name, "lm", colour=colour, bold=True, width=self.name)
            if row.passed:
                canvas.note(x, below, row.handed_on, "lm", width=self.name)
            x += self.name + gap
        *steps, result = self.pieces[index]
        *starts, last = itertools.accumulate(
            (width + gap for width in self.columns[:-1]), initial=x
        )
        for piece, start in [*zip(steps, starts, strict=False), (result, last)]:
            # Its name above its number, the sign before both.
            right, px, colour = start + self._sign_width(piece), self.px, getattr(theme, piece.role)
            canvas.text(start, below, piece.sign, "lm", px=px, colour=theme.quiet)
            canvas.note(right, above, piece.label, "lm")
            bold = piece is result
            canvas.text(right, below, piece.text, "lm", px=px, colour=colour, bold=bold)


def _fullest(canvas: Canvas, rows: Sequence[_Row], step: float) -> _Sheet:
    """The fullest rows that fit the canvas's width, or else the narrowest."""
    size = canvas.size
    under = canvas.widest([row.handed_on for row in rows], size.small)
    names = canvas.widest([row.name for row in rows], size.label, True)
    named = max(names, min(under, 12 * size.label))
    choices = itertools.product((True, False), range(4), (size.label, size.small))
    for pictures, brief, px in choices:
        picture, name = 0.82 * step if pictures else 0.0, named if brief < 2 else 0.0
        sheet = _Sheet(canvas, rows, step, brief, px, picture, name)
        if sheet.free_gap >= 0.7 * px:
            break
    return sheet


def _draw_picture(
    canvas: Canvas, row: _Row, rgb: NDArray, left: float, top: float, side: float
) -> None:
    """The map, the vector in reading order, or the image, with the unit outlined."""
    theme, at = canvas.theme, row.at
    if row.values is not None and row.values.ndim == 1:
        columns = math.ceil(math.sqrt(row.values.size))
        rows, at = math.ceil(row.values.size / columns), divmod(at[0], columns)
    else:
        rows, columns = rgb.shape[:2] if row.values is None else row.values.shape
    cell = whole_cells(side, side, rows, columns)
    cells = Cells(canvas, left, top + (side - rows * cell) / 2, rows, columns, cell)
    if row.values is None:
        canvas.picture(rgb, *cells.place, edge=theme.input)
    elif row.values.ndim == 2:
        cells.shades(row.values, value_scale(row.values, theme), theme.hairline)
    else:
        scale = value_scale(row.values, theme)
        for line, first in enumerate(range(0, row.values.size, columns)):
            part = row.values[None, first : first + columns]
            cells.part(line, 0, 1, part.size).shades(part, scale, theme.hairline)
    # A tiny cell still gets an outline that is seen.
    outline = max(cell, 9 * canvas.unit)
    x, y = cells.middle(*at)
    _, _, width, height = cells.place
    x = cells.left + min(max(x - cells.left - outline / 2, 0.0), width - outline)
    y = cells.top + min(max(y - cells.top - outline / 2, 0.0), height - outline)
    edge = getattr(theme, row.role)
    canvas.box(x, y, outline, outline, edge=edge, stroke=canvas.size.thick * 0.6)
