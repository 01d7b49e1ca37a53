"""Which channels each filter reads, in groups, and what that costs beside all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import shared_colours
from convlab.words import t


@dataclass(frozen=True, eq=False)
class GroupedLayers:
    """One or several convolutions in a row: ``name``, and ``notes`` below it.

    ``reads``: for each of them (outputs, inputs) bool: which channels each filter reads;
    ``words`` what stands beside it, such as its kernel.  ``cost``: of all, as a share of the
    largest, drawn as a bar; ``cost_text``: its number, and of what.
    """

    name: str
    notes: Sequence[str]
    reads: Sequence[NDArray]
    words: Sequence[str]
    cost: float
    cost_text: tuple[str, str]


def groups(panels: Sequence[GroupedLayers], **page: Unpack[Page]) -> Figure:
    """A panel for each way, its channels as squares, with a line for each pair that is read.

    Lines of one group have one colour.  Raises ShapeError for no panels.
    """
    if not panels:
        raise ShapeError("expected at least one panel, got none")
    canvas = Sheet(0.62, "ink", 0.5, **page)
    gap = 2.2 * canvas.size.label
    width = (canvas.inner_width - gap * (len(panels) - 1)) / len(panels)
    for at, panel in enumerate(panels):
        _Panel(canvas, panel, canvas.left + at * (width + gap), width).draw()
    return canvas.figure


class _Panel:
    def __init__(self, canvas: Canvas, panel: GroupedLayers, left: float, width: float) -> None:
        self.canvas, self.panel, self.left, self.width = canvas, panel, left, width
        small, label = canvas.size.small, canvas.size.label
        self.top = canvas.top + label * LINE + len(panel.notes) * small * LINE + small
        self.foot = canvas.bottom - 3.6 * small * LINE
        self.rows = [panel.reads[0].shape[1], *(reads.shape[0] for reads in panel.reads)]
        self.side = min(width / (1.35 * max(self.rows)), 34 * canvas.unit)

    def draw(self) -> None:
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        canvas.heading(self.left, self.panel.name, self.panel.notes, width=self.width)
        step = (self.foot - self.top - self.side - small * LINE) / (len(self.rows) - 1)
        ys = [self.top + small * LINE + self.side / 2 + at * step for at in range(len(self.rows))]
        roles = ["input", *["window"] * (len(self.rows) - 2), "output"]
        for at, reads in enumerate(self.panel.reads):
            self._lines(reads, ys[at], ys[at + 1])
            words = self.panel.words[at]
            middle = (ys[at] + ys[at + 1]) / 2
            if step < self.side + 1.4 * small:  # the lines are read without them
                continue
            wide = canvas.measure(words, small) + 0.6 * small
            x = self.left + self.width / 2
            place = x - wide / 2, middle - 0.7 * small, wide, 1.4 * small
            canvas.box(*place, fill=theme.ground)
            canvas.note(x, middle, words, "mm", width=self.width)
        for count, y, role in zip(self.rows, ys, roles, strict=True):
            for x in self._places(count):
                place = x - self.side / 2, y - self.side / 2, self.side, self.side
                edge, fill = getattr(theme, role), getattr(theme, f"{role}_fill")
                canvas.box(*place, edge=edge, fill=fill)
        above = ys[0] - self.side / 2 - 0.3 * small
        canvas.note(self.left, above, t("channels"), "lb", colour=theme.input)
        self._cost()

    def _places(self, count: int) -> list[float]:
        step = min(self.width / count, 1.9 * self.side)
        middle = self.left + self.width / 2
        return [middle + (at - (count - 1) / 2) * step for at in range(count)]

    def _lines(self, reads: NDArray, above: float, below: float) -> None:
        """A line for each pair, in the colour of its group: filters that read the same."""
        canvas = self.canvas
        _, group = np.unique(reads, axis=0, return_inverse=True)
        order = {number: at for at, number in enumerate(dict.fromkeys(group.ravel().tolist()))}
        colours = shared_colours(max(2, len(order)), canvas.theme)
        starts, ends = self._places(reads.shape[1]), self._places(reads.shape[0])
        for number, at in order.items():
            segments = [
                ((starts[source], above), (ends[filter], below))
                for filter, source in np.argwhere(reads)
                if group.ravel()[filter] == number
            ]
            thin = canvas.size.hair * min(1.0, 10 / max(reads.shape))
            canvas.strokes(segments, colours[at], stroke=thin)

    def _cost(self) -> None:
        """What it costs, as a bar and in words."""
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        y = canvas.bottom - 3.0 * small * LINE
        long = max(2 * canvas.unit, self.panel.cost * self.width)
        canvas.box(self.left, y, self.width, 0.7 * small, fill=theme.hairline_fill)
        canvas.box(self.left, y, long, 0.7 * small, fill=theme.output)
        number, word = self.panel.cost_text
        canvas.note(self.left, y + small, number, colour=theme.ink, width=self.width)
        canvas.note(self.left, y + small + small * LINE, word, width=self.width)
