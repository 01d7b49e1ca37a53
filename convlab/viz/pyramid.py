"""The chain of windows behind one unit in one dimension: units as dots, a row per layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import ShapeError
from convlab.numerals import MINUS
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t


@dataclass(frozen=True)
class PyramidLevel:
    """One row of a pyramid.

    ``length``: units of the map along the axis.  ``centres``: for each unit, including those in the
    padding, where it looks in the image, in pixels.  ``reads``: for each unit that the top unit
    reads, the units of the level below that it reads.
    """

    name: str
    text: str
    length: int
    centres: Mapping[int, float]
    reads: Mapping[int, Sequence[int]]


def pyramid(
    levels: Sequence[PyramidLevel], *, span: tuple[int, int], **page: Unpack[Page]
) -> Figure:
    """What one unit reads, level by level from the image (first, at the foot) to the unit (last).

    Dots lie where their units look; lines lead from a unit to what it reads.  Dots
    in the padding are hollow; those that are not read are pale.  span: the half-open
    pixels of the top unit's receptive field, measured below the image.  The second line explains
    the kinds of dots that occur.

    Raises ShapeError for fewer than two levels and for more than fit the size.
    """
    if len(levels) < 2:
        raise ShapeError(f"expected at least two levels, got {len(levels)}")
    marks = [t("a dot a unit"), t("pale: not read"), t("hollow: padding")]
    for _ in range(3):  # with fewer words there may be more room
        canvas = Sheet(0.75, **page)
        canvas.head("window", *marks)
        drawn = _Pyramid(canvas, levels, span)
        if drawn.marks() == marks:
            break
        marks = drawn.marks()
    drawn.draw()
    return drawn.canvas.figure


class _Pyramid:
    """Where everything goes, under a headline."""

    def __init__(
        self, canvas: Canvas, levels: Sequence[PyramidLevel], span: tuple[int, int]
    ) -> None:
        self.canvas, self.levels, self.span = canvas, levels, span
        small, label = canvas.size.small, canvas.size.label
        foot = canvas.bottom - 2 * small * LINE
        height = foot - canvas.top - 0.5 * label
        step = height / (len(levels) - 0.5)
        if step < 1.3 * small:
            raise ShapeError(
                f"pyramid: expected at most {int(height / (1.3 * small) + 0.5)} levels at this"
                f" size, got {len(levels)}; choose a layer nearer to the image"
            )
        names = canvas.widest([level.name for level in levels], label, bold=True)
        notes = canvas.widest(map(_note, levels), small)
        self.words = min(names, 0.25 * canvas.inner_width)
        self.below = step >= (label + small) * LINE + 0.3 * small
        column = max(self.words, notes) if self.below else self.words + label + notes
        self.column = min(column, 0.42 * canvas.inner_width)
        reach = [
            at for level in levels for unit, at in level.centres.items() if unit in level.reads
        ]
        low, high = min(span[0], *reach) - 0.5, max(span[1], *reach) + 0.5
        margin = max(1.0, 0.06 * (high - low))
        self.low, self.high = low - margin, high + margin
        left = canvas.left + self.column + 2 * label
        self.axis = Axis(self.low - 0.5, self.high - 0.5, left, canvas.right)
        self.heights = [foot - (at + 0.25) * step for at in range(len(levels))]
        self.dots = [self._diameter(level, step) for level in levels]

    def _diameter(self, level: PyramidLevel, step: float) -> float:
        """As large as half the distance between two dots; 0 if they would run into each other."""
        places, unit = self.axis.at(np.unique([*level.centres.values()])), self.canvas.unit
        diameter = min(0.55 * np.diff(places).min(initial=np.inf), 16 * unit, 0.4 * step)
        return diameter if diameter >= 2.5 * unit else 0.0

    def marks(self) -> list[str]:
        """What the kinds of dots that occur mean."""
        kinds = {
            (unit in range(level.length), unit in level.reads)
            for level, dot in zip(self.levels, self.dots, strict=True)
            for unit, centre in level.centres.items()
            if dot and (unit in level.reads or self.low < centre < self.high - 1)
        }
        texts = {t("a dot a unit"): any(self.dots), t("pale: not read"): (True, False) in kinds}
        texts["hollow: padding"] = (False, True) in kinds
        return [text for text, there in texts.items() if there]

    def draw(self) -> None:
        theme, top = self.canvas.theme, len(self.levels) - 1
        for at in range(top, 0, -1):
            self._draw_rays(at)
        for at in range(top + 1):
            colour = {0: theme.input, top: theme.output}.get(at, theme.window)
            self._draw_dots(at, colour)
            self._draw_name(at, colour)
        self._draw_length()

    def _draw_rays(self, at: int) -> None:
        """The cone from all units of a level to all that they read, and a line for each pair."""
        canvas, x, above, below = self.canvas, self.axis.at, self.levels[at], self.levels[at - 1]
        top, foot = self.heights[at], self.heights[at - 1]
        rays = [
            ((x(above.centres[unit]), top), (x(below.centres[read]), foot))
            for unit, reads in above.reads.items()
            for read in reads
        ]
        uppers, lowers = zip(*rays, strict=True)
        cone = [min(uppers), max(uppers), max(lowers), min(lowers)]
        canvas.polygons(np.array([cone]), fill=canvas.theme.window_fill)
        if not self.dots[at - 1] or len(rays) > 2000:
            rays = [(cone[0], cone[3]), (cone[1], cone[2])]
        canvas.strokes(rays, canvas.theme.window)

    def _draw_dots(self, at: int, colour: str) -> None:
        """The units of a level that fit beside the names; a line where dots have no room."""
        canvas, level, y, dot = self.canvas, self.levels[at], self.heights[at], self.dots[at]
        left = canvas.left + self.column + canvas.size.label
        inside, read = range(level.length), level.reads
        places = {unit: self.axis.at(centre) for unit, centre in level.centres.items()}
        shown = {u: x for u, x in places.items() if left + dot <= x <= canvas.right - dot}
        if dot:
            for unit, x in shown.items():
                if unit not in inside and unit in read:
                    canvas.dot(x, y, canvas.theme.quiet, dot, hollow=True)
                elif unit in inside:
                    canvas.dot(x, y, colour if unit in read else canvas.theme.hairline, dot)
            return
        rest = [x for unit, x in shown.items() if unit in inside]
        seen = [x for unit, x in shown.items() if unit in inside and unit in read]
        for xs, ink in ((rest, canvas.theme.hairline), (seen, colour)):
            canvas.line([min(xs), max(xs)], [y, y], ink, stroke=canvas.size.thick)

    def _draw_name(self, at: int, colour: str) -> None:
        """The name of a level, and below it or beside it what the level is."""
        canvas, level, y = self.canvas, self.levels[at], self.heights[at]
        small, left, width = canvas.size.small, canvas.left, self.column
        write = partial(canvas.text, left, y, level.name, colour=colour, bold=True)
        if self.below:
            write("lb", width=width)
            y, anchor = y + 0.15 * small, "lt"
        else:
            write("lm", width=self.words)
            beside, anchor = self.words + canvas.size.label, "lm"
            left, width = left + beside, width - beside
        fits = canvas.measure(_note(level), small) <= width
        canvas.note(left, y, _note(level) if fits else _count(level), anchor, width=width)

    def _draw_length(self) -> None:
        """The receptive field's length, as a dimension line below the image."""
        canvas, (start, end) = self.canvas, self.span
        small, colour, tick = canvas.size.small, canvas.theme.window, 0.3 * canvas.size.small
        left, right = self.axis.at(start - 0.5), self.axis.at(end - 0.5)
        y = self.heights[0] + max(self.dots[0], 0.25 * small) + tick
        ends = [((x, y - tick), (x, y + tick)) for x in (left, right)]
        canvas.strokes([((left, y), (right, y)), *ends], colour)
        text = t(
            "receptive field {size} pixels, {first} to {last}",
            *(str(number).replace("-", MINUS) for number in (end - start, start, end - 1)),
        )
        half = canvas.measure(text, small) / 2
        middle = min(max((left + right) / 2, canvas.left + half), canvas.right - half)
        canvas.text(middle, y + 1.5 * tick, text, "mt", px=small, colour=colour)


def _note(level: PyramidLevel) -> str:
    return t("{text} · {count}", level.text, _count(level)) if level.text else _count(level)


def _count(level: PyramidLevel) -> str:
    return t(
        "{sum} of {length}", sum(0 <= unit < level.length for unit in level.reads), level.length
    )
