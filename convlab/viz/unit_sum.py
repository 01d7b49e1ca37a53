"""The sum behind one value of a network: the image, the terms, and how they add up."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.equations import (
    Piece,
    SumStep,
    SumTerm,
    columns_of,
    equation,
    places_of_all,
    windows_of,
    written,
)
from convlab.numerals import MINUS
from convlab.viz import style
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas, Place, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.fields import Box, BoxedImage
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.sum_windows import Windows, large_numbers
from convlab.viz.tiles import whole_cells
from convlab.words import t


@dataclass(frozen=True, eq=False)
class Terms:
    """Rows of label, numbers and total, with a signed bar for the total, or one from 0 to 1.

    heads: (name, role) of each column.  area: left, top, right, bottom.  ``decimals`` for all
    numbers, whose totals are then shares of 1.
    """

    canvas: Canvas
    terms: Sequence[SumTerm]
    heads: Sequence[tuple[str, str]]
    area: Place
    decimals: int | None

    shaded = False

    @property
    def shown(self) -> int:
        """How many terms there is room for."""
        _, top, _, bottom = self.area
        rows = math.floor((bottom - top) / (self.canvas.size.label * 1.45)) - 1
        return min(max(1, rows), len(self.terms))

    @property
    def line(self) -> float:
        """From row to row."""
        _, top, _, bottom = self.area
        least = self.canvas.size.label * 1.45
        line = max(least, (bottom - top) / (self.shown + 1))
        return min(line, 1.6 * least)

    def draw(self) -> None:
        """The heads, a row for each term, and the bars of what they add."""
        if not self.terms:
            return
        canvas, size, theme = self.canvas, self.canvas.size, self.canvas.theme
        left, top, right, _ = self.area
        labels = [term.label for term in self.terms]
        columns = columns_of(self.terms, self.heads, self.decimals)
        for px in (size.label, size.small):
            gap = 1.2 * px
            widths = [
                max(canvas.widest(texts, px, True), canvas.measure(name, size.small, True)) + gap
                for name, _, texts in columns
            ]
            label, spare = canvas.widest(labels, px, True), right - left - sum(widths)
            label = min(label, 0.3 * (right - left))
            if spare >= label:
                break
        label = min(label, spare)
        # One height for all labels, at which the widest fits.
        label_px = min(canvas.fit(text, label, px, bold=True)[1] for text in labels)
        ys = [top + (row + 1.5) * self.line for row in range(len(labels))]
        for term, y in zip(self.terms, ys, strict=True):
            colour, bold = theme.output if term.chosen else theme.quiet, term.chosen
            look = canvas.fit(term.label, label, label_px, bold=bold)
            canvas.text(left, y, look[0], "lm", px=look[1], colour=colour, bold=bold)
        edge = left + label
        for (name, role, texts), width in zip(columns, widths, strict=True):
            edge, colour = edge + width, getattr(theme, role)
            canvas.text(edge, top, name, "rt", px=size.small, colour=colour, bold=True)
            for term, text, y in zip(self.terms, texts, ys, strict=True):
                ink = theme.output if term.chosen else theme.ink
                canvas.text(edge, y, text, "rm", px=px, colour=ink, bold=term.chosen)
        if right - edge - gap > 4 * px:
            self._draw_bars(edge + gap, ys)

    def _draw_bars(self, start: float, ys: Sequence[float]) -> None:
        """The totals between ``start`` and the right end, and the line that they begin at."""
        canvas, theme, line = self.canvas, self.canvas.theme, self.line
        _, top, right, _ = self.area
        totals = [term.total for term in self.terms]
        low, high = min(*totals, 0.0), max(*totals, 0.0)
        if self.decimals is not None:
            low, high = 0.0, 1.0
        axis = Axis(low, high if high > low else low + 1.0, start, right)
        zero = axis.at(0.0)
        for term, y in zip(self.terms, ys, strict=True):
            end, fill = axis.at(term.total), theme.output if term.chosen else theme.output_fill
            place = min(zero, end), y - 0.32 * line, abs(end - zero), 0.64 * line
            canvas.box(*place, fill=fill, edge=theme.output)
        ends = [top + line, ys[-1] + line / 2]
        canvas.line([zero, zero], ends, theme.quiet)
        if self.decimals is not None:
            canvas.line([right, right], ends, theme.hairline)
            canvas.note(zero, top, "0", "lt")
            canvas.note(right, top, "1", "rt")


def unit_sum(
    terms: Sequence[SumTerm],
    *,
    heads: Sequence[tuple[str, str]],
    noun: str,
    adds: bool,
    steps: Sequence[SumStep],
    result: Sequence[tuple[str, float]],
    image: ArrayLike,
    box: Box | None,
    outside: ArrayLike | None = None,
    outside_text: str = "0",
    winner: tuple[int, int] | None = None,
    decimals: int | None = None,
    **page: Unpack[Page],
) -> Figure:
    """One unit's value as a sum: image and receptive field, strongest terms, equation.

    terms: strongest first; the figure shows as many as are legible, says how many it leaves out and
    adds these up.  heads: (name, role) of each column of numbers, the last being what is summed.
    noun: what a term is, in the singular ("map").  adds: whether the equation begins with the
    terms; then follow ``steps``.  result: (name, value) of the layer and of the activation after
    it.  image: (1, H, W) or (3, H, W); box: (top, left, bottom, right) in its pixels, half-open,
    padding outside it, None to draw none.  outside: (KH, KW) booleans, the window's padding, and
    outside_text the text there; winner: its largest cell.  decimals: for all numbers, if the summed
    numbers are shares of 1, whose bars then go from 0 to 1; None gives each column, and the
    equation, the digits that suit it.

    Raises ShapeError for arrays that do not fit.
    """
    canvas = Sheet(0.75, **page)
    windows = windows_of(terms, len(heads), outside)
    canvas.head("output")
    width = (0.24 if len(heads) > 1 else 0.34) * canvas.inner_width
    left = canvas.left + width + 2.2 * canvas.size.label
    # The equation's height depends on how many terms are in it, and their number on its height.
    shown = len(terms)
    drawn: Terms | Windows | None = None
    while drawn is None or drawn.shown < shown:
        shown = len(terms) if drawn is None else drawn.shown
        parts = equation(terms if adds else (), shown, noun, steps, result)
        lines = _Equation.of(canvas, parts, decimals)
        area = (left, canvas.top, canvas.right, lines.top - 1.2 * canvas.size.label)
        if windows is None:
            drawn = Terms(canvas, terms[:shown], heads, area, decimals)
        else:
            values, hidden = windows[0][:shown], windows[1]
            drawn = Windows(canvas, terms, values, heads, area, hidden, outside_text, winner)
    _draw_image(canvas, image_rgb(np.asarray(image)), box, width, area[3], drawn.shaded)
    drawn.draw()
    lines.draw()
    return canvas.figure


@dataclass(frozen=True)
class _Equation:
    """Rows of pieces, each with its width, at the foot of the canvas; ``px`` of the numbers."""

    canvas: Canvas
    rows: list[list[tuple[Piece, float]]]
    px: float

    @classmethod
    def of(cls, canvas: Canvas, steps: Sequence[SumStep], decimals: int | None) -> _Equation:
        """The steps on few rows, as large and with as many decimals as fit."""
        most = places_of_all(steps) if decimals is None else decimals
        sizes = (large_numbers(canvas), min(most, 5)), (canvas.size.label, 3)
        for most_rows, (px, least) in itertools.product((1, 2, 3), sizes):
            for places in range(most, least - 1, -1):
                found = cls(canvas, _rows(canvas, written(steps, places), px), px)
                if len(found.rows) <= most_rows:
                    return found
        return found

    @property
    def height(self) -> float:
        """Height of a row."""
        small = self.canvas.size.small
        return (small + self.px) * LINE + 0.4 * small

    @property
    def top(self) -> float:
        return self.canvas.bottom - len(self.rows) * self.height

    def draw(self) -> None:
        canvas, px, quiet = self.canvas, self.px, self.canvas.theme.quiet
        for number, row in enumerate(self.rows):
            x, top = canvas.left, self.top + number * self.height
            y = top + canvas.size.small * LINE
            for piece, width in row:
                bold, colour = piece.role == "output", getattr(canvas.theme, piece.role)
                head = _head(canvas, piece, px)
                if piece.sign:
                    canvas.text(x, y, piece.sign, px=px, colour=quiet)
                canvas.note(x + head, top, piece.label, width=canvas.right - x - head)
                canvas.text(x + head, y, piece.text, px=px, colour=colour, bold=bold)
                x += width + 0.8 * px


def _head(canvas: Canvas, piece: Piece, px: float) -> float:
    """Width of a piece's sign and the space after it."""
    return canvas.measure(piece.sign, px) + 0.35 * px if piece.sign else 0.0


def _rows(canvas: Canvas, pieces: Sequence[Piece], px: float) -> list[list[tuple[Piece, float]]]:
    rows: list[list[tuple[Piece, float]]] = [[]]
    used = 0.0
    for piece in pieces:
        text = canvas.measure(piece.text, px, piece.role == "output")
        label = canvas.measure(piece.label, canvas.size.small)
        width = _head(canvas, piece, px) + max(text, label)
        if rows[-1] and used + width > canvas.inner_width:
            rows.append([])
            used = 0.0
        rows[-1].append((piece, width))
        used += width + 0.8 * px
    return rows


def _draw_image(
    canvas: Canvas, rgb: NDArray, box: Box | None, width: float, bottom: float, shades: bool
) -> None:
    """The image with its box; below it the meaning of the windows' shades, if there are any."""
    theme, size, shape = canvas.theme, canvas.size, rgb.shape[:2]
    boxed = BoxedImage(canvas, shape, [box or (0, 0, *shape)])
    notes = [t("{size} pixels", style.size_text(*shape))]
    if box is not None:
        sees = style.size_text(box[2] - box[0], box[3] - box[1])
        notes.append(t("sees all") if box == (0, 0, *shape) else t("sees {sees}", sees))
        notes += [t("dashed: padding")] if boxed.padded else []
    y = canvas.heading(canvas.left, t("image"), notes, colour=theme.input, width=width)
    y += 0.5 * size.small
    room = max(bottom - (1.9 * size.small if shades else 0.0) - y, 1.0)
    boxed = boxed.at(canvas.left, y, whole_cells(width, room, *boxed.shape))
    if box is not None and boxed.padded:
        boxed.cells(box).box(theme.hairline, theme.hairline_fill, dashed=True)
    canvas.picture(rgb, *boxed.cells().place, edge=theme.input)
    if box is not None:
        boxed.outline(box, size.thick * 0.8)
    if shades:
        y, side = bottom - size.small, canvas.measure("+", size.small) + 0.4 * size.small
        bar = ColourBar(canvas, style.signed_scale(np.ones(1), theme))
        bar.strip(canvas.left + side, y, width - 2 * side, size.small)
        canvas.note(canvas.left, y + size.small / 2, MINUS, "lm")
        canvas.note(canvas.left + width, y + size.small / 2, "+", "rm")
