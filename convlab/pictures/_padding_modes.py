"""Zeros, reflect, replicate and circular side by side."""

from __future__ import annotations

from functools import partial

import numpy as np

from convlab import Tensor, functional, viz
from convlab.errors import ShapeError
from convlab.pictures.picture import Picture
from convlab.shapes import PADDING_MODES, Pair, pair, size_text
from convlab.words import t

MOST = 30  # numbers along a side


def padding_modes(size: int | Pair = 3, padding: int | Pair = 2) -> Picture:
    """What is in the padding of a convolution: zeros, reflect, replicate, circular.

    The input, of ``size``, counts from 1, to show where each number comes from; ``padding``: rows
    and columns on each side.  Raises ShapeError for more than fits.
    """
    size, (rows, columns) = pair(size, "size"), pair(padding, "padding", 0)
    if max(size[0] + 2 * rows, size[1] + 2 * columns) > MOST:
        raise ShapeError(
            f"padding modes: expected at most {MOST} × {MOST} with the padding, got"
            f" {size_text(*size)} and padding {size_text(rows, columns)}"
        )
    values = np.arange(1, np.prod(size) + 1, dtype=np.float32).reshape(1, *size)
    padded = {
        mode: functional.pad(
            Tensor(values),
            (columns, columns, rows, rows),
            "constant" if mode == "zeros" else mode,
        ).numpy()[0]
        for mode in PADDING_MODES
    }
    title = t("What stands in the padding")
    wide = rows if rows == columns else size_text(rows, columns)
    subtitle = t("input {size}, padding {wide}", size_text(*size), wide)
    sides = rows, rows, columns, columns
    return Picture(
        title,
        f"{title}: {subtitle}; {', '.join(PADDING_MODES)}.",
        partial(viz.padding_modes, padded, sides, title=title, subtitle=subtitle),
        parameters={"input": size, "padding": (rows, columns)},
        inputs={"input": values[0]},
        result=padded,
    )
