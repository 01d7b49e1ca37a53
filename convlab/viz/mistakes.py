"""The images that a network got wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import to_places
from convlab.viz.album import Album
from convlab.viz.canvas import Canvas
from convlab.viz.style import ARROW
from convlab.viz.tiles import joined, part_of

_MOST = 40  # more images than this cannot be looked at together


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
    read (the worst first).  true, predicted: M class names.  probabilities: (M,),
    the probability of the predicted class.  Without images it says "no mistakes";
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
    colour, quiet = canvas.theme.mistake, canvas.theme.quiet
    if not count:
        canvas.headline(title, subtitle, colour)
        middle = canvas.width / 2, (canvas.top + canvas.bottom) / 2
        canvas.text(*middle, "no mistakes", "mc", px=canvas.size.title, colour=quiet)
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
    album = Album(canvas, images, box, captions, largest=300 * canvas.unit)
    shown = album.how_many(canvas.inner_height - canvas.headline_height())
    canvas.headline(title, joined(subtitle, part_of(shown, count, "mistakes")), colour)
    album.draw(shown)
    return canvas.figure
