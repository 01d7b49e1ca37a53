"""A figure as one sheet of pixels with y downwards, and everything that is drawn on it.

Text is measured with the figure's renderer before it is placed: it is shrunk to
the smallest legible size, then shortened in the middle, never left to run over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from convlab.errors import ShapeError
from convlab.names import one_line
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.lettering import lettering
from convlab.viz.style import Scale

LINE = 1.35  # from one line of text to the next, in text heights
LONGEST = 300  # letters of a line; no canvas has room for more
EVERYWHERE = "everywhere"  # below the number of a bar that has no other


@cache
def _font(px: float, dpi: float, bold: bool, families: tuple[str, ...]) -> FontProperties:
    return FontProperties(
        family=list(families), size=px * 72 / dpi, weight="bold" if bold else "normal"
    )


@cache
def _ruler(dpi: float) -> RendererAgg:
    """A renderer that only measures: the width of a text does not depend on the figure."""
    return RendererAgg(1, 1, dpi)


@lru_cache(maxsize=50_000)
def _width(text: str, px: float, dpi: float, bold: bool) -> float:
    text, families, bold, _ = lettering(text, bold)
    font = _font(px, dpi, bold, families)
    return _ruler(dpi).get_text_width_height_descent(text, font, ismath=False)[0]


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
    side = min(width / columns, height / rows)
    return float(math.floor(side)) if side >= 2 else side


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


def image_rgb(image: NDArray) -> NDArray:
    """An image (1, H, W) or (3, H, W) as bytes (H, W, 3).

    uint8 is shown as it is, and floats from 0 to 1 too; other floats are
    stretched from their smallest to their largest value.  Raises ShapeError.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        raise ShapeError(f"expected an image (1, H, W) or (3, H, W), got {image.shape}")
    if image.dtype != np.uint8:
        image = np.nan_to_num(image.astype(float))
        lowest, highest = image.min(), image.max()
        if lowest < 0 or highest > 1:
            image = (image - lowest) / ((highest - lowest) or 1.0)
        image = np.round(255 * image).astype(np.uint8)
    return np.broadcast_to(np.moveaxis(image, 0, -1), (*image.shape[1:], 3))


class Canvas:
    """One figure being drawn; all positions and lengths in pixels from the upper left corner."""

    def __init__(self, size: str, theme: str, aspect: float = 9 / 16) -> None:
        self.size = style.size_named(size)
        self.theme = style.theme_named(theme)
        self.figure = style.blank_figure(size, theme, aspect)
        self.width = self.figure.get_figwidth() * self.size.dpi
        self.height = self.figure.get_figheight() * self.size.dpi
        self.margin = self.width / 20
        self.left, self.right = self.margin, self.width - self.margin
        self.top, self.bottom = self.margin, self.height - self.margin
        self.unit = self.size.small / 17  # a pixel of the slide, at this size
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        self._axes.autoscale(False)
        self._layer = 0

    # Text ---------------------------------------------------------------------------------

    def measure(self, text: str, px: float, bold: bool = False) -> float:
        """Width of one line of text in pixels, as long as it can be drawn."""
        return _width(_shortened(text, LONGEST), px, self.size.dpi, bold)

    def widest(self, texts: Iterable[str], px: float, bold: bool = False) -> float:
        """Width of the widest of several texts, 0 for none."""
        return max((self.measure(text, px, bold) for text in texts), default=0.0)

    def fit(
        self, text: str, width: float, px: float, smallest: float | None = None, bold: bool = False
    ) -> tuple[str, float]:
        """Text and height that keep within ``width``: shrunk to ``smallest``, then shortened.

        A shortened text keeps its beginning and its end around "…".
        """
        text = _shortened(one_line(text), LONGEST)
        smallest = min(px, self.size.small if smallest is None else smallest)
        full = self.measure(text, px, bold)
        if full <= width:
            return text, px
        # Hinting makes widths not quite proportional, hence the second look.
        for height in (max(smallest, px * width / full * 0.98), smallest):
            if self.measure(text, height, bold) <= width:
                return text, height
        kept_low, kept_high = 0, len(text) - 1
        while kept_low < kept_high:
            kept = (kept_low + kept_high + 1) // 2
            if self.measure(_shortened(text, kept), smallest, bold) <= width:
                kept_low = kept
            else:
                kept_high = kept - 1
        return _shortened(text, kept_low), smallest

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        px: float | None = None,
        colour: str | None = None,
        bold: bool = False,
        ha: str = "left",
        va: str = "top",
        rotation: float = 0,
        width: float = math.inf,
    ) -> None:
        """One line of text at (x, y), fitted into ``width`` along its own direction."""
        fitted, height = self.fit(text, width, px or self.size.label, bold=bold)
        fitted, families, bold, undrawn = lettering(fitted, bold)
        artist = Text(
            x,
            y,
            fitted,
            color=colour or self.theme.ink,
            fontproperties=_font(height, self.size.dpi, bold, families),
            horizontalalignment=ha,
            verticalalignment=va,
            rotation=rotation,
            parse_math=False,  # a class may be called $5
            zorder=self._above(),
        )
        artist.undrawn = undrawn  # whoever writes the figure says so
        self._axes.add_artist(artist)

    def run(
        self, x: float, y: float, parts: Sequence[tuple[str, str, bool]], px: float, va: str = "top"
    ) -> None:
        """Pieces (text, colour, bold) one after the other on a line; the caller has fitted them."""
        space = self.measure("n n", px) - self.measure("nn", px)
        for text, colour, bold in parts:
            self.text(x, y, text, px=px, colour=colour, bold=bold, va=va)
            x += self.measure(text, px, bold) + space

    def run_width(self, parts: Sequence[tuple[str, str, bool]], px: float) -> float:
        """Width that :meth:`run` needs."""
        space = self.measure("n n", px) - self.measure("nn", px)
        widths = [self.measure(text, px, bold) for text, _, bold in parts]
        return sum(widths) + space * (len(parts) - 1)

    def headline(self, title: str, subtitle: str, colour: str) -> None:
        """The title in its role's colour and the quiet line below it; moves ``top`` below both.

        The quiet line may take a second line where the figure is narrow.
        """
        room, size = self.right - self.left, self.size
        y = self.top
        if title.strip():
            fitted, px = self.fit(title, room, size.title, max(size.subtitle, size.small), True)
            self.text(self.left, y, fitted, px=px, colour=colour, bold=True)
            y += size.title * LINE
        for line in self.lines(subtitle, room, size.subtitle):
            self.text(self.left, y, line, px=size.subtitle, colour=self.theme.quiet, width=room)
            y += size.subtitle * LINE
        self.top = y + 0.7 * size.label

    def lines(self, text: str, width: float, px: float) -> list[str]:
        """A text as one line, or as two where ``width`` is less than it needs."""
        words = text.split()
        if not words:
            return []
        lines = [words[0]]
        for word in words[1:]:
            longer = f"{lines[-1]} {word}"
            if len(lines) == 2 or self.measure(longer, px) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines

    # Lines and boxes ------------------------------------------------------------------------

    def _above(self) -> int:
        self._layer += 1  # what is drawn later lies above
        return self._layer

    def _points(self, px: float) -> float:
        return px * 72 / self.size.dpi

    def box(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        edge: str | None = None,
        fill: str | None = None,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """A rectangle, its edge centred on its border."""
        stroke = self.size.hair if stroke is None else stroke
        self._axes.add_artist(
            Rectangle(
                (left, top),
                width,
                height,
                facecolor=fill or "none",
                edgecolor=edge or "none",
                linewidth=self._points(stroke) if edge else 0,
                linestyle=(0, (3, 2)) if dashed else "solid",
                joinstyle="miter",
                zorder=self._above(),
            )
        )

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        *,
        stroke: float | None = None,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        """A line through points; NaN breaks it.  ``dashes`` are in strokes."""
        stroke = self.size.hair if stroke is None else stroke
        self._axes.add_artist(
            Line2D(
                xs,
                ys,
                color=colour,
                linewidth=self._points(stroke),
                linestyle=(0, dashes) if dashes else "solid",
                dash_capstyle="butt",
                solid_capstyle="round",
                solid_joinstyle="round",
                zorder=self._above(),
            )
        )

    def dot(self, x: float, y: float, colour: str, diameter: float, hollow: bool = False) -> None:
        """A round mark; hollow ones are filled with the ground."""
        self._axes.add_artist(
            Line2D(
                [x],
                [y],
                linestyle="none",
                marker="o",
                markersize=self._points(diameter),
                markerfacecolor=self.theme.ground if hollow else colour,
                markeredgecolor=colour,
                markeredgewidth=self._points(diameter / 5),
                zorder=self._above(),
            )
        )

    def strokes(
        self,
        segments: Sequence[tuple[tuple[float, float], tuple[float, float]]],
        colour: str,
        *,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """Many separate straight lines of one colour."""
        stroke = self.size.hair if stroke is None else stroke
        self._axes.add_artist(
            LineCollection(
                segments,
                colors=colour,
                linewidths=self._points(stroke),
                linestyles=(0, (3, 2)) if dashed else "solid",
                zorder=self._above(),
            )
        )

    def polygons(
        self,
        corners: NDArray,
        *,
        edge: str | None = None,
        fill: str | Sequence[str] | None = None,
        stroke: float | None = None,
        dashed: bool = False,
    ) -> None:
        """Polygons (any, corners, 2) of one outline; ``fill`` is one colour or one for each."""
        stroke = self.size.hair if stroke is None else stroke
        self._axes.add_artist(
            PolyCollection(
                corners,
                facecolors=fill or "none",
                edgecolors=edge or "none",
                linewidths=self._points(stroke) if edge else 0,
                linestyles=(0, (3, 2)) if dashed else "solid",
                joinstyle="round",
                zorder=self._above(),
            )
        )

    def grid_lines(
        self,
        left: float,
        top: float,
        rows: int,
        columns: int,
        cell: tuple[float, float],
        colour: str,
        dashed: bool = False,
    ) -> None:
        """The lines of (rows, columns) cells of width and height ``cell``, outline included."""
        width, height = cell
        right, bottom = left + columns * width, top + rows * height
        across = [
            ((left, top + row * height), (right, top + row * height)) for row in range(rows + 1)
        ]
        down = [
            ((left + column * width, top), (left + column * width, bottom))
            for column in range(columns + 1)
        ]
        self.strokes(across + down, colour, dashed=dashed)

    # Arrays -----------------------------------------------------------------------------------

    def picture(self, rgb: NDArray, left: float, top: float, width: float, height: float) -> None:
        """Bytes (H, W, 3) as H × W equal cells; smoothed only where cells are below 2 pixels."""
        whole = width / rgb.shape[1] >= 2 and height / rgb.shape[0] >= 2
        # Of a photograph far larger than its place, means of blocks: matplotlib takes 50 bytes
        # for each number.
        block = int(min(rgb.shape[1] / width, rgb.shape[0] / height) / 2)
        if block >= 2:
            rgb = np.asarray(Image.fromarray(np.ascontiguousarray(rgb)).reduce(block))
        self._axes.imshow(
            rgb,
            extent=(left, left + width, top + height, top),
            origin="upper",
            aspect="auto",
            interpolation="nearest" if whole else "hanning",
            interpolation_stage="rgba",
            resample=True,
            zorder=self._above(),
        )

    def array(
        self,
        values: NDArray,
        scale: Scale,
        left: float,
        top: float,
        width: float,
        height: float,
        edge: str | None = None,
    ) -> None:
        """Numbers (H, W) as shades; cells that are not finite are hatched."""
        rgb = scale.rgb(values)
        broken = ~np.isfinite(values)
        rgb = np.where(broken[..., None], _bytes(self.theme.ground), rgb).astype(np.uint8)
        self.picture(rgb, left, top, width, height)
        rows, columns = values.shape
        for row, column in np.argwhere(broken):
            self.hatch(
                left + column * width / columns,
                top + row * height / rows,
                width / columns,
                height / rows,
            )
        if edge:
            self.box(left, top, width, height, edge=edge)

    def hatch(self, left: float, top: float, width: float, height: float) -> None:
        """A cell whose number does not exist: three slanted strokes in the mistake's colour."""
        right, bottom = left + width, top + height
        x, y = left + width / 2, top + height / 2
        self.strokes(
            [((left, y), (x, top)), ((left, bottom), (right, top)), ((x, bottom), (right, y))],
            self.theme.mistake,
        )

    def number_size(self, texts: Sequence[str], width: float, height: float) -> float | None:
        """Text height at which every text fits its cell, None where none is legible.

        Numbers stand in cells of at least 22 slide pixels.
        """
        if min(width, height) < 22 * self.unit or len(texts) > 1500:
            return None
        longest = sorted(set(texts), key=len)[-12:]
        for px in (self.size.label, (self.size.label + self.size.small) / 2, self.size.small):
            if self.widest(longest, px) <= 0.92 * width and px * 1.2 <= height:
                return px
        return None

    def cell_numbers(
        self,
        texts: Sequence[str],
        fills: NDArray,
        px: float,
        left: float,
        top: float,
        width: float,
        height: float,
        faint: str | None = None,
    ) -> None:
        """Texts in row order into the cells of fills (H, W, 3), in the ink that reads there.

        The text ``faint`` is quiet; it stands on the ground's colour.
        """
        rows, columns = fills.shape[:2]
        for index, text in enumerate(texts):
            row, column = divmod(index, columns)
            self.text(
                left + (column + 0.5) * width / columns,
                top + (row + 0.5) * height / rows,
                text,
                px=px,
                colour=self.theme.quiet
                if text == faint
                else style.ink_on(fills[row, column] / 255),
                ha="center",
                va="center_baseline",
            )

    # The bar of a scale -------------------------------------------------------------------------

    def _bar_labels(self, scale: Scale) -> list[tuple[float, str]]:
        if scale.only is not None:
            return [(scale.only, number(scale.only))]
        low, high = number(scale.lowest), number(scale.highest)
        labels = [
            (scale.lowest, f"≤ {low}" if scale.cut_low else low),
            (scale.highest, f"≥ {high}" if scale.cut_high else high),
        ]
        span = scale.highest - scale.lowest
        if min(-scale.lowest, scale.highest) > 0.2 * span:
            labels.append((0.0, "0"))
        return labels

    def bar_width(self, scale: Scale, word: str, broken: bool = False) -> float:
        """Width in pixels that :meth:`bar` takes."""
        texts = [text for _, text in self._bar_labels(scale)]
        beside = 30 * self.unit + self.widest(texts, self.size.small)
        words = [word, *(["not finite"] if broken else [])]
        words += [EVERYWHERE] if scale.only is not None else []
        return max(beside, self.widest(words, self.size.small))

    def bar(
        self,
        scale: Scale,
        word: str,
        left: float,
        top: float,
        height: float,
        broken: bool = False,
    ) -> None:
        """The figure's scale, upright: its word above, its limits beside it.

        A bar too low for its labels is made as high as they need; of numbers that do not
        differ it is one cell, and says so.  ``broken`` adds the hatched cell and its meaning at
        the foot.
        """
        unit, small = self.unit, self.size.small
        if word:
            self.text(left, top, word, px=small, colour=self.theme.quiet)
            top += small * LINE + 0.3 * small
            height -= small * LINE + 0.3 * small
        height = max(height, 2.6 * small)
        if broken:
            height -= 2.6 * small * LINE
            foot = top + height + small
            self.box(left, foot, 18 * unit, 18 * unit, edge=self.theme.mistake)
            self.hatch(left, foot, 18 * unit, 18 * unit)
            self.text(left, foot + small * LINE, "not finite", px=small, colour=self.theme.quiet)
        bar = 18 * unit
        if scale.only is not None:
            self.picture(scale.rgb(np.array([[scale.only]])), left, top, bar, bar)
            self.box(left, top, bar, bar, edge=self.theme.hairline)
            ((_, text),) = self._bar_labels(scale)
            self.text(left + 30 * unit, top, text, px=small)
            self.text(left, top + bar + 0.3 * small, EVERYWHERE, px=small)
            return
        shades = np.linspace(scale.highest, scale.lowest, 257)[:, None]
        self.picture(scale.rgb(shades), left, top, bar, height)
        self.box(left, top, bar, height, edge=self.theme.hairline)
        span = scale.highest - scale.lowest
        for value, text in self._bar_labels(scale):
            share = (scale.highest - value) / span
            if 0 < share < 1 and min(share, 1 - share) * height < 2.2 * small:
                continue
            # The end labels stay inside the bar's height; those between are centred.
            va = {0.0: "top", 1.0: "bottom"}.get(share, "center")
            self.text(left + 30 * unit, top + share * height, text, px=small, va=va)


def _shortened(text: str, kept: int) -> str:
    if len(text) <= kept:
        return text
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head].rstrip() + style.ELLIPSIS + (text[-tail:].lstrip() if tail else "")


def _bytes(colour: str) -> NDArray:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.uint8)
