"""A network as volumes to scale: faces by rows and columns, thickness by channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.folding import DrawnLayer
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.page import Page, Sheet, Unpack

RIGHT, UP = 0.34, 0.24  # of a column further back, in rows
KINDS = {
    "input": ("input", "input_fill"),
    "conv": ("window", "window_fill"),
    "pool": ("quiet", "hairline_fill"),
    "sum": ("mistake", "ground"),
    "concatenation": ("mistake", "ground"),
    "placement": ("quiet", "ground"),
    "dense": ("output", "output_fill"),
}
WORDS = {"conv": "convolution", "pool": "pooling", "placement": "resizing, padding"}


@dataclass
class _Box:
    """A layer's place: its front face from (x, y) on, and how far back its columns go."""

    layer: DrawnLayer
    kind: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    back: tuple[float, float] = (0.0, 0.0)

    @property
    def column(self) -> bool:
        return self.layer.is_column

    @property
    def size(self) -> tuple[int, ...]:
        """Rows and columns; () for single units."""
        return () if self.column else self.layer.shape[1:]

    @property
    def right(self) -> float:
        return self.x + self.width + self.back[0]

    @property
    def top(self) -> float:
        return self.y - self.back[1]


def volumes(layers: Sequence[DrawnLayer], **page: Unpack[Page]) -> Figure:
    """The layers of a network from left to right, the first is the input.

    Heights and depths are proportional to rows and columns, thickness to channels, bars of single
    units to their number; three scale bars say how.  A network whose maps grow again is drawn as a
    U: maps of one size are at one height.  Skips are lines that end at the layer that takes them
    up.  Raises ShapeError for fewer than two layers.
    """
    if len(layers) < 2:
        raise ShapeError(f"expected an input and at least one layer, got {len(layers)}")
    canvas = Sheet(0.62, "ink", 0.5, **page)
    _Scene(canvas, layers).draw()
    return canvas.figure


class _Scene:
    def __init__(self, canvas: Canvas, layers: Sequence[DrawnLayer]) -> None:
        self.canvas, self.theme = canvas, canvas.theme
        kinds = ["input", *(layer.kind for layer in layers[1:])]
        self.boxes = [
            _Box(layer, "dense" if layer.is_column and kind != "pool" else kind)
            for layer, kind in zip(layers, kinds, strict=True)
        ]
        maps = [box for box in self.boxes if not box.column]
        sizes = [box.size[0] for box in maps] or [1]
        lowest = sizes.index(min(sizes))
        self.is_u = max(sizes[lowest:]) >= 2 * min(sizes)
        self.levels = sorted({box.size for box in maps}, reverse=True)
        small = canvas.size.small
        self.bars = [box for box in self.boxes if box.column]
        self.lines = [*self._flow(self._scale_widths()), *self._flow(self._legend_widths())]
        self.foot = small * LINE * (0.2 + 1.5 * len(self.lines))  # scale bars and legend
        self.names = small * LINE * 2.2  # below the volumes
        self.lanes = small * 1.6 if self._skips() and not self.is_u else 0.0
        self.units = max((box.layer.shape[0] for box in self.boxes if box.column), default=1)
        self.pixel, self.channel = self._scales()
        self._place()

    def _skips(self) -> list[tuple[_Box, _Box]]:
        named = {box.layer.name: box for box in self.boxes}
        return [
            (named[skip.source], box)
            for box in self.boxes
            for skip in box.layer.skips
            if skip.source in named
        ]

    # Sizes ------------------------------------------------------------------------------------

    def _scales(self) -> tuple[float, float]:
        """Pixels of the canvas for a row of a map, and for a channel."""
        canvas, unit = self.canvas, self.canvas.unit
        room = canvas.inner_height - self.foot - self.names - self.lanes
        most = max((size[0] + UP * size[1] for size in self.levels), default=1)
        if self.is_u:
            most = sum(size[0] + UP * size[1] for size in self.levels)
            room -= self.names * (len(self.levels) - 1)
        pixel = max(room, 1.0) / most
        channels = sum(box.layer.shape[0] for box in self.boxes if not box.column)
        # Two fifths of the width for channels, or of what fixed gaps leave.
        wanted = 0.42 * min(canvas.inner_width, 1.4 * (canvas.inner_width - self._gaps(0.0)))
        while (free := canvas.inner_width - self._gaps(pixel)) < wanted and pixel > 1e-3:
            pixel *= 0.95
        return pixel, min(max(free, 10 * unit) / max(1, channels), 12 * unit)

    def _gap(self, before: _Box, after: _Box, pixel: float) -> float:
        """Between two neighbours: none between maps of one size, else what the depth needs."""
        unit = self.canvas.unit
        if before.column:
            texts = (f"{box.layer.shape[0]:,}" for box in (before, after))
            return max(20 * unit, self.canvas.widest(texts, self.canvas.size.small))
        if before.size == after.size and not after.column:
            return 1.5 * unit
        return before.size[1] * pixel * RIGHT + 16 * unit

    def _gaps(self, pixel: float) -> float:
        pairs = zip(self.boxes, self.boxes[1:], strict=False)
        bars = len(self.bars) * 12 * self.canvas.unit
        last = self.boxes[-1]
        end = 0.0 if last.column else last.size[1] * pixel * RIGHT
        # What is too thin to be seen is drawn 1.5 pixels thick.
        thin = 1.5 * self.canvas.unit * len(self.boxes)
        return sum(self._gap(a, b, pixel) for a, b in pairs) + bars + end + thin

    def _place(self) -> None:
        canvas, unit = self.canvas, self.canvas.unit
        for box in self.boxes:
            if box.column:
                tall = max((size[0] for size in self.levels), default=1) * self.pixel
                box.width = 12 * unit
                box.height = max(2 * unit, min(tall, 300 * unit) * box.layer.shape[0] / self.units)
            else:
                box.width = max(1.5 * unit, box.layer.shape[0] * self.channel)
                box.height = box.size[0] * self.pixel
                box.back = (box.size[1] * self.pixel * RIGHT, box.size[1] * self.pixel * UP)
        pairs = zip(self.boxes, self.boxes[1:], strict=False)
        gaps = [0.0, *(self._gap(a, b, self.pixel) for a, b in pairs)]
        used = sum(gaps) + sum(box.width for box in self.boxes) + self.boxes[-1].back[0]
        x = canvas.left + max(0.0, canvas.inner_width - used) / 2
        for box, gap in zip(self.boxes, gaps, strict=True):
            box.x = x = x + gap
            x += box.width
        above = max(box.back[1] for box in self.boxes)
        floor = canvas.bottom - self.foot - self.names
        middle = (canvas.top + self.lanes + above + floor) / 2
        tops, y = {}, canvas.top
        for size in self.levels:
            tops[size] = y + size[1] * self.pixel * UP
            y = tops[size] + size[0] * self.pixel + self.names
        for box in self.boxes:
            box.y = middle - box.height / 2
            if self.is_u:
                box.y = tops[box.size] if not box.column else middle - box.height / 2

    # Drawing ----------------------------------------------------------------------------------

    def draw(self) -> None:
        """Volumes from left to right, then what is said of them."""
        for box in self.boxes:
            self._box(box)
        if self.is_u:
            self._bridges()
        else:
            self._arcs()
        self._labels()
        self._foot()

    def _colours(self, kind: str) -> tuple[str, str]:
        edge, fill = KINDS.get(kind, KINDS["placement"])
        return getattr(self.theme, edge), getattr(self.theme, fill)

    def _box(self, box: _Box) -> None:
        edge, fill = self._colours(box.kind)
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

    def _bridges(self) -> None:
        """Of a U: straight lines at the height of both ends."""
        colour = self.theme.mistake
        for source, target in self._skips():
            y = source.y + 0.35 * source.height
            start, end = source.x + source.width + source.back[0] / 2, target.x
            self.canvas.line([start, end], [y, y], colour, stroke=1.6 * self.canvas.size.hair)
            self._tip(end, y, (1, 0))

    def _arcs(self) -> None:
        """Lines above both ends; the second one ends at the layer that takes them up."""
        colour, stroke = self.theme.mistake, 1.4 * self.canvas.size.hair
        for source, target in self._skips():
            between = self.boxes[self.boxes.index(source) : self.boxes.index(target) + 1]
            y = min(box.top for box in between) - 0.7 * self.lanes
            start = source.x + source.width / 2 + source.back[0] / 2
            end = target.x + target.width / 2 + target.back[0] / 2
            tops = source.y - source.back[1] / 2, target.y - target.back[1] / 2
            xs, ys = [start, start, end, end], [tops[0], y, y, tops[1]]
            self.canvas.line(xs, ys, colour, stroke=stroke)
            self._tip(end, tops[1], (0, 1))

    def _tip(self, x: float, y: float, way: tuple[int, int]) -> None:
        unit = self.canvas.unit
        point, ahead = np.array([x, y]), np.array(way, float)
        back, side = point - 9 * unit * ahead, 4.5 * unit * ahead[::-1]
        corners = np.array([[point, back + side, back - side]])
        self.canvas.polygons(corners, fill=self.theme.mistake)

    # Words ------------------------------------------------------------------------------------

    def _groups(self) -> list[list[_Box]]:
        """Neighbours of one size; bars each by itself."""
        numbered = enumerate(self.boxes)
        grouped = groupby(numbered, key=lambda at: at[1].size or at[0])
        return [[box for _, box in group] for _, group in grouped]

    def _labels(self) -> None:
        """Below each group its rows and columns and its channels, where there is room."""
        canvas, small = self.canvas, self.canvas.size.small
        floor = max(box.y + box.height for box in self.boxes) + 0.5 * small
        taken: list[tuple[float, float, float]] = []
        groups = self._groups()
        # The last and the first must be said; of the others whatever has room.
        order = [0, len(groups) - 1, *range(1, len(groups) - 1)]
        for group in (groups[at] for at in dict.fromkeys(order)):
            first, last = group[0], group[-1]
            y = first.y + first.height + 0.5 * small if self.is_u else floor
            lines = _said(group)
            width = canvas.widest(lines, small) + 0.6 * small
            middle = (first.x + last.x + last.width) / 2
            left = min(max(middle - width / 2, canvas.left), canvas.right - width)
            if any(left < b and a < left + width and abs(y - c) < small for a, b, c in taken):
                continue
            taken.append((left, left + width, y))
            for at, line in enumerate(lines):
                at_y = y + at * small * LINE
                ink = self.theme.ink if at == 0 else self.theme.quiet
                canvas.note(left + width / 2, at_y, line, "mt", colour=ink)

    def _scale_widths(self) -> list[float]:
        """Of each scale bar with its words, at most."""
        canvas, small = self.canvas, self.canvas.size.small
        words = ["pixels high", "channels thick", "units, as a bar"][: 2 + bool(self.bars)]
        bar = 0.09 * canvas.inner_width + 2.7 * small
        return [bar + canvas.measure(f"5,000 {word}", small) for word in words]

    def _legend(self) -> list[tuple[str, str]]:
        """Kinds of layers with their words, and a skip connection if there is one."""
        kinds = dict.fromkeys(box.kind for box in self.boxes)
        found = [(kind, WORDS.get(kind, kind)) for kind in kinds]
        return [*found, ("", "skip connection")] if self._skips() else found

    def _legend_widths(self) -> list[float]:
        canvas, small = self.canvas, self.canvas.size.small
        return [2.9 * small + canvas.measure(word, small) for _, word in self._legend()]

    def _flow(self, widths: Sequence[float]) -> list[int]:
        """How many pieces of these widths go on each line."""
        counts, used = [0], 0.0
        for width in widths:
            if counts[-1] and used + width > self.canvas.inner_width:
                counts.append(0)
                used = 0.0
            counts[-1] += 1
            used += width
        return counts

    def _foot(self) -> None:
        """How long a pixel and a channel are, and what colours mean."""
        canvas, small = self.canvas, self.canvas.size.small
        scales = [self.pixel, self.channel]
        if self.bars:
            scales.append(max(box.height for box in self.bars) / self.units)
        words = "pixels high", "channels thick", "units, as a bar"
        pieces: list[tuple[float, str, str]] = [
            (length, "", word) for length, word in zip(scales, words, strict=False)
        ]
        pieces += [(0.0, kind, word) for kind, word in self._legend()]
        y = canvas.bottom - self.foot + 0.5 * small
        for count in self.lines:
            x = canvas.left
            for length, kind, word in pieces[:count]:
                x = self._scale(x, y, length, word) if length else self._piece(x, y, kind, word)
            pieces = pieces[count:]
            y += 1.5 * small * LINE

    def _scale(self, x: float, y: float, length: float, word: str) -> float:
        """A line as long as a round number of something, and its words; returns where it ends."""
        canvas, small = self.canvas, self.canvas.size.small
        count = _round(0.09 * canvas.inner_width / length)
        end, middle = x + count * length, [y + small / 2] * 2
        canvas.line([x, end], middle, self.theme.ink, stroke=canvas.size.hair * 2)
        text = f"{count:,} {word}"
        canvas.note(end + 0.5 * small, y + small / 2, text, "lm")
        return end + 2.2 * small + canvas.measure(text, small)

    def _piece(self, x: float, y: float, kind: str, word: str) -> float:
        """A kind of layer by its colours, or a skip connection; returns where it ends."""
        canvas, small, colour = self.canvas, self.canvas.size.small, self.theme.mistake
        if kind:
            edge, fill = self._colours(kind)
            canvas.box(x, y, small, small, edge=edge, fill=fill)
        else:
            canvas.line([x, x + small], [y + small / 2] * 2, colour)
            self._tip(x + small, y + small / 2, (1, 0))
        canvas.note(x + 1.5 * small, y + small / 2, word, "lm")
        return x + 2.9 * small + canvas.measure(word, small)


def _said(group: Sequence[_Box]) -> list[str]:
    """A group's size and channels, in two lines; a bar's units."""
    counts = [box.layer.shape[0] for box in group]
    if group[0].column:
        return [f"{counts[0]:,}"]
    begins = group[0].kind == "input" and len(group) > 1
    low, high = min(counts[begins:]), max(counts[begins:])
    channels = f"{low}" if low == high else f"{low} to {high}"
    channels = f"{counts[0]} {style.ARROW} {channels}" if begins else channels
    return [style.size_text(*group[0].size), f"{style.TIMES} {channels}"]


def _round(value: float) -> int:
    """The largest of 1, 2, 5, 10, 20 ... that is not above a value."""
    power = 10 ** max(0, math.floor(math.log10(max(value, 1.0))))
    return max(step * power for step in (1, 2, 5) if step * power <= max(value, 1.0))
