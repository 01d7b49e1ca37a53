"""What an experiment measured from several sides: panels of lines below one verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from convlab.errors import SpecError
from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.experiment import Lines, MeasuredLine, lay_texts

# Pixels of a slide that a panel needs, and those between two.
_LEAST = 300, 200
_GAP = 44


@dataclass(frozen=True)
class LinePanel:
    """Lines under a title of their own; the other fields as for ``measured_lines``."""

    title: str
    lines: Sequence[MeasuredLine]
    x_label: str
    y_label: str
    unit: str = "number"
    logarithmic: bool = False
    y_range: tuple[float, float] | None = None


def line_panels(
    panels: Sequence[LinePanel],
    *,
    title: str,
    verdict: str,
    note: str = "",
    theme: str = "light",
    size: str = "slide",
) -> Figure:
    """Panels of ``measured_lines`` side by side, below each other where the canvas is narrow.

    The most important panel comes first: where there is no room for all, the last give way.
    Raises SpecError without panels or lines, and for an unknown theme or size.
    """
    if not panels or not all(panel.lines for panel in panels):
        raise SpecError("expected at least one panel, each with a line, got one without")
    canvas = Canvas(size, theme, aspect=aspect_of(size))
    lay_texts(canvas, title, verdict, note)
    left, right, top, bottom = canvas.left, canvas.right, canvas.top, canvas.bottom
    unit, gap = canvas.unit, _GAP * canvas.unit
    columns = max(1, min(len(panels), int((right - left + gap) / (_LEAST[0] * unit + gap))))
    rows = math.ceil(len(panels) / columns)
    rows = max(1, min(rows, int((bottom - top + gap) / (_LEAST[1] * unit + gap))))
    width = (right - left - (columns - 1) * gap) / columns
    height = (bottom - top - (rows - 1) * 0.5 * gap) / rows
    for index, panel in enumerate(panels[: rows * columns]):
        row, column = divmod(index, columns)
        canvas.left, canvas.top = left + column * (width + gap), top + row * (height + 0.5 * gap)
        canvas.right, canvas.bottom = canvas.left + width, canvas.top + height
        draw_panel(canvas, panel)
    return canvas.figure


def aspect_of(size: str) -> float:
    """Height by width of a canvas with a long verdict: a narrow one, of many lines, is taller."""
    chosen = style.size_named(size)
    return 0.6 if chosen.width > 60 * chosen.small else 1.15


def draw_panel(canvas: Canvas, panel: LinePanel) -> None:
    """Draw a panel between the canvas's left, right, top and bottom."""
    small = canvas.size.small
    canvas.text(canvas.left, canvas.top, panel.title, px=small, bold=True, width=canvas.inner_width)
    canvas.top += LINE * small
    Lines(
        canvas,
        panel.lines,
        x_label=panel.x_label,
        y_label=panel.y_label,
        unit=panel.unit,
        logarithmic=panel.logarithmic,
        y_range=panel.y_range,
        marks=(),
    ).draw()
