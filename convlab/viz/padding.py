"""What is around an image, and how often each of its pixels is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.shapes import Pair, Sides
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import Grid, arrange, whole_cells
from convlab.words import t

WORDS = {
    "zeros": t("nothing but 0 around"),
    "reflect": t("mirrored, the border row once"),
    "replicate": t("the border goes on"),
    "circular": t("the other side comes in"),
}


def padding_modes(
    padded: Mapping[str, ArrayLike], sides: tuple[int, int, int, int], **page: Unpack[Page]
) -> Figure:
    """A panel for each mode of padding: the input outlined, the padding quiet around it.

    padded: for each of zeros, reflect, replicate and circular, or some of them, numbers
    (H, W), padding included.  sides: how many of them are padding (top, bottom, left, right).

    Raises ShapeError for no modes, arrays of different shapes, and padding that leaves
    nothing; SpecError for an unknown mode, theme or size.
    """
    arrays = {mode: np.asarray(values, float) for mode, values in padded.items()}
    shapes = {values.shape for values in arrays.values()}
    top, bottom, left, right = sides
    shape = next(iter(shapes), ())
    if len(shapes) != 1 or len(shape) != 2 or not set(arrays) <= set(WORDS):
        raise ShapeError(
            f"expected modes among {', '.join(WORDS)} with arrays (H, W) of one shape, got"
            f" {', '.join(f'{mode} {values.shape}' for mode, values in arrays.items()) or 'none'}"
        )
    if min(sides) < 0 or shape[0] <= top + bottom or shape[1] <= left + right:
        raise ShapeError(f"expected padding inside {style.size_text(*shape)}, got {sides}")
    canvas = Sheet(0.75, "input", **page)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    everything = np.stack(list(arrays.values()))
    texts = exact(everything).marked()
    # Where numbers have no room below two lines, below one they may.
    for lines in (2, 1):
        head = lines * small * LINE + 0.2 * small
        room = canvas.inner_width, canvas.inner_height
        gap = (1.2 if lines == 2 else 0.6) * label
        grid = arrange(len(arrays), *room, shape, gap=gap, label=head)
        panel = Cells(canvas, canvas.left, canvas.top, *shape, grid.width / shape[1])
        px = panel.size_of(texts, 0.8)  # those of a row stay apart
        if px is not None:
            break
    beside = canvas.widest(arrays, small, True) + 0.8 * small
    if px is None and (found := _wide(canvas, len(arrays), shape, beside, texts)):
        (grid, panel, px), head = found, 0.0
    # Panels lower than their place do not hang from the headline.
    canvas.top += (canvas.inner_height - grid.total_height) / 3
    own = np.zeros(shape, bool)
    own[top : shape[0] - bottom, left : shape[1] - right] = True
    inks = np.where(own, colours.ink, colours.quiet).ravel().tolist()
    for at, (mode, values) in enumerate(arrays.items()):
        x, y = grid.corner(at)
        cells = replace(panel, left=canvas.left + x, top=canvas.top + y)
        width = min(grid.width + grid.gap_x - 0.5 * label, canvas.right - cells.left)
        y = cells.top - head
        canvas.text(cells.left, y, mode, px=small, bold=True, width=width)
        if not head:
            cells = replace(cells, left=cells.left + beside)
        elif lines == 2:
            canvas.note(cells.left, y + small * LINE, WORDS[mode], width=width)
        inside = cells.span(np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0)))
        if px is None:  # shades tell the modes apart, on one scale
            cells.shades(values, style.grey_scale(everything))
        else:
            cells.draw(colours.hairline, colours.hairline_fill, dashed=True)
            inside.draw(colours.input, colours.input_fill)
        inside.box(colours.input, stroke=0.6 * canvas.size.thick)
        if px is not None:
            cells.write(texts[at * values.size : (at + 1) * values.size], px, inks)
    return canvas.figure


def _wide(
    canvas: Canvas, count: int, shape: tuple[int, ...], beside: float, texts: list[str]
) -> tuple[Grid, Cells, float] | None:
    """Two panels in a row, with their names ``beside`` them and cells wider than high.

    None where numbers have no room in these either.
    """
    rows, columns = (count + 1) // 2, min(count, 2)
    gap = 1.2 * canvas.size.label
    high = (canvas.inner_height - (rows - 1) * gap) / rows
    wide = (canvas.inner_width - (columns - 1) * gap) / columns
    side = math.floor(high / shape[0])
    across = min((wide - beside) / shape[1], 1.6 * side)
    panel = Cells(canvas, canvas.left, canvas.top, shape[0], shape[1], across, side)
    px = panel.size_of(texts, 0.8)
    grid = Grid(columns, rows, beside + across * shape[1], side * shape[0], gap, gap, 0.0)
    return None if px is None else (grid, panel, px)


@dataclass(frozen=True, eq=False)
class ReadPixels:
    """How often the pixels of an image are read: ``counts`` (H, W), inside ``padding``."""

    name: str
    note: str
    counts: NDArray
    padding: Sides = (0, 0, 0, 0)


@dataclass(frozen=True)
class CentredKernel:
    """A kernel of ``shape`` and the pixel in its ``centre``; None: an even one has none."""

    name: str
    note: str
    shape: Pair
    centre: Pair | None


def usage(
    panels: Sequence[ReadPixels], kernels: Sequence[CentredKernel] = (), **page: Unpack[Page]
) -> Figure:
    """A panel each: the image's counts as shaded numbers, its padding dashed; last the kernels.

    All counts are on one scale from 0, whose bar stands there where numbers have no room.

    Raises ShapeError for no panels and for images of different sizes.
    """
    shapes = {panel.counts.shape for panel in panels}
    if len(shapes) != 1:
        raise ShapeError(f"expected counts (H, W) of one size, got {sorted(shapes)}")
    canvas = Sheet(1.35, "input", **page)
    _Panels(canvas, panels, kernels).draw()
    return canvas.figure


class _Panels:
    """Equal tiles: every panel has the room of the widest padding; the last holds the kernels."""

    def __init__(
        self, canvas: Canvas, panels: Sequence[ReadPixels], kernels: Sequence[CentredKernel]
    ) -> None:
        self.canvas, self.panels, self.kernels = canvas, panels, kernels
        counts = np.array([panel.counts for panel in panels], float)
        self.scale = style.activation_scale(np.append(counts, 0.0))
        self.bar = ColourBar(canvas, self.scale, t("times read"))
        self.texts = exact(counts).texts
        self.sides = np.max([panel.padding for panel in panels], axis=0)
        top, bottom, left, right = self.sides
        self.image = counts.shape[1:]
        self.shape = self.image[0] + top + bottom, self.image[1] + left + right
        self.head = 2 * canvas.size.small * LINE + 0.3 * canvas.size.small
        self.gap = 1.2 * canvas.size.label
        self.grid = self._arranged(canvas.inner_width)
        self.px = self._cells(self.grid).size_of(self.texts)
        if self.px is None:
            self.grid = self._arranged(canvas.inner_width - self.bar.width - self.gap)

    def _arranged(self, width: float) -> Grid:
        canvas, small = self.canvas, self.canvas.size.small
        tiles: list[ReadPixels | CentredKernel] = [*self.panels, *self.kernels]
        words = [text for tile in tiles for text in (tile.name, tile.note)]
        grid = arrange(
            len(self.panels) + bool(self.kernels),
            width,
            canvas.inner_height,
            self.shape,
            gap=self.gap,
            label=self.head,
            # On a narrow canvas two stand side by side, their words shortened.
            need=min(canvas.widest(words, small, True), 0.47 * width),
            largest=84 * canvas.unit * max(self.shape),
        )
        return self._widened(grid, width) if self.kernels and grid.rows == 1 else grid

    def _widened(self, grid: Grid, width: float) -> Grid:
        """A single row in which the kernels take no more than they need."""
        canvas, count, (rows, columns) = self.canvas, len(self.panels), self.shape
        small = canvas.size.small
        words = max(canvas.widest((one.name, one.note), small, True) for one in self.kernels)
        last = max(one.shape[1] for one in self.kernels) / columns
        room = width - count * self.gap
        each = min(room / (count + last), (room - words) / count, 84 * canvas.unit * columns)
        cell = whole_cells(each, canvas.inner_height - self.head, rows, columns)
        wide, tall = cell * columns, cell * rows
        if wide <= grid.width:
            return grid
        spare = (width - count * wide - max(wide * last, words)) / count
        return replace(grid, width=wide, height=tall, gap_x=min(spare, 0.75 * wide))

    def _cells(self, grid: Grid) -> Cells:
        return Cells(self.canvas, 0.0, 0.0, *self.shape, grid.width / self.shape[1])

    def draw(self) -> None:
        canvas, cells = self.canvas, self._cells(self.grid)
        for at, panel in enumerate(self.panels):
            left, top, _, _ = self.grid.place(at, canvas.left, canvas.top)
            self._heading(panel, canvas.theme.input, left, top)
            self._panel(replace(cells, left=left, top=top), at)
        if self.kernels:
            left, top, _, height = self.grid.place(len(self.panels), canvas.left, canvas.top)
            self._kernels(left, top, height)
        if self.px is None:
            room = min(canvas.inner_height, 420 * canvas.unit)
            self.bar.draw(canvas.right - self.bar.width, canvas.top, room)

    def _heading(
        self, what: ReadPixels | CentredKernel, colour: str, left: float, top: float
    ) -> None:
        canvas, top = self.canvas, top - self.head
        room = min(self.grid.width + self.grid.gap_x - 0.5 * self.gap, canvas.right - left)
        small = canvas.size.small
        canvas.text(left, top, what.name, px=small, colour=colour, bold=True, width=room)
        canvas.note(left, top + small * LINE, what.note, width=room)

    def _panel(self, cells: Cells, at: int) -> None:
        theme, panel = self.canvas.theme, self.panels[at]
        (top, bottom, left, right), (rows, columns) = panel.padding, self.image
        corner = self.sides[0], self.sides[2]
        if any(panel.padding):
            size = top + rows + bottom, left + columns + right
            padded = cells.part(corner[0] - top, corner[1] - left, *size)
            padded.draw(theme.hairline, theme.hairline_fill, dashed=True)
        image = cells.part(*corner, rows, columns)
        texts = self.texts[at * panel.counts.size : (at + 1) * panel.counts.size]
        image.numbered(panel.counts.astype(float), self.scale, texts, self.px)
        image.draw(theme.input, least=6 * self.canvas.unit)

    def _kernels(self, left: float, top: float, height: float) -> None:
        """Below each other, as many as have room; a dot in the centre, a ring where none is."""
        theme, unit = self.canvas.theme, self.canvas.unit
        for shown in range(len(self.kernels), 0, -1):
            kernels = self.kernels[:shown]
            rows = sum(one.shape[0] for one in kernels) + 0.6 * (shown - 1)
            cell = (height - (shown - 1) * self.head) / rows
            if cell >= 7 * unit:
                break
        wide = self.grid.width / max(one.shape[1] for one in kernels)
        cell = min(cell, wide, self.grid.width / self.shape[1])
        for one in kernels:
            self._heading(one, theme.window, left, top)
            cells = Cells(self.canvas, left, top, *one.shape, cell)
            cells.draw(theme.window, theme.window_fill, least=6 * unit)
            if one.centre is None:
                middle = cells.corner(one.shape[0] / 2, one.shape[1] / 2)
                self.canvas.dot(*middle, theme.mistake, 0.45 * cell, hollow=True)
            else:
                self.canvas.dot(*cells.middle(*one.centre), theme.window, 0.45 * cell)
            top += self.head + (one.shape[0] + 0.6) * cell
