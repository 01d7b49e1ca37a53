"""An image and the row of numbers that it becomes, and one of its rows in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.facts import Facts, facts_at_foot
from convlab.viz.matrix import Cells, inks_on
from convlab.viz.tiles import whole_cells


def flatten(
    image: ArrayLike,
    order: ArrayLike,
    pixel: tuple[int, int, int],
    *,
    facts: Facts = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The channels of an image, below them all its numbers in a row, and one row enlarged.

    image: (1 or 3, H, W) bytes.  order (1 or 3, H, W): the place of each number in the row.
    pixel: (channel, row, column); its row is followed from the image to its place and enlarged
    with its numbers.  ``facts``: labels with texts at the foot.

    Raises ShapeError for other arrays and for a pixel outside the image, SpecError for an
    unknown theme or size.
    """
    image, order = np.asarray(image), np.asarray(order)
    rgb = image_rgb(image)  # raises ShapeError for another shape
    if order.shape != image.shape or sorted(order.ravel()) != list(range(image.size)):
        raise ShapeError(f"expected a place for each number of {image.shape}, got {order.shape}")
    if not all(0 <= at < length for at, length in zip(pixel, image.shape, strict=True)):
        raise ShapeError(f"expected a pixel inside {image.shape}, got {pixel}")
    canvas = Canvas(size, theme, aspect=1.15)
    canvas.headline(title, subtitle, canvas.theme.input)
    facts_at_foot(canvas, facts, lambda bottom: bottom - canvas.top > 0.57 * canvas.height)
    _Flattened(canvas, image, rgb, order, pixel).draw()
    return canvas.figure


class _Flattened:
    """Channels above, the row of all numbers below them, and one row of the image at the foot."""

    def __init__(
        self,
        canvas: Canvas,
        image: NDArray,
        rgb: NDArray,
        order: NDArray,
        pixel: tuple[int, int, int],
    ) -> None:
        self.canvas, self.image, self.rgb, self.pixel = canvas, image, rgb, pixel
        self.vector = image.ravel()[np.argsort(order.ravel())]
        self.places = order[pixel[0], pixel[1]]
        small = canvas.size.small
        self.head, self.thick = small * LINE + 0.2 * small, min(2.6 * small, 44 * canvas.unit)
        self.names = [canvas.theme.channel(at, len(image)) for at in range(len(image))]

    def draw(self) -> None:
        canvas, small = self.canvas, self.canvas.size.small
        foot = canvas.bottom - self.thick
        middle = foot - 3.4 * small - self.head - self.thick
        row = self._channels(middle - self.head - 1.6 * small)
        self._vector(middle)
        first, last = self.places[0], self.places[-1]
        if last - first + 1 == len(self.places):
            step = canvas.inner_width / self.vector.size
            segment = canvas.left + first * step, canvas.left + (last + 1) * step
            self._rays(row, (*segment, middle))
            below = canvas.left, canvas.right, foot
            self._rays((*segment, middle + self.thick), below)
        self._row(foot)

    def _channels(self, bottom: float) -> tuple[float, float, float]:
        """The channels side by side; returns left, right and foot of the row that is followed."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        count, rows, columns = self.image.shape
        gap, top = 1.5 * canvas.size.label, canvas.top + self.head
        room = (canvas.inner_width - gap * (count - 1)) / count
        cell = whole_cells(room, bottom - top, rows, columns)
        slot = max(columns * cell, canvas.measure("channel 2", small, True))
        left = canvas.left + (canvas.inner_width - count * slot - gap * (count - 1)) / 2
        for at, (name, colour) in enumerate(self.names):
            x = left + at * (slot + gap)
            name = "image" if count == 1 else name
            canvas.text(x, canvas.top, name, px=small, colour=colour, bold=True)
            shown = Cells(canvas, x, top, rows, columns, cell)
            canvas.picture(image_rgb(self.image[at][None]), *shown.place, edge=colour)
            if at == self.pixel[0]:
                followed = shown.part(self.pixel[1], 0, 1, columns)
        stroke = min(canvas.size.thick, max(canvas.size.hair, 0.3 * cell))
        followed.box(theme.window, stroke=stroke)
        return followed.left, followed.left + columns * cell, followed.top + cell

    def _vector(self, top: float) -> None:
        """All numbers in a row, with the places of its ends and of each channel's beginning."""
        canvas, small = self.canvas, self.canvas.size.small
        place = canvas.left, top, canvas.inner_width, self.thick
        canvas.picture(image_rgb(self.vector[None, None]), *place)
        step = canvas.inner_width / self.vector.size
        each = self.vector.size // len(self.image)
        for at, (_, colour) in enumerate(self.names):
            canvas.box(canvas.left + at * each * step, top, each * step, self.thick, edge=colour)
        y = top - self.head
        last = f"{self.vector.size - 1:,}"
        canvas.note(canvas.left, y, "0")
        canvas.note(canvas.right, y, last, "rt")
        # In the half where no rays come down.
        words = f"{self.vector.size:,} numbers in a row"
        x, anchor = canvas.left + canvas.measure("0", small) + small, "lt"
        if 2 * self.places[0] < self.vector.size:
            x, anchor = canvas.right - canvas.measure(last, small) - small, "rt"
        width = canvas.inner_width / 2 - 4 * small
        canvas.text(x, y, words, anchor, px=small, bold=True, width=width)

    def _row(self, top: float) -> None:
        """The row that is followed: its numbers where they have room, and the pixel's place."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        channel, row, column = self.pixel
        values = self.image[channel, row]
        cells = Cells.within(
            canvas, (1, values.size), canvas.left, top, canvas.inner_width, self.thick
        )
        texts = exact(values.astype(float)).texts
        canvas.picture(image_rgb(values[None, None]), *cells.place)
        px = cells.size_of(texts)
        if px is not None:
            cells.write(texts, px, inks_on(image_rgb(values[None, None])))
        if cells.width >= 4 * canvas.unit:
            cells.lines(theme.hairline)
        cells.box(theme.window)
        mark = cells.part(0, column)
        mark.box(theme.output, stroke=canvas.size.thick)
        x, _ = mark.middle(0, 0)
        place = f"{self.places[column]:,}"
        half = canvas.measure(place, small, True) / 2
        x = min(max(x, canvas.left + half), canvas.right - half)
        canvas.text(x, top - self.head, place, "mt", px=small, colour=theme.output, bold=True)
        ends = ((canvas.left, 0, "lt"), (canvas.right, -1, "rt"))
        for end, at, anchor in ends:
            text = f"{self.places[at]:,}"
            if abs(x - end) > half + canvas.measure(text, small) + small:
                canvas.note(end, top - self.head, text, anchor)

    def _rays(self, above: Sequence[float], below: Sequence[float]) -> None:
        """From the ends of a piece (left, right, y) to those of the same piece below it."""
        (left, right, y), (left_below, right_below, foot) = above, below
        gap = self.head if foot > self.canvas.bottom - 2 * self.thick else 0.0
        segments = [((left, y), (left_below, foot - gap)), ((right, y), (right_below, foot - gap))]
        self.canvas.strokes(segments, self.canvas.theme.window)
