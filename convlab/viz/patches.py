"""What units look for: patches that activate them most, images made for them, and both by depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.album import Album, Box, box_shape, draw_patch, draw_rows
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.fields import BoxedImage
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.tiles import part_of, whole_cells, whole_pixels
from convlab.words import t


def top_patches(
    images: Sequence[Sequence[ArrayLike]],
    boxes: Sequence[Sequence[Box]],
    values: ArrayLike,
    names: Sequence[str],
    **page: Unpack[Page],
) -> Figure:
    """A row per unit: the patches that activate it most, each with its output below.

    images: for each unit equally many images (1, H, W) or (3, H, W), uint8.  boxes: for each image
    what is cut out of it, (top, left, bottom, right)
    in its pixels, half-open, all of one size; outside the image it is padding.
    values: (units, images).  names: one per unit.  If not
    all units or patches fit legibly, the second line says how many are shown.

    Raises ShapeError for no unit, for numbers of images, boxes or values that differ and boxes of
    several sizes.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or 0 in values.shape or len(names) != len(values):
        raise ShapeError(
            f"expected values (units, images) and a name a unit, got {values.shape} and"
            f" {len(names)} names"
        )
    units, patches = values.shape
    if {len(row) for row in (*images, *boxes)} != {patches} or {len(images), len(boxes)} != {units}:
        raise ShapeError(f"expected {patches} images and boxes for each of {units} units")
    texts = [[(number(value),) for value in row] for row in values]
    canvas = Sheet(1.0, **page)
    draw_rows(canvas, images, boxes, texts, names)
    return canvas.figure


def maximise(
    images: ArrayLike,
    box: Box,
    names: Sequence[str],
    reached: ArrayLike,
    natural: ArrayLike,
    *,
    never: ArrayLike | None = None,
    **page: Unpack[Page],
) -> Figure:
    """Images made for one unit each, with the unit's output for them and for the data.

    images: (M, C, H, W), uint8, C 1 or 3.  box: the part of each that is drawn,
    (top, left, bottom, right) in pixels, half-open; outside the image it is padding.
    names: M.  reached: (M,), the output for the image; natural: (M,), the largest
    output for an image of the data; "made 3.1 real 2.2" below shows both.  never:
    (M,), where that largest output does not pass a ReLU, so that the unit never
    fires.  If not all fit legibly, the
    second line says how many are shown.

    Raises ShapeError for arrays of other shapes.
    """
    images, reached, natural = np.asarray(images), np.asarray(reached), np.asarray(natural)
    count = len(names)
    never = np.zeros(count, bool) if never is None else np.asarray(never, bool)
    lengths = {len(images), len(reached), len(natural), len(never), count}
    if images.ndim != 4 or not count or len(lengths) > 1:
        raise ShapeError(
            f"expected M images (C, H, W) and as many names and answers, got {images.shape},"
            f" {count}, {reached.shape}, {natural.shape} and {never.shape}"
        )
    canvas = Sheet(1.0, **page)
    captions = []
    for one, other, dead in zip(reached, natural, never, strict=True):
        made = (t("made {number}", number(one)), canvas.theme.ink, True)
        real = (
            t("never fires") if dead else t("real {number}", number(other)),
            canvas.theme.quiet,
            False,
        )
        captions.append([[[made, real]], [[made], [real]]])
    look = partial(Album, largest=460 * canvas.unit, gap=1.6, pad=0.3, spread=(2.0, 0.6))
    album = look(canvas, images, box, captions, names)
    longest = t("{subtitle}, first {count} of these {count}", canvas.subtitle, count)
    headline = canvas.headline_height(canvas.headline_lines(longest))
    shown = album.how_many(canvas.inner_height - headline)
    canvas.head("output", part_of(shown, count))
    album.draw(shown)
    return canvas.figure


MOST = 6  # rows; more would be too low for their words


@dataclass(frozen=True, eq=False)
class Depth:
    """A unit: its ``name``, ``notes`` on it, and what it ``adds`` to the unit of the next depth.

    ``adds``: the ways to say so, the longest first; none for the last depth.
    ``box``: what it sees of the image, (top, left, bottom, right) in pixels, half-open.  ``made``:
    an image (C, H, W) made for it, of which ``made_box`` is drawn.  ``patches``: real images
    (C, H, W), each with its box, the best first; all boxes are of one size.
    """

    name: str
    notes: Sequence[str]
    box: Box
    made: ArrayLike
    made_box: Box
    patches: Sequence[tuple[ArrayLike, Box]]
    adds: Sequence[str] = ()


def hierarchy(image: ArrayLike, depths: Sequence[Depth], **page: Unpack[Page]) -> Figure:
    """A row for each depth, the first layer's on top, joined by arrows with what a unit adds.

    image: (1, H, W) or (3, H, W), drawn in each row with the frame of what the unit sees; beside it
    the image made for the unit, and as many of the real patches as have room.

    Raises ShapeError for no depths and more than 6, for depths without patches and boxes of several
    sizes in one row.
    """
    if not 1 <= len(depths) <= MOST or not all(depth.patches for depth in depths):
        raise ShapeError(f"expected 1 to {MOST} depths with patches, got {len(depths)} depths")
    canvas = Sheet(1.0, "output", **page)
    rows = _Rows(canvas, np.asarray(image), depths)
    rows.draw()
    return canvas.figure


class _Rows:
    """The rows: words at the left, the framed image, the made one, and real patches."""

    def __init__(self, canvas: Canvas, image: np.ndarray, depths: Sequence[Depth]) -> None:
        self.canvas, self.depths, self.rgb = canvas, depths, image_rgb(image)
        self.boxed = BoxedImage(canvas, self.rgb.shape[:2], [depth.box for depth in depths])
        shapes = [self.boxed.shape]
        shapes += [box_shape([d.made_box, *(box for _, box in d.patches)]) for d in depths]
        self.aspect = max(columns / rows for rows, columns in shapes)
        small, label = canvas.size.small, canvas.size.label
        words = [canvas.widest(depth.notes, small) for depth in depths]
        names = max(canvas.measure(depth.name, label, True) for depth in depths)
        words.append(min(names, 0.22 * canvas.inner_width))
        words += [canvas.widest(depth.adds, small) + 1.4 * small for depth in depths]
        self.words = min(max(words), 0.4 * canvas.inner_width)
        self.left = canvas.left + self.words + label
        self.gap = 0.7 * small
        self.between = 1.9 * small  # from row to row, for the arrow and its text
        self.head = small * LINE + 0.3 * small

    @property
    def heights(self) -> tuple[float, float]:
        """Of the pictures and of a row.

        A row of low pictures is as high as its words, if there is room.
        """
        canvas, count = self.canvas, len(self.depths)
        room = (canvas.inner_height - self.head - self.between * (count - 1)) / count
        wide = (canvas.right - self.left - 2 * self.gap) / (3 * self.aspect)
        side = whole_pixels(max(min(room, wide), 1.0))
        notes = max(len(depth.notes) for depth in self.depths)
        words = (canvas.size.label + notes * canvas.size.small) * LINE
        return side, max(side, min(room, words))

    def draw(self) -> None:
        canvas, theme, small = self.canvas, self.canvas.theme, self.canvas.size.small
        side, tall = self.heights
        slot, room = self.aspect * side, canvas.right - self.left + self.gap
        most = int(room / (slot + self.gap))
        shown = max(1, min(most - 2, *(len(depth.patches) for depth in self.depths)))
        step = min(room / (2 + shown), 1.25 * slot + self.gap)
        heads = (
            (t("input"),),
            (t("made for it"), t("made")),
            (t("the {shown} best real patches", shown), t("real")),
        )
        for at, words in enumerate(heads):
            width = (step if at < 2 else (shown - 1) * step + slot) - 0.4 * small
            head = _fitting(canvas, words, width, bold=True)
            canvas.text(self.left + at * step, canvas.top, head, px=small, bold=True, width=width)
        top = canvas.top + self.head
        for depth in self.depths:
            self._words(depth, top, tall)
            pixel = self.boxed.largest_pixel(slot, side)
            boxed = self.boxed.at(self.left, top + (tall - self.boxed.shape[0] * pixel) / 2, pixel)
            canvas.picture(self.rgb, *boxed.cells().place, edge=theme.input)
            boxed.frame(depth.box, 0.6 * canvas.size.thick)
            pictures = [(depth.made, depth.made_box), *depth.patches[:shown]]
            for at, (image, box) in enumerate(pictures, 1):
                cell = whole_cells(slot, side, *box_shape([box]))
                y = top + (tall - cell * box_shape([box])[0]) / 2
                draw_patch(canvas, image, box, self.left + at * step, y, cell)
            top += tall + self.between

    def _words(self, depth: Depth, top: float, tall: float) -> None:
        """The name, as many notes as have room beside the row, and the arrow to the next row."""
        canvas, small, label = self.canvas, self.canvas.size.small, self.canvas.size.label
        theme, x = canvas.theme, canvas.left
        canvas.text(x, top, depth.name, colour=theme.output, bold=True, width=self.words)
        y = top + label * LINE
        room = max(0, int((top + tall - y) / (small * LINE) + 0.2))
        y = canvas.paragraph(x, y, depth.notes[:room], px=small, width=self.words)
        if depth.adds:
            x, end = canvas.left + 0.35 * small, top + tall + self.between
            start = min(y + 0.3 * small, top + tall)
            tip = end - 0.3 * small
            canvas.line([x, x], [start, tip], theme.output, stroke=0.5 * canvas.size.thick)
            wing = 0.35 * small
            head = np.array(
                [[(x - wing, tip - wing), (x + wing, tip - wing), (x, tip + 0.1 * small)]]
            )
            canvas.polygons(head, edge=theme.output, fill=theme.output)
            width = self.words - 1.4 * small
            adds = _fitting(canvas, depth.adds, width)
            y = top + tall + self.between / 2
            canvas.text(canvas.left + 1.4 * small, y, adds, "lm", px=small, width=width)


def _fitting(canvas: Canvas, ways: Sequence[str], width: float, bold: bool = False) -> str:
    """The first of several texts that fits, else the last."""
    small = canvas.size.small
    return next((way for way in ways if canvas.measure(way, small, bold) <= width), ways[-1])
