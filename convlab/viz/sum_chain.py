"""A chain of sums: from one value of a network along the strongest terms down to a pixel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import ALMOST, MINUS, equals, fixed, says, worked_out
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.responses import value_scale
from convlab.viz.tiles import whole_cells
from convlab.viz.unit_sum import SumStep

_MOST_PLACES = 9


@dataclass(frozen=True, eq=False)
class ChainLink:
    """One sum of the chain.

    ``name``: layer and unit.  ``steps``: what is added up, the first the strongest
    term, as value and weight; ``value``: the sum.  ``values``: the map (H, W) or
    vector (N,) that the unit stands in, ``at`` its place there.  ``passed``: the
    layers that hand the value on unsummed, in the order of computation.
    """

    name: str
    steps: Sequence[SumStep]
    value: float
    values: ArrayLike
    at: tuple[int, ...]
    passed: Sequence[str] = ()


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
    rows = [_Row(_cells(link), link.at, link.name, link.passed, link) for link in links]
    places = _places(links, pixel_value)
    if pixel is not None:
        rows.append(_Row(None, pixel, pixel_name, passed, None))

    small = canvas.size.small
    least = (small + canvas.size.label) * LINE + 0.5 * small
    room = canvas.inner_height
    left_out = 0 if len(rows) * least <= room else len(rows) + 1 - max(3, math.floor(room / least))
    head = math.ceil((len(rows) - left_out) / 2)
    drawn = rows[:head] + rows[head + left_out :]
    step = min(room / (len(drawn) + bool(left_out)), 2.4 * least)
    layout = _layout(canvas, drawn, places, pixel_value, step)
    top = canvas.top
    for index, row in enumerate(drawn):
        if left_out and index == head:
            said = f"{style.ELLIPSIS} {left_out} sums between are left out"
            canvas.note(canvas.left, top + step / 2, said, "lm")
            top += step
        _draw_row(canvas, row, layout, index, rgb, top, step)
        top += step
    return canvas.figure


@dataclass(frozen=True)
class _Piece:
    """A number of a sum with its sign, name and role."""

    sign: str
    label: str
    number: str
    role: str


@dataclass(frozen=True, eq=False)
class _Row:
    """What a row shows: a map (H, W), a vector (N,), or with None the image."""

    values: NDArray | None
    at: tuple[int, ...]
    name: str
    passed: Sequence[str]
    link: ChainLink | None

    @property
    def handed_on(self) -> str:
        """The layers that hand the value on, in words."""
        return f"{style.ARROW} {', '.join(self.passed)}" if self.passed else ""

    def pieces(self, canvas: Canvas, places: int, pixel: float, brief: int) -> list[_Piece]:
        """The steps and, last, the result.

        ``brief``: 1 makes all but the strongest term one, 2 also names the unit at the
        result, 3 also gives the strongest term as one number, its product.
        """
        label = self.name if brief > 1 else ""
        if self.link is None:
            label = label or "network input"
            sign = "" if says(fixed(pixel, places), pixel) else ALMOST
            return [_piece(canvas, SumStep(sign, label, pixel, "input"), places, brief)]
        steps = list(self.link.steps)
        if brief and len(steps) > 3 and all(step.sign == "+" for step in steps[2:]):
            steps[2:] = [SumStep("+", "others", sum(step.number for step in steps[2:]))]
        if brief > 2 and len(steps) > 1 and steps[1].sign == style.TIMES:
            product = steps[0].number * steps[1].number
            steps[:2] = [SumStep("", steps[0].label, product)]
        pieces = [_piece(canvas, step, places, brief) for step in steps]
        made = [(piece.sign, piece.number) for piece in pieces]
        value = self.link.value
        sign = equals(made, fixed(value, places), value)
        return [*pieces, _piece(canvas, SumStep(sign, label, value, "output"), places, brief)]


def _piece(canvas: Canvas, step: SumStep, places: int, brief: int) -> _Piece:
    sign, number, small = step.sign, step.number, canvas.size.small
    if sign == "+" and number < 0:
        sign, number = MINUS, -number
    whole = sign == "÷" and number == round(number)
    label, _ = canvas.fit(step.label, (8 if brief > 1 else 12) * small, small)
    return _Piece(sign, label, fixed(number, 0 if whole else places), step.role)


def _places(links: Sequence[ChainLink], pixel: float) -> int:
    """Decimals of all numbers: three, and more where the smallest needs them, up to six.

    More, too, until what the shown numbers make agrees with each sum to a thousandth of it.
    """
    numbers = [step.number for link in links for step in link.steps]
    numbers += [pixel, *(link.value for link in links)]
    found = [abs(number) for number in numbers if number and math.isfinite(number)]
    least = min(6, max(3, 1 - math.floor(math.log10(min(found, default=1.0)))))
    agreeing = (p for p in range(least, _MOST_PLACES) if all(_agrees(link, p) for link in links))
    return next(agreeing, _MOST_PLACES)


def _agrees(link: ChainLink, places: int) -> bool:
    made = worked_out([(step.sign, fixed(step.number, places)) for step in link.steps])
    if made is None or not math.isfinite(link.value):
        return True
    return abs(float(made) - link.value) <= max(1e-3 * abs(link.value), 10.0**-_MOST_PLACES)


def _cells(link: ChainLink) -> NDArray:
    values = np.asarray(link.values, dtype=float)
    if values.ndim not in (1, 2) or len(link.at) != values.ndim or 0 in values.shape:
        raise ShapeError(
            f"expected a map (H, W) or vector (N,) with a place in it for {link.name},"
            f" got {values.shape} and {link.at}"
        )
    return values


@dataclass(frozen=True)
class _Layout:
    """The rows' pieces, and widths: of pictures, names (0 for none), columns, and gaps."""

    pieces: list[list[_Piece]]
    px: float
    picture: float
    name: float
    columns: list[float]
    gap: float


def _layout(
    canvas: Canvas, rows: Sequence[_Row], places: int, pixel: float, step: float
) -> _Layout:
    """The fullest rows that fit the canvas's width, or else the narrowest.

    The results have the last column, however many steps lead to them.
    """
    size, room = canvas.size, canvas.inner_width
    under = [row.handed_on for row in rows]
    named = max(
        canvas.widest([row.name for row in rows], size.label, True),
        min(canvas.widest(under, size.small), 12 * size.label),
    )
    choices = itertools.product((True, False), range(4), (size.label, size.small))
    for pictures, brief, px in choices:
        pieces = [row.pieces(canvas, places, pixel, brief) for row in rows]
        picture = 0.82 * step if pictures else 0.0
        name = named if brief < 2 else 0.0
        columns = [
            max(_piece_width(canvas, row[at], px) for row in pieces if at < len(row) - 1)
            for at in range(max(map(len, pieces)) - 1)
        ]
        columns.append(max(_piece_width(canvas, row[-1], px, True) for row in pieces))
        gaps = len(columns) - 1 + bool(picture) + bool(name)
        gap = (room - picture - name - sum(columns)) / max(1, gaps)
        layout = _Layout(pieces, px, picture, name, columns, min(gap, 3.5 * px))
        if gap >= 0.7 * px:
            break
    return layout


def _piece_width(canvas: Canvas, piece: _Piece, px: float, bold: bool = False) -> float:
    return _sign_width(canvas, piece, px) + max(
        canvas.measure(piece.number, px, bold), canvas.measure(piece.label, canvas.size.small)
    )


def _sign_width(canvas: Canvas, piece: _Piece, px: float) -> float:
    # What has no sign stands above the numbers of what has one.
    return canvas.measure(piece.sign or "=", px) + 0.4 * px


def _draw_row(
    canvas: Canvas, row: _Row, layout: _Layout, index: int, rgb: NDArray, top: float, step: float
) -> None:
    size, theme = canvas.size, canvas.theme
    x, middle = canvas.left, top + step / 2
    if layout.picture:
        _draw_picture(canvas, row, rgb, x, top + (step - layout.picture) / 2, layout.picture)
        x += layout.picture + layout.gap
    above, below = middle - 0.75 * size.label, middle + 0.75 * size.small
    if layout.name:
        colour = theme.input if row.link is None else theme.output
        y = above if row.passed else middle
        canvas.text(x, y, row.name, "lm", colour=colour, bold=True, width=layout.name)
        if row.passed:
            canvas.note(x, below, row.handed_on, "lm", width=layout.name)
        x += layout.name + layout.gap
    *steps, result = layout.pieces[index]
    starts = x + np.cumsum([0.0, *(width + layout.gap for width in layout.columns[:-1])])
    for piece, start in zip(steps, starts, strict=False):
        _draw_piece(canvas, piece, float(start), above, below, layout.px)
    _draw_piece(canvas, result, float(starts[-1]), above, below, layout.px, bold=True)


def _draw_piece(
    canvas: Canvas,
    piece: _Piece,
    x: float,
    above: float,
    below: float,
    px: float,
    bold: bool = False,
) -> None:
    """Its name above its number, the sign before both."""
    theme, right = canvas.theme, x + _sign_width(canvas, piece, px)
    canvas.text(x, below, piece.sign, "lm", px=px, colour=theme.quiet)
    canvas.note(right, above, piece.label, "lm")
    colour = getattr(theme, piece.role)
    canvas.text(right, below, piece.number, "lm", px=px, colour=colour, bold=bold)


def _draw_picture(
    canvas: Canvas, row: _Row, rgb: NDArray, left: float, top: float, side: float
) -> None:
    """The map, the vector in reading order, or the image, with the unit outlined."""
    theme = canvas.theme
    if row.values is None:
        rows, columns = rgb.shape[:2]
    elif row.values.ndim == 2:
        rows, columns = row.values.shape
    else:
        columns = math.ceil(math.sqrt(row.values.size))
        rows = math.ceil(row.values.size / columns)
    cell = whole_cells(side, side, rows, columns)
    top += (side - rows * cell) / 2
    if row.values is None:
        canvas.picture(rgb, left, top, columns * cell, rows * cell)
        canvas.box(left, top, columns * cell, rows * cell, edge=theme.input)
        at, edge = row.at, theme.input
    else:
        scale, edge = value_scale(row.values, theme), theme.output
        if row.values.ndim == 2:
            canvas.array(row.values, scale, left, top, columns * cell, rows * cell, theme.hairline)
            at = row.at
        else:
            at = divmod(row.at[0], columns)
            for first in range(0, row.values.size, columns):
                part = row.values[None, first : first + columns]
                y = top + first // columns * cell
                canvas.array(part, scale, left, y, part.size * cell, cell, theme.hairline)
    # A tiny cell still gets an outline that is seen.
    outline = max(cell, 9 * canvas.unit)
    x = left + min(max((at[1] + 0.5) * cell - outline / 2, 0.0), columns * cell - outline)
    y = top + min(max((at[0] + 0.5) * cell - outline / 2, 0.0), rows * cell - outline)
    canvas.box(x, y, outline, outline, edge=edge, stroke=canvas.size.thick * 0.6)
