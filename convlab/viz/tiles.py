"""Equal tiles in rows: how many fit, and as large as there is room."""

from __future__ import annotations

import math
from dataclasses import dataclass


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

    @property
    def total_width(self) -> float:
        return self.columns * self.width + (self.columns - 1) * self.gap_x

    @property
    def total_height(self) -> float:
        return self.rows * (self.label + self.height) + (self.rows - 1) * self.gap_y


def whole_cells(width: float, height: float, rows: int, columns: int) -> float:
    """The side in pixels of square cells, (rows, columns) of them inside width × height.

    Whole pixels from 2 on, so that all cells of a picture are equally large.
    """
    return whole_pixels(min(width / columns, height / rows))


def whole_pixels(length: float) -> float:
    """A length in pixels, rounded down to whole ones from 2 on."""
    return float(math.floor(length)) if length >= 2 else length


def arrange(
    count: int,
    width: float,
    height: float,
    shape: tuple[int, int],
    *,
    gap: float,
    label: float = 0.0,
    largest: float = math.inf,
) -> Grid:
    """The grid that shows ``count`` arrays of ``shape`` (rows, columns) about as large as possible.

    Among grids with nearly the largest tiles it takes the one with the fullest
    last row.  ``largest`` limits the side of one tile.  Room that is left widens
    the gaps, so that the grid fills its place.
    """
    found = []
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        tile_width = min((width - gap * (columns - 1)) / columns, largest)
        tile_height = min((height - gap * (rows - 1)) / rows - label, largest)
        # A place too low for its labels still gets a dot of a tile.
        cell = whole_cells(max(tile_width, 1.0), max(tile_height, 1.0), *shape)
        found.append((cell, rows * columns, columns))
    most = max(found)[0]
    near = [(-places, cell, columns) for cell, places, columns in found if cell >= 0.82 * most]
    _, cell, columns = max(near)
    rows = math.ceil(count / columns)
    tile_width, tile_height = cell * shape[1], cell * shape[0]

    def spread(room: float, tile: float, tiles: int, share: float) -> float:
        free = (room - tile * tiles) / max(1, tiles - 1)
        return max(min(free, max(gap, share * tile)), 0.0)

    return Grid(
        columns,
        rows,
        tile_width,
        tile_height,
        spread(width, tile_width, columns, 0.75),
        spread(height, tile_height + label, rows, 0.33),
        label,
    )


def how_many_fit(
    count: int,
    width: float,
    height: float,
    shape: tuple[int, int],
    *,
    gap: float,
    label: float,
    smallest: float,
) -> int:
    """How many of ``count`` tiles fit when the longer side of each is at least ``smallest``.

    All of them when a fifth smaller is enough for that: nobody wants the first 60 of 64.
    """

    def room(side: float) -> tuple[int, int]:
        cell = side / max(shape)
        columns = max(1, math.floor((width + gap) / (cell * shape[1] + gap)))
        return columns, max(1, math.floor((height + gap) / (cell * shape[0] + label + gap)))

    if count <= math.prod(room(0.8 * smallest)):
        return count
    columns, rows = room(smallest)
    return round_count(count, columns) * rows


def round_count(count: int, room: int) -> int:
    """All of ``count`` if there is room, else the room rounded down to an easy number."""
    if count <= room:
        return count
    return max(1, room - room % 4 if room >= 8 else room)


def joined(*parts: str) -> str:
    """Parts of a second line, those that there are."""
    return ", ".join(filter(None, parts))


def part_of(shown: int, count: int, what: str = "", word: str = "first") -> str:
    """How many are shown, as in "first 8 of 20 maps", or "of these 20"; nothing where all are."""
    whole = f"{count} {what}" if what else f"these {count}"
    return f"{word} {shown} of {whole}" if shown < count else ""
