"""Which class was taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, inks_on, number_size, one_in
from convlab.viz.style import Scale
from convlab.viz.tiles import joined, whole_pixels


def confusion(
    matrix: ArrayLike,
    classes: Sequence[str],
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A confusion matrix (K, K) of counts: rows are the true classes, columns the predicted.

    The shade of a cell is its share of its row, right answers and mistakes each on their own scale;
    numbers are written in the cells down to 22 pixels (on the slide), then two bars explain the
    shades.  At the right is each class's accuracy: the diagonal's share of the row.  If there are
    more classes than lines of text, every second, third ... is named and the second line says so.

    Raises ShapeError for a matrix that is not square, counts that are negative
    or not whole, and a number of classes that is not K; SpecError for an
    unknown theme or size.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(f"expected a confusion matrix (K, K), got {counts.shape}")
    if len(classes) != len(counts):
        raise ShapeError(f"expected {len(counts)} class names, got {len(classes)}")
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        raise ShapeError("expected a confusion matrix of whole counts from 0, got other numbers")
    counts = counts.astype(np.int64)
    canvas = Canvas(size, theme, aspect=1.05)
    sheet = _Sheet(canvas, counts, [" ".join(str(name).split()) for name in classes])
    # How many names fit determines the second line, so the headline first counts at its highest.
    sheet.lay_out(canvas.inner_height - canvas.headline_height())
    every = sheet.every
    total, right = int(counts.sum()), int(np.trace(counts))
    answers = f"{right} of {total} right" if total else ""
    named = f"every {every}{_ordinal(every)} class named" if every > 1 else ""
    canvas.headline(title, joined(subtitle, answers, named), canvas.theme.ink)
    sheet.lay_out(canvas.inner_height)
    sheet.draw(every)
    return canvas.figure


def _ordinal(value: int) -> str:
    if value % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


_TRUE = "true ↓"


class _Sheet:
    """The matrix between its names and the classes' accuracies, and the bars of its shades."""

    def __init__(self, canvas: Canvas, counts: NDArray, names: list[str]) -> None:
        self.canvas, self.names, small = canvas, names, canvas.size.small
        self.texts = [str(value) for value in counts.ravel()]
        totals, none = counts.sum(axis=1, keepdims=True), np.full(counts.shape, np.nan)
        self.shares = np.divide(counts, totals, out=none, where=totals > 0)
        self.known = np.nan_to_num(self.shares)
        off = np.where(np.eye(len(counts), dtype=bool), 0.0, self.known)
        # Mistakes stay paler: they are on an enlarged scale and must not outshine the right
        # answers.
        right = self._scale(canvas.theme.output, 0.9, 1.0)
        wrong = self._scale(canvas.theme.mistake, 0.7, float(off.max()) or 1.0)
        self.bars = ColourBar(canvas, right, "right"), ColourBar(canvas, wrong, "wrong")
        self.bar = max(bar.width for bar in self.bars)
        self.pad, self.widest = 10 * canvas.unit, canvas.widest(names, small)
        names_width = min(self.widest, 0.17 * canvas.width)
        self.side = max(names_width, canvas.measure(_TRUE, small)) + self.pad
        self.accuracy = canvas.measure("accuracy", small) + 60 * canvas.unit

    def _scale(self, colour: str, strength: float, highest: float) -> Scale:
        ground = self.canvas.theme.ground
        end = style.blend(ground, colour, strength)
        return Scale(0.0, highest, LinearSegmentedColormap.from_list("share", [ground, end]))

    def lay_out(self, height: float) -> None:
        """Set the size of a cell and the place of names: above their columns, possibly upright."""
        canvas, small, count = self.canvas, self.canvas.size.small, len(self.names)
        room = canvas.inner_width - self.side - self.accuracy - 2 * self.pad
        upright = min(self.widest, 0.2 * canvas.height) + 0.3 * small
        for self.stand, above in ((False, small * LINE), (True, upright)):
            self.head = small * LINE + above
            tall = whole_pixels((height - self.head) / count)
            wide = whole_pixels(min(room / count, 1.9 * tall))
            self.px = number_size(canvas, self.texts, wide, tall)
            if self.px is None:
                narrow = (room - self.bar - 2 * self.pad) / count
                wide = whole_pixels(min(narrow, 1.9 * tall))
                tall = min(tall, 1.2 * wide)
            self.cell, line = (wide, tall), 1.25 * small
            self.every = max(one_in(line, tall), one_in(line, wide) if self.stand else 1)
            if self.widest + 0.4 * small <= wide * self.every:
                break

    def draw(self, every: int) -> None:
        """The matrix, its names and accuracies, and the bars if numbers have no room."""
        canvas, small, count = self.canvas, self.canvas.size.small, len(self.names)
        left, top = canvas.left + self.side, canvas.top + self.head
        cells = Cells(canvas, left, top, count, count, *self.cell)
        self._matrix(cells)
        # With low rows names reach above the matrix; the words over them avoid that.
        above = top - max(0.15 * small, small - cells.height / 2)
        canvas.note(left, canvas.top, f"predicted {style.ARROW}")
        canvas.note(left - max(self.pad, 0.8 * small - cells.width / 2), above, _TRUE, "rb")
        width = self.side - self.pad
        cells.sides(self.names, left - self.pad, every=every, px=small, width=width)
        width = self.head - small * LINE - 0.3 * small if self.stand else cells.width * every
        look = {"px": small, "rotation": 90 if self.stand else 0, "width": width}
        cells.heads(self.names, top - 0.25 * small, "mb", every=every, **look)
        end = left + cells.place[2]
        self._accuracies(cells, end + 2 * self.pad, above, every)
        if self.px is None:
            x = canvas.right - self.bar
            # A low matrix must not squeeze the two bars.
            room = max(cells.place[3], min(canvas.bottom - top, 18 * small))
            each = min(room / 2 - small, 230 * canvas.unit)
            for bar, y in zip(self.bars, (top, top + each + 2 * small), strict=True):
                bar.draw(x, y, each)

    def _matrix(self, cells: Cells) -> None:
        """Shares as shades, the diagonal's outlined, and counts as numbers where they fit."""
        canvas, theme = self.canvas, self.canvas.theme
        right, wrong = (bar.scale.rgb(self.known) for bar in self.bars)
        diagonal = np.eye(cells.rows, dtype=bool)
        fills = np.where(diagonal[..., None], right, wrong)
        canvas.picture(fills, *cells.place)
        if min(cells.width, cells.height) >= 6 * canvas.unit:
            cells.lines(theme.hairline)
            for index in range(cells.rows):
                cells.part(index, index).box(theme.output, stroke=1.8 * canvas.size.hair)
        else:
            cells.box(edge=theme.hairline)
        if self.px is not None:
            pairs = zip(self.texts, inks_on(fills), strict=True)
            inks = [theme.quiet if text == "0" else ink for text, ink in pairs]
            cells.write(self.texts, self.px, inks)

    def _accuracies(self, cells: Cells, left: float, above: float, every: int) -> None:
        """A bar from 0 to 1 for each class, with its number if a line of text has room."""
        canvas, small, theme = self.canvas, self.canvas.size.small, self.canvas.theme
        canvas.note(left, above, "accuracy", "lb")
        shares = np.diagonal(self.shares)
        texts = [to_places(share, 2) if math.isfinite(share) else "none" for share in shares]
        cells.sides(texts, left, "lm", every=every, px=small)
        number = canvas.measure("≈0.00", small) + 8 * canvas.unit
        # Where rows are a few pixels high, gaps between bars would only flicker.
        thick = cells.height * (0.55 if cells.height >= 5 * canvas.unit else 1.0)
        for index, share in enumerate(np.nan_to_num(shares)):
            x, y = left + number, cells.middle(index, 0)[1] - thick / 2
            full = self.accuracy - number
            canvas.box(x, y, full, thick, fill=theme.hairline_fill)
            if share:
                canvas.box(x, y, full * share, thick, fill=theme.output)
