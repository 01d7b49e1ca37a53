"""A window on a photograph: its numbers enlarged, their sum, and the map that grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.shapes import Pair, on_axes
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.film import FILM, Film
from convlab.viz.film_grids import Block, Grids
from convlab.viz.film_window import END, Frames
from convlab.viz.matrix import Cells
from convlab.viz.sprites import between, lay, outline
from convlab.viz.style import Size
from convlab.viz.tiles import whole_cells
from convlab.viz.window_grids import sum_lines
from convlab.window_step import SlidingWindow
from convlab.words import joined, t

_SHARE = 0.6  # of the height, for the photograph
_SWEEP = 6.0  # seconds in which the rest of the map comes out


@dataclass(frozen=True, eq=False)
class PhotoWindow:
    """A photograph, the map that a kernel makes of it, and a few steps in one row of both.

    image (H, W) bytes; output (OH, OW), without padding and with stride 1.  ``steps``: those of
    the strip of the image that begins at ``first``, (row, column), with the numbers of the map.
    """

    image: NDArray
    output: NDArray
    steps: Sequence[SlidingWindow]
    first: Pair

    def done(self, number: int) -> int:
        """How many numbers of the map there are before a step, in the order of the loop."""
        row, column = self.first
        return row * self.output.shape[1] + column + number


def photo_window(
    shown: PhotoWindow,
    number: int,
    *,
    title: str,
    subtitle: str,
    theme: str = "light",
    size: str | Size = "slide",
) -> Figure:
    """The step ``number``: the photograph above its strip, the map above its results so far.

    Raises SpecError for a kernel whose numbers have no room.
    """
    step = shown.steps[number]
    canvas = Canvas(size, theme, 0.8)
    canvas.headline(title, subtitle, canvas.theme.ink)
    bottom = _sum(canvas, step, t("row {row}, column {column}", *_place(shown, number)))
    top = _Top(canvas, shown, bottom)
    top.draw(shown.done(number) + 1)
    grids = Grids(canvas, _blocks(step), bottom, step.inputs().marked())
    _check(grids, step)
    colours, stroke = canvas.theme, canvas.size.thick
    strip = grids.cells(0)
    top.rays(grids)
    grids.put([colours.input_fill, colours.window_fill, colours.output_fill])
    under = strip.span(*step.window)
    under.draw(colours.input, colours.window_fill)
    texts = np.reshape(step.inputs().marked(), step.stage.shape)[step.under(0)[None]].tolist()
    under.write(texts, grids.px, anchor="mc")
    under.box(colours.window, stroke=stroke)
    grids.cells(2).part(0, number).box(colours.output, stroke=stroke)
    top.window(number).box(colours.window, stroke=0.6 * stroke)
    top.result(number).box(colours.output, stroke=0.6 * stroke)
    return canvas.figure


def photo_film(
    shown: PhotoWindow,
    *,
    title: str,
    subtitle: str,
    seconds: float = 1.0,
    fps: int = 30,
    theme: str = "light",
    size: str | Size = FILM,
) -> Film:
    """Each step as in ``window_film``, below the photograph; then the rest of the map, by rows.

    Raises SpecError for a kernel whose numbers have no room.
    """
    canvas = Canvas(size, theme)
    canvas.headline(title, subtitle, canvas.theme.ink)
    top = _Top(canvas, shown, canvas.bottom - 4 * canvas.size.title)
    top.draw(shown.done(0))
    frames = _Below(canvas, shown.steps, True, seconds, fps)
    _check(frames.grids, shown.steps[0])
    top.rays(frames.grids)
    return Film(_moving(frames, top, shown, fps), fps)


def _moving(frames: Frames, top: _Top, shown: PhotoWindow, fps: int) -> Iterator[NDArray]:
    """The steps, the window on the photograph with them; then a row of windows goes down."""
    above = np.s_[: int(top.bottom)]
    for number, moment, frame in frames.moments():
        still = frame[above].copy()
        place = number - 1 + between(moment, 0.0, 0.2) if number else 0.0
        top.grow(frame, shown.done(number) + (moment > 0.9))
        top.outlines(frame, shown.first[0], place, 0.0)
        yield frame
    # What is enlarged is no longer what is computed: it fades.
    below, ground = frame[above.stop :].astype(float), style.rgb_bytes(frames.theme.ground)
    (row, _), (rows, columns) = shown.first, shown.output.shape
    start, end = shown.done(len(shown.steps)), (row + 1) * columns
    count = round(_SWEEP * fps)
    for at in range(count):
        share = at / (count - 1)
        widens, way = between(share, 0.0, 0.2), between(share, 0.2, 1.0)
        frame = np.vstack([still, (below + 0.85 * widens * (ground - below)).astype(np.uint8)])
        now = row + way * (rows - 1 - row)
        top.grow(frame, round((now + 1) * columns if way else start + widens * (end - start)))
        top.outlines(frame, now, len(shown.steps) - 1, widens)
        yield frame
    for _ in range(round(END * fps)):
        yield frame


class _Below(Frames):
    """The strip and its results need no names: they hang on the photograph and the map."""

    def blocks(self, shown: SlidingWindow) -> list[Block]:
        return [_nameless(block) for block in super().blocks(shown)]


def _nameless(block: Block) -> Block:
    """A block whose name stands above the photograph or the map."""
    role = block.head[2]
    return block if role == "window" else replace(block, head=("", "", role))


def _place(shown: PhotoWindow, number: int) -> Pair:
    """Row and column of a step on the map."""
    row, column = shown.first
    return row, column + number


def _sum(canvas: Canvas, step: SlidingWindow, place: str) -> float:
    """The sum at the foot, in at most two lines; returns where they begin."""
    px = canvas.size.label
    indent = canvas.measure(place, px) + 1.2 * px
    lines = [line for line in sum_lines(canvas, step, canvas.inner_width - indent, px, 2) if line]
    top = y = canvas.bottom - px * LINE * 1.15 * len(lines)
    canvas.text(canvas.left, y, place, px=px, colour=canvas.theme.quiet)
    for line in lines:
        canvas.run(canvas.left + indent, y, line, px)
        y += px * LINE * 1.15
    return top - 1.2 * px


def _blocks(step: SlidingWindow) -> list[Block]:
    """The strip without the window's numbers, the kernel, and the results that are there."""
    assert step.kernel is not None, "a window on a photograph multiplies"
    inputs = np.where(step.under(0).ravel(), "", step.inputs().marked()).tolist()
    results = np.where(step.done.ravel(), step.results().marked(), "").tolist()
    kernel = step.window_title(), step.window_note, "window"
    return [
        Block(step.stage.shape, ("", "", "input"), inputs),
        Block(step.kernel.shape, kernel, step.weights().marked(), "∗"),
        Block(step.output.shape, ("", "", "output"), results, "=", ~step.done[0]),
    ]


def _check(grids: Grids, step: SlidingWindow) -> None:
    if not grids.px or step.kernel is None:
        size = "" if step.kernel is None else style.size_text(*step.kernel.shape[1:])
        raise SpecError(f"kernel: expected one whose numbers have room, such as 3 × 3, got {size}")


class _Top:
    """The photograph and the map, of cells of one size, in the upper part of a canvas.

    ``canvas.top`` moves below both.
    """

    def __init__(self, canvas: Canvas, shown: PhotoWindow, bottom: float) -> None:
        self.canvas, self.shown = canvas, shown
        head = canvas.size.label * LINE + canvas.size.small * LINE * 1.1
        room = _SHARE * (bottom - canvas.top) - head
        gap = 3 * canvas.size.label
        rows, columns = shown.image.shape
        cell = whole_cells((canvas.inner_width - gap) / 2, room, rows, columns)
        self.head_y, y = canvas.top, canvas.top + head
        between_ = min(3 * gap, canvas.inner_width - 2 * columns * cell)
        x = canvas.left + (canvas.inner_width - 2 * columns * cell - between_) / 2
        self.photo = Cells(canvas, float(round(x)), float(round(y)), rows, columns, cell)
        self.kernel = on_axes(lambda axis: shown.image.shape[axis] - shown.output.shape[axis] + 1)
        x = float(round(x + columns * cell + between_))
        # Each result where the middle of its window is.
        all_ = Cells(canvas, x, float(round(y)), rows, columns, cell)
        down, across = (length // 2 for length in self.kernel)
        self.map = all_.part(down, across, *shown.output.shape)
        theme = canvas.theme
        signed = style.has_both_signs(shown.output)
        self.scale = (
            style.signed_scale(shown.output, theme) if signed else style.grey_scale(shown.output)
        )
        self.bottom = y + rows * cell + 0.8 * canvas.size.small
        canvas.top = self.bottom
        self.rgb = self.scale.rgb(shown.output)

    def draw(self, done: int) -> None:
        """Both with their heads; of the map what is done."""
        canvas, theme = self.canvas, self.canvas.theme
        shown = self.shown
        heads = (
            (self.photo, t("Input"), shown.image.shape, "", theme.input),
            (self.map, t("Output"), shown.output.shape, self.scale.words, theme.output),
        )
        for cells, name, size, more, colour in heads:
            y = self.head_y
            canvas.text(cells.left, y, name, colour=colour, bold=True)
            note, width = joined([style.size_text(*size), more], "; "), canvas.right - cells.left
            canvas.note(cells.left, y + canvas.size.label * LINE, note, width=width)
        canvas.picture(image_rgb(shown.image[None]), *self.photo.place, edge=theme.input)
        canvas.picture(self._grown(done), *self.map.place)
        self.map.box(theme.hairline)

    def _grown(self, done: int) -> NDArray:
        """The map's shades, those not yet there on the ground of what is empty."""
        rgb = self.rgb.copy()
        rgb.reshape(-1, 3)[done:] = style.rgb_bytes(self.canvas.theme.hairline_fill)
        return rgb

    def window(self, number: int) -> Cells:
        """The window of a step on the photograph."""
        row, column = self.shown.first
        return self.photo.part(row, column + number, *self.kernel)

    def result(self, number: int) -> Cells:
        """The cell of a step on the map."""
        row, column = self.shown.first
        return self.map.part(row, column + number)

    def rays(self, grids: Grids) -> None:
        """From the strip on the photograph and its results on the map to what enlarges them."""
        theme = self.canvas.theme
        pairs = (self.photo, 0, theme.window), (self.map, -1, theme.output)
        for whole, block, colour in pairs:
            near, cells = (
                whole.part(*self.shown.first, *grids.blocks[block].shape[1:]),
                grids.cells(block),
            )
            near.box(colour)
            rays = [
                (near.corner(near.rows, end), cells.corner(0, large))
                for end, large in ((0, 0), (near.columns, cells.columns))
            ]
            self.canvas.strokes(rays, colour, dashed=True)

    def grow(self, frame: NDArray, done: int) -> None:
        """The map of a film's frame, as far as it is done."""
        left, top, width, height = (round(length) for length in self.map.place)
        cell, line = round(self.map.width), max(1, round(self.canvas.size.hair))
        there = np.arange(self.rgb[..., 0].size).reshape(self.rgb.shape[:2]) < done
        inside = np.s_[line:-line, line:-line]
        grown, there = (
            each.repeat(cell, axis=0).repeat(cell, axis=1)[inside] for each in (self.rgb, there)
        )
        frame[top : top + height, left : left + width][inside][there] = grown[there]

    def outlines(self, frame: NDArray, row: float, number: float, widens: float) -> None:
        """The window and its result at a place of a film, or both as wide as their rows."""
        theme, stroke = self.canvas.theme, 0.6 * self.canvas.size.thick
        column = self.shown.first[1] + number
        shapes = (self.photo, self.kernel, theme.window), (self.map, (1, 1), theme.output)
        for cells, (down, across), colour in shapes:
            left = column * (1 - widens)
            wide = across + widens * (cells.columns - across)
            x, y = cells.middle(row + (down - 1) / 2, left + (wide - 1) / 2)
            box = outline(round(wide * cells.width), round(down * cells.width), colour, stroke)
            lay(frame, box, x, y)
