"""The channels of an image, what kernels make of each, and what becomes of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.histograms import shown_limit
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, Place, checked_image, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import shades
from convlab.words import t


@dataclass(frozen=True, eq=False)
class ColourRow:
    """A way through the channels: ``maps`` (3, H, W) and ``result`` (H, W), None for none.

    ``kernels`` (3, KH, KW) stand before the maps, ``signs`` (three) before each map and the
    result; ``outputs``: whether the maps are what comes out.
    """

    name: str
    kernels: NDArray
    maps: NDArray
    signs: Sequence[str]
    result: NDArray | None = None
    result_name: str = ""
    outputs: bool = field(default=False)


def colours(image: NDArray, rows: Sequence[ColourRow], **page: Unpack[Page]) -> Figure:
    """Above the channels of an image (3, H, W) of bytes and the image; below a row for each way.

    All maps are on one scale, which ends where most of their values do, as its bar says.

    Raises ShapeError for another image and for maps that are not three.
    """
    if len(checked_image(image)) != 3 or any(len(row.maps) != 3 for row in rows):
        raise ShapeError(f"expected an image (3, H, W) and three maps a row, got {image.shape}")
    canvas = Sheet(1.2, "window", 0.62, **page)
    _Rows(canvas, np.asarray(image), rows).draw()
    return canvas.figure


class _Rows:
    def __init__(self, canvas: Canvas, image: NDArray, rows: Sequence[ColourRow]) -> None:
        self.canvas, self.image, self.rows = canvas, image, rows
        values = [one for row in rows for one in (*row.maps, row.result) if one is not None]
        ends = np.array([min(v.min() for v in values), max(v.max() for v in values)])
        self.scale = style.signed_scale(ends, canvas.theme, shown_limit(values))
        self.bar = ColourBar(canvas, self.scale, t("result"))
        kernels = np.concatenate([row.kernels for row in rows])
        self.weights = style.signed_scale(kernels, canvas.theme)
        small = canvas.size.small
        self.head, self.gap = small * LINE + 0.2 * small, 0.7 * canvas.size.label
        signs = [sign for row in rows for sign in row.signs]
        self.sign = canvas.widest(signs, small, True) + 0.6 * small
        self.room = canvas.inner_width - self.bar.width - self.gap
        side = max(max(row.kernels.shape[1:]) for row in rows)
        self.kernel = min(31 * canvas.unit * side, 0.1 * self.room)
        # The kernels before their maps, or where that makes those larger above them.
        beside, above = self._pixel(self.kernel, 0.0), self._pixel(0.0, self.kernel)
        self.above = above > 1.15 * beside
        self.pixel = max(beside, above) if self.above else beside
        if not self.above:  # no kernel is higher than its row
            self.kernel = min(self.kernel, max(self.pixel * image.shape[1], 0.01))
        self.before = 0.0 if self.above else self.kernel + 0.3 * small
        wide = self.pixel * image.shape[2]
        free = self.room - 4 * (wide + self.sign) - 3 * self.before
        self.step = self.before + self.sign + wide + min(max(free, 0.0) / 3, 3 * small + 0.8 * wide)
        last, _, width, _ = self._place(3, 0.0, image.shape[1:])
        words = canvas.widest([row.name for row in rows], small, True)
        words += canvas.widest([row.result_name for row in rows], small) + small
        self.lines = 1 if canvas.left + words < last + width else 2

    def _pixel(self, beside: float, above: float) -> float:
        """The side of a pixel, with a kernel of this width before each map or this height above."""
        canvas, count = self.canvas, len(self.rows)
        _, rows, columns = self.image.shape
        gap = 0.3 * canvas.size.small
        wide = (self.room - 3 * (beside + gap) - 4 * self.sign) / 4
        texts = (1 + 2 * count) * self.head + count * (self.gap + above + gap)
        return max(min(wide / columns, (canvas.inner_height - texts) / (count + 1) / rows), 0.01)

    def draw(self) -> None:
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        names = [theme.channel(at, 3) for at in range(3)]
        y = canvas.top
        rows = image_rgb(self.image)
        shown = [
            *((image_rgb(one[None]), *name) for one, name in zip(self.image, names, strict=True))
        ]
        for at, (rgb, name, colour) in enumerate([*shown, (rows, t("image"), theme.input)]):
            place = self._place(at, y + self.head, self.image.shape[1:])
            width = self.step - 0.3 * small
            canvas.text(place[0], y, name, px=small, colour=colour, bold=True, width=width)
            canvas.picture(rgb, *place, edge=colour)
        first = y = y + self.head + place[3] + self.gap
        for row in self.rows:
            y = self._row(row, y, [colour for _, colour in names]) + self.gap
        first += self.head
        last, _, width, _ = self._place(3, 0.0, self.image.shape[1:])
        left = min(canvas.right - self.bar.width, last + width + 4 * self.gap)
        self.bar.draw(left, first, min(y - first, 320 * canvas.unit))

    def _place(self, at: int, top: float, shape: Sequence[int]) -> Place:
        """Left, top, width and height of the picture in a column."""
        left = self.canvas.left + at * self.step + self.sign + (self.before if at < 3 else 0.0)
        return left, top, shape[1] * self.pixel, shape[0] * self.pixel

    def _row(self, row: ColourRow, top: float, colours: Sequence[str]) -> float:
        """Draw a way; returns its foot."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        canvas.text(canvas.left, top, row.name, px=small, bold=True, width=canvas.inner_width)
        top += (self.lines - 1) * self.head
        end, _, wide, _ = self._place(3, 0.0, self.image.shape[1:])
        words, colour = row.result_name, theme.output
        canvas.note(end + wide, top, words, "rt", colour=colour, width=self.room)
        top += self.head
        down = self.kernel + 0.3 * small if self.above else 0.0
        texts = exact(row.kernels.astype(float).ravel(), 3).marked()
        for at, values in enumerate(row.maps):
            left, _, width, height = place = self._place(at, top + down, values.shape)
            if self.above:
                self._kernel(row.kernels[at], left + width / 2, top + self.kernel / 2, texts)
            else:
                middle = left - 0.3 * small - self.kernel / 2
                self._kernel(row.kernels[at], middle, top + height / 2, texts)
            self._sign(row.signs[at], left - self.before, top + down + height / 2)
            edge = theme.output if row.outputs else colours[at]
            canvas.picture(shades(values, self.scale), *place, edge=edge)
        if row.result is not None:
            left, _, _, height = place = self._place(3, top + down, row.result.shape)
            self._sign(row.signs[3], left, top + down + height / 2)
            canvas.picture(shades(row.result, self.scale), *place, edge=theme.output)
        return top + down + height

    def _sign(self, text: str, right: float, middle: float) -> None:
        small = self.canvas.size.small
        self.canvas.text(right - 0.3 * small, middle, text, "rc", px=small, bold=True)

    def _kernel(self, kernel: NDArray, x: float, y: float, texts: Sequence[str]) -> None:
        """A kernel around its middle: numbers if all fit, else shades on one scale."""
        canvas, theme = self.canvas, self.canvas.theme
        rows, columns = kernel.shape
        side = self.kernel / max(rows, columns)
        cells = Cells(canvas, x - columns * side / 2, y - rows * side / 2, rows, columns, side)
        px = cells.size_of(texts)
        if px is None:
            cells.shades(kernel, self.weights, edge=theme.window)
            return
        cells.draw(theme.window, theme.window_fill)
        own = exact(kernel.astype(float).ravel(), 3).marked()
        cells.write(own, px, style.ink_on(theme.window_fill))
