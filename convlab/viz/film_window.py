"""A film of a sliding window: it glides, products light up and fly to their sum, the sum drops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convlab.errors import SpecError
from convlab.numerals import grain, sums
from convlab.viz import style
from convlab.viz.canvas import Canvas
from convlab.viz.film import FILM, Film
from convlab.viz.film_grids import Block, Grids
from convlab.viz.film_sum import SumRow
from convlab.viz.sprites import between, chip, lay, outline, scaled
from convlab.viz.style import Size
from convlab.window_step import SlidingWindow
from convlab.words import t

MOST_PLANES = 4
FIRST = 3  # the first step takes so many times as long, to be understood
END = 2.0  # seconds that the last frame stays
_TURN = 2.0  # seconds in which the kernel turns


def window_film(
    steps: Sequence[SlidingWindow],
    *,
    title: str,
    subtitle: str,
    turned: bool = False,
    seconds: float = 1.0,
    fps: int = 30,
    theme: str = "light",
    size: str | Size = FILM,
    numbers: bool = True,
) -> Film:
    """Each step of a window in so many ``seconds``, the first more slowly.

    The kernel glides to its place; products, or the sums of several channels, light up and fly to
    their sum; the result drops into its cell.  Of a max pooling the winner rises.  ``turned``: the
    kernel is seen turning first.  Raises SpecError for more than four planes or maps.
    """
    planes = max(len(steps[0].stage), len(steps[0].output))
    if planes > MOST_PLANES:
        raise SpecError(f"film: expected at most {MOST_PLANES} channels and filters, got {planes}")
    canvas = Canvas(size, theme)
    canvas.headline(title, subtitle, canvas.theme.ink)
    return Film(Frames(canvas, steps, numbers, seconds, fps).frames(turned), fps)


class Frames:
    """The frames of such a film, on a canvas that has what else is shown already."""

    def __init__(
        self,
        canvas: Canvas,
        steps: Sequence[SlidingWindow],
        numbers: bool,
        seconds: float,
        fps: int,
    ) -> None:
        self.canvas, self.steps, self.numbers = canvas, steps, numbers
        self.theme, self.seconds, self.fps = canvas.theme, seconds, fps
        self.convolves = steps[0].kernel is not None
        self.terms = [self._terms(shown) for shown in steps]
        rises = steps[0].operation == "max" or not numbers
        self.row = None if rises else SumRow.of(canvas, steps, self.terms)
        self.bottom = canvas.bottom - (self.row.height if self.row else 0.0)
        self.grids = self._grids(canvas, 0)
        self.results = steps[0].results().marked()
        self.stroke = 0.75 * canvas.size.thick

    def _terms(self, shown: SlidingWindow) -> list[str]:
        """What flies to the sum: products, or the sum of each of several channels."""
        if shown.kernel is None:
            return [text.strip("()") for text in shown.terms()]
        if len(shown.kernel) > 1:
            return shown.sums()
        known = grain(1, shown.stage, shown.kernel)
        return sums(shown.patch() * shown.kernel, known).marked()

    def _grids(self, canvas: Canvas, step: int) -> Grids:
        """Input, kernel and output as they stand at a step."""
        results = self.steps[step].results().marked() if self.numbers else []
        return Grids(canvas, self.blocks(self.steps[step]), self.bottom, results)

    def blocks(self, shown: SlidingWindow) -> list[Block]:
        """Input, kernel and output, the last without its numbers."""
        inputs = shown.inputs().marked() if self.numbers else None
        empty = ~shown.inside
        blocks = [
            Block(shown.stage.shape, (t("Input"), shown.input_note, "input"), inputs, "", empty)
        ]
        if shown.kernel is not None:
            head = shown.window_title(), shown.window_note, "window"
            weights = shown.weights().marked() if self.numbers else None
            blocks.append(Block(shown.kernel.shape, head, weights, "∗"))
        head = t("Output"), shown.output_note(), "output"
        sign = "=" if self.convolves else style.ARROW
        return [*blocks, Block(shown.output.shape, head, None, sign)]

    # Frames -----------------------------------------------------------------------------------

    def frames(self, turned: bool) -> Iterator[NDArray]:
        """All of them."""
        if turned:
            yield from self._turning(self._first[0])
        for _, _, still in self.moments():
            yield still
        for _ in range(round(END * self.fps)):
            yield still

    def moments(self) -> Iterator[tuple[int, float, NDArray]]:
        """Of each frame its step, the moment in it from 0 to 1, and its pixels."""
        base, lit = self._first
        for number, shown in enumerate(self.steps):
            if number and shown.at[0] != self.steps[number - 1].at[0] and self.convolves:
                base, lit = self._grounds(number, base)
            long = FIRST if number == 0 else 1
            count = max(2, round(self.seconds * self.fps * long))
            for at in range(count):
                moment = at / (count - 1)
                yield number, moment, self._frame(base, lit, number, moment)
            index, *place = shown.at
            text = self.results[np.ravel_multi_index(shown.at, shown.output.shape)]
            cells = self.grids.cells(-1, index)
            fill = self.theme.output_fill
            self.grids.settle(base, cells, (place[0], place[1]), text * self.numbers, fill)

    @cached_property
    def _first(self) -> tuple[NDArray, NDArray]:
        return self._grounds(0)

    def _grounds(self, step: int, before: NDArray | None = None) -> tuple[NDArray, NDArray]:
        """The ground, and the same with every cell of the input lit; results so far are kept."""
        theme, grounds = self.theme, []
        for fill in (theme.input_fill, theme.window_fill):
            canvas = self.canvas
            if step or fill == theme.window_fill:
                canvas = Canvas(self.canvas.size, theme.name)
                canvas.top, canvas.bottom = self.canvas.top, self.canvas.bottom
            grids = self.grids if canvas is self.canvas else self._grids(canvas, step)
            kernel = [theme.window_fill] if self.convolves else []
            grounds.append(grids.draw([fill, *kernel, theme.ground]))
        base, lit = grounds
        if before is not None:
            top, left = int(self.canvas.top), int(self.grids.lefts[-1] - 2)
            head = int(self.canvas.top)
            base[:head], base[top:, left:] = before[:head], before[top:, left:]
        return base, lit

    def _turning(self, base: NDArray) -> Iterator[NDArray]:
        """Each number of the kernel goes half a circle around the middle, upright."""
        kernel, cells = self.steps[0].kernel, self.grids.cells(1)
        assert kernel is not None, "what turns is a kernel"
        rows, columns = kernel.shape[1:]
        texts = self.steps[0].weights().marked()[: rows * columns]
        middle = np.array(cells.middle((rows - 1) / 2, (columns - 1) / 2))
        left, top, width, height = (round(length) for length in cells.place)
        clear = base.copy()
        line = round(self.canvas.size.hair) + 1
        around = np.s_[top - line : top + height + line, left - line : left + width + line]
        clear[around] = style.rgb_bytes(self.theme.ground)
        theme, count = self.theme, round(_TURN * self.fps)
        for at in range(count):
            angle = np.pi * (1 - between(at / (count - 1), 0.25, 0.85))
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            frame = clear.copy()
            for place, text in zip(np.ndindex(rows, columns), texts, strict=True):
                # A little closer on the way, so that no corner meets the words above.
                closer = 1 - 0.32 * np.sin(angle)
                x, y = middle + closer * turn @ (np.array(cells.middle(*place)) - middle)
                sprite = self.grids.number(text * self.numbers, theme.window_fill, theme.window)
                lay(frame, scaled(sprite, closer), x, y)
            yield frame

    def _frame(self, base: NDArray, lit: NDArray, number: int, moment: float) -> NDArray:
        """A step at a moment from 0 to 1."""
        frame, shown = base.copy(), self.steps[number]
        before = self.steps[number - 1] if number else shown
        glide = between(moment, 0.0, 0.2)
        rows, columns = _window(before, shown, glide)
        planes = range(len(shown.stage)) if shown.channel is None else [shown.channel]
        appears = between(moment, 0.0, 0.08) if number == 0 else 1.0
        for plane in planes:
            self._spotlight(frame, lit, plane, rows, columns)
            self._tags(frame, shown, plane, rows, columns, moment)
        self._current(frame, before, shown, glide, appears)
        if self.row and number and moment < 0.2:
            strength = 1 - between(moment, 0.0, 0.15)
            result = self._result(before)
            self.row.lay_whole(frame, number - 1, strength, self.terms[number - 1], result)
        if shown.operation == "max" or not self.numbers or self.row is None:
            self._rise(frame, shown, moment)
        else:
            self._fly(frame, number, moment)
        return frame

    def _spotlight(
        self, frame: NDArray, lit: NDArray, plane: int, rows: NDArray, columns: NDArray
    ) -> None:
        """The cells under the window, wherever it is, in its colour, and its outline."""
        cells, side = self.grids.cells(0, plane), self.grids.side
        for row in rows:
            for column in columns:
                left, top = (round(length) for length in cells.corner(row, column))
                part = np.s_[top : top + int(side) + 1, left : left + int(side) + 1]
                frame[part] = lit[part]
        x, y = cells.middle((rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2)
        width, height = ((ends[-1] - ends[0] + 1) * side for ends in (columns, rows))
        lay(frame, outline(round(width), round(height), self.theme.window, self.stroke), x, y)

    def _tags(
        self,
        frame: NDArray,
        shown: SlidingWindow,
        plane: int,
        rows: NDArray,
        columns: NDArray,
        moment: float,
    ) -> None:
        """The weights, which glide with the window, at the corners of their cells."""
        side, px = self.grids.side, 0.55 * self.grids.px
        if shown.kernel is None or px < 0.6 * self.canvas.size.small:
            return
        count = shown.kernel[0].size
        texts = shown.weights().marked()[plane * count : (plane + 1) * count]
        cells, strength = self.grids.cells(0, plane), 1 - between(moment, 0.24, 0.34)
        if self.row is None or len(shown.kernel) > 1:
            strength = 1.0
        for at, text in enumerate(texts):
            row, column = divmod(at, len(columns))
            tag = f"{style.TIMES}{text}"
            own = self.canvas.measure(tag, px, True)
            sprite = chip(tag, own + 2, 1.4 * px, px, self.theme.window, bold=True)
            x, y = cells.middle(rows[row] + 0.3, columns[column])
            lay(frame, sprite, x + 0.44 * side - own / 2, y, strength)

    def _current(
        self,
        frame: NDArray,
        before: SlidingWindow,
        shown: SlidingWindow,
        glide: float,
        appears: float,
    ) -> None:
        """The outline of the cell that is computed, on its way from the one before."""
        side = self.grids.side
        ends = [self.grids.cells(-1, one.at[0]).middle(*one.at[1:]) for one in (before, shown)]
        x, y = (a + glide * (b - a) for a, b in zip(*ends, strict=True))
        lay(frame, outline(side, side, self.theme.output, self.stroke), x, y, appears)

    def _target(self, shown: SlidingWindow) -> tuple[float, float]:
        return self.grids.cells(-1, shown.at[0]).middle(*shown.at[1:])

    def _result(self, shown: SlidingWindow) -> str:
        at = np.ravel_multi_index(shown.at, shown.output.shape)
        return self.results[at] if self.numbers else ""

    def _rise(self, frame: NDArray, shown: SlidingWindow, moment: float) -> None:
        """The winner, or without numbers the whole window, rises and goes to its cell."""
        if moment < 0.3:
            return
        plane = shown.channel or 0
        rows, columns = shown.window
        place = shown.winner or (rows.mean(), columns.mean())
        start, end = self.grids.cells(0, plane).middle(*place), self._target(shown)
        way, size = between(moment, 0.45, 0.85), 1 + 0.25 * between(moment, 0.3, 0.42)
        size -= 0.25 * between(moment, 0.75, 0.9)
        sprite = self.grids.number(self._result(shown), self.theme.output_fill, self.theme.output)
        x, y = (a + way * (b - a) for a, b in zip(start, end, strict=True))
        lay(frame, scaled(sprite, size), x, y - 0.6 * self.grids.side * np.sin(np.pi * way))

    def _fly(self, frame: NDArray, number: int, moment: float) -> None:
        """Products light up at their cells, fly to the sum, and the sum drops into its cell."""
        shown, row, theme = self.steps[number], self.row, self.theme
        assert row is not None, "sums have a row"
        for at, (text, (x, y)) in enumerate(
            zip(self.terms[number], self._starts(shown), strict=True)
        ):
            late = at / max(1, len(self.terms[number]))
            pops = between(moment, 0.22 + 0.08 * late, 0.3 + 0.08 * late)
            way = between(moment, 0.42 + 0.12 * late, 0.58 + 0.12 * late)
            if not pops:
                continue
            end = row.slot(at)
            place = x + way * (end[0] - x), y + way * (end[1] - y)
            sprite = self.grids.number(text, theme.window_fill, theme.window)
            target = row.sprite(text)
            if way > 0:
                sprite = scaled(sprite, 1 + way * (target.height / sprite.height - 1))
            lay(frame, target if way == 1 else scaled(sprite, 0.6 + 0.4 * pops), *place, pops)
        row.lay_signs(frame, number, between(moment, 0.6, 0.72))
        drop = between(moment, 0.82, 0.96)
        if shows := between(moment, 0.72, 0.8):
            start, end = row.result_place(number), self._target(shown)
            x, y = (a + drop * (b - a) for a, b in zip(start, end, strict=True))
            sprite = self.grids.number(self._result(shown), theme.output_fill, theme.output)
            kept = row.result_sprite(self._result(shown))
            lay(frame, scaled(kept, 0.6 + 0.4 * shows), *start, shows)
            if drop:
                grown = kept.height / sprite.height
                lay(frame, scaled(sprite, grown + drop * (1 - grown)), x, y)

    def _starts(self, shown: SlidingWindow) -> list[tuple[float, float]]:
        """Where each term is at first: its cell, or the middle of its channel's window."""
        rows, columns = shown.window
        if self.convolves and len(shown.stage) > 1:
            middle = rows.mean(), columns.mean()
            return [self.grids.cells(0, plane).middle(*middle) for plane in range(len(shown.stage))]
        cells = self.grids.cells(0, shown.channel or 0)
        return [cells.middle(row, column) for row in rows for column in columns]


def _window(before: SlidingWindow, shown: SlidingWindow, glide: float) -> tuple[NDArray, NDArray]:
    """Rows and columns of the window on its way from one step to the next."""
    found = []
    for start, end in zip(before.window, shown.window, strict=True):
        alike = len(start) == len(end)
        found.append(start + glide * (end - start) if alike else end.astype(float))
    return found[0], found[1]
