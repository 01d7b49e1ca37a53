"""Kernels that are being learned beside those that they should become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.experiment import lay_texts
from convlab.viz.line_panels import LinePanel, aspect_of, draw_panel
from convlab.viz.page import LINE, Page

_LEAST_CURVE = 300  # pixels of a slide


@dataclass(frozen=True)
class KernelColumn:
    """One kernel for each row: (KH, KW) arrays, with a text below each.

    Columns of one ``group``, next to each other, stand under its name.
    """

    heading: str
    kernels: Sequence[NDArray]
    notes: Sequence[str]
    group: str = ""


def learned_kernels(
    names: Sequence[str],
    columns: Sequence[KernelColumn],
    curve: LinePanel,
    *,
    title: str,
    verdict: str,
    note: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """A row of kernels for each name, and a plot beside them where there is room for it.

    Each row has a scale of its own, below its name, symmetric about zero and as wide as its last
    kernel needs; what lies beyond has the colour of the end.  Raises ShapeError for columns that
    do not have a kernel and a note for each name.
    """
    if not names or not columns:
        raise ShapeError("expected at least one name and one column of kernels, got none")
    for column in columns:
        if not len(column.kernels) == len(column.notes) == len(names):
            raise ShapeError(
                f"expected {len(names)} kernels and notes in the column {column.heading}, got"
                f" {len(column.kernels)} and {len(column.notes)}"
            )
    page = Page(size, theme, aspect=aspect_of(size))
    lay_texts(page, title, verdict, note)
    right = _draw_kernels(page, names, columns)
    if right < page.right:
        page.left = right
        draw_panel(page, curve)
    return page.figure


def _draw_kernels(page: Page, names: Sequence[str], columns: Sequence[KernelColumn]) -> float:
    """Draw the rows; returns where the room for the curve begins, the right end for none."""
    small, unit, theme = page.size.small, page.unit, page.theme
    gap, line = 16 * unit, LINE * small
    scales = [style.signed_scale(kernel, theme) for kernel in columns[-1].kernels]
    ends = [[number(end) for end in (scale.lowest, scale.highest)] for scale in scales]
    room = page.right - page.left
    wide = max(page.widest(names, small, True), *(page.widest(pair, small) * 2.2 for pair in ends))
    first = page.left + min(wide, 0.3 * room) + gap
    top = page.top + (2 if any(column.group for column in columns) else 1) * line + 0.3 * small
    high = (page.bottom - top) / len(names) - line - 0.4 * small
    side = min(high, (page.right - first + gap) / len(columns) - gap)
    pitch, curve = side + gap, first + len(columns) * (side + gap) + 44 * unit
    if page.right - curve < _LEAST_CURVE * unit:
        pitch, curve = (page.right - first + gap) / len(columns), page.right
    lefts = [first + at * pitch for at in range(len(columns))]
    text_room = pitch - 0.3 * small
    for at, column in enumerate(columns):
        if column.group and (at == 0 or columns[at - 1].group != column.group):
            count = sum(other.group == column.group for other in columns)
            width = (count - 1) * pitch + text_room
            page.text(lefts[at], page.top, column.group, px=small, bold=True, width=width)
        heading = {"px": small, "colour": theme.quiet, "width": text_room}
        page.text(lefts[at], top - line, column.heading, **heading)
    for row, (name, (low, top_end), scale) in enumerate(zip(names, ends, scales, strict=True)):
        y = top + row * (side + line + 0.4 * small)
        width = first - gap - page.left
        page.text(page.left, y, name, px=small, bold=True, width=width)
        _bar(page, scale, y + line + 0.3 * small, width, (low, top_end))
        for left, column in zip(lefts, columns, strict=True):
            kernel = column.kernels[row]
            page.array(kernel, scale, left, y, side, side)
            cell = side / kernel.shape[1], side / kernel.shape[0]
            page.grid_lines(left, y, *kernel.shape, cell, theme.hairline)
            known = column is columns[-1]
            page.box(left, y, side, side, edge=theme.output if known else theme.window)
            page.text(left, y + side + 0.25 * small, column.notes[row], px=small, width=text_room)
    return curve


def _bar(page: Page, scale: style.Scale, top: float, width: float, ends: Sequence[str]) -> None:
    """The scale of a row, lying, with its limits below its ends."""
    small = page.size.small
    shades = np.linspace(scale.lowest, scale.highest, 257)[None]
    page.picture(scale.rgb(shades), page.left, top, width, 0.6 * small)
    page.box(page.left, top, width, 0.6 * small, edge=page.theme.hairline)
    for text, x, ha in zip(ends, (page.left, page.left + width), ("left", "right"), strict=True):
        page.text(x, top + 0.8 * small, text, px=small, colour=page.theme.quiet, ha=ha)
