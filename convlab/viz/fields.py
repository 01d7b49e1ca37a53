"""The input pixels that units see: one field, how much its pixels weigh, and nested ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.album import Box
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.colour_bar import ColourBar
from convlab.viz.matrix import Cells
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import whole_cells
from convlab.words import t


def checked_image(image: ArrayLike | None, size: tuple[int, int]) -> NDArray | None:
    """The bytes of an image, or None if there is none.  Raises ShapeError for another size."""
    rgb = None if image is None else image_rgb(np.asarray(image))
    if rgb is not None and rgb.shape[:2] != tuple(size):
        raise ShapeError(f"expected an image of {tuple(size)} pixels, got {rgb.shape[:2]}")
    return rgb


def check_box(box: Box) -> None:
    """Raises ShapeError for a box without a pixel."""
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ShapeError(f"expected a box (top, left, bottom, right) with pixels in it, got {box}")


@dataclass(frozen=True)
class BoxedImage:
    """An input of ``size`` (H, W) pixels with its ``boxes``, from (left, top) on.

    What lies outside the input is padding.  ``pixel``: the side of a pixel on the canvas.
    """

    canvas: Canvas
    size: tuple[int, int]
    boxes: Sequence[Box]
    left: float = 0.0
    top: float = 0.0
    pixel: float = 1.0

    @property
    def first(self) -> tuple[int, int]:
        """The first row and the first column, below 0 where there is padding."""
        tops, lefts, _, _ = zip(*self.boxes, strict=True)
        return min(0, *tops), min(0, *lefts)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the input and its padding."""
        _, _, bottoms, rights = zip(*self.boxes, strict=True)
        first_row, first_column = self.first
        return max(self.size[0], *bottoms) - first_row, max(self.size[1], *rights) - first_column

    @property
    def padded(self) -> bool:
        return self.shape != tuple(self.size)

    def at(self, left: float, top: float, pixel: float) -> BoxedImage:
        return replace(self, left=left, top=top, pixel=pixel)

    def largest_pixel(self, width: float, height: float) -> float:
        """The side of a pixel; a whole number where a difference of one would be visible."""
        rows, columns = self.shape
        side = min(width / columns, height / rows)
        return whole_cells(width, height, rows, columns) if side >= 4 else side

    def cells(self, box: Box | None = None) -> Cells:
        """The pixels of a box, or all those of the input."""
        top, left, bottom, right = box or (0, 0, *self.size)
        x = self.left - self.first[1] * self.pixel + left * self.pixel
        y = self.top - self.first[0] * self.pixel + top * self.pixel
        return Cells(self.canvas, x, y, bottom - top, right - left, self.pixel)

    def draw(self, rgb: NDArray | None, box: Box) -> None:
        """The image, or without one the grid of pixels, under a box whose padding is dashed."""
        canvas, theme = self.canvas, self.canvas.theme
        field, whole = self.cells(box), self.cells()
        lined = self.pixel >= 8 * canvas.unit
        # Padding is drawn under the input, so only the part outside it stays visible.
        field.box(fill=theme.hairline_fill)
        if lined:
            field.lines(theme.hairline, dashed=True)
        else:
            field.box(theme.hairline, dashed=True)
        if rgb is not None:
            canvas.picture(rgb, *whole.place)
        else:
            whole.box(fill=theme.input_fill)
            top, left = max(box[0], 0), max(box[1], 0)
            bottom, right = min(box[2], self.size[0]), min(box[3], self.size[1])
            if top < bottom and left < right:
                self.cells((top, left, bottom, right)).box(fill=theme.window_fill)
            if lined:
                whole.lines(theme.hairline)
        whole.box(theme.input)
        self.outline(box, canvas.size.thick)

    def frame(self, box: Box, stroke: float, colour: str | None = None) -> None:
        """The outline of a box, over the background colour so that it stands out from the image."""
        self.cells(box).box(self.canvas.theme.ground, stroke=1.8 * stroke)
        self.outline(box, stroke, colour)

    def outline(self, box: Box, stroke: float, colour: str | None = None) -> None:
        """The outline of a box, dashed around padding."""
        canvas, field, (top, left, bottom, right) = self.canvas, self.cells(box), box
        field.box(colour or canvas.theme.window, stroke=stroke)
        for end, border, far in ((top, 0, bottom), (bottom, self.size[0], top)):
            if (end - border) * (end - far) > 0:  # it ends beyond the border
                y = max(min(border, bottom), top)
                self._dashes([(y, left), (end, left), (end, right), (y, right)], stroke)
        for end, border, far in ((left, 0, right), (right, self.size[1], left)):
            if (end - border) * (end - far) > 0:
                x = max(min(border, right), left)
                self._dashes([(top, x), (top, end), (bottom, end), (bottom, x)], stroke)

    def _dashes(self, corners: Sequence[tuple[int, int]], stroke: float) -> None:
        """Gaps in an outline along these corners (row, column) of pixels."""
        whole = self.cells()
        xs, ys = zip(*(whole.corner(*corner) for corner in corners), strict=True)
        self.canvas.line(xs, ys, self.canvas.theme.ground, stroke=1.1 * stroke, dashes=(1.6, 2.4))


def receptive_field(
    *,
    input_size: tuple[int, int],
    box: Box,
    map_size: tuple[int, int],
    unit: tuple[int, int],
    image: ArrayLike | None = None,
    map: ArrayLike | None = None,
    signed: bool | None = None,
    **page: Unpack[Page],
) -> Figure:
    """One unit of a feature map and the box of input pixels that it sees.

    input_size: (H, W) pixels.  box: (top, left, bottom, right) in input pixels,
    half-open; what lies outside the input is padding and is drawn dashed.
    map_size: (h, w); unit: (row, column) in the map, from 0.  image: (1, H, W)
    or (3, H, W); None draws the grid of pixels.  map: (h, w), the unit's map,
    whose darkest and brightest numbers are above it; None draws empty cells.  signed: whether the
    layer has maps of both signs, whose colours this one then has.

    Raises ShapeError for an empty box, a unit outside the map and arrays of other sizes.
    """
    check_box(box)
    if not all(0 <= at < length for at, length in zip(unit, map_size, strict=True)):
        raise ShapeError(f"expected a unit inside the {style.size_text(*map_size)} map, got {unit}")
    values = None if map is None else np.asarray(map, dtype=float)
    if values is not None and values.shape != tuple(map_size):
        raise ShapeError(f"expected a map {tuple(map_size)}, got {values.shape}")
    rgb = checked_image(image, input_size)
    canvas = Sheet(0.85, "window", **page)
    height = canvas.inner_height
    small, room = canvas.size.small, canvas.inner_width
    scale = style.value_scale(np.zeros(1) if values is None else values, canvas.theme, signed)
    notes = [
        t("{size}, unit row {unit}, column {unit2}", style.size_text(*map_size), unit[0], unit[1])
    ]
    if values is not None:
        value = (
            ""
            if scale.only is not None
            else t(", unit {number}", number(float(values[tuple(unit)])))
        )
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
    said = style.size_text(*input_size) + (t(", dashed: padding") if boxed.padded else "")
    canvas.heading(canvas.left, t("input"), [said], colour=canvas.theme.input)
    canvas.heading(left, t("feature map"), notes, colour=canvas.theme.output)
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


HALF = t("inner frame: half of the gradient")


def effective_field(
    *,
    gradient: ArrayLike,
    box: Box,
    half: Box | None,
    image: ArrayLike | None = None,
    **page: Unpack[Page],
) -> Figure:
    """The pixels that a unit sees in theory, beside how much each of them weighs.

    gradient: (H, W), not negative, the mean absolute gradient with respect to each pixel.  box:
    (top, left, bottom, right), the theoretical field, and half: the box that holds
    half of the gradient, None if all is 0; half-open, in input pixels.  image:
    (1, H, W) or (3, H, W); None draws the grid of pixels.

    Raises ShapeError for empty boxes and arrays of other sizes.
    """
    values = np.asarray(gradient, dtype=float)
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeError(f"expected a gradient (H, W), got {values.shape}")
    check_box(box)
    rgb = checked_image(image, values.shape)
    canvas = Sheet(0.8, "window", **page)
    height = canvas.inner_height
    bar = ColourBar(canvas, style.activation_scale(np.append(values, 0.0)), t("gradient"))
    small, gap = canvas.size.small, 2.5 * canvas.size.label
    head = (canvas.size.label + small) * LINE + 0.4 * small
    room = (canvas.inner_width - bar.width - 2 * gap) / 2
    boxed = BoxedImage(canvas, values.shape, [box])
    pixel = boxed.largest_pixel(room, height - head)
    rows, columns = (length * pixel for length in boxed.shape)
    second = canvas.left + max(columns, room) + gap
    theory, measured = _notes(boxed, half, room)
    window, output = canvas.theme.window, canvas.theme.output
    canvas.heading(canvas.left, t("theory"), [theory], colour=window, width=room)
    canvas.heading(second, t("measured"), [measured], colour=output, width=room)
    boxed = boxed.at(canvas.left, canvas.top + head, pixel)
    boxed.draw(rgb, box)
    beside = boxed.at(second, boxed.top, pixel)
    beside.cells(box).box(canvas.theme.hairline, canvas.theme.hairline_fill, dashed=True)
    beside.cells().shades(values, bar.scale, canvas.theme.input)
    beside.frame(box, canvas.size.thick)
    if half is not None and half[2] > half[0] and half[3] > half[1]:
        beside.frame(half, 0.5 * canvas.size.thick, output)
    left = min(
        second + max(columns, canvas.measure(measured, small)) + gap, canvas.right - bar.width
    )
    bar.draw(left, canvas.top, min(rows + head, height))
    return canvas.figure


def _notes(boxed: BoxedImage, half: Box | None, room: float) -> tuple[str, str]:
    """The text above the theory and above the measurement, in full if there is room."""
    canvas, ((top, left, bottom, right),) = boxed.canvas, boxed.boxes
    theory = style.size_text(bottom - top, right - left)
    full = t("{theory}, dashed: padding", theory)
    if boxed.padded and canvas.measure(full, canvas.size.small) <= room:
        theory = full
    if half is None:
        return theory, t("no pixel changes the unit")
    fits = canvas.measure(HALF, canvas.size.small) <= room
    return theory, HALF if fits else t("inner frame: half")


def field_chain(
    *,
    input_size: tuple[int, int],
    boxes: Sequence[tuple[str, Box, str]],
    image: ArrayLike | None = None,
    **page: Unpack[Page],
) -> Figure:
    """The boxes that units of several layers see, nested on the image, each with its name.

    input_size: (H, W) pixels.  boxes: (layer, (top, left, bottom, right), note),
    half-open input pixels, in the order of the network; the last is the chosen
    unit's.  What lies outside the input is padding and is drawn dashed.  image: (1, H, W) or (3, H,
    W); None draws the grid of pixels.  Labels are beside the image, the outermost box's first, with
    the columns that each box covers as a bar; dotted lines lead from a box's right edge to its
    label as long as they stay apart.  If not all fit, labels are left out starting from the
    innermost, and the second line says so.

    Raises ShapeError for no box, an empty one and an image of another size.
    """
    if not boxes or any(b[2] <= b[0] or b[3] <= b[1] for _, b, _ in boxes):
        raise ShapeError(f"expected boxes (top, left, bottom, right) with pixels, got {boxes}")
    rgb = checked_image(image, input_size)
    canvas = Sheet(0.75, **page)
    line = canvas.size.label * LINE
    # There are at most three lines of headline.
    head = canvas.headline_height(2)
    needed = 2 * canvas.margin + head + (len(boxes) + 1) * line
    canvas = Sheet(max(0.75, needed / canvas.width + 0.01), **page)
    room = int((canvas.bottom - canvas.margin - head - line) / line)
    left_out = max(0, len(boxes) - room)
    canvas.head("window", t("{left_out} inner labels left out", left_out) if left_out else "")
    labels = _Labels(canvas, boxes[left_out:][::-1], 2.5 * canvas.size.label)  # outermost first
    boxed = BoxedImage(canvas, input_size, [box for _, box, _ in boxes])
    width, height = canvas.inner_width - labels.width - labels.gap, canvas.inner_height - line
    boxed = boxed.at(canvas.left, canvas.top + line, boxed.largest_pixel(width, height))
    extent = style.size_text(*input_size) + (t(", dashed: padding") if boxed.padded else "")
    parts = [(t("input"), canvas.theme.input, True), (extent, canvas.theme.quiet, False)]
    canvas.run(canvas.left, canvas.top, parts, canvas.size.small)
    *inner, outer = boxed.boxes
    boxed.draw(rgb, outer)
    for box in inner:
        boxed.frame(box, 0.45 * canvas.size.thick)
    boxed.frame(outer, canvas.size.thick)
    labels.draw(boxed, min(height / len(labels.named), 3 * line))
    return canvas.figure


class _Labels:
    """Columns of names, sizes and notes; the notes only if they leave room for the image.

    ``gap``: between the image and them.  The widths of notes are 0 if they are left out.
    """

    def __init__(self, canvas: Canvas, named: Sequence[tuple[str, Box, str]], gap: float) -> None:
        self.canvas, self.named, self.gap = canvas, named, gap
        label, small, whole = canvas.size.label, canvas.size.small, canvas.inner_width
        self.names = min(canvas.widest([name for name, _, _ in named], label, True), 0.25 * whole)
        self.sizes = [style.size_text(box[2] - box[0], box[3] - box[1]) for _, box, _ in named]
        self.extents = canvas.widest(self.sizes, small)
        self.width = self.names + label + self.extents
        self.notes = canvas.widest([note for _, _, note in named], small)
        if self.width + self.notes + label + gap > 0.45 * whole:
            self.notes = 0.0
        self.width += label + self.notes if self.notes else 0.0

    def draw(self, boxed: BoxedImage, step: float) -> None:
        """A label at every ``step``, a line from its box to it, and after it the columns."""
        canvas, label, small = self.canvas, self.canvas.size.label, self.canvas.size.small
        edge = canvas.left + boxed.shape[1] * boxed.pixel
        left = edge + self.gap
        words = t("pale: columns 0 to {value}", boxed.size[1] - 1)
        spare = canvas.right - left - self.width - 2 * label
        bars = min(spare, boxed.shape[1] * boxed.pixel)
        if bars < max(0.1 * canvas.inner_width, canvas.measure(words, small)):
            bars = 0.0
        else:
            # The remaining space goes between the image and its labels.
            left += max(0.0, min(spare - bars, 2 * self.gap))
        bar_left = left + self.width + 2 * label
        if bars:
            canvas.note(bar_left, canvas.top, words, width=bars)
        last = -math.inf
        for index, (name, box, note) in enumerate(self.named):
            y, field = boxed.top + (index + 0.5) * step, boxed.cells(box)
            start = max(field.top, last + 0.9 * small)
            if start <= field.top + field.place[3] / 2:
                bend, x = edge + 0.3 * (left - edge), field.left + field.place[2]
                xs, ys = [x, bend, left - 0.7 * label, left - 0.3 * label], [start, start, y, y]
                stroke = 0.7 * canvas.size.hair
                canvas.line(xs, ys, canvas.theme.window, stroke=stroke, dashes=(1, 2.5))
                last = start
            canvas.text(left, y, name, "lm", bold=index == 0, width=self.names)
            x = left + self.names + label
            canvas.note(x, y, self.sizes[index], "lm")
            if self.notes and note:
                canvas.note(x + self.extents + label, y, note, "lm")
            if bars:
                high = min(0.5 * step, 0.8 * small)
                _draw_bar(boxed, box, bar_left, y - high / 2, bars, high)


def _draw_bar(
    boxed: BoxedImage, box: Box, left: float, top: float, width: float, height: float
) -> None:
    """The columns of the input, and those that a box covers."""
    theme, columns = boxed.canvas.theme, boxed.shape[1]
    bar = Cells(boxed.canvas, left, top, 1, columns, width / columns, height)
    first = boxed.first[1]
    bar.part(0, -first, 1, boxed.size[1]).box(fill=theme.input_fill)
    bar.part(0, box[1] - first, 1, box[3] - box[1]).box(theme.window, theme.window_fill)
