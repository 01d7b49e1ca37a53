"""One step of convolution in the oblique view: planes of cells and the window's rays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells, number_size
from convlab.viz.sliding_window import CHANNEL_NAMES, SlidingWindow, words

# One row further back goes this far to the right and up, in cells.
BACK = np.array([0.42, -0.52])
LAYER = 0.62  # from one plane of a stack to the next, in cells
MOST_PLANES = 8


def isometric(
    shown: SlidingWindow, *, theme: str = "light", size: str = "slide", numbers: bool = True
) -> Figure:
    """Input planes below, output planes above, rays from the window to the cell that it makes.

    The planes of a stack are channels, the first on top, and maps, the current one on top.
    Numbers stand on a
    single plane or the top one where its cells are large enough; the words below
    are those of ``sliding_window``.  Raises SpecError for an unknown size or theme.
    """
    lowest, highest = style.size_named(size).heights
    for aspect in (0.6, 0.8, 1.0, 1.2, 1.4) if lowest < highest else (9 / 16,):
        canvas = Canvas(size, theme, aspect)
        view = _View(canvas, shown, numbers, words(canvas, shown, numbers))
        if view.bottom - canvas.top >= view.least_height:
            break
    view.draw()
    return canvas.figure


class _Plane:
    """A plane of cells: where its corner at the front left is, and its cells' corners."""

    def __init__(self, x: float, y: float, shape: tuple[int, int], cell: float) -> None:
        self.origin, self.shape, self.cell = np.array([x, y]), shape, cell

    def at(self, row: float, column: float) -> NDArray:
        """A place given in rows from the back and columns from the left."""
        steps = np.array([column, 0.0]) + (self.shape[0] - row) * BACK
        return self.origin + self.cell * steps

    def quad(self, row: float, column: float, rows: float = 1, columns: float = 1) -> NDArray:
        """Corners (4, 2) of a block of cells."""
        ends = ((0, 0), (0, columns), (rows, columns), (rows, 0))
        return np.array([self.at(row + r, column + c) for r, c in ends])


class _View:
    def __init__(self, canvas: Canvas, shown: SlidingWindow, numbers: bool, bottom: float) -> None:
        self.canvas, self.shown, self.numbers, self.bottom = canvas, shown, numbers, bottom
        self.theme = canvas.theme
        self.planes = min(len(shown.stage), MOST_PLANES)
        self.maps = min(len(shown.output), MOST_PLANES)
        self.least_height = 3.3 * (0.85 * canvas.size.title + 2 * canvas.size.subtitle) * LINE

    def draw(self) -> None:
        canvas, shown = self.canvas, self.shown
        _, rows, columns = shown.stage.shape
        _, out_rows, out_columns = shown.output.shape
        heads = canvas.widest(
            ("Input", "Output", shown.window_title()), 0.85 * canvas.size.title, True
        )
        notes = (shown.input_note, shown.window_note)
        side = max(heads, min(0.26 * canvas.width, canvas.widest(notes, canvas.size.small)))
        side += canvas.size.title
        # In cells: what both stacks need, the output above the input.
        width = max(columns + rows * BACK[0], out_columns + out_rows * BACK[0])
        if max(len(shown.stage), len(shown.output)) > 1:
            room_for = ("green", f"map {len(shown.output)}")
            side_right = canvas.widest(room_for, canvas.size.small) + canvas.size.small
        else:
            side_right = 0.0
        lower = -rows * BACK[1] + (self.planes - 1) * LAYER
        upper = -out_rows * BACK[1] + (self.maps - 1) * LAYER
        between = 0.35 * max(rows, out_rows) * -BACK[1] + 0.8
        height = lower + upper + between
        room = canvas.inner_width - side - side_right
        cell = min(room / width, (self.bottom - canvas.top) / height, 110 * canvas.unit)
        left = canvas.left + side
        left += (room - width * cell) / 2
        foot = (self.bottom + canvas.top + height * cell) / 2
        middle = left + width * cell / 2

        def stack(shape: tuple[int, int], count: int, base: float) -> list[_Plane]:
            x = middle - (shape[1] + shape[0] * BACK[0]) * cell / 2
            return [_Plane(x, base - i * LAYER * cell, shape, cell) for i in range(count)]

        inputs = stack((rows, columns), self.planes, foot)
        outputs = stack((out_rows, out_columns), self.maps, foot - (lower + between) * cell)
        top = inputs[-1]
        # The first channel lies on top, or the one that is pooled; stacks are drawn from below.
        first = shown.channel or 0
        others = [c for c in range(len(shown.stage)) if c != first][: self.planes - 1]
        for plane, channel in zip(inputs, [*others[::-1], first], strict=True):
            self._input(plane, channel)
        self._rays(top, outputs[-1])
        empty = shown.outside | shown.inserted
        empty[np.ix_(*shown.window)] = False
        self._numbers(top, lambda digits: shown.inputs(digits).marked(), first, empty)
        others = [o for o in range(len(shown.output)) if o != shown.at[0]][: self.maps - 1]
        for plane, index in zip(outputs, [*others[::-1], shown.at[0]], strict=True):
            self._output(plane, index)

        def middle_of(planes: list[_Plane]) -> float:
            return (planes[0].at(planes[0].shape[0], 0)[1] + planes[-1].at(0, 0)[1]) / 2

        between_them = (inputs[-1].at(0, 0)[1] + outputs[0].at(out_rows, 0)[1]) / 2
        heads = [
            (middle_of(outputs), "Output", self._output_note(), self.theme.output),
            (between_them, shown.window_title(), shown.window_note, self.theme.window),
            (middle_of(inputs), "Input", shown.input_note, self.theme.input),
        ]
        # Each beside what it names, but apart: from below upwards, then downwards.
        longest = max(len(self._note_lines(head[2], side)) for head in heads)
        pitch = (0.85 * canvas.size.title + longest * canvas.size.subtitle) * LINE * 1.1
        ys = [head[0] for head in heads]
        ys[2] = min(ys[2], self.bottom - pitch / 2)
        for i in (1, 0):
            ys[i] = min(ys[i], ys[i + 1] - pitch)
        ys[0] = max(ys[0], canvas.top + pitch / 2)
        for i in (1, 2):
            ys[i] = max(ys[i], ys[i - 1] + pitch)
        for y, (_, *head) in zip(ys, heads, strict=True):
            self._head(y, *head, side)
        self._kernel(ys[1] + pitch / 2, ys[2] - pitch / 2, side)

    def _output_note(self) -> str:
        filters, *size = self.shown.output.shape
        return style.size_text(*size, *([filters] if filters > 1 else []))

    def _note_lines(self, note: str, side: float) -> list[str]:
        return self.canvas.lines(
            note, side - 0.4 * self.canvas.size.title, self.canvas.size.subtitle
        )

    def _head(self, middle: float, title: str, note: str, colour: str, side: float) -> None:
        canvas, px = self.canvas, 0.85 * self.canvas.size.title
        lines = self._note_lines(note, side)
        y = middle - (px + len(lines) * canvas.size.subtitle) * LINE / 2
        canvas.text(canvas.left, y, title, px=px, colour=colour, bold=True)
        y += px * LINE
        for line in lines:
            canvas.text(
                canvas.left,
                y,
                line,
                px=canvas.size.subtitle,
                colour=self.theme.quiet,
                width=side - 0.4 * canvas.size.title,
            )
            y += canvas.size.subtitle * LINE

    def _kernel(self, top: float, bottom: float, side: float) -> None:
        """The kernel of one channel as a flat grid, and the bias, where there is room."""
        canvas, shown, theme = self.canvas, self.shown, self.theme
        if shown.kernel is None or len(shown.kernel) > 1 or not self.numbers:
            return
        _, rows, columns = shown.kernel.shape
        texts = shown.weights().marked()
        line = 1.6 * canvas.size.label if shown.bias is not None else 0.0
        cell = min((bottom - top - line) / rows, (side - canvas.size.title) / columns)
        cell = min(cell, 2.6 * canvas.size.label)
        px = number_size(canvas, texts, cell, cell)
        if px is None:
            return
        canvas.box(canvas.left, top, columns * cell, rows * cell, fill=theme.window_fill)
        Cells(canvas, canvas.left, top, rows, columns, cell).lines(theme.window)
        for i, text in enumerate(texts):
            row, column = divmod(i, columns)
            x, y = canvas.left + (column + 0.5) * cell, top + (row + 0.5) * cell
            canvas.text(x, y, text, "mc", px=px)
        if shown.bias is not None:
            parts = [("bias", theme.quiet, False), (shown.bias_text(), theme.mistake, True)]
            canvas.run(canvas.left, top + rows * cell + 0.3 * line, parts, canvas.size.label)

    def _cells(self, plane: _Plane, chosen: NDArray, edge: str, fill: str, **line) -> None:
        quads = np.array([plane.quad(row, column) for row, column in np.argwhere(chosen)])
        if len(quads):
            self.canvas.polygons(quads, edge=edge, fill=fill, **line)

    def _input(self, plane: _Plane, channel: int) -> None:
        shown, theme = self.shown, self.theme
        channels = len(shown.stage)
        edge = theme.input
        if channels == 3:
            edge = (theme.red, theme.green, theme.blue)[channel]
        empty = shown.outside | shown.inserted
        self._cells(plane, empty, theme.hairline, theme.hairline_fill, dashed=True)
        self._cells(plane, ~empty, edge, theme.input_fill)
        window = np.zeros(empty.shape, bool)
        if shown.channel is None or shown.channel == channel:
            window[np.ix_(*shown.window)] = True
        self._cells(plane, window, theme.window, theme.window_fill)
        if channels > 1:
            name = CHANNEL_NAMES[channel] if channels == 3 else f"{channel}"
            x, y = plane.at(0, plane.shape[1]) + (0.3 * plane.cell, 0)
            px = self.canvas.size.small
            if plane.cell * LAYER > px * 1.2:
                self.canvas.text(x, y, name, "lc", px=px, colour=edge)

    def _output(self, plane: _Plane, index: int) -> None:
        shown, theme = self.shown, self.theme
        now = int(np.ravel_multi_index(shown.at, shown.output.shape))
        order = np.arange(shown.output.size).reshape(shown.output.shape)[index]
        done = order <= now
        self._cells(plane, ~done, theme.output, theme.ground)
        self._cells(plane, done, theme.output, theme.output_fill)
        if index == shown.at[0]:
            quad = plane.quad(*shown.at[1:])[None]
            self.canvas.polygons(quad, edge=theme.output, stroke=0.8 * self.canvas.size.thick)
            self._numbers(plane, lambda digits: shown.results(digits).marked(), index, ~done, ~done)
        if len(shown.output) > 1:
            x, y = plane.at(0, plane.shape[1]) + (0.3 * plane.cell, 0)
            px = self.canvas.size.small
            if plane.cell * LAYER > px * 1.2:
                self.canvas.text(x, y, f"map {index}", "lc", px=px, colour=theme.output)

    def _numbers(
        self,
        plane: _Plane,
        written: Callable[[int | None], list[str]],
        index: int,
        quiet: NDArray,
        hidden: NDArray | None = None,
    ) -> None:
        """Upright numbers in the cells of a plane, the one at ``index`` of those written.

        With as many digits as fit, of at most so many; none in the cells ``hidden``.
        """
        canvas = self.canvas
        for digits in (None, 3, 2):
            texts = np.reshape(written(digits), (-1, *plane.shape))[index]
            # A text must stay inside its slanted cell.
            flat = texts.ravel().tolist()
            px = number_size(canvas, flat, 0.72 * plane.cell, -BACK[1] * plane.cell * 1.15)
            if px is not None:
                break
        if not self.numbers or px is None:
            return
        if hidden is not None:
            texts = np.where(hidden, "", texts)
        for row, column in zip(*np.nonzero(texts), strict=True):
            x, y = plane.at(row + 0.5, column + 0.5)
            colour = self.theme.quiet if quiet[row, column] else self.theme.ink
            canvas.text(x, y, texts[row, column], "mc", px=px, colour=colour)

    def _rays(self, plane: _Plane, target: _Plane) -> None:
        """From the corners of the window to those of the cell that it makes."""
        canvas, theme = self.canvas, self.theme
        rows, columns = self.shown.window
        lengths = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        window = plane.quad(rows[0], columns[0], *lengths)
        cell = target.quad(*self.shown.at[1:])
        canvas.polygons(window[None], edge=theme.window, stroke=canvas.size.thick)
        rays = [(tuple(a), tuple(b)) for a, b in zip(window, cell, strict=True)]
        canvas.strokes(rays, theme.window, stroke=0.35 * canvas.size.thick)
