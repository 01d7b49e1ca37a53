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
from convlab.viz.matrix import Cells, number_size

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
    padded = (
        input_size[0] + padding[0] + padding[1],
        input_size[1] + padding[2] + padding[3],
    )
    check_room(input_size, padding, dimensions)
    canvas = Canvas(size, theme, aspect=1.0 if dimensions == 1 else 0.85)
    canvas.headline(title, subtitle, canvas.theme.ink)
    gap = min(60 * canvas.unit, 0.05 * canvas.width)
    width = (canvas.inner_width - gap * (len(wirings) - 1)) / len(wirings)
    panels = []
    for index, (wiring, counts) in enumerate(
        zip(wirings, _counts(canvas, wirings, width), strict=True)
    ):
        left, top = canvas.left + index * (width + gap), canvas.top
        canvas.text(left, top, wiring.name, bold=True, width=width)
        top += canvas.size.label * LINE
        for text in counts:
            canvas.note(left, top, text)
            top += canvas.size.small * LINE
        top += 0.6 * canvas.size.small
        place = (left, top, width, canvas.bottom - top)
        panels.append(_Panel(canvas, wiring, padded, padding, unit_size, unit, place))
    prefix = "w" if all(panel.number_size("w") for panel in panels) else ""
    for panel in panels:
        if dimensions == 1:
            panel.lines()
        else:
            panel.grids(prefix)
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
    padded: Pair
    padding: Sides
    units: Pair
    unit: Pair
    place: tuple[float, float, float, float]  # left, top, width, height

    @property
    def chosen(self) -> int:
        return self.unit[0] * self.units[1] + self.unit[1]

    def colours(self) -> list[str]:
        """A colour for each weight that is shared."""
        return style.shared_colours(self.wiring.parameters, self.canvas.theme)

    @property
    def sees_all(self) -> bool:
        return self.wiring.reads.shape[1] == np.count_nonzero(~self.outside())

    def outside(self) -> NDArray:
        """(cells,) bool: which cells of the padded input are padding."""
        top, bottom, left, right = self.padding
        inside = np.zeros(self.padded, bool)
        inside[top : self.padded[0] - bottom, left : self.padded[1] - right] = True
        return ~inside.reshape(-1)

    # One dimension ---------------------------------------------------------------------------

    def lines(self) -> None:
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

        def y_of(index: int, count: int) -> float:
            return middle + (index - (count - 1) / 2) * pitch

        outside = self.outside()
        segments = {}
        for at, (cells, weights) in enumerate(zip(wiring.reads, wiring.weights, strict=True)):
            for cell, weight in zip(cells, weights, strict=True):
                ends = ((in_x, y_of(cell, inputs)), (out_x, y_of(at, units)))
                group = (at == self.chosen, int(weight) if wiring.shares else -1, outside[cell])
                segments.setdefault(group, []).append(ends)
        colours = self.colours() if wiring.shares else []
        for bold, weight, dashed in sorted(segments):
            if weight >= 0:
                colour = colours[weight]
            else:
                colour = theme.window if bold else style.blend(theme.ground, theme.quiet, 0.6)
            thin = canvas.size.hair * (1.0 if self.sees_all else 1.6)
            stroke = 0.7 * canvas.size.thick if bold else thin
            canvas.strokes(segments[bold, weight, dashed], colour, stroke=stroke, dashed=dashed)
        for cell in range(inputs):
            colour = theme.quiet if outside[cell] else theme.input
            canvas.dot(in_x, y_of(cell, inputs), colour, dot, hollow=bool(outside[cell]))
        for at in range(units):
            y = y_of(at, units)
            if at == self.chosen:
                canvas.dot(out_x, y, theme.output, 1.7 * dot, hollow=True)
            canvas.dot(out_x, y, theme.output, dot)
        self.name_weights(names, in_x - dot / 2 - 8 * unit, lambda cell: y_of(cell, inputs), pitch)
        canvas.text(
            out_x + 1.1 * dot + 4 * unit,
            y_of(self.chosen, units),
            str(self.chosen),
            "lm",
            px=small,
            bold=True,
        )

    def name_weights(self, names, x, y_of, pitch) -> None:
        """The weights of the emphasised unit, each at the input that it weighs."""
        canvas, small = self.canvas, self.canvas.size.small
        every = math.ceil(1.1 * small / pitch)
        for index, (cell, name) in enumerate(
            zip(self.wiring.reads[self.chosen], names, strict=True)
        ):
            if index % every == 0:
                canvas.text(x, y_of(cell), name, "rm", px=small)

    # Two dimensions --------------------------------------------------------------------------

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
    def cell(self) -> float:
        """Side of a cell: the input, a gap and the units below it fill the panel."""
        _, _, width, height = self.place
        (rows, columns), (unit_rows, unit_columns) = self.padded, self.units
        side = min(width / max(columns, unit_columns), height / (rows + unit_rows + BETWEEN))
        return float(math.floor(side))

    def number_size(self, prefix: str) -> float | None:
        """Text height at which the numbers of all shown weights fit their cells."""
        shown = self.wiring.weights[self.shown()].reshape(-1) + 1
        return number_size(self.canvas, [f"{prefix}{w}" for w in shown], self.cell, self.cell)

    def grids(self, prefix: str) -> None:
        """The input above the units, the windows of some; ``prefix`` of the weights' numbers."""
        canvas, theme = self.canvas, self.canvas.theme
        x, y, *_ = self.place
        cell, px = self.cell, self.number_size(prefix)
        (rows, columns), (unit_rows, unit_columns) = self.padded, self.units
        unit_x = x + (columns - unit_columns) * cell / 2
        unit_y = y + (rows + BETWEEN) * cell
        self._input(x, y, cell)
        Cells(canvas, unit_x, unit_y, unit_rows, unit_columns, cell).lines(theme.output)
        shown = self.shown()[::-1]  # the emphasised unit on top of the other
        corners = {
            at: (unit_x + at % unit_columns * cell, unit_y + at // unit_columns * cell)
            for at in shown
        }
        for at in shown:
            self._guides(self._extent(at), corners[at])
        for at in shown:
            self._window(at, prefix, px)
        for at in shown:
            stroke = canvas.size.thick * (0.8 if at == self.chosen else 0.4)
            row, column, height, width = self._extent(at)
            left, top = x + column * cell, y + row * cell
            canvas.box(left, top, width * cell, height * cell, edge=theme.window, stroke=stroke)
            canvas.box(
                *corners[at], cell, cell, edge=theme.output, fill=theme.output_fill, stroke=stroke
            )

    def _extent(self, at: int) -> tuple[int, int, int, int]:
        """First row, first column, rows and columns of a unit's window on the padded input."""
        rows, columns = np.divmod(self.wiring.reads[at], self.padded[1])
        return (
            int(rows.min()),
            int(columns.min()),
            int(np.ptp(rows)) + 1,
            int(np.ptp(columns)) + 1,
        )

    def _input(self, x: float, y: float, cell: float) -> None:
        canvas, theme = self.canvas, self.canvas.theme
        rows, columns = self.padded
        top, bottom, left, right = self.padding
        if any(self.padding):
            canvas.box(x, y, columns * cell, rows * cell, fill=theme.hairline_fill)
            Cells(canvas, x, y, rows, columns, cell).lines(theme.hairline, dashed=True)
        inner = (rows - top - bottom, columns - left - right)
        x, y = x + left * cell, y + top * cell
        canvas.box(x, y, inner[1] * cell, inner[0] * cell, fill=theme.input_fill)
        Cells(canvas, x, y, *inner, cell).lines(theme.input)

    def _window(self, at: int, prefix: str, px: float | None) -> None:
        """The cells that a unit sees, filled, each with its weight's name where it fits."""
        canvas, wiring, theme = self.canvas, self.wiring, self.canvas.theme
        corner, cell = self.place[:2], self.cell
        colours = self.colours() if wiring.shares else []
        hidden = set() if at == self.chosen else set(wiring.reads[self.chosen].tolist())
        for place, weight in zip(wiring.reads[at], wiring.weights[at], strict=True):
            if int(place) in hidden:
                continue
            row, column = divmod(int(place), self.padded[1])
            x, y = corner[0] + column * cell, corner[1] + row * cell
            fill = colours[weight] if wiring.shares else theme.window_fill
            canvas.box(x, y, cell, cell, edge=theme.window, fill=fill)
            if px is not None:
                canvas.text(
                    x + cell / 2,
                    y + cell / 2,
                    f"{prefix}{weight + 1}",
                    "mm",
                    px=px,
                    colour=style.ink_on(fill),
                )

    def _guides(self, extent: tuple[int, int, int, int], corner: tuple[float, float]) -> None:
        """From the lower corners of a window to the upper ones of its unit."""
        canvas, cell = self.canvas, self.cell
        row, column, rows, columns = extent
        for side in (0, 1):
            canvas.line(
                [self.place[0] + (column + side * columns) * cell, corner[0] + side * cell],
                [self.place[1] + (row + rows) * cell, corner[1]],
                canvas.theme.window,
                stroke=canvas.size.hair * 1.3,
                dashes=(5, 3),
            )
