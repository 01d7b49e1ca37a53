"""What a notebook shows of a tensor, a network or a run: self-contained HTML.

Colours are inherited from the page, so that light and dark themes both work; only the heat map has
its own, the blue and orange of all pictures.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

MOST_CELLS = 28  # of a heat map along an axis
MOST_MAPS = 8  # side by side
MAP = 84  # approximate pixels of a map's longer side

NEGATIVE, POSITIVE = (33, 102, 172), (217, 95, 2)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: set[int]) -> str:
    """A table whose ``numeric`` columns are right-aligned."""

    def row(cells: Sequence[str], tag: str) -> str:
        made = (
            f'<{tag} style="white-space: nowrap; text-align:'
            f' {"right" if i in numeric else "left"}">'
            f"{html.escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"


def folded(title: str, content: str, opened: bool = True) -> str:
    """Content that can be folded away behind its title."""
    said = html.escape(title)
    return f"<details{' open' if opened else ''}><summary>{said}</summary>{content}</details>"


def heat_map(values: np.ndarray, largest: float, side: int = MAP) -> str:
    """A matrix as coloured cells: orange above 0, blue below, none at 0.

    ``largest``: the magnitude shown in full colour; ``side``: approximate pixels of the longer
    side. Numbers that are not finite are crossed out.
    """
    rows, columns = values.shape
    cell = max(3, side // max(rows, columns))
    cells = []
    for i, row in enumerate(values.tolist()):
        for j, value in enumerate(row):
            x, y = j * cell, i * cell
            if not np.isfinite(value):
                path = f"M{x} {y}l{cell} {cell}m0 -{cell}l-{cell} {cell}"
                cells.append(f'<path d="{path}" stroke="currentColor"/>')
                continue
            red, green, blue = POSITIVE if value > 0 else NEGATIVE
            cells.append(
                f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}"'
                f' fill="rgba({red},{green},{blue},{abs(value) / largest:.2f})">'
                f"<title>{_number(value)}</title></rect>"
            )
    high, wide = rows * cell, columns * cell
    frame = f'<rect width="{wide}" height="{high}" fill="none" stroke="currentColor"/>'
    return (
        f'<svg width="{wide}" height="{high}" role="img" style="margin-right: 6px">'
        f"{''.join(cells)}{frame}</svg>"
    )


def array(values: np.ndarray, facts: Sequence[str]) -> str:
    """An array: a summary, and its first maps as heat maps on one scale."""
    known = [" × ".join(map(str, values.shape)) or "one number", str(values.dtype), *facts]
    if values.size < 2:
        said = _number(values.item()) if values.size else "empty"
        return html.escape(", ".join([*known, said]))
    finite = values[np.isfinite(values)]
    if finite.size:
        known.append(f"{_number(finite.min())} to {_number(finite.max())}")
    if finite.size < values.size:
        known.append(f"{values.size - finite.size:,} not finite")
    maps = np.atleast_2d(values)
    maps = maps.reshape(-1, *maps.shape[-2:])
    shown = maps[:MOST_MAPS, :MOST_CELLS, :MOST_CELLS]
    if shown.shape != maps.shape:
        sizes = " × ".join(map(str, shown.shape[1:]))
        known.append(f"shown: {len(shown)} of {len(maps):,} maps, {sizes} of each")
    largest = float(np.abs(shown[np.isfinite(shown)]).max(initial=0.0)) or 1.0
    side = 2 * MAP if len(shown) == 1 else MAP
    drawn = "".join(heat_map(one, largest, side) for one in shown)
    return f"<div>{html.escape(', '.join(known))}</div>{drawn}"


def _number(value: float) -> str:
    return f"{value:.5g}".replace("-", "−")


def curve(values: Sequence[float], title: str, width: int = 240, height: int = 60) -> str:
    """A line through values, from 0 to the largest, with the last one in words."""
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
