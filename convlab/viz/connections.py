"""Which input each unit sees: dense, by local receptive fields, with shared weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]

BETWEEN = 1.4  # cells between an input and the units below it
MOST = {1: 40, 2: 16}  # units or cells one above the other that a panel still shows


@dataclass(frozen=True)
class Wiring:
    """One way to wire units to an input.

    reads (units, K): the cells of the padded input, in reading order, that each
    unit sees; weights (units, K): which weight each of these connections has,
    from 0; the numbers of ``connections`` and of ``parameters``.
    """

    name: str
    reads: NDArray
    weights: NDArray
    connections: int
    parameters: int

    @property
    def shares(self) -> bool:
        """Whether a weight stands at more than one connection."""
        return self.parameters < self.connections


def connections(
    wirings: Sequence[Wiring],
    *,
    input_size: Pair,
    unit_size: Pair,
    unit: Pair,
    padding: Sides = (0, 0, 0, 0),
    dimensions: int = 1,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A panel for each wiring, its connections and weights counted above it.

    input_size, unit_size: (rows, columns); unit: (row, column) of the one that is
    emphasised and whose weights are named; padding: (top, bottom, left, right)
    cells around the input.  In one dimension all connections are lines between
    two rows of dots; in two the windows of one or two units lie on the input.
    Where weights are shared, the same colour is the same weight.

    Raises ShapeError for a unit that there is not, SpecError for more inputs than
    can be told apart and for an unknown theme or size.
    """
    if not all(0 <= at < length for at, length in zip(unit, unit_size, strict=True)):
        last = ",".join(str(length - 1) for length in unit_size[2 - dimensions :])
        got = ",".join(str(at) for at in unit[2 - dimensions :])
        raise ShapeError(f"unit: expected at most {last}, counted from 0, got {got}")
    check_room(input_size, padding, dimensions)
    canvas = Canvas(size, theme, aspect=1.0 if dimensions == 1 else 0.85)
    canvas.headline(title, subtitle, canvas.theme.ink)
    gap = min(60 * canvas.unit, 0.05 * canvas.width)
    width = (canvas.inner_width - gap * (len(wirings) - 1)) / len(wirings)
    kind = _Lines if dimensions == 1 else _Grids
    panels = []
    for wiring, counts in zip(wirings, _counts(canvas, wirings, width), strict=True):
        left, top = canvas.left + len(panels) * (width + gap), canvas.top
        canvas.text(left, top, wiring.name, bold=True, width=width)
        top += canvas.size.label * LINE
        for text in counts:
            canvas.note(left, top, text)
            top += canvas.size.small * LINE
        top += 0.6 * canvas.size.small
        place = (left, top, width, canvas.bottom - top)
        panels.append(kind(canvas, wiring, input_size, padding, unit_size, unit, place))
    named = all(panel.number_size("w") for panel in panels if isinstance(panel, _Grids))
    for panel in panels:
        panel.draw("w" if named else "")
    return canvas.figure


def check_room(input_size: Pair, padding: Sides, dimensions: int) -> None:
    """Raises SpecError for more cells along an axis than ``connections`` can show apart."""
    top, bottom, left, right = padding
    most, largest = (
        MOST[dimensions],
        max(input_size[0] + top + bottom, input_size[1] + left + right),
    )
    if largest > most:
        raise SpecError(
            f"connections: expected at most {most} inputs along an axis, padding included, to"
            f" tell them apart, got {largest}"
        )


def _counts(canvas: Canvas, wirings: Sequence[Wiring], width: float) -> list[list[str]]:
    """Connections and weights of each wiring in as few lines as fit all panels alike."""
    for between, inside in ((", ", " "), ("\n", " "), ("\n", "\n")):
        texts = [
            f"{w.connections:,}{inside}connections{between}"
            f"{w.parameters:,}{inside}weight{'s' * (w.parameters != 1)}".split("\n")
            for w in wirings
        ]
        if canvas.widest((line for lines in texts for line in lines), canvas.size.small) <= width:
            break
    return texts


@dataclass(frozen=True)
class _Panel:
    canvas: Canvas
    wiring: Wiring
    inputs: Pair
    padding: Sides
    units: Pair
    unit: Pair
    place: tuple[float, float, float, float]  # left, top, width, height

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

    def colours(self) -> list[str]:
        """A colour for each weight that is shared."""
        if not self.wiring.shares:
            return []
        return style.shared_colours(self.wiring.parameters, self.canvas.theme)


class _Lines(_Panel):
    """One dimension: two columns of dots and the lines between them."""

    def draw(self, prefix: str) -> None:
        """The weights of the emphasised unit are named behind ``prefix``."""
        canvas, wiring, theme = self.canvas, self.wiring, self.canvas.theme
        small, unit = canvas.size.small, canvas.unit
        left, top, width, height = self.place
        most = max(math.prod(self.padded), math.prod(self.units))
        pitch = min(height / most, 3.4 * canvas.size.label)
        dot = min(0.5 * pitch, 20 * unit)
        names = [f"{prefix}{index + 1}" for index in wiring.weights[self.chosen]]
        in_x = left + canvas.widest(names, small) + 8 * unit + dot / 2
        out_x = left + width - canvas.measure("00", small) - 4 * unit - 1.1 * dot
        # A narrow drawing reads better than one whose lines run nearly flat.
        out_x = min(out_x, in_x + 12 * pitch)
        in_ys, out_ys = (
            [top + pitch * (most / 2 + at - (count - 1) / 2) for at in range(count)]
            for count in (math.prod(self.padded), math.prod(self.units))
        )
        outside = self._outside()
        self._draw_connections(in_x, in_ys, out_x, out_ys, outside)
        for y, out in zip(in_ys, outside, strict=True):
            canvas.dot(in_x, y, theme.quiet if out else theme.input, dot, hollow=out)
        for at, y in enumerate(out_ys):
            if at == self.chosen:
                canvas.dot(out_x, y, theme.output, 1.7 * dot, hollow=True)
            canvas.dot(out_x, y, theme.output, dot)
        every = math.ceil(1.1 * small / pitch)
        for index in range(0, len(names), every):
            y = in_ys[wiring.reads[self.chosen, index]]
            canvas.text(in_x - dot / 2 - 8 * unit, y, names[index], "rm", px=small)
        x, y = out_x + 1.1 * dot + 4 * unit, out_ys[self.chosen]
        canvas.text(x, y, str(self.chosen), "lm", px=small, bold=True)

    def _outside(self) -> list[bool]:
        """Which cells of the padded input are padding."""
        _, _, left, right = self.padding
        return [True] * left + [False] * self.inputs[1] + [True] * right

    def _draw_connections(
        self,
        in_x: float,
        in_ys: Sequence[float],
        out_x: float,
        out_ys: Sequence[float],
        outside: Sequence[bool],
    ) -> None:
        """A line each, of one look together: those of the emphasised unit above the others."""
        canvas, wiring, theme = self.canvas, self.wiring, self.canvas.theme
        groups: dict[tuple[bool, int, bool], list] = {}
        for (at, place), cell in np.ndenumerate(wiring.reads):
            weight = int(wiring.weights[at, place]) if wiring.shares else -1
            group = groups.setdefault((at == self.chosen, weight, outside[cell]), [])
            group.append(((in_x, in_ys[cell]), (out_x, out_ys[at])))
        colours = self.colours()
        for (bold, weight, dashed), lines in sorted(groups.items()):
            colour = theme.window if bold else style.blend(theme.ground, theme.quiet, 0.6)
            thin = canvas.size.hair * (1.0 if self.sees_all else 1.6)
            stroke = 0.7 * canvas.size.thick if bold else thin
            colour = colours[weight] if colours else colour
            canvas.strokes(lines, colour, stroke=stroke, dashed=dashed)


class _Grids(_Panel):
    """Two dimensions: the input above the units, the windows of one or two."""

    def shown(self) -> list[int]:
        """The emphasised unit; where it does not see everything also another one.

        The first whose window lies beside the emphasised one, or else the farthest.
        """
        if self.sees_all:
            return [self.chosen]
        seen = self.wiring.reads[self.chosen]
        for at, cells in enumerate(self.wiring.reads):
            if not np.isin(cells, seen).any():
                return [self.chosen, at]
        far = max(np.ndindex(*self.units), key=lambda at: math.dist(at, self.unit))
        return [self.chosen, far[0] * self.units[1] + far[1]]

    @property
    def cells(self) -> Cells:
        """The padded input: with a gap and the units below it, it fills the panel."""
        left, top, width, height = self.place
        (rows, columns), (unit_rows, unit_columns) = self.padded, self.units
        side = min(width / max(columns, unit_columns), height / (rows + unit_rows + BETWEEN))
        return Cells(self.canvas, left, top, rows, columns, float(math.floor(side)))

    def number_size(self, prefix: str) -> float | None:
        """Text height at which the numbers of all shown weights fit their cells."""
        shown = self.wiring.weights[self.shown()].reshape(-1) + 1
        return self.cells.size_of([f"{prefix}{weight}" for weight in shown])

    def draw(self, prefix: str) -> None:
        """The input, the units and the windows; ``prefix`` of the weights' numbers."""
        canvas, theme, cells = self.canvas, self.canvas.theme, self.cells
        top, _, left, _ = self.padding
        if any(self.padding):
            cells.box(fill=theme.hairline_fill)
            cells.lines(theme.hairline, dashed=True)
        cells.part(top, left, *self.inputs).draw(theme.input, theme.input_fill)
        x, y = cells.corner(cells.rows + BETWEEN, (cells.columns - self.units[1]) / 2)
        units = Cells(canvas, x, y, *self.units, cells.width)
        units.lines(theme.output)
        shown = self.shown()[::-1]  # the emphasised unit on top of the other
        windows = [self._window(at) for at in shown]
        ends = [units.part(*divmod(at, units.columns)) for at in shown]
        for window, unit in zip(windows, ends, strict=True):
            for side in (0, 1):
                (x, y), end = (
                    window.corner(window.rows, side * window.columns),
                    unit.corner(0, side),
                )
                stroke = canvas.size.hair * 1.3
                canvas.line([x, end[0]], [y, end[1]], theme.window, stroke=stroke, dashes=(5, 3))
        for at in shown:
            self._fill_window(at, prefix)
        for at, window, unit in zip(shown, windows, ends, strict=True):
            stroke = canvas.size.thick * (0.8 if at == self.chosen else 0.4)
            window.box(theme.window, stroke=stroke)
            unit.box(theme.output, theme.output_fill, stroke=stroke)

    def _window(self, at: int) -> Cells:
        """The cells that a unit sees, and those between them."""
        rows, columns = np.divmod(self.wiring.reads[at], self.padded[1])
        extent = int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
        return self.cells.part(int(rows.min()), int(columns.min()), *extent)

    def _fill_window(self, at: int, prefix: str) -> None:
        """The cells that a unit sees, filled, each with its weight's name where it fits."""
        wiring, theme, colours, px = (
            self.wiring,
            self.canvas.theme,
            self.colours(),
            self.number_size(prefix),
        )
        hidden = set() if at == self.chosen else set(wiring.reads[self.chosen].tolist())
        for place, weight in zip(wiring.reads[at].tolist(), wiring.weights[at], strict=True):
            if place in hidden:
                continue
            cell = self.cells.part(*divmod(place, self.padded[1]))
            fill = colours[weight] if colours else theme.window_fill
            cell.box(theme.window, fill)
            if px is not None:
                cell.write([f"{prefix}{weight + 1}"], px, style.ink_on(fill))
