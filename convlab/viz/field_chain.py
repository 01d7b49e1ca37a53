"""The nested boxes that units of several layers see."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.viz import style
from convlab.viz.boxed_image import Box, BoxedImage, checked_image
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.matrix import Cells


def field_chain(
    *,
    input_size: tuple[int, int],
    boxes: Sequence[tuple[str, Box, str]],
    image: ArrayLike | None = None,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """The boxes that units of several layers see, nested on the image, each with its name.

    input_size: (H, W) pixels.  boxes: (layer, (top, left, bottom, right), note),
    half-open input pixels, in the order of the network; the last is the chosen
    unit's.  What lies outside the input is padding and is drawn dashed.  image: (1, H, W) or (3, H,
    W); None draws the grid of pixels.  Labels are beside the image, the outermost box's first, with
    the columns that each box covers as a bar; dotted lines lead from a box's right edge to its
    label as long as they stay apart.  If not all fit, labels are left out starting from the
    innermost, and the second line says so.

    Raises ShapeError for no box, an empty one and an image of another size,
    SpecError for an unknown theme or size.
    """
    if not boxes or any(b[2] <= b[0] or b[3] <= b[1] for _, b, _ in boxes):
        raise ShapeError(f"expected boxes (top, left, bottom, right) with pixels, got {boxes}")
    rgb = checked_image(image, input_size)
    canvas = Canvas(size, theme, aspect=0.75)
    line = canvas.size.label * LINE
    # There are at most three lines of headline.
    head = canvas.headline_height(2)
    needed = 2 * canvas.margin + head + (len(boxes) + 1) * line
    canvas = Canvas(size, theme, aspect=max(0.75, needed / canvas.width + 0.01))
    room = int((canvas.bottom - canvas.margin - head - line) / line)
    left_out = max(0, len(boxes) - room)
    said = f"; {left_out} inner labels left out" if left_out else ""
    canvas.headline(title, subtitle + said, canvas.theme.window)
    labels = _Labels(canvas, boxes[left_out:][::-1], 2.5 * canvas.size.label)  # outermost first
    boxed = BoxedImage(canvas, input_size, [box for _, box, _ in boxes])
    width, height = canvas.inner_width - labels.width - labels.gap, canvas.inner_height - line
    boxed = boxed.at(canvas.left, canvas.top + line, boxed.largest_pixel(width, height))
    extent = style.size_text(*input_size) + (", dashed: padding" if boxed.padded else "")
    parts = [("input", canvas.theme.input, True), (extent, canvas.theme.quiet, False)]
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
        words = f"pale: columns 0 to {boxed.size[1] - 1}"
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
