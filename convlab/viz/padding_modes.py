"""One input, padded in every mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells
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
    small, label, colours = canvas.size.small, canvas.size.label, canvas.theme
    everything = np.stack(list(arrays.values()))
    texts = exact(everything).marked()
    # Where numbers have no room below two lines, below one they may.
    for lines in (2, 1):
        head = lines * small * LINE + 0.2 * small
        room = canvas.inner_width, canvas.inner_height
        gap = (1.2 if lines == 2 else 0.6) * label
        grid = arrange(len(arrays), *room, shape, gap=gap, label=head)
        panel = Cells(canvas, canvas.left, canvas.top, *shape, grid.width / shape[1])
        px = panel.size_of(texts)
        if px is not None:
            break
    own = np.zeros(shape, bool)
    own[top : shape[0] - bottom, left : shape[1] - right] = True
    inks = np.where(own, colours.ink, colours.quiet).ravel().tolist()
    for at, (mode, values) in enumerate(arrays.items()):
        x, y = grid.corner(at)
        cells = replace(panel, left=canvas.left + x, top=canvas.top + y)
        width = min(grid.width + grid.gap_x - 0.5 * label, canvas.right - cells.left)
        y = cells.top - head
        canvas.text(cells.left, y, mode, px=small, bold=True, width=width)
        if lines == 2:
            canvas.note(cells.left, y + small * LINE, WORDS[mode], width=width)
        inside = cells.span(np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0)))
        if px is None:  # shades tell the modes apart, on one scale
            cells.shades(values, style.grey_scale(everything))
        else:
            cells.draw(colours.hairline, colours.hairline_fill, dashed=True)
            inside.draw(colours.input, colours.input_fill)
        inside.box(colours.input, stroke=0.6 * canvas.size.thick)
        if px is not None:
            cells.write(texts[at * values.size : (at + 1) * values.size], px, inks)
    return canvas.figure
