"""An image beside what networks make of its pixels: attributions, boxes, classes and styles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas, Place, image_rgb
from convlab.viz.colour_bar import EVERYWHERE, ColourBar
from convlab.viz.line_plot import Chart, Line, Look
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import Scale
from convlab.viz.tiles import Panels, arrange, framed, overlap
from convlab.words import t

COVER = 0.85  # of the image, where a map drawn over it has its largest value
DIMMED = (14, 0.36)  # the grey of black under such a map, and the remaining share of contrast


def attribution(
    image: ArrayLike,
    maps: Sequence[tuple[str, ArrayLike]],
    *,
    signed: bool,
    over: bool = False,
    ends: tuple[str, str] = ("", ""),
    notes: Sequence[tuple[str, bool]] = (),
    **page: Unpack[Page],
) -> Figure:
    """An image and maps of its pixels side by side, each map on its own scale.

    image: (1, H, W) or (3, H, W), uint8.  maps: names with arrays (H, W); the first
    is that of the trained network, others are drawn quietly beside it.  signed: diverging colours
    with symmetric limits; else magnitudes from 0, in cividis.  over: the magnitudes are drawn as a
    glow over the image, which is grey and dimmed, the brighter the larger.  ends: what the lower
    and the upper end of a scale mean.  A constant map has no scale, but its number.  notes: one for
    the image and one for each map, a text below the heading and whether it reports a mistake.

    Raises ShapeError for no map, for maps whose size is not the image's and for a wrong number of
    notes.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    _check(rgb, arrays, len(notes))
    canvas = Sheet(0.9, **page)
    own = len(maps) > 1 and not all(map(_constant, arrays))
    canvas.head("output", t("each map on its own scale") if own else "")
    small, label = canvas.size.small, canvas.size.label
    names = [t("input"), *(name for name, _ in maps)]
    texts = [canvas.widest([text for text, _ in notes], small), 11 * small]
    need = max(canvas.widest(names, label, bold=True), *texts)
    head = label * LINE + (small * LINE if notes else 0.0) + 0.3 * small
    below = 24 * canvas.unit + 0.3 * small + small * LINE * (2 if any(ends) else 1)
    room = {"head": head, "below": below, "need": need}
    panels = Panels(canvas, len(names), rgb.shape[:2], **room)
    colours = [canvas.theme.input, canvas.theme.output, *[canvas.theme.quiet] * len(maps)]
    for index, (name, colour) in enumerate(zip(names, colours, strict=False)):
        left, top, *_ = place = panels.place(index)
        top -= head
        canvas.text(left, top, name, colour=colour, bold=True, width=panels.slot)
        if notes:
            text, mistake = notes[index]
            colour = canvas.theme.mistake if mistake else canvas.theme.ink
            canvas.text(left, top + label * LINE, text, px=small, colour=colour, width=panels.slot)
        if index:
            shown = _Map(canvas, arrays[index - 1], signed, rgb if over else None)
            shown.draw(place, max(panels.width, min(panels.slot, 11 * small)), ends)
        else:
            canvas.picture(rgb, *place, edge=canvas.theme.input)
    return canvas.figure


def _check(rgb: NDArray, arrays: list[NDArray], notes: int) -> None:
    if not arrays:
        raise ShapeError("expected at least one map, got none")
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected maps {rgb.shape[:2]} as the image, got {array.shape}")
    if notes not in (0, 1 + len(arrays)):
        raise ShapeError(f"expected {1 + len(arrays)} notes, got {notes}")


def _constant(values: NDArray) -> bool:
    """Whether all numbers of a map are equal, so that it has no scale."""
    finite = values[np.isfinite(values)]
    return not finite.size or bool(finite.min() == finite.max())


class _Map:
    """A map (H, W) on its scale; as a glow over the bytes ``under`` (H, W, 3) if given."""

    def __init__(
        self, canvas: Canvas, values: NDArray, signed: bool, under: NDArray | None
    ) -> None:
        self.canvas, self.values, self.under = canvas, values, under
        self.scale: Scale = style.activation_scale(np.append(values, 0.0))
        if signed:
            self.scale = style.signed_scale(values, canvas.theme)

    def draw(self, place: Place, long: float, ends: tuple[str, str]) -> None:
        """The map in ``place``, and below it a bar ``long`` pixels wide with its ends' meaning."""
        canvas, scale, edge = self.canvas, self.scale, self.canvas.theme.hairline
        left, top, _, tall = place
        if self.under is not None:
            canvas.picture(self._glowing(self.values, self.under), *place, edge=edge)
        else:
            canvas.array(self.values, scale, *place, edge=edge)
        top, strip, small = top + tall + 10 * canvas.unit, 14 * canvas.unit, canvas.size.small
        if _constant(self.values):
            finite = self.values[np.isfinite(self.values)]
            text = (
                t("{number} {EVERYWHERE}", number(finite[0]), EVERYWHERE)
                if finite.size
                else t("no finite number")
            )
            canvas.text(left, top, text, px=small, width=long)
            return
        bar = ColourBar(canvas, scale)
        if self.under is None:
            bar.strip(left, top, long, strip)
        else:
            # A glow looks different over white and over black.
            shades = np.linspace(scale.lowest, scale.highest, 257)[None]
            for level, y in ((255, top), (0, top + strip / 2)):
                ground = np.full((1, 257, 3), level)
                canvas.picture(self._glowing(shades, ground), left, y, long, strip / 2)
            canvas.box(left, top, long, strip, edge=edge)
        bar.limits(left, top + strip + 0.3 * small, long, ends)

    def _glowing(self, values: NDArray, rgb: NDArray) -> NDArray:
        """An image, grey and dimmed, under the scale's highest colour, as bytes (H, W, 3)."""
        highest = self.scale.highest
        share = COVER * np.nan_to_num(values / highest).clip(0, 1)[..., None]
        darkest, contrast = DIMMED
        grey = darkest + contrast * rgb.mean(axis=2, keepdims=True)
        glow = self.scale.rgb(np.array([highest]))
        return np.round(share * glow + (1 - share) * grey).astype(np.uint8)


FOUND, WRONG, MISSED = "found", "wrong", "missed"
"""What a box is: an answer, one that the truth denies, and a truth that was not found."""


def detections(
    image: ArrayLike,
    boxes: ArrayLike,
    labels: Sequence[str],
    kinds: Sequence[str],
    maps: Sequence[tuple[str, ArrayLike]],
    **page: Unpack[Page],
) -> Figure:
    """A picture with labelled boxes, and beside it the probability of each class everywhere in it.

    image: (1, H, W) or (3, H, W), uint8.  boxes: (M, 4), top, left, bottom, right in
    pixels; labels: M texts such as "7 0.98"; kinds: M of FOUND, WRONG (in the mistake's
    colour) and MISSED (dashed).  A label that finds no room is left out.
    maps: class names with arrays (H, W) of probabilities, all on one scale from 0 to 1.

    Raises ShapeError unless there are as many labels and kinds as boxes, and for no maps.
    """
    rgb = image_rgb(np.asarray(image))
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    if not len(boxes) == len(labels) == len(kinds):
        raise ShapeError(
            f"expected a label and a kind for each of {len(boxes)} boxes, got {len(labels)} and"
            f" {len(kinds)}"
        )
    arrays = [np.asarray(values, dtype=float) for _, values in maps]
    if not arrays:
        raise ShapeError("expected at least one map of scores, got none")
    canvas = Sheet(1.1, "output", **page)
    small, (rows, columns) = canvas.size.small, rgb.shape[:2]
    head = small * LINE + 0.3 * small
    height = canvas.inner_height - head
    cell = min(0.55 * canvas.inner_width / columns, height / rows)
    place = canvas.left, canvas.top + head, cell * columns, cell * rows
    framed(canvas, rgb, place, t("picture"), canvas.theme.input, head=head, px=small)
    _draw_boxes(canvas, boxes[:, [1, 0, 3, 2]] * cell, labels, kinds, place)

    start = canvas.left + cell * columns + 36 * canvas.unit
    scale = style.Scale(0.0, 1.0, style.activation_scale(np.zeros(1)).colours)
    bar = ColourBar(canvas, scale, t("probability"))
    room = canvas.right - start - bar.width - 20 * canvas.unit, canvas.inner_height
    look = {"gap": 0.7 * small, "label": small * LINE}
    grid = arrange(len(arrays), *room, arrays[0].shape, **look)
    for index, ((name, _), array) in enumerate(zip(maps, arrays, strict=True)):
        left, top, *_ = place = grid.place(index, start, canvas.top)
        canvas.text(left, top - small * LINE, name, px=small, width=grid.width)
        canvas.array(array, scale, *place, canvas.theme.hairline)
    left = start + grid.total_width + 20 * canvas.unit
    bar.draw(left, canvas.top, min(height, 0.6 * canvas.height))
    return canvas.figure


def _draw_boxes(
    canvas: Canvas,
    boxes: NDArray,
    labels: Sequence[str],
    kinds: Sequence[str],
    frame: Place,
) -> None:
    """Boxes (left, top, right, bottom), their labels at the first corner with room for them."""
    left, top, across, tall = frame
    px, theme = canvas.size.small, canvas.theme
    taken: list[Place] = []
    colours = {FOUND: theme.output, WRONG: theme.mistake, MISSED: theme.mistake}
    for (x0, y0, x1, y1), kind in zip(boxes, kinds, strict=True):
        place = left + x0, top + y0, x1 - x0, y1 - y0
        # A dark line below it separates a box from ink of any brightness.
        canvas.box(*place, edge="#000000", stroke=0.9 * canvas.size.thick)
        stroke = 0.5 * canvas.size.thick
        canvas.box(*place, edge=colours[kind], stroke=stroke, dashed=kind == MISSED)
    for box, label, kind in zip(boxes, labels, kinds, strict=True):
        chips = [
            chip
            for chip in _chips(box, canvas.measure(label, px, True) + 0.5 * px, 1.3 * px)
            if min(chip[:2]) >= 0
            and chip[2] <= across
            and chip[3] <= tall
            and not any(overlap(chip, other) for other in taken)
        ]
        if not chips:
            continue
        # The first that covers the fewest other boxes.
        x0, y0, x1, y1 = chip = min(chips, key=lambda c: sum(overlap(c, other) for other in boxes))
        taken.append(chip)
        colour = colours[kind]
        fill, ink = (theme.ground, colour) if kind == MISSED else (colour, style.ink_on(colour))
        canvas.box(left + x0, top + y0, x1 - x0, y1 - y0, fill=fill)
        x, y = left + x0 + 0.25 * px, top + (y0 + y1) / 2
        canvas.text(x, y, label, "lm", px=px, colour=ink, bold=True)


def _chips(box: NDArray, width: float, height: float) -> list[Place]:
    """Where a label may go: above, below and beside a box, as (left, top, right, bottom)."""
    x0, y0, x1, y1 = box
    middle, above = (x0 + x1 - width) / 2, y0 - height
    corners = [(x0, above), (x0, y1), (x1 - width, above), (x1 - width, y1)]
    corners += [(middle, above), (middle, y1), (x1, y0), (x0 - width, y0)]
    corners += [(x1, y1 - height), (x0 - width, y1 - height)]
    return [(x, y, x + width, y + height) for x, y in corners]


Mark = tuple[str, float, float, float]  # text; top, bottom and middle column of what it names


def segmentation(
    image: ArrayLike,
    masks: Sequence[tuple[str, ArrayLike, Sequence[Mark]]],
    classes: Sequence[str],
    **page: Unpack[Page],
) -> Figure:
    """An image and the classes of its pixels, in as many panels as there are masks.

    image: (1, H, W) or (3, H, W), uint8.  masks: headings with class numbers (H, W), 0 for
    the background, and marks, names above or below pieces of it, so that classes are not
    distinguished by colour alone.  The last mask is the network's answer.  classes: all names, the
    background's first.

    Raises ShapeError for a mask whose size is not the image's and for numbers without a class.
    """
    rgb = image_rgb(np.asarray(image))
    arrays = [np.asarray(mask) for _, mask, _ in masks]
    for array in arrays:
        if array.shape != rgb.shape[:2]:
            raise ShapeError(f"expected masks {rgb.shape[:2]} as the image, got {array.shape}")
        if array.min() < 0 or array.max() >= len(classes):
            raise ShapeError(f"expected class numbers 0 to {len(classes) - 1} in the masks")
    canvas = Sheet(0.72, "output", **page)
    small, fills = canvas.size.small, class_colours(len(classes), canvas)
    head = canvas.size.label * LINE + 0.3 * small
    room = {"head": head, "below": 2.6 * small}
    panels = Panels(canvas, 1 + len(masks), rgb.shape[:2], **room)
    look = {"head": head, "width": panels.slot}
    framed(canvas, rgb, panels.place(0), t("image"), canvas.theme.input, **look)
    for index, (name, _, marks) in enumerate(masks, 1):
        colour = canvas.theme.output if index == len(masks) else canvas.theme.quiet
        place, shades = panels.place(index), fills[arrays[index - 1]]
        framed(canvas, shades, place, name, colour, **look)
        _draw_marks(canvas, marks, place, panels.cell)
    _legend(canvas, classes[1:], fills[1:], panels.top + panels.height + 1.1 * small)
    return canvas.figure


def class_colours(count: int, canvas: Canvas) -> NDArray:
    """A colour for each class as bytes (count, 3): the hairline's fill for the background.

    Those of classes in other figures; shades of one map if there are more than ten.
    """
    theme, others = canvas.theme, count - 1
    colours = style.class_colours if others <= 10 else style.shared_colours
    shades = [theme.hairline_fill, *colours(others, theme)]
    return np.array([style.rgb_bytes(shade) for shade in shades])


def _draw_marks(canvas: Canvas, marks: Sequence[Mark], place: Place, cell: float) -> None:
    """Texts above their places, or below, as far as they fit side by side."""
    left, top, across, tall = place
    px = canvas.size.small
    taken: list[Place] = []
    for text, upper, lower, column in marks:
        width, high = canvas.measure(text, px, True) + 0.4 * px, 1.25 * px
        x = min(max(column * cell - width / 2, 0.0), across - width)
        y = upper * cell - high - 0.1 * px
        if y < 0:
            y = min(lower * cell + 0.1 * px, tall - high)
        box = x, y, x + width, y + high
        if not any(overlap(box, other) for other in taken):
            taken.append(box)
            canvas.box(left + x, top + y, width, high, fill=canvas.theme.ground)
            canvas.text(left + x + width / 2, top + y + high / 2, text, "mm", px=px, bold=True)


def _legend(canvas: Canvas, names: Sequence[str], fills: NDArray, y: float) -> None:
    """A chip of each class's colour with its name, side by side, as many as fit."""
    small, x = canvas.size.small, canvas.left
    widths = [1.5 * small + canvas.measure(name, small) for name in names]
    spare = canvas.inner_width - sum(widths)
    gap = max(0.4 * small, min(1.2 * small, spare / max(1, len(names) - 1)))
    for name, fill, width in zip(names, fills, widths, strict=True):
        if x + width > canvas.right:
            return
        canvas.picture(fill[None, None], x, y, 1.1 * small, 1.1 * small)
        canvas.text(x + 1.5 * small, y + 0.55 * small, name, "lm", px=small)
        x += width + gap


def stylized(
    content: ArrayLike,
    style: ArrayLike,
    result: ArrayLike,
    losses: Sequence[float] = (),
    *,
    of: int = 0,
    span: tuple[float, float] | None = None,
    names: tuple[str, str] = (t("content"), t("style")),
    **page: Unpack[Page],
) -> Figure:
    """Content and style on the left, one above the other, and the result on the right.

    content, style, result: (3, H, W), uint8.  losses: one per step from 0, as a curve beside the
    result if there is room; ``of``: how many there will be, and ``span`` the smallest and largest
    of them above 0, so that the frames of an animation share their axes.  names: headings of the
    two sources.

    Raises ShapeError for other arrays.
    """
    *sources, made = (image_rgb(np.asarray(one)) for one in (content, style, result))
    values = np.asarray(losses, dtype=float)
    if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ShapeError(f"expected a row of losses of at least 0, got shape {values.shape}")
    above_zero = values[values > 0]  # what a logarithmic axis can show
    if span is None and above_zero.size:
        span = above_zero.min(), above_zero.max()
    canvas = Sheet(0.6, "output", **page)
    small, gap, width = canvas.size.small, 30 * canvas.unit, canvas.inner_width
    head = canvas.size.label * LINE + 0.2 * small
    # The curve is to the right of the result on a wide canvas, and is left out on a narrow one.
    of = max(of, len(values))
    if of <= 2 or 0.24 * width <= 14 * small or width <= 1.6 * canvas.inner_height:
        span = None
    room = width - gap - (0.24 * width + gap if span else 0.0)
    # Both sources one above the other are as high as the result.
    tall, widest = canvas.inner_height - head, max(map(_ratio, sources))
    least = widest * (tall - head - 0.5 * gap) / 2 + _ratio(made) * tall
    large = tall * min(1.0, room / least)
    each = (large - head - 0.5 * gap) / 2
    top = canvas.top + (tall - large) / 3 + head
    inks = canvas.theme.input, canvas.theme.window
    for at, (rgb, name, ink) in enumerate(zip(sources, names, inks, strict=True)):
        y = top + at * (head + each + 0.5 * gap)
        place = canvas.left, y, _ratio(rgb) * each, each
        framed(canvas, rgb, place, name, ink, head=head, width=widest * each)
    left, across = canvas.left + widest * each + gap, _ratio(made) * large
    framed(canvas, made, (left, top, across, large), t("result"), canvas.theme.output, head=head)
    if span:
        left += across + 1.4 * gap
        room = canvas.right - left
        _curve(canvas, (left, top - head, room, min(head + large, 0.75 * room)), values, of, span)
    return canvas.figure


def _ratio(rgb: NDArray) -> float:
    return rgb.shape[1] / rgb.shape[0]


def _curve(
    canvas: Canvas,
    place: Place,
    losses: NDArray,
    of: int,
    span: tuple[float, float],
) -> None:
    """The losses so far, of ``of`` between the two of ``span``, on a logarithmic axis."""
    look, values = Look(canvas.theme.output), np.where(losses > 0, losses, np.nan)
    line = Line(np.arange(len(losses), dtype=float), values, look)
    ends = 0.0, of - 1.0
    chart = Chart([line], t("step"), t("loss"), x_range=ends, y_range=span, whole=True, log_y=True)
    chart.draw(canvas, place)
