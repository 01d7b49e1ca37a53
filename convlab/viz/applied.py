"""The effect of a kernel on an image, and of ways to make it smaller."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.histograms import shown_limit
from convlab.viz import style
from convlab.viz.applied_detail import Detail, Errors
from convlab.viz.applied_tiles import ShownKernel, ShownResult, Tiles
from convlab.viz.blocks import Block, Blocks, Tile, best, turned
from convlab.viz.canvas import Canvas, Place, checked_image, image_rgb
from convlab.viz.colour_bar import ColourBar, DirectionRing
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.words import t


@dataclass(frozen=True, eq=False)
class SmallImage:
    """A smaller image (1 or 3, H, W) of bytes with its name and notes; ``ours``: the engine's."""

    name: str
    notes: tuple[str, ...]
    image: NDArray
    ours: bool = False


def downsized(
    image: NDArray,
    results: Sequence[SmallImage],
    *,
    notes: tuple[str, ...] = (),
    **page: Unpack[Page],
) -> Figure:
    """An image (1 or 3, H, W) of bytes with its ``notes``, and what it becomes, all equally large.

    Raises ShapeError for no results and for arrays that are no images.
    """
    shown = image_rgb(checked_image(image))
    if not results:
        raise ShapeError("expected at least one smaller image")
    canvas = Sheet(1.0, "output", **page)

    rows, columns = shown.shape[:2]

    def tile(name: str, notes: tuple[str, ...], colour: str, rgb: NDArray) -> Tile:
        def draw(place: Place) -> None:
            canvas.picture(rgb, *place, edge=colour)

        return Tile(name, notes, colour, rows, columns, draw)

    colours = canvas.theme
    before = tile(t("Input"), notes, colours.input, shown)
    after = [
        tile(
            one.name,
            one.notes,
            colours.output if one.ours else colours.quiet,
            image_rgb(checked_image(one.image)),
        )
        for one in results
    ]
    half = (len(after) + 1) // 2
    arrow = style.ARROW
    layouts = [Blocks(canvas, [[[before]], [after]], (arrow,))]
    layouts.append(Blocks(canvas, [[[before]], [[one] for one in after]], (arrow,)))
    if len(after) == 2 * half:
        layouts.append(Blocks(canvas, [[[before]], [after[:half], after[half:]]], (arrow,)))
    letter = canvas.size.small / max(rows, columns)
    best(layouts, max(canvas.width, canvas.height) / min(rows, columns), 9 * letter).draw()
    return canvas.figure


KINDS = ("image", "signed", "magnitude", "direction")
MOST_NUMBERS = 20  # rows or columns of an image whose cells show their numbers


def applied(
    image: NDArray,
    kernels: Sequence[Sequence[ShownKernel]],
    results: Sequence[Sequence[ShownResult]],
    *,
    levels: tuple[float, float] = (0.0, 255.0),
    padded: NDArray | None = None,
    sides: tuple[int, int, int, int] = (0, 0, 0, 0),
    at: tuple[int, int] | None = None,
    errors: Errors | None = None,
    **page: Unpack[Page],
) -> Figure:
    """An image, the kernels that slide over it, and what comes out, side by side.

    image: (1, H, W) or (3, H, W) on a grey scale or RGB over ``levels``; padded:
    (1, PH, PW), the same with ``sides`` (top, bottom, left, right) of padding,
    shown if the cells are large enough for numbers.  kernels and results come in rows, which are
    drawn as columns if that gives larger pictures.  facts: (label, text) pairs at the foot, the
    most important ones first; on a small canvas the last ones are left out.

    Images of up to 20 × 20 with one channel are drawn as cells with their numbers if these
    are legible.  Others are drawn as pictures: each drawn pixel is then the mean of
    the colours of the values below it, and the scale of a large signed result or
    magnitude ends at the 99th percentile, as its bar says.  Below them what a window reads and what
    comes out of it is enlarged, with the kernels: ``at`` is the row and column of that number of
    the results, whose windows have stride 1; ``errors``: how exact directions are.  If there are
    many pictures on a small canvas, the kernels and the sizes are left out.

    Raises ShapeError for arrays of other shapes and for more pictures than the canvas has
    room for, SpecError for an unknown kind, theme or size.
    """
    image = checked_image(image)
    for result in (result for row in results for result in row):
        if result.kind not in KINDS:
            raise SpecError(f"expected a kind among {', '.join(KINDS)}, got {result.kind!r}")
        channels = 3 if result.values.ndim == 3 and result.kind == "image" else 0
        if result.values.shape[:-2] != ((3,) if channels else ()) or 0 in result.values.shape:
            raise ShapeError(
                f"expected a result (H, W), or (3, H, W) for an image, got {result.values.shape}"
            )
    # Taller for more rows of results.
    canvas = Sheet(0.62 + 0.14 * len(results), "window", 0.66, **page)
    corner = at and (at[0] - sides[0], at[1] - sides[2])
    # Wide padding would take room from what it surrounds.
    if padded is None or max(sides) > 2:
        padded, sides = image, (0, 0, 0, 0)
    tiles = Tiles(canvas, image, levels, padded, sides, {})
    flat = [result for row in results for result in row]
    detail = None
    if at and corner and len(flat) < 4:
        each = [kernel for row in kernels for kernel in row]
        detail = Detail(tiles, each, flat, at, corner, errors)
    _Sheet(canvas, kernels, results, tiles, detail).draw()
    return canvas.figure


class _Sheet:
    """Everything between headline and foot, as large as possible."""

    def __init__(
        self,
        canvas: Canvas,
        kernels: Sequence[Sequence[ShownKernel]],
        results: Sequence[Sequence[ShownResult]],
        tiles: Tiles,
        detail: Detail | None,
    ) -> None:
        self.detail = detail
        self.canvas, self.unit, self.small = canvas, canvas.unit, canvas.size.small
        self.kernels, self.results, self.tiles = kernels, results, tiles
        self.room = canvas.inner_width  # the scales' included
        self.each = [result for row in results for result in row]
        self.ring = DirectionRing(canvas)
        for kind in KINDS:
            if shown := [result for result in self.each if result.kind == kind]:
                tiles.scales[kind] = self._scale(kind, shown)

    def draw(self) -> None:
        image = self.tiles.image
        shapes = [image.shape[1:], *(result.values.shape[-2:] for result in self.each)]
        flat = len(image) == 1 and all(result.values.ndim == 2 for result in self.each)
        layout = self._numbers() if flat and max(map(max, shapes)) <= MOST_NUMBERS else None
        if layout is not None:
            layout.draw()
            return
        legends = self._legends()
        if legends:
            self.canvas.right -= max(legend.width for legend in legends) + 1.2 * self.small
        layout = self._pictures()
        if self.detail is None or not self._enlarged(layout.cell, self.detail, legends):
            self._draw_legends(legends, *layout.draw())

    def _layouts(self, before: Tile, results: Block) -> list[Blocks]:
        """Before, kernels and results, also with the rows of the latter two as columns."""
        signs = "∗", "=" if len(self.each) == 1 else style.ARROW
        return [
            Blocks(self.canvas, [[[before]], kernels, after], signs, worth)
            for kernels, worth in self.tiles.kernels(self.kernels, self.room)
            for after in (results, turned(results))
        ]

    def _numbers(self) -> Blocks | None:
        """Everything as cells with their numbers; None if some would not be legible."""
        tiles = self.tiles
        after = [[tiles.after_cells(result) for result in row] for row in self.results]
        layouts = self._layouts(tiles.before_cells(), after)
        layout = best(layouts, 72 * self.unit, 22 * self.unit)
        layout = replace(layout, cell=float(math.floor(layout.cell)))
        maps = [(result.values, result.grain) for result in self.each if not result.has_arrows]
        maps.append((tiles.padded, None))
        legible = all(tiles.texts(values, layout.cell, known) for values, known in maps)
        return layout if legible and layout.cell >= 22 * self.unit else None

    def _pictures(self) -> Blocks:
        """Everything as pictures of one size; wide ones may be stacked."""
        canvas, tiles = self.canvas, self.tiles
        before = tiles.before_picture()
        after = [[tiles.after_picture(result) for result in row] for row in self.results]
        flat = [before, *(tile for row in after for tile in row)]
        stacks = [[[tile] for tile in flat], *([[flat[:2], flat[2:]]] if len(flat) == 4 else [])]
        others = [
            Blocks(canvas, [kernels, stack], ("",), worth)
            for kernels, worth in tiles.kernels(self.kernels, self.room)
            for stack in stacks
        ]
        most = max(canvas.width, canvas.height) / min(before.rows, before.columns)
        letter = self.small / max(
            before.rows, before.columns
        )  # side of cells of so small a picture
        beside = best(self._layouts(before, after), most, 9 * letter)
        other = best(others, most, 9 * letter)
        # Before, kernel, after in one row is what a reader expects; much larger pictures win.
        found = other if other.value > 1.2 * beside.value else beside
        if found.cell >= 3 * letter:
            return found
        bare = [[replace(tile, notes=tile.notes[1:]) for tile in row] for row in [[before], *after]]
        ends = (bare[1:], turned(bare[1:]))
        layouts = [Blocks(canvas, [bare[:1], results], (style.ARROW,)) for results in ends]
        found = best(layouts, most, 2.5 * letter)
        if found.cell < letter:
            raise ShapeError(
                f"expected a canvas with room for {len(flat)} pictures, got {canvas.size.name}"
            )
        return found

    def _enlarged(
        self, least: float, detail: Detail, legends: Sequence[ColourBar | DirectionRing]
    ) -> bool:
        """Draw the pictures in a row above a neighbourhood, unless that makes them smaller."""
        canvas, tiles = self.canvas, self.tiles
        before = tiles.before_picture()
        row = [before, *(tiles.after_picture(result) for result in self.each)]
        bottom = canvas.bottom
        found: list[tuple[float, float, Blocks]] = []
        for height in (44, 38, 32, 28, 25, 22):
            cell = detail.cell(height)
            if not detail.fits(cell, canvas.width - 2 * canvas.margin):
                continue
            canvas.bottom = bottom - detail.height(cell) - 1.5 * self.small
            marked = [replace(tile, draw=self._marked(tile, detail)) for tile in row]
            found.append((cell, canvas.bottom, best([Blocks(canvas, [[marked]], ())], 4.0, 0.0)))
        canvas.bottom = bottom
        largest = max((blocks.cell for *_, blocks in found), default=0.0)
        # Numbers are worth more than shades.
        if largest < (0.85 if detail.numbers else 0.97) * least:
            return False
        cell, low, blocks = next(one for one in found if one[2].cell >= 0.97 * largest)
        canvas.bottom = low
        self._draw_legends(legends, *blocks.draw())
        canvas.bottom, canvas.right = bottom, canvas.width - canvas.margin
        detail.draw(bottom - detail.height(cell), cell)
        return True

    def _marked(self, tile: Tile, detail: Detail) -> Callable[[Place], None]:
        def draw(place: Place) -> None:
            tile.draw(place)
            detail.mark(place, self.tiles.image.shape[1:])

        return draw

    # Scales at the right ----------------------------------------------------------------------

    def _scale(self, kind: str, shown: list[ShownResult]) -> Scale:
        """One scale for all results of a kind."""
        values = [result.values for result in shown]
        ends = np.array([min(v.min() for v in values), max(v.max() for v in values)])
        if kind == "direction":
            return self.ring.scale
        if kind == "signed":
            return style.signed_scale(ends, self.canvas.theme, shown_limit(values))
        low, high = shown[0].levels if kind == "image" else (0.0, shown_limit(values))
        grey = style.grey_scale(np.array([low, high]))
        return replace(grey, cut_low=bool(ends[0] < low), cut_high=bool(ends[1] > high))

    def _legends(self) -> list[ColourBar | DirectionRing]:
        """What explains the shades; maps with their own colours need nothing."""
        legends: list[ColourBar | DirectionRing] = []
        for kind, scale in self.tiles.scales.items():
            word = {"signed": t("result"), "magnitude": t("magnitude")}.get(kind, kind)
            if kind == "direction":
                legends.append(self.ring)
                continue
            if kind == "image":
                if len(self.tiles.image) == 3:
                    continue
                word = t("grey level") if self.tiles.levels == (0.0, 255.0) else t("value")
            elif all(result.difference for result in self.each if result.kind == kind):
                word = t("difference")
            legends.append(ColourBar(self.canvas, scale, word))
        return legends

    def _draw_legends(
        self,
        legends: Sequence[ColourBar | DirectionRing],
        left: float,
        top: float,
        rows: Sequence[float],
    ) -> None:
        """Each beside its row of results, or one below the other."""
        canvas, count, last = self.canvas, len(legends), rows[-1] - rows[-2]
        if count == len(rows) - 1 and self.ring.height <= last:
            tops, heights = [top + y for y in rows[:-1]], [last] * count
        else:
            gap, ring = 1.2 * self.small, self.ring.height
            room = min(max(rows[-1], 190 * self.unit * count), canvas.inner_height)
            free, bars = room - gap * (count - 1), count
            if self.ring in legends:
                free, bars = free - ring, bars - 1
            heights = [ring if one is self.ring else free / bars for one in legends]
            y = max(canvas.top, min(top, canvas.bottom - room))
            tops = [y + sum(heights[:index]) + gap * index for index in range(count)]
        for legend, y, height in zip(legends, tops, heights, strict=True):
            if isinstance(legend, ColourBar):
                legend.draw(left, y, min(height, 300 * self.unit))
            else:
                legend.draw(left, y)
