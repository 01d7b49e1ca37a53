"""The tiles of a kernel's effect on an image: input, kernels and results, each with its look."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import Grain, exact, range_text, sums
from convlab.viz import style
from convlab.viz.blocks import Block, Tile, heading_height, turned
from convlab.viz.canvas import Canvas, Place
from convlab.viz.matrix import Cells, number_size
from convlab.viz.style import Scale, colours, reduced, shades
from convlab.words import t

_KERNEL_CELLS = 56, 44  # pixels on a slide, if there is room


@dataclass(frozen=True)
class ShownKernel:
    """A kernel as it lies on the image: its name and its weights (KH, KW)."""

    name: str
    weights: NDArray


@dataclass(frozen=True)
class ShownResult:
    """One resulting map, and how to read it.

    values: (H, W), or (3, H, W) for an RGB image.  kind: "image", on a grey
    scale over ``levels`` or in its own RGB; "signed", in the diverging map;
    "magnitude", grey from 0; "direction", degrees above -180 up to 180, 0 to the
    right and 90 downwards.  ``known`` (H, W) bool: where a direction is shown,
    None for everywhere.  ``note`` goes below the name, after the size.  ``channel``: red, green or
    blue, if it belongs to one.  ``difference`` marks a map of how two results differ.  ``grain``:
    what is known about values that are sums.
    """

    name: str
    values: NDArray
    kind: str
    levels: tuple[float, float] = (0.0, 255.0)
    known: NDArray | None = None
    note: str = ""
    channel: str | None = None
    difference: bool = False
    grain: Grain | None = None

    @property
    def has_arrows(self) -> bool:
        """Whether directions are drawn as arrows; how far two differ is a number."""
        return self.kind == "direction" and not self.difference

    @property
    def where(self) -> NDArray:
        """``known``, worked out if it is None."""
        return np.ones(self.values.shape, bool) if self.known is None else self.known


@dataclass
class Tiles:
    """Tiles of one image and its results: cells with numbers, or pictures on scales by kind."""

    canvas: Canvas
    image: NDArray
    levels: tuple[float, float]
    padded: NDArray
    sides: tuple[int, int, int, int]
    scales: dict[str, Scale]

    def texts(
        self,
        values: NDArray,
        cell: float,
        known: Grain | None = None,
        choices: Sequence[tuple[int | None, float]] = ((None, 0.85), (3, 1.0), (2, 1.0)),
    ) -> tuple[list[str], float] | None:
        """Numbers in the first of ``choices`` that fits their cells, and their height; or None.

        A choice is the number of digits (None: all), and the share of a cell's width that they
        take.
        """
        for digits, share in choices:
            written = exact(values, digits) if known is None else sums(values, known, digits=digits)
            texts = written.marked()
            px = number_size(self.canvas, texts, share * cell, cell)
            if px is not None:
                return texts, px
        return None

    # Cells with numbers -----------------------------------------------------------------------

    def before_cells(self) -> Tile:
        """The input with its padding."""
        rows, columns = self.padded.shape[1:]
        return self._before(self._draw_before_cells, rows, columns)

    def after_cells(self, result: ShownResult) -> Tile:
        """A result; directions are arrows."""
        return self._after(self._draw_after_cells, result, 1.0, result.note)

    def _before(self, draw: Callable, rows: float, columns: float, *notes: str) -> Tile:
        channels, *shape = self.image.shape
        text = style.size_text(*shape, *([channels] if channels > 1 else []))
        return Tile(t("Input"), (text, *notes), self.canvas.theme.input, rows, columns, draw)

    def _after(self, draw: Callable, result: ShownResult, scale: float, note: str) -> Tile:
        *channels, rows, columns = result.values.shape
        notes = (style.size_text(rows, columns, *channels), *([note] if note else []))
        own = result.channel and getattr(self.canvas.theme, result.channel)
        size, draw = (rows * scale, columns * scale), partial(draw, result)
        return Tile(result.name, notes, own or self._edge(result), *size, draw)

    def _edge(self, result: ShownResult) -> str:
        return self.canvas.theme.mistake if result.difference else self.canvas.theme.output

    def _draw_before_cells(self, place: Place) -> None:
        theme, (above, below, before, after) = self.canvas.theme, self.sides
        cells = Cells.within(self.canvas, self.padded.shape[1:], *place)
        if any(self.sides):
            cells.draw(theme.hairline, theme.hairline_fill, dashed=True)
        own = (cells.rows - above - below, cells.columns - before - after)
        cells.part(above, before, *own).draw(theme.input, theme.input_fill)
        inks = np.full((cells.rows, cells.columns), theme.quiet)
        inks[above : cells.rows - below, before : cells.columns - after] = theme.ink
        if written := self.texts(self.padded, cells.width):
            cells.write(*written, inks.ravel().tolist())

    def _draw_after_cells(self, result: ShownResult, place: Place) -> None:
        theme = self.canvas.theme
        fill = theme.ground if result.difference else theme.output_fill
        cells = Cells.within(self.canvas, result.values.shape, *place)
        cells.draw(self._edge(result), fill)
        if result.has_arrows:
            self.draw_arrows(result.values, result.where, cells)
        elif written := self.texts(result.values, cells.width, result.grain):
            cells.write(*written, style.ink_on(fill))

    def draw_arrows(self, degrees: NDArray, where: NDArray, cells: Cells) -> None:
        """Directions as arrows in their cells."""
        segments: list[Any] = []
        side = min(cells.width, cells.height)
        for row, column in np.argwhere(where):
            middle, angle = np.array(cells.middle(row, column)), degrees[row, column]
            tip, end = (middle + sign * 0.32 * side * _towards(angle) for sign in (1, -1))
            barbs = (tip + 0.22 * side * _towards(angle + turn) for turn in (144, -144))
            segments += [(end, tip), *((tip, barb) for barb in barbs)]
        if segments:
            self.canvas.strokes(segments, self.canvas.theme.ink, stroke=1.6 * self.canvas.size.hair)

    # Kernels ----------------------------------------------------------------------------------

    def kernels(
        self, kernels: Sequence[Sequence[ShownKernel]], room: float
    ) -> list[tuple[Block, float]]:
        """The block of kernels, and the same with its rows as columns, each with its worth.

        Their cells keep their size, up to a share of ``room`` pixels across; kernels without
        numbers are worth less.
        """
        blocks = []
        for rows in (kernels, turned(kernels)):
            block = [
                [self._kernel(kernel, len(rows), 0.26 * room / len(row)) for kernel in row]
                for row in rows
            ]
            legible = all(len(tile.notes) == 1 for row in block for tile in row)
            blocks.append((block, 1.0 if legible else 0.65))
        return blocks

    def _kernel(self, kernel: ShownKernel, down: int, width: float) -> Tile:
        """One of so many stacked kernels, in cells as large as its numbers need.

        Without room for them it is drawn in shades, with a second note.
        """
        canvas, unit, weights = self.canvas, self.canvas.unit, kernel.weights
        rows, columns = weights.shape
        gap = 1.2 * canvas.size.small

        def most(notes: int) -> float:
            room = (canvas.inner_height + 0.5 * gap) / down - heading_height(canvas, notes) - gap
            return max(1.0, min(width / columns, room / rows))

        size = style.size_text(rows, columns)
        tile = partial(Tile, kernel.name, colour=canvas.theme.window, rows=rows, columns=columns)
        # A photograph is larger than its kernel, on small canvases too.
        least, share = 2.2 * canvas.size.small, 0.04 * canvas.inner_width
        wished = [*(max(least, min(side * unit, share)) for side in _KERNEL_CELLS), least, most(1)]
        sides = [math.floor(side) for side in wished if side <= most(1)]
        for digits, side in product((None, 3, 2), sides):
            if written := self.texts(weights, side, choices=[(digits, 1.0)]):
                draw = partial(self._draw_kernel, weights, written)
                return tile(notes=(size,), draw=draw, fixed=side)
        draw = partial(self._draw_kernel, weights, None)
        side = min(most(2), 220 * unit / max(rows, columns))
        return tile(notes=(size, range_text(weights)), draw=draw, fixed=side)

    def _draw_kernel(
        self, weights: NDArray, written: tuple[list[str], float] | None, place: Place
    ) -> None:
        theme, cells = self.canvas.theme, Cells.within(self.canvas, weights.shape, *place)
        if written:
            cells.draw(theme.window, theme.window_fill)
            cells.write(*written, style.ink_on(theme.window_fill))
            return
        cells.shades(weights, style.signed_scale(weights, theme), edge=theme.window)
        if min(cells.width, cells.height) >= 8 * self.canvas.unit:
            cells.lines(theme.window)

    # Pictures ---------------------------------------------------------------------------------

    def before_picture(self) -> Tile:
        """The input in its colours, or its grey over the levels."""
        rows, columns = self.image.shape[1:]
        return self._before(self._draw_before, rows, columns, range_text(np.array(self.levels)))

    def after_picture(self, result: ShownResult) -> Tile:
        """A result in its colours or the shades of its kind, as large as the input."""
        # With a stride the result has fewer pixels.
        lengths = zip(self.image.shape[1:], result.values.shape[-2:], strict=True)
        scale = min(before / after for before, after in lengths)
        note = result.note or range_text(result.values, result.grain)
        return self._after(self._draw_after, result, scale, note)

    def _draw_before(self, place: Place) -> None:
        if len(self.image) == 3:
            rgb = colours(self.image, self.levels)
        else:
            rgb = shades(self.image[0], style.grey_scale(np.array(self.levels)))
        self._draw_picture(rgb, self.canvas.theme.input, place)

    def _draw_after(self, result: ShownResult, place: Place) -> None:
        self.picture_of(result, result.values, result.where, place)

    def picture_of(
        self, result: ShownResult, values: NDArray, where: NDArray, place: Place
    ) -> None:
        """Some values of a result as a picture in its colours."""
        if values.ndim == 3:
            rgb = colours(values, result.levels)
        else:
            rgb = shades(values, self.scales[result.kind])
        if result.kind == "direction":
            rgb[~where] = style.rgb_bytes(self.canvas.theme.ground)
        self._draw_picture(rgb, self._edge(result), place)

    def _draw_picture(self, rgb: NDArray, edge: str, place: Place) -> None:
        factor = math.floor(min(rgb.shape[0] / place[3], rgb.shape[1] / place[2]))
        self.canvas.picture(reduced(rgb, factor) if factor > 1 else rgb, *place, edge=edge)


def _towards(degrees: float) -> NDArray:
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
