"""A plot with names in it: two axes, and labels placed in free space beside their marks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import LineEnd, Look, Plot

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Point = tuple[float, float]

# Straight to the right, left, below and above first, in degrees.
_TURNS = sorted(range(0, 360, 15), key=lambda turn: (turn % 90 > 0, turn % 180 > 0, turn))


def _tries(far: bool) -> list[tuple[float, bool, bool]]:
    """How far away, in text heights, whether on the grid, whether tied across a curve; best first.

    A label on the grid beside its mark reads better than one far off.
    """
    away = [0.0, *np.arange(0.8, 13.0, 0.4)] if far else [0.0, 0.8, 1.6, 2.6, 4.0]
    tries = itertools.product(away, (False, True), (False, True) if far else (False,))
    return sorted(tries, key=lambda one: one[0] + 2 * one[1] + 5 * one[2])


class Place(NamedTuple):
    """Where a label goes: which of its forms, and the line to its mark if that is far."""

    form: int
    box: Box
    tie: tuple[Point, Point] | None


@dataclass(frozen=True)
class LabelledPlot(Plot):
    """A plot that keeps track of taken space, so that labels find free places below ``lid``."""

    lid: float
    marks: list[Point] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)
    curves: list[Box] = field(default_factory=list)
    grid: list[Box] = field(default_factory=list)  # what a label covers only if it must

    @property
    def small(self) -> float:
        """The height of labels."""
        return self.canvas.size.small

    def rules(self, ticks: Sequence[float], texts: Sequence[str]) -> None:
        super().rules(ticks, texts)
        heights = map(self.y.at, ticks)
        self.grid.extend((self.left, y - 1, self.right, y + 1) for y in heights)

    def tick(self, number: float, text: str, rise: float = 0.3) -> None:
        """A number below the plot."""
        x = self.x.at(number)
        ys = [self.bottom, self.bottom - rise * self.small]
        self.canvas.line([x, x], ys, self.canvas.theme.quiet)
        self.canvas.note(x, self.bottom + 0.4 * self.small, text, "mt")

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> list[Point]:
        """The pixels of pairs of numbers."""
        return [(self.x.at(x), self.y.at(y)) for x, y in zip(xs, ys, strict=True)]

    def line(
        self, xs: NDArray, ys: NDArray, look: Look, dot: float = 0, name: str = "", note: str = ""
    ) -> list[LineEnd]:
        half = 0.25 * self.small
        points = _along(self.points(xs, ys), half)
        self.curves.extend(_around(point, half) for point in points)
        return super().line(xs, ys, look, dot, name, note)

    def mark(self, point: Point) -> None:
        """Keep labels off the mark at these pixels."""
        self.marks.append(point)
        self.taken.append(_around(point, 0.75 * self.small))

    def write(self, left: float, top: float, text: str, on_grid: bool = True) -> bool:
        """Small text with this upper left corner if that place is free; returns whether it was.

        ``on_grid``: it may lie across a hairline.
        """
        box = (left, top, left + self.canvas.measure(text, self.small), top + LINE * self.small)
        if free := self._free(box, self.taken, on_grid):
            self.taken.append(box)
            self.canvas.text(left, top + LINE * self.small / 2, text, "lm", px=self.small)
        return free

    def name(self, mark: Point, texts: Sequence[str], colour: str) -> None:
        """The first of some texts that finds the nearest free place to a mark, if any does."""
        sizes = [(self.canvas.measure(text, self.small), LINE * self.small) for text in texts]
        if place := self.find(mark, sizes):
            left, top, _, bottom = place.box
            self.canvas.text(
                left, (top + bottom) / 2, texts[place.form], "lm", px=self.small, colour=colour
            )
            self.tie(place)

    def tie(self, place: Place) -> None:
        """The line from a mark to its label if that is far away."""
        if place.tie:
            (x, y), (end_x, end_y) = place.tie
            self.canvas.line([x, end_x], [y, end_y], self.canvas.theme.quiet)

    def find(
        self, mark: Point, sizes: Sequence[tuple[float, float]], far: bool = False
    ) -> Place | None:
        """The nearest free place to a mark for a label, in the first of its forms that fits there.

        ``sizes``: width and height of each form; ``far``: far away, and tied across curves, is
        better than nowhere.  The place then counts as taken.
        """
        small, own = self.small, _around(mark, 0.75 * self.small)
        taken = [box for box in self.taken if box != own]
        tries = itertools.product(_tries(far), range(len(sizes)), _TURNS)
        for (away, on_grid, over_curves), form, turn in tries:
            across, down = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            # The nearest edge or corner of the label is this far from the centre of the mark.
            gap, (width, height) = (0.9 + away) * small, sizes[form]
            left = mark[0] + gap * across - width * (1 - across) / 2
            top = mark[1] + gap * down - height * (1 - down) / 2
            box = (left, top, left + width, top + height)
            if not self._free(box, taken, on_grid):
                continue
            start = (mark[0] + 0.6 * small * across, mark[1] + 0.6 * small * down)
            tie = (start, _nearest(mark, box))
            crossed = taken if over_curves else [*taken, *self.curves]
            points = _along(tie, 0.2 * small) if away else []
            if any(_meets(_around(point, 0), crossed) for point in points):
                continue
            if away or self._alone(mark, box):
                self.taken.extend([box, *(_around(point, 0) for point in points)])
                long = away and math.dist(*tie) > 0.5 * small  # a shorter one looks like a speck
                return Place(form, box, tie if long else None)
        return None

    def find_all(self, marks: Sequence[Point], sizes: Sequence[tuple[float, float]]) -> list[Place]:
        """A place for the label of each mark, far away if necessary; nothing if one has no
        place."""
        trial = replace(self, taken=self.taken.copy())
        found = [trial.find(m, [size], far=True) for m, size in zip(marks, sizes, strict=True)]
        places = [place for place in found if place]
        if len(places) < len(marks):
            return []
        self.taken[:] = trial.taken
        return places

    def _free(self, box: Box, taken: Sequence[Box], on_grid: bool) -> bool:
        """Whether a box lies inside the plot, and covers nothing that is taken or drawn."""
        across = self.left <= box[0] and box[2] <= self.right
        return (
            across
            and self.lid <= box[1]
            and box[3] <= self.bottom
            and not _meets(box, taken, self.curves, () if on_grid else self.grid)
        )

    def _alone(self, mark: Point, box: Box) -> bool:
        """Whether no other mark is so close to a label that it could be the one named."""
        others = (other for other in self.marks if other != mark)
        return all(math.dist(other, _nearest(other, box)) > 1.6 * self.small for other in others)


def labelled_plot(
    canvas: Canvas,
    borders: tuple[float, float, float],
    y: Axis,
    ticks: Mapping[float, str],
    x_range: tuple[float, float],
    inner: float = 0.0,
) -> LabelledPlot:
    """A plot with a rule for each of ``ticks``; its x axis is logarithmic.

    ``borders``: the left one of the tick texts, then the top and right ones of the plot.  The x
    axis ends ``inner`` pixels inside the plot.
    """
    left, top, right = borders
    left += canvas.widest(ticks.values(), canvas.size.small) + 10 * canvas.unit
    x = Axis(*x_range, left + inner, right - inner, logarithmic=True)
    plot = LabelledPlot(canvas, left, right, x, y, top)
    plot.rules([*ticks], [*ticks.values()])
    return plot


def _meets(box: Box, *others: Sequence[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in itertools.chain(*others)
    )


def _around(point: Sequence[float], half: float) -> Box:
    return point[0] - half, point[1] - half, point[0] + half, point[1] + half


def _nearest(point: Point, box: Box) -> Point:
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _along(line: Sequence[Point], step: float) -> list[Point]:
    """Points on a line of straight pieces, ``step`` pixels apart or less."""
    points = [line[0]]
    for start, end in itertools.pairwise(line):
        pieces = max(1, math.ceil(math.dist(start, end) / step))
        points += np.linspace(start, end, pieces + 1)[1:].tolist()
    return points
