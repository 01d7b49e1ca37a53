"""Which input maps each output map of a convolution reads, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells


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
    canvas = Canvas(size, theme, aspect=0.8)
    canvas.headline(title, subtitle, canvas.theme.window)
    small, label, unit, theme = canvas.size.small, canvas.size.label, canvas.unit, canvas.theme
    words = ("maps read", "parameters")
    counts = [table.sum(axis=1).tolist(), [int(count) for count in parameters]]
    side_head = max(
        canvas.widest(words, small),
        canvas.measure(names[0], small, bold=True),
        canvas.measure(str(inputs - 1), small),
    )
    left = canvas.left + side_head + 0.8 * label
    head = canvas.widest((name for name, _ in facts), small) + label
    broken = [(name, canvas.lines(text, canvas.inner_width - head, small)) for name, text in facts]
    lines = (sum(len(text) for _, text in broken) * LINE + 1.2 * bool(facts)) * small
    under = 2 * small * LINE + 0.5 * small
    over = 2 * small * LINE + 0.2 * small
    width = (canvas.right - left) / outputs
    height = (canvas.inner_height - over - under - lines) / inputs
    # Cells may be wider than high, so that the numbers below them have room.
    cell_height = min(height, width, 4 * label)
    cell_width = min(width, 2 * cell_height)
    top = canvas.top + over
    canvas.text(left, canvas.top, names[1], px=small, colour=theme.output, bold=True)
    canvas.text(
        canvas.left,
        top - small * LINE - 0.2 * small,
        names[0],
        px=small,
        colour=theme.input,
        bold=True,
    )
    numbered = max(1, int(np.ceil((canvas.measure(str(outputs), small) + 6 * unit) / cell_width)))
    for o in range(0, outputs, numbered):
        x = left + (o + 0.5) * cell_width
        canvas.note(x, canvas.top + small * LINE, str(o), "mt")
    numbered = max(1, int(np.ceil(1.15 * small / cell_height)))
    for i in range(0, inputs, numbered):
        canvas.note(left - 0.5 * label, top + (i + 0.5) * cell_height, str(i), "rm")
    Cells(canvas, left, top, inputs, outputs, cell_width, cell_height).lines(theme.hairline)
    outputs_read, inputs_read = np.nonzero(table)
    corners = np.stack([left + outputs_read * cell_width, top + inputs_read * cell_height], -1)
    around = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * (cell_width, cell_height)
    canvas.polygons(corners[:, None] + around, edge=theme.window, fill=theme.window_fill)
    middles = corners + (cell_width / 2, cell_height / 2)
    reach = 0.2 * min(cell_width, cell_height)
    crosses = [
        (middle - arm, middle + arm)
        for arm in np.array([(reach, reach), (reach, -reach)])
        for middle in middles
    ]
    canvas.strokes(crosses, theme.window, stroke=0.4 * canvas.size.thick)
    y = top + inputs * cell_height + 0.5 * small
    for word, row in zip(words, counts, strict=True):
        texts = [f"{count:,}" for count in row]
        if canvas.widest(texts, small) + 4 * unit <= cell_width:
            canvas.note(canvas.left, y, word)
            for o, text in enumerate(texts):
                canvas.text(left + (o + 0.5) * cell_width, y, text, "mt", px=small)
            y += small * LINE
    y += 0.8 * small
    for name, text in broken:
        canvas.note(canvas.left, y, name)
        for line in text:
            x = canvas.left + head
            canvas.text(x, y, line, px=small, width=canvas.right - x)
            y += small * LINE
    return canvas.figure
