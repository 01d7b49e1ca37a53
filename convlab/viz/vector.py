"""The numbers of a vector: a bar per unit, or cells in reading order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import exact
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, inks_on
from convlab.viz.responses import Head, value_scale, written
from convlab.viz.tiles import round_count

# Rows of a round length, so that the index of any cell is easy to count.
_LENGTHS = (1, 2, 4, 5, 10, 12, 16, 20, 32, 50, 64, 100, 128)


def draw_vector(head: Head, values: NDArray, numbers: NDArray) -> None:
    """Values (C,) below their head: bars in the order of ``numbers``, or cells if bars do not fit.

    In the order of strength as many bars as fit.
    """
    canvas, small, count = head.canvas, head.canvas.size.small, len(values)
    texts = exact(np.where(np.isfinite(values), values, 0.0), 3).marked()
    least = canvas.widest([*texts, str(count - 1)], small) + 8 * canvas.unit
    shown = min(count, max(1, math.floor(canvas.inner_width / least)))
    if shown < count and head.order != "strongest":
        _cells(head, values)
        return
    numbers = numbers[: round_count(count, shown)]
    head.draw(len(numbers), count, "units")
    _bars(canvas, values[numbers], [texts[k] for k in numbers], numbers)


def _bars(canvas: Canvas, values: NDArray, texts: list[str], numbers: NDArray) -> None:
    """A vertical bar per unit from the zero line, its number at the tip, its index at the foot."""
    small, theme = canvas.size.small, canvas.theme
    finite = values[np.isfinite(values)]
    low, high = finite.min(initial=0.0), finite.max(initial=0.0)
    foot = canvas.bottom - small * LINE * (2.6 if low < 0 else 1.2)
    axis = Axis(low, high if high > low else 1.0, foot, canvas.top + small * LINE)
    step, zero = canvas.inner_width / len(numbers), axis.at(0.0)
    thick = min(step * 0.7, 90 * canvas.unit)
    for index, (number, value, text) in enumerate(zip(numbers, values, texts, strict=True)):
        x = canvas.left + (index + 0.5) * step
        canvas.note(x, canvas.bottom, str(number), "mb")
        if not math.isfinite(value):
            canvas.text(x, zero - 0.4 * small, "NaN", "mb", px=small, colour=theme.mistake)
            continue
        tip = axis.at(value)
        bar = x - thick / 2, min(tip, zero), thick, abs(tip - zero)
        canvas.box(*bar, edge=theme.output, fill=theme.output_fill)
        anchor, away = ("mt", 0.4) if value < 0 else ("mb", -0.4)
        canvas.text(x, tip + away * small, text, anchor, px=small)
    canvas.line([canvas.left, canvas.right], [zero, zero], theme.quiet)


def _cells(head: Head, values: NDArray) -> None:
    """Cells in reading order, as many per row as make them large; a row's first index at left."""
    canvas, small, unit, count = head.canvas, head.canvas.size.small, head.canvas.unit, len(values)
    scale = value_scale(values, canvas.theme)
    bar = ColourBar(canvas, scale, "activation", not np.isfinite(values).all())
    left = canvas.left + canvas.measure(str(count), small) + 12 * unit
    width = canvas.right - bar.width - 2 * canvas.size.label - left
    height = canvas.inner_height - head.height
    least_width, least_height = 12 * unit, small * 1.1
    most_rows = math.floor(height / least_height)
    lengths = [length for length in _LENGTHS if width / length >= least_width]
    columns = max(
        [length for length in lengths if length * most_rows >= count] or lengths[-1:],
        key=lambda length: min(width / length, 2 * height / math.ceil(count / length)),
    )
    shown = min(count, columns * most_rows)
    head.draw(shown, count, "units")
    height, rows = canvas.inner_height, math.ceil(shown / columns)
    wide = math.floor(width / columns)
    tall = max(min(math.floor(height / rows), wide), least_height)
    texts, px = written(canvas, values, wide, tall)
    cells = Cells(canvas, left, canvas.top, rows, columns, wide, tall)
    for row, start in enumerate(range(0, shown, columns)):
        part = values[None, start : min(start + columns, shown)]
        canvas.note(left - 12 * unit, cells.middle(row, 0)[1], str(start), "rm")
        line = cells.part(row, 0, columns=part.size)
        line.shades(part, scale)
        line.lines(canvas.theme.ground)
        if px is not None:
            line.write(texts[start : start + part.size], px, inks_on(scale.rgb(part)))
    bar.draw(canvas.right - bar.width, canvas.top, min(height, 420 * unit))
