"""Which input pixels a unit of a feature map sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.page import LINE, Page, image_rgb, whole_cells
from convlab.viz.style import Scale


def receptive_field(
    *,
    input_size: tuple[int, int],
    box: tuple[int, int, int, int],
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
    whose darkest and brightest numbers stand above it; None draws empty cells.
    facts: (label, text) pairs that stand below.

    Raises ShapeError for an empty box, a unit outside the map and arrays of
    other sizes, SpecError for an unknown theme or size.
    """
    top, left, bottom, right = box
    if bottom <= top or right <= left:
        raise ShapeError(f"expected a box (top, left, bottom, right) with pixels in it, got {box}")
    if not all(0 <= at < length for at, length in zip(unit, map_size, strict=True)):
        raise ShapeError(f"expected a unit inside the {style.size_text(*map_size)} map, got {unit}")
    values = None if map is None else np.asarray(map, dtype=float)
    if values is not None and values.shape != tuple(map_size):
        raise ShapeError(f"expected a map {tuple(map_size)}, got {values.shape}")
    rgb = None if image is None else image_rgb(np.asarray(image))
    if rgb is not None and rgb.shape[:2] != tuple(input_size):
        raise ShapeError(f"expected an image of {tuple(input_size)} pixels, got {rgb.shape[:2]}")

    page = Page(size, theme, aspect=0.85)
    page.headline(title, subtitle, page.theme.window)
    facts_top = _facts(page, facts)
    height = facts_top - page.top
    scale = None if values is None else style.activation_scale(values)
    lines = 1 if scale is None else 2
    head = (page.size.label + lines * page.size.small) * LINE + 0.4 * page.size.small
    padded = top < 0 or left < 0 or bottom > input_size[0] or right > input_size[1]
    input_note = style.size_text(*input_size) + (", dashed: padding" if padded else "")
    unit_note = f"{style.size_text(*map_size)}, unit row {unit[0]}, column {unit[1]}"
    unit_notes = [unit_note]
    if scale is not None:
        low, high = style.number(scale.lowest), style.number(scale.highest)
        value = style.number(float(values[unit[0], unit[1]]))
        unit_notes.append(f"dark {low}, bright {high}, unit {value}")
    words = page.widest(unit_notes, page.size.small)

    # The input and the padding that the box reaches, together as large as the left part allows.
    first_row, first_column = min(0, top), min(0, left)
    rows = max(input_size[0], bottom) - first_row
    columns = max(input_size[1], right) - first_column
    room = page.right - page.left
    map_room = max(0.3 * room, words)
    pixel = whole_cells(room - map_room - 0.1 * room, height - head, rows, columns)
    body = page.top + head
    origin = (page.left - first_column * pixel, body - first_row * pixel)
    cell = whole_cells(
        map_room, min(height - head, max(0.75 * rows * pixel, 120 * page.unit)), *map_size
    )
    map_left = page.right - max(map_room, cell * map_size[1])

    _heading(page, "input", [input_note], page.left, page.top, page.theme.input, pixel * columns)
    _heading(page, "feature map", unit_notes, map_left, page.top, page.theme.output, map_room)
    _input(page, rgb, input_size, box, origin, pixel)
    _map(page, values, scale, map_size, unit, (map_left, body), cell)

    x = origin[0] + right * pixel
    unit_left = map_left + unit[1] * cell
    unit_top = body + unit[0] * cell
    for start, end in ((top, unit_top), (bottom, unit_top + cell)):
        page.line(
            [x, unit_left],
            [origin[1] + start * pixel, end],
            page.theme.window,
            stroke=page.size.hair * 1.3,
            dashes=(5, 3),
        )
    return page.figure


def _heading(
    page: Page, name: str, notes: Sequence[str], x: float, y: float, colour: str, width: float
) -> None:
    page.text(x, y, name, colour=colour, bold=True)
    width = max(width, page.widest(notes, page.size.small))
    y += page.size.label * LINE
    for note in notes:
        page.text(x, y, note, px=page.size.small, colour=page.theme.quiet, width=width)
        y += page.size.small * LINE


def _input(
    page: Page,
    rgb: NDArray | None,
    input_size: tuple[int, int],
    box: tuple[int, int, int, int],
    origin: tuple[float, float],
    pixel: float,
) -> None:
    theme = page.theme
    top, left, bottom, right = box
    x, y = origin
    rows, columns = input_size
    box_left, box_top = x + left * pixel, y + top * pixel
    box_width, box_height = (right - left) * pixel, (bottom - top) * pixel
    # Padding lies under the input: only the part outside it stays visible.
    page.box(box_left, box_top, box_width, box_height, fill=theme.hairline_fill)
    if pixel >= 5 * page.unit:
        shape = (bottom - top, right - left)
        page.grid_lines(box_left, box_top, *shape, (pixel, pixel), theme.hairline, dashed=True)
    else:
        page.box(box_left, box_top, box_width, box_height, edge=theme.hairline, dashed=True)
    width, height = columns * pixel, rows * pixel
    if rgb is not None:
        page.picture(rgb, x, y, width, height)
    else:
        page.box(x, y, width, height, fill=theme.input_fill)
        inner_top, inner_left = max(top, 0), max(left, 0)
        inner_rows, inner_columns = min(bottom, rows) - inner_top, min(right, columns) - inner_left
        if inner_rows > 0 and inner_columns > 0:
            page.box(
                x + inner_left * pixel,
                y + inner_top * pixel,
                inner_columns * pixel,
                inner_rows * pixel,
                fill=theme.window_fill,
            )
        if pixel >= 5 * page.unit:
            page.grid_lines(x, y, rows, columns, (pixel, pixel), theme.input)
    page.box(x, y, width, height, edge=theme.input)
    page.box(box_left, box_top, box_width, box_height, edge=theme.window, stroke=page.size.thick)


def _map(
    page: Page,
    values: NDArray | None,
    scale: Scale | None,
    map_size: tuple[int, int],
    unit: tuple[int, int],
    corner: tuple[float, float],
    cell: float,
) -> None:
    theme = page.theme
    left, top = corner
    rows, columns = map_size
    if values is not None and scale is not None:
        page.array(values, scale, left, top, columns * cell, rows * cell)
    elif cell >= 5 * page.unit:
        page.grid_lines(left, top, rows, columns, (cell, cell), theme.output)
    page.box(left, top, columns * cell, rows * cell, edge=theme.output)
    unit_left, unit_top = left + unit[1] * cell, top + unit[0] * cell
    fill = theme.output_fill if values is None else None
    # Two strokes: the outline must stand off the shades below it as well.
    page.box(
        unit_left, unit_top, cell, cell, edge=theme.ground, stroke=1.7 * page.size.thick, fill=fill
    )
    page.box(unit_left, unit_top, cell, cell, edge=theme.output, stroke=page.size.thick)


def _facts(page: Page, facts: Sequence[tuple[str, str]]) -> float:
    """Facts in columns at the foot, label above text; returns where the room above them ends."""
    if not facts:
        return page.bottom
    size = page.size
    gap, room = 2 * size.label, page.right - page.left
    pair = (size.small + size.label) * LINE

    def natural(label: str, text: str) -> float:
        return max(page.measure(label, size.small), page.measure(text, size.label))

    columns = len(facts)
    while True:
        widths = [
            min(max(natural(*fact) for fact in facts[column::columns]), room)
            for column in range(columns)
        ]
        if columns == 1 or sum(widths) + gap * (columns - 1) <= room:
            break
        columns -= 1
    rows = -(-len(facts) // columns)
    step = pair + 0.5 * size.small
    top = page.bottom - rows * step + 0.5 * size.small
    spare = (room - sum(widths)) / max(1, columns - 1)
    for index, (label, text) in enumerate(facts):
        row, column = divmod(index, columns)
        x = page.left + sum(widths[:column]) + column * min(spare, 3 * gap)
        y = top + row * step
        width = widths[column]
        page.text(x, y, label, px=size.small, colour=page.theme.quiet, width=width)
        page.text(x, y + size.small * LINE, text, width=width)
    return top - 1.5 * size.label
