"""Images made to activate the units of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.album import Album, Box
from convlab.viz.canvas import Canvas
from convlab.viz.facts import facts_at_foot
from convlab.viz.tiles import joined, part_of


def maximise(
    images: ArrayLike,
    box: Box,
    names: Sequence[str],
    reached: ArrayLike,
    natural: ArrayLike,
    *,
    never: ArrayLike | None = None,
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Images made for one unit each, with the unit's output for them and for the data.

    images: (M, C, H, W), uint8, C 1 or 3.  box: the part of each that is drawn,
    (top, left, bottom, right) in pixels, half-open; outside the image it is padding.
    names: M.  reached: (M,), the output for the image; natural: (M,), the largest
    output for an image of the data; "made 3.1 real 2.2" below shows both.  never:
    (M,), where that largest output does not pass a ReLU, so that the unit never
    fires.  facts: (label, text) pairs at the foot.  If not all fit legibly, the
    second line says how many are shown.

    Raises ShapeError for arrays of other shapes, SpecError for an unknown theme or size.
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
    canvas = Canvas(size, theme, aspect=1.0)
    captions = []
    for one, other, dead in zip(reached, natural, never, strict=True):
        made = (f"made {number(one)}", canvas.theme.ink, True)
        real = ("never fires" if dead else f"real {number(other)}", canvas.theme.quiet, False)
        captions.append([[[made, real]], [[made], [real]]])
    look = partial(Album, largest=460 * canvas.unit, gap=1.6, pad=0.3, spread=(2.0, 0.6))
    album = look(canvas, images, box, captions, names)
    facts_at_foot(canvas, facts)
    longest = f"{subtitle}, first {count} of these {count}"
    headline = canvas.headline_height(canvas.headline_lines(longest))
    shown = album.how_many(canvas.inner_height - headline)
    said = joined(subtitle, part_of(shown, count))
    canvas.headline(title, said, canvas.theme.output)
    album.draw(shown)
    return canvas.figure
