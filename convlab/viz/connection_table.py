"""Which input maps each output map of a convolution reads, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.facts import FactLines
from convlab.viz.matrix import Cells, one_in


def connection_table(
    table: ArrayLike,
    parameters: Sequence[int],
    *,
    title: str,
    subtitle: str = "",
    names: tuple[str, str] = ("input maps", "output maps"),
    facts: Sequence[tuple[str, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row for each input map, a column for each output map, a filled cell where they connect.

    table: (O, I) booleans, as a convolution's weights.  parameters: (O,), those of each
    output map; they go below its column, under the number of maps that it reads.  ``names`` say
    what the rows and the columns are; ``facts`` (label, text) go below.

    Raises ShapeError for a table that is not 2-dimensional or larger than 64 × 64, and for
    parameters that are not one per output map; SpecError for an unknown theme or size.
    """
    table = np.asarray(table, dtype=bool)
    if table.ndim != 2 or not 1 <= min(table.shape) <= max(table.shape) <= 64:
        raise ShapeError(f"expected a table (O, I) of 1 to 64 maps each, got {table.shape}")
    outputs, inputs = table.shape
    if len(parameters) != outputs:
        raise ShapeError(f"expected {outputs} numbers of parameters, got {len(parameters)}")
    canvas = Canvas(size, theme, aspect=0.8)
    canvas.headline(title, subtitle, canvas.theme.window)
    small, label = canvas.size.small, canvas.size.label
    below = {"maps read": table.sum(axis=1).tolist(), "parameters": map(int, parameters)}
    left = canvas.left + 0.8 * label
    left += max(
        canvas.widest([*below, str(inputs - 1)], small), canvas.measure(names[0], small, True)
    )
    foot = FactLines(canvas, facts, gap=label)
    over, under = 2 * small * LINE + 0.2 * small, 2 * small * LINE + 0.5 * small
    under += foot.height + 1.2 * small * bool(facts)
    width = (canvas.right - left) / outputs
    # Cells may be wider than high to make room for the numbers below them.
    height = min((canvas.inner_height - over - under) / inputs, width, 4 * label)
    cells = Cells(canvas, left, canvas.top + over, inputs, outputs, min(width, 2 * height), height)
    _draw(cells, table, names)
    y = cells.top + inputs * height + 0.5 * small
    for word, counts in below.items():
        texts = [f"{count:,}" for count in counts]
        if canvas.widest(texts, small) + 4 * canvas.unit <= cells.width:
            canvas.note(canvas.left, y, word)
            cells.heads(texts, y, px=small)
            y += small * LINE
    foot.draw(y + 0.8 * small)
    return canvas.figure


def _draw(cells: Cells, table: NDArray, names: tuple[str, str]) -> None:
    """The table between its names and numbers, with a crossed cell for each connection."""
    canvas, theme = cells.canvas, cells.canvas.theme
    small = canvas.size.small
    quiet: dict[str, Any] = {"px": small, "colour": theme.quiet}
    canvas.text(cells.left, canvas.top, names[1], px=small, colour=theme.output, bold=True)
    y = cells.top - small * LINE - 0.2 * small
    canvas.text(canvas.left, y, names[0], px=small, colour=theme.input, bold=True)
    numbers = [str(number) for number in range(max(table.shape))]
    every = one_in(canvas.measure(str(cells.columns), small) + 6 * canvas.unit, cells.width)
    cells.heads(numbers, canvas.top + small * LINE, every=every, **quiet)
    every = one_in(1.15 * small, cells.height)
    cells.sides(numbers, cells.left - 0.5 * canvas.size.label, every=every, **quiet)
    cells.lines(theme.hairline)
    size = np.array([cells.width, cells.height])
    corners = (cells.left, cells.top) + np.argwhere(table) * size
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size
    canvas.polygons(corners[:, None] + square, edge=theme.window, fill=theme.window_fill)
    arms = 0.2 * size.min() * np.array([(1, 1), (1, -1)])
    crosses = [(middle - arm, middle + arm) for arm in arms for middle in corners + size / 2]
    canvas.strokes(crosses, theme.window, stroke=0.4 * canvas.size.thick)
