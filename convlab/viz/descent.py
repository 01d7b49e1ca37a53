"""Gradient descent on a loss of two weights: its steps on the contours, and the loss by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import MINUS
from convlab.viz import style
from convlab.viz.axes import Axis, tick_texts, ticks_within
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.line_plot import Chart, Line, Look, Plot
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

_LEVELS = 12
_LOWEST = 1e-12  # of the largest loss: nobody reads what is below


@dataclass(frozen=True, eq=False)
class DescentPath:
    """The steps of one descent: ``weights`` (n, 2) and ``losses`` (n,).

    ``role`` is that of its colour; ``notes`` stand below its ``names``: each a text, and a shorter
    one for a narrow canvas.
    """

    names: tuple[str, str]
    notes: tuple[str, str]
    role: str
    weights: NDArray
    losses: NDArray


def descent(
    surface: NDArray,
    reach: tuple[tuple[float, float], tuple[float, float]],
    paths: Sequence[DescentPath],
    minimum: tuple[float, float],
    **page: Unpack[Page],
) -> Figure:
    """A panel for each path on the loss of two weights, and below them the losses by step.

    ``surface`` (rows, columns): the loss from the highest to the lowest second weight, and from
    the lowest to the highest first one, whose ends are ``reach``.  A ring marks the ``minimum``.
    Raises ShapeError for no paths.
    """
    if not paths:
        raise ShapeError("expected at least one path, got none")
    canvas = Sheet(1.2, "ink", 0.6, **page)
    small = canvas.size.small
    scale = style.activation_scale(np.append(surface, 0.0))
    lowest = to_hex(scale.rgb(np.zeros(1))[0] / 255)
    bar = ColourBar(canvas, scale, t("loss J"))
    gap, head, foot = 1.4 * small, 2.2 * LINE * small, 2.2 * small
    left = canvas.left + canvas.widest(["w₂", f"{MINUS}1"], small) + 10 * canvas.unit
    upright = canvas.height > canvas.width  # then the bar lies below the panels
    end = canvas.right if upright else canvas.right - bar.width - gap
    shape = [high - low for low, high in reach]
    pixel = min(
        ((end - left + gap) / len(paths) - gap) / shape[0],
        (0.64 * canvas.inner_height - head - foot) / shape[1],
    )
    width, height = (pixel * length for length in shape)
    step = (end - left - width) / max(1, len(paths) - 1)
    top, most = canvas.top + head, width + 0.8 * gap
    widest = canvas.widest((path.names[0] for path in paths), small, True)
    short = int(max(widest, canvas.widest((path.notes[0] for path in paths), small)) > most)
    for index, path in enumerate(paths):
        place = left + index * step
        y = Axis(*reach[1], top + height, top)
        plot = Plot(canvas, place, place + width, Axis(*reach[0], place, place + width), y)
        colour, below = getattr(canvas.theme, path.role), canvas.top + LINE * small
        name, note = path.names[short], path.notes[short]
        canvas.text(place, canvas.top, name, px=small, colour=colour, bold=True, width=most)
        canvas.note(place, below, note, width=most)
        _surface(plot, surface, scale)
        _ticks(plot, first=index == 0)
        ring = plot.at_x(minimum[0]), plot.at_y(minimum[1])
        for across, ink in ((3.6, style.ink_on(lowest)), (2.4, lowest)):
            canvas.dot(*ring, ink, across * canvas.size.thick)
        _steps(plot, path.weights, colour)
    below = top + height + foot + 0.8 * small
    if upright:
        bar.strip(left, below, width, 14 * canvas.unit)
        bar.limits(left, below + 14 * canvas.unit + 0.3 * small, width)
        canvas.note(left + width + 0.6 * small, below, t("loss J"))
        below += 14 * canvas.unit + 2.5 * small
    else:
        bar.draw(canvas.right - bar.width, canvas.top, head + height)
    _losses(canvas, paths, below)
    return canvas.figure


def _ticks(plot: Plot, first: bool) -> None:
    """The weights along the axes; those of the second one only beside the first panel."""
    canvas, small = plot.canvas, plot.canvas.size.small
    pixel = (plot.right - plot.left) / (plot.x.high - plot.x.low)
    ticks = ticks_within(plot.x.low, plot.x.high, 1.8 * small / pixel, whole=True)
    free = plot.right - canvas.measure("w₁", small) - small
    ticks = [tick for tick in ticks if plot.at_x(tick) < free]
    plot.numbers(ticks, tick_texts(ticks))
    canvas.note(plot.right, plot.bottom + 0.4 * small, "w₁", "rt")
    if first:
        left = plot.left - 8 * canvas.unit
        ticks = ticks_within(plot.y.low, plot.y.high, LINE * small / pixel, whole=True)
        for tick, text in zip(ticks, tick_texts(ticks), strict=True):
            if plot.top + 1.7 * small < plot.at_y(tick) < plot.bottom - 0.3 * small:
                canvas.note(left, plot.at_y(tick), text, "rm")
        canvas.note(left, plot.top, "w₂", "rt")


def _surface(plot: Plot, surface: NDArray, scale: style.Scale) -> None:
    """The loss as shades, with lines at equal distances on a parabola."""
    canvas, side = plot.canvas, plot.right - plot.left
    place = plot.left, plot.top, side, plot.bottom - plot.top
    canvas.array(surface, scale, *place)
    lowest, highest = math.sqrt(scale.lowest), math.sqrt(scale.highest)
    levels = np.linspace(lowest, highest, _LEVELS + 2)[1:-1] ** 2
    canvas.contours(surface, levels.tolist(), place, canvas.theme.ground)


def _steps(plot: Plot, weights: NDArray, colour: str) -> None:
    """The steps as a line, as far as they are on the surface, with a dot for each."""
    canvas, thick = plot.canvas, plot.canvas.size.thick
    low, high = np.array([[a.low, a.high] for a in (plot.x, plot.y)]).T
    inside = ((weights >= low) & (weights <= high)).all(axis=1)
    points = [weights[0] if inside[0] else np.full(2, np.nan)]
    for at in range(1, len(weights)):
        begin, end = weights[at - 1], weights[at]
        if inside[at - 1] and not inside[at]:  # as far as the border
            ahead = np.where(end > begin, high, low) - begin
            share = min(a / s for a, s in zip(ahead, end - begin, strict=True) if s)
            points += [begin + share * (end - begin), np.full(2, np.nan)]
        elif inside[at]:
            points += [end] if inside[at - 1] else [np.full(2, np.nan), end]
    xs, ys = (axis.at(np.array(points)[:, i]) for i, axis in enumerate((plot.x, plot.y)))
    for stroke, ink in ((1.1, canvas.theme.ground), (0.5, colour)):
        canvas.line(xs, ys, ink, stroke=stroke * thick)
    places = [*zip(plot.at_x(weights[inside, 0]), plot.at_y(weights[inside, 1]), strict=True)]
    for across, ink in ((1.9, canvas.theme.ground), (1.4, colour)):
        for x, y in places:
            canvas.dot(x, y, ink, across * thick)


def _losses(canvas: Canvas, paths: Sequence[DescentPath], top: float) -> None:
    """The losses by step, each factor of ten as far as the next."""
    losses = [path.losses for path in paths]
    largest = max(float(values.max()) for values in losses)
    least = max(min(float(values.min()) for values in losses), _LOWEST * largest)
    lines = []
    for path in paths:
        steps, shown = np.arange(len(path.losses)), np.maximum(path.losses, least)
        lines.append(Line(steps, shown, Look(getattr(canvas.theme, path.role)), path.names[1]))
    chart = Chart(lines, "", t("loss J by step"), whole=True, log_y=True)
    chart.draw(canvas, (canvas.left, top, canvas.inner_width, canvas.bottom - top))
