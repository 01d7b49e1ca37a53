"""Pictures of one shape in rows, with captions, as large as possible: changed ones and mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.page import Page, Sheet, Unpack
from convlab.viz.style import ARROW
from convlab.viz.tiles import FILLED, fullest, part_of, whole_cells
from convlab.words import t

Piece = tuple[str, str, bool]  # text, colour, whether it is bold
Box = tuple[int, int, int, int]  # pixels of an image: top, left, bottom, right, half-open


def box_shape(boxes: Sequence[Box]) -> tuple[int, int]:
    """Rows and columns of boxes (top, left, bottom, right).  Raises ShapeError for several."""
    shapes = {(bottom - top, right - left) for top, left, bottom, right in boxes}
    if len(shapes) != 1 or min(next(iter(shapes))) < 1:
        raise ShapeError(f"expected boxes of one size, with pixels in them, got {sorted(shapes)}")
    return next(iter(shapes))


def draw_patch(canvas: Canvas, image: ArrayLike, box: Box, x: float, y: float, cell: float) -> None:
    """What a box cuts out of an image (C, H, W), with the padding's colour outside the image."""
    rgb, theme = image_rgb(np.asarray(image)), canvas.theme
    top, left, bottom, right = box
    inside = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    rows, columns = inside.shape[:2]
    if (rows, columns) != (bottom - top, right - left):
        place = x, y, (right - left) * cell, (bottom - top) * cell
        canvas.box(*place, edge=theme.quiet, fill=theme.hairline_fill, dashed=True)
    if inside.size:
        x, y = x + max(-left, 0) * cell, y + max(-top, 0) * cell
        canvas.picture(inside, x, y, columns * cell, rows * cell, edge=theme.input)


@dataclass(frozen=True)
class Album:
    """What ``box`` cuts out of images, each with a caption below and possibly a name above.

    captions: for each picture the ways to write its caption, those with the fewest lines first; a
    line is a sequence of pieces.  largest: pixels of a picture's side.  gap, pad: between pictures
    and above a caption, in heights of small text.  spread: how far apart pictures may be, as shares
    of their width, from left edge to left edge, and of their height, between them.
    """

    canvas: Canvas
    images: Sequence[ArrayLike] | NDArray
    box: Box
    captions: Sequence[Sequence[Sequence[Sequence[Piece]]]]
    names: Sequence[str] = ()
    largest: float = math.inf
    gap: float = 1.8
    pad: float = 0.4
    spread: tuple[float, float] = (2.3, 0.5)

    def how_many(self, height: float) -> int:
        """How many pictures keep a readable side in this height."""
        for count in range(len(self.captions), 1, -1):
            if self._arranged(count, height)[0] * max(self.shape) >= 2.8 * self.canvas.size.small:
                return count
        return 1

    def draw(self, count: int) -> None:
        """The first ``count``."""
        canvas, small, gap = self.canvas, self.canvas.size.small, self._gap
        cell, way, columns = self._arranged(count, canvas.inner_height)
        rows, around = math.ceil(count / columns), self._around(way)
        tall, wide = (cell * length for length in self.shape)
        used = max(wide, self._widths(count, way)[1])
        room = min(self._slot(columns), max(1.4 * used, self.spread[0] * wide))
        free = (canvas.inner_height - rows * (tall + around)) / max(1, rows - 1)
        step = tall + around + min(free, self.spread[1] * tall)
        for index in range(count):
            row, column = divmod(index, columns)
            left, top = canvas.left + column * (room + gap), canvas.top + row * step
            if self.names:
                write = partial(canvas.text, px=small, colour=canvas.theme.output, bold=True)
                write(left, top, self.names[index], width=room)
                top += small * LINE
            draw_patch(canvas, self.images[index], self.box, left, top, cell)
            top += tall + self.pad * small
            for line in self.captions[index][way]:
                if len(line) == 1:
                    ((text, colour, bold),) = line
                    line = [(canvas.fit(text, room, small, bold=bold)[0], colour, bold)]
                canvas.run(left, top, line, small)
                top += small * LINE

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        return box_shape([self.box])

    @property
    def _gap(self) -> float:
        return self.gap * self.canvas.size.small

    def _slot(self, columns: int) -> float:
        """Pixels for one of ``columns``."""
        return (self.canvas.inner_width - self._gap * (columns - 1)) / columns

    def _around(self, way: int) -> float:
        """Height of the name above a picture and the caption below it."""
        lines = len(self.captions[0][way]) + bool(self.names)
        return (lines * LINE + self.pad) * self.canvas.size.small

    def _widths(self, count: int, way: int) -> tuple[float, float]:
        """The width that pictures must have for their texts, and that they should have.

        A long name is shortened if necessary, but keeps a dozen letters; if no names are above,
        they are in the captions.
        """
        canvas, small = self.canvas, self.canvas.size.small
        lines = [line for ways in self.captions[:count] for line in ways[way]]
        wish = max(canvas.run_width(line, small) for line in lines)
        names = min(canvas.widest(self.names[:count], small, bold=True), 7 * small)
        last = not self.names and way == len(self.captions[0]) - 1
        return max(min(wish, 7 * small) if last else wish, names), max(wish, names)

    def _arranged(self, count: int, height: float) -> tuple[float, int, int]:
        """Side of a cell, form of the captions and number of columns: the largest that fit."""
        ways = len(self.captions[0])
        found = []
        for way in range(ways):
            need, around = self._widths(count, way)[0], self._around(way)
            for columns in range(1, count + 1):
                rows, slot = math.ceil(count / columns), self._slot(columns)
                if slot < need and (columns > 1 or way < ways - 1):
                    continue
                tall = max((height - self._gap * (rows - 1)) / rows - around, 1.0)
                room = min(slot, self.largest), min(tall, self.largest)
                # Among equal pictures the caption with fewer lines wins.
                cell = whole_cells(*room, *self.shape)
                low = rows * (cell * self.shape[0] + around) < FILLED * height
                found.append((cell, rows * columns + low * columns, -way, columns))
        cell, _, way, columns = fullest(found)
        return cell, -way, columns


ORIGINAL = t("original")


def augmented(
    images: ArrayLike,
    captions: Sequence[Sequence[Sequence[str]]] | None,
    names: Sequence[str],
    **page: Unpack[Page],
) -> Figure:
    """Each image and its changed versions: a sheet of one image, or a row for each of several.

    images: (rows, versions, C, H, W) uint8, C 1 or 3; of each row the first is the original.
    captions: for each row and each version but the original the lines below it, equally many of
    them; None: nothing below any.  names: a name for each row, not drawn if there is one row.  If
    not all fit legibly, the second line says how many are shown.

    Raises ShapeError for images of another shape and for captions or names that are not as many.
    """
    images = np.asarray(images)
    if images.ndim != 5 or not images.size or images.shape[1] < 2:
        raise ShapeError(f"expected images (rows, versions, C, H, W), got {images.shape}")
    rows, versions, _, *shape = images.shape
    if captions is None:
        captions = [[[]] * (versions - 1)] * rows
    lines = {len(text) for row in captions for text in row}
    if {len(captions), len(names)} != {rows} or {len(row) for row in captions} != {versions - 1}:
        raise ShapeError(f"expected {versions - 1} captions and a name for each of {rows} rows")
    if len(lines) != 1:
        raise ShapeError(f"expected captions of equally many lines, got {sorted(lines)}")
    first = [ORIGINAL, *[""] * min(lines)][: min(lines)]
    box = 0, 0, shape[0], shape[1]
    canvas = Sheet(1.0, keep=0.6, **page)
    if rows > 1:
        texts = [[first, *row] for row in captions]
        boxes = [[box] * versions] * rows
        draw_rows(canvas, list(images), boxes, texts, names, (t("classes"), t("versions")))
        return canvas.figure
    pieces: list[list[list[list[Piece]]]] = []
    for text in [first, *captions[0]]:
        colour = canvas.theme.output if text is first else canvas.theme.ink
        pieces.append([[[(line, colour, text is first)] for line in text]])
    album = Album(canvas, images[0], box, pieces, largest=460 * canvas.unit)
    height = canvas.headline_height(
        canvas.headline_lines(t("{subtitle}, {part_of}", canvas.subtitle, part_of(10, 11)))
    )
    shown = album.how_many(canvas.inner_height - height)
    canvas.head("output", part_of(shown, versions, t("versions")))
    album.draw(shown)
    return canvas.figure


_MOST = 40  # more images than this cannot be looked at together


def mistakes(
    images: ArrayLike,
    true: Sequence[str],
    predicted: Sequence[str],
    probabilities: ArrayLike,
    **page: Unpack[Page],
) -> Figure:
    """Wrongly classified images as a grid, each with "true → predicted, probability" below.

    images: (M, C, H, W), uint8, C 1 or 3, in the order in which they are to be
    read (the worst first).  true, predicted: M class names.  probabilities: (M,),
    the probability of the predicted class.  Without images it says "no mistakes";
    of more than 40 the first are shown and the second line says so.

    Raises ShapeError for images of another shape and for names or probabilities that are not M.
    """
    images = np.asarray(images)
    count = len(images) if images.ndim else 0
    if images.ndim != 4 and images.size:
        raise ShapeError(f"expected images (M, C, H, W), got {images.shape}")
    chances = np.asarray(probabilities, dtype=float)
    for what, length in (
        ("true names", len(true)),
        ("predicted names", len(predicted)),
        ("probabilities", chances.size),
    ):
        if length != count:
            raise ShapeError(f"expected {count} {what}, one an image, got {length}")
    canvas = Sheet(1.0, **page)
    colour, quiet = canvas.theme.mistake, canvas.theme.quiet
    if not count:
        canvas.head("mistake")
        middle = canvas.width / 2, (canvas.top + canvas.bottom) / 2
        canvas.text(*middle, t("no mistakes"), "mc", px=canvas.size.title, colour=quiet)
        return canvas.figure
    captions = []
    for one, other, chance in list(zip(true, predicted, chances, strict=True))[:_MOST]:
        # The wrong answer is bold and in the mistake's colour, after the arrow.
        truth, answer = (str(one), canvas.theme.ink, False), (f"{ARROW} {other}", colour, True)
        told = (to_places(chance, 2), quiet, False)
        comma = (f"{ARROW} {other},", colour, True)
        captions.append(
            [[[truth, comma, told]], [[truth, answer], [told]], [[truth], [answer], [told]]]
        )
    box = 0, 0, *images.shape[2:]
    album = Album(canvas, images, box, captions)
    shown = album.how_many(canvas.inner_height - canvas.headline_height())
    canvas.head("mistake", part_of(shown, count, t("mistakes")))
    album.draw(shown)
    return canvas.figure


def draw_rows(
    canvas: Sheet,
    images: Sequence[Sequence[ArrayLike]],
    boxes: Sequence[Sequence[Box]],
    texts: Sequence[Sequence[Sequence[str]]],
    names: Sequence[str],
    kind: tuple[str, str] = ("", t("patches")),
) -> None:
    """The headline, and a row per name with its patches, each with lines of text below.

    The arrays as in :func:`top_patches`; texts: equally many lines for each patch.  kind: what rows
    and patches are called where not all have room.
    """
    units, patches, lines = len(names), len(texts[0]), len(texts[0][0])
    small, label = canvas.size.small, canvas.size.label
    words = [line for row in texts for text in row for line in text]
    need = canvas.widest(words, small) + 0.5 * small
    left = min(canvas.widest(names, label, bold=True), 6 * label) + label
    sheet = _Rows(canvas, box_shape([box for row in boxes for box in row]), need, left, lines)
    shown, each = sheet.how_many(
        units,
        patches,
        t("{subtitle}, first {units} of these {units}", canvas.subtitle, units),
    )
    said = part_of(shown, units, kind[0]), part_of(each, patches, kind[1])
    canvas.head("output", *said)
    cell, blocks = sheet.arranged(shown, each, canvas.inner_height)
    rows = math.ceil(shown / blocks)
    tall, wide = (cell * length for length in sheet.shape)
    pitch = min(sheet.slot(blocks, each), max(need, 2.4 * wide))
    high = tall + 0.25 * small + lines * small * LINE
    step = min(canvas.inner_height / rows, 1.6 * high)
    for index in range(shown):
        column, row = divmod(index, rows)
        x, y = canvas.left + column * sheet.block(blocks), canvas.top + row * step
        write = partial(canvas.text, colour=canvas.theme.output, bold=True)
        write(x, y + tall / 2, names[index], "lm", width=left - 0.6 * label)
        for place, text in enumerate(texts[index][:each]):
            at = x + left + place * pitch
            draw_patch(canvas, images[index][place], boxes[index][place], at, y, cell)
            canvas.paragraph(at, y + tall + 0.25 * small, text, px=small, width=pitch)


@dataclass(frozen=True)
class _Rows:
    """Rows of patches of ``shape``, each at least ``need`` pixels wide, ``left`` before a row.

    Below each are ``lines`` of text.
    """

    canvas: Canvas
    shape: tuple[int, int]
    need: float
    left: float
    lines: int

    def block(self, blocks: int) -> float:
        """From one block of rows to the next."""
        return (self.canvas.inner_width + 2 * self.canvas.size.label) / blocks

    def slot(self, blocks: int, each: int) -> float:
        """Width for one of ``each`` patches."""
        return (self.block(blocks) - 2 * self.canvas.size.label - self.left) / each

    def how_many(self, units: int, patches: int, subtitle: str) -> tuple[int, int]:
        """How many units, and how many patches of each, keep a legible side below a headline."""
        canvas = self.canvas
        lines = canvas.headline_lines(subtitle)
        height = canvas.inner_height - canvas.headline_height(lines)
        most = min(patches, max(1, math.floor((canvas.inner_width - self.left) / self.need)))

        def readable(shown: int, each: int) -> bool:
            side = self.arranged(shown, each, height)[0] * max(self.shape)
            return shown == 1 or side >= 2 * canvas.size.small

        # All units with fewer patches are better than some units with all patches.
        for each in range(most, most * 2 // 3, -1):
            if readable(units, each):
                return units, each
        return next(shown for shown in range(units, 0, -1) if readable(shown, most)), most

    def arranged(self, units: int, each: int, height: float) -> tuple[float, int]:
        """Side of a cell, and number of blocks of rows side by side: the largest."""
        small, found = self.canvas.size.small, []
        for blocks in range(1, units + 1):
            slot = self.slot(blocks, each)
            tall = height / math.ceil(units / blocks) - (0.55 + self.lines * LINE) * small
            name = 1.25 * self.canvas.size.label
            if slot >= self.need and tall > 0 and height / math.ceil(units / blocks) >= name:
                wide = min(slot - 0.4 * small, 300 * self.canvas.unit)
                found.append((whole_cells(wide, tall, *self.shape), -blocks))
        cell, blocks = max(found, default=(1.0 / max(self.shape), -1))
        return cell, -blocks
