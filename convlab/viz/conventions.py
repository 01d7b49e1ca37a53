"""The same numbers under two conventions each, and the first cell in which they part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import exact, number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells, number_size

Pair = tuple[int, int]


@dataclass(frozen=True)
class Convention:
    """One way to compute: its name, its setting in words, the relations of the output's
    rows and columns with numbers put in, and the values (H, W)."""

    name: str
    setting: str
    sizes: tuple[str, str]
    values: NDArray


@dataclass(frozen=True)
class Comparison:
    """Two conventions, and (row, column) of the first cell in which they part, if any."""

    title: str
    sides: tuple[Convention, Convention]
    first: Pair | None

    def difference(self) -> str:
        """The first cell that differs, with its two numbers: "row 0, column 1: 3 and −4"."""
        if self.first is None:
            return "the same in all cells"
        row, column = self.first
        numbers = []
        for side in self.sides:
            inside = row < side.values.shape[0] and column < side.values.shape[1]
            numbers.append(number(float(side.values[row, column])) if inside else "none")
        return f"row {row}, column {column}: {numbers[0]} and {numbers[1]}"


def conventions(
    input: ArrayLike,
    kernel: ArrayLike,
    comparisons: Sequence[Comparison],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The input (H, W) and kernel (KH, KW) on the left, four comparisons beside them.

    A narrow picture has the comparisons alone.  Numbers that differ are in the
    colour of mistakes, the first of them is framed; cells that only the other
    convention has are dashed.  Raises ShapeError for another number of comparisons
    and for arrays that are not 2-dimensional, SpecError for an input that does not
    fit and for an unknown theme or size.
    """
    input, kernel = np.asarray(input, dtype=float), np.asarray(kernel, dtype=float)
    if len(comparisons) != 4:
        raise ShapeError(f"conventions: expected 4 comparisons, got {len(comparisons)}")
    arrays = [input, kernel, *(side.values for c in comparisons for side in c.sides)]
    for values in arrays:
        if values.ndim != 2 or 0 in values.shape:
            raise ShapeError(f"conventions: expected arrays (H, W), got {values.shape}")
    canvas = Canvas(size, theme, aspect=1.0)
    sheet = _Sheet(canvas, input, kernel, comparisons)
    note = "input and kernel left out" if sheet.narrow else ""
    canvas.headline(title, ", ".join(part for part in (subtitle, note) if part), canvas.theme.ink)
    sheet.draw()
    return canvas.figure


@dataclass(frozen=True)
class _Sheet:
    canvas: Canvas
    input: NDArray
    kernel: NDArray
    comparisons: Sequence[Comparison]

    def draw(self) -> None:
        canvas, theme = self.canvas, self.canvas.theme
        cell, lines = self.layout()
        for name, values, top, edge, fill in (
            ()
            if self.narrow
            else (
                ("input", self.input, canvas.top, theme.input, theme.input_fill),
                ("kernel", self.kernel, self.kernel_top(cell), theme.window, theme.window_fill),
            )
        ):
            canvas.text(canvas.left, top, name, colour=edge, bold=True, width=self.left_width(cell))
            top += canvas.size.label * LINE
            size = style.size_text(*values.shape)
            canvas.note(canvas.left, top, size)
            self.grid(values, canvas.left, top + canvas.size.small * LINE * 1.3, cell, edge, fill)
        width = self.block_width(cell)
        for index, (comparison, texts) in enumerate(zip(self.comparisons, lines, strict=True)):
            row, column = divmod(index, 2)
            left = canvas.right - width if column else canvas.right - 2 * width - self.gap
            top = canvas.top + row * (canvas.inner_height + self.between) / 2
            self.block(comparison, texts, left, top, cell)

    # Lengths ----------------------------------------------------------------------------------

    @property
    def narrow(self) -> bool:
        """Whether there is no room for the input beside outputs with their names."""
        return self.canvas.inner_width < 55 * self.canvas.size.small

    @property
    def gap(self) -> float:
        """Between the input and the comparisons, and between these."""
        return 0.03 * self.canvas.width if self.narrow else 0.04 * self.canvas.width

    @property
    def between(self) -> float:
        """Between the upper comparisons and the lower ones."""
        return 1.2 * self.canvas.size.small

    def left_width(self, cell: float) -> float:
        """Of the input and the kernel."""
        if self.narrow:
            return -self.gap  # no column, and no gap behind it
        words = self.canvas.measure("kernel", self.canvas.size.label, bold=True)
        return max(words, cell * max(self.input.shape[1], self.kernel.shape[1]))

    def block_width(self, cell: float) -> float:
        canvas = self.canvas
        return (canvas.inner_width - self.left_width(cell) - 2 * self.gap) / 2

    def side_width(self, cell: float) -> float:
        """Of one of the two conventions of a comparison."""
        return (self.block_width(cell) - 0.4 * self.gap) / 2

    def kernel_top(self, cell: float) -> float:
        return self.canvas.top + self.left_head + self.input.shape[0] * cell + self.between

    @property
    def left_head(self) -> float:
        return (self.canvas.size.label + 1.3 * self.canvas.size.small) * LINE

    def layout(self) -> tuple[float, list[list[list[str]]]]:
        """The side of a cell, the same in all grids, and the quiet lines above each output.

        As many lines as take the numbers out of no grid.
        """
        canvas = self.canvas
        arrays = [self.input, self.kernel]
        arrays += [side.values for c in self.comparisons for side in c.sides]
        texts = [exact(values).marked() for values in arrays]
        best = (-1, 0.0, 0)
        for most in (3, 2, 1):
            cell = self.cell(most)
            numbered = sum(number_size(canvas, each, cell, cell) is not None for each in texts)
            if cell and numbered > best[0]:
                best = (numbered, cell, most)
        _, cell, most = best
        if not cell:
            shape = style.size_text(*self.input.shape)
            raise SpecError(f"conventions: expected an input that fits the picture, got {shape}")
        return cell, self.lines(cell, most)

    def cell(self, most: int) -> float:
        """The largest side of a cell with which all grids fit below ``most`` quiet lines.

        0 where there is none.
        """
        canvas, small = self.canvas, self.canvas.size.small
        high = (canvas.inner_height - self.between) / 2
        outputs = [side.values.shape for c in self.comparisons for side in c.sides]
        rows, columns = np.max(outputs, axis=0)
        for cell in range(math.floor(70 * canvas.unit), 0, -1):
            lines = 2 + len(self.lines(cell, most)[0][0])  # with the names, and the foot
            head = canvas.size.label * LINE + lines * small * LINE + 0.8 * small
            kernel_bottom = self.kernel_top(cell) + self.left_head + len(self.kernel) * cell
            if (
                columns * cell <= self.side_width(cell)
                and head + rows * cell <= high
                and (self.narrow or kernel_bottom <= canvas.bottom)
            ):
                return float(cell)
        return 0.0

    def lines(self, cell: float, most: int) -> list[list[list[str]]]:
        """The quiet lines of both sides of each comparison: those that fit everywhere."""
        kinds = [lambda side: style.size_text(*side.values.shape), lambda side: side.setting]
        sides = [side for c in self.comparisons for side in c.sides]
        if all(side.sizes[0] == side.sizes[1] for side in sides):
            kinds.append(lambda side: side.sizes[0])
        width, small = self.side_width(cell), self.canvas.size.small
        kinds = [
            kind
            for kind in kinds[:most]
            if self.canvas.widest((kind(side) for side in sides), small) <= width
        ]
        return [[[kind(side) for kind in kinds] for side in c.sides] for c in self.comparisons]

    # Parts ------------------------------------------------------------------------------------

    def block(
        self,
        comparison: Comparison,
        lines: list[list[str]],
        left: float,
        top: float,
        cell: float,
    ) -> None:
        """Both outputs side by side, and below them where they part."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        width, side_width = self.block_width(cell), self.side_width(cell)
        canvas.text(left, top, comparison.title, bold=True, width=width)
        top += canvas.size.label * LINE
        union = np.max([side.values.shape for side in comparison.sides], axis=0)
        foot = top
        for side, other, texts, x in zip(
            comparison.sides,
            reversed(comparison.sides),
            lines,
            (left, left + width - side_width),
            strict=True,
        ):
            y = top
            canvas.text(x, y, side.name, px=small, colour=theme.output, bold=True, width=side_width)
            y += small * LINE
            for text in texts:
                canvas.note(x, y, text)
                y += small * LINE
            y += 0.3 * small
            Cells(canvas, x, y, *union, cell).lines(theme.hairline, dashed=True)
            self.grid(
                side.values,
                x,
                y,
                cell,
                theme.output,
                theme.output_fill,
                _differs(side.values, other.values),
            )
            if comparison.first is not None:
                row, column = comparison.first
                canvas.box(
                    x + column * cell,
                    y + row * cell,
                    cell,
                    cell,
                    edge=theme.mistake,
                    stroke=0.7 * canvas.size.thick,
                )
            foot = y + union[0] * cell + 0.5 * small
        colour = theme.quiet if comparison.first is None else theme.mistake
        texts = [c.difference() for c in self.comparisons]
        words = "they part first at " if comparison.first is not None else ""
        longest = canvas.widest((f"they part first at {text}" for text in texts), small)
        text = comparison.difference()
        if longest <= width:
            text = words + text
        elif canvas.widest(texts, small) > width:
            text = text.replace("row ", "").replace(" column ", "")
        canvas.text(left, foot, text, px=small, colour=colour, width=width)

    def grid(
        self,
        values: NDArray,
        left: float,
        top: float,
        cell: float,
        edge: str,
        fill: str,
        differs: NDArray | None = None,
    ) -> None:
        """Cells with their numbers, those that differ in the colour of mistakes."""
        canvas, theme = self.canvas, self.canvas.theme
        rows, columns = values.shape
        texts = exact(values).marked()
        px = number_size(canvas, texts, cell, cell)
        if px is None and differs is not None:
            # Without numbers the cells themselves say where they differ.
            tints = [to_rgb(fill), to_rgb(style.blend(fill, theme.mistake, 0.4))]
            shades = np.round(255 * np.array(tints)).astype(np.uint8)
            canvas.picture(shades[differs.astype(int)], left, top, columns * cell, rows * cell)
        else:
            canvas.box(left, top, columns * cell, rows * cell, fill=fill)
        if cell >= 4 * canvas.unit:
            Cells(canvas, left, top, rows, columns, cell).lines(edge)
        else:
            canvas.box(left, top, columns * cell, rows * cell, edge=edge)
        if px is None:
            return
        for (row, column), text in zip(np.ndindex(rows, columns), texts, strict=True):
            part = differs is not None and differs[row, column]
            canvas.text(
                left + (column + 0.5) * cell,
                top + (row + 0.5) * cell,
                text,
                "mm",
                px=px,
                colour=theme.mistake if part else theme.ink,
            )


def _differs(values: NDArray, other: NDArray) -> NDArray:
    """(H, W) bool: which of ``values`` the other has not, or has otherwise."""
    differs = np.ones(values.shape, bool)
    rows, columns = np.minimum(values.shape, other.shape)
    differs[:rows, :columns] = values[:rows, :columns] != other[:rows, :columns]
    return differs
