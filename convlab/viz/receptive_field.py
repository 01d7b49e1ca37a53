"""Which input pixels a unit of a feature map sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.style import Scale
from convlab.viz.tiles import whole_cells

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
    canvas = Canvas(size, theme, aspect=0.85)
    canvas.headline(title, subtitle, canvas.theme.window)
    facts_top = _facts(canvas, facts)
    height = facts_top - canvas.top
    scale = None if values is None else style.activation_scale(values)
    lines = 1 if scale is None else 2
    head = (canvas.size.label + lines * canvas.size.small) * LINE + 0.4 * canvas.size.small
    padded = top < 0 or left < 0 or bottom > input_size[0] or right > input_size[1]
    input_note = style.size_text(*input_size) + (", dashed: padding" if padded else "")
    unit_note = f"{style.size_text(*map_size)}, unit row {unit[0]}, column {unit[1]}"
    unit_notes = [unit_note]
    if scale is not None:
        value = number(float(values[unit[0], unit[1]]))
        unit_notes.append(scale.words if scale.only is not None else f"{scale.words}, unit {value}")
    words = canvas.widest(unit_notes, canvas.size.small)

    # The input and the padding that the box reaches, together as large as the left part allows.
    first_row, first_column = min(0, top), min(0, left)
    rows = max(input_size[0], bottom) - first_row
    columns = max(input_size[1], right) - first_column
    room = canvas.inner_width
    map_room = max(0.3 * room, words)
    pixel = whole_cells(room - map_room - 0.1 * room, height - head, rows, columns)
    body = canvas.top + head
    origin = (canvas.left - first_column * pixel, body - first_row * pixel)
    cell = whole_cells(
        map_room, min(height - head, max(0.75 * rows * pixel, 120 * canvas.unit)), *map_size
    )
    map_left = canvas.right - max(map_room, cell * map_size[1])

    _heading(
        canvas, "input", [input_note], canvas.left, canvas.top, canvas.theme.input, pixel * columns
    )
    _heading(canvas, "feature map", unit_notes, map_left, canvas.top, canvas.theme.output, map_room)
    _input(canvas, rgb, input_size, box, origin, pixel)
    _map(canvas, values, scale, map_size, unit, (map_left, body), cell)

    x = origin[0] + right * pixel
    unit_left = map_left + unit[1] * cell
    unit_top = body + unit[0] * cell
    for start, end in ((top, unit_top), (bottom, unit_top + cell)):
        canvas.line(
            [x, unit_left],
            [origin[1] + start * pixel, end],
            canvas.theme.window,
            stroke=canvas.size.hair * 1.3,
            dashes=(5, 3),
        )
    return canvas.figure


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
    canvas = Canvas(size, theme, aspect=0.75)
    line = canvas.size.label * LINE
    # Three lines of headline are the most that can come.
    head = (canvas.size.title + 2 * canvas.size.subtitle) * LINE + 0.7 * canvas.size.label
    needed = 2 * canvas.margin + head + (len(boxes) + 1) * line
    canvas = Canvas(size, theme, aspect=max(0.75, needed / canvas.width + 0.01))
    small, label, theme_colours = canvas.size.small, canvas.size.label, canvas.theme
    room = int((canvas.bottom - canvas.margin - head - line) / line)
    left_out = max(0, len(boxes) - room)
    said = f"; {left_out} inner labels left out" if left_out else ""
    canvas.headline(title, subtitle + said, theme_colours.window)
    named = boxes[left_out:][::-1]  # the outermost first

    # Columns of the labels: name, size, note; the note only where the image stays large.
    whole = canvas.inner_width
    names = min(canvas.widest([name for name, _, _ in named], label, True), 0.25 * whole)
    sizes = [style.size_text(b[2] - b[0], b[3] - b[1]) for _, b, _ in named]
    extents = canvas.widest(sizes, small)
    notes = canvas.widest([note for _, _, note in named], small)
    gap = 2.5 * label
    if names + extents + notes + 2 * label + gap > 0.45 * whole:
        notes = 0.0
    labels = names + label + extents + (label + notes if notes else 0.0)

    height = canvas.inner_height - line
    first_row = min(0, *(b[0] for _, b, _ in boxes))
    first_column = min(0, *(b[1] for _, b, _ in boxes))
    rows = max(input_size[0], *(b[2] for _, b, _ in boxes)) - first_row
    columns = max(input_size[1], *(b[3] for _, b, _ in boxes)) - first_column
    pixel = _pixel(whole - labels - gap, height, rows, columns)
    body = canvas.top + line
    origin = (canvas.left - first_column * pixel, body - first_row * pixel)
    padded = (rows, columns) != tuple(input_size)
    canvas.run(
        canvas.left,
        canvas.top,
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
    _input(canvas, rgb, input_size, outer, origin, pixel)
    for _, box, _ in boxes[:-1]:
        _frame(canvas, box, origin, pixel, 0.45 * canvas.size.thick)
    _frame(canvas, outer, origin, pixel, canvas.size.thick)

    step = min(height / len(named), 3 * line)
    edge = canvas.left + columns * pixel
    left = edge + gap
    spare = canvas.right - left - labels - 2 * label
    words = f"pale: columns 0 to {input_size[1] - 1}"
    least = max(0.1 * whole, canvas.measure(words, small))
    bars = min(spare, columns * pixel) if min(spare, columns * pixel) >= least else 0.0
    # What is still left goes between the image and its labels.
    left += max(0.0, min(spare - bars, 2 * gap)) if bars else 0.0
    bar_left = left + labels + 2 * label
    if bars:
        canvas.note(bar_left, canvas.top, words, width=bars)
    last_leader = -np.inf
    for index, ((name, box, note), extent) in enumerate(zip(named, sizes, strict=True)):
        y = body + (index + 0.5) * step
        start = max(origin[1] + box[0] * pixel, last_leader + 0.9 * small)
        if start <= origin[1] + (box[0] + box[2]) / 2 * pixel:
            corner, bend = origin[0] + box[3] * pixel, edge + 0.3 * (left - edge)
            canvas.line(
                [corner, bend, left - 0.7 * label, left - 0.3 * label],
                [start, start, y, y],
                theme_colours.window,
                stroke=0.7 * canvas.size.hair,
                dashes=(1, 2.5),
            )
            last_leader = start
        canvas.text(left, y, name, "lm", bold=index == 0, width=names)
        x = left + names + label
        for text in (extent, note if notes else ""):
            if text:
                canvas.note(x, y, text, "lm")
            x += extents + label
        if bars:
            scale = bars / columns
            zero, thickness = bar_left - first_column * scale, min(0.5 * step, 0.8 * small)
            whole_input = (zero, y - thickness / 2, input_size[1] * scale, thickness)
            canvas.box(*whole_input, fill=theme_colours.input_fill)
            canvas.box(
                zero + box[1] * scale,
                y - thickness / 2,
                (box[3] - box[1]) * scale,
                thickness,
                edge=theme_colours.window,
                fill=theme_colours.window_fill,
            )
    return canvas.figure


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
    canvas = Canvas(size, theme, aspect=0.8)
    canvas.headline(title, subtitle, canvas.theme.window)
    height = _facts(canvas, facts) - canvas.top
    scale = style.activation_scale(np.append(values, 0.0))
    head = (canvas.size.label + canvas.size.small) * LINE + 0.4 * canvas.size.small
    first_row, first_column = min(0, box[0]), min(0, box[1])
    rows = max(input_size[0], box[2]) - first_row
    columns = max(input_size[1], box[3]) - first_column
    bar = ColourBar(canvas, scale, "gradient").width
    gap = 2.5 * canvas.size.label
    room = (canvas.inner_width - bar - 2 * gap) / 2
    pixel = _pixel(room, height - head, rows, columns)
    body = canvas.top + head
    width = columns * pixel
    second = max(canvas.left + width + gap, canvas.left + room + gap)
    padded = (rows, columns) != tuple(input_size)
    if half is None:
        half_words = "no pixel changes the unit"
    else:
        fits = canvas.measure(HALF, canvas.size.small) <= room
        half_words = HALF if fits else "inner frame: half"
    theory = style.size_text(box[2] - box[0], box[3] - box[1])
    explained = f"{theory}, dashed: padding"
    if padded and canvas.measure(explained, canvas.size.small) <= room:
        theory = explained
    for x, name, note, colour in (
        (canvas.left, "theory", theory, canvas.theme.window),
        (second, "measured", half_words, canvas.theme.output),
    ):
        canvas.text(x, canvas.top, name, colour=colour, bold=True, width=room)
        y = canvas.top + canvas.size.label * LINE
        canvas.note(x, y, note, width=room)
    origin = (canvas.left - first_column * pixel, body - first_row * pixel)
    _input(canvas, rgb, input_size, box, origin, pixel)
    origin = (second - first_column * pixel, origin[1])
    canvas.box(
        origin[0] + box[1] * pixel,
        origin[1] + box[0] * pixel,
        (box[3] - box[1]) * pixel,
        (box[2] - box[0]) * pixel,
        edge=canvas.theme.hairline,
        fill=canvas.theme.hairline_fill,
        dashed=True,
    )
    size_ = (input_size[1] * pixel, input_size[0] * pixel)
    canvas.array(values, scale, *origin, *size_, edge=canvas.theme.input)
    _frame(canvas, box, origin, pixel, canvas.size.thick)
    if half is not None and half[2] > half[0] and half[3] > half[1]:
        _frame(canvas, half, origin, pixel, 0.5 * canvas.size.thick, canvas.theme.output)
    words = canvas.measure(half_words, canvas.size.small)
    beside = min(second + max(width, words) + gap, canvas.right - bar)
    ColourBar(canvas, scale, "gradient").draw(beside, canvas.top, min(rows * pixel + head, height))
    return canvas.figure


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
    canvas: Canvas,
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
    canvas.box(*place, edge=canvas.theme.ground, stroke=1.8 * stroke)
    canvas.box(*place, edge=colour or canvas.theme.window, stroke=stroke)


def _heading(
    canvas: Canvas, name: str, notes: Sequence[str], x: float, y: float, colour: str, width: float
) -> None:
    canvas.text(x, y, name, colour=colour, bold=True)
    width = max(width, canvas.widest(notes, canvas.size.small))
    y += canvas.size.label * LINE
    for note in notes:
        canvas.note(x, y, note, width=width)
        y += canvas.size.small * LINE


def _input(
    canvas: Canvas,
    rgb: NDArray | None,
    input_size: tuple[int, int],
    box: tuple[int, int, int, int],
    origin: tuple[float, float],
    pixel: float,
) -> None:
    theme = canvas.theme
    top, left, bottom, right = box
    x, y = origin
    rows, columns = input_size
    box_left, box_top = x + left * pixel, y + top * pixel
    box_width, box_height = (right - left) * pixel, (bottom - top) * pixel
    # Padding lies under the input: only the part outside it stays visible.
    canvas.box(box_left, box_top, box_width, box_height, fill=theme.hairline_fill)
    if pixel >= 8 * canvas.unit:
        shape = (bottom - top, right - left)
        Cells(canvas, box_left, box_top, *shape, pixel).lines(theme.hairline, dashed=True)
    else:
        canvas.box(box_left, box_top, box_width, box_height, edge=theme.hairline, dashed=True)
    width, height = columns * pixel, rows * pixel
    if rgb is not None:
        canvas.picture(rgb, x, y, width, height)
    else:
        canvas.box(x, y, width, height, fill=theme.input_fill)
        inner_top, inner_left = max(top, 0), max(left, 0)
        inner_rows, inner_columns = min(bottom, rows) - inner_top, min(right, columns) - inner_left
        if inner_rows > 0 and inner_columns > 0:
            canvas.box(
                x + inner_left * pixel,
                y + inner_top * pixel,
                inner_columns * pixel,
                inner_rows * pixel,
                fill=theme.window_fill,
            )
        if pixel >= 8 * canvas.unit:
            Cells(canvas, x, y, rows, columns, pixel).lines(theme.hairline)
    canvas.box(x, y, width, height, edge=theme.input)
    canvas.box(
        box_left, box_top, box_width, box_height, edge=theme.window, stroke=canvas.size.thick
    )


def _map(
    canvas: Canvas,
    values: NDArray | None,
    scale: Scale | None,
    map_size: tuple[int, int],
    unit: tuple[int, int],
    corner: tuple[float, float],
    cell: float,
) -> None:
    theme = canvas.theme
    left, top = corner
    rows, columns = map_size
    if values is not None and scale is not None:
        canvas.array(values, scale, left, top, columns * cell, rows * cell)
    elif cell >= 8 * canvas.unit:
        Cells(canvas, left, top, rows, columns, cell).lines(theme.hairline)
    canvas.box(left, top, columns * cell, rows * cell, edge=theme.output)
    unit_left, unit_top = left + unit[1] * cell, top + unit[0] * cell
    fill = theme.output_fill if values is None else None
    # Two strokes: the outline must stand off the shades below it as well.
    canvas.box(
        unit_left,
        unit_top,
        cell,
        cell,
        edge=theme.ground,
        stroke=1.7 * canvas.size.thick,
        fill=fill,
    )
    canvas.box(unit_left, unit_top, cell, cell, edge=theme.output, stroke=canvas.size.thick)


def _facts(canvas: Canvas, facts: Sequence[tuple[str, str]]) -> float:
    """Facts in columns at the foot, label above text; returns where the room above them ends."""
    if not facts:
        return canvas.bottom
    size = canvas.size
    gap, room = 2 * size.label, canvas.inner_width
    pair = (size.small + size.label) * LINE

    def natural(label: str, text: str) -> float:
        return max(canvas.measure(label, size.small), canvas.measure(text, size.label))

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
    top = canvas.bottom - rows * step + 0.5 * size.small
    spare = (room - sum(widths)) / max(1, columns - 1)
    for index, (label, text) in enumerate(facts):
        row, column = divmod(index, columns)
        x = canvas.left + sum(widths[:column]) + column * min(spare, 3 * gap)
        y = top + row * step
        width = widths[column]
        canvas.note(x, y, label, width=width)
        canvas.text(x, y + size.small * LINE, text, width=width)
    return top - 1.5 * size.label
