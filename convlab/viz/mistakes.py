"""The images that a network got wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.style import ARROW
from convlab.viz.tiles import whole_cells

_MOST = 40  # more images than this cannot be looked at together

# A caption's pieces and how they break into lines, from one line to three.
_BREAKS = (((0, 1, 2),), ((0, 1), (2,)), ((0,), (1,), (2,)))


def mistakes(
    images: ArrayLike,
    true: Sequence[str],
    predicted: Sequence[str],
    probabilities: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Wrongly classified images as a grid, each with "true → predicted, probability" below.

    images: (M, C, H, W), uint8, C 1 or 3, in the order in which they are to be
    read (the worst first).  true, predicted: M class names.  probabilities:
    (M,), the probability of the predicted class.  No images say "no mistakes";
    of more than 40 the first are shown and the second line says so.

    Raises ShapeError for images of another shape and for names or
    probabilities that are not M, SpecError for an unknown theme or size.
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
    canvas = Canvas(size, theme, aspect=1.0)
    captions = [
        (str(true[index]), f"{ARROW} {predicted[index]}", to_places(chances[index], 2))
        for index in range(min(count, _MOST))
    ]
    shown = _how_many(canvas, captions, images.shape[2:]) if count else 0
    note = f"first {shown} of {count} mistakes" if shown < count else ""
    subtitle = ", ".join(part for part in (subtitle, note) if part)
    canvas.headline(title, subtitle, canvas.theme.mistake)
    if not count:
        canvas.text(
            canvas.width / 2,
            (canvas.top + canvas.bottom) / 2,
            "no mistakes",
            "mc",
            px=canvas.size.title,
            colour=canvas.theme.quiet,
        )
        return canvas.figure
    _grid(canvas, images[:shown], captions[:shown])
    return canvas.figure


def _caption_width(
    canvas: Canvas, caption: Sequence[str], breaks: Sequence[Sequence[int]]
) -> float:
    return max(
        canvas.run_width(_pieces(canvas, caption, line), canvas.size.small) for line in breaks
    )


def _pieces(
    canvas: Canvas, caption: Sequence[str], line: Sequence[int]
) -> list[tuple[str, str, bool]]:
    # What was taken for it stands bold and in the mistake's colour, behind the arrow.
    looks = (
        (canvas.theme.ink, False),
        (canvas.theme.mistake, True),
        (canvas.theme.quiet, False),
    )
    pieces = []
    for part in line:
        comma = "," if part == 1 and 2 in line else ""
        pieces.append((caption[part] + comma, *looks[part]))
    return pieces


def _how_many(canvas: Canvas, captions: Sequence[Sequence[str]], shape: tuple[int, ...]) -> int:
    """How many images keep a readable side; the headline is taken as high as it can become."""
    size = canvas.size
    headline = (size.title + 2 * size.subtitle) * LINE + 0.7 * size.label
    height = canvas.inner_height - headline
    for shown in range(len(captions), 1, -1):
        cell, _, _ = _arrangement(canvas, captions[:shown], shape, height)
        if cell * max(shape) >= 2.8 * size.small:
            return shown
    return 1


def _arrangement(
    canvas: Canvas, captions: Sequence[Sequence[str]], shape: tuple[int, ...], height: float
) -> tuple[float, int, int]:
    """Side of a cell, which of the breaks, and number of columns: the largest images that fit."""
    small, width = canvas.size.small, canvas.inner_width
    gap, largest = _gap(canvas), 300 * canvas.unit
    found = []
    for way, breaks in enumerate(_BREAKS):
        need = max(_caption_width(canvas, caption, breaks) for caption in captions)
        under = len(breaks) * small * LINE + 0.4 * small
        for columns in range(1, len(captions) + 1):
            rows = math.ceil(len(captions) / columns)
            slot = (width - gap * (columns - 1)) / columns
            tall = max((height - gap * (rows - 1)) / rows - under, 1.0)
            cell = whole_cells(min(slot, largest), min(tall, largest), *shape)
            # Long names are shortened in the end, but keep a dozen letters.
            if slot >= need or (way == 2 and (columns == 1 or slot >= min(need, 7 * small))):
                # Among equal images the caption of fewer lines wins.
                places = math.ceil(len(captions) / columns) * columns
                found.append((cell, places, -way, columns))
    most = max(found)[0]
    # Among nearly the largest images, the grid with the fullest last row.
    near = [(-places, cell, way, columns) for cell, places, way, columns in found]
    _, cell, way, columns = max(choice for choice in near if choice[1] >= 0.82 * most)
    return cell, -way, columns


def _gap(canvas: Canvas) -> float:
    return 1.8 * canvas.size.small


def _grid(canvas: Canvas, images: np.ndarray, captions: Sequence[tuple[str, str, str]]) -> None:
    small, count = canvas.size.small, len(images)
    shape, gap = images.shape[2:], _gap(canvas)
    width, height = canvas.inner_width, canvas.inner_height
    cell, way, columns = _arrangement(canvas, captions, shape, height)
    breaks = _BREAKS[way]
    rows = math.ceil(count / columns)
    under = len(breaks) * small * LINE + 0.4 * small
    slot = (width - gap * (columns - 1)) / columns
    tile_width, tile_height = cell * shape[1], cell * shape[0]
    used = max(tile_width, *(_caption_width(canvas, caption, breaks) for caption in captions))
    step_x = min(slot, max(used, 1.75 * tile_width)) + gap
    step_y = min((height - rows * (tile_height + under)) / max(1, rows - 1), tile_height / 2)
    for index, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(index, columns)
        left = canvas.left + column * step_x
        top = canvas.top + row * (tile_height + under + step_y)
        canvas.picture(image_rgb(image), left, top, tile_width, tile_height)
        canvas.box(left, top, tile_width, tile_height, edge=canvas.theme.input)
        top += tile_height + 0.4 * small
        for line in breaks:
            pieces = _pieces(canvas, caption, line)
            if len(line) == 1:
                text, px = canvas.fit(pieces[0][0], step_x - gap, small, bold=pieces[0][2])
                pieces = [(text, *pieces[0][1:])]
            canvas.run(left, top, pieces, small)
            top += small * LINE
