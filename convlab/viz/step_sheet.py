"""All steps of a sliding window on one sheet, one small picture each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.viz.canvas import Canvas
from convlab.viz.matrix import Cells
from convlab.viz.tiles import arrange
from convlab.viz.window_words import parts_of
from convlab.window_step import SlidingWindow

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
    rows, columns = steps[0].stage.shape[1:]
    out_rows, out_columns = steps[0].output.shape[1:]
    tall, wide = max(rows, out_rows), columns + out_columns + 1
    small, label = canvas.size.small, 1.4 * canvas.size.small
    room = canvas.inner_width, canvas.inner_height
    most = 0.5 * canvas.inner_width
    grid = arrange(len(steps), *room, (tall, wide), gap=1.2 * small, label=label, largest=most)
    cell = grid.width / wide
    if cell < SMALLEST * canvas.unit:
        raise SpecError(
            f"step: expected few enough for one sheet, got {len(steps)} with an input of"
            f" {rows} × {columns}; a .pdf has a page for each, a .gif a frame"
        )
    for index, step in enumerate(steps):
        x, y = grid.corner(index)
        tile = Cells(canvas, canvas.left + x, canvas.top + y, tall, wide, cell)
        place = f"{'' if len(step.output) == 1 else f'{step.at[0]},'}{step.at[1]},{step.at[2]}"
        pieces = [(place, "quiet")]
        if numbers:
            pieces += [(step.equals(), "ink"), (step.value(), "output")]
        _step(step, tile)
        canvas.run(tile.left, tile.top - label, parts_of(canvas, pieces), small)
    return canvas.figure


def _step(shown: SlidingWindow, tile: Cells) -> None:
    """One step: the input at the left of its tile, the output at the right."""
    theme, stroke = tile.canvas.theme, 0.5 * tile.canvas.size.thick
    _, rows, columns = shown.stage.shape
    stage = tile.part((tile.rows - rows) / 2, 0, rows, columns)
    if not shown.inside.all():
        stage.draw(theme.hairline, theme.hairline_fill, dashed=True)
    stage.polygons(shown.inside, theme.input, theme.input_fill)
    stage.polygons(shown.under(shown.channel or 0), theme.window, theme.window_fill)
    stage.span(*shown.window).box(theme.window, stroke=stroke)
    index, *at = shown.at
    _, rows, columns = shown.output.shape
    output = tile.part((tile.rows - rows) / 2, tile.columns - columns, rows, columns)
    done = shown.done[index]
    fills = [theme.output_fill if past else theme.ground for past in done.flat]
    output.polygons(np.ones(done.shape, bool), theme.output, fills)
    output.part(*at).box(theme.output, stroke=stroke)
