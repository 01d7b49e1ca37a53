"""A confusion matrix of more classes than lines of text, with its largest numbers beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convlab.numerals import to_places
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, one_in
from convlab.viz.style import ARROW
from convlab.viz.table import MeasuredColumn, Table
from convlab.viz.tiles import whole_pixels
from convlab.words import Shown, t

WIDE = 60  # a canvas that has room for it, in heights of small text


@dataclass(frozen=True)
class Small:
    """A square matrix with the names of every so many classes at its left."""

    side: float  # room for names
    cell: float
    every: int

    @classmethod
    def within(cls, canvas: Canvas, height: float, names: Sequence[str]) -> Small:
        """As large as a height and half of the canvas's width allow."""
        small = canvas.size.small
        side = min(canvas.widest(names, small), 9 * small) + 10 * canvas.unit
        room = min(height - (_HEAD + _FOOT) * small, 0.5 * canvas.inner_width - side)
        cell = whole_pixels(room / len(names))
        return cls(side, cell, one_in(1.25 * small, cell))


_HEAD, _FOOT = 2.6, 4.2  # above and below the matrix, in heights of small text


def draw_many(
    canvas: Canvas,
    counts: NDArray,
    names: Sequence[str],
    look: Small,
    fills: NDArray,
    bars: Sequence[ColourBar],
) -> None:
    """The matrix (K, K) of ``counts`` as ``fills`` (K, K, 3), the most frequent mistakes and the
    least accurate classes beside it; ``bars``: what the shades mean."""
    small, unit = canvas.size.small, canvas.unit
    side, cell, head = look.side, look.cell, _HEAD * small
    left, top = canvas.left + side, canvas.top + head
    cells = Cells(canvas, left, top, len(counts), len(counts), cell)
    canvas.picture(fills, *cells.place)
    cells.box(edge=canvas.theme.hairline)
    canvas.note(left, canvas.top, t("predicted →"))
    canvas.note(left - 10 * unit, canvas.top + small * LINE, t("true ↓"), "rt")
    room = side - 10 * unit
    cells.sides(names, left - 10 * unit, every=look.every, px=small, width=room)
    each = (cells.place[2] - 2 * small) / 2
    y = top + cells.place[3] + 0.8 * small
    for at, bar in enumerate(bars):
        x = left + at * (each + 2 * small)
        canvas.note(x, y, bar.word)
        bar.strip(x, y + small * LINE, each, 0.6 * small)
        bar.limits(x, y + small * (LINE + 0.8), each)
    start = left + cells.place[2] + 3 * small
    with _within(canvas, start, canvas.top, canvas.bottom):
        _lists(canvas, counts, names)


def _lists(canvas: Canvas, counts: NDArray, names: Sequence[str]) -> None:
    """The two tables, the longer one above."""
    totals, wrong = counts.sum(axis=1), counts.copy()
    np.fill_diagonal(wrong, 0)
    line = 1.9 * canvas.size.small
    rows = math.floor(canvas.inner_height / line) - 4
    order = np.argsort(-wrong, axis=None, kind="stable")[: 2 * rows // 3]
    pairs = [divmod(int(at), len(counts)) for at in order if wrong.flat[at]]
    if pairs:
        px = canvas.size.small
        short = canvas.names(names, 0.19 * canvas.inner_width, px, bold=True)
        texts = [Shown(f"{short[i]} {ARROW} {short[j]}") for i, j in pairs]
        numbers = [[float(wrong[i, j])] for i, j in pairs]
        shares = [f"{100 * wrong[i, j] / totals[i]:.0f} %" for i, j in pairs]
        columns = [
            MeasuredColumn(t("images"), numbers, [f"{n:,.0f}" for (n,) in numbers], role="mistake"),
            MeasuredColumn(t("of its class"), (), shares, "texts"),
        ]
        end = canvas.top + (len(pairs) + 1.6) * line
        with _within(canvas, canvas.left, canvas.top, end):
            canvas.top = canvas.heading(canvas.left, t("most frequent mistakes"))
            Table(canvas, texts, columns).draw()
        canvas.top = end + line
    accuracies = np.diag(counts) / np.maximum(totals, 1)
    known = np.flatnonzero((totals > 0) & (accuracies < 1))
    rows = math.floor((canvas.bottom - canvas.top) / line) - 2
    least = known[np.argsort(accuracies[known], kind="stable")][: max(1, rows)]
    if not len(least):
        return
    values = [[float(accuracies[label])] for label in least]
    written = [to_places(value, 2) for (value,) in values]
    column = MeasuredColumn(t("accuracy"), values, written, ends=(0.0, 1.0), role="output")
    canvas.top = canvas.heading(canvas.left, t("least accurate classes"))
    Table(canvas, [names[label] for label in least], [column]).draw()


@contextmanager
def _within(canvas: Canvas, left: float, top: float, bottom: float) -> Iterator[None]:
    """Draw in a part of a canvas."""
    before = canvas.left, canvas.top, canvas.bottom
    canvas.left, canvas.top, canvas.bottom = left, top, bottom
    try:
        yield
    finally:
        canvas.left, canvas.top, canvas.bottom = before
