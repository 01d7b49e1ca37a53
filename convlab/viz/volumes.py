"""Layers as volumes: stacked planes, columns of dots, and the rays, arrows and arcs between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.folding import ShownLayer
from convlab.viz.canvas import Canvas
from convlab.viz.matrix import Cells

Point = tuple[float, float]

OFFSET = 0.16  # from one plane of a stack to the next, in square roots of a pixel
UNIT = 0.34  # from one unit of a column to the next, likewise


def planes(channels: int, most: int = 6) -> int:
    """Planes or dots for a number of maps or units: all up to ``most``, then 2 per doubling."""
    return channels if channels <= most else round(most + 2 * math.log2(channels / most))


@dataclass(frozen=True)
class Volume:
    """A layer's drawing around (x, y); ``scale``: pixels for the square root of a map's pixel."""

    canvas: Canvas
    layer: ShownLayer
    scale: float
    x: float = 0.0
    y: float = 0.0

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height."""
        if not self.layer.shape:
            return 40 * self.canvas.unit, 0.0
        if self.layer.is_column:
            return 2 * self.pitch, planes(self.layer.shape[0], 10) * self.pitch
        back = (planes(self.layer.shape[0]) - 1) * self._offset
        rows, columns = self._sides
        return columns + back, rows + back

    @property
    def pitch(self) -> float:
        """From one unit of a column to the next."""
        return UNIT * self.scale

    @property
    def _sides(self) -> list[float]:
        return [math.sqrt(length) * self.scale for length in self.layer.shape[1:]]

    @property
    def _offset(self) -> float:
        """From one plane to the next; their outlines stay apart."""
        return max(OFFSET * self.scale, 2.2 * self.canvas.size.hair)

    def plane(self, back: int = 0) -> Cells:
        """The pixels of a plane; 0 is the one in front."""
        (width, height), (rows, columns) = self.extent, self.layer.shape[1:]
        deep, wide = self._sides
        left = self.x + width / 2 - back * self._offset - wide
        top = self.y + height / 2 - back * self._offset - deep
        return Cells(self.canvas, left, top, rows, columns, wide / columns, deep / rows)

    def dots(self) -> NDArray:
        """Heights of the dots of a column, with a gap of two in the middle of a broken one."""
        count = planes(self.layer.shape[0], 10)
        ys = self.y + (np.arange(count) - (count - 1) / 2) * self.pitch
        if count < self.layer.shape[0]:
            ys = ys[np.abs(ys - self.y) > 1.01 * self.pitch]
        return ys

    def ends(self, side: int) -> tuple[Point, Point]:
        """Upper and lower end towards a neighbour: ``side`` 1 right, -1 left."""
        if self.layer.is_column:
            ys, reach = self.dots(), 0.36 * self.pitch
            x, top, bottom = self.x + side * 1.6 * reach, ys[0] - reach, ys[-1] + reach
        else:
            back = 0 if side > 0 else planes(self.layer.shape[0]) - 1
            x, top, width, height = self.plane(back).place
            x, bottom = x + (width if side > 0 else 0), top + height
        return (x, top), (x, bottom)

    def draw(self, role: str, is_last: bool = False) -> None:
        """The planes or dots in the colours of a role; the dots of the last layer are solid."""
        canvas, theme, shape = self.canvas, self.canvas.theme, self.layer.shape
        edge, fill = getattr(theme, role), getattr(theme, f"{role}_fill")
        if not shape:
            self._ellipsis(14 * canvas.unit, theme.quiet, 5 * canvas.unit, across=True)
        elif self.layer.is_column:
            ys, radius = self.dots(), 0.36 * self.pitch
            middles = np.stack([np.full(len(ys), self.x), ys], axis=1)
            angles = np.linspace(0, 2 * np.pi, 17)[:-1]
            circles = middles[:, None] + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
            canvas.polygons(circles, edge=edge, fill=edge if is_last else fill)
            if len(ys) < shape[0]:
                self._ellipsis(self.pitch / 2, edge, 0.25 * self.pitch, across=False)
        else:
            edges = [edge] * planes(shape[0])
            if role == "input" and len(edges) == 3:
                edges = [theme.red, theme.green, theme.blue]  # the first channel lies in front
            for back in reversed(range(len(edges))):
                self.plane(back).box(edges[back], fill)

    def _ellipsis(self, step: float, colour: str, diameter: float, *, across: bool) -> None:
        for at in (-step, 0.0, step):
            x, y = (self.x + at, self.y) if across else (self.x, self.y + at)
            self.canvas.dot(x, y, colour, diameter)


def draw_window(before: Volume, after: Volume) -> None:
    """What a unit of a layer reads in the one before it, if that is a window."""
    cells, canvas = _window(before, after), before.canvas
    if cells is not None:
        stroke = 0.4 * canvas.size.thick
        cells.box(canvas.theme.window, canvas.theme.window_fill, stroke=stroke)


def _window(before: Volume, after: Volume) -> Cells | None:
    if after.layer.window is None or before.layer.is_column:
        return None
    top, left, bottom, right = after.layer.window
    rows, columns = before.layer.shape[1:]
    # What extends past the border is padding, which the planes do not have.
    top, left = max(0, top), max(0, left)
    return before.plane().part(top, left, min(rows, bottom) - top, min(columns, right) - left)


def draw_rays(before: Volume, after: Volume) -> None:
    """Rays from what a unit reads to the unit, or between all units; to several layers an arrow."""
    canvas, hair = before.canvas, before.canvas.size.hair
    colour, window = canvas.theme.window, _window(before, after)
    (a, b), (c, d) = before.ends(1), after.ends(-1)
    if after.layer.count > 1:
        # Several layers have no single window.
        gap = 4 * canvas.unit
        left, right = a[0] + gap, c[0] - gap
        canvas.line([left, right], [before.y] * 2, colour)
        tip(canvas, (right, before.y), (1.0, 0.0))
    elif window is None:
        canvas.strokes([(a, c), (b, d), (a, d), (b, c)], colour, stroke=0.8 * hair)
    else:
        starts = [window.corner(0, window.columns), window.corner(window.rows, window.columns)]
        unit = None
        if after.layer.is_column:
            ends = [(after.x - 0.36 * after.pitch, after.dots()[0])] * 2
        else:
            assert after.layer.unit is not None, "a window is that of a unit"
            unit = after.plane().part(*after.layer.unit)
            ends = [unit.corner(0, 0), unit.corner(1, 0)]
        canvas.strokes(list(zip(starts, ends, strict=True)), colour)
        if unit is not None:
            unit.box(colour, canvas.theme.output)


def tip(canvas: Canvas, end: Point, way: Point) -> None:
    """The head of an arrow that goes right (1, 0) or down (0, 1)."""
    long, half = 8 * canvas.unit, 4 * canvas.unit
    point, ahead = np.array(end), np.array(way)
    back, side = point - long * ahead, half * ahead[::-1]
    canvas.polygons(np.array([[point, back + side, back - side]]), fill=canvas.theme.window)
