"""A layer's output: its feature maps, or the numbers of its units."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError, SpecError
from convlab.numerals import exact, number
from convlab.viz import style
from convlab.viz.axes import Axis
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, inks_on, number_size
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import arrange, how_many_fit, part_of, round_count
from convlab.words import t

ORDERS = ("strongest", "number")


def map_order(maps: NDArray, order: str) -> NDArray:
    """Numbers of the maps (C, ...) in the order in which they are shown.

    ``strongest``: by their largest finite value, the first of equals first; ``number``: unchanged.
    Raises SpecError for another order.
    """
    if order not in ORDERS:
        raise SpecError(f"order: expected one of {', '.join(ORDERS)}, got {order!r}")
    if order == "number":
        return np.arange(len(maps))
    flat = maps.reshape(len(maps), -1)
    largest = np.where(np.isfinite(flat), flat, -np.inf).max(axis=1)
    return np.argsort(-largest, kind="stable")


def colours_mean(signed: bool) -> str:
    """What the colours of :func:`style.value_scale` mean, in both themes."""
    return t("orange below 0, violet above, equally strong") if signed else t("dark to bright")


def written(
    canvas: Canvas, values: NDArray, width: float, height: float
) -> tuple[list[str], float | None]:
    """Numbers with as many digits as fit a cell, and their height; None if none do.

    Numbers that are not finite have no text.
    """
    known = np.isfinite(values)
    for digits in (3, 2):
        texts = exact(np.where(known, values, 0.0), digits).marked()
        px = number_size(canvas, texts, width, height)
        if px is not None:
            break
    return [text if good else "" for text, good in zip(texts, known.flat, strict=True)], px


@dataclass(frozen=True)
class Head:
    """The headline of the maps or units of a layer, shown in an order of ``ORDERS``."""

    canvas: Sheet
    notes: Sequence[str]
    order: str

    @property
    def height(self) -> float:
        """The most height that it takes."""
        return self.canvas.headline_height(notes=self.notes)

    def draw(self, shown: int, count: int, what: str, *more: str) -> None:
        """The headline with how many are shown of ``count``, and the notes."""
        strongest = self.order == "strongest"
        said = part_of(shown, count, what, t("strongest") if strongest else t("first"))
        if not said and strongest and count > 1:
            said = t("strongest first")
        self.canvas.head("output", said, *more, notes=self.notes)


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
    head.draw(len(numbers), count, t("units"))
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
    for index, (unit, value, text) in enumerate(zip(numbers, values, texts, strict=True)):
        x = canvas.left + (index + 0.5) * step
        canvas.note(x, canvas.bottom, str(unit), "mb")
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
    scale = style.value_scale(values, canvas.theme)
    bar = ColourBar(canvas, scale, t("activation"), not np.isfinite(values).all())
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
    head.draw(shown, count, t("units"))
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


def feature_maps(
    maps: ArrayLike,
    *,
    order: str = "number",
    notes: Sequence[str] = (),
    own_scales: bool = False,
    **page: Unpack[Page],
) -> Figure:
    """The maps (C, H, W) of one layer, large, all on one scale; each with its number.

    If there are negative and positive values, 0 has the background colour and both ends are equally
    far from it.  ``own_scales``: each map on its own scale, with its largest and
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
    head = Head(Sheet(0.8, **page), notes, order)
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
        signed = style.has_both_signs(maps)
        scales = [style.value_scale(values, theme, signed) for values in maps]
        ends = [_ends(values) for values in maps]
        beside = canvas.widest(itertools.chain(*ends), small) + 0.8 * small
        more = [t("each map on its own scale, {colours_mean}", colours_mean(signed))]
    else:
        scales, ends = [style.value_scale(maps, theme)] * count, [[]] * count
        bar = ColourBar(canvas, scales[0], t("activation"), not np.isfinite(maps).all())
        width -= bar.width + 2 * canvas.size.label
    look = {"gap": 10 * canvas.unit, "label": label, "beside": beside}
    smallest = (3 if beside else 2.2) * small * max(shape) / min(shape)
    height = canvas.inner_height - head.height
    shown = how_many_fit(count, width, height, shape, **look, smallest=smallest)
    head.draw(shown, count, t("maps"), *more)
    # There is a number above each map, however narrow.
    grid = arrange(shown, width, canvas.inner_height, shape, **look, need=2.2 * small)
    rows, columns = shape
    cell = grid.width / columns, grid.height / rows
    texts, px = written(canvas, maps[:shown], *cell)
    each = math.prod(shape)
    names = [t("map {number}", number) for number in numbers[:shown]]
    if canvas.widest(names, small) > grid.width:
        names = [str(number) for number in numbers[:shown]]
    for index in range(shown):
        left, top, *_ = grid.place(index, canvas.left, canvas.top)
        canvas.note(left, top - label, names[index])
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
