"""Equal tiles in rows: how many fit, and how large they can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import NDArray

from convlab.viz.canvas import Canvas, Place
from convlab.words import t


@dataclass(frozen=True)
class Grid:
    """Equal tiles in rows, all lengths in pixels; a label of height ``label`` above each."""

    columns: int
    rows: int
    width: float
    height: float
    gap_x: float
    gap_y: float
    label: float

    def corner(self, index: int) -> tuple[float, float]:
        """Left and top of a tile (below its label), from the grid's own corner."""
        row, column = divmod(index, self.columns)
        left = column * (self.width + self.gap_x)
        return left, row * (self.label + self.height + self.gap_y) + self.label

    def place(self, index: int, left: float, top: float) -> Place:
        """Left, top, width and height of a tile of the grid at (left, top)."""
        x, y = self.corner(index)
        return left + x, top + y, self.width, self.height

    @property
    def total_width(self) -> float:
        return self.columns * self.width + (self.columns - 1) * self.gap_x

    @property
    def total_height(self) -> float:
        return self.rows * (self.label + self.height) + (self.rows - 1) * self.gap_y


def whole_cells(width: float, height: float, rows: int, columns: int) -> float:
    """The side in pixels of square cells, (rows, columns) of them inside width × height.

    Whole pixels from 2 on, so that all cells of a picture have the same size.
    """
    return whole_pixels(min(width / columns, height / rows))


def whole_pixels(length: float) -> float:
    """A length in pixels, rounded down to a whole number from 2 on."""
    return float(math.floor(length)) if length >= 2 else length


def side_by_side(
    count: int,
    place: Place,
    least: tuple[float, float],
    gaps: tuple[float, float],
) -> list[Place]:
    """Places (left, top, width, height) of equal panels that fill ``place``.

    As many side by side as have the width required by ``least``, the others below them as long as
    they have its height; the last are left out.  ``gaps`` lie between columns and rows.
    """
    left, top, room_x, room_y = place
    columns = max(1, min(count, int((room_x + gaps[0]) / (least[0] + gaps[0]))))
    rows = max(1, min(math.ceil(count / columns), int((room_y + gaps[1]) / (least[1] + gaps[1]))))
    width = (room_x - (columns - 1) * gaps[0]) / columns
    height = (room_y - (rows - 1) * gaps[1]) / rows
    return [
        (left + column * (width + gaps[0]), top + row * (height + gaps[1]), width, height)
        for row, column in (divmod(index, columns) for index in range(min(count, rows * columns)))
    ]


def arrange(
    count: int,
    width: float,
    height: float,
    shape: tuple[int, int],
    *,
    gap: float,
    label: float = 0.0,
    largest: float = math.inf,
    beside: float = 0.0,
    need: float = 0.0,
) -> Grid:
    """The grid that shows ``count`` arrays of ``shape`` (rows, columns) about as large as possible.

    Among grids with nearly the largest tiles it takes the one with the fullest last row.
    ``largest`` limits the side of one tile; ``beside`` pixels stay free at the right of each, which
    has at least ``need`` pixels in all.  Remaining room widens the gaps, so that the grid fills its
    place.
    """
    found = []
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        slot = (width - gap * (columns - 1)) / columns
        if slot < need and columns > 1:
            continue
        tile_width = min(slot - beside, largest)
        tile_height = min((height - gap * (rows - 1)) / rows - label, largest)
        # A place too low for its labels still gets a tiny tile.
        cell = whole_cells(max(tile_width, 1.0), max(tile_height, 1.0), *shape)
        low = rows * (cell * shape[0] + label) < FILLED * height
        found.append((cell, rows * columns + low * columns, columns))
    cell, _, columns = fullest(found)
    rows = math.ceil(count / columns)
    tile_width, tile_height = cell * shape[1], cell * shape[0]
    wide = max(tile_width + beside, need)

    def spread(room: float, tile: float, tiles: int, share: float) -> float:
        free = (room - tile * tiles) / max(1, tiles - 1)
        return max(min(free, max(gap, share * tile)), 0.0)

    return Grid(
        columns,
        rows,
        tile_width,
        tile_height,
        spread(width, wide, columns, 0.75) + wide - tile_width,
        spread(height, tile_height + label, rows, 0.33),
        label,
    )


FILLED = 0.55  # of the height; a grid that takes less counts as having an empty row


def fullest(found: Sequence[tuple]) -> tuple:
    """Among (side of a cell, places, ...), nearly the largest with the fewest empty places."""
    most = max(found)[0]
    return max((one for one in found if one[0] >= 0.92 * most), key=lambda c: (-c[1], c[0], *c[2:]))


def how_many_fit(
    count: int,
    width: float,
    height: float,
    shape: tuple[int, int],
    *,
    gap: float,
    label: float,
    smallest: float,
    beside: float = 0.0,
) -> int:
    """How many of ``count`` tiles fit when the longer side of each is at least ``smallest``.

    All of them if tiles a fifth smaller make that possible: nobody wants the first 60 of 64.
    """

    def room(side: float) -> tuple[int, int]:
        cell = side / max(shape)
        columns = max(1, math.floor((width + gap) / (cell * shape[1] + beside + gap)))
        return columns, max(1, math.floor((height + gap) / (cell * shape[0] + label + gap)))

    if count <= math.prod(room(0.8 * smallest)):
        return count
    columns, rows = room(smallest)
    return round_count(count, columns) * rows


def round_count(count: int, room: int) -> int:
    """All of ``count`` if there is room, else the room rounded down to a round number."""
    if count <= room:
        return count
    return max(1, room - room % 4 if room >= 8 else room)


def part_of(shown: int, count: int, what: str = "", word: str = t("first")) -> str:
    """How many are shown, as in "first 8 of 20 maps", or "of these 20"; nothing if all are."""
    whole = t("{count} {what}", count, what) if what else t("these {count}", count)
    return t("{word} {shown} of {whole}", word, shown, whole) if shown < count else ""


def framed(
    canvas: Canvas,
    rgb: NDArray,
    place: Place,
    heading: str,
    colour: str,
    *,
    head: float,
    px: float | None = None,
    width: float = 0.0,
) -> None:
    """A picture in ``place`` (left, top, width, height) in its frame, with its heading above.

    The heading is ``head`` pixels above and as wide as the picture, or as ``width``.
    """
    left, top, across, _ = place
    canvas.text(left, top - head, heading, px=px, colour=colour, bold=True, width=width or across)
    canvas.picture(rgb, *place, edge=colour)


class Panels:
    """``count`` pictures of one shape side by side, as large as possible.

    ``head`` and ``below``: heights of the texts above and below each; ``need``: their width.
    Panels of narrow pictures are as far apart as that requires, and a little more.
    """

    def __init__(
        self,
        canvas: Canvas,
        count: int,
        shape: tuple[int, int],
        *,
        head: float,
        below: float,
        need: float = math.inf,
    ) -> None:
        between = 26 * canvas.unit
        width = (canvas.inner_width - (count - 1) * between) / count

        self.cell = whole_cells(width, canvas.inner_height - head - below, *shape)
        self.height, self.width = (self.cell * length for length in shape)
        self.left, self.slot = canvas.left, min(width, max(self.width, need))
        self.step = min(width + between, self.slot + 6 * between)
        spare = canvas.inner_height - head - self.height - below
        self.top = canvas.top + min(max(spare, 0.0) / 2, 1.5 * canvas.size.label) + head

    def place(self, index: int) -> Place:
        """Left, top, width and height of a picture; texts above and below are ``slot`` wide."""
        return self.left + index * self.step, self.top, self.width, self.height


def overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two boxes (left, top, right, bottom) overlap."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
