"""A few pixels of a photograph, enlarged: the window, the kernel over it, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import exact, grain, sums
from convlab.shapes import Pair
from convlab.viz import style
from convlab.viz.applied_tiles import ShownKernel, ShownResult, Tiles
from convlab.viz.canvas import LINE
from convlab.viz.matrix import Cells, longest, number_size
from convlab.viz.style import colours, shades
from convlab.words import t

MOST = 7  # rows or columns of a kernel whose neighbourhood shows its numbers


@dataclass(frozen=True)
class _Part:
    """A grid with its name, the sign before it, and the numbers of its cells, if they have any."""

    name: str
    colour: str
    shape: Pair
    draw: Callable[[Cells, float | None], None]
    texts: list[str]
    sign: str = ""


@dataclass(frozen=True)
class Errors:
    """How far directions are off at most, in degrees, by the names of kernels."""

    note: str
    degrees: dict[str, float]


class Detail:
    """The neighbourhood of the window whose result stands at ``at``, below photographs.

    ``corner``: the window's first row and column in the image.
    """

    def __init__(
        self,
        tiles: Tiles,
        kernels: Sequence[ShownKernel],
        results: Sequence[ShownResult],
        at: Pair,
        corner: Pair,
        errors: Errors | None = None,
    ) -> None:
        self.tiles, self.canvas, self.theme = tiles, tiles.canvas, tiles.canvas.theme
        self.at, self.corner, self.errors = at, corner, errors
        self.weights = [kernel.weights for kernel in kernels]
        self.window = self.weights[0].shape
        self.numbers = len(tiles.image) == 1 and max(self.window) <= MOST
        rows, columns = self.window
        self.around = (1, 2 if len(results) == 1 else 1)
        if max(self.window) > MOST:
            self.around = rows // 2, columns
        self.head = 1.25 * self.canvas.size.small * LINE
        self.gap = 1.5 * self.canvas.size.title
        self.parts = [self._before()]
        for index, kernel in enumerate(kernels):
            self.parts.append(self._kernel(kernel, "" if index else "∗"))
        sign = "=" if len(results) == 1 else style.ARROW
        for index, result in enumerate(results):
            self.parts.append(self._after(result, "" if index else sign))

    # Sizes ------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Of cells, the most in one part."""
        return max(part.shape[0] for part in self.parts)

    def height(self, cell: float) -> float:
        """With the headings, for cells of a height."""
        return self.head + self.rows * cell

    def _cell(self, part: _Part, cell: float) -> float:
        """The width of a part's cells, of a height: numbers may need more."""
        if not part.texts:
            return cell
        return max(cell, self.canvas.widest(longest(part.texts), self.canvas.size.small) / 0.9 + 1)

    def _widths(self, cell: float) -> list[float]:
        px = self.canvas.size.small
        # The first name stands above the others.
        names = [0.0, *(self.canvas.measure(part.name, px, True) for part in self.parts[1:])]
        cells = (part.shape[1] * self._cell(part, cell) for part in self.parts)
        return [max(pair) for pair in zip(names, cells, strict=True)]

    def cell(self, height: float) -> float:
        """The height of a cell: ``height`` slide pixels where five would be below each other."""
        large = max(self.window) > MOST
        return height * self.canvas.unit * (5 / self.rows if large else 1.0)

    def _gaps(self) -> list[float]:
        return [self.gap if part.sign else 0.5 * self.gap for part in self.parts[1:]]

    def fits(self, cell: float, width: float) -> bool:
        """Whether all of it has room beside each other."""
        return sum(self._widths(cell)) + sum(self._gaps()) <= width

    # Drawing ----------------------------------------------------------------------------------

    def draw(self, top: float, cell: float) -> None:
        """From ``top`` on, with cells of a height, and errors at the right if there is room."""
        canvas, size = self.canvas, self.canvas.size
        widths, gaps = self._widths(cell), [0.0, *self._gaps()]
        used = sum(widths) + sum(gaps)
        free = canvas.inner_width - used
        chart = self._chart_width() if self.errors else 0.0
        chart = chart if chart + self.gap <= free else 0.0
        x = canvas.left + (0.0 if chart else free / 2)
        middle = top + self.head + self.rows * cell / 2
        for part, width, gap in zip(self.parts, widths, gaps, strict=True):
            if part.sign:
                at = x + gap / 2, middle
                canvas.text(*at, part.sign, "mc", px=size.title, colour=self.theme.quiet)
            x += gap
            wide = self._cell(part, cell)
            y = middle - part.shape[0] * cell / 2
            cells = Cells(canvas, x, y, *part.shape, wide, cell)
            px = number_size(canvas, part.texts, wide, cell) if part.texts else None
            name_y = y - self.head
            canvas.text(x, name_y, part.name, px=size.small, colour=part.colour, bold=True)
            part.draw(cells, px)
            x += width
        if chart:
            self._chart(canvas.right - chart, top, chart)

    def mark(self, place: tuple[float, float, float, float], shape: Pair) -> None:
        """Where the neighbourhood is, on a picture of ``shape`` at a place."""
        left, top, width, height = place
        rows, columns = shape
        least = 22 * self.canvas.unit
        y = top + (self.corner[0] + self.window[0] / 2) * height / rows
        x = left + (self.corner[1] + self.window[1] / 2) * width / columns
        wide = max(least, (self.window[1] + 2 * self.around[1]) * width / columns)
        high = max(least, (self.window[0] + 2 * self.around[0]) * height / rows)
        box = x - wide / 2, y - high / 2, wide, high
        self.canvas.box(*box, edge=self.theme.window, stroke=0.6 * self.canvas.size.thick)

    # Parts ------------------------------------------------------------------------------------

    def _crop(self, values: NDArray, first: Pair, shape: Pair) -> NDArray:
        (row, column), (rows, columns) = first, shape
        return values[..., row : row + rows, column : column + columns]

    def _before(self) -> _Part:
        (down, across), (rows, columns) = self.around, self.window
        shape = rows + 2 * down, columns + 2 * across
        first = self.corner[0] - down, self.corner[1] - across
        values = self.crop = self._crop(self.tiles.image, first, shape)
        texts = exact(values[0]).marked() if self.numbers else []

        def draw(cells: Cells, px: float | None) -> None:
            window = cells.part(down, across, rows, columns)
            if px is None:
                self._shade(values, cells, self.theme.input)
            else:
                cells.draw(self.theme.input, self.theme.input_fill)
                window.draw(self.theme.window, self.theme.window_fill)
                cells.write(texts, px)
            window.box(self.theme.window, stroke=0.7 * self.canvas.size.thick)

        place = t("Enlarged: from row {row}, column {column}", *first)
        return _Part(place, self.theme.input, shape, draw, texts)

    def _shade(self, values: NDArray, cells: Cells, edge: str) -> None:
        if len(values) == 3:
            rgb = colours(values, self.tiles.levels)
        else:
            rgb = shades(values[0], style.grey_scale(np.array(self.tiles.levels)))
        self.canvas.picture(rgb, *cells.place, edge=edge)

    def _kernel(self, kernel: ShownKernel, sign: str) -> _Part:
        texts = exact(kernel.weights).marked() if max(self.window) <= MOST else []

        def draw(cells: Cells, px: float | None) -> None:
            if px is None:
                scale = style.signed_scale(kernel.weights, self.theme)
                cells.shades(kernel.weights, scale, edge=self.theme.window)
                if cells.height >= 8 * self.canvas.unit:
                    cells.lines(self.theme.window)
                return
            cells.draw(self.theme.window, self.theme.window_fill)
            cells.write(texts, px)

        return _Part(kernel.name, self.theme.window, self.window, draw, texts, sign)

    def _after(self, result: ShownResult, sign: str) -> _Part:
        shape = 2 * self.around[0] + 1, 2 * self.around[1] + 1
        first = self.at[0] - self.around[0], self.at[1] - self.around[1]
        crop = partial(self._crop, first=first, shape=shape)
        values, theme, tiles = crop(result.values), self.theme, self.tiles
        edge = theme.mistake if result.difference else theme.output
        texts: list[str] = []
        if self.numbers and not result.has_arrows:
            texts = self._written(result, values)

        def draw(cells: Cells, px: float | None) -> None:
            current = cells.part(*self.around)
            if result.has_arrows and self.numbers:
                cells.draw(edge, theme.output_fill)
                tiles.draw_arrows(values, crop(result.where), cells)
            elif px is not None:
                cells.draw(edge, theme.ground if result.difference else theme.output_fill)
                cells.write(texts, px)
            else:
                tiles.picture_of(result, values, crop(result.where), cells.place)
            current.box(edge, stroke=0.7 * self.canvas.size.thick)

        return _Part(result.name, edge, shape, draw, texts, sign)

    def _written(self, result: ShownResult, values: NDArray) -> list[str]:
        """Numbers of a result, which few terms may give exactly; with three digits if long."""
        if result.grain is None:
            return exact(values, 3).marked()
        weights = self.weights[0]
        known = grain(weights.size, self.crop.astype(np.float32), weights)
        texts = sums(values, known).marked()
        return texts if max(map(len, texts)) <= 5 else sums(values, known, digits=3).marked()

    # How exact directions are -----------------------------------------------------------------

    def _rows_of_chart(self) -> list[tuple[str, float, str]]:
        assert self.errors is not None
        return [(name, value, f"{value:.2g}°") for name, value in self.errors.degrees.items()]

    def _chart_width(self) -> float:
        return 330 * self.canvas.unit

    def _chart(self, left: float, top: float, width: float) -> None:
        """A bar for each kernel, with its number."""
        assert self.errors is not None
        canvas, small, theme = self.canvas, self.canvas.size.small, self.theme
        lines = canvas.lines(self.errors.note, width, small)
        canvas.paragraph(left, top, lines, px=small, colour=theme.quiet, width=width)
        rows = self._rows_of_chart()
        names = canvas.widest((name for name, *_ in rows), small) + 0.6 * small
        said = canvas.widest((text for *_, text in rows), small) + 0.6 * small
        unit = (width - names - said) / max(value for _, value, _ in rows)
        y = top + (len(lines) + 0.6) * small * LINE
        for name, value, text in rows:
            canvas.text(left, y, name, px=small)
            bar = left + names, y + 0.15 * small, value * unit, 0.9 * small
            canvas.box(*bar, edge=theme.mistake, fill=style.blend(theme.ground, theme.mistake, 0.3))
            canvas.text(left + names + value * unit + 0.4 * small, y, text, px=small)
            y += 1.35 * small * LINE
