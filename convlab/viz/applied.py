"""What a kernel makes of an image: before, kernel, after."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import Grain, Numbers, exact, number, sums
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, cell_numbers, number_size
from convlab.viz.style import Scale

KINDS = ("image", "signed", "magnitude", "direction")
MOST_NUMBERS = 20  # rows or columns of an image whose cells show their numbers

_MANY = 4096  # results of more values are shown up to a percentile of their magnitude
_PERCENTILE = 99


@dataclass(frozen=True)
class ShownKernel:
    """A kernel as it lies on the image: its name and its weights (KH, KW)."""

    name: str
    weights: NDArray


@dataclass(frozen=True)
class ShownResult:
    """One map that came out, and how it is to be read.

    values: (H, W), or (3, H, W) for an RGB image.  kind: "image", on a grey
    scale over ``levels`` or in its own RGB; "signed", in the diverging map;
    "magnitude", grey from 0; "direction", degrees above -180 up to 180, 0 to the
    right and 90 downwards.  ``known`` (H, W) bool: where a direction is shown,
    None for everywhere.  ``note`` stands below the name, after the size.
    ``channel``: red, green or blue, if it is of one.  ``difference`` marks what
    shows how two results differ.  ``grain``: what is known of values that are sums.
    """

    name: str
    values: NDArray
    kind: str
    levels: tuple[float, float] = (0.0, 255.0)
    known: NDArray | None = None
    note: str = ""
    channel: str | None = None
    difference: bool = False
    grain: Grain | None = None


def applied(
    image: NDArray,
    kernels: Sequence[Sequence[ShownKernel]],
    results: Sequence[Sequence[ShownResult]],
    *,
    title: str,
    subtitle: str = "",
    facts: Sequence[tuple[str, str]] = (),
    levels: tuple[float, float] = (0.0, 255.0),
    padded: NDArray | None = None,
    sides: tuple[int, int, int, int] = (0, 0, 0, 0),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image, the kernels that slide over it, and what comes out, side by side.

    image: (1, H, W) or (3, H, W) on a grey scale or RGB over ``levels``; padded:
    (1, PH, PW), the same with ``sides`` (top, bottom, left, right) of padding,
    shown where the cells are large enough for numbers.  kernels and results
    come in rows, which are drawn as columns where that gives larger pictures.
    facts: (label, text) pairs at the foot, the most important ones first; on a
    small canvas the last ones are left out.

    Images of up to 20 × 20 with one channel are drawn as cells with their numbers if these
    are legible.  Others are drawn as pictures: each drawn pixel is then the mean of
    the colours of the values below it, and the scale of a large signed result or
    magnitude ends at the 99th percentile, which its bar says.  Where many pictures meet
    a small canvas, the kernels and the sizes are left out.

    Raises ShapeError for arrays of other shapes and for more pictures than the canvas has
    room for, SpecError for an unknown kind, theme or size.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[0] not in (1, 3) or 0 in image.shape:
        raise ShapeError(f"expected an image (1, H, W) or (3, H, W), got {image.shape}")
    for result in (result for row in results for result in row):
        if result.kind not in KINDS:
            raise SpecError(f"expected a kind among {', '.join(KINDS)}, got {result.kind!r}")
        channels = 3 if result.values.ndim == 3 and result.kind == "image" else 0
        if result.values.shape[:-2] != ((3,) if channels else ()) or 0 in result.values.shape:
            raise ShapeError(
                f"expected a result (H, W), or (3, H, W) for an image, got {result.values.shape}"
            )
    canvas = Canvas(size, theme, _aspect(results))
    canvas.headline(title, subtitle, canvas.theme.window)
    bottom = _foot(canvas, facts)
    sheet = _Sheet(canvas, image, kernels, results, levels, padded, sides, bottom)
    sheet.draw()
    return canvas.figure


def _aspect(results: Sequence[Sequence[ShownResult]]) -> float:
    """Height by width, for sizes that are not fixed: taller for more rows of results."""
    return 0.62 + 0.14 * len(results)


def _foot(canvas: Canvas, facts: Sequence[tuple[str, str]]) -> float:
    """Draw the facts at the foot; returns where the room above them ends.

    A text that is too long goes on behind a comma or semicolon in the next line.
    The first facts that take no more than a sixth of the canvas are drawn.
    """
    px = (canvas.size.label + canvas.size.small) / 2
    indent = canvas.widest([label for label, _ in facts], px) + px
    width = canvas.inner_width - indent
    pitch = px * LINE * 1.1
    lines: list[tuple[str, str]] = []
    for label, text in facts:
        more = [(label, "")]
        for piece in re.split("(?<=[,;]) ", text):
            longer = f"{more[-1][1]} {piece}".strip()
            if not more[-1][1] or canvas.measure(longer, canvas.size.small) <= width:
                more[-1] = (more[-1][0], longer)
            else:
                more.append(("", piece))
        if (len(lines) + len(more)) * pitch > canvas.height / 6:
            break
        lines += more
    if not lines:
        return canvas.bottom
    top = canvas.bottom - pitch * len(lines) + (pitch - px)
    for index, (label, text) in enumerate(lines):
        y = top + pitch * index
        canvas.text(canvas.left, y, label, px=px, colour=canvas.theme.quiet)
        canvas.text(canvas.left + indent, y, text, px=px, width=width)
    return top - 1.2 * px


# --- from values to drawn pixels --------------------------------------------------------


def _reduced(rgb: NDArray, factor: int) -> NDArray:
    """Means over blocks of factor × factor; what is left over at the end is below one pixel."""
    rows, columns = (length // factor for length in rgb.shape[:2])
    rgb = rgb[: rows * factor, : columns * factor]
    tall = np.zeros((rows, columns * factor, 3), np.uint32)
    for step in range(factor):
        tall += rgb[step::factor]
    total = np.zeros((rows, columns, 3), np.uint32)
    for step in range(factor):
        total += tall[:, step::factor]
    return ((total + factor**2 // 2) // factor**2).astype(np.uint8)


def _shades(values: NDArray, scale: Scale) -> NDArray:
    """Values (H, W) as bytes (H, W, 3): ``scale.rgb`` by a table, for millions of values."""
    steps = 256
    table = scale.rgb(np.linspace(scale.lowest, scale.highest, steps + 1))
    factor = np.float32(steps / (scale.highest - scale.lowest))
    place = (values - np.float32(scale.lowest)) * factor + np.float32(0.5)
    return table.take(np.clip(place, 0, steps).astype(np.uint16), axis=0)


def _colours(image: NDArray, levels: tuple[float, float]) -> NDArray:
    """An RGB image (3, H, W) over ``levels`` as bytes (H, W, 3)."""
    low, high = (np.float32(level) for level in levels)
    share = np.clip((image - low) * (np.float32(255) / (high - low)) + np.float32(0.5), 0, 255)
    return np.moveaxis(share.astype(np.uint8), 0, -1)


def _limit(values: Sequence[NDArray]) -> tuple[float, float]:
    """(largest magnitude that is shown, largest that there is) of several maps."""
    largest = max(float(max(abs(v.min()), abs(v.max()))) for v in values)
    if max(v.size for v in values) <= _MANY:
        return largest or 1.0, largest
    # A million values are enough to know a percentile well.
    some = np.concatenate([np.abs(v.ravel()[:: max(1, v.size // 1_000_000)]) for v in values])
    shown = float(f"{np.percentile(some, _PERCENTILE):.2g}")
    return (shown if 0 < shown < largest else largest or 1.0), largest


# --- the sheet --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tile:
    """A picture with its heading: rows × columns cells, of the common side or a ``fixed`` one."""

    name: str
    notes: tuple[str, ...]
    colour: str
    rows: float
    columns: float
    draw: Callable[[float, float, float, float], None]  # left, top, width, height
    fixed: float | None = None

    def size(self, cell: float) -> tuple[float, float]:
        """Width and height in pixels."""
        side = self.fixed or cell
        return self.columns * side, self.rows * side


_Block = Sequence[Sequence[_Tile]]  # rows of tiles


def _turned(block: Sequence[Sequence]) -> list[list]:
    """Rows as columns."""
    return [list(column) for column in zip(*block, strict=True)]


def _bare(block: _Block) -> _Block:
    """The tiles without their sizes."""
    return [[replace(tile, notes=tile.notes[1:]) for tile in row] for row in block]


@dataclass(frozen=True)
class _Layout:
    """Blocks from left to right, the signs between them, and the common side of a cell.

    Of two layouts the one with the larger ``worth`` times cell is better.
    """

    blocks: Sequence[_Block]
    signs: tuple[str, ...]
    worth: float = 1.0
    cell: float = 0.0
    headings: float = math.inf  # the most that a heading widens its column by

    @property
    def value(self) -> float:
        return self.worth * self.cell


class _Sheet:
    """Everything between headline and foot, as large as there is room."""

    def __init__(self, canvas, image, kernels, results, levels, padded, sides, bottom) -> None:
        self.canvas, self.theme, self.bottom = canvas, canvas.theme, bottom
        self.image, self.kernels, self.results = image, kernels, results
        self.levels, self.sides = levels, sides
        # Broad padding would take the room of what it surrounds.
        if padded is None or max(sides) > 2:
            padded, self.sides = image, (0, 0, 0, 0)
        self.padded = padded
        self.each = [result for row in results for result in row]
        self.name_px = max(0.7 * canvas.size.title, canvas.size.small)
        self.gap = 1.2 * canvas.size.small
        self.scales = self._scales()

    def draw(self) -> None:
        shapes = [self.image.shape[1:], *(result.values.shape[-2:] for result in self.each)]
        small = max(max(shape) for shape in shapes) <= MOST_NUMBERS
        if small and len(self.image) == 1 and all(r.values.ndim == 2 for r in self.each):
            layout = self._numbers()
            if layout is not None:
                self._place(layout, [])
                return
        self._place(self._pictures(), list(self.scales))

    def _scales(self) -> dict[str, Scale]:
        """One scale for all results of a kind."""
        scales = {}
        for kind in KINDS:
            shown = [result for result in self.each if result.kind == kind]
            if not shown:
                continue
            values = [result.values for result in shown]
            if kind == "signed":
                limit, _ = _limit(values)
                ends = np.array([min(v.min() for v in values), max(v.max() for v in values)])
                scales[kind] = style.signed_scale(ends, self.theme, limit)
            elif kind == "magnitude":
                limit, largest = _limit(values)
                grey = style.grey_scale(np.array([0.0, limit]))
                scales[kind] = replace(grey, cut_high=largest > limit)
            elif kind == "direction":
                scales[kind] = Scale(-180.0, 180.0, style.cyclic_map(self.theme))
            else:
                low, high = shown[0].levels
                scales[kind] = replace(
                    style.grey_scale(np.array([low, high])),
                    cut_low=bool(min(v.min() for v in values) < low),
                    cut_high=bool(max(v.max() for v in values) > high),
                )
        return scales

    # Where the blocks stand -------------------------------------------------------------------

    def _head(self, tile: _Tile) -> float:
        return self.name_px * LINE + (len(tile.notes) * LINE + 0.4) * self.canvas.size.small

    def _columns(self, layout: _Layout, block: _Block) -> list[float]:
        canvas = self.canvas

        def width(tile: _Tile) -> float:
            notes = canvas.widest(tile.notes, canvas.size.small)
            heading = max(canvas.measure(tile.name, self.name_px, True), notes)
            return max(tile.size(layout.cell)[0], min(heading, layout.headings))

        return [max(width(tile) for tile in column) for column in zip(*block, strict=True)]

    def _width(self, layout: _Layout) -> float:
        columns = [self._columns(layout, block) for block in layout.blocks]
        return sum(sum(each) + self.gap * (len(each) - 1) for each in columns)

    def _rows(self, layout: _Layout, block: _Block) -> list[float]:
        """Tops of the rows' tiles and, last, the end of the block, from the first tile's top."""
        y, tops = 0.0, []
        for row in block:
            y += max(self._head(tile) for tile in row) if tops else 0.0
            tops.append(y)
            y += max(tile.size(layout.cell)[1] for tile in row) + self.gap
        return [*tops, y - self.gap]

    def _fitted(self, layout: _Layout, legends: float, most: float) -> _Layout:
        """The layout with the largest cells, up to ``most`` pixels."""
        canvas = self.canvas
        head = max(self._head(tile) for block in layout.blocks for tile in block[0])
        room_x = canvas.inner_width - legends - len(layout.signs) * self._sign_room()
        room_y = self.bottom - canvas.top - head - 0.5 * self.gap

        def fits(layout: _Layout) -> bool:
            tallest = max(self._rows(layout, block)[-1] for block in layout.blocks)
            return self._width(layout) <= room_x and tallest <= room_y

        low, high = 0.0, most
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if fits(replace(layout, cell=middle)) else (low, middle)
        return replace(layout, cell=low)

    def _best(
        self,
        layouts: Sequence[_Layout],
        legends: float,
        most: float,
        enough: float,
    ) -> _Layout:
        """The best layout; its headings are shortened where cells are not large ``enough``.

        That is only done for cells that become a good deal larger.
        """
        best = None
        for letters in (math.inf, 7, 4.5, 2.5):
            headings = letters * self.canvas.size.small
            tried = [
                self._fitted(replace(layout, headings=headings), legends, most)
                for layout in layouts
            ]
            # The first of nearly equal ones.
            largest = max(layout.value for layout in tried)
            found = next(layout for layout in tried if layout.value >= 0.97 * largest)
            if best is None or found.value > 1.4 * best.value:
                best = found
            if best.cell >= enough:
                break
        return best

    def _sign_room(self) -> float:
        return 1.5 * self.canvas.size.title

    def _place(self, layout: _Layout, legends: Sequence[str]) -> None:
        """Draw the blocks around one middle line, and the scales at their right."""
        canvas = self.canvas
        legend_width = self._legend_width(legends)
        free = canvas.inner_width - legend_width - self._width(layout)
        sign = min(free / max(1, len(layout.signs)), 3.2 * canvas.size.title)
        x = canvas.left + max(0.0, (free - sign * len(layout.signs)) / 2)
        head = max(self._head(tile) for block in layout.blocks for tile in block[0])
        middle = canvas.top + head + (self.bottom - canvas.top - head) / 2
        for index, block in enumerate(layout.blocks):
            columns = self._columns(layout, block)
            rows = self._rows(layout, block)
            top = middle - rows[-1] / 2
            for row, y in zip(block, rows, strict=False):
                left = x
                for tile, width in zip(row, columns, strict=True):
                    self._tile(tile, left, top + y, layout.cell, width)
                    left += width + self.gap
            x += sum(columns) + self.gap * (len(columns) - 1)
            if index < len(layout.signs):
                canvas.text(
                    x + sign / 2,
                    middle,
                    layout.signs[index],
                    "mc",
                    px=canvas.size.title,
                    colour=self.theme.quiet,
                )
                x += sign
        self._legends(legends, x + self.gap, top, rows)

    def _tile(self, tile: _Tile, left: float, top: float, cell: float, room: float) -> None:
        canvas = self.canvas
        y = top - self._head(tile)
        canvas.text(left, y, tile.name, px=self.name_px, colour=tile.colour, bold=True, width=room)
        y += self.name_px * LINE
        for note in tile.notes:
            canvas.note(left, y, note, width=room)
            y += canvas.size.small * LINE
        tile.draw(left, top, *tile.size(cell))

    # Scales at the right ----------------------------------------------------------------------

    def _word(self, kind: str) -> str:
        if kind == "image":
            return "grey level" if self.levels == (0.0, 255.0) else "value"
        if all(result.difference for result in self.each if result.kind == kind):
            return "difference"
        return {"signed": "result"}.get(kind, kind)

    def _legend_width(self, legends: Sequence[str]) -> float:
        canvas, widths = self.canvas, []
        for kind in legends:
            if kind == "direction":
                ring = (
                    84 * canvas.unit
                    + 0.4 * canvas.size.small
                    + canvas.measure("0°", canvas.size.small)
                )
                widths.append(max(ring, canvas.measure(kind, canvas.size.small)))
            elif not self._in_colour(kind):
                widths.append(ColourBar(canvas, self.scales[kind], self._word(kind)).width)
        return max(widths) + self.gap if widths else 0.0

    def _in_colour(self, kind: str) -> bool:
        """Whether a kind's maps have colours of their own, which need no bar."""
        return kind == "image" and len(self.image) == 3

    def _legends(
        self, legends: Sequence[str], left: float, top: float, rows: Sequence[float]
    ) -> None:
        kinds = [kind for kind in legends if not self._in_colour(kind)]
        if not kinds:
            return
        canvas = self.canvas
        ring = self._ring_height()
        count = len(kinds)
        if count == len(rows) - 1 and ring <= rows[-1] - rows[-2]:  # each beside its row
            tops, heights = [top + y for y in rows[:-1]], [rows[-1] - rows[-2]] * count
        else:
            room = min(max(rows[-1], 190 * canvas.unit * count), self.bottom - canvas.top)
            bars = count - ("direction" in kinds)
            each = (room - self.gap * (count - 1) - ring * (count - bars)) / max(1, bars)
            heights = [ring if kind == "direction" else each for kind in kinds]
            y = max(canvas.top, min(top, self.bottom - room))
            tops = [y + sum(heights[:index]) + self.gap * index for index in range(count)]
        for kind, y, height in zip(kinds, tops, heights, strict=True):
            if kind == "direction":
                self._ring(left, y)
            else:
                tall = min(height, 300 * canvas.unit)
                ColourBar(canvas, self.scales[kind], self._word(kind)).draw(left, y, tall)

    def _ring_height(self) -> float:
        small = self.canvas.size.small
        return (2 * LINE + 0.5) * small + 84 * self.canvas.unit

    def _ring(self, left: float, top: float) -> None:
        """Every direction in its colour, at the place where it points to."""
        canvas, small = self.canvas, self.canvas.size.small
        canvas.note(left, top, "direction")
        radius = 42 * canvas.unit
        x, y = left + radius, top + small * LINE + 0.3 * small + radius
        parts = 90
        degrees = np.arange(parts) * 360 / parts - 180
        # Each part reaches under the next one, so that no gap shows between them.
        ends = np.radians(degrees[:, None] + 360 / parts * np.array([-0.5, 0.9]))
        outer = np.stack([x + radius * np.cos(ends), y + radius * np.sin(ends)], axis=-1)
        inner = np.array([x, y]) + 0.55 * (outer - np.array([x, y]))
        corners = np.concatenate([outer, inner[:, ::-1]], axis=1)
        fills = [_hex(rgb) for rgb in self.scales["direction"].rgb(degrees)]
        canvas.polygons(corners, fill=fills)
        canvas.text(x + radius + 0.4 * small, y, "0°", "lc", px=small)
        canvas.text(x, y + radius + 0.2 * small, "90°", "mt", px=small)

    # Cells with numbers -----------------------------------------------------------------------

    def _input_notes(self, numbers: bool) -> tuple[str, ...]:
        channels, *shape = self.image.shape
        text = style.size_text(*shape, *([channels] if channels > 1 else []))
        if numbers:
            return (text,)
        return text, _range(np.array(self.levels))

    def _result_tile(
        self,
        result: ShownResult,
        rows: float,
        columns: float,
        draw: Callable,
        notes: tuple[str, ...],
    ) -> _Tile:
        colour = self.theme.mistake if result.difference else self.theme.output
        if result.channel is not None:
            colour = getattr(self.theme, result.channel)
        channels, shape = result.values.shape[:-2], result.values.shape[-2:]
        notes = (style.size_text(*shape, *channels), *notes)
        return _Tile(result.name, notes, colour, rows, columns, draw)

    def _signs(self) -> tuple[str, str]:
        return "∗", "=" if len(self.each) == 1 else style.ARROW

    def _numbers(self) -> _Layout | None:
        """Everything as cells with their numbers; None where some would not be legible."""
        canvas = self.canvas
        before = _Tile(
            "Input",
            self._input_notes(True),
            self.theme.input,
            *self.padded.shape[1:],
            self._input_cells,
        )
        results = [
            [
                self._result_tile(
                    result,
                    *result.values.shape,
                    lambda *place, result=result: self._result_cells(result, *place),
                    (result.note,) if result.note else (),
                )
                for result in row
            ]
            for row in self.results
        ]
        layouts = [
            _Layout([[[before]], kernels, after], self._signs(), worth)
            for kernels, worth in self._kernel_tiles()
            for after in (results, _turned(results))
        ]
        layout = self._best(layouts, 0.0, 72 * canvas.unit, 22 * canvas.unit)
        layout = replace(layout, cell=float(math.floor(layout.cell)))
        if layout.cell < 22 * canvas.unit:
            return None
        maps = [(r.values, r.grain) for r in self.each if not _has_arrows(r)]
        maps.append((self.padded, None))
        legible = all(self._fitted_texts(values, layout.cell, known) for values, known in maps)
        return layout if legible else None

    def _fitted_texts(
        self,
        values: NDArray,
        cell: float,
        known: Grain | None = None,
        choices: Sequence[tuple[int | None, float]] = ((None, 0.85), (3, 1.0), (2, 1.0)),
    ) -> tuple[list[str], float] | None:
        """Numbers with as many digits as fit their cells, and their height; None if none do."""
        for digits, share in choices:
            texts = _written(values, known, digits).marked()
            px = number_size(self.canvas, texts, share * cell, cell)
            if px is not None:
                return texts, px
        return None

    def _input_cells(self, left: float, top: float, width: float, height: float) -> None:
        canvas, theme = self.canvas, self.theme
        rows, columns = self.padded.shape[1:]
        cell = width / columns
        texts, px = self._fitted_texts(self.padded, cell)
        above, below, before, after = self.sides
        inside = np.zeros((rows, columns), bool)
        inside[above : rows - below, before : columns - after] = True
        if any(self.sides):
            canvas.box(left, top, width, height, fill=theme.hairline_fill)
            Cells(canvas, left, top, rows, columns, cell).lines(theme.hairline, dashed=True)
        x, y = left + before * cell, top + above * cell
        size = (rows - above - below, columns - before - after)
        canvas.box(x, y, size[1] * cell, size[0] * cell, fill=theme.input_fill)
        Cells(canvas, x, y, *size, cell).lines(theme.input)
        for index, text in enumerate(texts):
            row, column = divmod(index, columns)
            canvas.text(
                left + (column + 0.5) * cell,
                top + (row + 0.5) * cell,
                text,
                "mm",
                px=px,
                colour=theme.ink if inside[row, column] else theme.quiet,
            )

    def _result_cells(
        self, result: ShownResult, left: float, top: float, width: float, height: float
    ) -> None:
        canvas, theme = self.canvas, self.theme
        rows, columns = result.values.shape
        edge = theme.mistake if result.difference else theme.output
        fill = theme.ground if result.difference else theme.output_fill
        cell = width / columns
        canvas.box(left, top, width, height, fill=fill)
        Cells(canvas, left, top, rows, columns, cell).lines(edge)
        if _has_arrows(result):
            self._arrows(result, left, top, cell)
            return
        texts, px = self._fitted_texts(result.values, cell, result.grain)
        fills = np.broadcast_to(style.rgb_bytes(fill), (rows, columns, 3))
        cell_numbers(canvas, texts, fills, px, left, top, width, height)

    def _arrows(self, result: ShownResult, left: float, top: float, cell: float) -> None:
        segments = []
        for row, column in np.argwhere(_known(result)):
            x, y = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            angle = math.radians(result.values[row, column])
            tip = (x + 0.32 * cell * math.cos(angle), y + 0.32 * cell * math.sin(angle))
            end = (2 * x - tip[0], 2 * y - tip[1])
            segments.append((end, tip))
            for turn in (0.8 * math.pi, -0.8 * math.pi):
                dx, dy = math.cos(angle + turn), math.sin(angle + turn)
                segments.append((tip, (tip[0] + 0.22 * cell * dx, tip[1] + 0.22 * cell * dy)))
        if segments:
            self.canvas.strokes(segments, self.theme.ink, stroke=1.6 * self.canvas.size.hair)

    def _direction(self, result: ShownResult) -> NDArray:
        rgb = _shades(result.values, self.scales["direction"])
        rgb[~_known(result)] = style.rgb_bytes(self.theme.ground)
        return rgb

    # Kernels ----------------------------------------------------------------------------------

    def _kernel_tiles(self) -> list[tuple[_Block, float]]:
        """The block of kernels, and with its rows as columns, each with its worth.

        Their cells keep their size; kernels without numbers are worth less.
        """
        blocks = []
        for kernels in (self.kernels, _turned(self.kernels)):
            rows, all_legible = [], True
            for row in kernels:
                tiles = []
                for kernel in row:
                    side, legible = self._kernel_cell(kernel, len(kernels), len(row))
                    notes = [style.size_text(*kernel.weights.shape)]
                    if not legible:
                        all_legible = False
                        notes.append(_range(kernel.weights))
                    tiles.append(
                        _Tile(
                            kernel.name,
                            tuple(notes),
                            self.theme.window,
                            *kernel.weights.shape,
                            lambda *place, kernel=kernel: self._kernel(kernel, *place),
                            side,
                        )
                    )
                rows.append(tiles)
            blocks.append((rows, 1.0 if all_legible else 0.65))
        return blocks

    def _kernel_cell(self, kernel: ShownKernel, down: int, across: int) -> tuple[float, bool]:
        """Side of a kernel's cells, of several down and across, and whether numbers fit them."""
        canvas = self.canvas
        rows, columns = kernel.weights.shape
        most_x = 0.26 * canvas.inner_width / across / columns

        def most(notes: int) -> float:
            head = self.name_px * LINE + (notes * LINE + 0.4) * canvas.size.small
            room = (self.bottom - canvas.top + 0.5 * self.gap) / down - head - self.gap
            return max(1.0, min(most_x, room / rows))

        for choice in ((None, 1.0), (3, 1.0), (2, 1.0)):
            for side in (56 * canvas.unit, 44 * canvas.unit, most(1)):
                written = self._fitted_texts(kernel.weights, side, choices=[choice])
                if side <= most(1) and written is not None:
                    return math.floor(side), True
        return min(most(2), 220 * canvas.unit / max(rows, columns)), False

    def _kernel(
        self, kernel: ShownKernel, left: float, top: float, width: float, height: float
    ) -> None:
        canvas, theme = self.canvas, self.theme
        rows, columns = kernel.weights.shape
        cell = (width / columns, height / rows)
        choices = ((None, 1.0), (3, 1.0), (2, 1.0))
        written = self._fitted_texts(kernel.weights, min(cell), choices=choices)
        if written is None:
            scale = style.signed_scale(kernel.weights, theme)
            canvas.array(kernel.weights, scale, left, top, width, height, edge=theme.window)
            if min(cell) >= 8 * canvas.unit:
                Cells(canvas, left, top, rows, columns, *cell).lines(theme.window)
            return
        fills = np.broadcast_to(style.rgb_bytes(theme.window_fill), (rows, columns, 3))
        canvas.box(left, top, width, height, fill=theme.window_fill)
        Cells(canvas, left, top, rows, columns, *cell).lines(theme.window)
        cell_numbers(canvas, *written[:1], fills, written[1], left, top, width, height)

    # Pictures ---------------------------------------------------------------------------------

    def _pictures(self) -> _Layout:
        """Everything as pictures of one size; wide ones may stand below each other."""
        canvas = self.canvas
        rows, columns = self.image.shape[1:]
        before = _Tile(
            "Input", self._input_notes(False), self.theme.input, rows, columns, self._input
        )

        def tile(result: ShownResult) -> _Tile:
            # With a stride the result has fewer pixels, and is drawn as large.
            height, width = result.values.shape[-2:]
            scale = min(rows / height, columns / width)
            return self._result_tile(
                result,
                height * scale,
                width * scale,
                lambda *place: self._result(result, *place),
                (result.note or _range(result.values, result.grain),),
            )

        after = [[tile(result) for result in row] for row in self.results]
        blocks = self._kernel_tiles()
        layouts = [
            _Layout([[[before]], kernels, results], self._signs(), worth)
            for kernels, worth in blocks
            for results in (after, _turned(after))
        ]
        flat = [before, *(tile for row in after for tile in row)]
        below = [[tile] for tile in flat]
        square = [[[flat[0], flat[1]], [flat[2], flat[3]]]] if len(flat) == 4 else []
        others = [
            _Layout([kernels, pictures], ("",), worth)
            for kernels, worth in blocks
            for pictures in [below, *square]
        ]
        legends = self._legend_width(list(self.scales))
        most = max(canvas.width, canvas.height) / min(rows, columns)
        enough = 9 * canvas.size.small / max(rows, columns)
        beside = self._best(layouts, legends, most, enough)
        other = self._best(others, legends, most, enough)
        # Before, kernel, after in one row is what a reader expects; much larger pictures win.
        best = other if other.value > 1.2 * beside.value else beside
        if best.cell * max(rows, columns) >= 3 * canvas.size.small:
            return best
        bare = [
            _Layout([_bare([[before]]), _bare(results)], (style.ARROW,))
            for results in (after, _turned(after))
        ]
        best = self._best(bare, legends, most, 2.5 * canvas.size.small / max(rows, columns))
        if best.cell * max(rows, columns) < canvas.size.small:
            raise ShapeError(
                f"expected a canvas with room for {len(flat)} pictures, got {canvas.size.name}"
            )
        return best

    def _input(self, left: float, top: float, width: float, height: float) -> None:
        if len(self.image) == 3:
            rgb = _colours(self.image, self.levels)
        else:
            rgb = _shades(self.image[0], style.grey_scale(np.array(self.levels)))
        self._picture(rgb, self.theme.input, left, top, width, height)

    def _result(
        self, result: ShownResult, left: float, top: float, width: float, height: float
    ) -> None:
        if result.kind == "direction":
            rgb = self._direction(result)
        elif result.values.ndim == 3:
            rgb = _colours(result.values, result.levels)
        else:
            rgb = _shades(result.values, self.scales[result.kind])
        edge = self.theme.mistake if result.difference else self.theme.output
        self._picture(rgb, edge, left, top, width, height)

    def _picture(
        self, rgb: NDArray, edge: str, left: float, top: float, width: float, height: float
    ) -> None:
        factor = math.floor(min(rgb.shape[0] / height, rgb.shape[1] / width))
        if factor > 1:
            rgb = _reduced(rgb, factor)
        self.canvas.picture(rgb, left, top, width, height)
        self.canvas.box(left, top, width, height, edge=edge)


def _has_arrows(result: ShownResult) -> bool:
    """Whether directions are drawn as arrows; how far two differ is a number."""
    return result.kind == "direction" and not result.difference


def _known(result: ShownResult) -> NDArray:
    return np.ones(result.values.shape, bool) if result.known is None else result.known


def _written(values: NDArray, known: Grain | None, digits: int | None) -> Numbers:
    if known is not None:
        return sums(values, known, digits=digits)
    return exact(values, digits)


def _range(values: NDArray, known: Grain | None = None) -> str:
    ends = np.array([values.min(), values.max()])
    exactly = known is not None and known.holds()
    low, high = sums(ends, known).marked() if exactly else map(number, ends)
    return low if low == high else f"{low} to {high}"


def _hex(rgb: NDArray) -> str:
    return "#" + "".join(f"{part:02X}" for part in rgb)
