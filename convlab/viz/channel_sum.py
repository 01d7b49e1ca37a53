"""One map of a convolution as a sum over the channels: maps by their kernels, bias, result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.histograms import shown_limit
from convlab.numerals import exact, number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, Place
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t


@dataclass(frozen=True, eq=False)
class ChannelRow:
    """A channel: its ``name``, its map (H, W), its kernel (KH, KW), and what they give (OH, OW).

    Of several channels together only the last one, and their number in the name.
    """

    name: str
    added: NDArray
    values: NDArray | None = None
    kernel: NDArray | None = None


def channel_sum(
    rows: Sequence[ChannelRow],
    bias: float | None,
    result: NDArray,
    at: tuple[int, int],
    *,
    result_name: str,
    image: bool = False,
    **page: Unpack[Page],
) -> Figure:
    """A row for each channel, whose last maps are added up to ``result`` (OH, OW) at the right.

    All that is added has one scale.  The unit ``at`` (row, column) is outlined in each of these
    maps; ``image``: the channels are those of a picture, drawn in grey.  Raises ShapeError for no
    rows and maps of different sizes.
    """
    if not rows or any(row.added.shape != result.shape for row in rows):
        raise ShapeError(f"expected maps of {result.shape} to add up, got {len(rows)} rows")
    canvas = Sheet(0.9, "output", 0.6, **page)
    _Drawing(canvas, rows, bias, result, at, result_name, image).draw()
    return canvas.figure


class _Drawing:
    def __init__(
        self,
        canvas: Canvas,
        rows: Sequence[ChannelRow],
        bias: float | None,
        result: NDArray,
        at: tuple[int, int],
        result_name: str,
        image: bool,
    ) -> None:
        self.canvas, self.theme, self.rows = canvas, canvas.theme, rows
        self.bias, self.result, self.at, self.result_name = bias, result, at, result_name
        inputs = np.concatenate([row.values.ravel() for row in rows if row.values is not None])
        kernels = np.concatenate([row.kernel.ravel() for row in rows if row.kernel is not None])
        maps = [*(row.added for row in rows), result]
        ends = np.array([min(m.min() for m in maps), max(m.max() for m in maps)])
        self.inputs = style.grey_scale(inputs) if image else style.value_scale(inputs, self.theme)
        self.kernels = style.signed_scale(kernels, self.theme)
        self.scale = style.signed_scale(ends, self.theme, shown_limit(maps))
        self.bar = ColourBar(canvas, self.scale, t("added"))
        self._measure()

    def _measure(self) -> None:
        """Columns and heights: rows are as high as fit, the result is as large as is left."""
        canvas, small = self.canvas, self.canvas.size.small
        self.gap, self.head = 0.5 * small, small * LINE + 0.3 * small
        room = canvas.inner_height - self.head
        count = len(self.rows)
        self.side = (room - (count - 1) * self.gap) / count
        self.name = canvas.widest([row.name for row in self.rows], small, True) + small
        self.sign = 1.7 * canvas.size.label
        # Three pictures, two signs, a fan of lines, the result, and its scale.
        self.free = canvas.inner_width - self.name - 2 * self.sign - self.bar.width - small
        self.side = min(self.side, self.free / 5.6)
        self.step = self.side + min((room - count * self.side) / max(1, count - 1), self.side)
        self.fan = min(1.6 * self.side, 0.2 * self.free) + 3 * small
        self.large = min(self.free - 3 * self.side - self.fan, 0.85 * room)
        self.fan = min(self.free - 3 * self.side - self.large, 2.2 * self.fan)
        height = self.side + (count - 1) * self.step
        self.top = canvas.top + self.head + max(0.0, room - max(height, self.large)) / 2
        self.top += max(0.0, self.large - height) / 2

    def _place(self, shape: Sequence[int], left: float, middle: float, side: float) -> Place:
        """A map of this shape within a square of this side."""
        rows, columns = shape
        pixel = side / max(rows, columns)
        width, height = columns * pixel, rows * pixel
        return left + (side - width) / 2, middle - height / 2, width, height

    def draw(self) -> None:
        canvas, theme, small = self.canvas, self.theme, self.canvas.size.small
        columns = [canvas.left + self.name]
        for _ in range(2):
            columns.append(columns[-1] + self.side + self.sign)
        heads = (t("reads"), theme.input), (t("kernel"), theme.window), (t("adds"), theme.output)
        for (word, colour), x in zip(heads, columns, strict=True):
            y = self.top - self.head
            canvas.text(x, y, word, px=small, colour=colour, bold=True, width=self.side + self.sign)
        top = self.top
        middles = [top + self.side / 2 + at * self.step for at in range(len(self.rows))]
        for at, (row, middle) in enumerate(zip(self.rows, middles, strict=True)):
            with canvas.part(at + 1):
                self._row(row, columns, middle)
        height = middles[-1] - middles[0] + self.side
        middle = (middles[0] + middles[-1]) / 2
        starts = columns[-1] + self.side
        left = starts + self.fan
        node = left - 1.9 * canvas.size.label, middle
        with canvas.part(len(self.rows) + 1):
            self._fan(starts, middles, node, left)
            self._result(left, middle)
        bar = left + self.large + small
        self.bar.draw(bar, top, min(height, 320 * canvas.unit))

    def _row(self, row: ChannelRow, columns: Sequence[float], middle: float) -> None:
        canvas, theme, small = self.canvas, self.theme, self.canvas.size.small
        canvas.text(canvas.left, middle, row.name, "lc", px=small, bold=True)
        first, second, third = columns
        if row.values is not None and row.kernel is not None:
            place = self._place(row.values.shape, first, middle, self.side)
            canvas.array(row.values, self.inputs, *place, edge=theme.input)
            self._sign("∗", second, middle)
            self._kernel(row.kernel, second, middle)
            self._sign("=", third, middle)
        place = self._place(row.added.shape, third, middle, self.side)
        canvas.array(row.added, self.scale, *place, edge=theme.output)
        self._unit(place)

    def _sign(self, sign: str, right: float, middle: float) -> None:
        size, quiet = self.canvas.size, self.theme.quiet
        self.canvas.text(right - self.sign / 2, middle, sign, "mc", px=size.label, colour=quiet)

    def _kernel(self, kernel: NDArray, left: float, middle: float) -> None:
        canvas, theme = self.canvas, self.theme
        place = self._place(kernel.shape, left, middle, self.side)
        cells = Cells.within(canvas, kernel.shape, *place)
        texts = exact(kernel, 2).texts
        px = cells.size_of(texts)
        cells.numbered(kernel, self.kernels, texts, px, theme.window)

    def _unit(self, place: Place) -> None:
        """The outline of the unit, large enough to be seen."""
        rows, columns = self.result.shape
        cells = Cells.within(self.canvas, (rows, columns), *place)
        x, y = cells.middle(*self.at)
        half = max(cells.width, 8 * self.canvas.unit) / 2
        stroke = 0.4 * self.canvas.size.thick
        self.canvas.box(
            x - half, y - half, 2 * half, 2 * half, edge=self.theme.mistake, stroke=stroke
        )

    def _fan(
        self, starts: float, middles: Sequence[float], node: tuple[float, float], left: float
    ) -> None:
        """Lines from every map into one sum, the bias below it, and from there to the result."""
        canvas, theme, size = self.canvas, self.theme, self.canvas.size
        x, y = node
        radius = 0.85 * size.label
        lines = [((starts + 0.3 * size.small, middle), (x, y)) for middle in middles]
        canvas.strokes(lines, theme.quiet, dashed=True)
        canvas.line([x, left - 0.3 * size.small], [y, y], theme.quiet)
        canvas.dot(x, y, theme.output, 2 * radius, hollow=True)
        canvas.text(x, y, "+", "mc", px=1.2 * size.label, colour=theme.output, bold=True)
        if self.bias is not None:
            below = y + self.large / 2 + 0.6 * size.small
            canvas.line([x, x], [y + radius, below], theme.mistake)
            text = t("bias {value}", number(self.bias))
            canvas.text(
                x, below + 0.2 * size.small, text, "mt", px=size.small, colour=theme.mistake
            )

    def _result(self, left: float, middle: float) -> None:
        canvas, theme, small = self.canvas, self.theme, self.canvas.size.small
        place = self._place(self.result.shape, left, middle, self.large)
        top = place[1] - small * LINE - 0.2 * small
        name, width = self.result_name, self.large
        canvas.text(left, top, name, px=small, colour=theme.output, bold=True, width=width)
        canvas.array(self.result, self.scale, *place, edge=theme.output)
        self._unit(place)
