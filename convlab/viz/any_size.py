"""Images of several sizes, their maps, and the vectors that come of these, to one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.viz.tiles import arrange, how_many_fit
from convlab.words import t


@dataclass(frozen=True, eq=False)
class SizedImage:
    """An image (1 or 3, H, W) with its ``maps`` (C, H, W), and its vectors, each with a verdict.

    ``name`` stands above the image, ``maps_name`` above the maps and a verdict, if any, below its
    vector, in the colour of a mistake if a layer ``refused`` it.
    """

    name: str
    image: NDArray
    maps_name: str
    maps: NDArray
    vectors: Sequence[NDArray]
    verdicts: Sequence[str]
    refused: Sequence[bool]


def any_size(images: Sequence[SizedImage], rows: Sequence[str], **page: Unpack[Page]) -> Figure:
    """A column each: the image, its maps, its vectors; ``rows`` say what the vectors are.

    Pixels, maps' cells and the numbers of each row are equally large in all columns.  The first
    vector is on the maps' scale, the others are means, on one of their own.

    Raises ShapeError for no images and for other vectors than ``rows``.
    """
    if not images or len(rows) < 2 or any(len(one.vectors) != len(rows) for one in images):
        raise ShapeError(f"expected images with {len(rows)} vectors each")
    canvas = Sheet(1.0, "output", **page)
    _Columns(canvas, images, rows).draw()
    return canvas.figure


class _Columns:
    """Above, each image with its maps beside it; below, a row of strips for each vector.

    The first row of vectors is of the maps' numbers, the others are means, with their own scale.
    """

    def __init__(self, canvas: Canvas, images: Sequence[SizedImage], rows: Sequence[str]) -> None:
        self.canvas, self.images, self.rows = canvas, images, rows
        theme, small = canvas.theme, canvas.size.small
        means = [vector for one in images for vector in one.vectors[1:]]
        self.scale = style.value_scale(np.concatenate([one.maps.ravel() for one in images]), theme)
        self.means = style.value_scale(np.concatenate(means), theme)
        self.bars = (
            ColourBar(canvas, self.scale, t("activation")),
            ColourBar(canvas, self.means, t("mean")),
        )
        self.gap = 1.6 * canvas.size.label
        self.head = small * LINE + 0.2 * small
        self.bar_left = canvas.right - max(bar.width for bar in self.bars)
        count = len(images)
        self.width = (self.bar_left - count * self.gap - canvas.left) / count
        # What is written, and what stands between the strips; the rest is for pictures and strips.
        self.apart = 0.5 * self.gap
        texts = self.head * (len(rows) + 2) + self.apart * len(rows)
        self.thick = min(1.7 * small, 34 * canvas.unit)
        self.room = canvas.inner_height - texts - len(rows) * self.thick
        self._arrange()

    def _arrange(self) -> None:
        """Maps beside their image, or below it where that makes both larger."""
        shapes = [one.image.shape[1:] for one in self.images]
        rows, columns = max(rows for rows, _ in shapes), max(columns for _, columns in shapes)
        half, small = 0.48 * self.width, self.canvas.size.small
        names = [name for one in self.images for name in (one.name, one.maps_name)]
        beside = min(half / columns, self.room / rows)
        below = min(self.width / columns, (0.5 * self.room - self.head) / rows)
        self.below = below > beside or self.canvas.widest(names, small, True) > half
        self.side = below if self.below else beside
        self.tall = self.side * rows
        self.maps_room = (half, self.tall)
        if self.below:
            self.maps_room = self.width, self.room - self.head - self.apart - self.tall
        else:
            spare = (self.room - self.tall) / len(self.rows)
            self.thick += min(spare, 1.5 * self.thick)

    def draw(self) -> None:
        canvas, (bar, means) = self.canvas, self.bars
        each = self.head + self.thick + self.apart
        foot = canvas.bottom - len(self.rows) * each - self.head + self.apart
        for at, one in enumerate(self.images):
            self._image(one, canvas.left + at * (self.width + self.gap))
        self._vectors(foot, 0, self.scale)
        bar.draw(self.bar_left, canvas.top, foot - self.apart - canvas.top)
        foot += self.head
        for at in range(1, len(self.rows)):
            self._vectors(foot + at * each, at, self.means)
        means.draw(self.bar_left, foot + each, canvas.bottom - foot - each)

    def _image(self, one: SizedImage, left: float) -> None:
        """An image and its maps, pixels and cells as large as those of the other images."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        top, (width, _) = canvas.top, self.maps_room
        canvas.text(left, top, one.name, px=small, colour=theme.input, bold=True, width=width)
        _, rows, columns = one.image.shape
        place = left, top + self.head, columns * self.side, rows * self.side
        canvas.picture(image_rgb(one.image), *place, edge=theme.input)
        if self.below:
            top += self.head + self.tall + self.apart
        else:
            left += self.width - width
        name, colour, width = one.maps_name, theme.output, width + 0.9 * self.gap * self.below
        canvas.text(left, top, name, px=small, colour=colour, bold=True, width=width)
        self._maps(one, left, top + self.head)

    def _maps(self, one: SizedImage, left: float, top: float) -> None:
        canvas, gap = self.canvas, 0.25 * self.canvas.size.small
        sizes = [each.maps.shape[1:] for each in self.images]
        most = max(rows for rows, _ in sizes), max(columns for _, columns in sizes)
        smallest = 20 * canvas.unit
        count = how_many_fit(
            len(one.maps), *self.maps_room, most, gap=gap, label=0.0, smallest=smallest
        )
        grid = arrange(count, *self.maps_room, most, gap=gap)
        cell = grid.width / most[1]
        _, rows, columns = one.maps.shape
        for number in range(count):
            down, across = divmod(number, grid.columns)
            x, y = across * (columns * cell + gap), down * (rows * cell + gap)
            place = left + x, top + y, columns * cell, rows * cell
            canvas.array(one.maps[number], self.scale, *place, edge=canvas.theme.output)

    def _vectors(self, top: float, at: int, scale: Scale) -> None:
        """What the vectors of a row are, and each as a strip as long as it has numbers."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        longest = max(one.vectors[at].size for one in self.images)
        room = self.bar_left - self.gap - canvas.left
        canvas.text(canvas.left, top, self.rows[at], px=small, bold=True, width=room)
        y = top + self.head
        for column, one in enumerate(self.images):
            vector, left = one.vectors[at], canvas.left + column * (self.width + self.gap)
            colour = theme.mistake if one.refused[at] else theme.output
            width = vector.size * self.width / longest
            canvas.array(vector[None], scale, left, y, width, self.thick, edge=colour)
            foot, verdict = y + self.thick + 0.2 * small, one.verdicts[at]
            canvas.text(left, foot, verdict, px=small, colour=colour, width=self.width)
