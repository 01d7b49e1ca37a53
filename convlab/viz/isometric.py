"""One step of convolution in the oblique view: planes of cells and the window's rays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.numerals import Numbers
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.isometric_kernels import Kernels
from convlab.viz.matrix import Cells
from convlab.viz.window_grids import more, words
from convlab.window_step import SlidingWindow
from convlab.words import t

# One row further back goes this far to the right and up, in cells.
LEAN, FLAT = 0.42, 0.52
LAYER = 0.62  # from one plane of a stack to the next, in cells
MOST_PLANES = 8
Written = Callable[[int | None], Numbers]  # numbers with at most so many digits


def isometric(
    shown: SlidingWindow, *, theme: str = "light", size: str = "slide", numbers: bool = True
) -> Figure:
    """Input planes below, output planes above, rays from the window to the cell that it makes.

    The planes of a stack are channels, the first on top, and maps, the current one on top.
    Numbers stand on a single plane or the top one where its cells are large enough; the words
    below are those of ``sliding_window``.  Raises SpecError for an unknown size or theme.
    """
    lowest, highest = style.size_named(size).heights
    for aspect in (0.6, 0.8, 1.0, 1.2, 1.4) if lowest < highest else (9 / 16,):
        canvas = Canvas(size, theme, aspect)
        canvas.titled()
        view = _View(canvas, shown, numbers, words(canvas, shown, numbers))
        least = 3.3 * (0.85 * canvas.size.title + 2 * canvas.size.subtitle) * LINE
        if view.bottom - canvas.top >= least:
            break
    view.draw()
    return canvas.figure


class _Plane(Cells):
    """Cells that lie flat, from their corner at the back on; drawn as polygons alone."""

    def corner(self, row: float, column: float) -> tuple[float, float]:
        return self.left + (column - LEAN * row) * self.width, self.top + row * self.height


class _View:
    """A step above ``bottom``: its two stacks, and at the left the headline of each part."""

    def __init__(self, canvas: Canvas, shown: SlidingWindow, numbers: bool, bottom: float) -> None:
        self.canvas, self.shown, self.numbers, self.bottom = canvas, shown, numbers, bottom
        self.theme, self.title = canvas.theme, 0.85 * canvas.size.title
        self.heads = (
            (t("Output"), shown.output_note(), self.theme.output),
            (self._window_title(), shown.window_note, self.theme.window),
            (t("Input"), shown.input_note, self.theme.input),
        )
        titles = canvas.widest((title for title, *_ in self.heads), self.title, True)
        notes = canvas.widest((shown.input_note, shown.window_note), canvas.size.small)
        self.side = max(titles, min(0.26 * canvas.width, notes)) + canvas.size.title
        self.left, width = canvas.left, self.side - 0.4 * canvas.size.title
        self.notes = [canvas.lines(note, width, canvas.size.subtitle) for _, note, _ in self.heads]
        # Of a headline with its notes and the space behind it.
        lines = max(map(len, self.notes)) * canvas.size.subtitle
        self.pitch = (self.title + lines) * LINE * 1.1
        self.kernels = self._kernels()
        if self.kernels:
            self.side = max(self.side, self.kernels.width + canvas.size.title)
        self.inputs, self.outputs = self._stacks()

    def _window_title(self) -> str:
        """The kernels, where several are written out; else what the window does."""
        count = len(self.shown.output)
        if self.shown.kernel is None or count == 1 or not self.numbers:
            return self.shown.window_title()
        return t("{n} kernels", count)

    def _kernels(self) -> Kernels | None:
        """The kernels with their numbers, between the other headlines, if there is room."""
        if self.shown.kernel is None or not self.numbers:
            return None
        height = self.bottom - self.canvas.top - 3 * self.pitch - self.canvas.size.small
        kernels = Kernels(self.canvas, self.shown, (0.36 * self.canvas.inner_width, height))
        return kernels if kernels.rows else None

    def _stacks(self) -> tuple[list[_Plane], list[_Plane]]:
        """The planes of input and output, each from the lowest up."""
        canvas, shapes = self.canvas, (self.shown.stage.shape, self.shown.output.shape)
        counts = [min(count, MOST_PLANES) for count, _, _ in shapes]
        # In cells: what both stacks need, the output above the input.
        width = max(columns + rows * LEAN for _, rows, columns in shapes)
        heights = [
            rows * FLAT + (count - 1) * LAYER
            for count, (_, rows, _) in zip(counts, shapes, strict=True)
        ]
        between = 0.35 * max(rows for _, rows, _ in shapes) * FLAT + 0.8
        height = sum(heights) + between
        room = canvas.inner_width - self.side
        if max(counts) > 1:
            labels = (t("green"), t("map {number}", len(self.shown.output)))
            room -= canvas.widest(labels, canvas.size.small) + canvas.size.small
        cell = min(room / width, (self.bottom - canvas.top) / height, 110 * canvas.unit)
        foot = (self.bottom + canvas.top + height * cell) / 2
        feet = foot, foot - (heights[0] + between) * cell
        # Close to what is said of them.
        spare = room - width * cell
        self.left += min(spare / 2, 0.16 * canvas.inner_width)
        middle = self.left + self.side + min(width * cell / 2 + 0.12 * spare, room / 2)
        stacks = []
        for (_, rows, columns), count, foot in zip(shapes, counts, feet, strict=True):
            left, top = middle + (rows * LEAN - columns) * cell / 2, foot - rows * FLAT * cell
            look = canvas, left, top, rows, columns, cell, FLAT * cell
            plane = _Plane(*look)
            stacks.append([replace(plane, top=top - i * LAYER * cell) for i in range(count)])
        return stacks[0], stacks[1]

    def draw(self) -> None:
        """Draw all of it; stacks from below."""
        shown, inputs, outputs = self.shown, self.inputs, self.outputs
        # The first channel lies on top, or the one that is pooled.
        first = shown.channel or 0
        for plane, channel in zip(inputs, _from_below(len(shown.stage), first), strict=True):
            self._input(plane, channel)
        inks = np.where(shown.inside | shown.under(first), self.theme.ink, self.theme.quiet)
        self._numbers(inputs[-1], shown.inputs, first, inks)
        for plane, index in zip(outputs, _from_below(len(shown.output), shown.at[0]), strict=True):
            self._output(plane, index)
        self._rays(inputs[-1], outputs[-1])
        self._left_out(inputs[0], len(shown.stage), "channel")
        self._left_out(outputs[0], len(shown.output), "map")
        self._heads()

    def _left_out(self, lowest: _Plane, count: int, what: str) -> None:
        """How many planes of a stack are not drawn, below the others."""
        if count > MOST_PLANES:
            x, y = lowest.corner(0, lowest.columns)
            y += max(LAYER * lowest.width, 1.2 * self.canvas.size.small)
            text = more(count - MOST_PLANES, what)
            wide = self.canvas.measure(text, self.canvas.size.small)
            self.canvas.note(min(x + 0.3 * lowest.width, self.canvas.right - wide), y, text, "lc")

    def _input(self, plane: _Plane, channel: int) -> None:
        shown, theme = self.shown, self.theme
        label, edge = theme.channel(channel, len(shown.stage))
        plane.polygons(~shown.inside, theme.hairline, theme.hairline_fill, dashed=True)
        plane.polygons(shown.inside, edge, theme.input_fill)
        under = shown.under(channel)
        plane.polygons(under & ~shown.inside, theme.window, theme.hairline_fill)
        plane.polygons(under & shown.inside, theme.window, theme.window_fill)
        if len(shown.stage) > 1:
            self._label(plane, label if len(shown.stage) == 3 else str(channel), edge)

    def _output(self, plane: _Plane, index: int) -> None:
        shown, theme, done = self.shown, self.theme, self.shown.done[index]
        plane.polygons(~done, theme.output, theme.ground)
        plane.polygons(done, theme.output, theme.output_fill)
        if index == shown.at[0]:
            current = plane.part(*shown.at[1:]).outline()[None]
            stroke = 0.8 * self.canvas.size.thick
            self.canvas.polygons(current, edge=theme.output, stroke=stroke)
            self._numbers(plane, shown.results, index, np.where(done, theme.ink, ""))
        if len(shown.output) > 1:
            self._label(plane, t("map {number}", index), theme.output)

    def _label(self, plane: _Plane, text: str, colour: str) -> None:
        """The name of a plane at its corner, where planes are far enough apart."""
        px = self.canvas.size.small
        if plane.width * LAYER > px * 1.2:
            x, y = plane.corner(0, plane.columns)
            self.canvas.note(x + 0.3 * plane.width, y, text, "lc", colour=colour)

    def _numbers(self, plane: _Plane, written: Written, index: int, inks: NDArray) -> None:
        """Upright numbers in the cells of a plane that have an ink, the ``index``-th of those.

        With as many digits as fit, of at most so many.
        """
        # A text must stay inside its slanted cell.
        cell = replace(plane, height=1.15 * plane.height)
        for digits in (None, 3, 2):
            texts = np.reshape(written(digits).marked(), (-1, *inks.shape))[index]
            px = cell.size_of(texts.ravel().tolist(), 0.72)
            if px is not None:
                break
        if not self.numbers or px is None:
            return
        for place, ink in np.ndenumerate(inks):
            if ink:
                self.canvas.text(*plane.middle(*place), texts[place], "mc", px=px, colour=ink)

    def _rays(self, plane: _Plane, target: _Plane) -> None:
        """From the corners of the window to those of the cell that it makes."""
        canvas, colour = self.canvas, self.theme.window
        window = plane.span(*self.shown.window).outline()
        cell = target.part(*self.shown.at[1:]).outline()
        canvas.polygons(window[None], edge=colour, stroke=canvas.size.thick)
        rays = [(tuple(a), tuple(b)) for a, b in zip(window, cell, strict=True)]
        canvas.strokes(rays, colour, stroke=0.35 * canvas.size.thick)

    # At the left ------------------------------------------------------------------------------

    def _heads(self) -> None:
        """A headline beside each of output, window and input, and the kernels below theirs."""
        canvas, size = self.canvas, self.canvas.size
        middles = [
            (planes[0].corner(planes[0].rows, 0)[1] + planes[-1].top) / 2
            for planes in (self.outputs, self.inputs)
        ]
        kernels = self.kernels.height + 0.8 * size.small if self.kernels else 0.0
        between = (self.inputs[-1].top + self.outputs[0].corner(self.outputs[0].rows, 0)[1]) / 2
        # Each beside what it names, but apart: from below upwards, then downwards.
        ys = [middles[0], between - kernels / 2, min(middles[1], self.bottom - self.pitch / 2)]
        apart = [self.pitch, self.pitch + kernels]
        for i in (1, 0):
            ys[i] = min(ys[i], ys[i + 1] - apart[i])
        ys[0] = max(ys[0], canvas.top + self.pitch / 2)
        for i in (1, 2):
            ys[i] = max(ys[i], ys[i - 1] + apart[i - 1])
        width = self.side - 0.4 * size.title
        for y, (title, _, colour), lines in zip(ys, self.heads, self.notes, strict=True):
            y -= (self.title + len(lines) * size.subtitle) * LINE / 2
            canvas.text(self.left, y, title, px=self.title, colour=colour, bold=True)
            quiet = partial(canvas.paragraph, px=size.subtitle, colour=self.theme.quiet)
            quiet(self.left, y + self.title * LINE, lines, width=width)
        if self.kernels:
            self.kernels.draw(self.left, ys[1] + self.pitch / 2)


def _from_below(count: int, top: int) -> list[int]:
    """The planes of a stack that are drawn, from the lowest up to ``top``."""
    others = [index for index in range(count) if index != top][: MOST_PLANES - 1]
    return [*others[::-1], top]
