"""The pixels of an input with boxes on them, and the padding that the boxes reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import Canvas, image_rgb
from convlab.viz.matrix import Cells
from convlab.viz.tiles import whole_cells

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels of the input, half-open


def checked_image(image: ArrayLike | None, size: tuple[int, int]) -> NDArray | None:
    """The bytes of an image, or None if there is none.  Raises ShapeError for another size."""
    rgb = None if image is None else image_rgb(np.asarray(image))
    if rgb is not None and rgb.shape[:2] != tuple(size):
        raise ShapeError(f"expected an image of {tuple(size)} pixels, got {rgb.shape[:2]}")
    return rgb


def check_box(box: Box) -> None:
    """Raises ShapeError for a box without a pixel."""
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ShapeError(f"expected a box (top, left, bottom, right) with pixels in it, got {box}")


@dataclass(frozen=True)
class BoxedImage:
    """An input of ``size`` (H, W) pixels with its ``boxes``, from (left, top) on.

    What lies outside the input is padding.  ``pixel``: the side of a pixel on the canvas.
    """

    canvas: Canvas
    size: tuple[int, int]
    boxes: Sequence[Box]
    left: float = 0.0
    top: float = 0.0
    pixel: float = 1.0

    @property
    def first(self) -> tuple[int, int]:
        """The first row and the first column, below 0 where there is padding."""
        tops, lefts, _, _ = zip(*self.boxes, strict=True)
        return min(0, *tops), min(0, *lefts)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the input and its padding."""
        _, _, bottoms, rights = zip(*self.boxes, strict=True)
        first_row, first_column = self.first
        return max(self.size[0], *bottoms) - first_row, max(self.size[1], *rights) - first_column

    @property
    def padded(self) -> bool:
        return self.shape != tuple(self.size)

    def at(self, left: float, top: float, pixel: float) -> BoxedImage:
        return replace(self, left=left, top=top, pixel=pixel)

    def largest_pixel(self, width: float, height: float) -> float:
        """The side of a pixel; a whole number where a difference of one would be visible."""
        rows, columns = self.shape
        side = min(width / columns, height / rows)
        return whole_cells(width, height, rows, columns) if side >= 4 else side

    def cells(self, box: Box | None = None) -> Cells:
        """The pixels of a box, or all those of the input."""
        top, left, bottom, right = box or (0, 0, *self.size)
        x = self.left - self.first[1] * self.pixel + left * self.pixel
        y = self.top - self.first[0] * self.pixel + top * self.pixel
        return Cells(self.canvas, x, y, bottom - top, right - left, self.pixel)

    def draw(self, rgb: NDArray | None, box: Box) -> None:
        """The image, or without one the grid of pixels, under a box whose padding is dashed."""
        canvas, theme = self.canvas, self.canvas.theme
        field, whole = self.cells(box), self.cells()
        lined = self.pixel >= 8 * canvas.unit
        # Padding is drawn under the input, so only the part outside it stays visible.
        field.box(fill=theme.hairline_fill)
        if lined:
            field.lines(theme.hairline, dashed=True)
        else:
            field.box(theme.hairline, dashed=True)
        if rgb is not None:
            canvas.picture(rgb, *whole.place)
        else:
            whole.box(fill=theme.input_fill)
            top, left = max(box[0], 0), max(box[1], 0)
            bottom, right = min(box[2], self.size[0]), min(box[3], self.size[1])
            if top < bottom and left < right:
                self.cells((top, left, bottom, right)).box(fill=theme.window_fill)
            if lined:
                whole.lines(theme.hairline)
        whole.box(theme.input)
        field.box(theme.window, stroke=canvas.size.thick)

    def frame(self, box: Box, stroke: float, colour: str | None = None) -> None:
        """The outline of a box, over the background colour so that it stands out from the image."""
        cells, theme = self.cells(box), self.canvas.theme
        cells.box(theme.ground, stroke=1.8 * stroke)
        cells.box(colour or theme.window, stroke=stroke)
