"""Accuracy against the shift of the test images, a line for each network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.line_plot import DASHES, Look, Plot, ruled_plot


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
    colour and dashes and ends at its name.  The numbers are in rows below the
    axis; if they have no room there, the first and the last are at the name.

    Raises ShapeError for lists of other lengths, SpecError if there is nothing to
    draw, for more than four networks and for an unknown theme or size.
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
    theme, small, unit = canvas.theme, canvas.size.small, canvas.unit
    rows = {name: [f"{100 * share:.1f} %" for share in shares] for name, shares in lines.items()}
    most = 0.4 * canvas.inner_width
    label = min(canvas.widest(lines, small, True), most)
    left = canvas.left + canvas.measure("100 %", small) + 10 * unit
    room = canvas.right - label - 70 * unit - left
    closest = np.diff(shifts).min(initial=math.inf) / max(1.0, np.ptp(shifts)) * room
    table = canvas.widest(chain(*rows.values()), small) < 0.9 * closest
    notes = {
        name: "" if table else f"{row[0]} {style.ARROW} {row[-1]}" for name, row in rows.items()
    }
    label = max(label, min(canvas.widest(notes.values(), small), most))
    canvas.note(canvas.left, canvas.top, "accuracy on the test set")
    bottom = canvas.bottom - 2.9 * small - (len(lines) * LINE + 0.5) * small * table
    borders = canvas.left, canvas.top + 2.2 * small, canvas.right - label - 50 * unit, bottom
    plot = ruled_plot(canvas, borders, (shifts[0], shifts[-1]), (0, 1), " %", inner=10 * unit)
    plot.numbers(shifts, [number(shift, 15) for shift in shifts])
    middle, width = (plot.left + plot.right) / 2, plot.right - plot.left
    canvas.note(middle, bottom + 1.65 * small, "shift in pixels", "mt", width=width)
    colours = (theme.output, theme.input, theme.window, theme.mistake)
    ends = []
    for at, (name, shares) in enumerate(lines.items()):
        look = Look(colours[at], DASHES[at])
        ends += plot.line(shifts, shares, look, 1.7, name, notes[name])
        if table:
            _row(plot, shifts, rows[name], look, bottom + (3.4 + at * LINE) * small)
    plot.names(ends, label)


def _row(plot: Plot, shifts: NDArray, texts: Sequence[str], look: Look, y: float) -> None:
    """The numbers of a line below its points; a sample of the line leads to them."""
    canvas, small = plot.canvas, plot.canvas.size.small
    xs = plot.at_x(shifts)
    end, middle = xs[0] - canvas.measure(texts[0], small) / 2 - 8 * canvas.unit, y + 0.5 * small
    stroke = 0.6 * canvas.size.thick
    canvas.line([canvas.left, end], [middle] * 2, look.colour, stroke=stroke, dashes=look.dashes)
    for x, text in zip(xs, texts, strict=True):
        canvas.text(x, y, text, "mt", px=small)
