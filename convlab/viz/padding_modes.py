"""One input, padded in every mode."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells, number_size
from convlab.viz.style import Scale
from convlab.viz.tiles import arrange

WORDS = {
    "zeros": "nothing but 0 around",
    "reflect": "mirrored, the border row once",
    "replicate": "the border goes on",
    "circular": "the other side comes in",
}


def padding_modes(
    padded: Mapping[str, ArrayLike],
    sides: tuple[int, int, int, int],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A panel for each mode of padding: the input outlined, the padding quiet around it.

    padded: for each of zeros, reflect, replicate and circular, or some of them, numbers
    (H, W), padding included.  sides: how many of them are padding (top, bottom, left, right).

    Raises ShapeError for no modes, arrays of different shapes, and padding that leaves
    nothing; SpecError for an unknown mode, theme or size.
    """
    arrays = {mode: np.asarray(values, float) for mode, values in padded.items()}
    shapes = {values.shape for values in arrays.values()}
    top, bottom, left, right = sides
    shape = next(iter(shapes), ())
    if len(shapes) != 1 or len(shape) != 2 or not set(arrays) <= set(WORDS):
        raise ShapeError(
            f"expected modes among {', '.join(WORDS)} with arrays (H, W) of one shape, got"
            f" {', '.join(f'{mode} {values.shape}' for mode, values in arrays.items()) or 'none'}"
        )
    if min(sides) < 0 or shape[0] <= top + bottom or shape[1] <= left + right:
        raise ShapeError(f"expected padding inside {style.size_text(*shape)}, got {sides}")
    canvas = Canvas(size, theme, aspect=0.75)
    canvas.headline(title, subtitle, canvas.theme.input)
    small, label = canvas.size.small, canvas.size.label
    texts = exact(np.stack(list(arrays.values()))).marked()
    count = shape[0] * shape[1]
    # Where numbers have no room below two lines, below one they may.
    for lines in (2, 1):
        head = lines * small * LINE + 0.2 * small
        room = canvas.inner_width, canvas.inner_height
        gap = (1.2 if lines == 2 else 0.6) * label
        grid = arrange(len(arrays), *room, shape, gap=gap, label=head)
        px = number_size(canvas, texts, grid.width / shape[1], grid.height / shape[0])
        if px is not None:
            break
    # Without numbers shades tell them apart, on one scale.
    scale = None if px else style.grey_scale(np.stack(list(arrays.values())))
    for at, (mode, values) in enumerate(arrays.items()):
        x, y = grid.corner(at)
        x, y = canvas.left + x, canvas.top + y
        width = min(grid.width + grid.gap_x - 0.5 * label, canvas.right - x)
        canvas.text(x, y - head, mode, px=small, bold=True, width=width)
        if lines == 2:
            below = y - head + small * LINE
            canvas.note(x, below, WORDS[mode], width=width)
        place = (x, y, grid.width, grid.height)
        _panel(canvas, values, sides, texts[at * count :], px or scale, place)
    return canvas.figure


def _panel(
    canvas: Canvas,
    values: NDArray,
    sides: tuple[int, int, int, int],
    texts: list[str],
    look: float | Scale,
    place: tuple[float, float, float, float],
) -> None:
    """One padded array, with numbers of a height or in the shades of a scale."""
    x, y, width, height = place
    theme, (rows, columns) = canvas.theme, values.shape
    top, bottom, left, right = sides
    cell = width / columns, height / rows
    inner = (
        x + left * cell[0],
        y + top * cell[1],
        width - (left + right) * cell[0],
        height - (top + bottom) * cell[1],
    )
    if isinstance(look, Scale):
        canvas.array(values, look, x, y, width, height)
        canvas.box(*inner, edge=theme.input, stroke=0.6 * canvas.size.thick)
        return
    canvas.box(x, y, width, height, fill=theme.hairline_fill)
    Cells(canvas, x, y, rows, columns, *cell).lines(theme.hairline, dashed=True)
    canvas.box(*inner, fill=theme.input_fill)
    Cells(canvas, inner[0], inner[1], rows - top - bottom, columns - left - right, *cell).lines(
        theme.input
    )
    canvas.box(*inner, edge=theme.input, stroke=0.6 * canvas.size.thick)
    for at in range(rows * columns):
        row, column = divmod(at, columns)
        own = top <= row < rows - bottom and left <= column < columns - right
        canvas.text(
            x + (column + 0.5) * cell[0],
            y + (row + 0.5) * cell[1],
            texts[at],
            "mm",
            px=look,
            colour=theme.ink if own else theme.quiet,
        )
