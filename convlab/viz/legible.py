"""Whether a figure's texts have the room that they need, and how much they would need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from convlab.errors import ConvlabError, SpecError
from convlab.spelling import MOST_PIXELS
from convlab.viz import style
from convlab.viz.style import Size

_STEP, _MOST = 1.12, 6.0  # a size is enlarged by this much at a time, and in all
_SHARED = 0.5  # pixels in which two texts may meet


def legible(figure: Figure) -> bool:
    """Whether all texts are on the canvas, apart from each other, and none of our words is cut."""
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    if not texts:
        return True
    canvas = figure.canvas
    renderer = canvas.get_renderer()  # type: ignore[attr-defined]
    x0, y0, x1, y1 = np.array([text.get_window_extent(renderer).extents for text in texts]).T
    width, height = figure.get_size_inches() * figure.dpi
    across = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    down = np.minimum(y1[:, None], y1) - np.maximum(y0[:, None], y0)
    return not (
        min(x0.min(), y0.min()) < 0
        or x1.max() > width
        or y1.max() > height
        or np.triu((across > _SHARED) & (down > _SHARED), k=1).any()
        or any(getattr(text, "cut", False) for text in texts)
    )


def drawn_for(size: str | Size, draw: Callable[[str | Size], Figure]) -> Figure:
    """A figure of a size; a size of a user's own must be large enough for it.

    Raises SpecError, which says how large it would have to be.
    """
    if isinstance(size, str):
        return draw(size)
    figure = _if_legible(draw, size)
    if figure is not None:
        return figure
    unit = "mm" if size.name.endswith("mm") else ""
    sides = [float(side.removesuffix("mm")) for side in size.name.split("x")]
    factor = _STEP
    while factor < _MOST:
        larger = "x".join(f"{int(side * factor) + 1}{unit}" for side in sides)
        if max(sides) * factor < MOST_PIXELS and _if_legible(
            draw, style.size_named(larger, size.dpi if unit else None)
        ):
            raise SpecError(f"size: expected at least {larger} for this picture, got {size.name}")
        factor *= _STEP
    draw(size)  # which may say more
    raise SpecError(f"size: expected another shape for this picture than {size.name}")


def _if_legible(draw: Callable[[Size], Figure], size: Size) -> Figure | None:
    try:
        figure = draw(size)
    except ConvlabError:
        return None
    return figure if legible(figure) else None
