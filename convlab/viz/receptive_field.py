"""Which input pixels a unit of a feature map sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.page import LINE, Page, image_rgb, whole_cells
from convlab.viz.style import Scale

HALF = "inner frame: half of the gradient"


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
    rgb = _checked_image(image, input_size)
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
        value = number(float(values[unit[0], unit[1]]))
        unit_notes.append(scale.words if scale.only is not None else f"{scale.words}, unit {value}")
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


def field_chain(
    *,
    input_size: tuple[int, int],
    boxes: Sequence[tuple[str, tuple[int, int, int, int], str]],
    image: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The boxes that units of several layers see, nested on the image, each with its name.

    input_size: (H, W) pixels.  boxes: (layer, (top, left, bottom, right), note),
    half-open input pixels, in the order of the network; the last is the chosen
    unit's.  What lies outside the input is padding and is drawn dashed.  image:
    (1, H, W) or (3, H, W); None draws the grid of pixels.  Labels stand beside the image,
    the outermost box's first, with the columns that each box covers as a bar; dotted
    lines lead from a box's right edge to its label as long as they stay apart.  Where
    not all fit, labels are left out from the inside, and the second line says so.

    Raises ShapeError for no box, an empty one and an image of another size,
    SpecError for an unknown theme or size.
    """
    if not boxes or any(b[2] <= b[0] or b[3] <= b[1] for _, b, _ in boxes):
        raise ShapeError(f"expected boxes (top, left, bottom, right) with pixels, got {boxes}")
    rgb = _checked_image(image, input_size)
    page = Page(size, theme, aspect=0.75)
    line = page.size.label * LINE
    # Three lines of headline are the most that can come.
    head = (page.size.title + 2 * page.size.subtitle) * LINE + 0.7 * page.size.label
    needed = 2 * page.margin + head + (len(boxes) + 1) * line
    page = Page(size, theme, aspect=max(0.75, needed / page.width + 0.01))
    small, label, theme_colours = page.size.small, page.size.label, page.theme
    room = int((page.bottom - page.margin - head - line) / line)
    left_out = max(0, len(boxes) - room)
    said = f"; {left_out} inner labels left out" if left_out else ""
    page.headline(title, subtitle + said, theme_colours.window)
    named = boxes[left_out:][::-1]  # the outermost first

    # Columns of the labels: name, size, note; the note only where the image stays large.
    whole = page.right - page.left
    names = min(page.widest([name for name, _, _ in named], label, True), 0.25 * whole)
    sizes = [style.size_text(b[2] - b[0], b[3] - b[1]) for _, b, _ in named]
    extents = page.widest(sizes, small)
    notes = page.widest([note for _, _, note in named], small)
    gap = 2.5 * label
    if names + extents + notes + 2 * label + gap > 0.45 * whole:
        notes = 0.0
    labels = names + label + extents + (label + notes if notes else 0.0)

    height = page.bottom - page.top - line
    first_row = min(0, *(b[0] for _, b, _ in boxes))
    first_column = min(0, *(b[1] for _, b, _ in boxes))
    rows = max(input_size[0], *(b[2] for _, b, _ in boxes)) - first_row
    columns = max(input_size[1], *(b[3] for _, b, _ in boxes)) - first_column
    pixel = _pixel(whole - labels - gap, height, rows, columns)
    body = page.top + line
    origin = (page.left - first_column * pixel, body - first_row * pixel)
    padded = (rows, columns) != tuple(input_size)
    page.run(
        page.left,
        page.top,
        [
            ("input", theme_colours.input, True),
            (
                style.size_text(*input_size) + (", dashed: padding" if padded else ""),
                theme_colours.quiet,
                False,
            ),
        ],
        small,
    )
    outer = boxes[-1][1]
    _input(page, rgb, input_size, outer, origin, pixel)
    for _, box, _ in boxes[:-1]:
        _frame(page, box, origin, pixel, 0.45 * page.size.thick)
    _frame(page, outer, origin, pixel, page.size.thick)

    step = min(height / len(named), 3 * line)
    edge = page.left + columns * pixel
    left = edge + gap
    spare = page.right - left - labels - 2 * label
    words = f"pale: columns 0 to {input_size[1] - 1}"
    least = max(0.1 * whole, page.measure(words, small))
    bars = min(spare, columns * pixel) if min(spare, columns * pixel) >= least else 0.0
    # What is still left goes between the image and its labels.
    left += max(0.0, min(spare - bars, 2 * gap)) if bars else 0.0
    bar_left = left + labels + 2 * label
    if bars:
        page.text(bar_left, page.top, words, px=small, colour=theme_colours.quiet, width=bars)
    last_leader = -np.inf
    for index, ((name, box, note), extent) in enumerate(zip(named, sizes, strict=True)):
        y = body + (index + 0.5) * step
        start = max(origin[1] + box[0] * pixel, last_leader + 0.9 * small)
        if start <= origin[1] + (box[0] + box[2]) / 2 * pixel:
            corner, bend = origin[0] + box[3] * pixel, edge + 0.3 * (left - edge)
            page.line(
                [corner, bend, left - 0.7 * label, left - 0.3 * label],
                [start, start, y, y],
                theme_colours.window,
                stroke=0.7 * page.size.hair,
                dashes=(1, 2.5),
            )
            last_leader = start
        page.text(left, y, name, bold=index == 0, va="center_baseline", width=names)
        x = left + names + label
        for text in (extent, note if notes else ""):
            if text:
                page.text(x, y, text, px=small, colour=theme_colours.quiet, va="center_baseline")
            x += extents + label
        if bars:
            scale = bars / columns
            zero, thickness = bar_left - first_column * scale, min(0.5 * step, 0.8 * small)
            whole_input = (zero, y - thickness / 2, input_size[1] * scale, thickness)
            page.box(*whole_input, fill=theme_colours.input_fill)
            page.box(
                zero + box[1] * scale,
                y - thickness / 2,
                (box[3] - box[1]) * scale,
                thickness,
                edge=theme_colours.window,
                fill=theme_colours.window_fill,
            )
    return page.figure


def effective_field(
    *,
    gradient: ArrayLike,
    box: tuple[int, int, int, int],
    half: tuple[int, int, int, int] | None,
    image: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    facts: Sequence[tuple[str, str]] = (),
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The pixels that theory says a unit sees, beside how much each of them weighs.

    gradient: (H, W), not negative, the mean absolute gradient by each pixel.  box:
    (top, left, bottom, right), the theoretical field, and half: the box that holds
    half of the gradient, None where all is 0; half-open, in input pixels.  image:
    (1, H, W) or (3, H, W); None draws the grid of pixels.  facts: (label, text) pairs that
    stand below.

    Raises ShapeError for empty boxes and arrays of other sizes, SpecError for an
    unknown theme or size.
    """
    values = np.asarray(gradient, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeError(f"expected a gradient (H, W), got {values.shape}")
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ShapeError(f"expected a box (top, left, bottom, right) with pixels in it, got {box}")
    input_size = values.shape
    rgb = _checked_image(image, input_size)
    page = Page(size, theme, aspect=0.8)
    page.headline(title, subtitle, page.theme.window)
    height = _facts(page, facts) - page.top
    scale = style.activation_scale(np.append(values, 0.0))
    head = (page.size.label + page.size.small) * LINE + 0.4 * page.size.small
    first_row, first_column = min(0, box[0]), min(0, box[1])
    rows = max(input_size[0], box[2]) - first_row
    columns = max(input_size[1], box[3]) - first_column
    bar = page.bar_width(scale, "gradient")
    gap = 2.5 * page.size.label
    room = (page.right - page.left - bar - 2 * gap) / 2
    pixel = _pixel(room, height - head, rows, columns)
    body = page.top + head
    width = columns * pixel
    second = max(page.left + width + gap, page.left + room + gap)
    padded = (rows, columns) != tuple(input_size)
    if half is None:
        half_words = "no pixel changes the unit"
    else:
        fits = page.measure(HALF, page.size.small) <= room
        half_words = HALF if fits else "inner frame: half"
    theory = style.size_text(box[2] - box[0], box[3] - box[1])
    explained = f"{theory}, dashed: padding"
    if padded and page.measure(explained, page.size.small) <= room:
        theory = explained
    for x, name, note, colour in (
        (page.left, "theory", theory, page.theme.window),
        (second, "measured", half_words, page.theme.output),
    ):
        page.text(x, page.top, name, colour=colour, bold=True, width=room)
        y = page.top + page.size.label * LINE
        page.text(x, y, note, px=page.size.small, colour=page.theme.quiet, width=room)
    origin = (page.left - first_column * pixel, body - first_row * pixel)
    _input(page, rgb, input_size, box, origin, pixel)
    origin = (second - first_column * pixel, origin[1])
    page.box(
        origin[0] + box[1] * pixel,
        origin[1] + box[0] * pixel,
        (box[3] - box[1]) * pixel,
        (box[2] - box[0]) * pixel,
        edge=page.theme.hairline,
        fill=page.theme.hairline_fill,
        dashed=True,
    )
    size_ = (input_size[1] * pixel, input_size[0] * pixel)
    page.array(values, scale, *origin, *size_, edge=page.theme.input)
    _frame(page, box, origin, pixel, page.size.thick)
    if half is not None and half[2] > half[0] and half[3] > half[1]:
        _frame(page, half, origin, pixel, 0.5 * page.size.thick, page.theme.output)
    words = page.measure(half_words, page.size.small)
    beside = min(second + max(width, words) + gap, page.right - bar)
    page.bar(scale, "gradient", beside, page.top, min(rows * pixel + head, height))
    return page.figure


def _pixel(width: float, height: float, rows: int, columns: int) -> float:
    """The side of a pixel; whole where a difference of one would be seen."""
    side = min(width / columns, height / rows)
    return whole_cells(width, height, rows, columns) if side >= 4 else side


def _checked_image(image: ArrayLike | None, input_size: tuple[int, int]) -> NDArray | None:
    rgb = None if image is None else image_rgb(np.asarray(image))
    if rgb is not None and rgb.shape[:2] != tuple(input_size):
        raise ShapeError(f"expected an image of {tuple(input_size)} pixels, got {rgb.shape[:2]}")
    return rgb


def _frame(
    page: Page,
    box: tuple[int, int, int, int],
    origin: tuple[float, float],
    pixel: float,
    stroke: float,
    colour: str | None = None,
) -> None:
    """The outline of a box of pixels, over the ground's colour so that it stands off the image."""
    place = (
        origin[0] + box[1] * pixel,
        origin[1] + box[0] * pixel,
        (box[3] - box[1]) * pixel,
        (box[2] - box[0]) * pixel,
    )
    page.box(*place, edge=page.theme.ground, stroke=1.8 * stroke)
    page.box(*place, edge=colour or page.theme.window, stroke=stroke)


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
    if pixel >= 8 * page.unit:
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
        if pixel >= 8 * page.unit:
            page.grid_lines(x, y, rows, columns, (pixel, pixel), theme.hairline)
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
    elif cell >= 8 * page.unit:
        page.grid_lines(left, top, rows, columns, (cell, cell), theme.hairline)
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
