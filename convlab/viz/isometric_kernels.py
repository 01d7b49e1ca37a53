"""The kernels of a step in the oblique view: a row of grids for each, and the map that it makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells
from convlab.viz.window_grids import more, parts_of
from convlab.window_step import SlidingWindow
from convlab.words import t

MOST_CHANNELS = 4


@dataclass
class Kernels:
    """As many kernels and channels as are legible in a width and a height; none: no numbers."""

    canvas: Canvas
    shown: SlidingWindow
    room: tuple[float, float]

    def __post_init__(self) -> None:
        small, label = self.canvas.size.small, self.canvas.size.label
        current = self.shown.kernel
        self.px = 0.0
        self.rows: list[int] = []
        if current is None:
            return
        weights, biases = self.shown.filters or (current[None], None)
        self.weights, self.biases = weights, biases
        count, channels, high, wide = weights.shape
        self.texts = np.reshape(exact(weights).marked(), weights.shape)
        self.channels = list(range(channels))
        if channels > MOST_CHANNELS:
            self.channels = [*range(MOST_CHANNELS - 2), channels - 1]
        self.gap, self.head = 0.6 * small, small * LINE if channels > 1 else 0.0
        at = self.shown.at[0] if count > 1 else 0
        names = [self.name(index) for index in range(count)]
        self.names = max(
            self.canvas.run_width(parts_of(self.canvas, name), small) for name in names
        )
        for most in range(min(count, 6), 0, -1):
            left_out = small * LINE * bool(count > most or channels > len(self.channels))
            width = (self.room[0] - self.names - self.gap) / len(self.channels) - self.gap
            height = (self.room[1] - self.head - left_out) / most - self.gap
            cell = min(width / wide, height / high, 2.6 * label)
            cells = Cells(self.canvas, 0.0, 0.0, high, wide, cell)
            if px := cells.size_of(self.texts.ravel().tolist()):
                self.px = px
                others = [index for index in range(count) if index != at][: most - 1]
                self.rows, self.cell = sorted([at, *others]), cell
                break

    def name(self, index: int) -> list[tuple[str, str]]:
        """What stands behind a kernel: its bias, and of several its map."""
        pieces = []
        if self.biases is not None and self.biases.any():
            bias = exact(self.biases).marked()[index]
            pieces += [(t("bias"), "quiet"), (bias, "mistake")]
        if len(self.weights) > 1:
            pieces.append((f"{style.ARROW} " + t("map {number}", index), "output"))
        return pieces

    @property
    def height(self) -> float:
        """Of all of it; 0 if nothing is legible."""
        if not self.rows:
            return 0.0
        below = bool(self._left_out()) * self.canvas.size.small * LINE
        return self.head + len(self.rows) * (self.weights.shape[2] * self.cell + self.gap) + below

    @property
    def width(self) -> float:
        """Likewise."""
        if not self.rows:
            return 0.0
        grids = len(self.channels) * (self.weights.shape[3] * self.cell + self.gap)
        return grids + self.gap + self.names

    def _left_out(self) -> str:
        count, channels = self.weights.shape[:2]
        others = count - len(self.rows), channels - len(self.channels)
        said = [more(n, what) for n, what in zip(others, ("kernel", "channel"), strict=True) if n]
        return said[0] + (", " + said[1] if said[1:] else "") if said else ""

    def draw(self, left: float, top: float) -> None:
        """From a corner on."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        _, channels, high, wide = self.weights.shape
        step = wide * self.cell + self.gap
        for column, channel in enumerate(self.channels if channels > 1 else []):
            label, colour = theme.channel(channel, channels)
            text = label if channels == 3 else str(channel)
            canvas.note(left + column * step, top, text, colour=colour, width=step)
        y = top + self.head
        for index in self.rows:
            current = len(self.weights) > 1 and index == self.shown.at[0]
            for column, channel in enumerate(self.channels):
                cells = Cells(canvas, left + column * step, y, high, wide, self.cell)
                fill = theme.ground if len(self.weights) > 1 and not current else theme.window_fill
                cells.draw(theme.window, fill)
                cells.write(self.texts[index, channel].ravel().tolist(), self.px, anchor="mc")
            x = left + len(self.channels) * step + self.gap
            name = parts_of(canvas, self.name(index))
            canvas.run(x, y + (high * self.cell - small * LINE) / 2, name, small)
            y += high * self.cell + self.gap
        canvas.note(left, y, self._left_out())
