"""The patches of images that activate the units of a layer most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz.album import Box, box_shape, draw_patch
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.facts import facts_at_foot
from convlab.viz.tiles import joined, part_of, whole_cells


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
    """A row per unit: the patches that activate it most, each with its output below.

    images: for each unit equally many images (1, H, W) or (3, H, W), uint8.  boxes: for each image
    what is cut out of it, (top, left, bottom, right)
    in its pixels, half-open, all of one size; outside the image it is padding.
    values: (units, images).  names: one per unit.  facts: (label, text) pairs at the foot.  If not
    all units or patches fit legibly, the second line says how many are shown.

    Raises ShapeError for no unit, for numbers of images, boxes or values that
    differ and boxes of several sizes, SpecError for an unknown theme or size.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or 0 in values.shape or len(names) != len(values):
        raise ShapeError(
            f"expected values (units, images) and a name a unit, got {values.shape} and"
            f" {len(names)} names"
        )
    units, patches = values.shape
    if {len(row) for row in (*images, *boxes)} != {patches} or {len(images), len(boxes)} != {units}:
        raise ShapeError(f"expected {patches} images and boxes for each of {units} units")
    canvas = Canvas(size, theme, aspect=1.0)
    facts_at_foot(canvas, facts)
    small, label = canvas.size.small, canvas.size.label
    texts = [[number(value) for value in row] for row in values]
    need = canvas.widest([text for row in texts for text in row], small) + 0.5 * small
    left = min(canvas.widest(names, label, bold=True), 6 * label) + label
    sheet = _Sheet(canvas, box_shape([box for row in boxes for box in row]), need, left)
    shown, each = sheet.how_many(units, patches, f"{subtitle}, first {units} of these {units}")
    said = part_of(shown, units), part_of(each, patches, "patches")
    canvas.headline(title, joined(subtitle, *said), canvas.theme.output)
    cell, blocks = sheet.arranged(shown, each, canvas.inner_height)
    rows = math.ceil(shown / blocks)
    tall, wide = (cell * length for length in sheet.shape)
    pitch = min(sheet.slot(blocks, each), max(need, 2.4 * wide))
    step = min(canvas.inner_height / rows, 1.6 * (tall + 0.25 * small + small * LINE))
    for index in range(shown):
        column, row = divmod(index, rows)
        x, y = canvas.left + column * sheet.block(blocks), canvas.top + row * step
        write = partial(canvas.text, colour=canvas.theme.output, bold=True)
        write(x, y + tall / 2, names[index], "lm", width=left - 0.6 * label)
        for place, text in enumerate(texts[index][:each]):
            at = x + left + place * pitch
            draw_patch(canvas, images[index][place], boxes[index][place], at, y, cell)
            canvas.text(at, y + tall + 0.25 * small, text, px=small, width=pitch)
    return canvas.figure


@dataclass(frozen=True)
class _Sheet:
    """Rows of patches of ``shape``, each at least ``need`` pixels wide, ``left`` before a row."""

    canvas: Canvas
    shape: tuple[int, int]
    need: float
    left: float

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
            tall = height / math.ceil(units / blocks) - (0.55 + LINE) * small
            if slot >= self.need and tall > 0:
                wide = min(slot - 0.4 * small, 300 * self.canvas.unit)
                found.append((whole_cells(wide, tall, *self.shape), -blocks))
        cell, blocks = max(found, default=(1.0 / max(self.shape), -1))
        return cell, -blocks
