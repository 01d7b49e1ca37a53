"""A layer's output: its feature maps, or the numbers of its units."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import number
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.responses import (
    Head,
    colours_mean,
    has_both_signs,
    map_order,
    value_scale,
    written,
)
from convlab.viz.tiles import arrange, how_many_fit
from convlab.viz.vector import draw_vector


def feature_maps(
    maps: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
    order: str = "number",
    notes: Sequence[str] = (),
    own_scales: bool = False,
) -> Figure:
    """The maps (C, H, W) of one layer, large, all on one scale; each with its number.

    If there are negative and positive values, 0 has the background colour and each sign has colours
    up to its own largest value.  ``own_scales``: each map on its own scale, with its largest and
    smallest number beside it.  A vector, (C,) or (C, 1, 1), becomes one bar per unit as long as
    numbers fit below the bars, then cells in reading order; in the order of strength as many bars
    as fit.  If not all maps fit legibly, the second line says how many are shown.  ``order``: see
    ``map_order``.  ``notes`` are separate lines below the headline.  Values that are not finite are
    hatched.

    Raises ShapeError for other shapes, SpecError for separate scales for the numbers of a vector
    and for an unknown order, theme or size.
    """
    maps = np.asarray(maps, dtype=float)
    if maps.ndim not in (1, 3) or 0 in maps.shape:
        raise ShapeError(f"expected feature maps (C, H, W) or a vector (C,), got {maps.shape}")
    head = Head(Canvas(size, theme, aspect=0.8), title, subtitle, notes, order)
    numbers = map_order(maps, order)
    if maps.ndim == 3 and maps.shape[1:] != (1, 1):
        _draw_maps(head, maps[numbers], numbers, own_scales)
    elif own_scales:
        raise SpecError("scale: expected maps for scales of their own, got single numbers")
    else:
        draw_vector(head, maps.reshape(-1), numbers)
    return head.canvas.figure


def _draw_maps(head: Head, maps: NDArray, numbers: NDArray, own_scales: bool) -> None:
    """Maps on the scale whose bar is at the right, or each beside the ends of its own scale."""
    canvas, theme, count, shape = head.canvas, head.canvas.theme, len(maps), maps.shape[1:]
    small, label = canvas.size.small, canvas.size.small * LINE
    width, beside, more = canvas.inner_width, 0.0, []
    if own_scales:
        signed = has_both_signs(maps)
        scales = [value_scale(values, theme, signed) for values in maps]
        ends = [_ends(values) for values in maps]
        beside = canvas.widest(itertools.chain(*ends), small) + 0.8 * small
        more = [f"each map on its own scale, {colours_mean(signed)}"]
    else:
        scales, ends = [value_scale(maps, theme)] * count, [[]] * count
        bar = ColourBar(canvas, scales[0], "activation", not np.isfinite(maps).all())
        width -= bar.width + 2 * canvas.size.label
    look = {"gap": 10 * canvas.unit, "label": label, "beside": beside}
    smallest = (3 if beside else 2.2) * small * max(shape) / min(shape)
    height = canvas.inner_height - head.height
    shown = how_many_fit(count, width, height, shape, **look, smallest=smallest)
    head.draw(shown, count, "maps", *more)
    # There is a number above each map, however narrow.
    grid = arrange(shown, width, canvas.inner_height, shape, **look, need=2.2 * small)
    rows, columns = shape
    cell = grid.width / columns, grid.height / rows
    texts, px = written(canvas, maps[:shown], *cell)
    each = math.prod(shape)
    for index in range(shown):
        left, top, *_ = grid.place(index, canvas.left, canvas.top)
        canvas.note(left, top - label, str(numbers[index]))
        for text, y in zip(ends[index], (0.0, max(grid.height - 1.2 * small, label)), strict=False):
            canvas.text(left + grid.width + 0.4 * small, top + y, text, px=small)
        cells = Cells(canvas, left, top, rows, columns, *cell)
        own = texts[index * each : (index + 1) * each]
        cells.numbered(maps[index], scales[index], own, px, theme.hairline)
    if not own_scales:
        height = min(canvas.inner_height - label, 420 * canvas.unit) + label
        bar.draw(canvas.right - bar.width, canvas.top, height)


def _ends(values: NDArray) -> list[str]:
    """The largest and the smallest finite number, or one if both are the same."""
    finite = values[np.isfinite(values)]
    ends = [number(finite.max()), number(finite.min())] if finite.size else []
    return ends[:1] if len({*ends}) == 1 else ends
