"""Pictures of one shape in rows, with captions, as large as possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.tiles import fullest, whole_cells

Piece = tuple[str, str, bool]  # text, colour, whether it is bold
Box = tuple[int, int, int, int]  # pixels of an image: top, left, bottom, right, half-open


def box_shape(boxes: Sequence[Box]) -> tuple[int, int]:
    """Rows and columns of boxes (top, left, bottom, right).  Raises ShapeError for several."""
    shapes = {(bottom - top, right - left) for top, left, bottom, right in boxes}
    if len(shapes) != 1 or min(next(iter(shapes))) < 1:
        raise ShapeError(f"expected boxes of one size, with pixels in them, got {sorted(shapes)}")
    return next(iter(shapes))


def draw_patch(canvas: Canvas, image: ArrayLike, box: Box, x: float, y: float, cell: float) -> None:
    """What a box cuts out of an image (C, H, W), with the padding's colour outside the image."""
    rgb, theme = image_rgb(np.asarray(image)), canvas.theme
    top, left, bottom, right = box
    inside = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    rows, columns = inside.shape[:2]
    if (rows, columns) != (bottom - top, right - left):
        place = x, y, (right - left) * cell, (bottom - top) * cell
        canvas.box(*place, edge=theme.quiet, fill=theme.hairline_fill, dashed=True)
    if inside.size:
        x, y = x + max(-left, 0) * cell, y + max(-top, 0) * cell
        canvas.picture(inside, x, y, columns * cell, rows * cell, edge=theme.input)


@dataclass(frozen=True)
class Album:
    """What ``box`` cuts out of images, each with a caption below and possibly a name above.

    captions: for each picture the ways to write its caption, those with the fewest lines first; a
    line is a sequence of pieces.  largest: pixels of a picture's side.  gap, pad: between pictures
    and above a caption, in heights of small text.  spread: how far apart pictures may be, as shares
    of their width, from left edge to left edge, and of their height, between them.
    """

    canvas: Canvas
    images: Sequence[ArrayLike] | NDArray
    box: Box
    captions: Sequence[Sequence[Sequence[Sequence[Piece]]]]
    names: Sequence[str] = ()
    largest: float = math.inf
    gap: float = 1.8
    pad: float = 0.4
    spread: tuple[float, float] = (1.75, 0.5)

    def how_many(self, height: float) -> int:
        """How many pictures keep a readable side in this height."""
        for count in range(len(self.captions), 1, -1):
            if self._arranged(count, height)[0] * max(self.shape) >= 2.8 * self.canvas.size.small:
                return count
        return 1

    def draw(self, count: int) -> None:
        """The first ``count``."""
        canvas, small, gap = self.canvas, self.canvas.size.small, self._gap
        cell, way, columns = self._arranged(count, canvas.inner_height)
        rows, around = math.ceil(count / columns), self._around(way)
        tall, wide = (cell * length for length in self.shape)
        used = max(wide, self._widths(count, way)[1])
        room = min(self._slot(columns), max(used, self.spread[0] * wide))
        free = (canvas.inner_height - rows * (tall + around)) / max(1, rows - 1)
        step = tall + around + min(free, self.spread[1] * tall)
        for index in range(count):
            row, column = divmod(index, columns)
            left, top = canvas.left + column * (room + gap), canvas.top + row * step
            if self.names:
                write = partial(canvas.text, px=small, colour=canvas.theme.output, bold=True)
                write(left, top, self.names[index], width=room)
                top += small * LINE
            draw_patch(canvas, self.images[index], self.box, left, top, cell)
            top += tall + self.pad * small
            for line in self.captions[index][way]:
                if len(line) == 1:
                    ((text, colour, bold),) = line
                    line = [(canvas.fit(text, room, small, bold=bold)[0], colour, bold)]
                canvas.run(left, top, line, small)
                top += small * LINE

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        return box_shape([self.box])

    @property
    def _gap(self) -> float:
        return self.gap * self.canvas.size.small

    def _slot(self, columns: int) -> float:
        """Pixels for one of ``columns``."""
        return (self.canvas.inner_width - self._gap * (columns - 1)) / columns

    def _around(self, way: int) -> float:
        """Height of the name above a picture and the caption below it."""
        lines = len(self.captions[0][way]) + bool(self.names)
        return (lines * LINE + self.pad) * self.canvas.size.small

    def _widths(self, count: int, way: int) -> tuple[float, float]:
        """The width that pictures must have for their texts, and that they should have.

        A long name is shortened if necessary, but keeps a dozen letters; if no names are above,
        they are in the captions.
        """
        canvas, small = self.canvas, self.canvas.size.small
        lines = [line for ways in self.captions[:count] for line in ways[way]]
        wish = max(canvas.run_width(line, small) for line in lines)
        names = min(canvas.widest(self.names[:count], small, bold=True), 7 * small)
        last = not self.names and way == len(self.captions[0]) - 1
        return max(min(wish, 7 * small) if last else wish, names), max(wish, names)

    def _arranged(self, count: int, height: float) -> tuple[float, int, int]:
        """Side of a cell, form of the captions and number of columns: the largest that fit."""
        ways = len(self.captions[0])
        found = []
        for way in range(ways):
            need, around = self._widths(count, way)[0], self._around(way)
            for columns in range(1, count + 1):
                rows, slot = math.ceil(count / columns), self._slot(columns)
                if slot < need and (columns > 1 or way < ways - 1):
                    continue
                tall = max((height - self._gap * (rows - 1)) / rows - around, 1.0)
                room = min(slot, self.largest), min(tall, self.largest)
                # Among equal pictures the caption with fewer lines wins.
                found.append((whole_cells(*room, *self.shape), rows * columns, -way, columns))
        cell, _, way, columns = fullest(found)
        return cell, -way, columns
