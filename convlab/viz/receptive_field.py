"""Which input pixels a unit of a feature map sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.boxed_image import Box, BoxedImage, check_box, checked_image
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.facts import fact_columns
from convlab.viz.matrix import Cells
from convlab.viz.tiles import whole_cells


def receptive_field(
    *,
    input_size: tuple[int, int],
    box: Box,
    map_size: tuple[int, int],
    unit: tuple[int, int],
    image: ArrayLike | None = None,
    map: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    facts: Sequence[tuple[str, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """One unit of a feature map and the box of input pixels that it sees.

    input_size: (H, W) pixels.  box: (top, left, bottom, right) in input pixels,
    half-open; what lies outside the input is padding and is drawn dashed.
    map_size: (h, w); unit: (row, column) in the map, from 0.  image: (1, H, W)
    or (3, H, W); None draws the grid of pixels.  map: (h, w), the unit's map,
    whose darkest and brightest numbers are above it; None draws empty cells.  facts: (label, text)
    pairs below.

    Raises ShapeError for an empty box, a unit outside the map and arrays of
    other sizes, SpecError for an unknown theme or size.
    """
    check_box(box)
    if not all(0 <= at < length for at, length in zip(unit, map_size, strict=True)):
        raise ShapeError(f"expected a unit inside the {style.size_text(*map_size)} map, got {unit}")
    values = None if map is None else np.asarray(map, dtype=float)
    if values is not None and values.shape != tuple(map_size):
        raise ShapeError(f"expected a map {tuple(map_size)}, got {values.shape}")
    rgb = checked_image(image, input_size)
    canvas = Canvas(size, theme, aspect=0.85)
    canvas.headline(title, subtitle, canvas.theme.window)
    height = fact_columns(canvas, facts) - canvas.top
    small, room = canvas.size.small, canvas.inner_width
    scale = style.activation_scale(np.zeros(1) if values is None else values)
    notes = [f"{style.size_text(*map_size)}, unit row {unit[0]}, column {unit[1]}"]
    if values is not None:
        value = "" if scale.only is not None else f", unit {number(float(values[tuple(unit)]))}"
        notes.append(scale.words + value)
    head = (canvas.size.label + len(notes) * small) * LINE + 0.4 * small
    # The input and the padding that the box reaches, together as large as fits into the left part.
    boxed = BoxedImage(canvas, input_size, [box])
    map_room = max(0.3 * room, canvas.widest(notes, small))
    pixel = whole_cells(room - map_room - 0.1 * room, height - head, *boxed.shape)
    boxed = boxed.at(canvas.left, canvas.top + head, pixel)
    wished = max(0.75 * boxed.shape[0] * pixel, 120 * canvas.unit)
    cell = whole_cells(map_room, min(height - head, wished), *map_size)
    left = canvas.right - max(map_room, cell * map_size[1])
    said = style.size_text(*input_size) + (", dashed: padding" if boxed.padded else "")
    canvas.heading(canvas.left, "input", [said], colour=canvas.theme.input)
    canvas.heading(left, "feature map", notes, colour=canvas.theme.output)
    boxed.draw(rgb, box)
    cells = Cells(canvas, left, boxed.top, *map_size, cell)
    if values is not None:
        cells.shades(values, scale)
    elif cell >= 8 * canvas.unit:
        cells.lines(canvas.theme.hairline)
    cells.box(canvas.theme.output)
    _draw_unit(boxed.cells(box), cells.part(*unit), empty=values is None)
    return canvas.figure


def _draw_unit(field: Cells, unit: Cells, empty: bool) -> None:
    """The outlined unit, and dashed lines to it from the right corners of its field."""
    canvas, theme = unit.canvas, unit.canvas.theme
    # Two strokes: the outline must also stand out from the shades below it.
    fill = theme.output_fill if empty else None
    unit.box(theme.ground, fill, stroke=1.7 * canvas.size.thick)
    unit.box(theme.output, stroke=canvas.size.thick)
    for row in (0, 1):
        ends = field.corner(row * field.rows, field.columns), unit.corner(row, 0)
        xs, ys = zip(*ends, strict=True)
        canvas.line(xs, ys, theme.window, stroke=canvas.size.hair * 1.3, dashes=(5, 3))
