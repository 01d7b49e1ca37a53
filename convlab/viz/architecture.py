"""The classical drawing of a convolutional network: stacked maps, windows with rays, columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.folding import (
    Arc,
    DrawnLayer,
    ShownLayer,
    arcs,
    details,
    foldings,
    parted,
    second_line,
)
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

Point = tuple[float, float]

OFFSET = 0.16  # from one plane of a stack to the next, in square roots of a pixel
UNIT = 0.34  # from one unit of a column to the next, likewise


def depth(channels: int) -> float:
    """Planes for a number of maps: all up to 6, then as the square root grows."""
    return channels if channels <= 6 else math.sqrt(6 * channels)


def dots(units: int) -> int:
    """Dots for a number of units: all up to 10, then 2 more for each doubling."""
    return units if units <= 10 else round(10 + 2 * math.log2(units / 10))


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
            return 2 * self.pitch, dots(self.layer.shape[0]) * self.pitch
        rows, columns = self._sides
        return columns + self._back, rows + self._back

    @property
    def pitch(self) -> float:
        """From one unit of a column to the next, so that small dots are still seen."""
        own = UNIT * self.scale
        return max(own, min(4 * self.canvas.unit, 2.2 * own))

    @property
    def _sides(self) -> list[float]:
        return [math.sqrt(length) * self.scale for length in self.layer.shape[1:]]

    @property
    def _back(self) -> float:
        """From the plane in front to the last one."""
        return (depth(self.layer.shape[0]) - 1) * OFFSET * self.scale

    @property
    def planes(self) -> int:
        """How many are drawn: fewer where their outlines would not stay apart."""
        apart = 1 + math.floor(self._back / (2.2 * self.canvas.size.hair))
        return max(
            1, min(round(depth(self.layer.shape[0])), max(apart, min(3, self.layer.shape[0])))
        )

    def plane(self, back: int = 0) -> Cells:
        """The pixels of a plane; 0 is the one in front."""
        (width, height), (rows, columns) = self.extent, self.layer.shape[1:]
        deep, wide = self._sides
        offset = self._back / max(1, self.planes - 1)
        left = self.x + width / 2 - back * offset - wide
        top = self.y + height / 2 - back * offset - deep
        return Cells(self.canvas, left, top, rows, columns, wide / columns, deep / rows)

    def top(self, x: float) -> tuple[float, float]:
        """The point of its upper edge that is nearest to ``x``, from where a path comes or goes."""
        if self.layer.is_column:
            return self.x, self.dots()[0] - 0.36 * self.pitch
        if not self.layer.shape:
            return self.x, self.y
        deep, wide = self._sides
        left, top = self.x - self.extent[0] / 2, self.y - self.extent[1] / 2
        x = min(max(x, left), left + wide + self._back)
        return x, top + max(0.0, x - left - wide)

    def dots(self) -> NDArray:
        """Heights of the dots of a column, with a gap of two in the middle of a broken one."""
        count = dots(self.layer.shape[0])
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
            back = 0 if side > 0 else self.planes - 1
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
            edges = [edge] * self.planes
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
    cells = before.plane().part(top, left, min(rows, bottom) - top, min(columns, right) - left)
    return _seen(cells, before.plane(), 9 * before.canvas.unit)


def _seen(cells: Cells, plane: Cells, least: float) -> Cells:
    """Cells of a plane, drawn larger around their middle where they would not be seen."""
    left, top, width, height = cells.place
    wide, high = (
        max(min(least, most), own)
        for own, most in zip((width, height), plane.place[2:], strict=True)
    )
    x = min(max(left + (width - wide) / 2, plane.left), plane.left + plane.place[2] - wide)
    y = min(max(top + (height - high) / 2, plane.top), plane.top + plane.place[3] - high)
    return cells if (wide, high) == (width, height) else Cells(plane.canvas, x, y, 1, 1, wide, high)


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
        # Flattening connects each number with one; all others each with all.
        across = [] if after.layer.kind == "flatten" else [(a, d), (b, c)]
        canvas.strokes([(a, c), (b, d), *across], colour, stroke=0.8 * hair)
    else:
        starts = [window.corner(0, window.columns), window.corner(window.rows, window.columns)]
        unit = None
        if after.layer.is_column:
            ends = [(after.x - 0.36 * after.pitch, after.dots()[0])] * 2
        else:
            assert after.layer.unit is not None, t("a window is that of a unit")
            unit = _seen(after.plane().part(*after.layer.unit), after.plane(), 4 * canvas.unit)
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


Brackets = tuple[str, str] | None
LARGEST, SMALLEST = 42.0, 5.0  # slide pixels for the square root of a pixel


def architecture(
    layers: Sequence[DrawnLayer],
    *,
    unsaid: tuple[str, str] = ("", ""),
    brackets: Brackets = None,
    **page: Unpack[Page],
) -> Figure:
    """The layers of a network in a row, from the input to the output.

    The first of ``layers`` is the input and is drawn in its colour; the last one
    has filled units.  A stack of planes stands for maps, a column of dots for
    single units.  The side of a plane is proportional to the square root of its
    pixels along that side, so that 5 is visible beside 28 and 7 beside 224, and so is the depth of
    a stack, of more than 6 maps; within a plane the window and the unit are to scale, unless they
    would not be seen.  Up to 10 units there are as many dots as the layer has, then 2 more for each
    doubling; a column that stands for more units than it has dots is broken by a gap.  Paths around
    layers are lines above them, from stack to stack.

    A network that does not fit into one row continues in the next, which begins with a pale copy of
    the layer that it continues from.  If that is not enough, notes are left out, sizes take two
    lines, then what a path goes around becomes one block, equal consecutive blocks or layers become
    one with their number, then layers with equally many maps of one size become one stage (as in
    table 1 of He et al. 2016), and after that some in the middle are left out, with their number.
    The second line says what is not drawn; ``unsaid`` are the words for all notes, with
    and without their places.  ``brackets``: what stands below the layers of maps and below the
    columns behind them.

    Raises ShapeError for fewer than two layers and for a shape that is neither maps nor units.
    """
    if len(layers) < 2:
        raise ShapeError(f"expected an input and at least one layer, got {len(layers)}")
    for layer in layers:
        if len(layer.shape) not in (1, 3) or min(layer.shape) < 1:
            raise ShapeError(f"expected a shape (C, H, W) or (N,), got {layer.shape}")
    settings = {line.split()[0] for layer in layers for line in layer.operation}
    look = _Look({"unsaid": unsaid, "settings": settings}, page, brackets)
    drawings = (_largest(shown, look, share * SMALLEST) for shown, share in foldings(layers))
    drawing = next(drawing for drawing in drawings if drawing is not None)
    drawing.draw()
    return drawing.canvas.figure


@dataclass(frozen=True)
class _Look:
    """What goes above a drawing, as arguments of ``folding.second_line``, and its style."""

    words: dict[str, Any]
    page: Page
    brackets: Brackets

    def canvas(self, layers: list[ShownLayer], noted: bool, aspect: float = 9.0) -> Canvas:
        """A canvas, as high as this size may be or of an aspect, with the headline."""
        canvas = Sheet(aspect, **self.page)
        *longer, subtitle = second_line(layers, noted, subtitle=canvas.subtitle, **self.words)
        px, room = canvas.size.subtitle, canvas.inner_width
        for text in reversed(longer):
            if canvas.widest(canvas.lines(text, room, px), px) <= room:
                subtitle = text
        canvas.headline(canvas.title, subtitle, canvas.theme.ink)
        return canvas


def _largest(layers: list[ShownLayer], look: _Look, smallest: float) -> _Drawing | None:
    """The layers on the number of rows that makes them largest, preferring few; None: too small."""
    found = []
    for detail, noted, worth in details(layers):
        canvas = look.canvas(detail, noted)
        for count in range(1, min(6, len(layers))):
            rows = parted(detail, count)
            drawing = _Drawing(canvas, rows or [], smallest * canvas.unit, look.brackets)
            if rows is None or (smallest and not drawing.fits(drawing.scale)):
                continue
            drawing.grow(LARGEST * canvas.unit)
            found.append((drawing.scale * 0.72**count * worth, drawing, detail, noted))
    if not found:
        return None
    _, drawing, detail, noted = max(found, key=lambda one: one[0])
    # As high as the rows need, with space between them.
    canvas, rows = drawing.canvas, [row.layers for row in drawing.rows]
    needed = canvas.top + canvas.margin + drawing.height(drawing.scale)
    needed += 1.5 * canvas.size.label * len(rows)
    return _Drawing(
        look.canvas(detail, noted, needed / canvas.width), rows, drawing.scale, look.brackets
    )


class _Drawing:
    """Rows of layers; ``scale``: pixels for the square root of a map's pixel."""

    def __init__(
        self, canvas: Canvas, rows: list[list[ShownLayer]], scale: float, brackets: Brackets
    ) -> None:
        self.canvas, self.scale = canvas, scale
        self.rows = [_Row(canvas, row, brackets) for row in rows]

    def height(self, scale: float) -> float:
        """Height of all rows with the least gap between them."""
        gaps = 1.6 * self.canvas.size.label * (len(self.rows) - 0.5)
        return sum(sum(row.heights(scale)) for row in self.rows) + gaps

    def fits(self, scale: float) -> bool:
        canvas = self.canvas
        wide = (row.width(scale) > canvas.inner_width for row in self.rows)
        return self.height(scale) <= canvas.inner_height and not any(wide)

    def grow(self, high: float) -> None:
        """As large as fits, up to a scale of ``high``."""
        for _ in range(16):
            middle = (self.scale + high) / 2
            self.scale, high = (middle, high) if self.fits(middle) else (self.scale, middle)

    def draw(self) -> None:
        canvas, scale, rows = self.canvas, self.scale, self.rows
        free = canvas.inner_height - sum(sum(row.heights(scale)) for row in rows)
        # A single row is centred; several share the remaining space above and between them.
        gap = min(free / (len(rows) - 0.5), 6 * canvas.size.label)
        top = canvas.top + max(0.0, free - gap * (len(rows) - 1)) / 2
        for row in rows:
            row.draw(scale, top, is_first=row is rows[0], is_last=row is rows[-1])
            top += sum(row.heights(scale)) + gap


class _Row:
    """A row of layers, the paths above it, and the words at each layer and between them."""

    def __init__(self, canvas: Canvas, layers: list[ShownLayer], brackets: Brackets) -> None:
        self.canvas, self.layers, self.arcs = canvas, layers, arcs(layers)
        self.brackets = brackets
        self.lanes = max((arc.lane + 1 for arc in self.arcs), default=0)
        self.lane = 2.2 * canvas.size.small  # height of a path and its label
        # The most lines above a layer, at the rays, and below a layer.
        self.heads = max(len(layer.head) for layer in layers)
        self.operations = max(len(layer.operation) for layer in layers[1:])
        self.feet = max(len(layer.below) for layer in layers)

    def heights(self, scale: float) -> tuple[float, float, float]:
        """Heights above the drawings, of them, and below."""
        size = self.canvas.size
        above = self.heads * size.label * LINE + 0.4 * size.small + self.lanes * self.lane
        drawing = max(Volume(self.canvas, layer, scale).extent[1] for layer in self.layers)
        below = (0.8 + 1.25 * self.operations) * size.small
        below += size.label * LINE + (self.feet - 1) * size.small * LINE
        below += 2.6 * size.small if self.brackets else 0.0
        return above, drawing, below

    def width(self, scale: float) -> float:
        """Least width."""
        before, between, after = self._distances(scale)
        return before + sum(between) + after

    def _words(self, layer: ShownLayer) -> float:
        """Width of the texts above and below a layer."""
        canvas, size = self.canvas, self.canvas.size
        widths = [canvas.widest(layer.head, size.label)]
        for text, bold in layer.below:
            widths.append(canvas.measure(text, size.label if bold else size.small, bold))
        return max(widths)

    def _distances(self, scale: float) -> tuple[float, list[float], float]:
        """From the left end to the first centre, between centres, from the last to the end."""
        canvas, unit, small = self.canvas, self.canvas.unit, self.canvas.size.small
        halves = [Volume(canvas, layer, scale).extent[0] / 2 for layer in self.layers]
        texts = [self._words(layer) / 2 for layer in self.layers]
        between = []
        for i, layer in enumerate(self.layers[1:]):
            operation = canvas.widest(layer.operation, small)
            # Text below an arrow should visibly belong to it.
            arrow = 0.7 * operation if layer.count > 1 else 0.0
            drawn = halves[i] + halves[i + 1] + max(30 * unit, 1.2 * scale, arrow)
            written = texts[i] + texts[i + 1] + 16 * unit
            between.append(max(drawn, written, operation + 14 * unit))
        for arc in self.arcs:
            inset = 14 * unit * (self.lanes - arc.lane)
            needed = canvas.measure(arc.skip.text, small) + small + inset
            there = sum(between[arc.start : arc.end])
            for i in range(arc.start, arc.end):
                between[i] *= max(1.0, needed / there)
        return max(halves[0], texts[0]), between, max(halves[-1], texts[-1])

    def _centres(self, scale: float, alone: bool) -> list[float]:
        first, between, _ = self._distances(scale)
        spare = self.canvas.inner_width - self.width(scale)
        more = min(spare / len(between), 6 * scale)
        first += self.canvas.left + ((spare - more * len(between)) / 2 if alone else 0.0)
        return list(itertools.accumulate((distance + more for distance in between), initial=first))

    def draw(self, scale: float, top: float, *, is_first: bool, is_last: bool) -> None:
        """The row from ``top`` on; all but the first begin with a pale copy."""
        canvas, small = self.canvas, self.canvas.size.small
        above, drawing, below = self.heights(scale)
        middle, foot = top + above + drawing / 2, top + above + drawing
        places = zip(self.layers, self._centres(scale, is_first and is_last), strict=True)
        volumes = [Volume(canvas, layer, scale, x, middle) for layer, x in places]
        for volume in volumes:
            role = "output"
            if volume is volumes[0]:
                role = "input" if is_first else "hairline"
            volume.draw(role, is_last=is_last and volume is volumes[-1])
            self._write(volume, role, top, foot)
        for arc in self.arcs:
            self._draw_arc(arc, volumes, top)
        # All windows before all rays: a window may cover the whole plane that rays lead to.
        for before, after in itertools.pairwise(volumes):
            draw_window(before, after)
        for before, after in itertools.pairwise(volumes):
            if before.layer.shape and after.layer.shape:
                draw_rays(before, after)
            for number, line in enumerate(after.layer.operation):
                x, y = (before.x + after.x) / 2, foot + (0.5 + 1.25 * number) * small
                canvas.text(x, y, line, "mt", px=small, colour=canvas.theme.window)
        if self.brackets:
            self._draw_brackets(volumes[1:], foot + below)

    def _draw_brackets(self, volumes: list[Volume], foot: float) -> None:
        """Below the layers of maps and below the columns, one bracket each, with its words."""
        canvas, small = self.canvas, self.canvas.size.small
        column = False  # a gap belongs to what is before it
        sides: dict[bool, list[Volume]] = {}
        for volume in volumes:
            column = volume.layer.is_column if volume.layer.shape else column
            sides.setdefault(column, []).append(volume)
        for column, part in sides.items():
            halves = [max(self._words(one.layer), one.extent[0]) / 2 for one in (part[0], part[-1])]
            left, right = part[0].x - halves[0], part[-1].x + halves[1]
            y, tick, colour = foot - 1.5 * small, 0.4 * small, canvas.theme.quiet
            canvas.line([left, left, right, right], [y - tick, y, y, y - tick], colour)
            words = (self.brackets or ("", ""))[column]
            x = (left + right) / 2
            half = canvas.measure(words, small, True) / 2
            x = min(max(x, canvas.left + half), canvas.right - half)
            canvas.text(x, y + 0.3 * small, words, "mt", px=small, bold=True)

    def _head(self, layer: ShownLayer, top: float) -> float:
        """Where the lines above a layer begin, above the paths around layers."""
        return top + (self.heads - len(layer.head)) * self.canvas.size.label * LINE

    def _write(self, volume: Volume, role: str, top: float, foot: float) -> None:
        """The lines above and below a layer; a pale copy has only its name below it."""
        canvas, layer, size = self.canvas, volume.layer, self.canvas.size
        theme, pale = canvas.theme, role == "hairline"
        y = self._head(layer, top)
        for line in layer.head:
            colour = theme.quiet if pale or not layer.shape else theme.ink
            canvas.text(volume.x, y, line, "mt", colour=colour)
            y += size.label * LINE
        y = foot + (0.5 + 1.25 * self.operations) * size.small
        y += 0.3 * size.small if self.operations else 0
        for line, bold in layer.below:
            if pale and not bold:
                continue
            px = size.label if bold else size.small
            colour = getattr(theme, role) if bold and not pale else theme.quiet
            canvas.text(volume.x, y, line, "mt", px=px, bold=bold, colour=colour)
            y += px * LINE

    def _draw_arc(self, arc: Arc, volumes: list[Volume], top: float) -> None:
        """A path around layers: up from the first, along and down to the last."""
        canvas, small, colour = self.canvas, self.canvas.size.small, self.canvas.theme.window
        # Inner paths lie further inside; those that end and begin at a layer stay apart.
        lane = self.lanes - arc.lane
        inset = 7 * canvas.unit * lane
        left, right = volumes[arc.start].x + inset, volumes[arc.end].x - inset
        (left, start), (right, end) = volumes[arc.start].top(left), volumes[arc.end].top(right)
        y = top + self.heads * canvas.size.label * LINE + lane * self.lane - 0.8 * small
        canvas.line([left, left, right, right], [start, y, y, end], colour)
        tip(canvas, (right, end), (0.0, 1.0))
        x, width = (left + right) / 2, right - left - 0.5 * small
        text, y = arc.skip.text, y - 0.2 * small
        canvas.text(x, y, text, "mb", px=small, colour=colour, width=width)
