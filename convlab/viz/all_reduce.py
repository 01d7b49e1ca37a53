"""An all-reduce: what each rank has computed, the part that it adds, and the sum that all get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import exact
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.words import t

DIGITS = 3


@dataclass(frozen=True)
class ReducingRank:
    """A rank: the ``chunks`` that it computes, and the ``part`` of all numbers that it adds."""

    chunks: range
    part: slice


def all_reduce(
    gradients: ArrayLike, total: ArrayLike, ranks: Sequence[ReducingRank], **page: Unpack[Page]
) -> Figure:
    """Three columns: each rank's chunks, the part of all chunks that it adds, and the whole sum.

    gradients: (chunks, numbers); total: (numbers,), their sum.  Paths from rank to rank have the
    colour of windows, what stays is grey.

    Raises ShapeError for arrays of other shapes, and for no ranks.
    """
    rows, sums = np.asarray(gradients, float), np.asarray(total, float)
    if rows.ndim != 2 or not rows.size or sums.shape != rows.shape[1:] or not ranks:
        raise ShapeError(
            f"expected gradients (chunks, numbers), their sum and ranks, got {rows.shape},"
            f" {sums.shape} and {len(ranks)} ranks"
        )
    canvas = Sheet(0.9, "output", **page)
    _Columns(canvas, rows, sums, ranks).draw()
    return canvas.figure


class _Columns:
    """A block for each rank, one below the other, and in it a panel in each of three columns."""

    def __init__(
        self, canvas: Canvas, rows: NDArray, total: NDArray, ranks: Sequence[ReducingRank]
    ) -> None:
        self.canvas, self.rows, self.total, self.ranks = canvas, rows, total, ranks
        self.scale = style.value_scale(np.append(rows, total), canvas.theme)
        self.texts = exact(np.vstack([rows, total]), DIGITS).texts
        small, (chunks, size) = canvas.size.small, rows.shape
        widest = max(rank.part.stop - rank.part.start for rank in ranks)
        names = [t("rank {number}", len(ranks)), t("chunk {number}", chunks), t("sum")]
        self.label = canvas.widest(names, small, True) + 0.6 * small
        self.head = 2 * small * LINE + 0.8 * small  # above all blocks
        paths = 0.11 * canvas.inner_width
        room = canvas.inner_width - 2 * self.label - 2 * paths
        width = room / (2 * size + widest)
        self.name = small * LINE + 0.5 * small  # above each block
        high = (canvas.inner_height - self.head) / len(ranks)
        height = min((high - self.name) / (chunks + 1.3), 2.4 * small, 0.8 * width)
        self.cell = min(width, 3.2 * height), height
        self.block = (chunks + 1.3) * height + self.name
        self.gap = min(high - self.block, 2.5 * small)
        wide = self.cell[0] * (2 * size + widest)
        self.paths = paths + min((room - wide) / 2, 0.6 * paths)
        self.lefts = [canvas.left + self.label]
        self.lefts.append(self.lefts[0] + size * self.cell[0] + self.paths + self.label)
        self.added_end = self.lefts[1] + widest * self.cell[0]
        self.lefts.append(self.added_end + self.paths)
        sample = Cells(canvas, 0, 0, 1, 1, *self.cell)
        self.px = sample.size_of(self.texts)

    def draw(self) -> None:
        canvas, small = self.canvas, self.canvas.size.small
        heads = [
            (t("its chunks"), t("each rank computes")),
            (t("a part of each"), t("each adds")),
            (t("the sum"), t("all get")),
        ]
        ends, sent = [*self.lefts[1:], canvas.right], t("sent")
        aside = canvas.measure(sent, small) + 0.8 * small
        for left, end, (name, note) in zip(self.lefts, ends, heads, strict=True):
            width = end - left - 0.8 * small
            wide = max(canvas.measure(name, small, True), canvas.measure(note, small))
            said = end < canvas.right and wide + aside <= width
            canvas.note(left, canvas.top, note, width=width)
            canvas.text(left, canvas.top + small * LINE, name, px=small, bold=True, width=width)
            if said:  # above the paths
                x, y = end - 0.8 * small, canvas.top + small * LINE
                canvas.note(x, y, sent, "rt", colour=canvas.theme.window)
        step = self.block + self.gap
        first = canvas.top + self.head
        first += (canvas.bottom - first - len(self.ranks) * step + self.gap) / 3
        tops = [first + at * step for at in range(len(self.ranks))]
        panels = [self._panels(at, top) for at, top in enumerate(tops)]
        for number, (own, _, _) in enumerate(panels):
            for other, (_, added, _) in enumerate(panels):
                chunks = self.ranks[number].chunks
                rows = added.part(chunks.start, 0, len(chunks), 1)
                self._path(own, rows, number == other, own.place[0] + own.place[2], self.label)
        for number, (_, added, _) in enumerate(panels):
            for other, (_, _, whole) in enumerate(panels):
                last = added.part(added.rows, 0, 1, added.columns)
                self._path(last, whole, number == other, self.added_end, 0.0)

    def _panels(self, number: int, top: float) -> tuple[Cells, Cells, Cells]:
        """What a rank has: its chunks, a part of all, the whole sum."""
        canvas, theme, rank = self.canvas, self.canvas.theme, self.ranks[number]
        small, (width, height) = self.canvas.size.small, self.cell
        (chunks, size), part = self.rows.shape, rank.part
        top += self.name
        middle = top + (chunks + 1.3) * height / 2
        first = middle - len(rank.chunks) * height / 2
        for left, y in zip(self.lefts, (first, top, middle - height / 2), strict=True):
            name = t("rank {number}", number + 1)
            canvas.text(left, y - small * LINE, name, px=small, bold=True)
        own = Cells(canvas, self.lefts[0], first, len(rank.chunks), size, width, height)
        added = Cells(canvas, self.lefts[1], top, chunks, part.stop - part.start, width, height)
        whole = Cells(canvas, self.lefts[2], middle - height / 2, 1, size, width, height)
        if rank.chunks:
            self._numbers(own, rank.chunks, slice(0, size))
        self._labels(own, [t("chunk {number}", at + 1) for at in rank.chunks])
        self._numbers(added, range(chunks), part)
        self._labels(added, [t("chunk {number}", at + 1) for at in range(chunks)])
        last = Cells(
            canvas, added.left, added.top + (chunks + 0.3) * height, 1, added.columns, width, height
        )
        self._numbers(last, range(chunks, chunks + 1), part)
        self._labels(last, [t("sum")], theme.output)
        last.box(theme.output)
        self._numbers(whole, range(chunks, chunks + 1), slice(0, size))
        whole.box(theme.output)
        if rank.chunks:
            own.part(0, part.start, own.rows, added.columns).box(theme.ink)
        return own, added, whole

    def _numbers(self, cells: Cells, rows: range, part: slice) -> None:
        every, size = np.vstack([self.rows, self.total]), self.rows.shape[1]
        texts = [text for row in rows for text in self.texts[row * size :][part]]
        cells.numbered(every[rows.start : rows.stop, part], self.scale, texts, self.px)
        cells.lines(self.canvas.theme.hairline)

    def _labels(self, cells: Cells, names: Sequence[str], colour: str = "") -> None:
        small = self.canvas.size.small
        if cells.height < small:  # read from the top: all chunks, then the sum
            return
        for row, name in enumerate(names):
            _, y = cells.middle(row, 0)
            x, width = cells.left - 0.4 * small, self.label - 0.3 * small
            ink = colour or self.canvas.theme.quiet
            self.canvas.text(x, y, name, "rm", px=small, colour=ink, width=width)

    def _path(self, start: Cells, end: Cells, stays: bool, turn: float, label: float) -> None:
        """An arrow from the right of some cells, by ``turn``, to the left of others' labels."""
        if not start.rows or not end.rows:
            return
        canvas, small = self.canvas, self.canvas.size.small
        colour = canvas.theme.hairline if stays else canvas.theme.window
        left, top, width, height = start.place
        x, y = turn + 0.35 * small, top + height / 2
        to_x, to_y = end.left - label - 0.1 * small, end.top + end.rows * end.height / 2
        tip = np.array([to_x, to_y])
        along = tip - (x, y)
        along = along / np.hypot(*along)
        across = np.array([-along[1], along[0]]) * 0.22 * small
        back = tip - along * 0.55 * small
        xs, ys = [left + width + 0.15 * small, x, back[0]], [y, y, back[1]]
        canvas.line(xs, ys, colour, stroke=0.5 * canvas.size.thick)
        canvas.polygons(np.array([[tip, back + across, back - across]]), fill=colour)
