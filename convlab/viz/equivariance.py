"""Whether layers follow a shift: errors by layer and amount, and one image in both orders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number, small_error
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells, one_in
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import part_of
from convlab.words import joined, t


def equivariance(
    errors: ArrayLike,
    layers: Sequence[tuple[str, str]],
    amounts: Sequence[str],
    *,
    rounded: ArrayLike | None = None,
    inner: ArrayLike | None = None,
    word: str = "shift",
    **page: Unpack[Page],
) -> Figure:
    """The equivariance error of each layer for each amount, as shaded numbers.

    errors: (layers, amounts), relative, 0 being exact.  layers: a name and a quiet note for each.
    amounts: the columns' heads, under ``word``.  rounded
    (layers, amounts): where the maps were shifted by the nearest whole number of
    cells, which is marked "≈".  inner (layers, amounts): the errors only away from the border,
    which are written below if there is room.  Exact zeros are in an outlined, empty cell; a dash
    means that there was nothing to compare (NaN).  If not all layers fit, the second line says so.

    Raises ShapeError for arrays of other sizes.
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
    canvas = Sheet(0.75, **page)
    # There are at most three lines of headline.
    room = canvas.inner_height - canvas.headline_height() + 0.7 * canvas.size.label
    room -= _HEAD * canvas.size.small
    most = max(1, math.floor(room / (1.45 * canvas.size.small)))
    notes = [part_of(most, len(layers), t("layers"))]
    notes.append(t("≈ nearest whole cell") if marks[:most].any() else "")
    table = _Table(canvas, errors[:most], marks[:most], layers[:most], amounts)
    if room / len(table.errors) >= 3 * canvas.size.small and table.write_inside(within[:most]):
        notes.append(t("inside: away from the border alone"))
    canvas.head("ink", *notes, sign="; ")
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
        self.bar, gap = ColourBar(canvas, scale, t("error")), 1.2 * small
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
        texts = [t("inside {text}", text) for text in self._texts(errors)]
        if not np.isfinite(errors).any() or not self._fits(texts, self.canvas.size.small):
            return False
        written = np.isfinite(errors) & np.isfinite(self.errors) & (self.errors != 0)
        self.inside = [text if here else "" for text, here in zip(texts, written.flat, strict=True)]
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


def two_ways(
    image: ArrayLike,
    shifted_image: ArrayLike,
    map: ArrayLike,
    map_of_shifted: ArrayLike,
    shifted_map: ArrayLike,
    *,
    layer: str,
    steps: tuple[str, str],
    facts: Sequence[str],
    compared: ArrayLike | None = None,
    signed: bool | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """ "Shift, then the layer" above, "the layer, then shift" below, the difference at the right.

    image, shifted_image: (1 or 3, H, W).  map, map_of_shifted, shifted_map: (h, w),
    one map of the layer, on one scale; their difference (upper minus lower) on a
    signed one.  steps: how the image and how the map are shifted, in words.  facts:
    the title and the lines below the difference.  compared (h, w): cells outside are
    left out of the difference and remain grey.  signed: whether the layer has maps of both signs,
    so that these have the colours that they have in other figures; None: see for yourself.

    Raises ShapeError for arrays whose sizes differ, SpecError for an unknown theme or size.
    """
    maps: list[NDArray] = [np.asarray(each, float) for each in (map, map_of_shifted, shifted_map)]
    plain, *results = (each.shape for each in maps)
    if len(plain) != 2 or {*results} != {plain}:
        raise ShapeError(
            f"expected three maps (h, w) of one size, got {plain}, {results[0]} and {results[1]}"
        )
    inside = np.ones(plain, bool) if compared is None else np.asarray(compared, bool)
    if inside.shape != plain:
        raise ShapeError(f"expected compared {plain}, got {inside.shape}")
    before, after = image_rgb(image), image_rgb(shifted_image)
    if before.shape != after.shape:
        raise ShapeError(
            f"expected two images of one size, got {before.shape[:2]} and {after.shape[:2]}"
        )
    canvas = Canvas(size, theme, aspect=0.9)
    canvas.headline(title, subtitle, canvas.theme.ink)
    shift, move = steps
    ways = [
        (t("shift, then {layer}", layer), (shift, layer), (before, after, maps[1])),
        (t("{layer}, then shift", layer), (layer, move), (before, maps[0], maps[2])),
    ]
    difference = np.where(inside, maps[1] - maps[2], 0.0)
    scale = style.value_scale(np.stack(maps), canvas.theme, signed)
    sheet = _Sheet(canvas, ways, scale, difference)
    sheet.draw()
    sheet.draw_difference(inside, *facts)
    return canvas.figure


_Way = tuple[str, tuple[str, str], tuple[NDArray, NDArray, NDArray]]  # name, steps, arrays


class _Sheet:
    """Both orders one above the other, leading to the difference."""

    def __init__(
        self, canvas: Canvas, ways: list[_Way], scale: style.Scale, difference: NDArray
    ) -> None:
        self.canvas, self.ways, self.scale, self.difference = canvas, ways, scale, difference
        self.bar = ColourBar(canvas, style.signed_scale(difference, canvas.theme))
        self.fork = 2.2 * canvas.size.label
        words = canvas.widest({step for _, steps, _ in ways for step in steps}, canvas.size.small)
        arrow = max(words + 14 * canvas.unit, 60 * canvas.unit)
        self._lay_out(arrow, self.bar.width + 0.8 * canvas.size.label)
        if self.side < 150 * canvas.unit:
            # On a narrow canvas the steps are above their results, the scale below everything.
            self._lay_out(34 * canvas.unit, 0.0)

    def _lay_out(self, arrow: float, bar: float) -> None:
        """Set the places, with arrows and a bar of these widths; no bar on a narrow canvas."""
        canvas, size = self.canvas, self.canvas.size
        self.arrow, self.narrow = arrow, not bar
        step = size.small * LINE
        head = size.label * LINE + 0.2 * size.small + (step if self.narrow else 0.0)
        self.foot, gap = 2.4 * step if self.narrow else 0.0, 0.9 * size.label
        beside = 2 * arrow + bar + self.fork
        free = canvas.inner_height - self.foot - 2 * head - gap
        # At most as high as wide: a very long image gets a lower box.
        self.side = min((canvas.inner_width - beside) / 4, free / 2)
        rows, columns = self.ways[0][2][0].shape[:2]
        self.width = self.side * min(1.0, columns / rows)
        self.height = self.side * min(1.0, rows / columns)
        left = canvas.left + (canvas.inner_width - 4 * self.width - beside) / 2
        top = canvas.top + head + max(0.0, free - 2 * self.height) / 2
        pitch = self.width + arrow, self.height + head + gap
        self.places, self.head = Cells(canvas, left, top, 2, 3, *pitch), head

    def draw(self) -> None:
        canvas, theme = self.canvas, self.canvas.theme
        for row, (name, steps, arrays) in enumerate(self.ways):
            x, y = self.places.corner(row, 0)
            width = 2 * self.places.width + self.width
            canvas.text(x, y - self.head, name, bold=True, width=width)
            for column, shown in enumerate(arrays):
                place = (*self.places.corner(row, column), self.width, self.height)
                if shown.ndim == 3:
                    canvas.picture(shown, *place, edge=theme.input)
                else:
                    canvas.array(shown, self.scale, *place, edge=theme.output)
            for column, step in enumerate(steps, 1):
                self._draw_step(step, *self.places.corner(row, column))

    def _draw_step(self, words: str, left: float, top: float) -> None:
        """An arrow to the picture at (left, top), below the words of what it does."""
        canvas, unit, theme = self.canvas, self.canvas.unit, self.canvas.theme
        y, tip = top + self.height / 2, 7 * unit
        start, end = left - self.arrow + 8 * unit, left - 8 * unit
        canvas.line([start, end], [y, y], theme.window, stroke=1.4 * canvas.size.hair)
        for side in (-1, 1):
            canvas.line([end - tip, end], [y + side * tip * 0.7, y], theme.window)
        x, width = left - self.arrow / 2, self.arrow
        if self.narrow:
            x, y, width = left + self.width / 2, top, self.width + self.arrow
        y -= 0.35 * canvas.size.small
        canvas.text(x, y, words, "mb", px=canvas.size.small, colour=theme.window, width=width)

    def draw_difference(self, inside: NDArray, name: str, *said: str) -> None:
        """At the right the upper result minus the lower one."""
        canvas, theme, size = self.canvas, self.canvas.theme, self.canvas.size
        first, small = self.places, size.small
        end = first.corner(0, 2)[0] + self.width
        x, y = end + self.fork, first.top + (first.height - self.head) / 2
        centre, bend, gap = y + self.height / 2, end + self.fork / 2, 6 * canvas.unit
        for row in range(2):
            at = first.corner(row, 0)[1] + self.height / 2
            canvas.line([end + gap, bend, bend, x - gap], [at, at, centre, centre], theme.quiet)
        cells = Cells.within(canvas, inside.shape, x, y, self.width, self.height)
        cells.shades(self.difference, self.bar.scale)
        for row, column in np.argwhere(~inside):
            cells.part(row, column).box(fill=theme.hairline)
        cells.box(edge=theme.mistake)
        width = canvas.right - x
        above = y - size.label * LINE - 0.2 * small
        canvas.text(x, above, name, bold=True, colour=theme.mistake, width=width)
        notes = [*said, t("maps: {words}", self.scale.words)]
        if self.narrow:
            limits = [number(end) for end in (self.bar.scale.lowest, self.bar.scale.highest)]
            notes = [
                joined(said, "; "),
                t(
                    "{notes}; difference from {limits} to {limits2}",
                    *(notes[-1], limits[0], limits[1]),
                ),
            ]
            x, y, width = canvas.left, canvas.bottom - self.foot + 0.6 * small, canvas.inner_width
        else:
            self.bar.draw(x + self.width + 0.8 * size.label, y, self.height)
            y += self.height + 0.4 * small
        canvas.paragraph(x, y, notes, px=small, colour=theme.quiet, width=width)
