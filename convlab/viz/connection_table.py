"""Which input maps each output map of a convolution reads, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz.page import LINE, Page


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
    output map; they stand below its column, under the number of maps that it reads.
    ``names`` are what the rows and the columns are; ``facts`` (label, text) stand below.

    Raises ShapeError for a table that is not 2-dimensional or larger than 64 × 64, and for
    parameters that are not as many as output maps; SpecError for an unknown theme or size.
    """
    table = np.asarray(table, dtype=bool)
    if table.ndim != 2 or not 1 <= min(table.shape) <= max(table.shape) <= 64:
        raise ShapeError(f"expected a table (O, I) of 1 to 64 maps each, got {table.shape}")
    outputs, inputs = table.shape
    if len(parameters) != outputs:
        raise ShapeError(f"expected {outputs} numbers of parameters, got {len(parameters)}")
    page = Page(size, theme, aspect=0.8)
    page.headline(title, subtitle, page.theme.window)
    small, label, unit, theme = page.size.small, page.size.label, page.unit, page.theme
    words = ("maps read", "parameters")
    counts = [table.sum(axis=1).tolist(), [int(count) for count in parameters]]
    side_head = max(
        page.widest(words, small),
        page.measure(names[0], small, bold=True),
        page.measure(str(inputs - 1), small),
    )
    left = page.left + side_head + 0.8 * label
    head = page.widest((name for name, _ in facts), small) + label
    broken = [
        (name, page.lines(text, page.right - page.left - head, small)) for name, text in facts
    ]
    lines = (sum(len(text) for _, text in broken) * LINE + 1.2 * bool(facts)) * small
    under = 2 * small * LINE + 0.5 * small
    over = 2 * small * LINE + 0.2 * small
    width = (page.right - left) / outputs
    height = (page.bottom - page.top - over - under - lines) / inputs
    # Cells may be wider than high, so that the numbers below them have room.
    cell_height = min(height, width, 4 * label)
    cell_width = min(width, 2 * cell_height)
    top = page.top + over
    page.text(left, page.top, names[1], px=small, colour=theme.output, bold=True)
    page.text(
        page.left,
        top - small * LINE - 0.2 * small,
        names[0],
        px=small,
        colour=theme.input,
        bold=True,
    )
    numbered = max(1, int(np.ceil((page.measure(str(outputs), small) + 6 * unit) / cell_width)))
    for o in range(0, outputs, numbered):
        x = left + (o + 0.5) * cell_width
        page.text(x, page.top + small * LINE, str(o), px=small, colour=theme.quiet, ha="center")
    numbered = max(1, int(np.ceil(1.15 * small / cell_height)))
    for i in range(0, inputs, numbered):
        page.text(
            left - 0.5 * label,
            top + (i + 0.5) * cell_height,
            str(i),
            px=small,
            colour=theme.quiet,
            ha="right",
            va="center_baseline",
        )
    page.grid_lines(left, top, inputs, outputs, (cell_width, cell_height), theme.hairline)
    outputs_read, inputs_read = np.nonzero(table)
    corners = np.stack([left + outputs_read * cell_width, top + inputs_read * cell_height], -1)
    around = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (cell_width, cell_height)
    page.polygons(corners[:, None] + around, edge=theme.window, fill=theme.window_fill)
    middles = corners + (cell_width / 2, cell_height / 2)
    reach = 0.2 * min(cell_width, cell_height)
    crosses = [
        (middle - arm, middle + arm)
        for arm in np.array([(reach, reach), (reach, -reach)])
        for middle in middles
    ]
    page.strokes(crosses, theme.window, stroke=0.4 * page.size.thick)
    y = top + inputs * cell_height + 0.5 * small
    for word, row in zip(words, counts, strict=True):
        texts = [f"{count:,}" for count in row]
        if page.widest(texts, small) + 4 * unit <= cell_width:
            page.text(page.left, y, word, px=small, colour=theme.quiet)
            for o, text in enumerate(texts):
                page.text(left + (o + 0.5) * cell_width, y, text, px=small, ha="center")
            y += small * LINE
    y += 0.8 * small
    for name, text in broken:
        page.text(page.left, y, name, px=small, colour=theme.quiet)
        for line in text:
            x = page.left + head
            page.text(x, y, line, px=small, width=page.right - x)
            y += small * LINE
    return page.figure
