"""What is said of volumes to scale: sizes below them, how long a pixel is, what colours mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np

from convlab.folding import DrawnLayer
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.words import t

KINDS = {
    "input": ("input", "input_fill"),
    "conv": ("window", "window_fill"),
    "pool": ("quiet", "hairline_fill"),
    "sum": ("mistake", "ground"),
    "concatenation": ("mistake", "ground"),
    "placement": ("quiet", "ground"),
    "dense": ("output", "output_fill"),
}
WORDS = {
    "input": t("input"),
    "conv": t("convolution"),
    "pool": t("pooling"),
    "sum": t("sum"),
    "concatenation": t("concatenation"),
    "placement": t("resizing, padding"),
    "dense": t("dense"),
}
SCALES: tuple[Callable[[int], str], ...] = (
    lambda count: t("{count:,} pixels high", count),
    lambda count: t("{count:,} channels thick", count),
    lambda count: t("{count:,} units, as a bar", count),
)


@dataclass
class Box:
    """A layer's place: its front face from (x, y) on, and how far ``back`` its columns go."""

    layer: DrawnLayer
    kind: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    back: tuple[float, float] = (0.0, 0.0)

    @property
    def column(self) -> bool:
        """Whether it is a bar of single units."""
        return self.layer.is_column

    @property
    def size(self) -> tuple[int, ...]:
        """Rows and columns; () for single units."""
        return () if self.column else self.layer.shape[1:]

    @property
    def top(self) -> float:
        """The highest point of it."""
        return self.y - self.back[1]

    @property
    def units(self) -> str:
        """How many maps or units it has."""
        return f"{self.layer.shape[0]:,}"


def colours(theme: style.Theme, kind: str) -> tuple[str, str]:
    """Edge and fill of a kind of layer."""
    edge, fill = KINDS.get(kind, KINDS["placement"])
    return getattr(theme, edge), getattr(theme, fill)


def tip(canvas: Canvas, x: float, y: float, way: tuple[int, int]) -> None:
    """The head of a skip's arrow."""
    point, ahead = np.array([x, y]), np.array(way, float)
    back, side = point - 9 * canvas.unit * ahead, 4.5 * canvas.unit * ahead[::-1]
    corners = np.array([[point, back + side, back - side]])
    canvas.polygons(corners, fill=canvas.theme.mistake)


def label(canvas: Canvas, boxes: Sequence[Box], *, floor: float | None) -> None:
    """Below each group of one size its rows, columns and channels, where there is room.

    ``floor``: at one height for all; None: each below its own.
    """
    small, theme = canvas.size.small, canvas.theme
    pitch = 2.2 * small * LINE
    taken: list[tuple[float, float, float]] = []
    # Neighbours of one size; bars each by itself.
    numbered = groupby(enumerate(boxes), key=lambda at: at[1].size or at[0])
    groups = [[box for _, box in group] for _, group in numbered]
    # The last and the first must be said; of the others whatever has room.
    order = [0, len(groups) - 1, *range(1, len(groups) - 1)]
    for group in (groups[at] for at in dict.fromkeys(order)):
        first, last = group[0], group[-1]
        y = (first.y + first.height if floor is None else floor) + 0.5 * small
        lines = _said(group)
        width = canvas.widest(lines, small) + 0.6 * small
        middle = (first.x + last.x + last.width) / 2
        left = min(max(middle - width / 2, canvas.left), canvas.right - width)
        if any(left < b and a < left + width and abs(y - c) < pitch for a, b, c in taken):
            continue
        taken.append((left, left + width, y))
        for at, line in enumerate(lines):
            ink = theme.quiet if at else theme.ink
            canvas.note(left + width / 2, y + at * small * LINE, line, "mt", colour=ink)


def _said(group: Sequence[Box]) -> list[str]:
    """A group's size and channels, in two lines; a bar's units."""
    if group[0].column:
        return [group[0].units]
    counts = [box.layer.shape[0] for box in group]
    begins = group[0].kind == "input" and len(group) > 1
    low, high = min(counts[begins:]), max(counts[begins:])
    channels = f"{low:,}" if low == high else t("{low} to {high}", f"{low:,}", f"{high:,}")
    channels = f"{counts[0]:,} {style.ARROW} " + channels if begins else channels
    return [style.size_text(*group[0].size), f"{style.TIMES} " + channels]


class Foot:
    """The scale bars and the legend, in lines as long as the canvas has room for."""

    def __init__(self, canvas: Canvas, boxes: Sequence[Box], skips: bool) -> None:
        self.canvas, small = canvas, canvas.size.small
        self.scales = SCALES[: 2 + any(box.column for box in boxes)]
        found = dict.fromkeys(box.kind for box in boxes)
        self.legend = [(kind, WORDS.get(kind, WORDS["placement"])) for kind in found]
        self.legend += [("", t("skip connection"))] if skips else []
        bar = 0.09 * canvas.inner_width + 2.7 * small
        bars = [bar + canvas.measure(said(5000), small) for said in self.scales]
        words = [2.9 * small + canvas.measure(word, small) for _, word in self.legend]
        self.counts = [*self._flow(bars), *self._flow(words)]
        self.height = small * LINE * (0.2 + 1.5 * len(self.counts))

    def _flow(self, widths: Sequence[float]) -> list[int]:
        """How many pieces of these widths go on each line."""
        counts, used = [0], 0.0
        for width in widths:
            if counts[-1] and used + width > self.canvas.inner_width:
                counts.append(0)
                used = 0.0
            counts[-1] += 1
            used += width
        return counts

    def draw(self, lengths: Sequence[float]) -> None:
        """``lengths``: of a pixel, of a channel, and of a unit if there are bars."""
        canvas, small = self.canvas, self.canvas.size.small
        pieces: list[Callable[[float, float], float]] = [
            *(partial(self._scale, *scale) for scale in zip(lengths, self.scales, strict=True)),
            *(partial(self._piece, *each) for each in self.legend),
        ]
        y = canvas.bottom - self.height + 0.5 * small
        for count in self.counts:
            x = canvas.left
            for draw in pieces[:count]:
                x = draw(x, y)
            pieces = pieces[count:]
            y += 1.5 * small * LINE

    def _scale(self, length: float, said: Callable[[int], str], x: float, y: float) -> float:
        """A line as long as a round number of something, and its words; returns where it ends."""
        canvas, small = self.canvas, self.canvas.size.small
        count = _round(0.09 * canvas.inner_width / length)
        end, middle = x + count * length, [y + small / 2] * 2
        canvas.line([x, end], middle, canvas.theme.ink, stroke=canvas.size.hair * 2)
        text = said(count)
        canvas.note(end + 0.5 * small, y + small / 2, text, "lm")
        return end + 2.2 * small + canvas.measure(text, small)

    def _piece(self, kind: str, word: str, x: float, y: float) -> float:
        """A kind of layer by its colours, or a skip connection; returns where it ends."""
        canvas, small = self.canvas, self.canvas.size.small
        if kind:
            edge, fill = colours(canvas.theme, kind)
            canvas.box(x, y, small, small, edge=edge, fill=fill)
        else:
            canvas.line([x, x + small], [y + small / 2] * 2, canvas.theme.mistake)
            tip(canvas, x + small, y + small / 2, (1, 0))
        canvas.note(x + 1.5 * small, y + small / 2, word, "lm")
        return x + 2.9 * small + canvas.measure(word, small)


def _round(value: float) -> int:
    """The largest of 1, 2, 5, 10, 20 ... that is not above a value."""
    power = 10 ** max(0, math.floor(math.log10(max(value, 1.0))))
    return max(step * power for step in (1, 2, 5) if step * power <= max(value, 1.0))
