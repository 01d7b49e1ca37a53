"""Input, kernel and output of a step of a window as grids of cells, and what is said of it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import Numbers, bracketed
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, longest
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.viz.tiles import arrange
from convlab.window_step import Piece, SlidingWindow
from convlab.words import t

INPUT, KERNEL, WINDOW, OUTPUT, SIZE = range(1, 6)
"""The parts of a step, as it is built up."""

Method = TypeVar("Method", bound=Callable[..., Any])


def part(number: int) -> Callable[[Method], Method]:
    """A method of something with a ``canvas`` that draws that part of the figure."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def drawn(self: Any, *arguments: Any, **settings: Any) -> Any:
            with self.canvas.part(number):
                return method(self, *arguments, **settings)

        return cast(Method, drawn)

    return decorate


Parts = list[tuple[str, str, bool]]  # a line, in pieces for Canvas.run


MOST_LINES = 5  # of a sum


def words(canvas: Canvas, shown: SlidingWindow, numbers: bool, most: int = MOST_LINES) -> float:
    """Draw the lines at the foot; returns where they begin.

    The sum is one of the ``numbers``; it has at most so many lines.
    """
    if not canvas.look.caption:
        return canvas.bottom
    px, small = canvas.size.label, canvas.size.small
    indent = canvas.widest([shown.place(), shown.size_label], px) + 1.2 * px
    width = canvas.inner_width - indent
    lines: list[tuple[str, Parts]] = []
    if numbers:
        added = sum_lines(canvas, shown, width, px, most)
        first = next(at for at, parts in enumerate(added) if parts)
        lines += [(shown.place() if at == first else "", line) for at, line in enumerate(added)]
    for pieces in shown.size_lines():
        sizes = [parts_of(canvas, line) for line in pieces]
        # One line as large as the others, two as small as is legible.
        needs = [canvas.run_width(line, px if len(sizes) == 1 else small) for line in sizes]
        if max(needs) <= width:
            break
    lines += zip((shown.size_label, ""), sizes, strict=False)
    count = int(shown.uncovered.sum())
    if count:
        text = t("{n} cell that no window reads", count, several="{n} cells that no window reads")
        lines.append((t("hatched"), parts_of(canvas, [(text, "ink")])))
    pitch = px * LINE * 1.15
    top = canvas.bottom - pitch * len(lines)
    for at, (label, parts) in enumerate(lines):
        y, fitted = top + pitch * at, px
        while canvas.run_width(parts, fitted) > width and fitted > small:
            fitted = max(small, fitted - 0.5)
        with canvas.part(OUTPUT if numbers and not at else SIZE):
            canvas.text(canvas.left, y, label, px=px, colour=canvas.theme.quiet)
            canvas.run(canvas.left + indent, y, parts, fitted)
    return top - 1.2 * px


def sum_lines(
    canvas: Canvas, shown: SlidingWindow, width: float, px: float, most: int
) -> list[Parts]:
    """The sum in as many lines as sums of these numbers usually need, for all steps alike.

    If ``most`` are not enough, terms are left out.
    """
    count = len(shown.terms())
    term = canvas.measure("· + ", px)
    for texts in (shown.inputs().marked(), shown.weights().marked()):
        widths = [canvas.measure(bracketed(text), px) for text in texts[:1000]]
        term += sum(widths) / max(len(widths), 1)
    room = math.ceil((1.1 * count * term + 6 * px) / width)  # with the bias and the result

    def needed(kept: int | None = None) -> float:
        return canvas.run_width(parts_of(canvas, shown.sum_pieces(kept)), px)

    lines = [parts_of(canvas, shown.sum_pieces())]
    if needed() > width:
        (text, role), *end = shown.sum_pieces()
        rows = canvas.wrapped(canvas.said(text).replace(" + ", " +\u00a0"), width, px)
        lines = [parts_of(canvas, [(row.replace("\u00a0", " "), role)]) for row in rows]
        last = lines[-1] + parts_of(canvas, end)
        fits = canvas.run_width(last, px) <= width
        lines = [*lines[:-1], last] if fits else [*lines, parts_of(canvas, end)]
    if room > most + 1 or len(lines) > min(room, most):
        kept = max(0, bisect_right(range(count), width, key=needed) - 1)
        lines = [parts_of(canvas, shown.sum_pieces(kept))]
        if room > most:
            return lines
    blank: list[Parts] = [[]] * (min(room, most) - len(lines))
    return blank + lines


def more(n: int, what: str) -> str:
    """That there are more maps, channels or kernels than those that are drawn."""
    if what == "kernel":
        return t("… {n} more kernel", n, several="… {n} more kernels")
    if what == "channel":
        return t("… {n} more channel", n, several="… {n} more channels")
    return t("… {n} more map", n, several="… {n} more maps")


def parts_of(canvas: Canvas, pieces: Iterable[Piece]) -> Parts:
    """Pieces in the colours of their roles; results and biases are bold."""
    return [
        (text, getattr(canvas.theme, role), role in ("output", "mistake")) for text, role in pieces
    ]


MOST = 5  # channels or maps; the others are left out before the last one


@dataclass
class Grids:
    """Channels or maps (N, H, W) with their numbers as texts, or empty cells without ``texts``.

    ``head``: title, quiet line and colour of their headline.  ``kept`` are those that
    are drawn, ``must`` among them; ``bar``: whether shades, which stand for numbers that have
    no room, have their scale beside them.
    """

    canvas: Canvas
    values: NDArray
    texts: list[str] | None
    scale: Scale
    bar: bool
    head: tuple[str, str, str]
    must: int | None = None

    def __post_init__(self) -> None:
        count, small = len(self.values), self.canvas.size.small
        few = {0, 1, count - 1, self.must}
        self.kept = [i for i in range(count) if count <= MOST or i in few]
        self.left_out = [i for i in range(count) if i not in self.kept]
        self.gap = 1.3 * small
        self.label = small * LINE if count > 1 else 0.0
        self.skip = 1.6 * small if self.left_out else 0.0

    def cells(self, side: float, left: float = 0.0, top: float = 0.0) -> Cells:
        """The cells of one grid."""
        _, rows, columns = self.values.shape
        return Cells(self.canvas, left, top, rows, columns, side)

    def texts_of(self, index: int) -> list[str]:
        """The numbers of one grid."""
        each = self.values[0].size
        return [] if self.texts is None else self.texts[index * each : (index + 1) * each]

    def least(self) -> float:
        """The smallest side of a cell in which all numbers are legible."""
        if not self.texts:
            return 0.0
        needed = self.canvas.widest(longest(self.texts), self.canvas.size.small) / 0.92 + 1
        return max(22.0 * self.canvas.unit, needed)

    def legible(self, side: float) -> bool:
        """Whether cells show all that they are to show."""
        return self.texts is None or self.cells(side).size_of(self.texts) is not None

    def bar_width(self, side: float) -> float:
        """Of the scale, with the gap before it, where there is one."""
        if not self.bar or self.legible(side):
            return 0.0
        return self.gap + ColourBar(self.canvas, self.scale).width

    def draw_bar(self, side: float, left: float, top: float, clear: float) -> None:
        """The scale, where there is one, beside a grid; one that has to be higher ends with it.

        ``clear``: where the headline ends, beside which such a higher one stands.
        """
        if self.bar_width(side):
            height = min(self.cells(side).place[3], 9 * self.canvas.size.label)
            higher = max(0.0, ColourBar.LEAST * self.canvas.size.small - height)
            left = max(left, clear + self.gap) if higher else left
            ColourBar(self.canvas, self.scale).draw(left, top - higher, height + higher)

    def say_left_out(
        self, what: str, left: float, top: float, below: float | None = None, added: str = ""
    ) -> None:
        """How many grids are left out: above the last one at ``top``, or ``below`` all."""
        if self.left_out:
            small = self.canvas.size.small
            y = top - self.gap - 2.2 * small if below is None else below + 0.5 * small
            self.canvas.note(left, y, more(len(self.left_out), what) + added)

    def height(self, pitch: float, rows: int) -> float:
        """Of grids below each other with their labels."""
        return rows * (pitch + self.label) + (rows - 1) * self.gap + self.skip

    def tops(self, pitch: float, rows: int, top: float) -> list[float]:
        """Where these rows begin, below their labels; in one column the last after a gap."""
        step = self.label + pitch + self.gap
        tops = [top + self.label + row * step for row in range(rows)]
        if rows == len(self.kept):
            tops[-1] += self.skip
        return tops


@dataclass
class Drawing:
    """A step's three kinds of grids on a canvas; ``digits`` are the most that each has."""

    canvas: Canvas
    shown: SlidingWindow
    numbers: bool
    digits: Sequence[int | None] = (None, None, None)
    bars: bool = True

    def __post_init__(self) -> None:
        shown, theme = self.shown, self.canvas.theme
        self.theme = theme
        kernel = np.zeros((0, 0, 0)) if shown.kernel is None else shown.kernel
        inputs, weights, results = self.digits

        def grids(values: NDArray, written: Numbers, scale: Scale, *more: Any) -> Grids:
            texts = written.marked() if self.numbers else None
            return Grids(self.canvas, values, texts, scale, self.bars, *more)

        grey, colours = style.grey_scale(shown.stage), style.value_scale(shown.output, theme)
        signed = style.signed_scale(kernel, theme)
        head = t("Input"), shown.input_note, theme.input
        self.input = grids(shown.stage, shown.inputs(inputs), grey, head, shown.channel)
        head = shown.window_title(), shown.window_note, theme.window
        self.kernel = grids(kernel, shown.weights(weights), signed, head)
        head = t("Output"), shown.output_note(), theme.output
        self.output = grids(shown.output, shown.results(results), colours, head, shown.at[0])
        self.grids = self.input, self.kernel, self.output
        self.sums = shown.sums() if self.numbers and len(kernel) > 1 else []

    def _stroke(self, side: float) -> float:
        """Of a thick outline: less around small cells, but never lost."""
        return min(self.canvas.size.thick, max(3.5 * self.canvas.unit, 0.12 * side))

    def _label(self, cells: Cells, text: str, colour: str) -> None:
        y = cells.top - 0.25 * self.canvas.size.small
        self.canvas.note(cells.left, y, text, "lb", colour=colour)

    # The input --------------------------------------------------------------------------------

    def draw_input(self, channel: int, side: float, left: float, top: float) -> None:
        """One channel: what is padding, the window over it, and its numbers or their shades."""
        shown, theme, unit = self.shown, self.theme, self.canvas.unit
        cells = self.input.cells(side, left, top)
        label, edge = theme.channel(channel, len(shown.stage))
        if len(shown.stage) > 1:
            self._label(cells, label, edge)
        texts, inside = self.input.texts_of(channel), shown.inside
        px = cells.size_of(texts) if texts else None
        shaded = bool(texts) and px is None
        if shaded:
            self._shade(channel, cells)
        elif not inside.all():
            cells.box(fill=theme.hairline_fill)
            if side >= 6 * unit:
                cells.lines(theme.hairline, dashed=True)
        for block in cells.blocks(np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))):
            block.draw(edge, None if shaded else theme.input_fill, least=6 * unit)
        under = shown.under(channel)
        if under.any():
            with self.canvas.part(WINDOW):
                self._window(cells, shaded, under)
        self._hatch(cells)
        if shown.spans is not None and under.any():
            self._spans(cells)
        if px is not None:
            self._numbers(channel, cells, px, under)

    def _shade(self, channel: int, cells: Cells) -> None:
        values, outside = self.shown.stage[channel], self.shown.outside
        if outside.any() and not values[outside].any():  # zeros around it are no part of the image
            cells.box(self.theme.quiet, self.theme.hairline_fill, dashed=True)
            rows, columns = (np.flatnonzero(~outside.all(axis)) for axis in (1, 0))
            cells, values = cells.span(rows, columns), values[np.ix_(rows, columns)]
        cells.shades(values, self.input.scale)

    def _window(self, cells: Cells, shaded: bool, under: NDArray) -> None:
        shown, theme, side = self.shown, self.theme, cells.width
        for block in cells.blocks(*shown.window):
            if shaded:
                block.box(theme.window)
            else:
                block.draw(theme.window, theme.window_fill)
        if not shaded:
            cells.polygons(under & ~shown.inside, theme.window, theme.hairline_fill)
        cells.span(*shown.window).box(theme.window, stroke=self._stroke(side))
        if shown.winner is not None:
            row, column = shown.winner
            size = self.canvas.size
            place = (*cells.corner(row + 0.1, column + 0.1), 0.8 * side, 0.8 * side)
            stroke = min(size.thick, max(size.hair, 0.08 * side))
            self.canvas.box(*place, edge=theme.output, stroke=stroke)

    def _spans(self, cells: Cells) -> None:
        """All windows, of unequal sizes, as lines below and beside the input."""
        assert self.shown.spans is not None
        theme, small, size = self.theme, self.canvas.size.small, self.canvas.size
        far, low = cells.corner(cells.rows, cells.columns)[0], cells.corner(cells.rows, 0)[1]
        for axis, spans in enumerate(self.shown.spans):
            current = self.shown.window[axis]
            for at, (first, last) in enumerate(spans):
                here = first == current[0]
                away = small * (0.45 + 0.5 * (at % 2))
                ends = [cells.corner(end, end)[1 - axis] for end in (first + 0.08, last + 0.92)]
                colour, stroke = (
                    (theme.window, size.thick) if here else (theme.quiet, 2 * size.hair)
                )
                aside = [(far if axis == 0 else low) + away] * 2
                xs, ys = (aside, ends) if axis == 0 else (ends, aside)
                self.canvas.line(xs, ys, colour, stroke=stroke)

    def _hatch(self, cells: Cells) -> None:
        """Strokes across the corners of cells that no window reads: numbers stay legible."""
        segments = []
        for row, column in np.argwhere(self.shown.uncovered):
            below, right = row + 1, column + 1
            for share in (0.28, 0.14):
                segments += [
                    (cells.corner(row + share, column), cells.corner(row, column + share)),
                    (cells.corner(below, right - share), cells.corner(below - share, right)),
                ]
        if segments:
            self.canvas.strokes(segments, self.theme.mistake)

    def _numbers(self, channel: int, cells: Cells, px: float, under: NDArray) -> None:
        """The numbers, where there is room with the kernel's as tags below them."""
        canvas, theme, small = self.canvas, self.theme, self.canvas.size.small
        texts, tags = self.input.texts_of(channel), []
        low = cells.height < 60 * canvas.unit  # a tag leaves room for a small number only
        if len(self.kernel.values) and cells.height >= 2.6 * small:
            tags = [f"{style.TIMES}{text}" for text in self.kernel.texts_of(channel)]
        if canvas.widest(tags, small, True) >= 0.9 * cells.width:
            tags = []
        free, tag = self.shown.inside | under, iter(tags)
        for (row, column), text in zip(np.ndindex(under.shape), texts, strict=True):
            tagged = bool(tags) and under[row, column]
            x, y = cells.middle(row - (0.18 if low else 0.12) * tagged, column)
            ink = theme.ink if free[row, column] else theme.quiet
            canvas.text(x, y, text, "mc", px=small if low and tagged else px, colour=ink)
            if tagged:
                x, y = cells.corner(row + 0.98, column + 0.94)
                with canvas.part(WINDOW):
                    canvas.text(x, y, next(tag), "rb", px=small, colour=theme.window, bold=True)

    # Kernel and output ------------------------------------------------------------------------

    @part(KERNEL)
    def draw_kernel(self, channel: int, side: float, left: float, top: float) -> None:
        """The kernel of one channel."""
        theme, texts = self.theme, self.kernel.texts_of(channel)
        cells = self.kernel.cells(side, left, top)
        px = cells.size_of(texts) if texts else 0.0
        if px is None:
            cells.shades(self.kernel.values[channel], self.kernel.scale, theme.window)
            return
        cells.draw(theme.window, theme.window_fill)
        cells.write(texts, px, anchor="mc")

    def draw_given(self, side: float, left: float, top: float) -> None:
        """The one kernel as it was before it was turned."""
        theme, cells = self.theme, self.kernel.cells(side, left, top)
        turned = np.reshape(self.kernel.texts_of(0), self.kernel.values.shape[1:])[::-1, ::-1]
        px = cells.size_of(turned.ravel().tolist())
        if px is not None:
            cells.draw(theme.window, theme.ground)
            cells.write(turned.ravel().tolist(), px, theme.quiet, anchor="mc")

    def draw_output(self, index: int, side: float, left: float, top: float) -> None:
        """One map as far as it is computed, in the order of the loop."""
        maps, theme = self.output, self.theme
        cells, values = maps.cells(side, left, top), maps.values[index]
        if len(maps.values) > 1:
            self._label(cells, t("map {number}", index), theme.output)
        px = None if maps.texts is None else cells.size_of(maps.texts)
        done = self.shown.done[index]
        full, rest = divmod(int(done.sum()), cells.columns)
        for row, part in ((0, values[:full]), (full, values[full : full + 1, :rest])):
            computed = cells.part(row, 0, *part.shape)
            if not part.size:
                continue
            if maps.texts is not None and px is None:
                computed.shades(part, maps.scale)
            else:
                computed.box(fill=theme.output_fill)
        cells.draw(theme.output, least=6 * self.canvas.unit)
        current = self.shown.at[1:] if index == self.shown.at[0] else None
        if px is not None:
            for place, text in zip(np.argwhere(done), maps.texts_of(index), strict=False):
                bold = tuple(place) == current and self.canvas.measure(text, px, True) < 0.95 * side
                self.canvas.text(*cells.middle(*place), text, "mc", px=px, bold=bold)
        if current:
            cells.part(*current).box(theme.output, stroke=self._stroke(side))


SMALLEST = 5  # pixels of a slide that a cell must have


def step_sheet(
    steps: Sequence[SlidingWindow], *, numbers: bool = True, **page: Unpack[Page]
) -> Figure:
    """Each step as its input, window and output so far, in the order of the loop.

    Of several channels the first is drawn.  Raises SpecError for more steps than fit legibly.
    """
    canvas = Sheet(9 / 16, "ink", **page)
    rows, columns = steps[0].stage.shape[1:]
    out_rows, out_columns = steps[0].output.shape[1:]
    tall, wide = max(rows, out_rows), columns + out_columns + 1
    small, label = canvas.size.small, 1.4 * canvas.size.small
    room = canvas.inner_width, canvas.inner_height
    most = 0.5 * canvas.inner_width
    grid = arrange(len(steps), *room, (tall, wide), gap=1.2 * small, label=label, largest=most)
    cell = grid.width / wide
    if cell < SMALLEST * canvas.unit:
        raise SpecError(
            f"step: expected few enough for one sheet, got {len(steps)} with an input of"
            f" {rows} × {columns}; a .pdf has a page for each, a .gif a frame"
        )
    for index, step in enumerate(steps):
        x, y = grid.corner(index)
        tile = Cells(canvas, canvas.left + x, canvas.top + y, tall, wide, cell)
        place = f"{'' if len(step.output) == 1 else f'{step.at[0]},'}{step.at[1]},{step.at[2]}"
        pieces = [(place, "quiet")]
        if numbers:
            pieces += [(step.equals(), "ink"), (step.value(), "output")]
        _step(step, tile)
        canvas.run(tile.left, tile.top - label, parts_of(canvas, pieces), small)
    return canvas.figure


def _step(shown: SlidingWindow, tile: Cells) -> None:
    """One step: the input at the left of its tile, the output at the right."""
    theme, stroke = tile.canvas.theme, 0.5 * tile.canvas.size.thick
    _, rows, columns = shown.stage.shape
    stage = tile.part((tile.rows - rows) / 2, 0, rows, columns)
    if not shown.inside.all():
        stage.draw(theme.hairline, theme.hairline_fill, dashed=True)
    stage.polygons(shown.inside, theme.input, theme.input_fill)
    under = shown.under(shown.channel or 0)
    stage.polygons(under & ~shown.inside, theme.window, theme.hairline_fill)
    stage.polygons(under & shown.inside, theme.window, theme.window_fill)
    stage.span(*shown.window).box(theme.window, stroke=stroke)
    index, *at = shown.at
    _, rows, columns = shown.output.shape
    output = tile.part((tile.rows - rows) / 2, tile.columns - columns, rows, columns)
    done = shown.done[index]
    fills = [theme.output_fill if past else theme.ground for past in done.flat]
    output.polygons(np.ones(done.shape, bool), theme.output, fills)
    output.part(*at).box(theme.output, stroke=stroke)
