"""One image in both orders: shifted before a layer, and after it."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells


def two_ways(
    image: ArrayLike,
    shifted_image: ArrayLike,
    map: ArrayLike,
    map_of_shifted: ArrayLike,
    shifted_map: ArrayLike,
    *,
    layer: str,
    steps: tuple[str, str],
    facts: tuple[str, str],
    compared: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """ "Shift, then the layer" above, "the layer, then shift" below, the difference at the right.

    image, shifted_image: (1 or 3, H, W).  map, map_of_shifted, shifted_map: (h, w),
    one map of the layer, on one scale; their difference (upper minus lower) on a
    signed one.  steps: how the image and how the map are shifted, in words.  facts:
    the title and the second line of the difference.  compared (h, w): cells outside are
    left out of the difference and remain grey.

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
        (f"shift, then {layer}", (shift, layer), (before, after, maps[1])),
        (f"{layer}, then shift", (layer, move), (before, maps[0], maps[2])),
    ]
    difference = np.where(inside, maps[1] - maps[2], 0.0)
    sheet = _Sheet(canvas, ways, style.activation_scale(np.stack(maps)), difference)
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

    def draw_difference(self, inside: NDArray, name: str, note: str) -> None:
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
        notes = [*note.split("; "), f"maps: {self.scale.words}"]
        if self.narrow:
            limits = [number(end) for end in (self.bar.scale.lowest, self.bar.scale.highest)]
            notes = [note, f"{notes[-1]}; difference from {limits[0]} to {limits[1]}"]
            x, y, width = canvas.left, canvas.bottom - self.foot + 0.6 * small, canvas.inner_width
        else:
            self.bar.draw(x + self.width + 0.8 * size.label, y, self.height)
            y += self.height + 0.4 * small
        canvas.paragraph(x, y, notes, px=small, colour=theme.quiet, width=width)
