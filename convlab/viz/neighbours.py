"""Why neighbouring pixels matter: their correlation by distance, as they are and shuffled."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.line_plot import line_plot
from convlab.viz.tiles import whole_cells


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
    pictures = image_rgb(image), image_rgb(shuffled_image)
    canvas = Canvas(size, theme, aspect=0.72)
    canvas.headline(title, subtitle, canvas.theme.ink)
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    words = ("as they are", "pixels shuffled")
    looks = ((theme.input, None), (theme.mistake, (5.0, 2.5)))

    # Two pictures at the left, one above the other, as high as they fit.
    head, gap = small * LINE, 0.9 * canvas.size.label
    room = 0.3 * canvas.inner_width, (canvas.inner_height - gap) / 2 - head
    rows, columns = image.shape[1:]
    cell = whole_cells(*room, rows, columns)
    width, height = cell * columns, cell * rows
    wide = max(width, canvas.widest(words, small, bold=True))
    step = (canvas.inner_height + gap) / 2
    for at, (pixels, word, (colour, _)) in enumerate(zip(pictures, words, looks, strict=True)):
        top = canvas.top + at * min(step, height + head + 2 * gap)
        canvas.text(canvas.left, top, word, px=small, colour=colour, bold=True)
        canvas.picture(pixels, canvas.left, top + head, width, height)
        canvas.box(canvas.left, top + head, width, height, edge=colour)

    left = canvas.left + wide + 2.2 * canvas.size.label
    known = np.concatenate(lines)
    plot = line_plot(
        canvas,
        (left, canvas.top, canvas.right - left, canvas.inner_height),
        (float(distances[0]), float(distances[-1])),
        # Below the lower line stands what it is.
        (min(-0.2, float(np.nanmin(known))), max(0.0, float(np.nanmax(known)))),
        x_label="distance in pixels",
        y_label="correlation",
        whole=True,
    )
    for at, (line, (colour, dashes)) in enumerate(zip(lines, looks, strict=True)):
        xs, ys = plot.at_x(distances), plot.at_y(line)
        canvas.line(xs, ys, colour, stroke=0.6 * canvas.size.thick, dashes=dashes)
        for x, y in zip(xs, ys, strict=True):
            canvas.dot(x, y, colour, 1.7 * canvas.size.thick, hollow=dashes is not None)
        above = line[1] >= lines[1 - at][1]
        value, pixels = number(line[1]), number(distances[1])
        x = xs[1] + 8 * unit
        canvas.text(
            x,
            ys[1] + (-0.5 if above else 0.5) * small,
            f"{words[at].removeprefix('pixels ')}: {value} at distance {pixels}",
            px=small,
            colour=colour,
            anchor="lb" if above else "lt",
            width=plot.right - x,
        )
    return canvas.figure
