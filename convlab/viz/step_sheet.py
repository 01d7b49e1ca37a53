"""All steps of a sliding window on one sheet, one small picture each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.viz.canvas import Canvas
from convlab.viz.matrix import Cells
from convlab.viz.sliding_window import SlidingWindow
from convlab.viz.tiles import arrange

SMALLEST = 5  # pixels of a slide that a cell must have


def step_sheet(
    steps: Sequence[SlidingWindow],
    *,
    title: str,
    subtitle: str,
    theme: str = "light",
    size: str = "slide",
    numbers: bool = True,
) -> Figure:
    """Each step as its input, window and output so far, in the order of the loop.

    Of several channels the first is drawn.  Raises SpecError for more steps than
    fit legibly, and for an unknown size or theme.
    """
    canvas = Canvas(size, theme)
    canvas.headline(title, subtitle, canvas.theme.ink)
    first = steps[0]
    rows, columns = first.stage.shape[1:]
    out_rows, out_columns = first.output.shape[1:]
    tall, wide = max(rows, out_rows), columns + out_columns + 1
    label = 1.4 * canvas.size.small
    grid = arrange(
        len(steps),
        canvas.inner_width,
        canvas.inner_height,
        (tall, wide),
        gap=1.2 * canvas.size.small,
        label=label,
        largest=0.5 * canvas.inner_width,
    )
    cell = grid.width / wide
    if cell < SMALLEST * canvas.unit:
        raise SpecError(
            f"step: expected few enough for one sheet, got {len(steps)} with an input of"
            f" {rows} × {columns}; a .pdf has a page for each, a .gif a frame"
        )
    for index, step in enumerate(steps):
        left, top = grid.corner(index)
        _tile(canvas, step, canvas.left + left, canvas.top + top, cell, label, numbers)
    return canvas.figure


def _tile(canvas: Canvas, shown: SlidingWindow, left, top, cell, label, numbers) -> None:
    theme = canvas.theme
    _, rows, columns = shown.stage.shape
    _, out_rows, out_columns = shown.output.shape
    tall = max(rows, out_rows)
    y = top + (tall - rows) * cell / 2
    empty = shown.outside | shown.inserted
    if empty.any():
        canvas.box(left, y, columns * cell, rows * cell, fill=theme.hairline_fill)
        Cells(canvas, left, y, rows, columns, cell).lines(theme.hairline, dashed=True)
    quads = [_quad(left, y, cell, row, column) for row, column in np.argwhere(~empty)]
    canvas.polygons(np.array(quads), edge=theme.input, fill=theme.input_fill)
    window_rows, window_columns = shown.window
    read = [_quad(left, y, cell, row, column) for row in window_rows for column in window_columns]
    canvas.polygons(np.array(read), edge=theme.window, fill=theme.window_fill)
    canvas.box(
        left + window_columns[0] * cell,
        y + window_rows[0] * cell,
        (window_columns[-1] - window_columns[0] + 1) * cell,
        (window_rows[-1] - window_rows[0] + 1) * cell,
        edge=theme.window,
        stroke=0.5 * canvas.size.thick,
    )
    o, row, column = shown.at
    x = left + (columns + 1) * cell
    y = top + (tall - out_rows) * cell / 2
    order = np.arange(shown.output.size).reshape(shown.output.shape)[o]
    done = order <= np.ravel_multi_index(shown.at, shown.output.shape)
    quads = [_quad(x, y, cell, *place) for place in np.ndindex(order.shape)]
    fills = [theme.output_fill if past else theme.ground for past in done.reshape(-1)]
    canvas.polygons(np.array(quads), edge=theme.output, fill=fills)
    canvas.box(
        x + column * cell,
        y + row * cell,
        cell,
        cell,
        edge=theme.output,
        stroke=0.5 * canvas.size.thick,
    )
    place = f"{row},{column}" if len(shown.output) == 1 else f"{o},{row},{column}"
    parts = [(place, theme.quiet, False)]
    if numbers:
        parts += [(shown.equals(), theme.ink, False), (shown.value(), theme.output, True)]
    canvas.run(left, top - label, parts, canvas.size.small)


def _quad(left: float, top: float, cell: float, row: int, column: int) -> list:
    x, y = left + column * cell, top + row * cell
    return [(x, y), (x + cell, y), (x + cell, y + cell), (x, y + cell)]
