"""The classical drawing of a convolutional network: stacked maps, windows with rays, columns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.page import LINE, Page

Pair = tuple[int, int]

OFFSET = 0.16  # from one plane of a stack to the next, in square roots of a pixel
UNIT = 0.34  # from one unit of a column to the next, likewise
LARGEST, SMALLEST = 42.0, 5.0  # slide pixels for the square root of a pixel


@dataclass(frozen=True)
class DrawnLayer:
    """One layer of the drawing, and how it is made from the one to its left.

    shape: (C, H, W) for maps, (N,) for a column of units.  head: lines above it,
    such as its size.  name: stands below it, above its number of ``parameters``
    (None: no line) and the quiet lines of ``notes``.  operation: lines below the
    rays that lead to it.  ``narrow`` and ``narrow_operation`` say the same as head
    and operation in less width, for small canvases.  unit: (row, column) of the
    unit that the rays reach; window: (top, left, bottom, right), half-open, in
    pixels of the layer to the left: what that unit reads; both None where a unit
    reads everything.  count: for how many equal layers, one after the other, it stands.
    """

    shape: tuple[int, ...]
    head: tuple[str, ...]
    name: str = ""
    parameters: int | None = None
    notes: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    unit: Pair | None = None
    window: tuple[int, int, int, int] | None = None
    narrow: tuple[str, ...] = ()
    narrow_operation: tuple[str, ...] = ()
    count: int = 1

    @property
    def is_column(self) -> bool:
        """Whether it is drawn as single units: one number a map has no sides."""
        return bool(self.shape) and math.prod(self.shape[1:]) == 1

    @property
    def below(self) -> list[tuple[str, bool]]:
        """Lines below the drawing, and whether each is bold."""
        lines = [(self.name, True)] if self.name else []
        if self.parameters is not None:
            lines.append((f"{self.parameters:,}", False))
        return lines + [(note, False) for note in self.notes]


def architecture(
    layers: Sequence[DrawnLayer],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The layers of a network in a row, from the input to the output.

    The first of ``layers`` is the input and is drawn in its colour; the last one
    has filled units.  A stack of planes stands for maps, a column of dots for
    single units.  The side of a plane is proportional to the square root of its
    pixels along that side, so that 5 is seen beside 28 and 7 beside 224; within
    a plane the window and the unit are to scale.  Up to 6 planes (10 units) there
    are as many as the layer has, then 2 more for each doubling; a column that
    stands for more units than it has dots is broken by a gap.

    On small canvases the notes are left out and sizes take two lines.  A network
    that does not fit one row goes on in the next, which begins with a
    pale copy of the layer that it goes on from.  Where that is not enough, equal
    layers one after the other are drawn once, and after that some in the middle
    are left out, with their number.

    Raises ShapeError for fewer than two layers and for a shape that is neither
    maps nor units, SpecError for an unknown theme or size.
    """
    if len(layers) < 2:
        raise ShapeError(f"expected an input and at least one layer, got {len(layers)}")
    for layer in layers:
        if len(layer.shape) not in (1, 3) or min(layer.shape) < 1:
            raise ShapeError(f"expected a shape (C, H, W) or (N,), got {layer.shape}")
    shown = list(layers)
    plan = _best(shown, title, subtitle, theme, size)
    if plan is None:
        shown = _merged(shown)
        plan = _best(shown, title, subtitle, theme, size)
    kept = len(shown)
    while plan is None and kept > 3:
        kept -= 1
        plan = _best(_elided(shown, kept), title, subtitle, theme, size)
    if plan is None:
        brief = [_brief(layer) for layer in _elided(shown, min(3, len(shown)))]
        plan = _best(brief, title, subtitle, theme, size, smallest=0.0)
    for row in plan.rows:
        row.draw(plan, last=plan.rows[-1].layers[-1])
    return plan.page.figure


def planes(channels: int, most: int = 6) -> int:
    """Planes or dots for a number of maps or units: all up to ``most``, then 2 a doubling."""
    return channels if channels <= most else round(most + 2 * math.log2(channels / most))


# --- what is left out -----------------------------------------------------------------------


def _merged(layers: list[DrawnLayer]) -> list[DrawnLayer]:
    """Layers with equal operation and shape that follow each other as one layer."""
    merged = [layers[0]]
    for layer in layers[1:]:
        before = merged[-1]
        same = ("shape", "operation", "notes")
        if layer.window is not None and all(
            getattr(layer, key) == getattr(before, key) for key in same
        ):
            merged[-1] = replace(
                before,
                name=f"{before.name.partition('–')[0]}–{layer.name}",
                parameters=(before.parameters or 0) + (layer.parameters or 0),
                count=before.count + 1,
            )
        else:
            merged.append(layer)
    return [
        replace(layer, operation=(f"{layer.count} times", *layer.operation))
        if layer.count > 1
        else layer
        for layer in merged
    ]


def _brief(layer: DrawnLayer) -> DrawnLayer:
    """The layer with texts that fit everywhere: long ones without their middle."""

    def short(text: str) -> str:
        return text if len(text) < 10 else f"{text[:4]}{style.ELLIPSIS}{text[-4:]}"

    operation = layer.narrow_operation or layer.operation
    # A size without its middle would be another size.
    return replace(
        layer,
        head=layer.narrow or layer.head,
        name=short(layer.name),
        notes=(),
        operation=tuple(map(short, operation)),
        narrow_operation=(),
    )


def _elided(layers: list[DrawnLayer], kept: int) -> list[DrawnLayer]:
    """The first and the last layers, ``kept`` in all, around one that counts the others."""
    if kept == len(layers):
        return layers
    head = (kept + 1) // 2
    tail = kept - head
    left_out = sum(layer.count for layer in layers[head : len(layers) - tail])
    words = "layer" if left_out == 1 else "layers"
    gap = DrawnLayer((), (f"{style.ELLIPSIS} {left_out}", f"{words} {style.ELLIPSIS}"))
    after = [replace(layers[-tail], unit=None, window=None), *layers[len(layers) - tail + 1 :]]
    return [*layers[:head], gap, *after]


# --- where everything stands ------------------------------------------------------------------


@dataclass(frozen=True)
class _Lines:
    """The most lines that a row of layers has above, at the rays and below, and its heights."""

    head: int
    operation: int
    below: int


@dataclass(frozen=True)
class _Row:
    layers: list[DrawnLayer]
    first: bool  # else the first layer is a pale copy
    centres: list[float]
    top: float
    middle: float
    foot: float  # where the drawings end
    lines: _Lines

    def draw(self, plan: _Plan, last: DrawnLayer) -> None:
        page, theme = plan.page, plan.page.theme
        size = page.size
        pairs = list(zip(self.layers, self.centres, strict=True))
        for index, (layer, x) in enumerate(pairs):
            pale = index == 0 and not self.first
            is_input = index == 0 and self.first
            self._drawing(plan, layer, x, pale, is_input, layer is last)
            y = self.top + (self.lines.head - len(layer.head)) * size.label * LINE
            for line in layer.head:
                colour = theme.quiet if pale or not layer.shape else theme.ink
                page.text(x, y, line, colour=colour, ha="center")
                y += size.label * LINE
            y = self.foot + (0.5 + 1.25 * self.lines.operation) * size.small
            y += 0.3 * size.small if self.lines.operation else 0
            for line, bold in [(layer.name, True)] if pale else layer.below:
                if pale:
                    colour = theme.quiet
                elif bold:
                    colour = theme.input if is_input else theme.output
                else:
                    colour = theme.quiet
                px = size.label if bold else size.small
                page.text(x, y, line, px=px, bold=bold, colour=colour, ha="center")
                y += px * LINE
        steps = list(zip(pairs, pairs[1:], strict=False))
        # All windows before all rays: a window may cover the whole plane that rays lead to.
        for (before, x_before), (layer, _) in steps:
            if layer.window is not None and not before.is_column:
                window = self._window(plan, before, x_before, layer)
                stroke = 0.4 * size.thick
                page.box(*window, edge=theme.window, fill=theme.window_fill, stroke=stroke)
        for (before, x_before), (layer, x) in steps:
            if before.shape and layer.shape:
                self._rays(plan, before, x_before, layer, x)
            y = self.foot + 0.5 * size.small
            for line in layer.operation:
                page.text(
                    (x_before + x) / 2, y, line, px=size.small, colour=theme.window, ha="center"
                )
                y += 1.25 * size.small

    def _drawing(
        self, plan: _Plan, layer: DrawnLayer, x: float, pale: bool, is_input: bool, is_last: bool
    ) -> None:
        page, theme = plan.page, plan.page.theme
        if not layer.shape:
            for step in (-1, 0, 1):
                page.dot(x + 14 * page.unit * step, self.middle, theme.quiet, 5 * page.unit)
            return
        edge, fill = theme.output, theme.output_fill
        if is_input:
            edge, fill = theme.input, theme.input_fill
        if pale:
            edge, fill = theme.hairline, theme.hairline_fill
        if layer.is_column:
            pitch, diameter = UNIT * plan.scale, 0.72 * UNIT * plan.scale
            ys = self._dots(plan, layer)
            corners = np.stack([np.full(len(ys), x), ys], axis=1)
            circle = np.linspace(0, 2 * np.pi, 17)[:-1]
            dots = corners[:, None] + diameter / 2 * np.stack([np.cos(circle), np.sin(circle)], 1)
            solid = edge if is_last else fill
            page.polygons(dots, edge=edge, fill=solid, stroke=page.size.hair)
            if len(ys) < layer.shape[0]:
                for step in (-0.5, 0, 0.5):
                    page.dot(x, self.middle + step * pitch, edge, 0.25 * pitch)
            return
        count = planes(layer.shape[0])
        colours = [edge] * count
        if is_input and count == 3:
            # In front lies the first channel.
            colours = [theme.blue, theme.green, theme.red]
        for back in range(count - 1, -1, -1):
            left, top, width, height = self._plane(plan, layer, x, back)
            page.box(left, top, width, height, edge=colours[count - 1 - back], fill=fill)

    def _plane(self, plan: _Plan, layer: DrawnLayer, x: float, back: int = 0):
        """(left, top, width, height) of a plane, 0 being the one in front."""
        width, height = plan.extent(layer)
        rows, columns = (math.sqrt(length) * plan.scale for length in layer.shape[1:])
        offset = back * _offset(plan.page, plan.scale)
        right, bottom = x + width / 2 - offset, self.middle + height / 2 - offset
        return right - columns, bottom - rows, columns, rows

    def _dots(self, plan: _Plan, layer: DrawnLayer) -> np.ndarray:
        """Heights of the dots of a column, with a gap of two in the middle of a broken one."""
        count = planes(layer.shape[0], 10)
        pitch = UNIT * plan.scale
        ys = self.middle + (np.arange(count) - (count - 1) / 2) * pitch
        if count < layer.shape[0]:
            ys = ys[np.abs(ys - self.middle) > 1.01 * pitch]
        return ys

    def _ends(self, plan: _Plan, layer: DrawnLayer, x: float, side: int):
        """Upper and lower end of a layer towards its neighbour: ``side`` 1 right, -1 left."""
        if layer.is_column:
            ys, reach = self._dots(plan, layer), 0.36 * UNIT * plan.scale
            return (x + side * 1.6 * reach, ys[0] - reach), (x + side * 1.6 * reach, ys[-1] + reach)
        back = 0 if side > 0 else planes(layer.shape[0]) - 1
        left, top, width, height = self._plane(plan, layer, x, back)
        edge = left + width if side > 0 else left
        return (edge, top), (edge, top + height)

    def _window(self, plan: _Plan, before: DrawnLayer, x: float, layer: DrawnLayer):
        """(left, top, width, height) of what a unit of ``layer`` reads in the one before it."""
        left, top, width, height = self._plane(plan, before, x)
        rows, columns = before.shape[1:]
        # What hangs over the border is padding, which the planes do not have.
        first = max(0, layer.window[0]), max(0, layer.window[1])
        end = min(rows, layer.window[2]), min(columns, layer.window[3])
        return (
            left + first[1] * width / columns,
            top + first[0] * height / rows,
            (end[1] - first[1]) * width / columns,
            (end[0] - first[0]) * height / rows,
        )

    def _rays(
        self, plan: _Plan, before: DrawnLayer, x_before: float, layer: DrawnLayer, x: float
    ) -> None:
        page, theme = plan.page, plan.page.theme
        size = page.size
        if layer.window is None or before.is_column:
            (a, b), (c, d) = self._ends(plan, before, x_before, 1), self._ends(plan, layer, x, -1)
            page.strokes([(a, c), (b, d), (a, d), (b, c)], theme.window, stroke=0.8 * size.hair)
            return
        window = self._window(plan, before, x_before, layer)
        right = window[0] + window[2]
        starts = [(right, window[1]), (right, window[1] + window[3])]
        if layer.is_column:
            reach = 0.36 * UNIT * plan.scale
            y = self._dots(plan, layer)[0]
            ends = [(x - reach, y)] * 2
            cell = None
        else:
            left, top, width, height = self._plane(plan, layer, x)
            rows, columns = layer.shape[1:]
            cell = (
                left + layer.unit[1] * width / columns,
                top + layer.unit[0] * height / rows,
                width / columns,
                height / rows,
            )
            ends = [(cell[0], cell[1]), (cell[0], cell[1] + cell[3])]
        page.strokes(list(zip(starts, ends, strict=True)), theme.window, stroke=size.hair)
        if cell is not None:
            page.box(*cell, edge=theme.window, fill=theme.output, stroke=size.hair)


@dataclass(frozen=True)
class _Plan:
    page: Page
    scale: float  # pixels of the canvas for the square root of a pixel of a map
    rows: list[_Row]

    def extent(self, layer: DrawnLayer) -> tuple[float, float]:
        return _extent(self.page, layer, self.scale)


def _offset(page: Page, scale: float) -> float:
    """From one plane to the next; their outlines stay apart."""
    return max(OFFSET * scale, 2.2 * page.size.hair)


def _extent(page: Page, layer: DrawnLayer, scale: float) -> tuple[float, float]:
    """Width and height of a layer's drawing."""
    if not layer.shape:
        return 40 * page.unit, 0.0
    if layer.is_column:
        return 2 * UNIT * scale, planes(layer.shape[0], 10) * UNIT * scale
    back = (planes(layer.shape[0]) - 1) * _offset(page, scale)
    rows, columns = (math.sqrt(length) * scale for length in layer.shape[1:])
    return columns + back, rows + back


def _best(
    layers: list[DrawnLayer],
    title: str,
    subtitle: str,
    theme: str,
    size: str,
    smallest: float = SMALLEST,
) -> _Plan | None:
    """The layers on as many rows as make them largest, few rows before many; None: too small."""
    page = Page(size, theme, aspect=9)  # as high as this size may be
    page.headline(title, subtitle, page.theme.ink)
    bare = [replace(layer, notes=()) for layer in layers]
    narrow = [
        replace(
            layer,
            head=layer.narrow or layer.head,
            operation=layer.narrow_operation or layer.operation,
        )
        for layer in bare
    ]
    best = None
    for detail, count in itertools.product((layers, bare, narrow), range(1, min(6, len(layers)))):
        per = math.ceil((len(layers) + count - 1) / count)
        rows = [detail[start : start + per] for start in range(0, len(layers) - 1, per - 1)]
        low, high = 0.0, LARGEST * page.unit
        for _ in range(20):
            scale = (low + high) / 2
            low, high = (scale, high) if _fits(page, rows, scale) else (low, scale)
        if low < smallest * page.unit:
            continue
        weight = low * 0.72 ** len(rows) * (1.0 if detail is layers else 0.75)
        if best is None or weight > best[0]:
            best = weight, rows, low
    if best is None:
        return None
    _, rows, scale = best
    # As high as the rows need, with air between them.
    needed = page.top + page.margin + _height(page, rows, scale) + 1.5 * page.size.label * len(rows)
    page = Page(size, theme, aspect=needed / page.width)
    page.headline(title, subtitle, page.theme.ink)
    return _Plan(page, scale, _placed(page, rows, scale))


def _lines(page: Page, row: list[DrawnLayer]) -> _Lines:
    return _Lines(
        max(len(layer.head) for layer in row),
        max(len(layer.operation) for layer in row[1:]),
        max(len(layer.below) for layer in row),
    )


def _heights(page: Page, row: list[DrawnLayer], scale: float) -> tuple[float, float, float]:
    """Heights above the drawings, of them, and below."""
    size, lines = page.size, _lines(page, row)
    above = lines.head * size.label * LINE + 0.4 * size.small
    drawing = max(_extent(page, layer, scale)[1] for layer in row)
    below = (0.8 + 1.25 * lines.operation) * size.small
    below += size.label * LINE + (lines.below - 1) * size.small * LINE
    return above, drawing, below


def _text_width(page: Page, layer: DrawnLayer) -> float:
    size = page.size
    below = (page.measure(t, size.label if bold else size.small, bold) for t, bold in layer.below)
    return max(page.widest(layer.head, size.label), *below, 0.0)


def _distances(page: Page, row: list[DrawnLayer], scale: float) -> tuple[float, list[float], float]:
    """From the left end to the first centre, between centres, from the last one to the end."""
    unit = page.unit
    halves = [_extent(page, layer, scale)[0] / 2 for layer in row]
    texts = [_text_width(page, layer) / 2 for layer in row]
    between = [
        max(
            halves[i] + halves[i + 1] + max(30 * unit, 1.2 * scale),
            texts[i] + texts[i + 1] + 16 * unit,
            page.widest(row[i + 1].operation, page.size.small) + 14 * unit,
        )
        for i in range(len(row) - 1)
    ]
    return max(halves[0], texts[0]), between, max(halves[-1], texts[-1])


def _height(page: Page, rows: list[list[DrawnLayer]], scale: float) -> float:
    """Height of all rows with the least gap between them."""
    gaps = 1.6 * page.size.label * (len(rows) - 0.5)
    return sum(sum(_heights(page, row, scale)) for row in rows) + gaps


def _fits(page: Page, rows: list[list[DrawnLayer]], scale: float) -> bool:
    if _height(page, rows, scale) > page.bottom - page.top:
        return False
    for row in rows:
        before, between, after = _distances(page, row, scale)
        if before + sum(between) + after > page.right - page.left:
            return False
    return True


def _placed(page: Page, rows: list[list[DrawnLayer]], scale: float) -> list[_Row]:
    heights = [_heights(page, row, scale) for row in rows]
    free = page.bottom - page.top - sum(map(sum, heights))
    # A row alone stands in the middle; several share what is left above and between them.
    gap = min(free / (len(rows) - 0.5), 6 * page.size.label)
    top = page.top + max(0.0, free - gap * (len(rows) - 1)) / 2
    placed = []
    for index, (row, (above, drawing, below)) in enumerate(zip(rows, heights, strict=True)):
        before, between, after = _distances(page, row, scale)
        spare = page.right - page.left - before - sum(between) - after
        more = min(spare / len(between), 6 * scale)
        x = page.left + before
        if len(rows) == 1:
            x += (spare - more * len(between)) / 2
        centres = [x]
        for distance in between:
            centres.append(centres[-1] + distance + more)
        middle = top + above + drawing / 2
        foot = top + above + drawing
        placed.append(_Row(row, index == 0, centres, top, middle, foot, _lines(page, row)))
        top = foot + below + gap
    return placed
