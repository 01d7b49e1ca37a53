"""Images that were made to excite the units of a layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.attribution import facts_at_foot
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.tiles import whole_cells
from convlab.viz.top_patches import Box, box_shape, draw_patch, room_below_headline


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
    """Images made for one unit each, with what the unit answers to them and to the data.

    images: (M, C, H, W), uint8, C 1 or 3.  box: the part of each that is drawn,
    (top, left, bottom, right) in pixels, half-open; outside the image it is padding.
    names: M.  reached: (M,), the answer to the image; natural: (M,), the largest
    answer to an image of the data; "made 3.1 real 2.2" below says both.  never: (M,),
    where that largest answer does not pass a ReLU, so that the unit never fires.
    facts: (label, text) pairs that stand at the foot.  When not all fit readably the
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
    shape = box_shape([box])
    canvas = Canvas(size, theme, aspect=1.0)
    small = canvas.size.small
    captions = [
        (f"made {number(one)}", "never fires" if dead else f"real {number(other)}")
        for one, other, dead in zip(reached, natural, never, strict=True)
    ]
    foot = facts_at_foot(canvas, facts)
    below = room_below_headline(canvas, f"{subtitle}, first {count} of these {count}")
    height = below - (canvas.bottom - foot)
    shown = count
    while shown > 1:
        cell, _, _ = _arrangement(canvas, names[:shown], captions[:shown], shape, height)
        if cell * max(shape) >= 2.8 * small:
            break
        shown -= 1
    note = f"first {shown} of these {count}" if shown < count else ""
    canvas.headline(
        title, ", ".join(part for part in (subtitle, note) if part), canvas.theme.output
    )
    height, gap = foot - canvas.top, 1.6 * small
    cell, columns, lines = _arrangement(canvas, names[:shown], captions[:shown], shape, height)
    rows = math.ceil(shown / columns)
    wide, tall = cell * shape[1], cell * shape[0]
    around = _around(canvas, lines)
    slot = (canvas.inner_width - gap * (columns - 1)) / columns
    used = max(wide, _need(canvas, names[:shown], captions[:shown], lines))
    step_x = min(slot, max(used, 2 * wide)) + gap
    step_y = tall + around + min((height - rows * (tall + around)) / max(1, rows - 1), 0.6 * tall)
    for index in range(shown):
        row, column = divmod(index, columns)
        x, y = canvas.left + column * step_x, canvas.top + row * step_y
        canvas.text(
            x, y, names[index], px=small, colour=canvas.theme.output, bold=True, width=step_x - gap
        )
        y += small * LINE
        draw_patch(canvas, images[index], box, x, y, cell)
        y += tall + 0.3 * small
        parts = [
            (captions[index][0], canvas.theme.ink, True),
            (captions[index][1], canvas.theme.quiet, False),
        ]
        if lines == 1:
            canvas.run(x, y, parts, small)
        else:
            for line, (text, colour, bold) in enumerate(parts):
                canvas.text(
                    x,
                    y + line * small * LINE,
                    text,
                    px=small,
                    colour=colour,
                    bold=bold,
                    width=step_x - gap,
                )
    return canvas.figure


def _around(canvas: Canvas, lines: int) -> float:
    """Height of the name above an image and the lines below it."""
    return ((1 + lines) * LINE + 0.3) * canvas.size.small


def _need(canvas: Canvas, names: Sequence[str], captions: Sequence[tuple[str, str]], lines: int):
    small = canvas.size.small
    looks = (canvas.theme.ink, True), (canvas.theme.quiet, False)
    pieces = [[(text, *look) for text, look in zip(pair, looks, strict=True)] for pair in captions]
    if lines == 1:
        below = max(canvas.run_width(parts, small) for parts in pieces)
    else:
        below = max(canvas.measure(t, small, bold) for parts in pieces for t, _, bold in parts)
    # A long name is shortened in the end, but keeps a dozen letters.
    return max(below, min(canvas.widest(names, small, bold=True), 7 * small))


def _arrangement(
    canvas: Canvas,
    names: Sequence[str],
    captions: Sequence[tuple[str, str]],
    shape: tuple[int, int],
    height: float,
) -> tuple[float, int, int]:
    """Side of a cell, columns, and lines below an image: the largest images that fit."""
    gap, count = 1.6 * canvas.size.small, len(names)
    found = []
    for lines in (1, 2):
        need = _need(canvas, names, captions, lines)
        for columns in range(1, count + 1):
            rows = math.ceil(count / columns)
            slot = (canvas.inner_width - gap * (columns - 1)) / columns
            tall = (height - gap * (rows - 1)) / rows - _around(canvas, lines)
            if tall < 1 or (slot < need and columns > 1):
                continue
            largest = 460 * canvas.unit
            cell = whole_cells(min(slot, largest), min(tall, largest), *shape)
            found.append((cell, rows * columns, -lines, columns))
    if not found:
        return 1.0 / max(shape), 1, 2
    most = max(found)[0]
    # Among nearly the largest images, the grid with the fullest last row.
    near = [(-places, cell, lines, columns) for cell, places, lines, columns in found]
    _, cell, lines, columns = max(choice for choice in near if choice[1] >= 0.82 * most)
    return cell, columns, -lines
