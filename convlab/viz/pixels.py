"""An image as what it is for a network: channels, and numbers in rows or in one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.matrix import Cells, inks_on
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import whole_cells
from convlab.words import t


def _checked(image: ArrayLike) -> NDArray:
    """Bytes (1, H, W) or (3, H, W)."""
    image = np.asarray(image)
    image_rgb(image)  # raises ShapeError for another shape
    if image.dtype != np.uint8:
        raise ShapeError(f"expected the bytes of an image, uint8, got {image.dtype}")
    return image


def channels(image: ArrayLike, pixel: tuple[int, int], **page: Unpack[Page]) -> Figure:
    """A colour image, its channels in shades of grey, and the three numbers of one pixel.

    image: (3, H, W) bytes.  White is 255, as much of the colour as there can be.  pixel:
    (row, column), marked on the image.

    Raises ShapeError for another array and a pixel outside it.
    """
    image = _checked(image)
    if len(image) != 3:
        raise ShapeError(f"expected an image of 3 channels, got {len(image)}")
    rows, columns = image.shape[1:]
    row, column = pixel
    if not (0 <= row < rows and 0 <= column < columns):
        raise ShapeError(f"expected a pixel inside {style.size_text(rows, columns)}, got {pixel}")
    canvas = Sheet(0.62, "input", **page)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    head, gap = small * LINE + 0.3 * small, 1.3 * label
    width, height = canvas.inner_width, canvas.inner_height
    ratio, words = columns / rows, canvas.measure("green", small, bold=True)
    if ratio > 4:
        # A strip: all below each other.
        large = tall = min((height - 4.5 * head - 0.3 * height) / 4, width / ratio)
        step = tall + head + 0.3 * label
        places = [(canvas.left, canvas.top + step * (at + 1)) for at in range(4)]
    else:
        # The image is as high as two channels with what stands above the lower one.
        tall = (height - gap) / 2 - head
        while (4 * tall + head + gap) * ratio + 2 * gap > width and tall > small:
            tall *= 0.99
        large = 2 * tall + head + gap
        # Lower than its place, it does not hang from the headline.
        canvas.top += (height - head - large) / 3
        start = canvas.left + max(large * ratio, words) + gap
        step_x, step_y = max(tall * ratio, words) + gap, tall + head + gap
        places = [(start + at % 2 * step_x, canvas.top + at // 2 * step_y) for at in range(4)]
    cells = Cells(canvas, canvas.left, canvas.top + head, rows, columns, large / rows)
    canvas.note(canvas.left, canvas.top, t("image"), colour=colours.input, bold=True)
    canvas.picture(image_rgb(image), *cells.place, edge=colours.input)
    # The mark is larger than a pixel, and on a ground of its own, so that it is seen.
    x, y = cells.middle(row, column)
    side = max(cells.width, 26 * canvas.unit)
    mark = x - side / 2, y - side / 2, side, side
    canvas.box(*mark, edge=colours.ground, stroke=1.5 * canvas.size.thick)
    canvas.box(*mark, edge=colours.window, stroke=0.7 * canvas.size.thick)
    for at, ((left, top), values) in enumerate(zip(places, image, strict=False)):
        name, colour = colours.channel(at, 3)
        canvas.note(left, top, name, colour=colour, bold=True)
        place = left, top + head, tall * ratio, tall
        canvas.picture(image_rgb(values[None]), *place)
        canvas.box(*place, edge=colour, stroke=0.5 * canvas.size.thick)
    _one_pixel(canvas, image[:, row, column], pixel, places[3], tall)
    return canvas.figure


def _one_pixel(
    canvas: Canvas,
    values: NDArray,
    pixel: tuple[int, int],
    corner: tuple[float, float],
    tall: float,
) -> None:
    """The numbers (3,) of one pixel, below each other in the height of a channel."""
    (left, top), small, colours = corner, canvas.size.small, canvas.theme
    room, line = canvas.right - left, 1.3 * small
    canvas.note(left, top, t("one pixel"), colour=colours.window, bold=True, width=room)
    canvas.note(left, top + line, t("at {pixel},{pixel2}", pixel[0], pixel[1]), width=room)
    line = max(line, min(canvas.size.label * LINE, tall / 4))
    px = max(small, min(canvas.size.label, line / LINE))
    for at, value in enumerate(values):
        name, colour = colours.channel(at, 3)
        y = top + 2.6 * small + at * line
        canvas.text(
            left,
            y,
            t("{name} {value}", name, value),
            px=px,
            colour=colour,
            bold=True,
            width=room,
        )


def pixel_numbers(image: ArrayLike, box: tuple[int, int, int, int], **page: Unpack[Page]) -> Figure:
    """An image, a box on it, and the pixels of the box with their values written in them.

    image: (1 or 3, H, W) bytes.  box: (top, left, bottom, right) in pixels, the ends not
    among them.  Of a colour image the three channels stand one beside the other.  Where
    not all numbers fit readably the first rows and columns are shown, and the line above
    them says so.

    Raises ShapeError for another array and for a box that is empty or leaves the image.
    """
    image = _checked(image)
    top, left, bottom, right = box
    count, rows, columns = image.shape
    sizes = style.size_text(rows, columns)
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise ShapeError(
            f"expected a box inside {sizes}, got rows {top} to {bottom - 1},"
            f" columns {left} to {right - 1}"
        )
    canvas = Sheet(0.62, "input", **page)
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    head, gap = 2 * small * LINE + 0.2 * small, 0.8 * label
    width, height = canvas.inner_width, canvas.inner_height - head
    # Of a colour image the pixels of the box also stand below it, without numbers.
    share, tall = (0.42, height) if count == 1 else (0.27, 0.46 * height)
    cell = min(share * width / columns, tall / rows)
    y = canvas.top + head
    whole = Cells(canvas, canvas.left, y, rows, columns, float(int(cell)) if cell >= 2 else cell)
    canvas.note(canvas.left, canvas.top, t("image"), colour=colours.input, bold=True)
    canvas.note(canvas.left, canvas.top + small * LINE, sizes)
    canvas.picture(image_rgb(image), *whole.place, edge=colours.input)

    start = canvas.left + max(whole.place[2], canvas.measure(sizes, small)) + 2.4 * label
    slot = (canvas.right - start - gap * (count - 1)) / count
    need = max(22 * canvas.unit, canvas.measure("255", small) / 0.9)
    across = min(right - left, max(1, int(slot // need)))
    down = min(bottom - top, max(1, int(height // need)))
    side = float(int(min(slot / across, height / down, 3.2 * label)))
    words = t(
        "rows {top} to {value}, columns {left} to {value2}",
        *(top, top + down - 1, left, left + across - 1),
    )
    canvas.note(start, canvas.top + small * LINE, words, width=canvas.right - start)
    shown = image[:, top : top + down, left : left + across]
    seen = whole.part(top, left, down, across)
    numbers = lens = Cells(canvas, start, y, down, across, side)
    if count == 3:
        below = y + whole.place[3] + gap
        zoom = min(whole.place[2] / across, (canvas.bottom - below) / down, side)
        lens = Cells(canvas, canvas.left, below, down, across, zoom)
        canvas.picture(image_rgb(shown), *lens.place)
        lens.box(colours.window, stroke=0.6 * canvas.size.thick)
    for at, pixels in enumerate(shown):
        cells = replace(numbers, left=start + at * (numbers.place[2] + gap))
        name, colour = (t("grey"), colours.input) if count == 1 else colours.channel(at, 3)
        canvas.note(cells.left, canvas.top, name, colour=colour, bold=True, width=slot)
        _numbered(cells, pixels, colour)
    seen.box(colours.window, stroke=0.6 * canvas.size.thick)
    # From the box on the image to its pixels, which stand below it or at its right.
    beside = (down, 0), (0, across)
    near, far = beside if count == 3 else beside[::-1]
    rays = [
        (seen.corner(*near), lens.corner(0, 0)),
        (seen.corner(down, across), lens.corner(*far)),
    ]
    canvas.strokes(rays, colours.window, dashed=True)
    return canvas.figure


def _numbered(cells: Cells, pixels: NDArray, colour: str) -> None:
    """Bytes (rows, columns) in shades of grey with their numbers."""
    fills = image_rgb(pixels[None])
    cells.canvas.picture(fills, *cells.place)
    px = cells.size_of(["255"], 0.88) or cells.canvas.size.small
    cells.write([str(value) for value in pixels.ravel().tolist()], px, inks_on(fills))
    cells.box(colour, stroke=0.5 * cells.canvas.size.thick)


def flatten(
    image: ArrayLike, order: ArrayLike, pixel: tuple[int, int, int], **page: Unpack[Page]
) -> Figure:
    """The channels of an image, below them all its numbers in a row, and one row enlarged.

    image: (1 or 3, H, W) bytes.  order (1 or 3, H, W): the place of each number in the row.
    pixel: (channel, row, column); its row is followed from the image to its place and enlarged
    with its numbers.

    Raises ShapeError for other arrays and for a pixel outside the image.
    """
    image, order = np.asarray(image), np.asarray(order)
    rgb = image_rgb(image)  # raises ShapeError for another shape
    if order.shape != image.shape or sorted(order.ravel()) != list(range(image.size)):
        raise ShapeError(f"expected a place for each number of {image.shape}, got {order.shape}")
    if not all(0 <= at < length for at, length in zip(pixel, image.shape, strict=True)):
        raise ShapeError(f"expected a pixel inside {image.shape}, got {pixel}")
    canvas = Sheet(1.15, "input", **page)
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
        slot = max(columns * cell, canvas.measure(t("channel 2"), small, True))
        left = canvas.left + (canvas.inner_width - count * slot - gap * (count - 1)) / 2
        for at, (name, colour) in enumerate(self.names):
            x = left + at * (slot + gap)
            name = t("image") if count == 1 else name
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
        words = t("{size:,} numbers in a row", self.vector.size)
        x, anchor = canvas.left + canvas.measure("0", small) + small, "lt"
        if 2 * self.places[0] < self.vector.size:
            x, anchor = canvas.right - canvas.measure(last, small) - small, "rt"
        width = canvas.inner_width / 2 - canvas.measure(last, small) - 2 * small
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
