"""A plot with names in it: two axes, and labels that find free places beside their marks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Point = tuple[float, float]

# Straight to the right, left, below and above first, in degrees.
_TURNS = sorted(range(0, 360, 15), key=lambda turn: (turn % 90 > 0, turn % 180 > 0, turn))


def _tries(far: bool) -> list[tuple[float, bool, bool]]:
    """How far away, in text heights, whether on the grid, whether tied across a curve; best first.

    Beside its mark a label on the grid reads better than one far off.
    """
    away = (0.0, 0.8, 1.6, 2.6, 4.0, 6.0, 9.0, 13.0) if far else (0.0, 0.8, 1.6, 2.6, 4.0)
    tries = itertools.product(away, (False, True), (False, True) if far else (False,))
    return sorted(tries, key=lambda one: one[0] + 2 * one[1] + 5 * one[2])


class Place(NamedTuple):
    """Where a label stands: which of its forms, and what ties it to its mark if that is far."""

    form: int
    box: Box
    tie: tuple[Point, Point] | None


class LabelledPlot:
    """Two axes, and what between them is taken, so that a label finds a free place.

    ``area``: the pixels of the plot and of the numbers at its left; ``y``: its upright axis, with a
    hairline for each of its ``ticks`` and their texts.  The other axis is logarithmic, ``x_range``
    its numbers ``inset`` pixels from both ends.
    """

    def __init__(
        self,
        canvas: Canvas,
        area: Box,
        y: Axis,
        ticks: Mapping[float, str],
        x_range: tuple[float, float],
        inset: float = 0.0,
    ):
        left, top, right, bottom = area
        self.canvas, self.y, self.small = canvas, y, canvas.size.small
        left += canvas.widest(ticks.values(), self.small) + 10 * canvas.unit
        self.area = left, top, right, bottom
        self.x = Axis(*x_range, left + inset, right - inset, logarithmic=True)
        self.marks: list[Point] = []
        self.taken: list[Box] = []
        self.lines: list[Box] = []
        self.grid: list[Box] = []  # what a label covers only where it must
        for tick, text in ticks.items():
            height = y.at(tick)
            canvas.line([left, right], [height, height], canvas.theme.hairline)
            canvas.note(left - 10 * canvas.unit, height, text, "rm")
            self.grid.append((left, height - 1, right, height + 1))

    def tick(self, number: float, text: str, rise: float = 0.3) -> None:
        """A number below the plot."""
        x, bottom = self.x.at(number), self.area[3]
        self.canvas.line([x, x], [bottom, bottom - rise * self.small], self.canvas.theme.quiet)
        self.canvas.note(x, bottom + 0.4 * self.small, text, "mt")

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> list[Point]:
        """The pixels where pairs of numbers stand."""
        return [(self.x.at(x), self.y.at(y)) for x, y in zip(xs, ys, strict=True)]

    def curve(self, xs: Iterable[float], ys: Iterable[float], colour: str) -> list[Point]:
        """A line through pairs of numbers, which labels avoid; returns its points."""
        points = self.points(xs, ys)
        self.canvas.line(*zip(*points, strict=True), colour, stroke=0.6 * self.canvas.size.thick)
        half = 0.25 * self.small
        self.lines += [_around(point, half) for point in _along(points, half)]
        return points

    def mark(self, point: Point) -> None:
        """Keep labels off the mark at these pixels."""
        self.marks.append(point)
        self.taken.append(_around(point, 0.75 * self.small))

    def write(self, left: float, top: float, text: str, on_grid: bool = True) -> bool:
        """Small text with this upper left corner if that place is free; says whether it was.

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
        """The line from a mark to its label where that is far."""
        if place.tie:
            self.canvas.line(*zip(*place.tie, strict=True), self.canvas.theme.quiet)

    def find(
        self, mark: Point, sizes: Sequence[tuple[float, float]], far: bool = False
    ) -> Place | None:
        """The nearest free place to a mark for a label, in the first of its forms that fits there.

        ``sizes``: width and height of each form; ``far``: better far away, and tied across curves,
        than nowhere.  The place is taken from then on.
        """
        small, own = self.small, _around(mark, 0.75 * self.small)
        taken = [box for box in self.taken if box != own]
        tries = itertools.product(_tries(far), range(len(sizes)), _TURNS)
        for (away, on_grid, over_curves), form, turn in tries:
            across, down = math.cos(math.radians(turn)), math.sin(math.radians(turn))
            # The nearest edge or corner of the label is so far from the middle of the mark.
            gap, (width, height) = (0.9 + away) * small, sizes[form]
            left = mark[0] + gap * across - width * (1 - across) / 2
            top = mark[1] + gap * down - height * (1 - down) / 2
            box = (left, top, left + width, top + height)
            if not self._free(box, taken, on_grid):
                continue
            start = (mark[0] + 0.6 * small * across, mark[1] + 0.6 * small * down)
            tie = (start, _nearest(mark, box))
            crossed = taken if over_curves else [*taken, *self.lines]
            points = _along(tie, 0.2 * small) if away else []
            if any(_meets(_around(point, 0), crossed) for point in points):
                continue
            if away or self._alone(mark, box):
                self.taken += [box, *(_around(point, 0) for point in points)]
                return Place(form, box, tie if away else None)
        return None

    def _free(self, box: Box, taken: Sequence[Box], on_grid: bool) -> bool:
        """Whether a box lies inside the plot, and on nothing that is taken or drawn."""
        left, top, right, bottom = self.area
        inside = left <= box[0] and top <= box[1] and box[2] <= right and box[3] <= bottom
        return inside and not _meets(box, taken, self.lines, () if on_grid else self.grid)

    def _alone(self, mark: Point, box: Box) -> bool:
        """Whether no other mark is so near to a label that it could be the one named."""
        others = (other for other in self.marks if other != mark)
        return all(math.dist(other, _nearest(other, box)) > 1.6 * self.small for other in others)


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
