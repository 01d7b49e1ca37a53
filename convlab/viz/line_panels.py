"""What an experiment measured along an axis: lines with a band, in one plot or in several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import measured
from convlab.spread import Spread
from convlab.viz import style
from convlab.viz.axes import Axis, tick_texts, ticks_within
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.experiment import ROLES, UNITS, canvases, check_named, lay_texts, limits
from convlab.viz.line_plot import Look, Plot
from convlab.viz.tiles import side_by_side

MOST_LINES = 6
_MOST_PLACES = 12  # with more of them only round ones are written along x
_TINT = "2E"  # the opacity of bands, as the last two digits of #RRGGBBAA
# Pixels on a slide that a panel needs, and those between two.
_LEAST = 300, 200
_GAP = 44


@dataclass(frozen=True)
class MeasuredLine:
    """A line of an experiment: ``values`` (places, seeds) at each of ``places`` along x.

    ``dashed`` distinguishes lines of one ``role``, such as the same network trained differently.
    """

    name: str
    places: Sequence[float]
    values: Sequence[Sequence[float]]
    role: str = "output"
    dashed: bool = False

    def means(self) -> NDArray:
        """(3, places): the places, ascending, with mean and standard deviation at each."""
        spreads = [Spread.finite(values) for values in self.values]
        found = [self.places, [s.mean for s in spreads], [s.deviation for s in spreads]]
        return np.array(found, float)[:, np.argsort(self.places, kind="stable")]


@dataclass(frozen=True)
class LinePanel:
    """Lines under their own title; the other fields as for ``measured_lines``."""

    title: str
    lines: Sequence[MeasuredLine]
    x_label: str
    y_label: str
    unit: str = "number"
    logarithmic: bool = False
    y_range: tuple[float, float] | None = None
    marks: Sequence[tuple[float, str]] = ()


def measured_lines(
    lines: Sequence[MeasuredLine],
    *,
    x_label: str,
    y_label: str,
    title: str,
    verdict: str,
    note: str = "",
    unit: str = "%",
    logarithmic: bool = False,
    y_range: tuple[float, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Lines through the means over the seeds, each in a band of ± standard deviation.

    ``unit`` is that of the values, as for ``measured_rows``.  ``logarithmic``: equal factors are
    equal distances along x, whose places are above 0.  At least ``y_range`` is shown.  ``marks``
    are places with a word, each a vertical dashed line.  A line ends at its name.  Values that are
    not finite leave gaps.
    Raises SpecError without lines, for more than six, and for an unknown role, unit, theme or
    size; ShapeError for values that are not one row per place.
    """
    if not lines or not all(len(line.places) for line in lines):
        raise SpecError("expected at least one line with a place, got none")
    if len(lines) > MOST_LINES:
        raise SpecError(f"expected at most {MOST_LINES} lines, got {len(lines)}")
    check_named("unit", unit, UNITS)
    for line in lines:
        check_named("role", line.role, ROLES)
        if len(line.values) != len(line.places) or not all(map(len, line.values)):
            raise ShapeError(
                f"expected {len(line.places)} rows of values of {line.name}, one a place, got"
                f" {len(line.values)}"
            )
        if logarithmic and min(line.places) <= 0:
            raise SpecError(f"expected places above 0 on a logarithmic axis, got {line.places}")
    # Room for the axis, the marks, and either a plot or the stacked names of the lines.
    needed = 5 + LINE * (len(marks) + max(7, len(lines)))
    for canvas in canvases(size, theme, title, verdict, note):
        if canvas.inner_height >= needed * canvas.size.small:
            break
    _draw_lines(canvas, LinePanel("", lines, x_label, y_label, unit, logarithmic, y_range, marks))
    return canvas.figure


def line_panels(
    panels: Sequence[LinePanel],
    *,
    title: str,
    verdict: str,
    note: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Panels of ``measured_lines`` side by side, or stacked if the canvas is narrow.

    The most important panel comes first: if there is no room for all, the last are left out.
    Raises SpecError without panels or lines, and for an unknown theme or size.
    """
    if not panels or not all(panel.lines for panel in panels):
        raise SpecError("expected at least one panel, each with a line, got one without")
    canvas = Canvas(size, theme, aspect=aspect_of(size))
    lay_texts(canvas, title, verdict, note)
    place = canvas.left, canvas.top, canvas.inner_width, canvas.inner_height
    gap, least = _GAP * canvas.unit, (_LEAST[0] * canvas.unit, _LEAST[1] * canvas.unit)
    places = side_by_side(len(panels), place, least, (gap, 0.5 * gap))
    for panel, (left, top, width, height) in zip(panels, places, strict=False):
        canvas.left, canvas.right = left, left + width
        canvas.top, canvas.bottom = top, top + height
        draw_panel(canvas, panel)
    return canvas.figure


def aspect_of(size: str) -> float:
    """Height by width of a canvas with a long verdict: a narrow one, with many lines, is taller."""
    chosen = style.size_named(size)
    return 0.6 if chosen.width > 60 * chosen.small else 1.15


def draw_panel(canvas: Canvas, panel: LinePanel) -> None:
    """Draw a panel between the canvas's left, right, top and bottom."""
    small = canvas.size.small
    canvas.text(canvas.left, canvas.top, panel.title, px=small, bold=True, width=canvas.inner_width)
    canvas.top += LINE * small
    _draw_lines(canvas, panel)


def _draw_lines(canvas: Canvas, panel: LinePanel) -> None:
    """Axes, bands, marks and lines between the canvas's left, right, top and bottom."""
    means = [line.means() for line in panel.lines]
    names = canvas.widest((line.name for line in panel.lines), canvas.size.small, True)
    label = min(names, 0.4 * canvas.inner_width)
    right = canvas.right - label - 50 * canvas.unit
    plot = _axes(canvas, panel, np.concatenate(means, axis=1), right)
    colours = [getattr(canvas.theme, line.role) for line in panel.lines]
    for colour, (places, middles, deviations) in zip(colours, means, strict=True):
        _band(plot, places, middles - deviations, middles + deviations, colour + _TINT)
    _marks(plot, panel.marks)
    ends = []
    for line, colour, (places, middles, _) in zip(panel.lines, colours, means, strict=True):
        look = Look(colour, (4.0, 2.0) if line.dashed else None)
        dot = 1.6 if len(places) <= 20 else 0
        ends += plot.line(places, middles, look, dot, name=line.name)
    plot.names(ends, label)


def _axes(canvas: Canvas, panel: LinePanel, means: NDArray, right: float) -> Plot:
    """Round numbers along y, the measured places along x, and what both are."""
    small, unit = canvas.size.small, canvas.unit
    places, (_, middles, deviations) = np.unique(means[0]), means
    bounds = middles - deviations, middles + deviations, panel.y_range or ()
    low, high = limits(np.concatenate(bounds), panel.unit)
    top = canvas.top + (1.9 + LINE * len(panel.marks)) * small
    bottom = canvas.bottom - 3.1 * small
    ticks = ticks_within(low, high, most=int(min(6, (bottom - top) / (1.9 * small))))
    texts = tick_texts(ticks, UNITS[panel.unit])
    left = canvas.left + canvas.widest(texts, small) + 10 * unit
    x = Axis(places[0], places[-1], left + 10 * unit, right - 10 * unit, panel.logarithmic)
    plot = Plot(canvas, left, right, x, Axis(low, high, bottom, top))
    canvas.note(canvas.left, canvas.top, panel.y_label, width=canvas.inner_width)
    plot.rules(ticks, texts)
    if len(places) > _MOST_PLACES and not panel.logarithmic:
        round_ones = ticks_within(places[0], places[-1], most=9)
        places = places[[np.isclose(round_ones, place).any() for place in places]]
    plot.numbers(places, [measured(p) if abs(p) < 1000 else f"{p:,.0f}" for p in places])
    middle, y = (left + right) / 2, bottom + 1.75 * small
    width = 2 * min(middle - canvas.left, canvas.right - middle)
    canvas.note(middle, y, panel.x_label, "mt", width=width)
    return plot


def _band(plot: Plot, places: NDArray, lows: NDArray, highs: NDArray, tint: str) -> None:
    """From low to high as a translucent tint, in runs of finite numbers."""
    xs, known = plot.at_x(places), np.isfinite(lows)
    above, below = (np.stack([xs, plot.y.clipped(ys)], axis=1) for ys in (highs, lows))
    for run in np.split(np.arange(len(xs)), np.flatnonzero(np.diff(known)) + 1):
        if known[run[0]] and len(run) > 1:
            plot.canvas.polygons(np.concatenate([above[run], below[run[::-1]]])[None], fill=tint)


def _marks(plot: Plot, marks: Sequence[tuple[float, str]]) -> None:
    """Vertical lines, each with its word beside its upper end, in a separate line."""
    canvas, small = plot.canvas, plot.canvas.size.small
    top = canvas.top + 1.5 * small
    placed = [(plot.at_x(place), word) for place, word in sorted(marks)]
    lefts = [min(x + 0.4 * small, canvas.right - canvas.measure(w, small)) for x, w in placed]
    # A line passes the words below its own, unless one of them had to move to the left.
    free = all(left >= x for left, (x, _) in zip(lefts, placed, strict=True))
    for row, ((x, word), left) in enumerate(zip(placed, lefts, strict=True)):
        y, left = top + row * LINE * small, max(left, canvas.left)
        begin = y if free else top + len(placed) * LINE * small
        canvas.line([x, x], [begin, plot.bottom], canvas.theme.quiet, dashes=(4, 3))
        canvas.note(left, y, word, width=canvas.right - left)
