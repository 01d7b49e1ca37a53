"""What a kernel makes of an image: before, kernel, after."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import Grain, exact, number, sums
from convlab.viz import style
from convlab.viz.blocks import Block, Blocks, Tile, best, heading_height, turned
from convlab.viz.canvas import LINE, Canvas, checked_image
from convlab.viz.colour_bar import ColourBar
from convlab.viz.direction_ring import DirectionRing
from convlab.viz.facts import FactLines
from convlab.viz.large_images import colours, reduced, shades, shown_limit
from convlab.viz.matrix import Cells, number_size
from convlab.viz.style import Scale

KINDS = ("image", "signed", "magnitude", "direction")
MOST_NUMBERS = 20  # rows or columns of an image whose cells show their numbers


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
    canvas = Canvas(size, theme, aspect=0.62 + 0.14 * len(results))
    canvas.headline(title, subtitle, canvas.theme.window)
    px = (canvas.size.label + canvas.size.small) / 2
    breaks, most = "(?<=[,;]) ", canvas.height / 6
    foot = FactLines(canvas, facts, px=px, spacing=1.1 * LINE, breaks=breaks, most=most)
    if foot.lines:
        top = canvas.bottom - foot.height + foot.step - px
        foot.draw(top)
        canvas.bottom = top - 1.2 * px
    # Broad padding would take the room of what it surrounds.
    if padded is None or max(sides) > 2:
        padded, sides = image, (0, 0, 0, 0)
    _Sheet(canvas, image, kernels, results, levels, padded, sides).draw()
    return canvas.figure


@dataclass
class _Sheet:
    """Everything between headline and foot, as large as there is room."""

    canvas: Canvas
    image: NDArray
    kernels: Sequence[Sequence[ShownKernel]]
    results: Sequence[Sequence[ShownResult]]
    levels: tuple[float, float]
    padded: NDArray
    sides: tuple[int, int, int, int]

    def __post_init__(self) -> None:
        self.theme, self.unit = self.canvas.theme, self.canvas.unit
        self.ring = DirectionRing(self.canvas)
        self.room = self.canvas.inner_width  # the scales' included
        self.each = [result for row in self.results for result in row]
        kinds = {k: [r for r in self.each if r.kind == k] for k in KINDS}
        self.scales = {kind: self._scale(kind, shown) for kind, shown in kinds.items() if shown}

    def draw(self) -> None:
        shapes = [self.image.shape[1:], *(result.values.shape[-2:] for result in self.each)]
        flat = len(self.image) == 1 and all(r.values.ndim == 2 for r in self.each)
        layout = self._numbers() if flat and max(map(max, shapes)) <= MOST_NUMBERS else None
        if layout is not None:
            layout.draw()
            return
        legends = self._legends()
        widths = [legend.width for legend in legends]
        self.canvas.right -= max(widths) + 1.2 * self.canvas.size.small if widths else 0.0
        self._draw_legends(legends, *self._pictures().draw())

    # Scales at the right ----------------------------------------------------------------------

    def _scale(self, kind: str, shown: list[ShownResult]) -> Scale:
        """One scale for all results of a kind."""
        values = [result.values for result in shown]
        ends = np.array([min(v.min() for v in values), max(v.max() for v in values)])
        if kind == "direction":
            return self.ring.scale
        if kind == "signed":
            return style.signed_scale(ends, self.theme, shown_limit(values))
        low, high = shown[0].levels if kind == "image" else (0.0, shown_limit(values))
        grey = style.grey_scale(np.array([low, high]))
        return replace(grey, cut_low=bool(ends[0] < low), cut_high=bool(ends[1] > high))

    def _legends(self) -> list[ColourBar | DirectionRing]:
        """What explains the shades; maps with colours of their own need nothing."""
        legends: list[ColourBar | DirectionRing] = []
        for kind, scale in self.scales.items():
            word = {"signed": "result"}.get(kind, kind)
            if kind == "direction":
                legends.append(self.ring)
                continue
            if kind == "image":
                if len(self.image) == 3:
                    continue
                word = "grey level" if self.levels == (0.0, 255.0) else "value"
            elif all(result.difference for result in self.each if result.kind == kind):
                word = "difference"
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
            gap, ring = 1.2 * canvas.size.small, self.ring.height
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

    # Cells with numbers -----------------------------------------------------------------------

    def _layouts(self, before: Tile, results: Block) -> list[Blocks]:
        """Before, kernels and results, with the rows of the latter two as columns too."""
        signs = "∗", "=" if len(self.each) == 1 else style.ARROW
        return [
            Blocks(self.canvas, [[[before]], kernels, after], signs, worth)
            for kernels, worth in self._kernel_blocks()
            for after in (results, turned(results))
        ]

    def _before(self, draw: Callable, rows: float, columns: float, *notes: str) -> Tile:
        channels, *shape = self.image.shape
        text = style.size_text(*shape, *([channels] if channels > 1 else []))
        return Tile("Input", (text, *notes), self.theme.input, rows, columns, draw)

    def _after(
        self, draw: Callable, result: ShownResult, rows: float, columns: float, note: str
    ) -> Tile:
        colour = getattr(self.theme, result.channel) if result.channel else self._edge(result)
        *channels, height, width = result.values.shape
        notes = (style.size_text(height, width, *channels), *([note] if note else []))
        return Tile(result.name, notes, colour, rows, columns, partial(draw, result))

    def _edge(self, result: ShownResult) -> str:
        return self.theme.mistake if result.difference else self.theme.output

    def _numbers(self) -> Blocks | None:
        """Everything as cells with their numbers; None where some would not be legible."""
        before = self._before(self._input_cells, *self.padded.shape[1:])
        after = [
            [self._after(self._result_cells, r, *r.values.shape, r.note) for r in row]
            for row in self.results
        ]
        layout = best(self._layouts(before, after), 72 * self.unit, 22 * self.unit)
        layout = replace(layout, cell=float(math.floor(layout.cell)))
        maps = [(r.values, r.grain) for r in self.each if not _has_arrows(r)]
        maps.append((self.padded, None))
        legible = all(self._texts(values, layout.cell, known) for values, known in maps)
        return layout if legible and layout.cell >= 22 * self.unit else None

    def _texts(
        self,
        values: NDArray,
        cell: float,
        known: Grain | None = None,
        choices: Sequence[tuple[int | None, float]] = ((None, 0.85), (3, 1.0), (2, 1.0)),
    ) -> tuple[list[str], float] | None:
        """Numbers in the first of ``choices`` that fits their cells, and their height; or None.

        A choice is how many digits (None: all), and the share of a cell's width that they take.
        """
        for digits, share in choices:
            written = exact(values, digits) if known is None else sums(values, known, digits=digits)
            texts = written.marked()
            px = number_size(self.canvas, texts, share * cell, cell)
            if px is not None:
                return texts, px
        return None

    def _input_cells(self, *place: float) -> None:
        theme, cells = self.theme, self._cells(self.padded[0], *place)
        rows, columns = cells.rows, cells.columns
        above, below, before, after = self.sides
        if any(self.sides):
            cells.draw(theme.hairline, theme.hairline_fill, dashed=True)
        own = (rows - above - below, columns - before - after)
        cells.part(above, before, *own).draw(theme.input, theme.input_fill)
        inks = np.full((rows, columns), theme.quiet)
        inks[above : rows - below, before : columns - after] = theme.ink
        cells.write(*self._texts(self.padded, cells.width), inks.ravel().tolist())

    def _result_cells(self, result: ShownResult, *place: float) -> None:
        fill = self.theme.ground if result.difference else self.theme.output_fill
        cells = self._cells(result.values, *place)
        cells.draw(self._edge(result), fill)
        if _has_arrows(result):
            self._arrows(result, cells)
        else:
            cells.write(*self._texts(result.values, cells.width, result.grain), style.ink_on(fill))

    def _arrows(self, result: ShownResult, cells: Cells) -> None:
        segments = []
        for row, column in np.argwhere(_known(result)):
            middle, angle = np.array(cells.middle(row, column)), result.values[row, column]
            arm = 0.32 * cells.width * _towards(angle)
            segments.append((middle - arm, middle + arm))
            for turn in (144, -144):
                tip = middle + arm
                segments.append((tip, tip + 0.22 * cells.width * _towards(angle + turn)))
        if segments:
            self.canvas.strokes(segments, self.theme.ink, stroke=1.6 * self.canvas.size.hair)

    # Kernels ----------------------------------------------------------------------------------

    def _kernel_blocks(self) -> list[tuple[Block, float]]:
        """The block of kernels, and with its rows as columns, each with its worth.

        Their cells keep their size; kernels without numbers are worth less.
        """
        blocks = []
        for kernels in (self.kernels, turned(self.kernels)):
            rows = [
                [self._kernel_tile(kernel, len(kernels), len(row)) for kernel in row]
                for row in kernels
            ]
            legible = all(len(tile.notes) == 1 for row in rows for tile in row)
            blocks.append((rows, 1.0 if legible else 0.65))
        return blocks

    def _kernel_tile(self, kernel: ShownKernel, down: int, across: int) -> Tile:
        """One of kernels of which so many stand below and beside each other.

        Its cells are as large as its numbers need; without room for these it is shades with a
        second note.
        """
        canvas, unit, weights = self.canvas, self.unit, kernel.weights
        rows, columns = weights.shape
        gap = 1.2 * canvas.size.small

        def most(notes: int) -> float:
            room = (canvas.inner_height + 0.5 * gap) / down - heading_height(canvas, notes) - gap
            return max(1.0, min(0.26 * self.room / across / columns, room / rows))

        size = style.size_text(rows, columns)
        tile = partial(Tile, kernel.name, colour=self.theme.window, rows=rows, columns=columns)
        sides = [math.floor(side) for side in (56 * unit, 44 * unit, most(1)) if side <= most(1)]
        for digits, side in product((None, 3, 2), sides):
            written = self._texts(weights, side, choices=[(digits, 1.0)])
            if written is not None:
                draw = partial(self._kernel_cells, weights, written)
                return tile(notes=(size,), draw=draw, fixed=side)
        return tile(
            notes=(size, _range(weights)),
            draw=partial(self._kernel_shades, weights),
            fixed=min(most(2), 220 * unit / max(rows, columns)),
        )

    def _kernel_cells(
        self, weights: NDArray, written: tuple[list[str], float], *place: float
    ) -> None:
        cells, fill = self._cells(weights, *place), self.theme.window_fill
        cells.draw(self.theme.window, fill)
        cells.write(*written, style.ink_on(fill))

    def _kernel_shades(self, weights: NDArray, *place: float) -> None:
        cells, edge = self._cells(weights, *place), self.theme.window
        cells.shades(weights, style.signed_scale(weights, self.theme), edge=edge)
        if min(cells.width, cells.height) >= 8 * self.unit:
            cells.lines(edge)

    def _cells(
        self, values: NDArray, left: float, top: float, width: float, height: float
    ) -> Cells:
        rows, columns = values.shape
        return Cells(self.canvas, left, top, rows, columns, width / columns, height / rows)

    # Pictures ---------------------------------------------------------------------------------

    def _pictures(self) -> Blocks:
        """Everything as pictures of one size; wide ones may stand below each other."""
        canvas, small = self.canvas, self.canvas.size.small
        rows, columns = self.image.shape[1:]
        longest = max(rows, columns)

        def tile(result: ShownResult) -> Tile:
            # With a stride the result has fewer pixels, and is drawn as large.
            height, width = result.values.shape[-2:]
            scale = min(rows / height, columns / width)
            note = result.note or _range(result.values, result.grain)
            return self._after(self._result, result, height * scale, width * scale, note)

        before = self._before(self._input, rows, columns, _range(np.array(self.levels)))
        after = [[tile(result) for result in row] for row in self.results]
        flat = [before, *(tile for row in after for tile in row)]
        stacks = [[[tile] for tile in flat], *([[flat[:2], flat[2:]]] if len(flat) == 4 else [])]
        others = [
            Blocks(canvas, [kernels, stack], ("",), worth)
            for kernels, worth in self._kernel_blocks()
            for stack in stacks
        ]
        most = max(canvas.width, canvas.height) / min(rows, columns)
        beside = best(self._layouts(before, after), most, 9 * small / longest)
        other = best(others, most, 9 * small / longest)
        # Before, kernel, after in one row is what a reader expects; much larger pictures win.
        found = other if other.value > 1.2 * beside.value else beside
        if found.cell * longest >= 3 * small:
            return found
        bare = [[replace(tile, notes=tile.notes[1:]) for tile in row] for row in [[before], *after]]
        first, *rest = bare
        layouts = [
            Blocks(canvas, [[first], results], (style.ARROW,)) for results in (rest, turned(rest))
        ]
        found = best(layouts, most, 2.5 * small / longest)
        if found.cell * longest < small:
            raise ShapeError(
                f"expected a canvas with room for {len(flat)} pictures, got {canvas.size.name}"
            )
        return found

    def _input(self, *place: float) -> None:
        if len(self.image) == 3:
            rgb = colours(self.image, self.levels)
        else:
            rgb = shades(self.image[0], style.grey_scale(np.array(self.levels)))
        self._picture(rgb, self.theme.input, *place)

    def _result(self, result: ShownResult, *place: float) -> None:
        if result.values.ndim == 3:
            rgb = colours(result.values, result.levels)
        else:
            rgb = shades(result.values, self.scales[result.kind])
        if result.kind == "direction":
            rgb[~_known(result)] = style.rgb_bytes(self.theme.ground)
        self._picture(rgb, self._edge(result), *place)

    def _picture(self, rgb: NDArray, edge: str, *place: float) -> None:
        factor = math.floor(min(rgb.shape[0] / place[3], rgb.shape[1] / place[2]))
        self.canvas.picture(reduced(rgb, factor) if factor > 1 else rgb, *place, edge=edge)


def _has_arrows(result: ShownResult) -> bool:
    """Whether directions are drawn as arrows; how far two differ is a number."""
    return result.kind == "direction" and not result.difference


def _known(result: ShownResult) -> NDArray:
    return np.ones(result.values.shape, bool) if result.known is None else result.known


def _towards(degrees: float) -> NDArray:
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


def _range(values: NDArray, known: Grain | None = None) -> str:
    ends = np.array([values.min(), values.max()])
    exactly = known is not None and known.holds()
    low, high = sums(ends, known).marked() if exactly else map(number, ends)
    return low if low == high else f"{low} to {high}"
