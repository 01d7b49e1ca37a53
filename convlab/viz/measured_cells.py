"""A heat map: one measured number for each pair of two settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.canvas import LINE
from convlab.viz.colour_bar import ColourBar
from convlab.viz.experiment import Claim, aspect_of, claim_sheet
from convlab.viz.matrix import Cells
from convlab.viz.page import Unpack
from convlab.viz.style import Scale

MOST = 24
"""The most rows, and columns, of a heat map."""
_PALE = 0.8  # of the colour at the upper end, so that the ring of the best stands out


def measured_cells(
    values: ArrayLike,
    texts: Sequence[str],
    *,
    rows: tuple[str, Sequence[str]],
    columns: tuple[str, Sequence[str]],
    label: str,
    best: tuple[int, int] | None = None,
    **claim: Unpack[Claim],
) -> Figure:
    """A cell for each pair of settings, its shade the value (R, C), its text in it.

    ``texts`` are in row order; rows and columns: the setting's name and its values as texts;
    ``label``: what the values are, in per cent for shares of 1; ``best``: the cell with a ring.
    Values that are not finite are blank.

    Raises ShapeError for more than 24 rows or columns, and for texts, rows or columns that do not
    fit the values.
    """
    values = 100 * np.asarray(values, float)
    shape = len(rows[1]), len(columns[1])
    if values.shape != shape or len(texts) != values.size or not 1 <= min(shape) <= MOST:
        raise ShapeError(
            f"expected values and texts of {shape[0]} x {shape[1]} cells, got {values.shape} and"
            f" {len(texts)}"
        )
    if max(shape) > MOST:
        raise ShapeError(f"expected at most {MOST} values of a setting, got {max(shape)}")
    canvas = claim_sheet(aspect_of(claim), **claim)
    small, theme = canvas.size.small, canvas.theme
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    ends = [theme.ground, style.blend(theme.ground, theme.output, _PALE)]
    colours = LinearSegmentedColormap.from_list("measured", ends)
    only = None if high > low else low
    scale = Scale(low, high if high > low else low + 1, colours, only=only)
    bar = ColourBar(canvas, scale, label)
    quiet: dict[str, Any] = {"px": small, "colour": theme.quiet}
    left = canvas.left + max(canvas.widest(rows[1], small), canvas.measure(rows[0], small, True))
    left += 0.6 * small
    top = canvas.top + 2 * small * LINE + 0.2 * small
    right = canvas.right - bar.width - 1.5 * small
    tall = min((canvas.bottom - top) / shape[0], 6 * canvas.size.label)
    cells = Cells(canvas, left, top, *shape, (right - left) / shape[1], tall)
    canvas.text(left, canvas.top, columns[0], px=small, colour=theme.input, bold=True)
    y = top - small * LINE - 0.2 * small
    canvas.text(canvas.left, y, rows[0], px=small, colour=theme.input, bold=True)
    cells.heads(columns[1], canvas.top + small * LINE, **quiet)
    cells.sides(rows[1], left - 0.6 * small, **quiet)
    cells.numbered(values, scale, texts, cells.size_of(texts), edge=theme.hairline)
    if best is not None:
        cells.part(*best).box(theme.window, stroke=canvas.size.thick)
    bar.draw(
        canvas.right - bar.width, canvas.top, min(cells.place[3] + top - canvas.top, 14 * small)
    )
    return canvas.figure
