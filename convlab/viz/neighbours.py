"""Why neighbouring pixels matter: their correlation by distance, original and shuffled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.line_plot import Look, line_plot
from convlab.viz.tiles import whole_cells

_WORDS = ("as they are", "pixels shuffled")


def neighbours(
    image: ArrayLike,
    shuffled_image: ArrayLike,
    distances: ArrayLike,
    correlations: ArrayLike,
    shuffled: ArrayLike,
    *,
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """An image, the same shuffled, and the correlation of pixels by distance in both.

    image, shuffled_image: (C, H, W) bytes, C 1 or 3, of one size.  distances, correlations,
    shuffled: (n,) at least 2, distances in pixels.

    Raises ShapeError for arrays that do not fit each other, SpecError for an unknown theme
    or size.
    """
    image, shuffled_image = np.asarray(image), np.asarray(shuffled_image)
    if image.shape != shuffled_image.shape:
        raise ShapeError(
            f"expected two images of one shape, got {image.shape} and {shuffled_image.shape}"
        )
    distances = np.asarray(distances, float)
    lines = [np.asarray(correlations, float), np.asarray(shuffled, float)]
    if distances.ndim != 1 or len(distances) < 2 or any(v.shape != distances.shape for v in lines):
        raise ShapeError(
            f"expected correlations of at least 2 distances, got {lines[0].shape} and"
            f" {lines[1].shape} for {distances.shape}"
        )
    if not np.isfinite(lines).all():
        raise ShapeError("expected finite correlations, got some that are not")
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.ink)
    looks = Look(canvas.theme.input), Look(canvas.theme.mistake, (5.0, 2.5))
    left = _draw_pictures(canvas, (image_rgb(image), image_rgb(shuffled_image)), looks)
    _draw_lines(canvas, left, distances, np.stack(lines), looks)
    return canvas.figure


def _draw_pictures(canvas: Canvas, pictures: Sequence[NDArray], looks: Sequence[Look]) -> float:
    """Both at the left, one above the other, as high as possible; returns where they end."""
    small, gap = canvas.size.small, 0.9 * canvas.size.label
    head = small * LINE
    room = 0.3 * canvas.inner_width, (canvas.inner_height - gap) / 2 - head
    rows, columns = pictures[0].shape[:2]
    cell = whole_cells(*room, rows, columns)
    width, height = cell * columns, cell * rows
    step = min((canvas.inner_height + gap) / 2, height + head + 2 * gap)
    for at, (pixels, word, look) in enumerate(zip(pictures, _WORDS, looks, strict=True)):
        top = canvas.top + at * step
        canvas.text(canvas.left, top, word, px=small, colour=look.colour, bold=True)
        canvas.picture(pixels, canvas.left, top + head, width, height, edge=look.colour)
    return canvas.left + max(width, canvas.widest(_WORDS, small, bold=True))


def _draw_lines(
    canvas: Canvas, left: float, distances: NDArray, lines: NDArray, looks: Sequence[Look]
) -> None:
    """The correlations by distance, each with its number at the second distance."""
    left += 2.2 * canvas.size.label
    plot = line_plot(
        canvas,
        (left, canvas.top, canvas.right - left, canvas.inner_height),
        (float(distances[0]), float(distances[-1])),
        # The lower line's name is below it.
        (min(-0.2, float(lines.min())), max(0.0, float(lines.max()))),
        x_label="distance in pixels",
        y_label="correlation",
        whole=True,
    )
    x, small = plot.at_x(distances[1]) + 8 * canvas.unit, canvas.size.small
    for word, line, other, look in zip(_WORDS, lines, lines[::-1], looks, strict=True):
        plot.line(distances, line, look, dot=1.7)
        word = word.removeprefix("pixels ")
        text = f"{word}: {number(line[1])} at distance {number(distances[1])}"
        away, anchor = (-0.5, "lb") if line[1] >= other[1] else (0.5, "lt")
        y, width = plot.at_y(line[1]) + away * small, plot.right - x
        canvas.text(x, y, text, anchor, px=small, colour=look.colour, width=width)
