"""A film of a transposed convolution: each input number stamps its kernel on the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.viz import style
from convlab.viz.canvas import Canvas
from convlab.viz.film import FILM, Film
from convlab.viz.film_grids import Block, Grids
from convlab.viz.film_window import END, FIRST
from convlab.viz.sprites import between, lay, outline, scaled
from convlab.viz.style import Size
from convlab.words import t


@dataclass(frozen=True, eq=False)
class ShownStamp:
    """One stamp: ``at`` (row, column) of the input; ``products``: its numbers as they are written.

    ``rows`` and ``columns``: where they lie in the output; ``so_far``: the output's numbers after
    it, in order, ``reached`` (R, C) bool: where any stamp has been.
    """

    at: tuple[int, int]
    products: Sequence[str]
    rows: NDArray
    columns: NDArray
    so_far: Sequence[str]
    reached: NDArray


def stamp_film(
    stamps: Sequence[ShownStamp],
    inputs: tuple[tuple[int, int], Sequence[str], str],
    kernel: tuple[tuple[int, int], Sequence[str], str],
    output: tuple[tuple[int, int], str],
    *,
    title: str,
    subtitle: str,
    seconds: float = 2.0,
    fps: int = 30,
    theme: str = "light",
    size: str | Size = FILM,
) -> Film:
    """Each stamp in so many ``seconds``, the first more slowly.

    ``inputs``, ``kernel``: shape, numbers in order and a quiet line; ``output``: shape and line.
    The number is outlined, its multiple of the kernel rises from the kernel and flies to its place,
    where it is added to what is there.
    """
    canvas = Canvas(size, theme)
    canvas.headline(title, subtitle, canvas.theme.ink)
    blocks = [
        Block((1, *inputs[0]), (t("Input"), inputs[2], "input"), inputs[1]),
        Block((1, *kernel[0]), (t("Kernel"), kernel[2], "window"), kernel[1], style.TIMES),
        Block((1, *output[0]), (t("Output"), output[1], "output"), None, style.ARROW),
    ]
    written = [text for stamp in stamps for text in (*stamp.products, *stamp.so_far)]
    grids = Grids(canvas, blocks, canvas.bottom, written)
    return Film(_Stamps(canvas, grids, stamps, seconds, fps).frames(), fps)


class _Stamps:
    def __init__(
        self,
        canvas: Canvas,
        grids: Grids,
        stamps: Sequence[ShownStamp],
        seconds: float,
        fps: int,
    ) -> None:
        self.canvas, self.grids, self.stamps = canvas, grids, stamps
        self.seconds, self.fps, self.theme = seconds, fps, canvas.theme
        self.stroke = 0.75 * canvas.size.thick

    def frames(self) -> Iterator[NDArray]:
        """All of them."""
        theme = self.theme
        base = self.grids.draw([theme.input_fill, theme.window_fill, theme.ground])
        still = base
        for number, stamp in enumerate(self.stamps):
            count = max(2, round(self.seconds * self.fps * (1 if number else FIRST)))
            after = base.copy()
            self._settle(after, stamp)
            for at in range(count):
                still = self._frame(base, after, number, at / (count - 1))
                yield still
            base = after
        for _ in range(round(END * self.fps)):
            yield base

    def _settle(self, frame: NDArray, stamp: ShownStamp) -> None:
        """The output's numbers after a stamp, for good."""
        cells, fill = self.grids.cells(2), self.theme.output_fill
        for place, text in zip(np.ndindex(stamp.reached.shape), stamp.so_far, strict=True):
            if stamp.reached[place]:
                self.grids.settle(frame, cells, (place[0], place[1]), text, fill)

    def _frame(self, base: NDArray, after: NDArray, number: int, moment: float) -> NDArray:
        stamp, grids, theme = self.stamps[number], self.grids, self.theme
        frame = (after if moment >= 0.86 else base).copy()
        x, y = self._source(number, moment)
        side = grids.side
        lay(frame, outline(side, side, theme.window, self.stroke), x, y)
        pops, way = between(moment, 0.2, 0.34), between(moment, 0.42, 0.76)
        fades = 1 - between(moment, 0.8, 0.92)
        if pops and fades:
            kernel, output = grids.cells(1), grids.cells(2)
            for (row, column), text in zip(
                np.ndindex(len(stamp.rows), len(stamp.columns)), stamp.products, strict=True
            ):
                start = kernel.middle(row, column)
                end = output.middle(int(stamp.rows[row]), int(stamp.columns[column]))
                place = [a + way * (b - a) for a, b in zip(start, end, strict=True)]
                inside = 0 <= stamp.rows[row] < output.rows
                inside = inside and 0 <= stamp.columns[column] < output.columns
                strength = pops * fades if inside else pops * (1 - between(moment, 0.6, 0.76))
                sprite = grids.number(text, theme.window_fill, theme.window)
                lay(frame, scaled(sprite, 0.7 + 0.3 * pops), place[0], place[1], strength)
        return frame

    def _source(self, number: int, moment: float) -> tuple[float, float]:
        """The middle of the input cell, on the way from the one before."""
        cells, glide = self.grids.cells(0), between(moment, 0.0, 0.16)
        before = self.stamps[max(0, number - 1)].at
        ends = cells.middle(*before), cells.middle(*self.stamps[number].at)
        x, y = (a + glide * (b - a) for a, b in zip(*ends, strict=True))
        return x, y
