"""The classical drawing of a convolutional network: stacked maps, windows with rays, columns."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas

Pair = tuple[int, int]

OFFSET = 0.16  # from one plane of a stack to the next, in square roots of a pixel
UNIT = 0.34  # from one unit of a column to the next, likewise
_FOLDED = ("block", "stage")
LARGEST, SMALLEST = 42.0, 5.0  # slide pixels for the square root of a pixel


@dataclass(frozen=True)
class Skip:
    """A path around layers: from the layer called ``source`` to the one that holds it.

    label: what stands in it, or what it is called.  parameters: of the layers in it.
    """

    source: str
    label: str
    parameters: int = 0

    @property
    def text(self) -> str:
        """The label, with the parameters where there are any."""
        number = f", {self.parameters:,} parameters" if self.parameters else ""
        return f"{self.label}{number}"


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
    reads everything.  skips: other paths that end here.

    What folding needs: kind ("conv", "pool", "sum", "concatenation" or "dense") and brief,
    the operation in the words of a list, without its padding.
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
    skips: tuple[Skip, ...] = ()
    kind: str = ""
    brief: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class _Shown(DrawnLayer):
    """What is drawn for a layer, or for several that are folded.

    count: for how many layers it stands; each: how many of them come one after the
    other ``count // each`` times; inside: their names; run: the names of the equal
    blocks or layers.  Without ``named`` nothing stands below it; ``short``: its operation
    leaves out some of what is folded.
    """

    count: int = 1
    each: int = 1
    inside: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    named: bool = True
    short: bool = False

    @property
    def below(self) -> list[tuple[str, bool]]:
        return super().below if self.named else []


def architecture(
    layers: Sequence[DrawnLayer],
    *,
    title: str,
    subtitle: str = "",
    unsaid: str = "",
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
    stands for more units than it has dots is broken by a gap.  Paths around
    layers are lines above them.

    A network that does not fit one row goes on in the next, which begins with a
    pale copy of the layer that it goes on from.  Where that is not enough, notes are
    left out, sizes take two lines, then what a path goes around becomes one block,
    equal blocks or layers one after the other one with their number, then what makes
    maps of one number and size one stage (as in table 1 of He et al. 2016), and after
    that some in the middle are left out, with their number.  The second line says what
    is not drawn; ``unsaid`` are the words for all notes.

    Raises ShapeError for fewer than two layers and for a shape that is neither
    maps nor units, SpecError for an unknown theme or size.
    """
    if len(layers) < 2:
        raise ShapeError(f"expected an input and at least one layer, got {len(layers)}")
    for layer in layers:
        if len(layer.shape) not in (1, 3) or min(layer.shape) < 1:
            raise ShapeError(f"expected a shape (C, H, W) or (N,), got {layer.shape}")
    lines = [line for layer in layers for line in layer.operation]
    words = _Words(title, subtitle, unsaid, {line.split()[0] for line in lines})
    whole = [_Shown(**vars(layer)) for layer in layers]
    layout = None
    for fold in (list, _blocks, _stages):
        if layout is None:
            shown = fold(whole)
            layout = _best(shown, words, theme, size)
    if layout is None:
        layout = _best(list(map(_short, shown)), words, theme, size)
    if layout is None:
        sparse = [replace(_short(layer), named=False) for layer in shown]
        layout = _best(sparse, words, theme, size, smallest=SMALLEST / 2)
    kept = len(shown)
    while layout is None and kept > 3:
        kept -= 1
        layout = _best(_elided(shown, kept), words, theme, size)
    if layout is None:
        brief = [_brief(layer) for layer in _elided(shown, min(3, len(shown)))]
        layout = _best(brief, words, theme, size, smallest=0.0)
    for row in layout.rows:
        row.draw(layout, last=layout.rows[-1].layers[-1])
    return layout.canvas.figure


def planes(channels: int, most: int = 6) -> int:
    """Planes or dots for a number of maps or units: all up to ``most``, then 2 a doubling."""
    return channels if channels <= most else round(most + 2 * math.log2(channels / most))


# --- what is folded and left out ------------------------------------------------------------


def _blocks(layers: list[_Shown]) -> list[_Shown]:
    """Each run of layers that paths go around as one, and equal neighbours as one."""
    number = {layer.name: at for at, layer in enumerate(layers)}
    spans: list[list[int]] = []  # first and last layer of each block
    for end, layer in enumerate(layers):
        for skip in layer.skips:
            start = number[skip.source] + 1
            while spans and spans[-1][1] >= start:
                start = min(start, spans.pop()[0])
            spans.append([start, end])
    folded, at = [], 0
    for start, end in spans:
        folded += [*layers[at:start], _block(layers[start : end + 1])]
        at = end + 1
    folded += layers[at:]
    merged = folded[:1]
    for layer in folded[1:]:
        before = merged[-1]
        one, other = (
            (part.shape, part.operation, part.notes, [skip.label for skip in part.skips])
            for part in (before, layer)
        )
        if one == other and layer.brief:
            run = (*before.run, layer.name) if before.run else (before.name, layer.name)
            merged[-1] = replace(
                before,
                name=_span(run),
                inside=_inside([before, layer]),
                run=run,
                unit=None,
                window=None,
                parameters=(before.parameters or 0) + (layer.parameters or 0),
                count=before.count + layer.count,
            )
        else:
            merged.append(layer)
    for at, layer in enumerate(merged):
        if _repeats(layer) > 1:
            lines = (f"{_repeats(layer)} times", *layer.operation)
            merged[at] = replace(layer, operation=lines)
    return _leading_to(merged)


def _leading_to(folded: list[_Shown]) -> list[_Shown]:
    """The layers, their paths beginning at what the layers they begin at are folded into."""
    owner = {name: layer.name for layer in folded for name in _inside([layer])}
    return [
        replace(
            layer,
            skips=tuple(replace(skip, source=owner[skip.source]) for skip in layer.skips),
        )
        for layer in folded
    ]


def _inside(layers: list[_Shown]) -> tuple[str, ...]:
    """The names of layers and of all that they stand for."""
    return tuple(name for layer in layers for name in (*layer.inside, layer.name))


def _repeats(layer: _Shown) -> int:
    """How often what is written at a layer comes one after the other."""
    return layer.count // layer.each


def _span(run: Sequence[str]) -> str:
    """conv1_1 and conv1_2 as conv1_1–2."""
    first, last = run[0], run[-1]
    common = len(os.path.commonprefix([first, last]))
    while common and first[common - 1].isdigit():
        common -= 1
    return f"{first}–{last[common:]}"


def _block(layers: list[_Shown]) -> _Shown:
    """Layers and the paths around them as one; those from inside it are counted."""
    inside = {layer.name for layer in layers}
    skips = [skip for layer in layers for skip in layer.skips]
    outer = tuple(skip for skip in skips if skip.source not in inside)
    lines, brief = [], []
    for layer in layers:
        if layer.kind != "sum":
            first, *settings = layer.brief
            text = f"{first}, {layer.shape[0]}"
            lines += [text, *settings]
            brief.append(text)
    if len(outer) < len(skips):
        lines.append(f"{len(skips) - len(outer)} paths inside")
    name = os.path.commonprefix([layer.name for layer in layers]).rstrip("_")
    name = name if len(name) > 2 else layers[-1].name
    parameters = sum(layer.parameters or 0 for layer in layers)
    plus = "+ " if layers[-1].kind == "sum" else ""
    return replace(
        layers[-1],
        name=name,
        parameters=parameters + sum(skip.parameters for skip in skips),
        notes=(),
        operation=tuple(lines),
        narrow_operation=(),
        unit=None,
        window=None,
        skips=tuple(replace(skip, label=f"{plus}{skip.label}", parameters=0) for skip in outer),
        kind="block",
        brief=tuple(brief),
        count=len(layers),
        each=len(layers),
        inside=_inside(layers),
    )


def _stages(layers: list[_Shown]) -> list[_Shown]:
    """What makes maps of one number, up to a pooling, as one; blocks and layers in a list."""
    shown = _blocks(layers)
    groups = [[layer] for layer in shown[:2]]
    for layer in shown[2:]:
        before = groups[-1][-1]
        alike = before.shape[0] == layer.shape[0] and before.kind != "pool"
        alike = alike and (before.kind == "block") == (layer.kind == "block")
        if alike and not layer.is_column and not before.is_column:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return _leading_to([_stage(group) if len(group) > 1 else group[0] for group in groups])


def _stage(layers: list[_Shown]) -> _Shown:
    lines: list[str] = []
    short: list[str] = []
    for (kind, brief), group in itertools.groupby(layers, lambda one: (one.kind, one.brief)):
        times = sum(map(_repeats, group))
        if kind == "block":
            lines += [f"{times} blocks of", *brief] if times > 1 else brief
            short += [f"{times} blocks" if times > 1 else "block"]
        else:
            word = f"{kind} " if kind == "conv" else ""
            short.append(f"{f'{times} ' if times > 1 else ''}{word}{brief[0]}")
            lines += [short[-1], *brief[1:]]
    labels = {skip.label for layer in layers for skip in layer.skips}
    label = labels.pop() if len(labels) == 1 else "+ shortcuts"
    run = [name for layer in layers for name in layer.run or (layer.name,)]
    return replace(
        layers[-1],
        name=_span(run),
        inside=_inside(layers),
        parameters=sum(layer.parameters or 0 for layer in layers),
        notes=(),
        operation=tuple(lines),
        narrow_operation=(),
        unit=None,
        window=None,
        skips=tuple(replace(skip, label=label) for skip in layers[0].skips[:1]),
        kind="stage",
        brief=tuple(short),
        count=sum(layer.count for layer in layers),
    )


def _brief(layer: _Shown) -> _Shown:
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
        skips=(),
    )


def _elided(layers: list[_Shown], kept: int) -> list[_Shown]:
    """The first and the last layers, ``kept`` in all, around one that counts the others."""
    if kept == len(layers):
        return layers
    head = (kept + 1) // 2
    tail = kept - head
    left_out = sum(layer.count for layer in layers[head : len(layers) - tail])
    words = "layer" if left_out == 1 else "layers"
    gap = _Shown((), (f"{style.ELLIPSIS} {left_out}", f"{words} {style.ELLIPSIS}"))
    after = [replace(layers[-tail], unit=None, window=None), *layers[len(layers) - tail + 1 :]]
    return [*layers[:head], gap, *after]


# --- where everything stands ------------------------------------------------------------------


@dataclass(frozen=True)
class _Lines:
    """The most lines that a row of layers has above, at the rays and below, and its lanes."""

    head: int
    operation: int
    below: int
    lanes: int


@dataclass(frozen=True)
class _Row:
    layers: list[_Shown]
    first: bool  # else the first layer is a pale copy
    arcs: list[_Arc]
    centres: list[float]
    top: float
    middle: float
    foot: float  # where the drawings end
    lines: _Lines

    def draw(self, layout: _Layout, last: _Shown) -> None:
        canvas, theme = layout.canvas, layout.canvas.theme
        size = canvas.size
        pairs = list(zip(self.layers, self.centres, strict=True))
        for index, (layer, x) in enumerate(pairs):
            pale = index == 0 and not self.first
            is_input = index == 0 and self.first
            self._drawing(layout, layer, x, pale, is_input, layer is last)
            y = self._head(canvas, layer)
            for line in layer.head:
                colour = theme.quiet if pale or not layer.shape else theme.ink
                canvas.text(x, y, line, "mt", colour=colour)
                y += size.label * LINE
            y = self.foot + (0.5 + 1.25 * self.lines.operation) * size.small
            y += 0.3 * size.small if self.lines.operation else 0
            below = [line for line in layer.below if line[1] or not pale]
            for line, bold in below:
                if pale:
                    colour = theme.quiet
                elif bold:
                    colour = theme.input if is_input else theme.output
                else:
                    colour = theme.quiet
                px = size.label if bold else size.small
                canvas.text(x, y, line, "mt", px=px, bold=bold, colour=colour)
                y += px * LINE
        for arc in self.arcs:
            self._arc(canvas, arc)
        steps = list(zip(pairs, pairs[1:], strict=False))
        # All windows before all rays: a window may cover the whole plane that rays lead to.
        for (before, x_before), (layer, _) in steps:
            if layer.window is not None and not before.is_column:
                window = self._window(layout, before, x_before, layer)
                stroke = 0.4 * size.thick
                canvas.box(*window, edge=theme.window, fill=theme.window_fill, stroke=stroke)
        for (before, x_before), (layer, x) in steps:
            if before.shape and layer.shape:
                self._rays(layout, before, x_before, layer, x)
            y = self.foot + 0.5 * size.small
            for line in layer.operation:
                canvas.text((x_before + x) / 2, y, line, "mt", px=size.small, colour=theme.window)
                y += 1.25 * size.small

    def _head(self, canvas: Canvas, layer: _Shown) -> float:
        """Where the lines above a layer begin, below the paths around layers."""
        lines = (self.lines.head - len(layer.head)) * canvas.size.label * LINE
        return self.top + self.lines.lanes * _lane(canvas) + lines

    def _arc(self, canvas: Canvas, arc: _Arc) -> None:
        """A path around layers: up from the first, along and down to the last."""
        theme, small = canvas.theme, canvas.size.small
        lanes = self.lines.lanes
        apart = 7 * canvas.unit
        # Inner paths stand further inside; those that end and begin at a layer stay apart.
        inset = apart * (lanes - arc.lane)
        left, right = self.centres[arc.start] + inset, self.centres[arc.end] - inset
        y = self.top + (lanes - arc.lane) * _lane(canvas) - 0.8 * small
        feet = [self._head(canvas, self.layers[at]) - 0.1 * small for at in (arc.start, arc.end)]
        canvas.line([left, left, right, right], [feet[0], y, y, feet[1]], theme.window)
        _tip(canvas, (right, feet[1]), (0.0, 1.0))
        canvas.text(
            (left + right) / 2,
            y - 0.2 * small,
            arc.skip.text,
            "mb",
            px=small,
            colour=theme.window,
            width=right - left - 0.5 * small,
        )

    def _drawing(
        self, layout: _Layout, layer: _Shown, x: float, pale: bool, is_input: bool, is_last: bool
    ) -> None:
        canvas, theme = layout.canvas, layout.canvas.theme
        if not layer.shape:
            for step in (-1, 0, 1):
                canvas.dot(x + 14 * canvas.unit * step, self.middle, theme.quiet, 5 * canvas.unit)
            return
        edge, fill = theme.output, theme.output_fill
        if is_input:
            edge, fill = theme.input, theme.input_fill
        if pale:
            edge, fill = theme.hairline, theme.hairline_fill
        if layer.is_column:
            pitch, diameter = UNIT * layout.scale, 0.72 * UNIT * layout.scale
            ys = self._dots(layout, layer)
            corners = np.stack([np.full(len(ys), x), ys], axis=1)
            circle = np.linspace(0, 2 * np.pi, 17)[:-1]
            dots = corners[:, None] + diameter / 2 * np.stack([np.cos(circle), np.sin(circle)], 1)
            solid = edge if is_last else fill
            canvas.polygons(dots, edge=edge, fill=solid, stroke=canvas.size.hair)
            if len(ys) < layer.shape[0]:
                for step in (-0.5, 0, 0.5):
                    canvas.dot(x, self.middle + step * pitch, edge, 0.25 * pitch)
            return
        count = planes(layer.shape[0])
        colours = [edge] * count
        if is_input and count == 3:
            # In front lies the first channel.
            colours = [theme.blue, theme.green, theme.red]
        for back in range(count - 1, -1, -1):
            left, top, width, height = self._plane(layout, layer, x, back)
            canvas.box(left, top, width, height, edge=colours[count - 1 - back], fill=fill)

    def _plane(self, layout: _Layout, layer: _Shown, x: float, back: int = 0):
        """(left, top, width, height) of a plane, 0 being the one in front."""
        width, height = layout.extent(layer)
        rows, columns = (math.sqrt(length) * layout.scale for length in layer.shape[1:])
        offset = back * _offset(layout.canvas, layout.scale)
        right, bottom = x + width / 2 - offset, self.middle + height / 2 - offset
        return right - columns, bottom - rows, columns, rows

    def _dots(self, layout: _Layout, layer: _Shown) -> np.ndarray:
        """Heights of the dots of a column, with a gap of two in the middle of a broken one."""
        count = planes(layer.shape[0], 10)
        pitch = UNIT * layout.scale
        ys = self.middle + (np.arange(count) - (count - 1) / 2) * pitch
        if count < layer.shape[0]:
            ys = ys[np.abs(ys - self.middle) > 1.01 * pitch]
        return ys

    def _ends(self, layout: _Layout, layer: _Shown, x: float, side: int):
        """Upper and lower end of a layer towards its neighbour: ``side`` 1 right, -1 left."""
        if layer.is_column:
            ys, reach = self._dots(layout, layer), 0.36 * UNIT * layout.scale
            return (x + side * 1.6 * reach, ys[0] - reach), (x + side * 1.6 * reach, ys[-1] + reach)
        back = 0 if side > 0 else planes(layer.shape[0]) - 1
        left, top, width, height = self._plane(layout, layer, x, back)
        edge = left + width if side > 0 else left
        return (edge, top), (edge, top + height)

    def _window(self, layout: _Layout, before: _Shown, x: float, layer: _Shown):
        """(left, top, width, height) of what a unit of ``layer`` reads in the one before it."""
        left, top, width, height = self._plane(layout, before, x)
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
        self, layout: _Layout, before: _Shown, x_before: float, layer: _Shown, x: float
    ) -> None:
        canvas, theme = layout.canvas, layout.canvas.theme
        size = canvas.size
        if layer.count > 1:
            # Several layers have no one window: an arrow.
            start, end = self._ends(layout, before, x_before, 1), self._ends(layout, layer, x, -1)
            gap = 4 * canvas.unit
            left, right = start[0][0] + gap, end[0][0] - gap
            canvas.line([left, right], [self.middle] * 2, theme.window)
            _tip(canvas, (right, self.middle), (1.0, 0.0))
            return
        if layer.window is None or before.is_column:
            (a, b), (c, d) = (
                self._ends(layout, before, x_before, 1),
                self._ends(layout, layer, x, -1),
            )
            canvas.strokes([(a, c), (b, d), (a, d), (b, c)], theme.window, stroke=0.8 * size.hair)
            return
        window = self._window(layout, before, x_before, layer)
        right = window[0] + window[2]
        starts = [(right, window[1]), (right, window[1] + window[3])]
        if layer.is_column:
            reach = 0.36 * UNIT * layout.scale
            y = self._dots(layout, layer)[0]
            ends = [(x - reach, y)] * 2
            cell = None
        else:
            left, top, width, height = self._plane(layout, layer, x)
            rows, columns = layer.shape[1:]
            cell = (
                left + layer.unit[1] * width / columns,
                top + layer.unit[0] * height / rows,
                width / columns,
                height / rows,
            )
            ends = [(cell[0], cell[1]), (cell[0], cell[1] + cell[3])]
        canvas.strokes(list(zip(starts, ends, strict=True)), theme.window, stroke=size.hair)
        if cell is not None:
            canvas.box(*cell, edge=theme.window, fill=theme.output, stroke=size.hair)


@dataclass(frozen=True)
class _Words:
    """What stands above a drawing; ``unsaid`` says all notes, for where they have no room.

    settings: the first words of the lines of all operations, "stride" and "padding" among them.
    """

    title: str
    subtitle: str
    unsaid: str
    settings: set[str]

    def on(self, canvas: Canvas, layers: list[_Shown], noted: bool) -> None:
        """The headline of a drawing of ``layers``, with or without their notes."""
        parts, own = [], ", each layer's own below it"
        folded = any(layer.kind in _FOLDED for layer in layers)
        if folded:
            short = any(layer.short for layer in layers)
            settings = ("stride", "padding") if short else ("padding",)
            parts += [word for word in settings if word in self.settings]
        if self.unsaid and (folded or not noted):
            parts.append(self.unsaid)
        text = self.subtitle
        if text and any(layer.parameters is not None and layer.named for layer in layers):
            text += own
        if parts:
            text += f"{'; ' if text else ''}not drawn: {', '.join(parts)}"
        room = canvas.inner_width
        if (
            canvas.widest(canvas.lines(text, room, canvas.size.subtitle), canvas.size.subtitle)
            > room
        ):
            text = text.replace(own, "")
        canvas.headline(self.title, text, canvas.theme.ink)


@dataclass(frozen=True)
class _Arc:
    """A path around layers: from and to which of a row, and how many others it lies above."""

    start: int
    end: int
    lane: int
    skip: Skip


@dataclass(frozen=True)
class _Layout:
    canvas: Canvas
    scale: float  # pixels of the canvas for the square root of a pixel of a map
    rows: list[_Row]

    def extent(self, layer: _Shown) -> tuple[float, float]:
        return _extent(self.canvas, layer, self.scale)


def _offset(canvas: Canvas, scale: float) -> float:
    """From one plane to the next; their outlines stay apart."""
    return max(OFFSET * scale, 2.2 * canvas.size.hair)


def _extent(canvas: Canvas, layer: _Shown, scale: float) -> tuple[float, float]:
    """Width and height of a layer's drawing."""
    if not layer.shape:
        return 40 * canvas.unit, 0.0
    if layer.is_column:
        return 2 * UNIT * scale, planes(layer.shape[0], 10) * UNIT * scale
    back = (planes(layer.shape[0]) - 1) * _offset(canvas, scale)
    rows, columns = (math.sqrt(length) * scale for length in layer.shape[1:])
    return columns + back, rows + back


def _lane(canvas: Canvas) -> float:
    """Height of one path around layers and its label."""
    return 2.2 * canvas.size.small


def _tip(canvas: Canvas, end: tuple[float, float], way: tuple[float, float]) -> None:
    """The head of an arrow that goes right (1, 0) or down (0, 1)."""
    long, half = 8 * canvas.unit, 4 * canvas.unit
    (x, y), (across, down) = end, way
    back = np.array([x - long * across, y - long * down])
    side = half * np.array([down, across])
    canvas.polygons(np.array([[(x, y), back + side, back - side]]), fill=canvas.theme.window)


def _best(
    layers: list[_Shown],
    words: _Words,
    theme: str,
    size: str,
    smallest: float = SMALLEST,
) -> _Layout | None:
    """The layers on as many rows as make them largest, few rows before many; None: too small."""
    bare = [replace(layer, notes=()) for layer in layers]
    details = [(bare, False, 0.8), (_narrow(bare), False, 0.75)]
    if not any(layer.kind in _FOLDED for layer in layers):
        details = [(layers, True, 1.0), (_narrow(layers), True, 0.95), *details]
    best = None
    for detail, noted, worth in details:
        canvas = Canvas(size, theme, aspect=9)  # as high as this size may be
        words.on(canvas, detail, noted)
        for count in range(1, min(6, len(layers))):
            rows = _rows(detail, count)
            if rows is None:
                continue
            low, high = smallest * canvas.unit, LARGEST * canvas.unit
            if low and not _fits(canvas, rows, low):
                continue
            for _ in range(16):
                scale = (low + high) / 2
                low, high = (scale, high) if _fits(canvas, rows, scale) else (low, scale)
            weight = low * 0.72**count * worth
            if best is None or weight > best[0]:
                best = weight, rows, low, detail, noted
    if best is None:
        return None
    _, rows, scale, detail, noted = best
    # As high as the rows need, with air between them.
    canvas = Canvas(size, theme, aspect=9)
    words.on(canvas, detail, noted)
    needed = (
        canvas.top
        + canvas.margin
        + _height(canvas, rows, scale)
        + 1.5 * canvas.size.label * len(rows)
    )
    canvas = Canvas(size, theme, aspect=needed / canvas.width)
    words.on(canvas, detail, noted)
    return _Layout(canvas, scale, _placed(canvas, rows, scale))


def _short(layer: _Shown) -> _Shown:
    """A folded layer in few words, without the paths around it."""
    operation = layer.operation
    if layer.kind == "block":
        operation = (f"{_repeats(layer)} blocks" if _repeats(layer) > 1 else "block",)
    elif layer.kind == "stage":
        operation = layer.brief
    if len(layer.skips) > 1 and layer.kind == "block":
        operation += (f"of {len(layer.skips) + 1} paths",)
    elif layer.skips and layer.kind in _FOLDED:
        operation += ("with shortcut" + "s" * (_repeats(layer) > 1 or layer.kind == "stage"),)
    skips = () if layer.kind in _FOLDED else layer.skips
    return replace(layer, operation=operation, skips=skips, short=layer.kind in _FOLDED)


def _narrow(layers: list[_Shown]) -> list[_Shown]:
    return [
        replace(
            layer,
            head=layer.narrow or layer.head,
            operation=layer.narrow_operation or layer.operation,
        )
        for layer in layers
    ]


def _rows(layers: list[_Shown], count: int) -> list[list[_Shown]] | None:
    """The layers in ``count`` rows, each beginning with the last one of the row before.

    None where paths around layers leave no place to part them.
    """
    spans = [(arc.start, arc.end) for arc in _arcs(layers)]
    free = [
        at for at in range(1, len(layers) - 1) if not any(start < at < end for start, end in spans)
    ]
    breaks = [0]
    for number in range(1, count):
        wished = number * (len(layers) - 1) / count
        later = [at for at in free if at > breaks[-1]]
        if not later:
            return None
        breaks.append(min(later, key=lambda at: abs(at - wished)))
    ends = [*breaks[1:], len(layers) - 1]
    return [layers[start : end + 1] for start, end in zip(breaks, ends, strict=True)]


def _arcs(row: list[_Shown]) -> list[_Arc]:
    """The paths around layers of a row, the longer above the shorter."""
    number = {layer.name: at for at, layer in enumerate(row)}
    found = sorted(
        (
            (at - number[skip.source], number[skip.source], at, skip)
            for at, layer in enumerate(row)
            for skip in layer.skips
            if skip.source in number
        ),
        key=lambda arc: arc[:3],
    )
    arcs: list[_Arc] = []
    for _, start, end, skip in found:
        below = [arc.lane for arc in arcs if arc.start < end and start < arc.end]
        arcs.append(_Arc(start, end, max(below, default=-1) + 1, skip))
    return arcs


def _lines(canvas: Canvas, row: list[_Shown]) -> _Lines:
    return _Lines(
        max(len(layer.head) for layer in row),
        max(len(layer.operation) for layer in row[1:]),
        max(len(layer.below) for layer in row),
        max((arc.lane + 1 for arc in _arcs(row)), default=0),
    )


def _heights(canvas: Canvas, row: list[_Shown], scale: float) -> tuple[float, float, float]:
    """Heights above the drawings, of them, and below."""
    size, lines = canvas.size, _lines(canvas, row)
    above = lines.head * size.label * LINE + 0.4 * size.small + lines.lanes * _lane(canvas)
    drawing = max(_extent(canvas, layer, scale)[1] for layer in row)
    below = (0.8 + 1.25 * lines.operation) * size.small
    below += size.label * LINE + (lines.below - 1) * size.small * LINE
    return above, drawing, below


def _text_width(canvas: Canvas, layer: _Shown) -> float:
    size = canvas.size
    below = (canvas.measure(t, size.label if bold else size.small, bold) for t, bold in layer.below)
    return max(canvas.widest(layer.head, size.label), *below, 0.0)


def _distances(canvas: Canvas, row: list[_Shown], scale: float) -> tuple[float, list[float], float]:
    """From the left end to the first centre, between centres, from the last one to the end."""
    unit = canvas.unit
    halves = [_extent(canvas, layer, scale)[0] / 2 for layer in row]
    texts = [_text_width(canvas, layer) / 2 for layer in row]
    operations = [canvas.widest(layer.operation, canvas.size.small) for layer in row[1:]]
    # What stands below an arrow is seen to belong to it.
    arrows = [
        0.7 * width if layer.count > 1 else 0.0
        for width, layer in zip(operations, row[1:], strict=True)
    ]
    between = [
        max(
            halves[i] + halves[i + 1] + max(30 * unit, 1.2 * scale, arrows[i]),
            texts[i] + texts[i + 1] + 16 * unit,
            operations[i] + 14 * unit,
        )
        for i in range(len(row) - 1)
    ]
    for arc in _arcs(row):
        inset = 14 * unit * (_lines(canvas, row).lanes - arc.lane)
        needed = canvas.measure(arc.skip.text, canvas.size.small) + canvas.size.small + inset
        there = sum(between[arc.start : arc.end])
        for i in range(arc.start, arc.end):
            between[i] *= max(1.0, needed / there)
    return max(halves[0], texts[0]), between, max(halves[-1], texts[-1])


def _height(canvas: Canvas, rows: list[list[_Shown]], scale: float) -> float:
    """Height of all rows with the least gap between them."""
    gaps = 1.6 * canvas.size.label * (len(rows) - 0.5)
    return sum(sum(_heights(canvas, row, scale)) for row in rows) + gaps


def _fits(canvas: Canvas, rows: list[list[_Shown]], scale: float) -> bool:
    if _height(canvas, rows, scale) > canvas.inner_height:
        return False
    for row in rows:
        before, between, after = _distances(canvas, row, scale)
        if before + sum(between) + after > canvas.inner_width:
            return False
    return True


def _placed(canvas: Canvas, rows: list[list[_Shown]], scale: float) -> list[_Row]:
    heights = [_heights(canvas, row, scale) for row in rows]
    free = canvas.inner_height - sum(map(sum, heights))
    # A row alone stands in the middle; several share what is left above and between them.
    gap = min(free / (len(rows) - 0.5), 6 * canvas.size.label)
    top = canvas.top + max(0.0, free - gap * (len(rows) - 1)) / 2
    placed = []
    for index, (row, (above, drawing, below)) in enumerate(zip(rows, heights, strict=True)):
        before, between, after = _distances(canvas, row, scale)
        spare = canvas.inner_width - before - sum(between) - after
        more = min(spare / len(between), 6 * scale)
        x = canvas.left + before
        if len(rows) == 1:
            x += (spare - more * len(between)) / 2
        centres = [x]
        for distance in between:
            centres.append(centres[-1] + distance + more)
        middle = top + above + drawing / 2
        lines = _lines(canvas, row)
        foot = top + above + drawing
        placed.append(_Row(row, index == 0, _arcs(row), centres, top, middle, foot, lines))
        top = foot + below + gap
    return placed
