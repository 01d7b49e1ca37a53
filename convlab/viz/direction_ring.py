"""The ring of a scale of directions: what the colours of a map of angles mean."""

from __future__ import annotations

import numpy as np

from convlab.viz import style
from convlab.viz.canvas import LINE, Canvas
from convlab.viz.style import Scale

_PARTS = 90


class DirectionRing:
    """Every direction in its colour, at the place that it points to, below its word.

    ``scale``: degrees above -180 up to 180, 0 to the right and 90 downwards; ``width`` and
    ``height`` in pixels.
    """

    word = "direction"

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.scale = Scale(-180.0, 180.0, style.cyclic_map(canvas.theme))
        self.radius, small = 42 * canvas.unit, canvas.size.small
        ring = 2 * self.radius + 0.4 * small + canvas.measure("0°", small)
        self.width = max(ring, canvas.measure(self.word, small))
        self.height = 2 * self.radius + (2 * LINE + 0.5) * small

    def draw(self, left: float, top: float) -> None:
        """Draw it at (left, top)."""
        canvas, radius, small = self.canvas, self.radius, self.canvas.size.small
        canvas.note(left, top, self.word)
        x, y = left + radius, top + small * LINE + 0.3 * small + radius
        degrees = np.arange(_PARTS) * 360 / _PARTS - 180
        # Each part reaches under the next one, so that no gap shows between them.
        ends = np.radians(degrees[:, None] + 360 / _PARTS * np.array([-0.5, 0.9]))
        outer = radius * np.stack([np.cos(ends), np.sin(ends)], axis=-1)
        corners = np.concatenate([outer, 0.55 * outer[:, ::-1]], axis=1)
        fills = [style.to_hex(rgb / 255) for rgb in self.scale.rgb(degrees)]
        canvas.polygons(corners + (x, y), fill=fills)
        canvas.text(x + radius + 0.4 * small, y, "0°", "lc", px=small)
        canvas.text(x, y + radius + 0.2 * small, "90°", "mt", px=small)
