"""The same numbers under two conventions each, and the first cell in which they part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.comparison import Comparison, Convention
from convlab.errors import ShapeError, SpecError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.words import t

PART = "they part first at {place}"


def conventions(
    input: ArrayLike, kernel: ArrayLike, comparisons: Sequence[Comparison], **page: Unpack[Page]
) -> Figure:
    """The input (H, W) and kernel (KH, KW) on the left, four comparisons beside them.

    A narrow picture has the comparisons alone.  Numbers that differ are in the
    colour of mistakes, the first of them is framed; cells that only the other
    convention has are dashed.  Raises ShapeError for another number of comparisons
    and for arrays that are not 2-dimensional, SpecError for an input that does not
    fit.
    """
    input, kernel = np.asarray(input, dtype=float), np.asarray(kernel, dtype=float)
    if len(comparisons) != 4:
        raise ShapeError(f"conventions: expected 4 comparisons, got {len(comparisons)}")
    arrays = [input, kernel, *(side.values for c in comparisons for side in c.sides)]
    for values in arrays:
        if values.ndim != 2 or 0 in values.shape:
            raise ShapeError(f"conventions: expected arrays (H, W), got {values.shape}")
    canvas = Sheet(1.0, **page)
    note = t("input and kernel left out") if _narrow(canvas) else ""
    canvas.head("ink", note)
    # As many lines above each output as take the numbers out of no grid.
    given = canvas, input, kernel, comparisons
    found = [_largest(partial(_Sheet, *given, most), canvas) for most in (3, 2, 1, 0)]
    best = max(filter(None, found), key=_Sheet.worth, default=None)
    if best is None:
        shape = style.size_text(*input.shape)
        raise SpecError(f"conventions: expected an input that fits the picture, got {shape}")
    if best.shaded:
        text = t("a corner in this colour: another number")
        y = best.canvas.bottom + 0.2 * canvas.size.small
        canvas.note(canvas.right, y, text, "rt", colour=canvas.theme.mistake)
    best.draw()
    return canvas.figure


def _narrow(canvas: Canvas) -> bool:
    """Whether there is no room for the input beside outputs with their names."""
    return canvas.inner_width < 55 * canvas.size.small


def _largest(sheet: Callable[[float], _Sheet], canvas: Canvas) -> _Sheet | None:
    """The sheet with the largest cells that fits, if any."""
    sheets = map(sheet, range(math.floor(70 * canvas.unit), 0, -1))
    return next((sheet for sheet in sheets if sheet.fits()), None)


@dataclass
class _Sheet:
    """All grids with cells of one ``side``, at most ``most`` quiet lines above each output."""

    canvas: Canvas
    input: NDArray
    kernel: NDArray
    comparisons: Sequence[Comparison]
    most: int
    side: float

    def __post_init__(self) -> None:
        canvas, self.theme = self.canvas, self.canvas.theme
        self.sides = [side for comparison in self.comparisons for side in comparison.sides]
        small, label = canvas.size.small, canvas.size.label
        self.narrow = _narrow(canvas)
        self.gap = (0.03 if self.narrow else 0.04) * canvas.width
        self.between = 1.2 * small  # the upper grids and the lower ones
        self.left_head = (label + 1.3 * small) * LINE
        columns = max(self.input.shape[1], self.kernel.shape[1])
        self.left_width = max(canvas.measure(t("kernel"), label, bold=True), self.side * columns)
        left = 0.0 if self.narrow else self.left_width + self.gap
        self.width = (canvas.inner_width - left - self.gap) / 2
        self.side_width = (self.width - 0.4 * self.gap) / 2
        self.notes = self._notes()

    def _notes(self) -> list[Callable[[Convention], str]]:
        """What makes the quiet lines above an output: those that fit everywhere."""
        kinds = [lambda side: style.size_text(*side.values.shape), lambda side: side.setting]
        if all(side.sizes[0] == side.sizes[1] for side in self.sides):
            kinds.append(lambda side: side.sizes[0])
        widest, kinds = partial(self.canvas.widest, px=self.canvas.size.small), kinds[: self.most]
        return [kind for kind in kinds if widest(map(kind, self.sides)) <= self.side_width]

    def fits(self) -> bool:
        """Whether there is room for all of it."""
        canvas, small = self.canvas, self.canvas.size.small
        rows, columns = np.max([side.values.shape for side in self.sides], axis=0)
        lines = 2 + len(self.notes)  # with the names, and the foot
        head = canvas.size.label * LINE + lines * small * LINE + 0.8 * small
        left = 2 * self.left_head + (len(self.input) + len(self.kernel)) * self.side
        return (
            columns * self.side <= self.side_width
            and head + rows * self.side <= (canvas.inner_height - self.between) / 2
            and (self.narrow or left + self.between <= canvas.inner_height)
        )

    @cached_property
    def shaded(self) -> bool:
        """Whether some output has no room for its numbers: then none has them."""
        return None in [self._cells(v).size_of(exact(v).marked()) for v in self._outputs]

    @cached_property
    def scale(self) -> Scale:
        """Of all shades."""
        values = [array.ravel() for array in (self.input, *self._outputs)]
        return style.signed_scale(np.concatenate(values), self.theme)

    @property
    def _outputs(self) -> list[NDArray]:
        return [side.values for side in self.sides]

    def numbered(self) -> int:
        """How many grids have their numbers."""
        arrays = [self.input, self.kernel, *(side.values for side in self.sides)]
        sizes = [self._cells(values).size_of(exact(values).marked()) for values in arrays]
        return len(sizes) - sizes.count(None)

    def worth(self) -> tuple[int, float]:
        """How much is legible: grids with numbers, then the size of cells that have none."""
        return self.numbered(), min(self.side, 22 * self.canvas.unit)

    def _cells(self, values: NDArray, left: float = 0.0, top: float = 0.0) -> Cells:
        rows, columns = values.shape
        return Cells(self.canvas, left, top, rows, columns, self.side)

    # Drawing ----------------------------------------------------------------------------------

    def draw(self) -> None:
        canvas, theme, size = self.canvas, self.theme, self.canvas.size
        below = canvas.top + self.left_head + len(self.input) * self.side + self.between
        given = (
            (t("input"), self.input, canvas.top, theme.input, theme.input_fill),
            (t("kernel"), self.kernel, below, theme.window, theme.window_fill),
        )
        for name, values, top, edge, fill in () if self.narrow else given:
            canvas.text(canvas.left, top, name, colour=edge, bold=True, width=self.left_width)
            canvas.note(canvas.left, top + size.label * LINE, style.size_text(*values.shape))
            cells = self._cells(values, canvas.left, top + self.left_head)
            if values is self.kernel:  # in the room that there is below the input
                room = canvas.bottom - cells.top
                side = min(self.left_width / cells.columns, room / cells.rows, 30 * canvas.unit)
                cells = replace(cells, width=max(cells.width, side), height=max(cells.width, side))
                self._bar(cells)
            self._draw_grid(cells, values, edge, fill)
        for index, comparison in enumerate(self.comparisons):
            row, column = divmod(index, 2)
            left = canvas.right - self.width - (1 - column) * (self.width + self.gap)
            top = canvas.top + row * (canvas.inner_height + self.between) / 2
            self._draw_comparison(comparison, left, top)

    def _bar(self, kernel: Cells) -> None:
        """The scale of the shades, beside the kernel, and what a corner means, if there are any."""
        canvas, small = self.canvas, self.canvas.size.small
        if not self.shaded:
            return
        bar = ColourBar(canvas, self.scale)
        left = kernel.corner(0, kernel.columns)[0] + 1.2 * small
        height = canvas.bottom - kernel.top
        if left + bar.width <= canvas.left + self.left_width and height >= 4 * small:
            bar.draw(left, kernel.top, min(height, 9 * small))

    def _draw_comparison(self, comparison: Comparison, left: float, top: float) -> None:
        """Both outputs side by side, and below them where they part."""
        canvas, theme, small = self.canvas, self.theme, self.canvas.size.small
        canvas.text(left, top, comparison.title, bold=True, width=self.width)
        top += canvas.size.label * LINE
        grid_top = top + (1 + len(self.notes)) * small * LINE + 0.3 * small
        lefts = left, left + self.width - self.side_width
        for side, x in zip(comparison.sides, lefts, strict=True):
            canvas.note(x, top, side.name, colour=theme.output, bold=True, width=self.side_width)
            for line, words in enumerate(self.notes, 1):
                canvas.note(x, top + line * small * LINE, words(side))
            both = self._cells(comparison.differs, x, grid_top)
            both.lines(theme.hairline, dashed=True)
            cells = self._cells(side.values, x, grid_top)
            differs = comparison.differs[: cells.rows, : cells.columns]
            self._draw_grid(cells, side.values, theme.output, theme.output_fill, differs)
            if comparison.first is not None:
                both.part(*comparison.first).box(theme.mistake, stroke=0.7 * canvas.size.thick)
        self._draw_words(comparison, left, both.corner(both.rows, 0)[1] + 0.5 * small)

    def _draw_words(self, comparison: Comparison, left: float, top: float) -> None:
        """Where two outputs part, in words as long as all comparisons have room for."""
        widest = partial(self.canvas.widest, px=self.canvas.size.small)
        texts = [each.difference() for each in self.comparisons]
        text, parts = comparison.difference(), comparison.first is not None
        if widest(t(PART, each) for each in texts) <= self.width:
            text = t(PART, text) if parts else text
        elif widest(texts) > self.width:
            text = comparison.difference(brief=True)
        colour = self.theme.mistake if parts else self.theme.quiet
        self.canvas.note(left, top, text, colour=colour, width=self.width)

    def _draw_grid(
        self, cells: Cells, values: NDArray, edge: str, fill: str, differs: NDArray | None = None
    ) -> None:
        """Cells with their numbers, or shades; those that differ in the colour of mistakes."""
        theme, texts = self.theme, exact(values).marked()
        px = None if self.shaded and differs is not None else cells.size_of(texts)
        if px is None:
            cells.shades(values, self.scale, edge)
            self._corners(cells, differs)
            return
        cells.draw(edge, fill)
        parts = np.zeros(values.shape, bool) if differs is None else differs
        inks = np.where(parts, theme.mistake, theme.ink).ravel().tolist()
        cells.write(texts, px, inks)

    def _corners(self, cells: Cells, differs: NDArray | None) -> None:
        """A corner of each cell that differs: its shade stays to be seen."""
        share = 0.45
        corners = (
            [
                [cells.corner(row, column + 1 - share), cells.corner(row, column + 1)]
                + [cells.corner(row + share, column + 1)] * 2
                for row, column in np.argwhere(differs)
            ]
            if differs is not None
            else []
        )
        if corners:
            self.canvas.polygons(np.array(corners), fill=self.theme.mistake)
