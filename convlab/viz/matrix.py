"""Cells in rows and columns: where each stands, their lines, shades and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.viz import style
from convlab.viz.canvas import Canvas, Place
from convlab.viz.style import Scale


@dataclass(frozen=True)
class Cells:
    """``rows`` × ``columns`` equal cells from (left, top) on; ``width``, ``height`` of one.

    All lengths in pixels; a ``height`` of 0 makes cells square.
    """

    canvas: Canvas
    left: float
    top: float
    rows: int
    columns: int
    width: float
    height: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "height", self.height or self.width)

    @classmethod
    def within(
        cls,
        canvas: Canvas,
        shape: Sequence[int],
        left: float,
        top: float,
        width: float,
        height: float,
    ) -> Cells:
        """Cells in rows and columns, ``shape``, that fill a place."""
        rows, columns = shape
        return cls(canvas, left, top, rows, columns, width / columns, height / rows)

    @property
    def place(self) -> Place:
        """Left, top, width and height of all of them."""
        return self.left, self.top, self.columns * self.width, self.rows * self.height

    def corner(self, row: float, column: float) -> tuple[float, float]:
        """The upper left corner of a cell."""
        return self.left + column * self.width, self.top + row * self.height

    def middle(self, row: float, column: float) -> tuple[float, float]:
        """The middle of a cell."""
        return self.corner(row + 0.5, column + 0.5)

    def part(self, row: float, column: float, rows: int = 1, columns: int = 1) -> Cells:
        """Some of the cells, from one on."""
        left, top = self.corner(row, column)
        return replace(self, left=left, top=top, rows=rows, columns=columns)

    def span(self, rows: NDArray | Sequence[int], columns: NDArray | Sequence[int]) -> Cells:
        """The cells from the first to the last of ascending rows and columns."""
        height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        return self.part(rows[0], columns[0], height, width)

    def blocks(self, rows: NDArray, columns: NDArray) -> list[Cells]:
        """The cells of ascending rows and columns, as blocks without gaps."""
        return [self.span(down, across) for down in _runs(rows) for across in _runs(columns)]

    def box(
        self,
        edge: str | None = None,
        fill: str | None = None,
        *,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """One rectangle around all of them."""
        self.canvas.box(*self.place, edge=edge, fill=fill, stroke=stroke, dashed=dashed)

    def lines(self, colour: str, dashed: bool = False) -> None:
        """The lines of the cells, outline included."""
        left, top, width, height = self.place
        right, bottom = left + width, top + height
        ys = [top + row * self.height for row in range(self.rows + 1)]
        xs = [left + column * self.width for column in range(self.columns + 1)]
        segments = [((left, y), (right, y)) for y in ys] + [((x, top), (x, bottom)) for x in xs]
        self.canvas.strokes(segments, colour, dashed=dashed)

    def draw(
        self, edge: str, fill: str | None = None, dashed: bool = False, least: float = 0.0
    ) -> None:
        """The cells on their ground: filled, then lined; narrower than ``least`` an outline."""
        if fill:
            self.box(fill=fill)
        if self.width >= least:
            self.lines(edge, dashed)
        else:
            self.box(edge, dashed=dashed)

    def polygons(
        self, chosen: NDArray, edge: str, fill: str | Sequence[str], *, dashed: bool = False
    ) -> None:
        """Some of the cells, (rows, columns) bool, each filled and with an edge of its own."""
        corners = [self.part(row, column).outline() for row, column in np.argwhere(chosen)]
        if corners:
            self.canvas.polygons(np.array(corners), edge=edge, fill=fill, dashed=dashed)

    def outline(self) -> NDArray:
        """The four corners (4, 2) of all of them."""
        ends = (0, 0), (0, self.columns), (self.rows, self.columns), (self.rows, 0)
        return np.array([self.corner(*end) for end in ends])

    def shades(self, values: NDArray, scale: Scale, edge: str | None = None) -> None:
        """Numbers (rows, columns) as shades; see :meth:`Canvas.array`."""
        self.canvas.array(values, scale, *self.place, edge=edge)

    def numbered(
        self,
        values: NDArray,
        scale: Scale,
        texts: Sequence[str],
        px: float | None,
        edge: str | None = None,
    ) -> None:
        """Numbers (rows, columns) as shades, with their texts where those have a height."""
        self.shades(values, scale, edge)
        if px is not None:
            self.write(texts, px, inks_on(scale.rgb(values)))

    def size_of(self, texts: Sequence[str], share: float = 1.0) -> float | None:
        """Text height at which every text fits ``share`` of its cell; see :func:`number_size`."""
        return number_size(self.canvas, texts, share * self.width, self.height)

    def write(
        self,
        texts: Sequence[str],
        px: float,
        inks: str | Sequence[str] | None = None,
        *,
        anchor: str = "mm",
        bold: bool = False,
    ) -> None:
        """Texts in row order, one in the middle of each cell; ``inks``: a colour, or one each."""
        for index, text in enumerate(texts):
            x, y = self.middle(*divmod(index, self.columns))
            ink = inks[index] if inks is not None and not isinstance(inks, str) else inks
            self.canvas.text(x, y, text, anchor, px=px, colour=ink, bold=bold)

    def heads(
        self, texts: Sequence[str], y: float, anchor: str = "mt", *, every: int = 1, **look: Any
    ) -> None:
        """Texts at the height ``y``, each in the middle of its column; see :meth:`Canvas.text`.

        Only one in ``every`` columns has its text.
        """
        for column, text in self._told_apart(texts[: self.columns], every, look):
            self.canvas.text(self.middle(0, column)[0], y, text, anchor, **look)

    def sides(
        self, texts: Sequence[str], x: float, anchor: str = "rm", *, every: int = 1, **look: Any
    ) -> None:
        """Texts at ``x``, each in the middle of its row; otherwise as :meth:`heads`."""
        for row, text in self._told_apart(texts[: self.rows], every, look):
            self.canvas.text(x, self.middle(row, 0)[1], text, anchor, **look)

    def _told_apart(
        self, texts: Sequence[str], every: int, look: dict[str, Any]
    ) -> Iterable[tuple[int, str]]:
        """One in ``every`` text with its place, shortened to the ``width`` if there is one."""
        places, texts = range(0, len(texts), every), texts[::every]
        if "width" in look:
            px = look.get("px") or self.canvas.size.label
            texts = self.canvas.names(texts, look["width"], px, look.get("bold", False))
        return zip(places, texts, strict=True)


def one_in(needed: float, step: float) -> int:
    """One in how many texts that need so many pixels can stand where they come at each step."""
    return max(1, math.ceil(needed / step))


def _runs(ascending: NDArray) -> list[NDArray]:
    """Neighbouring numbers together."""
    return np.split(ascending, np.flatnonzero(np.diff(ascending) != 1) + 1)


def inks_on(fills: NDArray) -> list[str]:
    """For fills (rows, columns, 3) in bytes the ink that reads on each, in row order."""
    return [style.ink_on(fill) for fill in (fills.reshape(-1, 3) / 255).tolist()]


def longest(texts: Iterable[str]) -> list[str]:
    """The few among which the widest number is: of those of one length the ones with signs.

    The same ones in each run: a set's own order is another one in each.
    """
    return sorted(set(texts), key=lambda text: (len(text), text))[-12:]


def number_size(canvas: Canvas, texts: Sequence[str], width: float, height: float) -> float | None:
    """Text height at which every text fits a cell, None where none is legible.

    Numbers stand in cells of at least 22 slide pixels.
    """
    if min(width, height) < 22 * canvas.unit or len(texts) > 1500:
        return None
    label, small = canvas.size.label, canvas.size.small
    few = longest(texts)
    for px in (label, (label + small) / 2, small):
        if canvas.widest(few, px) <= 0.92 * width and px * 1.2 <= height:
            return px
    return None
