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
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.experiment import lay_texts
from convlab.viz.line_panels import LinePanel, aspect_of, draw_panel
from convlab.viz.matrix import Cells

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
    canvas = Canvas(size, theme, aspect=aspect_of(size))
    lay_texts(canvas, title, verdict, note)
    right = _draw_kernels(canvas, names, columns)
    if right < canvas.right:
        canvas.left = right
        draw_panel(canvas, curve)
    return canvas.figure


def _draw_kernels(canvas: Canvas, names: Sequence[str], columns: Sequence[KernelColumn]) -> float:
    """Draw the rows; returns where the room for the curve begins, the right end for none."""
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    gap, line = 16 * unit, LINE * small
    scales = [style.signed_scale(kernel, theme) for kernel in columns[-1].kernels]
    ends = [[number(end) for end in (scale.lowest, scale.highest)] for scale in scales]
    room = canvas.inner_width
    wide = max(
        canvas.widest(names, small, True), *(canvas.widest(pair, small) * 2.2 for pair in ends)
    )
    first = canvas.left + min(wide, 0.3 * room) + gap
    top = canvas.top + (2 if any(column.group for column in columns) else 1) * line + 0.3 * small
    high = (canvas.bottom - top) / len(names) - line - 0.4 * small
    side = min(high, (canvas.right - first + gap) / len(columns) - gap)
    pitch, curve = side + gap, first + len(columns) * (side + gap) + 44 * unit
    if canvas.right - curve < _LEAST_CURVE * unit:
        pitch, curve = (canvas.right - first + gap) / len(columns), canvas.right
    lefts = [first + at * pitch for at in range(len(columns))]
    text_room = pitch - 0.3 * small
    for at, column in enumerate(columns):
        if column.group and (at == 0 or columns[at - 1].group != column.group):
            count = sum(other.group == column.group for other in columns)
            width = (count - 1) * pitch + text_room
            canvas.text(lefts[at], canvas.top, column.group, px=small, bold=True, width=width)
        heading = {"px": small, "colour": theme.quiet, "width": text_room}
        canvas.text(lefts[at], top - line, column.heading, **heading)
    for row, (name, (low, top_end), scale) in enumerate(zip(names, ends, scales, strict=True)):
        y = top + row * (side + line + 0.4 * small)
        width = first - gap - canvas.left
        canvas.text(canvas.left, y, name, px=small, bold=True, width=width)
        _bar(canvas, scale, y + line + 0.3 * small, width, (low, top_end))
        for left, column in zip(lefts, columns, strict=True):
            kernel = column.kernels[row]
            canvas.array(kernel, scale, left, y, side, side)
            cell = side / kernel.shape[1], side / kernel.shape[0]
            Cells(canvas, left, y, *kernel.shape, *cell).lines(theme.hairline)
            known = column is columns[-1]
            canvas.box(left, y, side, side, edge=theme.output if known else theme.window)
            canvas.text(left, y + side + 0.25 * small, column.notes[row], px=small, width=text_room)
    return curve


def _bar(canvas: Canvas, scale: style.Scale, top: float, width: float, ends: Sequence[str]) -> None:
    """The scale of a row, lying, with its limits below its ends."""
    small = canvas.size.small
    shades = np.linspace(scale.lowest, scale.highest, 257)[None]
    canvas.picture(scale.rgb(shades), canvas.left, top, width, 0.6 * small)
    canvas.box(canvas.left, top, width, 0.6 * small, edge=canvas.theme.hairline)
    for text, x, anchor in zip(ends, (canvas.left, canvas.left + width), ("lt", "rt"), strict=True):
        canvas.note(x, top + 0.8 * small, text, anchor)
