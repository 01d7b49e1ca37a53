"""The patches of images that excite the units of a layer most."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.attribution import facts_at_foot
from convlab.viz.canvas import LINE, Canvas, image_rgb
from convlab.viz.tiles import whole_cells

Box = tuple[int, int, int, int]


def top_patches(
    images: Sequence[Sequence[ArrayLike]],
    boxes: Sequence[Sequence[Box]],
    values: ArrayLike,
    names: Sequence[str],
    *,
    facts: Sequence[tuple[str, str]] = (),
    title: str,
    subtitle: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row a unit: the patches that it likes best, each with its answer below.

    images: for each unit as many images (1, H, W) or (3, H, W), uint8, as for the
    others.  boxes: for each image what is cut out of it, (top, left, bottom, right)
    in its pixels, half-open, all of one size; outside the image it is padding.
    values: (units, images).  names: one a unit.  facts: (label, text) pairs that stand at
    the foot.  When not all units or patches fit readably the second line says how many
    are shown.

    Raises ShapeError for no unit, for numbers of images, boxes or values that
    differ and boxes of several sizes, SpecError for an unknown theme or size.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or 0 in values.shape or len(names) != len(values):
        raise ShapeError(
            f"expected values (units, images) and a name a unit, got {values.shape} and"
            f" {len(names)} names"
        )
    units, each = values.shape
    if {len(row) for row in (*images, *boxes)} != {each} or len(images) != units != len(boxes):
        raise ShapeError(f"expected {each} images and boxes for each of {units} units")
    shape = box_shape([box for row in boxes for box in row])
    canvas = Canvas(size, theme, aspect=1.0)
    canvas.bottom = facts_at_foot(canvas, facts)
    small, label = canvas.size.small, canvas.size.label
    texts = [number(value) for value in values.flat]
    need = canvas.widest(texts, small) + 0.5 * small
    left = min(canvas.widest(names, label, bold=True), 6 * label) + label
    room = canvas.inner_width - left
    patches, each = each, min(each, max(1, math.floor(room / need)))
    height = room_below_headline(canvas, f"{subtitle}, first {units} of these {units}")
    shown = 0
    # All units with some patches less are better than some units with all patches.
    for fewer in range(each, each * 2 // 3, -1):
        fitting = _how_many(canvas, units, fewer, shape, need, left, height)
        if fitting == units or not shown:
            shown, each = fitting, fewer
    notes = [subtitle] if subtitle else []
    if shown < units:
        notes.append(f"first {shown} of these {units}")
    if each < patches:
        notes.append(f"first {each} of {patches} patches")
    canvas.headline(title, ", ".join(notes), canvas.theme.output)
    height = canvas.inner_height
    cell, blocks = _cell(canvas, shown, each, shape, need, left, height)
    rows = math.ceil(shown / blocks)
    block = (canvas.inner_width + 2 * label) / blocks
    slot = (block - 2 * label - left) / each
    wide, tall = cell * shape[1], cell * shape[0]
    pitch = min(slot, max(need, 2.4 * wide))
    under = 0.25 * small + small * LINE
    step = min(height / rows, 1.6 * (tall + under))
    for index in range(shown):
        column, row = divmod(index, rows)
        x, y = canvas.left + column * block, canvas.top + row * step
        canvas.text(
            x,
            y + tall / 2,
            names[index],
            "lm",
            colour=canvas.theme.output,
            bold=True,
            width=left - 0.6 * label,
        )
        for place in range(each):
            at = x + left + place * pitch
            draw_patch(canvas, images[index][place], boxes[index][place], at, y, cell)
            text = texts[index * patches + place]
            canvas.text(at, y + tall + 0.25 * small, text, px=small, width=pitch)
    return canvas.figure


def room_below_headline(canvas: Canvas, subtitle: str) -> float:
    """Height from below a headline with this second line, or two, down to the margin."""
    size = canvas.size
    lines = 1 if canvas.measure(subtitle, size.subtitle) <= canvas.inner_width else 2
    headline = (size.title + lines * size.subtitle) * LINE + 0.7 * size.label
    return canvas.inner_height - headline


def box_shape(boxes: Sequence[Box]) -> tuple[int, int]:
    """Rows and columns of boxes (top, left, bottom, right).  Raises ShapeError for several."""
    shapes = {(bottom - top, right - left) for top, left, bottom, right in boxes}
    if len(shapes) != 1 or min(next(iter(shapes))) < 1:
        raise ShapeError(f"expected boxes of one size, with pixels in them, got {sorted(shapes)}")
    return next(iter(shapes))


def draw_patch(canvas: Canvas, image: ArrayLike, box: Box, x: float, y: float, cell: float) -> None:
    """What a box cuts out of an image (C, H, W); outside the image the ground of padding."""
    rgb = image_rgb(np.asarray(image))
    top, left, bottom, right = box
    rows, columns = rgb.shape[:2]
    inside: NDArray = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    width, height = (right - left) * cell, (bottom - top) * cell
    if inside.shape[:2] != (bottom - top, right - left):
        canvas.box(
            x,
            y,
            width,
            height,
            edge=canvas.theme.quiet,
            fill=canvas.theme.hairline_fill,
            dashed=True,
        )
    if inside.size:
        x, y = x + max(-left, 0) * cell, y + max(-top, 0) * cell
        height, width = (cell * length for length in inside.shape[:2])
        canvas.picture(inside, x, y, width, height)
        canvas.box(x, y, width, height, edge=canvas.theme.input)


def _how_many(
    canvas: Canvas,
    units: int,
    each: int,
    shape: tuple[int, int],
    need: float,
    left: float,
    height: float,
) -> int:
    """Of how many units the patches keep a readable side."""
    for shown in range(units, 1, -1):
        cell, _ = _cell(canvas, shown, each, shape, need, left, height)
        if cell * max(shape) >= 2 * canvas.size.small:
            return shown
    return 1


def _cell(
    canvas: Canvas,
    units: int,
    each: int,
    shape: tuple[int, int],
    need: float,
    left: float,
    height: float,
) -> tuple[float, int]:
    """Side of a cell, and in how many blocks the rows stand side by side: the largest that fit."""
    small, gap = canvas.size.small, 2 * canvas.size.label
    under = 0.25 * small + small * LINE + 0.3 * small
    found = []
    for blocks in range(1, units + 1):
        rows = math.ceil(units / blocks)
        slot = ((canvas.inner_width + gap) / blocks - gap - left) / each
        tall = height / rows - under
        if slot < need or tall <= 0:
            continue
        found.append(
            (whole_cells(min(slot - 0.4 * small, 300 * canvas.unit), tall, *shape), -blocks)
        )
    if not found:
        return 1.0 / max(shape), 1
    cell, blocks = max(found)
    return cell, -blocks
