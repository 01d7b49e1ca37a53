"""Kernels being learned, beside those that they should become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from numpy.typing import NDArray

from convlab.errors import ShapeError
from convlab.numerals import number
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.colour_bar import ColourBar
from convlab.viz.experiment import lay_texts
from convlab.viz.line_panels import LinePanel, aspect_of, draw_panel
from convlab.viz.matrix import Cells

_LEAST_CURVE = 300  # pixels of a slide


@dataclass(frozen=True)
class KernelColumn:
    """One kernel for each row: (KH, KW) arrays, with a text below each.

    Adjacent columns of one ``group`` are under its name.
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
    """A row of kernels for each name, with a plot beside them if there is room for it.

    Each row has its own scale, below its name, symmetric about zero and as wide as its last kernel
    needs; values beyond have the colour of the end.  Raises ShapeError for columns that do not have
    a kernel and a note for each name.
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
    """Draw the rows; returns where the room for the curve begins, or the right end if none."""
    small, unit, theme = canvas.size.small, canvas.unit, canvas.theme
    gap, line = 16 * unit, LINE * small
    bars = [ColourBar(canvas, style.signed_scale(k, theme)) for k in columns[-1].kernels]
    ends = [[number(end) for end in (bar.scale.lowest, bar.scale.highest)] for bar in bars]
    widths = (canvas.widest(pair, small) * 2.2 for pair in ends)
    wide = min(max(canvas.widest(names, small, True), *widths), 0.3 * canvas.inner_width)
    first = canvas.left + wide + gap
    top = canvas.top + (2 if any(column.group for column in columns) else 1) * line + 0.3 * small
    high = (canvas.bottom - top) / len(names) - line - 0.4 * small
    side = min(high, (canvas.right - first + gap) / len(columns) - gap)
    pitch, curve = side + gap, first + len(columns) * (side + gap) + 44 * unit
    if canvas.right - curve < _LEAST_CURVE * unit:
        pitch, curve = (canvas.right - first + gap) / len(columns), canvas.right
    room = pitch - 0.3 * small
    for at, column in enumerate(columns):
        x = first + at * pitch
        if column.group and (at == 0 or columns[at - 1].group != column.group):
            width = (sum(other.group == column.group for other in columns) - 1) * pitch + room
            canvas.text(x, canvas.top, column.group, px=small, bold=True, width=width)
        canvas.note(x, top - line, column.heading, width=room)
        edge = theme.output if column is columns[-1] else theme.window
        for row, (kernel, note) in enumerate(zip(column.kernels, column.notes, strict=True)):
            y = top + row * (side + line + 0.4 * small)
            cells = Cells.within(canvas, kernel.shape, x, y, side, side)
            cells.shades(kernel, bars[row].scale)
            cells.lines(theme.hairline)
            cells.box(edge)
            canvas.text(x, y + side + 0.25 * small, note, px=small, width=room)
    for row, (name, bar, limits) in enumerate(zip(names, bars, ends, strict=True)):
        y = top + row * (side + line + 0.4 * small)
        canvas.text(canvas.left, y, name, px=small, bold=True, width=wide)
        y += line + 0.3 * small
        bar.strip(canvas.left, y, wide, 0.6 * small)
        canvas.note(canvas.left, y + 0.8 * small, limits[0])
        canvas.note(canvas.left + wide, y + 0.8 * small, limits[1], "rt")
    return curve
