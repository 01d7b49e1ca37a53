"""Which input each unit sees: dense, by local receptive fields, with shared weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from convlab.shapes import Pair
from convlab.viz import style
from convlab.viz.canvas import Canvas, Place
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.wiring import Wiring, check_room, check_unit
from convlab.words import joined

Sides = tuple[int, int, int, int]

BETWEEN = 1.4  # cells between an input and the units below it


def connections(
    wirings: Sequence[Wiring],
    *,
    input_size: Pair,
    unit_size: Pair,
    unit: Pair,
    padding: Sides = (0, 0, 0, 0),
    dimensions: int = 1,
    **page: Unpack[Page],
) -> Figure:
    """A panel for each wiring, with its connections and weights counted above it.

    input_size, unit_size: (rows, columns); unit: (row, column) of the one that is
    emphasised and whose weights are named; padding: (top, bottom, left, right)
    cells around the input.  In one dimension all connections are lines between
    two rows of dots; in two the windows of one or two units lie on the input.
    Where weights are shared, the same colour is the same weight.

    Raises ShapeError for a unit that does not exist, SpecError for more inputs than can be told
    apart.
    """
    check_unit(unit, unit_size, dimensions)
    check_room(input_size, padding, dimensions)
    canvas = Sheet(1.0 if dimensions == 1 else 0.85, "ink", **page)
    gap = min(60 * canvas.unit, 0.05 * canvas.width)
    width = (canvas.inner_width - gap * (len(wirings) - 1)) / len(wirings)
    panels: list[_Panel] = []
    for wiring, counts in zip(wirings, _counts(canvas, wirings, width), strict=True):
        left = canvas.left + len(panels) * (width + gap)
        top = canvas.heading(left, wiring.name, counts, width=width) + 0.6 * canvas.size.small
        place = (left, top, width, canvas.bottom - top)
        panels.append(_Panel(canvas, wiring, input_size, padding, unit_size, unit, place))
    if dimensions == 1:
        for panel in panels:
            panel.draw_lines()
        return canvas.figure
    sizes = [panel.size_of_names("w") for panel in panels]
    for panel, px in zip(panels, sizes, strict=True):
        prefix = "w" if all(sizes) else ""
        panel.draw_grids(prefix, px if prefix else panel.size_of_names(prefix))
    return canvas.figure


def _counts(canvas: Canvas, wirings: Sequence[Wiring], width: float) -> list[list[str]]:
    """Connections and weights of each wiring in as few lines as fit all panels equally."""
    together = [[joined(wiring.counts)] for wiring in wirings]
    apart = [[*wiring.counts] for wiring in wirings]
    for texts in (together, apart):
        if canvas.widest((text for lines in texts for text in lines), canvas.size.small) <= width:
            return texts
    return [[word for text in lines for word in text.split(" ")] for lines in apart]


@dataclass(frozen=True)
class _Panel:
    canvas: Canvas
    wiring: Wiring
    inputs: Pair
    padding: Sides
    units: Pair
    unit: Pair
    place: Place  # left, top, width, height

    @property
    def chosen(self) -> int:
        return self.unit[0] * self.units[1] + self.unit[1]

    @property
    def padded(self) -> Pair:
        """Rows and columns of the input and its padding."""
        top, bottom, left, right = self.padding
        return self.inputs[0] + top + bottom, self.inputs[1] + left + right

    @property
    def sees_all(self) -> bool:
        return self.wiring.reads.shape[1] == math.prod(self.inputs)

    @property
    def colours(self) -> list[str]:
        """A colour for each weight that is shared."""
        if not self.wiring.shares:
            return []
        return style.shared_colours(self.wiring.parameters, self.canvas.theme)

    # One dimension ---------------------------------------------------------------------------

    def draw_lines(self) -> None:
        """Two columns of dots and the lines between them; the unit's weights by their names."""
        canvas, wiring, theme = self.canvas, self.wiring, self.canvas.theme
        small, unit = canvas.size.small, canvas.unit
        left, top, width, height = self.place
        inputs, units = math.prod(self.padded), math.prod(self.units)
        pitch = min(height / max(inputs, units), 3.4 * canvas.size.label)
        dot = min(0.5 * pitch, 20 * unit)
        names = [f"w{index + 1}" for index in wiring.weights[self.chosen]]
        in_x = left + canvas.widest(names, small) + 8 * unit + dot / 2
        out_x = left + width - canvas.measure("00", small) - 4 * unit - 1.1 * dot
        # A narrow drawing reads better than one whose lines run nearly flat.
        out_x = min(out_x, in_x + 12 * pitch)
        middle = top + pitch * max(inputs, units) / 2
        starts, ends = (
            [(x, middle + (at - (count - 1) / 2) * pitch) for at in range(count)]
            for x, count in ((in_x, inputs), (out_x, units))
        )
        _, _, before, behind = self.padding
        outside = [True] * before + [False] * self.inputs[1] + [True] * behind
        self._draw_connections(starts, ends, outside)
        for place, out in zip(starts, outside, strict=True):
            canvas.dot(*place, theme.quiet if out else theme.input, dot, hollow=out)
        for at, place in enumerate(ends):
            if at == self.chosen:
                canvas.dot(*place, theme.output, 1.7 * dot, hollow=True)
            canvas.dot(*place, theme.output, dot)
        named = zip(wiring.reads[self.chosen], names, strict=True)
        for cell, name in [*named][:: math.ceil(1.1 * small / pitch)]:
            canvas.text(in_x - dot / 2 - 8 * unit, starts[cell][1], name, "rm", px=small)
        x, y = out_x + 1.1 * dot + 4 * unit, ends[self.chosen][1]
        canvas.text(x, y, str(self.chosen), "lm", px=small, bold=True)

    def _draw_connections(self, starts: list, ends: list, outside: list[bool]) -> None:
        """Lines, grouped by style; those of the emphasised unit above the others."""
        canvas, wiring, theme = self.canvas, self.wiring, self.canvas.theme
        looks: dict[tuple[bool, int, bool], list] = {}
        for (at, number), cell in np.ndenumerate(wiring.reads):
            weight = int(wiring.weights[at, number]) if wiring.shares else -1
            look = at == self.chosen, weight, outside[cell]
            looks.setdefault(look, []).append((starts[cell], ends[at]))
        colours, thin = self.colours, canvas.size.hair * (1.0 if self.sees_all else 1.6)
        for (bold, weight, dashed), lines in sorted(looks.items()):
            colour = theme.window if bold else style.blend(theme.ground, theme.quiet, 0.6)
            colour = colours[weight] if colours else colour
            stroke = 0.7 * canvas.size.thick if bold else thin
            canvas.strokes(lines, colour, stroke=stroke, dashed=dashed)

    # Two dimensions --------------------------------------------------------------------------

    @property
    def shown(self) -> list[int]:
        """The units with a window: the emphasised one, last, and another that sees others."""
        if self.sees_all:
            return [self.chosen]
        return [self.wiring.another(self.chosen, self.units[1]), self.chosen]

    @property
    def cells(self) -> Cells:
        """The padded input: with a gap and the units below it, it fills the panel."""
        left, top, width, height = self.place
        (rows, columns), (unit_rows, unit_columns) = self.padded, self.units
        side = min(width / max(columns, unit_columns), height / (rows + unit_rows + BETWEEN))
        return Cells(self.canvas, left, top, rows, columns, float(math.floor(side)))

    def size_of_names(self, prefix: str) -> float | None:
        """Text height at which the numbers of all shown weights fit their cells."""
        weights = self.wiring.weights[self.shown].ravel()
        return self.cells.size_of([f"{prefix}{weight + 1}" for weight in weights])

    def draw_grids(self, prefix: str, px: float | None) -> None:
        """The input above the units, with some windows; ``prefix``: before the weights' numbers."""
        canvas, theme, cells = self.canvas, self.canvas.theme, self.cells
        top, _, left, _ = self.padding
        if any(self.padding):
            cells.draw(theme.hairline, theme.hairline_fill, dashed=True)
        cells.part(top, left, *self.inputs).draw(theme.input, theme.input_fill)
        corner = cells.corner(cells.rows + BETWEEN, (cells.columns - self.units[1]) / 2)
        units = Cells(canvas, *corner, *self.units, cells.width)
        units.lines(theme.output)
        ends = {at: units.part(*divmod(at, units.columns)) for at in self.shown}
        shown = {at: (self._window(at), unit) for at, unit in ends.items()}
        for window, unit in shown.values():
            for side in (0, 1):
                corners = window.corner(window.rows, side * window.columns), unit.corner(0, side)
                xs, ys = zip(*corners, strict=True)
                canvas.line(xs, ys, theme.window, stroke=canvas.size.hair * 1.3, dashes=(5, 3))
        for at in shown:
            self._fill_window(at, prefix, px)
        for at, (window, unit) in shown.items():
            stroke = canvas.size.thick * (0.8 if at == self.chosen else 0.4)
            window.box(theme.window, stroke=stroke)
            unit.box(theme.output, theme.output_fill, stroke=stroke)

    def _window(self, at: int) -> Cells:
        """The cells that a unit sees, and those between them."""
        rows, columns = np.divmod(self.wiring.reads[at], self.padded[1])
        extent = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
        return self.cells.part(int(rows.min()), int(columns.min()), *extent)

    def _fill_window(self, at: int, prefix: str, px: float | None) -> None:
        """The cells that a unit sees, filled, each with its weight's name where it fits."""
        wiring, theme, colours = self.wiring, self.canvas.theme, self.colours
        hidden = set() if at == self.chosen else set(wiring.reads[self.chosen].tolist())
        for place, weight in zip(wiring.reads[at].tolist(), wiring.weights[at], strict=True):
            if place in hidden:
                continue
            cell = self.cells.part(*divmod(place, self.padded[1]))
            fill = colours[weight] if colours else theme.window_fill
            cell.box(theme.window, fill)
            if px is not None:
                cell.write([f"{prefix}{weight + 1}"], px, style.ink_on(fill))
