"""Accuracy against the shift of the test images, a line for each network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas

DASHES = (None, (5.0, 2.5), (1.5, 1.5), (6.0, 2.0, 1.5, 2.0))


def invariance(
    shifts: Sequence[int],
    accuracies: Mapping[str, Sequence[float]],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Accuracy (shares from 0 to 1) of each network by the shift in pixels.

    accuracies: for each name as many as there are shifts.  Every line has its own
    colour and dashes and ends at its name.  The numbers stand in rows below the
    axis; where they have no room there, the first and the last stand at the name.

    Raises ShapeError for lists of other lengths, SpecError where there is nothing
    to draw, for more than four networks and for an unknown theme or size.
    """
    if not accuracies or not len(shifts):
        raise SpecError("expected at least one network and one shift, got none")
    if len(accuracies) > len(DASHES):
        raise SpecError(f"expected at most {len(DASHES)} networks, got {len(accuracies)}")
    for name, values in accuracies.items():
        if len(values) != len(shifts):
            raise ShapeError(
                f"expected {len(shifts)} accuracies of {name}, one a shift, got {len(values)}"
            )
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.ink)
    order = np.argsort(shifts, kind="stable")
    places = np.asarray(shifts, float)[order]
    lines = {name: np.asarray(values, float)[order] for name, values in accuracies.items()}
    _draw(canvas, places, lines)
    return canvas.figure


def _draw(canvas: Canvas, shifts: NDArray, lines: dict[str, NDArray]) -> None:
    size, theme, small, unit = canvas.size, canvas.theme, canvas.size.small, canvas.unit
    notes = {
        name: f"{_percent(values[0])} {style.ARROW} {_percent(values[-1])}"
        for name, values in lines.items()
    }
    left = canvas.left + canvas.measure("100 %", small) + 10 * unit
    label = min(canvas.widest(lines, small, True), 0.4 * canvas.inner_width)
    room = canvas.right - label - 70 * unit - left
    closest = np.diff(shifts).min(initial=math.inf) / max(1.0, np.ptp(shifts)) * room
    cells = {name: [_percent(value) for value in values] for name, values in lines.items()}
    table = canvas.widest((text for row in cells.values() for text in row), small) < 0.9 * closest
    if not table:
        label = max(label, canvas.widest(notes.values(), small))
        label = min(label, 0.4 * canvas.inner_width)
    right = canvas.right - label - 50 * unit
    canvas.note(canvas.left, canvas.top, "accuracy on the test set")
    top = canvas.top + 2.2 * small
    bottom = canvas.bottom - 2.9 * small - (len(lines) * LINE + 0.5) * small * table
    inner = 10 * unit
    first, last = shifts.min(), shifts.max()

    def at_x(shift: float) -> float:
        share = 0.5 if first == last else (shift - first) / (last - first)
        return left + inner + share * (right - left - 2 * inner)

    def at_y(share: float) -> float:
        return bottom - share * (bottom - top)

    steps = (0, 25, 50, 75, 100) if (bottom - top) / 4 > 1.5 * small else (0, 50, 100)
    for tick in steps:
        y = at_y(tick / 100)
        canvas.line([left, right], [y, y], theme.hairline)
        canvas.note(left - 10 * unit, y, f"{tick} %", "rm")
    _shift_axis(canvas, shifts, at_x, bottom + 0.4 * small)
    canvas.note(
        (left + right) / 2, bottom + 1.65 * small, "shift in pixels", "mt", width=right - left
    )
    colours = (theme.output, theme.input, theme.window, theme.mistake)
    ends = []
    for (name, values), colour, dashes in zip(lines.items(), colours, DASHES, strict=False):
        points = [(at_x(s), at_y(v)) for s, v in zip(shifts, values, strict=True)]
        xs, ys = zip(*points, strict=True)
        canvas.line(xs, ys, colour, stroke=0.6 * size.thick, dashes=dashes)
        for x, y in points:
            canvas.dot(x, y, colour, 1.7 * size.thick, hollow=dashes is not None)
        ends.append((ys[-1], name, colour, dashes))
    ends.sort(key=lambda end: end[0])
    if table:
        for index, row in enumerate(cells.values()):
            y = bottom + (3.4 + index * LINE) * small
            colour, dashes = colours[index], DASHES[index]
            middle = y + 0.5 * small
            # A sample of the line leads to its numbers.
            end = at_x(first) - canvas.measure(row[0], small) / 2 - 8 * unit
            canvas.line(
                [canvas.left, end], [middle] * 2, colour, stroke=0.6 * size.thick, dashes=dashes
            )
            for shift, text in zip(shifts, row, strict=True):
                canvas.text(at_x(shift), y, text, "mt", px=small)
    step = (LINE if table else 2 * LINE + 0.35) * small
    heights = _apart([y for y, *_ in ends], step, top + step / 2, bottom - step / 2)
    for y, (end, name, colour, dashes) in zip(heights, ends, strict=True):
        canvas.line(
            [right + 4 * unit, right + 40 * unit],
            [end, y],
            colour,
            stroke=0.35 * size.thick,
            dashes=dashes,
        )
        x = right + 48 * unit
        anchor = "lm" if table else "lb"
        canvas.text(x, y, name, anchor, px=small, bold=True, colour=colour, width=label)
        if not table:
            canvas.text(x, y + 0.1 * small, notes[name], px=small, width=label)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shift_axis(canvas: Canvas, shifts: NDArray, at_x, y: float) -> None:
    """The shifts that were measured, as many as have room."""
    small = canvas.size.small
    end = -math.inf
    for shift in shifts:
        text = number(shift, 15)
        half = canvas.measure(text, small) / 2
        if at_x(shift) - half > end:
            canvas.note(at_x(shift), y, text, "mt")
            end = at_x(shift) + half + 0.5 * small


def _apart(heights: Sequence[float], step: float, top: float, bottom: float) -> list[float]:
    """Ascending heights moved apart to at least ``step``, inside top and bottom where they fit."""
    placed: list[float] = []
    for y in heights:
        placed.append(max(y, top, placed[-1] + step if placed else top))
    for index in range(len(placed) - 1, -1, -1):
        limit = bottom if index == len(placed) - 1 else placed[index + 1] - step
        placed[index] = min(placed[index], limit)
    return placed
