"""A network as volumes to scale: faces by rows and columns, thickness by channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.folding import DrawnLayer
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.volume_words import Box, Foot, colours, label, tip

RIGHT, UP = 0.34, 0.24  # of a column further back, in rows


def volumes(layers: Sequence[DrawnLayer], **page: Unpack[Page]) -> Figure:
    """The layers of a network from left to right, the first is the input.

    Heights and depths are proportional to rows and columns, thickness to channels, bars of single
    units to their number; three scale bars say how.  A network whose maps grow again is drawn as a
    U: maps of one size are at one height.  Skips are lines that end at the layer that takes them
    up.  Raises ShapeError for fewer than two layers.
    """
    if len(layers) < 2:
        raise ShapeError(f"expected an input and at least one layer, got {len(layers)}")
    # Higher only where words would leave too little for what they name.
    scenes = [_Scene(Sheet(aspect, "ink", 0.5, **page), layers) for aspect in (0.62, 0.8, 1.0)]
    scene = max(scenes, key=lambda one: round(one.largest / one.canvas.width, 2))
    scene.draw()
    return scene.canvas.figure


class _Scene:
    def __init__(self, canvas: Canvas, layers: Sequence[DrawnLayer]) -> None:
        self.canvas, self.theme, small = canvas, canvas.theme, canvas.size.small
        kinds = ["input", *(layer.kind for layer in layers[1:])]
        self.boxes = [
            Box(layer, "dense" if layer.is_column and kind != "pool" else kind)
            for layer, kind in zip(layers, kinds, strict=True)
        ]
        named = {box.layer.name: box for box in self.boxes}
        self.skips = [
            (named[skip.source], box)
            for box in self.boxes
            for skip in box.layer.skips
            if skip.source in named
        ]
        maps = [box for box in self.boxes if not box.column]
        sizes = [box.size[0] for box in maps] or [1]
        self.is_u = max(sizes[sizes.index(min(sizes)) :]) >= 2 * min(sizes)
        shapes = {box.size for box in maps} or {(1, 1)}
        self.levels = _levels(shapes) if self.is_u else [shapes]
        self.bars = [box for box in self.boxes if box.column]
        self.units = max((box.layer.shape[0] for box in self.bars), default=1)
        self.foot = Foot(canvas, self.boxes, bool(self.skips))
        self.names = small * LINE * 2.2  # below the volumes
        self.lanes = small * 1.6 if self.skips and not self.is_u else 0.0
        self.pixel, self.channel = self._scales()
        self._place()

    @property
    def largest(self) -> float:
        """Height of the highest volume, up to a tenth of the width: more is not asked for."""
        return min(max(box.height for box in self.boxes), 0.1 * self.canvas.width)

    # Sizes ------------------------------------------------------------------------------------

    def _scales(self) -> tuple[float, float]:
        """Pixels of the canvas for a row of a map, and for a channel."""
        canvas, unit = self.canvas, self.canvas.unit
        room = canvas.inner_height - self.foot.height - self.names - self.lanes
        most = sum(_tall(level) for level in self.levels)
        room -= self.names * (len(self.levels) - 1)
        pixel = max(room, 1.0) / most
        channels = sum(box.layer.shape[0] for box in self.boxes if not box.column)
        # Two fifths of the width for channels, or of what fixed gaps leave.
        wanted = 0.42 * min(canvas.inner_width, 1.4 * (canvas.inner_width - self._gaps(0.0)))
        while (free := canvas.inner_width - self._gaps(pixel)) < wanted and pixel > 1e-3:
            pixel *= 0.95
        return pixel, min(max(free, 10 * unit) / max(1, channels), 12 * unit)

    def _gap(self, before: Box, after: Box, pixel: float) -> float:
        """Between two neighbours: none between maps of one size, else what depth and words need."""
        canvas, unit, small = self.canvas, self.canvas.unit, self.canvas.size.small
        if before.column:
            texts = canvas.widest((before.units, after.units), small)
            return max(20 * unit, texts + 0.7 * small - 12 * unit)
        if before.size == after.size and not after.column:
            return 1.5 * unit
        words = canvas.measure(after.units, small) / 2 + 0.7 * small if after.column else 0.0
        level = any({before.size, after.size} <= level for level in self.levels if self.is_u)
        return before.size[1] * pixel * RIGHT + max((5 if level else 16) * unit, words)

    def _gaps(self, pixel: float) -> float:
        pairs = zip(self.boxes, self.boxes[1:], strict=False)
        bars = len(self.bars) * 12 * self.canvas.unit
        # What is too thin to be seen is drawn 1.5 pixels thick.
        thin = 1.5 * self.canvas.unit * len(self.boxes)
        return sum(self._gap(a, b, pixel) for a, b in pairs) + bars + self._end(pixel) + thin

    def _end(self, pixel: float) -> float:
        """Behind the last one, for its depth or its number."""
        last = self.boxes[-1]
        if not last.column:
            return last.size[1] * pixel * RIGHT
        return self.canvas.measure(last.units, self.canvas.size.small) / 2

    def _place(self) -> None:
        canvas, unit = self.canvas, self.canvas.unit
        tall = max(size[0] for size in self.levels[0]) * self.pixel
        for box in self.boxes:
            if box.column:
                box.width = 12 * unit
                box.height = max(2 * unit, min(tall, 300 * unit) * box.layer.shape[0] / self.units)
            else:
                box.width = max(1.5 * unit, box.layer.shape[0] * self.channel)
                box.height = box.size[0] * self.pixel
                box.back = (box.size[1] * self.pixel * RIGHT, box.size[1] * self.pixel * UP)
        pairs = zip(self.boxes, self.boxes[1:], strict=False)
        gaps = [0.0, *(self._gap(a, b, self.pixel) for a, b in pairs)]
        used = sum(gaps) + sum(box.width for box in self.boxes) + self._end(self.pixel)
        x = canvas.left + max(0.0, canvas.inner_width - used) / 2
        for box, gap in zip(self.boxes, gaps, strict=True):
            box.x = x = x + gap
            x += box.width
        above = max(box.back[1] for box in self.boxes)
        floor = canvas.bottom - self.foot.height - self.names
        middle = (canvas.top + self.lanes + above + floor) / 2
        tops: dict[tuple[int, ...], float] = {}
        y = canvas.top
        for level in self.levels:
            foot = y + _tall(level) * self.pixel
            high = max(size[0] for size in level)
            tops |= dict.fromkeys(level, foot - high * self.pixel)
            y = foot + self.names
        for box in self.boxes:
            box.y = middle - box.height / 2
            if self.is_u:
                box.y = tops[box.size] if not box.column else middle - box.height / 2

    # Drawing ----------------------------------------------------------------------------------

    def draw(self) -> None:
        """Volumes from left to right, then what is said of them."""
        for box in self.boxes:
            self._box(box)
        for source, target in self.skips:
            if self.is_u:
                self._bridge(source, target)
            else:
                self._arc(source, target)
        floor = None if self.is_u else max(box.y + box.height for box in self.boxes)
        label(self.canvas, self.boxes, floor=floor)
        unit = max((box.height for box in self.bars), default=0.0) / self.units
        self.foot.draw([self.pixel, self.channel, unit][: len(self.foot.scales)])

    def _box(self, box: Box) -> None:
        edge, fill = colours(self.theme, box.kind)
        x, y, (right, up) = box.x, box.y, box.back
        far, low = x + box.width, y + box.height
        hair = 0.8 * self.canvas.size.hair
        if right > 1:
            shade = style.blend(fill, edge, 0.22)
            side = [(far, y), (far + right, y - up), (far + right, low - up), (far, low)]
            top = [(x, y), (x + right, y - up), (far + right, y - up), (far, y)]
            for corners, colour in ((side, shade), (top, style.blend(fill, edge, 0.1))):
                self.canvas.polygons(np.array([corners]), edge=edge, fill=colour, stroke=hair)
        face = np.array([[(x, y), (far, y), (far, low), (x, low)]])
        self.canvas.polygons(face, edge=edge, fill=fill, stroke=hair)

    def _bridge(self, source: Box, target: Box) -> None:
        """Of a U: a straight line at the height of both ends."""
        y = source.y + 0.35 * source.height
        start, end = source.x + source.width + source.back[0] / 2, target.x
        stroke = 1.6 * self.canvas.size.hair
        self.canvas.line([start, end], [y, y], self.theme.mistake, stroke=stroke)
        tip(self.canvas, end, y, (1, 0))

    def _arc(self, source: Box, target: Box) -> None:
        """A line above both ends, which begins behind the middle of the first and ends before
        that of the layer that takes it up: of two in a row each is seen."""
        between = self.boxes[self.boxes.index(source) : self.boxes.index(target) + 1]
        y = min(box.top for box in between) - 0.7 * self.lanes
        start, end = (
            box.x
            + box.width / 2
            + box.back[0] / 2
            + side * max(box.width / 4, 2 * self.canvas.unit)
            for box, side in ((source, 1), (target, -1))
        )
        tops = source.y - source.back[1] / 2, target.y - target.back[1] / 2
        xs, ys = [start, start, end, end], [tops[0], y, y, tops[1]]
        self.canvas.line(xs, ys, self.theme.mistake, stroke=1.4 * self.canvas.size.hair)
        tip(self.canvas, end, tops[1], (0, 1))


def _levels(sizes: Iterable[tuple[int, ...]]) -> list[set[tuple[int, ...]]]:
    """Sizes from large to small, with those between two poolings in one level."""
    levels: list[list[tuple[int, ...]]] = []
    for size in sorted(sizes, reverse=True):
        if levels and size[0] > 0.6 * levels[-1][0][0]:
            levels[-1].append(size)
        else:
            levels.append([size])
    return [set(level) for level in levels]


def _tall(sizes: Iterable[tuple[int, ...]]) -> float:
    """Rows that the highest of some sizes takes up, with what goes back."""
    return max(size[0] + UP * size[1] for size in sizes)
