"""What a notebook shows of a tensor, a network or a run: HTML that stands by itself.

Colours are those that the page has anyway, so that light and dark themes both are right; the
heat map's own are the blue and orange of all pictures.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

MOST_CELLS = 28  # of a heat map along an axis
CELL = 9  # pixels of a cell's side
NEGATIVE, POSITIVE = (33, 102, 172), (217, 95, 2)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: set[int]) -> str:
    """A table, whose columns ``numeric`` stand to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        made = (
            f'<{tag} style="text-align: {"right" if i in numeric else "left"}">'
            f"{html.escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"


def folded(title: str, content: str, opened: bool = True) -> str:
    """Content that folds away behind its title."""
    said = html.escape(title)
    return f"<details{' open' if opened else ''}><summary>{said}</summary>{content}</details>"


def heat_map(array: np.ndarray) -> str:
    """The last two axes of an array as coloured cells: orange above 0, blue below, none at 0.

    Of more axes the first maps are shown, of more cells the first ones; numbers that are not
    finite are crossed.
    """
    while array.ndim > 2:
        array = array[0]
    values = np.atleast_2d(array)[:MOST_CELLS, :MOST_CELLS]
    finite = values[np.isfinite(values)]
    largest = float(np.abs(finite).max(initial=0.0)) or 1.0
    cells = []
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            x, y = j * CELL, i * CELL
            if not np.isfinite(value):
                path = f"M{x} {y}l{CELL} {CELL}m0 -{CELL}l-{CELL} {CELL}"
                cells.append(f'<path d="{path}" stroke="currentColor"/>')
                continue
            red, green, blue = POSITIVE if value > 0 else NEGATIVE
            share = abs(value) / largest
            cells.append(
                f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}"'
                f' fill="rgba({red},{green},{blue},{share:.2f})"><title>{value:.5g}</title></rect>'
            )
    high, wide = values.shape[0] * CELL, values.shape[1] * CELL
    frame = f'<rect width="{wide}" height="{high}" fill="none" stroke="currentColor"/>'
    return f'<svg width="{wide}" height="{high}" role="img">{"".join(cells)}{frame}</svg>'


def array(values: np.ndarray, facts: Sequence[str]) -> str:
    """An array: what is known of it, and a part of it as a heat map."""
    known = [" × ".join(map(str, values.shape)) or "one number", str(values.dtype), *facts]
    if not values.size:
        return html.escape(", ".join([*known, "empty"]))
    known.append(f"{values.min():.5g} to {values.max():.5g}")
    shown = "" if values.ndim <= 2 else f"; shown is map {', '.join(['0'] * (values.ndim - 2))}"
    return f"<div>{html.escape(', '.join(known) + shown)}</div>{heat_map(values)}"


def curve(values: Sequence[float], title: str, width: int = 240, height: int = 60) -> str:
    """A line through values from 0 to the largest, with the last one said."""
    top = max([*values, 1e-12])
    step = width / max(1, len(values) - 1)
    points = " ".join(
        f"{i * step:.1f},{height - 2 - (height - 4) * value / top:.1f}"
        for i, value in enumerate(values)
    )
    line = f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    return (
        f'<svg width="{width}" height="{height}" role="img"><title>{html.escape(title)}</title>'
        f"{line}</svg>"
    )
