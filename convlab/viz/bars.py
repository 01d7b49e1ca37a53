"""Shares as bars, each with its name at the left and its number at the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from convlab.numerals import to_places
from convlab.viz.canvas import Canvas


def draw_shares(
    canvas: Canvas,
    shares: Sequence[tuple[str, float]],
    place: tuple[float, float, float],
    step: float,
    main: tuple[str, float] | None,
) -> None:
    """Stacked names with shares of 1, ``step`` apart, from ``place`` on.

    place: left, top and width.  Names take at most two fifths of it.  ``main``, one of the
    shares, stands out in the output's colour.
    """
    (left, top, width), small, theme = place, canvas.size.small, canvas.theme
    numbers = [to_places(share, 3) for _, share in shares]
    names = min(canvas.widest([name for name, _ in shares], small, bold=True), 0.42 * width)
    right = canvas.widest(numbers, small, bold=True)
    gap, thick = 8 * canvas.unit, step * 0.56
    for row, (one, number) in enumerate(zip(shares, numbers, strict=True)):
        y, stands_out = top + (row + 0.5) * step, one is main
        ink, fill = (theme.ink, theme.output) if stands_out else (theme.quiet, theme.hairline)
        write = partial(canvas.text, px=small, bold=stands_out, colour=ink)
        write(left, y, one[0], "lm", width=names)
        length = (width - names - right - 2 * gap) * float(np.nan_to_num(one[1]).clip(0, 1))
        canvas.box(left + names + gap, y - thick / 2, length, thick, fill=fill)
        write(left + width, y, number, "rm")
