"""How fast a loop is at growing sizes and numbers of threads, and where its speed drops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from convlab.checks import above_zero
from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured
from convlab.viz.axes import Axis, beside, ticks_around
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.labels import Box, labelled_plot
from convlab.viz.line_plot import Look
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

_GIGA = 1e9
_AXES = {
    "batch": t("batch"),
    "channels": t("channels"),
    "image size": t("image size"),
    "threads": t("threads"),
}


class ScalingCurve(NamedTuple):
    """Seconds and FLOP (``unit_work``) at growing ``values`` of one ``axis``, such as "batch"."""

    axis: str
    values: tuple[int, ...]
    seconds: tuple[float, ...]
    unit_work: tuple[float, ...]

    @property
    def name(self) -> str:
        """The axis in words, which figures translate."""
        return _AXES.get(self.axis, self.axis)

    @property
    def speeds(self) -> list[float]:
        """GF/s at each value."""
        pairs = zip(self.unit_work, self.seconds, strict=True)
        return [work / seconds / _GIGA for work, seconds in pairs]

    @property
    def cliffs(self) -> list[int]:
        """The indices of the values at which the speed is less than half of that just before."""
        return [at for at in range(1, len(self.values)) if self.speed_left(at) < 0.5]

    def speed_left(self, at: int) -> float:
        """The speed at a value as a share of the speed just before."""
        return self.speeds[at] / self.speeds[at - 1]


def scaling(curves: Sequence[ScalingCurve], **page: Unpack[Page]) -> Figure:
    """GF/s (FLOP / seconds) over the values of each axis, one panel each, on one scale from 0.

    The values are on a logarithmic axis, with as many of them named as there is room for.  A cliff
    is marked and named: a value whose GF/s are less than half of those at the next smaller value.

    Raises SpecError without curves or values, for numbers that are not above 0 and
    values that do not increase, ShapeError for lists of different
    lengths.
    """
    _check(curves)
    canvas = Sheet(1.1, **page)
    canvas.head(
        "ink",
        t("GF/s, higher is better"),
        t("cliff: less than half of the speed one step before"),
        sign="; ",
    )
    room_x, room_y = canvas.inner_width, canvas.inner_height
    gap_x, gap_y = 2.2 * canvas.size.label, 0.9 * canvas.size.label

    def unshapely(columns: int) -> float:
        """How far panels are from a slide's shape; an empty place counts heavily."""
        rows = math.ceil(len(curves) / columns)
        shape = room_x / columns / (room_y / rows)
        return rows * columns - len(curves) + abs(math.log(shape / 1.8))

    columns = min(range(1, len(curves) + 1), key=unshapely)
    rows = math.ceil(len(curves) / columns)
    width = (room_x - gap_x * (columns - 1)) / columns
    height = (room_y - gap_y * (rows - 1)) / rows
    highest = max(speed for curve in curves for speed in curve.speeds)
    for nth, curve in enumerate(curves):
        row, column = divmod(nth, columns)
        left, top = canvas.left + column * (width + gap_x), canvas.top + row * (height + gap_y)
        _panel(canvas, curve, highest, (left, top, left + width, top + height))
    return canvas.figure


def _check(curves: Sequence[ScalingCurve]) -> None:
    if not curves:
        raise SpecError("expected at least one curve, got none")
    for curve in curves:
        axis, values, seconds, work = curve
        if not values:
            raise SpecError(f"expected values of {axis}, got none")
        for what, numbers in (("seconds", seconds), ("FLOP", work)):
            if len(numbers) != len(values):
                raise ShapeError(
                    f"expected {len(values)} numbers of {what}, one a value of {axis}, "
                    f"got {len(numbers)}"
                )
            for number in numbers:
                above_zero(number, f"{what} of {axis}")
        above_zero(values[0], f"a value of {axis}")
        if any(later <= earlier for earlier, later in itertools.pairwise(values)):
            raise SpecError(f"expected values of {axis} that grow, got {values}")


def _panel(canvas: Canvas, curve: ScalingCurve, highest: float, place: Box) -> None:
    """One curve with its cliffs below its name; ``highest``: the highest speed of all curves."""
    left, top, right, bottom = place
    size, theme, small = canvas.size, canvas.theme, canvas.size.small
    values, speeds, cliffs = curve.values, curve.speeds, curve.cliffs
    first, last = values[0], values[-1]
    head = t("{axis} {value}", curve.name, first)
    if len(values) > 1:
        head = t("{axis} from {first} to {last}", curve.name, first, last)
    canvas.text(left, top, head, bold=True, width=right - left)
    top += LINE * size.label + 0.7 * small
    bottom -= LINE * small + 0.4 * small
    ticks = ticks_around(0, highest, max(1, min(6, int((bottom - top) / (2 * small)))))
    plot = labelled_plot(
        canvas,
        (left, top - 0.5 * small, right),
        Axis(0.0, ticks[-1], bottom, top),
        {tick: measured(tick) for tick in ticks},
        (first, last) if len(values) > 1 else (first / 2, first * 2),
        inner=0.5 * canvas.measure(str(last), small),
    )
    # Cliffs and both ends are named first, other values if there is room.
    order = [*(values[at] for at in cliffs), first, last, *values]
    for value in beside(plot.x, order, lambda n: canvas.measure(measured(n), small) + 0.5 * small):
        plot.tick(value, measured(value), rise=-0.25)
    plot.line(np.array(values), np.array(speeds), Look(theme.output))
    points = plot.points(values, speeds)
    for at, (x, y) in enumerate(points):
        cliff = at in cliffs
        colour, diameter = (theme.mistake, 0.78) if cliff else (theme.output, 0.6)
        canvas.dot(x, y, colour, diameter * small, hollow=cliff)
        plot.mark((x, y))
    for at in cliffs:
        share = f"{curve.speed_left(at):.0%}"
        short = t("cliff at {value}: {share}", values[at], share)
        texts = [t("{short} of the speed at {value}", short, values[at - 1]), short, share]
        plot.name(points[at], texts, theme.mistake)
