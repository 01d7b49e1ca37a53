"""Whether layers follow a shift: a table of errors by layer and amount."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import ALMOST, small_error
from convlab.viz import style
from convlab.viz.canvas import Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, one_in
from convlab.viz.tiles import part_of


def equivariance(
    errors: ArrayLike,
    layers: Sequence[tuple[str, str]],
    amounts: Sequence[str],
    *,
    rounded: ArrayLike | None = None,
    inner: ArrayLike | None = None,
    word: str = "shift",
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The equivariance error of each layer for each amount, as shaded numbers.

    errors: (layers, amounts), relative, 0 being exact.  layers: a name and a quiet note for each.
    amounts: the columns' heads, under ``word``.  rounded
    (layers, amounts): where the maps were shifted by the nearest whole number of
    cells, which is marked "≈".  inner (layers, amounts): the errors only away from the border,
    which are written below if there is room.  Exact zeros are in an outlined, empty cell; a dash
    means that there was nothing to compare (NaN).  If not all layers fit, the second line says so.

    Raises ShapeError for arrays of other sizes, SpecError for an unknown theme or size.
    """
    errors = np.asarray(errors, dtype=float)
    if errors.shape != (len(layers), len(amounts)) or not errors.size:
        raise ShapeError(
            f"expected errors ({len(layers)}, {len(amounts)}), one a layer and amount, got"
            f" {errors.shape}"
        )
    marks = np.zeros(errors.shape, bool) if rounded is None else np.asarray(rounded, bool)
    within = np.full(errors.shape, np.nan) if inner is None else np.asarray(inner, float)
    for name, given in (("rounded", marks), ("inner", within)):
        if given.shape != errors.shape:
            raise ShapeError(f"expected {name} {errors.shape}, got {given.shape}")
    canvas = Canvas(size, theme, aspect=0.75)
    # There are at most three lines of headline.
    room = canvas.inner_height - canvas.headline_height() + 0.7 * canvas.size.label
    room -= _HEAD * canvas.size.small
    most = max(1, math.floor(room / (1.45 * canvas.size.small)))
    notes = [subtitle, part_of(most, len(layers), "layers")]
    notes.append(f"{ALMOST} nearest whole cell" if marks[:most].any() else "")
    table = _Table(canvas, errors[:most], marks[:most], layers[:most], amounts)
    if room / len(table.errors) >= 3 * canvas.size.small and table.write_inside(within[:most]):
        notes.append("inside: away from the border alone")
    canvas.headline(title, "; ".join(filter(None, notes)), canvas.theme.ink)
    table.draw(word)
    return canvas.figure


_HEAD = 2.8  # of the table, in heights of small text


@dataclass
class _Table:
    """A row per layer, a column per amount, and the scale at the right."""

    canvas: Canvas
    errors: NDArray
    rounded: NDArray
    layers: Sequence[tuple[str, str]]
    amounts: Sequence[str]

    def __post_init__(self) -> None:
        canvas, errors, small = self.canvas, self.errors, self.canvas.size.small
        self.texts, self.inside = self._texts(errors), [""] * errors.size
        scale = style.activation_scale(np.append(errors[np.isfinite(errors)], 0.0))
        self.bar, gap = ColourBar(canvas, scale, "error"), 1.2 * small
        self.names, self.notes = zip(*self.layers, strict=True)
        self.left = self.beside = canvas.left + canvas.widest(self.names, small, True) + gap
        right = canvas.right - self.bar.width - 1.6 * canvas.size.label
        notes = canvas.widest(self.notes, small) + gap
        # A narrow canvas shows numbers rather than notes.
        needed = len(self.amounts) * canvas.widest(self.texts, small)
        if any(self.notes) and (right - self.left - notes) * 0.92 >= needed:
            self.left += notes
        self.width = (right - self.left) / len(self.amounts)

    def _texts(self, errors: NDArray) -> list[str]:
        return list(map(small_error, errors.ravel().tolist(), self.rounded.ravel()))

    def _fits(self, texts: Sequence[str], px: float) -> bool:
        return self.canvas.widest(texts, px) <= 0.92 * self.width

    def write_inside(self, errors: NDArray) -> bool:
        """Write errors away from the border below those that are not 0; False: none, or no room."""
        texts = [f"inside {text}" for text in self._texts(errors)]
        if not np.isfinite(errors).any() or not self._fits(texts, self.canvas.size.small):
            return False
        written = np.isfinite(errors) & np.isfinite(self.errors) & (self.errors != 0)
        self.inside = np.where(written.ravel(), texts, "").tolist()
        return True

    def draw(self, word: str) -> None:
        """Draw it below the headline."""
        canvas, size, small = self.canvas, self.canvas.size, self.canvas.size.small
        top, (count, columns) = canvas.top + _HEAD * small, self.errors.shape
        height = min((canvas.bottom - top) / count, 110 * canvas.unit)
        cells = Cells(canvas, self.left, top, count, columns, self.width, height)
        canvas.note(self.left, canvas.top, word, width=columns * self.width)
        every = one_in(canvas.widest(self.amounts, small) + 0.5 * small, self.width)
        y = canvas.top + 1.45 * small
        cells.heads(self.amounts, y, every=every, px=small, bold=True)
        cells.sides(self.names, canvas.left, "lm", px=small, bold=True)
        if self.left > self.beside:
            cells.sides(self.notes, self.beside, "lm", px=small, colour=canvas.theme.quiet)
        px = small if self._fits(self.texts, small) else None
        if self._fits(self.texts, size.label) and height >= 1.25 * size.label:
            px = size.label
        for at, error in enumerate(self.errors.ravel()):
            self._draw_cell(
                cells.part(*divmod(at, columns)), error, px, self.texts[at], self.inside[at]
            )
        tall = min(canvas.inner_height, top - canvas.top + count * height, 420 * canvas.unit)
        self.bar.draw(canvas.right - self.bar.width, canvas.top, tall)

    def _draw_cell(
        self, cell: Cells, error: float, px: float | None, text: str, inside: str
    ) -> None:
        """One error in its shade; an exact or missing one in an outline."""
        canvas, theme, gap = self.canvas, self.canvas.theme, 1.5 * self.canvas.unit
        exact, shaded = error == 0, bool(np.isfinite(error) and error != 0)
        fill = (
            style.to_hex(self.bar.scale.rgb(np.array([error]))[0] / 255) if shaded else theme.ground
        )
        edge = None if shaded else theme.output if exact else theme.hairline
        left, top, width, height = cell.place
        canvas.box(left + gap, top + gap, width - 2 * gap, height - 2 * gap, fill=fill, edge=edge)
        if px is None:
            return
        ink = theme.output if exact else style.ink_on(fill)
        x, y = cell.middle(0, 0)
        shift = 0.65 * canvas.size.small if inside else 0.0
        canvas.text(x, y - shift, text, "mm", px=px, colour=ink, bold=exact)
        if inside:
            canvas.text(x, y + 1.3 * shift, inside, "mm", px=canvas.size.small, colour=ink)
